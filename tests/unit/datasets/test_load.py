"""Every data set loads in every library as its source has it."""

import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel import datasets
from multilevel.datasets import native
from multilevel.exceptions import DataError, MultilevelError

# Rows, and the sums of x and of row number times x over one column, computed in R from the
# objects of the R packages or from the alda files that `describe` names, not from our copies.
KNOWN = [
    ("hsb", 7185, "math", 91593.321, 328461896.877),
    ("hsb_schools", 160, "meanses", -0.03, -88.45),
    ("sleepstudy", 180, "Reaction", 53731.4205, 4967738.2834),
    ("dyestuff", 30, "Yield", 45825, 710095),
    ("dyestuff2", 30, "Yield", 169.968, 2550.466),
    ("penicillin", 144, "diameter", 3308, 237825),
    ("pastes", 60, "strength", 3603.2, 109475.8),
    ("cake", 270, "angle", 8673, 1081834),
    ("machines", 54, "score", 3221.1, 92497.4),
    ("orthodont", 108, "distance", 2594.5, 137936.5),
    ("oxboys", 234, "height", 34987.54, 4107996.52),
    ("oats", 72, "yield", 7486, 258297),
    ("oxide", 72, "Thickness", 144011, 5259225),
    ("rail", 18, "travel", 1197, 12335),
    ("insteval", 73421, "y", 235369, 8618410019),
    ("exam", 4059, "normexam", -0.4619362, -332345.217536),
    ("egsingle", 7230, "math", -3881.963, -16123997.457),
    ("scotssec", 3435, "attain", 19506, 33509100),
    ("bdf", 2287, "langPOST", 93618, 108860680),
    ("carrots", 1236, "Preference", 5918, 3668069),
    ("ham", 648, "Informed_liking", 3715, 1227535),
    ("beets", 30, "yield", 3878.5, 60662.5),
    ("early", 309, "cog", 31709, 4849298),
    ("alcohol_use", 246, "alcohol_use", 226.8009079, 22984.2284799),
    ("wages", 6402, "log_wages", 12142.582, 38614566.328),
    ("depression", 674, "depression", 10275, 3494989),
    ("reading", 267, "reading_score", 8337, 1149264),
    ("opposites", 140, "opposites_naming_score", 28674, 2000995),
]
# The sums above are printed with 10 to 12 significant digits.
PRINTED_DIGITS = 1e-9

FRAME_TYPES = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table}


def test_the_list_of_known_sums_is_complete():
    assert {name for name, *_ in KNOWN} == set(datasets.names())


@pytest.mark.parametrize(("name", "rows", "column", "total", "weighted"), KNOWN)
def test_sums_are_those_of_the_source(name, rows, column, total, weighted):
    values = datasets.load(name, "pandas")[column].fillna(0).to_numpy(dtype=float)
    assert len(values) == rows
    assert values.sum() == pytest.approx(total, rel=PRINTED_DIGITS)
    assert values @ np.arange(1, rows + 1) == pytest.approx(weighted, rel=PRINTED_DIGITS)


@pytest.mark.parametrize("name", datasets.names())
def test_all_libraries_hold_the_same_values(name):
    frames = {kind: datasets.load(name, kind) for kind in FRAME_TYPES}
    for kind, frame in frames.items():
        assert isinstance(frame, FRAME_TYPES[kind])
    declared = [column.name for column in datasets.describe(name).columns]
    expected = {c: [None if pd.isna(v) else v for v in frames["pandas"][c]] for c in declared}
    assert list(frames["pandas"].columns) == declared
    assert frames["polars"].to_dict(as_series=False) == expected
    assert frames["pyarrow"].to_pydict() == expected


@pytest.mark.parametrize("name", datasets.names())
def test_categoricals_have_their_levels_in_order(name):
    pandas, polars, arrow = (datasets.load(name, kind) for kind in FRAME_TYPES)
    for column in datasets.describe(name).columns:
        if column.kind in ("int", "float"):
            assert pandas[column.name].dtype.kind == column.kind[0]
            continue
        levels = list(pandas[column.name].cat.categories)
        assert set(levels) == set(pandas[column.name].dropna()), "an unused level"
        assert levels == list(column.levels) or column.kind == "group"
        assert pandas[column.name].cat.ordered == (column.kind == "ordered")
        assert polars[column.name].dtype.categories.to_list() == levels
        assert arrow[column.name].chunk(0).dictionary.to_pylist() == levels
        assert arrow.schema.field(column.name).type.ordered == (column.kind == "ordered")


