"""Step 7, interactions: simple slopes, and where they can be told from 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import column_of, in_user_units, piece_name
from multilevel.workflow.words import code, number, percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.fits.johnson_neyman import JohnsonNeyman
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.report.document import Block
    from multilevel.workflow.coefficients import Coefficient, Piece
    from multilevel.workflow.study import Study

__all__ = ["interactions_part"]


def interactions_part(
    study: Study,
    fit: LinearMixedModel,
    coefficients: tuple[Coefficient, ...],
    df_method: DfMethod | None,
) -> Part:
    """For every product of two predictors its simple slopes, regions and figure."""
    pairs: dict[tuple[str, str], tuple[Piece, Piece]] = {}
    for one in coefficients:
        if len(one.pieces) == 2 and all(piece.role != "square" for piece in one.pieces):
            focal, moderator = _roles(*one.pieces)
            if _is_number(focal):
                pairs[column_of(focal), column_of(moderator)] = (focal, moderator)
    blocks: list[Block] = []
    for (x, z), (focal, moderator) in pairs.items():
        blocks += _blocks(study, fit, x, z, focal, moderator, df_method)
    return Part(tuple(blocks))


def _roles(first: Piece, second: Piece) -> tuple[Piece, Piece]:
    """What has the slope, and what it differs by: lower levels and numbers first."""
    pair = sorted(
        (first, second), key=lambda p: (p.predictor.stated != "time", not _is_number(p), p.level)
    )
    return pair[0], pair[1]


def _is_number(piece: Piece) -> bool:
    return piece.role != "category"


def _blocks(
    study: Study,
    fit: LinearMixedModel,
    x: str,
    z: str,
    focal: Piece,
    moderator: Piece,
    df_method: DfMethod | None,
) -> list[Block]:
    from multilevel import plot

    at = _values(study, z) if _is_number(moderator) else None
    slopes = fit.emtrends(z, x, at=at, df_method=df_method).to_frame()
    found = Table.from_data(slopes)
    name = f"{x}_by_{z}"
    of, by = _names(study, focal, moderator)
    sentences = _sentences(found, z, of, by, numeric=_is_number(moderator))
    blocks: list[Block] = [
        Paragraph(sentences, f"Slope of {of} by {by}"),
        DataTable(f"slopes_{name}", f"Simple slopes of {of} by {by}", slopes),
        Picture(
            f"interaction_{name}",
            f"{code(study.outcome)} by {of}, for values of {by}",
            sentences,
            lambda: plot.interaction(fit, x, z, at=at, df_method=df_method),
            lambda: plot.interaction_data(fit, x, z, at=at, df_method=df_method),
        ),
    ]
    if _is_number(moderator):
        blocks += _regions(study, fit, (x, z), (focal, moderator), df_method)
    return blocks


def _names(study: Study, focal: Piece, moderator: Piece) -> tuple[str, str]:
    """What a slope is of, and what it differs by; only the mean if both are of one predictor."""
    by = code(moderator.predictor.name)
    if moderator.role == "mean":
        by = piece_name(moderator, study)
    return code(focal.predictor.name), by


def _values(study: Study, z: str) -> dict[str, list[float]]:
    """A moderator one standard deviation below its mean, at it and above; its values if two."""
    values = Table.from_data(study.data).column(z).values
    distinct = np.unique(values)
    if len(distinct) == 2:
        return {z: distinct.tolist()}
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    return {z: [mean - sd, mean, mean + sd]}


def _sentences(table: Any, z: str, of: str, by: str, *, numeric: bool) -> str:
    where = table.column(z)
    levels = [str(v) for v in (where.values if numeric else where.levels[where.codes])]
    texts = []
    names = ("estimate", "conf_low", "conf_high")
    values = [table.column(name).values for name in names]
    words = ("one standard deviation below its mean", "at its mean", "one above")
    for i, (estimate, low, high) in enumerate(zip(*values, strict=True)):
        if not numeric:
            place = f"where {by} is {code(levels[i])}"
        elif len(levels) == len(words):
            place = f"where {by} is {words[i]}"
        else:
            place = f"where {by} is {number(float(levels[i]))}"
        texts.append(
            f"{number(float(estimate))} {place} "
            f"(95% interval {number(float(low))} to {number(float(high))})"
        )
    return f"The slope of {of} is {'; '.join(texts)}."


def _regions(
    study: Study,
    fit: LinearMixedModel,
    columns: tuple[str, str],
    pieces: tuple[Piece, Piece],
    df_method: DfMethod | None,
) -> list[Block]:
    from multilevel import plot

    x, z = columns
    of, by = _names(study, *pieces)
    try:
        found = fit.johnson_neyman(x, z, df_method=df_method)
    except MultilevelError:  # a slope that is not linear in the moderator has no such regions
        return []
    text = _region_text(found, of, by, lambda value: in_user_units(pieces[1], value, study))
    return [
        Paragraph(text),
        Picture(
            f"regions_{x}_by_{z}",
            f"Slope of {of} over {by}, and where it can be told from 0",
            text,
            lambda: plot.johnson_neyman(fit, x, z, df_method=df_method),
            found.to_frame,
        ),
    ]


def _region_text(found: JohnsonNeyman, of: str, by: str, units: Callable[[float], str]) -> str:
    """Values of the moderator, in the user's units, at which the slope is clear."""
    low, high = found.observed
    inside = [r for r in found.regions if r.significant and r.low < high and r.high > low]
    if not inside:
        return f"At no observed value of {by} can the slope of {of} be told from 0 (p < .05)."
    if len(inside) == 1 and inside[0].low <= low and inside[0].high >= high:
        return f"At all observed values of {by} the slope of {of} can be told from 0 (p < .05)."
    words = []
    for region in inside:
        if region.low <= low:
            words.append(f"below {units(region.high)}")
        elif region.high >= high:
            words.append(f"above {units(region.low)}")
        else:
            words.append(f"from {units(region.low)} to {units(region.high)}")
    return (
        f"The slope of {of} can be told from 0 (p < .05) where {by} is {' and '.join(words)}, "
        f"as in {percent(found.share)} of the rows (Johnson & Neyman 1936; Bauer & Curran 2005)."
    )
