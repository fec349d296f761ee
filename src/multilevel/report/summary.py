"""Build the summary of a linear mixed model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.information import aic, bic
from multilevel.inference.varcomp import singular_directions, variance_components
from multilevel.report.numbers import criterion, fixed_point, p_value, significant
from multilevel.report.tree import Summary, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.inference.degrees_of_freedom import FixedTests
    from multilevel.inference.wald import WaldTests
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["summarize"]

# A wider correlation table is not read by anyone.
_MOST_CORRELATIONS = 12


def summarize(
    matrices: ModelMatrices,
    state: FitState,
    tests: WaldTests,
    method: FixedTests,
    scaled_residuals: Float,
    facts: Sequence[tuple[str, str]],
    notes: Sequence[str],
) -> Summary:
    """Build the summary of a fit.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    tests : WaldTests
        Tests of all fixed effects, NaN for dropped columns.
    method : FixedTests
        The method that they are by.
    scaled_residuals : ndarray, shape (n,)
        Pearson residuals over sigma.
    facts : sequence of (str, str)
        What was fitted: formula, weights, offset.
    notes : sequence of str
        Facts about the data, such as rows dropped.
    """
    tables = [
        *_criteria(state),
        _residual_quantiles(scaled_residuals),
        *_random_effects(matrices, state),
        *_fixed_effects(matrices, tests, method),
        *_correlations(matrices, method.vcov),
    ]
    return Summary(
        _title(matrices, state),
        (*facts, *_single_numbers(matrices, state)),
        tuple(tables),
        (*notes, *_notes(matrices, state, method)),
    )


def _title(matrices: ModelMatrices, state: FitState) -> str:
    if not matrices.terms:
        return "Linear model fit by ordinary least squares"
    return f"Linear mixed model fit by {'REML' if state.reml else 'maximum likelihood'}"


def _single_numbers(matrices: ModelMatrices, state: FitState) -> list[tuple[str, str]]:
    facts = []
    if state.reml:
        facts.append(("REML criterion", criterion(state.objective)))
    if not matrices.terms:
        sigma = significant(np.array([state.sigma]))[0]
        facts.append(("Residual standard deviation", sigma))
        facts.append(("Number of obs", str(state.nobs)))
    return facts


def _criteria(state: FitState) -> list[Table]:
    """The line of criteria, for maximum likelihood only (those of REML compare too little)."""
    if state.reml:
        return []
    n_parameters = state.n_parameters
    values = (
        criterion(aic(state.loglik, n_parameters)),
        criterion(bic(state.loglik, n_parameters, state.nobs)),
        criterion(state.loglik),
        criterion(state.objective),
        str(state.nobs - n_parameters),
    )
    header = ("AIC", "BIC", "logLik", "deviance", "df.resid")
    return [Table("", header, (values,), labels=0)]


def _residual_quantiles(scaled: Float) -> Table:
    quantiles = np.quantile(scaled, (0.0, 0.25, 0.5, 0.75, 1.0))
    cells = tuple(fixed_point(q, 4) for q in quantiles)
    return Table("Scaled residuals", ("Min", "1Q", "Median", "3Q", "Max"), (cells,), labels=0)


def _random_effects(matrices: ModelMatrices, state: FitState) -> list[Table]:
    if not matrices.terms:
        return []
    parts = variance_components(matrices, state)
    sd = np.concatenate([*(part.sd for part in parts), [state.sigma]])
    variance_text, sd_text = significant(sd**2), significant(sd)
    n_corr = max((len(p.names) - 1 for p in parts if p.kind == "unstructured"), default=0)
    rows, r = [], 0
    for part in parts:
        for j, name in enumerate(part.names):
            corr = [fixed_point(c, 2) or "-" for c in part.corr[j, :j]] if part.pairs else []
            corr += [""] * (n_corr - len(corr))
            group = part.group if j == 0 else ""
            rows.append((group, name, variance_text[r], sd_text[r], *corr))
            r += 1
    rows.append(("Residual", "", variance_text[r], sd_text[r], *[""] * n_corr))
    header = ("Groups", "Name", "Variance", "Std.Dev.", *(["Corr"] + [""] * n_corr)[:n_corr])
    groups = "; ".join(f"{factor.name}, {factor.n_levels}" for factor in matrices.factors)
    footer = f"Number of obs: {state.nobs}, groups: {groups}"
    return [Table("Random effects", header, tuple(rows), labels=2, footer=footer)]


def _fixed_effects(matrices: ModelMatrices, tests: WaldTests, method: FixedTests) -> list[Table]:
    if not matrices.coef_names:
        return []
    scale = tests.std_error if (tests.std_error > 0.0).any() else tests.estimate
    estimates, errors = significant(tests.estimate, scale), significant(tests.std_error, scale)
    finite = bool(np.isfinite(tests.df).any())
    rows = tuple(
        (
            name,
            estimates[j] or "dropped",
            errors[j],
            *([fixed_point(tests.df[j], 1)] if finite else []),
            fixed_point(tests.statistic[j], 3),
            p_value(tests.p_value[j]),
        )
        for j, name in enumerate(matrices.coef_names)
    )
    header = ("", "estimate", "std_error", *(["df"] if finite else []), "statistic", "p_value")
    caption = f"Fixed effects ({'t' if finite else 'z'} tests: {method.label})"
    return [Table(caption, header, rows)]


def _correlations(matrices: ModelMatrices, vcov: Float) -> list[Table]:
    names = [matrices.coef_names[j] for j in matrices.kept]
    if not 2 <= len(names) <= _MOST_CORRELATIONS:
        return []
    sd = np.sqrt(vcov.diagonal())
    corr = vcov / np.outer(sd, sd)
    width = len(names) - 1
    rows = tuple(
        (names[j], *(fixed_point(c, 3) for c in corr[j, :j]), *[""] * (width - j))
        for j in range(1, len(names))
    )
    return [Table("Correlation of fixed effects", ("", *names[:-1]), rows)]


def _notes(matrices: ModelMatrices, state: FitState, method: FixedTests) -> list[str]:
    notes = []
    clauses = singular_directions(matrices, state)
    if clauses:
        notes.append(f"The fit is singular: {'; '.join(clauses)}.")
    if method.note:
        notes.append(method.note)
    if not state.optimizer.converged:
        notes.append(f"The optimiser {state.optimizer.message}: the estimates are provisional.")
    return notes
