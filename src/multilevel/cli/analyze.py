"""``multilevel analyze``: from a data file to a report, asking for what is missing."""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilevel.cli.columns import columns_text, read_facts
from multilevel.frames.table import Table

if TYPE_CHECKING:
    import argparse

    from multilevel.workflow.analysis import Analysis
    from multilevel.workflow.step import Step

__all__ = ["add_analyze_arguments", "run_analyze"]

_NONE = "none"
_WIDTH = 100
_MARKS = {"info": "Note", "warning": "Warning", "problem": "Problem"}


def add_analyze_arguments(parser: argparse.ArgumentParser) -> None:
    """Say which arguments there are."""
    several: dict[str, Any] = {
        "action": "extend",
        "nargs": "+",
        "default": [],
        "metavar": "COLUMN",
    }
    parser.add_argument("data", help="as for fit: .csv, .parquet, .dta, .sav, ..., or -")
    parser.add_argument("--outcome", metavar="COLUMN", help="column of numbers to be explained")
    parser.add_argument("--group", help="column of the groups; nesting is found", **several)
    parser.add_argument("--level1", help="predictors that differ between rows", **several)
    parser.add_argument("--level2", help="predictors that are properties of groups", **several)
    parser.add_argument("--time", metavar="COLUMN", help="column of time: growth models")
    parser.add_argument(
        "--random",
        help="predictors with random slopes, none or maximal; those that a test finds by default",
        **several,
    )
    parser.add_argument(
        "--interaction",
        help="products such as ses:sector, or none; found by rules by default",
        **{**several, "metavar": "A:B"},
    )
    parser.add_argument("--select", metavar="MODEL", help="the model to interpret, such as M3")
    parser.add_argument("--weights", metavar="COLUMN", help="column of prior weights")
    parser.add_argument(
        "--unit",
        help="units of the outcome and of predictors, for sentences, such as Days=day",
        **{**several, "metavar": "COLUMN=UNIT"},
    )
    parser.add_argument(
        "--report",
        action="append",
        default=[],
        metavar="FILE",
        help=".html, .md or .pdf; may be given several times; DATA_report.html by default",
    )
    parser.add_argument("--encoding", default="utf-8", help="encoding of delimited text")
    parser.add_argument("--seed", type=int, default=0, help="of what is simulated; 0 by default")
    parser.add_argument("--open", action="store_true", help="show the report in a browser")
    parser.set_defaults(run=run_analyze, parser=parser)


def run_analyze(arguments: argparse.Namespace) -> None:
    """Analyse, say what was found, and write the reports."""
    from multilevel.cli.fit import read_data
    from multilevel.workflow.analysis import Analysis

    paths = _report_paths(arguments)
    data = read_data(arguments.data, arguments.encoding)
    table = Table.from_data(data)
    parts = _parts(arguments, table)
    analysis = Analysis(
        data,
        parts["outcome"],
        parts["groups"],
        level1=parts["level1"],
        level2=parts["level2"],
        time=parts["time"],
        random=_or_none(arguments.random, table),
        interactions=_or_none(arguments.interaction, table),
        select=arguments.select,
        weights=arguments.weights,
        units=_units(arguments),
        rng=arguments.seed,
    )
    if arguments.select:
        _ = analysis.choice  # a model that is not there is said before anything is printed
    _tell(analysis)
    written = [_written(analysis, path) for path in paths]
    print("\n" + "\n".join(f"Report: {path}" for path in written))
    if arguments.open:
        import webbrowser

        webbrowser.open(written[0].resolve().as_uri())


