"""Step 8, a text for the methods and results sections of a paper."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np

from multilevel.frames.table import Table
from multilevel.inference.varcomp import variance_components
from multilevel.report.document import Code, Paragraph
from multilevel.workflow.equations import model_equations
from multilevel.workflow.script import script
from multilevel.workflow.sizes import read_sizes
from multilevel.workflow.words import code, listing, measured, number, p_text, percent

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Block
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.rung import Choice, Ladder
    from multilevel.workflow.small_samples import TestMethod
    from multilevel.workflow.study import Study

__all__ = ["methods_blocks"]

# Tests of models against each other, in words.
_COMPARISONS = {
    "F (Kenward-Roger)": "F tests of fixed effects by the method of Kenward and Roger",
    "F (Satterthwaite)": "F tests of fixed effects with Satterthwaite's degrees of freedom",
    "LR (ML)": "likelihood ratios by maximum likelihood for fixed effects",
    "LR (REML)": "restricted likelihood ratios for random effects",
    "LR (REML), mixture": "restricted likelihood ratios for random effects, with mixtures of "
    "chi-squared distributions (Stram & Lee 1994)",
}


def methods_blocks(
    study: Study,
    ladder: Ladder,
    choice: Choice,
    coefficients: tuple[Coefficient, ...],
    method: TestMethod,
) -> tuple[Block, ...]:
    """What LEVEL (Monsalves et al. 2020) and Luo et al. (2021) want reported."""
    return (
        Paragraph(_methods(study, ladder, choice, method), "Text for a methods section"),
        model_equations(study, choice.fit, f"Model {choice.rung.name}"),
        Paragraph(_results(study, ladder, choice, coefficients), "Text for a results section"),
        Code("The chosen model again, as a script", script(study, choice.fit, method)),
    )


def _methods(study: Study, ladder: Ladder, choice: Choice, method: TestMethod) -> str:
    factors = study.hierarchy.factors
    sizes = [read_sizes(study.codes(one)).sentence(one.label) for one in factors]
    left_out = study.table.n_rows - study.n_rows
    missing = (
        f"{left_out:,} of {study.table.n_rows:,} rows ({percent(left_out / study.table.n_rows)}) "
        "with missing values were left out."
        if left_out
        else "No values were missing."
    )
    return (
        f"We analysed {study.n_rows:,} rows in {listing(sizes)}. {missing} {_centring(study)}"
        f"Linear mixed models were fitted by restricted maximum likelihood. {_compared(ladder)}"
        f"{_chosen(ladder, choice)} Fixed effects were tested by {method.words}; intervals are 95% "
        "intervals. Analyses were made with the Python package multilevel "
        f"{version('multilevel')}. Reporting follows Monsalves et al. (2020). [How many groups and "
        "rows were planned, and why; how groups and rows were sampled; which checks of assumptions "
        "in steps 3 and 6 led to what.]"
    )


def _compared(ladder: Ladder) -> str:
    """How models were tested against each other."""
    used = {one.test.method for one in ladder.rungs if one.test is not None}
    words = [text for method, text in _COMPARISONS.items() if method in used]
    return f"Models were compared by {listing(words)}. " if words else ""


def _chosen(ladder: Ladder, choice: Choice) -> str:
    """How the model came about, and what it is."""
    n = ladder.n_models
    model = code(choice.rung.formula)
    if n == 1:
        return f"The model is {model}."
    how = (
        "our choice, not that of a rule" if choice.by_user else choice.decision.verdict.rstrip(".")
    )
    return f"Of {n} models, from the null model upwards, we interpret {model} ({how})."


def _centring(study: Study) -> str:
    within = [code(p.name) for p in study.predictors if p.centring == "within"]
    shares = [code(p.name) for p in study.predictors if p.centring == "share"]
    grand = [code(p.name) for p in study.predictors if p.centring == "grand"]
    texts = []
    if within:
        texts.append(
            f"{listing(within)} entered as deviations from group means and as these means "
            "(Mundlak 1978; Enders & Tofighi 2007)."
        )
    if shares:
        texts.append(f"{listing(shares)} entered as observed, beside group shares (Mundlak 1978).")
    if grand:
        texts.append(f"{listing(grand)} entered centred about the mean of all rows.")
    time = study.time
    if time is not None and time.centring == "start":
        texts.append(f"{code(time.name)} was counted from {number(time.origin)}.")
    if study.request.weights:
        texts.append(f"Rows were weighted by {code(study.request.weights)}.")
    return " ".join([*texts, ""])


def _null(study: Study, ladder: Ladder) -> str:
    """The intraclass correlations of the model without predictors."""
    fit = ladder.null.fit
    if fit is None or not fit.n_groups:
        return ""
    shares = Table.from_data(fit.icc()).column("icc").values
    labels = study.group_words
    texts = [
        f"{percent(float(share))} between {labels[name]}"
        for name, share in zip(fit.n_groups, shares, strict=True)
    ]
    return f"Of the variance of {code(study.outcome)} the null model put {listing(texts)}. "


def _results(
    study: Study, ladder: Ladder, choice: Choice, coefficients: tuple[Coefficient, ...]
) -> str:
    texts = [
        f"{code(one.name)}: b = {measured(one.estimate, one.std_error)}, SE = "
        f"{measured(one.std_error, one.std_error)}, 95% CI [{measured(one.conf_low, one.std_error)}"
        f", {measured(one.conf_high, one.std_error)}], t({number(one.df)}) = "
        f"{number(one.statistic)}, {p_text(one.p_value)}"
        for one in coefficients
    ]
    return f"{_null(study, ladder)}{'; '.join(texts)}. {_variances(choice.fit)}"


def _variances(fit: LinearMixedModel) -> str:
    """Standard deviations and correlations of the random effects, and variance explained."""
    sds, correlations = [], []
    for part in variance_components(fit._matrices, fit.state):
        names, group = [code(name) for name in part.names], code(part.group)
        sds += [
            f"{number(float(sd))} ({name} by {group})"
            for name, sd in zip(names, part.sd, strict=True)
        ]
        correlations += [
            f"{number(float(part.corr[a, b]), 2)} ({names[a]} and {names[b]} by {group})"
            for a, b in part.pairs
            if np.isfinite(part.corr[a, b])
        ]
    sds.append(f"{number(fit.sigma)} (residual)")
    also = f" Correlations of random effects: {'; '.join(correlations)}." * bool(correlations)
    found = Table.from_data(fit.r2()).column("r2").values
    return (
        f"Standard deviations: {'; '.join(sds)}.{also} The fixed effects explain "
        f"{percent(float(found[0]))} of the variance, together with the random effects "
        f"{percent(float(found[1]))} (Nakagawa et al. 2017)."
    )
