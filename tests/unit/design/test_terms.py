"""Plain sums of terms are read as formulaic reads them."""

import formulaic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multilevel.design import terms as terms_module
from multilevel.design.terms import parse_terms
from multilevel.exceptions import FormulaError

NAMES = st.sampled_from(["a", "b", "c", "d.e", "`m y`", "`p:q`", "ü"])
PRODUCTS = st.lists(NAMES, min_size=1, max_size=4).flatmap(
    lambda names: st.lists(
        st.sampled_from(["*", ":", " : "]), min_size=len(names) - 1, max_size=len(names) - 1
    ).map(lambda signs: "".join(x + y for x, y in zip(names, [*signs, ""], strict=True)))
)
SUMS = st.lists(
    st.tuples(st.sampled_from([" + ", "-"]), st.one_of(PRODUCTS, st.sampled_from(["0", "1"]))),
    min_size=1,
    max_size=5,
).map(lambda pieces: "".join(x + y for x, y in pieces).strip().removeprefix("+ "))


@settings(max_examples=300, deadline=None)
@given(SUMS)
def test_agrees_with_formulaic(text):
    ours = terms_module._parse_plain(text)
    if ours is None:  # left to formulaic
        assert "- 0" in text or "-0" in text
        return
    theirs = tuple(
        tuple(factor.expr for factor in term.factors if factor.expr != "1")
        for term in formulaic.Formula(text)
    )
    assert ours == theirs


@pytest.mark.parametrize("text", ["a + (b + c)**2", "a/b", "log(a)", "1 + a %in% b", "a + b**2"])
def test_anything_else_is_left_to_formulaic(text):
    assert terms_module._parse_plain(text) is None
    assert parse_terms(text).text == text


def test_names_and_kinds_of_use():
    terms = parse_terms("1 + x + np.log(`my z`):f + C(k, contr.sum)")
    assert terms.products == ((), ("x",), ("C(k, contr.sum)",), ("np.log(`my z`)", "f"))
    assert terms.columns == ("x", "f")
    assert set(terms.values) == {"k", "contr.sum", "my z"}
    assert set(terms.calls) == {"C", "np.log"}
    assert not terms.plain


def test_columns_crossed_by_powers_and_nesting_are_plain():
    terms = parse_terms("(a + b)**2 + a/c")
    assert terms.plain
    assert terms.products == ((), ("a",), ("b",), ("a", "b"), ("a", "c"))


def test_intercept_only():
    assert parse_terms("1").intercept_only
    assert not parse_terms("0").intercept_only
    assert not parse_terms("1 + x").intercept_only


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x + 2:z", r"A number cannot multiply a term, as in 2:z; write I\(2 \* x\)"),
        ("I(x^2)", r"write `I\(x \*\* 2\)` for a power"),
        ("I(x +)", r"not valid Python"),
        ("x ~ z", r"cannot stand inside a sum of terms"),
        ("x + 'a'", r"String literals are not valid in formulae\.\n    .*\n +\^"),
    ],
)
def test_what_cannot_be_read(text, message):
    with pytest.raises(FormulaError, match=message):
        parse_terms(text)
