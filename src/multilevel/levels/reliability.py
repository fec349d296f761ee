"""Reliability of the estimates of groups: how much of their variance is true variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.typing import Float

__all__ = ["describe_reliability", "mean_reliability", "reliabilities"]

# From 0.7 on more than two thirds of what is seen of groups is true; 0.9 is asked for where
# decisions about single groups are made (Nunnally & Bernstein 1994, Psychometric Theory, ch. 7).
_MODERATE, _HIGH = 0.7, 0.9


def reliabilities(effects: FactorEffects) -> Float:
    """Reliability of every coefficient of every group, shape (J, k).

    ``lambda_qj = tau_qq / (tau_qq + v_qqj)`` with v the sampling variance of the least-squares
    estimate in the group (Raudenbush & Bryk 2002, ch. 3); NaN where there is no such estimate.
    """
    true = effects.covariance.diagonal()
    return np.asarray(true / (true + np.diagonal(effects.sampling, axis1=1, axis2=2)))


def mean_reliability(effects: FactorEffects) -> Float:
    """Mean over the groups that have a least-squares estimate, shape (k,); NaN without any."""
    some = reliabilities(effects)[effects.regression.estimable]
    return some.mean(axis=0) if len(some) else np.full(len(effects.names), np.nan)


def describe_reliability(mean: float, variance: float, n_groups: int, n_used: int) -> str:
    """Say what a mean reliability allows, and on which groups it rests."""
    if n_used == 0:
        return "no group has a least-squares estimate of all its coefficients"
    if variance == 0.0:
        what = "none: no variance between groups was found, do not rank them"
    elif mean >= _HIGH:
        what = "high: groups can be told apart"
    elif mean >= _MODERATE:
        what = "moderate: show ranks with their intervals"
    else:
        what = "low: do not rank groups"
    if n_used < n_groups:
        what += f" (mean of {n_used} of {n_groups} groups; the others cannot be fitted alone)"
    return what
