"""Whether one model is a special case of another, and which parameters the other adds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError
from multilevel.inference.likelihood_ratio import BoundaryMixture

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.tidy import Columns
    from multilevel.typing import Float, Int

__all__ = [
    "boundary_mixture",
    "check_nested",
    "mixture_columns",
    "same_fixed_space",
    "spans_constant",
]

# Columns inside a space are at most this part of their length outside.
_INSIDE = 1e-7
_FIRST = 1000


@dataclass(frozen=True, slots=True)
class Effects:
    """Random effects with a free covariance matrix of their own.

    Attributes
    ----------
    codes : ndarray of int32, shape (n,)
        Group of every row.
    z : ndarray, shape (n, k)
        Columns.
    """

    codes: Int
    z: Float


def check_nested(small: LinearMixedModel, big: LinearMixedModel) -> None:
    """Raise ``DataError`` unless the first model is a special case of the second."""
    a, b = small.model.matrices, big.model.matrices
    if not _fixed_inside(a, b):
        what = "its fixed effects (or offset) are"
    elif _homes(_effects(a), _effects(b)) is None:
        what = "its random effects are"
    else:
        return
    raise DataError(
        f"`{small.formula}` is not nested in `{big.formula}`: {what} no special case. The "
        "likelihood-ratio test needs nested models; compare these by information criteria with "
        "compare()."
    )


def same_fixed_space(first: ModelMatrices, second: ModelMatrices) -> bool:
    """Whether the fixed-effects columns of two models span the same space."""
    return first.X.shape[1] == second.X.shape[1] and _fixed_inside(first, second)


def boundary_mixture(
    small: ModelMatrices, big: ModelMatrices, *, singular: bool
) -> BoundaryMixture | None:
    """Distribution of the likelihood ratio where the smaller model lacks one random effect.

    None where no variance is set to zero, and where the weights of the mixture are not known:
    several variances at zero, other fixed effects, or a smaller model whose fit is ``singular``.
    """
    if singular or not same_fixed_space(small, big):
        return None
    ours, theirs = _effects(small), _effects(big)
    homes = _homes(ours, theirs)
    if homes is None:
        return None
    changed = []
    for i, effects in enumerate(theirs):
        housed = [ours[j] for j, home in enumerate(homes) if home == i]
        if [one.z.shape[1] for one in housed] != [effects.z.shape[1]]:
            changed.append((effects, housed))
    if len(changed) != 1:
        return None
    [(effects, housed)] = changed
    if len(housed) > 1 or not all(_same_groups(one.codes, effects.codes) for one in housed):
        return None  # covariances become free and no variance is set to zero, or several are
    k = effects.z.shape[1]
    return BoundaryMixture(k) if sum(one.z.shape[1] for one in housed) == k - 1 else None


def spans_constant(z: Float) -> bool:
    """Whether the constant is a linear combination of columns of random effects."""
    return _inside(np.ones((len(z), 1)), z)


def mixture_columns(mixtures: Sequence[BoundaryMixture | None], statistic: Float) -> Columns:
    """P values by mixtures, and their names; NaN and empty where there is none."""
    return {
        "p_value_mixture": np.array(
            [
                np.nan if mixture is None else mixture.p_value(value)
                for mixture, value in zip(mixtures, statistic.tolist(), strict=True)
            ]
        ),
        "mixture": ["" if mixture is None else str(mixture) for mixture in mixtures],
    }


def _fixed_inside(small: ModelMatrices, big: ModelMatrices) -> bool:
    """Whether the means of the smaller model are means of the larger one."""
    if small.X is big.X and small.offset is big.offset:
        return True
    known = [0.0 if m.offset is None else m.offset for m in (small, big)]
    shift = np.broadcast_to(known[0] - known[1], small.n_rows)
    if small.X.shape == big.X.shape and np.array_equal(small.X, big.X) and not shift.any():
        return True
    return _inside(small.X, big.X) and _inside(shift[:, None], big.X)


def _inside(columns: Float, space: Float) -> bool:
    """Whether columns are linear combinations of others, which are independent."""
    columns = _without_equal(columns, space)
    if not columns.shape[1]:
        return True
    scale = np.abs(space).max(axis=0, initial=0.0)
    basis = np.linalg.qr(space / np.where(scale > 0.0, scale, 1.0))[0]
    gap = columns - basis @ (basis.T @ columns)
    size = np.linalg.norm(columns, axis=0)
    return bool((np.linalg.norm(gap, axis=0) <= _INSIDE * size).all())


def _without_equal(columns: Float, space: Float) -> Float:
    """Columns that are neither zero nor among others: for those nothing need be computed."""
    left = [
        j
        for j, column in enumerate(columns.T)
        if column.any() and not any(_equal(column, other) for other in space.T)
    ]
    return columns[:, left]


def _equal(a: Float, b: Float) -> bool:
    """Whether columns are equal; most that are not differ among the first rows."""
    return np.array_equal(a[:_FIRST], b[:_FIRST]) and np.array_equal(a, b)


def _effects(matrices: ModelMatrices) -> list[Effects]:
    """Random effects of a model; independent ones are each on their own."""
    found = []
    for term in matrices.terms:
        codes = matrices.factors[term.factor].codes
        if term.covariance == "unstructured":
            found.append(Effects(codes, term.z))
        else:
            found += [Effects(codes, term.z[:, [j]]) for j in range(term.z.shape[1])]
    return found


def _homes(small: list[Effects], big: list[Effects]) -> list[int] | None:
    """For all effects of the smaller model those of the larger that comprise them, or None."""
    homes = []
    for effects in small:
        comprising = [i for i, other in enumerate(big) if _comprised(effects, other)]
        if not comprising:
            return None
        # The narrowest: (1 | g) goes to (1 | g) rather than to (x | g).
        homes.append(min(comprising, key=lambda i: big[i].z.shape[1]))
    return homes


def _comprised(effects: Effects, other: Effects) -> bool:
    """Whether the covariances that some effects make are among those that others make."""
    if effects.z.shape[1] > other.z.shape[1]:
        return False
    if _same_groups(effects.codes, other.codes):
        return _inside(effects.z, other.z)
    return _equal_in_cells(effects, other)


def _equal_in_cells(effects: Effects, other: Effects) -> bool:
    """Whether ``(1 | g:f)`` stands beside ``(0 + f | g)``: it gives the levels one variance."""
    k = other.z.shape[1]
    n_groups, n_cells = int(other.codes.max()) + 1, int(effects.codes.max()) + 1
    if k == 1 or np.ptp(effects.z, axis=0).any() or not n_groups < n_cells <= k * n_groups:
        return False
    patterns, cell = np.unique(other.z, axis=0, return_inverse=True)
    if len(patterns) != k:  # as many as columns: one free effect for each
        return False
    cells = np.unique(other.codes.astype(np.int64) * k + cell.ravel(), return_inverse=True)[1]
    return _same_groups(effects.codes, cells.astype(np.int32))


def _same_groups(a: Int, b: Int) -> bool:
    """Whether two factors group the rows alike, whatever the labels."""
    if np.array_equal(a, b):
        return True
    n_a, n_b = int(a.max()) + 1, int(b.max()) + 1
    if n_a != n_b:
        return False
    return len(np.unique(a.astype(np.int64) * n_b + b)) == n_a
