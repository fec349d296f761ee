"""Step 4: least squares beside the multilevel model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.plot.numbers import columns_of
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, listing, number

if TYPE_CHECKING:
    from multilevel.plot.numbers import Columns
    from multilevel.workflow.study import Study

__all__ = ["least_squares_part"]

# Ratios of standard errors nearer to 1 than this are the same.
_SAME = 0.05
# Robust ones are less certain: they count if they are larger by more than this.
_ROBUST = 0.10
# Groups below which robust standard errors are hardly worth reading.
_FEW = 20
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
    table = columns_of(frame)
    texts = [_text(table), _dummies(study)]
    if not any(part.covariance.any() for part in fit.state.terms):
        texts.insert(
            1, "Beside the predictors no variance between groups is left, so that the two agree."
        )
    n = study.n_groups(study.hierarchy.factors[-1 if study.hierarchy.crossed else 0])
    few = f" With {n} groups robust standard errors are not reliable." if n < _FEW else ""
    note = _NOTE + few
    title = "Standard errors: least squares, robust, multilevel (all predictors)"
    picture = Picture(
        "vs_ols",
        "Standard errors as multiples of those of least squares",
        _alt(table),
        lambda: plot.vs_ols(fit, cluster=cluster),
        lambda: plot.vs_ols_data(fit, cluster=cluster),
    )
    return Part(
        (
            Paragraph(" ".join(texts), _HEADING),
            picture,
            DataTable("vs_ols", title, _without_words(study, table), 1, note, _HEADINGS),
        )
    )


def _without_words(study: Study, table: Columns) -> Any:
    """The numbers of the table; what they mean, the text says."""
    return study.frame({name: table[name] for name in table if name != "verdict"})


def _text(table: Columns) -> str:
    """Which standard errors least squares has too small, and which too large."""
    small, large, doubtful, alike = [], [], [], 0
    for name, ratio, robust in _ratios(table):
        if ratio > 1.0 + _SAME:
            small.append(f"{code(name)} ({number(ratio, 2)})")
        elif robust > 1.0 + _ROBUST:
            doubtful.append(f"{code(name)} ({number(ratio, 2)} and {number(robust, 2)})")
        elif ratio < 1.0 - _SAME:
            large.append(f"{code(name)} ({number(ratio, 2)})")
        else:
            alike += 1
    texts = ["Ordinary regression takes all rows as independent."]
    if small:
        texts.append(
            f"Its standard errors are too small for {listing(small)}; in brackets how many times "
            "larger that of the multilevel model is."
        )
    if large:
        texts.append(
            f"They are too large for {listing(large)}, which {'is' if len(large) == 1 else 'are'} "
            "compared inside groups, where differences between groups do not disturb."
        )
    if doubtful:
        texts.append(
            "The model with random intercepts does not say that they are too small for "
            f"{listing(doubtful)}, but robust standard errors do (in brackets the multilevel and "
            "the robust one as multiples of that of least squares): slopes that differ between "
            "groups, which this model has not, can be why (step 5)."
        )
    if alike:
        others = "Those of other coefficients" if len(texts) > 1 else "Here its standard errors"
        texts.append(f"{others} are nearly the same.")
    return " ".join(texts)


def _dummies(study: Study) -> str:
    """What a regression with a coefficient for every group would need."""
    most = max(study.hierarchy.factors, key=study.n_groups)
    groups, n = the_groups(most.label), study.n_groups(most)
    return (
        f"A regression with a coefficient for each of the {n:,} {groups} needs {n:,} parameters "
        f"for what the model without predictors says with {len(study.hierarchy.factors) + 2}, and "
        f"cannot hold predictors of {groups} at all."
    )


def _alt(table: Columns) -> str:
    """Every ratio, for those who cannot see the figure."""
    return " ".join(
        f"{code(name)}: multilevel {number(ratio, 2)}, robust {number(robust, 2)}."
        for name, ratio, robust in _ratios(table)
    )


def _ratios(table: Columns) -> list[tuple[str, float, float]]:
    """Standard errors of the model, and robust ones, as multiples of those of least squares."""
    naive, robust, own = (table[f"std_error{kind}"] for kind in ("_ols", "_robust", ""))
    rows = zip(table["term"], own / naive, robust / naive, strict=True)
    return [(name, float(r), float(other)) for name, r, other in rows if np.isfinite(r)]
