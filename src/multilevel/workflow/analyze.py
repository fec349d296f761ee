"""The guided analysis in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.workflow.analysis import Analysis

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["analyze"]


def analyze(
    data: Any,
    outcome: str,
    groups: str | Sequence[str],
    *,
    level1: str | Sequence[str] = (),
    level2: str | Sequence[str] = (),
    random: str | Sequence[str] | None = None,
    time: str | None = None,
    interactions: Sequence[str | tuple[str, str]] | None = None,
    select: str | None = None,
    weights: str | None = None,
    units: Mapping[str, str] | None = None,
    rng: int = 0,
) -> Analysis:
    """Analyse hierarchical data in eight steps, from their structure to a report.

    1. structure: levels, sizes, nesting or crossing, missing values; 2. questions that the data can
    answer; 3. assumptions; 4. intraclass correlations and design effects, least squares beside;
    5. models from simple to complex; 6. their comparison and the choice; 7. interpretation in
    sentences and figures; 8. inference, robustness, limits, and a text for the methods section.

    Parameters
    ----------
    data : data frame, dict of arrays, or path of a file
        One row per observation. Rows with missing values in any column that is used are left out
        of all models, and counted by level.
    outcome : str
        Column of numbers.
    groups : str or sequence of str
        Grouping factors: ``"school"``; ``["school", "class"]``, nested or crossed as the data show
        it; ``"school/class"`` or ``"pupil + item"`` say it.
    level1, level2 : sequence of str
        Predictors of rows and of groups. Where a predictor varies is looked up in the data.
    random : sequence of str, optional
        Predictors with random slopes, ``"ses"`` or, where there are several factors, ``"ses |
        school"``. By default those whose slopes differ between groups by a test; an empty list is
        none; ``"maximal"`` begins with all slopes that the design allows and takes away what the
        data do not support, as is usual for experiments (Barr et al. 2013; Matuschek et al. 2017).
    time : str, optional
        Column of time: growth models of repeated measurements.
    interactions : sequence of str, optional
        Products, such as ``"ses:sector"``. By default group-level predictors are tried on every
        slope that is random; an empty list is none.
    select : str, optional
        Name of the model to interpret (``"M3"``), in the place of the one the rules choose.
    weights : str, optional
        Column of prior weights, as in :func:`multilevel.lmer`.
    units : mapping of str to str, optional
        Units of the outcome and of predictors, for the sentences of the report, in the singular:
        ``{"Reaction": "ms", "Days": "day"}``.
    rng : int
        Seed of everything that is simulated, so that the analysis can be repeated.

    Returns
    -------
    Analysis
        All steps with their tables, figures, decisions and models; ``report()`` writes them.

    Raises
    ------
    DataError
        For columns that are not there or cannot be what they are said to be.
    NotSupportedError
        For an outcome with two values.

    Examples
    --------
    >>> import multilevel as mlm
    >>> hsb = mlm.datasets.load("hsb")
    >>> analysis = mlm.analyze(hsb, "math", "school", level1=["ses"], level2=["sector"])
    >>> print(analysis.need.headline)  # doctest: +ELLIPSIS
    18.0% of the variance of `math` lies between schools ...
    """
    analysis = Analysis(
        data,
        outcome,
        groups,
        level1=level1,
        level2=level2,
        random=random,
        time=time,
        interactions=interactions,
        select=select,
        weights=weights,
        units=units,
        rng=rng,
    )
    _ = analysis.document
    return analysis
