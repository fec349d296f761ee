"""Summaries, letter by letter.

Set ``MULTILEVEL_UPDATE_SNAPSHOTS=1`` to write the files anew, then read the difference.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import MissingValuesWarning, RankDeficientWarning

HERE = Path(__file__).parent
SLOPE = "Reaction ~ Days + (Days | Subject)"


def sleepstudy():
    return mlm.datasets.load("sleepstudy", "pandas")


def awkward():
    """Missing values, a collinear column, weights, a long formula, names to be escaped."""
    data = sleepstudy()
    data["Days_2 & <half>"] = data["Days"] / 2
    data["pace"] = np.where(data.index % 30 == 4, np.nan, data.index % 7)
    data["w"] = np.tile([1.0, 2.0], 90)
    return mlm.lmer(
        "Reaction ~ Days + `Days_2 & <half>` + pace + I(pace**2) + Days:pace + (0 + Days | Subject)"
        " + (1 | Subject)",
        data,
        weights="w",
    )


FITS = {
    "sleepstudy_reml": lambda: mlm.lmer(SLOPE, sleepstudy()),
    "sleepstudy_ml": lambda: mlm.lmer(SLOPE, sleepstudy(), reml=False),
    "sleepstudy_independent": lambda: mlm.lmer("Reaction ~ Days + (Days || Subject)", sleepstudy()),
    "least_squares": lambda: mlm.lmer("Reaction ~ Days", sleepstudy()),
    "zero_variance": lambda: mlm.lmer(
        "Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2", "pandas")
    ),
    "factor_slopes": lambda: mlm.lmer(
        "score ~ Machine + (Machine | Worker)", mlm.datasets.load("machines", "pandas")
    ),
    "crossed": lambda: mlm.lmer(
        "diameter ~ 1 + (1 | plate) + (1 | sample)", mlm.datasets.load("penicillin", "pandas")
    ),
    "awkward": awkward,
}


def check(name: str, text: str) -> None:
    path = HERE / name
    if os.environ.get("MULTILEVEL_UPDATE_SNAPSHOTS"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", FITS)
def test_text(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MissingValuesWarning)
        warnings.simplefilter("ignore", RankDeficientWarning)
        summary = FITS[name]().summary()
    check(f"{name}.txt", f"{summary}\n")


@pytest.mark.parametrize(
    ("suffix", "render"),
    [
        ("html", lambda s: s.to_html()),
        ("tex", lambda s: s.to_latex()),
        ("md", lambda s: s.to_markdown()),
    ],
)
@pytest.mark.filterwarnings("ignore::multilevel.exceptions.MissingValuesWarning")
@pytest.mark.filterwarnings("ignore::multilevel.exceptions.RankDeficientWarning")
def test_rendered(suffix, render):
    check(f"awkward.{suffix}", render(awkward().summary()))


def test_notebooks_show_the_fragment():
    fit = FITS["sleepstudy_reml"]()
    fragment = fit._repr_html_()
    assert fragment == fit.summary()._repr_html_()
    assert fragment in fit.summary().to_html()
    assert fragment.startswith('<div class="mlm-summary">')
    assert "<script" not in fragment


def test_short_forms():
    fit = FITS["sleepstudy_reml"]()
    assert repr(fit) == (
        "<LinearMixedModel 'Reaction ~ Days + (Days | Subject)' by REML: 180 rows, 18 Subject>"
    )
    assert repr(fit.model) == (
        "<MixedModel 'Reaction ~ Days + (Days | Subject)': 180 rows, not fitted>"
    )
    assert str(fit) == str(fit.summary()) == repr(fit.summary())
