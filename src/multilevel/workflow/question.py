"""Questions that the variables allow, with the term and the smallest model that answer each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multilevel.workflow.pieces_in_words import two_values
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, listing, number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multilevel.workflow.candidate import Candidate
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.random_part import Slope
    from multilevel.workflow.study import Study

__all__ = ["Question", "read_questions", "rows_of"]

_NONE = "none"
_HELD = "about the mean of all rows, or within groups beside the means"


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what answers it.

    Attributes
    ----------
    about : {"groups", "rows", "group differences", "change", "slopes", "interactions"}
        What kind of question it is.
    question : str
        In words.
    term : str
        The part of a model that answers it.
    level : str
        The units that are compared.
    estimates : str
        What the term estimates.
    centring : str
        Where the zero of its columns must be for that.
    model : str
        The smallest model with the term.
    """

    about: str
    question: str
    term: str
    level: str
    estimates: str
    centring: str
    model: str


def rows_of(study: Study) -> str:
    """What rows are called: measurements, if there is time."""
    return "rows" if study.time is None else "measurements"


def read_questions(study: Study, candidate: Candidate) -> list[Question]:
    """All questions, those of variance first."""
    found = [_of_variance(study, factor) for factor in study.hierarchy.factors]
    found += _of_time(study, candidate)
    found += [_of_slope(study, one) for one in candidate.slopes if one.predictor is study.time]
    for one in study.predictors:
        if one.stated != "time" and not _is_mean(study, one):
            found += _of_differences(study, one)
    others = [one for one in candidate.slopes if one.predictor is not study.time]
    found += [_of_slope(study, one) for one in others]
    return [*found, *_of_products(study, candidate)]


def _is_mean(study: Study, one: Predictor) -> bool:
    """Whether it is the group mean of another predictor, which asks for it."""
    return any(one.own == name for other in study.predictors for name, _ in other.means)


def _model(study: Study, fixed: list[str], slope: Slope | None = None) -> str:
    """The smallest model with some terms; with time, which may go with all of them."""
    time = [study.time.term] if fixed and study.time is not None else []
    inside, factor = ("1", None) if slope is None else (f"1 + {slope.term}", slope.factor)
    random = study.hierarchy.random(inside, factor)
    return study.formula(list(dict.fromkeys([*time, *fixed])), random)


def _of_variance(study: Study, factor: Factor) -> Question:
    groups, inside = the_groups(factor.label), ""
    if factor.parent is not None:
        inside = f" of one {a_group(study.hierarchy.factors[factor.parent].label)}"
    return Question(
        about="groups",
        question=f"How much do {groups}{inside} differ in {code(study.outcome)}?",
        term=f"random intercept of {factor.name}",
        level=groups,
        estimates=f"variance between {groups}, and its share of all variance (ICC)",
        centring=_NONE,
        model=_model(study, []),
    )


def _of_time(study: Study, candidate: Candidate) -> Iterator[Question]:
    """Mean change, and its curve."""
    one, y = study.time, code(study.outcome)
    if one is None:
        return
    yield Question(
        about="change",
        question=f"How does {y} change with {code(one.name)} on average?",
        term=one.own,
        level=rows_of(study),
        estimates=f"mean change of {y} per unit of {code(one.name)}",
        centring=_centring(study, one),
        model=_model(study, [one.term]),
    )
    if candidate.curve:
        square = f"I({one.term}**2)"
        yield Question(
            about="change",
            question=f"Is the mean change with {code(one.name)} a line or a curve?",
            term=square,
            level=rows_of(study),
            estimates="how the mean change changes itself",
            centring=_centring(study, one),
            model=_model(study, [square]),
        )


def _of_differences(study: Study, one: Predictor) -> Iterator[Question]:
    """Differences between the units of a predictor, and between groups around them."""
    y, units = code(study.outcome), _units(study, one)
    inside, parts = "", ""
    if one.means:
        around = _around(study, one)
        inside = f" of one {' and one '.join(a_group(factor.label) for factor in around)}"
        parts = f" within {listing([the_groups(factor.label) for factor in around])},"
    elif one.level == 1 and one.icc > 0.0:
        parts = " within and between groups together,"
    model = _model(study, [one.term, *one.mean_terms])
    yield Question(
        about="rows" if one.level == 1 else "group differences",
        question=f"Do {units}{inside} {_that_differ(one)} differ in {y}?",
        term=one.own,
        level=units,
        estimates=f"difference{parts} {_per(study, one)}",
        centring=_centring(study, one),
        model=model,
    )
    for i in range(len(one.means)):
        yield from _of_means(study, one, i, model)
    held = [other for other in study.at_level(1) if one.level > 1]
    if held:
        names = listing([code(other.name) for other in held])
        alike = [term for other in held for term in (other.term, *other.mean_terms)]
        yield Question(
            about="group differences",
            question=f"Do they still if {names} {'are' if len(held) > 1 else 'is'} held equal?",
            term=one.own,
            level=units,
            estimates=f"the same difference beside {names}",
            centring=_NONE if all(other.centring == "none" for other in held) else _HELD,
            model=_model(study, [*alike, one.term, *one.mean_terms]),
        )


