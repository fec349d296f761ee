"""Step 5, the models: from the null model to cross-level interactions (Hox et al. 2018, ch. 4).

Predictors that the user named stay in the model whatever their tests say: they are the question.
Random slopes and cross-level interactions are tried one by one, and kept by the rules stated here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.workflow.climb import Climb
from multilevel.workflow.cross_level import ASKED, interactions
from multilevel.workflow.growth import change_over_time
from multilevel.workflow.slopes import random_slopes
from multilevel.workflow.words import code, listing

if TYPE_CHECKING:
    from multilevel.workflow.rung import Ladder
    from multilevel.workflow.study import Study

__all__ = ["climb"]

# Fewer models than this are no search.
_SEARCH = 4


def climb(study: Study) -> Ladder:
    """Fit all models of the ladder.

    Parameters
    ----------
    study : Study
        The question and the data.
    """
    steps = Climb(study)
    steps.add_fixed("no predictors: the variance at each level", [], "where every analysis begins")
    if study.time is not None:
        change_over_time(steps, study.time)
    _predictors(steps)
    random_slopes(steps)
    interactions(steps)
    tried = steps.ladder.n_models
    if tried >= _SEARCH:
        steps.note(
            "BUILD-FORKING",
            f"{tried} models were tried on the same data. P values of what was chosen by tests "
            "(random slopes, cross-level interactions) are smaller than they would be for "
            "a model that was fixed beforehand.",
        )
    return steps.ladder


def _predictors(steps: Climb) -> None:
    """Predictors of rows, then those of groups with the group means of the former."""
    study = steps.study
    level1, level2 = study.at_level(1), study.at_level(2)
    if level1:
        names = listing([code(one.name) for one in level1])
        steps.add_fixed(f"predictors of rows: {names}", [one.term for one in level1], ASKED)
    means = [term for one in study.predictors for term in one.mean_terms]
    new = list(dict.fromkeys([*(one.term for one in level2), *means]))
    if new:
        shown = [code(one.name) for one in level2]
        own = {one.term for one in level2}
        shown += [code(term) for term in means if term not in own]
        steps.add_fixed(f"predictors of groups: {listing(shown)}", new, ASKED)
