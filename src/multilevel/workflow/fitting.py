"""Models fitted once each, their warnings kept as notes."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from multilevel.exceptions import (
    ConvergenceWarning,
    MultilevelError,
    MultilevelWarning,
    RankDeficientWarning,
)
from multilevel.fits.model import MixedModel
from multilevel.report.document import Note
from multilevel.workflow.words import code

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel

__all__ = ["Fitted", "Fitter"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model, or why there is none.

    Attributes
    ----------
    formula : str
        The model.
    fit : LinearMixedModel or None
        None if it could not be fitted.
    notes : tuple of Note
        What went wrong, or was noticed: ``BUILD-FAILED``, ``BUILD-CONV``, ``BUILD-RANK``,
        ``BUILD-WARNING``.
    """

    formula: str
    fit: LinearMixedModel | None
    notes: tuple[Note, ...] = ()


class Fitter:
    """Fits models to the data of a study.

    Parameters
    ----------
    data : data frame
        The rows that all models use.
    weights : str or None
        Column of prior weights.
    """

    def __init__(self, data: Any, weights: str | None = None) -> None:
        self._data = data
        self._weights = weights
        self._made: dict[tuple[str, bool], Fitted] = {}

    def __call__(self, formula: str, *, reml: bool = True) -> Fitted:
        """Fit a model, or return it if it was fitted before."""
        key = (formula, reml)
        if key not in self._made:
            self._made[key] = self._fit(formula, reml)
        return self._made[key]

    def _fit(self, formula: str, reml: bool) -> Fitted:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", MultilevelWarning)
            try:
                fit = MixedModel(formula, self._data, weights=self._weights).fit(reml=reml)
            except MultilevelError as error:
                text = f"{code(formula)} could not be fitted: {error}"
                return Fitted(formula, None, (Note("BUILD-FAILED", text, "problem"),))
        notes = [
            Note(_code(warning.category), f"{code(formula)}: {warning.message}")
            for warning in caught
            if issubclass(warning.category, MultilevelWarning)
        ]
        return Fitted(formula, fit, tuple(notes))


def _code(category: type[Warning]) -> str:
    if issubclass(category, ConvergenceWarning):
        return "BUILD-CONV"
    return "BUILD-RANK" if issubclass(category, RankDeficientWarning) else "BUILD-WARNING"
