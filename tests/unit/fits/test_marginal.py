"""Marginal means, trends, joint tests and Johnson-Neyman regions as methods of a fit."""

from __future__ import annotations

import pickle
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, NotSupportedError, RankDeficientWarning
from multilevel.inference.degrees_of_freedom import TabledDf
from reference.datasets import load

# Linear algebra on the same numbers, in another order.
RTOL = 1e-10
# Central differences of high order.
SLOPE_RTOL = 1e-8


def text(shown):
    """What is printed, on one line."""
    return " ".join(str(shown).split())


@pytest.fixture(scope="module")
def data():
    frame = load("synthetic")
    frame["late"] = frame["t"] > 2.5
    return frame


@pytest.fixture(scope="module")
def crossed(data):
    return mlm.lmer("y ~ f * C(k) + x + (1 | g)", data)


@pytest.fixture(scope="module")
def growth():
    return mlm.lmer("distance ~ age * Sex + (age | Subject)", load("Orthodont"))


@pytest.fixture(scope="module")
def schools():
    return mlm.lmer("mAch ~ meanses * cses + sector * cses + (cses | school)", load("Hsb82"))


class TestMeans:
    def test_are_predictions_of_the_fixed_part(self, data, crossed):
        table = crossed.emmeans(["f", "k"]).to_frame()
        assert list(table.columns[:3]) == ["f", "k", "estimate"]
        assert list(table["f"][:4]) == ["a", "b", "c", "a"]
        new = table[["f", "k"]].assign(x=data["x"].mean())
        np.testing.assert_allclose(
            table["estimate"], crossed.predict(new, re_form="none"), rtol=RTOL
        )

    def test_are_averages(self, crossed):
        cells = crossed.emmeans(["f", "k"]).to_frame()
        means = crossed.emmeans("f").to_frame()
        averages = cells.groupby("f")["estimate"].mean()
        np.testing.assert_allclose(means["estimate"], averages, rtol=RTOL)
        [grand] = crossed.emmeans().to_frame()["estimate"]
        np.testing.assert_allclose(grand, means["estimate"].mean(), rtol=RTOL)

    def test_cells_weights_average_predictions(self, data):
        """Without numeric predictors these are means of the predictions of the rows."""
        fit = mlm.lmer("y ~ f * C(k) + (1 | g)", data)
        expected = data.assign(p=fit.fitted("none")).groupby("f")["p"].mean()
        actual = fit.emmeans("f", weights="cells").to_frame()["estimate"]
        np.testing.assert_allclose(actual, expected, rtol=RTOL)

    def test_proportional_weights(self, data, crossed):
        share = data["k"].value_counts(normalize=True).sort_index().to_numpy()
        cells = crossed.emmeans(["k", "f"]).to_frame()["estimate"].to_numpy().reshape(3, 4)
        actual = crossed.emmeans("f", weights="proportional").to_frame()["estimate"]
        np.testing.assert_allclose(actual, cells @ share, rtol=RTOL)

    def test_by_only_orders_and_groups(self, crossed):
        plain, grouped = crossed.emmeans(["f", "k"]).to_frame(), crossed.emmeans("f", by="k")
        assert list(grouped.to_frame().columns[:2]) == ["k", "f"]
        pd.testing.assert_frame_equal(grouped.to_frame()[plain.columns], plain)

    def test_of_numeric_predictors_at_values(self, growth):
        table = growth.emmeans("age", at={"age": [8, 11.5], "Sex": "Male"}).to_frame()
        new = pd.DataFrame({"age": [8, 11.5], "Sex": "Male"})
        np.testing.assert_allclose(table["estimate"], growth.predict(new, re_form="none"))
        again = growth.emmeans(at={"age": [8, 11.5], "Sex": "Male"}).to_frame()
        pd.testing.assert_frame_equal(again, table)

    def test_functions_are_replayed(self, data):
        fit = mlm.lmer("y ~ poly(x, 2) + log(t) + bs(z, df=4) + f + (1 | g)", data)
        at = {"x": 1.1, "t": 3.0, "z": data["z"].mean()}
        expected = fit.predict(pd.DataFrame({"f": ["a", "b", "c"], **at}), re_form="none")
        np.testing.assert_allclose(fit.emmeans("f", at=at).to_frame()["estimate"], expected)

    def test_booleans_are_factors(self, data):
        fit = mlm.lmer("y ~ late + I(late * x) + (1 | g)", data)
        table = fit.emmeans("late").to_frame()
        assert list(table["late"]) == [False, True]
        new = pd.DataFrame({"late": [False, True], "x": data["x"].mean()})
        np.testing.assert_allclose(table["estimate"], fit.predict(new, re_form="none"))

    def test_two_valued_numbers_are_numbers(self, data):
        data = data.assign(half=(data["k"] > 2).astype(float))
        fit = mlm.lmer("y ~ half + f + (1 | g)", data)
        assert "Held at half = " in str(fit.emmeans("f"))
        with pytest.raises(DataError, match="'half', which is numeric"):
            fit.emmeans("half")

    def test_levels_in_the_order_of_the_design(self, data):
        data = data.assign(f=pd.Categorical(data["f"], ["c", "a", "b", "unused"]))
        fit = mlm.lmer("y ~ f + (1 | g)", data)
        assert list(fit.emmeans("f").to_frame()["f"]) == ["c", "a", "b"]

    def test_offset_is_at_its_mean(self, data):
        column = mlm.lmer("y ~ f + x + (1 | g)", data, offset="o").emmeans("f").to_frame()
        inside = mlm.lmer("y ~ f + x + offset(o) + (1 | g)", data).emmeans("f").to_frame()
        array = mlm.lmer("y ~ f + x + (1 | g)", data, offset=data["o"].to_numpy())
        pd.testing.assert_frame_equal(column, inside)
        pd.testing.assert_frame_equal(column, array.emmeans("f").to_frame())
        moved = mlm.lmer("y ~ f + x + (1 | g)", data.assign(y=data["y"] - data["o"]))
        expected = moved.emmeans("f").to_frame()["estimate"] + data["o"].mean()
        np.testing.assert_allclose(column["estimate"], expected, rtol=1e-8)
        assert "The offset is held at its mean" in str(array.emmeans("f"))

    def test_missing_rows_do_not_count(self, data):
        data = data.assign(x=data["x"].where(data["k"] != 4))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fit = mlm.lmer("y ~ f + x + C(k) + (1 | g)", data)
        table = fit.emmeans("k").to_frame()
        assert list(table["k"]) == [1, 2, 3]
        assert f"x = {data['x'].mean():.6g}" in str(fit.emmeans("k"))

    def test_recoding_changes_nothing(self, data):
        """Contrasts, scale and origin of predictors are of no consequence."""
        plain = mlm.lmer("y ~ f * x + (1 | g)", data)
        data = data.assign(x=100.0 * data["x"] - 3.0)
        other = mlm.lmer("y ~ f * x + (1 | g)", data, contrasts={"f": "sum"})
        for ours, theirs in (
            (plain.emmeans("f"), other.emmeans("f")),
            (plain.emmeans("f").contrast(), other.emmeans("f").contrast()),
        ):
            pd.testing.assert_frame_equal(ours.to_frame(), theirs.to_frame(), rtol=1e-5)

    @pytest.mark.parametrize("kind", ["polars", "dict", "pandas"])
    def test_frames_of_the_users_kind(self, data, kind):
        make = {
            "polars": pl.from_pandas,
            "dict": lambda d: d.to_dict("list"),
            "pandas": lambda d: d,
        }
        means = mlm.lmer("y ~ f + (1 | g)", make[kind](data)).emmeans("f")
        expected = pl.DataFrame if kind == "polars" else pd.DataFrame
        assert isinstance(means.to_frame(), expected)
        assert isinstance(means.contrast("eff").joint_test(), expected)

    def test_least_squares(self, data):
        fit = mlm.lmer("y ~ f + x", data)
        df = fit.emmeans("f").to_frame()["df"]
        np.testing.assert_array_equal(df, len(data) - 4)

    def test_methods_are_passed_on(self, growth):
        kr = growth.emmeans("Sex", df_method="kenward-roger")
        plain = growth.emmeans("Sex", df_method="asymptotic")
        robust = growth.emmeans("Sex", robust="CR2").to_frame()
        assert np.isinf(plain.to_frame()["df"]).all()
        assert (robust["std_error"] != plain.to_frame()["std_error"]).all()
        assert "Kenward-Roger" in str(kr)
        assert "z intervals" in str(plain)

    def test_without_predictors(self, data):
        fit = mlm.lmer("y ~ 1 + (1 | g)", data)
        [mean] = fit.emmeans().to_frame().to_dict("records")
        assert mean["term"] == "all"
        np.testing.assert_allclose(mean["estimate"], fit.beta[0], rtol=RTOL)
        assert len(fit.joint_tests()) == 0

    def test_pickle(self, crossed):
        contrasts = crossed.emmeans("f", by="k").contrast("pairwise")
        again = pickle.loads(pickle.dumps(contrasts))
        pd.testing.assert_frame_equal(again.to_frame(), contrasts.to_frame())


