"""Data frames of any kind as one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.exceptions import DataError
from multilevel.frames.table import Table


def test_columns_are_read_once() -> None:
    table = Table.from_data(pd.DataFrame({"x": [1.0], "g": ["a"]}))
    assert table.columns == ("x", "g")
    assert table.n_rows == 1
    assert table.has("x")
    assert not table.has("y")
    assert table.column("x") is table.column("x")


def test_the_data_are_referred_to() -> None:
    for data in ({"x": [1.0]}, pd.DataFrame({"x": [1.0]}), pl.DataFrame({"x": [1.0]})):
        assert Table.from_data(data).native is data


def test_unknown_column_suggests_close_names() -> None:
    table = Table.from_data({"Reaction": [1.0], "Days": [1.0], "Subject": ["a"]})
    with pytest.raises(DataError) as error:
        table.column("reaction")
    assert str(error.value) == (
        "There is no column 'reaction' in the data. Did you mean 'Reaction'? "
        "Columns: Reaction, Days, Subject."
    )
    with pytest.raises(DataError, match=r"in the data\. Columns: Reaction, Days, Subject\."):
        table.column("zzz")


def test_wide_data_list_some_columns() -> None:
    table = Table.from_data({f"column{i}": [1.0] for i in range(99)})
    with pytest.raises(DataError, match=r"column29, \.\.\.\.$"):
        table.column("y")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (pd.DataFrame({"x": []}), "The data have no rows"),
        (pl.DataFrame({"x": []}), "The data have no rows"),
        (pa.table({"x": []}), "The data have no rows"),
        ({"x": []}, "The data have no rows"),
        ({}, "The data have no columns"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), "duplicate column names: 'x'"),
        (pa.table([[1], [2]], names=["x", "x"]), "duplicate column names"),
        (pl.LazyFrame({"x": [1]}), r"lazy frame \(polars.*collect it first.*\.collect\(\)"),
        ({"x": [1, 2], "y": [1]}, r"different lengths \('x': 2, 'y': 1\)"),
        ({"x": "abc"}, "Column 'x' of the dict is a single str"),
        ({"x": 1.0}, "Column 'x' of the dict is a single float"),
        (np.ones((2, 2)), "data must be a data frame.*or a dict of arrays, not .* ndarray"),
        ([{"x": 1}], "not an object of type list"),
        (None, "not an object of type NoneType"),
        (pd.Series([1.0]), "not an object of type Series"),
        (
            {"x": pd.Series([1, 2]), "y": pd.Series([1, 2], index=[1, 0])},
            "different indexes.*pandas.DataFrame",
        ),
    ],
)
def test_bad_data(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Table.from_data(data)


def test_labels_that_are_not_text_are_left_out() -> None:
    frame = pd.DataFrame([[1.0, 2.0]], columns=["x", 0])
    assert Table.from_data(frame).columns == ("x",)


def test_repr_names_what_it_is() -> None:
    assert repr(Table.from_data({"x": [1]})) == "Table(kind='dict', n_rows=1, columns=('x',))"
