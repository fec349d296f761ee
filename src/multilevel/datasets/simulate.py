"""Data sets from a stated multilevel model.

The model is that of Raudenbush & Bryk (2002) in its combined form: row i of group j has
y_ij = x_ij' gamma + z_ij' u_j + e_ij, with u_j ~ N(0, T) and e_ij ~ N(0, sigma^2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from multilevel.datasets.native import Backend, to_native
from multilevel.datasets.stated import (
    INTERCEPT,
    Predictor,
    Predictors,
    RandomPart,
    StatedModel,
    Term,
    check_mapping,
    check_names,
    number,
    read_fixed,
    read_predictors,
    read_random,
)
from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from multilevel.typing import Float, IndexArray

__all__ = ["Simulation", "Sizes", "generator_of", "simulate_multilevel"]

Sizes = int | tuple[int, int] | Sequence[int]
"""Equal sizes, a (smallest, largest) range, or a list with one size per unit above."""


def simulate_multilevel(
    n_groups: int | Sequence[Sizes] = 100,
    n_per_group: Sizes = 5,
    *,
    fixed: Mapping[str, float],
    random: RandomPart | Mapping[str, RandomPart] | None = None,
    sigma: float = 1.0,
    icc: float | None = None,
    level1: Predictors = (),
    level2: Predictors = (),
    level3: Predictors = (),
    outcome: str = "y",
    group: str | Sequence[str] = "group",
    rng: int | np.random.Generator | None = None,
    backend: Backend | None = None,
) -> Any:
    """Simulate hierarchical data from a model that you state.

    Parameters
    ----------
    n_groups : int or sequence
        Number of groups. For three levels a pair, outermost first: ``(20, 5)`` is 20 schools of
        5 classes each; the second entry may be whatever ``n_per_group`` may be.
    n_per_group : int, tuple (smallest, largest) or list
        Rows in each (innermost) group: the same for all, drawn uniformly from a range (a tuple of
        two, both ends included), or one number per group (a list).
    fixed : mapping of str to float
        Fixed effects: ``"Intercept"``, names of predictors, and interactions of any levels such
        as ``"ses:resources"``. A predictor without an entry has no effect.
    random : mapping, optional
        Standard deviations of the random effects, and their correlations under pairs of names:
        ``{"Intercept": 4.0, "ses": 1.0, ("Intercept", "ses"): 0.3}``. Correlations are zero
        unless given. With two grouping factors, one such mapping under each one's name.
    sigma : float
        Residual standard deviation.
    icc : float, optional
        Instead of the standard deviation of the random intercept, the intraclass correlation of
        what the fixed effects leave: ``sd**2 / (sd**2 + sigma**2)``. For one grouping factor.
    level1, level2, level3 : sequence of str, or mapping of str to float or "treatment"
        Predictors that vary between rows, between innermost groups, between outermost groups;
        each standard normal. A mapping gives the share of a predictor's variance that lies
        between the groups one level up, ``{"ses": 0.25}``; in a sequence that share is zero.
        ``{"treated": "treatment"}`` is 1 for one half and 0 for the other, drawn at random from
        the units of its level: ``level2`` is a cluster-randomised trial. Below the top level the
        halves are those of each group one level up. Of an odd number one arm has one more.
    outcome : str
        Name of the response.
    group : str or sequence of str
        Name of the grouping factor; for three levels both names, outermost first.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same data.
    backend : {"pandas", "polars", "pyarrow"}, optional
        Library of the result. By default the first of these that is installed.

    Returns
    -------
    pandas.DataFrame, polars.DataFrame or pyarrow.Table
        Grouping factors (numbers from 1, none used twice), the outcome, the predictors.

    Raises
    ------
    DataError
        If the model cannot be simulated as stated; the message says what to change.

    Examples
    --------
    500 pupils in 100 schools, with a predictor at each level and their interaction:

    >>> import multilevel as mlm
    >>> pupils = mlm.simulate_multilevel(
    ...     n_groups=100,
    ...     n_per_group=5,
    ...     fixed={"Intercept": 50, "ses": 2, "resources": 3, "ses:resources": 1},
    ...     level1=["ses"],
    ...     level2=["resources"],
    ...     random={"Intercept": 4, "ses": 1, ("Intercept", "ses"): 0.3},
    ...     sigma=6,
    ...     outcome="achievement",
    ...     group="school",
    ...     rng=1,
    ... )
    >>> pupils.shape
    (500, 4)
    """
    simulation = Simulation.read(
        n_groups,
        n_per_group,
        fixed=fixed,
        random=random,
        sigma=sigma,
        icc=icc,
        levels=(level1, level2, level3),
        outcome=outcome,
        group=group,
    )
    return to_native(simulation.columns(generator_of(rng)), backend)


@dataclass(frozen=True, slots=True)
class Simulation:
    """A stated model and the sizes of its levels, checked, to draw data from.

    Attributes
    ----------
    model : StatedModel
        What is drawn.
    sizes : tuple of Sizes
        Numbers of units, from the outermost groups to the rows.
    factors : tuple of str
        Grouping factors, outermost first.
    outcome : str
        Name of the response.
    """

    model: StatedModel
    sizes: tuple[Sizes, ...]
    factors: tuple[str, ...]
    outcome: str

    @classmethod
    def read(
        cls,
        n_groups: int | Sequence[Sizes],
        n_per_group: Sizes,
        *,
        fixed: Mapping[str, float],
        random: RandomPart | Mapping[str, RandomPart] | None,
        sigma: float,
        icc: float | None,
        levels: tuple[Predictors, Predictors, Predictors],
        outcome: str,
        group: str | Sequence[str],
    ) -> Simulation:
        """Read and check arguments of :func:`simulate_multilevel`; ``levels`` are its predictors.

        Raises
        ------
        DataError
            If the model cannot be simulated as stated.
        """
        factors = (group,) if isinstance(group, str) else tuple(group)
        sizes = (*_group_counts(n_groups, factors), n_per_group)
        predictors = read_predictors(levels, len(factors))
        check_names([*factors, outcome, *predictors])
        spread = number("sigma", sigma, 0.0)
        stated = {} if random is None else random
        check_mapping("random", stated, '{"Intercept": 4.0, "ses": 1.0}')
        if icc is not None:
            stated = _with_icc(stated, icc, spread, len(factors))
        model = StatedModel(
            predictors=predictors,
            fixed=read_fixed(fixed, predictors),
            random=read_random(stated, factors, predictors),
            sigma=spread,
        )
        return cls(model, sizes, factors, outcome)

    def columns(self, generator: np.random.Generator) -> dict[str, Any]:
        """Draw data: grouping factors, outcome and predictors, each of shape (n,)."""
        units = _hierarchy(self.sizes, generator)
        x = _draw_predictors(self.model, units, generator)
        y = _draw_outcome(self.model, x, units, generator)
        ids = {name: code + 1 for name, code in zip(self.factors, units[:0:-1], strict=True)}
        return {**ids, self.outcome: y, **x}


def _group_counts(n_groups: int | Sequence[Sizes], factors: tuple[str, ...]) -> list[Sizes]:
    counts: list[Sizes] = list(n_groups) if isinstance(n_groups, Sequence) else [n_groups]
    if len(counts) not in (1, 2):
        raise DataError(f"n_groups={n_groups!r} must state one or two levels of groups.")
    if len(counts) != len(factors):
        raise DataError(
            f"n_groups={n_groups!r} states {len(counts)} level(s) of groups, but group= names "
            f"{len(factors)}; name each, outermost first, as in group=('school', 'class')."
        )
    return counts


def _with_icc(
    stated: RandomPart | Mapping[str, RandomPart], icc: float, sigma: float, n_factors: int
) -> RandomPart:
    """Return the random part with the intercept's standard deviation that gives this ``icc``."""
    if n_factors != 1:
        raise DataError("icc= is for one grouping factor; state the deviations in random=.")
    if INTERCEPT in stated:
        raise DataError("State either icc= or random['Intercept'], not both.")
    share = number("icc", icc, 0.0, 1.0)
    if share == 1.0:
        raise DataError("icc must be below 1; no sigma > 0 gives an icc of 1.")
    deviation = sigma * (share / (1.0 - share)) ** 0.5
    return {INTERCEPT: deviation, **cast("RandomPart", stated)}


