"""Kenward & Roger's method against its formulas on n x n matrices; boundaries and bad input."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

import multilevel as mlm
from multilevel.design.matrices import RandomTerm
from multilevel.exceptions import MultilevelWarning, NotSupportedError
from multilevel.inference import components
from multilevel.inference.degrees_of_freedom import f_test
from multilevel.inference.kenward_roger import _check_positive, _scaling, kenward_roger
from multilevel.solver.linear import LinearProblem
from properties.designs import STRUCTURES, draw_model
from twin import DenseTwin

# The twin inverts V (n x n, condition numbers up to about 1e4) where Woodbury's identity is used.
DENSE = 1e-7
# theta of two parametrisations of one model agrees to about the root of the Newton decrement.
REFIT = 1e-5
L = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, -1.0, 2.0]])


class DenseKenwardRoger:
    """Kenward & Roger (1997), term by term, on the covariance matrix of the response."""

    def __init__(self, matrices, state):
        twin = DenseTwin(matrices, reml=True)
        X, s2 = matrices.X, state.sigma**2
        V = s2 * np.diag(1 / twin.w)
        derivatives = []
        blocks = zip(matrices.terms, state.terms, twin._slices(), strict=True)
        for term, part, (start, levels, k) in blocks:
            Z = twin.Z[:, start : start + levels * k]
            V += Z @ np.kron(np.eye(levels), part.covariance) @ Z.T
            scale = np.sqrt(np.mean(term.z**2, axis=0))
            for E in tangent_space(part.covariance, scale, term.covariance):
                derivatives.append(Z @ np.kron(np.eye(levels), E) @ Z.T)
        derivatives.append(np.diag(1 / twin.w))
        Vi = np.linalg.inv(V)
        self.Phi = np.linalg.inv(X.T @ Vi @ X)
        residual = Vi - Vi @ X @ self.Phi @ X.T @ Vi
        PV = [residual @ D for D in derivatives]
        self.W = 2 * np.linalg.inv([[np.sum(A * B.T) for B in PV] for A in PV])
        self.P = [-X.T @ Vi @ D @ Vi @ X for D in derivatives]
        middle = sum(
            self.W[a, b] * (X.T @ Vi @ A @ Vi @ B @ Vi @ X - self.P[a] @ self.Phi @ self.P[b])
            for a, A in enumerate(derivatives)
            for b, B in enumerate(derivatives)
        )
        self.vcov = self.Phi + 2 * self.Phi @ middle @ self.Phi

    def joint(self, C, beta):
        """Scaled F statistic and its degrees of freedom."""
        q = len(C)
        Theta = C.T @ np.linalg.solve(C @ self.Phi @ C.T, C)
        M = [Theta @ self.Phi @ P @ self.Phi for P in self.P]
        a1 = sum(self.W[a, b] * np.trace(A) * np.trace(B)
                 for a, A in enumerate(M) for b, B in enumerate(M))  # fmt: skip
        a2 = sum(self.W[a, b] * np.trace(A @ B)
                 for a, A in enumerate(M) for b, B in enumerate(M))  # fmt: skip
        B = (a1 + 6 * a2) / (2 * q)
        g = ((q + 1) * a1 - (q + 4) * a2) / ((q + 2) * a2)
        c1, c2, c3 = np.array([g, q - g, q + 2 - g]) / (3 * q + 2 * (1 - g))
        mean = 1 / (1 - a2 / q)
        variance = 2 / q * (1 + c1 * B) / ((1 - c2 * B) ** 2 * (1 - c3 * B))
        rho = variance / (2 * mean**2)
        m = 4 + (q + 2) / (q * rho - 1)
        scale = m / (mean * (m - 2))
        wald = (C @ beta) @ np.linalg.solve(C @ self.vcov @ C.T, C @ beta) / q
        return scale * wald, m


def tangent_space(G, scale, kind):
    """Symmetric matrices E with n'En = 0 for all n, m with Gn = Gm = 0: the rank stays."""
    k = len(G)
    if kind == "independent":
        return [np.diag(unit) for unit, g in zip(np.eye(k), G.diagonal(), strict=True) if g > 0]
    values, vectors = np.linalg.eigh(G * np.outer(scale, scale))
    null = scale[:, None] * vectors[:, values <= 1e-10 * max(values[-1], 1e-300)]
    units = []
    for i, j in combinations_with_replacement(range(k), 2):
        E = np.zeros((k, k))
        E[i, j] = E[j, i] = 1.0
        units.append(E)
    conditions = np.array([(null.T @ E @ null).ravel() for E in units]).T.reshape(-1, len(units))
    _, s, rows = np.linalg.svd(np.vstack([conditions, np.zeros((1, len(units)))]))
    rank = int((s > 1e-10 * max(s.max(), 1.0)).sum())
    return [np.tensordot(row, units, axes=1) for row in rows[rank:]]


