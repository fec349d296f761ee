"""A model by levels: each coefficient of a level is the outcome of the level above.

The notation is that of Raudenbush & Bryk (2002): beta and gamma for two levels, pi, beta and gamma
for three. With crossed factors there are no such levels, and only the combined equation is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multilevel.report.document import Equations
from multilevel.workflow.coefficients import known_pieces, read_pieces
from multilevel.workflow.equations import LETTERS, piece_symbol
from multilevel.workflow.sizes import the_groups

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.coefficients import Piece
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["equations_by_level"]

# Coefficients and random effects of the levels, the lowest first.
_COEFFICIENTS = {2: "βγ", 3: "πβγ", 4: "ψπβγ"}
_EFFECTS = {2: "eu", 3: "eru", 4: "esru"}


def equations_by_level(study: Study, fit: LinearMixedModel) -> tuple[Equations, ...]:
    """Equations of every level, the lowest first; none for what cannot be written so.

    Parameters
    ----------
    study : Study
        The question and the data.
    fit : LinearMixedModel
        The model.
    """
    n_levels = len(study.hierarchy.factors) + 1
    if study.hierarchy.crossed or n_levels not in _COEFFICIENTS:
        return ()
    columns = _columns(study, fit, n_levels)
    if columns is None:
        return ()
    writer = _Writer(study, columns, n_levels)
    return tuple(writer.equations(level) for level in range(1, n_levels + 1))


# What a column is made of, by level: the product of its pieces at level 1, at level 2, ...
_Parts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Columns:
    """Columns of the model, split by level."""

    fixed: tuple[_Parts, ...]
    random: tuple[tuple[int, tuple[_Parts, ...]], ...]  # level of the factor, columns of a term


def _columns(study: Study, fit: LinearMixedModel, n_levels: int) -> _Columns | None:
    factors = tuple(reversed(study.hierarchy.factors))
    level_of = {factor.name: i + 2 for i, factor in enumerate(factors)}
    fixed = [_split(study, name, level_of, n_levels) for name in fit.coef_names]
    known = {parts for parts in fixed if parts is not None}
    random = []
    for term in fit._matrices.terms:
        level = level_of[fit._matrices.factors[term.factor].name]
        columns = [_split(study, name, level_of, n_levels) for name in term.names]
        found = tuple(parts for parts in columns if parts in known)
        if len(found) < len(columns):  # a slope that has no mean
            return None
        random.append((level, found))
    if None in fixed:
        return None
    return _Columns(tuple(parts for parts in fixed if parts is not None), tuple(random))


def _split(study: Study, name: str, level_of: dict[str, int], n_levels: int) -> _Parts | None:
    """Pieces of a column by level; None if it is not made of the study's predictors."""
    pieces = () if name == "Intercept" else read_pieces(known_pieces(study), name)
    if not pieces and name != "Intercept":
        return None
    row = _place(1, n_levels)
    parts: list[list[str]] = [[] for _ in range(n_levels)]
    for piece in pieces:
        factor = _factor(piece)
        level = 1 if factor is None else level_of[factor.name]
        parts[level - 1].append(piece_symbol(study, piece, row))
    return tuple(" · ".join(part) for part in parts)


def _factor(piece: Piece) -> Factor | None:
    return piece.factor or piece.predictor.factor


def _place(level: int, n_levels: int) -> str:
    """Letters of the units of a level: ``ij``, ``j``; nothing above the highest."""
    return ("i" + LETTERS)[level - 1 : n_levels]


class _Writer:
    """Equations from the columns of a model."""

    def __init__(self, study: Study, columns: _Columns, n_levels: int) -> None:
        self.study = study
        self.columns = columns
        self.n_levels = n_levels
        # columns as trees: the products at the levels below, and what stands under each
        self.below: list[dict[tuple[str, ...], list[str]]] = []
        for level in range(n_levels):
            tree: dict[tuple[str, ...], list[str]] = {}
            for parts in columns.fixed:
                own = tree.setdefault(parts[:level], [])
                if parts[level] not in own:
                    own.append(parts[level])
            self.below.append(tree)

    def equations(self, level: int) -> Equations:
        """The equations of a level, and the distribution of what is random there."""
        title = f"Level {level}: {self._units(level)}"
        return Equations(title, (*self._lines(level), *self._distributions(level)))

    def _units(self, level: int) -> str:
        if level == 1:
            return "rows"
        return the_groups(self.study.hierarchy.factors[self.n_levels - level].label)

    def _lines(self, level: int) -> list[str]:
        if level == 1:
            place = _place(1, self.n_levels)
            right = self._sum(1, ())
            return [f"{self.study.outcome}_{{{place}}} = {right} + e_{{{place}}}"]
        lines = []
        for parts in sorted(self.below[level - 1], key=self._index):
            left = self._coefficient(level - 1, parts)
            right = self._sum(level, parts)
            lines.append(f"{left} = {right}{self._effect(level, parts, ' + ')}")
        return lines

    def _sum(self, level: int, parts: tuple[str, ...]) -> str:
        """Coefficients of a level times their columns."""
        terms = []
        for own in self.below[level - 1][parts]:
            coefficient = self._coefficient(level, (*parts, own))
            terms.append(f"{coefficient} {own}" if own else coefficient)
        return " + ".join(terms)

    def _index(self, parts: tuple[str, ...]) -> str:
        """Numbers of the products that a coefficient belongs to, the lowest level first."""
        return "".join(
            str(self.below[level][parts[:level]].index(parts[level])) for level in range(len(parts))
        )

    def _coefficient(self, level: int, parts: tuple[str, ...]) -> str:
        symbol = _COEFFICIENTS[self.n_levels][level - 1]
        return f"{symbol}_{{{self._index(parts)}{_place(level + 1, self.n_levels)}}}"

    def _effect(self, level: int, parts: tuple[str, ...], before: str = "") -> str:
        """The random effect of a level's groups on a coefficient of the levels below."""
        column = (*parts, *[""] * (self.n_levels - len(parts)))
        if not any(at == level and column in term for at, term in self.columns.random):
            return ""
        symbol = _EFFECTS[self.n_levels][level - 1]
        return f"{before}{symbol}_{{{self._index(parts)}{_place(level, self.n_levels)}}}"

    def _distributions(self, level: int) -> list[str]:
        if level == 1:
            place = _place(1, self.n_levels)
            weights = self.study.request.weights
            by = "" if weights is None else f" / {weights}_{{{place}}}"
            return [f"e_{{{place}}} ~ N(0, σ^{{2}}{by})"]
        symbol = _EFFECTS[self.n_levels][level - 1]
        lines = []
        for at, term in self.columns.random:
            if at != level:
                continue
            effects = [self._effect(level, parts[: level - 1]) for parts in term]
            one = len(effects) == 1
            number = effects[0].split("{")[1][: level - 1]
            left = effects[0] if one else f"({', '.join(effects)})"
            right = f"τ_{{{symbol}{number}}}^{{2}}" if one else f"T_{{{symbol}}}"
            lines.append(f"{left} ~ N(0, {right})")
        return lines
