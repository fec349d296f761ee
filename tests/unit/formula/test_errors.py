"""Formulas that cannot be read: the place is underlined, the advice names the way out."""

from __future__ import annotations

import pytest

from multilevel.exceptions import FormulaError, MultilevelError, NotSupportedError
from multilevel.formula.parse import parse, parse_random

CASES = [
    ("y x", "y x", "There is no `~`"),
    ("y ~ x ~ z", "~@6", "There is a second `~`"),
    ("~ x", "~", "Nothing stands before `~`"),
    ("y ~", "~", "Nothing follows `~`"),
    ("y ~ (x", "(", "`(` is never closed"),
    ("y ~ x)", ")", "`)` closes a bracket that was not opened"),
    ("y ~ f(x]", "]", "`]` closes a bracket that was not opened"),
    ("y ~ `x", "`x", "This backquote is never closed"),
    ("y ~ ``", "``", "The backquotes hold no name"),
    ("y ~ C(f, 'a)", "'a)", "This quotation mark is never closed"),
    ("y ~ x # c", "#", "`#` has no meaning in a formula"),
    ("y ~ x + 1 | g", "1 | g", "Put the random-effects term into parentheses: (1 | g)"),
    ("y ~ x | g", "x | g", "Put the random-effects term into parentheses: (x | g)"),
    ("y ~ x + z || g + w", "z || g", "into parentheses: (z || g)"),
    ("y ~ (1 ||| g)", "|||", "A random-effects term has one bar"),
    ("y ~ (x | | g)", "| |", "A random-effects term has one bar"),
    ("y ~ (1 | g | h)", "| g |", "(1 | g) + (1 | h)"),
    ("y ~ ((1|g) | h)", "(1|g)", "stands inside another one"),
    ("y ~ (1 | (1|g))", "(1|g)", "stands inside another one"),
    ("y ~ (| g)", "(| g)", "Nothing stands on the left of the bar"),
    ("y ~ (1 |)", "(1 |)", "Nothing stands on the right of the bar"),
    ("y ~ (|)", "(|)", "Nothing stands on the left of the bar"),
    ("y ~ (0 | g)", "(0 | g)", "There is no effect on the left of the bar"),
    ("y ~ (1 | 1)", "1@9", "`1` is not the name of a column"),
    ("y ~ (1 | 'g')", "'g'", "`'g'` is not the name of a column"),
    ("y ~ (1 | ())", "()", "is not the name of a column"),
    ("y ~ (1 | g:)", ":", "The name of a grouping factor is missing"),
    ("y ~ (1 | g/)", "/", "The name of a grouping factor is missing"),
    ("y ~ (1 | a + b)", "+", "(1 | a) + (1 | b)"),
    ("y ~ (x | (a + b))", "+", "(1 + x | a) + (1 + x | b)"),
    ("y ~ (1 | factor(g))", "factor(g)", "factor(g) is not a column; a grouping factor must be"),
    ("y ~ (1 | log(g))", "log(g)", "Add it to the data as a column first"),
    ("y ~ log((1 | g))", "|", "`|` stands inside a function call"),
    ("y ~ I(a | b)", "|", "np.logical_or(a, b)"),
    ("y ~ x*(1 | g)", "(1 | g)", "can only be added"),
    ("y ~ x:(1 | g)", "(1 | g)", "can only be added"),
    ("y ~ x - (1 | g)", "(1 | g)", "can only be added"),
    ("y ~ (1 | g)(1 | h)", "(1 | g)", "can only be added"),
    ("y ~ (x | g)^2", "(x | g)", "can only be added"),
    ("y ~ (1 | g) + (1|g)", "(1|g)", "(1 | g) appears twice"),
    ("y ~ (1 | g:h) + (1|h:g)", "(1|h:g)", "(1 | g:h) appears twice"),
    ("y ~ (1 | g/h) + (1|g)", "(1|g)", "(1 | g) appears twice"),
    ("y | z ~ x", "|", "A bar cannot stand before `~`"),
    ("y, z ~ x", ",", "`,` cannot stand before `~`"),
    ("y ~ I(x^2)", "^", "`I(x**2)` in Python"),
    ("y ~ (I(x^2) | g)", "^", "`I(x**2)` in Python"),
    ("y ~ x^2", "x^2", "Write I(x**2) for the power"),
    ("y ~ (x)**2", "(x)**2", "Write I((x)**2) for the power"),
    ("y ~ log(x)^2", "log(x)^2", "Write I(log(x)**2) for the power"),
    ("y ~ (a + b)^k", "^k", "must be a whole number"),
    ("y ~ factor(k)", "factor(k)", "In Python write C(k)."),
    ("y ~ splines::bs(x)", "splines::", "as in bs(x, df=4)"),
    ("y ~ ns(x, 3)", "ns(x, 3)", "cr(x, df=3, constraints='center')"),
    ("y ~ C(f, TRUE)", "TRUE", "In Python write True."),
    ("y ~ df$x", "df$", "Write the name of the column alone"),
    ("y ~ I(x <- 2)", "<-", "nothing is assigned"),
    ("y ~ C(class)", "class", "'class' is a reserved word of Python"),
    ("y ~ x +", "+", "Nothing follows `+`"),
    ("y ~ (x + )", "+", "Nothing follows `+`"),
    ("y ~ x *", "*", "Nothing follows `*`"),
    ("y ~ x + * z", "*", "`*` cannot stand here"),
    ("y ~ x z", "x z", "There is no operator between x and z"),
    ("y ~ x[1]", "[", "`[` cannot stand here"),
    ("y ~ ()", "()", "The parentheses are empty"),
    ("y ~ 2*x", "2", "The number 2 cannot be part of a term"),
    ("y ~ x/2", "2", "as in I(x / 2)"),
    ("y ~ 3", "3", "The number 3 cannot be part of a term"),
    ("y ~ x:offset(z)", "offset(z)", "must be a term of its own"),
    ("y ~ x - offset(z)", "offset(z)", "An offset can only be added"),
    ("y ~ offset()", "offset()", "takes one expression"),
    ("y ~ offset(a, b)", "offset(a, b)", "takes one expression"),
    ("y ~ (offset(x) | g)", "offset(x)", "An offset cannot vary between groups"),
]


