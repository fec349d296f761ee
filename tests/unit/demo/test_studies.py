"""Studies of learning by simulation: known values, determinism, sentences, figures, bad input."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib import pyplot as plt

from multilevel import demo
from multilevel.demo import Article, Study
from multilevel.demo.rates import describe_ratio, rates, verdict
from multilevel.exceptions import DataError

mpl.use("Agg")

# Monte Carlo errors that a share or a mean may be off; chance exceeds them once in 30,000 times,
# and seeds are fixed.
ERRORS = 4.0
# Other order of operations.
RTOL = 1e-9

SMALL = {
    "type_one_error": {"icc": [0.0, 0.5], "n_per_group": 5, "nsim": 8},
    "standard_errors": {"nsim": 10},
    "shrinkage": {"nsim": 4},
    "few_groups": {"n_groups": [5, 10], "nsim": 8},
    "ignored_level": {"n_schools": 10, "nsim": 10},
    "ignored_slope": {"slope_sd": [0.0, 0.5], "n_groups": 10, "nsim": 6},
    "within_between": {},
    "article": {},
}
PANELS = {"type_one_error": 4, "ignored_level": 2, "ignored_slope": 3, "article": 2}


def run(name, rng=1, **arguments):
    return getattr(demo, name)(**{**SMALL[name], **arguments}, rng=rng)


def row(table, **where):
    """The only row with these entries."""
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


# -- every study -------------------------------------------------------------------------------


def test_every_study_is_tried():
    assert {*SMALL, "Study", "Article"} == set(demo.__all__) == set(dir(demo))


@pytest.mark.parametrize("name", SMALL)
def test_the_same_seed_gives_the_same_result(name):
    first, second, other = run(name), run(name), run(name, rng=2)
    generated = run(name, rng=np.random.default_rng(1))
    pd.testing.assert_frame_equal(first.table, second.table, check_exact=True)
    pd.testing.assert_frame_equal(first.table, generated.table, check_exact=True)
    assert first.text == second.text
    assert not first.table.equals(other.table)


@pytest.mark.parametrize("name", SMALL)
def test_what_a_study_shows(name):
    study = run(name)
    assert isinstance(study, Study)
    assert study.title in str(study) == repr(study)
    assert all(sentence.endswith(".") for sentence in study.text.split("\n"))
    for column in study.table:
        assert column in str(study)
    page = study._repr_html_()
    assert page.count("<table>") == 1
    assert page.count('class="note"') == len(study.text.split("\n"))
    with pytest.raises(AttributeError):
        study.title = "another"


@pytest.mark.parametrize("name", SMALL)
def test_figures_take_axes_and_change_no_setting(name):
    before = mpl.rcParams.copy()
    study, panels = run(name), PANELS.get(name, 1)
    own = np.atleast_1d(study.figure())
    assert len(own) == panels
    assert all(ax.get_xlabel() or ax.lines for ax in own)
    _, axes = plt.subplots(1, panels)
    drawn = study.figure(ax=axes)
    np.testing.assert_array_equal(np.atleast_1d(drawn), np.atleast_1d(axes))
    assert mpl.rcParams == before
    with pytest.raises((DataError, TypeError), match="axes"):
        study.figure(ax="here")


def test_a_long_table_is_cut_when_printed_only():
    study = run("type_one_error", icc=[0.0, 0.1, 0.2], n_per_group=[2, 3], nsim=2)
    assert len(study.table) == 72
    assert "... and 52 more rows in .table" in str(study)


# -- known values ------------------------------------------------------------------------------


def test_type_one_errors_are_those_that_moultons_factor_predicts():
    """2 Phi(-1.96 / factor) for least squares, 5 % for the others (Moulton 1986)."""
    table = demo.type_one_error(0.5, 5, n_groups=60, nsim=250, rng=3).table
    expected = {"x_within": 0.0056, "x_individual": 0.05, "x_mixed": 0.166, "x_group": 0.258}
    for term, rate in expected.items():
        for method in ("least squares", "cluster-robust", "multilevel"):
            nominal = rate if method == "least squares" else 0.05
            found = row(table, term=term, method=method)
            error = np.sqrt(nominal * (1 - nominal) / found["n"])
            assert abs(found["rejected"] - nominal) < ERRORS * error, (term, method)
            assert found["conf_low"] <= found["rejected"] <= found["conf_high"]


def test_least_squares_overstates_errors_of_what_varies_within_groups():
    table = demo.standard_errors(0.5, 5, nsim=200, rng=3).table
    expected = {
        "x_within": 1 / np.sqrt(0.5),
        "x_individual": 1.0,
        "x_mixed": 1 / np.sqrt(2.0),
        "x_group": 1 / np.sqrt(3.0),
    }
    for term, ratio in expected.items():
        found = row(table, term=term, method="least squares")
        assert found["expected"] == pytest.approx(ratio, rel=RTOL)
        assert abs(found["ratio"] - ratio) < ERRORS * found["std_error"]
        model = row(table, term=term, method="multilevel")
        assert abs(model["ratio"] - 1.0) < ERRORS * model["std_error"]


def test_shrunken_means_have_the_error_of_theory():
    table = demo.shrinkage((2, 10, 50), icc=0.2, nsim=80, rng=3).table
    # estimated variances cost a little, which the theory of known ones does not have
    slack = 0.003
    deviation = np.abs(table["mse"] - table["expected"])
    assert (deviation < ERRORS * table["std_error"] + slack).all()
    raw = row(table, n_per_group=2, method="raw mean")
    assert raw["reliability"] == pytest.approx(0.2 / (0.2 + 0.4), rel=RTOL)
    assert raw["expected"] == pytest.approx(0.4, rel=RTOL)


def test_z_tests_of_few_groups_reject_too_often_and_t_tests_do_not():
    study = demo.few_groups(8, nsim=250, icc=0.25, rng=3)
    shares = study.table.set_index("method")["rejected"]
    assert shares["least squares"] > 0.25
    assert 0.06 < shares["multilevel, z"] < 0.17
    for method in ("multilevel, Satterthwaite", "multilevel, Kenward-Roger"):
        assert abs(shares[method] - 0.05) < ERRORS * np.sqrt(0.05 * 0.95 / 250)


def test_variances_of_a_level_left_out_go_where_theory_says():
    table = demo.ignored_level(20, 3, 5, nsim=120, rng=3).table
    variances = table[table["term"].str.startswith("var_")]
    off = np.abs(variances["mean"] - variances["expected"])
    # negative variances are estimated as zero, which moves the mean of those of schools
    assert (off < ERRORS * variances["std_error"] + 0.005).all()
    without = row(table, model="without class", term="var_school")
    assert without["expected"] == pytest.approx(0.15 + 0.25 * 4 / 14, rel=RTOL)
    assert row(table, model="without class", term="se_x_class")["mean"] < 0.8
    assert row(table, model="without school", term="se_x_school")["mean"] < 0.9
    assert abs(row(table, model="all levels", term="se_x_class")["mean"] - 1.0) < 0.3


def test_a_forgotten_slope_inflates_what_involves_it():
    table = demo.ignored_slope((0.0, 0.6), nsim=120, rng=3).table
    limit = ERRORS * np.sqrt(0.05 * 0.95 / 120)
    for term in ("x", "w", "x:w"):
        for model in ("slope forgotten", "random slope"):
            rate = row(table, slope_sd=0.6, model=model, term=term)["rejected"]
            inflated = model == "slope forgotten" and term != "w"
            assert (rate > 0.05 + limit) if inflated else (abs(rate - 0.05) < limit)
            assert abs(row(table, slope_sd=0.0, model=model, term=term)["rejected"] - 0.05) < limit


def test_the_slope_of_x_alone_is_the_weighted_mean_of_both():
    study = demo.within_between(n_groups=30, n_per_group=4, rng=5)
    naive, mixed, within, between, contextual = study.table["estimate"]
    assert contextual == pytest.approx(between - within, rel=RTOL)
    assert within < naive < between
    assert within < mixed < between
    share = float(study.text.split("weighted mean of both: ")[1].split(" %")[0]) / 100
    # the share is printed in whole percents
    assert share * within + (1 - share) * between == pytest.approx(mixed, abs=0.006 * contextual)


def test_rates_and_verdicts():
    p = np.full((200, 3), 0.5)
    p[:30, 0] = 0.01
    p[:, 2] = np.nan
    found = rates(p, 0.05)
    np.testing.assert_array_equal(found["n"], [200, 200, 0])
    np.testing.assert_allclose(found["rejected"], [0.15, 0.0, np.nan])
    # R: binom.test(30, 200)$conf.int, binom.test(0, 200)$conf.int
    np.testing.assert_allclose(found["conf_low"][:2], [0.10354952, 0.0], atol=6e-9)
    np.testing.assert_allclose(found["conf_high"][:2], [0.20715870, 0.01827534], atol=6e-9)
    words = [verdict(r, n, 0.05) for r, n in zip(found["rejected"], found["n"], strict=True)]
    assert words == ["too often", "too seldom", "no test had an answer"]
    assert verdict(0.06, 200, 0.05) == "as often as it should, within chance"


@pytest.mark.slow
def test_type_one_errors_of_the_classic_design():
    """100 schools of 5, ICC .5: 2 Phi(-1.96 / factor), a quarter for predictors of schools."""
    table = demo.type_one_error(0.5, 5, n_groups=100, nsim=2000, rng=101).table
    for term, rate in {"x_group": 0.258, "x_mixed": 0.166, "x_within": 0.0056}.items():
        found = row(table, term=term, method="least squares")
        assert abs(found["rejected"] - rate) < ERRORS * found["std_error"]
        model = row(table, term=term, method="multilevel")
        assert abs(model["rejected"] - 0.05) < ERRORS * model["std_error"]


# -- sentences follow from the numbers ---------------------------------------------------------


def test_without_an_icc_nothing_is_wrong():
    text = demo.type_one_error(0.0, 5, nsim=60, rng=2).text
    assert "least squares rejected too often in 0 and too seldom in 0" in text
    assert "(too often)" not in text
    text = demo.type_one_error(0.6, 20, nsim=60, rng=2).text
    assert "(too often)" in text.split("\n")[3]


def test_reversed_slopes_reverse_the_sentence():
    down = demo.within_between(-1.0, 1.0, rng=2).text
    same = demo.within_between(1.0, 1.5, icc_x=0.5, rng=2).text
    assert "they have opposite directions" in down
    assert "they have the same direction" in same
    assert down.startswith("Within groups the slope is −")
    up = demo.within_between(1.0, -1.0, rng=2).text
    assert "between group means −" in up


def test_sentences_of_standard_errors_turn_with_the_icc():
    strong = demo.standard_errors(0.5, 5, nsim=150, rng=2).text.split("\n")
    assert "least squares are too large by" in strong[0]
    assert "least squares are too small by" in strong[3]
    none = demo.standard_errors(0.0, 5, nsim=400, rng=2).text.split("\n")
    assert "least squares are about right" in none[0]
    assert "least squares are about right" in none[3]


def test_sentences_of_shrinkage_turn_with_the_icc():
    some = demo.shrinkage((2, 5), icc=0.3, nsim=40, rng=2).text
    assert "EB prediction had the smallest mean squared error for 2 of 2" in some
    assert "below that of the raw mean" in some
    # without differences between groups the overall mean is best
    none = demo.shrinkage((2, 5), icc=0.0, nsim=40, rng=2).text
    assert "the overall mean for 2." in none


def test_sentences_of_a_level_left_out_turn_with_its_variance():
    nothing = {"school": 0.3, "class": 0.0, "pupil": 0.7}
    text = demo.ignored_level(20, 3, 5, variances=nothing, nsim=200, rng=2).text
    assert "x_class too small" not in text.split("\n")[1]
    text = demo.ignored_level(20, 3, 5, nsim=100, rng=2).text
    assert "x_class too small" in text.split("\n")[1]


def test_sentences_of_a_forgotten_slope_turn_with_it():
    assert "too often" not in demo.ignored_slope(0.0, nsim=60, rng=2).text
    sentences = demo.ignored_slope(0.7, nsim=60, rng=2).text.split("\n")
    assert ["too often" in sentence for sentence in sentences] == [True, False, True]


def test_sentences_of_few_groups_turn_with_the_icc():
    some = demo.few_groups((6, 12), icc=0.3, nsim=60, rng=2).text.split("\n")
    assert some[0].endswith("too often with 6, 12 groups.")
    none = demo.few_groups((6, 12), icc=0.0, nsim=60, rng=2).text.split("\n")
    assert none[0].endswith("nowhere clearly too often.")


@pytest.mark.parametrize(
    ("ratio", "error", "words"),
    [
        (1.02, 0.001, "about right (102 % of the true ones)"),
        (0.6, 0.05, "too small by 40 %"),
        (1.4, 0.05, "too large by 40 %"),
        (1.4, 0.3, "too large by 40 %, which may be chance"),
    ],
)
def test_what_may_be_chance_is_called_so(ratio, error, words):
    assert describe_ratio(ratio, error) == words


# -- the classic example -----------------------------------------------------------------------


def test_the_example_is_there_as_coded_and_as_described():
    example = demo.article(rng=4)
    assert isinstance(example, Article)
    assert example.data.shape == (500, 5)
    assert list(example.fits) == ["as coded", "as described"]
    coded = example.table[example.table["model"] == "as coded"]
    assert "school_resources" not in set(coded["term"])
    difference = example.data["achievement"] - example.data["achievement_as_coded"]
    np.testing.assert_allclose(difference, 0.3 * example.data["school_resources"], atol=1e-12)
    for symbol in ("β_0j", "γ_00", "γ_01 school_resources_j", "u_0j", "e_ij", "τ_00"):
        assert symbol in example.equations


def test_the_realistic_example_has_an_icc_of_schools():
    example = demo.article("realistic", rng=4)
    fit = example.fits["as described"]
    assert 0.1 < fit.icc()["icc"].iloc[0] < 0.3
    assert example.data.groupby("school_id").size().between(20, 45).all()


def test_sentences_of_the_example_turn_with_the_data():
    data = demo.article(rng=4).data
    outcomes = ["achievement", "achievement_as_coded"]
    reversed_ = demo.article(data=data.assign(**{name: -data[name] for name in outcomes}))
    assert "student_ses 0." in demo.article(data=data).text
    assert "student_ses −0." in reversed_.text
    assert "school_resources −0." in reversed_.text
    # without differences between pupils of a school, status is one of schools
    means = data.groupby("school_id")["student_ses"].transform("mean") + 0.01 * data["student_ses"]
    text = demo.article(data=data.assign(student_ses=means)).text
    assert "smaller, school_resources" in text
    assert "larger, school_resources" in demo.article(data=data).text


def test_the_example_takes_data_of_any_kind():
    data = demo.article(rng=4).data
    table = demo.article(data=pl.from_pandas(data)).table
    pd.testing.assert_frame_equal(table, demo.article(data=data).table, check_exact=True)


# -- bad input ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("type_one_error", {"icc": 1.0}, "icc must be a share of variance, from 0 to below 1"),
        ("type_one_error", {"icc": []}, "icc is empty"),
        ("type_one_error", {"icc": "high"}, "icc must be a share of variance.*got 'high'"),
        ("type_one_error", {"n_per_group": 1}, "n_per_group must be a whole number, 2 or more"),
        ("type_one_error", {"n_groups": 4}, "n_groups must be a whole number, 10 or more; got 4"),
        ("type_one_error", {"alpha": 5}, "alpha, the level of the tests, .* got 5"),
        ("type_one_error", {"between": -0.1}, "between must be a share of variance"),
        ("type_one_error", {"between": [0.1, 0.5]}, "between must be a share of variance"),
        ("few_groups", {"icc": [0.1, 0.5]}, "icc must be a share of variance.*got .0.1, 0.5."),
        ("within_between", {"between": [1.0]}, "between must be a slope"),
        ("standard_errors", {"nsim": 1}, "nsim must be a whole number, 10 or more; got 1"),
        ("standard_errors", {"nsim": True}, "nsim must be a whole number"),
        ("shrinkage", {"n_per_group": 1}, "unless there are other sizes"),
        ("shrinkage", {"groups_per_size": 2}, "groups_per_size must be a whole number, 10"),
        ("few_groups", {"n_groups": [3, 5]}, "n_groups must be a whole number, 4 or more; got 3"),
        ("ignored_level", {"variances": {"school": 1}}, "keys school, class, pupil"),
        (
            "ignored_level",
            {"variances": {"school": -1.0, "class": 1.0, "pupil": 1.0}},
            "variances must be numbers from 0",
        ),
        ("ignored_slope", {"slope_sd": -0.1}, "slope_sd must be a standard deviation, from 0"),
        ("ignored_slope", {"slope_sd": float("nan")}, "slope_sd must be a standard deviation"),
        ("within_between", {"within": float("inf")}, "within must be a slope, a finite number"),
        ("within_between", {"within": None}, "within must be a slope"),
        ("article", {"data": pd.DataFrame({"y": [1.0]})}, "achievement_as_coded"),
    ],
)
def test_bad_input_is_refused(name, arguments, message):
    with pytest.raises(DataError, match=message):
        run(name, **arguments)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("rng", [-1, "seed", True])
def test_a_bad_seed_is_refused(name, rng):
    with pytest.raises(DataError, match="rng must be a seed from 0"):
        run(name, rng=rng)


def test_an_unknown_preset_is_refused():
    with pytest.raises(ValueError, match="preset='large' is not an option"):
        demo.article("large")


def test_an_unknown_study_is_no_attribute():
    with pytest.raises(AttributeError, match="has no attribute 'mediation'"):
        demo.mediation  # noqa: B018
