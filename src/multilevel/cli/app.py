"""Arguments in, exit code out: 0 done, 1 model or data at fault, 2 wrong usage."""

from __future__ import annotations

import argparse
import io
import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from multilevel.cli.analyze import add_analyze_arguments
from multilevel.cli.demo import run_demo
from multilevel.cli.fit import run_fit
from multilevel.exceptions import MultilevelError, MultilevelWarning

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]

DESCRIPTION = """\
Multilevel (mixed-effects, hierarchical) models: pupils in schools, visits of patients,
answers of people to items. Formulas are lme4's; calls inside them are Python's.
"""

EXAMPLES = """\
examples:
  multilevel demo
      three models of 7,185 pupils in 160 schools, explained
  multilevel fit "math ~ ses + (ses | school)" pupils.csv
      a random intercept and a random slope of ses for every school
  multilevel fit "score ~ time * arm + (time | clinic/patient)" visits.dta --html visits.html
      patients nested in clinics, from a Stata file, the summary as a web page
  cat pupils.csv | multilevel fit "math ~ 1 + (1 | school)" - --json -
      from standard input, the estimates as JSON

  multilevel analyze pupils.csv
      asks which columns to use, analyses them in eight steps, and writes a report
  multilevel analyze pupils.csv --outcome math --group school --level1 ses --level2 sector
      the same without questions

"multilevel fit --help" and "multilevel analyze --help" have all options.
"""

FIT_DESCRIPTION = """\
Fit a linear mixed model and print its summary.

  (1 | school)         a random intercept for every school
  (ses | school)       and a random slope of ses, correlated with it
  (ses || school)      uncorrelated
  (1 | school/class)   classes nested in schools
  (1 | pupil) + (1 | item)   crossed factors
"""

ANALYZE_DESCRIPTION = """\
Analyse hierarchical data in eight steps and write a report in plain language: structure, questions,
assumptions, variance between groups, models from simple to complex, comparison, interpretation,
inference. On a terminal it asks for what is missing. Lists may be given with spaces (after the name
of the file), with commas, or by giving an option several times.
"""

# What a shell reports for a program that the end of its pipe stopped: 128 + SIGPIPE.
BROKEN_PIPE = 141
# ... and for one that Ctrl-C stopped: 128 + SIGINT.
INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments; those of the process by default.

    Returns
    -------
    int
        0 if done, 1 if the model or the data are at fault, 130 if stopped by Ctrl-C. Wrong usage
        exits with 2.
    """
    parser = _parser()
    arguments = parser.parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name the terminal cannot show must not stop us
            stream.reconfigure(errors="replace")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", MultilevelWarning)
            warnings.showwarning = _show_warning
            arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is left in the buffer has nowhere to go; else the interpreter complains at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    except (MultilevelError, OSError) as error:
        print(f"error: {_message(error)}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    plain = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        "multilevel", description=DESCRIPTION, epilog=EXAMPLES, formatter_class=plain
    )
    parser.set_defaults(run=lambda arguments: parser.print_help())
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    demo = commands.add_parser("demo", help="fit three models to a classic data set and explain")
    demo.set_defaults(run=lambda arguments: run_demo())
    fit = commands.add_parser(
        "fit",
        help="fit a model to a data file",
        description=FIT_DESCRIPTION,
        formatter_class=plain,
    )
    _add_fit_arguments(fit)
    fit.set_defaults(run=run_fit)
    analyze = commands.add_parser(
        "analyze",
        help="analyse a data file in eight steps and write a report",
        description=ANALYZE_DESCRIPTION,
        formatter_class=plain,
    )
    add_analyze_arguments(analyze)
    return parser


def _add_fit_arguments(fit: argparse.ArgumentParser) -> None:
    fit.add_argument("formula", help='such as "math ~ ses + (ses | school)"')
    fit.add_argument(
        "data",
        help=".csv, .tsv, .txt (also .gz), .parquet, .feather, .dta (Stata), .sav (SPSS), "
        ".sas7bdat, .xpt (SAS), or - for delimited text from standard input",
    )
    fit.add_argument("--ml", action="store_true", help="maximum likelihood instead of REML")
    fit.add_argument("--weights", metavar="COLUMN", help="column of prior weights")
    fit.add_argument(
        "--na",
        choices=("drop", "raise"),
        default="drop",
        help="rows with missing values: drop them and say how many (default), or stop",
    )
    fit.add_argument("--encoding", default="utf-8", help="encoding of delimited text")
    fit.add_argument(
        "--json", metavar="FILE", help="write the estimates; - prints them instead of the summary"
    )
    fit.add_argument("--html", metavar="FILE", help="write the summary as a web page")


class _Version(argparse.Action):
    """Print the version: looked up only when asked for, because that loads the package."""

    def __init__(self, option_strings: list[str], dest: str, **kwargs: Any) -> None:
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, **kwargs)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import multilevel

        print(f"multilevel {multilevel.__version__}")
        parser.exit()


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"warning: {message}", file=sys.stderr)


def _message(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error)
