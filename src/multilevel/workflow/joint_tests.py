"""Step 8, tests of predictors of categories, and of their products, as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import piece_name
from multilevel.workflow.words import code, listing, number, p_text

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.coefficients import Coefficient, Piece
    from multilevel.workflow.small_samples import TestMethod
    from multilevel.workflow.study import Study

__all__ = ["joint_part"]

_COLUMNS = ("statistic", "df", "df_residual", "p_value")


def joint_part(
    study: Study,
    fit: LinearMixedModel,
    coefficients: tuple[Coefficient, ...],
    method: TestMethod,
) -> Part:
    """F tests that all coefficients of a term are 0, where it has several."""
    found: dict[str, list[float]] = {}
    for name, weights in _terms(study, coefficients).items():
        try:
            table = fit.contrasts(weights, joint=True, df_method=method.df_method)
        except MultilevelError as error:
            text = f"{name} cannot be tested as a whole: {error}"
            return Part((Paragraph(text, "Tests of categories as a whole"),))
        tests = Table.from_data(table)
        found[name] = [float(tests.column(column).values[0]) for column in _COLUMNS]
    if not found:
        return Part()
    numbers = {column: [row[i] for row in found.values()] for i, column in enumerate(_COLUMNS)}
    frame = study.frame({"term": [name.replace("`", "") for name in found], **numbers})
    said = [
        f"{name}, F({number(df)}, {number(rest)}) = {number(statistic)}, {p_text(p)}"
        for name, (statistic, df, rest, p) in found.items()
    ]
    text = (
        "A predictor of three or more categories has several coefficients, each against the first "
        "category. Whether the categories differ at all is one question, answered by one F test: "
        f"{listing(said)}."
    )
    title = "Tests that all coefficients of a term are 0"
    table = DataTable("joint_tests", title, frame, 1, "", {"df_residual": "Residual df"})
    return Part((Paragraph(text, "Tests of categories as a whole"), table))


def _terms(
    study: Study, coefficients: tuple[Coefficient, ...]
) -> dict[str, dict[str, dict[str, float]]]:
    """Terms with several coefficients, and the contrasts that pick each of these."""
    terms: dict[str, dict[str, dict[str, float]]] = {}
    for one in coefficients:
        name = " by ".join(_name(piece, study) for piece in one.pieces)
        terms.setdefault(name, {})[one.name] = {one.name: 1.0}
    return {name: weights for name, weights in terms.items() if name and len(weights) > 1}


def _name(piece: Piece, study: Study) -> str:
    """The term of a column: categories without which one."""
    return code(piece.predictor.name) if piece.role == "category" else piece_name(piece, study)
