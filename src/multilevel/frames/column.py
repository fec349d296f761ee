"""One column of a data frame as NumPy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.codes import factorize

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.typing import Float, Int

__all__ = ["Column", "ColumnKind"]

ColumnKind = Literal["numeric", "boolean", "text", "categorical", "temporal", "other"]


@dataclass(frozen=True, eq=False)
class Column:
    """One column of a data frame, read once and never changed.

    Attributes
    ----------
    name : str
        Name of the column.
    kind : {"numeric", "boolean", "text", "categorical", "temporal", "other"}
        What the column holds.
    dtype : object
        The type as its data frame calls it, only to be shown in messages.
    data : ndarray, shape (n,)
        Numbers, booleans and dates as they are stored; where ``categories`` is given, int32
        codes into it, -1 for missing. Empty when ``kind`` is ``"other"``.
    null : ndarray of bool, shape (n,), or None
        Missing entries that ``data`` cannot show itself (nullable integers and booleans).
    categories : ndarray or None
        What the codes stand for. Categories that do not occur may be among them.
    """

    name: str
    kind: ColumnKind
    dtype: object
    data: npt.NDArray[Any]
    null: npt.NDArray[np.bool_] | None = None
    categories: npt.NDArray[np.generic] | None = None

    @property
    def is_numeric(self) -> bool:
        """True for numbers and booleans, which have :attr:`values`."""
        return self.kind in ("numeric", "boolean")

    @property
    def is_integer(self) -> bool:
        """True if the column is stored as whole numbers."""
        return self.kind == "numeric" and self.data.dtype.kind in "iu"

    @cached_property
    def values(self) -> Float:
        """Values as float64, shape (n,): NaN for missing, 0 and 1 for booleans.

        The frame's own memory, not a copy, where that already holds float64 without nulls.

        Raises
        ------
        DataError
            If the column is neither numeric nor boolean.
        """
        if not self.is_numeric:
            raise DataError(
                f"Column {self.name!r} is not numeric: it holds {self.describe()}. "
                "Convert it to numbers, or use it as a factor."
            )
        values = self.data.astype(np.float64, copy=self.null is not None)
        if self.null is not None:
            values[self.null] = np.nan
        return values

    @cached_property
    def missing(self) -> npt.NDArray[np.bool_] | None:
        """Mask of missing rows, shape (n,), or None if there are none."""
        if self.null is not None or self.kind == "other":
            return self.null
        if self.categories is not None:
            mask = self.data < 0
        elif self.data.dtype.kind == "f":
            mask = np.isnan(self.data)
        elif self.data.dtype.kind in "mM":
            mask = np.isnat(self.data)
        else:
            return None
        return mask if mask.any() else None

    @property
    def codes(self) -> Int:
        """Level of each row as int32, -1 for missing; see :func:`factorize`."""
        return self._factor[0]

    @property
    def levels(self) -> npt.NDArray[np.generic]:
        """The distinct values that occur, in order; see :func:`factorize`."""
        return self._factor[1]

    @cached_property
    def _factor(self) -> tuple[Int, npt.NDArray[np.generic]]:
        return factorize(self)

    def describe(self) -> str:
        """Say in words what the column holds, for error messages."""
        words = {
            "numeric": "numbers",
            "boolean": "true/false values",
            "text": "text",
            "categorical": "categories",
            "temporal": "dates or times",
            "other": "values that are neither numbers, text, categories nor dates",
        }
        return f"{words[self.kind]} ({self.dtype})"
