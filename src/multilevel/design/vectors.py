"""Checks of the vectors of a model: response, weights, offset."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.frame import describe_rows
from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.frame import ModelFrame
    from multilevel.typing import Float

__all__ = ["check_response", "check_weights", "total_offset"]


def check_response(y: Float, name: str) -> None:
    """Refuse a response that does not vary."""
    if (y == y[0]).all():
        raise DataError(
            f"The response {name!r} is constant ({y[0]:g} in all {len(y)} rows that are used): "
            "there is nothing to explain."
        )


def check_weights(weights: Float, frame: ModelFrame) -> None:
    """Refuse weights that are not positive and finite."""
    wrong = np.flatnonzero(~((weights > 0.0) & (weights < np.inf)))
    if not len(wrong):
        return
    where = describe_rows(frame.positions(wrong))
    if (weights[wrong] == 0.0).all():
        raise DataError(f"weights are zero in {where}; drop these rows from the data instead.")
    raise DataError(
        f"weights must be positive and finite, but are not in {where} "
        f"(first: {weights[wrong[0]]:g})."
    )


def total_offset(parts: Sequence[Float], frame: ModelFrame) -> Float | None:
    """Sum of all offsets, or None without any."""
    if not parts:
        return None
    total = np.sum(parts, axis=0) if len(parts) > 1 else parts[0]
    wrong = np.flatnonzero(~np.isfinite(total))
    if len(wrong):
        raise DataError(f"The offset is not finite in {describe_rows(frame.positions(wrong))}.")
    return total
