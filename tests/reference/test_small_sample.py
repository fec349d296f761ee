"""Kenward-Roger against pbkrtest, Satterthwaite against lmerTest, inner-outer against nlme."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from reference.datasets import load
from reference.dialect import python_formula

EXPECTED = json.loads((Path(__file__).parent / "expected" / "inference_kr.json").read_text())
CASES = EXPECTED["cases"]
# lme4's theta is right to about the root of its tolerance; errors of the SEs are of that order.
SE_RTOL = 1e-6
# Degrees of freedom and F move more with theta than standard errors do; lmerTest's derivatives are
# finite differences.
DF_RTOL = 1e-4
# In units of the standard error.
BETA_ATOL = 1e-5


def load_case(expected):
    name = expected["dataset"]
    data = mlm.datasets.load(name) if name == "beets" else load(name)
    data = data.drop(index=[row - 1 for row in expected.get("drop", [])])
    for column, values in (expected["keep"] or {}).items():
        data = data[data[column].isin(values)]
    return data.dropna(subset=[expected["formula"].split(" ~ ")[0]])


@pytest.fixture(scope="module", params=CASES)
def case(request):
    """A fit, whose coefficients come in R's order, and the reference."""
    expected = CASES[request.param]
    formula = python_formula(expected["formula"]).replace("factor(", "C(")
    fit = mlm.lmer(formula, load_case(expected))
    errors = fit.std_errors
    np.testing.assert_allclose(fit.beta / errors, expected["beta"] / errors, atol=BETA_ATOL)
    return fit, expected


def assert_tests(tests, reference, names):
    units = np.eye(len(names))
    np.testing.assert_allclose(tests.df(units), reference["df"], rtol=DF_RTOL)
    for block in reference["joint"]:
        joint = tests.joint(units[[names.index(name) for name in block["names"]]])
        assert joint.df == block["df"]
        for field in ("statistic", "df_residual", "p_value"):
            found, wanted = getattr(joint, field), block[field]
            np.testing.assert_allclose(found, wanted, rtol=DF_RTOL, err_msg=str(block["names"]))


def test_adjusted_covariance(case):
    fit, expected = case
    tests, reference = fit._fixed_tests("kenward-roger"), expected["kenward_roger"]
    errors = np.sqrt(tests.vcov.diagonal())
    np.testing.assert_allclose(errors, reference["se"], rtol=SE_RTOL)
    scale = np.outer(errors, errors)
    np.testing.assert_allclose(tests.vcov / scale, reference["vcov"] / scale, atol=2 * SE_RTOL)


def test_kenward_roger(case):
    fit, expected = case
    tests = fit._fixed_tests("kenward-roger")
    assert_tests(tests, expected["kenward_roger"], expected["names"])


def test_satterthwaite(case):
    fit, expected = case
    assert_tests(fit._fixed_tests("satterthwaite"), expected["satterthwaite"], expected["names"])


def test_published_numbers():
    """Of lmerTest's own tests and the vignettes of pbkrtest, as printed."""
    sleep = "Reaction ~ Days + (Days || Subject)"
    independent = mlm.lmer(sleep, load("sleepstudy"))
    slope = np.eye(2)[1:]
    satterthwaite = independent._fixed_tests("satterthwaite").df(slope)
    # lmerTest's derivatives are finite differences, which stop agreeing here.
    np.testing.assert_allclose(satterthwaite, 18.1562020, rtol=2e-7)
    kenward_roger = independent._fixed_tests("kenward-roger").df(slope)
    np.testing.assert_allclose(kenward_roger, 18.1874762, rtol=1e-7)
    cake = mlm.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", load("cake"))
    units = np.eye(6)
    tests = cake._fixed_tests("satterthwaite")
    blocks = [tests.joint(units[rows]).df_residual for rows in ([1, 2], [3], [4, 5])]
    np.testing.assert_allclose(blocks, [254.0157612, 222, 222], rtol=1e-7)
    beets = mlm.lmer(
        "sugpct ~ block + sow + harvest + (1 | block:harvest)", mlm.datasets.load("beets")
    )
    harvest = beets._fixed_tests("kenward-roger").joint(np.eye(8)[[7]])
    np.testing.assert_allclose([harvest.statistic, harvest.df_residual], [15.21053, 2], rtol=1e-6)
    sow = beets._fixed_tests("kenward-roger").joint(np.eye(8)[3:7])
    np.testing.assert_allclose([sow.statistic, sow.df_residual], [101, 20], rtol=1e-6)
    np.testing.assert_allclose(sow.p_value, 5.7412e-13, rtol=1e-4)


@pytest.mark.parametrize("name", EXPECTED["inner_outer"])
def test_between_within_is_the_inner_outer_rule_of_nlme(name):
    expected = EXPECTED["inner_outer"][name]
    fit = mlm.lmer(expected["formula"], load_case(expected))
    tests = fit._fixed_tests("between-within")
    assert tests.df(np.eye(len(fit.beta))).tolist() == expected["df"]
