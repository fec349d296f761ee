"""Tables of marginal means and trends, and joint tests of terms, from a reference grid."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.design.meaning import meaning_of
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.fits.marginal_means import MarginalMeans, as_text
from multilevel.fits.reference_grid import Averaging, as_names
from multilevel.formula.parse import parse
from multilevel.inference.linear_functions import combine
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multilevel.design.build import Design
    from multilevel.design.meaning import Meaning
    from multilevel.fits.reference_grid import ReferenceGrid
    from multilevel.inference.linear_functions import LinearFunctions
    from multilevel.report.tidy import Columns
    from multilevel.typing import Float

__all__ = ["joint_tests", "marginal_table"]

# Half the distance of the two values whose difference stands for the slope of a numeric predictor,
# as a part of its range: exact for quadratic functions, rounding 1e-10 for products of two.
_NEAR = 1e-3


def marginal_table(
    design: Design,
    grid: ReferenceGrid,
    functions: LinearFunctions,
    specs: str | Sequence[str] | None,
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
    weights: Averaging,
    level: float,
    slope: str | None = None,
) -> MarginalMeans:
    """Estimate marginal means, or trends in ``slope``; see :meth:`LinearMixedModel.emmeans`."""
    check_option("weights", weights, Averaging)
    values = grid.values(at)
    if slope is not None:
        _check_slope(design, grid, values, slope)
    by = as_names(by, "by")
    if specs is None:
        specs = tuple(name for name in at or () if len(values[name]) > 1)
    specs = tuple(name for name in as_names(specs, "specs") if name not in by)
    for what, names in (("specs", specs), ("by", by)):
        for name in names:
            grid.require(name, what, values, "factor")
    targets = (*specs, *by)
    L = grid.rows(targets, values, weights, slope)
    cells = [combination[::-1] for combination in product(*(values[n] for n in targets[::-1]))]
    labels = {name: [cell[targets.index(name)] for cell in cells] for name in (*by, *specs)}
    response = _meaning(design).formula.response
    what = "Marginal means" if slope is None else f"Slopes in {slope}"
    return MarginalMeans(
        kind="means" if slope is None else "trends",
        title=f"{what} of {response}",
        labels=labels or {"term": ["all"] if slope is None else [slope]},
        by=by,
        L=L,
        constant=np.full(len(L), 0.0 if slope else _offset(design)),
        functions=functions,
        level=level,
        data=design.table,
        notes=tuple(_notes(design, grid, targets, values, weights, slope)),
    )


def joint_tests(
    grid: ReferenceGrid,
    functions: LinearFunctions,
    by: str | Sequence[str] | None,
    at: Mapping[str, Any] | None,
) -> Columns:
    """Test every term of the model; see :meth:`LinearMixedModel.joint_tests`."""
    values = grid.values(at)
    by = as_names(by, "by")
    for name in by:
        grid.require(name, "by", values, "factor")
    columns: Columns = {name: [] for name in (*by, "term")}
    tests = []
    terms = list(dict.fromkeys(term - set(by) for term in grid.terms))
    for cell in product(*(values[name] for name in by)):
        here = {**values, **{name: [value] for name, value in zip(by, cell, strict=True)}}
        for term in terms:
            names = [name for name in grid.predictors if name in term]
            if not names:
                continue
            L = functions.estimable_part(_interaction(grid, names, here))
            tests.append(functions.joint(L))
            for name, value in zip((*by, "term"), (*cell, ":".join(names)), strict=True):
                columns[name].append(value)
    return {
        **columns,
        "statistic": np.array([test.statistic for test in tests]),
        "df": np.array([test.df for test in tests]),
        "df_residual": np.array([test.df_residual for test in tests]),
        "p_value": np.array([test.p_value for test in tests]),
    }


def _interaction(grid: ReferenceGrid, names: Sequence[str], values: Mapping[str, Any]) -> Float:
    """Interaction contrasts of predictors: products of the differences of successive values."""
    near = dict(values)
    for name in names:
        column = grid.predictors[name]
        if column.levels is None and len(values[name]) == 1:
            reach = _NEAR * float(np.ptp(column.values))
            near[name] = [values[name][0] - reach, values[name][0] + reach]
    contrasts: Float = np.ones((1, 1))
    for name in names:
        differences = np.diff(np.eye(len(near[name])), axis=0)
        contrasts = np.asarray(np.kron(differences, contrasts))
    return combine(contrasts, grid.rows(names, near, "equal"))


def _check_slope(design: Design, grid: ReferenceGrid, values: Mapping[str, Any], name: str) -> None:
    grid.require(name, "var", values, "numeric")
    if np.ptp(grid.predictors[name].values) == 0.0:
        raise DataError(f"{name!r} is constant in the rows used; it has no slope.")
    if any(name in offset.columns for offset in design.spec.encoders.offsets):
        raise NotSupportedError(
            f"{name!r} is part of the offset; its slope there is known and not estimated. Enter it "
            "as a predictor to have it estimated."
        )


def _meaning(design: Design) -> Meaning:
    return meaning_of(parse(design.spec.formula))


def _offset(design: Design) -> float:
    offset = design.matrices.offset
    return 0.0 if offset is None else float(offset.mean())


def _notes(
    design: Design,
    grid: ReferenceGrid,
    targets: Sequence[str],
    values: Mapping[str, Sequence[Any]],
    weights: Averaging,
    slope: str | None,
) -> list[str]:
    """What a reader has to know of how the table came about."""
    notes = []
    if not _meaning(design).response.plain:
        response = _meaning(design).formula.response
        notes.append(f"These are of {response} as it stands, not transformed back.")
    averaged = [name for name in values if name not in targets and len(values[name]) > 1]
    if averaged:
        how = {
            "equal": "equal weights",
            "proportional": "weights proportional to their frequencies",
            "cells": "weights proportional to the frequencies of the cells",
        }
        notes.append(f"Averaged over {', '.join(averaged)} ({how[weights]}).")
    held = [
        f"{name} = {as_text(values[name][0])}"
        for name in values
        if len(values[name]) == 1
        and name not in targets
        and not (name == slope and grid.is_linear(name))
    ]
    if held:
        notes.append(f"Held at {', '.join(held)}.")
    if design.matrices.offset is not None and slope is None:
        notes.append(f"The offset is held at its mean, {_offset(design):.6g}.")
    crossed = _crossed(grid, {*targets, *([slope] if slope else [])}, averaged)
    if crossed:
        notes.append(
            f"What is shown interacts with {', '.join(crossed)}: averages over it may hide "
            "differences."
        )
    return notes


def _crossed(grid: ReferenceGrid, shown: set[str], averaged: Sequence[str]) -> list[str]:
    """Predictors averaged over that have an interaction with one that is shown."""
    return [
        name
        for name in averaged
        if any(name in term and term & (shown - {name}) for term in grid.terms)
    ]
