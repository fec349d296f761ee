"""Coefficients of a model, and which predictors each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.inference.wald import wald_interval
from multilevel.workflow.naming import quoted

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["Coefficient", "Piece", "known_pieces", "read_coefficients", "read_pieces"]

Role = Literal["own", "mean", "category", "square"]


@dataclass(frozen=True, eq=False)
class Piece:
    """What a coefficient is made of: a column of a predictor.

    Attributes
    ----------
    predictor : Predictor
        The predictor.
    role : {"own", "mean", "category", "square"}
        Its values at its own level; its mean (or share) in a group; one of its categories; the
        square of its values.
    label : str
        The category.
    factor : Factor or None
        Whose groups the means describe.
    """

    predictor: Predictor
    role: Role
    label: str = ""
    factor: Factor | None = None

    @property
    def level(self) -> int:
        """1 for what varies between rows, otherwise 2."""
        return 2 if self.role == "mean" or self.predictor.level > 1 else 1


@dataclass(frozen=True, eq=False)
class Coefficient:
    """A fixed effect with its test.

    Attributes
    ----------
    name : str
        As the model calls it.
    pieces : tuple of Piece
        What its column is the product of; none for the intercept, and for columns that are not
        made of the predictors of the study.
    estimate, std_error, df, statistic, p_value, conf_low, conf_high : float
        The estimate, its test against 0, and its 95% interval.
    """

    name: str
    pieces: tuple[Piece, ...]
    estimate: float
    std_error: float
    df: float
    statistic: float
    p_value: float
    conf_low: float
    conf_high: float

    @property
    def is_slope(self) -> bool:
        """Whether it is no intercept."""
        return self.name != "Intercept"

    @property
    def clear(self) -> bool:
        """Whether its interval leaves out 0."""
        return self.conf_low > 0.0 or self.conf_high < 0.0


def read_coefficients(
    study: Study, fit: LinearMixedModel, df_method: DfMethod | None
) -> tuple[Coefficient, ...]:
    """Coefficients that could be estimated, in the order of the model."""
    known = known_pieces(study)
    tests, _ = fit._wald_tests(df_method)
    low, high = wald_interval(tests.estimate, tests.std_error, 0.95, tests.df)
    columns = (tests.estimate, tests.std_error, tests.df, tests.statistic, tests.p_value, low, high)
    return tuple(
        Coefficient(name, read_pieces(known, name), *(float(column[i]) for column in columns))
        for i, name in enumerate(fit.coef_names)
        if np.isfinite(tests.estimate[i])
    )


def read_pieces(known: dict[str, Piece], name: str) -> tuple[Piece, ...]:
    """The pieces of a coefficient: the parts of its name between colons, colons in names spared."""
    if name in known:
        return (known[name],)
    for head, piece in known.items():
        if name.startswith(f"{head}:"):
            rest = read_pieces(known, name[len(head) + 1 :])
            if rest:
                return (piece, *rest)
    return ()


def known_pieces(study: Study) -> dict[str, Piece]:
    """Names of columns of models and what they are."""
    known: dict[str, Piece] = {}
    for predictor in study.predictors:
        known[predictor.own] = Piece(predictor, "own")
        known[f"I({quoted(predictor.own)} ** 2)"] = Piece(predictor, "square")
        for label in predictor.labels[1:]:
            known[f"{predictor.own}[T.{label}]"] = Piece(predictor, "category", label)
        for name, factor in predictor.means:
            known[name] = Piece(predictor, "mean", factor=factor)
    return known
