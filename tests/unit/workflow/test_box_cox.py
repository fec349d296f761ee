"""Powers of the outcome by the likelihood of a multilevel model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from multilevel.workflow.analysis import Analysis
from multilevel.workflow.box_cox import SIMPLE, box_cox

# Powers are found to half a hundredth.
CLOSE = 0.01
NULL = "y ~ 1 + (1 | g)"


def study_of(function, sd=0.5, seed=4):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(25), 16)
    inner = 4.0 + 0.6 * rng.normal(size=400) + sd * rng.normal(size=25)[g]
    return Analysis({"y": function(inner), "g": g}, "y", "g").study


def direct(y, g, k):
    """Minus twice the log-likelihood of a power with a random intercept, written out."""
    z = (y**k - 1.0) / k
    J, n = 25, 16

    def deviance(log_ratio):
        V = np.eye(n) + np.exp(log_ratio) * np.ones((n, n))
        V_inv = np.linalg.inv(V)
        ones = np.ones(n)
        blocks = z.reshape(J, n)
        mean = (blocks @ V_inv @ ones).sum() / (J * ones @ V_inv @ ones)
        rest = blocks - mean
        sigma2 = np.einsum("jn,nm,jm->", rest, V_inv, rest) / (J * n)
        return J * n * (np.log(2 * np.pi * sigma2) + 1.0) + J * np.linalg.slogdet(V)[1]

    least = optimize.minimize_scalar(deviance, bounds=(-8.0, 4.0), method="bounded").fun
    return least - 2.0 * (k - 1.0) * np.log(y).sum()


@pytest.mark.parametrize(
    ("function", "power"),
    [(np.exp, 0.0), (lambda x: x**2, 0.5), (lambda x: x, 1.0), (lambda x: 1.0 / x, -1.0)],
    ids=["logarithm", "square root", "none", "reciprocal"],
)
def test_power_that_made_the_outcome(function, power):
    study = study_of(function)
    found = box_cox(study.fitter, NULL, study.y)
    assert found.low < power < found.high
    assert found.simple.power == power
    assert found.plain == (power == 1.0)


def test_profile_is_that_of_the_likelihood_written_out():
    study = study_of(lambda x: x**3)
    found = box_cox(study.fitter, NULL, study.y)
    y, g = study.y, study.codes(study.hierarchy.innermost)
    best = optimize.minimize_scalar(lambda k: direct(y, g, k), bounds=(0.05, 1.0), method="bounded")
    assert found.power == pytest.approx(best.x, abs=CLOSE)
    for end in (found.low, found.high):
        assert direct(y, g, end + 1e-9) - best.fun == pytest.approx(3.841, abs=0.3)


def test_groups_are_no_departure_from_normal():
    """Groups far apart skew the outcome, but not what is left within them."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(40), 15)
    y = 40.0 + 8.0 * rng.normal(size=40)[g] + rng.normal(size=600)
    study = Analysis({"y": y, "g": g}, "y", "g").study
    assert box_cox(study.fitter, NULL, study.y).plain


def test_unit_of_the_outcome_does_not_matter():
    first, second = study_of(np.exp), study_of(lambda x: 1e4 * np.exp(x))
    a, b = (box_cox(one.fitter, NULL, one.y) for one in (first, second))
    assert a.power == pytest.approx(b.power, abs=CLOSE)
    assert a.low == pytest.approx(b.low, abs=CLOSE)


def test_no_model_no_power():
    study = study_of(np.exp)
    assert box_cox(study.fitter, "y ~ 1 + nothing + (1 | g)", study.y) is None


@pytest.mark.parametrize("scale", SIMPLE, ids=lambda one: one.name)
def test_scales_keep_the_order(scale):
    y = np.array([0.5, 1.0, 2.0, 7.0])
    assert (np.diff(scale(y)) > 0.0).all()
