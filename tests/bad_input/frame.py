"""The clean data that the cases spoil."""

from __future__ import annotations

import numpy as np
import pandas as pd

N_ROWS = 300
SPOILT = [3, 7]


def clean() -> pd.DataFrame:
    """300 rows: y, two numbers, a factor, two grouping factors, positive weights."""
    rng = np.random.default_rng(0)
    g, h = rng.integers(0, 20, N_ROWS), rng.integers(0, 8, N_ROWS)
    x = rng.standard_normal(N_ROWS)
    y = 1.0 + 0.5 * x + rng.standard_normal(20)[g] + rng.standard_normal(N_ROWS)
    return pd.DataFrame(
        {
            "y": y,
            "x": x,
            "z": rng.standard_normal(N_ROWS),
            "f": np.array(["a", "b", "c"])[rng.integers(0, 3, N_ROWS)],
            "g": [f"g{i:02d}" for i in g],
            "h": [f"h{i}" for i in h],
            "w": rng.uniform(0.5, 2.0, N_ROWS),
        }
    )


def spoil(column: str, value: object) -> pd.DataFrame:
    """Clean data with a value in two rows of a column."""
    data = clean()
    data[column] = data[column].astype(object) if isinstance(value, str) else data[column]
    data.loc[SPOILT, column] = value
    return data


def number_of_group(data: pd.DataFrame) -> pd.Series:
    """The groups as whole numbers."""
    return data["g"].str[1:].astype(int)
