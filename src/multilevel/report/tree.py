"""The summary as a tree of text: one content, many renderings."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Summary", "Table"]


@dataclass(frozen=True, slots=True)
class Table:
    """A table whose cells are text already.

    Attributes
    ----------
    title : str
        Heading.
    header : tuple of str
        Names of the columns.
    rows : tuple of tuple of str
        Cells.
    labels : int
        How many columns at the left are labels; the others are numbers, set flush right.
    footer : str
        A line below the table, or "".
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """Summary of a fit: ``print`` it, show it in a notebook, or write it for a paper.

    Attributes
    ----------
    title : str
        What was fitted, and how.
    facts : tuple of (str, str)
        Single values, by name.
    tables : tuple of Table
        In the order of reading.
    notes : tuple of str
        Sentences about what the reader should know: rows dropped, a variance of zero.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        from multilevel.report.text import render_text

        return render_text(self)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from multilevel.report.html import render_fragment

        return render_fragment(self)

    def to_html(self) -> str:
        """Render a complete, self-contained HTML page."""
        from multilevel.report.html import render_page

        return render_page(self)

    def to_latex(self) -> str:
        r"""Render as LaTeX; needs ``\usepackage{booktabs}``."""
        from multilevel.report.latex import render_latex

        return render_latex(self)

    def to_markdown(self) -> str:
        """Render as Markdown with pipe tables."""
        from multilevel.report.markdown import render_markdown

        return render_markdown(self)
