"""The reference grid: combinations of predictor values at which the fixed part is looked at.

Searle, Speed & Milliken (1980, The American Statistician 34, 216-221): factors at all their levels,
numeric predictors at their means unless values are given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.design.frame import ModelFrame, Variable, recode
from multilevel.design.meaning import meaning_of
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.formula.parse import parse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.build import Design
    from multilevel.typing import Float, IndexArray

    Values = Mapping[str, Sequence[Any]]

__all__ = ["Averaging", "Predictor", "ReferenceGrid", "as_names"]

Averaging = Literal["equal", "proportional", "cells"]

# Rows times columns of the matrix of a grid: 400 MB.
MOST_ELEMENTS = 5e7
# A factor made of a numeric column inside the formula: ``C(x)``, ``C(x, contr.sum)``.
_CODED = re.compile(r"C\(\s*`?([^`,()]+?)`?\s*[,)]")
# Points (in steps) and weights of derivatives that are exact up to degree four; the fifth point of
# the central one has no weight.
_CENTRAL = np.array([-2.0, -1.0, 1.0, 2.0, 0.0]), np.array([1.0, -8.0, 8.0, -1.0, 0.0]) / 12.0
_FORWARD = np.arange(5.0), np.array([-25.0, 48.0, -36.0, 16.0, -3.0]) / 12.0
# Step as a part of the predictor's range: small against the distance of the knots of splines.
_STEP = 1e-4
_ROUNDING = 1e-14
# A column's part in a relation between columns that is smaller than this is rounding.
_NO_SHARE = 1e-8


@dataclass(frozen=True, slots=True)
class Predictor:
    """A column of the data in the fixed part of a model, in the rows used.

    Attributes
    ----------
    variable : Variable
        The column as the formula sees it.
    levels : tuple or None
        Levels, in the order of the design, of text, categories, booleans, and of numbers that
        stand inside ``C(...)``; None for a numeric predictor.
    """

    variable: Variable
    levels: tuple[Any, ...] | None

    @property
    def values(self) -> Float:
        """Values of a numeric predictor."""
        assert self.variable.values is not None
        return self.variable.values

    def codes(self, levels: Sequence[Any]) -> IndexArray:
        """Position of every row's level among some levels; -1 if it is not one of them."""
        variable = self.variable
        if variable.kind != "numeric":
            position = np.full(len(variable.levels), -1, dtype=np.intp)
            position[[variable.levels.index(level) for level in levels]] = np.arange(len(levels))
            codes: IndexArray = position[variable.codes]
            return codes
        match = self.values[:, None] == np.asarray(levels, dtype=np.float64)
        return np.where(match.any(axis=1), match.argmax(axis=1), -1)

    def at(self, values: Sequence[Any], index: IndexArray) -> Variable:
        """The column with ``values[index]``, as the formula sees it."""
        variable = self.variable
        if variable.kind == "numeric":
            numbers = np.asarray(values, dtype=np.float64)[index]
            return Variable(variable.name, "numeric", numbers)
        codes = np.array([variable.levels.index(v) for v in values], dtype=np.int32)[index]
        truth = None
        if variable.kind == "boolean":
            truth = np.array(variable.levels, dtype=np.float64)[codes]
        return Variable(variable.name, variable.kind, truth, codes, variable.levels)


