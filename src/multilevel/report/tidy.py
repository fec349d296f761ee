"""Tidy tables: one row per estimate, as columns of arrays.

Every function returns a dictionary of equally long columns, to be emitted as the caller's kind of
data frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.inference.varcomp import variance_components
from multilevel.inference.wald import wald_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from multilevel.design.matrices import GroupingFactor, ModelMatrices
    from multilevel.inference.wald import WaldTests
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = [
    "Columns",
    "interval_columns",
    "tidy_fixed",
    "tidy_group_coefficients",
    "tidy_modes",
    "tidy_parameters",
    "variance_table",
]

Columns = dict[str, Any]


def tidy_fixed(names: Sequence[str], tests: WaldTests) -> Columns:
    """Fixed effects with their tests."""
    return {
        "term": list(names),
        "estimate": tests.estimate,
        "std_error": tests.std_error,
        "df": tests.df,
        "statistic": tests.statistic,
        "p_value": tests.p_value,
    }


def interval_columns(
    estimate: Float, std_error: Float, level: float, df: Float | float = np.inf
) -> Columns:
    """Bounds of Wald intervals."""
    low, high = wald_interval(estimate, std_error, level, df)
    return {"conf_low": low, "conf_high": high}


def variance_table(matrices: ModelMatrices, state: FitState) -> Columns:
    """Variances, standard deviations and correlations, the residual last.

    A row with ``other_term`` is the correlation of two effects; the others are variances.
    """
    rows: list[tuple[str, str | None, str | None, float, float, float]] = []
    for part in variance_components(matrices, state):
        rows += [
            (part.group, name, None, variance, sd, np.nan)
            for name, variance, sd in zip(
                part.names, part.covariance.diagonal(), part.sd, strict=True
            )
        ]
        rows += [
            (part.group, part.names[a], part.names[b], np.nan, np.nan, part.corr[a, b])
            for a, b in part.pairs
        ]
    rows.append(("Residual", None, None, state.sigma**2, state.sigma, np.nan))
    group, term, other, variance, sd, corr = zip(*rows, strict=True)
    return {
        "group": list(group),
        "term": list(term),
        "other_term": list(other),
        "variance": np.array(variance),
        "sd": np.array(sd),
        "corr": np.array(corr),
    }


def tidy_parameters(matrices: ModelMatrices, state: FitState) -> Columns:
    """Standard deviations ``sd__x``, correlations ``corr__x.y``, residual ``sd__residual``."""
    group: list[str] = []
    term: list[str] = []
    estimate: list[float] = []
    for part in variance_components(matrices, state):
        group += [part.group] * (len(part.names) + len(part.pairs))
        term += [f"sd__{name}" for name in part.names]
        term += [f"corr__{part.names[a]}.{part.names[b]}" for a, b in part.pairs]
        estimate += [*part.sd, *(part.corr[a, b] for a, b in part.pairs)]
    return {
        "group": [*group, "Residual"],
        "term": [*term, "sd__residual"],
        "estimate": np.array([*estimate, state.sigma]),
    }


def tidy_modes(
    matrices: ModelMatrices,
    state: FitState,
    covariances: Sequence[Float],
    groups: Sequence[str],
) -> Columns:
    """Conditional modes with their conditional standard deviations, level by level."""
    factors = [f for f in matrices.factors if f.name in groups]
    names: list[str] = []
    estimate, std_error, repeats = [], [], []
    for factor in factors:
        terms = _terms_of(matrices, factor)
        effects = [name for t in terms for name in matrices.terms[t].names]
        estimate.append(np.hstack([state.terms[t].modes for t in terms]).ravel())
        variances = [np.diagonal(covariances[t], axis1=1, axis2=2) for t in terms]
        std_error.append(np.sqrt(np.hstack(variances)).ravel())
        names += effects * factor.n_levels
        repeats.append(len(effects))
    return {
        **_labels(factors, repeats),
        "term": names,
        "estimate": np.concatenate(estimate),
        "std_error": np.concatenate(std_error),
    }


def tidy_group_coefficients(
    matrices: ModelMatrices, state: FitState, beta: Float, groups: Sequence[str]
) -> Columns:
    """Coefficients of every group: fixed effect plus conditional mode.

    A random effect without a fixed counterpart stands alone; a fixed effect that does not vary is
    the same in every group.
    """
    factors = [f for f in matrices.factors if f.name in groups]
    names: list[str] = []
    estimate, repeats = [], []
    for factor in factors:
        terms = _terms_of(matrices, factor)
        columns = dict(zip(matrices.coef_names, beta, strict=True))
        columns = {n: np.full(factor.n_levels, value) for n, value in columns.items()}
        for t in terms:
            for name, effect in zip(matrices.terms[t].names, state.terms[t].modes.T, strict=True):
                columns[name] = columns.get(name, 0.0) + effect
        estimate.append(np.column_stack(list(columns.values())).ravel())
        names += list(columns) * factor.n_levels
        repeats.append(len(columns))
    return {**_labels(factors, repeats), "term": names, "estimate": np.concatenate(estimate)}


def _terms_of(matrices: ModelMatrices, factor: GroupingFactor) -> list[int]:
    return [t for t, term in enumerate(matrices.terms) if matrices.factors[term.factor] is factor]


def _labels(factors: Sequence[GroupingFactor], repeats: Sequence[int]) -> Columns:
    """Columns ``group`` and ``level``; levels of several factors together are text."""
    group = [f.name for f, k in zip(factors, repeats, strict=True) for _ in range(f.n_levels * k)]
    levels: list[npt.NDArray[Any]] = [
        np.repeat(f.levels, k) for f, k in zip(factors, repeats, strict=True)
    ]
    if len(levels) > 1:
        levels = [labels.astype(str).astype(object) for labels in levels]
    return {"group": group, "level": np.concatenate(levels)}
