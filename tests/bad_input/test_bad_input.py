"""Every case of ``cases.py`` ends as it says: error, one named warning, or the right fit."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import multilevel as mlm
from bad_input.cases import CASES, FORMULA
from bad_input.frame import clean
from multilevel.exceptions import ConvergenceWarning, MultilevelError

IDS = [f"{case.section}: {case.what}" for case in CASES]
# The same model in another frame or spelling: rounding only.
SAME_RTOL = 1e-10


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_case(case):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if case.raises is not None:
            with pytest.raises(case.raises) as error:
                case.run()
            assert case.says in str(error.value)
            assert not caught
            return
        fit = case.run()
    assert [warning.category for warning in caught] == ([case.warns] if case.warns else [])
    said = [str(warning.message) for warning in caught] or list(fit.summary().notes)
    assert not case.says or any(case.says in text for text in said)
    assert fit.nobs == case.rows
    assert np.isfinite(fit.loglik)
    assert fit.converged == (case.warns is not ConvergenceWarning)
    if case.same:
        clean_fit = mlm.lmer(FORMULA, clean())
        assert fit.loglik == pytest.approx(clean_fit.loglik, rel=SAME_RTOL)


@pytest.mark.parametrize("case", [c for c in CASES if c.warns], ids=lambda case: case.what)
def test_a_warning_is_a_note_of_the_fit_too(case):
    with pytest.warns(case.warns):
        fit = case.run()
    assert fit.summary().notes


def test_a_series_of_weights_is_matched_by_its_index():
    data = clean()
    ordered = mlm.lmer(FORMULA, data, weights="w")
    shuffled = mlm.lmer(FORMULA, data, weights=data["w"].sample(frac=1.0, random_state=1))
    assert shuffled.loglik == pytest.approx(ordered.loglik, rel=SAME_RTOL)


def test_scale_of_response_and_predictor_does_not_matter():
    data = clean()
    fit = mlm.lmer(FORMULA, data)
    scaled = mlm.lmer(FORMULA, data.assign(y=1e9 * data["y"], x=2e9 + 1e6 * data["x"]))
    np.testing.assert_allclose(scaled.fitted() / 1e9, fit.fitted(), rtol=1e-8, atol=1e-8)


def test_package_errors_are_of_the_package():
    raised = {case.raises for case in CASES if case.raises}
    assert raised - {ValueError, AttributeError} <= set(MultilevelError.__subclasses__())
