"""Step 6, sensitivity: whether conclusions hold on another scale, or without unusual rows."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from multilevel.diagnostics.normality import skewness
from multilevel.diagnostics.outliers import outlying
from multilevel.diagnostics.verdicts import LOOK_P, SKEWNESS
from multilevel.exceptions import MultilevelError, MultilevelWarning
from multilevel.fits.model import MixedModel
from multilevel.frames.emit import take
from multilevel.frames.table import Table
from multilevel.report.document import Bullets, DataTable, Decision, Note, Paragraph
from multilevel.workflow.box_cox import box_cox
from multilevel.workflow.coefficients import read_coefficients
from multilevel.workflow.influential import influential_groups
from multilevel.workflow.outcome_shape import scale_in_words
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.small_samples import test_method
from multilevel.workflow.words import code, counted, listing, measured, number, p_text

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.report.document import Block, Severity
    from multilevel.typing import Float, IndexArray, Int
    from multilevel.workflow.box_cox import Scale
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.influential import Influential
    from multilevel.workflow.study import Study

__all__ = ["sensitivity_part"]

_HEADING = "Do conclusions depend on single choices and rows?"
_MOST_ROWS = 200_000  # rows up to which models are fitted again
_CLEAR = 0.05
# Standard errors from which a p value that crosses .05 is another conclusion, and a warning.
_SMALL, _LARGE = 0.5, 1.0
_NAMED = 6
_FEWEST = 3  # groups that must be left
_BAR = re.compile(r"(?<!\|)\|(?!\|)")


@dataclass(frozen=True, eq=False)
class _Variant:
    """The chosen model fitted in another way.

    Attributes
    ----------
    name : str
        Of its column.
    text : str
        What was done, to begin a sentence.
    coefficients : tuple of Coefficient
        Empty if there is no fit.
    failure : str
        Why there is none.
    scale : Scale or None
        Of the outcome, if it is another one.
    of_groups : bool
        Whether groups were left out.
    """

    name: str
    text: str
    coefficients: tuple[Coefficient, ...] = ()
    failure: str = ""
    scale: Scale | None = None
    of_groups: bool = False

    def of(self, name: str) -> Coefficient | None:
        """A coefficient by its name."""
        return next((one for one in self.coefficients if one.name == name), None)


@dataclass(frozen=True)
class _Change:
    """Another conclusion: in words, and how many standard errors away."""

    text: str
    step: float


def sensitivity_part(study: Study, fit: LinearMixedModel) -> Part:
    """The coefficients of the chosen model beside those of the variants that the data call for."""
    if study.n_rows > _MOST_ROWS:
        text = f"The model was not fitted again in other ways: {study.n_rows:,} rows take long."
        return Part((Paragraph(text, _HEADING),))
    base = [one for one in _coefficients(study, fit) if one.is_slope]
    if not base:
        return Part()
    made = (_other_scale, _without_groups, _without_rows, _other_slopes)
    variants = [one for make in made for one in make(study, fit)]
    if not variants:
        text = (
            "No group and no row stands out, and nothing calls for another scale of "
            f"{code(study.outcome)}: there is no other version of the model to compare with. Step "
            "8 has robust standard errors and least squares."
        )
        return Part((Paragraph(text, _HEADING),))
    return _compared(study, base, variants)


def _compared(study: Study, base: list[Coefficient], variants: list[_Variant]) -> Part:
    changes = {(one.name, v.name): _change(one, v) for one in base for v in variants}
    sentences = [_sentence(v, [changes[one.name, v.name] for one in base]) for v in variants]
    steps = {
        one.name: max((c.step for v in variants if (c := changes[one.name, v.name])), default=-1.0)
        for one in base
    }
    turned = [name for name, step in steps.items() if step >= _SMALL]
    fitted = [v for v in variants if not v.failure]
    blocks: list[Block] = [Paragraph(_head(base, len(fitted), turned), _HEADING)]
    blocks.append(Bullets(tuple(sentences)))
    if fitted:
        blocks.append(_table(study, base, fitted, steps))
    decision = Decision(
        "A-SENSITIVE",
        "Do conclusions change on another scale, or without unusual rows or groups?",
        f"{len(turned)} of {counted(len(base), 'coefficient')}, fitted {_ways(len(fitted))}",
        f"p < .05 gained or lost by {_SMALL:g} standard errors or more, or the sign turned",
        "yes" if turned else "no",
    )
    said = [
        text
        for text, v in zip(sentences, variants, strict=True)
        if any((c := changes[name, v.name]) and c.step >= _SMALL for name in turned)
    ]
    text = f"Some conclusions depend on how the model is fitted. {' '.join(said)} Report both."
    severity: Severity = "warning" if max(steps.values()) >= _LARGE else "info"
    notes = (Note("A-SENSITIVE", text, severity),) if turned else ()
    return Part(tuple(blocks), (decision,), notes)


def _head(base: list[Coefficient], n: int, turned: list[str]) -> str:
    """What was done, and the outcome."""
    if not n:
        return "The chosen model could not be fitted in another way."
    found = f"That is so for {listing([code(name) for name in turned])}."
    if not turned:
        found = (
            f"No conclusion about the {len(base)} coefficients does."
            if len(base) > 1
            else f"The conclusion about {code(base[0].name)} does not."
        )
    return (
        f"The chosen model was fitted {_ways(n)}. A conclusion changes if a coefficient gains or "
        f"loses p < .05 by a step of {_SMALL:g} standard errors or more, or is below .05 with the "
        f"other sign. {found} Step 8 leaves out single groups one at a time, and has other "
        "standard errors."
    )


def _ways(n: int) -> str:
    return "in 1 other way" if n == 1 else f"in {n} other ways"


def _change(one: Coefficient, variant: _Variant) -> _Change | None:
    """What becomes of a conclusion; None if it stays."""
    other = variant.of(one.name)
    if variant.failure:
        return None
    if other is None:
        return _Change(f"{code(one.name)} can no longer be estimated", np.inf)
    was, now = one.p_value < _CLEAR, other.p_value < _CLEAR
    turned = now and one.estimate * other.estimate < 0.0
    if was == now and not turned:
        return None
    how = "has a p value that falls below .05" if now else "has a p value that rises above .05"
    step = abs(other.estimate - one.estimate) / one.std_error
    if variant.scale is not None:
        step = abs(other.statistic - one.statistic)
    if turned:
        how, step = "changes its sign", np.inf
    little = f", a step of {number(step, 1)} standard errors only" if step < _SMALL else ""
    return _Change(f"{code(one.name)} {how}: {_shown(one)} becomes {_shown(other)}{little}", step)


def _shown(one: Coefficient) -> str:
    return f"{measured(one.estimate, one.std_error)} ({p_text(one.p_value)})"


def _cell(one: Coefficient) -> str:
    """The same, broken before the bracket only."""
    return _shown(one).replace(" ", "\u00a0").replace("\u00a0(", " (")


def _sentence(variant: _Variant, changes: list[_Change | None]) -> str:
    if variant.failure:
        return f"{variant.text} there is no fit: {variant.failure}"
    said = [one.text for one in changes if one is not None]
    return f"{variant.text} {'; '.join(said) if said else 'no conclusion changes'}."


def _table(
    study: Study, base: list[Coefficient], variants: list[_Variant], steps: dict[str, float]
) -> DataTable:
    columns: dict[str, list[str]] = {
        "term": [one.name for one in base],
        "chosen": [_cell(one) for one in base],
    }
    for v in variants:
        found = [v.of(one.name) for one in base]
        columns[v.name] = ["not estimable" if one is None else _cell(one) for one in found]
    columns["verdict"] = [_verdict(steps[one.name]) for one in base]
    note = "Estimates with their p values."
    if any(v.of_groups for v in variants):
        note += (
            " Groups have weight if Cook's distance is above 4 / groups and a DFBETAS beyond "
            "2 / √groups."
        )
    scales = [v.scale for v in variants if v.scale is not None]
    for scale in scales:
        note += (
            f" {scale_in_words(scale, study.outcome)} Compare signs and p values there, not sizes."
        )
    if any(v.name.startswith("Without") for v in variants):
        note += (
            " To leave out what stands out makes p values small by itself: such columns test the "
            "conclusions of the chosen model, they do not replace it."
        )
    headings = {"chosen": "Chosen model", **{v.name: v.name for v in variants}}
    title = "Coefficients of the chosen model, fitted in other ways"
    return DataTable("sensitivity", title, study.frame(columns), 1, note, headings)


def _verdict(step: float) -> str:
    if step < 0.0:
        return "same"
    return "changes" if step >= _SMALL else "p crosses .05"


def _coefficients(study: Study, fit: LinearMixedModel) -> tuple[Coefficient, ...]:
    return read_coefficients(study, fit, test_method(fit).df_method)


def _fitted(
    study: Study, model: MixedModel, fit: LinearMixedModel, name: str, text: str, **more: Any
) -> _Variant:
    """A variant, from a start at the estimates of the chosen model."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MultilevelWarning)
            start = fit.theta if model.n_theta == len(fit.theta) else None
            other = model.fit(start=start)
            return _Variant(name, text, _coefficients(study, other), **more)
    except MultilevelError as error:
        return _Variant(name, text, failure=str(error))


