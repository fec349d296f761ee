"""Run the simulation study: ``python benchmarks/simulation/study.py``.

What is done of a cell is kept in ``results/<cell>.json``; a run goes on from there until every
stage has its number of replicates. Replicate r of a cell is the same data in every stage.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from cells import (
    CELLS,
    CORRELATION,
    EFFECTS,
    FIXED,
    INTERCEPT_SD,
    RESIDUAL_SD,
    SLOPE_SD,
    VARIANCE_CELLS,
    Cell,
    draw,
)
from scipy.stats import chi2

import multilevel as mlm

__all__ = ["STAGES", "Outcome", "Stage", "add", "outcomes", "run_cell"]

RESULTS = Path(__file__).parent / "results"
ALPHA = 0.05
DF_METHODS = (
    "satterthwaite",
    "kenward-roger",
    "between-within",
    "m-l-1",
    "residual",
    "asymptotic",
)
# Replicates are saved in chunks of this size.
CHUNK = 50
# Bootstrap draws, and draws of the null distribution of a variance, in each replicate.
DRAWS, NULL_DRAWS = 199, 999
TRUTH = {
    **dict.fromkeys(EFFECTS, 0.0),
    "sd__Intercept": INTERCEPT_SD,
    "sd__x": SLOPE_SD,
    "corr__Intercept.x": CORRELATION,
    "sd__residual": RESIDUAL_SD,
}


class Outcome(NamedTuple):
    """What one method said of one parameter in one replicate.

    ``rejected`` the hypothesis of zero, ``covered`` the true value; None for what it does not say,
    both None if it failed.
    """

    parameter: str
    method: str
    rejected: bool | None
    covered: bool | None


def tests(cell: Cell, data: dict[str, np.ndarray], replicate: int) -> Iterator[Outcome]:
    """Tests of the three effects, and the intervals that belong to them."""
    fit = mlm.lmer(cell.formula, data)
    yield Outcome("model", "singular", fit.is_singular, None)
    for method in DF_METHODS:
        yield from tested(method, fit.tidy(conf_int=True, df_method=method))
    yield from tested("CR2", fit.tidy(conf_int=True, robust="CR2", cluster="g"))
    yield from tested("least squares", mlm.lmer(FIXED, data).tidy(conf_int=True))
    full = fit.refit(reml=False).loglik
    for effect in EFFECTS:
        others = " + ".join(name for name in EFFECTS if name != effect)
        reduced = mlm.lmer(cell.formula.replace("x + w + xw", others), data, reml=False).loglik
        yield Outcome(effect, "LRT", bool(chi2.sf(2.0 * (full - reduced), 1) < ALPHA), None)


def profile(cell: Cell, data: dict[str, np.ndarray], replicate: int) -> Iterator[Outcome]:
    """Profile intervals by REML, and Wald's of the variance parameters beside them."""
    fit = mlm.lmer(cell.formula, data)
    yield from covering("profile", fit.confint(method="profile"))
    wald = fit.confint(method="wald")
    yield from (o for o in covering("Wald", wald) if o.parameter not in EFFECTS)


def bootstrap(cell: Cell, data: dict[str, np.ndarray], replicate: int) -> Iterator[Outcome]:
    """Percentile intervals of the parametric bootstrap."""
    fit = mlm.lmer(cell.formula, data)
    yield from covering("bootstrap", fit.bootstrap(DRAWS, rng=replicate).confint())


def variance(cell: Cell, data: dict[str, np.ndarray], replicate: int) -> Iterator[Outcome]:
    """Three tests of a variance that is zero."""
    fit = mlm.lmer(cell.formula, data)
    ratio, exact = fit.ranova(), fit.exact_rlrt(n=NULL_DRAWS, rng=replicate)
    tests = {"chi-squared": ratio["p_value"], "mixture": ratio["p_value_mixture"]}
    for method, p in {**tests, "exact": exact["p_value"]}.items():
        yield Outcome("variance", method, bool(p[0] <= ALPHA), None)


