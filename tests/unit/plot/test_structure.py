"""Figures of the structure of data: the numbers drawn, and bad input."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

import multilevel as mlm
from multilevel import plot
from multilevel.exceptions import DataError

mpl.use("Agg")

load = mlm.datasets.load


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def texts(ax):
    return sorted(text.get_text() for text in ax.texts if text.get_text())


class TestUnitDiagram:
    ABOVE = {"row": ["pupil"], "pupil": ["school", "area"]}  # noqa: RUF012
    UNITS = {"school": 19, "area": 524, "pupil": 2310, "row": 5000}  # noqa: RUF012

    def test_crossed_side_by_side_and_nested_below(self):
        table = plot.unit_diagram_data(self.UNITS, self.ABOVE).set_index("unit")
        assert table["level"].to_dict() == {"school": 3, "area": 3, "pupil": 2, "row": 1}
        assert table.loc["pupil", "belongs_to"] == "school, area"
        ax = plot.unit_diagram(self.UNITS, self.ABOVE)
        assert texts(ax) == ["area\n524", "pupil\n2,310", "row\n5,000", "school\n19"]
        boxes = [patch.get_bbox() for patch in ax.patches if hasattr(patch, "get_boxstyle")]
        tops = sorted(box.y0 for box in boxes if box.width > 0)
        assert tops[-1] == tops[-2] > tops[-3] > tops[-4]

    def test_refuses(self):
        with pytest.raises(DataError, match="units is empty"):
            plot.unit_diagram({}, {})
        with pytest.raises(DataError, match="'school', which is not in units"):
            plot.unit_diagram({"row": 3}, {"row": ["school"]})
        with pytest.raises(DataError, match="in a circle"):
            plot.unit_diagram({"a": 1, "b": 2}, {"a": ["b"], "b": ["a"]})


class TestGroupSizes:
    def test_every_group_is_in_a_bar(self):
        hsb = load("hsb", "pandas")
        table = plot.group_sizes_data(hsb, "school")
        sizes = hsb["school"].value_counts()
        assert table["n_groups"].sum() == 160
        for row in table.itertuples():
            assert row.n_groups == sizes.between(row.size_low, row.size_high).sum()
        assert len(plot.group_sizes(hsb, "school").patches) == len(table)

    def test_one_size(self):
        ax = plot.group_sizes(load("sleepstudy"), "Subject")
        assert [patch.get_height() for patch in ax.patches] == [18]
        low, high = ax.get_xlim()
        assert low < 9.5 < 10.5 < high

    def test_refuses_a_column_of_missing_values(self):
        with pytest.raises(DataError, match="No row has a value of 'g'"):
            plot.group_sizes({"g": np.array([None, None], dtype=object)}, "g")


class TestIncidence:
    def test_counts_are_those_of_a_cross_table(self):
        data = load("penicillin", "pandas").iloc[3:]
        table = plot.incidence_data(data, "plate", "sample")
        cells = data.groupby(["plate", "sample"], observed=True).size()
        found = table.set_index(["plate", "sample"])["n_rows"]
        assert found.to_dict() == cells.to_dict()

    def test_blocks_of_nested_factors_lie_along_the_diagonal(self):
        data = pd.DataFrame({"a": np.repeat([3, 1, 2], 4), "b": np.repeat([9, 4, 7, 1, 8, 2], 2)})
        image = plot.incidence(data, "b", "a").images[0].get_array()
        at = np.nonzero(~np.ma.getmaskarray(np.ma.masked_invalid(image)))
        assert (np.diff(at[1]) >= 0).all()

    def test_many_groups_are_subsampled_and_it_says_so(self):
        data = {"a": np.arange(500), "b": np.arange(500) % 7}
        ax = plot.incidence(data, "a", "b", max_groups=50)
        assert ax.get_ylabel() == "a (50 of 500)"
        assert ax.images[0].get_array().shape == (50, 7)

    def test_refuses(self):
        with pytest.raises(DataError, match="two columns"):
            plot.incidence({"a": [1, 2]}, "a", "a")
        with pytest.raises(DataError, match="No row has values of both"):
            plot.incidence({"a": ["x", None], "b": [None, "y"]}, "a", "b")


class TestMissingByGroup:
    DATA = pd.DataFrame({"g": list("aabbcc"), "x": [1, None, 2, 3, None, None], "y": range(6)})

    def test_shares_the_most_first(self):
        table = plot.missing_by_group_data(self.DATA, "g", ["x", "y"])
        assert table[table["column"] == "x"].set_index("g")["missing"].to_dict() == {
            "c": 1.0,
            "a": 0.5,
            "b": 0.0,
        }
        assert table["g"].tolist()[:3] == ["c", "a", "b"]

    def test_groups_with_the_most_are_shown(self):
        ax = plot.missing_by_group(self.DATA, "g", ["x"], max_groups=2)
        assert ax.get_xlabel() == "g (2 of 3)"
        assert texts(ax) == ["groups with the most missing values"]

    def test_refuses_complete_columns(self):
        with pytest.raises(DataError, match="Nothing is missing in 'y'"):
            plot.missing_by_group(self.DATA, "g", ["y"])


class TestOccasions:
    def test_rows_at_each_time(self):
        data = load("sleepstudy", "pandas").iloc[:-3]
        table = plot.occasions_data(data, "Days")
        assert table["n_rows"].tolist() == [18] * 7 + [17] * 3
        assert [patch.get_height() for patch in plot.occasions(data, "Days").patches] == [
            *table["n_rows"]
        ]

    def test_many_times_are_cut_into_classes(self):
        table = plot.occasions_data({"t": np.linspace(0.0, 1.0, 300)}, "t")
        assert len(table) == 30
        assert table["n_rows"].sum() == 300

    def test_refuses(self):
        with pytest.raises(DataError, match="No row has a value of 't'"):
            plot.occasions({"t": [np.nan, np.nan]}, "t")
        with pytest.raises(DataError, match="numeric"):
            plot.occasions({"t": ["a", "b"]}, "t")
