"""The report: summary, facts, the eight steps, the literature."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from multilevel.report.document import Bullets, DataTable, Document, Paragraph
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.sources import references
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multilevel.workflow.analysis import Analysis
    from multilevel.workflow.step import Step

__all__ = ["overview"]

# Steps whose headlines are the summary; those of predictors and assumptions are for close readers.
_SUMMARY = ("structure", "need", "comparison", "interpretation", "inference")


def overview(analysis: Analysis) -> Document:
    """The analysis as a document."""
    study, steps = analysis.study, analysis.steps
    places = listing([the_groups(one.label) for one in reversed(study.hierarchy.factors)])
    problems = [note for step in steps for note in step.notes if note.severity == "problem"]
    summary = [step.headline for step in steps if step.name in _SUMMARY]
    if problems:
        count = "1 problem is" if len(problems) == 1 else f"{len(problems)} problems are"
        summary.append(f"{count} described in the notes of the steps.")
    return Document(
        title=f"Multilevel analysis of {code(study.outcome)} in {places}",
        summary=tuple(summary),
        facts=_facts(analysis),
        sections=steps,
        references=references(text for step in steps for text in _texts(step)),
    )


def _facts(analysis: Analysis) -> tuple[tuple[str, str], ...]:
    study = analysis.study
    request = study.request
    left_out = study.table.n_rows - study.n_rows
    rows = f"{study.n_rows:,}"
    if left_out:
        rows += f" of {study.table.n_rows:,} ({left_out:,} left out for missing values)"
    unit = request.unit(study.outcome)
    facts = [
        ("Outcome", code(study.outcome) + (f" ({unit})" if unit else "")),
        ("Groups", listing([code(one.name) for one in study.hierarchy.factors])),
        ("Predictors", listing([code(name) for name in request.predictors], 20) or "none"),
        ("Rows", rows),
    ]
    facts += [("Weights", code(request.weights))] if request.weights else []
    facts += [("Seed", str(study.seed)), ("Software", f"multilevel {version('multilevel')}")]
    return tuple(facts)


def _texts(step: Step) -> Iterator[str]:
    """All sentences of a step."""
    yield step.headline
    for block in step.blocks:
        if isinstance(block, Paragraph):
            yield block.text
        elif isinstance(block, Bullets):
            yield from block.items
        elif isinstance(block, DataTable):
            yield block.note
    for decision in step.decisions:
        yield decision.source
    for note in step.notes:
        yield note.text
