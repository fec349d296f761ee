"""The study: what is asked, and the data as every model of the analysis uses them.

All models have the same rows, so that they can be compared: those without missing values in any
column that is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError, NotSupportedError
from multilevel.frames.emit import add_columns, take, to_frame
from multilevel.frames.reshape import repeated_columns
from multilevel.frames.table import Table
from multilevel.workflow.advice import conversion, one_kind
from multilevel.workflow.fitting import Fitter
from multilevel.workflow.hierarchy import read_hierarchy
from multilevel.workflow.magnitude import check_magnitude
from multilevel.workflow.naming import quoted
from multilevel.workflow.predictors import read_predictors, varying_groups
from multilevel.workflow.request import slope_of
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.typing import Float, Int
    from multilevel.workflow.hierarchy import Factor, Hierarchy
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.request import Request

__all__ = ["Study", "read_study"]

# Correlation from which a predictor is the outcome, rounded.
_SAME = 1.0 - 1e-9


@dataclass(frozen=True, eq=False)
class Study:
    """What is asked, and the data.

    Attributes
    ----------
    request : Request
        The question.
    table : Table
        The user's data, all rows.
    hierarchy : Hierarchy
        Grouping factors, on all rows.
    rows : ndarray of bool, shape (table.n_rows,)
        The rows that all models use.
    data : data frame
        These rows, with the columns that are used and those made for predictors; of the kind of
        the user's data.
    predictors : tuple of Predictor
        In the order in which they were given.
    fitter : Fitter
        Fits models to ``data``, each once, and keeps their warnings.
    seed : int
        Of everything that is simulated.
    """

    request: Request
    table: Table
    hierarchy: Hierarchy
    rows: np.ndarray
    data: Any
    predictors: tuple[Predictor, ...]
    fitter: Fitter
    seed: int

    @property
    def outcome(self) -> str:
        """Name of the outcome."""
        return self.request.outcome

    @property
    def y(self) -> Float:
        """The outcome in the rows that are used, shape (n,)."""
        values: Float = self.table.column(self.outcome).values[self.rows]
        return values

    @property
    def n_rows(self) -> int:
        """Number of rows that are used."""
        return int(self.rows.sum())

    def codes(self, factor: Factor) -> Int:
        """Group of every row that is used, shape (n,)."""
        codes: Int = factor.codes[self.rows]
        return codes

    def n_groups(self, factor: Factor) -> int:
        """Number of groups among the rows that are used."""
        return len(np.unique(self.codes(factor)))

    @property
    def group_words(self) -> dict[str, str]:
        """What groups are called, by the names of grouping factors in models."""
        words = {one.name: the_groups(one.label) for one in self.hierarchy.factors}
        cells = {
            f"{factor}:{one.name}": f"combinations of {many} and {code(one.name)}"
            for factor, many in words.items()
            for one in self.predictors
            if one.kind == "categorical"
        }
        return words | cells

    @property
    def time(self) -> Predictor | None:
        """The predictor that is time, if there is one."""
        return next((p for p in self.predictors if p.stated == "time"), None)

    def predictor(self, name: str) -> Predictor:
        """A predictor by the name of its column in the user's data."""
        return next(p for p in self.predictors if p.name == name)

    def at_level(self, level: int) -> tuple[Predictor, ...]:
        """Predictors of a level, without time; for ``level=2`` those of all groups."""
        chosen = [p for p in self.predictors if p.stated != "time"]
        return tuple(p for p in chosen if (p.level == 1) == (level == 1))

    def formula(self, fixed: list[str], random: str) -> str:
        """``outcome ~ 1 + fixed + random``; without random effects if ``random`` is empty."""
        right = " + ".join(["1", *fixed, *([random] if random else [])])
        return f"{quoted(self.outcome)} ~ {right}"

    def frame(self, columns: Mapping[str, Any]) -> Any:
        """A table of results of the kind of the user's data."""
        return to_frame(columns, self.table)


