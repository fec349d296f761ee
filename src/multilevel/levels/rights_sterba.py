"""Rights and Sterba's decomposition of the variance of a response, for any number of levels.

Rights & Sterba (2019), Psychological Methods 24, 309-338, for two levels and predictors centred
within groups; here every predictor is split into the parts that vary at each level, so that it does
not matter how it is centred, and levels may be nested or crossed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.levels.level_parts import level_parts
from multilevel.levels.nesting import is_nested

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["Source", "rights_sterba"]

# A part of a column this small against it is rounding.
_NOTHING = 1e-12

Kind = Literal["fixed", "slopes", "intercepts", "residual"]


@dataclass(frozen=True, slots=True)
class Source:
    """A source of variance.

    Attributes
    ----------
    kind : {"fixed", "slopes", "intercepts", "residual"}
        Predictors by their fixed effects (f); predictors by their random slopes (v); differences
        of the means of groups (m); residuals (sigma squared).
    level : int
        Where it varies: index of a grouping factor, or their number for the rows.
    factor : int or None
        Whose random effects they are.
    variance : float
        Variance of the source.
    """

    kind: Kind
    level: int
    factor: int | None
    variance: float


def rights_sterba(matrices: ModelMatrices, state: FitState) -> list[Source]:
    """Sources of variance, from the rows up.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.

    Notes
    -----
    With ``z`` the columns of a term of factor g and ``z = z_0 + ... + z_L`` their parts by level,
    the mean of ``z' Sigma z`` is the sum of those of ``z_l' Sigma z``. Parts that do not vary
    within the groups of g make the means of groups differ (m); the others are slopes (v). The parts
    of ``X beta`` have the variances ``cov(eta_l, eta)``, which are those of the parts where these
    are orthogonal, as nested ones are. Variances and covariances have the denominator n - 1.
    """
    factors = matrices.factors
    rows = len(factors)
    eta = matrices.X @ state.beta
    centred = eta - eta.mean()
    fixed = level_parts(eta, factors)[1:]
    degrees = max(len(eta) - 1, 1)
    sources = [
        Source("fixed", level, None, float(part @ centred) / degrees)
        for level, part in enumerate(fixed)
    ]
    random = _random(matrices, state).items()
    sources += [Source(kind, level, g, variance) for (kind, level, g), variance in random]
    sources.append(Source("residual", rows, None, state.sigma**2))
    order = {"fixed": 0, "slopes": 1, "intercepts": 2, "residual": 3}
    return sorted(sources, key=lambda s: (-s.level, order[s.kind]))


def _random(matrices: ModelMatrices, state: FitState) -> dict[tuple[Kind, int, int], float]:
    found: dict[tuple[Kind, int, int], float] = {}
    for term, fitted in zip(matrices.terms, state.terms, strict=True):
        g = term.factor
        found.setdefault(("intercepts", g, g), 0.0)
        weighted = term.z @ fitted.covariance  # rows of z' Sigma
        for z, other in zip(term.z.T, weighted.T, strict=True):
            for part, values in enumerate(_parts(z, matrices)):
                if values is None:
                    continue
                key = _place(part - 1, g, matrices)
                degrees = len(z) - 1 if key[0] == "slopes" else len(z)
                found[key] = found.get(key, 0.0) + float(values @ other) / degrees
    return found


def _parts(z: Float, matrices: ModelMatrices) -> list[Float | None]:
    """Parts of a random-effect column by level, None where it does not vary."""
    if np.ptp(z) == 0.0:
        return [z, *[None] * (len(matrices.factors) + 1)]
    spread = np.abs(z).max()
    parts = level_parts(z, matrices.factors)
    return [part if np.abs(part).max() > _NOTHING * spread else None for part in parts]


def _place(level: int, g: int, matrices: ModelMatrices) -> tuple[Kind, int, int]:
    """Where random effects of factor g on columns that vary at a level belong (-1: constant)."""
    factors = matrices.factors
    if level in (-1, g):
        return "intercepts", g, g
    if level < len(factors):
        inner = factors[g]
        if is_nested(inner.codes, inner.n_levels, factors[level].codes):
            return "intercepts", g, g
    return "slopes", level, g
