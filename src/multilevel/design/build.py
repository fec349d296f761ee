"""From a formula and a data frame to the arrays of a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.design.encode import Coder
from multilevel.design.frame import Variable
from multilevel.design.grouping import check_columns, check_sizes, grouping_factor
from multilevel.design.inputs import Inputs, read_inputs
from multilevel.design.matrices import GroupingFactor, ModelMatrices, RandomTerm
from multilevel.design.meaning import Meaning, meaning_of
from multilevel.design.newdata import DesignSpec, Encoders, GroupLevels
from multilevel.design.plain import plain_encoder
from multilevel.design.rank import independent_columns
from multilevel.design.vectors import check_response, check_weights, total_offset
from multilevel.exceptions import DataError, FormulaError, RankDeficientWarning, warn
from multilevel.formula.parse import parse
from multilevel.frames.table import Table
from multilevel.typing import NAAction, check_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.design.encode import Encoder
    from multilevel.typing import Float, IndexArray

__all__ = ["Design", "build_design"]


@dataclass(frozen=True, slots=True)
class Design:
    """The arrays of a model, and where they come from.

    Attributes
    ----------
    matrices : ModelMatrices
        Response, fixed-effects matrix, random-effects terms, weights, offset.
    spec : DesignSpec
        What rebuilds them for new data; picklable.
    table : Table
        The user's data, by reference.
    rows : ndarray of intp, or None
        Rows of the data that are used (None: all).
    dropped : mapping of str to int
        Missing values per column; empty if there are none.
    notes : tuple of str
        Facts worth a line in the summary.
    """

    matrices: ModelMatrices
    spec: DesignSpec
    table: Table
    rows: IndexArray | None
    dropped: Mapping[str, int]
    notes: tuple[str, ...]


def build_design(
    formula: str,
    data: Any,
    *,
    weights: Any = None,
    offset: Any = None,
    contrasts: Mapping[str, Any] | None = None,
    na_action: NAAction = "drop",
    context: Mapping[str, Any] | None = None,
) -> Design:
    """Build the matrices of a linear mixed model.

    Parameters
    ----------
    formula : str
        lme4's formula, with Python inside calls: ``"y ~ x + I(x**2) + (x | g)"``.
    data : data frame or dict of arrays
        One row per observation.
    weights, offset : str or array-like, optional
        Name of a column, or one number per row; a pandas Series is matched by its index. The
        offset adds to those in the formula. A missing value drops the row, as in any column.
    contrasts : mapping of str to str, object or matrix, optional
        Contrasts of factors: "treatment", "sas", "sum", "helmert", "poly", "diff", contrasts of
        formulaic, or a matrix with a row per level. All others, ordered ones included, have
        treatment contrasts.
    na_action : {"drop", "raise"}
        What to do with rows that have a missing value in a column that is used.
    context : mapping of str to object, optional
        Functions and constants that expressions in the formula may use.

    Raises
    ------
    FormulaError
        If the formula cannot be read or evaluated.
    DataError
        If the data cannot be used for it.

    Warns
    -----
    MissingValuesWarning
        When rows are dropped.
    RankDeficientWarning
        When fixed-effects columns are dropped.
    """
    check_option("na_action", na_action, NAAction)
    meaning = meaning_of(parse(formula))
    table = Table.from_data(data)
    given = {"weights": weights, "offset": offset}
    inputs = read_inputs(meaning, table, given, na_action, context or {})
    coder = Coder(inputs.frame, contrasts or {}, context or {})
    matrices, encoders = _matrices(meaning, inputs, coder)
    spec = DesignSpec(
        formula=formula,
        encoders=encoders,
        offset_column=offset if isinstance(offset, str) else None,
        offset_array=offset is not None and not isinstance(offset, str),
        groups=tuple(GroupLevels(f.name, f.columns, f.levels) for f in matrices.factors),
        variables={
            name: Variable(name, variable.kind, levels=variable.levels)
            for name, variable in inputs.frame.variables.items()
        },
    )
    notes = _notes(matrices, inputs)
    return Design(matrices, spec, table, inputs.frame.rows, inputs.dropped, notes)


def _matrices(meaning: Meaning, inputs: Inputs, coder: Coder) -> tuple[ModelMatrices, Encoders]:
    """All arrays, and the encoders that made them."""
    response, y = coder.single(meaning.response, "response")
    check_response(y, response.names[0])
    vectors = inputs.vectors
    if "weights" in vectors:
        check_weights(vectors["weights"], inputs.frame)
    offsets = [coder.single(terms, "offset") for terms in meaning.offsets]
    parts = [values for _, values in offsets]
    parts += [vectors["offset"]] if "offset" in vectors else []
    fixed, X = coder.encode(meaning.fixed)
    kept = _independent(X, fixed.names, meaning, inputs)
    full_rank = len(kept) == X.shape[1]
    factors = tuple(grouping_factor(g, inputs.grouping, inputs.frame.rows) for g in meaning.groups)
    terms, effects = _random_terms(meaning, coder, factors, known=X if full_rank else None)
    matrices = ModelMatrices(
        y=y,
        X=X if full_rank else np.ascontiguousarray(X[:, kept]),
        coef_names=fixed.names,
        kept=kept,
        factors=factors,
        terms=terms,
        weights=vectors.get("weights"),
        offset=total_offset(parts, inputs.frame),
    )
    return matrices, Encoders(response, fixed, tuple(e for e, _ in offsets), effects)


def _random_terms(
    meaning: Meaning, coder: Coder, factors: tuple[GroupingFactor, ...], known: Float | None
) -> tuple[tuple[RandomTerm, ...], tuple[Encoder, ...]]:
    """Random-effects terms and encoders of their columns; ``known`` has independent columns."""
    terms, encoders = [], []
    specs = zip(meaning.formula.random, meaning.effects, meaning.factor_of, strict=True)
    for spec, effects, factor in specs:
        if effects.intercept_only:
            encoder: Encoder = plain_encoder(effects, coder.frame)
            z: Float = np.broadcast_to(1.0, (coder.frame.n_rows, 1))
        else:
            encoder, z = coder.encode(effects)
        if not encoder.names:
            raise FormulaError(f"{spec.label} has no random effects: nothing varies by group.")
        term = RandomTerm(factor, encoder.names, z, spec.covariance, spec.label)
        check_sizes(term, factors[factor])
        if z is not known:
            check_columns(term, intercept=effects.intercept)
        terms.append(term)
        encoders.append(encoder)
    return tuple(terms), tuple(encoders)


def _independent(X: Float, names: tuple[str, ...], meaning: Meaning, inputs: Inputs) -> IndexArray:
    """Positions of the columns of X to keep; warn of those that are not, and of factors lost."""
    kept = independent_columns(X, intercept=meaning.fixed.intercept)
    if len(kept) >= len(X):
        raise DataError(
            f"There are {len(kept)} fixed effects for {len(X)} rows; a model needs more rows than "
            "fixed effects."
        )
    lost = _single_levels(meaning, inputs, names)
    if len(kept) < len(names):
        lost = [name for j, name in enumerate(names) if j not in kept] + lost
    if lost:
        warn(
            "Dropped from the fixed effects, because constant or a linear combination of others: "
            f"{', '.join(lost)}.",
            RankDeficientWarning,
        )
    return kept


def _single_levels(meaning: Meaning, inputs: Inputs, names: tuple[str, ...]) -> list[str]:
    """Factors of the fixed part that have no column, because only one level occurs."""
    return [
        f"{name} (one level: {inputs.frame.variables[name].levels[0]})"
        for name in meaning.fixed.columns
        if len(inputs.frame.variables[name].levels) == 1
        and not any(f"{name}[" in coefficient for coefficient in names)
    ]


def _notes(matrices: ModelMatrices, inputs: Inputs) -> tuple[str, ...]:
    """Facts about the data that are no reason to warn."""
    notes = []
    if not matrices.terms:
        notes.append("There is no random-effects term: this is ordinary least squares.")
    for name, column in {**inputs.columns, **inputs.grouping}.items():
        if column.kind != "categorical" or column.categories is None:
            continue
        codes = column.codes if inputs.frame.rows is None else column.codes[inputs.frame.rows]
        unused = len(column.categories) - np.count_nonzero(np.bincount(codes))
        if unused:
            words = "category does" if unused == 1 else "categories do"
            notes.append(f"{name!r}: {unused} {words} not occur in the rows used.")
    for name, variable in inputs.frame.variables.items():
        if len(variable.levels) == 1:
            notes.append(f"{name!r} has only one level in the rows used: {variable.levels[0]}.")
    return tuple(notes)
