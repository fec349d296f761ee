"""Power by simulation beside R: ``python benchmarks/power.py``.

R (a loop of lme4 and lmerTest) and ours take turns, each in a process of its own with one thread
but where it says otherwise. A data set is drawn with new predictors, fitted with random slopes, and
its cross-level interaction tested with Satterthwaite's degrees of freedom. Results go to
``results/power.json``, and from there to the table of the README (``tables.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tables

import multilevel as mlm

HERE = Path(__file__).parent
DESIGNS = ((50, 20), (200, 20))
NSIM = 1000
TRUTH = {
    "fixed": {"Intercept": 50, "ses": 2, "resources": 3, "ses:resources": 0.8},
    "level1": ["ses"],
    "level2": ["resources"],
    "random": {"Intercept": 4, "ses": 1, ("Intercept", "ses"): 0.3},
    "sigma": 6,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rscript", default=shutil.which("Rscript"), help="R with the packages")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each system")
    parser.add_argument("--theirs", type=int, default=100, help="data sets of R's")
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        run_ours()
        return
    commands = {
        "multilevel": [sys.executable, __file__, "--ours"],
        "R": [str(options.rscript), str(HERE / "power.R"), str(options.theirs)],
    }
    lines: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for system, command in commands.items():
            for line in lines_of(command):
                lines[system].append(line)
                print(f"{system:10} {line}", flush=True)
    record = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "date": datetime.now(tz=UTC).date().isoformat(),
        "rounds": options.rounds,
        "systems": {system: medians(found) for system, found in lines.items()},
    }
    path = HERE / "results" / "power.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    tables.write()


def lines_of(command: list[str]) -> list[dict[str, Any]]:
    """What a process prints, one design a line."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        command, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def medians(lines: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Median seconds of 1,000 data sets, and the mean power, by design."""
    found = {}
    for design in dict.fromkeys(line["design"] for line in lines):
        own = [line for line in lines if line["design"] == design]
        found[design] = {
            "seconds": statistics.median(1000 * line["seconds"] / line["nsim"] for line in own),
            "power": statistics.mean(line["power"] for line in own),
            "nsim": sum(line["nsim"] for line in own),
        }
    return found


def run_ours() -> None:
    """Print the time of every design of ours, with one thread and with two."""
    for jobs in (1, 2):
        for groups, size in DESIGNS:
            sizes = {"n_groups": groups, "n_per_group": size}
            mlm.power(TRUTH, "ses:resources", nsim=2, rng=1, **sizes)
            start = time.perf_counter()
            found = mlm.power(TRUTH, "ses:resources", nsim=NSIM, n_jobs=jobs, **sizes)
            line = {
                "design": f"{groups} x {size}" + (", two threads" if jobs == 2 else ""),
                "nsim": NSIM,
                "seconds": time.perf_counter() - start,
                "power": float(found.table["power"][0]),
            }
            print(json.dumps(line))


if __name__ == "__main__":
    main()
