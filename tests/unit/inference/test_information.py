"""Information criteria against published values and their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.inference.information import aic, aicc, bic


def test_published_values_of_sleepstudy():
    # lme4, Reaction ~ Days + (Days | Subject) by ML: AIC 1763.9393, BIC 1783.0971
    loglik = -1751.9393444637 / 2
    assert aic(loglik, 6) == pytest.approx(1763.9393444637, abs=1e-9)
    assert bic(loglik, 6, 180) == pytest.approx(1783.0971, abs=1e-4)


def test_small_sample_term_vanishes_and_explodes():
    assert aicc(-10.0, 3, 10**9) == pytest.approx(aic(-10.0, 3))
    assert aicc(-10.0, 3, 10) == aic(-10.0, 3) + 2 * 3 * 4 / 6
    assert aicc(-10.0, 3, 4) == np.inf
