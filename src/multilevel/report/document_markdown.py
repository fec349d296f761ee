"""Documents as Markdown (GitHub flavour), with figures as files beside it."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from multilevel.report.cells import read_cells
from multilevel.report.document import Bullets, Code, DataTable, Equations, Paragraph, Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from multilevel.report.document import Block, Decision, Document, Note, Section

__all__ = ["document_markdown"]

_CODE = re.compile(r"`([^`]+)`")
_SPECIAL = re.compile(r"(https?://\S+)|[\\`*_|<>\[\]#~]")
_SCRIPT = re.compile(r"([_^])\{([^}]*)\}")
_WORDS = {"info": "Note", "warning": "Warning", "problem": "Problem"}


def document_markdown(document: Document, figures: Mapping[int, str]) -> str:
    """Render a whole document.

    Parameters
    ----------
    document : Document
        What is rendered.
    figures : mapping of int to str
        Address of the file of every figure, by its number in the order of the document.
    """
    parts = [f"# {_text(document.title)}"]
    parts.append("\n".join(f"- {_text(name)}: {_text(value)}" for name, value in document.facts))
    if document.summary:
        parts += ["## Summary", *map(_text, document.summary)]
    number = {"table": count(1), "figure": count(1)}
    for section in document.sections:
        parts += _section(section, number, figures)
    if document.references:
        parts += ["## References", "\n".join(f"- {_text(one)}" for one in document.references)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(
    section: Section, number: Mapping[str, Iterator[int]], figures: Mapping[int, str]
) -> Iterator[str]:
    yield f"## {section.number}. {_text(section.title)}"
    yield f"**{_text(section.headline)}**"
    for block in section.blocks:
        yield _block(block, number, figures)
    yield from map(_note, section.notes)
    if section.decisions:
        yield _rules(section.decisions)


def _block(block: Block, number: Mapping[str, Iterator[int]], figures: Mapping[int, str]) -> str:
    if isinstance(block, Paragraph):
        heading = f"### {_text(block.heading)}\n\n" if block.heading else ""
        return heading + _text(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_text(item)}" for item in block.items)
    if isinstance(block, Equations):
        title = f"**{_text(block.title)}**\n\n" if block.title else ""
        return title + "  \n".join(map(_equation, block.lines))
    if isinstance(block, Code):
        title = f"**{_text(block.title)}**\n\n" if block.title else ""
        return f"{title}```python\n{block.text.rstrip()}\n```"
    if isinstance(block, DataTable):
        return _table(block, next(number["table"]))
    place = next(number["figure"])
    return _picture(block, place, figures[place])


def _table(table: DataTable, number: int) -> str:
    cells = read_cells(table)
    pairs = zip(cells.over, cells.heads, strict=True)
    over = [f"{one}, {head}" if one else head for one, head in pairs]
    rule = ["---:" if cells.is_number(c) else ":---" for c in range(len(over))]
    lines = [_line(map(_cell, over)), _line(rule)]
    lines += [_line(map(_cell, row)) for row in cells.rows]
    note = f"\n\n{_text(table.note)}" if table.note else ""
    return f"**Table {number}. {_text(table.title)}**\n\n" + "\n".join(lines) + note


def _picture(picture: Picture, number: int, address: str) -> str:
    alt = _escaped(picture.alt.replace("`", ""))
    return f"![{alt}]({address})\n\n**Figure {number}.** {_text(picture.title)}"


def _note(note: Note) -> str:
    return f"> **{_WORDS[note.severity]}** (`{note.code}`): {_text(note.text)}"


def _rules(decisions: Iterable[Decision]) -> str:
    heads = ("Rule", "Question", "Found", "Held against", "Decision", "Source")
    rows = [
        (f"`{d.rule}`", *map(_cell, (d.question, d.value, d.threshold, d.verdict, d.source)))
        for d in decisions
    ]
    lines = [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]
    return "\n".join(
        ["<details>", "<summary>Rules applied</summary>", "", *lines, "", "</details>"]
    )


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Text with its code; all that would be markup otherwise is escaped."""
    pieces = _CODE.split(re.sub(r"\s+", " ", text))
    return "".join(
        f"`{piece}`" if place % 2 else _escaped(piece) for place, piece in enumerate(pieces)
    )


def _escaped(text: str) -> str:
    """Text without markup; addresses stay as they are."""
    return _SPECIAL.sub(lambda found: found[1] or f"\\{found[0]}", text)


def _cell(text: str) -> str:
    """A cell of a table: a bar would end it, in code, too."""
    return re.sub(r"(?<!\\)\|", r"\\|", _text(text))


def _equation(line: str) -> str:
    tags = {"_": "sub", "^": "sup"}
    pieces = _SCRIPT.split(line)
    text = _text(pieces[0])
    for sign, inside, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        text += f"<{tags[sign]}>{_text(inside)}</{tags[sign]}>{_text(after)}"
    return text
