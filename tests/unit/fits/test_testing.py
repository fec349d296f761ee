"""The choice of the method of testing, honoured by every table."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError

FORMULA = "Reaction ~ Days + (Days | Subject)"
METHODS = {
    "satterthwaite": "Satterthwaite", "kenward-roger": "Kenward-Roger",
    "between-within": "between-within", "m-l-1": "m - l - 1", "residual": "residual",
    "asymptotic": "asymptotic",
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    return mlm.datasets.load("sleepstudy", "pandas")


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer(FORMULA, data)


@pytest.mark.parametrize(("method", "label"), METHODS.items())
def test_every_table_names_and_uses_the_method(fit, method, label):
    assert f"tests: {label})" in str(fit.summary(df_method=method))
    table = fit.tidy(df_method=method, conf_int=True)
    bounds = fit.confint(df_method=method, parameters="fixed")
    np.testing.assert_allclose(bounds["conf_low"], table["conf_low"], rtol=1e-12)
    expected = {"residual": 178.0, "asymptotic": np.inf, "satterthwaite": 17.0}
    if method in expected:
        np.testing.assert_allclose(table["df"], expected[method], rtol=1e-6)


def test_robust_tables_agree_with_the_covariance_matrix(fit):
    covariance = fit.vcov(robust="CR3", cluster="Subject")
    table = fit.tidy(robust="CR3", cluster="Subject")
    np.testing.assert_allclose(table["std_error"], np.sqrt(covariance.diagonal()), rtol=1e-12)
    assert (table["std_error"] > fit.std_errors).all()
    assert "CR3 robust" in str(fit.summary(robust="CR3"))
    np.testing.assert_allclose(fit.vcov(robust="CR3"), covariance, rtol=1e-12)  # by default


def test_a_column_of_the_data_can_be_the_cluster(data):
    region = data.assign(region=(data["Subject"].astype(int) // 10).astype(str))
    region.loc[5, "Reaction"] = np.nan
    with pytest.warns(mlm.exceptions.MissingValuesWarning):
        fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", region)
    table = fit.tidy(robust="CR2", cluster="region")
    assert (table["df"] < fit.tidy(robust="CR2")["df"]).all()


def test_kenward_roger_adjusts_the_covariance_matrix(data):
    unbalanced = data[data.index % 7 > 2]
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", unbalanced)
    adjusted = fit.vcov(df_method="kenward-roger")
    assert adjusted[1, 1] > 1.001 * fit.vcov[1, 1]
    np.testing.assert_allclose(
        fit.tidy(df_method="kenward-roger")["std_error"], np.sqrt(adjusted.diagonal())
    )


def test_the_covariance_matrix_is_an_array_and_can_be_called(fit):
    np.testing.assert_array_equal(fit.vcov(), fit.vcov)
    assert fit.vcov.flags.writeable is False
    np.testing.assert_allclose(np.linalg.inv(fit.vcov) @ fit.vcov, np.eye(2), atol=1e-12)
    full = fit.vcov(full=True)
    assert full.shape == (38, 38)
    np.testing.assert_allclose(full[:2, :2], fit.vcov)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit)).vcov, fit.vcov)
    with pytest.raises(TypeError, match=r"Only fit\.vcov itself can be called"):
        fit.vcov[:1, :1]()
    with pytest.raises(ValueError, match="full=True gives the joint covariance by the model"):
        fit.vcov(full=True, robust="CR2")


def test_dropped_columns_stay_without_tests(data):
    twice = data.assign(Twice=2 * data["Days"])
    with pytest.warns(mlm.exceptions.RankDeficientWarning):
        fit = mlm.lmer("Reaction ~ Days + Twice + (1 | Subject)", twice)
    for options in ({}, {"df_method": "kenward-roger"}, {"robust": "CR2"}):
        table = fit.tidy(**options).set_index("term")
        assert table.loc["Twice"].isna().sum() >= 4
        assert np.isfinite(table.loc["Days", ["std_error", "df", "p_value"]].astype(float)).all()


def test_least_squares_defaults():
    data = pd.DataFrame({"y": [1.0, 3, 2, 5, 4], "x": [0.0, 1, 2, 3, 4]})
    assert mlm.lmer("y ~ x", data).tidy()["df"].tolist() == [3.0, 3.0]
    assert np.isinf(mlm.lmer("y ~ x", data, reml=False).tidy()["df"]).all()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"df_method": "kr"}, ValueError, "df_method='kr' is not an option; choose one of"),
        ({"robust": "HC3"}, ValueError, "robust='HC3' is not an option"),
        ({"cluster": "Subject"}, ValueError, "needs the kind of robust covariance matrix"),
        ({"robust": "CR2", "cluster": "school"}, DataError, "neither a grouping factor"),
        ({"robust": "CR2", "cluster": "Days"}, DataError, "'Subject' crosses the clusters 'Days'"),
        ({"robust": "CR2", "df_method": "residual"}, ValueError, "robust= or df_method=, not both"),
    ],
)
def test_bad_input(fit, options, error, message):
    for table in (fit.tidy, fit.summary, fit.confint, fit.vcov):
        with pytest.raises(error, match=message):
            table(**options)


def test_kenward_roger_needs_reml(data):
    fit = mlm.lmer(FORMULA, data, reml=False)
    with pytest.raises(NotSupportedError, match=r"use fit\.refit\(reml=True\)"):
        fit.summary(df_method="kenward-roger")
