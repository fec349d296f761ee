"""Which grouping factors are nested in which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from multilevel.typing import Int

__all__ = ["is_nested"]


def is_nested(inner: Int, n_inner: int, outer: Int) -> bool:
    """Whether the rows of each inner group have one outer group."""
    home = np.empty(n_inner, dtype=outer.dtype)
    home[inner] = outer
    return bool((home[inner] == outer).all())
