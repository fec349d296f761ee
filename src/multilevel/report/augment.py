"""The user's rows with what the fit says about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from multilevel.typing import Float, IndexArray

__all__ = ["name_columns", "spread"]


def name_columns(
    columns: Mapping[str, Float], existing: Iterable[str], prefix: str
) -> dict[str, Float]:
    """Put the prefix before the names of new columns.

    Raises
    ------
    DataError
        If a name is taken by a column of the data.
    """
    named = {prefix + name: values for name, values in columns.items()}
    taken = sorted(set(named).intersection(existing))
    if taken:
        raise DataError(
            f"The data already have {'columns' if len(taken) > 1 else 'a column'} "
            f"{', '.join(map(repr, taken))}, which augment() would add; give the new columns "
            f"another name: augment(prefix='fit_')."
        )
    return named


def spread(values: Float, rows: IndexArray | None, n_rows: int) -> Float:
    """Values of the rows used, in the place of all rows: NaN where a row was not used."""
    if rows is None:
        return values
    full = np.full(n_rows, np.nan)
    full[rows] = values
    return full
