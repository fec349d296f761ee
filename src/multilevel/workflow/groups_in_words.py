"""Step 7, single groups: predictions, their reliability, and lines of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, listing, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Block
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["groups_part"]

_ENDS = 5  # lowest and highest groups that are listed
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
    from multilevel import plot

    table = Table.from_data(fit.ranef(factor.name))
    term = table.column("term")
    names = term.levels[term.codes]
    chosen = np.flatnonzero(names == "Intercept")
    if not len(chosen) or not np.ptp(table.column("estimate").values[chosen]):
        return []
    estimate = table.column("estimate").values[chosen]
    order = np.argsort(estimate, kind="stable")
    few = np.unique(np.concatenate([order[:_ENDS], order[-_ENDS:]]), return_index=True)[1]
    shown = chosen[np.concatenate([order[:_ENDS], order[-_ENDS:]])[np.sort(few)]]
    level = table.column("level")
    labels = level.levels[level.codes]
    errors = table.column("std_error").values
    values = table.column("estimate").values
    frame = study.frame(
        {
            "level": [str(labels[i]) for i in shown],
            "estimate": values[shown],
            "std_error": errors[shown],
            "conf_low": values[shown] - 1.96 * errors[shown],
            "conf_high": values[shown] + 1.96 * errors[shown],
        }
    )
    many = the_groups(factor.label)
    clear = int(np.sum(np.abs(values[chosen]) > 1.96 * errors[chosen]))
    text = (
        f"What the model predicts of single {many}: the deviation of each from the average group "
        f"with its predictors, between {number(values[shown[0]])} ({code(str(labels[shown[0]]))}) "
        f"and {number(values[shown[-1]])} ({code(str(labels[shown[-1]]))}). Predictions are drawn "
        "towards 0, the more so the less a group's rows tell. The 95% intervals of "
        f"{clear:,} of {len(chosen):,} leave out 0. {_reliability(study, fit, factor)}"
    )
    title = f"Predicted deviations of {many}, lowest and highest"
    return [
        Paragraph(text, f"Single {many}"),
        DataTable(f"groups_{factor.name}", title, frame),
        Picture(
            f"caterpillar_{factor.name}",
            f"Predicted deviations of {many} with intervals",
            text,
            lambda: plot.caterpillar(fit, group=factor.name),
            lambda: plot.caterpillar_data(fit, group=factor.name),
        ),
    ]


def _reliability(study: Study, fit: LinearMixedModel, factor: Factor) -> str:
    table = Table.from_data(fit.reliability(factor.name))
    term = table.column("term")
    names = term.levels[term.codes]
    own = {one.own: one.name for one in study.predictors}
    texts = [
        f"{number(float(value), 2)} for "
        f"{'levels' if name == 'Intercept' else 'slopes of ' + code(own.get(name, str(name)))}"
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
