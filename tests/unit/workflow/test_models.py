"""Step 5: the kept models side by side, what moves, and the variance explained by each."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.report.document import Paragraph
from multilevel.workflow.models import models_step
from multilevel.workflow.rung import Ladder, Rung

mpl.use("Agg")

PRINTED = 5e-6  # reference values have five decimals
ROUNDED = 1e-6  # and six; the optimum of the reference is known to a few 1e-7


def climbed(study, *right):
    """A ladder of models that are all kept."""
    rungs = []
    for i, text in enumerate(right):
        made = study.fitter(f"{study.outcome} ~ {text}")
        rungs.append(Rung(f"M{i}", text, made.formula, made.fit, True, "", None, made.notes))
    return Ladder(tuple(rungs))


def step_of(analysis, *right):
    return models_step(analysis.study, climbed(analysis.study, *right))


def part(step, heading):
    """A paragraph by its heading."""
    blocks = [one for one in step.blocks if isinstance(one, Paragraph) and one.heading == heading]
    return blocks[0].text if blocks else ""


def explained(step):
    return part(step, "Variance explained from model to model")


def moves(step):
    return part(step, "Estimates, model by model")


def rows(step, name):
    table = pd.DataFrame(step.tables[name])
    return table.set_index(table.columns[0])


@pytest.fixture(scope="module")
def hsb():
    return mlm.datasets.load("hsb", "pandas")


@pytest.fixture(scope="module")
def schools(hsb):
    analysis = mlm.Analysis(hsb, "math", "school", level1="cses", level2="meanses")
    return step_of(
        analysis,
        "1 + (1 | school)",
        "cses + (1 | school)",
        "cses + meanses + (1 | school)",
        "cses + meanses + (1 + cses | school)",
    )


class TestMeasures:
    def test_reference_values_of_high_school_and_beyond(self, schools):
        found = rows(schools, "r2")["r2_M2"].to_numpy()
        # Nakagawa marginal, conditional; Raudenbush & Bryk; Snijders & Bosker
        expected = [0.16733, 0.22379, 0.68743, 0.05439, 0.16856, 0.62434]
        np.testing.assert_allclose(found, expected, atol=PRINTED)

    def test_names_say_what_is_reduced(self, schools):
        assert list(rows(schools, "r2").index) == [
            "marginal",
            "conditional",
            "reduction of variance between schools",
            "reduction of variance between rows of a group",
            "reduction of errors in predicting rows",
            "reduction of errors in predicting means of schools",
        ]

    def test_what_is_not_defined_with_random_slopes_is_left_open_and_said(self, schools):
        last = rows(schools, "r2")["r2_M3"]
        assert last.isna().tolist() == [False, False, False, False, True, True]
        note = next(one.note for one in schools.blocks if getattr(one, "name", "") == "r2")
        assert "not defined with random slopes" in note

    def test_slopes_of_uncentred_predictors_leave_no_variance_to_compare(self, hsb):
        analysis = mlm.Analysis(hsb, "math", "school", level1="minority")
        step = step_of(
            analysis,
            "1 + (1 | school)",
            "minority + (1 | school)",
            "minority + (1 + minority | school)",
        )
        row = rows(step, "r2").loc["reduction of variance between schools"]
        assert np.isfinite(row["r2_M1"])
        assert np.isnan(row["r2_M2"])

    def test_growth_has_the_squared_correlation(self):
        sleep = mlm.datasets.load("sleepstudy", "pandas")
        step = step_of(
            mlm.Analysis(sleep, "Reaction", "Subject", time="Days"),
            "1 + (1 | Subject)",
            "Days + (1 + Days | Subject)",
        )
        row = rows(step, "r2").loc["squared correlation of predicted and observed"]
        r = np.corrcoef(sleep["Days"], sleep["Reaction"])[0, 1]
        assert row["r2_M1"] == pytest.approx(r**2)
        assert np.isnan(row["r2_M0"])

    def test_larger_variances_are_explained(self):
        sleep = mlm.datasets.load("sleepstudy", "pandas")
        step = step_of(
            mlm.Analysis(sleep, "Reaction", "Subject", time="Days"),
            "1 + (1 | Subject)",
            "Days + (1 | Subject)",
        )
        [note] = [one for one in step.notes if one.code == "FIT-R2NEG"]
        assert "M1 (between Subjects: −0.078)" in note.text
        assert "the variance between Subjects is 7.8% larger in M1" in explained(step)

    def test_several_factors(self):
        data = mlm.datasets.load("penicillin", "pandas")
        step = step_of(
            mlm.Analysis(data, "diameter", ["plate", "sample"]), "1 + (1 | plate) + (1 | sample)"
        )
        assert "no predictors" in explained(step)
        assert list(rows(step, "parts").index) == [
            "means of samples (m)",
            "means of plates (m)",
            "residual (σ²)",
        ]


class TestParts:
    def test_reference_values_of_rights_and_sterba(self, schools):
        found = rows(schools, "parts")["r2_M3"]
        expected = {
            "predictors, within groups (f1)": 0.043885,
            "predictors, between schools (f2)": 0.124527,
            "slopes that differ between schools (v)": 0.006268,
            "means of schools (m)": 0.056406,
            "residual (σ²)": 0.768914,
        }
        assert found.index.tolist() == list(expected)
        np.testing.assert_allclose(found, list(expected.values()), atol=ROUNDED)

    def test_columns_add_up(self, schools):
        np.testing.assert_allclose(rows(schools, "parts").sum(), 1.0)

    def test_models_head_the_columns(self, schools):
        from multilevel.report.cells import read_cells

        table = next(one for one in schools.blocks if getattr(one, "name", "") == "parts")
        assert read_cells(table).heads == ("Source", "M0", "M1", "M2", "M3")


class TestSentences:
    def test_shares_and_reductions(self, schools):
        text = explained(schools)
        assert text.startswith("Predictors account for 4.4% in M1, 16.7% in M2 and 16.8% in M3")
        assert "the variance between schools is 0.7% larger in M1 and 68.7% smaller in M2" in text

    def test_variance_that_vanishes_is_zero(self, hsb):
        few = hsb[hsb["school"].isin(list(hsb["school"].unique())[:6])]
        step = step_of(
            mlm.Analysis(few, "math", "school", level1=["ses", "minority"], level2="sector"),
            "1 + (1 | school)",
            "ses_within + ses_between + sector + minority + minority_between + (1 | school)",
        )
        assert "the variance between schools is zero in M1" in explained(step)

    def test_what_moves_is_named_and_what_does_not_move_is_not(self, hsb):
        analysis = mlm.Analysis(hsb, "math", "school", level1=["ses", "minority"])
        stays = step_of(analysis, "ses_within + (1 | school)", "ses_within + (1 | school)")
        assert moves(stays).startswith("From model to model no coefficient changes by more")
        step = step_of(
            analysis, "ses_within + (1 | school)", "ses_within + minority + (1 | school)"
        )
        assert "one standard error from model to model: `ses_within` (2.19 in M0" in moves(step)
        assert "share information" not in moves(stays)
        assert "shares information with them" in moves(step)

    def test_partners_of_products_are_another_question(self, hsb):
        analysis = mlm.Analysis(hsb, "math", "school", level1="cses", level2="sector")
        step = step_of(
            analysis, "cses + sector + (1 | school)", "cses * sector + (1 + cses | school)"
        )
        assert "another question than before" in moves(step)
        assert "shares information" not in moves(step)

    def test_names_with_colons_and_powers(self, hsb):
        data = hsb.rename(columns={"cses": "status: family"})
        analysis = mlm.Analysis(data, "math", "school", level1="status: family", level2="sector")
        step = step_of(
            analysis,
            "`status: family` + sector + (1 | school)",
            "`status: family` * sector + (1 | school)",
        )
        assert "another question than before" in moves(step)
        assert "shares information" not in moves(step)
        sleep = mlm.datasets.load("sleepstudy", "pandas")
        step = step_of(
            mlm.Analysis(sleep, "Reaction", "Subject", time="Days"),
            "Days + (1 | Subject)",
            "Days + I(Days ** 2) + (1 | Subject)",
        )
        assert "another question than before" in moves(step)

    def test_alone_the_null_model_has_nothing_that_moves(self, hsb):
        step = step_of(mlm.Analysis(hsb, "math", "school"), "1 + (1 | school)")
        assert moves(step) == ""
        assert "coefficients_by_model" not in step.figures
        assert explained(step) == (
            "Model M0 has no predictors, so that there is nothing to explain yet."
        )


class TestFigures:
    def test_coefficients_that_two_models_have(self, schools):
        picture = schools.figures["coefficients_by_model"]
        assert set(picture.data()["term"]) == {"cses", "meanses"}
        assert "cses` (2.19 in M1, 2.19 in M3)" in picture.alt
        assert set(picture.data()["model"]) == {"M1", "M2", "M3"}  # M0 has neither
        picture.draw()

    def test_variances(self, schools):
        picture = schools.figures["variances_by_model"]
        assert picture.data()["model"].unique().tolist() == ["M0", "M1", "M2", "M3"]
        assert "Bars of M0: fixed effects 0, school 8.61 and residual 39.1." in picture.alt
        assert "Bars of M3: fixed effects 8.0" in picture.alt
        picture.draw()


def test_estimates_have_a_column_for_each_model(schools):
    table = rows(schools, "coefficients")
    assert table.loc["meanses", "M1"] == ""
    assert table.loc["meanses", "M2"] == "5.87 (0.362)"
    spread = rows(schools, "variances")
    assert spread.loc["school: cses"].tolist() == ["", "", "", "0.828"]
    assert spread.loc["residual", "M0"] == "6.26"


def test_singular_models_are_named_in_one_note():
    data = mlm.datasets.load("dyestuff2", "pandas")
    analysis = mlm.Analysis(data.assign(x=np.arange(len(data)) % 5), "Yield", "Batch", level1="x")
    step = step_of(analysis, "1 + (1 | Batch)", "x + (1 | Batch)")
    [note] = [one for one in step.notes if one.code == "BUILD-SINGULAR"]
    assert note.text.startswith("Models M0 and M1 are singular")
