"""The design of a fit, applied to new data: everything needed to rebuild its columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.design.frame import ModelFrame, Variable, recode
from multilevel.design.rows import missing_masks
from multilevel.exceptions import DataError
from multilevel.frames.align import align
from multilevel.frames.codes import interact
from multilevel.frames.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from multilevel.design.encode import Encoder
    from multilevel.frames.column import Column
    from multilevel.typing import Float, Int

__all__ = ["DesignSpec", "Encoders", "GroupLevels", "NewRows"]


@dataclass(frozen=True, slots=True)
class GroupLevels:
    """What has to be remembered of a grouping factor.

    Attributes
    ----------
    name : str
        As written: ``"school"``, ``"batch:cask"``.
    columns : tuple of str
        Columns that make it up.
    levels : ndarray, shape (n_levels,)
        Labels of the groups of the fit.
    """

    name: str
    columns: tuple[str, ...]
    levels: npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Encoders:
    """What turns a frame into columns.

    Attributes
    ----------
    response, fixed : encoder
        Response (one column) and fixed part.
    offsets : tuple of encoder
        One per ``offset(...)`` in the formula.
    effects : tuple of encoder
        One per random-effects term.
    """

    response: Encoder
    fixed: Encoder
    offsets: tuple[Encoder, ...]
    effects: tuple[Encoder, ...]


@dataclass(frozen=True, slots=True)
class NewRows:
    """Design of new data, row for row; a row with a missing predictor is NaN throughout.

    Attributes
    ----------
    table : Table
        The new data.
    X : ndarray, shape (m, p_all)
        All fixed-effects columns of the formula, those that the fit dropped included.
    z : tuple of ndarray, shape (m, k)
        Columns of each random-effects term (empty unless asked for).
    codes : tuple of ndarray of int32, shape (m,)
        Group of each row, per grouping factor; -1 for a group that the fit has not seen.
    offset : ndarray, shape (m,), or None
        Known part of the linear predictor.
    y : ndarray, shape (m,), or None
        Response, if asked for.
    missing : ndarray of bool, shape (m,)
        Rows with a missing value in a column that is used.
    """

    table: Table
    X: Float
    z: tuple[Float, ...]
    codes: tuple[Int, ...]
    offset: Float | None
    y: Float | None
    missing: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class DesignSpec:
    """All that is needed to build the matrices of a fitted model for other data; picklable.

    Attributes
    ----------
    formula : str
        As the user wrote it.
    encoders : Encoders
        Trained on the data of the fit.
    offset_column : str or None
        Column given as the argument ``offset``.
    offset_array : bool
        Whether the argument ``offset`` was an array, which new data cannot have.
    groups : tuple of GroupLevels
        Grouping factors.
    variables : mapping of str to Variable
        Kinds and levels of the columns, without their rows.
    """

    formula: str
    encoders: Encoders
    offset_column: str | None
    offset_array: bool
    groups: tuple[GroupLevels, ...]
    variables: Mapping[str, Variable]

    def new_rows(
        self, data: Any, *, random: bool, groups: bool = True, response: bool = False
    ) -> NewRows:
        """Build the design of new data.

        Parameters
        ----------
        data : data frame or dict of arrays
            It needs the columns of the parts asked for only.
        random : bool
            Whether to build the random-effects terms too.
        groups : bool
            Whether their groups are needed; without them the rows have no codes.
        response : bool
            Whether to compute the response too.

        Raises
        ------
        DataError
            For missing columns, levels of a predictor that the fit has not seen, and values that
            a function of the formula cannot take.
        """
        table = Table.from_data(data)
        used = self.groups if random and groups else ()
        grouped = dict.fromkeys(name for group in used for name in group.columns)
        grouping = {name: table.column(name) for name in grouped}
        frame, vectors, missing = self._read(table, grouping, random=random, response=response)
        make = self.encoders
        return NewRows(
            table=table,
            X=_spread(make.fixed.encode(frame), missing),
            z=tuple(_spread(e.encode(frame), missing) for e in make.effects if random),
            codes=tuple(_codes(group, grouping) for group in used),
            offset=self._offset(frame, vectors, missing),
            y=_spread(make.response.encode(frame), missing)[:, 0] if response else None,
            missing=missing,
        )

    def _read(
        self, table: Table, grouping: Mapping[str, Column], *, random: bool, response: bool
    ) -> tuple[ModelFrame, Mapping[str, Float], npt.NDArray[np.bool_]]:
        """Complete rows of the columns that are used, given vectors, and which rows are missing."""
        self._refuse_lost_offset()
        encoders = [self.encoders.fixed, *self.encoders.offsets]
        encoders += self.encoders.effects if random else ()
        encoders += [self.encoders.response] if response else []
        used = dict.fromkeys(name for encoder in encoders for name in encoder.columns)
        columns = {name: table.column(name) for name in used}
        vectors = {}
        if self.offset_column is not None:
            vectors["offset"] = align(self.offset_column, "offset", table)
        missing = np.zeros(table.n_rows, dtype=bool)
        for mask in missing_masks({**columns, **grouping}, vectors).values():
            missing |= mask
        rows = np.flatnonzero(~missing) if missing.any() else None
        trained = self.variables
        variables = {name: recode(columns[name], trained[name], rows) for name in used}
        return ModelFrame(int((~missing).sum()), variables, rows), vectors, missing

    def _refuse_lost_offset(self) -> None:
        """Raise when the fit had an offset that new rows cannot have."""
        if self.offset_array:
            raise DataError(
                "The model was fitted with an array as offset, which new data do not have. Fit it "
                "with offset='column', or with offset(column) in the formula."
            )

    def _offset(
        self, frame: ModelFrame, vectors: Mapping[str, Float], missing: npt.NDArray[np.bool_]
    ) -> Float | None:
        """Sum of all offsets."""
        parts = [_spread(encoder.encode(frame), missing)[:, 0] for encoder in self.encoders.offsets]
        parts += vectors.values()
        return np.sum(parts, axis=0) if parts else None


def _spread(values: Float, missing: npt.NDArray[np.bool_]) -> Float:
    """Put the rows of a matrix where they belong, NaN in the rows that are missing."""
    if len(values) == len(missing):
        return values
    full = np.full((len(missing), values.shape[1]), np.nan)
    full[~missing] = values
    return full


def _codes(group: GroupLevels, columns: Mapping[str, Column]) -> Int:
    """Codes of new rows in terms of the levels of the fit."""
    here = [columns[name] for name in group.columns]
    codes, levels = here[0].codes, here[0].levels
    if len(here) > 1:
        codes, levels = interact([c.codes for c in here], [c.levels for c in here])
    position = {label: i for i, label in enumerate(_labels(group.levels))}
    table = np.array([*(position.get(label, -1) for label in _labels(levels)), -1], dtype=np.int32)
    return table[codes]


def _labels(levels: npt.NDArray[np.generic]) -> list[object]:
    """Levels as hashable objects; dates of any resolution compare as nanoseconds."""
    if levels.dtype.kind in "mM":
        levels = levels.astype(f"{levels.dtype.kind}8[ns]").astype(np.int64)
    return list(levels.tolist())
