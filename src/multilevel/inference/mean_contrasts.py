"""Families of contrasts of k means, as matrices with a row per contrast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from math import gcd
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.typing import check_option

if TYPE_CHECKING:
    from multilevel.inference.multiplicity import Adjustment
    from multilevel.typing import Float

__all__ = ["ContrastMethod", "MeanContrasts", "mean_contrasts"]

ContrastMethod = Literal["pairwise", "trt.vs.ctrl", "consec", "eff", "del.eff", "mean_chg", "poly"]

_DEGREES = ("linear", "quadratic", "cubic", "quartic")
_HIGHEST_DEGREE = 6


@dataclass(frozen=True, slots=True)
class MeanContrasts:
    """Contrasts of k means.

    Attributes
    ----------
    labels : tuple of str
        Names of the contrasts.
    weights : ndarray, shape (m, k)
        One row of weights per contrast.
    adjustment : str
        How p values of this family are adjusted by default.
    pairwise : bool
        Whether these are all pairs of means.
    """

    labels: tuple[str, ...]
    weights: Float
    adjustment: Adjustment
    pairwise: bool = False


def mean_contrasts(method: Any, labels: Sequence[str], ref: str | None = None) -> MeanContrasts:
    """Build a family of contrasts.

    Parameters
    ----------
    method : str or mapping of str to sequence of float
        ``"pairwise"`` (each mean minus every later one), ``"trt.vs.ctrl"`` (others minus the mean
        ``ref``), ``"consec"`` (each minus the one before), ``"eff"`` (minus the average of all),
        ``"del.eff"`` (minus the average of the others), ``"mean_chg"`` (average after minus
        average up to here), ``"poly"`` (orthogonal polynomials of equally spaced levels, in whole
        numbers), or contrasts by name, a weight for each mean.
    labels : sequence of str
        Names of the k means.
    ref : str, optional
        Name of the mean that others are compared with in ``"trt.vs.ctrl"``; the first by default.

    Raises
    ------
    ValueError
        For a word that is no method.
    DataError
        For weights that are not k finite numbers, an unknown ``ref``, or a ``ref`` that the
        method does not use.
    """
    if ref is not None and method != "trt.vs.ctrl":
        raise DataError(f"ref={ref!r} is of use with method='trt.vs.ctrl' only.")
    if isinstance(method, Mapping):
        return _custom(method, labels)
    if not isinstance(method, str):
        raise TypeError(
            f"method must be a word or a dict of weights, {{label: [...]}}; got {method!r}."
        )
    check_option("method", method, ContrastMethod)
    if len(labels) < 2:
        raise DataError(f"There is nothing to compare {labels[0]!r} with: it is the only mean.")
    if method == "trt.vs.ctrl":
        return _versus(labels, _position(ref, labels))
    return _FAMILIES[method](labels)


def _pairwise(labels: Sequence[str]) -> MeanContrasts:
    k = len(labels)
    pairs = list(combinations(range(k), 2))
    names = tuple(f"{labels[a]} - {labels[b]}" for a, b in pairs)
    identity = np.eye(k)
    first, second = np.array(pairs, dtype=np.intp).reshape(-1, 2).T
    return MeanContrasts(names, identity[first] - identity[second], "tukey", pairwise=True)


def _versus(labels: Sequence[str], ref: int) -> MeanContrasts:
    others = [i for i in range(len(labels)) if i != ref]
    weights = np.eye(len(labels))[others]
    weights[:, ref] = -1.0
    return MeanContrasts(tuple(f"{labels[i]} - {labels[ref]}" for i in others), weights, "mvt")


def _position(ref: str | None, labels: Sequence[str]) -> int:
    if ref is None:
        return 0
    if str(ref) not in labels:
        raise DataError(f"ref={ref!r} is none of the means: {', '.join(labels)}.")
    return labels.index(str(ref))


def _consecutive(labels: Sequence[str]) -> MeanContrasts:
    names = tuple(f"{after} - {before}" for before, after in pairwise(labels))
    return MeanContrasts(names, np.diff(np.eye(len(labels)), axis=0), "mvt")


def _mean_changes(labels: Sequence[str]) -> MeanContrasts:
    """Average of the means after position i minus that of those up to it."""
    k = len(labels)
    after = np.triu(np.ones((k, k)), 1)[: k - 1]
    upto = 1.0 - after
    weights = after / after.sum(axis=1, keepdims=True) - upto / upto.sum(axis=1, keepdims=True)
    names = tuple(f"{before}|{later}" for before, later in pairwise(labels))
    return MeanContrasts(names, weights, "mvt")


def _effects(labels: Sequence[str]) -> MeanContrasts:
    k = len(labels)
    return MeanContrasts(tuple(f"{label} effect" for label in labels), np.eye(k) - 1.0 / k, "bh")


def _deleted_effects(labels: Sequence[str]) -> MeanContrasts:
    k = len(labels)
    effects = _effects(labels)
    return replace(effects, weights=effects.weights * k / (k - 1))


def _polynomial(labels: Sequence[str]) -> MeanContrasts:
    weights = _polynomials(len(labels))
    degrees = [*_DEGREES, *(f"degree {d}" for d in range(5, _HIGHEST_DEGREE + 1))]
    return MeanContrasts(tuple(degrees[: len(weights)]), weights, "none")


def _polynomials(k: int) -> Float:
    """Orthogonal polynomials on 0..k-1, in the smallest whole numbers, last value positive.

    Gram's polynomials by their explicit formula ``sum_i (-1)^i C(d, i) C(d+i, i) x^(i) / n^(i)``
    with falling powers of x and n = k - 1, all of it in integers.
    """
    n = k - 1
    rows = []
    for d in range(1, min(_HIGHEST_DEGREE, n) + 1):
        values = [_gram(x, d, n) for x in range(k)]
        divisor = gcd(*values) * (1 if values[-1] > 0 else -1)
        rows.append([value // divisor for value in values])
    return np.array(rows, dtype=np.float64).reshape(-1, k)


def _gram(x: int, d: int, n: int) -> int:
    """Gram's polynomial of degree d at x, times n (n-1) ... (n-d+1)."""
    total, binomials, falling = 0, 1, 1
    for i in range(d + 1):
        rest = 1
        for j in range(i, d):
            rest *= n - j
        total += (-1) ** i * binomials * falling * rest
        binomials = binomials * (d - i) * (d + i + 1) // (i + 1) ** 2
        falling *= x - i
    return total


def _custom(given: Mapping[Any, Any], labels: Sequence[str]) -> MeanContrasts:
    """Contrasts by name, their weights checked."""
    rows = []
    for name, weights in given.items():
        try:
            row = np.asarray(weights, dtype=np.float64)
        except (TypeError, ValueError):
            raise DataError(
                f"The weights of contrast {name!r} are not numbers: {weights!r}."
            ) from None
        if row.shape != (len(labels),):
            raise DataError(
                f"Contrast {name!r} must have {len(labels)} weights, one for each of "
                f"{', '.join(labels)}; it has {row.size}."
            )
        if not np.isfinite(row).all():
            raise DataError(f"The weights of contrast {name!r} must be finite: {row.tolist()}.")
        rows.append(row)
    if not rows:
        raise DataError("method is an empty dict: give contrasts as {label: weights}.")
    return MeanContrasts(tuple(map(str, given)), np.array(rows), "none")


_FAMILIES: Mapping[str, Callable[[Sequence[str]], MeanContrasts]] = {
    "pairwise": _pairwise,
    "consec": _consecutive,
    "eff": _effects,
    "del.eff": _deleted_effects,
    "mean_chg": _mean_changes,
    "poly": _polynomial,
}
