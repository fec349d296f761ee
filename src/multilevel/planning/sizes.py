"""The sizes of the designs of a power study."""

from __future__ import annotations

from typing import Any

import numpy as np

from multilevel.exceptions import DataError

__all__ = ["check_size", "expected_sizes", "listed", "mean_size"]


def listed(name: str, sizes: Any) -> list[Any]:
    """Sizes to be studied one by one, numbers ascending: those of a list, or the one given.

    Raises
    ------
    DataError
        If the list is empty, or has something twice.
    """
    if not isinstance(sizes, list | range | np.ndarray):
        return [sizes]
    several = [int(size) if isinstance(size, np.integer) else size for size in sizes]
    if not several:
        raise DataError(f"{name} is empty; give a number, or a list of them.")
    if all(isinstance(size, int) for size in several):
        several.sort()
    if any(several.count(size) > 1 for size in several):
        raise DataError(f"{name}={several} has a size twice.")
    if len({size[1:] for size in several if isinstance(size, tuple)}) > 1 and name == "n_groups":
        raise DataError(
            f"n_groups={several} varies the groups within groups, too: call power() once for each."
        )
    return several


def check_size(name: str, size: object) -> int:
    """A size as int.

    Raises
    ------
    DataError
        If it is no whole number from 1.
    """
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise DataError(f"{name} must count with whole numbers from 1; got {size!r}.")
    return int(size)


def expected_sizes(n_groups: float, inner: float, n_per_group: float) -> dict[str, float]:
    """Columns of a table that tell a design.

    Parameters
    ----------
    n_groups : float
        Groups of the top level.
    inner : float
        Innermost groups in each of these, on average; 1 with two levels.
    n_per_group : float
        Rows in each innermost group, on average.
    """
    rows = n_groups * inner * n_per_group
    return {
        "n_groups": _whole(n_groups),
        "n_per_group": _whole(n_per_group),
        "n_rows": _whole(rows),
    }


def mean_size(size: Any) -> float:
    """Expected number of units: of a number, of a range (smallest, largest), of a list."""
    return float(np.mean(size))


def _whole(value: float) -> float:
    """The number as int, where it is one within rounding."""
    return round(value) if abs(value - round(value)) < 1e-9 * max(1.0, value) else value
