"""Likelihood-ratio tests with a simulated reference."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError
from multilevel.fits.bootstrap_lrt import bootstrap_lrt
from reference.datasets import load

EXPECTED = json.loads(
    (Path(__file__).parents[2] / "reference/expected/inference_bootstrap.json").read_text()
)["beets"]


@pytest.fixture(scope="module")
def beets():
    data = pd.DataFrame(EXPECTED["data"])
    return [
        mlm.lmer(f"sugpct ~ block + sow {harvest} + (1 | block:harvest)", data)
        for harvest in ("", "+ harvest")
    ]


def test_beets(beets):
    """pbkrtest 0.5.2: a p value of .034 from 2000 replicates, where chi-squared says .0003."""
    table = bootstrap_lrt(*beets, n=2000, rng=1)
    assert table["method"].tolist() == ["chi-squared", "parametric bootstrap"]
    np.testing.assert_allclose(table["statistic"], EXPECTED["statistic"], rtol=1e-6)
    np.testing.assert_allclose(table["p_value"][0], EXPECTED["p_chi2"], rtol=1e-5)
    p = EXPECTED["p_bootstrap"]
    error = np.sqrt(2 * p * (1 - p) / 2000)  # of the difference of two such p values
    assert abs(table["p_value"][1] - p) < 3 * error
    assert table["df"][0] == 1
    assert np.isnan(table["df"][1])
    assert table["n_replicates"].tolist() == [0, 2000]
    assert table["n_failed"].tolist() == [0, 0]


def test_reml_fits_are_refitted(beets):
    by_reml = bootstrap_lrt(*beets, n=20, rng=1)
    by_ml = bootstrap_lrt(*(fit.refit(reml=False) for fit in beets), n=20, rng=1)
    pd.testing.assert_frame_equal(by_reml, by_ml)


def test_the_p_value_counts_statistics_that_reach_the_one_of_the_data(beets):
    small, big = (fit.refit(reml=False) for fit in beets)
    reached = 0
    for seed in np.random.SeedSequence(3).spawn(50):
        y = small.simulate(rng=np.random.default_rng(seed))[0]
        reached += small.refit(y).deviance - big.refit(y).deviance >= EXPECTED["statistic"]
    assert bootstrap_lrt(small, big, n=50, rng=3)["p_value"][1] == (1 + reached) / 51


def test_does_not_depend_on_workers(beets):
    one, two = (bootstrap_lrt(*beets, n=60, rng=1, n_jobs=jobs) for jobs in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_a_variance_of_zero_has_a_p_value_of_one():
    """Statistic 0, which all replicates reach, those that are 0 too."""
    data = load("Dyestuff2")
    small, big = mlm.lmer("Yield ~ 1", data), mlm.lmer("Yield ~ 1 + (1 | Batch)", data)
    table = bootstrap_lrt(small, big, n=40, rng=1)
    assert table["statistic"].tolist() == [0.0, 0.0]
    assert table["p_value"].tolist() == [1.0, 1.0]


def test_a_variance_that_is_not_zero():
    """Half of the replicates are 0: the p value is below that of chi-squared."""
    data = load("Dyestuff")
    small, big = mlm.lmer("Yield ~ 1", data), mlm.lmer("Yield ~ 1 + (1 | Batch)", data)
    table = bootstrap_lrt(small, big, n=400, rng=1)
    assert table["p_value"][1] < table["p_value"][0] < 0.1


def test_fits_that_cannot_be_compared(beets):
    small, big = beets
    with pytest.raises(ValueError, match=r"must have more parameters .* smaller model first"):
        bootstrap_lrt(big, small)
    with pytest.raises(ValueError, match="more parameters"):
        bootstrap_lrt(big, big)
    with pytest.raises(ValueError, match="n must be a whole number"):
        bootstrap_lrt(small, big, n=1)
    data = pd.DataFrame(EXPECTED["data"])
    other = mlm.lmer("sugpct ~ harvest + (1 | block)", data)
    with pytest.raises(DataError, match=r"is not nested in .*: its random effects"):
        bootstrap_lrt(other, big)
    formula = "sugpct ~ block + sow + harvest + (1 | block:harvest)"
    for changed, words in (
        (data[1:], "different rows"),
        (data.assign(sugpct=1.0 * data.index), "different responses"),
    ):
        with pytest.raises(DataError, match=words):
            bootstrap_lrt(small, mlm.lmer(formula, changed))
    with pytest.raises(DataError, match="different prior weights"):
        bootstrap_lrt(small, mlm.lmer(formula, data, weights=np.linspace(1, 2, 30)))
