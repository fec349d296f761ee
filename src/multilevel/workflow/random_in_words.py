"""Step 7, random effects: how much groups differ, in the units of the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.inference.varcomp import variance_components
from multilevel.report.document import Bullets, DataTable, Note, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, number, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.varcomp import TermComponents
    from multilevel.workflow.study import Study

__all__ = ["random_part"]

_REACH = 1.96  # standard deviations that hold 95% of groups, if effects are normal


def random_part(study: Study, fit: LinearMixedModel) -> Part:
    """Variance components as standard deviations and ranges of 95% of groups, and the ICC."""
    if not fit.n_groups:
        text = "The model has no random effects: it does not let groups differ."
        return Part((Paragraph(text, "Differences between groups"),))
    parts = variance_components(fit._matrices, fit.state)
    sentences = [text for part in parts for text in _sentences(study, fit, part)]
    rows = fit.sigma
    sentences.append(
        f"What is left: rows of one group with the same predictors have {code(study.outcome)} "
        f"with a standard deviation of {number(rows)}, so that 95% of them lie within "
        f"{number(_REACH * rows)} points of what the model says."
    )
    head = Paragraph(
        "Groups are allowed to differ by random effects: deviations from what the coefficients "
        "say. Ranges of 95% of groups take these deviations as normally distributed.",
        "Differences between groups",
    )
    table = DataTable("variances", "Variances and correlations", fit.var_corr(), 3)
    return Part((head, Bullets(tuple(sentences)), table, *_icc(fit)), (), _notes(fit))


def _icc(fit: LinearMixedModel) -> tuple[Paragraph, ...]:
    from multilevel.frames.table import Table

    table = Table.from_data(fit.icc())
    shares = table.column("icc").values
    names = list(fit.n_groups)
    texts = [
        f"{percent(float(share))} between groups of {code(name)}"
        for name, share in zip(names, shares, strict=True)
    ]
    return (
        Paragraph(
            "Of the variance that the predictors leave, the model puts "
            f"{' and '.join(texts)}: this is the conditional intraclass correlation of this model, "
            "not that of the outcome (step 4)."
        ),
    )


def _sentences(study: Study, fit: LinearMixedModel, part: TermComponents) -> list[str]:
    factor = next((one for one in study.hierarchy.factors if one.name == part.group), None)
    many = the_groups(factor.label if factor is not None else part.group)
    found = [
        _effect(study, fit, part, i, many, _column(study, name))
        for i, name in enumerate(part.names)
    ]
    found += [_correlation(study, part, a, b, many) for a, b in part.pairs]
    return [text for text in found if text]


def _column(study: Study, name: str) -> str:
    """The user's name of a random slope."""
    own = {one.own: one.name for one in study.predictors}
    return own.get(name.split("[T.", maxsplit=1)[0], name)


def _effect(
    study: Study, fit: LinearMixedModel, part: TermComponents, i: int, many: str, name: str
) -> str:
    sd, effect = float(part.sd[i]), part.names[i]
    mean = dict(zip(fit.coef_names, fit.beta, strict=True)).get(effect, 0.0)
    if sd == 0.0:
        what = "levels" if effect == "Intercept" else f"slopes of {code(name)}"
        return (
            f"The {what} of {many} do not differ by more than chance would have it: their variance "
            "is estimated as 0."
        )
    low, high = mean - _REACH * sd, mean + _REACH * sd
    if effect == "Intercept":
        return (
            f"{many[0].upper()}{many[1:]} differ in level by a standard deviation of {number(sd)} "
            f"points of {code(study.outcome)}: 95% of them have between {number(low)} and "
            f"{number(high)} where all predictors are 0."
        )
    return (
        f"The slope of {code(name)} differs between {many} by a standard deviation of "
        f"{number(sd)} about {number(mean)}: 95% of {many} have slopes between {number(low)} and "
        f"{number(high)}; {_share_against(mean, sd)}."
    )


def _share_against(mean: float, sd: float) -> str:
    """How many groups have slopes of the other sign than the average."""
    from scipy.special import ndtr

    share = float(ndtr(-abs(mean) / sd))
    word = "negative" if mean >= 0.0 else "positive"
    if share < 0.001:
        return f"fewer than 0.1% are {word}"
    return f"{percent(share)} are {word}"


def _correlation(study: Study, part: TermComponents, a: int, b: int, many: str) -> str:
    r = float(part.corr[a, b])
    if not np.isfinite(r):
        return ""
    first, second = (_effect_name(study, part.names[k]) for k in (a, b))
    more = "steeper (higher)" if r >= 0.0 else "lower"
    at = ""
    if part.names[a] == "Intercept":
        at = " This correlation depends on where the predictor is 0, and would differ elsewhere."
    return (
        f"{many[0].upper()}{many[1:]} with a higher {first} tend to have a {more} {second} "
        f"(correlation {number(r, 2)}).{at}"
    )


def _effect_name(study: Study, name: str) -> str:
    return "level" if name == "Intercept" else f"slope of {code(_column(study, name))}"


def _notes(fit: LinearMixedModel) -> tuple[Note, ...]:
    notes = []
    if any(len(term.names) > 1 for term in fit._matrices.terms):
        notes.append(
            Note(
                "ICC-RANDOMSLOPE",
                "With random slopes the variance between groups depends on the predictors: the "
                "intraclass correlation above is an average over the rows.",
                "info",
            )
        )
    if fit.is_singular:
        notes.append(
            Note(
                "BUILD-SINGULAR",
                "A variance of the random effects is estimated as 0, or a correlation as 1 or −1: "
                "the data do not tell these differences between groups from chance. Ranges and "
                "predictions of groups that rest on it say less than they seem to.",
            )
        )
    return tuple(notes)
