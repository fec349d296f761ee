"""Predictors of three and more categories: adjusted means, pairs, and tests as a whole."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.report.document import Paragraph

COLOURS = np.array(["red", "green", "blue"])


def rows(seed=2, n_groups=40, n=12):
    """Colours of rows and kinds of groups, whose names need quotes in formulas."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(n_groups), n)
    colour = rng.integers(0, 3, group.size)
    kind = rng.integers(0, 3, n_groups)
    x = rng.normal(size=group.size)
    y = rng.normal(size=n_groups)[group] + np.array([0.0, 1.0, 1.1])[colour] + 0.3 * x
    return pd.DataFrame(
        {
            "y": y + rng.normal(size=group.size),
            "x": x,
            "the colour": COLOURS[colour],
            "kind": np.array(["u", "v", "w"])[kind][group],
            "group": group,
        }
    )


def analysed(**options):
    return mlm.Analysis(
        rows(), "y", "group", level1=["x", "the colour"], level2="kind", random=[], **options
    )


def texts(step):
    return {one.heading: one.text for one in step.blocks if isinstance(one, Paragraph)}


@pytest.fixture(scope="module")
def analysis():
    return analysed(interactions=[])


def test_means_and_pairs_are_those_of_the_model(analysis):
    step = analysis.interpretation
    means = analysis.model.emmeans("the colour", df_method="kenward-roger")
    expected = means.to_frame()
    found = step.tables["means_the colour"]
    pd.testing.assert_frame_equal(found, expected)
    pairs = step.tables["pairs_the colour"]
    assert pairs["contrast"].tolist() == ["blue - green", "blue - red", "green - red"]
    text = texts(step)["Means by `the colour`"]
    order = expected.sort_values("estimate")["the colour"].tolist()
    assert text.startswith("Adjusted means of `y` lie between ")
    assert f"for `{order[0]}` and " in text
    assert f"for `{order[-1]}`. " in text


def test_columns_are_headed_by_the_names_of_the_user(analysis):
    lines = str(analysis.interpretation).splitlines()
    assert any(line.split()[:2] == ["kind", "Estimate"] for line in lines)
    assert not any(line.split()[:1] == ["Kind"] for line in lines)


def test_pairs_that_differ_are_named(analysis):
    step = analysis.interpretation
    pairs = step.tables["pairs_the colour"]
    clear = pairs.loc[pairs["p_value"] < 0.05, "contrast"].tolist()
    assert len(clear) == 2
    text = texts(step)["Means by `the colour`"]
    assert (
        "Of the 3 pairs, 2 can be told apart, adjusted for their number (Tukey): `blue - red` and "
        "`green - red`."
    ) in text
    assert "None of the 3 pairs can be told apart" in texts(step)["Means by `kind`"]


def test_tests_as_a_whole_are_those_of_the_model(analysis):
    step = analysis.inference
    found = step.tables["joint_tests"].set_index("term")
    expected = analysis.model.anova(df_method="kenward-roger").set_index("term")
    assert found.index.tolist() == ["the colour", "kind"]
    for term in found.index:
        row, other = found.loc[term], expected.loc[term]
        assert row["df"] == 2
        np.testing.assert_allclose(row["statistic"], other["statistic"], rtol=1e-8)
        np.testing.assert_allclose(row["p_value"], other["p_value"], rtol=1e-6)
    text = texts(step)["Tests of categories as a whole"]
    assert "`the colour`, F(2, " in text
    assert "p < .001" in text


def test_products_are_said_and_tested_as_a_whole():
    analysis = analysed(interactions=["the colour:x"])
    text = texts(analysis.interpretation)["Means by `the colour`"]
    assert text.endswith(
        "Differences depend on `x`: these are the ones at their means, or averaged over their "
        "categories."
    )
    terms = analysis.inference.tables["joint_tests"]["term"].tolist()
    assert "the colour by x" in terms or "x by the colour" in terms


def test_two_categories_have_their_coefficient():
    data = rows()
    data = data[data["the colour"] != "red"]
    analysis = mlm.Analysis(data, "y", "group", level1="the colour", random=[])
    assert not any(name.startswith("means_") for name in analysis.interpretation.tables)
    assert "joint_tests" not in analysis.inference.tables


def test_means_without_other_predictors():
    analysis = mlm.Analysis(rows(), "y", "group", level1="the colour", random=[])
    text = texts(analysis.interpretation)["Means by `the colour`"]
    assert text.startswith("Means of `y` lie between ")
