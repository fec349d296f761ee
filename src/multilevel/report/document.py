"""A document as a tree: sections of paragraphs, equations, tables and figures.

The guided analysis writes one; it is rendered as text, HTML, Markdown and PDF. Text knows one
markup: names of columns, models and code stand between backticks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure

__all__ = [
    "Block",
    "Bullets",
    "Code",
    "DataTable",
    "Decision",
    "Document",
    "Equations",
    "Note",
    "Paragraph",
    "Picture",
    "Section",
    "Severity",
]

Severity = Literal["info", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of text; ``heading`` begins a part of its section, if it is not empty."""

    text: str
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list of sentences."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Equations:
    """Equations, one per line; ``x_{ij}`` is x with the subscript ij."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """A script; ``text`` has one line of code per line, to be copied as it is."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table of results.

    Attributes
    ----------
    name : str
        Short name, by which it is found: ``"sizes"``.
    title : str
        Heading.
    frame : data frame
        The numbers, of the kind of the user's data.
    labels : int
        How many columns at the left are labels.
    note : str
        A line below the table.
    headings : mapping of str to str
        Headings of columns where those for all tables do not say it well.
    """

    name: str
    title: str
    frame: Any
    labels: int = 1
    note: str = ""
    headings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, drawn when it is asked for.

    Attributes
    ----------
    name, title : str
        Short name and caption.
    alt : str
        What it shows, in words with numbers, for those who cannot see it.
    make : callable
        Draws it: returns Matplotlib axes (or an array of them).
    data : callable
        Returns the numbers drawn, as a data frame.
    """

    name: str
    title: str
    alt: str
    make: Callable[[], Any]
    data: Callable[[], Any]

    def draw(self) -> Figure:
        """Draw the figure; Matplotlib's figure, closed for pyplot, is returned."""
        import numpy as np
        from matplotlib import pyplot

        axes = np.atleast_1d(np.asarray(self.make(), dtype=object)).ravel()
        figure: Figure = axes[0].figure
        pyplot.close(figure)
        return figure

    def _repr_html_(self) -> str:
        from multilevel.report.pictures import svg

        return svg(self)


Block = Paragraph | Bullets | Equations | Code | DataTable | Picture


@dataclass(frozen=True, slots=True)
class Decision:
    """A rule and what it decided.

    Attributes
    ----------
    rule : str
        Code of the rule: ``"STRUCT-FEWGROUPS"``.
    question : str
        What is decided.
    value, threshold : str
        What was found, and what it is held against.
    verdict : str
        What follows.
    source : str
        Who recommends it: ``"Snijders & Bosker (2012)"``; empty for our own conventions.
    """

    rule: str
    question: str
    value: str
    threshold: str
    verdict: str
    source: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the reader should know, with a code by which it can be found."""

    code: str
    text: str
    severity: Severity = "warning"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of a document.

    Attributes
    ----------
    number : int
        From 1.
    name, title : str
        Short name (an identifier) and heading.
    headline : str
        The section in one sentence or two.
    blocks : tuple of Block
        Its content, in the order of reading.
    decisions : tuple of Decision
        Rules that were applied.
    notes : tuple of Note
        Warnings and facts, coded.
    """

    number: int
    name: str
    title: str
    headline: str
    blocks: tuple[Block, ...] = ()
    decisions: tuple[Decision, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def tables(self) -> dict[str, Any]:
        """Tables by name, as data frames."""
        return {block.name: block.frame for block in self.blocks if isinstance(block, DataTable)}

    @property
    def figures(self) -> dict[str, Picture]:
        """Figures by name."""
        return {block.name: block for block in self.blocks if isinstance(block, Picture)}

    def __str__(self) -> str:
        from multilevel.report.document_text import section_text

        return section_text(self)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from multilevel.report.document_html import section_html

        return section_html(self)


@dataclass(frozen=True, slots=True)
class Document:
    """A document: title, facts at its head, sections, and the literature it refers to."""

    title: str
    summary: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    references: tuple[str, ...] = ()
