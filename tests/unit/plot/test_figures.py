"""Figures: what is drawn, the twins that give its numbers, and bad input."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection

import multilevel as mlm
from multilevel import plot
from multilevel.exceptions import DataError, RankDeficientWarning
from multilevel.planning.study import power
from multilevel.plot.style import wrapped

mpl.use("Agg")

# The same numbers, in another order of operations.
RTOL = 1e-10
HALF = 0.5  # of the width of a figure
# Lines of least squares through other arithmetic.
LINE_RTOL = 1e-8

load = mlm.datasets.load


@pytest.fixture(autouse=True)
def leave_no_trace():
    """No figure changes a global setting."""
    before = mpl.rcParams.copy()
    yield
    assert mpl.rcParams == before
    plt.close("all")


@pytest.fixture(scope="module")
def sleep():
    return load("sleepstudy", "pandas")


@pytest.fixture(scope="module")
def hsb():
    return load("hsb", "pandas")


@pytest.fixture(scope="module")
def growth(sleep):
    return mlm.lmer("Reaction ~ Days + (Days | Subject)", sleep)


@pytest.fixture(scope="module")
def schools(hsb):
    return mlm.lmer("math ~ meanses + cses * sector + (cses | school)", hsb)


@pytest.fixture(scope="module")
def fits(hsb):
    """Models that grow."""
    formulas = ("math ~ 1", "math ~ ses", "math ~ ses + meanses")
    return {f"M{i}": mlm.lmer(f"{one} + (1 | school)", hsb) for i, one in enumerate(formulas)}


@pytest.fixture(scope="module")
def crossed():
    return mlm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", load("penicillin", "pandas"))


@pytest.fixture(scope="module")
def singular():
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", load("dyestuff2", "pandas"))
    assert fit.is_singular
    return fit


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def ticks(labels):
    return [label.get_text() for label in labels]


def points(ax, i=0):
    """Points of the i-th scatter."""
    drawn = [c for c in ax.collections if isinstance(c, PathCollection)]
    return np.asarray(drawn[i].get_offsets())


# -- every figure ------------------------------------------------------------------------------


def calls(growth, data):
    """Every figure with its twin, by arguments."""
    ragged = data.filter(pl.col("Days") + pl.col("Reaction") < 310.0)
    return {
        "spaghetti": ((data, "Reaction", "Days", "Subject"), {}),
        "group_means": ((data, "Reaction", "Subject"), {}),
        "distribution": ((data, "Reaction", "Subject"), {}),
        "within_between": ((ragged, "Reaction", "Days", "Subject"), {}),
        "trellis": ((growth, "Days"), {}),
        "caterpillar": ((growth,), {}),
        "shrinkage": ((growth,), {}),
        "random_slopes": ((growth, "Days"), {}),
        "random_scatter": ((growth,), {}),
        "coefficients_by_model": ((growth,), {}),
        "forest": ((growth,), {}),
        "r2": ((growth,), {}),
        "variance_partition": ((growth,), {}),
        "vs_ols": ((growth,), {}),
        "unit_diagram": (({"school": 9, "pupil": 80}, {"pupil": ["school"]}), {}),
        "group_sizes": ((data, "Subject"), {}),
        "incidence": ((data, "Subject", "half"), {}),
        "missing_by_group": (
            (data.with_columns(gone=pl.when(pl.col("Days") > 1).then("Days")), "Subject", ["gone"]),
            {},
        ),
        "occasions": ((data, "Days"), {}),
        "qq": ((growth,), {"n": 5}),
        "residuals": ((growth,), {}),
        "residuals_by": ((growth, "Days"), {}),
        "scale_location": ((growth,), {}),
        "influence": ((growth,), {}),
        "predictive": ((growth,), {"n": 3}),
        "profile_zeta": ((growth.profile("ran_pars"),), {}),
        "profile_density": ((growth.profile("ran_pars"),), {}),
        "check": ((growth,), {}),
        "interaction": (
            (mlm.lmer("Reaction ~ Days * half + (1 | Subject)", data), "Days", "half"),
            {},
        ),
        "johnson_neyman": (
            (mlm.lmer("Reaction ~ Days * half + (1 | Subject)", data), "half", "Days"),
            {},
        ),
        "power": ((power(growth, {"Days": 3.0}, n_groups=[10, 20], nsim=10, rng=1),), {}),
    }


@pytest.fixture(scope="module")
def everything():
    frame = load("sleepstudy", "polars")
    half = (
        pl.when(pl.col("Subject").cast(pl.String) < "340").then(pl.lit("a")).otherwise(pl.lit("b"))
    )
    data = frame.with_columns(half=half)
    return calls(mlm.lmer("Reaction ~ Days + (Days | Subject)", data), data)


def test_every_public_figure_has_a_twin_and_is_tested(everything):
    figures = {name for name in plot.__all__ if not name.endswith("_data")}
    assert figures == set(everything)
    assert {f"{name}_data" for name in figures} | figures == set(plot.__all__)
    assert dir(plot) == plot.__all__


FIGURES = [name for name in plot.__all__ if not name.endswith("_data")]


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "unit_diagram"])
def test_polars_in_polars_out(everything, name):
    arguments, options = everything[name]
    table = getattr(plot, f"{name}_data")(*arguments, **options)
    assert isinstance(table, pl.DataFrame)
    assert table.height > 0


@pytest.mark.parametrize("name", FIGURES)
def test_axes_are_labelled_without_title_and_fit_the_figure(everything, name):
    arguments, options = everything[name]
    axes = np.atleast_1d(getattr(plot, name)(*arguments, **options)).ravel()
    assert all(isinstance(ax, Axes) for ax in axes)
    figure = axes[0].figure
    assert len(plt.get_fignums()) == 1
    figure.canvas.draw()
    if name != "trellis":
        assert all(ax.get_title() == "" for ax in axes)
        assert all(ax.get_xlabel() or ticks(ax.get_xticklabels()) for ax in axes)
    width, height = figure.canvas.get_width_height()
    for ax in axes:
        box = ax.get_tightbbox()
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1


@pytest.mark.parametrize("name", FIGURES)
def test_draws_on_the_axes_given(everything, name):
    arguments, options = everything[name]
    many = {"trellis": 18, "caterpillar": 2, "coefficients_by_model": 2}
    many |= {"profile_zeta": 4, "profile_density": 4, "check": 7}
    many |= {"distribution": 3, "within_between": 2, "residuals_by": 1}
    _, axes = plt.subplots(1, many.get(name, 1), squeeze=False)
    given = axes[0] if name in many else axes[0, 0]
    drawn = getattr(plot, name)(*arguments, ax=given, **options)
    assert len(plt.get_fignums()) == 1
    assert np.atleast_1d(drawn).ravel().tolist() == np.atleast_1d(given).ravel().tolist()


# -- data by group -----------------------------------------------------------------------------


class TestSpaghetti:
    def test_draws_the_rows_and_the_means(self, sleep):
        ax = plot.spaghetti(sleep, "Reaction", "Days", "Subject")
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("Days", "Reaction")
        [lines] = [c for c in ax.collections if isinstance(c, LineCollection)]
        assert len(lines.get_segments()) == 18
        first = sleep[sleep["Subject"].astype(str) == "308"].sort_values("Days")
        np.testing.assert_array_equal(lines.get_segments()[0], first[["Days", "Reaction"]])
        means = sleep.groupby("Days")["Reaction"].mean()
        np.testing.assert_allclose(ax.lines[0].get_ydata(), means, rtol=RTOL)

    def test_many_groups_are_subsampled_and_it_says_so(self, hsb):
        ax = plot.spaghetti(hsb, "math", "ses", "school", max_groups=20)
        assert "20 of 160 school shown" in [text.get_text() for text in ax.texts]
        table = plot.spaghetti_data(hsb, "math", "ses", "school", max_groups=20)
        assert table["school"].nunique() == 20
        whole = plot.spaghetti_data(hsb, "math", "ses", "school", max_groups=None)
        assert len(whole) == len(hsb)
        kept = whole[whole["school"].isin(table["school"])]
        np.testing.assert_array_equal(kept["smooth"], table["smooth"])

    def test_missing_values_are_left_out(self, sleep):
        holes = sleep.assign(Reaction=sleep["Reaction"].where(sleep["Days"] != 3))
        assert 3 not in set(plot.spaghetti_data(holes, "Reaction", "Days", "Subject")["Days"])

    def test_one_group_and_one_row(self, sleep):
        one = sleep[sleep["Subject"].astype(str) == "308"]
        assert len(plot.spaghetti_data(one, "Reaction", "Days", "Subject")) == 10
        plot.spaghetti(one, "Reaction", "Days", "Subject")
        plot.spaghetti(one.head(1), "Reaction", "Days", "Subject")

    def test_refuses(self, sleep):
        with pytest.raises(DataError, match=r"no column 'Dya'"):
            plot.spaghetti(sleep, "Reaction", "Dya", "Subject")
        text = sleep.assign(Days="a")
        with pytest.raises(DataError, match="x='Days' must be numeric, but it holds text"):
            plot.spaghetti(text, "Reaction", "Days", "Subject")
        with pytest.raises(DataError, match="must be three columns"):
            plot.spaghetti(sleep, "Reaction", "Reaction", "Subject")
        with pytest.raises(DataError, match="No row has values of all of"):
            plot.spaghetti(sleep.assign(Days=np.nan), "Reaction", "Days", "Subject")
        with pytest.raises(ValueError, match="nothing to draw of 0"):
            plot.spaghetti(sleep, "Reaction", "Days", "Subject", max_groups=0)
        assert plt.get_fignums() == []


class TestWithinBetween:
    def test_slopes_are_those_of_least_squares_within_and_between(self, hsb):
        panels = plot.within_between(hsb, "math", "ses", "school")
        means = hsb.groupby("school", observed=True)[["math", "ses"]].transform("mean")
        inside = hsb[["math", "ses"]] - means
        within = np.polyfit(inside["ses"], inside["math"], 1)[0]
        by_school = hsb.groupby("school", observed=True)[["math", "ses"]].mean()
        between = np.polyfit(by_school["ses"], by_school["math"], 1)[0]
        assert panels[0].get_title(loc="left") == f"within school: slope {within:.3g}"
        assert panels[1].get_title(loc="left") == f"between school: slope {between:.3g}"
        assert panels[0].get_xlabel().replace("\n", " ").endswith("(2,000 of 7,185 shown)")
        assert len(points(panels[1])) == 160

    def test_all_points_and_order_of_rows(self, hsb):
        table = plot.within_between_data(hsb, "math", "ses", "school", max_points=None)
        assert list(table["series"].value_counts()) == [7185, 160]
        few = plot.within_between_data(hsb, "math", "ses", "school")
        again = plot.within_between_data(
            hsb.sample(frac=1, random_state=1), "math", "ses", "school"
        )
        pd.testing.assert_frame_equal(few, again, rtol=LINE_RTOL)

    def test_what_does_not_vary_has_no_relation(self, hsb):
        with pytest.raises(DataError, match=r"'meanses' does not vary within groups"):
            plot.within_between(hsb, "math", "meanses", "school")
        with pytest.raises(DataError, match=r"'cses' does not vary between groups"):
            plot.within_between(centred(hsb), "math", "cses", "school")


def centred(hsb):
    means = hsb.groupby("school", observed=True)["ses"].transform("mean")
    return hsb.assign(cses=hsb["ses"] - means)


class TestResidualsBy:
    def test_points_are_studentised_residuals_by_the_predictor(self, schools):
        table = plot.residuals_by_data(schools, "meanses")
        residual = schools.level_residuals(scale="studentized")["residual"]
        assert len(table) == 7185
        assert set(table["term"]) == {"residual"}
        assert table["residual"].sum() == pytest.approx(residual.sum(), rel=LINE_RTOL)
        assert table["x"].is_monotonic_increasing
        [panel] = plot.residuals_by(schools, "meanses")
        assert len(points(panel)) == 5000

    def test_effects_of_groups_by_numbers_and_categories(self, schools):
        panels = plot.residuals_by(schools, "meanses", "school")
        assert [panel.get_ylabel() for panel in panels] == [
            "studentized Intercept of school",
            "studentized cses of school",
        ]
        assert len(points(panels[1])) == 160
        [panel] = plot.residuals_by(schools, "sector", "school", term="cses")
        assert ticks(panel.get_xticklabels()) == ["Catholic", "Public"]
        table = plot.residuals_by_data(schools, "sector", "school", term="cses")
        assert table["smooth"].isna().all()

    def test_what_cannot_be_drawn(self, schools):
        with pytest.raises(DataError, match="varies within groups of 'school'"):
            plot.residuals_by(schools, "cses", "school")
        with pytest.raises(DataError, match="no column"):
            plot.residuals_by(schools, "nothing")
        with pytest.raises(ValueError, match="rows have residuals only"):
            plot.residuals_by(schools, "cses", term="Intercept")


class TestDistribution:
    def test_counts_rows_deviations_and_means(self, hsb):
        table = plot.distribution_data(hsb, "math", "school")
        totals = table.groupby("series")["count"].sum()
        assert totals.to_dict() == {"rows": 7185, "within groups": 7185, "group means": 160}
        rows = table[table["series"] == "rows"].iloc[3]
        assert rows["count"] == hsb["math"].between(rows["low"], rows["high"], "left").sum()

    def test_few_values_have_a_bar_each(self):
        data = {"y": [1.0, 2.0, 2.0, 5.0], "g": ["a", "a", "b", "b"]}
        table = plot.distribution_data(pd.DataFrame(data), "y", "g")
        rows = table[table["series"] == "rows"]
        assert rows["count"].tolist() == [1, 2, 1]
        assert rows["low"].tolist() == [0.5, 1.5, 4.5]

    def test_needs_rows_and_groups(self, hsb):
        with pytest.raises(DataError, match="one row"):
            plot.distribution(pd.DataFrame({"y": [1.0, 2.0], "g": [1, 2]}), "y", "g")
        with pytest.raises(DataError, match="No row has values"):
            plot.distribution(hsb.assign(math=np.nan), "math", "school")


class TestTrellis:
    def test_lines_are_those_of_group_and_model(self, sleep, growth):
        table = plot.trellis_data(growth, "Days")
        own = table[table["level"].astype(str) == "308"]
        line = own[own["series"] == "no pooling"]
        rows = sleep[sleep["Subject"].astype(str) == "308"]
        expected = np.polyval(np.polyfit(rows["Days"], rows["Reaction"], 1), line["x"])
        np.testing.assert_allclose(line["y"], expected, rtol=LINE_RTOL)
        line = own[own["series"] == "partial pooling"]
        coef = growth.coef().query("level == '308'").set_index("term")["estimate"]
        np.testing.assert_allclose(line["y"], coef["Intercept"] + coef["Days"] * line["x"], RTOL)
        line = table[table["series"] == "population"]
        assert line["level"].isna().all()
        np.testing.assert_allclose(line["y"], growth.beta[0] + growth.beta[1] * line["x"], RTOL)

    def test_panels_are_named_by_group(self, growth):
        panels = plot.trellis(growth, "Days", max_groups=6, columns=3)
        names = [panel.get_title(loc="left") for panel in panels]
        assert len(names) == 6
        assert (names[0], names[-1]) == ("308", "372")
        [shown] = panels[0].figure.legends
        assert shown.get_title().get_text() == "Subject: 6 of 18 shown"
        assert [text.get_text() for text in shown.get_texts()] == [
            "no pooling",
            "population",
            "partial pooling",
        ]

    def test_other_predictors_are_averaged_over_the_rows_of_the_group(self, hsb):
        fit = mlm.lmer("math ~ cses + minority + ses + (1 | school)", hsb)
        table = plot.trellis_data(fit, "cses", max_groups=3)
        part = table[table["series"] == "partial pooling"]
        label = part["level"].iloc[0]
        own = part[part["level"] == label]
        rows = hsb[hsb["school"] == label]
        for x, y in zip(own["x"], own["y"], strict=True):
            np.testing.assert_allclose(y, fit.predict(rows.assign(cses=x)).mean(), rtol=RTOL)

    def test_of_data(self, sleep):
        panels = plot.trellis(sleep, "Days", y="Reaction", group="Subject", max_groups=2)
        assert len(panels) == 2
        assert len(panels[0].lines) == 1

    def test_refuses(self, sleep, growth):
        with pytest.raises(ValueError, match="give the response y= and the groups group="):
            plot.trellis(sleep, "Days")
        with pytest.raises(ValueError, match="y='Reaction' is for data"):
            plot.trellis(growth, "Days", y="Reaction")
        with pytest.raises(DataError, match=r"x='Subject' is no predictor of the model.*: Days"):
            plot.trellis(growth, "Subject")
        with pytest.raises(DataError, match="no grouping factor 'subject'; there are: Subject"):
            plot.trellis(growth, "Days", group="subject")
        with pytest.raises(DataError, match="ax must be 18 Matplotlib axes"):
            plot.trellis(growth, "Days", ax=plt.subplots(1, 2)[1])


class TestGroupMeans:
    def test_are_those_of_lm_list(self, sleep):
        table = plot.group_means_data(sleep, "Reaction", "Subject", level=0.9)
        fits = mlm.lm_list("Reaction ~ 1", sleep, by="Subject")
        expected = fits.tidy(conf_int=True, level=0.9).set_index("level").loc[table["Subject"]]
        np.testing.assert_allclose(table["mean"], expected["estimate"], rtol=RTOL)
        np.testing.assert_allclose(table["conf_low"], expected["conf_low"], rtol=RTOL)
        assert table["mean"].is_monotonic_increasing
        assert set(table["n_rows"]) == {10}

    def test_rows_are_named_if_they_are_few(self, sleep, hsb):
        ax = plot.group_means(sleep, "Reaction", "Subject")
        assert ticks(ax.get_yticklabels())[0] == "309"
        np.testing.assert_array_equal(points(ax)[:, 1], np.arange(18))
        ax = plot.group_means(hsb, "math", "school", max_groups=100)
        assert ticks(ax.get_yticklabels()) == []
        assert ax.get_ylabel() == "school (100 of 160, sorted)"

    def test_needs_variation_within(self, sleep):
        with pytest.raises(DataError, match="Every 'Subject' has one row"):
            plot.group_means(sleep[sleep["Days"] == 0], "Reaction", "Subject")
        with pytest.raises(DataError, match="No row has values of both"):
            plot.group_means(sleep.assign(Reaction=np.nan), "Reaction", "Subject")


# -- random effects ----------------------------------------------------------------------------


class TestCaterpillar:
    def test_numbers_are_those_of_ranef(self, schools):
        table = plot.caterpillar_data(schools, term="cses")
        expected = schools.ranef("school").query("term == 'cses'").sort_values("estimate")
        np.testing.assert_array_equal(table["estimate"], expected["estimate"])
        np.testing.assert_array_equal(table["std_error"], expected["std_error"])
        half = (table["comparison_high"] - table["comparison_low"]) / 2
        np.testing.assert_allclose(half, 1.39 * table["std_error"], rtol=RTOL)
        half = (table["conf_high"] - table["conf_low"]) / 2
        np.testing.assert_allclose(half, 1.96 * table["std_error"], rtol=RTOL)

    def test_a_panel_for_every_effect(self, growth):
        panels = plot.caterpillar(growth)
        assert [ax.get_xlabel() for ax in panels] == [
            "Intercept of Subject (Reaction)",
            "Days of Subject (Reaction)",
        ]
        assert legend(panels[0]) == ["± 1.96 SE: one group", "± 1.39 SE: two groups"]
        order = growth.ranef().query("term == 'Days'").sort_values("estimate")["level"]
        assert ticks(panels[1].get_yticklabels()) == list(order)

    def test_without_comparison_intervals(self, crossed):
        ax = plot.caterpillar(crossed, group="sample", comparison=False)
        assert legend(ax) == ["± 1.96 SE: one group"]
        assert ax.get_ylabel() == "sample"

    def test_many_groups(self, hsb):
        fit = mlm.lmer("y ~ service + (1 | s) + (1 | d)", load("insteval", "pandas"))
        ax = plot.caterpillar(fit, max_groups=300)
        assert ax.get_ylabel() == "s (300 of 2,972, sorted)"
        table = plot.caterpillar_data(fit, max_groups=300)
        every = fit.ranef("s")["estimate"]
        assert (table["estimate"].min(), table["estimate"].max()) == (every.min(), every.max())

    def test_zero_variance(self, singular):
        table = plot.caterpillar_data(singular)
        assert (table["estimate"] == 0.0).all()
        plot.caterpillar(singular)

    def test_refuses(self, growth, sleep):
        with pytest.raises(DataError, match="no random effect 'Day' of Subject; there are: Interc"):
            plot.caterpillar(growth, term="Day")
        with pytest.raises(DataError, match="The model has no random effects"):
            plot.caterpillar(mlm.lmer("Reaction ~ Days", sleep))


class TestShrinkage:
    def test_arrows_lead_from_own_estimates_to_predictions(self, growth):
        table = growth.shrinkage()
        ax = plot.shrinkage(growth)
        wide = table.pivot(index="level", columns="term", values="partial_pooling")
        np.testing.assert_allclose(points(ax, 1), wide[["Intercept", "Days"]], rtol=RTOL)
        wide = table.pivot(index="level", columns="term", values="no_pooling")
        np.testing.assert_allclose(points(ax, 0), wide[["Intercept", "Days"]], rtol=RTOL)
        arrows = [text for text in ax.texts if text.arrow_patch is not None]
        assert len(arrows) == 18
        np.testing.assert_allclose(arrows[0].xyann, points(ax, 0)[0], rtol=RTOL)
        np.testing.assert_allclose(arrows[0].xy, points(ax, 1)[0], rtol=RTOL)
        assert legend(ax) == ["no pooling", "partial pooling", "complete pooling"]

    def test_twin_holds_rows_of_the_table(self, growth):
        twin = plot.shrinkage_data(growth, terms="Days")
        expected = growth.shrinkage().query("term == 'Days'").sort_values("partial_pooling")
        pd.testing.assert_frame_equal(twin, expected.reset_index(drop=True))

    def test_group_without_an_estimate_of_its_own_has_no_arrow(self, sleep):
        first = sleep["Subject"].astype(str) == "308"
        data = sleep[~first | (sleep["Days"] == 0)]
        fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
        ax = plot.shrinkage(fit)
        assert len([text for text in ax.texts if text.arrow_patch is not None]) == 17
        assert len(points(ax, 1)) == 18

    def test_refuses_three_effects(self):
        fit = mlm.lmer("score ~ Machine + (Machine | Worker)", load("machines"))
        with pytest.raises(DataError, match="terms must be one random effect or two of Intercept"):
            plot.shrinkage(fit, terms=["Intercept", "Machine[T.B]", "Machine[T.C]"])


class TestRandomSlopes:
    def test_population_is_that_of_emmeans(self, growth):
        table = plot.random_slopes_data(growth, "Days", level=0.9)
        line = table[table["series"] == "population"]
        means = growth.emmeans("Days", at={"Days": line["x"].tolist()}, level=0.9).to_frame()
        np.testing.assert_allclose(line["y"], means["estimate"], rtol=RTOL)
        np.testing.assert_allclose(line["conf_high"], means["conf_high"], rtol=RTOL)
        assert (table["series"] == "data").sum() == 180

    def test_a_line_for_every_group(self, schools):
        ax = plot.random_slopes(schools, "cses", max_groups=50)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("cses", "math")
        lines = [c for c in ax.collections if isinstance(c, LineCollection)]
        assert len(lines[0].get_segments()) == 50
        assert legend(ax) == ["school", "population"]

    def test_curves(self, sleep):
        fit = mlm.lmer("Reaction ~ Days + I(Days**2) + (Days | Subject)", sleep)
        table = plot.random_slopes_data(fit, "Days")
        line = table[table["series"] == "partial pooling"].query("level == '308'")
        new = pd.DataFrame({"Days": line["x"], "Subject": "308"})
        np.testing.assert_allclose(line["y"], fit.predict(new), rtol=RTOL)

    def test_weights_offset_and_missing_rows(self, sleep):
        data = sleep.assign(w=1.0 + sleep["Days"], o=10.0, Days=sleep["Days"].astype(float))
        data.loc[3, "Days"] = np.nan
        with pytest.warns(mlm.exceptions.MissingValuesWarning):
            fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", data, weights="w", offset="o")
        table = plot.random_slopes_data(fit, "Days")
        assert (table["series"] == "data").sum() == 179
        line = table[table["series"] == "partial pooling"].query("level == '308'")
        new = pd.DataFrame({"Days": line["x"], "Subject": "308", "o": 10.0})
        np.testing.assert_allclose(line["y"], fit.predict(new), rtol=RTOL)


class TestRandomScatter:
    def test_points_and_ellipse(self, growth):
        ax = plot.random_scatter(growth, level=0.9)
        wide = growth.ranef().pivot(index="level", columns="term", values="estimate")
        np.testing.assert_allclose(points(ax), wide[["Intercept", "Days"]], rtol=RTOL)
        curve = np.column_stack(ax.lines[-1].get_data())
        sigma = growth.state.terms[0].covariance
        distance = np.einsum("ij,jk,ik->i", curve, np.linalg.inv(sigma), curve)
        np.testing.assert_allclose(distance, -2.0 * np.log(0.1), rtol=1e-8)
        assert legend(ax) == ["90 % of the population"]

    def test_effects_of_different_terms_are_independent(self, sleep):
        fit = mlm.lmer("Reaction ~ Days + (Days || Subject)", sleep)
        x, y = plot.random_scatter(fit).lines[-1].get_data()
        assert abs(np.mean(x * y)) < 1e-8 * np.std(x) * np.std(y)

    def test_singular(self, sleep):
        data = sleep.assign(Reaction=sleep["Days"] + np.tile(np.arange(10) % 3, 18))
        fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
        assert fit.is_singular
        plot.random_scatter(fit)

    def test_refuses_a_single_effect(self, crossed):
        with pytest.raises(DataError, match=r"Two random effects are drawn.*plate has Intercept"):
            plot.random_scatter(crossed)


# -- fixed effects -----------------------------------------------------------------------------


class TestForest:
    def test_numbers_are_those_of_tidy(self, schools):
        twin = plot.forest_data(schools, level=0.8, df_method="asymptotic")
        expected = schools.tidy(conf_int=True, level=0.8, df_method="asymptotic").iloc[1:]
        np.testing.assert_array_equal(twin["conf_low"], expected["conf_low"])
        assert set(twin["model"]) == {schools.formula}

    def test_several_fits(self, schools, hsb):
        other = mlm.lmer("math ~ cses + (1 | school)", hsb)
        ax = plot.forest({"all": schools, "few": other}, terms=["cses", "meanses"])
        assert ticks(ax.get_yticklabels()) == ["cses", "meanses"]
        assert legend(ax) == ["all", "few"]
        assert len(points(ax, 0)) == 2
        assert len(points(ax, 1)) == 1
        twin = plot.forest_data([schools, schools])
        assert twin["model"].nunique() == 2

    def test_dropped_columns_are_not_drawn(self, sleep):
        with pytest.warns(mlm.exceptions.RankDeficientWarning):
            fit = mlm.lmer("Reaction ~ Days + I(2 * Days) + (1 | Subject)", sleep)
        assert list(plot.forest_data(fit)["term"]) == ["Days"]

    def test_refuses(self, schools, crossed):
        with pytest.raises(DataError, match="No fit has the coefficient 'x'; there are Intercept"):
            plot.forest(schools, terms=["x"])
        with pytest.raises(DataError, match="no coefficients but the intercept"):
            plot.forest(crossed)
        with pytest.raises(DataError, match="There are no fits"):
            plot.forest([])
        with pytest.raises(TypeError, match="Give a fit, a list of fits or a dict of them; got 3"):
            plot.forest(3)
        with pytest.raises(TypeError, match=r"got 'y ~ x' in it"):
            plot.forest(["y ~ x"])


class TestCoefficientsByModel:
    def test_a_panel_for_every_coefficient_and_a_row_for_every_model(self, fits):
        panels = plot.coefficients_by_model(fits)
        assert [panel.get_xlabel() for panel in panels] == ["Intercept", "ses", "meanses"]
        assert ticks(panels[0].get_yticklabels()) == ["M0", "M1", "M2"]
        for panel, models in zip(panels, (["M0", "M1", "M2"], ["M1", "M2"], ["M2"]), strict=True):
            estimates, places = points(panel).T
            assert [f"M{place:.0f}" for place in places] == models
            own = [
                float(fits[m].beta[fits[m].coef_names.index(panel.get_xlabel())]) for m in models
            ]
            np.testing.assert_allclose(estimates, own, rtol=RTOL)

    def test_twin_has_the_intervals_of_tidy(self, fits):
        twin = plot.coefficients_by_model_data(fits, terms=["ses"], level=0.9)
        own = fits["M1"].tidy("fixed", conf_int=True, level=0.9).iloc[1]
        assert twin["model"].tolist() == ["M1", "M2"]
        np.testing.assert_allclose(twin["conf_low"].iloc[0], own["conf_low"], rtol=RTOL)

    def test_dropped_columns_have_no_panel(self, hsb):
        twice = hsb.assign(again=hsb["ses"])
        with pytest.warns(RankDeficientWarning):
            fit = mlm.lmer("math ~ ses + again + (1 | school)", twice)
        assert "again" not in set(plot.coefficients_by_model_data({"M": fit})["term"])

    def test_refuses(self, fits):
        with pytest.raises(DataError, match="No fit has the coefficient 'sex'"):
            plot.coefficients_by_model(fits, terms=["sex"])
        with pytest.raises(DataError, match="no fits to draw"):
            plot.coefficients_by_model({})


class TestInteraction:
    def test_means_along_a_predictor(self, schools):
        table = plot.interaction_data(schools, "cses", "sector", level=0.9)
        public = table[table["sector"] == "Public"]
        at = {"cses": public["cses"].tolist()}
        means = schools.emmeans(["cses", "sector"], at=at, level=0.9).to_frame()
        np.testing.assert_allclose(table["estimate"], means["estimate"], rtol=RTOL)
        ax = plot.interaction(schools, "cses", "sector")
        assert legend(ax) == list(dict.fromkeys(table["sector"]))
        assert ax.get_legend().get_title().get_text() == "sector"
        assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()

    def test_numeric_moderator_is_at_mean_and_one_sd_around(self, hsb):
        fit = mlm.lmer("math ~ ses * meanses + (1 | school)", hsb)
        values = plot.interaction_data(fit, "ses", "meanses")["meanses"].unique()
        mean, sd = hsb["meanses"].mean(), hsb["meanses"].std()
        np.testing.assert_allclose(values, [mean - sd, mean, mean + sd], rtol=1e-8)
        ax = plot.interaction(fit, "ses", "meanses", at={"meanses": [-0.5, 0.5]})
        assert legend(ax) == ["-0.50", "0.50"]

    def test_factors_are_points(self):
        data = load("oats", "pandas")
        fit = mlm.lmer("`yield` ~ Variety * C(nitro) + (1 | Block)", data)
        ax = plot.interaction(fit, "nitro", "Variety")
        assert ticks(ax.get_xticklabels()) == ["0", "0.2", "0.4", "0.6"]
        assert len(ax.lines[0].get_xdata()) == 4

    def test_refuses(self, schools):
        with pytest.raises(DataError, match="x and by are both 'cses'"):
            plot.interaction(schools, "cses", "cses")
        with pytest.raises(DataError, match="by='school' is no predictor of the fixed part"):
            plot.interaction(schools, "cses", "school")


class TestJohnsonNeyman:
    def test_effects_are_linear_and_bounds_are_where_p_is_5_percent(self, hsb):
        fit = mlm.lmer("math ~ meanses * sector + cses + (1 | school)", hsb)
        found = fit.johnson_neyman("sector", "meanses")
        table = plot.johnson_neyman_data(fit, "sector", "meanses")
        rows = table.set_index("meanses")
        inside = [b for b, w in zip(found.bounds, found.within_data, strict=True) if w]
        assert inside
        for bound in inside:
            np.testing.assert_allclose(rows.loc[bound, "p_value"], 0.05, rtol=1e-6)
        eleven = found.to_frame()
        for name in ("estimate", "conf_low", "conf_high"):
            np.testing.assert_allclose(
                table[name].iloc[[0, -1]], eleven[name].iloc[[0, -1]], rtol=1e-8
            )

    def test_regions_are_told_apart(self, hsb):
        fit = mlm.lmer("math ~ meanses * sector + cses + (1 | school)", hsb)
        ax = plot.johnson_neyman(fit, "sector", "meanses")
        assert legend(ax) == ["differs from 0", "may be 0"]
        assert ax.get_xlabel() == "meanses"

    def test_slope(self, schools, hsb):
        fit = mlm.lmer("math ~ cses * meanses + (1 | school)", hsb)
        table = plot.johnson_neyman_data(fit, "cses", "meanses", df_method="asymptotic")
        at = {"meanses": table["meanses"].tolist()[::20]}
        trends = fit.emtrends(None, "cses", at=at, df_method="asymptotic").to_frame()
        np.testing.assert_allclose(table["std_error"].iloc[::20], trends["std_error"], rtol=1e-6)
        with pytest.raises(DataError, match="does not depend on"):
            plot.johnson_neyman(schools, "cses", "meanses")


class TestVsOls:
    def test_ratios(self, schools):
        table = schools.vs_ols()
        ax = plot.vs_ols(schools)
        drawn = {line.get_label(): line.get_xdata() for line in ax.lines}
        np.testing.assert_allclose(drawn["multilevel"], table["ratio"], rtol=RTOL)
        np.testing.assert_allclose(
            drawn["robust least squares"],
            table["std_error_robust"] / table["std_error_ols"],
            rtol=RTOL,
        )
        assert ticks(ax.get_yticklabels()) == list(table["term"])
        assert ax.get_xscale() == "log"


# -- variance ----------------------------------------------------------------------------------


class TestText:
    """Long names are broken where a reader would break them, and have room."""

    def test_breaks_between_words_and_else_between_parts_of_names(self):
        assert wrapped("mean status of the school", 14) == "mean status of\nthe school"
        name = "socio_economic_status:sector[T.Catholic]"
        assert wrapped(name, 24) == "socio_economic_status:\nsector[T.Catholic]"
        assert wrapped("a" * 30, 20) == "a" * 20 + "\n" + "a" * 10
        assert wrapped("ses", 3) == "ses"

    def test_rows_with_long_names_and_legends_do_not_overlap(self, hsb):
        names = {
            "ses": "socio-economic status of the family",
            "meanses": "status_of_the_school" * 2,
        }
        data = hsb.rename(columns=names)
        terms = " + ".join(f"`{name}`" for name in names.values())
        ax = plot.vs_ols(mlm.lmer(f"math ~ {terms} + (1 | school)", data))
        ax.figure.canvas.draw()
        boxes = [label.get_window_extent() for label in ax.get_yticklabels()]
        assert all(above.y0 >= below.y1 for above, below in pairwise(boxes))
        width, _ = ax.figure.canvas.get_width_height()
        assert ax.get_legend().get_window_extent().x1 <= width

    def test_formulas_as_names_leave_room_for_the_axes(self, hsb):
        longer = "ses + minority + sex + sector + meanses"
        formulas = (f"math ~ {longer} + (1 | school)", "math ~ ses + (1 | school)")
        ax = plot.forest([mlm.lmer(one, hsb) for one in formulas])
        ax.figure.canvas.draw()
        assert ax.get_position().width > HALF
        assert max(len(line) for text in legend(ax) for line in text.split("\n")) <= 48

    def test_panels_share_one_legend(self, growth):
        left, right = plot.caterpillar(growth)
        left.figure.canvas.draw()
        assert right.get_legend() is None
        assert left.get_legend().get_window_extent().x1 <= right.get_window_extent().x0


class TestShares:
    def test_bars_add_up_to_one(self, schools):
        ax = plot.r2(schools)
        for i in range(3):
            bars = [b for b in ax.patches if b.get_width() and round(b.get_y() + 0.325) == i]
            np.testing.assert_allclose(sum(b.get_width() for b in bars), 1.0, rtol=RTOL)
        pd.testing.assert_frame_equal(plot.r2_data(schools), schools.r2("rights-sterba"))
        assert legend(ax)[0] == "predictors within groups (f1)"
        assert ax.get_xlabel() == "share of the variance of math"
        assert ticks(ax.get_yticklabels()) == ["total", "within groups", "between school"]

    def test_sources_have_colours_of_their_own(self):
        data = load("egsingle", "pandas")
        fit = mlm.lmer("math ~ year + female + (year | childid) + (year | schoolid)", data)
        ax = plot.r2(fit)
        colours = [patch.get_facecolor() for patch in ax.get_legend().get_patches()]
        assert len(set(colours)) == len(colours)

    def test_singular(self, singular):
        ax = plot.r2(singular)
        assert [b.get_width() for b in ax.patches if b.get_width()] == pytest.approx([1.0, 1.0])
        assert "no variance" in [text.get_text() for text in ax.texts]
        plot.variance_partition(singular)

    def test_partition_of_several_fits(self, hsb, schools):
        fits = {"null": mlm.lmer("math ~ 1 + (1 | school)", hsb), "all": schools}
        twin = plot.variance_partition_data(fits)
        for name, fit in fits.items():
            own = twin[twin["model"] == name].drop(columns="model").reset_index(drop=True)
            pd.testing.assert_frame_equal(own, fit.variance_partition())
        assert legend(plot.variance_partition(fits["null"])) == ["school", "residual"]
        ax = plot.variance_partition(fits, scale="variance")
        assert ticks(ax.get_yticklabels()) == ["null", "all"]
        assert ax.get_xlabel() == "variance of math"
        with pytest.raises(ValueError, match="scale='sd' is not an option"):
            plot.variance_partition(fits, scale="sd")


# -- profiles ----------------------------------------------------------------------------------


class TestProfiles:
    @pytest.fixture
    def profile(self, growth):
        return growth.profile()

    def test_zeta(self, profile):
        panels = plot.profile_zeta(profile)
        assert [ax.get_xlabel() for ax in panels] == list(profile.names)
        name = profile.names[2]
        x, y = panels[2].lines[-1].get_data()
        np.testing.assert_array_equal(x, profile.values[name])
        np.testing.assert_array_equal(y, profile.zeta[name])
        pd.testing.assert_frame_equal(plot.profile_zeta_data(profile), profile.tidy())

    def test_density_has_mass_one_but_for_the_ends(self, profile):
        table = plot.profile_density_data(profile)
        for _, own in table.groupby(["group", "term"], dropna=False):
            mass = np.trapezoid(own["density"], own["value"])
            assert 0.985 < mass < 1.0
        panels = plot.profile_density(profile)
        assert panels[0].get_ylabel() == "density"

    def test_density_of_a_quadratic_criterion_is_normal(self, growth):
        """With zeta a straight line the density is that of Wald's method."""
        profile = growth.profile("Days")
        zeta = (profile.values["Days"] - 10.0) / 2.0
        straight = type(profile)(
            profile.criterion,
            ("Days",),
            profile.values,
            {"Days": zeta},
            _fit=profile._fit,
            _parameters=profile._parameters,
        )
        table = plot.profile_density_data(straight)
        z = (table["value"] - 10.0) / 2.0
        expected = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / 2.0
        np.testing.assert_allclose(table["density"], expected, rtol=1e-8)

    def test_singular(self, singular):
        profile = singular.profile("ran_pars")
        plot.profile_zeta(profile)
        assert np.isfinite(plot.profile_density_data(profile)["density"]).all()

    def test_level_is_checked(self, profile):
        with pytest.raises(ValueError, match="level"):
            plot.profile_zeta(profile, level=95)


