"""Bad input: one clear error each, which says what, where, and what to do."""

import datetime

import numpy as np
import pandas as pd
import pytest

from multilevel.design.build import build_design
from multilevel.exceptions import DataError, FormulaError, MissingValuesWarning, NotSupportedError

N = 40


def data(**columns):
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "x": rng.normal(size=N),
            "z": rng.exponential(size=N),
            "k": rng.integers(1, 4, N),
            "f": np.resize(["a", "b", "c"], N),
            "g": np.resize(["u", "v", "w", "q"], N),
            "row": np.arange(N),
            "one": "same",
            "when": [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=i) for i in range(N)],
            "flag": np.arange(N) % 2 == 0,
        }
        | columns
    )


def put(name, rows, value):
    frame = data()
    frame.loc[rows, name] = value
    return frame


BASE = "y ~ x + (1 | g)"

CASES = {
    # names
    "unknown fixed column": ("y ~ nope + (1 | g)", {}, DataError, "no column 'nope'"),
    "close name": ("y ~ flog + (1 | g)", {}, DataError, "'flog' in the data. Did you mean 'flag'"),
    "unknown in a call": ("y ~ log(nope) + (1 | g)", {}, DataError, "no column 'nope'"),
    "unknown group": ("y ~ x + (1 | nope)", {}, DataError, "no column 'nope'"),
    "unknown slope": ("y ~ x + (nope | g)", {}, DataError, "no column 'nope'"),
    "unknown response": ("nope ~ x + (1 | g)", {}, DataError, "no column 'nope'"),
    "unknown weights": (BASE, {"weights": "nope"}, DataError, "no column 'nope'"),
    "unknown offset": ("y ~ x + offset(nope) + (1 | g)", {}, DataError, "no column 'nope'"),
    "misspelt function": (
        "y ~ x + lgo(z) + (1 | g)",
        {},
        FormulaError,
        r"no function 'lgo'\. Did you mean log .*\n    y ~ x \+ lgo\(z\) .*\n            \^\^\^$",
    ),
    "misspelt numpy function": ("y ~ np.lgo(z) + (1 | g)", {}, FormulaError, "no attribute 'lgo'"),
    "column called": ("y ~ x(z) + (1 | g)", {}, FormulaError, "'x' is a column of the data, not"),
    "R's function": ("y ~ pmin(x, z) + (1 | g)", {}, FormulaError, r"write minimum\(a, b\)"),
    # expressions
    "log of negative numbers": (
        "y ~ log(x) + (1 | g)",
        {},
        DataError,
        r"`log\(x\)` is not a finite number in rows .* and \d+ more",
    ),
    "log of zero": (
        "y ~ log(row) + (1 | g)",
        {},
        DataError,
        r"`log\(row\)` is not a finite number in row 0\.",
    ),
    "log of zero in the response": (
        "log(row) ~ x + (1 | g)",
        {},
        DataError,
        r"`log\(row\)` is not a finite number in row 0\.",
    ),
    "log of zero in a slope": (
        "y ~ x + (log(row) | g)",
        {},
        DataError,
        r"`log\(row\)` is not a finite number in row 0\.",
    ),
    "log of zero in an offset": (
        "y ~ x + offset(log(row)) + (1 | g)",
        {},
        DataError,
        r"`log\(row\)` is not a finite number in row 0\.",
    ),
    "division by zero": ("y ~ I(x / row) + (1 | g)", {}, DataError, r"`I\(x / row\)` is not a fin"),
    "lag": ("y ~ lag(x) + (1 | g)", {}, DataError, r"`lag\(x\)` is not a finite number in row 0"),
    "scale of a constant": ("y ~ scale(I(0 * x)) + (1 | g)", {}, DataError, "not a finite number"),
    "log of text": ("y ~ log(f) + (1 | g)", {}, FormulaError, r"`log\(f\)` cannot be computed"),
    "wrong option": ("y ~ bs(x, dff=3) + (1 | g)", {}, FormulaError, "unexpected keyword"),
    "too few knots": ("y ~ bs(x, df=2) + (1 | g)", {}, FormulaError, "must be greater than 3"),
    "wrong length": ("y ~ I([1, 2]) + (1 | g)", {}, FormulaError, "cannot be computed"),
    "degree": ("y ~ poly(k, 3) + (1 | g)", {}, DataError, "degree must be less than the number of"),
    "foreign levels": ("y ~ C(k, levels=[1, 2]) + (1 | g)", {}, DataError, "the data hold others"),
    # response
    "constant": ("one_y ~ x + (1 | g)", {"one_y": 3.0}, DataError, r"'one_y' is constant \(3 in"),
    "constant expression": ("I(0 * y) ~ x + (1 | g)", {}, DataError, r"'I\(0 \* y\)' is constant"),
    "text": ("f ~ x + (1 | g)", {}, DataError, "response 'f' is not numeric; convert it to num"),
    "boolean": ("flag ~ x + (1 | g)", {}, DataError, "'flag' holds true/false values.*0 and 1"),
    "boolean expression": ("I(y > 0) ~ x + (1 | g)", {}, DataError, r"`I\(y>0\)` must be one colu"),
    "dates": ("when ~ x + (1 | g)", {}, DataError, "dates or times.*days since the start"),
    "two columns": (
        "poly(y, 2) ~ x + (1 | g)",
        {},
        DataError,
        "one column of numbers, but gi",
    ),
    "as predictor": ("y ~ x + y + (1 | g)", {}, DataError, "response 'y' is also a predictor"),
    "as slope": ("y ~ x + (y | g)", {}, DataError, "response 'y' is also a predictor"),
    "as group": ("row ~ x + (1 | row)", {}, DataError, "response 'row' is also a grouping factor"),
    "cbind": ("cbind(k, row) ~ x + (1 | g)", {}, NotSupportedError, "binomial"),
    # predictors
    "date predictor": ("y ~ when + (1 | g)", {}, DataError, "'when' holds dates.*days since"),
    "date in a call": ("y ~ I(when * 2) + (1 | g)", {}, DataError, "'when' holds dates"),
    "text offset": ("y ~ x + offset(f) + (1 | g)", {}, DataError, "offset 'f' is not numeric"),
    # grouping factors
    "one level": ("y ~ x + (1 | one)", {}, DataError, r"'one' has only one level \(same\).*Leave"),
    "level per row": (
        "y ~ x + (1 | row)",
        {},
        DataError,
        "'row' has 40 levels for 40 rows: with one row per level the random effects of",
    ),
    "level per row, independent": ("y ~ x + (x || row)", {}, DataError, "40 levels for 40 rows"),
    "too many effects": (
        "y ~ x + (C(row % 10) | g)",
        {},
        DataError,
        r"more random effects than observations allow: 10 for each of 4 levels of 'g' make 40",
    ),
    "too many independent indicators": (
        "y ~ x + (0 + C(row % 10) || g)",
        {},
        DataError,
        "more random effects than observations allow",
    ),
    "fractional group": ("y ~ x + (1 | z)", {}, DataError, "'z' cannot be a grouping factor"),
    "dependent slopes": (
        "y ~ x + (x + I(2 * x) | g)",
        {},
        DataError,
        r"In \(1 \+ x \+ I\(2\*x\) \| g\), 'I\(2 \* x\)' is a linear combination",
    ),
    # fixed effects
    "more columns than rows": (
        "y ~ C(row) + (1 | g)",
        {},
        DataError,
        "40 fixed effects for 40",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_says_what_is_wrong(case):
    formula, extra, error, message = case
    arguments = {key: extra[key] for key in ("weights", "offset") if key in extra}
    columns = {key: value for key, value in extra.items() if key not in arguments}
    with pytest.raises(error, match=message):
        build_design(formula, data(**columns), **arguments)


@pytest.mark.parametrize("column", ["y", "x"])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_values_are_not_missing(column, value):
    with pytest.raises(DataError, match=rf"Column '{column}' is infinite in rows 3, 9\."):
        build_design(BASE, put(column, [3, 9], value))


def test_infinities_of_both_signs_and_huge_sums():
    frame = put("x", [3, 9], np.inf)
    frame.loc[9, "x"] = -np.inf
    with pytest.raises(DataError, match=r"infinite in rows 3, 9\."):
        build_design(BASE, frame)
    frame["x"] = np.where(np.arange(N) % 2, 1e308, 1.7e308)
    assert build_design(BASE, frame).matrices.X[0, 1] == 1.7e308


def test_rows_of_an_error_are_rows_of_the_data():
    """Also when rows before them have missing values."""
    frame = put("x", [0, 1], np.nan)
    frame.loc[5, "z"] = 0.0
    with (
        pytest.warns(MissingValuesWarning),
        pytest.raises(DataError, match=r"`log\(z\)` is not a finite number in row 5\."),
    ):
        build_design("y ~ x + log(z) + (1 | g)", frame)
    frame.loc[6, "x"] = np.inf
    with pytest.raises(DataError, match=r"infinite in row 6\."):
        build_design(BASE, frame)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (-1.0, r"weights must be positive and finite, but are not in row 3 \(first: -1\)"),
        (np.inf, r"weights must be positive and finite, but are not in row 3 \(first: inf\)"),
        (0.0, r"weights are zero in row 3; drop these rows from the data"),
    ],
)
def test_weights_must_be_positive(value, message):
    weights = np.ones(N)
    weights[3] = value
    with pytest.raises(DataError, match=message):
        build_design(BASE, data(), weights=weights)
    with pytest.raises(DataError, match=message):
        build_design(BASE, data(w=weights), weights="w")


