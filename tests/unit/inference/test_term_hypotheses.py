"""Hypotheses of terms on arrays: against sums of squares and means of cells, in any coding."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.inference.term_hypotheses import term_space

# Two-way layout with unequal cells: terms 1, a, b, a:b.
WITHIN = np.array([[0, 1, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=bool)
TERM = np.repeat([0, 1, 2, 3], [1, 3, 2, 6])
EXACT = 1e-10


def indicators(codes, n):
    return (codes[:, None] == np.arange(n)).astype(float)


@pytest.fixture(scope="module")
def layout():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 3, 60), rng.integers(0, 2, 60)
    A, B = indicators(a, 3), indicators(b, 2)
    over = np.hstack(
        [np.ones((60, 1)), A, B, (A[:, :, None] * B[:, None, :]).reshape(60, 6)]
    )  # all levels
    return over, rng.normal(size=60), rng


def space_of(X, over):
    made, gaps = term_space(X, lambda rows: over[rows], TERM, WITHIN, 0)
    assert gaps.max() < EXACT
    return made


def treatment(over):
    A, B = over[:, 2:4], over[:, 5:6]
    return np.hstack([over[:, :1], A, B, A * B])


def squares(X, y):
    return ((X @ np.linalg.lstsq(X, y, rcond=None)[0]) ** 2).sum()


def sum_of_squares(X, y, L):
    """Of the hypothesis ``L beta = 0``."""
    Q, R = np.linalg.qr(X)
    weights = np.linalg.solve(R.T, L.T).T
    gap = weights @ (Q.T @ y)
    return gap @ np.linalg.solve(weights @ weights.T, gap)


def columns_of(over, terms):
    return over[:, np.isin(TERM, terms)]


def test_sequential_hypotheses_are_reductions_of_the_residuals(layout):
    over, y, _ = layout
    X = treatment(over)
    space = space_of(X, over)
    for t in range(1, 4):
        after = squares(columns_of(over, range(t + 1)), y)
        reduction = after - squares(columns_of(over, range(t)), y)
        assert sum_of_squares(X, y, space.sequential(t)) == pytest.approx(reduction, rel=EXACT)


@pytest.mark.parametrize(("t", "others"), [(1, [0, 2]), (2, [0, 1]), (3, [0, 1, 2])])
def test_hypotheses_by_containment_are_reductions_after_what_does_not_contain(layout, t, others):
    over, y, _ = layout
    X = treatment(over)
    L = space_of(X, over).by_containment(t)
    reduction = squares(columns_of(over, [*others, t]), y) - squares(columns_of(over, others), y)
    assert sum_of_squares(X, y, L) == pytest.approx(reduction, rel=EXACT)


def test_hypotheses_of_equal_weights_are_differences_of_unweighted_means(layout):
    over, y, _ = layout
    X, cells = treatment(over), over[:, 6:]
    space = space_of(X, over)
    of_a = np.kron([[-1, 1, 0], [-1, 0, 1]], [[0.5, 0.5]])
    of_b = np.kron([[1, 1, 1]], [[-1, 1]]) / 3
    of_ab = np.kron([[-1, 1, 0], [-1, 0, 1]], [[-1, 1]])
    for t, contrasts in enumerate([of_a, of_b, of_ab], 1):
        expected = sum_of_squares(cells, y, contrasts.astype(float))
        L = space.equal_weights(t)
        assert sum_of_squares(X, y, L) == pytest.approx(expected, rel=EXACT)
        # and they are these contrasts of means, the last first, not combinations of them
        found = L @ np.linalg.lstsq(X, cells, rcond=None)[0]
        np.testing.assert_allclose(found, contrasts[::-1], atol=EXACT)


@pytest.mark.parametrize("kind", ["sequential", "by_containment", "equal_weights", "last"])
def test_the_coding_does_not_matter(layout, kind):
    over, _, rng = layout
    X = treatment(over)
    recode = rng.normal(size=(6, 6))
    first, second = space_of(X, over), space_of(X @ recode, over)
    for t in range(1, 4):
        found, expected = getattr(second, kind)(t), getattr(first, kind)(t) @ recode
        np.testing.assert_allclose(found, expected, atol=1e-8)


def test_what_is_lost_with_the_last_term_and_what_is_left(layout):
    over, y, _ = layout
    X = treatment(over)
    space = space_of(X, over)
    assert space.last(1).shape == (0, 6)  # a is part of a:b
    np.testing.assert_allclose(space.last(3), space.equal_weights(3), atol=1e-9)
    left = X @ space.complement(3)
    assert left.shape == (60, 4)
    assert squares(left, y) == pytest.approx(squares(columns_of(over, [0, 1, 2]), y), rel=EXACT)


def test_columns_outside_the_space_are_told():
    over = indicators(np.tile([0, 1, 2], 4), 3)
    X = np.column_stack([np.ones(12), over[:, 0] - over[:, 2]])
    _, gaps = term_space(
        X, lambda rows: over[rows], np.zeros(3, dtype=np.intp), np.zeros((1, 1), dtype=bool), None
    )
    np.testing.assert_allclose(gaps, [1 / 3, 2 / 3, 1 / 3], atol=EXACT)


def test_the_origin_and_unit_of_a_covariate_do_not_matter():
    """The last digits of a year say what a term tells beside the constant."""
    rng = np.random.default_rng(2)
    x, z, y = rng.normal(size=(3, 50))
    term, within = np.arange(3), np.zeros((3, 3), dtype=bool)
    results = []
    for shift, scale in [(0.0, 1.0), (2000.0, 1.0), (0.0, 1e8), (1e5, 1.0)]:
        X = np.column_stack([np.ones(50), shift + scale * x, z])
        space, _ = term_space(X, lambda rows, X=X: X[rows], term, within, 0)
        kinds = (space.sequential, space.by_containment, space.equal_weights)
        results.append([sum_of_squares(X, y, kind(t)) for kind in kinds for t in (1, 2)])
    for other in results[1:]:
        np.testing.assert_allclose(other, results[0], rtol=1e-6)
