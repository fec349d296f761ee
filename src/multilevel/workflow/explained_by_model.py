"""Step 5: how much of the variance the kept models explain, by several measures and by source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.plot.numbers import columns_of, take
from multilevel.report.document import DataTable, Note, Paragraph, Picture
from multilevel.workflow.explained_in_words import change, comparable
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, listing, number, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.study import Study

    Fits = dict[str, LinearMixedModel]
    Rows = dict[str, dict[str, float]]

__all__ = ["explained_by_model"]

# Shares below this are rounding.
_NOTHING = 1e-9


def explained_by_model(study: Study, fits: Fits) -> Part:
    """Variance explained by the kept models, the first of which has no predictors."""
    from multilevel import plot

    measures, notes = _measures(study, fits)
    sources = _sources(study, fits)
    text = _text(study, fits, measures)
    return Part(
        (
            Paragraph(text, "Variance explained from model to model"),
            Picture(
                "variances_by_model",
                f"Variance of {code(study.outcome)} by source, model by model",
                f"{text} {_bars(study, fits)}",
                lambda: plot.variance_partition(fits, scale="variance"),
                lambda: plot.variance_partition_data(fits),
            ),
            _table(
                study, "r2", "Variance explained by the kept models", measures, _notes(measures)
            ),
            *_sources_table(study, sources),
        ),
        notes=notes,
    )


def _measures(study: Study, fits: Fits) -> tuple[Rows, tuple[Note, ...]]:
    """Measures by name, each with the models that have it."""
    null = next(iter(fits.values()))
    rows: Rows = {}
    negative = []
    for name, fit in fits.items():
        marginal, conditional = columns_of(fit.r2())["r2"]
        rows.setdefault("marginal", {})[name] = float(marginal)
        rows.setdefault("conditional", {})[name] = float(conditional)
        if fit is null:
            continue
        for level, found in _reductions(study, fit, null).items():
            value = 0.0 if abs(found) < _NOTHING else found
            rows.setdefault(f"reduction of variance between {level}", {})[name] = value
            if value < 0.0:
                negative.append(f"{name} (between {level}: {number(value, 2)})")
        for of, value in _errors(study, fit, null).items():
            rows.setdefault(f"reduction of errors in predicting {of}", {})[name] = value
        if study.time is not None:
            predicted = fit.fitted("none")
            rows.setdefault("squared correlation of predicted and observed", {})[name] = float(
                np.corrcoef(predicted, study.y)[0, 1] ** 2 if np.ptp(predicted) > 0.0 else np.nan
            )
    if not negative:
        return rows, ()
    text = (
        f"A variance is larger than in the null model: {', '.join(negative)}. That happens where a "
        "predictor of rows hides differences between groups, or slopes are random, and is no "
        "mistake (Snijders & Bosker 2012); it is not a share of variance."
    )
    return rows, (Note("FIT-R2NEG", text, "info"),)


def _reductions(study: Study, fit: LinearMixedModel, null: LinearMixedModel) -> dict[str, float]:
    """Reduction of the null model's variances, of groups only where it means that (RB)."""
    try:
        table = columns_of(fit.r2("raudenbush-bryk", baseline=null))
    except MultilevelError:  # the null model lacks a factor of this one
        return {}
    names = study.group_words | {"residual": "rows of a group"}
    values = zip(table["level"], table["r2"], strict=True)
    return {
        names.get(level, level): float(value)
        for level, value in values
        if np.isfinite(value) and (level == "residual" or comparable(fit))
    }


def _errors(study: Study, fit: LinearMixedModel, null: LinearMixedModel) -> dict[str, float]:
    """Snijders and Bosker's measures of a model with random intercepts of one factor."""
    try:
        first, second = columns_of(fit.r2("snijders-bosker", baseline=null))["r2"]
    except MultilevelError:  # random slopes, or several factors
        return {}
    groups = the_groups(study.hierarchy.innermost.label)
    return {"rows": float(first), f"means of {groups}": float(second)}


def _sources(study: Study, fits: Fits) -> Rows:
    """Shares of the total variance by source, of models that can be divided (Rights & Sterba)."""
    rows: dict[tuple[int, str], dict[str, float]] = {}
    for name, fit in fits.items():
        try:
            table = columns_of(fit.r2("rights-sterba"))
        except MultilevelError:
            continue
        table = take(table, table["scope"] == "total")
        names = ("level", "source", "group", "symbol")
        labels = zip(*(table[one] for one in names), strict=True)
        for label, share in zip(labels, table["share"], strict=True):
            rows.setdefault(_source(study, *label), {})[name] = float(share)
    return {
        label: shares
        for (_, label), shares in sorted(rows.items(), key=lambda row: row[0][0])
        if max(shares.values()) > _NOTHING
    }


