"""Shares of variance between groups, and words for ratios of standard errors."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.levels.least_squares import between_share, describe_difference

codes = np.repeat(np.arange(4), 5).astype(np.int32)


def test_shares_at_the_ends():
    assert between_share(codes.astype(float), codes) == pytest.approx(1.0)
    assert between_share(np.tile(np.arange(5.0), 4), codes) == 0.0
    assert np.isnan(between_share(np.full(20, 0.1), codes))


def test_share_of_a_known_population():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(4000), 5).astype(np.int32)
    x = rng.normal(0, 0.3**0.5, 4000)[groups] + rng.normal(0, 0.7**0.5, 20_000)
    # four times the standard error of an intraclass correlation of .3 with 4000 x 5 rows
    assert between_share(x, groups) == pytest.approx(0.3, abs=0.04)


@pytest.mark.parametrize(
    ("share", "ratio", "words"),
    [
        (1.0, 2.0, "varies between g only; least squares understates the standard error by 50%"),
        (0.0, 0.8, "varies within g only; least squares overstates the standard error by 25%"),
        (0.3, 1.0, "30% of its variance is between g; the standard errors are alike"),
        (np.nan, 1.5, "constant; least squares understates the standard error by 33%"),
        (np.nan, np.nan, "dropped from the model"),
    ],
)
def test_words(share, ratio, words):
    assert describe_difference(share, ratio, "g") == words
