"""The linear mixed model as a problem in theta: criterion, derivatives, fit.

The criterion is minus twice the profiled log-likelihood, or the REML criterion (Bates et al.
2015, Eqs. 35 and 42), at any theta; beta and sigma are profiled out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel._native import _core
from multilevel.covariance.relative_factor import entries
from multilevel.exceptions import ConvergenceWarning, DataError, warn
from multilevel.moments.scaling import scale_design, scale_response
from multilevel.solver.curvature import Curvature, Expansion, curvature, expansion
from multilevel.solver.layout import Layout
from multilevel.solver.native import make_core, n_threads, one_blas_thread, solving
from multilevel.solver.optimize import Control, optimise
from multilevel.state import FitState, OptSummary, TermState
from multilevel.typing import check_flag

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.moments.scaling import ScaledDesign
    from multilevel.solver.layout import TermSlot
    from multilevel.typing import Float

__all__ = ["LinearProblem"]

# Step of the central differences of the exact gradient that give the Hessian, in scaled
# coordinates: with fourth-order differences the truncation error is about 1e-11.
_HESSIAN_STEP = 1e-3
# From this size on BLAS is kept at one thread (entering that context costs about 10 microseconds).
_MANY_ROWS = 20_000
_LARGE_TRUNK = 48
_NOT_HELD = np.empty((0, 0))
# Change of the criterion, relative, below which it does not depend on a variance.
_FLAT = 1e-9
_ML = " Use reml=False for maximum likelihood."
# Singular values of a (scaled) relative factor below this share of the largest count as zero.
_SINGULAR = 1e-5


class LinearProblem:
    """A linear mixed model with its cross-products taken and its elimination planned.

    Immutable. Make one with :meth:`from_matrices`.

    Attributes
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    n_theta : int
        Length of theta.
    """

    def __init__(
        self, matrices: ModelMatrices, control: Control, base: LinearProblem | None = None
    ) -> None:
        self.matrices = matrices
        self._control = control
        self._layout: Layout
        self._arguments: list[tuple[Any, ...]]
        self._core: _core.Core
        many = len(matrices.y) > _MANY_ROWS
        threads = n_threads(control.threads, look_at_blas=many)
        with one_blas_thread(many):
            design = base._scaled() if base else scale_design(matrices)
            root = design.root_weights
            response = scale_response(design.W, root, matrices.y, matrices.offset)
            p = len(response.coordinates)
            T0 = np.eye(p + 1)
            T0[p, p] = response.sum_squares
            if base:
                self._layout, self._arguments = base._layout, base._arguments
                residual = np.ascontiguousarray(design.W[:, -1])
                self._core = base._core.with_response(self._arguments, residual, root, T0)
            else:
                self._layout = Layout(design.factors, [t.covariance for t in matrices.terms])
                self._arguments = _core_arguments(matrices, design)
                self._core = make_core(self._arguments, design.W, root, T0, threads)
        self._coordinates = response.coordinates
        self._design = replace(design, W=_NOT_HELD) if many else design
        self.n_theta = self._layout.n_theta
        self._large = self._core.sizes()["dense_dim"] > _LARGE_TRUNK

    @classmethod
    def from_matrices(
        cls, matrices: ModelMatrices, control: Control | None = None
    ) -> LinearProblem:
        """The problem of a model.

        Parameters
        ----------
        matrices : ModelMatrices
            The arrays of the model.
        control : Control, optional
            Settings of the fit.

        Raises
        ------
        DataError
            If nothing is left to estimate (see :mod:`multilevel.moments.scaling`).
        """
        return cls(matrices, control or Control())

    def with_response(self, y: Float) -> LinearProblem:
        """The same model, analysed structure and all, for another response of shape (n,)."""
        return LinearProblem(replace(self.matrices, y=y), self._control, base=self)

    def _scaled(self) -> ScaledDesign:
        """The scaled design with its own copy of [Q r], which is not held for many rows."""
        if self._design.W is _NOT_HELD:
            return scale_design(self.matrices)
        return replace(self._design, W=self._design.W.copy())

    def _df(self, reml: bool) -> int:
        n = len(self.matrices.y)
        return n - len(self._coordinates) if reml else n

    def _constant(self, reml: bool) -> float:
        return (self._design.log_det_r if reml else 0.0) - self._design.sum_log_weights

    def _check(self, theta: Float) -> Float:
        values = np.asarray(theta, dtype=np.float64)
        if values.shape != (self.n_theta,) or not np.isfinite(values).all():
            raise DataError(
                f"theta must be {self.n_theta} finite numbers, one per free entry of the relative "
                f"covariance factors; got {theta!r}."
            )
        return values

    def deviance(self, theta: Float, *, reml: bool = False) -> float:
        """Profiled criterion at theta: -2 log-likelihood, or the REML criterion."""
        reml = check_flag("reml", reml, _ML)
        blocks = self._layout.blocks(self._check(theta))
        with one_blas_thread(self._large):
            return self._core.evaluate(blocks, reml, [], False)[0] + self._constant(reml)

    def gradient(self, theta: Float, *, reml: bool = False) -> Float:
        """Exact gradient of :meth:`deviance` in theta, shape (n_theta,)."""
        reml = check_flag("reml", reml, _ML)
        directions, jacobian = self._layout.full
        blocks = self._layout.blocks(self._check(theta))
        with one_blas_thread(self._large):
            full: Float = self._core.evaluate(blocks, reml, directions, True)[4]
        return full @ jacobian

    def hessian(self, theta: Float, *, reml: bool = False) -> Float:
        """Hessian of :meth:`deviance` in theta, shape (n_theta, n_theta).

        Fourth-order central differences of the exact gradient, with steps that are alike in scaled
        coordinates (relative error about 1e-9).
        """
        theta = self._check(theta)
        _, jacobian = self._layout.full
        steps = _HESSIAN_STEP / np.sqrt((jacobian**2).sum(axis=0))
        hessian = np.empty((self.n_theta, self.n_theta))
        for t, step in enumerate(steps):
            unit = np.zeros(self.n_theta)
            unit[t] = step
            near = self.gradient(theta + unit, reml=reml) - self.gradient(theta - unit, reml=reml)
            far = self.gradient(theta + 2 * unit, reml=reml) - self.gradient(
                theta - 2 * unit, reml=reml
            )
            hessian[t] = (8.0 * near - far) / (12.0 * step)
        return (hessian + hessian.T) / 2.0

    def expansion(self, theta: Float, *, reml: bool = False) -> Expansion:
        """Criterion at theta with its parts and their derivatives in theta."""
        reml = check_flag("reml", reml, _ML)
        inverse_r = _core.invert_upper(self._design.R)
        with one_blas_thread(self._large):
            at = expansion(
                self._core, self._layout, self._check(theta), inverse_r, self._df(reml), reml
            )
        constant = self._constant(reml)
        return replace(
            at,
            criterion=at.criterion + constant,
            log_det=at.log_det + constant,
            beta=at.beta + inverse_r @ self._coordinates,
        )

    def curvature(self, state: FitState) -> Curvature:
        """Curvature of the criterion at the estimates; see :class:`Curvature`."""
        inverse_r = _core.invert_upper(self._design.R)
        blocks = self._layout.blocks(state.theta)
        with one_blas_thread(self._large):
            return curvature(
                self._core, self._layout, blocks, inverse_r, self._df(state.reml), state.reml
            )

    def fit(self, *, reml: bool = True, start: Float | None = None) -> FitState:
        """Estimate the model.

        Parameters
        ----------
        reml : bool
            REML if True, maximum likelihood otherwise.
        start : ndarray, shape (n_theta,), optional
            Starting value of theta.

        Raises
        ------
        ConvergenceError
            If the criterion is not finite at any start.
        DataError
            If the criterion does not depend on some variance.
        """
        reml = check_flag("reml", reml, _ML)
        with one_blas_thread(self._large):
            optimum = optimise(
                self._core,
                self._layout,
                reml=reml,
                constant=self._constant(reml),
                start=None if start is None else self._layout.blocks(self._check(start)),
                control=self._control,
            )
            state = self._state(optimum.blocks, reml, optimum.summary)
            if reml:
                self._refuse_unidentified(state)
        if not optimum.summary.converged:
            warn(
                f"The optimiser {optimum.summary.message}. Look for a variance that the data can "
                "hardly tell from zero, simplify the random effects, or raise "
                "Control(max_evaluations=...).",
                ConvergenceWarning,
            )
        return state

    def _refuse_unidentified(self, state: FitState) -> None:
        """Refuse a variance that the REML criterion does not depend on.

        That happens when the fixed effects hold every level of the grouping factor, which takes as
        many of them as there are levels: the variance is then what the search happened to start at.
        """
        for slot, term in zip(self._layout.terms, self.matrices.terms, strict=True):
            factor = self.matrices.factors[term.factor]
            if len(self._coordinates) < factor.n_levels:
                continue
            for t, (i, j) in enumerate(entries(slot.kind, slot.k), slot.theta.start):
                if i != j:
                    continue
                theta = state.theta.copy()
                theta[t] = theta[t] + 1.0 / abs(slot.inverse[i, i])
                change = self.deviance(theta, reml=True) - state.objective
                if abs(change) < _FLAT * (1.0 + abs(state.objective)):
                    raise DataError(
                        f"The variance of {term.names[i]!r} in {term.label} cannot be estimated: "
                        f"the fixed effects already include every level of {factor.name!r}. Take "
                        "it out of the fixed or of the random part."
                    )

    def _state(self, blocks: Float, reml: bool, summary: OptSummary) -> FitState:
        layout = self._layout
        with solving():
            rss, coordinates, F, modes, _ = self._core.conditional(blocks, reml, False)
        sigma = float(np.sqrt(rss / self._df(reml)))
        factors = layout.relative_factors(blocks)
        inverse_r = _core.invert_upper(self._design.R)
        terms = tuple(
            TermState(factor, sigma**2 * factor @ factor.T, self._modes(slot, blocks, modes))
            for slot, factor in zip(layout.terms, factors, strict=True)
        )
        return FitState(
            reml=reml,
            nobs=len(self.matrices.y),
            theta=layout.theta(factors),
            beta=inverse_r @ (self._coordinates + coordinates),
            vcov=sigma**2 * inverse_r @ F @ inverse_r.T,
            root=sigma * inverse_r @ np.linalg.cholesky(F),
            sigma=sigma,
            objective=summary.final,
            terms=terms,
            is_singular=any(
                _vanishes(layout.singular_values(blocks, slot)) for slot in layout.terms
            ),
            optimizer=summary,
        )

    def _modes(self, slot: TermSlot, blocks: Float, u: tuple[Float, ...]) -> Float:
        """Conditional modes of a term on the data's scale: transform Lambda u."""
        spherical = u[slot.block][:, slot.start : slot.start + slot.k]
        return spherical @ (slot.transform @ self._layout.view(blocks, slot)).T

    def conditional_covariances(self, state: FitState) -> tuple[Float, ...]:
        """Covariance of the random effects given the data, per term, shape (n_levels, k, k).

        ``sigma**2 Lambda M^-1 Lambda'`` at the estimates, beta taken as known (Bates et al. 2015,
        Eq. 58).
        """
        blocks = self._layout.blocks(state.theta)
        with one_blas_thread(self._large), solving():
            inverses = self._core.conditional(blocks, state.reml, True)[4]
        out = []
        for slot in self._layout.terms:
            span = slice(slot.start, slot.start + slot.k)
            map_ = slot.transform @ self._layout.view(blocks, slot)
            out.append(state.sigma**2 * map_ @ inverses[slot.block][:, span, span] @ map_.T)
        return tuple(out)

    def hat_values(self, state: FitState) -> Float:
        """Leverages, shape (n,): derivative of each fitted value by its own response."""
        W = self._scaled().W
        blocks = self._layout.blocks(state.theta)
        with one_blas_thread(self._large), solving():
            values: Float = self._core.hat_values(
                self._arguments, W, self._design.root_weights, blocks, state.reml
            )
        return values

    def __getstate__(self) -> dict[str, Any]:
        return {"matrices": self.matrices, "control": self._control}

    def __setstate__(self, state: dict[str, Any]) -> None:
        rebuilt = LinearProblem.from_matrices(state["matrices"], state["control"])
        self.__dict__.update(rebuilt.__dict__)


def _core_arguments(matrices: ModelMatrices, design: ScaledDesign) -> list[tuple[Any, ...]]:
    """Grouping factors as the core takes them: codes, columns, transformation, levels."""
    factors = matrices.factors
    return [
        (factors[f.factor].codes, f.z, f.transform, factors[f.factor].n_levels)
        for f in design.factors
    ]


def _vanishes(values: Float) -> bool:
    """Whether the smallest of the singular values is zero within rounding."""
    return bool(values.min() <= _SINGULAR * max(1.0, values.max()))
