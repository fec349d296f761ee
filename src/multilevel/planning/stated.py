"""A stated model as the truth of a power study: data drawn from it, predictors and all."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.datasets.simulate import Simulation, simulate_multilevel
from multilevel.datasets.stated import INTERCEPT
from multilevel.exceptions import DataError
from multilevel.fits.model import MixedModel
from multilevel.frames.table import Table
from multilevel.planning.sizes import expected_sizes, mean_size
from multilevel.solver.optimize import Control

if TYPE_CHECKING:
    from multilevel.datasets.stated import Term
    from multilevel.planning.truth import Effects
    from multilevel.typing import Float

__all__ = ["StatedTruth", "stated_truth"]

# What a mapping can state: the sizes and the seed are arguments of power() itself.
_NOT_STATED = ("n_groups", "n_per_group", "rng", "backend")
_STATED = tuple(
    p for p in inspect.signature(simulate_multilevel).parameters if p not in _NOT_STATED
)
_ONE_THREAD = Control(threads=1)


@dataclass(frozen=True, slots=True)
class StatedDesign:
    """Data of one size, drawn from a stated model.

    Attributes
    ----------
    simulation : Simulation
        What is drawn.
    formula : str
        What is fitted.
    """

    simulation: Simulation
    formula: str

    def draw(self, generator: np.random.Generator) -> MixedModel:
        """Draw predictors and responses, and make the model of them.

        Raises
        ------
        DataError
            If fixed effects cannot be told apart in the data drawn.
        """
        columns = self.simulation.columns(generator)
        model = MixedModel(self.formula, columns, control=_ONE_THREAD)
        names, kept = model.matrices.coef_names, model.matrices.kept
        if len(kept) < len(names):
            lost = [name for j, name in enumerate(names) if j not in kept]
            raise DataError(
                f"{', '.join(lost)}: linear combinations of other fixed effects in the data drawn."
            )
        return model


@dataclass(frozen=True, slots=True)
class StatedTruth:
    """A model stated with the keywords of :func:`multilevel.simulate_multilevel`.

    Attributes
    ----------
    model : mapping
        The keywords, with the effects that are studied among those of ``fixed``.
    formula : str
        What is fitted.
    terms : tuple of str
        Coefficients that are studied.
    effects : ndarray, shape (k,)
        Their true values.
    group : str
        The outermost grouping factor.
    table : Table
        Kind of the tables of results.
    notes : tuple of str
        What the reader should know.
    """

    model: Mapping[str, Any]
    formula: str
    terms: tuple[str, ...]
    effects: Float
    group: str
    table: Table
    notes: tuple[str, ...] = ()
    reml: bool = True

    def design(self, n_groups: Any, n_per_group: Any) -> StatedDesign:
        """Data of one size.

        Raises
        ------
        DataError
            If a size is missing or cannot be read.
        """
        if n_groups is None or n_per_group is None:
            raise DataError(
                "A stated model has no data to take the sizes from: give n_groups= and "
                "n_per_group=."
            )
        return StatedDesign(_simulation(self.model, n_groups, n_per_group), self.formula)

    def sizes(self, n_groups: Any, n_per_group: Any) -> dict[str, float]:
        """Columns that tell a design."""
        top, *inner = n_groups if isinstance(n_groups, tuple) else (n_groups,)
        within = float(np.prod([mean_size(size) for size in inner]))
        return expected_sizes(mean_size(top), within, mean_size(n_per_group))


def stated_truth(model: Mapping[str, Any], asked: Effects, formula: str | None) -> StatedTruth:
    """Read a stated model.

    Parameters
    ----------
    model : mapping
        Keywords of :func:`multilevel.simulate_multilevel` but for the sizes and the seed.
    asked : mapping of str to float or None
        Effects that are studied, with their true values where these are not those stated.
    formula : str or None
        What is fitted; by default the model as stated.

    Raises
    ------
    DataError
        If the model or an effect cannot be read.
    """
    unknown = [name for name in model if name not in _STATED]
    if unknown:
        sizes = any(name in ("n_groups", "n_per_group") for name in unknown)
        advice = " The sizes are arguments of power() itself." if sizes else ""
        raise DataError(
            f"The model states {', '.join(map(repr, unknown))}; it can state "
            f"{', '.join(_STATED)}.{advice}"
        )
    given = model.get("fixed")
    if not isinstance(given, Mapping):
        raise DataError(
            "The model must state its fixed effects: {'fixed': {'Intercept': 0, 'x': 0.3}, ...}."
        )
    # sizes do not matter for reading; three levels are told by the names of the groups
    factors = model.get("group", "group")
    some = 2 if isinstance(factors, str) else (2,) * len(tuple(factors))
    predictors = _simulation(model, some, 2).model.predictors
    fixed = dict(given)
    for name, value in asked.items():
        if name != INTERCEPT and not set(name.split(":")) <= set(predictors):
            raise DataError(
                f"The effect {name!r} is not of the model's predictors, which are: "
                f"{', '.join(predictors) or 'none'}. Add it to level1= or level2= of the model."
            )
        stated = next((old for old in fixed if _same(old, name)), name)
        fixed[stated] = fixed.get(stated, 0.0) if value is None else value
    changed = {**model, "fixed": fixed}
    simulation = _simulation(changed, some, 2)
    effects = [next(v for k, v in fixed.items() if _same(k, name)) for name in asked]
    return StatedTruth(
        changed,
        _formula(simulation) if formula is None else formula,
        tuple(asked),
        np.array(effects, dtype=np.float64),
        simulation.factors[0],
        Table.from_data({"x": np.zeros(1)}),
    )


def _same(one: object, other: object) -> bool:
    """Whether two names are of the same term: ``"ses:resources"`` is ``"resources:ses"``."""
    return set(str(one).split(":")) == set(str(other).split(":"))


def _simulation(model: Mapping[str, Any], n_groups: Any, n_per_group: Any) -> Simulation:
    stated = dict(model)
    levels = tuple(stated.pop(f"level{level}", ()) for level in (1, 2, 3))
    settled = {"random": None, "sigma": 1.0, "icc": None, "outcome": "y", "group": "group"} | stated
    return Simulation.read(n_groups, n_per_group, levels=levels, **settled)


def _formula(simulation: Simulation) -> str:
    """The model as stated: all predictors, and interactions with those of their parts."""
    model = simulation.model
    terms = {frozenset((name,)): name for name in model.predictors}
    for term in model.fixed:
        for size in range(2, len(term) + 1):
            for part in combinations(term, size):
                terms.setdefault(frozenset(part), ":".join(part))
    bars = [
        f"({_columns(random.terms)} | {factor})"
        for random, factor in zip(model.random, simulation.factors, strict=True)
        if random.terms
    ]
    fixed = sorted(terms.values(), key=lambda name: name.count(":"))
    return f"{simulation.outcome} ~ " + " + ".join([*(fixed or ["1"]), *bars])


def _columns(terms: Sequence[Term]) -> str:
    names = [":".join(term) for term in terms if term]
    return " + ".join(["1" if () in terms else "0", *names])
