"""Tests of a model of the ladder against the one that it extends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.fits.compare import anova
from multilevel.frames.table import Table
from multilevel.workflow.rung import Test

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel

__all__ = ["ml_test", "reml_test"]


def ml_test(name: str, small: LinearMixedModel, big: LinearMixedModel) -> Test | None:
    """Likelihood-ratio test of fixed effects, both models by maximum likelihood."""
    return _test(name, "likelihood ratio (ML)", small, big, refit=True)


def reml_test(name: str, small: LinearMixedModel, big: LinearMixedModel) -> Test | None:
    """Likelihood-ratio test of random effects by REML; by the mixture where it is known."""
    return _test(name, "likelihood ratio (REML)", small, big, refit=False)


def _test(
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
        return Test(name, f"{method}, mixture of chi-squared", statistic, df, mixture)
    return Test(name, method, statistic, df, p)
