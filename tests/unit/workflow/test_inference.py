"""Step 8: tests, robustness, limits, texts for a paper; and the literature."""

from __future__ import annotations

import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import multilevel as mlm
from multilevel.report.document import Bullets, Code, Decision, Paragraph
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.inference import inference_step
from multilevel.workflow.interpretation import interpretation_step
from multilevel.workflow.ranks import rank_intervals
from multilevel.workflow.rung import Choice, Ladder, Rung
from multilevel.workflow.script import LOADING
from multilevel.workflow.sources import SOURCES, references
from reference.datasets import load_external

mpl.use("Agg")

# The script makes the columns in another order of sums.
SAME = 1e-9

HOURS = (
    *("None", "Less than 1 hour", "1 hour", "2 hours", "3 hours"),
    *("4-6 hours", "7-9 hours", "10 or more"),
)

# "Fixed effects" and "random effects" are terms of the field; these words are claims.
CAUSAL = re.compile(
    r"\b(impacts?|influences?d?|leads? to|causes?|caused|(?<!fixed )(?<!random )effects? of)\b",
    re.I,
)


def climbed(study, *right):
    """A ladder of models, the last of which is chosen."""
    rungs = []
    for i, text in enumerate(right):
        made = study.fitter(f"{study.outcome} ~ {text}")
        rungs.append(Rung(f"M{i}", text, made.formula, made.fit, True, "", None, made.notes))
    rule = Decision("FIT-CHOICE", "Which model?", "", "", "the one with the lowest AIC")
    return Ladder(tuple(rungs)), Choice(rungs[-1], rungs[-1].fit, False, rule)


def text_of(step):
    """All sentences of a step."""
    parts = [step.headline]
    parts += [block.text for block in step.blocks if isinstance(block, Paragraph)]
    parts += [item for block in step.blocks if isinstance(block, Bullets) for item in block.items]
    parts += [note.text for note in step.notes]
    return " ".join(parts)


def codes(step):
    return {note.code for note in step.notes}


HSB = (
    "1 + (1 | school)",
    "ses_within + ses_between + minority + minority_between + sex + sex_between + sector + "
    "ses_within:sector + (1 + ses_within | school)",
)


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb", "pandas")


@pytest.fixture(scope="module")
def schools(hsb):
    predictors = {"level1": ["ses", "minority", "sex"], "level2": "sector"}
    study = Analysis(hsb, "math", "school", **predictors).study
    return study, *climbed(study, *HSB)


@pytest.fixture(scope="module")
def sleep():
    data = mlm.datasets.load("sleepstudy", "pandas")
    study = Analysis(data, "Reaction", "Subject", time="Days").study
    return study, *climbed(study, "1 + (1 | Subject)", "Days + (1 + Days | Subject)")


@pytest.fixture(scope="module")
def step(schools):
    return inference_step(*schools)


def test_many_groups_take_satterthwaite_and_few_kenward_and_roger(step, sleep):
    few = inference_step(*sleep)
    assert "t tests with Satterthwaite's degrees of freedom" in step.headline
    assert "t tests by the method of Kenward and Roger" in few.headline
    np.testing.assert_allclose(few.tables["tests"]["df"], 17.0, rtol=1e-6)


def test_p_values_are_adjusted_for_their_number(step):
    table = step.tables["tests"]
    # largest p: unchanged; smallest: times the number of tests (Holm 1979)
    largest, smallest = table["p_value"].idxmax(), table["p_value"].idxmin()
    assert table["p_value_holm"][largest] == table["p_value"][largest]
    np.testing.assert_allclose(
        table["p_value_holm"][smallest], len(table) * table["p_value"][smallest], rtol=1e-12
    )
    assert "INF-MULTIPLE" in codes(step)


def test_standard_errors_beside_least_squares(step):
    table = step.tables["standard_errors"].set_index("term")
    ratio = table["std_error"] / table["std_error_ols"]
    assert ratio["sector[T.Catholic]"] > 1.5
    assert 0.9 < ratio["ses_within"] < 1.1
    assert "too small by a factor: the mean of `ses` in the school (1.8)" in text_of(step)
    assert "INF-MISSPEC" not in codes(step)


