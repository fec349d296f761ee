"""When a check says ``"ok"``, ``"look"`` or ``"problem"``.

A p value says whether a departure is real, its size whether it matters: with few rows large
departures come by chance, with many rows the smallest are significant. A verdict needs both.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "AUTOCORRELATION",
    "EXPLAINED",
    "FEW_GROUPS",
    "INFLUENTIAL",
    "KURTOSIS",
    "LOOK_P",
    "SD_RATIO",
    "SHIFT",
    "SKEWNESS",
    "SOME_GROUPS",
    "TOO_FEW_GROUPS",
    "VIF",
    "Verdict",
    "judge",
    "why_ok",
]

Verdict = Literal["ok", "look", "problem", "not checked"]
Thresholds = tuple[float, float]

# p values below which a departure is taken as real: a table has a dozen tests, so that 5 % would
# raise an alarm in every other model that is right.
LOOK_P, PROBLEM_P = 0.01, 0.001

# Sizes from which to look and from which there is a problem.
# Bulmer (1979, Principles of Statistics, p. 63): moderately skewed; West, Finch & Curran (1995, in
# Hoyle, Structural Equation Modeling): tests go wrong.
SKEWNESS: Thresholds = (0.5, 2.0)
# Excess over the normal distribution: that of a t distribution with 10 df; West, Finch & Curran.
KURTOSIS: Thresholds = (1.0, 7.0)
# Between ends of the central 95 %: variances in a ratio of 2 and of 4, the rules of thumb of the
# analysis of variance (Keppel & Wickens 2004, Design and Analysis, 4th ed., section 7.4).
SD_RATIO: Thresholds = (2.0**0.5, 2.0)
# Shares of variance, small and medium (Cohen 1988, Statistical Power Analysis, section 8.2).
EXPLAINED: Thresholds = (0.01, 0.06)
# Small and medium correlations (Cohen 1988, section 3.2).
AUTOCORRELATION: Thresholds = (0.1, 0.3)
# Bias of a coefficient in standard errors: intervals at 95 % cover 94 and 83 % of the time.
SHIFT: Thresholds = (0.25, 1.0)
# James, Witten, Hastie & Tibshirani (2021, An Introduction to Statistical Learning, section 3.3.3).
VIF: Thresholds = (5.0, 10.0)
# Cook & Weisberg (1982, Residuals and Influence, section 3.5): the estimates move to the edge of
# their joint 50 % region; Belsley, Kuh & Welsch (1980, Regression Diagnostics): one standard error.
INFLUENTIAL = 1.0
# Snijders & Bosker (2012, Multilevel Analysis, section 4.3.1): below about 10 groups take groups
# as fixed; Maas & Hox (2005, Methodology 1, 86-92): standard errors of variances need 50.
TOO_FEW_GROUPS, FEW_GROUPS, SOME_GROUPS = 5, 10, 50


def judge(size: float, thresholds: Thresholds, p_value: float) -> Verdict:
    """Verdict on a departure of some size, with the p value of the test that there is none."""
    look, problem = thresholds
    if p_value < PROBLEM_P and size >= problem:
        return "problem"
    return "look" if p_value < LOOK_P and size >= look else "ok"


def why_ok(size: float, thresholds: Thresholds, p_value: float) -> str:
    """Why a departure is ``"ok"`` although its size or its p value is not; empty if both are.

    >>> why_ok(3.3, SD_RATIO, 0.03), why_ok(1.1, SD_RATIO, 1e-6), why_ok(1.1, SD_RATIO, 0.5)
    (', which may be chance (p is not below .01)', ', real but too little to matter', '')
    """
    if size >= thresholds[0] and p_value >= LOOK_P:
        return ", which may be chance (p is not below .01)"
    if size < thresholds[0] and p_value < LOOK_P:
        return ", real but too little to matter"
    return ""
