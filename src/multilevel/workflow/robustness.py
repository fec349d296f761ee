"""Step 8, robustness: other standard errors, and what single groups do to the conclusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.inference.wald import wald_interval
from multilevel.report.document import Bullets, DataTable, Decision, Note, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import short_name
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, listing, measured, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Block
    from multilevel.typing import Float
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["influence_part", "robust_part"]

# Robust over model standard errors from which the model is doubted.
_RATIO = 1.5
# Rows times groups up to which the model is fitted again without each group.
_REFITS = 300_000
# Model standard errors over those of least squares from which these are called too small.
_TOO_SMALL = 1.1
_SHOWN = 4
# Groups below which robust standard errors are called uncertain, a convention of this program.
_FEW = 20


def robust_part(study: Study, fit: LinearMixedModel, coefficients: tuple[Coefficient, ...]) -> Part:
    """Standard errors of the model beside those of least squares and robust ones."""
    if not fit.n_groups:
        return Part()
    factor = study.hierarchy.factors[0]
    cluster = factor.name if study.hierarchy.crossed else None
    beside = Table.from_data(fit.vs_ols(cluster=cluster))
    keep = [fit.coef_names.index(one.name) for one in coefficients]
    ols, naive = (beside.column(f"{name}_ols").values[keep] for name in ("estimate", "std_error"))
    errors = np.array([one.std_error for one in coefficients])
    robust, why = _robust_errors(study, fit, keep)
    columns = {
        "term": [one.name for one in coefficients],
        "estimate": [one.estimate for one in coefficients],
        "std_error": errors,
    }
    if robust is not None:
        columns |= {"std_error_robust": robust, "ratio": robust / errors}
    frame = study.frame({**columns, "estimate_ols": ols, "std_error_ols": naive})
    headings = {
        "std_error_robust": "Robust std. error (CR2)",
        "ratio": "Robust over model",
        "estimate_ols": "Least squares",
        "std_error_ols": "Std. error, least squares",
    }
    title = "Standard errors: of the model, robust, and of least squares"
    table = DataTable("standard_errors", title, frame, 1, "", headings)
    text = (
        f"{why or _robust_text(robust / errors)} {_ols_text(study, coefficients, errors / naive)}"
    )
    blocks = (Paragraph(text, "Other standard errors"), table, _picture(fit, cluster, text))
    if robust is None:
        return Part(blocks)
    decision, notes = _misspecified(study, coefficients, robust / errors)
    return Part(blocks, (decision,), notes)


def _robust_errors(
    study: Study, fit: LinearMixedModel, keep: list[int]
) -> tuple[Float | None, str]:
    """Standard errors by CR2, or why there are none: crossed factors leave no clusters."""
    if study.hierarchy.crossed:
        many = listing([the_groups(one.label) for one in study.hierarchy.factors])
        return None, (
            f"There are no cluster-robust standard errors: {many} are crossed, so that no clusters "
            "are independent of each other."
        )
    try:
        table = Table.from_data(fit.tidy("fixed", robust="CR2"))
    except MultilevelError as error:
        return None, f"There are no cluster-robust standard errors: {error}"
    return table.column("std_error").values[keep], ""


def _robust_text(ratio: Float) -> str:
    finite = ratio[np.isfinite(ratio)]
    return (
        "Cluster-robust standard errors (CR2, Pustejovsky & Tipton 2018), which hold when the "
        f"model of variances is wrong, are {_span(finite)}."
    )


def _ols_text(study: Study, coefficients: tuple[Coefficient, ...], ratio: Float) -> str:
    small = [i for i in np.argsort(-ratio, kind="stable") if ratio[i] > _TOO_SMALL]
    if not small:
        return "Those of least squares, which ignores groups, are not clearly smaller here."
    names = listing(
        [f"{short_name(coefficients[i], study)} ({ratio[i]:.1f})" for i in small], _SHOWN
    )
    return f"Those of least squares, which ignores groups, are too small by a factor: {names}."


def _span(ratio: Float) -> str:
    if not len(ratio):
        return "not available"
    low, high = (f"{float(x):.2f}" for x in (ratio.min(), ratio.max()))
    if low == high == "1.00":
        return "those of the model"
    return f"{low if low == high else f'{low} to {high}'} times those of the model"


def _misspecified(
    study: Study, coefficients: tuple[Coefficient, ...], ratio: Float
) -> tuple[Decision, tuple[Note, ...]]:
    wide = [i for i, x in enumerate(ratio) if x > _RATIO or x < 1.0 / _RATIO]
    value = number(float(np.nanmax(np.maximum(ratio, 1.0 / ratio))), 3)
    decision = Decision(
        "INF-MISSPEC",
        "Do robust standard errors differ so much from those of the model that it is doubted?",
        f"largest ratio {value}",
        f"more than {_RATIO}",
        "yes" if wide else "no",
        "King & Roberts (2015); the number is a convention of this program",
    )
    if not wide:
        return decision, ()
    names = listing(
        [f"{short_name(coefficients[i], study)} ({number(ratio[i], 2)})" for i in wide], 8
    )
    text = (
        f"Robust and model standard errors differ by more than the factor {_RATIO}: {names}. The "
        "model's variances may not fit: slopes may differ between groups that the model holds "
        "alike, or residuals may vary more in some groups. Trust the larger standard error."
    )
    n = study.n_groups(study.hierarchy.factors[0])
    if n < _FEW:
        text += f" With {n} groups robust standard errors are themselves uncertain."
    return decision, (Note("INF-MISSPEC", text),)


def _picture(fit: LinearMixedModel, cluster: str | None, text: str) -> Picture:
    from multilevel import plot

    return Picture(
        "vs_ols",
        "Standard errors as multiples of those of least squares",
        text,
        lambda: plot.vs_ols(fit, cluster=cluster),
        lambda: plot.vs_ols_data(fit, cluster=cluster),
    )


def influence_part(
    study: Study, fit: LinearMixedModel, coefficients: tuple[Coefficient, ...]
) -> Part:
    """Groups without which a coefficient changes its sign or its significance."""
    slopes = tuple(one for one in coefficients if one.is_slope)
    blocks: list[Block] = []
    notes: list[Note] = []
    for factor in study.hierarchy.factors:
        if slopes and factor.name in fit.n_groups:
            made = _influence(study, fit, slopes, factor)
            blocks += made.blocks
            notes += made.notes
    return Part(tuple(blocks), (), tuple(notes))


def _influence(
    study: Study, fit: LinearMixedModel, slopes: tuple[Coefficient, ...], factor: Factor
) -> Part:
    exact = study.n_rows * fit.n_groups[factor.name] <= _REFITS
    try:
        table = Table.from_data(fit.influence(factor.name, exact=exact))
    except MultilevelError as error:
        return Part(
            (Paragraph(f"What single {the_groups(factor.label)} do was not found: {error}"),)
        )
    column = table.column("level")
    labels = column.levels[column.codes]
    found = [text for one in slopes for text in _changes(study, one, table, labels)]
    many = the_groups(factor.label)
    n = fit.n_groups[factor.name]
    how = "fitted again" if exact else "computed"
    head = Paragraph(
        f"The model was {how} without each of the {n:,} {many} in turn"
        f"{'' if exact else ', its variances held'}."
        + ("" if found else " No sign of a coefficient changes, and none loses or gains p < .05."),
        f"Single {many} and the conclusions",
    )
    if not found:
        return Part((head,))
    text = (
        f"Conclusions rest on single {many}: {found[0]} Look at these data, and report results "
        "with and without them."
    )
    return Part((head, Bullets(tuple(found))), (), (Note("A-INFL", text),))


def _changes(study: Study, one: Coefficient, table: Any, labels: Any) -> list[str]:
    """What leaving out groups does to the verdict on a coefficient, the largest changes first."""
    without = table.column(f"estimate__{one.name}").values
    shift = table.column(f"dfbetas__{one.name}").values
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(shift != 0.0, (one.estimate - without) / shift, one.std_error)
    low, high = wald_interval(without, np.abs(error), 0.95, one.df)
    clear = (low > 0.0) | (high < 0.0)
    turned = np.sign(without) != np.sign(one.estimate)
    changed = np.flatnonzero(
        np.isfinite(without) & (turned & (clear | one.clear) | (clear != one.clear))
    )
    order = changed[np.argsort(-np.abs(shift[changed]), kind="stable")]
    if not len(order):
        return []
    texts = []
    for j in order[:_SHOWN]:
        value, lower, upper = (
            measured(float(x[j]), float(np.abs(error[j]))) for x in (without, low, high)
        )
        texts.append(f"{code(str(labels[j]))} ({value}, 95% interval {lower} to {upper})")
    more = f" and {len(order) - _SHOWN:,} others" if len(order) > _SHOWN else ""
    what = "can no longer be told from 0" if one.clear else "can be told from 0"
    if turned[order].all():
        what = "changes its sign"
    found = f"{short_name(one, study)}, {measured(one.estimate, one.std_error)} with all groups"
    return [f"{found}, {what} without {listing(texts)}{more}."]
