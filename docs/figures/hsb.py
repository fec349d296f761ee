"""The picture of the README: schools pooled partially. ``python docs/figures/hsb.py``."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

import multilevel as mlm

TARGET = Path(__file__).parent.parent / "_static" / "hsb.png"
# Okabe & Ito's blue and vermilion: told apart by colour-blind readers, too.
COLOURS = {"Public": "#0072b2", "Catholic": "#d55e00"}
FORMULA = "math ~ meanses + cses * sector + (cses | school)"


def main() -> None:
    mpl.rcParams |= {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    hsb = mlm.datasets.load("hsb", "pandas")
    fit = mlm.lmer(FORMULA, hsb)
    rows = hsb.assign(alone=alone(hsb), model=fit.fitted())
    figure, panels = plt.subplots(
        1, 2, figsize=(8.6, 3.7), sharex=True, sharey=True, layout="constrained"
    )
    for axes, column, title in zip(
        panels, ("alone", "model"), ("Each school on its own", "Partial pooling"), strict=True
    ):
        draw_schools(axes, rows, column)
        draw_average(axes, fit)
        axes.set(title=title, xlabel="socio-economic status, within school", ylim=(0, 24))
    panels[0].set_ylabel("mathematics achievement")
    panels[1].legend(frameon=False, loc="lower right", title="average school")
    figure.savefig(TARGET, dpi=130)
    with Image.open(TARGET) as image:
        image.convert("RGB").quantize(96).save(TARGET, optimize=True)


def alone(hsb: pd.DataFrame) -> pd.Series:
    """Fitted values of a regression in every school."""
    lines = []
    for _, school in hsb.groupby("school", observed=True):
        line = np.polyfit(school["cses"], school["math"], 1)
        lines.append(pd.Series(np.polyval(line, school["cses"]), school.index))
    return pd.concat(lines)


def draw_schools(axes: plt.Axes, rows: pd.DataFrame, column: str) -> None:
    """The line of every school, over the range of its pupils."""
    for _, school in rows.groupby("school", observed=True):
        ends = school.sort_values("cses").iloc[[0, -1]]
        colour = COLOURS[school["sector"].iloc[0]]
        axes.plot(ends["cses"], ends[column], color=colour, alpha=0.3, linewidth=0.7)


def draw_average(axes: plt.Axes, fit: mlm.LinearMixedModel) -> None:
    """The line of an average school of either sector."""
    for sector, colour in COLOURS.items():
        grid = pd.DataFrame({"cses": [-2.5, 2.0], "meanses": 0.0, "sector": sector})
        mean = fit.predict(grid, re_form="none")
        axes.plot(grid["cses"], mean, color="white", linewidth=4.5)
        axes.plot(grid["cses"], mean, color=colour, linewidth=2.5, label=sector)


if __name__ == "__main__":
    main()
