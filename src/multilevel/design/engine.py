"""The adapter to formulaic: the only module that imports it, itself imported on first need."""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn

import formulaic
import numpy as np
import pandas as pd
from formulaic.errors import DataMismatchWarning, FormulaicError
from formulaic.materializers import PandasMaterializer
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from formulaic.utils.variables import Variable as Name
from formulaic.utils.variables import get_required_variables

from multilevel.design.frame import ModelFrame, Variable, probe_rows
from multilevel.design.functions import FUNCTIONS, R_DIALECT
from multilevel.design.terms import Terms
from multilevel.exceptions import DataError, FormulaError

if TYPE_CHECKING:
    from multilevel.design.plain import Layout
    from multilevel.typing import Float

__all__ = ["FormulaicEncoder", "fit_encoder", "layout_of", "parse_formula"]


class _Materializer(PandasMaterializer):  # type: ignore[misc]
    """formulaic's, except that true/false values are a factor everywhere, as in R."""

    def _is_categorical(self, values: Any) -> bool:
        return bool(super()._is_categorical(values)) or getattr(values, "dtype", None) == bool


def _categorical(data: Any, contrasts: Any = None, **options: Any) -> Any:
    """``C()``: formulaic's, except that whole numbers are labelled without a decimal point."""
    values = np.asarray(data) if isinstance(data, pd.Series | np.ndarray) else None
    if values is not None and values.dtype.kind == "f" and np.array_equal(values, np.rint(values)):
        data = pd.Series(values.astype(np.int64))
    return formulaic.transforms.C(data, contrasts, **options)


SCOPE: Mapping[str, Any] = {**FUNCTIONS, "C": _categorical}
KNOWN_NAMES = frozenset({*SCOPE, *TRANSFORMS, *dir(builtins)})


@lru_cache(maxsize=1024)
def _formula(text: str) -> Any:
    """Parse the text of a sum of terms with formulaic; its errors become ours."""
    try:
        formula = formulaic.Formula(text)
    except (FormulaicError, SyntaxError) as error:
        raise FormulaError(_explain(text, error)) from None
    if not isinstance(formula, formulaic.SimpleFormula):
        raise FormulaError(f"`~` and `|` cannot stand inside a sum of terms: {text!r}.")
    return formula


def _explain(text: str, error: Exception) -> str:
    """Turn formulaic's message, with its terminal colours, into ours with a line of carets."""
    message, _, source = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).partition("\n\n")
    if not source:
        return f"The terms {text!r} cannot be read: {message}"
    start, end = source.index("⧛"), source.index("⧚") - 1
    shown = source.replace("⧛", "").replace("⧚", "")
    return f"{message}\n    {shown}\n    {' ' * start}{'^' * max(1, end - start)}"


def parse_formula(text: str) -> Terms:
    """Read a sum of terms that is more than plain names joined by ``+ - * :``.

    Raises
    ------
    FormulaError
        When formulaic cannot read it, or for what would silently mean something else in Python.
    """
    products: list[tuple[str, ...]] = []
    columns: dict[str, None] = {}
    names: dict[Name, None] = {}
    for term in _formula(text):
        product = [factor for factor in term.factors if factor.expr != "1"]
        for factor in product:
            if factor.eval_method is Factor.EvalMethod.LITERAL:
                raise FormulaError(
                    f"A number cannot multiply a term, as in {term!s}; write I({factor} * x)."
                )
            if factor.eval_method is Factor.EvalMethod.LOOKUP:
                columns[factor.expr] = None
            else:
                names.update(dict.fromkeys(_names_in(factor.expr)))
        products.append(tuple(factor.expr for factor in product))
    values = [str(name) for name in names if Name.Role.VALUE in name.roles]
    calls = [str(name) for name in names if Name.Role.CALLABLE in name.roles]
    return Terms(
        text=text,
        products=tuple(products),
        plain=not names and all(e in columns for product in products for e in product),
        columns=tuple(columns),
        values=tuple(dict.fromkeys(values)),
        calls=tuple(dict.fromkeys(calls)),
    )


