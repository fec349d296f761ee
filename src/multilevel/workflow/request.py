"""What the user asks for, read and checked against the columns of the data."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from multilevel.exceptions import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.frames.table import Table

__all__ = ["MAXIMAL", "Request", "read_request", "slope_of"]

_ROWS = "rows"
MAXIMAL = "maximal"
"""What ``random=`` says for all slopes that the design allows."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to analyse.

    Attributes
    ----------
    outcome : str
        Column of the outcome.
    groups : tuple of str
        Grouping factors as they were given: ``"school"``, ``"school/class"`` (nested),
        ``"pupil + item"`` (crossed).
    level1, level2 : tuple of str
        Predictors that are expected to vary between rows, and between groups.
    random : tuple of str, or None
        Predictors with random slopes, ``"ses"`` or ``"ses | school"``; ``("maximal",)`` for all
        that the design allows; None leaves that to the tests.
    time : str or None
        Column of time, for growth models.
    interactions : tuple of (str, str), or None
        Products of predictors; None leaves them to the rules.
    select : str or None
        The model to interpret, by its name in the ladder; None leaves that to the rules.
    weights : str or None
        Column of prior weights.
    units : mapping of str to str
        Units of columns, for sentences.
    """

    outcome: str
    groups: tuple[str, ...]
    level1: tuple[str, ...] = ()
    level2: tuple[str, ...] = ()
    random: tuple[str, ...] | None = None
    time: str | None = None
    interactions: tuple[tuple[str, str], ...] | None = None
    select: str | None = None
    weights: str | None = None
    units: Mapping[str, str] = field(default_factory=dict)

    def unit(self, name: str) -> str:
        """The unit of a column; empty if nobody said it."""
        return self.units.get(name, "")

    @property
    def predictors(self) -> tuple[str, ...]:
        """All predictors, the time first."""
        time = () if self.time is None else (self.time,)
        return tuple(dict.fromkeys((*time, *self.level1, *self.level2)))


def read_request(
    table: Table,
    outcome: str,
    groups: str | Sequence[str],
    *,
    level1: str | Sequence[str] = (),
    level2: str | Sequence[str] = (),
    random: str | Sequence[str] | None = None,
    time: str | None = None,
    interactions: Iterable[str | tuple[str, str]] | None = None,
    select: str | None = None,
    weights: str | None = None,
    units: Mapping[str, str] | None = None,
) -> Request:
    """Read the arguments of :func:`multilevel.analyze`.

    Raises
    ------
    DataError
        For columns that do not exist or are given two parts to play, and products and slopes of
        what is no predictor.
    """
    for argument, name in (("outcome", outcome), ("time", time), ("weights", weights)):
        if not isinstance(name, str) and (name is not None or argument == "outcome"):
            raise DataError(f"{argument} must be the name of a column; got {reprlib.repr(name)}.")
    if not isinstance(units or {}, Mapping):
        raise DataError(f'units must be a dict such as {{"Days": "day"}}; got {units!r}.')
    products = [interactions] if isinstance(interactions, str) else interactions
    request = Request(
        outcome=outcome,
        groups=_names("groups", groups),
        level1=_names("level1", level1),
        level2=_names("level2", level2),
        random=None if random is None else _names("random", random),
        time=time,
        interactions=None if products is None else tuple(map(_pair, products)),
        select=select,
        weights=weights,
        units=dict(units or {}),
    )
    if not request.groups:
        raise DataError(
            'groups is empty: name the column that says which group a row is in, "school".'
        )
    for name in (outcome, *request.predictors, *((weights,) if weights else ())):
        table.column(name)
    _check_names(request)
    _check_units(request)
    _check_parts(request)
    return request


def _names(argument: str, given: str | Sequence[str]) -> tuple[str, ...]:
    given = [given] if isinstance(given, str) or not isinstance(given, Iterable) else given
    names = tuple(given)
    if not all(isinstance(name, str) and name for name in names):
        raise DataError(
            f"{argument} must be the name of a column or a list of names; got {given!r}."
        )
    return tuple(dict.fromkeys(names))


def _pair(product: str | tuple[str, str]) -> tuple[str, str]:
    """``"ses:sector"``, ``"ses * sector"`` or a pair of names."""
    parts = product if not isinstance(product, str) else product.replace("*", ":").split(":")
    names = tuple(part.strip() for part in parts)
    if len(names) != 2 or not all(names):
        raise DataError(f'interactions: {product!r} is no product of two; write "ses:sector".')
    if names[0] == names[1]:
        raise DataError(f"interactions: {product!r} is a predictor with itself; name two.")
    return names[0], names[1]


def slope_of(text: str) -> tuple[str, str]:
    """Predictor and group of a random slope: ``"ses | school"``; no group in ``"ses"``."""
    name, _, group = (part.strip() for part in text.rpartition("|"))
    return (name, group) if name else (text.strip(), "")


def _check_names(request: Request) -> None:
    """Names must fit into formulas and beside the words of results."""
    grouping = [part for text in request.groups for part in _columns_of(text)]
    if not all(grouping):
        raise DataError(
            f"groups: a name is missing beside / or + in {', '.join(map(repr, request.groups))}."
        )
    for name in (request.outcome, *grouping, *request.predictors):
        if "`" in name:
            raise DataError(
                f"The name of column {name!r} has a backquote, which formulas put around names; "
                "rename the column."
            )
    if _ROWS in grouping:
        raise DataError(
            f"A grouping factor cannot be called {_ROWS!r}: results call the lowest level so; "
            "rename the column."
        )


def _check_units(request: Request) -> None:
    """Units are words, of the outcome and of predictors."""
    for name, unit in request.units.items():
        if name not in (request.outcome, *request.predictors):
            raise DataError(f"units: {name!r} is neither the outcome nor a predictor.")
        if not isinstance(unit, str) or not unit.strip():
            raise DataError(f'units: that of {name!r} must be a word, such as "ms"; got {unit!r}.')


def _check_parts(request: Request) -> None:
    """No column may play two parts."""
    both = [name for name in request.level1 if name in request.level2]
    if both:
        raise DataError(f"{both[0]!r} is in level1 and in level2; name it once.")
    grouping = {part for text in request.groups for part in _columns_of(text)}
    for name in request.predictors:
        if name == request.outcome:
            raise DataError(f"{name!r} is the outcome and cannot be a predictor, too.")
    if request.outcome == request.weights:
        raise DataError(f"{request.outcome!r} is the outcome and cannot be the weights, too.")
    if request.outcome in grouping:
        raise DataError(f"{request.outcome!r} is the outcome and cannot be a grouping factor, too.")
    known = set(request.predictors)
    random = () if request.random == (MAXIMAL,) else request.random or ()
    wanted = [("random", text if text in known else slope_of(text)[0]) for text in random]
    wanted += [("interactions", name) for pair in request.interactions or () for name in pair]
    for argument, name in wanted:
        if argument == "random" and name not in known and re.search(r"[(+*]|^[01]$", name):
            raise DataError(
                f'random: {name!r} is a part of a formula; name predictors, such as ["ses"] or '
                '"ses | school". Intercepts are always there; [] is for no random slopes.'
            )
        if name not in known:
            raise DataError(
                f"{argument}: {name!r} is no predictor of this analysis; put it in level1 or "
                "level2."
            )


def _columns_of(text: str) -> list[str]:
    return [part.strip() for piece in text.split("+") for part in piece.split("/")]
