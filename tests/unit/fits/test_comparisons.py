"""Fits against each other: which are nested, and what their likelihood ratio follows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 8)
    frame = pd.DataFrame(
        {
            "g": g.astype(str),
            "same": [f"group {i}" for i in 19 - g],
            "h": np.tile(np.arange(8), 20).astype(str),
            "a": rng.choice(["p", "q", "r"], 160),
            "x": rng.normal(size=160),
            "z": rng.normal(3, 1, 160),
            "w": rng.uniform(0.5, 2, 160),
            "b": np.tile(["u", "v"], 80),
        }
    )
    effects = rng.normal(size=(20, 2))[g] * [1.0, 0.5]
    frame["y"] = effects[:, 0] + (0.3 + effects[:, 1]) * frame["x"] + rng.normal(size=160)
    # Groups differ less than by chance: a variance of zero.
    noise = rng.normal(size=(20, 8))
    frame["noise"] = (noise - 0.9 * noise.mean(axis=1, keepdims=True)).ravel()
    return frame


def compared(small, big, data, **options):
    """The row of the larger model."""
    fits = [mlm.lmer(formula, data) for formula in (small, big)]
    table = mlm.anova(*fits, **options)
    assert table["model"].tolist() == [small, big]
    return table.iloc[1]


ONE, TWO = "0.5 chi2(0) + 0.5 chi2(1)", "0.5 chi2(1) + 0.5 chi2(2)"


@pytest.mark.parametrize(
    ("small", "big", "mixture"),
    [
        ("y ~ x", "y ~ x + (1 | g)", ONE),
        ("y ~ x + (1 | g)", "y ~ x + (x | g)", TWO),
        ("y ~ x + (1 | same)", "y ~ x + (x | g)", TWO),  # other labels
        ("y ~ x + (0 + x | g)", "y ~ x + (x | g)", TWO),
        ("y ~ x + (1 | g)", "y ~ x + (x || g)", ONE),
        ("y ~ x + (1 | g)", "y ~ x + (1 | g) + (1 | h)", ONE),
        ("y ~ x + (x | g)", "y ~ x + (x + z | g)", "0.5 chi2(2) + 0.5 chi2(3)"),
        ("y ~ x + (I(x - 3) | g)", "y ~ x + (x + z | g)", "0.5 chi2(2) + 0.5 chi2(3)"),
        ("y ~ x + (x || g)", "y ~ x + (x | g)", ""),  # a covariance only
        ("y ~ x", "y ~ x + (x | g)", ""),  # two variances
        ("y ~ x + (1 | g)", "y ~ x + a + (x | g)", ""),  # fixed effects, too
        ("y ~ x + (1 | g)", "y ~ x + a + (1 | g)", ""),  # fixed effects only
        ("y ~ x + (1 | g)", "y ~ x + (a | g)", ""),
        ("y ~ x + (1 | g/a)", "y ~ x + (0 + a | g)", ""),  # equal variances and covariances
        ("y ~ x + (1 | g:b)", "y ~ x + (b | g)", ""),  # is inside the space
    ],
)
def test_nested_models_and_their_mixtures(data, small, big, mixture):
    row = compared(small, big, data)
    assert row["mixture"] == mixture
    if mixture:
        assert row["p_value"] / 2 <= row["p_value_mixture"] <= row["p_value"]
    else:
        assert np.isnan(row["p_value_mixture"])


def test_on_the_boundary_the_mixture_is_not_known(data):
    row = compared("noise ~ x + (1 | g)", "noise ~ x + (x | g)", data)
    assert row["mixture"] == ""
    row = compared("noise ~ x", "noise ~ x + (1 | g)", data)
    assert row["mixture"] == ONE
    assert row["statistic"] == 0.0
    assert row["p_value"] == row["p_value_mixture"] == 1.0


@pytest.mark.parametrize(
    ("small", "big", "what"),
    [
        ("y ~ x + (1 | g)", "y ~ z + a + (1 | g)", "fixed effects"),
        ("y ~ x + (1 | h)", "y ~ x + (x | g)", "random effects"),
        ("y ~ x + (1 | g)", "y ~ x + offset(z) + (x | g)", "fixed effects"),
        ("y ~ x + (x || g)", "y ~ x + (I(x - 3) | g) + (1 | h)", None),
        ("y ~ x + (x | g)", "y ~ x + (x || g) + (z | g)", "random effects"),
        ("y ~ x + (1 | g:a)", "y ~ x + (0 + b | g)", "random effects"),
        ("y ~ x + (1 | g:a)", "y ~ x + (x + z | g)", "random effects"),
        ("y ~ x + offset(z) + (1 | g)", "y ~ x + z + (1 | g)", None),
        ("y ~ a + (1 | g)", "y ~ C(a, contr.sum) * x + (1 | g)", None),
        ("y ~ x + (1 | g)", "y ~ poly(x, 3) + (1 | g)", None),
    ],
)
def test_which_models_are_nested(data, small, big, what):
    if what is None:
        assert compared(small, big, data)["statistic"] >= 0.0
        return
    with pytest.raises(DataError, match=rf"is not nested in .*: its {what}.* no special case") as e:
        compared(small, big, data)
    assert "compare these by information criteria with compare()" in str(e.value)
    fits = [mlm.lmer(formula, data) for formula in (small, big)]
    assert len(mlm.compare(*fits)) == 2


def test_restricted_likelihoods(data):
    """Of the same fixed effects, whatever their coding; the criterion is named."""
    row = compared("y ~ a + (1 | g)", "y ~ a + (x | g)", data, refit=False)
    coded = compared("y ~ C(a, contr.sum) + (1 | g)", "y ~ a + (x | g)", data, refit=False)
    assert row["criterion"] == "REML"
    assert coded["statistic"] == pytest.approx(row["statistic"], rel=1e-7)
    reml = mlm.lmer("y ~ a + (x | g)", data)
    assert row["statistic"] == pytest.approx(reml.ranova()["statistic"][0], rel=1e-7)
    with pytest.raises(DataError, match="Restricted likelihoods of models with different fixed"):
        compared("y ~ x + (1 | g)", "y ~ x + a + (1 | g)", data, refit=False)
    with pytest.raises(DataError, match="Fits by REML and by maximum likelihood cannot be compa"):
        mlm.anova(reml, mlm.lmer("y ~ a + (1 | g)", data, reml=False), refit=False)


def test_reml_and_ml_are_both_compared_by_ml(data):
    small = mlm.lmer("y ~ x + (1 | g)", data)
    big = mlm.lmer("y ~ x + (x | g)", data, reml=False)
    table = mlm.anova(big, small)
    assert table["criterion"].tolist() == ["ML, refitted", "ML"]
    assert table["statistic"][1] == pytest.approx(
        small.refit(reml=False).deviance - big.deviance, rel=1e-9
    )


def test_several_models_are_tested_in_steps(data):
    formulas = ["y ~ x + (x | g)", "y ~ x", "y ~ x + (1 | g)"]
    table = mlm.anova(*(mlm.lmer(formula, data) for formula in formulas))
    assert table["model"].tolist() == [formulas[1], formulas[2], formulas[0]]
    assert table["df"].tolist()[1:] == [1, 2]
    np.testing.assert_allclose(-np.diff(table["deviance"]), table["statistic"][1:], rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:150], "different rows: the first 160, number 2 150"),
        (lambda data: data.assign(y=data["noise"]), "different responses"),
        (lambda data: data[::-1], r"different responses \(or other rows\)"),
    ],
)
def test_fits_to_other_data(data, change, message):
    small = mlm.lmer("y ~ x + (1 | g)", data)
    for call in (mlm.anova, mlm.compare):
        with pytest.raises(DataError, match=message):
            call(small, mlm.lmer("y ~ x + (x | g)", change(data)))


def test_other_rows_because_of_missing_values(data):
    gaps = data.assign(z=data["z"].where(data.index % 5 > 0))
    small = mlm.lmer("y ~ x + (1 | g)", gaps)
    with pytest.warns(mlm.exceptions.MissingValuesWarning):
        big = mlm.lmer("y ~ x + z + (1 | g)", gaps)
    with pytest.raises(DataError, match="Drop the rows with missing values from the data first"):
        mlm.anova(small, big)


def test_bad_arguments(data):
    fit = mlm.lmer("y ~ x + (1 | g)", data)
    with pytest.raises(
        TypeError, match=r"Give fits, as lmer\(\) returns them; number 2 is 'y ~ x'"
    ):
        mlm.anova(fit, "y ~ x")
    with pytest.raises(TypeError, match="number 1 is"):
        mlm.compare(data, fit)
    with pytest.raises(ValueError, match="Give two fits or more to compare"):
        mlm.anova()
    with pytest.raises(ValueError, match="are for F tests of the terms of one fit"):
        mlm.anova(fit, fit, type=2)
    with pytest.raises(ValueError, match="are for F tests of the terms of one fit"):
        fit.anova(fit, df_method="residual")
    with pytest.raises(ValueError, match="refit must be True or False; got 'no'"):
        mlm.anova(fit, fit, refit="no")
    with pytest.raises(DataError, match="different prior weights: the first and number 2"):
        mlm.anova(fit, mlm.lmer("y ~ x + (x | g)", data, weights="w"))


def test_weights_of_akaike(data):
    formulas = ["y ~ z + (1 | g)", "y ~ x + (1 | g)", "y ~ x + (x | g)"]
    table = mlm.compare(*(mlm.lmer(formula, data) for formula in formulas))
    assert table["aic"].is_monotonic_increasing
    assert table["delta_aic"][0] == 0.0
    assert table["weight"].sum() == pytest.approx(1.0)
    k, n = table["n_parameters"], len(data)
    np.testing.assert_allclose(table["aicc"], table["aic"] + 2 * k * (k + 1) / (n - k - 1))
    np.testing.assert_allclose(table["bic"], table["deviance"] + np.log(n) * k)
