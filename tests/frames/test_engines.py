"""Every engine reads to the same columns, and gets its own kind back."""

from __future__ import annotations

import datetime as dt
import decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from multilevel.exceptions import DataError
from multilevel.frames import emit
from multilevel.frames.align import align
from multilevel.frames.emit import add_columns, to_frame
from multilevel.frames.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA: dict[str, list[Any]] = {
    "float": [1.5, None, 2.0],
    "integer": [3, None, 1],
    "boolean": [True, None, False],
    "text": ["b", None, "a"],
    "date": [dt.date(2020, 1, 2), None, dt.date(2019, 1, 1)],
    "time": [dt.datetime(2020, 1, 2, 3), None, dt.datetime(2019, 1, 1)],
    "utc": [
        dt.datetime(2020, 1, 2, 3, tzinfo=dt.UTC),
        None,
        dt.datetime(2019, 1, 1, tzinfo=dt.UTC),
    ],
    "duration": [dt.timedelta(2), None, dt.timedelta(1)],
    "decimal": [decimal.Decimal("1.5"), None, decimal.Decimal("2.0")],
    "nothing": [None, None, None],
}
WHOLE = {"x": [1.0, 2.0, 3.0], "i": [3, 1, 2], "g": ["b", "b", "a"]}
ENGINES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "dict": dict,
    "pandas": pd.DataFrame,
    "pandas of objects": lambda data: pd.DataFrame(data, dtype=object),
    "pandas of nullable": lambda data: pd.DataFrame(data).convert_dtypes(),
    "pandas of arrow": lambda data: pa.table(data).to_pandas(types_mapper=pd.ArrowDtype),
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "pyarrow in chunks": lambda data: pa.concat_tables(
        [pa.table(data).slice(0, 1), pa.table(data).slice(1)]
    ),
}
BACK = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "pyarrow": pa.Table, "dict": pd.DataFrame}


@pytest.fixture(params=list(ENGINES))
def make(request: pytest.FixtureRequest) -> Callable[[dict[str, Any]], Any]:
    return ENGINES[request.param]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("float", [1.5, np.nan, 2.0]),
        ("integer", [3.0, np.nan, 1.0]),
        ("boolean", [1.0, np.nan, 0.0]),
        ("decimal", [1.5, np.nan, 2.0]),
        ("nothing", [np.nan, np.nan, np.nan]),
    ],
)
def test_values(make: Callable[[dict[str, Any]], Any], name: str, values: list[float]) -> None:
    column = Table.from_data(make(DATA)).column(name)
    np.testing.assert_array_equal(column.values, values)
    np.testing.assert_array_equal(column.missing, np.isnan(values))


@pytest.mark.parametrize("name", ["integer", "boolean", "text", "date", "time", "utc", "duration"])
def test_codes(make: Callable[[dict[str, Any]], Any], name: str) -> None:
    column = Table.from_data(make(DATA)).column(name)
    assert column.codes.tolist() == [1, -1, 0]
    assert len(column.levels) == 2
    np.testing.assert_array_equal(column.missing, [False, True, False])


def test_text_and_integer_levels(make: Callable[[dict[str, Any]], Any]) -> None:
    table = Table.from_data(make(DATA))
    assert table.column("text").levels.tolist() == ["a", "b"]
    assert table.column("text").levels.dtype == object
    assert table.column("integer").levels.tolist() == [1, 3]
    assert table.column("boolean").levels.tolist() == [False, True]


TEXT = ["b", None, "a"]


@pytest.mark.parametrize(
    ("frame", "codes", "levels"),
    [
        (pd.DataFrame({"g": pd.Categorical(TEXT, ["z", "b", "a"])}), [0, -1, 1], ["b", "a"]),
        (pl.DataFrame({"g": TEXT}, schema={"g": pl.Categorical}), [1, -1, 0], ["a", "b"]),
        (
            pl.DataFrame({"g": TEXT}, schema={"g": pl.Enum(["z", "b", "a"])}),
            [0, -1, 1],
            ["b", "a"],
        ),
        (pa.table({"g": pa.array(TEXT).dictionary_encode()}), [0, -1, 1], ["b", "a"]),
        (
            pa.table({"g": pa.DictionaryArray.from_arrays([0, 1, 2], ["b", None, "a"])}),
            [0, -1, 1],
            ["b", "a"],
        ),
        (
            pa.table(
                {
                    "g": pa.chunked_array(
                        [
                            pa.array(["b", None]).dictionary_encode(),
                            pa.array(["a"]).dictionary_encode(),
                        ]
                    )
                }
            ),
            [0, -1, 1],
            ["b", "a"],
        ),
        (
            pa.table({"g": pa.array(TEXT).dictionary_encode()}).to_pandas(
                types_mapper=pd.ArrowDtype
            ),
            [0, -1, 1],
            ["b", "a"],
        ),
    ],
)
def test_categories_that_occur_in_their_order(
    frame: Any, codes: list[int], levels: list[str]
) -> None:
    column = Table.from_data(frame).column("g")
    assert column.kind == "categorical"
    assert column.codes.tolist() == codes
    assert column.levels.tolist() == levels


def test_polars_categories_do_not_depend_on_what_was_read_before() -> None:
    before = pl.Series(["a", "c", "b"], dtype=pl.Categorical)
    column = Table.from_data({"g": pl.Series(["c", "b", "c"], dtype=pl.Categorical)}).column("g")
    assert column.codes.tolist() == [1, 0, 1]
    assert column.levels.tolist() == ["b", "c"]
    assert len(before) == 3


