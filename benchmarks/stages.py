"""Where the time of one fit of ours goes, stage by stage, and the floor of each stage.

``python benchmarks/stages.py`` writes ``results/stages.json`` and the table of ``README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tables
from cases import BY_NAME, CASES, Case

import multilevel as mlm
from multilevel.moments.scaling import scale_design, scale_response
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.state import FitState

HERE = Path(__file__).parent
BYTES = 8
STAGES = (
    "frame to arrays",
    "orthogonalise, scale",
    "cross-products, plan",
    "solve",
    "result",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--case", default="all")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    options = parser.parse_args()
    names = [case.name for case in CASES] if options.case == "all" else options.case.split(",")
    machine = {"copy_gb_s": copy_speed(), "gflops": multiply_speed(), "threads": options.threads}
    cases = {name: profile(BY_NAME[name], machine, options) for name in names}
    if options.scale != 1.0:
        return
    path = HERE / "results" / "stages.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**machine, "cases": cases}, indent=1) + "\n")
    tables.write()


def best(work: Callable[[], Any], times: int = 5) -> float:
    """Shortest of some runs."""
    spans = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spans.append(time.perf_counter() - start)
    return min(spans)


def copy_speed() -> float:
    """Bytes read plus written per second in a large copy, in GB/s."""
    source = np.ones(20_000_000)
    target = np.empty_like(source)
    return 2 * source.nbytes / best(lambda: np.copyto(target, source)) / 1e9


def multiply_speed() -> float:
    """Floating-point operations per second in a matrix product, in GFLOP/s."""
    a = np.ones((1500, 1500))
    return 2 * 1500**3 / best(lambda: a @ a) / 1e9


def profile(case: Case, machine: dict[str, Any], options: argparse.Namespace) -> list[Any]:
    """Medians of the stages' times, with what they must move and compute."""
    data = case.make(options.scale if case.scalable else 1.0)
    control = mlm.Control(threads=options.threads)
    runs = [one_fit(case, data, control) for _ in range(200 if len(data) < 5000 else 5)]
    spans = {stage: statistics.median(run[0][stage] for run in runs) for stage in runs[0][0]}
    stages = []
    for stage, (megabytes, megaflops) in work(*runs[-1][1]).items():
        floor = max(megabytes / machine["copy_gb_s"] / 1e3, megaflops / machine["gflops"] / 1e3)
        stages.append(
            {
                "stage": stage,
                "seconds": spans[stage],
                "megabytes": megabytes,
                "megaflops": megaflops,
                "floor": floor,
            }
        )
    print(case.name, {s["stage"]: f"{s['seconds']:.6f}" for s in stages}, flush=True)
    return stages


def one_fit(case: Case, data: Any, control: mlm.Control) -> tuple[dict[str, float], Any]:
    """The stages of one fit: seconds of each; the problem and its solution."""
    clock = [time.perf_counter()]
    model = mlm.MixedModel(case.formula, data, control=control)
    clock.append(time.perf_counter())
    matrices = model.matrices
    design = scale_design(matrices)
    scale_response(design.W, design.root_weights, matrices.y, matrices.offset)
    clock.append(time.perf_counter())
    del design
    problem = LinearProblem.from_matrices(matrices, control)
    clock.append(time.perf_counter())
    state = problem.fit(reml=True)
    clock.append(time.perf_counter())
    fit = mlm.LinearMixedModel(model, state)
    _ = fit.beta, fit.std_errors, fit.reml_criterion
    clock.append(time.perf_counter())
    frame, scaling, both, solution, result = np.diff(clock).tolist()
    # Making the problem orthogonalises and scales once more.
    cross = max(both - scaling, 0.0)
    return dict(zip(STAGES, (frame, scaling, cross, solution, result), strict=True)), (
        problem,
        state,
    )


def work(problem: LinearProblem, state: FitState) -> dict[str, tuple[float, float]]:
    """Megabytes that each stage must move and millions of floating-point operations (at least)."""
    matrices, sizes = problem.matrices, problem._core.sizes()
    n, p = matrices.X.shape
    n_factors = len(matrices.factors)
    k = [term.z.shape[1] for term in matrices.terms]
    columns = sum(width for width in k if width > 1)  # an intercept is not read
    values = {
        "frame": n * (1 + (p - 1) + n_factors) + n * (1 + p + n_factors / 2),
        "scale": n * p + n * (p + 1),
        "cross": n * (p + 1 + columns + n_factors / 2),
    }
    K, E, G = sum(k), state.optimizer.evaluations, state.optimizer.gradient_evaluations
    nodes, m = max(sizes["sparse_nodes"], 1), sizes["dense_dim"]
    neighbours = sizes["links"] / nodes * max(k)  # columns after an eliminated group, on average
    factor = sizes["effects"] * (max(k) + p + 1) + nodes * max(k) * neighbours + m * m
    elimination = nodes * max(k) * neighbours**2 + m**3 / 3
    flops = {
        "scale": 2 * n * p * p,
        "cross": n * (K * (K + 1) + 2 * K * (p + 1)),
        "solve": (E + 2 * G) * elimination,
    }
    moved = [values["frame"], values["scale"], values["cross"], 2 * (E + G) * factor, 0]
    computed = [0, flops["scale"], flops["cross"], flops["solve"], 0]
    return {
        stage: (BYTES * v / 1e6, f / 1e6)
        for stage, v, f in zip(STAGES, moved, computed, strict=True)
    }


if __name__ == "__main__":
    main()