def generator_of(rng: int | np.random.Generator | None) -> np.random.Generator:
    """Return the generator that a seed, a generator or None stands for."""
    seeded = isinstance(rng, int | np.integer) and rng >= 0
    if rng is None or seeded or isinstance(rng, np.random.Generator):
        return np.random.default_rng(rng)
    raise DataError(f"rng must be a seed from 0, a numpy.random.Generator or None, not {rng!r}.")


def _hierarchy(sizes: Sequence[Sizes], rng: np.random.Generator) -> list[IndexArray]:
    """Return for every row its unit at each level, the rows themselves first."""
    whole: IndexArray = np.zeros(1, dtype=np.intp)
    units: list[IndexArray] = []
    n_units = 1
    for depth, size in enumerate(sizes):
        what = "n_per_group" if depth == len(sizes) - 1 else "n_groups"
        parent = np.repeat(np.arange(n_units), _sizes(what, size, n_units, rng))
        n_units = len(parent)
        units = [np.arange(n_units), *(unit[parent] for unit in units or [whole])]
    return units[:-1]


def _sizes(what: str, size: Sizes, n_units: int, rng: np.random.Generator) -> IndexArray:
    if isinstance(size, tuple):
        if len(size) != 2 or _count(what, size[0]) > _count(what, size[1]):
            raise DataError(f"{what}={size} must be a range (smallest, largest) or a list.")
        return rng.integers(size[0], size[1], size=n_units, endpoint=True, dtype=np.intp)
    if isinstance(size, Sequence | np.ndarray) and not isinstance(size, str):
        if len(size) != n_units:
            raise DataError(f"{what}= lists {len(size)} sizes for {n_units} groups.")
        return np.array([_count(what, one) for one in size], dtype=np.intp)
    return np.full(n_units, _count(what, size), dtype=np.intp)


