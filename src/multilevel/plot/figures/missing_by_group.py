"""Missing values: which columns, and in which groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.style import add_note, dress, new_axes, text_of, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["missing_by_group", "missing_by_group_data"]

_NAMED = 30


def missing_by_group(
    data: Any,
    group: str,
    columns: Sequence[str],
    *,
    max_groups: int | None = 60,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share of missing values of columns in every group as a heat map.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation.
    group : str
        Column of the groups; rows without one are left out.
    columns : sequence of str
        Columns whose missing values are counted.
    max_groups : int or None
        Draw at most so many groups, those with the largest shares; None for all.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If a column does not exist, or nothing is missing.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = {"g": ["a", "a", "b", "b"], "x": [1.0, None, 2.0, 3.0]}
    >>> ax = mlm.plot.missing_by_group(data, "g", ["x"])
    >>> ax.get_xlabel()
    'g (2)'
    """
    shares, labels, n_groups = _shares(data, group, columns, max_groups)
    ax = new_axes(ax, (5.2, 1.3 + 0.3 * len(columns)))
    image = ax.imshow(
        shares, aspect="auto", cmap="Blues", vmin=0.0, vmax=1.0, interpolation="nearest"
    )
    dress(ax)
    ax.grid(visible=False)
    ax.set_yticks(range(len(columns)), [wrapped(name, 24) for name in columns])
    named = len(labels) <= _NAMED
    texts = [text_of(label) for label in labels] if named else []
    ax.set_xticks(range(len(texts)), texts, rotation=90 if len(texts) > 10 else 0)
    count = f"{n_groups:,}" if n_groups == len(labels) else f"{len(labels):,} of {n_groups:,}"
    ax.set_xlabel(f"{group} ({count})", fontsize=9)
    bar = ax.figure.colorbar(image, ax=ax, pad=0.02)
    bar.set_ticks([0.0, 0.5, 1.0], labels=["0 %", "50 %", "100 %"])
    bar.ax.tick_params(labelsize=8)
    bar.set_label("missing", fontsize=8)
    bar.outline.set_visible(False)
    if len(labels) < n_groups:
        add_note(ax, "groups with the most missing values")
    return ax


def missing_by_group_data(
    data: Any, group: str, columns: Sequence[str], *, max_groups: int | None = 60
) -> Any:
    """Give the shares that :func:`missing_by_group` draws.

    Parameters
    ----------
    data, group, columns, max_groups
        As in :func:`missing_by_group`.

    Returns
    -------
    data frame
        The column of the groups by its name, ``column``, ``missing`` (a share from 0 to 1).
    """
    shares, labels, _ = _shares(data, group, columns, max_groups)
    found: Columns = {
        group: np.tile(labels, len(columns)),
        "column": np.repeat(np.array(columns, dtype=object), len(labels)),
        "missing": shares.ravel(),
    }
    return to_frame(found, Table.from_data(data))


def _shares(
    data: Any, group: str, columns: Sequence[str], max_groups: int | None
) -> tuple[np.ndarray, np.ndarray, int]:
    """Shares by column and group, the most first; labels of the groups; how many there are."""
    table = Table.from_data(data)
    own = table.column(group)
    known = own.codes >= 0
    codes, n = own.codes[known], len(own.levels)
    rows = np.bincount(codes, minlength=n)
    shares = np.zeros((len(columns), n))
    for i, name in enumerate(columns):
        missing = table.column(name).missing
        if missing is not None:
            shares[i] = np.bincount(codes, missing[known], n) / np.maximum(rows, 1)
    if not shares.any():
        raise DataError(f"Nothing is missing in {', '.join(map(repr, columns)) or 'no column'}.")
    order = np.argsort(-shares.sum(axis=0), kind="stable")[:max_groups]
    return shares[:, order], own.levels[order], n
