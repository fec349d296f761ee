"""The picture of the README: schools pooled partially. ``python docs/figures/hsb.py``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

import multilevel as mlm

if TYPE_CHECKING:
    import pandas as pd

TARGET = Path(__file__).parent.parent / "_static" / "hsb.png"
COLOURS = {"Public": "#1b6ca8", "Catholic": "#d1603d"}
FORMULA = "math ~ meanses + cses * sector + (cses | school)"


def main() -> None:
    mpl.rcParams |= {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    hsb = mlm.datasets.load("hsb", "pandas")
    fit = mlm.lmer(FORMULA, hsb)
    rows = hsb.assign(fitted=fit.fitted())
    figure, (lines, arrows) = plt.subplots(1, 2, figsize=(8.6, 3.5), layout="constrained")
    draw_lines(lines, rows)
    draw_shrinkage(arrows, rows)
    figure.savefig(TARGET, dpi=130)
    with Image.open(TARGET) as image:
        image.convert("RGB").quantize(96).save(TARGET, optimize=True)


def draw_lines(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """The fitted line of every school, over the range of its pupils."""
    for _, school in rows.groupby("school", observed=True):
        ends = school.sort_values("cses").iloc[[0, -1]]
        colour = COLOURS[school["sector"].iloc[0]]
        axes.plot(ends["cses"], ends["fitted"], color=colour, alpha=0.45, linewidth=0.8)
    for sector, colour in COLOURS.items():
        axes.plot([], [], color=colour, label=sector)
    axes.legend(frameon=False, loc="upper left")
    axes.set(
        title="160 schools, each with its own line",
        xlabel="socio-economic status, within school",
        ylabel="mathematics achievement",
    )


def draw_shrinkage(axes: plt.Axes, rows: pd.DataFrame) -> None:
    """From the line of each school alone to its line in the model."""
    for _, school in rows.groupby("school", observed=True):
        centred = school["cses"].to_numpy()
        alone = np.polyfit(centred, school["math"].to_numpy(), 1)[::-1]
        pooled = np.polyfit(centred, school["fitted"].to_numpy(), 1)[::-1]
        colour = COLOURS[school["sector"].iloc[0]]
        arrow = {"arrowstyle": "-|>", "color": colour, "alpha": 0.5, "linewidth": 0.6}
        axes.annotate("", xy=pooled, xytext=alone, arrowprops={**arrow, "mutation_scale": 5})
        axes.plot(*alone, ".", color="0.6", markersize=3, zorder=0)
    axes.plot([], [], ".", color="0.6", label="each school alone")
    for sector, colour in COLOURS.items():
        axes.plot([], [], color=colour, label=f"{sector}, pooled partially")
    axes.legend(frameon=False, loc="lower right", fontsize=7.5)
    axes.set(
        title="What pooling does", xlabel="intercept", ylabel="slope of status", ylim=(-3.4, 6.8)
    )


if __name__ == "__main__":
    main()
