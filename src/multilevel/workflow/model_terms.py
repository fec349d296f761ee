"""Terms of a model, taken apart by the levels at which their columns vary."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from multilevel.workflow.coefficients import known_pieces, read_pieces
from multilevel.workflow.pieces_in_words import column_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from multilevel.workflow.coefficients import Piece
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["EFFECTS", "LETTERS", "Column", "Effect", "ModelTerms", "letters_of", "read_terms"]

LETTERS = "jklmnopq"
"""Letters that count the groups of factors, from the innermost outwards."""
EFFECTS = "uvwabcdf"
"""Letters of their random effects."""

Column = tuple[str, ...]
"""The parts of a column that vary at level 1, 2, ..., each empty if there is none."""


@dataclass(frozen=True, eq=False)
class Effect:
    """A random effect.

    Attributes
    ----------
    column : tuple of str
        What it is multiplied by.
    factor : Factor
        Whose groups it belongs to.
    level : int
        The level of these groups.
    letter, place : str
        Its symbol, ``"u"``, and the letters of the groups, ``"jk"``.
    """

    column: Column
    factor: Factor
    level: int
    letter: str
    place: str


@dataclass(frozen=True, eq=False)
class ModelTerms:
    """Columns with coefficients and random effects.

    Attributes
    ----------
    n_levels : int
        Number of levels, rows being the first.
    fixed : tuple of tuple of str
        Columns of the fixed part.
    blocks : tuple of tuple of Effect
        Random effects, those of inner groups first; those of a block are correlated.
    """

    n_levels: int
    fixed: tuple[Column, ...]
    blocks: tuple[tuple[Effect, ...], ...]

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All random effects."""
        return tuple(effect for block in self.blocks for effect in block)

    def paths(self, depth: int) -> list[Column]:
        """What there are coefficients of at a level: the parts of columns up to it, in order."""
        return sorted(self._paths(depth), key=self.position)

    def index(self, path: Column) -> str:
        """Digits of a coefficient: its place among those of level 1, of level 2 within it, ..."""
        digits = [str(place) for place in self.position(path)]
        return ("," if any(len(digit) > 1 for digit in digits) else "").join(digits)

    def position(self, path: Column) -> tuple[int, ...]:
        """Places from 1, and 0 for the intercept, at each level."""
        places = []
        for depth in range(1, len(path) + 1):
            others = [one[-1] for one in self._paths(depth) if one[:-1] == path[: depth - 1]]
            own = path[depth - 1]
            others = [part for part in [*others, own] if part]
            places.append(1 + others.index(own) if own else 0)
        return tuple(places)

    def _paths(self, depth: int) -> list[Column]:
        intercept = ("",) * (self.n_levels - 1)
        random = [effect.column[: effect.level - 1] for effect in self.effects]
        columns = [intercept, *self.fixed, *random]
        return list(dict.fromkeys(one[:depth] for one in columns if len(one) >= depth))


def read_terms(
    study: Study, fixed: Iterable[str], random: Iterable[tuple[str, Sequence[str]]]
) -> ModelTerms:
    """Take the terms of a model apart by levels."""
    factors = study.hierarchy.factors
    n_levels = 2 if study.hierarchy.crossed else len(factors) + 1
    known = known_pieces(study)
    by_name = {factor.name: factor for factor in factors}
    blocks = [
        tuple(
            _effect(study, _column(study, known, name, n_levels), by_name[group]) for name in names
        )
        for group, names in random
    ]
    blocks.sort(key=lambda block: EFFECTS.index(block[0].letter))
    columns = tuple(_column(study, known, name, n_levels) for name in fixed)
    terms = ModelTerms(n_levels, columns, tuple(blocks))
    in_order = [
        tuple(sorted(block, key=lambda one: terms.position(one.column))) for block in blocks
    ]
    return replace(terms, blocks=tuple(in_order))


def _effect(study: Study, column: Column, factor: Factor) -> Effect:
    inner = list(reversed(study.hierarchy.factors))
    return Effect(
        column=column,
        factor=factor,
        level=_level(study, factor),
        letter=EFFECTS[inner.index(factor)],
        place=letters_of(study, factor),
    )


def _level(study: Study, factor: Factor | None) -> int:
    """1 for rows; groups of crossed factors are all at level 2."""
    if factor is None:
        return 1
    if study.hierarchy.crossed:
        return 2
    return len(study.hierarchy.factors) + 1 - study.hierarchy.factors.index(factor)


def _column(study: Study, known: dict[str, Piece], name: str, n_levels: int) -> Column:
    """The parts of a column by levels."""
    parts: list[list[str]] = [[] for _ in range(n_levels)]
    pieces = read_pieces(known, name)
    for piece in pieces:
        factor = piece.factor or piece.predictor.factor
        text = column_of(piece) + (f"[{piece.label}]" if piece.role == "category" else "")
        place = "i" + LETTERS[: len(study.hierarchy.factors)]
        place = place if factor is None else letters_of(study, factor)
        square = "^{2}" if piece.role == "square" else ""
        parts[_level(study, factor) - 1].append(f"{text}_{{{place}}}{square}")
    if not pieces and name != "Intercept":
        parts[0].append(f"{name}_{{i{LETTERS[: len(study.hierarchy.factors)]}}}")
    return tuple(" · ".join(part) for part in parts)


def letters_of(study: Study, factor: Factor) -> str:
    """Letters of a factor: its own and those of the factors that it is nested in."""
    factors = study.hierarchy.factors
    own = dict(zip(reversed(factors), LETTERS, strict=False))
    text, found = "", factor
    while True:
        text += own[found]
        if found.parent is None:
            return text
        found = factors[found.parent]
