"""What each data set is: title, source, licence and columns, read from ``catalogue.toml``."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from multilevel.exceptions import DataError

__all__ = ["Column", "ColumnKind", "Description", "describe", "names"]

ColumnKind = Literal["float", "int", "group", "category", "ordered"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a data set.

    Attributes
    ----------
    name : str
        Name in the data frame.
    kind : {"float", "int", "group", "category", "ordered"}
        Numbers, or a categorical: ``group`` identifies units (levels in natural order),
        ``category`` has the levels as listed, ``ordered`` has them in a meaningful order.
    about : str
        What it is.
    unit : str
        Unit of measurement; empty where there is none or the source does not say.
    levels : tuple of str
        Levels of a ``category`` or ``ordered`` column in their order, else empty.
    """

    name: str
    kind: ColumnKind
    about: str
    unit: str = ""
    levels: tuple[str, ...] = ()

    @property
    def meaning(self) -> str:
        """What the column is, with unit and levels, in one line."""
        unit = f" [{self.unit}]" if self.unit else ""
        levels = f": {', '.join(self.levels)}" if self.levels else ""
        return f"{self.about}{unit}{levels}"


@dataclass(frozen=True, slots=True)
class Description:
    """A data set in words. ``print`` it, or let a notebook show it.

    Attributes
    ----------
    name : str
        Name for :func:`load`.
    title : str
        What the data are.
    source : str
        Primary source.
    licence : str
        Licence or status, and the file it was taken from.
    changes : str
        What differs from that file.
    columns : tuple of Column
        The columns, in the order of the data frame.
    """

    name: str
    title: str
    source: str
    licence: str
    changes: str
    columns: tuple[Column, ...]

    def __str__(self) -> str:
        width = max(len(column.name) for column in self.columns)
        lines = [f"  {column.name:<{width}}  {column.meaning}" for column in self.columns]
        return "\n".join(
            [
                f"{self.name}: {self.title}",
                "",
                *lines,
                "",
                f"Source: {self.source}",
                f"Licence: {self.licence}",
                f"Changes: {self.changes}",
            ]
        )

    def _repr_markdown_(self) -> str:
        rows = [
            f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in self.columns
        ]
        return "\n".join(
            [
                f"## {self.name}",
                "",
                f"{self.title}.",
                "",
                f"- Source: {self.source}",
                f"- Licence: {self.licence}",
                f"- Changes: {self.changes}",
                "",
                "| column | kind | meaning |",
                "| --- | --- | --- |",
                *rows,
                "",
            ]
        )


def names() -> tuple[str, ...]:
    """Return the names of the data sets.

    Returns
    -------
    tuple of str
        What :func:`load` and :func:`describe` accept.

    Examples
    --------
    >>> import multilevel as mlm
    >>> "hsb" in mlm.datasets.names()
    True
    """
    return tuple(_catalogue())


def describe(name: str) -> Description:
    """Describe a data set: what it is, where it comes from, what its columns mean.

    Parameters
    ----------
    name : str
        One of :func:`names`.

    Returns
    -------
    Description
        Printable; notebooks render it.

    Raises
    ------
    DataError
        If there is no such data set; the message lists them.

    Examples
    --------
    >>> import multilevel as mlm
    >>> mlm.datasets.describe("sleepstudy").columns[0].unit
    'ms'
    """
    catalogue = _catalogue()
    if name not in catalogue:
        close = difflib.get_close_matches(str(name).lower(), catalogue, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        listed = ", ".join(catalogue)
        raise DataError(f"There is no data set {name!r}.{hint} The data sets are: {listed}.")
    return catalogue[name]


@cache
def _catalogue() -> dict[str, Description]:
    import tomllib  # here, because few sessions ask for a data set

    text = files("multilevel.datasets").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {name: _description(name, entry) for name, entry in tomllib.loads(text).items()}


def _description(name: str, entry: dict[str, Any]) -> Description:
    columns = tuple(
        Column(**{**spec, "levels": tuple(spec.get("levels", ()))}) for spec in entry.pop("columns")
    )
    return Description(name=name, columns=columns, **entry)
