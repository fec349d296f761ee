"""What a model takes from the data: its columns, complete rows only, and given vectors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from multilevel.design.encode import columns_of
from multilevel.design.frame import ModelFrame, read_variable
from multilevel.design.rows import complete_rows, missing_masks
from multilevel.exceptions import DataError
from multilevel.frames.align import align

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.design.meaning import Meaning
    from multilevel.frames.column import Column
    from multilevel.frames.table import Table
    from multilevel.typing import Float, NAAction

__all__ = ["Inputs", "read_inputs"]


@dataclass(frozen=True, slots=True)
class Inputs:
    """Columns and vectors of a model.

    Attributes
    ----------
    frame : ModelFrame
        Variables of the response, the terms and the offsets, complete rows only.
    columns, grouping : mapping of str to Column
        The same columns, and those of the grouping factors, as they are in the data.
    vectors : mapping of str to ndarray, shape (n,)
        ``"weights"`` and ``"offset"``, where given, complete rows only.
    dropped : mapping of str to int
        Missing values per column.
    """

    frame: ModelFrame
    columns: Mapping[str, Column]
    grouping: Mapping[str, Column]
    vectors: Mapping[str, Float]
    dropped: Mapping[str, int]


def read_inputs(
    meaning: Meaning,
    table: Table,
    given: Mapping[str, Any],
    na_action: NAAction,
    context: Mapping[str, Any],
) -> Inputs:
    """Read what a formula needs from the data and find the complete rows."""
    columns = {name: table.column(name) for name in _used(meaning, table, context)}
    grouping = {name: table.column(name) for name in meaning.group_columns}
    vectors = {what: align(v, what, table) for what, v in given.items() if v is not None}
    masks = missing_masks({**columns, **grouping}, vectors)
    rows, dropped = complete_rows(masks, table.n_rows, na_action)
    if rows is not None:
        vectors = {what: vector[rows] for what, vector in vectors.items()}
    variables = {name: read_variable(column, rows) for name, column in columns.items()}
    frame = ModelFrame(table.n_rows if rows is None else len(rows), variables, rows)
    return Inputs(frame, columns, grouping, vectors, dropped)


def _used(meaning: Meaning, table: Table, context: Mapping[str, Any]) -> dict[str, None]:
    """Columns that the response, the terms and the offsets use."""
    names = partial(
        columns_of, available=table.columns, extra=context, formula=meaning.formula.text
    )
    response = names(meaning.response)
    predictors: dict[str, None] = {}
    for terms in (meaning.fixed, *meaning.effects):
        predictors.update(dict.fromkeys(names(terms)))
    if meaning.response.plain and response[0] in predictors:
        raise DataError(f"The response {response[0]!r} is also a predictor.")
    if meaning.response.plain and response[0] in meaning.group_columns:
        raise DataError(f"The response {response[0]!r} is also a grouping factor.")
    used = dict.fromkeys(response) | predictors
    for terms in meaning.offsets:
        used.update(dict.fromkeys(names(terms)))
    return used
