"""New data are coded as the data of the fit were."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from multilevel.design.build import build_design
from multilevel.exceptions import DataError


def data(n=60, seed=3):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "k": rng.integers(1, 4, n),
            "t": rng.exponential(size=n) + 0.1,
            "flag": np.arange(n) % 2 == 0,
            "f": rng.permutation(np.resize(["lo", "mid", "hi"], n)),
            "g": np.resize(["u", "v", "w", "q"], n),
            "h": np.repeat([10, 20, 30], n // 3),
        }
    )


def spec_of(formula, frame=None, **arguments):
    design = build_design(formula, data() if frame is None else frame, **arguments)
    return pickle.loads(pickle.dumps(design.spec)), design.matrices


FIXED = [
    "x*f + flag:x",
    "0 + f:flag",
    "poly(x, 2) + f",
    "bs(x, df=4)*flag",
    "cr(x, df=4, constraints='center')",
    "cc(x, df=4, constraints='center')",
    "scale(x) + center(t) + standardize(I(x * t))",
    "C(k, contr.sum) + I(t > 1)",
    "C(f, contr.helmert)*x",
    "C(f, Treatment('lo'))",
    "log(t) + x:log(t) + np.minimum(x, 0)",
    "I(scale(x)**2)",
    "hashed(f, levels=3):x",
]


@pytest.mark.parametrize("fixed", FIXED)
def test_rows_of_the_fit_are_coded_alike_alone(fixed):
    """A few of its rows, in another order and without all levels, as at the fit."""
    spec, matrices = spec_of(f"y ~ {fixed} + ({fixed} || g) + (1 | g:h)")
    pick = np.array([41, 3, 17])
    rows = spec.new_rows(data().iloc[pick], random=True, response=True)
    np.testing.assert_allclose(rows.X, matrices.X[pick], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(rows.z[0], matrices.terms[0].z[pick], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(rows.z[1], np.ones((3, 1)))
    np.testing.assert_array_equal(rows.y, matrices.y[pick])
    for codes, factor in zip(rows.codes, matrices.factors, strict=True):
        np.testing.assert_array_equal(codes, factor.codes[pick])
    assert not rows.missing.any()
    assert rows.offset is None


def test_new_values_are_scaled_by_the_data_of_the_fit():
    spec, _ = spec_of("y ~ scale(x) + (1 | g)")
    x = data()["x"]
    rows = spec.new_rows({"x": [7.0]}, random=False)
    np.testing.assert_allclose(rows.X, [[1.0, (7.0 - x.mean()) / x.std()]], rtol=1e-12)


def test_contrasts_given_as_argument_are_remembered():
    spec, matrices = spec_of("y ~ f + (1 | g)", contrasts={"f": "sum"})
    np.testing.assert_array_equal(spec.new_rows(data().iloc[:5], random=False).X, matrices.X[:5])


def test_only_what_is_needed_is_read():
    spec, _ = spec_of("y ~ x + (t | g)")
    rows = spec.new_rows({"x": [1.0, 2.0]}, random=False)
    np.testing.assert_array_equal(rows.X, [[1.0, 1.0], [1.0, 2.0]])
    assert rows.z == rows.codes == ()
    assert rows.y is None
    for missing in ("t", "g"):
        columns = {"x": [1.0], "t": [1.0], "g": ["u"]}
        del columns[missing]
        with pytest.raises(DataError, match=f"There is no column '{missing}'"):
            spec.new_rows(columns, random=True)
    with pytest.raises(DataError, match="There is no column 'y'"):
        spec.new_rows({"x": [1.0]}, random=False, response=True)


def test_all_columns_are_built_dropped_ones_included():
    frame = data().assign(twice=lambda d: 2 * d["x"])
    with pytest.warns(UserWarning, match="twice"):
        spec, _ = spec_of("y ~ x + twice + k + (1 | g)", frame)
    rows = spec.new_rows({"x": [1.0], "twice": [5.0], "k": [3]}, random=False)
    np.testing.assert_array_equal(rows.X, [[1.0, 1.0, 5.0, 3.0]])


def test_groups_that_the_fit_has_not_seen_are_minus_one():
    spec, matrices = spec_of("y ~ x + (1 | g/h) + (1 | h)")
    new = {"x": [0.0] * 4, "g": ["u", "new", "v", "u"], "h": [10, 10, 99, 30]}
    rows = spec.new_rows(new, random=True)
    levels = matrices.factors[0].levels.tolist()
    np.testing.assert_array_equal(
        rows.codes[0], [levels.index(g) if g != "new" else -1 for g in new["g"]]
    )
    pairs = matrices.factors[1].levels.tolist()
    np.testing.assert_array_equal(rows.codes[1], [pairs.index("u:10"), -1, -1, pairs.index("u:30")])
    np.testing.assert_array_equal(rows.codes[2], [0, 0, -1, 2])


@pytest.mark.parametrize(
    "labels",
    [[10.0, 30.0, 50.0], np.array([10, 30, 50], dtype=np.int8), pd.Categorical([10, 30, 50])],
    ids=["float", "int8", "categorical"],
)
def test_groups_are_matched_by_value(labels):
    spec, _ = spec_of("y ~ x + (1 | h)")
    rows = spec.new_rows(pd.DataFrame({"x": [0.0] * 3, "h": labels}), random=True)
    np.testing.assert_array_equal(rows.codes[0], [0, 2, -1])


def test_dates_of_another_resolution_are_the_same_groups():
    days = pd.to_datetime(np.resize(["2020-01-01", "2020-02-01", "2020-03-01"], 60))
    spec, _ = spec_of("y ~ x + (1 | day)", data().assign(day=days))
    new = pd.DataFrame({"x": [0.0, 0.0], "day": days[1:3].astype("datetime64[ms]")})
    for frame in (new, pl.from_pandas(new)):
        np.testing.assert_array_equal(spec.new_rows(frame, random=True).codes[0], [1, 2])


@pytest.mark.parametrize("fixed", ["x + f", "scale(x) + C(f)"])
def test_missing_predictors_give_missing_rows(fixed):
    spec, matrices = spec_of(f"y ~ {fixed} + offset(t) + (x | g)")
    frame = data().iloc[:6].copy()
    frame.loc[1, "x"] = np.nan
    frame.loc[2, "f"] = None
    frame.loc[3, "g"] = None
    frame.loc[4, "t"] = np.nan
    rows = spec.new_rows(frame, random=True)
    np.testing.assert_array_equal(rows.missing, [False, True, True, True, True, False])
    assert np.isnan(rows.X[1:5]).all()
    assert np.isnan(rows.z[0][1:5]).all()
    np.testing.assert_allclose(rows.X[[0, 5]], matrices.X[[0, 5]], rtol=1e-12)
    np.testing.assert_allclose(rows.offset[[0, 5]], matrices.offset[[0, 5]])
    population = spec.new_rows(frame, random=False)
    np.testing.assert_array_equal(population.missing, [False, True, True, False, True, False])


@pytest.mark.parametrize("fixed", ["x + f", "scale(x) + C(f)"])
def test_every_row_missing(fixed):
    spec, matrices = spec_of(f"y ~ {fixed} + (1 | g)")
    frame = data().iloc[:2].assign(x=np.nan)
    rows = spec.new_rows(frame, random=False)
    assert rows.X.shape == (2, matrices.X.shape[1])
    assert np.isnan(rows.X).all()


def test_offsets_are_rebuilt():
    spec, _ = spec_of("y ~ x + offset(log(t)) + (1 | g)", offset="k")
    rows = spec.new_rows({"x": [0.0, 1.0], "t": [1.0, np.e], "k": [2, 3]}, random=False)
    np.testing.assert_allclose(rows.offset, [2.0, 4.0])


def test_context_is_kept():
    spec, _ = spec_of("y ~ I(shift + x) + (1 | g)", context={"shift": 3.0})
    np.testing.assert_array_equal(spec.new_rows({"x": [1.0]}, random=False).X, [[1.0, 4.0]])


BAD = {
    "unseen level": ("x + f", {"x": [0.0], "f": ["zz"]}, r"'f' has a level that .*: 'zz'\. .*'hi'"),
    "unseen level in C()": ("C(k)", {"k": [1, 9]}, r"`C\(k\)` has a level .*: 9\. .* 1, 2, 3\."),
    "unseen level in an expression": ("I(f == 'lo')", {"f": ["zz"]}, "not seen: 'zz'"),
    "missing column": ("x + f", {"x": [0.0]}, "There is no column 'f'"),
    "text for numbers": ("x", {"x": ["a"]}, "'x' holds text .*fitted to numbers"),
    "numbers for text": ("f", {"f": [1.0]}, "'f' holds numbers .*fitted to text"),
    "infinite": ("x", {"x": [0.0, np.inf]}, "'x' is infinite in row 1"),
    "outside a function": ("log(t)", {"t": [1.0, -1.0]}, r"`log\(t\)` is not a finite .* in row 1"),
    "outside the knots": ("bs(x, df=4)", {"x": [99.0]}, r"`bs\(x, df=4\)` cannot .*extrapolation"),
    "mean of the new rows": (
        "I(x - np.mean(x))",
        {"x": [1.0, 2.0]},
        r"`I\(x - np\.mean\(x\)\)` depends on all rows.*Use center\(x\)",
    ),
    "order of the rows": ("np.cumsum(x)", {"x": [1.0, 2.0]}, "depends on all rows"),
}


@pytest.mark.parametrize("case", BAD.values(), ids=BAD.keys())
def test_what_cannot_be_coded(case):
    fixed, new, message = case
    spec, _ = spec_of(f"y ~ {fixed} + (1 | g)")
    with pytest.raises(DataError, match=message):
        spec.new_rows(new, random=False)


def test_an_offset_given_as_array_is_lost():
    spec, _ = spec_of("y ~ x + (1 | g)", offset=np.zeros(60))
    with pytest.raises(DataError, match="fitted with an array as offset"):
        spec.new_rows({"x": [1.0]}, random=False)


def test_boolean_column_of_one_value_only():
    spec, matrices = spec_of("y ~ flag*x + (1 | g)")
    rows = spec.new_rows({"flag": [True, True], "x": [2.0, 3.0]}, random=False)
    np.testing.assert_array_equal(rows.X, [[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]])
    assert matrices.coef_names == ("Intercept", "flag[T.True]", "x", "flag[T.True]:x")
