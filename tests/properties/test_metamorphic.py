"""What must not change when the data are written differently, and how the rest must change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from multilevel.solver.linear import LinearProblem
from properties.designs import DIAGONAL, FULL, STRUCTURES, draw_model, factor

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState

# Invariance of the likelihood that is promised to users.
OBJECTIVE_RTOL = 1e-8
# Newton's last step leaves the estimates within about 1e-7 of their standard errors of the optimum.
ESTIMATE_ATOL = 1e-6
# Terms with an intercept and unstructured covariance: a shift of x changes nothing.
SHIFTABLE = [name for name, terms in STRUCTURES.items() if all(
    kind == FULL and (0 in columns or 1 not in columns) for _, columns, kind in terms)]  # fmt: skip
ONE_TERM_A_FACTOR = [
    name for name, terms in STRUCTURES.items() if len({t[0] for t in terms}) == len(terms)
]

seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=40, deadline=None)


def fit(matrices: ModelMatrices, *, reml: bool) -> FitState:
    state = LinearProblem.from_matrices(matrices).fit(reml=reml)
    assert state.optimizer.converged
    return state


def assert_same(a: FitState, b: FitState, *, shift: float = 0.0, scale: float = 1.0) -> None:
    """Objectives differ by ``shift``; sigma of ``a`` is ``scale`` times that of ``b``."""
    assert a.objective - shift == pytest.approx(b.objective, rel=OBJECTIVE_RTOL)
    # sigma's standard error is at least sigma / sqrt(2 n), n <= 100.
    assert a.sigma / scale == pytest.approx(b.sigma, rel=ESTIMATE_ATOL)
    assert a.is_singular == b.is_singular
    for one, other in zip(a.terms, b.terms, strict=True):
        assert_covariance(one.covariance / scale**2, other.covariance, b.sigma)


def assert_covariance(actual, desired, sigma):
    """Entries within ``ESTIMATE_ATOL`` of sigma^2 plus the variances, their order of magnitude."""
    sds = np.sqrt(sigma**2 + np.diag(desired))
    np.testing.assert_allclose(
        actual / np.outer(sds, sds), desired / np.outer(sds, sds), atol=10 * ESTIMATE_ATOL
    )


def assert_beta(actual, desired, state):
    errors = np.sqrt(np.diag(state.vcov))
    np.testing.assert_allclose(actual / errors, desired / errors, atol=ESTIMATE_ATOL)


def drawn(seed, structure, *, weighted=False, offset=False, exact_x=False) -> ModelMatrices:
    matrices = draw_model(seed, structure, weighted=weighted, offset=offset)
    return with_x(matrices, np.round(matrices.X[:, 1] * 2**16) / 2**16) if exact_x else matrices


def with_x(matrices: ModelMatrices, x) -> ModelMatrices:
    """The same model with other values of the predictor x, in X and in every term."""
    X = matrices.X.copy()
    X[:, 1] = x
    terms = []
    for term in matrices.terms:
        z = np.array(term.z)
        if "x" in term.names:
            z[:, term.names.index("x")] = x
        terms.append(replace(term, z=z))
    return replace(matrices, X=X, terms=tuple(terms))


def take(matrices: ModelMatrices, rows) -> ModelMatrices:
    """Rows in another order, or repeated."""

    def pick(a):
        return None if a is None else np.ascontiguousarray(a[rows])

    return replace(
        matrices, y=matrices.y[rows], X=pick(matrices.X),
        weights=pick(matrices.weights), offset=pick(matrices.offset),
        terms=tuple(replace(t, z=pick(t.z)) for t in matrices.terms),
        factors=tuple(replace(f, codes=pick(f.codes)) for f in matrices.factors),
    )  # fmt: skip


any_structure = st.sampled_from(list(STRUCTURES))


@given(seeds, any_structure, st.booleans(), st.booleans())
@quick
def test_order_of_rows(seed, structure, reml, weighted):
    matrices = drawn(seed, structure, weighted=weighted, offset=True)
    order = np.random.default_rng(seed).permutation(matrices.n_rows)
    a, b = fit(take(matrices, order), reml=reml), fit(matrices, reml=reml)
    assert_same(a, b)
    assert_beta(a.beta, b.beta, b)


@given(seeds, any_structure, st.booleans())
@quick
def test_names_of_groups(seed, structure, reml):
    matrices = drawn(seed, structure)
    rng = np.random.default_rng(seed)
    renamed = [rng.permutation(f.n_levels) for f in matrices.factors]
    factors = tuple(
        factor(f.name, new[f.codes]) for f, new in zip(matrices.factors, renamed, strict=True)
    )
    a, b = fit(replace(matrices, factors=factors), reml=reml), fit(matrices, reml=reml)
    assert_same(a, b)
    for term, one, other in zip(matrices.terms, a.terms, b.terms, strict=True):
        sds = np.sqrt(b.sigma**2 + np.diag(other.covariance))
        np.testing.assert_allclose(
            one.modes[renamed[term.factor]] / sds, other.modes / sds, atol=10 * ESTIMATE_ATOL
        )


@given(seeds, st.sampled_from(SHIFTABLE), st.booleans(), st.integers(-(10**6), 10**6))
@quick
def test_shift_of_a_predictor(seed, structure, reml, by):
    matrices = drawn(seed, structure, exact_x=True)
    a, b = fit(with_x(matrices, matrices.X[:, 1] + by), reml=reml), fit(matrices, reml=reml)
    assert a.objective == pytest.approx(b.objective, rel=OBJECTIVE_RTOL)
    assert a.sigma == pytest.approx(b.sigma, rel=ESTIMATE_ATOL)
    assert a.is_singular == b.is_singular
    assert_beta(a.beta[1:], b.beta[1:], b_without(b, 0))
    for term, one, other in zip(matrices.terms, a.terms, b.terms, strict=True):
        move = np.eye(len(term.names))
        if "x" in term.names and len(term.names) > 1:
            move[0, term.names.index("x")] = by
        assert_covariance(move @ one.covariance @ move.T, other.covariance, b.sigma) if abs(
            by
        ) < 100 else None
        slopes = slice(term.names[0] == "Intercept", None)
        assert_covariance(one.covariance[slopes, slopes], other.covariance[slopes, slopes], b.sigma)


def b_without(state: FitState, column: int) -> FitState:
    keep = np.arange(len(state.beta)) != column
    return replace(state, vcov=state.vcov[np.ix_(keep, keep)])


@given(seeds, any_structure, st.booleans(), st.floats(-6, 6), st.sampled_from([-1, 1]))
@quick
def test_scale_of_a_predictor(seed, structure, reml, exponent, sign):
    by = sign * 10.0**exponent
    matrices = drawn(seed, structure)
    a, b = fit(with_x(matrices, matrices.X[:, 1] * by), reml=reml), fit(matrices, reml=reml)
    # REML's log|X'V^-1 X| gains log(by^2).
    assert a.objective - reml * 2 * np.log(abs(by)) == pytest.approx(
        b.objective, rel=OBJECTIVE_RTOL
    )
    assert_beta(a.beta * [1, by, 1], b.beta, b)
    assert a.is_singular == b.is_singular
    for term, one, other in zip(matrices.terms, a.terms, b.terms, strict=True):
        unit = np.where(np.array(term.names) == "x", by, 1.0)
        assert_covariance(one.covariance * np.outer(unit, unit), other.covariance, b.sigma)


@given(
    seeds,
    any_structure,
    st.booleans(),
    st.floats(-6, 6),
    st.sampled_from([-1, 1]),
    st.integers(-1000, 1000),
)
@quick
def test_scale_and_shift_of_the_response(seed, structure, reml, exponent, sign, by):
    times = sign * 10.0**exponent
    matrices = drawn(seed, structure)
    other = replace(matrices, y=times * (matrices.y + by))
    a, b = fit(other, reml=reml), fit(matrices, reml=reml)
    m = matrices.n_rows - reml * 3
    assert_same(a, b, shift=2 * m * np.log(abs(times)), scale=abs(times))
    assert_beta(a.beta / times - [by, 0, 0], b.beta, b)


@given(seeds, any_structure, st.booleans())
@quick
def test_order_of_terms(seed, structure, reml):
    matrices = drawn(seed, structure)
    a = fit(replace(matrices, terms=matrices.terms[::-1]), reml=reml)
    b = fit(matrices, reml=reml)
    assert_same(replace(a, terms=a.terms[::-1]), b)
    assert_beta(a.beta, b.beta, b)


@given(seeds, any_structure, st.booleans())
@quick
def test_offset_is_a_known_part_of_the_response(seed, structure, reml):
    matrices = drawn(seed, structure, offset=True)
    a = fit(matrices, reml=reml)
    b = fit(replace(matrices, y=matrices.y - matrices.offset, offset=None), reml=reml)
    assert_same(a, b)
    assert_beta(a.beta, b.beta, b)
    gamma = np.array([10.0, -3.0, 0.5])
    c = fit(replace(matrices, offset=matrices.offset + matrices.X @ gamma), reml=reml)
    assert_same(c, b)
    assert_beta(c.beta + gamma, b.beta, b)


@given(seeds, any_structure, st.booleans(), st.floats(-4, 4))
@quick
def test_scale_of_the_weights(seed, structure, reml, exponent):
    """Weights c w: sigma^2 becomes c sigma^2, everything else stays."""
    matrices = drawn(seed, structure, weighted=True)
    c = 10.0**exponent
    a, b = fit(replace(matrices, weights=c * matrices.weights), reml=reml), fit(matrices, reml=reml)
    assert_same(replace(a, sigma=a.sigma / np.sqrt(c)), b)
    assert_beta(a.beta, b.beta, b)


@given(seeds, any_structure, st.booleans())
@quick
def test_unit_weights_and_zero_offset_change_nothing(seed, structure, reml):
    matrices = drawn(seed, structure)
    n = matrices.n_rows
    a = fit(replace(matrices, weights=np.ones(n), offset=np.zeros(n)), reml=reml)
    b = fit(matrices, reml=reml)
    assert_same(a, b)
    assert_beta(a.beta, b.beta, b)


@given(seeds, any_structure, st.booleans(), st.booleans())
@quick
def test_a_row_of_weight_k_w_is_the_mean_of_k_rows_of_weight_w(seed, structure, reml, weighted):
    """Replicates y_i1..y_ik against their mean with k times the weight.

    The deviations d from the mean are independent of the means and know only sigma, so with
    N = sum(k - 1) the two criteria at any (theta, beta, sigma) differ by

        N log(2 pi sigma^2) + sum(w d^2) / sigma^2 + sum(log k) - sum((k - 1) log w).

    If sum(w d^2) = N sigma^2 at the weighted fit, both have the same optimum.
    """
    rng = np.random.default_rng(seed)
    matrices = drawn(seed, structure, weighted=weighted, offset=True)
    w = np.ones(matrices.n_rows) if matrices.weights is None else matrices.weights
    k = rng.integers(1, 4, matrices.n_rows)
    k[0] = 2
    means = replace(matrices, weights=w * k)
    b = fit(means, reml=reml)

    rows = np.repeat(np.arange(matrices.n_rows), k)
    d = rng.normal(size=len(rows))
    d -= (np.bincount(rows, d) / k)[rows]
    extra = len(rows) - matrices.n_rows
    d *= b.sigma * np.sqrt(extra / np.sum(w[rows] * d**2))
    split = take(replace(matrices, weights=w), rows)
    a = fit(replace(split, y=split.y + d), reml=reml)

    constant = (
        extra * (1 + np.log(2 * np.pi * b.sigma**2)) + np.log(k).sum() - np.sum((k - 1) * np.log(w))
    )
    assert_same(a, b, shift=constant)
    assert_beta(a.beta, b.beta, b)
    errors = np.sqrt(np.diag(b.vcov))
    scaled = [state.vcov / np.outer(errors, errors) for state in (a, b)]
    np.testing.assert_allclose(*scaled, atol=10 * ESTIMATE_ATOL)


@given(seeds, st.booleans())
@quick
def test_independent_effects_in_one_term_or_in_two(seed, reml):
    one = draw_model(seed, "(x||g)", weighted=False, offset=False)
    two = draw_model(seed, "(1|g)+(0+x|g)", weighted=False, offset=False)
    a, b = fit(one, reml=reml), fit(two, reml=reml)
    assert a.objective == pytest.approx(b.objective, rel=OBJECTIVE_RTOL)
    assert_beta(a.beta, b.beta, b)
    variances = [term.covariance[0, 0] for term in b.terms]
    assert_covariance(a.terms[0].covariance, np.diag(variances), b.sigma)


@given(seeds, st.sampled_from(ONE_TERM_A_FACTOR), st.booleans())
@quick
def test_adding_a_correlation_never_makes_the_fit_worse(seed, structure, reml):
    matrices = drawn(seed, structure)
    terms = tuple(replace(term, covariance=DIAGONAL) for term in matrices.terms)
    independent = fit(replace(matrices, terms=terms), reml=reml)
    assert fit(matrices, reml=reml).objective <= independent.objective + 1e-7
