"""Step 8: tests, intervals, robustness and limits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Bullets, DataTable, Decision, Note, Paragraph
from multilevel.workflow.coefficients import read_coefficients
from multilevel.workflow.joint_tests import joint_part
from multilevel.workflow.limits import limits
from multilevel.workflow.methods_text import methods_blocks
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import short_name
from multilevel.workflow.ranks import ranks_part
from multilevel.workflow.robustness import influence_part, robust_part
from multilevel.workflow.small_samples import test_method
from multilevel.workflow.step import Step
from multilevel.workflow.uncertainty import predictions_part, ranking_part, variance_part
from multilevel.workflow.words import counted, listing

if TYPE_CHECKING:
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.rung import Choice, Ladder
    from multilevel.workflow.small_samples import TestMethod
    from multilevel.workflow.study import Study

__all__ = ["inference_step"]


def inference_step(study: Study, ladder: Ladder, choice: Choice) -> Step:
    """Tests for this number of groups, intervals, other standard errors, limits."""
    fit = choice.fit
    method = test_method(fit)
    coefficients = read_coefficients(study, fit, method.df_method)
    influence = influence_part(study, fit, coefficients)
    parts = [
        _tests(study, ladder, coefficients, method),
        joint_part(study, fit, coefficients, method),
        variance_part(study, fit),
        robust_part(study, fit, coefficients),
        influence,
        predictions_part(study, fit, method),
        ranking_part(study, fit),
        ranks_part(study, fit),
    ]
    head = Paragraph("What this analysis cannot say, and what would help:", "Limits")
    return Step(
        number=8,
        name="inference",
        title="Inference, robustness and limits",
        headline=_headline(study, coefficients, method, influence),
        blocks=(
            *(block for part in parts for block in part.blocks),
            head,
            Bullets(limits(study, ladder, choice)),
            *methods_blocks(study, ladder, choice, coefficients, method),
        ),
        decisions=tuple(decision for part in parts for decision in part.decisions),
        notes=tuple(note for part in parts for note in part.notes),
        fits={choice.rung.name: fit},
    )


def _headline(
    study: Study, coefficients: tuple[Coefficient, ...], method: TestMethod, influence: Part
) -> str:
    slopes = [one for one in coefficients if one.is_slope]
    if not slopes:
        return "There are no predictors to test."
    adjusted = _holm(np.array([one.p_value for one in slopes]))
    clear = [short_name(one, study) for one, p in zip(slopes, adjusted, strict=True) if p < 0.05]
    stand = listing(clear) if clear else "no coefficient"
    tests = f", adjusted for {len(slopes)} tests (Holm 1979)," if len(slopes) > 1 else ""
    text = f"By {method.words}{tests} {stand} can be told from 0"
    if influence.notes:
        return f"{text}; some conclusions rest on single groups."
    return f"{text}; no conclusion rests on a single group."


def _tests(
    study: Study, ladder: Ladder, coefficients: tuple[Coefficient, ...], method: TestMethod
) -> Part:
    """p values, as they are and adjusted for their number."""
    slopes = tuple(one for one in coefficients if one.is_slope)
    decisions: tuple[Decision, ...] = (method.decision,)
    if not slopes:
        return Part((), decisions, method.notes)
    p = np.array([one.p_value for one in slopes])
    adjusted = _holm(p)
    frame = study.frame(
        {
            "term": [one.name for one in slopes],
            "statistic": [one.statistic for one in slopes],
            "df": [one.df for one in slopes],
            "p_value": p,
            "p_value_holm": adjusted,
        }
    )
    lost = [
        short_name(one, study)
        for one, before, after in zip(slopes, p, adjusted, strict=True)
        if before < 0.05 <= after
    ]
    text = f"Fixed effects are tested by {method.words}."
    if len(slopes) > 1:
        text += (
            f" With {len(slopes)} tests one may come out by chance: the last column adjusts the p "
            "values for that (Holm 1979)."
        )
    if lost:
        told = "is" if len(lost) == 1 else "are"
        text += f" After that, {listing(lost)} {told} no longer below .05."
    headings = {"p_value_holm": "p, adjusted (Holm)"}
    table = DataTable("tests", "Tests of the coefficients", frame, 1, "", headings)
    notes = (*method.notes, *_multiple(ladder, len(slopes), changed=bool(lost)))
    return Part((Paragraph(text, "Tests"), table), decisions, notes)


def _multiple(ladder: Ladder, n_tests: int, *, changed: bool) -> tuple[Note, ...]:
    if n_tests < 2:
        return ()
    tried = counted(ladder.n_models, "model")
    text = (
        f"{n_tests} coefficients were tested, after {tried} had been fitted. Holm's adjustment "
        "counts the tests, not the models."
    )
    return (Note("INF-MULTIPLE", text, "warning" if changed else "info"),)


def _holm(p: np.ndarray) -> np.ndarray:
    """Step-down Bonferroni (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)), 1.0)
    return adjusted
