"""How near the reference tests of inference come to R: they run, their comparisons are recorded."""

from __future__ import annotations

import ast
import contextlib
import io
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

__all__ = ["agreement_section"]

TESTS = Path(__file__).parent.parent.parent / "tests"
# A test module of these folders is listed if it names a file of reference numbers of inference.
FOLDERS = ("reference", "unit/inference")
MARK = "inference_"
INTRODUCTION = """\
## Inference

Degrees of freedom, tests, intervals, robust covariance matrices, marginal means, predictions:
what the reference tests compare, and how large the differences are, relative to the largest
number of each comparison (absolute for simulated p values). Where they are larger than 1e-6, R's
derivatives are finite differences, its integrals are simulated, its profiles are interpolated, or
its numbers are in print.

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
    modules = [path for path in files if MARK in path.read_text()]
    recorder, report = Recorder(), io.StringIO()
    with contextlib.redirect_stdout(report):
        arguments = ["-p", "no:cacheprovider", f"--rootdir={TESTS.parent}", *map(str, modules)]
        code = pytest.main(arguments, plugins=[recorder])
    if code != pytest.ExitCode.OK:
        raise RuntimeError(f"Reference tests failed:\n{report.getvalue()}")
    lines = INTRODUCTION.split("\n")
    for module in modules:
        title = (ast.get_docstring(ast.parse(module.read_text())) or module.stem).split("\n")[0]
        lines.append(f"| **{title.rstrip('.')}** | | | | |")
        for (path, name), pairs in recorder.found.items():
            if path == module:
                sizes, distances = zip(*pairs, strict=True)
                lines.append(
                    f"| {name.removeprefix('test_').replace('_', ' ')} | {len(pairs)} "
                    f"| {sum(sizes)} | {np.median(distances):.0e} | {max(distances):.0e} |"
                )
    return lines
