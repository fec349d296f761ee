"""The parameters that a criterion can be profiled over.

A point is ``(theta, log s)``: the free entries of the relative factors and the logarithm of the
residual standard deviation. A variance parameter is a smooth function of the point; profiling over
it keeps the point on a level of that function. Standard deviations are handled by their logarithm
and correlations by their inverse hyperbolic tangent, in which criteria are more nearly quadratic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.covariance.relative_factor import entries
from multilevel.inference.varcomp import variance_components

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray

__all__ = ["Level", "Parameter", "profile_parameters"]

Kind = Literal["fixed", "residual", "sd", "corr"]

# A correlation this close to +-1, and a standard deviation this share of the residual's (for a
# column of mean square 1), stand for the boundary.
_NEAR_ONE = 1e-6
_NEAR_ZERO = 1e-6


@dataclass(frozen=True, slots=True)
class Level:
    """Value, gradient and Hessian of a parameter as a function of the point."""

    value: float
    gradient: Float
    hessian: Float


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a fitted model.

    Attributes
    ----------
    kind : {"fixed", "residual", "sd", "corr"}
        What it is.
    group, term : str
        As in the table of estimates: ``"Subject"``, ``"sd__Days"``; no group for fixed effects.
    estimate : float
        On its own scale.
    rows : tuple of ndarray of intp
        Places in theta of the rows of Lambda that it depends on: one for a standard deviation,
        two for a correlation (the shorter row first).
    own : ndarray of intp
        Of a standard deviation: places in theta of its row and column of Lambda, which do not
        matter when it is zero.
    column : int
        Position among the kept fixed effects.
    unit : float
        Standard deviation that counts as one: that of the residuals over the root mean square of
        the column.
    """

    kind: Kind
    group: str
    term: str
    estimate: float
    rows: tuple[IndexArray, ...] = ()
    own: IndexArray = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    column: int = -1
    unit: float = 1.0

    @property
    def bounds(self) -> tuple[float, float]:
        """Limits of the parameter, transformed."""
        if self.kind == "sd":
            return float(np.log(_NEAR_ZERO * self.unit)), np.inf
        if self.kind == "corr":
            return float(-np.arctanh(1.0 - _NEAR_ONE)), float(np.arctanh(1.0 - _NEAR_ONE))
        return -np.inf, np.inf

    @property
    def start(self) -> float:
        """The estimate, transformed and within the bounds."""
        low, high = self.bounds
        return float(np.clip(self.transform(self.estimate), low, high))

    def transform(self, value: float) -> float:
        """To the scale of the search."""
        with np.errstate(divide="ignore", invalid="ignore"):
            if self.kind in ("sd", "residual"):
                return float(np.log(value))
            return float(np.arctanh(value)) if self.kind == "corr" else value

    def value(self, transformed: float) -> float:
        """Back from the scale of the search; the boundary itself where it is all but reached."""
        low, high = self.bounds
        if self.kind == "sd":
            return 0.0 if transformed <= low else float(np.exp(transformed))
        if self.kind == "corr":
            at_bound = transformed <= low or transformed >= high
            return float(np.sign(transformed)) if at_bound else float(np.tanh(transformed))
        return float(np.exp(transformed)) if self.kind == "residual" else transformed

    def restore(self, point: Float, transformed: float) -> Float:
        """The point moved onto the level ``transformed``; its rows of Lambda must not be zero."""
        moved = point.copy()
        if self.kind == "residual":
            moved[-1] = transformed
        elif len(self.frozen(transformed)):
            moved[self.own] = 0.0
        elif self.kind == "sd":
            row = self.rows[0]
            moved[row] *= np.exp(transformed - point[-1]) / np.linalg.norm(point[row])
        elif self.kind == "corr":
            short, long = self.rows
            a = point[short] / np.linalg.norm(point[short])
            b = point[long].copy()
            length = np.linalg.norm(b)
            b[: len(a)] -= (b[: len(a)] @ a) * a  # what is left is orthogonal to a
            b /= np.cosh(transformed) * np.linalg.norm(b)
            b[: len(a)] += np.tanh(transformed) * a
            moved[long] = length * b
        return moved

    def frozen(self, transformed: float) -> IndexArray:
        """Places in theta that are zero on a level: those of an effect that does not vary."""
        at_zero = self.kind == "sd" and transformed <= self.bounds[0]
        return self.own if at_zero else self.own[:0]

    def level(self, point: Float) -> Level:
        """Value and derivatives: the logarithm of a standard deviation, the correlation itself."""
        if self.kind == "corr":
            return _correlation(point, *self.rows)
        n = len(point)
        gradient, hessian = np.zeros(n), np.zeros((n, n))
        gradient[-1], value = 1.0, float(point[-1])
        if self.kind == "sd":
            row = self.rows[0]
            r = point[row]
            square = float(r @ r)
            value += float(np.log(square)) / 2.0
            gradient[row] = r / square
            hessian[np.ix_(row, row)] = np.eye(len(r)) / square - np.outer(r, r) * 2 / square**2
        return Level(value, gradient, hessian)


