"""Nesting and crossing, as the data show them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError
from multilevel.frames.table import Table
from multilevel.workflow.hierarchy import read_hierarchy
from multilevel.workflow.labels import common_difference, starts_again

DATA = Path(__file__).parents[2] / "reference" / "data"


def read(data, groups, outcome=None):
    groups = (groups,) if isinstance(groups, str) else tuple(groups)
    hierarchy = read_hierarchy(Table.from_data(data), groups, outcome)
    return hierarchy.crossed, [
        (factor.name, factor.n_levels, factor.reused) for factor in hierarchy.factors
    ]


def reference(name):
    return pd.read_csv(DATA / f"{name}.csv.gz")


def classes(n_schools, n_classes, n_pupils, *, seed, drop=False, labels=None):
    """Schools whose classes are numbered from the same labels."""
    rng = np.random.default_rng(seed)
    school, label = np.divmod(np.arange(n_schools * n_classes), n_classes)
    kept = label < rng.integers(2, n_classes + 1, n_schools)[school] if drop else label >= 0
    school, label = school[kept], label[kept]
    y = rng.normal(size=n_schools)[school] + rng.normal(size=len(school))
    names = np.arange(n_classes) if labels is None else np.array(labels)
    data = pd.DataFrame({"school": school, "class": names[label], "y": y})
    data = data.loc[data.index.repeat(n_pupils)].reset_index(drop=True)
    return data.assign(y=data["y"] + rng.normal(size=len(data)))


def items(n_persons, n_items, n_trials, *, seed, share=1.0):
    rng = np.random.default_rng(seed)
    person, item, _ = np.indices((n_persons, n_items, n_trials)).reshape(3, -1)
    y = rng.normal(size=n_persons)[person] + rng.normal(size=n_items)[item]
    data = pd.DataFrame({"person": person, "item": item, "y": y + rng.normal(size=len(y))})
    return data[rng.random(len(y)) < share]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("shape", "drop", "labels"),
    [
        ((20, 3, 8), False, None),
        ((10, 5, 6), False, None),
        ((6, 6, 4), False, None),
        ((40, 4, 5), True, ["z", "b", "a", "q"]),
        ((8, 12, 6), True, None),
        ((5, 12, 6), True, None),
    ],
)
def test_classes_that_start_again_in_every_school(shape, drop, labels, seed):
    data = classes(*shape, seed=seed, drop=drop, labels=labels)
    crossed, factors = read(data, ["school", "class"], "y")
    assert not crossed
    assert [name for name, _, _ in factors] == ["school", "school:class"]
    assert factors[1][1] == len(data[["school", "class"]].drop_duplicates())
    assert factors[1][2]


@pytest.mark.parametrize("seed", range(3))
def test_gaps_in_labels(seed):
    data = classes(30, 4, 6, seed=seed, drop=True)
    gone = (data["school"] % 10 == 3) & (data["class"] == 0)
    crossed, factors = read(data[~gone], ["school", "class"], "y")
    assert not crossed
    assert factors[1][0] == "school:class"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("shape", "share"),
    [((40, 10, 1), 1.0), ((40, 10, 3), 1.0), ((40, 10, 3), 0.8)],
)
def test_persons_by_items_are_crossed(shape, share, seed):
    crossed, factors = read(items(*shape, seed=seed, share=share), ["person", "item"], "y")
    assert crossed
    assert [name for name, _, _ in factors] == ["person", "item"]


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize(
    ("name", "groups", "outcome", "crossed"),
    [
        ("ScotsSec", ["primary", "second"], "attain", True),
        ("Penicillin", ["plate", "sample"], "diameter", True),
        ("InstEval", ["s", "d"], "y", True),
        ("Oxboys", ["Subject", "Occasion"], "height", True),  # one row per measurement
        ("Pastes", ["batch", "cask"], "strength", False),
        ("Oats", ["Block", "Variety"], "yield", False),
        ("egsingle", ["schoolid", "childid"], "math", False),
    ],
)
def test_data_sets(name, groups, outcome, crossed, order):
    assert read(reference(name), groups[::order], outcome)[0] is crossed


def test_few_machines_that_all_workers_use():
    assert read(reference("Machines"), ["Worker", "Machine"], "score")[0]


def test_labels_of_their_own_need_no_repair():
    _, factors = read(reference("egsingle"), ["childid", "schoolid"], "math")
    assert factors == [("schoolid", 60, False), ("childid", 1721, False)]


def test_three_levels():
    data = classes(12, 3, 6, seed=1)
    data["district"] = data["school"] // 4
    crossed, factors = read(data, ["class", "school", "district"], "y")
    assert not crossed
    assert [name for name, _, _ in factors] == ["district", "school", "school:class"]


def test_what_is_written_is_taken():
    data = classes(10, 3, 4, seed=1)
    assert read(data, "school + class")[0]
    assert read(items(10, 4, 3, seed=1), "person/item")[1][1] == ("person:item", 40, True)


def test_two_factors_that_are_one():
    data = classes(5, 2, 3, seed=1).assign(code=lambda frame: frame["school"] + 100)
    with pytest.raises(DataError, match="'school' and 'code' group the rows alike"):
        read(data, ["school", "code"])


def test_measured_numbers_are_no_groups():
    with pytest.raises(DataError, match=r"'y' holds measured .* put it in level1"):
        read(classes(5, 2, 3, seed=1), ["y"])


def test_common_difference_is_the_test_of_a_two_way_table():
    # Randomised blocks: 6 workers x 3 machines, means of 3 runs; F by hand from means.
    data = reference("Machines")
    table = data.groupby(["Worker", "Machine"])["score"].mean().unstack()
    from scipy.stats import f

    effects = table.mean() - table.to_numpy().mean()
    left = table.sub(table.mean(axis=1), axis=0) - effects
    ratio = (6 * (effects**2).sum() / 2) / ((left**2).to_numpy().sum() / 10)
    codes = [pd.factorize(data[name])[0] for name in ("Worker", "Machine")]
    p = common_difference(*codes, data["score"].to_numpy())
    np.testing.assert_allclose(p, f.sf(ratio, 2, 10), rtol=1e-9)
    assert not starts_again(*codes, data["score"].to_numpy())
    assert starts_again(*codes, None)


def test_names_and_order_of_rows_change_nothing():
    data = classes(20, 4, 5, seed=2, drop=True)
    names = {0: "ä z", 1: "b", 2: "10", 3: "9"}
    other = data.sample(frac=1.0, random_state=1).assign(
        school=lambda frame: "S" + (97 * frame["school"] % 101).astype(str),
        **{"class": lambda frame: frame["class"].map(names)},
    )
    assert read(data, ["school", "class"], "y") == read(other, ["school", "class"], "y")


def test_hsb_has_one_factor():
    assert read(mlm.datasets.load("hsb"), "school", "math") == (False, [("school", 160, False)])
