"""What stands in the parentheses of ``(effects | group)``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from multilevel.formula.expression import column_name

if TYPE_CHECKING:
    from multilevel.exceptions import MultilevelError
    from multilevel.formula.tokens import Source

__all__ = ["expand_group", "find_bar"]

Factor = tuple[str, ...]


def find_bar(source: Source, i: int, j: int) -> int:
    """Position of the one bar of a random-effects term, given the range inside its parentheses.

    Raises
    ------
    FormulaError
        If there are several bars, a term inside the term, or nothing on one side.
    """
    bars = source.bars(i, j)
    if len(bars) > 1:
        raise source.error(
            bars[0],
            bars[-1] + 1,
            "A random-effects term has one bar.",
            "Write (x | g), or (x || g) for independent effects. Each grouping factor takes a term "
            "of its own: (1 | g) + (1 | h).",
        )
    bar = bars[0]
    for start, end, side in ((i, bar, "left"), (bar + 1, j, "right")):
        if start == end:
            what = f"Nothing stands on the {side} of the bar."
            advice = "Write (1 | g) for an intercept that varies between the levels of g."
            raise source.error(i - 1, j + 1, what, advice)
        if source.has_bar(start, end):
            raise source.error(
                start,
                end,
                "A random-effects term stands inside another one.",
                "Write them side by side, (1 | g) + (1 | h), or (1 | g/h) for h nested in g.",
            )
    return bar


def expand_group(source: Source, i: int, j: int, effects: str) -> tuple[Factor, ...]:
    """Grouping factors named on the right of a bar, each as the columns that make it up.

    ``a:b`` is one factor, ``a/b`` is ``a`` and ``a:b``, ``a*b`` is ``a``, ``b`` and ``a:b``;
    ``:`` binds before ``/`` and ``*``, which are read from left to right.

    Raises
    ------
    FormulaError
        For anything but names of columns joined by ``:``, ``/`` and ``*``.
    """
    operators = [k for k, t in source.outer(i, j) if t.kind == "op" and t.text in ("/", "*")]
    edges = [i - 1, *operators, j]
    factors: tuple[Factor, ...] = ()
    for left, right in pairwise(edges):
        operand = _interaction(source, left + 1, right, effects)
        if left < i:
            factors = operand
        elif source.is_op(left, "/"):
            whole = tuple(name for factor in factors for name in factor)
            factors += _cross((whole,), operand)
        else:
            factors += operand + _cross(factors, operand)
    return _distinct(factors)


def _interaction(source: Source, i: int, j: int, effects: str) -> tuple[Factor, ...]:
    """Read names or parentheses joined by ``:``."""
    colons = [k for k, t in source.outer(i, j) if t.kind == "op" and t.text == ":"]
    edges = [i - 1, *colons, j]
    factors: tuple[Factor, ...] = ((),)
    for left, right in pairwise(edges):
        start = left + 1
        if start == right:
            at = max(i - 1, min(start, j) - 1)
            what = "The name of a grouping factor is missing."
            raise source.error(at, at + 1, what, "Write a:b, a/b or a*b.")
        token = source.tokens[start]
        if token.text == "(" and source.mates[start] == right - 1 and right - 1 > start + 1:
            operand = expand_group(source, start + 1, right - 1, effects)
        elif right - start == 1 and token.kind in ("name", "quoted"):
            operand = ((column_name(token),),)
        else:
            raise _no_column(source, start, right, effects)
        factors = _cross(factors, operand)
    return factors


def _cross(left: tuple[Factor, ...], right: tuple[Factor, ...]) -> tuple[Factor, ...]:
    return tuple(tuple(dict.fromkeys(a + b)) for a in left for b in right)


def _distinct(factors: tuple[Factor, ...]) -> tuple[Factor, ...]:
    """Without those that repeat the columns of one before them."""
    return tuple({frozenset(f): f for f in reversed(factors)}[k] for k in _keys(factors))


def _keys(factors: tuple[Factor, ...]) -> dict[frozenset[str], None]:
    return dict.fromkeys(map(frozenset, factors))


def _no_column(source: Source, i: int, j: int, effects: str) -> MultilevelError:
    """Error for what cannot be a grouping factor."""
    shown = source.slice(i, j)
    for k, token in source.outer(i, j):
        if token.kind == "op" and token.text in "+-":
            what = f"`{token.text}` cannot stand on the right of the bar."
            left, right = source.slice(i, k) or "a", source.slice(k + 1, j) or "b"
            advice = (
                f"Write one term for each grouping factor, ({effects} | {left}) + "
                f"({effects} | {right}); for the combinations of two columns write a:b, for b "
                "nested in a write a/b."
            )
            return source.error(k, k + 1, what, advice)
    if source.is_call(i):
        what = f"{shown} is not a column; a grouping factor must be one."
        return source.error(i, j, what, "Add it to the data as a column first and name that.")
    what = f"`{shown}` is not the name of a column; a grouping factor must be one."
    advice = "Write a column, or columns joined by `:`, `/` or `*`; quote other names: `my column`."
    return source.error(i, j, what, advice)
