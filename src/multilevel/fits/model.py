"""The unfitted problem: a formula and data, ready to be solved."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.covariance.relative_factor import entries, from_theta
from multilevel.design.build import build_design
from multilevel.exceptions import DataError
from multilevel.fits.linear import LinearMixedModel
from multilevel.fits.update import update_formula
from multilevel.frames.align import align
from multilevel.prediction.predict import fixed_part
from multilevel.prediction.simulate import Draw, simulate_responses
from multilevel.solver.linear import LinearProblem
from multilevel.solver.optimize import Control

if TYPE_CHECKING:
    from multilevel.design.build import Design
    from multilevel.design.matrices import ModelMatrices
    from multilevel.typing import Float, NAAction

__all__ = ["MixedModel"]


class MixedModel:
    """A linear mixed model before it is fitted: the criterion at any theta, and simulation.

    Parameters
    ----------
    formula, data, weights, offset, contrasts, na_action, control
        As in :func:`multilevel.lmer`.

    Attributes
    ----------
    matrices : ModelMatrices
        Response, fixed-effects columns and random-effects terms as arrays.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = mlm.datasets.load("sleepstudy")
    >>> model = mlm.MixedModel("Reaction ~ Days + (Days | Subject)", data)
    >>> round(model.deviance([1.0, 0.0, 1.0], reml=False), 3)
    1784.642
    >>> round(model.fit(reml=False).deviance, 3)
    1751.939
    """

    def __init__(
        self,
        formula: str,
        data: Any,
        *,
        weights: Any = None,
        offset: Any = None,
        contrasts: Any = None,
        na_action: NAAction = "drop",
        control: Control | None = None,
    ) -> None:
        self.formula = formula
        self.design: Design = build_design(
            formula, data, weights=weights, offset=offset, contrasts=contrasts, na_action=na_action
        )
        if not isinstance(control, Control | None):
            raise DataError(f"control must be a multilevel.Control; got {control!r}.")
        self._control = control or Control()
        self._arguments: dict[str, Any] = {
            "weights": weights,
            "offset": offset,
            "contrasts": contrasts,
            "na_action": na_action,
            "control": control,
        }

    def __repr__(self) -> str:
        return f"<MixedModel {self.formula!r}: {self.matrices.n_rows} rows, not fitted>"

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "problem"}

    @property
    def matrices(self) -> ModelMatrices:
        """The arrays of the model."""
        return self.design.matrices

    @cached_property
    def problem(self) -> LinearProblem:
        """The numerical problem: cross-products and elimination plan."""
        return LinearProblem.from_matrices(self.matrices, self._control)

    @property
    def n_theta(self) -> int:
        """Length of theta."""
        return self.problem.n_theta

    def deviance(self, theta: Float, *, reml: bool = True) -> float:
        """Criterion at theta, profiled over the fixed effects and sigma.

        Parameters
        ----------
        theta : array-like, shape (n_theta,)
            Free entries of the relative covariance factors, term by term, each lower triangle
            column by column.
        reml : bool
            REML criterion if True, else minus twice the log-likelihood.
        """
        return self.problem.deviance(theta, reml=reml)

    def gradient(self, theta: Float, *, reml: bool = True) -> Float:
        """Gradient of :meth:`deviance`, shape (n_theta,)."""
        return self.problem.gradient(theta, reml=reml)

    def hessian(self, theta: Float, *, reml: bool = True) -> Float:
        """Hessian of :meth:`deviance`, shape (n_theta, n_theta)."""
        return self.problem.hessian(theta, reml=reml)

    def fit(self, *, reml: bool = True, start: Float | None = None) -> LinearMixedModel:
        """Estimate the model.

        Parameters
        ----------
        reml : bool
            REML if True, maximum likelihood otherwise.
        start : array-like, shape (n_theta,), optional
            Starting value of theta.

        Warns
        -----
        ConvergenceWarning
            If the optimiser stopped before its criterion was met.
        """
        return LinearMixedModel(self, self.problem.fit(reml=reml, start=start))

    def simulate(
        self,
        *,
        beta: Float,
        theta: Float,
        sigma: float,
        n: int = 1,
        rng: int | np.random.Generator | None = None,
    ) -> Float:
        """Simulate responses at given parameters.

        Parameters
        ----------
        beta : array-like, shape (p,)
            Fixed effects, in the order of ``matrices.coef_names``; those of dropped columns are
            not used.
        theta : array-like, shape (n_theta,)
            Relative covariance factors, as in :meth:`deviance`.
        sigma : float
            Residual standard deviation, not negative.
        n : int
            Number of responses.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness.

        Returns
        -------
        ndarray, shape (n, n_rows)
            One response per row.
        """
        matrices = self.matrices
        beta, theta = np.asarray(beta, dtype=float), np.asarray(theta, dtype=float)
        if beta.shape != (len(matrices.coef_names),):
            raise DataError(
                f"beta must have one value for each of {', '.join(matrices.coef_names)}; "
                f"its shape is {beta.shape}."
            )
        if theta.shape != (self.n_theta,):
            raise DataError(f"theta must have {self.n_theta} values; its shape is {theta.shape}.")
        if not sigma >= 0.0:
            raise DataError(f"sigma must not be negative; it is {sigma!r}.")
        mean = fixed_part(matrices.X, beta[matrices.kept], matrices.offset)
        draws, start = [], 0
        for t, term in enumerate(matrices.terms):
            stop = start + len(entries(term.covariance, len(term.names)))
            factor = from_theta(term.covariance, len(term.names), theta[start:stop])
            draws.append(self.draw(t, sigma * factor))
            start = stop
        return simulate_responses(mean, draws, sigma, matrices.weights, n, rng)

    def draw(self, t: int, root: Float) -> Draw:
        """Term ``t``, its effects to be drawn with covariance ``root @ root.T``."""
        term = self.matrices.terms[t]
        factor = self.matrices.factors[term.factor]
        return Draw(term.z, factor.codes, factor.n_levels, root)

    def with_response(self, y: Any) -> MixedModel:
        """The same model for another response; see :meth:`LinearMixedModel.refit`."""
        values = self._read_response(y)
        other = copy.copy(self)
        other.design = replace(self.design, matrices=replace(self.matrices, y=values))
        other.__dict__["problem"] = self.problem.with_response(values)
        return other

    def _read_response(self, y: Any) -> Float:
        n, rows = self.matrices.n_rows, self.design.rows
        if isinstance(y, np.ndarray) and y.shape == (n,) and y.dtype == np.float64:
            values = y.copy()
        elif rows is not None and np.shape(y) == (n,):
            values = np.array(y, dtype=np.float64)
        else:
            values = align(y, "y", self.design.table)
            values = values if rows is None else values[rows]
        if not np.isfinite(values).all():
            raise DataError(
                "y has missing or infinite values in rows that the model uses. Give a value for "
                "each of them, or fit a new model."
            )
        return values

    def update(self, formula: str | None, **arguments: Any) -> MixedModel:
        """The model with some arguments changed; see :meth:`LinearMixedModel.update`."""
        text = self.formula if formula is None else update_formula(self.formula, formula)
        changed = {"data": self.design.table.native, **self._arguments, **arguments}
        return MixedModel(text, changed.pop("data"), **changed)

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What the model is, for its summary: formula, weights and offset."""
        given = {k: self._arguments[k] for k in ("weights", "offset")}
        return [("Formula", self.formula)] + [
            (name.capitalize(), value if isinstance(value, str) else "given as an array")
            for name, value in given.items()
            if value is not None
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """What happened to the data on the way, for the summary."""
        design, matrices = self.design, self.matrices
        notes = list(design.notes)
        if design.rows is not None:
            gone = design.table.n_rows - len(design.rows)
            columns = ", ".join(f"{name} ({count})" for name, count in design.dropped.items())
            notes.append(
                f"{gone} of {design.table.n_rows} rows were dropped for missing values: {columns}."
            )
        if len(matrices.kept) < len(matrices.coef_names):
            lost = [n for j, n in enumerate(matrices.coef_names) if j not in matrices.kept]
            notes.append(
                "Dropped from the fixed effects, because constant or a linear combination of "
                f"others: {', '.join(lost)}."
            )
        return tuple(notes)
