"""The guided analysis: eight steps, each made when it is asked for."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from multilevel.exceptions import MultilevelError, MultilevelWarning
from multilevel.frames.files import read_file
from multilevel.frames.table import Table
from multilevel.report.document import Document, Note
from multilevel.workflow.request import read_request
from multilevel.workflow.step import Step
from multilevel.workflow.study import read_study

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.workflow.rung import Choice, Ladder
    from multilevel.workflow.study import Study

__all__ = ["Analysis"]

STEPS = (
    ("structure", "Structure of the data"),
    ("questions", "Questions"),
    ("assumptions", "Assumptions before modelling"),
    ("need", "Variance between groups, and what it means"),
    ("models", "Models from simple to complex"),
    ("comparison", "Comparison and choice"),
    ("interpretation", "Interpretation"),
    ("inference", "Inference, robustness and limits"),
)


class Analysis:
    """A multilevel analysis in eight steps.

    Each step is made when it is first asked for, after those it builds on;
    :func:`multilevel.analyze` makes them all.

    Parameters
    ----------
    data : data frame, dict of arrays, or path of a file
        One row per observation.
    outcome, groups, level1, level2, random, time, interactions, select, weights, units, rng
        As in :func:`multilevel.analyze`.

    Attributes
    ----------
    study : Study
        What is asked, and the data as the models use them.
    """

    def __init__(
        self,
        data: Any,
        outcome: str,
        groups: str | Sequence[str],
        *,
        level1: str | Sequence[str] = (),
        level2: str | Sequence[str] = (),
        random: str | Sequence[str] | None = None,
        time: str | None = None,
        interactions: Sequence[str | tuple[str, str]] | None = None,
        select: str | None = None,
        weights: str | None = None,
        units: Mapping[str, str] | None = None,
        rng: int = 0,
    ) -> None:
        table = Table.from_data(read_file(data) if isinstance(data, str | Path) else data)
        request = read_request(
            table,
            outcome,
            groups,
            level1=level1,
            level2=level2,
            random=random,
            time=time,
            interactions=interactions,
            select=select,
            weights=weights,
            units=units,
        )
        self.study: Study = read_study(table, request, rng)

    @cached_property
    def structure(self) -> Step:
        """Step 1: levels, sizes, nesting, missing values."""
        from multilevel.workflow.structure import structure_step

        return self._guarded(0, lambda: structure_step(self.study))

    @cached_property
    def questions(self) -> Step:
        """Step 2: what can be asked of these data, and by which terms."""
        from multilevel.workflow.questions import questions_step

        return self._guarded(1, lambda: questions_step(self.study))

    @cached_property
    def assumptions(self) -> Step:
        """Step 3: distributions, shapes of relations, outliers; checked again in step 6."""
        from multilevel.workflow.assumptions import assumptions_step

        return self._guarded(2, lambda: assumptions_step(self.study))

    @cached_property
    def need(self) -> Step:
        """Step 4: intraclass correlations, design effects, and what least squares would say."""
        from multilevel.workflow.need import need_step

        return self._guarded(3, lambda: need_step(self.study))

    @cached_property
    def ladder(self) -> Ladder:
        """The models of step 5, tried and kept."""
        from multilevel.workflow.ladder import climb

        return climb(self.study)

    @cached_property
    def models(self) -> Step:
        """Step 5: models from simple to complex."""
        from multilevel.workflow.models import models_step

        return self._guarded(4, lambda: models_step(self.study, self.ladder))

    @cached_property
    def choice(self) -> Choice:
        """The model that is interpreted, and the rule that chose it."""
        from multilevel.workflow.comparison import choose

        return choose(self.study, self.ladder)

    @property
    def model(self) -> LinearMixedModel:
        """The model that is interpreted."""
        return self.choice.fit

    @cached_property
    def comparison(self) -> Step:
        """Step 6: models side by side, the choice, and its assumptions."""
        from multilevel.workflow.comparison import comparison_step

        return self._guarded(5, lambda: comparison_step(self.study, self.ladder, self.choice))

    @cached_property
    def interpretation(self) -> Step:
        """Step 7: what the chosen model says, in words and figures."""
        from multilevel.workflow.interpretation import interpretation_step

        return self._guarded(6, lambda: interpretation_step(self.study, self.ladder, self.choice))

    @cached_property
    def inference(self) -> Step:
        """Step 8: tests, intervals, robustness, limits, and a text for the methods section."""
        from multilevel.workflow.inference import inference_step

        return self._guarded(7, lambda: inference_step(self.study, self.ladder, self.choice))

    @property
    def steps(self) -> tuple[Step, ...]:
        """All eight steps in their order."""
        return tuple(getattr(self, name) for name, _ in STEPS)

    @property
    def notes(self) -> tuple[Note, ...]:
        """Warnings and facts of all steps."""
        return tuple(note for step in self.steps for note in step.notes)

    @cached_property
    def document(self) -> Document:
        """The report as a tree."""
        from multilevel.workflow.overview import overview

        return overview(self)

    def report(self, path: str | Path) -> Path:
        """Write the report.

        Parameters
        ----------
        path : str or Path
            Its ending says what is written: ``.html`` (one self-contained page), ``.md``
            (Markdown, with a folder of figures beside it), ``.pdf`` (needs the package typst).

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ValueError
            For another ending.
        ImportError
            If a package that is needed is not installed.
        """
        from multilevel.report.document_files import write_document

        return write_document(self.document, Path(path))

    def __str__(self) -> str:
        from multilevel.report.document_text import document_text

        return document_text(self.document)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        from multilevel.report.document_html import document_fragment

        return document_fragment(self.document)

    def _guarded(self, position: int, make: Callable[[], Step]) -> Step:
        """A step, or a note that says why there is none: the others stand.

        What is warned of on the way becomes a note.
        """
        name, title = STEPS[position]
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", MultilevelWarning)
                step = make()
            texts = dict.fromkeys(_told(warning) for warning in caught)
            notes = tuple(Note("STEP-WARNING", text) for text in texts if text)
            return replace(step, notes=(*step.notes, *notes))
        except MultilevelError as error:
            text = f"This step could not be made: {error}"
            note = Note("STEP-FAILED", text, "problem")
            return Step(position + 1, name, title, "This step could not be made.", notes=(note,))


def _told(warning: warnings.WarningMessage) -> str:
    """The text of a warning of this package; others are issued again."""
    if issubclass(warning.category, MultilevelWarning):
        return str(warning.message)
    warnings.warn_explicit(
        warning.message, warning.category, warning.filename, warning.lineno, source=warning.source
    )
    return ""
