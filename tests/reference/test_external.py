"""Textbook models on data that may not be redistributed.

They run where the folder ``MULTILEVEL_TEST_DATA`` has the data.
``expected/external.json`` holds lme4's criterion to 8 digits, fixed effects and standard errors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import multilevel as mlm
from reference.compare import BETA_ATOL, canonical
from reference.datasets import load_external
from reference.dialect import coefficient_names

if TYPE_CHECKING:
    import pandas as pd

EXPECTED = json.loads((Path(__file__).parent / "expected" / "external.json").read_text())
# Printed to 8 and 6 significant digits.
CRITERION_RTOL, SE_RTOL = 1e-7, 1e-5
DOTTED = ("log.radon", "base.gcf", "school.ID")


def prepared(name: str) -> pd.DataFrame:
    """The data with the derived columns of the analyses."""
    data = load_external(name)
    if name == "alda_dropout_wages":
        data["hgc9"] = data["highest_grade"] - 9
    if name == "alda_reading_scores":
        data["ag"], data["a"] = data["age_group"] - 6.5, data["age"] - 6.5
    if name == "alda_opposites_naming":
        data["cc"] = data["baseline_cognitive_score"] - 113.4571429
    if name == "nels88_school23":
        data["white"] = (data["race"] == "White").astype(float)
    return data


@pytest.mark.parametrize("expected", EXPECTED, ids=lambda row: row["id"])
def test_textbook_model(expected):
    data = prepared(expected["dataset"])
    formula = expected["formula"]
    for name in DOTTED:
        formula = formula.replace(name, f"`{name}`")
    fit = mlm.lmer(formula, data, reml=expected["REML"])
    assert fit.converged
    assert fit.nobs == expected["nobs"]
    assert -2 * fit.loglik == pytest.approx(float(expected["criterion"]), rel=CRITERION_RTOL)
    names = coefficient_names(list(expected["beta"]), data)
    position = {canonical(name.replace("`", "")): i for i, name in enumerate(fit.coef_names)}
    rows = [position[canonical(names[name])] for name in expected["beta"]]
    beta, errors = np.array(list(expected["beta"].values()), dtype=float).T
    np.testing.assert_allclose(fit.beta[rows] / errors, beta / errors, rtol=1e-7, atol=BETA_ATOL)
    np.testing.assert_allclose(fit.std_errors[rows], errors, rtol=SE_RTOL)
