"""Every formula of the grammar fits the model that lme4 fits, and predicts on new data."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from reference.compare import RTOL, assert_objective
from reference.datasets import load
from reference.dialect import python_formula

EXPECTED = json.loads((Path(__file__).parent / "expected" / "formulas.json").read_text())


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda row: row["formula"])
def test_formula(expected):
    data = load("synthetic")
    fit = mlm.lmer(python_formula(expected["formula"]), data, reml=False)
    assert fit.converged
    assert fit.nobs == expected["nobs"]
    assert np.sum(~np.isnan(fit.beta)) == expected["n_fixed"]
    assert fit.is_singular == expected["singular"]
    assert_objective(fit.deviance, expected["objective"])
    np.testing.assert_allclose(fit.sigma, expected["sigma"], rtol=RTOL)
    spread = np.std(fit.fitted())
    np.testing.assert_allclose(fit.fitted()[:6], expected["fitted_head"], atol=RTOL * spread)


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda row: row["formula"])
def test_replay_on_new_data(expected):
    """Rows of the data in another order, a few at a time, are predicted as they were fitted."""
    data = load("synthetic")
    fit = mlm.lmer(python_formula(expected["formula"]), data, reml=False)
    some = np.random.default_rng(0).permutation(len(data))[:25]
    predicted = np.asarray(fit.predict(data.iloc[some]))
    np.testing.assert_allclose(predicted, np.asarray(fit.fitted())[some], rtol=0, atol=1e-9)
