"""Assumptions of a fitted model: what was checked, what departs, and figures to look at."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Note, Paragraph, Picture
from multilevel.workflow.by_predictor import by_predictor
from multilevel.workflow.part import Part
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Block, Severity
    from multilevel.workflow.study import Study

__all__ = ["assumptions_after"]

_HEADING = "Assumptions of the chosen model"
_TEXTS = ("check", "level", "term", "verdict", "message")
_NUMBERS = ("statistic", "p_value")
_CODES = {
    "homoscedasticity": "A-HET1",
    "linearity": "A-LINEAR",
    "influence": "A-INFL",
    "outliers": "A-OUTLIER",
    "exogeneity": "A-ENDOG",
    "autocorrelation": "A-AUTOCORR",
    "collinearity": "A-COLLINEAR",
}
_NEGATIVE = re.compile(r"(?<![\w.)])-(?=\d)")
# What a message about a fit tells to call, and where the analysis has it.
_STEPS = (
    (re.compile(r"fixed effects hold with robust='CR2'"), "robust standard errors are in step 8"),
    (re.compile(r"see influence\((['\"]).*?\1\)"), "see step 8"),
    (re.compile(r"; see influence\(\) for them"), ""),
    (re.compile(r"; see within_between\(\)"), ""),
    (re.compile(r"test with df_method='kenward-roger', no z tests"), "step 8 tests accordingly"),
    (re.compile(r"refit from start="), "do not rely on it"),
    (re.compile(r" or raise Control\(max_evaluations=\.\.\.\)"), ""),
)
_SEVERITY: dict[str, Severity] = {"look": "info", "problem": "warning"}


class _Check(NamedTuple):
    check: str
    level: str
    term: str
    verdict: str
    message: str
    statistic: float
    p_value: float

    @property
    def subject(self) -> str:
        """The check and what it was made of, in words."""
        where = {"rows": " of rows", "model": ""}.get(self.level, f" in {code(self.level)}")
        term = f" ({code(self.term)})" if self.term else ""
        return f"{self.check}{where}{term}"

    @property
    def finding(self) -> str:
        """The message with minus signs, and with steps of the analysis in place of calls."""
        text = _NEGATIVE.sub("−", self.message).rstrip(".")
        for call, words in _STEPS:
            text = call.sub(words, text)
        return text


def assumptions_after(study: Study, fit: LinearMixedModel) -> Part:
    """Check the assumptions of a model that was fitted to the data of a study."""
    try:
        checks = _read(study, fit)
    except MultilevelError as error:
        text = f"The assumptions of the model could not be checked: {error}"
        return Part((Paragraph(text, _HEADING),))
    text = _summary(checks)
    blocks: list[Block] = [Paragraph(text, _HEADING), _table(study, checks)]
    blocks += _pictures(fit, checks)
    notes = tuple(
        Note(name, _sentence(study, one), _SEVERITY[one.verdict])
        for one in checks
        if one.verdict in _SEVERITY and (name := _code(one))
    )
    beside = by_predictor(study, fit)
    return Part((*blocks, *beside.blocks), (), (*notes, *beside.notes))


def _read(study: Study, fit: LinearMixedModel) -> list[_Check]:
    """The checks; autocorrelation only if time says in which order rows follow one another."""
    time = None if study.time is None else study.time.name
    table = Table.from_data(fit.check(time=time))
    texts = {name: _text(table, name) for name in _TEXTS}
    numbers = {name: table.column(name).values for name in _NUMBERS}
    rows = [
        _Check(*words, *values)
        for words, values in zip(
            zip(*(texts[name] for name in _TEXTS), strict=True),
            zip(*(numbers[name].tolist() for name in _NUMBERS), strict=True),
            strict=True,
        )
    ]
    return [one for one in rows if time is not None or one.check != "autocorrelation"]


def _text(table: Table, name: str) -> list[str]:
    column = table.column(name)
    if column.is_numeric:  # nothing but missing values
        return [""] * table.n_rows
    return ["" if j < 0 else str(column.levels[j]) for j in column.codes]


def _table(study: Study, checks: list[_Check]) -> DataTable:
    """All checks, those that found something first."""
    worst = ("problem", "look", "ok", "not checked")
    rows = sorted(checks, key=lambda one: worst.index(one.verdict))
    frame = study.frame(
        {
            "check": [one.check for one in rows],
            "level": [one.level for one in rows],
            "term": [one.term for one in rows],
            "verdict": [one.verdict for one in rows],
            "statistic": [one.statistic for one in rows],
            "p_value": [one.p_value for one in rows],
            "message": [one.finding for one in rows],
        }
    )
    note = (
        "A verdict needs a small p value and a departure that is large enough to matter; p values "
        "alone find nothing in small and everything in large data."
    )
    headings = {"message": "What was found"}
    return DataTable("checks", "Checks of the chosen model", frame, 3, note, headings)


def _summary(checks: list[_Check]) -> str:
    by = {
        verdict: [one for one in checks if one.verdict == verdict]
        for verdict in ("ok", "look", "problem", "not checked")
    }
    made = len(checks) - len(by["not checked"])
    parts = [f"Of {made} checks, {len(by['ok'])} found nothing"]
    if by["look"]:
        say = "says" if len(by["look"]) == 1 else "say"
        parts.append(f"{len(by['look'])} {say} where to look: {_subjects(by['look'])}")
    if by["problem"]:
        parts.append(f"{len(by['problem'])} found a problem: {_subjects(by['problem'])}")
    text = "; ".join(parts) + "."
    if by["not checked"]:
        text += f" Not checked: {_subjects(by['not checked'])}."
    return text


def _subjects(checks: list[_Check]) -> str:
    return listing(list(dict.fromkeys(one.subject for one in checks)), 6)


def _code(one: _Check) -> str:
    """The code of the note that a check may leave; empty for those that have none."""
    if one.check == "normality":
        return "A-NORM1" if one.level == "rows" else "A-NORM2"
    return _CODES.get(one.check, "")


def _sentence(study: Study, one: _Check) -> str:
    subject = one.subject[0].upper() + one.subject[1:]
    message = one.finding
    left_out = study.n_rows < study.table.n_rows
    if "rows (from 0)" in message and left_out:
        message += " (rows are counted among those that are used)"
    return f"{subject}: {message}."


def _pictures(fit: LinearMixedModel, checks: list[_Check]) -> list[Picture]:
    """The panels of the residuals, and quantiles of the effects of every factor."""
    from multilevel import plot

    shown = ("normality", "homoscedasticity", "linearity", "outliers")
    rows = [one for one in checks if one.level in ("rows", "model") and one.check in shown]
    found = [
        Picture(
            "check",
            "Residuals and predicted effects of the chosen model",
            _alt("Panels of residuals, their spread and quantiles.", rows),
            lambda: plot.check(fit),
            lambda: plot.check_data(fit),
        )
    ]
    for name in list(fit.n_groups)[1:]:  # the first is among the panels
        own = [one for one in checks if one.level == name and one.check == "normality"]
        if own:
            found.append(_quantiles(fit, name, own))
    return found + [_pairs(fit, name, checks) for name in _with_pairs(fit)]


def _with_pairs(fit: LinearMixedModel) -> list[str]:
    """Factors with two random effects or more in a term."""
    factors = fit.model.matrices.factors
    many = [term.factor for term in fit.model.matrices.terms if len(term.names) > 1]
    return [factors[f].name for f in dict.fromkeys(many)]


def _pairs(fit: LinearMixedModel, name: str, checks: list[_Check]) -> Picture:
    """Two effects of every group beside the ellipse of their distribution."""
    from multilevel import plot

    term = next(
        one
        for one in fit.model.matrices.terms
        if len(one.names) > 1 and fit.model.matrices.factors[one.factor].name == name
    )
    pair = list(term.names[:2])
    own = [one for one in checks if one.level == name and one.check == "outliers"]
    start = f"{code(pair[1])} against {code(pair[0])} of every group of {code(name)}."
    return Picture(
        f"pairs_{name}",
        f"Predicted effects of {name} against each other; 95% are expected in the ellipse",
        _alt(start, own),
        lambda: plot.random_scatter(fit, group=name, terms=pair),
        lambda: plot.random_scatter_data(fit, group=name, terms=pair),
    )


def _quantiles(fit: LinearMixedModel, name: str, own: list[_Check]) -> Picture:
    from multilevel import plot

    return Picture(
        f"qq_{name}",
        f"Predicted effects of {name} beside normal quantiles",
        _alt(f"Quantiles of the predicted effects of {code(name)}.", own),
        lambda: plot.qq(fit, name),
        lambda: plot.qq_data(fit, name),
    )


def _alt(start: str, checks: list[_Check]) -> str:
    said = [f"{one.subject}: {one.finding.split(';')[0]}." for one in checks if one.message]
    return " ".join([start, *(text[0].upper() + text[1:] for text in said)])
