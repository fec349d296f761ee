"""Checks of a model: convergence, singularity, numbers of groups, and its fixed part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.covariance.relative_factor import entries
from multilevel.diagnostics.added_columns import add_to_model, residual_df_of
from multilevel.diagnostics.singularity import remedy
from multilevel.diagnostics.verdicts import (
    EXPLAINED,
    FEW_GROUPS,
    SHIFT,
    SOME_GROUPS,
    TOO_FEW_GROUPS,
    VIF,
    judge,
    why_ok,
)
from multilevel.fits.check_table import MODEL, Check, listed, not_checked
from multilevel.fits.inflation import inflation
from multilevel.fits.principal_components import effect_components
from multilevel.fits.reference_grid import ReferenceGrid
from multilevel.inference.varcomp import singular_directions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multilevel.diagnostics.verdicts import Verdict
    from multilevel.fits.checks import FitChecks
    from multilevel.typing import Float, Int

__all__ = ["check_model"]

# Eigenvalues of the Hessian, relative to the largest, that are zero within the error of its
# differences.
_FLAT = 1e-7
# Variation of a group's rows below this part of a column's largest value is rounding.
_CONSTANT = 1e-9
# Share of groups with one row from which slopes can hardly be told from errors.
_SINGLETONS = 0.5


def check_model(fit: FitChecks) -> Iterator[Check]:
    """All checks of the model, in the order of the table."""
    if fit._matrices.terms:
        yield from _convergence(fit)
        yield from _singularity(fit)
        yield from _group_numbers(fit)
    yield from _collinearity(fit)
    yield from _linearity(fit)
    yield from _exogeneity(fit)


def _convergence(fit: FitChecks) -> Iterator[Check]:
    """Whether the criterion is at a minimum."""
    found = fit.optimizer
    verdict: Verdict = "ok" if found.converged else "problem"
    message = (
        f"the criterion could fall by {found.decrement:.1g} at most"
        if found.converged
        else f"the optimiser {found.message}; simplify the random effects or raise "
        "Control(max_evaluations=...)"
    )
    yield Check("convergence", MODEL, "", "Newton decrement", found.decrement, verdict, message)
    least = _least_curvature(fit)
    if least > _FLAT:
        verdict, message = "ok", "positive definite: the variance parameters are identified"
    elif least > -_FLAT:
        verdict = "ok" if fit.is_singular else "look"
        message = "flat in some direction" + (
            ", as at a singular fit" if fit.is_singular else ": a variance is hardly identified"
        )
    else:
        verdict, message = "problem", "not positive definite: this is no minimum; refit from start="
    yield Check("hessian", MODEL, "", "least eigenvalue / largest", least, verdict, message)


def _least_curvature(fit: FitChecks) -> float:
    """Least eigenvalue of the Hessian over the largest, effects in units of the response."""
    hessian = fit.model.hessian(fit.theta, reml=fit.reml)
    size = []
    for term in fit._matrices.terms:
        column = np.sqrt(np.mean(np.square(term.z), axis=0))
        size += [column[i] for i, _ in entries(term.covariance, len(term.names))]
    values = np.linalg.eigvalsh(hessian / np.outer(size, size))
    return float(values[0] / np.abs(values).max())


def _singularity(fit: FitChecks) -> Iterator[Check]:
    """Whether random effects vary in all their directions."""
    clauses = "; ".join(singular_directions(fit._matrices, fit.state))
    for term, found in zip(fit._matrices.terms, effect_components(fit), strict=True):
        advice = remedy(found, term.names, term.covariance)
        yield Check(
            "singularity",
            fit._matrices.factors[term.factor].name,
            term.label,
            "least sd",
            float(found.sd[-1]),
            "look" if advice else "ok",
            f"{clauses}: {advice}" if advice else "the effects vary in all directions",
        )


def _group_numbers(fit: FitChecks) -> Iterator[Check]:
    """Whether there are enough groups, and rows in them."""
    for f, factor in enumerate(fit._matrices.factors):
        J = factor.n_levels
        verdict: Verdict = "ok"
        if J < TOO_FEW_GROUPS:
            verdict = "problem"
            message = "too few to estimate a variance: take the factor as fixed effects"
        elif J < FEW_GROUPS:
            verdict = "look"
            message = (
                "few: the variance is uncertain; test with df_method='kenward-roger', no z tests, "
                "or take the factor as fixed effects"
            )
        elif J < SOME_GROUPS:
            message = "use t tests, not z tests; take intervals of variances by profile"
        else:
            message = "enough for tests and for intervals of variances"
        yield Check("number of groups", factor.name, "", "groups", float(J), verdict, message)
        single = float(np.mean(np.bincount(factor.codes) == 1))
        slopes = any(t.factor == f and len(t.names) > 1 for t in fit._matrices.terms)
        if single == 1.0 or (slopes and single > _SINGLETONS):
            yield Check(
                "group sizes",
                factor.name,
                "",
                "share with one row",
                single,
                "look",
                "groups with one row say nothing about slopes, nor about the residual variance",
            )


def _collinearity(fit: FitChecks) -> Iterator[Check]:
    """Whether predictors can be told from one another: the worst term."""
    names, vif, df = inflation(fit)
    if len(names) < 2:
        return
    # on the scale of a single coefficient, squared as the factors are
    scaled = vif ** (1.0 / df)
    worst = int(scaled.argmax())
    look, problem = VIF
    verdict: Verdict = "ok"
    if scaled[worst] >= look:
        verdict = "problem" if scaled[worst] >= problem else "look"
    message = "predictors can be told apart"
    if verdict != "ok":
        high = [name for name, value in zip(names, scaled, strict=True) if value >= look]
        message = f"{listed(high)} can hardly be told from other predictors"
        if any(":" in name for name in names):
            message += "; centring the predictors of a product often helps"
    yield Check("collinearity", MODEL, names[worst], "VIF", float(scaled[worst]), verdict, message)


def _linearity(fit: FitChecks) -> Iterator[Check]:
    """Whether squares of the fitted values and of the predictors add anything."""
    matrices = fit._matrices
    fixed = matrices.X @ fit.state.beta
    columns = {
        name: predictor.values
        for name, predictor in ReferenceGrid(fit.model.design).predictors.items()
        if predictor.levels is None
    }
    varying = sum(np.ptp(x) > 0.0 for x in matrices.X.T)
    if varying > 1 or (varying and not columns):
        columns = {"fitted value": fixed, **columns}
    if not columns:
        return
    squares = np.column_stack([(x - x.mean()) ** 2 for x in columns.values()])
    added = add_to_model(matrices, fit.state, fit.residuals(), squares)
    for j, name in enumerate(columns):
        test = added.test([j], residual_df_of(matrices, squares[:, j]))
        if test is None:
            continue  # a predictor with two values, or one whose square is in the model
        verdict = judge(test.share, EXPLAINED, test.p_value)
        message = f"its square explains {test.share:.1%} of what is left"
        if verdict == "ok":
            message += why_ok(test.share, EXPLAINED, test.p_value)
        else:
            message += (
                "; look at the residuals against it, and add a curve"
                if name != "fitted value"
                else "; a curve, a product or a transformation of the response is missing"
            )
        yield Check(
            "linearity", MODEL, name, "F", test.statistic, verdict, message, test.df, test.p_value
        )


def _exogeneity(fit: FitChecks) -> Iterator[Check]:
    """Whether effects within groups are those between them (Mundlak 1978)."""
    matrices = fit._matrices
    names = [matrices.coef_names[j] for j in matrices.kept]
    errors = np.sqrt(fit.state.vcov.diagonal())
    for factor in matrices.factors:
        means = [_group_means(x, factor.codes) for x in matrices.X.T]
        split = [j for j, mean in enumerate(means) if mean is not None]
        if not split:
            continue
        A = np.column_stack([mean for mean in means if mean is not None])
        inside = sum(_is_constant(x, factor.codes) for x in matrices.X.T)
        added = add_to_model(matrices, fit.state, fit.residuals(), A)
        if not added.rank(range(len(split))):
            continue  # the model has the means already
        test = added.test(range(len(split)), factor.n_levels - inside - 1)
        if test is None:
            reason = f"too few groups for {len(split)} more predictors of theirs"
            yield not_checked("exogeneity", factor.name, reason)
            continue
        shift = np.abs(test.shift[split] / errors[split])
        worst = split[int(shift.argmax())]
        verdict = judge(float(shift.max()), SHIFT, test.p_value)
        if verdict == "ok":
            message = "effects within groups are those between them, as far as it matters"
        else:
            beta = fit.state.beta[worst]
            message = (
                f"effects within groups are not those between them: {names[worst]} has "
                f"{beta:.3g} in the model and {beta + test.shift[worst]:.3g} within groups; see "
                "within_between()"
            )
        yield Check(
            "exogeneity",
            factor.name,
            listed([names[j] for j in split]),
            "F",
            test.statistic,
            verdict,
            message,
            test.df,
            test.p_value,
        )


def _group_means(x: Float, codes: Int) -> Float | None:
    """Means of groups in every row, if x varies within groups and they between them."""
    if _is_constant(x, codes):
        return None
    means = np.bincount(codes, x) / np.bincount(codes)
    return None if np.ptp(means) <= _CONSTANT * np.abs(x).max() else means[codes]


def _is_constant(x: Float, codes: Int) -> bool:
    one = np.zeros(int(codes.max()) + 1)
    one[codes] = x  # a value of every group
    return bool(np.abs(x - one[codes]).max() <= _CONSTANT * np.abs(x).max())
