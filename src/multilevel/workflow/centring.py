"""Step 2, centring: where the zero of each predictor lies, and what that makes of its slope."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Decision
from multilevel.workflow.predictors import SPLIT
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, listing, number, percent

if TYPE_CHECKING:
    from multilevel.workflow.candidate import Candidate
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["centring_decisions"]

_SOURCE = "Enders & Tofighi (2007)"


def centring_decisions(study: Study, candidate: Candidate) -> tuple[Decision, ...]:
    """What was done with every predictor of rows, and with time, and why."""
    rows = [one for one in study.predictors if one.level == 1 and one.stated != "time"]
    decisions = [_decision(study, candidate, one) for one in rows]
    return (*decisions, *([] if study.time is None else [_time_zero(study, study.time)]))


def _decision(study: Study, candidate: Candidate, one: Predictor) -> Decision:
    name, groups = code(one.name), the_groups(study.hierarchy.innermost.label)
    many = one.kind == "categorical"
    return Decision(
        "Q-CENTRING",
        f"How is {name} centred?",
        f"it has {len(one.labels)} categories"
        if many
        else f"{percent(one.icc)} of its variance lies between {groups}",
        "numbers and two categories only" if many else f"split if more than {percent(SPLIT, 0)}",
        _verdict(study, candidate, one),
        _SOURCE,
    )


def _verdict(study: Study, candidate: Candidate, one: Predictor) -> str:
    """What was done, and which questions that answers."""
    inner = study.hierarchy.innermost
    groups, group = the_groups(inner.label), a_group(inner.label)
    name, own, means = code(one.name), code(one.own), listing([code(name) for name, _ in one.means])
    moderators = [code(b.name) for a, b in candidate.products if a is one and b.level > 1]
    around = " and ".join(a_group(factor.label) for _, factor in reversed(one.means))
    match one.centring:
        case "within":
            slopes = f", and how they differ by {listing(moderators)}" if moderators else ""
            beside = "that mean" if len(one.means) == 1 else f"the mean of its {around}"
            return (
                f"about the mean of its {group} ({own}), beside {beside} ({means}): {own} answers "
                f"questions within {groups}{slopes}, untouched by differences between {groups}; "
                f"with both in the model, other questions between {groups} hold {name} equal"
            )
        case "share":
            products = (
                f". Its products with {listing(moderators)} may hold differences between {groups}, "
                "too"
                if moderators
                else ""
            )
            return (
                f"as it is, beside its share in the {around} ({means}): the coefficient of {own} "
                f"is then the difference within {groups}; what goes with the share beyond it is "
                f"the contextual difference{products}"
            )
        case "grand":
            return (
                f"about the mean of all rows, {number(one.origin)} ({own}): its means hardly "
                f"differ between {groups}, so that its slope is that within {groups}, and "
                f"questions between {groups} are asked with it held equal"
            )
    if one.kind == "categorical":
        return (
            "not at all: it has no single mean, and its differences hold those within and between "
            f"{groups} together"
        )
    return (
        f"not at all: its share hardly differs between {groups}, so that its difference is that "
        f"within {groups}"
    )


def _time_zero(study: Study, time: Predictor) -> Decision:
    """Where 0 of time lies, and what the intercept is therefore."""
    when = study.table.column(time.name).values[study.rows]
    name, low, high = code(time.name), float(when.min()), float(when.max())
    at = f"the intercept is the mean of {code(study.outcome)} at {name}"
    other = (
        f"; to describe another time, say {number(high)}, subtract it from {name} in the data "
        "beforehand"
    )
    if time.centring == "start":
        value = f"{name} runs from {number(low)} to {number(high)}, which is without 0"
        verdict = f"time is counted from {number(low)} ({code(time.own)}): {at} {number(low)}"
    elif low == 0.0:
        value = f"0 is the first of {name}, which runs to {number(high)}"
        verdict = f"as it is: {at} 0, the start"
    elif high == 0.0:
        value = f"0 is the last of {name}, which runs from {number(low)}"
        verdict = f"as it is: {at} 0, the end"
        other = other.replace(number(high), number(low))
    else:
        before = percent(float(np.mean(when < 0.0)))
        value = f"{name} runs from {number(low)} to {number(high)}, {before} of it below 0"
        verdict = f"as it is: {at} 0, in between"
    return Decision(
        "Q-TIMEZERO",
        f"Where is the zero of {name}?",
        value,
        "0 lies within the times that were observed",
        verdict + other,
        "Singer & Willett (2003)",
    )
