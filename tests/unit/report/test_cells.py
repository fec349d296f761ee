"""Numbers of tables as text."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.report.cells import read_cells
from multilevel.report.document import DataTable
from multilevel.report.headings import heading_of

FIXED = {
    "term": ["Intercept", "ses"],
    "estimate": [12.11358, -1.34653],
    "std_error": [0.19925, 0.02346],
    "df": [159.87, 3.0],
    "p_value": [1e-12, 0.0324],
    "conf_low": [11.7201, -1.3927],
    "conf_high": [12.507, -1.3007],
}


def column(name, values, **headings):
    """Cells of a table of one column beside its labels."""
    table = {"group": [str(i) for i in range(len(values))], name: values}
    cells = read_cells(DataTable("t", "T", table, headings=headings))
    return [row[1] for row in cells.rows]


@pytest.mark.parametrize("make", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_every_kind_of_frame_gives_the_same_cells(make):
    cells = read_cells(DataTable("fixed", "Fixed effects", make(FIXED)))
    assert cells.heads == ("Term", "Estimate", "Std. error", "df", "p", "low", "high")
    assert cells.rows == (
        ("Intercept", "12.114", "0.199", "159.9", "<.001", "11.720", "12.507"),
        ("ses", "−1.347", "0.023", "3.0", ".032", "−1.393", "−1.301"),
    )
    assert cells.spans() == [("", 5), ("95% interval", 2)]
    assert cells.numeric == (False, True, True, True, True, True, True)


def test_very_different_sizes_are_written_row_by_row():
    table = {"term": ["a", "b"], "estimate": [51234.0, 0.00412], "std_error": [812.0, 0.00031]}
    rows = read_cells(DataTable("t", "T", table)).rows
    assert rows == (("a", "51,234", "812"), ("b", "0.00412", "0.00031"))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("n_rows", [7185, 12], ["7,185", "12"]),
        ("n_rows", [7185.0, np.nan], ["7,185", "–"]),
        ("icc", [0.18035, 1.0, 0.0], [".180", "1.000", ".000"]),
        ("corr", [-0.2434, np.nan], ["−.243", "–"]),
        ("share_between", [1.4, 0.2], ["1.40", "0.20"]),
        ("p_value", [0.99999, 0.5, 0.00099, np.nan], [">.999", ".500", "<.001", "–"]),
        ("aic", [46503.66, 999.0], ["46,503.7", "999.0"]),
        ("design_effect", [8.9234], ["8.92"]),
        ("df", [159.87, 7023.1], ["159.9", "7,023"]),
        ("df", [2.0, 3.0], ["2", "3"]),
        ("mean", [44.90625, 3.1], ["44.9", "3.1"]),
        ("mean", [10.0 - 1e-14, 35.0], ["10", "35"]),
        ("mean", [0.0, 0.0], ["0", "0"]),
        ("mean", [-1e-12, 1e-12], ["−1.00e−12", "1.00e−12"]),
        ("variance", [np.inf, 2.5], ["∞", "2.50"]),
        ("ok", [True, False], ["yes", "no"]),
        ("estimate", [-0.0001, 5.0], ["−0.000100", "5.00"]),
        ("M1", ["12.6 (0.244)", "−3.11 (0.210)"], ["12.6 (0.244)", "−3.11 (0.210)"]),
        ("reason", ["a", None], ["a", ""]),
    ],
)
def test_numbers_are_written_as_their_name_asks(name, values, expected):
    assert column(name, values) == expected


def test_the_heading_can_ask_for_percent():
    assert column("share", [0.18035, np.nan], share="Share (%)") == ["18.0%", "–"]


def test_text_of_numbers_is_aligned_like_numbers():
    table = {"term": ["a", "b"], "M1": ["12.6 (0.244)", ""], "M2": ["−3.1 [−4, −2]", "2 of 3"]}
    assert read_cells(DataTable("t", "T", table)).numeric == (False, True, False)


def test_error_and_interval_of_a_share_are_written_as_it_is():
    table = {"group": ["a"], "icc": [0.18], "std_error": [0.0187], "conf_low": [0.147]}
    assert read_cells(DataTable("t", "T", table)).rows == (("a", ".180", ".019", ".147"),)


def test_no_cell_is_minus_zero():
    assert column("statistic", [-0.001, 1.0]) == ["0.00", "1.00"]


def test_headings():
    assert heading_of("mean_size", {}) == "Mean size"
    assert heading_of("M1", {}) == "M1"
    assert heading_of("r2_Subject", {}) == "R² Subject"
    assert heading_of("std_error", {"std_error": "SE"}) == "SE"


def test_an_own_heading_of_an_interval_has_no_other_over_it():
    headings = {"conf_low": "from", "conf_high": "to"}
    cells = read_cells(DataTable("t", "T", FIXED, headings=headings))
    assert cells.spans() == [("", 7)]
    assert cells.heads[-2:] == ("from", "to")


def test_wide_tables_are_cut_between_columns_and_keep_their_labels():
    table = {"term": ["a"], **{f"column_{i}": [1.5] for i in range(30)}}
    cells = read_cells(DataTable("t", "T", table))
    pages, widths = cells.fit(100)
    assert all(page[0] == 0 for page in pages)
    assert sorted(c for page in pages for c in page[1:]) == list(range(1, 31))
    assert all(sum(widths[c] + 2 for c in page) <= 100 for page in pages)


@pytest.mark.parametrize("labels", [1, 2, 5])
def test_text_is_wrapped_before_a_table_is_cut(labels):
    table = {f"column_{i}": ["word " * 12] for i in range(5)}
    pages, widths = read_cells(DataTable("t", "T", table, labels)).fit(100)
    assert pages == [[0, 1, 2, 3, 4]]
    assert sum(widths) + 10 <= 100
