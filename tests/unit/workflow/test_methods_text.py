"""Step 8, the texts for a paper: what was done, how it was tested, what came out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.inference.varcomp import variance_components
from multilevel.report.document import Paragraph


def schools(n_groups, seed=1):
    """Rows in schools whose slopes of ``x`` differ and are correlated with their levels."""
    rng = np.random.default_rng(seed)
    school = np.repeat(np.arange(n_groups), 12)
    x = rng.normal(size=school.size)
    level = rng.normal(size=n_groups)
    slope = 0.8 * level + 0.6 * rng.normal(size=n_groups)
    y = level[school] + (1.0 + slope[school]) * x + rng.normal(size=school.size)
    return pd.DataFrame({"y": y, "x": x, "school": school})


def texts(analysis):
    """Paragraphs of step 8 by heading."""
    blocks = analysis.inference.blocks
    return {one.heading: one.text for one in blocks if isinstance(one, Paragraph)}


@pytest.fixture(scope="module")
def many():
    return mlm.analyze(schools(60), outcome="y", groups="school", level1=["x"], rng=1)


@pytest.fixture(scope="module")
def few():
    return mlm.analyze(schools(12), outcome="y", groups="school", level1=["x"], rng=1)


def test_random_effects_are_named(many):
    """A correlation without the names of what is correlated says nothing."""
    text = texts(many)["Text for a results section"]
    part = variance_components(many.choice.fit._matrices, many.choice.fit.state)[0]
    a, b = part.pairs[0]
    found = text.split("Correlations of random effects: ")[1]
    names = f"(`{part.names[a]}` and `{part.names[b]}` by `school`)"
    shown, rest = found.split(f" {names}", 1)
    assert float(shown) == pytest.approx(part.corr[a, b], abs=0.005)
    assert rest.startswith(". The fixed effects explain ")
    for name, sd in zip(part.names, part.sd, strict=True):
        shown = text.split(f" (`{name}` by `school`)")[0].split()[-1]
        assert float(shown) == pytest.approx(sd, rel=0.005)


def test_no_correlations_without_slopes(many):
    data = schools(60)
    analysis = mlm.analyze(data, outcome="y", groups="school", level1=["x"], random=[], rng=1)
    assert "Correlations" not in texts(analysis)["Text for a results section"]
    method = texts(analysis)["Text for a methods section"]
    assert "likelihood ratios by maximum likelihood for fixed effects. Of" in method


def test_tests_are_those_that_were_made(many, few):
    """F tests with few groups, likelihood ratios with many; random slopes by the mixture."""
    method = {
        name: texts(one)["Text for a methods section"]
        for name, one in (("many", many), ("few", few))
    }
    mixture = "with mixtures of chi-squared distributions (Stram & Lee 1994)"
    assert "Models were compared by likelihood ratios by maximum likelihood" in method["many"]
    assert "Kenward" not in method["many"]
    assert (
        "Models were compared by F tests of fixed effects by the method of Kenward"
        in (method["few"])
    )
    assert all(mixture in text for text in method.values())


def test_a_choice_of_the_user_is_called_one():
    analysis = mlm.analyze(
        schools(60), outcome="y", groups="school", level1=["x"], select="M1", rng=1
    )
    assert "(our choice, not that of a rule)" in texts(analysis)["Text for a methods section"]


def test_rows_left_out_are_counted():
    data = schools(60)
    data.loc[:8, "x"] = np.nan
    analysis = mlm.analyze(data, outcome="y", groups="school", level1=["x"], rng=1)
    assert texts(analysis)["Text for a methods section"].startswith("We analysed 711 rows in ")
    assert (
        "9 of 720 rows (1.2%) with missing values were left out."
        in (texts(analysis)["Text for a methods section"])
    )
