"""Numbers as text, with the digits that they deserve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multilevel.typing import Float

__all__ = ["criterion", "fixed_point", "p_value", "significant"]

_DIGITS = 4
_MOST_DECIMALS = 6
_LARGE = 1e7


def decimals_for(scale: Iterable[float], values: Iterable[float]) -> int | None:
    """Decimals that show four significant digits of the smallest nonzero magnitude in ``scale``.

    None where no number of decimals serves all values (too small, or too large).
    """
    sizes = [abs(v) for v in scale if np.isfinite(v) and v != 0.0]
    if not sizes:
        return 0
    needed = _DIGITS - 1 - int(np.floor(np.log10(min(sizes))))
    largest = max((abs(v) for v in values if np.isfinite(v)), default=0.0)
    if needed > _MOST_DECIMALS or largest >= _LARGE:
        return None
    return max(needed, 0)


def significant(values: Float, scale: Float | None = None) -> list[str]:
    """Format a column with equally many decimals, or one by one if they differ too much in size.

    Parameters
    ----------
    values : ndarray
        Numbers to format.
    scale : ndarray, optional
        Numbers whose smallest gets four significant digits; the values themselves by default.
    """
    decimals = decimals_for(values if scale is None else scale, values)
    return [number(value, decimals) for value in values]


def number(value: float, decimals: int | None) -> str:
    """One number; empty for NaN."""
    if decimals is None and not np.isnan(value):
        return f"{value:.{_DIGITS}g}"
    return fixed_point(value, decimals or 0)


def fixed_point(value: float, decimals: int) -> str:
    """A number with so many decimals, never ``-0.00``; empty for NaN."""
    if np.isnan(value):
        return ""
    text = f"{value:.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text


def criterion(value: float) -> str:
    """A log-likelihood, an information criterion: one decimal, or more when it is small."""
    return f"{value:.1f}" if abs(value) >= 100.0 else f"{value:.2f}"


def p_value(value: float) -> str:
    """A p value; empty for NaN."""
    if np.isnan(value):
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"