@pytest.fixture(scope="module")
def holes(data):
    data = data[~((data["f"] == "b") & (data["k"] == 2))]
    with pytest.warns(RankDeficientWarning):
        return mlm.lmer("y ~ f * C(k) + x + (1 | g)", data)


class TestHoles:
    """Combinations that do not occur."""

    def test_cells_are_not_estimable(self, holes):
        table = holes.emmeans(["f", "k"]).to_frame()
        lost = (table["f"] == "b") & (table["k"] == 2)
        assert table["estimate"].isna().tolist() == lost.tolist()
        assert "1 of 12 rows are not estimable" in str(holes.emmeans(["f", "k"]))
        assert "not estimable" in str(holes.emmeans("f"))

    def test_weights_of_cells_avoid_the_hole(self, holes):
        assert holes.emmeans("f").to_frame()["estimate"].isna().tolist() == [False, True, False]
        assert holes.emmeans("f", weights="cells").to_frame()["estimate"].notna().all()

    def test_no_rows_at_all(self, holes):
        table = holes.emmeans(["f", "k"], weights="cells", at={"f": "b"}).to_frame()
        assert table["estimate"].isna().tolist() == [False, True, False, False]

    def test_families_are_of_what_is_estimable(self, holes):
        contrasts = holes.emmeans("f", by="k").contrast("pairwise").to_frame()
        alone = contrasts[(contrasts["k"] == 2) & (contrasts["contrast"] == "a - c")]
        unadjusted = holes.emmeans("f", by="k").contrast("pairwise", adjust="none").to_frame()
        np.testing.assert_allclose(
            alone["p_value"], unadjusted.loc[alone.index, "p_value"], rtol=1e-8
        )

    def test_joint_tests_of_what_is_estimable(self, holes):
        table = holes.joint_tests().set_index("term")
        assert table["df"].to_dict() == {"f": 1, "k": 2, "x": 1, "f:k": 5}

    def test_collinear_columns_do_not_matter_where_they_cancel(self, data):
        with pytest.warns(RankDeficientWarning):
            twice = mlm.lmer("y ~ x + x_twice + f + (1 | g)", data)
        once = mlm.lmer("y ~ x + f + (1 | g)", data)
        pd.testing.assert_frame_equal(
            twice.emmeans("f").contrast().to_frame(), once.emmeans("f").contrast().to_frame()
        )
        pd.testing.assert_frame_equal(twice.emmeans("f").to_frame(), once.emmeans("f").to_frame())
        # x alone cannot be moved: x_twice would have to follow.
        assert twice.emtrends(None, "x").to_frame()["estimate"].isna().all()

    def test_an_empty_level_of_a_nested_factor(self, data):
        """f within k, additive in cells: differences within a level only."""
        data = data.assign(cell=data["f"] + data["k"].astype(str))
        with pytest.warns(RankDeficientWarning):
            fit = mlm.lmer("y ~ f + cell + (1 | g)", data)
        assert fit.emmeans("cell").to_frame()["estimate"].isna().all()
        found = fit.emmeans("cell", weights="cells").to_frame()
        np.testing.assert_allclose(
            found["estimate"],
            mlm.lmer("y ~ cell + (1 | g)", data).emmeans("cell").to_frame()["estimate"],
            rtol=1e-6,
        )


