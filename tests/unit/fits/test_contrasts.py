"""Linear functions of the fixed effects that a user states."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, RankDeficientWarning

EXACT = 1e-9


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(20), 8)
    frame = pd.DataFrame({"g": g.astype(str), "a": rng.choice(["p", "q", "r"], 160)})
    frame["x"] = rng.normal(size=160)
    frame["twice"] = 2 * frame["x"]
    frame["y"] = rng.normal(size=20)[g] + 0.3 * frame["x"] + rng.normal(size=160)
    return frame


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer("y ~ a + x + (1 | g)", data)


def test_single_coefficients_are_those_of_the_table(fit):
    for options in ({}, {"df_method": "kenward-roger"}, {"robust": "CR2"}):
        table = fit.contrasts(np.eye(4), **options)
        expected = fit.tidy(effects="fixed", conf_int=True, **options)
        assert table["contrast"].tolist() == list(fit.coef_names)
        for column in table.columns[1:]:
            np.testing.assert_allclose(table[column], expected[column], rtol=EXACT)


def test_what_rests_on_one_cluster_has_no_standard_error(data):
    fit = mlm.lmer("y ~ x + lonely + (1 | g)", data.assign(lonely=1.0 * (data["g"] == "3")))
    table = fit.contrasts({"lonely": {"lonely": 1}, "x": {"x": 1}}, robust="CR2")
    columns = ["std_error", "df", "statistic", "p_value", "conf_low", "conf_high"]
    assert table.loc[0, columns].isna().all()
    assert table.loc[1, columns].notna().all()


def test_the_ways_to_state_a_contrast(fit):
    tables = [
        fit.contrasts([[0, 1, -1, 0]]),
        fit.contrasts([0, 1, -1, 0]),
        fit.contrasts(pd.DataFrame([[0, 1, -1, 0]])),
        fit.contrasts({"q - r": {"a[T.q]": 1, "a[T.r]": -1}}),
        fit.contrasts({"q - r": [0, 1, -1, 0]}),
    ]
    labels = [table["contrast"][0] for table in tables]
    assert labels == ["a[T.q] - a[T.r]"] * 3 + ["q - r"] * 2
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table.iloc[:, 1:], tables[0].iloc[:, 1:])
    estimate = fit.beta[1] - fit.beta[2]
    assert tables[0]["estimate"][0] == pytest.approx(estimate, rel=EXACT)
    mixed = fit.contrasts([[0, -0.5, 0, 2]])
    assert mixed["contrast"].tolist() == ["-0.5 a[T.q] + 2 x"]


def test_values_under_the_hypothesis_and_units(fit):
    at = fit.beta[3] - 2 * fit.std_errors[3]
    table = fit.contrasts({"x": {"x": 1}, "ten": {"x": 10}}, null=[at, 10 * at], level=0.9)
    np.testing.assert_allclose(table["statistic"], 2.0, rtol=EXACT)
    np.testing.assert_allclose(table["estimate"], fit.beta[3] * np.array([1, 10]), rtol=EXACT)
    np.testing.assert_allclose(table["df"], table["df"][0], rtol=EXACT)
    inside = (table["conf_low"] < table["estimate"]) & (table["estimate"] < table["conf_high"])
    assert inside.all()


def test_joint_tests_count_what_is_independent(fit):
    two = fit.contrasts([[0, 1, 0, 0], [0, 0, 1, 0]], joint=True).iloc[0]
    three = fit.contrasts([[0, 1, 0, 0], [0, 0, 1, 0], [0, 1, -1, 0]], joint=True).iloc[0]
    row = fit.anova().set_index("term").loc["a"]
    for other in (three, row):
        assert other["df"] == two["df"] == 2
        assert other["statistic"] == pytest.approx(two["statistic"], rel=EXACT)
    one = fit.contrasts([[0, 0, 0, 1]], joint=True).iloc[0]
    t = fit.contrasts([[0, 0, 0, 1]]).iloc[0]
    assert one["statistic"] == pytest.approx(t["statistic"] ** 2, rel=EXACT)
    assert one["p_value"] == pytest.approx(t["p_value"], rel=EXACT)


def test_joint_tests_at_the_estimates_have_no_distance(fit):
    L = np.array([[0, 1, 0, 0], [0, 0, 2, 0], [0, 1, 2, 0]])
    row = fit.contrasts(L, null=L @ fit.beta, joint=True).iloc[0]
    assert row["statistic"] == pytest.approx(0.0, abs=1e-20)
    assert row["p_value"] == pytest.approx(1.0)
    with pytest.raises(DataError, match="values of null contradict each other"):
        fit.contrasts(L, null=[0, 0, 1], joint=True)


def test_dropped_columns(data):
    """What the data determine can be asked for, through a dropped column, too."""
    with pytest.warns(RankDeficientWarning):
        fit = mlm.lmer("y ~ x + twice + (1 | g)", data)
    with pytest.raises(DataError, match="'slope' cannot be estimated: it has a weight on 'twice'"):
        fit.contrasts({"slope": {"twice": 1}})
    table = fit.contrasts({"five": {"x": 1, "twice": 2}})
    assert table["estimate"][0] == pytest.approx(fit.beta[1], rel=EXACT)


@pytest.mark.parametrize(
    ("L", "message"),
    [
        ([[1, 0]], r"Row 0 of L must have one weight for each of 4 coefficients \(Intercept, a"),
        ([[0, 1, 0, 0], [0, 0, 0, 0]], "Row 1 of L has no weight other than zero"),
        ([[0, np.nan, 0, 0]], "Row 0 of L has weights that are missing or infinite"),
        (np.zeros((1, 2, 4)), "one row of weights per contrast; its shape is"),
        ([], "one row of weights per contrast; its shape is"),
        ("x", "L must be numbers, one row of weights per contrast, or a dict such as"),
        ([{"x": 1}], "L must be numbers, one row of weights per contrast, or a dict such as"),
        ({}, "L is empty; give at least one contrast"),
        ({"c": {"a[T.z]": 1}}, r"'c' names 'a\[T.z\]', which is no coefficient. Coefficients: Int"),
        ({"c": [1, 2]}, "Contrast 'c' must have one weight for each of 4 coefficients"),
        ({"c": "x"}, "Contrast 'c' must be weights or a dict of them; got 'x'"),
        ({"c": {"x": "one"}}, "Contrast 'c' must be weights or a dict of them; got"),
        ({"c": {"x": 0}}, "Contrast 'c' has no weight other than zero"),
    ],
)
def test_bad_contrasts(fit, L, message):
    with pytest.raises(DataError, match=message):
        fit.contrasts(L)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"null": [1, 2]}, r"null must be a number or one for each of 1 contrasts; got \[1, 2\]"),
        ({"null": "zero"}, "null must be a number or one for each of 1 contrasts; got 'zero'"),
        ({"null": np.nan}, "null must be a number or one for each of 1 contrasts; got nan"),
        ({"level": 95}, "level=95 is not a confidence level"),
        ({"joint": "yes"}, "joint must be True or False; got 'yes'"),
        ({"df_method": "kr"}, "df_method='kr' is not an option"),
    ],
)
def test_bad_options(fit, options, message):
    with pytest.raises(ValueError, match=message):
        fit.contrasts([[0, 0, 0, 1]], **options)


def test_a_model_without_coefficients(data):
    with pytest.raises(DataError, match="each of 0 coefficients"):
        mlm.lmer("y ~ 0 + (1 | g)", data).contrasts([1])
