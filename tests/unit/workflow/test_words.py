"""Words for numbers and units."""

from __future__ import annotations

import pytest

from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import counted, indefinite, number


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("school", "3 schools"),
        ("school_id", "3 schools"),
        ("Patient.ID", "3 Patients"),
        ("pupilNR", "3 pupils"),
        ("schoolid", "3 schools"),
        ("class code", "3 classes"),
        ("child_no", "3 children"),
        ("Child", "3 Children"),
        ("family", "3 families"),
        ("id", "3 groups (`id`)"),
        ("g1", "3 groups (`g1`)"),
        ("solid", "3 groups (`solid`)"),  # no unit is called "sol"
        ("x_id", "3 groups (`x_id`)"),
        ("county.name", "3 groups (`county.name`)"),
    ],
)
def test_units_are_called_by_their_columns(name, expected):
    assert counted(3, name) == expected


def test_one_and_many():
    assert (a_group("childid"), the_groups("childid")) == ("child", "children")
    assert (a_group("id"), the_groups("id")) == ("group of `id`", "groups of `id`")
    assert counted(1, "family_id") == "1 family"


@pytest.mark.parametrize(
    ("noun", "expected"),
    [
        ("school", "a school"),
        ("item", "an item"),
        ("Unit", "a Unit"),
        ("university", "a university"),
        ("hour", "an hour"),
        ("animal", "an animal"),
        ("one", "a one"),
        ("onion", "an onion"),
        ("European", "a European"),
        ("group of `id`", "a group of `id`"),
    ],
)
def test_articles(noun, expected):
    assert indefinite(noun) == expected


@pytest.mark.parametrize(
    ("x", "expected"),
    [(10.0, "10"), (10.0 - 1e-12, "10"), (9.9996, "10.0"), (9.994, "9.99"), (0.99996, "1.00"),
     (999.96, "1,000"), (123456.7, "123,457"), (9.9999e-6, "0.0000100"), (9.9e-6, "9.90e−06"),
     (-1e-12, "−1.00e−12"), (3e9 + 0.5, "3,000,000,000")],
)  # fmt: skip
def test_digits_are_those_of_the_rounded_number(x, expected):
    assert number(x) == expected