def read_study(table: Table, request: Request, seed: int) -> Study:
    """Read the data for a request.

    Raises
    ------
    DataError
        For an outcome, groups or predictors that cannot be what they were said to be.
    NotSupportedError
        For an outcome with two values.
    """
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise DataError(f"rng (--seed) must be a whole number from 0 up; got {seed!r}.")
    hierarchy = _named_apart(read_hierarchy(table, request.groups, request.outcome), request)
    _check_slopes(request, hierarchy)
    rows = _complete(table, request, hierarchy)
    _check_outcome(table, request.outcome, rows)
    _check_groups(table, hierarchy, rows)
    _check_inside(table, request.outcome, hierarchy, rows)
    if request.weights:
        _check_weights(table, request.weights, rows)
    _refuse_groups(request.predictors, hierarchy)
    _check_predictors(table, request, rows)
    if request.time:
        _check_time(table, request.time, hierarchy, rows)
    predictors = read_predictors(table, request, hierarchy, rows)
    used = [request.outcome, *request.predictors]
    used += [name for factor in hierarchy.factors for name in factor.columns]
    used += [request.weights] if request.weights else []
    data = take(table, list(dict.fromkeys(used)), rows)
    made = {name: x for predictor in predictors for name, x in predictor.columns.items()}
    if made:
        data = add_columns(Table.from_data(data), made)
    return Study(
        request=request,
        table=table,
        hierarchy=hierarchy,
        rows=rows,
        data=data,
        predictors=predictors,
        fitter=Fitter(data, request.weights),
        seed=seed,
    )


def _complete(table: Table, request: Request, hierarchy: Hierarchy) -> np.ndarray:
    rows = np.ones(table.n_rows, dtype=bool)
    names = [request.outcome, *request.predictors, *([request.weights] if request.weights else [])]
    names += [name for factor in hierarchy.factors for name in factor.columns]
    for name in names:
        missing = table.column(name).missing
        if missing is not None:
            rows &= ~missing
    for factor in hierarchy.factors:
        rows &= factor.codes >= 0
    if not rows.any():
        counts = [
            f"{name!r} ({int(gone.sum()):,})"
            for name in names
            if (gone := table.column(name).missing) is not None
        ]
        raise DataError(
            f"None of the {table.n_rows:,} rows has values in all columns that are used: there is "
            f"nothing to analyse. Missing values per column: {', '.join(counts)}. Leave out the "
            "columns that are missing most."
        )
    return rows


def _check_outcome(table: Table, name: str, rows: np.ndarray) -> None:
    column = table.column(name)
    two = not column.is_numeric and column.kind in ("text", "categorical")
    if two or column.kind == "boolean":
        n_values = len(np.unique(column.codes[rows]))
        values = f"{n_values} categories" if n_values != 2 else "two values only"
        if n_values > 2 and column.kind == "text":
            advice = conversion(column) or (
                "Convert it to numbers if that is what it means; an outcome of categories cannot "
                "be analysed yet."
            )
            raise DataError(f"The outcome {name!r} holds {column.describe()}. {advice}")
    elif column.kind != "numeric":
        advice = f" {one_kind(column)}" if column.kind == "other" else ""
        raise DataError(f"The outcome {name!r} holds {column.describe()}, not numbers.{advice}")
    else:
        y = column.values[rows]
        if not np.isfinite(y).all():
            raise DataError(f"The outcome {name!r} has infinite values; make them missing.")
        distinct = len(np.unique(y))
        if distinct == 1:
            raise DataError(f"The outcome {name!r} is {y[0]:g} in all rows: nothing varies.")
        check_magnitude(name, y)
        if distinct > 2:
            return
        values = "two values only"
    raise NotSupportedError(
        f"The outcome {name!r} has {values}, which needs a generalised multilevel model (a "
        "logistic one for two values); this version fits models for numbers only. For differences "
        "of shares, a linear model of 0 and 1 by lmer(), with robust standard errors, is a common "
        "stopgap."
    )


def _check_groups(table: Table, hierarchy: Hierarchy, rows: np.ndarray) -> None:
    n = int(rows.sum())
    for factor in hierarchy.factors:
        J = len(np.unique(factor.codes[rows]))
        if J == 1:
            left = "" if factor.n_levels == 1 else " that are left without missing values"
            raise DataError(
                f"The grouping factor {factor.name!r} is constant: all rows{left} are in one "
                "group, so there are no levels. Name another column in groups, or use ordinary "
                "regression."
            )
        if n == J:
            raise DataError(
                f"The grouping factor {factor.name!r} is different in every row, so that groups "
                "cannot be told from rows: it numbers the rows. Name the column of the groups that "
                f"rows share{_if_wide(table)}."
            )


