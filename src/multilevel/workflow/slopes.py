"""Random slopes: which are tried, and which stay."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from multilevel.workflow.climb import ALPHA, said
from multilevel.workflow.possible_slopes import hidden_slopes, possible_slopes
from multilevel.workflow.request import MAXIMAL, slope_of
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, counted, listing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from multilevel.workflow.climb import Climb
    from multilevel.workflow.fitting import Fitted
    from multilevel.workflow.random_part import RandomPart, Slope
    from multilevel.workflow.rung import Test

__all__ = ["random_slopes", "search_slopes"]

# Slopes are tried by default only with so many groups: below, their variance is hardly known.
_FEWEST_GROUPS = 5
# Groups for each variance and covariance, from the second slope on.
_GROUPS_PER_PARAMETER = 5
# Variances and covariances of categories, beyond which they are too many to read: six categories.
_MOST_PARAMETERS = 21
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
        """Whether the model could be fitted and all its variances and correlations are known.

        Where categories vary alike, levels of groups may be all that is left at zero.
        """
        fit = self.fitted.fit
        return fit is not None and (self.slope.alike or not fit.is_singular)


def search_slopes(climb: Climb, candidates: list[Slope]) -> None:
    """Add slopes one by one, the clearest first, while tests and groups support them."""
    enough, before = _with_groups(climb, candidates), climb.current
    if before is None:
        return
    # One variance for all differences of categories is found with fewer groups than all of them.
    open_ = [replace(one, alike=one.n_effects > 1) for one in enough]
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
    for one in [one for one in state.part.slopes if one.alike]:
        state = _each(climb, state, one)
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
    """The first slope of a factor always; further ones with five groups per parameter."""
    n = climb.study.n_groups(one.factor)
    parameters = part.with_slope(one).n_parameters(one.factor)
    if not part.of(one.factor) or parameters * _GROUPS_PER_PARAMETER <= n:
        return True
    climb.note(
        "BUILD-OVERFIT",
        f"A random slope of {one.shown} was not tried beside the others: {parameters} variances "
        f"and covariances are many for {counted(n, one.factor.label)}; the rule of thumb is one "
        f"for every {_GROUPS_PER_PARAMETER} groups.",
    )
    return False


def _try(climb: Climb, state: _State, one: Slope) -> _Attempt:
    """A model with one slope more, written down with its test."""
    attempt = _attempt(climb, state, one)
    if attempt.clear and not attempt.supported and not one.alike:
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


def _each(climb: Climb, state: _State, one: Slope) -> _State:
    """Variances and covariances of all categories, where groups are enough and a test asks."""
    part, full = state.part.with_each(one), replace(one, alike=False)
    own = part.n_parameters(one.factor)
    if own > climb.study.n_groups(one.factor) or own > _MOST_PARAMETERS:
        return state
    fitted = climb.fitted(random=part)
    each = _Attempt(full, part, fitted, climb.test_random(fitted, state.name, state.fitted))
    verdict = "all alike is enough"
    if each.clear:
        verdict = "they differ" if each.supported else "left out: the model is singular"
    question = f"Do the categories of {full.shown} vary by different amounts?"
    climb.decide("BUILD-SLOPE", question, each.test, verdict, "Pinheiro & Bates (2000)")
    added = (*(label for label in state.added if label != one.label), full.label)
    title = f"a variance for each category of {full.shown}, and covariances"
    climb.trial(_label(added), title, fitted, each.test, said(each.test, verdict))
    if not (each.clear and each.supported):
        return state
    return _State(part, climb.trial_name(_label(added)), fitted, added)


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
