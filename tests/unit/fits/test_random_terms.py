"""Tests of random-effects terms: what is removed, what does not matter, exact tests."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError

# Estimates of two parametrisations agree to the stop of the optimiser.
SAME = 1e-6


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 8)
    frame = pd.DataFrame(
        {
            "g": g.astype(str),
            "h": np.tile(np.arange(8), 20).astype(str),
            "a": rng.choice(["p", "q", "r"], 160),
            "x": rng.normal(size=160),
            "z": rng.normal(3, 1, 160),
            "w": rng.uniform(0.5, 2, 160),
        }
    )
    effects = rng.normal(size=(20, 2))[g] * [1.0, 0.5]
    frame["y"] = effects[:, 0] + (0.3 + effects[:, 1]) * frame["x"] + rng.normal(size=160)
    noise = rng.normal(size=(20, 8))
    frame["noise"] = (noise - 0.9 * noise.mean(axis=1, keepdims=True)).ravel()
    return frame


# What is removed, and the model that is left.
CASES = {
    "y ~ x + (1 | g)": {"(1 | g)": "y ~ x"},
    "y ~ x + (x | g)": {"x in (1 + x | g)": "y ~ x + (1 | g)"},
    "y ~ x + (0 + x | g)": {"(0 + x | g)": "y ~ x"},
    "y ~ x + (x || g)": {
        "Intercept in (1 + x || g)": "y ~ x + (0 + x | g)",
        "x in (1 + x || g)": "y ~ x + (1 | g)",
    },
    "y ~ x + (1 | g) + (x | h)": {
        "(1 | g)": "y ~ x + (x | h)",
        "x in (1 + x | h)": "y ~ x + (1 | g) + (1 | h)",
    },
    "y ~ x + (0 + a | g)": {"a in (0 + a | g)": "y ~ x + (1 | g)"},
    "y ~ x + (a | g)": {"a in (1 + a | g)": "y ~ x + (1 | g)"},
    "y ~ x + (C(a, contr.sum) | g)": {"C(a, contr.sum) in (1 + C(a, contr.sum) | g)":
                                      "y ~ x + (1 | g)"},
    "y ~ x + (0 + x + z | g)": {
        "x in (0 + x + z | g)": "y ~ x + (0 + z | g)",
        "z in (0 + x + z | g)": "y ~ x + (0 + x | g)",
    },
    "y ~ x + (x * z | g)": {"x:z in (1 + x*z | g)": "y ~ x + (x + z | g)"},
    "y ~ x + (poly(x, 2) | g)": {"poly(x, 2) in (1 + poly(x, 2) | g)": "y ~ x + (1 | g)"},
    "y ~ x + (1 | g / a)": {"(1 | g)": "y ~ x + (1 | g:a)", "(1 | g:a)": "y ~ x + (1 | g)"},
    "y ~ 0 + (1 | g)": {"(1 | g)": "y ~ 0"},
}  # fmt: skip


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("formula", CASES)
def test_each_test_is_that_of_two_fits(data, formula, reml):
    fit = mlm.lmer(formula, data, reml=reml)
    table = fit.ranova()
    assert table["term"].tolist() == list(CASES[formula])
    for row, left in zip(table.itertuples(), CASES[formula].values(), strict=True):
        if left == "y ~ 0":  # is no model of its own: a likelihood of independent values
            n, squares = len(data), (data["y"] ** 2).sum()
            loglik = -n / 2 * (np.log(2 * np.pi * squares / n) + 1)
            assert row.loglik == pytest.approx(loglik, rel=1e-10)
            continue
        small = mlm.lmer(left, data, reml=reml)
        assert row.loglik == pytest.approx(small.loglik, abs=1e-7)
        assert row.statistic == pytest.approx(2 * (fit.loglik - small.loglik), abs=1e-6)
        assert row.aic == pytest.approx(small.aic, abs=1e-6)
        assert row.n_parameters == small.state.n_parameters
        expected = mlm.anova(small, fit, refit=False).iloc[1]
        for column in ("df", "p_value", "p_value_mixture"):
            assert getattr(row, column) == pytest.approx(expected[column], rel=1e-5, nan_ok=True)
        assert row.mixture == expected["mixture"]


def test_units_do_not_matter(data):
    formula = "y ~ x + (x + z | g) + (1 | h)"
    table = mlm.lmer(formula, data).ranova()
    scaled = data.assign(x=data["x"] * 1e5, z=data["z"] * 1e-4, y=data["y"] * 1e3)
    other = mlm.lmer(formula, scaled).ranova()
    for column in ("statistic", "p_value", "p_value_mixture"):
        np.testing.assert_allclose(other[column], table[column], rtol=1e-4, atol=SAME)


def test_rows_weights_and_offsets_are_kept(data):
    gaps = data.assign(z=data["z"].where(data.index % 5 > 0))
    options = {"weights": "w", "offset": "x"}
    with pytest.warns(mlm.exceptions.MissingValuesWarning):
        fit = mlm.lmer("y ~ 1 + (z | g)", gaps, **options)
    small = mlm.lmer("y ~ 1 + (1 | g)", gaps.dropna(), **options)
    assert fit.ranova()["loglik"][0] == pytest.approx(small.loglik, abs=1e-7)


def test_where_a_variance_is_zero_nothing_is_lost(data):
    fit = mlm.lmer("noise ~ x + (1 | g)", data)
    row = fit.ranova().iloc[0]
    assert row["statistic"] == 0.0
    assert row["p_value"] == row["p_value_mixture"] == 1.0
    assert fit.exact_rlrt(n=50, rng=1)["p_value"][0] == 1.0
    # beside another, the mixture is not known: the smaller model is on the boundary
    table = mlm.lmer("noise ~ x + (1 | g) + (1 | h)", data).ranova()
    assert table["mixture"].tolist()[1] == ""


@pytest.mark.parametrize("reml", [True, False])
def test_exact_tests_of_balanced_layouts_are_f_tests(data, reml):
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"g": np.repeat(list("abcdef"), 5)})
    frame["y"] = np.repeat(rng.normal(0, 0.7, 6), 5) + rng.normal(size=30)
    p = stats.f_oneway(*(group["y"] for _, group in frame.groupby("g"))).pvalue
    n = 20_000
    table = mlm.lmer("y ~ 1 + (1 | g)", frame, reml=reml).exact_rlrt(n=n, rng=2)
    assert table["method"][0].startswith("restricted" if reml else "likelihood")
    assert table["method"][0].endswith("exact (Crainiceanu & Ruppert 2004)")
    assert abs(table["p_value"][0] - p) < 5 * np.sqrt(p * (1 - p) / n)


def test_exact_tests_of_one_of_several(data):
    fit = mlm.lmer("y ~ x + (x || g) + (1 | h)", data)
    for term in ("(1 | g)", "(0 + x | g)", "(1|h)"):
        table = fit.exact_rlrt(term, n=99, rng=1)
        assert table["term"][0].replace(" ", "") == term.replace(" ", "")
        assert "approximate (Greven et al. 2008)" in table["method"][0]
    same = [fit.exact_rlrt("(1 | h)", n=99, rng=rng)["p_value"][0] for rng in (1, 1)]
    assert same[0] == same[1]
    beside = mlm.lmer("y ~ x + (x | g) + (1 | h)", data)  # the only single one
    assert beside.exact_rlrt(n=9, rng=1)["term"].tolist() == ["(1 | h)"]


def test_exact_tests_do_not_depend_on_units(data):
    found = [
        mlm.lmer("y ~ z + (0 + x | g)", frame, weights="w").exact_rlrt(n=200, rng=1).iloc[0]
        for frame in (data, data.assign(x=data["x"] * 1e4, z=1e6 + data["z"], y=data["y"] * 1e-3))
    ]
    assert found[1]["statistic"] == pytest.approx(found[0]["statistic"], rel=1e-5)
    assert found[1]["p_value"] == found[0]["p_value"]


def test_bad_input(data):
    least_squares = mlm.lmer("y ~ x", data)
    for call in (least_squares.ranova, least_squares.exact_rlrt):
        with pytest.raises(DataError, match="The model has no random effects"):
            call()
    correlated = mlm.lmer("y ~ x + (x | g)", data)
    for term in (None, "(1 | g)"):
        with pytest.raises(NotSupportedError, match=r"effects of \(1 \+ x \| g\) are correlated"):
            correlated.exact_rlrt(term)
    fit = mlm.lmer("y ~ x + (1 | g) + (1 | h)", data)
    with pytest.raises(DataError, match=r"several variances; name one with term=: \(1 \| g\), \("):
        fit.exact_rlrt()
    for term in ("(1 | school)", "(x | g)", 3):
        with pytest.raises(DataError, match=r"There is no term .* there are: \(1 \| g\), \(1 \| h"):
            fit.exact_rlrt(term)
    for n in (0, -1, 1.5, "many"):
        with pytest.raises(ValueError, match="is no number of draws; give 1 or more"):
            fit.exact_rlrt("(1 | g)", n=n)
