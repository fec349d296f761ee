"""Step 5: the models from simple to complex, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Block, Bullets, DataTable, Note, Paragraph
from multilevel.workflow.equations import level_equations
from multilevel.workflow.estimates_by_model import estimates_by_model
from multilevel.workflow.explained_by_model import explained_by_model
from multilevel.workflow.rung import Test
from multilevel.workflow.small_samples import FEW_GROUPS
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from multilevel.workflow.rung import Ladder, Rung
    from multilevel.workflow.study import Study

__all__ = ["models_step"]

_TEXT = (
    "Models grow from simple to complex. All are fitted to the same {rows} rows, so that they can "
    "be compared. Predictors that the question names stay whatever their tests say. Random slopes "
    "and cross-level interactions are tried one by one; the clearest with p < .05 is kept, and the "
    "others are tried again beside it. Tests of random slopes allow for a variance not being "
    "negative (REML); those of fixed effects are {fixed}."
)
_FEW = "F tests by the method of Kenward and Roger, because there are fewer than 50 groups"
_MANY = "likelihood ratios by maximum likelihood"


def models_step(study: Study, ladder: Ladder) -> Step:
    """What each model adds, whether it was kept and why, and all estimates side by side."""
    fitted = [rung for rung in ladder.rungs if rung.fit is not None]
    kept = [rung for rung in ladder.kept if rung.fit is not None]
    blocks: list[Block] = [
        Paragraph(_text(study)),
        Bullets(tuple(_line(rung) for rung in ladder.kept)),
    ]
    if kept:
        fits = {rung.name: rung.fit for rung in kept if rung.fit is not None}
        parts = (estimates_by_model(study, fits), explained_by_model(study, fits))
        blocks += [*_tests(study, ladder), *(block for part in parts for block in part.blocks)]
        notes = [note for part in parts for note in part.notes]
        last = kept[-1]
        assert last.fit is not None
        blocks += level_equations(study, last.fit, f"Model {last.name}")
    else:
        notes = []
    return Step(
        number=5,
        name="models",
        title="Models from simple to complex",
        headline=_headline(ladder, kept),
        blocks=tuple(blocks),
        decisions=ladder.decisions,
        notes=(*ladder.notes, *_rung_notes(ladder), *notes),
        fits={rung.name: rung.fit for rung in fitted if rung.fit is not None},
    )


def _text(study: Study) -> str:
    few = min(study.n_groups(one) for one in study.hierarchy.factors) < FEW_GROUPS
    return _TEXT.format(rows=f"{study.n_rows:,}", fixed=_FEW if few else _MANY)


def _headline(ladder: Ladder, kept: list[Rung]) -> str:
    n = ladder.n_models
    if not kept:
        return "No model could be fitted."
    way = " → ".join(rung.name for rung in kept)
    return f"{n} {'model was' if n == 1 else 'models were'} fitted; kept: {way}."


def _line(rung: Rung) -> str:
    return f"{rung.name} – {rung.title} ({rung.reason}): {code(rung.formula)}"


def _rung_notes(ladder: Ladder) -> list[Note]:
    """Notes of the fits, each formula once, and of kept models that are singular."""
    notes = list(dict.fromkeys(note for rung in ladder.rungs for note in rung.notes))
    singular = [one.name for one in ladder.kept if one.fit is not None and one.fit.is_singular]
    if singular:
        who = f"Model {singular[0]} is" if len(singular) == 1 else f"Models {listing(singular)} are"
        text = (
            f"{who} singular: some variance is estimated as zero, or random effects are perfectly "
            "correlated. The fixed effects stand; the variances say that the data support a "
            "simpler random part."
        )
        notes.append(Note("BUILD-SINGULAR", text, "info"))
    return notes


def _tests(study: Study, ladder: Ladder) -> tuple[DataTable, ...]:
    """Every model against the one that it extends, if there are any."""
    tried = [rung for rung in ladder.rungs if rung is not ladder.null]
    if not tried:
        return ()
    none = Test("", "", np.nan, np.nan, np.nan)
    tests = [rung.test or none for rung in tried]
    residual = np.array([test.df_residual for test in tests])
    frame = study.frame(
        {
            "model": [rung.name for rung in tried],
            "against": [test.against for test in tests],
            "test": [test.method for test in tests],
            "statistic": np.array([test.statistic for test in tests]),
            "df": np.array([test.df for test in tests]),
            **({"df_residual": residual} if np.isfinite(residual).any() else {}),
            "p_value": np.array([test.p_value for test in tests]),
            "verdict": ["kept" if rung.kept else rung.reason.split(";")[0] for rung in tried],
        }
    )
    notes = []
    aside = next((rung for rung in tried if not rung.kept), None)
    if aside is not None:
        example = f"{aside.name}: {aside.title}"
        notes.append(f"Models with a colon in their names were tried on the way ({example}).")
    if any("LR" in test.method for test in tests):
        notes.append("LR: likelihood ratio.")
    if any("mixture" in test.method for test in tests):
        notes.append("Mixture: of chi-squared distributions (Stram & Lee 1994).")
    title = "All models that were tried, each against the one that it extends"
    return (DataTable("tests", title, frame, 2, " ".join(notes)),)
