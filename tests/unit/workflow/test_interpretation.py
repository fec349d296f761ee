"""Step 7: what the sentences say of the chosen model."""

from __future__ import annotations

import re

import matplotlib as mpl
import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError
from multilevel.report.document import Bullets, Decision, Paragraph
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.interpretation import interpretation_step
from multilevel.workflow.rung import Choice, Ladder, Rung

mpl.use("Agg")

PRINTED = 5e-6  # published numbers are right to half a unit of their fifth decimal

SPLIT = "ses_within + ses_between + (1 | school)"
CROSS = "ses_within + ses_between + sector + ses_within:sector + (1 + ses_within | school)"


def climbed(study, *right):
    """A ladder of models, the last of which is chosen."""
    rungs = []
    for i, text in enumerate(("1 + (1 | school)", *right)):
        made = study.fitter(f"{study.outcome} ~ {text}")
        rungs.append(Rung(f"M{i}", text, made.formula, made.fit, True, "", None, made.notes))
    rule = Decision("FIT-CHOICE", "Which model?", "", "", rungs[-1].name)
    return Ladder(tuple(rungs)), Choice(rungs[-1], rungs[-1].fit, False, rule)


def interpreted(study, *right):
    return interpretation_step(study, *climbed(study, *right))


def text_of(step):
    """All sentences of a step."""
    parts = [step.headline]
    parts += [block.text for block in step.blocks if isinstance(block, Paragraph)]
    parts += [item for block in step.blocks if isinstance(block, Bullets) for item in block.items]
    return " ".join(parts)


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb", "pandas")


def study_of(data, **arguments):
    return Analysis(data, "math", "school", **arguments).study


@pytest.fixture(scope="module")
def split(hsb):
    return interpreted(study_of(hsb, level1="ses"), SPLIT)


@pytest.fixture(scope="module")
def cross(hsb):
    return interpreted(study_of(hsb, level1="ses", level2="sector"), CROSS)


def test_contextual_difference_of_high_school_and_beyond(split):
    # Raudenbush & Bryk (2002, p. 139 ff.): within 2.191, between 5.866, contextual 3.675
    table = split.tables["contextual"].set_index("contrast")
    expected = {
        "within: ses": (2.19117, 0.10866),
        "between: ses": (5.86617, 0.3617),
        "contextual: ses": (3.67500, 0.3777),
    }
    for name, (estimate, error) in expected.items():
        np.testing.assert_allclose(table.loc[name, "estimate"], estimate, atol=PRINTED)
        np.testing.assert_allclose(table.loc[name, "std_error"], error, atol=5e-5)
    assert "Contextual difference of `ses`: 3.68 (standard error 0.38, p < .001)." in text_of(split)


def test_sentences_within_and_between(split):
    text = text_of(split)
    assert (
        "Rows with `ses` one higher have `math` 2.19 higher on average than others of the "
        "same school (95% interval 1.98 to 2.40)."
    ) in text
    assert "Schools whose mean of `ses` is one higher have a mean of `math` 5.87 higher" in text


def test_a_reversed_outcome_reverses_the_sentences(hsb, split):
    turned = interpreted(study_of(hsb.assign(math=-hsb["math"]), level1="ses"), SPLIT)
    text = text_of(turned)
    assert "`ses` one higher have `math` 2.19 lower" in text
    assert "(95% interval 1.98 to 2.40)" in text
    assert "has the lower `math` on average" in text
    assert "has the higher `math` on average" in text_of(split)


def test_a_reversed_predictor_reverses_the_sentences(hsb, cross):
    turned = interpreted(
        study_of(hsb.assign(ses=-hsb["ses"]), level1="ses", level2="sector"), CROSS
    )
    said = re.search(r"The slope of `ses` within schools is (\S+) (\w+) where", text_of(cross))
    back = re.search(r"The slope of `ses` within schools is (\S+) (\w+) where", text_of(turned))
    assert said is not None
    assert back is not None
    assert said[1] == back[1]
    assert (said[2], back[2]) == ("lower", "higher")


