"""The classic example in data of its own against lme4 and R's lm (R 4.2.2, lme4 1.1-31)."""

from __future__ import annotations

import pytest

from multilevel import demo
from reference.datasets import load

# Printed with seven decimals; criteria with four.
ATOL = 6e-8
CRITERION_ATOL = 6e-5

# Estimate and standard error of lme4, standard error of lm.
FIXED = {
    ("as coded", "Intercept"): (-0.1137764, 0.0594969, 0.0342345),
    ("as coded", "student_ses"): (0.4647474, 0.0260334, 0.0338563),
    ("as described", "Intercept"): (-0.1144195, 0.0598462, None),
    ("as described", "student_ses"): (0.4645998, 0.0260459, 0.0339381),
    ("as described", "school_resources"): (0.2854799, 0.0622030, 0.0356883),
}
# Variance between schools, within them, REML criterion.
RANDOM = {
    "as coded": (0.2955418, 0.2920550, 990.9626),
    "as described": (0.2989520, 0.2920558, 994.6295),
}


@pytest.fixture(scope="module")
def example():
    return demo.article(data=load("article").rename(columns={"as_coded": "achievement_as_coded"}))


def test_fixed_effects_to_the_printed_digits(example):
    table = example.table.set_index(["model", "term"])
    assert set(table.index) == set(FIXED)
    for place, (estimate, error, naive) in FIXED.items():
        found = table.loc[place]
        assert found["estimate"] == pytest.approx(estimate, abs=ATOL)
        assert found["std_error"] == pytest.approx(error, abs=ATOL)
        if naive is not None:
            assert found["std_error_ols"] == pytest.approx(naive, abs=ATOL)


@pytest.mark.parametrize("model", RANDOM)
def test_variances_to_the_printed_digits(example, model):
    fit, (between, within, criterion) = example.fits[model], RANDOM[model]
    assert fit.state.terms[0].covariance[0, 0] == pytest.approx(between, abs=ATOL)
    assert fit.sigma**2 == pytest.approx(within, abs=ATOL)
    assert fit.reml_criterion == pytest.approx(criterion, abs=CRITERION_ATOL)


def test_sentences_say_what_least_squares_does(example):
    assert "student_ses 30 % larger, school_resources 43 % smaller" in example.text
    assert "is 0.50 (variance 0.296 between schools, 0.292 within)" in example.text
    estimates = "γ_00 = −0.114, γ_10 = 0.465, γ_01 = 0.285, τ_00 = 0.299, σ² = 0.292"
    assert estimates in example.equations
