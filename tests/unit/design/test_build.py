"""From formula and data to arrays: roads, kinds of columns, kinds of frames, missing values."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.design.build import build_design
from multilevel.exceptions import DataError, MissingValuesWarning, RankDeficientWarning


def data(n=60, seed=3):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "y": rng.normal(size=n),
            "x": rng.normal(size=n),
            "k": rng.integers(1, 4, n),
            "t": rng.exponential(size=n) + 0.1,
            "flag": rng.permutation(np.arange(n) % 2) == 0,
            "f": rng.permutation(np.resize(["lo", "mid", "hi"], n)),
            "g": np.resize(["u", "v", "w", "q"], n),
            "h": np.repeat([10, 20, 30], n // 3),
            "w": rng.uniform(0.5, 2, n),
            "my x": rng.normal(size=n),
        }
    )


def names(formula, frame=None, **arguments):
    return build_design(
        formula, data() if frame is None else frame, **arguments
    ).matrices.coef_names


# --- columns and their names -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("fixed", "expected"),
    [
        ("x", "Intercept x"),
        ("0 + x + k:x", "x k:x"),
        ("f", "Intercept f[T.lo] f[T.mid]"),
        ("0 + f", "f[hi] f[lo] f[mid]"),
        ("flag", "Intercept flag[T.True]"),
        ("0 + flag", "flag[False] flag[True]"),
        ("x:flag", "Intercept x:flag[False] x:flag[True]"),
        ("C(k)", "Intercept C(k)[T.2] C(k)[T.3]"),
        ("log(t)", "Intercept log(t)"),
    ],
)
def test_coefficients_carry_levels(fixed, expected):
    assert names(f"y ~ {fixed} + (1 | g)") == tuple(expected.split())


def test_expressions_keep_their_text():
    assert names("y ~ poly(x,2) + `my x` + I(k==2) + (1 | g)") == (
        "Intercept",
        "poly(x, 2)[1]",
        "poly(x, 2)[2]",
        "my x",
        "I(k == 2)[T.True]",
    )


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("log(t)", np.log),
        ("log10(t)", np.log10),
        ("log2(t)", np.log2),
        ("log1p(t)", np.log1p),
        ("exp(t)", np.exp),
        ("exp10(t)", lambda t: 10.0**t),
        ("expm1(t)", np.expm1),
        ("sqrt(t)", np.sqrt),
        ("abs(t)", np.abs),
        ("sin(t)", np.sin),
        ("cos(t)", np.cos),
        ("tanh(t)", np.tanh),
        ("floor(t)", np.floor),
        ("round(t)", np.round),
        ("np.arctan2(t, 2)", lambda t: np.arctan2(t, 2)),
        ("minimum(t, 1)", lambda t: np.minimum(t, 1)),
        ("where(t > 1, t, 0)", lambda t: np.where(t > 1, t, 0)),
        ("I(t**2 / 3)", lambda t: t**2 / 3),
        ("{t - 1}", lambda t: t - 1),
        ("double(t)", lambda t: 2 * t),
    ],
)
def test_functions_by_their_bare_names(call, value):
    frame = data()
    context = {"double": lambda v: 2 * v}
    X = build_design(f"y ~ {call} + (1 | g)", frame, context=context).matrices.X
    np.testing.assert_allclose(X[:, 1], value(frame["t"].to_numpy()), rtol=1e-14)


def test_column_named_like_a_function_is_a_column():
    frame = data().rename(columns={"x": "log"})
    assert names("y ~ log + (1 | g)", frame) == ("Intercept", "log")
    assert names("y ~ log(t) + (1 | g)", frame) == ("Intercept", "log(t)")


def test_unused_categories_have_no_column_and_leave_a_note():
    frame = data()
    levels = ["lo", "zz", "mid", "hi"]
    frame["f"] = pd.Categorical(frame["f"], categories=levels, ordered=True)
    design = build_design("y ~ f + (1 | g)", frame)
    assert design.matrices.coef_names == ("Intercept", "f[T.mid]", "f[T.hi]")
    assert design.notes == ("'f': 1 category does not occur in the rows used.",)


def test_level_lost_with_missing_rows():
    frame = data()
    frame.loc[frame["f"] == "mid", "x"] = np.nan
    frame.loc[frame["g"] == "q", "x"] = np.nan
    with pytest.warns(MissingValuesWarning):
        matrices = build_design("y ~ x + f + (1 | g) + (1 | g:h)", frame).matrices
    assert matrices.coef_names == ("Intercept", "x", "f[T.lo]")
    assert matrices.factors[0].levels.tolist() == ["u", "v", "w"]
    for factor in matrices.factors:
        np.testing.assert_array_equal(np.unique(factor.codes), range(factor.n_levels))


# --- contrasts -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "label"), [("sum", "f[S.hi]"), ("sas", "f[T.hi]"), ("helmert", "f[H.lo]")]
)
def test_contrasts_by_word(word, label):
    assert label in names("y ~ x*f + (f | g)", contrasts={"f": word})


def test_contrasts_as_matrix_and_dict():
    matrix = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    design = build_design("y ~ f + (1 | g)", data(), contrasts={"f": matrix})
    assert design.matrices.coef_names == ("Intercept", "f[1]", "f[2]")
    codes = data()["f"].map({"hi": 0, "lo": 1, "mid": 2}).to_numpy()
    np.testing.assert_array_equal(design.matrices.X[:, 1:], matrix[codes])
    named = {"early": matrix[:, 0], "late": matrix[:, 1]}
    assert names("y ~ f + (1 | g)", contrasts={"f": named})[1:] == ("f[early]", "f[late]")


def test_factor_coded_in_full_ignores_a_contrast_matrix():
    """As in R: without an intercept the first factor has a column per level."""
    matrix = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    for formula, contrasts, context in [
        ("y ~ 0 + f + (1 | g)", {"f": matrix}, None),
        ("y ~ 0 + C(f, matrix) + (1 | g)", None, {"matrix": matrix}),
    ]:
        X = build_design(formula, data(), contrasts=contrasts, context=context).matrices.X
        np.testing.assert_array_equal(X.sum(axis=1), np.ones(60))
        assert X.shape == (60, 3)


def test_contrasts_inside_the_formula():
    assert names("y ~ C(f, contr.sum) + (1 | g)") == (
        "Intercept",
        "C(f, contr.sum)[S.hi]",
        "C(f, contr.sum)[S.lo]",
    )


@pytest.mark.parametrize(
    ("contrasts", "error", "message"),
    [
        ({"f": "sums"}, ValueError, r"contrasts\['f'\]='sums' is not an option; choose one of"),
        ({"q": "sum"}, DataError, "contrasts names 'q', which the formula does not use"),
        ({"x": "sum"}, DataError, r"'x' is numeric and has no contrasts; write C\(x, contr.sum\)"),
        ({"f": np.eye(4)[:, :3]}, DataError, "have 4 rows, but there are 3 levels: hi, lo, mid"),
        ({"f": 3.0}, DataError, "must be a matrix"),
    ],
)
def test_wrong_contrasts(contrasts, error, message):
    with pytest.raises(error, match=message):
        build_design("y ~ x + f + (1 | g)", data(), contrasts=contrasts)


# --- random terms ----------------------------------------------------------------------------


def test_random_intercept_is_a_broadcast_one():
    term = build_design("y ~ x + (1 | g)", data()).matrices.terms[0]
    assert term.z.shape == (60, 1)
    assert term.z.strides[0] == 0
    assert not term.z.flags.writeable
    assert (term.z == 1.0).all()
    assert term.names == ("Intercept",)


def test_columns_are_shared_where_they_coincide():
    matrices = build_design("y ~ x + (x | g) + (1 + x | h)", data()).matrices
    assert matrices.terms[0].z is matrices.X
    assert matrices.terms[1].z is matrices.X
    matrices = build_design("y ~ log(t) + (log(t) | g)", data()).matrices
    assert matrices.terms[0].z is matrices.X


def test_response_is_not_copied():
    frame = {name: column.to_numpy() for name, column in data().items()}
    assert build_design("y ~ x + (1 | g)", frame).matrices.y is frame["y"]


def test_factors_are_distinct_and_terms_in_order():
    matrices = build_design("y ~ x + (0 + x | h) + (1 | g/h) + (1 | h)", data()).matrices
    assert [f.name for f in matrices.factors] == ["h", "g", "g:h"]
    assert [t.factor for t in matrices.terms] == [0, 1, 2, 0]
    assert [t.label for t in matrices.terms] == [
        "(0 + x | h)",
        "(1 | g)",
        "(1 | g:h)",
        "(1 | h)",
    ]
    assert matrices.factors[0].levels.tolist() == [10, 20, 30]
    assert matrices.factors[2].columns == ("g", "h")
    assert matrices.factors[2].levels[0] == "q:10"


def test_factor_slopes():
    matrices = build_design("y ~ x + (f | g) + (0 + f || h)", data()).matrices
    assert matrices.terms[0].names == ("Intercept", "f[T.lo]", "f[T.mid]")
    assert matrices.terms[0].covariance == "unstructured"
    assert matrices.terms[1].names == ("f[hi]", "f[lo]", "f[mid]")
    assert matrices.terms[1].covariance == "independent"


def test_no_random_term_is_said():
    design = build_design("y ~ x", data())
    assert design.matrices.terms == ()
    assert design.notes == ("There is no random-effects term: this is ordinary least squares.",)


def test_no_fixed_effect_at_all():
    matrices = build_design("y ~ 0 + (1 | g)", data()).matrices
    assert matrices.X.shape == (60, 0)
    assert matrices.coef_names == ()


# --- frames ----------------------------------------------------------------------------------

FORMULAS = [
    "y ~ x*f + (x | g)",
    "log(t) ~ C(k)*flag + poly(x, 2) + (f || g) + (1 | g:h)",
    "y ~ x + offset(log(t)) + (0 + flag | h)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_kind_of_frame_gives_the_same_matrices(formula):
    frame = data()
    kinds = [
        frame.sample(frac=1, random_state=1).sort_index(),
        frame.set_index(np.repeat([0], len(frame))),
        frame.astype({"f": "category", "g": "category", "k": "Int64", "x": "Float64"}),
        pl.from_pandas(frame),
        pl.from_pandas(frame).with_columns(pl.col("f").cast(pl.Categorical)),
        pa.Table.from_pandas(frame),
        {name: column.to_numpy() for name, column in frame.items()},
        {name: column.tolist() for name, column in frame.items()},
    ]
    base = build_design(formula, frame, weights="w").matrices
    for other in kinds:
        matrices = build_design(formula, other, weights="w").matrices
        assert matrices.coef_names == base.coef_names
        for name in ("y", "X", "weights"):
            np.testing.assert_array_equal(getattr(matrices, name), getattr(base, name))
        for ours, theirs in zip(matrices.terms, base.terms, strict=True):
            assert ours.names == theirs.names
            np.testing.assert_array_equal(ours.z, theirs.z)
        for ours, theirs in zip(matrices.factors, base.factors, strict=True):
            np.testing.assert_array_equal(ours.codes, theirs.codes)
            assert ours.levels.tolist() == theirs.levels.tolist()
        if base.offset is not None:
            np.testing.assert_array_equal(matrices.offset, base.offset)


def test_order_of_rows_is_the_order_of_the_data():
    frame = data()
    order = np.random.default_rng(1).permutation(60)
    base = build_design("y ~ bs(x, df=4) + f + (x | g)", frame).matrices
    moved = build_design("y ~ bs(x, df=4) + f + (x | g)", frame.iloc[order]).matrices
    np.testing.assert_allclose(moved.X, base.X[order], rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(moved.factors[0].codes, base.factors[0].codes[order])


# --- missing values --------------------------------------------------------------------------


def with_gaps():
    frame = data()
    frame.loc[[1, 2], "y"] = np.nan
    frame.loc[[2, 3, 4], "x"] = np.nan
    frame.loc[5, "g"] = None
    frame.loc[6, "w"] = np.nan
    frame.loc[7, "k"] = np.nan  # not used below
    return frame


def test_rows_are_dropped_once_and_counted_per_column():
    message = (
        r"^6 of 60 rows have missing values\. Missing values per column: "
        r"y \(2\), x \(3\), g \(1\), weights \(1\)\. The model is fitted to the other 54\.$"
    )
    with pytest.warns(MissingValuesWarning, match=message) as caught:
        design = build_design("y ~ scale(x) + (1 | g)", with_gaps(), weights="w")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert design.dropped == {"y": 2, "x": 3, "g": 1, "weights": 1}
    kept = np.setdiff1d(np.arange(60), [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(design.rows, kept)
    frame = with_gaps().iloc[kept]
    clean = build_design("y ~ scale(x) + (1 | g)", frame, weights="w").matrices
    np.testing.assert_array_equal(design.matrices.X, clean.X)
    np.testing.assert_array_equal(design.matrices.y, clean.y)
    np.testing.assert_array_equal(design.matrices.weights, clean.weights)
    np.testing.assert_array_equal(design.matrices.factors[0].codes, clean.factors[0].codes)


def test_missing_values_can_be_refused():
    with pytest.raises(DataError, match=r"5 of 60 rows have missing values.*x \(3\).*na_action"):
        build_design("y ~ x + (1 | g)", with_gaps(), na_action="raise")
    with pytest.raises(ValueError, match="na_action='omit' is not an option"):
        build_design("y ~ x + (1 | g)", with_gaps(), na_action="omit")


def test_missing_value_in_an_array_of_weights_or_offset_drops_the_row():
    weights, offset = np.ones(60), np.zeros(60)
    weights[3], offset[4] = np.nan, np.nan
    with pytest.warns(MissingValuesWarning, match=r"2 of 60.*weights \(1\), offset \(1\)"):
        design = build_design("y ~ x + (1 | g)", data(), weights=weights, offset=offset)
    assert design.matrices.n_rows == 58


def test_nothing_missing():
    design = build_design("y ~ x + (1 | g)", data())
    assert design.rows is None
    assert design.dropped == {}
    assert design.notes == ()


# --- offset, weights, rank -------------------------------------------------------------------


def test_offsets_add_up():
    frame = data()
    design = build_design("y ~ x + offset(t) + offset(log(t)) + (1 | g)", frame, offset="w")
    t, w = frame["t"].to_numpy(), frame["w"].to_numpy()
    np.testing.assert_allclose(design.matrices.offset, t + np.log(t) + w, rtol=1e-14)


def test_weights_of_a_shuffled_series_go_by_index():
    frame = data()
    shuffled = frame["w"].sample(frac=1, random_state=2)
    matrices = build_design("y ~ x + (1 | g)", frame, weights=shuffled).matrices
    np.testing.assert_array_equal(matrices.weights, frame["w"])


def test_dropped_columns_are_named_once():
    frame = data().assign(twice=lambda d: 2 * d["x"], two=2.0, only="a")
    message = r"linear combination of others: two, twice, only \(one level: a\)\.$"
    with pytest.warns(RankDeficientWarning, match=message) as caught:
        design = build_design("y ~ x + two + only + twice + k + (1 | g)", frame)
    assert len(caught) == 1
    matrices = design.matrices
    assert matrices.coef_names == ("Intercept", "x", "two", "twice", "k")
    np.testing.assert_array_equal(matrices.kept, [0, 1, 4])
    assert matrices.X.shape == (60, 3)
    assert matrices.X.flags.c_contiguous
    assert any("only" in note for note in design.notes)


# --- state -----------------------------------------------------------------------------------


@pytest.mark.parametrize("formula", FORMULAS)
def test_spec_pickles_without_the_data(formula):
    small = pickle.dumps(build_design(formula, data()).spec)
    large = pickle.dumps(build_design(formula, data(6000)).spec)
    assert abs(len(large) - len(small)) < 200


def test_calls_do_not_share_state():
    """Formulas are remembered, what was learned from data is not."""
    first = build_design("y ~ poly(x, 2) + (1 | g)", data())
    other = build_design("y ~ poly(x, 2) + (1 | g)", data(seed=9))
    again = build_design("y ~ poly(x, 2) + (1 | g)", data())
    np.testing.assert_array_equal(first.matrices.X, again.matrices.X)
    assert not np.allclose(first.matrices.X, other.matrices.X)


def test_column_named_intercept_is_a_column():
    frame = data().rename(columns={"x": "Intercept"})
    matrices = build_design("y ~ 0 + Intercept + t + (0 + Intercept + t | g)", frame).matrices
    assert matrices.coef_names == ("Intercept", "t")
    np.testing.assert_array_equal(matrices.kept, [0, 1])


def test_boolean_column_with_contrasts_and_in_expressions():
    assert names("y ~ flag + (1 | g)", contrasts={"flag": "sum"})[1] == "flag[S.False]"
    X = build_design("y ~ I(1 - flag) + (1 | g)", data()).matrices.X
    np.testing.assert_array_equal(X[:, 1], 1.0 - data()["flag"])


def test_contrasts_of_a_column_that_stands_in_expressions_too():
    design = build_design("y ~ f + I(f == 'lo'):x + (1 | g)", data(), contrasts={"f": "sum"})
    assert "f[S.hi]" in design.matrices.coef_names
    assert "I(f == 'lo')[False]:x" in design.matrices.coef_names
    explicit = names("y ~ C(f, contr.treatment('mid')) + (1 | g)", contrasts={"f": "sum"})
    assert explicit[1] == "C(f, contr.treatment('mid'))[T.hi]"
