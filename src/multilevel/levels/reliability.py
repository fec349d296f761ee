"""Reliability of the estimates of groups: how much of their variance is true variance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.typing import Float

__all__ = ["mean_reliability", "reliabilities"]


def reliabilities(effects: FactorEffects) -> Float:
    """Reliability of every coefficient of every group, shape (J, k).

    ``lambda_qj = tau_qq / (tau_qq + v_qqj)`` with v the sampling variance of the least-squares
    estimate in the group (Raudenbush & Bryk 2002, Eq. 3.58); NaN where there is no such estimate.
    """
    true = effects.covariance.diagonal()
    return np.asarray(true / (true + np.diagonal(effects.sampling, axis1=1, axis2=2)))


def mean_reliability(effects: FactorEffects) -> Float:
    """Mean over the groups that have a least-squares estimate, shape (k,); NaN without any."""
    some = reliabilities(effects)[effects.regression.estimable]
    return some.mean(axis=0) if len(some) else np.full(len(effects.names), np.nan)
