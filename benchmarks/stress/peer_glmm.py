"""Fit every model of a directory with PyPI's ``glmm``: python peer_glmm.py <directory>.

Run it in an environment of its own (``pip install glmm==0.6.2 pandas``).
"""

from __future__ import annotations

import csv
import json
import sys
import warnings
from pathlib import Path

import glmm
import pandas as pd


def fit_one(directory: Path, row: dict[str, str]) -> dict[str, object]:
    """Criterion of one model, or the error."""
    data = pd.read_csv(directory / f"{row['id']}.csv")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = glmm.fit(data, row["formula"], reml=row["reml"] == "1", satterthwaite=False)
        except Exception as error:  # whatever a peer raises is its result
            return {"error": str(error)[:120]}
    return {"criterion": -2 * fit.loglik, "evaluations": fit.n_eval, "warned": bool(caught)}


def main() -> None:
    """Write ``glmm.json`` into the directory."""
    directory = Path(sys.argv[1])
    with (directory / "models.csv").open() as file:
        results = {row["id"]: fit_one(directory, row) for row in csv.DictReader(file)}
    (directory / "glmm.json").write_text(json.dumps(results))


if __name__ == "__main__":
    main()
