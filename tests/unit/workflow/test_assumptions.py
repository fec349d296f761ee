"""Steps 3 and 6: assumptions looked at before a model, and those of the fitted one."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import multilevel as mlm
from multilevel.report.document import Paragraph
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.assumptions import assumptions_step
from multilevel.workflow.assumptions_after import assumptions_after
from multilevel.workflow.screening import robust_scores

mpl.use("Agg")


def before(*arguments, **named):
    return assumptions_step(Analysis(*arguments, **named).study)


def codes(part):
    return {note.code for note in part.notes}


def rows_of(step):
    """Values of the checks by check and what was checked."""
    frame = step.tables["before"]
    keys = zip(frame["check"], frame["what"], strict=True)
    return dict(zip(keys, frame["value"], strict=True))


def simulated(y_of, n_groups=30, size=20):
    rng = np.random.default_rng(1)
    group = np.repeat(np.arange(n_groups), size)
    x = rng.normal(size=len(group))
    e = rng.normal(size=len(group)) + 0.5 * rng.normal(size=n_groups)[group]
    return {"y": y_of(x, e), "x": x, "group": group}


def after(data, outcome, groups, fixed, random, **named):
    study = Analysis(data, outcome, groups, **named).study
    return assumptions_after(study, study.fitter(study.formula(fixed, random)).fit)


def test_high_school_and_beyond():
    step = before(mlm.datasets.load("hsb", "pandas"), "math", "school", level1="ses")
    assert codes(step) == set()
    values = rows_of(step)
    assert values["mean", "math"] == pytest.approx(12.748, abs=1e-3)  # Raudenbush & Bryk (2002)
    assert values["standard deviation", "math"] == pytest.approx(6.878, abs=1e-3)
    assert step.headline.startswith("None of ")
    assert list(step.figures) == ["distribution", "trellis", "within_between_ses"]
    for figure in step.figures.values():
        assert figure.draw() is not None
    texts = [block.text for block in step.blocks if isinstance(block, Paragraph)]
    # slopes by lm in R: pooled within schools, and of the means of schools
    assert (
        "differs by 2.19 between rows of the same group and by 5.91 between the means" in texts[2]
    )
    assert "91% rise" in texts[1]
    assert "12 of 160 schools" in step.figures["trellis"].title


def test_sleepstudy_has_lines_along_time():
    data = mlm.datasets.load("sleepstudy", "polars")
    step = before(data, "Reaction", "Subject", time="Days")
    assert list(step.figures) == ["distribution", "spaghetti", "trellis"]
    for figure in step.figures.values():
        assert figure.draw() is not None
    assert "curvature" in step.tables["before"]["check"].to_list()


def test_floor_and_ceiling():
    step = before(simulated(lambda x, e: np.maximum(x + e, -0.5)), "y", "group", level1="x")
    assert "A-FLOOR" in codes(step)
    text = next(note.text for note in step.notes if note.code == "A-FLOOR")
    assert "smallest value of `y`, −0.500: a floor" in text
    turned = before(simulated(lambda x, e: np.minimum(-x - e, 0.5)), "y", "group", level1="x")
    assert "largest value of `y`, 0.500: a ceiling" in note_of(turned, "A-FLOOR")


def note_of(step, name):
    return next(note.text for note in step.notes if note.code == name)


def test_skewed_positive_outcome_gets_a_logarithm():
    step = before(simulated(lambda x, e: np.exp(x + e)), "y", "group", level1="x")
    assert "nearest to the logarithm" in note_of(step, "A-SKEW")
    assert "exp(coefficient) is a ratio of geometric means of `y`" in note_of(step, "A-SKEW")
    assert "does not assume that the outcome is symmetric" in note_of(step, "A-SKEW")
    assert "long tail of high values" in step.blocks[0].text
    assert rows_of(step)["power (Box-Cox)", "y"] == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(
    ("y_of", "says"),
    [
        (lambda x, e: np.maximum(x + e + 3.0, 0.05) ** 2, "nearest to the square root"),
        (lambda x, e: 1.0 / np.maximum(x + e + 6.0, 0.5), "reciprocals, with a minus sign"),
    ],
    ids=["square root", "reciprocal"],
)
def test_other_powers(y_of, says):
    text = note_of(before(simulated(y_of), "y", "group", level1="x"), "A-SKEW")
    assert says in text


@pytest.mark.parametrize(("sign", "size"), [(1.0, 60.0), (-1.0, 60.0)])
def test_skewness_of_single_rows_is_an_error_of_entry(sign, size):
    data = simulated(lambda x, e: 100.0 + x + e)
    data["y"][[5, 77]] += sign * size
    step = before(data, "y", "group", level1="x")
    text = note_of(step, "A-SKEW")
    assert "comes from 2 rows that lie far from the others; without them it is" in text
    assert "Look for errors of entry" in text
    assert ("power (Box-Cox)", "y") not in rows_of(step)


def test_left_skew_gets_no_scale():
    step = before(simulated(lambda x, e: -np.exp(x + e)), "y", "group", level1="x")
    assert "long tail of low values" in step.blocks[0].text
    text = note_of(step, "A-SKEW")
    assert "skewed to the left" in text
    assert "here only 0.2% of the rows have its largest value" in text
    assert "No other scale is suggested" in text


def test_left_skew_at_a_ceiling_says_so():
    step = before(simulated(lambda x, e: np.minimum(-np.exp(x + e), -0.7)), "y", "group")
    assert "No transformation tells rows at a ceiling apart" in note_of(step, "A-SKEW")


def test_right_skew_with_values_below_zero_gets_no_scale():
    step = before(simulated(lambda x, e: np.exp(x + e) - 0.5), "y", "group", level1="x")
    assert "of which there is no logarithm" in note_of(step, "A-SKEW")
    assert ("power (Box-Cox)", "y") not in rows_of(step)


@pytest.mark.parametrize(("sign", "says"), [(1.0, "bends upwards"), (-1.0, "bends downwards")])
def test_curvature(sign, says):
    data = simulated(lambda x, e: sign * 0.5 * x**2 + e)
    step = before(data, "y", "group", level1="x")
    assert says in next(note.text for note in step.notes if note.code == "A-LINEAR")


def test_curvature_is_that_of_least_squares_with_indicators():
    data = simulated(lambda x, e: 0.2 * x**2 + x + e, 8, 12)
    x, y, D = data["x"], data["y"], np.eye(8)[data["group"]]
    smaller, larger = np.column_stack([D, x]), np.column_stack([D, x, x**2])
    rss = [float(np.linalg.lstsq(X, y, rcond=None)[1][0]) for X in (smaller, larger)]
    step = before(data, "y", "group", level1="x")
    found = next(value for (check, _), value in rows_of(step).items() if check == "curvature")
    assert found == pytest.approx(1.0 - rss[1] / rss[0], rel=1e-8)


def test_collinear_predictors_and_far_rows():
    data = simulated(lambda x, e: x + e)
    data["twin"] = data["x"] + 0.1 * np.random.default_rng(2).normal(size=600)
    data["y"][[3, 300]] += 30.0
    step = before(data, "y", "group", level1=["x", "twin"])
    assert codes(step) >= {"A-COLLINEAR", "A-OUTLIER"}
    assert rows_of(step)["outliers within groups", "y"] == 2.0
    assert "2 above and 0 below" in note_of(step, "A-OUTLIER")
    data["y"] = -data["y"]
    step = before(data, "y", "group", level1=["x", "twin"])
    assert "0 above and 2 below" in note_of(step, "A-OUTLIER")


def test_order_of_rows_changes_nothing():
    data = simulated(lambda x, e: np.exp(x + e))
    order = np.random.default_rng(3).permutation(600)
    other = {name: values[order] for name, values in data.items()}
    first, second = (before(one, "y", "group", level1="x") for one in (data, other))
    assert first.notes == second.notes
    assert first.decisions == second.decisions


def test_no_predictors_and_crossed_factors():
    step = before(mlm.datasets.load("penicillin", "pandas"), "diameter", ["plate", "sample"])
    assert codes(step) == set()
    assert list(step.figures) == ["distribution", "group_means"]
    assert step.figures["group_means"].draw() is not None


def test_panels_do_not_depend_on_order_or_names():
    data = simulated(lambda x, e: x + e)
    order = np.random.default_rng(3).permutation(600)
    other = {name: values[order] for name, values in data.items()}
    other["group"] = np.array([f"g{(7 * j) % 30:02d}" for j in other["group"]])
    first, second = (before(one, "y", "group", level1="x") for one in (data, other))
    drawn = [
        sorted(zip(table["x"], table["y"], strict=True))
        for table in (one.figures["trellis"].data() for one in (first, second))
    ]
    np.testing.assert_allclose(drawn[0], drawn[1], rtol=1e-9)


def test_a_predictor_alike_in_all_groups_has_no_relation_between_them():
    data = simulated(lambda x, e: x + e)
    data["x"] = np.tile(np.linspace(-1.0, 1.0, 20), 30)
    step = before(data, "y", "group", level1="x")
    assert list(step.figures) == ["distribution", "trellis"]


def test_groups_of_one_or_two_rows_have_no_lines():
    rng = np.random.default_rng(5)
    group = np.concatenate([np.arange(30), np.arange(20)])
    data = {"y": rng.normal(size=50), "x": rng.normal(size=50), "group": group}
    step = before(data, "y", "group", level1="x")
    assert list(step.figures) == ["distribution", "within_between_x"]


def test_after_sleepstudy():
    data = mlm.datasets.load("sleepstudy", "polars")
    random = "(1 + Days | Subject)"
    part = after(data, "Reaction", "Subject", ["Days"], random, time="Days")
    assert codes(part) == {"A-NORM1", "A-OUTLIER", "A-AUTOCORR"}
    severity = {note.code: note.severity for note in part.notes}
    assert severity["A-NORM1"] == "warning"
    assert severity["A-AUTOCORR"] == "info"
    head = part.blocks[0]
    assert isinstance(head, Paragraph)
    assert head.heading == "Assumptions of the chosen model"
    assert "1 found a problem: normality of rows (`residual`)" in head.text
    names = ["check", "level", "term", "verdict", "statistic", "p_value", "message"]
    table = part.blocks[1].frame
    assert table.columns == names
    assert table["verdict"].to_list()[:3] == ["problem", "look", "look"]
    assert "correlate 0.11, expected −0.18" in " ".join(table["message"])


def test_effects_of_groups_are_drawn_against_each_other():
    data = mlm.datasets.load("sleepstudy", "pandas")
    part = after(data, "Reaction", "Subject", ["Days"], "(1 + Days | Subject)", time="Days")
    pair = next(block for block in part.blocks if getattr(block, "name", "") == "pairs_Subject")
    assert "none lies outside" in pair.alt
    assert pair.draw() is not None


def test_after_without_time_does_not_depend_on_order():
    data = mlm.datasets.load("hsb", "pandas")
    part = after(data, "math", "school", ["ses"], "(1 | school)", level1="ses")
    assert "A-ENDOG" in codes(part)
    assert "autocorrelation" not in set(part.blocks[1].frame["check"])


def test_notes_name_steps_not_calls():
    data = simulated(lambda x, e: np.exp(1.5 * (x + e)))
    data["y"][data["group"] == 3] += 200.0
    part = after(data, "y", "group", ["x_c"], "(1 | group)", level1="x")
    text = " ".join(note.text for note in part.notes)
    assert "robust standard errors are in step 8" in text
    assert "robust=" not in text
    assert "influence(" not in text


@pytest.mark.parametrize("size", [3, 4, 5, 8, 20])
def test_scores_have_the_scale_of_normal_rows_in_groups_of_any_size(size):
    rng = np.random.default_rng(size)
    groups = np.repeat(np.arange(60_000 // size), size)
    scores = robust_scores(7.0 * rng.normal(size=len(groups)), [groups])
    # deviations from medians of small groups vary a little less than those from the centre
    assert np.mean(np.abs(scores) > 2.0) == pytest.approx(0.0455, abs=0.015)
