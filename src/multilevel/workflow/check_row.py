"""A row of the table of checks before modelling."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from multilevel.report.document import Severity

__all__ = ["CheckRow"]


class CheckRow(NamedTuple):
    """A check; one with a rule is a decision, and leaves a note if its verdict is not "ok"."""

    check: str
    what: str
    value: float
    verdict: str = "described"
    advice: str = ""
    rule: str = ""
    question: str = ""
    shown: str = ""
    threshold: str = ""
    severity: Severity = "warning"
    text: str = ""
