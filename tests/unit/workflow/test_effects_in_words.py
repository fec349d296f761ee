"""Sentences on fixed effects: every kind of predictor, and their reverse."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.workflow.analysis import Analysis
from multilevel.workflow.coefficients import read_coefficients
from multilevel.workflow.effects_in_words import effect_sentences, intercept_part
from multilevel.workflow.groups_in_words import groups_part
from multilevel.workflow.random_in_words import random_part

TURN = {
    "higher": "lower",
    "lower": "higher",
    "rises": "falls",
    "falls": "rises",
    "upwards": "downwards",
    "downwards": "upwards",
}

FIXED = (
    "b + b_between + t + age_c + kind + pub + size_c + age_c:kind + b:pub + b:t + "
    "age_c:b_between + size_c:age_c"
)


def firms(n_firms=60, n=20):
    """Firms with predictors of all kinds."""
    rng = np.random.default_rng(3)
    firm = np.repeat(np.arange(n_firms), n)
    rows = n_firms * n
    data = pd.DataFrame(
        {
            "firm": firm,
            "b": (rng.random(rows) < 0.3 + 0.4 * rng.random(n_firms)[firm]).astype(int),
            "t": rng.random(rows) < 0.5,
            "kind": np.array(["lo", "mid", "hi"])[rng.integers(0, 3, n_firms)[firm]],
            "pub": rng.integers(1, 3, n_firms)[firm],
            "age": rng.normal(40.0, 9.0, rows),
            "size": rng.lognormal(3.0, 1.0, n_firms)[firm],
        }
    )
    noise = 2.0 * rng.normal(size=n_firms)[firm] + 4.0 * rng.normal(size=rows)
    data["y"] = 10 + 2 * data["b"] - data["t"] + 0.1 * data["age"] + 3 * data["pub"] + noise
    return data


def sentences(data, outcome="y", fixed=FIXED, **names):
    given = {"level1": ["b", "t", "age"], "level2": ["kind", "pub", "size"], "groups": "firm"}
    study = Analysis(data, outcome, **(given | names)).study
    groups = study.hierarchy.innermost.name
    fit = study.fitter(f"{outcome} ~ {fixed} + (1 | {groups})").fit
    return effect_sentences(study, read_coefficients(study, fit, None))


@pytest.fixture(scope="module")
def said():
    return sentences(firms())


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("b", "Where `pub` is 0 and `t` is `False`: rows with `b` = 1 have `y` "),
        (
            "b_between",
            "Where `age` is at its mean (39.8): of rows with the same `b`, those in a ",
        ),
        ("t[T.True]", "Where `b` is 0: rows with `t` `True` have `y` 1.23 lower on average"),
        ("kind[T.lo]", "Where `age` is at its mean (39.8): firms with `kind` `lo` have `y` "),
        ("pub", "Where `b` is 0: firms with `pub` = 2 have `y` 3."),
        ("size_c", "Where `age` is at its mean (39.8): firms with `size` one higher have `y` "),
        ("age_c:kind[T.lo]", "The slope of `age` is 0.00"),
        ("b:pub", "The difference of `y` between `b` = 1 and `b` = 0 is "),
        ("t[T.True]:b", "The difference of `y` between "),
        ("age_c:b_between", "The slope of `age` is "),
    ],
)
def test_kinds_of_predictors(said, name, start):
    text = said.get(name) or said[":".join(reversed(name.split(":")))]
    assert text.startswith(start)
    assert "95% interval" in text


def test_a_reversed_outcome_reverses_every_sentence(said):
    data = firms()
    turned = sentences(data.assign(y=-data["y"]))
    assert set(turned) == set(said)
    pattern = re.compile(r"([\d.]+) (higher|lower)")
    for name, text in said.items():
        [(amount, word)] = pattern.findall(text)
        assert pattern.findall(turned[name]) == [(amount, TURN[word])], name


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_time_and_its_square(sign):
    rng = np.random.default_rng(1)
    person, week = np.repeat(np.arange(40), 6), np.tile(np.arange(6.0), 40)
    y = sign * (3.0 * week - 0.4 * week**2) + rng.normal(size=40)[person] + rng.normal(size=240)
    data = pd.DataFrame({"person": person, "week": week, "y": y})
    study = Analysis(data, "y", "person", time="week").study
    fit = study.fitter("y ~ week + I(week**2) + (1 | person)").fit
    linear, square = effect_sentences(study, read_coefficients(study, fit, None)).values()
    words = ("rises", "lower", "downwards")
    rises, lower, down = words if sign > 0.0 else tuple(TURN[word] for word in words)
    assert f"With each unit of `week`, `y` {rises} by " in linear
    assert "at the point where `week` is 0" in linear
    assert f" {lower} with each unit: the curve bends {down}" in square


def test_names_and_order_of_rows_change_nothing_else():
    data = firms()
    names = {"firm": "betrieb", "b": "q", "kind": "art", "size": "groesse", "y": "z"}
    other = data.sample(frac=1.0, random_state=1).rename(columns=names)
    other["betrieb"] = other["betrieb"].map(lambda one: f"nr {one}")
    right = FIXED
    for old, new in {"b_between": "q_between", "kind": "art", "size_c": "groesse_c"}.items():
        right = right.replace(old, new)
    right = re.sub(r"\bb\b", "q", right)
    given = {"level1": ["q", "t", "age"], "level2": ["art", "pub", "groesse"]}
    found = list(sentences(other, "z", right, groups="betrieb", **given).values())
    for text, expected in zip(found, sentences(data).values(), strict=True):
        renamed = expected
        for old, new in (*names.items(), ("firms", "betriebs")):
            renamed = re.sub(rf"\b{old}\b(?! =)", new, renamed)
        assert text == renamed


def test_the_intercept_that_never_occurs():
    data = firms()
    study = Analysis(data, "y", "firm", level2="pub").study
    found = read_coefficients(study, study.fitter("y ~ pub + (1 | firm)").fit, None)
    part = intercept_part(study, found)
    assert [note.code for note in part.notes] == ["I-INTERCEPTZERO"]
    assert "`pub` (1 to 2)" in part.notes[0].text


def test_a_variance_of_zero_is_said():
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(20), 10)
    y = rng.normal(size=200)
    y -= np.bincount(group, y)[group] / 10.0  # no differences of means at all
    study = Analysis({"g": group, "y": y}, "y", "g").study
    fit = study.fitter("y ~ 1 + (1 | g)").fit
    part = random_part(study, fit, read_coefficients(study, fit, None))
    (bullets,) = [block for block in part.blocks if hasattr(block, "items")]
    assert "do not differ in level by more than chance would have it" in bullets.items[0]
    assert "BUILD-SINGULAR" in {note.code for note in part.notes}
    assert groups_part(study, fit).blocks == ()


def test_polars_and_dicts_say_the_same():
    polars = pytest.importorskip("polars")
    data = firms()
    as_dict = {name: data[name].to_numpy() for name in data.columns}
    assert sentences(polars.from_pandas(data)) == sentences(data) == sentences(as_dict)


def test_crossed_groups_are_all_held_and_each_has_its_contextual_difference():
    rng = np.random.default_rng(4)
    a, b = rng.integers(0, 30, 900), rng.integers(0, 12, 900)
    x = rng.normal(size=900) + rng.normal(size=30)[a] + rng.normal(size=12)[b]
    y = x + rng.normal(size=30)[a] + rng.normal(size=12)[b] + rng.normal(size=900)
    data = {"y": y, "x": x, "firm": a, "town": b}
    step = mlm.analyze(data, "y", ["firm", "town"], level1="x").interpretation
    text = "\n".join(
        part for block in step.blocks for part in (getattr(block, "text", ""), *_items(block))
    )
    assert "on average than others of the same firm and town (95%" in text
    assert "`x` is what the means of its firm and town add up to" in text
    assert "- Contextual difference of `x`, firms: " in f"- {text}".replace("\n", "\n- ")
    assert "- Contextual difference of `x`, towns: " in f"- {text}".replace("\n", "\n- ")


def _items(block):
    return getattr(block, "items", ())
