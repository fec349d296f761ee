"""Tests of terms, random-effects terms and exact tests against lmerTest, lme4 and RLRsim."""

from __future__ import annotations

import functools
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import RankDeficientWarning
from multilevel.fits.random_terms import _scalar
from multilevel.inference.exact_rlrt import simulate_statistics, spectrum
from reference.datasets import load

EXPECTED = json.loads((Path(__file__).parent / "expected" / "inference_anova.json").read_text())
# F, sums of squares, likelihood ratios: as right as lme4's theta.
F_RTOL = 3e-6
# lmerTest's derivatives are finite differences.
DF_RTOL = 5e-6
# Satterthwaite's degrees of freedom of several contrasts depend on the contrasts that span the
# hypothesis. Ours are differences from the first level, however the factor is coded; lmerTest
# takes, for the types I and II, those of an LU decomposition of X'X, and for type III of f:k alone
# the columns that R has kept. With its contrasts ours agree to DF_RTOL:
# test_degrees_of_freedom_with_the_contrasts_of_lmertest.
SPAN_RTOL = 5e-4
# Twice the difference of two log-likelihoods, each to lme4's rounding and stop.
LRT_ATOL = 2e-6
REMOVED = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55]) - 1

HAM = "`Informed.liking` ~ "
MODELS = {
    "ham": ("ham", HAM + "Product * Information * Gender + (1 | Consumer)"),
    "ham_age": ("ham", HAM + "Product * Age + (1 | Consumer)"),
    "carrots": ("carrots", "Preference ~ sens2 * Homesize + (1 + sens2 | Consumer)"),
    "carrots_three": ("carrots", "Preference ~ sens2 * Homesize * sens1 + (1 | Product)"),
    "cake": ("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)"),
    "cake_numeric": ("cake", "angle ~ recipe * temp + (1 | recipe:replicate)"),
    "oats": ("oats", "yield ~ nitro * Variety + (1 | Block/Variety)"),
    "orthodont": ("Orthodont", "distance ~ age * Sex + (age | Subject)"),
    "factorial": ("synthetic", "y ~ f * C(k) + x + (x | g)"),
    "curved": ("synthetic", "y ~ f * poly(x, 2) + log(t) + z + (1 | g)"),
    "three_way": ("synthetic", "y ~ x * z * f + (1 | g)"),
    "crossed": ("synthetic", "y ~ f * C(k) * x + (1 | g)"),
    "weighted": ("synthetic", "y ~ f * C(k) + x + (1 | g)"),
    "holes": ("holes", "y ~ f * C(k) + x + (1 | g)"),
    "holes_slope": ("holes", "y ~ f * C(k) * x + (1 | g)"),
    "means": ("synthetic", "y ~ 0 + f + x + (1 | g)"),
    "two_means": ("synthetic", "y ~ 0 + f + C(k) + (1 | g)"),
    "cells": ("synthetic", "y ~ f:C(k) + x + (1 | g)"),
    "within": ("synthetic", "y ~ f + f:C(k) + (1 | g)"),
    "cell_means": ("synthetic", "y ~ f * C(k) + (1 | g)"),
    "slopes": ("synthetic", "y ~ f:x + (1 | g)"),
    "hsb": ("Hsb82", "mAch ~ meanses * cses + sector * cses + (cses | school)"),
}
RANDOM = {
    "sleepstudy": ("sleepstudy", "Reaction ~ Days + (Days | Subject)"),
    "uncorrelated": ("sleepstudy", "Reaction ~ Days + (1 | Subject) + (0 + Days | Subject)"),
    "pastes": ("Pastes", "strength ~ 1 + (1 | batch/cask)"),
    "machines": ("Machines", "score ~ Machine + (Machine | Worker)"),
    "two_slopes": ("Hsb82", "mAch ~ cses + minrty + (cses + minrty | school)"),
    "ham": (
        "ham",
        HAM + "Product * Information + (1 | Consumer) + (1 | Consumer:Product) + "
        "(1 | Consumer:Information)",
    ),
}
ONE_VARIANCE = {
    "pastes": ("Pastes", "strength ~ 1 + (1 | batch)"),
    "oats": ("oats", "yield ~ nitro + Variety + (1 | Block)"),
    "orthodont": ("Orthodont", "distance ~ age * Sex + (1 | Subject)"),
    "slope": ("sleepstudy", "Reaction ~ Days + (0 + Days | Subject)"),
    "pastes_both": RANDOM["pastes"],
}
# Where lmerTest tests something else, which depends on the coding of factors.
OTHER_HYPOTHESES = {
    # It takes a matrix of covariates for a factor, so that f is part of f:poly(x, 2); by the rule
    # of SAS the covariates of the two are not the same.
    ("curved", 2): "f",
    # 0 + f + k: after k, which spans the constant, f has 2 degrees of freedom, not 3.
    ("two_means", 2): "f",
    ("two_means", 3): "f",
    # f + f:k: it tests f in the first level of k.
    ("within", 2): "f",
    ("within", 3): "f",
}


