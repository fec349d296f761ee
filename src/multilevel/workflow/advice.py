"""What to do about columns that hold the wrong kind of values."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.frames.column import Column

__all__ = ["conversion", "time_advice"]


def conversion(column: Column) -> str:
    """How to make numbers of text; empty if the text holds none."""
    if column.kind not in ("text", "categorical"):
        return ""
    values = [str(value).strip() for value in column.levels]
    plain = [value for value in values if _is_number(value)]
    comma = [value for value in values if _is_number(value.replace(",", ".", 1))]
    name = repr(column.name)
    if values and len(plain) == len(values):
        return f"The text holds numbers ({plain[0]!r}): data[{name}].astype(float) in pandas."
    if values and len(comma) == len(values):
        found = next(value for value in values if "," in value)
        return (
            f"The text holds numbers with decimal commas ({found!r}): "
            f'data[{name}].str.replace(",", ".").astype(float) in pandas, or '
            'pandas.read_csv(..., decimal=",").'
        )
    if len(comma) > len(values) / 2:
        odd = next(value for value in values if value not in comma)
        return (
            f"Most of it is numbers, but not {odd!r}: correct that or make it missing, then "
            f'pandas.to_numeric(data[{name}], errors="coerce").'
        )
    return ""


def time_advice(column: Column) -> str:
    """How to make a number of a time."""
    if column.kind == "temporal":
        name = repr(column.name)
        return (
            "Time must be a number, such as days or years since the start: "
            f"(data[{name}] - data[{name}].min()).dt.days in pandas."
        )
    found = conversion(column)
    return found or (
        "Time must be a number. Number the occasions, with their distances if they are unequal: "
        "0, 1, 2 or 0, 6, 24 months."
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
