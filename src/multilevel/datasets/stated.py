"""A multilevel model as its user states it, read and checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from multilevel.typing import Float

__all__ = ["Predictor", "Predictors", "RandomPart", "RandomTerms", "StatedModel", "Term"]

Term = tuple[str, ...]
"""Names of the predictors that are multiplied; empty for the intercept."""

Predictors = Sequence[str] | Mapping[str, float | Literal["treatment"]]
RandomPart = Mapping[str | tuple[str, str], float]

INTERCEPT = "Intercept"
TREATMENT = "treatment"

# Rounding leaves the smallest eigenvalue of a singular correlation matrix this far below zero.
EIGENVALUE_SLACK = 1e-12


@dataclass(frozen=True, slots=True)
class Predictor:
    """A standard normal predictor, or a treatment.

    Attributes
    ----------
    level : int
        1 if it varies between rows, 2 between innermost groups, 3 between the groups above.
    between : float
        Share of its variance that lies between the units one level up.
    treatment : bool
        Whether it is 0 for one half of the units and 1 for the other instead.
    """

    level: int
    between: float
    treatment: bool = False


@dataclass(frozen=True, slots=True)
class RandomTerms:
    """Random effects of one grouping factor.

    Attributes
    ----------
    terms : tuple of Term
        What the k random effects multiply.
    root : ndarray, shape (k, k)
        ``root @ root.T`` is their covariance matrix.
    """

    terms: tuple[Term, ...]
    root: Float


@dataclass(frozen=True, slots=True)
class StatedModel:
    """A model that can be drawn from.

    Attributes
    ----------
    predictors : mapping of str to Predictor
        Predictors by name.
    fixed : mapping of Term to float
        Fixed effects.
    random : tuple of RandomTerms
        One per grouping factor, outermost first.
    sigma : float
        Residual standard deviation.
    """

    predictors: Mapping[str, Predictor]
    fixed: Mapping[Term, float]
    random: tuple[RandomTerms, ...]
    sigma: float


def number(what: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    """Return ``value`` as a finite float within the limits, or say what is wrong with it."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise DataError(f"{what} must be a number, not {value!r}.")
    if not math.isfinite(value):
        raise DataError(f"{what} must be finite, not {value}.")
    if not low <= value <= high:
        limits = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
        raise DataError(f"{what} must be {limits}, not {value}.")
    return float(value)


def check_mapping(what: str, value: object, example: str) -> None:
    """Raise if an argument is not a mapping."""
    if not isinstance(value, Mapping):
        raise DataError(f"{what}= must be a mapping such as {example}, not {value!r}.")


def check_names(names: Iterable[str]) -> None:
    """Raise if a column's name cannot stand in a formula or is used twice."""
    seen = set()
    for name in names:
        if not isinstance(name, str) or not name.isidentifier() or name == INTERCEPT:
            raise DataError(f"{name!r} cannot be a column's name; use letters, digits and '_'.")
        if name in seen:
            raise DataError(f"Two columns would be named {name!r}.")
        seen.add(name)


def read_predictors(levels: Sequence[Predictors], n_factors: int) -> dict[str, Predictor]:
    """Read ``level1=``, ``level2=``, ``level3=``.

    Parameters
    ----------
    levels : sequence
        What was given for each of the three.
    n_factors : int
        Number of grouping factors; level ``n_factors + 1`` is the top.
    """
    predictors: dict[str, Predictor] = {}
    for level, given in enumerate(levels, start=1):
        if isinstance(given, str):
            raise DataError(f"level{level}={given!r} must be a list of names: [{given!r}].")
        if given and level > n_factors + 1:
            raise DataError(
                f"level{level}= needs two grouping factors, such as n_groups=(20, 5), "
                "group=('school', 'class')."
            )
        shares = given if isinstance(given, Mapping) else dict.fromkeys(given, 0.0)
        for name, share in shares.items():
            if name in predictors:
                raise DataError(f"{name!r} stands at level {predictors[name].level} and {level}.")
            if isinstance(share, str):
                if share != TREATMENT:
                    raise DataError(
                        f"level{level}[{name!r}] must be a share of variance or the word "
                        f"{TREATMENT!r}, not {share!r}."
                    )
                predictors[name] = Predictor(level, 0.0, treatment=True)
                continue
            between = number(f"level{level}[{name!r}], a share of variance,", share, 0.0, 1.0)
            if between and level == n_factors + 1:
                raise DataError(
                    f"level{level}[{name!r}]={share} has no level above it whose units it could "
                    f"vary between; list it as level{level}=[{name!r}]."
                )
            predictors[name] = Predictor(level, between)
    return predictors