def _count(what: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise DataError(f"{what}= must count with whole numbers from 1, not {value!r}.")
    return int(value)


def _draw_predictors(
    model: StatedModel, units: list[IndexArray], rng: np.random.Generator
) -> dict[str, Float]:
    def draw(level: int) -> Float:
        unit = units[level - 1]
        values: Float = rng.standard_normal(unit[-1] + 1)[unit]
        return values

    def predictor(of: Predictor) -> Float:
        if of.treatment:
            return _assign(units[of.level - 1], units[of.level :], rng)
        own: Float = np.sqrt(1.0 - of.between) * draw(of.level)
        return own + np.sqrt(of.between) * draw(of.level + 1) if of.between else own

    return {name: predictor(of) for name, of in model.predictors.items()}


def _assign(unit: IndexArray, above: Sequence[IndexArray], rng: np.random.Generator) -> Float:
    """Assign half of the units to treatment (1), half of those of each unit above if there is one.

    Units are put in random order within the unit above, and every second one is treated; a coin
    says whether that begins with the first, so that neither arm is favoured by odd numbers.
    """
    n = int(unit[-1]) + 1
    parent: IndexArray = np.zeros(n, dtype=np.intp)
    if above:
        parent[unit] = above[0]
    order = np.lexsort((rng.random(n), parent))
    sizes = np.bincount(parent)
    rank = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = rng.integers(2, size=len(sizes))
    treated = np.empty(n)
    treated[order] = (rank + first[parent[order]]) % 2
    values: Float = treated[unit]
    return values


def _draw_outcome(
    model: StatedModel, x: Mapping[str, Float], units: list[IndexArray], rng: np.random.Generator
) -> Float:
    y = model.sigma * rng.standard_normal(len(units[0]))
    for term, effect in model.fixed.items():
        y += effect * _product(term, x)
    for random, unit in zip(model.random, units[:0:-1], strict=True):
        effects = rng.standard_normal((unit[-1] + 1, len(random.terms))) @ random.root.T
        for k, term in enumerate(random.terms):
            y += effects[unit, k] * _product(term, x)
    return y


def _product(term: Term, x: Mapping[str, Float]) -> Float | float:
    product: Float | float = 1.0
    for name in term:
        product = product * x[name]
    return product
