"""Step 2: questions, centring, and what one level does not say about another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.report.document import Bullets, Equations, Paragraph
from multilevel.workflow.analysis import Analysis


def questions(data, outcome, groups, **arguments):
    frame = mlm.datasets.load(data, "pandas") if isinstance(data, str) else data
    return Analysis(frame, outcome, groups, **arguments).questions


def rows(step):
    """Question, term, level, what is estimated, and centring."""
    table = step.tables["questions"]
    columns = ["question", "term", "level", "estimates", "centring"]
    return list(table[columns].itertuples(index=False, name=None))


def models(step):
    """Smallest models by the numbers of their questions."""
    table = step.tables["smallest_models"]
    return dict(zip(table["questions"], table["model"], strict=True))


def notes(step, code):
    return [note for note in step.notes if note.code == code]


def codes(step):
    return {note.code for note in step.notes}


def decisions(step, rule):
    return [one for one in step.decisions if one.rule == rule]


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb", "pandas")


@pytest.fixture(scope="module")
def schools(hsb):
    return questions(hsb, "math", "school", level1=["ses", "minority"], level2="sector")


def test_questions_of_high_school_and_beyond(schools):
    assert schools.headline == (
        "The variables allow 13 questions: 1 about how much groups differ, 2 about differences "
        "between rows, 6 about differences between groups, 2 about whether slopes differ and 2 "
        "about interactions."
    )
    assert rows(schools)[:8] == [
        (
            "How much do schools differ in `math`?",
            "random intercept of school",
            "schools",
            "variance between schools, and its share of all variance (ICC)",
            "none",
        ),
        (
            "Do rows of one school that differ in `ses` differ in `math`?",
            "ses_within",
            "rows",
            "difference within schools, per unit of `ses`",
            "about the mean in the school",
        ),
        (
            "Do schools with different means of `ses` differ in `math`?",
            "ses_between",
            "schools",
            "difference between schools, per unit of the mean of `ses`",
            "means about their average",
        ),
        (
            "Do rows with the same `ses` differ in `math` by the mean of `ses` in their school?",
            "ses_between − ses_within",
            "schools",
            "contextual difference: between minus within",
            "means about their average",
        ),
        (
            "Do rows of one school with different `minority` differ in `math`?",
            "minority",
            "rows",
            "difference within schools, between `Yes` and `No`",
            "none, beside the share in the school",
        ),
        (
            "Do schools with different shares of `minority` = `Yes` differ in `math`?",
            "minority + minority_between",
            "schools",
            "difference between schools, per unit of the share of `minority` = `Yes`",
            "shares about their average",
        ),
        (
            "Do rows with the same `minority` differ in `math` by the share of `minority` = `Yes` "
            "in their school?",
            "minority_between",
            "schools",
            "contextual difference: between minus within",
            "shares about their average",
        ),
        (
            "Do schools with different `sector` differ in `math`?",
            "sector",
            "schools",
            "difference between `Catholic` and `Public`",
            "none",
        ),
    ]
    assert [row[:2] for row in rows(schools)[8:]] == [
        ("Do they still if `ses` and `minority` are held equal?", "sector"),
        ("Are slopes of `ses` the same in all schools?", "random slope of ses_within"),
        ("Are differences by `minority` the same in all schools?", "random slope of minority"),
        ("Do slopes of `ses` go with `sector`?", "ses_within:sector"),
        ("Do differences by `minority` go with `sector`?", "minority:sector"),
    ]


def test_smallest_models_of_high_school_and_beyond(schools):
    both = "ses_within + ses_between + minority + minority_between"
    assert models(schools) == {
        "1": "math ~ 1 + (1 | school)",
        "2, 3, 4": "math ~ 1 + ses_within + ses_between + (1 | school)",
        "5, 6, 7": "math ~ 1 + minority + minority_between + (1 | school)",
        "8": "math ~ 1 + sector + (1 | school)",
        "9": f"math ~ 1 + {both} + sector + (1 | school)",
        "10": "math ~ 1 + ses_within + ses_between + (1 + ses_within | school)",
        "11": "math ~ 1 + minority + minority_between + (1 + minority | school)",
        "12": "math ~ 1 + ses_within + ses_between + sector + ses_within:sector + "
        "(1 + ses_within | school)",
        "13": "math ~ 1 + minority + minority_between + sector + minority:sector + "
        "(1 + minority | school)",
    }


def test_every_smallest_model_can_be_fitted(hsb):
    few = hsb[hsb["school"].isin(hsb["school"].unique()[:30])].rename(
        columns={"math": "Größe in cm", "ses": "SES of pupil"}
    )
    analysis = Analysis(few, "Größe in cm", "school", level1="SES of pupil", level2="sector")
    for formula in models(analysis.questions).values():
        assert analysis.study.fitter(formula).fit is not None


def test_the_equations_are_explained(schools):
    text = [block.text for block in schools.blocks if isinstance(block, Paragraph)][-1]
    assert text == (
        "All questions are terms of one model, with 2 random slopes and 2 interactions. Those that "
        "were not asked for are tried one by one in step 5, and what the data support stays. In "
        "the equations i counts rows and j schools. A coefficient with such a letter belongs to "
        "one group; one with numbers only (γ) is the same for all. What the predictors do not say "
        "is in u for schools and e for rows."
    )


def test_the_largest_model_has_all_terms(schools):
    lines = {block.title: block.lines for block in schools.blocks if isinstance(block, Equations)}
    assert lines["Level 2: schools"][:3] == (
        "β_{0j} = γ_{00} + γ_{01} ses_between_{j} + γ_{02} minority_between_{j} + "
        "γ_{03} sector[Catholic]_{j} + u_{0j}",
        "β_{1j} = γ_{10} + γ_{11} sector[Catholic]_{j} + u_{1j}",
        "β_{2j} = γ_{20} + γ_{21} sector[Catholic]_{j} + u_{2j}",
    )


def bullets(step):
    return [item for block in step.blocks if isinstance(block, Bullets) for item in block.items]


def test_centring_is_decided_for_every_predictor_of_rows(schools):
    ses, minority = decisions(schools, "Q-CENTRING")
    assert ses.value == "26.7% of its variance lies between schools"
    assert ses.threshold == "split if more than 5%"
    done = "is centred about the mean of its school (`ses_within`), beside that mean"
    assert ses.verdict == f"it {done} (`ses_between`)"
    assert minority.verdict == (
        "it stays as it is, beside its share in the school (`minority_between`)"
    )
    assert bullets(schools) == [
        f"`ses` {done} (`ses_between`): `ses_within` answers questions within schools, and how "
        "its slopes differ by `sector`, untouched by differences between schools; with both in the "
        "model, other questions between schools hold `ses` equal.",
        "`minority` stays as it is, beside its share in the school (`minority_between`): the "
        "coefficient of `minority` is then the difference within schools, and what goes with the "
        "share beyond it is the contextual difference; its products with `sector` may hold "
        "differences between schools, too.",
    ]


def test_what_is_not_split_is_said(hsb):
    rng = np.random.default_rng(2)
    data = hsb.assign(
        noise=rng.normal(size=len(hsb)), coin=np.where(rng.random(len(hsb)) < 0.5, "h", "t")
    )
    step = questions(data, "math", "school", level1=["noise", "coin"])
    noise, coin = decisions(step, "Q-CENTRING")
    assert noise.verdict.startswith("it is centred about the mean of all rows, ")
    assert coin.verdict == "it stays as it is"
    assert bullets(step)[1].startswith(
        "`coin` stays as it is: its share hardly differs between schools"
    )
    assert codes(step) == {"Q-CAUSAL"}


def test_correlations_between_and_within(schools, hsb):
    note = notes(schools, "Q-ECOLOGICAL")[0]
    means = hsb.groupby("school")[["ses", "math"]].mean()
    inside = hsb[["ses", "math"]] - hsb.groupby("school")[["ses", "math"]].transform("mean")
    between, within = means.corr().iloc[0, 1], inside.corr().iloc[0, 1]
    assert f"`ses` {between:.2f} and {within:.2f}" in note.text
    assert "`minority` = `Yes` −0.49 and −0.19" in note.text
    assert note.severity == "info"
    turned = questions(hsb.assign(ses=-hsb["ses"]), "math", "school", level1="ses")
    assert f"`ses` −{between:.2f} and −{within:.2f}" in notes(turned, "Q-ECOLOGICAL")[0].text


def test_opposite_correlations_are_told():
    rng = np.random.default_rng(3)
    school = np.repeat(np.arange(30), 20)
    level = rng.normal(size=30)[school]
    x = 3.0 * level + rng.normal(size=600)
    y = 5.0 * level - 2.0 * (x - 3.0 * level) + rng.normal(size=600)
    step = questions({"y": y, "x": x, "g": school}, "y", "g", level1="x")
    assert "of opposite sign" in notes(step, "Q-ECOLOGICAL")[0].text


def test_means_without_their_rows(hsb):
    step = questions(hsb, "math", "school", level2=["meanses", "sector"])
    warning = notes(step, "Q-ECOLOGICAL")
    assert [note.severity for note in warning] == ["warning"]
    assert warning[0].text.startswith(
        "`meanses` holds the means of `ses` in each school, and `ses` itself is no predictor."
    )
    beside = questions(hsb, "math", "school", level1="ses", level2=["meanses", "sector"])
    assert [note.severity for note in notes(beside, "Q-ECOLOGICAL")] == ["info"]


def test_means_that_the_data_hold_are_asked_for_once(hsb):
    step = questions(hsb, "math", "school", level1="ses", level2="meanses")
    assert [row[1] for row in rows(step)][1:4] == [
        "ses_within",
        "meanses_c",
        "meanses_c − ses_within",
    ]
    assert not any("differ in `meanses`" in row[0] for row in rows(step))


def test_categories_have_one_slope_for_both_levels(hsb):
    data = hsb.assign(kind=np.where(hsb["minority"] == "Yes", "m", hsb["sex"].astype(str)))
    step = questions(data, "math", "school", level1="kind")
    (note,) = notes(step, "Q-ATOMISTIC")
    assert note.severity == "warning"
    assert note.text.startswith(
        "`kind` has the same differences within and between schools in the models, and up to 45.4% "
        "of its variance lies between them."
    )
    (decision,) = decisions(step, "Q-CENTRING")
    assert decision.value == "it has 3 categories"
    assert "hold those within and between schools together" in bullets(step)[0]


def test_a_little_variance_between_groups_is_a_hint():
    rng = np.random.default_rng(4)
    school = np.repeat(np.arange(100), 50)
    x = rng.normal(size=5000) + 0.17 * rng.normal(size=100)[school]
    y = x + rng.normal(size=5000) + rng.normal(size=100)[school]
    step = questions({"y": y, "x": x, "g": school}, "y", "g", level1="x")
    (note,) = notes(step, "Q-ATOMISTIC")
    assert note.severity == "info"
    assert "too little to tell two slopes apart" in note.text


def test_crossed_factors_are_taken_off_together():
    rng = np.random.default_rng(5)
    person, item = np.repeat(np.arange(30), 20), np.tile(np.arange(20), 30)
    x = rng.normal(size=600) + rng.normal(size=30)[person] + rng.normal(size=20)[item]
    y = x + rng.normal(size=600) + rng.normal(size=30)[person] + rng.normal(size=20)[item]
    data = {"y": y, "x": x, "person": person.astype(str), "item": item.astype(str)}
    step = questions(data, "y", "person + item", level1="x")
    assert rows(step)[2][0] == (
        "Do rows of one item and one person that differ in `x` differ in `y`?"
    )
    assert rows(step)[2][3:] == (
        "difference within items and persons, per unit of `x`",
        "about the means in the item and person",
    )
    assert bullets(step)[0].startswith(
        "`x` is centred about the means of its item and person (`x_within`), beside these means "
        "(`x_person_between` and `x_item_between`): "
    )


def test_crossed_factors_are_looked_at_one_by_one():
    step = questions("scotssec", "attain", ["primary", "second"], level1=["verbal", "sex"])
    assert [row[0] for row in rows(step)][:2] == [
        "How much do primaries differ in `attain`?",
        "How much do seconds differ in `attain`?",
    ]
    assert notes(step, "Q-ATOMISTIC") == []  # 9.6% between primaries, 3.6% between seconds: split
    for groups in ("Primaries", "Seconds"):
        question = f"Do {groups.lower()} with different means of `verbal` differ in `attain`?"
        assert question in [row[0] for row in rows(step)]


def test_questions_of_growth():
    step = questions("orthodont", "distance", "Subject", time="age", level2="Sex")
    assert step.headline == (
        "The variables allow 6 questions: 1 about how much groups differ, 4 about change with "
        "`age` and 1 about differences between groups."
    )
    assert rows(step)[1:] == [
        (
            "How does `distance` change with `age` on average?",
            "age_start",
            "measurements",
            "mean change of `distance` per unit of `age`",
            "counted from `age` = 8",
        ),
        (
            "Is the mean change with `age` a line or a curve?",
            "I(age_start**2)",
            "measurements",
            "how the mean change changes itself",
            "counted from `age` = 8",
        ),
        (
            "Do Subjects differ in how `distance` changes with `age`?",
            "random slope of age_start",
            "Subjects",
            "variance of changes between Subjects, and their correlation with the level at `age` "
            "= 8",
            "counted from `age` = 8",
        ),
        (
            "Do Subjects with different `Sex` differ in `distance`?",
            "Sex",
            "Subjects",
            "difference between `Female` and `Male`",
            "none",
        ),
        (
            "Do changes of `distance` with `age` go with `Sex`?",
            "age_start:Sex",
            "Subjects",
            "cross-level interaction: how changes of `distance` with `age` differ",
            "counted from `age` = 8",
        ),
    ]
    assert models(step)["6"] == "distance ~ 1 + age_start + Sex + age_start:Sex + " + (
        "(1 + age_start | Subject)"
    )


def test_three_times_make_no_curve():
    step = questions("alcohol_use", "alcohol_use", "id", time="age")
    assert not any("curve" in row[0] for row in rows(step))


def time_zero(shift):
    data = mlm.datasets.load("sleepstudy", "pandas")
    step = questions(data.assign(Days=data["Days"] - shift), "Reaction", "Subject", time="Days")
    (decision,) = decisions(step, "Q-TIMEZERO")
    return decision.value, decision.verdict, bullets(step)[0]


def test_zero_of_time():
    value, verdict, text = time_zero(0)
    assert (value, verdict) == ("0 is the first of `Days`, which runs to 9", "it stays as it is")
    assert text == (
        "`Days` stays as it is: the intercept is the mean of `Reaction` at `Days` 0, the start. To "
        "describe another time, say 9, subtract it from `Days` in the data beforehand."
    )
    value, _, text = time_zero(9)
    assert value == "0 is the last of `Days`, which runs from −9"
    assert "0, the end. To describe another time, say −9" in text
    value, _, text = time_zero(4)
    assert value == "`Days` runs from −4 to 5, 40.0% of it below 0"
    assert "at `Days` 0, between −4 and 5. To describe another time, say 5" in text
    value, verdict, text = time_zero(-3)
    assert value == "`Days` runs from 3 to 12, which is without 0"
    assert verdict == "it is counted from 3 (`Days_start`)"
    assert "the intercept is the mean of `Reaction` at `Days` 3, the start." in text


def test_times_that_differ_between_units_mix_two_slopes():
    step = questions("wages", "log_wages", "id", time="experience")
    (note,) = notes(step, "Q-ATOMISTIC")
    assert note.text.startswith("16.4% of the variance of `experience` lies between groups of `id`")
    same = questions("sleepstudy", "Reaction", "Subject", time="Days")
    assert notes(same, "Q-ATOMISTIC") == []


def test_predictors_that_vary_in_time_are_asked_for_beside_it():
    step = questions(
        "wages", "log_wages", "id", time="experience", level1="unemployment_rate", level2="black"
    )
    assert "difference between `black` = 1 and 0" in [row[3] for row in rows(step)]
    assert (
        "log_wages ~ 1 + experience + unemployment_rate_within + unemployment_rate_between + "
        "(1 | id)"
    ) in models(step).values()


def three_levels():
    data = mlm.simulate_multilevel(
        (12, (2, 5)),
        8,
        fixed={"Intercept": 1.0, "x": 1.0},
        random={"school": {"Intercept": 1.0}, "class": {"Intercept": 0.7}},
        level1={"x": 0.4},
        group=["school", "class"],
        rng=2,
    )
    data["z"] = np.random.default_rng(1).normal(size=12)[pd.factorize(data["school"])[0]]
    return data


def test_three_levels():
    step = questions(three_levels(), "y", ["school", "class"], level1="x", level2="z")
    assert [row[:2] for row in rows(step)][:7] == [
        ("How much do schools differ in `y`?", "random intercept of school"),
        ("How much do classes of one school differ in `y`?", "random intercept of class"),
        ("Do rows of one class that differ in `x` differ in `y`?", "x_within"),
        ("Do schools with different means of `x` differ in `y`?", "x_school_between"),
        (
            "Do classes with the same mean of `x` differ in `y` by the mean of `x` in their "
            "school?",
            "x_school_between − x_class_between",
        ),
        ("Do classes with different means of `x` differ in `y`?", "x_class_between"),
        (
            "Do rows with the same `x` differ in `y` by the mean of `x` in their class?",
            "x_class_between − x_within",
        ),
    ]
    (note,) = notes(step, "Q-SAMELEVEL")
    assert note.severity == "warning"
    assert note.text == (
        "Questions about `z` are answered by 12 schools, not by "
        f"{len(three_levels())} rows: 2 coefficients stand on 12 schools, fewer than 10 for each."
    )


def test_only_groups_answer_questions_about_groups(schools, hsb):
    (note,) = notes(schools, "Q-SAMELEVEL")
    assert note.severity == "info"
    assert note.text == "Questions about `sector` are answered by 160 schools, not by 7,185 rows."
    catholic = hsb[hsb["sector"] == "Catholic"]["school"].unique()
    few = hsb[(hsb["sector"] == "Public") | hsb["school"].isin(catholic[:3])]
    (note,) = notes(questions(few, "math", "school", level2="sector"), "Q-SAMELEVEL")
    assert note.severity == "warning"
    assert note.text.endswith("Few are those with `sector` = `Catholic` (3).")


def test_interactions_that_are_asked_for(hsb):
    step = questions(
        hsb,
        "math",
        "school",
        level1=["ses", "minority"],
        level2="sector",
        random="ses",
        interactions=["sector:ses", "ses:minority"],
    )
    asked = rows(step)[-2:]
    assert [row[1] for row in asked] == ["ses_within:sector", "ses_within:minority"]
    assert [row[3].split(":")[0] for row in asked] == [
        "cross-level interaction",
        "interaction at one level",
    ]
    assert [row[1] for row in rows(step) if row[1].startswith("random slope")] == [
        "random slope of ses_within"
    ]
    same, only = notes(step, "Q-SAMELEVEL")
    assert same.text.startswith("`ses` and `minority` both vary between rows")
    assert only.text.startswith("Questions about `sector`")
    assert "one by one in step 5" not in str(step)


def test_no_predictors():
    step = questions("dyestuff", "Yield", "Batch")
    assert step.headline == "The variables allow 1 question: how much Batches differ."
    assert models(step) == {"1": "Yield ~ 1 + (1 | Batch)"}
    assert (step.decisions, step.notes) == ((), ())
    assert not any(isinstance(block, Equations) for block in step.blocks)


def test_tables_are_of_the_kind_of_the_data():
    data = mlm.datasets.load("sleepstudy", "polars")
    table = questions(data, "Reaction", "Subject", time="Days").tables["questions"]
    assert list(table["number"]) == [1, 2, 3, 4]
    assert type(table) is type(data)


def test_order_of_rows_and_names_change_nothing_but_names(hsb, schools):
    shuffled = hsb.sample(frac=1.0, random_state=1)
    names = {"ses": "Größe", "minority": "In der Minderheit", "sector": "Träger", "math": "y 1"}
    again = questions(shuffled, "math", "school", level1=["ses", "minority"], level2="sector")
    assert str(again) == str(schools)
    renamed = questions(
        shuffled.rename(columns=names),
        "y 1",
        "school",
        level1=["Größe", "In der Minderheit"],
        level2="Träger",
    )
    assert [row[3] for row in rows(renamed)] == [
        text.replace("`ses`", "`Größe`").replace("`minority`", "`In der Minderheit`")
        for text in (row[3] for row in rows(schools))
    ]
    assert codes(renamed) == codes(schools)
