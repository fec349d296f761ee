"""predict(interval=): what is counted, new levels, missing rows, weights, bad options."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.stats import norm, t

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.prediction import joint_covariance as joint_module

SLOPES = "Reaction ~ Days + (Days | Subject)"
ROUNDING = 1e-10


@pytest.fixture(scope="module")
def sleep():
    return mlm.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def fit(sleep):
    return mlm.lmer(SLOPES, sleep)


@pytest.fixture(scope="module")
def crossed():
    """Pupils' marks by teachers: crossed, some pairs never meet; one predictor of neither."""
    rng = np.random.default_rng(4)
    pupil, teacher = rng.integers(0, 25, 150), rng.integers(0, 8, 150)
    x, w = rng.normal(size=150), rng.uniform(0.5, 2, 150)
    mark = 10 + x + rng.normal(size=25)[pupil] + rng.normal(size=8)[teacher] + rng.normal(size=150)
    return pd.DataFrame({"mark": mark, "x": x, "pupil": pupil, "teacher": teacher, "w": w})


def test_without_an_interval_it_is_an_array(fit, sleep):
    assert isinstance(fit.predict(sleep), np.ndarray)


def test_columns_and_bounds(fit, sleep):
    for interval in ("confidence", "prediction"):
        table = fit.predict(sleep[:5], interval=interval, level=0.8)
        assert list(table) == ["fitted", "std_error", "conf_low", "conf_high"]
        np.testing.assert_allclose(table["fitted"], fit.fitted()[:5], rtol=ROUNDING)
        half = norm.ppf(0.9) * table["std_error"]
        np.testing.assert_allclose(table["conf_high"] - table["fitted"], half, rtol=ROUNDING)
        np.testing.assert_allclose(table["fitted"] - table["conf_low"], half, rtol=ROUNDING)


def test_rows_of_the_fit_are_rows_of_its_data(fit, sleep):
    a = fit.predict(interval="prediction")
    b = fit.predict(sleep, interval="prediction")
    np.testing.assert_allclose(a, b, rtol=ROUNDING)
    order = np.random.default_rng(0).permutation(len(sleep))
    c = fit.predict(sleep.iloc[order], interval="prediction")
    np.testing.assert_allclose(a.iloc[order], c, rtol=ROUNDING)


def test_prediction_adds_the_residual_variance(fit, sleep):
    confidence = fit.predict(sleep, interval="confidence")["std_error"]
    prediction = fit.predict(sleep, interval="prediction")["std_error"]
    np.testing.assert_allclose(prediction**2 - confidence**2, fit.sigma**2, rtol=1e-8)


def test_fixed_effects_alone(fit):
    """The standard errors and degrees of freedom of the tables, by any of their methods."""
    new = {"Days": [0.0]}
    for df_method, df in (("satterthwaite", 17.0), ("residual", 178.0), (None, 17.0)):
        table = fit.predict(new, re_form="none", interval="confidence", df_method=df_method)
        assert table["std_error"][0] == pytest.approx(fit.std_errors[0], rel=1e-8)
        assert table["df"][0] == pytest.approx(df, rel=1e-6)
        half = t.ppf(0.975, table["df"][0]) * table["std_error"][0]
        assert table["conf_high"][0] - table["fitted"][0] == pytest.approx(half, rel=1e-8)


def test_population_of_groups(fit):
    """A new group: mean over groups by a confidence interval, its own by a prediction interval."""
    new = {"Days": [0.0, 5.0], "Subject": ["new", "newer"]}
    z = np.array([[1.0, 0.0], [1.0, 5.0]])
    prior = np.einsum("ij,jk,ik->i", z, fit.state.terms[0].covariance, z)
    confidence = fit.predict(new, new_levels="population", interval="confidence")
    prediction = fit.predict(new, new_levels="population", interval="prediction")
    alone = fit.predict(new, re_form="none", interval="confidence")
    np.testing.assert_allclose(confidence["std_error"], alone["std_error"], rtol=1e-6)
    np.testing.assert_allclose(
        prediction["std_error"] ** 2, confidence["std_error"] ** 2 + prior + fit.sigma**2, rtol=1e-9
    )
    no_groups = fit.predict({"Days": [0.0, 5.0]}, re_form="none", interval="prediction")
    np.testing.assert_allclose(no_groups, prediction, rtol=1e-9)


