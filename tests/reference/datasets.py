"""The vendored data sets, read as R reads them: a quoted value is a label, not a number."""

from __future__ import annotations

import csv
import functools
import gzip
import os
from pathlib import Path

import pandas as pd
import pytest

DATA = Path(__file__).parent / "data"
# Folder with data sets that may not be redistributed (see provenance.md).
EXTERNAL = "MULTILEVEL_TEST_DATA"


@functools.cache
def _read(path: Path) -> pd.DataFrame:
    with gzip.open(path, "rt", newline="") as file:
        header, first = file.readline(), file.readline()
    names = next(csv.reader([header]))
    labels = [
        name for name, cell in zip(names, first.split(","), strict=False) if cell.startswith('"')
    ]
    return pd.read_csv(path, dtype=dict.fromkeys(labels, str))


def load(name: str) -> pd.DataFrame:
    """A vendored data set, a fresh copy."""
    return _read(DATA / f"{name}.csv.gz").copy()


def load_external(name: str) -> pd.DataFrame:
    """A data set from the folder in ``MULTILEVEL_TEST_DATA``; skips the test without it."""
    folder = os.environ.get(EXTERNAL)
    if folder is None:
        pytest.skip(f"{name} may not be redistributed: set {EXTERNAL} to a folder that has it")
    path = Path(folder) / f"{name}.csv.gz"
    if not path.exists():
        pytest.skip(f"{path} does not exist")
    return pd.read_csv(path, keep_default_na=False, na_values=[""])
