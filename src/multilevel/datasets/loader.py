"""Data sets from the package to a data frame."""

from __future__ import annotations

import csv
import gzip
import io
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.datasets.catalogue import Column, describe
from multilevel.datasets.native import Backend, Factor, to_native

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, IndexArray

__all__ = ["load"]


def load(name: str, backend: Backend | None = None) -> Any:
    """Load a data set.

    Parameters
    ----------
    name : str
        One of :func:`names`; :func:`describe` tells what the columns mean.
    backend : {"pandas", "polars", "pyarrow"}, optional
        Library of the result. By default the first of these that is installed.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table
        Categorical columns are categoricals (an ``Enum`` in polars) whose levels have the order
        given by :func:`describe`; identifiers of units have theirs in natural order.

    Raises
    ------
    DataError
        If there is no such data set or the library is not installed.
    ValueError
        If ``backend`` is another word.

    Examples
    --------
    >>> import multilevel as mlm
    >>> hsb = mlm.datasets.load("hsb")
    >>> hsb.shape
    (7185, 8)
    """
    description = describe(name)
    raw = files("multilevel.datasets").joinpath("data", f"{name}.csv.gz").read_bytes()
    rows = csv.reader(io.StringIO(gzip.decompress(raw).decode("utf-8")))
    next(rows)  # the header; the catalogue has the names in the same order
    columns = zip(description.columns, zip(*rows, strict=True), strict=True)
    return to_native({column.name: _parse(column, cells) for column, cells in columns}, backend)


def _parse(column: Column, cells: Sequence[str]) -> Float | IndexArray | Factor:
    if column.kind == "float":
        return np.array([float(cell or "nan") for cell in cells])
    if column.kind == "int":
        return np.array([int(cell) for cell in cells], dtype=np.intp)
    levels = column.levels or _natural_order({cell for cell in cells if cell})
    position = {level: code for code, level in enumerate(levels)} | {"": -1}
    codes = np.array([position[cell] for cell in cells], dtype=np.intp)
    return Factor(codes, levels, ordered=column.kind == "ordered")


def _natural_order(levels: set[str]) -> tuple[str, ...]:
    """Sort by number where all levels are numbers, else by name."""
    if all(level.isdecimal() for level in levels):
        return tuple(sorted(levels, key=int))
    return tuple(sorted(levels))
