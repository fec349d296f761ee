"""Checks against car, performance, lme4 and closed forms in R, and published cases."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from multilevel.diagnostics.homoscedasticity import log_variance_test
from multilevel.diagnostics.singularity import components
from multilevel.diagnostics.within_groups import residuals_within
from reference.datasets import load, load_external

EXPECTED = json.loads((Path(__file__).parent / "expected" / "checks.json").read_text())
# What depends on theta, which lme4 finds to about 1e-6.
RTOL = 1e-5
# The F tests are differences of such numbers.
TEST_RTOL = 1e-4
# Least squares: both sides are exact, the reference is rounded to 11 digits.
LEAST_SQUARES_RTOL = 1e-9


def row(table, check, term=None):
    """The only row of a check."""
    found = table[table["check"] == check]
    if term is not None:
        found = found[found["term"] == term]
    (index,) = found.index
    return found.loc[index]


@pytest.mark.parametrize("case", EXPECTED["inflation"].values(), ids=EXPECTED["inflation"])
def test_variance_inflation(case):
    fit = mlm.lmer(case["formula"], load(case["dataset"]))
    table = fit.vif()
    assert table["term"].tolist() == case["terms"]
    assert table["df"].tolist() == case["df"]
    np.testing.assert_allclose(table["vif"], case["vif"], rtol=RTOL)
    np.testing.assert_allclose(table["scaled_vif"] ** (2 * table["df"]), case["vif"], rtol=RTOL)
    scaled = np.array(case["vif"]) ** (1 / np.array(case["df"]))
    worst = row(fit.check(), "collinearity")
    assert worst["statistic"] == pytest.approx(scaled.max(), rel=RTOL)
    assert worst["term"] == case["terms"][int(scaled.argmax())]


@pytest.mark.parametrize("case", EXPECTED["components"].values(), ids=EXPECTED["components"])
def test_principal_components(case):
    fit = mlm.lmer(case["formula"].replace("^", "**"), load(case["dataset"]))
    found = components(fit.state.terms[0].relative_factor, 1.0)
    np.testing.assert_allclose(found.sd, case["sd"], rtol=TEST_RTOL)
    overlap = np.abs(np.array(case["loadings"]).T @ found.loadings)
    np.testing.assert_allclose(overlap, np.eye(len(found.sd)), atol=TEST_RTOL)
    assert bool(found.zero.any()) is case["singular"] is fit.is_singular
    # on the scale of the response: of the covariance of what the effects make of it
    size = np.sqrt(np.mean(fit.model.matrices.terms[0].z ** 2, axis=0))
    covariance = fit.state.terms[0].covariance * np.outer(size, size)
    table = fit.random_pca()
    sd = table["sd"].to_numpy()[:: len(size)]
    np.testing.assert_allclose(sd**2, np.linalg.eigvalsh(covariance)[::-1], rtol=1e-8)


def test_singular_fit_is_one_for_performance_too():
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff2"))
    assert EXPECTED["singular"]
    assert row(fit.check(), "singularity")["verdict"] == "look"


@pytest.mark.parametrize("case", EXPECTED["groups"].values(), ids=EXPECTED["groups"])
def test_residual_variances_of_groups(case):
    fit = mlm.lmer(case["formula"], load(case["dataset"]))
    factor = fit.model.matrices.factors[0]
    residual, leverage = residuals_within(fit.model.matrices)
    df = np.bincount(factor.codes, 1 - leverage)
    order = np.argsort(factor.levels.astype(str))
    used = np.array(case["df"]) >= 10
    variance = (np.bincount(factor.codes, residual**2) / df)[order][used]
    wanted = np.array(case["variance"], dtype=float)[used]
    np.testing.assert_allclose(variance, wanted, rtol=LEAST_SQUARES_RTOL)
    df = np.array(case["df"], dtype=float)[used]
    found = log_variance_test(variance, df)
    assert found.statistic == pytest.approx(case["statistic"], rel=LEAST_SQUARES_RTOL)
    assert found.p_value == pytest.approx(case["p_value"], rel=1e-6)
    assert found.df == used.sum() - 1
    table = fit.check()
    mine = table[(table["check"] == "homoscedasticity") & (table["level"] == "school")].iloc[0]
    assert mine["statistic"] == pytest.approx(case["statistic"], rel=LEAST_SQUARES_RTOL)
    # the book's large-sample version, of which it is a refinement
    d = (np.log(variance) - np.average(np.log(variance), weights=df)) / np.sqrt(2 / df)
    assert d @ d == pytest.approx(case["book"], rel=LEAST_SQUARES_RTOL)
    assert found.statistic == pytest.approx(case["book"], rel=0.03)


@pytest.mark.parametrize("case", EXPECTED["rows"].values(), ids=EXPECTED["rows"])
def test_residuals_of_rows(case):
    fit = mlm.lmer(case["formula"], load(case["dataset"]))
    table = fit.check(time=case["time"])
    shape = row(table, "normality", "residual")
    assert shape["measure"] == "W"
    assert shape["statistic"] == pytest.approx(case["W"], rel=RTOL)
    assert shape["p_value"] == pytest.approx(case["W_p"], rel=1e-3)
    along = row(table, "homoscedasticity", "fitted value")
    assert along["statistic"] == pytest.approx(case["koenker"], rel=TEST_RTOL)
    assert along["p_value"] == pytest.approx(case["koenker_p"], rel=1e-3)
    serial = row(table, "autocorrelation")
    assert serial["statistic"] == pytest.approx(case["z"], rel=TEST_RTOL)
    assert f"{case['correlation']:.2f}, expected {case['expected']:.2f}" in serial["message"]
    for name, statistic, p_value in zip(case["added"], case["F"], case["F_p"], strict=True):
        square = row(table, "linearity", name)
        assert square["statistic"] == pytest.approx(statistic, rel=TEST_RTOL)
        assert square["p_value"] == pytest.approx(p_value, rel=1e-3)


@pytest.mark.parametrize("case", EXPECTED["mundlak"].values(), ids=EXPECTED["mundlak"])
def test_exogeneity(case):
    formula = case["formula"].replace("IQ.ver.cen", "`IQ.ver.cen`")
    found = row(mlm.lmer(formula, load(case["dataset"])).check(), "exogeneity")
    assert found["statistic"] == pytest.approx(case["statistic"], rel=TEST_RTOL)
    assert found["p_value"] == pytest.approx(case["p_value"], rel=1e-3)
    assert found["df"] == case["df"]


def test_contextual_effect_of_high_school_and_beyond_is_a_problem():
    """Raudenbush & Bryk (2002), ch. 5: 2.19 within and 5.87 between schools."""
    found = row(mlm.lmer("mAch ~ ses + (1 | school)", load("Hsb82")).check(), "exogeneity")
    assert found["verdict"] == "problem"
    assert "ses has 2.39 in the model and 2.19 within groups" in found["message"]


def test_one_school_decides_over_structure():
    """Nieuwenhuis, te Grotenhuis & Pelzer (2012): school 7472."""
    data = load_external("nels88_school23").rename(columns={"school.ID": "school"})
    found = row(mlm.lmer("math ~ structure + (1 | school)", data).check(), "influence")
    assert found["verdict"] == "problem"
    assert "without 7472, structure goes from" in found["message"]