def _data(name):
    if name == "oats":
        data = load("Oats")
        return data.assign(nitro=data["nitro"].map("{:g}".format)).drop(index=REMOVED)
    if name == "holes":
        data = load("synthetic")
        return data[~((data["f"] == "b") & (data["k"] == 2))]
    if name == "cake":
        data = load("cake")
        return data.assign(temp=data["temperature"].astype(float))
    if name == "carrots":
        return load("carrots").dropna(subset=["Preference"])
    return load(name)


@functools.cache
def fit(model, reml=True, formulas="MODELS"):
    data, formula = globals()[formulas][model]
    arguments = {"weights": "w", "offset": "o"} if model == "weighted" else {}
    with warnings.catch_warnings():
        if model.startswith("holes"):
            warnings.simplefilter("ignore", RankDeficientWarning)
        return mlm.lmer(formula, _data(data), reml=reml, **arguments)


def canonical(terms):
    """Names of terms, whatever the order of their parts; k is a factor of R's data."""
    return [frozenset(term.replace("C(k)", "k").split(":")) for term in terms]


def assert_close(found, expected, rtol, **options):
    np.testing.assert_allclose(found, np.array(expected, dtype=float), rtol=rtol, **options)


def ids(expected):
    return [
        f"{e['model']}-{e.get('type', e.get('reml'))}-{e.get('df_method', '')}" for e in expected
    ]


# -- F tests of terms ------------------------------------------------------------------------------
@pytest.mark.parametrize("expected", EXPECTED["tests"], ids=ids(EXPECTED["tests"]))
def test_terms(expected):
    model, kind, method = (expected[key] for key in ("model", "type", "df_method"))
    table = pd.DataFrame(fit(model).anova(type=kind, df_method=method))
    reference = pd.DataFrame(expected["table"])
    assert canonical(table["term"]) == canonical(reference["term"])
    same = table["term"] != OTHER_HYPOTHESES.get((model, kind))
    table, reference = table[same], reference[same]
    assert table["df"].tolist() == reference["df"].tolist()
    assert_close(table["statistic"], reference["statistic"], F_RTOL)
    spans = method == "satterthwaite" and (kind < 3 or model == "cells")
    rtol = np.where((table["df"] > 1) & spans, SPAN_RTOL, DF_RTOL)
    assert (np.abs(table["df_residual"] / reference["df_residual"] - 1) < rtol).all()
    # An error of F counts as often as the p value has halved.
    assert_close(np.log(table["p_value"]), np.log(reference["p_value"]), SPAN_RTOL, atol=1e-6)
    if method == "satterthwaite":  # lmerTest's mean squares with Kenward-Roger are not scaled as F
        assert_close(table["sum_sq"], reference["sum_sq"], F_RTOL)
        assert_close(table["mean_sq"], reference["mean_sq"], F_RTOL)


# With the columns of X that R has: not an ordered factor, not f:k without f and k.
SPANNED = [e for e in EXPECTED["tests"] if e["contrasts"] and e["model"] not in ("cake", "cells")]


@pytest.mark.parametrize("expected", SPANNED, ids=ids(SPANNED))
def test_degrees_of_freedom_with_the_contrasts_of_lmertest(expected):
    tests = fit(expected["model"])._fixed_tests("satterthwaite")
    reference = pd.DataFrame(expected["table"])
    for L, row in zip(expected["contrasts"], reference.itertuples(), strict=True):
        joint = tests.joint(np.array(L, dtype=float))
        assert joint.df == row.df
        assert_close(joint.statistic, row.statistic, F_RTOL)
        assert_close(joint.df_residual, row.df_residual, DF_RTOL)


def test_kenward_roger_with_weights():
    """Of the model in rows multiplied by the roots of their weights: pbkrtest ignores weights."""
    expected = EXPECTED["weighted"]
    table = fit("weighted").anova(df_method="kenward-roger")
    assert canonical(table["term"]) == canonical(expected["term"])
    for column in ("df", "statistic", "df_residual", "p_value"):
        assert_close(table[column], expected[column], F_RTOL)


@pytest.mark.parametrize(("kind", "crossed_kind"), [(1, 1), (2, 1), (3, 3)])
def test_nested_coding_has_the_hypotheses_of_the_crossed_model(kind, crossed_kind):
    """``f + f:k`` and ``f * k`` are one model; without k type II of f ignores all of f:k."""
    [expected] = [
        e["table"]
        for e in EXPECTED["tests"]
        if (e["model"], e["type"], e["df_method"]) == ("cell_means", crossed_kind, "kenward-roger")
    ]
    row = fit("within").anova(type=kind, df_method="kenward-roger").iloc[0]
    for column in ("statistic", "df", "df_residual"):
        assert_close(row[column], expected[column][0], F_RTOL)


