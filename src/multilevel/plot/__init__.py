"""Figures of data and fits, each with a ``*_data`` twin that returns the numbers drawn.

Every figure returns the Matplotlib axes it was drawn on (an array of them if there are several
panels), takes ``ax=`` to draw on axes of yours, and changes no setting of Matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilevel.plot.figures.caterpillar import caterpillar, caterpillar_data
    from multilevel.plot.figures.check import check, check_data
    from multilevel.plot.figures.coefficients_by_model import (
        coefficients_by_model,
        coefficients_by_model_data,
    )
    from multilevel.plot.figures.distribution import distribution, distribution_data
    from multilevel.plot.figures.forest import forest, forest_data
    from multilevel.plot.figures.group_means import group_means, group_means_data
    from multilevel.plot.figures.group_sizes import group_sizes, group_sizes_data
    from multilevel.plot.figures.incidence import incidence, incidence_data
    from multilevel.plot.figures.influence import influence, influence_data
    from multilevel.plot.figures.interaction import interaction, interaction_data
    from multilevel.plot.figures.johnson_neyman import johnson_neyman, johnson_neyman_data
    from multilevel.plot.figures.missing_by_group import missing_by_group, missing_by_group_data
    from multilevel.plot.figures.occasions import occasions, occasions_data
    from multilevel.plot.figures.power import power, power_data
    from multilevel.plot.figures.predictive import predictive, predictive_data
    from multilevel.plot.figures.profiles import (
        profile_density,
        profile_density_data,
        profile_zeta,
        profile_zeta_data,
    )
    from multilevel.plot.figures.qq import qq, qq_data
    from multilevel.plot.figures.random_scatter import random_scatter, random_scatter_data
    from multilevel.plot.figures.random_slopes import random_slopes, random_slopes_data
    from multilevel.plot.figures.residuals import (
        residuals,
        residuals_data,
        scale_location,
        scale_location_data,
    )
    from multilevel.plot.figures.residuals_by import residuals_by, residuals_by_data
    from multilevel.plot.figures.shares import (
        r2,
        r2_data,
        variance_partition,
        variance_partition_data,
    )
    from multilevel.plot.figures.shrinkage import shrinkage, shrinkage_data
    from multilevel.plot.figures.spaghetti import spaghetti, spaghetti_data
    from multilevel.plot.figures.trellis import trellis, trellis_data
    from multilevel.plot.figures.unit_diagram import unit_diagram, unit_diagram_data
    from multilevel.plot.figures.vs_ols import vs_ols, vs_ols_data
    from multilevel.plot.figures.within_between import within_between, within_between_data

__all__ = [
    "caterpillar",
    "caterpillar_data",
    "check",
    "check_data",
    "coefficients_by_model",
    "coefficients_by_model_data",
    "distribution",
    "distribution_data",
    "forest",
    "forest_data",
    "group_means",
    "group_means_data",
    "group_sizes",
    "group_sizes_data",
    "incidence",
    "incidence_data",
    "influence",
    "influence_data",
    "interaction",
    "interaction_data",
    "johnson_neyman",
    "johnson_neyman_data",
    "missing_by_group",
    "missing_by_group_data",
    "occasions",
    "occasions_data",
    "power",
    "power_data",
    "predictive",
    "predictive_data",
    "profile_density",
    "profile_density_data",
    "profile_zeta",
    "profile_zeta_data",
    "qq",
    "qq_data",
    "r2",
    "r2_data",
    "random_scatter",
    "random_scatter_data",
    "random_slopes",
    "random_slopes_data",
    "residuals",
    "residuals_by",
    "residuals_by_data",
    "residuals_data",
    "scale_location",
    "scale_location_data",
    "shrinkage",
    "shrinkage_data",
    "spaghetti",
    "spaghetti_data",
    "trellis",
    "trellis_data",
    "unit_diagram",
    "unit_diagram_data",
    "variance_partition",
    "variance_partition_data",
    "vs_ols",
    "vs_ols_data",
    "within_between",
    "within_between_data",
]

# Figures that do not live in a file of their own name.
_FILES = {
    "profile_density": "profiles",
    "profile_zeta": "profiles",
    "r2": "shares",
    "scale_location": "residuals",
    "variance_partition": "shares",
}


def __getattr__(name: str) -> Any:
    """Import a figure when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'multilevel.plot' has no attribute {name!r}")
    figure = name.removesuffix("_data")
    module = import_module(f"multilevel.plot.figures.{_FILES.get(figure, figure)}")
    for public in module.__all__:
        globals()[public] = getattr(module, public)
    return globals()[name]


def __dir__() -> list[str]:
    return list(__all__)
