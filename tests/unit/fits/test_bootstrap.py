"""The bootstrap of a fit."""

from __future__ import annotations

import json
import pickle
import re
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest

import multilevel as mlm
from multilevel.exceptions import (
    ConvergenceError,
    DataError,
    MissingValuesWarning,
    MultilevelWarning,
    NotSupportedError,
    RankDeficientWarning,
)
from reference.datasets import load

METHODS = ("parametric", "residual", "case", "wild")
EXPECTED = json.loads(
    (Path(__file__).parents[2] / "reference/expected/inference_bootstrap.json").read_text()
)
# A standard error from 1000 replicates varies by 1 / sqrt(2000) = 2.2 %; four of these.
SE_1000 = 0.09
SLOPE = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def data():
    return load("sleepstudy")


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer(SLOPE, data)


# -- what the replicates are ----------------------------------------------------------------------


def test_replicates_are_refits_to_simulated_responses(fit):
    boot = fit.bootstrap(5, rng=3)
    for row, seed in zip(boot.replicates, np.random.SeedSequence(3).spawn(5), strict=True):
        again = fit.refit(fit.simulate(rng=np.random.default_rng(seed))[0])
        np.testing.assert_array_equal(row[:2], again.beta)
        np.testing.assert_array_equal(row[2:], again.tidy("ran_pars")["estimate"])


@pytest.mark.parametrize("reml", [True, False])
def test_replicates_use_the_criterion_of_the_fit(fit, reml):
    boot = fit.refit(reml=reml).bootstrap(3, rng=1, statistic=lambda f: float(f.reml))
    np.testing.assert_array_equal(boot.replicates, float(reml))


def test_names_and_estimates(fit):
    boot = fit.bootstrap(2, rng=1)
    assert boot.names == (
        "Intercept", "Days", "sd__Intercept|Subject", "sd__Days|Subject",
        "corr__Intercept.Days|Subject", "sd__residual",
    )  # fmt: skip
    np.testing.assert_array_equal(boot.estimates[:2], fit.beta)
    table = fit.tidy("ran_pars")
    np.testing.assert_array_equal(boot.estimates[2:], table["estimate"])
    tidy = boot.tidy()
    assert tidy["term"].tolist() == [*fit.coef_names, *table["term"]]
    assert tidy["group"].tolist()[2:] == table["group"].tolist()
    assert tidy["effect"].tolist() == ["fixed"] * 2 + ["ran_pars"] * 4


def test_parametric_standard_errors_are_those_of_the_model(fit):
    """Exact for a balanced model."""
    boot = fit.bootstrap(1000, rng=1)
    tidy = boot.tidy()
    np.testing.assert_allclose(tidy["std_error"][:2], fit.std_errors, rtol=SE_1000)
    reference = np.array(EXPECTED["sleepstudy"]["std_errors"])
    np.testing.assert_allclose(tidy["std_error"], reference, rtol=2 * SE_1000)
    np.testing.assert_allclose(tidy["bias"], boot.replicates.mean(axis=0) - boot.estimates)
    # the mean of 1000 replicates of the unbiased fixed effects, four standard errors
    assert (np.abs(tidy["bias"][:2]) < 4 * fit.std_errors / np.sqrt(1000)).all()


@pytest.mark.parametrize("method", ["residual", "case", "wild"])
def test_standard_errors_of_the_fixed_effects(fit, method):
    """Without the model's normality, from 18 groups: some 10-20 % off."""
    error = fit.bootstrap(1000, method=method, rng=2).tidy()["std_error"][:2]
    np.testing.assert_allclose(error, fit.std_errors, rtol=0.2)


def test_residual_bootstrap_recovers_the_variances(fit):
    """Unlike one of conditional modes as they are, which vary too little."""
    boot = fit.bootstrap(400, method="residual", rng=4)
    sd = boot.estimates[[2, 3, 5]]
    np.testing.assert_allclose(boot.replicates.mean(axis=0)[[2, 3, 5]], sd, rtol=0.1)


