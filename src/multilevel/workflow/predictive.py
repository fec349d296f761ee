"""Step 6: whether the model would produce data like those observed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.exceptions import MultilevelError
from multilevel.frames.table import Table
from multilevel.report.document import DataTable, Paragraph, Picture
from multilevel.workflow.part import Part
from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, counted, listing, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.typing import Float
    from multilevel.workflow.study import Study

__all__ = ["predictive_part"]

_HEADING = "Would the model produce such data?"
# Simulated data sets of so many rows are drawn in a moment.
_MOST_ROWS = 200_000
_DRAWS = 200
_WORDS = {
    "mean": "the mean",
    "sd": "the standard deviation",
    "min": "the smallest value",
    "max": "the largest value",
    "skewness": "the skewness",
}


def predictive_part(study: Study, fit: LinearMixedModel) -> Part:
    """The distribution of simulated responses beside the observed one, and statistics of both."""
    from multilevel import plot

    if study.n_rows > _MOST_ROWS:
        text = f"Not simulated: {study.n_rows:,} rows take long."
        return Part((Paragraph(text, _HEADING),))
    seed, outcome = study.seed, code(study.outcome)
    try:
        frame = fit.predictive_check(n=_DRAWS, rng=seed)
    except MultilevelError as error:
        return Part((Paragraph(f"The check could not be made: {error}", _HEADING),))
    numbers = Table.from_data(frame)
    text = _in_words(study, numbers)
    picture = Picture(
        "predictive",
        f"Distribution of {outcome}: observed, and simulated from the model",
        text,
        lambda: plot.predictive(fit, rng=seed),
        lambda: plot.predictive_data(fit, rng=seed),
    )
    table = DataTable(
        "predictive_check",
        "Observed and simulated statistics",
        _named(study, numbers),
        note="Simulated: another seed (rng=) or another order of rows changes the last digits.",
    )
    return Part((Paragraph(text, _HEADING), picture, table))


def _named(study: Study, table: Table) -> Any:
    """The statistics, called by words."""
    columns = {name: table.column(name).values for name in table.columns if name != "statistic"}
    words = [_word(study, name).removeprefix("the ") for name in _statistics(table)]
    return study.frame({"statistic": words} | columns)


def _statistics(table: Table) -> list[str]:
    column = table.column("statistic")
    return [str(name) for name in column.levels[column.codes]]


def _in_words(study: Study, table: Table) -> str:
    """Which statistics of the data the model does not produce."""
    names = _statistics(table)
    observed, low, high = (
        table.column(name).values for name in ("observed", "conf_low", "conf_high")
    )
    outside = [i for i in range(len(names)) if not low[i] <= observed[i] <= high[i]]
    start = f"{_DRAWS} sets of {code(study.outcome)} were simulated from the model. "
    if not outside:
        return (
            f"{start}The observed one is like them: all {len(names)} statistics lie where 95% of "
            "the simulated ones do."
        )
    found = listing(
        [
            f"{_word(study, names[i])} ({number(observed[i])}; simulated {number(low[i])} to "
            f"{number(high[i])})"
            for i in outside
        ]
    )
    good = len(names) - len(outside)
    one = len(outside) == 1
    return (
        f"{start}In {good} of {counted(len(names), 'statistic')} the observed one is like them. "
        f"Outside of what 95% of them have {'is' if one else 'are'} {found}: "
        f"{'this is a feature' if one else 'these are features'} of the data that the model does "
        f"not have.{_limits(names, observed, low, high, outside)}"
    )


def _word(study: Study, name: str) -> str:
    """``sd_between__school`` as a sentence has it."""
    kind, _, group = name.partition("__")
    if not group:
        return _WORDS.get(name, code(name))
    label = next((one.label for one in study.hierarchy.factors if one.name == group), group)
    if kind == "sd_between":
        return f"the standard deviation of means of {the_groups(label)}"
    return f"the standard deviation within {the_groups(label)}"


def _limits(names: list[str], observed: Float, low: Float, high: Float, outside: list[int]) -> str:
    """A hint at a limit of the scale, which a normal distribution does not know."""
    ends = {names[i]: i for i in outside}
    floor = "min" in ends and observed[ends["min"]] > high[ends["min"]]
    ceiling = "max" in ends and observed[ends["max"]] < low[ends["max"]]
    if not (floor or ceiling):
        return ""
    where = "below and above" if floor and ceiling else "below" if floor else "above"
    return (
        f" Simulated values go {where} the observed ones: the scale may end there, which a normal "
        "distribution does not know. That matters for predictions near the ends more than for "
        "coefficients."
    )
