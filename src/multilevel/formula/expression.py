"""Terms without bars: checked, and written in formulaic's dialect with canonical spacing."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

from multilevel.exceptions import NotSupportedError
from multilevel.formula.tokens import BARS

if TYPE_CHECKING:
    from multilevel.exceptions import MultilevelError
    from multilevel.formula.tokens import Source, Token

__all__ = ["column_name", "render_argument", "render_term", "split_sum"]

_OPERATORS = ("*", "/", ":", "**", "^", "%in%")
_NOT_PYTHON = {
    "^": "Write `**` for a power: R's `I(x^2)` is `I(x**2)` in Python.",
    "::": "Python has no `package::function`: write the function alone, as in bs(x, df=4).",
    "%in%": "Write it in Python.",
    "<-": "Write `x < -1` with a space if a comparison is meant; nothing is assigned in a formula.",
    "$": "Write the name of the column alone.",
    "!": "Write `~x` for the opposite of a true/false column.",
}
_FROM_R = {
    "factor": "C(x)",
    "as.factor": "C(x)",
    "as.numeric": "the name of a numeric column",
    "ns": "cr(x, df=3, constraints='center'), a natural cubic spline, or bs(x, df=4)",
    "TRUE": "True",
    "FALSE": "False",
    "NULL": "None",
    "NA": "None",
}
_STRUCTURES = {"us", "diag", "cs", "ar1", "homdiag", "homcs", "hetar1", "toep", "ou", "mat", "rr"}
_MODULES = {"np", "numpy", "contr", "math", "pd", "pandas", "scipy"}
_WORD_OPERATORS = {"and", "or", "not", "in", "is", "if", "else", "for", "lambda"}
_VALUES = {"True", "False", "None"}
_WORDS = ("name", "number", "string", "quoted")


def split_sum(source: Source, i: int, j: int) -> list[tuple[int, int, int]]:
    """Split a sum into signed terms: ``(sign, i, j)`` each, sign 1 or -1."""
    terms: list[tuple[int, int, int]] = []
    sign, start = 1, i
    for k, token in source.outer(i, j):
        if token.kind == "op" and token.text in "+-":
            if k > start:
                terms.append((sign, start, k))
                sign = 1
            sign = -sign if token.text == "-" else sign
            start = k + 1
    if start >= j:
        what = f"Nothing follows `{source.tokens[j - 1].text}`."
        raise source.error(j - 1, j, what, "Remove it, or write the term that is missing.")
    terms.append((sign, start, j))
    return terms


def render_term(source: Source, i: int, j: int) -> str:
    """Write one term of a sum: factors joined by ``* / : ** %in%``.

    Raises
    ------
    FormulaError
        When it is no such term, or one that means something else than it seems to.
    """
    text, k = _render_factor(source, i, j)
    while k < j:
        token = source.tokens[k]
        if token.kind != "op" or token.text not in _OPERATORS:
            raise _unexpected(source, k)
        if k + 1 == j:
            advice = "Remove it, or write the factor that is missing."
            raise source.error(k, j, f"Nothing follows `{token.text}`.", advice)
        if token.text in ("**", "^"):
            _check_power(source, i, k, j)
            text += "**" + source.tokens[k + 1].text
            k += 2
            continue
        factor, after = _render_factor(source, k + 1, j)
        text += (" %in% " if token.text == "%in%" else token.text) + factor
        k = after
    return text


def _render_factor(source: Source, k: int, j: int) -> tuple[str, int]:
    """Write the factor that begins at ``k``; also return the position after it."""
    token = source.tokens[k]
    if token.kind == "quoted" or (token.kind == "name" and not source.is_call(k)):
        if source.is_op(k + 1, "::", "$"):
            raise source.error(
                k,
                k + 2,
                f"`{source.tokens[k + 1].text}` is R's.",
                _NOT_PYTHON[source.tokens[k + 1].text],
            )
        return _quote(column_name(token)), k + 1
    if token.kind == "name":
        return _render_call(source, k)
    if token.text == "{":
        end = source.mates[k]
        return "{" + _render_code(source, k + 1, end) + "}", end + 1
    if token.text == "(":
        return _render_parentheses(source, k)
    if token.kind == "number":
        raise source.error(
            k,
            k + 1,
            f"The number {token.text} cannot be part of a term.",
            "Only 1 (with intercept) and 0 (without) stand in a formula, as terms of their own; "
            "arithmetic goes into I(...), as in I(x / 2).",
        )
    raise _unexpected(source, k)


def _render_parentheses(source: Source, k: int) -> tuple[str, int]:
    end = source.mates[k]
    if end == k + 1:
        raise source.error(k, end + 1, "The parentheses are empty.", "Remove them.")
    if source.has_bar(k + 1, end):
        raise source.error(
            k,
            end + 1,
            "A random-effects term can only be added to a formula, not multiplied or removed.",
            "Join it to the other terms with `+`. For a slope that varies between groups write "
            "x + (x | g).",
        )
    pieces = []
    for sign, a, b in split_sum(source, k + 1, end):
        pieces.append(("- " if sign < 0 else "+ ") + render_term(source, a, b))
    return "(" + " ".join(pieces).removeprefix("+ ") + ")", end + 1


def _render_call(source: Source, k: int) -> tuple[str, int]:
    name, opening = source.tokens[k].text, k + 1
    end = source.mates[opening]
    if name in _FROM_R:
        raise _from_r(source, k, end + 1)
    if name in _STRUCTURES and source.bars(opening + 1, end):
        raise _structure(source, k, end)
    if name == "offset":
        raise source.error(
            k, end + 1, "offset(...) must be a term of its own.", "Write `... + offset(x)`."
        )
    text = f"{name}({_render_code(source, opening + 1, end)})"
    if source.is_op(end + 1, "["):
        opening, end = end + 1, source.mates[end + 1]
        text += f"[{_render_code(source, opening + 1, end)}]"
    return text, end + 1


def render_argument(source: Source, i: int, j: int) -> str:
    """Write a Python expression so that a formula takes it for one factor."""
    if j - i == 1 and source.tokens[i].kind in ("name", "quoted"):
        return _quote(column_name(source.tokens[i]))
    if source.is_call(i) and source.mates[i + 1] == j - 1:
        return _render_call(source, i)[0]
    return f"I({_render_code(source, i, j)})"


def _render_code(source: Source, i: int, j: int) -> str:
    """Write the Python inside a call."""
    text = ""
    last = None
    for k in range(i, j):
        token = source.tokens[k]
        _check_code(source, k)
        word = _render_code_token(source, k)
        if last is not None and _needs_space(last, token):
            text += " "
        text += word
        last = token
    return text


def _render_code_token(source: Source, k: int) -> str:
    token = source.tokens[k]
    if token.kind == "quoted":
        return _quote(column_name(token))
    if token.kind == "name" and "." in token.text and not source.is_call(k):
        root, _, _ = token.text.partition(".")
        return token.text if root in _MODULES else f"`{token.text}`"
    return token.text


def _needs_space(last: Token, token: Token) -> bool:
    operators = _WORD_OPERATORS
    return (
        (last.kind in _WORDS and token.kind in _WORDS)
        or last.text == ","
        or (last.kind == "name" and last.text in operators)
        or (token.kind == "name" and token.text in operators)
    )


def _check_code(source: Source, k: int) -> None:
    """Refuse what is not Python inside a call, or what is and means something else in R."""
    token = source.tokens[k]
    if token.kind == "op" and token.text in BARS:
        raise source.error(
            k,
            k + 1,
            f"`{token.text}` stands inside a function call.",
            "A random-effects term is a term of its own, (1 | g). If you mean the logical or, "
            "write np.logical_or(a, b).",
        )
    if token.kind == "op" and token.text in _NOT_PYTHON:
        what = f"`{token.text}` inside a function call is R, not Python."
        raise source.error(k, k + 1, what, _NOT_PYTHON[token.text])
    if (
        token.kind == "name"
        and token.text in _FROM_R
        and (token.text.isupper() or source.is_call(k))
    ):
        raise _from_r(source, k, k + 1)
    name = column_name(token)
    if token.kind in ("name", "quoted") and keyword.iskeyword(name):
        if token.kind == "name" and name in _WORD_OPERATORS | _VALUES:
            return
        raise source.error(
            k,
            k + 1,
            f"{name!r} is a reserved word of Python and cannot be used inside a function call.",
            "Rename the column.",
        )


def column_name(token: Token) -> str:
    """Name of the column that a name or backquoted name stands for."""
    return token.text.strip("`") if token.kind == "quoted" else token.text


def _quote(name: str) -> str:
    """Write the name of a column so that formulaic reads it as one name."""
    return name if name.isidentifier() else f"`{name}`"


def _check_power(source: Source, i: int, k: int, j: int) -> None:
    """Refuse a power that is not ``(a + b)**2``."""
    exponent = source.tokens[k + 1]
    if exponent.kind != "number" or not exponent.text.isdigit() or int(exponent.text) < 1:
        raise source.error(
            k, k + 2, "A power of terms must be a whole number.", "Write (a + b)**2, for example."
        )
    first = k - 1
    if source.tokens[first].text == ")":
        first = next(opening for opening, closing in source.mates.items() if closing == first)
    grouped = source.tokens[first].text == "(" and not (first > i and source.is_call(first - 1))
    if not grouped or len(list(source.outer(first + 1, k - 1))) == 1:
        base = source.slice(i, k)
        raise source.error(
            i,
            min(k + 2, j),
            f"In a formula a power crosses terms, and {base} crossed with itself is just {base}.",
            f"Write I({base}**{exponent.text}) for the power of a number.",
        )


def _from_r(source: Source, k: int, end: int) -> MultilevelError:
    name = source.tokens[k].text
    instead = _FROM_R[name]
    if instead == "C(x)":
        instead = f"C({source.slice(k + 2, source.mates[k + 1])})"
    return source.error(k, end, f"`{name}` is R's.", f"In Python write {instead}.")


def _structure(source: Source, k: int, end: int) -> MultilevelError:
    name, term = source.tokens[k].text, source.slice(k + 2, end)
    what = f"The covariance structure {name}(...) is not available."
    advice = "There are (x | g), an unstructured covariance matrix, and (x || g), a diagonal one."
    if name == "us":
        advice = f"An unstructured covariance matrix is the meaning of ({term})."
    return source.error(k, end + 1, what, advice, NotSupportedError)


def _unexpected(source: Source, k: int) -> MultilevelError:
    token = source.tokens[k]
    if token.text == ".":
        what, advice = "`.` (all other columns) is not available.", "List the columns, x + z + f."
        return source.error(k, k + 1, what, advice, NotSupportedError)
    if token.kind in _WORDS and k > 0 and source.tokens[k - 1].kind in _WORDS:
        name = source.slice(k - 1, k + 1)
        what = f"There is no operator between {source.tokens[k - 1].text} and {token.text}."
        return source.error(
            k - 1,
            k + 1,
            what,
            f"Join them with `+`, or write `{name}` in backquotes if it is one name.",
        )
    what = f"`{token.text}` cannot stand here."
    advice = "A term is a column, a function of columns, or such joined by `:`, `*` or `/`."
    return source.error(k, k + 1, what, advice)
