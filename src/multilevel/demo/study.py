"""What a study gives: a table, sentences about it, and a figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.plot.numbers import columns_of
from multilevel.report.numbers import significant
from multilevel.report.tree import Summary, Table

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Study"]


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

    @property
    def _summary(self) -> Summary:
        return Summary(self.title, (), (_as_text(self.table),), tuple(self.text.split("\n")))


def _as_text(frame: Any) -> Table:
    """A table of results with its cells as text; the columns of words come first."""
    columns = columns_of(frame)
    labels = [name for name, values in columns.items() if _is_label(values)]
    numbers = [name for name in columns if name not in labels]
    cells = [_words(columns[name]) for name in labels]
    cells += [_digits(columns[name]) for name in numbers]
    return Table("", (*labels, *numbers), tuple(zip(*cells, strict=True)), labels=len(labels))


def _is_label(values: Any) -> bool:
    return np.asarray(values).dtype.kind not in "fiu"


def _words(values: Any) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _digits(values: Any) -> list[str]:
    """Numbers with equally many decimals; counts as they are."""
    array = np.asarray(values)
    return [str(v) for v in array] if array.dtype.kind in "iu" else significant(array)
