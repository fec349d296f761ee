"""Marginal means, trends, contrasts and joint tests against emmeans, and numbers in print."""

from __future__ import annotations

import functools
import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import RankDeficientWarning
from reference.datasets import load

EXPECTED = json.loads((Path(__file__).parent / "expected" / "inference_emmeans.json").read_text())
# Estimates and limits in units of the standard error; lme4 finds theta by a search without
# derivatives.
ATOL, SE_RTOL = 2e-6, 1e-6
# lmerTest differentiates numerically, and twice.
DF_RTOL = 1e-5
# R's ptukey is wrong by 2.5e-7 for few degrees of freedom (ours is scipy's to 1e-11).
P_RTOL, P_ATOL = 2e-5, 5e-7
# mvtnorm's Monte Carlo error, of p values and of limits.
MVT_P_ATOL, MVT_ATOL = 1e-3, 1e-2
# emmeans rounds F to three digits; lmerTest does not.
F_ATOL, F_RTOL = 6e-4, 1e-4
# The pooled degrees of freedom of Fai & Cornelius depend a little on the contrasts that span a
# hypothesis, and here they are others than lmerTest's.
SPAN_DF_RTOL, SPAN_P_RTOL = 2e-3, 1e-2
REMOVED = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55]) - 1

MODELS = {
    "oats": ("oats", "yield_ ~ nitro + Variety + (1 | Block/Variety)"),
    "oats_unbalanced": ("oats_unbalanced", "yield_ ~ nitro + Variety + (1 | Block/Variety)"),
    "oats_crossed": ("oats_unbalanced", "yield_ ~ nitro * Variety + (1 | Block/Variety)"),
    "orthodont": ("orthodont", "distance ~ age * Sex + (age | Subject)"),
    "ham": (
        "ham",
        "`Informed.liking` ~ Product * Information * Gender + (1 | Consumer) + "
        "(1 | Consumer:Information) + (1 | Consumer:Product)",
    ),
    "machines": ("machines", "score ~ Machine + (Machine | Worker)"),
    "hsb": ("hsb", "mAch ~ meanses * cses + sector * cses + (cses | school)"),
    "mixed": ("synthetic", "y ~ f * C(k) + x + (x | g)"),
    "curved": ("synthetic", "y ~ f * poly(x, 2) + log(t) + z + (1 | g)"),
    "three_way": ("synthetic", "y ~ x * z * f + (1 | g)"),
    "weighted": ("synthetic", "y ~ f + C(k) + x + (1 | g)"),
    "logged": ("synthetic", "log(t) ~ f + x + offset(log(w)) + (1 | g)"),
    "holes": ("holes", "y ~ f * C(k) + x + (1 | g)"),
}


def _data(name):
    if name.startswith("oats"):
        data = load("Oats").rename(columns={"yield": "yield_"})
        data["nitro"] = data["nitro"].map("{:g}".format)
        return data.drop(index=REMOVED) if name == "oats_unbalanced" else data
    if name == "holes":
        data = load("synthetic")
        return data[~((data["f"] == "b") & (data["k"] == 2))]
    return load({"orthodont": "Orthodont", "machines": "Machines", "hsb": "Hsb82"}.get(name, name))


@functools.cache
def fit(model):
    data, formula = MODELS[model]
    arguments = {"weights": "w", "offset": "o"} if model == "weighted" else {}
    with warnings.catch_warnings():
        if model == "holes":
            warnings.simplefilter("ignore", RankDeficientWarning)
        return mlm.lmer(formula, _data(data), **arguments)


def expected(key):
    table = {
        name: np.array([{"NA": np.nan, "Inf": np.inf}.get(v, v) for v in values])
        for name, values in EXPECTED[key]["table"].items()
    }
    return EXPECTED[key]["model"], EXPECTED[key]["df_method"], table


def plain(contrast):
    """A contrast without brackets, colons, and R's names of factors before numbers."""
    return re.sub(r"\b(nitro|k|z|Product)(?=-?[\d.])|[()]", "", contrast).replace(":", " ")


