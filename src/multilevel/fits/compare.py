"""Fits side by side: likelihood-ratio tests and information criteria; F tests of one fit."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.nesting import (
    boundary_mixture,
    check_nested,
    mixture_columns,
    same_fixed_space,
)
from multilevel.fits.term_tests import anova_columns
from multilevel.fits.terms import AnovaType
from multilevel.frames.emit import to_frame
from multilevel.inference.likelihood_ratio import likelihood_ratio_tests
from multilevel.typing import check_flag, check_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.inference.robust import RobustKind
    from multilevel.typing import Float

__all__ = ["anova", "compare"]


def anova(
    *fits: LinearMixedModel,
    type: AnovaType = 3,  # noqa: A002 - as everywhere in this field
    df_method: DfMethod | None = None,
    robust: RobustKind | None = None,
    cluster: str | None = None,
    refit: bool = True,
) -> Any:
    """Test nested models against each other by the likelihood ratio, or the terms of one model.

    The models are put in the order of their number of parameters and each is tested against the
    one before it. Likelihoods of REML fits cannot be compared when the fixed effects differ, so
    REML fits are fitted again by maximum likelihood; the column ``criterion`` says so.

    Where the smaller model sets a variance to zero, the p value of chi-squared is conservative (too
    large). If it lacks one random effect and is itself away from the boundary, the distribution is
    an equal mixture of two chi-squared distributions (Self & Liang 1987; Stram & Lee 1994), and
    ``p_value_mixture`` is by it. With several variances at zero the weights are not known: see
    :func:`multilevel.bootstrap_lrt`.

    Parameters
    ----------
    *fits : LinearMixedModel
        Two or more fits to the same rows; or one, for F tests of its terms.
    type, df_method, robust, cluster
        Of the F tests: see :meth:`LinearMixedModel.anova`.
    refit : bool
        False compares REML fits by their restricted likelihoods, which is possible if their
        fixed-effects columns span the same space.

    Returns
    -------
    data frame
        ``model, criterion, n_parameters, aic, bic, loglik, deviance, statistic, df, p_value,
        p_value_mixture, mixture``; for one fit that of :meth:`LinearMixedModel.anova`.

    Raises
    ------
    DataError
        If the fits differ in rows, response or weights, or are not nested; with ``refit=False``
        also if REML fits differ in their fixed effects, or the criteria are not the same.
    ValueError
        For options of F tests with several fits.
    TypeError
        For anything that is no fit.

    References
    ----------
    Self, S. G. & Liang, K.-Y. (1987). Asymptotic properties of maximum likelihood estimators and
    likelihood ratio tests under nonstandard conditions. J. Amer. Statist. Assoc. 82, 605-610.
    Stram, D. O. & Lee, J. W. (1994). Variance components testing in the longitudinal mixed effects
    model. Biometrics 50, 1171-1177.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = mlm.datasets.load("sleepstudy")
    >>> small = mlm.lmer("Reaction ~ Days + (1 | Subject)", data)
    >>> big = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
    >>> [round(x, 3) for x in mlm.anova(small, big)["statistic"].tolist()]
    [nan, 42.139]
    """
    check_option("type", type, AnovaType)
    check_flag("refit", refit)
    _check_fits(fits)
    if len(fits) == 1:
        [fit] = fits
        tests = fit._fixed_tests(df_method, robust, cluster)
        return fit._emit(anova_columns(fit._fixed_terms, tests, fit.sigma, type))
    if type != 3 or any(option is not None for option in (df_method, robust, cluster)):
        raise ValueError(
            "type=, df_method=, robust= and cluster= are for F tests of the terms of one fit; "
            "several fits are tested by the likelihood ratio."
        )
    refitted = _by_ml(fits) if refit else _as_they_are(fits)
    ordered = np.argsort([fit.state.n_parameters for fit in refitted], kind="stable").tolist()
    return _likelihood_ratios([fits[i] for i in ordered], [refitted[i] for i in ordered])


def _likelihood_ratios(given: list[LinearMixedModel], fits: list[LinearMixedModel]) -> Any:
    """Table of tests of fits in the order of their number of parameters."""
    pairs = list(pairwise(fits))
    for small, big in pairs:
        check_nested(small, big)
    tests = likelihood_ratio_tests(
        [fit.loglik + _restricted_constant(fit, fits[0]) for fit in fits],
        [fit.state.n_parameters for fit in fits],
    )
    mixtures = [
        None,
        *(
            boundary_mixture(a.model.matrices, b.model.matrices, singular=a.is_singular)
            for a, b in pairs
        ),
    ]
    columns = _columns(given, fits)
    del columns["aicc"]
    columns |= {"statistic": tests.statistic, "df": tests.df, "p_value": tests.p_value}
    columns |= mixture_columns(mixtures, tests.statistic)
    return to_frame(columns, fits[0].model.design.table)


def _restricted_constant(fit: LinearMixedModel, first: LinearMixedModel) -> float:
    """Make restricted likelihoods comparable whose columns span one space in other coding.

    The restricted likelihood holds ``|X' V^-1 X|``, which depends on the coding; divided by
    ``|X' X|`` it does not (Harville 1974, Biometrika 61, 383-385).
    """
    ours, theirs = fit.model.matrices.X, first.model.matrices.X
    if not fit.reml or np.array_equal(ours, theirs):
        return 0.0
    factors: list[Float] = [np.asarray(np.linalg.qr(X, mode="r")) for X in (ours, theirs)]
    logs = [np.log(np.abs(factor.diagonal())).sum() for factor in factors]
    return float(logs[0] - logs[1])


def _as_they_are(fits: Sequence[LinearMixedModel]) -> list[LinearMixedModel]:
    """Check that fits can be compared without fitting them again."""
    for i, fit in enumerate(fits[1:], 2):
        _check_same_data(fits[0], fit, i)
        if fit.reml != fits[0].reml:
            raise DataError(
                "Fits by REML and by maximum likelihood cannot be compared; leave refit=False out."
            )
        if fit.reml and not same_fixed_space(fits[0].model.matrices, fit.model.matrices):
            raise DataError(
                f"Restricted likelihoods of models with different fixed effects cannot be "
                f"compared: `{fits[0].formula}` and `{fit.formula}`. Leave refit=False out, so "
                "that they are fitted again by maximum likelihood."
            )
    return list(fits)


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
    ValueError
        For fewer than two fits.
    TypeError
        For anything that is no fit.
    """
    _check_fits(fits)
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
        "criterion": [_criterion(*pair) for pair in zip(given, fits, strict=True)],
        "n_parameters": [fit.state.n_parameters for fit in fits],
        "aic": [fit.aic for fit in fits],
        "aicc": [fit.aicc for fit in fits],
        "bic": [fit.bic for fit in fits],
        "loglik": [fit.loglik for fit in fits],
        "deviance": [np.nan if fit.reml else fit.deviance for fit in fits],
    }


def _criterion(given: LinearMixedModel, used: LinearMixedModel) -> str:
    if used.reml:
        return "REML"
    return "ML, refitted" if given.reml else "ML"


def _by_ml(fits: Sequence[LinearMixedModel]) -> list[LinearMixedModel]:
    """Check that fits can be compared, and fit again by maximum likelihood those by REML."""
    if len(fits) < 2:
        raise ValueError("Give two fits or more to compare.")
    for i, fit in enumerate(fits[1:], 2):
        _check_same_data(fits[0], fit, i)
    return [fit.refit(reml=False) if fit.reml else fit for fit in fits]


def _check_fits(fits: Sequence[object]) -> None:
    from multilevel.fits.linear import LinearMixedModel

    for i, fit in enumerate(fits, 1):
        if not isinstance(fit, LinearMixedModel):
            raise TypeError(f"Give fits, as lmer() returns them; number {i} is {fit!r}.")


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
