"""Step 6: residuals of rows and predicted effects of groups, held against single predictors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from multilevel.diagnostics.homoscedasticity import score_test
from multilevel.diagnostics.normality import FEWEST
from multilevel.diagnostics.verdicts import EXPLAINED, LOOK_P, SD_RATIO, judge
from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Note, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, counted, number, p_text

if TYPE_CHECKING:
    from multilevel.diagnostics.verdicts import Verdict
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.typing import Float
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["by_predictor"]

_HEADING = "Residuals and effects of groups by predictor"
_SAME = 1e-9  # relative: values that differ by less are alike


@dataclass(frozen=True, eq=False)
class _Values:
    """A predictor of rows or of groups: numbers, or categories with their labels."""

    name: str
    x: Float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Finding:
    """What residuals or effects have to do with a predictor."""

    check: str
    level: str
    effect: str
    predictor: str
    size: float
    p_value: float
    verdict: Verdict
    more: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What was held against what."""
        return self.level, self.effect, self.predictor


def by_predictor(study: Study, fit: LinearMixedModel) -> Part:
    """Whether residuals vary more at some values of predictors, and effects of groups with them."""
    try:
        found = [*_of_rows(study, fit)]
        for factor in study.hierarchy.factors:
            if factor.name in fit.n_groups:
                found += _of_groups(study, fit, factor)
    except MultilevelError as error:
        text = f"Residuals could not be held against predictors: {error}"
        return Part((Paragraph(text, _HEADING),))
    if not found:
        return Part()
    notes = tuple(
        Note(_code(one), _sentence(study, one), "warning" if one.verdict == "problem" else "info")
        for one in found
        if one.verdict != "ok"
    )
    blocks = (Paragraph(_text(study, found), _HEADING), _table(study, found))
    return Part((*blocks, *_pictures(study, fit, found)), (), notes)


def _of_rows(study: Study, fit: LinearMixedModel) -> list[_Finding]:
    """Spread of residuals along every predictor."""
    table = Table.from_data(fit.level_residuals(scale="studentized"))
    residual = table.column("residual").values
    used = np.isfinite(residual)
    found = [
        _spread("rows", "residual", one, residual[used], one.x[used]) for one in _predictors(study)
    ]
    return [one for one in found if one is not None]


def _predictors(study: Study) -> list[_Values]:
    """Predictors by their values in every row; categories as codes."""
    data = Table.from_data(study.data)
    found = []
    for one in study.predictors:
        column = data.column(one.own)
        if one.kind == "numeric" and column.is_numeric:
            found.append(_Values(one.own, column.values))
            continue
        kept = study.table.column(one.name)
        labels, codes = np.unique(kept.codes[study.rows], return_inverse=True)
        names = tuple(str(kept.levels[j]) for j in labels)
        found.append(_Values(one.name, codes.astype(np.float64), names))
    means = dict.fromkeys(name for one in study.predictors for name, _ in one.means)
    taken = {one.name for one in found}
    return found + [_Values(name, data.column(name).values) for name in means if name not in taken]


def _of_groups(study: Study, fit: LinearMixedModel, factor: Factor) -> list[_Finding]:
    """Relation and spread of every random effect along predictors that groups have."""
    matrix = next(one for one in fit.model.matrices.factors if one.name == factor.name)
    first = np.unique(matrix.codes, return_index=True)[1]
    known = [
        _Values(one.name, one.x[first], one.labels)
        for one in _predictors(study)
        if _constant(one.x, one.x[first][matrix.codes])
    ]
    if not known:
        return []
    table = Table.from_data(fit.level_residuals(factor.name, scale="studentized"))
    terms, values = table.column("term"), table.column("residual").values
    found = []
    for j, effect in enumerate(terms.levels):
        own = values[terms.codes == j]
        used = np.isfinite(own)
        if used.sum() < FEWEST or np.ptp(own[used]) <= _SAME:
            continue
        for one in known:
            x = one.x[used]
            found.append(_relation(factor.name, str(effect), one, own[used], x))
            found.append(_spread(factor.name, str(effect), one, own[used], x))
    return [one for one in found if one is not None]


