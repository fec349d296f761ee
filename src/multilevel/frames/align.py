"""Weights and offsets given beside the data: one finite-length vector in the rows' order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.exceptions import DataError
from multilevel.frames.read import read_column

if TYPE_CHECKING:
    from multilevel.frames.table import Table
    from multilevel.typing import Float

__all__ = ["align"]


def align(values: Any, name: str, table: Table) -> Float:
    """Read a vector with one number per row of the data.

    Parameters
    ----------
    values : str or array-like
        Name of a column, or an array, list or series. A pandas Series is matched with the data
        by its index, never by position unless the two indexes are the same.
    name : str
        Name of the argument, for messages: ``"weights"``.
    table : Table
        The data.

    Returns
    -------
    ndarray, shape (n_rows,)
        NaN where a value is missing.

    Raises
    ------
    DataError
        If the vector is not numeric, has another length, or its index does not match.
    """
    if isinstance(values, str):
        column = table.column(values)
    else:
        column = read_column(name, _by_index(values, name, table))
    if not column.is_numeric:
        raise DataError(f"{name} must be numbers, but {_what(values)} holds {column.describe()}.")
    if len(column.values) != table.n_rows:
        raise DataError(
            f"{name} has {len(column.values)} values, but the data have {table.n_rows} rows."
        )
    return column.values


def _what(values: Any) -> str:
    return f"column {values!r}" if isinstance(values, str) else "it"


def _by_index(values: Any, name: str, table: Table) -> Any:
    """Put a Series with an index (pandas and its like) into the order of the data's rows."""
    if not hasattr(values, "reindex") or len(values) != table.n_rows:
        return values
    index = table.index
    if index is None:
        from pandas import RangeIndex

        index = RangeIndex(table.n_rows)
    if values.index.equals(index):
        return values
    if values.index.is_unique and index.is_unique and index.isin(values.index).all():
        return values.reindex(index)
    raise DataError(
        f"{name} is a Series whose index does not match that of the data, so its values cannot be "
        f"assigned to rows. If they are in the order of the rows, pass {name}.to_numpy()."
    )
