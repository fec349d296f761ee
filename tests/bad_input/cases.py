"""Bad and awkward inputs, and what each of them gives.

Every case ends in one of three ways: a clear error, one named warning, or the right fit with a note
where there is something to know. The documentation's table is made from this list
(``python docs/bad_input/generate.py``).
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa

import multilevel as mlm
from bad_input.frame import N_ROWS, clean, number_of_group, spoil
from multilevel.exceptions import (
    ConvergenceWarning,
    DataError,
    FormulaError,
    MissingValuesWarning,
    NotSupportedError,
    RankDeficientWarning,
)

if TYPE_CHECKING:
    from collections.abc import Callable

FORMULA = "y ~ x + (1 | g)"


@dataclass(frozen=True)
class Case:
    """An input and its outcome.

    ``raises`` or ``warns`` is the class of the error or of the only warning, ``says`` a part of its
    message, or of a note of the fit. ``rows`` is the number of rows fitted, ``same`` whether the
    fit is that of the clean data. ``then`` is done with the fit.
    """

    section: str
    what: str
    formula: Any = FORMULA
    data: Callable[[], Any] = clean
    arguments: Callable[[], dict[str, Any]] = field(default=dict)
    raises: type[Exception] | None = None
    warns: type[Warning] | None = None
    says: str = ""
    rows: int = N_ROWS
    same: bool = False
    then: Callable[[Any], Any] | None = None

    def run(self) -> Any:
        """Fit, and do what follows."""
        fit = mlm.lmer(self.formula, self.data(), **self.arguments())
        return fit if self.then is None else self.then(fit)


def changed(**columns: Any) -> Callable[[], pd.DataFrame]:
    """Clean data with columns replaced or added; functions get the data."""
    return lambda: clean().assign(**columns)


def units() -> pd.DataFrame:
    return clean().assign(g=[f"u{i}" for i in range(N_ROWS)])


def shuffled() -> pd.Series:
    return clean()["w"].sample(frac=1.0, random_state=1)


def twice(name: str) -> pd.DataFrame:
    data = clean()
    return pd.concat([data, data[[name]]], axis=1)


def wide() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    extra = {f"a{i}": rng.standard_normal(10) for i in range(12)}
    return clean().head(10).assign(**extra)


S = "Missing and infinite values"
MISSING = [
    Case(S, "NaN in the response", data=lambda: spoil("y", np.nan), warns=MissingValuesWarning,
         says="2 of 300 rows have missing values. Missing values per column: y (2)", rows=298),
    Case(S, "NaN in a predictor", data=lambda: spoil("x", np.nan), warns=MissingValuesWarning,
         says="x (2)", rows=298),
    Case(S, "None in a grouping factor", data=lambda: spoil("g", None),
         warns=MissingValuesWarning, says="g (2)", rows=298),
    Case(S, "NaN in weights", data=lambda: spoil("w", np.nan), arguments=lambda: {"weights": "w"},
         warns=MissingValuesWarning, says="weights (2)", rows=298),
    Case(S, "NaN in an offset", data=lambda: spoil("w", np.nan), arguments=lambda: {"offset": "w"},
         warns=MissingValuesWarning, says="offset (2)", rows=298),
    Case(S, "NaN in a column that is not used", data=lambda: spoil("z", np.nan), same=True),
    Case(S, "missing values, `na_action='raise'`", data=lambda: spoil("x", np.nan),
         arguments=lambda: {"na_action": "raise"}, raises=DataError,
         says="na_action='drop' fits the model to the other rows"),
    Case(S, "infinite response", data=lambda: spoil("y", np.inf), raises=DataError,
         says="Column 'y' is infinite in rows 3, 7"),
    Case(S, "infinite predictor", data=lambda: spoil("x", -np.inf), raises=DataError,
         says="Column 'x' is infinite in rows 3, 7"),
    Case(S, "`log` of negative numbers", "y ~ log(x) + (1 | g)", raises=DataError,
         says="`log(x)` is not a finite number in rows"),
    Case(S, "`log` of a negative response", "log(y) ~ x + (1 | g)", raises=DataError,
         says="`log(y)` is not a finite number in rows"),
    Case(S, "division by zero", "y ~ I(1 / k) + (1 | g)", changed(k=range(N_ROWS)),
         raises=DataError, says="`I(1 / k)` is not a finite number in row 0"),
    Case(S, "a column of missing values only", data=changed(x=np.nan), raises=DataError,
         says="Every row has a missing value. Missing values per column: x (300)"),
]  # fmt: skip

S = "Grouping factors"
GROUPS = [
    Case(S, "one level", data=changed(g="a"), raises=DataError,
         says="Grouping factor 'g' has only one level (a)"),
    Case(S, "as many levels as rows", data=units, raises=DataError,
         says="cannot be told from the residuals"),
    Case(S, "as many levels as rows, slopes", "y ~ x + (x | g)", units, raises=DataError,
         says="cannot be told from the residuals"),
    Case(S, "more random effects than rows", "y ~ x + (x + z + f | g)",
         lambda: clean().head(40).assign(g=[f"u{i // 2}" for i in range(40)]), raises=DataError,
         says="5 for each of 20 levels of 'g' make 100, and there are 40 rows"),
    Case(S, "two levels, no variance between them", data=changed(g=lambda d: d["z"] > 0),
         says="The fit is singular: the variance of Intercept in g is zero."),
    Case(S, "constant random slope", "y ~ x + (k | g)", changed(k=2.0), raises=DataError,
         says="'k' is a linear combination of the columns before it"),
    Case(S, "collinear random slopes", "y ~ x + (x + x2 | g)", changed(x2=lambda d: 2 * d["x"]),
         raises=DataError, says="'x2' is a linear combination of the columns before it"),
    Case(S, "the same term twice", "y ~ x + (1 | g) + (1 | g)", raises=FormulaError,
         says="The random-effects term (1 | g) appears twice."),
    Case(S, "the response as a grouping factor", "y ~ x + (1 | y)", raises=DataError,
         says="The response 'y' is also a grouping factor."),
    Case(S, "measured numbers as a grouping factor", data=changed(g=lambda d: d["z"]),
         raises=DataError, says="it holds numbers that are not whole (first: "),
    Case(S, "whole numbers", data=lambda: clean().assign(g=number_of_group), same=True),
    Case(S, "whole numbers as floats",
         data=lambda: clean().assign(g=lambda d: number_of_group(d).astype(float)), same=True),
    Case(S, "dates", same=True, data=lambda: clean().assign(
        g=lambda d: datetime.datetime(2020, 1, 1) + pd.to_timedelta(number_of_group(d), unit="D"))),
    Case(S, "categories that do not occur", same=True, says="'g': 1 category does not occur",
         data=changed(g=lambda d: pd.Categorical(d["g"], [*sorted(set(d["g"])), "zz"]))),
]  # fmt: skip

S = "Predictors and response"
COLUMNS = [
    Case(S, "unknown predictor", "y ~ x + nope + (1 | g)", raises=DataError,
         says="There is no column 'nope' in the data. Columns: y, x, z, f, g, h, w."),
    Case(S, "unknown grouping factor", "y ~ x + (1 | nope)", raises=DataError,
         says="There is no column 'nope'"),
    Case(S, "unknown response", "nope ~ x + (1 | g)", raises=DataError,
         says="There is no column 'nope'"),
    Case(S, "misspelt column", "y ~ Z + (1 | g)", raises=DataError, says="Did you mean 'z'?"),
    Case(S, "collinear predictors", "y ~ x + x2 + (1 | g)", changed(x2=lambda d: 2 * d["x"]),
         warns=RankDeficientWarning, says="linear combination of others: x2", same=True),
    Case(S, "constant predictor", "y ~ x + k + (1 | g)", changed(k=3.0),
         warns=RankDeficientWarning, says="linear combination of others: k", same=True),
    Case(S, "factor with one level", "y ~ x + k + (1 | g)", changed(k="a"),
         warns=RankDeficientWarning, says="k (one level: a)", same=True),
    Case(S, "factor with a category that does not occur", "y ~ f + (1 | g)",
         changed(f=lambda d: pd.Categorical(d["f"], list("abcd"))),
         says="'f': 1 category does not occur in the rows used."),
    Case(S, "more predictors than rows",
         "y ~ " + " + ".join(f"a{i}" for i in range(12)) + " + (1 | g)", wide, raises=DataError,
         says="a model needs more rows than fixed effects"),
    Case(S, "dates as a predictor", data=changed(x=pd.date_range("2020-01-01", periods=N_ROWS)),
         raises=DataError, says="Column 'x' holds dates or times"),
    Case(S, "complex numbers", data=changed(x=lambda d: d["x"] + 1j), raises=DataError,
         says="neither numbers, text, categories nor dates (complex128)"),
    Case(S, "numbers and text mixed",
         data=changed(x=lambda d: pd.Series([1, "a"] * 150, dtype=object)),
         raises=DataError, says="neither numbers, text, categories nor dates (int and str"),
    Case(S, "true/false predictor", data=changed(x=lambda d: d["z"] > 0)),
    Case(S, "constant response", data=changed(y=1.0), raises=DataError,
         says="The response 'y' is constant (1 in all 300 rows that are used)"),
    Case(S, "text as response", "f ~ x + (1 | g)", raises=DataError,
         says="The response 'f' is not numeric"),
    Case(S, "true/false response", data=changed(y=lambda d: d["y"] > 1), raises=DataError,
         says="The response 'y' holds true/false values"),
    Case(S, "response of missing values only", data=changed(y=np.nan), raises=DataError,
         says="Every row has a missing value. Missing values per column: y (300)"),
    Case(S, "response among the predictors", "y ~ y + (1 | g)", raises=DataError,
         says="The response 'y' is also a predictor."),
    Case(S, "response computed from a predictor", data=changed(y=lambda d: 2 * d["x"]),
         raises=DataError, says="The fixed effects reproduce the response exactly"),
    Case(S, "response without residual",
         data=changed(y=lambda d: 2 * d["x"] + number_of_group(d)), warns=ConvergenceWarning,
         says="The optimiser stopped after"),
    Case(S, "response times 1e9", data=changed(y=lambda d: 1e9 * d["y"])),
    Case(S, "predictor near 2e9", data=changed(x=lambda d: 2e9 + 1e6 * d["x"])),
]  # fmt: skip

S = "Weights, offset and options"
OPTIONS = [
    Case(S, "negative weights", data=lambda: spoil("w", -1.0), arguments=lambda: {"weights": "w"},
         raises=DataError, says="weights must be positive and finite, but are not in rows 3, 7"),
    Case(S, "zero weights", data=lambda: spoil("w", 0.0), arguments=lambda: {"weights": "w"},
         raises=DataError, says="weights are zero in rows 3, 7; drop these rows"),
    Case(S, "infinite weights", data=lambda: spoil("w", np.inf),
         arguments=lambda: {"weights": "w"}, raises=DataError,
         says="weights must be positive and finite"),
    Case(S, "weights of another length", arguments=lambda: {"weights": np.ones(299)},
         raises=DataError, says="weights has 299 values, but the data have 300 rows."),
    Case(S, "text as weights", arguments=lambda: {"weights": "f"}, raises=DataError,
         says="weights must be numbers, but column 'f' holds text"),
    Case(S, "unknown column of weights", arguments=lambda: {"weights": "nope"}, raises=DataError,
         says="There is no column 'nope'"),
    Case(S, "weights as a Series in another order (matched by its index)",
         arguments=lambda: {"weights": shuffled()}),
    Case(S, "weights as a Series with another index",
         arguments=lambda: {"weights": clean()["w"].set_axis(range(1000, 1300))},
         raises=DataError, says="a Series whose index does not match that of the data"),
    Case(S, "offset of another length", arguments=lambda: {"offset": np.ones(5)},
         raises=DataError, says="offset has 5 values, but the data have 300 rows."),
    Case(S, "a word for `reml`", arguments=lambda: {"reml": "ML"}, raises=ValueError,
         says="reml must be True or False; got 'ML'. Use reml=False for maximum likelihood."),
    Case(S, "a number for `control`", arguments=lambda: {"control": 3}, raises=DataError,
         says="control must be a multilevel.Control; got 3."),
    Case(S, "grouping factor in the fixed part, too", formula="y ~ g + (1 | g)", raises=DataError,
         says="the fixed effects already include every level of 'g'"),
    Case(S, "enormous response", data=lambda: clean().assign(y=clean()["y"] * 1e200),
         raises=DataError, says="its squares leave the range of floating-point numbers"),
    Case(S, "unknown option word", arguments=lambda: {"na_action": "omit"}, raises=ValueError,
         says="na_action='omit' is not an option; choose one of 'drop', 'raise'."),
    Case(S, "unknown contrasts", "y ~ f + (1 | g)", arguments=lambda: {"contrasts": {"f": "sums"}},
         raises=ValueError, says="contrasts['f']='sums' is not an option"),
    Case(S, "contrasts of a number", arguments=lambda: {"contrasts": {"x": "sum"}},
         raises=DataError, says="Column 'x' is numeric and has no contrasts"),
    Case(S, "contrasts of a column that is not used", arguments=lambda: {"contrasts": {"q": "sum"}},
         raises=DataError, says="contrasts names 'q', which the formula does not use."),
    Case(S, "start of another length", arguments=lambda: {"start": [1.0, 2.0]}, raises=DataError,
         says="theta must be 1 finite number"),
]  # fmt: skip

S = "Data frames"
FRAMES = [
    Case(S, "no rows", data=lambda: clean().iloc[:0], raises=DataError,
         says="The data have no rows."),
    Case(S, "one row", data=lambda: clean().head(1), raises=DataError, says="'y' is constant"),
    Case(S, "two rows", data=lambda: clean().head(2), raises=DataError,
         says="a model needs more rows than fixed effects"),
    Case(S, "duplicate column names", data=lambda: twice("x"), raises=DataError,
         says="The data have duplicate column names: 'x'."),
    Case(S, "a NumPy array", data=lambda: np.ones((3, 2)), raises=DataError,
         says="data must be a data frame"),
    Case(S, "no data", data=lambda: None, raises=DataError, says="not an object of type NoneType"),
    Case(S, "a lazy frame", data=lambda: pl.from_pandas(clean()).lazy(), raises=DataError,
         says="collect it first"),
    Case(S, "dict with columns of different lengths",
         data=lambda: {**clean().to_dict("list"), "x": [1.0, 2.0]}, raises=DataError,
         says="The columns of the dict have different lengths"),
    Case(S, "dict of lists", data=lambda: clean().to_dict("list"), same=True),
    Case(S, "polars", data=lambda: pl.from_pandas(clean()), same=True),
    Case(S, "polars with null", data=lambda: pl.from_pandas(spoil("x", np.nan)),
         warns=MissingValuesWarning, says="x (2)", rows=298),
    Case(S, "polars Enum with levels that do not occur", same=True,
         data=lambda: pl.from_pandas(clean()).with_columns(
             pl.col("g").cast(pl.Enum([*sorted(set(clean()["g"])), "zz"])))),
    Case(S, "pyarrow", data=lambda: pa.Table.from_pandas(clean()), same=True),
    Case(S, "pandas nullable types",
         data=lambda: spoil("x", np.nan).convert_dtypes(), warns=MissingValuesWarning,
         says="x (2)", rows=298),
    Case(S, "pandas index with duplicates", data=lambda: clean().set_axis([0] * N_ROWS), same=True),
    Case(S, "pandas index of a filtered frame", data=lambda: clean()[clean()["z"] > 0], rows=142),
    Case(S, "column name with a space", "y ~ `my x` + (1 | g)",
         lambda: clean().rename(columns={"x": "my x"}), same=True),
    Case(S, "column name with a dot", "y ~ x.1 + (1 | g)",
         lambda: clean().rename(columns={"x": "x.1"}), same=True),
    Case(S, "column name that is not ASCII", "y ~ größe + (1 | g)",
         lambda: clean().rename(columns={"x": "größe"}), same=True),
    Case(S, "column named like a function", "y ~ log + (1 | g)",
         lambda: clean().rename(columns={"x": "log"}), same=True),
]  # fmt: skip

S = "Formulas"
FORMULAS = [
    Case(S, "not text", 42, raises=FormulaError, says="The formula must be text, not int."),
    Case(S, "empty", "", raises=FormulaError, says="The formula is empty."),
    Case(S, "no `~`", "y + x", raises=FormulaError, says="There is no `~`"),
    Case(S, "two `~`", "y ~ x ~ z", raises=FormulaError, says="There is a second `~`."),
    Case(S, "no response", "~ x + (1 | g)", raises=FormulaError, says="Nothing stands before `~`."),
    Case(S, "nothing after `~`", "y ~ ", raises=FormulaError, says="Nothing follows `~`."),
    Case(S, "unclosed parenthesis", "y ~ (x + (1 | g)", raises=FormulaError,
         says="`(` is never closed."),
    Case(S, "missing bar", "y ~ x + (1 g)", raises=FormulaError, says="cannot be part of a term"),
    Case(S, "nothing right of the bar", "y ~ x + (1 | )", raises=FormulaError,
         says="Nothing stands on the right of the bar."),
    Case(S, "nothing left of the bar", "y ~ x + ( | g)", raises=FormulaError,
         says="Nothing stands on the left of the bar."),
    Case(S, "empty bar", "y ~ x + (|)", raises=FormulaError, says="Nothing stands on the left"),
    Case(S, "three bars", "y ~ x + (1 ||| g)", raises=FormulaError,
         says="A random-effects term has one bar."),
    Case(S, "two bars in one term", "y ~ x + (1 | g | h)", raises=FormulaError,
         says="A random-effects term has one bar."),
    Case(S, "bar without parentheses", "y ~ x + 1 | g", raises=FormulaError,
         says="`|` stands outside parentheses."),
    Case(S, "nested terms", "y ~ x + ((1 | g) | h)", raises=FormulaError,
         says="A random-effects term stands inside another one."),
    Case(S, "no effect in the term", "y ~ x + (0 | g)", raises=FormulaError,
         says="There is no effect on the left of the bar."),
    Case(S, "random term multiplied", "y ~ x * (1 | g)", raises=FormulaError,
         says="can only be added to a formula"),
    Case(S, "random term removed", "y ~ x - (1 | g)", raises=FormulaError,
         says="can only be added to a formula"),
    Case(S, "random term before `~`", "(1 | g) ~ x", raises=FormulaError,
         says="A bar cannot stand before `~`."),
    Case(S, "two grouping factors in one term", "y ~ x + (1 | g + h)", raises=FormulaError,
         says="`+` cannot stand on the right of the bar."),
    Case(S, "function as grouping factor", "y ~ x + (1 | log(w))", raises=FormulaError,
         says="a grouping factor must be one"),
    Case(S, "offset in a random term", "y ~ x + (offset(w) | g)", raises=FormulaError,
         says="An offset cannot vary between groups."),
    Case(S, "misspelt function", "y ~ lgo(w) + (1 | g)", raises=FormulaError,
         says="There is no function 'lgo'. Did you mean log"),
    Case(S, "R: `I(x^2)`", "y ~ I(x^2) + (1 | g)", raises=FormulaError,
         says="R's `I(x^2)` is `I(x**2)` in Python."),
    Case(S, "R: `factor(f)`", "y ~ factor(f) + (1 | g)", raises=FormulaError,
         says="In Python write C(f)."),
    Case(S, "R: `ns(x, 3)`", "y ~ ns(x, 3) + (1 | g)", raises=FormulaError, says="write cr(x, df="),
    Case(S, "R: `TRUE`", "y ~ poly(x, 2, raw = TRUE) + (1 | g)", raises=FormulaError,
         says="In Python write True."),
    Case(S, "R: `d$x`", "y ~ d$x + (1 | g)", raises=FormulaError,
         says="Write the name of the column alone."),
    Case(S, "R: `.` for all columns", "y ~ . + (1 | g)", raises=NotSupportedError,
         says="List the columns"),
    Case(S, "name with a space", "y ~ my x + (1 | g)", raises=FormulaError,
         says="There is no operator between my and x."),
    Case(S, "unknown sign", "y ~ x + § + (1 | g)", raises=FormulaError,
         says="`§` has no meaning in a formula."),
    Case(S, "text as a term", "y ~ 'a' + (1 | g)", raises=FormulaError,
         says="`'a'` cannot stand here."),
    Case(S, "`+` at the end", "y ~ x + ", raises=FormulaError, says="Nothing follows `+`."),
]  # fmt: skip

S = "After the fit"
AFTER = [
    Case(S, "prediction without a column", then=lambda fit: fit.predict(clean()[["g"]]),
         raises=DataError, says="'x'"),
    Case(S, "prediction for a new group", raises=DataError, says="new_levels='population'",
         then=lambda fit: fit.predict(clean().assign(g="new"))),
    Case(S, "prediction for a new level of a predictor", "y ~ f + (1 | g)", raises=DataError,
         says="'q'", then=lambda fit: fit.predict(clean().assign(f="q"))),
    Case(S, "comparison of fits to different rows", raises=DataError,
         says="The fits use different rows",
         then=lambda fit: mlm.anova(fit, mlm.lmer("y ~ 1 + (1 | g)", clean().head(200)))),
    Case(S, "new response of another length", then=lambda fit: fit.refit(np.ones(5)),
         raises=DataError, says="y has 5 values"),
    Case(S, "new response with missing values", raises=DataError,
         says="y has missing or infinite values",
         then=lambda fit: fit.refit(np.full(N_ROWS, np.nan))),
    Case(S, "attribute set", then=lambda fit: setattr(fit, "sigma", 1.0), raises=AttributeError,
         says="A fit does not change"),
]  # fmt: skip

CASES = [*MISSING, *GROUPS, *COLUMNS, *OPTIONS, *FRAMES, *FORMULAS, *AFTER]
