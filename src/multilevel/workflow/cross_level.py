"""Cross-level interactions: whether slopes go with predictors of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multilevel.workflow.climb import ALPHA, said
from multilevel.workflow.possible_slopes import hidden_slopes
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from multilevel.workflow.climb import Climb
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.rung import Test

__all__ = ["ASKED", "interactions"]

ASKED = "the question names them: they stay whatever their tests say"
_MOST = 12


@dataclass(frozen=True, eq=False)
class _Product:
    """A predictor times one of a level above."""

    inner: Predictor
    outer: Predictor

    @property
    def term(self) -> str:
        return f"{self.inner.term}:{self.outer.term}"

    @property
    def label(self) -> str:
        return f"{self.inner.name}:{self.outer.name}"

    @property
    def shown(self) -> str:
        return code(f"{self.inner.own}:{self.outer.own}")


def interactions(climb: Climb) -> None:
    """Add the interactions that the user asks for, or those that tests support."""
    study, asked = climb.study, climb.study.request.interactions
    if asked is not None:
        named = [(study.predictor(a), study.predictor(b)) for a, b in asked]
        ordered = [(a, b) if a.level <= b.level else (b, a) for a, b in named]
        _add(climb, [_Product(a, b) for a, b in ordered])
    else:
        _search(climb, _possible(climb))


def _possible(climb: Climb) -> list[_Product]:
    """Time, and predictors with random slopes or hidden ones, times those of levels above."""
    study = climb.study
    slopes = [one.predictor for one in (*climb.random.slopes, *hidden_slopes(study))]
    inner = dict.fromkeys(([study.time] if study.time is not None else []) + slopes)
    found = [_Product(a, b) for a in inner for b in study.at_level(2) if b.level > a.level]
    if len(found) > _MOST:
        climb.note(
            "BUILD-FORKING",
            f"Only the first {_MOST} of {len(found)} possible cross-level interactions were "
            "tried; name those that matter in interactions=.",
            "warning",
        )
    return found[:_MOST]


def _add(climb: Climb, products: list[_Product]) -> None:
    """Interactions that the question names; those that cannot be fitted are told and left out."""
    good = [one for one in products if _try(climb, one, [], "in the model, as asked")[1]]
    if good:
        shown = listing([one.shown for one in good])
        climb.add_fixed(f"interactions: {shown}", [one.term for one in good], ASKED)


def _search(climb: Climb, products: list[_Product]) -> None:
    """Add interactions one by one, the clearest first, while tests support them."""
    kept: list[_Product] = []
    while products:
        found: list[tuple[float, float, int]] = []
        for i, one in enumerate(products):
            test, _ = _try(climb, one, kept)
            if test is not None and test.p_value < ALPHA:
                found.append((test.p_value, -test.statistic, i))
        if not found:
            break
        best = products[min(found)[2]]
        kept.append(best)
        products = [products[i] for *_, i in found if products[i] is not best]
    if kept:
        shown = listing([one.shown for one in kept])
        many = len(kept) > 1
        climb.add_fixed(
            f"interaction{'s' if many else ''}: {shown}",
            [one.term for one in kept],
            "by their tests" if many else "by its test",
        )


def _try(
    climb: Climb, one: _Product, kept: list[_Product], verdict: str = ""
) -> tuple[Test | None, bool]:
    """A model with one interaction more, written down with its test."""
    small = climb.fitted([each.term for each in kept])
    fitted = climb.fitted([*(each.term for each in kept), one.term])
    labels = [each.label for each in kept]
    test = climb.test_fixed(fitted, climb.trial_name("+".join(labels)) if kept else "", small)
    clear = test is not None and test.p_value < ALPHA
    verdict = verdict or ("clear" if clear else "left out: not clear")
    beside = f", beside {listing([code(label) for label in labels])}" if labels else ""
    question = f"Do slopes of {code(one.inner.name)} go with {code(one.outer.name)}{beside}?"
    climb.decide("BUILD-CROSSLEVEL", question, test, verdict, "Snijders & Bosker (2012)")
    title = f"interaction {code(one.label)}{beside}"
    climb.trial("+".join([*labels, one.label]), title, fitted, test, said(test, verdict))
    return test, fitted.fit is not None