def _if_wide(table: Table) -> str:
    """Advice for data with a column for each occasion."""
    found = repeated_columns(table)
    if not found:
        return ""
    columns = [name for own in found.values() for name in own.values()]
    return (
        f"; if {', '.join(columns[:6])}{', ...' if len(columns) > 6 else ''} are repeated "
        "measurements of one unit, make the data long first: "
        f"multilevel.wide_to_long(data, {list(found)!r})"
    )


def _check_inside(table: Table, outcome: str, hierarchy: Hierarchy, rows: np.ndarray) -> None:
    """The outcome must vary within groups."""
    y, factor = table.column(outcome).values[rows], hierarchy.innermost
    if not len(varying_groups(y, factor.codes[rows], factor.n_levels)):
        raise DataError(
            f"The outcome {outcome!r} is the same in all rows of each group of {factor.name!r}: "
            "it describes groups, not rows. Keep one row per group, and use ordinary regression "
            "or name the groups above them."
        )


def _named_apart(hierarchy: Hierarchy, request: Request) -> Hierarchy:
    """Groups that are combinations are called so if one of the columns is a predictor, too."""
    factors = (
        replace(one, label=one.name) if one.label in request.predictors else one
        for one in hierarchy.factors
    )
    return replace(hierarchy, factors=tuple(factors))


def _refuse_groups(predictors: tuple[str, ...], hierarchy: Hierarchy) -> None:
    """No group is a predictor; what only with another column makes groups (plots) may be one."""
    groups = {factor.columns for factor in hierarchy.factors}
    for name in predictors:
        if (name,) in groups:
            raise DataError(f"{name!r} is a grouping factor and cannot be a predictor, too.")


def _check_slopes(request: Request, hierarchy: Hierarchy) -> None:
    """Groups that random slopes are asked for must be groups."""
    known = {name for factor in hierarchy.factors for name in (factor.name, factor.label)}
    for text in request.random or ():
        group = "" if text in request.predictors else slope_of(text)[1]
        if group and group not in known:
            listed = ", ".join(map(repr, sorted(known)))
            raise DataError(f"random: {group!r} in {text!r} names no groups; there are: {listed}.")


def _check_predictors(table: Table, request: Request, rows: np.ndarray) -> None:
    """No predictor may be the outcome on another scale."""
    y = table.column(request.outcome).values[rows]
    for name in request.predictors:
        column = table.column(name)
        if not column.is_numeric:
            continue
        x = column.values[rows]
        varies = np.isfinite(x).all() and x.min() < x.max()
        if varies:
            check_magnitude(name, x)
        if varies and abs(np.corrcoef(x, y)[0, 1]) > _SAME:
            raise DataError(
                f"Predictor {name!r} is the outcome {request.outcome!r} on another scale: every "
                "value is a linear function of it. Leave it out."
            )


def _check_time(table: Table, name: str, hierarchy: Hierarchy, rows: np.ndarray) -> None:
    """Time must pass within some groups."""
    column = table.column(name)
    if not column.is_numeric:
        return  # said with the other predictors
    x = column.values[rows]
    groups = [(factor.codes[rows], factor.n_levels) for factor in hierarchy.factors]
    if x.min() < x.max() and not any(len(varying_groups(x, *one)) for one in groups):
        raise DataError(
            f"The time {name!r} is the same in all rows of each group of "
            f"{hierarchy.innermost.name!r}: nothing can be said about change within them. Name the "
            "column that says when a row was measured; if it is a property of groups, put it in "
            "level2."
        )


def _check_weights(table: Table, name: str, rows: np.ndarray) -> None:
    weights = table.column(name).values[rows]
    wrong = ~(np.isfinite(weights) & (weights > 0.0))
    if wrong.any():
        raise DataError(
            f"Weights {name!r} must be positive numbers; {int(wrong.sum()):,} rows have others "
            f"(the first: {weights[wrong][0]:g}). Leave rows of weight 0 out."
        )
