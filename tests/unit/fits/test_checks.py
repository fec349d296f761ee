"""Checks of fits: that they fire where they should, stay quiet where not, and say why."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError
from multilevel.fits.simulated_residuals import SimulatedResiduals

COLUMNS = [
    "check", "level", "term", "measure", "statistic", "df", "p_value", "verdict", "message",
]  # fmt: skip


def draw(rng, groups=40, size=20, **effects):
    """Two-level data by the model: a predictor of rows and one of groups."""
    g = np.repeat(np.arange(groups), size)
    n = groups * size
    x = rng.normal(size=n) + rng.normal(size=groups)[g]
    w = rng.normal(size=groups)[g]
    u, e = rng.normal(size=groups), rng.normal(size=n)
    data = {"x": x, "w": w, "g": g, "t": np.tile(np.arange(size), groups)}
    y = effects.get("y", lambda x, w, u, e, g: 1 + x + 0.5 * w + u[g] + e)
    return pd.DataFrame({**data, "y": y(x, w, u, e, g)})


def checked(table, check, level=None, term=None):
    found = table[table["check"] == check]
    for column, value in {"level": level, "term": term}.items():
        if value is not None:
            found = found[found[column] == value]
    assert len(found) == 1, found
    return found.iloc[0]


@pytest.fixture(scope="module")
def right():
    fit = mlm.lmer("y ~ x + w + (x | g)", draw(np.random.default_rng(1)))
    return fit, fit.check()


def test_the_table(right):
    fit, table = right
    assert table.columns.tolist() == COLUMNS
    assert set(table["verdict"]) <= {"ok", "look", "problem", "not checked"}
    assert not table["statistic"].isna().any()
    assert (table["message"].str.len() > 0).all()
    assert table["check"].unique().tolist() == [
        "convergence", "hessian", "singularity", "number of groups", "collinearity", "linearity",
        "exogeneity", "normality", "homoscedasticity", "outliers", "influence", "autocorrelation",
        "simulated responses",
    ]  # fmt: skip
    pd.testing.assert_frame_equal(fit.check(), table)


def test_data_by_the_model_are_ok(right):
    _, table = right
    # the slopes of x do not vary in these data, which the fit finds
    assert (table.loc[table["check"] != "singularity", "verdict"] == "ok").all()


CURVED = {"y": lambda x, w, u, e, g: x + 0.3 * x**2 + u[g] + e}
CONFOUNDED = {"y": lambda x, w, u, e, g: x + (np.bincount(g, x) / np.bincount(g))[g] + u[g] + e}
SKEWED = {"y": lambda x, w, u, e, g: x + u[g] + np.exp(1.2 * e)}
SKEWED_GROUPS = {"y": lambda x, w, u, e, g: x + 3 * np.exp(1.2 * u)[g] + e}
FANNED = {"y": lambda x, w, u, e, g: x + u[g] + np.exp(0.6 * x) * e}
UNEVEN = {"y": lambda x, w, u, e, g: x + u[g] + np.exp(0.5 * np.sin(7.0 * g)) * e}


def correlated(x, w, u, e, g):
    """Errors of an autoregression with coefficient .6 within groups."""
    errors = e.copy()
    for i in range(1, len(e)):
        if g[i] == g[i - 1]:
            errors[i] = 0.6 * errors[i - 1] + 0.8 * e[i]
    return x + u[g] + errors


@pytest.mark.parametrize(
    ("effects", "check", "level", "term", "words"),
    [
        (CURVED, "linearity", "model", "x", "add a curve"),
        (CURVED, "linearity", "model", "fitted value", "is missing"),
        (CONFOUNDED, "exogeneity", "g", "x", "within_between()"),
        (SKEWED, "normality", "rows", "residual", "transform"),
        (SKEWED_GROUPS, "normality", "g", "Intercept", "quantile plot"),
        (FANNED, "homoscedasticity", "rows", "fitted value", "fold"),
        (UNEVEN, "homoscedasticity", "g", "", "robust='CR2'"),
        ({"y": correlated}, "autocorrelation", "g", "", "expected -0.0"),
    ],
)
def test_violations_are_found(effects, check, level, term, words):
    fit = mlm.lmer("y ~ x + w + (1 | g)", draw(np.random.default_rng(2), **effects))
    found = checked(fit.check(), check, level, term)
    assert found["verdict"] in ("look", "problem")
    assert found["p_value"] < 0.01
    assert words in found["message"]


def test_outlying_row_and_group_are_named():
    data = draw(np.random.default_rng(3))
    data.loc[17, "y"] += 8
    data.loc[data["g"] == 31, "y"] += 9
    table = mlm.lmer("y ~ x + w + (1 | g)", data).check()
    assert "rows (from 0) 17 lie" in checked(table, "outliers", "rows")["message"]
    assert "groups 31 lie" in checked(table, "outliers", "g")["message"]


def test_group_that_decides_is_named():
    rng = np.random.default_rng(4)
    data = draw(rng, groups=12, size=6)
    data["w"] = np.where(data["g"] == 5, 8.0, data["w"])
    data["y"] = data["x"] + rng.normal(size=12)[data["g"]] + rng.normal(size=72)
    data.loc[data["g"] == 5, "y"] += 6
    found = checked(mlm.lmer("y ~ x + w + (1 | g)", data).check(), "influence")
    assert found["verdict"] == "problem"
    assert "without 5, w goes from" in found["message"]


def test_limits_of_the_scale_are_found():
    data = draw(np.random.default_rng(5))
    data["y"] = data["y"].clip(-1, 2)
    table = mlm.lmer("y ~ x + w + (1 | g)", data).check()
    found = table[table["check"] == "simulated responses"]
    assert found["verdict"].tolist() == ["look", "look"]
    assert found["message"].str.startswith("95% of simulated ").all()
    assert ["smallest" in text for text in found["message"]] == [True, False]


def test_order_of_time_and_of_rows():
    data = draw(np.random.default_rng(6), y=correlated)
    mixed = data.sample(frac=1.0, random_state=1).reset_index(drop=True)
    in_rows = checked(mlm.lmer("y ~ x + (1 | g)", data).check(), "autocorrelation")
    fit = mlm.lmer("y ~ x + (1 | g)", mixed)
    assert checked(fit.check(), "autocorrelation")["verdict"] == "ok"
    in_time = checked(fit.check(time="t"), "autocorrelation")
    assert in_time["statistic"] == pytest.approx(in_rows["statistic"], rel=1e-6)
    assert in_time["term"] == "t"
    days = mixed.assign(day=pd.Timestamp("2024-01-01") + pd.to_timedelta(mixed["t"], "D"))
    by_day = checked(mlm.lmer("y ~ x + (1 | g)", days).check(time="day"), "autocorrelation")
    assert by_day["statistic"] == pytest.approx(in_rows["statistic"], rel=1e-6)


def test_units_do_not_change_verdicts():
    data = draw(np.random.default_rng(7), **CURVED)
    other = data.assign(x=1e5 * data["x"] + 1e6, y=1e-4 * data["y"])
    a = mlm.lmer("y ~ x + w + (x | g)", data).check()
    b = mlm.lmer("y ~ x + w + (x | g)", other).check()
    assert a["verdict"].tolist() == b["verdict"].tolist()
    # the intercept is another effect where x is elsewhere, and so are its draws
    tested = a["p_value"].notna() & ~a["check"].isin(["normality", "simulated responses"])
    np.testing.assert_allclose(a["p_value"][tested], b["p_value"][tested], rtol=1e-3, atol=1e-8)


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ x",
        "y ~ 1",
        "y ~ 0 + x + (1 | g)",
        "y ~ 1 + (1 | g)",
        "y ~ x + (0 + x | g)",
        "y ~ x + (x || g)",
        "y ~ x + (1 | g) + (0 + x | g)",
        "y ~ x + (1 | h/g)",
        "y ~ x * w + (1 | g) + (1 | c)",
        "y ~ C(c) + x + I(2 * x) + (1 | g)",
        "y ~ poly(x, 2) + (1 | g)",
        "y ~ x + offset(w) + (1 | g)",
    ],
)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.filterwarnings("ignore::multilevel.exceptions.RankDeficientWarning")
@pytest.mark.filterwarnings("ignore::multilevel.exceptions.MissingValuesWarning")
def test_models_of_all_kinds(formula, weighted):
    rng = np.random.default_rng(8)
    data = draw(rng, groups=16, size=8)
    data["h"], data["c"] = data["g"] // 4, rng.integers(0, 5, len(data))
    data["v"] = rng.uniform(0.5, 2.0, len(data))
    data["y"] += 0.5 * rng.normal(size=5)[data["c"]]
    data.loc[3, "x"] = np.nan
    fit = mlm.lmer(formula, data, weights="v" if weighted else None)
    table = fit.check(time="t")
    assert not table["statistic"][table["verdict"] != "not checked"].isna().any()
    tested = table["p_value"].dropna()
    assert ((tested >= 0) & (tested <= 1)).all()
    for re_form in ("none", "all"):
        found = fit.simulated_residuals(20, re_form=re_form, rng=1)
        assert ((found.residuals > 0) & (found.residuals < 1)).all()
        assert found.tests()["p_value"].between(0, 1).all()


def test_same_table_with_and_without_frames():
    data = draw(np.random.default_rng(9))
    a = mlm.lmer("y ~ x + (1 | g)", data).check()
    fit = mlm.lmer("y ~ x + (1 | g)", pl.from_pandas(data))
    b = fit.check()
    assert isinstance(b, pl.DataFrame)
    assert b["verdict"].to_list() == a["verdict"].tolist()
    for table in (fit.vif(), fit.random_pca(), fit.predictive_check(n=20, rng=1)):
        assert isinstance(table, pl.DataFrame)
    found = fit.simulated_residuals(20, by="g", rng=1)
    assert isinstance(found.to_frame(), pl.DataFrame)
    assert isinstance(found.tests(), pl.DataFrame)


def test_simulated_residuals(right):
    fit, _ = right
    found = fit.simulated_residuals(99, rng=3)
    assert isinstance(found, SimulatedResiduals)
    assert repr(found) == "<SimulatedResiduals of 800 rows, 99 simulations>"
    simulated = fit.simulate(99, rng=3)
    below = (simulated < fit.model.matrices.y).sum(axis=0)
    assert ((found.residuals * 100 >= below) & (found.residuals * 100 <= below + 1)).all()
    frame = found.to_frame()
    assert frame.columns.tolist() == ["row", "fitted", "observed", "residual"]
    np.testing.assert_allclose(frame["fitted"], fit.fitted("none"))
    assert found.tests()["verdict"].tolist() == ["ok"] * 4


def test_simulated_residuals_of_groups(right):
    fit, _ = right
    found = fit.simulated_residuals(99, by="g", rng=3)
    frame = found.to_frame()
    assert frame["level"].tolist() == list(range(40))
    simulated = fit.simulate(99, rng=3).reshape(99, 40, 20).mean(axis=2)
    below = (simulated < frame["observed"].to_numpy()).sum(axis=0)
    assert ((found.residuals * 100 >= below) & (found.residuals * 100 <= below + 1)).all()
    assert repr(found) == "<SimulatedResiduals of 40 groups of g, 99 simulations>"
    of_time = fit.simulated_residuals(20, by="t", rng=3).to_frame()
    assert of_time["level"].tolist() == list(range(20))


def test_with_effects_held_simulations_are_fits_of_simulated_responses():
    data = draw(np.random.default_rng(10), groups=8, size=6)
    data["v"] = np.random.default_rng(1).uniform(0.5, 2.0, len(data))
    fit = mlm.lmer("y ~ x + offset(w) + (1 | g)", data, weights="v")
    found = fit.simulated_residuals(49, re_form="all", rng=4)
    below = np.zeros(len(data))
    P = _projection(fit)
    for y in fit.simulate(49, rng=4):
        residual = P @ (y - fit.fitted("none")) / data["v"]
        below += fit.fitted() + residual < data["y"]
    assert ((found.residuals * 50 >= below) & (found.residuals * 50 <= below + 1)).all()


def _projection(fit):
    """``P`` relative to the residual variance, from dense matrices."""
    matrices = fit.model.matrices
    codes, ratio = matrices.factors[0].codes, fit.theta[0] ** 2
    V = np.diag(1 / matrices.weights) + ratio * (codes[:, None] == codes)
    Vi, X = np.linalg.inv(V), matrices.X
    return Vi - Vi @ X @ np.linalg.inv(X.T @ Vi @ X) @ X.T @ Vi


def test_predictive_check(right):
    fit, _ = right
    table = fit.predictive_check(n=199, rng=1)
    assert table.columns.tolist() == [
        "statistic", "observed", "simulated", "conf_low", "conf_high", "p_value",
    ]  # fmt: skip
    assert (table["p_value"] > 0.02).all()
    y = fit.model.matrices.y
    own = fit.predictive_check(np.median, n=50, rng=1)
    assert own["statistic"].tolist() == ["median"]
    assert own["observed"][0] == np.median(y)
    replicated = np.median(fit.simulate(50, rng=1), axis=1)
    assert own["simulated"][0] == pytest.approx(replicated.mean())
    several = fit.predictive_check(lambda y: {"low": y.min(), "high": y.max()}, n=5, rng=1)
    assert several["statistic"].tolist() == ["low", "high"]


class TestBadInput:
    @pytest.fixture
    def fit(self):
        data = draw(np.random.default_rng(1), groups=10, size=5)
        data["when"] = data["t"].astype(float)
        data.loc[[3, 4], "when"] = np.nan
        return mlm.lmer("y ~ x + (1 | g)", data)

    def test_time(self, fit):
        with pytest.raises(DataError, match=r"no column 'hour'"):
            fit.check(time="hour")
        with pytest.raises(DataError, match=r"time='when' has missing values in 2 rows"):
            fit.check(time="when")

    def test_groups_of_simulated_residuals(self, fit):
        with pytest.raises(DataError, match="by='school' is neither a grouping factor"):
            fit.simulated_residuals(by="school")
        with pytest.raises(DataError, match="by='when' has missing values"):
            fit.simulated_residuals(by="when")

    def test_numbers_of_simulations(self, fit):
        with pytest.raises(ValueError, match="n=1 is not a number of simulations"):
            fit.simulated_residuals(1)
        with pytest.raises(ValueError, match="n=0 is not a number of simulations"):
            fit.predictive_check(n=0)

    def test_effects_held(self, fit):
        with pytest.raises(ValueError, match=r"re_form='\(1 \| g\)' is not an option"):
            fit.simulated_residuals(re_form="(1 | g)")

    def test_statistics(self, fit):
        with pytest.raises(DataError, match="not a finite number"):
            fit.predictive_check(lambda y: np.nan, n=5)
        counter = iter(range(10))
        with pytest.raises(ValueError, match="the same names every time"):
            fit.predictive_check(lambda y: {f"s{next(counter)}": 1.0}, n=5)
        with pytest.raises(ValueError, match="level"):
            fit.predictive_check(level=95)

    def test_nothing_to_tabulate(self):
        data = draw(np.random.default_rng(1), groups=10, size=5)
        with pytest.raises(DataError, match="no random effects"):
            mlm.lmer("y ~ x", data).random_pca()
        with pytest.raises(DataError, match="no fixed effects whose variance"):
            mlm.lmer("y ~ 1 + (1 | g)", data).vif()


def test_too_few_groups_for_their_means():
    data = draw(np.random.default_rng(11), groups=3, size=15)
    table = mlm.lmer("y ~ x + w + (1 | g)", data).check()
    found = checked(table, "exogeneity")
    assert found["verdict"] == "not checked"
    assert "too few groups" in found["message"]
    assert checked(table, "number of groups")["verdict"] == "problem"


def test_groups_without_residual_variance_are_named():
    data = draw(np.random.default_rng(12), groups=6, size=15)
    data.loc[data["g"] == 2, "y"] = 4.0
    table = mlm.lmer("y ~ 1 + (1 | g)", data).check()
    found = checked(table, "homoscedasticity", "g")
    assert found["message"] == "no residual variance at all in 2"
    assert found["verdict"] == "look"


def test_time_without_groups_says_so():
    table = mlm.lmer("y ~ x", draw(np.random.default_rng(14))).check(time="t")
    found = checked(table, "autocorrelation", "rows")
    assert found["verdict"] == "not checked"
    assert "no groups" in found["message"]


def test_a_lost_direction_is_named_with_its_remedy():
    rng = np.random.default_rng(15)
    data = draw(rng, groups=12, size=6)
    data["z"] = rng.normal(size=72)
    fit = mlm.lmer("y ~ x + z + (z | g)", data)
    assert fit.is_singular
    found = checked(fit.check(), "singularity")
    assert found["statistic"] == 0.0
    assert "the random effect of z" in found["message"]
    assert checked(fit.check(), "hessian")["verdict"] == "ok"
    table = fit.random_pca()
    assert table["component"].tolist() == [1, 1, 2, 2]
    assert table["share"].tolist() == [1.0, 1.0, 0.0, 0.0]
    assert table["message"].str.contains("random effect of z").tolist() == [
        False,
        False,
        True,
        True,
    ]


def test_units_of_random_effects_do_not_change_components():
    data = mlm.datasets.load("sleepstudy")
    a = mlm.lmer("Reaction ~ Days + (Days | Subject)", data).random_pca()
    hours = data.assign(Days=24.0 * data["Days"])
    b = mlm.lmer("Reaction ~ Days + (Days | Subject)", hours).random_pca()
    np.testing.assert_allclose(a["sd"], b["sd"], rtol=1e-6)
    np.testing.assert_allclose(a["loading"], b["loading"], atol=1e-6)


def test_many_groups_are_not_left_out_one_by_one(monkeypatch):
    from multilevel.fits import check_residuals

    monkeypatch.setattr(check_residuals, "_MOST_GROUPS", 30)
    found = checked(
        mlm.lmer("y ~ x + (1 | g)", draw(np.random.default_rng(1))).check(), "influence"
    )
    assert found["verdict"] == "not checked"
    assert "one of 40 groups" in found["message"]


def test_slopes_from_single_rows():
    rng = np.random.default_rng(13)
    g = np.concatenate([np.arange(30), np.repeat(np.arange(30, 45), 6)])
    x = rng.normal(size=len(g))
    y = x + rng.normal(size=45)[g] + 0.5 * rng.normal(size=45)[g] * x + rng.normal(size=len(g))
    table = mlm.lmer("y ~ x + (x | g)", {"y": y, "x": x, "g": g}).check()
    found = checked(table, "group sizes")
    assert found["statistic"] == pytest.approx(30 / 45)
    assert "one row" in found["message"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("groups", "size", "formula"),
    [(30, 8, "y ~ x + w + (1 | g)"), (40, 20, "y ~ x + w + (1 | g)"), (10, 5, "y ~ x + (1 | g)")],
)
def test_false_alarms(groups, size, formula):
    """Tests of data by the model reject as often as they say, verdicts are hardly ever bad."""
    rng = np.random.default_rng(20240901)
    n = 400
    p_values: dict[tuple[str, str, str], list[float]] = {}
    bad = 0
    for _ in range(n):
        table = mlm.lmer(formula, draw(rng, groups, size)).check()
        bad += (table["verdict"] == "problem").sum()
        for one in table[table["p_value"].notna()].itertuples():
            p_values.setdefault((one.check, one.level, one.term), []).append(one.p_value)
    for key, values in p_values.items():
        share = np.mean(np.array(values) < 0.05)
        # three and a half Monte-Carlo standard errors, and approximations for few rows
        assert share < 0.05 + 3.5 * (0.05 * 0.95 / n) ** 0.5 + 0.01, (key, share)
    assert bad / n < (0.02 if groups > 10 else 0.1)


@pytest.mark.slow
@pytest.mark.parametrize("re_form", ["none", "all"])
def test_false_alarms_of_simulated_residuals(re_form):
    rng = np.random.default_rng(20240902)
    n = 400
    found = []
    for i in range(n):
        fit = mlm.lmer("y ~ x + w + (1 | g)", draw(rng, 30, 8))
        found.append(fit.simulated_residuals(99, re_form=re_form, rng=i).tests()["p_value"])
    share = np.mean(np.array(found) <= 0.05, axis=0)
    assert (share < 0.05 + 3.5 * (0.05 * 0.95 / n) ** 0.5 + 0.01).all(), share


def test_an_ok_says_why_where_size_or_p_value_do_not():
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy", "pandas"))
    found = checked(fit.check(time="Days"), "homoscedasticity", "rows")
    assert found["verdict"] == "ok"
    assert found["message"].endswith("varies 3.34 fold, which may be chance (p is not below .01)")
    hsb = mlm.datasets.load("hsb", "pandas")
    table = mlm.lmer("math ~ cses + meanses + (1 | school)", hsb).check()
    found = checked(table, "homoscedasticity", "school")
    assert found["message"].endswith("varies 1.36 fold, real but too little to matter")


def test_heavy_tails_are_no_skew():
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy", "pandas"))
    message = checked(fit.check(), "normality", "rows")["message"]
    assert "some rows lie far out" in message
    assert "transform" not in message
