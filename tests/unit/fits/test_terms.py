"""F tests of terms: what does not matter to them, awkward models, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest

import multilevel as mlm
from multilevel.exceptions import NotSupportedError, RankDeficientWarning

MODEL = "y ~ a * b + x + (x | g)"
# Estimates of two parametrisations agree to the stop of the optimiser.
SAME = 1e-6
# Degrees of freedom of several contrasts depend on which of them span the hypothesis.
SPAN = 1e-2


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(1)
    n = 240
    frame = pd.DataFrame(
        {
            "g": np.repeat([f"g{i}" for i in range(24)], 10),
            "a": rng.choice(["p", "q", "r"], n),
            "b": rng.choice(["u", "v"], n),
            "x": rng.normal(size=n),
            "z": rng.normal(5, 1, n),
            "w": rng.uniform(0.5, 2, n),
            "one": "only",
        }
    )
    group = rng.normal(size=24)[np.repeat(np.arange(24), 10)]
    frame["y"] = group + 0.3 * frame["x"] + 0.5 * (frame["a"] == "q") + rng.normal(size=n)
    # Groups differ less than by chance: a variance of zero.
    noise = rng.normal(size=(24, 10))
    frame["noise"] = (noise - 0.9 * noise.mean(axis=1, keepdims=True)).ravel()
    return frame


@pytest.fixture(scope="module")
def fit(data):
    return mlm.lmer(MODEL, data)


def table_of(formula, data, *, fitted=None, **options):
    return pd.DataFrame(mlm.lmer(formula, data, **(fitted or {})).anova(**options))


def assert_same(found, expected, columns=("df", "statistic", "df_residual"), rtol=SAME):
    for column in columns:
        np.testing.assert_allclose(found[column], expected[column], rtol=rtol, err_msg=column)


# -- what does not matter --------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [1, 2, 3])
@pytest.mark.parametrize(
    "coding",
    [
        "C(a, contr.sum)",
        "C(a, contr.helmert)",
        "C(a, contr.poly)",
        "C(a, contr.custom(np.array([[1, 0], [0, 1], [-1, -1]])))",
        "C(a, contr.custom(np.array([[1, 5], [0, 2], [-1, 3]])))",
    ],
)
def test_the_coding_of_factors_does_not_matter(fit, data, kind, coding):
    other = table_of(MODEL.replace("a * b", f"{coding} * C(b, contr.sum)"), data, type=kind)
    assert_same(other, fit.anova(type=kind))


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_contrasts_given_beside_the_formula_do_not_matter(fit, data, kind):
    contrasts = {"a": np.array([[1, 0], [0, 1], [-1, -1]]), "b": np.array([[1], [-1]])}
    other = table_of(MODEL, data, fitted={"contrasts": contrasts}, type=kind)
    assert_same(other, fit.anova(type=kind))


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_the_first_level_does_not_matter(fit, data, kind):
    renamed = data.assign(a=data["a"].replace({"p": "z"}), b=data["b"].replace({"u": "w"}))
    for method, rtol in [("kenward-roger", SAME), ("satterthwaite", SPAN)]:
        other = table_of(MODEL, renamed, type=kind, df_method=method)
        expected = fit.anova(type=kind, df_method=method)
        assert_same(other, expected, ("df", "statistic"))
        assert_same(other, expected, ("df_residual",), rtol)


@pytest.mark.parametrize("kind", [2, 3])
def test_the_order_of_terms_does_not_matter(fit, data, kind):
    other = table_of("y ~ x + b + b:a + a + (x | g)", data, type=kind)
    other["term"] = other["term"].replace({"b:a": "a:b"})
    other = other.set_index("term").loc[fit.anova()["term"]].reset_index()
    assert_same(other, fit.anova(type=kind))


def test_the_order_of_terms_matters_to_type_one(fit, data):
    first = fit.anova(type=1).set_index("term")["statistic"]
    other = table_of("y ~ x + b + a + a:b + (x | g)", data, type=1).set_index("term")["statistic"]
    assert abs(other["a"] / first["a"] - 1) > 1e-3
    np.testing.assert_allclose(other["a:b"], first["a:b"], rtol=SAME)


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_units_do_not_matter(fit, data, kind):
    other = table_of(MODEL, data.assign(x=data["x"] * 1e6, y=data["y"] * 1e-3), type=kind)
    expected = fit.anova(type=kind)
    assert_same(other, expected)
    np.testing.assert_allclose(other["sum_sq"], 1e-6 * expected["sum_sq"], rtol=10 * SAME)


def test_factors_on_numbers_and_expressions_are_factors(data):
    numbered = data.assign(k=data["a"].map({"p": 1, "q": 2, "r": 3}), positive=data["z"] > 5)
    numbered["sign"] = np.where(numbered["positive"], "yes", "no")
    found = table_of("y ~ C(k) * C(z > 5) + (1 | g)", numbered)
    expected = table_of("y ~ a * sign + (1 | g)", numbered)
    assert_same(found, expected)
    assert_same(table_of("y ~ a * positive + (1 | g)", numbered), expected)


# -- what they are ---------------------------------------------------------------------------------
def test_type_three_compares_unweighted_means_of_cells(fit, data):
    """By contrasts of a model with one coefficient for each cell."""
    cells = mlm.lmer("y ~ 0 + a:b + x + (x | g)", data)
    weights = {name: np.zeros(7) for name in "pqr"}
    for j, name in enumerate(cells.coef_names):
        for level in "pqr":
            weights[level][j] = 0.5 * name.startswith(f"a[{level}]")
    L = [weights["q"] - weights["p"], weights["r"] - weights["p"]]
    test = cells.contrasts(np.array(L), joint=True).iloc[0]
    row = fit.anova().iloc[0]
    for column in ("statistic", "df"):
        assert row[column] == pytest.approx(test[column], rel=SAME)
    assert row["df_residual"] == pytest.approx(test["df_residual"], rel=SPAN)
    assert row["hypothesis"] == "equal means of a, levels of b weighted equally"


def test_types_agree_where_terms_stand_alone(data):
    """In a model without interactions types II and III are one; the last term has one test."""
    formula = "y ~ a + b + x + (1 | g)"
    assert_same(table_of(formula, data, type=2), table_of(formula, data, type=3))
    first, second = (table_of(formula, data, type=kind).iloc[[-1]] for kind in (1, 2))
    assert_same(first, second)


def test_one_degree_of_freedom_is_the_square_of_t(fit):
    row = fit.anova().set_index("term").loc["x"]
    t = fit.tidy(effects="fixed").set_index("term").loc["x"]
    assert row["statistic"] == pytest.approx(t["statistic"] ** 2, rel=1e-9)
    assert row["df_residual"] == pytest.approx(t["df"], rel=1e-9)
    assert row["p_value"] == pytest.approx(t["p_value"], rel=1e-9)


def test_mean_squares(fit):
    table = fit.anova()
    np.testing.assert_allclose(table["mean_sq"], table["statistic"] * fit.sigma**2)
    np.testing.assert_allclose(table["sum_sq"], table["mean_sq"] * table["df"])


def test_without_random_effects_it_is_the_analysis_of_variance(data):
    """Sums of squares add up, in type I, to those of the model."""
    fit = mlm.lmer("y ~ a * b + x", data)
    table = fit.anova(type=1)
    residual = fit.sigma**2 * (len(data) - 7)
    total = ((data["y"] - data["y"].mean()) ** 2).sum()
    assert table["sum_sq"].sum() == pytest.approx(total - residual, rel=1e-10)
    np.testing.assert_allclose(table["df_residual"], len(data) - 7)


def test_options_of_tests_are_honoured(fit):
    for options in ({"df_method": "between-within"}, {"robust": "CR2"}, {"robust": "CR0"}):
        row = fit.anova(**options).set_index("term").loc["x"]
        t = fit.tidy(effects="fixed", **options).set_index("term").loc["x"]
        assert row["statistic"] == pytest.approx(t["statistic"] ** 2, rel=1e-9)
        assert row["df_residual"] == pytest.approx(t["df"], rel=1e-6)


@pytest.mark.parametrize(
    ("formula", "kind", "words"),
    [
        ("y ~ a * x + (1 | g)", 3, ["equal means of a, at x = 0",
                                   "zero slope of x, levels of a weighted equally",
                                   "equal slopes of x across a"]),
        ("y ~ a * x + (1 | g)", 2, ["equal means of a, at x = 0",
                                   "zero slope of x, a:x ignored",
                                   "equal slopes of x across a"]),
        ("y ~ x * z + (1 | g)", 3, ["zero slope of x, at z = 0", "zero slope of z, at x = 0",
                                   "no interaction of x and z"]),
        ("y ~ 0 + a + (1 | g)", 3, ["zero means in all levels of a"]),
        ("y ~ a:b + (1 | g)", 3, ["equal means in all levels of a by b"]),
        ("y ~ poly(x, 2) + (1 | g)", 1, ["zero coefficients of poly(x, 2)"]),
    ],
)  # fmt: skip
def test_hypotheses_in_words(data, formula, kind, words):
    assert table_of(formula, data, type=kind)["hypothesis"].tolist() == words


# -- awkward models --------------------------------------------------------------------------------
@pytest.mark.parametrize("formula", ["y ~ 1 + (1 | g)", "y ~ 0 + (1 | g)"])
def test_without_terms_there_is_nothing_to_test(data, formula):
    fit = mlm.lmer(formula, data)
    assert len(fit.anova()) == len(fit.drop1()) == len(fit.drop1(test="lrt")) == 0
    assert "hypothesis" in fit.anova()


def test_empty_cells(data):
    """What is estimable is tested, in any coding, and said."""
    holes = data[~((data["a"] == "q") & (data["b"] == "v"))]
    with pytest.warns(RankDeficientWarning):
        table = table_of("y ~ a * b + x + (1 | g)", holes)
    assert table["df"].tolist() == [2, 1, 1, 1]
    assert table["hypothesis"].tolist() == [
        "equal means of a, as far as estimable: cells of a:b are empty",
        "equal means of b, as far as estimable: cells of a:b are empty",
        "zero slope of x",
        "no interaction of a and b (estimable part: 1 of 2 df)",
    ]
    with pytest.warns(RankDeficientWarning):
        coded = table_of("y ~ C(a, contr.sum) * C(b, contr.sum) + x + (1 | g)", holes)
    assert_same(coded, table)
    with pytest.warns(RankDeficientWarning):
        moved = table_of("y ~ a * b + x + (1 | g)", holes.assign(a=holes["a"].replace({"p": "z"})))
    assert_same(moved, table, ("df", "statistic"))


def test_collinear_terms(data):
    with pytest.warns(RankDeficientWarning):
        fit = mlm.lmer("y ~ x + twice + a + (1 | g)", data.assign(twice=2 * data["x"]))
    table = fit.anova()
    assert table["df"].tolist() == [0, 0, 2]
    assert table["statistic"].isna().tolist() == [True, True, False]
    assert table["hypothesis"][0] == "nothing: the data do not tell this term from others"
    assert fit.anova(type=1)["df"].tolist() == [1, 0, 2]
    assert_same(table.iloc[[2]], table_of("y ~ x + a + (1 | g)", data).iloc[[1]])
    dropped = fit.drop1(test="lrt")
    assert dropped["statistic"].tolist()[:2] == [0.0, 0.0]
    assert dropped["p_value"].isna().tolist() == [True, True, False]


def test_one_level(data):
    with pytest.warns(RankDeficientWarning, match="one level: only"):
        table = table_of("y ~ one + x + (1 | g)", data)
    assert table["df"].tolist() == [0, 1]
    assert_same(table.iloc[[1]], table_of("y ~ x + (1 | g)", data))


@pytest.mark.parametrize("method", ["satterthwaite", "kenward-roger"])
def test_singular_fits_are_answered(data, method):
    """By the model without what is zero."""
    fit = mlm.lmer("noise ~ a + x + (1 | g)", data)
    assert fit.is_singular
    table = fit.anova(df_method=method)
    assert_same(table, mlm.lmer("noise ~ a + x", data).anova(), rtol=1e-5)


def test_rows_and_weights(data):
    """Missing rows count as absent; a weight of two is two rows to the hypotheses of type III."""
    gaps = data.assign(x=data["x"].where(data.index % 7 > 0))
    with pytest.warns(mlm.exceptions.MissingValuesWarning):
        found = table_of(MODEL, gaps, type=2)
    assert_same(found, table_of(MODEL, gaps.dropna(), type=2))
    weighted = mlm.lmer("y ~ a * b + (1 | g)", data, weights="w")
    cells = mlm.lmer("y ~ 0 + a:b + (1 | g)", data, weights="w")
    L = [(-1.0) ** name.endswith("b[v]") for name in cells.coef_names]
    row = weighted.anova().set_index("term").loc["b"]
    expected = cells.contrasts([L]).iloc[0]
    assert row["statistic"] == pytest.approx(expected["statistic"] ** 2, rel=SAME)


@pytest.mark.parametrize("kind", ["polars", "dict"])
def test_the_callers_frame(fit, data, kind):
    given = pl.from_pandas(data) if kind == "polars" else data.to_dict("list")
    other = mlm.lmer(MODEL, given)
    for table, expected in [
        (other.anova(), fit.anova()),
        (other.drop1(), fit.drop1()),
        (other.ranova(), fit.ranova()),
        (other.contrasts({"q": {"a[T.q]": 1}}), fit.contrasts({"q": {"a[T.q]": 1}})),
    ]:
        assert isinstance(table, pl.DataFrame if kind == "polars" else pd.DataFrame)
        assert_same(table, expected, ("df", "statistic", "p_value"))


# -- dropped terms ---------------------------------------------------------------------------------
def test_drop1_compares_with_models_without_the_term(data):
    """On the rows of the fit, whatever the smaller formula could use."""
    gaps = data.assign(b=data["b"].where(data.index % 9 > 0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = mlm.lmer("y ~ a * x + b + (1 | g)", gaps)
    table = fit.drop1(test="lrt")
    assert table["term"].tolist() == ["b", "a:x"]
    kept = gaps.dropna()
    for i, formula in enumerate(["y ~ a * x + (1 | g)", "y ~ a + x + b + (1 | g)"]):
        small = mlm.lmer(formula, kept, reml=False)
        assert table["loglik"][i] == pytest.approx(small.loglik, abs=1e-7)
        assert table["aic"][i] == pytest.approx(small.aic, abs=1e-7)
        row = mlm.anova(small, fit).iloc[1]
        for column in ("statistic", "df", "p_value"):
            assert table[column][i] == pytest.approx(row[column], rel=1e-5)


def test_drop1_by_f_is_the_test_of_what_is_lost(fit):
    table = fit.drop1().set_index("term")
    assert table.index.tolist() == ["x", "a:b"]
    expected = fit.anova(type=2).set_index("term").loc[["x", "a:b"]]
    assert_same(table, expected)
    robust = fit.drop1(df_method="kenward-roger").set_index("term")
    assert_same(
        robust, fit.anova(type=2, df_method="kenward-roger").set_index("term").loc[["x", "a:b"]]
    )


def test_drop1_keeps_weights_and_offsets(data):
    options = {"weights": "w", "offset": "z", "reml": False}
    fit = mlm.lmer("y ~ x + a + (1 | g)", data, **options)
    small = mlm.lmer("y ~ x + (1 | g)", data, **options)
    row = fit.drop1(test="lrt").set_index("term").loc["a"]
    assert row["statistic"] == pytest.approx(small.deviance - fit.deviance, rel=1e-7)


# -- bad input -------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", [0, 4, "3", "III", None])
def test_other_types(fit, kind):
    with pytest.raises(ValueError, match=f"type={kind!r} is not an option; choose one of 1, 2, 3"):
        fit.anova(type=kind)


@pytest.mark.parametrize(
    "coding",
    [
        "C(a, contr.custom(np.array([[1], [0], [-1]])))",  # one contrast of three levels
        "C(a, contr.custom(np.array([[1, 2], [1, 2], [-1, 0]])))",  # two levels alike
    ],
)
def test_contrasts_that_leave_differences_out(data, coding):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RankDeficientWarning)
        fit = mlm.lmer(f"y ~ {coding} + (1 | g)", data)
    with pytest.raises(NotSupportedError, match="leave out differences between levels in C"):
        fit.anova()
    with pytest.raises(NotSupportedError, match="as many contrasts as the factor has levels"):
        fit.drop1(test="lrt")


def test_contrasts_beside_the_formula_that_leave_differences_out(data):
    fit = mlm.lmer("y ~ a + (1 | g)", data, contrasts={"a": np.array([[1], [0], [-1]])})
    with pytest.raises(NotSupportedError, match="leave out differences between levels in a,"):
        fit.anova()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"df_method": "kr"}, "df_method='kr' is not an option; choose one of 'satterthwaite'"),
        ({"robust": "HC1"}, "robust='HC1' is not an option"),
        ({"robust": "CR2", "df_method": "residual"}, "give robust= or df_method=, not both"),
        ({"cluster": "g"}, "needs the kind of robust covariance matrix"),
        ({"robust": "CR2", "cluster": "school"}, "neither a grouping factor of the model nor"),
    ],
)
def test_bad_options(fit, options, message):
    with pytest.raises(ValueError, match=message):
        fit.anova(**options)


def test_bad_options_of_drop1(fit):
    with pytest.raises(ValueError, match="test='chisq' is not an option; choose one of 'f', 'lrt'"):
        fit.drop1(test="chisq")
    with pytest.raises(ValueError, match="df_method is for F tests; leave it out with test='lrt'"):
        fit.drop1(test="lrt", df_method="residual")
