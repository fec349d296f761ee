"""Functions that formulas can call by their bare names, besides formulaic's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["FUNCTIONS", "R_DIALECT"]


def exp10(x: Any) -> Any:
    """Ten to the power x."""
    return np.power(10.0, x)


FUNCTIONS: Mapping[str, Any] = {
    name: getattr(np, name)
    for name in (
        *("abs", "sign", "sqrt", "cbrt", "square", "expm1", "log1p"),
        *("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "hypot"),
        *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "deg2rad", "rad2deg"),
        *("floor", "ceil", "trunc", "minimum", "maximum", "where", "clip", "mod", "pi"),
    )
} | {"exp10": exp10}

# What people who come from R write, and what it is called here.
R_DIALECT: Mapping[str, str] = {
    "factor": "C(f)",
    "as.factor": "C(f)",
    "relevel": 'C(f, contr.treatment(base="level"))',
    "as.numeric": "a numeric column",
    "ns": "cr(x, df=4)",
    "splines": "bs(x, df=4) or cr(x, df=4)",
    "s": "bs(x, df=4) or cr(x, df=4)",
    "ifelse": "where(condition, a, b)",
    "pmin": "minimum(a, b)",
    "pmax": "maximum(a, b)",
    "ceiling": "ceil(x)",
    "asin": "arcsin(x)",
    "acos": "arccos(x)",
    "atan": "arctan(x)",
    "TRUE": "True",
    "FALSE": "False",
    "NULL": "None",
}
