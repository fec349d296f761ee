"""Adjusted p values and simultaneous intervals."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import studentized_range

from multilevel.inference.max_t import LargestT
from multilevel.inference.multiplicity import Family
from multilevel.inference.studentized_range import studentized_range_isf, studentized_range_sf

EXACT = ("none", "tukey", "sidak", "bonferroni", "scheffe", "mvt")
ALL = (*EXACT, "holm", "bh", "by")
# scipy's studentized range, by adaptive quadrature to 1e-11.
RANGE_ATOL = 1e-10
# Quasi-Monte Carlo of the largest t: relative to p values of three to twenty means.
MVT_RTOL = {3: 1e-4, 4: 1e-3, 6: 1e-3, 10: 3e-3, 20: 1e-2}


def pairs(k):
    return np.array([np.eye(k)[a] - np.eye(k)[b] for a, b in combinations(range(k), 2)])


def family(statistic, df=np.inf, root=None, n_means=0):
    statistic = np.asarray(statistic, dtype=float)
    root = np.eye(len(statistic)) if root is None else root
    return Family(statistic, np.broadcast_to(float(df), statistic.shape), root, n_means)


@pytest.mark.parametrize("k", [2, 3, 10, 60])
@pytest.mark.parametrize("df", [1.0, 2.0, 3.3, 10.0, 51.0, 1000.0, np.inf])
def test_studentized_range(k, df):
    for q in (0.3, 2.0, 4.2, 9.0):
        expected = studentized_range.sf(q, k, df)
        np.testing.assert_allclose(studentized_range_sf(q, k, df), expected, atol=RANGE_ATOL)
    quantile = studentized_range_isf(0.05, k, df)
    np.testing.assert_allclose(quantile, studentized_range.ppf(0.95, k, df), rtol=1e-8)


def test_studentized_range_of_two_is_t():
    for df in (1.0, 7.5, 1e6):
        expected = 2 * stats.t.sf(3.0, df)
        np.testing.assert_allclose(
            studentized_range_sf(3.0 * np.sqrt(2), 2, df), expected, rtol=1e-11
        )


def test_studentized_range_in_the_tail():
    """No cancellation: the range of k normals beyond w is that of the pairs for large w."""
    w = 12.0
    expected = 45 * 2 * stats.norm.sf(w / np.sqrt(2))
    np.testing.assert_allclose(studentized_range_sf(w, 10, np.inf), expected, rtol=1e-3)
    assert np.isnan(studentized_range_sf(np.nan, 3, 5.0))
    assert studentized_range_sf(0.0, 3, 5.0) == 1.0


@pytest.mark.parametrize("k", MVT_RTOL)
@pytest.mark.parametrize("df", [3.3, 20.0, np.inf])
def test_largest_t_of_all_pairs_is_tukey(k, df):
    """All pairs of means with equal variances: a singular correlation matrix, known exactly."""
    largest = LargestT(pairs(k))
    for t in (1.0, 2.0, 3.0, 5.0):
        expected = studentized_range_sf(t * np.sqrt(2), k, df)
        np.testing.assert_allclose(largest.sf(t, df), expected, rtol=MVT_RTOL[k])
    critical = studentized_range_isf(0.05, k, df) / np.sqrt(2)
    np.testing.assert_allclose(largest.isf(0.05, df), critical, rtol=1e-3)


def test_largest_t_against_scipy():
    """A Dunnett family with unequal weights, by scipy's integral of the multivariate t."""
    root = np.array([[1.0, 0.5, 0.0, 0.0], [1.0, 0.0, 0.8, 0.0], [1.0, 0.0, 0.0, 1.3]])
    covariance = root @ root.T
    sd = np.sqrt(covariance.diagonal())
    t = 2.3
    inside = stats.multivariate_t(shape=covariance / np.outer(sd, sd), df=12.0).cdf(
        np.full(3, t), lower_limit=np.full(3, -t), random_state=1
    )
    np.testing.assert_allclose(LargestT(root).sf(t, 12.0), 1.0 - inside, atol=1e-4)


def test_largest_t_of_one_and_of_equal_ones():
    for root in (np.array([[2.0, 1.0]]), np.array([[1.0, 2.0], [-2.0, -4.0]])):
        expected = 2 * stats.t.sf(2.1, 9.0)
        np.testing.assert_allclose(LargestT(root).sf(2.1, 9.0), expected, rtol=1e-12)


def test_largest_t_is_the_same_every_time():
    assert LargestT(pairs(6)).sf(2.0, 8.0) == LargestT(pairs(6)).sf(2.0, 8.0)


def test_independent_statistics():
    """Sidak is exact for independent normal statistics, and so is mvt."""
    tests = family([1.5, -2.2, 0.4])
    np.testing.assert_allclose(tests.p_values("mvt"), tests.p_values("sidak"), rtol=1e-3)
    np.testing.assert_allclose(
        tests.critical_values("mvt", 0.9), tests.critical_values("sidak", 0.9), rtol=1e-4
    )


