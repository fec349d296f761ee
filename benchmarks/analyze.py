"""The guided analysis with its report: ``python benchmarks/analyze.py``.

What is timed is ``mlm.analyze(...)`` and ``.report("page.html")``, from a pandas data frame in
memory to the page on disk, step by step, in seconds of the clock and of the processor, in a new
process for each round (imports of the steps and of Matplotlib are in it); BLAS has one thread.
There is no peer for the whole: ``analyze.R`` fits the same models to the same rows and computes
with R's packages what the report holds of them. Results go to ``results/analyze.json``, and from
there to the table of the README (``tables.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
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
STEPS = (
    *("structure", "questions", "assumptions", "need"),
    *("models", "comparison", "interpretation", "inference"),
)


@dataclass(frozen=True)
class Case:
    """What is asked of which data; ``slow`` cases run once, without R."""

    title: str
    make: Callable[[], pd.DataFrame]
    outcome: str
    groups: list[str]
    words: dict[str, Any] = field(default_factory=dict)
    slow: bool = False


def shipped(name: str) -> Callable[[], pd.DataFrame]:
    return lambda: mlm.datasets.load(name, "pandas")


def drawn(n_rows: int) -> Callable[[], pd.DataFrame]:
    """Groups of 50 rows on average, two predictors of each level, a random slope."""

    def make() -> pd.DataFrame:
        rng = np.random.default_rng(6)
        J = n_rows // 50
        g = np.concatenate([np.arange(J), rng.integers(0, J, n_rows - J)])
        x1 = rng.standard_normal(n_rows) + 0.5 * rng.standard_normal(J)[g]
        x2 = (rng.random(n_rows) < 0.4).astype(float)
        w1, w2 = rng.standard_normal(J), (rng.random(J) < 0.5).astype(float)
        b = rng.standard_normal((J, 2)) @ np.array([[2.0, 0.3], [0.0, 0.8]])
        slope = 1.5 + 0.4 * w2 + b[:, 1]
        y = 50.0 + slope[g] * x1 - 2.0 * x2 + (1.0 * w1 + 0.5 * w2 + b[:, 0])[g]
        y += 6.0 * rng.standard_normal(n_rows)
        return pd.DataFrame({"y": y, "x1": x1, "x2": x2, "w1": w1[g], "w2": w2[g], "g": g})

    return make


LARGE = {"level1": ["x1", "x2"], "level2": ["w1", "w2"]}
CASES = {
    "hsb": Case(
        "HSB, 7,185 pupils in 160 schools, 5 predictors",
        shipped("hsb"),
        "math",
        ["school"],
        {"level1": ["ses", "minority", "sex"], "level2": ["sector", "meanses"]},
    ),
    "sleepstudy": Case(
        "sleepstudy, 180 rows of 18 subjects, growth",
        shipped("sleepstudy"),
        "Reaction",
        ["Subject"],
        {"time": "Days"},
    ),
    "egsingle": Case(
        "egsingle, 7,230 scores of 1,721 children in 60 schools, growth",
        shipped("egsingle"),
        "math",
        ["schoolid", "childid"],
        {"time": "year", "level2": ["female", "lowinc"]},
    ),
    "rail": Case("Rail, 18 rows of 6 rails", shipped("rail"), "travel", ["Rail"]),
    "rows_1e5": Case(
        "100,000 rows, 2,000 groups, 4 predictors", drawn(10**5), "y", ["g"], LARGE, slow=True
    ),
    "rows_1e6": Case("1,000,000 rows, 20,000 groups", drawn(10**6), "y", ["g"], LARGE, slow=True),
    "rows_1e7": Case("10,000,000 rows, 200,000 groups", drawn(10**7), "y", ["g"], LARGE, slow=True),
}
USUAL = ("hsb", "sleepstudy", "egsingle", "rail", "rows_1e5", "rows_1e6")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default=",".join(USUAL), help=f"of {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=3, help="processes of ours")
    parser.add_argument("--rscript", default=shutil.which("Rscript"), help="R with the packages")
    parser.add_argument("--no-r", action="store_true", help="without R")
    parser.add_argument("--ours", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps(run_ours(CASES[options.ours])))
        return
    path = HERE / "results" / "analyze.json"
    old = json.loads(path.read_text())["cases"] if path.exists() else {}
    cases = {name: compared(name, options) for name in options.case.split(",")}
    record = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "date": datetime.now(tz=UTC).date().isoformat(),
        "rounds": options.rounds,
        "cases": {name: one for name in CASES if (one := cases.get(name, old.get(name)))},
    }
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")
    tables.write()


def compared(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Medians of ours and, where it runs, R's time for the same models."""
    case = CASES[name]
    ours: list[dict[str, Any]] = []
    theirs: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1 if case.slow else options.rounds):
            ours.append(output([sys.executable, __file__, "--ours", name]))
            print(f"{name:10} multilevel {brief(ours[-1])}", flush=True)
            if not (options.no_r or case.slow or turn):  # R once: minutes
                request = written(Path(folder), case, ours[-1])
                theirs.append(output([options.rscript, str(HERE / "analyze.R"), request])["wall"])
                print(f"{name:10} R          {theirs[-1]:.1f} s", flush=True)
    keys = ("wall", "cpu", "page_mb", "peak_mb", "data_mb", "n_models", "n_figures")
    record: dict[str, Any] = {"title": case.title} | {
        key: statistics.median(one[key] for one in ours) for key in keys
    }
    record["steps"] = {
        step: {
            kind: statistics.median(one["steps"][step][kind] for one in ours)
            for kind in ("wall", "cpu")
        }
        for step in ours[0]["steps"]
    }
    return record | ({"r_wall": theirs[0]} if theirs else {})