def test_terms_without_containing_terms_are_the_same_in_types_two_and_three():
    """What lmerTest holds of type III for f of ``f * poly(x, 2)``, at the zero of poly."""
    second, third = (fit("curved").anova(type=kind).iloc[0] for kind in (2, 3))
    assert_close(second["statistic"], third["statistic"], 1e-9)
    assert second["hypothesis"] == "equal means of f, at poly(x, 2) = 0"


def test_a_factor_after_the_constant_has_one_degree_of_freedom_less_than_levels():
    """``0 + f + k`` is ``f + k``: type II of f, with lmerTest's F of k unchanged."""
    data, formula = MODELS["two_means"]
    table = fit("two_means").anova(type=2)
    plain = mlm.lmer(formula.replace("0 + ", ""), _data(data)).anova(type=2)
    assert_close(table["statistic"], plain["statistic"], 1e-8)
    assert table["df"].tolist() == [2, 3]


@pytest.mark.parametrize("model", EXPECTED["drop1"])
def test_drop1(model):
    expected = EXPECTED["drop1"][model]
    table = fit(model).drop1()
    order = order_of(table, expected["f"])
    for column, rtol in {"df": 0, "statistic": F_RTOL, "df_residual": SPAN_RTOL}.items():
        assert_close(np.array(table[column])[order], expected["f"][column], rtol)
    table = fit(model).drop1(test="lrt")
    order = order_of(table, expected["lrt"])
    for column in ("df", "aic", "statistic"):
        assert_close(np.array(table[column])[order], expected["lrt"][column], 0, atol=LRT_ATOL)
    assert_close(np.array(table["p_value"])[order], expected["lrt"]["p_value"], F_RTOL)


def order_of(table, expected):
    """Rows of a table in R's order."""
    ours, theirs = canonical(table["term"]), canonical(expected["term"])
    assert len(ours) == len(theirs)
    return [ours.index(term) for term in theirs]


# -- random-effects terms --------------------------------------------------------------------------
@pytest.mark.parametrize("expected", EXPECTED["ranova"], ids=ids(EXPECTED["ranova"]))
def test_ranova(expected):
    table = pd.DataFrame(fit(expected["model"], expected["reml"], "RANDOM").ranova())
    reference = pd.DataFrame(expected["table"])
    # By names, in which R has the parts of nested factors the other way round.
    table = table.assign(key=[removed(term) for term in table["term"]]).set_index("key")
    table = table.loc[[removed(term) for term in reference["term"]]]
    for column in ("n_parameters", "df"):
        assert table[column].tolist() == reference[column].tolist()
    for column in ("loglik", "aic", "statistic"):
        assert_close(table[column], reference[column], 0, atol=LRT_ATOL)
    assert_close(table["p_value"], reference["p_value"], F_RTOL)
    one = table["mixture"] != ""
    assert (table["p_value_mixture"][one] < table["p_value"][one]).all()
    assert table["p_value_mixture"][~one].isna().all()


def removed(term):
    """``"Days in (Days | Subject)"`` -> what is removed, and its group."""
    effect, _, rest = term.rpartition(" in ")
    bar, _, group = rest.strip("()").partition(" | ")
    return (effect or bar.removeprefix("0 + "), frozenset(group.split(":")))


# -- exact tests -----------------------------------------------------------------------------------
@pytest.mark.parametrize("expected", EXPECTED["exact"], ids=ids(EXPECTED["exact"]))
def test_exact(expected):
    """RLRsim and we draw from the same distribution: tolerances are 5 standard errors of draws."""
    model = fit(expected["model"], expected["reml"], "ONE_VARIANCE")
    term = expected["term"] or None
    n, r_n = 20_000, EXPECTED["n_simulations"]
    row = pd.DataFrame(model.exact_rlrt(term, n=n, rng=1)).iloc[0]
    assert_close(row["statistic"], expected["statistic"], 0, atol=LRT_ATOL)
    p = expected["p_value"]
    error = np.sqrt((p * (1 - p) + 1 / r_n) * (1 / n + 1 / r_n))
    assert abs(row["p_value"] - p) < 5 * error + 1 / n
    draws = draw(model, term, n)
    # RLRsim's maximum is over a grid of lambda, ours is refined, hence a little larger.
    for probability, quantile in zip(
        (0.8, 0.9, 0.95, 0.99), expected["quantiles"][1:], strict=True
    ):
        error = np.sqrt(probability * (1 - probability) * (1 / n + 1 / r_n))
        assert abs((draws <= quantile).mean() - probability) < 5 * error
    # Half of them or more are zero (to rounding of the maximum), as in RLRsim.
    assert expected["quantiles"][0] < 1e-4
    assert (draws < 1e-4).mean() > 0.5 - 5 * np.sqrt(0.25 / n)


def draw(model, term, n):
    matrices = model.model.matrices
    reduction, column = _scalar(matrices, term)
    tested = matrices.terms[reduction.term]
    factor = matrices.factors[tested.factor]
    values = spectrum(matrices.X, tested.z[:, column], factor.codes, factor.n_levels, None)
    return simulate_statistics(values, n, np.random.default_rng(2), reml=model.reml)
