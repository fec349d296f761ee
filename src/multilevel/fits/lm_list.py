"""A regression in every group: no pooling."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.design.build import build_design
from multilevel.design.grouping import grouping_factor
from multilevel.exceptions import DataError, FormulaError
from multilevel.formula.parse import parse, parse_random
from multilevel.frames.emit import to_frame
from multilevel.inference.wald import check_level, wald_interval, wald_tests
from multilevel.levels.separate import (
    SeparateRegressions,
    dependent_reasons,
    separate_regressions,
)
from multilevel.typing import check_flag

if TYPE_CHECKING:
    from multilevel.design.build import Design
    from multilevel.design.matrices import GroupingFactor
    from multilevel.typing import NAAction

__all__ = ["LmList", "lm_list"]


def lm_list(
    formula: str,
    data: Any,
    by: str,
    *,
    weights: Any = None,
    contrasts: Any = None,
    na_action: NAAction = "drop",
) -> LmList:
    """Fit a regression by least squares in every group.

    That is no pooling: no group learns from another. Beside a multilevel model it shows what
    partial pooling does (see :meth:`LinearMixedModel.shrinkage`), and whether slopes differ.

    Parameters
    ----------
    formula : str
        Response and predictors, without random effects: ``"Reaction ~ Days"``.
    data : data frame or dict of arrays
        One row per observation.
    by : str
        Column of the groups; ``"school:class"`` for the combinations of several.
    weights, contrasts, na_action
        As in :func:`multilevel.lmer`.

    Returns
    -------
    LmList
        The fits.

    Raises
    ------
    FormulaError
        For a formula with random effects or without coefficients.
    DataError
        If ``by`` has missing values, or no group can be fitted.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fits = mlm.lm_list("Reaction ~ Days", mlm.datasets.load("sleepstudy"), by="Subject")
    >>> fits
    <LmList 'Reaction ~ Days' by Subject: 18 of 18 groups fitted, 180 rows>
    >>> round(fits.sigma, 4), fits.df_residual
    (25.5918, 144)
    """
    if parse(formula).random:
        raise FormulaError(
            f"lm_list fits least squares, without random effects: leave them out of {formula!r} "
            "and name the groups by by=."
        )
    design = build_design(formula, data, weights=weights, contrasts=contrasts, na_action=na_action)
    return LmList(design, by)


class LmList:
    """Regressions by group, as :func:`lm_list` fits them.

    A group in which the predictors do not determine the coefficients is not fitted: its values are
    NaN, it does not count in pooled numbers, and :attr:`not_fitted` says why.

    Attributes
    ----------
    formula : str
        The formula.
    by : str
        The groups.
    coef_names : tuple of str
        Names of the coefficients.
    """

    def __init__(self, design: Design, by: str) -> None:
        self._design = design
        self.formula = design.spec.formula
        self.by = by
        self._factor = _factor(design, by)
        matrices = design.matrices
        self.coef_names = tuple(matrices.coef_names[j] for j in matrices.kept)
        if not self.coef_names:
            raise FormulaError(f"{self.formula!r} has no coefficients to estimate.")
        if not self._fits.fitted.any():
            reasons = self._reasons
            first = f"{self._factor.levels[0]}: {reasons[0]}"
            raise DataError(
                f"No group of {by!r} can be fitted ({first}). Leave predictors out that do not "
                "vary within groups."
            )

    def __repr__(self) -> str:
        fitted = int(self._fits.fitted.sum())
        return (
            f"<LmList {self.formula!r} by {self.by}: {fitted} of {self._factor.n_levels} groups "
            f"fitted, {self.nobs} rows>"
        )

    @property
    def nobs(self) -> int:
        """Number of rows used."""
        return self._design.matrices.n_rows

    @property
    def sigma(self) -> float:
        """Residual standard deviation, pooled over the groups that were fitted."""
        return self._fits.pooled_sigma

    @property
    def df_residual(self) -> int:
        """Residual degrees of freedom, pooled likewise."""
        return self._fits.pooled_df

    @property
    def not_fitted(self) -> Any:
        """Groups that could not be fitted: a data frame of ``group, level, n_rows, reason``."""
        failed = np.flatnonzero(~self._fits.fitted)
        return self._emit(
            {
                "group": [self.by] * len(failed),
                "level": self._factor.levels[failed],
                "n_rows": self._fits.n_rows[failed],
                "reason": self._reasons,
            }
        )

    def coef(self) -> Any:
        """Tabulate the coefficients, one row per group.

        Returns
        -------
        data frame
            ``group, level`` and a column per coefficient; NaN for groups that were not fitted.
        """
        columns = dict(zip(self.coef_names, self._fits.beta.T.copy(), strict=True))
        labels = {"group": [self.by] * self._factor.n_levels, "level": self._factor.levels}
        return self._emit(labels | columns)

    def tidy(self, *, conf_int: bool = False, level: float = 0.95, pooled: bool = True) -> Any:
        """Tabulate coefficients with tests, one row per group and coefficient.

        Parameters
        ----------
        conf_int : bool
            Add intervals ``conf_low`` and ``conf_high``.
        level : float
            Their level.
        pooled : bool
            Standard errors from the residual variance of all groups together, with its degrees of
            freedom, as in R's ``lmList``; else from that of each group, NaN where a group has as
            many rows as coefficients.

        Returns
        -------
        data frame
            ``group, level, term, estimate, std_error, df, statistic, p_value``.
        """
        check_level(level)
        pooled = check_flag("pooled", pooled)
        fits, p = self._fits, len(self.coef_names)
        J = len(fits.beta)
        if pooled:
            df = np.full(J, float(fits.pooled_df))
            variance = np.full(J, fits.pooled_sigma**2)
        else:
            df = np.where(fits.df > 0.0, fits.df, np.nan)
            variance = fits.rss / df
        diagonal = np.diagonal(fits.unscaled, axis1=1, axis2=2)
        errors = np.sqrt(variance[:, None] * diagonal).ravel()
        with np.errstate(divide="ignore", invalid="ignore"):
            tests = wald_tests(fits.beta.ravel(), errors, np.repeat(df, p))
        columns = {
            "group": [self.by] * (J * p),
            "level": np.repeat(self._factor.levels, p),
            "term": list(self.coef_names) * J,
            "estimate": tests.estimate,
            "std_error": tests.std_error,
            "df": tests.df,
            "statistic": tests.statistic,
            "p_value": tests.p_value,
        }
        if conf_int:
            low, high = wald_interval(tests.estimate, tests.std_error, level, tests.df)
            columns |= {"conf_low": low, "conf_high": high}
        return self._emit(columns)

    @cached_property
    def _fits(self) -> SeparateRegressions:
        matrices, factor = self._design.matrices, self._factor
        y = matrices.y if matrices.offset is None else matrices.y - matrices.offset
        return separate_regressions(matrices.X, y, factor.codes, factor.n_levels, matrices.weights)

    @cached_property
    def _reasons(self) -> list[str]:
        return dependent_reasons(
            self._design.matrices.X,
            self.coef_names,
            self._factor.codes,
            np.flatnonzero(~self._fits.fitted),
            intercept=self.coef_names[0] == "Intercept",
        )

    def _emit(self, columns: dict[str, Any]) -> Any:
        return to_frame(columns, self._design.table)


def _factor(design: Design, by: str) -> GroupingFactor:
    """The groups of the rows used."""
    if not isinstance(by, str):
        raise ValueError(f"by must be the name of a column; got {by!r}.")
    table = design.table
    groups = [(by,)] if table.has(by) else [s.group for s in parse_random(f"(1 | {by})")]
    if len(groups) > 1:
        raise ValueError(
            f"by={by!r} names several factors; write {':'.join(groups[-1])!r} for the innermost."
        )
    columns = {name: table.column(name) for name in groups[0]}
    for name, column in columns.items():
        codes = column.codes if design.rows is None else column.codes[design.rows]
        missing = int((codes < 0).sum())
        if missing:
            raise DataError(
                f"The grouping column {name!r} has missing values in {missing} of the rows used. "
                "Fill them, or drop these rows first."
            )
    return grouping_factor(groups[0], columns, design.rows)
