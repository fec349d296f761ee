"""Centring of variables: the data given back with further columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.design.frame import describe_rows
from multilevel.exceptions import DataError
from multilevel.formula.parse import parse_random
from multilevel.frames.codes import interact
from multilevel.frames.emit import add_columns
from multilevel.frames.table import Table
from multilevel.levels.centering import crossed_parts, group_means, nested_parts
from multilevel.levels.nesting import is_nested
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, Int

__all__ = ["Grouping", "center", "demean"]

How = Literal["grand", "within", "between"]


def center(
    data: Any, cols: str | Sequence[str], by: str | Sequence[str] | None = None, how: How = "grand"
) -> Any:
    """Centre variables about their mean or about the means of groups.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation.
    cols : str or sequence of str
        Columns of numbers (true and false count as 1 and 0).
    by : str or sequence of str, optional
        Groups: a column, ``"school/class"`` for classes in schools, or a list of columns that
        cross each other, ``["pupil", "item"]``. Needed for ``"within"`` and ``"between"``.
    how : {"grand", "within", "between"}
        ``"grand"``: deviation from the mean of all rows. ``"within"``: deviation from the mean of
        the (innermost) group. ``"between"``: mean of the group.

    Returns
    -------
    data frame
        The data with new columns: ``x_c`` (grand), ``x_within``, ``x_between``; with several
        groupings one ``x_<group>_between`` each (see :func:`demean`).

    Raises
    ------
    DataError
        For columns that are missing or not numeric, missing values in ``by``, names of new columns
        that are taken, and a list of groups of which one is nested in another.

    Notes
    -----
    Means are those of the observed values; a missing value stays missing in deviations. A variable
    that does not vary within groups has a within part of zeros: leave it out of the model. Rows
    that a model drops for other missing values count here; :func:`multilevel.within_between` takes
    the rows of the model only.

    References
    ----------
    Enders, C. K. & Tofighi, D. (2007). Centering predictor variables in cross-sectional multilevel
    models. Psychological Methods 12, 121-138.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = {"school": ["a", "a", "b", "b"], "ses": [1.0, 3.0, 2.0, 6.0]}
    >>> mlm.center(data, "ses", by="school", how="within")["ses_within"].tolist()
    [-1.0, 1.0, -2.0, 2.0]
    """
    check_option("how", how, How)
    table = Table.from_data(data)
    names = _read_names(cols)
    if how == "grand":
        if by is not None:
            raise ValueError("by= is for how='within' and how='between'; leave it out.")
        one = np.zeros(table.n_rows, dtype=np.int32)
        new = {f"{n}_c": (x := _numbers(table, n)) - group_means(x, one, 1) for n in names}
        return _added(table, new)
    if by is None:
        raise ValueError(f"how={how!r} needs by=, the column of the groups.")
    grouping = Grouping(table, by)
    new = {}
    for name in names:
        parts = grouping.parts(name, _numbers(table, name))
        new |= {n: v for n, v in parts.items() if n.endswith(f"_{how}")}
    return _added(table, new)


def demean(data: Any, cols: str | Sequence[str], by: str | Sequence[str]) -> Any:
    """Split variables into all their parts, between groups and within them.

    Parameters
    ----------
    data, cols, by
        As in :func:`center`.

    Returns
    -------
    data frame
        The data with new columns that add up to the variable:

        - one grouping: ``x_between``, the mean of the group, and ``x_within``;
        - nested, ``"school/class"``: ``x_school_between``, the mean of the school,
          ``x_class_between``, by how much the mean of the class differs from it, and ``x_within``;
        - crossed, ``["pupil", "item"]``: ``x_pupil_between``, the mean of the pupil,
          ``x_item_between``, by how much the mean of the item differs from the mean of all, and
          ``x_within``, the rest.

    Raises
    ------
    DataError
        As in :func:`center`.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = {"school": ["a", "a", "b", "b"], "ses": [1.0, 3.0, 2.0, 6.0]}
    >>> parts = mlm.demean(data, "ses", by="school")
    >>> parts["ses_between"].tolist(), parts["ses_within"].tolist()
    ([2.0, 2.0, 4.0, 4.0], [-1.0, 1.0, -2.0, 2.0])
    """
    table = Table.from_data(data)
    grouping = Grouping(table, by)
    new: dict[str, Float] = {}
    for name in _read_names(cols):
        new |= grouping.parts(name, _numbers(table, name))
    return _added(table, new)


class Grouping:
    """Groups as ``by=`` names them.

    Parameters
    ----------
    table : Table
        The data.
    by : str or sequence of str
        A column, columns joined by ``/`` (nested) or a list of columns (crossed).

    Attributes
    ----------
    names : tuple of str
        One name per factor, the outermost first.
    nested : bool
        Whether each factor is nested in the one before it.
    factors : tuple of (codes, n_levels)
        Group of every row, per factor.
    """

    def __init__(self, table: Table, by: str | Sequence[str]) -> None:
        texts = [by] if isinstance(by, str) else list(by)
        if not texts or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"by must be the name of a column or a list of names; got {by!r}.")
        read = [_read_groups(table, text) for text in texts]
        if len(read) > 1 and any(len(groups) > 1 for groups in read):
            raise ValueError(
                f"by={by!r} mixes nested and crossed groups. Write 'school/class', or a list of "
                "columns that cross each other."
            )
        self.nested = len(read) == 1
        groups = read[0] if self.nested else [single for [single] in read]
        self.names = tuple(group[-1] for group in groups)
        if len(set(self.names)) < len(self.names):
            raise ValueError(f"by={by!r} names a column twice.")
        self.factors = tuple(_codes(table, group) for group in groups)
        if not self.nested:
            self._refuse_nested()

    def parts(self, name: str, x: Float) -> dict[str, Float]:
        """Parts of a variable by the names of their columns, the one within groups last."""
        values = (nested_parts if self.nested else crossed_parts)(x, self.factors)
        return dict(zip(self.part_names(name), values, strict=True))

    def part_names(self, name: str) -> tuple[str, ...]:
        """Names of the columns of the parts of a variable."""
        if len(self.names) == 1:
            return f"{name}_between", f"{name}_within"
        return *(f"{name}_{group}_between" for group in self.names), f"{name}_within"

    def _refuse_nested(self) -> None:
        for i, (inner, n_inner) in enumerate(self.factors):
            for j, (outer, _) in enumerate(self.factors):
                if i != j and is_nested(inner, n_inner, outer):
                    raise DataError(
                        f"{self.names[i]!r} is nested in {self.names[j]!r}, not crossed with it: "
                        f"write by='{self.names[j]}/{self.names[i]}'."
                    )


def _read_groups(table: Table, text: str) -> list[tuple[str, ...]]:
    """Factors that ``a``, ``a/b`` or ``a:b`` stands for, each as its columns."""
    if table.has(text):
        return [(text,)]
    return [spec.group for spec in parse_random(f"(1 | {text})")]


def _codes(table: Table, group: tuple[str, ...]) -> tuple[Int, int]:
    """Group of every row, and their number."""
    for name in group:
        missing = table.column(name).missing
        if missing is not None:
            raise DataError(
                f"The grouping column {name!r} has missing values in "
                f"{describe_rows(np.flatnonzero(missing))}: their groups have no mean. Fill them, "
                "or drop these rows first."
            )
    columns = [table.column(name) for name in group]
    if len(columns) == 1:
        return columns[0].codes, len(columns[0].levels)
    codes, levels = interact([c.codes for c in columns], [c.levels for c in columns])
    return codes, len(levels)


def _read_names(cols: str | Sequence[str]) -> list[str]:
    names = [cols] if isinstance(cols, str) else list(cols)
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(f"cols must be the name of a column or a list of names; got {cols!r}.")
    return names


def _numbers(table: Table, name: str) -> Float:
    """Values of a column, which must be finite numbers or missing."""
    column = table.column(name)
    if not column.is_numeric:
        raise DataError(
            f"Column {name!r} holds {column.describe()}, which has no mean. Make a column of zeros "
            "and ones for each category, and centre those."
        )
    infinite = np.flatnonzero(np.isinf(column.values))
    if len(infinite):
        raise DataError(f"Column {name!r} is infinite in {describe_rows(infinite)}.")
    return column.values


def _added(table: Table, new: dict[str, Float]) -> Any:
    taken = [name for name in new if table.has(name)]
    if taken:
        raise DataError(
            f"The data already have a column {taken[0]!r}, which would be added. Rename or drop it."
        )
    return add_columns(table, new)
