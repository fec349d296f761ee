"""What a study gives: a table, sentences about it, and a figure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table as Frame
from multilevel.plot.numbers import columns_of
from multilevel.report.numbers import fixed_point, p_value
from multilevel.report.tree import Summary, Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Study", "frame_of"]

_MOST_ROWS = 20  # printed


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """A study of :mod:`multilevel.demo`: ``print`` it, or let a notebook show it.

    Attributes
    ----------
    title : str
        What was studied, and how.
    table : data frame
        The numbers, in long form.
    text : str
        What they say, a sentence or two about each result.
    """

    title: str
    table: Any
    text: str
    _draw: Callable[[Any], Any] = field(kw_only=True)

    def figure(self, ax: Any = None) -> Any:
        """Draw the results.

        Parameters
        ----------
        ax : matplotlib.axes.Axes or sequence of them, optional
            Where to draw, as many as there are panels; a new figure by default.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of them
            The axes.

        Raises
        ------
        DataError
            If there are more or fewer axes than panels.
        ImportError
            Without Matplotlib.
        """
        return self._draw(ax)

    def __str__(self) -> str:
        return str(self._summary)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self._summary._repr_html_()

    @classmethod
    def of(
        cls,
        title: str,
        columns: dict[str, Any],
        sentences: Sequence[str],
        draw: Callable[[dict[str, Any], Any], Any],
    ) -> Study:
        """The study with these results; ``draw`` takes the columns and the axes."""
        return cls(title, frame_of(columns), "\n".join(sentences), _draw=partial(draw, columns))

    @property
    def _summary(self) -> Summary:
        table, n = _as_text(self.table), len(self.table)
        if n > _MOST_ROWS:
            footer = f"... and {n - _MOST_ROWS} more rows in .table"
            table = replace(table, rows=table.rows[:_MOST_ROWS], footer=footer)
        return Summary(self.title, (), (table,), tuple(self.text.split("\n")))


def frame_of(columns: Mapping[str, Any]) -> Any:
    """A data frame of the library that is installed."""
    return to_frame(columns, Frame.from_data(dict(columns)))


def _as_text(frame: Any) -> Table:
    """A table of results with its cells as text; the columns of words come first."""
    columns = columns_of(frame)
    labels = [name for name, values in columns.items() if _is_label(values)]
    numbers = [name for name in columns if name not in labels]
    cells = [_words(columns[name]) for name in labels]
    cells += [_digits(columns[name], name) for name in numbers]
    return Table("", (*labels, *numbers), tuple(zip(*cells, strict=True)), labels=len(labels))


def _is_label(values: Any) -> bool:
    return np.asarray(values).dtype.kind not in "fiu"


def _words(values: Any) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _digits(values: Any, name: str) -> list[str]:
    """Numbers with equally many decimals, three digits of the largest; counts as they are."""
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        return [str(value) for value in array]
    if name.startswith("p_value"):
        return [p_value(value) for value in array]
    size = np.abs(array[np.isfinite(array) & (array != 0.0)])
    decimals = 2 - int(np.floor(np.log10(size.max()))) if len(size) else 0
    return [fixed_point(value, max(decimals, 0)) for value in array]
