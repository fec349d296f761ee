"""Sums of terms to columns, by the shortest road, each distinct sum once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.design.plain import plain_encoder
from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from multilevel.design.encoder import FormulaicEncoder
    from multilevel.design.frame import ModelFrame
    from multilevel.design.plain import PlainEncoder
    from multilevel.design.terms import Terms
    from multilevel.typing import Float

    Encoder = PlainEncoder | FormulaicEncoder

__all__ = ["Coder", "columns_of"]


def columns_of(
    terms: Terms, available: Collection[str], extra: Collection[str], formula: str = ""
) -> tuple[str, ...]:
    """Columns of the data that terms use; see :func:`multilevel.design.wilkinson.used_columns`."""
    if terms.plain:
        return terms.columns
    from multilevel.design.wilkinson import used_columns

    return tuple(used_columns(terms, available, extra, formula))


@dataclass(frozen=True, slots=True)
class Coder:
    """Trains encoders on a frame and keeps what they give.

    Attributes
    ----------
    frame : ModelFrame
        Variables of the fit.
    contrasts : mapping of str to object
        Contrasts by column, as the user gave them.
    context : mapping of str to object
        Further names for expressions.
    """

    frame: ModelFrame
    contrasts: Mapping[str, Any]
    context: Mapping[str, Any]
    _done: dict[tuple[tuple[str, ...], ...], tuple[Encoder, Float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = [name for name in self.contrasts if name not in self.frame.variables]
        if unknown:
            raise DataError(f"contrasts names {unknown[0]!r}, which the formula does not use.")

    def encode(self, terms: Terms) -> tuple[Encoder, Float]:
        """Encoder of terms and their columns, shape (n, p), C order."""
        if terms.products not in self._done:
            if self._is_plain(terms):
                encoder = plain_encoder(terms, self.frame)
                self._done[terms.products] = encoder, encoder.encode(self.frame)
            else:
                self._done[terms.products] = self._train(terms)
        return self._done[terms.products]

    def _is_plain(self, terms: Terms) -> bool:
        return terms.plain and self.contrasts.keys().isdisjoint(terms.columns)

    def _train(self, terms: Terms) -> tuple[Encoder, Float]:
        from multilevel.design.contrasts import contrast
        from multilevel.design.encoder import Scope, fit_encoder

        columns = columns_of(terms, self.frame.variables, self.context)
        contrasts = {
            name: contrast(given, self.frame.variables[name])
            for name, given in self.contrasts.items()
            if name in columns
        }
        return fit_encoder(terms, columns, self.frame, Scope(contrasts, self.context))

    def single(self, terms: Terms, what: str) -> tuple[Encoder, Float]:
        """Encoder and values, shape (n,), of a response or offset: one column of numbers."""
        text = terms.text.removeprefix("0 + ")
        for name in terms.columns:
            if (kind := self.frame.variables[name].kind) != "numeric":
                raise DataError(_not_numeric(name, kind, what))
        if terms.plain:
            [name] = terms.columns
            values = self.frame.variables[name].values
            assert values is not None
            return plain_encoder(terms, self.frame), values
        encoder, columns = self.encode(terms)
        if columns.shape[1] != 1:
            raise DataError(
                f"The {what} `{text}` must be one column of numbers, but gives "
                f"{columns.shape[1]}: {', '.join(encoder.names[:5])}."
            )
        return encoder, np.ascontiguousarray(columns[:, 0])


def _not_numeric(name: str, kind: str, what: str) -> str:
    """Message for a response or offset that is not made of numbers."""
    if kind == "boolean":
        return (
            f"The {what} {name!r} holds true/false values. For a linear model of the proportion "
            f"convert it to numbers 0 and 1 first, for example with astype(float); for a logistic "
            "model a generalised model is needed."
        )
    return f"The {what} {name!r} is not numeric; convert it to numbers."
