"""Intraclass correlations, partitions of variance and variance explained."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import multilevel as mlm
from multilevel.design.matrices import GroupingFactor
from multilevel.exceptions import DataError, MissingValuesWarning, NotSupportedError
from multilevel.levels.level_parts import level_parts
from reference.datasets import load

# theta of two parametrisations of one model agrees to about the root of the Newton decrement.
REFIT = 1e-6


def simulated(seed=0, schools=12, classes=3, size=6):
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(schools), classes * size)
    room = np.repeat(np.arange(schools * classes), size)
    item = rng.integers(0, 7, len(school))
    x = rng.normal(size=len(school)) + rng.normal(size=schools)[school]
    y = 1 + 0.5 * x + rng.normal(size=schools)[school] * (1 + 0.5 * x)
    y += 0.7 * rng.normal(size=schools * classes)[room] + 0.6 * rng.normal(size=7)[item]
    y += rng.normal(size=len(school))
    return pd.DataFrame({"y": y, "x": x, "school": school, "room": room, "item": item})


@pytest.fixture(scope="module")
def data():
    return simulated()


@pytest.fixture(scope="module")
def nested(data):
    return mlm.lmer("y ~ x + (1 | school/room)", data)


@pytest.fixture(scope="module")
def sloped(data):
    return mlm.lmer("y ~ x + (x | school)", data)


# -- intraclass correlations ----------------------------------------------------------------------


def test_two_rows_of_an_inner_group_share_the_outer_one(nested):
    table = nested.icc().set_index("group")
    inner = next(name for name in table.index if name != "school")
    assert table.loc["school", "correlation"] == table.loc["school", "icc"]
    assert table.loc[inner, "correlation"] == pytest.approx(table["icc"].sum())
    crossed = mlm.lmer("y ~ x + (1 | school) + (1 | item)", simulated())
    assert crossed.icc()["correlation"].tolist() == crossed.icc()["icc"].tolist()


def test_slopes_average_over_rows(sloped, data):
    covariance = sloped.state.terms[0].covariance
    z = np.column_stack([np.ones(len(data)), data["x"]])
    variance = np.mean(np.einsum("ni,ij,nj->n", z, covariance, z))
    table = sloped.icc()
    assert table["variance"][0] == pytest.approx(variance)
    assert table["icc"][0] == pytest.approx(variance / (variance + sloped.sigma**2))


def test_at_a_value_of_the_predictor(sloped):
    covariance = sloped.state.terms[0].covariance
    for value in (-1.0, 0.0, 2.5):
        variance = np.array([1, value]) @ covariance @ np.array([1, value])
        table = sloped.icc(at={"x": value})
        assert "icc_unadjusted" not in table
        assert table["icc"][0] == pytest.approx(variance / (variance + sloped.sigma**2))
    partition = sloped.variance_partition(at={"x": 0.0})
    assert partition["source"].tolist() == ["school", "residual"]


def test_delta_method_follows_differences(sloped):
    """Gradient of the share by moving the variances along the curvature's parameters."""
    table = sloped.icc(conf_int=True)
    share, error = table["icc"][0], table["std_error"][0]
    half = np.log(table["conf_high"] / (1 - table["conf_high"]))[0] - np.log(share / (1 - share))
    assert half == pytest.approx(1.959964 * error / (share * (1 - share)), rel=1e-6)


def test_intervals_agree_where_there_is_much_data():
    fit = mlm.lmer("math ~ 1 + (1 | school)", mlm.datasets.load("hsb"))
    ways = [
        fit.icc(conf_int=True, method=m, n=200, rng=1) for m in ("delta", "profile", "bootstrap")
    ]
    low, high = (np.array([way[bound][0] for way in ways]) for bound in ("conf_low", "conf_high"))
    # 200 replicates leave quantiles an error of about 0.005.
    np.testing.assert_allclose(low, low[1], atol=0.01)
    np.testing.assert_allclose(high, high[1], atol=0.01)


