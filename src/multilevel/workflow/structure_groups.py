"""Step 1, groups: sizes, balance, few groups, singletons, and how factors lie in each other."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.report.document import Bullets, DataTable, Decision, Note, Paragraph, Picture
from multilevel.workflow.labels import starts_again
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import Sizes, a_group, read_sizes, the_groups
from multilevel.workflow.words import code, counted, listing, number, percent

if TYPE_CHECKING:
    from multilevel.report.document import Block
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.study import Study

__all__ = ["groups_part", "relations_part"]

# Sources of the bounds: what can be said about variances with so many groups.
_FEW = (
    (
        5,
        "too few to estimate how much groups differ: take the groups as fixed effects, or pool "
        "them; what the models below say of groups is for exploration",
        "Gelman & Hill (2007)",
    ),
    (
        10,
        "so few groups are better taken as fixed effects; if they are a sample of many, use REML "
        "and small-sample tests, and do not rely on the variance between groups",
        "Snijders & Bosker (2012)",
    ),
    (
        20,
        "so few call for REML and for tests of Kenward & Roger or Satterthwaite, not for z tests",
        "Elff, Heisig, Schaeffer & Shikano (2021)",
    ),
    (
        50,
        "fixed effects are safe with small-sample tests; standard errors of variances are not, so "
        "that profile or bootstrap intervals are used",
        "Maas & Hox (2005)",
    ),
)
_MANY = "enough for fixed effects and, roughly, for variances"
_WARN_BELOW, _SERIOUS_BELOW = 20, 10
_SEGMENT_ROWS = 50  # rows per group from which few groups look like categories of interest
_MOST_SINGLE = 0.5
_ALMOST = 0.8  # share of groups with one home from which nesting was probably meant
_SINGLE_CELLS = 0.95  # combinations per row from which labels may number the rows
_DIAGRAM = "unit_diagram"


def groups_part(study: Study) -> Part:
    """Sizes of the groups of every factor, and the rules that go by them."""
    factors = study.hierarchy.factors
    sizes = [read_sizes(study.codes(factor)) for factor in factors]
    text = " ".join(map(_balance, factors, sizes))
    blocks: list[Block] = [
        _diagram(study, sizes),
        Paragraph(text, "Groups and their sizes"),
        _size_table(study, factors, sizes),
        *(_histogram(study, one, own) for one, own in zip(factors, sizes, strict=True)),
    ]
    notes = [note for pair in zip(factors, sizes, strict=True) for note in _size_notes(*pair)]
    decisions = [_few_groups(*pair) for pair in zip(factors, sizes, strict=True)]
    return Part(tuple(blocks), tuple(decisions), tuple(notes))


def _balance(factor: Factor, sizes: Sizes) -> str:
    label = factor.label
    if sizes.balanced:
        rows = number(float(sizes.rows[0]))
        return f"All {counted(sizes.n_groups, label)} have {rows} rows: the data are balanced."
    low, middle, high = (sizes.quantile(p) for p in (0.25, 0.5, 0.75))
    single = f"; {sizes.singles(label)} have a single row" if sizes.singletons else ""
    if low == high:
        inside = f"{number(low)} rows each; all have {sizes.span}"
    else:
        inside = f"between {number(low)} and {number(high)} rows (median {number(middle)})"
    return f"The middle half of the {counted(sizes.n_groups, label)} have {inside}{single}."


def _size_table(study: Study, factors: tuple[Factor, ...], sizes: list[Sizes]) -> DataTable:
    columns: dict[str, Any] = {
        "group": [factor.name for factor in factors],
        "n_groups": [one.n_groups for one in sizes],
        "smallest": [int(one.rows.min()) for one in sizes],
        "q1": [one.quantile(0.25) for one in sizes],
        "median": [one.quantile(0.5) for one in sizes],
        "mean": [one.mean for one in sizes],
        "harmonic_mean": [one.harmonic for one in sizes],
        "q3": [one.quantile(0.75) for one in sizes],
        "largest": [int(one.rows.max()) for one in sizes],
        "singletons": [one.singletons for one in sizes],
    }
    headings = {
        "group": "Grouping factor",
        "n_groups": "Groups",
        "q1": "1st quartile",
        "q3": "3rd quartile",
        "harmonic_mean": "Harmonic mean",
        "singletons": "Groups of one row",
    }
    note = "Rows per group, among the rows that the models use."
    return DataTable("sizes", "Rows per group", study.frame(columns), 1, note, headings)


def _histogram(study: Study, factor: Factor, sizes: Sizes) -> Picture:
    from multilevel import plot

    groups = {factor.label: study.codes(factor)}
    alt = f"Histogram of rows per group: {sizes.sentence(factor.label)}."
    return Picture(
        f"group_sizes_{1 + study.hierarchy.factors.index(factor)}",
        f"Rows per {a_group(factor.label)}",
        alt,
        lambda: plot.group_sizes(groups, factor.label),
        lambda: plot.group_sizes_data(groups, factor.label),
    )


def _diagram(study: Study, sizes: list[Sizes]) -> Picture:
    from multilevel import plot

    factors = study.hierarchy.factors
    units = {one.label: own.n_groups for one, own in zip(factors, sizes, strict=True)}
    above = {one.label: [factors[one.parent].label] for one in factors if one.parent is not None}
    homes = {one.parent for one in factors}
    rows = "row" if "row" not in units else "row of data"
    units[rows] = study.n_rows
    above[rows] = [one.label for i, one in enumerate(factors) if i not in homes]
    lines = [f"{inner} in {' and '.join(outer)}" for inner, outer in above.items()]
    alt = "Diagram of the levels: " + "; ".join(f"{n:,} × {name}" for name, n in units.items())
    return Picture(
        _DIAGRAM,
        "Levels: what belongs to what",
        f"{alt}. Arrows: {listing(lines)}.",
        lambda: plot.unit_diagram(units, above),
        lambda: plot.unit_diagram_data(units, above),
    )


def _few_groups(factor: Factor, sizes: Sizes) -> Decision:
    J = sizes.n_groups
    bound, verdict, source = next(
        (row for row in _FEW if row[0] > J), (50, _MANY, "Maas & Hox (2005)")
    )
    return Decision(
        "STRUCT-FEWGROUPS",
        f"Are {counted(J, factor.label)} enough?",
        f"{J:,} groups",
        f"{'fewer than' if bound > J else 'at least'} {bound}",
        verdict,
        source,
    )


def _size_notes(factor: Factor, sizes: Sizes) -> list[Note]:
    notes, J = [], sizes.n_groups
    if J < _WARN_BELOW:
        decision = _few_groups(factor, sizes)
        text = (
            f"There are only {counted(J, factor.label)}: {decision.verdict}; see {decision.source}."
        )
        notes.append(Note("STRUCT-FEWGROUPS", text, "problem" if J < _SERIOUS_BELOW else "warning"))
    if _SERIOUS_BELOW > J and sizes.mean >= _SEGMENT_ROWS:
        notes.append(
            Note(
                "STRUCT-FEWSEGMENTS",
                f"{code(factor.label)} has {J} groups of {number(sizes.mean)} rows on average. If "
                "these are all the groups there are, such as segments of customers or regions, "
                "they are categories, not a sample: each has rows enough for a mean of its own, so "
                f"put {code(factor.label)} among the predictors and use ordinary regression.",
            )
        )
    if sizes.singletons > _MOST_SINGLE * J:
        notes.append(
            Note(
                "STRUCT-SINGLETON",
                f"{sizes.singles(factor.label)} have a single row. Single rows cannot show how "
                "much rows of a group differ, and slopes cannot be told from noise in them: expect "
                "a wide interval of the variance between groups, and no random slopes.",
            )
        )
    return notes


# -- how factors lie in each other -------------------------------------------------------------


def relations_part(study: Study) -> Part:
    """Nested or crossed, for every pair of factors."""
    factors = study.hierarchy.factors
    if len(factors) == 1:
        return Part()
    sentences, notes, pictures = [], [], []
    for first, second in combinations(factors, 2):
        if _above(second, first, factors):
            sentences.append(_nested_sentence(study, first, second))
        else:
            text, filled, homes = _crossed_sentence(study, first, second)
            sentences.append(text)
            notes += _crossed_notes(first, second, homes)
            notes += _single_notes(study, first, second)
            pictures.append(_incidence(study, first, second, filled))
    notes += [_reuse_note(study, one) for one in factors if one.reused and _one_column(one)]
    head = Paragraph("Which groups lie in which was looked up in the data.", "Nested or crossed")
    return Part((head, Bullets(tuple(sentences)), *pictures), (), tuple(notes))


def _above(inner: Factor, outer: Factor, factors: tuple[Factor, ...]) -> bool:
    """Whether ``inner`` is nested in ``outer``, directly or not."""
    while inner.parent is not None:
        inner = factors[inner.parent]
        if inner is outer:
            return True
    return False


def _cells(study: Study, first: Factor, second: Factor) -> tuple[np.ndarray, np.ndarray]:
    a, b = study.codes(first), study.codes(second)
    cells = np.unique(a.astype(np.int64) * second.n_levels + b)
    return cells // second.n_levels, cells % second.n_levels


def _nested_sentence(study: Study, outer: Factor, inner: Factor) -> str:
    homes, _ = _cells(study, outer, inner)
    inside = read_sizes(homes)
    low, high = int(inside.rows.min()), int(inside.rows.max())
    spread = f"{low:,}" if low == high else f"{low:,}–{high:,} (mean {number(inside.mean)})"
    return (
        f"{code(inner.label)} is nested in {code(outer.label)}: every {a_group(inner.label)} "
        f"belongs to one {a_group(outer.label)}, which has {spread} of them."
    )


def _crossed_sentence(study: Study, first: Factor, second: Factor) -> tuple[str, str, float]:
    """The sentence, how many combinations occur, and the share of groups with one home."""
    a, b = _cells(study, first, second)
    n_a, n_b = study.n_groups(first), study.n_groups(second)
    cells = n_a * n_b
    share = "all" if len(a) == cells else percent(len(a) / cells)
    filled = f"{len(a):,} of {cells:,} combinations occur ({share})"
    kind = "crossed" if len(a) == cells else "partially crossed"
    text = (
        f"{code(first.label)} and {code(second.label)} are {kind}: neither is nested in the other; "
        f"{filled}."
    )
    homes = max(float(np.mean(read_sizes(b).rows == 1)), float(np.mean(read_sizes(a).rows == 1)))
    return text, filled, homes


def _crossed_notes(first: Factor, second: Factor, homes: float) -> list[Note]:
    if homes < _ALMOST:
        return []
    return [
        Note(
            "STRUCT-CROSSED",
            f"{code(first.label)} and {code(second.label)} are crossed, but almost nested: "
            f"{percent(homes)} of the groups of one lie in a single group of the other. If that "
            "should be all of them, look for wrong labels; if groups do change, crossed is right.",
        )
    ]


def _single_notes(study: Study, first: Factor, second: Factor) -> list[Note]:
    """Numbers of rows that look like a crossed factor."""
    a, _ = _cells(study, first, second)
    complete = len(a) == study.n_groups(first) * study.n_groups(second)
    if complete or len(a) < _SINGLE_CELLS * study.n_rows:
        return []
    inner = max(first, second, key=lambda one: one.n_levels)
    outer = second if inner is first else first
    return [
        Note(
            "STRUCT-CROSSED",
            f"Almost every combination of {code(first.label)} and {code(second.label)} has a "
            f"single row. That is right if the same {the_groups(inner.label)} are seen in several "
            f"{the_groups(outer.label)}. If their labels start again in every "
            f"{a_group(outer.label)} instead, they only number the rows: leave "
            f"{code(inner.label)} out.",
            "info",
        )
    ]


def _one_column(factor: Factor) -> bool:
    """Whether groups are called by one column: combinations with a predictor are not."""
    return factor.label == factor.columns[-1]


def _reuse_note(study: Study, factor: Factor) -> Note:
    """Labels that are used again: repaired, or nested because the user says so."""
    parent = study.hierarchy.factors[factor.parent or 0]
    column = study.table.column(factor.label)
    own, above = column.codes[study.rows], study.codes(parent)
    n_labels = len(np.unique(own))
    inner, outer = code(factor.label), code(parent.label)
    n_groups = counted(study.n_groups(factor), factor.label)
    if starts_again(above, own, study.y):
        return Note(
            "STRUCT-IDREUSE",
            f"The {n_labels:,} labels of {inner} are used again in different groups of {outer}: "
            f"the same label there is another {a_group(factor.label)}. The models take "
            f"combinations, `{parent.label}/{factor.label}`: {n_groups}. If a label means the same "
            f'thing everywhere, write groups="{parent.label} + {factor.label}".',
            "info",
        )
    return Note(
        "STRUCT-CROSSED",
        f"{inner} was said to be nested in {outer}, but the data look crossed: labels of {inner} "
        f"occur in several groups of {outer} as if they meant the same thing. As said, "
        f"combinations are taken ({n_groups}). If {the_groups(factor.label)} are the same "
        f'everywhere, write groups="{parent.label} + {factor.label}".',
    )


def _incidence(study: Study, first: Factor, second: Factor, filled: str) -> Picture:
    from multilevel import plot

    factors = study.hierarchy.factors
    data = {one.label: one.labels[study.codes(one)] for one in (first, second)}
    return Picture(
        f"incidence_{1 + factors.index(first)}_{1 + factors.index(second)}",
        f"Rows for every combination of {first.label} and {second.label}",
        f"Heat map of rows per combination of {first.label} and {second.label}: {filled}.",
        lambda: plot.incidence(data, first.label, second.label),
        lambda: plot.incidence_data(data, first.label, second.label),
    )
