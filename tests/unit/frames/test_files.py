"""Files of every kind give the same frame; files that are not what they seem say so."""

import datetime
import gzip

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from multilevel.exceptions import DataError
from multilevel.frames import files
from multilevel.frames.files import MISSING, read_delimited, read_file

FRAME = pd.DataFrame(
    {"y": [1.5, -2.25, 3.0], "x": [1, 2, 3], "g": ["a", "b", "a"], "z": [0.5, np.nan, 2.0]}
)


def same(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(frame, FRAME, check_dtype=False)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " "])
@pytest.mark.parametrize("ending", [".csv", ".tsv", ".txt", ".CSV", ".csv.gz"])
def test_delimited_text(tmp_path, separator, ending):
    path = tmp_path / f"data{ending}"
    text = FRAME.to_csv(sep=separator, index=False, na_rep="NA").encode()
    path.write_bytes(gzip.compress(text) if ending.endswith("gz") else text)
    same(read_file(path))
    same(read_file(str(path)))


@pytest.mark.parametrize("missing", MISSING)
def test_words_for_missing(missing):
    frame = read_delimited(f"y,x,g\n1,{missing},{missing}\n2,3,a\n".encode(), "d.csv")
    assert frame["x"].isna().tolist() == [True, False]
    assert frame["g"].isna().tolist() == [True, False]


def test_none_is_a_level():
    assert read_delimited(b"y,g\n1,None\n2,Some\n", "d.csv")["g"].tolist() == ["None", "Some"]


def test_decimal_comma():
    frame = read_delimited(b"y;x;label\n1,5;2;a,b\n-3,25;4;c\n", "d.csv")
    assert frame["y"].tolist() == [1.5, -3.25]
    assert frame["label"].tolist() == ["a,b", "c"]


def test_commas_of_thousands_are_not_decimal_commas():
    frame = read_delimited(b"y\tx\n999\t1\n1,234\t2\n", "d.csv")
    assert frame["y"].tolist() == ["999", "1,234"]


def test_decimal_point_beside_a_text_with_comma():
    frame = read_delimited(b"y;x\n1.5;1,5\n3.25;2\n", "d.csv")
    assert frame["y"].tolist() == [1.5, 3.25]


@pytest.mark.parametrize(
    "raw",
    [
        b"\xef\xbb\xbfy,x\n1,2\n",
        b"y,x\r\n1,2\r\n",
        b"y,x\r1,2\r",
        b"\n\ny,x\n\n1,2\n\n",
        b"y , x \n1, 2\n",
        b"y , x\n1 , 2\n",
        b'"y","x"\n"1","2"\n',
        b"y,x\n,\n1,2\n , \n,\n",
    ],
)
def test_variants_of_plain_text(raw):
    assert read_delimited(raw, "d.csv").to_dict("list") == {"y": [1], "x": [2]}


def test_row_names_of_r_are_a_column():
    frame = read_delimited(b'"","y","x"\n"1",5,6\n"2",7,8\n', "d.csv")
    assert frame["y"].tolist() == [5, 7]


def test_encodings():
    text = "größe,x\n1,2\n"
    for encoding in ("utf-8", "latin-1", "utf-16", "cp1252"):
        frame = read_delimited(text.encode(encoding), "d.csv", encoding)
        assert list(frame.columns) == ["größe", "x"]


BAD_TEXT = [
    (b"", "utf-8", "d.csv is empty"),
    (b" \n \n", "utf-8", "d.csv is empty"),
    (b"y\n1\n2\n", "utf-8", "d.csv has one column only"),
    (b"y,x,x\n1,2,3\n", "utf-8", "the header has x twice. Rename one of them"),
    (b"y,x\n1,2,\n", "utf-8", "the header has 2 columns, but the line below it has 3"),
    (b"Study 1\ny,x\n1,2\n", "utf-8", "first line must name the columns: delete lines above it"),
    (b'"y" "x"\n"1" 1 2\n', "utf-8", "the header has 2 columns, but the line below it has 3"),
    (b"y,x\n1,2\n1,2,3\n", "utf-8", "Expected 2 fields in line 3, saw 3"),
    (b'y,x\n1,"2\n', "utf-8", "EOF inside string"),
    ("y,x\n1,é\n".encode("latin-1"), "utf-8", r"not utf-8 text \(line 2, byte 0xe9\).*latin-1"),
    ("y,x\n1,2\n".encode("utf-16"), "utf-8", "is UTF-16 text, not UTF-8; try --encoding utf-16"),
    (b"y,x\n1,\x002\n", "utf-8", "is not plain text: it has zero bytes.*try --encoding utf-16-le"),
    (b"y,x\n1,2\n", "klingon", "no encoding 'klingon'; try latin-1"),
    (gzip.compress(b"y,x\n1,2\n")[:-6], "utf-8", "d.csv is a damaged gzip file"),
]


