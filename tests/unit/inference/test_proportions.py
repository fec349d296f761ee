"""Intervals of proportions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from multilevel.inference.proportions import proportion_interval

# Both invert the same function.
RTOL = 1e-9


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_exact_interval(level):
    k = np.array([0, 1, 7, 19, 20])
    low, high = proportion_interval(k, 20, level)
    for i, one in enumerate(k.tolist()):
        exact = binomtest(one, 20).proportion_ci(level, method="exact")
        assert low[i] == pytest.approx(exact.low, rel=RTOL)
        assert high[i] == pytest.approx(exact.high, rel=RTOL)


def test_numbers_of_trials_of_each():
    low, high = proportion_interval(np.array([1, 1]), np.array([1, 10]), 0.95)
    assert low[0] == pytest.approx(0.025)
    assert high[0] == 1.0
    assert high[1] == pytest.approx(binomtest(1, 10).proportion_ci(0.95).high, rel=RTOL)
