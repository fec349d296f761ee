"""From the replicates of a design to power and precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.inference.proportions import proportion_interval
from multilevel.inference.wald import wald_interval, wald_tests

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["COLUMNS", "Criteria", "estimates"]

COLUMNS = (
    "effect", "power", "mc_error", "conf_low", "conf_high", "bias", "std_error", "sd", "se_ratio",
    "coverage", "type_s", "exaggeration", "nsim", "n_singular", "n_failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Criteria:
    """How replicates are judged.

    Attributes
    ----------
    nsim : int
        Replicates, failed ones included.
    alpha : float
        Level of the tests; intervals of the effects have level ``1 - alpha``.
    level : float
        Level of the intervals of the power.
    """

    nsim: int
    alpha: float
    level: float


def estimates(values: Float, effects: Float, criteria: Criteria) -> dict[str, Any]:
    """Power and precision of k effects.

    Parameters
    ----------
    values : ndarray, shape (n_ok, 3 k + 1)
        What :class:`~multilevel.planning.replicate.Replicate` gives.
    effects : ndarray, shape (k,)
        True values.
    criteria : Criteria
        How they are judged.

    Returns
    -------
    dict
        Columns of length k, see :class:`multilevel.Power`. Replicates that failed count as not
        significant in ``power``; the other columns are about those that did not fail.
    """
    k, n_ok, nsim = len(effects), len(values), criteria.nsim
    estimate, error, df = (values[:, part * k : (part + 1) * k] for part in range(3))
    found = wald_tests(estimate, error, df).p_value < criteria.alpha
    low, high = wald_interval(estimate, error, 1.0 - criteria.alpha, df)
    hits = found.sum(axis=0)
    power = hits / nsim
    bounds = proportion_interval(hits, nsim, criteria.level)
    wrong = found & (np.sign(estimate) != np.sign(effects))
    mean, sd = error.mean(axis=0), estimate.std(axis=0, ddof=1)
    some = np.where((effects != 0.0) & (hits > 0), hits, np.nan)
    size = np.where(found, np.abs(estimate), 0.0).sum(axis=0) / some
    columns = (
        effects, power, np.sqrt(power * (1.0 - power) / nsim), *bounds,
        estimate.mean(axis=0) - effects, mean, sd, mean / sd,
        ((low <= effects) & (effects <= high)).mean(axis=0),
        wrong.sum(axis=0) / some, size / np.where(effects == 0.0, np.nan, np.abs(effects)),
        np.full(k, nsim), np.full(k, int(values[:, -1].sum())), np.full(k, nsim - n_ok),
    )  # fmt: skip
    return dict(zip(COLUMNS, columns, strict=True))