def _other_scale(study: Study, fit: LinearMixedModel) -> list[_Variant]:
    """The outcome on a simple power, if it is positive and residuals are skewed to the right."""
    values = _studentised(fit)
    usual = np.delete(values, _outside(values))  # a row far out is no skewness
    if study.y.min() <= 0.0 or skewness(usual) <= SKEWNESS[0]:
        return []
    profile = box_cox(study.fitter, fit.formula, study.y)
    if profile is None or profile.plain:
        return []
    scale = profile.simple
    text = f"With {code(scale.of(study.outcome))} as outcome"
    model = fit.model.with_response(scale(study.y))
    return [_fitted(study, model, fit, scale.of(study.outcome), text, scale=scale)]


def _studentised(fit: LinearMixedModel) -> Float:
    """Residuals of rows over their standard deviations; 0 for those fitted exactly."""
    table = Table.from_data(fit.level_residuals(scale="studentized"))
    values = table.column("residual").values
    return np.where(np.isfinite(values), values, 0.0)


def _outside(residual: Float) -> IndexArray:
    """Rows that lie outside what a normal distribution gives."""
    return outlying(2.0 * stats.norm.sf(np.abs(residual)), LOOK_P)[0]


def _without_rows(study: Study, fit: LinearMixedModel) -> list[_Variant]:
    out = _outside(_studentised(fit))
    if not len(out):
        return []
    keep = np.ones(study.n_rows, dtype=bool)
    keep[out] = False
    what = "1 row" if len(out) == 1 else f"{len(out):,} rows"
    lie = "lies" if len(out) == 1 else "lie"
    text = f"Without the {what} that {lie} outside (residuals beyond what chance gives)"
    return [_subset(study, fit, keep, f"Without {what}", text)]


