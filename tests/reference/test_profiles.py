"""Profile intervals by maximum likelihood against lme4 1.1-31 (r/inference_profile.R)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import multilevel as mlm
from reference.datasets import load

EXPECTED = json.loads(
    (Path(__file__).parent / "expected" / "inference_profile.json").read_text(encoding="utf-8")
)
DATA = {
    "dyestuff": "Dyestuff", "dyestuff2": "Dyestuff2", "sleepstudy_independent": "sleepstudy",
    "penicillin": "Penicillin", "pastes": "Pastes", "machines": "Machines",
}  # fmt: skip
# lme4 reads its limits off splines through the profile; ours are solved for.
SPLINE = 3e-5
# lme4's name of a parameter -> ours; its nested factors are written in another order, too.
ORDER = {"cask:batch": "batch:cask", "Machine:Worker": "Worker:Machine"}
FIXED = {
    "(Intercept)": "Intercept", "MachineB": "Machine[T.B]", "MachineC": "Machine[T.C]",
    "recipeB": "recipe[T.B]", "recipeC": "recipe[T.C]", "sigma": "sd__residual",
}  # fmt: skip


def our_name(name: str) -> str:
    kind, _, rest = name.partition("_")
    if kind not in ("sd", "cor"):
        return FIXED.get(name, name)
    effect, _, group = rest.replace("(Intercept)", "Intercept").partition("|")
    if kind == "cor":
        effect = ".".join(reversed(effect.split(".")))
    return f"{'sd' if kind == 'sd' else 'corr'}__{effect}|{ORDER.get(group, group)}"


@pytest.mark.parametrize("model", EXPECTED)
def test_limits_are_lme4s(model):
    expected = EXPECTED[model]
    fit = mlm.lmer(expected["formula"], load(DATA.get(model, model)), reml=False)
    table = fit.confint(method="profile")
    group = table["group"].where(table["effect"] == "ran_pars")
    keys = [
        term if not isinstance(g, str) or g == "Residual" else f"{term}|{g}"
        for term, g in zip(table["term"], group, strict=True)
    ]
    ours = dict(zip(keys, zip(table["conf_low"], table["conf_high"], strict=True), strict=True))
    compared = 0
    for name, low, high in zip(
        expected["parameter"], expected["low"], expected["high"], strict=True
    ):
        if high is None:  # lme4 loses sigma where a variance is zero
            continue
        compared += 1
        assert ours[our_name(name)] == pytest.approx((low, high), rel=SPLINE, abs=SPLINE)
    assert compared >= len(ours) - 1


def test_where_lme4_fails_the_limits_are_those_of_a_model_without_the_variance():
    """Of 30 independent values: n log s2 + rss / s2 rises by 3.8415 at these s (dyestuff2)."""
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", load("Dyestuff2"), reml=False)
    table = fit.confint(method="profile", parameters="sd__residual")
    plain = mlm.lmer("Yield ~ 1", load("Dyestuff2"), reml=False)
    expected = plain.confint(method="profile", parameters="sd__residual")
    assert table["conf_low"][0] == pytest.approx(expected["conf_low"][0], rel=1e-7)
    # above, a positive variance between batches can take up what a larger s leaves
    assert table["conf_high"][0] >= expected["conf_high"][0] * (1 - 1e-7)
