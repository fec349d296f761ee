"""Fixed effects as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.frames.table import Table
from multilevel.report.document import Note, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import (
    conditions,
    group_of,
    groups_of_means,
    share_of,
    two_values,
    where_zero,
)
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, indefinite, listing, measured, number, with_unit

if TYPE_CHECKING:
    from multilevel.workflow.coefficients import Coefficient, Piece
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["effect_sentences", "intercept_part"]

# Shares of a group are compared ten percentage points apart: none to all is no comparison made.
_SHARE_STEP = 0.1


def effect_sentences(study: Study, coefficients: tuple[Coefficient, ...]) -> dict[str, str]:
    """A sentence for every coefficient but the intercept, by its name."""
    words = _Words(study, coefficients)
    return {one.name: words.sentence(one) for one in coefficients if one.is_slope}


def intercept_part(study: Study, coefficients: tuple[Coefficient, ...]) -> Part:
    """The intercept in a sentence that says where it is."""
    found = next((one for one in coefficients if one.name == "Intercept"), None)
    if found is None:
        return Part()
    pieces = [one.pieces[0] for one in coefficients if len(one.pieces) == 1]
    zeros = dict.fromkeys(where_zero(piece, study) for piece in pieces if piece.role != "square")
    where = f"where {listing(list(zeros), 12)}" if zeros else "in the average group"
    low, high = (measured(x, found.std_error) for x in (found.conf_low, found.conf_high))
    value = measured(found.estimate, found.std_error)
    text = (
        f"The intercept, {with_unit(value, study.request.unit(study.outcome))} (95% interval {low} "
        f"to {high}), is the mean of {code(study.outcome)} {where}."
    )
    return Part((Paragraph(text),), (), _outside(study, pieces))


def _outside(study: Study, pieces: list[Piece]) -> tuple[Note, ...]:
    """Numbers that stay as they are, and are never 0."""
    table = Table.from_data(study.data)
    names = []
    for piece in pieces:
        one = piece.predictor
        if piece.role == "own" and one.kind != "categorical" and not one.labels:
            x = table.column(one.own).values
            if x.min() > 0.0 or x.max() < 0.0:
                names.append(f"{code(one.name)} ({number(x.min())} to {number(x.max())})")
    if not names:
        return ()
    text = f"0 lies outside the data of {listing(names)}: the intercept is no value that occurs."
    return (Note("I-INTERCEPTZERO", text, "info"),)


class _Words:
    """Sentences of one model."""

    def __init__(self, study: Study, coefficients: tuple[Coefficient, ...]) -> None:
        self._study = study
        self._all = coefficients
        self._y = code(study.outcome)

    def sentence(self, one: Coefficient) -> str:
        """One coefficient in words."""
        if not one.pieces:
            value = measured(one.estimate, one.std_error)
            return f"The coefficient of {code(one.name)} is {value} {_certainty(one)}"
        if len(one.pieces) > 1:
            return self._product(one)
        piece = one.pieces[0]
        if piece.role == "square":
            return self._square(one)
        held = conditions(piece, self._all, self._study)
        text = self._difference(one, piece)
        return f"Where {held}: {text[0].lower()}{text[1:]}" if held else text

    def _difference(self, one: Coefficient, piece: Piece) -> str:
        predictor = piece.predictor
        if predictor.stated == "time":
            return self._over_time(one, piece)
        if piece.role == "mean":
            return self._mean(one, piece)
        who, place = self._who(predictor)
        step, name = 1.0, code(predictor.name)
        values = two_values(predictor, self._study)
        if piece.role == "category":
            start = f"{who} with {name} {code(piece.label)} have"
            end = f" than {who.lower()} with {code(predictor.labels[0])}{place}"
        elif values is not None:
            step = values[1] - values[0]
            start = f"{who} with {name} = {number(values[1])} have"
            end = f" than {who.lower()} with {name} = {number(values[0])}{place}"
        else:
            start = f"{who} with {name} {self._one(predictor)} higher have"
            end = f" than others{place}" if place else ""
        return f"{start} {self._differs(one, step)} on average{end} {_certainty(one, step)}"

    def _who(self, predictor: Predictor) -> tuple[str, str]:
        """Whose outcomes are compared, and where."""
        if predictor.factor is not None:
            return _capital(the_groups(predictor.factor.label)), ""
        if predictor.centring in ("within", "share"):
            return "Rows", f" of the same {groups_of_means(predictor, self._study)}"
        return "Rows", ""

    def _mean(self, one: Coefficient, piece: Piece) -> str:
        predictor, group = piece.predictor, group_of(piece.factor)
        many = _capital(the_groups(piece.factor.label)) if piece.factor else "Groups"
        name = code(predictor.name)
        if predictor.kind == "binary":
            low, high = two_values(predictor, self._study) or (0.0, 1.0)
            step = _SHARE_STEP * (high - low)
            return (
                f"Of rows with the same {name}, those in {indefinite(group)} where "
                f"{share_of(predictor, self._study)} is 10 percentage points higher have "
                f"{self._differs(one, step)} on average {_certainty(one, step)}"
            )
        return (
            f"{many}{self._above(piece)} whose mean of {name} is {self._one(predictor)} higher "
            f"have a mean of {self._differs(one, 1.0)} on average {_certainty(one)}"
        )

    def _above(self, piece: Piece) -> str:
        """``of the same school`` for the means of classes."""
        factor = piece.factor
        if factor is None or factor.parent is None:
            return ""
        return f" of the same {group_of(self._study.hierarchy.factors[factor.parent])}"

    def _over_time(self, one: Coefficient, piece: Piece) -> str:
        name = code(piece.predictor.name)
        rises = "rises" if one.estimate >= 0.0 else "falls"
        bent = any(c.pieces and c.pieces[0].role == "square" for c in self._all)
        at = f" at the point where {where_zero(piece, self._study)}" if bent else ""
        unit = self._study.request.unit(piece.predictor.name) or "unit"
        return (
            f"With each {unit} of {name}, {self._y} {rises} by {self._amount(one)} on "
            f"average{at} {_certainty(one)}"
        )

    def _square(self, one: Coefficient) -> str:
        predictor = one.pieces[0].predictor
        unit = self._study.request.unit(predictor.name) or "unit"
        bends = "upwards" if one.estimate >= 0.0 else "downwards"
        return (
            f"The slope of {code(predictor.name)} itself becomes {self._size(one, 2.0)} with each "
            f"{unit}: the curve bends {bends} {_certainty(one, 2.0)}"
        )

    def _product(self, one: Coefficient) -> str:
        """The slope of a piece that varies over time or within groups, by the others."""
        pieces = sorted(one.pieces, key=lambda p: (p.predictor.stated != "time", p.level))
        focal, *others = pieces
        steps = [self._per(piece) for piece in others]
        values = two_values(focal.predictor, self._study) if focal.role == "own" else None
        step = 1.0 if values is None else values[1] - values[0]
        for _, size in steps:
            step *= size
        among = listing([text for text, _ in steps])
        what = _capital(self._slope(focal))
        return f"{what} is {self._size(one, step)} {among} {_certainty(one, step)}"

    def _slope(self, piece: Piece) -> str:
        predictor = piece.predictor
        name = code(predictor.name)
        if piece.role == "category":
            return (
                f"the difference of {self._y} between {name} {code(piece.label)} and "
                f"{code(predictor.labels[0])}"
            )
        values = two_values(predictor, self._study)
        if piece.role == "own" and values is not None:
            high, low = map(number, reversed(values))
            return f"the difference of {self._y} between {name} = {high} and {name} = {low}"
        if piece.role == "square":
            return f"the coefficient of {name} squared"
        if piece.role == "mean":
            return f"the slope of the mean of {name} in the {group_of(piece.factor)}"
        where = ""
        if predictor.centring == "within":
            where = f" within {the_groups(self._study.hierarchy.innermost.label)}"
        return f"the slope of {name}{where}"

    def _per(self, piece: Piece) -> tuple[str, float]:
        """Against what a slope is compared, and how many units that is."""
        predictor = piece.predictor
        name = code(predictor.name)
        values = two_values(predictor, self._study)
        if piece.role == "category":
            base = code(predictor.labels[0])
            return f"where {name} is {code(piece.label)} than where it is {base}", 1.0
        if piece.role == "mean" and predictor.kind == "binary":
            low, high = values or (0.0, 1.0)
            what = share_of(predictor, self._study)
            place = f"where {what} in the {group_of(piece.factor)} is 10 percentage points higher"
            return place, _SHARE_STEP * (high - low)
        if piece.role == "mean":
            mean = f"the mean of {name} in the {group_of(piece.factor)}"
            return f"where {mean} is {self._one(predictor)} higher", 1.0
        if values is not None:
            low, high = values
            return f"where {name} is {number(high)} than where it is {number(low)}", high - low
        return f"where {name} is {self._one(predictor)} higher", 1.0

    def _one(self, predictor: Predictor) -> str:
        """One unit of a predictor."""
        unit = self._study.request.unit(predictor.name)
        return with_unit("1", unit) if unit else "one"

    def _differs(self, one: Coefficient, step: float) -> str:
        return f"{self._y} {self._size(one, step)}"

    def _size(self, one: Coefficient, step: float = 1.0) -> str:
        return f"{self._amount(one, step)} {'higher' if one.estimate >= 0.0 else 'lower'}"

    def _amount(self, one: Coefficient, step: float = 1.0) -> str:
        amount = measured(abs(one.estimate) * step, one.std_error * step)
        return with_unit(amount, self._study.request.unit(self._study.outcome))


def _certainty(one: Coefficient, step: float = 1.0) -> str:
    """The interval, in the direction of the sentence; both directions if it includes 0."""
    low, high = (
        measured(abs(bound) * step, one.std_error * step) for bound in (one.conf_low, one.conf_high)
    )
    if one.clear:
        first, last = (low, high) if one.estimate >= 0.0 else (high, low)
        return f"(95% interval {first} to {last})."
    return f"(95% interval from −{low} to {high}, which leaves the direction open)."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
