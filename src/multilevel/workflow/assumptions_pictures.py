"""Step 3, figures of the data: distributions, lines of groups, relations within and between."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Paragraph, Picture
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, number, percent

if TYPE_CHECKING:
    from multilevel.report.document import Block
    from multilevel.typing import Float, Int
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["pictures"]

_DRAWN = 200_000  # rows up to which pictures take all groups
_PANELS = 12
_FEWEST = 3  # rows of a group from which a line of its own is a line
_RELATIONS = 3  # predictors with a picture of their own
_ALIKE = 1e-9


def pictures(study: Study) -> tuple[Block, ...]:
    """The outcome's distribution, lines of groups, and relations within and between groups."""
    own = [p for p in study.at_level(1) if p.kind == "numeric"]
    blocks: list[Block] = [_distribution(study)]
    if study.time is not None:
        blocks.append(_lines(study, study.time))
    along = study.time or next(iter(own), None)
    if along is not None:
        blocks += _panels(study, along)
    elif not study.predictors:
        blocks.append(_means(study))
    split = [one for one in own if _varies_between(study, one)]
    if split:
        blocks += _relations(study, split, len(own))
    return tuple(blocks)


def _values(study: Study, name: str) -> Float:
    values: Float = study.table.column(name).values[study.rows]
    return values


