"""Tables of the groups of a fit: reliability, pooling, ranks, tests of differences."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.levels.pooling import pool
from multilevel.levels.ranks import Posterior, expected_ranks, independent_groups, rank_intervals
from multilevel.levels.reliability import describe_reliability, mean_reliability, reliabilities
from multilevel.prediction.joint_covariance import effect_offsets, joint_covariance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.report.tidy import Columns
    from multilevel.state import FitState

__all__ = [
    "RankDraws",
    "pooling_columns",
    "rank_columns",
    "reliability_columns",
    "reliability_means",
]


@dataclass(frozen=True, slots=True)
class RankDraws:
    """How intervals of ranks are simulated.

    Attributes
    ----------
    level : float
        Level of the intervals.
    n : int
        Number of draws.
    rng : numpy.random.Generator
        Source of randomness.
    """

    level: float
    n: int
    rng: np.random.Generator


def reliability_means(found: Sequence[FactorEffects]) -> Columns:
    """Mean reliability of every random coefficient, and what it is worth."""
    rows = []
    for effects in found:
        used = int(effects.regression.estimable.sum())
        means = mean_reliability(effects).tolist()
        for name, variance, mean in zip(
            effects.names, effects.covariance.diagonal().tolist(), means, strict=True
        ):
            verdict = describe_reliability(mean, variance, effects.factor.n_levels, used)
            rows.append(
                (effects.factor.name, name, variance, mean, effects.factor.n_levels, used, verdict)
            )
    names = ("group", "term", "variance", "reliability", "n_groups", "n_used", "verdict")
    return _columns(names, rows)


def reliability_columns(found: Sequence[FactorEffects]) -> Columns:
    """Reliability of every coefficient of every group."""
    return _by_group(found, [{"reliability": reliabilities(effects)} for effects in found])


def pooling_columns(
    matrices: ModelMatrices, state: FitState, ols: FitState, found: Sequence[FactorEffects]
) -> Columns:
    """Estimates of every group without, with partial and with complete pooling."""
    values = []
    for effects in found:
        pooled = pool(effects, matrices.X, state.beta, ols.beta)
        values.append(
            {
                "no_pooling": pooled.none,
                "std_error": pooled.none_error,
                "partial_pooling": pooled.partial,
                "population": pooled.population,
                "complete_pooling": pooled.complete,
                "shrinkage": 1.0 - pooled.reliability,
            }
        )
    return _by_group(found, values)


def rank_columns(
    matrices: ModelMatrices,
    state: FitState,
    found: Sequence[FactorEffects],
    term: str | None,
    draws: RankDraws,
) -> Columns:
    """Expected ranks of groups by one effect or all, with intervals."""
    known = list(dict.fromkeys(name for effects in found for name in effects.names))
    if term is not None and term not in known:
        raise DataError(f"There is no random effect {term!r}; there are: {', '.join(known)}.")
    kept, values = [], []
    for effects in found:
        names = tuple(name for name in effects.names if term in (None, name))
        tables = [
            _ranked(_posterior(matrices, state, effects, effects.names.index(name)), draws)
            for name in names
        ]
        if tables:
            kept.append(replace(effects, names=names))
            values.append({key: np.column_stack([t[key] for t in tables]) for key in tables[0]})
    return _by_group(kept, values)


def _posterior(
    matrices: ModelMatrices, state: FitState, effects: FactorEffects, q: int
) -> Posterior:
    """Joint distribution of one effect of all groups, errors of the fixed effects included."""
    if effects.alone:
        return independent_groups(effects, state, q)
    J, offsets = effects.factor.n_levels, effect_offsets(matrices)
    at = [
        int(offsets[t]) + j + len(matrices.terms[t].names) * np.arange(J)
        for t in effects.terms
        for j in range(len(matrices.terms[t].names))
    ][q]
    values, vectors = np.linalg.eigh(joint_covariance(matrices, state)[np.ix_(at, at)])
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    return Posterior(effects.modes[:, q], np.zeros(J), root)


def _ranked(posterior: Posterior, draws: RankDraws) -> Columns:
    """Columns of the ranks by one effect, arrays of shape (J,)."""
    expected = expected_ranks(posterior)
    low, high = rank_intervals(posterior, draws.level, draws.n, draws.rng)
    J = len(expected)
    middle = (J + 1) / 2.0
    place = np.where(low > middle, "upper half", "not clear")
    return {
        "estimate": posterior.mean,
        "std_error": np.sqrt(posterior.variance),
        "expected_rank": expected,
        "percentile": 100.0 * (expected - 0.5) / J,
        "conf_low": low,
        "conf_high": high,
        "verdict": np.where(high < middle, "lower half", place).astype(object),
    }


def _by_group(found: Sequence[FactorEffects], values: Sequence[Columns]) -> Columns:
    """Table by group, level and term from arrays of shape (J, k) per factor."""
    columns: Columns = {"group": [], "level": [], "term": [], "n_rows": []}
    for effects in found:
        J, k = effects.factor.n_levels, len(effects.names)
        columns["group"] += [effects.factor.name] * (J * k)
        columns["level"].append(np.repeat(effects.factor.levels, k))
        columns["term"] += list(effects.names) * J
        columns["n_rows"].append(np.repeat(effects.regression.n_rows, k))
    if len(found) > 1:
        columns["level"] = [level.astype(str).astype(object) for level in columns["level"]]
    columns["level"] = np.concatenate(columns["level"])
    columns["n_rows"] = np.concatenate(columns["n_rows"])
    return columns | {
        name: np.concatenate([value[name].ravel() for value in values]) for name in values[0]
    }


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> Columns:
    """Table from rows; numbers as arrays, text as lists."""
    made: Columns = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        made[name] = list(values) if isinstance(values[0], str) else np.array(values)
    return made
