"""Step 8, intervals: of variances, of predictions for old and new groups, and of ranks."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import ConvergenceWarning, MultilevelError
from multilevel.frames.table import Table
from multilevel.inference.varcomp import variance_components
from multilevel.report.document import DataTable, Decision, Note, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import effect_name
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.small_samples import FEW_GROUPS, n_effects
from multilevel.workflow.words import code, counted, listing, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.typing import Float
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.small_samples import TestMethod
    from multilevel.workflow.study import Study

__all__ = ["predictions_part", "ranking_part", "variance_part"]

# Random effects, of one factor and of several, up to which the criterion is profiled: every value
# on the way is a fit.
_PROFILED, _PROFILED_TOGETHER = 20_000, 5_000
# Lower ends below this share of their standard deviation are printed as 0.
_ZERO = 1e-4
_NEW_GROUP = (
    "The interval of a mean over groups is none for a single group or row: for a new group add "
    "the variance between groups, for a new row that of rows. The table has each."
)
# Reliabilities below which groups should not be ranked.
_LEVELS, _SLOPES = 0.7, 0.3


def variance_part(study: Study, fit: LinearMixedModel) -> Part:
    """Intervals of standard deviations and correlations."""
    if not fit.n_groups:
        return Part()
    wald = Table.from_data(fit.confint(parameters="ran_pars"))
    low, high, how = _intervals_of_variances(fit, wald)
    text = f"Intervals of standard deviations are from {how}"
    if any(str(name).startswith("corr__") for name in _texts(wald.column("term"))):
        text += ", those of correlations from standard errors on Fisher's scale"
    text += "."
    spread = _spreads(wald)
    if (low[spread] <= _ZERO * wald.column("estimate").values[spread]).any():
        text += (
            " A lower end of 0 means that the data do not exclude that groups are alike in this."
        )
    table = DataTable(
        "variance_intervals",
        "Standard deviations and correlations, with 95% intervals",
        _in_words(study, fit, wald, low, high),
        2,
        headings={"parameter": "Of"},
    )
    return Part((Paragraph(text, "Intervals of variances"), table))


def _intervals_of_variances(fit: LinearMixedModel, wald: Any) -> tuple[Float, Float, str]:
    """Bounds, and where those of standard deviations are from: the profile, if it is feasible."""
    low, high = (wald.column(name).values.copy() for name in ("conf_low", "conf_high"))
    names, groups = (_texts(wald.column(name)) for name in ("term", "group"))
    how = "standard errors on the logarithmic scale"
    if n_effects(fit) > (_PROFILED if len(fit.n_groups) == 1 else _PROFILED_TOGETHER):
        return low, high, how
    spread = _spreads(wald)
    chosen = [
        name if group == "Residual" else f"{name}|{group}"
        for name, group in zip(names[spread], groups[spread], strict=True)
    ]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # what is missing is told below
            found = Table.from_data(fit.confint(method="profile", parameters=chosen))
    except MultilevelError as error:
        return low, high, f"{how} (the profile failed: {error})"
    limits = [found.column(one).values for one in ("conf_low", "conf_high")]
    known = np.isfinite(limits).all(axis=0)
    if not known.any():
        return low, high, f"{how} (limits by the profile were not found)"
    where = np.flatnonzero(spread)[known]
    low[where], high[where] = (one[known] for one in limits)
    some = "" if known.all() else f"; where its limits were not found, {how}"
    return low, high, f"the profile of the criterion{some}"


def _spreads(table: Any) -> np.ndarray:
    """Which rows are standard deviations."""
    return np.array([str(name).startswith("sd__") for name in _texts(table.column("term"))])


def _texts(column: Any) -> np.ndarray:
    found: np.ndarray = column.levels[column.codes]
    return found


def _in_words(study: Study, fit: LinearMixedModel, table: Any, low: Float, high: Float) -> Any:
    """The table of variance parameters with names that can be read."""
    words = {"sd__residual": "rows of a group"}
    for part in variance_components(fit._matrices, fit.state):
        for name in part.names:
            words[f"sd__{name}"] = f"{effect_name(name, study)} (SD)"
        for a, b in part.pairs:
            both = (effect_name(part.names[k], study) for k in (a, b))
            words[f"corr__{part.names[a]}.{part.names[b]}"] = " and ".join(both) + " (correlation)"
    names = [str(name) for name in _texts(table.column("term"))]
    return study.frame(
        {
            "group": [str(name) for name in _texts(table.column("group"))],
            "parameter": [words.get(name, name).replace("`", "") for name in names],
            "estimate": table.column("estimate").values,
            "conf_low": low,
            "conf_high": high,
        }
    )


def predictions_part(study: Study, fit: LinearMixedModel, method: TestMethod) -> Part:
    """A typical row: the population, an old group, a new group, each with its own error."""
    if not fit.n_groups:
        return Part()
    row, where = _typical(study, fit)
    try:
        weight = row[study.request.weights][0] if study.request.weights else 1.0
        numbers = _intervals(fit, row, method.df_method, fit.sigma**2 / weight)
    except MultilevelError as error:
        return Part((Paragraph(f"Predictions have no intervals here: {error}", "Predictions"),))
    lowest = study.hierarchy.lowest
    many = listing([the_groups(one.label) for one in lowest])
    old = listing(
        [f"{a_group(one.label)} {code(str(one.labels[study.codes(one)[where]]))}" for one in lowest]
    )
    new = listing([_new(study, one) for one in lowest])
    what = [
        f"mean over all {many}",
        f"mean of {old}",
        f"a new row of {old}",
        f"mean of {new}",
        f"a new row of {new}",
    ]
    frame = study.frame({"for": what, **numbers})
    low, high = ([number(x) for x in numbers[name]] for name in ("conf_low", "conf_high"))
    widths = [h - w for h, w in zip(numbers["conf_high"], numbers["conf_low"], strict=True)]
    text = (
        "For a typical row (numbers at their means, categories at the first): the population-"
        f"average {code(study.outcome)} is {number(numbers['fitted'][0])} (95% interval {low[0]} "
        f"to {high[0]}). For a new row of a group that is not in the data the interval is "
        f"{number(widths[-1] / widths[0], 2)} times as wide: {low[-1]} to {high[-1]}."
    )
    note = Note("INF-NEWGROUP", f"{_NEW_GROUP}{_few(study)}", "info")
    title, headings = "A typical row, with 95% intervals", {"for": "For"}
    table = DataTable("predictions", title, frame, 1, "", headings)
    return Part((Paragraph(text, "Population and groups"), table), (), (note,))


def _new(study: Study, factor: Factor) -> str:
    """``a new class of a new school``."""
    new = f"a new {a_group(factor.label)}"
    if factor.parent is None:
        return new
    return f"{new} of {_new(study, study.hierarchy.factors[factor.parent])}"


def _few(study: Study) -> str:
    """Intervals for new groups take the variances as known."""
    n, label = min((study.n_groups(one), one.label) for one in study.hierarchy.factors)
    if n >= FEW_GROUPS:
        return ""
    return (
        " Intervals for new groups take the variance between groups as known: with only "
        f"{counted(n, label)} they are somewhat too narrow."
    )


def _intervals(
    fit: LinearMixedModel, row: dict[str, Any], df_method: DfMethod | None, noise: float
) -> dict[str, list[float]]:
    """Of means over groups and of a group, a new row of it, and mean and row of a new group."""
    tables = [
        fit.predict(row, re_form="none", interval="confidence", df_method=df_method),
        fit.predict(row, interval="confidence"),
        fit.predict(row, interval="prediction"),
        fit.predict(row, re_form="none", interval="prediction"),
    ]
    columns = [Table.from_data(table) for table in tables]
    names = ("fitted", "std_error", "conf_low", "conf_high")
    found = [[float(one.column(name).values[0]) for name in names] for one in columns]
    # The mean of a new group varies as a new row of it does, without the variance of rows.
    fitted, error, low, high = found[-1]
    own = math.sqrt(error**2 - noise)
    found.insert(-1, [fitted, own, *(fitted + (end - fitted) * own / error for end in (low, high))])
    return dict(zip(names, map(list, zip(*found, strict=True)), strict=True))


def _typical(study: Study, fit: LinearMixedModel) -> tuple[dict[str, Any], int]:
    """Predictors at their means or first categories, and a row of the group in the middle."""
    table = Table.from_data(study.data)
    factor = study.hierarchy.innermost
    modes = Table.from_data(fit.ranef(factor.name)) if factor.name in fit.n_groups else None
    row: dict[str, Any] = {}
    for name in fit.model.design.spec.encoders.fixed.columns:
        column = table.column(name)
        row[name] = [float(column.values.mean()) if column.is_numeric else str(column.levels[0])]
    if study.request.weights:
        row[study.request.weights] = [float(table.column(study.request.weights).values.mean())]
    codes = study.codes(factor)
    present = np.unique(codes)
    chosen = int(present[len(present) // 2])
    if modes is not None:
        names = modes.column("term").levels[modes.column("term").codes]
        first = np.flatnonzero(names == names[0])
        middle = np.argsort(modes.column("estimate").values[first], kind="stable")[len(first) // 2]
        chosen = int(present[middle]) if len(first) == len(present) else chosen
    rows = np.flatnonzero(codes == chosen)
    # The order of groups of other factors chooses, not that of rows.
    where = int(rows[np.lexsort([study.codes(one)[rows] for one in study.hierarchy.factors])[0]])
    for one in study.hierarchy.factors:
        for name in one.columns:
            column = table.column(name)
            row[name] = [column.levels[column.codes[where]]]
    return row, where


def ranking_part(study: Study, fit: LinearMixedModel) -> Part:
    """Whether estimates of single groups are reliable enough to be ranked."""
    if not fit.n_groups:
        return Part()
    table = Table.from_data(fit.reliability())
    groups, terms = (_texts(table.column(name)) for name in ("group", "term"))
    values = table.column("reliability").values
    decisions, low = [], []
    labels = {one.name: the_groups(one.label) for one in study.hierarchy.factors}
    for group, term, value in zip(groups, terms, values, strict=True):
        if not np.isfinite(value) or group not in labels:  # nobody ranks combinations
            continue
        least = _LEVELS if term == "Intercept" else _SLOPES
        what = f"{labels[str(group)]} by {effect_name(str(term), study)}"
        decisions.append(_rule(what, float(value), least))
        if value < least:
            low.append(
                f"{labels[str(group)]} by {effect_name(str(term), study)} "
                f"({number(float(value), 2)})"
            )
    if not low:
        return Part((), tuple(decisions))
    text = (
        f"Do not rank {listing(low)}: mean reliabilities are too low, so that places in "
        "a list are mostly chance. Say which groups differ clearly from the average instead."
    )
    return Part((), tuple(decisions), (Note("INF-RANK", text),))


def _rule(what: str, value: float, least: float) -> Decision:
    verdict = "no: too much of their differences is chance" if value < least else "yes, with care"
    return Decision(
        "INF-RANK",
        f"May {what} be ranked?",
        f"mean reliability {number(value, 2)}",
        f"at least {least}",
        verdict,
        "Raudenbush & Bryk (2002); Goldstein & Spiegelhalter (1996)",
    )
