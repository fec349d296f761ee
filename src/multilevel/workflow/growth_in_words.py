"""Step 7, change over time: the average trajectory, and where it turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import origin_of
from multilevel.workflow.words import code, listing, measured, number, with_unit

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.report.document import Block
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["growth_part"]

_POINTS = 3
_NEAR = 1e-9  # standard deviations from which a mean is taken as 0: rounding
_KINDS = 3  # properties by which trajectories are drawn


def growth_part(
    study: Study,
    fit: LinearMixedModel,
    coefficients: tuple[Coefficient, ...],
    df_method: DfMethod | None,
) -> Part:
    """The outcome at the first, the middle and the last time, and where a parabola turns."""
    time = study.time
    used = {piece.predictor.name for one in coefficients for piece in one.pieces}
    if time is None or time.name not in used:
        return Part()
    x = Table.from_data(study.data).column(time.own).values
    at = np.linspace(float(x.min()), float(x.max()), _POINTS)
    means = fit.emmeans(time.own, at={time.own: at.tolist()}, df_method=df_method).to_frame()
    numbers = Table.from_data(means)
    values, low, high = (
        numbers.column(name).values for name in ("estimate", "conf_low", "conf_high")
    )
    name, y = code(time.name), code(study.outcome)
    unit = study.request.unit(study.outcome)
    moments = [_moment(float(when) + time.origin) for when in at]
    points = [
        f"{with_unit(number(value), unit)} at {name} {when} "
        f"(95% interval {number(float(a))} to {number(float(b))})"
        for when, value, a, b in zip(moments, values.tolist(), low, high, strict=True)
    ]
    others = ", other predictors at their means" if used != {time.name} else ""
    text = (
        f"The average trajectory{others}: {y} is {points[0]}, {points[1]} "
        f"and {points[2]}.{_turning(time, coefficients, x)}"
    )
    columns = ("estimate", "std_error", "df", "conf_low", "conf_high")
    frame = study.frame({time.name: moments} | {one: numbers.column(one).values for one in columns})
    title = f"{y} over {name}: the average trajectory"
    table = DataTable("trajectory", title, frame, headings={time.name: time.name})
    typical = [
        block
        for one in _kinds(time, coefficients)
        for block in _trajectories(study, fit, time, one, df_method)
    ]
    return Part((Paragraph(text, "Change over time"), table, *typical))


def _kinds(time: Predictor, coefficients: tuple[Coefficient, ...]) -> list[Predictor]:
    """Properties of what is measured, without products with time: these are drawn with them."""
    products = [one.pieces for one in coefficients if len(one.pieces) > 1]
    with_time = {
        piece.predictor.name
        for pieces in products
        for piece in pieces
        if any(other.predictor is time for other in pieces)
    }
    single = [one.pieces[0] for one in coefficients if len(one.pieces) == 1]
    found = {
        piece.predictor.name: piece.predictor
        for piece in single
        if piece.level > 1 and piece.role in ("own", "category") and piece.predictor is not time
    }
    return [one for name, one in found.items() if name not in with_time][:_KINDS]


def _trajectories(
    study: Study,
    fit: LinearMixedModel,
    time: Predictor,
    kind: Predictor,
    df_method: DfMethod | None,
) -> list[Block]:
    """Fitted trajectories at typical values of a property (Singer & Willett 2003)."""
    from multilevel import plot

    x = Table.from_data(study.data).column(time.own).values
    at: dict[str, list[float]] = {time.own: [float(x.min()), float(x.max())]}
    places = list(kind.labels)
    if not kind.labels:
        values, places = _typical_values(study, kind)
        at[kind.own] = values
    table = Table.from_data(
        fit.emmeans(time.own, by=kind.own, at=at, df_method=df_method).to_frame()
    )
    by = table.column(kind.own)
    keys = by.values if by.is_numeric else by.levels[by.codes]
    means = table.column("estimate").values
    lines: list[str] = []
    for key, place in zip(at.get(kind.own, places), places, strict=True):
        first, last = (number(float(value)) for value in means[keys == key])
        what = code(kind.name) if not lines else "it"
        where = f"where {what} is {code(place) if kind.labels else place}"
        lines.append(f"from {first} to {last} {where}")
    start, end = (_moment(value + time.origin) for value in at[time.own])
    text = (
        f"From {code(time.name)} {start} to {end} the average {code(study.outcome)} goes "
        f"{listing(lines)}. These differences stay the same over time because the model has no "
        f"product of {code(kind.name)} with {code(time.name)}."
    )
    along = {kind.own: at[kind.own]} if kind.own in at else None
    title = f"{code(study.outcome)} over {code(time.name)}, for values of {code(kind.name)}"
    counted = [
        f"{code(one.own)} counts from {number(one.origin) if one is time else origin_of(one)}"
        for one in (time, kind)
        if one.own != one.name
    ]
    title += f" ({' and '.join(counted)})" if counted else ""
    return [
        Paragraph(text),
        Picture(
            f"trajectories_by_{kind.name}",
            title,
            text,
            lambda: plot.interaction(fit, time.own, kind.own, at=along, df_method=df_method),
            lambda: plot.interaction_data(fit, time.own, kind.own, at=along, df_method=df_method),
        ),
    ]


def _typical_values(study: Study, kind: Predictor) -> tuple[list[float], list[str]]:
    """Both values, or the mean of the groups and one standard deviation around it."""
    column = Table.from_data(study.data).column(kind.own).values
    values = np.unique(column)
    if len(values) == 2:
        return values.tolist(), [number(float(value)) for value in values + kind.origin]
    _, first = np.unique(study.codes(kind.factor or study.hierarchy.innermost), return_index=True)
    mean, sd = float(column[first].mean()), float(column[first].std(ddof=1))
    mean = 0.0 if abs(mean) < _NEAR * sd else mean
    places = [measured(mean + k * sd + kind.origin, sd) for k in (-1, 0, 1)]
    return [mean - sd, mean, mean + sd], places


def _moment(when: float) -> str:
    """A time without zeros at its end, and years as years."""
    text = number(when).replace(",", "")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _turning(time: Predictor, coefficients: tuple[Coefficient, ...], x: Any) -> str:
    """Where a parabola turns, and whether that is within the data."""
    single = {
        one.pieces[0].role: one
        for one in coefficients
        if len(one.pieces) == 1 and one.pieces[0].predictor is time
    }
    if not {"own", "square"} <= set(single) or single["square"].estimate == 0.0:
        return ""
    where = -single["own"].estimate / (2.0 * single["square"].estimate)
    kind = "highest" if single["square"].estimate < 0.0 else "lowest"
    if not x.min() <= where <= x.max():
        return " Its curve does not turn within the observed times."
    return f" Its curve is {kind} at {code(time.name)} {number(where + time.origin)}."
