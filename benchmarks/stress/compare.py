"""Compare the systems' criteria model by model: python compare.py <directory> [expected.json.gz].

Every criterion is minus twice the log-likelihood, or the REML criterion with lme4's constant. With
a second argument, writes the criteria of the peers and the best known value of every model there.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np

SYSTEMS = ["multilevel", "glmm", "lme4_default", "lme4_tight"]
TRUTH = "multistart"
THRESHOLDS = [1e-6, 1e-3]


def read(directory: Path, system: str) -> dict[int, dict]:
    """Results of one system by model number."""
    path = directory / f"{system}.json"
    return {int(key): value for key, value in json.loads(path.read_text()).items()}


def best_known(results: dict[str, dict[int, dict]], model: int) -> float:
    """Lowest criterion of any system, or of our solver from many random starts."""
    return min(r[model]["criterion"] for r in results.values() if "criterion" in r[model])


def table(results: dict[str, dict[int, dict]]) -> str:
    """One line a system."""
    lines = [
        "system         n  errors  >1e-6  >1e-3  unflagged    worst  evaluations (median, max)"
    ]
    for system in SYSTEMS:
        fits = {key: fit for key, fit in results[system].items() if "criterion" in fit}
        excess = {key: fit["criterion"] - best_known(results, key) for key, fit in fits.items()}
        counts = [sum(value > t for value in excess.values()) for t in THRESHOLDS]
        silent = sum(
            value > THRESHOLDS[1] and not fits[key]["warned"] for key, value in excess.items()
        )
        evaluations = [fit["evaluations"] for fit in fits.values()]
        errors = len(results[system]) - len(fits)
        lines.append(
            f"{system:12} {len(fits):4} {errors:6} {counts[0]:6} {counts[1]:6} {silent:10} "
            f"{max(excess.values()):8.1e}  {np.median(evaluations):.0f}, {max(evaluations)}"
        )
    return "\n".join(lines)


def expected(results: dict[str, dict[int, dict]]) -> dict[str, list[float | None]]:
    """Criteria of the peers and the best known ones, in the order of the models."""
    order = sorted(results[TRUTH])
    content = {"best": [round(best_known(results, model), 9) for model in order]}
    for system in SYSTEMS[1:]:
        values = [results[system][model].get("criterion") for model in order]
        content[system] = [None if value is None else round(value, 9) for value in values]
    return content


def main() -> None:
    """Print the table; write the expected values when asked to."""
    directory = Path(sys.argv[1])
    results = {system: read(directory, system) for system in [*SYSTEMS, TRUTH]}
    print(table(results))
    if len(sys.argv) > 2:
        text = json.dumps(expected(results))
        Path(sys.argv[2]).write_bytes(gzip.compress(text.encode(), mtime=0))


if __name__ == "__main__":
    main()
