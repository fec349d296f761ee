"""What follows the fits of published data: coefficients, type III tables and ranova by lmerTest.

``r/inference_models.R`` wrote the numbers, for the models of ``test_lme4_models.py``.
"""

from __future__ import annotations

import functools
import json
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import MissingValuesWarning
from reference.compare import canonical
from reference.datasets import load
from reference.dialect import coefficient_names, python_formula
from reference.test_anova import removed

FOLDER = Path(__file__).parent / "expected"
MODELS = json.loads((FOLDER / "models.json").read_text())
EXPECTED = json.loads((FOLDER / "inference_models.json").read_text())["models"]
TESTED = [(model, method) for model in EXPECTED for method in EXPECTED[model] if method != "ranova"]
# As right as lme4's theta, and lmerTest's derivatives by finite differences.
RTOL = 1e-5
# An error of a statistic counts as often as the p value has halved.
LOG_P_RTOL = 1e-4
LRT_ATOL = 2e-6
COLUMNS = ("estimate", "std_error", "df", "statistic", "df_residual")
# Here the variance is zero. Ours are then the degrees of freedom of the model without it (29);
# pbkrtest's those of the two variances of the model (5), lmerTest's those of the one (29).
SINGULAR = ("dyestuff2_reml", "kenward-roger")
# lmerTest puts (1 | Subject) in the place of (0 + Days | Subject), which is no smaller model.
NOT_NESTED = "sleepstudy_slopeonly_reml"


@functools.cache
def fit(model):
    expected = MODELS[model]
    data = load(expected["dataset"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingValuesWarning)
        return mlm.lmer(python_formula(expected["formula"]), data, reml=expected["REML"]), data


def plain(term):
    """A term, whatever the order of its parts, without marks of coding and spaces."""
    term = term.replace("C(", "").replace(", contr.poly)", "").replace("**", "^")
    return frozenset(term.replace(" ", "").split(":"))


def in_order(table, ours, theirs):
    """Rows of a table as the reference has them."""
    assert len(ours) == len(theirs)
    return pd.DataFrame(table).iloc[[ours.index(name) for name in theirs]]


def assert_same(table, expected, columns):
    for column in set(columns) & set(expected):
        wanted = np.array(expected[column], dtype=float)
        np.testing.assert_allclose(table[column], wanted, rtol=RTOL, err_msg=column)
    p_values = np.array(expected["p_value"], dtype=float)
    np.testing.assert_allclose(
        np.log(np.maximum(table["p_value"], 1e-300)),
        np.log(np.maximum(p_values, 1e-300)),
        rtol=LOG_P_RTOL,
        atol=LOG_P_RTOL,
    )


@pytest.mark.parametrize(("model", "method"), TESTED)
def test_coefficients(model, method):
    found, data = fit(model)
    expected = EXPECTED[model][method]["coefficients"]
    table = pd.DataFrame(found.tidy(effects="fixed", df_method=method))
    names = coefficient_names(expected["term"], data)
    ours = [canonical(term) for term in table["term"]]
    table = in_order(table, ours, [canonical(names[term]) for term in expected["term"]])
    if (model, method) == SINGULAR:
        assert expected["df"] == [pytest.approx(5.0)]
        expected = EXPECTED[model]["satterthwaite"]["coefficients"]
    assert_same(table, expected, COLUMNS)


@pytest.mark.parametrize(
    ("model", "method"), [(m, k) for m, k in TESTED if EXPECTED[m][k]["anova"]]
)
def test_type_three(model, method):
    expected = EXPECTED[model][method]["anova"]
    table = pd.DataFrame(fit(model)[0].anova(type=3, df_method=method))
    table = in_order(table, [plain(t) for t in table["term"]], [plain(t) for t in expected["term"]])
    # lmerTest's mean squares with Kenward-Roger are not scaled as its F.
    squares = ("sum_sq", "mean_sq") if method == "satterthwaite" else ()
    assert_same(table, expected, (*COLUMNS, *squares))


@pytest.mark.parametrize("model", EXPECTED)
def test_ranova(model):
    expected = EXPECTED[model]["ranova"]
    table = pd.DataFrame(fit(model)[0].ranova())
    if model == NOT_NESTED:
        data = load("sleepstudy")
        without = mlm.lmer("Reaction ~ Days", data)
        assert expected["p_value"] == ["NA"]
        statistic = 2 * (fit(model)[0].loglik - without.loglik)
        assert table["statistic"].tolist() == [pytest.approx(statistic, abs=LRT_ATOL)]
        return
    table = in_order(
        table, [effect(t) for t in table["term"]], [effect(t) for t in expected["term"]]
    )
    for column in ("n_parameters", "df"):
        assert table[column].tolist() == expected[column]
    for column in ("loglik", "aic", "statistic"):
        np.testing.assert_allclose(table[column], expected[column], rtol=1e-10, atol=LRT_ATOL)
    assert_same(table, expected, ())


def effect(term):
    """What is removed and from which group; of ``(1 + x || g)`` lme4 makes two terms."""
    name, group = removed(term.replace("**", "^").replace(" || ", " | "))
    return ("1" if name == "Intercept" else name.replace(" ", "")), sorted(group)
