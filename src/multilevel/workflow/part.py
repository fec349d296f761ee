"""A part of a step: what several files contribute to one section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.report.document import Block, Decision, Note

__all__ = ["Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """Blocks, rules and notes on one subject of a step."""

    blocks: tuple[Block, ...] = ()
    decisions: tuple[Decision, ...] = ()
    notes: tuple[Note, ...] = ()
