"""Step 8, limits: what the analysis cannot say, and what would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.workflow.sizes import the_groups
from multilevel.workflow.words import code, counted, listing

if TYPE_CHECKING:
    from multilevel.workflow.rung import Choice, Ladder
    from multilevel.workflow.study import Study

__all__ = ["limits"]

_FEW = 50


def limits(study: Study, ladder: Ladder, choice: Choice) -> tuple[str, ...]:
    """Sentences on what does not follow, each only where it applies."""
    found = [*_causes(study, choice), *_groups(study), *_missing(study), *_choices(ladder, choice)]
    return (*found, _form(study))


def _causes(study: Study, choice: Choice) -> list[str]:
    if not study.predictors:
        return [
            "The share of variance between groups says how different they are, not what makes them "
            "so. Predictors of groups would show what goes with it."
        ]
    many = the_groups(study.hierarchy.innermost.label)
    texts = [
        f"Coefficients are differences between rows and {many} as they are. That rows lie in "
        "groups does not make them causal, nor does it show what passes from one variable to "
        "another (mediation). A comparison within groups is free of what all rows of a group "
        "share, not of what rows bring with them. Random allocation, or a design made for the "
        "question, would help."
    ]
    at_groups = [p for p in study.predictors if p.level > 1 or p.means]
    if at_groups and choice.fit.n_groups:
        texts.append(_selection(study, listing([code(p.name) for p in at_groups])))
    return texts


def _selection(study: Study, names: str) -> str:
    """What differences between groups in some columns may stand for."""
    many = the_groups(study.hierarchy.innermost.label)
    if study.time is not None:  # the rows of a group are measurements of one person or thing
        return (
            f"What was measured over time differs in more than in {names}: what goes with these "
            "may stand for other things in which it differed from the start. Measurements before "
            "the first time would help."
        )
    return (
        f"Who is in which of the {many} is usually no accident: differences between groups in "
        f"{names} may stand for who is there. Measurements before entry would help."
    )


def _groups(study: Study) -> list[str]:
    texts = []
    for factor in study.hierarchy.factors:
        n = study.n_groups(factor)
        if n < _FEW:
            texts.append(
                f"There are {counted(n, factor.label)}. Variances between so few groups, and their "
                "intervals, are uncertain, and so is how far results carry to others (Maas & Hox "
                "2005). More groups would help, more rows in them hardly."
            )
    return texts


def _missing(study: Study) -> list[str]:
    left_out = study.table.n_rows - study.n_rows
    if not left_out:
        return []
    return [
        f"{left_out:,} of {study.table.n_rows:,} rows were left out for missing values. Results "
        "hold if what is missing depends only on what is in the model (missing at random, Rubin "
        "1976); for missing predictors multiple imputation that knows the groups would help."
    ]


def _choices(ladder: Ladder, choice: Choice) -> list[str]:
    tried = ladder.n_models
    if tried < 3 or choice.by_user:
        return []
    return [
        f"The model was chosen among {tried} that were fitted to the same data. p values and "
        "intervals do not know of that choice and are a little too sure: results that were not "
        "planned need new data."
    ]


def _form(study: Study) -> str:
    texts = ["bends beside those in the model", "errors of measurement of predictors"]
    if study.time is not None:
        texts.append("correlation of neighbouring measurements beyond random effects")
    texts.append("whatever was not measured")
    return f"Not modelled: {listing(texts)}. Steps 3 and 6 say what was checked."