def test_case_bootstrap_of_chosen_levels():
    data = load("Pastes")
    fit = mlm.lmer("strength ~ 1 + (1 | batch/cask)", data)
    spread = {}
    for levels in (None, ["batch"], ["batch:cask", "rows"], "rows"):
        boot = fit.bootstrap(60, method="case", resample=levels, rng=1)
        spread[str(levels)] = boot.replicates.std(axis=0)[0]
    assert spread["None"] == spread["['batch']"]
    assert spread["rows"] < spread["['batch:cask', 'rows']"] < spread["None"]


# -- in parallel ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_replicates_do_not_depend_on_workers(fit, method):
    one, two = (fit.bootstrap(40, method=method, rng=5, n_jobs=jobs) for jobs in (1, 2))
    np.testing.assert_array_equal(one.replicates, two.replicates)


@pytest.mark.parametrize("method", METHODS)
def test_replicates_in_processes(fit, method):
    here = fit.bootstrap(8, method=method, rng=5)
    with joblib.parallel_config(backend="loky", n_jobs=2):
        there = fit.bootstrap(8, method=method, rng=5)
        statistic = fit.bootstrap(8, method=method, rng=5, statistic=lambda f: f.beta)
    np.testing.assert_array_equal(here.replicates, there.replicates)
    np.testing.assert_array_equal(here.replicates[:, :2], statistic.replicates)


def test_rng(fit):
    first = fit.bootstrap(4, rng=1).replicates
    np.testing.assert_array_equal(first, fit.bootstrap(4, rng=np.random.default_rng(1)).replicates)
    np.testing.assert_array_equal(first, fit.bootstrap(9, rng=1).replicates[:4])
    assert not np.isin(first, fit.bootstrap(4, rng=2).replicates).any()
    assert not np.isin(first, fit.bootstrap(4).replicates).any()
    generator = np.random.default_rng(1)
    fit.bootstrap(4, rng=generator)
    assert not np.isin(first, fit.bootstrap(4, rng=generator).replicates).any()


def test_progress_bar(fit, capsys):
    fit.bootstrap(20, rng=1)
    assert capsys.readouterr().err == ""
    fit.bootstrap(20, rng=1, progress=True)
    assert "20/20" in capsys.readouterr().err


# -- statistics of one's own ----------------------------------------------------------------------


def test_statistics_may_be_numbers_arrays_and_dicts(fit):
    full = fit.bootstrap(3, rng=1).replicates
    number = fit.bootstrap(3, rng=1, statistic=lambda f: f.sigma)
    assert number.names == ("statistic",)
    np.testing.assert_array_equal(number.replicates, full[:, [5]])
    array = fit.bootstrap(3, rng=1, statistic=lambda f: f.beta)
    assert array.names == ("statistic[0]", "statistic[1]")
    np.testing.assert_array_equal(array.replicates, full[:, :2])
    order = iter([True, False, True, False])

    def named(f):
        pair = [("slope", f.beta[1]), ("sigma", np.float64(f.sigma))]
        return dict(pair if next(order) else pair[::-1])

    both = fit.bootstrap(3, rng=1, statistic=named)
    assert both.names == ("slope", "sigma")
    np.testing.assert_array_equal(both.replicates, full[:, [1, 5]])
    assert both.tidy().columns.tolist() == [
        "term", "estimate", "bias", "std_error", "n_replicates",
    ]  # fmt: skip


def test_statistics_see_the_replicate(fit, data):
    """A fit to the drawn response, with everything that a fit has."""
    seen = []

    def statistic(replicate):
        seen.append(replicate)
        return replicate.sigma

    fit.bootstrap(2, rng=1, statistic=statistic)
    original, replicate, _ = seen
    assert original is fit
    y = replicate.fitted() + replicate.residuals()
    np.testing.assert_allclose(y, fit.simulate(rng=np.random.SeedSequence(1).spawn(1)[0])[0])
    assert len(replicate.augment()) == len(data)
    assert len(replicate.ranef()) == 36


