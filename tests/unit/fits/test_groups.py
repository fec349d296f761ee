"""Tables of groups: kinds of models and data, edges, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError


@pytest.fixture(scope="module")
def sleep():
    return mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))


@pytest.fixture(scope="module")
def pastes():
    return mlm.lmer("strength ~ 1 + (1 | batch/cask)", mlm.datasets.load("pastes"))


@pytest.fixture(scope="module")
def plain():
    data = mlm.datasets.load("sleepstudy").assign(again=lambda d: 2 * d["Days"])
    with pytest.warns(mlm.exceptions.RankDeficientWarning):
        return mlm.lmer("Reaction ~ Days + again + (1 | Subject)", data)


@pytest.fixture(scope="module")
def singular():
    return mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2"))


def test_reliability_of_balanced_intercepts_is_a_formula(plain):
    tau, sigma2 = plain.state.terms[0].covariance[0, 0], plain.sigma**2
    expected = tau / (tau + sigma2 / 10)
    assert plain.reliability()["reliability"][0] == pytest.approx(expected)
    each = plain.reliability(per_group=True)["reliability"]
    assert each.to_numpy() == pytest.approx(np.full(18, expected))


def test_reliability_with_factors_above_and_below(pastes):
    """Raudenbush & Bryk 2002, ch. 8, for two rows per cask, three casks per batch."""
    cask, batch = (term.covariance[0, 0] for term in reversed(pastes.state.terms))
    if pastes.model.matrices.factors[0].name != "batch":
        cask, batch = batch, cask
    error = cask + pastes.sigma**2 / 2
    wanted = {"batch": batch / (batch + error / 3), "batch:cask": cask / error}
    table = pastes.reliability()
    for group, value in zip(table["group"], table["reliability"], strict=True):
        assert value == pytest.approx(wanted[group])
    assert table["n_groups"].tolist() == table["n_used"].tolist()


def test_shrinkage_without_slopes(plain):
    """The slope is that of the model: intercepts are means of what it leaves."""
    table = plain.shrinkage()
    data = mlm.datasets.load("sleepstudy")
    left = data["Reaction"] - plain.beta[1] * data["Days"]
    means = left.groupby(data["Subject"], observed=True).mean()
    np.testing.assert_allclose(table["no_pooling"], means[table["level"]])
    np.testing.assert_allclose(table["population"], plain.beta[0])
    moved = (table["no_pooling"] - table["partial_pooling"]) / (
        table["no_pooling"] - table["population"]
    )
    np.testing.assert_allclose(table["shrinkage"], moved, rtol=1e-6)


def test_tables_of_all_factors_and_of_one(pastes):
    table = pastes.shrinkage()
    assert set(table["group"]) == {"batch", "batch:cask"}
    one = pastes.shrinkage("batch")
    assert len(one) == 10
    both = table[table["group"] == "batch"]
    np.testing.assert_array_equal(one["no_pooling"], both["no_pooling"])
    assert len(pastes.ranks("batch:cask", n=20, rng=1)) == 30
    assert len(pastes.ranks(n=20, rng=1)) == 40


def test_a_variance_of_zero(singular):
    table = singular.reliability()
    assert table["reliability"].tolist() == [0.0]
    assert table["verdict"][0].startswith("none: no variance between groups")
    pooled = singular.shrinkage()
    np.testing.assert_array_equal(pooled["shrinkage"], 1.0)
    np.testing.assert_allclose(pooled["partial_pooling"], pooled["population"])
    ranks = singular.ranks(n=50, rng=1)
    np.testing.assert_allclose(ranks["expected_rank"], 3.5)
    assert set(ranks["verdict"]) == {"not clear"}
    tests = singular.group_differences(n=500, rng=1)
    assert (tests["p_value"] > 0.3).all()


def test_ranks(sleep):
    table = sleep.ranks(term="Days", rng=1)
    assert len(table) == 18
    assert table["expected_rank"].sum() == pytest.approx(18 * 19 / 2)
    order = table["estimate"].argsort().argsort() + 1
    assert np.abs(order - table["expected_rank"]).max() < 4
    inside = (table["conf_low"] <= table["expected_rank"]) & (
        table["expected_rank"] <= table["conf_high"]
    )
    assert inside.all()
    best = table.loc[table["expected_rank"].idxmax()]
    assert best["verdict"] == "upper half"
    assert best["percentile"] == pytest.approx(100 * (best["expected_rank"] - 0.5) / 18)
    again = sleep.ranks(term="Days", rng=1)
    pd.testing.assert_frame_equal(table, again)
    narrow = sleep.ranks(term="Days", level=0.5, rng=1)
    width = narrow["conf_high"] - narrow["conf_low"]
    assert (width <= table["conf_high"] - table["conf_low"]).all()


def test_group_differences(sleep):
    table = sleep.group_differences(n=10, rng=1)
    assert table["term"].tolist() == [
        "Intercept | Subject", "Days | Subject", "Days in (1 + Days | Subject)"
    ]  # fmt: skip
    lrt = sleep.ranova()
    assert table["p_value"][2] == lrt["p_value_mixture"][0]
    independent = mlm.lmer(
        "Reaction ~ Days + (Days || Subject)", mlm.datasets.load("sleepstudy")
    ).group_differences(n=200, rng=1)
    exact = independent[independent["test"] == "exact likelihood ratio"]
    assert exact["term"].tolist() == ["(1 | Subject)", "(0 + Days | Subject)"]
    assert exact["note"].str.contains("Greven").all()


def test_dropped_columns_have_their_reason(plain):
    table = plain.vs_ols().set_index("term")
    assert table.loc["again", "verdict"] == "dropped from the model"
    assert table.loc["again"].drop("verdict").isna().all()
    assert table.loc["Days", "verdict"].startswith("varies within Subject only; least squares over")
    assert table.loc["Days", "between"] == 0.0


def test_kind_of_frame():
    data = pl.DataFrame(mlm.datasets.load("sleepstudy").astype({"Subject": str}))
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
    for table in (
        fit.reliability(),
        fit.reliability(per_group=True),
        fit.shrinkage(),
        fit.ranks(n=5, rng=1),
        fit.group_differences(n=5, rng=1),
        fit.vs_ols(),
    ):
        assert isinstance(table, pl.DataFrame)


def test_what_is_refused(sleep):
    ordinary = mlm.lmer("Reaction ~ Days", mlm.datasets.load("sleepstudy"))
    for call in ("reliability", "shrinkage", "ranks", "group_differences", "vs_ols"):
        with pytest.raises(DataError, match="no random effects"):
            getattr(ordinary, call)()
    for call in ("reliability", "shrinkage", "ranks"):
        with pytest.raises(DataError, match=r"no grouping factor 'school'; there are: Subject\."):
            getattr(sleep, call)("school")
    with pytest.raises(DataError, match=r"no random effect 'x'; there are: Intercept, Days\."):
        sleep.ranks(term="x")
    with pytest.raises(ValueError, match="n=0 is no number of draws"):
        sleep.ranks(n=0)
    with pytest.raises(ValueError, match="level"):
        sleep.ranks(level=95)
    crossed = mlm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", mlm.datasets.load("penicillin"))
    with pytest.raises(DataError, match=r"Name the one to compare by, as in vs_ols\(cluster='pl"):
        crossed.vs_ols()
    assert len(crossed.vs_ols(cluster="plate")) == 1
    with pytest.raises(DataError, match="cluster='x' is neither"):
        crossed.vs_ols(cluster="x")


def test_least_squares_beside_is_computed_once(monkeypatch):
    """Tables are made anew, so that changing one does not change the next."""
    from multilevel.fits import ols

    calls = []
    made = ols.ols_columns
    monkeypatch.setattr(ols, "ols_columns", lambda *a: calls.append(a) or made(*a))
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    first = fit.vs_ols()
    before = float(first["ratio"][0])
    first.loc[0, "ratio"] = -1.0
    assert float(fit.vs_ols()["ratio"][0]) == before
    assert len(calls) == 1
