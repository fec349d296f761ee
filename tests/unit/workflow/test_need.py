"""Step 4: variance between groups, in numbers, sentences and figures."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.report.document import DataTable, Paragraph
from multilevel.workflow import need_groups
from multilevel.workflow.need import need_step

mpl.use("Agg")

PRINTED = 5e-6  # reference values have five or more decimals
ALPHA = 0.05


def part(step, heading):
    """A paragraph by its heading."""
    blocks = [one for one in step.blocks if isinstance(one, Paragraph) and one.heading == heading]
    return blocks[0].text if blocks else ""


def needed(data, outcome, groups, **arguments):
    return need_step(mlm.Analysis(data, outcome, groups, **arguments).study)


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb", "pandas")


@pytest.fixture(scope="module")
def schools(hsb):
    return needed(hsb, "math", "school", level1="cses", level2="sector")


@pytest.fixture(scope="module")
def alike():
    """Groups whose means are all the same."""
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"clinic": np.repeat(np.arange(12), 10), "score": rng.normal(size=120)})
    data["score"] -= data.groupby("clinic")["score"].transform("mean")
    return needed(data, "score", "clinic")


class TestHighSchoolAndBeyond:
    """Raudenbush & Bryk (2002, ch. 4), and the same by R."""

    def test_shares(self, schools):
        table = schools.tables["icc"].set_index("level")
        np.testing.assert_allclose(table["icc"], [0.1803518, 1 - 0.1803518], atol=PRINTED)
        np.testing.assert_allclose(table["variance"], [8.61403, 39.14832], atol=1e-4)
        assert schools.headline == (
            "18.0% of the variance of `math` lies between schools (95% interval 14.7% to 22.1%)."
        )

    def test_design_effect(self, schools):
        [row] = schools.tables["design_effect"].to_dict("records")
        assert row["design_effect"] == pytest.approx(8.918571, abs=PRINTED)
        assert row["n_effective"] == pytest.approx(805.6, abs=0.05)
        assert "7,185 rows are worth 806 independent rows, as they come in schools (design" in part(
            schools, "What grouping costs"
        )

    def test_reliability(self, schools, hsb):
        [row] = schools.tables["reliability"].to_dict("records")
        assert row["reliability"] == pytest.approx(0.9013773, abs=PRINTED)
        # analysis of variance
        means = hsb.groupby("school", observed=True)["math"].transform("mean")
        between = ((means - hsb["math"].mean()) ** 2).sum() / 159
        within = ((hsb["math"] - means) ** 2).sum() / (7185 - 160)
        assert row["icc2"] == pytest.approx(1 - within / between)
        assert row["lowest"] < row["reliability"] < row["highest"]

    def test_range_of_means(self, schools):
        # 6.884 to 18.390
        assert "95% of schools have means of `math` between 6.9 and 18.4, if" in part(
            schools, "Variance at each level"
        )

    def test_differences(self, schools):
        table = schools.tables["differences"]
        assert table["statistic"].iloc[0] == pytest.approx(1660.232, abs=5e-4)
        assert table["df"].iloc[0] == 159
        assert part(schools, "Do groups differ?") == (
            "Schools differ by more than chance among rows makes them differ (exact likelihood "
            "ratio, p < .001). The other tests agree."
        )

    def test_least_squares(self, schools):
        text = part(schools, "Least squares beside")
        assert "too small for `Intercept` (2.7) and `sector[T.Catholic]` (" in text
        assert "each of the 160 schools needs 160 parameters" in text
        assert schools.figures["vs_ols"].alt.startswith("`Intercept`: multilevel 2.7, robust 2.")


class TestFigures:
    def test_many_groups_are_drawn_in_part_and_it_says_so(self, schools):
        picture = schools.figures["caterpillar"]
        assert picture.title.endswith("(30 of 160, evenly spaced in order)")
        assert len(picture.data()) == need_groups._MOST_GROUPS
        assert picture.alt.startswith("From −7.40 (school `5762`) to 6.48 (school `3427`).")
        table = schools.fits["M0"].ranef("school")
        clear = (table["estimate"].abs() > 1.96 * table["std_error"]).sum()
        assert f"Of 160 schools, {clear} have a 95% interval" in picture.alt
        picture.draw()

    def test_shrinkage_names_the_longest_arrow(self, schools):
        picture = schools.figures["shrinkage"]
        table = schools.fits["M0"].shrinkage("school")
        way = (table["no_pooling"] - table["partial_pooling"]).abs()
        name = table.loc[way.idxmax(), "level"]
        assert f"that of school `{name}` (14 rows): from 4.55 to 6.53." in picture.alt
        picture.draw()

    def test_few_groups_are_all_drawn(self):
        step = needed(mlm.datasets.load("sleepstudy", "pandas"), "Reaction", "Subject")
        assert "of 18" not in step.figures["caterpillar"].title
        assert len(step.figures["shrinkage"].data()) == 18

    def test_crossed_factors_have_figures_each(self):
        step = needed(mlm.datasets.load("penicillin", "pandas"), "diameter", ["plate", "sample"])
        assert [name for name in step.figures if name.startswith("caterpillar")] == [
            "caterpillar_plate",
            "caterpillar_sample",
        ]
        assert "95% of plates have, other things being average," in part(
            step, "Variance at each level"
        )

    def test_of_nested_factors_the_outer_one_has_figures(self):
        step = needed(mlm.datasets.load("pastes", "pandas"), "strength", "batch/cask")
        assert list(step.figures["caterpillar"].data()["group"].unique()) == ["batch"]
        text = part(step, "Variance at each level")
        assert "In the same batch, 95% of casks have means of `strength` within" in text
        assert "towards that of its batch" in part(step, "Means of groups")


@pytest.mark.parametrize("groups", [["plate", "sample"], ["sample", "plate"]])
def test_shares_stand_beside_their_factors(groups):
    data = mlm.datasets.load("penicillin", "pandas")
    step = needed(data, "diameter", groups)
    table = step.tables["icc"].set_index("level")["icc"]
    assert table["sample"] == pytest.approx(0.785416, abs=PRINTED)
    assert "78.5%" in step.headline.split("sample")[0].split("plate")[-1]


def test_nested_factors_with_odd_names():
    data = mlm.datasets.load("pastes", "pandas").rename(
        columns={"batch": "die Charge", "cask": "Faß: 1"}
    )
    plain = needed(mlm.datasets.load("pastes", "pandas"), "strength", ["batch", "cask"])
    step = needed(data, "strength", ["die Charge", "Faß: 1"])
    assert step.tables["icc"]["icc"].tolist() == plain.tables["icc"]["icc"].tolist()


class TestNoVariance:
    def test_least_squares_agree(self, alike, schools):
        text = "Beside the predictors no variance between groups is left"
        assert text in part(alike, "Least squares beside")
        assert text not in part(schools, "Least squares beside")

    def test_is_said_and_not_drawn(self, alike):
        text = part(alike, "Variance at each level")
        assert "The variance between clinics is estimated as zero" in text
        assert not {"caterpillar", "shrinkage"} & set(alike.figures)
        assert "(reliability 0)" in part(alike, "Means of groups")

    def test_interval_has_an_upper_end(self, alike):
        [low, _] = alike.tables["icc"]["conf_low"]
        [high, _] = alike.tables["icc"]["conf_high"]
        assert low == 0.0 < high < ALPHA
        assert alike.headline.startswith(
            "0.0% of the variance of `score` lies between clinics (95%"
        )

    def test_is_no_reason_to_leave_groups_out(self, alike):
        assert "ICC-SMALL-NOT-A-REASON" in {note.code for note in alike.notes}
        [decision] = alike.decisions
        assert decision.verdict.startswith("yes")
        assert "nor a small one what makes it superfluous" in part(alike, "What grouping costs")

    def test_tests_show_nothing_either_way(self, alike):
        text = part(alike, "Do groups differ?")
        assert text.startswith("The data do not show that clinics differ, nor that they do not (")


def test_least_squares_can_be_too_unsure(hsb):
    """A predictor within groups only: standard errors of least squares are too large."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"g": np.repeat(np.arange(30), 10), "x": np.tile(np.arange(10.0), 30)})
    data["y"] = data["x"] + 20 * rng.normal(size=30)[data["g"]] + rng.normal(size=300)
    step = needed(data, "y", "g", level1="x")
    text = part(step, "Least squares beside")
    assert "They are too large for `x_c`" in text
    assert "robust" not in text