def test_statistics_of_cases_see_new_groups(fit, data):
    """Groups of a resample have labels of their own, so that no old one is taken for them."""
    seen = []

    def statistic(replicate):
        seen.append(replicate)
        return replicate.predict(data.head(3), re_form="none")[0]

    boot = fit.bootstrap(2, method="case", rng=1, statistic=statistic)
    replicate = seen[1]
    assert boot.replicates[0, 0] == pytest.approx(replicate.beta[0])
    assert replicate.ranef()["level"].iloc[0] == "draw 1"
    np.testing.assert_allclose(
        replicate.predict(data.head(3), new_levels="population"),
        replicate.predict(data.head(3), re_form="none"),
    )
    with pytest.raises(DataError, match="not seen"):
        replicate.predict(data.head(3))
    for wrong in (replicate.augment, lambda: replicate.update(". ~ . - Days")):
        with pytest.raises((TypeError, DataError)):
            wrong()


def test_statistics_of_other_lengths(fit):
    lengths = iter([2, 2, 3, 2])
    with pytest.raises(ValueError, match=r"returned 3 values .* and 2 .* for the fit"):
        fit.bootstrap(3, rng=1, statistic=lambda f: f.theta[: next(lengths)])
    names = iter("aab")
    with pytest.raises(ValueError, match=r"returned 1 values \(b\) .* and 1 \(a\)"):
        fit.bootstrap(3, rng=1, statistic=lambda f: {next(names): 1.0})


@pytest.mark.parametrize("wrong", ["text", None, ["a", "b"], {"a": "b"}, {"a": None}])
def test_statistics_that_are_no_numbers(fit, wrong):
    if wrong in (None, {"a": None}):  # NumPy reads None as NaN
        assert np.isnan(fit.bootstrap(2, rng=1, statistic=lambda f: wrong).replicates).all()
        return
    with pytest.raises(TypeError, match="must return a number, an array of numbers or a dict"):
        fit.bootstrap(2, rng=1, statistic=lambda f: wrong)


@pytest.mark.parametrize("wrong", [np.eye(2), [], {}])
def test_statistics_of_other_shapes(fit, wrong):
    with pytest.raises(ValueError, match="one-dimensional"):
        fit.bootstrap(2, rng=1, statistic=lambda f: wrong)


# -- failures -------------------------------------------------------------------------------------


def failing(share):
    """A statistic that fails in that share of the replicates."""
    count = iter(range(10**6))

    def statistic(fit):
        number = next(count)
        if number and number % 10 < 10 * share:
            raise ZeroDivisionError(f"no luck\nin {number}")
        return fit.sigma

    return statistic


def test_failures_are_counted_and_reported(fit):
    words = "20 times: ZeroDivisionError: no luck"
    with pytest.warns(MultilevelWarning, match=rf"20 of 100 replicates failed .*\({words}\)"):
        boot = fit.bootstrap(100, rng=1, statistic=failing(0.2))
    assert boot.n_failed == 20
    assert boot.failures == {"ZeroDivisionError: no luck": 20}
    assert boot.replicates.shape == (80, 1)
    assert f"20 failed; {words}" in repr(boot)
    assert boot.tidy()["n_replicates"].tolist() == [80]


def test_rare_reasons_are_summed_in_the_message(fit):
    def statistic(replicate):
        if replicate is not fit:
            raise ValueError(f"{int(replicate.sigma * 1e6) % 5}")
        return 0.0

    with pytest.raises(ConvergenceError) as caught:
        fit.bootstrap(60, rng=1, statistic=statistic)
    counts = [int(x) for x in re.findall(r"(\d+) times: (?:ValueError|other)", str(caught.value))]
    assert len(counts) == 4
    assert sum(counts) == 60


def test_nothing_left(fit):
    with pytest.raises(ConvergenceError, match="10 of 10 replicates failed"):
        fit.bootstrap(10, rng=1, statistic=failing(1.0))