def _correlation(point: Float, short: IndexArray, long: IndexArray) -> Level:
    """Correlation of two rows a and b: the cosine of their angle."""
    n = len(point)
    gradient, hessian = np.zeros(n), np.zeros((n, n))
    a, b = np.zeros(len(long)), point[long]
    a[: len(short)] = point[short]
    alpha, beta = np.linalg.norm(a), np.linalg.norm(b)
    a, b = a / alpha, b / beta
    rho = float(a @ b)
    eye, k = np.eye(len(long)), len(short)
    gradient[short] = ((b - rho * a) / alpha)[:k]
    gradient[long] = (a - rho * b) / beta
    ab = np.outer(a, b)
    aa, bb = np.outer(a, a), np.outer(b, b)
    own_a = (3 * rho * aa - ab - ab.T - rho * eye) / alpha**2
    mixed = (eye - aa - bb + rho * ab) / (alpha * beta)
    hessian[np.ix_(short, short)] = own_a[:k, :k]
    hessian[np.ix_(long, long)] = (3 * rho * bb - ab - ab.T - rho * eye) / beta**2
    hessian[np.ix_(short, long)] = mixed[:k]
    hessian[np.ix_(long, short)] = mixed[:k].T
    return Level(rho, gradient, hessian)


def profile_parameters(matrices: ModelMatrices, state: FitState) -> tuple[Parameter, ...]:
    """All parameters: kept fixed effects, then standard deviations and correlations, residual last.

    The order of the variance parameters is that of the table of estimates.
    """
    out = [
        Parameter("fixed", "", matrices.coef_names[name], float(state.beta[j]), column=j)
        for j, name in enumerate(matrices.kept)
    ]
    start = 0
    for term, part in zip(matrices.terms, variance_components(matrices, state), strict=True):
        places = entries(term.covariance, len(term.names))
        effects = range(len(term.names))
        rows = [_places(start, [i == row for i, _ in places]) for row in effects]
        own = [_places(start, [row in place for place in places]) for row in effects]
        units = state.sigma / np.sqrt(np.mean(np.square(term.z), axis=0))
        out += [
            Parameter("sd", part.group, f"sd__{name}", float(sd), (row,), both, unit=float(unit))
            for name, sd, row, both, unit in zip(part.names, part.sd, rows, own, units, strict=True)
        ]
        out += [
            Parameter(
                "corr", part.group, f"corr__{part.names[a]}.{part.names[b]}",
                float(part.corr[a, b]), (rows[a], rows[b]),
            )
            for a, b in part.pairs
        ]  # fmt: skip
        start += len(places)
    out.append(Parameter("residual", "Residual", "sd__residual", state.sigma))
    return tuple(out)


def _places(start: int, mask: list[bool]) -> IndexArray:
    return start + np.flatnonzero(mask)
