"""Summary as HTML: a fragment for notebooks, a self-contained page for files.

Colours derive from the surrounding text colour, so light and dark themes both work; tables have
captions and header scopes for screen readers.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.report.tree import Summary, Table

__all__ = ["render_fragment", "render_page"]

_NEGATIVE = re.compile(r"^-(?=[\d.])")

_STYLE = """
.mlm-summary { font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: inherit;
  max-width: 52rem; }
.mlm-summary h3 { font-size: 1.15em; font-weight: 600; margin: 0 0 .5em; }
.mlm-summary dl { display: grid; grid-template-columns: max-content 1fr; gap: .1em 1em;
  margin: 0 0 .9em; }
.mlm-summary dt { opacity: .7; }
.mlm-summary dd { margin: 0; }
.mlm-summary code { font: .93em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  background: none; color: inherit; padding: 0; }
.mlm-summary figure { margin: 0 0 1.1em; overflow-x: auto; }
.mlm-summary table { border-collapse: collapse; border: 0; margin: 0; color: inherit;
  min-width: 27rem; font-variant-numeric: tabular-nums;
  border-top: 1.5px solid; border-bottom: 1.5px solid;
  border-color: rgba(128, 128, 128, .75); }
.mlm-summary caption { caption-side: top; text-align: left; font-weight: 600;
  padding: 0 0 .35em; color: inherit; white-space: nowrap; }
.mlm-summary thead th { font-weight: 500; opacity: .75; border: 0;
  border-bottom: 1px solid rgba(128, 128, 128, .5); }
.mlm-summary th, .mlm-summary td { padding: .18em .9em .18em .3em; text-align: right;
  background: none; border: 0; white-space: nowrap; }
.mlm-summary tbody th { font-weight: 400; }
.mlm-summary th.l { text-align: left; padding-right: 1.6em; }
.mlm-summary tbody tr { background: none; }
.mlm-summary tbody tr:hover { background: rgba(128, 128, 128, .12); }
.mlm-summary figcaption { font-size: .92em; opacity: .7; padding-top: .3em; }
.mlm-summary .note { border-left: 3px solid rgba(128, 128, 128, .6); padding: .1em 0 .1em .7em;
  margin: 0 0 .5em; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>:root {{ color-scheme: light dark; }} body {{ margin: 2rem auto; max-width: 56rem;
padding: 0 1rem; }}</style>
</head>
<body>
{body}
</body>
</html>
"""


def render_fragment(summary: Summary) -> str:
    """Render a ``div`` that brings its own style."""
    parts = [f'<div class="mlm-summary">\n<style>{_STYLE}</style>']
    parts.append(f"<h3>{escape(summary.title)}</h3>")
    if summary.facts:
        pairs = "".join(
            f"<dt>{escape(name)}</dt><dd>{_value(value)}</dd>" for name, value in summary.facts
        )
        parts.append(f"<dl>{pairs}</dl>")
    parts += [_table(table) for table in summary.tables]
    parts += [f'<p class="note">{escape(note)}</p>' for note in summary.notes]
    return "\n".join([*parts, "</div>"])


def render_page(summary: Summary) -> str:
    """Render a complete page that needs no other file."""
    return _PAGE.format(title=escape(summary.title), body=render_fragment(summary))


def _table(table: Table) -> str:
    caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
    head = "".join(
        f'<th scope="col"{_left(c, table)}>{escape(name)}</th>'
        for c, name in enumerate(table.header)
    )
    body = "\n".join(f"<tr>{_row(row, table)}</tr>" for row in table.rows)
    foot = f"<figcaption>{escape(table.footer)}</figcaption>" if table.footer else ""
    return (
        f"<figure><table>{caption}<thead><tr>{head}</tr></thead>\n"
        f"<tbody>{body}</tbody></table>{foot}</figure>"
    )


def _row(row: tuple[str, ...], table: Table) -> str:
    return "".join(
        f'<th scope="row"{_left(c, table)}>{escape(cell)}</th>'
        if c < table.labels
        else f"<td>{_NEGATIVE.sub('−', escape(cell))}</td>"
        for c, cell in enumerate(row)
    )


def _left(column: int, table: Table) -> str:
    return ' class="l"' if column < table.labels else ""


def _value(text: str) -> str:
    """Formulas are set as code; a minus sign is a minus sign."""
    if "~" in text:
        return f"<code>{escape(text)}</code>"
    return _NEGATIVE.sub("−", escape(text))
