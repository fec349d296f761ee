"""Documents as HTML: fragments for notebooks, and a page that needs no other file."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilevel.report.cells import read_cells
from multilevel.report.pictures import svg

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

    from multilevel.report.document import Document, Section

__all__ = ["document_fragment", "document_page", "section_html"]

_CODE = re.compile(r"`([^`]+)`")
_ADDRESS = re.compile(r"https?://[^\s<]*[^\s<.,;)]")
_PARTS = re.compile(r"(:(?=\w)|\w(?=\[))")
_SCRIPT = re.compile(r"([_^])\{([^}]*)\}")


def document_page(document: Document) -> str:
    """Render a self-contained page: styles, figures and the little script are inside of it."""
    return _render("page.html.j2", document=document)


def document_fragment(document: Document) -> str:
    """Render a document for a notebook."""
    return _render("fragment.html.j2", document=document)


def section_html(section: Section) -> str:
    """Render one section for a notebook."""
    return _render("fragment.html.j2", section=section)


def _render(template: str, **what: Any) -> str:
    number = {"table": count(1), "figure": count(1)}
    return _environment().get_template(template).render(number=number, **what)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise ImportError(
            "Reports in HTML need the package jinja2: pip install 'multilevel[report]'."
        ) from error
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "cell": _cell,
        "cells": read_cells,
        "kind": lambda block: type(block).__name__,
        "linked": _linked,
        "markup": _markup,
        "equation": _equation,
        "svg": _svg,
    }
    return environment


def _markup(text: str) -> Markup:
    """Names between backticks are set as code."""
    from markupsafe import Markup, escape

    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))


def _cell(text: str) -> Markup:
    """A cell; names of terms, which have no blanks, may be broken between their parts."""
    from markupsafe import Markup

    return Markup(_PARTS.sub(r"\1<wbr>", str(_markup(text))))


def _equation(line: str) -> Markup:
    """Subscripts and superscripts are set as such."""
    from markupsafe import Markup

    tags = {"_": "sub", "^": "sup"}
    set_line = _SCRIPT.sub(
        lambda found: f"<{tags[found[1]]}>{found[2]}</{tags[found[1]]}>", str(_markup(line))
    )
    return Markup(set_line)


def _linked(text: str) -> Markup:
    """Addresses become links."""
    from markupsafe import Markup

    return Markup(_ADDRESS.sub(r'<a href="\g<0>">\g<0></a>', str(_markup(text))))


def _svg(picture: Any, prefix: str) -> Markup:
    from markupsafe import Markup

    return Markup(svg(picture, prefix))