def test_offset_must_be_finite():
    offset = np.zeros(N)
    offset[[2, 4]] = np.inf
    with pytest.raises(DataError, match=r"The offset is not finite in rows 2, 4\."):
        build_design(BASE, data(), offset=offset)


@pytest.mark.parametrize("argument", ["weights", "offset"])
def test_vectors_must_fit_the_data(argument):
    with pytest.raises(DataError, match=f"{argument} has 39 values, but the data have 40 rows"):
        build_design(BASE, data(), **{argument: np.ones(N - 1)})
    with pytest.raises(DataError, match="index does not match"):
        build_design(BASE, data(), **{argument: pd.Series(np.ones(N), index=range(5, N + 5))})


def test_all_rows_missing():
    for column in ("y", "x", "g"):
        frame = data(**{column: [None] * N}).astype({column: object if column == "g" else float})
        with pytest.raises(DataError, match=rf"Every row has a missing value.*{column} \(40\)"):
            build_design(BASE, frame)


def test_a_level_that_formulaic_would_lose_in_silence():
    frame = data(f=np.resize(["__a", "b", "c"], N))
    with pytest.raises(DataError, match="Level '__a' of column 'f' starts with two underscores"):
        build_design("y ~ C(f) + (1 | g)", frame)
    assert build_design("y ~ f + (1 | g)", frame).matrices.coef_names[1:] == ("f[T.b]", "f[T.c]")


