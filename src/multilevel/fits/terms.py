"""The terms of the fixed part: their columns, their containment, and what their tests say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from math import prod
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.design.encode import columns_of
from multilevel.design.frame import ModelFrame
from multilevel.design.meaning import meaning_of
from multilevel.design.terms import parse_terms
from multilevel.exceptions import NotSupportedError
from multilevel.fits.reference_grid import ReferenceGrid
from multilevel.formula.parse import parse
from multilevel.inference.term_hypotheses import term_space

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multilevel.design.build import Design
    from multilevel.inference.term_hypotheses import TermSpace
    from multilevel.typing import Float, IndexArray

__all__ = ["AnovaType", "FixedTerms", "Term"]

AnovaType = Literal[1, 2, 3]

# Relations between columns of X hold to a part of 1e-7 of their length.
_OUTSIDE = 1e-6
_LEFT_OUT = (
    "The contrasts of the model leave out differences between levels in {}, so that terms cannot "
    "be tested as such. Test coefficients with contrasts(), or fit the model with as many "
    "contrasts as the factor has levels, less one."
)


@dataclass(frozen=True, slots=True)
class Part:
    """A factor of products of the formula: one column for every level, or covariates.

    Attributes
    ----------
    codes : ndarray of intp, shape (n,), or None
        Level of every row; None for covariates.
    width : int
        Number of levels, or of covariates (``poly(x, 2)`` has two).
    values : ndarray, shape (n, width), or None
        Covariates.
    """

    codes: IndexArray | None
    width: int
    values: Float | None = None

    def columns(self, rows: slice) -> Float:
        """Columns for some rows, shape (rows, width)."""
        if self.codes is None:
            assert self.values is not None
            return self.values[rows]
        indicators: Float = (self.codes[rows, None] == np.arange(self.width)).astype(np.float64)
        return indicators


@dataclass(frozen=True, slots=True)
class Term:
    """A term of the fixed part.

    Attributes
    ----------
    name : str
        ``"a:x"``.
    factors, covariates : tuple of str
        What it is made of, as the formula has it.
    full_df : int
        Degrees of freedom of its test with data in all cells, and all lower terms in the model.
    """

    name: str
    factors: tuple[str, ...]
    covariates: tuple[str, ...]
    full_df: int

    @property
    def parts(self) -> frozenset[str]:
        """Factors and covariates."""
        return frozenset((*self.factors, *self.covariates))

    def is_contained_in(self, other: Term) -> bool:
        """Whether other has the same covariates, and these factors and more."""
        same = set(self.covariates) == set(other.covariates)
        return same and set(self.factors) < set(other.factors)


class FixedTerms:
    """The fixed part of a design, term by term.

    Parameters
    ----------
    design : Design
        The design of the fit.

    Attributes
    ----------
    terms : list of Term
        In the order of the formula, the intercept (no factors, no covariates) included.
    space : TermSpace
        Their columns, one for each level of a factor, in a basis of X.

    Raises
    ------
    NotSupportedError
        If contrasts leave differences between the levels of a factor out of the model: then its
        terms are not what their names say.
    """

    def __init__(self, design: Design) -> None:
        products = meaning_of(parse(design.spec.formula)).fixed.products
        self._parts = _read_parts(design, products)
        self.terms = [self._term(product) for product in products]
        parts = [[self._parts[name] for name in product] for product in products]
        widths = [prod(part.width for part in product) for product in parts]
        within = [[s.is_contained_in(t) for t in self.terms] for s in self.terms]
        self.space: TermSpace
        self.space, gaps = term_space(
            design.matrices.X,
            partial(_columns, parts, design.matrices.n_rows),
            np.repeat(np.arange(len(products)), widths),
            np.array(within, dtype=bool).reshape(len(products), len(products)),
            products.index(()) if () in products else None,
        )
        if (gaps > _OUTSIDE).any():
            term = self.terms[int(self.space.term[int(gaps.argmax())])]
            raise NotSupportedError(_LEFT_OUT.format(term.name))

    def _term(self, product: Sequence[str]) -> Term:
        factors = tuple(name for name in product if self._parts[name].codes is not None)
        covariates = tuple(name for name in product if self._parts[name].codes is None)
        df = prod(
            part.width - (part.codes is not None)
            for part in (self._parts[name] for name in product)
        )
        return Term(":".join(product), factors, covariates, df)

    def indices(self) -> list[int]:
        """Positions of the terms that can be tested: all but the intercept."""
        return [i for i, term in enumerate(self.terms) if term.parts]

    def droppable(self) -> list[int]:
        """Positions of the terms whose parts are not all in a larger term."""
        return [
            i
            for i in self.indices()
            if not any(self.terms[i].parts < other.parts for other in self.terms)
        ]

    @cached_property
    def _df(self) -> list[int]:
        """Degrees of freedom of every term."""
        return [len(self.space.equal_weights(i)) for i in range(len(self.terms))]

    def hypothesis(self, i: int, kind: AnovaType) -> Float:
        """Hypothesis of term i, L of shape (df, p)."""
        make = {
            1: self.space.sequential,
            2: self.space.by_containment,
            3: self.space.equal_weights,
        }
        return make[kind](i)

    def words(self, i: int, kind: AnovaType, df: int) -> str:
        """Say what is tested by a hypothesis with ``df`` degrees of freedom."""
        term = self.terms[i]
        if df == 0:
            return "nothing: the data do not tell this term from others"
        text = self._claim(term, df)
        if kind == 1:
            before = [other.name for other in self.terms[:i] if other.parts]
            text += f", after {', '.join(before)}" if before else ""
        elif kind == 2:
            larger = [t.name for t in self.terms if term.is_contained_in(t)]
            text += f", {' and '.join(larger)} ignored" if larger else ""
            text += self._held(term)
        else:
            text += self._weights(term) + self._held(term)
        if df < term.full_df:
            text += f" (estimable part: {df} of {term.full_df} df)"
        return text

    def _claim(self, term: Term, df: int) -> str:
        """The hypothesis, without what else there is in the model."""
        x = " and ".join(term.covariates)
        line = len(term.covariates) == 1 and self._parts[term.covariates[0]].width == 1
        if not term.factors:
            if len(term.covariates) > 1:
                return f"no interaction of {x}"
            return f"zero {'slope' if line else 'coefficients'} of {x}"
        what = f"{'slopes' if line else 'coefficients'} of {x}" if x else "means"
        if df > term.full_df:
            return self._claim_of_cells(term, what, df)
        if len(term.factors) == 1:
            return f"equal {what} {'across' if x else 'of'} {term.factors[0]}"
        names = " and ".join(term.factors)
        return f"no interaction of {names}" + (f" in the {what}" if x else "")

    def _claim_of_cells(self, term: Term, what: str, df: int) -> str:
        """The hypothesis of a term that stands for lower ones, too, which the model lacks."""
        cells = " by ".join(term.factors)
        if df == prod(self._parts[name].width for name in term.parts):
            return f"zero {what} in all levels of {cells}"
        lower = [t for t in self.terms if t.factors and t.is_contained_in(term)]
        if not lower:
            return f"equal {what} in all levels of {cells}"
        known = {name for t in lower for name in t.factors}
        rest = " by ".join(name for name in term.factors if name not in known) or cells
        names = " and ".join(t.name for t in lower)
        return (
            f"equal {what} {'across' if term.covariates else 'of'} {rest} within levels of {names}"
        )

    def _weights(self, term: Term) -> str:
        """Over which factors a type III hypothesis averages."""
        larger = [t for t in self.terms if term.is_contained_in(t)]
        empty = [t.name for t in larger if self._df[self.terms.index(t)] < t.full_df]
        if empty:
            return f", as far as estimable: cells of {' and '.join(empty)} are empty"
        averaged = dict.fromkeys(f for t in larger for f in t.factors if f not in term.factors)
        if not averaged:
            return ""
        return f", levels of {' and '.join(averaged)} weighted equally"

    def _held(self, term: Term) -> str:
        """At which value of covariates a type III hypothesis stands."""
        larger = [t for t in self.terms if term.parts < t.parts]
        held = dict.fromkeys(x for t in larger for x in t.covariates if x not in term.covariates)
        return f", at {' and '.join(f'{x} = 0' for x in held)}" if held else ""


def _columns(products: Sequence[Sequence[Part]], n_rows: int, rows: slice) -> Float:
    """Columns of all products for some rows."""
    n = len(range(*rows.indices(n_rows)))
    blocks = [np.empty((n, 0))]
    for parts in products:
        block = np.ones((n, 1))
        for part in parts:
            block = (block[:, :, None] * part.columns(rows)[:, None, :]).reshape(n, -1)
        blocks.append(block)
    return np.hstack(blocks)


def _read_parts(design: Design, products: Sequence[Sequence[str]]) -> dict[str, Part]:
    """Every factor of the products, read from the rows used."""
    names = dict.fromkeys(name for product in products for name in product)
    variables = {n: p.variable for n, p in ReferenceGrid(design).predictors.items()}
    frame = ModelFrame(design.matrices.n_rows, variables, design.rows)
    return {name: _read_part(name, frame, design) for name in names}


def _read_part(name: str, frame: ModelFrame, design: Design) -> Part:
    if name not in frame.variables:
        return _read_expression(name, frame, design)
    variable = frame.variables[name]
    if variable.kind == "numeric":
        assert variable.values is not None
        return Part(None, 1, variable.values[:, None])
    assert variable.codes is not None
    return Part(variable.codes.astype(np.intp), len(variable.levels))


def _read_expression(name: str, frame: ModelFrame, design: Design) -> Part:
    """Columns of an expression: one for each level, if it is a factor."""
    from multilevel.design.encoder import FormulaicEncoder, Scope, fit_encoder

    fixed = design.spec.encoders.fixed
    scope = fixed.scope if isinstance(fixed, FormulaicEncoder) else Scope({}, {})
    terms = parse_terms(f"0 + {name}")
    columns = columns_of(terms, frame.variables, scope.context)
    encoder, values = fit_encoder(terms, columns, frame, scope)
    kinds: Mapping[str, tuple[object, Mapping[str, Any]]] = encoder.spec.encoder_state
    kind, state = kinds[terms.products[0][0]]
    if getattr(kind, "value", None) == "categorical":
        return _levels_of(name, values, state["contrasts"])
    return Part(None, values.shape[1], values)


def _levels_of(name: str, values: Float, contrasts: Any) -> Part:
    """Level of every row, read from the columns that code it: contrasts, or one for each."""
    coding = np.asarray(contrasts.get_coding_matrix(reduced_rank=False), dtype=np.float64)
    if len(np.unique(coding, axis=0)) < len(coding):
        raise NotSupportedError(_LEFT_OUT.format(name))
    distances = np.stack([np.abs(values - row).sum(axis=1) for row in coding])
    return Part(distances.argmin(axis=0), len(coding))
