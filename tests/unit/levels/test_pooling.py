"""Conditional modes as weighted means of least squares and fixed part, in any model."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.levels.factor_effects import factor_effects
from multilevel.levels.group_means import fixed_shares
from multilevel.levels.pooling import pool

# The solver's modes against small dense solves: rounding only.
ATOL = 1e-9

MODELS = {
    "intercepts": ("hsb", "math ~ ses + sector + (1 | school)"),
    "slopes": ("hsb", "math ~ ses * sector + meanses + (ses | school)"),
    "other columns of the same span": ("hsb", "math ~ ses + meanses + (cses | school)"),
    "independent": ("sleepstudy", "Reaction ~ Days + (Days || Subject)"),
    "slope without mean": ("sleepstudy", "Reaction ~ 1 + (Days | Subject)"),
    "nested": ("pastes", "strength ~ 1 + (1 | batch/cask)"),
    "three levels": ("egsingle", "math ~ year * size + (year | schoolid/childid)"),
    "crossed": ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)"),
    "factor": ("machines", "score ~ Machine + (Machine | Worker)"),
}


@pytest.fixture(scope="module", params=MODELS)
def fit(request):
    name, formula = MODELS[request.param]
    data = mlm.datasets.load(name)
    weights = 1.0 + np.arange(len(data)) % 3
    return mlm.lmer(formula, data, weights=weights, offset=np.sin(np.arange(len(data))))


def test_prediction_is_the_weighted_mean(fit):
    matrices, state = fit.model.matrices, fit.state
    for f in range(len(matrices.factors)):
        effects = factor_effects(matrices, state, f)
        pooled = pool(effects, matrices.X, state.beta, state.beta)
        some = effects.regression.estimable
        assert some.any()
        T, V = effects.covariance, effects.sampling[some]
        weight = T @ np.linalg.inv(T + V)
        gap = (pooled.none - pooled.population)[some]
        expected = pooled.population[some] + (weight @ gap[:, :, None])[:, :, 0]
        scale = np.abs(pooled.partial).max()
        np.testing.assert_allclose(pooled.partial[some], expected, rtol=0, atol=ATOL * scale)
        np.testing.assert_array_equal(pooled.population, pooled.complete)


def test_fixed_part_is_what_the_shares_say(fit):
    """Z times the coefficients by the fixed part, plus what moves none, is X beta."""
    matrices, state = fit.model.matrices, fit.state
    effects = factor_effects(matrices, state, 0)
    shares = fixed_shares(effects, matrices.X)
    rest = matrices.X[:, ~shares.inside] @ state.beta[~shares.inside]
    by_group = shares.coefficients(state.beta)[effects.factor.codes]
    found = rest + np.einsum("ij,ij->i", effects.z, by_group)
    np.testing.assert_allclose(found, matrices.X @ state.beta, rtol=1e-8)


def test_groups_with_too_few_rows_still_have_predictions():
    data = mlm.datasets.load("sleepstudy")
    data = data[~((data["Subject"] == "308") & (data["Days"] > 0))]
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
    table = fit.shrinkage()
    first = table[table["level"] == "308"]
    assert first[["no_pooling", "std_error", "shrinkage"]].isna().all(axis=None)
    coef = fit.coef()
    np.testing.assert_allclose(
        first["partial_pooling"].iloc[0], coef.loc[coef["level"] == "308", "estimate"].iloc[0]
    )
    assert fit.reliability()["n_used"].tolist() == [17, 17]
    assert "mean of 17 of 18 groups" in fit.reliability()["verdict"][0]
