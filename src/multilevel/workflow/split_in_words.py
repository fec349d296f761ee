"""Step 7, predictors taken apart: within, between, and the contextual difference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.frames.table import Table
from multilevel.report.document import Bullets, DataTable, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import conditions
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, indefinite, listing, measured, p_text

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["split_part"]


def split_part(
    study: Study,
    fit: LinearMixedModel,
    coefficients: tuple[Coefficient, ...],
    df_method: DfMethod | None,
) -> Part:
    """Slopes within and between groups and their difference, with tests, of split predictors."""
    weights = _weights(study, {one.name: one for one in coefficients})
    if not weights:
        return Part()
    held = {name: _held(study, coefficients, row) for name, (_, _, row) in weights.items()}
    table = fit.contrasts({name: row for name, (_, _, row) in weights.items()}, df_method=df_method)
    numbers = Table.from_data(table)
    head = Paragraph(
        "Where a predictor differs between groups, too, its slope between groups need not be that "
        "within them. The contextual difference is the slope between groups minus that within: how "
        "two rows with the same value differ if the mean of one's group is one higher."
        f"{_products(held)}",
        "Within, between, contextual",
    )
    sentences = tuple(
        _sentence(study, predictor, factor, numbers, i, held[name])
        for i, (name, (predictor, factor, _)) in enumerate(weights.items())
        if name.startswith("contextual")
    )
    return Part(
        (
            head,
            DataTable("contextual", "Slopes within and between groups", table),
            Bullets(sentences),
        )
    )


def _held(study: Study, coefficients: tuple[Coefficient, ...], weights: dict[str, float]) -> str:
    """What the partners of columns in products are held at. Empty without any."""
    columns = [one for one in coefficients if one.name in weights]
    texts = [conditions(one.pieces[0], coefficients, study) for one in columns]
    return listing(list(dict.fromkeys(text for text in texts if text)))


def _products(held: dict[str, str]) -> str:
    """Which slopes of the table hold for some values of other predictors only."""
    texts = []
    for where in dict.fromkeys(filter(None, held.values())):
        names = [f'"{name}"' for name, own in held.items() if own == where]
        verb = "holds" if len(names) == 1 else "hold"
        texts.append(f"{listing(names)} {verb} where {where}")
    return f" Because of products in the model {'; '.join(texts)}." if texts else ""


def _weights(
    study: Study, known: dict[str, Coefficient]
) -> dict[str, tuple[Predictor, Factor, dict[str, float]]]:
    """Contrasts by label: of each split predictor within, between and contextual."""
    found: dict[str, tuple[Predictor, Factor, dict[str, float]]] = {}
    for one in study.predictors:
        own = f"{one.own}[T.{one.labels[1]}]" if len(one.labels) == 2 else one.own
        for column, factor in one.means:
            if own not in known or column not in known:
                continue
            name = f"{one.name} ({factor.label})" if len(one.means) > 1 else one.name
            share = one.centring == "share"
            between = {column: 1.0, own: 1.0} if share else {column: 1.0}
            contextual = {column: 1.0} if share else {column: 1.0, own: -1.0}
            found[f"within: {name}"] = (one, factor, {own: 1.0})
            found[f"between: {name}"] = (one, factor, between)
            found[f"contextual: {name}"] = (one, factor, contextual)
    return found


def _sentence(
    study: Study, predictor: Predictor, factor: Factor, table: Any, i: int, held: str
) -> str:
    """One contextual difference, and what other predictors are held at."""
    estimate, error, p = (
        float(table.column(name).values[i]) for name in ("estimate", "std_error", "p_value")
    )
    name, group = code(predictor.name), a_group(factor.label)
    where = f", {the_groups(factor.label)}" if len(predictor.means) > 1 else ""
    place = f", where {held}" if held else ""
    what = f"Contextual difference of {name}{where}{place}: {measured(estimate, error)} "
    what += f"(standard error {measured(error, error)}, {p_text(p)})"
    if p >= 0.05:
        low, high = (
            measured(float(table.column(one).values[i]), error) for one in ("conf_low", "conf_high")
        )
        return (
            f"{what}. Slopes within and between cannot be told apart here; their difference may "
            f"lie between {low} and {high} (95% interval)."
        )
    word = "higher" if estimate >= 0.0 else "lower"
    more = "share" if predictor.kind == "binary" else "mean"
    return (
        f"{what}. Of two rows with the same {name}, the one in {indefinite(group)} with the higher "
        f"{more} has the {word} {code(study.outcome)} on average."
    )
