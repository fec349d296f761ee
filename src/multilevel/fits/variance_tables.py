"""Tables of variance by level and of variance explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError, NotSupportedError
from multilevel.levels.explained import (
    harmonic_size,
    null_model,
    proportional_reduction,
    snijders_bosker,
)
from multilevel.levels.icc import correlations, delta_interval, pair_weights, profile_interval
from multilevel.levels.rights_sterba import rights_sterba
from multilevel.levels.variance_partition import (
    mean_products,
    partition_gradient,
    variance_partition,
)

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.testing import FitTesting
    from multilevel.levels.rights_sterba import Source
    from multilevel.report.tidy import Columns
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = [
    "design_columns",
    "icc_columns",
    "icc_intervals",
    "nakagawa_columns",
    "partition_columns",
    "reduction_columns",
    "rights_sterba_columns",
]

# Variances below this part of the total are rounding.
_ROUNDING = 1e-14
_NEGATIVE = "negative: the predictors explain less at this level than chance alone would"


def icc_columns(fit: FitTesting, at: Mapping[str, float] | None) -> Columns:
    """Intraclass correlations, one row per factor."""
    matrices = fit._matrices
    partition = variance_partition(matrices, fit.state, _products(matrices, at))
    found = correlations(partition, pair_weights(matrices))
    columns: Columns = {
        "group": [factor.name for factor in matrices.factors],
        "variance": partition.random,
        "icc": found.share,
    }
    if at is None:
        columns["icc_unadjusted"] = found.unadjusted
    columns["correlation"] = found.pair
    return columns


def icc_intervals(
    fit: FitTesting,
    at: Mapping[str, float] | None,
    level: float,
    method: str,
    n: int,
    rng: int | np.random.Generator | None,
) -> Columns:
    """Standard errors and intervals of the intraclass correlations."""
    matrices = fit._matrices
    products = _products(matrices, at)
    if method == "bootstrap":
        return _bootstrap_interval(fit, at, level, n, rng)
    if method == "profile":
        if fit.model.n_theta != 1:
            raise NotSupportedError(
                "Profile intervals of intraclass correlations are for models with one random "
                "effect; use method='delta' or method='bootstrap'."
            )
        low, high = profile_interval(
            lambda theta: fit.model.deviance(np.array([theta]), reml=fit.reml),
            float(fit.theta[0]),
            float(products[0][0, 0]),
            level,
        )
        return {"conf_low": np.array([low]), "conf_high": np.array([high])}
    partition = variance_partition(matrices, fit.state, products)
    curvature = fit._curvature
    gradient = partition_gradient(matrices, curvature, products)
    error, lows, highs = delta_interval(partition, gradient, curvature.covariance, level)
    return {"std_error": error, "conf_low": lows, "conf_high": highs}


def _bootstrap_interval(
    fit: Any,
    at: Mapping[str, float] | None,
    level: float,
    n: int,
    rng: int | np.random.Generator | None,
) -> Columns:
    boot = fit.bootstrap(n, statistic=lambda replicate: icc_columns(replicate, at)["icc"], rng=rng)
    tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    low, high = np.quantile(boot.replicates, tails, axis=0)
    return {
        "std_error": boot.replicates.std(axis=0, ddof=1),
        "conf_low": low,
        "conf_high": high,
    }


def partition_columns(fit: FitTesting, at: Mapping[str, float] | None) -> Columns:
    """Variance by source."""
    matrices = fit._matrices
    partition = variance_partition(matrices, fit.state, _products(matrices, at))
    names = [factor.name for factor in matrices.factors] + ["residual"]
    variance = np.array([*partition.random, partition.residual])
    if at is None:
        names, variance = ["fixed effects", *names], np.array([partition.fixed, *variance])
    return {"source": names, "variance": variance, "share": variance / variance.sum()}


def design_columns(fit: FitTesting) -> Columns:
    """Design effects, one row per factor."""
    factors = fit._matrices.factors
    n_groups = np.array([factor.n_levels for factor in factors])
    size = fit.nobs / n_groups
    icc = np.asarray(icc_columns(fit, None)["correlation"])
    effect = 1.0 + (size - 1.0) * icc
    return {
        "group": [factor.name for factor in factors],
        "n_groups": n_groups,
        "mean_size": size,
        "icc": icc,
        "design_effect": effect,
        "n_effective": fit.nobs / effect,
        "se_ratio": np.sqrt(effect),
    }


def nakagawa_columns(fit: FitTesting) -> Columns:
    """Marginal and conditional R squared."""
    matrices = fit._matrices
    partition = variance_partition(matrices, fit.state, mean_products(matrices))
    explained = np.array([partition.fixed, partition.fixed + partition.random.sum()])
    return {"measure": ["marginal", "conditional"], "r2": explained / partition.total}


def rights_sterba_columns(fit: FitTesting) -> Columns:
    """All sources of variance, of the total and of every level."""
    matrices = fit._matrices
    sources = rights_sterba(matrices, fit.state)
    names = [factor.name for factor in matrices.factors] + ["rows"]
    rank = _heights(matrices)
    rows: list[tuple[str, Source, float]] = []
    total = sum(source.variance for source in sources)
    rows += [("total", source, source.variance / total) for source in sources]
    for level in dict.fromkeys(source.level for source in sources):
        here = [source for source in sources if source.level == level]
        whole = sum(source.variance for source in here)
        rows += [
            (names[level], source, source.variance / whole if whole > _ROUNDING * total else np.nan)
            for source in here
        ]
    return {
        "scope": [scope for scope, _, _ in rows],
        "level": [names[source.level] for _, source, _ in rows],
        "source": [source.kind for _, source, _ in rows],
        "group": [None if s.factor is None else names[s.factor] for _, s, _ in rows],
        "symbol": [_symbol(source, rank) for _, source, _ in rows],
        "variance": np.array([source.variance for _, source, _ in rows]),
        "share": np.array([share for _, _, share in rows]),
        "note": ["there is no variance at this level" if np.isnan(row[2]) else "" for row in rows],
    }


def _heights(matrices: ModelMatrices) -> list[int]:
    """Number of every level as people count them: rows 1, the smallest groups 2, ..."""
    order = sorted(
        range(len(matrices.factors)), key=lambda f: matrices.factors[f].n_levels, reverse=True
    )
    height = [0] * len(order)
    for i, f in enumerate(order):
        height[f] = i + 2
    return [*height, 1]


def _symbol(source: Source, heights: list[int]) -> str:
    if source.kind == "fixed":
        return f"f{heights[source.level]}"
    return {"slopes": "v", "intercepts": "m", "residual": "sigma2"}[source.kind]


def reduction_columns(fit: FitTesting, baseline: FitTesting | None, method: str) -> Columns:
    """Variance explained against a baseline."""
    matrices = fit._matrices
    if baseline is None:
        below, null = null_model(matrices, fit.reml)
    else:
        _check_baseline(fit, baseline)
        below, null = baseline._matrices, baseline.state
    before, after = _intercept_variances(below, null), _intercept_variances(matrices, fit.state)
    if method == "raudenbush-bryk":
        r2 = proportional_reduction(before, after)
        return {
            "level": [factor.name for factor in matrices.factors] + ["residual"],
            "variance_baseline": before,
            "variance": after,
            "r2": r2,
            "note": [_reduction_note(value) for value in r2],
        }
    if any(m.terms[0].names != ("Intercept",) or len(m.terms) != 1 for m in (below, matrices)):
        raise NotSupportedError(
            "Snijders and Bosker's measures are for one grouping factor with random intercepts; "
            "fit the model without random slopes for them, or use method='rights-sterba'."
        )
    factor = matrices.factors[0]
    first, second = snijders_bosker(
        (before[0], before[1]), (after[0], after[1]), harmonic_size(factor.codes, factor.n_levels)
    )
    return {"measure": ["rows", f"means of {factor.name}"], "r2": np.array([first, second])}


def _reduction_note(r2: float) -> str:
    if np.isnan(r2):
        return "the baseline has no variance at this level"
    return _NEGATIVE if r2 < 0.0 else ""


def _intercept_variances(matrices: ModelMatrices, state: FitState) -> Float:
    """Variance of the intercepts of every factor, and of the residuals."""
    found = np.zeros(len(matrices.factors) + 1)
    found[-1] = state.sigma**2
    for term, part in zip(matrices.terms, state.terms, strict=True):
        if "Intercept" in term.names:
            q = term.names.index("Intercept")
            found[term.factor] += part.covariance[q, q]
    return found


def _check_baseline(fit: FitTesting, baseline: FitTesting) -> None:
    if not hasattr(baseline, "_matrices"):
        raise DataError(f"baseline must be a fit; got {baseline!r}.")
    ours, theirs = fit._matrices, baseline._matrices
    names = [[factor.name for factor in m.factors] for m in (ours, theirs)]
    if not (ours.n_rows == theirs.n_rows and np.array_equal(ours.y, theirs.y)):
        raise DataError(
            "The baseline has other rows or another response than the fit; fit both to the same "
            "rows, without those that have missing values in either."
        )
    if names[0] != names[1] or fit.reml != baseline.reml:
        raise DataError(
            "The baseline must have the same grouping factors in the same order, and the same "
            f"criterion: it has {', '.join(names[1]) or 'none'}, the fit {', '.join(names[0])}; "
            "both by REML or both by maximum likelihood."
        )


def _products(matrices: ModelMatrices, at: Mapping[str, float] | None) -> list[Float]:
    """Where the variance of random effects is wanted: averaged, or at given predictors."""
    if at is None:
        return mean_products(matrices)
    needed = {name for term in matrices.terms for name in term.names} - {"Intercept"}
    if not isinstance(at, Mapping) or set(at) != needed:
        raise DataError(
            f"at must give one value for each random slope ({', '.join(sorted(needed)) or 'none'})"
            f"; got {at!r}."
        )
    values = {"Intercept": 1.0} | {name: float(value) for name, value in at.items()}
    rows = [np.array([values[name] for name in term.names]) for term in matrices.terms]
    return [np.outer(row, row) for row in rows]
