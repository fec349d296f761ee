"""The ladder of models on the way: what is in the model so far, what was tried, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Decision, Note
from multilevel.workflow.random_part import RandomPart
from multilevel.workflow.rung import Ladder, Rung
from multilevel.workflow.rung_tests import fixed_test, random_test
from multilevel.workflow.words import code, listing, p_text

if TYPE_CHECKING:
    from multilevel.report.document import Severity
    from multilevel.workflow.fitting import Fitted
    from multilevel.workflow.rung import Test
    from multilevel.workflow.study import Study

__all__ = ["ALPHA", "Climb", "said"]

ALPHA = 0.05


class Climb:
    """Models from simple to complex: some stay, others are tried beside.

    Parameters
    ----------
    study : Study
        The question and the data.

    Attributes
    ----------
    fixed : list of str
        Terms of the fixed part so far.
    random : RandomPart
        The random part so far.
    """

    def __init__(self, study: Study) -> None:
        self.study = study
        self.fixed: list[str] = []
        self.random = RandomPart(study.hierarchy)
        self._rungs: list[Rung] = []
        self._decisions: list[Decision] = []
        self._notes: list[Note] = []
        self._number = 0

    @property
    def ladder(self) -> Ladder:
        """All models so far."""
        return Ladder(tuple(self._rungs), tuple(self._decisions), tuple(self._notes))

    @property
    def current(self) -> Rung | None:
        """The last model that stays."""
        return next((rung for rung in reversed(self._rungs) if rung.kept), None)

    def fitted(self, new: list[str] | None = None, random: RandomPart | None = None) -> Fitted:
        """The model so far with further fixed terms, or with another random part."""
        part = self.random if random is None else random
        return self.study.fitter(self.study.formula([*self.fixed, *(new or [])], part.formula))

    def test_fixed(
        self, fitted: Fitted, name: str = "", against: Fitted | None = None
    ) -> Test | None:
        """A model with more fixed effects against the one so far, or against another."""
        before = self.current
        if not name and before is not None:
            name, against = before.name, self.fitted()
        if against is None or against.fit is None or fitted.fit is None:
            return None
        return fixed_test(name, against.fit, fitted.fit)

    def test_random(self, fitted: Fitted, name: str, against: Fitted) -> Test | None:
        """A model with more random effects against another."""
        if against.fit is None or fitted.fit is None:
            return None
        return random_test(name, against.fit, fitted.fit)

    def add_fixed(self, title: str, new: list[str], reason: str) -> None:
        """A model with further fixed terms, which stays."""
        fitted = self.fitted(new)
        copies = _dropped(fitted, new)
        if copies:
            new = [term for term in new if term not in copies]
            shown = listing([code(term) for term in copies])
            one = len(copies) == 1
            self.note(
                "BUILD-RANK",
                f"{shown} {'says' if one else 'say'} nothing that the other predictors do not "
                f"say already (a constant, or a combination of them), and "
                f"{'is' if one else 'are'} left out of all models.",
            )
            fitted = self.fitted(new)
        good = fitted.fit is not None
        if not good:
            reason = "it could not be fitted, and the ladder goes on without it"
        self._append(title, fitted, good, reason, self.test_fixed(fitted))
        if good:
            self.fixed = [*self.fixed, *new]

    def add_random(self, title: str, random: RandomPart, reason: str) -> None:
        """A model with another random part, which stays."""
        fitted = self.fitted(random=random)
        before = self.current
        test = None
        if before is not None:
            test = self.test_random(fitted, before.name, self.fitted())
        self._append(title, fitted, True, reason, test)
        self.random = random

    def _append(
        self, title: str, fitted: Fitted, kept: bool, reason: str, test: Test | None
    ) -> None:
        name = f"M{self._number}"
        self._number += 1
        self._rungs.append(
            Rung(name, title, fitted.formula, fitted.fit, kept, reason, test, fitted.notes)
        )

    def trial_name(self, label: str) -> str:
        """Name of a model that is tried before the next that stays."""
        return f"M{self._number}:{label}"

    def trial(self, label: str, title: str, fitted: Fitted, test: Test | None, reason: str) -> None:
        """A model that was tried beside the ladder."""
        name = self.trial_name(label)
        if all(rung.name != name for rung in self._rungs):
            self._rungs.append(
                Rung(name, title, fitted.formula, fitted.fit, False, reason, test, fitted.notes)
            )

    def decide(
        self,
        rule: str,
        question: str,
        test: Test | None,
        verdict: str,
        source: str,
        alpha: float = ALPHA,
    ) -> None:
        """Write down a rule that was decided by a test."""
        value = "no test" if test is None else p_text(test.p_value)
        threshold = f"p < {alpha:.2f}".replace("0.", ".")
        self._decisions.append(Decision(rule, question, value, threshold, verdict, source))

    def note(self, rule: str, text: str, severity: Severity = "info") -> None:
        """Write down what the reader should know."""
        note = Note(rule, text, severity)
        if note not in self._notes:
            self._notes.append(note)


def _dropped(fitted: Fitted, terms: list[str]) -> list[str]:
    """Terms of which nothing could be estimated, because other columns say the same."""
    fit = fitted.fit
    if fit is None:
        return []
    gone = {name for name, b in zip(fit.coef_names, fit.beta, strict=True) if not np.isfinite(b)}
    found = []
    for term in terms:
        name = term.strip("`")
        own = [one for one in fit.coef_names if one == name or one.startswith(f"{name}[T.")]
        if own and gone.issuperset(own):
            found.append(term)
    return found


def said(test: Test | None, verdict: str) -> str:
    """A verdict with its numbers."""
    return f"{verdict}; {'there is no test' if test is None else test.shown}"
