"""Every case with every system, side by side: ``python benchmarks/run.py --case all``.

Each fit runs in a process of its own. Rounds go through the systems in turn, so that what else
the machine does falls on all of them alike. Results go to ``results/<case>.json``, and from there
to the tables of ``README.md`` (``python benchmarks/tables.py``). A run with fewer rows is only
printed.
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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import tables
from cases import BY_NAME, CASES, Case

HERE = Path(__file__).parent
OURS = "multilevel"
PEERS = ("glmm", "glmm-no-df", "mixedlm", "mixedlm-rs", "lme-python", "statsmodels")
SYSTEMS = (OURS, "lme4", *PEERS)
# A system that needed this long for one fit gets no further round.
SLOW = 30.0


def main() -> None:
    options = parse_options()
    names = [case.name for case in CASES] if options.case == "all" else options.case.split(",")
    for name in names:
        run_case(BY_NAME[name], options)
    tables.write()


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="all", help="all, or names separated by commas")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="names separated by commas")
    parser.add_argument("--python", default=sys.executable, help="Python of the peers")
    parser.add_argument("--rscript", default=shutil.which("Rscript"), help="R with lme4")
    parser.add_argument("--rounds", type=int, default=3, help="processes per system")
    parser.add_argument("--seconds", type=float, default=1.0, help="of repeated fits per process")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds per process")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows (large cases)")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of every system")
    return parser.parse_args()


def run_case(case: Case, options: argparse.Namespace) -> None:
    """Write the data, run the rounds, keep the results."""
    scale = options.scale if case.scalable else 1.0
    results: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = case.make(scale)
        data.to_parquet(Path(folder) / "data.parquet")
        data.to_csv(Path(folder) / "data.csv", index=False)
        for _ in range(options.rounds):
            for system in options.systems.split(","):
                done = results.setdefault(system, [])
                if done and ("error" in done[-1] or done[-1]["first"] > SLOW):
                    continue
                done.append(run_one(system, case, Path(folder), options))
                print(f"{case.name:12} {system:12} {describe(done[-1])}", flush=True)
    numeric = data.select_dtypes("number").shape[1] + len(data.select_dtypes("category").columns)
    record = {
        "case": case.name,
        "formula": case.formula,
        "rows": len(data),
        "input_mb": len(data) * 8 * numeric / 1e6,
        "threads": options.threads,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "date": datetime.now(tz=UTC).date().isoformat(),
        "systems": {system: merge(runs) for system, runs in results.items()},
    }
    if scale == 1.0:
        path = HERE / "results" / f"{case.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(record, indent=1) + "\n")


def run_one(system: str, case: Case, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One process: a warm-up fit and repeats."""
    formula = case.spellings.get(system, case.formula)
    job = None
    if system == "lme4":
        if options.rscript is None:
            return {"error": "R is not installed"}
        factors = ",".join(case.factors)
        command = [options.rscript, str(HERE / "lme4.R"), str(folder / "data.csv"), formula]
        command += [factors, str(options.seconds)]
    else:
        python = sys.executable if system == OURS else options.python
        command = [python, str(HERE / "worker.py")]
        path = str(folder / "data.parquet")
        job = {"system": system, "formula": formula, "data": path, "seconds": options.seconds}
    try:
        done = subprocess.run(
            command,
            input=json.dumps(job),
            capture_output=True,
            text=True,
            timeout=options.timeout,
            env=environment(system, options.threads),
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"no result in {options.timeout:.0f} s"}
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1][:200]}
    return json.loads(lines[-1])


def environment(system: str, threads: int) -> dict[str, str]:
    """The threads asked for, but one for BLAS: waiting BLAS threads slow all the others down.

    Our own kernels choose their threads by ``OMP_NUM_THREADS``, Rust's by ``RAYON_NUM_THREADS``.
    """
    words = ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "POLARS_MAX_THREADS")
    count = 1 if system == "lme4" else threads
    return os.environ | dict.fromkeys(words, str(count)) | {"OPENBLAS_NUM_THREADS": "1"}


def merge(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Median over the processes; the other facts from the first."""
    good = [run for run in runs if "error" not in run]
    if not good:
        return runs[-1]
    return {
        **good[0],
        "median": statistics.median(run["median"] for run in good),
        "minimum": min(run["minimum"] for run in good),
        "maximum": max(run["maximum"] for run in good),
        "peak_mb": statistics.median(run["peak_mb"] for run in good),
        "processes": len(good),
    }


def describe(run: dict[str, Any]) -> str:
    if "error" in run:
        return run["error"]
    return f"{run['median']:.5f} s  {run['criterion']:.4f}  peak +{run['peak_mb']:.0f} MB"


if __name__ == "__main__":
    main()
