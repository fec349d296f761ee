"""Step 2: what can be asked of these data, and by which terms of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.report.document import DataTable, Decision, Note, Paragraph
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.step import Step
from multilevel.workflow.words import code

if TYPE_CHECKING:
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["questions_step"]

_CAUSES = (
    "All questions are about differences that go with each other. A random intercept does not "
    "remove what groups or rows differ in besides the predictors: whether changing a predictor "
    "would change the outcome, only a design can tell (random assignment, or comparisons in "
    "which nothing else differs)."
)


def questions_step(study: Study) -> Step:
    """Questions that the variables allow, each with its term and the smallest model."""
    rows = _rows(study)
    names = ("question", "term", "level", "estimates", "model")
    frame = study.frame({name: [row[i] for row in rows] for i, name in enumerate(names)})
    split = [one for one in study.predictors if one.means]
    decisions = tuple(
        Decision(
            "Q-CENTRING",
            f"Are differences within and between groups in {code(one.name)} taken apart?",
            f"{one.icc:.0%} of its variance lies between groups",
            "more than 5%",
            "yes: its own values, and the means of its groups",
            "Enders & Tofighi (2007)",
        )
        for one in split
    )
    notes = (Note("Q-CAUSAL", _CAUSES, "info"),) if study.predictors else ()
    text = (
        "Each question has a term of a model that answers it, and a smallest model that has the "
        "term. Step 5 builds these models."
    )
    return Step(
        number=2,
        name="questions",
        title="Questions",
        headline=f"The variables allow {len(rows)} question{'' if len(rows) == 1 else 's'}.",
        blocks=(
            Paragraph(text),
            DataTable("questions", "Questions, and what answers them", frame, 5),
        ),
        decisions=decisions,
        notes=notes,
    )


def _rows(study: Study) -> list[tuple[str, str, str, str, str]]:
    """Question, term, level, what it estimates, smallest model."""
    y, null = study.outcome, study.hierarchy.random()
    found = [
        (
            f"How much does {y} vary between {the_groups(one.label)}?",
            f"variance of {one.name}",
            the_groups(one.label),
            "share of variance (ICC)",
            study.formula([], null),
        )
        for one in study.hierarchy.factors
    ]
    for one in study.predictors:
        found += _of_predictor(study, one)
    return [*found, *_of_slopes(study)]


def _of_predictor(study: Study, one: Predictor) -> list[tuple[str, str, str, str, str]]:
    y, null = study.outcome, study.hierarchy.random()
    where = "rows" if one.factor is None else the_groups(one.factor.label)
    if one.stated == "time":
        question = f"How does {y} change with {one.name} on average?"
        return [(question, one.own, "rows", "mean change", study.formula([one.term], null))]
    within = " within groups" if one.means and one.level == 1 else ""
    question = f"Do {where} that differ in {one.name} differ in {y}{within}?"
    fixed = [one.term, *one.mean_terms]
    found = [(question, one.own, where, f"difference{within}", study.formula(fixed, null))]
    for name, factor in one.means:
        groups = the_groups(factor.label)
        question = f"Do {groups} with other means of {one.name} differ in {y}?"
        kind = "contextual difference" if one.centring == "share" else "difference between groups"
        found.append((question, name, groups, kind, study.formula(fixed, null)))
    return found


def _of_slopes(study: Study) -> list[tuple[str, str, str, str, str]]:
    """Whether slopes differ, and with what."""
    inner = the_groups(study.hierarchy.innermost.label)
    found = []
    for one in study.predictors:
        if one.level != 1 or one.kind == "categorical":
            continue
        random = study.hierarchy.random(f"1 + {one.term}")
        what = "change" if one.stated == "time" else "slopes"
        question = f"Do {inner} differ in their {what} with {one.name}?"
        model = study.formula([one.term], random)
        found.append((question, f"random slope of {one.own}", inner, "variance of slopes", model))
        for other in study.at_level(2):
            question = f"Do slopes of {one.name} go with {other.name}?"
            term = f"{one.term}:{other.term}"
            model = study.formula([one.term, other.term, term], random)
            found.append((question, term, inner, "cross-level interaction", model))
    return found