class ReferenceGrid:
    """The predictors of a fit, and averages of the rows of X over combinations of their values.

    Parameters
    ----------
    design : Design
        The design of the fit.

    Attributes
    ----------
    predictors : mapping of str to Predictor
        Columns of the fixed part, in the order of the formula.
    """

    def __init__(self, design: Design) -> None:
        self._encoder = design.spec.encoders.fixed
        self._products = meaning_of(parse(design.spec.formula)).fixed.products
        coded = {m[1] for p in self._products for factor in p if (m := _CODED.match(factor))}
        self._frame = _model_frame(design, self._encoder.columns)
        self.predictors = {
            name: Predictor(variable, _levels(variable, coded=name in coded))
            for name, variable in self._frame.variables.items()
        }

    @property
    def factors(self) -> list[str]:
        """Names of the factors."""
        return [name for name, column in self.predictors.items() if column.levels is not None]

    @property
    def covariates(self) -> list[str]:
        """Names of the numeric predictors."""
        return [name for name, column in self.predictors.items() if column.levels is None]

    @property
    def terms(self) -> list[frozenset[str]]:
        """Predictors of every term of the fixed part, and of the terms that are part of it."""
        found: set[frozenset[str]] = set()
        for product in self._products:
            used = [name for name in self.predictors if any(_uses(f, name) for f in product)]
            found |= {frozenset(c) for k in range(len(used)) for c in combinations(used, k + 1)}
        order = list(self.predictors)
        return sorted(found, key=lambda t: (len(t), sorted(map(order.index, t))))

    def is_linear(self, name: str) -> bool:
        """Whether a predictor stands in the formula as it is only, not inside a function."""
        return all(f == name or not _uses(f, name) for p in self._products for f in p)

    def values(self, at: Mapping[str, Any] | None) -> dict[str, list[Any]]:
        """Values of every predictor in the grid.

        Raises
        ------
        DataError
            For a name that is no predictor, or a level that does not occur.
        """
        given = dict(at or {})
        for name in given:
            if name not in self.predictors:
                raise DataError(f"at names {name!r}, {self._none_of()}")
        return {
            name: _checked(column, given[name]) if name in given else _default(column)
            for name, column in self.predictors.items()
        }

    def require(self, name: str, what: str, values: Values, kind: str) -> None:
        """Raise ``DataError`` unless a predictor is a factor or has values to be seen at."""
        if name not in self.predictors:
            raise DataError(f"{what} names {name!r}, {self._none_of()}")
        is_factor = self.predictors[name].levels is not None
        if kind == "numeric" and is_factor:
            listed = ", ".join(self.covariates) or "none"
            raise DataError(f"{what} {name!r} is a factor; numeric predictors: {listed}.")
        if kind == "factor" and not is_factor and len(values[name]) < 2:
            listed = ", ".join(self.factors) or "none"
            raise DataError(
                f"{what} names {name!r}, which is numeric; give values of it with "
                f"at={{{name!r}: [...]}}. Factors: {listed}."
            )

    def rows(
        self, targets: Sequence[str], values: Values, weights: Averaging, slope: str | None = None
    ) -> Float:
        """Average the rows of X over all predictors but the targets.

        Parameters
        ----------
        targets : sequence of str
            Predictors to keep apart; the first varies fastest in the result.
        values : mapping of str to sequence
            Values of every predictor, as from :meth:`values`.
        weights : {"equal", "proportional", "cells"}
            Weights of what is averaged over: equal; the frequencies of these combinations in the
            rows used; their frequencies within each combination of the targets.
        slope : str, optional
            A numeric predictor: average the derivative in it of the rows.

        Returns
        -------
        ndarray, shape (n_targets, p_all)
            With the columns of X that the fit dropped. NaN where ``"cells"`` finds no rows.
        """
        axes = [*reversed(targets), *(name for name in values if name not in targets)]
        shape = [len(values[name]) for name in axes]
        p = len(self._encoder.names)
        if prod(shape) * p > MOST_ELEMENTS:
            raise NotSupportedError(
                f"The reference grid has {prod(shape)} rows ({_sizes(axes, shape)}), which is too "
                "much. Hold predictors at fewer values with at={'name': [...]}."
            )
        index = dict(zip(axes, np.indices(shape).reshape(len(axes), prod(shape)), strict=True))
        X = self._slopes(values, index, slope) if slope else self._design_matrix(values, index)
        n = prod(shape[: len(targets)])
        cells = X.reshape(n, prod(shape) // n, p)
        share = self._shares(axes, len(targets), values, weights)
        averaged: Float = np.einsum("tr,trp->tp", share, cells)
        return averaged

    def aliasing(self, design: Design) -> Float:
        """Columns of X that were dropped as combinations of those kept, shape (p, p_all - p)."""
        matrices = design.matrices
        gone = np.setdiff1d(np.arange(len(matrices.coef_names)), matrices.kept)
        if not len(gone):
            return np.zeros((len(matrices.kept), 0))
        X = self._encoder.encode(self._frame)
        scale = np.abs(matrices.X).max(axis=0)
        shares = np.linalg.lstsq(matrices.X / scale, X[:, gone], rcond=None)[0]
        shares[np.abs(shares) <= _NO_SHARE * np.abs(X[:, gone]).max(axis=0)] = 0.0
        coefficients: Float = shares / scale[:, None]
        return coefficients

    def _design_matrix(self, values: Values, index: Mapping[str, IndexArray]) -> Float:
        variables = {
            name: column.at(values[name], index[name]) for name, column in self.predictors.items()
        }
        n = len(next(iter(index.values()), ())) if index else 1
        return self._encoder.encode(ModelFrame(n, variables))

    def _slopes(self, values: Values, index: Mapping[str, IndexArray], name: str) -> Float:
        """Derivative of the rows in a numeric predictor, from within its range at the ends."""
        low, high = (
            float(self.predictors[name].values.min()),
            float(self.predictors[name].values.max()),
        )
        step = _STEP * (high - low)
        points, parts = np.empty((len(values[name]), 5)), np.empty((len(values[name]), 5))
        for i, value in enumerate(values[name]):
            if low <= value < low + 2.0 * step:
                points[i], parts[i] = _FORWARD
            elif high - 2.0 * step < value <= high:
                points[i], parts[i] = -_FORWARD[0], -_FORWARD[1]
            else:
                points[i], parts[i] = _CENTRAL
        moved = np.asarray(values[name], dtype=np.float64)[:, None] + step * points
        evaluated = []
        for k in range(5):
            there = {**values, name: moved[:, k].tolist()}
            evaluated.append(parts[index[name], k, None] * self._design_matrix(there, index))
        total, size = np.sum(evaluated, axis=0), np.sum(np.abs(evaluated), axis=0)
        # Exactly zero where a column does not depend on the predictor.
        return np.where(np.abs(total) <= _ROUNDING * size, 0.0, total) / step

    def _shares(
        self, axes: Sequence[str], n_targets: int, values: Values, weights: Averaging
    ) -> Float:
        """Weights of averaging, shape (targets, combinations of the others)."""
        shape = [len(values[name]) for name in axes]
        n = prod(shape[:n_targets])
        if weights == "equal":
            rest = prod(shape[n_targets:])
            return np.full((n, rest), 1.0 / rest)
        counts = np.broadcast_to(self._counts(axes, values), shape).reshape(n, -1)
        if weights == "proportional":
            counts = np.broadcast_to(counts.sum(axis=0), counts.shape)
        with np.errstate(invalid="ignore"):
            shares: Float = counts / counts.sum(axis=1, keepdims=True)
        return shares

    def _counts(self, axes: Sequence[str], values: Values) -> Float:
        """Rows used in every combination of levels; numeric predictors have axes of length 1."""
        shape = [1 if self.predictors[n].levels is None else len(values[n]) for n in axes]
        cell = np.zeros(self._frame.n_rows, dtype=np.intp)
        inside = np.ones(self._frame.n_rows, dtype=bool)
        for name, size in zip(axes, shape, strict=True):
            if self.predictors[name].levels is not None:
                codes = self.predictors[name].codes(values[name])
                cell = cell * size + codes
                inside &= codes >= 0
        counts = np.bincount(cell[inside], minlength=prod(shape)).astype(np.float64)
        return counts.reshape(shape)

    def _none_of(self) -> str:
        listed = ", ".join(self.predictors) or "none"
        return f"which is no predictor of the fixed part; predictors: {listed}."


def as_names(given: str | Iterable[str] | None, what: str) -> tuple[str, ...]:
    """One name or several, without repetition."""
    if given is None or isinstance(given, str):
        return () if given is None else (given,)
    names = list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(name, str) for name in names):
        raise TypeError(f"{what} must be a name or a list of names; got {given!r}.")
    return tuple(dict.fromkeys(names))


