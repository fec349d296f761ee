"""Questions on a terminal: which columns play which part."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from multilevel.cli.columns import (
    columns_text,
    find,
    likely_group,
    likely_outcome,
    likely_predictors,
    likely_time,
    read_facts,
)
from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from multilevel.cli.columns import Facts
    from multilevel.frames.table import Table

__all__ = ["ask_for_columns"]

_NONE = "none"
_Answer = TypeVar("_Answer")


def ask_for_columns(table: Table, known: dict[str, Any]) -> dict[str, Any]:
    """Ask for the outcome, the groups and the predictors, whichever are not known.

    Parameters
    ----------
    table : Table
        The data.
    known : dict
        ``outcome``, ``groups``, ``time``, ``level1`` and ``level2`` as far as they were given.

    Returns
    -------
    dict
        All five of them.
    """
    for name in (known["outcome"], known["time"], *known["level1"], *known["level2"]):
        if name:
            table.column(name)  # what was given is checked before anything is asked
    facts = read_facts(table, known["groups"])
    rows = "1 row" if table.n_rows == 1 else f"{table.n_rows:,} rows"
    print(f"\nThe data have {rows} and these columns:\n\n{columns_text(facts)}\n")
    print("Answer with numbers or names of columns; Enter takes what stands in brackets.\n")
    answers = dict(known)
    if not known["outcome"]:
        answers["outcome"] = _outcome(table, facts)
    if not known["groups"]:
        answers["groups"] = _groups(table, facts, answers["outcome"])
    if not (known["level1"] or known["level2"] or known["time"]):
        answers |= _predictors(table, facts, answers)
    return answers


def _groups(table: Table, facts: Sequence[Facts], outcome: str) -> tuple[str, ...]:
    """Ask for the groups; nesting and crossing are found in the data."""
    question = "Groups, the column that says which group a row is in (several: 3, 4)"
    likely = likely_group(table, facts, outcome)

    def read(text: str) -> tuple[str, ...]:
        names = _names(text, facts)
        if outcome in names:
            raise DataError(f"{outcome!r} is the outcome; name another column.")
        if not names:
            raise DataError("Name at least one column.")
        read_facts(table, names)  # what cannot be groups is said at once
        return names

    return _asked(question, likely, read)


def _predictors(table: Table, facts: Sequence[Facts], answers: dict[str, Any]) -> dict[str, Any]:
    """Ask for time and predictors; where a predictor varies decides on its level."""
    taken = {answers["outcome"], *answers["groups"]}
    others = [one for one in read_facts(table, answers["groups"]) if one.name not in taken]
    if not others:
        return {}
    print(f"\nWhere the other columns vary:\n\n{columns_text(others)}\n")
    question = "Time, if rows are repeated measurements (or none)"
    time = _asked(question, likely_time(others) or _NONE, lambda text: _names(text, others)[:1])
    choice = [one for one in others if one.name not in time]
    likely = likely_predictors(table, choice, answers["groups"])
    question = "Predictors (or none)"
    names = _asked(question, ", ".join(likely) or _NONE, lambda text: _names(text, choice))
    level = {one.name: one.level for one in choice}
    return {
        "time": time[0] if time else None,
        "level1": tuple(name for name in names if level[name] == "rows"),
        "level2": tuple(name for name in names if level[name] != "rows"),
    }


def _outcome(table: Table, facts: Sequence[Facts]) -> str:
    """Ask for the outcome, a column of numbers."""

    def read(text: str) -> str:
        name = find(text, facts)
        column = table.column(name)
        if not column.is_numeric:
            raise DataError(f"{name!r} holds {column.describe()}; name a column of numbers.")
        return name

    question = "Outcome, the column of numbers to be explained"
    return _asked(question, likely_outcome(facts), read)


def _names(text: str, facts: Sequence[Facts]) -> tuple[str, ...]:
    """Columns of an answer: numbers and names between commas."""
    if text in {one.name for one in facts}:
        return (text,)
    parts = [part.strip() for part in text.split(",")]
    return tuple(dict.fromkeys(find(part, facts) for part in parts if part and part != _NONE))


def _asked(question: str, likely: str | None, read: Callable[[str], _Answer]) -> _Answer:
    """Ask until the answer can be read."""
    while True:
        try:
            text = input(f"{question}{f' [{likely}]' if likely else ''}: ").strip() or likely or ""
        except EOFError:
            print()
            raise DataError("The questions were not answered; nothing was done.") from None
        try:
            return read(text)
        except DataError as error:
            print(f"  {error}")