# -- residuals and influence -------------------------------------------------------------------


class TestQuantiles:
    def test_points_are_the_studentized_residuals(self, growth):
        table = plot.qq_data(growth, n=3)
        expected = growth.level_residuals(scale="studentized").sort_values("residual")
        np.testing.assert_array_equal(table["residual"], expected["residual"])
        np.testing.assert_array_equal(table["row"], expected["row"])
        np.testing.assert_allclose(table["theoretical"], -table["theoretical"][::-1], atol=1e-12)
        ax = plot.qq(growth, n=3)
        np.testing.assert_array_equal(points(ax), table[["theoretical", "residual"]])

    def test_groups(self, growth):
        panels = plot.qq(growth, "Subject", n=3)
        assert [ax.get_ylabel() for ax in panels] == [
            "studentized Intercept of Subject",
            "studentized Days of Subject",
        ]
        table = plot.qq_data(growth, "Subject", term="Days", n=3)
        assert list(table.columns[:3]) == ["group", "level", "term"]
        assert len(table) == 18

    def test_envelope_is_reproducible_and_holds_most_of_simulated_data(self, growth):
        pd.testing.assert_frame_equal(plot.qq_data(growth, n=19), plot.qq_data(growth, n=19))
        right = growth.refit(growth.simulate(rng=5)[0])
        table = plot.qq_data(right)
        inside = table["residual"].between(table["conf_low"], table["conf_high"])
        assert inside.mean() > 0.8

    def test_envelope_of_independent_values(self, growth):
        table = plot.qq_data(growth, n=0)
        middle = table[table["theoretical"].abs() < 0.1]
        half = (middle["conf_high"] - middle["conf_low"]) / 2
        # the standard error of the median of n normal values is sqrt(pi / (2 n))
        np.testing.assert_allclose(half, 1.96 * np.sqrt(np.pi / 360), rtol=0.03)

    def test_large_data_are_thinned_but_for_the_tails(self):
        data = load("insteval", "pandas")
        fit = mlm.lmer("y ~ service + (1 | d)", data)
        table = plot.qq_data(fit)
        every = np.sort(fit.level_residuals(scale="studentized")["residual"])
        assert len(table) <= 2000
        np.testing.assert_array_equal(table["residual"].iloc[[0, 1, -2, -1]], every[[0, 1, -2, -1]])

    def test_zero_variance(self, singular):
        ax = plot.qq(singular, "Batch", n=3)
        assert "variance estimated as zero" in [text.get_text() for text in ax.texts]
        assert plot.qq_data(singular, "Batch", n=3)["residual"].isna().all()

    def test_refuses(self, growth):
        with pytest.raises(DataError, match="'school' is no level of the model"):
            plot.qq(growth, "school")
        with pytest.raises(DataError, match="no random effect 'x' of Subject"):
            plot.qq(growth, "Subject", term="x")
        with pytest.raises(ValueError, match="is for a grouping factor"):
            plot.qq(growth, term="Days")


