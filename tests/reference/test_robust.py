"""Cluster-robust standard errors and tests against clubSandwich."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from multilevel.inference.robust import robust_tests
from reference.datasets import load

EXPECTED = json.loads((Path(__file__).parent / "expected" / "inference_robust.json").read_text())
CASES = EXPECTED["cases"]
# lme4's theta is right to about the root of its tolerance; errors of the SEs are of that order.
SE_RTOL = 1e-6
TEST_RTOL = 1e-4
# nlme's optimiser stops earlier.
LME_RTOL = 1e-5


@pytest.fixture(scope="module", params=CASES)
def case(request):
    expected = CASES[request.param]
    data = load(expected["dataset"])
    data["w"] = 1 + (np.arange(1, len(data) + 1) % 4) / 2
    data = data.drop(index=[row - 1 for row in expected["drop"]])
    if expected["keep"]:
        data = data[data[expected["cluster"]].isin(expected["keep"])]
    fit = mlm.lmer(
        expected["formula"], data, reml=expected["REML"], weights=expected.get("weights")
    )
    return fit, data, expected


def robust_of(case, expected):
    fit, data, _ = case
    codes = np.unique(data[case[2]["cluster"]], return_inverse=True)[1]
    return robust_tests(fit.model.matrices, fit.state, expected["kind"], codes, "cluster")


@pytest.mark.parametrize("position", range(5))
def test_standard_errors(case, position):
    fit, _, whole = case
    expected = whole["results"][position]
    rtol = LME_RTOL if "weights" in whole else SE_RTOL
    tests = robust_of(case, expected)
    np.testing.assert_allclose(fit.beta, whole["beta"], rtol=1e-4)
    np.testing.assert_allclose(np.sqrt(tests.vcov.diagonal()), expected["se"], rtol=rtol)
    scale = np.outer(expected["se"], expected["se"])
    np.testing.assert_allclose(tests.vcov / scale, expected["vcov"] / scale, atol=2 * rtol)


@pytest.mark.parametrize("position", range(5))
def test_degrees_of_freedom_and_htz_tests(case, position):
    expected = case[2]["results"][position]
    tests = robust_of(case, expected)
    p = len(tests.beta)
    np.testing.assert_allclose(tests.df(np.eye(p)), expected["df"], rtol=TEST_RTOL)
    rows = {"last_two": np.eye(p)[-2:], "all": np.eye(p)[1:]}
    for name, wald in (expected["wald"] or {}).items():
        joint = tests.joint(rows[name])
        if not wald or wald["p_value"] == "NA":
            assert np.isnan(joint.p_value)
            continue
        assert joint.df == wald["df"]
        for field in ("statistic", "df_residual", "p_value"):
            np.testing.assert_allclose(getattr(joint, field), wald[field], rtol=TEST_RTOL)


def test_orthodont_as_printed():
    """clubSandwich, boys as the reference: five rows left out, correlated slopes."""
    data = load("Orthodont").drop(index=[0, 9, 10, 49, 76])
    data["girl"] = data["Sex"] == "Female"
    fit = mlm.lmer("distance ~ age * girl + (age | Subject)", data)
    codes = fit.model.matrices.factors[0].codes
    printed = {
        "CR0": [1.302464, 0.109983, 1.494619, 0.127997],
        "CR2": [1.345088, 0.113547, 1.550080, 0.132756],
    }
    for kind, errors in printed.items():
        tests = robust_tests(fit.model.matrices, fit.state, kind, codes, "Subject")
        np.testing.assert_allclose(np.sqrt(tests.vcov.diagonal()), errors, atol=2e-6)
    np.testing.assert_allclose(tests.df(np.eye(4))[[0, 3]], [14.7525, 21.2486], atol=1e-4)
    joint = tests.joint(np.eye(4)[2:])
    assert (round(joint.statistic, 2), round(joint.df_residual, 1)) == (6.22, 20.5)
    assert round(joint.p_value, 5) == 0.00777
