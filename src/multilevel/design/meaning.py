"""What a formula means before any data are seen; remembered per formula."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from multilevel.design.terms import Terms, parse_terms

if TYPE_CHECKING:
    from multilevel.formula.terms import MixedFormula

__all__ = ["Meaning", "meaning_of"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A formula, its parts read as sums of terms.

    Attributes
    ----------
    formula : MixedFormula
        The formula, split into its parts.
    response : Terms
        One product: the response.
    fixed : Terms
        Fixed part.
    offsets : tuple of Terms
        One product each.
    effects : tuple of Terms
        What stands left of the bar of each random-effects term.
    groups : tuple of tuple of str
        Distinct grouping factors, each as the columns that it combines.
    group_columns : tuple of str
        Columns that they are made of.
    factor_of : tuple of int
        Position in ``groups`` of the grouping factor of each term.
    """

    formula: MixedFormula
    response: Terms
    fixed: Terms
    offsets: tuple[Terms, ...]
    effects: tuple[Terms, ...]
    groups: tuple[tuple[str, ...], ...]
    group_columns: tuple[str, ...]
    factor_of: tuple[int, ...]


@lru_cache(maxsize=512)
def meaning_of(formula: MixedFormula) -> Meaning:
    """Read the parts of a formula.

    Raises
    ------
    FormulaError
        When one cannot be read.
    """
    groups = tuple(dict.fromkeys(term.group for term in formula.random))
    return Meaning(
        formula=formula,
        response=parse_terms(f"0 + {formula.response}"),
        fixed=parse_terms(formula.fixed),
        offsets=tuple(parse_terms(f"0 + {offset}") for offset in formula.offsets),
        effects=tuple(parse_terms(term.effects) for term in formula.random),
        groups=groups,
        group_columns=tuple(dict.fromkeys(column for group in groups for column in group)),
        factor_of=tuple(groups.index(term.group) for term in formula.random),
    )
