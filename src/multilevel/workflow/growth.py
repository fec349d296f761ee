"""Growth models: how the outcome changes with time, and how units differ in that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.workflow.climb import ALPHA, said
from multilevel.workflow.possible_slopes import possible_slopes
from multilevel.workflow.slopes import search_slopes
from multilevel.workflow.words import code

if TYPE_CHECKING:
    from multilevel.typing import Float
    from multilevel.workflow.climb import Climb
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["TIMES_FOR_CURVE", "change_over_time"]

# Occasions from which a curve of time is tried.
TIMES_FOR_CURVE = 4
# Occasions of a typical unit from which units may differ in their curve.
_OCCASIONS_FOR_CURVES = 5


def change_over_time(climb: Climb, time: Predictor) -> None:
    """A line, whose slope may differ between units, and a curve if it is clear.

    The curve is tested in the model in which units differ in their slopes, if they do: without
    them its test would be too sure (Singer & Willett 2003).
    """
    study = climb.study
    by_rule = study.request.random is None
    climb.add_fixed(f"linear change with {code(time.own)}", [time.term], "time is the question")
    slopes = possible_slopes(study, [time])
    if by_rule:
        search_slopes(climb, slopes)
    if len(np.unique(_times(study, time))) < TIMES_FOR_CURVE or not _add_curve(climb, time):
        return
    if by_rule:  # a curve that was missing may have hidden that slopes differ
        have = {one.label for one in climb.random.slopes}
        search_slopes(climb, [one for one in slopes if one.label not in have])
        inner = study.hierarchy.innermost
        sizes = np.bincount(study.codes(inner))
        if np.median(sizes[sizes > 0]) >= _OCCASIONS_FOR_CURVES:
            search_slopes(climb, [one.squared() for one in climb.random.of(inner)])


def _times(study: Study, time: Predictor) -> Float:
    x = time.columns.get(time.own)
    return study.table.column(time.name).values[study.rows] if x is None else x


def _add_curve(climb: Climb, time: Predictor) -> bool:
    """Whether the mean change is a curve."""
    square = f"I({time.term}**2)"
    fitted = climb.fitted([square])
    test = climb.test_fixed(fitted)
    clear = test is not None and test.p_value < ALPHA
    verdict = "the curve is kept" if clear else "a line is enough"
    question = f"Is the mean change with {code(time.own)} a line or a curve?"
    climb.decide("BUILD-CURVE", question, test, verdict, "Singer & Willett (2003)")
    title = f"curved change: the square of {code(time.own)}"
    if clear:
        climb.add_fixed(title, [square], said(test, "the square is clear"))
    else:
        climb.trial("curve", title, fitted, test, said(test, "the square is not clear"))
    return clear
