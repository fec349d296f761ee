"""Summary as plain text, shaped like lme4's."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.report.tree import Summary, Table

__all__ = ["render_text"]

_WIDTH = 88


def render_text(summary: Summary) -> str:
    """Render the whole summary; every line ends without blanks."""
    facts = [
        textwrap.fill(f"{name}: {value}", _WIDTH, subsequent_indent="  ")
        for name, value in summary.facts
    ]
    blocks = ["\n".join([summary.title, *facts])]
    blocks += [_table(table) for table in summary.tables]
    blocks += [textwrap.fill(note, _WIDTH) for note in summary.notes]
    lines = "\n\n".join(blocks).splitlines()
    return "\n".join(line.rstrip() for line in lines)


def _table(table: Table) -> str:
    widths = [
        max(len(row[c]) for row in (table.header, *table.rows)) for c in range(len(table.header))
    ]
    body = [_row(row, widths, table.labels) for row in (table.header, *table.rows)]
    head = [f"{table.title}:"] if table.title else []
    foot = [textwrap.fill(table.footer, _WIDTH)] if table.footer else []
    return "\n".join([*head, *body, *foot])


def _row(cells: Sequence[str], widths: Sequence[int], labels: int) -> str:
    placed = [
        cell.ljust(width) if c < labels else cell.rjust(width)
        for c, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return " " + "  ".join(placed)
