"""Expected ranks against draws, and their independence of how covariance is written."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import NotSupportedError
from multilevel.fits.group_tables import _posterior
from multilevel.levels.factor_effects import factor_effects
from multilevel.levels.ranks import Posterior, expected_ranks, independent_groups, rank_intervals
from multilevel.prediction.joint_covariance import effect_offsets, joint_covariance


@pytest.fixture
def posterior():
    rng = np.random.default_rng(3)
    return Posterior(
        rng.standard_normal(12), rng.uniform(0.1, 1.0, 12), 0.5 * rng.standard_normal((12, 3))
    )


def test_expected_ranks_are_means_of_drawn_ranks(posterior):
    n = 40_000
    ranks = posterior.draw(n, np.random.default_rng(4)).argsort(axis=1).argsort(axis=1) + 1
    error = ranks.std(axis=0) / n**0.5
    assert (np.abs(ranks.mean(axis=0) - expected_ranks(posterior)) < 4.5 * error).all()


def test_ranks_add_up_and_turn_with_the_sign(posterior):
    ranks = expected_ranks(posterior)
    np.testing.assert_allclose(ranks.sum(), 12 * 13 / 2)
    turned = Posterior(-posterior.mean, posterior.own, posterior.shared)
    np.testing.assert_allclose(expected_ranks(turned), 13 - ranks)


def test_intervals_are_quantiles(posterior):
    low, high = rank_intervals(posterior, 0.9, 4001, np.random.default_rng(4))
    drawn = posterior.draw(4001, np.random.default_rng(9)).argsort(axis=1).argsort(axis=1) + 1
    quantiles = np.quantile(drawn, [0.05, 0.95], axis=0)
    assert (np.abs(np.array([low, high]) - quantiles) <= 1).all()
    assert ((low >= 1) & (high <= 12) & (low <= high)).all()


def test_groups_that_cannot_differ_share_a_rank():
    same = Posterior(np.zeros(5), np.zeros(5), np.ones((5, 1)))
    np.testing.assert_array_equal(expected_ranks(same), [3.0] * 5)


def test_too_many_groups():
    many = Posterior(np.zeros(20_001), np.ones(20_001), np.zeros((20_001, 1)))
    with pytest.raises(NotSupportedError, match="20,001 groups; at most 20,000"):
        expected_ranks(many)


@pytest.mark.parametrize(
    ("name", "formula", "factor"),
    [
        ("sleepstudy", "Reaction ~ Days + (Days | Subject)", 0),
        ("hsb", "math ~ sector * cses + (cses | school)", 0),
        ("pastes", "strength ~ 1 + (1 | batch/cask)", 0),
        ("pastes", "strength ~ 1 + (1 | batch/cask)", 1),
        ("penicillin", "diameter ~ 1 + (1 | plate) + (1 | sample)", 1),
    ],
)
def test_distribution_is_that_of_the_mixed_model_equations(name, formula, factor):
    fit = mlm.lmer(formula, mlm.datasets.load(name))
    matrices, state = fit.model.matrices, fit.state
    effects = factor_effects(matrices, state, factor)
    joint, offsets = joint_covariance(matrices, state), effect_offsets(matrices)
    [t] = effects.terms
    k, J = len(effects.names), effects.factor.n_levels
    for q in range(k):
        at = offsets[t] + q + k * np.arange(J)
        found = _posterior(matrices, state, effects, q)
        covariance = np.diag(found.own) + found.shared @ found.shared.T
        scale = np.abs(joint[np.ix_(at, at)]).max()
        np.testing.assert_allclose(covariance / scale, joint[np.ix_(at, at)] / scale, atol=1e-9)
    assert effects.alone == (not (name == "penicillin" or factor == 1))
    if effects.alone:
        assert independent_groups(effects, state, 0).shared.shape == (J, len(state.beta))
