"""Power by simulation."""

from __future__ import annotations

from multilevel.power.result import Power

__all__ = ["power"]


def power() -> Power:
    """Compute power by simulation."""
    return Power()
