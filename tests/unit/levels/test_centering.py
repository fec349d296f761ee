"""Parts of a variable: they add up, and each is what it says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from multilevel.levels.centering import crossed_parts, group_means, nested_parts
from multilevel.levels.nesting import is_nested

# Sums of a few numbers of size up to 1e6.
ATOL = 1e-8

values = st.floats(-1e6, 1e6, allow_nan=False)
rows = st.lists(
    st.tuples(st.one_of(values, st.just(float("nan"))), st.integers(0, 4), st.integers(0, 3)),
    min_size=1,
    max_size=30,
)


@given(rows)
def test_parts_add_up(table):
    x, a, b = (np.array(column) for column in zip(*table, strict=True))
    a, b = a.astype(np.int32), b.astype(np.int32)
    inside = (a * 4 + b).astype(np.int32)
    for parts in (nested_parts(x, [(a, 5), (inside, 20)]), crossed_parts(x, [(a, 5), (b, 4)])):
        there = ~np.isnan(x)
        np.testing.assert_allclose(sum(parts)[there], x[there], rtol=0, atol=ATOL)
        assert np.isnan(parts[-1][~there]).all()


@given(rows)
def test_deviations_have_mean_zero_and_means_are_constant(table):
    x, a, _ = (np.array(column) for column in zip(*table, strict=True))
    a = a.astype(np.int32)
    between, within = nested_parts(x, [(a, 5)])
    for group in np.unique(a):
        here = a == group
        if np.isnan(x[here]).all():
            assert np.isnan(between[here]).all()
            continue
        np.testing.assert_allclose(np.nansum(within[here]), 0.0, atol=ATOL)
        assert np.ptp(between[here]) == 0.0
        np.testing.assert_allclose(between[here][0], np.nanmean(x[here]), atol=ATOL)


def test_no_variation_leaves_exact_zeros():
    codes = np.repeat([0, 1], 7).astype(np.int32)
    x = np.repeat([0.1, 1e9 / 3], 7)
    between, within = nested_parts(x, [(codes, 2)])
    assert not within.any()
    np.testing.assert_array_equal(between, x)
    np.testing.assert_array_equal(group_means(x, codes, 2), x)


def test_nesting():
    fine, coarse = np.array([0, 0, 1, 2], dtype=np.int32), np.array([0, 0, 0, 1], dtype=np.int32)
    assert is_nested(fine, 3, coarse)
    assert not is_nested(coarse, 2, fine)


def test_a_factor_that_is_nested_beside_a_crossed_one_has_deviations_from_its_parent():
    rng = np.random.default_rng(1)
    region = np.repeat(np.arange(3), 24).astype(np.int32)
    school = np.repeat(np.arange(12), 6).astype(np.int32)
    hood = np.tile(np.arange(6), 12).astype(np.int32)  # balanced: parts are orthogonal
    x = rng.normal(size=72) + 5.0 * region + rng.normal(size=12)[school]
    regions, schools, hoods, rest = crossed_parts(
        x, [(region, 3), (school, 12), (hood, 6)], [None, 0, None]
    )
    np.testing.assert_allclose(regions + schools + hoods + rest, x, rtol=0, atol=ATOL)
    for codes, n in ((region, 3), (school, 12), (hood, 6)):
        np.testing.assert_allclose(group_means(rest, codes, n), 0.0, atol=ATOL)
    np.testing.assert_allclose(group_means(schools, region, 3), 0.0, atol=ATOL)
