"""A table of results as cells of text: numbers as the name of their column asks for.

Names of columns are those of the whole package (``estimate``, ``p_value``, ``n_rows``, ...), so
that the same number looks the same in every table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.frames.table import Table
from multilevel.report.headings import heading_of, span_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from multilevel.frames.column import Column
    from multilevel.report.document import DataTable
    from multilevel.typing import Float

__all__ = ["Cells", "read_cells"]

NO_NUMBER = "–"
_MINUS = "−"

Form = Literal["count", "df", "p", "share", "percent", "criterion", "statistic", "estimate", "any"]

_COUNT = re.compile(r"n_.*|nobs|.*_rows|rows|singletons|smallest|largest|.*_count|rank(_.*)?|year")
_P = re.compile(r"p_.*|p|.*_p_value")
_SHARE = re.compile(
    r"(.*_)?(share|icc|icc2|vpc|r2|reliability|corr|correlation|shrinkage|proportion|power|p_hat|"
    r"autocorrelation|coverage)(_.*)?"
)
_CRITERION = re.compile(r"(.*_)?(loglik|deviance|aic|aicc|bic|reml_criterion|criterion)(_.*)?")
_STATISTIC = re.compile(r"(.*_)?(statistic|ratio|design_effect|deff|vif|z|t|f|chisq)(_.*)?")
_NUMBER = re.compile(r"[\d.,;()\[\]%<>−–± ]*\d[\d.,;()\[\]%<>−–± ]*|–")
# In one unit, and written with equally many decimals.
_SAME = re.compile(r"(estimate|std_error|fitted|observed|simulated)(_.*)?|conf_low|conf_high")
_TEXT_WIDTHS = (48, 36, 28, 22, 16)  # characters at which columns of text are wrapped
_WHOLE = 1e-9  # what rounding makes of a whole number, relative to it
_MOST_DECIMALS = 6
_MOST_SPREAD = 1  # decimals that rows of one column may be apart and still be written alike


@dataclass(frozen=True, slots=True)
class Cells:
    """A table as text.

    Attributes
    ----------
    heads : tuple of str
        Headings of the columns.
    over : tuple of str
        Heading over each column, the same for neighbours that share it; ``""`` where there is none.
    rows : tuple of tuple of str
        Cells.
    labels : int
        How many columns at the left are labels.
    numeric : tuple of bool
        Columns of numbers, which are aligned at the right.
    """

    heads: tuple[str, ...]
    over: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int
    numeric: tuple[bool, ...]

    def spans(self, columns: Sequence[int] | None = None) -> list[tuple[str, int]]:
        """Headings over headings with the number of columns that each is over."""
        over = self.over if columns is None else [self.over[c] for c in columns]
        return [(text, len(list(group))) for text, group in groupby(over)]

    def widths(self, most: int) -> list[int]:
        """Characters that each column takes if its text is wrapped at ``most``."""
        widths = []
        for c, (head, numeric) in enumerate(zip(self.heads, self.numeric, strict=True)):
            longest = max(len(row[c]) for row in self.rows)
            widths.append(
                max([longest if numeric else min(longest, most), *map(len, head.split())])
            )
        return widths

    def fit(self, width: int) -> tuple[list[list[int]], list[int]]:
        """Put columns beside each other in so many characters.

        Returns
        -------
        pages : list of list of int
            Columns that fit, the labels repeated at the left of each set.
        widths : list of int
            Characters of every column.
        """
        for most in _TEXT_WIDTHS:
            widths = self.widths(most)
            if sum(widths) + 2 * len(widths) <= width:
                return [list(range(len(widths)))], widths
        for most in _TEXT_WIDTHS:
            widths = self.widths(most)
            if sum(widths[: self.labels]) < width / 2:
                break
        return self._pages(widths, width), widths

    def _pages(self, widths: list[int], width: int) -> list[list[int]]:
        labels = list(range(self.labels))
        pages: list[list[int]] = [[]]
        for column in range(self.labels, len(widths)):
            taken = sum(widths[c] + 2 for c in (*labels, *pages[-1], column))
            if pages[-1] and taken > width:
                pages.append([])
            pages[-1].append(column)
        return [[*labels, *page] for page in pages]

    def is_number(self, column: int) -> bool:
        """Whether a column is one of numbers to read, which are aligned at the right."""
        return self.numeric[column] and column >= self.labels


def read_cells(table: DataTable) -> Cells:
    """Format the numbers of a table and find the headings of its columns."""
    frame = Table.from_data(table.frame)
    names = frame.columns
    columns = [frame.column(name) for name in names]
    shared = _shared_decimals({c.name: c.values for c in columns if _is_same(c)}, names)
    texts = [_column(column, heading_of(column.name, table.headings), shared) for column in columns]
    return Cells(
        heads=tuple(heading_of(name, table.headings) for name in names),
        over=tuple("" if name in table.headings else span_of(name, names) for name in names),
        rows=tuple(zip(*texts, strict=True)),
        labels=table.labels,
        numeric=tuple(
            column.kind == "numeric" or _are_numbers(cells)
            for column, cells in zip(columns, texts, strict=True)
        ),
    )


def _is_same(column: Column) -> bool:
    return column.kind == "numeric" and _SAME.fullmatch(column.name.lower()) is not None


def _are_numbers(cells: list[str]) -> bool:
    """Whether text is numbers that were written already: ``12.6 (0.244)``."""
    known = [cell for cell in cells if cell]
    return bool(known) and all(_NUMBER.fullmatch(cell) for cell in known)


def _column(column: Column, heading: str, shared: list[int] | None) -> list[str]:
    """All cells of a column."""
    if column.kind == "boolean":
        words = {0.0: "no", 1.0: "yes"}
        return [words.get(x, NO_NUMBER) for x in column.values]
    if column.kind != "numeric":
        labels = [_text(label) for label in column.levels]
        return [labels[code] if code >= 0 else "" for code in column.codes]
    form = _form(column, heading)
    if form != "estimate":
        return _numbers(column.values, form)
    if shared is None:
        return _numbers(column.values, "share")
    return [_fixed(x, decimals) for x, decimals in zip(column.values, shared, strict=True)]


def _form(column: Column, heading: str) -> Form:
    """How the numbers of a column are written."""
    name = column.name.lower()
    if "%" in heading or "percent" in heading.lower():
        return "percent"
    if heading.startswith("Share"):
        return "share"
    rules: tuple[tuple[re.Pattern[str], Form], ...] = (
        (_COUNT, "count"),
        (_P, "p"),
        (_SHARE, "share"),
        (_CRITERION, "criterion"),
        (_STATISTIC, "statistic"),
    )
    if _is_same(column):
        return "estimate"
    if re.fullmatch(r"(.*_)?df(_.*)?", name):
        return "df"
    return next((form for rule, form in rules if rule.fullmatch(name)), "any")


def _numbers(values: Float, form: Form) -> list[str]:
    """The numbers of a column, all in one form."""
    known = values[np.isfinite(values)]
    if form in _ONE_BY_ONE and not (form == "share" and (np.abs(known) > 1.0).any()):
        return [_ONE_BY_ONE[form](float(x)) for x in values]
    if (np.abs(known - np.round(known)) <= _WHOLE * np.abs(known)).all():
        return [_fixed(x, 0) for x in values]
    if form in ("df", "count"):
        return [_fixed(x, 1 if abs(x) < 1000.0 else 0) for x in values]
    decimals = _decimals(known)
    return [_fixed(x, decimals) if decimals <= _MOST_DECIMALS else _alone(x) for x in values]


def _shared_decimals(columns: dict[str, Float], names: Sequence[str]) -> list[int] | None:
    """Decimals of every row, for an estimate, its standard error and its interval alike.

    Two digits of the smallest standard error; row by row where one number of decimals would be too
    many for others. None for the errors and intervals of shares, which are written as shares.
    """
    if not columns or ("estimate" not in columns and any(_SHARE.fullmatch(name) for name in names)):
        return None
    n_rows = len(next(iter(columns.values())))
    digits = 2 if "std_error" in columns else 3
    sizes = columns.get("std_error", columns.get("estimate", np.zeros(n_rows)))
    rows = [_needed(x, digits) if np.isfinite(x) and x != 0.0 else None for x in sizes]
    known = [row for row in rows if row is not None]
    if not known:
        values = np.concatenate(list(columns.values()))
        return [_decimals(values[np.isfinite(values)])] * n_rows
    least, most = min(known), max(known)
    if most - least <= _MOST_SPREAD:
        return [most] * n_rows
    return [least + 2 if row is None else row for row in rows]


def _needed(x: float, digits: int) -> int:
    """Decimals that show so many significant digits."""
    return max(digits - 1 - int(np.floor(np.log10(abs(x)))), 0)


def _decimals(known: Float) -> int:
    """Decimals for a column: three digits of the largest, two of the smallest that matters."""
    sizes = np.abs(known[known != 0.0])
    if not len(sizes):
        return 0
    matters = sizes[sizes >= sizes.max() / 1000.0]
    return max(_needed(float(sizes.max()), 3), _needed(float(matters.min()), 2))


def _fixed(x: float, decimals: int) -> str:
    if np.isnan(x):
        return NO_NUMBER
    if np.isinf(x):
        return "∞" if x > 0 else f"{_MINUS}∞"
    text = f"{x:,.{decimals}f}"
    return text.replace("-", _MINUS if text.strip("-0.,") else "")


def _alone(x: float) -> str:
    return NO_NUMBER if np.isnan(x) else f"{x:.2e}".replace("-", _MINUS)


def _p_value(p: float) -> str:
    if np.isnan(p):
        return NO_NUMBER
    if p < 0.001:
        return "<.001"
    return f"{p:.3f}".removeprefix("0") if p < 0.9995 else ">.999"


def _share(x: float) -> str:
    """A number that cannot exceed 1, without the zero before its point."""
    text = _fixed(x, 3)
    return text.replace("0.", ".", 1) if text.lstrip(_MINUS).startswith("0.") else text


def _percent(x: float) -> str:
    return NO_NUMBER if np.isnan(x) else f"{_fixed(100.0 * x, 1)}%"


_ONE_BY_ONE: dict[Form, Callable[[float], str]] = {
    "p": _p_value,
    "share": _share,
    "percent": _percent,
    "criterion": lambda x: _fixed(x, 1),
    "statistic": lambda x: _fixed(x, 2),
}


def _text(label: object) -> str:
    return str(label).removesuffix("T00:00:00.000000000")