@pytest.mark.parametrize("make_large", [pd.DataFrame, pl.DataFrame, pa.table])
def test_large_text(make_large: Callable[[dict[str, Any]], Any]) -> None:
    """From some length on the engine hashes the text."""
    values = [None if i % 7 == 0 else f"s{i * 31 % 13}" for i in range(30_000)]
    column = Table.from_data(make_large({"g": values})).column("g")
    assert column.kind == "text"
    levels = sorted(f"s{i}" for i in range(13))
    assert column.levels.tolist() == levels
    assert [levels[c] if c >= 0 else None for c in column.codes.tolist()] == values


def test_results_come_back_in_kind(make: Callable[[dict[str, Any]], Any]) -> None:
    table = Table.from_data(make(WHOLE))
    columns = {
        "term": np.array(["a", None], dtype=object),
        "level": np.array([1, 2]),
        "estimate": np.array([1.5, np.nan]),
        "effect": ["fixed", "fixed"],
    }
    frame = to_frame(columns, table)
    assert type(frame) is BACK[table.kind]
    back = Table.from_data(frame)
    assert back.columns == ("term", "level", "estimate", "effect")
    assert back.column("term").codes.tolist() == [0, -1]
    assert back.column("level").is_integer
    np.testing.assert_array_equal(back.column("estimate").values, [1.5, np.nan])
    assert back.column("effect").kind == "text"


def test_nan_is_not_null_in_polars() -> None:
    frame = to_frame({"estimate": np.array([np.nan])}, Table.from_data(pl.DataFrame({"x": [1]})))
    assert frame["estimate"].null_count() == 0
    assert frame["estimate"].is_nan().all()


def test_pandas_results_have_a_plain_index() -> None:
    table = Table.from_data(pd.DataFrame({"x": [1.0, 2.0]}, index=["a", "b"]))
    assert to_frame({"z": np.array([1.0, 2.0])}, table).index.equals(pd.RangeIndex(2))


def test_levels_of_every_type_come_back(make: Callable[[dict[str, Any]], Any]) -> None:
    table = Table.from_data(make(DATA))
    for name in ("integer", "boolean", "text", "date", "time", "duration"):
        levels = table.column(name).levels
        assert Table.from_data(to_frame({"level": levels}, table)).column(
            "level"
        ).codes.tolist() == [
            0,
            1,
        ]


def test_columns_are_added_to_a_new_frame(make: Callable[[dict[str, Any]], Any]) -> None:
    data = make(WHOLE)
    table = Table.from_data(data)
    frame = add_columns(table, {"fitted": np.array([0.5, np.nan, 2.5])})
    assert type(frame) is BACK[table.kind]
    assert Table.from_data(data).columns == ("x", "i", "g")
    back = Table.from_data(frame)
    assert back.columns == ("x", "i", "g", "fitted")
    np.testing.assert_array_equal(back.column("fitted").values, [0.5, np.nan, 2.5])
    assert back.column("g").codes.tolist() == [1, 1, 0]


def test_repeated_pandas_index_simply_works() -> None:
    frame = pd.DataFrame(WHOLE, index=[7, 7, 8])
    table = Table.from_data(frame)
    assert table.column("x").values.tolist() == [1.0, 2.0, 3.0]
    added = add_columns(table, {"fitted": np.array([1.0, 2.0, 3.0])})
    assert added.index.tolist() == [7, 7, 8]
    assert added["fitted"].tolist() == [1.0, 2.0, 3.0]
    assert align(frame["x"], "weights", table).tolist() == [1.0, 2.0, 3.0]


def test_modin() -> None:
    modin = pytest.importorskip("modin.pandas")
    table = Table.from_data(modin.DataFrame(WHOLE))
    assert table.kind == "modin"
    assert table.column("g").codes.tolist() == [1, 1, 0]
    assert isinstance(to_frame({"x": [1.0]}, table), modin.DataFrame)


@pytest.fixture
def hide(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make libraries look as if they were not installed."""

    def hide_(*names: str) -> None:
        real = emit.find_spec
        monkeypatch.setattr(emit, "find_spec", lambda name: None if name in names else real(name))

    emit._installed.cache_clear()
    yield hide_
    emit._installed.cache_clear()


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [((), pd.DataFrame), (("pandas",), pl.DataFrame), (("pandas", "polars"), pa.Table)],
)
def test_dict_data_give_the_first_library_installed(
    hide: Callable[..., None], hidden: tuple[str, ...], expected: type
) -> None:
    hide(*hidden)
    assert type(to_frame({"x": [1.0]}, Table.from_data({"x": [1.0]}))) is expected


def test_dict_data_without_any_library(hide: Callable[..., None]) -> None:
    hide("pandas", "polars", "pyarrow")
    with pytest.raises(DataError, match="install pandas, polars or pyarrow"):
        to_frame({"x": [1.0]}, Table.from_data({"x": [1.0]}))


def test_lists_are_no_values() -> None:
    column = Table.from_data(pl.DataFrame({"x": [[1], [2]]})).column("x")
    with pytest.raises(DataError, match=r"neither numbers, text, .* \(List\(Int64\)\)"):
        _ = column.codes
