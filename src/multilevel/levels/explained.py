"""Variance explained against a baseline: Raudenbush & Bryk's and Snijders & Bosker's measures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.matrices import RandomTerm
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, Int

__all__ = ["harmonic_size", "null_model", "proportional_reduction", "snijders_bosker"]


def null_model(matrices: ModelMatrices, reml: bool) -> tuple[ModelMatrices, FitState]:
    """The model with a mean and a random intercept for every grouping factor, fitted."""
    ones = np.ones((matrices.n_rows, 1))
    terms = tuple(
        RandomTerm(f, ("Intercept",), ones, "unstructured", f"(1 | {factor.name})")
        for f, factor in enumerate(matrices.factors)
    )
    null = replace(
        matrices, X=ones, coef_names=("Intercept",), kept=np.array([0], dtype=np.intp), terms=terms
    )
    return null, LinearProblem.from_matrices(null).fit(reml=reml)


def proportional_reduction(baseline: Float, model: Float) -> Float:
    """``1 - model / baseline`` for every variance; NaN for a baseline of zero.

    Raudenbush & Bryk (2002), Hierarchical Linear Models, ch. 4. It can be negative: a predictor
    that differs within groups only lowers the residual variance, and the estimate of the variance
    between groups rises as less of it is put down to residuals.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(baseline > 0.0, 1.0 - model / baseline, np.nan))


def harmonic_size(codes: Int, n_levels: int) -> float:
    """Harmonic mean of the sizes of groups."""
    return float(n_levels / np.sum(1.0 / np.bincount(codes, minlength=n_levels)))


def snijders_bosker(
    baseline: tuple[float, float], model: tuple[float, float], size: float
) -> tuple[float, float]:
    """Reduction of the errors of predicting a row and the mean of a group.

    Snijders & Bosker (1994), Sociological Methods & Research 22, 342-363: ``1 - (tau^2 + sigma^2) /
    (tau_0^2 + sigma_0^2)``, and the same with ``sigma^2 / size``.

    Parameters
    ----------
    baseline, model : tuple of float
        Variance of groups and of residuals.
    size : float
        Harmonic mean of the sizes of groups.
    """
    first = 1.0 - sum(model) / sum(baseline)
    second = 1.0 - (model[0] + model[1] / size) / (baseline[0] + baseline[1] / size)
    return first, second
