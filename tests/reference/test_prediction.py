"""Standard errors and intervals of predictions against glmmTMB, lmerTest and lm."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from reference.datasets import load

EXPECTED = json.loads(
    (Path(__file__).parent / "expected" / "inference_prediction.json").read_text()
)
CONDITIONAL = EXPECTED["conditional"]
# glmmTMB stops where the criterion is flat within 1e-10, so variances are right to about 1e-5.
RTOL = 2e-5
# lmerTest's degrees of freedom come from finite differences.
DF_RTOL = 1e-4
EXACT = 1e-10


@pytest.fixture(scope="module", params=CONDITIONAL)
def case(request):
    expected = CONDITIONAL[request.param]
    return mlm.lmer(expected["formula"], load(expected["dataset"]), reml=False), expected


def test_standard_errors_of_fitted_values(case):
    fit, expected = case
    table = fit.predict(interval="confidence")
    np.testing.assert_allclose(table["fitted"][:20], expected["fit_head"], rtol=RTOL)
    np.testing.assert_allclose(table["std_error"][:20], expected["se_head"], rtol=RTOL)
    np.testing.assert_allclose(table["std_error"].sum(), expected["se_sum"], rtol=RTOL)


def test_standard_errors_in_new_rows(case):
    """glmmTMB's standard error counts the effects of a new group: prediction less residual."""
    fit, expected = case
    table = fit.predict(expected["newdata"], interval="prediction", new_levels="population")
    errors = np.sqrt(table["std_error"] ** 2 - fit.sigma**2)
    np.testing.assert_allclose(table["fitted"], expected["new_fit"], rtol=RTOL)
    np.testing.assert_allclose(errors, expected["new_se"], rtol=RTOL)


def test_published_standard_errors():
    """glmmTMB's tests: rows 1 and 100 of the sleep study."""
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy"), reml=False)
    table = fit.predict(interval="confidence").iloc[[0, 99]]
    np.testing.assert_allclose(table["fitted"], [254.2208, 457.9684], atol=1e-4)
    np.testing.assert_allclose(table["std_error"], [12.94514, 14.13943], atol=1e-5)


def test_fixed_effects_have_degrees_of_freedom():
    data = load("Orthodont").drop(index=[0, 9, 10, 49, 76])
    fit = mlm.lmer("distance ~ age * Sex + (age | Subject)", data)
    expected = EXPECTED["fixed"]
    new = {name: expected[name] for name in ("age", "Sex")}
    table = fit.predict(new, re_form="none", interval="confidence")
    np.testing.assert_allclose(table["fitted"], expected["fitted"], rtol=1e-6)
    np.testing.assert_allclose(table["std_error"], expected["std_error"], rtol=RTOL)
    np.testing.assert_allclose(table["df"], expected["df"], rtol=DF_RTOL)
    for bound in ("conf_low", "conf_high"):
        np.testing.assert_allclose(table[bound], expected[bound], rtol=RTOL)


@pytest.mark.parametrize("interval", ["confidence", "prediction"])
def test_least_squares(interval):
    data = load("Orthodont").drop(index=[0, 9, 10, 49, 76])
    fit = mlm.lmer("distance ~ age * Sex", data)
    expected = EXPECTED["fixed"]
    new = {name: expected[name] for name in ("age", "Sex")}
    table = fit.predict(new, interval=interval, level=0.9)
    np.testing.assert_allclose(
        table[["fitted", "conf_low", "conf_high"]], expected[f"lm_{interval}"], rtol=EXACT
    )
