"""Influence of rows and groups, leverages and residuals against lme4 and published analyses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from reference.datasets import load, load_external

EXPECTED = json.loads((Path(__file__).parent / "expected" / "influence.json").read_text())
CASES = EXPECTED["cases"]
# lme4's theta is right to about the root of its tolerance; covariances are of that order.
ESTIMATE_RTOL, VARIANCE_RTOL = 1e-6, 1e-4
# Differences of such numbers.
ATOL = 1e-5
# Fits of lme4 with its default tolerance are right to 1e-3 of theta.
LOOSE_RTOL = 2e-3


@pytest.fixture(scope="module", params=CASES)
def case(request):
    expected = CASES[request.param]
    data = load(expected["dataset"])
    return mlm.lmer(expected["formula"], data, reml=expected["REML"]), expected


def expected_measures(fit, beta, vcov):
    """Measures from lme4's fits without a unit."""
    beta, vcov = np.atleast_1d(beta), np.atleast_2d(vcov)
    change, whole, p = fit.beta - beta, np.asarray(fit.vcov), len(beta)
    return {
        "cooks_distance": change @ np.linalg.solve(whole, change) / p,
        "mdffits": change @ np.linalg.solve(vcov, change) / p,
        "covratio": np.linalg.det(vcov) / np.linalg.det(whole),
        "covtrace": abs(np.trace(np.linalg.solve(whole, vcov)) - p),
        **{
            f"dfbetas__{name}": change[j] / np.sqrt(vcov[j, j])
            for j, name in enumerate(fit.coef_names)
        },
        **{f"estimate__{name}": beta[j] for j, name in enumerate(fit.coef_names)},
    }


def compare(fit, rows, deleted):
    matrices, state = fit.model.matrices, fit.state
    whole = {
        f"{name}|{matrices.factors[term.factor].name}": variance
        for term, fitted in zip(matrices.terms, state.terms, strict=True)
        for name, variance in zip(term.names, fitted.covariance.diagonal(), strict=True)
    } | {"residual": state.sigma**2}
    for i, (_, row) in enumerate(rows.iterrows()):
        assert row["note"] == ""
        expected = expected_measures(fit, deleted["beta"][i], deleted["vcov"][i])
        names = [*deleted["terms"], "residual"]
        for name, variance in zip(names, deleted["variances"][i], strict=True):
            expected[f"rvc__{name}"] = variance / whole[name] - 1.0
        for name, value in expected.items():
            np.testing.assert_allclose(
                row[name], value, rtol=VARIANCE_RTOL, atol=ATOL, err_msg=f"{name} {i}"
            )


def test_groups_by_exact_deletion(case):
    fit, expected = case
    for deleted in expected["deleted"]:
        table = fit.influence(deleted["by"], exact=True).set_index("level")
        compare(fit, table.loc[deleted["levels"]], deleted)


def test_rows_by_exact_deletion(case):
    fit, expected = case
    if not expected["rows"]:
        return
    rows = [int(name) - 1 for name in expected["rows"]["levels"]]
    table = fit.influence(exact=True).set_index("row")
    compare(fit, table.loc[rows], expected["rows"])


def test_lme4_multiplies_cooks_distance_of_groups(case):
    fit, expected = case
    p = len(fit.beta)
    for deleted, own in zip(expected["deleted"], expected["lme4"], strict=True):
        if not own:
            continue
        table = fit.influence(deleted["by"], exact=True).set_index("level").loc[own["levels"]]
        factor = (len(table) - p) / len(table)
        np.testing.assert_allclose(
            factor * table["cooks_distance"], own["values"], rtol=LOOSE_RTOL, atol=1e-6
        )


def test_leverage_and_cooks_distance_of_rows(case):
    fit, expected = case
    np.testing.assert_allclose(fit.hatvalues(), expected["hatvalues"], rtol=ESTIMATE_RTOL)
    distances = fit.augment()["cooks_distance"]
    np.testing.assert_allclose(distances, expected["cooks_rows"], rtol=VARIANCE_RTOL, atol=1e-9)
    studentized = fit.level_residuals(scale="studentized")["residual"]
    np.testing.assert_allclose(studentized, expected["studentized"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("position", range(len(EXPECTED["within"])))
def test_least_squares_within_groups(position):
    expected = EXPECTED["within"][position]
    fit = mlm.lmer(expected["formula"], load(expected["dataset"]))
    some = slice(0, len(expected["residual"]))
    raw = fit.level_residuals(kind="least-squares")["residual"][some]
    np.testing.assert_allclose(raw, expected["residual"], atol=1e-9)
    studentized = fit.level_residuals(kind="least-squares", scale="studentized")["residual"][some]
    own_sd = fit.sigma * np.sqrt(1.0 - np.array(expected["leverage"]))
    np.testing.assert_allclose(studentized, np.array(expected["residual"]) / own_sd, atol=1e-9)


# Cook's distances of subjects 308, 309, 310 as lme4 prints them, and the trace of the hat matrix.
SLEEPSTUDY = [
    ("(1 | Subject)", True, [0.3392146, 0.2903091, 0.1306126], 17.89245),
    ("(1 | Subject)", False, [0.3432017, 0.2989631, 0.1359259], 17.83454),
    ("(Days | Subject)", True, [0.0821484, 0.1320208, 0.0982407], 29.02212),
    ("(Days | Subject)", False, [0.0869815, 0.1397935, 0.1040256], 28.61135),
]


@pytest.mark.parametrize(("term", "reml", "distances", "trace"), SLEEPSTUDY)
def test_sleepstudy(term, reml, distances, trace):
    fit = mlm.lmer(f"Reaction ~ Days + {term}", load("sleepstudy"), reml=reml)
    table = fit.influence("Subject", exact=True)
    # printed of fits with lme4's default tolerance
    np.testing.assert_allclose(table["cooks_distance"][:3] * 16 / 18, distances, rtol=1e-4)
    assert fit.hatvalues().sum() == pytest.approx(trace, rel=1e-5)


def test_one_school_changes_the_conclusion():
    """Nieuwenhuis, te Grotenhuis & Pelzer (2012): homework and structure in 23 schools."""
    data = load_external("nels88_school23").rename(columns={"school.ID": "school"})
    hours = [
        "None", "Less than 1 hour", "1 hour", "2 hours", "3 hours", "4-6 hours", "7-9 hours",
        "10 or more",
    ]  # fmt: skip
    answers = data["homework"].fillna("None")  # read as missing
    data["hours"] = answers.map({label: code for code, label in enumerate(hours, 1)})
    fit = mlm.lmer("math ~ hours + structure + (1 | school)", data)
    np.testing.assert_allclose(fit.beta, [52.23554, 2.393824, -2.095020], rtol=2e-6)
    np.testing.assert_allclose(fit.std_errors, [5.394754, 0.277056, 1.323914], rtol=1e-5)
    table = fit.influence("school", exact=True)
    school = table[table["level"].astype(str) == "7472"].iloc[0]
    assert school["estimate__structure"] == pytest.approx(-3.895, abs=5e-4)
    change = fit.beta[2] - school["estimate__structure"]
    assert school["estimate__structure"] * school["dfbetas__structure"] / change == pytest.approx(
        -2.72, abs=0.005
    )
    assert table["dfbetas__structure"].abs().idxmax() == school.name