def test_a_forgotten_slope_shows_in_robust_standard_errors():
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(60), 40)
    x = rng.normal(size=2400)
    y = x * rng.normal(1.0, 1.0, 60)[group] + rng.normal(size=60)[group] + rng.normal(size=2400)
    study = Analysis({"g": group, "x": x, "y": y}, "y", "g", level1="x").study
    wrong = inference_step(study, *climbed(study, "x_c + (1 | g)"))
    right = inference_step(study, *climbed(study, "x_c + (1 + x_c | g)"))
    assert "INF-MISSPEC" in codes(wrong)
    assert "`x_c`" in text_of(wrong)
    assert "INF-MISSPEC" not in codes(right)


def test_one_school_changes_a_conclusion():
    # Nieuwenhuis et al. (2012, R Journal): without school 7472 structure is -3.895 (t = -2.72)
    data = load_external("nels88_school23").rename(columns={"school.ID": "school"})
    data["hours"] = data["homework"].fillna("None").map(HOURS.index)
    study = Analysis(data, "math", "school", level1="hours", level2="structure").study
    step = inference_step(study, *climbed(study, "hours + structure_c + (1 | school)"))
    assert "A-INFL" in codes(step)
    found = re.search(
        r"`structure`, −2.1 with all groups, can be told from 0 without (.*)", text_of(step)
    )
    assert found is not None
    assert "`7472` (−3.9" in found[1]


def test_ranks_need_reliability(step, hsb):
    assert "INF-RANK" in codes(step)
    study = Analysis(hsb, "math", "school").study
    null = inference_step(study, *climbed(study, "1 + (1 | school)"))
    assert "INF-RANK" not in codes(null)  # .90
    rules = [d for d in null.decisions if d.rule == "INF-RANK"]
    assert [d.value for d in rules] == ["mean reliability 0.90"]


def test_a_new_group_is_less_certain_than_the_mean_of_groups(step):
    table = step.tables["predictions"]
    widths = (table["conf_high"] - table["conf_low"]).tolist()
    population, old, row_of_old, new, row_of_new = widths
    assert population < old < row_of_old < row_of_new
    assert old < new < row_of_new


def test_the_mean_of_a_new_group_has_the_variance_between_groups(sleep):
    error = inference_step(*sleep).tables["predictions"]["std_error"]
    fit = sleep[2].fit
    x = np.array([1.0, 4.5])  # the mean of Days
    factor = fit.state.terms[0].relative_factor
    between = fit.sigma**2 * x @ factor @ factor.T @ x
    np.testing.assert_allclose(error[3] ** 2, between + x @ fit.state.vcov @ x, rtol=SAME)
    np.testing.assert_allclose(error[4] ** 2 - error[3] ** 2, fit.sigma**2, rtol=SAME)


@pytest.mark.parametrize(
    ("groups", "mean", "new"),
    [
        (["school", "class"], "classes", "a new class of a new school"),
        (["class", "item"], "classes and items", "a new class and a new item"),
    ],
)
def test_predictions_name_the_units_of_all_factors(groups, mean, new):
    rng = np.random.default_rng(3)
    data = pd.DataFrame({"class": np.repeat(np.arange(12), 10), "item": np.tile(np.arange(10), 12)})
    data["school"] = data["class"] // 3
    u, v, w = rng.normal(size=(3, 12))
    data["y"] = u[data["class"]] + v[data["item"]] + w[data["school"]] + rng.normal(size=120)
    study = Analysis(data, "y", groups).study
    right = " + ".join(f"(1 | {one})" for one in groups)
    step = inference_step(study, *climbed(study, f"1 + {right}"))
    labels = step.tables["predictions"]["for"].tolist()
    other = Analysis(data.iloc[::-1].reset_index(drop=True), "y", groups).study
    reversed_rows = inference_step(other, *climbed(other, f"1 + {right}"))
    assert reversed_rows.tables["predictions"]["for"].tolist() == labels
    assert labels[0] == f"mean over all {mean}"
    assert labels[3:] == [f"mean of {new}", f"a new row of {new}"]
    old = re.sub("a new (class|item)", r"\1 `#`", new.removesuffix(" of a new school"))
    assert [re.sub("`[^`]+`", "`#`", one) for one in labels[1:3]] == [
        f"mean of {old}",
        f"a new row of {old}",
    ]
    note = next(one.text for one in step.notes if one.code == "INF-NEWGROUP")
    assert "somewhat too narrow" in note


