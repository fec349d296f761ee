"""Simulated data have the structure and the moments that were stated."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.datasets import simulate_multilevel
from multilevel.exceptions import DataError

# Estimates lie within this many of their Monte Carlo standard errors for a fixed seed; a wrong
# formula misses by tens of them.
STANDARD_ERRORS = 3.5


def assert_moment(draws: np.ndarray, expected: float) -> None:
    """Compare the mean of independent draws with its expectation."""
    error = draws.std(ddof=1) / np.sqrt(len(draws))
    assert abs(draws.mean() - expected) < STANDARD_ERRORS * error


def article() -> dict:
    return {
        "n_groups": 100,
        "n_per_group": 5,
        "fixed": {"Intercept": 50, "ses": 2, "resources": 3, "ses:resources": 1},
        "level1": ["ses"],
        "level2": ["resources"],
        "random": {"Intercept": 4, "ses": 1},
        "sigma": 6,
        "outcome": "achievement",
        "group": "school",
        "rng": 1,
    }


def test_five_hundred_pupils_in_a_hundred_schools():
    data = simulate_multilevel(**article())
    assert list(data.columns) == ["school", "achievement", "ses", "resources"]
    assert data.groupby("school").size().tolist() == [5] * 100
    assert data["school"].unique().tolist() == list(range(1, 101))
    assert (data.groupby("school")["resources"].nunique() == 1).all()
    assert (data.groupby("school")["ses"].nunique() == 5).all()


def test_without_randomness_the_outcome_is_the_fixed_part():
    data = simulate_multilevel(**{**article(), "random": None, "sigma": 0})
    expected = 50 + 2 * data["ses"] + 3 * data["resources"] + data["ses"] * data["resources"]
    np.testing.assert_allclose(data["achievement"], expected, rtol=1e-13)


def test_same_seed_same_data_other_seed_other_data():
    first, again = simulate_multilevel(**article()), simulate_multilevel(**article())
    pd.testing.assert_frame_equal(first, again)
    other = simulate_multilevel(**{**article(), "rng": 2})
    assert not np.allclose(first["achievement"], other["achievement"])
    unseeded = [simulate_multilevel(**{**article(), "rng": None}) for _ in range(2)]
    assert not np.allclose(unseeded[0]["achievement"], unseeded[1]["achievement"])


def test_a_generator_moves_on():
    generator = np.random.default_rng(1)
    first = simulate_multilevel(**{**article(), "rng": generator})
    second = simulate_multilevel(**{**article(), "rng": generator})
    pd.testing.assert_frame_equal(first, simulate_multilevel(**article()))
    assert not np.allclose(first["achievement"], second["achievement"])


@pytest.mark.parametrize(
    ("backend", "kind"), [("pandas", pd.DataFrame), ("polars", pl.DataFrame), ("pyarrow", pa.Table)]
)
def test_each_library_gets_the_same_numbers(backend, kind):
    data = simulate_multilevel(**article(), backend=backend)
    assert isinstance(data, kind)
    expected = simulate_multilevel(**article())["achievement"].to_numpy()
    np.testing.assert_array_equal(np.asarray(data["achievement"]), expected)


def test_random_intercept_and_residual_variance():
    data = simulate_multilevel(4000, 2, fixed={}, random={"Intercept": 2.0}, sigma=3.0, rng=3)
    pairs = data["y"].to_numpy().reshape(-1, 2)
    assert_moment(pairs[:, 0] * pairs[:, 1], 2.0**2)
    assert_moment((pairs[:, 0] - pairs[:, 1]) ** 2 / 2, 3.0**2)
    assert_moment(pairs.mean(axis=1), 0.0)


def test_icc_sets_the_intercept():
    data = simulate_multilevel(4000, 2, fixed={}, sigma=3.0, icc=0.4, rng=4)
    pairs = data["y"].to_numpy().reshape(-1, 2)
    assert_moment(pairs[:, 0] * pairs[:, 1], 0.4 / 0.6 * 9.0)
    stated = simulate_multilevel(
        4000, 2, fixed={}, sigma=3.0, random={"Intercept": np.sqrt(6.0)}, rng=4
    )
    np.testing.assert_allclose(data["y"], stated["y"], rtol=1e-12)


def test_random_slopes_have_the_stated_covariance():
    n = 3
    data = simulate_multilevel(
        4000,
        n,
        fixed={"Intercept": 1, "x": 2},
        random={"Intercept": 3, "x": 2, ("x", "Intercept"): -0.5},
        sigma=0,
        level1=["x"],
        rng=5,
    )
    # Without residual, each group's least-squares line is its own intercept and slope.
    x, y = (data[c].to_numpy().reshape(-1, n) for c in ("x", "y"))
    dx, dy = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    slope = (dx * dy).sum(axis=1) / (dx**2).sum(axis=1)
    intercept = y.mean(axis=1) - slope * x.mean(axis=1)
    assert_moment(intercept, 1.0)
    assert_moment(slope, 2.0)
    assert_moment((intercept - 1) ** 2, 9.0)
    assert_moment((slope - 2) ** 2, 4.0)
    assert_moment((intercept - 1) * (slope - 2), -0.5 * 3 * 2)


def test_correlation_of_one_is_possible():
    random = {"Intercept": 3, "x": 2, ("Intercept", "x"): 1}
    data = simulate_multilevel(50, 2, fixed={}, random=random, sigma=0, level1=["x"], rng=6)
    x, y = (data[c].to_numpy().reshape(-1, 2) for c in ("x", "y"))
    slope = (y[:, 1] - y[:, 0]) / (x[:, 1] - x[:, 0])
    intercept = y[:, 0] - slope * x[:, 0]
    np.testing.assert_allclose(intercept, 1.5 * slope, rtol=1e-6, atol=1e-6)


def test_predictors_are_standard_normal_with_the_stated_share_between():
    data = simulate_multilevel(
        4000, 2, fixed={}, level1={"x": 0.3, "w": 0}, level2=["z"], rng=7, backend="pandas"
    )
    x, w = (data[c].to_numpy().reshape(-1, 2) for c in ("x", "w"))
    assert_moment(x[:, 0] ** 2, 1.0)
    assert_moment(x[:, 0] * x[:, 1], 0.3)
    assert_moment(w[:, 0] * w[:, 1], 0.0)
    assert_moment(x[:, 0] * w[:, 0], 0.0)
    assert_moment(data["z"].to_numpy()[::2] ** 2, 1.0)


def three_levels(**changes) -> pd.DataFrame:
    stated = {
        "n_groups": (2000, 2),
        "n_per_group": 2,
        "fixed": {},
        "random": {"school": {"Intercept": 3}, "class": {"Intercept": 2}},
        "sigma": 1,
        "group": ("school", "class"),
        "rng": 8,
    }
    return simulate_multilevel(**{**stated, **changes})


def test_three_levels_nest():
    data = three_levels(level1=["x"], level2={"z": 0.5}, level3=["w"])
    assert list(data.columns) == ["school", "class", "y", "x", "z", "w"]
    assert data["class"].nunique() == 4000
    assert (data.groupby("class")["school"].nunique() == 1).all()
    assert (data.groupby("school")["class"].nunique() == 2).all()
    assert (data.groupby("class")["z"].nunique() == 1).all()
    assert (data.groupby("school")["z"].nunique() == 2).all()
    assert (data.groupby("school")["w"].nunique() == 1).all()
    z = data["z"].to_numpy().reshape(-1, 4)
    assert_moment(z[:, 0] * z[:, 2], 0.5)


def test_three_levels_have_the_stated_variances():
    y = three_levels()["y"].to_numpy().reshape(-1, 4)
    assert_moment(y[:, 0] * y[:, 3], 9.0)
    assert_moment(y[:, 0] * y[:, 1], 9.0 + 4.0)
    assert_moment(y[:, 0] ** 2, 9.0 + 4.0 + 1.0)


def test_a_slope_of_a_class_predictor_varies_between_schools():
    random = {"school": {"z": 2}}
    data = three_levels(level2=["z"], random=random, sigma=0)
    slope = (data["y"] / data["z"]).groupby(data["school"]).agg(["min", "max"])
    np.testing.assert_allclose(slope["min"], slope["max"], rtol=1e-9)
    assert_moment(slope["min"].to_numpy() ** 2, 4.0)


@pytest.mark.parametrize("seed", range(5))
def test_a_treatment_of_groups_is_balanced_and_constant_within(seed):
    for groups in (10, 11):
        data = simulate_multilevel(
            groups, 3, fixed={"treated": 1}, level2={"treated": "treatment"}, rng=seed
        )
        arms = data.groupby("group")["treated"]
        assert (arms.nunique() == 1).all()
        assert set(data["treated"]) == {0.0, 1.0}
        assert arms.first().sum() in (groups // 2, groups - groups // 2)


def test_a_treatment_within_groups_is_balanced_in_each():
    data = simulate_multilevel(
        50, (4, 9), fixed={"treated": 1}, level1={"treated": "treatment"}, rng=1
    )
    arms = data.groupby("group")["treated"].agg(["sum", "size"])
    assert (abs(2 * arms["sum"] - arms["size"]) <= 1).all()
    odd = arms[arms["size"] % 2 == 1]
    assert 0 < (2 * odd["sum"] > odd["size"]).mean() < 1  # neither arm always has one more


def test_a_treatment_of_classes_is_balanced_in_schools():
    data = three_levels(level2={"z": "treatment"}, fixed={"z": 1.0}, level1=(), level3=())
    classes = data.groupby(["school", "class"])["z"].first()
    share = classes.groupby("school").agg(["sum", "size"])
    assert (abs(2 * share["sum"] - share["size"]) <= 1).all()


def test_assignment_is_random():
    first = {
        tuple(
            simulate_multilevel(
                6, 1, fixed={"treated": 1}, level2={"treated": "treatment"}, rng=seed
            )["treated"]
        )
        for seed in range(300)
    }
    assert len(first) == 20  # 6 choose 3


def test_unbalanced_sizes():
    ranged = simulate_multilevel(500, (2, 4), fixed={}, rng=9)
    assert set(ranged.groupby("group").size()) == {2, 3, 4}
    listed = simulate_multilevel(3, [4, 1, 2], fixed={}, rng=9)
    assert listed.groupby("group").size().tolist() == [4, 1, 2]
    array = simulate_multilevel(3, np.array([4, 1, 2]), fixed={}, rng=9)
    assert array.groupby("group").size().tolist() == [4, 1, 2]
    nested = three_levels(n_groups=(3, [1, 2, 3]), n_per_group=(1, 2))
    assert nested.groupby("school")["class"].nunique().tolist() == [1, 2, 3]


BAD = [
    ({"n_groups": 0}, "n_groups= must count with whole numbers from 1, not 0"),
    ({"n_groups": 2.5}, "n_groups= must count with whole numbers from 1, not 2.5"),
    ({"n_groups": True}, "n_groups= must count with whole numbers from 1, not True"),
    ({"n_groups": (20, 5)}, r"states 2 level\(s\) of groups, but group= names 1; name each"),
    ({"group": ("a", "b")}, r"states 1 level\(s\) of groups, but group= names 2"),
    ({"n_groups": (2, 2, 2)}, "must state one or two levels of groups"),
    ({"n_per_group": (5, 2)}, r"n_per_group=\(5, 2\) must be a range \(smallest, largest\)"),
    ({"n_per_group": (1, 2, 3)}, "must be a range"),
    ({"n_per_group": [1, 2]}, "n_per_group= lists 2 sizes for 100 groups"),
    ({"n_per_group": [0] * 100}, "n_per_group= must count with whole numbers from 1, not 0"),
    ({"n_per_group": "5"}, "n_per_group= must count with whole numbers from 1, not '5'"),
    ({"fixed": ["ses"]}, r"fixed= must be a mapping such as \{\"Intercept\": 50"),
    ({"fixed": {"sex": 1}}, r"'sex' is not a predictor; the predictors are: ses \(level 1\), res"),
    ({"fixed": {"ses:sex": 1}}, r"fixed\['ses:sex'\]: 'sex' is not a predictor"),
    ({"fixed": {3: 1}}, r"fixed\[3\]: '3' is not a predictor"),
    ({"fixed": {"ses:ses": 1}}, "multiplies a predictor with itself"),
    ({"fixed": {"ses:resources": 1, "resources:ses": 1}}, "fixed= states 'resources:ses' twice"),
    ({"fixed": {"ses": float("nan")}}, r"fixed\['ses'\] must be finite, not nan"),
    ({"fixed": {"ses": "2"}}, r"fixed\['ses'\] must be a number, not '2'"),
    ({"level1": "ses"}, r"level1='ses' must be a list of names: \['ses'\]"),
    ({"level1": ["ses", "resources"]}, "'resources' stands at level 1 and 2"),
    ({"level1": {"ses": 1.5}}, r"level1\['ses'\], a share of variance, must be between 0 and 1"),
    ({"level2": {"resources": 0.5}}, "has no level above it"),
    ({"level3": ["x"]}, "level3= needs two grouping factors"),
    ({"level1": ["my ses"], "fixed": {}}, "'my ses' cannot be a column's name"),
    ({"outcome": "ses"}, "Two columns would be named 'ses'"),
    ({"outcome": "Intercept"}, "'Intercept' cannot be a column's name"),
    ({"group": "achievement"}, "Two columns would be named 'achievement'"),
    ({"sigma": -1}, "sigma must be at least 0, not -1"),
    ({"sigma": float("inf")}, "sigma must be finite"),
    ({"random": [4, 1]}, "random= must be a mapping such as"),
    ({"random": {"Intercept": -4}}, "'Intercept', must be at least 0, not -4"),
    ({"random": {"resources": 1}}, "a slope of 'resources': it does not vary within a school"),
    ({"random": {"sex": 1}}, "'sex' is not a predictor"),
    ({"random": {"ses": 1, ("Intercept", "ses"): 0.5}}, "must name two of: ses"),
    ({"random": {"ses": 1, ("ses", "ses"): 0.5}}, "must name two of: ses"),
    ({"random": {"ses": 1, "Intercept": 1, ("ses", "Intercept"): 2}}, "between -1 and 1, not 2"),
    ({"icc": 0.5}, r"State either icc= or random\['Intercept'\]"),
    ({"icc": 1.0, "random": None}, "icc must be below 1"),
    ({"icc": -0.1, "random": None}, "icc must be between 0 and 1, not -0.1"),
    ({"level2": {"resources": "arm"}}, "share of variance or the word 'treatment', not 'arm'"),
    ({"rng": "seed"}, "rng must be a seed from 0, a numpy.random.Generator or None, not 'seed'"),
    ({"rng": -1}, "rng must be a seed from 0"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_what_cannot_be_simulated_says_why(changes, message):
    with pytest.raises(DataError, match=message):
        simulate_multilevel(**{**article(), **changes})


BAD_THREE_LEVELS = [
    ({"icc": 0.5}, "icc= is for one grouping factor"),
    ({"random": {"Intercept": 1}}, r"state random=\{'school': \{'Intercept': 1.0\}, 'class': "),
    ({"random": {"school": 1}}, "With two grouping factors state random="),
    ({"random": {"pupil": {"Intercept": 1}}}, "With two grouping factors state random="),
    (
        {"random": {"class": {"z": 1}}, "level2": ["z"]},
        "effects of 'class' cannot have a slope of 'z': it does not vary within a class",
    ),
    ({"n_groups": (3, [1, 2])}, "n_groups= lists 2 sizes for 3 groups"),
    ({"level3": {"w": 0.5}}, "has no level above it"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_THREE_LEVELS)
def test_what_cannot_be_simulated_on_three_levels(changes, message):
    with pytest.raises(DataError, match=message):
        three_levels(**changes)


def test_correlations_that_contradict_each_other():
    random = {"a": 1, "b": 1, "c": 1, ("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9}
    with pytest.raises(DataError, match="correlations of the random effects of 'group' contradict"):
        simulate_multilevel(fixed={}, level1=["a", "b", "c"], random=random)


def test_a_correlation_stated_twice_differently():
    random = {"Intercept": 1, "x": 1, ("Intercept", "x"): 0.5, ("x", "Intercept"): -0.5}
    with pytest.raises(DataError, match=r"state the correlation of .* twice"):
        simulate_multilevel(fixed={}, level1=["x"], random=random)


def test_unknown_library():
    with pytest.raises(ValueError, match="backend='dask' is not an option"):
        simulate_multilevel(**article(), backend="dask")
