"""The look of all figures: colours, axes, notes. Global settings of Matplotlib stay as they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

__all__ = [
    "BLUE",
    "COLOURS",
    "GREEN",
    "GREY",
    "INK",
    "LIGHT",
    "ORANGE",
    "SKY",
    "VERMILION",
    "add_note",
    "alpha_for",
    "dress",
    "key",
    "label_rows",
    "new_axes",
    "new_panels",
    "row_height",
    "text_of",
    "ticks_between",
    "whole_ticks",
    "wrapped",
]

# Okabe & Ito (2008), Color Universal Design: told apart by colour-blind readers.
BLUE, VERMILION, GREEN, ORANGE = "#0072b2", "#d55e00", "#009e73", "#e69f00"
SKY, PURPLE, INK = "#56b4e9", "#cc79a7", "#222222"
GREY, LIGHT = "#777777", "#dddddd"
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, INK)

# Rows with labels of their own; more would overlap.
MOST_LABELS = 60
_ROW = 0.17  # inches for a labelled row
_SMALL, _TEXT = 8, 9  # points
_CHARACTER, _HANDLE = 0.065, 0.5  # inches of small text, and of what stands before it in a legend
_NARROW = (4.8, 3.2)  # inches of a figure, and of one of several panels, in the column of a report


def _pyplot() -> Any:
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Figures need the package matplotlib: pip install 'multilevel[plot]'. The numbers that "
            "a figure draws come without it, from the function of the same name with _data."
        ) from error
    return pyplot


def new_axes(ax: Axes | None, size: tuple[float, float] = (5.2, 3.6)) -> Axes:
    """The axes given, or those of a new figure of a size in inches."""
    pyplot = _pyplot()
    if ax is None:
        _, ax = pyplot.subplots(figsize=size, layout="constrained")
    elif not hasattr(ax, "plot"):
        raise TypeError(f"ax must be Matplotlib axes, a single one; got {type(ax).__name__}.")
    return ax


def new_panels(
    ax: Any,
    n: int,
    *,
    columns: int,
    size: tuple[float, float] = (3.0, 2.6),
    share_x: bool = False,
    share_y: bool = False,
) -> Any:
    """Axes of ``n`` panels as a one-dimensional array: those given, or those of a new figure."""
    pyplot = _pyplot()
    if ax is not None:
        given = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(given) != n or not all(hasattr(axes, "plot") for axes in given):
            raise DataError(f"ax must be {n} Matplotlib axes, one for each panel.")
        return given
    columns = min(columns, n)
    rows = -(-n // columns)
    _, grid = pyplot.subplots(
        rows,
        columns,
        figsize=(size[0] * columns, size[1] * rows),
        layout="constrained",
        sharex=share_x,
        sharey=share_y,
        squeeze=False,
    )
    panels = grid.ravel()
    for unused in panels[n:]:
        unused.remove()
    for above in panels[max(n - columns, 0) : n]:  # the lowest panel of every column
        above.tick_params(labelbottom=True)
    return panels[:n]


def dress(
    ax: Axes,
    x: str = "",
    y: str = "",
    *,
    grid: Literal["both", "x", "y"] = "both",
    heading: str = "",
) -> None:
    """Label axes and make all but the data unobtrusive."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set(color=GREY, linewidth=0.6)
    ax.tick_params(labelsize=_SMALL, color=GREY, width=0.6, length=3)
    ax.set_axisbelow(True)
    ax.grid(visible=True, axis=grid, color=LIGHT, linewidth=0.5)
    wide = _panels_beside(ax) == 1
    ax.set_xlabel(wrapped(x, 44 if wide else 32), fontsize=_TEXT)
    ax.set_ylabel(wrapped(y, 40 if wide else 32), fontsize=_TEXT)
    if heading:
        ax.set_title(wrapped(heading, 40 if wide else 30), fontsize=_TEXT, loc="left")


def _panels_beside(ax: Axes) -> int:
    """How many panels share the width of the figure."""
    spec = ax.get_subplotspec()
    return 1 if spec is None else spec.get_gridspec().ncols


