"""Wide data made long."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError
from multilevel.frames.reshape import repeated_columns
from multilevel.frames.table import Table

# Weight loss and self-esteem of 34 persons in three months; O'Brien & Kaiser (1985) through Fox's
# package carData 3.0 (GPL-2+), as Debian distributes it.
WEIGHT_LOSS = Path(__file__).parents[2] / "reference" / "data" / "WeightLoss.csv.gz"


@pytest.fixture(scope="module")
def weight_loss() -> pd.DataFrame:
    return pd.read_csv(WEIGHT_LOSS)


def test_numbered_columns_are_found_and_laid_under_each_other(weight_loss):
    long = mlm.wide_to_long(weight_loss)
    assert list(long.columns) == ["id", "group", "time", "wl", "se"]
    assert len(long) == 34 * 3
    assert long["time"].tolist()[:4] == [1, 2, 3, 1]
    first, last = weight_loss.iloc[0], weight_loss.iloc[33]
    assert long.query("id == 1")["wl"].tolist() == [first.wl1, first.wl2, first.wl3]
    assert long.query("id == 34")["se"].tolist() == [last.se1, last.se2, last.se3]
    assert long["wl"].dtype == np.int64
    assert set(long.query("id == 34")["group"]) == {last.group}


def test_agrees_with_pandas(weight_loss):
    wide = weight_loss.assign(client=[f"c{i:02d}" for i in range(34)])
    ours = mlm.wide_to_long(wide, ["wl", "se"], unit="client", time="month")
    theirs = (
        pd.wide_to_long(wide, ["wl", "se"], i="client", j="month")
        .reset_index()
        .sort_values(["client", "month"], ignore_index=True)
    )
    pd.testing.assert_frame_equal(ours, theirs[ours.columns])


@pytest.mark.parametrize("kind", ["polars", "pyarrow", "dict"])
def test_every_kind_of_data(weight_loss, kind):
    make = {
        "polars": pl.from_pandas,
        "pyarrow": pa.Table.from_pandas,
        "dict": lambda frame: frame.to_dict("list"),
    }
    data = make[kind](weight_loss)
    long = mlm.wide_to_long(data)
    assert isinstance(long, type(data))
    if kind == "dict":
        found = pd.DataFrame(long)
    else:
        found = pd.DataFrame(
            long.to_dict(as_series=False) if kind == "polars" else long.to_pydict()
        )
    expected = mlm.wide_to_long(weight_loss)
    assert found.columns.tolist() == expected.columns.tolist()
    for name in expected:
        assert found[name].tolist() == expected[name].tolist()


def test_one_variable_leaves_the_others_as_they_are(weight_loss):
    long = mlm.wide_to_long(weight_loss, "wl")
    assert list(long.columns) == ["id", "group", "se1", "se2", "se3", "time", "wl"]


def test_separators_zeros_and_gaps():
    wide = {
        "y_00": [1.0, 2.0],
        "y_06": [3.0, 4.0],
        "y_12": [5.0, 6.0],
        "x.6": [7, 8],
        "x.12": [9, 0],
    }
    long = mlm.wide_to_long(wide)
    assert long["time"].tolist() == [0, 6, 12, 0, 6, 12]
    assert long["y"].tolist() == [1, 3, 5, 2, 4, 6]
    np.testing.assert_array_equal(long["x"], [np.nan, 7, 9, np.nan, 8, 0])


def test_columns_and_times_by_name_with_text_and_missing_values():
    wide = pl.DataFrame({"who": ["a", "b"], "before": ["lo", None], "after": ["hi", "hi"]})
    long = mlm.wide_to_long(wide, {"mood": {"before": -0.5, "after": 0.5}}, unit="who")
    assert long["time"].to_list() == [-0.5, 0.5, -0.5, 0.5]
    assert long["mood"].to_list() == ["lo", "hi", None, "hi"]


def test_the_data_are_left_alone(weight_loss):
    before = weight_loss.copy()
    mlm.wide_to_long(weight_loss)
    pd.testing.assert_frame_equal(weight_loss, before)


def test_single_numbered_columns_are_no_variables():
    table = Table.from_data({"item1": [1], "item2": [2], "wave3": [3], "x": [4], "2020": [5]})
    assert repeated_columns(table) == {"item": {1.0: "item1", 2.0: "item2"}}


@pytest.mark.parametrize(
    ("data", "arguments", "says"),
    [
        ({"a": [1], "b": [2]}, {}, "No columns of repeated measurements were found"),
        ({"a1": [1], "a2": [2]}, {"columns": "b"}, "such as 'b1' and 'b2'. Numbered columns"),
        ({"a1": [1], "a01": [2]}, {}, "'a1' and 'a01' stand for the same time 1"),
        ({"a1": [1], "a2": [2], "a": [3]}, {}, "There is a column 'a' already: rename it"),
        ({"a1": [1], "a2": [2], "time": [3]}, {}, 'another name, time="occasion"'),
        ({"a1": [1], "a2": [2], "id": [3]}, {}, 'say unit="id" if it tells the units apart'),
        ({"a1": [1], "a2": [2]}, {"time": "a"}, "There is a column 'a' already"),
        ({"a1": [1], "a2": [2]}, {"unit": "a1"}, "'a1' is one of the repeated measurements"),
        ({"a1": [1], "a2": [2]}, {"unit": "who"}, "There is no column 'who'"),
        (
            {"a1": [1, 1, 1], "a2": [2, 2, 2], "k": ["x", "x", "y"]},
            {"unit": "k"},
            "1 of its values occur more than once (x). In wide data each unit has one row",
        ),
        ({"a1": [1, 1], "a2": [2, 2], "k": ["x", None]}, {"unit": "k"}, "'k' is missing in row 1"),
        ({"a1": [1], "a2": ["x"]}, {}, "cannot be one variable: 'a1' holds numbers"),
        ({"a": [1], "b": [1]}, {"columns": {"y": {"a": 0, "c": 1}}}, "There is no column 'c'"),
        ({"a": [1], "b": [1]}, {"columns": {"y": {"a": "pre"}}}, "must be a number; got 'pre'"),
        ({"a": [1], "b": [1]}, {"columns": {"y": {}}}, "names no column"),
        ({"a": [1], "b": [1]}, {"columns": {"y": {"a": 1, "b": 1}}}, "the same time 1"),
    ],
)
def test_what_cannot_be_done_says_why(data, arguments, says):
    with pytest.raises(DataError) as caught:
        mlm.wide_to_long(data, **arguments)
    assert says in str(caught.value)
