"""Documents as PDF, set by Typst: tagged for screen readers, with an outline."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from multilevel.report.cells import read_cells
from multilevel.report.document import Bullets, Code, DataTable, Equations, Paragraph, Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multilevel.report.cells import Cells
    from multilevel.report.document import Block, Decision, Document, Note, Section

__all__ = ["document_pdf", "document_typst"]

_TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
_FIGURES = "figures"
_CODE = re.compile(r"`([^`]+)`")
_SCRIPT = re.compile(r"([_^])\{([^}]*)\}")
_ADDRESS = re.compile(r"(https?://\S*[^\s.,;)])")
_BREAKS = re.compile(r"(:(?=\w)|\w(?=\[))")
_WORDS = {"info": "Note", "warning": "Warning", "problem": "Problem"}
_TONES = {"info": "#0072b2", "warning": "#e69f00", "problem": "#c35300"}
_LINE = 118  # characters of a table that fit beside each other on the page
_LONG = 26  # characters from which a column of text is wrapped


def document_pdf(document: Document) -> bytes:
    """Set a document as PDF (PDF/UA-1).

    Raises
    ------
    ImportError
        If Typst is not installed.
    """
    try:
        import typst
    except ImportError as error:
        raise ImportError(
            "Reports as PDF need the package typst: pip install 'multilevel[pdf]'. A report as "
            ".html needs nothing more, and a browser prints it as PDF, too."
        ) from error
    import matplotlib

    from multilevel.report.document_files import write_figures

    with TemporaryDirectory() as name:
        folder = Path(name)
        figures = write_figures(document, folder / _FIGURES)
        source = folder / "report.typ"
        source.write_text(document_typst(document, figures), encoding="utf-8")
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        pdf: bytes = typst.compile(
            str(source), root=str(folder), font_paths=[str(fonts)], pdf_standards=["ua-1"]
        )
    return pdf


def document_typst(document: Document, figures: dict[int, str]) -> str:
    """A document in Typst's language.

    Parameters
    ----------
    document : Document
        What is set.
    figures : dict of int to str
        Names of the files of its figures, by their numbers.
    """
    numbers = iter(sorted(figures))
    parts = [_TEMPLATE.read_text(encoding="utf-8")]
    parts.append(f"#set document(title: {_string(document.title.replace('`', ''))}, date: none)")
    parts.append(f"#title[{_text(document.title)}]")
    if document.facts:
        cells = "".join(f"[{_text(name)}], [{_text(value)}], " for name, value in document.facts)
        parts.append(f"#facts({cells})")
    parts.append("#outline(depth: 1)")
    if document.summary:
        parts += ["= Summary", *map(_text, document.summary)]
    for section in document.sections:
        parts += _section(section, (figures[number] for number in numbers))
    if document.references:
        parts.append("= References")
        parts += [f"#par(hanging-indent: 1.5em)[{_linked(entry)}]" for entry in document.references]
    return "\n\n".join(parts) + "\n"


def _section(section: Section, figures: Iterator[str]) -> Iterator[str]:
    yield f"= {_text(f'{section.number}  {section.title}')}"
    yield f"#headline[{_text(section.headline)}]"
    for block in section.blocks:
        yield _picture(block, next(figures)) if isinstance(block, Picture) else _block(block)
    yield from map(_note, section.notes)
    if section.decisions:
        yield "== Rules applied"
        yield _rules(section.decisions)


def _block(block: Block) -> str:
    if isinstance(block, Paragraph):
        heading = f"== {_text(block.heading)}\n\n" if block.heading else ""
        return heading + _text(block.text)
    if isinstance(block, Bullets):
        return "\n".join(f"- {_text(item)}" for item in block.items)
    if isinstance(block, Equations):
        lines = " \\\n".join(map(_equation, block.lines))
        return f"#titled[{_text(block.title)}][#equations[{lines}]]"
    if isinstance(block, Code):
        script = f'#raw({_string(block.text.rstrip())}, block: true, lang: "python")'
        return f"#titled[{_text(block.title)}][{script}]"
    assert isinstance(block, DataTable)
    return _table(block)


def _table(table: DataTable) -> str:
    cells = read_cells(table)
    pages, _ = cells.fit(_LINE)
    grids = [_grid(cells, columns) for columns in pages]
    note = f"#small[{_text(table.note)}]" if table.note else ""
    body = "#v(0.8em)".join(f"#{grid}" for grid in grids)
    caption = f"caption: [{_text(table.title)}]"
    return f"#figure(kind: table, supplement: [Table], {caption})[{body}{note}]"


def _grid(cells: Cells, columns: list[int]) -> str:
    """The columns that fit beside each other."""
    long = [max(len(row[c]) for row in cells.rows) > _LONG for c in columns]
    widths = ", ".join("1fr" if is_long else "auto" for is_long in long)
    sides = ", ".join("right" if cells.is_number(c) else "left" for c in columns)
    over = cells.spans(columns)
    top = ""
    if any(text for text, _ in over):
        top = "".join(f"table.cell(colspan: {n}, align: center)[{_text(t)}], " for t, n in over)
    heads = "".join(f"[{_quiet(cells.heads[c])}], " for c in columns)
    rows = "\n".join("".join(f"[{_cell(row[c])}], " for c in columns) for row in cells.rows)
    return (
        f"table(columns: ({widths},), align: ({sides},), "
        f"table.hline(stroke: 1pt), table.header({top}{heads}), table.hline(stroke: rule),\n"
        f"{rows}\ntable.hline(stroke: 0.6pt))"
    )


def _picture(picture: Picture, name: str) -> str:
    image = f'image("{_FIGURES}/{name}", alt: {_string(picture.alt.replace("`", ""))})'
    return f"#figure(scale(86%, reflow: true, {image}), caption: [{_text(picture.title)}])"


def _note(note: Note) -> str:
    tone = f'rgb("{_TONES[note.severity]}")'
    return f"#note({tone}, [{_WORDS[note.severity]}], {_raw(note.code)}, [{_text(note.text)}])"


def _rules(decisions: tuple[Decision, ...]) -> str:
    names = ("Question", "Found", "Rule", "Decision", "Source")
    heads = "".join(f"[{_quiet(name)}], " for name in names)
    rows = ""
    for one in decisions:
        question = f"{_text(one.question)} #text(size: 0.85em, fill: quiet, {_raw(one.rule)})"
        rest = (one.value, one.threshold, one.verdict, one.source)
        rows += f"[{question}], " + "".join(f"[{_text(text)}], " for text in rest)
        rows += "table.hline(stroke: rule),\n"
    return (
        f"#table(columns: (1.5fr, 1fr, 1fr, 1.4fr, 1.1fr), table.hline(stroke: 1pt), "
        f"table.header({heads}), table.hline(stroke: rule),\n{rows})"
    )


def _text(text: str) -> str:
    """Text with its code, as strings: nothing in it is markup."""
    pieces = _CODE.split(text)
    return "".join(
        f"#{_raw(piece)}" if place % 2 else f"#{_string(piece)}"
        for place, piece in enumerate(pieces)
        if piece
    )


def _linked(text: str) -> str:
    """Addresses become links."""
    pieces = _ADDRESS.split(text)
    return "".join(
        f"#link({_string(piece)})" if place % 2 else _text(piece)
        for place, piece in enumerate(pieces)
    )


def _cell(text: str) -> str:
    """A cell; names of terms may be broken between their parts."""
    return _text(_BREAKS.sub("\\1\u200b", text))


def _quiet(text: str) -> str:
    return f"#text(fill: quiet, {_string(text)})"


def _equation(line: str) -> str:
    tags = {"_": "sub", "^": "super"}
    pieces = _SCRIPT.split(line)
    text = _text(pieces[0])
    for sign, inside, after in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        text += f"#{tags[sign]}[{_text(inside)}]{_text(after)}"
    return text


def _raw(text: str) -> str:
    return f"raw({_string(text)})"


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
