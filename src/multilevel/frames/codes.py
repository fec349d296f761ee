"""Grouping columns to integer codes, without per-row Python."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from multilevel.frames.column import Column
    from multilevel.typing import Int

    Levels = npt.NDArray[np.generic]
    Mask = npt.NDArray[np.bool_]

__all__ = ["encode_integers", "encode_objects", "factorize", "interact", "is_missing"]

_TABLE_PER_ROW = 8  # a lookup table of up to 8 cells a row is cheaper than sorting the rows
_WHOLE_LIMIT = 2.0**53  # above it float64 cannot tell neighbouring whole numbers apart


def factorize(column: Column) -> tuple[Int, Levels]:
    """Turn a column into the codes of a grouping factor.

    Parameters
    ----------
    column : Column
        Text, categories, whole numbers, booleans or dates.

    Returns
    -------
    codes : ndarray of int32, shape (n,)
        Position of each row's value in ``levels``; -1 where the value is missing.
    levels : ndarray, shape (n_levels,)
        Distinct values that occur: categories in their own order, all others sorted.

    Raises
    ------
    DataError
        If the column holds fractional numbers or values that cannot label groups.
    """
    if column.kind == "other":
        raise DataError(
            f"Column {column.name!r} cannot be a grouping factor: it holds {column.describe()}. "
            "Convert it to text or whole numbers first."
        )
    if column.kind == "text" and column.categories is not None:
        return column.data, column.categories  # read as codes of sorted levels that all occur
    if column.categories is not None:
        codes, used = encode_integers(column.data, column.missing)
        return codes, column.categories[used]
    kind = column.data.dtype.kind
    if kind == "f":
        return encode_integers(_whole_numbers(column), column.missing)
    if kind in "mM":
        codes, levels = encode_integers(column.data.view(np.int64), column.missing)
        return codes, levels.view(column.data.dtype)
    codes, levels = encode_integers(column.data, column.null)
    return codes, levels.astype(bool) if kind == "b" else levels


def encode_integers(values: npt.NDArray[Any], missing: Mask | None) -> tuple[Int, Levels]:
    """Codes and sorted levels of whole numbers, in O(n) where their range is moderate."""
    if values.dtype != np.uint64:
        values = values.astype(np.int64, copy=False)
    present = values if missing is None else values[~missing]
    if not len(present):
        return np.full(len(values), -1, np.int32), present
    low, high = present.min(), present.max()
    if int(high) - int(low) < _TABLE_PER_ROW * len(values) + 1024:
        position = (present - low).astype(np.intp, copy=False)
        seen = np.zeros(int(high) - int(low) + 1, np.bool_)
        seen[position] = True
        levels = np.flatnonzero(seen).astype(values.dtype) + low
        codes = (np.cumsum(seen, dtype=np.int32) - np.int32(1))[position]
    else:
        levels, inverse = np.unique(present, return_inverse=True)
        codes = inverse.astype(np.int32)
    if missing is None:
        return codes, levels
    full = np.full(len(values), -1, np.int32)
    full[~missing] = codes
    return full, levels


def encode_objects(values: Sequence[Any]) -> tuple[Int, list[Any]]:
    """Codes (-1 for missing) and distinct values of any hashable objects.

    The rows are hashed and looked up by C loops. The distinct values are sorted where they can
    be compared, else left as they come; ``TypeError`` if one cannot be hashed.
    """
    distinct = set(values)
    gone = [value for value in distinct if not isinstance(value, str) and is_missing(value)]
    present: list[Any] = list(distinct.difference(gone))
    with suppress(TypeError):  # values of several types: the caller refuses them by name
        present.sort()
    code_of = dict.fromkeys(gone, -1)
    code_of.update(zip(present, range(len(present)), strict=True))
    return np.fromiter(map(code_of.__getitem__, values), np.int32, len(values)), present


def is_missing(value: object) -> bool:
    """Tell whether a Python object stands for a missing value: None, NaN, NaT, NA."""
    if value is None:
        return True
    try:
        # only NaN and its kin differ from themselves
        return bool(value != value)  # noqa: PLR0124
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def interact(
    codes: Sequence[Int], levels: Sequence[Levels], sep: str = ":"
) -> tuple[Int, npt.NDArray[np.object_]]:
    """Cross grouping factors: the factor ``a:b`` whose levels are the combinations that occur.

    Parameters
    ----------
    codes : sequence of ndarray of int32, shape (n,)
        Codes of each factor, -1 for missing.
    levels : sequence of ndarray
        Levels of each factor.
    sep : str
        Put between the labels of a combination.

    Returns
    -------
    codes : ndarray of int32, shape (n,)
        -1 where any of the factors is missing.
    levels : ndarray of str objects
        Labels such as ``"A:b"``, the first factor varying slowest.
    """
    crossed, labels = codes[0], levels[0].astype(str).tolist()
    for code, level in zip(codes[1:], levels[1:], strict=True):
        gone = (crossed < 0) | (code < 0)
        pair = crossed.astype(np.int64) * len(level) + code
        crossed, used = encode_integers(pair, gone if gone.any() else None)
        names = level.astype(str).tolist()
        first, second = np.divmod(used, max(len(level), 1))
        labels = [
            f"{labels[i]}{sep}{names[j]}"
            for i, j in zip(first.tolist(), second.tolist(), strict=True)
        ]
    return crossed, np.array(labels, dtype=object)


def _whole_numbers(column: Column) -> npt.NDArray[np.int64]:
    """Float values as integers; missing ones become 0, which the caller masks."""
    values = column.values
    if column.missing is not None:
        values = np.where(column.missing, 0.0, values)
    whole = (np.floor(values) == values) & (np.abs(values) < _WHOLE_LIMIT)
    if not whole.all():
        row = int(np.argmin(whole))
        if np.isfinite(values[row]) and np.floor(values[row]) == values[row]:
            raise DataError(
                f"Column {column.name!r} cannot be a grouping factor: {values[row]:g} in row {row} "
                "has more digits than a number keeps, so that different labels may be the same. "
                "Read the column as text (dtype=str in pandas)."
            )
        raise DataError(
            f"Column {column.name!r} cannot be a grouping factor: it holds numbers that are not "
            f"whole (first: {values[row]:g} in row {row}). A grouping factor must be text, "
            "categories, whole numbers, booleans or dates. A measured predictor belongs to the "
            "left of the bar; if these numbers do label groups, convert them to text first."
        )
    return values.astype(np.int64)
