"""Data files to a data frame: delimited text, Parquet, Feather, Stata, SPSS, SAS.

The frame is pandas', which is always installed because formulaic needs it.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["read_delimited", "read_file"]

_SHEETS = (".xlsx", ".xls", ".ods")
DELIMITED = (".csv", ".tsv", ".txt")
COLUMNAR = {".parquet": "read_parquet", ".feather": "read_feather"}
STATISTICAL = {
    ".dta": "read_dta",
    ".sav": "read_sav",
    ".zsav": "read_sav",
    ".sas7bdat": "read_sas7bdat",
    ".xpt": "read_xport",
}

# What counts as missing in text; "None" may be the name of a level and does not.
MISSING = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NULL", "null", ".")

_SEPARATORS = (",", ";", "\t", "|", " ")
_SAMPLE_BYTES = 65_536
_GZIP_MAGIC = b"\x1f\x8b"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_file(path: str | Path, encoding: str = "utf-8") -> Any:
    """Read a data file; its ending says what it is.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.tsv`` or ``.txt`` (separator and decimal comma found out, ``.gz`` allowed),
        ``.parquet``, ``.feather``, ``.dta`` (Stata), ``.sav`` or ``.zsav`` (SPSS),
        ``.sas7bdat`` or ``.xpt`` (SAS).
    encoding : str
        Encoding of delimited text.

    Returns
    -------
    pandas.DataFrame
        A variable of Stata or SPSS whose every value has a label is a categorical of the labels
        in the order of the values; one with labels for some of its values keeps the values.

    Raises
    ------
    DataError
        If the file is of no known kind, or not what its ending says, or its reader is missing.
    OSError
        If there is no such file or it may not be read.
    """
    file = Path(path)
    if "://" in str(path):
        raise DataError(f"{path} is an address; download the file and name that.")
    ending = file.suffix.lower()
    if ending == ".gz":
        ending = Path(file.stem).suffix.lower()
        if ending not in DELIMITED:
            raise DataError(f"{file.name}: only delimited text ({_listed(DELIMITED)}) may be .gz.")
    if ending in DELIMITED:
        return read_delimited(file.read_bytes(), file.name, encoding)
    if ending not in COLUMNAR and ending not in STATISTICAL:
        known = _listed((*DELIMITED, *COLUMNAR, *STATISTICAL))
        if file.is_dir():
            raise DataError(f"{path} is a folder; name a file in it.")
        sheet = " Save the sheet as CSV in the spreadsheet program." if ending in _SHEETS else ""
        raise DataError(
            f"{file.name}: {ending or 'no ending'} is not a known kind; use {known}.{sheet}"
        )
    with file.open("rb"):  # the readers' own messages for missing files and folders differ
        pass
    read = _read_columnar if ending in COLUMNAR else _read_statistical
    return read(file, ending)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def read_delimited(raw: bytes, name: str, encoding: str = "utf-8") -> Any:
    """Read delimited text with a header line.

    Parameters
    ----------
    raw : bytes
        The text, gzipped or not.
    name : str
        What messages call it.
    encoding : str
        Its encoding; a byte order mark is dropped.

    Returns
    -------
    pandas.DataFrame

    Raises
    ------
    DataError
        If the text has another encoding, no header, a column named twice, or uneven lines.
    """
    import pandas as pd

    text = _decode(_unzip(raw, name), name, encoding).lstrip("\r\n")
    separator, header, rows = _sniff(text[:_SAMPLE_BYTES], name)
    twice = sorted({column for column in header if column and header.count(column) > 1})
    if twice:
        numbers = all(_is_number(column) for column in twice)
        no_header = "Is the first line no header? Every column needs a name."
        why = no_header if numbers else "Rename one of them."
        raise DataError(f"{name}: the header has {_listed(twice)} twice. {why}")
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            decimal=_decimal(separator, rows),
            na_values=list(MISSING),
            keep_default_na=False,
            skipinitialspace=True,
            low_memory=False,
        )
    except ValueError as error:
        raise DataError(f"{name}: {_one_line(error)}") from None
    # Lines of separators only are what spreadsheets leave of rows that were cleared.
    return frame.dropna(how="all").reset_index(drop=True).rename(columns=str.strip)


def _unzip(raw: bytes, name: str) -> bytes:
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError) as error:
        raise DataError(f"{name} is a damaged gzip file: {error}") from None


def _decode(raw: bytes, name: str, encoding: str) -> str:
    if raw.startswith(_UTF16_MARKS) and encoding == "utf-8":
        raise DataError(f"{name} is UTF-16 text, not UTF-8; try --encoding utf-16.")
    try:
        text = raw.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except LookupError:
        raise DataError(f"There is no encoding {encoding!r}; try latin-1 or utf-16.") from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name} is not {encoding} text (line {line}, byte 0x{raw[error.start]:02x}); "
            "save it as UTF-8 or try --encoding latin-1 (in Python: "
            'data = pandas.read_csv(..., encoding="latin-1")).'
        ) from None
    if "\0" in text:
        raise DataError(
            f"{name} is not plain text: it has zero bytes. If it is UTF-16, try "
            "--encoding utf-16-le."
        )
    if not text.strip():
        raise DataError(f"{name} is empty.")
    return text


def _sniff(sample: str, name: str) -> tuple[str, list[str], list[list[str]]]:
    """Find the separator that gives most columns, and as many in the header as below it."""
    best: tuple[str, list[str], list[list[str]]] = (",", [], [])
    widest: tuple[int, int] = (1, 1)
    for separator in _SEPARATORS:
        if separator == " " and best[1]:  # spaces beside other separators
            break
        reader = csv.reader(
            io.StringIO(sample, newline=""), delimiter=separator, skipinitialspace=True
        )
        lines = [line for line in islice(reader, 100) if line]
        header, rows = lines[0], lines[1:]
        even = not rows or len(rows[0]) == len(header)
        if rows:
            widest = max(widest, (len(header), len(rows[0])))
        if even and len(header) > max(1, len(best[1])):
            best = (separator, [column.strip() for column in header], rows)
    if best[1]:
        return best
    if widest[0] > 1:
        raise DataError(
            f"{name}: the header has {widest[0]} columns, but the line below it has {widest[1]}. "
            "The first line must name the columns: delete lines above it."
        )
    raise DataError(f"{name} has one column only: no comma, semicolon, tab, | or space in it.")


def _decimal(separator: str, rows: list[list[str]]) -> str:
    """Return the decimal sign: a comma where numbers have commas and none has a point.

    Commas that may separate thousands are left as they are, in text: 1,234 is not read as 1.234.
    """
    cells = [cell.strip() for row in rows for cell in row] if separator != "," else []
    commas = any(
        re.fullmatch(r"[-+]?\d+,\d+", cell) and not re.fullmatch(r"[-+]?[1-9]\d{0,2},\d{3}", cell)
        for cell in cells
    )
    points = any(re.fullmatch(r"[-+]?\d*\.\d+", cell) for cell in cells)
    return "," if commas and not points else "."


def _read_columnar(file: Path, ending: str) -> Any:
    import pandas as pd

    _require("pyarrow", ending)
    return _guarded(getattr(pd, COLUMNAR[ending]), file, ending)


def _read_statistical(file: Path, ending: str) -> Any:
    _require("pyreadstat", ending)
    import pyreadstat

    frame, meta = _guarded(getattr(pyreadstat, STATISTICAL[ending]), file, ending)
    for column, labels in meta.variable_value_labels.items():
        frame[column] = _labelled(frame[column], labels)
    return frame


def _labelled(values: Any, labels: dict[Any, str]) -> Any:
    import pandas as pd

    complete = values.dropna().isin(list(labels)).all()
    if not complete or len(set(labels.values())) < len(labels):
        return values
    ordered = [labels[value] for value in sorted(labels)]
    return pd.Categorical(values.map(labels), categories=ordered)


def _guarded(read: Callable[[Path], Any], file: Path, ending: str) -> Any:
    try:
        return read(file)
    except Exception as error:  # each library has its own error for a file that is something else
        message = f"{file.name} cannot be read as {ending}: {_one_line(error)}"
        raise DataError(message) from error


def _require(module: str, ending: str) -> None:
    if find_spec(module) is None:
        raise DataError(
            f'Reading {ending} needs {module}, which is not installed; pip install "multilevel[io]"'
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")


def _listed(words: tuple[str, ...] | list[str]) -> str:
    return ", ".join(words)
