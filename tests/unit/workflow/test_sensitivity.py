"""Step 6, sensitivity: the chosen model on another scale, without unusual rows and groups."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.report.document import Bullets
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.influential import influential_groups
from multilevel.workflow.sensitivity import sensitivity_part
from reference.datasets import load_external

HOURS = ["None", "Less than 1 hour", "1 hour", "2 hours", "3 hours"]
HOURS += ["4-6 hours", "7-9 hours", "10 or more"]


def clean(seed=11, n_groups=40, size=15):
    """Data for which the model x + w + (1 | g) is right."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(n_groups), size)
    x, w = rng.normal(size=len(g)), rng.normal(size=n_groups)[g]
    y = 50.0 + 2.0 * x + 2.0 * w + rng.normal(size=n_groups)[g] + 3.0 * rng.normal(size=len(g))
    return {"y": y, "x": x, "w": w, "g": g}


def part_of(data, fixed=("x_c", "w_c"), random="(1 | g)", **named):
    study = Analysis(data, "y", "g", level1="x", level2="w", **named).study
    return sensitivity_part(study, study.fitter(study.formula(list(fixed), random)).fit)


def table_of(part):
    return next((block.frame for block in part.blocks if hasattr(block, "frame")), None)


def bullets(part):
    return next(block.items for block in part.blocks if isinstance(block, Bullets))


def codes(part):
    return {note.code for note in part.notes}


def heavy():
    """One group has both an outcome and a predictor of its own."""
    data = clean()
    rng = np.random.default_rng(3)
    data["w"] = rng.normal(size=40)[data["g"]]
    data["w"][data["g"] == 7] = 6.0
    data["y"] = data["y"] + np.where(data["g"] == 7, 25.0, 0.0)
    return data


def test_clean_data_have_no_other_version():
    part = part_of(clean())
    assert codes(part) == set()
    assert "No group and no row stands out" in part.blocks[0].text
    assert table_of(part) is None


def test_what_stands_out_and_changes_nothing_is_said():
    data = clean()
    data["y"][20] += 30.0
    part = part_of(data)
    assert codes(part) == set()
    assert "No conclusion about the 2 coefficients does." in part.blocks[0].text
    assert [decision.verdict for decision in part.decisions] == ["no"]
    assert set(table_of(part)["verdict"]) == {"same"}


def test_a_skewed_outcome_is_fitted_on_the_other_scale():
    data = clean()
    data["y"] = np.exp(data["y"] / 8.0)
    part = part_of(data)
    table = table_of(part)
    assert "log(y)" in table.columns
    direct = mlm.lmer("np.log(y) ~ x + w + (1 | g)", data).tidy("fixed")
    shown = dict(zip(table["term"], table["log(y)"], strict=True))
    assert shown["x_c"].split()[0] == f"{direct['estimate'][1]:.3f}"
    assert "exp(coefficient) is a ratio of geometric means" in part.blocks[-1].note


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_outlying_rows_are_left_out(sign):
    data = clean()
    high = np.flatnonzero(data["x"] > 1.8)[:3]
    data["y"][high] -= sign * 120.0 * np.array([1.0, 0.9, 1.1])
    part = part_of(data)
    column = next(name for name in table_of(part).columns if "row" in name)
    assert column == "Without 3 rows"
    keep = np.ones(len(data["y"]), dtype=bool)
    keep[high] = False
    rest = {name: values[keep] for name, values in data.items()}
    direct = mlm.lmer("y ~ x + w + (1 | g)", rest).tidy("fixed")
    shown = dict(zip(table_of(part)["term"], table_of(part)[column], strict=True))
    assert shown["x_c"].split()[0] == f"{direct['estimate'][1]:.2f}"
    assert "Without the 3 rows that lie outside" in " ".join(bullets(part))


def test_groups_of_weight_are_left_out_and_change_a_conclusion():
    part = part_of(heavy())
    assert codes(part) == {"A-SENSITIVE"}
    said = next(text for text in bullets(part) if text.startswith("Without `7`"))
    assert "of 40 groups of `g`" in said
    assert "`w_c` has a p value that rises above .05" in said
    assert part.decisions[0].verdict == "yes"
    frame = table_of(part)
    verdicts = dict(zip(frame["term"], frame["verdict"], strict=True))
    assert verdicts["w_c"] == "changes"


def test_named_groups_are_those_of_both_rules():
    data = clean()
    data["y"] = data["y"] + np.where(data["g"] == 7, 12.0, 0.0)
    fit = mlm.lmer("y ~ x + w + (1 | g)", data)
    found = influential_groups(fit, "g")
    table = fit.influence("g")
    moved = table[["dfbetas__x", "dfbetas__w"]].abs().max(axis=1) > 2.0 / 40**0.5
    expected = set(np.flatnonzero((table["cooks_distance"] > 0.1) & moved))
    assert set(found.named.tolist()) == expected
    assert expected


