"""Tables of influence and residuals: units, notes, kinds of frames, refusals."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import multilevel as mlm
from multilevel.exceptions import (
    DataError,
    MissingValuesWarning,
    NotSupportedError,
    RankDeficientWarning,
)


@pytest.fixture(scope="module")
def data():
    return mlm.datasets.load("sleepstudy")


@pytest.fixture(scope="module")
def three(data):
    """Three subjects, one of which has a column of its own."""
    some = data[data["Subject"].isin(["308", "309", "310"])].reset_index(drop=True)
    return some.assign(own=(some["Subject"] == "308") * 1.0)


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer("Reaction ~ Days + (Days | Subject)", data)


MEASURES = ["cooks_distance", "mdffits", "covratio", "covtrace"]
EFFECTS = [
    "estimate__Intercept", "estimate__Days", "dfbetas__Intercept", "dfbetas__Days",
]  # fmt: skip


def test_columns(fit):
    assert list(fit.influence().columns) == ["row", *MEASURES, *EFFECTS, "note"]
    groups = ["group", "level", "n_rows"]
    assert list(fit.influence("Subject").columns) == [*groups, *MEASURES, *EFFECTS, "note"]
    changes = ["rvc__Intercept|Subject", "rvc__Days|Subject", "rvc__residual"]
    exact = fit.influence("Subject", exact=True)
    assert list(exact.columns) == [*groups, *MEASURES, *EFFECTS, *changes, "note"]
    assert exact["level"].tolist() == fit.ranef()["level"][::2].tolist()


def test_exact_deletion_is_the_fit_without_the_rows(fit, data):
    exact = fit.influence("Subject", exact=True).set_index("level")
    rest = mlm.lmer(fit.formula, data[data["Subject"] != "335"])
    row = exact.loc["335"]
    np.testing.assert_allclose(row[["estimate__Intercept", "estimate__Days"]].tolist(), rest.beta)
    ratio = (rest.sigma / fit.sigma) ** 2 - 1.0
    assert row["rvc__residual"] == pytest.approx(ratio, abs=1e-6)


def test_workers_change_nothing(fit):
    one, two = (fit.influence("Subject", exact=True, n_jobs=n) for n in (1, 2))
    assert one.equals(two)


def test_rows_are_positions_in_the_data(three):
    holes = three.copy()
    holes.loc[3, "Reaction"] = np.nan
    with pytest.warns(MissingValuesWarning):
        fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", holes)
    for table in (fit.influence(), fit.influence(exact=True), fit.level_residuals()):
        assert table["row"].tolist() == [*range(3), *range(4, 30)]


def test_frames_are_of_the_kind_of_the_data(data, fit):
    other = mlm.lmer(fit.formula, pl.from_pandas(data))
    for expected, found in (
        (fit.influence("Subject"), other.influence("Subject")),
        (fit.level_residuals("Subject"), other.level_residuals("Subject")),
    ):
        assert isinstance(found, pl.DataFrame)
        assert found.columns == list(expected.columns)


@pytest.mark.parametrize("exact", [False, True])
def test_a_note_says_why_a_group_cannot_be_left_out(three, exact):
    fit = mlm.lmer("Reaction ~ Days + own + (1 | Subject)", three)
    table = fit.influence("Subject", exact=exact)
    row = table.iloc[0]
    assert row["note"] == "without it the fixed effects are not identified"
    assert row.drop(["group", "level", "n_rows", "note"]).isna().all()


def test_a_note_says_why_there_is_no_fit_without_a_group(three):
    two = three[three["Subject"] != "310"]
    fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", two)
    exact = fit.influence("Subject", exact=True)
    assert exact["note"].str.contains("'Subject' has only one level").all()
    assert exact["cooks_distance"].isna().all()
    assert (fit.influence("Subject")["note"] == "").all()  # variances held


def test_a_row_with_a_column_of_its_own(data):
    fit = mlm.lmer("Reaction ~ Days + own + (1 | Subject)", data.assign(own=data.index == 7))
    for table in (fit.influence(), fit.influence(exact=True)):
        assert (table["note"] != "").to_numpy().nonzero()[0].tolist() == [7]
        assert table["cooks_distance"].isna().to_numpy().nonzero()[0].tolist() == [7]
    table = fit.level_residuals(scale="studentized")
    assert table["note"][7] == "fitted exactly whatever the response"
    assert table["residual"].isna().sum() == 1


def test_a_variance_of_zero_has_no_relative_change_and_no_residuals():
    rng = np.random.default_rng(1)
    data = {"g": np.repeat(np.arange(8), 4), "y": rng.normal(size=32)}
    data["y"] -= np.repeat(data["y"].reshape(8, 4).mean(axis=1), 4)
    fit = mlm.lmer("y ~ 1 + (1 | g)", data)
    assert fit.is_singular
    table = fit.influence("g", exact=True)
    assert [name for name in table if name.startswith("rvc__")] == ["rvc__residual"]
    table = fit.level_residuals("g", scale="studentized")
    assert (table["note"] == "its variance is estimated as zero").all()


def test_dropped_columns_have_no_influence(data):
    with pytest.warns(RankDeficientWarning):
        fit = mlm.lmer(
            "Reaction ~ Days + twice + (1 | Subject)", data.assign(twice=2 * data["Days"])
        )
    for exact in (False, True):
        table = fit.influence("Subject", exact=exact)
        assert "dfbetas__twice" not in table
        assert np.isfinite(table["dfbetas__Days"]).all()


def test_groups_without_own_estimates_say_so(data):
    single = data.drop(index=data.index[1:10])  # one row of the first subject
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", single)
    table = fit.level_residuals("Subject", kind="least-squares")
    assert table["residual"].isna().tolist() == [True] * 2 + [False] * 34
    assert (table["note"][:2] == "the group's rows do not determine it").all()
    assert (table["note"][2:] == "").all()


def test_residuals_by_group_are_the_modes(fit):
    table = fit.level_residuals("Subject")
    np.testing.assert_array_equal(table["residual"], fit.ranef()["estimate"])
    assert table["term"].tolist() == fit.ranef()["term"].tolist()


def test_fitted_is_what_was_subtracted(fit, data):
    for kind in ("conditional", "marginal", "least-squares"):
        table = fit.level_residuals(kind=kind)
        np.testing.assert_allclose(table["fitted"] + table["residual"], data["Reaction"])


def test_refusals(fit, data):
    with pytest.raises(
        DataError, match=r"'school' is no level .*; the levels are 'rows', 'Subject'"
    ):
        fit.influence("school")
    with pytest.raises(DataError, match="'school' is no level"):
        fit.level_residuals("school")
    with pytest.raises(ValueError, match="exact must be True or False"):
        fit.influence("Subject", exact="yes")
    with pytest.raises(ValueError, match="kind='ls' is not an option"):
        fit.level_residuals(kind="ls")
    with pytest.raises(NotSupportedError, match="Marginal residuals are of rows"):
        fit.level_residuals("Subject", kind="marginal")
    with pytest.raises(DataError, match="no fixed effects"):
        mlm.lmer("Reaction ~ 0 + (1 | Subject)", data).influence()
    with pytest.raises(DataError, match="no random effects"):
        mlm.lmer("Reaction ~ Days", data).level_residuals(kind="least-squares")


def test_refusals_for_crossed_groups():
    rng = np.random.default_rng(5)
    a, b = np.divmod(np.arange(60) % 30, 5)
    y = rng.normal(size=6)[a] + rng.normal(size=5)[b] + 0.1 * rng.normal(size=60)
    fit = mlm.lmer("y ~ 1 + (1 | a) + (1 | b)", {"a": a, "b": b, "y": y})
    with pytest.raises(NotSupportedError, match="'a' lie in several groups of 'b'"):
        fit.level_residuals(kind="least-squares")
    with pytest.raises(NotSupportedError, match="no simple variance of their own"):
        fit.level_residuals("a", kind="least-squares", scale="studentized")


def test_hat_values_sum_to_the_effective_number_of_parameters(fit):
    total = fit.hatvalues().sum()
    assert 2 < total < 2 + 36
    np.testing.assert_array_equal(fit.hatvalues(), fit.augment()["leverage"])


def test_groups_are_left_out_once(data, monkeypatch):
    """Tables are made anew, so that changing one does not change the next."""
    from multilevel.fits import deletions

    calls = []
    delete = deletions.delete_groups
    monkeypatch.setattr(deletions, "delete_groups", lambda *a: calls.append(a) or delete(*a))
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
    first = fit.influence("Subject")
    before = float(first["cooks_distance"][0])
    first.loc[0, "cooks_distance"] = -1.0
    assert float(fit.influence("Subject")["cooks_distance"][0]) == before
    assert len(calls) == 1
