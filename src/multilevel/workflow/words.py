"""Numbers and names in sentences."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "code",
    "counted",
    "indefinite",
    "listing",
    "measured",
    "number",
    "p_text",
    "percent",
    "plural",
    "with_unit",
]

_MINUS = "−"
# Sums in another order of rows differ by less.
_WHOLE = 1e-9
_IDENTIFIER = re.compile(r"(^|_|\.)?(id|nr|no|num|number|code)$", re.IGNORECASE)
# What is left of these is the name of the unit: school_id, pupilNR, class.code.
_LABEL = re.compile(r"[_. ](?i:id|nr|no|num|number|code)$|(?<=[a-z])(ID|Id|NR|Nr)$")
# Units whose identifiers are written as one word: schoolid.
_ID_OF_UNIT = re.compile(
    r"(school|class|classroom|teacher|child|pupil|student|person|patient|subject|participant|"
    r"respondent|hospital|clinic|doctor|family|household|couple|country|region|district|county|"
    r"state|firm|team|site|item|rater|worker|animal)id",
    re.IGNORECASE,
)
_IRREGULAR = {"child": "children", "person": "persons", "man": "men", "woman": "women"}


def number(x: float, digits: int = 3) -> str:
    """A number with so many significant digits, thousands apart, no exponent where it is readable.

    >>> number(7185.0), number(-0.012345), number(23.456)
    ('7,185', '−0.0123', '23.5')
    """
    if not math.isfinite(x):
        return "not available" if math.isnan(x) else ("∞" if x > 0 else f"{_MINUS}∞")
    if x == 0.0:
        return "0"
    exponent = int(f"{abs(x):.{digits - 1}e}".partition("e")[2])  # of the rounded number
    if exponent < -5 or exponent > 9:
        return f"{x:.{digits - 1}e}".replace("-", _MINUS)
    decimals = max(digits - 1 - exponent, 0)
    if math.isclose(x, round(x), rel_tol=_WHOLE):
        decimals = 0
    return f"{x:,.{decimals}f}".replace("-", _MINUS)


def measured(x: float, error: float) -> str:
    """An estimate with the decimals that its error allows: two digits of the error.

    >>> measured(2.19117, 0.10866), measured(-12.6493, 0.2445), measured(1234.5, 210.0)
    ('2.19', '−12.65', '1,230')
    """
    if not (math.isfinite(x) and math.isfinite(error) and error > 0.0):
        return number(x)
    decimals = 1 - math.floor(math.log10(error))
    rounded = round(x, decimals) + 0.0
    return f"{rounded:,.{max(decimals, 0)}f}".replace("-", _MINUS)


def with_unit(amount: str, unit: str) -> str:
    """An amount and its unit; the amount alone if nobody said the unit.

    >>> with_unit("10.5", "ms"), with_unit("95", "%"), with_unit("10.5", "")
    ('10.5 ms', '95%', '10.5')
    """
    if not unit:
        return amount
    return f"{amount}{unit}" if unit == "%" else f"{amount} {unit}"


def percent(share: float, digits: int = 1) -> str:
    """A share in percent.

    >>> percent(0.18035)
    '18.0%'
    """
    return f"{100.0 * share:.{digits}f}%".replace("-", _MINUS)


def p_text(p: float) -> str:
    """A p value as papers print it: ``p = .032``, ``p < .001``.

    >>> p_text(0.0324), p_text(1e-9)
    ('p = .032', 'p < .001')
    """
    if math.isnan(p):
        return "p not available"
    if p < 0.001:
        return "p < .001"
    return f"p = {p:.3f}".replace("0.", ".", 1) if p < 0.9995 else "p > .999"


def code(name: str) -> str:
    """A name of a column or a formula, marked as such.

    >>> code("`my y` ~ x")
    '`my y ~ x`'
    """
    return f"`{name.replace('`', '')}`"


def indefinite(name: str) -> str:
    """A noun after its article, by its first letters.

    >>> indefinite("school"), indefinite("item"), indefinite("unit"), indefinite("hour")
    ('a school', 'an item', 'a unit', 'an hour')
    """
    vowel = re.match(r"(?!uni|use|eu|one\b)[aeiou]|hour|heir", name, re.IGNORECASE)
    return f"{'an' if vowel else 'a'} {name}"


def plural(name: str) -> str:
    """The English plural of the name of a unit.

    >>> plural("school"), plural("class"), plural("country")
    ('schools', 'classes', 'countries')
    """
    ending = _IRREGULAR.get(name.lower())
    if ending:
        return name[0] + ending[1:]
    if re.search(r"[^aeiou]y$", name, re.IGNORECASE):
        return name[:-1] + "ies"
    if re.search(r"(s|x|z|ch|sh)$", name, re.IGNORECASE):
        return name + "es"
    return name + "s"


def counted(n: int, name: str) -> str:
    """A number of groups, called by the name of their column if that is a word for them.

    >>> counted(160, "school"), counted(1, "school_id"), counted(9, "childid"), counted(82, "id")
    ('160 schools', '1 school', '9 children', '82 groups (`id`)')
    """
    word = _unit(name)
    if not word:
        return f"{n:,} group{'' if n == 1 else 's'} ({code(name)})"
    return f"{n:,} {word if n == 1 else plural(word)}"


def _unit(name: str) -> str:
    """What one group is called: the name of its column, without "id" and the like, if a word."""
    stem = name[:-2] if _ID_OF_UNIT.fullmatch(name) else _LABEL.sub("", name)
    word = re.fullmatch(r"[^\W\d_]{3,}", stem) and re.search("[aeiouyäöü]", stem, re.IGNORECASE)
    return stem if word and not _IDENTIFIER.search(stem) else ""


def listing(words: Sequence[str], most: int = 8, last: str = "and") -> str:
    """Words in a row: ``a, b and c``; the first of many, and how many more there are.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    if len(words) > most:
        return f"{', '.join(words[:most])} {last} {len(words) - most} more"
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
