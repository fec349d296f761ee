"""Step 2: what can be asked of these data, and by which terms of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import DataTable, Note, Paragraph
from multilevel.workflow.candidate import read_candidate
from multilevel.workflow.centring import centring_part
from multilevel.workflow.equations import equations_of
from multilevel.workflow.fallacies import fallacy_notes
from multilevel.workflow.model_terms import EFFECTS, LETTERS
from multilevel.workflow.question import read_questions, rows_of
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.step import Step
from multilevel.workflow.words import listing

if TYPE_CHECKING:
    from multilevel.report.document import Block
    from multilevel.workflow.candidate import Candidate
    from multilevel.workflow.question import Question
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
    candidate = read_candidate(study)
    questions = read_questions(study, candidate)
    centring = centring_part(study, candidate)
    blocks: list[Block] = [
        Paragraph(_introduction(questions)),
        _table(study, questions),
        _models(study, questions),
        *centring.blocks,
    ]
    if study.predictors:
        text = f"{_largest(study, candidate)} {_letters(study)}"
        blocks.append(Paragraph(text, "All questions in one model"))
        blocks += equations_of(study, *candidate.terms(study), "The largest model")
    causes = (Note("Q-CAUSAL", _CAUSES, "info"),) if study.predictors else ()
    return Step(
        number=2,
        name="questions",
        title="Questions",
        headline=_headline(study, questions),
        blocks=tuple(blocks),
        decisions=centring.decisions,
        notes=(*fallacy_notes(study), *causes),
    )


def _headline(study: Study, questions: list[Question]) -> str:
    n = len(questions)
    names = {
        "groups": "how much groups differ",
        "change": f"change with `{study.request.time}`",
        "rows": f"differences between {rows_of(study)}",
        "group differences": "differences between groups",
        "slopes": "whether slopes differ",
        "interactions": "interactions",
    }
    counts = {kind: sum(one.about == kind for one in questions) for kind in names}
    parts = [f"{counts[kind]} about {name}" for kind, name in names.items() if counts[kind]]
    if n == 1:
        groups = the_groups(study.hierarchy.innermost.label)
        return f"The variables allow 1 question: how much {groups} differ."
    return f"The variables allow {n} questions: {listing(parts)}."


def _introduction(questions: list[Question]) -> str:
    text = (
        "Each question has a term of a model that answers it, and a smallest model that has the "
        "term. The centring says where the zero of its columns lies."
    )
    if any(one.estimates.startswith("contextual") for one in questions):
        text += (
            " A contextual difference is what goes with the mean of a group beyond what goes with "
            "the values of its rows: the slope between groups minus the slope within them."
        )
    return text


def _table(study: Study, questions: list[Question]) -> DataTable:
    columns = ("question", "term", "level", "estimates", "centring")
    frame = study.frame(
        {
            "number": np.arange(1, len(questions) + 1),
            **{name: [getattr(one, name) for one in questions] for name in columns},
        }
    )
    headings = {"number": "No.", "level": "Compares"}
    return DataTable("questions", "Questions, and what answers them", frame, 6, "", headings)


def _models(study: Study, questions: list[Question]) -> DataTable:
    """The smallest models; several questions may have the same."""
    numbers: dict[str, list[str]] = {}
    for i, one in enumerate(questions, 1):
        numbers.setdefault(one.model, []).append(str(i))
    shown = {"questions": [", ".join(each) for each in numbers.values()], "model": list(numbers)}
    headings = {"questions": "Questions (No.)", "model": "Smallest model"}
    title = "The smallest model for each question"
    return DataTable("smallest_models", title, study.frame(shown), 2, "", headings)


def _largest(study: Study, candidate: Candidate) -> str:
    """What is in the model of all questions, and what becomes of it."""
    counts = ((len(candidate.slopes), "random slope"), (len(candidate.products), "interaction"))
    parts = [f"{n} {name}{'' if n == 1 else 's'}" for n, name in counts if n]
    text = "All questions are terms of one model"
    if not parts:
        return f"{text}."
    text = f"{text}, with {listing(parts)}."
    if study.request.random and study.request.interactions is not None:
        return text
    return (
        f"{text} Those that were not asked for are tried one by one in step 5, and what the data "
        "support stays."
    )


def _letters(study: Study) -> str:
    """How the equations are read."""
    groups = [the_groups(factor.label) for factor in reversed(study.hierarchy.factors)]
    count = ["i counts rows", *map(" ".join, zip(LETTERS, groups, strict=False))]
    left = [f"{letter} for {name}" for letter, name in zip(EFFECTS, groups, strict=False)]
    return (
        f"In the equations {listing(count)}. A coefficient with such a letter belongs to one "
        "group; one with numbers only (γ) is the same for all. What the predictors do not say is "
        f"in {listing([*left, 'e for rows'])}."
    )
