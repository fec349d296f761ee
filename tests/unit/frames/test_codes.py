"""Grouping columns to codes and levels."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from multilevel.exceptions import DataError
from multilevel.frames.codes import encode_integers, interact
from multilevel.frames.read import read_column

if TYPE_CHECKING:
    from collections.abc import Callable

# Wall time for a million rows, generous for a loaded machine: a loop over rows takes seconds.
SECONDS = 1.0


def factor(data: Any) -> tuple[list[int], list[Any]]:
    column = read_column("g", data)
    assert column.codes.dtype == np.int32
    return column.codes.tolist(), column.levels.tolist()


@pytest.mark.parametrize(
    ("data", "codes", "levels"),
    [
        (["b", "a", "b"], [1, 0, 1], ["a", "b"]),
        (["b", None, "a"], [1, -1, 0], ["a", "b"]),
        (["b", np.nan, "a"], [1, -1, 0], ["a", "b"]),
        (["10", "9", ""], [1, 2, 0], ["", "10", "9"]),
        (np.array(["b", "a"]), [1, 0], ["a", "b"]),
        (np.array([3, 1, 3]), [1, 0, 1], [1, 3]),
        (np.array([5, -7, 5], dtype=np.int8), [1, 0, 1], [-7, 5]),
        (np.array([-128, 127], dtype=np.int8), [0, 1], [-128, 127]),
        (np.array([2**64 - 1, 0], dtype=np.uint64), [1, 0], [0, 2**64 - 1]),
        (np.array([2**64 - 1, 2**64 - 2], dtype=np.uint64), [1, 0], [2**64 - 2, 2**64 - 1]),
        (np.array([-(2**63), 2**63 - 1]), [0, 1], [-(2**63), 2**63 - 1]),
        (np.array([3.0, np.nan, -1.0]), [1, -1, 0], [-1, 3]),
        (np.array([True, False, True]), [1, 0, 1], [False, True]),
        (np.array([True, True]), [0, 0], [True]),
        ([True, None, False], [1, -1, 0], [False, True]),
        ([2, None, 1], [1, -1, 0], [1, 2]),
        (pd.array([2**62 + 1, 2**62, None], "Int64"), [1, 0, -1], [2**62, 2**62 + 1]),
        (pd.Categorical(["b", "a"], ["z", "b", "a"]), [0, 1], ["b", "a"]),
        (pd.Categorical([2, 1, None], [9, 2, 1]), [0, 1, -1], [2, 1]),
        (pd.Categorical(["a", None], ["a"]), [0, -1], ["a"]),
        (pd.Categorical([0.5, 1.5]), [0, 1], [0.5, 1.5]),
        (pd.cut(pd.Series([1.0, 3.0]), [0, 2, 4]), [0, 1], ["(0, 2]", "(2, 4]"]),
        ([None, None], [-1, -1], []),
    ],
)
def test_factorize(data: Any, codes: list[int], levels: list[Any]) -> None:
    assert factor(data) == (codes, levels)


def test_dates_are_sorted_in_time() -> None:
    days = np.array(["2020-02-01", "NaT", "2019-12-31"], dtype="datetime64[D]")
    assert factor(days) == ([1, -1, 0], [dt.date(2019, 12, 31), dt.date(2020, 2, 1)])
    assert factor([dt.date(2020, 2, 1), None]) == ([0, -1], [dt.date(2020, 2, 1)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([1.0, 2.5], r"'g' cannot be a grouping factor.*not whole \(first: 2.5 in row 1\)"),
        ([1.0, np.inf], "not whole"),
        ([2.0**60, 1.0], r"1.15292e\+18 in row 0 has more digits than a number keeps"),
        ([1, "a"], "int and str objects"),
        ([[1], [2]], "Convert it to text or whole numbers"),
        (np.array([1j]), "complex128"),
    ],
)
def test_what_cannot_label_groups(data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        factor(data)


def test_categories_that_read_the_same_are_refused() -> None:
    with pytest.raises(DataError, match="'g' has different categories that read the same"):
        factor(pd.Categorical([1, "1"]))


@given(st.lists(st.integers(-50, 50) | st.integers(-(2**40), 2**40), min_size=1), st.data())
def test_integers_agree_with_unique(values: list[int], data: st.DataObject) -> None:
    array = np.array(values)
    missing = np.array(data.draw(st.lists(st.booleans(), min_size=len(array), max_size=len(array))))
    codes, levels = encode_integers(array, missing)
    expected, inverse = np.unique(array[~missing], return_inverse=True)
    np.testing.assert_array_equal(levels, expected)
    np.testing.assert_array_equal(codes[~missing], inverse)
    assert (codes[missing] == -1).all()


@given(st.lists(st.none() | st.text(max_size=3), min_size=1))
def test_text_round_trips(values: list[str | None]) -> None:
    column = read_column("g", values)
    levels = [] if column.kind == "numeric" else column.levels.tolist()
    assert levels == sorted({v for v in values if v is not None})
    assert [levels[c] if c >= 0 else None for c in column.codes.tolist()] == values


@given(st.lists(st.tuples(st.sampled_from("ba"), st.integers(1, 3)), min_size=1))
def test_interact_has_the_combinations_that_occur_in_order(rows: list[tuple[str, int]]) -> None:
    a, b = (read_column("g", list(side)) for side in zip(*rows, strict=True))
    codes, levels = interact([a.codes, b.codes], [a.levels, b.levels])
    assert levels.tolist() == [f"{x}:{y}" for x, y in sorted(set(rows))]
    assert [levels[c] for c in codes] == [f"{x}:{y}" for x, y in rows]


def test_interact_of_three_with_missing() -> None:
    columns = [read_column("g", v) for v in ([1, 1, None], ["b", "a", "a"], [True, False, True])]
    codes, levels = interact([c.codes for c in columns], [c.levels for c in columns], sep="/")
    assert codes.tolist() == [1, 0, -1]
    assert levels.tolist() == ["1/a/False", "1/b/True"]


MILLION = 1_000_000
groups = np.random.default_rng(1).integers(0, 5_000, MILLION)
labels = np.array([f"group {i}" for i in range(5_000)], dtype=object)


@pytest.mark.parametrize(
    "make",
    [
        lambda: groups,
        lambda: groups * 10**9,
        lambda: pd.Series(labels[groups]),
        lambda: pd.Series(labels[groups], dtype=object),
        lambda: pd.Series(pd.Categorical.from_codes(groups, labels)),
    ],
    ids=["integers", "wide integers", "str", "object", "categorical"],
)
def test_a_million_rows(make: Callable[[], Any]) -> None:
    data = make()
    start = time.perf_counter()
    codes = read_column("g", data).codes
    assert time.perf_counter() - start < SECONDS
    assert codes.max() == 4_999


def test_large_text_columns_read_as_small_ones() -> None:
    """Above some length an engine's own hashing is used."""
    text = pd.Series([f"s{i % 11}" if i % 7 else None for i in range(30_000)])
    whole, part = read_column("g", text), read_column("g", text[:5_000])
    assert whole.levels.tolist() == part.levels.tolist() == sorted(f"s{i}" for i in range(11))
    np.testing.assert_array_equal(whole.codes[:5_000], part.codes)