def test_context_that_is_shadowed():
    frame = data().rename(columns={"x": "log"})
    with pytest.raises(FormulaError, match="'log' is both a column of the data and a function"):
        build_design("y ~ log + log(z) + (1 | g)", frame)


def test_independent_slopes_need_fewer_rows_than_correlated_ones():
    """(x || g) has two effects per level, each told apart by the values of x, as in lme4."""
    frame = data(g2=np.arange(N) // 2)
    assert build_design("y ~ x + (x || g2)", frame).matrices.factors[0].n_levels == 20
    with pytest.raises(DataError, match="2 for each of 20 levels of 'g2' make 40"):
        build_design("y ~ x + (x | g2)", frame)


def test_warnings_of_numpy_do_not_surface():
    """An invalid value is reported by our error alone (warnings are errors in these tests)."""
    with pytest.raises(DataError, match="not a finite number"):
        build_design("y ~ sqrt(x) + (1 | g)", data())


def test_product_that_overflows():
    frame = data().assign(x=lambda d: d["x"] * 1e200, z=lambda d: d["z"] * 1e200)
    for formula in ("y ~ x:z + (1 | g)", "y ~ (0 + x:z | g)"):
        with pytest.raises(DataError, match="The product x:z is too large"):
            build_design(formula, frame)
