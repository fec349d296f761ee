"""Published numbers: what lme4's and other packages' tests, manuals and books print.

Numbers are given as printed, by optimisers that stop a little early: the criterion must not be
above the printed one, the estimates are compared to the digits that such a stop leaves right (the
tight comparison is in ``test_lme4_models.py``).
"""

from __future__ import annotations

import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError
from reference.compare import assert_objective, term_sds
from reference.datasets import load
from reference.published import ROWS, SLEEP, Row


def prepared(name: str) -> pd.DataFrame:
    """The data with the derived columns of the published analyses."""
    data = load(name)
    if name == "hsb_hlm":
        data["cses"] = data["ses"] - data.groupby("schid")["ses"].transform("mean")
    if name == "carrots":
        data = data.dropna(subset="Preference")
    if name == "hotpower":
        data["ghz"] = data["frequency"] / 1e6
    if name == "Early":
        data["tos"] = data["age"] - 0.5
        data["treated"] = (data["trt"] == "Y").astype(float)
    if name == "Orthodont":
        data["male"] = (data["Sex"] == "Male").astype(float)
        data["male_age"] = data["male"] * data["age"]
    return data


def fit_row(row: Row):
    return mlm.lmer(row.formula, prepared(row.dataset), reml=row.reml, weights=row.weights)


# Relative error of printed estimates. The worst are beta of L29 (nlme) and an SD of L36 (lme4):
# 2.3e-5 and 1.6e-5, or 1e-4 of their standard errors, that is 5e-9 in the criterion.
PRINTED_RTOL = 3e-5
# Factor that makes a criterion of the value.
CRITERIA = {"objective": 1, "aic": 1, "loglik": -2}
VALUES = {
    "objective": lambda fit: -2 * fit.loglik,
    "loglik": lambda fit: fit.loglik,
    "aic": lambda fit: fit.aic,
    "sigma": lambda fit: fit.sigma,
    "theta": lambda fit: fit.theta,
    "beta": lambda fit: fit.beta,
    "coefficients": lambda fit: fit.beta,
    "se": lambda fit: fit.std_errors,
    "vcov": lambda fit: fit.vcov.ravel(),
    "sd": lambda fit: np.concatenate(term_sds(fit)),
    "variance": lambda fit: np.concatenate(term_sds(fit)) ** 2,
}


def assert_printed(name: str, actual: float, printed: str) -> None:
    """Within one unit of the last printed digit, or what the printed optimiser left undone."""
    unit = float(Decimal(1).scaleb(Decimal(printed).as_tuple().exponent))
    expected = float(printed)
    if name in CRITERIA:
        assert_objective(CRITERIA[name] * actual, CRITERIA[name] * expected, slack=2 * unit)
    else:
        assert actual == pytest.approx(expected, rel=PRINTED_RTOL, abs=1.0000001 * unit)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.tag}-{'REML' if row.reml else 'ML'}")
def test_printed_values(row):
    fit = fit_row(row)
    assert fit.converged
    assert fit.is_singular == row.singular
    for name, printed in row.printed.items():
        actual = np.atleast_1d(VALUES[name](fit))
        expected = [printed] if isinstance(printed, str) else printed
        assert len(actual) == len(expected)
        for value, text in zip(actual, expected, strict=True):
            assert_printed(name, value, text)


def test_criterion_at_given_theta():
    """L2, L3: the criterion at theta values printed in lme4's and MixedModels.jl's tests."""
    model = mlm.MixedModel("Yield ~ 1 + (1 | Batch)", load("Dyestuff"))
    assert model.deviance([0.0], reml=True) == pytest.approx(326.023232155879, abs=1e-9)
    assert model.deviance([1.0], reml=True) == pytest.approx(319.792389042002, abs=1e-9)
    assert model.deviance([0.713], reml=False) == pytest.approx(327.34216280954615, abs=1e-9)


def test_second_derivative_at_the_boundary():
    """MixedModels.jl: d2/dtheta2 of the ML criterion of Dyestuff2 at its optimum, theta = 0."""
    model = mlm.MixedModel("Yield ~ 1 + (1 | Batch)", load("Dyestuff2"))
    assert model.hessian([0.0], reml=False)[0, 0] == pytest.approx(28.768680, abs=1e-6)


def test_conditional_modes_and_predictions():
    """L11, L12: modes, their covariances and conditional predictions of sleepstudy."""
    fit = mlm.lmer(SLEEP, load("sleepstudy"))
    table = fit.ranef()
    modes = table["estimate"].to_numpy().reshape(-1, 2)[:2]
    np.testing.assert_allclose(modes, [[2.258566, 9.198972], [-40.398577, -8.619703]], atol=2e-6)
    errors = table["std_error"].to_numpy().reshape(-1, 2)[0]
    np.testing.assert_allclose(errors**2, [145.70509, 5.312274], rtol=2e-6)
    printed = [253.664, 273.330, 292.996, 312.662, 332.329, 351.995]
    np.testing.assert_allclose(fit.fitted()[:6], printed, atol=1e-3)
    new = pd.DataFrame({"Days": [0, 1, 2]})
    np.testing.assert_allclose(
        fit.predict(new, re_form="none"), [251.4051, 261.8724, 272.3397], atol=1e-4
    )


def test_wald_interval():
    """L15: large-sample interval of Days, REML and ML."""
    for reml, printed in [(True, (7.437592, 13.496980)), (False, (7.522957, 13.411617))]:
        fit = mlm.lmer(SLEEP, load("sleepstudy"), reml=reml)
        interval = fit.beta[1] + np.array([-1, 1]) * 1.959963984540054 * fit.std_errors[1]
        np.testing.assert_allclose(interval, printed, atol=5e-6)


# Every one of these is a linear recode of Days; lme4 stops short on most of them in silence.
RECODES = [
    "+ 10",
    "+ 20",
    "+ 50",
    "+ 100",
    "+ 500",
    "+ 1000",
    "+ 2000",
    "* 1000",
    "* 1e-6",
    "* -1",
    "* 3 - 7",
]


@pytest.mark.parametrize("recode", RECODES)
def test_every_recode_of_a_slope_is_the_same_model(recode):
    data = load("sleepstudy")
    data["Days"] = data.eval(f"Days {recode}")
    scale = data["Days"].std() / load("sleepstudy")["Days"].std()
    fit = mlm.lmer(SLEEP, data, reml=False)
    assert -2 * fit.loglik == pytest.approx(1751.9393444637, abs=1e-8)
    assert fit.std_errors[1] * scale == pytest.approx(1.502237, abs=1e-6)
    assert not fit.is_singular
    reml = mlm.lmer(SLEEP, data)
    assert -2 * reml.loglik - 2 * np.log(scale) == pytest.approx(1743.62827195849, abs=1e-8)


def test_raw_frequency_in_hertz():
    """hotpower without rescaling, where lme4 stops with an error (lme4 issue 173)."""
    fit = mlm.lmer(
        "meanpower ~ frequency + (1 | benchmark) + (frequency | processor)", load("hotpower")
    )
    assert -2 * fit.loglik - 2 * np.log(1e6) == pytest.approx(-3739.416872125, abs=1e-8)


def test_no_warning_on_a_regular_boundary():
    """Dyestuff2: theta = 0 is a fact on the fit, not a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert mlm.lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff2")).is_singular


def test_as_many_random_effects_as_rows_is_refused():
    """ErgoStool: sigma cannot be told from the random effects, and the message says so."""
    with pytest.raises(DataError, match=r"4 for each of 9 levels .* and there are 36 rows"):
        mlm.lmer("effort ~ Type + (Type | Subject)", load("ergoStool"))
