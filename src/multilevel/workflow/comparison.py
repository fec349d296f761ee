"""Step 6: models side by side, the one that is interpreted, and its assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError
from multilevel.inference.information import aicc
from multilevel.report.document import Block, DataTable, Decision, Note, Paragraph
from multilevel.workflow.assumptions_after import assumptions_after
from multilevel.workflow.part import Part
from multilevel.workflow.predictive import predictive_part
from multilevel.workflow.rung import Choice
from multilevel.workflow.sensitivity import sensitivity_part
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from multilevel.workflow.rung import Ladder, Rung
    from multilevel.workflow.study import Study

__all__ = ["choose", "comparison_step"]

_RULE = (
    "the last model that was kept: it has all predictors that the question names, and of random "
    "slopes and cross-level interactions those, if any, that their tests support"
)


def choose(study: Study, ladder: Ladder) -> Choice:
    """The model that is interpreted.

    Raises
    ------
    DataError
        If ``select=`` names no model of the ladder, or none that could be fitted, or if no model
        could be fitted at all.
    """
    wanted = study.request.select
    names = [rung.name for rung in ladder.rungs if rung.fit is not None]
    if wanted is not None and wanted not in names:
        raise DataError(f"select={wanted!r} is no model of this analysis; there are: {names}.")
    fitted = [rung for rung in ladder.kept if rung.fit is not None]
    if not fitted:
        raise DataError(
            "No model could be fitted: " + " ".join(note.text for note in ladder.null.notes)
        )
    rung = fitted[-1]
    if wanted is not None:  # a model that was tried and then kept goes by the later name
        formula = ladder[wanted].formula
        rung = next((one for one in fitted if one.formula == formula), ladder[wanted])
    assert rung.fit is not None
    verdict = f"model {rung.name} was chosen {'by name' if wanted else 'as ' + _RULE}"
    decision = Decision(
        "FIT-CHOICE",
        "Which model is interpreted?",
        f"{ladder.n_models} models were tried",
        "the model that select= names" if wanted else "the last that was kept",
        verdict,
        "" if wanted else "Hox, Moerbeek & van de Schoot (2018)",
    )
    return Choice(rung, rung.fit, wanted is not None, decision)


def comparison_step(study: Study, ladder: Ladder, choice: Choice) -> Step:
    """Information criteria of all models, the choice, a look at its predictions, and checks."""
    table, note, best = _criteria(study, ladder, choice)
    parts = [
        Part((Paragraph(_choice_text(ladder, choice, best)), *table), (choice.decision,), note),
        predictive_part(study, choice.fit),
        assumptions_after(study, choice.fit),
        sensitivity_part(study, choice.fit),
    ]
    shown = choice.rung
    return Step(
        number=6,
        name="comparison",
        title="Comparison and choice",
        headline=f"Model {shown.name} is interpreted: {code(shown.formula)}.",
        blocks=tuple(block for part in parts for block in part.blocks),
        decisions=tuple(decision for part in parts for decision in part.decisions),
        notes=tuple(one for part in parts for one in part.notes),
        fits={rung.name: rung.fit for rung in ladder.rungs if rung.fit is not None},
    )


def _criteria(
    study: Study, ladder: Ladder, choice: Choice
) -> tuple[tuple[Block, ...], tuple[Note, ...], dict[str, str]]:
    """Criteria by maximum likelihood, so that models with other fixed parts compare."""
    rungs: list[Rung] = []
    rows: dict[str, list[float]] = {
        name: [] for name in ("n_parameters", "deviance", "aic", "aicc", "bic", "bic_groups")
    }
    n_groups = min(study.n_groups(one) for one in study.hierarchy.factors)
    kept = {rung.formula for rung in ladder.kept}
    for rung in ladder.rungs:
        fit = study.fitter(rung.formula, reml=False).fit
        if fit is None or (not rung.kept and rung.formula in kept):  # the same model twice
            continue
        k = fit.state.n_parameters
        rungs.append(rung)
        small = aicc(fit.loglik, k, study.n_rows)
        values = (k, fit.deviance, fit.aic, small, fit.bic, fit.deviance + k * np.log(n_groups))
        for name, value in zip(rows, values, strict=True):
            rows[name].append(float(value))
    state = ["chosen" if one is choice.rung else "kept" if one.kept else "" for one in rungs]
    frame = study.frame({"model": [one.name for one in rungs], **rows, "verdict": state})
    names = ("aic", "bic", "bic_groups")
    best = {name: rungs[int(np.argmin(rows[name]))].name for name in names} if rungs else {}
    text = (
        f"By maximum likelihood. AICc and BIC count {study.n_rows:,} rows, BIC (groups) "
        f"{n_groups:,} groups; smaller is better."
    )
    headings = {"bic_groups": "BIC (groups)", "n_parameters": "Parameters"}
    found = DataTable("criteria", "All models that were tried", frame, 1, text, headings)
    note = Note(
        "FIT-REMLAIC",
        "Likelihoods by REML cannot be compared between models with different predictors; the "
        "criteria are those of maximum likelihood, the estimates elsewhere are by REML.",
        "info",
    )
    return (found,), (note,) if len(rungs) > 1 else (), best


def _choice_text(ladder: Ladder, choice: Choice, best: dict[str, str]) -> str:
    rung = choice.rung
    if choice.by_user:
        text = f"Model {rung.name} was chosen by name (`select=`), not by a rule."
    else:
        text = f"Model {rung.name} is interpreted, {_RULE}."
    words = {"aic": "AIC", "bic": "BIC (rows)", "bic_groups": "BIC (groups)"}
    other = [f"{words[key]} prefers {name}" for key, name in best.items() if name != rung.name]
    if not other:
        agreed = "AIC and BIC agree with that choice." if len(ladder.rungs) > 1 else ""
        return f"{text} {agreed}".strip()
    return (
        f"{text} {listing(other)}. The criteria weigh parameters differently, BIC harder than AIC, "
        "and none knows which terms the question needs: read the coefficients of these models, too."
    )
