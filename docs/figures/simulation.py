"""The picture of the simulation study: type-I errors by number of groups.

``python docs/figures/simulation.py``, after ``docs/simulation/generate.py``'s results are there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from PIL import Image
from scipy.stats import binom

DOCS = Path(__file__).parent.parent
sys.path.insert(0, str(DOCS / "simulation"))

from generate import CELLS, EFFECTS, GROUPS, METHODS, type_one  # noqa: E402

TARGET = DOCS / "_static" / "simulation.png"
# Okabe & Ito's colours, told apart by colour-blind readers, too.
LINES = {
    "least squares": ("#000000", "--"),
    "asymptotic": ("#d55e00", "-"),
    "between-within": ("#e69f00", "-"),
    "CR2": ("#009e73", "-"),
    "satterthwaite": ("#56b4e9", "-"),
    "kenward-roger": ("#0072b2", "-"),
}
SHARES = (2, 3, 5, 10, 20, 40)


def main() -> None:
    mpl.rcParams |= {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    cells = [c for c in CELLS if c.structure == "slope" and not c.balanced]
    figure, panels = plt.subplots(1, 3, figsize=(9.0, 3.5), sharey=True, layout="constrained")
    for axes, (effect, title) in zip(panels, EFFECTS.items(), strict=True):
        trials = type_one(cells[0], effect, "satterthwaite").trials
        band = binom.ppf([0.025, 0.975], trials, 0.05) / trials * 100.0
        axes.axhspan(*band, color="0.85", linewidth=0)
        for method, (colour, style) in LINES.items():
            rates = [type_one(cell, effect, method) for cell in cells]
            shares = [100.0 * rate.errors / rate.trials for rate in rates]
            axes.plot(
                GROUPS, shares, style, marker="o", markersize=3.5, color=colour,
                label=METHODS[method],
            )  # fmt: skip
        axes.set(xlabel="groups", xscale="log", yscale="log", ylim=(2.0, 40.0))
        axes.set_title(title.replace("`", "").replace(" across levels", ""), fontsize=9)
        axes.set_xticks(GROUPS, [str(j) for j in GROUPS])
        axes.set_yticks(SHARES, [str(share) for share in SHARES])
        axes.minorticks_off()
    panels[0].set_ylabel("effects found that are not there, %")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right", frameon=False)
    figure.savefig(TARGET, dpi=130)
    with Image.open(TARGET) as image:
        image.convert("RGB").quantize(96).save(TARGET, optimize=True)


if __name__ == "__main__":
    main()
