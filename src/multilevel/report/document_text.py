"""Documents as plain text for a terminal."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from multilevel.report.cells import read_cells
from multilevel.report.document import Bullets, Code, DataTable, Equations, Paragraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from multilevel.report.cells import Cells
    from multilevel.report.document import Block, Decision, Document, Note, Section

__all__ = ["document_text", "section_text"]

WIDTH = 100
_SUBSCRIPT = re.compile(r"([_^])\{([^}]*)\}")
_MARKS = {"info": "i", "warning": "!", "problem": "!!"}


def document_text(document: Document) -> str:
    """Render a whole document."""
    parts = [_underlined(document.title, "=")]
    parts += [_filled(paragraph) for paragraph in document.summary]
    if document.facts:
        parts.append("\n".join(_filled(f"{name}: {value}", "  ") for name, value in document.facts))
    parts += [section_text(section) for section in document.sections]
    if document.references:
        parts.append(_underlined("References", "="))
        parts.append("\n".join(_filled(entry, "  ") for entry in document.references))
    return "\n\n".join(parts)


def section_text(section: Section) -> str:
    """Render one section."""
    parts = [_underlined(f"{section.number}. {section.title}", "="), _filled(section.headline)]
    parts += [_block(block) for block in section.blocks]
    if section.decisions:
        parts.append(_underlined("Rules applied", "-"))
        parts += [_decision(decision) for decision in section.decisions]
    if section.notes:
        parts.append(_underlined("Notes", "-"))
        parts += [_note(note) for note in section.notes]
    return "\n\n".join(part for part in parts if part)


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        parts = [_underlined(block.heading, "-")] if block.heading else []
        return "\n\n".join([*parts, _filled(block.text)])
    if isinstance(block, Bullets):
        return "\n".join(_filled(f"- {item}", "  ") for item in block.items)
    if isinstance(block, Equations):
        plain = [_SUBSCRIPT.sub(r"\1\2", line) for line in block.lines]
        lines = [_filled(line, "        ", first="    ") for line in plain]
        return "\n".join([*([f"{block.title}:"] if block.title else []), *lines])
    if isinstance(block, Code):
        lines = [f"    {line}".rstrip() for line in block.text.splitlines()]
        return "\n".join([*([f"{block.title}:"] if block.title else []), *lines])
    if isinstance(block, DataTable):
        return _table(block)
    return _filled(f"[Figure: {_sentence(block.title)} {block.alt}]", "  ")


def _table(table: DataTable) -> str:
    cells = read_cells(table)
    parts = [f"{table.title}:"] if table.title else []
    pages, widths = cells.fit(WIDTH)
    parts += ["\n".join(_grid(cells, columns, widths)) for columns in pages]
    parts += [_filled(table.note)] if table.note else []
    return "\n".join(parts)


def _grid(cells: Cells, columns: Sequence[int], widths: Sequence[int]) -> list[str]:
    """Lines of a table, cells and headings wrapped where they are long."""
    over = _over(cells, columns, widths)
    head = _wrapped_row([cells.heads[c] for c in columns], cells, columns, widths, bottom=True)
    rule = "  " + "  ".join("-" * widths[c] for c in columns)
    rows = [
        line
        for row in cells.rows
        for line in _wrapped_row([row[c] for c in columns], cells, columns, widths)
    ]
    return [*over, *head, rule, *rows]


def _over(cells: Cells, columns: Sequence[int], widths: Sequence[int]) -> list[str]:
    """The line of headings over headings, if there is one."""
    if not any(cells.over[c] for c in columns):
        return []
    line, place = "", 0
    for text, size in cells.spans(columns):
        room = sum(widths[c] + 2 for c in columns[place : place + size]) - 2
        line += "  " + text.center(room)
        place += size
    return [line.rstrip()]


def _wrapped_row(
    row: Sequence[str],
    cells: Cells,
    columns: Sequence[int],
    widths: Sequence[int],
    *,
    bottom: bool = False,
) -> Iterable[str]:
    """One row as lines; a short cell stands at the top, a heading at the bottom."""
    pieces = [textwrap.wrap(cell, widths[c]) or [""] for cell, c in zip(row, columns, strict=True)]
    height = max(map(len, pieces))
    for line in range(height):
        texts = []
        for piece, c in zip(pieces, columns, strict=True):
            place = line - (height - len(piece)) if bottom else line
            text = piece[place] if 0 <= place < len(piece) else ""
            right = cells.numeric[c] and c >= cells.labels
            texts.append(text.rjust(widths[c]) if right else text.ljust(widths[c]))
        yield ("  " + "  ".join(texts)).rstrip()


def _decision(decision: Decision) -> str:
    source = f" Source: {decision.source}." if decision.source else ""
    text = (
        f"{decision.rule}: {decision.question} {decision.value}; rule: {decision.threshold} → "
        f"{decision.verdict.rstrip('.')}.{source}"
    )
    return _filled(text, "  ")


def _note(note: Note) -> str:
    return _filled(f"[{_MARKS[note.severity]}] {note.code}: {note.text}", "    ")


def _underlined(text: str, with_: str) -> str:
    return f"{text}\n{with_ * len(text)}"


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _filled(text: str, indent: str = "", *, first: str = "") -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
