"""A fit beside ordinary least squares."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.robust import robust_tests
from multilevel.levels.least_squares import between_share, describe_difference
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.report.tidy import Columns
    from multilevel.state import FitState
    from multilevel.typing import Float, Int

__all__ = ["fit_without_groups", "ols_columns"]


def fit_without_groups(matrices: ModelMatrices) -> tuple[ModelMatrices, FitState]:
    """The model without its random effects, and its fit by least squares."""
    plain = replace(matrices, factors=(), terms=())
    return plain, LinearProblem.from_matrices(plain).fit(reml=True)


def ols_columns(matrices: ModelMatrices, state: FitState, name: str, codes: Int) -> Columns:
    """Table of :meth:`LinearMixedModel.vs_ols`; ``codes`` are the clusters, called ``name``."""
    plain, ols = fit_without_groups(matrices)
    robust = robust_tests(plain, ols, "CR2", codes, name)
    names = matrices.coef_names

    def expand(values: Float) -> Float:
        full = np.full(len(names), np.nan)
        full[matrices.kept] = values
        return full

    errors, naive = (expand(np.sqrt(fit.vcov.diagonal())) for fit in (state, ols))
    shares = expand(np.array([between_share(x, codes) for x in matrices.X.T]))
    ratio = errors / naive
    return {
        "term": list(names),
        "estimate_ols": expand(ols.beta),
        "std_error_ols": naive,
        "std_error_robust": expand(np.sqrt(robust.vcov.diagonal())),
        "estimate": expand(state.beta),
        "std_error": errors,
        "ratio": ratio,
        "between": shares,
        "verdict": [
            describe_difference(share, r, name)
            for share, r in zip(shares.tolist(), ratio.tolist(), strict=True)
        ],
    }
