"""Bad and awkward inputs of the guided analysis, and what each of them gives.

Every case ends in a clear error, or in a coded note of step 1. The documentation's table is made
from this list, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from multilevel.exceptions import DataError, NotSupportedError
from multilevel.workflow.analysis import Analysis

if TYPE_CHECKING:
    from multilevel.report.document import Note

N = 200
ODD = np.arange(N) % 2 == 1
DAYS = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N) % 10, unit="D")
NUMBERED = ("wl1", "wl2", "wl3", "se1", "se2", "se3")
WIDE = pd.DataFrame({name: np.arange(30.0) ** int(name[-1]) for name in NUMBERED})


def clean() -> pd.DataFrame:
    """Make 20 groups of 10 rows; x varies within them, z does not."""
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "y": rng.normal(size=N),
            "g": np.repeat([f"s{i}" for i in range(20)], 10),
            "x": rng.normal(size=N),
            "z": np.repeat(rng.normal(size=20), 10),
        }
    )


@dataclass(frozen=True)
class Asked:
    """Data, arguments of ``analyze`` beside ``outcome="y", groups="g"``, and what comes of them.

    ``raises`` is the class of the error, ``says`` a part of its message; or ``code`` is that of
    the note which says it.
    """

    what: str
    data: Any
    says: str
    arguments: dict[str, Any] = field(default_factory=dict)
    raises: type[Exception] | None = DataError
    code: str = ""

    def run(self) -> dict[str, Note]:
        """Notes of step 1 by code."""
        arguments = {"outcome": "y", "groups": "g"} | self.arguments
        return {note.code: note for note in Analysis(self.data, **arguments).structure.notes}


def noted(what: str, data: Any, code: str, says: str, **arguments: Any) -> Asked:
    return Asked(what, data, says, arguments, None, code)


def comma(values: Any) -> list[str]:
    """Numbers as text with decimal commas."""
    return [f"{value:.2f}".replace(".", ",") for value in values]


D = clean()
WRONG = D.assign(z=np.where(np.arange(N) == 3, 9.0, D.z))
CLASSES = D.assign(c=np.tile(np.repeat([1, 2], 5), 20))

GROUPS = [
    Asked("group constant", D.assign(g="a"), "'g' is constant: all rows are in one group"),
    Asked("group unique in every row", D.assign(g=range(N)), "'g' is different in every row"),
    Asked("wide data, grouped by the unit", WIDE.assign(id=range(30)),
          "make the data long first: multilevel.wide_to_long(data, ['wl', 'se'])",
          {"outcome": "wl1", "groups": "id"}),
    noted("wide data, otherwise grouped", WIDE.assign(g=np.arange(30) % 5), "STRUCT-WIDE",
          "multilevel.wide_to_long(data, ['wl', 'se'])", outcome="wl1"),
    Asked("measured numbers as groups", D, "'x' holds measured numbers (such as ",
          {"groups": "x"}),
    Asked("no such group", D, "There is no column 'class'", {"groups": "g/class"}),
    Asked("groups called as results call rows", D.rename(columns={"g": "rows"}),
          "cannot be called 'rows': results call the lowest level so; rename", {"groups": "rows"}),
    Asked("a name missing", D, "a name is missing beside / or + in 'g/'", {"groups": "g/"}),
    Asked("no groups", D, "groups is empty: name the column", {"groups": []}),
    Asked("two names of the same groups", D.assign(h=D.g), "'g' and 'h' group the rows alike",
          {"groups": ["g", "h"]}),
    Asked("one group left by missing values", D.assign(x=np.where(D.g == "s1", D.x, np.nan)),
          "all rows that are left without missing values are in one group", {"level1": "x"}),
    noted("class 1 and 2 in every group", CLASSES, "STRUCT-IDREUSE",
          "The 2 labels of `c` are used again", groups=["g", "c"]),
    noted("missing ids that became text", D.assign(g=D.g.replace("s3", "nan")),
          "STRUCT-MISSINGCODE", "has the label 'nan', which is taken as a name like others"),
    noted("three groups", D.assign(g=np.arange(N) % 3), "STRUCT-FEWGROUPS",
          "too few to estimate how much groups differ"),
    noted("eight groups", D.assign(g=np.arange(N) % 8), "STRUCT-FEWGROUPS",
          "better taken as fixed effects"),
    noted("few groups of many rows", D.assign(g=np.arange(N) % 3), "STRUCT-FEWSEGMENTS",
          "such as segments of customers"),
    noted("groups of one row, mostly", D.assign(g=[*range(150), *([150] * 50)]),
          "STRUCT-SINGLETON", "have a single row"),
]  # fmt: skip

OUTCOMES = [
    Asked("no such outcome", D, "Did you mean 'y'?", {"outcome": "Y"}),
    Asked("the outcome itself, not its name", D, "must be the name of a column", {"outcome": 3}),
    Asked("two values", D.assign(y=(D.y > 0) * 1), "needs a generalised multilevel model",
          raises=NotSupportedError),
    Asked("true or false", D.assign(y=D.y > 0), "a logistic one", raises=NotSupportedError),
    Asked("categories", D.assign(y=pd.Categorical(D.g.str[-1])), "'y' has 10 categories",
          raises=NotSupportedError),
    noted("counts", D.assign(y=np.arange(N) * 7 % 11 // 3), "STRUCT-COUNT",
          "whole numbers from 0 to 3"),
    Asked("text with decimal commas", D.assign(y=comma(D.y)),
          'data[\'y\'].str.replace(",", ".").astype(float)'),
    Asked("separators of thousands", D.assign(y=[f"{v * 1e6:,.2f}" for v in D.y]),
          "take separators of thousands, signs of money and per cent out"),
    Asked("signs of per cent", D.assign(y=[f"{v:.2f}%" for v in D.y]), "with other signs ('-0.0"),
    Asked("commas that may be of thousands", D.assign(y=[f"{1000 + i:,}" for i in range(N)]),
          "If these separate thousands: data['y'].str.replace(\",\", \"\").astype(float)"),
    Asked("dates as text", D.assign(y=DAYS.astype(str)),
          "days = pandas.to_datetime(data['y']); (days - days.min()).dt.days"),
    Asked("numbers as text", D.assign(y=[f"{v:.2f}" for v in D.y]), "data['y'].astype(float)"),
    Asked("numbers and words", D.assign(y=["n/d", *map(str, D.y[1:])]),
          "Most of it is numbers, but not 'n/d'"),
    Asked("dates", D.assign(y=DAYS), "holds dates or times (datetime64"),
    Asked("constant", D.assign(y=1.0), "is 1 in all rows: nothing varies"),
    Asked("constant in groups", D.assign(y=D.z), "it describes groups, not rows. Keep one row"),
    Asked("numbers and words as objects", D.assign(y=["n/d", *D.y[1:]]),
          "Make it a column of one kind: pandas.to_numeric(data['y']"),
    Asked("too large", D.assign(y=D.y * 1e200), "beyond what can be squared and summed: divide"),
    Asked("too small", D.assign(y=D.y * 1e-200), "beyond what can be squared and summed: divide"),
    Asked("far from zero", D.assign(y=D.y + 1e12), "differ in their last digits only: subtract"),
    Asked("infinite", D.assign(y=np.where(ODD, np.inf, D.y)), "infinite values; make them missing"),
]  # fmt: skip

TIMES = [
    Asked("time as dates", D.assign(t=DAYS), "(data['t'] - data['t'].min()).dt.days",
          {"time": "t"}),
    Asked("time as words", D.assign(t=[f"w{i % 10}" for i in range(N)]), "Number the occasions",
          {"time": "t"}),
    Asked("time as text", D.assign(t=comma(D.x)), "numbers with decimal commas", {"time": "t"}),
    Asked("time that does not pass", D.assign(t=np.arange(N) // 10 % 4),
          "'t' is the same in all rows of each group of 'g'", {"time": "t"}),
    Asked("time true or false", D.assign(t=ODD), "data['t'].astype(int) is 0 and 1",
          {"time": "t"}),
    Asked("a list as time", D, "time must be the name of a column; got ['x']", {"time": ["x"]}),
    Asked("a single time", D.assign(t=1), "'t' has the same value in all rows", {"time": "t"}),
    noted("a unit twice at a time", D.assign(t=np.maximum(np.arange(N) % 10, 1)), "STRUCT-DUPID",
          "20 of 180 combinations of `g` and `t` have more than one row", time="t"),
]  # fmt: skip

PREDICTORS = [
    noted("group predictor that varies within groups", D, "STRUCT-CONSTANT",
          "varies within 20 of 20 groups of `g` (`s0`, `s1`", level2="x"),
    noted("group predictor with a wrong entry", WRONG, "STRUCT-CONSTANT",
          "varies within 1 of 20 groups of `g` (`s0`)", level2="z"),
    noted("row predictor that never varies within groups", D, "STRUCT-MOVED",
          "treated as a predictor of groups of `g`", level1="z"),
    Asked("numbers with decimal commas", D.assign(x=comma(D.x)), "numbers with decimal commas",
          {"level1": "x"}),
    Asked("a different word in every row", D.assign(x=[f"p{i}" for i in range(N)]),
          "If it names groups, put it in groups", {"level1": "x"}),
    Asked("constant", D.assign(x=1), "'x' has the same value in all rows", {"level1": "x"}),
    Asked("too large", D.assign(x=D.x * 1e200), "Column 'x' has values from", {"level1": "x"}),
    Asked("the same numbers twice", D.assign(v=D.x), "'x' and 'v' hold the same values",
          {"level1": ["x", "v"]}),
    Asked("a name twice", pd.concat([D, D[["x"]]], axis=1), "duplicate column names: 'x'",
          {"level1": "x"}),
    Asked("the outcome as a predictor", D, "cannot be a predictor, too", {"level1": "y"}),
    Asked("the groups as a predictor", D, "'g' is a grouping factor", {"level1": "g"}),
    Asked("a predictor in two places", D, "is in level1 and in level2",
          {"level1": "x", "level2": "x"}),
    Asked("slope of what is no predictor", D, "random: 'x' is no predictor", {"random": "x"}),
    Asked("slope in what are no groups", D, "'h' in 'x | h' names no groups; there are: 'g'",
          {"level1": "x", "random": "x | h"}),
    Asked("product of a predictor with itself", D, "is a predictor with itself; name two",
          {"level1": "x", "interactions": "x:x"}),
    Asked("combinations as in a formula", D, "Write 'g/h' for groups inside groups",
          {"groups": "g:h"}),
    Asked("random part as in a formula", D, "'1' is a part of a formula; name predictors",
          {"level1": "x", "random": "1 | school"}),
    Asked("product with what is no predictor", D, "interactions: 'z' is no predictor",
          {"level1": "x", "interactions": ["x:z"]}),
]  # fmt: skip

ROWS = [
    Asked("nothing but missing values", D.assign(x=np.nan), "Missing values per column: 'x' (200)",
          {"level1": "x"}),
    Asked("every row misses something",
          D.assign(x=np.where(ODD, np.nan, D.x), z=np.where(ODD, D.z, np.nan)),
          "Missing values per column: 'x' (100), 'z' (100)", {"level1": ["x", "z"]}),
    noted("labels in two spellings", D.assign(g=D.g.where(ODD, D.g.str.upper() + " ")),
          "STRUCT-LABELS", "spaces or capitals only ('S0 ' and 's0', 'S1 ' and 's1'"),
    noted("words among few numbers", D.assign(x=np.where(ODD, "1", np.where(D.x > 1, "?", "2"))),
          "STRUCT-TEXTNUMBER", "Most of it is numbers, but not '?'", level1="x"),
    noted("some missing values", D.assign(x=np.where(np.arange(N) < 30, np.nan, D.x)),
          "STRUCT-MISSING", "30 rows (15.0%) are left out", level1="x"),
    noted("rows entered twice", pd.concat([D, D.iloc[:3]]), "STRUCT-DUPID",
          "3 rows repeat another row in all 4 columns", level1="x"),
    Asked("weights as an array", D, "weights must be the name of a column; got array([1., 1.",
          {"weights": np.ones(3)}),
    Asked("the outcome as weights", D, "cannot be the weights, too", {"weights": "y"}),
    Asked("units as a list", D, 'units must be a dict such as {"Days": "day"}', {"units": ["ms"]}),
    Asked("numbers as names of columns", {0: [1.0, 2.0]}, "have names that are no text"),
    Asked("negative weights", D.assign(w=-1.0), "must be positive numbers", {"weights": "w"}),
    Asked("backquotes in a name", D.rename(columns={"x": "x`s"}),
          "'x`s' has a backquote, which formulas put around names; rename", {"level1": "x`s"}),
    Asked("negative seed", D, "must be a whole number from 0 up; got -1", {"rng": -1}),
    Asked("no table", [1, 2], "data must be a data frame"),
]  # fmt: skip

ANALYSES = {
    "Guided analysis: groups": GROUPS,
    "Guided analysis: outcome": OUTCOMES,
    "Guided analysis: time": TIMES,
    "Guided analysis: predictors": PREDICTORS,
    "Guided analysis: rows": ROWS,
}
