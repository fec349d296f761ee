"""How near the reference tests of what follows a fit come to R: their comparisons are recorded."""

from __future__ import annotations

import ast
import contextlib
import io
import json
from collections import defaultdict
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest

__all__ = ["agreement_section"]

TESTS = Path(__file__).parent.parent.parent / "tests"
# A test module of these folders is listed if it names a file of reference numbers of what follows a
# fit: one of the second table of the provenance.
FOLDERS = ("reference", "unit/inference")
TABLE = "| `expected/` |"
PROVENANCE = TESTS / "reference" / "provenance.md"
INTRODUCTION = """\
## Inference, levels, groups and checks

Degrees of freedom, tests, intervals, robust covariance matrices, marginal means, predictions;
variance by level and variance explained; groups, influence and checks. The reference numbers were
written once by R, from the same data and formulas:

{sources}

The tests compare {numbers:,} numbers with ours, in {comparisons:,} comparisons. Differences are
relative to the largest number of a comparison (absolute for simulated p values); the median over
all comparisons is {median:.0e}, the largest {largest:.0e}. Where they are larger than `1e-6`, R's
derivatives are finite differences, its integrals are simulated (mvtnorm), its F values rounded to
three decimals (emmeans), its ranks without the error of fixed effects (merTools) or its numbers
in print; pooled degrees of freedom, which depend a little on the contrasts that span a hypothesis,
rest on other contrasts (lmerTest, types I and II); or a statistic is beside the large-sample
version that it refines (residual variances of groups).
What is random on both sides (p values of RLRsim and PBmodcomp, standard errors of bootMer) is
tested to be within Monte Carlo error, and not counted here.

| tests | comparisons | numbers | median difference | largest |
|---|--:|--:|--:|--:|"""


class Recorder:
    """Pytest plugin: every comparison of every test, by module and function."""

    def __init__(self) -> None:
        self.found: dict[tuple[Path, str], list[tuple[int, float]]] = defaultdict(list)
        self._where: tuple[Path, str] | None = None
        self._kept = np.testing.assert_allclose, pytest.approx

    def pytest_configure(self) -> None:
        np.testing.assert_allclose, pytest.approx = self._assert_allclose, self._approx

    def pytest_unconfigure(self) -> None:
        np.testing.assert_allclose, pytest.approx = self._kept

    def pytest_runtest_setup(self, item: Any) -> None:
        self._where = (item.path, item.originalname)

    def _assert_allclose(
        self, actual: Any, desired: Any, rtol: float = 1e-7, atol: float = 0.0, **options: Any
    ) -> None:
        self._kept[0](actual, desired, rtol=rtol, atol=atol, **options)
        self.record(actual, desired, rtol, atol)

    def _approx(
        self, expected: Any, rel: float | None = None, abs: float | None = None, **options: Any
    ) -> Approximately:
        compared = self._kept[1](expected, rel=rel, abs=abs, **options)
        return Approximately(compared, expected, rel or 1e-6, abs or 0.0, self)

    def record(self, actual: Any, desired: Any, rtol: float, atol: float) -> None:
        ours, theirs = np.broadcast_arrays(*(np.asarray(v, float) for v in (actual, desired)))
        known = np.isfinite(theirs) & np.isfinite(ours)
        # Numbers that are held to an absolute tolerance are compared on its scale.
        size = np.abs(theirs[known]).max(initial=0.0) + np.max(atol) / rtol if rtol else 1.0
        if self._where is not None and size > 0.0:
            distance = np.abs(ours[known] - theirs[known]).max(initial=0.0)
            self.found[self._where].append((int(known.sum()), float(distance / size)))


class Approximately:
    """``pytest.approx`` that records what it is compared with."""

    __hash__ = None

    def __init__(
        self, compared: Any, expected: Any, rel: float, abs: float, recorder: Recorder
    ) -> None:
        self._compared, self._recorder = compared, recorder
        self._arguments = expected, rel, abs

    def __eq__(self, actual: object) -> bool:
        equal = bool(self._compared == actual)
        if equal:
            self._recorder.record(actual, *self._arguments)
        return equal


def agreement_section() -> list[str]:
    """A table for every module of reference tests, a row for every test.

    Raises
    ------
    RuntimeError
        If a test fails.
    """
    files = [path for folder in FOLDERS for path in sorted((TESTS / folder).glob("test_*.py"))]
    held = [f"{name}.json" for name, _, _ in held_files()]
    modules = [path for path in files if any(name in path.read_text() for name in held)]
    recorder, report = Recorder(), io.StringIO()
    with contextlib.redirect_stdout(report):
        arguments = ["-p", "no:cacheprovider", f"--rootdir={TESTS.parent}", *map(str, modules)]
        code = pytest.main(arguments, plugins=[recorder])
    if code != pytest.ExitCode.OK:
        raise RuntimeError(f"Reference tests failed:\n{report.getvalue()}")
    everything = list(chain.from_iterable(recorder.found.values()))
    sizes, distances = zip(*everything, strict=True)
    introduction = INTRODUCTION.format(
        sources="\n".join(sources()),
        numbers=sum(sizes),
        comparisons=len(everything),
        median=np.median(distances),
        largest=max(distances),
    )
    lines = introduction.split("\n")
    for module in modules:
        title = (ast.get_docstring(ast.parse(module.read_text())) or module.stem).split("\n")[0]
        tests = {name: p for (path, name), p in recorder.found.items() if path == module}
        lines.append(row(f"**{title.rstrip('.')}**", list(chain.from_iterable(tests.values()))))
        lines += [row(name.removeprefix("test_").replace("_", " "), p) for name, p in tests.items()]
    return lines


def held_files() -> list[tuple[str, str, str]]:
    """Name, content and makers of every file of reference numbers of what follows a fit."""
    table = PROVENANCE.read_text().partition(TABLE)[2].partition("\n\n")[0]
    cells = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return [(name.split()[0], what.strip(), by.strip()) for name, what, by in cells]


def sources() -> list[str]:
    """What the files of reference numbers hold, and the packages that wrote them."""
    lines = ["| what | written by | numbers |", "|---|---|--:|"]
    for name, what, by in held_files():
        held = json.loads((TESTS / "reference" / "expected" / f"{name}.json").read_text())
        lines.append(f"| {what} | {by} | {count(held):,} |")
    return lines


def count(held: Any) -> int:
    """Numbers in a JSON file."""
    if isinstance(held, dict):
        return sum(map(count, held.values()))
    if isinstance(held, list):
        return sum(map(count, held))
    return isinstance(held, int | float) and not isinstance(held, bool)


def row(name: str, pairs: list[tuple[int, float]]) -> str:
    """Number of comparisons and of numbers, median and largest difference."""
    sizes, distances = zip(*pairs, strict=True)
    return (
        f"| {name} | {len(pairs)} | {sum(sizes)} "
        f"| {np.median(distances):.0e} | {max(distances):.0e} |"
    )
