"""Multilevel (mixed-effects, hierarchical) models.

>>> import multilevel as mlm
>>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilevel import datasets, demo, exceptions, plot
    from multilevel.api import (
        Analysis,
        Bootstrap,
        Control,
        LinearMixedModel,
        LmList,
        MarginalMeans,
        MixedModel,
        Power,
        Profile,
        SimulatedResiduals,
        WithinBetween,
        analyze,
        anova,
        bootstrap_lrt,
        center,
        compare,
        demean,
        icc,
        lm_list,
        lmer,
        power,
        within_between,
    )
    from multilevel.datasets import simulate_multilevel
    from multilevel.frames.reshape import wide_to_long

    __version__: str

__all__ = [
    "Analysis",
    "Bootstrap",
    "Control",
    "LinearMixedModel",
    "LmList",
    "MarginalMeans",
    "MixedModel",
    "Power",
    "Profile",
    "SimulatedResiduals",
    "WithinBetween",
    "analyze",
    "anova",
    "bootstrap_lrt",
    "center",
    "compare",
    "datasets",
    "demean",
    "demo",
    "exceptions",
    "icc",
    "lm_list",
    "lmer",
    "plot",
    "power",
    "simulate_multilevel",
    "wide_to_long",
    "within_between",
]

_ROOMS = {
    "datasets": "multilevel.datasets",
    "demo": "multilevel.demo",
    "exceptions": "multilevel.exceptions",
    "plot": "multilevel.plot",
    "simulate_multilevel": "multilevel.datasets",
    "wide_to_long": "multilevel.frames.reshape",
}
_MODULES = ("datasets", "demo", "exceptions", "plot")


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that ``import multilevel`` is cheap."""
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("multilevel")
    elif name in __all__:
        module = import_module(_ROOMS.get(name, "multilevel.api"))
        value = module if name in _MODULES else getattr(module, name)
    else:
        raise AttributeError(f"module 'multilevel' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