class TestContrasts:
    def test_are_differences(self, crossed):
        means = crossed.emmeans("f").to_frame()["estimate"].to_numpy()
        table = crossed.emmeans("f").contrast("pairwise").to_frame()
        expected = [means[0] - means[1], means[0] - means[2], means[1] - means[2]]
        np.testing.assert_allclose(table["estimate"], expected, rtol=RTOL)
        assert list(table["contrast"]) == ["a - b", "a - c", "b - c"]

    def test_by(self, crossed):
        means = crossed.emmeans(["f", "k"])
        within = means.contrast("consec", by="k").to_frame()
        pd.testing.assert_frame_equal(
            within, crossed.emmeans("f", by="k").contrast("consec").to_frame()
        )
        assert (
            len(crossed.emmeans("f", by="k").contrast("pairwise", by=()).labels["contrast"]) == 66
        )

    def test_of_contrasts(self, crossed):
        first = crossed.emmeans("f", by="k").contrast("consec")
        second = first.contrast("consec", by="contrast").to_frame()
        assert list(second.columns[:2]) == ["contrast", "contrast2"]
        cells = crossed.emmeans(["f", "k"]).to_frame()["estimate"].to_numpy().reshape(4, 3)
        expected = np.diff(np.diff(cells, axis=1), axis=0).T.ravel()
        np.testing.assert_allclose(second["estimate"], expected, rtol=1e-8)

    def test_tukey_for_others_than_pairs(self, crossed):
        means = crossed.emmeans("k")
        contrasts = means.contrast("consec", adjust="tukey")
        assert "Sidak's is used instead" in text(contrasts)
        pd.testing.assert_frame_equal(
            contrasts.to_frame(), means.contrast("consec", adjust="sidak").to_frame()
        )

    def test_minus_signs_in_labels(self, growth):
        contrasts = growth.emmeans(at={"age": [-1, 2], "Sex": "Male"}).contrast("consec")
        assert contrasts.labels["contrast"] == ["2 - (-1)"]

    def test_joint_test(self, crossed):
        """Of the same space whatever its basis; against values."""
        means = crossed.emmeans("k")
        a, b = (means.contrast(m).joint_test() for m in ("consec", "trt.vs.ctrl"))
        np.testing.assert_allclose(a["statistic"], b["statistic"], rtol=1e-8)
        assert a["df"].tolist() == means.contrast("pairwise").joint_test()["df"].tolist() == [3]
        null = means.to_frame()["estimate"].to_numpy()
        [zero] = means.joint_test(null)["statistic"]
        assert abs(zero) < 1e-15
        with pytest.raises(DataError, match="null must be one number, or 4"):
            means.joint_test([1.0, 2.0])

    def test_joint_test_counts_the_offset(self, data):
        fit = mlm.lmer("y ~ f + (1 | g)", data.assign(o=data["o"] + 5.0), offset="o")
        means = fit.emmeans("f")
        [found] = means.joint_test(means.to_frame()["estimate"].to_numpy())["p_value"]
        np.testing.assert_allclose(found, 1.0)

    def test_weights_that_cancel_involve_nothing_else(self, schools):
        """Degrees of freedom by coefficient: an effect within schools has theirs."""
        within = np.array(["cses" in name for name in schools.coef_names])
        tabled = TabledDf(
            "by level", schools.state.beta, schools.state.root, np.where(within, 7000.0, 150.0)
        )
        slopes = schools.emtrends("sector", "cses")
        means = schools.emmeans("cses", by="sector", at={"cses": [0.3, 1.7]})
        functions = replace(means.functions, tests=tabled)
        for table in (slopes, slopes.contrast("eff"), means.contrast("eff")):
            found = replace(table, functions=functions).to_frame()
            np.testing.assert_array_equal(found["df"], 7000.0)
        assert (replace(means, functions=functions).to_frame()["df"] == 150.0).all()

    def test_simultaneous_intervals(self, crossed):
        contrasts = crossed.emmeans("k").contrast("pairwise")
        table = contrasts.to_frame()
        excludes = (table["conf_low"] > 0) | (table["conf_high"] < 0)
        assert excludes.tolist() == (table["p_value"] < 0.05).tolist()
        narrow = crossed.emmeans("k", level=0.5).contrast("pairwise").to_frame()
        assert (narrow["conf_low"] > table["conf_low"]).all()


