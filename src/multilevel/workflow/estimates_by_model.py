"""Step 5: the estimates of the kept models side by side, and which of them move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Block, DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.words import code, listing, measured, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.study import Study

    Fits = dict[str, LinearMixedModel]

__all__ = ["estimates_by_model"]

# Standard errors that an estimate must change by to be called moved.
_MOVED = 1.0
# Panels of the figure; those that move most.
_MOST_PANELS = 12


def estimates_by_model(study: Study, fits: Fits) -> Part:
    """Fixed effects and standard deviations of random effects, model by model."""
    text, picture = _moves(fits)
    return Part((*text, _coefficients(study, fits), *picture, _deviations(study, fits)))


def _coefficients(study: Study, fits: Fits) -> DataTable:
    """Estimates and standard errors, a column for each model."""
    terms = dict.fromkeys(term for fit in fits.values() for term in fit.coef_names)
    columns: dict[str, list[str]] = {"term": list(terms)}
    for model, fit in fits.items():
        pairs = zip(fit.coef_names, fit.beta, fit.std_errors, strict=True)
        cells = {name: f"{number(b)} ({number(se)})" for name, b, se in pairs if np.isfinite(b)}
        columns[model] = [cells.get(term, "") for term in terms]
    title = "Fixed effects of the kept models: estimates (standard errors), by REML"
    return DataTable("coefficients", title, study.frame(columns), 1)


def _deviations(study: Study, fits: Fits) -> DataTable:
    """Standard deviations of random effects and residuals, a column for each model."""
    cells: dict[str, dict[str, float]] = {}
    for model, fit in fits.items():
        matrices = fit._matrices
        for term, part in zip(matrices.terms, fit.state.terms, strict=True):
            group = matrices.factors[term.factor].name
            for name, variance in zip(term.names, part.covariance.diagonal(), strict=True):
                cells.setdefault(f"{group}: {name}", {})[model] = float(np.sqrt(variance))
    cells["residual"] = {model: fit.sigma for model, fit in fits.items()}
    columns: dict[str, list[str]] = {"term": list(cells)}
    for model in fits:
        found = [row.get(model) for row in cells.values()]
        columns[model] = ["" if value is None else number(value) for value in found]
    title = f"Standard deviations, in units of {code(study.outcome)}"
    return DataTable("variances", title, study.frame(columns), 1)


@dataclass(frozen=True, slots=True)
class _Move:
    """A coefficient in the first and in the last model that have it."""

    term: str
    first: str
    before: float
    error: float
    last: str
    after: float

    @property
    def size(self) -> float:
        """Change in standard errors of the first estimate."""
        return abs(self.after - self.before) / self.error

    @property
    def shown(self) -> str:
        """``minority[T.Yes]`` (−3.11 in M1, −2.92 in M2)."""
        before, after = measured(self.before, self.error), measured(self.after, self.error)
        return f"{code(self.term)} ({before} in {self.first}, {after} in {self.last})"


def _moves(fits: Fits) -> tuple[tuple[Block, ...], tuple[Block, ...]]:
    """What moves of the coefficients that are in two models or more, and their figure."""
    from multilevel import plot

    moves = [one for one in _changes(fits) if one.term != "Intercept"]
    if not moves:
        return (), ()
    strongest = sorted(moves, key=lambda one: -one.size)[:_MOST_PANELS]
    terms = [one.term for one in moves if one in strongest]
    text = _text(moves, fits)
    left = len(moves) - len(terms)
    note = f" The figure shows the {len(terms)} that move most of {len(moves)}." if left else ""
    drawn = {name: fit for name, fit in fits.items() if not set(terms).isdisjoint(fit.coef_names)}
    alt = " ".join(f"{one.shown}." for one in moves if one.term in terms)
    picture = Picture(
        "coefficients_by_model",
        "Coefficients that are in two models or more, with 95% intervals",
        f"From the first to the last model that has it: {alt}",
        lambda: plot.coefficients_by_model(drawn, terms=terms),
        lambda: plot.coefficients_by_model_data(drawn, terms=terms),
    )
    return (Paragraph(text + note, "Estimates, model by model"),), (picture,)


def _changes(fits: Fits) -> list[_Move]:
    """Coefficients in their order, with their first and last estimates."""
    found: dict[str, _Move] = {}
    for model, fit in fits.items():
        for term, b, se in zip(fit.coef_names, fit.beta, fit.std_errors, strict=True):
            if not np.isfinite(b):
                continue
            old = found.get(term, _Move(term, model, float(b), float(se), "", 0.0))
            found[term] = _Move(term, old.first, old.before, old.error, model, float(b))
    return [one for one in found.values() if one.first != one.last]


def _text(moves: list[_Move], fits: Fits) -> str:
    """Which coefficients change by more than a standard error, and what that can mean."""
    moved = sorted((one for one in moves if one.size > _MOVED), key=lambda one: -one.size)
    if not moved:
        largest = max(moves, key=lambda one: one.size)
        text = "no coefficient changes by more than its standard error when others are added; "
        return f"From model to model {text}the largest change is that of {largest.shown}."
    shown = listing([one.shown for one in moved], most=4)
    texts = [f"These change by more than one standard error from model to model: {shown}."]
    names = {name for fit in fits.values() for name in fit.coef_names}
    joined = [one for one in moved if _has_partner(one.term, names)]
    if joined:
        texts.append(
            "Where a model has a product with a predictor, the coefficient of its partner is the "
            "one for zero, or for the first category: another question than before."
        )
    if len(joined) < len(moved):
        texts.append(
            "An estimate that moves when predictors are added shares information with them; "
            "whether they explain it or hide it, the numbers do not say."
        )
    return " ".join(texts)


def _has_partner(term: str, names: set[str]) -> bool:
    """Whether a coefficient is part of a product or of a power."""
    products = any(
        name.startswith(f"{term}:") or name.endswith(f":{term}") or f":{term}:" in name
        for name in names
    )
    return products or any(name.replace("`", "").startswith(f"I({term} ** ") for name in names)