def test_an_error_at_the_fit_itself_is_the_users(fit):
    with pytest.raises(ZeroDivisionError):
        fit.bootstrap(10, rng=1, statistic=lambda f: 1 / 0)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_replicates_that_do_not_converge_have_failed(data, n_jobs):
    """Counted, without a warning from each."""
    with warnings.catch_warnings(action="ignore"):
        fit = mlm.lmer(SLOPE, data, control=mlm.Control(max_evaluations=1))
    reason = "100 times: the optimiser stopped before its criterion was met"
    with pytest.raises(ConvergenceError, match=reason):
        fit.bootstrap(100, rng=1, n_jobs=n_jobs)


# -- data as they are -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_weights_missing_rows_and_dropped_columns(data, method):
    data = data.assign(w=np.linspace(0.5, 2, 180), twice=2 * data["Days"], off=1.0)
    data.loc[[3, 50], "Reaction"] = np.nan
    formula = "Reaction ~ Days + twice + (Days | Subject)"
    with pytest.warns((MissingValuesWarning, RankDeficientWarning)):
        fit = mlm.lmer(formula, data, weights="w", offset="off")
    boot = fit.bootstrap(150, method=method, rng=1)
    tidy = boot.tidy()
    assert np.isnan(boot.replicates[:, 2]).all()
    assert tidy["n_replicates"].tolist() == [150, 150, 0, 150, 150, 150, 150]
    np.testing.assert_allclose(tidy["std_error"][:2], fit.std_errors[:2], rtol=0.3)
    interval = boot.confint()
    assert np.isnan(interval["conf_low"][2])
    assert (interval["conf_low"][:2] < fit.beta[:2]).all()
    assert (interval["conf_high"][:2] > fit.beta[:2]).all()


def test_singular_fits():
    """No variance: correlations are undefined, and counted."""
    data = load("Dyestuff2").assign(x=np.tile(np.arange(5.0), 6))
    with warnings.catch_warnings(action="ignore"):
        fit = mlm.lmer("Yield ~ x + (x | Batch)", data)
    assert fit.is_singular
    for method in ("parametric", "residual", "case", "wild"):
        boot = fit.bootstrap(60, method=method, rng=2)
        n = boot.tidy()["n_replicates"]
        assert n[4] < 60
        assert (n[[0, 1, 2, 3, 5]] == 60).all()
        assert (boot.confint()["conf_low"][2:4] >= 0).all()


def test_crossed_factors():
    fit = mlm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", load("Penicillin"))
    for method in ("parametric", "residual"):
        error = fit.bootstrap(100, method=method, rng=1).tidy()["std_error"][0]
        np.testing.assert_allclose(error, fit.std_errors[0], rtol=0.4)
    for method in ("case", "wild"):
        with pytest.raises(NotSupportedError, match="'sample' and 'plate' are crossed"):
            fit.bootstrap(10, method=method)
    boot = fit.bootstrap(20, method="case", resample="plate", rng=1)
    assert boot.n_failed == 0
    assert boot.confint(method="bca").shape == (4, 8)
    with pytest.raises(NotSupportedError, match=r"no top level\. Use method='percentile'"):
        fit.bootstrap(10).confint(method="bca")


@pytest.mark.parametrize("method", METHODS)
def test_without_random_effects(data, method):
    fit = mlm.lmer("Reaction ~ Days", data)
    tidy = fit.bootstrap(300, method=method, rng=1).tidy()
    np.testing.assert_allclose(tidy["std_error"][:2], fit.std_errors, rtol=0.2)


def test_a_factor_with_one_level_is_refused_at_the_fit(data):
    with pytest.raises(DataError, match="only one level"):
        mlm.lmer("Reaction ~ Days + (1 | g)", data.assign(g="a")).bootstrap(2)


# -- tables, intervals ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_tables_are_of_the_users_kind(data, kind):
    fit = mlm.lmer(SLOPE, kind(data.to_dict("list")))
    boot = fit.bootstrap(20, rng=1)
    for table in (boot.tidy(), boot.confint()):
        assert isinstance(table, kind)
        assert len(table) == 6
    case = fit.bootstrap(5, method="case", rng=1, statistic=lambda f: f.tidy()["estimate"])
    assert case.replicates.shape == (5, 2)


