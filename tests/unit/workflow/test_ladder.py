"""The models, the choice, and variance between groups."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError

HSB = mlm.datasets.load("hsb")


def hsb(**options):
    return mlm.Analysis(HSB, "math", "school", level1="ses", level2="sector", **options)


def names(analysis):
    return [rung.name for rung in analysis.ladder.rungs]


def test_high_school_and_beyond():
    analysis = hsb()
    assert names(analysis) == ["M0", "M1", "M2", "M3:ses", "M3", "M4:ses:sector", "M4"]
    assert [rung.name for rung in analysis.ladder.kept] == ["M0", "M1", "M2", "M3", "M4"]
    assert analysis.choice.rung.name == "M4"
    expected = mlm.lmer(
        "math ~ ses_within * sector + ses_between + (ses_within | school)", analysis.study.data
    )
    assert analysis.model.loglik == pytest.approx(expected.loglik, rel=1e-9)


def test_slope_is_tested_by_the_mixture():
    """SES of Raudenbush & Bryk: 10.92948, p .00259 by the mixture in the model without sector."""
    analysis = mlm.Analysis(
        mlm.datasets.load("hsb"), "math", "school", level1="ses", interactions=[]
    )
    rung = next(rung for rung in analysis.ladder.rungs if rung.name == "M3:ses")
    small = analysis.study.fitter(analysis.ladder["M2"].formula).fit
    table = mlm.anova(small, rung.fit, refit=False)
    assert rung.test.p_value == table["p_value_mixture"].iloc[1]
    assert "mixture" in rung.test.method


def test_null_model_alone():
    analysis = mlm.Analysis(HSB, "math", "school")
    assert names(analysis) == ["M0"]
    assert analysis.need.headline.startswith(
        "18.0% of the variance of `math` lies between schools (95% interval 14.7% to 22.1%)"
    )
    np.testing.assert_allclose(analysis.need.tables["design_effect"]["design_effect"], 8.918571)


def test_the_user_overrules():
    assert names(hsb(random=[])) == ["M0", "M1", "M2"]
    forced = hsb(random=["ses"], interactions=[])
    assert names(forced) == ["M0", "M1", "M2", "M3"]
    assert not any(decision.rule == "BUILD-SLOPE" for decision in forced.ladder.decisions)
    chosen = hsb(select="M2")
    assert chosen.choice.by_user
    assert chosen.model.formula == chosen.ladder["M2"].formula
    with pytest.raises(DataError, match="select='M9' is no model of this analysis"):
        _ = hsb(select="M9").choice


def test_growth():
    analysis = mlm.Analysis(mlm.datasets.load("sleepstudy"), "Reaction", "Subject", time="Days")
    assert names(analysis) == ["M0", "M1", "M2:Days", "M2", "M3:curve"]
    assert analysis.model.reml_criterion == pytest.approx(1743.6282719599, rel=1e-9)


def test_slopes_that_do_not_differ_are_left_out():
    data = mlm.simulate_multilevel(
        60, 15, fixed={"x": 1.0}, random={"Intercept": 1.0}, level1=["x"], rng=4
    )
    analysis = mlm.Analysis(data, "y", "group", level1="x")
    assert names(analysis)[-1] == "M2:x"
    assert analysis.choice.rung.name == "M1"
    [decision] = analysis.ladder.decisions
    assert decision.verdict == "one slope for all groups is enough"


def few(n_groups):
    return mlm.simulate_multilevel(
        n_groups, 30, fixed={"x": 1.0}, random={"Intercept": 1.0, "x": 2.0}, level1=["x"], rng=1
    )


def test_below_five_groups_there_are_no_random_slopes_unless_asked():
    analysis = mlm.Analysis(few(4), "y", "group", level1="x")
    assert "BUILD-FEWGROUPS" in [note.code for note in analysis.ladder.notes]
    assert analysis.model.formula.endswith("(1 | group)")
    asked = mlm.Analysis(few(4), "y", "group", level1="x", random="x")
    assert asked.model.formula == "y ~ 1 + x_c + (1 + x_c | group)"


def test_from_five_groups_slopes_are_tried():
    """Slopes that differ make standard errors of a common slope too small, most in few groups."""
    analysis = mlm.Analysis(few(6), "y", "group", level1="x")
    assert analysis.model.formula == "y ~ 1 + x_c + (1 + x_c | group)"
    assert "BUILD-FEWGROUPS" not in [note.code for note in analysis.ladder.notes]


def test_comparison_is_by_maximum_likelihood():
    step = hsb().comparison
    table = step.tables["criteria"].set_index("model")
    fit = hsb().ladder["M1"].fit.refit(reml=False)
    assert table.loc["M1", "aic"] == pytest.approx(fit.aic, rel=1e-9)
    assert table.loc["M1", "aicc"] == pytest.approx(fit.glance()["aicc"].iloc[0], rel=1e-9)
    assert table.loc["M4", "verdict"] == "chosen"
    assert "FIT-REMLAIC" in [note.code for note in step.notes]


def test_models_side_by_side():
    step = hsb().models
    table = step.tables["coefficients"].set_index("term")
    assert table.loc["ses_within", "M1"].startswith("2.19")
    assert set(step.fits) == set(names(hsb()))


@pytest.mark.parametrize("groups", ["plate + sample", ["plate", "sample"]])
def test_crossed_factors(groups):
    analysis = mlm.Analysis(mlm.datasets.load("penicillin"), "diameter", groups)
    assert analysis.model.reml_criterion == pytest.approx(330.860589, rel=1e-7)
    assert "plates" in analysis.need.headline
    assert "samples" in analysis.need.headline


def test_slopes_are_added_one_by_one_the_clearest_first():
    analysis = mlm.Analysis(
        HSB, "math", "school", level1=["ses", "minority", "sex"], level2=["sector"]
    )
    tried = [name for name in names(analysis) if name.startswith("M3:")]
    alone = {name: analysis.ladder[name].test.p_value for name in tried if "+" not in name}
    first = min(alone, key=alone.get).removeprefix("M3:")
    second = [name for name in tried if name.count("+") == 1]
    assert all(name.startswith(f"M3:{first}+") for name in second)
    assert all(analysis.ladder[name].test.against == f"M3:{first}" for name in second)
    rung = analysis.ladder["M3"]
    kept = analysis.ladder[next(n for n in tried if analysis.ladder[n].formula == rung.formula)]
    assert rung.fit is kept.fit
    assert kept.test.p_value < 0.05


def test_a_slope_that_is_no_clearer_beside_others_is_left_out():
    """With mean SES in the model, slopes of sex (p .021 alone) have p .052 beside two others."""
    analysis = mlm.Analysis(
        HSB, "math", "school", level1=["ses", "minority", "sex"], level2=["sector", "meanses"]
    )
    assert analysis.ladder["M3:sex"].test.p_value == pytest.approx(0.0211, abs=1e-3)
    assert analysis.ladder["M3:minority+ses+sex"].test.p_value == pytest.approx(0.0518, abs=1e-3)
    assert analysis.ladder["M3"].formula.endswith("(1 + minority + ses_within | school)")


def test_means_in_the_data_stand_for_those_that_would_be_made():
    analysis = mlm.Analysis(HSB, "math", "school", level1=["ses"], level2=["meanses"])
    [(name, factor)] = analysis.study.predictor("ses").means
    assert (name, factor.name) == ("meanses_c", "school")
    assert "ses_between" not in analysis.model.formula
    contrasts = analysis.interpretation.tables["contextual"]
    table = contrasts.set_index(contrasts.columns[0])
    assert "contextual: ses" in table.index
    assert "BUILD-RANK" not in [note.code for note in analysis.models.notes]


def test_columns_that_say_nothing_new_are_left_out_once():
    data = HSB.assign(twice=2.0 * HSB["ses"] + 1.0)
    analysis = mlm.Analysis(data, "math", "school", level1=["ses", "twice"], interactions=[])
    notes = [note for note in analysis.models.notes if note.code == "BUILD-RANK"]
    assert any("`twice_within`" in note.text for note in notes)
    assert np.isfinite(analysis.model.beta).all()


def three_levels(**options):
    data = mlm.datasets.load("egsingle")
    return mlm.Analysis(data, "math", ["schoolid", "childid"], time="year", **options)


def test_slopes_are_tried_at_every_level():
    analysis = three_levels(level2=["female"])
    tried = names(analysis)
    assert {"M2:year|childid", "M2:year|schoolid"} < set(tried)
    assert analysis.ladder["M2"].formula == (
        "math ~ 1 + year + (1 + year | schoolid) + (1 + year | childid)"
    )
    assert "M5:female|schoolid" in tried  # a predictor of children varies within schools
    assert "M5:female|childid" not in tried


def test_slopes_by_name_of_the_factor():
    analysis = three_levels(random=["year | schoolid"])
    assert analysis.model.formula.endswith("(1 + year | schoolid) + (1 | childid)")
    with pytest.raises(DataError, match="random: 'size' is no predictor"):
        three_levels(random=["size | schoolid"])


def test_curves_differ_between_units():
    rng = np.random.default_rng(1)
    unit, t = np.repeat(np.arange(60), 8), np.tile(np.arange(8.0), 60)
    b = rng.normal(size=(3, 60))[:, unit]
    y = 2.0 + b[0] + (1.0 + 0.5 * b[1]) * t + (0.4 + 0.1 * b[2]) * t**2 + rng.normal(size=480)
    analysis = mlm.Analysis({"y": y, "t": t, "unit": unit}, "y", "unit", time="t")
    assert analysis.model.formula == "y ~ 1 + t + I(t**2) + (1 + t + I(t**2) | unit)"
    assert "M4:t^2" in names(analysis)


def test_change_goes_with_predictors_of_units_even_where_slopes_do_not_differ():
    rng = np.random.default_rng(2)
    unit, t = np.repeat(np.arange(80), 4), np.tile(np.arange(4.0), 80)
    group = rng.integers(0, 2, 80)[unit]
    y = rng.normal(size=80)[unit] + (1.0 + group) * t + rng.normal(size=320)
    data = {"y": y, "t": t, "unit": unit, "group": group}
    analysis = mlm.Analysis(data, "y", "unit", time="t", level2="group")
    assert "t:group" in analysis.model.formula


def test_variances_and_covariances_need_groups():
    data = mlm.simulate_multilevel(
        14,
        40,
        fixed={"x": 1.0, "z": 1.0},
        random={"Intercept": 1.0, "x": 1.0, "z": 1.0},
        level1=["x", "z"],
        rng=3,
    )
    analysis = mlm.Analysis(data, "y", "group", level1=["x", "z"])
    assert "BUILD-OVERFIT" in [note.code for note in analysis.ladder.notes]
    assert len(analysis.model.formula.split("(1 +")[1].split("|")[0].split("+")) == 1


def test_maximal_models_are_reduced():
    rng = np.random.default_rng(5)
    person, item = (x.ravel() for x in np.meshgrid(np.arange(30), np.arange(24)))
    a, noise = (person + item) % 2, (person // 2 + item) % 2
    y = (
        rng.normal(size=30)[person]
        + rng.normal(size=24)[item]
        + a * (1.0 + 1.5 * rng.normal(size=30)[person])
        + rng.normal(size=720)
    )
    data = {"y": y, "person": person, "item": item, "a": a, "noise": noise}
    analysis = mlm.Analysis(
        data, "y", "person + item", level1=["a", "noise"], random="maximal", interactions=[]
    )
    first = next(rung for rung in analysis.ladder.rungs if "maximal" in rung.title)
    assert first.formula.count("a + noise") == 3  # fixed, by person, by item
    assert "person)" in analysis.model.formula
    assert "noise" not in analysis.model.formula.split("(", 1)[1]
    assert not analysis.model.is_singular
    assert any(one.threshold == "p < .20" for one in analysis.ladder.decisions)


def test_few_groups_have_f_tests():
    analysis = mlm.Analysis(
        mlm.datasets.load("sleepstudy"), "Reaction", "Subject", time="Days", random=[]
    )
    test = analysis.ladder["M1"].test
    assert test.method == "F (Kenward-Roger)"
    expected = mlm.lmer("Reaction ~ Days + (1 | Subject)", mlm.datasets.load("sleepstudy"))
    table = expected.anova(df_method="kenward-roger")
    assert test.statistic == pytest.approx(table["statistic"].iloc[0], rel=1e-9)
    assert test.df_residual == pytest.approx(161.0, rel=1e-6)
    assert "F tests by the method of Kenward and Roger" in str(analysis.models)
