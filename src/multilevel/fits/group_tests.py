"""Do groups differ? All tests in one table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import NotSupportedError
from multilevel.fits.random_terms import exact_columns, ranova_columns
from multilevel.levels.differences import heterogeneity_tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from multilevel.design.matrices import ModelMatrices
    from multilevel.fits.model import MixedModel
    from multilevel.levels.factor_effects import FactorEffects
    from multilevel.report.tidy import Columns
    from multilevel.state import FitState

__all__ = ["difference_columns"]

_NAMES = ("term", "test", "statistic", "df", "p_value", "note")
Row = tuple[str, str, float, float, float, str]


def difference_columns(
    model: MixedModel,
    state: FitState,
    found: Sequence[FactorEffects],
    n: int,
    rng: np.random.Generator,
) -> Columns:
    """Table of :meth:`LinearMixedModel.group_differences`."""
    rows = [
        *_heterogeneity(model.matrices, state, found),
        *_likelihood_ratios(model, state),
        *_exact(model, state, n, rng),
    ]
    columns: dict[str, Any] = dict(zip(_NAMES, zip(*rows, strict=True), strict=True))
    return {
        name: np.array(values) if name in ("statistic", "df", "p_value") else list(values)
        for name, values in columns.items()
    }


def _heterogeneity(
    matrices: ModelMatrices, state: FitState, found: Sequence[FactorEffects]
) -> Iterator[Row]:
    for effects in found:
        tests = heterogeneity_tests(effects, matrices.X, state.beta)
        note = f"{tests.n_used} of {effects.factor.n_levels} groups have an estimate"
        for q, name in enumerate(effects.names):
            yield (
                f"{name} | {effects.factor.name}",
                "chi-squared of group estimates",
                float(tests.statistic[q]),
                float(tests.df[q]),
                float(tests.p_value[q]),
                note,
            )


def _likelihood_ratios(model: MixedModel, state: FitState) -> Iterator[Row]:
    table = ranova_columns(model, state)
    for i, term in enumerate(table["term"]):
        mixture = table["mixture"][i]
        note = mixture or "chi-squared, conservative: the mixture is not known"
        p = table["p_value_mixture"][i] if mixture else table["p_value"][i]
        yield (
            term, "likelihood ratio", float(table["statistic"][i]), float(table["df"][i]),
            float(p), note,
        )  # fmt: skip


def _exact(model: MixedModel, state: FitState, n: int, rng: np.random.Generator) -> Iterator[Row]:
    for term in model.matrices.terms:
        group = model.matrices.factors[term.factor].name
        if term.covariance == "unstructured" and len(term.names) > 1:
            continue
        for name in term.names:
            label = f"({'1' if name == 'Intercept' else f'0 + {name}'} | {group})"
            try:
                table = exact_columns(model, state, label, n, rng)
            except NotSupportedError as error:
                note = f"not made: {error}"
                yield label, "exact likelihood ratio", np.nan, np.nan, np.nan, note
                continue
            statistic, p = float(table["statistic"][0]), float(table["p_value"][0])
            note = f"{table['method'][0]}; {n} draws"
            yield label, "exact likelihood ratio", statistic, np.nan, p, note
