"""Attributes and tables of a fit against lme4 1.1-31 (bobyqa, rhoend 1e-12)."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError, RankDeficientWarning

# lme4 minimises without derivatives: theta to about 1e-6, estimates accordingly.
RTOL = 2e-6
# Published with as many digits.
PUBLISHED = 1e-6

SLOPE = "Reaction ~ Days + (Days | Subject)"
WEIGHTS = [1, 2, 0.5, 1, 4, 1, 1, 3, 1, 2]
OFFSET = [0, 1, 2, 0, 5, 1, 3, 3, 1, 2]


@pytest.fixture(scope="module")
def data():
    sleep = mlm.datasets.load("sleepstudy", "pandas")
    return sleep.assign(w=np.tile(WEIGHTS, 18), o=np.tile(OFFSET, 18))


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer(SLOPE, data)


@pytest.fixture(scope="module")
def weighted(data):
    """lmer(Reaction ~ Days + offset(o) + (Days | Subject), weights = w)."""
    return mlm.lmer("Reaction ~ Days + offset(o) + (Days | Subject)", data, weights="w")


def close(actual, desired, rtol=RTOL):
    np.testing.assert_allclose(actual, desired, rtol=rtol)


def test_attributes(fit):
    assert (fit.formula, fit.reml, fit.nobs, fit.n_groups) == (SLOPE, True, 180, {"Subject": 18})
    assert fit.coef_names == ("Intercept", "Days")
    close(fit.beta, [251.4051048, 10.4672860])
    close(fit.std_errors, [6.8245558, 1.5457889])
    close(fit.theta, [0.9667328, 0.0151691, 0.2309096], 1e-5)
    close(fit.sigma, 25.5918159)
    close(fit.vcov, [[46.5745681671, -1.45109528374], [-1.45109528374, 2.38946330138]], 1e-5)
    close(fit.reml_criterion, 1743.62827195849, 1e-10)
    close(fit.loglik, -871.814135979245, 1e-10)
    close([fit.aic, fit.bic], [1755.62827195849, 1774.78601306383], 1e-10)
    assert fit.df_residual == 174
    assert fit.converged is True
    assert fit.is_singular is False
    assert fit.optimizer.final == fit.reml_criterion
    assert (fit.weights, fit.offset) == (None, None)


def test_weights_and_offset(weighted):
    close(weighted.loglik, -885.650112544, 1e-9)
    close([weighted.aic, weighted.bic], [1783.30022509, 1802.45796619], 1e-9)
    close(weighted.beta, [249.120916859, 10.246240620])
    close(weighted.vcov, [[53.11886457596, -1.55800380829], [-1.55800380829, 2.13359264001]], 1e-5)
    close(weighted.sigma, 32.4512079955)
    np.testing.assert_array_equal(weighted.weights[:10], WEIGHTS)
    np.testing.assert_array_equal(weighted.offset[:10], OFFSET)


def test_rows_with_weights_and_offset(weighted):
    close(weighted.residuals()[:3], [-9.94649293484, -18.52060130472, -44.14350967460])
    pearson = [-9.94649293484, -26.19208554844, -31.21417503629]
    close(weighted.residuals("pearson")[:3], pearson)
    close(weighted.fitted()[:3], [259.506492935, 277.225301305, 294.944109675])
    close(weighted.fitted("none")[:3], [249.120916859, 260.367157479, 271.613398099])
    close(weighted.fitted("(1 | Subject)")[:3], [259.506492935, 270.752733555, 281.998974175])
    rows = weighted.augment()
    close(rows["leverage"][:3], [0.1586206080453, 0.2349875351965, 0.0434078734795])
    close(rows["cooks_distance"][:3], [0.0105250482253, 0.1307844867726, 0.0219445610224], 1e-5)


def test_modes_and_coefficients(weighted):
    modes = weighted.ranef().query("level in ['308', '309'] and term == 'Intercept'")
    close(modes["estimate"], [10.3855760754, -43.3838413177], 1e-5)
    close(modes["std_error"], [12.6997819321, 12.6997819321], 1e-5)
    coefficients = weighted.coef("Subject").query("level in ['308', '309']")
    assert coefficients["term"].tolist() == ["Intercept", "Days"] * 2
    expected = [259.506492935, 16.71880836988, 205.737075542, 2.21860414506]
    close(coefficients["estimate"], expected, 1e-5)


def test_wald_intervals(weighted):
    table = weighted.confint(df_method="asymptotic", parameters="fixed")
    close(table["conf_low"], [234.83617216904, 7.38335601406])
    close(table["conf_high"], [263.4056615499, 13.1091252259])
    wide = weighted.confint(df_method="asymptotic", parameters="fixed", level=0.99)
    assert (wide["conf_low"] < table["conf_low"]).all()


def test_variance_table(weighted):
    table = weighted.var_corr()
    assert table["group"].tolist() == ["Subject", "Subject", "Subject", "Residual"]
    assert table["term"][:3].tolist() == ["Intercept", "Days", "Intercept"]
    assert table["other_term"][2] == "Days"
    close(table["variance"][[0, 1, 3]], [691.2494122, 29.8514631, 1053.0809004], 1e-5)
    close(table["sd"][[0, 1, 3]], [26.29162247, 5.46364924, 32.45120800], 1e-5)
    close(table["corr"][2], 0.0934645, 1e-4)
    assert table["corr"].isna().tolist() == [True, True, False, True]


def test_cooks_distance_published(data):
    # MixedModels.jl's test of (1 | Subject) by ML, and the trace of the hat matrix in lme4
    fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", data, reml=False)
    rows = fit.augment()
    published = [0.1270714, 0.1267805, 0.243096, 0.0002437091]
    close(rows["cooks_distance"][:4], published, PUBLISHED)
    close(rows["leverage"].sum(), 17.83454, PUBLISHED)


def test_least_squares_is_fitted_as_such(data):
    # logLik(lm(Reaction ~ Days, sleepstudy), REML = TRUE)
    fit = mlm.lmer("Reaction ~ Days", data)
    close(fit.loglik, -946.831831736, 1e-10)
    X = np.column_stack([np.ones(180), data["Days"]])
    beta, rss = np.linalg.lstsq(X, data["Reaction"].to_numpy())[:2]
    close(fit.beta, beta, 1e-10)
    close(fit.sigma, np.sqrt(rss[0] / 178), 1e-10)
    assert fit.tidy()["df"].tolist() == [178, 178]
    close(fit.augment()["leverage"].sum(), 2, 1e-10)
    assert fit.theta.shape == (0,)
    assert "There is no random-effects term: this is ordinary least squares." in str(fit)
    for table in (fit.ranef, lambda: fit.tidy("ran_vals"), lambda: fit.tidy("ran_coefs")):
        with pytest.raises(DataError, match="The model has no random effects"):
            table()
    assert mlm.lmer("Reaction ~ Days", data, reml=False).tidy()["df"].tolist() == [np.inf, np.inf]


def test_deviance_belongs_to_ml_and_the_reml_criterion_to_reml(fit):
    ml = fit.refit(reml=False)
    close(ml.deviance, 1751.9393444637, 1e-10)
    with pytest.raises(AttributeError, match="A fit by REML has no deviance"):
        fit.deviance  # noqa: B018
    with pytest.raises(AttributeError, match="maximum likelihood has no REML criterion"):
        ml.reml_criterion  # noqa: B018


def test_dropped_columns_are_nan(data):
    doubled = data.assign(twice=2 * data["Days"])
    with pytest.warns(RankDeficientWarning, match="twice"):
        fit = mlm.lmer("Reaction ~ Days + twice + (1 | Subject)", doubled)
    assert fit.coef_names == ("Intercept", "Days", "twice")
    np.testing.assert_array_equal(np.isnan(fit.beta), [False, False, True])
    assert np.isnan(fit.vcov[2]).all()
    assert np.isnan(fit.vcov[:, 2]).all()
    assert fit.tidy(conf_int=True).iloc[2].isna().sum() == 7
    assert "dropped" in str(fit.summary())
    close(fit.predict(doubled), fit.fitted(), 1e-12)
    close(fit.coef()["estimate"].isna().mean(), 1 / 3)


def test_tidy_has_the_words_of_the_house(fit):
    fixed = ["effect", "term", "estimate", "std_error", "df", "statistic", "p_value"]
    assert fit.tidy().columns.tolist() == fixed
    assert fit.tidy(conf_int=True).columns.tolist() == [*fixed, "conf_low", "conf_high"]
    assert fit.tidy("ran_pars")["term"].tolist() == [
        "sd__Intercept", "sd__Days", "corr__Intercept.Days", "sd__residual",
    ]  # fmt: skip
    modes = fit.tidy("ran_vals", conf_int=True, level=0.5)
    assert modes.columns.tolist() == [
        "effect", "group", "level", "term", "estimate", "std_error", "conf_low", "conf_high",
    ]  # fmt: skip
    assert (modes["conf_low"] < modes["estimate"]).all()
    assert len(fit.tidy("ran_coefs")) == len(modes) == 36


def test_conditional_modes_published(fit):
    # lme4: subjects 308 and 309; condVar of 308
    modes = fit.ranef()
    close(modes["estimate"][:4], [2.258566, 9.198972, -40.398577, -8.619703], PUBLISHED)
    close(modes["std_error"][:2] ** 2, [145.70509, 5.312274], PUBLISHED)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda f: f.tidy("random"), "effects='random' is not an option; choose one of 'fixed'"),
        (lambda f: f.tidy(level=95), "level=95 is not a confidence level"),
        (lambda f: f.confint(level=0), "level=0 is not a confidence level"),
        (lambda f: f.residuals("deviance"), "type='deviance' is not an option"),
        (lambda f: f.ranef("School"), "no grouping factor 'School'; there are: Subject"),
        (lambda f: f.coef("School"), "no grouping factor 'School'; there are: Subject"),
    ],
)
def test_bad_options(fit, call, message):
    with pytest.raises(ValueError, match=message):
        call(fit)


def test_intervals_that_do_not_exist_are_refused(fit):
    with pytest.raises(NotSupportedError, match="no intervals of the coefficients of groups"):
        fit.tidy("ran_coefs", conf_int=True)


def test_two_grouping_factors_share_a_table():
    data = mlm.datasets.load("sleepstudy", "pandas").assign(Day=lambda d: d["Days"] % 3)
    fit = mlm.lmer("Reaction ~ Days + (1 | Subject) + (1 | Day)", data)
    assert fit.ranef("Day")["level"].tolist() == [0, 1, 2]
    both = fit.ranef()
    assert both["level"].tolist()[-3:] == ["0", "1", "2"]
    assert isinstance(both, pd.DataFrame)
    assert fit.n_groups == {"Subject": 18, "Day": 3}


def test_fits_do_not_change(fit):
    for name in ("beta", "theta", "vcov", "std_errors"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(fit, name)[0] = 1.0
    with pytest.raises(AttributeError, match="A fit does not change: 'sigma' cannot be set"):
        fit.sigma = 1.0
    fit.fitted()[0] = 0.0
    fit.residuals()[0] = 0.0
    assert fit.fitted()[0] > 0.0
    assert fit.residuals()[0] != 0.0
