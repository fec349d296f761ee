"""Principal components of the random effects of a fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.diagnostics.singularity import components, remedy

if TYPE_CHECKING:
    from multilevel.diagnostics.singularity import Components
    from multilevel.fits.checks import FitChecks
    from multilevel.report.tidy import Columns

__all__ = ["component_columns", "effect_components"]


def effect_components(fit: FitChecks) -> list[Components]:
    """Principal components of every term, effects on the scale of the response.

    An effect counts by what it makes of the response: times the root mean square of its column, so
    that units of predictors do not matter.
    """
    found = []
    for term, estimated in zip(fit._matrices.terms, fit.state.terms, strict=True):
        size = np.sqrt(np.mean(np.square(term.z), axis=0))
        root = fit.sigma * estimated.relative_factor * size[:, None]
        found.append(components(root, fit.sigma))
    return found


def component_columns(fit: FitChecks) -> Columns:
    """Components with their loadings, one row for every effect in every component."""
    rows: list[tuple[Any, ...]] = []
    for term, found in zip(fit._matrices.terms, effect_components(fit), strict=True):
        advice = remedy(found, term.names, term.covariance)
        group = fit._matrices.factors[term.factor].name
        for c in range(len(found.sd)):
            message = advice if found.zero[c] else ""
            rows += [
                (group, term.label, c + 1, found.sd[c], found.share[c], name, loading, message)
                for name, loading in zip(term.names, found.loadings[:, c], strict=True)
            ]
    names = ("group", "random_term", "component", "sd", "share", "term", "loading", "message")
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
