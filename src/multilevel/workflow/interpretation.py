"""Step 7: what the chosen model says, in words and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.report.document import Bullets, DataTable, Note, Paragraph
from multilevel.workflow.categories_in_words import categories_part
from multilevel.workflow.coefficients import read_coefficients
from multilevel.workflow.effects_in_words import effect_sentences, intercept_part
from multilevel.workflow.explained_in_words import explained_part
from multilevel.workflow.groups_in_words import groups_part
from multilevel.workflow.growth_in_words import growth_part
from multilevel.workflow.interactions_in_words import interactions_part
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import short_name
from multilevel.workflow.random_in_words import random_part
from multilevel.workflow.small_samples import test_method
from multilevel.workflow.split_in_words import split_part
from multilevel.workflow.standardised import standardised
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.rung import Choice, Ladder
    from multilevel.workflow.small_samples import TestMethod
    from multilevel.workflow.study import Study

__all__ = ["interpretation_step"]


_CLEAREST = 3  # coefficients that the headline tells


def interpretation_step(study: Study, ladder: Ladder, choice: Choice) -> Step:
    """Coefficients, differences between groups, interactions and single groups in words."""
    fit = choice.fit
    method = test_method(fit)
    coefficients = read_coefficients(study, fit, method.df_method)
    parts = [
        _coefficients_part(study, coefficients, method),
        categories_part(study, fit, coefficients, method.df_method),
        growth_part(study, fit, coefficients, method.df_method),
        split_part(study, fit, coefficients, method.df_method),
        interactions_part(study, fit, coefficients, method.df_method),
        random_part(study, fit, coefficients),
        explained_part(study, fit, ladder),
        groups_part(study, fit),
    ]
    return Step(
        number=7,
        name="interpretation",
        title="Interpretation",
        headline=_headline(study, choice, coefficients),
        blocks=tuple(block for part in parts for block in part.blocks),
        decisions=tuple(decision for part in parts for decision in part.decisions),
        notes=tuple(note for part in parts for note in part.notes),
        fits={choice.rung.name: fit},
    )


def _headline(study: Study, choice: Choice, coefficients: tuple[Coefficient, ...]) -> str:
    """How many coefficients are clear, and the clearest in sentences."""
    slopes = [one for one in coefficients if one.is_slope]
    clear = [one for one in slopes if one.clear]
    model = f"Model {choice.rung.name}"
    if not slopes:
        return f"{model} has no predictors: it describes how much groups differ."
    if not clear:
        return f"{model}: no coefficient can be told from 0 (95% intervals)."
    best = sorted(clear, key=lambda one: -abs(one.statistic))[:_CLEAREST]
    text = f"{model}: {_count(len(clear), len(slopes))}."
    said = effect_sentences(study, coefficients)
    return " ".join([text, *(said[one.name] for one in best)])


def _count(clear: int, n: int) -> str:
    """How many coefficients can be told from 0."""
    if n == 1:
        return "its coefficient can be told from 0 (95% interval)"
    every = "both" if n == 2 else f"all {n}"
    many = f"{every if clear == n else f'{clear} of {n}'} coefficients"
    return f"{many} can be told from 0 (95% intervals)"


def _coefficients_part(
    study: Study, coefficients: tuple[Coefficient, ...], method: TestMethod
) -> Part:
    """The table, the intercept, and a sentence for each coefficient."""
    intercept = intercept_part(study, coefficients)
    sentences = tuple(effect_sentences(study, coefficients).values())
    table = _table(study, coefficients, method)
    notes = (*intercept.notes, *_notes(study, coefficients))
    if not sentences:
        return Part((table, *intercept.blocks), (), notes)
    head = Paragraph(
        "Each sentence compares rows or groups that are alike in all other predictors of the "
        "model. These are differences that go with each other in the data; whether they would "
        "follow from changing a predictor, the model does not know.",
        "Coefficients",
    )
    return Part((head, Bullets(sentences), *intercept.blocks, table), (), notes)


def _table(study: Study, coefficients: tuple[Coefficient, ...], method: TestMethod) -> DataTable:
    own = standardised(study, coefficients)
    names = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
    columns: dict[str, Any] = {"term": [one.name for one in coefficients]}
    columns |= {name: [getattr(one, name) for one in coefficients] for name in names}
    columns["standardised"] = own
    note = f"Tests: {method.words}."
    return DataTable(
        "coefficients",
        "Coefficients of the chosen model",
        study.frame(columns),
        1,
        note,
        {"standardised": "Standardised"},
    )


def _notes(study: Study, coefficients: tuple[Coefficient, ...]) -> tuple[Note, ...]:
    notes = []
    if any(one.is_slope for one in coefficients):
        notes.append(
            Note(
                "I-STDLEVEL",
                "Standardised coefficients are for predictors in standard deviations of their "
                "own level: of what varies between rows over rows, of means and properties of "
                f"groups over groups; {code(study.outcome)} is in standard deviations over all "
                "rows. Categories are not rescaled.",
                "info",
            )
        )
    products = [one for one in coefficients if len(one.pieces) > 1]
    if products:
        names = listing([short_name(one, study) for one in products])
        notes.append(
            Note(
                "I-MAINEFFECTINTERACTION",
                f"Because of the products ({names}), the coefficients of the predictors in them "
                "are not averages over everybody: each holds where the other predictor is 0, which "
                "the sentences say. Read them together with the simple slopes.",
                "info",
            )
        )
    return tuple(notes)
