"""Formulas that are more than plain names, read by formulaic (imported only when one is used)."""

from __future__ import annotations

import ast
import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import formulaic
from formulaic.errors import FormulaicError
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from formulaic.utils.variables import Variable as Name
from formulaic.utils.variables import get_required_variables

from multilevel.design.functions import FUNCTIONS, KNOWN_NAMES, R_DIALECT
from multilevel.design.terms import Terms
from multilevel.exceptions import FormulaError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["formula_of", "parse_formula", "used_columns"]


@lru_cache(maxsize=1024)
def formula_of(text: str) -> Any:
    """Parse the text of a sum of terms with formulaic; its errors become ours."""
    try:
        formula = formulaic.Formula(text)
    except SyntaxError as error:
        raise FormulaError(f"`{text}` holds what is not valid Python: {error.msg}.") from None
    except FormulaicError as error:
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
    values: dict[str, None] = {}
    calls: dict[str, None] = {}
    for term in formula_of(text):
        product = [factor for factor in term.factors if factor.expr != "1"]
        for factor in product:
            if factor.eval_method is Factor.EvalMethod.LITERAL:
                raise FormulaError(
                    f"A number cannot multiply a term, as in {term!s}; write I({factor} * x)."
                )
            if factor.eval_method is Factor.EvalMethod.LOOKUP:
                columns[factor.expr] = None
            else:
                for name in _names_in(factor.expr):
                    (calls if Name.Role.CALLABLE in name.roles else values)[str(name)] = None
        products.append(tuple(factor.expr for factor in product))
    return Terms(
        text=text,
        products=tuple(products),
        plain=all(factor in columns for product in products for factor in product),
        columns=tuple(columns),
        values=tuple(values),
        calls=tuple(calls),
    )


def _names_in(expression: str) -> list[Name]:
    """Names that a Python expression uses, sorted."""
    names = get_required_variables(expression)
    tree = ast.parse(re.sub(r"`[^`]*`", "_", expression), mode="eval")
    if any(isinstance(node, ast.BitXor) for node in ast.walk(tree)):
        powered = expression.replace("^", "**")
        raise FormulaError(
            f"`^` inside a function is Python's exclusive or; write `{powered}` for a power."
        )
    return sorted(names)


def used_columns(
    terms: Terms, available: Collection[str], extra: Collection[str], formula: str
) -> list[str]:
    """Columns that terms with expressions use; names that nobody knows are returned as well.

    Parameters
    ----------
    terms : Terms
        Terms as read by :func:`parse_formula`.
    available : collection of str
        Columns of the data.
    extra : collection of str
        Further names that expressions may use.
    formula : str
        The whole formula, for messages.

    Raises
    ------
    FormulaError
        For a function that does not exist, or a column that hides one.
    """
    known = (KNOWN_NAMES - R_DIALECT.keys()).union(extra)
    used = dict.fromkeys(terms.columns)
    for name in terms.values:
        root = name if name in available else name.partition(".")[0]
        if root in available or root not in known:
            used[root] = None
    for name in terms.calls:
        root = name.partition(".")[0]
        if root not in known and (root == name or root not in available):
            raise FormulaError(_unknown_function(name, root, available) + _mark(formula, name))
        if root not in known:
            used[root] = None
        elif root in used:
            what = f"{root!r} is both a column of the data and a function that is called."
            raise FormulaError(f"{what} Rename the column.{_mark(formula, name)}")
    return list(used)


def _unknown_function(name: str, root: str, available: Collection[str]) -> str:
    """Message for a function that does not exist."""
    if root in available:
        return f"{root!r} is a column of the data, not a function."
    if name in R_DIALECT or root in R_DIALECT:
        instead = R_DIALECT[name if name in R_DIALECT else root]
        return f"There is no function {name!r} here; write {instead}."
    near = get_close_matches(root, (*TRANSFORMS, *FUNCTIONS), n=3)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return f"There is no function {name!r}.{hint} NumPy's can be called as np.{root}(...)."


def _mark(formula: str, name: str) -> str:
    """The formula with a line of carets below the first call of a function."""
    place = re.search(rf"(?<![\w.`]){re.escape(name)}(?=\s*\()", formula)
    if place is None:
        return ""
    return f"\n    {formula}\n    {' ' * place.start()}{'^' * len(name)}"
