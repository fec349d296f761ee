"""Step 4: how much lies between groups, what that means, and what least squares would say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError, MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Decision, Note, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.predictors import intraclass
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.step import Step
from multilevel.workflow.words import code, listing, number, p_text, percent

if TYPE_CHECKING:
    from collections.abc import Callable

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.study import Study

__all__ = ["need_step"]

# Variance between groups that is not worth a word.
_NONE = 0.005
# Rows up to which the exact test of a variance is simulated.
_MOST_ROWS = 200_000
# Ratios of standard errors nearer to 1 than this are the same.
_SAME = 0.05


def need_step(study: Study) -> Step:
    """Intraclass correlations, design effects, tests, and least squares beside."""
    formula = study.formula([], study.hierarchy.random())
    fitted = study.fitter(formula)
    if fitted.fit is None:
        raise DataError(" ".join(note.text for note in fitted.notes))
    null = fitted.fit
    table = Table.from_data(null.icc(conf_int=True))
    parts = [_shares(study, null, table), _design(study, null), _tests(study, null), _ols(study)]
    return Step(
        number=4,
        name="need",
        title="Variance between groups, and what it means",
        headline=_headline(study, table),
        blocks=tuple(block for part in parts for block in part.blocks),
        decisions=tuple(decision for part in parts for decision in part.decisions),
        notes=(*fitted.notes, *(note for part in parts for note in part.notes)),
        fits={"M0": null},
    )


def _headline(study: Study, table: Table) -> str:
    """``18.0% of the variance of `math` lies between schools (95% interval ...)``."""
    values = {name: table.column(name).values for name in ("icc", "conf_low", "conf_high")}
    texts = []
    for i, factor in enumerate(_in_order(study, table)):
        low, high = values["conf_low"][i], values["conf_high"][i]
        spread = f" (95% interval {percent(low)} to {percent(high)})" if np.isfinite(low) else ""
        texts.append(f"{percent(values['icc'][i])}{{}} lies between {factor}{spread}")
    first = texts[0].format(f" of the variance of {code(study.outcome)}")
    return f"{listing([first, *(text.format('') for text in texts[1:])])}."


def _in_order(study: Study, table: Table, word: Callable[[str], str] = the_groups) -> list[str]:
    """Names of the factors in words, in the order of a table."""
    column = table.column("group")
    names = {one.name: word(one.label) for one in study.hierarchy.factors}
    return [names.get(str(name), str(name)) for name in column.levels[column.codes]]


def _shares(study: Study, null: LinearMixedModel, table: Table) -> Part:
    """The variance by level."""
    from multilevel import plot

    icc = table.column("icc").values
    names, ones = _in_order(study, table), _in_order(study, table, a_group)
    texts = [
        f"Two rows of the same {name} correlate by {number(float(r), 2)}."
        for name, r in zip(ones, table.column("correlation").values, strict=True)
    ]
    intercept = float(null.beta[0])
    spread = [
        f"95% of {name} have means of {code(study.outcome)} between "
        f"{number(intercept - 1.96 * sd)} and {number(intercept + 1.96 * sd)} by the model."
        for name, sd in zip(names, np.sqrt(table.column("variance").values), strict=True)
        if sd > 0.0
    ]
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
    shares = null.variance_partition()
    words = " ".join([*texts, *spread, "A share of variance says nothing about causes."])
    return Part(
        (
            Paragraph(words, "Variance at each level"),
            DataTable("icc", "Intraclass correlations", null.icc(conf_int=True)),
            DataTable("variance", "Variance by source, without predictors", shares),
            Picture(
                "variance_partition",
                f"Variance of {code(study.outcome)} by source",
                words,
                lambda: plot.variance_partition(null),
                lambda: plot.variance_partition_data(null),
            ),
        ),
        notes=(conditional, *((small,) if float(icc.max()) < _NONE else ())),
    )


def _design(study: Study, null: LinearMixedModel) -> Part:
    """Design effects, reliability of means, and the rule of two."""
    frame = null.design_effect()
    table = Table.from_data(frame)
    effect = table.column("design_effect").values
    effective = table.column("n_effective").values
    names = _in_order(study, table)
    texts = [
        f"For a mean, {study.n_rows:,} rows in {name} are worth {number(float(n))} independent "
        f"rows (design effect {number(float(d))})."
        for name, d, n in zip(names, effect, effective, strict=True)
    ]
    inner = study.hierarchy.innermost
    texts.append(
        f"By analysis of variance ICC(1) of {the_groups(inner.label)} is "
        f"{number(intraclass(study.y, study.codes(inner)))}."
    )
    reliability = null.reliability()
    worst = float(effect.max())
    decision = Decision(
        "ICC-DEFF",
        "Is a multilevel model needed?",
        f"largest design effect {number(worst)}",
        "2, a rule that is not reliable: it is shown because readers ask for it",
        "yes: the design has groups, whatever the design effect",
        "Lai & Kwok (2015)",
    )
    return Part(
        (
            Paragraph(" ".join(texts), "What grouping costs"),
            DataTable("design_effect", "Design effects", frame),
            DataTable("reliability", "Reliability of group means", reliability),
        ),
        (decision,),
    )


def _tests(study: Study, null: LinearMixedModel) -> Part:
    """Whether groups differ."""
    if study.n_rows > _MOST_ROWS:
        text = f"Not tested: with {study.n_rows:,} rows the intervals above say all."
        return Part((Paragraph(text, "Do groups differ?"),))
    try:
        frame = null.group_differences(n=10_000, rng=study.seed)
    except MultilevelError as error:
        text = f"The tests could not be made: {error}"
        return Part((Paragraph(text, "Do groups differ?"),))
    table = Table.from_data(frame)
    test = table.column("test")
    names = test.levels[test.codes]
    p = table.column("p_value").values
    found = [
        f"{name}: {p_text(float(value))}"
        for name, value in zip(names, p, strict=True)
        if np.isfinite(value)
    ]
    worst = float(np.nanmax(p)) if found else float("nan")
    verdict = "groups differ beyond chance" if worst < 0.05 else "not all tests say so"
    text = f"By the tests, {verdict} ({'; '.join(found)})." if found else "There is no test."
    return Part((Paragraph(text, "Do groups differ?"), DataTable("differences", "Tests", frame)))


def _ols(study: Study) -> Part:
    """Least squares beside the model with all predictors and random intercepts."""
    terms = [one.term for one in study.predictors]
    terms += [term for one in study.predictors for term in one.mean_terms]
    fitted = study.fitter(study.formula(terms, study.hierarchy.random()))
    if fitted.fit is None:
        return Part(notes=fitted.notes)
    cluster = study.hierarchy.innermost.name if study.hierarchy.crossed else None
    try:
        frame = fitted.fit.vs_ols(cluster=cluster)
    except MultilevelError as error:
        text = f"The comparison could not be made: {error}"
        return Part((Paragraph(text, "Least squares beside"),))
    return Part(
        (
            Paragraph(_ols_text(Table.from_data(frame)), "Least squares beside"),
            DataTable(
                "vs_ols",
                "Standard errors: least squares, robust, multilevel (all predictors)",
                frame,
            ),
        )
    )


def _ols_text(table: Any) -> str:
    """Which standard errors least squares has too small, and which too large."""
    terms = table.column("term")
    names = [code(str(name)) for name in terms.levels[terms.codes]]
    ratio = table.column("ratio").values
    small = [f"{n} ({number(r, 2)})" for n, r in zip(names, ratio, strict=True) if r > 1 + _SAME]
    large = [f"{n} ({number(r, 2)})" for n, r in zip(names, ratio, strict=True) if r < 1 - _SAME]
    texts = ["Ordinary regression takes all rows as independent."]
    if small:
        texts.append(
            f"Its standard errors are too small for {listing(small)}; in brackets how many times "
            "larger that of the multilevel model is."
        )
    if large:
        texts.append(
            f"They are too large for {listing(large)}, which are compared inside groups, where "
            "differences between groups do not disturb."
        )
    if not small and not large:
        texts.append("Here its standard errors are nearly the same as those of the model.")
    return " ".join(texts)
