"""A sum of terms (the fixed part, or what stands left of a bar) as products of factors.

Formulas made of plain names, ``+ - * :`` and ``0``/``1`` are read here; all others by formulaic.
Both readings agree; this one takes microseconds and does not import anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["Terms", "parse_terms"]

Product = tuple[str, ...]

_NAME = r"(?:[^\W\d]\w*(?:\.\w+)*|`[^`]+`)"
_PRODUCT = rf"{_NAME}(?:\s*[*:]\s*{_NAME})*"
_TOKEN = re.compile(rf"{_NAME}|[*:]")
_PIECE = re.compile(rf"\s*([+-]?)\s*({_PRODUCT}|[01])(?=\s*(?:[+-]|$))")


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum of products of factors.

    Attributes
    ----------
    text : str
        As written.
    products : tuple of tuple of str
        One per term, by degree and then in order of appearance; ``()`` is the intercept.
    plain : bool
        Whether every factor is the bare name of a column.
    columns : tuple of str
        Bare names that stand as factors, in order of appearance: they must be columns.
    values : tuple of str
        Names used as values inside expressions (columns, or ``contr.sum``, ``np.pi``).
    calls : tuple of str
        Names used as functions inside expressions.
    """

    text: str
    products: tuple[Product, ...]
    plain: bool
    columns: tuple[str, ...]
    values: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()

    @property
    def intercept(self) -> bool:
        """Whether the first term is the intercept."""
        return self.products[:1] == ((),)

    @property
    def intercept_only(self) -> bool:
        """Whether the only term is the intercept."""
        return self.products == ((),)


@lru_cache(maxsize=1024)
def parse_terms(text: str) -> Terms:
    """Read a sum of terms; an intercept is implied as everywhere in formulas.

    Raises
    ------
    FormulaError
        When it cannot be read.
    """
    products = _parse_plain(text)
    if products is None:
        from multilevel.design.wilkinson import parse_formula

        return parse_formula(text)
    columns = tuple(dict.fromkeys(name for product in products for name in product))
    return Terms(text, products, plain=True, columns=columns)


def _parse_plain(text: str) -> tuple[Product, ...] | None:
    """Products of a sum of plain names in order of degree, or None if there is more in it."""
    terms: dict[frozenset[str], Product] = {frozenset(): ()}
    position = 0
    while position < len(text.rstrip()):
        piece = _PIECE.match(text, position)
        if piece is None or (position > 0 and not piece[1]):
            return None
        position = piece.end()
        sign, body = piece.groups()
        if body == "0" and sign == "-":
            return None
        if body in "01":
            removed = (body == "0") or (sign == "-")
            expanded: list[Product] = [()]
        else:
            removed = sign == "-"
            expanded = _expand(body)
        for product in expanded:
            key = frozenset(product)
            if removed:
                terms.pop(key, None)
            else:
                terms.setdefault(key, product)
    return tuple(sorted(terms.values(), key=len))


def _expand(body: str) -> list[Product]:
    """``a*b:c`` to ``a``, ``b:c``, ``a:b:c``."""
    parts: list[Product] = [()]
    for token in _TOKEN.findall(body):
        if token == "*":
            parts.append(())
        elif token != ":":
            parts[-1] += (token.strip("`"),)
    expanded: list[Product] = []
    for part in parts:
        crossed = [old + part for old in expanded]
        expanded += [part, *crossed]
    return [tuple(dict.fromkeys(product)) for product in expanded]
