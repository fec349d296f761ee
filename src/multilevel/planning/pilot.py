"""A fit as the truth of a power study: its parameters, and groups and rows drawn from its data."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import DataError, NotSupportedError
from multilevel.inference.wald import wald_interval
from multilevel.planning.sizes import check_size, expected_sizes
from multilevel.prediction.cases import ROWS, Level, case_scheme, top_factor
from multilevel.prediction.resample import parametric_scheme

if TYPE_CHECKING:
    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.fits.model import MixedModel
    from multilevel.frames.table import Table
    from multilevel.planning.truth import Design, Effects
    from multilevel.prediction.cases import CaseScheme
    from multilevel.prediction.resample import ParametricScheme
    from multilevel.state import FitState
    from multilevel.typing import Float, IndexArray

__all__ = ["PilotTruth", "pilot_truth"]


@dataclass(frozen=True, slots=True)
class Draws(Level):
    """A level of which so many units are drawn, with replacement, from each unit above.

    Attributes
    ----------
    count : int
        How many.
    """

    count: int

    def below(
        self, above: IndexArray, generator: np.random.Generator
    ) -> tuple[IndexArray, IndexArray]:
        """Units below some units, with the position in ``above`` that each belongs to."""
        owner = np.repeat(np.arange(len(above)), self.count)
        place = generator.integers(self.sizes[above][owner])
        return self.order[self.starts[above][owner] + place], owner


@dataclass(frozen=True, slots=True)
class SameRows:
    """The rows of the pilot data with new responses.

    Attributes
    ----------
    model : MixedModel
        What is fitted.
    scheme : ParametricScheme
        How responses are drawn.
    """

    model: MixedModel
    scheme: ParametricScheme

    def draw(self, generator: np.random.Generator) -> MixedModel:
        """Draw responses, and make the model of them."""
        return self.model.with_response(self.scheme.draw(generator))


@dataclass(frozen=True, slots=True)
class NewRows:
    """Groups, or rows within groups, drawn from the pilot data, with new responses.

    Attributes
    ----------
    model : MixedModel
        What is fitted.
    state : FitState
        The parameters.
    cases : CaseScheme
        How rows are drawn.
    """

    model: MixedModel
    state: FitState
    cases: CaseScheme

    def draw(self, generator: np.random.Generator) -> MixedModel:
        """Draw rows and responses, and make the model of them."""
        try:
            rows = self.cases.draw(generator)
        except DataError as error:
            raise DataError(f"{error} Draw more groups, or more rows of each.") from error
        y = parametric_scheme(rows, self.state).draw(generator)
        model = copy.copy(self.model)
        model.__dict__.pop("problem", None)
        model.design = replace(model.design, matrices=replace(rows, y=y))
        return model


@dataclass(frozen=True, slots=True)
class PilotTruth:
    """A fit to pilot data.

    Attributes
    ----------
    model : MixedModel
        What is fitted.
    matrices : ModelMatrices
        The arrays that responses are drawn with.
    state : FitState
        The parameters that they are drawn with.
    terms : tuple of str
        Coefficients that are studied.
    effects : ndarray, shape (k,)
        Their true values.
    notes : tuple of str
        What the reader should know.
    """

    model: MixedModel
    matrices: ModelMatrices
    state: FitState
    terms: tuple[str, ...]
    effects: Float
    notes: tuple[str, ...]

    @property
    def formula(self) -> str:
        """What is fitted."""
        return self.model.formula

    @property
    def reml(self) -> bool:
        """Criterion of the fits: that of the pilot fit."""
        return self.state.reml

    @property
    def table(self) -> Table:
        """The pilot data."""
        return self.model.design.table

    def design(self, n_groups: int | None, n_per_group: int | None) -> Design:
        """Data of one size; None keeps that of the pilot data.

        Raises
        ------
        DataError
            If a size is not a number, or the pilot data have no groups.
        NotSupportedError
            For crossed groups, or another formula than that of the pilot fit.
        """
        if n_groups is None and n_per_group is None:
            return SameRows(self.model, parametric_scheme(self.matrices, self.state))
        if self.model.matrices is not self.matrices:
            raise NotSupportedError(
                "formula= with n_groups= or n_per_group= needs a stated model: give a mapping of "
                "parameters instead of the fit, or keep the sizes of the pilot data."
            )
        return NewRows(self.model, self.state, _cases(self.matrices, n_groups, n_per_group))

    def sizes(self, n_groups: int | None, n_per_group: int | None) -> dict[str, float]:
        """Columns that tell a design."""
        counts = [factor.n_levels for factor in self.matrices.factors] or [self.matrices.n_rows]
        top, lowest = min(counts), max(counts)
        return expected_sizes(
            top if n_groups is None else n_groups,
            lowest / top,
            self.matrices.n_rows / lowest if n_per_group is None else n_per_group,
        )


def pilot_truth(fit: LinearMixedModel, asked: Effects, formula: str | None) -> PilotTruth:
    """Take the parameters of a fit, and the true values asked for.

    Parameters
    ----------
    fit : LinearMixedModel
        Fit to pilot data.
    asked : mapping of str to float or None
        Effects that are studied; None for the estimate.
    formula : str or None
        What is fitted to the data drawn; by default the model of the fit.

    Raises
    ------
    DataError
        If there is no such coefficient, or another formula uses other rows.
    """
    names, matrices = fit.coef_names, fit.model.matrices
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise DataError(
            f"The fit has no coefficient {', '.join(map(repr, unknown))}; its coefficients are: "
            f"{', '.join(names)}."
        )
    beta, low, high = fit.state.beta.copy(), *_interval(fit)
    notes = []
    for name, value in asked.items():
        place = np.flatnonzero(matrices.kept == names.index(name))
        if not len(place):
            raise DataError(f"The coefficient {name!r} was dropped from the fit: it has no value.")
        j = int(place[0])
        if value is None:
            notes.append(
                f"The true value of {name} is the estimate from the pilot data, {beta[j]:.4g} "
                f"(95 % interval {low[j]:.4g} to {high[j]:.4g}). The power is as uncertain as "
                f"that: better state the smallest value of interest, effect={{{name!r}: ...}}."
            )
        else:
            beta[j] = value
    values = beta[[int(np.flatnonzero(matrices.kept == names.index(name))[0]) for name in asked]]
    state = replace(fit.state, beta=beta)
    model = fit.model if formula is None else _other(fit, formula)
    return PilotTruth(model, matrices, state, tuple(asked), values, tuple(notes))


def _interval(fit: LinearMixedModel) -> tuple[Float, Float]:
    """Bounds of the 95 % intervals of the kept coefficients."""
    tests = fit._fixed_tests()
    errors = np.sqrt(tests.vcov.diagonal())
    return wald_interval(fit.state.beta, errors, 0.95, tests.df(np.eye(len(errors))))


def _other(fit: LinearMixedModel, formula: str) -> MixedModel:
    other = fit.model.update(formula)
    rows, same = fit.model.design.rows, other.design.rows
    if other.matrices.n_rows != fit.nobs or not np.array_equal(
        np.arange(fit.nobs) if rows is None else rows,
        np.arange(fit.nobs) if same is None else same,
    ):
        raise DataError(
            f"The model {formula!r} uses other rows than the fit, because of missing values. Drop "
            "the rows with missing values before you fit."
        )
    return other


def _cases(matrices: ModelMatrices, n_groups: int | None, n_per_group: int | None) -> CaseScheme:
    """How rows are drawn: groups of the top level, rows within the lowest groups."""
    top = top_factor(matrices, "Keep the sizes of the pilot data, or state a model.")
    if top is None:
        raise DataError("The fit has no groups to draw from; state a model instead.")
    resample = []
    if n_groups is not None:
        resample.append(matrices.factors[top].name)
    if n_per_group is not None:
        resample.append(ROWS)
    scheme = case_scheme(matrices, resample)
    levels = list(scheme.levels)
    if n_groups is not None:
        levels[0] = _draws(levels[0], check_size("n_groups", n_groups))
    if n_per_group is not None:
        levels[-1] = _draws(levels[-1], check_size("n_per_group", n_per_group))
    return replace(scheme, levels=tuple(levels))


def _draws(level: Level, count: int) -> Draws:
    return Draws(level.order, level.starts, level.sizes, True, count)
