"""The table of bad inputs, from the tests' cases: ``python docs/bad_input/generate.py``."""

from __future__ import annotations

import html
import itertools
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tests"))

from bad_input.analyses import ANALYSES, Asked  # noqa: E402
from bad_input.cases import CASES, Case  # noqa: E402

INTRODUCTION = """\
<!-- Written by docs/bad_input/generate.py from tests/bad_input. -->

# Bad input

What happens to input that is wrong, or merely awkward: a clear error, one named warning, or the
right fit with a note on it. Never a fit of NaN, and no row, column or level is dropped in
silence. Every line is a test; the messages are as they are printed.

Errors are `DataError`, `FormulaError`, `ConvergenceError` or `NotSupportedError`, all of them
`MultilevelError` and also the built-in error that one would expect (`ValueError`, `RuntimeError`,
`NotImplementedError`). What a warning says is also on the fit that is made all the same:
`fit.summary().notes`.

The model is `y ~ x + (1 | g)` for 300 rows unless a formula is shown. In the last tables the guided
analysis, `mlm.analyze(data, "y", "g")`, is asked about 200 rows; its notes have codes.
"""


def outcome(case: Case) -> tuple[str, str]:
    """What comes of a case, and the message."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = case.run()
        except Exception as error:  # the outcome is whatever is raised
            return type(error).__name__, str(error)
    if caught:
        return f"{caught[0].category.__name__}", str(caught[0].message)
    notes = fit.summary().notes
    return ("fit, note" if notes else "fit"), " ".join(notes)


def preformatted(text: str) -> str:
    """Text in a table cell, with its line breaks."""
    if not text:
        return ""
    return f"<pre>{html.escape(text)}</pre>"


def row(case: Case) -> str:
    kind, message = outcome(case)
    formula = ""
    if case.formula != "y ~ x + (1 | g)" and case.formula and len(str(case.formula)) < 60:
        formula = f"<br><code>{html.escape(str(case.formula))}</code>"
    what = html.escape(case.what)
    for mark in ("<code>", "</code>") * (what.count("`") // 2):
        what = what.replace("`", mark, 1)
    kind = f"<code>{kind}</code>" if "fit" not in kind else kind
    return f"<tr><td>{what}{formula}</td><td>{kind}</td><td>{preformatted(message)}</td></tr>"


def analysis_row(case: Asked) -> str:
    """A row of the tables of the guided analysis."""
    try:
        note = case.run()[case.code]
        kind, message = f"note <code>{note.code}</code>", note.text
    except Exception as error:  # the outcome is whatever is raised
        kind, message = f"<code>{type(error).__name__}</code>", str(error)
    given = ", ".join(f"{name}={value!r}" for name, value in case.arguments.items())
    given = f"<br><code>{html.escape(given)}</code>" if given else ""
    what = html.escape(case.what)
    return f"<tr><td>{what}{given}</td><td>{kind}</td><td>{preformatted(message)}</td></tr>"


def table(rows: list[str]) -> str:
    head = "<tr><th>input</th><th>outcome</th><th>message</th></tr>"
    body = f"<thead>{head}</thead>\n<tbody>\n{chr(10).join(rows)}\n</tbody>"
    return f'```{{raw}} html\n<table class="bad-input table">\n{body}\n</table>\n```\n'


def main() -> None:
    parts = [INTRODUCTION]
    for section, cases in itertools.groupby(CASES, key=lambda case: case.section):
        parts.append(f"## {section}\n\n{table([row(case) for case in cases])}")
    for section, asked in ANALYSES.items():
        parts.append(f"## {section}\n\n{table([analysis_row(case) for case in asked])}")
    (HERE.parent / "reference" / "bad_input.md").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