def fitted(matrices):
    return LinearProblem.from_matrices(matrices).fit(reml=True)


def assert_agrees(matrices, state):
    tests, dense = kenward_roger(matrices, state), DenseKenwardRoger(matrices, state)
    scale = np.sqrt(np.outer(dense.vcov.diagonal(), dense.vcov.diagonal()))
    np.testing.assert_allclose(tests.vcov / scale, dense.vcov / scale, atol=DENSE)
    for C in (L[:1], L[1:2], L[2:], L[1:], L):
        statistic, m = dense.joint(C, state.beta)
        if not (statistic > 0.0 and m > 0.0):  # moments that no F distribution has
            with pytest.warns(MultilevelWarning, match="no F distribution has the moments"):
                assert np.isnan(tests.joint(C).p_value)
            continue
        joint = tests.joint(C)
        assert joint.df == len(C)
        np.testing.assert_allclose([joint.statistic, joint.df_residual], [statistic, m], rtol=DENSE)
        assert joint.p_value == pytest.approx(stats.f.sf(statistic, len(C), m), rel=1e-5)
        if len(C) == 1:
            assert tests.df(C)[0] == pytest.approx(m, rel=DENSE)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_dense_formulas(structure, weighted):
    matrices = draw_model(5, structure, weighted=weighted, offset=weighted)
    assert_agrees(matrices, fitted(matrices))


@given(st.integers(0, 2**32 - 1), st.sampled_from(list(STRUCTURES)), st.booleans())
@settings(max_examples=40, deadline=None)
def test_dense_formulas_of_random_designs(seed, structure, weighted):
    matrices = draw_model(seed, structure, weighted=weighted, offset=False)
    state = fitted(matrices)
    # Near the boundary rank is a matter of tolerance; q rho = 1 leaves df without a digit.
    spread = [np.linalg.svd(part.relative_factor)[1] for part in state.terms]
    assume(all(((s < 1e-7) | (s > 1e-3)).all() for s in spread))
    assert_agrees(matrices, state)


