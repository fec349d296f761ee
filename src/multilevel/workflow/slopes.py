"""Random slopes: which are tried, and which stay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from multilevel.workflow.climb import ALPHA, said
from multilevel.workflow.predictors import varying_groups
from multilevel.workflow.random_part import RandomPart, Slope
from multilevel.workflow.request import MAXIMAL, slope_of
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, counted, listing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multilevel.typing import Float
    from multilevel.workflow.climb import Climb
    from multilevel.workflow.fitting import Fitted
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.rung import Test
    from multilevel.workflow.study import Study

__all__ = ["hidden_slopes", "possible_slopes", "random_slopes", "search_slopes"]

# Slopes are tried by default only with so many groups: below, their variance is hardly known.
_FEWEST_GROUPS = 5
# Groups for each variance and covariance, of the first slope and from the second on.
_GROUPS_FOR_FIRST, _GROUPS_PER_PARAMETER = 1, 5
# Effects of categories on the level of a group: beyond, their covariances are too many to read.
_MOST_EFFECTS = 6
# Units in a group with the same category, on average, that tell differences from their noise.
_UNITS_PER_CELL = 2
_MOST_CANDIDATES = 12
# A level of tests for taking slopes away again (Matuschek et al. 2017).
_ALPHA_REDUCE = 0.20


def random_slopes(climb: Climb) -> None:
    """Add the random slopes that the user asks for, or those that tests support."""
    study, wanted = climb.study, climb.study.request.random
    candidates = possible_slopes(study, study.predictors)
    _say_hidden(climb)
    if wanted == (MAXIMAL,):
        _reduce_maximal(climb, candidates)
    elif wanted is not None:
        _together(climb, _named(climb, wanted, candidates), "as random= asks")
    else:
        pairs = study.request.interactions or ()
        names = {name for pair in pairs for name in pair}
        missing = [one for one in candidates if one.label not in _labels(climb.random)]
        needed = [
            one
            for one in missing
            if one.predictor.name in names and one.factor is study.hierarchy.innermost
        ]
        _together(climb, needed, "an interaction that the question names is on it")
        search_slopes(climb, [one for one in missing if one not in needed and _is_new(climb, one)])


def _say_hidden(climb: Climb) -> None:
    study = climb.study
    for one in hidden_slopes(study):
        climb.note(
            "BUILD-SLOPE",
            f"Whether {one.plural} differ between {the_groups(one.factor.label)} cannot be told "
            f"from {counted(study.n_rows, 'row')} in "
            f"{counted(study.n_groups(one.factor), one.factor.label)}: such differences are part "
            "of the residual variance.",
        )


def _is_new(climb: Climb, one: Slope) -> bool:
    """Time was tried when change over time was."""
    time = climb.study.time
    return time is None or one.predictor is not time


def _labels(part: RandomPart) -> set[str]:
    return {one.label for one in part.slopes}


def possible_slopes(study: Study, predictors: Iterable[Predictor]) -> list[Slope]:
    """Slopes of predictors that vary within the groups of a factor, the innermost first."""
    return [one for one in _varying(study, predictors) if _told_from_residuals(study, one)]


def hidden_slopes(study: Study) -> list[Slope]:
    """Slopes that may differ between the innermost groups, which have too few rows to show it."""
    inner = study.hierarchy.innermost
    found = [one for one in _varying(study, study.predictors) if one.factor is inner]
    return [one for one in found if not _told_from_residuals(study, one)]


def _varying(study: Study, predictors: Iterable[Predictor]) -> list[Slope]:
    factors, alone = study.hierarchy.factors, len(study.hierarchy.factors) == 1
    return [
        Slope(one, factor, alone=alone)
        for one in predictors
        for factor in reversed(factors)
        if _varies(study, one, factor)
    ]


def _varies(study: Study, one: Predictor, factor: Factor) -> bool:
    """Whether a predictor varies within half of a factor's groups."""
    varying = varying_groups(_values(study, one), study.codes(factor), factor.n_levels)
    return 2 * len(varying) >= study.n_groups(factor)


def _told_from_residuals(study: Study, one: Slope) -> bool:
    """Whether there are more units than random effects, and categories have several each.

    Units are rows; of a predictor that is the same in all rows of groups, these groups.
    """
    x = one.predictor
    units = study.n_rows if x.factor is None else study.n_groups(x.factor)
    if x.kind != "categorical":
        return units > (1 + one.n_effects) * study.n_groups(one.factor)
    codes = study.codes(one.factor).astype(np.int64)
    cells = np.unique(codes * len(x.labels) + _values(study, x).astype(np.int64))
    return units >= _UNITS_PER_CELL * len(cells)