def test_slopes_that_differ_are_not_called_too_sure():
    """Without its random slope the model understates the error of Days more than least squares."""
    sleep = mlm.datasets.load("sleepstudy", "pandas")
    text = part(needed(sleep, "Reaction", "Subject", time="Days"), "Least squares beside")
    assert "does not say that they are too small for `Days` (0.65 and 1.2), but robust" in text
    assert "too large" not in text


def test_robust_errors_of_few_groups_are_not_reliable(hsb, schools):
    few = hsb[hsb["school"].isin(list(hsb["school"].unique())[:6])]
    step = needed(few, "math", "school", level1="ses")
    note = next(
        one.note for one in step.blocks if isinstance(one, DataTable) and one.name == "vs_ols"
    )
    assert "With 6 groups robust standard errors are not reliable" in note


def test_no_causal_words(schools, alike):
    for step in (schools, alike):
        text = " ".join(one.text for one in step.blocks if isinstance(one, Paragraph))
        assert not any(word in text for word in ("impact", "influence", "effect of", "leads to"))
        assert "says nothing about causes" in text


def test_weights_and_the_analysis_of_variance(hsb):
    data = hsb.assign(w=1.0 + np.arange(len(hsb)) % 3)
    step = needed(data, "math", "school", weights="w")
    note = next(one.note for one in step.blocks if getattr(one, "name", "") == "reliability")
    assert note.endswith("The analysis of variance does not use the weights.")
    note = next(one.note for one in step.blocks if getattr(one, "name", "") == "icc")
    assert note.endswith("are those of a row of weight 1.")


def test_names_do_not_matter(hsb, schools):
    other = hsb.rename(columns={"math": "Mathe Punkte", "school": "Schüle 1"}).sample(
        frac=1.0, random_state=1
    )
    step = needed(other, "Mathe Punkte", "Schüle 1", level1="cses", level2="sector")
    np.testing.assert_allclose(step.tables["icc"]["icc"], schools.tables["icc"]["icc"], rtol=1e-6)
    assert "groups of `Schüle 1`" in step.headline
    assert len(step.figures["caterpillar"].data()) == len(schools.figures["caterpillar"].data())
