"""The report as a whole."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

import multilevel as mlm
from multilevel import workflow
from multilevel.report.document import Decision, Note, Paragraph
from multilevel.workflow.analysis import STEPS, Analysis
from multilevel.workflow.overview import overview
from multilevel.workflow.sources import references
from multilevel.workflow.step import Step


@pytest.fixture
def study():
    data = mlm.datasets.load("hsb", "pandas")
    return Analysis(data, "math", "school", level1="ses", level2="sector").study


def made(study, **parts):
    """An analysis whose steps say their names."""
    steps = [
        Step(i, name, title, f"This is {name}.", **parts.get(name, {}))
        for i, (name, title) in enumerate(STEPS, 1)
    ]
    return SimpleNamespace(study=study, steps=tuple(steps))


def test_title_facts_and_steps(study):
    document = overview(made(study))
    assert document.title == "Multilevel analysis of `math` in schools"
    assert dict(document.facts)["Rows"] == "7,185"
    assert dict(document.facts)["Software"].startswith("multilevel ")
    assert [section.number for section in document.sections] == list(range(1, 9))
    assert document.summary[0] == "This is structure."
    assert document.references == ()


def test_only_what_is_cited_is_listed(study):
    rule = Decision("X", "?", "", "", "yes", "Donner (1986)")
    parts = {
        "need": {"blocks": (Paragraph("As by Stram & Lee (1994)."),), "decisions": (rule,)},
        "models": {"notes": (Note("Y", "See Holm (1979)."),)},
    }
    found = overview(made(study, **parts)).references
    assert [entry.split(",")[0] for entry in found] == ["Donner", "Holm", "Stram"]


def test_problems_are_counted_in_the_summary(study):
    parts = {"models": {"notes": (Note("BUILD-FAILED", "No.", "problem"),)}}
    assert overview(made(study, **parts)).summary[-1].startswith("1 problem is")


def test_rows_that_are_left_out_are_among_the_facts():
    data = mlm.datasets.load("hsb", "pandas")
    data.loc[:99, "ses"] = None
    study = Analysis(data, "math", "school", level1="ses").study
    facts = dict(overview(made(study)).facts)
    assert facts["Rows"] == "7,085 of 7,185 (100 left out for missing values)"


CITED = re.compile(
    r"[A-Z][\w’-]+(?:(?:, [A-Z]\w+)*,? & (?:van |de )*[A-Z]\w+| et al\.?)?[ ,]*\(?(?:19|20)\d\d\)?"
)


@pytest.mark.parametrize(
    "file", sorted(Path(workflow.__file__).parent.glob("*.py")), ids=lambda file: file.stem
)
def test_everything_that_is_cited_is_known(file):
    if file.name == "sources.py":
        return
    text = re.sub(r'"\s*\n\s*f?"', "", file.read_text(encoding="utf-8"))  # strings in pieces
    assert [cited for cited in CITED.findall(text) if not references([cited])] == []
