"""Numbers as text."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.report.numbers import criterion, fixed_point, p_value, significant


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([251.40510, 6.82456, 10.46729, 1.54579], ["251.405", "6.825", "10.467", "1.546"]),
        ([0.0, 3.653231], ["0.000", "3.653"]),
        ([1234.5, np.nan], ["1234", ""]),
        ([12345.6, 0.5], ["12345.6000", "0.5000"]),
        ([0.00001234, 2.5], ["1.234e-05", "2.5"]),
        ([1e9, 2.5], ["1e+09", "2.5"]),
        ([0.0, 0.0], ["0", "0"]),
        ([], []),
    ],
)
def test_columns_share_decimals_unless_sizes_differ_too_much(values, expected):
    assert significant(np.array(values)) == expected


def test_fixed_point_has_no_negative_zero():
    assert [fixed_point(x, 2) for x in (-0.001, -0.006, 0.0, np.nan)] == [
        "0.00",
        "-0.01",
        "0.00",
        "",
    ]


def test_p_values():
    assert [p_value(p) for p in (0.5, 0.0006, 0.001, 1e-300, np.nan)] == [
        "0.500", "<0.001", "0.001", "<0.001", "",
    ]  # fmt: skip


def test_criteria():
    assert [criterion(x) for x in (1743.62827, -88.0416, 3.14159)] == ["1743.6", "-88.04", "3.14"]
