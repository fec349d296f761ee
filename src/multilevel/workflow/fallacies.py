"""Step 2, fallacies: what differences at one level do not say about another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.levels.centering import group_means
from multilevel.report.document import Note
from multilevel.workflow.candidate import asked_products
from multilevel.workflow.predictors import SPLIT, intraclass
from multilevel.workflow.question import rows_of
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, counted, listing, number, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from multilevel.typing import Float
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["fallacy_notes"]

# Shares of variance between groups from which a slope that is not split is a mixture to speak of.
_MIXED = 0.01
# Groups for each coefficient that only groups can tell, and in the smaller of two kinds of groups.
_GROUPS_PER_COEFFICIENT = 10
_FEW_OF_A_KIND = 5
# Means in the data are those of a column if they differ by less than this part of the largest.
_ROUNDED = 2e-3


def fallacy_notes(study: Study) -> tuple[Note, ...]:
    """Notes on conclusions from one level to another, with the user's variables."""
    return (*_ecological(study), *_atomistic(study), *_same_level(study))


def _ecological(study: Study) -> Iterator[Note]:
    """Means of groups: beside the values of rows, and alone."""
    inner = study.hierarchy.innermost
    groups, rows, y = the_groups(inner.label), rows_of(study), code(study.outcome)
    split = [one for one in study.predictors if any(factor is inner for _, factor in one.means)]
    split = [one for one in split if one.level == 1]
    if split:
        parts = [_two_correlations(study, one) for one in split]
        yield Note(
            "Q-ECOLOGICAL",
            f"What holds between {groups} need not hold for {rows} within them, so that each is "
            f"asked for by itself. Correlations with {y} of means of {groups}, and within "
            f"{groups}: {'; '.join(parts)}.",
            "info",
        )
    for one in study.at_level(2):
        source = _averaged(study, one)
        if source:
            group = a_group(one.factor.label) if one.factor is not None else "group"
            yield Note(
                "Q-ECOLOGICAL",
                f"{code(one.name)} holds the means of {code(source)} in each {group}, and "
                f"{code(source)} itself is no predictor. Its slope compares {groups}; it says "
                f"nothing about {rows} that differ in {code(source)}. Name {code(source)} in "
                "level1 to ask for both.",
            )


def _two_correlations(study: Study, one: Predictor) -> str:
    """Correlations of a predictor with the outcome between and within groups."""
    codes, J = study.codes(study.hierarchy.innermost), study.hierarchy.innermost.n_levels
    x, y = _values(study, one), study.y
    mx, my = group_means(x, codes, J), group_means(y, codes, J)
    first = np.unique(codes, return_index=True)[1]
    between, within = _correlation(mx[first], my[first]), _correlation(x - mx, y - my)
    turned = ", of opposite sign" if between * within < 0.0 else ""
    name = code(one.name) + (f" = {code(one.labels[1])}" if one.labels else "")
    return f"{name} {number(between, 2)} and {number(within, 2)}{turned}"


def _correlation(a: Float, b: Float) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale > 0.0 else 0.0


def _values(study: Study, one: Predictor) -> Float:
    """Values of a predictor; of two categories 0 and 1."""
    column = study.table.column(one.name)
    if column.is_numeric:
        values: Float = column.values[study.rows]
        return values
    second = [str(label) for label in column.levels].index(one.labels[1])
    share: Float = (column.codes[study.rows] == second).astype(np.float64)
    return share


def _averaged(study: Study, one: Predictor) -> str:
    """A column of the data whose group means a predictor holds, if it is no predictor itself."""
    factor = one.factor
    if factor is None or one.kind != "numeric":
        return ""
    given = study.table.column(one.name).values
    used = {study.outcome, *study.request.predictors, study.request.weights}
    used |= {name for each in study.hierarchy.factors for name in each.columns}
    there = (factor.codes >= 0) & np.isfinite(given)
    for name in study.table.columns:
        column = study.table.column(name)
        if name in used or not column.is_numeric:
            continue
        x = np.where(there, column.values, np.nan)
        if _are_means(x[there], factor.codes[there], factor.n_levels, given[there]):
            return name
    return ""


def _are_means(x: Float, codes: np.ndarray, n_levels: int, given: Float) -> bool:
    """Whether values that vary within groups have the means that were given."""
    known = np.isfinite(x)
    if not known.any():
        return False
    means = group_means(np.where(known, x, np.nan), codes, n_levels)
    if np.abs(x[known] - means[known]).max() <= _ROUNDED * np.abs(x[known]).max():
        return False  # a property of groups
    compared = np.isfinite(means)
    size = float(np.ptp(given))
    return bool(np.abs(means[compared] - given[compared]).max() <= _ROUNDED * size)