class TestTrends:
    def test_are_coefficients(self, growth):
        table = growth.emtrends("Sex", "age").to_frame()
        beta = growth.beta
        np.testing.assert_allclose(table["estimate"], [beta[1], beta[1] + beta[3]], rtol=SLOPE_RTOL)
        tests = growth.tidy()
        np.testing.assert_allclose(table["std_error"][0], tests["std_error"][1], rtol=SLOPE_RTOL)
        np.testing.assert_allclose(table["df"][0], tests["df"][1], rtol=1e-6)

    def test_of_polynomials(self, data):
        fit = mlm.lmer("y ~ x + I(x**2) + I(x**3) + (1 | g)", data)
        at = [data["x"].min(), -0.5, 0.0, 2.0, data["x"].max()]
        actual = fit.emtrends(None, "x", at={"x": at}).to_frame()["estimate"]
        b = fit.beta
        expected = [b[1] + 2 * b[2] * x + 3 * b[3] * x**2 for x in at]
        np.testing.assert_allclose(actual, expected, rtol=SLOPE_RTOL)

    def test_of_splines_up_to_their_ends(self, data):
        fit = mlm.lmer("y ~ bs(x, df=5) + (1 | g)", data)
        low, high = data["x"].min(), data["x"].max()
        step = 1e-6 * (high - low)
        table = fit.emtrends(None, "x", at={"x": [low, 0.1, high]}).to_frame()["estimate"]
        for slope, (a, b) in zip(
            table, [(low, low + step), (0.1, 0.1 + step), (high - step, high)], strict=True
        ):
            p = fit.predict(pd.DataFrame({"x": [a, b]}), re_form="none")
            np.testing.assert_allclose(slope, (p[1] - p[0]) / step, rtol=1e-4)

    def test_of_logarithms(self, data):
        fit = mlm.lmer("y ~ log(t) + (1 | g)", data)
        [slope] = fit.emtrends(None, "t", at={"t": 2.0}).to_frame()["estimate"]
        np.testing.assert_allclose(slope, fit.beta[1] / 2.0, rtol=SLOPE_RTOL)

    def test_simple_slopes(self, data):
        fit = mlm.lmer("y ~ x * z + (1 | g)", data)
        table = fit.emtrends(None, "x", at={"z": [-1, 0, 1]}).to_frame()
        expected = fit.beta[1] + fit.beta[3] * np.array([-1, 0, 1])
        np.testing.assert_allclose(table["estimate"], expected, rtol=SLOPE_RTOL)
        assert list(table["z"]) == [-1, 0, 1]

    def test_bad_input(self, data, growth):
        with pytest.raises(DataError, match="'Sex' is a factor; numeric predictors: age"):
            growth.emtrends(None, "Sex")
        with pytest.raises(DataError, match="var names 'Subject', which is no predictor"):
            growth.emtrends("Sex", "Subject")
        fit = mlm.lmer("y ~ x + offset(2 * x) + (1 | g)", data)
        with pytest.raises(NotSupportedError, match="'x' is part of the offset"):
            fit.emtrends(None, "x")


