"""The analysis as a whole: all steps, whatever the data."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError
from multilevel.workflow import analysis as module


def hsb(data=None, **options):
    given = mlm.datasets.load("hsb") if data is None else data
    return mlm.analyze(given, "math", "school", level1="ses", level2="sector", **options)


def pupils(n_groups=25, rng=3):
    return mlm.simulate_multilevel(
        n_groups,
        (3, 9),
        fixed={"Intercept": 5.0, "x": 1.0, "w": 0.5},
        random={"Intercept": 1.0},
        level1={"x": 0.3},
        level2=["w"],
        group="school",
        rng=rng,
    )


CASES = {
    "no predictors": {},
    "level 1": {"level1": "x"},
    "level 2": {"level2": "w"},
    "both": {"level1": "x", "level2": "w"},
    "asked": {"level1": "x", "level2": "w", "random": "x", "interactions": ["x:w"]},
    "time": {"time": "x", "level2": "w"},
}


def failed(analysis):
    return [note.text for note in analysis.notes if note.code in ("STEP-FAILED", "BUILD-FAILED")]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("n_groups", [4, 25])
def test_every_step_is_made(case, n_groups):
    analysis = mlm.analyze(pupils(n_groups), "y", "school", **CASES[case])
    assert [step.number for step in analysis.steps] == list(range(1, 9))
    assert failed(analysis) == []
    assert all(step.headline for step in analysis.steps)


def test_high_school_and_beyond(tmp_path):
    analysis = hsb()
    assert failed(analysis) == []
    assert analysis.choice.rung.name == "M4"
    page = analysis.report(tmp_path / "hsb.html").read_text("utf-8")
    for step in analysis.steps:
        assert step.title.split(",")[0] in page
    assert page.count("<svg") > 10


def test_order_of_rows_and_kind_of_frame_change_nothing():
    data = mlm.datasets.load("hsb")
    first = hsb(data)
    shuffled = hsb(data.sample(frac=1.0, random_state=1))
    other = hsb(mlm.datasets.load("hsb", "polars"))
    for analysis in (shuffled, other):
        assert [step.headline for step in analysis.steps] == [s.headline for s in first.steps]
        np.testing.assert_allclose(analysis.model.beta, first.model.beta, rtol=1e-6)


def test_names_are_only_names():
    data = pupils()
    names = {"y": "Größe in cm", "x": "SES of pupil", "w": "w 2", "school": "Schule"}
    renamed = mlm.analyze(
        data.rename(columns=names), "Größe in cm", "Schule", level1="SES of pupil", level2="w 2"
    )
    plain = mlm.analyze(data, "y", "school", level1="x", level2="w")
    assert failed(renamed) == []
    np.testing.assert_allclose(renamed.model.beta, plain.model.beta, rtol=1e-6)
    assert len(renamed.ladder.rungs) == len(plain.ladder.rungs)


def test_nested_labels_that_start_again():
    data = mlm.simulate_multilevel(
        (30, (2, 4)),
        8,
        fixed={"Intercept": 1.0},
        random={"school": {"Intercept": 1.0}, "class": {"Intercept": 0.7}},
        group=["school", "class"],
        rng=2,
    )
    data["class"] = data.groupby("school")["class"].transform(lambda c: c - c.min() + 1)
    analysis = mlm.analyze(data, "y", ["school", "class"])
    assert failed(analysis) == []
    assert analysis.model.n_groups["school"] == 30
    assert analysis.model.n_groups["school:class"] == data.groupby(["school", "class"]).ngroups


def test_weights():
    data = pupils()
    data["wt"] = np.linspace(0.5, 2.0, len(data))
    analysis = mlm.analyze(data, "y", "school", level1="x", weights="wt")
    assert failed(analysis) == []
    np.testing.assert_allclose(np.sort(analysis.model.weights), data["wt"])


def test_a_step_that_fails_leaves_a_note(monkeypatch):
    from multilevel.workflow import need

    def fail(study):
        raise DataError("nothing to see")

    monkeypatch.setattr(need, "need_step", fail)
    analysis = mlm.analyze(pupils(), "y", "school")
    assert failed(analysis) == ["This step could not be made: nothing to see"]
    assert analysis.steps[3].title == module.STEPS[3][1]


def test_reversed_data_reverse_the_sentences():
    data = mlm.datasets.load("hsb")
    first = hsb(data).interpretation.headline
    turned = hsb(data.assign(ses=-data["ses"])).interpretation.headline
    assert "higher" in first
    assert "lower" in turned


def test_the_outcome_on_another_scale_is_no_predictor():
    data = pupils().assign(again=lambda d: 32.0 + 1.8 * d["y"])
    with pytest.raises(DataError, match="'again' is the outcome 'y' on another scale"):
        mlm.analyze(data, "y", "school", level1=["x", "again"])


def test_warnings_become_notes():
    analysis = mlm.Analysis(pupils(), "y", "school")
    warnings_of = module.MultilevelWarning

    def make():
        module.warnings.warn("one limit is missing", warnings_of, stacklevel=1)
        return analysis.need

    step = analysis._guarded(3, make)
    assert ("STEP-WARNING", "one limit is missing") in [(n.code, n.text) for n in step.notes]


def conclusions(analysis):
    rungs = [(r.name, r.kept, r.test and round(r.test.p_value, 6)) for r in analysis.ladder.rungs]
    codes = [note.code for step in analysis.steps for note in step.notes]
    return rungs, codes, [(d.rule, d.verdict) for step in analysis.steps for d in step.decisions]


@pytest.mark.parametrize(("factor", "shift"), [(1000.0, 0.0), (1e-6, 0.0), (1.0, 1e6), (-1.0, 0.0)])
def test_unit_and_origin_of_the_outcome_change_no_conclusion(factor, shift):
    data = mlm.datasets.load("hsb")
    changed = data.assign(math=data["math"] * factor + shift)
    parts = {"level1": ["ses", "minority"], "level2": ["sector"]}
    first = mlm.Analysis(data, "math", "school", **parts)
    second = mlm.Analysis(changed, "math", "school", **parts)
    for one, other in zip(conclusions(first), conclusions(second), strict=True):
        assert one == other


def test_origin_of_time_changes_no_model():
    data = mlm.datasets.load("sleepstudy")
    first = mlm.Analysis(data, "Reaction", "Subject", time="Days")
    later = data.assign(Days=data["Days"] + 2001)
    second = mlm.Analysis(later, "Reaction", "Subject", time="Days")
    assert second.model.formula == first.model.formula.replace("Days", "Days_start")
    assert second.model.reml_criterion == pytest.approx(first.model.reml_criterion, rel=1e-12)
