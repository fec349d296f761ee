"""What the guided analysis says does not depend on the order of rows, names and kind of data.

Simulated responses do depend on the order of rows; the report says so, and they are left out here.
"""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pandas as pd
import polars as pl
import pytest

from multilevel.report.document_markdown import document_markdown
from multilevel.workflow.analysis import Analysis

# In another order, and no words that groups are called by.
NAMES = {"yy": "qa", "xx": "qz", "ww": "qb", "gg": "qy", "hh": "qx", "tt": "qc", "cc": "qw"}
KINDS = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "dict": lambda frame: {name: frame[name].to_numpy() for name in frame},
}


def groups_of_rows(rng):
    data = pd.DataFrame({"gg": np.repeat(np.arange(24), 8)})
    data["xx"] = rng.normal(size=192) + rng.normal(size=24)[data["gg"]] / 2
    data["ww"] = rng.normal(size=24)[data["gg"]]
    data["cc"] = rng.choice(["one", "three", "two"], 192)
    data["yy"] = data["xx"] + data["ww"] / 2 + rng.normal(size=24)[data["gg"]]
    return data, ["gg"], {"level1": ["xx", "cc"], "level2": ["ww"]}


def groups_in_groups(rng):
    data = pd.DataFrame({"hh": np.arange(180) // 12, "gg": np.arange(180) // 4 % 3})
    data["xx"] = rng.normal(size=180)
    data["yy"] = data["xx"] + rng.normal(size=15)[data["hh"]] + rng.normal(size=3)[data["gg"]]
    return data, ["hh", "gg"], {"level1": ["xx"]}


def crossed(rng):
    data = pd.DataFrame({"gg": np.repeat(np.arange(15), 12), "hh": np.tile(np.arange(12), 15)})
    data["ww"] = (data["hh"] % 2).astype(float)
    data["yy"] = rng.normal(size=15)[data["gg"]] + rng.normal(size=12)[data["hh"]] + data["ww"]
    return data, ["gg", "hh"], {"level2": ["ww"]}


def over_time(rng):
    data = pd.DataFrame({"gg": np.repeat(np.arange(30), 5), "tt": np.tile([0, 1, 2, 4, 7], 30)})
    data["cc"] = np.where(data["gg"] % 2, "treated", "waiting")
    data["yy"] = rng.normal(size=30)[data["gg"]] + rng.normal(0.5, 0.2, 30)[data["gg"]] * data["tt"]
    return data, ["gg"], {"time": "tt", "level2": ["cc"]}


def told(data, groups, arguments):
    """Lines of the report in Markdown, without what is simulated."""
    document = Analysis(data, groups=groups, **arguments).document
    blocks = document_markdown(document, defaultdict(str)).split("\n\n")
    table = blocks.index(next(one for one in blocks if "Observed and simulated" in one)) + 1
    lines = [line for one in blocks[:table] + blocks[table + 1 :] for line in one.splitlines()]
    return [re.sub(":?---:?", "---", line) for line in lines if "simulated" not in line]


@pytest.mark.parametrize("design", [groups_of_rows, groups_in_groups, crossed, over_time])
def test_the_text_is_the_same(design):
    rng = np.random.default_rng(11)
    data, groups, arguments = design(rng)
    data["yy"] += rng.normal(size=len(data))
    for name in groups:
        data[name] = [f"s{label:02d}" for label in data[name]]
    first = told(data, groups, {"outcome": "yy", **arguments})
    assert len(first) > 300
    for kind in KINDS.values():
        shuffled = data.iloc[rng.permutation(len(data))].reset_index(drop=True)
        assert told(kind(shuffled), groups, {"outcome": "yy", **arguments}) == first

    other = data.copy()
    for name in groups:
        other[name] = other[name].str.replace("s", "Z")
    named = {
        argument: NAMES[given] if isinstance(given, str) else [NAMES[name] for name in given]
        for argument, given in ({"outcome": "yy", "groups": groups} | arguments).items()
    }
    text = "\n".join(told(other.rename(columns=NAMES), named.pop("groups"), named))
    for name, new in NAMES.items():
        text = text.replace(new, name)
    assert re.sub(r"Z(\d\d)", r"s\1", text).splitlines() == first
