"""Directions in which random effects vary: principal components of their covariance matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import CovarianceKind, Float

__all__ = ["Components", "components", "remedy"]

# Standard deviation of a component, relative to the residual one, that is zero within rounding.
_ZERO = 1e-5


@dataclass(frozen=True, slots=True)
class Components:
    """Principal components of the k random effects of a term.

    Attributes
    ----------
    sd : ndarray, shape (k,)
        Standard deviations, largest first.
    share : ndarray, shape (k,)
        Shares of the variance; zeros if there is none.
    loadings : ndarray, shape (k, k)
        A column for every component: the effects' parts in it, of length 1.
    zero : ndarray of bool, shape (k,)
        Components that do not vary.
    """

    sd: Float
    share: Float
    loadings: Float
    zero: np.ndarray[tuple[int], np.dtype[np.bool_]]


def components(root: Float, sigma: float) -> Components:
    """Principal components of random effects.

    Parameters
    ----------
    root : ndarray, shape (k, k)
        Root of the covariance matrix ``root @ root.T`` of the effects.
    sigma : float
        Residual standard deviation, to which a zero is relative.
    """
    loadings, sd, _ = np.linalg.svd(root)
    # signs as in the largest loading, which is then positive
    largest = np.abs(loadings).argmax(axis=0)
    loadings = loadings * np.sign(loadings[largest, np.arange(len(sd))])
    zero = sd <= _ZERO * max(sigma, float(sd[0]))
    sd = np.where(zero, 0.0, sd)
    total = float(sd @ sd)
    return Components(sd, sd**2 / total if total else np.zeros(len(sd)), loadings, zero)


def remedy(found: Components, names: Sequence[str], kind: CovarianceKind) -> str:
    """Say what a singular term should lose; empty for a term that is not singular.

    Parameters
    ----------
    found : Components
        Its principal components.
    names : sequence of str, length k
        Names of its effects.
    kind : str
        Whether correlations are parameters of the model.
    """
    if not found.zero.any():
        return ""
    if found.zero.all():
        return "leave the term out, or keep it because the design has it: nothing else changes"
    sd = np.sqrt(np.square(found.loadings * found.sd).sum(axis=1))
    dead = [name for name, own in zip(names, sd, strict=True) if own <= _ZERO * found.sd[0]]
    if dead:
        return f"leave out the random effect of {', '.join(dead)}"
    # effects whose correlations leave no room: the least of those in the lost directions goes
    part = np.abs(found.loadings[:, found.zero]).max(axis=1)
    order = [i for i in np.argsort(-part, kind="stable") if names[i] != "Intercept"]
    weakest = names[order[0]] if order else names[int(part.argmax())]
    if kind == "independent":
        return f"leave out the random effect of {weakest}"
    return f"leave out the correlations (write || for |) or the random effect of {weakest}"