def test_a_new_level_is_refused_by_default(fit):
    with pytest.raises(DataError, match="levels of 'Subject' that the fit has not seen: new"):
        fit.predict({"Days": [0.0], "Subject": ["new"]}, interval="prediction")


def test_one_of_two_factors_is_new_or_left_out(crossed):
    fit = mlm.lmer("mark ~ x + (1 | pupil) + (1 | teacher)", crossed)
    new = pd.DataFrame({"x": [0.5, 0.5], "pupil": [3, 3], "teacher": [999, 1]})
    mixed = fit.predict(new, new_levels="population", interval="prediction")
    partial = fit.predict(new, re_form="(1 | pupil)", interval="prediction")
    np.testing.assert_allclose(mixed.iloc[0], partial.iloc[0], rtol=1e-9)
    np.testing.assert_allclose(partial.iloc[0], partial.iloc[1], rtol=ROUNDING)
    full = fit.predict(new[1:], interval="prediction")
    teacher = fit.state.terms[1].covariance[0, 0]
    known = fit.predict(new[1:], re_form="(1 | pupil)", interval="confidence")["std_error"][0]
    assert partial["std_error"][1] ** 2 == pytest.approx(known**2 + teacher + fit.sigma**2)
    assert full["std_error"][0] < partial["std_error"][1]


def test_groups_that_never_met(crossed, monkeypatch):
    """The dense matrix and the native core agree where both apply."""
    fit = mlm.lmer("mark ~ x + (x | pupil) + (1 | teacher)", crossed)
    met = set(zip(crossed["pupil"], crossed["teacher"], strict=True))
    pairs = [(p, g) for p in range(25) for g in range(8)]
    new = pd.DataFrame({"x": 1.0, "pupil": [p for p, _ in pairs], "teacher": [g for _, g in pairs]})
    errors = fit.predict(new, interval="confidence")["std_error"].to_numpy()
    strangers = np.array([pair not in met for pair in pairs])
    assert 0 < strangers.sum() < 200
    teacher_7 = new.assign(teacher=7)  # one stranger in the batch must not change the others
    again = fit.predict(teacher_7, interval="confidence")["std_error"].to_numpy()
    np.testing.assert_allclose(again[7::8], errors[7::8], rtol=ROUNDING)
    monkeypatch.setattr(joint_module, "_LARGEST", 10)
    np.testing.assert_allclose(
        fit.predict(new[~strangers], interval="confidence")["std_error"], errors[~strangers]
    )
    with pytest.raises(NotSupportedError, match="never occur together"):
        fit.predict(new, interval="confidence")


def test_rows_with_missing_values(fit):
    new = {"Days": [1.0, np.nan, 2.0], "Subject": ["308", "308", None]}
    for interval in ("confidence", "prediction"):
        table = fit.predict(new, interval=interval)
        np.testing.assert_array_equal(table.isna().all(axis=1), [False, True, True])
        np.testing.assert_array_equal(table.isna().any(axis=1), [False, True, True])
    table = fit.predict(new, re_form="none", interval="confidence")
    assert table.isna().any(axis=1).tolist() == [False, True, False]
    assert list(table) == ["fitted", "std_error", "df", "conf_low", "conf_high"]


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_the_frame_is_of_the_kind_of_the_new_rows(fit, kind):
    table = fit.predict(kind({"Days": [1.0], "Subject": ["308"]}), interval="confidence")
    assert isinstance(table, kind)


def test_weights_of_new_rows(crossed):
    fit = mlm.lmer("mark ~ x + (1 | pupil)", crossed, weights="w")
    confidence = fit.predict(crossed, interval="confidence")["std_error"]
    prediction = fit.predict(crossed, interval="prediction")["std_error"]
    residual = fit.sigma**2 / crossed["w"]
    np.testing.assert_allclose(prediction**2 - confidence**2, residual, rtol=1e-8)
    np.testing.assert_allclose(fit.predict(interval="prediction")["std_error"], prediction)
    new = crossed[["x", "pupil"]][:2]
    fit.predict(new, interval="confidence")
    with pytest.raises(DataError, match="'w'"):
        fit.predict(new, interval="prediction")
    with pytest.raises(DataError, match="weights must be positive, but column 'w'"):
        fit.predict(new.assign(w=[1.0, 0.0]), interval="prediction")
    given = mlm.lmer("mark ~ x + (1 | pupil)", crossed, weights=crossed["w"].to_numpy())
    assert given.predict(interval="prediction")["std_error"][0] == pytest.approx(prediction[0])
    with pytest.raises(DataError, match="fitted with an array of weights"):
        given.predict(new, interval="prediction")


