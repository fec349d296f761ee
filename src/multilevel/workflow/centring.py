"""Step 2, centring: where the zero of each predictor lies, and what that makes of its slope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Bullets, Decision, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import origin_of
from multilevel.workflow.predictors import SPLIT
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, listing, number, percent

if TYPE_CHECKING:
    from multilevel.workflow.candidate import Candidate
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["centring_part"]

_HEAD = (
    "What a coefficient says depends on where the zero of its column lies (Enders & Tofighi 2007)."
)


def centring_part(study: Study, candidate: Candidate) -> Part:
    """What was done with every predictor of rows, and with time, and why."""
    sentences, decisions = [], []
    if study.time is not None:
        value, how, why = _time(study, study.time)
        sentences.append(f"{code(study.time.name)} {how}: {why}.")
        decisions.append(
            Decision(
                "Q-TIMEZERO",
                f"Where is the zero of {code(study.time.name)}?",
                value,
                "0 lies within the times that were observed",
                f"it {how}",
                "Singer & Willett (2003)",
            )
        )
    for one in study.at_level(1):
        how, why = _predictor(study, candidate, one)
        sentences.append(f"{code(one.name)} {how}: {why}.")
        decisions.append(_decision(study, one, how))
    if not sentences:
        return Part()
    return Part((Paragraph(_HEAD, "Centring"), Bullets(tuple(sentences))), tuple(decisions))


def _decision(study: Study, one: Predictor, how: str) -> Decision:
    many = one.kind == "categorical"
    groups = the_groups(study.hierarchy.innermost.label)
    return Decision(
        "Q-CENTRING",
        f"How is {code(one.name)} centred?",
        f"it has {len(one.labels)} categories"
        if many
        else f"{percent(one.icc)} of its variance lies between {groups}",
        "numbers and two categories only" if many else f"split if more than {percent(SPLIT, 0)}",
        f"it {how}",
        "Enders & Tofighi (2007)",
    )


def _predictor(study: Study, candidate: Candidate, one: Predictor) -> tuple[str, str]:
    """What was done with a predictor, and which questions it answers therefore."""
    inner = study.hierarchy.innermost
    groups, group = the_groups(inner.label), a_group(inner.label)
    name, own, means = code(one.name), code(one.own), listing([code(name) for name, _ in one.means])
    others = listing([code(b.name) for a, b in candidate.products if a is one and b.level > 1])
    around = listing([a_group(factor.label) for _, factor in reversed(one.means)])
    match one.centring:
        case "within":
            many, crossed = len(one.means) > 1, study.hierarchy.crossed
            middle = f"means of its {around}" if many and crossed else f"mean of its {group}"
            beside = f"the means of its {around}" if many else "that mean"
            beside = "these means" if many and crossed else beside
            slopes = f", and how its slopes differ by {others}" if others else ""
            return (
                f"is centred about the {middle} ({own}), beside {beside} ({means})",
                f"{own} answers questions within {groups}{slopes}, untouched by differences "
                f"between {groups}; with both in the model, other questions between {groups} hold "
                f"{name} equal",
            )
        case "share":
            products = f"; its products with {others} may hold differences between {groups}, too"
            return (
                f"stays as it is, beside its share in the {around} ({means})",
                f"the coefficient of {own} is then the difference within {groups}, and what goes "
                f"with the share beyond it is the contextual difference"
                f"{products if others else ''}",
            )
        case "grand":
            return (
                f"is centred about the mean of all rows, {origin_of(one)} ({own})",
                f"its means hardly differ between {groups}, so that its slope is that within "
                f"{groups}, and questions between {groups} hold it equal",
            )
    if one.kind == "categorical":
        why = f"it has no single mean, and its differences hold those within and between {groups}"
        return "stays as it is", f"{why} together"
    why = f"its share hardly differs between {groups}, so that its difference is that within"
    return "stays as it is", f"{why} {groups}"


def _time(study: Study, time: Predictor) -> tuple[str, str, str]:
    """Where 0 of time lies, what was done, and what the intercept is therefore."""
    when = study.table.column(time.name).values[study.rows]
    name, low, high = code(time.name), float(when.min()), float(when.max())
    how, zero, other = "stays as it is", "0", high
    if time.centring == "start":
        value = f"{name} runs from {number(low)} to {number(high)}, which is without 0"
        how, zero = f"is counted from {number(low)} ({code(time.own)})", f"{number(low)}, the start"
    elif low == 0.0:
        value, zero = f"0 is the first of {name}, which runs to {number(high)}", "0, the start"
    elif high == 0.0:
        value, zero = f"0 is the last of {name}, which runs from {number(low)}", "0, the end"
        other = low
    else:
        before = percent(float(np.mean(when < 0.0)))
        value = f"{name} runs from {number(low)} to {number(high)}, {before} of it below 0"
        zero = f"0, between {number(low)} and {number(high)}"
    why = (
        f"the intercept is the mean of {code(study.outcome)} at {name} {zero}. To describe another "
        f"time, say {number(other)}, subtract it from {name} in the data beforehand"
    )
    return value, how, why
