"""The models of the ladder, from simple to complex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.workflow.words import number, p_text

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Decision, Note

__all__ = ["Choice", "Ladder", "Rung", "Test"]


@dataclass(frozen=True, slots=True)
class Test:
    """A test of a model against the one that it extends.

    Attributes
    ----------
    against : str
        Name of the smaller model.
    method : str
        Likelihood ratio, ``"LR (ML)"`` or ``"LR (REML)"``; ``"LR (REML), mixture"`` by a mixture of
        chi-squared distributions; ``"F (Kenward-Roger)"``; ...
    statistic, df, p_value : float
        Of the test.
    df_residual : float
        Denominator degrees of freedom of an F test; NaN for others.
    """

    against: str
    method: str
    statistic: float
    df: float
    p_value: float
    df_residual: float = float("nan")

    @property
    def shown(self) -> str:
        """``χ² = 9.10, p = .003``."""
        symbol = "F" if np.isfinite(self.df_residual) else "χ²"
        return f"{symbol} = {number(self.statistic)}, {p_text(self.p_value)}"


@dataclass(frozen=True, slots=True)
class Rung:
    """A model of the ladder.

    Attributes
    ----------
    name : str
        ``"M0"``, ``"M1"``, ...; ``"M3:ses"`` for slopes that were tried one by one.
    title : str
        What it adds, in words: "random slope of ses".
    formula : str
        The model.
    fit : LinearMixedModel or None
        The fit by REML; None if it failed.
    kept : bool
        Whether the ladder goes on from it.
    reason : str
        Why it was kept or not, with the numbers.
    test : Test or None
        Against the model that it extends.
    notes : tuple of Note
        Of its fit.
    """

    name: str
    title: str
    formula: str
    fit: LinearMixedModel | None
    kept: bool
    reason: str
    test: Test | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """All models that were tried, in their order.

    Attributes
    ----------
    rungs : tuple of Rung
        The first is the null model.
    decisions : tuple of Decision
        Rules that were applied on the way.
    notes : tuple of Note
        Of the ladder as a whole.
    """

    rungs: tuple[Rung, ...]
    decisions: tuple[Decision, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def null(self) -> Rung:
        """The model without predictors."""
        return self.rungs[0]

    @property
    def n_models(self) -> int:
        """Number of different models that were tried: one that is kept may have been tried."""
        return len({rung.formula for rung in self.rungs})

    @property
    def kept(self) -> tuple[Rung, ...]:
        """The models that the ladder goes through."""
        return tuple(rung for rung in self.rungs if rung.kept)

    def __getitem__(self, name: str) -> Rung:
        return next(rung for rung in self.rungs if rung.name == name)


@dataclass(frozen=True, slots=True)
class Choice:
    """The model that is interpreted.

    Attributes
    ----------
    rung : Rung
        The model.
    fit : LinearMixedModel
        Its fit by REML.
    by_user : bool
        Whether the user named it.
    decision : Decision
        The rule that chose it.
    """

    rung: Rung
    fit: LinearMixedModel
    by_user: bool
    decision: Decision