def output(command: list[str]) -> dict[str, Any]:
    """The object that is the last line of what a process prints."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        command, env=os.environ | threads, stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def brief(one: dict[str, Any]) -> str:
    steps = ", ".join(f"{step} {took['cpu']:.2f}" for step, took in one["steps"].items())
    return (
        f"{one['wall']:.2f} s, {one['cpu']:.2f} s of the processor ({steps}); "
        f"+{one['peak_mb']:.0f} MB, page {one['page_mb']:.2f} MB"
    )


def written(folder: Path, case: Case, ours: dict[str, Any]) -> str:
    """What R is to do: the rows with all columns that were made, and the models."""
    data = folder / "data.csv"
    if not data.exists():
        frame = analysis_of(case, case.make()).study.data
        frame.to_csv(data, index=False)
    request = folder / "request.json"
    request.write_text(
        json.dumps(
            {
                "data": str(data),
                "groups": case.groups,
                "formulas": ours["formulas"],
                "chosen": ours["chosen"],
            }
        )
    )
    return str(request)


def analysis_of(case: Case, data: pd.DataFrame) -> mlm.Analysis:
    return mlm.Analysis(data, case.outcome, case.groups, **case.words)


def run_ours(case: Case) -> dict[str, Any]:
    """Make every step and the page; seconds, and the rise of the largest resident set."""
    data = case.make()
    data.head(1).describe()  # pandas' own late imports
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    steps: dict[str, dict[str, float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        done = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        steps[name] = {"wall": wall, "cpu": cpu}
        return done

    analysis = timed("data", lambda: analysis_of(case, data))
    for name in STEPS:
        timed(name, lambda name=name: getattr(analysis, name))
    with tempfile.TemporaryDirectory() as folder:
        page = timed("report", lambda: analysis.report(Path(folder) / "page.html"))
        page_mb = page.stat().st_size / 2**20
    return {
        "wall": sum(took["wall"] for took in steps.values()),
        "cpu": sum(took["cpu"] for took in steps.values()),
        "steps": steps,
        "page_mb": page_mb,
        "peak_mb": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**10,
        "data_mb": float(data.memory_usage(index=False).sum()) / 2**20,
        "n_models": analysis.ladder.n_models,
        "n_figures": sum(len(step.figures) for step in analysis.steps),
        "formulas": [rung.formula for rung in analysis.ladder.rungs],
        "chosen": analysis.choice.rung.formula,
    }


if __name__ == "__main__":
    main()
