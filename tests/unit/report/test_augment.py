"""Columns for rows."""

from __future__ import annotations

import numpy as np
import pytest

from multilevel.exceptions import DataError
from multilevel.report.augment import name_columns, spread


def test_values_go_where_their_rows_are():
    values = np.array([1.0, 2.0])
    np.testing.assert_array_equal(spread(values, np.array([0, 3]), 4), [1, np.nan, np.nan, 2])
    assert spread(values, None, 2) is values


def test_names_that_are_taken_are_refused():
    columns = {"fitted": np.ones(1), "resid": np.zeros(1)}
    assert list(name_columns(columns, ["y", "fitted"], "m_")) == ["m_fitted", "m_resid"]
    with pytest.raises(
        DataError, match=r"already have a column 'resid', .*augment\(prefix='fit_'\)"
    ):
        name_columns(columns, ["y", "resid"], "")
