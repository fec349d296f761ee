"""Simulated residuals: where observed values lie among values that the model simulates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.solver.given_theta import solve_covariance

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.prediction.simulate import Draw
    from multilevel.state import FitState
    from multilevel.typing import Float, Int

__all__ = [
    "ScaledResiduals",
    "SimulatedUnits",
    "SimulationTest",
    "marginal_variances",
    "residuals_of",
    "scaled_residuals",
]

# Standardised values are counted in bins from minus to plus this, for distribution functions.
_REACH = 8.0
_BINS = 3200


@dataclass(frozen=True, slots=True)
class SimulatedUnits:
    """What is simulated: rows, or groups of rows by their means.

    Attributes
    ----------
    mean, sd : ndarray, shape (m,)
        Mean and standard deviation of a unit by the model. Where the latter is zero, the unit
        says nothing.
    groups : mapping of str to ndarray of int32, shape (m,)
        Factors by whose groups the units are compared.
    """

    mean: Float
    sd: Float
    groups: Mapping[str, Int]


@dataclass(frozen=True, slots=True)
class SimulationTest:
    """A statistic of the observed units among those of simulated ones.

    Attributes
    ----------
    test, level : str
        What is tested, and among what.
    statistic, expected : float
        Observed, and the mean over simulations.
    p_value : float
        Two-sided, or of larger values only, from the rank among simulations.
    """

    test: str
    level: str
    statistic: float
    expected: float
    p_value: float


@dataclass(frozen=True, slots=True)
class ScaledResiduals:
    """Residuals on the unit interval, uniform if the model is right, with their tests.

    Attributes
    ----------
    residual : ndarray, shape (m,)
        Share of simulations below the observed value, ties broken by lot.
    tests : tuple of SimulationTest
    """

    residual: Float
    tests: tuple[SimulationTest, ...]


def scaled_residuals(
    observed: Float,
    simulated: Iterable[Float],
    units: SimulatedUnits,
    level: str,
    rng: np.random.Generator,
) -> ScaledResiduals:
    """Compare observed with simulated values, one simulation at a time.

    Of n simulations, r of which are below an observed value and t equal to it, the residual is
    uniform on ``(r, r + t + 1) / (n + 1)`` (Dunn & Smyth 1996, J. Comput. Graph. Stat. 5, 236-244,
    with the simulated distribution). Units of a group are not independent, so that textbook p
    values of these residuals would be wrong: the tests compare each statistic with the same
    statistic of every simulation.

    Parameters
    ----------
    observed : ndarray, shape (m,)
        One value per unit.
    simulated : iterable of ndarray, shape (m,)
        Simulations.
    units : SimulatedUnits
        Mean and standard deviation of the units by the model, and their groups.
    level : str
        What the units are, for the tests.
    rng : Generator
        Breaks ties.
    """
    statistics = _Statistics(units)
    found = [statistics.of(observed)]
    below = np.zeros(len(observed), dtype=np.int32)
    equal = np.zeros(len(observed), dtype=np.int32)
    extremes = _Extremes(observed)
    for i, values in enumerate(simulated, start=1):
        below += values < observed
        equal += values == observed
        extremes.add(values, i)
        found.append(statistics.of(values))
    n = len(found) - 1
    residual = (below + rng.uniform(size=len(observed)) * (equal + 1)) / (n + 1)
    table = np.column_stack([np.array(found), extremes.counts(n + 1)])
    names = [*statistics.names(level), ("outliers", level, True)]
    tests = [
        _ranked(test, at, table[:, j], two_sided) for j, (test, at, two_sided) in enumerate(names)
    ]
    return ScaledResiduals(residual, tuple(tests))


def _ranked(test: str, level: str, values: Float, two_sided: bool) -> SimulationTest:
    """Rank of the first of values among all."""
    above = float(np.mean(values >= values[0]))
    low = float(np.mean(values <= values[0]))
    p = min(1.0, 2.0 * min(above, low)) if two_sided else above
    return SimulationTest(test, level, float(values[0]), float(values[1:].mean()), p)


class _Statistics:
    """Statistics of standardised values of all units."""

    def __init__(self, units: SimulatedUnits) -> None:
        from scipy.special import ndtr

        self._units = units
        self._inverse = np.divide(1.0, units.sd, out=np.zeros_like(units.sd), where=units.sd > 0.0)
        self._n = max(int(np.count_nonzero(units.sd)), 1)
        edges = np.linspace(-_REACH, _REACH, _BINS + 1)[1:-1]
        self._normal = ndtr(edges)
        self._counts = {
            name: np.bincount(codes).astype(np.float64) for name, codes in units.groups.items()
        }

    def names(self, level: str) -> list[tuple[str, str, bool]]:
        """Test, level, and whether it is two-sided, of every statistic."""
        spread = [("spread", name, False) for name in self._units.groups]
        return [("uniformity", level, False), ("dispersion", level, True), *spread]

    def of(self, values: Float) -> list[float]:
        """Statistics of one set of values."""
        z = (values - self._units.mean) * self._inverse
        out = [self._distance(z), float(z @ z) / self._n]
        for name, codes in self._units.groups.items():
            out.append(_spread(z, codes, self._counts[name]))
        return out

    def _distance(self, z: Float) -> float:
        """Kolmogorov's distance from a normal distribution of the same location and spread.

        On a fine grid, which takes a fraction of the time of sorting.
        """
        scale = _BINS / (2.0 * _REACH)
        place = (z - z.mean()) * (scale / (z.std() or 1.0)) + _BINS / 2.0
        bins = np.clip(place, 0, _BINS - 1).astype(np.int32)
        share = np.cumsum(np.bincount(bins, minlength=_BINS))[:-1] / len(z)
        return float(np.abs(share - self._normal).max())


def _spread(z: Float, codes: Int, counts: Float) -> float:
    """Mean square between groups of the distances of values from their group's mean."""
    distance = np.abs(z - (np.bincount(codes, z) / counts)[codes])
    means = np.bincount(codes, distance) / counts
    return float(counts @ (means - distance.mean()) ** 2) / max(len(counts) - 1, 1)


