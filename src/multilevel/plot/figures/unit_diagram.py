"""Unit diagram: the levels of the data, and what belongs to what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table
from multilevel.plot.style import BLUE, GREY, INK, new_axes, wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes

    from multilevel.plot.numbers import Columns

__all__ = ["unit_diagram", "unit_diagram_data"]

_WIDTH, _HEIGHT = 0.78, 0.5  # of a box, in units of the distance between boxes


def unit_diagram(
    units: Mapping[str, int], above: Mapping[str, Sequence[str]], *, ax: Axes | None = None
) -> Axes:
    r"""Draw the levels of the data as boxes, with arrows from units to the groups they belong to.

    Crossed factors stand side by side, nested ones below each other.

    Parameters
    ----------
    units : mapping of str to int
        Numbers of units by name: ``{"school": 160, "pupil": 7185}``.
    above : mapping of str to sequence of str
        The groups that a unit belongs to: ``{"pupil": ["school"]}``; two are crossed.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes.

    Raises
    ------
    DataError
        If ``above`` names units that there are not, or goes round in a circle.

    Notes
    -----
    After the unit diagrams of Browne, Goldstein & Rasbash (2001), Statistical Modelling 1, 103-124.

    Examples
    --------
    >>> import multilevel as mlm
    >>> ax = mlm.plot.unit_diagram({"school": 160, "pupil": 7185}, {"pupil": ["school"]})
    >>> sorted(text.get_text() for text in ax.texts if text.get_text())
    ['pupil\n7,185', 'school\n160']
    """
    heights = _heights(units, above)
    places = _places(units, heights)
    top = max(heights.values())
    width = max(len([n for n, h in heights.items() if h == level]) for level in range(top + 1))
    ax = new_axes(ax, (2.6 + 1.1 * (width - 1), 0.5 + 0.95 * (top + 1)))
    for name, (x, y) in places.items():
        for home in above.get(name, ()):
            to_x, to_y = places[home]
            ax.annotate(
                "",
                (to_x, to_y - _HEIGHT / 2),
                xytext=(x, y + _HEIGHT / 2),
                arrowprops={"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2},
            )
        _box(ax, x, y, f"{wrapped(name, 16)}\n{units[name]:,}", bottom=heights[name] == 0)
    ax.set_xlim(-width / 2, width / 2)
    ax.set_ylim(-0.45, top + 0.45)
    ax.set_xticks([])
    ax.set_yticks(range(top + 1), [f"level {level + 1}" for level in range(top + 1)], fontsize=8)
    ax.tick_params(length=0, labelcolor=GREY)
    ax.set_xlabel("arrows: belongs to one", fontsize=8, color=GREY)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


def unit_diagram_data(units: Mapping[str, int], above: Mapping[str, Sequence[str]]) -> Any:
    """Give the units that :func:`unit_diagram` draws.

    Parameters
    ----------
    units, above
        As in :func:`unit_diagram`.

    Returns
    -------
    data frame
        ``unit``, ``level`` (1 is the lowest), ``n_units``, ``belongs_to`` (joined by a comma);
        pandas, or what is installed.
    """
    heights = _heights(units, above)
    columns: Columns = {
        "unit": list(units),
        "level": [heights[name] + 1 for name in units],
        "n_units": list(units.values()),
        "belongs_to": [", ".join(above.get(name, ())) for name in units],
    }
    return to_frame(columns, Table.from_data({"unit": list(units)}))


def _heights(units: Mapping[str, int], above: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Level of every unit: one above the highest of those that belong to it."""
    if not units:
        raise DataError("units is empty: give the number of units by name.")
    for name in (*above, *(home for homes in above.values() for home in homes)):
        if name not in units:
            raise DataError(f"above names {name!r}, which is not in units.")
    below = {name: [one for one, homes in above.items() if name in homes] for name in units}

    def height(name: str, path: tuple[str, ...]) -> int:
        if name in path:
            raise DataError(f"above goes round in a circle: {' in '.join((*path, name))}.")
        return max((height(one, (*path, name)) + 1 for one in below[name]), default=0)

    return {name: height(name, ()) for name in units}


def _places(units: Mapping[str, int], heights: dict[str, int]) -> dict[str, tuple[float, float]]:
    """Centres of the boxes: units of a level side by side."""
    places = {}
    for level in set(heights.values()):
        here = [name for name in units if heights[name] == level]
        for i, name in enumerate(here):
            places[name] = (i - (len(here) - 1) / 2, float(level))
    return places


def _box(ax: Axes, x: float, y: float, text: str, *, bottom: bool) -> None:
    from matplotlib.patches import FancyBboxPatch

    ax.add_patch(
        FancyBboxPatch(
            (x - _WIDTH / 2, y - _HEIGHT / 2),
            _WIDTH,
            _HEIGHT,
            boxstyle="round,pad=0,rounding_size=0.06",
            facecolor="white" if bottom else "#e8f1f8",
            edgecolor=BLUE,
            linewidth=1.2,
        )
    )
    ax.text(x, y, text, ha="center", va="center", fontsize=9, color=INK)
