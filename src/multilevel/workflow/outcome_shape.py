"""Step 3, the outcome: its distribution, skewness and the powers against it, floor and ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.diagnostics.normality import skewness
from multilevel.workflow.box_cox import box_cox
from multilevel.workflow.check_row import CheckRow
from multilevel.workflow.screening import swept
from multilevel.workflow.words import code, number, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float, Int
    from multilevel.workflow.box_cox import PowerProfile, Scale
    from multilevel.workflow.study import Study

__all__ = ["described", "outcome_rows", "scale_in_words"]

_END = 0.15  # share of rows at one end of the scale
_SKEWED = 1.0
_FAR, _FEW = 5.0, 0.01  # robust standard deviations; share of rows that are a few
_NO_ASSUMPTION = (
    "A multilevel model does not assume that the outcome is symmetric, only that its residuals "
    "nearly are: step 6 looks at them"
)


def described(study: Study) -> str:
    """The outcome in a sentence."""
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


def outcome_rows(study: Study, groups: Sequence[Int]) -> list[CheckRow]:
    """Mean and spread, skewness, and the ends of the scale."""
    y, name = study.y, study.outcome
    return [
        CheckRow("mean", name, float(y.mean())),
        CheckRow("standard deviation", name, float(y.std(ddof=1))),
        *_skewness(study, groups),
        _end(study, float(y.min()), "smallest", "floor"),
        _end(study, float(y.max()), "largest", "ceiling"),
    ]


def _skewness(study: Study, groups: Sequence[Int]) -> list[CheckRow]:
    """Skewness of all rows and within groups; powers for what is positive and skewed."""
    name, y = study.outcome, study.y
    inside = swept(y, groups)
    whole, within = skewness(y), skewness(inside)
    larger = within if abs(within) > abs(whole) else whole
    beside = CheckRow("skewness within groups", name, within)
    row = CheckRow(
        "skewness",
        name,
        whole,
        "ok",
        "nothing",
        "A-SKEW",
        f"Is {code(name)} so skewed that another scale is worth a thought?",
        f"skewness {number(whole, 2)}, within groups {number(within, 2)}",
        f"one of them beyond ±{_SKEWED:g}",
        "info",
    )
    if abs(larger) <= _SKEWED:
        return [row, beside]
    both = f"(skewness {number(whole, 2)}, within groups {number(within, 2)})"
    for text, advice in (
        (_few_rows(study, inside), "look at single rows"),
        (_left(study, both) if larger < 0.0 else "", "see step 6"),
        (_not_positive(study, both) if y.min() <= 0.0 else "", "see step 6"),
    ):
        if text:
            return [row._replace(verdict="look", advice=advice, text=text), beside]
    found, *power = _with_power(study, row, both)
    return [found, beside, *power]


def _with_power(study: Study, row: CheckRow, both: str) -> list[CheckRow]:
    """The row of a positive outcome that is skewed to the right, and its power."""
    name = study.outcome
    formula = study.formula([], study.hierarchy.random())
    profile = box_cox(study.fitter, formula, study.y)
    if profile is None:
        return [row]
    said = _power_text(profile)
    power = CheckRow("power (Box-Cox)", name, profile.power, advice=said)
    if profile.plain:
        return [row._replace(shown=f"{row.shown}, {said}"), power]
    advice, text = f"compare with {profile.simple.of(name)}", _right(study, both, profile)
    return [row._replace(verdict="look", advice=advice, text=text), power]


def _few_rows(study: Study, inside: Float) -> str:
    """What to say if a few rows far from the others of their group make the skewness."""
    away = np.abs(inside - np.median(inside))
    far = away > _FAR * 1.4826 * float(np.median(away))
    n, rest = int(far.sum()), skewness(study.y[~far])
    if (
        not 0 < n <= max(_FEW * len(far), 1.0)
        or max(abs(rest), abs(skewness(inside[~far]))) > _SKEWED
    ):
        return ""
    rows = "1 row that lies" if n == 1 else f"{n:,} rows that lie"
    return (
        f"The skewness of {code(study.outcome)}, {number(skewness(study.y), 2)}, comes from {rows} "
        f"far from the others; without {'it' if n == 1 else 'them'} it is {number(rest, 2)}. Look "
        "for errors of entry before thinking of another scale."
    )


def _powers(profile: PowerProfile) -> tuple[str, ...]:
    """Ends of the interval and the power, with two decimals."""
    return tuple(
        f"{round(x, 2) + 0.0:.2f}".replace("-", "−")
        for x in (profile.low, profile.high, profile.power)
    )


def _power_text(profile: PowerProfile) -> str:
    low, high, power = _powers(profile)
    return f"power {power} (95% interval {low} to {high}), nearest: {profile.simple.name}"


def _right(study: Study, both: str, profile: PowerProfile) -> str:
    low, high, power = _powers(profile)
    name, scale = code(study.outcome), profile.simple
    return (
        f"{name} is positive and skewed to the right {both}. {_NO_ASSUMPTION}. If they are skewed, "
        f"too, another scale may help: among powers of {name} the likelihood of the null model is "
        f"largest at {power} (95% interval {low} to {high}; Box & Cox 1964), nearest to the "
        f"{scale.name}. {scale_in_words(scale, study.outcome)} Step 6 lists which conclusions "
        "depend on the scale."
    )


def scale_in_words(scale: Scale, name: str) -> str:
    """What coefficients mean on another scale of the outcome."""
    head = f"On that scale, {code(scale.of(name))}, coefficients are differences of "
    if scale.power == 0.0:
        return (
            f"{head}logarithms: exp(coefficient) is a ratio of geometric means of {code(name)}, "
            "no difference in its points."
        )
    if scale.power == 0.5:
        return f"{head}square roots: in points of {code(name)} they differ from value to value."
    return (
        f"{head}reciprocals, with a minus sign so that larger values stay larger: in points of "
        f"{code(name)} they differ from value to value."
    )


def _left(study: Study, both: str) -> str:
    y, name = study.y, code(study.outcome)
    share = float(np.mean(y == y.max()))
    top = f"{percent(share)} of the rows have its largest value, {number(y.max())}"
    ceiling = (
        f"The reason is often a ceiling of the scale; here {top}. No transformation tells rows at "
        "a ceiling apart."
        if share > _END
        else f"The reason is often a ceiling of the scale; here only {top}."
    )
    return (
        f"{name} is skewed to the left {both}. {_NO_ASSUMPTION}. {ceiling} No other scale is "
        f"suggested: logarithms and roots make a left tail longer, and {name} reversed turns the "
        "sign of every coefficient. If residuals are skewed, too, rely on the robust standard "
        "errors of step 8."
    )


def _not_positive(study: Study, both: str) -> str:
    y, name = study.y, code(study.outcome)
    n = int(np.sum(y <= 0.0))
    have = "has a value" if n == 1 else "have values"
    row = "row" if n == 1 else "rows"
    return (
        f"{name} is skewed to the right {both}. {_NO_ASSUMPTION}. {n:,} {row} {have} of 0 or "
        "below, of which there is no logarithm; adding a constant first makes results depend on "
        "that constant. If residuals are skewed, too, rely on the robust standard errors of "
        "step 8; for counts, a model for counts suits better."
    )


def _end(study: Study, value: float, which: str, end: str) -> CheckRow:
    share, name = float(np.mean(study.y == value)), study.outcome
    row = CheckRow(
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
