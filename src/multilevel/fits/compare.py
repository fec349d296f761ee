"""Several fits side by side: likelihood-ratio tests and information criteria."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.inference.likelihood_ratio import likelihood_ratio_tests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.linear import LinearMixedModel

__all__ = ["anova", "compare"]


def anova(*fits: LinearMixedModel) -> Any:
    """Test nested models against each other by the likelihood ratio.

    The models are put in the order of their number of parameters and each is tested against the
    one before it. Likelihoods of REML fits cannot be compared when the fixed effects differ, so
    REML fits are fitted again by maximum likelihood; the column ``criterion`` says so. Where the
    smaller model sets a variance to zero, the p value is conservative (too large).

    Parameters
    ----------
    *fits : LinearMixedModel
        Two or more fits to the same rows.

    Returns
    -------
    data frame
        ``model, criterion, n_parameters, aic, bic, loglik, deviance, statistic, df, p_value``.

    Raises
    ------
    DataError
        If the fits differ in rows, response or weights.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = mlm.datasets.load("sleepstudy")
    >>> small = mlm.lmer("Reaction ~ Days + (1 | Subject)", data)
    >>> big = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
    >>> [round(x, 3) for x in mlm.anova(small, big)["statistic"].tolist()]
    [nan, 42.139]
    """
    refitted = _by_ml(fits)
    tests = likelihood_ratio_tests(
        [fit.loglik for fit in refitted], [fit.state.n_parameters for fit in refitted]
    )
    order = tests.order.tolist()
    columns = _columns([fits[i] for i in order], [refitted[i] for i in order])
    del columns["aicc"]
    columns |= {"statistic": tests.statistic, "df": tests.df, "p_value": tests.p_value}
    return to_frame(columns, fits[0].model.design.table)


def compare(*fits: LinearMixedModel) -> Any:
    """Compare models, nested or not, by information criteria, the best first.

    REML fits are fitted again by maximum likelihood, as in :func:`anova`.

    Parameters
    ----------
    *fits : LinearMixedModel
        Two or more fits to the same rows.

    Returns
    -------
    data frame
        ``model, criterion, n_parameters, aic, aicc, bic, loglik, deviance, delta_aic, weight``, by
        AIC. ``weight`` is Akaike's: the relative likelihood of the model, adding up to 1.

    Raises
    ------
    DataError
        If the fits differ in rows, response or weights.
    """
    refitted = _by_ml(fits)
    order = np.argsort([fit.aic for fit in refitted], kind="stable").tolist()
    columns = _columns([fits[i] for i in order], [refitted[i] for i in order])
    delta = np.array(columns["aic"]) - columns["aic"][0]
    weight = np.exp(-delta / 2.0)
    columns |= {"delta_aic": delta, "weight": weight / weight.sum()}
    return to_frame(columns, fits[0].model.design.table)


def _columns(given: Sequence[LinearMixedModel], fits: Sequence[LinearMixedModel]) -> dict[str, Any]:
    return {
        "model": [fit.formula for fit in fits],
        "criterion": ["ML, refitted" if fit.reml else "ML" for fit in given],
        "n_parameters": [fit.state.n_parameters for fit in fits],
        "aic": [fit.aic for fit in fits],
        "aicc": [fit.aicc for fit in fits],
        "bic": [fit.bic for fit in fits],
        "loglik": [fit.loglik for fit in fits],
        "deviance": [fit.deviance for fit in fits],
    }


def _by_ml(fits: Sequence[LinearMixedModel]) -> list[LinearMixedModel]:
    """Check that fits can be compared, and fit again by maximum likelihood those by REML."""
    if len(fits) < 2:
        raise ValueError("Give two fits or more to compare.")
    for i, fit in enumerate(fits[1:], 2):
        _check_same_data(fits[0], fit, i)
    return [fit.refit(reml=False) if fit.reml else fit for fit in fits]


def _check_same_data(first: LinearMixedModel, other: LinearMixedModel, position: int) -> None:
    a, b = first.model.matrices, other.model.matrices
    if a.n_rows != b.n_rows:
        raise DataError(
            f"The fits use different rows: the first {a.n_rows}, number {position} {b.n_rows}. "
            "Drop the rows with missing values from the data first, so that all models use the "
            "same rows."
        )
    if not np.array_equal(a.y, b.y):
        raise DataError(
            f"The fits have different responses (or other rows): the first and number {position}. "
            "Likelihoods can be compared for the same data only."
        )
    ones = np.ones(a.n_rows)
    if not np.array_equal(
        ones if a.weights is None else a.weights, ones if b.weights is None else b.weights
    ):
        raise DataError(
            f"The fits have different prior weights: the first and number {position}. Likelihoods "
            "can be compared for the same weights only."
        )
