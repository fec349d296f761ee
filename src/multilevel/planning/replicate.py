"""One replicate of a power study: data drawn, model fitted, coefficients tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError, MultilevelError
from multilevel.fits.linear import LinearMixedModel
from multilevel.fits.replicates import ReplicateFailed
from multilevel.fits.statistics import refitted

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.model import MixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod, FixedTests
    from multilevel.planning.truth import Design
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray

__all__ = ["Replicate", "check_design", "find"]

_TRIALS = 3  # data sets drawn before a design is said to be impossible


@dataclass(frozen=True, slots=True)
class Replicate:
    """What a replicate does: estimates, standard errors and degrees of freedom.

    Attributes
    ----------
    design : Design
        How data are drawn.
    terms : tuple of str, length k
        Coefficients that are tested.
    reml : bool
        Criterion.
    df_method : str or None
        How they are tested.
    """

    design: Design
    terms: tuple[str, ...]
    reml: bool
    df_method: DfMethod | None

    def __call__(self, generator: np.random.Generator) -> Float:
        """Estimates, errors and degrees of freedom, then whether singular, shape (3 k + 1,)."""
        try:
            return self.numbers(self.design.draw(generator))
        except (MultilevelError, np.linalg.LinAlgError) as error:
            line = (str(error).splitlines() or [""])[0]
            raise ReplicateFailed(f"{type(error).__name__}: {line}") from error

    def numbers(self, model: MixedModel) -> Float:
        """What is kept of a fit."""
        state, tests = self.tested(model)
        at = find(model.matrices, self.terms)
        variance = tests.vcov.diagonal()[at]
        df = tests.df(np.eye(len(state.beta))[at])
        if not (variance > 0.0).all() or np.isnan(df).any():
            raise ReplicateFailed("a standard error or its degrees of freedom are not defined")
        return np.concatenate([state.beta[at], np.sqrt(variance), df, [state.is_singular]])

    def tested(self, model: MixedModel) -> tuple[FitState, FixedTests]:
        """Fit a model, and say how its coefficients are tested."""
        state = refitted(model.problem, self.reml)
        return state, LinearMixedModel(model, state)._fixed_tests(self.df_method)


def find(matrices: ModelMatrices, terms: tuple[str, ...]) -> IndexArray:
    """Positions among the kept coefficients; the order of an interaction's parts does not matter.

    Raises
    ------
    DataError
        If the fitted model does not have one.
    """
    kept = [matrices.coef_names[j] for j in matrices.kept]
    names = [sorted(name.split(":")) for name in kept]
    for term in terms:
        if sorted(term.split(":")) not in names:
            raise DataError(
                f"The fitted model has no coefficient {term!r}; its coefficients are: "
                f"{', '.join(kept)}."
            )
    return np.array([names.index(sorted(term.split(":"))) for term in terms], dtype=np.intp)


def check_design(replicate: Replicate) -> str:
    """Raise what is wrong with a design before it is simulated; name the method of its tests.

    Raises
    ------
    MultilevelError
        If the model cannot be fitted to any of some data sets drawn.
    """
    problem: BaseException | None = None
    for seed in range(_TRIALS):
        try:
            model = replicate.design.draw(np.random.default_rng(seed))
            find(model.matrices, replicate.terms)
            _check_groups(model.matrices)
            return replicate.tested(model)[1].label
        except (MultilevelError, ReplicateFailed) as error:
            problem = error if error.__cause__ is None else error.__cause__
    if isinstance(problem, MultilevelError):
        raise problem
    raise DataError(f"The model cannot be fitted to data of this design: {problem}.") from problem


def _check_groups(matrices: ModelMatrices) -> None:
    """Refuse fewer groups than their predictors need."""
    if not matrices.factors:
        return
    factor = min(matrices.factors, key=lambda factor: factor.n_levels)
    first = np.zeros(factor.n_levels, dtype=np.intp)
    first[factor.codes[::-1]] = np.arange(matrices.n_rows)[::-1]
    constant = (matrices.X[first[factor.codes]] == matrices.X).all(axis=0)
    names = [matrices.coef_names[j] for j in matrices.kept[constant]]
    if factor.n_levels <= len(names):
        raise DataError(
            f"n_groups={factor.n_levels} is too few: {len(names)} coefficients do not vary within "
            f"a {factor.name!r} ({', '.join(names)}) and leave no degrees of freedom. Give "
            f"{len(names) + 1} groups at the very least."
        )
