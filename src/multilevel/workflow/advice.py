"""What to do about columns that hold the wrong kind of values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.frames.column import Column

__all__ = ["conversion", "is_number", "one_kind", "time_advice"]

_DATE = re.compile(r"\d{4}([-/.])\d{1,2}\1\d{1,2}\b.*|\d{1,2}([-/.])\d{1,2}\2(\d{4}|\d{2})\b.*")
# Digits with separators of thousands between them, and signs of money or per cent around them.
_DECORATED = re.compile(r"[^\w(<>]*\d[\d.,' \u2019\u00a0\u202f]*[^\w)]*")
_THOUSANDS = re.compile(r"[-+]?[1-9]\d{0,2},\d{3}")


def conversion(column: Column) -> str:
    """How to make numbers of text; empty if the text holds none."""
    if column.kind not in ("text", "categorical") or not len(column.levels):
        return ""
    values = [str(value).strip() for value in column.levels]
    name = repr(column.name)
    odd = [value for value in values if not is_number(value)]
    if not odd:
        return f"The text holds numbers ({values[0]!r}): data[{name}].astype(float) in pandas."
    wrong = [value for value in odd if not is_number(value.replace(",", ".", 1))]
    if not wrong:
        return _without_commas(name, odd)
    known = _known_form(name, values, odd[0])
    if not known and len(wrong) < len(values) / 2:
        return (
            f"Most of it is numbers, but not {wrong[0]!r}: correct that or make it missing, then "
            f'pandas.to_numeric(data[{name}], errors="coerce").'
        )
    return known


def _known_form(name: str, values: list[str], odd: str) -> str:
    """What to do about dates, and numbers with signs around and in them."""
    if all(map(_DATE.fullmatch, values)):
        return (
            f"The text holds dates ({values[0]!r}). Days since the first one are numbers: days = "
            f"pandas.to_datetime(data[{name}]); (days - days.min()).dt.days."
        )
    if all(map(_DECORATED.fullmatch, values)):
        return (
            f"The text holds numbers with other signs ({odd!r}): take separators of thousands, "
            "signs of money and per cent out, then convert it to numbers."
        )
    return ""


def _without_commas(name: str, values: list[str]) -> str:
    """What to do about numbers with commas, which are decimal signs or separate thousands."""
    decimal = f'data[{name}].str.replace(",", ".").astype(float)'
    if all(map(_THOUSANDS.fullmatch, values)):
        return (
            f"The text holds numbers with commas ({values[0]!r}). If these separate thousands: "
            f'data[{name}].str.replace(",", "").astype(float) in pandas; if they are decimal '
            f"commas: {decimal}."
        )
    return (
        f"The text holds numbers with decimal commas ({values[0]!r}): {decimal} in pandas, or "
        'pandas.read_csv(..., decimal=",").'
    )


def time_advice(column: Column) -> str:
    """How to make a number of a time."""
    if column.kind == "temporal":
        name = repr(column.name)
        return (
            "Time must be a number, such as days or years since the start: "
            f"(data[{name}] - data[{name}].min()).dt.days in pandas."
        )
    if column.kind == "boolean":
        return f"Time must be a number: data[{column.name!r}].astype(int) is 0 and 1 in pandas."
    found = conversion(column)
    return found or (
        "Time must be a number. Number the occasions, with their distances if they are unequal: "
        "0, 1, 2 or 0, 6, 24 months."
    )


def one_kind(column: Column) -> str:
    """What to do about a column of values of several kinds."""
    name = repr(column.name)
    return (
        f'Make it a column of one kind: pandas.to_numeric(data[{name}], errors="coerce") for '
        f"numbers, data[{name}].astype(str) for categories."
    )


def is_number(text: str) -> bool:
    """Whether a text reads as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