def test_small_batches_change_nothing(monkeypatch):
    matrices = draw_model(3, "(1|c)+(x|s)+(1|h)", weighted=True, offset=False)
    nested = draw_model(3, "(x|c)+(x|s)", weighted=True, offset=False)
    for arrays in (matrices, nested):
        state = fitted(arrays)
        whole = kenward_roger(arrays, state)
        monkeypatch.setattr(components, "_BATCH", 1)
        parts = kenward_roger(arrays, state)
        monkeypatch.undo()
        np.testing.assert_allclose(parts.vcov, whole.vcov, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(parts.df(L), whole.df(L), rtol=1e-9)


# -- data frames -----------------------------------------------------------------------------------


def panel(seed=0, groups=9, slope=1.0, effect=1.0):
    rng = np.random.default_rng(seed)
    g = np.sort(rng.integers(0, groups, 7 * groups))
    x = rng.normal(size=len(g))
    y = 2 + x + effect * rng.normal(size=groups)[g] + slope * rng.normal(size=groups)[g] * x
    return pd.DataFrame(
        {"y": y + rng.normal(size=len(g)), "x": x, "g": g, "w": rng.normal(size=groups)[g]}
    )


def kr(formula, data, **options):
    return mlm.lmer(formula, data, **options)._fixed_tests("kenward-roger")


def test_the_method_has_a_name_and_nothing_to_note():
    tests = kr("y ~ x + w + (x | g)", panel())
    assert tests.label == "Kenward-Roger"
    assert tests.note is None


def test_a_dead_term_is_as_if_it_were_not_there():
    rng = np.random.default_rng(1)
    data = panel(slope=0.0).assign(h=rng.permutation(63) // 9)
    data["e"] = data["y"] - data["x"]
    data["y"] -= data.groupby("h")["e"].transform("mean")  # groups of h are more alike than chance
    fit = mlm.lmer("y ~ x + w + (1 | g) + (1 | h)", data)
    assert fit.is_singular
    assert fit.theta[1] == 0.0
    dead, gone = fit._fixed_tests("kenward-roger"), kr("y ~ x + w + (1 | g)", data)
    np.testing.assert_allclose(dead.vcov, gone.vcov, rtol=REFIT, atol=1e-10)
    np.testing.assert_allclose(dead.df(L), gone.df(L), rtol=REFIT)
    assert "reduced model" in dead.note


def test_without_variance_between_groups_it_is_least_squares():
    data = panel(slope=0.0, effect=0.0)
    data["y"] -= data.groupby("g")["y"].transform("mean")
    tests = kr("y ~ x + w + (1 | g)", data)
    np.testing.assert_allclose(tests.df(L), 60.0, rtol=REFIT)
    np.testing.assert_allclose(tests.vcov, mlm.lmer("y ~ x + w", data).vcov, rtol=REFIT, atol=1e-12)


def test_perfect_correlation_is_a_matrix_of_rank_one():
    rng = np.random.default_rng(4)
    data = panel(slope=0.0, effect=0.0)
    data["y"] += 2 * rng.normal(size=9)[data["g"]] * (1 + 0.5 * data["x"])
    fit = mlm.lmer("y ~ x + w + (x | g)", data)
    matrices = fit.model.matrices
    assert fit.is_singular
    assert np.linalg.matrix_rank(fit.state.terms[0].relative_factor, tol=1e-6) == 1
    assert_agrees(matrices, fit.state)
    tests = fit._fixed_tests("kenward-roger")
    df = tests.df(np.eye(3))
    assert 4 < df.min() < df.max() < 63
    assert (tests.vcov.diagonal() >= fit.vcov.diagonal() * (1 - 1e-9)).all()


def test_least_squares():
    data = panel()
    fit = mlm.lmer("y ~ x + w", data)
    tests = fit._fixed_tests("kenward-roger")
    np.testing.assert_allclose(tests.df(L), 60.0, rtol=1e-10)
    np.testing.assert_allclose(tests.vcov, fit.vcov, rtol=1e-10)
    exact = f_test(fit._fixed_tests("residual"), L[1:], None, 60.0)
    joint = tests.joint(L[1:])
    assert joint.statistic == pytest.approx(exact.statistic, rel=1e-9)
    assert joint.df_residual == pytest.approx(60.0, rel=1e-9)


def test_no_fixed_effects_at_all():
    tests = kr("y ~ 0 + (1 | g)", panel())
    assert tests.vcov.shape == (0, 0)
    assert tests.df(np.zeros((0, 0))).shape == (0,)


def test_dropped_columns():
    data = panel()
    with pytest.warns(mlm.exceptions.RankDeficientWarning):
        fit = mlm.lmer("y ~ x + I(2 * x) + w + (1 | g)", data)
    plain = kr("y ~ x + w + (1 | g)", data)
    np.testing.assert_allclose(fit._fixed_tests("kenward-roger").df(L), plain.df(L), rtol=REFIT)


def test_two_names_for_one_direction_count_once():
    """Derivatives of V that are linearly dependent: the same term twice, with half the variance."""
    matrices = draw_model(1, "(1|g)", weighted=False, offset=False)
    state = fitted(matrices)
    assert not state.is_singular
    once = kenward_roger(matrices, state)
    term, part = matrices.terms[0], state.terms[0]
    half = RandomTerm(term.factor, term.names, term.z / np.sqrt(2), term.covariance, term.label)
    twice = kenward_roger(replace(matrices, terms=(half, half)), replace(state, terms=(part, part)))
    np.testing.assert_allclose(twice.vcov, once.vcov, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(twice.df(L), once.df(L), rtol=1e-8)


@given(st.floats(-1e3, 1e3), st.floats(0.01, 100), st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_shift_and_scale_change_nothing(shift, scale, seed):
    data = panel(seed)
    moved = data.assign(x=shift + scale * data["x"], y=shift - scale * data["y"])
    a, b = kr("y ~ x + w + (x | g)", data), kr("y ~ x + w + (x | g)", moved)
    slopes = np.eye(3)[1:]
    np.testing.assert_allclose(a.df(slopes), b.df(slopes), rtol=REFIT)
    np.testing.assert_allclose(a.joint(slopes).statistic, b.joint(slopes).statistic, rtol=REFIT)
    np.testing.assert_allclose(a.vcov[1, 1], b.vcov[1, 1], rtol=REFIT)


# -- joint tests -----------------------------------------------------------------------------------


def test_one_contrast_gives_the_squared_t_test():
    tests = kr("y ~ x + w + (x | g)", panel())
    C = np.array([[0.0, 0.3, -2.0]])
    joint = tests.joint(C, np.array([0.25]))
    t = (C @ tests.beta - 0.25)[0] / np.sqrt((C @ tests.vcov @ C.T)[0, 0])
    assert joint.statistic == pytest.approx(t**2, rel=1e-12)
    assert joint.df_residual == pytest.approx(tests.df(C)[0], rel=1e-9)
    assert joint.p_value == pytest.approx(2 * stats.t.sf(abs(t), tests.df(C)[0]), rel=1e-9)


def test_joint_tests_do_not_depend_on_the_basis_of_the_hypothesis():
    tests = kr("y ~ x + w + (x | g)", panel())
    C = np.eye(3)[1:]
    turned = np.array([[2.0, 1.0], [1.0, -3.0], [3.0, -2.0]]) @ C  # the third row is redundant
    a, b = tests.joint(C), tests.joint(turned)
    assert (a.df, b.df) == (2, 2)
    np.testing.assert_allclose(
        [a.statistic, a.df_residual, a.p_value], [b.statistic, b.df_residual, b.p_value], rtol=1e-8
    )


def test_no_contrast_at_all_is_no_test():
    empty = kr("y ~ x + w + (x | g)", panel()).joint(np.zeros((1, 3)))
    assert empty.df == 0
    assert np.isnan(empty.p_value)


def test_balanced_split_plot_has_exact_tests():
    """Whole plots on 2 degrees of freedom, where the mean of F does not exist; sub plots on 20."""
    beets = mlm.datasets.load("beets")
    tests = kr("sugpct ~ block + sow + harvest + (1 | block:harvest)", beets)
    harvest = tests.joint(np.eye(8)[[7]])
    sow = tests.joint(np.eye(8)[3:7])
    blocks = tests.joint(np.eye(8)[1:3])
    np.testing.assert_allclose(harvest.statistic, 15.210526, rtol=1e-6)  # 289 / 19
    assert harvest.df_residual == pytest.approx(2.0, rel=1e-6)
    assert harvest.p_value == pytest.approx(0.059898, rel=1e-4)
    np.testing.assert_allclose(sow.statistic, 101.0, rtol=1e-6)
    assert (sow.df, sow.df_residual) == (4, pytest.approx(20.0, rel=1e-6))
    plots = beets.groupby(["block", "harvest"])["sugpct"].mean().unstack()
    error = (plots - plots.mean() + plots.to_numpy().mean()).sub(plots.mean(axis=1), axis=0)
    between = plots.mean(axis=1).var(ddof=1) * 2
    assert blocks.statistic == pytest.approx(between / ((error**2).to_numpy().sum() / 2), rel=1e-6)
    assert (blocks.df, blocks.df_residual) == (2, pytest.approx(2.0, rel=1e-6))


@given(st.integers(2, 8), st.floats(0.6, 500))
@settings(max_examples=60, deadline=None)
def test_scaling_gives_hotellings_and_anovas_f(q, share):
    """A1 and A2 of an exact F with m degrees of freedom (Kenward & Roger 1997, Sec. 3)."""
    m = 4 + share
    scale, df = _scaling(q, 2 * q**2 / m, 2 * q / m)  # ANOVA
    np.testing.assert_allclose([scale, df], [1.0, m], rtol=1e-6)
    groups = m + q - 1  # Hotelling's T2: F = (m / (q (m + q - 1))) T2
    scale, df = _scaling(q, 2 * q / groups, q * (q + 1) / groups)
    np.testing.assert_allclose([scale, df], [m / groups, m], rtol=1e-6)


# -- what it does not do ---------------------------------------------------------------------------


def test_maximum_likelihood_is_refused():
    with pytest.raises(NotSupportedError, match=r"derived for REML.*fit\.refit\(reml=True\)"):
        kr("y ~ x + w + (x | g)", panel(), reml=False)


def few_rows(sizes, seed):
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(len(sizes)), sizes)
    x, e = rng.normal(size=(2, len(g)))
    return pd.DataFrame({"y": 2 * rng.normal(size=len(sizes))[g] + x + e, "x": x, "g": g})


def test_a_statistic_with_the_moments_of_no_f_distribution_has_no_test():
    tests = kr("y ~ x + (1 | g)", few_rows([3, 2, 1], seed=24))
    with pytest.warns(MultilevelWarning, match=r"test of 2 contrasts .* is NaN: no F distribution"):
        joint = tests.joint(np.eye(2))
    assert joint.df == 2
    assert np.isnan([joint.statistic, joint.df_residual, joint.p_value]).all()
    assert (tests.df(np.eye(2)) > 0.0).all()  # single contrasts have their tests


@pytest.mark.parametrize("adjusted", [[[1.0, 0.0], [0.0, -0.1]], [[1.0, 2.0], [2.0, 1.0]]])
def test_an_adjusted_covariance_matrix_with_negative_variances_is_refused(adjusted):
    with pytest.raises(NotSupportedError, match=r"variance of some contrast .* negative: .* few"):
        _check_positive(np.array(adjusted), np.eye(2))


def test_too_many_connected_effects_are_refused(monkeypatch):
    monkeypatch.setattr(components, "_LARGEST", 10)
    assert kr("y ~ x + (x | g)", panel()).df(np.eye(2)).shape == (2,)  # 9 components of 2 effects
    data = panel().assign(h=np.arange(63) % 5)
    with pytest.raises(NotSupportedError, match=r"Kenward-Roger .* 14 here .*'satterthwaite'"):
        kr("y ~ x + (1 | g) + (1 | h)", data)
