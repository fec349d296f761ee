"""Reading formulas: total, blind to spaces, and stable under its own output."""

from __future__ import annotations

import contextlib

import formulaic
from hypothesis import given
from hypothesis import strategies as st

from multilevel.exceptions import FormulaError, NotSupportedError
from multilevel.formula.parse import MixedFormula, parse, parse_random

SPACES = st.sampled_from(["", " ", "  ", "\n", "\t"])
SOUP = st.sampled_from(
    [
        *("y", "x", "g", "log", "I", "C", "factor", "offset", "cs", "a.b", "np.log", "class", "if"),
        *("`my x`", "`", "'s'", '"', "0", "1", "2", "1.5", "~", "+", "-", "*", "/", ":", "::", "|"),
        *("||", "^", "**", "%in%", "(", ")", "[", "]", "{", "}", ",", "=", "==", "<-", ".", "$"),
        *("!", "@", "#", "é", "\\", "TRUE", "&", ";"),
    ]
)


@given(st.lists(SOUP, max_size=25), st.data())
def test_only_our_errors(words: list[str], data: st.DataObject) -> None:
    text = "".join(word + data.draw(SPACES) for word in words)
    with contextlib.suppress(FormulaError, NotSupportedError):
        parse("y ~ " + text)
    with contextlib.suppress(FormulaError, NotSupportedError):
        parse(text)


@given(st.text(max_size=40))
def test_only_our_errors_on_any_text(text: str) -> None:
    with contextlib.suppress(FormulaError, NotSupportedError):
        parse(text)


names = st.sampled_from(["x", "z", "f", "w1", "`my x`", "x.1"])
groups = st.sampled_from(["g", "h", "school", "`my g`", "g.2"])
Tokens = list[str]


def joined(parts: list[Tokens], operator: str) -> Tokens:
    tokens = list(parts[0])
    for part in parts[1:]:
        tokens += [operator, *part]
    return tokens


calls = st.one_of(
    names.map(lambda n: ["log", "(", n, ")"]),
    names.map(lambda n: ["I", "(", n, "**", "2", ")"]),
    names.map(lambda n: ["bs", "(", n, ",", "df", "=", "4", ")"]),
    st.tuples(names, names).map(lambda p: ["np.hypot", "(", p[0], ",", p[1], ")"]),
)
factors = st.one_of(names.map(lambda n: [n]), calls)
products = st.builds(joined, st.lists(factors, min_size=1, max_size=3), st.sampled_from("*:/"))
powers = st.lists(names, min_size=2, max_size=3, unique=True).map(
    lambda ns: ["(", *joined([[n] for n in ns], "+"), ")", "^", "2"]
)
intercepts = st.sampled_from([["0"], ["1"]])
sums = st.builds(
    joined,
    st.lists(st.one_of(products, powers, intercepts), min_size=1, max_size=4),
    st.sampled_from("+-"),
)
group_parts = st.recursive(
    groups.map(lambda g: [g]),
    lambda inner: st.builds(
        lambda parts, op: ["(", *joined(parts, op), ")"],
        st.lists(inner, min_size=2, max_size=2),
        st.sampled_from(":/*"),
    ),
    max_leaves=3,
)
bars = st.builds(
    lambda effects, bar, group: ["(", *effects, bar, *group, ")"],
    sums,
    st.sampled_from(["|", "||"]),
    group_parts,
)
offsets = names.map(lambda n: ["offset", "(", "log", "(", n, ")", ")"])
responses = st.sampled_from([["y"], ["log", "(", "y", ")"], ["`my y`"], ["y", "/", "2"]])
formulas = st.builds(
    lambda response, terms: [*response, "~", *joined(terms, "+")],
    responses,
    st.lists(st.one_of(sums, bars, offsets), min_size=1, max_size=4),
)


def read(text: str) -> MixedFormula | None:
    """Read a formula; None for those the grammar above makes that have no meaning."""
    try:
        return parse(text)
    except FormulaError as error:
        assert "appears twice" in str(error) or "no effect on the left" in str(error)  # noqa: PT017
        return None


def parts(formula: MixedFormula) -> tuple[object, ...]:
    return formula.response, formula.fixed, formula.offsets, formula.random


@given(formulas, st.data())
def test_spaces_do_not_matter(tokens: Tokens, data: st.DataObject) -> None:
    formula = read(" ".join(tokens))
    respaced = read("".join(token + data.draw(SPACES) for token in tokens))
    assert (formula is None) == (respaced is None)
    if formula is not None and respaced is not None:
        assert parts(formula) == parts(respaced)


@given(formulas)
def test_canonical_form_reads_as_itself(tokens: Tokens) -> None:
    formula = read(" ".join(tokens))
    if formula is None:
        return
    for term in formula.random:
        assert parse_random(term.label) == (term,)
    terms = [formula.fixed, *(f"offset({o})" for o in formula.offsets)]
    terms += [term.label for term in formula.random]
    assert parts(parse(f"{formula.response} ~ {' + '.join(terms)}")) == parts(formula)


@given(sums.filter(lambda tokens: tokens[0] not in "01"))
def test_fixed_terms_mean_what_they_meant(tokens: Tokens) -> None:
    """The canonical form has the terms that formulaic finds in the form as written."""
    quoted = [f"`{t}`" if t == "x.1" else t for t in tokens]
    written = formulaic.Formula("".join(quoted))
    assert formulaic.Formula(parse("y ~ " + " ".join(tokens)).fixed) == written