def _values(study: Study, one: Predictor) -> Float:
    """A predictor's own column, codes of categories."""
    if one.own in one.columns:
        return one.columns[one.own]
    column = study.table.column(one.name)
    values = column.values if column.is_numeric else column.codes
    return np.asarray(values[study.rows], dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _State:
    """A random part, its model, and the names of slopes that the search has added to it."""

    part: RandomPart
    name: str
    fitted: Fitted
    added: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Attempt:
    """A slope that was tried beside those of a state."""

    slope: Slope
    part: RandomPart
    fitted: Fitted
    test: Test | None

    @property
    def clear(self) -> bool:
        """Whether the test says that slopes differ."""
        return self.test is not None and self.test.p_value < ALPHA

    @property
    def order(self) -> tuple[float, float]:
        """The clearest comes first; where p values are equal, that of the largest statistic."""
        return (1.0, 0.0) if self.test is None else (self.test.p_value, -self.test.statistic)

    @property
    def supported(self) -> bool:
        """Whether the model could be fitted and all its variances and correlations are known."""
        return self.fitted.fit is not None and not self.fitted.fit.is_singular


def search_slopes(climb: Climb, candidates: list[Slope]) -> None:
    """Add slopes one by one, the clearest first, while tests and groups support them."""
    open_, before = _with_groups(climb, candidates), climb.current
    if before is None:
        return
    state = _State(climb.random, before.name, climb.fitted())
    while open_:
        affordable = [one for one in open_ if _affordable(climb, state.part, one)]
        attempts = [_try(climb, state, one) for one in affordable]
        good = [one for one in attempts if one.clear and one.supported]
        if not good:
            break
        best = min(good, key=lambda one: one.order)
        added = (*state.added, best.slope.label)
        state = _State(best.part, climb.trial_name(_label(added)), best.fitted, added)
        open_ = [one.slope for one in good if one is not best]
    if state.added:
        _keep(climb, state.part, "by their tests" if len(state.added) > 1 else "by its test")


def _label(added: Iterable[str]) -> str:
    return "+".join(added)


def _with_groups(climb: Climb, candidates: list[Slope]) -> list[Slope]:
    """Candidates whose factor has enough groups to know how slopes vary."""
    study = climb.study
    for factor in dict.fromkeys(one.factor for one in candidates):
        n = study.n_groups(factor)
        if n < _FEWEST_GROUPS:
            climb.note(
                "BUILD-FEWGROUPS",
                f"Random slopes were not tried: {counted(n, factor.label)} say too "
                "little about how slopes vary. Name them in random= to try all the same.",
            )
    enough = [one for one in candidates if study.n_groups(one.factor) >= _FEWEST_GROUPS]
    if len(enough) > _MOST_CANDIDATES:
        climb.note(
            "BUILD-FORKING",
            f"Only the first {_MOST_CANDIDATES} of {len(enough)} possible random slopes were "
            "tried; name those that matter in random=.",
            "warning",
        )
    return enough[:_MOST_CANDIDATES]


def _affordable(climb: Climb, part: RandomPart, one: Slope) -> bool:
    """The first slope of a factor with a group per parameter, further ones with five."""
    n = climb.study.n_groups(one.factor)
    parameters = part.with_slope(one).n_parameters(one.factor)
    beside = " beside the others" if part.of(one.factor) else ""
    needed = parameters * (_GROUPS_PER_PARAMETER if beside else _GROUPS_FOR_FIRST)
    if needed <= n and one.n_effects < _MOST_EFFECTS:
        return True
    rule = f"; the rule of thumb is one for every {_GROUPS_PER_PARAMETER} groups" if beside else ""
    climb.note(
        "BUILD-OVERFIT",
        f"A random slope of {one.shown} was not tried{beside}: {parameters} variances and "
        f"covariances are many for {counted(n, one.factor.label)}{rule}. If slopes differ all the "
        "same, standard errors of the model are too small: see the robust ones in step 8.",
    )
    return False


def _try(climb: Climb, state: _State, one: Slope) -> _Attempt:
    """A model with one slope more, written down with its test."""
    attempt = _attempt(climb, state, one)
    # Effects of categories have no order in which one of them could stand alone.
    if attempt.clear and not attempt.supported and one.n_effects == 1:
        separate = _attempt(climb, state, replace(one, separate=True))
        if separate.clear and separate.supported:
            climb.note("BUILD-UNCORRELATED-SHIFT", _shift(one))
            attempt = separate
    if attempt.fitted.fit is None:
        verdict = "left out: the model could not be fitted"
    elif not attempt.clear:
        verdict = "one slope for all groups is enough"
    elif not attempt.supported:
        verdict = "left out: the model is singular, the data do not tell its variances apart"
    else:
        verdict = "slopes differ"
    beside = f" beside {listing(list(map(code, state.added)))}" if state.added else ""
    question = f"Do {one.plural} differ between groups{beside}?"
    climb.decide("BUILD-SLOPE", question, attempt.test, verdict, "Stram & Lee (1994)")
    title = f"random slope of {one.shown}{beside}"
    label = _label((*state.added, one.label))
    climb.trial(label, title, attempt.fitted, attempt.test, said(attempt.test, verdict))
    return attempt


def _attempt(climb: Climb, state: _State, one: Slope) -> _Attempt:
    part = state.part.with_slope(one)
    fitted = climb.fitted(random=part)
    return _Attempt(one, part, fitted, climb.test_random(fitted, state.name, state.fitted))


def _shift(one: Slope) -> str:
    return (
        f"The correlation of random slopes of {one.shown} with the other random effects cannot be "
        "estimated and is left out. Such a model depends on where the predictor is zero: it says "
        "that groups differ least there."
    )


def _keep(climb: Climb, part: RandomPart, reason: str) -> None:
    shown = listing([one.shown for one in part.slopes])
    many = "s" if len(part.slopes) > 1 else ""
    climb.add_random(f"random slope{many} of {shown}", part, reason)


def _named(climb: Climb, wanted: tuple[str, ...], candidates: list[Slope]) -> list[Slope]:
    """Slopes that the user names: ``"ses"``, or ``"ses | school"`` where there are more factors."""
    chosen = []
    for text in wanted:
        known = any(one.name == text for one in climb.study.predictors)
        name, group = (text, "") if known else slope_of(text)
        found = [one for one in candidates if one.predictor.name == name]
        found = [one for one in found if not group or group in (one.factor.name, one.factor.label)]
        chosen += found[:1]
        if not found:
            where = f"the groups of {code(group)}" if group else "groups"
            climb.note(
                "BUILD-SLOPE",
                f"{code(name)} has no random slope: it does not vary within {where}, or they have "
                "hardly two rows of each of its categories.",
                "warning",
            )
    return chosen


def _together(climb: Climb, chosen: list[Slope], reason: str) -> None:
    """All chosen slopes in one model, without correlations that cannot be estimated."""
    if not chosen:
        return
    part = climb.random
    for one in chosen:
        part = part.with_slope(one)
    for factor in dict.fromkeys(one.factor for one in chosen):
        fitted = climb.fitted(random=part)
        if fitted.fit is not None and not fitted.fit.is_singular:
            break
        simpler = part.without_correlations(factor)
        why = "could not be fitted" if fitted.fit is None else "is singular"
        other = climb.fitted(random=simpler)
        if other.fit is None:
            continue
        shown = listing([one.shown for one in part.of(factor)])
        climb.note(
            "BUILD-SINGULAR",
            f"The model with random slopes of {shown} {why}; correlations of its random effects "
            "are left out (Bates et al. 2015).",
        )
        part = simpler
    if climb.fitted(random=part).fit is not None:
        _keep(climb, part, reason)


def _reduce_maximal(climb: Climb, candidates: list[Slope]) -> None:
    """All slopes that the design allows, reduced to what the data support (Barr; Matuschek)."""
    part = climb.random
    for one in candidates:
        part = part.with_slope(one)
    if not candidates:
        return
    fitted = climb.fitted(random=part)
    _write_maximal(climb, part, fitted, "all slopes that the design allows")
    for factor in reversed(climb.study.hierarchy.factors):
        if (fitted.fit is None or fitted.fit.is_singular) and part.of(factor):
            part = part.without_correlations(factor)
            fitted = climb.fitted(random=part)
            _write_maximal(climb, part, fitted, f"no correlations within {code(factor.name)}")
    while part.slopes:
        smaller = [part.without_slope(one) for one in part.slopes]
        tests = [climb.test_random(fitted, "without", climb.fitted(random=one)) for one in smaller]
        p = [1.0 if test is None else test.p_value for test in tests]
        worst = max(range(len(p)), key=p.__getitem__)
        if p[worst] <= _ALPHA_REDUCE:
            break
        gone = part.slopes[worst]
        question = f"Are slopes of {gone.shown} needed?"
        climb.decide(
            "BUILD-SLOPE",
            question,
            tests[worst],
            "taken away",
            "Matuschek et al. (2017)",
            alpha=_ALPHA_REDUCE,
        )
        part = smaller[worst]
        fitted = climb.fitted(random=part)
        _write_maximal(climb, part, fitted, f"without the slope of {gone.shown}")
    if part.slopes and fitted.fit is not None:
        _keep(climb, part, "what is left of the maximal model")


def _write_maximal(climb: Climb, part: RandomPart, fitted: Fitted, title: str) -> None:
    state = (
        "could not be fitted"
        if fitted.fit is None
        else "is singular"
        if fitted.fit.is_singular
        else "can be estimated"
    )
    label = _label([f"{one.label}{'*' if one.separate else ''}" for one in part.slopes]) or "none"
    climb.trial(label, f"maximal model: {title}", fitted, None, f"the model {state}")
