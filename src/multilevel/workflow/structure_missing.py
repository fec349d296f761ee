"""Step 1, missing values and rows that are there twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.report.document import DataTable, Decision, Note, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.words import code, counted, listing, number, percent

if TYPE_CHECKING:
    from multilevel.frames.column import Column
    from multilevel.report.document import Block
    from multilevel.workflow.study import Study

__all__ = ["duplicates_part", "missing_part"]

_MANY = 0.05  # share of lost rows from which the note is a warning
_PATTERNS = 5
_SHOWN = 3
_ODD = np.uint64(0x9E3779B97F4A7C15)


def missing_part(study: Study) -> Part:
    """Rows and groups that are left out, by column and by level."""
    columns = {name: study.table.column(name) for name in _used(study)}
    gone = {
        name: column.missing
        for name, column in columns.items()
        if column.missing is not None and column.missing.any()
    }
    lost = study.table.n_rows - study.n_rows
    if not lost:
        text = f"Nothing is missing: all {study.n_rows:,} rows are used."
        return Part((Paragraph(text, "Missing values"),))
    share = lost / study.table.n_rows
    groups = _groups_lost(study)
    have, are = ("has", "is") if lost == 1 else ("have", "are")
    text = (
        f"{lost:,} of {study.table.n_rows:,} rows ({percent(share)}) {have} a missing value in a "
        f"column that is used, and {are} left out of all models; {study.n_rows:,} rows remain. "
        f"{groups} {_patterns(study, gone)}"
    )
    blocks: tuple[Block, ...] = (
        Paragraph(text, "Missing values"),
        _table(study, gone),
        *([_picture(study, list(gone))] if set(gone) - set(_group_columns(study)) else []),
    )
    note = Note(
        "STRUCT-MISSING",
        f"{counted(lost, 'row')} ({percent(share)}) {are} left out for missing values. The "
        "results hold for the population if whether a value is missing depends only on what is in "
        "the model (missing at random); otherwise compare with multiple imputation that keeps "
        "the groups.",
        "warning" if share > _MANY else "info",
    )
    decision = Decision(
        "STRUCT-MISSING",
        "How many rows are left out?",
        f"{counted(lost, 'row')} ({percent(share)})",
        f"more than {percent(_MANY, 0)}",
        "report and discuss missing values" if share > _MANY else "few",
        "a convention of this program",
    )
    return Part(blocks, (decision,), (note,))


def _used(study: Study) -> list[str]:
    request = study.request
    names = [request.outcome, *request.predictors, *_group_columns(study)]
    return list(dict.fromkeys([*names, *([request.weights] if request.weights else [])]))


def _group_columns(study: Study) -> list[str]:
    return [name for factor in study.hierarchy.factors for name in factor.columns]


def _groups_lost(study: Study) -> str:
    """Groups of which no row is left."""
    lost = []
    for factor in study.hierarchy.factors:
        before = len(np.unique(factor.codes[factor.codes >= 0]))
        n = before - study.n_groups(factor)
        if n:
            lost.append(f"{n:,} of {counted(before, factor.label)}")
    if not lost:
        return "No group is lost as a whole."
    return f"Without any row that is left: {listing(lost)}."


def _patterns(study: Study, gone: dict[str, np.ndarray]) -> str:
    """Which columns are missing together."""
    if len(gone) < 2:
        return ""
    pattern = np.zeros(study.table.n_rows, dtype=np.int64)
    names = list(gone)[:60]
    for i, name in enumerate(names):
        pattern |= gone[name].astype(np.int64) << i
    found, rows = np.unique(pattern[pattern > 0], return_counts=True)
    order = np.lexsort((found, -rows))[:_PATTERNS]
    parts = [
        f"{' with '.join(code(name) for i, name in enumerate(names) if found[k] >> i & 1)} "
        f"({rows[k]:,})"
        for k in order
    ]
    return f"Missing together, in rows: {listing(parts)}."


def _table(study: Study, gone: dict[str, np.ndarray]) -> DataTable:
    inner = study.hierarchy.innermost
    predictors = {one.name: one for one in study.predictors}
    columns: dict[str, list[Any]] = {
        "column": [], "n_missing": [], "share": [], "n_groups": [], "n_groups_all": []
    }  # fmt: skip
    rows = np.bincount(inner.codes[inner.codes >= 0], minlength=inner.n_levels)
    for name, missing in gone.items():
        own = np.bincount(inner.codes[(inner.codes >= 0) & missing], minlength=inner.n_levels)
        one = predictors.get(name)
        columns["column"].append(name if one is None or one.factor is None else f"{name} (group)")
        columns["n_missing"].append(int(missing.sum()))
        columns["share"].append(float(missing.mean()))
        columns["n_groups"].append(int((own > 0).sum()))
        columns["n_groups_all"].append(int(((own == rows) & (rows > 0)).sum()))
    headings = {
        "column": "Column",
        "n_missing": "Missing rows",
        "share": "Share",
        "n_groups": "Groups with some missing",
        "n_groups_all": "Groups with all missing",
    }
    note = f"Groups of {inner.label}; all {study.table.n_rows:,} rows."
    return DataTable("missing", "Missing values", study.frame(columns), 1, note, headings)


def _picture(study: Study, names: list[str]) -> Picture:
    from multilevel import plot

    inner = study.hierarchy.innermost
    columns = [name for name in names if name not in _group_columns(study)]
    known = inner.codes >= 0
    data: dict[str, Any] = {inner.label: inner.labels[inner.codes[known]]}
    for name in columns:
        missing = study.table.column(name).missing
        assert missing is not None
        data[name] = np.where(missing[known], np.nan, 0.0)
    shares = [f"{name} {percent(float(np.isnan(data[name]).mean()))}" for name in columns]
    return Picture(
        "missing_by_group",
        "Where values are missing",
        f"Heat map of missing values by {inner.label}; missing overall: {listing(shares)}.",
        lambda: plot.missing_by_group(data, inner.label, columns),
        lambda: plot.missing_by_group_data(data, inner.label, columns),
    )


# -- rows that are there twice -----------------------------------------------------------------


def duplicates_part(study: Study) -> Part:
    """Rows that are equal in all columns, and units measured twice at the same time."""
    notes = [*_equal_rows(study), *_equal_times(study)]
    return Part((), (), tuple(notes))


def _equal_rows(study: Study) -> list[Note]:
    """Rows that are equal in all columns, if chance does not make such rows."""
    columns = [study.table.column(name) for name in study.table.columns]
    columns = [column for column in columns if column.kind != "other"]
    n = study.table.n_rows
    key = np.zeros(n, dtype=np.uint64)
    for column in columns:
        key = key * _ODD + _words(column)
        key ^= key >> np.uint64(29)
    n_equal = n - len(np.unique(key))
    if not n_equal or not _told_apart(study):
        return []
    _, first, rows = np.unique(key, return_index=True, return_counts=True)
    shown = listing([f"row {i}" for i in sorted(first[rows > 1])[:_SHOWN]])
    return [
        Note(
            "STRUCT-DUPID",
            f"{counted(n_equal, 'row')} {'repeats' if n_equal == 1 else 'repeat'} another row in "
            f"all {len(columns)} columns (the first: copies of {shown}, counted from 0). Rows that "
            "were entered twice count twice: if they are copies, drop them (drop_duplicates() in "
            "pandas, unique() in polars).",
        )
    ]


def _told_apart(study: Study) -> bool:
    """Whether there are far more combinations of values than pairs of rows that could meet."""
    names = [study.outcome, *(one.name for one in study.predictors if one.level == 1)]
    columns = [_words(study.table.column(name)) for name in names]
    kinds = [len(np.unique(words)) for words in (*columns, study.hierarchy.innermost.codes)]
    return bool(np.sum(np.log(kinds)) > 2.0 * np.log(study.table.n_rows))


def _words(column: Column) -> np.ndarray:
    """A 64-bit word for the value in every row."""
    data = column.values if column.is_numeric else column.codes.astype(np.int64)
    words: np.ndarray = (data + 0.0 if data.dtype.kind == "f" else data).view(np.uint64)
    return words


def _equal_times(study: Study) -> list[Note]:
    """Units with several rows at the same time."""
    if study.time is None:
        return []
    inner = study.hierarchy.innermost
    codes, when = study.codes(inner), study.table.column(study.time.name).values[study.rows]
    times, place = np.unique(when, return_inverse=True)
    cells, rows = np.unique(codes.astype(np.int64) * len(times) + place, return_counts=True)
    twice = np.flatnonzero(rows > 1)
    if not len(twice):
        return []
    unit, time = code(inner.label), code(study.time.name)
    if len(twice) > len(cells) / 2:
        return [
            Note(
                "STRUCT-DUPID",
                f"Most groups of {unit} have several rows at the same {time} (up to "
                f"{rows.max():,}): {unit} is not what was measured repeatedly. Name the column of "
                "persons or things that were, below it, in groups.",
            )
        ]
    units, places = np.divmod(cells[twice[:_SHOWN]], len(times))
    shown = [
        f"{code(str(inner.labels[j]))} at {number(times[k])}"
        for j, k in zip(units, places, strict=True)
    ]
    return [
        Note(
            "STRUCT-DUPID",
            f"{len(twice):,} of {len(cells):,} combinations of {unit} and {time} have more than "
            f"one row (such as {listing(shown)}). A unit should be "
            "measured once at a time: look for rows entered twice, or two units of one name.",
        )
    ]
