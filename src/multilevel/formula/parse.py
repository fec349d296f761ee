"""Reading a formula: ``y ~ x + offset(e) + (x | g)``."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from multilevel.exceptions import FormulaError, NotSupportedError
from multilevel.formula.bars import expand_group, find_bar
from multilevel.formula.expression import render_argument, render_term, split_sum
from multilevel.formula.terms import MixedFormula, RandomSpec
from multilevel.formula.tokens import tokenize

if TYPE_CHECKING:
    from multilevel.formula.tokens import Source
    from multilevel.typing import CovarianceKind

__all__ = ["MixedFormula", "RandomSpec", "parse", "parse_random"]

_EXAMPLE = "A formula reads like y ~ x + (1 | group)."


def parse(text: str) -> MixedFormula:
    """Read a formula.

    Parameters
    ----------
    text : str
        In lme4's grammar; inside function calls, Python.

    Returns
    -------
    MixedFormula

    Raises
    ------
    FormulaError
        When it cannot be read; the message underlines the place.
    NotSupportedError
        For what lme4 or its relatives know and this package does not.
    """
    if not isinstance(text, str):
        raise FormulaError(f"The formula must be text, not {type(text).__name__}. {_EXAMPLE}")
    return _parse(text)


@lru_cache(maxsize=1024)
def parse_random(text: str) -> tuple[RandomSpec, ...]:
    """Read random-effects terms alone: ``"(1 | g) + (x | h)"``.

    Raises
    ------
    FormulaError
        When there is anything else.
    """
    source = tokenize(text)
    sides = _Sum()
    if source.tokens:
        _read_sum(source, 0, len(source.tokens), 1, sides)
    if sides.fixed or sides.offsets or not sides.intercept or not sides.random:
        raise FormulaError(f"{text!r} must be random-effects terms, such as (1 | g) + (x | h).")
    return tuple(sides.random)


@dataclass(slots=True)
class _Sum:
    """The terms of a sum as they are found."""

    inside_bar: bool = False
    intercept: bool = True
    fixed: list[str] = field(default_factory=list)
    offsets: list[str] = field(default_factory=list)
    random: list[RandomSpec] = field(default_factory=list)

    def text(self) -> str:
        """The fixed terms in canonical form."""
        return " ".join(["1" if self.intercept else "0", *self.fixed])


@lru_cache(maxsize=1024)
def _parse(text: str) -> MixedFormula:
    source = tokenize(text)
    tilde = _find_tilde(source)
    response = _read_response(source, tilde)
    terms = _Sum()
    if tilde + 1 == len(source.tokens):
        raise source.error(tilde, tilde + 1, "Nothing follows `~`.", _EXAMPLE)
    _read_sum(source, tilde + 1, len(source.tokens), 1, terms)
    return MixedFormula(
        text.strip(), response, terms.text(), tuple(terms.offsets), tuple(terms.random)
    )


def _find_tilde(source: Source) -> int:
    n = len(source.tokens)
    tildes = [k for k, token in source.outer(0, n) if token.kind == "op" and token.text == "~"]
    if not n:
        raise FormulaError(f"The formula is empty. {_EXAMPLE}")
    if not tildes:
        what = "There is no `~` between the response and the terms."
        raise source.error(0, n, what, _EXAMPLE)
    if len(tildes) > 1:
        raise source.error(tildes[1], tildes[1] + 1, "There is a second `~`.", _EXAMPLE)
    return tildes[0]


def _read_response(source: Source, tilde: int) -> str:
    """Read the response: a column, a call or arithmetic, as in R."""
    if tilde == 0:
        raise source.error(0, 1, "Nothing stands before `~`.", _EXAMPLE)
    i, j = 0, tilde
    while source.is_op(i, "(") and source.mates[i] == j - 1 and j - i > 2:
        i, j = i + 1, j - 1
    first = source.tokens[i]
    if source.bars(i, j):
        bar = source.bars(i, j)[0]
        what = "A bar cannot stand before `~`."
        raise source.error(bar, bar + 1, what, "Random-effects terms follow `~`.")
    if source.is_call(i) and first.text == "cbind":
        what = "A response of two columns, successes and failures, needs a binomial model."
        advice = "Linear mixed models take one column."
        raise source.error(i, j, what, advice, NotSupportedError)
    for k, token in source.outer(i, j):
        if token.kind == "op" and token.text in (",", ":", "=", "."):
            what = f"`{token.text}` cannot stand before `~`."
            advice = "The response is one column, a function of columns, or arithmetic with them."
            raise source.error(k, k + 1, what, advice)
    return render_argument(source, i, j)


def _read_sum(source: Source, i: int, j: int, sign: int, terms: _Sum) -> None:
    """Read a range of terms joined by ``+`` and ``-`` into ``terms``."""
    bars = source.bars(i, j)
    if bars:
        raise _naked_bar(source, i, j, bars[0])
    for own, a, b in split_sum(source, i, j):
        _read_term(source, a, b, sign * own, terms)


def _read_term(source: Source, i: int, j: int, sign: int, terms: _Sum) -> None:
    token = source.tokens[i]
    if token.text == "(" and source.mates[i] == j - 1 and j - i > 2:
        if source.bars(i + 1, j - 1):
            _read_random(source, i, j, sign, terms)
        else:
            _read_sum(source, i + 1, j - 1, sign, terms)
    elif j - i == 1 and token.text in ("0", "1"):
        terms.intercept = (token.text == "1") == (sign > 0)
    elif source.is_call(i) and token.text == "offset" and source.mates[i + 1] == j - 1:
        _read_offset(source, i, j, sign, terms)
    else:
        terms.fixed.append(("+ " if sign > 0 else "- ") + render_term(source, i, j))


def _read_offset(source: Source, i: int, j: int, sign: int, terms: _Sum) -> None:
    commas = [k for k, token in source.outer(i + 2, j - 1) if token.text == ","]
    if terms.inside_bar:
        what, advice = "An offset cannot vary between groups.", "Move it out of the parentheses."
    elif sign < 0:
        what, advice = "An offset can only be added.", "Write + offset(-x) for its negative."
    elif j - i == 3 or commas:
        what, advice = "offset(...) takes one expression.", "Write offset(log(e)), for example."
    else:
        terms.offsets.append(render_argument(source, i + 2, j - 1))
        return
    raise source.error(i, j, what, advice)


def _read_random(source: Source, i: int, j: int, sign: int, terms: _Sum) -> None:
    """Read ``(effects | group)``, whose parentheses are at ``i`` and ``j - 1``."""
    if sign < 0:
        what = "A random-effects term can only be added to a formula, not multiplied or removed."
        raise source.error(i, j, what, "Leave it out, or join it with `+`.")
    bar = find_bar(source, i + 1, j - 1)
    effects = _Sum(inside_bar=True)
    _read_sum(source, i + 1, bar, 1, effects)
    if not effects.intercept and not effects.fixed:
        what = "There is no effect on the left of the bar."
        raise source.error(i, j, what, "Write (1 | g), (x | g) or (0 + x | g).")
    independent = source.is_op(bar, "||")
    kind: CovarianceKind = "independent" if independent else "unstructured"
    for columns in expand_group(source, bar + 1, j - 1, effects.text()):
        # b:a after a:b is the same grouping factor
        same = (other.group for other in terms.random if set(other.group) == set(columns))
        group = next(same, columns)
        names = ":".join(name if _is_plain(name) else f"`{name}`" for name in group)
        label = f"({effects.text()} {source.tokens[bar].text} {names})"
        spec = RandomSpec(effects.text(), group, kind, label, effects.intercept)
        _check_new(source, i, j, spec, terms.random)
        terms.random.append(spec)


def _check_new(source: Source, i: int, j: int, spec: RandomSpec, before: list[RandomSpec]) -> None:
    for other in before:
        if spec.effects == other.effects and spec.group == other.group:
            what = f"The random-effects term {spec.label} appears twice."
            raise source.error(i, j, what, "Remove one: their variances could not be told apart.")


def _is_plain(name: str) -> bool:
    return name.isidentifier()


def _naked_bar(source: Source, i: int, j: int, bar: int) -> FormulaError | NotSupportedError:
    """Error for a bar without parentheses, with the term that was probably meant."""
    start = i
    for k, token in source.outer(i, bar):
        if token.kind == "op" and token.text in "+-":
            start = k + 1
    end = next((k for k, t in source.outer(bar + 1, j) if t.kind == "op" and t.text in "+-|"), j)
    bar_text = source.tokens[bar].text
    effects, group = source.slice(start, bar) or "1", source.slice(bar + 1, end) or "g"
    meant = f"({effects} {bar_text} {group})"
    what = f"`{bar_text}` stands outside parentheses."
    advice = f"Put the random-effects term into parentheses: {meant}."
    return source.error(start, end, what, advice)  # type: ignore[return-value]
