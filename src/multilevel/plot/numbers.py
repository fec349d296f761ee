"""What figures read: tables of a fit as arrays, and the rows of a fit by the user's columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import to_frame
from multilevel.frames.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.frames.column import Column
    from multilevel.typing import IndexArray

    Columns = dict[str, Any]

__all__ = [
    "chosen_group",
    "chosen_terms",
    "columns_of",
    "emit",
    "entries_of",
    "fits_by_name",
    "is_fit",
    "response_name",
    "spread_out",
    "stacked",
    "take",
    "used_column",
]


def entries_of(column: Column) -> Any:
    """Entries as the user wrote them: numbers, or labels (None where missing)."""
    if column.categories is None:
        return column.values if column.null is not None else column.data
    labels = np.empty(len(column.categories) + 1, dtype=object)  # the last one is for -1
    labels[:-1] = column.categories
    return labels[column.data]


def columns_of(frame: Any) -> Columns:
    """Columns of a table of a fit as arrays."""
    table = Table.from_data(frame)
    return {name: entries_of(table.column(name)) for name in table.columns}


def take(columns: Mapping[str, Any], rows: Any) -> Columns:
    """Some rows of columns."""
    return {name: np.asarray(values)[rows] for name, values in columns.items()}


def stacked(parts: Sequence[Columns]) -> Columns:
    """Tables below each other; numbers that a table does not have are NaN there."""
    names = list(dict.fromkeys(name for part in parts for name in part))
    lengths = [len(next(iter(part.values()))) for part in parts]
    return {
        name: np.concatenate(
            [
                part[name] if name in part else np.full(n, np.nan)
                for part, n in zip(parts, lengths, strict=True)
            ]
        )
        for name in names
    }


def emit(columns: Columns, like: Any) -> Any:
    """A data frame of the kind of a fit's data, or of the data given."""
    return to_frame(columns, like.model.design.table if is_fit(like) else like)


def is_fit(source: Any) -> bool:
    """Whether something is a fit, not data."""
    return hasattr(source, "model") and hasattr(source, "state")


def fits_by_name(fits: Any) -> dict[str, LinearMixedModel]:
    """One fit or several by name: that of a mapping, or else the formula.

    Raises
    ------
    TypeError
        For what is no fit.
    DataError
        For no fits.
    """
    if is_fit(fits):
        return {fits.formula: fits}
    if not hasattr(fits, "items"):
        if not isinstance(fits, list | tuple):
            raise TypeError(f"Give a fit, a list of fits or a dict of them; got {fits!r}.")
        named: dict[str, Any] = {}
        for fit in fits:
            name = getattr(fit, "formula", "")
            named[f"{name} ({len(named) + 1})" if name in named else name] = fit
        fits = named
    if not fits:
        raise DataError("There are no fits to draw.")
    for fit in fits.values():
        if not is_fit(fit):
            raise TypeError(f"Give a fit, a list of fits or a dict of them; got {fit!r} in it.")
    return {str(name): fit for name, fit in fits.items()}


def chosen_group(fit: LinearMixedModel, group: str | None) -> int:
    """Position of a grouping factor, the first by default."""
    names = list(fit.n_groups)
    if not names:
        raise DataError("The model has no random effects.")
    if group is None:
        return 0
    if group not in names:
        raise DataError(f"There is no grouping factor {group!r}; there are: {', '.join(names)}.")
    return names.index(group)


def chosen_terms(known: Sequence[str], wanted: str | Sequence[str] | None, group: str) -> list[str]:
    """Random effects asked for, all by default."""
    if wanted is None:
        return list(known)
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    for name in names:
        if name not in known:
            raise DataError(
                f"There is no random effect {name!r} of {group}; there are: {', '.join(known)}."
            )
    return names


def response_name(fit: LinearMixedModel) -> str:
    """The response as the formula writes it."""
    return fit.model.design.spec.encoders.response.names[0]


def used_column(fit: LinearMixedModel, name: str) -> Any:
    """Entries of a column of the data in the rows used."""
    design = fit.model.design
    entries = entries_of(design.table.column(name))
    return entries if design.rows is None else entries[design.rows]


def spread_out(n: int, most: int | None) -> IndexArray:
    """At most so many of ``n`` places, evenly spaced, first and last among them."""
    if most is None or n <= most:
        return np.arange(n)
    if most < 1:
        raise ValueError(f"There is nothing to draw of {most} groups or rows; give 1 or more.")
    return np.unique(np.linspace(0, n - 1, most).round().astype(np.intp))
