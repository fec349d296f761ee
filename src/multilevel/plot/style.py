"""The look of all figures: colours, axes, notes. Global settings of Matplotlib stay as they are."""

from __future__ import annotations

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
    ax.set_xlabel(wrapped(x, 60), fontsize=_TEXT)
    ax.set_ylabel(wrapped(y, 40), fontsize=_TEXT)
    if heading:
        ax.set_title(wrapped(heading, 40), fontsize=_TEXT, loc="left")


def key(ax: Axes, *, title: str = "", place: str = "best", columns: int = 1) -> None:
    """A legend without a box; ``"above"`` is outside of the axes."""
    style: dict[str, Any] = {
        "frameon": False,
        "fontsize": _SMALL,
        "title": title or None,
        "ncols": columns,
    }
    if place == "above":
        style |= {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "borderaxespad": 0.2}
    elif place == "right":
        style |= {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
    else:
        style |= {"loc": place}
    legend = ax.legend(**style)
    legend.get_title().set_fontsize(_SMALL)


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
        ax.set_yticks(range(n), [wrapped(text_of(label), 32) for label in labels])
        name = name if total in (None, n) else f"{name} ({count})"
    else:
        ax.set_yticks([])
        name = f"{name} ({count}, sorted)"
    ax.set_ylabel(name, fontsize=_TEXT)


def row_height(n: int) -> float:
    """Height in inches of a figure with ``n`` rows."""
    return (
        float(np.clip(0.9 + _ROW * n, 1.8, 0.9 + _ROW * MOST_LABELS)) if n <= MOST_LABELS else 5.2
    )


def alpha_for(n: int) -> float:
    """Opacity of one of ``n`` lines."""
    return float(np.clip(1.6 / max(n, 1) ** 0.4, 0.06, 0.9))


def whole_ticks(axis: Axis) -> None:
    """Ticks of an axis of counts at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True, steps=[1, 2, 5, 10]))


def text_of(label: Any) -> str:
    """A label of a group or term as text."""
    return f"{label:.6g}" if isinstance(label, float | np.floating) else str(label)


def wrapped(text: str, width: int) -> str:
    """Text broken into lines where it is long."""
    from textwrap import fill

    return fill(text, width, break_on_hyphens=False)
