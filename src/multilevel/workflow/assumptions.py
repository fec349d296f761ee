"""Step 3: assumptions that can be looked at before a model is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from multilevel.diagnostics.normality import skewness
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Decision, Note, Paragraph
from multilevel.workflow.assumptions_pictures import pictures
from multilevel.workflow.screening import curvature, inflation, robust_scores
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, listing, number, p_text, percent

if TYPE_CHECKING:
    from multilevel.report.document import Severity
    from multilevel.typing import Float, Int
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["assumptions_step"]

_END = 0.15  # share of rows at one end of the scale
_SKEWED = 1.0
_FAR = 4.0  # robust standard deviations
_FAR_IF_NORMAL = 6.334e-5  # share of rows beyond, of a normal distribution
_BENT, _BENT_P = 0.01, 0.001
_INFLATED = 5.0


class _Row(NamedTuple):
    """A check; one with a rule is a decision, and leaves a note if its verdict is not "ok"."""

    check: str
    what: str
    value: float
    verdict: str = "described"
    advice: str = ""
    rule: str = ""
    question: str = ""
    shown: str = ""
    threshold: str = ""
    severity: Severity = "warning"
    text: str = ""


def assumptions_step(study: Study) -> Step:
    """The outcome's distribution, far rows, curved relations and collinear predictors."""
    rows = [*_distribution(study), _outliers(study), *_curves(study), *_inflated(study)]
    found = [row for row in rows if row.verdict == "look"]
    text = (
        "Models assume normal residuals and effects, not a normal outcome: what is seen here says "
        "where to look, and the checks of the fitted model decide."
    )
    return Step(
        number=3,
        name="assumptions",
        title="Assumptions before modelling",
        headline=_headline(study, rows, found),
        blocks=(Paragraph(f"{_described(study)} {text}"), _table(study, rows), *pictures(study)),
        decisions=tuple(
            Decision(row.rule, row.question, row.shown, row.threshold, _verdict(row))
            for row in rows
            if row.rule
        ),
        notes=tuple(Note(row.rule, row.text, row.severity) for row in found),
    )


def _table(study: Study, rows: list[_Row]) -> DataTable:
    frame = study.frame(
        {
            "check": [row.check for row in rows],
            "what": [row.what for row in rows],
            "value": [row.value for row in rows],
            "verdict": [row.verdict for row in rows],
            "advice": [row.advice for row in rows],
        }
    )
    headings = {"what": "Of", "value": "Value", "advice": "What to do"}
    return DataTable("before", "Checks before modelling", frame, 2, "", headings)


def _verdict(row: _Row) -> str:
    return {"look": "yes", "ok": "no"}.get(row.verdict, row.verdict)


def _headline(study: Study, rows: list[_Row], found: list[_Row]) -> str:
    n = sum(row.verdict in ("ok", "look") for row in rows)
    if not found:
        what = code(study.outcome) + (" and its predictors" if study.predictors else "")
        return f"None of {n} checks of {what} found anything."
    subjects = list(dict.fromkeys(f"{row.check} ({code(row.what)})" for row in found))
    point = "points" if len(found) == 1 else "point"
    return f"{len(found)} of {n} checks {point} to something to look at: {listing(subjects, 4)}."


def _described(study: Study) -> str:
    y = study.y
    skew = skewness(y)
    tail = "is nearly symmetric" if abs(skew) < 0.5 else "has a long tail of high values"
    if skew <= -0.5:
        tail = "has a long tail of low values"
    return (
        f"{code(study.outcome)} lies between {number(y.min())} and {number(y.max())}, with mean "
        f"{number(float(y.mean()))} and standard deviation {number(float(y.std(ddof=1)))}; it "
        f"{tail} (skewness {number(skew, 2)})."
    )


def _distribution(study: Study) -> list[_Row]:
    y, name = study.y, study.outcome
    return [
        _Row("mean", name, float(y.mean())),
        _Row("standard deviation", name, float(y.std(ddof=1))),
        _skewness(study),
        _end(study, float(y.min()), "smallest", "floor"),
        _end(study, float(y.max()), "largest", "ceiling"),
    ]


def _skewness(study: Study) -> _Row:
    skew, name = skewness(study.y), study.outcome
    low = float(study.y.min())
    row = _Row(
        "skewness",
        name,
        skew,
        "ok",
        "nothing",
        "A-SKEW",
        f"Is {code(name)} positive and so skewed that a log transformation is worth trying?",
        f"skewness {number(skew, 2)}, smallest value {number(low)}",
        f"skewness above {_SKEWED:g} and all values above 0",
        "info",
    )
    if not (skew > _SKEWED and low > 0.0):
        return row
    text = (
        f"{code(name)} is positive and skewed to the right (skewness {number(skew, 2)}): compare "
        f"with a model of log({code(name)}) if residuals are skewed as well. On that scale "
        "coefficients are differences of logarithms: exp(coefficient) is a ratio of geometric "
        f"means of {code(name)}, no difference in its points."
    )
    return row._replace(verdict="look", advice="try the logarithm", text=text)


