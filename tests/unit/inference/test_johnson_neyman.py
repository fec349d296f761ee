"""Regions of significance against the closed form, and their logic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from multilevel.inference.degrees_of_freedom import TabledDf
from multilevel.inference.johnson_neyman import significance_regions

# The root is found to 1e-14 of an angle.
RTOL = 1e-9
ORIGIN, CHANGE = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def regions(beta, vcov, df, level=0.95, low=-2.0, high=2.0):
    tests = TabledDf("test", np.array(beta), np.linalg.cholesky(vcov), np.full(2, df))
    return significance_regions(tests, ORIGIN, CHANGE, level, low, high)


def closed_form(beta, vcov, df, level):
    """Bauer & Curran (2005), equation 10: the roots of a quadratic."""
    t2 = stats.t.isf((1 - level) / 2, df) ** 2
    a = t2 * vcov[1][1] - beta[1] ** 2
    b = 2 * (t2 * vcov[0][1] - beta[0] * beta[1])
    c = t2 * vcov[0][0] - beta[0] ** 2
    roots = np.roots([a, b, c])
    return np.sort(roots.real) if np.isreal(roots).all() else np.array([])


CASES = {
    "outside two bounds": ([0.2, 1.0], [[0.04, 0.0], [0.0, 0.01]], 12.0),
    "between two bounds": ([1.0, 0.1], [[0.04, -0.01], [-0.01, 0.05]], 8.0),
    "nowhere": ([0.1, 0.1], [[1.0, 0.2], [0.2, 1.0]], 30.0),
    "everywhere": ([5.0, 0.1], [[0.04, 0.0], [0.0, 0.0004]], np.inf),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("level", [0.9, 0.99])
def test_closed_form(case, level):
    beta, vcov, df = CASES[case]
    found = regions(beta, vcov, df, level)
    bounds = [region.low for region in found[1:]]
    np.testing.assert_allclose(bounds, closed_form(beta, vcov, df, level), rtol=RTOL)
    for region in found:
        z = np.clip((region.low + region.high) / 2, region.low + 1, region.high - 1)
        z = {True: z, False: 0.0}[bool(np.isfinite(z))]
        if region.low < z < region.high:
            row = ORIGIN + z * CHANGE
            statistic = row @ beta / np.sqrt(row @ np.array(vcov) @ row)
            assert region.significant == (2 * stats.t.sf(abs(statistic), df) < 1 - level)


def test_kinds_of_regions():
    signs = {case: [r.significant for r in regions(*CASES[case])] for case in CASES}
    assert signs["outside two bounds"] == [True, False, True]
    assert signs["between two bounds"] == [False, True, False]
    assert signs["nowhere"] == [False]
    found = regions(*CASES["everywhere"])
    assert [r.significant for r in found][len(found) // 2] in (True, False)
    assert (found[0].low, found[-1].high) == (-np.inf, np.inf)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    st.tuples(st.floats(0.1, 1), st.floats(0.1, 1), st.floats(-0.9, 0.9)),
    st.floats(-5, 5),
    st.floats(0.1, 10),
)
def test_bounds_move_with_the_moderator(beta, spread, shift, scale):
    """Another origin and unit of the moderator: the same bounds, in that unit."""
    s0, s1, corr = spread
    vcov = np.array([[s0**2, corr * s0 * s1], [corr * s0 * s1, s1**2]])
    bounds = [r.low for r in regions(beta, vcov, 15.0)[1:]]
    expected = closed_form(beta, vcov, 15.0, 0.95)
    assume(len(expected) == 0 or (np.abs(expected) < 30).all())
    assume(len(expected) == 0 or np.ptp(expected) > 0.1)
    np.testing.assert_allclose(bounds, expected, rtol=1e-6, atol=1e-8)
    # w = (z - shift) / scale, so that the slope is (b0 + shift b1) + w scale b1.
    recode = np.array([[1.0, shift], [0.0, scale]])
    tests = TabledDf("test", recode @ beta, recode @ np.linalg.cholesky(vcov), np.full(2, 15.0))
    moved = significance_regions(
        tests, ORIGIN, CHANGE, 0.95, (-2 - shift) / scale, (2 - shift) / scale
    )
    np.testing.assert_allclose(
        [r.low * scale + shift for r in moved[1:]], bounds, rtol=1e-6, atol=1e-8
    )


def test_degrees_of_freedom_may_change():
    """Each end has its own: that of the coefficients that its row involves."""

    class Changing(TabledDf):
        def df(self, L):
            return 3.0 + 10.0 * L[:, 1] ** 2 / (L**2).sum(axis=1)

    beta, vcov = np.array([0.2, 1.0]), np.array([[0.04, 0.0], [0.0, 0.01]])
    tests = Changing("test", beta, np.sqrt(vcov), np.zeros(2))
    found = significance_regions(tests, ORIGIN, CHANGE, 0.95, -2.0, 2.0)
    assert len(found) == 3
    for region in found[1:]:
        row = ORIGIN + region.low * CHANGE
        statistic = abs(row @ beta) / np.sqrt(row @ vcov @ row)
        df = 3.0 + 10.0 * row[1] ** 2 / (row @ row)
        np.testing.assert_allclose(2 * stats.t.sf(statistic, df), 0.05, rtol=1e-9)
