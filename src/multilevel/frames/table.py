"""The user's data frame, whatever its engine: a cheap, immutable view of columns."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from multilevel.exceptions import DataError
from multilevel.frames.read import read_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from multilevel.frames.column import Column

__all__ = ["Table"]

_ACCEPTED = (
    "a data frame (pandas, polars, pyarrow, modin, or another eager frame that narwhals knows) "
    "or a dict of arrays"
)
_LISTED = 30  # names of columns that an error message shows


class Table:
    """A data frame of any kind, columns read on demand and only once.

    Build one with :meth:`from_data`. The user's data are referred to, never copied or changed.

    Attributes
    ----------
    native : object
        The object that the user gave.
    kind : str
        Its engine: ``"pandas"``, ``"polars"``, ``"pyarrow"``, ``"modin"``, ... or ``"dict"``.
    columns : tuple of str
        Names of the columns. (A pandas label that is not text cannot be written in a formula
        and is left out.)
    n_rows : int
        Number of rows, at least 1.
    """

    __slots__ = ("_cache", "_get", "columns", "kind", "n_rows", "native")

    def __init__(
        self,
        native: Any,
        kind: str,
        columns: tuple[str, ...],
        n_rows: int,
        get: Callable[[str], Any],
    ) -> None:
        self.native = native
        self.kind = kind
        self.columns = columns
        self.n_rows = n_rows
        self._get = get
        self._cache: dict[str, Column] = {}

    @classmethod
    def from_data(cls, data: Any) -> Table:
        """Wrap a data frame or a dict of arrays.

        Raises
        ------
        DataError
            For anything else, lazy frames included, and for frames without rows, with duplicate
            column names, or with columns of different lengths.
        """
        pandas = sys.modules.get("pandas")
        # narwhals costs 0.1 ms on a small pandas frame, a tenth of a whole fit: take the plain road
        if pandas is not None and isinstance(data, pandas.DataFrame):
            names = _text_labels(data.columns)
            return cls(data, "pandas", names, _positive(len(data)), data.__getitem__)
        if isinstance(data, Mapping):
            return cls(data, "dict", _text_labels(data), _dict_rows(data), data.__getitem__)
        return cls._from_narwhals(data)

    @classmethod
    def _from_narwhals(cls, data: Any) -> Table:
        import narwhals as nw
        from narwhals.exceptions import DuplicateError

        try:
            frame = nw.from_native(data, pass_through=True)
        except DuplicateError as error:
            raise DataError(f"The data have duplicate column names: {error}") from None
        if isinstance(frame, nw.LazyFrame):
            raise DataError(
                f"The data are a lazy frame ({type(data).__module__}.{type(data).__qualname__}); "
                "collect it first: data=frame.collect() (in Dask, frame.compute())."
            )
        if not isinstance(frame, nw.DataFrame):
            raise DataError(
                f"data must be {_ACCEPTED}, not an object of type {type(data).__qualname__}."
            )
        kind = frame.implementation.value
        names = _text_labels(frame.columns)
        return cls(frame.to_native(), kind, names, _positive(len(frame)), frame.get_column)

    def __repr__(self) -> str:
        return f"Table(kind={self.kind!r}, n_rows={self.n_rows}, columns={self.columns})"

    def has(self, name: str) -> bool:
        """Tell whether there is a column of that name."""
        return name in self.columns

    def column(self, name: str) -> Column:
        """Read a column.

        Raises
        ------
        DataError
            If there is no such column; the message suggests names that are close.
        """
        column = self._cache.get(name)
        if column is None:
            if name not in self.columns:
                raise DataError(self._unknown(name))
            column = self._cache[name] = read_column(name, self._get(name))
        return column

    @property
    def index(self) -> Any:
        """The pandas index of the rows, or None for data that have none."""
        if self.kind != "dict":
            return getattr(self.native, "index", None)
        return next((v.index for v in self.native.values() if hasattr(v, "reindex")), None)

    def _unknown(self, name: str) -> str:
        close = difflib.get_close_matches(name, self.columns, n=3, cutoff=0.6)
        folded = [other for other in self.columns if other.lower() == name.lower()]
        guesses = list(dict.fromkeys(folded + close))
        hint = f" Did you mean {' or '.join(map(repr, guesses))}?" if guesses else ""
        if not self.columns:
            return (
                f"There is no column {name!r}: the columns have names that are no text, and cannot "
                "be named in formulas. In pandas: data.columns = data.columns.map(str)."
            )
        listed = ", ".join(self.columns[:_LISTED]) + (
            ", ..." if len(self.columns) > _LISTED else ""
        )
        return f"There is no column {name!r} in the data.{hint} Columns: {listed}."


def _text_labels(labels: Iterable[Any]) -> tuple[str, ...]:
    """Labels that are text; a column whose label is not cannot be named in a formula."""
    names = tuple(labels)
    if len(set(names)) < len(names):
        twice = [str(name) for name in dict.fromkeys(names) if names.count(name) > 1]
        raise DataError(
            f"The data have duplicate column names: {', '.join(map(repr, twice))}. "
            "Rename or drop the extra columns."
        )
    return tuple(name for name in names if isinstance(name, str))


def _positive(n_rows: int) -> int:
    if n_rows == 0:
        raise DataError("The data have no rows.")
    return n_rows


def _dict_rows(data: Mapping[Any, Any]) -> int:
    """Common length of the columns of a dict."""
    lengths = {}
    for name, values in data.items():
        if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
            raise DataError(
                f"Column {name!r} of the dict is a single {type(values).__name__}; "
                "each column must be an array, a list or a series with one entry per row."
            )
        lengths[name] = len(values)
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r}: {length}" for name, length in lengths.items())
        raise DataError(f"The columns of the dict have different lengths ({listed}).")
    indexes = [values.index for values in data.values() if hasattr(values, "reindex")]
    if any(not index.equals(indexes[0]) for index in indexes[1:]):
        raise DataError(
            "The Series of the dict have different indexes, so it is not clear which entries make "
            "a row. Put them in one data frame first: pandas.DataFrame(data)."
        )
    if not lengths:
        raise DataError("The data have no columns.")
    return _positive(next(iter(lengths.values())))