def test_an_interaction_has_conditions_simple_slopes_and_a_note(cross):
    text = text_of(cross)
    assert "Where `sector` is `Public`: rows with `ses` one higher" in text
    assert "The slope of `ses` is 2.7" in text
    assert [n.code for n in cross.notes].count("I-MAINEFFECTINTERACTION") == 1
    slopes = cross.tables["slopes_ses_within_by_sector"]
    np.testing.assert_allclose(
        slopes["estimate"].diff().iloc[1],
        cross.tables["coefficients"]["estimate"].iloc[-1],
        atol=1e-10,  # a difference of two sums of the same coefficients
    )


def test_figures_can_be_drawn_and_have_numbers(cross):
    assert set(cross.figures) == {
        "interaction_ses_within_by_sector",
        "explained",
        "caterpillar_school",
        "caterpillar_school_ses_within",
        "lines",
    }
    for picture in cross.figures.values():
        assert picture.draw().axes
        assert len(picture.data())
        assert re.search(r"\d", picture.alt)


def test_growth():
    data = mlm.datasets.load("sleepstudy", "pandas")
    study = Analysis(data, "Reaction", "Subject", time="Days").study
    made = study.fitter("Reaction ~ Days + (1 + Days | Subject)")
    rung = Rung("M0", "growth", made.formula, made.fit, True, "")
    rule = Decision("FIT-CHOICE", "Which model?", "", "", "M0")
    step = interpretation_step(study, Ladder((rung,)), Choice(rung, made.fit, False, rule))
    text = text_of(step)
    # Bates et al. (2015): 251.405, 10.467; Kenward-Roger with 17 df
    assert "With each unit of `Days`, `Reaction` rises by 10.5 on average" in text
    assert "95% of Subjects have slopes between −1.14 and 22.1; 3.9% are negative" in text
    assert step.tables["coefficients"]["df"].round(6).tolist() == [17.0, 17.0]


@pytest.fixture(scope="module")
def drinking():
    """Singer & Willett (2003, chapter 4): alcohol use of adolescents from 14 to 16."""
    data = mlm.datasets.load("alcohol_use", "pandas")
    properties = ["child_of_alcoholic", "peer_alcohol_use"]
    return Analysis(data, "alcohol_use", "id", time="age", level2=properties).study


DRINKING = "age_start + child_of_alcoholic + peer_alcohol_use_c"


def test_trajectories_of_typical_persons_are_parallel_without_products(drinking):
    step = interpreted(drinking, f"{DRINKING} + (1 + age_start | id)")
    fit = step.fits["M1"]
    beta = dict(zip(fit.coef_names, fit.beta, strict=True))
    start = beta["Intercept"], beta["Intercept"] + beta["child_of_alcoholic"]
    low, high = (f"from {x:.3f} to {x + 2 * beta['age_start']:.3g}" for x in start)
    text = f"From `age` 14 to 16 the average `alcohol_use` goes {low} where `child_of_alcoholic` "
    assert f"{text}is 0 and {high} where it is 1. These differences" in text_of(step)
    numbers = step.figures["trajectories_by_child_of_alcoholic"].data()
    means = numbers.groupby("child_of_alcoholic")["estimate"].agg(["first", "last"])
    np.testing.assert_allclose(means["last"] - means["first"], 2 * beta["age_start"])
    assert "trajectories_by_peer_alcohol_use" in step.figures


def test_trajectories_with_products_are_drawn_once(drinking):
    fixed = f"{DRINKING} + age_start:child_of_alcoholic"
    step = interpreted(drinking, f"{fixed} + (1 + age_start | id)")
    assert "trajectories_by_child_of_alcoholic" not in step.figures
    assert "trajectories_by_peer_alcohol_use" in step.figures


