"""Rows to be predicted: those of the fit, or new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.selection import select_effects
from multilevel.frames.align import align
from multilevel.prediction.uncertainty import PredictedRows

if TYPE_CHECKING:
    from multilevel.design.build import Design
    from multilevel.design.newdata import GroupLevels, NewRows
    from multilevel.frames.table import Table
    from multilevel.typing import Float

__all__ = ["NewLevels", "new_weights", "predicted_rows"]

NewLevels = Literal["error", "population"]

_LISTED = 5


def predicted_rows(
    design: Design, newdata: Any, re_form: str, new_levels: NewLevels, *, all_effects: bool
) -> tuple[PredictedRows, Table]:
    """The rows that :meth:`LinearMixedModel.predict` is asked for, and their data.

    Parameters
    ----------
    design : Design
        The design of the fit.
    newdata : data frame or None
        New rows; None for those of the fit.
    re_form : str
        Random effects to include.
    new_levels : {"error", "population"}
        Whether groups may be ones that the fit has not seen.
    all_effects : bool
        Whether the columns of random effects that are not included are needed, too.
    """
    chosen, matrices = select_effects(design, re_form), design.matrices
    if newdata is None:
        z, codes = tuple(t.z for t in matrices.terms), tuple(f.codes for f in matrices.factors)
        return PredictedRows(matrices.X, matrices.offset, z, codes, chosen), design.table
    wanted = [t for t, mask in enumerate(chosen) if mask.any()]
    new = design.spec.new_rows(newdata, random=bool(wanted) or all_effects, groups=bool(wanted))
    if new_levels == "error":
        for f in dict.fromkeys(matrices.terms[t].factor for t in wanted):
            _refuse_new_levels(new, f, design.spec.groups[f])
    unknown = np.full(len(new.X), -1, dtype=np.int32)
    codes = new.codes or (unknown,) * len(matrices.factors)
    return PredictedRows(new.X[:, matrices.kept], new.offset, new.z, codes, chosen), new.table


def new_weights(given: Any, table: Table) -> Float:
    """Prior weights of new rows, shape (n_rows,): the column that the fit had them from."""
    if not isinstance(given, str):
        raise DataError(
            "The model was fitted with an array of weights, which new data do not have, so the "
            "residual variance of new responses is not known. Fit it with weights='column', or "
            "ask for interval='confidence'."
        )
    weights = align(given, "weights", table)
    if (weights <= 0.0).any():
        raise DataError(
            f"weights must be positive, but column {given!r} of the new data has others."
        )
    return weights


def _refuse_new_levels(rows: NewRows, f: int, group: GroupLevels) -> None:
    unseen = np.flatnonzero((rows.codes[f] < 0) & ~rows.missing)
    if not len(unseen):
        return
    columns = [rows.table.column(name) for name in group.columns]
    labels = [column.levels[column.codes[unseen]].astype(str).tolist() for column in columns]
    names = list(dict.fromkeys(map(":".join, zip(*labels, strict=True))))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    raise DataError(
        f"The new data have levels of {group.name!r} that the fit has not seen: "
        f"{', '.join(names[:_LISTED])}{more}. Predict them at the population mean with "
        "new_levels='population', or leave the random effects out with re_form='none'."
    )