def _of_means(study: Study, one: Predictor, i: int, model: str) -> Iterator[Question]:
    """Differences between groups with different means, and what is more than those inside."""
    name, factor = one.means[i]
    y, x, groups = code(study.outcome), code(one.name), the_groups(factor.label)
    mean, of = ("share", _second(study, one)) if one.kind == "binary" else ("mean", x)
    innermost = study.hierarchy.crossed or i == len(one.means) - 1
    units = _units(study, one) if innermost else the_groups(one.means[i + 1][1].label)
    below = one.own if innermost else one.means[i + 1][0]
    same = x if innermost else f"{mean} of {of}"
    raw = one.centring == "share"  # its own values hold differences of means, too
    yield Question(
        about="group differences",
        question=f"Do {groups} with different {mean}s of {of} differ in {y}?",
        term=f"{one.own} + {name}" if raw else name,
        level=groups,
        estimates=f"difference between {groups}, per unit of the {mean} of {of}",
        centring=f"{mean}s about their average",
        model=model,
    )
    yield Question(
        about="group differences",
        question=f"Do {units} with the same {same} differ in {y} by the {mean} of {of} in their "
        f"{a_group(factor.label)}?",
        term=name if raw and innermost else f"{name} − {below}",
        level=groups,
        estimates="contextual difference: between minus within",
        centring=f"{mean}s about their average",
        model=model,
    )


def _units(study: Study, one: Predictor) -> str:
    """What is compared by a predictor."""
    return rows_of(study) if one.factor is None else the_groups(one.factor.label)


def _that_differ(one: Predictor) -> str:
    x = code(one.name)
    return f"that differ in {x}" if one.kind == "numeric" else f"with different {x}"


def _per(study: Study, one: Predictor) -> str:
    """What a difference is for."""
    if one.kind == "numeric":
        return f"per unit of {code(one.name)}"
    if one.kind == "categorical":
        return f"of each category from {code(one.labels[0])}"
    values = two_values(one, study)
    if values is None:
        return f"between {code(one.labels[1])} and {code(one.labels[0])}"
    return f"between {_second(study, one)} and {number(values[0])}"


def _second(study: Study, one: Predictor) -> str:
    """```sex` = `Female```: what shares are shares of."""
    values = two_values(one, study)
    return f"{code(one.name)} = {code(one.labels[1]) if values is None else number(values[1])}"


def _centring(study: Study, one: Predictor) -> str:
    """Where the zero of a predictor is."""
    match one.centring:
        case "within":
            return f"about the {_means_of(study, one, 'mean')}"
        case "share":
            return f"none, beside the {_means_of(study, one, 'share')}"
        case "grand":
            return "about the mean of all rows"
    if one.stated == "time":
        return f"counted from {code(one.name)} = {number(one.origin)}"
    return _NONE


def _means_of(study: Study, one: Predictor, what: str) -> str:
    """``mean in the school``; of all factors if they are crossed."""
    names = [a_group(factor.label) for factor in _around(study, one)]
    return f"{what}{'s' if len(names) > 1 else ''} in the {listing(names)}"


def _around(study: Study, one: Predictor) -> list[Factor]:
    """The factors whose means are taken off: the innermost, or all if they are crossed."""
    factors = [factor for _, factor in reversed(one.means)]
    return factors if study.hierarchy.crossed else factors[:1]


def _of_slope(study: Study, one: Slope) -> Question:
    """Whether slopes differ between groups."""
    groups, x, y = the_groups(one.factor.label), code(one.predictor.name), code(study.outcome)
    change = one.predictor.stated == "time"
    question = f"Are {_slopes(one.predictor)} the same in all {groups}?"
    estimates = f"variance of {_slopes(one.predictor)} between {groups}"
    if change:
        question = f"Do {groups} differ in how {y} changes with {x}?"
        estimates = (
            f"variance of changes between {groups}, and their correlation with the level at "
            f"{x} = {number(one.predictor.origin)}"
        )
    return Question(
        about="change" if change else "slopes",
        question=question,
        term=f"random slope of {one.predictor.own}",
        level=groups,
        estimates=estimates,
        centring=_centring(study, one.predictor),
        model=_model(study, [one.predictor.term, *one.predictor.mean_terms], one),
    )


def _of_products(study: Study, candidate: Candidate) -> Iterator[Question]:
    """Interactions: one question for each that the user names, one per slope otherwise."""
    if study.request.interactions is not None:
        groups = [(a, [b]) for a, b in candidate.products]
    else:
        inner = dict.fromkeys(a for a, _ in candidate.products)
        groups = [(a, [b for other, b in candidate.products if other is a]) for a in inner]
    for a, others in groups:
        yield _of_product(study, candidate, a, others)


def _of_product(
    study: Study, candidate: Candidate, a: Predictor, others: list[Predictor]
) -> Question:
    """Whether slopes of one predictor go with others."""
    by = listing([code(b.name) for b in others])
    across = all(b.level > a.level for b in others)
    change = a.stated == "time"
    what = f"changes of {code(study.outcome)} with {code(a.name)}" if change else _slopes(a)
    slopes = [one for one in candidate.slopes if one.predictor is a] if across else []
    terms = [f"{a.term}:{b.term}" for b in others]
    main = [term for one in (a, *others) for term in (one.term, *one.mean_terms)]
    levels = dict.fromkeys(_units(study, b) for b in others)
    return Question(
        about="change" if change else "interactions",
        question=f"Do {what} go with {by}?",
        term=", ".join(terms),
        level=listing(list(levels)),
        estimates=f"{'cross-level interaction' if across else 'interaction at one level'}: how "
        f"{what} differ",
        centring=_centring(study, a),
        model=_model(study, [*main, *terms], slopes[0] if slopes else None),
    )


def _slopes(one: Predictor) -> str:
    """``slopes of `ses```, ``differences by `sex```."""
    return f"{'slopes of' if one.kind == 'numeric' else 'differences by'} {code(one.name)}"
