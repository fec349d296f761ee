"""Crossed factors: how many rows there are for every combination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.numbers import spread_out
from multilevel.plot.style import add_note, dress, new_axes, text_of, whole_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["incidence", "incidence_data"]

_NAMED = 30  # groups that are named at an axis


def incidence(
    data: Any, rows: str, columns: str, *, max_groups: int | None = 200, ax: Axes | None = None
) -> Axes:
    """Draw a heat map of the number of rows for every combination of two grouping factors.

    Groups are sorted by where their rows lie, so that nested or partially crossed factors show as
    blocks along the diagonal, and completely crossed ones as a filled rectangle.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation; rows without one of the groups are left out.
    rows, columns : str
        Columns of the two grouping factors, for the rows and the columns of the map.
    max_groups : int or None
        Draw at most so many groups of each, evenly spaced; None for all.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If a column does not exist or is no grouping factor, or no row has both.

    Examples
    --------
    >>> import multilevel as mlm
    >>> ax = mlm.plot.incidence(mlm.datasets.load("penicillin"), "sample", "plate")
    >>> ax.get_xlabel(), ax.get_ylabel()
    ('plate (24)', 'sample (6)')
    """
    counts, names, totals = _counts(data, rows, columns, max_groups)
    height = float(np.clip(1.2 + 0.16 * len(names[0]), 2.2, 4.6))
    ax = new_axes(ax, (5.2, height))
    shown = np.where(counts > 0, counts, np.nan)
    image = ax.imshow(
        shown, aspect="auto", cmap="viridis_r", vmin=0, interpolation="nearest", origin="upper"
    )
    dress(ax)
    ax.grid(visible=False)
    for axis, labels, name, total in zip(
        (ax.yaxis, ax.xaxis), names, (rows, columns), totals, strict=True
    ):
        texts = [text_of(label) for label in labels]
        named = len(texts) <= _NAMED
        axis.set_ticks(range(len(texts)) if named else [], texts if named else [])
        count = f"{total:,}" if total == len(texts) else f"{len(texts):,} of {total:,}"
        axis.set_label_text(f"{name} ({count})")
    if len(names[1]) > 10 or max(len(text_of(label)) for label in names[1]) > 3:
        ax.tick_params(axis="x", labelrotation=90)
    bar = ax.figure.colorbar(image, ax=ax, shrink=0.9, pad=0.02)
    bar.set_label("rows", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    whole_ticks(bar.ax.yaxis)
    bar.outline.set_visible(False)
    filled = float(np.mean(counts > 0))
    add_note(ax, f"{100 * filled:.3g} % of the combinations shown occur")
    return ax


def incidence_data(data: Any, rows: str, columns: str, *, max_groups: int | None = 200) -> Any:
    """Give the combinations that :func:`incidence` draws.

    Parameters
    ----------
    data, rows, columns, max_groups
        As in :func:`incidence`.

    Returns
    -------
    data frame
        The two columns by their names, and ``n_rows``; combinations without rows are left out.
    """
    counts, names, _ = _counts(data, rows, columns, max_groups)
    i, j = np.nonzero(counts)
    found: Columns = {rows: names[0][i], columns: names[1][j], "n_rows": counts[i, j]}
    return to_frame(found, Table.from_data(data))


def _counts(
    data: Any, rows: str, columns: str, max_groups: int | None
) -> tuple[np.ndarray, list[np.ndarray], list[int]]:
    """Rows per combination of the groups that are shown, their names, and how many there are."""
    if rows == columns or "n_rows" in (rows, columns):
        raise DataError("rows and columns must be two columns, neither of them 'n_rows'.")
    table = Table.from_data(data)
    first, second = table.column(rows), table.column(columns)
    both = (first.codes >= 0) & (second.codes >= 0)
    if not both.any():
        raise DataError(f"No row has values of both {rows!r} and {columns!r}.")
    a, b = first.codes[both], second.codes[both]
    b_order = np.argsort(_mean_of(a, b, len(second.levels)), kind="stable")
    b_rank = np.empty_like(b_order)
    b_rank[b_order] = np.arange(len(b_order))
    a_order = np.argsort(_mean_of(b_rank[b], a, len(first.levels)), kind="stable")
    orders = [_used(a_order, a), _used(b_order, b)]
    shown = [order[spread_out(len(order), max_groups)] for order in orders]
    counts = np.zeros((len(shown[0]), len(shown[1])), dtype=np.int64)
    places = []
    for codes, chosen, column in zip((a, b), shown, (first, second), strict=True):
        place = np.full(len(column.levels), -1)
        place[chosen] = np.arange(len(chosen))
        places.append(place[codes])
    seen = (places[0] >= 0) & (places[1] >= 0)
    np.add.at(counts, (places[0][seen], places[1][seen]), 1)
    names = [first.levels[shown[0]], second.levels[shown[1]]]
    return counts, names, [len(order) for order in orders]


def _mean_of(values: np.ndarray, codes: np.ndarray, n: int) -> np.ndarray:
    means: np.ndarray = np.bincount(codes, values, n) / np.maximum(np.bincount(codes, None, n), 1)
    return means


def _used(order: np.ndarray, codes: np.ndarray) -> np.ndarray:
    used: np.ndarray = order[np.isin(order, codes)]
    return used