def _source(
    study: Study, level: str, source: str, group: str | None, symbol: str
) -> tuple[int, str]:
    """A source in words, and its place among the others."""
    names = study.group_words
    among, by = names.get(level, level), names.get(group or "", "groups")
    if source == "fixed":
        where = "within groups" if level == "rows" else f"between {among}"
        return 0, f"predictors, {where} ({symbol})"
    if source == "slopes":
        where = "" if level == "rows" else f", by means of {among}"
        return 1, f"slopes that differ between {by}{where} (v)"
    return (2, f"means of {by} (m)") if source == "intercepts" else (3, "residual (σ²)")


def _table(study: Study, name: str, title: str, rows: Rows, note: str) -> DataTable:
    """Measures as rows, models as columns."""
    models = list(dict.fromkeys(model for row in rows.values() for model in row))
    columns: dict[str, Any] = {"measure" if name == "r2" else "source": list(rows)}
    for model in models:
        columns[f"r2_{model}"] = np.array([row.get(model, np.nan) for row in rows.values()])
    headings = {f"r2_{model}": model for model in models}
    return DataTable(name, title, study.frame(columns), 1, note, headings)


def _sources_table(study: Study, sources: Rows) -> tuple[DataTable, ...]:
    if not sources:
        return ()
    title = f"Parts of the variance of {code(study.outcome)} by model, as shares of the whole"
    note = (
        "Columns add up to 1, but for rounding (Rights & Sterba 2019). Predictors count by what "
        "they predict within and between groups, wherever they were measured."
    )
    return (_table(study, "parts", title, sources, note),)


def _notes(rows: Rows) -> str:
    """Where the measures of a table come from."""
    texts = [
        "Marginal: by predictors; conditional: by predictors and groups (Nakagawa et al. 2017)."
    ]
    if any(name.startswith("reduction of variance") for name in rows):
        texts.append("Reductions of variances of the null model: Raudenbush & Bryk (2002).")
    if any(name.startswith("reduction of errors") for name in rows):
        texts.append(
            "Reductions of errors of prediction: R₁² and R₂² of Snijders & Bosker (1994), for "
            "random intercepts."
        )
    if any(name.startswith("squared") for name in rows):
        texts.append(
            "Squared correlation: with predictions of the fixed part (Singer & Willett 2003)."
        )
    models = max(len(row) for row in rows.values())
    if any(len(row) < models - 1 for row in rows.values()):
        texts.append("–: the first model itself, or not defined with random slopes.")
    return " ".join(texts)


def _text(study: Study, fits: Fits, measures: Rows) -> str:
    """What predictors account for in the last model, and where."""
    names = list(fits)
    share = measures["marginal"]
    if len(names) == 1:
        return f"Model {names[0]} has no predictors, so that there is nothing to explain yet."
    shares = [f"{percent(x)} in {name}" for name, x in _ends(names[1:], share)]
    texts = [f"Predictors account for {listing(shares)} of the variance of {code(study.outcome)}."]
    for label, row in measures.items():
        if label.startswith("reduction of variance between"):
            where = label.removeprefix("reduction of variance ")
            steps = [f"{change(value)} in {name}" for name, value in _ends(list(row), row)]
            texts.append(f"Beside {names[0]}, the variance {where} is {listing(steps)}.")
    return " ".join(texts)


def _ends(names: list[str], row: dict[str, float]) -> list[tuple[str, float]]:
    """The models between which a measure changes: the first, every change, the last of many."""
    shown = names[:1]
    for name in names[1:]:
        if percent(row[name]) != percent(row[shown[-1]]):
            shown.append(name)
    return [(name, row[name]) for name in (shown if len(shown) <= 4 else [shown[0], shown[-1]])]


def _bars(study: Study, fits: Fits) -> str:
    """The lengths of the bars of the first and the last model."""
    texts = []
    for name in dict.fromkeys((next(iter(fits)), list(fits)[-1])):
        table = columns_of(fits[name].variance_partition())
        variance = table["variance"]
        variance = np.where(variance > _NOTHING * variance.sum(), variance, 0.0)
        pairs = zip(table["source"], variance, strict=True)
        parts = [f"{source} {number(float(value))}" for source, value in pairs]
        texts.append(f"Bars of {name}: {listing(parts)}.")
    return " ".join(texts)
