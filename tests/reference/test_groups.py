"""Groups of a fit against lme4, nlme, merTools, clubSandwich, and published numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from multilevel.fits.lm_list import lm_list
from multilevel.fits.within_between import within_between
from multilevel.levels.ranks import Posterior, expected_ranks
from reference.datasets import load

EXPECTED = json.loads((Path(__file__).parent / "expected" / "groups.json").read_text())
# Least squares: both sides are exact to rounding.
LEAST_SQUARES_RTOL = 1e-8
# What depends on theta, which lme4 finds to about 1e-6.
RTOL = 1e-5
# Degrees of freedom by differences of the criterion in lmerTest.
DF_RTOL = 1e-3
# Ranks by merTools leave out the error of the fixed effects, which moves all groups alike here.
RANK_ATOL = 0.01


@pytest.mark.parametrize("case", EXPECTED["lists"].values(), ids=EXPECTED["lists"])
def test_lm_list(case):
    data = load(case["dataset"]).drop(index=[row - 1 for row in case["drop"]])
    formula = case["formula"].replace("Days^2", "Days**2")
    fits = lm_list(formula, data, by=case["group"])
    np.testing.assert_allclose(fits.sigma, case["sigma"], rtol=LEAST_SQUARES_RTOL)
    assert fits.df_residual == case["df"]
    order = [fits.coef()["level"].astype(str).tolist().index(label) for label in case["levels"]]
    shape = (len(order), -1)
    ours = fits.tidy(conf_int=True)
    wanted = {"estimate": "coef", "std_error": "se", "conf_low": "low", "conf_high": "high"}
    for column, key in wanted.items():
        found = ours[column].to_numpy().reshape(shape)[order]
        np.testing.assert_allclose(found, case[key], rtol=LEAST_SQUARES_RTOL)
    own = fits.tidy(pooled=False)["std_error"].to_numpy().reshape(shape)[order]
    np.testing.assert_allclose(own, case["own_se"], rtol=LEAST_SQUARES_RTOL)


@pytest.mark.parametrize("case", EXPECTED["heterogeneity"].values(), ids=EXPECTED["heterogeneity"])
def test_reliability_pooling_and_chi_squared(case):
    fit = mlm.lmer(case["formula"], load(case["dataset"]))
    k = len(case["terms"])
    means = fit.reliability()
    assert means["term"].tolist() == case["terms"]
    np.testing.assert_allclose(means["reliability"], case["reliability"], rtol=RTOL)
    table = fit.shrinkage()
    order = [table["level"].astype(str).tolist()[::k].index(label) for label in case["levels"]]
    for column, key in {"no_pooling": "estimates", "population": "population"}.items():
        found = table[column].to_numpy().reshape(-1, k)[order]
        np.testing.assert_allclose(found, np.reshape(case[key], (-1, k)), rtol=RTOL)
    each = fit.reliability(per_group=True)["reliability"].to_numpy().reshape(-1, k)[order]
    np.testing.assert_allclose(each, np.reshape(case["lambda"], (-1, k)), rtol=10 * RTOL)
    np.testing.assert_allclose(1.0 - table["shrinkage"].to_numpy().reshape(-1, k)[order], each)
    tests = fit.group_differences(n=1, rng=1)[:k]
    np.testing.assert_allclose(tests["statistic"], case["statistic"], rtol=RTOL)
    np.testing.assert_array_equal(tests["df"], case["df"])


@pytest.mark.parametrize("case", EXPECTED["ranks"].values(), ids=EXPECTED["ranks"])
def test_expected_ranks_of_mertools(case):
    data = load(case["dataset"])
    fit = mlm.lmer(case["formula"], data)
    terms = np.array(case["term"])
    for name in np.unique(terms):
        some = terms == name
        mean, variance = (np.array(case[key])[some] for key in ("estimate", "variance"))
        posterior = Posterior(mean, variance, np.zeros((len(mean), 1)))
        rank = np.array(case["rank"])[some]
        np.testing.assert_allclose(expected_ranks(posterior), rank, rtol=LEAST_SQUARES_RTOL)
        table = fit.ranks(term={"(Intercept)": "Intercept"}.get(name, name), n=10, rng=1)
        ours = table.assign(level=table["level"].astype(str)).set_index("level")["expected_rank"]
        ours = ours[np.array(case["level"])[some]]
        np.testing.assert_allclose(ours, rank, rtol=0, atol=RANK_ATOL)


@pytest.mark.parametrize("case", EXPECTED["ols"].values(), ids=EXPECTED["ols"])
def test_least_squares_beside_the_fit(case):
    table = mlm.lmer(case["formula"], load(case["dataset"])).vs_ols()
    exact = {"estimate_ols": "ols", "std_error_ols": "ols_se", "std_error_robust": "robust_se"}
    for column, key in exact.items():
        np.testing.assert_allclose(table[column], case[key], rtol=LEAST_SQUARES_RTOL)
    for column, key in {"estimate": "beta", "std_error": "se"}.items():
        np.testing.assert_allclose(table[column], case[key], rtol=RTOL)
    ratio = np.array(case["se"]) / case["ols_se"]
    np.testing.assert_allclose(table["ratio"], ratio, rtol=RTOL)


def test_within_between_as_fitted_by_lmer():
    case = EXPECTED["within_between"]
    model = within_between("mAch ~ ses + sector + (1 | school)", load("Hsb82"))
    table = model.contextual()
    assert table["effect"].tolist() == ["within", "between", "contextual"]
    np.testing.assert_allclose(table["estimate"], case["estimate"], rtol=RTOL)
    np.testing.assert_allclose(table["std_error"], case["se"], rtol=RTOL)
    np.testing.assert_allclose(table["statistic"], case["statistic"], rtol=RTOL)
    np.testing.assert_allclose(table["df"], case["df"], rtol=DF_RTOL)
    joint = model.test()
    np.testing.assert_allclose(joint["statistic"][0], case["statistic"][2] ** 2, rtol=RTOL)


# HLM stops its iterations earlier than REML's maximum, which shows in the fourth digit.
HLM_RTOL = 6e-4


class TestPublished:
    """High School and Beyond in Raudenbush & Bryk (2002), chapter 4, and refits of it."""

    def test_null_model(self):
        fit = mlm.lmer("mAch ~ 1 + (1 | school)", load("Hsb82"))
        assert round(fit.reliability()["reliability"][0], 7) == 0.9013773
        test = fit.group_differences(n=1, rng=1).iloc[0]
        assert (round(test["statistic"], 3), test["df"]) == (1660.232, 159)

    def test_random_coefficients(self):
        # Table 4.4 prints 1,770.9 and 213.4 with 159 degrees of freedom.
        fit = mlm.lmer("mAch ~ cses + (cses | school)", load("Hsb82"))
        tests = fit.group_differences(n=1, rng=1)[:2]
        np.testing.assert_allclose(tests["statistic"], [1770.9, 213.4], rtol=HLM_RTOL)
        assert tests["df"].tolist() == [159, 159]

    def test_intercepts_and_slopes_as_outcomes(self):
        # Table 4.5 prints 605.30 and 162.31 with 157 degrees of freedom.
        fit = mlm.lmer("mAch ~ (meanses + sector) * cses + (cses | school)", load("Hsb82"))
        tests = fit.group_differences(n=1, rng=1)[:2]
        np.testing.assert_allclose(tests["statistic"], [605.30, 162.31], rtol=HLM_RTOL)
        assert tests["df"].tolist() == [157, 157]

    def test_contextual_effect(self):
        table = within_between("mAch ~ ses + (1 | school)", load("Hsb82")).contextual()
        assert table["estimate"].round(6).tolist() == [2.191172, 5.866174, 3.675002]
        printed = [0.10866, 0.3617, 0.3777]
        np.testing.assert_allclose(table["std_error"], printed, rtol=0, atol=5e-5)

    def test_ratios_of_standard_errors(self):
        fit = mlm.lmer("mAch ~ ses + minrty + sx + sector + (1 | school)", load("Hsb82"))
        assert fit.vs_ols()["ratio"].round(3).tolist()[1:] == [1.058, 1.180, 1.099, 1.910]


@pytest.mark.slow
def test_type_one_errors_of_least_squares_in_both_directions():
    """100 groups of 5, half of the variance between them: 25 % for level 2, 4 % within groups."""
    rng = np.random.default_rng(20240612)
    groups, size, n = 100, 5, 1500
    school = np.repeat(np.arange(groups), size)
    rejected = {"ols": np.zeros(2), "model": np.zeros(2)}
    for _ in range(n):
        x = rng.standard_normal(groups * size)
        x -= np.bincount(school, x)[school] / size
        w = rng.standard_normal(groups)[school]
        y = rng.normal(0, 0.5**0.5, groups)[school] + rng.normal(0, 0.5**0.5, groups * size)
        fit = mlm.lmer("y ~ x + w + (1 | school)", {"y": y, "x": x, "w": w, "school": school})
        table = fit.vs_ols()[1:]
        ols = np.abs(table["estimate_ols"] / table["std_error_ols"]).to_numpy() > 1.9648
        rejected["ols"] += ols
        rejected["model"] += fit.tidy()["p_value"].to_numpy()[1:] < 0.05
    within, between = rejected["ols"] / n
    # three Monte-Carlo standard errors
    assert abs(between - 0.25) < 3 * (0.25 * 0.75 / n) ** 0.5
    assert within < 0.05 - 2 * (0.05 * 0.95 / n) ** 0.5
    assert (np.abs(rejected["model"] / n - 0.05) < 3 * (0.05 * 0.95 / n) ** 0.5).all()