@pytest.mark.parametrize(("text", "place", "message"), CASES, ids=[case[0] for case in CASES])
def test_error_underlines_the_place(text: str, place: str, message: str) -> None:
    """``place`` is the underlined text; its last occurrence, or the one at ``@position``."""
    with pytest.raises(FormulaError) as error:
        parse(text)
    lines = str(error.value).split("\n")
    assert message in str(error.value)
    assert lines[1] == f"    {text}"
    place, _, position = place.partition("@")
    start = int(position) if position else text.rindex(place)
    assert lines[2] == "    " + " " * start + "^" * len(place)
    assert lines[3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cbind(a, b) ~ x", "needs a binomial model"),
        ("y ~ .", "List the columns"),
        ("y ~ . + (1 | g)", "List the columns"),
        ("y ~ cs(1 | g)", "The covariance structure cs(...) is not available"),
        ("y ~ us(x | g)", "is the meaning of (x | g)"),
    ],
)
def test_what_is_not_there_says_so(text: str, message: str) -> None:
    with pytest.raises(NotSupportedError) as error:
        parse(text)
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["", "   "])
def test_empty_formula(text: str) -> None:
    with pytest.raises(FormulaError, match="The formula is empty"):
        parse(text)


def test_formula_that_is_no_text() -> None:
    with pytest.raises(FormulaError, match="must be text, not list"):
        parse(["y", "x"])  # type: ignore[arg-type]


def test_line_breaks_do_not_shift_the_underline() -> None:
    with pytest.raises(FormulaError) as error:
        parse("y ~ x +\n\tz | g")
    assert str(error.value).split("\n")[1:3] == ["    y ~ x +  z | g", "             ^^^^^"]


@pytest.mark.parametrize("text", ["", "x", "(1 | g) + x", "y ~ (1 | g)", "0 + (1 | g)"])
def test_random_terms_alone_refuse_other_terms(text: str) -> None:
    with pytest.raises(MultilevelError):
        parse_random(text)
