"""Profiles of the criterion of a fit: the result, with tables and intervals."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import ConvergenceWarning, warn
from multilevel.inference.profile import Curve, Profiler
from multilevel.inference.profile_parameters import Parameter, profile_parameters
from multilevel.inference.wald import check_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.testing import FitTesting
    from multilevel.report.tidy import Columns
    from multilevel.solver.curvature import Expansion
    from multilevel.typing import Float

__all__ = ["Profile", "name_of", "profile_limits", "run_profile"]


@dataclass(frozen=True, eq=False, repr=False)
class Profile:
    """Profiles of the criterion of a fit over single parameters.

    Made by :meth:`multilevel.LinearMixedModel.profile`.

    Attributes
    ----------
    criterion : str
        What was profiled: ``"REML criterion"`` or ``"deviance"``.
    names : tuple of str
        Parameters: ``"Days"``, ``"sd__Days|Subject"``, ``"corr__Intercept.Days|Subject"``,
        ``"sd__residual"``.
    values : mapping of str to ndarray
        Values at which the criterion was minimised over all other parameters, ascending.
    zeta : mapping of str to ndarray
        Signed root of the increase of the criterion there; a straight line where the criterion is
        quadratic, and then Wald's intervals are as good.
    """

    criterion: str
    names: tuple[str, ...]
    values: dict[str, Float]
    zeta: dict[str, Float]
    _fit: FitTesting = field(kw_only=True)
    _parameters: tuple[Parameter, ...] = field(kw_only=True)

    def __repr__(self) -> str:
        return (
            f"<Profile of the {self.criterion} of {self._fit.formula!r} over "
            f"{', '.join(self.names)}>"
        )

    def tidy(self) -> Any:
        """Tabulate the profiles: ``effect, group, term, value, zeta``, one row per value."""
        repeats = [len(self.values[name]) for name in self.names]
        labels = _labels(self._parameters)
        return self._fit._emit(
            {
                **{
                    column: [
                        entry for entry, n in zip(entries, repeats, strict=True) for _ in range(n)
                    ]
                    for column, entries in labels.items()
                },
                "value": np.concatenate([self.values[name] for name in self.names]),
                "zeta": np.concatenate([self.zeta[name] for name in self.names]),
            }
        )

    def confint(self, *, level: float = 0.95) -> Any:
        """Tabulate profile intervals: ``effect, group, term, estimate, conf_low, conf_high``.

        Limits are solved for, not read off the tabulated profile, so any level can be asked for.
        """
        low, high = profile_limits(self._fit, self._parameters, level)
        estimate = np.array([parameter.estimate for parameter in self._parameters])
        bounds = {"conf_low": low, "conf_high": high}
        return self._fit._emit({**_labels(self._parameters), "estimate": estimate, **bounds})


@dataclass(frozen=True)
class _Expand:
    """The criterion of a fit at any theta (a class, so that it can be pickled)."""

    fit: FitTesting

    def __call__(self, theta: Float) -> Expansion:
        return self.fit.model.problem.expansion(theta, reml=self.fit.reml)

    @cached_property
    def profiler(self) -> Profiler:
        state = self.fit.state
        return Profiler(self, state, profile_parameters(self.fit.model.matrices, state))


def run_profile(fit: FitTesting, parameters: Sequence[Parameter], level: float, n: int) -> Profile:
    """Profile a fit; see :meth:`multilevel.LinearMixedModel.profile`."""
    cut = _cut(level)
    profiler = _Expand(fit).profiler
    curves: dict[str, Curve] = {name_of(p): profiler.curve(p, cut, n) for p in parameters}
    _warn_if_local(profiler)
    return Profile(
        "REML criterion" if fit.reml else "deviance",
        tuple(curves),
        {name: curve.values for name, curve in curves.items()},
        {name: curve.zeta for name, curve in curves.items()},
        _fit=fit,
        _parameters=tuple(parameters),
    )


def profile_limits(
    fit: FitTesting, parameters: Sequence[Parameter], level: float
) -> tuple[Float, Float]:
    """Profile limits of some parameters, each of shape (len(parameters),)."""
    cut = _cut(level)
    profiler = _Expand(fit).profiler
    limits = np.array([profiler.limits(p, cut) for p in parameters]).reshape(-1, 2)
    _warn_if_local(profiler)
    lost = [
        name_of(parameter)
        for parameter, ends in zip(parameters, limits, strict=True)
        if np.isfinite(parameter.estimate) and np.isnan(ends).any()
    ]
    if lost and profiler.better is None:
        warn(
            f"The search for profile limits of {', '.join(lost)} did not converge; they are NaN. "
            "Use method='wald' or 'bootstrap' for these.",
            ConvergenceWarning,
        )
    return limits[:, 0], limits[:, 1]


def _warn_if_local(profiler: Profiler) -> None:
    """Say so if a profile fell below the criterion of the fit."""
    if profiler.better is not None:
        warn(
            "The profile found a lower criterion than that of the fit, which is at a local "
            "minimum; limits beyond it are NaN. Fit again with "
            f"start={np.round(profiler.better, 4).tolist()}.",
            ConvergenceWarning,
        )


def name_of(parameter: Parameter) -> str:
    """Name under which a parameter is asked for."""
    plain = parameter.kind in ("fixed", "residual")
    return parameter.term if plain else f"{parameter.term}|{parameter.group}"


def _labels(parameters: Sequence[Parameter]) -> Columns:
    fixed = [parameter.kind == "fixed" for parameter in parameters]
    return {
        "effect": ["fixed" if is_fixed else "ran_pars" for is_fixed in fixed],
        "group": [None if f else p.group for f, p in zip(fixed, parameters, strict=True)],
        "term": [parameter.term for parameter in parameters],
    }


def _cut(level: float) -> float:
    """Root of the chi-squared quantile with one degree of freedom."""
    from scipy.special import ndtri

    check_level(level)
    return float(ndtri(0.5 + level / 2.0))
