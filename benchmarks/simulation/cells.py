"""The cells of the simulation study: designs, and data drawn from them.

Every replicate has a seed of its own, so that any part of the study can be run again alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

__all__ = ["CELLS", "EFFECTS", "FIXED", "SEED", "VARIANCE_CELLS", "Cell", "draw"]

SEED = 20261123
GROUPS = (6, 10, 20, 50)
MEAN_SIZE = 10
# Tested effects, all of them zero: of a predictor of rows, of groups, and their interaction.
EFFECTS = ("x", "w", "xw")
FIXED = "y ~ x + w + xw"
INTERCEPT_SD, SLOPE_SD, CORRELATION, RESIDUAL_SD = 0.5, 0.3, 0.3, 1.0

Structure = Literal["intercept", "slope", "omitted", "none"]
# What the data have, and what the model has.
RANDOM = {
    "intercept": (INTERCEPT_SD, 0.0, "(1 | g)"),
    "slope": (INTERCEPT_SD, SLOPE_SD, "(x | g)"),
    "omitted": (INTERCEPT_SD, SLOPE_SD, "(1 | g)"),
    "none": (0.0, 0.0, "(1 | g)"),
}


@dataclass(frozen=True)
class Cell:
    """One condition of the study.

    Attributes
    ----------
    number : int
        Its place in the study, part of the seeds.
    structure : str
        ``"intercept"``: groups differ in their mean; ``"slope"``: in their slope, too;
        ``"omitted"``: they do, and the model leaves the slopes out; ``"none"``: they do not
        differ at all.
    groups : int
        Number of groups.
    balanced : bool
        Ten rows in each group and half of the groups treated; or about 2 to 40 rows and a third.
    """

    number: int
    structure: Structure
    groups: int
    balanced: bool

    @property
    def name(self) -> str:
        """Name of its file."""
        return f"{self.structure}-{'balanced' if self.balanced else 'unbalanced'}-{self.groups}"

    @property
    def formula(self) -> str:
        """The model that is fitted."""
        return f"{FIXED} + {RANDOM[self.structure][2]}"

    @property
    def sizes(self) -> np.ndarray:
        """Rows of every group; those of unbalanced designs are quantiles of a log-normal."""
        if self.balanced:
            return np.full(self.groups, MEAN_SIZE)
        spread = 0.8
        places = (np.arange(self.groups) + 0.5) / self.groups
        z = np.array([NormalDist().inv_cdf(p) for p in places])
        return np.maximum(np.rint(MEAN_SIZE * np.exp(spread * z - spread**2 / 2)), 2).astype(int)


def _cells(structures: tuple[Structure, ...], balances: tuple[bool, ...], start: int) -> list[Cell]:
    designs = [(s, j, b) for s in structures for b in balances for j in GROUPS]
    return [Cell(start + k, *design) for k, design in enumerate(designs)]


CELLS = _cells(("intercept", "slope", "omitted"), (True, False), 0)
# Here the variance between groups is what is tested.
VARIANCE_CELLS = _cells(("none",), (True,), len(CELLS))


def draw(cell: Cell, replicate: int) -> dict[str, np.ndarray]:
    """Data of one replicate: ``y, x, w, xw, g``.

    ``x`` has mean zero in every group, ``w`` is -1/2 or 1/2 by group; no effect is there.
    """
    rng = np.random.default_rng((SEED, cell.number, replicate))
    sizes = cell.sizes
    g = np.repeat(np.arange(cell.groups), sizes)
    x = rng.standard_normal(len(g))
    x -= (np.bincount(g, x) / sizes)[g]
    treated = cell.groups // (2 if cell.balanced else 3)
    w = rng.permutation(np.where(np.arange(cell.groups) < treated, 0.5, -0.5))[g]
    intercept_sd, slope_sd, _ = RANDOM[cell.structure]
    u = rng.standard_normal((cell.groups, 2))
    slope = CORRELATION * u[:, 0] + np.sqrt(1.0 - CORRELATION**2) * u[:, 1]
    y = intercept_sd * u[g, 0] + slope_sd * slope[g] * x
    y += RESIDUAL_SD * rng.standard_normal(len(g))
    return {"y": y, "x": x, "w": w, "xw": x * w, "g": g}
