"""Step 1: the structure of the data."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from multilevel.frames.reshape import repeated_columns
from multilevel.report.document import Note
from multilevel.workflow.doubtful_text import doubtful_text
from multilevel.workflow.missing_codes import missing_codes
from multilevel.workflow.sizes import read_sizes
from multilevel.workflow.step import Step
from multilevel.workflow.structure_groups import groups_part, relations_part
from multilevel.workflow.structure_missing import duplicates_part, missing_part
from multilevel.workflow.structure_predictors import predictors_part
from multilevel.workflow.structure_time import time_part
from multilevel.workflow.words import code, counted, listing

if TYPE_CHECKING:
    from multilevel.workflow.study import Study

__all__ = ["structure_step"]

_COORDINATE = re.compile(
    r"(.*[_. ])?(lat|lon|long|lng|latitude|longitude)([_. ].*)?", re.IGNORECASE
)
_COUNTS = 30  # different whole numbers from 0 up to which an outcome may be a count
_WIDE = 3  # occasions from which columns look like repeated measurements


def structure_step(study: Study) -> Step:
    """Levels, sizes, nesting, predictors by level, missing values, duplicates, time."""
    parts = [
        groups_part(study),
        relations_part(study),
        predictors_part(study),
        time_part(study),
        missing_part(study),
        duplicates_part(study),
    ]
    notes = [note for part in parts for note in part.notes]
    return Step(
        number=1,
        name="structure",
        title="Structure of the data",
        headline=_headline(study),
        blocks=tuple(block for part in parts for block in part.blocks),
        decisions=tuple(decision for part in parts for decision in part.decisions),
        notes=(
            *notes,
            *doubtful_text(study),
            *missing_codes(study),
            *_spatial(study),
            *_wide(study),
            *_count(study),
        ),
    )


def _headline(study: Study) -> str:
    """Rows and groups: ``7,185 rows in 160 schools (14-67 per school, mean 44.9, ...)``."""
    factors = study.hierarchy.factors
    texts = [read_sizes(study.codes(one)).sentence(one.label) for one in factors]
    if len(factors) == 1:
        return f"{study.n_rows:,} rows in {texts[0]}."
    if not study.hierarchy.crossed:
        return f"{study.n_rows:,} rows in {', in '.join(reversed(texts))}."
    inside = [
        f"{code(one.label)} is nested in {code(factors[one.parent].label)}"
        for one in factors
        if one.parent is not None
    ]
    rest = f"; {listing(inside)}" if inside else ""
    return f"{study.n_rows:,} rows in {', crossed with '.join(texts)}{rest}."


def _spatial(study: Study) -> list[Note]:
    found = [
        name
        for name in study.table.columns
        if _COORDINATE.fullmatch(name) and study.table.column(name).is_numeric
    ]
    if len(found) < 2:
        return []
    return [
        Note(
            "STRUCT-SPATIAL",
            f"{listing([code(name) for name in found])} look like coordinates. The models let rows "
            "of one group be alike, but not groups that are neighbours: if what lies close is more "
            "alike, standard errors are too small. Look at a map of the predicted group effects.",
        )
    ]


def _wide(study: Study) -> list[Note]:
    """Columns that look like repeated measurements beside each other."""
    if study.time is not None:
        return []
    found = {stub: own for stub, own in repeated_columns(study.table).items() if len(own) >= _WIDE}
    occasions = [frozenset(own) for own in found.values()]
    own_outcome = [stub for stub, own in found.items() if study.outcome in own.values()]
    together = [stub for stub, own in found.items() if occasions.count(frozenset(own)) > 1]
    stubs = list(dict.fromkeys([*own_outcome, *together]))
    if not stubs:
        return []
    columns = [code(name) for stub in stubs for name in found[stub].values()]
    return [
        Note(
            "STRUCT-WIDE",
            f"{listing(columns)} look like repeated measurements in columns of their own (wide "
            "data). To model change, make a row of each measurement first: "
            f"multilevel.wide_to_long(data, {stubs!r}), and name time and the unit in groups.",
            "warning" if own_outcome else "info",
        )
    ]


def _count(study: Study) -> list[Note]:
    """An outcome of few whole numbers from 0 may be a count."""
    y = study.y
    values = np.unique(y)
    if len(values) > _COUNTS or values[0] != 0.0 or (values != np.floor(values)).any():
        return []
    return [
        Note(
            "STRUCT-COUNT",
            f"{code(study.outcome)} has {counted(len(values), 'value')} only, whole numbers from 0 "
            f"to {values[-1]:,.0f}. If it is a count or a rating, a linear model may predict "
            "values that cannot be, and its variance is not the same everywhere; multilevel models "
            "for counts are not in this version. Robust standard errors (step 8) help with the "
            "variance.",
            "info",
        )
    ]
