"""Centring: names, kinds of data, conventions, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.exceptions import DataError
from multilevel.fits.centering import center, demean

DATA = {
    "school": ["a", "a", "a", "b", "b", "b"],
    "klass": [1, 1, 2, 1, 2, 2],
    "item": ["p", "q", "p", "q", "p", "q"],
    "x": [1.0, 3.0, 8.0, 2.0, 4.0, 9.0],
    "yes": [True, False, True, True, True, True],
    "size": [10, 10, 10, 20, 20, 20],
}


def test_grand_mean():
    table = center(pd.DataFrame(DATA), ["x", "yes"])
    assert table["x_c"].tolist() == [-3.5, -1.5, 3.5, -2.5, -0.5, 4.5]
    assert table["yes_c"].sum() == pytest.approx(0.0)
    assert list(table)[: len(DATA)] == list(DATA)


def test_within_and_between():
    table = center(center(DATA, "x", by="school", how="within"), "x", by="school", how="between")
    assert table["x_between"].tolist() == [4.0, 4.0, 4.0, 5.0, 5.0, 5.0]
    assert table["x_within"].tolist() == [-3.0, -1.0, 4.0, -3.0, -1.0, 4.0]


def test_nested_groups_may_reuse_labels():
    table = demean(DATA, "x", by="school/klass")
    assert table["x_school_between"].tolist() == [4.0, 4.0, 4.0, 5.0, 5.0, 5.0]
    assert table["x_klass_between"].tolist() == [-2.0, -2.0, 4.0, -3.0, 1.5, 1.5]
    assert table["x_within"].tolist() == [-1.0, 1.0, 0.0, 0.0, -2.5, 2.5]
    single = center(DATA, "x", by="school/klass", how="within")
    assert single["x_within"].tolist() == table["x_within"].tolist()
    both = center(DATA, "x", by="school/klass", how="between")
    assert {"x_school_between", "x_klass_between"} < set(both)


def test_crossed_groups():
    table = demean(DATA, "x", by=["school", "item"])
    parts = table[["x_school_between", "x_item_between", "x_within"]]
    np.testing.assert_allclose(parts.sum(axis=1), DATA["x"])
    p = np.mean([1.0, 8.0, 4.0]) - np.mean(DATA["x"])
    np.testing.assert_allclose(table["x_item_between"].iloc[0], p)


def test_a_variable_of_the_groups_has_no_within_part():
    table = demean(DATA, "size", by="school")
    assert table["size_within"].tolist() == [0.0] * 6
    assert table["size_between"].tolist() == DATA["size"]


def test_missing_values_stay_missing_and_do_not_count():
    table = demean({**DATA, "x": [1.0, np.nan, 3.0, np.nan, np.nan, np.nan]}, "x", by="school")
    np.testing.assert_array_equal(table["x_between"], [2.0, 2.0, 2.0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(table["x_within"], [-1.0, np.nan, 1.0, np.nan, np.nan, np.nan])


@pytest.mark.parametrize(
    ("make", "kind"),
    [(pd.DataFrame, pd.DataFrame), (pl.DataFrame, pl.DataFrame), (pa.table, pa.Table)],
)
def test_kind_of_frame(make, kind):
    data = make(DATA)
    assert isinstance(center(data, "x"), kind)
    assert isinstance(demean(data, "x", by="school"), kind)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: center(DATA, "x", how="group"), ValueError, "how='group' is not an option"),
        (lambda: center(DATA, "x", by="school"), ValueError, "by= is for how='within'"),
        (lambda: center(DATA, "x", how="within"), ValueError, "needs by="),
        (lambda: center(DATA, []), ValueError, "cols must be the name"),
        (lambda: center(DATA, "z"), DataError, "no column 'z'"),
        (lambda: center(DATA, "item"), DataError, "'item' holds text .*, which has no mean"),
        (lambda: demean(DATA, "x", by=[]), ValueError, "by must be the name"),
        (lambda: demean(DATA, "x", by=["item", "item"]), ValueError, "names a column twice"),
        (lambda: demean(DATA, "x", by=["school/klass", "item"]), ValueError, "mixes nested and"),
        (
            lambda: demean(DATA, "x", by=["school", "size"]),
            DataError,
            "'school' is nested in 'size', not crossed with it: write by='size/school'",
        ),
        (
            lambda: demean({**DATA, "x_within": DATA["x"]}, "x", by="school"),
            DataError,
            "already have a column 'x_within'",
        ),
        (
            lambda: demean({**DATA, "school": ["a", None, "b", None, "b", "b"]}, "x", by="school"),
            DataError,
            r"'school' has missing values in rows 1, 3: their groups have no mean",
        ),
        (
            lambda: center({**DATA, "x": [1.0, np.inf, 0, 0, 0, 0]}, "x"),
            DataError,
            "'x' is infinite in row 1",
        ),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
