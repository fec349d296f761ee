"""What a formula says: the parts of ``y ~ x + (1 | g)``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multilevel.typing import CovarianceKind

__all__ = ["MixedFormula", "RandomSpec"]


@dataclass(frozen=True, slots=True)
class RandomSpec:
    """One random-effects term, after expansion of ``/`` and ``*`` on the right of the bar.

    Attributes
    ----------
    effects : str
        Left of the bar, in formulaic's dialect, always beginning with ``1`` or ``0``:
        ``"1 + Days"``, ``"0 + f"``, ``"1 + I(x**2) + log(z)"``.
    group : tuple of str
        Columns that make up the grouping factor: ``("school",)``, ``("batch", "cask")``.
    covariance : {"unstructured", "independent"}
        ``|`` or ``||``.
    label : str
        The term in canonical form, ``"(1 + Days | Subject)"``.
    has_intercept : bool
        Whether ``effects`` begins with ``1``.
    """

    effects: str
    group: tuple[str, ...]
    covariance: CovarianceKind
    label: str
    has_intercept: bool


@dataclass(frozen=True, slots=True)
class MixedFormula:
    """A formula, read.

    Attributes
    ----------
    text : str
        As the user wrote it.
    response : str
        Left of ``~``: a column or one call, ``"log(y)"``; arithmetic comes as ``I(...)``.
    fixed : str
        Fixed terms in formulaic's dialect, without bars and offsets, always beginning with ``1``
        or ``0``: ``"1 + x*f"``.
    offsets : tuple of str
        What stands in each ``offset(...)``: a column or one call; arithmetic comes as ``I(...)``.
    random : tuple of RandomSpec
        Random-effects terms in order of appearance; may be empty.
    """

    text: str
    response: str
    fixed: str
    offsets: tuple[str, ...]
    random: tuple[RandomSpec, ...]
