"""A document as text, HTML, Markdown, Typst and files."""

import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from multilevel.report.document import (
    Bullets,
    DataTable,
    Document,
    Note,
    Paragraph,
    Picture,
    Section,
)
from multilevel.report.document_files import write_document
from multilevel.report.document_html import document_fragment, document_page
from multilevel.report.document_markdown import document_markdown
from multilevel.report.document_text import WIDTH, document_text
from multilevel.report.document_typst import document_typst
from multilevel.report.pictures import svg, svg_file
from sample_report import sample_document

NASTY = '<script>alert("x")</script> & *a* _b_ #c $d$ [e](f) \\g | h @i =j'
PLAIN = {"term": ["a"], "estimate": [1.0]}


@pytest.fixture(scope="module")
def document():
    return sample_document()


@pytest.fixture(scope="module")
def page(document):
    return document_page(document)


def with_blocks(*blocks, notes=()):
    section = Section(1, "one", "One", "First.", blocks, (), notes)
    return Document("T", (), (), (section,))


class Reader(HTMLParser):
    """Tags, identifiers, and the text that a reader sees."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.attributes, self.data, self._hidden = [], [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.tags.append(tag)
        self.attributes.append((tag, found))
        self._hidden += tag in ("style", "script")
        if "id" in found:
            self.ids.append(found["id"])

    def handle_endtag(self, tag):
        self._hidden -= tag in ("style", "script")

    def handle_data(self, data):
        if not self._hidden:
            self.data.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.data))


# -- text ------------------------------------------------------------------------------------------


def test_text_has_every_block_and_fits_a_terminal(document):
    text = document_text(document)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert not any(line != line.rstrip() for line in text.splitlines())
    for piece in (
        "Multilevel analysis of `math` in schools\n====",
        "1. Structure of the data\n====",
        "Sizes\n-----",
        "- `ses` varies within groups.",
        "Rows per group:\n",
        "[Figure: Rows per school. Histogram of rows per group: 160 schools, 14 to 67 rows.]",
        "level 2: β_0j = γ_00",
        "STRUCT-FEWGROUPS: Are 160 schools enough? 160 groups; rule: at least 50 → enough",
        "[i] STRUCT-COUNT: `math` is no count",
        "[!!] FIT-FAILED: ",
        '    print("<fit>")',
        "References\n====",
    ):
        assert piece in text


def test_sections_print_and_show_themselves(document):
    section = document.sections[0]
    assert str(section) == repr(section)
    assert str(section).startswith("1. Structure of the data\n")
    assert Reader(section._repr_html_()).tags.count("table") == 2


# -- HTML ------------------------------------------------------------------------------------------


def test_page_is_one_file_without_addresses_that_are_loaded(page):
    read = Reader(page)
    loaded = [
        found.get("src") or found.get("href")
        for tag, found in read.attributes
        if tag in ("script", "link", "img", "iframe") and (found.get("src") or found.get("href"))
    ]
    assert [one for one in loaded if not one.startswith("data:")] == []
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_page_has_landmarks_language_and_unique_identifiers(page):
    read = Reader(page)
    assert dict(read.attributes)["html"]["lang"] == "en"
    for tag in ("header", "nav", "main", "h1"):
        assert read.tags.count(tag) == 1
    assert len(read.ids) == len(set(read.ids))
    referred = re.findall(r'(?:aria-labelledby|href)="#?([^"]*)"', page)
    names = {name for one in referred for name in one.split() if not re.match("https?:|data:", one)}
    assert names <= set(read.ids)


def test_headings_go_down_one_by_one(page):
    levels = [int(tag[1]) for tag in Reader(page).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_scopes(page):
    read = Reader(page)
    assert read.tags.count("caption") == read.tags.count("table") == 4
    assert all("scope" in found for tag, found in read.attributes if tag == "th")


def test_figures_have_names_and_descriptions(document, page):
    alts = [p.alt for section in document.sections for p in section.figures.values()]
    descriptions = re.findall(r"<desc[^>]*>([^<]*)</desc>", page)
    assert descriptions == alts
    assert page.count('role="img"') == len(alts)


def test_equations_have_real_subscripts(page):
    assert "β<sub>0j</sub> = γ<sub>00</sub>" in page
    assert "σ<sup>2</sup>" in page


def test_nothing_in_the_text_is_markup(document):
    blocks = (
        Paragraph(NASTY, NASTY),
        Bullets((NASTY, f"`{NASTY.replace('`', '')}`")),
        DataTable("t", NASTY, {"term": [NASTY], NASTY: [1.0]}, note=NASTY),
    )
    nasty = replace(
        with_blocks(*blocks, notes=(Note("A-B", NASTY),)),
        title=NASTY,
        facts=((NASTY, NASTY),),
        summary=(NASTY,),
        references=(NASTY,),
    )
    for text in (document_page(nasty), document_fragment(nasty)):
        assert "<script>alert" not in text
        assert Reader(text).text.count("alert") >= 10
    assert not re.search(r"(?<![\\`])<script>", document_markdown(nasty, {}))


def test_addresses_in_references_are_links(page):
    assert '<a href="https://doi.org/10.1027/1614-2241.1.3.86">' in page


def test_two_renderings_are_the_same(document, page):
    assert document_page(document) == page


# -- figures ---------------------------------------------------------------------------------------


def test_figures_are_small_even_with_many_points(document):
    residuals = document.sections[2].figures["residuals"]
    assert len(svg(residuals)) < 400_000
    assert "<image" in svg(residuals)


def test_identifiers_of_a_figure_begin_with_its_prefix(document):
    root = ElementTree.fromstring(svg(document.sections[1].figures["slopes"], "here"))
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) > 2
    assert all(one.startswith("here-") for one in ids)
    text = ElementTree.tostring(root, encoding="unicode")
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_axes_have_the_colour_of_the_text_around(document):
    text = svg(document.sections[0].figures["sizes"])
    assert "currentColor" in text
    assert not re.search(
        "#(?:000000|222222|777777|ffffff)", text.replace("var(--mlm-muted, #767676)", "")
    )
    assert "<text" in text


def test_many_panels_are_put_in_two_columns(document):
    root = ElementTree.fromstring(svg(document.sections[2].figures["check"]))
    width = float(root.get("viewBox").split()[2])
    assert width < 7.0 * 72


def test_files_of_figures_stand_alone(document):
    root = ElementTree.fromstring(svg_file(document.sections[0].figures["sizes"]))
    text = ElementTree.tostring(root, encoding="unicode")
    assert "<text" not in text
    assert "var(" not in text


def test_drawing_leaves_no_figure_open(document):
    from matplotlib import pyplot

    svg(document.sections[0].figures["sizes"])
    assert pyplot.get_fignums() == []


# -- Markdown and PDF ------------------------------------------------------------------------------


def test_markdown_is_written_with_its_figures(document, tmp_path):
    path = write_document(document, tmp_path / "a report.md")
    text = path.read_text(encoding="utf-8")
    addresses = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)
    assert addresses[0] == "a%20report_files/01_sizes.svg"
    assert len(addresses) == 4
    assert sorted(p.name for p in (tmp_path / "a report_files").iterdir()) == [
        address.partition("/")[2] for address in addresses
    ]
    assert "| cses:sector\\[T.Catholic\\] | −1.35 |" in text.replace("fixed | ", "")
    assert "**Table 3. Variances and correlations**" in text
    assert "> **Problem** (`FIT-FAILED`): One model of the ladder" in text
    assert "```python\nimport multilevel as mlm" in text


def test_bars_in_cells_of_markdown_are_escaped():
    table = DataTable("t", "T", {"term": ["`(1 | g)`", "a|b"], "n_rows": [1, 2]})
    text = document_markdown(with_blocks(table), {})
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {3}


def test_pdf_is_tagged_and_has_an_outline(document, tmp_path):
    pytest.importorskip("typst")
    raw = write_document(document, tmp_path / "report.pdf").read_bytes()
    assert raw.startswith(b"%PDF-1.7")
    for part in (b"/StructTreeRoot", b"/Outlines", b"/Lang", b"pdfuaid"):
        assert part in raw


def test_nothing_in_the_text_is_typst(tmp_path):
    pytest.importorskip("typst")
    blocks = (Paragraph(NASTY, "H"), DataTable("t", "T", {"term": [NASTY], "estimate": [1.0]}))
    nasty = replace(with_blocks(*blocks), title='a "quoted" \\ title', facts=(("#a", "$b$"),))
    assert write_document(nasty, tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")


def test_wide_tables_are_cut_into_parts_in_the_pdf():
    wide = {"term": ["a"], **{f"some_column_{i}": [1.25] for i in range(20)}}
    text = document_typst(with_blocks(DataTable("t", "T", wide)), {})
    assert text.count("table.header") > 1
    assert text.count('[#"a"]') == text.count("table.header")


def test_without_typst_the_message_says_what_to_do(document, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(ImportError, match=r"pip install 'multilevel\[pdf\]'.*\.html"):
        write_document(document, tmp_path / "report.pdf")


@pytest.mark.parametrize("name", ["report.docx", "report"])
def test_other_endings_are_refused(document, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.html, \.md or \.pdf"):
        write_document(document, tmp_path / name)


def test_a_document_may_be_almost_empty(tmp_path):
    bare = with_blocks(DataTable("t", "T", PLAIN))
    for ending in ("html", "md", "pdf"):
        assert write_document(bare, tmp_path / f"bare.{ending}").stat().st_size > 0
    assert not (tmp_path / "bare_files").exists()
    assert document_text(bare).startswith("T\n=\n\n1. One")


def test_a_failing_figure_is_not_silent():
    broken = Picture("p", "P", "alt", lambda: 1 / 0, dict)
    with pytest.raises(ZeroDivisionError):
        document_page(with_blocks(broken))
