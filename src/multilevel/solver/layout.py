"""Where theta lives: terms of the formula against blocks of the native core.

Terms on the same grouping factor share one block of the core, and the core works in scaled
coordinates, where Lambda is ``inverse_transform @ Lambda`` of the data's scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from multilevel.covariance.relative_factor import entries, from_theta, lower_factor, to_theta

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.moments.scaling import ScaledFactor
    from multilevel.typing import CovarianceKind, Float

__all__ = ["Layout", "TermSlot"]

Entry = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class TermSlot:
    """Place of one term: block of the core, first column there, part of theta."""

    block: int
    start: int
    k: int
    kind: CovarianceKind
    theta: slice
    transform: Float
    inverse: Float


class Layout:
    """Mapping between theta (terms in formula order, data's scale) and the core's blocks.

    Parameters
    ----------
    factors : sequence of ScaledFactor
        Blocks of the core, in order.
    kinds : sequence of str
        Covariance of every term, in formula order.
    """

    def __init__(self, factors: Sequence[ScaledFactor], kinds: Sequence[CovarianceKind]) -> None:
        self.sizes = tuple(len(f.transform) for f in factors)
        self.offsets = tuple(int(x) for x in np.cumsum([0, *(k * k for k in self.sizes)]))
        place = {
            term: (block, start, int(width))
            for block, f in enumerate(factors)
            for term, start, width in zip(
                f.terms, f.starts, np.diff([*f.starts, len(f.transform)]), strict=True
            )
        }
        slots, at = [], 0
        for term, kind in enumerate(kinds):
            block, start, k = place[term]
            size = len(entries(kind, k))
            span = slice(start, start + k)
            f = factors[block]
            slots.append(
                TermSlot(
                    block, start, k, kind, slice(at, at + size),
                    f.transform[span, span], f.inverse[span, span],
                )
            )  # fmt: skip
            at += size
        self.terms: tuple[TermSlot, ...] = tuple(slots)
        self.n_theta = at

    def origin_matters(self, slot: TermSlot) -> bool:
        """Whether shifting a predictor changes the model: independent effects of one factor."""
        return slot.k < self.sizes[slot.block] or (slot.kind == "independent" and slot.k > 1)

    @cached_property
    def native_terms(self) -> list[tuple[int, int, int, bool]]:
        """(block, first column, columns, independent) of every term."""
        return [(s.block, s.start, s.k, s.kind == "independent") for s in self.terms]

    def blocks(self, theta: Float) -> Float:
        """The core's blocks (flat, row-major) at theta of the data's scale."""
        flat = np.zeros(self.offsets[-1])
        for slot in self.terms:
            view = self.view(flat, slot)
            view[:] = slot.inverse @ from_theta(slot.kind, slot.k, theta[slot.theta])
        return flat

    def view(self, blocks: Float, slot: TermSlot) -> Float:
        """A term's part of the core's blocks, shape (k, k), as a view."""
        size = self.sizes[slot.block]
        block = blocks[self.offsets[slot.block] : self.offsets[slot.block + 1]]
        span = slice(slot.start, slot.start + slot.k)
        return block.reshape(size, size)[span, span]

    def singular_values(self, blocks: Float, slot: TermSlot) -> Float:
        """Singular values of a term's part as the optimiser leaves it: orthogonal columns."""
        view = self.view(blocks, slot)
        values: Float = np.sqrt((view * view).sum(axis=0))
        return values

    def relative_factors(self, blocks: Float) -> tuple[Float, ...]:
        """Lambda of every term on the data's scale."""
        return tuple(lower_factor(slot.transform @ self.view(blocks, slot)) for slot in self.terms)

    def theta(self, factors: Sequence[Float]) -> Float:
        """theta from the terms' relative factors."""
        parts = [to_theta(s.kind, f) for s, f in zip(self.terms, factors, strict=True)]
        return np.concatenate(parts) if parts else np.empty(0)

    @cached_property
    def theta_directions(self) -> list[tuple[int, int, int, list[float]]]:
        """d(blocks)/d(theta_t) as (block, column, first row, values down the column)."""
        return [
            (slot.block, slot.start + j, slot.start, slot.inverse[:, i].tolist())
            for slot in self.terms
            for i, j in entries(slot.kind, slot.k)
        ]

    @cached_property
    def full(self) -> tuple[list[Entry], Float]:
        """All entries of the terms' blocks, and d(blocks)/d(theta): shape (n_entries, n_theta)."""
        directions: list[Entry] = []
        jacobian = np.zeros((sum(s.k * s.k for s in self.terms), self.n_theta))
        for slot in self.terms:
            base = len(directions)
            directions += [
                (slot.block, slot.start + i, slot.start + j)
                for i in range(slot.k)
                for j in range(slot.k)
            ]
            for t, (i, j) in enumerate(entries(slot.kind, slot.k), slot.theta.start):
                for a in range(slot.k):
                    jacobian[base + a * slot.k + j, t] = slot.inverse[a, i]
        return directions, jacobian
