"""Differences between three and more categories that vary between groups, and those that hide."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError

DATA = Path(__file__).parents[2] / "reference" / "data"
PRINTED = 5e-5  # four decimals


def noted(analysis, rule):
    return [note.text for note in analysis.ladder.notes if note.code == rule]


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture(scope="module")
def machines():
    data = pd.read_csv(DATA / "Machines.csv.gz")
    return mlm.Analysis(data, "score", "Worker", level1="Machine")


def test_machines(machines):
    """Pinheiro & Bates (2000, section 1.3): workers differ in how much better a machine is.

    One variance of combinations is enough (their likelihood ratio 7.376, p .117), which is the
    analysis of variance of repeated measures: F of 20.576 with 2 and 10 degrees of freedom.
    """
    assert machines.model.formula == "score ~ 1 + Machine + (1 | Worker) + (1 | Worker:Machine)"
    sd = machines.model.var_corr()["sd"].dropna().to_numpy()
    np.testing.assert_allclose(sd, [4.7811, 3.7295, 0.9616], atol=2 * PRINTED)
    each = machines.ladder["M2:Machine"]
    assert each.formula.endswith("(1 + Machine | Worker)")
    assert each.test.statistic == pytest.approx(7.376, abs=1e-3)
    assert each.test.p_value == pytest.approx(0.117, abs=5e-4)
    assert not each.kept
    joint = machines.inference.tables["joint_tests"].iloc[0]
    assert joint["statistic"] == pytest.approx(20.576, abs=5e-4)
    assert joint["df_residual"] == pytest.approx(10.0, rel=1e-6)


def test_words_for_categories(machines):
    """A question of its own, a sentence, and a deviation in the equations."""
    asked = machines.questions.tables["questions"]["question"].tolist()
    assert "Are differences by `Machine` the same in all Workers?" in asked
    first, second = (one for one in machines.models.decisions if one.rule == "BUILD-SLOPE")
    assert first.question == "Do differences by `Machine` differ between groups?"
    assert second.question == "Do the categories of `Machine` vary by different amounts?"
    text = " ".join(str(machines.interpretation).split())
    assert (
        "Combinations of Workers and `Machine` deviate from what the two add up to by a standard "
        "deviation of 3.73: the difference between any two of the categories varies by a standard "
        "deviation of 5.27."
    ) in text
    equations = " ".join(str(machines.models).split())
    assert "d_j,Machine ~ N(0, τ_d,Machine^2), for every Worker and every Machine" in equations
    assert not [n for step in machines.steps for n in step.notes if n.code == "STEP-FAILED"]


def test_categories_that_vary_by_different_amounts(rng):
    """A variance for each category where a test asks for it and groups are enough."""
    data = crossed(30, 3, 5, rng)
    data["y"] += 3.0 * rng.normal(size=30)[data["id"]] * (data["kind"] == "c")
    analysis = mlm.Analysis(data, "y", "id", level1="kind")
    assert analysis.model.formula == "y ~ 1 + kind + (1 + kind | id)"
    text = " ".join(str(analysis.interpretation).split())
    assert "The difference between `kind` `c` and `a` varies between groups of `id` by a" in text


def crossed(n_groups, n_categories, n_rows, rng):
    """Every group has every category ``n_rows`` times; differences vary between groups."""
    cells = list(product(range(n_groups), "abcdefgh"[:n_categories], range(n_rows)))
    data = pd.DataFrame(cells, columns=["id", "kind", "row"])
    at = data["kind"].map("abcdefgh".index).to_numpy()
    effects = rng.normal(size=(n_groups, n_categories))
    data["y"] = effects[data["id"], at] + at + 0.5 * rng.normal(size=len(data))
    return data


def test_one_row_of_a_category_does_not_tell_differences_from_residuals(rng):
    """Randomised blocks: the interaction is the residual, and the tests are right with it."""
    data = crossed(9, 4, 1, rng)
    analysis = mlm.Analysis(data, "y", "id", level1="kind")
    assert analysis.model.formula == "y ~ 1 + kind + (1 | id)"
    [text] = noted(analysis, "BUILD-SLOPE")
    assert text.startswith("Whether differences by `kind` differ between groups of `id` cannot be")
    assert "36 rows in 9 groups" in text
    blocks = [rung.formula for rung in analysis.ladder.rungs]
    assert blocks == ["y ~ 1 + (1 | id)", "y ~ 1 + kind + (1 | id)"]


def test_more_covariances_than_groups_are_not_tried(rng):
    """Five categories have 15 variances and covariances, but one if all vary alike."""
    data = crossed(8, 5, 3, rng)
    analysis = mlm.Analysis(data, "y", "id", level1="kind")
    assert analysis.model.formula == "y ~ 1 + kind + (1 | id) + (1 | id:kind)"
    assert not any("(1 + kind | id)" in rung.formula for rung in analysis.ladder.rungs)


def test_a_slope_that_the_user_names_has_all_covariances(rng):
    data = crossed(30, 3, 5, rng)
    analysis = mlm.Analysis(data, "y", "id", level1="kind", random="kind")
    assert analysis.model.formula == "y ~ 1 + kind + (1 + kind | id)"


def test_two_measurements_of_a_trial(rng):
    """Before and after by treatment: changes cannot vary, and their product is tried."""
    n = 40
    data = pd.DataFrame({"id": np.repeat(np.arange(n), 2), "phase": ["before", "after"] * n})
    data["treated"] = np.where(data["id"] % 2 == 0, "yes", "no")
    change = np.where(data["treated"] == "yes", 2.0, 0.0) * (data["phase"] == "after")
    data["y"] = rng.normal(size=n)[data["id"]] + change + 0.5 * rng.normal(size=2 * n)
    analysis = mlm.Analysis(data, "y", "id", level1="phase", level2="treated")
    assert analysis.model.formula == "y ~ 1 + phase + treated + phase:treated + (1 | id)"
    assert len(noted(analysis, "BUILD-SLOPE")) == 1
    assert all(rung.fit is not None for rung in analysis.ladder.rungs)
    asked = " ".join(analysis.questions.tables["questions"]["question"])
    assert "Do differences by `phase` go with `treated`?" in asked
    assert "the same in all groups" not in asked


def test_a_split_plot_has_its_column_twice():
    """Pinheiro & Bates (2000, section 1.6): plots are varieties in blocks, and varieties fixed."""
    data = pd.read_csv(DATA / "Oats.csv.gz")
    analysis = mlm.Analysis(
        data, "yield", "Block/Variety", level1="nitro", level2="Variety", random=[]
    )
    assert analysis.model.formula == (
        "`yield` ~ 1 + nitro_c + Variety + (1 | Block) + (1 | Block:Variety)"
    )
    assert analysis.structure.headline.startswith("72 rows in 18 groups of `Block:Variety`")
    assert "STRUCT-IDREUSE" not in [note.code for note in analysis.structure.notes]
    expected = mlm.lmer("`yield` ~ nitro + Variety + (1 | Block/Variety)", data)
    found = analysis.inference.tables["joint_tests"].set_index("term").loc["Variety"]
    other = expected.anova(df_method="kenward-roger").set_index("term").loc["Variety"]
    np.testing.assert_allclose(found["statistic"], other["statistic"], rtol=1e-6)
    np.testing.assert_allclose(found["df_residual"], 10.0, rtol=1e-4)  # plots within blocks


def test_slopes_of_what_is_constant_in_lower_groups_need_several_of_these():
    """Every block has each variety in one plot: their differences are the plots' variance."""
    data = pd.read_csv(DATA / "Oats.csv.gz")
    analysis = mlm.Analysis(data, "yield", "Block/Variety", level1="nitro", level2="Variety")
    assert not any("Variety | Block" in rung.formula for rung in analysis.ladder.rungs)
    assert any("nitro_c | Block)" in rung.formula for rung in analysis.ladder.rungs)


def test_a_column_that_is_a_factor_alone_is_no_predictor():
    data = pd.read_csv(DATA / "Machines.csv.gz")
    with pytest.raises(DataError, match="'Machine' is a grouping factor and cannot be a predictor"):
        mlm.Analysis(data, "score", ["Worker", "Machine"], level1="Machine")
