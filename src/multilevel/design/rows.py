"""Rows without missing values: which they are, and what is said about the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.frame import describe_rows
from multilevel.exceptions import DataError, MissingValuesWarning, warn

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from multilevel.frames.column import Column
    from multilevel.typing import Float, IndexArray, NAAction

    Mask = npt.NDArray[np.bool_]

__all__ = ["complete_rows", "missing_masks"]


def missing_masks(columns: Mapping[str, Column], vectors: Mapping[str, Float]) -> dict[str, Mask]:
    """Masks of the missing rows of columns and of given vectors, where there are any.

    Raises
    ------
    DataError
        For infinite numbers in a column: they are neither values nor missing.
    """
    masks = {}
    for name, column in columns.items():
        if column.kind == "numeric" and not column.is_integer:
            if np.isfinite(column.values).all():
                continue
            _refuse_infinite(name, column.values)
        if column.missing is not None:
            masks[name] = column.missing
    for name, vector in vectors.items():
        if (mask := np.isnan(vector)).any():
            masks[name] = mask
    return masks


def _refuse_infinite(name: str, values: Float) -> None:
    infinite = np.flatnonzero(np.isinf(values))
    if len(infinite):
        raise DataError(
            f"Column {name!r} is infinite in {describe_rows(infinite)}. Correct the values, or "
            "make them missing (NaN) to have the rows dropped."
        )


def complete_rows(
    masks: Mapping[str, Mask], n_rows: int, na_action: NAAction
) -> tuple[IndexArray | None, dict[str, int]]:
    """Positions of the rows to use and the number of missing values of each column.

    Parameters
    ----------
    masks : mapping of str to ndarray of bool, shape (n_rows,)
        Missing rows of each column that has some.
    n_rows : int
        Rows of the data.
    na_action : {"drop", "raise"}
        What to do about them.

    Returns
    -------
    rows : ndarray of intp, or None
        Rows without missing values; None if they are all.
    dropped : dict of str to int
        Missing values per column.

    Raises
    ------
    DataError
        If asked to, or when no row is complete.
    """
    if not masks:
        return None, {}
    gone = np.logical_or.reduce(list(masks.values()))
    dropped = {name: int(np.count_nonzero(mask)) for name, mask in masks.items()}
    count = int(np.count_nonzero(gone))
    listed = ", ".join(f"{name} ({missing})" for name, missing in dropped.items())
    if count == n_rows:
        raise DataError(f"Every row has a missing value. Missing values per column: {listed}.")
    have = "row has" if count == 1 else "rows have"
    fact = f"{count} of {n_rows} {have} missing values. Missing values per column: {listed}."
    if na_action == "raise":
        raise DataError(f"{fact} na_action='drop' fits the model to the other rows.")
    warn(f"{fact} The model is fitted to the other {n_rows - count}.", MissingValuesWarning)
    return np.flatnonzero(~gone), dropped
