"""What formulas mean."""

from __future__ import annotations

import pytest

from multilevel.formula.parse import MixedFormula, RandomSpec, parse, parse_random


def labels(text: str) -> list[str]:
    return [term.label for term in parse(text).random]


def test_parts() -> None:
    formula = parse(" log(y) ~ x*f + offset(log(e)) + (x || g) ")
    assert formula == MixedFormula(
        text="log(y) ~ x*f + offset(log(e)) + (x || g)",
        response="log(y)",
        fixed="1 + x*f",
        offsets=("log(e)",),
        random=(RandomSpec("1 + x", ("g",), "independent", "(1 + x || g)", has_intercept=True),),
    )


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("(1 | g)", ["(1 | g)"]),
        ("(x | g)", ["(1 + x | g)"]),
        ("(1 + x | g)", ["(1 + x | g)"]),
        ("(x + 1 | g)", ["(1 + x | g)"]),
        ("(0 + x | g)", ["(0 + x | g)"]),
        ("(x - 1 | g)", ["(0 + x | g)"]),
        ("(-1 + x | g)", ["(0 + x | g)"]),
        ("(x + 0 | g)", ["(0 + x | g)"]),
        ("(x || g)", ["(1 + x || g)"]),
        ("(x + z | g)", ["(1 + x + z | g)"]),
        ("(x*z | g)", ["(1 + x*z | g)"]),
        ("(x:z | g)", ["(1 + x:z | g)"]),
        ("(x*z - x:z | g)", ["(1 + x*z - x:z | g)"]),
        ("((x + z)^2 | g)", ["(1 + (x + z)**2 | g)"]),
        ("((x - 1) | g)", ["(0 + x | g)"]),
        ("(I(x**2) + log(z) | g)", ["(1 + I(x**2) + log(z) | g)"]),
        ("(0 + f | g)", ["(0 + f | g)"]),
        ("(1 | a:b)", ["(1 | a:b)"]),
        ("(1 | a/b)", ["(1 | a)", "(1 | a:b)"]),
        ("(1 | a/b/c)", ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"]),
        ("(1 | a/(b/c))", ["(1 | a)", "(1 | a:b)", "(1 | a:b:c)"]),
        ("(1 | a/b:c)", ["(1 | a)", "(1 | a:b:c)"]),
        ("(1 | (a/b):c)", ["(1 | a:c)", "(1 | a:b:c)"]),
        ("(x || a/b)", ["(1 + x || a)", "(1 + x || a:b)"]),
        ("(1 | a*b)", ["(1 | a)", "(1 | b)", "(1 | a:b)"]),
        ("(1 | a:a)", ["(1 | a)"]),
        ("(1 | a*a)", ["(1 | a)"]),
        ("(1 | g) + (1 | h)", ["(1 | g)", "(1 | h)"]),
        ("(1 | g) + (0 + x | g)", ["(1 | g)", "(0 + x | g)"]),
        ("(1 | a:b) + (0 + x | b:a)", ["(1 | a:b)", "(0 + x | a:b)"]),
        ("((1 | g))", ["(1 | g)"]),
        ("(x + (1 | g))", ["(1 | g)"]),
        ("(`my x` | `my g`)", ["(1 + `my x` | `my g`)"]),
        ("(x.1 | g.1)", ["(1 + `x.1` | `g.1`)"]),
        ("(1 | class)", ["(1 | class)"]),
        ("(1 | `g`)", ["(1 | g)"]),
    ],
)
def test_random_terms(term: str, expected: list[str]) -> None:
    assert labels(f"y ~ x + {term}") == expected


def test_groups_are_column_names_without_backquotes() -> None:
    assert parse("y ~ (1 | `my g`:h.2)").random[0].group == ("my g", "h.2")


def test_intercept_of_a_random_term() -> None:
    assert [t.has_intercept for t in parse("y ~ (x | g) + (0 + x | h)").random] == [True, False]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("1", "1"),
        ("0", "0"),
        ("-1", "0"),
        ("(1 | g)", "1"),
        ("(1 | g) - 1", "0"),
        ("offset(o)", "1"),
        ("x", "1 + x"),
        ("0 + f", "0 + f"),
        ("f - 1", "0 + f"),
        ("x + 0 + 1", "1 + x"),
        ("x - -1", "1 + x"),
        ("x + z + x:z", "1 + x + z + x:z"),
        ("x * z * f", "1 + x*z*f"),
        ("x*z - x:z", "1 + x*z - x:z"),
        ("(x + z) - z", "1 + x + z - z"),
        ("x - (z + w)", "1 + x - z - w"),
        ("(x+z+f)^2", "1 + (x + z + f)**2"),
        ("(x*z - x)**2", "1 + (x*z - x)**2"),
        ("b/x", "1 + b/x"),
        ("a %in% b", "1 + a %in% b"),
        ("I(x ** 2)", "1 + I(x**2)"),
        ("poly( x,2 )", "1 + poly(x, 2)"),
        ("bs(x, df = 4):z", "1 + bs(x, df=4):z"),
        ("C(f, contr.sum)", "1 + C(f, contr.sum)"),
        ("C(f, levels=['a  b', \"c\"])", "1 + C(f, levels=['a  b', \"c\"])"),
        ("np.log(x)", "1 + np.log(x)"),
        ("I(k == 2)", "1 + I(k==2)"),
        ("I(x if z > 0 else w)", "1 + I(x if z>0 else w)"),
        ("I(x not in z)", "1 + I(x not in z)"),
        ("poly(x, 2)[1]", "1 + poly(x, 2)[1]"),
        ("{x**2}", "1 + {x**2}"),
        ("`my x`", "1 + `my x`"),
        ("I(`my x` ** 2)", "1 + I(`my x`**2)"),
        ("Sepal.Length + log(Petal.Width)", "1 + `Sepal.Length` + log(`Petal.Width`)"),
        ("x.1:z", "1 + `x.1`:z"),
        ("I(x * np.pi)", "1 + I(x*np.pi)"),
        ("größe", "1 + größe"),
        ("class", "1 + class"),
    ],
)
def test_fixed_terms(terms: str, expected: str) -> None:
    assert parse(f"y ~ {terms}").fixed == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("y", "y"),
        ("(y)", "y"),
        ("`my y`", "`my y`"),
        ("y.1", "`y.1`"),
        ("log( y + 1 )", "log(y+1)"),
        ("I(y/2)", "I(y/2)"),
        ("y / 1000", "I(y/1000)"),
        ("y1 - y2", "I(y1-y2)"),
    ],
)
def test_responses(response: str, expected: str) -> None:
    assert parse(f"{response} ~ x").response == expected


@pytest.mark.parametrize(
    ("offset", "expected"),
    [("o", "o"), ("log(e)", "log(e)"), ("a + b", "I(a+b)"), ("-o", "I(-o)"), ("`my o`", "`my o`")],
)
def test_offsets(offset: str, expected: str) -> None:
    formula = parse(f"y ~ offset({offset}) + x + (1 | g) + offset(k)")
    assert formula.offsets == (expected, "k")
    assert formula.fixed == "1 + x"


def test_random_terms_alone() -> None:
    assert parse_random("(1|g) + (x|h)") == parse("y ~ (1 | g) + (x | h)").random


def test_a_formula_is_read_once() -> None:
    assert parse("y ~ x + (1 | g)") is parse("y ~ x + (1 | g)")
