"""Groups that weigh much on the coefficients of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.typing import Float, Int

__all__ = ["Influential", "influential_groups"]

_MOST_GROUPS = 5_000  # left out one by one


@dataclass(frozen=True, eq=False)
class Influential:
    """What leaving out each group does to the slopes of a model, its variances held.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        Group of every row of the model.
    labels : tuple of str, length J
        The groups.
    cooks_distance : ndarray, shape (J,)
        Of all fixed effects; NaN where the rest gives no fit.
    dfbetas : ndarray, shape (J, p)
        Changes of the slopes in standard errors.
    names : tuple of str, length p
        The slopes.
    """

    codes: Int
    labels: tuple[str, ...]
    cooks_distance: Float
    dfbetas: Float
    names: tuple[str, ...]

    @property
    def named(self) -> Int:
        """Groups with a Cook's distance above 4 / J and a DFBETAS beyond 2 / sqrt(J).

        Belsley, Kuh & Welsch (1980); positions, those of the largest distances first.
        """
        J = len(self.labels)
        with np.errstate(invalid="ignore"):
            far = self.cooks_distance > 4.0 / J
            moved = np.abs(self.dfbetas).max(axis=1, initial=0.0) > 2.0 / np.sqrt(J)
        order = np.argsort(-self.cooks_distance, kind="stable")
        chosen: Int = order[(far & moved)[order]]
        return chosen


def influential_groups(fit: LinearMixedModel, name: str) -> Influential | None:
    """Influence of the groups of a factor; None if it was not found.

    Parameters
    ----------
    fit : LinearMixedModel
        The model.
    name : str
        A grouping factor.
    """
    J = fit.n_groups.get(name)
    if J is None or J > _MOST_GROUPS:
        return None
    try:
        table = Table.from_data(fit.influence(name))
    except MultilevelError:
        return None
    level = table.column("level")
    names = tuple(
        column.removeprefix("dfbetas__")
        for column in table.columns
        if column.startswith("dfbetas__") and column != "dfbetas__Intercept"
    )
    columns = [table.column(f"dfbetas__{one}").values for one in names]
    factor = next(one for one in fit.model.matrices.factors if one.name == name)
    return Influential(
        codes=factor.codes,
        labels=tuple(str(label) for label in level.levels[level.codes]),
        cooks_distance=table.column("cooks_distance").values,
        dfbetas=np.column_stack(columns) if columns else np.empty((J, 0)),
        names=names,
    )
