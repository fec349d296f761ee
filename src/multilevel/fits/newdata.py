"""Predictions for new rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.selection import select_effects
from multilevel.prediction.predict import fixed_part, random_part

if TYPE_CHECKING:
    from multilevel.design.build import Design
    from multilevel.design.newdata import GroupLevels, NewRows
    from multilevel.state import FitState
    from multilevel.typing import Float

__all__ = ["NewLevels", "predict_new"]

NewLevels = Literal["error", "population"]

_LISTED = 5


def predict_new(
    design: Design, state: FitState, newdata: Any, re_form: str, new_levels: NewLevels
) -> Float:
    """Predict the response in new rows; see :meth:`LinearMixedModel.predict`."""
    chosen = select_effects(design, re_form)
    wanted = [t for t, mask in enumerate(chosen) if mask.any()]
    rows = design.spec.new_rows(newdata, random=bool(wanted))
    eta = fixed_part(rows.X[:, design.matrices.kept], state.beta, rows.offset)
    for t in wanted:
        f = design.matrices.terms[t].factor
        if new_levels == "error":
            _refuse_new_levels(rows, f, design.spec.groups[f])
        eta += random_part(rows.z[t], rows.codes[f], state.terms[t].modes, chosen[t])
    return eta


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