def _model_frame(design: Design, names: Sequence[str]) -> ModelFrame:
    """Columns in the rows used."""
    spec, table = design.spec, design.table
    variables = {
        name: recode(table.column(name), spec.variables[name], design.rows) for name in names
    }
    return ModelFrame(design.matrices.n_rows, variables, design.rows)


def _levels(variable: Variable, *, coded: bool) -> tuple[Any, ...] | None:
    """Levels of a factor, also of a numeric column that is coded as one; None for numbers."""
    if variable.kind != "numeric":
        return variable.levels
    if not coded:
        return None
    assert variable.values is not None
    return tuple(int(v) if v == int(v) else v for v in np.unique(variable.values).tolist())


def _default(column: Predictor) -> list[Any]:
    """All levels, or the mean (that of a centred column is 0 but for rounding)."""
    if column.levels is not None:
        return list(column.levels)
    mean, largest = float(column.values.mean()), float(np.abs(column.values).max())
    return [mean if abs(mean) > _ROUNDING * largest else 0.0]


def _checked(column: Predictor, given: Any) -> list[Any]:
    """Values given for a predictor: numbers, or levels that occur."""
    name = column.variable.name
    single = isinstance(given, str) or not isinstance(given, Iterable)
    values = list(dict.fromkeys([given] if single else given))
    if not values:
        raise DataError(f"at={{{name!r}: []}} is empty; give at least one value.")
    if column.levels is None:
        numbers = [v for v in values if isinstance(v, int | float | np.number)]
        if len(numbers) < len(values) or not np.isfinite(np.array(numbers, dtype=float)).all():
            raise DataError(f"at: {name!r} is numeric, its values must be numbers; got {given!r}.")
        return [float(v) for v in numbers]
    unknown = [value for value in values if value not in column.levels]
    if unknown:
        raise DataError(
            f"at: {name!r} has no level {unknown[0]!r} in the rows used; its levels are "
            f"{', '.join(map(repr, column.levels))}."
        )
    return [column.levels[column.levels.index(value)] for value in values]


def _uses(expression: str, name: str) -> bool:
    """Whether a factor of a term uses a column."""
    return expression == name or bool(
        re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", expression)
    )


def _sizes(names: Sequence[str], sizes: Sequence[int]) -> str:
    return " x ".join(f"{size} {name}" for name, size in zip(names, sizes, strict=True) if size > 1)