def _constant(x: Float, first: Float) -> bool:
    return bool(np.abs(x - first).max() <= _SAME * float(np.abs(x).max()))


def _categories(one: _Values, r: Float, x: Float) -> tuple[list[Float], list[str]]:
    """Values by category, of those with enough of them."""
    parts = [r[x == k] for k in range(len(one.labels))]
    large = [k for k, part in enumerate(parts) if len(part) >= FEWEST]
    return [parts[k] for k in large], [one.labels[k] for k in large]


def _spread(level: str, effect: str, one: _Values, r: Float, x: Float) -> _Finding | None:
    """Ratio of standard deviations: of categories, or of the outer quarters of numbers."""
    if len(r) < FEWEST or np.ptp(x) <= _SAME * np.abs(x).max():
        return None
    if one.labels:
        parts, labels = _categories(one, r, x)
        if len(parts) < 2:
            return None
        ends, of = [f"in {code(label)}" for label in labels], ""
        p = float(stats.levene(*parts, center="median").pvalue)
    else:
        parts = [r[x <= np.quantile(x, 0.25)], r[x >= np.quantile(x, 0.75)]]
        ends, of = ["at the smallest", "at the largest"], f" values of {code(one.name)}"
        p = score_test(r, x).p_value
    sds = np.array([np.sqrt(np.mean((part - part.mean()) ** 2)) for part in parts])
    if sds.min() <= 0.0:
        return None
    ratio = float(sds.max() / sds.min())
    more = f"{ends[int(sds.argmax())]}{of} as {ends[int(sds.argmin())]}"
    return _Finding("spread", level, effect, one.name, ratio, p, judge(ratio, SD_RATIO, p), more)


def _relation(level: str, effect: str, one: _Values, r: Float, x: Float) -> _Finding | None:
    """Share of the variance of predicted effects that goes with a predictor."""
    if one.labels:
        parts, _ = _categories(one, r, x)
        if len(parts) < 2:
            return None
        every = np.concatenate(parts)
        inside = sum(float(np.sum((part - part.mean()) ** 2)) for part in parts)
        # Rounding must not make it negative, where categories are in the model, too.
        share = max(1.0 - inside / float(np.sum((every - every.mean()) ** 2)), 0.0)
        df = len(parts) - 1, len(every) - len(parts)
        ratio = share / df[0] / max((1.0 - share) / df[1], np.finfo(float).tiny)
        p = float(stats.f.sf(ratio, *df))
    else:
        if np.ptp(x) <= _SAME * np.abs(x).max():
            return None
        test = stats.pearsonr(x, r)
        share, p = float(test.statistic) ** 2, float(test.pvalue)
    verdict = judge(share, EXPLAINED, p)
    return _Finding("relation", level, effect, one.name, share, p, verdict)


def _pictures(study: Study, fit: LinearMixedModel, found: list[_Finding]) -> list[Picture]:
    """For every level the predictor that stands out most; for rows only if it does."""
    pictures = []
    for level in dict.fromkeys(one.level for one in found):
        own = [one for one in found if one.level == level]
        if level == "rows":
            own = [one for one in own if one.verdict != "ok"]
        if own:
            pictures.append(_picture(study, fit, min(own, key=lambda one: one.p_value)))
    return pictures


def _picture(study: Study, fit: LinearMixedModel, one: _Finding) -> Picture:
    from multilevel import plot

    x, level = one.predictor, one.level
    what = "Residuals of rows" if level == "rows" else f"Predicted effects of {level}"
    numbers = (
        f"standard deviations have ratio {number(one.size, 2)}, {one.more}"
        if one.check == "spread"
        else f"it accounts for {100.0 * one.size:.1f}% of the variance of {code(one.effect)}"
    )
    return Picture(
        f"by_{x}_{level}",
        f"{what} by {x}",
        f"{what} against {code(x)}: {numbers} ({p_text(one.p_value)}).",
        lambda: plot.residuals_by(fit, x, level),
        lambda: plot.residuals_by_data(fit, x, level),
    )


