"""Printed tests of terms, of variances and profile limits: SAS, lmerTest's tests, lme4's tests.

The tags I1-I13 and L4-L16 number the rows of the collection, as in ``published.py``. Also here:
``test_small_sample.py`` (I2, I12, I13's model), ``test_emmeans.py`` (I8, I14, I15),
``test_robust.py`` (I22). The ten rows of I10 are not here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import multilevel as mlm
from reference.datasets import load

SLEEP = "Reaction ~ Days + (Days | Subject)"
LIKING = "`Informed.liking` ~ "
# One unit of the last printed place; beyond the digits that the optimisers behind them leave right.
PRINTED, THETA_RTOL = 1.0, 2e-6
# SAS stops earlier: of I9 lmerTest's numbers are ours to 1e-6 (test_anova.py).
SAS_RTOL = 1e-4
# Limits read off splines through lme4's profile: see test_a_profile_limit_in_closed_form.
SPLINE = 2e-4


def assert_printed(values, printed, rtol=THETA_RTOL):
    """Equal to the printed digits."""
    values = np.asarray(values, dtype=float)
    assert len(values) == len(printed)
    for value, text in zip(values, printed, strict=True):
        mantissa, _, exponent = text.partition("e")
        places = len(mantissa.partition(".")[2]) - int(exponent or 0)
        unit = PRINTED * 10.0**-places
        assert value == pytest.approx(float(text), rel=rtol, abs=unit), text


def terms(data, formula, **options):
    return pd.DataFrame(mlm.lmer(formula, data).anova(**options))


def carrots():
    return load("carrots").dropna(subset=["Preference"])


def test_coefficients_of_sleepstudy():
    """I1 and I3."""
    slopes = mlm.lmer(SLEEP, load("sleepstudy"))
    intercepts = mlm.lmer("Reaction ~ Days + (1 | Subject)", load("sleepstudy"))
    for method in ("satterthwaite", "kenward-roger"):
        table = slopes.tidy(effects="fixed", df_method=method).iloc[1]
        assert_printed(table[["df", "statistic", "p_value"]], ["17.000", "6.771485", "3.2638e-6"])
        table = intercepts.tidy(effects="fixed", df_method=method)
        assert_printed(table["df"], ["22.8102", "161.0000"])


def test_variance_of_the_slope():
    """I4: by REML and by ML."""
    fit = mlm.lmer(SLEEP, load("sleepstudy"))
    row = fit.ranova().iloc[0]
    assert_printed(row[["statistic", "p_value"]], ["42.83681", "4.99e-10"])
    row = fit.refit(reml=False).ranova().iloc[0]
    assert_printed(row[["statistic", "p_value"]], ["42.1393", "7.0724e-10"])
    small = mlm.lmer("Reaction ~ Days + (1 | Subject)", load("sleepstudy"))
    row = mlm.anova(small, fit).iloc[1]
    assert_printed(row[["statistic", "p_value"]], ["42.1393", "7.0724e-10"])
    row = mlm.anova(fit, small, refit=False).iloc[1]
    assert_printed(row[["statistic", "p_value"]], ["42.83681", "4.99e-10"])


def test_cake():
    """I5: temperature as a number."""
    data = load("cake")
    data["temp"] = data["temperature"].astype(float)
    formula = "angle ~ recipe * temp + (1 | recipe:replicate)"
    table = terms(data, formula)
    assert_printed(table["df_residual"], ["254.0157612", "222.0000", "222.0000"])
    assert_printed(table["statistic"], [".09568", "94.16323", ".04169"])
    row = terms(data, formula, type=1).iloc[0]
    assert_printed(row[["df_residual", "statistic"]], ["42.0000", ".24879"])


def test_carrots_type_two():
    """I6: SAS."""
    formula = "Preference ~ sens2 * Homesize + (1 + sens2 | Consumer)"
    table = terms(carrots(), formula, type=2)
    assert_printed(table["statistic"], ["54.8361", "5.16138", "1.03035"], SAS_RTOL)
    assert_printed(table["df_residual"], ["101.0178", "100.9681", "101.0161"])


def test_ham_type_two():
    """I7: SAS."""
    table = terms(load("ham"), LIKING + "Product * Age + (1 | Consumer)", type=2)
    assert_printed(table["statistic"], ["2.48135", ".005387", "1.48451"], SAS_RTOL)


def test_ham_type_three():
    """I8: its F test; three random effects."""
    random = "(1 | Consumer) + (1 | Consumer:Product) + (1 | Consumer:Information)"
    table = terms(load("ham"), LIKING + "Product * Information * Gender + " + random)
    assert_printed(table["statistic"][:1], ["3.81928"])


def test_three_way_carrots():
    """I9: SAS."""
    formula = "Preference ~ sens2 * Homesize * sens1 + (1 | Product)"
    order = [
        "sens2", "Homesize", "sens1", "sens2:Homesize", "sens2:sens1", "Homesize:sens1",
        "sens2:Homesize:sens1",
    ]  # fmt: skip
    second = terms(carrots(), formula, type=2).set_index("term").loc[order]
    third = terms(carrots(), formula, type=3).set_index("term").loc[order]
    printed = ["16.4842", "14.0010", ".526076", "1.18144", ".107570", ".335177", "1.05946"]
    assert_printed(second["statistic"], printed, SAS_RTOL)
    printed = ["16.9140", "14.0010", ".481148", "1.18144", ".074201", ".335177", "1.05946"]
    assert_printed(third["statistic"], printed, SAS_RTOL)


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_tv_sets(method):
    """I11: a balanced sensory study, in which all methods agree with the analysis of variance."""
    random = "(1 | Assessor) + (1 | Assessor:TVset) + (1 | Assessor:Picture)"
    table = terms(
        load("TVbo"), f"Sharpnessofmovement ~ TVset * Picture + {random}", df_method=method
    )
    assert_printed(table["statistic"], [".24370", "4.77355", "4.17766"])
    assert_printed(table["df_residual"], ["14.0000", "21.0000", "138.0000"])


PROFILES = {
    "L4": (
        "Dyestuff",
        "Yield ~ 1 + (1 | Batch)",
        [(1486.451500, 1568.548494), (12.19854, 84.06305), (38.22998, 67.65770)],
    ),
    "L14": (
        "sleepstudy",
        SLEEP,
        [
            (237.68070, 265.12951),
            (7.35865, 13.57592),
            (14.38156, 37.71600),
            (3.80116, 8.75338),
            (-0.48150, 0.68499),
            (22.89827, 28.85800),
        ],
    ),
    "L16": (
        "Penicillin",
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        [
            (21.266627, 24.677818),
            (0.633566, 1.182104),
            (1.095782, 3.556319),
            (np.exp(-0.721865), np.exp(-0.462903)),
        ],
    ),
}


@pytest.mark.parametrize("tag", PROFILES)
def test_profile_limits(tag):
    """By maximum likelihood, as lme4 does whatever the fit."""
    dataset, formula, printed = PROFILES[tag]
    table = mlm.lmer(formula, load(dataset), reml=False).confint(method="profile")
    np.testing.assert_allclose(table[["conf_low", "conf_high"]], printed, rtol=SPLINE)


def test_a_profile_limit_in_closed_form():
    """Of one-way layouts: ours have all digits, where the printed 12.19854 has four."""
    data = load("Dyestuff")
    y = np.array([group["Yield"] for _, group in data.groupby("Batch")])
    groups, m = y.shape
    within = ((y - y.mean(axis=1, keepdims=True)) ** 2).sum()
    between = m * ((y.mean(axis=1) - y.mean()) ** 2).sum()

    def criterion(sd, log_sigma):
        sigma2 = np.exp(2 * log_sigma)
        total = sigma2 + m * sd**2
        determinant = groups * np.log(total) + groups * (m - 1) * 2 * log_sigma
        return determinant + within / sigma2 + between / total

    def profile(sd):
        return optimize.minimize_scalar(
            lambda s: criterion(sd, s), bounds=(2, 6), method="bounded", options={"xatol": 1e-10}
        ).fun

    best = optimize.minimize_scalar(profile, bounds=(5, 80), method="bounded")
    bound = best.fun + stats.chi2(1).ppf(0.95)
    limits = [
        optimize.brentq(lambda sd: profile(sd) - bound, *bracket)
        for bracket in [(1, best.x), (best.x, 200)]
    ]
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", data, reml=False)
    row = fit.confint(method="profile", parameters="sd__Intercept|Batch").iloc[0]
    np.testing.assert_allclose(row[["conf_low", "conf_high"]].astype(float), limits, rtol=1e-7)
