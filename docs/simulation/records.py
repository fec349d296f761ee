"""The records of the simulation study: how often a method was wrong."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cells import VARIANCE_CELLS, Cell
from scipy.stats import binom

RESULTS = Path(__file__).parent.parent.parent / "benchmarks" / "simulation" / "results"
EFFECTS = {
    "x": "a predictor of rows (`x`)",
    "w": "a predictor of groups (`w`)",
    "xw": "their interaction across levels (`x:w`)",
}
# A rate is marked when it is this improbable under the nominal one, on either side.
IMPROBABLE = 0.005


@dataclass(frozen=True)
class Rate:
    """Errors among trials, and trials without an answer."""

    errors: int
    trials: int
    failed: int

    @property
    def too_often(self) -> bool:
        """Whether errors are more frequent than 5 %, by more than chance would explain."""
        return bool(binom.sf(self.errors - 1, self.trials, 0.05) < IMPROBABLE)

    @property
    def too_seldom(self) -> bool:
        """Whether errors are rarer than 5 %, by more than chance would explain."""
        return bool(binom.cdf(self.errors, self.trials, 0.05) < IMPROBABLE)


@cache
def record(cell: Cell) -> dict[str, Any]:
    """What the study keeps of a design."""
    kept: dict[str, Any] = json.loads((RESULTS / f"{cell.name}.json").read_text())
    return kept


def type_one(cell: Cell, parameter: str, method: str) -> Rate:
    """Rejections of a true hypothesis."""
    count = record(cell)["counts"].get(parameter, {}).get(method)
    if count is None:
        return Rate(0, 0, 0)
    return Rate(count["rejected"], count["tests"], count["failed"])


def missed(cell: Cell, parameter: str, method: str) -> Rate:
    """Intervals without the true value."""
    count = record(cell)["counts"].get(parameter, {}).get(method)
    if count is None:
        return Rate(0, 0, 0)
    return Rate(count["intervals"] - count["covered"], count["intervals"], count["failed"])


def variance_rates(method: str) -> list[Rate]:
    """Rejections of a variance of zero that is zero, for all numbers of groups."""
    return [type_one(cell, "variance", method) for cell in VARIANCE_CELLS]


def singular_share(cell: Cell) -> int:
    """Singular fits in percent."""
    count = record(cell)["counts"]["model"]["singular"]
    return round(100.0 * count["rejected"] / count["tests"])


def percent(rate: Rate, *, complement: bool = False) -> str:
    """A rate, or what is left of one, in percent."""
    share = rate.errors / rate.trials
    return f"{100.0 * (1.0 - share if complement else share):.1f}"