def _names_in(expression: str) -> list[Name]:
    """Names that a Python expression uses, sorted."""
    try:
        names = get_required_variables(expression, {**TRANSFORMS, **SCOPE})
        tree = ast.parse(re.sub(r"`[^`]*`", "_", expression), mode="eval")
    except SyntaxError as error:
        raise FormulaError(f"`{expression}` is not valid Python: {error.msg}.") from None
    if any(isinstance(node, ast.BitXor) for node in ast.walk(tree)):
        powered = expression.replace("^", "**")
        raise FormulaError(
            f"`^` inside a function is Python's exclusive or; write `{powered}` for a power."
        )
    return sorted(names)


def layout_of(terms: Terms, factors: tuple[str, ...]) -> Layout:
    """Which columns of plain terms are coded in full and which reduced, as formulaic decides."""
    return _layout(terms.text, terms.columns, factors)


@lru_cache(maxsize=1024)
def _layout(text: str, columns: tuple[str, ...], factors: tuple[str, ...]) -> Layout:
    """The answer is read off the structure that formulaic gives for two rows of any data."""
    data = pd.DataFrame({n: ["a", "b"] if n in factors else [0.0, 1.0] for n in columns})
    spec = _Materializer(data).get_model_matrix(_formula(text), output="numpy").model_spec
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


def used_columns(terms: Terms, available: Collection[str], extra: Collection[str]) -> list[str]:
    """Columns that terms with expressions use; names that nobody knows are returned as well.

    Parameters
    ----------
    terms : Terms
        Terms as read by :func:`parse_formula`.
    available : collection of str
        Columns of the data.
    extra : collection of str
        Further names that expressions may use.

    Raises
    ------
    FormulaError
        For a function that does not exist, or a column that hides one.
    """
    known = KNOWN_NAMES.union(extra)
    used = dict.fromkeys(terms.columns)
    for name in terms.values:
        root = name if name in available else name.partition(".")[0]
        if root in available or root not in known:
            used[root] = None
    for name in terms.calls:
        root = name.partition(".")[0]
        if root != name and root in available and root not in known:
            used[root] = None
        elif root not in known:
            raise FormulaError(_unknown_function(name, root, available))
        elif root in used:
            raise FormulaError(
                f"{root!r} is a column of the data and a function in `{terms.text}`; "
                f"rename the column."
            )
    return list(used)


def _unknown_function(name: str, root: str, available: Collection[str]) -> str:
    """Message for a function that does not exist."""
    if root in available:
        return f"{root!r} is a column of the data, not a function."
    if root in R_DIALECT:
        return f"There is no function {name!r} here; write {R_DIALECT[root]}."
    near = get_close_matches(root, (*TRANSFORMS, *SCOPE), n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no function {name!r}.{hint} NumPy's can be called as np.{root}(...)."


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
    X, spec = _materialise(_formula(terms.text), frame, scope)
    _check_polynomials(spec)
    rows = probe_rows(frame.n_rows)
    probe = (frame.take(rows), X[rows])
    return FormulaicEncoder(spec, tuple(spec.column_names), columns, scope, probe), X


def _materialise(spec: Any, frame: ModelFrame, scope: Scope) -> tuple[Float, Any]:
    """Evaluate a formula or trained spec on a frame."""
    data = pd.DataFrame(
        {name: _series(variable) for name, variable in frame.variables.items()},
        index=range(frame.n_rows),
    )
    coded = {
        name: formulaic.transforms.C(data.pop(name), contrasts)
        for name, contrasts in scope.contrasts.items()
        if name in frame.variables
    }
    maker = _Materializer(data, context={**SCOPE, **scope.context, **coded})
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", DataMismatchWarning)
            matrix = maker.get_model_matrix(spec, output="numpy", na_action="raise")
    except Exception as error:
        _fail(error, spec, frame, scope)
    X = np.ascontiguousarray(matrix, dtype=np.float64)
    spec = matrix.model_spec
    if not np.isfinite(X.sum()) and not np.isfinite(X).all():
        column = int((~np.isfinite(X)).any(axis=0).argmax())
        _not_finite(spec.column_names[column], np.flatnonzero(~np.isfinite(X[:, column])), frame)
    return X, spec


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