def test_intervals_of_standard_deviations_are_profiles(sleep):
    table = inference_step(*sleep).tables["variance_intervals"]
    assert table["parameter"].tolist() == [
        "level (SD)",
        "slope of Days (SD)",
        "level and slope of Days (correlation)",
        "rows of a group",
    ]
    _, _, choice = sleep
    profile = choice.fit.confint(method="profile", parameters="ran_pars")
    for column in ("conf_low", "conf_high"):
        np.testing.assert_allclose(table[column][[0, 1, 3]], profile[column][[0, 1, 3]], rtol=1e-6)
    assert table["conf_low"][2] < 0.0 < table["conf_high"][2]


def test_limits_only_where_they_apply(step, sleep, hsb):
    assert "MAR" not in text_of(step)
    assert "missing at random" not in text_of(step)
    assert "so few groups" not in text_of(step)
    assert "There are 18 Subjects" in text_of(inference_step(*sleep))
    gaps = hsb.assign(ses=hsb["ses"].mask(hsb["ses"] > 1.5))
    study = Analysis(gaps, "math", "school", level1="ses").study
    text = text_of(
        inference_step(study, *climbed(study, "ses_within + ses_between + (1 | school)"))
    )
    assert "rows were left out for missing values" in text
    assert "missing at random" in text


@pytest.mark.parametrize("name", ["schools", "sleep"])
def test_the_script_fits_the_model_again(name, request):
    study, ladder, choice = request.getfixturevalue(name)
    made = inference_step(study, ladder, choice)
    (script,) = [block for block in made.blocks if isinstance(block, Code)]
    assert LOADING in script.text
    data = mlm.datasets.load("hsb" if name == "schools" else "sleepstudy", "pandas")
    names = {"data": data, "print": lambda *_: None}
    exec(script.text.replace(LOADING, ""), names)
    np.testing.assert_allclose(names["fit"].beta, choice.fit.beta, rtol=SAME, atol=SAME)
    np.testing.assert_allclose(names["fit"].sigma, choice.fit.sigma, rtol=SAME)


def test_the_script_makes_means_of_nested_groups_and_leaves_rows_out():
    rng = np.random.default_rng(2)
    school, room = np.repeat(np.arange(30), 12), np.tile(np.repeat([1, 2, 3], 4), 30)
    group = school * 3 + room - 1
    x = rng.normal(size=360) + rng.normal(size=30)[school] + rng.normal(size=90)[group]
    y = 0.5 * x + rng.normal(size=30)[school] + rng.normal(size=90)[group] + rng.normal(size=360)
    x[5] = np.nan
    data = pd.DataFrame({"school": school, "class": room, "x": x, "y": y})
    study = Analysis(data, "y", ["school", "class"], level1="x").study
    terms = "x_within + x_school_between + x_class_between"
    ladder, choice = climbed(study, f"{terms} + {study.hierarchy.random()}")
    made = inference_step(study, ladder, choice)
    (script,) = [block for block in made.blocks if isinstance(block, Code)]
    assert "dropna" in script.text
    names = {"data": data.copy(), "print": lambda *_: None}
    exec(script.text.replace(LOADING, ""), names)
    np.testing.assert_allclose(names["fit"].beta, choice.fit.beta, rtol=SAME, atol=SAME)


def test_no_sentence_claims_causes(schools, sleep):
    for given in (schools, sleep):
        for make in (interpretation_step, inference_step):
            made = make(*given)
            parts = [text_of(made), *(d.verdict + d.question for d in made.decisions)]
            parts += [picture.alt + picture.title for picture in made.figures.values()]
            assert CAUSAL.findall(" ".join(parts)) == []


def test_references_are_those_that_are_cited():
    found = references(
        ["Snijders & Bosker (2012); the number is ours", "(Mundlak 1978; Enders & Tofighi 2007)"]
    )
    assert [entry.split(",")[0] for entry in found] == ["Enders", "Mundlak", "Snijders"]
    assert references(["Hox et al. (2018)", "nobody (2020)"]) == (
        SOURCES["Hox, Moerbeek & van de Schoot (2018)"],
    )


def test_what_a_step_cites_is_known(schools, sleep):
    cited = re.compile(
        r"([A-Z][\w’-]+(?:(?:, [A-Z]\w+)* (?:&|and) [A-Z]\w+| et al\.)?) \(?((?:19|20)\d\d)\)?"
    )
    for given in (schools, sleep):
        for make in (interpretation_step, inference_step):
            made = make(*given)
            for text in (text_of(made), *(d.source for d in made.decisions)):
                for match in cited.finditer(text):
                    assert references([match[0]]), match[0]


