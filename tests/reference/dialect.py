"""From R's dialect to Python's: formulas, coefficient names, group labels; written down once."""

from __future__ import annotations

import re

import pandas as pd

# Of x in the synthetic data.
TERCILES = [-0.4341666666666667, 0.4511666666666667]
# Ordered factors get polynomial contrasts by themselves in R, by name here; backquotes are
# for names that Python cannot spell; (f || g) and ^ are spelt out.
REPLACEMENTS = {
    "I(x^2)": "I(x**2)",
    "I(age^2)": "I(age**2)",
    "recipe * temperature": "recipe * C(temperature, contr.poly)",
    "lectage + studage": "C(lectage, contr.poly) + C(studage, contr.poly)",
    "factor(k)": "C(k)",
    "splines::bs(x, df = 4)": "bs(x, df=4)",
    # Same space: natural cubic splines with inner knots at the terciles of x, less the constant.
    "splines::ns(x, df = 3)": f"cr(x, knots={TERCILES}, constraints='center')",
    "Informed.liking": "`Informed.liking`",
    "IQ.ver.cen + avg.IQ.ver.cen": "`IQ.ver.cen` + `avg.IQ.ver.cen`",
    "(IQ.ver.cen |": "(`IQ.ver.cen` |",
}
POLYNOMIALS = {".L": "[.L]", ".Q": "[.Q]", ".C": "[.C]", "^4": "[^4]", "^5": "[^5]"}


def python_formula(r_formula: str) -> str:
    """An R formula in Python's dialect."""
    for r_text, python_text in REPLACEMENTS.items():
        r_formula = r_formula.replace(r_text, python_text)
    return r_formula


def coefficient_names(r_names: list[str], data: pd.DataFrame) -> dict[str, str]:
    """R's coefficient names -> ours: ``recipeB:temperature.L`` and so on.

    A factor is fully coded (no ``T.``) where its first level has a coefficient in the same term.
    """
    split = {name: [_split(part, data) for part in name.split(":")] for name in r_names}
    present = {(_signature(parts), *_levels(parts)) for parts in split.values()}
    return {
        name: ":".join(_python_name(part, parts, present, data) for part in parts)
        for name, parts in split.items()
    }


def _split(part: str, data: pd.DataFrame) -> tuple[str, str]:
    """(variable, level) of one factor of a coefficient name; level is empty for numbers."""
    labels = [c for c in data if not pd.api.types.is_numeric_dtype(data[c]) and part.startswith(c)]
    for column in sorted(labels, key=len, reverse=True):
        return column, part[len(column) :]
    return part, ""


def _signature(parts):
    return tuple(variable for variable, _ in parts)


def _levels(parts):
    return tuple(level for _, level in parts)


def _python_name(part, parts, present, data):
    variable, level = part
    if variable == "(Intercept)":
        return "Intercept"
    if not level:
        return python_formula(variable)
    if level in POLYNOMIALS:
        return f"C({variable}, contr.poly){POLYNOMIALS[level]}"
    first = min(data[variable].dropna())
    base = tuple(first if variable == v else other for v, other in parts)
    coded = level if (_signature(parts), *base) in present else f"T.{level}"
    return f"{variable}[{coded}]"


def group_key(group: str) -> frozenset[str]:
    """A grouping factor without the order of its parts: R writes a/b as ``b:a``."""
    return frozenset(re.sub(r"\.\d+$", "", group).split(":"))


def level_label(label: str, r_group: str, our_group: str) -> str:
    """R's label of a group, its parts in our order."""
    parts = dict(zip(r_group.split(":"), label.split(":"), strict=True))
    return ":".join(parts[name] for name in our_group.split(":"))
