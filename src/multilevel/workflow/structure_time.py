"""Step 1, time: occasions, spacing, drop-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import a_group, read_sizes
from multilevel.workflow.words import code, counted, number, percent

if TYPE_CHECKING:
    from multilevel.report.document import Block
    from multilevel.typing import Float
    from multilevel.workflow.study import Study

__all__ = ["time_part"]

_MOST_TIMES = 30  # more different times are no common occasions
_EVEN = 1e-6  # relative difference of gaps that are called equal


def time_part(study: Study) -> Part:
    """Occasions and their spacing; nothing without time."""
    from multilevel import plot

    if study.time is None:
        return Part()
    name = study.time.name
    when = study.table.column(name).values[study.rows]
    times, rows = np.unique(when, return_counts=True)
    drop = _drop_out(times, rows)
    text = f"{_occasions(study, when)} {_spacing(study, times, when)} {drop}"
    data = {name: when}
    alike = rows.min() == rows.max()
    each = f"{rows[0]:,}" if alike else f"at least {rows.min():,} and at most {rows.max():,}"
    picture = Picture(
        "rows_by_time",
        f"Rows at each {name}",
        f"Bars of rows by {name}, from {number(times[0])} to {number(times[-1])}: {each} rows at "
        "a time.",
        lambda: plot.occasions(data, name),
        lambda: plot.occasions_data(data, name),
    )
    blocks: list[Block] = [Paragraph(text.strip(), "Time"), picture]
    if len(times) <= _MOST_TIMES and not alike:
        columns = {name: times, "n_rows": rows, "share": rows / rows.max()}
        headings = {"n_rows": "Rows", "share": "Of the fullest"}
        table = DataTable("occasions", f"Rows by {name}", study.frame(columns), 1, "", headings)
        blocks.append(table)
    return Part(tuple(blocks))


def _occasions(study: Study, when: Float) -> str:
    """Occasions per unit, and how long they were followed."""
    inner = study.hierarchy.innermost
    sizes = read_sizes(study.codes(inner))
    each = a_group(inner.label)
    units = counted(sizes.n_groups, inner.label)
    if sizes.balanced:
        text = f"Each of the {units} was measured {sizes.rows[0]:,} times"
    else:
        text = (
            f"The {units} were measured {sizes.rows.min():,} to {sizes.rows.max():,} times "
            f"(median {number(sizes.quantile(0.5))} per {each})"
        )
    return (
        f"{text}, at {code(study.request.time or '')} {number(when.min())} to {number(when.max())}."
    )


def _spacing(study: Study, times: Float, when: Float) -> str:
    """Whether all units share their times, and whether these are equally spaced."""
    codes = study.codes(study.hierarchy.innermost)
    sizes = read_sizes(codes).rows
    place = np.searchsorted(times, when)
    cells = len(np.unique(codes.astype(np.int64) * len(times) + place))
    n_units = len(sizes)
    if len(times) > max(_MOST_TIMES, 2 * sizes.max()):
        return (
            f"There are {len(times):,} different times: units have times of their own, so that "
            "time is taken as it is, not as a number of the occasion."
        )
    if len(times) < 2:
        return "There is only one time, so that nothing can be said of change."
    gaps = np.diff(times)
    even = bool(np.ptp(gaps) <= _EVEN * gaps.max())
    apart = number(gaps[0]) if even else f"{number(gaps.min())} to {number(gaps.max())}"
    kind = f"{'equally' if even else 'unequally'} spaced, {apart} apart"
    if cells == n_units * len(times):
        return f"All share the same {len(times)} occasions ({kind}): the data are time-structured."
    made = percent(cells / (n_units * len(times)))
    return (
        f"There are {len(times)} common occasions ({kind}); {made} of the measurements that were "
        "possible were made."
    )


def _drop_out(times: Float, rows: np.ndarray) -> str:
    if not 2 <= len(times) <= _MOST_TIMES or rows[0] == rows[-1]:
        return ""
    change = "fewer" if rows[-1] < rows[0] else "more"
    return (
        f"At the last time there are {change} rows than at the first: {rows[-1]:,} and "
        f"{rows[0]:,}."
        + (
            " If those who dropped out differ in ways that the model does not know, what is said "
            "of change is said of those who stayed."
            if change == "fewer"
            else ""
        )
    )
