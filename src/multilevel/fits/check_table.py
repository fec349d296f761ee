"""The table of checks of a fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.diagnostics.verdicts import Verdict
    from multilevel.report.tidy import Columns

__all__ = ["MODEL", "Check", "as_columns", "listed", "not_checked"]

MODEL = "model"  # the level of what is neither of rows nor of groups
_LISTED = 5  # names in a message


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the table.

    Attributes
    ----------
    check : str
        What is checked.
    level : str
        ``"model"``, ``"rows"``, or the name of a grouping factor.
    term : str
        Predictor or random effect; empty for the level as a whole.
    measure : str
        What the statistic is.
    statistic, df, p_value : float
        NaN where there is none.
    verdict : str
        ``"ok"``, ``"look"``, ``"problem"`` or ``"not checked"``.
    message : str
        What was found, and what to do about it.
    """

    check: str
    level: str
    term: str
    measure: str
    statistic: float
    verdict: Verdict
    message: str
    df: float = np.nan
    p_value: float = np.nan


def not_checked(check: str, level: str, reason: str) -> Check:
    """A check that applies but cannot be made."""
    return Check(check, level, "", "", np.nan, "not checked", reason)


def as_columns(checks: Sequence[Check]) -> Columns:
    """The table, one row per check."""
    names = ("check", "level", "term", "measure", "statistic", "df", "p_value", "verdict")
    return {name: [getattr(row, name) for row in checks] for name in (*names, "message")}


def listed(names: Sequence[object]) -> str:
    """The first of some names, and how many more there are."""
    text = ", ".join(map(str, names[:_LISTED]))
    return text if len(names) <= _LISTED else f"{text} and {len(names) - _LISTED} more"
