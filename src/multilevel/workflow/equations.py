"""A model as equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.report.document import Equations
from multilevel.workflow.coefficients import known_pieces, read_pieces
from multilevel.workflow.pieces_in_words import column_of

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.coefficients import Piece
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["LETTERS", "model_equations", "piece_symbol"]

# Units of the grouping factors, the innermost first; rows are counted by i.
LETTERS = "jklmnopq"
_EFFECTS = "uvwabcdf"


def model_equations(study: Study, fit: LinearMixedModel, title: str) -> Equations:
    """The equation of a model, and the distributions of what is random in it.

    Rows are counted by i, groups of the innermost factor by j, those above or beside by k, ...
    """
    row = "i" + "".join(LETTERS[: len(study.hierarchy.factors)])
    terms = [f"β_{{{k}}}{_factor(study, name, row)}" for k, name in enumerate(fit.coef_names)]
    lines, random = [], []
    for t, term in enumerate(fit._matrices.terms):
        group = fit._matrices.factors[term.factor].name
        place = _index(study, group)
        symbols = [f"{_EFFECTS[t]}_{{{k}{place}}}" for k in range(len(term.names))]
        random += [
            f"{symbol}{_factor(study, name, row)}"
            for symbol, name in zip(symbols, term.names, strict=True)
        ]
        pair = symbols[0] if len(symbols) == 1 else f"({', '.join(symbols)})"
        spread = f"τ_{{{_EFFECTS[t]}}}^{{2}}" if len(symbols) == 1 else f"T_{{{_EFFECTS[t]}}}"
        lines.append(f"{pair} ~ N(0, {spread}), for every group of {group}")
    right = " + ".join([*terms, *random, f"e_{{{row}}}"])
    weights = "" if study.request.weights is None else f" / {study.request.weights}_{{{row}}}"
    first = f"{study.outcome}_{{{row}}} = {right}"
    return Equations(title, (first, *lines, f"e_{{{row}}} ~ N(0, σ^{{2}}{weights})"))


def _factor(study: Study, name: str, row: str) -> str:
    """A column behind its coefficient; nothing for the intercept."""
    if name == "Intercept":
        return ""
    pieces = read_pieces(known_pieces(study), name)
    if not pieces:
        return f" {name}_{{{row}}}"
    return " " + " · ".join(piece_symbol(study, piece, row) for piece in pieces)


def piece_symbol(study: Study, piece: Piece, row: str) -> str:
    """A column with the letters of what it varies between."""
    group = piece.factor or piece.predictor.factor
    place = row if group is None else _index(study, group.name)
    name = column_of(piece) + (f"[{piece.label}]" if piece.role == "category" else "")
    return f"{name}_{{{place}}}{'^{2}' if piece.role == 'square' else ''}"


def _index(study: Study, name: str) -> str:
    """Letters of a factor: its own and those of the factors that it is nested in."""
    factors = study.hierarchy.factors
    order = factors if study.hierarchy.crossed else tuple(reversed(factors))
    letters = {factor.name: LETTERS[i] for i, factor in enumerate(order)}
    found: Factor | None = next((one for one in factors if one.name == name), None)
    text = ""
    while found is not None:
        text += letters[found.name]
        found = None if found.parent is None else factors[found.parent]
    return text or LETTERS[0]