def on_a_terminal() -> bool:
    """Whether somebody reads the output and can answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _report_paths(arguments: argparse.Namespace) -> list[Path]:
    """Files to write; what cannot be written is said before anything is computed."""
    from multilevel.report.document_files import check_ending

    stem = "data" if arguments.data == "-" else Path(arguments.data).name.partition(".")[0]
    paths = [Path(text) for text in arguments.report] or [Path(f"{stem}_report.html")]
    for path in paths:
        try:
            check_ending(path)
        except ValueError as error:
            arguments.parser.error(f"--report: {error}")
        if not path.parent.is_dir():
            arguments.parser.error(f"--report: there is no folder {path.parent}")
        if path.is_dir():
            arguments.parser.error(f"--report: {path} is a folder; name a file")
    return paths


def _parts(arguments: argparse.Namespace, table: Table) -> dict[str, Any]:
    """Which columns play which part: as the arguments say, or as the user answers."""
    given = {
        "outcome": arguments.outcome,
        "groups": _names(arguments.group, table),
        "time": arguments.time,
        "level1": _names(arguments.level1, table),
        "level2": _names(arguments.level2, table),
    }
    missing = [f"--{name}" for name in ("outcome", "group") if not getattr(arguments, name)]
    if not missing:
        return given
    if arguments.data == "-" or not on_a_terminal():
        arguments.parser.error(
            f"{' and '.join(missing)} must be given. The data have these columns:\n"
            f"{columns_text(read_facts(table))}"
        )
    from multilevel.cli.ask import ask_for_columns

    answers = ask_for_columns(table, given)
    print(f"\nThe same again, without questions:\n  {_command(arguments, answers)}\n")
    return answers


def _names(texts: list[str], table: Table) -> tuple[str, ...]:
    """Names of columns, given one by one or between commas."""
    names = [
        name
        for text in texts
        for name in ([text] if table.has(text) else [part.strip() for part in text.split(",")])
    ]
    return tuple(dict.fromkeys(name for name in names if name))


def _or_none(texts: list[str], table: Table) -> tuple[str, ...] | None:
    """What was asked for: nothing said (None) is not ``none`` (empty)."""
    names = _names(texts, table)
    if names == (_NONE,) and not table.has(_NONE):
        return ()
    return names or None


def _units(arguments: argparse.Namespace) -> dict[str, str]:
    """What ``--unit COLUMN=UNIT`` says, by column."""
    pairs = [text.rpartition("=") for text in arguments.unit]
    for name, _, unit in pairs:
        if not name.strip() or not unit.strip():
            arguments.parser.error("--unit: write COLUMN=UNIT, such as Days=day")
    return {name.strip(): unit.strip() for name, _, unit in pairs}


def _command(arguments: argparse.Namespace, answers: dict[str, Any]) -> str:
    words = ["multilevel", "analyze", arguments.data, "--outcome", answers["outcome"]]
    for option, key in (("--group", "groups"), ("--level1", "level1"), ("--level2", "level2")):
        names = answers[key]
        plain = not any("," in name for name in names)
        words += [option, ",".join(names)] if names and plain else []
        words += [] if plain else [word for name in names for word in (option, name)]
    words += ["--time", answers["time"]] if answers["time"] else []
    for option in ("random", "interaction", "select", "weights", "unit", "report"):
        given = getattr(arguments, option)
        for text in [given] if isinstance(given, str) else given or []:
            words += [f"--{option}", text]
    words += ["--encoding", arguments.encoding] if arguments.encoding != "utf-8" else []
    words += ["--seed", str(arguments.seed)] if arguments.seed else []
    return shlex.join(words)


def _tell(analysis: Analysis) -> None:
    """Print the headline and the notes of every step as it is made."""
    from multilevel.workflow.analysis import STEPS

    for number, (name, title) in enumerate(STEPS, start=1):
        with _Progress(f"[{number}/{len(STEPS)}] {title} ..."):
            step: Step = getattr(analysis, name)
        print("\n".join(_lines(step)), flush=True)


def _lines(step: Step) -> list[str]:
    lines = [f"{step.number}. {step.title}", *_filled(step.headline, "   ", "   ")]
    for note in step.notes:
        lines += _filled(f"{_MARKS[note.severity]} {note.code}: {note.text}", "   - ", "     ")
    return lines


def _filled(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )


def _written(analysis: Analysis, path: Path) -> Path:
    with _Progress(f"Writing {path} ..."):
        return analysis.report(path)


class _Progress:
    """A line on a terminal that says what is done, and goes when it is done."""

    def __init__(self, text: str) -> None:
        self._text = text if sys.stderr.isatty() else ""

    def __enter__(self) -> None:
        if self._text:
            print(self._text, end="", file=sys.stderr, flush=True)

    def __exit__(self, *_: object) -> None:
        if self._text:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