def test_profile_limits_are_where_the_criterion_has_risen():
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff"))
    table = fit.icc(conf_int=True, method="profile")
    bottom = fit.model.deviance(fit.theta)
    for bound in ("conf_low", "conf_high"):
        share = table[bound][0]
        theta = np.sqrt(share / (1 - share))
        assert fit.model.deviance(np.array([theta])) - bottom == pytest.approx(3.841459, rel=1e-6)


def test_no_variance_between_groups():
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff2"))
    table = fit.icc(conf_int=True)
    assert table["icc"][0] == 0.0
    assert table[["std_error", "conf_low", "conf_high"]].isna().all(axis=None)
    profile = fit.icc(conf_int=True, method="profile")
    assert profile["conf_low"][0] == 0.0
    assert 0.0 < profile["conf_high"][0] < 1.0
    np.testing.assert_allclose(fit.r2()["r2"], 0.0, atol=1e-25)
    sources = fit.r2("rights-sterba")
    without = sources[sources["scope"] == "Batch"]
    assert without["share"].isna().all()
    assert set(without["note"]) == {"there is no variance at this level"}
    assert fit.design_effect()["design_effect"][0] == 1.0


def test_in_one_call(data):
    table = mlm.icc(data, "y", "school/room")
    fit = mlm.lmer("y ~ 1 + (1 | school/room)", data)
    np.testing.assert_allclose(table["icc"], fit.icc()["icc"])
    np.testing.assert_allclose(table["design_effect"], fit.design_effect()["design_effect"])
    both = mlm.icc(pl.DataFrame(data), "y", ["school", "item"])
    assert isinstance(both, pl.DataFrame)
    assert both["group"].to_list() == ["school", "item"]


def test_in_one_call_with_missing_values_and_odd_names(data):
    holes = data.rename(columns={"y": "the outcome"})
    holes.loc[[1, 5], "the outcome"] = np.nan
    with pytest.warns(MissingValuesWarning):
        table = mlm.icc(holes, "the outcome", "school")
    with pytest.warns(MissingValuesWarning):
        fit = mlm.lmer("`the outcome` ~ 1 + (1 | school)", holes)
    np.testing.assert_allclose(table["icc"], fit.icc()["icc"])


@given(st.floats(-50, 50), st.floats(0.01, 100))
@settings(max_examples=15, deadline=None)
def test_shares_do_not_depend_on_units(shift, scale):
    data = simulated(3)
    moved = data.assign(y=shift - scale * data["y"], x=shift + scale * data["x"])
    a, b = (mlm.lmer("y ~ x + (x | school)", frame) for frame in (data, moved))
    for table in ("icc", "r2"):
        ours, theirs = getattr(a, table)(), getattr(b, table)()
        column = "icc" if table == "icc" else "r2"
        np.testing.assert_allclose(ours[column], theirs[column], rtol=REFIT)
    ours, theirs = (fit.r2("rights-sterba")["share"] for fit in (a, b))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-9)


# -- variance explained ---------------------------------------------------------------------------


def test_sources_add_up(data):
    for formula in (
        "y ~ x + I(x**2) + (x | school) + (1 | room)",
        "y ~ x + (x | school) + (x | item)",
    ):
        fit = mlm.lmer(formula, data)
        table = fit.r2("rights-sterba")
        for _, rows in table.groupby("scope"):
            assert rows["share"].sum() == pytest.approx(1.0)
        total = table[table["scope"] == "total"].set_index("source")["variance"]
        parts = fit.variance_partition().set_index("source")["variance"]
        assert total["fixed"].sum() == pytest.approx(parts["fixed effects"])
        random = total["slopes"].sum() + total["intercepts"].sum()
        expected = parts.drop(["fixed effects", "residual"]).sum()
        assert random == pytest.approx(expected, rel=2 / len(data))  # n - 1 against n