def assert_table(key, result, adjust=None):
    """Rows in the same order, all numbers that both have."""
    _, _, table = expected(key)
    ours = result.to_frame()
    for name in set(table) & set(ours.columns):
        actual = ours[name].to_numpy()
        if not np.issubdtype(np.asarray(table[name]).dtype, np.number):
            if name == "contrast" and len(result.labels) <= 1 + len(result.by):
                assert [plain(a) for a in actual] == [plain(e) for e in table[name]]
            elif name != "contrast":
                assert list(map(str, actual)) == list(map(str, table[name]))
        elif name in ("estimate", "conf_low", "conf_high", "statistic"):
            unit = 1.0 if name == "statistic" else table["std_error"]
            atol = MVT_ATOL if name.startswith("conf") and adjust == "mvt" else ATOL
            relative = np.maximum(np.abs(table[name]), 1.0) if name == "statistic" else 1.0
            np.testing.assert_allclose(
                actual / unit / relative, table[name] / unit / relative, rtol=0, atol=atol
            )
        elif name == "p_value":
            rtol, atol = (0, MVT_P_ATOL) if adjust == "mvt" else (P_RTOL, P_ATOL)
            np.testing.assert_allclose(actual, table[name], rtol=rtol, atol=atol)
        else:
            rtol = {"std_error": SE_RTOL, "df": DF_RTOL}.get(name, 0)
            np.testing.assert_allclose(actual, table[name], rtol=rtol, err_msg=name)
    assert {"estimate", "std_error", "df", "conf_low", "conf_high"} <= {*table} & {*ours.columns}


METHODS = {"s": "satterthwaite", "k": "kenward-roger", "a": "asymptotic"}
ADJUSTMENTS = ("tukey", "sidak", "bonferroni", "holm", "bh", "by", "scheffe", "mvt", "none")


@pytest.mark.parametrize("short", METHODS)
class TestMethods:
    """All degrees of freedom, all adjustments; unbalanced data."""

    def test_means(self, short):
        means = fit("oats_unbalanced").emmeans("nitro", df_method=METHODS[short])
        assert_table(f"oats_unbalanced_means_{short}", means)

    @pytest.mark.parametrize("adjust", ADJUSTMENTS)
    def test_pairwise(self, short, adjust):
        means = fit("oats_unbalanced").emmeans("nitro", df_method=METHODS[short])
        key = f"oats_unbalanced_pairwise_{adjust}_{short}"
        assert_table(key, means.contrast("pairwise", adjust=adjust), adjust)

    def test_trends(self, short):
        trends = fit("orthodont").emtrends("Sex", "age", df_method=METHODS[short])
        assert_table(f"orthodont_trends_{short}", trends)
        assert_table(f"orthodont_trends_pairwise_{short}", trends.contrast("pairwise"))


@pytest.mark.parametrize(
    ("method", "adjust"),
    [
        ("trt.vs.ctrl", "mvt"),
        ("consec", "mvt"),
        ("mean_chg", "mvt"),
        ("eff", None),
        ("del.eff", None),
        ("poly", None),
    ],
)
def test_families(method, adjust):
    """Every family of contrasts with its default adjustment."""
    contrasts = fit("oats").emmeans("nitro").contrast(method)
    assert_table(f"oats_{method.replace('.', '_')}", contrasts, adjust)


