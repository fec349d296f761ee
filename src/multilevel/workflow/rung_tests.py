"""Tests of a model of the ladder against the one that it extends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.fits.compare import anova
from multilevel.frames.table import Table
from multilevel.workflow.rung import Test
from multilevel.workflow.small_samples import FEW_GROUPS, n_effects

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod

__all__ = ["fixed_test", "random_test"]

# Kenward and Roger's adjustment is quick with so many random effects.
_MOST_EFFECTS = 500
_METHODS: dict[DfMethod, str] = {
    "kenward-roger": "Kenward-Roger",
    "satterthwaite": "Satterthwaite",
}


def fixed_test(name: str, small: LinearMixedModel, big: LinearMixedModel) -> Test | None:
    """Test of fixed effects that a model adds.

    With few groups likelihood ratios are too small in p: there the F test of Kenward and Roger is
    made in their place.
    """
    few = big.n_groups and min(big.n_groups.values()) < FEW_GROUPS
    found = _f_test(name, small, big) if few else None
    return found or _likelihood_ratio(name, "LR (ML)", small, big, refit=True)


def random_test(name: str, small: LinearMixedModel, big: LinearMixedModel) -> Test | None:
    """Likelihood-ratio test of random effects by REML; by the mixture where it is known."""
    return _likelihood_ratio(name, "LR (REML)", small, big, refit=False)


def _f_test(name: str, small: LinearMixedModel, big: LinearMixedModel) -> Test | None:
    new = [
        {one: 1.0}
        for one, value in zip(big.coef_names, big.beta, strict=True)
        if one not in small.coef_names and np.isfinite(value)
    ]
    if not new:
        return None
    weights = {str(i): one for i, one in enumerate(new)}
    for method, words in _METHODS.items():
        if method == "kenward-roger" and n_effects(big) > _MOST_EFFECTS:
            continue
        try:
            table = Table.from_data(big.contrasts(weights, joint=True, df_method=method))
        except MultilevelError:  # as where fits are singular: the next method
            continue
        statistic, df, df_residual, p = (
            float(table.column(column).values[0])
            for column in ("statistic", "df", "df_residual", "p_value")
        )
        if np.isfinite(p):
            return Test(name, f"F ({words})", statistic, df, p, df_residual)
    return None


def _likelihood_ratio(
    name: str, method: str, small: LinearMixedModel, big: LinearMixedModel, *, refit: bool
) -> Test | None:
    try:
        table = Table.from_data(anova(small, big, refit=refit))
    except MultilevelError:  # no nested models, as where columns were dropped: there is no test
        return None
    statistic, df, p, mixture = (
        float(table.column(column).values[-1])
        for column in ("statistic", "df", "p_value", "p_value_mixture")
    )
    if np.isfinite(mixture):
        return Test(name, f"{method}, mixture", statistic, df, mixture)
    return Test(name, method, statistic, df, p)