class TestResiduals:
    def test_of_rows(self, growth):
        table = plot.residuals_data(growth)
        expected = growth.level_residuals()
        np.testing.assert_array_equal(table["residual"], expected["residual"])
        np.testing.assert_array_equal(table["fitted"], expected["fitted"])
        ax = plot.residuals(growth, kind="marginal", scale="studentized")
        assert ax.get_ylabel() == "studentized residual"

    def test_of_groups_against_the_fixed_part(self, schools, hsb):
        panels = plot.residuals(schools, "school")
        assert panels[0].get_xlabel() == "fixed part of school"
        table = plot.residuals_data(schools, "school", term="Intercept")
        means = hsb.assign(f=schools.fitted("none")).groupby("school", observed=True)["f"].mean()
        np.testing.assert_allclose(table["fitted"], means.loc[table["level"]], rtol=RTOL)

    def test_of_groups_alike_against_their_order(self, growth):
        panels = plot.residuals(growth, "Subject")
        assert panels[0].get_xlabel() == "order of Subject in the data"
        np.testing.assert_array_equal(points(panels[0])[:, 0], np.arange(1, 19))

    def test_many_rows(self, schools):
        ax = plot.residuals(schools, max_points=500)
        assert "500 of 7,185 shown" in [text.get_text() for text in ax.texts]
        assert len(points(ax)) == 500

    def test_scale_location(self, growth):
        table = plot.scale_location_data(growth)
        residual = growth.level_residuals(scale="studentized")["residual"]
        np.testing.assert_allclose(table["root_residual"] ** 2, residual.abs(), rtol=RTOL)
        ax = plot.scale_location(growth)
        draws = np.random.default_rng(1).standard_normal(200_000)
        expected = np.sqrt(np.abs(draws)).mean()
        np.testing.assert_allclose(ax.lines[0].get_ydata()[0], expected, rtol=0.01)


