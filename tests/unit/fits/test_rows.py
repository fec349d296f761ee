"""Predictions, simulated responses and augmented data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import (
    DataError,
    FormulaError,
    MissingValuesWarning,
    NotSupportedError,
)

RTOL = 1e-10

SLOPE = "Reaction ~ Days + (Days | Subject)"


@pytest.fixture(scope="module")
def data():
    return mlm.datasets.load("sleepstudy", "pandas")


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer(SLOPE, data)


def close(actual, desired, rtol=RTOL):
    np.testing.assert_allclose(actual, desired, rtol=rtol)


def test_published_predictions(fit):
    # lme4's tests of predict: population, and subject 308
    new = pd.DataFrame({"Days": [0, 1, 2, 3, 4, 5], "Subject": "308"})
    close(fit.predict(new[:3], re_form="none"), [251.4051, 261.8724, 272.3397], 1e-6)
    close(fit.predict(new), [253.664, 273.330, 292.996, 312.662, 332.329, 351.995], 2e-6)


def test_predicting_the_data_gives_the_fitted_values(fit, data):
    for re_form in ("all", "none", "(1 | Subject)", "(0 + Days | Subject)", "~(Days | Subject)"):
        close(fit.predict(data, re_form=re_form), fit.fitted(re_form))
        close(fit.predict(re_form=re_form), fit.fitted(re_form))
    close(fit.fitted("(Days | Subject)"), fit.fitted())
    parts = [fit.fitted(r) - fit.fitted("none") for r in ("(1 | Subject)", "(0 + Days | Subject)")]
    close(sum(parts) + fit.fitted("none"), fit.fitted())


def test_population_needs_no_grouping_column(fit):
    close(fit.predict({"Days": [2.0]}, re_form="none"), fit.beta[0] + 2 * fit.beta[1])
    with pytest.raises(DataError, match="There is no column 'Subject' in the data"):
        fit.predict({"Days": [2.0]})


def test_new_levels(fit):
    new = pd.DataFrame({"Days": [1.0, 2.0, 3.0], "Subject": ["308", "999", "1000"]})
    message = "levels of 'Subject' that the fit has not seen: 999, 1000.*new_levels='population'"
    with pytest.raises(DataError, match=message):
        fit.predict(new)
    actual = fit.predict(new, new_levels="population")
    close(actual[1:], fit.predict(new[1:], re_form="none"))
    close(actual[0], fit.predict(new[:1])[0])
    with pytest.raises(ValueError, match="new_levels='draw' is not an option"):
        fit.predict(new, new_levels="draw")


def test_new_level_of_a_nested_factor_is_named():
    pastes = mlm.datasets.load("pastes", "pandas").astype({"cask": str})
    fit = mlm.lmer("strength ~ 1 + (1 | batch / cask)", pastes)
    new = pastes[:1].assign(cask="z")
    with pytest.raises(DataError, match=r"levels of 'batch:cask' .* not seen: A:z"):
        fit.predict(new)
    close(fit.predict(new, re_form="(1 | batch)"), fit.predict(pastes[:1], re_form="(1 | batch)"))


def test_missing_values_in_new_data_give_nan(fit):
    new = pd.DataFrame({"Days": [1.0, np.nan, 3.0], "Subject": ["308", "308", None]})
    np.testing.assert_array_equal(np.isnan(fit.predict(new)), [False, True, True])
    alone = fit.predict(new, re_form="none")
    np.testing.assert_array_equal(np.isnan(alone), [False, True, False])


def test_factor_slopes_are_named_as_a_whole():
    machines = mlm.datasets.load("machines", "pandas")
    fit = mlm.lmer("score ~ Machine + (Machine | Worker)", machines)
    close(fit.fitted("(Machine | Worker)"), fit.fitted())
    only = fit.fitted("(1 | Worker)") - fit.fitted("none")
    assert len(np.unique(only.round(8))) == fit.n_groups["Worker"]


@pytest.mark.parametrize(
    ("re_form", "error", "message"),
    [
        ("(1 | School)", DataError, "the effect 'Intercept' of 'School', which the model does not"),
        ("(age | Subject)", DataError, r"effect 'age'.*its terms are \(1 \+ Days \| Subject\)"),
        ("Days", FormulaError, r"'Days' must be random-effects terms, such as \(1 \| g\)"),
        ("everything", FormulaError, "must be random-effects terms"),
        (None, TypeError, "re_form=None is not an option; write 'all', 'none' or terms"),
    ],
)
def test_bad_re_form(fit, re_form, error, message):
    with pytest.raises(error, match=message):
        fit.predict(re_form=re_form)


def test_simulation_draws_new_effects_by_default(fit):
    y = fit.simulate(4000, rng=2)
    assert y.shape == (4000, 180)
    term = fit.model.matrices.terms[0]
    covariance = term.z @ fit.state.terms[0].covariance @ term.z.T
    same = np.equal.outer(*[fit.model.matrices.factors[0].codes] * 2)
    expected = covariance * same + fit.sigma**2 * np.eye(180)
    sd = np.sqrt(expected.diagonal())
    # Standard errors over 4000 draws are 1.6 %; the largest of 180 (32,400) moments is 4 (5) times.
    np.testing.assert_allclose((y.mean(axis=0) - fit.fitted("none")) / sd, 0, atol=0.07)
    np.testing.assert_allclose(
        np.cov(y.T) / np.outer(sd, sd), expected / np.outer(sd, sd), atol=0.1
    )


def test_simulation_given_the_modes(fit):
    y = fit.simulate(4000, rng=2, re_form="all")
    np.testing.assert_allclose((y.mean(axis=0) - fit.fitted()) / fit.sigma, 0, atol=0.07)
    np.testing.assert_allclose(y.std(axis=0) / fit.sigma, 1, atol=0.06)


def test_simulation_respects_weights(data):
    weights = np.tile([1.0, 4.0], 90)
    fit = mlm.lmer(SLOPE, data, weights=weights)
    y = fit.simulate(4000, rng=2, re_form="all")
    np.testing.assert_allclose(y.std(axis=0) * np.sqrt(weights) / fit.sigma, 1, atol=0.06)


def test_simulation_given_some_modes(data):
    data = data.assign(Block=np.arange(180) % 4)
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject) + (1 | Block)", data)
    y = fit.simulate(2000, rng=5, re_form="(Days | Subject)")
    centre = fit.fitted("(Days | Subject)")
    np.testing.assert_allclose((y.mean(axis=0) - centre) / fit.sigma, 0, atol=0.1)
    with pytest.raises(NotSupportedError, match=r"holds some effects of \(1 \+ Days \| Subject\)"):
        fit.simulate(rng=1, re_form="(1 | Subject)")


def test_simulation_is_reproducible(fit):
    np.testing.assert_array_equal(fit.simulate(2, rng=3), fit.simulate(2, rng=3))
    model = fit.model.simulate(beta=fit.beta, theta=fit.theta, sigma=fit.sigma, n=2, rng=3)
    close(model, fit.simulate(2, rng=3))


def test_augment_adds_columns_to_all_rows(data):
    holes = data.assign(Reaction=data["Reaction"].where(data.index != 7), note="x")
    holes.index = holes.index % 50  # not unique
    with pytest.warns(MissingValuesWarning):
        fit = mlm.lmer(SLOPE, holes)
    table = fit.augment()
    assert table.columns.tolist() == [
        *holes.columns, "fitted", "fixed_fitted", "resid", "leverage", "cooks_distance",
    ]  # fmt: skip
    assert table.index.equals(holes.index)
    assert np.flatnonzero(table["fitted"].isna()).tolist() == [7]
    used = table[table["resid"].notna()]
    close(used["Reaction"] - used["fitted"], used["resid"], 1e-8)
    close(used["fixed_fitted"], fit.fitted("none"))
    new = fit.augment(holes[5:9])
    assert new.columns.tolist() == [*holes.columns, "fitted", "fixed_fitted"]
    assert new["fitted"].notna().all()


def test_augment_refuses_to_overwrite(fit, data):
    taken = data.assign(resid=0.0, fitted=1.0)
    other = mlm.lmer(SLOPE, taken)
    with pytest.raises(DataError, match=r"columns 'fitted', 'resid', which .* augment\(prefix="):
        other.augment()
    assert {"fit_fitted", "fit_resid"} < set(other.augment(prefix="fit_"))
    with pytest.raises(DataError, match="a column 'fitted'"):
        fit.augment(taken)
