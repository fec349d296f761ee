"""Which random effects a ``re_form`` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.design.terms import parse_terms
from multilevel.exceptions import DataError
from multilevel.formula.parse import parse, parse_random

if TYPE_CHECKING:
    import numpy.typing as npt

    from multilevel.design.build import Design
    from multilevel.formula.terms import RandomSpec

    Mask = npt.NDArray[np.bool_]
    Product = tuple[str, ...]

__all__ = ["select_effects"]


def select_effects(design: Design, re_form: str) -> tuple[Mask, ...]:
    """Find the random effects that a ``re_form`` names.

    Parameters
    ----------
    design : Design
        The design of the model.
    re_form : str
        ``"all"``, ``"none"``, or random-effects terms as in a formula: ``"(1 | g) + (x | h)"``.

    Returns
    -------
    tuple of ndarray of bool, shape (k,)
        For every term of the model the effects to include.

    Raises
    ------
    FormulaError
        If ``re_form`` is not made of random-effects terms.
    DataError
        If it names an effect that the model does not have.
    """
    if not isinstance(re_form, str):
        raise TypeError(
            f"re_form={re_form!r} is not an option; write 'all', 'none' or terms such as '(1 | g)'."
        )
    terms = design.matrices.terms
    chosen = tuple(np.full(len(term.names), re_form == "all") for term in terms)
    if re_form in ("all", "none"):
        return chosen
    model = [(spec.group, _products(spec)) for spec in parse(design.spec.formula).random]
    for spec in parse_random(re_form.strip().removeprefix("~")):
        found = set()
        for t, (group, products) in enumerate(model):
            if group == spec.group:
                found |= _choose(_products(spec), products, terms[t].names, chosen[t])
        for product in _products(spec) - found:
            raise DataError(
                f"re_form names the effect {_name(product)!r} of {':'.join(spec.group)!r}, which "
                f"the model does not have; its terms are {', '.join(t.label for t in terms)}."
            )
    return chosen


def _choose(
    wanted: set[Product], products: set[Product], names: tuple[str, ...], chosen: Mask
) -> set[Product]:
    """Mark the wanted effects of one term of the model; return those that it has."""
    if products <= wanted:
        chosen[:] = True
        return products
    columns = [() if name == "Intercept" else tuple(sorted(name.split(":"))) for name in names]
    chosen |= np.array([column in wanted for column in columns])
    return wanted.intersection(columns)


def _products(spec: RandomSpec) -> set[Product]:
    return {tuple(sorted(product)) for product in parse_terms(spec.effects).products}


def _name(product: Product) -> str:
    """Name of the column of an effect that has only one."""
    return ":".join(product) or "Intercept"
