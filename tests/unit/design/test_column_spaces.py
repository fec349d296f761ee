"""Fixed and random columns span what lme4's do, for the formulas of R in Python's dialect."""

import csv
import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from multilevel.design.build import build_design
from multilevel.exceptions import RankDeficientWarning

EXPECTED = Path(__file__).parent / "expected"
CASES = json.loads((EXPECTED / "column_spaces.json").read_text())

# Relative length of what is left of a column outside the other space: both sides carry about
# 1e-15, R's printing 15 digits.
OUTSIDE = 1e-9

# R drops three of the twelve cells of f:b here, because f stands in x:f, although a slope per level
# of f says nothing about their means (a known fault of its coding rule).
FAULT = "y ~ 0 + x:f + f:b + (1|g)"

# R's functions in Python; all else is written alike.
DIALECT = {
    "factor(k)": "C(k)",
    "I(x^2)": "I(x**2)",
    "splines::bs(x, df=4)": "bs(x, df=4)",
    "splines::ns(x, df=3)": "cr(x, df=3, constraints='center')",
    "I(as.numeric(f=='b'))": "I((f=='b') * 1.0)",
}


def python(formula):
    for theirs, ours in DIALECT.items():
        formula = formula.replace(theirs, ours)
    return formula


def data():
    with (EXPECTED / "columns.csv").open() as file:
        rows = list(csv.DictReader(file))
    text = {"f", "b", "c", "g", "h"}
    return {
        name: np.array([row[name] for row in rows], dtype=object if name in text else float)
        for name in rows[0]
    }


def outside(columns, space):
    """Largest relative length of the part of each column that a space does not hold."""
    basis = np.linalg.svd(space / np.linalg.norm(space, axis=0), full_matrices=False)[0]
    left = columns - basis @ (basis.T @ columns)
    return np.max(np.linalg.norm(left, axis=0) / np.linalg.norm(columns, axis=0))


def assert_same_space(ours, theirs):
    assert ours.shape == theirs.shape
    assert outside(ours, theirs) < OUTSIDE
    assert outside(theirs, ours) < OUTSIDE


@pytest.mark.parametrize("case", CASES, ids=[case["formula"] for case in CASES])
def test_spans_the_columns_of_lme4(case):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficientWarning)
        matrices = build_design(python(case["formula"]), data()).matrices
    np.testing.assert_allclose(matrices.y, case["y"], rtol=1e-13)
    X = np.column_stack(case["X"])
    if case["formula"] == FAULT:
        assert matrices.X.shape[1] == X.shape[1] + 3
        assert outside(X, matrices.X) < OUTSIDE
    else:
        assert_same_space(matrices.X, X)
    if case["offset"]:
        np.testing.assert_allclose(matrices.offset, case["offset"], rtol=1e-13)
    else:
        assert matrices.offset is None

    z = [np.column_stack(columns) for columns in case["z"]]
    levels = case["levels"]
    if "||" in case["formula"]:  # lme4 makes a term of each column, we one term
        z, levels = [np.column_stack(z)], levels[:1]
    # lme4 sorts its terms by the number of levels, largest first
    ours = sorted(matrices.terms, key=lambda term: -matrices.factors[term.factor].n_levels)
    assert [matrices.factors[term.factor].n_levels for term in ours] == levels
    for term, theirs in zip(ours, z, strict=True):
        assert_same_space(np.array(term.z), theirs)


@pytest.mark.parametrize("case", CASES[-4:], ids=[case["formula"] for case in CASES[-4:]])
def test_drops_the_columns_that_lme4_drops(case):
    """The same columns stay, not only the same span."""
    with pytest.warns(RankDeficientWarning, match="Dropped from the fixed effects"):
        matrices = build_design(python(case["formula"]), data()).matrices
    assert len(matrices.coef_names) == case["all_columns"] == len(case["X"]) + 1
    np.testing.assert_allclose(matrices.X, np.column_stack(case["X"]), rtol=1e-12)


def test_no_warning_where_only_r_codes_redundant_columns():
    """R codes f:b with a column too many; full and reduced coding is decided term by term here."""
    redundant = [case for case in CASES[:-4] if case["all_columns"] > len(case["X"])]
    assert len(redundant) == 3
    for case in redundant:
        matrices = build_design(python(case["formula"]), data()).matrices
        assert matrices.X.shape[1] == len(matrices.coef_names) == len(case["X"])
