"""The figure of a power study."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt

from multilevel import plot
from multilevel.exceptions import DataError
from multilevel.planning.study import power

mpl.use("Agg")

MODEL = {"fixed": {"x": 0.3, "z": 0.3}, "level1": ["x"], "level2": ["z"], "icc": 0.2}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def study(effect, n_groups, n_per_group):
    return power(MODEL, effect, n_groups=n_groups, n_per_group=n_per_group, nsim=20, rng=1)


def labels(ax):
    return [text.get_text() for text in ax.get_xticklabels()]


def test_a_curve_for_each_number_of_rows():
    found = study("z", [10, 20, 40], [3, 6])
    ax = plot.power(found)
    curves = {line.get_label(): line for line in ax.get_lines() if line.get_marker() == "o"}
    assert set(curves) == {"3", "6"}
    table = found.table
    for name, line in curves.items():
        own = table[table["n_per_group"] == float(name)]
        np.testing.assert_array_equal(line.get_ydata(), own["power"])
        np.testing.assert_allclose(line.get_xdata(), own["n_groups"], atol=0.5)
    assert labels(ax) == ["10", "20", "40"]
    assert ax.get_xlabel() == "number of groups"
    assert ax.get_ylabel() == "power to find z"
    assert ax.get_legend().get_title().get_text() == "rows per group"


def test_rows_on_the_axis_if_only_they_vary():
    ax = plot.power(study("z", 12, [3, 6, 9]))
    assert ax.get_xlabel() == "rows per group (12 groups)"
    assert labels(ax) == ["3", "6", "9"]
    assert ax.get_legend() is None


def test_a_single_design():
    ax = plot.power(study("z", 12, 4))
    assert ax.get_xlabel() in ("rows per group (12 groups)", "number of groups (4 rows per group)")


def test_a_panel_for_each_coefficient():
    panels = plot.power(study(["x", "z"], [10, 20], 4))
    assert [panel.get_title(loc="left") for panel in panels] == ["x", "z"]
    with pytest.raises(DataError, match="ax must be 2 Matplotlib axes"):
        plot.power(study(["x", "z"], [10, 20], 4), ax=plt.figure().subplots())


def test_target():
    found = study("z", [10, 20], 4)
    lines = [line for line in plot.power(found).get_lines() if set(line.get_ydata()) == {0.8}]
    assert len(lines) == 1
    assert len(plot.power(found, target=None).get_lines()) == 1
    with pytest.raises(DataError, match="target must be a power between 0 and 1, or None; got 80"):
        plot.power(found, target=80)


def test_twin():
    found = study(["x", "z"], [10, 20], 4)
    twin = plot.power_data(found)
    expected = found.table[["term", "n_groups", "n_per_group", "power", "conf_low", "conf_high"]]
    assert twin.equals(expected)