class TestJointTests:
    def test_contrasts_in_use_do_not_matter(self, data):
        plain = mlm.lmer("y ~ f * C(k) + (1 | g)", data).joint_tests()
        coded = mlm.lmer("y ~ f * C(k, contr.sum) + (1 | g)", data, contrasts={"f": "sum"})
        pd.testing.assert_frame_equal(plain, coded.joint_tests(), rtol=1e-5)
        assert list(plain["term"]) == ["f", "k", "f:k"]

    def test_a_numeric_predictor_stands_for_its_slope(self, growth):
        table = growth.joint_tests().set_index("term")
        slope = growth.emtrends(None, "age").to_frame()
        np.testing.assert_allclose(
            table.loc["age", "statistic"], slope["statistic"][0] ** 2, rtol=1e-6
        )
        np.testing.assert_allclose(table.loc["age", "df_residual"], slope["df"][0], rtol=1e-6)
        sex = growth.emmeans("Sex").contrast("pairwise").to_frame()
        np.testing.assert_allclose(table.loc["Sex", "p_value"], sex["p_value"][0], rtol=1e-6)

    def test_parts_of_terms(self, data):
        """A slope within levels has an average, too, though the formula does not name it."""
        nested = mlm.lmer("y ~ f / x + (1 | g)", data).joint_tests()
        crossed = mlm.lmer("y ~ f * x + (1 | g)", data).joint_tests()
        pd.testing.assert_frame_equal(nested, crossed, rtol=1e-5)

    def test_by(self, crossed):
        table = crossed.joint_tests(by="f")
        expected = crossed.emmeans("k", by="f").contrast("consec").joint_test()
        found = table[table["term"] == "k"].drop(columns="term").reset_index(drop=True)
        pd.testing.assert_frame_equal(found, expected, rtol=1e-6)


