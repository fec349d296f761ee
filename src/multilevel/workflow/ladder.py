"""Step 5, the models: from the null model to cross-level interactions (Hox et al. 2018, ch. 4).

Predictors that the user named stay in the model whatever their tests say: they are the question.
Random slopes and cross-level interactions are tried one by one, and kept by the rules stated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.report.document import Decision, Note
from multilevel.workflow.naming import quoted
from multilevel.workflow.rung import Ladder, Rung
from multilevel.workflow.rung_tests import ml_test, reml_test
from multilevel.workflow.words import code, counted, listing, number, p_text

if TYPE_CHECKING:
    from multilevel.workflow.predictors import Predictor
    from multilevel.workflow.rung import Test
    from multilevel.workflow.study import Study

__all__ = ["ALPHA", "climb"]

ALPHA = 0.05
# Slopes are tried by default only with so many groups: below, their variance is hardly known.
_GROUPS_FOR_SLOPES = 10
# Occasions from which a curve of time is tried.
_TIMES_FOR_CURVE = 4
_MOST_INTERACTIONS = 12


def climb(study: Study) -> Ladder:
    """Fit all models of the ladder.

    Parameters
    ----------
    study : Study
        The question and the data.
    """
    steps = _Climb(study)
    steps.add("no predictors: the variance at each level", [], kept="where every analysis begins")
    if study.time is not None:
        steps.change_over_time(study.time)
    steps.predictors()
    steps.slopes()
    steps.interactions()
    tried = len(steps.rungs)
    if tried > 3:
        steps.notes.append(
            Note(
                "BUILD-FORKING",
                f"{tried} models were tried on the same data. P values of what was chosen by tests "
                "(random slopes, cross-level interactions) are smaller than they would be for "
                "a model that was fixed beforehand.",
                "info",
            )
        )
    return Ladder(tuple(steps.rungs), tuple(steps.decisions), tuple(steps.notes))


class _Climb:
    """The ladder on the way: what is kept, and what was tried."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.rungs: list[Rung] = []
        self.decisions: list[Decision] = []
        self.notes: list[Note] = []
        self.fixed: list[str] = []
        self.kept_slopes: list[Predictor] = []
        self.separate = False
        self.number = 0

    @property
    def current(self) -> Rung | None:
        """The last model that was kept."""
        return next((rung for rung in reversed(self.rungs) if rung.kept), None)

    def formula(self, fixed: list[str], slopes: list[Predictor], *, separate: bool = False) -> str:
        """The model with these fixed terms and random slopes in the innermost groups."""
        inside = " + ".join(["1", *(one.term for one in slopes)])
        random = self.study.hierarchy.random(inside)
        if separate:
            inner = ":".join(map(quoted, self.study.hierarchy.innermost.columns))
            random = random.replace(f"({inside} | {inner})", f"({inside} || {inner})")
        return self.study.formula(fixed, random)

    def add(self, title: str, new: list[str], *, kept: str) -> None:
        """A model with further fixed terms, which stays."""
        fixed = [*self.fixed, *new]
        formula = self.formula(fixed, self.kept_slopes, separate=self.separate)
        fitted, before = self.study.fitter(formula), self.current
        test = None
        if fitted.fit is not None and before is not None and before.fit is not None:
            test = ml_test(before.name, before.fit, fitted.fit)
        good = fitted.fit is not None
        reason = kept if good else "it could not be fitted, and the ladder goes on without it"
        self.rungs.append(
            Rung(f"M{self.number}", title, formula, fitted.fit, good, reason, test, fitted.notes)
        )
        self.number += 1
        if good:
            self.fixed = fixed

    def trial(self, label: str, title: str, formula: str, test: Test | None, reason: str) -> None:
        """A model that was tried beside the ladder."""
        fitted = self.study.fitter(formula)
        name = f"M{self.number}:{label}"
        self.rungs.append(Rung(name, title, formula, fitted.fit, False, reason, test, fitted.notes))

    def change_over_time(self, time: Predictor) -> None:
        """Linear change, and a curve if it is clear."""
        self.add(f"linear change with {code(time.own)}", [time.term], kept="time is the question")
        before = self.current
        x = time.columns.get(time.own)
        x = self.study.table.column(time.name).values[self.study.rows] if x is None else x
        if len(np.unique(x)) < _TIMES_FOR_CURVE or before is None or before.fit is None:
            return
        square = f"I({time.term}**2)"
        formula = self.formula([*self.fixed, square], [])
        fit = self.study.fitter(formula).fit
        test = None if fit is None else ml_test(before.name, before.fit, fit)
        clear = test is not None and test.p_value < ALPHA
        verdict = "the curve is kept" if clear else "a line is enough"
        self.decide(
            "BUILD-CURVE",
            f"Is the mean change with {code(time.own)} a line or a curve?",
            test,
            verdict,
            "Singer & Willett (2003)",
        )
        title = f"curved change: the square of {code(time.own)}"
        if clear:
            self.add(title, [square], kept=_said(test, "the square is clear"))
        else:
            self.trial("curve", title, formula, test, _said(test, "the square is not clear"))

    def predictors(self) -> None:
        """Predictors of rows, then those of groups with the group means of the former."""
        level1, level2 = self.study.at_level(1), self.study.at_level(2)
        if level1:
            names = listing([code(one.name) for one in level1])
            self.add(f"predictors of rows: {names}", [one.term for one in level1], kept=_ASKED)
        means = [term for one in self.study.predictors for term in one.mean_terms]
        new = [one.term for one in level2] + means
        if new:
            shown = [code(one.name) for one in level2] + [code(term.strip("`")) for term in means]
            self.add(f"predictors of groups: {listing(shown)}", new, kept=_ASKED)

    def slopes(self) -> None:
        """Random slopes one by one, then all that are kept together."""
        study, request = self.study, self.study.request
        candidates = [one for one in study.predictors if one.level == 1 and _has_slope(one)]
        chosen, reasons = self._asked_slopes(candidates)
        if request.random is None:
            factor = study.hierarchy.innermost
            n_groups = study.n_groups(factor)
            if candidates and n_groups < _GROUPS_FOR_SLOPES:
                self.notes.append(
                    Note(
                        "BUILD-FEWGROUPS",
                        f"Random slopes were not tried: {counted(n_groups, factor.label)} say too "
                        "little about how slopes vary. Name them in random= to try all the same.",
                        "info",
                    )
                )
                candidates = []
            for one in candidates:
                test = self._try_slope(one)
                if test is not None and test.p_value < ALPHA and one not in chosen:
                    chosen.append(one)
        if chosen:
            self._together(chosen, reasons)

    def _asked_slopes(self, candidates: list[Predictor]) -> tuple[list[Predictor], str]:
        """Slopes that the user wants, or that interactions which he wants need."""
        request = self.study.request
        for name in request.random or ():
            if self.study.predictor(name) not in candidates:
                self.notes.append(
                    Note(
                        "BUILD-SLOPE",
                        f"{code(name)} has no random slope: it does not vary within groups, or has "
                        "more than two categories.",
                    )
                )
        names = set(request.random or ())
        if request.random is None:
            names |= {name for pair in request.interactions or () for name in pair}
        chosen = [one for one in candidates if one.name in names]
        reason = "as random= asks" if request.random is not None else "by their tests, or needed"
        return chosen, reason

    def _try_slope(self, one: Predictor) -> Test | None:
        """The model with one random slope, tested against that without."""
        before = self.current
        formula = self.formula(self.fixed, [one])
        fit = self.study.fitter(formula).fit
        test = None
        if before is not None and before.fit is not None and fit is not None:
            test = reml_test(before.name, before.fit, fit)
        clear = test is not None and test.p_value < ALPHA
        verdict = "slopes differ: kept" if clear else "one slope for all groups is enough"
        self.decide(
            "BUILD-SLOPE",
            f"Do slopes of {code(one.name)} differ between groups?",
            test,
            verdict,
            "Stram & Lee (1994)",
        )
        self.trial(
            one.name, f"random slope of {code(one.own)}", formula, test, _said(test, verdict)
        )
        return test

    def _together(self, chosen: list[Predictor], reason: str) -> None:
        """All chosen slopes in one model, simplified until it is not singular."""
        slopes, separate = list(chosen), False
        fitted = self.study.fitter(self.formula(self.fixed, slopes))
        while fitted.fit is None or fitted.fit.is_singular:
            shown = listing([code(one.own) for one in slopes])
            why = "could not be fitted" if fitted.fit is None else "is singular"
            if not separate:
                separate = True
                what = "correlations of the random effects are left out"
            elif len(slopes) > 1 and self.study.request.random is None:
                slopes, separate = slopes[:-1], False
                what = "the last slope is left out"
            else:
                break
            text = f"The model with random slopes of {shown} {why}; {what} (Bates et al. 2015)."
            self.notes.append(Note("BUILD-SINGULAR", text, "info"))
            fitted = self.study.fitter(self.formula(self.fixed, slopes, separate=separate))
        if fitted.fit is None:
            return
        before = self.current
        test = None
        if before is not None and before.fit is not None:
            test = reml_test(before.name, before.fit, fitted.fit)
        self.kept_slopes, self.separate = slopes, separate
        title = f"random slopes of {listing([code(one.own) for one in slopes])}"
        name = f"M{self.number}"
        self.rungs.append(
            Rung(name, title, fitted.formula, fitted.fit, True, reason, test, fitted.notes)
        )
        self.number += 1

    def interactions(self) -> None:
        """Cross-level interactions: those asked for, or predictors of groups on random slopes."""
        pairs, asked = self._pairs()
        kept: list[tuple[Predictor, Predictor]] = []
        for inner, outer in pairs:
            term = f"{inner.term}:{outer.term}"
            before = self.current
            formula = self.formula([*self.fixed, term], self.kept_slopes, separate=self.separate)
            fit = self.study.fitter(formula).fit
            test = None
            if before is not None and before.fit is not None and fit is not None:
                test = ml_test(before.name, before.fit, fit)
            clear = test is not None and test.p_value < ALPHA
            verdict = (
                "in the model, as asked" if asked else "kept" if clear else "left out: not clear"
            )
            product = f"{inner.name}:{outer.name}"
            question = f"Do slopes of {code(inner.name)} go with {code(outer.name)}?"
            self.decide("BUILD-CROSSLEVEL", question, test, verdict, "Snijders & Bosker (2012)")
            self.trial(product, f"interaction {code(product)}", formula, test, _said(test, verdict))
            if fit is not None and (asked or clear):
                kept.append((inner, outer))
        if kept:
            shown = listing([code(f"{a.own}:{b.own}") for a, b in kept])
            reason = _ASKED if asked else "by their tests"
            terms = [f"{a.term}:{b.term}" for a, b in kept]
            self.add(f"interactions: {shown}", terms, kept=reason)

    def _pairs(self) -> tuple[list[tuple[Predictor, Predictor]], bool]:
        study, asked = self.study, self.study.request.interactions
        if asked is not None:
            named = [(study.predictor(a), study.predictor(b)) for a, b in asked]
            return [(a, b) if a.level <= b.level else (b, a) for a, b in named], True
        pairs = [(a, b) for a in self.kept_slopes for b in study.at_level(2)]
        if len(pairs) > _MOST_INTERACTIONS:
            self.notes.append(
                Note(
                    "BUILD-FORKING",
                    f"Only the first {_MOST_INTERACTIONS} of {len(pairs)} possible cross-level "
                    "interactions were tried; name those that matter in interactions=.",
                )
            )
        return pairs[:_MOST_INTERACTIONS], False

    def decide(
        self, rule: str, question: str, test: Test | None, verdict: str, source: str
    ) -> None:
        """Write down a rule."""
        value = "no test" if test is None else p_text(test.p_value)
        threshold = f"p < {ALPHA:.2f}".replace("0.", ".")
        self.decisions.append(Decision(rule, question, value, threshold, verdict, source))


_ASKED = "the question names them: they stay whatever their tests say"


def _has_slope(one: Predictor) -> bool:
    return one.kind != "categorical"


def _said(test: Test | None, verdict: str) -> str:
    """A verdict with its numbers."""
    if test is None:
        return f"{verdict}; there is no test"
    return f"{verdict}; χ² = {number(test.statistic)}, {p_text(test.p_value)}"
