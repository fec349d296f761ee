"""Step 1, text that may mean something else: labels that are spelt in two ways, numbers as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.frames.files import MISSING
from multilevel.report.document import Note
from multilevel.workflow.advice import conversion, is_number
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from multilevel.frames.column import Column
    from multilevel.workflow.study import Study

__all__ = ["doubtful_text"]

_SHOWN = 3


def doubtful_text(study: Study) -> list[Note]:
    """Notes on labels of groups and categories that only look different, and on numbers as text."""
    groups = [name for factor in study.hierarchy.factors for name in factor.columns]
    predictors = [one.name for one in study.predictors]
    names = [*dict.fromkeys((*groups, *predictors))]
    notes = [_spelling(study.table.column(name)) for name in names]
    notes += [_missing(study.table.column(name)) for name in names]
    notes += [_numbers(study.table.column(name)) for name in predictors]
    return [note for note in notes if note is not None]


def _spelling(column: Column) -> Note | None:
    """Labels that differ by spaces and capitals only."""
    if column.kind not in ("text", "categorical"):
        return None
    spelt: dict[str, list[str]] = {}
    for label in map(str, column.levels.tolist()):
        spelt.setdefault(" ".join(label.split()).casefold(), []).append(label)
    twice = [labels for labels in spelt.values() if len(labels) > 1]
    if not twice:
        return None
    shown = listing([" and ".join(map(repr, labels)) for labels in twice[:_SHOWN]])
    many = f", the first of {len(twice):,}" if len(twice) > _SHOWN else ""
    return Note(
        "STRUCT-LABELS",
        f"{code(column.name)} has labels that differ by spaces or capitals only ({shown}{many}). "
        "They are taken as different. If they mean the same, make them the same and repeat the "
        f"analysis: data[{column.name!r}].str.strip().str.lower() in pandas.",
        "warning",
    )


def _missing(column: Column) -> Note | None:
    """Labels that are what became of missing values when they were made text."""
    if column.kind not in ("text", "categorical"):
        return None
    found = [label for label in map(str, column.levels.tolist()) if label.strip() in MISSING]
    if not found:
        return None
    return Note(
        "STRUCT-MISSINGCODE",
        f"{code(column.name)} has the label {listing([repr(label) for label in found])}, which is "
        "taken as a name like others. If it stands for a missing value, make it missing and repeat "
        f"the analysis: data[{column.name!r}].replace({{{found[0]!r}: None}}) in pandas.",
        "problem",
    )


def _numbers(column: Column) -> Note | None:
    """Numbers that came as text and are taken as categories."""
    if column.kind != "text" or all(is_number(str(label)) for label in column.levels):
        return None
    advice = conversion(column)
    if not advice:
        return None
    return Note(
        "STRUCT-TEXTNUMBER",
        f"{code(column.name)} is text and taken as categories. {advice}",
        "warning",
    )