class TestJohnsonNeyman:
    def test_bounds_are_where_p_is_alpha(self, schools):
        result = schools.johnson_neyman("cses", "meanses")
        assert len(result.bounds) == 2
        at = {"meanses": list(result.bounds)}
        p_values = schools.emtrends(None, "cses", at=at).to_frame()["p_value"]
        np.testing.assert_allclose(p_values, 0.05, rtol=1e-6)

    def test_closed_form_in_large_samples(self, schools):
        """Bauer & Curran (2005): the roots of a quadratic in the moderator."""
        result = schools.johnson_neyman(
            "cses", "meanses", at={"sector": "Catholic"}, df_method="asymptotic", level=0.99
        )
        names = list(schools.coef_names)
        i, j = names.index("cses"), names.index("meanses:cses")
        b, v, z2 = schools.beta, schools.vcov, 2.5758293035489004**2
        roots = np.roots(
            [
                z2 * v[j, j] - b[j] ** 2,
                2 * (z2 * v[i, j] - b[i] * b[j]),
                z2 * v[i, i] - b[i] ** 2,
            ]
        )
        np.testing.assert_allclose(result.bounds, np.sort(roots), rtol=1e-7)

    def test_what_it_says(self, schools):
        result = schools.johnson_neyman("cses", "meanses", at={"sector": "Catholic"})
        moderator = load("Hsb82")["meanses"]
        assert result.observed == (moderator.min(), moderator.max())
        assert result.within_data == (False, True)
        low, high = result.bounds
        share = ((moderator <= low) | (moderator >= high)).mean()
        np.testing.assert_allclose(result.share, share)
        assert f"meanses below {low:.6g} and above {high:.6g}" in text(result)
        assert "the model is extrapolated" in text(result)
        assert "<table>" in result._repr_html_()
        assert len(result.to_frame()) == 11

    def test_a_factor_of_two_levels(self, schools):
        result = schools.johnson_neyman("sector", "cses")
        bound = next(b for b, i in zip(result.bounds, result.within_data, strict=True) if i)
        means = schools.emmeans("sector", at={"cses": bound}).contrast("pairwise")
        np.testing.assert_allclose(means.to_frame()["p_value"], 0.05, rtol=1e-6)

    def test_everywhere_and_nowhere(self, data):
        rng = np.random.default_rng(1)
        strong = data.assign(y=5 * data["x"] + 0.01 * data["x"] * data["z"] + rng.normal(size=600))
        found = mlm.lmer("y ~ x * z + (1 | g)", strong).johnson_neyman("x", "z")
        assert found.share == 1.0
        weak = data.assign(y=rng.normal(size=600))
        found = mlm.lmer("y ~ x * z", weak).johnson_neyman("x", "z", level=0.9999)
        assert found.share == 0.0
        assert "for no value of z" in str(found)

    def test_bad_input(self, data, schools, crossed):
        with pytest.raises(DataError, match="moderator 'k' is a factor"):
            crossed.johnson_neyman("x", "k")
        with pytest.raises(DataError, match="moderator 'sector' is a factor"):
            schools.johnson_neyman("cses", "sector")
        with pytest.raises(DataError, match="focal names 'nothing'"):
            schools.johnson_neyman("nothing", "cses")
        with pytest.raises(DataError, match="both 'cses'"):
            schools.johnson_neyman("cses", "cses")
        additive = mlm.lmer("y ~ x + z + (1 | g)", data)
        with pytest.raises(DataError, match="no interaction of the two, `x:z`"):
            additive.johnson_neyman("x", "z")
        three = mlm.lmer("y ~ f * x + (1 | g)", data)
        with pytest.raises(DataError, match=r"'f' is a factor of 3 levels"):
            three.johnson_neyman("f", "x")
        assert three.johnson_neyman("f", "x", at={"f": ["a", "c"]}).focal == "f"
        curved = mlm.lmer("y ~ x * poly(z, 2) + (1 | g)", data)
        with pytest.raises(NotSupportedError, match="not linear in 'z'"):
            curved.johnson_neyman("x", "z")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"specs": "fff"}, r"specs names 'fff', which is no predictor .*: f, x, k"),
        ({"specs": "f", "by": "g"}, r"by names 'g', which is no predictor"),
        (
            {"specs": "x"},
            r"specs names 'x', which is numeric; .* at=\{'x': \[...\]\}. Factors: f, k",
        ),
        ({"specs": "f", "at": {"u": 1}}, r"at names 'u', which is no predictor"),
        ({"specs": "f", "at": {"f": ["a", "z"]}}, r"'f' has no level 'z' .* 'a', 'b', 'c'"),
        ({"specs": "f", "at": {"k": 9}}, r"'k' has no level 9 .* 1, 2, 3, 4"),
        ({"specs": "f", "at": {"x": "high"}}, r"'x' is numeric, its values must be numbers"),
        ({"specs": "f", "at": {"x": [1, np.nan]}}, r"'x' is numeric, its values must be numbers"),
        ({"specs": "f", "at": {"x": []}}, r"is empty"),
    ],
)
def test_bad_specs(crossed, arguments, message):
    with pytest.raises(DataError, match=message):
        crossed.emmeans(**arguments)