def _drawn(study: Study, names: list[str]) -> tuple[dict[str, np.ndarray], Factor, str]:
    """Rows for a picture: those of evenly spaced groups if there are very many."""
    inner = study.hierarchy.innermost
    codes = study.codes(inner)
    step = -(-study.n_rows // _DRAWN)
    rows = codes % step == 0
    if not rows.any():
        rows = np.ones(len(codes), dtype=bool)
    few = f" One in {step} {the_groups(inner.label)} is drawn." if step > 1 else ""
    return _data(study, names, rows), inner, few


def _data(study: Study, names: list[str], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Columns and, last, the groups."""
    inner = study.hierarchy.innermost
    data = {name: _values(study, name)[rows] for name in names}
    group = inner.name if inner.name not in data else f"{inner.name} "
    return {**data, group: np.asarray(inner.labels)[study.codes(inner)[rows]]}


def _distribution(study: Study) -> Picture:
    from multilevel import plot

    y, inner = study.outcome, study.hierarchy.innermost
    data = _data(study, [y], np.ones(study.n_rows, dtype=bool))
    group, codes = list(data)[-1], study.codes(inner)
    means = _group_means(data[y], codes)
    within = (data[y] - means[codes]).std()
    many = the_groups(inner.label)
    return Picture(
        "distribution",
        f"{y}: all rows, within {many}, and means of {many}",
        f"Histograms of {code(y)}: rows lie between {number(data[y].min())} and "
        f"{number(data[y].max())}, deviations within {many} have standard deviation "
        f"{number(within)}, means of {many} lie between {number(np.nanmin(means))} and "
        f"{number(np.nanmax(means))}.",
        lambda: plot.distribution(data, y, group),
        lambda: plot.distribution_data(data, y, group),
    )


def _group_means(x: Float, codes: Int) -> Float:
    """Means by group; NaN for groups without rows."""
    counts = np.bincount(codes)
    return np.where(counts > 0, np.bincount(codes, x) / np.maximum(counts, 1), np.nan)


def _lines(study: Study, time: Predictor) -> Picture:
    from multilevel import plot

    y, x = study.outcome, time.name
    data, inner, few = _drawn(study, [y, x])
    group = list(data)[-1]
    return Picture(
        "spaghetti",
        f"{y} by {x}, a line for each of the {the_groups(inner.label)}.{few}",
        f"Lines of {study.n_groups(inner):,} {the_groups(inner.label)}: {code(y)} between "
        f"{number(data[y].min())} and {number(data[y].max())}, {code(x)} between "
        f"{number(data[x].min())} and {number(data[x].max())}.{few}",
        lambda: plot.spaghetti(data, y, x, group),
        lambda: plot.spaghetti_data(data, y, x, group),
    )


def _own_slopes(x: Float, y: Float, codes: Int) -> Float:
    """Slopes of least squares in every group alone; NaN for few rows or the same x in all."""
    counts = np.bincount(codes)
    dx = x - _group_means(x, codes)[codes]
    product, square = np.bincount(codes, dx * y), np.bincount(codes, dx * dx)
    usable = (counts >= _FEWEST) & (square > (_ALIKE * np.abs(x).max()) ** 2 * counts)
    return np.where(usable, product / np.where(usable, square, 1.0), np.nan)


def _panels(study: Study, along: Predictor) -> list[Block]:
    """A panel with its own line for up to 12 groups, and how much these lines differ."""
    from multilevel import plot

    y, x, inner = study.outcome, along.name, study.hierarchy.innermost
    codes = study.codes(inner)
    slopes = _own_slopes(_values(study, x), _values(study, y), codes)
    usable = np.flatnonzero(np.isfinite(slopes))
    if len(usable) < 2:
        return []
    means = _group_means(_values(study, y), codes)[usable]
    usable = usable[np.lexsort((slopes[usable], means))]
    if len(usable) > _PANELS:
        usable = usable[np.linspace(0, len(usable) - 1, _PANELS).round().astype(int)]
    data = _data(study, [y, x], np.isin(codes, usable))
    group, many = list(data)[-1], the_groups(inner.label)
    n = study.n_groups(inner)
    shown = f"{len(usable)} of {n:,} {many}, evenly spaced by their mean" if len(usable) < n else ""
    text = _slopes_text(slopes[np.isfinite(slopes)], y, x, many)
    picture = Picture(
        "trellis",
        f"{y} by {x} with its own line of least squares (dashed) for each of "
        f"{shown or f'{n:,} {many}'}",
        text,
        lambda: plot.trellis(data, x, y=y, group=group),
        lambda: plot.trellis_data(data, x, y=y, group=group),
    )
    return [Paragraph(text, f"Lines of single {many}"), picture]


def _slopes_text(slopes: Float, y: str, x: str, many: str) -> str:
    low, middle, high = (number(float(q)) for q in np.quantile(slopes, [0.1, 0.5, 0.9]))
    rising = percent(float(np.mean(slopes > 0.0)), 0)
    return (
        f"Lines of least squares of {code(y)} on {code(x)}, each by the rows of one of "
        f"{len(slopes):,} {many} alone, have slopes with median {middle}; the middle 80% lie "
        f"between {low} and {high}, and {rising} rise. Part of these differences is chance, most "
        "where groups are small: step 5 tests whether slopes differ."
    )


def _varies_between(study: Study, one: Predictor) -> bool:
    x = _values(study, one.name)
    means = _group_means(x, study.codes(study.hierarchy.innermost))
    return bool(np.nanmax(means) - np.nanmin(means) > _ALIKE * np.abs(x).max())


def _relations(study: Study, split: list[Predictor], n: int) -> list[Block]:
    """Relations within groups and between their means."""
    inner, y = study.hierarchy.innermost, _values(study, study.outcome)
    codes, many = study.codes(inner), the_groups(inner.label)
    shown = split[:_RELATIONS]
    said = []
    for one in shown:
        x = _values(study, one.name)
        means = [_group_means(values, codes) for values in (x, y)]
        inside = [values - mean[codes] for values, mean in zip((x, y), means, strict=True)]
        used = np.isfinite(means[0])
        slopes = _slope(*inside), _slope(means[0][used], means[1][used])
        said.append(
            f"per unit of {code(one.name)}, {code(study.outcome)} differs by {number(slopes[0])} "
            f"between rows of the same group and by {number(slopes[1])} between the means of "
            f"{many}"
        )
    left = f" Pictures are of the first {len(shown)} of {n} such predictors." * (n > len(shown))
    text = f"{'; '.join(said)}."
    start = (
        f"{text[0].upper()}{text[1:]}{left} Straight lines of least squares, without the other "
        "predictors: look for bends, and for two slopes that differ."
    )
    drawn = [_relation(study, one, said[i]) for i, one in enumerate(shown)]
    return [Paragraph(start, f"Within {many} and between them"), *drawn]


def _slope(x: Float, y: Float) -> float:
    dx = x - x.mean()
    return float(dx @ y / (dx @ dx))


def _relation(study: Study, one: Predictor, said: str) -> Picture:
    from multilevel import plot

    y, x = study.outcome, one.name
    data, inner, few = _drawn(study, [y, x])
    group, many = list(data)[-1], the_groups(inner.label)
    return Picture(
        f"within_between_{x}",
        f"{y} by {x}, within {many} and between their means.{few}",
        f"Points with line and curve, rows around the means of their groups at the left, means at "
        f"the right: {said}.{few}",
        lambda: plot.within_between(data, y, x, group),
        lambda: plot.within_between_data(data, y, x, group),
    )


def _means(study: Study) -> Picture:
    from multilevel import plot

    name = study.outcome
    data, inner, few = _drawn(study, [name])
    group = list(data)[-1]
    return Picture(
        "group_means",
        f"Means of {name} in {the_groups(inner.label)}, sorted.{few}",
        f"Means of {code(name)} in {study.n_groups(inner):,} {the_groups(inner.label)} with 95% "
        f"intervals; rows lie between {number(data[name].min())} and {number(data[name].max())}."
        f"{few}",
        lambda: plot.group_means(data, name, group),
        lambda: plot.group_means_data(data, name, group),
    )
