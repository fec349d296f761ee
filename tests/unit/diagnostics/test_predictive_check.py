"""Statistics of responses on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.diagnostics.predictive_check import compare_statistics, response_statistics


def test_statistics():
    y = np.array([1.0, 3.0, 4.0, 8.0])
    found = response_statistics(y, {"g": np.array([0, 0, 1, 1], dtype=np.int32)})
    assert found["mean"] == 4.0
    assert found["sd"] == pytest.approx(np.std(y, ddof=1))
    assert (found["min"], found["max"]) == (1.0, 8.0)
    assert found["sd_between__g"] == pytest.approx(np.std([2.0, 6.0], ddof=1))
    assert found["sd_within__g"] == pytest.approx(np.sqrt((1 + 1 + 4 + 4) / 2))


def test_groups_of_one_row_have_no_spread_within():
    found = response_statistics(np.arange(3.0), {"g": np.arange(3, dtype=np.int32)})
    assert "sd_within__g" not in found


def test_ranks_and_intervals():
    simulated = np.arange(1.0, 100.0)[:, None]
    found = compare_statistics(np.array([0.0]), simulated, 0.9)
    assert found.p_value == pytest.approx([0.02])
    assert compare_statistics(np.array([50.0]), simulated, 0.9).p_value == pytest.approx([1.0])
    assert found.low == pytest.approx([np.quantile(simulated, 0.05)])
    assert found.high == pytest.approx([np.quantile(simulated, 0.95)])
    assert found.mean == [50.0]
