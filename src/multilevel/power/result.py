"""What a power study gives: a table, the groups that are needed, a summary."""

from __future__ import annotations

__all__ = ["Power"]


class Power:
    """Power of a design by simulation."""
