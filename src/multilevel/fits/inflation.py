"""Variance inflation of the terms of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.plain import PlainEncoder
from multilevel.diagnostics.collinearity import variance_inflation

if TYPE_CHECKING:
    from multilevel.fits.checks import FitChecks
    from multilevel.report.tidy import Columns
    from multilevel.typing import Float, IndexArray

__all__ = ["inflation", "inflation_columns"]


def inflation(fit: FitChecks) -> tuple[list[str], Float, Float]:
    """Terms of the fixed part but the intercept, their inflation factors and coefficients."""
    position = {int(column): i for i, column in enumerate(fit._matrices.kept)}
    terms: dict[str, IndexArray] = {}
    for name, columns in _columns_of_terms(fit).items():
        kept = [position[c] for c in columns if c in position]
        if name and kept:
            terms[name] = np.array(kept, dtype=np.intp)
    df = np.array([len(columns) for columns in terms.values()], dtype=np.float64)
    vif = variance_inflation(fit.state.vcov, list(terms.values())) if terms else np.empty(0)
    return list(terms), vif, df


def inflation_columns(fit: FitChecks) -> Columns:
    """Inflation factors of all terms."""
    names, vif, df = inflation(fit)
    return {
        "term": names,
        "df": df.astype(np.int64),
        "vif": vif,
        "scaled_vif": vif ** (1.0 / (2.0 * df)),
        "tolerance": 1.0 / vif,
    }


def _columns_of_terms(fit: FitChecks) -> dict[str, list[int]]:
    """Positions among all columns of every term of the formula; the intercept is ``""``."""
    encoder = fit.model.design.spec.encoders.fixed
    found: dict[str, list[int]] = {}
    if not isinstance(encoder, PlainEncoder):
        for term, places in encoder.spec.term_indices.items():
            name = "" if str(term) == "1" else str(term)
            found.setdefault(name, []).extend(int(place) for place in places)
        return found
    start = 0
    for block in encoder.layout:
        width = 1
        for name, coding in block:
            if coding != "numeric":
                width *= len(encoder.levels[name]) - (coding == "reduced")
        term = ":".join(name for name, _ in block)
        found.setdefault(term, []).extend(range(start, start + width))
        start += width
    return found
