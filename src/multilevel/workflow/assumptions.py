"""Step 3: assumptions that can be looked at before a model is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Decision, Note, Paragraph
from multilevel.workflow.assumptions_pictures import pictures
from multilevel.workflow.check_row import CheckRow
from multilevel.workflow.outcome_shape import described, outcome_rows
from multilevel.workflow.screening import curvature, inflation, robust_scores
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, listing, number, p_text, percent

if TYPE_CHECKING:
    from multilevel.typing import Float, Int
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["assumptions_step"]

_FAR = 4.0  # robust standard deviations
_FAR_IF_NORMAL = 6.334e-5  # share of rows beyond, of a normal distribution
_HEAVIER, _RARE = 3.0, 0.01
_BENT, _BENT_P = 0.01, 0.001
_INFLATED = 5.0


def assumptions_step(study: Study) -> Step:
    """The outcome's distribution, far rows, curved relations and collinear predictors."""
    rows = [
        *outcome_rows(study, _groups(study)),
        _outliers(study),
        *_curves(study),
        *_inflated(study),
    ]
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
        blocks=(Paragraph(f"{described(study)} {text}"), _table(study, rows), *pictures(study)),
        decisions=tuple(
            Decision(row.rule, row.question, row.shown, row.threshold, _verdict(row))
            for row in rows
            if row.rule
        ),
        notes=tuple(Note(row.rule, row.text, row.severity) for row in found),
    )


def _table(study: Study, rows: list[CheckRow]) -> DataTable:
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


def _verdict(row: CheckRow) -> str:
    return {"look": "yes", "ok": "no"}.get(row.verdict, row.verdict)


def _headline(study: Study, rows: list[CheckRow], found: list[CheckRow]) -> str:
    n = sum(row.verdict in ("ok", "look") for row in rows)
    if not found:
        what = code(study.outcome) + (" and its predictors" if study.predictors else "")
        return f"None of {n} checks of {what} found anything."
    subjects = list(dict.fromkeys(f"{row.check} ({code(row.what)})" for row in found))
    point = "points" if len(found) == 1 else "point"
    return f"{len(found)} of {n} checks {point} to something to look at: {listing(subjects, 4)}."


def _groups(study: Study) -> list[Int]:
    """Groups of the rows: of the innermost factor, and of those that cross it."""
    return [study.codes(one) for one in study.hierarchy.lowest]


def _outliers(study: Study) -> CheckRow:
    name, inner = study.outcome, study.hierarchy.innermost
    scores = robust_scores(study.y, _groups(study))
    if not len(scores):
        why = "groups have too few rows, or most rows the same value"
        return CheckRow("outliers within groups", name, float("nan"), "not checked", why)
    n = int(np.sum(np.abs(scores) > _FAR))
    row = CheckRow(
        "outliers within groups",
        name,
        float(n),
        "ok",
        "nothing",
        "A-OUTLIER",
        f"Do rows lie far from the median of their {the_groups(inner.label)}?",
        f"{n:,} of {len(scores):,} rows beyond {_FAR:g} robust standard deviations",
        f"more than chance gives (p < {_RARE:g}), or one so far that it is none of them",
        "info",
    )
    if not _outlying(scores, n):
        return row
    lie = "lies" if n == 1 else "lie"
    above = int(np.sum(scores > _FAR))
    text = (
        f"{n:,} of {len(scores):,} rows {lie} more than {_FAR:g} robust standard deviations from "
        f"the median of {code(name)} in their group, {above:,} above and {n - above:,} below, the "
        f"farthest {number(np.abs(scores).max(), 2)}: look for errors of entry, and see whether "
        "results hold without them."
    )
    return row._replace(verdict="look", advice="look at their values", text=text)


def _outlying(scores: Float, n: int) -> bool:
    """Whether so many rows are far out, or one of them so far, that chance is no reason.

    Scores vary more than normal ones, because medians of groups are estimated: that is what the
    factor allows for.
    """
    many = float(stats.poisson.sf(n - 1, _HEAVIER * _FAR_IF_NORMAL * len(scores)))
    farthest = len(scores) * 2.0 * float(stats.norm.sf(float(np.abs(scores).max())))
    return n > 0 and (many < _RARE or _HEAVIER * farthest < _RARE)


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


def _curves(study: Study) -> list[CheckRow]:
    columns, groups = _columns(study), _groups(study)
    own = [p for p in study.predictors if p.level == 1 and p.kind == "numeric" and p.own in columns]
    rows = []
    for one in own:
        others = [columns[p.own] for p in own if p is not one]
        found = curvature(study.y, columns[one.own], others, groups)
        if found is not None:
            rows.append(_curve(study, one, *found))
    return rows


def _curve(study: Study, one: Predictor, share: float, p: float, bends_up: bool) -> CheckRow:
    row = CheckRow(
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


def _inflated(study: Study) -> list[CheckRow]:
    columns = _columns(study)
    if len(columns) < 2:
        return []
    found = zip(columns, inflation(list(columns.values())).tolist(), strict=True)
    return [_vif(name, value) for name, value in found]


def _vif(name: str, value: float) -> CheckRow:
    row = CheckRow(
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