def _end(study: Study, value: float, which: str, end: str) -> _Row:
    share, name = float(np.mean(study.y == value)), study.outcome
    row = _Row(
        f"share at the {which} value",
        name,
        share,
        "ok",
        "nothing",
        "A-FLOOR",
        f"Does {code(name)} have a {end}: many rows at its {which} value?",
        f"{percent(share)} at {number(value)}",
        f"more than {percent(_END, 0)}",
    )
    if share <= _END:
        return row
    text = (
        f"{percent(share)} of the rows have the {which} value of {code(name)}, {number(value)}: a "
        f"{end}. A linear model predicts values beyond it, and slopes are flatter near it; "
        "consider a model for censored values, counts or ordered categories."
    )
    return row._replace(verdict="look", advice="consider another kind of model", text=text)


def _groups(study: Study) -> list[Int]:
    """Groups of the rows: of the innermost factor, of all factors if they cross."""
    hierarchy = study.hierarchy
    factors = hierarchy.factors if hierarchy.crossed else (hierarchy.innermost,)
    return [study.codes(one) for one in factors]


def _outliers(study: Study) -> _Row:
    name, inner = study.outcome, study.hierarchy.innermost
    scores = robust_scores(study.y, _groups(study))
    if not len(scores):
        why = "groups have too few rows, or most rows the same value"
        return _Row("outliers within groups", name, float("nan"), "not checked", why)
    n = int(np.sum(np.abs(scores) > _FAR))
    row = _Row(
        "outliers within groups",
        name,
        float(n),
        "ok",
        "nothing",
        "A-OUTLIER",
        f"Do rows lie far from the median of their {the_groups(inner.label)}?",
        f"{n:,} of {len(scores):,} rows beyond {_FAR:g} robust standard deviations",
        "more than 3 times as many as of a normal distribution",
        "info",
    )
    if n <= 3.0 * _FAR_IF_NORMAL * len(scores):
        return row
    lie = "lies" if n == 1 else "lie"
    text = (
        f"{n:,} of {len(scores):,} rows {lie} more than {_FAR:g} robust standard deviations from "
        f"the median of {code(name)} in their group, the farthest {number(np.abs(scores).max(), 2)}"
        ": look for errors of entry, and see whether results hold without them."
    )
    return row._replace(verdict="look", advice="look at their values", text=text)


def _columns(study: Study) -> dict[str, Float]:
    """Columns of numeric and two-valued predictors as models have them, those that vary."""
    table = Table.from_data(study.data)
    found: dict[str, Float] = {}
    for one in study.predictors:
        for name in (one.own, *(mean for mean, _ in one.means)):
            column = table.column(name)
            if column.is_numeric and np.ptp(column.values) > 0.0 and column.values.std() > 1e-9:
                found[name] = column.values
    return found


def _curves(study: Study) -> list[_Row]:
    columns, groups = _columns(study), _groups(study)
    own = [p for p in study.predictors if p.level == 1 and p.kind == "numeric" and p.own in columns]
    rows = []
    for one in own:
        others = [columns[p.own] for p in own if p is not one]
        found = curvature(study.y, columns[one.own], others, groups)
        if found is not None:
            rows.append(_curve(study, one, *found))
    return rows


def _curve(study: Study, one: Predictor, share: float, p: float, bends_up: bool) -> _Row:
    row = _Row(
        "curvature",
        one.own,
        share,
        "ok",
        "nothing",
        "A-LINEAR",
        f"Is the relation of {code(study.outcome)} to {code(one.own)} within groups curved?",
        f"its square explains {percent(share)} of what lines leave, {p_text(p)}",
        f"more than {percent(_BENT, 0)}, and p < .001",
    )
    if not (share > _BENT and p < _BENT_P):
        return row
    how = "upwards: it is steeper" if bends_up else "downwards: it is less steep or falls"
    text = (
        f"The relation of {code(study.outcome)} to {code(one.own)} bends {how} at high values "
        f"(its square explains {percent(share)} of what straight lines leave, {p_text(p)}). Add "
        f"the square of {code(one.own)}, or transform it."
    )
    return row._replace(verdict="look", advice="add its square", text=text)


def _inflated(study: Study) -> list[_Row]:
    columns = _columns(study)
    if len(columns) < 2:
        return []
    found = zip(columns, inflation(list(columns.values())).tolist(), strict=True)
    return [_vif(name, value) for name, value in found]


def _vif(name: str, value: float) -> _Row:
    row = _Row(
        "variance inflation",
        name,
        value,
        "ok",
        "nothing",
        "A-COLLINEAR",
        f"Do the other predictors nearly determine {code(name)}?",
        f"variance inflation {number(value)}",
        f"more than {_INFLATED:g}",
    )
    if value <= _INFLATED:
        return row
    text = (
        f"The variance of the coefficient of {code(name)} is {number(value)} times what it were "
        "without the other predictors: it can hardly be told apart from them. Leave one out, or "
        "put those that measure the same together."
    )
    return row._replace(verdict="look", advice="leave one out or combine", text=text)