class _Extremes:
    """Which set has the largest and which the smallest value of every unit."""

    def __init__(self, first: Float) -> None:
        self._high, self._low = first.copy(), first.copy()
        self._highest = np.zeros(len(first), dtype=np.int32)
        self._lowest = np.zeros(len(first), dtype=np.int32)

    def add(self, values: Float, i: int) -> None:
        """Compare with set i."""
        above, below = values > self._high, values < self._low
        self._high[above], self._highest[above] = values[above], i
        self._low[below], self._lowest[below] = values[below], i

    def counts(self, n: int) -> Float:
        """Number of units in which each of n sets is the largest or the smallest."""
        total = np.bincount(self._highest, minlength=n) + np.bincount(self._lowest, minlength=n)
        return total.astype(np.float64)


def residuals_of(
    matrices: ModelMatrices, state: FitState, responses: Float, solved_X: Float
) -> Float:
    """Residuals that responses would have, variance parameters held, shape (c, n).

    ``W^-1 P y``, the response minus its fitted value with new estimates of the fixed effects and
    new predictions of the random ones.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    responses : ndarray, shape (c, n)
        Responses, less the offset.
    solved_X : ndarray, shape (n, p)
        ``V^-1 X``, V relative to the residual variance.
    """
    solved = solve_covariance(matrices, state.theta, responses.T)
    solved -= solved_X @ (state.vcov / state.sigma**2 @ (matrices.X.T @ solved))
    return solved.T if matrices.weights is None else solved.T / matrices.weights


def marginal_variances(
    draws: Sequence[Draw], error: Float, units: Int | None, n_units: int
) -> Float:
    """Variances of responses, or of the means of groups of them, over draws of all effects.

    Parameters
    ----------
    draws : sequence of Draw
        Terms whose effects are drawn.
    error : ndarray, shape (n,)
        Residual variance of every row.
    units : ndarray of int32, shape (n,), or None
        Group of each row; None for the rows themselves.
    n_units : int
        Number of groups.

    Returns
    -------
    ndarray, shape (n_units,)
    """
    if units is None:
        variance = error.copy()
        for draw in draws:
            variance += np.square(draw.z @ draw.root).sum(axis=1)
        return variance
    variance = np.zeros(n_units)
    variance += np.bincount(units, error, n_units)
    for draw in draws:
        # rows of a unit share the effects of the levels they have in common
        cell = units.astype(np.int64) * draw.n_levels + draw.codes
        cells, inverse = np.unique(cell, return_inverse=True)
        part = np.zeros(len(cells))
        for z in (draw.z @ draw.root).T:
            part += np.bincount(inverse, z) ** 2
        variance += np.bincount(cells // draw.n_levels, part, n_units)
    return variance / np.bincount(units, minlength=n_units) ** 2
