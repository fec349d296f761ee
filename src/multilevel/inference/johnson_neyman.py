"""Regions of a moderator where the slope of another predictor differs from zero.

Johnson & Neyman (1936, Statistical Research Memoirs 1, 57-93); for multilevel models Bauer & Curran
(2005, Multivariate Behavioral Research 40, 373-400). With known degrees of freedom the bounds are
the roots of a quadratic; those of small-sample methods change with the moderator, so that the roots
are found numerically.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.degrees_of_freedom import variances
from multilevel.inference.wald import wald_interval

if TYPE_CHECKING:
    from multilevel.inference.degrees_of_freedom import FixedTests
    from multilevel.typing import Float

__all__ = ["Region", "significance_regions"]

# Angles at which the sign of the difference is looked at; regions narrower than 1/500 of the range
# of the moderator may be missed.
ANGLES = 1000


@dataclass(frozen=True, slots=True)
class Region:
    """An interval of the moderator.

    Attributes
    ----------
    low, high : float
        Its ends, infinite at the outside.
    significant : bool
        Whether the slope differs from zero there.
    """

    low: float
    high: float
    significant: bool


def significance_regions(
    tests: FixedTests, origin: Float, change: Float, level: float, low: float, high: float
) -> tuple[Region, ...]:
    """Divide the line where a slope that is linear in the moderator becomes significant.

    Parameters
    ----------
    tests : FixedTests
        Method of testing.
    origin, change : ndarray, shape (p,)
        The slope at the moderator's value z is ``(origin + z * change) beta``.
    level : float
        One minus the significance level.
    low, high : float
        Range of the moderator in the data.

    Returns
    -------
    tuple of Region
        From minus to plus infinity.

    Notes
    -----
    With ``z = centre + reach * tan(angle)`` the whole line is an interval of angles, on which the
    row of the slope, up to a factor that no test depends on, is ``cos(angle) (origin + centre
    change) + sin(angle) reach change``.
    """
    from scipy.optimize import brentq

    centre, reach = (low + high) / 2.0, (high - low) / 2.0
    middle, turn = origin + centre * change, reach * change

    def excess(angle: Float) -> Float:
        """Size of the slope minus what it must exceed, in units of the row."""
        L = np.cos(angle)[:, None] * middle + np.sin(angle)[:, None] * turn
        error = np.sqrt(variances(L, tests.root))
        needed = wald_interval(np.zeros(len(L)), error, level, tests.df(L))[1]
        difference: Float = np.abs(L @ tests.beta) - needed
        return difference

    angles = np.pi * ((np.arange(ANGLES) + 0.5) / ANGLES - 0.5)
    positive = excess(angles) > 0.0
    changes = np.flatnonzero(positive[1:] != positive[:-1])
    roots = [
        float(brentq(lambda a: float(excess(np.array([a]))[0]), *angles[i : i + 2], xtol=1e-14))
        for i in changes
    ]
    ends = [-np.inf, *(centre + reach * float(np.tan(root)) for root in roots), np.inf]
    signs = [bool(positive[0]), *(bool(positive[i + 1]) for i in changes)]
    return tuple(map(Region, ends[:-1], ends[1:], signs))
