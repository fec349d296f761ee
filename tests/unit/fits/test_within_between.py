"""Within-between models: the formula they write, and what their tables say."""

from __future__ import annotations

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, MissingValuesWarning, NotSupportedError
from multilevel.fits.within_between import within_between


@pytest.fixture(scope="module")
def data():
    return mlm.datasets.load("hsb")


@pytest.mark.parametrize(
    ("formula", "options", "expected"),
    [
        (
            "math ~ ses + sector + (1 | school)",
            {},
            "math ~ 1 + ses_within + ses_between + sector + (1 | school)",
        ),
        (
            "math ~ ses * sector + (ses || school)",
            {},
            "math ~ 1 + ses_within + ses_between + sector + ses_within:sector + ses_between:sector "
            "+ (1 + ses_within || school)",
        ),
        (
            "math ~ ses + (0 + ses | school)",
            {"contextual": True},
            "math ~ 1 + ses + ses_between + (0 + ses | school)",
        ),
        (
            "np.log(math+10) ~ 0 + ses + I(meanses**2) + offset(meanses) + (1 | school)",
            {},
            "np.log(math+10) ~ 0 + ses_within + ses_between + I(meanses ** 2) + offset(meanses) "
            "+ (1 | school)",
        ),
        (
            "math ~ ses + (1 | school) + (1 | sex)",
            {"by": "school"},
            "math ~ 1 + ses_within + ses_between + (1 | school) + (1 | sex)",
        ),
    ],
)
def test_formula(data, formula, options, expected):
    model = within_between(formula, data, **options)
    assert model.fit.formula == expected
    assert model.split == {"ses": ("ses_between", "ses_within")}


def test_mundlak_is_the_same_model(data):
    models = [
        within_between("math ~ ses + (1 | school)", data, contextual=contextual)
        for contextual in (False, True)
    ]
    tables = [model.contextual().drop(columns=["term", "effect"]) for model in models]
    np.testing.assert_allclose(*tables, rtol=1e-6)
    np.testing.assert_allclose(models[0].fit.reml_criterion, models[1].fit.reml_criterion)
    assert models[1].contextual()["estimate"][2] == pytest.approx(models[1].fit.beta[2])
    assert "Mundlak model" in repr(models[1])
    assert str(models[0].summary()).startswith("Linear mixed model fit by REML")


def test_within_effect_is_that_of_fixed_effects():
    """With balanced groups, the estimate of least squares with a dummy for each group."""
    data = mlm.datasets.load("sleepstudy")
    rng = np.random.default_rng(2)
    data["z"] = data["Days"] + rng.standard_normal(18)[np.arange(180) // 10] + rng.random(180)
    model = within_between("Reaction ~ z + (1 | Subject)", data)
    dummies = mlm.lmer("Reaction ~ z + Subject", data)
    names = list(dummies.coef_names)
    within = model.contextual().iloc[0]
    assert within["estimate"] == pytest.approx(dummies.beta[names.index("z")], rel=1e-7)
    assert within["std_error"] == pytest.approx(dummies.std_errors[names.index("z")], rel=1e-7)


def test_products_have_effects_of_their_own(data):
    model = within_between("math ~ ses * sector + (1 | school)", data)
    table = model.contextual(df_method="between-within", level=0.9)
    assert table["term"].tolist() == ["ses"] * 3 + ["ses:sector[T.Catholic]"] * 3
    beta = dict(zip(model.fit.coef_names, model.fit.beta, strict=True))
    difference = beta["ses_between:sector[T.Catholic]"] - beta["ses_within:sector[T.Catholic]"]
    assert table["estimate"][5] == pytest.approx(difference)
    joint = model.test()
    assert joint["df"][0] == 2
    L = {
        "a": {"ses_between": 1, "ses_within": -1},
        "b": {"ses_between:sector[T.Catholic]": 1, "ses_within:sector[T.Catholic]": -1},
    }
    assert joint["statistic"][0] == pytest.approx(
        model.fit.contrasts(L, joint=True)["statistic"][0]
    )
    assert model.test(robust="CR2")["statistic"][0] != joint["statistic"][0]


def test_means_are_those_of_the_rows_used(data):
    some = data.copy()
    some.loc[some["school"] == "1224", "math"] = some["math"].where(some.index % 2 == 0)
    with pytest.warns(MissingValuesWarning):
        model = within_between("math ~ ses + (1 | school)", some)
    alone = within_between("math ~ ses + (1 | school)", some.dropna(subset=["math"]))
    np.testing.assert_array_equal(model.fit.beta, alone.fit.beta)


def test_several_predictors(data):
    some = data.assign(girl=(data["sex"] == "Female").astype(float))
    model = within_between("math ~ ses + girl + (1 | school)", some)
    assert set(model.split) == {"ses", "girl"}


@pytest.mark.parametrize(
    ("formula", "options", "error", "message"),
    [
        ("math ~ np.exp(ses) + (1 | school)", {}, NotSupportedError, r"is a function of 'ses'"),
        ("math ~ ses + (I(ses**2) | school)", {}, NotSupportedError, "is a function of 'ses'"),
        ("math ~ ses * girl + (1 | school)", {}, NotSupportedError, "'ses:girl' is of several"),
        ("math ~ sector + (1 | school)", {}, DataError, "nothing to split"),
        ("math ~ cses + (1 | school)", {}, DataError, "nothing to split"),
        ("math ~ ses + (1 | school) + (1 | sex)", {}, DataError, "there are 'school', 'sex'"),
        ("math ~ ses", {}, DataError, "there is none"),
        ("math ~ ses + (1 | school)", {"by": "sector/school"}, ValueError, "names several"),
        ("math ~ ses_within + ses + (1 | school)", {}, DataError, "already have a column"),
        ("math ~ again + ses + (1 | school)", {}, DataError, "cannot be told from"),
    ],
)
@pytest.mark.filterwarnings("ignore::multilevel.exceptions.RankDeficientWarning")
def test_what_is_refused(data, formula, options, error, message):
    some = data.assign(girl=(data["sex"] == "Female").astype(float), again=2 * data["ses"])
    if "ses_within" in formula:
        some["ses_within"] = 1.0 * some["ses"]
    with pytest.raises(error, match=message):
        within_between(formula, some, **options)
