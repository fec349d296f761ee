"""Step 4: how much lies between groups, what that means, and what least squares would say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError, MultilevelError
from multilevel.plot.numbers import columns_of
from multilevel.report.document import DataTable, Decision, Note, Paragraph, Picture
from multilevel.workflow.need_groups import group_means_part
from multilevel.workflow.need_ols import least_squares_part
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, listing, measured, number, p_text, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.plot.numbers import Columns
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["need_step"]

# Variance between groups that is not worth a word.
_NONE = 0.005
# Rows up to which intervals are profiled, and the exact test of a variance is simulated.
_MOST_ROWS = 200_000
# Groups beyond which fewer draws of that test are enough: every draw takes longer.
_MANY_GROUPS = 500
_SHARES = {"level": "Level", "icc": "Share (ICC)"}


def need_step(study: Study) -> Step:
    """Intraclass correlations, design effects, tests, and least squares beside."""
    formula = study.formula([], study.hierarchy.random())
    fitted = study.fitter(formula)
    if fitted.fit is None:
        raise DataError(" ".join(note.text for note in fitted.notes))
    null = fitted.fit
    shares = _icc(study, null)
    parts = [
        _shares(study, null, shares),
        _tests(study, null),
        group_means_part(study, null),
        _design(study, null),
        least_squares_part(study),
    ]
    return Step(
        number=4,
        name="need",
        title="Variance between groups, and what it means",
        headline=_headline(study, shares),
        blocks=tuple(block for part in parts for block in part.blocks),
        decisions=tuple(decision for part in parts for decision in part.decisions),
        notes=(*fitted.notes, *(note for part in parts for note in part.notes)),
        fits={"M0": null},
    )


def _icc(study: Study, null: LinearMixedModel) -> dict[str, Any]:
    """Intraclass correlations with intervals, by profile where that is to be had."""
    profiled = len(study.hierarchy.factors) == 1 and study.n_rows <= _MOST_ROWS
    try:
        frame = null.icc(conf_int=True, method="profile" if profiled else "delta")
    except MultilevelError:
        profiled, frame = False, null.icc(conf_int=True)
    table = columns_of(frame)
    names = ("variance", "icc", "conf_low", "conf_high", "correlation")
    order = _order(study, table)
    found: dict[str, Any] = {name: table[name][order] for name in names}
    return found | {"method": "profile likelihood" if profiled else "the delta method (logit)"}


def _order(study: Study, table: Columns) -> list[int]:
    """Rows of the factors of the hierarchy in a table of the fit."""
    groups = list(table["group"])
    return [groups.index(one.name) for one in study.hierarchy.factors]


def _headline(study: Study, shares: dict[str, Any]) -> str:
    """``18.0% of the variance of `math` lies between schools (95% interval ...)``."""
    texts = []
    for i, factor in enumerate(study.hierarchy.factors):
        low, high = shares["conf_low"][i], shares["conf_high"][i]
        spread = f" (95% interval {percent(low)} to {percent(high)})" if np.isfinite(low) else ""
        texts.append(
            f"{percent(shares['icc'][i])}{{}} lies between {the_groups(factor.label)}{spread}"
        )
    first = texts[0].format(f" of the variance of {code(study.outcome)}")
    return f"{listing([first, *(text.format('') for text in texts[1:])])}."


def _shares(study: Study, null: LinearMixedModel, shares: dict[str, Any]) -> Part:
    """The variance by level."""
    factors = study.hierarchy.factors
    rest = 1.0 - float(shares["icc"].sum())
    texts = [f"The rest of the variance, {percent(rest)}, lies between rows of the same group."]
    for i, one in enumerate(factors):
        r = number(float(shares["correlation"][i]), 2)
        texts.append(f"Two rows of the same {a_group(one.label)} correlate by {r}.")
    texts += [
        _range(study, null, one, float(v))
        for one, v in zip(factors, shares["variance"], strict=True)
    ]
    texts.append(
        f"A share of variance says nothing about causes: {the_groups(factors[0].label)} can differ "
        "because of what they do, or because of who is in them."
    )
    words = " ".join(texts)
    title = f"Variance of {code(study.outcome)} at each level, without predictors"
    note = _share_note(study, shares)
    table = DataTable("icc", title, _share_table(study, null, shares), 1, note, _SHARES)
    return Part(
        (Paragraph(words, "Variance at each level"), table, _bar(study, null, shares)),
        notes=_share_notes(float(shares["icc"].max())),
    )


def _bar(study: Study, null: LinearMixedModel, shares: dict[str, Any]) -> Picture:
    """The shares as a bar."""
    from multilevel import plot

    pairs = zip(study.hierarchy.factors, shares["icc"], strict=True)
    texts = [f"{percent(share)} {the_groups(one.label)}" for one, share in pairs]
    return Picture(
        "variance_partition",
        f"Variance of {code(study.outcome)} by source",
        f"{', '.join(texts)}, {percent(1.0 - float(shares['icc'].sum()))} residual.",
        lambda: plot.variance_partition(null),
        lambda: plot.variance_partition_data(null),
    )


def _share_table(study: Study, null: LinearMixedModel, shares: dict[str, Any]) -> Any:
    """One row for each factor, and one for the residuals."""
    nothing = np.array([np.nan])
    last = {
        "variance": np.array([null.sigma**2]),
        "icc": np.array([1.0 - shares["icc"].sum()]),
        **dict.fromkeys(("conf_low", "conf_high", "correlation"), nothing),
    }
    columns = {name: np.concatenate([shares[name], x]) for name, x in last.items()}
    names = [*(one.name for one in study.hierarchy.factors), "residual"]
    return study.frame({"level": names, **columns})


def _share_note(study: Study, shares: dict[str, Any]) -> str:
    """How the numbers were found, and what maximum likelihood says."""
    text = f"By REML; intervals by {shares['method']}. Correlation: of two rows of the same group."
    other = study.fitter(study.formula([], study.hierarchy.random()), reml=False).fit
    if other is not None:
        table = columns_of(other.icc())
        values = table["icc"][_order(study, table)]
        text += f" By maximum likelihood: {listing([percent(float(x)) for x in values])}."
    if study.request.weights:
        text += " The residual variance, and all shares with it, are those of a row of weight 1."
    return text


def _share_notes(largest: float) -> tuple[Note, ...]:
    conditional = Note(
        "ICC-CONDITIONAL",
        "These are shares of the model without predictors. With predictors they are shares of "
        "what the predictors leave, and other numbers.",
        "info",
    )
    small = Note(
        "ICC-SMALL-NOT-A-REASON",
        "Hardly any variance lies between groups, which is no reason to leave them out: if groups "
        "were sampled, or treated as groups, predictors of groups still need them.",
        "info",
    )
    return (conditional, small) if largest < _NONE else (conditional,)


def _range(study: Study, null: LinearMixedModel, factor: Factor, variance: float) -> str:
    """Between which means 95% of the groups lie by the model."""
    groups, outcome = the_groups(factor.label), code(study.outcome)
    if variance <= 0.0:
        return (
            f"The variance between {groups} is estimated as zero: their means differ no more than "
            "means of rows drawn at random."
        )
    mean, spread = float(null.beta[0]), 1.96 * float(np.sqrt(variance))
    if factor.parent is not None:
        above = a_group(study.hierarchy.factors[factor.parent].label)
        return (
            f"In the same {above}, 95% of {groups} have means of {outcome} within "
            f"{measured(spread, spread)} of the mean of that {above}."
        )
    others = ", other things being average," if study.hierarchy.crossed else ""
    low, high = measured(mean - spread, spread), measured(mean + spread, spread)
    return (
        f"95% of {groups} have{others} means of {outcome} between {low} and {high}, if their means "
        "are normally distributed."
    )


def _tests(study: Study, null: LinearMixedModel) -> Part:
    """Whether groups differ."""
    heading = "Do groups differ?"
    if study.n_rows > _MOST_ROWS:
        text = f"Not tested: with {study.n_rows:,} rows the intervals above say all."
        return Part((Paragraph(text, heading),))
    try:
        few = sum(null.n_groups.values()) <= _MANY_GROUPS
        frame = null.group_differences(n=10_000 if few else 2_000, rng=study.seed)
    except MultilevelError as error:
        return Part((Paragraph(f"The tests could not be made: {error}", heading),))
    table = columns_of(frame)
    texts = [_difference(one, table) for one in study.hierarchy.factors]
    text = " ".join(one for one in texts if one) or "There is no test."
    return Part((Paragraph(text, heading), DataTable("differences", "Tests", frame)))


def _difference(factor: Factor, table: Columns) -> str:
    """What the tests say of a factor, the last (the exact one, if there is one) first of all."""
    rows = zip(table["term"], table["test"], table["p_value"], strict=True)
    known = [
        (test, float(p))
        for term, test, p in rows
        if _group_of(term) == factor.name and np.isfinite(p)
    ]
    if not known:
        return ""
    groups, (name, p) = the_groups(factor.label), known[-1]
    others = ""
    if len({value < 0.05 for _, value in known}) > 1:
        shown = listing([f"{test} {p_text(value)}" for test, value in known])
        others = f" The tests do not agree: {shown}."
    elif len(known) > 1:
        others = " The other tests agree."
    if p < 0.05:
        return (
            f"{groups[:1].upper()}{groups[1:]} differ by more than chance among rows makes them "
            f"differ ({name}, {p_text(p)}).{others}"
        )
    chance = f", as groups that are alike seem to in {percent(p, 0)} of samples" if p < 0.99 else ""
    return (
        f"The data do not show that {groups} differ, nor that they do not ({name}, "
        f"{p_text(p)}{chance}).{others}"
    )


def _group_of(term: str) -> str:
    """The factor of ``(1 | school)`` or ``Intercept | school``."""
    return term.rpartition("|")[2].strip(" )").replace("`", "")


def _design(study: Study, null: LinearMixedModel) -> Part:
    """Design effects, why the model is needed, and the rule of two."""
    frame = null.design_effect()
    table = columns_of(frame)
    order = _order(study, table)
    effect, effective = (table[name][order] for name in ("design_effect", "n_effective"))
    factors = study.hierarchy.factors
    worth = [
        f"{number(float(n))} independent rows, as they come in {the_groups(one.label)} (design "
        f"effect {number(float(d))})"
        for one, d, n in zip(factors, effect, effective, strict=True)
    ]
    top = factors[0]
    groups, n_groups = the_groups(top.label), study.n_groups(top)
    text = (
        f"For a mean, or for a predictor that is the same in all rows of a group, {study.n_rows:,} "
        f"rows are worth {listing(worth)}. A large share is not what makes the model necessary, "
        f"nor a small one what makes it superfluous: predictors of {groups} are measured "
        f"{n_groups:,} times, not {study.n_rows:,} times, and only a model with {groups} in it "
        "counts so."
    )
    worst = float(effect.max())
    decision = Decision(
        "ICC-DEFF",
        "Is a multilevel model needed?",
        f"largest design effect {number(worst)}",
        "2, a rule that is not reliable: it is shown because readers ask for it",
        "yes: the design has groups, whatever the design effect",
        "Lai & Kwok (2015)",
    )
    note = "Ratio of SEs: by how much least squares would understate the error of a mean."
    shown = {name: values for name, values in table.items() if name != "icc"}
    return Part(
        (
            Paragraph(text, "What grouping costs"),
            DataTable("design_effect", "Design effects", study.frame(shown), 1, note),
        ),
        (decision,),
    )
