"""What a power study gives: a table, the groups that are needed, a summary."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.inference.wald import check_level
from multilevel.planning.needed import groups_needed
from multilevel.report.numbers import fixed_point, significant
from multilevel.report.tree import Summary, Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.frames.table import Table as Frame

__all__ = ["Power"]


@dataclass(frozen=True, eq=False, repr=False)
class Power:
    """Power and precision of designs, made by :func:`multilevel.power`.

    Attributes
    ----------
    formula : str
        The model that was fitted.
    method : str
        Degrees of freedom of the tests.
    nsim : int
        Data sets drawn of every design.
    alpha : float
        Level of the tests.
    level : float
        Level of the intervals of the power.
    failures : mapping of str to int
        Why analyses failed, and how many did so, over all designs.
    notes : tuple of str
        What the reader should know.
    """

    formula: str
    method: str
    nsim: int
    alpha: float
    level: float
    failures: Mapping[str, int]
    notes: tuple[str, ...]
    _columns: Mapping[str, Any] = field(kw_only=True)
    _like: Frame = field(kw_only=True)

    @property
    def table(self) -> Any:
        """Power and precision of every design.

        Returns
        -------
        data frame
            One row per design and coefficient:

            ``term``, ``n_groups``, ``n_per_group``, ``n_rows``
                Coefficient, and the design (expected numbers, where these are drawn).
            ``effect``
                True value.
            ``power``, ``mc_error``, ``conf_low``, ``conf_high``
                Share of data sets in which the test was significant (the rate of type-I errors
                where the true value is zero), the Monte Carlo standard error of that share, and
                its exact interval. Data sets whose analysis failed count as not significant.
            ``bias``, ``std_error``, ``sd``, ``se_ratio``
                Mean estimate less true value, mean standard error, standard deviation of the
                estimates, and the ratio of the last two (below 1: too small standard errors).
            ``coverage``
                Share of intervals of level ``1 - alpha`` that hold the true value.
            ``type_s``, ``exaggeration``
                Among significant estimates, the share with the wrong sign, and their mean size
                relative to the true value (Gelman & Carlin 2014, Perspect. Psychol. Sci. 9,
                641-651). NaN where the true value is zero, or nothing was significant.
            ``nsim``, ``n_singular``, ``n_failed``
                Data sets, those with a singular fit (which counts like any other), and those whose
                analysis failed.
        """
        return to_frame(self._columns, self._like)

    def needed(self, power: float = 0.8, *, level: float = 0.95) -> Any:
        """Find the number of groups that a power needs.

        Parameters
        ----------
        power : float
            Power wanted, between 0 and 1.
        level : float
            Level of the intervals, for the error of the simulation.

        Returns
        -------
        data frame
            ``term, n_per_group, power, n_groups`` (the smallest whole number), ``conf_low,
            conf_high`` (of ``n_groups``, not rounded), ``extrapolated`` (whether ``n_groups`` lies
            outside of the numbers simulated: simulate it).

        Raises
        ------
        DataError
            With fewer than two numbers of groups, or if the power does not rise with them.

        Notes
        -----
        On the probit scale the power is taken to be linear in the root of the number of groups;
        the line is estimated from all designs with the same ``n_per_group``, the interval is that
        of Fieller. For a two-arm cluster trial the line misses the exact number by less than 0.5 %,
        by 2 % with fewer than twenty groups.
        """
        check_level(level)
        if not 0.0 < power < 1.0:
            raise DataError(f"power must lie between 0 and 1; got {power!r}.")
        c = self._columns
        found: dict[str, list[Any]] = {
            name: []
            for name in (
                "term", "n_per_group", "power", "n_groups", "conf_low", "conf_high", "extrapolated",
            )
        }  # fmt: skip
        for term, size in dict.fromkeys(zip(c["term"], c["n_per_group"].tolist(), strict=True)):
            at = (c["term"] == term) & (c["n_per_group"] == size)
            groups = np.asarray(c["n_groups"][at], dtype=np.float64)
            try:
                n, low, high = groups_needed(groups, c["power"][at], self.nsim, power, level)
            except DataError as error:
                raise DataError(f"{term!r}, {size} rows per group: {error}") from None
            whole = int(np.ceil(n))
            outside = bool(n < groups.min() or n > groups.max())
            row = (term, size, power, whole, low, high, outside)
            for name, value in zip(found, row, strict=True):
                found[name].append(value)
        return to_frame(found, self._like)

    def summary(self) -> Summary:
        """Summarise: print it, or write it as HTML, LaTeX or Markdown."""
        facts = (
            ("Formula", self.formula),
            ("Tests", f"two-sided, alpha = {self.alpha:g}, degrees of freedom: {self.method}"),
            ("Data sets", f"{self.nsim:,} of every design"),
        )
        return Summary("Power by simulation", facts, (self._printed(),), self._remarks())

    def __str__(self) -> str:
        return str(self.summary())

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    def _printed(self) -> Table:
        c = self._columns
        columns = {
            "term": [str(term) for term in c["term"]],
            "n_groups": [f"{n:g}" for n in c["n_groups"]],
            "n_per_group": [f"{n:.4g}" for n in c["n_per_group"]],
            "effect": significant(c["effect"]),
            **{
                name: [fixed_point(value, 3) for value in c[name]]
                for name in ("power", "conf_low", "conf_high", "coverage")
            },
            "exaggeration": [fixed_point(value, 2) for value in c["exaggeration"]],
        }
        rows = tuple(zip(*columns.values(), strict=True))
        footer = f"conf_low, conf_high: {100 * self.level:g} % interval of the power."
        return Table("", tuple(columns), rows, labels=1, footer=footer)

    def _remarks(self) -> tuple[str, ...]:
        """Failed analyses and singular fits, effects of zero, notes about the truth."""
        c = self._columns
        remarks = list(self.notes)
        zero = list(dict.fromkeys(c["term"][c["effect"] == 0.0]))
        if zero:
            remarks.append(
                f"The true value of {', '.join(zero)} is zero: its power is the rate of type-I "
                "errors."
            )
        designs = {k: c[k][c["term"] == c["term"][0]] for k in ("n_singular", "n_failed", "nsim")}
        n = int(designs["nsim"].sum())
        singular, failed = int(designs["n_singular"].sum()), int(designs["n_failed"].sum())
        if singular:
            remarks.append(
                f"{singular:,} of {n:,} fits were singular (a variance of zero or a correlation of "
                "one); they count like the others."
            )
        if failed:
            reasons = "; ".join(f"{count} times: {why}" for why, count in self.failures.items())
            remarks.append(
                f"{failed:,} of {n:,} analyses failed and count as not significant ({reasons})."
            )
        return tuple(remarks)
