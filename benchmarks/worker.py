"""Fit one model with one system, in a process of its own: JSON in on stdin, JSON out on stdout.

It imports nothing of the benchmark, so that it runs in the environment of any system. What is
timed is the whole call, from a pandas data frame in memory to a fit with its estimates and
standard errors.
"""

from __future__ import annotations

import json
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

Fitter = Callable[[str, pd.DataFrame], Any]


def split(formula: str) -> tuple[str, list[tuple[str, str]]]:
    """Fixed part and (effects, group) of every bar, for systems without lme4's formulas."""
    head, *bars = formula.split("(")
    pairs = [bar.split(")")[0].split("|") for bar in bars]
    return head.strip().rstrip("+").strip(), [(z.strip(), g.strip()) for z, g in pairs]


def multilevel_system() -> tuple[Fitter, Callable[[Any], dict[str, Any]]]:
    import multilevel as mlm

    return mlm.lmer, lambda fit: {
        "criterion": fit.reml_criterion,
        "evaluations": fit.optimizer.evaluations,
        "estimate": list(fit.beta),
        "std_error": list(fit.std_errors),
    }


def glmm_system(df: bool = True) -> tuple[Fitter, Callable[[Any], dict[str, Any]]]:
    import glmm

    def fit(formula: str, data: pd.DataFrame) -> Any:
        return glmm.fit(data, formula, reml=True, satterthwaite=df)

    return fit, lambda fit: {
        "criterion": -2 * fit.loglik,
        "evaluations": int(fit.n_eval),
        "estimate": list(fit.beta),
        "std_error": list(fit.se),
    }


def mixedlm_system() -> tuple[Fitter, Callable[[Any], dict[str, Any]]]:
    import mixedlm

    def facts(fit: Any) -> dict[str, Any]:
        return {
            "criterion": float(fit.REMLcrit()),
            "evaluations": int(fit.function_evals),
            "estimate": [float(b) for b in fit.beta],
        }

    return mixedlm.lmer, facts


def mixedlm_rs_system() -> tuple[Fitter, Callable[[Any], dict[str, Any]]]:
    import mixedlm_rs

    def fit(formula: str, data: pd.DataFrame) -> Any:
        fixed, bars = split(formula)
        if len(bars) > 1:
            raise NotImplementedError("one grouping factor only")
        effects, group = bars[0]
        return mixedlm_rs.mixedlm(fixed, data, groups=group, re_formula=f"~{effects}").fit()

    return fit, lambda fit: {"criterion": -2 * float(fit.llf)}


def lme_python_system() -> tuple[Fitter, Callable[[Any], dict[str, Any]]]:
    import lme_python

    def fit(formula: str, data: pd.DataFrame) -> Any:
        return lme_python.lmer(formula, data, reml=True)

    return fit, lambda fit: {
        "criterion": float(fit.reml_criterion),
        "evaluations": int(fit.iterations),
        "estimate": list(fit.coefficients),
    }


def statsmodels_system() -> tuple[Fitter, Callable[[Any], dict[str, Any]]]:
    import statsmodels.formula.api as smf

    def fit(formula: str, data: pd.DataFrame) -> Any:
        fixed, bars = split(formula)
        if len(bars) == 1:
            effects, group = bars[0]
            return smf.mixedlm(fixed, data, groups=group, re_formula=f"~{effects}").fit(reml=True)
        slopes = [bar for bar in bars if bar[0] != "1"]
        if slopes:  # one factor with slopes, another one within it
            if len(slopes) > 1 or len(bars) > 2:
                raise NotImplementedError("no correlated effects of crossed factors")
            (effects, group), (_, inner) = bars
            parts, groups, effects = {inner: f"0 + C({inner})"}, data[group], f"~{effects}"
        else:  # crossed: variance components over one group of all rows
            parts = {g: f"0 + C({g})" for _, g in bars}
            groups, effects = [1] * len(data), "0"
        model = smf.mixedlm(fixed, data, groups=groups, re_formula=effects, vc_formula=parts)
        return model.fit(reml=True)

    return fit, lambda fit: {"criterion": -2 * float(fit.llf)}


SYSTEMS = {
    "multilevel": multilevel_system,
    "glmm": glmm_system,
    "glmm-no-df": lambda: glmm_system(df=False),
    "mixedlm": mixedlm_system,
    "mixedlm-rs": mixedlm_rs_system,
    "lme-python": lme_python_system,
    "statsmodels": statsmodels_system,
}


def memory(field: str) -> float:
    """VmRSS (now) or VmHWM (peak) of this process in MB; where there is no /proc, the peak."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    line = next(text for text in status.read_text().splitlines() if text.startswith(field))
    return int(line.split()[1]) / 1024.0


def reset_peak() -> None:
    """Make the peak the present (Linux)."""
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def measure(job: dict[str, Any]) -> dict[str, Any]:
    """The first fit for memory, then fits for ``seconds``: median, minimum, maximum."""
    data = pd.read_parquet(job["data"])
    fit, facts = SYSTEMS[job["system"]]()
    reset_peak()
    before = memory("VmRSS")
    times = []

    def timed() -> Any:
        start = time.perf_counter()
        result = fit(job["formula"], data)
        times.append(time.perf_counter() - start)
        return result

    result = timed()
    out = {"peak_mb": memory("VmHWM") - before, **facts(result)}
    first = times[0]
    end = time.perf_counter() + job["seconds"]
    while len(times) < 2 or time.perf_counter() < end:
        if first > job["seconds"]:  # slow: one warm fit less
            break
        del result  # a fit is not timed while another one fills the memory
        result = timed()
    warm = times[1:] or times
    return {
        **out,
        "median": statistics.median(warm),
        "minimum": min(warm),
        "maximum": max(warm),
        "first": first,
        "fits": len(warm),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    try:
        answer = measure(json.load(sys.stdin))
    except Exception as error:  # whatever a system raises is its result
        answer = {"error": f"{type(error).__name__}: {error}"[:200]}
    print("\n" + json.dumps(answer))
