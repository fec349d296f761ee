"""Step 6: residuals and effects of groups against single predictors."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest

import multilevel as mlm
from multilevel.report.document import DataTable, Picture
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.by_predictor import by_predictor

mpl.use("Agg")

FORMULA = "y ~ 1 + x_c + w_c + k + (1 + x_c | g)"
J, N = 80, 20


def simulated(*, rows=lambda x, w: 1.0, groups=lambda w, k: 1.0, product=0.0, seed=1):
    """Data with standard deviations of rows and groups that may depend on predictors."""
    rng = np.random.default_rng(seed)
    g = np.repeat(np.arange(J), N)
    w, k = rng.normal(size=J), np.where(np.arange(J) % 2 == 0, "low", "high")
    x = rng.normal(size=J * N)
    u = groups(w, k) * rng.normal(size=J)
    slope = 1.0 + product * w + 0.3 * rng.normal(size=J)
    e = rows(x, w[g]) * rng.normal(size=J * N)
    return {"y": 5.0 + u[g] + slope[g] * x + e, "x": x, "w": w[g], "k": k[g], "g": g}


def part_of(data):
    study = Analysis(data, "y", "g", level1="x", level2=["w", "k"]).study
    return by_predictor(study, study.fitter(FORMULA).fit)


def codes(part):
    return {note.code for note in part.notes}


def frame(part):
    return next(block.frame for block in part.blocks if isinstance(block, DataTable))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_silent_when_all_is_well(seed):
    part = part_of(simulated(seed=seed))
    assert codes(part) == set()
    assert "Nothing stands out; the largest ratio" in part.blocks[0].text
    assert set(frame(part)["verdict"]) == {"ok"}


@pytest.mark.parametrize(("sign", "says"), [(1.0, "largest"), (-1.0, "smallest")])
def test_residuals_that_spread_along_a_predictor(sign, says):
    part = part_of(simulated(rows=lambda x, w: np.exp(0.5 * sign * x)))
    assert codes(part) == {"A-HET1"}
    assert f"times as much at the {says} values of `x_c`" in part.notes[0].text


def test_groups_that_spread_by_category():
    part = part_of(simulated(groups=lambda w, k: np.where(k == "high", 2.5, 0.5)))
    assert "A-HET2" in codes(part)
    text = next(note.text for note in part.notes if note.code == "A-HET2")
    assert text.startswith("Intercepts of groups of `g` spread")
    assert "in `high` as in `low`" in text
    turned = part_of(simulated(groups=lambda w, k: np.where(k == "low", 2.5, 0.5)))
    assert "in `low` as in `high`" in " ".join(note.text for note in turned.notes)


def test_slopes_that_go_with_a_predictor():
    part = part_of(simulated(product=0.6))
    assert codes(part) == {"A-MISSING"}
    assert "Slopes of `x_c` of groups of `g` go with `w_c`" in part.notes[0].text
    assert "its product with `w_c` may be missing" in part.notes[0].text


def test_a_predictor_that_the_model_lacks():
    data = simulated(groups=lambda w, k: 1.0)
    data["y"] = data["y"] + 2.0 * data["w"]
    study = Analysis(data, "y", "g", level1="x", level2=["w", "k"]).study
    part = by_predictor(study, study.fitter("y ~ 1 + x_c + (1 | g)").fit)
    text = next(note.text for note in part.notes if note.code == "A-MISSING")
    assert text.startswith("Intercepts of groups of `g` go with `w_c`")


def test_numbers_are_those_of_studentised_effects():
    data = mlm.datasets.load("hsb", "pandas")
    study = Analysis(data, "math", "school", level1="ses", level2=["sector", "meanses"]).study
    fit = study.fitter("math ~ 1 + ses_within + (1 | school)").fit
    table = frame(by_predictor(study, fit))
    effects = fit.level_residuals("school", scale="studentized").set_index("level")["residual"]
    schools = data.groupby("school", observed=True).first()
    means = schools["meanses"].reindex(effects.index.astype(schools.index.dtype)).to_numpy()
    r = np.corrcoef(effects.to_numpy(), means)[0, 1]
    own = study.predictor("meanses").own
    row = table[(table["level"] == "school") & (table["predictor"] == own)].iloc[0]
    assert row["share"] == pytest.approx(r**2, rel=1e-8)


def test_pictures_are_of_what_stands_out_most():
    part = part_of(simulated(groups=lambda w, k: np.where(k == "high", 2.5, 0.5)))
    pictures = [block for block in part.blocks if isinstance(block, Picture)]
    assert [one.name for one in pictures] == ["by_k_g"]
    assert "standard deviations have ratio" in pictures[0].alt
    assert pictures[0].draw() is not None
    part = part_of(simulated(rows=lambda x, w: np.exp(0.5 * x)))
    assert "by_x_c_rows" in [block.name for block in part.blocks if isinstance(block, Picture)]


def test_without_predictors_there_is_no_part():
    data = simulated()
    study = Analysis({"y": data["y"], "g": data["g"]}, "y", "g").study
    assert by_predictor(study, study.fitter("y ~ 1 + (1 | g)").fit).blocks == ()


def test_singular_and_crossed_models():
    data = mlm.datasets.load("penicillin", "pandas")
    rng = np.random.default_rng(1)
    data = data.assign(x=rng.normal(size=len(data)))
    study = Analysis(data, "diameter", ["plate", "sample"], level1="x").study
    part = by_predictor(study, study.fitter("diameter ~ 1 + x_c + (1 | plate) + (1 | sample)").fit)
    assert set(frame(part)["level"]) == {"rows"}
    singular = simulated(groups=lambda w, k: 0.0)
    assert part_of(singular).blocks


def test_few_groups_are_not_tested():
    data = simulated()
    few = data["g"] < 6
    data = {name: values[few] for name, values in data.items()}
    study = Analysis(data, "y", "g", level1="x", level2="w").study
    part = by_predictor(study, study.fitter("y ~ 1 + x_c + w_c + (1 | g)").fit)
    assert set(frame(part)["level"]) == {"rows"}
