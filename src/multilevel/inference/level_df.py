"""Degrees of freedom counted in the design: rows, or groups of a level, minus coefficients.

These rules look at the data's levels and not at the estimates; they are exact in balanced designs
and rough elsewhere. They need nested grouping factors: where factors cross, no level is defined.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import NotSupportedError
from multilevel.inference.degrees_of_freedom import TabledDf

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.design.matrices import GroupingFactor, ModelMatrices
    from multilevel.state import FitState
    from multilevel.typing import Float, Int

__all__ = ["between_within", "level_based", "residual_df"]

# Differences below this share of a column's largest value are rounding.
_ROUNDING = 1e-9


def residual_df(matrices: ModelMatrices, state: FitState) -> TabledDf:
    """Tests with ``n - p`` degrees of freedom for every coefficient, as in least squares.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.
    """
    n, p = matrices.X.shape
    return TabledDf("residual", state.beta, state.root, np.full(p, float(n - p)))


def between_within(matrices: ModelMatrices, state: FitState) -> TabledDf:
    """Tests with between-within degrees of freedom, by the inner-outer rule.

    A column of X that is constant within the groups of level i, but not within those of level
    i - 1 above it, has ``m_i - m_(i-1) - p_i`` degrees of freedom: m_i groups at level i (rows at
    the lowest; m_0 is 1 with an intercept, else 0) and p_i such columns. The intercept has those
    of the lowest level. Random slopes do not matter. Pinheiro & Bates (2000), Mixed-Effects Models
    in S and S-PLUS, Sec. 2.4.2; for two levels, but for the intercept, Schluchter & Elashoff
    (1990), J. Stat. Comput. Simul. 37, 69-87.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.

    Raises
    ------
    NotSupportedError
        For crossed grouping factors.
    """
    X = matrices.X
    n, p = X.shape
    levels = _nested_levels(matrices, "between-within")
    constant = np.array([_is_zero(c - c[0], c) for c in X.T], dtype=bool)
    groups = [int(constant.any()), *(factor.n_levels for factor in levels), n]
    level = np.full(p, len(levels) + 1)
    for i, factor in reversed(list(enumerate(levels, start=1))):
        level[_constant_within(X, factor)] = i
    level[constant] = len(levels) + 1  # the intercept, which counts as m_0 and not as a p_i
    counts = np.bincount(level[~constant], minlength=len(groups))
    df = np.array([groups[i] - groups[i - 1] - counts[i] for i in level.tolist()], dtype=float)
    return _tabled("between-within", state, df)


def level_based(matrices: ModelMatrices, state: FitState) -> TabledDf:
    """Tests with ``m - l - 1`` degrees of freedom: the groups against which a coefficient varies.

    The model is read as the regressions of a hierarchical model: a regression of the groups' means
    on the l predictors that are constant within these groups and, where the slope of a predictor x
    is random, a regression of the groups' slopes on the l predictors whose products with x are in
    the model. A coefficient of such a regression has the m groups minus its coefficients, ``m - l
    - 1``, at the highest level at which it belongs to one; any other coefficient has ``n - p``.
    Raudenbush & Bryk (2002), Hierarchical Linear Models, Sec. 3 (t tests with J - S_q - 1);
    Snijders & Bosker (2012), Multilevel Analysis, Sec. 6.1; Hox, Moerbeek & van de Schoot (2018),
    Multilevel Analysis; its good performance with few groups: Elff, Heisig, Schaeffer & Shikano
    (2021), Br. J. Polit. Sci. 51, 412-426.

    A column of X that mixes random slopes (an uncentred predictor whose centred form has the random
    slope) counts with the other columns of that kind as one regression.

    Parameters
    ----------
    matrices : ModelMatrices
        The arrays of the model.
    state : FitState
        The fit.

    Raises
    ------
    NotSupportedError
        For crossed grouping factors.
    """
    X = matrices.X
    n, p = X.shape
    df = np.full(p, float(n - p))
    for factor in reversed(_nested_levels(matrices, "m-l-1")):
        terms = [term for term in matrices.terms if matrices.factors[term.factor] is factor]
        slopes = [z for term in terms for z in term.z.T if not _is_zero(z - z[0], z)]
        open_ = np.ones(p, dtype=bool)
        regressions = [[np.ones(n)], *([z] for z in slopes), [np.ones(n), *slopes]]
        for columns in regressions:
            members = open_ & _spanned(X, factor, columns)
            df[members] = factor.n_levels - members.sum()
            open_ &= ~members
    return _tabled("m - l - 1", state, df)


def _tabled(label: str, state: FitState, df: Float) -> TabledDf:
    note = None
    if (df <= 0.0).any():
        note = (
            "There are as many coefficients as groups at some level, which leaves no degrees of "
            "freedom for their tests."
        )
    return TabledDf(label, state.beta, state.root, np.maximum(df, 0.0), note)


def _nested_levels(matrices: ModelMatrices, word: str) -> list[GroupingFactor]:
    """Grouping factors from the top level down."""
    levels = sorted(matrices.factors, key=lambda factor: factor.n_levels)
    for above, below in pairwise(levels):
        parents = np.column_stack([below.codes, above.codes])
        if len(np.unique(parents, axis=0)) > below.n_levels:
            raise NotSupportedError(
                f"df_method={word!r} counts the groups of nested levels, and the grouping factors "
                f"{above.name!r} and {below.name!r} are crossed, so that no level is above the "
                "other. Use df_method='satterthwaite', which is defined for every design."
            )
    return levels


def _constant_within(X: Float, factor: GroupingFactor) -> npt.NDArray[np.bool_]:
    """Whether each column of X is constant within the groups of a factor, shape (p,)."""
    first = np.unique(factor.codes, return_index=True)[1]
    return np.array([_is_zero(c - c[first][factor.codes], c) for c in X.T], dtype=bool)


def _spanned(X: Float, factor: GroupingFactor, columns: list[Float]) -> npt.NDArray[np.bool_]:
    """Whether each column of X is a combination of columns, with coefficients per group."""
    basis: list[Float] = []
    for z in columns:
        rest = _residual(z, factor.codes, basis)
        basis.append(np.where(np.abs(rest) <= _ROUNDING * np.abs(z).max(), 0.0, rest))
    return np.array([_is_zero(_residual(c, factor.codes, basis), c) for c in X.T], dtype=bool)


def _residual(c: Float, codes: Int, basis: list[Float]) -> Float:
    """What columns that are orthogonal within groups leave of c (twice, against rounding)."""
    for z in [*basis, *basis]:
        squares = np.bincount(codes, z * z)
        products = np.bincount(codes, z * c)
        c = c - z * (products / np.where(squares > 0.0, squares, 1.0))[codes]
    return c


def _is_zero(difference: Float, c: Float) -> bool:
    return bool(np.abs(difference).max(initial=0.0) <= _ROUNDING * np.abs(c).max(initial=0.0))