def read_fixed(
    fixed: Mapping[str, float], predictors: Mapping[str, Predictor]
) -> dict[Term, float]:
    """Read ``fixed=``."""
    check_mapping("fixed", fixed, '{"Intercept": 50, "ses": 2}')
    effects: dict[Term, float] = {}
    for name, value in fixed.items():
        term = _term("fixed", name, predictors)
        if any(set(term) == set(other) for other in effects):
            raise DataError(f"fixed= states {name!r} twice.")
        effects[term] = number(f"fixed[{name!r}]", value)
    return effects


def read_random(
    random: RandomPart | Mapping[str, RandomPart],
    factors: Sequence[str],
    predictors: Mapping[str, Predictor],
) -> tuple[RandomTerms, ...]:
    """Read ``random=``: one mapping, or with two grouping factors one under each name."""
    parts = cast("Mapping[str, RandomPart]", {factors[0]: random} if len(factors) == 1 else random)
    unknown = [name for name in parts if name not in factors]
    if unknown or not all(isinstance(part, Mapping) for part in parts.values()):
        example = ", ".join(f"{name!r}: {{'Intercept': 1.0}}" for name in factors)
        raise DataError(f"With two grouping factors state random={{{example}}}.")
    top = len(factors) + 1
    return tuple(
        _random_terms(parts.get(name, {}), name, top - depth, predictors)
        for depth, name in enumerate(factors)
    )


def _term(where: str, name: object, predictors: Mapping[str, Predictor]) -> Term:
    if name == INTERCEPT:
        return ()
    term = tuple(str(name).split(":")) if isinstance(name, str) else (repr(name),)
    for part in term:
        if part not in predictors:
            known = ", ".join(f"{p} (level {predictors[p].level})" for p in predictors) or "none"
            raise DataError(
                f"{where}[{name!r}]: {part!r} is not a predictor; the predictors are: {known}. "
                "Add it to level1=, level2= or level3=."
            )
    if len(set(term)) < len(term):
        raise DataError(f"{where}[{name!r}] multiplies a predictor with itself.")
    return term


def _random_terms(
    part: RandomPart, factor: str, level: int, predictors: Mapping[str, Predictor]
) -> RandomTerms:
    where = f"random effects of {factor!r}"
    names = [name for name in part if not isinstance(name, tuple)]
    terms = tuple(_term(where, name, predictors) for name in names)
    for name, term in zip(names, terms, strict=True):
        if term and min(predictors[p].level for p in term) >= level:
            raise DataError(
                f"The {where} cannot have a slope of {name!r}: it does not vary within a {factor}."
            )
    deviations = np.array([number(f"{where}, {name!r},", part[name], 0.0) for name in names])
    correlation = _correlation(part, names, where)
    return RandomTerms(terms, deviations[:, None] * _root(correlation, where))


def _correlation(part: RandomPart, names: list[str], where: str) -> Float:
    correlation = np.eye(len(names))
    for pair, value in part.items():
        if not isinstance(pair, tuple):
            continue
        if len(pair) != 2 or len(set(pair)) != 2 or any(name not in names for name in pair):
            raise DataError(
                f"The {where} have a correlation under {pair}, which must name two of: "
                f"{', '.join(names) or 'none is stated'}."
            )
        if pair[::-1] in part:
            raise DataError(f"The {where} state the correlation of {pair} twice.")
        i, j = names.index(pair[0]), names.index(pair[1])
        correlation[i, j] = correlation[j, i] = number(f"{where}, {pair},", value, -1.0, 1.0)
    return correlation


def _root(correlation: Float, where: str) -> Float:
    """Return a square root, also of a singular matrix."""
    values, vectors = np.linalg.eigh(correlation)
    if values.size and values[0] < -EIGENVALUE_SLACK:
        raise DataError(f"The correlations of the {where} contradict each other.")
    root: Float = vectors * np.sqrt(np.clip(values, 0.0, None))
    return root
