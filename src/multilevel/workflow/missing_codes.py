"""Step 1, numbers that stand for missing values: -99, 9999."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Note
from multilevel.workflow.words import code, counted, number

if TYPE_CHECKING:
    from multilevel.typing import Float
    from multilevel.workflow.study import Study

__all__ = ["missing_codes"]


def missing_codes(study: Study) -> list[Note]:
    """Repeated sevens, eights and nines that lie far beyond all other values of a column."""
    notes = []
    names = [study.outcome, *(one.name for one in study.predictors)]
    for name in names:
        column = study.table.column(name)
        found = _code(column.values[study.rows]) if column.kind == "numeric" else None
        if found is None:
            continue
        value, times, low, high = found
        notes.append(
            Note(
                "STRUCT-MISSINGCODE",
                f"{code(name)} is {number(value)} in {counted(times, 'row')}, far from all others, "
                f"which lie between {number(low)} and {number(high)}. If that stands for a missing "
                "value, make it missing and repeat the analysis: all numbers here take it as "
                "measured.",
                "problem",
            )
        )
    return notes


def _code(x: Float) -> tuple[float, int, float, float] | None:
    """The value, how often it occurs, and the range of the others."""
    values, counts = np.unique(x, return_counts=True)
    if len(values) < 3:
        return None
    for end, rest in ((0, values[1:]), (-1, values[:-1])):
        gap = abs(values[end] - rest[end])
        if _is_code(float(values[end])) and gap >= rest[-1] - rest[0]:
            return float(values[end]), int(counts[end]), float(rest[0]), float(rest[-1])
    return None


def _is_code(value: float) -> bool:
    """Whether a number is written with one of 7, 8 and 9 alone."""
    digits = f"{abs(value):.0f}" if value == np.floor(value) else ""
    return len(set(digits)) == 1 and digits[0] in "789"
