"""Simulated residuals on arrays."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from multilevel.diagnostics.simulated_residuals import (
    SimulatedUnits,
    marginal_variances,
    scaled_residuals,
)
from multilevel.prediction.simulate import Draw, simulate_responses

# A grid of 1/200 standard deviations in the place of all values.
GRID = 0.003


def units(n, groups=None):
    return SimulatedUnits(np.zeros(n), np.ones(n), groups or {})


def by_name(found):
    return {test.test: test for test in found.tests}


def test_residuals_are_shares_of_simulations_below():
    observed = np.array([-2.0, 0.5, 9.0])
    simulated = [np.array([-1.0, 0.0, 1.0]), np.array([-3.0, 1.0, 2.0]), np.array([0.0, 0.1, 3.0])]
    found = scaled_residuals(observed, simulated, units(3), "rows", np.random.default_rng(1))
    low = np.array([1, 2, 3]) / 4
    assert ((found.residual >= low) & (found.residual <= low + 0.25)).all()
    assert by_name(found)["outliers"].statistic == 1
    assert by_name(found)["outliers"].expected == pytest.approx(5 / 3)


def test_ties_are_broken_by_lot():
    observed = np.zeros(20_000)
    simulated = [np.zeros(20_000), np.ones(20_000), -np.ones(20_000)]
    found = scaled_residuals(observed, simulated, units(20_000), "rows", np.random.default_rng(1))
    assert found.residual.min() == pytest.approx(0.25, abs=1e-3)
    assert found.residual.max() == pytest.approx(0.75, abs=1e-3)


def test_uniformity_is_kolmogorovs_distance_of_standardised_values():
    rng = np.random.default_rng(2)
    observed = rng.gamma(3.0, size=500)
    found = scaled_residuals(observed, rng.normal(size=(99, 500)), units(500), "rows", rng)
    z = (observed - observed.mean()) / observed.std()
    wanted = stats.kstest(z, "norm").statistic
    assert by_name(found)["uniformity"].statistic == pytest.approx(wanted, abs=GRID)
    assert by_name(found)["uniformity"].p_value == 0.01


def test_dispersion_and_spread_find_what_they_look_for():
    rng = np.random.default_rng(3)
    codes = np.repeat(np.arange(20, dtype=np.int32), 25)
    simulated = rng.normal(size=(199, 500))
    groups = {"g": codes}
    wide = scaled_residuals(1.3 * rng.normal(size=500), simulated, units(500, groups), "rows", rng)
    assert by_name(wide)["dispersion"].p_value == 0.01
    assert by_name(wide)["dispersion"].statistic == pytest.approx(1.69, rel=0.2)
    narrow = scaled_residuals(0.7 * simulated[0], simulated, units(500, groups), "rows", rng)
    assert by_name(narrow)["dispersion"].p_value == 0.01
    uneven = np.where(codes % 2, 0.5, 1.32) * simulated[0] / simulated[0].std()
    found = by_name(scaled_residuals(uneven, simulated, units(500, groups), "rows", rng))
    assert found["spread"].p_value == 0.005
    assert found["spread"].level == "g"
    assert found["dispersion"].p_value > found["spread"].p_value


def test_tests_have_their_level_when_units_are_dependent():
    rng = np.random.default_rng(4)
    codes = np.repeat(np.arange(15, dtype=np.int32), 10)
    draw = Draw(np.ones((150, 1)), codes, 15, np.array([[2.0]]))
    model = SimulatedUnits(np.zeros(150), np.full(150, 5**0.5), {"g": codes})
    p = []
    for _ in range(400):
        data = simulate_responses(np.zeros(150), [draw], 1.0, None, 20, rng)
        p.append([t.p_value for t in scaled_residuals(data[0], data[1:], model, "r", rng).tests])
    # ranks among 20 are exact: p values of 1/20 or (two-sided) 2/20; four standard errors
    share = np.mean(np.array(p) <= 0.1, axis=0)
    assert (np.abs(share - 0.1) < 4 * (0.1 * 0.9 / 400) ** 0.5).all()


def test_marginal_variances_of_rows_and_of_means():
    rng = np.random.default_rng(5)
    n = 40
    g, h = rng.integers(0, 5, n).astype(np.int32), rng.integers(0, 4, n).astype(np.int32)
    draws = [
        Draw(np.column_stack([np.ones(n), rng.normal(size=n)]), g, 5, rng.normal(size=(2, 2))),
        Draw(np.ones((n, 1)), h, 4, np.array([[0.7]])),
    ]
    error = rng.uniform(0.5, 2.0, n)
    V = np.diag(error)
    for draw in draws:
        half = draw.z @ draw.root
        V += half @ half.T * (draw.codes[:, None] == draw.codes)
    np.testing.assert_allclose(marginal_variances(draws, error, None, n), np.diag(V), rtol=1e-12)
    units = rng.integers(0, 6, n).astype(np.int32)
    mean = (units == np.arange(6)[:, None]) / np.bincount(units)[:, None]
    np.testing.assert_allclose(
        marginal_variances(draws, error, units, 6), np.diag(mean @ V @ mean.T), rtol=1e-12
    )
