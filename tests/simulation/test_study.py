"""The simulation study: its machinery, its committed results, and a small part of it anew."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom

STUDY = Path(__file__).parents[2] / "benchmarks" / "simulation"
sys.path.insert(0, str(STUDY))

import cells  # noqa: E402
import study  # noqa: E402

BY_NAME = {cell.name: cell for cell in [*cells.CELLS, *cells.VARIANCE_CELLS]}
REPLICATES = 400
# Probability that a correct method fails one of these assertions by chance.
CHANCE = 1e-4
LOW, HIGH = binom.ppf([CHANCE, 1.0 - CHANCE], REPLICATES, study.ALPHA)
TRUSTED = ("satterthwaite", "kenward-roger")


def rejections(name: str) -> dict[str, dict[str, int]]:
    """Rejections of every effect by every method."""
    counts: dict[str, dict[str, dict[str, int]]] = {}
    for replicate in range(REPLICATES):
        study.add(counts, study.outcomes("tests", BY_NAME[name], replicate))
    return {e: {m: c["rejected"] for m, c in counts[e].items()} for e in cells.EFFECTS}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["intercept-balanced-10", "slope-unbalanced-20"])
def test_small_sample_methods_keep_the_level_and_least_squares_does_not(name):
    found = rejections(name)
    for effect in cells.EFFECTS:
        for method in TRUSTED:
            assert found[effect][method] <= HIGH, (effect, method)
    assert found["w"]["least squares"] > HIGH
    assert min(found["w"][method] for method in TRUSTED) >= LOW


@pytest.mark.slow
def test_large_sample_tests_reject_too_often_with_few_groups():
    found = rejections("intercept-unbalanced-6")
    for method in ("asymptotic", "LRT", "least squares"):
        assert found["w"][method] > HIGH
    assert found["w"]["satterthwaite"] <= HIGH
    assert found["w"]["kenward-roger"] <= HIGH


@pytest.mark.slow
def test_robust_errors_repair_slopes_that_were_left_out():
    found = rejections("omitted-balanced-20")
    for effect in ("x", "xw"):
        assert found[effect]["kenward-roger"] > HIGH
        assert found[effect]["CR2"] <= HIGH


@pytest.mark.parametrize("cell", cells.CELLS, ids=lambda cell: cell.name)
def test_draws_are_those_of_the_design(cell):
    first, again, other = (cells.draw(cell, replicate) for replicate in (0, 0, 1))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["y"], other["y"])
    size = np.bincount(first["g"])
    assert np.array_equal(size, cell.sizes)
    assert np.allclose(np.bincount(first["g"], first["x"]) / size, 0.0)
    treated = Counter(first["w"][np.unique(first["g"], return_index=True)[1]])
    assert treated[0.5] == cell.groups // (2 if cell.balanced else 3)


def test_seeds_of_cells_differ():
    assert len({cell.number for cell in BY_NAME.values()}) == len(BY_NAME) == 28


def test_a_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    cell = BY_NAME["slope-unbalanced-6"]
    monkeypatch.setattr(study, "CHUNK", 2)
    at_once, in_parts = tmp_path / "once", tmp_path / "parts"
    for folder, limits in ((at_once, [4]), (in_parts, [1, 3, 4])):
        folder.mkdir()
        monkeypatch.setattr(study, "RESULTS", folder)
        for limit in limits:
            study.run_cell(cell, {"tests": limit})
    one, two = (folder / f"{cell.name}.json" for folder in (at_once, in_parts))
    assert one.read_text() == two.read_text()
    assert json.loads(one.read_text())["replicates"] == {"tests": 4}


def test_failures_are_counted():
    counts: dict[str, dict[str, dict[str, int]]] = {}
    study.add(counts, [study.Outcome("x", "m", None, None), study.Outcome("x", "m", True, False)])
    expected = {"tests": 1, "rejected": 1, "intervals": 1, "covered": 0, "failed": 1}
    assert counts == {"x": {"m": expected}}


@pytest.mark.parametrize("stage", study.STAGES)
def test_committed_results_are_complete(stage):
    for cell in study.STAGES[stage].cells:
        kept = json.loads((STUDY / "results" / f"{cell.name}.json").read_text())
        assert kept["replicates"][stage] == study.STAGES[stage].replicates
