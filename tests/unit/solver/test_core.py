"""The native core where the small twin does not reach: large trunks, sparse trunks, threads."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from multilevel.exceptions import NotSupportedError
from multilevel.moments.scaling import scale_design, scale_response
from multilevel.solver import native
from multilevel.solver.layout import Layout
from multilevel.solver.linear import LinearProblem
from multilevel.solver.native import make_core, n_threads
from multilevel.solver.optimize import Control
from properties.designs import model
from twin import DenseTwin

# Sums of a few thousand terms in another order.
ROUNDING = 1e-11


def crossed(
    n_rows: int, first: int, second: int, *, chain: bool, slope: bool = False, seed: int = 1
):
    """Two crossed factors: at random, or like pupils who sometimes change teachers."""
    rng = np.random.default_rng(1)
    g = np.arange(n_rows) % first if not chain else np.arange(n_rows) * first // n_rows
    if chain:
        h = np.clip(
            np.arange(n_rows) * second // n_rows + rng.integers(-1, 2, n_rows), 0, second - 1
        )
    else:
        h = rng.integers(0, second, n_rows)
    X = np.column_stack([np.ones(n_rows), rng.normal(size=(n_rows, 2))])
    y = X @ [1.0, 0.5, 0.0] + rng.normal(size=first)[g] + rng.normal(size=n_rows)
    y += 0.7 * rng.normal(size=second)[h]
    columns = [0, 1] if slope else [0]
    return model(
        y, X, {"g": g, "h": h}, [("g", [0], "unstructured"), ("h", columns, "unstructured")]
    )


def core_of(matrices, threads: int = 1, dense_limit: int = 1000):
    """The native core of a model and the layout of its theta."""
    design = scale_design(matrices)
    response = scale_response(design.W, None, matrices.y, matrices.offset)
    factors = [
        (matrices.factors[f.factor].codes, f.z, f.transform, matrices.factors[f.factor].n_levels)
        for f in design.factors
    ]
    T0 = np.eye(design.W.shape[1])
    T0[-1, -1] = response.sum_squares
    layout = Layout(design.factors, [term.covariance for term in matrices.terms])
    return make_core(factors, design.W, None, T0, threads, dense_limit), layout


def all_derivatives(core, layout, reml: bool):
    """Criterion, gradient and Hessian at a point that is no optimum."""
    rng = np.random.default_rng(5)
    blocks = np.concatenate([np.eye(k).ravel() for k in layout.sizes])
    blocks = blocks + 0.2 * rng.normal(size=len(blocks))
    value, _, _, _, gradient, hessian = core.evaluate(blocks, reml, layout.full[0], True)
    return value, gradient, hessian


@pytest.mark.parametrize("reml", [True, False])
@pytest.mark.parametrize("slope", [False, True])
def test_sparse_trunk_agrees_with_dense_trunk(reml: bool, slope: bool) -> None:
    matrices = crossed(1500, 500, 300, chain=True, slope=slope)
    sparse, layout = core_of(matrices, dense_limit=10)
    dense, _ = core_of(matrices, dense_limit=10_000)
    assert sparse.sizes()["dense_dim"] < 0.5 * dense.sizes()["dense_dim"]
    for ours, theirs in zip(
        all_derivatives(sparse, layout, reml), all_derivatives(dense, layout, reml), strict=True
    ):
        np.testing.assert_allclose(
            ours, theirs, rtol=ROUNDING, atol=ROUNDING * np.abs(theirs).max()
        )


@pytest.mark.parametrize("slope", [False, True])
def test_tiled_trunk_agrees_with_twin(slope: bool) -> None:
    """A trunk above the size at which it is cut into tiles."""
    matrices = crossed(900, 460, 450, chain=False, slope=slope)
    problem = LinearProblem.from_matrices(matrices)
    twin = DenseTwin(matrices, reml=True)
    theta = np.array([0.8, 1.1, -0.2, 0.6]) if slope else np.array([0.8, 1.1])
    assert problem.deviance(theta, reml=True) == pytest.approx(twin.deviance(theta), rel=1e-11)
    np.testing.assert_allclose(problem.gradient(theta, reml=True), twin.gradient(theta), rtol=1e-8)


def test_nearly_random_crossing_stays_dense() -> None:
    core, _ = core_of(crossed(4000, 400, 150, chain=False), dense_limit=10)
    assert core.sizes()["dense_dim"] == 150


def test_nested_chain_has_no_trunk() -> None:
    rng = np.random.default_rng(3)
    pupils = np.arange(3000)
    X = np.ones((3000, 1))
    groups = {"c": pupils // 10, "s": pupils // 100, "d": pupils // 1000}
    terms = [(name, [0], "unstructured") for name in ("d", "c", "s")]
    core, _ = core_of(model(rng.normal(size=3000), X, groups, terms))
    assert core.sizes()["dense_dim"] == 0
    assert core.sizes()["links"] == 300 * 2 + 30


def test_results_do_not_depend_on_threads() -> None:
    matrices = crossed(60_000, 9000, 60, chain=False)
    one, layout = core_of(matrices, threads=1)
    assert one.sizes()["chunks"] > 1
    reference = all_derivatives(one, layout, True)
    for threads in (2, 3):
        other = all_derivatives(core_of(matrices, threads=threads)[0], layout, True)
        for ours, theirs in zip(other, reference, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_rows_in_another_order_give_the_same_criterion() -> None:
    matrices = crossed(60_000, 9000, 60, chain=False)
    order = np.random.default_rng(0).permutation(matrices.n_rows)
    groups = {f.name: f.codes[order] for f in matrices.factors}
    shuffled = model(
        matrices.y[order], matrices.X[order], groups,
        [("g", [0], "unstructured"), ("h", [0], "unstructured")],
    )  # fmt: skip
    theta = np.array([0.9, 0.4])
    before, after = (LinearProblem.from_matrices(m).deviance(theta) for m in (matrices, shuffled))
    assert after == pytest.approx(before, rel=ROUNDING)


def test_too_dense_a_trunk_is_refused_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "_DENSE_MAXIMUM", 100)
    with pytest.raises(NotSupportedError, match=r"150 densely linked random effects.*Fit a sample"):
        core_of(crossed(4000, 400, 150, chain=False))


def test_threads_follow_request_then_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert n_threads(None) == 3
    assert n_threads(2) == 2
    assert n_threads(0) == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "many")
    assert n_threads(None) >= 1
    with threadpool_limits(1, user_api="blas"):
        assert n_threads(None, look_at_blas=True) == 1


def test_another_response_shares_the_structure() -> None:
    matrices = crossed(600, 60, 20, chain=False)
    rng = np.random.default_rng(8)
    y = matrices.y + rng.normal(size=600)
    fresh = crossed(600, 60, 20, chain=False)
    object.__setattr__(fresh, "y", y)
    shared = LinearProblem.from_matrices(matrices).with_response(y).fit()
    anew = LinearProblem.from_matrices(fresh).fit()
    assert shared.objective == pytest.approx(anew.objective, rel=1e-12)
    np.testing.assert_allclose(shared.beta, anew.beta, rtol=1e-9)
    np.testing.assert_allclose(shared.terms[0].modes, anew.terms[0].modes, rtol=1e-7, atol=1e-9)


def test_verbose_fit_logs_every_evaluation(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="multilevel")
    problem = LinearProblem.from_matrices(crossed(300, 30, 10, chain=False), Control(verbose=True))
    state = problem.fit()
    logged = [float(r.getMessage().split()[-1]) for r in caplog.records]
    assert len(logged) == state.optimizer.gradient_evaluations
    assert logged[-1] == pytest.approx(state.objective, abs=1e-6)
