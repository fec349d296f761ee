"""Simulated responses from a model with known parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.prediction.predict import random_part
from multilevel.randomness import random_generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, Int

__all__ = ["Draw", "simulate_responses"]


@dataclass(frozen=True, slots=True)
class Draw:
    """A random-effects term whose effects are drawn anew.

    Attributes
    ----------
    z : ndarray, shape (n, k)
        Random-effects columns.
    codes : ndarray of int32, shape (n,)
        Group of each row.
    n_levels : int
        Number of groups.
    root : ndarray, shape (k, k)
        ``sigma * Lambda``: a root of the covariance matrix of the effects.
    """

    z: Float
    codes: Int
    n_levels: int
    root: Float


def simulate_responses(
    mean: Float,
    draws: Sequence[Draw],
    sigma: float,
    weights: Float | None,
    n: int,
    rng: int | np.random.Generator | None,
) -> Float:
    """Draw responses: mean, random effects and residuals.

    Parameters
    ----------
    mean : ndarray, shape (n_rows,)
        Everything that is not drawn: fixed part, offset, effects held at given values.
    draws : sequence of Draw
        Terms whose effects are drawn.
    sigma : float
        Residual standard deviation.
    weights : ndarray, shape (n_rows,), or None
        Prior weights: the residual variance of a row is ``sigma**2 / weight``.
    n : int
        Number of data sets.
    rng : int, Generator or None
        Source of randomness.

    Returns
    -------
    ndarray, shape (n, n_rows)
        One response per row.
    """
    generator = random_generator(rng)
    spread = sigma if weights is None else sigma / np.sqrt(weights)
    out = np.empty((n, len(mean)))
    for i in range(n):
        y = out[i]
        generator.standard_normal(out=y)
        y *= spread
        y += mean
        for draw in draws:
            u = generator.standard_normal((draw.n_levels, len(draw.root)))
            y += random_part(draw.z, draw.codes, u @ draw.root.T)
    return out
