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
        "18.0% of the variance of `math` lies between schools (95% interval 14.7% to 22.0%)"
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


def test_few_groups_have_no_random_slopes_unless_asked():
    data = mlm.simulate_multilevel(
        6, 30, fixed={"x": 1.0}, random={"Intercept": 1.0, "x": 2.0}, level1=["x"], rng=1
    )
    analysis = mlm.Analysis(data, "y", "group", level1="x")
    assert "BUILD-FEWGROUPS" in [note.code for note in analysis.ladder.notes]
    asked = mlm.Analysis(data, "y", "group", level1="x", random="x")
    assert asked.model.formula == "y ~ 1 + x_c + (1 + x_c | group)"


def test_comparison_is_by_maximum_likelihood():
    step = hsb().comparison
    table = step.tables["criteria"].set_index("model")
    fit = hsb().ladder["M1"].fit.refit(reml=False)
    assert table.loc["M1", "aic"] == pytest.approx(fit.aic, rel=1e-9)
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