def _code(one: _Finding) -> str:
    if one.check == "relation":
        return "A-MISSING"
    return "A-HET1" if one.level == "rows" else "A-HET2"


def _sentence(study: Study, one: _Finding) -> str:
    if one.check == "spread":
        what = "Residuals" if one.level == "rows" else _effects(study, one)
        return (
            f"{what} spread {number(one.size, 2)} times as much {one.more} "
            f"({p_text(one.p_value)}). Robust standard errors (step 8) hold nevertheless."
        )
    add = (
        f"its product with {code(one.predictor)} may be missing in the model"
        if one.effect != "Intercept"
        else "the model may lack it, or a curve"
    )
    return (
        f"{_effects(study, one)} go with {code(one.predictor)}, which accounts for "
        f"{100.0 * one.size:.0f}% of their variance ({p_text(one.p_value)}): {add}."
    )


def _effects(study: Study, one: _Finding) -> str:
    """Predicted effects of groups, to begin a sentence."""
    factor = next(f for f in study.hierarchy.factors if f.name == one.level)
    what = "Intercepts" if one.effect == "Intercept" else f"Slopes of {code(one.effect)}"
    return f"{what} of {the_groups(factor.label)}"


def _text(study: Study, found: list[_Finding]) -> str:
    rows = {one.predictor for one in found if one.level == "rows"}
    groups = {(one.level, one.predictor) for one in found if one.level != "rows"}
    said = [_sentence(study, one) for one in found if one.verdict != "ok"]
    parts = []
    if rows:
        parts.append(f"Is the spread of residuals alike along {counted(len(rows), 'predictor')}?")
    if groups:
        parts.append(
            f"Do predicted effects of groups go with {counted(len(groups), 'predictor')} of theirs "
            "and spread alike along them?"
        )
    spreads = [one for one in found if one.check == "spread"]
    if not said and spreads:
        top = max(spreads, key=lambda one: one.size)
        said = [
            "Nothing stands out; the largest ratio of standard deviations is "
            f"{number(top.size, 2)} ({code(top.predictor)}, {p_text(top.p_value)})."
        ]
    return " ".join([*parts, *(said or ["Nothing stands out."])])


def _table(study: Study, found: list[_Finding]) -> DataTable:
    """One row for what is held against one predictor."""
    keys = list(dict.fromkeys(one.key for one in found))
    by = {(*one.key, one.check): one for one in found}
    columns: dict[str, list[float]] = {}
    for check, size, p in (("spread", "sd_ratio", "p_spread"), ("relation", "share", "p_relation")):
        own = [by.get((*key, check)) for key in keys]
        columns[size] = [float("nan") if one is None else one.size for one in own]
        columns[p] = [float("nan") if one is None else one.p_value for one in own]
    verdicts = [{one.verdict for one in found if one.key == key} for key in keys]
    worst = [next(v for v in ("problem", "look", "ok") if v in one) for one in verdicts]
    frame = study.frame(
        {
            "level": [level for level, _, _ in keys],
            "term": [effect for _, effect, _ in keys],
            "predictor": [predictor for _, _, predictor in keys],
            **columns,
            "verdict": worst,
        }
    )
    note = (
        "Ratio of standard deviations between categories, or between the outer quarters of numbers "
        "(tests of Brown and Forsythe, and of Koenker); share of the variance of predicted effects "
        f"that goes with the predictor. A verdict needs p < {LOOK_P:g}, and a ratio above "
        f"{SD_RATIO[0]:.2f} or a share above {EXPLAINED[0]:g}."
    )
    headings = {
        "term": "Residual or effect",
        "sd_ratio": "Ratio of SDs",
        "p_spread": "p (ratio)",
        "p_relation": "p (share)",
    }
    title = "Residuals and effects of groups, by predictor"
    return DataTable("by_predictor", title, frame, 3, note, headings)
