"""Regressions by group."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import multilevel as mlm
from multilevel.exceptions import DataError, FormulaError, MissingValuesWarning
from multilevel.fits.lm_list import lm_list


@pytest.fixture(scope="module")
def data():
    return mlm.datasets.load("sleepstudy")


def test_groups_that_cannot_be_fitted_are_named(data):
    some = data[~((data["Subject"] == "308") & (data["Days"] > 0))]
    some = some[~((some["Subject"] == "309") & (some["Days"] > 1))]
    some = some.assign(Days=some["Days"].where(some["Subject"] != "310", 4.0))
    fits = lm_list("Reaction ~ Days", some, by="Subject")
    assert repr(fits).endswith("16 of 18 groups fitted, 163 rows>")
    table = fits.not_fitted
    assert table["level"].tolist() == ["308", "310"]
    assert table["n_rows"].tolist() == [1, 10]
    assert table["reason"][0] == "1 row for 2 coefficients"
    assert table["reason"][1].startswith("Days: constant, or a combination")
    coef = fits.coef().set_index("level")
    assert coef.loc[["308", "310"], ["Intercept", "Days"]].isna().all(axis=None)
    whole = lm_list("Reaction ~ Days", data, by="Subject").coef().set_index("level")
    columns = ["Intercept", "Days"]
    np.testing.assert_allclose(
        coef.loc["372", columns].astype(float), whole.loc["372", columns].astype(float)
    )
    assert fits.df_residual == 15 * 8 + 0
    alone = fits.tidy(pooled=False).set_index("level")
    assert alone.loc["309", "std_error"].isna().all()  # as many rows as coefficients
    assert alone.loc["372", "std_error"].notna().all()
    assert fits.tidy().set_index("level").loc["309", "std_error"].notna().all()


def test_weights_and_offset_as_in_a_fit_to_the_rows_of_a_group(data):
    weighted = data.assign(w=1.0 + data["Days"], e=np.sin(data["Days"]))
    fits = lm_list("Reaction ~ Days + offset(e)", weighted, by="Subject", weights="w")
    one = weighted[weighted["Subject"] == "330"]
    alone = mlm.lmer("Reaction ~ Days + offset(e)", one, weights="w")
    ours = fits.tidy(pooled=False)
    ours = ours[ours["level"] == "330"]
    np.testing.assert_allclose(ours["estimate"], alone.beta)
    np.testing.assert_allclose(ours["std_error"], alone.std_errors)


def test_several_columns_and_missing_rows(data):
    some = data.assign(half=np.where(data["Days"] < 5, "early", "late"))
    some.loc[3, "Reaction"] = np.nan
    with pytest.warns(MissingValuesWarning):
        fits = lm_list("Reaction ~ Days", some, by="Subject:half")
    assert fits.coef()["level"].tolist()[:2] == ["308:early", "308:late"]
    assert fits.nobs == 179


def test_what_is_refused(data):
    with pytest.raises(FormulaError, match="without random effects"):
        lm_list("Reaction ~ Days + (1 | Subject)", data, by="Subject")
    with pytest.raises(FormulaError, match="no coefficients"):
        lm_list("Reaction ~ 0", data, by="Subject")
    with pytest.raises(ValueError, match="names several factors; write 'a:b'"):
        lm_list("Reaction ~ Days", data, by="a/b")
    with pytest.raises(ValueError, match="name of a column"):
        lm_list("Reaction ~ Days", data, by=["Subject"])
    with pytest.raises(DataError, match="no column 'x'"):
        lm_list("Reaction ~ Days", data, by="x")
    constant = data.assign(w=data["Subject"].astype(str).astype(float))
    with pytest.raises(DataError, match=r"No group of 'Subject' can be fitted \(308: w: constant"):
        lm_list("Reaction ~ Days + w", constant, by="Subject")
    gaps = data.assign(Subject=data["Subject"].astype(object).where(data.index > 2))
    with pytest.raises(DataError, match="missing values in 3 of the rows used"):
        lm_list("Reaction ~ Days", gaps, by="Subject")
    with pytest.raises(ValueError, match="pooled must be True or False"):
        lm_list("Reaction ~ Days", data, by="Subject").tidy(pooled="no")
    assert isinstance(lm_list("Reaction ~ 1", data, by="Subject").coef(), pd.DataFrame)