CROSSED = {"Variety": ["Victory", "Marvellous"]}
SIMPLE = {"z": [-1, 0, 1]}
TABLES = {
    "oats_means": lambda: fit("oats").emmeans("nitro"),
    "oats_trt_vs_last": lambda: (
        fit("oats").emmeans("nitro").contrast("trt.vs.ctrl", ref="0.6", adjust="sidak")
    ),
    "oats_custom": lambda: (
        fit("oats")
        .emmeans("nitro")
        .contrast({"some": [-1, 0, 0, 1], "rest": [0.5, -0.5, -0.5, 0.5]})
    ),
    "oats_crossed_by": lambda: fit("oats_crossed").emmeans("nitro", by="Variety"),
    "oats_crossed_by_pairwise": lambda: (
        fit("oats_crossed").emmeans("nitro", by="Variety").contrast("pairwise")
    ),
    "oats_crossed_cells_pairwise": lambda: (
        fit("oats_crossed").emmeans(["nitro", "Variety"]).contrast("pairwise", adjust="sidak")
    ),
    "oats_crossed_some": lambda: fit("oats_crossed").emmeans("nitro", at=CROSSED),
    "ham_product": lambda: fit("ham").emmeans("Product"),
    "ham_product_pairwise": lambda: fit("ham").emmeans("Product").contrast("pairwise"),
    "ham_cells": lambda: fit("ham").emmeans("Gender", by="Product"),
    "machines_means": lambda: fit("machines").emmeans("Machine"),
    "machines_pairwise": lambda: fit("machines").emmeans("Machine").contrast("pairwise"),
    "mixed_equal": lambda: fit("mixed").emmeans("f"),
    "mixed_proportional": lambda: fit("mixed").emmeans("f", weights="proportional"),
    "mixed_cells": lambda: fit("mixed").emmeans("f", weights="cells"),
    "mixed_at": lambda: fit("mixed").emmeans(["f", "k"], at={"x": 1.5, "k": [1, 3]}),
    "mixed_effects": lambda: fit("mixed").emmeans("k", by="f").contrast("eff"),
    "curved_means": lambda: fit("curved").emmeans("f"),
    "curved_at": lambda: fit("curved").emmeans(["f", "x"], at={"x": [-1, 0, 1.2], "t": 2}),
    "curved_trends": lambda: fit("curved").emtrends(["f", "x"], "x", at={"x": [-1, 0.3]}),
    "curved_log_trend": lambda: fit("curved").emtrends(None, "t", at={"t": 2}),
    "three_way_simple": lambda: fit("three_way").emtrends("z", "x", by="f", at=SIMPLE),
    "three_way_simple_pairwise": lambda: (
        fit("three_way").emtrends("z", "x", by="f", at=SIMPLE).contrast("pairwise")
    ),
    "weighted_means": lambda: fit("weighted").emmeans("f", weights="proportional"),
    "logged_means": lambda: fit("logged").emmeans("f"),
    "holes_cells": lambda: fit("holes").emmeans(["f", "k"]),
    "holes_means": lambda: fit("holes").emmeans("f"),
    "holes_by_f": lambda: fit("holes").emmeans("f", by="k").contrast("pairwise", adjust="none"),
    "hsb_trends": lambda: fit("hsb").emtrends(
        "meanses", "cses", by="sector", at={"meanses": [-1, 0, 1]}
    ),
}


@pytest.mark.parametrize("key", TABLES)
def test_table(key):
    assert_table(key, TABLES[key]())


def test_interaction_contrasts():
    """Contrasts of contrasts; here the columns have other names."""
    contrasts = fit("oats_crossed").emmeans("nitro", by="Variety").contrast("poly")
    ours = contrasts.contrast("pairwise", by="contrast")
    assert_table("oats_crossed_interaction", ours)
    _, _, table = expected("oats_crossed_interaction")
    assert list(ours.to_frame()["contrast"]) == list(table["contrast"])
    assert list(ours.to_frame()["contrast2"]) == list(table["contrast1"])


@pytest.mark.parametrize("key", [key for key in EXPECTED if key.startswith("joint_")])
def test_joint_tests(key):
    """F is that of emmeans; its denominator degrees of freedom are not of Fai & Cornelius."""
    model, _, table = expected(key)
    by = {"joint_oats_crossed_by": "Variety", "joint_mixed_by": "f"}.get(key)
    ours = fit(model).joint_tests(by=by)
    assert len(ours) == len(table["term"])
    for row, term in enumerate(table["term"]):
        found = find(ours, term, {by: table[by][row]} if by else {})
        assert found["df"] == table["df"][row]
        np.testing.assert_allclose(found["statistic"], table["statistic"][row], rtol=0, atol=F_ATOL)