@pytest.mark.parametrize(("raw", "encoding", "message"), BAD_TEXT)
def test_text_that_cannot_be_read(raw, encoding, message):
    with pytest.raises(DataError, match=message):
        read_delimited(raw, "d.csv", encoding)


def test_parquet_and_feather(tmp_path):
    frame = FRAME.assign(g=pd.Categorical(FRAME["g"], categories=["b", "a"]))
    frame.to_parquet(tmp_path / "d.parquet")
    frame.to_feather(tmp_path / "d.feather")
    for name in ("d.parquet", "d.feather"):
        pd.testing.assert_frame_equal(read_file(tmp_path / name), frame)


LABELS = {"sex": {1: "male", 2: "female"}, "scale": {1: "never", 7: "always"}}


def labelled() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "y": [1.5, np.nan, 3.0],
            "sex": [2.0, 1.0, np.nan],
            "scale": [1.0, 4.0, 7.0],
            "name": ["b", "a", "ß"],
        }
    )


@pytest.mark.parametrize("ending", ["dta", "sav", "zsav"])
def test_stata_and_spss(tmp_path, ending):
    path = tmp_path / f"d.{ending}"
    if ending == "dta":
        pyreadstat.write_dta(labelled(), str(path), variable_value_labels=LABELS)
    else:
        compress = ending == "zsav"
        pyreadstat.write_sav(labelled(), str(path), variable_value_labels=LABELS, compress=compress)
    frame = read_file(path)
    assert frame["y"].isna().tolist() == [False, True, False]
    assert frame["sex"].dtype.categories.tolist() == ["male", "female"]
    assert frame["sex"].tolist()[:2] == ["female", "male"]
    assert frame["sex"].isna().tolist() == [False, False, True]
    assert frame["scale"].tolist() == [1.0, 4.0, 7.0], "labels for some values leave numbers"
    assert frame["name"].tolist() == ["b", "a", "ß"]


def test_labels_used_twice_leave_the_values(tmp_path):
    labels = {"sex": {1: "other", 2: "other"}}
    pyreadstat.write_sav(labelled(), str(tmp_path / "d.sav"), variable_value_labels=labels)
    assert read_file(tmp_path / "d.sav")["sex"].tolist()[:2] == [2.0, 1.0]


def test_sas_transport_file(tmp_path):
    frame = FRAME.assign(day=datetime.date(2020, 1, 2))
    pyreadstat.write_xport(frame, str(tmp_path / "d.xpt"))
    read = read_file(tmp_path / "d.xpt")
    np.testing.assert_array_equal(read["y"], FRAME["y"])
    assert read["g"].tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    "name", ["d.parquet", "d.feather", "d.dta", "d.sav", "d.sas7bdat", "d.xpt"]
)
def test_files_that_are_something_else(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"y,x\n1,2\n" * 100)
    with pytest.raises(DataError, match=rf"{name} cannot be read as \.{path.suffix[1:]}: "):
        read_file(path)


@pytest.mark.parametrize("ending", [*files.DELIMITED, *files.COLUMNAR, *files.STATISTICAL])
def test_no_file_and_a_folder(tmp_path, ending):
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / f"nothing{ending}")
    folder = tmp_path / f"folder{ending}"
    folder.mkdir()
    with pytest.raises(IsADirectoryError):
        read_file(folder)


def test_unknown_endings(tmp_path):
    with pytest.raises(DataError, match=r"d.xlsx: .xlsx is not a known kind; use .csv, .*.sav"):
        read_file(tmp_path / "d.xlsx")
    with pytest.raises(DataError, match="data: no ending is not a known kind"):
        read_file(tmp_path / "data")
    with pytest.raises(DataError, match=r"only delimited text \(.csv, .tsv, .txt\) may be .gz"):
        read_file(tmp_path / "d.sav.gz")


def test_a_missing_reader_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "find_spec", lambda name: None)
    for ending, module in ((".sav", "pyreadstat"), (".parquet", "pyarrow")):
        path = tmp_path / f"d{ending}"
        path.touch()
        with pytest.raises(
            DataError, match=rf'needs {module}.*not installed; pip install "multilevel\[io\]"'
        ):
            read_file(path)


def test_addresses_are_not_files():
    with pytest.raises(DataError, match="is an address; download the file"):
        read_file("https://a.org/d.csv")


def test_folders_sheets_and_missing_headers_are_told(tmp_path):
    with pytest.raises(DataError, match="is a folder; name a file in it"):
        read_file(tmp_path)
    with pytest.raises(DataError, match="Save the sheet as CSV in the spreadsheet program"):
        read_file(tmp_path / "d.xlsx")
    with pytest.raises(DataError, match=r"has 0 twice. Is the first line no header\?"):
        read_delimited(b"0,0,1\n1,2,3\n", "d.csv")
