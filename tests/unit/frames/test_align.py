"""Weights and offsets beside the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.exceptions import DataError
from multilevel.frames.align import align
from multilevel.frames.table import Table

FRAME = pd.DataFrame({"w": [1, 2, 3], "s": ["a", "b", "c"]}, index=[10, 20, 30])
TABLE = Table.from_data(FRAME)
REPEATED = Table.from_data(FRAME.set_axis([1, 1, 2]))
NO_INDEX = Table.from_data(pl.DataFrame({"w": [1, 2, 3]}))


@pytest.mark.parametrize(
    "values",
    [
        "w",
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        np.array([1, 2, 3]),
        FRAME["w"],
        pd.Series([3, 1, 2], index=[30, 10, 20]),
        pl.Series([1, 2, 3]),
        pa.chunked_array([[1], [2, 3]]),
        pd.Series([3.0, 1, 2], index=[30, 10, 20], dtype="Float64"),
    ],
)
def test_values_come_in_the_order_of_the_rows(values: Any) -> None:
    aligned = align(values, "weights", TABLE)
    assert aligned.dtype == np.float64
    assert aligned.tolist() == [1.0, 2.0, 3.0]


def test_repeated_index_is_matched_when_it_is_the_same() -> None:
    assert align(pd.Series([1.0, 2, 3], index=[1, 1, 2]), "weights", REPEATED).tolist() == [1, 2, 3]


def test_series_for_data_without_index() -> None:
    assert align(pd.Series([1.0, 2, 3]), "offset", NO_INDEX).tolist() == [1, 2, 3]
    shuffled = pd.Series([3.0, 1, 2], index=[2, 0, 1])
    assert align(shuffled, "offset", NO_INDEX).tolist() == [1, 2, 3]


def test_dict_of_series_has_their_index() -> None:
    table = Table.from_data({"x": pd.Series([1.0, 2.0], index=["a", "b"]), "y": [1, 2]})
    assert align(pd.Series([2.0, 1.0], index=["b", "a"]), "weights", table).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("values", "table", "message"),
    [
        (pd.Series([1, 2, 3]), TABLE, r"index does not match.*pass weights\.to_numpy\(\)"),
        (pd.Series([1, 2, 3], index=[10, 10, 20]), TABLE, "index does not match"),
        (pd.Series([1, 2, 3], index=[1, 2, 1]), REPEATED, "index does not match"),
        (pd.Series([1, 2, 3], index=[5, 6, 7]), NO_INDEX, "index does not match"),
        ([1, 2], TABLE, "weights has 2 values, but the data have 3 rows"),
        (pd.Series([1, 2], index=[10, 20]), TABLE, "has 2 values, but the data have 3 rows"),
        (["a", "b", "c"], TABLE, "weights must be numbers, but it holds text"),
        ("s", TABLE, "weights must be numbers, but column 's' holds text"),
        ("z", TABLE, "There is no column 'z'"),
        (1.0, TABLE, "'weights' is a float"),
        (np.ones((3, 1)), TABLE, "'weights' has 2 dimensions"),
    ],
)
def test_what_cannot_be_aligned(values: Any, table: Table, message: str) -> None:
    with pytest.raises(DataError, match=message):
        align(values, "weights", table)
