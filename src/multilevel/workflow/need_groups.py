"""Step 4: means of groups, how reliable they are, and what the model makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.numbers import columns_of, take
from multilevel.report.document import Block, DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.predictors import intraclass
from multilevel.workflow.sizes import a_group, read_sizes, the_groups
from multilevel.workflow.words import code, indefinite, measured, number, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.typing import Float
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["group_means_part"]

# Groups in a figure; of more, so many are drawn, evenly spaced in order.
_MOST_GROUPS = 30

_LEGEND = (
    "In the figures, no pooling is the observed mean of a group, partial pooling that of the "
    "model, complete pooling the mean of all rows. Thick intervals are for comparing two groups "
    "that were chosen beforehand, thin ones for a single group (Goldstein & Healy 1995). "
    "Neighbours in the order can mostly not be told apart: it is no league table."
)


def group_means_part(study: Study, null: LinearMixedModel) -> Part:
    """Reliability of the means of groups, and figures of the means with and without the model."""
    blocks: list[Block] = []
    texts = []
    for factor in study.hierarchy.factors:
        texts.append(_reliability(study, null, factor))
        if factor.parent is None:
            blocks += _pictures(study, null, factor)
    if blocks:
        texts.append(_LEGEND)
    text = " ".join(texts)
    return Part((Paragraph(text, "Means of groups"), _table(study, null), *blocks))


def _reliability(study: Study, null: LinearMixedModel, factor: Factor) -> str:
    """How reliable the mean of a group is, on average and in the least and most reliable."""
    own = _lambdas(null, factor)
    one, groups = a_group(factor.label), the_groups(factor.label)
    if not len(own) or own.max() <= 0.0:
        return f"Means of {groups} tell nothing of how {groups} differ (reliability 0)."
    mean, low, high = (number(float(x), 2) for x in (own.mean(), own.min(), own.max()))
    spread = f", from {low} to {high}" if low != high else ""
    above = "all"
    if factor.parent is not None:
        above = f"its {a_group(study.hierarchy.factors[factor.parent].label)}"
    return (
        f"Of the variance of the observed means of {groups}, a share of {mean} is due to {groups} "
        f"that differ, the rest to which rows happen to be in them (mean of the reliabilities λ of "
        f"{groups}{spread}). The model therefore draws the mean of {indefinite(one)} towards that "
        f"of {above}, by {percent(1.0 - float(own.mean()), 0)} of the way on average."
    )


def _table(study: Study, null: LinearMixedModel) -> DataTable:
    """ICC(1) and ICC(2) by analysis of variance, and the mean reliability by the model."""
    factors = study.hierarchy.factors
    rows: dict[str, list[float]] = {
        name: []
        for name in ("n_groups", "mean_size", "icc", "icc2", "reliability", "lowest", "highest")
    }
    for factor in factors:
        codes, own = study.codes(factor), _lambdas(null, factor)
        sizes = read_sizes(codes)
        first = intraclass(study.y, codes)
        usual = _usual_size(sizes.rows.astype(np.float64))
        second = usual * first / (1.0 + (usual - 1.0) * first)
        ends = (own.mean(), own.min(), own.max()) if len(own) else (np.nan, np.nan, np.nan)
        values = (sizes.n_groups, sizes.mean, first, second, *ends)
        for name, value in zip(rows, values, strict=True):
            rows[name].append(float(value))
    frame = study.frame(
        {"group": [one.name for one in factors], **{k: np.array(v) for k, v in rows.items()}}
    )
    headings = {
        "icc": "ICC(1)",
        "icc2": "ICC(2)",
        "reliability": "Share λ, mean",
        "lowest": "Share λ, lowest",
        "highest": "Share λ, highest",
    }
    note = (
        "ICC(1) and ICC(2) by analysis of variance: the share between groups, and the reliability "
        "of a mean of a group of usual size, 1 − 1/F. λ by the model, of every group by its "
        "size (Raudenbush & Bryk 2002)."
    )
    if len(factors) > 1:
        note += " The analysis of variance is of each factor alone."
    if study.request.weights:
        note += " The analysis of variance does not use the weights."
    return DataTable("reliability", "Reliability of group means", frame, 1, note, headings)


def _usual_size(rows: Float) -> float:
    """Size of groups with which an unbalanced analysis of variance is like a balanced one."""
    n = float(rows.sum())
    return (n - float((rows**2).sum()) / n) / max(len(rows) - 1, 1)


def _lambdas(null: LinearMixedModel, factor: Factor) -> Float:
    """Reliability of the mean of every group that has one."""
    values: Float = columns_of(null.reliability(factor.name, per_group=True))["reliability"]
    return values[np.isfinite(values)]


def _pictures(study: Study, null: LinearMixedModel, factor: Factor) -> tuple[Picture, ...]:
    """The predicted differences of groups, and means before and after."""
    from multilevel import plot

    table = columns_of(null.ranef(factor.name))
    if not np.ptp(table["estimate"]) > 0.0:
        return ()
    name, groups, n = factor.name, the_groups(factor.label), len(table["level"])
    part = f" ({_MOST_GROUPS} of {n:,}, evenly spaced in order)" if n > _MOST_GROUPS else ""
    tops = [one for one in study.hierarchy.factors if one.parent is None]
    suffix = f"_{name}" if len(tops) > 1 else ""
    return (
        Picture(
            f"caterpillar{suffix}",
            f"Predicted differences of {groups} from the mean{part}",
            _differences(factor, table),
            lambda: plot.caterpillar(null, group=name, max_groups=_MOST_GROUPS),
            lambda: plot.caterpillar_data(null, group=name, max_groups=_MOST_GROUPS),
        ),
        Picture(
            f"shrinkage{suffix}",
            f"Means of {groups}: observed, and as the model predicts them{part}",
            _drawn_in(null, factor),
            lambda: plot.shrinkage(null, group=name, max_groups=_MOST_GROUPS),
            lambda: plot.shrinkage_data(null, group=name, max_groups=_MOST_GROUPS),
        ),
    )


def _differences(factor: Factor, table: dict[str, Any]) -> str:
    """The outermost groups, and how many differ from the mean."""
    groups, one = the_groups(factor.label), a_group(factor.label)
    estimate, error = table["estimate"], table["std_error"]
    low, high = int(np.argmin(estimate)), int(np.argmax(estimate))
    clear = int((np.abs(estimate) > 1.96 * error).sum())
    ends = [
        f"{measured(float(estimate[i]), float(error[i]))} ({one} {code(str(table['level'][i]))})"
        for i in (low, high)
    ]
    return (
        f"From {ends[0]} to {ends[1]}. Of {len(estimate):,} {groups}, {clear:,} have a 95% "
        "interval that leaves out the mean of all."
    )


def _drawn_in(null: LinearMixedModel, factor: Factor) -> str:
    """The group that the model moves most."""
    table = columns_of(null.shrinkage(factor.name))
    table = take(table, np.isfinite(table["no_pooling"]))
    way = np.abs(table["partial_pooling"] - table["no_pooling"])
    most = int(np.argmax(way))
    before, after = (number(float(table[k][most])) for k in ("no_pooling", "partial_pooling"))
    rows, mean = int(table["n_rows"][most]), number(float(null.beta[0]))
    return (
        f"Arrows lead from observed means to those of the model, towards {mean}. The longest is "
        f"that of {a_group(factor.label)} {code(str(table['level'][most]))} ({rows:,} "
        f"{'row' if rows == 1 else 'rows'}): from {before} to {after}."
    )