def test_offset_moves_predictions_and_no_errors(sleep, fit):
    moved = sleep.assign(o=7.0 * sleep["Days"], Reaction=sleep["Reaction"] + 7 * sleep["Days"])
    shifted = mlm.lmer(SLOPES, moved, offset="o")
    a, b = (f.predict(moved[:9], interval="prediction") for f in (fit, shifted))
    np.testing.assert_allclose(b["fitted"] - a["fitted"], moved["o"][:9], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(a["std_error"], b["std_error"], rtol=1e-5)


def test_dropped_columns_do_not_count(sleep):
    doubled = sleep.assign(twice=2 * sleep["Days"])
    with pytest.warns(mlm.exceptions.RankDeficientWarning):
        deficient = mlm.lmer("Reaction ~ Days + twice + (Days | Subject)", doubled)
    a = deficient.predict(doubled[:5], interval="confidence")
    b = mlm.lmer(SLOPES, sleep).predict(sleep[:5], interval="confidence")
    np.testing.assert_allclose(a, b, rtol=1e-8)


def test_singular_fit(sleep):
    noise = sleep.assign(Reaction=np.random.default_rng(3).normal(size=len(sleep)))
    fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", noise)
    assert fit.theta[0] == 0.0
    least = mlm.lmer("Reaction ~ Days", noise)
    a = fit.predict(interval="confidence")["std_error"]
    b = least.predict(noise, interval="confidence")["std_error"]
    np.testing.assert_allclose(a, b, rtol=1e-9)


def test_shift_of_a_predictor_changes_no_error(sleep, fit):
    far = sleep.assign(Days=sleep["Days"] + 1e5)
    a = fit.predict(interval="prediction")
    b = mlm.lmer(SLOPES, far).predict(far, interval="prediction")
    np.testing.assert_allclose(a, b, rtol=1e-6)


def test_parametric_bootstrap_agrees(fit, sleep):
    """Mean squared errors of predictions over simulated responses; 5 % standard error each."""
    rng, days, n = np.random.default_rng(8), sleep["Days"].to_numpy(), 800
    codes = fit.model.matrices.factors[0].codes
    root = fit.sigma * fit.state.terms[0].relative_factor
    squares = np.zeros(len(sleep))
    for _ in range(n):
        b = rng.standard_normal((18, 2)) @ root.T
        truth = fit.fitted("none") + b[codes, 0] + b[codes, 1] * days
        y = truth + fit.sigma * rng.standard_normal(len(sleep))
        squares += (fit.refit(y).fitted() - truth) ** 2
    by_day = pd.Series(squares / n).groupby(days).mean()
    claimed = (fit.predict(interval="confidence")["std_error"] ** 2).groupby(days).mean()
    np.testing.assert_allclose(by_day, claimed, rtol=0.1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"interval": "tolerance"}, ValueError, "interval='tolerance' is not an option"),
        ({"interval": "confidence", "level": 95}, ValueError, "level=95 is not a confidence level"),
        ({"df_method": "residual"}, ValueError, "df_method is for intervals"),
        (
            {"interval": "confidence", "df_method": "satterthwaite"},
            NotSupportedError,
            "this interval counts random effects, too",
        ),
        (
            {"interval": "prediction", "re_form": "none", "df_method": "residual"},
            NotSupportedError,
            "this interval counts random effects, too",
        ),
        (
            {"interval": "prediction", "re_form": "(1 | Subject)"},
            NotSupportedError,
            "some effects of .* and not others",
        ),
    ],
)
def test_what_is_refused(fit, arguments, error, message):
    with pytest.raises(error, match=message):
        fit.predict(**arguments)


def test_part_of_a_term_has_a_confidence_interval(fit, sleep):
    first_day = sleep[sleep["Days"] == 0]
    a = fit.predict(first_day, re_form="(1 | Subject)", interval="confidence")
    b = fit.predict(first_day, interval="confidence")
    np.testing.assert_allclose(a, b, rtol=1e-9)
