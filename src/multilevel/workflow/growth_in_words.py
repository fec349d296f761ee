"""Step 7, change over time: the average trajectory, and where it turns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.words import code, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["growth_part"]

_POINTS = 3


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
    points = [
        f"{number(value)} at {name} {_moment(float(when) + time.origin)} "
        f"(95% interval {number(float(a))} to {number(float(b))})"
        for when, value, a, b in zip(at, values.tolist(), low, high, strict=True)
    ]
    others = ", other predictors at their means" if used != {time.name} else ""
    text = (
        f"The average trajectory{others}: {y} is {points[0]}, {points[1]} "
        f"and {points[2]}.{_turning(time, coefficients, x)}"
    )
    table = DataTable("trajectory", f"{y} over {name}: the average trajectory", means)
    return Part((Paragraph(text, "Change over time"), table))


def _moment(when: float) -> str:
    """A time without zeros at its end."""
    text = number(when)
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
