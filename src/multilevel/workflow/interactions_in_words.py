"""Step 7, interactions: simple slopes, and where they can be told from 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import column_of, in_user_units, piece_name
from multilevel.workflow.words import code, measured, number, percent

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

    number_like = _is_number(moderator)
    values, places = _values(study, z) if number_like else ([], [])
    at = {z: values} if number_like else None
    slopes = fit.emtrends(z, x, at=at, df_method=df_method).to_frame()
    found = Table.from_data(slopes)
    if not number_like:
        column = found.column(z)
        places = [code(str(label)) for label in column.levels[column.codes]]
    name = f"{x}_by_{z}"
    of, by = _names(study, focal, moderator)
    sentences = _sentence(found, places, of, by)
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
    if len(values) > 2:
        blocks += _regions(study, fit, (x, z), (focal, moderator), df_method)
    return blocks


def _names(study: Study, focal: Piece, moderator: Piece) -> tuple[str, str]:
    """What a slope is of, and what it differs by; only the mean if both are of one predictor."""
    by = code(moderator.predictor.name)
    if moderator.role == "mean":
        by = piece_name(moderator, study)
    return code(focal.predictor.name), by


def _values(study: Study, z: str) -> tuple[list[float], list[str]]:
    """Values of a moderator, and what they are: one standard deviation about the mean, or all two.

    Where that lies outside of the data, the smallest or largest value stands for it.
    """
    values = Table.from_data(study.data).column(z).values
    distinct = np.unique(values)
    if len(distinct) == 2:
        return distinct.tolist(), [number(float(x)) for x in distinct]
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    low, high = float(distinct[0]), float(distinct[-1])
    below, above = "one standard deviation below its mean", "one standard deviation above it"
    return (
        [max(mean - sd, low), mean, min(mean + sd, high)],
        [
            below if mean - sd >= low else "at its smallest value",
            "at its mean",
            above if mean + sd <= high else "at its largest value",
        ],
    )


def _sentence(table: Any, places: list[str], of: str, by: str) -> str:
    """Slopes at the values of a moderator."""
    columns = [table.column(name).values for name in ("estimate", "conf_low", "conf_high")]
    errors = table.column("std_error").values
    texts = []
    for i, place in enumerate(places):
        slope, low, high = (measured(float(x[i]), float(errors[i])) for x in columns)
        texts.append(f"{slope} where {by} is {place} (95% interval {low} to {high})")
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