P = np.array([0.01, 0.04, 0.03, 0.5, 0.005])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("none", P),
        ("bonferroni", [0.05, 0.2, 0.15, 1.0, 0.025]),
        ("sidak", 1 - (1 - P) ** 5),
        # Step down: 5 x .005, 4 x .01, 3 x .03, 2 x .04 (not below the one before), .5.
        ("holm", [0.04, 0.09, 0.09, 0.5, 0.025]),
        # Step up: .5, 5/4 x .04, 5/3 x .03, 5/2 x .01, 5 x .005, none above the one before.
        ("bh", [0.025, 0.05, 0.05, 0.5, 0.025]),
    ],
)
def test_p_values_by_hand(method, expected):
    statistic = stats.t.isf(P / 2, 8.0)
    np.testing.assert_allclose(family(statistic, 8.0).p_values(method), expected, rtol=1e-10)


def test_benjamini_yekutieli():
    tests = family(stats.norm.isf(P / 2))
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5
    expected = np.minimum(tests.p_values("bh") * harmonic, 1.0)
    np.testing.assert_allclose(tests.p_values("by"), expected, rtol=1e-12)


def test_scheffe():
    tests = family([2.0, 3.0, 1.0], 14.0, pairs(3))
    assert tests.rank == 2
    np.testing.assert_allclose(tests.p_values("scheffe"), stats.f.sf([2.0, 4.5, 0.5], 2, 14.0))
    bound = np.sqrt(2 * stats.f.ppf(0.95, 2, 14.0))
    np.testing.assert_allclose(tests.critical_values("scheffe", 0.95), bound)
    large = family([2.0], np.inf, np.ones((1, 1)))
    np.testing.assert_allclose(large.p_values("scheffe"), 2 * stats.norm.sf(2.0))
    np.testing.assert_allclose(large.critical_values("scheffe", 0.9), stats.norm.isf(0.05))


@pytest.mark.parametrize("method", ALL)
def test_a_single_test_needs_no_adjustment(method):
    tests = family([2.3], 7.0, np.array([[1.0, -1.0]]), n_means=2)
    np.testing.assert_allclose(tests.p_values(method), 2 * stats.t.sf(2.3, 7.0), rtol=1e-9)
    np.testing.assert_allclose(tests.critical_values(method, 0.95), stats.t.isf(0.025, 7.0))


@pytest.mark.parametrize("method", EXACT)
@pytest.mark.parametrize("df", [4.0, np.inf])
def test_p_value_of_a_critical_value(method, df):
    """Intervals exclude zero exactly where the adjusted p value is below alpha."""
    k = 4
    critical = family(np.ones(6), df, pairs(k), k).critical_values(method, 0.9)
    p_values = family(critical, df, pairs(k), k).p_values(method)
    np.testing.assert_allclose(p_values, 0.1, rtol=1e-6)


@pytest.mark.parametrize("method", ["holm", "bh", "by"])
def test_intervals_of_stepwise_methods_are_bonferroni_s(method):
    tests = family([1.0, 2.0, 3.0], 6.0)
    np.testing.assert_array_equal(
        tests.critical_values(method, 0.95), tests.critical_values("bonferroni", 0.95)
    )


@settings(max_examples=50, deadline=None)
@given(
    st.integers(3, 5).flatmap(
        lambda k: st.tuples(
            st.just(k),
            st.lists(st.floats(-6, 6), min_size=k * (k - 1) // 2, max_size=k * (k - 1) // 2),
        )
    ),
    st.sampled_from([2.5, 11.0, np.inf]),
)
def test_order_of_methods(data, df):
    """No adjustment makes a test more significant; stronger claims have larger p values."""
    k, statistic = data
    tests = family(statistic, df, pairs(k), k)
    p = {method: tests.p_values(method) for method in ALL}
    for values in p.values():
        assert ((values >= 0) & (values <= 1)).all()
        assert (values >= p["none"] * (1 - 1e-9)).all()
    assert (p["tukey"] <= p["sidak"] * (1 + 1e-9)).all()
    assert (p["sidak"] <= p["bonferroni"] * (1 + 1e-9)).all()
    assert (p["holm"] <= p["bonferroni"]).all()
    assert (p["bh"] <= p["holm"] * (1 + 1e-12)).all()
    assert (p["tukey"] <= p["scheffe"] * (1 + 1e-9)).all()


def test_degrees_of_freedom_of_each():
    tests = Family(np.array([2.5, 2.5]), np.array([3.0, np.inf]), np.eye(2), 3)
    for method in EXACT:
        low, high = tests.p_values(method)
        assert low > high
        wide, narrow = tests.critical_values(method, 0.95)
        assert wide > narrow
