"""The cases: a model, and the data for it, made from a fixed seed or shipped with the package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import multilevel as mlm

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Case:
    """A model and its data.

    ``spellings`` holds the formula for systems that have no word for the usual one; it is the
    same model. ``scalable`` data can be made smaller by a factor.
    """

    name: str
    title: str
    formula: str
    make: Callable[[float], pd.DataFrame]
    factors: tuple[str, ...]
    scalable: bool = False
    spellings: dict[str, str] = field(default_factory=dict)


def shipped(name: str) -> Callable[[float], pd.DataFrame]:
    return lambda scale: mlm.datasets.load(name, "pandas")


def one_factor(scale: float) -> pd.DataFrame:
    """Random intercept and slope: 5 rows in each group on average."""
    rng = np.random.default_rng(1)
    n, q = int(500_000 * scale), int(100_000 * scale)
    g = np.concatenate([np.arange(q), rng.integers(0, q, n - q)])
    x = rng.standard_normal(n)
    b0 = rng.standard_normal(q)
    b1 = 0.3 * b0 + 0.4 * rng.standard_normal(q)
    y = 1.0 + 0.5 * x + b0[g] + b1[g] * x + rng.standard_normal(n)
    return pd.DataFrame({"y": y, "x": x, "g": g})


def nested(scale: float) -> pd.DataFrame:
    """Ten classes in each school, twenty rows in each class, in random order."""
    rng = np.random.default_rng(2)
    n_school, n_class = int(5_000 * scale), int(50_000 * scale)
    n = n_class * 20
    cls = rng.permutation(np.repeat(np.arange(n_class), 20))
    school = cls // 10
    x = rng.standard_normal(n)
    b = 0.6 * rng.standard_normal((n_school, 2)) @ np.array([[1.0, 0.2], [0.0, 0.5]])
    y = 2.0 + 0.5 * x + b[school, 0] + b[school, 1] * x
    y += 0.5 * rng.standard_normal(n_class)[cls] + rng.standard_normal(n)
    return pd.DataFrame({"y": y, "x": x, "school": school, "cls": cls})


def crossed(scale: float) -> pd.DataFrame:
    """Users and items, each pair drawn at random."""
    rng = np.random.default_rng(3)
    n, n_u, n_i = int(1_000_000 * scale), int(50_000 * scale), int(2_000 * scale)
    u = np.concatenate([np.arange(n_u), rng.integers(0, n_u, n - n_u)])
    i = np.concatenate([np.arange(n_i), rng.integers(0, n_i, n - n_i)])
    x = rng.standard_normal(n)
    y = 1.0 + 0.3 * x + 0.5 * rng.standard_normal(n_u)[u] + 0.4 * rng.standard_normal(n_i)[i]
    return pd.DataFrame({"y": y + rng.standard_normal(n), "x": x, "u": u, "i": i})


def maximal(scale: float) -> pd.DataFrame:
    """40 subjects by 24 items, 2 x 2 conditions in a Latin square, 20 theta."""
    rng = np.random.default_rng(4)
    subject, item = (a.ravel() for a in np.meshgrid(np.arange(40), np.arange(24), indexing="ij"))
    condition = (subject + item) % 4
    A, B = condition // 2 - 0.5, condition % 2 - 0.5
    Z = np.column_stack([np.ones(len(A)), A, B, A * B])
    spread = np.array([1.0, 0.5, 0.5, 0.4])
    root = np.linalg.cholesky(0.3 + 0.7 * np.eye(4)) * spread[:, None]
    b = rng.standard_normal((40, 4)) @ root.T
    c = 0.7 * rng.standard_normal((24, 4)) @ root.T
    y = Z @ [2.0, 0.5, -0.3, 0.2] + np.sum(Z * (b[subject] + c[item]), axis=1)
    y += rng.standard_normal(len(A))
    names = {"subj": subject, "item": item}
    labels = {k: pd.Categorical([f"{k}{i:02d}" for i in v]) for k, v in names.items()}
    return pd.DataFrame({"y": y, "A": A, "B": B, "AB": A * B, **labels})


CASES = [
    Case(
        "sleepstudy",
        "sleepstudy, 180 rows: `(Days \\| Subject)`",
        "Reaction ~ Days + (Days | Subject)",
        shipped("sleepstudy"),
        ("Subject",),
    ),
    Case(
        "penicillin",
        "Penicillin, 144 rows: two crossed factors",
        "diameter ~ 1 + (1 | plate) + (1 | sample)",
        shipped("penicillin"),
        ("plate", "sample"),
    ),
    Case(
        "maximal",
        "maximal design, 40 subjects x 24 items: `(A*B \\| subj) + (A*B \\| item)`",
        "y ~ A * B + (A * B | subj) + (A * B | item)",
        maximal,
        ("subj", "item"),
        spellings=dict.fromkeys(
            ("glmm", "glmm-no-df", "mixedlm", "lme-python"),
            "y ~ A + B + AB + (A + B + AB | subj) + (A + B + AB | item)",
        ),
    ),
    Case(
        "insteval",
        "InstEval, 73,421 rows: `(1 \\| s) + (1 \\| d) + (1 \\| dept)`",
        "y ~ service + (1 | s) + (1 | d) + (1 | dept)",
        shipped("insteval"),
        ("s", "d", "dept"),
    ),
    Case(
        "one_factor",
        "one factor, 500,000 rows, 100,000 groups: `(x \\| g)`",
        "y ~ x + (x | g)",
        one_factor,
        ("g",),
        scalable=True,
    ),
    Case(
        "nested",
        "nested, 1,000,000 rows, 50,000 classes in 5,000 schools: `(x \\| school) + (1 \\| class)`",
        "y ~ x + (x | school) + (1 | cls)",
        nested,
        ("school", "cls"),
        scalable=True,
    ),
    Case(
        "crossed",
        "crossed, 1,000,000 rows, 50,000 x 2,000: `(1 \\| u) + (1 \\| i)`",
        "y ~ x + (1 | u) + (1 | i)",
        crossed,
        ("u", "i"),
        scalable=True,
    ),
]
BY_NAME = {case.name: case for case in CASES}
