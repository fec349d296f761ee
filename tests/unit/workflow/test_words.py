"""Words for numbers and units."""

from __future__ import annotations

import pytest

from multilevel.workflow.sizes import a_group, the_groups
from multilevel.workflow.words import counted, indefinite


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
