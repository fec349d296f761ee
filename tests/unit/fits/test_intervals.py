"""confint and profile of a fit: choice of parameters and methods, bad input."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

import multilevel as mlm
from multilevel.exceptions import ConvergenceWarning, DataError, RankDeficientWarning

FORMULA = "Reaction ~ Days + (Days | Subject)"
NAMES = [
    "Intercept", "Days", "sd__Intercept", "sd__Days", "corr__Intercept.Days", "sd__residual",
]  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return mlm.datasets.load("sleepstudy", "pandas")


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer(FORMULA, data)


@pytest.mark.parametrize("method", ["wald", "profile", "bootstrap"])
def test_every_method_covers_every_parameter(fit, method):
    options = {"n": 20, "rng": 1} if method == "bootstrap" else {}
    table = fit.confint(method=method, **options)
    assert list(table.columns) == ["effect", "group", "term", "estimate", "conf_low", "conf_high"]
    assert table["term"].tolist() == NAMES
    assert (table["conf_low"] < table["conf_high"]).all()


def test_wald_uses_the_degrees_of_freedom_asked_for(fit):
    widths = [
        np.ptp(fit.confint(df_method=m, parameters="Days")[["conf_low", "conf_high"]].to_numpy())
        for m in ("asymptotic", "residual", "satterthwaite")
    ]
    assert widths == sorted(widths)
    robust = fit.confint(robust="CR0", parameters="Days")
    assert np.ptp(robust[["conf_low", "conf_high"]].to_numpy()) != pytest.approx(widths[2])


def test_parameters_are_chosen_by_kind_or_name(fit):
    assert fit.confint(parameters="fixed")["term"].tolist() == NAMES[:2]
    assert fit.confint(parameters="ran_pars")["term"].tolist() == NAMES[2:]
    chosen = ["sd__Days|Subject", "Days"]
    assert fit.confint(parameters=chosen, method="profile")["term"].tolist() == ["Days", "sd__Days"]
    assert fit.profile("fixed", n=4).names == ("Intercept", "Days")


def test_profile_of_some_is_the_profile_of_all(fit):
    everything = fit.confint(method="profile").set_index("term")
    one = fit.confint(method="profile", parameters="sd__Days|Subject")
    assert one["conf_low"][0] == pytest.approx(everything.loc["sd__Days", "conf_low"], rel=1e-9)


def test_dropped_columns_have_no_interval(data):
    with pytest.warns(RankDeficientWarning):
        fit = mlm.lmer(
            "Reaction ~ Days + Twice + (1 | Subject)", data.assign(Twice=2 * data["Days"])
        )
    for method in ("wald", "profile"):
        table = fit.confint(method=method).set_index("term")
        assert np.isnan(table.loc["Twice", "conf_low"])
        assert table.loc["Days", "conf_low"] > 8


def test_a_profile_below_the_fit_is_reported_with_a_better_start():
    rng = np.random.default_rng(126)
    g, x, w = np.repeat(np.arange(6), 4), rng.normal(size=24), 10.0 ** rng.uniform(-2, 2, 24)
    y = x * rng.normal(size=6)[g] + rng.normal(size=24)
    data = pd.DataFrame({"y": y, "x": x, "g": g.astype(str), "w": w})
    fit = mlm.lmer("y ~ x + (x || g)", data, weights="w", reml=False)
    with pytest.warns(ConvergenceWarning, match="at a local minimum") as caught:
        fit.confint(method="profile")
    start = str(caught[0].message).split("start=[")[1].rstrip("].").split(", ")
    better = mlm.lmer("y ~ x + (x || g)", data, weights="w", reml=False, start=[*map(float, start)])
    assert better.deviance < fit.deviance - 1e-3
    with pytest.warns(ConvergenceWarning, match="at a local minimum"):
        fit.profile("ran_pars", n=4)


def test_limits_that_are_not_found_are_named():
    rng = np.random.default_rng(2)
    g = np.repeat(np.arange(8), 4)  # groups differ by a million residual standard deviations
    data = pd.DataFrame({"y": g**2 + 1e-4 * rng.normal(size=32), "g": g.astype(str)})
    fit = mlm.lmer("y ~ 1 + (1 | g)", data)
    with pytest.warns(ConvergenceWarning, match="limits of Intercept did not converge"):
        table = fit.confint(method="profile")
    assert table.isna()["conf_low"].tolist() == [True, False, False]


def test_frames_and_pickles(data, fit):
    table = mlm.lmer(FORMULA, pl.from_pandas(data)).confint(method="profile")
    assert isinstance(table, pl.DataFrame)
    profile = pickle.loads(pickle.dumps(fit.profile("Days", n=4)))
    pd.testing.assert_frame_equal(profile.confint(), fit.profile("Days", n=4).confint())


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"parameters": "days"}, DataError, "no parameter 'days'. There are: Intercept, Days"),
        ({"parameters": ["Days", "sd__x"]}, DataError, "no parameter 'sd__x'"),
        ({"method": "likelihood"}, ValueError, "method='likelihood' is not an option"),
        ({"level": 95}, ValueError, "level=95 is not a confidence level"),
        ({"method": "profile", "robust": "CR2"}, ValueError, "robust= belongs to method='wald'"),
        ({"method": "wald", "n": 10}, ValueError, "n= belongs to method='bootstrap'"),
        ({"method": "bootstrap", "df_method": "residual"}, ValueError, "df_method= belongs to"),
    ],
)
def test_bad_input(fit, options, error, message):
    with pytest.raises(error, match=message):
        fit.confint(**options)
