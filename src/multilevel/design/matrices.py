"""The arrays of a model: what the formula and the data frame become before the waist.

Everything below (moments, covariance, solver, ...) sees only these NumPy arrays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from multilevel.typing import CovarianceKind, Float, IndexArray, Int

__all__ = ["GroupingFactor", "ModelMatrices", "RandomTerm"]


@dataclass(frozen=True, slots=True)
class GroupingFactor:
    """A grouping factor: which group each row belongs to.

    Attributes
    ----------
    name : str
        As written in the formula: ``"school"``, ``"batch:cask"``.
    columns : tuple of str
        Columns of the data that make it up, one for a plain factor, several for an interaction.
    codes : ndarray of int32, shape (n,)
        Group of each row, ``0 .. n_levels - 1``; every level occurs at least once.
    levels : ndarray of object or of the column's type, shape (n_levels,)
        Labels of the groups. An interaction's labels are strings such as ``"A:b"``.
    """

    name: str
    columns: tuple[str, ...]
    codes: Int
    levels: npt.NDArray[np.generic]

    @property
    def n_levels(self) -> int:
        """Number of groups."""
        return len(self.levels)


@dataclass(frozen=True, slots=True)
class RandomTerm:
    """One random-effects term ``(z | g)`` after expansion of ``/`` and ``||``.

    Attributes
    ----------
    factor : int
        Index of its grouping factor in :attr:`ModelMatrices.factors`.
    names : tuple of str, length k
        Names of the random-effect columns: ``("Intercept", "Days")``.
    z : ndarray, shape (n, k), C order
        Values of the columns. An intercept-only term is a read-only broadcast of 1.0 (stride 0).
    covariance : {"unstructured", "independent"}
        Covariance of the k effects within a group.
    label : str
        The term as text, ``"(1 + Days | Subject)"``.
    """

    factor: int
    names: tuple[str, ...]
    z: Float
    covariance: CovarianceKind
    label: str


@dataclass(frozen=True, slots=True)
class ModelMatrices:
    """Response, fixed-effects matrix and random-effects terms of a linear mixed model.

    Rows with missing values are gone already, and so are columns of X that are linear
    combinations of columns before them. The arrays may be the user's own memory, and a term's z
    may be X itself: they are read, never written to.

    Attributes
    ----------
    y : ndarray, shape (n,)
        Response.
    X : ndarray, shape (n, p)
        Fixed-effects columns that are kept, full column rank, C order. p may be 0.
    coef_names : tuple of str, length p_all >= p
        Names of all fixed-effects columns, dropped ones included.
    kept : ndarray of intp, shape (p,)
        Positions in ``coef_names`` of the columns of X.
    factors : tuple of GroupingFactor
        Distinct grouping factors in order of appearance.
    terms : tuple of RandomTerm
        Random-effects terms in order of appearance (may be empty: ordinary least squares).
    weights : ndarray, shape (n,), or None
        Prior weights, all positive: ``Var(e_i) = sigma**2 / w_i``.
    offset : ndarray, shape (n,), or None
        Known part of the linear predictor.
    """

    y: Float
    X: Float
    coef_names: tuple[str, ...]
    kept: IndexArray
    factors: tuple[GroupingFactor, ...]
    terms: tuple[RandomTerm, ...]
    weights: Float | None
    offset: Float | None

    @property
    def n_rows(self) -> int:
        """Number of rows used."""
        return len(self.y)
