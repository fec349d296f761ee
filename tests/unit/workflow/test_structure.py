"""Step 1: what the sentences say of the structure of data."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest

import multilevel as mlm
from multilevel.report.document import Bullets, Paragraph
from multilevel.workflow.analysis import Analysis

mpl.use("Agg")

DATA = Path(__file__).parents[2] / "reference" / "data"


def reference(name):
    return pd.read_csv(DATA / f"{name}.csv.gz")


def structure(data, outcome, groups, **arguments):
    return Analysis(data, outcome, groups, **arguments).structure


def text_of(step):
    """All sentences of a step."""
    parts = [block.text for block in step.blocks if isinstance(block, Paragraph)]
    parts += [item for block in step.blocks if isinstance(block, Bullets) for item in block.items]
    return " ".join(parts)


def codes(step):
    return {note.code for note in step.notes}


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb", "pandas")


@pytest.fixture(scope="module")
def schools(hsb):
    return structure(hsb, "math", "school", level1=["ses", "minority", "sex"], level2="sector")


def test_high_school_and_beyond(schools):
    # Raudenbush & Bryk (2002): 7,185 students in 160 schools, 14 to 67 in each, 45 on average
    assert schools.headline == (
        "7,185 rows in 160 schools (14–67 per school, mean 44.9, harmonic mean 41.1)."
    )
    assert codes(schools) == set()
    sizes = schools.tables["sizes"].iloc[0]
    assert (sizes["n_groups"], sizes["smallest"], sizes["largest"]) == (160, 14, 67)
    assert sizes["median"] == 47.0


def test_predictors_by_level_and_centring(schools):
    table = schools.tables["predictors"].set_index("predictor")
    assert table["varies"].to_dict() == {
        "ses": "rows and schools",
        "minority": "rows and schools",
        "sex": "rows and schools",
        "sector": "schools",
    }
    np.testing.assert_allclose(table.loc["ses", "between"], 0.267, atol=0.001)
    text = text_of(schools)
    assert "26.7% of its variance lies between groups of `school`. It is split" in text
    assert "the share of `Female` in the school" in text
    assert "`Catholic` is compared with `Public`" in text


def test_the_number_of_groups_decides(schools, hsb):
    few = structure(hsb[hsb["school"].isin(hsb["school"].unique()[:12])], "math", "school")
    assert [d.threshold for d in (*schools.decisions[:1], *few.decisions)] == [
        "at least 50",
        "fewer than 20",
    ]
    assert "not for z tests" in few.decisions[0].verdict


def test_missing_values_by_column_and_level(hsb):
    data = hsb.copy()
    data.loc[data.index[5:7000:70], "ses"] = np.nan
    lost = data["school"].isin(data["school"].unique()[-3:])
    data.loc[lost, "meanses"] = np.nan
    step = structure(data, "math", "school", level1="ses", level2="meanses")
    n = 100 + int(lost.sum())
    assert f"{n:,} of 7,185 rows" in text_of(step)
    assert "3 of 160 schools" in text_of(step)
    table = step.tables["missing"].set_index("column")
    assert table["n_missing"].to_dict() == {"ses": 100, "meanses (group)": int(lost.sum())}
    assert table.loc["meanses (group)", "n_groups_all"] == 3
    assert {note.severity for note in step.notes if note.code == "STRUCT-MISSING"} == {"info"}
    assert "missing_by_group" in step.figures


def test_nothing_missing_has_no_picture(schools):
    assert "all 7,185 rows are used" in text_of(schools)
    assert "missing_by_group" not in schools.figures
    assert "missing" not in schools.tables


def test_nested_with_labels_used_again():
    step = structure(mlm.datasets.load("pastes", "pandas"), "strength", ["batch", "cask"])
    assert step.headline == "60 rows in 30 casks (2 per cask), in 10 batches (6 per batch)."
    assert "every cask belongs to one batch, which has 3 of them" in text_of(step)
    note = next(note for note in step.notes if note.code == "STRUCT-IDREUSE")
    assert "The 3 labels of `cask` are used again" in note.text
    assert 'groups="batch + cask"' in note.text


def test_nested_as_written_although_the_data_look_crossed():
    step = structure(mlm.datasets.load("penicillin", "pandas"), "diameter", ["sample", "plate"])
    assert "all" in text_of(step)
    assert "STRUCT-CROSSED" not in codes(step)
    machines = structure(reference("Machines"), "score", "Worker/Machine")
    note = next(note for note in machines.notes if note.code == "STRUCT-CROSSED")
    assert "was said to be nested in `Worker`, but the data look crossed" in note.text


def test_crossed_and_partially_crossed():
    step = structure(mlm.datasets.load("penicillin", "polars"), "diameter", ["plate", "sample"])
    assert "crossed: neither is nested in the other; 144 of 144 combinations" in text_of(step)
    assert "24 plates (6 per plate), crossed with 6 samples" in step.headline
    assert isinstance(step.tables["sizes"], pl.DataFrame)
    scots = structure(reference("ScotsSec"), "attain", ["primary", "second"])
    assert "partially crossed" in text_of(scots)
    assert "303 of 2,812 combinations occur (10.8%)" in text_of(scots)
    assert "incidence_1_2" in scots.figures


def test_almost_nested():
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"pupil": np.repeat(np.arange(100), 4), "y": rng.normal(size=400)})
    data["school"] = data["pupil"] // 10
    data.loc[3, "school"] = 7
    note = next(n for n in structure(data, "y", ["school", "pupil"]).notes if "CROSSED" in n.code)
    assert "99.0% of the groups of one lie in a single group of the other" in note.text


def test_numbers_of_rows_that_start_again_are_asked_about():
    # in these data the number of a student is unique within the school only
    step = structure(reference("Exam"), "normexam", ["school", "student"])
    texts = [note.text for note in step.notes if note.code == "STRUCT-CROSSED"]
    assert len(texts) == 1
    assert "they only number the rows: leave `student` out" in texts[0]


def test_balanced_time():
    step = structure(mlm.datasets.load("sleepstudy"), "Reaction", "Subject", time="Days")
    assert "All 18 Subjects have 10 rows: the data are balanced" in text_of(step)
    assert "All share the same 10 occasions (equally spaced, 1 apart)" in text_of(step)
    assert "fewer rows" not in text_of(step)


def test_drop_out_is_said_and_reversed_when_time_runs_backwards():
    data = mlm.datasets.load("sleepstudy", "pandas")
    data = data[(data["Days"] < 8) | (data["Subject"].astype(str) < "335")]
    forward = text_of(structure(data, "Reaction", "Subject", time="Days"))
    assert "At the last time there are fewer rows than at the first: 8 and 18" in forward
    backward = text_of(
        structure(data.assign(Days=-data["Days"]), "Reaction", "Subject", time="Days")
    )
    assert "At the last time there are more rows than at the first: 18 and 8" in backward


def test_times_of_their_own():
    rng = np.random.default_rng(1)
    data = mlm.datasets.load("sleepstudy", "pandas")
    data["Days"] = data["Days"] + rng.random(180) / 2
    step = structure(data, "Reaction", "Subject", time="Days")
    assert "180 different times: units have times of their own" in text_of(step)
    assert "occasions" not in step.tables


@pytest.mark.parametrize("kind", ["pandas", "polars", "dict"])
def test_every_figure_draws_and_has_its_numbers(kind):
    data = mlm.datasets.load("sleepstudy", "pandas")
    data["x"] = np.where(np.arange(180) % 7 == 0, np.nan, np.arange(180.0))
    data["half"] = np.where(data["Subject"].astype(str) < "335", "a", "b")
    make = {"polars": pl.from_pandas, "dict": lambda f: {n: f[n].to_numpy() for n in f}}
    data = make.get(kind, lambda frame: frame)(data)
    step = structure(data, "Reaction", "half/Subject", time="Days", level1="x")
    assert set(step.figures) == {
        "unit_diagram",
        "group_sizes_1",
        "group_sizes_2",
        "missing_by_group",
        "rows_by_time",
    }
    assert not set(step.figures) & set(step.tables)
    for picture in step.figures.values():
        assert picture.draw().axes
        assert len(picture.data())
        assert any(character.isdigit() for character in picture.alt)


def test_no_predictors_and_odd_names(hsb):
    data = hsb.rename(columns={"math": "Punkte (M)", "school": "Schule Nr."})
    step = structure(data, "Punkte (M)", "Schule Nr.")
    assert step.headline.startswith(
        "7,185 rows in 160 groups of `Schule Nr.` (14–67 per group, mean"
    )
    assert "No predictors were named" in text_of(step)


def coded(values, order=None):
    """Rows in groups whose ``z`` takes these values in turn."""
    rng = np.random.default_rng(6)
    group = np.repeat(np.arange(30), 8)
    data = {"y": rng.normal(size=240), "g": group, "z": np.resize(values, 30)[group]}
    if order:
        data["z"] = pd.Categorical(data["z"], order)
    return Analysis(pd.DataFrame(data), "y", "g", level2="z").structure


def test_whole_numbers_that_may_be_categories():
    [note] = [one for one in coded([1, 2, 3]).notes if one.code == "STRUCT-CODED"]
    assert note.text.startswith("`z` has the values 1, 2 and 3 and is taken as a number: ")
    assert note.severity == "info"


@pytest.mark.parametrize(
    "values", [[0, 1], [1, 2, 4], [0.5, 1.0, 1.5], list(range(10)), ["1", "2", "3"]]
)
def test_other_values_are_not_taken_for_codes(values):
    assert "STRUCT-CODED" not in [note.code for note in coded(values).notes]


def test_the_first_category_is_said_to_be_that_of_the_alphabet():
    text = str(coded(["low", "mid", "high"]))
    first = "compared with `high`, the first in the alphabet: a categorical column may have another"
    assert first in " ".join(text.split())
    ordered = coded(["low", "mid", "high"], ["low", "mid", "high"])
    assert "`mid` and `high` are each compared with `low`." in " ".join(str(ordered).split())


def with_code(value, column="x", scale=1.0):
    """Rows in groups, three of which have a value of their own."""
    rng = np.random.default_rng(7)
    data = pd.DataFrame({"g": np.repeat(np.arange(20), 6), "x": scale * rng.normal(size=120)})
    data["y"] = data["x"] + rng.normal(size=120)
    data.loc[[3, 30, 90], column] = value
    return [
        note
        for note in Analysis(data, "y", "g", level1="x").structure.notes
        if note.code == "STRUCT-MISSINGCODE"
    ]


@pytest.mark.parametrize(("value", "column"), [(-99, "x"), (999, "x"), (-77, "y"), (8888, "y")])
def test_numbers_that_stand_for_missing_values(value, column):
    [note] = with_code(value, column)
    shown = f"{value:,}".replace("-", "−")
    assert note.text.startswith(f"`{column}` is {shown} in 3 rows, far from all others, which lie")
    assert note.severity == "problem"


@pytest.mark.parametrize("value", [-100, 99.5, 97, 2])
def test_numbers_that_stand_for_themselves(value):
    assert not with_code(value)


def test_a_code_among_other_values_is_a_value():
    assert not with_code(99, scale=40.0)
