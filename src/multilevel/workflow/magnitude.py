"""Numbers that are too large, too small or too close together to be computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["check_magnitude"]

# Products of four numbers and their sums must neither overflow nor vanish.
_LARGEST, _SMALLEST = 1e60, 1e-60
# Of 16 digits eight are left for deviations from the mean.
_CLOSEST = 1e-8


def check_magnitude(name: str, x: Float) -> None:
    """Refuse columns whose squares or deviations have no digits.

    Parameters
    ----------
    name : str
        What the column is called.
    x : ndarray, shape (n,)
        Finite values that are not all the same.

    Raises
    ------
    DataError
        If the column must be rescaled first.
    """
    low, high = float(x.min()), float(x.max())
    size, spread = max(abs(low), abs(high)), high / 2 - low / 2
    if size > _LARGEST or spread < _SMALLEST:
        raise DataError(
            f"Column {name!r} has values from {low:g} to {high:g}, beyond what can be squared and "
            "summed: divide or multiply it by a power of ten first."
        )
    if spread < _CLOSEST * size:
        raise DataError(
            f"Column {name!r} has values from {low:.15g} to {high:.15g}, which differ in their "
            "last digits only: subtract a constant first, such as the smallest value."
        )
