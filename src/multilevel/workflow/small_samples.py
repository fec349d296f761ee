"""Which tests of fixed effects fit the number of groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from multilevel.exceptions import MultilevelError
from multilevel.report.document import Decision, Note
from multilevel.workflow.words import code, number

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.inference.degrees_of_freedom import DfMethod

__all__ = ["TestMethod", "n_effects", "test_method"]

# Below so many groups the adjustment of Kenward and Roger matters.
FEW_GROUPS = 50
# With several factors Kenward and Roger's method works on all random effects at once.
_MOST_EFFECTS = 1_500


@dataclass(frozen=True, slots=True)
class TestMethod:
    """How fixed effects are tested.

    Attributes
    ----------
    df_method : str or None
        As :meth:`multilevel.LinearMixedModel.summary` takes it.
    words : str
        Its name in sentences.
    decision : Decision
        The rule that chose it.
    notes : tuple of Note
        If the method of choice is not to be had.
    """

    df_method: DfMethod | None
    words: str
    decision: Decision
    notes: tuple[Note, ...] = ()


def test_method(fit: LinearMixedModel) -> TestMethod:
    """Kenward and Roger's method for few groups, Satterthwaite's for many."""
    if not fit.n_groups:
        words = "t tests of least squares"
        decision = _decision("no random effects", "t tests of ordinary regression, which are exact")
        return TestMethod(None, words, decision)
    name = min(fit.n_groups, key=lambda one: fit.n_groups[one])
    value = f"{number(fit.n_groups[name])} groups of {code(name)}"
    if fit.n_groups[name] >= FEW_GROUPS:
        words = "t tests with Satterthwaite's degrees of freedom"
        return TestMethod("satterthwaite", words, _decision(value, words))
    effects = n_effects(fit)
    if len(fit.n_groups) > 1 and effects > _MOST_EFFECTS:
        return _instead(value, f"it is slow for {effects:,} random effects of several factors")
    try:
        fit._fixed_tests("kenward-roger")
    except MultilevelError as error:
        return _instead(value, str(error))
    words = "t tests by the method of Kenward and Roger"
    return TestMethod("kenward-roger", words, _decision(value, words))


def n_effects(fit: LinearMixedModel) -> int:
    """Number of random effects."""
    matrices = fit._matrices
    return sum(matrices.factors[term.factor].n_levels * len(term.names) for term in matrices.terms)


def _instead(value: str, why: str) -> TestMethod:
    words = "t tests with Satterthwaite's degrees of freedom"
    text = f"Tests by the method of Kenward and Roger are not to be had here ({why.rstrip('.')}). "
    note = Note("INF-DF", text + "Satterthwaite's method is used in its place.", "info")
    return TestMethod("satterthwaite", words, _decision(value, words), (note,))


def _decision(value: str, verdict: str) -> Decision:
    return Decision(
        "INF-SMALLJ-Z",
        "How are fixed effects tested, so that tests hold for this number of groups?",
        value,
        f"fewer than {FEW_GROUPS}: Kenward and Roger; otherwise Satterthwaite; never z tests",
        verdict,
        "Kenward & Roger (1997); Satterthwaite (1946); Luke (2017)",
    )
