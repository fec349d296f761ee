"""The script of a report gives the numbers of the report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.report.document import Code
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.script import LOADING

# Columns go through text and are made in another order of sums; tests go through the curvature.
SAME = 1e-6

SETS = {
    "hsb": (
        ("math", "school"),
        {"level1": ["ses", "minority"], "level2": ["sector", "meanses"], "random": "ses"},
    ),
    "alcohol_use": (
        ("alcohol_use", "id"),
        {"time": "age", "level2": ["child_of_alcoholic", "peer_alcohol_use"]},
    ),
}


@pytest.fixture(scope="module", params=sorted(SETS))
def made(request, tmp_path_factory):
    """An analysis, and what its script leaves behind where only the user's file is."""
    names, options = SETS[request.param]
    data = mlm.datasets.load(request.param, "pandas")
    analysis = Analysis(data, *names, **options)
    (code,) = [block for block in analysis.inference.blocks if isinstance(block, Code)]
    folder = tmp_path_factory.mktemp(request.param)
    data.to_csv(folder / "data.csv", index=False)
    left: dict = {"print": lambda *_: None}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(code.text, left)
    return analysis, code.text, left["fit"]


def test_every_number_of_the_tests_is_that_of_the_script(made):
    analysis, text, fit = made
    df_method = text.partition("df_method='")[2].partition("'")[0]
    own = pd.DataFrame(fit.tidy("fixed", df_method=df_method)).set_index("term")
    table = analysis.inference.tables["tests"].set_index("term").drop("Intercept", errors="ignore")
    assert len(table) >= len(own) - 1
    for column in ("statistic", "df", "p_value"):
        np.testing.assert_allclose(own.loc[table.index, column], table[column], rtol=SAME)


def test_the_fit_of_the_script_is_the_chosen_one(made):
    analysis, _, fit = made
    np.testing.assert_allclose(fit.beta, analysis.model.beta, rtol=SAME)
    np.testing.assert_allclose(fit.sigma, analysis.model.sigma, rtol=SAME)
    np.testing.assert_allclose(float(fit.loglik), float(analysis.model.loglik), rtol=SAME)


def test_a_column_is_made_once(made):
    _, text, _ = made
    columns = [line.partition("]")[0] for line in text.splitlines() if line.startswith("data[")]
    columns = [name for name in columns if not name.endswith(("'minority'", "'sector'"))]
    assert len(columns) == len(set(columns))


def test_means_of_a_factor_that_is_nested_beside_a_crossed_one():
    rng = np.random.default_rng(6)
    n = 900
    school = rng.integers(0, 15, n)
    room = school * 4 + rng.integers(0, 4, n)
    area = rng.integers(0, 12, n)
    x = rng.normal(size=15)[school] + rng.normal(size=60)[room] + rng.normal(size=12)[area]
    x = x + rng.normal(size=n)
    y = x + rng.normal(size=15)[school] + rng.normal(size=60)[room] + rng.normal(size=12)[area]
    y = y + rng.normal(size=n)
    data = pd.DataFrame({"school": school, "room": room, "area": area, "x": x, "y": y})
    analysis = Analysis(data, "y", ["school", "room", "area"], level1="x", random=[])
    (code,) = [block for block in analysis.inference.blocks if isinstance(block, Code)]
    left: dict = {"data": data, "print": lambda *_: None}
    exec(code.text.replace(LOADING, ""), left)
    for name, made in analysis.study.predictors[0].columns.items():
        np.testing.assert_allclose(data[name], made, atol=SAME)
    np.testing.assert_allclose(left["fit"].beta, analysis.model.beta, rtol=SAME)