def _without_groups(study: Study, fit: LinearMixedModel) -> list[_Variant]:
    """Without the group of most weight, and without all that are named."""
    made = []
    for factor in study.hierarchy.factors:
        found = influential_groups(fit, factor.name)
        if found is not None and len(found.named):
            made.append(_without(study, fit, factor, found, found.named[:1]))
            if len(found.named) > 1:
                made.append(_without(study, fit, factor, found, found.named))
    return made


def _without(
    study: Study, fit: LinearMixedModel, factor: Factor, found: Influential, left_out: Int
) -> _Variant:
    J, n = len(found.labels), len(left_out)
    many = the_groups(factor.label)
    names = listing([code(found.labels[j]) for j in left_out], _NAMED)
    of = f"{n} of {J:,} {many} with much" if n > 1 else f"of {J:,} {many} the one with most"
    text = f"Without {names}, {of} weight,"
    if J - n < _FEWEST:
        return _Variant("", text, failure=f"only {J - n} groups would be left.")
    name = f"{n} {many}" if n > 1 else f"{a_group(factor.label)} {found.labels[left_out[0]]}"
    keep = ~np.isin(found.codes, left_out)
    name = f"Without {name}".replace("`", "")
    return _subset(study, fit, keep, name, text, of_groups=True)


def _subset(
    study: Study, fit: LinearMixedModel, keep: np.ndarray, name: str, text: str, **more: Any
) -> _Variant:
    table = Table.from_data(study.data)
    try:
        data = take(table, list(table.columns), keep)
        model = MixedModel(fit.formula, data, weights=study.request.weights)
    except MultilevelError as error:
        return _Variant(name, text, failure=str(error))
    return _fitted(study, model, fit, name, text, **more)


def _other_slopes(study: Study, fit: LinearMixedModel) -> list[_Variant]:
    """Random slopes without their correlations, if the model has them."""
    terms = fit.model.matrices.terms
    if not any(len(t.names) > 1 and t.covariance == "unstructured" for t in terms):
        return []
    formula = _BAR.sub("||", fit.formula)
    other = study.fitter(formula)
    text = "With random slopes that are not correlated with the intercepts"
    if other.fit is None:
        return [_Variant("Uncorrelated", text, failure=other.notes[0].text)]
    return [_Variant("Uncorrelated slopes", text, _coefficients(study, other.fit))]
