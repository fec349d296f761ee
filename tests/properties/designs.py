"""Random small designs: the arrays of models with one to three grouping factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import strategies as st

from multilevel.design.matrices import GroupingFactor, ModelMatrices, RandomTerm
from multilevel.typing import CovarianceKind, Float

if TYPE_CHECKING:
    from collections.abc import Sequence

# (grouping factor, columns of [1 x z], covariance) of every term.
TermSpec = tuple[str, list[int], CovarianceKind]
FULL: CovarianceKind = "unstructured"
DIAGONAL: CovarianceKind = "independent"
STRUCTURES: dict[str, list[TermSpec]] = {
    "(1|g)": [("g", [0], FULL)],
    "(x|g)": [("g", [0, 1], FULL)],
    "(0+x|g)": [("g", [1], FULL)],
    "(x||g)": [("g", [0, 1], DIAGONAL)],
    "(x+z|g)": [("g", [0, 1, 2], FULL)],
    "(x+z||g)": [("g", [0, 1, 2], DIAGONAL)],
    "(1|g)+(0+x|g)": [("g", [0], FULL), ("g", [1], FULL)],
    "(0+x|g)+(1+z|g)": [("g", [1], FULL), ("g", [0, 2], FULL)],
    "(1|g)+(1|h)": [("g", [0], FULL), ("h", [0], FULL)],
    "(1|h)+(x|g)": [("h", [0], FULL), ("g", [0, 1], FULL)],
    "(x|g)+(z|h)": [("g", [0, 1], FULL), ("h", [0, 2], FULL)],
    "(x||g)+(z||h)": [("g", [0, 1], DIAGONAL), ("h", [0, 2], DIAGONAL)],
    "(1|s)+(1|c)": [("s", [0], FULL), ("c", [0], FULL)],
    "(x|c)+(x|s)": [("c", [0, 1], FULL), ("s", [0, 1], FULL)],
    "(1|c)+(x|s)+(1|h)": [("c", [0], FULL), ("s", [0, 1], FULL), ("h", [0], FULL)],
    "(1|g)+(x|h)+(1|k)": [("g", [0], FULL), ("h", [0, 1], FULL), ("k", [0], FULL)],
    "(1|g)+(1|c)+(1|s)": [("g", [0], FULL), ("c", [0], FULL), ("s", [0], FULL)],
}


def factor(name: str, codes: Sequence[int]) -> GroupingFactor:
    """Grouping factor whose levels are those that occur."""
    labels, dense = np.unique(np.asarray(codes), return_inverse=True)
    return GroupingFactor(
        name, (name,), dense.astype(np.int32), np.array([f"{name}{i}" for i in labels])
    )


def model(
    y: Float,
    X: Float,
    groups: dict[str, np.ndarray],
    terms: list[TermSpec],
    weights: Float | None = None,
    offset: Float | None = None,
) -> ModelMatrices:
    """Arrays of a model whose random-effects columns are columns of X."""
    names = ("Intercept", "x", "z", "u", "v")[: X.shape[1]]
    used = list(dict.fromkeys(group for group, _, _ in terms))
    random = tuple(
        RandomTerm(
            used.index(group), tuple(names[c] for c in columns), _columns(X, columns), kind, ""
        )
        for group, columns, kind in terms
    )
    factors = tuple(factor(name, groups[name]) for name in used)
    kept = np.arange(X.shape[1])
    return ModelMatrices(y, X, names, kept, factors, random, weights, offset)


def _columns(X: Float, columns: list[int]) -> Float:
    """Columns of Z of a term; a lone intercept is a broadcast, as the design room makes it."""
    if columns == [0]:
        return np.broadcast_to(1.0, (len(X), 1))
    return np.ascontiguousarray(X[:, columns])


def draw_model(seed: int, structure: str, *, weighted: bool, offset: bool) -> ModelMatrices:
    """Response, predictors and groups of one random design, 40 to 90 rows."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 91))
    X = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    s, classes = rng.integers(0, 4, n), rng.integers(0, 3, n)
    groups = {
        "g": rng.integers(0, int(rng.integers(4, 12)), n), "h": rng.integers(0, 5, n),
        "k": rng.integers(0, 4, n), "s": s, "c": 3 * s + classes,
    }  # fmt: skip
    y = X @ rng.normal(size=3) + rng.normal(size=n)
    for codes in groups.values():
        b = rng.normal(size=(codes.max() + 1, 3)) * rng.choice([0, 0.5, 2], 3)
        y += (X * b[codes]).sum(axis=1)
    return model(
        y, X, groups, STRUCTURES[structure],
        weights=rng.uniform(0.2, 3.0, n) if weighted else None,
        offset=rng.normal(size=n) if offset else None,
    )  # fmt: skip


@st.composite
def models(draw: st.DrawFn) -> ModelMatrices:
    """A random small design of any structure."""
    return draw_model(
        draw(st.integers(0, 2**32 - 1)),
        draw(st.sampled_from(list(STRUCTURES))),
        weighted=draw(st.booleans()),
        offset=draw(st.booleans()),
    )
