"""Predictors: at which level each varies, how it is centred, and its terms in the models."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.levels.centering import crossed_parts, group_means, nested_parts
from multilevel.workflow.advice import conversion, one_kind, time_advice
from multilevel.workflow.naming import free_name, quoted

if TYPE_CHECKING:
    from multilevel.frames.table import Table
    from multilevel.typing import Float, Int
    from multilevel.workflow.hierarchy import Factor, Hierarchy
    from multilevel.workflow.request import Request

__all__ = ["Centring", "Kind", "Predictor", "intraclass", "read_predictors", "varying_groups"]

Kind = Literal["numeric", "binary", "categorical"]
Centring = Literal["within", "grand", "share", "none", "start"]

# Share of a predictor's variance between groups from which its effects within and between groups
# are taken apart (Enders & Tofighi 2007 give no number; below it the two can hardly be told).
SPLIT = 0.05
# Groups among which a group-level predictor may vary and still count as theirs: errors of entry.
OFFENDERS = 0.05
# A variable varies within a group if its values differ by more than this part of its largest.
_CONSTANT = 1e-9
_MOST_CATEGORIES = 20
# Time that begins so near zero, as part of its range, counts from zero.
_NEAR_ZERO = 0.01
# Means in the data are those of a predictor if they differ by less than this part of the largest.
_ROUNDED = 2e-3


@dataclass(frozen=True, eq=False)
class Predictor:
    """A predictor.

    Attributes
    ----------
    name : str
        Column of the user's data.
    stated : {"level1", "level2", "time"}
        Where the user put it.
    level : int
        1 if it varies between rows of the innermost groups, otherwise that of its groups: 2 for
        the innermost factor, and so on upwards.
    factor : Factor or None
        The factor whose groups it describes; None at level 1.
    kind : {"numeric", "binary", "categorical"}
        What it is.
    icc : float
        Share of its variance between the innermost groups, the largest of crossed factors (ANOVA
        estimate; 1 at level 2).
    centring : {"within", "grand", "share", "none", "start"}
        ``within``: split into deviations from group means and these means; ``share``: a category
        beside its share in the group; ``grand``: about the mean of all rows; ``start``: time
        since its first value; ``none``: as it is.
    origin : float
        What was subtracted (``grand``, ``start``), or 0.
    own : str
        Its column in the models that varies at its own level: ``"ses_within"``.
    means : tuple of (str, Factor)
        Columns of its group means, with the factor whose groups they describe; those of another
        predictor if that holds the same means.
    offenders : tuple of str
        Groups in which it varies although it was stated to be theirs.
    n_offenders : int
        Their number (``offenders`` lists the first).
    labels : tuple of str
        The categories, the one that others are compared with first.
    columns : dict of str to ndarray, shape (n_rows,)
        The columns that were made for it.
    """

    name: str
    stated: Literal["level1", "level2", "time"]
    level: int
    factor: Factor | None
    kind: Kind
    icc: float
    centring: Centring
    own: str
    origin: float = 0.0
    means: tuple[tuple[str, Factor], ...] = ()
    offenders: tuple[str, ...] = ()
    n_offenders: int = 0
    labels: tuple[str, ...] = ()
    columns: dict[str, Float] = field(default_factory=dict, repr=False)

    @property
    def term(self) -> str:
        """Its own term in formulas."""
        return quoted(self.own)

    @property
    def n_columns(self) -> int:
        """Columns of its own term: one for each category but the first, one for numbers."""
        return max(1, len(self.labels) - 1)

    @property
    def mean_terms(self) -> tuple[str, ...]:
        """Terms of its group means in formulas."""
        return tuple(quoted(name) for name, _ in self.means)


def read_predictors(
    table: Table, request: Request, hierarchy: Hierarchy, rows: np.ndarray
) -> tuple[Predictor, ...]:
    """Read all predictors on the rows that every model uses.

    Raises
    ------
    DataError
        For columns that can be no predictors.
    """
    taken = set(table.columns)
    _refuse_same(table, request.predictors, rows)
    found = []
    for name in request.predictors:
        predictor = _read(table, name, request, hierarchy, rows, taken)
        taken |= set(predictor.columns)
        found.append(predictor)
    return tuple(_with_given_means(one, found) for one in found)


def _with_given_means(one: Predictor, others: list[Predictor]) -> Predictor:
    """A predictor whose group means the data hold already: these stand for those made for it."""
    means, columns = list(one.means), dict(one.columns)
    for i, (name, factor) in enumerate(one.means):
        for other in others:
            given = other.columns.get(other.own)
            if other.factor is factor and given is not None and _same(columns[name], given):
                means[i] = (other.own, factor)
                del columns[name]
                break
    return replace(one, means=tuple(means), columns=columns)


def _same(made: Float, given: Float) -> bool:
    """Whether two centred columns are the same up to rounding in the data."""
    return bool(np.abs(made - given).max() <= _ROUNDED * np.abs(made).max())


def _refuse_same(table: Table, names: tuple[str, ...], rows: np.ndarray) -> None:
    """Two predictors with the same values are one."""
    seen: dict[bytes, str] = {}
    for name in names:
        column = table.column(name)
        if not column.is_numeric:
            continue
        first = seen.setdefault(column.values[rows].tobytes(), name)
        if first != name:
            raise DataError(
                f"Predictors {first!r} and {name!r} hold the same values in all rows, so that "
                "they cannot be told apart: leave one out."
            )


def _read(
    table: Table,
    name: str,
    request: Request,
    hierarchy: Hierarchy,
    rows: np.ndarray,
    taken: set[str],
) -> Predictor:
    stated: Literal["level1", "level2", "time"] = (
        "time" if name == request.time else "level2" if name in request.level2 else "level1"
    )
    kind, x, levels = _values(table, name, rows, is_time=stated == "time")
    factors = [(factor.codes[rows], factor) for factor in hierarchy.factors]
    level, factor, offenders = _level(x, factors, stated, hierarchy)
    innermost = factors[-1][1]
    shares = [intraclass(x, codes) for codes, _ in factors] if level == 1 else [1.0]
    icc = max(shares) if hierarchy.crossed else shares[-1]
    labels = (innermost if factor is None else factor).labels
    above = [] if factor is not None and hierarchy.crossed else factors[: len(factors) + 1 - level]
    made = _terms(name, stated, kind, x, above, hierarchy, taken)
    return Predictor(
        name=name,
        stated=stated,
        level=level,
        factor=factor,
        kind=kind,
        icc=icc,
        labels=levels,
        offenders=tuple(str(labels[j]) for j in offenders[:8]),
        n_offenders=len(offenders),
        **made,
    )


def _values(
    table: Table, name: str, rows: np.ndarray, *, is_time: bool
) -> tuple[Kind, Float, tuple[str, ...]]:
    """What a predictor is, and numbers for it: codes of categories."""
    column = table.column(name)
    if column.kind in ("temporal", "other") or (is_time and column.kind != "numeric"):
        advice = one_kind(column) if column.kind == "other" else time_advice(column)
        raise DataError(f"Column {name!r} holds {column.describe()}. {advice}")
    if column.kind == "numeric":
        x = column.values[rows]
        if not np.isfinite(x).all():
            raise DataError(f"Column {name!r} has infinite values; make them missing.")
        low, high = x.min(), x.max()
        if low == high:
            raise DataError(f"Column {name!r} has the same value in all rows; leave it out.")
        binary = not is_time and bool(((x == low) | (x == high)).all())
        return ("binary" if binary else "numeric"), x, ()
    codes, labels = column.codes[rows], column.levels
    used = np.unique(codes)
    if len(used) < 2:
        raise DataError(f"Column {name!r} has the same value in all rows; leave it out.")
    if len(used) > _MOST_CATEGORIES:
        advice = conversion(column) or (
            "If it names groups, put it in groups; otherwise put rare categories together."
        )
        raise DataError(
            f"Column {name!r} holds {column.describe()} with {len(used)} different values, too "
            f"many for a predictor of categories. {advice}"
        )
    names = tuple(str(labels[j]) for j in used)
    x = np.searchsorted(used, codes).astype(np.float64)
    return ("binary" if len(used) == 2 else "categorical"), x, names


def _level(
    x: Float, factors: list[tuple[Int, Factor]], stated: str, hierarchy: Hierarchy
) -> tuple[int, Factor | None, list[int]]:
    """The outermost factor within whose groups a variable does not vary, and the offenders."""
    offenders: list[int] = []
    for i, (codes, factor) in enumerate(factors):
        varying = varying_groups(x, codes, factor.n_levels)
        few = stated == "level2" and len(varying) <= OFFENDERS * len(np.unique(codes))
        if few or not len(varying):
            return (2 if hierarchy.crossed else len(factors) - i + 1), factor, varying.tolist()
        offenders = varying.tolist()
    return 1, None, offenders if stated == "level2" else []


def varying_groups(x: Float, codes: Int, n_levels: int) -> Int:
    """Groups within which a variable varies."""
    low, high = np.full(n_levels, np.inf), np.full(n_levels, -np.inf)
    np.minimum.at(low, codes, x)
    np.maximum.at(high, codes, x)
    spread = np.where(np.isfinite(low), high - low, 0.0)
    return np.flatnonzero(spread > _CONSTANT * np.abs(x).max()).astype(np.int32)


def intraclass(x: Float, codes: Int) -> float:
    """ANOVA estimate of the share of variance between groups, at least 0 (Donner 1986)."""
    counts = np.bincount(codes)
    counts = counts[counts > 0]
    n, J = len(x), len(counts)
    if J < 2 or n == J:
        return 0.0
    means = group_means(x, codes, int(codes.max()) + 1)
    within = float(np.sum((x - means) ** 2)) / (n - J)
    between = float(np.sum((means - x.mean()) ** 2)) / (J - 1)
    size = (n - float(np.sum(counts.astype(np.float64) ** 2)) / n) / (J - 1)
    total = between + (size - 1.0) * within
    return max((between - within) / total, 0.0) if total > 0.0 else 0.0


def _terms(
    name: str,
    stated: str,
    kind: Kind,
    x: Float,
    above: list[tuple[Int, Factor]],
    hierarchy: Hierarchy,
    taken: set[str],
) -> dict[str, Any]:
    """Centring, and the columns that it makes."""
    plain: dict[str, Any] = {"centring": "none", "own": name}
    if stated == "time":
        slack = _NEAR_ZERO * (x.max() - x.min())
        if x.min() <= slack and x.max() >= 0.0:
            return plain
        own = free_name(f"{name}_start", taken)
        origin = float(x.min())
        return {"centring": "start", "own": own, "origin": origin, "columns": {own: x - origin}}
    split = kind != "categorical" and any(intraclass(x, codes) > SPLIT for codes, _ in above)
    if not split:
        if kind != "numeric":
            return plain
        own, origin = free_name(f"{name}_c", taken), float(x.mean())
        return {"centring": "grand", "own": own, "origin": origin, "columns": {own: x - origin}}
    pairs = [(codes, one.n_levels) for codes, one in above]
    if hierarchy.crossed:
        parts = crossed_parts(x, pairs, [one.parent for _, one in above])
    else:
        parts = nested_parts(x, pairs)
    many = len(above) > 1
    columns: dict[str, Float] = {}
    means: list[tuple[str, Factor]] = []
    for part, (_, one) in zip(parts, above, strict=False):
        column = free_name(f"{name}_{one.label}_between" if many else f"{name}_between", taken)
        columns[column] = part - part.mean()
        means.append((column, one))
    if kind == "binary":
        return {"centring": "share", "own": name, "means": tuple(means), "columns": columns}
    own = free_name(f"{name}_within", taken)
    columns[own] = parts[-1]
    return {"centring": "within", "own": own, "means": tuple(means), "columns": columns}
