"""Draws of the likelihood ratio of one variance: closed forms and numerical maxima."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from multilevel.exceptions import NotSupportedError
from multilevel.inference import exact_rlrt
from multilevel.inference.exact_rlrt import MOST_GROUPS, Spectrum, simulate_statistics, spectrum


def one_way(groups, m, weights=None):
    codes = np.repeat(np.arange(groups, dtype=np.int32), m)
    n = groups * m
    return spectrum(np.ones((n, 1)), np.ones(n), codes, groups, weights)


def test_eigenvalues_of_a_balanced_layout():
    values = one_way(6, 5)
    np.testing.assert_allclose(values.mu, np.full(5, 5.0), rtol=1e-12)
    np.testing.assert_allclose(values.xi, np.full(6, 5.0), rtol=1e-12)
    assert (values.n, values.p) == (30, 1)


def test_eigenvalues_with_weights_and_slopes():
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 7, 40).astype(np.int32)
    X = np.column_stack([np.ones(40), rng.normal(1e6, 1, 40)])
    z, weights = rng.normal(size=40), rng.uniform(0.5, 2, 40)
    values = spectrum(X, z, codes, 7, weights)
    root = np.sqrt(weights)
    Z = root[:, None] * (codes[:, None] == np.arange(7)) * z[:, None]
    Q = np.linalg.qr(root[:, None] * (X - [0, 1e6]))[0]
    expected = np.linalg.eigvalsh(Z.T @ (Z - Q @ (Q.T @ Z)))
    np.testing.assert_allclose(np.sort(values.mu), expected, rtol=1e-7)
    np.testing.assert_allclose(np.sort(values.xi), np.sort(np.diag(Z.T @ Z)), rtol=1e-12)


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("ratio", [1.5, 2.5, 4.0])
def test_balanced_layouts_have_the_p_value_of_the_f_test(reml, ratio):
    """The likelihood ratio grows with F of the analysis of variance (6 groups of 5)."""
    n = 20_000
    draws = simulate_statistics(one_way(6, 5), n, np.random.default_rng(3), reml=reml)
    between, within = 5 * ratio, 24.0
    # criterion of Eq. 9 (Eq. 6) at a ratio, by lambda
    factor, count = (29, 5) if reml else (30, 6)

    def criterion(log_lambda):
        shrunk = 1 + 5 * np.exp(log_lambda)
        left = between / shrunk + within
        return factor * np.log((between + within) / left) - count * np.log(shrunk)

    best = optimize.minimize_scalar(
        lambda at: -criterion(at), bounds=(-12, 8), method="bounded", options={"xatol": 1e-10}
    )
    p = stats.f(5, 24).sf(ratio)
    found = (draws >= max(-best.fun, 0.0)).mean()
    if -best.fun <= 0:
        assert found == 1.0
    else:
        assert abs(found - p) < 5 * np.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("reml", [True, False])
def test_draws_are_maxima(reml):
    """Of the criterion with the same chi-squared numbers, over all lambda."""
    rng = np.random.default_rng(4)
    values = Spectrum(np.sort(rng.uniform(0.1, 30, 8)), rng.uniform(0.1, 30, 9), 50, 2)
    draws = simulate_statistics(values, 30, np.random.default_rng(5), reml=reml)
    again = np.random.default_rng(5)
    squares, rest = again.chisquare(1.0, (30, 8)), again.chisquare(40, 30)
    logs, factor = (values.mu, 48) if reml else (values.xi, 50)
    grid = np.exp(np.linspace(-12, 8, 20_001))
    for draw, square, other in zip(draws, squares, rest, strict=True):
        left = (square / (1 + np.outer(grid, values.mu))).sum(axis=1) + other
        criterion = factor * np.log((square.sum() + other) / left)
        criterion -= np.log1p(np.outer(grid, logs)).sum(axis=1)
        assert draw == pytest.approx(max(criterion.max(), 0.0), abs=2e-6)


def test_draws_are_made_in_pieces(monkeypatch):
    whole = simulate_statistics(one_way(6, 5), 3000, np.random.default_rng(6), reml=True)
    monkeypatch.setattr(exact_rlrt, "_CHUNK", 100_000)
    pieces = simulate_statistics(one_way(6, 5), 3000, np.random.default_rng(6), reml=True)
    assert pieces.shape == (3000,)
    assert stats.ks_2samp(whole, pieces).pvalue > 1e-4


def test_an_effect_that_the_fixed_part_holds_has_no_likelihood_ratio():
    codes = np.repeat(np.arange(4, dtype=np.int32), 3)
    X = (codes[:, None] == np.arange(4)).astype(float)
    values = spectrum(X, np.ones(12), codes, 4, None)
    assert len(values.mu) == 0
    assert not simulate_statistics(values, 5, np.random.default_rng(0), reml=True).any()


def test_groups_that_are_alike_are_many():
    """Eigenvalues of thousands of groups in which the effect has three sums of squares."""
    n = MOST_GROUPS + 300
    codes = np.repeat(np.arange(n, dtype=np.int32), np.arange(n) % 3 + 1)
    x = np.random.default_rng(7).normal(size=len(codes))
    values = spectrum(np.column_stack([np.ones_like(x), x]), np.ones_like(x), codes, n, None)
    assert len(values.mu) == n - 1
    for size in (1.0, 2.0, 3.0):  # two directions of each size are seen by X
        assert (np.abs(values.mu - size) < 1e-9).sum() >= n // 3 - 2
    few = codes < 60
    own = spectrum(
        np.column_stack([np.ones(few.sum()), x[few]]), np.ones(few.sum()), codes[few], 60, None
    )
    Q = np.linalg.qr(np.column_stack([np.ones(few.sum()), x[few]]))[0]
    Z = (codes[few][:, None] == np.arange(60)).astype(float)
    expected = np.linalg.eigvalsh(Z.T @ (Z - Q @ (Q.T @ Z)))[1:]
    np.testing.assert_allclose(own.mu, expected, rtol=1e-9)


def test_too_many_groups():
    n = MOST_GROUPS + 1
    codes = np.arange(n, dtype=np.int32)
    z = np.linspace(1.0, 2.0, n)
    with pytest.raises(NotSupportedError, match=f"matrix of {n} x {n}.*bootstrap_lrt"):
        spectrum(np.ones((n, 1)), z, codes, n, None)
