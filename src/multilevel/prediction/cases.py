"""Rows of a model drawn again, group by group: the case bootstrap, and models without a group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.grouping import check_columns, check_sizes
from multilevel.design.rank import independent_columns
from multilevel.exceptions import DataError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    import numpy.typing as npt

    from multilevel.design.matrices import GroupingFactor, ModelMatrices
    from multilevel.typing import Float, IndexArray, Int

    Mask = npt.NDArray[np.bool_]

__all__ = [
    "ROWS",
    "CaseScheme",
    "at_rows",
    "case_scheme",
    "check_terms",
    "top_factor",
    "without_group",
]

ROWS = "rows"  # the level below all groups


@dataclass(frozen=True, slots=True)
class Level:
    """Units of one level of the hierarchy, by the unit above that they belong to.

    Attributes
    ----------
    order : ndarray of intp
        Units, sorted by the unit above.
    starts, sizes : ndarray of intp
        First place in ``order`` and number of units, for every unit above.
    drawn : bool
        Whether units are drawn with replacement within the unit above (else all are kept).
    """

    order: IndexArray
    starts: IndexArray
    sizes: IndexArray
    drawn: bool

    def below(
        self, above: IndexArray, generator: np.random.Generator
    ) -> tuple[IndexArray, IndexArray]:
        """Units below some units, with the position in ``above`` that each belongs to."""
        sizes = self.sizes[above]
        owner = np.repeat(np.arange(len(above)), sizes)
        if self.drawn:
            place = generator.integers(sizes[owner])
        else:
            place = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return self.order[self.starts[above][owner] + place], owner


@dataclass(frozen=True, slots=True)
class CaseScheme:
    """Draws of whole groups, of groups within groups, of rows within groups.

    van der Leeden, Meijer & Busing (2008), in de Leeuw & Meijer (eds), Handbook of Multilevel
    Analysis, chapter 11. A group that is drawn twice becomes two groups.

    Attributes
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    path : tuple of int
        Grouping factors from the top down that the rows are drawn along.
    levels : tuple of Level
        One for every factor of the path, and one for the rows.
    within : tuple of int or None
        For every grouping factor the place in the path of the lowest factor that it is nested in;
        None if it is crossed with them, which leaves its groups as they are.
    """

    matrices: ModelMatrices
    path: tuple[int, ...]
    levels: tuple[Level, ...]
    within: tuple[int | None, ...]

    def draw(self, generator: np.random.Generator) -> ModelMatrices:
        """Draw the arrays of one resample.

        Raises
        ------
        DataError
            If the model cannot be fitted to it.
        """
        units: IndexArray = np.zeros(1, dtype=np.intp)
        copies: list[IndexArray] = []  # of every factor so far: the copy that a unit belongs to
        for level in self.levels:
            units, owner = level.below(units, generator)
            copies = [copy[owner] for copy in copies]
            copies.append(np.arange(len(units)))
        resample = _take(self.matrices, units, self._factors(units, copies))
        _check(resample)
        return resample

    def _factors(self, rows: IndexArray, copies: Sequence[IndexArray]) -> list[GroupingFactor]:
        """Grouping factors of the drawn rows: copies are new groups, and what is nested in them."""
        out = []
        for f, (factor, place) in enumerate(zip(self.matrices.factors, self.within, strict=True)):
            if place is None:
                out.append(_subset(factor, rows))
            elif self.path[place] == f:
                out.append(_relabelled(factor, copies[place]))
            else:
                pairs = copies[place] * factor.n_levels + factor.codes[rows]
                out.append(_relabelled(factor, np.unique(pairs, return_inverse=True)[1]))
        return out


def case_scheme(matrices: ModelMatrices, resample: Collection[str] | None = None) -> CaseScheme:
    """Plan the case bootstrap of a model.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    resample : collection of str, optional
        Levels at which units are drawn with replacement, within the unit above: names of grouping
        factors, and ``"rows"``. All units of the levels not named are kept. By default the groups
        of the top level are drawn, or rows if the model has no random effects.

    Raises
    ------
    DataError
        If a name is no grouping factor of the model, or none is given.
    NotSupportedError
        If the levels to draw from, with those above them, are not nested in each other.
    """
    factors = matrices.factors
    names = [factor.name for factor in factors]
    if resample is None:
        top = top_factor(matrices, "Name the one to draw groups from: resample=[...].")
        resample = {ROWS if top is None else names[top]}
    unknown = [name for name in resample if name not in (*names, ROWS)]
    if unknown or not resample:
        raise DataError(
            f"resample names {', '.join(map(repr, unknown)) or 'nothing'}; the levels of the model "
            f"are {', '.join(map(repr, [*names, ROWS]))}."
        )
    chosen = [factors[names.index(name)] for name in resample if name != ROWS]
    path = [
        f
        for f, factor in enumerate(factors)
        if ROWS in resample or any(_nested(c, factor) for c in chosen)
    ]
    path.sort(key=lambda f: factors[f].n_levels)
    for upper, lower in pairwise(path):
        if not _nested(factors[lower], factors[upper]):
            raise NotSupportedError(
                f"{names[upper]!r} and {names[lower]!r} are crossed, so that {sorted(resample)} "
                "cannot be drawn within the levels above. Resample the groups of one factor, or "
                "use method='parametric' or 'residual'."
            )
    drawn = [names[f] in resample for f in path] + [ROWS in resample]
    within = tuple(_lowest(f, path, factors) for f in range(len(factors)))
    levels = _levels([factors[f].codes for f in path], matrices.n_rows, drawn)
    return CaseScheme(matrices, tuple(path), levels, within)


def top_factor(matrices: ModelMatrices, advice: str) -> int | None:
    """The grouping factor that is nested in no other; None without random effects.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    advice : str
        What to do about crossed factors, for the message.

    Raises
    ------
    NotSupportedError
        If there are several.
    """
    factors = matrices.factors
    if not factors:
        return None
    top = min(range(len(factors)), key=lambda f: factors[f].n_levels)
    crossed = [f.name for f in factors if not _nested(f, factors[top])]
    if crossed:
        raise NotSupportedError(
            f"The grouping factors {factors[top].name!r} and {', '.join(map(repr, crossed))} are "
            f"crossed, so that there is no top level. {advice}"
        )
    return top


def without_group(matrices: ModelMatrices, codes: Int, group: int) -> ModelMatrices:
    """The arrays of a model without the rows of one group.

    Raises
    ------
    DataError
        If the model cannot be fitted to the rest.
    """
    rest = at_rows(matrices, np.flatnonzero(codes != group))
    _check(rest)
    return rest


def at_rows(matrices: ModelMatrices, rows: IndexArray) -> ModelMatrices:
    """The arrays of a model at some rows, whether or not they identify it."""
    return _take(matrices, rows, [_subset(factor, rows) for factor in matrices.factors])


def _levels(codes: Sequence[Int], n_rows: int, drawn: Sequence[bool]) -> tuple[Level, ...]:
    """Units of each level by the unit above, from the codes of the rows."""
    levels = []
    above: Int = np.zeros(n_rows, dtype=np.int32)
    below: list[Int] = [*codes, np.arange(n_rows, dtype=np.int32)]
    for own, draws in zip(below, drawn, strict=True):
        parent = np.empty(own.max() + 1, dtype=np.intp)
        parent[own] = above
        sizes = np.bincount(parent)
        levels.append(
            Level(np.argsort(parent, kind="stable"), np.cumsum(sizes) - sizes, sizes, draws)
        )
        above = own
    return tuple(levels)


def _nested(inner: GroupingFactor, outer: GroupingFactor) -> bool:
    """Whether every group of the inner factor lies in one group of the outer."""
    parent = np.empty(inner.n_levels, dtype=outer.codes.dtype)
    parent[inner.codes] = outer.codes
    return bool((parent[inner.codes] == outer.codes).all())


def _lowest(f: int, path: Sequence[int], factors: Sequence[GroupingFactor]) -> int | None:
    """Place in the path of a factor itself, or of the lowest one that it is nested in."""
    if f in path:
        return path.index(f)
    places = [i for i, g in enumerate(path) if _nested(factors[f], factors[g])]
    return places[-1] if places else None


def _relabelled(factor: GroupingFactor, codes: IndexArray) -> GroupingFactor:
    """A factor whose groups are new ones, with labels that are none of the data's."""
    labels = [f"draw {i}" for i in range(1, int(codes.max()) + 2)]
    return replace(factor, codes=codes.astype(np.int32), levels=np.array(labels, dtype=object))


