"""Columns of models in words: what they are called, where their zero is, what a step in them is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.frames.table import Table
from multilevel.workflow.coefficients import known_pieces, read_pieces
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, listing, measured, number

if TYPE_CHECKING:
    from multilevel.workflow.coefficients import Coefficient, Piece
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = [
    "column_of",
    "conditions",
    "effect_name",
    "group_of",
    "groups_of_means",
    "in_user_units",
    "origin_of",
    "piece_name",
    "share_of",
    "short_name",
    "two_values",
    "where_zero",
]


def group_of(factor: Factor | None) -> str:
    """One group of a factor."""
    return "group" if factor is None else a_group(factor.label)


def groups_of_means(predictor: Predictor, study: Study) -> str:
    """One group, within which a split predictor is compared; of crossed factors one of each."""
    if study.hierarchy.crossed:
        return listing([group_of(factor) for _, factor in predictor.means])
    return group_of(study.hierarchy.innermost)


def column_of(piece: Piece) -> str:
    """The column of the models that a piece stands for."""
    if piece.role != "mean":
        return piece.predictor.own
    return next(name for name, factor in piece.predictor.means if factor is piece.factor)


def two_values(predictor: Predictor, study: Study) -> tuple[float, float] | None:
    """The values of a predictor with two numbers; None for any other."""
    if predictor.kind != "binary" or predictor.labels:
        return None
    values = np.unique(study.table.column(predictor.name).values[study.rows])
    return float(values[0]), float(values[1])


def share_of(predictor: Predictor, study: Study) -> str:
    """``the share of `Female```."""
    values = two_values(predictor, study)
    if values is None:
        return f"the share of {code(predictor.labels[1])}"
    return f"the share of {code(predictor.name)} = {number(values[1])}"


def short_name(one: Coefficient, study: Study) -> str:
    """A coefficient in few words: ```ses` within schools``, ```sector` (`Catholic`)``."""
    if not one.pieces:
        return code(one.name) if one.is_slope else "the intercept"
    return " by ".join(piece_name(piece, study) for piece in one.pieces)


def piece_name(piece: Piece, study: Study) -> str:
    """A column in few words."""
    predictor = piece.predictor
    name = code(predictor.name)
    if piece.role == "category":
        return f"{name} ({code(piece.label)})"
    if piece.role == "square":
        return f"{name} squared"
    if piece.role == "mean":
        what = share_of(predictor, study) if predictor.kind == "binary" else f"the mean of {name}"
        return f"{what} in the {group_of(piece.factor)}"
    if predictor.centring == "within":
        inner = study.hierarchy.innermost
        around = [one for _, one in predictor.means] if study.hierarchy.crossed else [inner]
        return f"{name} within {listing([the_groups(one.label) for one in around])}"
    return name


def effect_name(name: str, study: Study) -> str:
    """A random effect in words: level, slope, or difference between categories."""
    if name == "Intercept":
        return "level"
    pieces = read_pieces(known_pieces(study), name)
    if not pieces:
        return f"slope of {code(name)}"
    piece = pieces[0]
    if piece.role == "category" and len(pieces) == 1:
        base = code(piece.predictor.labels[0])
        return f"difference between {code(piece.predictor.name)} {code(piece.label)} and {base}"
    return f"slope of {' by '.join(piece_name(one, study) for one in pieces)}"


def where_zero(piece: Piece, study: Study) -> str:
    """What the value 0 of a column stands for."""
    predictor = piece.predictor
    name = code(predictor.name)
    if piece.role == "category":
        return f"{name} is {code(predictor.labels[0])}"
    if piece.role == "mean":
        what = share_of(predictor, study) if predictor.kind == "binary" else f"the mean of {name}"
        return f"{what} in the {group_of(piece.factor)} is average"
    match predictor.centring:
        case "within":
            several = study.hierarchy.crossed and len(predictor.means) > 1
            where = "what the means of its {} add up to" if several else "at the mean of its {}"
            zero = where.format(groups_of_means(predictor, study))
        case "grand":
            zero = f"at its mean ({origin_of(predictor)})"
        case "start":
            zero = number(predictor.origin)
        case _:
            zero = "0"
    return f"{name} is {zero}"


def origin_of(predictor: Predictor) -> str:
    """What a predictor is counted from, to the digits that its spread makes meaningful."""
    return measured(predictor.origin, float(np.std(predictor.columns[predictor.own])))


def conditions(piece: Piece, coefficients: tuple[Coefficient, ...], study: Study) -> str:
    """What the partners of a column in products are held at: their zero. Empty without any."""
    found: dict[str, None] = {}
    for other in coefficients:
        if len(other.pieces) < 2 or not any(_same(piece, part) for part in other.pieces):
            continue
        for part in other.pieces:
            if not _same(piece, part):
                found[where_zero(part, study)] = None
    return listing(list(found))


def in_user_units(piece: Piece, value: float, study: Study) -> str:
    """A value of a column as a value of the user's: centring undone where it can be."""
    predictor = piece.predictor
    if piece.role == "mean" and not study.hierarchy.crossed and piece.factor is not None:
        if piece.factor.parent is not None and len(predictor.means) > 1:
            return number(value)  # a difference of two means
        column = predictor.columns[column_of(piece)]
        x = _numbers(predictor, study)
        return number(value + float(x.mean()) - float(column.mean()))
    return number(value + predictor.origin)


def _numbers(predictor: Predictor, study: Study) -> np.ndarray:
    """Values of a predictor; of two categories 0 and 1."""
    column = study.table.column(predictor.name)
    if not column.is_numeric:
        codes: np.ndarray = column.codes[study.rows]
        levels = [str(label) for label in column.levels]
        share: np.ndarray = (codes == levels.index(predictor.labels[1])).astype(np.float64)
        return share
    values: np.ndarray = Table.from_data(study.data).column(predictor.name).values
    return values


def _same(first: Piece, second: Piece) -> bool:
    alike = first.predictor is second.predictor and first.role == second.role
    return alike and first.factor is second.factor
