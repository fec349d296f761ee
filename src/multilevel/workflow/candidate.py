"""The largest model that the questions ask for, before any of its terms is tested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.workflow.growth import TIMES_FOR_CURVE
from multilevel.workflow.naming import quoted
from multilevel.workflow.possible_slopes import hidden_slopes, possible_slopes
from multilevel.workflow.request import MAXIMAL, slope_of

if TYPE_CHECKING:
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.random_part import Slope
    from multilevel.workflow.study import Study

__all__ = ["Candidate", "asked_products", "read_candidate"]


@dataclass(frozen=True, eq=False)
class Candidate:
    """What the largest model has besides the predictors themselves.

    Attributes
    ----------
    slopes : tuple of Slope
        Random slopes that the user names, or all that the data allow.
    products : tuple of (Predictor, Predictor)
        Interactions that the user names, or all across levels of predictors whose slopes may
        differ.
    curve : bool
        Whether there are times enough to tell a curve from a line.
    """

    slopes: tuple[Slope, ...]
    products: tuple[tuple[Predictor, Predictor], ...]
    curve: bool

    def terms(self, study: Study) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """Names of coefficients, and of random effects by factor, as models call them."""
        fixed = ["Intercept"]
        for one in study.predictors:
            fixed += _columns(one)
            if one.stated == "time" and self.curve:
                fixed.append(f"I({quoted(one.own)} ** 2)")
            fixed += [name for name, _ in one.means]
        for a, b in self.products:
            fixed += [f"{first}:{second}" for first in _columns(a) for second in _columns(b)]
        random = [(factor.name, self._effects(factor)) for factor in study.hierarchy.factors]
        return list(dict.fromkeys(fixed)), random

    def _effects(self, factor: Factor) -> list[str]:
        own = [one.predictor for one in self.slopes if one.factor is factor]
        return ["Intercept", *(name for one in own for name in _columns(one))]


def read_candidate(study: Study) -> Candidate:
    """The largest model for the questions of a study."""
    slopes = _slopes(study)
    products = asked_products(study)
    if study.request.interactions is None:
        inner = dict.fromkeys(one.predictor for one in (*slopes, *hidden_slopes(study)))
        products = [(a, b) for a in inner for b in study.at_level(2) if b.level > a.level]
    return Candidate(tuple(slopes), tuple(products), _curve_is_possible(study))


def asked_products(study: Study) -> list[tuple[Predictor, Predictor]]:
    """Interactions that the user names, what varies further inside first."""
    pairs = study.request.interactions or ()
    named = [(study.predictor(a), study.predictor(b)) for a, b in pairs]
    return [(a, b) if a.level <= b.level else (b, a) for a, b in named]


def _slopes(study: Study) -> list[Slope]:
    found, wanted = possible_slopes(study, study.predictors), study.request.random
    if wanted is None or wanted == (MAXIMAL,):
        return found
    names = {one.name for one in study.predictors}
    named = [(text, "") if text in names else slope_of(text) for text in wanted]
    return [
        one
        for one in found
        if any(
            one.predictor.name == name and group in ("", one.factor.name, one.factor.label)
            for name, group in named
        )
    ]


def _curve_is_possible(study: Study) -> bool:
    if study.time is None:
        return False
    times = np.unique(study.table.column(study.time.name).values[study.rows])
    return len(times) >= TIMES_FOR_CURVE


def _columns(one: Predictor) -> list[str]:
    """Its column, or those of its categories but the first."""
    return [f"{one.own}[T.{label}]" for label in one.labels[1:]] or [one.own]
