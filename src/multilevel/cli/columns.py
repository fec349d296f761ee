"""The columns of a data file: what they hold, and which parts they could play in an analysis."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.frames.column import Column
    from multilevel.frames.table import Table

__all__ = [
    "Facts",
    "columns_text",
    "find",
    "likely_group",
    "likely_outcome",
    "likely_predictors",
    "likely_time",
    "read_facts",
]

_GROUP = re.compile(
    r"school|class|teacher|district|hospital|clinic|ward|doctor|site|cent(er|re)|region|country|"
    r"famil|house|firm|team|group|cluster|subject|person|patient|pupil|student|id|pid|schid|.*_id",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"time|days?|weeks?|months?|years?|wave|visit|occasion|session|trial|age|grade", re.IGNORECASE
)
_LISTED = 60
_EQUAL = 0.9999  # correlation from which a column is another one centred, or its group means


@dataclass(frozen=True, slots=True)
class Facts:
    """What a column holds.

    Attributes
    ----------
    number : int
        Place of the column, from 1.
    name : str
        Name of the column.
    kind : str
        ``"numbers"``, ``"whole numbers"``, ``"text"``, ...
    n_values, n_missing : int
        Different values, and rows without one.
    level : str
        Where it varies: ``"rows"`` or the groups in whose rows it is always the same; empty as long
        as the groups are not known.
    """

    number: int
    name: str
    kind: str
    n_values: int
    n_missing: int
    level: str = ""

    @property
    def can_be_predictor(self) -> bool:
        """Whether it is something to predict from, and not a label of its own for every row."""
        return self.kind in ("numbers", "whole numbers") or 2 <= self.n_values <= 12


def read_facts(table: Table, groups: tuple[str, ...] = ()) -> list[Facts]:
    """What the columns hold, and where they vary if the groups are known."""
    from multilevel.workflow.hierarchy import read_hierarchy

    factors = read_hierarchy(table, groups).factors if groups else ()
    found = []
    for number, name in enumerate(table.columns, start=1):
        column = table.column(name)
        if column.kind == "other":
            continue
        codes, n_values = _codes(column)
        level = "rows" if factors else ""
        for factor in factors:  # the outermost first
            known = (factor.codes >= 0) & (codes >= 0)
            if _is_constant(factor.codes[known], codes[known]):
                level = factor.label
                break
        kind = {"numeric": "numbers", "boolean": "yes/no", "temporal": "dates"}.get(
            column.kind, "text" if column.kind == "text" else "categories"
        )
        if kind == "numbers" and _is_whole(column.values):
            kind = "whole numbers"
        missing = 0 if column.missing is None else int(column.missing.sum())
        found.append(Facts(number, name, kind, n_values, missing, level))
    return found


def columns_text(facts: Sequence[Facts]) -> str:
    """A numbered list of columns."""
    leveled = any(one.level for one in facts)
    heads = ("", "column", "holds", "values", "missing", *(("varies between",) if leveled else ()))
    rows = [
        (
            str(one.number),
            one.name,
            one.kind,
            f"{one.n_values:,}",
            f"{one.n_missing:,}" if one.n_missing else "",
            *((one.level,) if leveled else ()),
        )
        for one in facts[:_LISTED]
    ]
    widths = [max(map(len, cells)) for cells in zip(heads, *rows, strict=True)]
    right = (0, 3, 4)
    lines = [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ]
    if len(facts) > _LISTED:
        lines.append(f"... and {len(facts) - _LISTED} more")
    return "\n".join(f"  {line}" for line in lines)


def likely_outcome(facts: Sequence[Facts]) -> str | None:
    """The first column of measured numbers, or else of many whole ones that are no labels."""
    numbers = [one for one in facts if one.kind == "numbers" and one.n_values > 2]
    counts = [
        one
        for one in facts
        if one.kind == "whole numbers" and one.n_values > 10 and not _GROUP.fullmatch(one.name)
    ]
    return next((one.name for one in (*numbers, *counts)), None)


def likely_group(table: Table, facts: Sequence[Facts], outcome: str) -> str | None:
    """A column whose values come back in several rows: one called like groups, or else of most."""
    candidates = [
        one
        for one in facts
        if one.name != outcome
        and one.kind in ("whole numbers", "text", "categories")
        and 2 < one.n_values <= table.n_rows / 2
    ]
    named = [one for one in candidates if _GROUP.fullmatch(one.name)]
    chosen = max(named or candidates, key=lambda one: one.n_values, default=None)
    return None if chosen is None else chosen.name


def likely_time(facts: Sequence[Facts]) -> str | None:
    """A column of numbers called like time that varies within groups."""
    return next(
        (
            one.name
            for one in facts
            if one.level == "rows"
            and one.kind in ("numbers", "whole numbers")
            and _TIME.fullmatch(one.name)
        ),
        None,
    )


def likely_predictors(table: Table, facts: Sequence[Facts], groups: tuple[str, ...]) -> list[str]:
    """Columns to predict from; group means and deviations of others, which say it twice, not."""
    from multilevel.levels.centering import group_means
    from multilevel.workflow.hierarchy import read_hierarchy

    factor = read_hierarchy(table, groups).innermost
    chosen: list[str] = []
    known: list[np.ndarray] = []  # means and deviations of columns that vary within groups
    for one in sorted(facts, key=lambda one: one.level != "rows"):
        column = table.column(one.name)
        if not one.can_be_predictor:
            continue
        if column.kind == "numeric" and not one.n_missing and factor.codes.min() >= 0:
            x = column.values
            means = group_means(x, factor.codes, factor.n_levels)
            part = x - means if one.level == "rows" else means
            if any(_same(part, other) for other in known):
                continue
            known += [part, means]
        chosen.append(one.name)
    return [one.name for one in facts if one.name in chosen]


def find(text: str, facts: Sequence[Facts]) -> str:
    """The name of a column that was named by its number or name.

    Raises
    ------
    DataError
        If there is none.
    """
    if not text:
        raise DataError("Name a column: its number or its name.")
    names = [one.name for one in facts]
    if text in names:
        return text
    called = [one.name for one in facts if text.lower() in (str(one.number), one.name.lower())]
    if len(called) == 1:
        return called[0]
    raise DataError(f"There is no column {text!r}; give a number or name of the list.")


def _codes(column: Column) -> tuple[np.ndarray, int]:
    """Codes of the values of a column, -1 where there is none, and how many there are."""
    if column.kind != "numeric":
        return column.codes, len(column.levels)
    values, codes = np.unique(column.values, return_inverse=True)
    n_values = int((~np.isnan(values)).sum())  # NaN is the last
    return np.where(codes < n_values, codes, -1), n_values


def _is_constant(codes: np.ndarray, values: np.ndarray) -> bool:
    """Whether a column has one value only in every group."""
    pairs = np.unique(codes.astype(np.int64) * (int(values.max(initial=0)) + 1) + values)
    return len(pairs) == len(np.unique(codes))


def _same(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether one is a linear function of the other, to the digits of a data file."""
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a @ a) * (b @ b)))
    return size > 0.0 and abs(float(a @ b)) > _EQUAL * size


def _is_whole(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool((known == np.floor(known)).all())
