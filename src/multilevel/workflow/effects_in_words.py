"""Fixed effects as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.frames.table import Table
from multilevel.report.document import Note, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import code, listing, measured, number

if TYPE_CHECKING:
    from multilevel.workflow.coefficients import Coefficient, Piece
    from multilevel.workflow.hierarchy import Factor
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.study import Study

__all__ = ["effect_sentences", "intercept_part", "where_zero"]

# Shares of a group are compared ten percentage points apart: none to all is no comparison made.
_SHARE_STEP = 0.1


def effect_sentences(study: Study, coefficients: tuple[Coefficient, ...]) -> tuple[str, ...]:
    """A sentence for every coefficient but the intercept."""
    words = _Words(study, coefficients)
    return tuple(words.sentence(one) for one in coefficients if one.pieces)


def intercept_part(study: Study, coefficients: tuple[Coefficient, ...]) -> Part:
    """The intercept in a sentence that says where it is."""
    found = next((one for one in coefficients if one.name == "Intercept"), None)
    if found is None:
        return Part()
    pieces = [one.pieces[0] for one in coefficients if len(one.pieces) == 1]
    zeros = dict.fromkeys(where_zero(piece, study) for piece in pieces if piece.role != "square")
    where = f"where {listing(list(zeros), 12)}" if zeros else "over the groups"
    low, high = (measured(x, found.std_error) for x in (found.conf_low, found.conf_high))
    text = (
        f"The intercept, {measured(found.estimate, found.std_error)} (95% interval {low} to "
        f"{high}), is the mean of {code(study.outcome)} {where}."
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


def where_zero(piece: Piece, study: Study) -> str:
    """What the value 0 of a column stands for."""
    predictor = piece.predictor
    name = code(predictor.name)
    if piece.role == "category":
        return f"{name} is {code(predictor.labels[0])}"
    if piece.role == "mean":
        what = _share_of(predictor) if predictor.kind == "binary" else f"the mean of {name}"
        return f"{what} in the {_group(piece.factor)} is average"
    match predictor.centring:
        case "within":
            return f"{name} is at the mean of its {_group(study.hierarchy.innermost)}"
        case "grand" | "start":
            return f"{name} is {number(predictor.origin)}"
    return f"{name} is 0"


class _Words:
    """Sentences of one model."""

    def __init__(self, study: Study, coefficients: tuple[Coefficient, ...]) -> None:
        self._study = study
        self._all = coefficients
        self._y = code(study.outcome)

    def sentence(self, one: Coefficient) -> str:
        """One coefficient in words."""
        if len(one.pieces) > 1:
            return self._product(one)
        piece = one.pieces[0]
        if piece.role == "square":
            return self._square(one)
        condition = self._condition(piece)
        text = self._difference(one, piece)
        if condition:
            text = f"Where {condition}: {text[0].lower()}{text[1:]}"
        return text

    def _difference(self, one: Coefficient, piece: Piece) -> str:
        predictor = piece.predictor
        if predictor.stated == "time":
            return self._over_time(one, piece)
        if piece.role == "mean":
            return self._mean(one, piece)
        who, place = self._who(predictor)
        if piece.role == "category":
            start = f"{who} with {code(predictor.name)} {code(piece.label)} have"
            end = f" than {who.lower()} with {code(predictor.labels[0])}{place}"
        else:
            start = f"{who} with {code(predictor.name)} one higher have"
            end = f" than others{place}" if place else ""
        return f"{start} {self._points(one)} on average{end} {_certainty(one)}"

    def _who(self, predictor: Predictor) -> tuple[str, str]:
        """Whose outcomes are compared, and where."""
        if predictor.factor is not None:
            return _capital(the_groups(predictor.factor.label)), ""
        if predictor.centring in ("within", "share"):
            return "Rows", f" of the same {_group(self._study.hierarchy.innermost)}"
        return "Rows", ""

    def _mean(self, one: Coefficient, piece: Piece) -> str:
        predictor, group = piece.predictor, _group(piece.factor)
        many = _capital(the_groups(piece.factor.label)) if piece.factor else "Groups"
        name = code(predictor.name)
        if predictor.kind == "binary":
            step = _SHARE_STEP
            return (
                f"Of rows with the same {name}, those in a {group} where {_share_of(predictor)} is "
                f"10 percentage points higher have {self._points(one, step)} on average "
                f"{_certainty(one, step)}"
            )
        above = self._above(piece)
        return (
            f"{many}{above} whose mean of {name} is one higher have a mean of {self._y} "
            f"{_size(one)} on average {_certainty(one)}"
        )

    def _above(self, piece: Piece) -> str:
        """``of the same school`` for the means of classes."""
        factor = piece.factor
        if factor is None or factor.parent is None:
            return ""
        return f" of the same {_group(self._study.hierarchy.factors[factor.parent])}"

    def _over_time(self, one: Coefficient, piece: Piece) -> str:
        name = code(piece.predictor.name)
        rises = "rises" if one.estimate >= 0.0 else "falls"
        bent = any(c.pieces and c.pieces[0].role == "square" for c in self._all)
        at = f" at the point where {where_zero(piece, self._study)}" if bent else ""
        return (
            f"With each unit of {name}, {self._y} {rises} by {_amount(one)} points on "
            f"average{at} {_certainty(one)}"
        )

    def _square(self, one: Coefficient) -> str:
        name = code(one.pieces[0].predictor.name)
        up = one.estimate >= 0.0
        return (
            f"The slope of {name} itself becomes {_amount(one, 2.0)} points "
            f"{'higher' if up else 'lower'} with each unit: the curve bends "
            f"{'upwards' if up else 'downwards'} {_certainty(one, 2.0)}"
        )

    def _product(self, one: Coefficient) -> str:
        """The focal piece varies within groups if one does, and over time before all others."""
        pieces = sorted(one.pieces, key=lambda p: (p.predictor.stated != "time", p.level))
        focal, *others = pieces
        among = listing([self._per(piece) for piece in others])
        return f"{_capital(self._slope(focal))} is {_size(one)} {among} {_certainty(one)}"

    def _slope(self, piece: Piece) -> str:
        name = code(piece.predictor.name)
        if piece.role == "category":
            return (
                f"the difference of {self._y} between {name} {code(piece.label)} and "
                f"{code(piece.predictor.labels[0])}"
            )
        if piece.role == "square":
            return f"the curvature over {name}"
        if piece.role == "mean":
            return f"the slope of the {_group(piece.factor)} mean of {name}"
        where = ""
        if piece.predictor.centring == "within":
            where = f" within {the_groups(self._study.hierarchy.innermost.label)}"
        return f"the slope of {name}{where}"

    def _per(self, piece: Piece) -> str:
        """Against what a slope is compared."""
        predictor = piece.predictor
        name = code(predictor.name)
        if piece.role == "category":
            return (
                f"where {name} is {code(piece.label)} than where it is {code(predictor.labels[0])}"
            )
        if piece.role == "mean":
            what = _share_of(predictor) if predictor.kind == "binary" else f"the mean of {name}"
            step = "all instead of none" if predictor.kind == "binary" else "one higher"
            return f"where {what} in the {_group(piece.factor)} is {step}"
        return f"where {name} is one higher"

    def _condition(self, piece: Piece) -> str:
        """What the partners of a coefficient in products are held at: their zero."""
        found: dict[str, None] = {}
        for other in self._all:
            if len(other.pieces) < 2 or not any(_same(piece, part) for part in other.pieces):
                continue
            for part in other.pieces:
                if not _same(piece, part):
                    found[where_zero(part, self._study)] = None
        return listing(list(found))

    def _points(self, one: Coefficient, step: float = 1.0) -> str:
        return f"{self._y} {_size(one, step)}"


def _amount(one: Coefficient, step: float = 1.0) -> str:
    return measured(abs(one.estimate) * step, one.std_error * step)


def _size(one: Coefficient, step: float = 1.0) -> str:
    return f"{_amount(one, step)} points {'higher' if one.estimate >= 0.0 else 'lower'}"


def _certainty(one: Coefficient, step: float = 1.0) -> str:
    """The interval, in the direction of the sentence; both directions if it includes 0."""
    low, high = (
        measured(abs(bound) * step, one.std_error * step) for bound in (one.conf_low, one.conf_high)
    )
    if one.clear:
        first, last = (low, high) if one.estimate >= 0.0 else (high, low)
        return f"(95% interval {first} to {last})."
    return f"(95% interval from −{low} to {high}, which leaves the direction open)."


def _same(first: Piece, second: Piece) -> bool:
    return (
        (first.predictor is second.predictor)
        and first.role == second.role
        and (first.factor is second.factor)
    )


def _group(factor: Factor | None) -> str:
    return "group" if factor is None else a_group(factor.label)


def _share_of(predictor: Predictor) -> str:
    of = (
        code(predictor.labels[1])
        if predictor.labels
        else f"the higher value of {code(predictor.name)}"
    )
    return f"the share of {of}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
