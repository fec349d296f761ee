"""Power by simulation: against closed forms, its statistics, its designs, its errors."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import beta, nct, norm
from scipy.stats import t as student

import multilevel as mlm
from multilevel.exceptions import DataError, MultilevelWarning, NotSupportedError
from multilevel.planning.estimates import Criteria, estimates
from multilevel.planning.needed import groups_needed
from multilevel.planning.study import power

if TYPE_CHECKING:
    from multilevel.planning.result import Power

TRIAL = {"fixed": {"Intercept": 1.0, "treated": 0.5}, "level2": {"treated": "treatment"},
         "random": {"Intercept": 0.5}, "sigma": 1.0}  # fmt: skip
SLOPES = {
    "fixed": {"Intercept": 50, "ses": 2, "resources": 3, "ses:resources": 0.8},
    "level1": ["ses"],
    "level2": ["resources"],
    "random": {"Intercept": 4, "ses": 1, ("Intercept", "ses"): 0.3},
    "sigma": 6,
}
# Seeds are fixed: a simulated share may be this many Monte Carlo errors from the exact one.
ERRORS = 3.0


def exact_power(effect: float, tau: float, sigma: float, groups: int, size: int) -> float:
    """Two-arm cluster trial: Var = 4 (tau^2 + sigma^2 / n) / J, noncentral t with J - 2 df."""
    shift = effect / np.sqrt(4.0 * (tau**2 + sigma**2 / size) / groups)
    bound = student.isf(0.025, groups - 2)
    return float(nct.sf(bound, groups - 2, shift) + nct.cdf(-bound, groups - 2, shift))


@pytest.fixture(scope="module")
def trial() -> Power:
    return power(TRIAL, "treated", n_groups=[16, 36, 60], n_per_group=10, nsim=400, rng=3)


@pytest.fixture(scope="module")
def sleep() -> mlm.LinearMixedModel:
    data = mlm.datasets.load("sleepstudy", "pandas")
    return mlm.lmer("Reaction ~ Days + (Days | Subject)", data)


class TestClosedForm:
    def test_two_arm_cluster_trial(self, trial):
        for row in trial.table.itertuples():
            exact = exact_power(0.5, 0.5, 1.0, row.n_groups, row.n_per_group)
            assert abs(row.power - exact) < ERRORS * np.sqrt(exact * (1.0 - exact) / 400)

    def test_standard_deviation_of_the_estimates(self, trial):
        for row in trial.table.itertuples():
            exact = np.sqrt(4.0 * (0.25 + 1.0 / 10) / row.n_groups)
            # relative error of a standard deviation of 400 draws is 1 / sqrt(800)
            assert abs(row.sd / exact - 1.0) < ERRORS / np.sqrt(800)
            assert abs(row.bias) < ERRORS * exact / np.sqrt(400)

    def test_groups_needed(self, trial):
        exact = next(J for J in range(4, 200, 2) if exact_power(0.5, 0.5, 1.0, J, 10) >= 0.8)
        row = trial.needed(0.8).iloc[0]
        assert row["conf_low"] <= exact <= row["conf_high"]
        assert not row["extrapolated"]
        assert row["n_groups"] == np.ceil(row["n_groups"])

    def test_randomised_within_groups(self):
        # treatment at level 1: the random intercept cancels, the effect is a difference of means
        model = {**TRIAL, "level1": {"treated": "treatment"}, "level2": ()}
        row = power(model, {"treated": 0.3}, n_groups=20, n_per_group=20, nsim=400, rng=1)
        exact = norm.sf(1.96 - 0.3 / np.sqrt(4.0 / 400))
        assert abs(row.table["power"][0] - exact) < ERRORS * np.sqrt(exact * (1.0 - exact) / 400)

    @pytest.mark.parametrize("groups", [10, 40])
    def test_type_one_error(self, groups):
        found = power(TRIAL, {"treated": 0.0}, n_groups=groups, n_per_group=8, nsim=800, rng=2)
        row = found.table.iloc[0]
        assert abs(row["power"] - 0.05) < ERRORS * np.sqrt(0.05 * 0.95 / 800)
        assert np.isnan(row["type_s"])
        assert np.isnan(row["exaggeration"])
        assert "the rate of type-I errors" in str(found)

    @pytest.mark.slow
    def test_type_one_error_of_an_interaction(self):
        row = power(SLOPES, {"ses:resources": 0}, n_groups=30, n_per_group=10, nsim=10_000, rng=1)
        # Satterthwaite's test is an approximation: within 0.01, and Monte Carlo error 0.002
        assert abs(row.table["power"][0] - 0.05) < 0.015

    def test_ignoring_a_random_slope_finds_what_is_not_there(self):
        zero = {"ses:resources": 0.0}
        sizes = {"n_groups": 20, "n_per_group": 40, "nsim": 200, "rng": 1}
        model = {**SLOPES, "random": {"Intercept": 4, "ses": 3}}
        right = power(model, zero, **sizes).table.iloc[0]
        short = power(model, zero, formula="y ~ ses * resources + (1 | group)", **sizes).table
        assert right["power"] < 0.1
        assert short["power"][0] > 0.2
        assert short["se_ratio"][0] < 0.7 < 0.85 < right["se_ratio"]
        assert short["coverage"][0] < right["coverage"]


class TestEstimates:
    def test_by_hand(self):
        # three replicates of one effect of true size 1: found, found with the wrong sign, missed
        values = np.array([[3.0, 1.0, np.inf, 0], [-2.5, 1.0, np.inf, 1], [0.5, 1.0, np.inf, 0]])
        got = estimates(values, np.array([1.0]), Criteria(4, 0.05, 0.95))
        assert got["power"] == [0.5]  # of four: one failed, and counts as not significant
        assert got["mc_error"] == pytest.approx([0.25])
        assert got["bias"] == pytest.approx([1.0 / 3.0 - 1.0])
        assert got["sd"] == pytest.approx([np.std([3.0, -2.5, 0.5], ddof=1)])
        assert got["se_ratio"] == pytest.approx(1.0 / got["sd"])
        # intervals 1.04..4.96, -4.46..-0.54, -1.46..2.46
        assert got["coverage"] == pytest.approx([1.0 / 3.0])
        assert got["type_s"] == [0.5]
        assert got["exaggeration"] == [2.75]
        assert (got["n_singular"], got["n_failed"], got["nsim"]) == ([1], [1], [4])
        assert got["conf_low"] == pytest.approx([beta.ppf(0.025, 2, 3)])
        assert got["conf_high"] == pytest.approx([beta.ppf(0.975, 3, 2)])

    def test_bounds_of_zero_and_one(self):
        none = np.array([[0.1 * i, 1.0, np.inf, 0] for i in range(5)])
        got = estimates(none, np.array([1.0]), Criteria(5, 0.05, 0.95))
        assert got["conf_low"] == [0.0]
        assert got["conf_high"] == pytest.approx([1.0 - 0.025 ** (1 / 5)])
        assert np.isnan(got["exaggeration"]).all()
        every = estimates(none + np.array([9.0, 0, 0, 0]), np.array([1.0]), Criteria(5, 0.05, 0.95))
        assert every["conf_high"] == [1.0]


class TestNeeded:
    def test_line_on_the_probit_scale(self):
        groups = np.array([10.0, 20.0, 40.0, 80.0])
        exact = norm.cdf(-1.0 + 0.3 * np.sqrt(groups))
        found, low, high = groups_needed(groups, exact, 1000, 0.8, 0.95)
        assert found == pytest.approx(((1.0 + norm.ppf(0.8)) / 0.3) ** 2, rel=1e-8)
        assert low < found < high

    @pytest.mark.parametrize(
        ("effect", "groups"),
        [(0.3, [40, 80, 160, 320]), (0.5, [16, 36, 60]), (1.2, [4, 6, 10, 16])],
    )
    def test_line_is_close_to_the_noncentral_t_distribution(self, effect, groups):
        curve = np.array([exact_power(effect, 0.5, 1.0, J, 10) for J in groups])
        found, *_ = groups_needed(np.array(groups, dtype=float), curve, 1000, 0.8, 0.95)
        many = np.linspace(4.0, 400.0, 4000)
        exact = many[np.argmax([exact_power(effect, 0.5, 1.0, J, 10) >= 0.8 for J in many])]
        # least so with few degrees of freedom, which change along the curve
        assert found == pytest.approx(exact, rel=0.02 if max(groups) < 20 else 0.005)

    def test_interval_covers(self):
        rng = np.random.default_rng(4)
        groups = np.array([10.0, 20.0, 30.0, 50.0])
        truth = ((1.0 + norm.ppf(0.8)) / 0.3) ** 2
        held = 0
        for _ in range(400):
            share = rng.binomial(500, norm.cdf(-1.0 + 0.3 * np.sqrt(groups))) / 500
            _, low, high = groups_needed(groups, share, 500, 0.8, 0.95)
            held += low <= truth <= high
        assert abs(held / 400 - 0.95) < ERRORS * np.sqrt(0.95 * 0.05 / 400)

    def test_extrapolation_is_said(self, trial):
        assert bool(trial.needed(0.999)["extrapolated"][0])

    def test_refusals(self, trial):
        with pytest.raises(DataError, match="power must lie between 0 and 1; got 80"):
            trial.needed(80)
        with pytest.raises(ValueError, match="level=95 is not a confidence level"):
            trial.needed(level=95)
        one = power(TRIAL, "treated", n_groups=20, n_per_group=5, nsim=20, rng=1)
        with pytest.raises(DataError, match=r"'treated', 5 rows per group: .* two designs"):
            one.needed()
        groups, falling = np.array([10.0, 40.0]), np.array([0.6, 0.3])
        with pytest.raises(DataError, match="does not rise"):
            groups_needed(groups, falling, 1000, 0.8, 0.95)

    def test_a_flat_curve_has_an_open_interval(self):
        _, low, high = groups_needed(np.array([10.0, 12.0]), np.array([0.50, 0.51]), 100, 0.8, 0.95)
        assert (low, high) == (0.0, np.inf)


class TestStated:
    def test_all_combinations_and_terms(self):
        found = power(
            SLOPES, ["ses", "ses:resources"], n_groups=[30, 12], n_per_group=[4, (3, 8)], nsim=5,
            rng=1,
        )  # fmt: skip
        table = found.table
        assert table["term"].tolist() == ["ses", "ses:resources"] * 4
        assert table["n_groups"].tolist() == [12, 12, 30, 30] * 2
        assert table["n_per_group"].tolist() == [4] * 4 + [5.5] * 4
        assert table["n_rows"].tolist() == [48, 48, 120, 120, 66, 66, 165, 165]
        assert table["effect"].tolist() == [2.0, 0.8] * 4

    def test_formula_follows_from_the_statement(self):
        model = {
            **SLOPES,
            "level1": ["ses", "age"],
            "random": {"Intercept": 1, "ses": 1},
            "outcome": "math",
            "group": "school",
        }
        found = power(model, {"age:resources:ses": 0.1}, n_groups=20, n_per_group=5, nsim=2, rng=1)
        fixed = "ses + age + resources + ses:resources + age:resources + age:ses"
        assert found.formula == (
            f"math ~ {fixed} + age:resources:ses + (1 + ses | school)"
        )  # fmt: skip

    def test_order_of_an_interaction_does_not_matter(self):
        sizes = {"n_groups": 12, "n_per_group": 5, "nsim": 10, "rng": 1}
        one = power(SLOPES, "ses:resources", **sizes).table
        other = power(SLOPES, "resources:ses", **sizes).table
        assert other["effect"][0] == 0.8
        assert other["power"].tolist() == one["power"].tolist()
        assert other["sd"].tolist() == one["sd"].tolist()

    def test_three_levels(self):
        model = {
            "fixed": {"treated": 1.0},
            "level2": {"treated": "treatment"},
            "random": {"school": {"Intercept": 0.5}, "class": {"Intercept": 0.3}},
            "group": ("school", "class"),
        }
        found = power(model, "treated", n_groups=[(10, 4), (20, 4)], n_per_group=5, nsim=20, rng=1)
        assert found.table["n_rows"].tolist() == [200, 400]
        assert found.table["n_groups"].tolist() == [10, 20]
        assert found.formula == "y ~ treated + (1 | school) + (1 | class)"

    @pytest.mark.parametrize("unit", [1e-3, 64.0])
    def test_units_of_the_outcome_do_not_matter(self, unit):
        scaled = {
            **SLOPES,
            "fixed": {name: unit * value for name, value in SLOPES["fixed"].items()},
            "random": {"Intercept": 4 * unit, "ses": unit, ("Intercept", "ses"): 0.3},
            "sigma": 6 * unit,
        }
        sizes = {"n_groups": 20, "n_per_group": 5, "nsim": 40, "rng": 1}
        one, other = (power(m, "ses", **sizes).table.iloc[0] for m in (SLOPES, scaled))
        assert other["power"] == one["power"]
        # two optima of the same criterion, each within the optimiser's tolerance
        assert other["sd"] == pytest.approx(unit * one["sd"], rel=1e-5)
        assert other["exaggeration"] == pytest.approx(one["exaggeration"], rel=1e-5)

    def test_names_do_not_matter(self):
        renamed = {
            **SLOPES,
            "fixed": {"Intercept": 50, "b": 2, "a": 3, "b:a": 0.8},
            "level1": ["b"],
            "level2": ["a"],
            "random": {"Intercept": 4, "b": 1, ("Intercept", "b"): 0.3},
            "group": "zoo",
        }
        sizes = {"n_groups": 20, "n_per_group": 5, "nsim": 40, "rng": 1}
        one = power(SLOPES, "ses:resources", **sizes).table.drop(columns="term")
        assert one.equals(power(renamed, "b:a", **sizes).table.drop(columns="term"))

    def test_icc_instead_of_a_deviation(self):
        sizes = {"n_groups": 20, "n_per_group": 5, "nsim": 20, "rng": 1}
        stated = {k: v for k, v in TRIAL.items() if k != "random"}
        by_icc = power({**stated, "icc": 0.2}, "treated", **sizes).table
        assert by_icc["sd"].tolist() == power(TRIAL, "treated", **sizes).table["sd"].tolist()

    def test_methods_of_testing(self):
        sizes = {"n_groups": 8, "n_per_group": 5, "nsim": 60, "rng": 1}
        z = power(TRIAL, "treated", df_method="asymptotic", **sizes)
        t = power(TRIAL, "treated", df_method="kenward-roger", **sizes)
        assert z.table["power"][0] > t.table["power"][0]
        assert (z.method, t.method) == ("asymptotic", "Kenward-Roger")

    def test_without_random_effects_in_the_analysis(self):
        found = power(
            TRIAL, {"treated": 0.0}, formula="y ~ treated", n_groups=20, n_per_group=20, nsim=60,
            rng=1,
        )  # fmt: skip
        assert found.table["power"][0] > 0.2
        assert found.table["n_groups"].tolist() == [20]


class TestPilot:
    def test_keeps_the_rows(self, sleep):
        found = power(sleep, {"Days": 5.0}, nsim=200, rng=1)
        row = found.table.iloc[0]
        assert (row["n_groups"], row["n_per_group"], row["n_rows"]) == (18, 10, 180)
        # the standard error of the pilot, for the same rows and variances
        assert row["sd"] == pytest.approx(sleep.std_errors[1], rel=ERRORS / np.sqrt(400))
        assert abs(row["bias"]) < ERRORS * row["sd"] / np.sqrt(200)
        assert not found.notes

    def test_an_estimate_as_the_truth_is_said(self, sleep):
        found = power(sleep, "Days", nsim=5, rng=1)
        assert found.table["effect"][0] == sleep.beta[1]
        assert "is the estimate from the pilot data, 10.47 (95 % interval" in str(found)

    def test_more_groups(self, sleep):
        found = power(sleep, {"Days": 3.0}, n_groups=[18, 72], nsim=150, rng=1).table
        assert found["n_rows"].tolist() == [180, 720]
        # four times the groups, half the standard error
        assert found["sd"][1] / found["sd"][0] == pytest.approx(0.5, rel=ERRORS / np.sqrt(150))
        assert found["power"][1] > found["power"][0]

    def test_more_rows_per_group(self, sleep):
        found = power(sleep, {"Days": 3.0}, n_per_group=[5, 40], nsim=50, rng=1).table
        assert found["n_groups"].tolist() == [18, 18]
        assert found["n_rows"].tolist() == [90, 720]
        assert found["std_error"][1] < found["std_error"][0]

    def test_nested_groups_are_drawn_whole(self):
        data = mlm.simulate_multilevel(
            (10, 3), 4, fixed={"x": 0.5}, level1=["x"], group=("school", "class"),
            random={"school": {"Intercept": 1.0}, "class": {"Intercept": 1.0}}, rng=1,
        )  # fmt: skip
        fit = mlm.lmer("y ~ x + (1 | school) + (1 | class)", data)
        found = power(fit, {"x": 0.2}, n_groups=20, nsim=20, rng=1).table
        assert found["n_rows"].tolist() == [240]
        both = power(fit, {"x": 0.2}, n_groups=20, n_per_group=8, nsim=20, rng=1).table
        assert both["n_rows"].tolist() == [480]

    def test_columns_that_were_dropped_stay_dropped(self):
        data = mlm.datasets.load("sleepstudy", "pandas")
        data["twice"] = 2.0 * data["Days"]
        with pytest.warns(mlm.exceptions.RankDeficientWarning):
            fit = mlm.lmer("Reaction ~ twice + Days + (1 | Subject)", data)
        alone = mlm.lmer("Reaction ~ twice + (1 | Subject)", data)
        for sizes in ({}, {"n_groups": 10}):
            found = power(fit, {"twice": 1.0}, nsim=10, rng=1, **sizes).table
            assert found.equals(power(alone, {"twice": 1.0}, nsim=10, rng=1, **sizes).table)
        with pytest.raises(DataError, match="'Days' was dropped from the fit"):
            power(fit, "Days")

    def test_weights_and_offset(self):
        rng = np.random.default_rng(2)
        data = mlm.datasets.load("sleepstudy", "pandas")
        data["w"], data["known"] = rng.uniform(0.2, 4.0, 180), rng.normal(scale=1000.0, size=180)
        data["Reaction"] += data["known"]
        fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", data, weights="w", offset="known")
        for sizes in ({}, {"n_groups": 18}):
            row = power(fit, {"Days": 2.0}, nsim=200, rng=1, **sizes).table.iloc[0]
            assert abs(row["bias"]) < ERRORS * row["sd"] / np.sqrt(200)
            assert row["sd"] == pytest.approx(fit.std_errors[1], rel=0.2)

    def test_kind_of_the_tables(self):
        polars = pytest.importorskip("polars")
        fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", mlm.datasets.load("sleepstudy", "polars"))
        found = power(fit, {"Days": 1.0}, n_groups=[10, 40], nsim=40, rng=1)
        assert isinstance(found.table, polars.DataFrame)
        assert isinstance(found.needed(0.5), polars.DataFrame)

    def test_another_formula(self, sleep):
        zero = {"Days": 0.0}
        short = power(sleep, zero, formula="Reaction ~ Days + (1 | Subject)", nsim=100, rng=1)
        assert short.table["power"][0] > 0.2
        assert short.table["coverage"][0] < 0.8

    def test_designs_that_cannot_be_drawn(self, sleep):
        other = "Reaction ~ Days + (1 | Subject)"
        with pytest.raises(NotSupportedError, match="needs a stated model"):
            power(sleep, {"Days": 1.0}, formula=other, n_groups=20)
        penicillin = mlm.datasets.load("penicillin", "pandas")
        crossed = mlm.lmer("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin)
        with pytest.raises(NotSupportedError, match="crossed"):
            power(crossed, "Intercept", n_groups=40)
        assert power(crossed, "Intercept", nsim=3, rng=1).table["n_rows"].tolist() == [144]

    def test_another_formula_with_other_rows(self, sleep):
        data = mlm.datasets.load("sleepstudy", "pandas").assign(extra=np.arange(180.0) % 7)
        data.loc[3, "extra"] = np.nan
        fit = mlm.lmer("Reaction ~ Days + (1 | Subject)", data)
        with (
            pytest.warns(mlm.exceptions.MissingValuesWarning),
            pytest.raises(DataError, match="uses other rows than the fit"),
        ):
            power(fit, "Days", formula="Reaction ~ Days + extra + (1 | Subject)")


class TestReplicates:
    def test_same_seed_same_result_whatever_the_workers(self):
        sizes = {"n_groups": [10, 20], "n_per_group": 5, "nsim": 40}
        one = power(SLOPES, "ses", rng=7, **sizes).table
        two = power(SLOPES, "ses", rng=7, n_jobs=2, **sizes).table
        other = power(SLOPES, "ses", rng=8, **sizes).table
        assert one.equals(two)
        assert not one.equals(other)

    def test_failed_analyses_are_counted(self):
        # one subject in three is special: some draws of six hold none
        data = mlm.datasets.load("sleepstudy", "pandas")
        data["special"] = (data["Subject"].astype(int) % 3 == 0).astype(float)
        fit = mlm.lmer("Reaction ~ Days + special + (1 | Subject)", data)
        with pytest.warns(MultilevelWarning, match="failed; they count as not significant"):
            found = power(fit, {"special": 300.0}, n_groups=6, nsim=200, rng=1)
        row = found.table.iloc[0]
        assert row["n_failed"] == sum(found.failures.values()) > 0
        assert row["power"] <= 1.0 - row["n_failed"] / 200
        assert "analyses failed and count as not significant (" in str(found)

    def test_pickles(self, trial):
        again = pickle.loads(pickle.dumps(trial))
        assert again.table.equals(trial.table)
        assert str(again) == str(trial)

    def test_does_not_change(self, trial):
        with pytest.raises(AttributeError):
            trial.alpha = 0.1
        table = trial.table
        table.loc[0, "power"] = 7.0
        assert trial.table["power"][0] <= 1.0


def test_summary(trial):
    text = str(trial)
    assert text.startswith("Power by simulation\nFormula: y ~ treated + (1 | group)\n")
    assert "alpha = 0.05, degrees of freedom: Satterthwaite" in text
    assert "400 of every design" in text
    assert f"{trial.table['power'][1]:.3f}" in text
    assert repr(trial) == text
    assert "<table" in trial._repr_html_()


@pytest.mark.parametrize(
    ("model", "effect", "options", "message"),
    [
        (SLOPES, "sess", {}, r"'sess' is not of the model's predictors, which are: ses, resources"),
        (SLOPES, {"ses": "big"}, {}, r"effect\['ses'\] must be a number, not 'big'"),
        (SLOPES, [], {}, "effect must be the name of a coefficient"),
        (SLOPES, ["ses", "ses"], {}, "names a coefficient twice"),
        (SLOPES, 3, {}, "effect must be the name of a coefficient"),
        (SLOPES, "ses", {"n_groups": None}, "give n_groups= and n_per_group="),
        (SLOPES, "ses", {"n_groups": 2}, r"2 coefficients do not vary within a 'group' \(Interc"),
        (SLOPES, "ses", {"n_groups": []}, "n_groups is empty"),
        (SLOPES, "ses", {"n_groups": [9, 9]}, "has a size twice"),
        (SLOPES, "ses", {"n_per_group": [(4, 6), 5]}, "same expected sizes"),
        (SLOPES, "ses", {"n_groups": [(9, 2), (9, 3)]}, "varies the groups within groups"),
        (SLOPES, "ses", {"formula": "y ~ ses + I(2 * ses) + (1 | group)"}, "linear combinations"),
        (SLOPES, "ses", {"n_groups": 9.5}, "whole numbers from 1, not 9.5"),
        (SLOPES, "ses", {"n_per_group": 1}, "one row per level"),
        (SLOPES, "ses", {"formula": "y ~ resources + (1 | group)"}, "no coefficient 'ses'"),
        (SLOPES, "ses", {"alpha": 5}, "alpha, the level of the tests"),
        (SLOPES, "ses", {"nsim": 1}, "nsim must be 2"),
        (SLOPES, "ses", {"nsim": 1e3}, "nsim must count with whole numbers"),
        (SLOPES, "ses", {"rng": "one"}, "rng must be a seed"),
        ({**SLOPES, "n_groups": 3}, "ses", {}, "sizes are arguments of power"),
        ({**SLOPES, "sd": 3}, "ses", {}, "The model states 'sd'; it can state fixed, random"),
        ({"level1": ["x"]}, "x", {}, "must state its fixed effects"),
        ("y ~ x", "x", {}, "model must be a mapping"),
    ],
)
def test_bad_input(model, effect, options, message):
    sizes = {"n_groups": 10, "n_per_group": 5, "nsim": 5}
    with pytest.raises(DataError, match=message):
        power(model, effect, **(sizes | options))


def test_bad_input_with_pilot_data(sleep):
    with pytest.raises(DataError, match="no coefficient 'days'; its coefficients are: Interc"):
        power(sleep, "days")
    with pytest.raises(DataError, match="n_groups must count with whole numbers from 1; got"):
        power(sleep, "Days", n_groups=2.5)
    with pytest.raises(ValueError, match="df_method='t' is not an option"):
        power(sleep, "Days", df_method="t")
    plain = mlm.lmer("Reaction ~ Days", mlm.datasets.load("sleepstudy"))
    with pytest.raises(DataError, match="no groups to draw from"):
        power(plain, "Days", n_groups=5)
