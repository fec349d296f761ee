"""Step 7, single groups: predictions, their reliability, and lines of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import effect_name
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, listing, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Block
    from multilevel.typing import Float
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["groups_part"]

_ENDS = 5  # lowest and highest groups that are listed
_REACH = 1.96  # standard errors of a 95% interval
_LINES = 100  # groups whose lines are drawn


def groups_part(study: Study, fit: LinearMixedModel) -> Part:
    """Lowest and highest predicted effects of every factor, reliability, figures."""
    if not fit.n_groups:
        return Part()
    blocks: list[Block] = []
    for factor in study.hierarchy.factors:
        if factor.name in fit.n_groups:
            blocks += _factor_blocks(study, fit, factor)
    return Part((*blocks, *_lines(study, fit)))


def _factor_blocks(study: Study, fit: LinearMixedModel, factor: Factor) -> list[Block]:
    """Levels of the groups of one factor, and figures of all its effects."""
    modes = Table.from_data(fit.ranef(factor.name))
    names = _texts(modes.column("term"))
    levels = np.flatnonzero(names == "Intercept")
    values, errors = (modes.column(name).values for name in ("estimate", "std_error"))
    if not len(levels) or not np.ptp(values[levels]):
        return []
    labels = _texts(modes.column("level"))
    order = levels[np.argsort(values[levels], kind="stable")]
    shown = order if len(order) <= 2 * _ENDS else np.concatenate([order[:_ENDS], order[-_ENDS:]])
    ends = [f"{number(float(values[i]))} ({code(str(labels[i]))})" for i in (order[0], order[-1])]
    many = the_groups(factor.label)
    clear = int(np.sum(np.abs(values[levels]) > _REACH * errors[levels]))
    told = f"{clear:,}" if clear else "none"
    text = (
        f"What the model predicts of single {many}: the deviation of each from the average group "
        f"with its predictors, between {ends[0]} and {ends[1]}. Predictions are drawn towards 0, "
        f"the more so the less a group's rows tell. The 95% intervals of {told} of "
        f"{len(levels):,} leave out 0. {_reliability(study, fit, factor)}"
    )
    rows, reliable = _of_groups(fit, factor)
    frame = study.frame(
        {
            "level": [str(labels[i]) for i in shown],
            "n_rows": [rows[str(labels[i])] for i in shown],
            "reliability": [reliable[str(labels[i])] for i in shown],
            "estimate": values[shown],
            "std_error": errors[shown],
            "conf_low": values[shown] - _REACH * errors[shown],
            "conf_high": values[shown] + _REACH * errors[shown],
        }
    )
    title = f"Predicted deviations of {many}, lowest and highest"
    unknown = any(not np.isfinite(reliable[str(labels[i])]) for i in shown)
    note = "–: the rows of this group alone do not give an estimate of it." if unknown else ""
    headings = {"level": factor.label}
    table = DataTable(f"groups_{factor.name}", title, frame, note=note, headings=headings)
    figures = [
        _caterpillar(study, fit, factor, name, values[names == name], errors[names == name])
        for name in dict.fromkeys(names)
    ]
    return [Paragraph(text, f"Single {many}"), table, *figures]


def _caterpillar(
    study: Study, fit: LinearMixedModel, factor: Factor, term: str, values: Float, errors: Float
) -> Picture:
    from multilevel import plot

    what = effect_name(term, study)
    clear = int(np.sum(np.abs(values) > _REACH * errors))
    low, high = number(float(values.min())), number(float(values.max()))
    return Picture(
        f"caterpillar_{factor.name}" + ("" if term == "Intercept" else f"_{term}"),
        f"Predicted deviations of {the_groups(factor.label)}, with intervals: {what}",
        f"{len(values):,} deviations in order, from {low} to {high}; the 95% intervals of "
        f"{f'{clear:,}' if clear else 'none'} leave out 0.",
        lambda: plot.caterpillar(fit, group=factor.name, term=term),
        lambda: plot.caterpillar_data(fit, group=factor.name, term=term),
    )


def _of_groups(fit: LinearMixedModel, factor: Factor) -> tuple[dict[str, int], dict[str, float]]:
    """Rows and reliability of the level of every group."""
    table = Table.from_data(fit.reliability(factor.name, per_group=True))
    chosen = np.flatnonzero(_texts(table.column("term")) == "Intercept")
    labels = [str(label) for label in _texts(table.column("level"))[chosen]]
    rows, values = (table.column(name).values[chosen] for name in ("n_rows", "reliability"))
    return (
        dict(zip(labels, rows.astype(int).tolist(), strict=True)),
        dict(zip(labels, values.tolist(), strict=True)),
    )


def _texts(column: Any) -> np.ndarray:
    found: np.ndarray = column.levels[column.codes]
    return found


def _reliability(study: Study, fit: LinearMixedModel, factor: Factor) -> str:
    table = Table.from_data(fit.reliability(factor.name))
    names = _texts(table.column("term"))
    texts = [
        f"{number(float(value), 2)} ({effect_name(str(name), study)})"
        for name, value in zip(names, table.column("reliability").values, strict=True)
        if np.isfinite(value)
    ]
    if not texts:
        return ""
    return f"Mean reliability of estimates from single groups: {listing(texts)}."


def _lines(study: Study, fit: LinearMixedModel) -> tuple[Picture, ...]:
    """Lines of groups over the first random slope, or the first number."""
    from multilevel import plot

    own = {one.own: one for one in study.predictors if one.kind == "numeric"}
    slopes = [name for term in fit._matrices.terms for name in term.names if name in own]
    used = [name for name in fit.coef_names if name in own and own[name].level == 1]
    names = [*slopes, *used]
    if not names:
        return ()
    x = names[0]
    shown = code(own[x].name)
    beta = dict(zip(fit.coef_names, fit.beta, strict=True)).get(x, 0.0)
    return (
        Picture(
            "lines",
            f"{code(study.outcome)} by {shown}: the population and single groups",
            f"Lines of single groups about that of the population, whose slope is {number(beta)}.",
            lambda: plot.random_slopes(fit, x, max_groups=_LINES),
            lambda: plot.random_slopes_data(fit, x, max_groups=_LINES),
        ),
    )
