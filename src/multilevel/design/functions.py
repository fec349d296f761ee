"""Names that expressions in formulas can use besides columns (imported only when one is used)."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from formulaic.transforms import TRANSFORMS, C

from multilevel.design.contrasts import as_contrasts

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FUNCTIONS", "KNOWN_NAMES", "R_DIALECT"]


def exp10(x: Any) -> Any:
    """Ten to the power x."""
    return np.power(10.0, x)


def _categorical(data: Any, contrasts: Any = None, **options: Any) -> Any:
    """formulaic's ``C()``, except that whole numbers are labelled without a decimal point."""
    values = np.asarray(data) if isinstance(data, pd.Series | np.ndarray) else None
    if values is not None and values.dtype.kind == "f" and np.array_equal(values, np.rint(values)):
        data = pd.Series(values.astype(np.int64))
    return C(data, as_contrasts(contrasts), **options)


_NUMPY = {
    name: getattr(np, name)
    for name in (
        *("abs", "sign", "sqrt", "cbrt", "square", "expm1", "log1p"),
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "hypot"),
        *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "deg2rad", "rad2deg"),
        *("floor", "ceil", "trunc", "minimum", "maximum", "where", "clip", "mod", "pi"),
    )
}
# These come before formulaic's own transforms, whose exp10(x) is x**10.
FUNCTIONS: Mapping[str, Any] = {**_NUMPY, "exp10": exp10, "C": _categorical}
KNOWN_NAMES = frozenset({*FUNCTIONS, *TRANSFORMS, *dir(builtins)})

# What people who come from R write (and Q, patsy's), and what it is called here.
R_DIALECT: Mapping[str, str] = {
    "relevel": 'C(f, contr.treatment(base="level"))',
    "as.numeric": "a numeric column",
    "s": "bs(x, df=4) or cr(x, df=3, constraints='center')",
    "ifelse": "where(condition, a, b)",
    "pmin": "minimum(a, b)",
    "pmax": "maximum(a, b)",
    "ceiling": "ceil(x)",
    "asin": "arcsin(x)",
    "acos": "arccos(x)",
    "atan": "arctan(x)",
    "Q": "the name in backquotes",
}