def test_centring_does_not_matter(data):
    """Predictors centred within groups, as Rights and Sterba ask, or not: the same model."""
    split = mlm.center(data, "x", by="school", how="between")
    split["deviation"] = split["x"] - split["x_between"]
    raw = mlm.lmer("y ~ x + x_between + (1 | school)", split)
    centred = mlm.lmer("y ~ deviation + x_between + (1 | school)", split)
    a, b = (fit.r2("rights-sterba")["share"] for fit in (raw, centred))
    np.testing.assert_allclose(a, b, rtol=REFIT)


def test_parts_of_crossed_factors_are_those_of_least_squares():
    rng = np.random.default_rng(2)
    codes = [rng.integers(0, n, 200).astype(np.int32) for n in (5, 9)]
    factors = [
        GroupingFactor(name, (name,), code, np.arange(code.max() + 1))
        for name, code in zip("ab", codes, strict=True)
    ]
    x = rng.normal(size=200)
    parts = level_parts(x, factors)
    np.testing.assert_allclose(sum(parts), x, atol=1e-12)
    dummies = np.column_stack([code[:, None] == np.arange(code.max() + 1) for code in codes])
    fitted = dummies @ np.linalg.lstsq(dummies.astype(float), x, rcond=None)[0]
    np.testing.assert_allclose(parts[-1], x - fitted, atol=1e-8)


def test_given_baseline(data):
    small, large = (mlm.lmer(f, data) for f in ("y ~ 1 + (1 | school)", "y ~ x + (1 | school)"))
    for method in ("raudenbush-bryk", "snijders-bosker"):
        own, given_ = large.r2(method), large.r2(method, baseline=small)
        np.testing.assert_allclose(own["r2"], given_["r2"], rtol=1e-6)
    assert large.r2("raudenbush-bryk", baseline=large)["r2"].tolist() == [0.0, 0.0]


def test_negative_reduction_is_explained():
    rng = np.random.default_rng(1)
    school = np.repeat(np.arange(15), 20)
    x = rng.normal(size=300)
    x -= pd.Series(x).groupby(school).transform("mean").to_numpy()
    y = 2 * x + rng.normal(size=300) + 0.8 * rng.normal(size=15)[school]
    table = mlm.lmer("y ~ x + (1 | g)", {"y": y, "x": x, "g": school}).r2("raudenbush-bryk")
    school_row = pd.DataFrame(table).iloc[0]
    assert school_row["r2"] < 0.0
    assert school_row["note"].startswith("negative")


# -- bad input ------------------------------------------------------------------------------------


def test_no_random_effects(data):
    fit = mlm.lmer("y ~ x", data)
    for call in (fit.icc, fit.design_effect, lambda: fit.r2("rights-sterba")):
        with pytest.raises(DataError, match=r"no random effects.*\(1 \| school\)"):
            call()
    marginal, conditional = fit.r2()["r2"]
    assert marginal == conditional


def test_bad_arguments(data, nested, sloped):
    with pytest.raises(DataError, match=r"one value for each random slope \(x\)"):
        sloped.icc(at={"z": 1.0})
    with pytest.raises(NotSupportedError, match="one random effect; use method='delta'"):
        nested.icc(conf_int=True, method="profile")
    with pytest.raises(NotSupportedError, match="fit the model without random slopes"):
        sloped.r2("snijders-bosker")
    with pytest.raises(DataError, match="other rows or another response"):
        sloped.r2("raudenbush-bryk", baseline=mlm.lmer("y ~ x + (1 | school)", data.iloc[:-3]))
    with pytest.raises(DataError, match="same grouping factors"):
        sloped.r2("raudenbush-bryk", baseline=mlm.lmer("y ~ x + (1 | item)", data))
    with pytest.raises(ValueError, match="leave baseline out"):
        sloped.r2(baseline=sloped)
    with pytest.raises(DataError, match="baseline must be a fit"):
        sloped.r2("raudenbush-bryk", baseline="null")
    with pytest.raises(ValueError, match="method='mcfadden'"):
        sloped.r2("mcfadden")
    with pytest.raises(DataError, match="groups is empty"):
        mlm.icc(data, "y", [])
