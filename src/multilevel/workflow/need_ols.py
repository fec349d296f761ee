"""Step 4: least squares beside the multilevel model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.plot.numbers import columns_of
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, listing, number

if TYPE_CHECKING:
    from multilevel.workflow.study import Study

__all__ = ["least_squares_part"]

# Ratios of standard errors nearer to 1 than this are the same.
_SAME = 0.05
_HEADING = "Least squares beside"
_HEADINGS = {"between": "Share between"}
_NOTE = (
    "Robust: of least squares, by groups (CR2). Ratio: standard error of the multilevel model over "
    "that of least squares. Share between: of the variance of the predictor, between groups."
)


def least_squares_part(study: Study) -> Part:
    """Standard errors of least squares beside those of the model with all predictors."""
    from multilevel import plot

    terms = [one.term for one in study.predictors]
    terms += [term for one in study.predictors for term in one.mean_terms]
    fitted = study.fitter(study.formula(terms, study.hierarchy.random()))
    fit = fitted.fit
    if fit is None:
        return Part(notes=fitted.notes)
    cluster = study.hierarchy.innermost.name if study.hierarchy.crossed else None
    try:
        frame = fit.vs_ols(cluster=cluster)
    except MultilevelError as error:
        return Part((Paragraph(f"The comparison could not be made: {error}", _HEADING),))
    table = Table.from_data(frame)
    texts = [_text(table), _dummies(study)]
    if not any(part.covariance.any() for part in fit.state.terms):
        texts.insert(
            1, "Beside the predictors no variance between groups is left, so that the two agree."
        )
    title = "Standard errors: least squares, robust, multilevel (all predictors)"
    picture = Picture(
        "vs_ols",
        "Standard errors as multiples of those of least squares",
        _ratios(table),
        lambda: plot.vs_ols(fit, cluster=cluster),
        lambda: plot.vs_ols_data(fit, cluster=cluster),
    )
    return Part(
        (
            Paragraph(" ".join(texts), _HEADING),
            picture,
            DataTable("vs_ols", title, _without_words(study, frame), 1, _NOTE, _HEADINGS),
        )
    )


def _without_words(study: Study, frame: Any) -> Any:
    """The numbers of the table; what they mean, the text says."""
    columns = columns_of(frame)
    return study.frame({name: columns[name] for name in columns if name != "verdict"})


def _text(table: Any) -> str:
    """Which standard errors least squares has too small, and which too large."""
    pairs = list(zip(_terms(table), table.column("ratio").values, strict=True))
    small = [f"{code(name)} ({number(r, 2)})" for name, r in pairs if r > 1 + _SAME]
    large = [f"{code(name)} ({number(r, 2)})" for name, r in pairs if r < 1 - _SAME]
    texts = ["Ordinary regression takes all rows as independent."]
    if small:
        texts.append(
            f"Its standard errors are too small for {listing(small)}; in brackets how many times "
            "larger that of the multilevel model is."
        )
    if large:
        texts.append(
            f"They are too large for {listing(large)}, which are compared inside groups, where "
            "differences between groups do not disturb."
        )
    if not small and not large:
        texts.append("Here its standard errors are nearly the same as those of the model.")
    elif not large:
        texts.append(
            "Those of other coefficients are nearly the same." if len(small) < len(pairs) else ""
        )
    return " ".join(text for text in texts if text)


def _dummies(study: Study) -> str:
    """What a regression with a coefficient for every group would need."""
    most = max(study.hierarchy.factors, key=study.n_groups)
    groups, n = the_groups(most.label), study.n_groups(most)
    return (
        f"A regression with a coefficient for each of the {n:,} {groups} needs {n:,} parameters "
        f"for what the model without predictors says with {len(study.hierarchy.factors) + 2}, and "
        f"cannot hold predictors of {groups} at all."
    )


def _ratios(table: Any) -> str:
    """Every ratio, for those who cannot see the figure."""
    robust = table.column("std_error_robust").values / table.column("std_error_ols").values
    rows = zip(_terms(table), table.column("ratio").values, robust, strict=True)
    return " ".join(
        f"{code(name)}: multilevel {number(float(r), 2)}, robust {number(float(other), 2)}."
        for name, r, other in rows
        if np.isfinite(r)
    )


def _terms(table: Any) -> list[str]:
    column = table.column("term")
    return [str(column.levels[i]) for i in column.codes]
