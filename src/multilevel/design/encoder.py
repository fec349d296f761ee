"""Columns of terms with functions or contrasts, by formulaic (imported only when one is used)."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.errors import DataMismatchWarning
from formulaic.materializers import PandasMaterializer
from formulaic.transforms import C

from multilevel.design.frame import ModelFrame, Variable, describe_rows, probe_rows
from multilevel.design.functions import FUNCTIONS
from multilevel.design.wilkinson import formula_of
from multilevel.exceptions import DataError, FormulaError, MultilevelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multilevel.design.plain import Layout
    from multilevel.design.terms import Terms
    from multilevel.typing import Float, IndexArray

__all__ = ["FormulaicEncoder", "Scope", "fit_encoder", "layout_of"]


# Of the leading ratio of norms of monic orthogonal polynomials: a later one this small is rounding.
NO_POLYNOMIAL = 1e-14


class Materializer(PandasMaterializer):  # type: ignore[misc]
    """formulaic's, except that true/false values are a factor everywhere, as in R."""

    @PandasMaterializer.override  # type: ignore[untyped-decorator]
    def _is_categorical(self, values: Any) -> bool:
        return bool(super()._is_categorical(values)) or str(getattr(values, "dtype", "")) == "bool"


def layout_of(terms: Terms, factors: tuple[str, ...]) -> Layout:
    """Which columns of plain terms are coded in full and which reduced, as formulaic decides."""
    return _layout(terms.text, terms.columns, factors)


@lru_cache(maxsize=1024)
def _layout(text: str, columns: tuple[str, ...], factors: tuple[str, ...]) -> Layout:
    """The answer is read off the structure that formulaic gives for two rows of any data."""
    data = pd.DataFrame({n: ["a", "b"] if n in factors else [0.0, 1.0] for n in columns})
    spec = Materializer(data).get_model_matrix(formula_of(text), output="numpy").model_spec
    return tuple(
        tuple(
            (
                factor.factor.expr,
                "numeric"
                if factor.factor.expr not in factors
                else ("reduced" if factor.reduced else "full"),
            )
            for factor in scoped.factors
        )
        for row in spec.structure
        for scoped in row.scoped_terms
    )


@dataclass(frozen=True, slots=True)
class Scope:
    """What expressions see besides the columns.

    Attributes
    ----------
    contrasts : mapping of str to object
        Contrasts of factors, by column: formulaic's objects, matrices or dicts.
    context : mapping of str to object
        Further names: functions and constants.
    """

    contrasts: Mapping[str, Any]
    context: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FormulaicEncoder:
    """Builds the columns of terms with functions or contrasts, on any data, from trained state.

    Attributes
    ----------
    spec : formulaic.ModelSpec
        The terms with their trained state: knots, centres, levels, structure.
    names : tuple of str, length p
        Names of the columns.
    columns : tuple of str
        Columns of the data that are used.
    scope : Scope
        What expressions see besides them.
    probe : tuple of (ModelFrame, ndarray)
        A few rows of the data of the fit and what they were coded to: a function that looks at
        all rows, such as ``np.mean``, gives something else for them alone.
    """

    spec: Any
    names: tuple[str, ...]
    columns: tuple[str, ...]
    scope: Scope
    probe: tuple[ModelFrame, Float]

    def encode(self, frame: ModelFrame) -> Float:
        """Columns for the rows of a frame of new data.

        Returns
        -------
        ndarray, shape (n, p), C order

        Raises
        ------
        DataError
            For a level that the fit has not seen, or a term that cannot be replayed.
        """
        if not frame.n_rows:
            return np.empty((0, len(self.names)))
        rows, expected = self.probe
        replayed, _ = _materialise(self.spec, rows, self.scope)
        wrong = ~np.isclose(replayed, expected, rtol=1e-8, atol=1e-12).all(axis=0)
        if wrong.any():
            raise DataError(
                f"`{self.names[int(wrong.argmax())]}` depends on all rows of the data together, "
                "so it cannot be computed for new rows. Use center(x), scale(x), poly(x, 2) or "
                "bs(x, df=4), which remember the data of the fit, or add the column to the data."
            )
        return _materialise(self.spec, frame.select(self.columns), self.scope)[0]


def fit_encoder(
    terms: Terms, columns: tuple[str, ...], frame: ModelFrame, scope: Scope
) -> tuple[FormulaicEncoder, Float]:
    """Train an encoder on a frame; also return the frame's columns.

    Raises
    ------
    FormulaError
        When an expression cannot be evaluated.
    DataError
        When it gives something that is not a finite number, naming the expression and rows.
    """
    frame = frame.select(columns)
    X, spec = _materialise(formula_of(terms.text), frame, scope)
    _check_polynomials(spec)
    rows = probe_rows(frame.n_rows)
    probe = (frame.take(rows), X[rows])
    return FormulaicEncoder(spec, tuple(spec.column_names), columns, scope, probe), X