def _subset(factor: GroupingFactor, rows: IndexArray) -> GroupingFactor:
    """A factor at some rows, without the levels that do not occur there."""
    labels, codes = np.unique(factor.codes[rows], return_inverse=True)
    return replace(factor, codes=codes.astype(np.int32), levels=factor.levels[labels])


def _take(
    matrices: ModelMatrices, rows: IndexArray, factors: Iterable[GroupingFactor]
) -> ModelMatrices:
    """The arrays at some rows."""
    X = matrices.X[rows]

    def columns(z: Float) -> Float:
        if z is matrices.X:
            return X
        return np.broadcast_to(z[0], (len(rows), 1)) if z.strides[0] == 0 else z[rows]

    return replace(
        matrices,
        y=matrices.y[rows],
        X=X,
        factors=tuple(factors),
        terms=tuple(replace(term, z=columns(term.z)) for term in matrices.terms),
        weights=None if matrices.weights is None else matrices.weights[rows],
        offset=None if matrices.offset is None else matrices.offset[rows],
    )


def _check(matrices: ModelMatrices) -> None:
    """Refuse rows that do not identify the model."""
    X = matrices.X
    constant = X.shape[1] > 0 and bool((X[:, 0] == 1.0).all())
    if len(independent_columns(X, intercept=constant)) < X.shape[1]:
        raise DataError("The drawn rows do not identify all fixed effects.")
    check_terms(matrices)


def check_terms(matrices: ModelMatrices) -> None:
    """Raise ``DataError`` unless the rows identify the variances of all random-effects terms."""
    for term in matrices.terms:
        check_sizes(term, matrices.factors[term.factor])
        check_columns(term, intercept=bool((term.z[:, 0] == 1.0).all()))
