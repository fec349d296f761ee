"""A multilevel model beside least squares that ignores groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Float, Int

__all__ = ["between_share", "describe_difference"]

# Shares of variance that count as none or all of it.
_NONE, _ALL = 1e-6, 1.0 - 1e-6
# Standard errors whose ratio is this close to one are called alike.
_ALIKE = 0.05


def between_share(x: Float, codes: Int) -> float:
    """Share of the variance of a predictor that lies between groups.

    Intraclass correlation by analysis of variance (Snijders & Bosker 2012, Multilevel Analysis, 2nd
    ed., section 3.3.1), between 0 and 1; NaN for a constant.
    """
    n, counts = len(x), np.bincount(codes)
    J = len(counts)
    centred = x - x.mean()
    total = float(centred @ centred)
    if total <= np.finfo(float).eps * n * float(np.abs(x).max()) ** 2:
        return float("nan")
    between = float(np.sum(np.bincount(codes, centred) ** 2 / counts))
    within = (total - between) / (n - J) if n > J else 0.0
    between /= J - 1
    size = (n - float(counts @ counts) / n) / (J - 1)
    share = (between - within) / (between + (size - 1.0) * within)
    return min(max(share, 0.0), 1.0)


def describe_difference(share: float, ratio: float, group: str) -> str:
    """Say what the ratio of multilevel to least-squares standard error means for a predictor."""
    if np.isnan(ratio):
        return "dropped from the model"
    if np.isnan(share):
        where = "constant"
    elif share >= _ALL:
        where = f"varies between {group} only"
    elif share <= _NONE:
        where = f"varies within {group} only"
    else:
        where = f"{share:.0%} of its variance is between {group}"
    if ratio > 1.0 + _ALIKE:
        what = f"least squares understates the standard error by {1.0 - 1.0 / ratio:.0%}"
    elif ratio < 1.0 - _ALIKE:
        what = f"least squares overstates the standard error by {1.0 / ratio - 1.0:.0%}"
    else:
        what = "the standard errors are alike"
    return f"{where}; {what}"
