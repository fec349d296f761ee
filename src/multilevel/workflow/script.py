"""A script that fits the chosen model again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.small_samples import TestMethod
    from multilevel.workflow.study import Study

__all__ = ["LOADING", "script"]

LOADING = 'data = pandas.read_csv("data.csv")  # your data, one row per observation'


def script(study: Study, fit: LinearMixedModel, method: TestMethod) -> str:
    """Python code from the user's data to the tables of the chosen model."""
    lines = ["import multilevel as mlm", "import pandas", "", LOADING, *_rows(study)]
    used = set(fit.model.design.spec.encoders.fixed.columns)
    used |= {name for term in fit._matrices.terms for name in term.names}
    for one in sorted(study.predictors, key=lambda one: bool(one.means)):
        if used & {one.own, *one.columns}:
            lines += _columns(study, one, used)
    weights = f", weights={study.request.weights!r}" if study.request.weights else ""
    tests = f"df_method={method.df_method!r}" if method.df_method else ""
    lines += [
        "",
        "fit = mlm.lmer(",
        f"    {fit.formula!r},",
        f"    data{weights},",
        ")",
        f"print(fit.summary({tests}))",
    ]
    if fit.n_groups:
        lines.append('print(fit.confint(method="profile", parameters="ran_pars"))')
    if fit.n_groups and not study.hierarchy.crossed:
        lines.append('print(fit.tidy("fixed", robust="CR2"))')
    return "\n".join(lines)


def _rows(study: Study) -> list[str]:
    """The rows that all models use."""
    if study.n_rows == study.table.n_rows:
        return []
    names = [study.outcome, *study.request.predictors]
    names += [name for factor in study.hierarchy.factors for name in factor.columns]
    names += [study.request.weights] if study.request.weights else []
    return [f"data = data.dropna(subset={list(dict.fromkeys(names))!r})"]


def _columns(study: Study, one: Predictor, used: set[str]) -> list[str]:
    """Categories in their order, and the columns that were made for a predictor."""
    column = study.table.column(one.name)
    lines = ["", f"# {one.name}"]
    if one.labels and column.kind in ("text", "categorical"):
        lines.append(
            f"data[{one.name!r}] = pandas.Categorical(data[{one.name!r}].astype(str), "
            f"{list(one.labels)!r})"
        )
    if one.centring == "grand":
        lines.append(f"data[{one.own!r}] = data[{one.name!r}] - data[{one.name!r}].mean()")
    if one.centring == "start":
        lines.append(f"data[{one.own!r}] = data[{one.name!r}] - {one.origin!r}")
    if one.centring in ("within", "share"):
        lines += _split(study, one, used)
    return lines if len(lines) > 2 else []


def _split(study: Study, one: Predictor, used: set[str]) -> list[str]:
    """Means of groups, and what is left within them."""
    factors, crossed = study.hierarchy.factors, study.hierarchy.crossed
    x = f"data[{one.name!r}]"
    lines = [f"x = ({x} == {one.labels[1]!r}).astype(float)" if one.labels else f"x = {x}"]
    # Means that the data hold already are predictors of their own, which come first.
    given = {other.own for other in study.predictors}
    for name, factor in one.means:
        lines.append(f"mean = {_mean(factor)}")
        if name in given:
            continue
        if factor.parent is None:
            lines.append(f"data[{name!r}] = mean - mean.mean()")
        else:
            lines.append(f"above = {_mean(factors[factor.parent])}")
            lines.append(f"data[{name!r}] = mean - above - (mean - above).mean()")
    if one.centring == "within" and one.own in used:
        sums = " - ".join(f"data[{name!r}]" for name, _ in one.means)
        lines.append(
            f"data[{one.own!r}] = " + (f"x - x.mean() - {sums}" if crossed else "x - mean")
        )
    return lines


def _mean(factor: Factor) -> str:
    """The mean of the group of a row."""
    by = ", ".join(f"data[{column!r}]" for column in factor.columns)
    return f"x.groupby([{by}]).transform('mean')"