class TestInfluence:
    def test_names_what_stands_out(self, schools):
        ax = plot.influence(schools, "school", measure="dfbetas__meanses")
        table = schools.influence("school")
        np.testing.assert_array_equal(points(ax)[:, 1], table["dfbetas__meanses"])
        worst = table.loc[table["dfbetas__meanses"].abs().idxmax(), "level"]
        assert str(worst) in [text.get_text() for text in ax.texts]
        assert len(ax.texts) <= 5
        bounds = sorted(line.get_ydata()[0] for line in ax.lines)
        np.testing.assert_allclose(bounds, [-2 / np.sqrt(160), 2 / np.sqrt(160)])
        assert ax.get_ylabel() == "DFBETAS of meanses"

    def test_other_measures(self, growth):
        ax = plot.influence(growth, measure="estimate__Days", exact=True)
        np.testing.assert_allclose(ax.lines[0].get_ydata()[0], growth.beta[1])
        np.testing.assert_array_equal(
            points(ax)[:, 1], growth.influence("Subject", exact=True)["estimate__Days"]
        )
        assert len(plot.influence(growth, measure="mdffits").lines) == 0

    def test_rows_of_a_model_without_groups(self, sleep):
        ax = plot.influence(mlm.lmer("Reaction ~ Days", sleep))
        assert ax.get_xlabel() == "rows left out (order of the data)"

    def test_refuses(self, growth):
        with pytest.raises(DataError, match="no measure 'cook'; there are: cooks_distance"):
            plot.influence(growth, measure="cook")
        with pytest.raises(DataError, match="'school' is no level"):
            plot.influence(growth, "school")