def _atomistic(study: Study) -> Iterator[Note]:
    """Predictors of rows that are not split though groups differ in them."""
    factors = study.hierarchy.lowest
    for one in study.predictors:
        if one.level > 1 or one.means:
            continue
        found = {factor: _share_between(study, one, factor) for factor in factors}
        factor = max(found, key=found.__getitem__)
        if found[factor] > (SPLIT if one.stated == "time" else _MIXED):
            mixed = _mixed_time if one.stated == "time" else _mixed
            yield mixed(study, one, factor, found[factor])


def _mixed(study: Study, one: Predictor, factor: Factor, share: float) -> Note:
    """One slope, or one set of differences, at two levels."""
    name, groups = code(one.name), the_groups(factor.label)
    many, much = one.kind == "categorical", share > SPLIT
    text = (
        f"{name} has the same {'differences' if many else 'slope'} within and between {groups} in "
        f"the models, and {'up to ' if many else ''}{percent(share)} of its variance lies between "
        f"them{'' if much else ', too little to tell two slopes apart'}. What it says about "
        f"{rows_of(study)} need not hold for {groups} that differ in {name}."
    )
    if much and many:
        text += " Columns of 0 and 1 for its categories, named in level1 instead, would be split."
    elif much:
        mean = f"A column with the mean of {name} in each {a_group(factor.label)}"
        text += f" {mean}, named in level2, would tell the two apart."
    return Note("Q-ATOMISTIC", text, "warning" if much else "info")


def _mixed_time(study: Study, one: Predictor, factor: Factor, share: float) -> Note:
    """Change within groups, and differences between groups that were seen at other times."""
    name, groups = code(one.name), the_groups(factor.label)
    return Note(
        "Q-ATOMISTIC",
        f"{percent(share)} of the variance of {name} lies between {groups}: they were observed at "
        f"different times. Its slope holds change within {groups} and differences between {groups} "
        f"of different {name} together. If these may differ, add a column with the first {name} of "
        f"each {a_group(factor.label)} to level2.",
    )


def _share_between(study: Study, one: Predictor, factor: Factor) -> float:
    """Share of a predictor's variance between groups; the largest of its categories."""
    codes, column = study.codes(factor), study.table.column(one.name)
    if one.kind != "categorical":
        return intraclass(_values(study, one), codes)
    own = column.codes[study.rows]
    return max(intraclass((own == j).astype(np.float64), codes) for j in np.unique(own))


def _same_level(study: Study) -> Iterator[Note]:
    """Interactions at one level, and questions that only groups can answer."""
    for a, b in asked_products(study):
        if a.level == b.level:
            where = rows_of(study) if a.factor is None else the_groups(a.factor.label)
            yield Note(
                "Q-SAMELEVEL",
                f"{code(a.name)} and {code(b.name)} both vary between {where}: their interaction "
                f"is one at that level, not across levels. It says whether {where} that differ in "
                f"{code(a.name)} differ in {code(study.outcome)} by other amounts if "
                f"{code(b.name)} is another; it says nothing about differences between groups in "
                "slopes.",
                "info",
            )
    for factor in study.hierarchy.factors:
        yield from _only_groups(study, factor)


def _only_groups(study: Study, factor: Factor) -> Iterator[Note]:
    """How many groups answer the questions that rows cannot."""
    named = [one for one in study.predictors if one.factor is factor]
    if not named:
        return
    J, groups = study.n_groups(factor), the_groups(factor.label)
    n = sum(max(len(one.labels) - 1, 1) for one in named)
    n += sum(each is factor for one in study.predictors for _, each in one.means)
    text = (
        f"Questions about {listing([code(one.name) for one in named])} are answered by "
        f"{counted(J, factor.label)}, not by {study.n_rows:,} {rows_of(study)}"
    )
    rare = [found for one in named if (found := _rarest(study, one, factor))]
    few = n * _GROUPS_PER_COEFFICIENT > J
    if few:
        text += (
            f": {n} coefficient{' stands' if n == 1 else 's stand'} on {J:,} {groups}, fewer than "
            f"{_GROUPS_PER_COEFFICIENT} for each"
        )
    text += f". Few are {listing(rare)}." if rare else "."
    yield Note("Q-SAMELEVEL", text, "warning" if few or rare else "info")


def _rarest(study: Study, one: Predictor, factor: Factor) -> str:
    """The category that fewest groups have, if these are hardly any."""
    if one.kind == "numeric":
        return ""
    column = study.table.column(one.name)
    first = np.unique(study.codes(factor), return_index=True)[1]
    own = column.values[study.rows][first] if column.is_numeric else column.codes[study.rows][first]
    values, counts = np.unique(own, return_counts=True)
    least = int(np.argmin(counts))
    if counts[least] >= _FEW_OF_A_KIND:
        return ""
    label = number(float(values[least])) if column.is_numeric else str(column.levels[values[least]])
    return f"those with {code(one.name)} = {code(label)} ({counts[least]})"
