"""A model as equations: by level, and in one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.report.document import Equations
from multilevel.workflow.model_terms import LETTERS, letters_of, read_terms
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import listing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.model_terms import Column, Effect, ModelTerms
    from multilevel.workflow.study import Study

    Random = list[tuple[str, Sequence[str]]]

__all__ = ["equations_of", "level_equations", "model_equations"]

# Coefficients of level 1, 2, ... up to the fixed ones; the last three by Raudenbush & Bryk (2002).
_GREEK = "ηθκλωψπβγ"


def model_equations(study: Study, fit: LinearMixedModel, title: str) -> Equations:
    """The equation of a model, and the distributions of what is random in it.

    Rows are counted by i, groups of the innermost factor by j, those above or beside by k, ...
    Coefficients have the names that they have in :func:`level_equations`.
    """
    fixed, random = _names(fit)
    terms, cells = read_terms(study, fixed, _of_groups(study, random)), _cells(study, random)
    lines = [line for i in range(2, terms.n_levels + 1) for line in _distributions(terms, i)]
    lines += [line for _, line in cells]
    return Equations(title, (_combined(study, terms, cells), *lines, _residual(study)))


def level_equations(study: Study, fit: LinearMixedModel, title: str) -> tuple[Equations, ...]:
    """A model by levels, and in one equation."""
    return equations_of(study, *_names(fit), title)


def equations_of(
    study: Study,
    fixed: Iterable[str],
    random: Iterable[tuple[str, Sequence[str]]],
    title: str,
) -> tuple[Equations, ...]:
    """A model by levels, and in one equation, by the names of its terms.

    Every coefficient of a level is the outcome of an equation of the next (Raudenbush & Bryk
    2002): predictors of groups stand in the equation of the intercept, products across levels in
    that of the slope that they moderate. If factors are crossed, there are two levels: rows, and
    cells, which are combinations of groups.

    Parameters
    ----------
    study : Study
        What the columns stand for.
    fixed : iterable of str
        Coefficients as models call them.
    random : iterable of (str, sequence of str)
        Factors, and the random effects of their groups that are correlated with each other.
    title : str
        Name of the model.
    """
    random = list(random)
    terms, cells = read_terms(study, fixed, _of_groups(study, random)), _cells(study, random)
    own = [line for _, line in cells]
    first = (_first_level(study, terms, cells), *own, _residual(study))
    blocks = [Equations(f"{title}, level 1: rows", first)]
    for level in range(2, terms.n_levels + 1):
        lines = (*_level(study, terms, level), *_distributions(terms, level))
        blocks.append(Equations(f"Level {level}: {_level_name(study, level)}", lines))
    return (*blocks, Equations("In one equation", (_combined(study, terms, cells),)))


def _names(fit: LinearMixedModel) -> tuple[list[str], Random]:
    """Names of the terms of a fit, without coefficients that could not be estimated."""
    matrices = fit._matrices
    random: Random = []
    for term in matrices.terms:
        group = matrices.factors[term.factor].name
        together = term.covariance == "unstructured"
        random += [(group, names) for names in ([term.names] if together else zip(term.names))]
    return [fit.coef_names[i] for i in matrices.kept], random


def _of_groups(study: Study, random: Random) -> Random:
    """Random effects of the grouping factors of the study."""
    names = {factor.name for factor in study.hierarchy.factors}
    return [(group, effects) for group, effects in random if group in names]


def _cells(study: Study, random: Random) -> list[tuple[str, str]]:
    """Symbols of deviations of groups by category, and the lines of their distributions."""
    found = []
    factors = {factor.name: factor for factor in study.hierarchy.factors}
    for group, _ in random:
        if group not in factors:
            name = max((one for one in factors if group.startswith(f"{one}:")), key=len)
            category = group.removeprefix(f"{name}:")
            place = f"{letters_of(study, factors[name])},{category}"
            words = f"every {a_group(factors[name].label)} and every {category}"
            line = f"d_{{{place}}} ~ N(0, τ_{{d,{category}}}^{{2}}), for {words}"
            found.append((f"d_{{{place}}}", line))
    return found


def _first_level(study: Study, terms: ModelTerms, cells: list[tuple[str, str]]) -> str:
    """The outcome by the coefficients of the groups of a row."""
    row = "i" + _place(study, 1)
    right = [_times(_coefficient(study, terms, path), path[-1]) for path in terms.paths(1)]
    right += [symbol for symbol, _ in cells]
    return f"{study.outcome}_{{{row}}} = {' + '.join([*right, f'e_{{{row}}}'])}"


def _level(study: Study, terms: ModelTerms, level: int) -> Iterable[str]:
    """Every coefficient of the level below."""
    for path in terms.paths(level - 1):
        right = [
            _times(_coefficient(study, terms, below), below[-1])
            for below in terms.paths(level)
            if below[:-1] == path
        ]
        right += [
            _times(_symbol(terms, effect), *effect.column[level - 1 :])
            for effect in terms.effects
            if effect.level == level and effect.column[: level - 1] == path
        ]
        yield f"{_coefficient(study, terms, path)} = {' + '.join(right)}"


def _level_name(study: Study, level: int) -> str:
    """``schools``; ``combinations of pupils and items``."""
    factors = study.hierarchy.factors
    if study.hierarchy.crossed:
        return f"combinations of {listing([the_groups(one.label) for one in factors[::-1]])}"
    return the_groups(factors[1 - level].label)


def _combined(study: Study, terms: ModelTerms, cells: list[tuple[str, str]]) -> str:
    """The levels put into each other."""
    row = "i" + _place(study, 1)
    top = terms.n_levels
    right = [_times(_coefficient(study, terms, one[:top]), *one) for one in terms.fixed]
    right += [_times(_symbol(terms, effect), *effect.column) for effect in terms.effects]
    right += [symbol for symbol, _ in cells]
    return f"{study.outcome}_{{{row}}} = {' + '.join([*right, f'e_{{{row}}}'])}"


def _distributions(terms: ModelTerms, level: int) -> Iterable[str]:
    """What differs between the groups of a level."""
    for block in terms.blocks:
        if block[0].level != level:
            continue
        symbols = [_symbol(terms, effect) for effect in block]
        alone = sum(other[0].factor is block[0].factor for other in terms.blocks) == 1
        own = block[0].letter + _effect_index(terms, block[0])
        each = f"for every {a_group(block[0].factor.label)}"
        if len(symbols) == 1:
            yield f"{symbols[0]} ~ N(0, τ_{{{own}}}^{{2}}), {each}"
        else:
            matrix = block[0].letter if alone else own
            yield f"({', '.join(symbols)}) ~ N(0, T_{{{matrix}}}), {each}"


def _residual(study: Study) -> str:
    row = "i" + _place(study, 1)
    weights = study.request.weights
    by = "" if weights is None else f" / {weights}_{{{row}}}"
    return f"e_{{{row}}} ~ N(0, σ^{{2}}{by}), for every row"


def _coefficient(study: Study, terms: ModelTerms, path: Column) -> str:
    """``β_{1j}``: the coefficient of a column at a level, for the groups of the next."""
    letter = _GREEK[len(path) - terms.n_levels - 1]
    return f"{letter}_{{{terms.index(path)}{_place(study, len(path))}}}"


def _symbol(terms: ModelTerms, effect: Effect) -> str:
    """``u_{1j}``."""
    return f"{effect.letter}_{{{_effect_index(terms, effect)}{effect.place}}}"


def _effect_index(terms: ModelTerms, effect: Effect) -> str:
    """The index of the coefficient that differs; of one above if it is one of its own level."""
    column = effect.column
    while len(column) >= effect.level and not column[-1]:
        column = column[:-1]
    return terms.index(column)


def _place(study: Study, level: int) -> str:
    """Letters of the groups that a coefficient of a level belongs to; none for the last."""
    n = len(study.hierarchy.factors)
    if study.hierarchy.crossed:
        return LETTERS[:n] if level == 1 else ""
    return LETTERS[level - 1 : n]


def _times(symbol: str, *texts: str) -> str:
    """A coefficient before its column."""
    column = " · ".join(text for text in texts if text)
    return f"{symbol} {column}" if column else symbol
