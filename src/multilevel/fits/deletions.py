"""Table of the influence of rows and groups."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from multilevel.diagnostics.deletion import delete_groups, delete_rows
from multilevel.diagnostics.influence import measure
from multilevel.diagnostics.refits import refit_without, variances

if TYPE_CHECKING:
    from multilevel.diagnostics.influence import Influence
    from multilevel.fits.influence import FitInfluence
    from multilevel.report.tidy import Columns

__all__ = ["influence_columns"]


def influence_columns(
    fit: FitInfluence, f: int | None, exact: bool, n_jobs: int | None, progress: bool
) -> Columns:
    """Influence of the groups of factor ``f``, or of the rows."""
    matrices, state = fit._matrices, fit.state
    changes: Columns = {}
    if exact:
        found, changes = _refits(fit, f, n_jobs, progress)
    elif f is None:
        found = delete_rows(matrices, state, fit.residuals(), fit._leverage)
    else:
        made = fit.__dict__.setdefault("_deletions_made", {})
        if f not in made:
            made[f] = delete_groups(matrices, state, f)
        found = copy.deepcopy(made[f])
    if f is None:
        units: Columns = {"row": fit._used_rows()}
    else:
        factor = matrices.factors[f]
        units = {
            "group": [factor.name] * factor.n_levels,
            "level": factor.levels,
            "n_rows": np.bincount(factor.codes, minlength=factor.n_levels),
        }
    kept = [matrices.coef_names[j] for j in matrices.kept]
    return {
        **units,
        "cooks_distance": found.cooks_distance,
        "mdffits": found.mdffits,
        "covratio": found.covratio,
        "covtrace": found.covtrace,
        **{f"estimate__{name}": found.beta[:, j] for j, name in enumerate(kept)},
        **{f"dfbetas__{name}": found.dfbetas[:, j] for j, name in enumerate(kept)},
        **changes,
        "note": np.array(found.notes, dtype=object),
    }


def _refits(
    fit: FitInfluence, f: int | None, n_jobs: int | None, progress: bool
) -> tuple[Influence, Columns]:
    """Influence by fits without each unit, and relative changes of the variances."""
    matrices, state = fit._matrices, fit.state
    if f is None:
        units = list(np.arange(matrices.n_rows)[:, None])
    else:
        codes = matrices.factors[f].codes
        ends = np.cumsum(np.bincount(codes))
        units = np.split(np.argsort(codes, kind="stable"), ends[:-1])
    refits = refit_without(
        matrices, state, fit.model._control, units, n_jobs=n_jobs, progress=progress
    )
    names = [
        f"rvc__{name}|{matrices.factors[term.factor].name}"
        for term in matrices.terms
        for name in term.names
    ]
    whole = variances(state)
    changes = {
        name: refits.variances[:, j] / whole[j] - 1.0
        for j, name in enumerate([*names, "rvc__residual"])
        if whole[j] > 0.0
    }
    found = measure(state.beta, state.vcov, refits.betas, refits.vcovs, refits.notes)
    return found, changes
