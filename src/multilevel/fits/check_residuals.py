"""Checks of residuals: of rows, of groups, and of what the fit rests on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel.diagnostics.autocorrelation import autocorrelation
from multilevel.diagnostics.homoscedasticity import log_variance_test, score_test
from multilevel.diagnostics.normality import FEWEST, Normality, normality
from multilevel.diagnostics.outliers import group_distances, outlying
from multilevel.diagnostics.verdicts import (
    AUTOCORRELATION,
    INFLUENTIAL,
    KURTOSIS,
    LOOK_P,
    SD_RATIO,
    SKEWNESS,
    Verdict,
    judge,
    why_ok,
)
from multilevel.diagnostics.within_groups import residuals_within
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.fits.check_table import Check, listed, not_checked
from multilevel.levels.nesting import is_nested
from multilevel.prediction.cases import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from multilevel.design.matrices import GroupingFactor
    from multilevel.fits.checks import FitChecks
    from multilevel.frames.column import Column
    from multilevel.typing import Float

__all__ = ["check_residuals"]

# Rows with less freedom than this are fitted exactly, whatever their response.
_FREE = 1e-9
# Degrees of freedom of a group for its variance to count: Raudenbush & Bryk (2002, p. 264).
_OWN_DF = 10
# Groups that are left out one by one; a thousandth of a second each.
_MOST_GROUPS = 5000
_SIGNIFICANT = 1.959964  # a z value at 5 %
_ROBUST = "fixed effects hold with robust='CR2'"


def check_residuals(fit: FitChecks, time: str | None) -> Iterator[Check]:
    """All checks of residuals, in the order of the table."""
    rows = _RowResiduals(fit)
    if len(rows.used) >= FEWEST:
        yield from _normal_rows(rows)
        yield from _even_along_fitted(fit, rows)
    yield from _even_between_groups(fit)
    yield from _normal_effects(fit)
    yield from _outlying_rows(fit, rows)
    yield from _outlying_groups(fit)
    yield from _influential_groups(fit)
    yield from _autocorrelated(fit, time)


class _RowResiduals:
    """Studentised residuals of the rows that have any."""

    def __init__(self, fit: FitChecks) -> None:
        free = 1.0 - fit._leverage
        self.used = np.flatnonzero(free > _FREE)
        scale = fit.sigma * np.sqrt(free[self.used])
        self.values: Float = fit.residuals("pearson")[self.used] / scale


def _shape(values: Float, check: str, level: str, term: str) -> Check:
    """Normality of values."""
    found = normality(values)
    verdict: Verdict = "ok"
    for size, thresholds in ((found.skewness, SKEWNESS), (found.kurtosis, KURTOSIS)):
        one = judge(abs(size), thresholds, found.p_value)
        verdict = one if one == "problem" or verdict == "ok" else verdict
    message = f"skewness {found.skewness:.2f}, excess kurtosis {found.kurtosis:.2f}"
    if verdict == "ok":
        beyond = max(abs(found.skewness) / SKEWNESS[0], abs(found.kurtosis) / KURTOSIS[0])
        message += why_ok(beyond, (1.0, np.inf), found.p_value)
    else:
        message += f"; look at the quantile plot; {_shape_advice(found, level)}{_ROBUST}"
    return Check(
        check,
        level,
        term,
        found.measure,
        found.statistic,
        verdict,
        message,
        p_value=found.p_value,
    )


def _shape_advice(found: Normality, level: str) -> str:
    """What may lie behind the shape of residuals of rows."""
    if level != ROWS:
        return ""
    if abs(found.skewness) >= SKEWNESS[0]:
        return "a transformation of the response may help; "
    if found.kurtosis > 0.0:
        return "some rows lie far out; "
    return "the scale may have limits, or rows may be of two kinds; "


def _normal_rows(rows: _RowResiduals) -> Iterator[Check]:
    yield _shape(rows.values, "normality", ROWS, "residual")


def _normal_effects(fit: FitChecks) -> Iterator[Check]:
    """Predictions of every random effect over the standard deviations that they have."""
    for t, term in enumerate(fit._matrices.terms):
        estimated = fit.state.terms[t]
        own = estimated.covariance - fit._covariances[t]
        level = fit._matrices.factors[term.factor].name
        for j, name in enumerate(term.names):
            variance = own[:, j, j]
            used = variance > _FREE * estimated.covariance[j, j]
            if used.sum() >= FEWEST and estimated.covariance[j, j] > 0.0:
                values = estimated.modes[used, j] / np.sqrt(variance[used])
                yield _shape(values, "normality", level, name)


def _even_along_fitted(fit: FitChecks, rows: _RowResiduals) -> Iterator[Check]:
    """Variance of residuals along fitted values."""
    fitted = fit._fitted[rows.used]
    if np.ptp(fitted) <= _FREE * np.abs(fitted).max():
        return
    found = score_test(rows.values, fitted)
    verdict = judge(found.ratio, SD_RATIO, found.p_value)
    message = f"along fitted values the residual sd varies {found.ratio:.2f} fold"
    if verdict == "ok":
        message += why_ok(found.ratio, SD_RATIO, found.p_value)
    else:
        message += f"; transform the response, or give weights; {_ROBUST}"
    yield Check(
        "homoscedasticity",
        ROWS,
        "fitted value",
        "chi-squared",
        found.statistic,
        verdict,
        message,
        found.df,
        found.p_value,
    )


def _even_between_groups(fit: FitChecks) -> Iterator[Check]:
    """Residual variances of the groups of every factor."""
    if not fit._matrices.terms:
        return
    try:
        residual, leverage = residuals_within(fit._matrices)
    except NotSupportedError:  # crossed factors
        residual, leverage = fit.residuals(), fit._leverage
    weights = 1.0 if fit.weights is None else fit.weights
    for factor in fit._matrices.factors:
        df = np.bincount(factor.codes, 1.0 - leverage).astype(np.float64)
        used = df >= _OWN_DF
        if used.sum() < 2:
            continue
        variance = np.bincount(factor.codes, weights * residual**2) / np.maximum(df, _FREE)
        still = used & (variance <= _FREE * fit.sigma**2)
        if still.any():
            message = f"no residual variance at all in {listed(factor.levels[still].tolist())}"
            yield Check(
                "homoscedasticity", factor.name, "", "groups", float(still.sum()), "look", message
            )
            continue
        yield _group_variances(factor, variance[used], df[used])


def _group_variances(factor: GroupingFactor, variance: Float, df: Float) -> Check:
    found = log_variance_test(variance, df)
    verdict = judge(found.ratio, SD_RATIO, found.p_value)
    message = f"the residual sd of groups varies {found.ratio:.2f} fold"
    if verdict == "ok":
        message += why_ok(found.ratio, SD_RATIO, found.p_value)
    else:
        message += f": look for a predictor of it, or a missing random slope; {_ROBUST}"
    return Check(
        "homoscedasticity",
        factor.name,
        f"{len(df)} of {factor.n_levels} groups" if len(df) < factor.n_levels else "",
        "H",
        found.statistic,
        verdict,
        message,
        found.df,
        found.p_value,
    )


def _outlying_rows(fit: FitChecks, rows: _RowResiduals) -> Iterator[Check]:
    """The largest residual of a row."""
    from scipy import stats

    if not len(rows.used):
        return
    size = np.abs(rows.values)
    p_value = 2.0 * stats.norm.sf(size)
    labels = fit._used_rows()[rows.used]
    yield _outliers(size, p_value, labels, ROWS, "largest residual", "rows (from 0)")


def _outlying_groups(fit: FitChecks) -> Iterator[Check]:
    """The largest distance of a group from the centre of the random effects."""
    for t, term in enumerate(fit._matrices.terms):
        estimated = fit.state.terms[t]
        distance, p_value = group_distances(
            estimated.modes, estimated.covariance - fit._covariances[t], estimated.covariance
        )
        if len(distance):
            factor = fit._matrices.factors[term.factor]
            found = _outliers(
                distance, p_value, factor.levels, factor.name, "largest distance", "groups"
            )
            yield replace(found, term=", ".join(term.names))


def _outliers(
    size: Float,
    p_value: Float,
    labels: npt.NDArray[np.generic],
    level: str,
    measure: str,
    what: str,
) -> Check:
    found, p_largest = outlying(p_value, LOOK_P)
    message = "none lies outside what a normal distribution gives"
    if len(found):
        found = found[np.argsort(-size[found], kind="stable")]
        message = (
            f"{what} {listed(labels[found].tolist())} lie outside: look at their values, and fit "
            "without them"
        )
    return Check(
        "outliers",
        level,
        "",
        measure,
        float(size.max()),
        "look" if len(found) else "ok",
        message,
        p_value=p_largest,
    )


def _influential_groups(fit: FitChecks) -> Iterator[Check]:
    """What leaving out a group does to the fixed effects."""
    from multilevel.fits.deletions import influence_columns

    if not len(fit.state.beta):
        return
    names = [fit._matrices.coef_names[j] for j in fit._matrices.kept]
    for f, factor in enumerate(fit._matrices.factors):
        if factor.n_levels > _MOST_GROUPS:
            reason = f"one of {factor.n_levels} groups hardly matters; see influence() for them"
            yield not_checked("influence", factor.name, reason)
            continue
        try:
            found = influence_columns(fit, f, False, None, False)
        except NotSupportedError as error:
            yield not_checked("influence", factor.name, str(error))
            continue
        changed = np.array([found[f"dfbetas__{name}"] for name in names])
        without = np.array([found[f"estimate__{name}"] for name in names])
        yield _influence(fit, factor, found["cooks_distance"], changed, without)


def _influence(
    fit: FitChecks, factor: GroupingFactor, cook: Float, dfbetas: Float, without: Float
) -> Check:
    names = [fit._matrices.coef_names[j] for j in fit._matrices.kept]
    lost = np.isnan(cook)
    cook = np.where(lost, 0.0, cook)
    dfbetas = np.where(np.isnan(dfbetas), 0.0, dfbetas)
    before, after = _t_values(fit.state.beta, fit.state.vcov, dfbetas, without)
    large = np.abs(dfbetas) > INFLUENTIAL
    decisive = large & ((np.abs(before) > _SIGNIFICANT)[:, None] != (np.abs(after) > _SIGNIFICANT))
    if len(names) > 1 and "Intercept" in names:
        decisive[names.index("Intercept")] = False
    verdict: Verdict = "look" if large.any() or cook.max() > INFLUENTIAL else "ok"
    if decisive.any():
        verdict = "problem"
    many = int(np.sum(cook > 4.0 / factor.n_levels))
    have = "has" if many == 1 else "have"
    message = f"{many} of {factor.n_levels} groups {have} a Cook's distance above 4 / groups"
    if decisive.any():
        j, g = np.unravel_index(np.argmax(np.abs(dfbetas) * decisive), dfbetas.shape)
        message = (
            f"a conclusion rests on one group: without {factor.levels[g]}, {names[j]} goes from "
            f"{fit.state.beta[j]:.3g} (t {before[j]:.2f}) to {without[j, g]:.3g} "
            f"(t {after[j, g]:.2f}); see influence({factor.name!r})"
        )
    elif verdict != "ok":
        j, g = np.unravel_index(np.argmax(np.abs(dfbetas)), dfbetas.shape)
        message += (
            f"; without {factor.levels[g]}, {names[j]} moves by {np.abs(dfbetas[j, g]):.2f} "
            f"standard errors; see influence({factor.name!r})"
        )
    if lost.any():
        message += f"; without {listed(factor.levels[lost].tolist())} there is no fit"
    return Check(
        "influence", factor.name, "", "Cook's distance", float(cook.max()), verdict, message
    )


def _t_values(beta: Float, vcov: Float, dfbetas: Float, without: Float) -> tuple[Float, Float]:
    """Estimates over their standard errors with all groups, and without each."""
    before = beta / np.sqrt(vcov.diagonal())
    moved = np.where(dfbetas == 0.0, 1.0, dfbetas)
    errors = (beta[:, None] - without) / moved
    ratio = np.divide(without, errors, out=np.zeros_like(without), where=np.abs(errors) > 0.0)
    return before, np.where(dfbetas == 0.0, before[:, None], ratio)


def _autocorrelated(fit: FitChecks, time: str | None) -> Iterator[Check]:
    """Correlation of residuals that follow one another in a group."""
    order = None if time is None else _times(fit, time)
    if time is not None and not fit._matrices.factors:
        reason = "the model has no groups within which rows follow one another"
        yield not_checked("autocorrelation", ROWS, reason)
    for factor in _series(fit, time):
        try:
            found = autocorrelation(
                fit.model.problem,
                fit.state,
                fit.residuals(),
                fit._leverage,
                factor.codes,
                order,
            )
        except NotSupportedError as error:
            yield not_checked("autocorrelation", factor.name, str(error))
            continue
        if found is None:
            continue
        verdict = judge(abs(found.excess), AUTOCORRELATION, found.p_value)
        where = "in the order of the rows" if time is None else f"in the order of {time}"
        message = (
            f"residuals of neighbours {where} correlate {found.correlation:.2f}, expected "
            f"{found.expected:.2f} if rows of a group are independent"
        )
        if verdict == "ok":
            message += why_ok(abs(found.excess), AUTOCORRELATION, found.p_value)
        else:
            message += f"; add a trend or a random slope of time; {_ROBUST}"
        yield Check(
            "autocorrelation",
            factor.name,
            time or "",
            "z",
            found.statistic,
            verdict,
            message,
            p_value=found.p_value,
        )


def _series(fit: FitChecks, time: str | None) -> list[GroupingFactor]:
    """Factors within whose groups rows follow one another.

    The finest one. Of crossed factors all, but only in the order of a time: rows that are sorted by
    one factor are in no order within another.
    """
    factors = fit._matrices.factors
    if not factors:
        return []
    finest = max(factors, key=lambda factor: factor.n_levels)
    if all(is_nested(finest.codes, finest.n_levels, f.codes) for f in factors):
        return [finest]
    return [] if time is None else list(factors)


def _times(fit: FitChecks, time: str) -> Float:
    """Order of the rows used by a column of the data."""
    column = fit.model.design.table.column(time)
    values = column.values if column.is_numeric else _ranks(column)
    order: Float = values[fit._used_rows()]
    missing = int(np.isnan(order).sum())
    if missing:
        raise DataError(
            f"time={time!r} has missing values in {missing} rows that the fit uses, so that they "
            "have no place in the order."
        )
    return order


def _ranks(column: Column) -> Float:
    """Positions of dates or categories in their order; NaN for missing ones."""
    return np.where(column.codes < 0, np.nan, column.codes)
