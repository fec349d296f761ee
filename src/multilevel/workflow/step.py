"""A step of the analysis: a section of the report, with the models fitted in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from multilevel.report.document import Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.fits.linear import LinearMixedModel

__all__ = ["Step"]


@dataclass(frozen=True, repr=False)
class Step(Section):
    """A step of the guided analysis.

    ``print`` it, or let a notebook show it. Tables are data frames in ``tables``, figures are in
    ``figures``, what was decided and why in ``decisions``, warnings in ``notes``.

    Attributes
    ----------
    fits : mapping of str to LinearMixedModel
        Models of this step by name.
    """

    fits: Mapping[str, LinearMixedModel] = field(default_factory=dict)