def test_random_slopes_without_correlations():
    data = mlm.datasets.load("sleepstudy", "pandas")
    study = Analysis(data, "Reaction", "Subject", time="Days").study
    part = sensitivity_part(study, study.fitter("Reaction ~ 1 + Days + (1 + Days | Subject)").fit)
    frame = table_of(part)
    # 10.467 with standard errors of 1.546 and 1.560 (Bates et al. 2015, section 2)
    assert frame["Uncorrelated slopes"].tolist() == ["10.5 (p\u00a0<\u00a0.001)"]
    assert frame["Without 3 rows"].tolist() == ["10.9 (p\u00a0<\u00a0.001)"]
    assert codes(part) == set()


def test_many_rows_are_not_fitted_again(monkeypatch):
    monkeypatch.setattr("multilevel.workflow.sensitivity._MOST_ROWS", 100)
    part = part_of(clean())
    assert "600 rows take long" in part.blocks[0].text
    assert not part.decisions


def test_no_coefficients_no_part():
    data = clean()
    study = Analysis({"y": data["y"], "g": data["g"]}, "y", "g").study
    assert sensitivity_part(study, study.fitter("y ~ 1 + (1 | g)").fit).blocks == ()


def test_a_p_value_that_just_crosses_is_no_other_conclusion():
    data = clean(seed=2)
    y = data["y"] - 2.0 * data["x"]
    data["x"] = np.random.default_rng(8).normal(size=600)
    data["y"] = y + 0.18 * data["x"]
    data["y"][11] += 25.0
    part = part_of(data)
    said = next(text for text in bullets(part) if "x_c" in text)
    assert said.endswith("(p = .035), a step of 0.3 standard errors only.")
    assert table_of(part)["verdict"].tolist() == ["p crosses .05", "same"]
    assert codes(part) == set()


def test_a_row_far_out_does_not_call_for_another_scale():
    data = clean()
    data["y"][20] += 45.0
    assert not any("log(y)" in text or "sqrt(y)" in text for text in bullets(part_of(data)))


def test_too_few_groups_left_is_said(monkeypatch):
    monkeypatch.setattr("multilevel.workflow.sensitivity._FEWEST", 40)
    part = part_of(heavy())
    said = next(text for text in bullets(part) if text.startswith("Without `7`"))
    assert said.endswith("there is no fit: only 39 groups would be left.")
    assert table_of(part) is None
    assert codes(part) == set()


def test_order_and_names_change_nothing_but_names():
    data = clean(seed=4)
    order = np.random.default_rng(3).permutation(600)
    other = {name: values[order] for name, values in data.items()}
    first, second = part_of(data), part_of(other)
    assert first.blocks[0] == second.blocks[0]
    assert table_of(first).equals(table_of(second))


def test_weights_are_used_in_every_version():
    data = clean()
    data["weight"] = np.tile([1.0, 2.0, 4.0], 200)
    data["y"][5] += 60.0
    part = part_of(data, weights="weight")
    keep = np.arange(600) != 5
    rest = {name: values[keep] for name, values in data.items()}
    direct = mlm.lmer("y ~ x + w + (1 | g)", rest, weights="weight").tidy("fixed")
    column = next(name for name in table_of(part).columns if name == "Without 1 row")
    assert table_of(part)[column][0].split()[0] == f"{direct['estimate'][1]:.2f}"


class TestOneSchool:
    """NELS:88 in 23 schools (Nieuwenhuis et al. 2012, R Journal): school 7472 and structure."""

    @pytest.fixture
    def analysis(self):
        data = load_external("nels88_school23").rename(columns={"school.ID": "school"})
        data["hours"] = data["homework"].fillna("None").map(HOURS.index) + 1
        return Analysis(data, "math", "school", level1="hours", level2="structure", random=[])

    def test_estimates_are_the_published_ones(self, analysis):
        fit = analysis.study.fitter("math ~ 1 + hours + structure_c + (1 | school)").fit
        assert fit.beta[1:].tolist() == pytest.approx([2.393824, -2.095020], abs=2e-5)

    def test_is_named_first_among_the_groups_of_weight(self, analysis):
        study = analysis.study
        fit = study.fitter("math ~ 1 + hours + structure_c + (1 | school)").fit
        found = influential_groups(fit, "school")
        assert found.labels[found.named[0]] == "7472"
        said = bullets(sensitivity_part(study, fit))
        assert said[0].startswith("Without `7472`, of 23 schools the one with most weight")
        assert "`structure_c` has a p value that falls below .05: −2.1 (p = .129)" in said[0]
        assert "becomes −3.9 (p = .0" in said[0]

    def test_the_guided_analysis_says_that_the_conclusion_changes(self, analysis):
        notes = [note.text for note in analysis.inference.notes if note.code == "A-INFL"]
        assert any("structure" in text and "`7472`" in text for text in notes)
        notes = {note.code: note.text for note in analysis.comparison.notes}
        assert "without 7472, structure_c goes from −1.96" in notes["A-INFL"]
        assert "Without `7472`" in notes["A-SENSITIVE"]
