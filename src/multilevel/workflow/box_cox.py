"""Power transformations of the outcome (Box & Cox 1964), for grouped data."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from multilevel.exceptions import MultilevelWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.typing import Float
    from multilevel.workflow.fitting import Fitter

__all__ = ["SIMPLE", "PowerProfile", "Scale", "box_cox"]

_LOW, _HIGH = -2.0, 3.0  # powers that are tried
_DROP = 3.841458820694124  # of twice the log-likelihood: chi-squared with 1 df at 95 %
_CLOSE = 5e-3  # powers are said with two decimals at most
_NEAR_LOG = 1e-8


@dataclass(frozen=True, slots=True)
class Scale:
    """A simple power of the outcome.

    Attributes
    ----------
    power : float
        -1, 0, 1/2 or 1.
    name : str
        In words: "square root".
    function : str
        As it is written, around the name of the outcome: ``("sqrt(", ")")``.
    """

    power: float
    name: str
    function: tuple[str, str]

    def of(self, name: str) -> str:
        """The transformed outcome as it is written: ``log(y)``.

        >>> SIMPLE[1].of("price")
        'log(price)'
        """
        return name.join(self.function)

    def __call__(self, y: Float) -> Float:
        """The outcome on this scale; the reciprocal with a minus sign, so that more stays more."""
        if self.power == 0.0:
            return np.asarray(np.log(y))
        return np.asarray(np.sign(self.power) * y**self.power)


SIMPLE = (
    Scale(-1.0, "reciprocal", ("−1/", "")),
    Scale(0.0, "logarithm", ("log(", ")")),
    Scale(0.5, "square root", ("sqrt(", ")")),
    Scale(1.0, "no transformation", ("", "")),
)


@dataclass(frozen=True, slots=True)
class PowerProfile:
    """The power of the outcome that makes it most nearly normal around a model.

    Attributes
    ----------
    power : float
        Of the largest likelihood; -2 or 3 if it grows beyond.
    low, high : float
        Interval at 95 % by the profile of the likelihood.
    """

    power: float
    low: float
    high: float

    @property
    def simple(self) -> Scale:
        """The nearest simple power."""
        return min(SIMPLE, key=lambda one: abs(one.power - self.power))

    @property
    def plain(self) -> bool:
        """Whether the outcome can stay as it is: so says the interval, or the nearest power."""
        return self.low <= 1.0 <= self.high or self.simple.power == 1.0


def box_cox(fitter: Fitter, formula: str, y: Float) -> PowerProfile | None:
    """Profile the likelihood of a multilevel model over powers of its outcome.

    Parameters
    ----------
    fitter : Fitter
        Fits models.
    formula : str
        The model of the outcome as it is.
    y : ndarray, shape (n,)
        The outcome, positive.

    Returns
    -------
    PowerProfile or None
        None if the model could not be fitted.

    Notes
    -----
    The outcome is ``(y**k - 1) / (k g**(k - 1))``, ``g log(y)`` for ``k = 0``, with g its geometric
    mean: deviances then compare without the Jacobian (Box & Cox 1964, section 3). Each is that of
    the model fitted anew by maximum likelihood, variances of groups and all, so that rows of a
    group do not count as independent.
    """
    fit = fitter(formula, reml=False).fit
    if fit is None:
        return None
    deviance = _profile(fit, y)
    best = optimize.minimize_scalar(
        deviance, bounds=(_LOW, _HIGH), method="bounded", options={"xatol": _CLOSE}
    )
    k, least = float(best.x), float(best.fun)
    if _HIGH - k < 2 * _CLOSE or k - _LOW < 2 * _CLOSE:
        k = _HIGH if _HIGH - k < 2 * _CLOSE else _LOW
    return PowerProfile(k, *(_end(deviance, k, least + _DROP, end) for end in (_LOW, _HIGH)))


def _profile(fit: LinearMixedModel, y: Float) -> Callable[[float], float]:
    """The deviance at a power; fits start where the last one ended."""
    logs = np.log(y) - np.log(y).mean()  # of y over its geometric mean
    theta = fit.theta
    known: dict[float, float] = {}

    def deviance(k: float) -> float:
        nonlocal theta
        if k not in known:
            z = np.expm1(k * logs) / k if abs(k) > _NEAR_LOG else logs
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", MultilevelWarning)
                other = fit.model.with_response(z).fit(reml=False, start=theta)
            theta = other.theta
            known[k] = other.deviance
        return known[k]

    return deviance


def _end(deviance: Callable[[float], float], k: float, limit: float, outer: float) -> float:
    """Where the deviance crosses the limit between the best power and an outer one."""
    if k == outer or deviance(outer) <= limit:
        return outer
    found = optimize.brentq(lambda x: deviance(x) - limit, k, outer, xtol=_CLOSE)
    return float(found)
