"""Tables of tests of the terms of the fixed part: analysis of variance, dropped terms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.inference.likelihood_ratio import chi_squared_tail, likelihood_ratio
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.model import MixedModel
    from multilevel.fits.terms import AnovaType, FixedTerms
    from multilevel.inference.degrees_of_freedom import FixedTests
    from multilevel.report.tidy import Columns
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["DropTest", "anova_columns", "drop_by_f", "drop_by_lrt"]

DropTest = Literal["f", "lrt"]


def anova_columns(fixed: FixedTerms, tests: FixedTests, sigma: float, kind: AnovaType) -> Columns:
    """F tests of all terms; see :meth:`LinearMixedModel.anova`."""
    indices = fixed.indices()
    hypotheses = [fixed.hypothesis(i, kind) for i in indices]
    table = _f_table(fixed, indices, hypotheses, tests, sigma)
    return {
        **table,
        "hypothesis": [
            fixed.words(i, kind, len(L)) for i, L in zip(indices, hypotheses, strict=True)
        ],
    }


def drop_by_f(fixed: FixedTerms, tests: FixedTests, sigma: float) -> Columns:
    """F tests of dropping each term; see :meth:`LinearMixedModel.drop1`."""
    indices = fixed.droppable()
    return _f_table(fixed, indices, [fixed.space.last(i) for i in indices], tests, sigma)


def _f_table(
    fixed: FixedTerms,
    indices: Sequence[int],
    hypotheses: Sequence[Float],
    tests: FixedTests,
    sigma: float,
) -> Columns:
    """Terms, sums of squares and F tests. ``mean_sq`` is F times the residual variance."""
    joint = [tests.joint(L) for L in hypotheses]
    df = np.array([test.df for test in joint], dtype=np.int64)
    statistic = np.array([test.statistic for test in joint])
    mean_sq = statistic * sigma**2
    return {
        "term": [fixed.terms[i].name for i in indices],
        "sum_sq": mean_sq * df,
        "mean_sq": mean_sq,
        "df": df,
        "df_residual": np.array([test.df_residual for test in joint]),
        "statistic": statistic,
        "p_value": np.array([test.p_value for test in joint]),
    }


def drop_by_lrt(fixed: FixedTerms, model: MixedModel, full: FitState) -> Columns:
    """Likelihood-ratio tests of dropping each term, by maximum likelihood, on the same rows."""
    indices = fixed.droppable()
    states = [_without(fixed, i, model) for i in indices]
    df = np.array([len(full.beta) - len(state.beta) for state in states], dtype=np.int64)
    statistic = likelihood_ratio(np.array([state.objective for state in states]), full.objective)
    return {
        "term": [fixed.terms[i].name for i in indices],
        "n_parameters": [state.n_parameters for state in states],
        "loglik": np.array([state.loglik for state in states]),
        "aic": np.array([state.objective + 2.0 * state.n_parameters for state in states]),
        "statistic": statistic,
        "df": df,
        "p_value": chi_squared_tail(df.astype(np.float64), statistic),
    }


def _without(fixed: FixedTerms, i: int, model: MixedModel) -> FitState:
    """The model with the space of all terms but one as its fixed part."""
    matrices = model.matrices
    X = np.ascontiguousarray(matrices.X @ fixed.space.complement(i))
    names = tuple(str(j) for j in range(X.shape[1]))
    smaller = replace(matrices, X=X, coef_names=names, kept=np.arange(X.shape[1]))
    return LinearProblem.from_matrices(smaller, model._control).fit(reml=False)
