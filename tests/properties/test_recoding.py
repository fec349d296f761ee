"""The same model written differently in formula and data frame: the same fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multilevel as mlm

OBJECTIVE_RTOL = 1e-8
# In standard errors; Newton's last step leaves about 1e-7.
ESTIMATE_ATOL = 1e-6

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=15, deadline=None)


def frame(seed: int) -> pd.DataFrame:
    """80 rows, two numeric predictors, a factor with three levels, two grouping columns."""
    rng = np.random.default_rng(seed)
    g, h, f = rng.integers(0, 8, 80), rng.integers(0, 5, 80), rng.integers(0, 3, 80)
    x, z = rng.normal(size=(2, 80))
    y = 1 + x + np.array([0, 1, -1])[f] + rng.normal(size=8)[g] * (1 + x) + rng.normal(size=5)[h]
    columns = {"y": y + rng.normal(size=80), "x": x, "z": z, "f": np.array(["a", "b", "c"])[f]}
    return pd.DataFrame({**columns, "g": g, "h": h})


def assert_same_fit(a, b) -> None:
    assert a.deviance == pytest.approx(b.deviance, rel=OBJECTIVE_RTOL)
    assert a.sigma == pytest.approx(b.sigma, rel=ESTIMATE_ATOL)
    atol = 10 * ESTIMATE_ATOL * b.sigma
    np.testing.assert_allclose(np.asarray(a.fitted()), np.asarray(b.fitted()), atol=atol)


def ml(formula, data, **arguments):
    return mlm.lmer(formula, data, reml=False, **arguments)


@given(seeds)
@quick
def test_names_of_columns(seed):
    data = frame(seed)
    names = {"y": "the response", "x": "π", "z": "z.z", "f": "f f", "g": "Gruppe ä", "h": "2nd"}
    formula = "`the response` ~ π * `f f` + (1 + π | `Gruppe ä`) + (1 | `2nd`)"
    assert_same_fit(
        ml(formula, data.rename(columns=names)), ml("y ~ x * f + (1 + x | g) + (1 | h)", data)
    )


@pytest.mark.parametrize(
    "relabel",
    [
        lambda g: g,
        lambda g: 1000 - 7 * g,
        lambda g: g.astype(float),
        lambda g: g.map("group {}".format),
        lambda g: g.map("group {}".format).astype("category"),
        lambda g: pd.Categorical(g, categories=range(-5, 20)),
        lambda g: pd.Timestamp("2024-02-28") + pd.to_timedelta(g, unit="D"),
        lambda g: g.astype("Int64"),
    ],
)
def test_labels_of_groups(relabel):
    data = frame(1)
    formula = "y ~ x + f + (x | g) + (1 | h)"
    other = ml(formula, data.assign(g=relabel(data["g"])))
    assert_same_fit(other, ml(formula, data))
    assert other.n_groups == {"g": 8, "h": 5}


@given(seeds, st.sampled_from(["treatment", "sum", "helmert", "poly", "diff"]))
@quick
def test_contrasts(seed, contrast):
    data = frame(seed)
    a = ml("y ~ x * f + (x | g)", data, contrasts={"f": contrast})
    b = ml("y ~ x * f + (x | g)", data)
    assert_same_fit(a, b)
    assert len(a.beta) == len(b.beta)


@given(seeds)
@quick
def test_reference_level(seed):
    data = frame(seed)
    a = ml("y ~ f + (1 | g)", data.assign(f=pd.Categorical(data["f"], ["c", "a", "b"])))
    b = ml("y ~ f + (1 | g)", data)
    assert_same_fit(a, b)
    atol = ESTIMATE_ATOL * b.std_errors.max()
    np.testing.assert_allclose(a.beta[0], b.beta[0] + b.beta[2], atol=10 * atol)
    np.testing.assert_allclose(a.beta[1], -b.beta[2], atol=10 * atol)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("(x | g)", "(1 + x | g)"),
        ("(0 + x | g)", "(x - 1 | g)"),
        ("(x || g)", "(1 | g) + (0 + x | g)"),
        ("(f | g)", "(0 + f | g)"),
        ("(f | g)", "(C(f, contr.sum) | g)"),
        ("(1 | g/h)", "(1 | g) + (1 | g:h)"),
        ("(x | g/h)", "(x | g) + (x | g:h)"),
        ("(1 | g:h)", "(1 | h:g)"),
        ("(1 | g) + (1 | h)", "(1 | h) + (1 | g)"),
        ("(x + z | g)", "(z + x | g)"),
        ("(x | g)", "(I(3 * x - 100) | g)"),
        ("(x + z | g)", "(I(x + z) + I(x - z) | g)"),
    ],
)
def test_spellings_of_the_random_part(one, other):
    data = frame(3)
    assert_same_fit(ml(f"y ~ x + z + f + {one}", data), ml(f"y ~ x + z + f + {other}", data))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x * f", "x + f + x:f"),
        ("x * f", "f / x"),
        ("x + f", "0 + f + x"),
        ("x + I(x**2)", "poly(x, 2)"),
        ("x + z", "scale(x) + center(z)"),
        ("(x + z + f)**2", "x + z + f + x:z + x:f + z:f"),
        ("x * z - x:z", "x + z"),
    ],
)
def test_spellings_of_the_fixed_part(one, other):
    data = frame(4)
    assert_same_fit(ml(f"y ~ {one} + (x | g)", data), ml(f"y ~ {other} + (x | g)", data))


def test_rows_in_any_order_with_any_index():
    data = frame(5)
    shuffled = data.sample(frac=1, random_state=0)
    shuffled.index = pd.Index(np.zeros(len(data), dtype=int))
    a, b = ml("y ~ x + f + (x | g)", shuffled), ml("y ~ x + f + (x | g)", data)
    assert a.deviance == pytest.approx(b.deviance, rel=OBJECTIVE_RTOL)
    np.testing.assert_allclose(a.beta / b.std_errors, b.beta / b.std_errors, atol=ESTIMATE_ATOL)
    modes = [pd.DataFrame(fit.ranef()).sort_values(["level", "term"]) for fit in (a, b)]
    np.testing.assert_allclose(modes[0]["estimate"], modes[1]["estimate"], atol=1e-5)


def test_weights_and_offset_as_column_array_or_formula():
    data = frame(6).assign(w=np.linspace(0.5, 2, 80), o=np.linspace(-1, 1, 80))
    b = ml("y ~ x + (1 | g)", data, weights="w", offset="o")
    assert_same_fit(ml("y ~ x + (1 | g)", data, weights=data["w"].to_numpy(), offset=data["o"]), b)
    assert_same_fit(ml("y ~ x + offset(o) + (1 | g)", data, weights=data["w"]), b)
    assert_same_fit(
        ml("y ~ x + offset(o / 2) + (1 | g)", data, weights="w", offset=data["o"] / 2), b
    )