def test_a_difference_that_is_open_is_not_called_none(hsb):
    step = interpreted(study_of(hsb, level1=["ses", "sex"]), f"sex + sex_between + {SPLIT}")
    row = step.tables["contextual"].set_index("contrast").loc["contextual: sex"]
    assert row["p_value"] > 0.05
    low, high = (f"{row[name]:.2f}".replace("-", "−") for name in ("conf_low", "conf_high"))
    text = f"their difference may lie between {low} and {high} (95% interval)."
    assert text in text_of(step)


def test_years_are_written_as_years():
    data = mlm.datasets.load("alcohol_use", "pandas")
    data["age"] += 1986
    study = Analysis(data, "alcohol_use", "id", time="age", level2="child_of_alcoholic").study
    text = text_of(interpreted(study, "age_start + child_of_alcoholic + (1 + age_start | id)"))
    assert "From `age` 2000 to 2002 the average" in text
    assert " at `age` 2001 (95% interval" in text


def test_slopes_within_and_between_say_where_they_hold():
    data = mlm.datasets.load("hsb", "pandas")
    study = Analysis(data, "math", "school", level1=["ses", "minority"], level2="sector").study
    terms = "ses_within * sector + ses_between + minority * sector + minority_between"
    made = interpretation_step(study, *climbed(study, f"{terms} + (1 | school)"))
    text = text_of(made)
    where = "where `sector` is `Public`"
    assert (
        'Because of products in the model "within: ses", "contextual: ses", "within: minority" and '
        f'"between: minority" hold {where}.'
    ) in text
    assert f"Contextual difference of `ses`, {where}: " in text
    # The difference in shares is the coefficient of the share, whatever the sector.
    assert "Contextual difference of `minority`: " in text


def test_units_are_in_the_sentences():
    data = mlm.datasets.load("sleepstudy")
    units = {"Reaction": "ms", "Days": "day"}
    analysis = Analysis(data, "Reaction", "Subject", time="Days", units=units)
    text = text_of(analysis.interpretation)
    for part in (
        "With each day of `Days`, `Reaction` rises by 10.5 ms on average",
        "The intercept, 251.4 ms (95%",
        "is 251 ms at `Days` 0",
        "by a standard deviation of 24.7 ms:",
        "by a standard deviation of 5.92 about 10.5 ms per day:",
        "lie within 50.2 ms of what the model says",
    ):
        assert part in text
    assert ("Outcome", "`Reaction` (ms)") in analysis.document.facts


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ({"ses": "x"}, "units: 'ses' is neither the outcome nor a predictor"),
        ({"Days": ""}, "that of 'Days' must be a word, such as \"ms\"; got ''"),
        ({"Days": 3}, "that of 'Days' must be a word, such as \"ms\"; got 3"),
    ],
)
def test_units_that_are_none(units, message):
    data = mlm.datasets.load("sleepstudy")
    with pytest.raises(DataError, match=re.escape(message)):
        Analysis(data, "Reaction", "Subject", time="Days", units=units)


def test_simple_slopes_of_a_curve_say_where_they_are_taken():
    """Of a curve the coefficient holds at time zero, the slope by others at the mean time."""
    rng = np.random.default_rng(4)
    n, times = 60, np.arange(1.0, 6.0)
    data = {"id": np.repeat(np.arange(n), 5), "week": np.tile(times, n)}
    group = data["id"] % 2
    t = data["week"] - 1.0
    y = 2.0 * t - 0.3 * t**2 + 0.5 * t * group + rng.normal(size=n)[data["id"]]
    data |= {"group": np.where(group == 1, "new", "old"), "y": y + 0.2 * rng.normal(size=5 * n)}
    study = Analysis(data, "y", "id", time="week", level2="group").study
    own = study.time.own
    step = interpreted(study, f"{own} + I({own} ** 2) + {own} * group + (1 | id)")
    text = text_of(step)
    slopes = step.tables[f"slopes_{own}_by_group"]["estimate"]
    at_mean = 2.0 - 2.0 * 0.3 * 2.0
    np.testing.assert_allclose(slopes, [at_mean + 0.5, at_mean], atol=0.05)
    assert "The slope of `week` at its mean (3) is " in text