def _materialise(spec: Any, frame: ModelFrame, scope: Scope) -> tuple[Float, Any]:
    """Evaluate a formula or a trained spec on a frame."""
    data = {name: _series(variable) for name, variable in frame.variables.items()}
    coded = {
        name: C(pd.Series(data.pop(name)), contrasts)
        for name, contrasts in scope.contrasts.items()
        if name in data
    }
    maker = Materializer(
        pd.DataFrame(data, index=range(frame.n_rows)),
        context={**FUNCTIONS, **scope.context, **coded},
    )
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = maker.get_model_matrix(spec, output="numpy", na_action="raise")
        X = np.ascontiguousarray(matrix, dtype=np.float64)
    except Exception as error:
        _fail(error, maker, spec, frame)
    names = matrix.model_spec.column_names
    if not np.isfinite(X).all():
        finite = np.isfinite(X)
        for j in np.flatnonzero(~finite.all(axis=0)):
            _not_finite(names[j], np.flatnonzero(~finite[:, j]), frame)
    return X, matrix.model_spec


def _series(variable: Variable) -> Any:
    """The column as pandas sees it."""
    if variable.kind == "numeric":
        return variable.values
    if variable.kind == "boolean":
        assert variable.values is not None
        return variable.values.astype(bool)
    hidden = [level for level in variable.levels if str(level).startswith("__")]
    if hidden:
        raise DataError(
            f"Level {hidden[0]!r} of column {variable.name!r} starts with two underscores, which "
            "cannot be told from an internal name; rename the level."
        )
    return pd.Categorical.from_codes(variable.codes, categories=list(variable.levels))


def _fail(error: Exception, maker: Materializer, spec: Any, frame: ModelFrame) -> NoReturn:
    """Raise our error for one of formulaic's, or of a function that it called."""
    if isinstance(error, MultilevelError):
        raise error
    cause = error.__cause__ or error
    if isinstance(cause, DataMismatchWarning):
        raise DataError(_unseen_level(spec, frame)) from None
    empty = re.search(r"checking for nulls in `(.*)`: .*contains null", str(error))
    if empty:
        rows: set[int] = set()
        with np.errstate(all="ignore"):
            maker.get_model_matrix(spec, output="numpy", na_action="drop", drop_rows=rows)
        _not_finite(empty[1], np.array(sorted(rows)), frame)
    named = re.match(r"Unable to evaluate factor `(.*?)`\. \[", str(error))
    what = (
        f"`{named[1]}`" if named else f"`{spec.formula if isinstance(spec, ModelSpec) else spec}`"
    )
    kind = DataError if isinstance(spec, ModelSpec) else FormulaError
    raise kind(f"{what} cannot be computed: {type(cause).__name__}: {cause}") from None


def _unseen_level(spec: Any, frame: ModelFrame) -> str:
    """Message for a value that is not among the levels of a ``C(...)``."""
    state = spec.encoder_state if isinstance(spec, ModelSpec) else {}
    for expression, (_, trained) in state.items():
        called = re.match(r"C\(`?(.*?)`?[,)]", expression)
        variable = frame.variables.get(called[1]) if called else None
        if variable is not None and "categories" in trained:
            here = _distinct(variable)
            unseen = [level for level in here if level not in trained["categories"]]
            if unseen:
                return (
                    f"`{expression}` has a level that the fit has not seen: "
                    f"{unseen[0]}. "
                    f"Levels of the fit: {', '.join(map(str, trained['categories']))}."
                )
    return f"`{spec}` names levels of a column, but the data hold others."


def _distinct(variable: Variable) -> Sequence[object]:
    """Values that occur; whole numbers without a decimal point."""
    if variable.values is None:
        return variable.levels
    return [int(v) if v == int(v) else v for v in np.unique(variable.values).tolist()]


def _not_finite(name: str, rows: IndexArray, frame: ModelFrame) -> NoReturn:
    """Raise for a value that an expression turned into NaN or infinity."""
    raise DataError(
        f"`{name}` is not a finite number in {describe_rows(frame.positions(rows))}. "
        "Look at the values of its columns there: the logarithm of zero or of a negative number, "
        "a division by zero, an overflow?"
    )


def _check_polynomials(spec: Any) -> None:
    """Refuse ``poly(x, d)`` when x has too few distinct values: a column would be rounding."""
    for expression, state in spec.transform_state.items():
        norms = state.get("norms2") if isinstance(state, dict) else None
        if not norms or 1 not in norms:
            continue
        steps = [norms[k] / norms[k - 1] for k in sorted(norms) if k > 0 and norms[k - 1] > 0]
        if steps and min(steps) <= NO_POLYNOMIAL * norms[1] / norms[0]:
            raise DataError(
                f"`{expression}`: the degree must be less than the number of distinct values."
            )
