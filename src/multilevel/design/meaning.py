"""What a formula means before any data are seen; remembered per text."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import lru_cache

from multilevel.design.terms import Terms, parse_terms
from multilevel.exceptions import FormulaError
from multilevel.formula.parse import MixedFormula, parse

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
    factor_of : tuple of int
        Position in ``groups`` of the grouping factor of each term.
    """

    formula: MixedFormula
    response: Terms
    fixed: Terms
    offsets: tuple[Terms, ...]
    effects: tuple[Terms, ...]
    groups: tuple[tuple[str, ...], ...]
    factor_of: tuple[int, ...]

    @property
    def group_columns(self) -> tuple[str, ...]:
        """Columns that grouping factors are made of."""
        return tuple(dict.fromkeys(column for group in self.groups for column in group))


@lru_cache(maxsize=512)
def meaning_of(text: str) -> Meaning:
    """Read a formula.

    Raises
    ------
    FormulaError
        When it cannot be read.
    """
    formula = parse(text)
    groups = tuple(dict.fromkeys(term.group for term in formula.random))
    return Meaning(
        formula=formula,
        response=_expression(formula.response),
        fixed=parse_terms(formula.fixed),
        offsets=tuple(_expression(offset) for offset in formula.offsets),
        effects=tuple(parse_terms(term.effects) for term in formula.random),
        groups=groups,
        factor_of=tuple(groups.index(term.group) for term in formula.random),
    )


def _expression(text: str) -> Terms:
    """A single expression, in which ``+ - * / **`` are arithmetic: the response, an offset."""
    named = parse_terms(f"0 + {text}") if re.fullmatch(r"\w[\w.]*|`[^`]+`", text) else None
    if named is not None:
        return named
    try:
        tree = ast.parse(re.sub(r"`[^`]*`", "_", text), mode="eval")
    except SyntaxError as error:
        raise FormulaError(f"`{text}` is not valid Python: {error.msg}.") from None
    return parse_terms(f"0 + {text}" if isinstance(tree.body, ast.Call) else f"0 + I({text})")
