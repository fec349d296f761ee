"""The random part of a model on the way: which slopes vary between the groups of which factor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from multilevel.workflow.naming import quoted
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code

if TYPE_CHECKING:
    from multilevel.workflow.hierarchy import Factor, Hierarchy
    from multilevel.workflow.predictors import Predictor

__all__ = ["RandomPart", "Slope"]


@dataclass(frozen=True, eq=False)
class Slope:
    """A random slope.

    Attributes
    ----------
    predictor : Predictor
        What varies along the slope.
    factor : Factor
        The groups between which slopes differ.
    square : bool
        Whether it is the slope of the square of the predictor.
    alone : bool
        Whether the study has one grouping factor only, so that names need not say which.
    separate : bool
        Whether it is uncorrelated with the other random effects of the factor.
    alike : bool
        Of three and more categories: whether all vary alike, each combination of a group and a
        category having one deviation, as in the analysis of variance of repeated measures.
    """

    predictor: Predictor
    factor: Factor
    square: bool = False
    alone: bool = True
    separate: bool = False
    alike: bool = False

    @property
    def term(self) -> str:
        """Its term in formulas."""
        return f"I({self.predictor.term}**2)" if self.square else self.predictor.term

    @property
    def label(self) -> str:
        """Its part of a model's name: ``ses``, ``Days^2``, ``ses|school``."""
        name = f"{self.predictor.name}^2" if self.square else self.predictor.name
        name = f"{name} (alike)" if self.alike else name
        return name if self.alone else f"{name}|{self.factor.name}"

    @property
    def n_effects(self) -> int:
        """Variances: one, or as many as there are differences of categories."""
        return 1 if self.square or self.alike else self.predictor.n_columns

    @property
    def plural(self) -> str:
        """In questions: ``slopes of `ses```, ``differences by `Machine```."""
        return f"{'differences by' if self.predictor.labels else 'slopes of'} {self._own}"

    def squared(self) -> Slope:
        """The slope of the square."""
        return replace(self, square=True)

    @property
    def shown(self) -> str:
        """In sentences: ```ses```, ```Machine` (alike for all categories)``."""
        return f"{self._own} (alike for all categories)" if self.alike else self._own

    @property
    def _own(self) -> str:
        own = code(self.predictor.own)
        name = f"the square of {own}" if self.square else own
        return name if self.alone else f"{name} (between {the_groups(self.factor.label)})"


@dataclass(frozen=True, eq=False)
class RandomPart:
    """Random intercepts of all factors, and random slopes.

    Attributes
    ----------
    hierarchy : Hierarchy
        The grouping factors.
    slopes : tuple of Slope
        In the order in which they were added.
    """

    hierarchy: Hierarchy
    slopes: tuple[Slope, ...] = ()

    @property
    def formula(self) -> str:
        """Its terms: ``(1 + ses | school)``."""
        return " + ".join(self._terms(factor) for factor in self.hierarchy.factors)

    def _terms(self, factor: Factor) -> str:
        groups = ":".join(map(quoted, factor.columns))
        own = self.of(factor)
        cells = [f"(1 | {groups}:{one.term})" for one in own if one.alike]
        together = [one.term for one in own if not one.separate and not one.alike]
        separate = [one.term for one in own if one.separate]
        if separate and not together:
            terms = [f"({' + '.join(['1', *separate])} || {groups})"]
        else:
            terms = [f"({' + '.join(['1', *together])} | {groups})"]
            terms += [f"(0 + {term} | {groups})" for term in separate]
        return " + ".join(terms + cells)

    def of(self, factor: Factor) -> tuple[Slope, ...]:
        """Slopes that vary between the groups of a factor."""
        return tuple(one for one in self.slopes if one.factor is factor)

    def n_parameters(self, factor: Factor) -> int:
        """Variances and covariances of a factor's random effects."""
        alone = sum(one.n_effects for one in self.of(factor) if one.separate or one.alike)
        k = 1 + sum(one.n_effects for one in self.of(factor)) - alone
        return k * (k + 1) // 2 + alone

    def with_slope(self, slope: Slope) -> RandomPart:
        """A slope more."""
        return replace(self, slopes=(*self.slopes, slope))

    def without_slope(self, slope: Slope) -> RandomPart:
        """A slope less."""
        return replace(self, slopes=tuple(one for one in self.slopes if one is not slope))

    def with_each(self, slope: Slope) -> RandomPart:
        """Every category of a slope with a variance of its own, and all correlations."""
        slopes = [replace(one, alike=False) if one is slope else one for one in self.slopes]
        return replace(self, slopes=tuple(slopes))

    def without_correlations(self, factor: Factor) -> RandomPart:
        """All slopes of a factor uncorrelated with its intercept and each other."""
        slopes = [
            replace(one, separate=True) if one.factor is factor else one for one in self.slopes
        ]
        return replace(self, slopes=tuple(slopes))
