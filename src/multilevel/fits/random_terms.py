"""Tests of random-effects terms: models without them, on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.encode import Coder
from multilevel.design.encoder import FormulaicEncoder
from multilevel.design.frame import ModelFrame, recode
from multilevel.design.meaning import meaning_of
from multilevel.design.terms import parse_terms
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.fits.nesting import boundary_mixture, mixture_columns, spans_constant
from multilevel.formula.parse import parse
from multilevel.inference.exact_rlrt import simulate_statistics, spectrum
from multilevel.inference.information import aic
from multilevel.inference.likelihood_ratio import chi_squared_tail, likelihood_ratio
from multilevel.randomness import random_generator
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.design.build import Design
    from multilevel.design.matrices import ModelMatrices, RandomTerm
    from multilevel.fits.model import MixedModel
    from multilevel.report.tidy import Columns
    from multilevel.state import FitState

__all__ = ["exact_columns", "ranova_columns"]


@dataclass(frozen=True, slots=True)
class Reduction:
    """A random-effects term made smaller.

    Attributes
    ----------
    removed : str
        What goes: ``"(1 | g)"``, ``"x in (1 + x | g)"``.
    term : int
        Position of the term.
    smaller : RandomTerm or None
        What takes its place; None if nothing does.
    """

    removed: str
    term: int
    smaller: RandomTerm | None


def ranova_columns(model: MixedModel, state: FitState) -> Columns:
    """Test each random-effects term against a smaller one; see :meth:`LinearMixedModel.ranova`."""
    matrices = model.matrices
    _check_random(matrices)
    reductions = [r for t in range(len(matrices.terms)) for r in _reductions(model.design, t)]
    smaller = [_reduced(matrices, r.term, r.smaller) for r in reductions]
    fits = [_fit(model, reduced, state.reml) for reduced in smaller]
    statistic = likelihood_ratio(np.array([fit.objective for fit in fits]), state.objective)
    df = np.array([len(state.theta) - len(fit.theta) for fit in fits], dtype=np.int64)
    mixtures = [
        boundary_mixture(reduced, matrices, singular=fit.is_singular)
        for reduced, fit in zip(smaller, fits, strict=True)
    ]
    return {
        "term": [r.removed for r in reductions],
        "n_parameters": [fit.n_parameters for fit in fits],
        "loglik": np.array([fit.loglik for fit in fits]),
        "aic": np.array([aic(fit.loglik, fit.n_parameters) for fit in fits]),
        "statistic": statistic,
        "df": df,
        "p_value": chi_squared_tail(df.astype(np.float64), statistic),
        **mixture_columns(mixtures, statistic),
    }


def exact_columns(
    model: MixedModel,
    state: FitState,
    term: str | None,
    n: int,
    rng: int | np.random.Generator | None,
) -> Columns:
    """Test one variance component; see :meth:`LinearMixedModel.exact_rlrt`."""
    if not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n={n!r} is no number of draws; give 1 or more.")
    matrices = model.matrices
    _check_random(matrices)
    reduction, column = _scalar(matrices, term)
    tested = matrices.terms[reduction.term]
    factor = matrices.factors[tested.factor]
    values = spectrum(
        matrices.X, tested.z[:, column], factor.codes, factor.n_levels, matrices.weights
    )
    null = _fit(model, _reduced(matrices, reduction.term, reduction.smaller), state.reml)
    statistic = float(likelihood_ratio(null.objective, state.objective))
    draws = simulate_statistics(values, n, random_generator(rng), reml=state.reml)
    alone = len(state.theta) == 1
    what = "restricted likelihood ratio" if state.reml else "likelihood ratio"
    paper = "exact (Crainiceanu & Ruppert 2004)" if alone else "approximate (Greven et al. 2008)"
    return {
        "term": [reduction.removed],
        "method": [f"{what}, {paper}"],
        "statistic": np.array([statistic]),
        "p_value": np.array([(1 + np.sum(draws >= statistic)) / (1 + n)]),
        "n_draws": [n],
    }


def _scalar(matrices: ModelMatrices, term: str | None) -> tuple[Reduction, int]:
    """The single variance that is asked for, and its column in its term."""
    found: dict[str, tuple[Reduction, int]] = {}
    blocks = []
    for t, one in enumerate(matrices.terms):
        group = matrices.factors[one.factor].name
        if one.covariance == "unstructured" and len(one.names) > 1:
            blocks.append(one.label)
            continue
        for j, name in enumerate(one.names):
            label = f"({'1' if name == 'Intercept' else f'0 + {name}'} | {group})"
            found[label] = Reduction(label, t, _without_column(one, j)), j
    if term is None and len(found) == 1:
        return next(iter(found.values()))
    if not found:
        raise NotSupportedError(
            f"The exact test is for a single variance, and the effects of {' and '.join(blocks)} "
            "are correlated. Use ranova(), or bootstrap_lrt() with the smaller model."
        )
    listed = ", ".join(found)
    if term is None:
        raise DataError(f"There are several variances; name one with term=: {listed}.")
    same = [label for label in found if label.replace(" ", "") == str(term).replace(" ", "")]
    if not same:
        raise DataError(f"There is no term {term!r} with a single variance; there are: {listed}.")
    return found[same[0]]


def _check_random(matrices: ModelMatrices) -> None:
    if not matrices.terms:
        raise DataError("The model has no random effects, so there is no variance to test.")


def _reductions(design: Design, t: int) -> list[Reduction]:
    """What can be taken from a term: one variance if they are independent, else one product."""
    term = design.matrices.terms[t]
    if len(term.names) == 1:
        return [Reduction(term.label, t, None)]
    if term.covariance == "independent":
        return [
            Reduction(f"{name} in {term.label}", t, _without_column(term, j))
            for j, name in enumerate(term.names)
        ]
    products = meaning_of(parse(design.spec.formula)).effects[t].products
    free = [p for p in products if p and not any(set(p) < set(other) for other in products)]
    reductions = []
    for product in free:
        smaller = _encoded(design, t, [p for p in products if p != product])
        if smaller is None or smaller.z.shape[1] < term.z.shape[1]:
            reductions.append(Reduction(f"{':'.join(product)} in {term.label}", t, smaller))
    return reductions


def _without_column(term: RandomTerm, j: int) -> RandomTerm | None:
    left = [i for i in range(len(term.names)) if i != j]
    if not left:
        return None
    names = tuple(term.names[i] for i in left)
    return replace(term, names=names, z=np.ascontiguousarray(term.z[:, left]))


def _encoded(design: Design, t: int, products: Sequence[tuple[str, ...]]) -> RandomTerm | None:
    """A term with some of its products; without any the intercept, if the term comprises it."""
    term, encoder = design.matrices.terms[t], design.spec.encoders.effects[t]
    if not any(products):
        if not products and not spans_constant(term.z):
            return None
        return replace(term, names=("Intercept",), z=np.broadcast_to(1.0, (len(term.z), 1)))
    variables = {
        name: recode(design.table.column(name), design.spec.variables[name], design.rows)
        for name in encoder.columns
    }
    frame = ModelFrame(len(term.z), variables, design.rows)
    coder = Coder(frame, {}, {})
    if isinstance(encoder, FormulaicEncoder):
        coder = Coder(frame, encoder.scope.contrasts, encoder.scope.context)
    texts = [":".join(f"`{n}`" if n in variables else n for n in p) or "1" for p in products]
    made, z = coder.encode(parse_terms(" + ".join(["1" if () in products else "0", *texts])))
    return replace(term, names=made.names, z=z)


def _reduced(matrices: ModelMatrices, t: int, smaller: RandomTerm | None) -> ModelMatrices:
    """The model with a term replaced, or without it; factors that are not used are left out."""
    terms = [smaller if i == t else term for i, term in enumerate(matrices.terms)]
    left = [term for term in terms if term is not None]
    used = sorted({term.factor for term in left})
    return replace(
        matrices,
        factors=tuple(matrices.factors[f] for f in used),
        terms=tuple(replace(term, factor=used.index(term.factor)) for term in left),
    )


def _fit(model: MixedModel, matrices: ModelMatrices, reml: bool) -> FitState:
    return LinearProblem.from_matrices(matrices, model._control).fit(reml=reml)
