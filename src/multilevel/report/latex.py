"""Summary as LaTeX tables with booktabs rules."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.report.tree import Summary, Table

__all__ = ["render_latex"]

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "`": r"\textasciigrave{}",
    "[": "{[}",  # at the start of a row it would be read as an argument of the line break
    "]": "{]}",
    **{character: "\\" + character for character in "&%$#_{}"},
}
_NEGATIVE = re.compile(r"^-(?=[\d.])")


def render_latex(summary: Summary) -> str:
    """Render one table environment per table; facts and notes become lines of text."""
    lines = [f"\\paragraph{{{_escape(summary.title)}}}"]
    lines += [f"{_escape(name)}: {_value(value)}\\\\" for name, value in summary.facts]
    blocks = ["\n".join(lines)]
    blocks += [_table(table) for table in summary.tables]
    blocks += [f"\\noindent\\textit{{{_escape(note)}}}" for note in summary.notes]
    return "% needs \\usepackage{booktabs}\n" + "\n\n".join(blocks) + "\n"


def _table(table: Table) -> str:
    columns = "l" * table.labels + "r" * (len(table.header) - table.labels)
    lines = ["\\begin{table}[htbp]", "\\centering"]
    if table.title:
        lines.append(f"\\caption{{{_escape(table.title)}}}")
    lines += [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", _line(table.header), "\\midrule"]
    lines += [_line(row) for row in table.rows]
    lines += ["\\bottomrule", "\\end{tabular}"]
    if table.footer:
        lines.append(f"\\par\\smallskip {_escape(table.footer)}")
    return "\n".join([*lines, "\\end{table}"])


def _line(cells: Sequence[str]) -> str:
    return " & ".join(_NEGATIVE.sub("$-$", _escape(cell)) for cell in cells) + " \\\\"


def _escape(text: str) -> str:
    return "".join(_SPECIAL.get(character, character) for character in text)


def _value(text: str) -> str:
    """Formulas are set as code."""
    return f"\\texttt{{{_escape(text)}}}" if "~" in text else _escape(text)
