"""Johnson-Neyman regions of an interaction: the result, and how it comes from a reference grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError, NotSupportedError
from multilevel.fits.marginal_means import as_text
from multilevel.fits.marginal_tables import marginal_table
from multilevel.inference.johnson_neyman import Region, significance_regions
from multilevel.report.tree import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.design.build import Design
    from multilevel.fits.marginal_means import MarginalMeans
    from multilevel.fits.reference_grid import Averaging, ReferenceGrid
    from multilevel.inference.linear_functions import LinearFunctions
    from multilevel.typing import Float

__all__ = ["JohnsonNeyman", "johnson_neyman"]

POINTS = 11
# Relative: rows of derivatives are right to 1e-10.
LINEAR = 1e-7


@dataclass(frozen=True, eq=False)
class JohnsonNeyman:
    """Where along a moderator the effect of a focal predictor differs from zero.

    Made by :meth:`LinearMixedModel.johnson_neyman`.

    Attributes
    ----------
    focal, moderator : str
        Names of the predictors.
    regions : tuple of Region
        From minus to plus infinity, each with ``low``, ``high`` and ``significant``.
    observed : tuple of float
        Smallest and largest value of the moderator in the rows used.
    share : float
        Share of the rows used whose moderator is in a significant region.
    slopes : MarginalMeans
        Effects of the focal predictor over the observed range of the moderator.
    """

    focal: str
    moderator: str
    regions: tuple[Region, ...]
    observed: tuple[float, float]
    share: float
    slopes: MarginalMeans

    @property
    def bounds(self) -> tuple[float, ...]:
        """Values of the moderator where significance begins or ends, in increasing order."""
        return tuple(region.low for region in self.regions[1:])

    @property
    def within_data(self) -> tuple[bool, ...]:
        """Whether each of the bounds is within the observed range."""
        low, high = self.observed
        return tuple(low <= bound <= high for bound in self.bounds)

    def to_frame(self) -> Any:
        """Give the effects over the observed range as a data frame, as does :attr:`slopes`."""
        return self.slopes.to_frame()

    def summary(self) -> Summary:
        """Give what is printed, to be rendered as text, HTML, LaTeX or Markdown."""
        table = self.slopes.summary()
        low, high = map(as_text, self.observed)
        facts = (
            (f"{self.focal} differs from 0 (p < {1.0 - self.slopes.level:.3g})", self._where()),
            (f"{self.moderator} observed", f"from {low} to {high}"),
            ("Rows in a significant region", f"{100.0 * self.share:.1f} %"),
        )
        outside = [as_text(b) for b, i in zip(self.bounds, self.within_data, strict=True) if not i]
        notes = list(table.notes)
        if outside:
            notes.append(
                f"Outside the observed range of {self.moderator}, where the model is extrapolated: "
                f"{', '.join(outside)}."
            )
        title = f"Johnson-Neyman regions of {self.focal} by {self.moderator}"
        return Summary(title, facts, table.tables, tuple(notes))

    def _where(self) -> str:
        """The significant regions in words."""
        words = []
        for region in self.regions:
            if region.significant:
                low, high = as_text(region.low), as_text(region.high)
                if np.isinf(region.low) and np.isinf(region.high):
                    return f"for every value of {self.moderator}"
                if np.isinf(region.low):
                    words.append(f"below {high}")
                else:
                    words.append(
                        f"above {low}" if np.isinf(region.high) else f"from {low} to {high}"
                    )
        if not words:
            return f"for no value of {self.moderator}"
        return f"{self.moderator} {' and '.join(words)}"

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()


def johnson_neyman(
    design: Design,
    grid: ReferenceGrid,
    functions: LinearFunctions,
    focal: str,
    moderator: str,
    at: Mapping[str, Any] | None,
    weights: Averaging,
    level: float,
) -> JohnsonNeyman:
    """Find the regions; see :meth:`LinearMixedModel.johnson_neyman`."""
    values = grid.values(at)
    for name, what in ((focal, "focal"), (moderator, "moderator")):
        grid.require(name, what, values, "any")
    grid.require(moderator, "moderator", values, "numeric")
    if focal == moderator:
        raise DataError(f"focal and moderator are both {focal!r}; they must be two predictors.")
    column = grid.predictors[moderator].values
    low, high = float(column.min()), float(column.max())
    points = np.linspace(low, high, POINTS).tolist()
    at = {**(at or {}), moderator: points}
    slopes = _effects(design, grid, functions, focal, moderator, at, weights, level)
    origin, change = _line(slopes.L, np.array(points), focal, moderator)
    if not functions.estimable(np.vstack([origin, change])).all():
        raise DataError(
            f"The effect of {focal!r} is not estimable at every {moderator!r}: the data lack "
            "combinations of predictors that it needs."
        )
    kept = functions.kept
    regions = significance_regions(functions.tests, origin[kept], change[kept], level, low, high)
    inside = [(r.low <= column) & (column <= r.high) for r in regions if r.significant]
    share = float(np.mean(np.any(inside, axis=0))) if inside else 0.0
    return JohnsonNeyman(focal, moderator, regions, (low, high), share, slopes)


def _effects(
    design: Design,
    grid: ReferenceGrid,
    functions: LinearFunctions,
    focal: str,
    moderator: str,
    at: Mapping[str, Any],
    weights: Averaging,
    level: float,
) -> MarginalMeans:
    """Slopes of a numeric predictor, or differences of the two levels of a factor."""
    levels = grid.predictors[focal].levels
    if levels is None:
        return marginal_table(
            design, grid, functions, moderator, None, at, weights, level, slope=focal
        )
    shown = grid.values(at)[focal]
    if len(shown) != 2:
        raise DataError(
            f"focal {focal!r} is a factor of {len(shown)} levels, and a single effect is needed; "
            f"choose two of them with at={{{focal!r}: [...]}}."
        )
    means = marginal_table(design, grid, functions, focal, moderator, at, weights, level)
    return means.contrast("consec", adjust="none")


def _line(L: Float, z: Float, focal: str, moderator: str) -> tuple[Float, Float]:
    """Intercept and slope of rows that are linear in z."""
    change = (L[-1] - L[0]) / (z[-1] - z[0])
    origin = L[0] - z[0] * change
    size = np.abs(L).max(axis=0)
    if (np.abs(L[-1] - L[0]) <= LINEAR * size).all():
        raise DataError(
            f"The effect of {focal!r} does not depend on {moderator!r}: the model has no "
            f"interaction of the two, `{focal}:{moderator}`."
        )
    if (np.abs(origin + z[:, None] * change - L) > LINEAR * size).any():
        raise NotSupportedError(
            f"The effect of {focal!r} is not linear in {moderator!r}. Look at it with "
            f"emtrends(None, {focal!r}, at={{{moderator!r}: [...]}})."
        )
    return origin, change
