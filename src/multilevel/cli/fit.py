"""``multilevel fit``: a formula and a data file to a summary."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilevel.cli.estimates import estimates
from multilevel.frames.files import read_delimited, read_file

if TYPE_CHECKING:
    import argparse

__all__ = ["read_data", "run_fit"]


def run_fit(arguments: argparse.Namespace) -> None:
    """Fit the model that the arguments state and write what they ask for."""
    import multilevel as mlm

    fit = mlm.lmer(
        arguments.formula,
        read_data(arguments.data, arguments.encoding),
        reml=not arguments.ml,
        weights=arguments.weights,
        na_action=arguments.na,
    )
    if arguments.html:
        Path(arguments.html).write_text(fit.summary().to_html(), encoding="utf-8")
    if arguments.json:
        text = json.dumps(estimates(fit), indent=2, allow_nan=False) + "\n"
        if arguments.json == "-":
            sys.stdout.write(text)
            return
        Path(arguments.json).write_text(text, encoding="utf-8")
    print(fit.summary())


def read_data(source: str, encoding: str) -> Any:
    """Read a data file, or delimited text from standard input."""
    if source == "-":
        return read_delimited(sys.stdin.buffer.read(), "standard input", encoding)
    return read_file(source, encoding)