def test_where_kenward_and_roger_is_not_to_be_had(monkeypatch):
    monkeypatch.setattr("multilevel.workflow.small_samples._MOST_EFFECTS", 1)
    study = Analysis(mlm.datasets.load("penicillin"), "diameter", ["plate", "sample"]).study
    step = inference_step(study, *climbed(study, "1 + (1 | plate) + (1 | sample)"))
    assert "INF-DF" in codes(step)
    (rule,) = [one for one in step.decisions if one.rule == "INF-SMALLJ-Z"]
    assert rule.verdict == "t tests with Satterthwaite's degrees of freedom"
    assert rule.value == "6 groups of `sample`"


def test_crossed_groups_have_no_robust_errors_and_it_is_said():
    study = Analysis(mlm.datasets.load("penicillin"), "diameter", ["plate", "sample"]).study
    step = inference_step(study, *climbed(study, "1 + (1 | plate) + (1 | sample)"))
    text = "There are no cluster-robust standard errors: plates and samples are crossed, so that"
    assert text in text_of(step)
    assert "std_error_robust" not in step.tables["standard_errors"]
    assert 'robust="CR2"' not in next(b.text for b in step.blocks if isinstance(b, Code))


def test_without_random_effects_tests_are_exact():
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(20), 5)
    x = rng.normal(size=100)
    study = Analysis(
        {"g": group, "x": x, "y": x + rng.normal(size=100)}, "y", "g", level1="x"
    ).study
    step = inference_step(study, *climbed(study, "x_c"))
    assert "t tests of least squares" in step.headline
    np.testing.assert_allclose(step.tables["tests"]["df"], 98.0)
    assert "variance_intervals" not in step.tables


def test_places_of_groups_are_uncertain_where_groups_are_alike():
    rng = np.random.default_rng(2)
    values, errors = np.array([0.0, 10.0, 20.0, 20.1]), np.array([1.0, 1.0, 3.0, 3.0])
    low, high = rank_intervals(values, errors, rng)
    np.testing.assert_array_equal(low, [4, 3, 1, 1])
    np.testing.assert_array_equal(high, [4, 3, 2, 2])


def test_places_are_those_that_differences_of_pairs_give():
    rng = np.random.default_rng(3)
    values, errors = rng.normal(size=30), rng.uniform(0.2, 0.6, 30)
    low, high = rank_intervals(values, errors, rng, 20_000)
    above = ndtr((values - values[:, None]) / np.hypot(errors, errors[:, None]))
    expected = 1.0 + above.sum(axis=1) - np.diag(above)
    # Places are whole, their expectations are not.
    assert ((low - 0.5 <= expected) & (expected <= high + 0.5)).all()
    other = rank_intervals(values[::-1], errors[::-1], np.random.default_rng(3), 20_000)
    # Ends of intervals are whole places, and differ between draws by one.
    assert np.max(np.abs(other[0][::-1] - low)) <= 1.0


def test_the_report_says_how_sure_an_order_of_groups_is(step):
    table = step.tables["ranks_school"].set_index("level")
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()
    assert "How sure is an order of the 160 schools by their predicted levels?" in text_of(step)
    first = table["rank"].idxmin()
    assert f"`{first}`, the highest, has a place from 1 to " in text_of(step)


def test_the_texts_for_a_paper_say_shares_time_and_weights():
    data = mlm.datasets.load("alcohol_use", "pandas").assign(w=1.0)
    analysis = mlm.analyze(data, "alcohol_use", "id", time="age", weights="w")
    text = text_of(analysis.inference)
    assert "`age` was counted from 14. Rows were weighted by `w`." in text
    # The data are balanced: REML is the analysis of variance.
    groups = data.groupby("id")["alcohol_use"]
    within, between = groups.var().mean(), 3 * groups.mean().var()
    share = 100 * (between - within) / (between + 2 * within)
    told = f"the null model put {share:.1f}% between groups of `id`"
    assert f"Of the variance of `alcohol_use` {told}" in text


def test_what_lies_within_crossed_groups_is_said_of_all_of_them():
    rng = np.random.default_rng(8)
    school, area = rng.integers(0, 20, 600), rng.integers(0, 15, 600)
    x = rng.normal(size=20)[school] + rng.normal(size=15)[area] + rng.normal(size=600)
    y = x + rng.normal(size=20)[school] + rng.normal(size=15)[area] + rng.normal(size=600)
    data = {"school": school, "area": area, "x": x, "y": y}
    analysis = Analysis(data, "y", ["school", "area"], level1="x", random=[])
    assert "`x` within schools and areas" in analysis.inference.headline
