"""Step 1, predictors: where each varies, and how it is centred."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.report.document import Bullets, DataTable, Decision, Note, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import origin_of
from multilevel.workflow.predictors import SPLIT
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, indefinite, listing, number, percent

if TYPE_CHECKING:
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["predictors_part"]

_MOST_CODES = 5  # whole numbers that may be names of categories
_CENTRING = {
    "within": "deviation from the group mean, and the group mean",
    "share": "as it is, and its share in the group",
    "grand": "about the mean of all rows",
    "start": "time since its first value",
    "none": "none",
}


def predictors_part(study: Study) -> Part:
    """Levels of predictors, their centring with the reason, and misplaced ones."""
    if not study.predictors:
        text = "No predictors were named: the analysis describes how much groups differ."
        return Part((Paragraph(text, "Predictors"),))
    head = Paragraph(
        "Where a predictor varies was looked up in the data. What varies within groups can differ "
        "from row to row; what does not is a property of the groups.",
        "Predictors",
    )
    sentences = Bullets(tuple(_sentence(study, one) for one in study.predictors))
    notes = tuple(
        note for one in study.predictors for note in (*_notes(study, one), *_coded(study, one))
    )
    decisions = tuple(
        _split(study, one)
        for one in study.predictors
        if one.level == 1 and one.stated != "time" and one.kind != "categorical"
    )
    return Part((head, _table(study), sentences), decisions, notes)


def _table(study: Study) -> DataTable:
    predictors = study.predictors
    columns: dict[str, Any] = {
        "predictor": [one.name for one in predictors],
        "kind": ["time" if one.stated == "time" else one.kind for one in predictors],
        "varies": [_where(study, one) for one in predictors],
        "between": [one.icc for one in predictors],
        "centring": [_CENTRING[one.centring] for one in predictors],
    }
    headings = {
        "kind": "Kind",
        "varies": "Varies between",
        "between": "Share of variance between groups",
        "centring": "Centring",
    }
    inner = study.hierarchy.innermost.label
    note = f"Shares between the groups of {inner}: intraclass correlations by analysis of variance."
    return DataTable("predictors", "Predictors", study.frame(columns), 1, note, headings)


def _where(study: Study, predictor: Predictor) -> str:
    if predictor.factor is not None:
        return the_groups(predictor.factor.label)
    return (
        "rows"
        if predictor.icc <= 0.0
        else f"rows and {the_groups(study.hierarchy.innermost.label)}"
    )


def _sentence(study: Study, predictor: Predictor) -> str:
    """One predictor: where it varies, and what is done for what reason."""
    name = code(predictor.name)
    group = a_group(study.hierarchy.innermost.label)
    if predictor.factor is None:
        start = f"{name} varies within and between groups"
        if predictor.icc < 0.0005:
            start = f"{name} varies within groups, and their means hardly differ"
        elif predictor.kind != "categorical":
            start = f"{name} varies within groups; {percent(predictor.icc)} of its variance lies "
            start += f"between groups of {code(study.hierarchy.innermost.label)}"
    else:
        start = f"{name} is the same in all rows of {indefinite(a_group(predictor.factor.label))}"
        if predictor.n_offenders:
            start = f"{name} is taken as a property of the {a_group(predictor.factor.label)}"
    return f"{start}. {_centring(study, predictor, group)}"


def _centring(study: Study, predictor: Predictor, group: str) -> str:
    """The centring of a predictor and its reason."""
    own, means = code(predictor.own), _means(study, predictor)
    match predictor.centring:
        case "within":
            return (
                f"It is split into {own}, {_deviation(study, group)}, and {means}: these may go "
                "with the outcome differently."
            )
        case "share":
            return f"It stays as it is, beside {means}: these may go with the outcome differently."
        case "grand":
            return (
                f"It is centred about {origin_of(predictor)}, its mean over all rows "
                f"({own}), so that 0 is an average value."
            )
        case "start":
            return (
                f"It counts from {number(predictor.origin)}, its first value ({own}), so that the "
                "intercept is the outcome at the start."
            )
    return _uncentred(study, predictor)


def _deviation(study: Study, group: str) -> str:
    """What is left of a predictor within groups."""
    if not study.hierarchy.crossed:
        return f"the deviation from the mean of its {group}"
    many = [the_groups(one.label) for one in study.hierarchy.factors]
    return f"what its means over {listing(many)} leave"


def _means(study: Study, predictor: Predictor) -> str:
    """The columns of group means, each with what it is a deviation from."""
    what = f"the share of {code(predictor.labels[1])}" if predictor.labels else "the mean"
    kind = "share" if predictor.labels else "mean"
    texts = []
    for name, factor in predictor.means:
        about = f"about the overall {kind}"
        if factor.parent is not None:
            around = study.hierarchy.factors[factor.parent].label
            about = f"about that in its {a_group(around)}"
        texts.append(f"{code(name)}, {what} in the {a_group(factor.label)} {about}")
    return listing(texts)


def _uncentred(study: Study, predictor: Predictor) -> str:
    if predictor.labels:
        first, *others = map(code, predictor.labels)
        if len(others) == 1:
            return f"{others[0]} is compared with {first}."
        why = ""
        if study.table.column(predictor.name).kind == "text":
            why = ", the first in the alphabet: a categorical column may have another order"
        return f"Its categories {listing(others)} are each compared with {first}{why}."
    if predictor.stated == "time":
        return "It contains 0, which is where the intercept is: no centring."
    return "Its two values stay as they are: no centring."


def _split(study: Study, predictor: Predictor) -> Decision:
    split = predictor.centring in ("within", "share")
    return Decision(
        "STRUCT-SPLIT",
        f"Are differences of {code(predictor.name)} within and between groups taken apart?",
        percent(predictor.icc) + " of its variance between groups",
        f"more than {percent(SPLIT, 0)}",
        "yes" if split else "no: group means differ too little",
        "Enders & Tofighi (2007); the number is a convention of this program",
    )


def _coded(study: Study, predictor: Predictor) -> list[Note]:
    """Few whole numbers in a row may be the names of categories."""
    if predictor.kind != "numeric" or predictor.stated == "time":
        return []
    values = np.unique(study.table.column(predictor.name).values[study.rows])
    if not 3 <= len(values) <= _MOST_CODES or (values % 1.0).any() or (np.diff(values) > 1.0).any():
        return []
    text = (
        f"{code(predictor.name)} has the values {listing([number(float(x)) for x in values])} and "
        "is taken as a number: from each to the next the outcome is held to differ by the same "
        "amount. If they are names of categories, make them text."
    )
    return [Note("STRUCT-CODED", text, "info")]


def _notes(study: Study, predictor: Predictor) -> list[Note]:
    name = code(predictor.name)
    if predictor.stated == "level2" and predictor.n_offenders:
        return [_offenders(study, predictor)]
    if predictor.stated == "level1" and predictor.factor is not None:
        label = predictor.factor.label
        return [
            Note(
                "STRUCT-MOVED",
                f"{name} was named among the predictors of rows, but it never varies within a "
                f"{a_group(label)}: it is treated as a predictor of {the_groups(label)}.",
                "info",
            )
        ]
    return []


def _offenders(study: Study, predictor: Predictor) -> Note:
    name = code(predictor.name)
    factor = predictor.factor or study.hierarchy.factors[0]
    n = study.n_groups(factor)
    shown = list(predictor.offenders)
    more = predictor.n_offenders - len(shown)
    names = ", ".join(map(code, shown)) + (f" and {more:,} more" if more else "")
    text = (
        f"{name} was named among the predictors of groups, but it varies within "
        f"{predictor.n_offenders:,} of {n:,} groups of {code(factor.label)} ({names}). "
    )
    if predictor.factor is None:
        return Note(
            "STRUCT-CONSTANT",
            text + "It is treated as a predictor of rows, beside its group means. If it should be "
            "the same in all rows of a group, correct the data; if it is a count or mean of rows, "
            "name the column of rows instead.",
        )
    values = _values_within(study, predictor)
    return Note(
        "STRUCT-CONSTANT",
        f"{text}This looks like an error of entry{values}: it stays a predictor of groups with the "
        "values it has; correct them in the data.",
    )


def _values_within(study: Study, predictor: Predictor) -> str:
    """Values in the first group where there should be one."""
    factor = predictor.factor
    assert factor is not None
    column = study.table.column(predictor.name)
    label = predictor.offenders[0]
    position = int(np.flatnonzero(np.array([str(one) for one in factor.labels]) == label)[0])
    here = study.codes(factor) == position
    if column.kind == "numeric":
        found = [number(float(x)) for x in np.unique(column.values[study.rows][here])]
    else:
        found = [code(str(column.levels[j])) for j in np.unique(column.codes[study.rows][here])]
    return f" (in {code(label)}: {listing(found, 4)})"
