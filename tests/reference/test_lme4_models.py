"""The same models in lme4, run to the end: every number that a fit has."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

import multilevel as mlm
from multilevel.exceptions import MissingValuesWarning, RankDeficientWarning
from reference.compare import assert_matches
from reference.datasets import load
from reference.dialect import python_formula

EXPECTED = json.loads((Path(__file__).parent / "expected" / "models.json").read_text())
# Column of weights or of an offset that the R script gave as an argument.
WEIGHTS = {"weights": "w", "weighted10": "w1"}
OFFSETS = {"offset_slope": "o", "weights_offset": "o"}
WARNINGS = {
    "carrots": MissingValuesWarning,
    "missing_values": MissingValuesWarning,
    "rank_deficient": RankDeficientWarning,
}


def by_prefix(table: dict, model: str):
    return next((value for prefix, value in table.items() if model.startswith(prefix)), None)


@pytest.mark.parametrize("model", EXPECTED)
def test_model(model):
    expected = EXPECTED[model]
    data = load(expected["dataset"])
    arguments = {
        "reml": expected["REML"],
        "weights": by_prefix(WEIGHTS, model),
        "offset": by_prefix(OFFSETS, model),
    }
    formula = python_formula(expected["formula"])
    expected_warning = by_prefix(WARNINGS, model)
    if expected_warning is None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            fit = mlm.lmer(formula, data, **arguments)
    else:
        with pytest.warns(expected_warning):
            fit = mlm.lmer(formula, data, **arguments)
    assert_matches(fit, expected, data)