class TestPredictive:
    def test_densities_have_mass_one(self, growth):
        table = plot.predictive_data(growth, n=4)
        assert sorted(set(table["replicate"])) == [0, 1, 2, 3, 4]
        for _, own in table.groupby("replicate"):
            np.testing.assert_allclose(np.trapezoid(own["density"], own["value"]), 1.0, rtol=0.01)

    def test_agrees_with_a_kernel_density_by_scipy(self, growth):
        from scipy.stats import gaussian_kde

        own = plot.predictive_data(growth, n=1).query("replicate == 0")
        y = growth.model.matrices.y
        low, high = np.quantile(y, [0.25, 0.75])
        width = 0.9 * min(y.std(ddof=1), (high - low) / 1.34) * len(y) ** -0.2
        expected = gaussian_kde(y, width / y.std(ddof=1))(own["value"])
        np.testing.assert_allclose(own["density"], expected, atol=0.01 * expected.max())

    @pytest.mark.parametrize(("most_rows", "n"), [(10**6, 50), (60, 16), (1, 10)])
    def test_many_rows_have_fewer_simulations(self, growth, monkeypatch, most_rows, n):
        monkeypatch.setattr("multilevel.plot.figures.predictive.MOST_ROWS", most_rows)
        assert plot.predictive_data(growth)["replicate"].max() == n

    def test_refuses(self, growth):
        with pytest.raises(ValueError, match="n=0 is no number of simulated responses"):
            plot.predictive(growth, n=0)