def key(ax: Axes, *, title: str = "", place: str = "best", columns: int = 1) -> None:
    """A legend without a box; ``"above"`` is outside of the axes, with as many columns as fit."""
    handles, labels = ax.get_legend_handles_labels()
    labels = [wrapped(label, 48) for label in labels]
    style: dict[str, Any] = {
        "frameon": False,
        "fontsize": _SMALL,
        "title": title or None,
        "ncols": columns,
    }
    if place == "above":
        style["ncols"] = _columns_that_fit(ax, labels, columns)
        style |= {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
    elif place == "right":
        style |= {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    else:
        style |= {"loc": place}
    legend = ax.legend(handles, labels, **style)
    legend.get_title().set_fontsize(_SMALL)


def _columns_that_fit(ax: Axes, labels: Sequence[str], most: int) -> int:
    """Columns of a legend above axes, the labels of which may take much of the figure's width."""
    widths = [_HANDLE + _CHARACTER * max(map(len, label.split("\n"))) for label in labels]
    rows = [line for tick in ax.get_yticklabels() for line in tick.get_text().split("\n")]
    figure: Any = ax.figure
    width = min(_NARROW[_panels_beside(ax) > 1], figure.get_size_inches()[0])
    room = width - _CHARACTER * max(map(len, rows), default=0) - 0.3
    for n in range(min(most, len(labels)), 1, -1):
        per = -(-len(labels) // n)  # entries fill one column after the other
        if sum(max(widths[i : i + per]) for i in range(0, len(labels), per)) <= room:
            return n
    return 1


def add_note(ax: Axes, text: str) -> None:
    """A remark at the upper right, above the axes."""
    if text:
        ax.annotate(
            text,
            (1.0, 1.0),
            xytext=(0, 2),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=7,
            color=GREY,
        )


def label_rows(
    ax: Axes, labels: Sequence[Any], name: str, *, total: int | None = None, first: str = "bottom"
) -> None:
    """Name rows at heights 0, 1, ... if they are few; say how many there are, and of how many."""
    n = len(labels)
    limits = (-0.6, n - 0.4)
    ax.set_ylim(limits if first == "bottom" else limits[::-1])
    count = f"{n:,}" if total in (None, n) else f"{n:,} of {total:,}"
    if n <= MOST_LABELS:
        ax.set_yticks(range(n), [_row_label(label) for label in labels])
        name = name if total in (None, n) else f"{name} ({count})"
    else:
        ax.set_yticks([])
        name = f"{name} ({count}, sorted)"
    ax.set_ylabel(name, fontsize=_TEXT)


def row_height(n: int, labels: Sequence[Any] = ()) -> float:
    """Height in inches of a figure with ``n`` rows, in which the labels have room."""
    if n > MOST_LABELS:
        return 5.2
    lines = max((_row_label(label).count("\n") + 1 for label in labels), default=1)
    return float(max(0.9 + _ROW * max(n, 0.85 * lines * len(labels)), 1.8))


def _row_label(label: Any) -> str:
    return wrapped(text_of(label), 32)


def alpha_for(n: int) -> float:
    """Opacity of one of ``n`` lines."""
    return float(np.clip(1.6 / max(n, 1) ** 0.4, 0.06, 0.9))


def whole_ticks(axis: Axis) -> None:
    """Ticks of an axis of counts at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))


def ticks_between(axis: Axis, values: Any) -> None:
    """Ticks at whole numbers only where all values are whole: no grade 8.5, no half days."""
    if np.array_equal(values, np.round(values)):
        whole_ticks(axis)


def text_of(label: Any) -> str:
    """A label of a group or term as text."""
    return f"{label:.6g}" if isinstance(label, float | np.floating) else str(label)


def wrapped(text: str, width: int) -> str:
    """Text broken into lines where it is long: between words, else after ``_ : . [`` in names."""
    from textwrap import wrap

    lines = [""]
    for word in text.split():
        pieces = [word] if len(word) <= width else re.findall(r"[^_:.\[]*[_:.\[]?", word)
        for i, piece in enumerate(pieces):
            longer = f"{lines[-1]} {piece}" if i == 0 and lines[-1] else f"{lines[-1]}{piece}"
            if len(longer) <= width:
                lines[-1] = longer
            else:
                lines += wrap(piece, width)
    return "\n".join(line for line in lines if line)
