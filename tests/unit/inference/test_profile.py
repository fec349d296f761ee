"""Profiles against brute force: minimisation of dense criteria, refits with an effect held."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import multilevel as mlm
from twin import DenseTwin

CUT = stats.norm.ppf(0.975)
# What a limit's criterion exceeds the minimum by, against chi-squared's quantile.
RISE = 1e-5


def slopes(seed=1, groups=9, n=72):
    rng = np.random.default_rng(seed)
    g = rng.integers(0, groups, n)
    x = rng.normal(size=n) + 1
    b = rng.multivariate_normal([0, 0], [[1.5, 0.4], [0.4, 0.8]], groups)
    y = 2 + x + b[g, 0] + b[g, 1] * x + rng.normal(size=n)
    return pd.DataFrame({"y": y, "x": x, "g": g})


@pytest.fixture(scope="module", params=[True, False], ids=["reml", "ml"])
def fit(request):
    return mlm.lmer("y ~ x + (x | g)", slopes(), reml=request.param)


def unprofiled(fit):
    """Criterion at (log sd1, log sd2, atanh corr, log s), from dense matrices."""
    twin = DenseTwin(fit.model.matrices, reml=fit.reml)

    def criterion(eta):
        sd = np.exp(eta[:2] - eta[3])
        rho = np.tanh(eta[2])
        theta = np.array([sd[0], rho * sd[1], np.sqrt(1 - rho**2) * sd[1]])
        s2 = np.exp(2 * eta[3])
        _, _, P = twin.projections(theta)
        rss = twin.y @ P @ twin.y
        profiled = twin.deviance(theta) - twin.m * (1 + np.log(2 * np.pi * rss / twin.m))
        return profiled + twin.m * np.log(2 * np.pi * s2) + rss / s2

    return criterion


@pytest.mark.parametrize(
    ("name", "place", "transform"),
    [
        ("sd__Intercept|g", 0, np.log),
        ("sd__x|g", 1, np.log),
        ("corr__Intercept.x|g", 2, np.arctanh),
        ("sd__residual", 3, np.log),
    ],
)
def test_variance_limits_are_where_the_dense_criterion_rises(fit, name, place, transform):
    criterion = unprofiled(fit)
    estimate = fit.tidy("ran_pars")["estimate"].to_numpy()
    start = np.array(
        [np.log(estimate[0]), np.log(estimate[1]), np.arctanh(estimate[2]), np.log(estimate[3])]
    )
    assert criterion(start) == pytest.approx(fit.state.objective, abs=1e-8)
    table = fit.confint(method="profile", parameters=name)
    free = np.delete(np.arange(4), place)
    options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}

    def held(rest, limit):
        eta = np.empty(4)
        eta[free], eta[place] = rest, transform(limit)
        return criterion(eta)

    for limit in (table["conf_low"][0], table["conf_high"][0]):
        ends = limit if limit < 1 or "corr" not in name else 1 - 1e-8
        lowest = optimize.minimize(held, start[free], (ends,), "Nelder-Mead", options=options)
        rise = lowest.fun - fit.state.objective
        if ends == limit:
            assert rise == pytest.approx(CUT**2, abs=RISE)
        else:  # not even a correlation of one can be excluded
            assert rise < CUT**2


def test_fixed_limits_by_ml_are_where_the_deviance_of_a_refit_rises():
    data = slopes()
    fit = mlm.lmer("y ~ x + (x | g)", data, reml=False)
    table = fit.confint(method="profile", parameters="x")
    for limit in (table["conf_low"][0], table["conf_high"][0]):
        held = mlm.lmer("y ~ 1 + offset(o) + (x | g)", data.assign(o=limit * data["x"]), reml=False)
        assert held.deviance - fit.deviance == pytest.approx(CUT**2, abs=RISE)


def test_fixed_limits_by_reml_are_where_the_criterion_with_the_effect_held_rises():
    fit = mlm.lmer("y ~ x + (x | g)", slopes())
    twin = DenseTwin(fit.model.matrices, reml=True)
    table = fit.confint(method="profile", parameters="x")

    def held(theta, at):
        _, unscaled, P = twin.projections(theta)
        rss = twin.y @ P @ twin.y
        gap = at - twin.estimates(theta).beta[1]
        return twin.deviance(theta) + twin.m * np.log1p(gap**2 / unscaled[1, 1] / rss)

    for limit in (table["conf_low"][0], table["conf_high"][0]):
        lowest = optimize.minimize(held, fit.theta, args=(limit,), method="Nelder-Mead",
                                   options={"xatol": 1e-8, "fatol": 1e-10})  # fmt: skip
        assert lowest.fun - fit.reml_criterion == pytest.approx(CUT**2, abs=RISE)


def test_least_squares_has_the_profile_of_the_textbook():
    fit = mlm.lmer("y ~ x", slopes(), reml=False)
    table = fit.confint(method="profile")
    half = np.sqrt(fit.nobs * np.expm1(CUT**2 / fit.nobs)) * fit.std_errors
    np.testing.assert_allclose(table["conf_high"][:2], fit.beta + half, rtol=1e-7)
    np.testing.assert_allclose(table["conf_low"][:2], fit.beta - half, rtol=1e-7)


@pytest.mark.parametrize("scale", [1e-3, 40.0])
def test_limits_scale_with_the_response(scale):
    data = slopes()
    a = mlm.lmer("y ~ x + (x | g)", data).confint(method="profile")
    b = mlm.lmer("y ~ x + (x | g)", data.assign(y=scale * data["y"])).confint(method="profile")
    factor = np.where(a["term"].str.startswith("corr"), 1.0, scale)
    for bound in ("conf_low", "conf_high"):
        np.testing.assert_allclose(b[bound], factor * a[bound], rtol=1e-5)


def test_a_variance_of_zero_has_a_one_sided_interval():
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2"))
    table = fit.confint(method="profile").set_index("term")
    assert table.loc["sd__Intercept", "conf_low"] == 0.0
    high = table.loc["sd__Intercept", "conf_high"]
    twin = DenseTwin(fit.model.matrices, reml=True)

    def held(log_s):
        s = np.exp(log_s)
        theta = np.array([high / s])
        _, _, P = twin.projections(theta)
        rss = twin.y @ P @ twin.y
        profiled = twin.deviance(theta) - twin.m * (1 + np.log(2 * np.pi * rss / twin.m))
        return profiled + twin.m * np.log(2 * np.pi * s**2) + rss / s**2

    lowest = optimize.minimize_scalar(held, bounds=(0.5, 2.5), method="bounded",
                                      options={"xatol": 1e-9})  # fmt: skip
    assert lowest.fun - fit.reml_criterion == pytest.approx(CUT**2, abs=RISE)


def test_a_correlation_of_one_has_a_one_sided_interval_and_an_undefined_one_none():
    rng = np.random.default_rng(1)
    g, x = rng.integers(0, 15, 200), rng.normal(size=200)
    b = rng.normal(size=15)
    data = {"y": 1 + x + b[g] * (1 + 0.5 * x) + rng.normal(size=200), "x": x, "g": g}
    fit = mlm.lmer("y ~ x + (x | g)", data, reml=False)
    table = pd.DataFrame(fit.confint(method="profile")).set_index("term")
    assert table.loc["corr__Intercept.x", "conf_high"] == 1.0
    assert 0 < table.loc["corr__Intercept.x", "conf_low"] < 1
    assert np.isfinite(table[["conf_low", "conf_high"]].to_numpy()).all()


def test_profile_says_what_was_profiled_and_passes_through_the_estimate(fit):
    profile = fit.profile("sd__x|g", n=12)
    assert profile.criterion == ("REML criterion" if fit.reml else "deviance")
    values, zeta = profile.values["sd__x|g"], profile.zeta["sd__x|g"]
    assert (np.diff(values) > 0).all()
    assert (np.diff(zeta) > 0).all()
    assert values[zeta == 0] == pytest.approx(fit.tidy("ran_pars")["estimate"][1])
    assert zeta[-1] == pytest.approx(stats.norm.ppf(0.995), abs=1e-6)
    table = profile.tidy()
    assert list(table.columns) == ["effect", "group", "term", "value", "zeta"]
    assert len(table) == len(values)
    wide, narrow = profile.confint(level=0.99), profile.confint(level=0.5)
    assert wide["conf_low"][0] == pytest.approx(values[0], rel=1e-6)
    assert wide["conf_low"][0] < narrow["conf_low"][0] < narrow["estimate"][0]
