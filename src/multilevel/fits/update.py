"""A formula stated as a change of another: ``". ~ . + x - (x | g)"``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from multilevel.design.terms import parse_terms
from multilevel.exceptions import FormulaError
from multilevel.formula.parse import parse_random

__all__ = ["update_formula"]

_DOT = re.compile(r"(?<![\w.)\]])\.(?![\w.])")
_OPEN, _CLOSE, _QUOTES = "([{", ")]}", "`'\""


@dataclass(frozen=True, slots=True)
class _Term:
    """A summand of the right-hand side, with its sign."""

    sign: str
    text: str

    @property
    def is_random(self) -> bool:
        return self.text.startswith("(") and "|" in self.text


def update_formula(old: str, new: str) -> str:
    """Fill the dots of a new formula from an old one.

    Parameters
    ----------
    old : str
        A complete formula.
    new : str
        A formula in which ``.`` stands for the same side of the old one. Random-effects terms
        taken with ``.`` can be removed: ``- (x | g)``.

    Raises
    ------
    FormulaError
        If the new formula has no ``~``, or removes a random-effects term that is not there.
    """
    if "~" not in new:
        raise FormulaError(
            f"The formula {new!r} has no `~`. To change a part write for example '. ~ . + x'."
        )
    old_left, old_right = (side.strip() for side in old.split("~", 1))
    left, right = (side.strip() for side in new.split("~", 1))
    terms = _summands(old_right)
    fixed = "".join(f" {t.sign} {t.text}" for t in terms if not t.is_random)
    random = [t.text for t in terms if t.is_random]
    out: list[str] = []
    kept: list[str] = []
    for term in _summands(right):
        if term.text == "." and term.sign == "+":
            out.append(fixed)
            kept = random
        elif term.is_random and term.sign == "-":
            kept = _without(kept, term.text, old)
        elif term.is_random:
            kept = [*kept, term.text]
        else:
            inner = _DOT.sub(f"({fixed.strip().removeprefix('+ ')})", term.text)
            kept = random if inner != term.text and not kept else kept
            out.append(f" {term.sign} {inner}")
    sides = "".join([*out, *(f" + {text}" for text in kept)]).strip().removeprefix("+ ")
    return f"{_DOT.sub(old_left, left)} ~ {sides or '1'}"


def _summands(text: str) -> list[_Term]:
    """Split a sum at its outermost plus and minus signs."""
    terms: list[_Term] = []
    depth, quote, sign, current = 0, "", "+", ""
    for character in [*text, "+"]:
        if quote:
            quote = "" if character == quote else quote
        elif character in _QUOTES:
            quote = character
        depth += (character in _OPEN) - (character in _CLOSE) if not quote else 0
        outermost = depth == 0 and not quote and character in "+-"
        if not outermost or current.rstrip().endswith(("*", "/", ":", "^")):
            current += character
        else:
            if current.strip():
                terms.append(_Term(sign, current.strip()))
            sign, current = character, ""
    return terms


def _without(random: list[str], removed: str, old: str) -> list[str]:
    """Random-effects terms but for one, which may be written otherwise: ``(1 + x | g)``."""
    left = [text for text in random if _sense(text) != _sense(removed)]
    if len(left) == len(random):
        raise FormulaError(f"There is no {removed} to remove in `{old}`.")
    return left


def _sense(bar: str) -> frozenset[object]:
    """What a random-effects term means, however it is written."""
    return frozenset(
        (spec.group, spec.covariance, frozenset(map(frozenset, parse_terms(spec.effects).products)))
        for spec in parse_random(bar)
    )
