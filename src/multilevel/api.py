"""The functions that users call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.fits.bootstrap import Bootstrap
from multilevel.fits.bootstrap_lrt import bootstrap_lrt
from multilevel.fits.centering import center, demean
from multilevel.fits.compare import anova, compare
from multilevel.fits.icc import icc
from multilevel.fits.linear import LinearMixedModel
from multilevel.fits.lm_list import LmList, lm_list
from multilevel.fits.marginal_means import MarginalMeans
from multilevel.fits.model import MixedModel
from multilevel.fits.profile import Profile
from multilevel.fits.simulated_residuals import SimulatedResiduals
from multilevel.fits.within_between import WithinBetween, within_between
from multilevel.planning.result import Power
from multilevel.planning.study import power
from multilevel.solver.optimize import Control
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.analyze import analyze

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.typing import Float, NAAction

__all__ = [
    "Analysis",
    "Bootstrap",
    "Control",
    "LinearMixedModel",
    "LmList",
    "MarginalMeans",
    "MixedModel",
    "Power",
    "Profile",
    "SimulatedResiduals",
    "WithinBetween",
    "analyze",
    "anova",
    "bootstrap_lrt",
    "center",
    "compare",
    "demean",
    "icc",
    "lm_list",
    "lmer",
    "power",
    "within_between",
]


def lmer(
    formula: str,
    data: Any,
    *,
    reml: bool = True,
    weights: Any = None,
    offset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    na_action: NAAction = "drop",
    start: Float | None = None,
    control: Control | None = None,
) -> LinearMixedModel:
    """Fit a linear mixed model.

    Parameters
    ----------
    formula : str
        The model in lme4's notation, with Python inside calls:
        ``"math ~ ses * sector + I(age**2) + (ses | school)"``. A formula without a random-effects
        term is fitted by ordinary least squares.
    data : data frame or dict of arrays
        One row per observation: pandas, polars, pyarrow or another eager frame known to narwhals.
        Tables of results come as the same kind.
    reml : bool
        Restricted maximum likelihood if True, maximum likelihood otherwise.
    weights : str or array-like, optional
        Prior weights, positive: the residual variance of row ``i`` is ``sigma**2 / weights[i]``.
        The name of a column, or one number per row; a pandas Series is matched by its index.
    offset : str or array-like, optional
        Known part of the linear predictor, given like ``weights``; adds to ``offset(...)`` in the
        formula.
    contrasts : mapping of str to object, optional
        Contrasts of factors by column, such as ``{"sex": "sum"}``: a word ("treatment", "sum",
        "helmert", "poly", "diff", "sas"), contrasts of formulaic, or a matrix.
    na_action : {"drop", "raise"}
        What to do with rows that have a missing value in a column that is used.
    start : array-like, optional
        Starting value of theta, the free entries of the relative covariance factors.
    control : Control, optional
        Settings of the optimiser, threads, logging.

    Returns
    -------
    LinearMixedModel
        The fit.

    Raises
    ------
    FormulaError
        If the formula cannot be read.
    DataError
        If the data cannot be used for the model.
    ConvergenceError
        If no estimate can be found.

    Warns
    -----
    MissingValuesWarning
        If rows were dropped.
    RankDeficientWarning
        If columns of the fixed effects were dropped as linear combinations of others.
    ConvergenceWarning
        If the optimiser stopped before its criterion was met.

    References
    ----------
    Bates, Maechler, Bolker & Walker (2015). Fitting linear mixed-effects models using lme4.
    Journal of Statistical Software 67(1).

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> print(fit.summary())  # doctest: +ELLIPSIS
    Linear mixed model fit by REML
    Formula: Reaction ~ Days + (Days | Subject)
    ...
    """
    model = MixedModel(
        formula,
        data,
        weights=weights,
        offset=offset,
        contrasts=contrasts,
        na_action=na_action,
        control=control,
    )
    return model.fit(reml=reml, start=start)
