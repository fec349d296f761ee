"""Tests with degrees of freedom that belong to coefficients, and the F test."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from multilevel.inference.degrees_of_freedom import TabledDf, f_test

BETA = np.array([1.0, -2.0, 0.5])
VCOV = np.array([[0.5, 0.1, 0.0], [0.1, 0.4, 0.2], [0.0, 0.2, 0.9]])
ROOT = np.linalg.cholesky(VCOV)
TESTS = TabledDf("rule", BETA, ROOT, np.array([9.0, 4.0, np.inf]))


def test_a_contrast_has_the_smallest_df_it_involves():
    L = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 2], [1, 0, -1], [0, 0, 0]])
    assert TESTS.df(L).tolist() == [9, 4, np.inf, 9, np.inf]


def test_f_test_is_the_quadratic_form():
    L, null = np.array([[1.0, 0, 0], [0, 1, 1]]), np.array([0.5, -1.0])
    joint = TESTS.joint(L, null)
    gap = L @ BETA - null
    expected = gap @ np.linalg.solve(L @ VCOV @ L.T, gap) / 2
    assert joint.statistic == pytest.approx(expected, rel=1e-12)
    assert (joint.df, joint.df_residual) == (2, 4)
    assert joint.p_value == pytest.approx(stats.f.sf(expected, 2, 4), rel=1e-12)


def test_infinite_df_is_the_chi_squared_test():
    joint = TESTS.joint(np.array([[0.0, 0, 1]]))
    z = 0.5 / np.sqrt(0.9)
    assert joint.p_value == pytest.approx(2 * stats.norm.sf(z), rel=1e-12)


def test_redundant_rows_count_once():
    L = np.array([[1.0, 0, 0], [0, 1, 0], [1, 1, 0]])
    joint, plain = f_test(TESTS, L, None, 10.0), f_test(TESTS, L[:2], None, 10.0)
    assert joint.df == 2
    assert joint.statistic == pytest.approx(plain.statistic, rel=1e-10)


def test_rank_does_not_depend_on_units():
    scale = np.array([1.0, 1e-9, 1e6])
    scaled = TabledDf("rule", BETA * scale, ROOT * scale[:, None], np.full(3, 9.0))
    plain = TabledDf("rule", BETA, ROOT, np.full(3, 9.0))
    a, b = scaled.joint(np.eye(3)), plain.joint(np.eye(3))
    assert (a.df, b.df) == (3, 3)
    assert a.statistic == pytest.approx(b.statistic, rel=1e-9)
