"""Step 7, predictors with three and more categories: adjusted means, and all pairs of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.words import code, counted, listing, measured, percent, with_unit

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.report.document import Block
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["categories_part"]

_MOST_PAIRS = 45  # rows of a table that is still read: ten categories
_MOST_NAMED = 6  # pairs that a sentence names
_ALPHA = 0.05
_GRID = "Other numbers are held at their means, other categories count alike."


def categories_part(
    study: Study,
    fit: LinearMixedModel,
    coefficients: tuple[Coefficient, ...],
    df_method: DfMethod | None,
) -> Part:
    """Adjusted means of every category, and which pairs can be told apart."""
    used = {piece.predictor for one in coefficients for piece in one.pieces}
    blocks: list[Block] = []
    for one in study.predictors:
        if one.kind == "categorical" and one in used:
            blocks += _of_predictor(study, fit, coefficients, one, df_method)
    return Part(tuple(blocks))


def _of_predictor(
    study: Study,
    fit: LinearMixedModel,
    coefficients: tuple[Coefficient, ...],
    one: Predictor,
    df_method: DfMethod | None,
) -> list[Block]:
    try:
        means = fit.emmeans(one.name, df_method=df_method)
        pairs = means.contrast("pairwise").to_frame()
    except MultilevelError as error:
        text = f"Means by {code(one.name)} cannot be computed: {error}"
        return [Paragraph(text, _heading(one))]
    frame = means.to_frame()
    if not np.isfinite(Table.from_data(frame).column("estimate").values).all():
        return []  # columns were dropped: step 5 says which
    alone = all(piece.predictor is one for each in coefficients for piece in each.pieces)
    start = "Means" if alone else "Adjusted means"
    text = f"{start}{_means(study, one, frame)} {_pairs(pairs)}{_partners(one, coefficients)}"
    title = f"{start} of {code(study.outcome)} by {code(one.name)}"
    blocks: list[Block] = [Paragraph(text, _heading(one))]
    note, own = "" if alone else _GRID, {one.name: one.name}
    blocks.append(DataTable(f"means_{one.name}", title, frame, 1, note, own))
    if len(Table.from_data(pairs).column("estimate").values) <= _MOST_PAIRS:
        note = "p values and intervals are adjusted for all pairs by Tukey's method."
        title = f"Differences between categories of {code(one.name)}"
        blocks.append(DataTable(f"pairs_{one.name}", title, pairs, 1, note))
    return blocks


def _heading(one: Predictor) -> str:
    return f"Means by {code(one.name)}"


def _means(study: Study, one: Predictor, frame: object) -> str:
    """The lowest and the highest mean."""
    table = Table.from_data(frame)
    estimates, errors = (table.column(name).values for name in ("estimate", "std_error"))
    labels = table.column(one.name)
    unit, y = study.request.unit(study.outcome), code(study.outcome)
    ends = [int(np.argmin(estimates)), int(np.argmax(estimates))]
    low, high = (
        f"{with_unit(measured(float(estimates[i]), float(errors[i])), unit)} for "
        f"{code(str(labels.levels[labels.codes[i]]))}"
        for i in ends
    )
    return f" of {y} lie between {low} and {high}."


def _pairs(pairs: object) -> str:
    """Which pairs differ clearly."""
    table = Table.from_data(pairs)
    p, names = table.column("p_value").values, table.column("contrast")
    clear = [str(names.levels[names.codes[i]]) for i in np.flatnonzero(p < _ALPHA)]
    n = counted(len(p), "pair")
    if not clear:
        return f"None of the {n} can be told apart, adjusted for their number (Tukey)."
    if len(clear) == len(p):
        return f"All {n} can be told apart, adjusted for their number (Tukey)."
    which = f": {listing([code(one) for one in clear])}" if len(clear) <= _MOST_NAMED else ""
    share = "" if which else f" ({percent(len(clear) / len(p), 0)})"
    return (
        f"Of the {n}, {len(clear)}{share} can be told apart, adjusted for their number "
        f"(Tukey){which}."
    )


def _partners(one: Predictor, coefficients: tuple[Coefficient, ...]) -> str:
    """Means are averages where the predictor is part of a product."""
    partners = {
        piece.predictor.name: None
        for each in coefficients
        if len(each.pieces) > 1 and any(piece.predictor is one for piece in each.pieces)
        for piece in each.pieces
        if piece.predictor is not one
    }
    if not partners:
        return ""
    names = listing([code(name) for name in partners])
    return (
        f" Differences depend on {names}: these are the ones at their means, or averaged over "
        "their categories."
    )
