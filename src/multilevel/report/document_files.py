"""Documents as files: a web page, Markdown with its figures, PDF."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

from multilevel.report.document import Picture
from multilevel.report.pictures import svg_file

if TYPE_CHECKING:
    from pathlib import Path

    from multilevel.report.document import Document

__all__ = ["ENDINGS", "check_ending", "write_document", "write_figures"]

ENDINGS = (".html", ".md", ".pdf")


def write_document(document: Document, path: Path) -> Path:
    """Write a document; the ending of the file says as what.

    Parameters
    ----------
    document : Document
        What is written.
    path : Path
        ``.html`` is one page that needs no other file, ``.md`` has its figures in the folder
        ``<name>_files`` beside it, ``.pdf`` is set by Typst.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        For another ending.
    ImportError
        If a package that is needed is not installed.
    """
    ending = check_ending(path)
    if ending == ".html":
        from multilevel.report.document_html import document_page

        path.write_text(document_page(document), encoding="utf-8")
    elif ending == ".md":
        from multilevel.report.document_markdown import document_markdown

        folder = path.with_name(f"{path.stem}_files")
        names = write_figures(document, folder)
        addresses = {number: quote(f"{folder.name}/{name}") for number, name in names.items()}
        path.write_text(document_markdown(document, addresses), encoding="utf-8")
    else:
        from multilevel.report.document_typst import document_pdf

        path.write_bytes(document_pdf(document))
    return path


def check_ending(path: Path) -> str:
    """The ending of the file of a report.

    Raises
    ------
    ValueError
        If it is none of those that can be written.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise ValueError(
            f"{path.name}: a report is written as .html, .md or .pdf; "
            f"{ending or 'no ending'} is none of them."
        )
    return ending


def write_figures(document: Document, folder: Path) -> dict[int, str]:
    """Write all figures as SVG files; their names by their number in the document."""
    pictures = [
        block
        for section in document.sections
        for block in section.blocks
        if isinstance(block, Picture)
    ]
    if pictures:
        folder.mkdir(parents=True, exist_ok=True)
    names = {}
    for number, picture in enumerate(pictures, start=1):
        names[number] = f"{number:02d}_{re.sub(r'[^a-zA-Z0-9]+', '_', picture.name).strip('_')}.svg"
        (folder / names[number]).write_text(svg_file(picture), encoding="utf-8")
    return names