def test_bad_words(crossed):
    with pytest.raises(ValueError, match="weights='outer' is not an option; choose one of 'equal'"):
        crossed.emmeans("f", weights="outer")
    with pytest.raises(ValueError, match="level=95 is not a confidence level"):
        crossed.emmeans("f", level=95)
    with pytest.raises(TypeError, match="specs must be a name or a list of names; got 3"):
        crossed.emmeans(3)
    with pytest.raises(ValueError, match="df_method='kr' is not an option"):
        crossed.emmeans("f", df_method="kr")
    means = crossed.emmeans("f", by="k")
    with pytest.raises(ValueError, match="adjust='dunnett' is not an option; choose one of"):
        means.contrast("pairwise", adjust="dunnett")
    with pytest.raises(ValueError, match="method='revpairwise' is not an option"):
        means.contrast("revpairwise")
    with pytest.raises(DataError, match="by names 'h', which is no column of the table"):
        means.contrast("pairwise", by="h")
    with pytest.raises(DataError, match="must have 3 weights, one for each of a, b, c"):
        means.contrast({"x": [1, -1]})
    with pytest.raises(DataError, match="nothing to compare 'all' with"):
        means.contrast("pairwise", by=["f", "k"])


def test_column_names_of_results_are_taken(data):
    fit = mlm.lmer("y ~ df + (1 | g)", data.rename(columns={"f": "df"}))
    with pytest.raises(DataError, match="'df' has the name of a column of the result"):
        fit.emmeans("df")


def test_grids_too_large():
    rng = np.random.default_rng(1)
    names = [f"f{i}" for i in range(7)]
    data = pd.DataFrame({n: rng.integers(0, 12, 400).astype(str) for n in names})
    data["y"], data["g"] = rng.normal(size=400), np.arange(400) % 20
    fit = mlm.lmer(f"y ~ {' + '.join(names)} + (1 | g)", data)
    with pytest.raises(NotSupportedError, match=r"35831808 rows \(12 f0 x 12 f1"):
        fit.emmeans("f0")


class TestAppearance:
    def test_text(self, crossed):
        shown = crossed.emmeans("f").contrast("pairwise")
        assert str(shown).startswith("Contrasts of marginal means of y\n")
        for part in (
            "t tests: Satterthwaite",
            "Averaged over k (equal weights).",
            "What is shown interacts with k",
            "adjusted for 3 means by Tukey's method, intervals by the same.",
        ):
            assert part in text(shown)
        holm = text(crossed.emmeans("f").contrast("pairwise", adjust="holm"))
        assert "by Holm's method, intervals by that of Bonferroni." in holm

    def test_title(self, schools):
        contrasts = schools.emmeans("sector").contrast().contrast({"twice": [2]})
        assert str(contrasts).startswith("Contrasts of marginal means of mAch\n")

    def test_html(self, crossed):
        assert "<table>" in crossed.emmeans("f")._repr_html_()

    def test_transformed_response(self, data):
        means = mlm.lmer("log(t) ~ f + (1 | g)", data).emmeans("f")
        assert "not transformed back" in text(means)
        assert repr(means).startswith("Marginal means of log(t)")

    def test_means_are_not_tested(self, crossed):
        columns = list(crossed.emmeans("f").to_frame().columns)
        assert columns == ["f", "estimate", "std_error", "df", "conf_low", "conf_high"]
        columns = list(crossed.emmeans("f").contrast().to_frame().columns)
        assert columns[4:] == ["statistic", "p_value", "conf_low", "conf_high"]
