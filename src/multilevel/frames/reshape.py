"""Wide data, one row per unit and one column per occasion, to long data, one row per occasion."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.frames.emit import add_columns
from multilevel.frames.table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.frames.column import Column

__all__ = ["repeated_columns", "wide_to_long"]

_SEPARATORS = "_. -"
_NUMBERED = re.compile(rf"(?P<stub>.*?[^\d{_SEPARATORS}])[{_SEPARATORS}]*(?P<time>\d+)")
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class _Plan:
    """What becomes of the columns: ``sources[name][time]`` is a column of the wide data."""

    unit: str | None
    kept: tuple[str, ...]
    times: tuple[float, ...]
    sources: dict[str, dict[float, str]]


def wide_to_long(
    data: Any,
    columns: str | Sequence[str] | Mapping[str, Mapping[str, float]] | None = None,
    *,
    unit: str | None = None,
    time: str = "time",
) -> Any:
    """Make wide data long: a row per unit and occasion instead of a column per occasion.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per unit. Columns of one variable are numbered: ``wl1 wl2 wl3``, ``score_0
        score_6 score_12``, ``"dose.1" "dose.2"``.
    columns : str, sequence of str or mapping, optional
        Variables that were measured more than once, without the numbers: ``["wl", "se"]``. For
        columns that are not numbered, a mapping of the variable to its columns and their times:
        ``{"score": {"pretest": 0, "posttest": 1}}``. By default all variables with at least two
        numbered columns.
    unit : str, optional
        Column that tells the units apart. By default a new one, ``"id"``, which numbers the rows
        from 1.
    time : str
        Name of the new column of times, the numbers behind the names.

    Returns
    -------
    data frame or dict of arrays
        Of the kind of ``data``, with the rows of a unit together, in the order of time: the unit,
        the columns that do not change, ``time``, and a column for each variable. A variable
        without a column for a time is missing there; rows with nothing but missing values are
        kept.

    Raises
    ------
    DataError
        If no columns are found, names clash, or ``unit`` is missing in a row or not unique.

    Examples
    --------
    >>> import multilevel as mlm
    >>> wide = {"client": ["A", "B"], "kg1": [81.0, 95.5], "kg2": [79.5, 94.0]}
    >>> long = mlm.wide_to_long(wide, unit="client", time="month")
    >>> {name: column.tolist() for name, column in long.items()}
    {'client': ['A', 'A', 'B', 'B'], 'month': [1, 2, 1, 2], 'kg': [81.0, 79.5, 95.5, 94.0]}
    """
    table = Table.from_data(data)
    sources = (
        {name: _stated(table, name, given) for name, given in columns.items()}
        if isinstance(columns, Mapping)
        else _numbered(table, columns)
    )
    plan = _plan(table, sources, unit, time)
    repeated = np.repeat(np.arange(table.n_rows), len(plan.times))
    made: dict[str, Any] = {}
    if plan.unit is None:
        made["id"] = repeated + 1
    made[time] = np.tile(_numbers(plan.times), table.n_rows)
    made |= {name: _stacked(table, own, plan.times) for name, own in plan.sources.items()}
    return _joined(table, plan, repeated, made)


def repeated_columns(table: Table) -> dict[str, dict[float, str]]:
    """Variables with at least two numbered columns, and these by their numbers."""
    found: dict[str, dict[float, str]] = {}
    for name in table.columns:
        match = _NUMBERED.fullmatch(name)
        if match is not None:
            _put(found.setdefault(match["stub"], {}), float(match["time"]), name)
    return {stub: own for stub, own in found.items() if len(own) > 1}


def _numbered(table: Table, stubs: str | Sequence[str] | None) -> dict[str, dict[float, str]]:
    found = repeated_columns(table)
    if stubs is None:
        if not found:
            raise DataError(
                "No columns of repeated measurements were found: they are numbered, as in wl1, "
                f"wl2, wl3. Columns: {', '.join(table.columns)}. For other names say which column "
                'is which time: columns={"score": {"pretest": 0, "posttest": 1}}.'
            )
        return found
    names = [stubs] if isinstance(stubs, str) else list(stubs)
    bare = {name.rstrip(_SEPARATORS): name for name in names}
    for name in bare:
        if name not in found:
            known = f" Numbered columns were found for {', '.join(found)}." if found else ""
            raise DataError(
                f"columns: there are no two columns {name!r} with a number behind, such as "
                f"{name + '1'!r} and {name + '2'!r}.{known}"
            )
    return {name: found[name] for name in bare}


def _stated(table: Table, name: str, given: Mapping[str, float]) -> dict[float, str]:
    """Columns of a variable with the times that the user gave."""
    own: dict[float, str] = {}
    for column, when in given.items():
        table.column(column)
        if isinstance(when, bool) or not isinstance(when, int | float):
            raise DataError(
                f"columns[{name!r}]: the time of {column!r} must be a number; got {when!r}."
            )
        _put(own, float(when), column)
    if not own:
        raise DataError(f"columns[{name!r}] names no column.")
    return own


def _put(own: dict[float, str], when: float, column: str) -> None:
    if when in own:
        raise DataError(
            f"Columns {own[when]!r} and {column!r} stand for the same time {when:g}; rename or "
            "drop one of them."
        )
    own[when] = column


def _plan(table: Table, sources: dict[str, dict[float, str]], unit: str | None, time: str) -> _Plan:
    used = {column for own in sources.values() for column in own.values()}
    if unit is not None:
        if unit in used:
            raise DataError(f"unit: {unit!r} is one of the repeated measurements.")
        _check_unique(table.column(unit))
    kept = [name for name in table.columns if name not in used and name != unit]
    kept = kept if unit is None else [unit, *kept]
    _check_new(kept, [*sources, time, *(["id"] if unit is None else [])], time)
    times = tuple(sorted({when for own in sources.values() for when in own}))
    return _Plan(unit, tuple(kept), times, sources)


def _check_new(kept: list[str], new: list[str], time: str) -> None:
    """New columns must have names of their own."""
    for name in new:
        if name not in kept and new.count(name) == 1:
            continue
        if name == time:
            advice = 'give the new column of times another name, time="occasion"'
        elif name == "id":
            advice = 'say unit="id" if it tells the units apart, or rename it'
        else:
            advice = "rename it, or the numbered columns"
        raise DataError(f"There is a column {name!r} already: {advice}.")


def _check_unique(column: Column) -> None:
    codes = column.codes
    if (codes < 0).any():
        raise DataError(f"unit: {column.name!r} is missing in row {int(np.argmin(codes))}.")
    counts = np.bincount(codes)
    if (counts > 1).any():
        twice = [str(label) for label in column.levels[counts > 1][:_SHOWN]]
        raise DataError(
            f"unit: {column.name!r} does not tell the rows apart: {int((counts > 1).sum())} of its "
            f"values occur more than once ({', '.join(twice)}). In wide data each unit has one "
            "row; leave unit out to number the rows, or the data may be long already."
        )


def _numbers(times: tuple[float, ...]) -> np.ndarray:
    """Times, whole numbers as such."""
    values = np.array(times)
    whole = values.astype(np.int64)
    return whole if (whole == values).all() else values


def _stacked(table: Table, own: dict[float, str], times: tuple[float, ...]) -> np.ndarray:
    """The columns of a variable as one, occasions of a row together, shape (n_rows * n_times,)."""
    columns = {when: table.column(name) for when, name in own.items()}
    every = len(own) == len(times)
    if all(column.is_numeric for column in columns.values()):
        whole = every and all(c.is_integer and c.missing is None for c in columns.values())
        out: np.ndarray = np.full((table.n_rows, len(times)), np.nan)
        for when, column in columns.items():
            out[:, times.index(when)] = column.values
        return (out.astype(np.int64) if whole else out).ravel()
    mixed = [column for column in columns.values() if column.kind in ("other", "numeric")]
    if mixed:
        raise DataError(
            f"Columns {', '.join(own.values())} cannot be one variable: {mixed[0].name!r} holds "
            f"{mixed[0].describe()}, others do not."
        )
    objects = np.full((table.n_rows, len(times)), None, dtype=object)
    for when, column in columns.items():
        present = column.codes >= 0
        objects[present, times.index(when)] = column.levels[column.codes[present]]
    return objects.ravel()


def _joined(table: Table, plan: _Plan, repeated: np.ndarray, made: dict[str, Any]) -> Any:
    """The columns that are kept, each row once for every time, beside the new columns."""
    kept = list(plan.kept)
    order = [*made, *kept][: plan.unit is None] + kept + [*made][plan.unit is None :]
    if table.kind == "dict":
        made |= {name: np.asarray(table.native[name])[repeated] for name in kept}
        return {name: made[name] for name in order}
    import narwhals as nw

    wide = nw.from_native(table.native, eager_only=True)
    frame = wide[repeated.tolist()].to_native()
    if table.kind == "pandas":
        frame = frame.reset_index(drop=True)
    long = add_columns(Table.from_data(frame), made)
    return nw.from_native(long, eager_only=True).select(order).to_native()