@pytest.mark.parametrize("key", [key for key in EXPECTED if key.startswith("type3_")])
def test_joint_tests_are_of_type_three(key):
    """Against lmerTest; a numeric predictor without interactions is the same in both."""
    model, _, table = expected(key)
    ours = fit(model).joint_tests()
    assert len(ours) == len(table["term"])
    for row, term in enumerate(table["term"]):
        assert_f(find(ours, term, {}), table, row, SPAN_DF_RTOL, SPAN_P_RTOL)


def find(tests, term, labels):
    """The row of a term, its factors in any order."""
    rows = [
        row
        for row in tests.to_dict("records")
        if set(row["term"].split(":")) == set(term.split(":"))
        and all(row[name] == label for name, label in labels.items())
    ]
    assert len(rows) == 1
    return rows[0]


def assert_f(found, table, row, df_rtol=DF_RTOL, p_rtol=P_RTOL):
    assert found["df"] == table["df"][row]
    np.testing.assert_allclose(found["statistic"], table["statistic"][row], rtol=F_RTOL)
    np.testing.assert_allclose(found["df_residual"], table["df_residual"][row], rtol=df_rtol)
    np.testing.assert_allclose(found["p_value"], table["p_value"][row], rtol=p_rtol, atol=0)


@pytest.mark.parametrize(("key", "by"), [("oats_joint", None), ("oats_joint_by", "Variety")])
def test_joint_test_of_contrasts(key, by):
    model, _, table = expected(key)
    ours = fit(model).emmeans("nitro", by=by).contrast("consec").joint_test()
    for row, found in enumerate(ours.to_dict("records")):
        assert_f(found, table, row)


def test_sas_least_squares_means():
    """SAS, printed in the tests of lmerTest: least-squares means of ham."""
    table = fit("ham").emmeans("Product").to_frame()
    np.testing.assert_allclose(table["estimate"], [5.8084, 5.1012, 6.0909, 5.9256], atol=6e-5)
    np.testing.assert_allclose(table["std_error"], 0.2329866, atol=6e-8)
    np.testing.assert_allclose(table["df"], 309.5, atol=0.05)
    np.testing.assert_allclose(
        table.loc[0, ["conf_low", "conf_high"]].astype(float), [5.3499, 6.2668], atol=6e-5
    )


def test_oats_in_print():
    """The balanced Oats, and growth slopes, as emmeans' vignettes print them."""
    balanced = fit("oats").emmeans("nitro").contrast("pairwise").to_frame()
    np.testing.assert_allclose(balanced["statistic"][0], -4.588, atol=6e-4)
    np.testing.assert_allclose(balanced["df"], 51, rtol=DF_RTOL)
    np.testing.assert_allclose(balanced["p_value"][0], 0.0002, atol=5e-5)
    poly = fit("oats").emmeans("nitro").contrast("poly").to_frame()
    np.testing.assert_allclose(poly["statistic"], [10.963, -1.719, -0.149], atol=6e-4)
    cells = fit("oats").emmeans("Variety").to_frame()
    assert len(cells) == 3
    slopes = fit("orthodont").emtrends("Sex", "age").to_frame()
    np.testing.assert_allclose(slopes["estimate"], [0.480, 0.784], atol=6e-4)
    np.testing.assert_allclose(slopes["std_error"], [0.104, 0.086], atol=6e-4)
    [difference] = (
        fit("orthodont").emtrends("Sex", "age").contrast("pairwise").to_frame().to_dict("records")
    )
    np.testing.assert_allclose(difference["estimate"], -0.305, atol=6e-4)
    np.testing.assert_allclose(difference["std_error"], 0.135, atol=6e-4)
    np.testing.assert_allclose(difference["statistic"], -2.262, atol=6e-4)
    np.testing.assert_allclose(difference["p_value"], 0.0326, atol=6e-5)
