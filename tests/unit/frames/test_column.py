"""Columns as numbers."""

from __future__ import annotations

import decimal
import fractions
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.exceptions import DataError
from multilevel.frames.read import read_column

NAN = np.nan


@pytest.mark.parametrize(
    ("data", "values", "is_integer"),
    [
        (np.array([1.5, NAN]), [1.5, NAN], False),
        (np.array([1.5, 2], dtype=np.float32), [1.5, 2.0], False),
        (np.array([1, 2], dtype=np.int8), [1.0, 2.0], True),
        (np.array([1, 2], dtype=">i4"), [1.0, 2.0], True),
        (np.array([1.0, 2.0], dtype=">f8"), [1.0, 2.0], False),
        (np.ma.array([1, 2], mask=[False, True]), [1.0, NAN], True),
        (np.ma.array([1.0, 2.0], mask=[False, True]), [1.0, NAN], False),
        ([1, 2.5], [1.0, 2.5], False),
        ([1, None], [1.0, NAN], True),
        ([1.5, None, NAN, pd.NA], [1.5, NAN, NAN, NAN], False),
        (range(3), [0.0, 1.0, 2.0], True),
        ([decimal.Decimal("0.1"), None], [0.1, NAN], False),
        ([fractions.Fraction(1, 2)], [0.5], False),
        ([2**70, 1], [2.0**70, 1.0], False),
        (np.array([1, None, 2.5], dtype=object), [1.0, NAN, 2.5], False),
        ([None, None], [NAN, NAN], False),
        (pd.array([1, None], "Int64"), [1.0, NAN], True),
        (pd.array([1.5, None], "Float64"), [1.5, NAN], False),
        (pd.Series([1, 2], dtype="uint8"), [1.0, 2.0], True),
        (pd.Series([1, None], dtype="int64[pyarrow]"), [1.0, NAN], True),
        (pa.array([1, None]), [1.0, NAN], True),
        (pl.Series([1, None], dtype=pl.Int128), [1.0, NAN], True),
        (pd.Series(pd.arrays.SparseArray([0.0, 1.5])), [0.0, 1.5], False),
    ],
)
def test_numbers(data: Any, values: list[float], is_integer: bool) -> None:
    column = read_column("x", data)
    assert column.kind == "numeric"
    assert column.values.dtype == np.float64
    assert column.values.dtype.isnative
    np.testing.assert_array_equal(column.values, values)
    assert column.is_integer == is_integer
    missing = np.isnan(values)
    if missing.any():
        np.testing.assert_array_equal(column.missing, missing)
    else:
        assert column.missing is None


@pytest.mark.parametrize(
    "data",
    [
        [True, None, False],
        pd.array([True, None, False], "boolean"),
        np.array([True, None, False], dtype=object),
        np.ma.array([True, True, False], mask=[False, True, False]),
        pa.array([True, None, False]),
    ],
)
def test_booleans(data: Any) -> None:
    column = read_column("x", data)
    assert column.kind == "boolean"
    np.testing.assert_array_equal(column.values, [1.0, NAN, 0.0])
    np.testing.assert_array_equal(column.missing, [False, True, False])


def test_float64_is_not_copied() -> None:
    data = np.array([1.0, 2.0])
    assert read_column("x", data).values is data
    frame = pd.DataFrame({"x": data})
    assert np.shares_memory(read_column("x", frame["x"]).values, frame["x"].to_numpy())


def test_reading_does_not_change_the_data() -> None:
    masked = np.ma.array([1.0, 2.0], mask=[False, True])
    _ = read_column("x", masked).values
    assert masked.data.tolist() == [1.0, 2.0]
    whole = np.array([1, 2])
    _ = read_column("x", np.ma.array(whole, mask=[False, True])).values
    assert whole.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (["a", "b"], r"'x' is not numeric: it holds text \(list\)"),
        (pd.Series(["a"]), r"it holds text \((str|object)\)"),
        (pd.Categorical(["a"]), r"it holds categories \(category\)"),
        (np.array(["2020-01-01"], "datetime64[D]"), r"dates or times \(datetime64\[D\]\)"),
        ([{}], "neither numbers, text, categories nor dates"),
    ],
)
def test_what_has_no_values(data: Any, message: str) -> None:
    column = read_column("x", data)
    assert not column.is_numeric
    with pytest.raises(DataError, match=message):
        _ = column.values


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((2, 2)), r"'x' has 2 dimensions \(shape \(2, 2\)\)"),
        (np.float64(1.0), r"'x' has 0 dimensions"),
        (1.0, "'x' is a float; a column must be a one-dimensional array"),
        ({1, 2}, "'x' is a set"),
    ],
)
def test_what_is_no_column(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_column("x", data)
