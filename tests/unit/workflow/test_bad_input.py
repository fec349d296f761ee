"""Awkward input of the guided analysis: what is noted, and when it is not.

The list of bad input is in ``tests/bad_input/analyses.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bad_input.analyses import N, clean
from multilevel.exceptions import DataError, MultilevelError
from multilevel.workflow.analysis import Analysis

WEIGHT_LOSS = Path(__file__).parents[2] / "reference" / "data" / "WeightLoss.csv.gz"
# Sums of the same numbers in another order.
RTOL = 1e-10
D = clean()


def says(data, outcome="y", groups="g", **arguments):
    """Notes of step 1 by code."""
    return {
        note.code: note for note in Analysis(data, outcome, groups, **arguments).structure.notes
    }


def test_clean_data_have_nothing_to_say():
    assert says(D, level1="x", level2="z") == {}


def test_counts_are_analysed_with_a_note():
    rng = np.random.default_rng(2)
    assert "whole numbers from 0 to" in says(D.assign(y=rng.poisson(2, N)))["STRUCT-COUNT"].text


def test_group_predictor_that_varies_within_groups():
    text = says(D, level2="x")["STRUCT-CONSTANT"].text
    assert "within 20 of 20 groups of `g`" in text
    assert "`s0`, `s1`, `s10`" in text
    assert "treated as a predictor of rows" in text


def test_one_wrong_entry_in_a_group_predictor():
    data = D.copy()
    data.loc[3, "z"] = 9.0
    text = says(data, level2="z")["STRUCT-CONSTANT"].text
    assert "within 1 of 20 groups of `g` (`s0`)" in text
    assert "and 9): it stays a predictor of groups" in text


def test_row_predictor_that_never_varies_within_groups():
    assert "treated as a predictor of gs" not in says(D, level1="x")
    assert "never varies within a group of `g`" in says(D, level1="z")["STRUCT-MOVED"].text


@pytest.mark.parametrize(
    ("n_groups", "severity", "source"),
    [(3, "problem", "Gelman"), (6, "problem", "Snijders"), (12, "warning", "Elff")],
)
def test_few_groups(n_groups, severity, source):
    note = says(D.assign(g=np.arange(N) % n_groups))["STRUCT-FEWGROUPS"]
    assert note.severity == severity
    assert source in note.text


def test_few_large_groups_are_categories():
    notes = says(D.assign(g=np.arange(N) % 3))
    assert "segments of customers" in notes["STRUCT-FEWSEGMENTS"].text
    assert "STRUCT-FEWSEGMENTS" not in says(D.assign(g=np.arange(N) % 9))


def test_singletons():
    notes = says(D.assign(g=[*range(150), *([150] * 50)]))
    assert "150 of 151 groups (`g`) (99.3%) have a single row" in notes["STRUCT-SINGLETON"].text


def test_wide_data():
    wide = pd.read_csv(WEIGHT_LOSS)
    note = says(wide, "wl1", "group")["STRUCT-WIDE"]
    assert note.severity == "warning"
    assert "multilevel.wide_to_long(data, ['wl', 'se'])" in note.text
    with pytest.raises(DataError, match=r"wide_to_long\(data, \['wl', 'se'\]\)"):
        Analysis(wide.assign(id=range(34)), "wl1", "id")


def test_items_of_a_questionnaire_are_not_taken_for_occasions():
    data = D.assign(**{f"item{i}": D.x + i for i in range(5)})
    assert "STRUCT-WIDE" not in says(data)


def test_rows_that_are_there_twice():
    note = says(pd.concat([D, D.iloc[:3]]), level1="x")["STRUCT-DUPID"]
    assert "3 rows repeat another row in all 4 columns" in note.text


def test_a_unit_measured_twice_at_a_time():
    data = D.assign(t=np.tile(np.arange(10), 20))
    assert "STRUCT-DUPID" not in says(data, time="t")
    data.loc[1, "t"] = 0
    assert "1 of 199 combinations of `g` and `t`" in says(data, time="t")["STRUCT-DUPID"].text
    data["t"] = np.tile(np.arange(10) // 5, 20)
    assert "is not what was measured repeatedly" in says(data, time="t")["STRUCT-DUPID"].text


def test_coordinates():
    data = D.assign(site_lat=D.z, site_lon=D.x)
    assert "`site_lat` and `site_lon` look like coordinates" in says(data)["STRUCT-SPATIAL"].text
    assert "STRUCT-SPATIAL" not in says(D.assign(lat="x", platform=1.0))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ("y,g,größe\n1,a,2\n2,a,3\n".encode("latin-1"), "save it as UTF-8"),
        (b"y:g\n1:a\n2:a\n", "has one column only: no comma, semicolon"),
        (b"y,g\n1,a\n2,a,3,4\n", "Expected 2 fields in line 3, saw 4"),
        (b"", "is empty"),
        (b'y,g\n"1,5",a\n"2,5",a\n"3,5",b\n', "numbers with decimal commas ('1,5')"),
    ],
)
def test_broken_files(tmp_path, raw, message):
    file = tmp_path / "data.csv"
    file.write_bytes(raw)
    with pytest.raises(MultilevelError) as caught:
        Analysis(file, "y", "g")
    assert message in str(caught.value)


def test_semicolons_and_decimal_commas_are_read(tmp_path):
    file = tmp_path / "data.csv"
    D.to_csv(file, sep=";", decimal=",", index=False)
    np.testing.assert_array_equal(Analysis(file, "y", "g").study.y, D.y)


def test_time_that_passes_between_classes_of_a_school_only():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"school": np.arange(160) // 16, "class": np.arange(160) // 4})
    data["year"] = data["class"] % 4
    data["y"] = rng.normal(size=10)[data["school"]] + data["year"] + rng.normal(size=160)
    analysis = Analysis(data, "y", ["school", "class"], time="year")
    text = " ".join(str(analysis.interpretation).split())
    assert "The average trajectory: `y` is" in text
    assert "for values of `year`" not in text


# -- the study does not depend on how data come ------------------------------------------------

KINDS = {
    "pandas": lambda frame: frame,
    "polars": pl.from_pandas,
    "dict": lambda frame: {name: frame[name].to_numpy() for name in frame},
}


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    kind=st.sampled_from(sorted(KINDS)),
    names=st.permutations(["größe in cm", "x", "a b", "Σ", "y_1"]),
)
def test_order_names_and_kind_of_data_change_nothing(seed, kind, names):
    rng = np.random.default_rng(seed)
    data = D.assign(
        c=np.tile(np.repeat([1, 2], 5), 20),
        x=np.where(rng.random(N) < 0.03, np.nan, D.x),
    )
    columns = dict(zip(["y", "g", "x", "z", "c"], names, strict=True))
    ids = {label: f"Ä {i}" for i, label in enumerate(rng.permutation(data["g"].unique()))}
    order = rng.permutation(N)
    other = data.assign(g=data["g"].map(ids)).iloc[order].rename(columns=columns)
    first = Analysis(data, "y", ["g", "c"], level1="x", level2="z").study
    second = Analysis(
        KINDS[kind](other.reset_index(drop=True)),
        columns["y"],
        [columns["g"], columns["c"]],
        level1=columns["x"],
        level2=columns["z"],
    ).study
    assert [(one.n_levels, one.parent, one.reused) for one in first.hierarchy.factors] == [
        (one.n_levels, one.parent, one.reused) for one in second.hierarchy.factors
    ]
    np.testing.assert_array_equal(first.rows[order], second.rows)
    shuffled = np.argsort(np.argsort(order[second.rows]))
    for one, two in zip(first.predictors, second.predictors, strict=True):
        assert (one.level, one.kind, one.centring) == (two.level, two.kind, two.centring)
        np.testing.assert_allclose(one.icc, two.icc, rtol=RTOL)
        for mine, yours in zip(one.columns.values(), two.columns.values(), strict=True):
            np.testing.assert_allclose(mine[shuffled], yours, rtol=RTOL, atol=RTOL)
