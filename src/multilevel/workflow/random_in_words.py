"""Step 7, random effects: how much groups differ, in the units of the outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from multilevel.frames.table import Table
from multilevel.inference.varcomp import variance_components
from multilevel.report.document import Bullets, DataTable, Note, Paragraph
from multilevel.workflow.part import Part
from multilevel.workflow.pieces_in_words import conditions, effect_name, where_zero
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, listing, number, percent, with_unit

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.varcomp import TermComponents
    from multilevel.workflow.coefficients import Coefficient
    from multilevel.workflow.study import Study

__all__ = ["random_part"]

_REACH = 1.96  # standard deviations that hold 95% of groups, if effects are normal
_CLOSE = 0.999  # correlations from which effects cannot be told apart


def random_part(study: Study, fit: LinearMixedModel, coefficients: tuple[Coefficient, ...]) -> Part:
    """Variance components as standard deviations and ranges of 95% of groups, and the ICC."""
    if not fit.n_groups:
        text = "The model has no random effects: it does not let groups differ."
        return Part((Paragraph(text, "Differences between groups"),))
    words = _Words(study, fit, coefficients)
    parts = variance_components(fit._matrices, fit.state)
    sentences = [text for part in parts for text in words.sentences(part)]
    sd, reach = (words.amount(x) for x in (fit.sigma, _REACH * fit.sigma))
    sentences.append(
        f"Rows of one group with the same predictors differ by a standard deviation of {sd}: 95% "
        f"of them lie within {reach} of what the model says of them."
    )
    head = Paragraph(
        "Groups are allowed to differ by random effects: deviations from what the coefficients "
        "say. Ranges of 95% of groups take these deviations as normally distributed.",
        "Differences between groups",
    )
    table = DataTable("variances", "Variances and correlations", fit.var_corr(), 3)
    return Part((head, Bullets(tuple(sentences)), table, *_icc(study, fit)), (), _notes(fit))


def _icc(study: Study, fit: LinearMixedModel) -> tuple[Paragraph, ...]:
    table = Table.from_data(fit.icc())
    shares = table.column("icc").values
    labels = study.group_words
    texts = [
        f"{percent(float(share))} between {labels[name]}"
        for name, share in zip(fit.n_groups, shares, strict=True)
    ]
    return (
        Paragraph(
            "Of the variance that the predictors leave, the model puts "
            f"{' and '.join(texts)}: this is the conditional intraclass correlation of this model, "
            "not that of the outcome (step 4)."
        ),
    )


class _Words:
    """Sentences on the random effects of one model."""

    def __init__(
        self, study: Study, fit: LinearMixedModel, coefficients: tuple[Coefficient, ...]
    ) -> None:
        self._study = study
        self._coefficients = coefficients
        self._groups = [the_groups(one.label) for one in study.hierarchy.factors]
        self._known = {one.name: one for one in coefficients}
        table = Table.from_data(fit.confint(parameters="ran_pars"))
        low, high = (table.column(name).values for name in ("conf_low", "conf_high"))
        names = table.column("term")
        bounds = zip(low.tolist(), high.tolist(), strict=True)
        self._bounds = dict(zip(names.levels[names.codes], bounds, strict=True))

    def amount(self, x: float) -> str:
        """An amount of the outcome."""
        return with_unit(number(x), self._study.request.unit(self._study.outcome))

    def sentences(self, part: TermComponents) -> list[str]:
        """Every effect of a term, and their correlations."""
        many = self._study.group_words[part.group]
        if many not in self._groups:
            return [self._cells(part, many)]
        found = [
            self._level(part, i, many) if name == "Intercept" else self._slope(part, i, many)
            for i, name in enumerate(part.names)
        ]
        return found + self._correlations(part, many)

    def _cells(self, part: TermComponents, many: str) -> str:
        """Combinations of groups and categories: how much more they differ than both alone."""
        sd = float(part.sd[0])
        return (
            f"{_capital(many)} deviate from what the two add up to by a standard deviation of "
            f"{self.amount(sd)}: the difference between any two of the categories varies by a "
            f"standard deviation of {self.amount(sd * 2.0**0.5)}."
        )

    def _level(self, part: TermComponents, i: int, many: str) -> str:
        sd = float(part.sd[i])
        y = code(self._study.outcome)
        if sd == 0.0:
            return (
                f"{_capital(many)} do not differ in level by more than chance would have it: their "
                "variance is estimated as 0."
            )
        text = f"{_capital(many)} differ in level by a standard deviation of {self.amount(sd)}"
        if "Intercept" not in self._known:
            return f"{text} of {y}."
        mean = self._known["Intercept"].estimate
        low, high = number(mean - _REACH * sd), self.amount(mean + _REACH * sd)
        if len(self._known) == 1:
            return f"{text}: 95% of {many} have a mean of {y} between {low} and {high}."
        return (
            f"{text}: with predictors as the intercept has them, 95% of {many} have a mean of {y} "
            f"between {low} and {high}."
        )

    def _slope(self, part: TermComponents, i: int, many: str) -> str:
        sd, name = float(part.sd[i]), effect_name(part.names[i], self._study)
        if sd == 0.0:
            return (
                f"The {name} does not vary between {many} by more than chance would have it: its "
                "variance is estimated as 0."
            )
        found = self._known.get(part.names[i])
        mean = 0.0 if found is None else found.estimate
        where = self._where(found)
        about = with_unit(number(mean), self._unit(found))
        low, high = number(mean - _REACH * sd), number(mean + _REACH * sd)
        what = "differences" if name.startswith("difference") else "slopes"
        return (
            f"The {name} varies between {many} by a standard deviation of {number(sd)} about "
            f"{about}{where}: 95% of {many} have {what} between {low} and {high}; "
            f"{_share_against(mean, sd)}."
        )

    def _unit(self, found: Coefficient | None) -> str:
        """Of a slope: that of the outcome per that of the predictor, if both are known."""
        request = self._study.request
        y = request.unit(request.outcome)
        x = request.unit(found.pieces[0].predictor.name) if found and found.pieces else ""
        return f"{y} per {x}" if y and x else ""

    def _where(self, found: Coefficient | None) -> str:
        """Where the average slope is that of its coefficient."""
        if found is None or not found.pieces:
            return ""
        piece = found.pieces[0]
        held = conditions(piece, self._coefficients, self._study)
        squares = [one.pieces[0] for one in self._coefficients if len(one.pieces) == 1]
        if any(one.role == "square" and one.predictor is piece.predictor for one in squares):
            zero = where_zero(piece, self._study)
            held = f"{held} and {zero}" if held else zero
        return f" where {held}" if held else ""

    def _correlations(self, part: TermComponents, many: str) -> list[str]:
        """Correlations whose intervals leave out 0 one by one, the others together."""
        texts, open_ = [], []
        for a, b in part.pairs:
            r = float(part.corr[a, b])
            first, second = (effect_name(part.names[k], self._study) for k in (a, b))
            low, high = self._bounds.get(f"corr__{part.names[a]}.{part.names[b]}", (-1.0, 1.0))
            if not np.isfinite(r):
                continue
            if abs(r) > _CLOSE:
                texts.append(
                    f"The {first} and the {second} of {many} are estimated to go together "
                    f"perfectly (correlation {number(r, 2)}): the data cannot tell them apart."
                )
            elif low > 0.0 or high < 0.0:
                word = "higher" if r >= 0.0 else "lower"
                texts.append(
                    f"{_capital(many)} with a higher {first} tend to have a {word} {second} "
                    f"(correlation {number(r, 2)}).{_origin(first, second)}"
                )
            else:
                open_.append(f"of {first} and {second} ({number(r, 2)})")
        if open_:
            one = len(open_) == 1
            texts.append(
                f"The correlation{'' if one else 's'} {listing(open_, 12)} cannot be told from 0."
            )
        return texts


def _origin(first: str, second: str) -> str:
    """A correlation with the level is that where the predictor of the slope is 0."""
    if "level" not in (first, second):
        return ""
    other = second if first == "level" else first
    if not other.startswith("slope of "):
        return " This depends on which category the others are compared with."
    return f" This depends on where {other[9:]} is 0, and would differ elsewhere."


def _share_against(mean: float, sd: float) -> str:
    """How many groups have slopes of the other sign than the average."""
    from scipy.special import ndtr

    share = float(ndtr(-abs(mean) / sd))
    word = "negative" if mean >= 0.0 else "positive"
    if share < 0.001:
        return f"fewer than 0.1% are {word}"
    return f"{percent(share)} are {word}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _notes(fit: LinearMixedModel) -> tuple[Note, ...]:
    notes = []
    if any(len(term.names) > 1 for term in fit._matrices.terms):
        notes.append(
            Note(
                "ICC-RANDOMSLOPE",
                "With random slopes the variance between groups depends on the predictors: the "
                "intraclass correlation above is an average over the rows.",
                "info",
            )
        )
    if fit.is_singular:
        notes.append(
            Note(
                "BUILD-SINGULAR",
                "This model is singular (step 5): ranges and predictions of groups that rest on a "
                "variance of 0, or on a correlation of 1 or −1, say less than they seem to.",
            )
        )
    return tuple(notes)
