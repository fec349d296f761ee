"""The levels of the data: grouping factors, and what is nested in what.

Nesting is looked for in the data, not believed: labels that are used again in every group above
(class 1 in every school) are told from crossed factors.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.codes import interact
from multilevel.levels.nesting import is_nested
from multilevel.workflow.labels import starts_again
from multilevel.workflow.naming import quoted

if TYPE_CHECKING:
    from multilevel.frames.column import Column
    from multilevel.frames.table import Table
    from multilevel.typing import Float, Int

__all__ = ["Factor", "Hierarchy", "read_hierarchy"]

# Of two factors with labels that are used again, the one with so many times fewer labels is the
# inner one; otherwise the one that is named later.
_FEWER = 3


@dataclass(frozen=True, eq=False)
class Factor:
    """A grouping factor.

    Attributes
    ----------
    name : str
        As the models call it: ``"school"``, ``"school:class"``.
    label : str
        Its innermost column, for sentences: ``"class"``.
    columns : tuple of str
        The columns whose combinations are its groups.
    codes : ndarray of int32, shape (n_rows,)
        Group of every row; -1 where it is missing.
    labels : ndarray, shape (n_levels,)
        Labels of the groups.
    parent : int or None
        Position of the factor in which it is nested.
    reused : bool
        Whether its own labels are used again in other groups of the parent.
    """

    name: str
    label: str
    columns: tuple[str, ...]
    codes: Int
    labels: np.ndarray
    parent: int | None = None
    reused: bool = False

    @property
    def n_levels(self) -> int:
        """Number of groups."""
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """All grouping factors, the outermost first.

    Attributes
    ----------
    factors : tuple of Factor
        A parent stands before what is nested in it.
    """

    factors: tuple[Factor, ...]

    @property
    def innermost(self) -> Factor:
        """The lowest factor: the groups that rows belong to."""
        return self.factors[-1]

    @property
    def lowest(self) -> tuple[Factor, ...]:
        """Factors in which no other is nested: the innermost, and those that cross it."""
        parents = {factor.parent for factor in self.factors}
        return tuple(factor for i, factor in enumerate(self.factors) if i not in parents)

    @property
    def crossed(self) -> bool:
        """Whether there are two factors of which neither is nested in the other."""
        return any(factor.parent != (i - 1 if i else None) for i, factor in enumerate(self.factors))

    def random(self, inside: str = "1", factor: Factor | None = None) -> str:
        """Random-effects terms: random intercepts of all factors, ``inside`` for one of them.

        >>> # hierarchy.random("1 + ses") -> "(1 + ses | school)"
        """
        chosen = self.innermost if factor is None else factor
        return " + ".join(
            f"({inside if one is chosen else '1'} | {':'.join(map(quoted, one.columns))})"
            for one in self.factors
        )


def read_hierarchy(table: Table, groups: tuple[str, ...], outcome: str | None = None) -> Hierarchy:
    """Find out how the grouping factors lie in each other.

    Parameters
    ----------
    table : Table
        The data.
    groups : tuple of str
        Texts as given: a column; ``"school/class"``, nested; ``"pupil + item"``, crossed.
    outcome : str, optional
        The outcome. Labels that are used again are those of the same items if the outcome differs
        between them in the same way everywhere.

    Raises
    ------
    DataError
        For columns that are no grouping factors, and two that group the rows alike.
    """
    for name in {part for text in groups for part in _columns_of(table, text)}:
        if ":" in name and not table.has(name):
            raise DataError(
                f"groups: {name!r} is no column. Write {name.replace(':', '/')!r} for groups "
                "inside groups; for combinations alone make a column of them and name it."
            )
        _check_labels(table.column(name))
    stated: dict[str, str | None] = {}
    free: list[str] = []
    for text in groups:
        pieces = [text] if table.has(text) else [piece.strip() for piece in text.split("+")]
        if len(pieces) == 1 and (table.has(text) or "/" not in text):
            free.append(text)
        for piece in pieces if pieces != [text] or not table.has(text) else ():
            stated |= _chain(piece)
    parents = {**_found(table, free, outcome), **stated}
    factors: list[Factor] = []
    positions: dict[str, int] = {}
    for name in _outermost_first(parents):
        parent = parents[name]
        position = None if parent is None else positions[parent]
        factors.append(_factor(table, name, position, factors))
        positions[name] = len(factors) - 1
    _refuse_same(factors)
    return Hierarchy(tuple(factors))


def _columns_of(table: Table, text: str) -> list[str]:
    if table.has(text):
        return [text]
    return [part.strip() for piece in text.split("+") for part in piece.split("/")]


def _check_labels(column: Column) -> None:
    """Measured numbers are no labels of groups."""
    if column.kind != "numeric":
        return
    x = column.values[np.isfinite(column.values)]
    fractions = x[x != np.floor(x)]
    if len(fractions):
        raise DataError(
            f"groups: {column.name!r} holds measured numbers (such as {fractions[0]:g}), not "
            "labels of groups. Name a column of text or whole numbers; if it is a predictor, put "
            "it in level1 or level2; if these numbers are labels, convert them to text."
        )


def _chain(text: str) -> dict[str, str | None]:
    """Parents of the factors of ``a/b/c``."""
    names = [name.strip() for name in text.split("/")]
    return dict(zip(names, [None, *names[:-1]], strict=True))


def _found(table: Table, names: list[str], outcome: str | None) -> dict[str, str | None]:
    """Parents of factors as the data show them."""
    column = None if outcome is None else table.column(outcome)
    y = column.values if column is not None and column.is_numeric else None
    size = {name: len(table.column(name).levels) for name in names}
    homes: dict[str, list[str]] = {name: [] for name in names}
    pairs = list(combinations(names, 2))
    for inner, outer in (*pairs, *((second, first) for first, second in pairs)):
        if _lies_in(table, inner, outer):
            homes[inner].append(outer)
    # the clearest first; what follows from pairs that were found before is not asked again
    pairs.sort(key=lambda pair: -abs(np.log(size[pair[0]] / size[pair[1]])))
    for first, second in pairs:
        if _is_inside(homes, first, second) or _is_inside(homes, second, first):
            continue
        few = size[first] * _FEWER <= size[second]
        inner, outer = (first, second) if few else (second, first)
        if _starts_again(table, inner, outer, y):
            homes[inner].append(outer)
    return {name: max(found, key=size.__getitem__, default=None) for name, found in homes.items()}


def _lies_in(table: Table, inner: str, outer: str) -> bool:
    """Whether every group of a factor belongs to one group of another that has fewer."""
    a, b = table.column(outer), table.column(inner)
    both = (a.codes >= 0) & (b.codes >= 0)
    return len(a.levels) < len(b.levels) and is_nested(b.codes[both], len(b.levels), a.codes[both])


def _starts_again(table: Table, inner: str, outer: str, y: Float | None) -> bool:
    a, b = table.column(outer), table.column(inner)
    known = (a.codes >= 0) & (b.codes >= 0)
    if y is not None:
        known &= np.isfinite(y)
    return bool(known.any()) and starts_again(
        a.codes[known], b.codes[known], None if y is None else y[known]
    )


def _is_inside(homes: dict[str, list[str]], inner: str, outer: str) -> bool:
    """Whether one factor was found to lie in another, directly or not."""
    return any(home == outer or _is_inside(homes, home, outer) for home in homes[inner])


def _outermost_first(parents: dict[str, str | None]) -> list[str]:
    """Names in an order in which parents come before what is nested in them."""
    order: list[str] = []

    def place(name: str) -> None:
        parent = parents[name]
        if parent is not None and parent not in order:
            place(parent)
        if name not in order:
            order.append(name)

    for name in parents:
        place(name)
    return order


def _factor(table: Table, name: str, parent: int | None, above: list[Factor]) -> Factor:
    own = table.column(name)
    if parent is None:
        return Factor(name, name, (name,), own.codes, own.levels)
    outer = above[parent]
    both = (outer.codes >= 0) & (own.codes >= 0)
    if is_nested(own.codes[both], len(own.levels), outer.codes[both]):  # labels of their own
        return Factor(name, name, (name,), own.codes, own.levels, parent)
    codes, labels = interact([outer.codes, own.codes], [outer.labels, own.levels])
    columns = (*outer.columns, name)
    return Factor(":".join(columns), name, columns, codes, labels, parent, reused=True)


def _refuse_same(factors: list[Factor]) -> None:
    """Two factors that group the rows alike are one."""
    for i, first in enumerate(factors):
        for second in factors[:i]:
            if first.n_levels == second.n_levels and is_nested(
                first.codes, first.n_levels, second.codes
            ):
                raise DataError(
                    f"{second.name!r} and {first.name!r} group the rows alike: name one of them."
                )
