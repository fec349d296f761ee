"""Step 5: the models from simple to complex, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import Block, Bullets, DataTable, Note, Paragraph
from multilevel.workflow.equations import level_equations
from multilevel.workflow.rung import Test
from multilevel.workflow.small_samples import FEW_GROUPS
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, number

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
        blocks += [*_tests(study, ladder), _coefficients(study, kept), _variances(study, kept)]
        shares, notes = _explained(study, kept)
        blocks.append(shares)
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
    n = len(ladder.rungs)
    if not kept:
        return "No model could be fitted."
    way = " → ".join(rung.name for rung in kept)
    return f"{n} {'model was' if n == 1 else 'models were'} fitted; kept: {way}."


def _line(rung: Rung) -> str:
    return f"{rung.name} – {rung.title} ({rung.reason}): {code(rung.formula)}"


def _rung_notes(ladder: Ladder) -> list[Note]:
    """Notes of the fits, each formula once, and of kept models that are singular."""
    notes = list(dict.fromkeys(note for rung in ladder.rungs for note in rung.notes))
    for rung in ladder.kept:
        if rung.fit is not None and rung.fit.is_singular:
            text = (
                f"Model {rung.name} is singular: some variance is estimated as zero, or random "
                "effects are perfectly correlated. The fixed effects stand; the variances say "
                "that the data support a simpler random part."
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
    note = "LR: likelihood ratio; mixture: of chi-squared distributions (Stram & Lee 1994)."
    aside = next((rung for rung in tried if not rung.kept), None)
    if aside is not None:
        example = f"{aside.name}: {aside.title}"
        note = f"Models with a colon in their names were tried on the way ({example}). {note}"
    title = "All models that were tried, each against the one that it extends"
    return (DataTable("tests", title, frame, 2, note),)


def _coefficients(study: Study, kept: list[Rung]) -> DataTable:
    """Estimates and standard errors of the kept models, one column each."""
    terms: dict[str, None] = {}
    for rung in kept:
        terms |= dict.fromkeys(rung.fit.coef_names if rung.fit is not None else ())
    columns: dict[str, list[str]] = {"term": list(terms)}
    for rung in kept:
        if rung.fit is None:
            continue
        pairs = zip(rung.fit.coef_names, rung.fit.beta, rung.fit.std_errors, strict=True)
        cells = {name: f"{number(b)} ({number(se)})" for name, b, se in pairs if np.isfinite(b)}
        columns[rung.name] = [cells.get(term, "") for term in terms]
    title = "Fixed effects of the kept models: estimates (standard errors), by REML"
    return DataTable("coefficients", title, study.frame(columns), 1)


def _variances(study: Study, kept: list[Rung]) -> DataTable:
    """Standard deviations of random effects of the kept models."""
    cells: dict[str, dict[str, float]] = {}
    for rung in kept:
        if rung.fit is None:
            continue
        matrices = rung.fit._matrices
        for term, part in zip(matrices.terms, rung.fit.state.terms, strict=True):
            group = matrices.factors[term.factor].name
            for name, variance in zip(term.names, part.covariance.diagonal(), strict=True):
                cells.setdefault(f"{group}: {name}", {})[rung.name] = float(np.sqrt(variance))
        cells.setdefault("residual", {})[rung.name] = rung.fit.sigma
    order = [*(label for label in cells if label != "residual"), "residual"]
    columns: dict[str, list[str]] = {"term": order}
    for rung in kept:
        found = [cells[label].get(rung.name) for label in order]
        columns[rung.name] = ["" if value is None else number(value) for value in found]
    title = f"Standard deviations, in units of {code(study.outcome)}"
    return DataTable("variances", title, study.frame(columns), 1)


def _explained(study: Study, kept: list[Rung]) -> tuple[DataTable, list[Note]]:
    """Marginal and conditional R2, and reductions of the null model's variances."""
    null, rows, negative = kept[0].fit, {"model": [rung.name for rung in kept]}, []
    shares: dict[str, list[float]] = {"r2_marginal": [], "r2_conditional": []}
    levels: dict[str, list[float]] = {}
    for i, rung in enumerate(kept):
        fit = rung.fit
        assert fit is not None
        both = Table.from_data(fit.r2()).column("r2").values
        for name, value in zip(shares, both, strict=False):
            shares[name].append(float(value))
        if rung.fit is null or null is None:
            continue
        try:
            table = Table.from_data(fit.r2("raudenbush-bryk", baseline=null))
        except MultilevelError:  # the null model lacks a factor of this one
            continue
        column = table.column("level")
        for level, value in zip(
            column.levels[column.codes], table.column("r2").values, strict=True
        ):
            levels.setdefault(f"r2_{level}", [np.nan] * len(kept))[i] = float(value)
            if value < 0.0:
                negative.append(f"{rung.name} ({level}: {number(float(value), 2)})")
    frame = study.frame({**rows, **shares, **levels})
    notes = []
    if negative:
        text = (
            f"A variance is larger than in the null model: {', '.join(negative)}. That happens "
            "where a predictor of rows hides differences between groups, or slopes are random, "
            "and is no mistake (Snijders & Bosker 2012); it is not a share of variance."
        )
        notes.append(Note("FIT-R2NEG", text, "info"))
    note = (
        "Marginal: by predictors; conditional: by predictors and groups (Nakagawa et al. 2017). "
        "By level: reduction of the null model's variance (Raudenbush & Bryk 2002)."
    )
    return DataTable("r2", "Variance explained by the kept models", frame, 1, note), notes
