"""Columns of any engine, and plain arrays, to :class:`Column`."""

from __future__ import annotations

import datetime
import decimal
import sys
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.codes import encode_objects
from multilevel.frames.column import Column, ColumnKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import narwhals as nw

__all__ = ["read_column"]

_HASH_LIMIT = 20_000  # rows from which an engine's own hashing of text beats its fixed cost
_ARRAY_KINDS: dict[str, ColumnKind] = {
    "f": "numeric",
    "i": "numeric",
    "u": "numeric",
    "b": "boolean",
    "m": "temporal",
    "M": "temporal",
}
_TEMPORAL = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def read_column(name: str, data: Any) -> Column:
    """Read one column: an array, a list, or a series of any engine narwhals knows.

    Raises
    ------
    DataError
        If ``data`` is not one-dimensional or not a column at all.
    """
    if isinstance(data, np.ndarray):
        return _from_array(name, data)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(data, (pandas.Series, pandas.Index)):
        return _from_pandas(name, data, pandas)
    if isinstance(data, (list, tuple, range)):
        plain = set(map(type, data)) <= {bool, int, float}
        return _from_array(name, np.asarray(data)) if plain else _from_objects(name, data, "list")
    return _from_narwhals(name, data)


def _from_array(name: str, data: np.ndarray[Any, Any]) -> Column:
    if data.ndim != 1:
        raise DataError(
            f"Column {name!r} has {data.ndim} dimensions (shape {data.shape}); "
            "a column must be one-dimensional."
        )
    masked = isinstance(data, np.ma.MaskedArray)
    null = np.ma.getmaskarray(data) if masked and np.ma.is_masked(data) else None
    data = np.ma.getdata(data) if masked else data
    kind = data.dtype.kind
    if null is not None and kind in "fmMOUT":  # these can show a missing value themselves
        data = data.astype(object) if kind in "UT" else data.copy()
        data[null] = None
        null = None
    if not data.dtype.isnative:
        data = data.astype(data.dtype.newbyteorder("="))
    if kind in _ARRAY_KINDS:
        return Column(name, _ARRAY_KINDS[kind], data.dtype, data, null)
    if kind in "OUT":
        return _from_objects(name, data.tolist(), data.dtype)
    return _other(name, data.dtype)


def _from_pandas(name: str, series: Any, pandas: Any) -> Column:
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return _from_array(name, series.to_numpy())
    if isinstance(dtype, pandas.StringDtype):
        if len(series) < _HASH_LIMIT:
            return _from_objects(name, series.to_numpy(object).tolist(), dtype)
        return _sorted_text(_from_pandas_codes(name, dtype, series.astype("category").array))
    if isinstance(dtype, pandas.CategoricalDtype):
        return _from_pandas_codes(name, dtype, series.array)
    return _from_narwhals(name, series)


def _from_narwhals(name: str, data: Any) -> Column:
    import narwhals as nw

    try:
        series = data if isinstance(data, nw.Series) else nw.from_native(data, series_only=True)
    except TypeError:
        return _from_array_like(name, data)
    dtype = series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        return _from_numbers(name, series)
    if dtype in (nw.Categorical, nw.Enum):
        return _from_categorical(name, dtype, series)
    if dtype in (nw.String, nw.Object, nw.Unknown):
        return _from_text(name, dtype, series)
    if dtype.is_temporal():
        return _from_dates(name, dtype, series)
    return _other(name, dtype)


def _from_text(name: str, dtype: object, series: nw.Series[Any]) -> Column:
    import narwhals as nw

    if dtype == nw.String and len(series) >= _HASH_LIMIT:
        return _sorted_text(_from_categorical(name, dtype, series.cast(nw.Categorical())))
    return _from_objects(name, series.to_numpy().tolist(), dtype)


def _from_numbers(name: str, series: nw.Series[Any]) -> Column:
    import narwhals as nw

    dtype = series.dtype
    if dtype.is_float() or dtype.is_decimal():
        values = (series if dtype.is_float() else series.cast(nw.Float64)).to_numpy()
        return Column(name, "numeric", dtype, values.astype(np.float64, copy=False))
    if dtype in (nw.Int128, nw.UInt128):  # NumPy has no such integers
        return _from_objects(name, series.to_list(), dtype)
    null = series.is_null().to_numpy() if series.null_count() else None
    filler: Any = 0 if dtype.is_integer() else False
    values = (series if null is None else series.fill_null(filler)).to_numpy()
    return Column(name, "numeric" if dtype.is_integer() else "boolean", dtype, values, null)


def _from_dates(name: str, dtype: object, series: nw.Series[Any]) -> Column:
    values = series.to_numpy()  # times with a zone come as UTC
    if values.dtype.kind in "mM":
        return Column(name, "temporal", dtype, values)
    return _from_objects(name, series.to_list(), dtype)


