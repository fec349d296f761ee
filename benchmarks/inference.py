"""Tests, profiles and the bootstrap beside R's: ``python benchmarks/inference.py``.

R (lme4, lmerTest, pbkrtest) and ours take turns, each in a process of its own with one thread but
where it says otherwise. What is timed begins with a ready fit. Results go to
``results/inference.json``, and from there to the tables of the READMEs (``tables.py``).
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
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import tables

import multilevel as mlm

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
DAYS = "Reaction ~ Days + (Days | Subject)"
RATINGS = "y ~ service + (1 | s) + (1 | d) + (1 | dept)"
SLOPES = "y ~ x + w + (x | g)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rscript", default=shutil.which("Rscript"), help="R with the packages")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each system")
    parser.add_argument("--seconds", type=float, default=2.0, help="of repeated calls for a task")
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        run_ours(options.seconds)
        return
    found: dict[str, dict[str, list[float]]] = {"multilevel": {}, "R": {}}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("sleepstudy", "insteval"):
            data = mlm.datasets.load(name, "pandas")
            data.to_csv(Path(folder) / f"{name}.csv", index=False)
        slopes(100, 30).to_csv(Path(folder) / "slopes.csv", index=False)
        seconds = str(options.seconds)
        commands = {
            "multilevel": [sys.executable, __file__, "--ours", "--seconds", seconds],
            "R": [str(options.rscript), str(HERE / "inference.R"), folder, seconds],
        }
        for _ in range(options.rounds):
            for system, command in commands.items():
                for line in lines_of(command):
                    found[system].setdefault(line["task"], []).append(line["median"])
                    print(f"{system:10} {line}", flush=True)
    record = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "date": datetime.now(tz=UTC).date().isoformat(),
        "rounds": options.rounds,
        "medians": {
            system: {task: statistics.median(times) for task, times in tasks.items()}
            for system, tasks in found.items()
        },
    }
    path = HERE / "results" / "inference.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    tables.write()


def lines_of(command: list[str]) -> list[dict[str, Any]]:
    """What a process prints, one task a line."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        command, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def slopes(groups: int, size: int) -> pd.DataFrame:
    """Random intercepts and slopes, a predictor of rows and one of groups."""
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(groups), size)
    x = rng.standard_normal(len(g))
    w = rng.standard_normal(groups)[g]
    b = rng.standard_normal((groups, 2)) @ np.array([[0.6, 0.1], [0.0, 0.3]])
    y = 1.0 + 0.5 * x + 0.2 * w + b[g, 0] + b[g, 1] * x + rng.standard_normal(len(g))
    return pd.DataFrame({"y": y, "x": x, "w": w, "g": g})


def run_ours(seconds: float) -> None:
    """Print the times of every task of ours."""
    sleep, ratings = (mlm.datasets.load(n, "pandas") for n in ("sleepstudy", "insteval"))
    small, large = slopes(100, 30), slopes(2_000, 50)
    for name, formula, data in (("sleepstudy", DAYS, sleep), ("insteval", RATINGS, ratings)):
        measure(f"{name}_fit", mlm.lmer, formula, data, seconds)
        measure(f"{name}_satterthwaite", table("satterthwaite"), formula, data, seconds)
    measure("sleepstudy_kenward_roger", table("kenward-roger"), DAYS, sleep, seconds)
    measure("slopes_kenward_roger", table("kenward-roger"), SLOPES, small, seconds)
    measure("large_kenward_roger", table("kenward-roger"), SLOPES, large, seconds)
    measure("sleepstudy_profile", lambda fit: fit.confint(method="profile"), DAYS, sleep, seconds)
    for jobs in (1, 2):
        measure(
            f"sleepstudy_bootstrap_{jobs}",
            lambda fit, jobs=jobs: fit.bootstrap(1000, rng=1, n_jobs=jobs),
            DAYS,
            sleep,
            seconds,
        )


def table(df_method: str) -> Callable[[mlm.LinearMixedModel], Any]:
    return lambda fit: fit.tidy(df_method=df_method)


def measure(
    task: str, work: Callable[..., Any], formula: str, data: pd.DataFrame, seconds: float
) -> None:
    """Repeat a task for ``seconds``, each time on a new fit, or the fit itself."""
    times: list[float] = []
    end = np.inf
    while len(times) < 2 or time.perf_counter() < end:
        arguments = (formula, data) if work is mlm.lmer else (mlm.lmer(formula, data),)
        start = time.perf_counter()
        work(*arguments)
        times.append(time.perf_counter() - start)
        if len(times) == 1:
            end = time.perf_counter() + seconds
    warm = times[1:]
    print(json.dumps({"task": task, "median": statistics.median(warm), "runs": len(warm)}))


if __name__ == "__main__":
    main()
