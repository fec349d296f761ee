"""Models as equations, by level and in one."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.equations import equations_of, level_equations, model_equations


def study_of(data, outcome, groups, **options):
    frame = mlm.datasets.load(data, "pandas") if isinstance(data, str) else data
    return Analysis(frame, outcome, groups, **options).study


def by_level(study, fixed, random):
    """Lines of all levels and the combined equation, by title."""
    formula = study.formula(fixed.split(" + ") if fixed else [], random)
    fitted = study.fitter(formula)
    assert fitted.fit is not None, fitted.notes
    return {one.title: list(one.lines) for one in level_equations(study, fitted.fit, "M")}


@pytest.fixture(scope="module")
def hsb():
    return study_of("hsb", "math", "school", level1=["ses", "minority"], level2="sector")


def test_high_school_and_beyond(hsb):
    fixed = "ses_within + ses_between + sector + ses_within:sector"
    assert by_level(hsb, fixed, "(1 + ses_within | school)") == {
        "M, level 1: rows": [
            "math_{ij} = β_{0j} + β_{1j} ses_within_{ij} + e_{ij}",
            "e_{ij} ~ N(0, σ^{2}), for every row",
        ],
        "Level 2: schools": [
            "β_{0j} = γ_{00} + γ_{01} ses_between_{j} + γ_{02} sector[Catholic]_{j} + u_{0j}",
            "β_{1j} = γ_{10} + γ_{11} sector[Catholic]_{j} + u_{1j}",
            "(u_{0j}, u_{1j}) ~ N(0, T_{u}), for every school",
        ],
        "In one equation": [
            "math_{ij} = γ_{00} + γ_{10} ses_within_{ij} + γ_{01} ses_between_{j} + "
            "γ_{02} sector[Catholic]_{j} + γ_{11} ses_within_{ij} · sector[Catholic]_{j} + "
            "u_{0j} + u_{1j} ses_within_{ij} + e_{ij}"
        ],
    }


def test_the_equation_alone_has_the_same_names(hsb):
    fixed = ["ses_within", "sector", "ses_within:sector"]
    fit = hsb.fitter(hsb.formula(fixed, "(1 | school)")).fit
    block = model_equations(hsb, fit, "Model M")
    assert block.title == "Model M"
    assert block.lines == (
        "math_{ij} = γ_{00} + γ_{10} ses_within_{ij} + γ_{01} sector[Catholic]_{j} + "
        "γ_{11} ses_within_{ij} · sector[Catholic]_{j} + u_{0j} + e_{ij}",
        "u_{0j} ~ N(0, τ_{u0}^{2}), for every school",
        "e_{ij} ~ N(0, σ^{2}), for every row",
    )


def test_slopes_that_do_not_differ_have_fixed_equations(hsb):
    fixed = "ses_within + minority + minority_between + ses_within:minority"
    lines = by_level(hsb, fixed, "(1 | school)")
    assert lines["M, level 1: rows"][0] == (
        "math_{ij} = β_{0j} + β_{1j} ses_within_{ij} + β_{2j} minority[Yes]_{ij} + "
        "β_{3j} ses_within_{ij} · minority[Yes]_{ij} + e_{ij}"
    )
    assert lines["Level 2: schools"] == [
        "β_{0j} = γ_{00} + γ_{01} minority_between_{j} + u_{0j}",
        "β_{1j} = γ_{10}",
        "β_{2j} = γ_{20}",
        "β_{3j} = γ_{30}",
        "u_{0j} ~ N(0, τ_{u0}^{2}), for every school",
    ]


def test_no_predictors(hsb):
    lines = by_level(hsb, "", "(1 | school)")
    assert lines["M, level 1: rows"][0] == "math_{ij} = β_{0j} + e_{ij}"
    assert lines["Level 2: schools"][0] == "β_{0j} = γ_{00} + u_{0j}"
    assert lines["In one equation"] == ["math_{ij} = γ_{00} + u_{0j} + e_{ij}"]


def test_growth_with_a_curve_and_uncorrelated_slopes():
    study = study_of("sleepstudy", "Reaction", "Subject", time="Days")
    lines = by_level(study, "Days + I(Days**2)", "(1 + Days || Subject)")
    assert lines == {
        "M, level 1: rows": [
            "Reaction_{ij} = β_{0j} + β_{1j} Days_{ij} + β_{2j} Days_{ij}^{2} + e_{ij}",
            "e_{ij} ~ N(0, σ^{2}), for every row",
        ],
        "Level 2: Subjects": [
            "β_{0j} = γ_{00} + u_{0j}",
            "β_{1j} = γ_{10} + u_{1j}",
            "β_{2j} = γ_{20}",
            "u_{0j} ~ N(0, τ_{u0}^{2}), for every Subject",
            "u_{1j} ~ N(0, τ_{u1}^{2}), for every Subject",
        ],
        "In one equation": [
            "Reaction_{ij} = γ_{00} + γ_{10} Days_{ij} + γ_{20} Days_{ij}^{2} + u_{0j} + "
            "u_{1j} Days_{ij} + e_{ij}"
        ],
    }


def test_three_levels():
    study = study_of(
        "egsingle", "math", ["schoolid", "childid"], time="year", level2=["lowinc", "female"]
    )
    fixed = "year + female + lowinc_c + year:lowinc_c + year:female"
    random = "(1 + year | schoolid) + (1 + year | childid)"
    assert by_level(study, fixed, random) == {
        "M, level 1: rows": [
            "math_{ijk} = π_{0jk} + π_{1jk} year_{ijk} + e_{ijk}",
            "e_{ijk} ~ N(0, σ^{2}), for every row",
        ],
        "Level 2: children": [
            "π_{0jk} = β_{00k} + β_{01k} female[Male]_{jk} + u_{0jk}",
            "π_{1jk} = β_{10k} + β_{11k} female[Male]_{jk} + u_{1jk}",
            "(u_{0jk}, u_{1jk}) ~ N(0, T_{u}), for every child",
        ],
        "Level 3: schools": [
            "β_{00k} = γ_{000} + γ_{001} lowinc_c_{k} + v_{00k}",
            "β_{01k} = γ_{010}",
            "β_{10k} = γ_{100} + γ_{101} lowinc_c_{k} + v_{10k}",
            "β_{11k} = γ_{110}",
            "(v_{00k}, v_{10k}) ~ N(0, T_{v}), for every school",
        ],
        "In one equation": [
            "math_{ijk} = γ_{000} + γ_{100} year_{ijk} + γ_{010} female[Male]_{jk} + "
            "γ_{001} lowinc_c_{k} + γ_{101} year_{ijk} · lowinc_c_{k} + "
            "γ_{110} year_{ijk} · female[Male]_{jk} + u_{0jk} + u_{1jk} year_{ijk} + v_{00k} + "
            "v_{10k} year_{ijk} + e_{ijk}"
        ],
    }


def test_a_slope_that_differs_between_outer_groups_only():
    study = study_of("egsingle", "math", ["schoolid", "childid"], time="year")
    lines = by_level(study, "year", "(1 + year | schoolid) + (1 | childid)")
    assert lines["Level 2: children"][:2] == [
        "π_{0jk} = β_{00k} + u_{0jk}",
        "π_{1jk} = β_{10k}",
    ]
    assert lines["Level 3: schools"][:2] == [
        "β_{00k} = γ_{000} + v_{00k}",
        "β_{10k} = γ_{100} + v_{10k}",
    ]


def test_crossed_groups_are_cells():
    study = study_of("penicillin", "diameter", ["plate", "sample"])
    assert by_level(study, "", "(1 | plate) + (1 | sample)") == {
        "M, level 1: rows": [
            "diameter_{ijk} = β_{0jk} + e_{ijk}",
            "e_{ijk} ~ N(0, σ^{2}), for every row",
        ],
        "Level 2: combinations of samples and plates": [
            "β_{0jk} = γ_{00} + u_{0j} + v_{0k}",
            "u_{0j} ~ N(0, τ_{u0}^{2}), for every sample",
            "v_{0k} ~ N(0, τ_{v0}^{2}), for every plate",
        ],
        "In one equation": ["diameter_{ijk} = γ_{00} + u_{0j} + v_{0k} + e_{ijk}"],
    }


def test_differences_between_items_that_differ_between_persons():
    rng = np.random.default_rng(1)
    person, item = np.repeat(np.arange(20), 12), np.tile(np.arange(12), 20)
    data = {
        "y": rng.normal(size=240) + rng.normal(size=20)[person] + rng.normal(size=12)[item],
        "person": np.array([f"p{j}" for j in person]),
        "item": np.array([f"i{j}" for j in item]),
        "long": np.array(["no", "yes"])[item % 2],
    }
    study = study_of(data, "y", "person + item", level2="long")
    lines = by_level(study, "long", "(1 + long | person) + (1 | item)")
    assert lines["Level 2: combinations of items and persons"][0] == (
        "β_{0jk} = γ_{00} + γ_{01} long[yes]_{j} + u_{0j} + v_{0k} + v_{01k} long[yes]_{j}"
    )


def test_weights_divide_the_residual_variance():
    data = mlm.datasets.load("sleepstudy", "pandas")
    data["n tests"] = np.linspace(1.0, 2.0, len(data))
    study = study_of(data, "Reaction", "Subject", time="Days", weights="n tests")
    lines = by_level(study, "Days", "(1 | Subject)")
    assert lines["M, level 1: rows"][1] == "e_{ij} ~ N(0, σ^{2} / n tests_{ij}), for every row"


def test_columns_that_were_dropped_have_no_coefficient(hsb):
    fixed = ["sector", "ses_within", "I(2 * ses_within)"]
    fitted = hsb.fitter(hsb.formula(fixed, "(1 | school)"))
    line = level_equations(hsb, fitted.fit, "M")[0].lines[0]
    assert line == "math_{ij} = β_{0j} + β_{1j} ses_within_{ij} + e_{ij}"


def test_a_random_slope_without_a_mean(hsb):
    lines = by_level(hsb, "", "(1 + ses_within | school)")
    assert lines["Level 2: schools"][1] == "β_{1j} = u_{1j}"


def test_ten_coefficients_and_more_are_told_apart(hsb):
    names = ["Intercept", *(f"x{k}" for k in range(1, 12))]
    blocks = equations_of(hsb, names, [("school", ["Intercept"])], "M")
    assert blocks[1].lines[9:12] == ("β_{9j} = γ_{90}", "β_{10j} = γ_{10,0}", "β_{11j} = γ_{11,0}")


def test_random_effects_stand_in_the_order_of_their_numbers(hsb):
    fixed = "ses_within + minority + minority_between"
    lines = by_level(hsb, fixed, "(1 + minority + ses_within | school)")
    assert (
        lines["Level 2: schools"][-1] == "(u_{0j}, u_{1j}, u_{2j}) ~ N(0, T_{u}), for every school"
    )
    assert lines["In one equation"][0].endswith(
        "+ u_{0j} + u_{1j} ses_within_{ij} + u_{2j} minority[Yes]_{ij} + e_{ij}"
    )
