"""Step 7, variance explained: how much of it the model accounts for, by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.words import code, listing, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.rung import Ladder
    from multilevel.workflow.study import Study

__all__ = ["change", "comparable", "explained_part"]

# Standard deviations from its mean within which zero is the average of a predictor.
_AVERAGE = 0.001


def explained_part(study: Study, fit: LinearMixedModel, ladder: Ladder) -> Part:
    """Shares of the total variance (Rights & Sterba), and reductions of the null model's."""
    from multilevel import plot

    if not fit.n_groups:
        return Part()
    try:
        shares = fit.r2("rights-sterba")
    except MultilevelError as error:
        return Part((Paragraph(f"Variance could not be divided: {error}", "Variance explained"),))
    found = _read(study, Table.from_data(shares))
    text = f"{_sentence(study, found)} {_reductions(study, fit, ladder)}".strip()
    frame = study.frame(
        {
            "source": [one.source for one in found],
            "variance": [one.variance for one in found],
            "share": [one.share for one in found],
            "share_of_level": [one.of_level for one in found],
        }
    )
    headings = {"share": "Share of all", "share_of_level": "Share of its level"}
    note = "Decomposition of Rights & Sterba (2019)."
    return Part(
        (
            Paragraph(text, "Variance explained"),
            DataTable("explained", "Variance by source", frame, 1, note, headings),
            Picture(
                "explained",
                f"Variance of {code(study.outcome)} by source, in all and by level",
                text,
                lambda: plot.r2(fit),
                lambda: plot.r2_data(fit),
            ),
        )
    )


@dataclass(frozen=True, slots=True)
class _Share:
    """A source of variance: its variance, and that as a share of all and of its level."""

    source: str
    variance: float
    share: float
    of_level: float


def _read(study: Study, table: Any) -> list[_Share]:
    scope, level, source, group = (
        _texts(table.column(name)) for name in ("scope", "level", "source", "group")
    )
    variance, share = table.column("variance").values, table.column("share").values
    names = study.group_words
    found = []
    for i in np.flatnonzero(scope == "total"):
        alike = (scope == level[i]) & (level == level[i]) & (source == source[i])
        j = np.flatnonzero(alike & (group == group[i]))[0]
        among, by = names.get(str(level[i]), "rows"), names.get(str(group[i]), "groups")
        text = _source(str(source[i]), among, by)
        found.append(_Share(text, float(variance[i]), float(share[i]), float(share[j])))
    return found


def _sentence(study: Study, found: list[_Share]) -> str:
    """Shares of the total by source, the largest first."""
    order = sorted((one for one in found if one.share >= 0.0005), key=lambda one: -one.share)
    parts = [f"{percent(one.share)} {one.source}" for one in order]
    shares = listing(parts, len(parts))
    return f"Of the variance of {code(study.outcome)}: {shares} (Rights & Sterba 2019)."


def _source(source: str, among: str, by: str) -> str:
    match source:
        case "fixed":
            within = "within groups" if among == "rows" else f"between {among}"
            return f"goes with predictors {within}"
        case "slopes":
            where = "" if among == "rows" else f", by means of {among}"
            return f"is in slopes that differ between {by}{where}"
        case "intercepts":
            return f"is in levels of {among} beyond their predictors"
    return "is left between rows"


def _reductions(study: Study, fit: LinearMixedModel, ladder: Ladder) -> str:
    """By how much variances are smaller than those of the null model."""
    null = ladder.null.fit
    if null is None or null is fit:
        return ""
    try:
        table = Table.from_data(fit.r2("raudenbush-bryk", baseline=null))
    except MultilevelError:  # the null model lacks a factor of this one: there is no reduction
        return ""
    names = study.group_words
    texts = []
    for level, r2 in zip(_texts(table.column("level")), table.column("r2").values, strict=True):
        where = "rows of a group" if level == "residual" else names.get(str(level), str(level))
        if np.isfinite(r2) and (level == "residual" or comparable(fit)):
            texts.append(f"the variance between {where} is {change(float(r2))}")
    if not texts:
        return ""
    return f"Beside the null model, {listing(texts)} (Raudenbush & Bryk 2002)."


def change(r2: float) -> str:
    """How much smaller or larger a variance is than that of the null model."""
    if abs(r2) < 0.0005:
        return "the same"
    if r2 > 0.9995:
        return "zero"
    return f"{percent(abs(r2))} {'smaller' if r2 > 0.0 else 'larger'}"


def comparable(fit: LinearMixedModel) -> bool:
    """Whether variances of intercepts are where those of the null model are: at averages."""
    columns = [z for term in fit._matrices.terms for z in term.z.T if np.ptp(z) > 0.0]
    return all(abs(float(z.mean())) < _AVERAGE * float(z.std()) for z in columns)


def _texts(column: Any) -> np.ndarray:
    found: np.ndarray = column.levels[column.codes]
    return found