def tested(method: str, table: Any) -> Iterator[Outcome]:
    """Outcomes of the rows of a table of tests with intervals."""
    columns = ("term", "p_value", "conf_low", "conf_high")
    for term, p, low, high in zip(*(list(table[name]) for name in columns), strict=True):
        if term in EFFECTS and np.isnan(p):
            yield Outcome(term, method, None, None)
        elif term in EFFECTS:
            yield Outcome(term, method, bool(p < ALPHA), bool(low <= TRUTH[term] <= high))


def covering(method: str, table: Any) -> Iterator[Outcome]:
    """Outcomes of the rows of a table of intervals."""
    columns = ("term", "conf_low", "conf_high")
    for term, low, high in zip(*(list(table[name]) for name in columns), strict=True):
        if term in TRUTH:
            known = not (np.isnan(low) or np.isnan(high))
            yield Outcome(term, method, None, bool(low <= TRUTH[term] <= high) if known else None)


@dataclass(frozen=True)
class Stage:
    """Some methods, the cells that they are tried in, and how often."""

    run: Callable[[Cell, dict[str, np.ndarray], int], Iterator[Outcome]]
    cells: tuple[Cell, ...]
    replicates: int


SPECIFIED = tuple(cell for cell in CELLS if cell.structure != "omitted")
STAGES = {
    "tests": Stage(tests, tuple(CELLS), 2000),
    "profile": Stage(profile, SPECIFIED, 300),
    "bootstrap": Stage(bootstrap, SPECIFIED, 200),
    "variance": Stage(variance, tuple(VARIANCE_CELLS), 1000),
}


def outcomes(stage: str, cell: Cell, replicate: int) -> list[Outcome]:
    """All outcomes of one replicate."""
    data = draw(cell, replicate)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return list(STAGES[stage].run(cell, data, replicate))
        except Exception as error:
            error.add_note(f"in replicate {replicate} of stage {stage} of cell {cell.name}")
            raise


def add(counts: dict[str, dict[str, dict[str, int]]], found: list[Outcome]) -> None:
    """Count outcomes: how many are known, rejections, coverages, failures."""
    for outcome in found:
        zero = {"tests": 0, "rejected": 0, "intervals": 0, "covered": 0, "failed": 0}
        count = counts.setdefault(outcome.parameter, {}).setdefault(outcome.method, zero)
        count["tests"] += outcome.rejected is not None
        count["rejected"] += bool(outcome.rejected)
        count["intervals"] += outcome.covered is not None
        count["covered"] += bool(outcome.covered)
        count["failed"] += outcome.rejected is None and outcome.covered is None


def run_cell(cell: Cell, limits: dict[str, int]) -> str:
    """Do what is left of a cell, and keep it."""
    path = RESULTS / f"{cell.name}.json"
    record = json.loads(path.read_text()) if path.exists() else {"replicates": {}, "counts": {}}
    done = record["replicates"]
    start = time.process_time()
    for stage, limit in limits.items():
        while cell in STAGES[stage].cells and done.get(stage, 0) < limit:
            first = done.get(stage, 0)
            last = min(first + CHUNK, limit)
            for replicate in range(first, last):
                add(record["counts"], outcomes(stage, cell, replicate))
            done[stage] = last
            path.write_text(json.dumps(record, indent=1) + "\n")
    return f"{cell.name:24} {done}  {time.process_time() - start:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stages", default=",".join(STAGES), help="names separated by commas")
    parser.add_argument("--replicates", type=int, help="at most so many in every stage")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    names = options.stages.split(",")
    most = options.replicates or max(stage.replicates for stage in STAGES.values())
    limits = {name: min(STAGES[name].replicates, most) for name in names}
    RESULTS.mkdir(exist_ok=True)
    with ProcessPoolExecutor(options.workers) as pool:
        for line in pool.map(partial(run_cell, limits=limits), [*CELLS, *VARIANCE_CELLS]):
            print(line, flush=True)


if __name__ == "__main__":
    main()