def _from_categorical(name: str, dtype: object, series: nw.Series[Any]) -> Column:
    """Read a categorical column of an engine; the codes are each engine's own affair."""
    import narwhals as nw

    native: Any = series.to_native()
    if series.implementation.is_polars():
        return _from_physical(name, dtype, native, meant=series.dtype == nw.Enum)
    if series.implementation.is_pandas_like():
        if hasattr(native.dtype, "categories"):
            return _from_pandas_codes(name, dtype, native.cat)
        import pyarrow as pa

        native = pa.array(native.array)  # a dictionary column of pyarrow inside pandas
        native = native if isinstance(native, pa.ChunkedArray) else pa.chunked_array([native])
    encoded: Any = native.unify_dictionaries().combine_chunks()
    if encoded.dictionary.null_count:
        encoded = encoded.dictionary_decode().dictionary_encode()
    codes = encoded.indices.cast("int32").fill_null(-1).to_numpy()
    return Column(
        name, "categorical", dtype, codes, None, _labels(name, encoded.dictionary.to_pylist())
    )


def _from_pandas_codes(name: str, dtype: object, categorical: Any) -> Column:
    codes = np.asarray(categorical.codes).astype(np.int32)
    categories = _labels(name, categorical.categories.to_numpy())
    return Column(name, "categorical", dtype, codes, None, categories)


def _from_physical(name: str, dtype: object, series: Any, *, meant: bool) -> Column:
    """Read a polars Categorical or Enum; only the order of an Enum's codes is meant."""
    used = series.drop_nulls().unique()
    text = used.cast(str)
    order = (used.to_physical() if meant else text).arg_sort()
    physical = used.to_physical().gather(order).to_numpy()
    table = np.empty(int(physical.max(initial=0)) + 1, np.int32)
    table[physical] = np.arange(len(physical), dtype=np.int32)
    codes = table[
        series.to_physical().fill_null(int(physical[0]) if len(physical) else 0).to_numpy()
    ]
    if series.null_count():
        codes[series.is_null().to_numpy()] = -1
    return Column(
        name, "categorical", dtype, codes, None, _labels(name, text.gather(order).to_list())
    )


def _sorted_text(column: Column) -> Column:
    """Text that an engine has hashed, with its levels in order."""
    assert column.categories is not None
    order = np.argsort(column.categories, kind="stable")
    rank = np.full(len(order) + 1, -1, np.int32)  # the last one is for missing values
    rank[order] = np.arange(len(order), dtype=np.int32)
    return Column(
        column.name, "text", column.dtype, rank[column.data], None, column.categories[order]
    )


def _labels(name: str, values: Any) -> np.ndarray[Any, Any]:
    """Categories as an array: text as str objects, anything that is no plain value as its text."""
    array = np.asarray(values)
    if array.dtype.kind in "biufmM":
        return array
    text = [str(value) for value in array.tolist()]
    if len(set(text)) < len(text):
        raise DataError(f"Column {name!r} has different categories that read the same: {text}.")
    return np.array(text, dtype=object)


def _from_objects(name: str, values: Sequence[Any], dtype: object) -> Column:
    """Read Python objects by the types of their distinct values."""
    try:
        codes, distinct = encode_objects(values)
    except TypeError:  # lists, dicts, arrays: cannot be hashed
        return _other(name, dtype)
    types = set(map(type, distinct))
    kind = _kind_of(types)
    if kind == "other":
        return _other(name, " and ".join(sorted(kind.__name__ for kind in types)) + " objects")
    if kind in ("text", "temporal"):
        return Column(name, kind, dtype, codes, None, np.array(distinct, dtype=object))
    numbers = np.array(distinct or [np.nan], dtype=bool if kind == "boolean" else None)
    if numbers.dtype == object:  # Decimal, Fraction, integers beyond 64 bits
        numbers = numbers.astype(np.float64)
    return Column(name, kind, dtype, numbers[codes], codes < 0 if (codes < 0).any() else None)


def _kind_of(types: set[type]) -> ColumnKind:
    """What objects of these types are; a column without any is a numeric one, all missing."""
    if types and all(issubclass(kind, str) for kind in types):
        return "text"
    if types and all(issubclass(kind, (bool, np.bool_)) for kind in types):
        return "boolean"
    if all(issubclass(kind, (Real, decimal.Decimal, np.bool_)) for kind in types):
        return "numeric"
    if len(types) == 1 and all(issubclass(kind, _TEMPORAL) for kind in types):
        return "temporal"
    return "other"


def _from_array_like(name: str, data: Any) -> Column:
    """Read what is no series to narwhals: arrays of pandas, pyarrow, torch and their like."""
    pandas, pyarrow = sys.modules.get("pandas"), sys.modules.get("pyarrow")
    if pandas is not None and isinstance(data, pandas.api.extensions.ExtensionArray):
        return _from_pandas(name, pandas.Series(data), pandas)
    if pyarrow is not None and isinstance(data, pyarrow.Array):
        return _from_narwhals(name, pyarrow.chunked_array([data]))
    if hasattr(data, "__array__") or hasattr(data, "__array_interface__"):
        return _from_array(name, np.asarray(data))
    raise DataError(
        f"Column {name!r} is a {type(data).__name__}; a column must be a one-dimensional array, "
        "a list or a series."
    )


def _other(name: str, dtype: object) -> Column:
    return Column(name, "other", dtype, np.empty(0))
