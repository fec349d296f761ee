"""The API page lists every public name, and everything that a fit knows and does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

import multilevel as mlm

PAGE = Path(__file__).parent.parent / "docs" / "reference" / "api.md"
LISTED = re.findall(r"^(?:   |\.\. autoclass:: )([\w.]+)$", PAGE.read_text("utf-8"), re.MULTILINE)
FIT = "LinearMixedModel."
MODULES = ("datasets", "demo", "exceptions", "plot")
CLASSES = [
    name for name in mlm.exceptions.__all__ if inspect.isclass(getattr(mlm.exceptions, name))
]


def public(owner: type) -> set[str]:
    return {name for name in dir(owner) if not name.startswith("_")}


@pytest.mark.parametrize("name", sorted(set(mlm.__all__) - set(MODULES)))
def test_public_names_are_listed(name):
    assert name in {entry.rpartition(".")[2] for entry in LISTED}


def test_public_names_of_modules_are_listed():
    functions = set(mlm.datasets.__all__) - set(mlm.__all__)
    assert {f"datasets.{name}" for name in functions} <= set(LISTED)
    assert {f"exceptions.{name}" for name in CLASSES} <= set(LISTED)
    assert {f"plot.{name}" for name in mlm.plot.__all__} <= set(LISTED)
    assert {f"demo.{name}" for name in mlm.demo.__all__} <= set(LISTED)


@pytest.mark.parametrize("name", sorted(public(mlm.LinearMixedModel)))
def test_what_a_fit_knows_and_does_is_listed_by_theme(name):
    assert f"{FIT}{name}" in LISTED


def test_methods_that_are_listed_exist_and_are_described_and_nothing_twice():
    assert len(set(LISTED)) == len(LISTED)
    for entry in LISTED:
        if entry.startswith(FIT):
            method = inspect.getattr_static(mlm.LinearMixedModel, entry.removeprefix(FIT))
            assert inspect.getdoc(method)
