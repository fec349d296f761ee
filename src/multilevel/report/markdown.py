"""Summary as Markdown with pipe tables (GitHub flavour)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.report.tree import Summary, Table

__all__ = ["render_markdown"]


def render_markdown(summary: Summary) -> str:
    """Render the whole summary."""
    blocks = [f"**{_escape(summary.title)}**"]
    if summary.facts:
        blocks.append(
            "\n".join(f"- {_escape(name)}: {_code(value)}" for name, value in summary.facts)
        )
    blocks += [_table(table) for table in summary.tables]
    blocks += [f"*{_escape(note)}*" for note in summary.notes]
    return "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    rule = [":---" if c < table.labels else "---:" for c in range(len(table.header))]
    lines = [_line(map(_escape, table.header)), _line(rule)]
    lines += [_line(map(_escape, row)) for row in table.rows]
    head = [f"**{_escape(table.title)}**"] if table.title else []
    foot = [_escape(table.footer)] if table.footer else []
    return "\n\n".join([*head, "\n".join(lines), *foot])


def _line(cells: map[str] | Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _code(text: str) -> str:
    """Formulas are set as code, so that their bars and stars stay what they are."""
    return f"`{text}`" if "~" in text and "`" not in text else _escape(text)


def _escape(text: str) -> str:
    for character in "\\`*_|<":
        text = text.replace(character, "\\" + character)
    return text
