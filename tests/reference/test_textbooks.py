"""Applied examples in print: textbooks, manuals, annotated outputs (``textbooks.toml``).

Every number is ours to the printed digits, or the table says what ours is and why.
"""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from reference.textbooks import EXAMPLES, EXCLUDED, agrees, fit_example, prepared, quantity

# The rows of the collection.
ROWS = range(1, 45)
# Half a unit of the last digit of numbers with three decimals.
THIRD = 0.5e-3


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.label)
def test_printed_numbers(example):
    fit = fit_example(example)
    assert fit.converged
    for name, printed in example.printed.items():
        ours = example.differs.get(name, printed)
        assert agrees(quantity(fit, name), ours), (name, quantity(fit, name), ours)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.label)
def test_a_difference_is_one_and_is_explained(example):
    assert set(example.differs) <= set(example.printed)
    assert bool(example.differs) == bool(example.why)
    assert all(example.printed[name] != ours for name, ours in example.differs.items())


def test_every_row_is_fitted_or_excluded():
    fitted, excluded = ({row.row for row in rows} for rows in (EXAMPLES, EXCLUDED))
    assert fitted | excluded == set(ROWS)
    assert not fitted & excluded


@pytest.mark.parametrize(("value", "printed"), [(0.0454, ".045"), (-12.35, "-12.3"), (3.5, "4")])
def test_agreement_is_rounding(value, printed):
    assert agrees(value, printed)
    unit = 10.0 ** -len(printed.partition(".")[2])
    assert not agrees(float(printed) + 0.51 * unit, printed)
    assert not agrees(np.nan, printed)


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb", "pandas")


def test_the_question_about_school_context(hsb):
    """How much do schools matter, controlling for status, minority and sex?"""
    before = mlm.lmer("math ~ 1 + (1 | school)", hsb).icc()["icc"].item()
    fit = mlm.lmer("math ~ ses + minority + sex + (1 | school)", hsb)
    assert before == pytest.approx(0.1804, abs=0.5e-4)
    assert fit.icc()["icc"].item() == pytest.approx(0.093, abs=THIRD)
    table = fit.tidy(effects="fixed").set_index("term")
    t = table["statistic"].drop("Intercept")
    np.testing.assert_allclose(t, [19.8, -14.4, -7.6], atol=0.05)
    np.testing.assert_allclose(table["estimate"][1:], [2.08942, -2.96147, -1.22979], atol=5e-6)
    np.testing.assert_allclose(table["std_error"][1:], [0.1057, 0.2058, 0.1627], atol=5e-5)
    variances = fit.var_corr()["variance"]
    np.testing.assert_allclose(variances, [3.67365, 35.9090], atol=5e-5)


def test_the_range_of_school_means(hsb):
    """Raudenbush & Bryk (2002), ch. 4: 95 % of the schools."""
    fit = mlm.lmer("math ~ 1 + (1 | school)", hsb)
    sd = fit.var_corr()["sd"].iloc[0]
    limits = fit.beta[0] + np.array([-1.96, 1.96]) * sd
    np.testing.assert_allclose(limits, [6.884, 18.390], atol=THIRD)


def test_slopes_of_status_differ(hsb):
    fit = mlm.lmer("math ~ cses + meanses + (cses | school)", hsb)
    row = fit.ranova().iloc[0]
    assert row["statistic"] == pytest.approx(10.92948, abs=1e-5)
    assert row["p_value"] == pytest.approx(0.004233, abs=5e-7)
    assert row["p_value_mixture"] == pytest.approx(0.002590, abs=5e-7)


def test_early_intervention_is_on_the_boundary():
    """The printed components are no optimum: the deviance at them is larger than ours."""
    fit = mlm.lmer("cog ~ years * trt + (years | id)", prepared("early"), reml=False)
    assert fit.is_singular
    assert fit.deviance == pytest.approx(2369.941, abs=THIRD)
    printed = np.array([[124.63517, -36.41152], [-36.41152, 12.29264]])
    root = np.linalg.cholesky(printed / 74.24046)
    model = mlm.MixedModel("cog ~ years * trt + (years | id)", prepared("early"))
    at_print = model.deviance(root[np.tril_indices(2)], reml=False)
    assert at_print == pytest.approx(2369.984, abs=2e-3)


def test_the_exact_test_of_dyestuff():
    """RLRsim, 100,000 draws: p = .0049."""
    n, printed = 20_000, 0.0049
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff", "pandas"))
    row = fit.exact_rlrt(n=n, rng=1).iloc[0]
    assert row["statistic"] == pytest.approx(6.369, abs=THIRD)
    # Five standard errors of simulation, ours and theirs, and half a printed unit.
    error = 5 * np.sqrt(printed * (1 - printed) * (1 / n + 1e-5)) + 0.5e-4
    assert row["p_value"] == pytest.approx(printed, abs=error)


def test_the_exact_test_of_a_zero_variance():
    """RLRsim prints .44, the share of draws above zero; a p value counts equal ones, too."""
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2", "pandas"))
    row = fit.exact_rlrt(n=1000, rng=1).iloc[0]
    assert (row["statistic"], row["p_value"]) == (0.0, 1.0)


@pytest.fixture(scope="module")
def nels():
    return prepared("nels88_school23")


def test_the_same_question_in_nels88(nels):
    """Other data, another answer: status matters, sex does not."""
    fit = mlm.lmer("math ~ SES + race + sex + (1 | school)", nels)
    table = fit.tidy(effects="fixed").set_index("term")
    assert table["statistic"]["SES"] == pytest.approx(6.7, abs=0.05)
    assert table["p_value"].drop(["Intercept", "SES"]).min() > 0.3
    tests = fit.anova().set_index("term")["p_value"]
    assert tests["sex"] > 0.9
    # No group differs from the first, but all five differ at the edge of 5 %.
    assert tests["race"] == pytest.approx(0.047, abs=THIRD)
    exact = fit.exact_rlrt(n=10_000, rng=1).iloc[0]
    assert exact["statistic"] == pytest.approx(30.195, abs=THIRD)
    assert exact["p_value"] < 2e-4


def test_one_school_decides_on_structure(nels):
    """Nieuwenhuis, te Grotenhuis & Pelzer (2012): without school 7472."""
    rest = nels[nels["school"].astype(str) != "7472"]
    row = mlm.lmer("math ~ hours + structure + (1 | school)", rest).tidy().set_index("term")
    assert row.loc["structure", "estimate"] == pytest.approx(-3.895, abs=THIRD)
    assert row.loc["structure", "statistic"] == pytest.approx(-2.72, abs=0.5e-2)


def test_predictors_vary_between_schools(hsb):
    """Intraclass correlations of the predictors of High School & Beyond."""
    data = hsb.assign(
        female=(hsb["sex"] == "Female").astype(float),
        minority=(hsb["minority"] == "Yes").astype(float),
    )
    found = [mlm.icc(data, name, "school")["icc"].item() for name in ("ses", "female", "minority")]
    np.testing.assert_allclose(found, [0.265, 0.255, 0.447], atol=THIRD)
