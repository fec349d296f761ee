"""Random linear mixed models that are hard to optimise, the same ones on every machine.

Each model has its own seed. The legacy generator ``RandomState`` is used because its stream is
frozen for ever, and every number is rounded to seven digits, so that all systems read equal data.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from pathlib import Path

N_MODELS = 400

# Random part -> which simulated effects enter the response: (g, x by g, z by g, h, z by h, cell).
KINDS = {
    "(1 | g)": "g",
    "(x | g)": "g xg",
    "(x || g)": "g xg",
    "(0 + x | g)": "xg",
    "(x + z | g)": "g xg zg",
    "(1 | g) + (1 | h)": "g h",
    "(x | g) + (1 | h)": "g xg h",
    "(x | g) + (z | h)": "g xg h zh",
    "(x || g) + (1 | h)": "g xg h",
    "(1 | g) + (1 | g:h)": "g gh",
}
STANDARD_DEVIATIONS = [0.0, 0.0, 0.1, 0.3, 1.0, 3.0, 10.0]


@dataclass(frozen=True)
class Model:
    """One model: formula in lme4's dialect, criterion, and its data."""

    id: int
    formula: str
    reml: bool
    data: pd.DataFrame


def make(seed: int) -> Model:
    """Draw design, scales, variances (zero with probability 2/7) and response of one model."""
    rng = np.random.RandomState(seed)  # its stream is frozen
    random = list(KINDS)[seed % len(KINDS)]
    levels, n_h = rng.randint(5, 41), rng.randint(4, 16)
    rows = rng.randint(max(30, 3 * levels), 12 * levels + 40)
    g = np.r_[np.arange(levels), rng.randint(0, levels, rows - levels)]
    h = np.r_[np.arange(n_h), rng.randint(0, n_h, rows - n_h)]
    x, z = _predictor(rng, rows), _predictor(rng, rows)
    xs, zs = (x - x.mean()) / x.std(), (z - z.mean()) / z.std()
    b = rng.normal(size=(levels, 3)) * rng.choice(STANDARD_DEVIATIONS, 3)
    b[:, 1] += rng.choice([0.0, 0.9]) * b[:, 0]
    c = rng.normal(size=(n_h, 2)) * rng.choice(STANDARD_DEVIATIONS, 2)
    cell = rng.normal(size=(levels, n_h)) * rng.choice(STANDARD_DEVIATIONS)
    effects = {
        "g": b[g, 0], "xg": b[g, 1] * xs, "zg": b[g, 2] * zs,
        "h": c[h, 0], "zh": c[h, 1] * zs, "gh": cell[g, h],
    }  # fmt: skip
    y = 1 + 0.5 * xs - 0.3 * zs + rng.normal(size=rows)
    y = y + sum(effects[name] for name in KINDS[random].split())
    y *= 10.0 ** rng.randint(-3, 4)
    data = pd.DataFrame({"y": _round(y), "x": _round(x), "z": _round(z)})
    data["g"], data["h"] = [f"g{i:02d}" for i in g], [f"h{i:02d}" for i in h]
    return Model(seed, f"y ~ x + z + {random}", bool(seed // len(KINDS) % 2), data)


def models(count: int = N_MODELS) -> list[Model]:
    """All models of the stress test."""
    return [make(seed) for seed in range(count)]


def write(directory: Path, count: int = N_MODELS) -> None:
    """Write ``models.csv`` (id, formula, reml) and one CSV a model."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "models.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "formula", "reml"])
        for model in models(count):
            writer.writerow([model.id, model.formula, int(model.reml)])
            model.data.to_csv(directory / f"{model.id}.csv", index=False)


def _predictor(rng: np.random.RandomState, rows: int) -> np.ndarray:
    """Continuous, or whole numbers 0..5; scales 1e-3 to 1e3, one in four far from zero."""
    values = rng.normal(size=rows) if rng.rand() < 0.7 else rng.randint(0, 6, rows).astype(float)
    return (values + rng.choice([0, 0, 5, 100])) * 10.0 ** rng.randint(-3, 4)


def _round(values: np.ndarray) -> np.ndarray:
    return np.array([float(f"{value:.7g}") for value in values])
