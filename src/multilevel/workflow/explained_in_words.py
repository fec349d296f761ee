"""Step 7, variance explained: how much of it the model accounts for, by level."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.rung import Ladder
    from multilevel.workflow.study import Study

__all__ = ["explained_part"]

_SOURCES = {
    "f1": "predictors that vary within groups",
    "f2": "predictors that vary between groups",
    "v": "differences of slopes between groups",
    "m": "differences of levels between groups",
    "sigma2": "what is left between rows",
}


def explained_part(study: Study, fit: LinearMixedModel, ladder: Ladder) -> Part:
    """Shares of the total variance (Rights & Sterba), and reductions of the null model's."""
    from multilevel import plot

    if not fit.n_groups:
        return Part()
    try:
        shares = fit.r2("rights-sterba")
    except MultilevelError as error:
        return Part((Paragraph(f"Variance could not be divided: {error}", "Variance explained"),))
    text = f"{_shares(study, Table.from_data(shares))} {_reductions(study, fit, ladder)}".strip()
    note = (
        "f: predictors, v: random slopes, m: means of groups, sigma2: rows (Rights & Sterba 2019)."
    )
    return Part(
        (
            Paragraph(text, "Variance explained"),
            DataTable("explained", "Variance by source", shares, 5, note),
            Picture(
                "explained",
                f"Variance of {code(study.outcome)} by source, in all and by level",
                text,
                lambda: plot.r2(fit),
                lambda: plot.r2_data(fit),
            ),
        )
    )


def _shares(study: Study, table: Any) -> str:
    """Shares of the total by source, the largest first."""
    scope, symbol = (_texts(table.column(name)) for name in ("scope", "symbol"))
    share = table.column("share").values
    total: dict[str, float] = {}
    for i in np.flatnonzero(scope == "total"):
        total[str(symbol[i])] = total.get(str(symbol[i]), 0.0) + float(share[i])
    order = sorted((name for name in total if total[name] >= 0.0005), key=lambda n: -total[n])
    parts = [
        f"{percent(total[name])} go with {_SOURCES[name]}"
        if name != "sigma2"
        else f"{percent(total[name])} are {_SOURCES[name]}"
        for name in order
        if name in _SOURCES
    ]
    return f"Of the variance of {code(study.outcome)}, {', '.join(parts)} (Rights & Sterba 2019)."


def _reductions(study: Study, fit: LinearMixedModel, ladder: Ladder) -> str:
    """By how much variances are smaller than those of the null model."""
    null = ladder.null.fit
    if null is None or null is fit:
        return ""
    try:
        table = Table.from_data(fit.r2("raudenbush-bryk", baseline=null))
    except MultilevelError:  # the null model lacks a factor of this one: there is no reduction
        return ""
    names = {one.name: the_groups(one.label) for one in study.hierarchy.factors}
    texts = []
    for level, r2 in zip(_texts(table.column("level")), table.column("r2").values, strict=True):
        where = "rows of a group" if level == "residual" else names.get(str(level), str(level))
        if np.isfinite(r2):
            word = "smaller" if r2 >= 0.0 else "larger"
            texts.append(f"that between {where} is {percent(abs(float(r2)))} {word}")
    if not texts:
        return ""
    return f"Beside the null model, {', '.join(texts)} (Raudenbush & Bryk 2002)."


def _texts(column: Any) -> np.ndarray:
    found: np.ndarray = column.levels[column.codes]
    return found
