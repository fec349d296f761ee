"""Write ``data/synthetic.csv.gz``: 600 rows on which every kind of formula can be fitted.

Run ``python tests/reference/make_synthetic.py`` and then ``Rscript r/models.R`` and
``Rscript r/formulas.R`` in this folder; two runs give identical bytes.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20261123
ROWS = 600


def synthetic() -> pd.DataFrame:
    """Crossed factors g and h, nested c in b, slopes, weights, an offset and missing values."""
    rng = np.random.default_rng(SEED)
    g, h = rng.integers(0, 30, ROWS), rng.integers(0, 20, ROWS)
    b = rng.integers(0, 12, ROWS)
    c = rng.integers(0, 5, ROWS)
    k = rng.integers(1, 5, ROWS)
    f = rng.integers(0, 3, ROWS)
    x, z = rng.normal(size=ROWS), rng.normal(size=ROWS)
    t = rng.gamma(3.0, 1.0, ROWS)
    o = rng.normal(size=ROWS)
    w = np.round(rng.gamma(4.0, 0.3, ROWS) + 0.05, 3)
    factor_g = np.array([[0.9, 0, 0], [0.3, 0.5, 0], [-0.2, 0.1, 0.4]])
    b_g = rng.normal(size=(30, 3)) @ factor_g.T
    b_h = rng.normal(size=(20, 2)) * [0.7, 0.4]
    b_f = rng.normal(size=(30, 3)) * [0.0, 0.3, 0.6]
    b_b = rng.normal(size=(12, 2)) * [0.5, 0.3]
    b_bc = rng.normal(size=(60, 2)) * [0.4, 0.3]
    nested = b * 5 + c
    y = (
        1.0 + 0.5 * x - 0.3 * z + np.array([0, 0.4, -0.6])[f] + 0.2 * (k - 2.5) + 0.1 * x * z
        + b_g[g, 0] + b_g[g, 1] * x + b_g[g, 2] * z + b_f[g, f]
        + b_h[h, 0] + b_h[h, 1] * z + b_b[b, 0] + b_b[b, 1] * x
        + b_bc[nested, 0] + b_bc[nested, 1] * x
        + rng.normal(size=ROWS) / np.sqrt(w)
    )  # fmt: skip
    frame = pd.DataFrame(
        {
            "y": y.round(4), "x": x.round(4), "z": z.round(4), "t": t.round(4), "o": o.round(4),
            "w": w, "k": k, "f": np.array(["a", "b", "c"])[f],
            "g": [f"g{i:02d}" for i in g], "h": [f"h{i:02d}" for i in h],
            "b": [f"b{i:02d}" for i in b], "c": [f"c{i}" for i in c], "gi": g + 100,
            "my x": (x * z + rng.normal(size=ROWS)).round(4),
        }
    )  # fmt: skip
    frame["x_twice"] = 2 * frame["x"] - 1
    frame["xm"] = frame["x"].where(rng.random(ROWS) > 0.05)
    frame["ym"] = frame["y"].where(rng.random(ROWS) > 0.05)
    frame["gm"] = frame["g"].where(rng.random(ROWS) > 0.03)
    return frame


def main() -> None:
    """Write the file; gzip without a time stamp, so the bytes depend on the seed alone."""
    text = synthetic().to_csv(index=False, lineterminator="\n")
    target = Path(__file__).parent / "data" / "synthetic.csv.gz"
    target.write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
