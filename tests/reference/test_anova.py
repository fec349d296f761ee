"""Tests of terms, random-effects terms and exact tests against lmerTest, lme4 and RLRsim."""

from __future__ import annotations

import functools
import json
import warnings
from pathlib import Path

import numpy as np

import multilevel as mlm
from multilevel.exceptions import RankDeficientWarning
from reference.datasets import load

EXPECTED = json.loads((Path(__file__).parent / "expected" / "inference_anova.json").read_text())
REMOVED = np.array([1, 2, 3, 5, 8, 13, 21, 34, 55]) - 1

MODELS = {
    "ham": ("ham", "`Informed.liking` ~ Product * Information * Gender + (1 | Consumer)"),
    "ham_age": ("ham", "`Informed.liking` ~ Product * Age + (1 | Consumer)"),
    "carrots": ("carrots", "Preference ~ sens2 * Homesize + (1 + sens2 | Consumer)"),
    "carrots_three": ("carrots", "Preference ~ sens2 * Homesize * sens1 + (1 | Product)"),
    "cake": ("cake", "angle ~ recipe * temperature + (1 | recipe:replicate)"),
    "cake_numeric": ("cake", "angle ~ recipe * temp + (1 | recipe:replicate)"),
    "oats": ("oats_unbalanced", "yield_ ~ nitro * Variety + (1 | Block/Variety)"),
    "orthodont": ("orthodont", "distance ~ age * Sex + (age | Subject)"),
    "factorial": ("synthetic", "y ~ f * C(k) + x + (x | g)"),
    "curved": ("synthetic", "y ~ f * poly(x, 2) + log(t) + z + (1 | g)"),
    "three_way": ("synthetic", "y ~ x * z * f + (1 | g)"),
    "crossed": ("synthetic", "y ~ f * C(k) * x + (1 | g)"),
    "weighted": ("synthetic", "y ~ f * C(k) + x + (1 | g)"),
    "holes": ("holes", "y ~ f * C(k) + x + (1 | g)"),
    "holes_slope": ("holes", "y ~ f * C(k) * x + (1 | g)"),
    "means": ("synthetic", "y ~ 0 + f + x + (1 | g)"),
    "two_means": ("synthetic", "y ~ 0 + f + C(k) + (1 | g)"),
    "cells": ("synthetic", "y ~ f:C(k) + x + (1 | g)"),
    "within": ("synthetic", "y ~ f + f:C(k) + (1 | g)"),
    "slopes": ("synthetic", "y ~ f:x + (1 | g)"),
    "hsb": ("hsb", "mAch ~ meanses * cses + sector * cses + (cses | school)"),
}


def _data(name):
    if name.startswith("oats"):
        data = load("Oats").rename(columns={"yield": "yield_"})
        data["nitro"] = data["nitro"].map("{:g}".format)
        return data.drop(index=REMOVED) if name == "oats_unbalanced" else data
    if name == "holes":
        data = load("synthetic")
        return data[~((data["f"] == "b") & (data["k"] == 2))]
    if name == "cake":
        data = load("cake")
        return data.assign(temp=data["temperature"].astype(float))
    if name == "carrots":
        return load("carrots").dropna(subset=["Preference"])
    names = {
        "orthodont": "Orthodont",
        "machines": "Machines",
        "hsb": "Hsb82",
        "pastes": "Pastes",
    }
    return load(names.get(name, name))


@functools.cache
def fit(model):
    data, formula = MODELS[model]
    arguments = {"weights": "w", "offset": "o"} if model == "weighted" else {}
    with warnings.catch_warnings():
        if model.startswith("holes"):
            warnings.simplefilter("ignore", RankDeficientWarning)
        return mlm.lmer(formula, _data(data), **arguments)
