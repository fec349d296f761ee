"""Variance by level and variance explained against performance, and numbers in print."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from reference.datasets import load, load_external
from reference.dialect import python_formula

CASES = json.loads((Path(__file__).parent / "expected" / "levels.json").read_text())["cases"]
# lme4's theta is right to about the root of its tolerance.
RTOL = 2e-6
# Numbers in print come from fits at lme4's default tolerances.
PRINTED = 2e-6


@pytest.mark.parametrize("name", CASES)
def test_performance(name):
    case = CASES[name]
    fit = mlm.lmer(python_formula(case["formula"]).replace("^", "**"), load(case["dataset"]))
    icc = fit.icc()
    np.testing.assert_allclose(icc["icc"].sum(), case["adjusted"], rtol=RTOL)
    np.testing.assert_allclose(icc["icc_unadjusted"].sum(), case["unadjusted"], rtol=RTOL)
    explained = fit.r2().set_index("measure")["r2"]
    np.testing.assert_allclose(explained["marginal"], case["marginal"], rtol=RTOL, atol=1e-12)
    np.testing.assert_allclose(explained["conditional"], case["conditional"], rtol=RTOL)
    parts = fit.variance_partition().set_index("source")["variance"]
    np.testing.assert_allclose(parts["fixed effects"], case["fixed"], rtol=RTOL, atol=1e-10)
    if all(term.names == ("Intercept",) for term in fit.model.matrices.terms):
        groups = np.atleast_1d(case["group"]).tolist()
        ours = icc.set_index("group").loc[groups, "icc"]
        np.testing.assert_allclose(ours, np.atleast_1d(case["by_group"]), rtol=RTOL)


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb")


def test_high_school_and_beyond(hsb):
    """Raudenbush & Bryk (2002), ch. 4, with more digits."""
    found = mlm.icc(hsb, "math", "school").iloc[0]
    assert found["icc"] == pytest.approx(0.1803518, abs=5e-8)
    assert found["design_effect"] == pytest.approx(8.918571, abs=5e-7)
    assert found["n_effective"] == pytest.approx(805.6, abs=0.05)
    fit = mlm.lmer("math ~ cses + meanses + (1 | school)", hsb)
    reduction = fit.r2("raudenbush-bryk").set_index("level")["r2"]
    np.testing.assert_allclose(reduction[["residual", "school"]], [0.05439, 0.68743], atol=5e-6)
    errors = fit.r2("snijders-bosker")["r2"]
    np.testing.assert_allclose(errors, [0.16856, 0.62434], atol=5e-6)
    np.testing.assert_allclose(fit.r2()["r2"], [0.16733, 0.22379], atol=5e-6)


def test_rights_and_sterba_by_r2mlm(hsb):
    fit = mlm.lmer("math ~ cses + meanses + (cses | school)", hsb)
    table = fit.r2("rights-sterba").set_index(["scope", "symbol"])["share"]
    printed = {"f1": 0.043884657, "f2": 0.124527453, "v": 0.006268098, "m": 0.056406445}
    for symbol, share in (printed | {"sigma2": 0.768913347}).items():
        assert table["total", symbol] == pytest.approx(share, rel=1e-6)
    within = table["rows"][["f1", "v", "sigma2"]]
    np.testing.assert_allclose(within, [0.053579, 0.007653, 0.938769], atol=PRINTED)
    np.testing.assert_allclose(table["school"][["f2", "m"]], [0.688249, 0.311751], atol=PRINTED)
    np.testing.assert_allclose(fit.r2()["r2"], [0.16841, 0.23109], atol=5e-6)


def test_rights_and_sterba_of_teachers():
    """Shaw & Flake, Introduction to Multilevel Modelling, ch. 11 (learn-mlms)."""
    data = load_external("learnmlms_teachsat")
    formula = "satisfaction ~ control_c + salary_c + s_t_ratio + (control_c | schoolID)"
    table = mlm.lmer(formula, data).r2("rights-sterba").set_index(["scope", "symbol"])["share"]
    total = table["total"][["f1", "f2", "v", "m", "sigma2"]]
    np.testing.assert_allclose(
        total, [0.29643, 0.06767, 0.03185, 0.25902, 0.34503], atol=10 * PRINTED
    )
    np.testing.assert_allclose(table["rows"][["f1", "v"]], [0.44026, 0.04730], atol=10 * PRINTED)
    np.testing.assert_allclose(
        table["schoolID"][["f2", "m"]], [0.20713, 0.79287], atol=10 * PRINTED
    )
