"""What a power study draws from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from multilevel.datasets.stated import number
from multilevel.exceptions import DataError

if TYPE_CHECKING:
    import numpy as np

    from multilevel.fits.model import MixedModel
    from multilevel.frames.table import Table
    from multilevel.typing import Float

__all__ = ["Design", "Effects", "Truth", "read_effects"]

Effects = Mapping[str, float | None]
"""Coefficients that are studied; None for the value that model or pilot data give."""


class Design(Protocol):
    """Data of one size."""

    def draw(self, generator: np.random.Generator) -> MixedModel:
        """Draw data and make the model to be fitted to them."""
        ...


class Truth(Protocol):
    """A model with all its parameters."""

    @property
    def formula(self) -> str:
        """What is fitted."""
        ...

    @property
    def terms(self) -> tuple[str, ...]:
        """Coefficients that are studied."""
        ...

    @property
    def effects(self) -> Float:
        """Their true values, shape (k,)."""
        ...

    @property
    def reml(self) -> bool:
        """Criterion of the fits."""
        ...

    @property
    def table(self) -> Table:
        """Kind of the tables of results."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know."""
        ...

    def design(self, n_groups: Any, n_per_group: Any) -> Design:
        """Data of one size; None for the size of the data at hand."""
        ...

    def sizes(self, n_groups: Any, n_per_group: Any) -> dict[str, float]:
        """Columns that tell a design: expected groups, rows per group, rows."""
        ...


def read_effects(effect: str | Sequence[str] | Mapping[str, float]) -> Effects:
    """Read ``effect=``.

    Raises
    ------
    DataError
        If it names nothing, or something twice, or a value is not a number.
    """
    if isinstance(effect, str):
        return {effect: None}
    read: dict[str, float | None] = {}
    if isinstance(effect, Mapping):
        read = {str(name): number(f"effect[{name!r}]", value) for name, value in effect.items()}
    elif isinstance(effect, Sequence) and all(isinstance(name, str) for name in effect):
        read = dict.fromkeys(effect)
        if len(read) < len(effect):
            raise DataError(f"effect={list(effect)} names a coefficient twice.")
    if not read:
        raise DataError(
            "effect must be the name of a coefficient, a list of names, or a mapping that states "
            f"true values, such as {{'ses:resources': 0.5}}; got {effect!r}."
        )
    return read
