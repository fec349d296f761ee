"""Step 3, figures of the data: lines along time, or means of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Picture
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, number

if TYPE_CHECKING:
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["pictures"]

_DRAWN = 200_000  # rows up to which pictures take all groups


def pictures(study: Study) -> tuple[Picture, ...]:
    """A line for every group if there is time, or means of the first numeric predictor."""
    if study.time is not None:
        return (_lines(study, study.time),)
    first = next((p for p in study.at_level(1) if p.kind == "numeric"), None)
    return (_means(study, study.outcome if first is None else first.name),)


def _drawn(study: Study, names: list[str]) -> tuple[dict[str, np.ndarray], Factor, str]:
    """Rows for a picture: those of evenly spaced groups if there are very many."""
    inner = study.hierarchy.innermost
    codes = study.codes(inner)
    step = -(-study.n_rows // _DRAWN)
    rows = codes % step == 0
    if not rows.any():
        rows = np.ones(len(codes), dtype=bool)
    data = {name: study.table.column(name).values[study.rows][rows] for name in names}
    group = inner.name if inner.name not in data else f"{inner.name} "
    few = f" One in {step} {the_groups(inner.label)} is drawn." if step > 1 else ""
    return {**data, group: np.asarray(inner.labels)[codes[rows]]}, inner, few


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


def _means(study: Study, name: str) -> Picture:
    from multilevel import plot

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
