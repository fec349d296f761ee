"""Profiles of the criterion over single parameters, and the confidence intervals they give.

With ``m`` the degrees of freedom of the residual variance, the criterion of a fit is, before the
residual standard deviation s is profiled out (Bates et al. 2015, Eqs. 33 and 40),

    U(theta, log s) = log_det(theta) + m log(2 pi s^2) + rss(theta) / s^2,

for REML with ``log |X'V^-1 X|`` in ``log_det`` and ``m = n - p``. A profile is the minimum of U
over all other parameters at given values of one. For a fixed effect, rss becomes ``rss + (b -
beta_j)^2 / F_jj``: the deviance by maximum likelihood, and the adjusted profile likelihood of Cox
& Reid (1987, J. R. Stat. Soc. B 49, 1-39) by REML, which is least at the REML estimate. zeta is
the signed root of the increase over the minimum (Bates & Watts 1988, Nonlinear Regression,
ch. 6).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import ConvergenceError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from multilevel.inference.profile_parameters import Parameter
    from multilevel.solver.curvature import Expansion
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["Curve", "Profiler"]

# The minimum is found when a Newton step promises less than this.
_DECREMENT = 1e-11
# In a flat valley the search may end earlier, if no more than this is promised.
_FLAT = 1e-4
# Accuracy of zeta at a limit.
_ZETA = 1e-8
# A minimum this far below that of the fit means that the fit is not at the optimum.
_BELOW = 1e-5
# What a zero entry of theta is moved to before a search (for a column of mean square 1): at zero
# the criterion is flat.
_NUDGE = 0.02
# The diagonal of Lambda stays this far from zero, because the core's Hessian divides by it.
_HAIR = 1e-8
# A step that leaves more than this share of the promise is slow; after two of them the Hessian is
# sharpened by differences of the gradient with this step (in units of the curvature).
_SLOW, _DIFFERENCE = 0.1, 1e-4
_STEPS, _ROOTS = 100, 60


@dataclass(frozen=True, slots=True)
class Curve:
    """Profile over one parameter.

    Attributes
    ----------
    values, zeta : ndarray, shape (points,)
        Values of the parameter, ascending, and the signed root of the increase of the criterion.
    """

    values: Float
    zeta: Float


@dataclass(frozen=True, slots=True)
class _Point:
    """Value, gradient and Hessian of U, and the derivative by a fixed effect that is held."""

    value: float
    gradient: Float
    hessian: Float
    slope: float


@dataclass(frozen=True, slots=True)
class _Minimum:
    """Where the minimum at a value of the parameter is, and its derivative by that value."""

    point: Float
    value: float
    slope: float


class Profiler:
    """Profiles of the criterion of one fit.

    Parameters
    ----------
    expand : callable
        theta -> :class:`Expansion`, by the criterion of the fit.
    state : FitState
        The fit.
    parameters : sequence of Parameter
        All parameters of the model.

    Attributes
    ----------
    better : ndarray, shape (n_theta,), or None
        A theta found on the way at which the criterion is below that of the fit, which is then at a
        local minimum.
    """

    def __init__(
        self,
        expand: Callable[[Float], Expansion],
        state: FitState,
        parameters: Sequence[Parameter],
    ) -> None:
        self._expand = expand
        self.better: Float | None = None
        self._sds = [parameter for parameter in parameters if parameter.kind == "sd"]
        self._without: dict[str, float] = {}
        self._units = np.ones(len(state.theta))
        self._diagonal = np.zeros(len(state.theta), dtype=bool)
        for sd in self._sds:
            self._units[sd.rows[0]] = sd.unit / state.sigma
            self._diagonal[sd.rows[0][-1]] = True
        self._state = state
        self._m = state.nobs - (len(state.beta) if state.reml else 0)
        self._origin = np.append(state.theta, np.log(state.sigma))

    def limits(self, parameter: Parameter, cut: float) -> tuple[float, float]:
        """Values at which zeta is -cut and cut; the end of the parameter's range if it is smaller.

        NaN where a limit does not exist or is not found, and for a correlation that is undefined.
        """
        if not np.isfinite(parameter.estimate):
            return np.nan, np.nan
        low, high = (self._limit(parameter, sign, cut) for sign in (-1, 1))
        return parameter.value(low), parameter.value(high)

    def curve(self, parameter: Parameter, cut: float, n: int) -> Curve:
        """Profile at about n values between the limits for ``cut``."""
        if not np.isfinite(parameter.estimate):
            return Curve(np.empty(0), np.empty(0))
        values, zetas = [parameter.start], [0.0]
        for sign in (-1, 1):
            end = self._limit(parameter, sign, cut)
            point = self._origin
            if not np.isfinite(end):
                continue
            ends = parameter.value(parameter.start), parameter.value(end)
            for value in np.linspace(*ends, n // 2 + 1)[1:]:
                at = float(np.clip(parameter.transform(value), *parameter.bounds))
                if at == parameter.start:
                    continue
                found = self._minimum(parameter, at, point)
                if found is None:
                    continue
                point = found.point
                values.append(at)
                zetas.append(sign * self._zeta(found))
        order = np.argsort(values, kind="stable")
        transformed = np.array(values)[order]
        return Curve(
            np.array([parameter.value(float(v)) for v in transformed]), np.array(zetas)[order]
        )

    # -- limits -----------------------------------------------------------------------------------

    def _limit(self, parameter: Parameter, sign: int, cut: float) -> float:
        """Transformed value at which ``sign * zeta`` is cut, by safeguarded Newton."""
        low, high = parameter.bounds
        bound = high if sign > 0 else low
        at = start = inner = parameter.start
        if start == bound or self._ceiling(parameter) - self._state.objective < cut**2:
            return bound
        leap = 2.0 * cut * self._spread(parameter)
        proposed = start + sign * leap / 2.0
        if parameter.kind == "sd" and start == low:
            proposed = start = float(np.log(0.3 * parameter.unit))
        outer, point = np.nan, self._origin
        for _ in range(_ROOTS):
            at = float(np.clip(proposed, low, high))
            found = self._minimum(parameter, at, point)
            if found is None:
                return np.nan
            if found.value < self._state.objective - _BELOW:
                self.better = found.point[:-1]
                return np.nan
            point, zeta = found.point, self._zeta(found)
            if abs(zeta - cut) < _ZETA:
                return at
            if zeta < cut:
                inner = at
            else:
                outer = at
            if inner == bound or abs(outer - inner) <= 1e-12 * (1.0 + abs(at)):
                return at
            slope = sign * found.slope / (2.0 * zeta) if zeta > 0.0 else 0.0
            newton = sign * (cut - zeta) / slope if slope > 0.0 else sign * np.inf
            if np.isfinite(outer):
                inside = min(inner, outer) < at + newton < max(inner, outer)
                proposed = at + newton if inside else (inner + outer) / 2.0
            elif np.isfinite(bound) and sign * (at + newton - bound) >= 0.0 and start != low:
                proposed = bound  # if the criterion does not rise enough, there is no other limit
            else:
                proposed = at + float(np.clip(newton, -leap, leap))
        return np.nan

    def _ceiling(self, parameter: Parameter) -> float:
        """What the profile of a correlation cannot exceed: the criterion without either effect.

        As a standard deviation goes to zero, the correlation ceases to matter.
        """
        if parameter.kind != "corr":
            return np.inf
        values = []
        for sd in self._sds:
            if any(np.array_equal(sd.rows[0], row) for row in parameter.rows):
                key = f"{sd.group} {sd.rows[0][-1]}"
                if key not in self._without:
                    found = self._minimum(sd, sd.bounds[0], self._origin)
                    self._without[key] = np.inf if found is None else found.value
                values.append(self._without[key])
        return min(values)

    def _spread(self, parameter: Parameter) -> float:
        """About one standard error on the scale of the search."""
        if parameter.kind == "fixed":
            return float(np.sqrt(self._state.vcov[parameter.column, parameter.column]))
        return float(1.0 / np.sqrt(2.0 * self._m)) if parameter.kind == "residual" else 0.3

    def _zeta(self, found: _Minimum) -> float:
        return float(np.sqrt(max(found.value - self._state.objective, 0.0)))

    # -- minima -----------------------------------------------------------------------------------

    def _minimum(self, parameter: Parameter, at: float, start: Float) -> _Minimum | None:
        """Minimum of U with the parameter held; None if it is not found."""
        found, ceiling = self._search(parameter, at, start), self._ceiling(parameter)
        if np.isfinite(ceiling) and (found is None or found.value > ceiling):
            return _Minimum(self._origin, ceiling, 0.0)
        return found

    def _search(self, parameter: Parameter, at: float, start: Float) -> _Minimum | None:
        """Newton on the level that holds the parameter."""
        held = (parameter.column, at) if parameter.kind == "fixed" else None
        eta = parameter.restore(self._off_zero(start), at)
        here = self._evaluate(eta, held)
        damping, last, slow = 0.0, np.inf, 0
        for _ in range(_STEPS):
            if slow >= 2:
                here = self._sharpened(eta, here, held)
            step, decrement, slope = _newton_step(parameter, at, eta, here, damping)
            if decrement < _DECREMENT:
                return _Minimum(eta, here.value, here.slope if held else slope)
            moved = parameter.restore(eta + step, at)
            there = self._evaluate(moved, held)
            noise = 1e-12 * (abs(here.value) + self._m)
            if there.value <= here.value + noise:
                if here.value - there.value <= noise and decrement < 1e-6:
                    return _Minimum(moved, there.value, there.slope if held else slope)
                slow = slow + 1 if decrement > _SLOW * last else 0
                last = decrement
                eta, here, damping = moved, there, damping / 8.0 if damping > 1e-3 else 0.0
            else:
                damping = max(4.0 * damping, 0.1)
                if damping > 1e12:
                    break
        return _Minimum(eta, here.value, slope) if decrement < _FLAT else None

    def _sharpened(self, eta: Float, here: _Point, held: tuple[int, float] | None) -> _Point:
        """The same point with the Hessian by differences of the gradient."""
        steps = _DIFFERENCE / np.sqrt(np.maximum(np.abs(here.hessian.diagonal()), 1e-12))
        rows = [
            (self._evaluate(eta + move, held).gradient - here.gradient) / step
            for move, step in zip(np.diag(steps), steps, strict=True)
        ]
        hessian = np.array(rows)
        return replace(here, hessian=(hessian + hessian.T) / 2.0)

    def _off_zero(self, point: Float) -> Float:
        """The point with vanishing entries of theta moved a little: at zero the slope is zero."""
        theta, nudge = point[:-1], _NUDGE * self._units
        return np.append(np.where(np.abs(theta) < 1e-3 * nudge, nudge, theta), point[-1])

    def _evaluate(self, eta: Float, held: tuple[int, float] | None) -> _Point:
        """U and its derivatives; the Hessian exact up to that of the parts (see Expansion)."""
        theta, hair = eta[:-1], _HAIR * self._units
        theta = np.where(self._diagonal & (np.abs(theta) < hair), hair, theta)
        n, m = len(eta), self._m
        nowhere = _Point(np.inf, np.zeros(n), np.eye(n), 0.0)
        if not np.isfinite(eta).all():
            return nowhere
        try:
            e = self._expand(theta)
        except ConvergenceError:
            return nowhere
        with np.errstate(over="ignore", invalid="ignore"):
            weight = float(np.exp(-2.0 * eta[-1]))
            d_log_det = e.gradient - m * e.d_rss / e.rss
            rss, d_rss = e.rss, e.d_rss
            bend = m / rss**2 * np.outer(d_rss, d_rss) + (weight - m / rss) * e.d2_rss
            slope = 0.0
            if held is not None:
                j, b = held
                gap, f, df, db = b - e.beta[j], e.F[j, j], e.d_cov[:, j, j], e.d_beta[:, j]
                share = gap / f
                rss = rss + gap * share
                d_rss = d_rss - 2.0 * share * db - share**2 * df
                change = db + share * df
                bend = bend + weight * 2.0 / f * np.outer(change, change)
                slope = 2.0 * share * weight
            gradient = np.append(d_log_det + weight * d_rss, 2.0 * m - 2.0 * weight * rss)
            hessian = np.empty((n, n))
            hessian[:-1, :-1] = e.hessian + bend
            hessian[-1, :-1] = hessian[:-1, -1] = -2.0 * weight * d_rss
            hessian[-1, -1] = 4.0 * weight * rss
            value = e.log_det + m * (np.log(2.0 * np.pi) + 2.0 * eta[-1]) + weight * rss
        if not (np.isfinite(value) and np.isfinite(hessian).all()):
            return nowhere
        return _Point(float(value), gradient, hessian, slope)


def _newton_step(
    parameter: Parameter, at: float, eta: Float, here: _Point, damping: float
) -> tuple[Float, float, float]:
    """Step along the level of the parameter, what it promises, and the derivative by the level.

    The Hessian of the Lagrangian is taken on the tangent space, in units in which the Hessian of U
    has a unit diagonal, its eigenvalues by absolute value (no step towards a saddle).
    """
    unit = 1.0 / np.sqrt(np.maximum(np.abs(here.hessian.diagonal()), 1e-12))
    g, H = here.gradient * unit, here.hessian * np.outer(unit, unit)
    slope, frozen = 0.0, parameter.frozen(at)
    basis = np.delete(np.eye(len(eta)), frozen, axis=1)
    if parameter.kind != "fixed" and not len(frozen):
        level = parameter.level(eta)
        a = level.gradient * unit
        multiplier = float(a @ g / (a @ a))
        H = H - multiplier * level.hessian * np.outer(unit, unit)
        slope = multiplier * (1.0 - level.value**2 if parameter.kind == "corr" else 1.0)
        basis = np.linalg.qr(np.column_stack([a, basis]))[0][:, 1:]
    w, V = np.linalg.eigh(basis.T @ H @ basis)
    V = basis @ V
    along = V.T @ g
    w = np.maximum(np.abs(w), 1e-10)
    return -(V @ (along / (w + damping))) * unit, float(along @ (along / w)), slope
