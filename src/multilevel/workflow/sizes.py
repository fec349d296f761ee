"""How many groups there are, and how many rows in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.workflow.words import code, counted, number, percent, plural

if TYPE_CHECKING:
    from multilevel.typing import Int

__all__ = ["Sizes", "a_group", "read_sizes", "the_groups"]


@dataclass(frozen=True, slots=True)
class Sizes:
    """Numbers of rows in the groups of a factor.

    Attributes
    ----------
    rows : ndarray, shape (n_groups,)
        Rows of each group that has any.
    """

    rows: Int

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return len(self.rows)

    @property
    def balanced(self) -> bool:
        """Whether all groups have the same number of rows."""
        return bool(self.rows.min() == self.rows.max())

    @property
    def mean(self) -> float:
        """Mean number of rows."""
        return float(self.rows.mean())

    @property
    def harmonic(self) -> float:
        """Harmonic mean, which small groups pull down."""
        return self.n_groups / float(np.sum(1.0 / self.rows))

    @property
    def singletons(self) -> int:
        """Number of groups with one row."""
        return int((self.rows == 1).sum())

    @property
    def span(self) -> str:
        """Smallest and largest number of rows: ``14–67``."""
        return f"{int(self.rows.min()):,}–{int(self.rows.max()):,}"

    def quantile(self, p: float) -> float:
        """Quantile of the numbers of rows."""
        return float(np.quantile(self.rows, p))

    def sentence(self, label: str) -> str:
        """``160 schools (14-67 per school, mean 44.9, harmonic mean 41.1)``."""
        per = a_group(label)
        if self.balanced:
            inside = f"{number(float(self.rows[0]))} per {per}"
        else:
            inside = (
                f"{self.span} per {per}, mean {number(self.mean)}, harmonic mean "
                f"{number(self.harmonic)}"
            )
        groups = counted(self.n_groups, label)
        if not per.startswith("group of `"):
            return f"{groups} ({inside})"
        return f"{groups.partition(' (')[0]} of {code(label)} ({inside.replace(per, 'group')})"

    def singles(self, label: str) -> str:
        """How many groups have one row."""
        share = percent(self.singletons / self.n_groups)
        return f"{self.singletons:,} of {counted(self.n_groups, label)} ({share})"


def read_sizes(codes: Int) -> Sizes:
    """Sizes of the groups that occur."""
    rows = np.bincount(codes[codes >= 0])
    return Sizes(rows[rows > 0].astype(np.int32))


def a_group(label: str) -> str:
    """One unit of a factor: "school", or "group of `id`" if the column is no word."""
    word = counted(1, label).removeprefix("1 ")
    return f"group of {code(label)}" if word.startswith("group (") else word


def the_groups(label: str) -> str:
    """Units of a factor: "schools", or "groups of `id`"."""
    one = a_group(label)
    return one.replace("group of", "groups of", 1) if one.startswith("group of `") else plural(one)
