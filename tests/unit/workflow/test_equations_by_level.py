"""Equations of a model by level."""

import multilevel as mlm
from multilevel.workflow.equations_by_level import equations_by_level


def lines(analysis):
    return {one.title: one.lines for one in equations_by_level(analysis.study, analysis.model)}


def test_slopes_and_intercepts_as_outcomes():
    data = mlm.datasets.load("hsb")
    found = lines(mlm.Analysis(data, "math", "school", level1=["ses"], level2=["sector"]))
    assert found == {
        "Level 1: rows": (
            "math_{ij} = β_{0j} + β_{1j} ses_within_{ij} + e_{ij}",
            "e_{ij} ~ N(0, σ^{2})",
        ),
        "Level 2: schools": (
            "β_{0j} = γ_{00} + γ_{01} sector[Catholic]_{j} + γ_{02} ses_between_{j} + u_{0j}",
            "β_{1j} = γ_{10} + γ_{11} sector[Catholic]_{j} + u_{1j}",
            "(u_{0j}, u_{1j}) ~ N(0, T_{u})",
        ),
    }


def test_a_slope_without_variance_has_no_random_effect():
    data = mlm.datasets.load("hsb")
    analysis = mlm.Analysis(data, "math", "school", level1=["ses"], random=[], interactions=[])
    found = lines(analysis)["Level 2: schools"]
    assert found[1] == "β_{1j} = γ_{10}"
    assert found[-1] == "u_{0j} ~ N(0, τ_{u0}^{2})"


def test_three_levels():
    analysis = mlm.Analysis(
        mlm.datasets.load("egsingle"),
        "math",
        ["schoolid", "childid"],
        time="year",
        level2=["female", "lowinc"],
    )
    found = lines(analysis)
    assert found["Level 1: rows"][0] == (
        "math_{ijk} = π_{0jk} + π_{1jk} year_{ijk} + π_{2jk} year_{ijk}^{2} + e_{ijk}"
    )
    assert found["Level 2: groups of `childid`"] == (
        "π_{0jk} = β_{00k} + β_{01k} female[Male]_{jk} + r_{0jk}",
        "π_{1jk} = β_{10k} + r_{1jk}",
        "π_{2jk} = β_{20k}",
        "(r_{0jk}, r_{1jk}) ~ N(0, T_{r})",
    )
    assert found["Level 3: groups of `schoolid`"] == (
        "β_{00k} = γ_{000} + γ_{001} lowinc_c_{k} + u_{00k}",
        "β_{01k} = γ_{010}",
        "β_{10k} = γ_{100} + γ_{101} lowinc_c_{k} + u_{10k}",
        "β_{20k} = γ_{200}",
        "(u_{00k}, u_{10k}) ~ N(0, T_{u})",
    )


def test_crossed_factors_have_the_combined_equation_only():
    assert lines(mlm.Analysis(mlm.datasets.load("penicillin"), "diameter", "plate + sample")) == {}
    data = mlm.datasets.load("hsb")
    found = str(mlm.Analysis(data, "math", "school", level1=["ses"]).models)
    assert "Level 2: schools" in found
