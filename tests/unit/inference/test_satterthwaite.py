"""Satterthwaite's degrees of freedom: closed forms, invariance, several contrasts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multilevel as mlm
from multilevel.inference.satterthwaite import _pooled_df

# theta is at the optimum to about the root of the Newton decrement.
CLOSED = 1e-6


def one_way(groups: int, per_group: int, seed: int = 0, effect: float = 3.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(groups), per_group)
    x = np.tile(np.arange(per_group, dtype=float), groups)
    y = 10 + effect * rng.normal(size=groups)[g] + x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "g": g, "x": x})


def test_balanced_one_way_has_the_degrees_of_freedom_of_its_strata():
    fit = mlm.lmer("y ~ x + (1 | g)", one_way(7, 5))
    table = fit.tidy().set_index("term")
    assert table.loc["x", "df"] == pytest.approx(7 * 4 - 1, rel=CLOSED)
    mean = fit._fixed_tests().df(np.array([[1.0, 2.0]]))  # at the mean of x: between groups only
    assert mean[0] == pytest.approx(6, rel=CLOSED)


def test_balanced_slopes_have_groups_minus_one():
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    np.testing.assert_allclose(fit._fixed_tests().df(np.eye(2)), 17.0, rtol=CLOSED)


def test_least_squares_has_rows_minus_coefficients():
    fit = mlm.lmer("y ~ x", one_way(4, 5))
    np.testing.assert_allclose(fit._fixed_tests("satterthwaite").df(np.eye(2)), 18.0, rtol=CLOSED)
    assert fit.tidy()["df"].tolist() == [18.0, 18.0]


def test_a_single_contrast_gives_the_squared_t_test():
    tests = mlm.lmer("y ~ x + (x | g)", one_way(9, 6))._fixed_tests()
    L = np.array([[0.3, -2.0]])
    joint = tests.joint(L)
    t = (L @ tests.beta)[0] / np.sqrt((L @ tests.vcov @ L.T)[0, 0])
    assert joint.statistic == pytest.approx(t**2, rel=1e-12)
    assert (joint.df, joint.df_residual) == (1, pytest.approx(tests.df(L)[0], rel=1e-9))


def test_joint_tests_do_not_depend_on_the_basis_of_the_hypothesis():
    cake = mlm.datasets.load("cake")
    tests = mlm.lmer("angle ~ recipe * temp + (1 | recipe:replicate)", cake)._fixed_tests()
    L = np.eye(len(tests.beta))[[1, 2]]
    turned = np.array([[2.0, 1.0], [1.0, -3.0], [3.0, -2.0]]) @ L  # the third row is redundant
    a, b = tests.joint(L), tests.joint(turned)
    assert (a.df, b.df) == (2, 2)
    np.testing.assert_allclose(
        [a.statistic, a.df_residual, a.p_value], [b.statistic, b.df_residual, b.p_value], rtol=1e-8
    )


def test_contrasts_with_known_variances_have_infinite_degrees_of_freedom():
    assert _pooled_df(np.array([np.inf, np.inf])) == np.inf
    # E = 10 / 8 + 1, and 2 E / (E - 2)
    assert _pooled_df(np.array([10.0, np.inf])) == pytest.approx(18.0, rel=1e-12)


def test_no_contrast_at_all_is_no_test():
    tests = mlm.lmer("y ~ x + (1 | g)", one_way(5, 4))._fixed_tests()
    empty = tests.joint(np.zeros((1, 2)))
    assert empty.df == 0
    assert np.isnan(empty.p_value)


@given(st.floats(-50, 50), st.floats(0.01, 100), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_shift_and_scale_of_predictor_and_response_change_nothing(shift, scale, seed):
    data = one_way(8, 5, seed)
    moved = data.assign(x=shift + scale * data["x"], y=shift - scale * data["y"])
    a = mlm.lmer("y ~ x + (x | g)", data)._fixed_tests()
    b = mlm.lmer("y ~ x + (x | g)", moved)._fixed_tests()
    slope = np.array([[0.0, 1.0]])
    np.testing.assert_allclose(a.df(slope), b.df(slope), rtol=1e-4)


def test_singular_fits_say_that_they_were_reduced():
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2"))
    assert fit.tidy()["df"][0] == pytest.approx(29, rel=CLOSED)
    assert "reduced model" in str(fit.summary())
    assert "reduced model" not in str(fit.summary(df_method="asymptotic"))
