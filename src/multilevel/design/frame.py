"""The columns that a model uses, rows with missing values gone: numbers and coded factors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from multilevel.frames.column import Column
    from multilevel.typing import Float, IndexArray, Int

__all__ = [
    "ModelFrame",
    "Variable",
    "compress",
    "describe_rows",
    "probe_rows",
    "read_variable",
    "recode",
]

VariableKind = Literal["numeric", "boolean", "factor"]


@dataclass(frozen=True, slots=True)
class Variable:
    """A column as formulas see it.

    Attributes
    ----------
    name : str
        Name of the column.
    kind : {"numeric", "boolean", "factor"}
        A boolean is a number inside an expression and a factor as a term.
    values : ndarray, shape (n,), or None
        Values of a numeric or boolean column.
    codes : ndarray of int32, shape (n,), or None
        Level of each row of a factor or boolean.
    levels : tuple
        Labels of the levels, those that occur in the data that the model was fitted to.
    """

    name: str
    kind: VariableKind
    values: Float | None = None
    codes: Int | None = None
    levels: tuple[object, ...] = ()

    def take(self, rows: IndexArray) -> Variable:
        """Return the variable at some rows."""
        values = None if self.values is None else self.values[rows]
        codes = None if self.codes is None else self.codes[rows]
        return Variable(self.name, self.kind, values, codes, self.levels)


@dataclass(frozen=True, slots=True)
class ModelFrame:
    """Variables of equal length.

    Attributes
    ----------
    n_rows : int
        Number of rows, none of them with a missing value.
    variables : mapping of str to Variable
        By name of the column.
    rows : ndarray of intp, or None
        Positions of these rows in the user's table (None: they are all of its rows).
    """

    n_rows: int
    variables: Mapping[str, Variable]
    rows: IndexArray | None = None

    def take(self, rows: IndexArray) -> ModelFrame:
        """Return the frame at some rows."""
        taken = {name: variable.take(rows) for name, variable in self.variables.items()}
        return ModelFrame(len(rows), taken, self.positions(rows))

    def select(self, names: tuple[str, ...]) -> ModelFrame:
        """Return the frame with some of its variables."""
        return ModelFrame(self.n_rows, {n: self.variables[n] for n in names}, self.rows)

    def positions(self, rows: IndexArray) -> IndexArray:
        """Return the positions of some rows in the user's table."""
        return rows if self.rows is None else self.rows[rows]


def read_variable(column: Column, rows: IndexArray | None) -> Variable:
    """Read a column at the rows without missing values; levels that do not occur are left out.

    Raises
    ------
    DataError
        For dates, times and mixed objects.
    """
    if column.kind == "numeric":
        values = column.values if rows is None else column.values[rows]
        return Variable(column.name, "numeric", values)
    _refuse_untermed(column)
    codes, levels = column.codes, column.levels
    if rows is not None:
        codes, levels = compress(codes[rows], levels)
    labels = tuple(levels.tolist())
    if column.kind == "boolean":
        truth = column.values if rows is None else column.values[rows]
        return Variable(column.name, "boolean", truth, codes, labels)
    return Variable(column.name, "factor", None, codes, labels)


def recode(column: Column, trained: Variable, rows: IndexArray | None) -> Variable:
    """Read a column of new data in the terms of the column that the model was fitted to.

    Raises
    ------
    DataError
        If it holds something else than at the fit, or a level that the fit has not seen.
    """
    name = column.name
    if (column.kind == "numeric") != (trained.kind == "numeric"):
        then = "numbers" if trained.kind == "numeric" else "text, categories or booleans"
        raise DataError(
            f"Column {name!r} holds {column.describe()}, but the model was fitted to {then}."
        )
    here = read_variable(column, rows)
    if trained.kind == "numeric":
        return here
    position = {level: i for i, level in enumerate(trained.levels)}
    unseen = [level for level in here.levels if level not in position]
    if unseen:
        raise DataError(
            f"Column {name!r} has a level that the fit has not seen: {unseen[0]!r}. "
            f"Levels of the fit: {', '.join(map(repr, trained.levels))}."
        )
    table = np.array([position[level] for level in here.levels], dtype=np.int32)
    assert here.codes is not None
    return Variable(name, trained.kind, here.values, table[here.codes], trained.levels)


def compress(codes: Int, levels: npt.NDArray[np.generic]) -> tuple[Int, npt.NDArray[np.generic]]:
    """Leave out levels that do not occur."""
    seen = np.bincount(codes, minlength=len(levels)) > 0
    if seen.all():
        return codes, levels
    position = np.cumsum(seen, dtype=np.int32) - np.int32(1)
    return position[codes], levels[seen]


def _refuse_untermed(column: Column) -> None:
    """Raise for columns that can be neither a number nor a factor of a formula."""
    if column.kind == "temporal":
        raise DataError(
            f"Column {column.name!r} holds {column.describe()}, which cannot be a predictor or "
            "response. Convert it to numbers first, for example to days since the start."
        )
    if column.kind == "other":
        raise DataError(f"Column {column.name!r} holds {column.describe()}.")


def probe_rows(n_rows: int) -> IndexArray:
    """A few rows, never all of them, spread over the data."""
    return np.unique(np.linspace(0, n_rows - 1, min(8, n_rows // 2)).astype(np.intp))


def describe_rows(rows: IndexArray) -> str:
    """``row 3``, or ``rows 3, 7, 12 and 40 more``: positions from 0."""
    if len(rows) == 1:
        return f"row {rows[0]}"
    shown = ", ".join(str(row) for row in rows[:5])
    return f"rows {shown}" + (f" and {len(rows) - 5} more" if len(rows) > 5 else "")
