"""Terms made of bare columns, built with NumPy alone: numbers, factors and their products.

Factors are coded by treatment contrasts. Which factor of a term is coded in full and which
without its first level is formulaic's decision, asked once per formula and kinds of columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.design.frame import ModelFrame
    from multilevel.design.terms import Terms
    from multilevel.typing import Float

__all__ = ["Layout", "PlainEncoder", "plain_encoder"]

Coding = Literal["numeric", "full", "reduced"]
Block = tuple[tuple[str, Coding], ...]
Layout = tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class PlainEncoder:
    """Builds the columns of plain terms, on the data of the fit or on new data.

    Attributes
    ----------
    layout : tuple of blocks
        A block is a product of columns, each numeric or a factor coded in full or reduced.
    levels : mapping of str to tuple
        Levels of the factors.
    names : tuple of str, length p
        Names of the columns.
    columns : tuple of str
        Columns of the data that are used.
    """

    layout: Layout
    levels: Mapping[str, tuple[object, ...]]
    names: tuple[str, ...]
    columns: tuple[str, ...]

    def encode(self, frame: ModelFrame) -> Float:
        """Columns for the rows of a frame.

        Returns
        -------
        ndarray, shape (n, p), C order
        """
        if not self.levels:
            X = np.empty((frame.n_rows, len(self.names)))
            for j, block in enumerate(self.layout):
                X[:, j] = _numbers(block, frame)
            return X
        X = np.zeros((frame.n_rows, len(self.names)))
        start = 0
        for block in self.layout:
            start += self._fill(X, start, block, frame)
        return X

    def _fill(self, X: Float, start: int, block: Block, frame: ModelFrame) -> int:
        """Write a block from column ``start`` on and return how many columns it has."""
        cell: np.ndarray | None = None
        coded: np.ndarray | None = None
        width = 1
        for name, coding in block:
            if coding == "numeric":
                continue
            first = int(coding == "reduced")
            codes = frame.variables[name].codes
            assert codes is not None
            part = codes.astype(np.intp) - first
            cell = part * width if cell is None else cell + part * width
            if first:
                inside = part >= 0
                coded = inside if coded is None else coded & inside
            width *= len(self.levels[name]) - first
        values = _numbers(block, frame)
        if cell is None:
            X[:, start] = values
        else:
            rows = np.arange(len(X)) if coded is None else np.flatnonzero(coded)
            at = cell if coded is None else cell[rows]
            X[rows, start + at] = values if isinstance(values, float) else values[rows]
        return width


def _numbers(block: Block, frame: ModelFrame) -> Float | float:
    """Product of the numeric columns of a block."""
    result: Float | float = 1.0
    for name, coding in block:
        if coding == "numeric":
            values = frame.variables[name].values
            assert values is not None
            result = values if isinstance(result, float) else _multiply(result, values, block)
    return result


def _multiply(left: Float, right: Float, block: Block) -> Float:
    """Product of two columns; refuses one that overflows."""
    with np.errstate(over="ignore"):
        result = left * right
    if not np.isfinite(result).all():
        names = ":".join(name for name, _ in block)
        raise DataError(f"The product {names} is too large for floating-point numbers; rescale.")
    return result


def plain_encoder(terms: Terms, frame: ModelFrame) -> PlainEncoder:
    """Encoder of plain terms for the variables of a frame."""
    factors = tuple(name for name in terms.columns if frame.variables[name].kind != "numeric")
    if not factors:
        layout, names = _numeric_layout(terms.products)
        return PlainEncoder(layout, {}, names, terms.columns)
    from multilevel.design.encoder import layout_of

    layout = layout_of(terms, factors)
    levels = {name: frame.variables[name].levels for name in factors}
    return PlainEncoder(layout, levels, _names(layout, levels), terms.columns)


@lru_cache(maxsize=1024)
def _numeric_layout(products: tuple[tuple[str, ...], ...]) -> tuple[Layout, tuple[str, ...]]:
    """Layout and names when every column is numeric."""
    layout: Layout = tuple(tuple((name, "numeric") for name in product) for product in products)
    return layout, _names(layout, {})


def _names(layout: Layout, levels: Mapping[str, tuple[object, ...]]) -> tuple[str, ...]:
    """Names of the columns, the first factor of a product running fastest."""
    names: list[str] = []
    for block in layout:
        parts = [_part_names(name, coding, levels.get(name, ())) for name, coding in block]
        if not parts:
            names.append("Intercept")
        else:
            names += [":".join(reversed(chosen)) for chosen in product(*reversed(parts))]
    return tuple(names)


def _part_names(name: str, coding: Coding, levels: tuple[object, ...]) -> list[str]:
    """Names of the columns of one column of the data."""
    if coding == "numeric":
        return [name]
    if coding == "full":
        return [f"{name}[{level}]" for level in levels]
    return [f"{name}[T.{level}]" for level in levels[1:]]
