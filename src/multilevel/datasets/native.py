"""Columns to a data frame of the library asked for, categoricals included.

narwhals has no word for an unordered categorical with a stated order of its levels, so each
library is spoken to in its own words here.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from multilevel.exceptions import DataError
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.typing import Float, IndexArray

__all__ = ["Backend", "Factor", "to_native"]

Backend = Literal["pandas", "polars", "pyarrow"]


@dataclass(frozen=True, slots=True)
class Factor:
    """A categorical column.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Position of each row's level; -1 where it is missing.
    levels : tuple of str
        The levels in their order.
    ordered : bool
        Whether that order means something.
    """

    codes: IndexArray
    levels: tuple[str, ...]
    ordered: bool = False


def to_native(columns: Mapping[str, Float | IndexArray | Factor], backend: Backend | None) -> Any:
    """Return the columns as a data frame.

    Parameters
    ----------
    columns : mapping of str to ndarray or Factor
        Columns of equal length; NaN in a float column is a missing value.
    backend : {"pandas", "polars", "pyarrow"} or None
        Library of the result; None takes the first of these that is installed.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table

    Raises
    ------
    ValueError
        If ``backend`` is another word.
    DataError
        If the library is not installed.
    """
    chosen = _choose(backend)
    if chosen == "pandas":
        return _pandas(columns)
    if chosen == "polars":
        return _polars(columns)
    return _pyarrow(columns)


def _choose(backend: Backend | None) -> Backend:
    known: tuple[Backend, ...] = get_args(Backend)
    if backend is None:
        installed = [name for name in known if find_spec(name) is not None]
        if not installed:
            raise DataError("No data frame library is installed; try: pip install pandas")
        return installed[0]
    check_option("backend", backend, Backend)
    if find_spec(backend) is None:
        raise DataError(f"backend={backend!r} is not installed; try: pip install {backend}")
    return backend


def _pandas(columns: Mapping[str, Float | IndexArray | Factor]) -> Any:
    import pandas as pd

    def column(values: Float | IndexArray | Factor) -> Any:
        if not isinstance(values, Factor):
            return values
        return pd.Categorical.from_codes(
            values.codes, categories=list(values.levels), ordered=values.ordered
        )

    return pd.DataFrame({name: column(values) for name, values in columns.items()})


def _polars(columns: Mapping[str, Float | IndexArray | Factor]) -> Any:
    import polars as pl

    def series(name: str, values: Float | IndexArray | Factor) -> Any:
        if isinstance(values, Factor):
            codes = pl.Series(np.where(values.codes < 0, len(values.levels), values.codes))
            labels = pl.Series([*values.levels, None], dtype=pl.Enum(values.levels))
            return labels.gather(codes).alias(name)
        return pl.Series(name, values, nan_to_null=True)

    return pl.DataFrame([series(name, values) for name, values in columns.items()])


def _pyarrow(columns: Mapping[str, Float | IndexArray | Factor]) -> Any:
    import pyarrow as pa

    def array(values: Float | IndexArray | Factor) -> Any:
        if not isinstance(values, Factor):
            return pa.array(values, from_pandas=True)
        codes = pa.array(values.codes.astype(np.int32), mask=values.codes < 0)
        return pa.DictionaryArray.from_arrays(
            codes, pa.array(values.levels, type=pa.string()), ordered=values.ordered
        )

    return pa.table({name: array(values) for name, values in columns.items()})
