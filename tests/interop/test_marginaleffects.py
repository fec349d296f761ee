"""The adapter for marginaleffects: the same numbers as our own, through its functions."""

from __future__ import annotations

import sys

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError
from reference.datasets import load

# marginaleffects takes slopes as differences over 1e-4 of the range, and its p values from 1 - cdf.
RTOL = 1e-7
# By default it finds standard errors of slopes by steps of 1e-8 of a coefficient; the fixed part is
# linear in them, and with a step of 1 they are right.
EXACT = {"eps_vcov": 1.0}
DEFAULT_RTOL = 1e-2
P_ATOL = 1e-12

# Its own business with polars.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def me():
    package = pytest.importorskip("marginaleffects")
    polars = pytest.importorskip("polars")
    from importlib.metadata import version

    if version("marginaleffects") == "0.6.0" and int(polars.__version__.split(".")[0]) >= 2:
        pytest.skip("marginaleffects 0.6.0 does not work with polars 2")
    return package


@pytest.fixture(scope="module")
def growth():
    return mlm.lmer("distance ~ age * Sex + (age | Subject)", load("Orthodont"))


@pytest.fixture(scope="module")
def awkward():
    """A number as factor, functions, an offset, a numeric label, weights."""
    data = load("synthetic")
    return mlm.lmer(
        "y ~ f * C(k) + poly(x, 2) + log(t) + offset(2 * o) + (1 | gi)", data, weights="w"
    )


def grid(**arguments):
    from marginaleffects.datagrid import datagrid

    return datagrid(**arguments)


def assert_same(theirs, ours):
    np.testing.assert_allclose(theirs["estimate"], ours["estimate"], rtol=RTOL)
    np.testing.assert_allclose(theirs["std_error"], ours["std_error"], rtol=RTOL)
    np.testing.assert_allclose(theirs["conf_low"], ours["conf_low"], rtol=RTOL)


def test_slopes_are_trends(me, growth):
    model = growth.to_marginaleffects()
    ours = growth.emtrends("Sex", "age", df_method="asymptotic").to_frame()
    theirs = me.avg_slopes(model, variables="age", by="Sex", **EXACT).sort("Sex")
    assert_same(theirs, ours)
    theirs = me.avg_slopes(model, variables="age", by="Sex").sort("Sex")
    np.testing.assert_allclose(theirs["std_error"], ours["std_error"], rtol=DEFAULT_RTOL)


def test_predictions_are_marginal_means(me, growth):
    model = growth.to_marginaleffects()
    theirs = me.predictions(model, newdata=grid(model=model, age=[8, 14], Sex=["Female", "Male"]))
    ours = growth.emmeans(["Sex", "age"], at={"age": [8, 14]}, df_method="asymptotic")
    assert_same(theirs, ours.to_frame())


def test_comparisons_are_contrasts(me, growth):
    model = growth.to_marginaleffects()
    theirs = me.avg_comparisons(model, variables="Sex", newdata=grid(model=model, age=9))
    ours = growth.emmeans("Sex", at={"age": 9}, df_method="asymptotic").contrast("consec")
    assert_same(theirs, ours.to_frame())


def test_covariance_by_the_method_chosen(me, growth):
    model = growth.to_marginaleffects(df_method="kenward-roger")
    theirs = me.avg_slopes(model, variables="age", by="Sex", **EXACT).sort("Sex")
    ours = growth.emtrends("Sex", "age", df_method="kenward-roger").to_frame()
    np.testing.assert_allclose(theirs["std_error"], ours["std_error"], rtol=RTOL)


def test_hypotheses_of_coefficients(me, growth):
    theirs = me.hypotheses(growth.to_marginaleffects())
    np.testing.assert_allclose(theirs["estimate"], growth.beta, rtol=RTOL)
    np.testing.assert_allclose(theirs["std_error"], growth.std_errors, rtol=RTOL)


def test_average_prediction(me, awkward):
    [average] = me.avg_predictions(awkward.to_marginaleffects())["estimate"]
    np.testing.assert_allclose(average, awkward.fitted("none").mean(), rtol=1e-10)


def test_average_slope_of_transformed_predictors(me, awkward):
    theirs = me.avg_slopes(awkward.to_marginaleffects(), variables="t")
    t = load("synthetic")["t"].to_numpy()
    position = awkward.coef_names.index("log(t)")
    np.testing.assert_allclose(
        theirs["estimate"], awkward.beta[position] * np.mean(1 / t), rtol=1e-4
    )


def test_factor_made_of_numbers(me, awkward):
    theirs = me.avg_comparisons(awkward.to_marginaleffects(), variables="k")
    ours = awkward.emmeans("k", weights="proportional").contrast("trt.vs.ctrl", adjust="none")
    np.testing.assert_allclose(theirs["estimate"], ours.to_frame()["estimate"], rtol=RTOL)


def test_numbers_as_labels(me):
    """Categories that are numbers are text there and still the same levels here."""
    data = load("synthetic")
    data["k"] = data["k"].astype("category")
    data["late"] = data["t"] > 2.5
    fit = mlm.lmer("y ~ k + late + (1 | g)", data)
    model = fit.to_marginaleffects()
    theirs = me.avg_comparisons(model, variables="k")
    np.testing.assert_allclose(theirs["estimate"], fit.beta[1:4], rtol=RTOL)
    late = me.avg_comparisons(model, variables="late")
    np.testing.assert_allclose(late["estimate"], fit.beta[4], rtol=RTOL)


def test_t_tests_of_least_squares(me):
    fit = mlm.lmer("y ~ x + f", load("synthetic"))
    theirs = me.avg_slopes(fit.to_marginaleffects(), variables="x", **EXACT)
    ours = fit.emtrends(None, "x").to_frame()
    np.testing.assert_allclose(theirs["p_value"], ours["p_value"], rtol=RTOL, atol=P_ATOL)
    assert_same(theirs, ours)


def test_bad_input(me, growth):
    model = growth.to_marginaleffects()
    with pytest.raises(NotSupportedError, match=r"vcov='HC3' .* to_marginaleffects\(df_method="):
        me.avg_slopes(model, vcov="HC3")
    data = load("synthetic")
    lost = mlm.lmer("y ~ x + (1 | g)", data, offset=data["o"].to_numpy())
    with pytest.raises(DataError, match="array as offset"):
        lost.to_marginaleffects()
    polars = pytest.importorskip("polars")
    with pytest.raises(DataError, match=r"'Sex' has a level .* 'Other'.*: Female, Male"):
        model.get_exog(polars.DataFrame({"age": [8.0], "Sex": ["Other"]}))


def test_without_the_package(growth, monkeypatch):
    monkeypatch.setitem(sys.modules, "marginaleffects", None)
    monkeypatch.setitem(sys.modules, "marginaleffects.classes.model", None)
    with pytest.raises(ImportError, match="pip install marginaleffects"):
        growth.to_marginaleffects()