def test_bca_uses_the_jackknife_over_groups(fit, data):
    boot = fit.bootstrap(300, rng=1)
    without = np.array(
        [mlm.lmer(SLOPE, data[data["Subject"] != s]).beta for s in data["Subject"].unique()]
    )
    deviation = without.mean(axis=0) - without
    expected = (deviation**3).sum(axis=0) / (6 * (deviation**2).sum(axis=0) ** 1.5)
    np.testing.assert_allclose(boot._accelerations[:2], expected, rtol=1e-5, atol=1e-7)
    table = boot.confint(method="bca")
    assert (table["conf_low"] < table["conf_high"]).all()
    assert not np.allclose(table["conf_low"], boot.confint()["conf_low"])


def test_bca_with_a_statistic_of_ones_own(fit):
    full = fit.bootstrap(50, rng=1)
    own = fit.bootstrap(50, rng=1, statistic=lambda f: f.sigma)
    np.testing.assert_allclose(
        own.confint(method="bca")["conf_high"], full.confint(method="bca")["conf_high"].tail(1)
    )


def test_bca_uses_the_criterion_of_the_fit(fit):
    criteria = []

    def statistic(replicate):
        criteria.append(replicate.reml)
        return replicate.sigma

    fit.refit(reml=False).bootstrap(2, rng=1, statistic=statistic).confint(method="bca")
    assert criteria == [False] * (1 + 2 + 18)


def test_bca_where_a_group_cannot_be_left_out():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(6), 4)
    fit = mlm.lmer(
        "y ~ x + (1 | g)",
        {"y": rng.normal(size=24) + rng.normal(size=6)[group], "x": (group == 2) * 1.0, "g": group},
    )
    with pytest.raises(DataError, match=r"without 2 that fails .*identify all fixed effects"):
        fit.bootstrap(5, rng=1).confint(method="bca")


def test_confint(fit):
    boot = fit.bootstrap(100, rng=1)
    narrow, wide = boot.confint(level=0.5), boot.confint(level=0.9)
    assert wide.columns.tolist() == [
        "effect", "group", "term", "estimate", "conf_low", "conf_high", "method", "n_replicates",
    ]  # fmt: skip
    assert (wide["conf_low"] < narrow["conf_low"]).all()
    assert (wide["conf_high"] > narrow["conf_high"]).all()
    np.testing.assert_allclose(
        wide["conf_low"], np.quantile(boot.replicates, 0.05, axis=0, method="weibull")
    )


def test_results_can_be_pickled(fit):
    boot = fit.bootstrap(20, rng=1)
    again = pickle.loads(pickle.dumps(boot))
    np.testing.assert_array_equal(again.replicates, boot.replicates)
    pd.testing.assert_frame_equal(again.confint(method="bca"), boot.confint(method="bca"))
    assert repr(again) == repr(boot)
    with pytest.raises(AttributeError):
        boot.replicates = None


# -- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 0, -5, 2.5, "10", None])
def test_bad_number_of_replicates(fit, n):
    with pytest.raises(ValueError, match="n must be a whole number of replicates, 2 or more"):
        fit.bootstrap(n)


def test_bad_words(fit):
    with pytest.raises(ValueError, match=r"method='cases' is not an option; .*'case'"):
        fit.bootstrap(10, method="cases")
    with pytest.raises(ValueError, match=r"n_jobs must be a whole number"):
        fit.bootstrap(10, n_jobs=0)
    with pytest.raises(ValueError, match=r"resample is for method='case'"):
        fit.bootstrap(10, resample="Subject")
    with pytest.raises(DataError, match=r"names 'Days'; the levels of the model are 'Subject'"):
        fit.bootstrap(10, method="case", resample="Days")
    with pytest.raises(TypeError, match="statistic must be a function of a fit; got 'sigma'"):
        fit.bootstrap(10, statistic="sigma")
    boot = fit.bootstrap(10, rng=1)
    with pytest.raises(ValueError, match=r"method='wald'"):
        boot.confint(method="wald")
    with pytest.raises(ValueError, match=r"level=95"):
        boot.confint(level=95)
