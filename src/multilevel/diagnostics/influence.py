"""Measures of the influence of deleted rows or groups on the fixed effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float

__all__ = ["UNIDENTIFIED", "Influence", "cooks_distance", "measure", "measure_rank_one"]

UNIDENTIFIED = "without it the fixed effects are not identified"  # a note


@dataclass(frozen=True, slots=True)
class Influence:
    """Influence of m deletions on p fixed effects; NaN where there is a note.

    With beta and C the fixed effects and their covariance matrix, and beta_i and C_i those without
    unit i (Loy & Hofmann 2014, J. Stat. Softw. 56(5), section 4):

    Attributes
    ----------
    beta : ndarray, shape (m, p)
        Fixed effects without the unit, ``beta_i``.
    dfbetas : ndarray, shape (m, p)
        ``(beta - beta_i) / sqrt(diag(C_i))`` (Nieuwenhuis, te Grotenhuis & Pelzer 2012, R J. 4(2),
        38-47).
    cooks_distance : ndarray, shape (m,)
        ``(beta - beta_i)' C^-1 (beta - beta_i) / p``.
    mdffits : ndarray, shape (m,)
        ``(beta - beta_i)' C_i^-1 (beta - beta_i) / p``.
    covratio : ndarray, shape (m,)
        ``|C_i| / |C|``.
    covtrace : ndarray, shape (m,)
        ``|tr(C^-1 C_i) - p|``.
    notes : sequence of str, length m
        Why there are no values; empty if there are.
    """

    beta: Float
    dfbetas: Float
    cooks_distance: Float
    mdffits: Float
    covratio: Float
    covtrace: Float
    notes: Sequence[str]


def measure(
    beta: Float, vcov: Float, betas: Float, vcovs: Float, notes: Sequence[str]
) -> Influence:
    """Measure the influence of deletions from the estimates without each unit.

    Parameters
    ----------
    beta, vcov : ndarray, shape (p,) and (p, p)
        Fixed effects and their covariance matrix with all rows.
    betas, vcovs : ndarray, shape (m, p) and (m, p, p)
        Those without each unit; NaN if there are none.
    notes : sequence of str, length m
        Why there are none.
    """
    p = len(beta)
    fitted = np.logical_not(np.isnan(betas).any(axis=1))
    # Coordinates in which the covariance matrix with all rows is the identity.
    inverse = np.linalg.inv(np.linalg.cholesky(vcov))
    change = (beta - betas) @ inverse.T
    ratio = inverse @ np.where(fitted[:, None, None], vcovs, vcov) @ inverse.T
    scaled = np.linalg.solve(ratio, np.where(fitted[:, None], change, 0.0)[:, :, None])[:, :, 0]
    variances = np.diagonal(vcovs, axis1=1, axis2=2)
    blank = np.where(fitted, 1.0, np.nan)
    return Influence(
        betas,
        (beta - betas) / np.sqrt(variances),
        np.einsum("ij,ij->i", change, change) / p,
        blank * np.einsum("ij,ij->i", scaled, change) / p,
        blank * np.linalg.det(ratio),
        blank * np.abs(np.trace(ratio, axis1=1, axis2=2) - p),
        notes,
    )


def measure_rank_one(
    beta: Float, vcov: Float, direction: Float, size: Float, notes: Sequence[str]
) -> Influence:
    """Measure the influence of deletions that each move the estimates along one direction.

    Without unit i the covariance matrix is ``C_i = C + d_i d_i'`` and the fixed effects are
    ``beta - size_i d_i``; all measures then follow from lengths, without a matrix for every unit.

    Parameters
    ----------
    beta, vcov : ndarray, shape (p,) and (p, p)
        Fixed effects and their covariance matrix with all rows.
    direction : ndarray, shape (m, p)
        The directions d.
    size : ndarray, shape (m,)
        How far; NaN if there are no estimates without the unit.
    notes : sequence of str, length m
        Why there are none.
    """
    scaled = direction @ np.linalg.inv(np.linalg.cholesky(vcov)).T
    growth = np.where(np.isnan(size), np.nan, np.einsum("ij,ij->i", scaled, scaled))
    change = direction * size[:, None]
    distance = growth * size**2 / len(beta)
    return Influence(
        beta - change,
        change / np.sqrt(vcov.diagonal() + direction**2),
        distance,
        distance / (1.0 + growth),
        1.0 + growth,
        growth,
        notes,
    )


def cooks_distance(pearson: Float, leverage: Float, sigma: float, p: int) -> Float:
    """Cook's distance of every row at the estimated variance components (Cook 1977).

    Parameters
    ----------
    pearson : ndarray, shape (n,)
        Pearson residuals.
    leverage : ndarray, shape (n,)
        Derivative of each fitted value by its own response.
    sigma : float
        Residual standard deviation.
    p : int
        Number of estimated fixed effects.

    Returns
    -------
    ndarray, shape (n,)
        NaN where the leverage is 1, or where there is no fixed effect.
    """
    if p == 0:
        return np.full(len(pearson), np.nan)
    free = np.where(leverage < 1.0, 1.0 - leverage, np.nan)
    return np.square(pearson / (sigma * free)) * leverage / p
