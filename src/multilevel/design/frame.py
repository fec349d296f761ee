"""The columns that a model uses, rows with missing values gone: numbers and coded factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from multilevel.typing import Float, IndexArray, Int

__all__ = ["ModelFrame", "Variable"]

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
    """

    n_rows: int
    variables: Mapping[str, Variable]

    def take(self, rows: IndexArray) -> ModelFrame:
        """Return the frame at some rows."""
        return ModelFrame(len(rows), {k: v.take(rows) for k, v in self.variables.items()})

    def select(self, names: tuple[str, ...]) -> ModelFrame:
        """Return the frame with some of its variables."""
        return ModelFrame(self.n_rows, {name: self.variables[name] for name in names})


def probe_rows(n_rows: int) -> IndexArray:
    """A few rows, never all of them, spread over the data."""
    return np.unique(np.linspace(0, n_rows - 1, min(8, n_rows // 2)).astype(np.intp))
