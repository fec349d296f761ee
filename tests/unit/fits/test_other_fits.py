"""Refitting, updating, comparing; the unfitted problem; pickles and data frames."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, FormulaError, MissingValuesWarning, NotSupportedError
from multilevel.fits.update import update_formula
from twin import central_gradient, central_hessian

SLOPE = "Reaction ~ Days + (Days | Subject)"
INTERCEPT = "Reaction ~ Days + (1 | Subject)"
# Two runs of Newton to an expected decrease of 1e-10.
OPTIMUM = 1e-8
# An expected decrease of 1e-10 leaves theta free by about 1e-6.
ESTIMATE = 1e-6
# Fourth-order differences of a criterion of size 2e3.
DERIVATIVE = 1e-6


@pytest.fixture(scope="module")
def data():
    return mlm.datasets.load("sleepstudy", "pandas")


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer(SLOPE, data)


def close(actual, desired, rtol=OPTIMUM):
    np.testing.assert_allclose(actual, desired, rtol=rtol)


# -- refit and update -----------------------------------------------------------------------------


def test_refit_is_a_fit_to_the_new_response(fit, data):
    y = fit.simulate(rng=4)[0]
    again = fit.refit(y)
    fresh = mlm.lmer(SLOPE, data.assign(Reaction=y))
    close(again.reml_criterion, fresh.reml_criterion)
    close(again.beta, fresh.beta)
    close(again.residuals(), fresh.residuals(), 1e-6)
    assert fit.reml_criterion == mlm.lmer(SLOPE, data).reml_criterion
    close(again.refit(reml=False).deviance, fresh.refit(reml=False).deviance)


def test_refit_of_the_other_criterion(fit, data):
    close(fit.refit(reml=False).deviance, mlm.lmer(SLOPE, data, reml=False).deviance)
    close(fit.refit(reml=False).refit(reml=True).reml_criterion, fit.reml_criterion)


def test_refit_leaves_the_boundary():
    # Balanced, 3 groups, F = 1.25: REML has a positive variance where F > 1, ML where F > 3 / 2.
    within = np.tile([-1.5, -0.5, 0.5, 1.5], 3)
    between = np.repeat([-1.0, 0.0, 1.0], 4)
    mean_squares = np.sum(between**2) / 2, np.sum(within**2) / 9
    y = within + between * np.sqrt(1.25 * mean_squares[1] / mean_squares[0])
    ml = mlm.lmer("y ~ 1 + (1 | g)", {"y": y, "g": np.repeat(list("abc"), 4)}, reml=False)
    assert ml.theta == [0.0]
    reml = ml.refit(reml=True)
    close(reml.theta**2, 0.25 / 4, ESTIMATE)
    assert not reml.is_singular


def test_refit_takes_rows_used_or_all_rows_or_a_series(data):
    holes = data.assign(Days=data["Days"].where(data.index % 17 != 3))
    with pytest.warns(MissingValuesWarning):
        fit = mlm.lmer(SLOPE, holes)
    y = np.sqrt(holes["Reaction"].to_numpy())
    used = holes["Days"].notna().to_numpy()
    expected = fit.refit(y[used]).beta
    close(fit.refit(y).beta, expected)
    close(fit.refit(list(y)).beta, expected)
    close(fit.refit(pd.Series(y).sample(frac=1, random_state=1)).beta, expected)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y[:100], "y has 100 values, but the data have 180 rows"),
        (lambda y: np.where(np.arange(180) == 3, np.nan, y), "y has missing or infinite values"),
        (lambda y: np.where(np.arange(180) == 3, np.inf, y), "y has missing or infinite values"),
        (lambda y: y.astype(str), "y must be numbers"),
        (lambda y: pd.Series(y, index=np.arange(180) + 7), "index does not match"),
    ],
)
def test_refit_refuses_a_bad_response(fit, data, change, message):
    with pytest.raises(DataError, match=message):
        fit.refit(change(data["Reaction"].to_numpy()))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("y ~ x + (x | g)", ". ~ . + z", "y ~ x + z + (x | g)"),
        ("y ~ x + (x | g)", ". ~ . - x", "y ~ x - x + (x | g)"),
        ("y ~ x + (x | g)", "log(.) ~ .", "log(y) ~ x + (x | g)"),
        ("y ~ x + (x | g)", ". ~ . - (1 + x | g) + (1 | g)", "y ~ x + (1 | g)"),
        ("y ~ x + (1 | a/b)", ". ~ . - (1|a/b)", "y ~ x"),
        ("y ~ 0 + f + (1 | g)", ". ~ . * z", "y ~ (0 + f) * z + (1 | g)"),
        ("y ~ x + (1 | g)", ". ~ z", "y ~ z"),
        ("y ~ `a.b` + I(x - 1) + (1 | g)", "w ~ .", "w ~ `a.b` + I(x - 1) + (1 | g)"),
        ("y ~ (1 | g)", ". ~ . + x.y", "y ~ x.y + (1 | g)"),
    ],
)
def test_update_formula(old, new, expected):
    assert update_formula(old, new) == expected


def test_update_formula_refusals():
    with pytest.raises(FormulaError, match=r"'\+ x' has no `~`.*'\. ~ \. \+ x'"):
        update_formula("y ~ x", "+ x")
    with pytest.raises(FormulaError, match=r"There is no \(x \| g\) to remove in `y ~ x"):
        update_formula("y ~ x + (1 | g)", ". ~ . - (x | g)")


def test_update_keeps_all_other_arguments(data):
    weights = np.linspace(1, 2, 180)
    fit = mlm.lmer(INTERCEPT, data, reml=False, weights=weights)
    bigger = fit.update(". ~ . + I(Days**2)")
    direct = mlm.lmer(
        "Reaction ~ Days + I(Days**2) + (1 | Subject)", data, reml=False, weights=weights
    )
    close(bigger.deviance, direct.deviance)
    assert bigger.formula == direct.formula
    assert fit.update(reml=True).reml
    close(fit.update(weights=None).deviance, mlm.lmer(INTERCEPT, data, reml=False).deviance)
    assert fit.update(data=data[:150], weights=None).nobs == 150
    with pytest.raises(TypeError, match="unexpected keyword argument 'wieghts'"):
        fit.update(wieghts=None)


# -- comparison -----------------------------------------------------------------------------------


def test_anova_published(fit, data):
    small = mlm.lmer(INTERCEPT, data)
    table = fit.anova(small)
    # lme4's anova: ML refits, 42.1393 on 2 df, p = 7.0724e-10
    assert table["model"].tolist() == [INTERCEPT, SLOPE]
    assert table["criterion"].tolist() == ["ML, refitted"] * 2
    assert table["n_parameters"].tolist() == [4, 6]
    close(table["deviance"], [1794.078643, 1751.939345], 1e-8)
    close(table["aic"], [1802.078643, 1763.939345], 1e-8)
    close(table["statistic"][1], 42.1393, 1e-6)
    close(table["p_value"][1], 7.0724e-10, 1e-5)
    assert table.columns.tolist() == [
        "model", "criterion", "n_parameters", "aic", "bic", "loglik", "deviance", "statistic",
        "df", "p_value", "p_value_mixture", "mixture",
    ]  # fmt: skip
    mixed = mlm.anova(small.refit(reml=False), fit)
    assert mixed["criterion"].tolist() == ["ML", "ML, refitted"]
    pd.testing.assert_frame_equal(mixed.drop(columns="criterion"), table.drop(columns="criterion"))


def test_compare_orders_by_aic_and_weighs(fit, data):
    fits = [mlm.lmer(f, data) for f in ("Reaction ~ Days", INTERCEPT)]
    table = mlm.compare(*fits, fit)
    assert table["model"].tolist() == [SLOPE, INTERCEPT, "Reaction ~ Days"]
    close(table["delta_aic"], table["aic"] - table["aic"].min())
    close(table["weight"].sum(), 1.0)
    ratio = np.exp(-table["delta_aic"][1] / 2)
    close(table["weight"][1] / table["weight"][0], ratio)


def test_fits_to_other_data_are_not_compared(fit, data):
    with pytest.raises(DataError, match="different rows: the first 180, number 2 150"):
        mlm.anova(fit, mlm.lmer(INTERCEPT, data[:150]))
    with pytest.raises(DataError, match="different responses"):
        mlm.anova(fit, mlm.lmer("log(Reaction) ~ Days + (1 | Subject)", data))
    with pytest.raises(DataError, match="different prior weights: the first and number 3"):
        mlm.compare(fit, fit, mlm.lmer(SLOPE, data, weights=np.linspace(1, 2, 180)))
    ones = mlm.lmer(SLOPE, data, weights=np.ones(180))
    assert np.isnan(mlm.anova(fit, ones)["p_value"][1])
    with pytest.raises(ValueError, match="Give two fits or more to compare"):
        mlm.compare(fit)


# -- the unfitted problem -------------------------------------------------------------------------


def test_model_published_objective():
    # lme4's tests: Dyestuff, REML criterion at theta = 0 and theta = 1
    dyestuff = mlm.datasets.load("dyestuff", "pandas")
    model = mlm.MixedModel("Yield ~ 1 + (1 | Batch)", dyestuff)
    close(model.deviance([0.0]), 326.023232155879, 1e-12)
    close(model.deviance([1.0]), 319.792389042002, 1e-12)


@pytest.mark.parametrize("reml", [True, False])
def test_derivatives_of_the_model(fit, reml):
    model, theta = fit.model, np.array([0.8, 0.1, 0.3])
    gradient = model.gradient(theta, reml=reml)
    np.testing.assert_allclose(
        gradient,
        central_gradient(lambda t: model.deviance(t, reml=reml), theta),
        atol=DERIVATIVE * np.abs(gradient).max(),
    )
    hessian = model.hessian(theta, reml=reml)
    np.testing.assert_allclose(
        hessian,
        central_hessian(lambda t: model.gradient(t, reml=reml), theta),
        atol=DERIVATIVE * np.abs(hessian).max(),
    )
    assert model.n_theta == 3


def test_fit_carries_its_curvature(fit):
    np.testing.assert_allclose(
        fit.hessian(), fit.model.hessian(fit.theta, reml=True), rtol=DERIVATIVE
    )
    components = fit.varcomp_hessian()
    assert components.shape == (4, 4)
    assert np.linalg.eigvalsh(components).min() > 0
    singular = mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2", "pandas"))
    assert singular.is_singular
    assert singular.hessian().shape == (1, 1)
    with pytest.raises(NotSupportedError, match="The fit is singular"):
        singular.varcomp_hessian()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beta": [1.0]}, r"beta must have one value for each of Intercept, Days; .* \(1,\)"),
        ({"theta": [1.0]}, r"theta must have 3 values; its shape is \(1,\)"),
        ({"sigma": -1.0}, "sigma must not be negative; it is -1.0"),
    ],
)
def test_bad_parameters_of_a_simulation(fit, parameters, message):
    good = {"beta": fit.beta, "theta": fit.theta, "sigma": 1.0}
    with pytest.raises(DataError, match=message):
        fit.model.simulate(**good | parameters)


def test_start_is_used(fit, data):
    warm = mlm.lmer(SLOPE, data, start=fit.theta)
    close(warm.reml_criterion, fit.reml_criterion)
    assert warm.optimizer.evaluations <= fit.optimizer.evaluations
    with pytest.raises(DataError, match="theta must be 3 finite numbers"):
        mlm.lmer(SLOPE, data, start=[1.0])


# -- pickles and data frames ----------------------------------------------------------------------


def frames():
    table = mlm.datasets.load("sleepstudy", "pandas")
    plain = table.assign(Subject=table["Subject"].astype(str))
    return {
        "pandas": table,
        "polars": pl.from_pandas(plain),
        "pyarrow": pa.Table.from_pandas(plain, preserve_index=False),
        "dict": {name: plain[name].to_numpy() for name in plain},
    }


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "dict"])
def test_fits_pickle_and_speak_the_callers_frame(kind, fit):
    data = frames()[kind]
    original = mlm.lmer(SLOPE, data)
    copied = pickle.loads(pickle.dumps(original))
    frame_type = {"dict": pd.DataFrame}.get(kind, type(data))
    for one in (original, copied):
        tables = [
            one.tidy(), one.tidy("ran_pars"), one.tidy("ran_vals"), one.tidy("ran_coefs"),
            one.glance(), one.augment(), one.augment(data), one.fixef(), one.ranef(), one.coef(),
            one.var_corr(), one.confint(), one.anova(one),
        ]  # fmt: skip
        assert all(type(table) is frame_type for table in tables)
        close(one.reml_criterion, fit.reml_criterion)
        close(one.predict(data), fit.fitted(), 1e-6)
        assert str(one.summary()) == str(fit.summary())
    y = original.simulate(rng=1)[0]
    close(copied.refit(y).sigma, original.refit(y).sigma)
    close(copied.hessian(), original.hessian(), 1e-6)


def test_pickle_holds_no_more_than_the_model():
    rng = np.random.default_rng(1)
    n = 20_000
    data = {"y": rng.normal(size=n), "x": rng.normal(size=n), "g": rng.integers(0, 50, n)}
    fit = mlm.lmer("y ~ x + (x | g)", data)
    fit.augment()
    # the data (3 columns), the arrays of the model (y, X, z, codes) and little else
    assert len(pickle.dumps(fit)) < 8 * n * (3 + 1 + 2 + 2 + 1)