def test_levels_that_decide_the_coefficients():
    hsb = datasets.load("hsb", "pandas")
    assert list(hsb["sector"].cat.categories) == ["Public", "Catholic"]
    assert list(hsb["sex"].cat.categories) == ["Male", "Female"]
    assert list(datasets.load("orthodont", "pandas")["Sex"].cat.categories) == ["Male", "Female"]
    exam = datasets.load("exam", "pandas")
    assert list(exam["schgend"].cat.categories) == ["mixed", "boys", "girls"]
    cake = datasets.load("cake", "pandas")
    assert list(cake["temperature"].cat.categories) == ["175", "185", "195", "205", "215", "225"]


def test_identifiers_are_in_natural_order():
    cake = datasets.load("cake", "pandas")
    assert list(cake["replicate"].cat.categories) == [str(k) for k in range(1, 16)]
    assert list(datasets.load("oats", "pandas")["Block"].cat.categories)[:2] == ["I", "II"]


def test_numbers_of_groups():
    groups = {
        ("hsb", "school"): 160,
        ("insteval", "s"): 2972,
        ("insteval", "d"): 1128,
        ("egsingle", "childid"): 1721,
        ("scotssec", "primary"): 148,
        ("bdf", "schoolNR"): 131,
        ("wages", "id"): 888,
        ("ham", "Consumer"): 81,
    }
    for (name, column), count in groups.items():
        assert datasets.load(name, "pandas")[column].nunique() == count


def test_hsb_schools_join_to_hsb():
    pupils = datasets.load("hsb", "pandas")
    schools = datasets.load("hsb_schools", "pandas")
    joined = pupils.merge(schools, on="school", suffixes=("", "_school"))
    assert len(joined) == 7185
    assert (joined["sector"].astype(str) == joined["sector_school"].astype(str)).all()
    # Two versions of one quantity, so nearly but not quite the same.
    assert np.corrcoef(joined["meanses"], joined["meanses_school"])[0, 1] > 0.99


def test_missing_values_are_missing_in_each_library():
    assert datasets.load("carrots", "pandas")["Income"].isna().sum() == 72
    assert datasets.load("carrots", "polars")["Income"].null_count() == 72
    assert datasets.load("carrots", "pyarrow")["Income"].null_count == 72
    assert datasets.load("carrots", "polars")["Preference"].null_count() == 3


def test_two_loads_do_not_share_memory():
    first = datasets.load("sleepstudy", "pandas")
    first.loc[0, "Reaction"] = -1.0
    assert datasets.load("sleepstudy", "pandas").loc[0, "Reaction"] == 249.56


def test_default_library_is_the_first_installed(monkeypatch):
    assert isinstance(datasets.load("rail"), pd.DataFrame)
    monkeypatch.setattr(native, "find_spec", lambda name: None if name == "pandas" else name)
    assert isinstance(datasets.load("rail"), pl.DataFrame)


def test_no_library_installed(monkeypatch):
    monkeypatch.setattr(native, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="No data frame library is installed; try: pip install"):
        datasets.load("rail")
    with pytest.raises(DataError, match="'polars' is not installed; try: pip install polars"):
        datasets.load("rail", "polars")


def test_unknown_library():
    with pytest.raises(ValueError, match="backend='dask' is not an option; choose one of 'pandas'"):
        datasets.load("rail", "dask")


def test_unknown_name_suggests_and_lists():
    with pytest.raises(DataError, match=r"no data set 'hbs'. Did you mean 'hsb'\?.*sleepstudy"):
        datasets.load("hbs")
    with pytest.raises(MultilevelError, match=r"no data set 3. The data sets are: hsb"):
        datasets.describe(3)


def test_description_prints_what_a_reader_needs():
    text = str(datasets.describe("sleepstudy"))
    assert text.startswith("sleepstudy: Reaction time over ten days")
    assert "Reaction  average reaction time [ms]" in text
    assert "Source: Belenky" in text
    assert "Licence: " in text
    markdown = datasets.describe("hsb")._repr_markdown_()
    assert "| `sector` | category | sector of the school: Public, Catholic |" in markdown


def test_no_library_is_imported_before_it_is_needed():
    import subprocess

    code = (
        "import sys, multilevel.datasets as d; d.describe('hsb');"
        "print([m for m in ('pandas', 'polars', 'pyarrow', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