class TestCheck:
    def test_panels(self, growth):
        panels = plot.check(growth)
        assert len(panels) == 7
        table = plot.check_data(growth)
        assert list(dict.fromkeys(table["panel"])) == [
            "residuals",
            "scale_location",
            "qq rows",
            "qq Intercept of Subject",
            "qq Days of Subject",
            "influence of Subject",
            "predictive",
        ]
        own = table[table["panel"] == "residuals"]
        np.testing.assert_array_equal(points(panels[0]), own[["x", "y"]])
        own = table[table["panel"] == "qq Days of Subject"]
        np.testing.assert_array_equal(points(panels[4]), own[["x", "y"]])

    def test_without_random_effects(self, sleep):
        fit = mlm.lmer("Reaction ~ Days", sleep)
        assert len(plot.check(fit)) == 5
        assert len(set(plot.check_data(fit)["panel"])) == 5

    def test_singular_and_crossed(self, singular, crossed):
        assert len(plot.check(singular)) == 6
        assert len(plot.check(crossed, group="sample")) == 6


# -- the house ---------------------------------------------------------------------------------


class TestHouse:
    def test_missing_matplotlib_is_named(self, monkeypatch, growth):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        with pytest.raises(ImportError, match=r"pip install 'multilevel\[plot\]'"):
            plot.forest(growth)
        with pytest.raises(ImportError, match=r"pip install 'multilevel\[plot\]'"):
            plot.caterpillar(growth)
        assert len(plot.forest_data(growth)) == 1

    def test_import_is_lazy(self):
        code = (
            "import sys, multilevel.plot as plot\n"
            "assert 'matplotlib' not in sys.modules and 'scipy' not in sys.modules\n"
            "plot.forest_data\n"
            "assert 'matplotlib' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_unknown_figure(self):
        with pytest.raises(AttributeError, match=r"'multilevel\.plot' has no attribute 'pie'"):
            plot.pie  # noqa: B018

    def test_wrong_axes(self, growth):
        with pytest.raises(
            TypeError, match="ax must be Matplotlib axes, a single one; got ndarray"
        ):
            plot.forest(growth, ax=plt.subplots(1, 2)[1])


@pytest.mark.parametrize(("step", "between"), [(1.0, False), (0.5, True)])
def test_no_ticks_between_whole_numbers(step, between):
    when = 14.0 + step * np.tile(np.arange(3.0), 6)
    who = np.repeat(list("abcdef"), 3)
    data = {"age": when, "who": who, "y": np.random.default_rng(1).normal(size=18) + when}
    fit = mlm.lmer("y ~ age * z + (1 | who)", data | {"z": np.repeat([1.0, 3.0, 2.0], 6)})
    panels = mlm.plot.trellis(data, "age", y="y", group="who")
    shown = [mlm.plot.spaghetti(data, "y", "age", "who"), panels[-1]]
    shown += [
        mlm.plot.random_slopes(fit, "age"),
        mlm.plot.interaction(fit, "age", "z", at={"z": [1.0, 3.0]}),
    ]
    for ax in shown:
        ax.figure.canvas.draw()
        at = ax.get_xticks()
        inside = at[(at >= when.min()) & (at <= when.max())]
        assert (inside % 1.0 > 0.0).any() == between
        assert len(inside) > 1
    assert legend(shown[-1]) == ["1", "3"]
