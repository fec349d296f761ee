"""The plain road and formulaic give the same columns under the same names."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multilevel.design.encoder import Scope, fit_encoder
from multilevel.design.frame import ModelFrame, Variable
from multilevel.design.plain import plain_encoder
from multilevel.design.terms import parse_terms

NOTHING = Scope({}, {})


def factor(name, codes, levels):
    codes = np.asarray(codes, dtype=np.int32)
    return Variable(name, "factor", codes=codes, levels=tuple(levels))


def boolean(name, truth):
    return Variable(
        name, "boolean", truth.astype(float), truth.astype(np.int32), levels=(False, True)
    )


def frame(seed=0, n=40):
    rng = np.random.default_rng(seed)
    return ModelFrame(
        n,
        {
            "x": Variable("x", "numeric", rng.normal(size=n)),
            "z": Variable("z", "numeric", rng.normal(size=n)),
            "f": factor("f", rng.permutation(np.arange(n) % 3), ["lo", "mid", "hi"]),
            "g": factor("g", rng.permutation(np.arange(n) % 2), [1, 2]),
            "b": boolean("b", rng.permutation(np.arange(n) % 2) == 1),
            "one": factor("one", np.zeros(n), ["only"]),
        },
    )


PRODUCT = st.lists(
    st.sampled_from(["x", "z", "f", "g", "b"]), min_size=1, max_size=3, unique=True
).flatmap(lambda names: st.sampled_from([":".join(names), "*".join(names)]))


@settings(max_examples=60, deadline=None)
@given(
    intercept=st.sampled_from(["0", "1"]),
    products=st.lists(PRODUCT, min_size=1, max_size=3),
    seed=st.integers(0, 10),
)
def test_agrees_with_formulaic(intercept, products, seed):
    terms = parse_terms(" + ".join([intercept, *products]))
    data = frame(seed)
    plain = plain_encoder(terms, data)
    theirs, X = fit_encoder(terms, terms.columns, data, NOTHING)
    assert plain.names == theirs.names
    np.testing.assert_array_equal(plain.encode(data), X)


def test_factor_with_one_level_has_no_contrast():
    terms = parse_terms("1 + one + x:one")
    plain = plain_encoder(terms, frame())
    theirs, X = fit_encoder(terms, terms.columns, frame(), NOTHING)
    assert plain.names == theirs.names == ("Intercept", "x:one[only]")
    np.testing.assert_array_equal(plain.encode(frame()), X)


@pytest.mark.parametrize("text", ["1 + x*z + f*x", "0 + f:b + x", "0"])
def test_columns_are_in_c_order(text):
    terms = parse_terms(text)
    X = plain_encoder(terms, frame()).encode(frame())
    assert X.flags.c_contiguous
    assert X.dtype == np.float64


def test_numeric_formulas_need_no_formulaic(monkeypatch):
    """The import of formulaic brings pandas and costs a second."""
    for name in [m for m in sys.modules if m.startswith(("formulaic", "multilevel.design.enc"))]:
        monkeypatch.setitem(sys.modules, name, None)
    terms = parse_terms("1 + x + z:x")
    assert plain_encoder(terms, frame()).names == ("Intercept", "x", "z:x")


def test_import_is_light():
    heavy = "('formulaic', 'pandas', 'scipy', 'narwhals', 'polars', 'pyarrow')"
    code = f"import sys, multilevel.design.build; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
