"""`provenance.md` says of every data set what the catalogue says.

Run this file as a script to write its sections anew after a change of `catalogue.toml`.
"""

from importlib.resources import files
from pathlib import Path

from multilevel import datasets

PROVENANCE = Path(str(files("multilevel.datasets"))) / "provenance.md"


def sections() -> str:
    return "\n".join(datasets.describe(name)._repr_markdown_() for name in datasets.names())


def preamble() -> str:
    return PROVENANCE.read_text(encoding="utf-8").partition("\n## ")[0]


def test_provenance_is_what_the_catalogue_says():
    written = PROVENANCE.read_text(encoding="utf-8")
    assert written == f"{preamble()}\n{sections()}"


def test_every_data_file_is_in_the_catalogue():
    stems = {path.name.removesuffix(".csv.gz") for path in (PROVENANCE.parent / "data").iterdir()}
    assert stems == set(datasets.names())


def test_every_set_states_title_source_licence_and_changes():
    for name in datasets.names():
        description = datasets.describe(name)
        assert description.title
        assert len(description.source) > 20, name
        assert "GPL-2 or later" in description.licence or "CC0-1.0" in description.licence, name
        assert description.changes.endswith("."), name


def test_every_column_is_explained():
    for name in datasets.names():
        for column in datasets.describe(name).columns:
            assert column.about, (name, column.name)
            assert column.kind in ("float", "int", "group", "category", "ordered")
            assert bool(column.levels) == (column.kind in ("category", "ordered"))


def test_the_data_stay_small():
    size = sum(path.stat().st_size for path in (PROVENANCE.parent / "data").iterdir())
    assert size < 2.5e6


if __name__ == "__main__":
    PROVENANCE.write_text(f"{preamble()}\n{sections()}", encoding="utf-8")
