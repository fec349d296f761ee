"""Drawing data again and again, and what of a study's arguments is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.datasets import simulate_multilevel
from multilevel.exceptions import DataError
from multilevel.fits.replicates import run_replicates
from multilevel.plot.numbers import columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.replicates import Work
    from multilevel.typing import Float, IndexArray

    Seed = int | np.random.Generator | None

__all__ = [
    "GROUP",
    "check_alpha",
    "check_count",
    "counts",
    "draw",
    "generator_of",
    "group_means",
    "reals",
    "replicated",
    "share",
    "shares",
]

GROUP = "group"


def draw(generator: np.random.Generator, *sizes: Any, **model: Any) -> dict[str, Any]:
    """Columns of data simulated from a model (:func:`multilevel.simulate_multilevel`)."""
    return columns_of(simulate_multilevel(*sizes, rng=generator, **model))


def group_means(x: Float, codes: IndexArray) -> Float:
    """Mean of the group of every row, shape (n,)."""
    means: Float = (np.bincount(codes, x) / np.bincount(codes))[codes]
    return means


def replicated(work: Work, nsim: int, generator: np.random.Generator) -> Float:
    """Values of so many replicates, shape (nsim, ...), each with a random stream of its own."""
    return run_replicates(work, nsim, rng=generator, n_jobs=1, progress=False).values


def generator_of(rng: Seed) -> np.random.Generator:
    """The generator of a study.

    Raises
    ------
    DataError
        If ``rng`` is none, and no seed.
    """
    seeded = isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0
    if rng is None or seeded or isinstance(rng, np.random.Generator):
        return np.random.default_rng(rng)
    raise DataError(f"rng must be a seed from 0, a numpy.random.Generator or None, not {rng!r}.")


def check_count(name: str, value: object, least: int) -> int:
    """A whole number that is large enough for the study."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise DataError(f"{name} must be a whole number, {least} or more; got {value!r}.")
    return int(value)


def counts(name: str, values: object, least: int) -> list[int]:
    """Some whole numbers, or a single one, in ascending order."""
    return sorted({check_count(name, value, least) for value in _several(name, values)})


def reals(name: str, values: object, least: float, below: float, what: str) -> list[float]:
    """Some finite numbers of a range, or a single one, in ascending order; ``what`` they are."""
    for value in _several(name, values):
        number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
        if not number or not np.isfinite(value) or not least <= value < below:
            raise DataError(f"{name} must be {what}; got {value!r}.")
    return sorted({float(value) for value in _several(name, values)})


def share(name: str, value: object) -> float:
    """One share of variance."""
    return shares(name, [value])[0]


def shares(name: str, values: object) -> list[float]:
    """Some shares of variance, or a single one, in ascending order."""
    return reals(name, values, 0.0, 1.0, "a share of variance, from 0 to below 1")


def check_alpha(alpha: object) -> float:
    """The level of a test, between 0 and 1."""
    if not isinstance(alpha, float | np.floating) or not 0.0 < alpha < 1.0:
        raise DataError(f"alpha, the level of the tests, must be between 0 and 1; got {alpha!r}.")
    return float(alpha)


def _several(name: str, values: object) -> Sequence[Any]:
    listed = list(values) if isinstance(values, list | tuple | range | np.ndarray) else [values]
    if not listed:
        raise DataError(f"{name} is empty; give a number, or a list of them.")
    return listed
