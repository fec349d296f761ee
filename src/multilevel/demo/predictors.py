"""Predictors of every level, none of which has an effect, tested in several ways.

The same experiment serves type-I errors and standard errors: groups differ in their means, and
four predictors differ in how much of their variance lies between groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.demo.methods import CLUSTER_ROBUST, LEAST_SQUARES, MULTILEVEL, numbers
from multilevel.demo.sampling import GROUP, draw, group_means, replicated
from multilevel.fits.model import MixedModel

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["METHODS", "TERMS", "Condition", "describe_term", "experiment", "moulton"]

METHODS = (LEAST_SQUARES, CLUSTER_ROBUST, MULTILEVEL)
TERMS = ("x_within", "x_individual", "x_mixed", "x_group")
_FORMULA = f"y ~ {' + '.join(TERMS)} + (1 | {GROUP})"


@dataclass(frozen=True, slots=True)
class Condition:
    """Data of one kind.

    Attributes
    ----------
    n_groups, n_per_group : int
        Groups, and rows in each.
    icc : float
        Share of the response's variance between groups.
    between : float
        The same of the predictor ``x_mixed``.
    """

    n_groups: int
    n_per_group: int
    icc: float
    between: float

    def __call__(self, generator: np.random.Generator) -> Float:
        """One data set: :func:`multilevel.demo.methods.numbers` of the terms, (3, 4, 3)."""
        data = draw(
            generator,
            self.n_groups,
            self.n_per_group,
            fixed={"Intercept": 0.0},
            icc=self.icc,
            level1={"x_within": 0.0, "x_individual": 0.0, "x_mixed": self.between},
            level2=["x_group"],
        )
        data["x_within"] = data["x_within"] - group_means(data["x_within"], data[GROUP] - 1)
        return numbers(MixedModel(_FORMULA, data).problem, METHODS)[:, 1:]


def experiment(condition: Condition, nsim: int, generator: np.random.Generator) -> Float:
    """Estimates, errors and degrees of freedom of data sets, shape (nsim, methods, terms, 3)."""
    return replicated(condition, nsim, generator)


def moulton(condition: Condition) -> Float:
    """Moulton's factor of every term: true over naive standard error of least squares.

    ``sqrt(1 + (n - 1) rho_x rho_y)`` with the intraclass correlations of predictor and response
    in groups of equal size n (Moulton 1986, J. Econometrics 32, 385-397). That of a predictor
    whose group means are all alike is ``-1 / (n - 1)``.
    """
    n = condition.n_per_group
    rho_x = np.array([-1.0 / (n - 1), 0.0, condition.between, 1.0])
    return np.sqrt(1.0 + (n - 1) * rho_x * condition.icc)


def describe_term(term: str, between: float) -> str:
    """What a predictor is, in words."""
    return {
        "x_within": "varies only within groups",
        "x_individual": "individual, drawn alike in all groups",
        "x_mixed": f"individual, {100.0 * between:.0f} % of its variance between groups",
        "x_group": "belongs to the group",
    }[term]
