"""Tables of results in the caller's kind of data frame."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from multilevel.frames.table import Table

__all__ = ["add_columns", "take", "to_frame"]


def to_frame(columns: Mapping[str, npt.NDArray[Any] | Sequence[Any]], like: Table) -> Any:
    """Make a data frame of the same kind as the user's data.

    Parameters
    ----------
    columns : mapping of str to array or list
        Columns of equal length. In text None means missing. A float NaN stays NaN (an estimate
        that does not exist), it does not become null where the engine knows both.
    like : Table
        The user's data. For a dict of arrays the frame is pandas if that is installed, else
        polars, else pyarrow.

    Returns
    -------
    object
        pandas.DataFrame with a RangeIndex, polars.DataFrame, pyarrow.Table, ...
    """
    kind: Any = _installed() if like.kind == "dict" else like.kind
    if kind == "pandas":
        import pandas as pd

        return pd.DataFrame(dict(columns))
    import narwhals as nw

    # narwhals' engines take object arrays for Python objects, lists of text for text
    plain = {name: _plain(values) for name, values in columns.items()}
    return nw.from_dict(plain, backend=kind).to_native()


def add_columns(table: Table, columns: Mapping[str, npt.NDArray[Any]]) -> Any:
    """Return the user's data with further columns, as a new frame of the same kind.

    Parameters
    ----------
    table : Table
        The data; they stay as they are.
    columns : mapping of str to ndarray, shape (n_rows,)
        New columns, in the order of the rows.
    """
    if table.kind == "dict":
        return to_frame({**table.native, **columns}, table)
    if hasattr(table.native, "assign"):
        return table.native.assign(**columns)
    import narwhals as nw

    frame = nw.from_native(table.native, eager_only=True)
    new = [
        nw.new_series(name, _plain(values), backend=frame.implementation)
        for name, values in columns.items()
    ]
    return frame.with_columns(*new).to_native()


def take(table: Table, columns: Sequence[str], rows: npt.NDArray[np.bool_]) -> Any:
    """Return some columns and rows of the user's data as a frame of the same kind.

    Parameters
    ----------
    table : Table
        The data; they stay as they are.
    columns : sequence of str
        Names of columns.
    rows : ndarray of bool, shape (n_rows,)
        Which rows to keep, in their order.
    """
    names = list(columns)
    if table.kind == "dict":
        return {name: np.asarray(table.native[name])[rows] for name in names}
    if table.kind == "pandas":
        return table.native.loc[rows, names]
    import narwhals as nw

    frame = nw.from_native(table.native, eager_only=True)
    return frame.select(names).filter(rows.tolist()).to_native()


def _plain(values: npt.NDArray[Any] | Sequence[Any]) -> Any:
    return values.tolist() if isinstance(values, np.ndarray) and values.dtype == object else values


@cache
def _installed() -> str:
    """The data frame library to use for users who have shown no preference."""
    for name in ("pandas", "polars", "pyarrow"):
        if find_spec(name) is not None:
            return name
    raise DataError(
        "The data are a dict of arrays, and results come as a data frame: install pandas, polars "
        "or pyarrow."
    )
