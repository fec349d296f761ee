"""A report as a browser shows it: on a phone and a desk, light and dark, and on paper."""

import re
import zlib
from itertools import pairwise
from pathlib import Path

import pytest

import chromium
import multilevel as mlm
from multilevel.report.document_files import write_document
from sample_report import sample_document

pytestmark = pytest.mark.skipif(
    chromium.find() is None,
    reason="there is no Chromium: apt-get install chromium (.ci/run does)",
)

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, level AA
LEAST_LABEL = 7.5  # pixels: a smaller label of a figure can hardly be read
LARGEST = 3_000_000  # bytes of a report: to be mailed, and to open at once
PAGE = 658  # A4 without its margins, at the 96 pixels of an inch of CSS
SIZES = (390, 1280)

FIGURES = """
[...document.querySelectorAll("figure.picture")].map(figure => {
  const box = figure.getBoundingClientRect(), svg = figure.querySelector("svg");
  const drawn = svg.getBoundingClientRect(), scroll = figure.querySelector(".scroll");
  const labels = [...svg.querySelectorAll("text")].map(
    text => parseFloat(getComputedStyle(text).fontSize) * drawn.width / svg.viewBox.baseVal.width);
  return {left: box.left, right: box.right, width: drawn.width, height: drawn.height,
          scrolls: getComputedStyle(scroll).overflowX, smallest: Math.min(...labels)};
})
"""

# Ratio of luminances (WCAG 2.2) of all text and what is behind it.
CONTRASTS = r"""
(() => {
  const context = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = colour => {
    context.clearRect(0, 0, 1, 1); context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const luminance = colour => {
    const [r, g, b] = colour.slice(0, 3).map(x => x / 255)
      .map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = element => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour[3] > 0) return colour;
    }
    return [255, 255, 255, 255];
  };
  const behind = element => {
    if (!element.closest("svg")) return page(element);
    element.scrollIntoView({block: "center", inline: "center"});
    const box = element.getBoundingClientRect();
    const at = [box.left + box.width / 2, box.top + box.height / 2];
    const shape = document.elementsFromPoint(...at).find(one => one.closest("svg")
      && !["svg", "text", "tspan", "image"].includes(one.tagName)
      && getComputedStyle(one).fill !== "none" && rgba(getComputedStyle(one).fill)[3] === 255);
    return shape ? rgba(getComputedStyle(shape).fill) : page(element);
  };
  const found = {}, walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, style = getComputedStyle(element);
    if (!walker.currentNode.data.trim() || element.closest("script, style, title, desc")) continue;
    const colour = rgba(element.closest("svg") ? style.fill : style.color);
    const [a, b] = [luminance(colour), luminance(behind(element))].sort((x, y) => y - x);
    const where = `${element.tagName}.${element.className.baseVal ?? element.className}`;
    found[where] = Math.min(found[where] ?? 21, (a + 0.05) / (b + 0.05));
  }
  return found;
})()
"""

OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


ANALYSES = {
    "hsb": lambda: mlm.analyze(
        mlm.datasets.load("hsb"), "math", "school", level1=["ses", "minority"], level2=["sector"]
    ),
    "sleepstudy": lambda: mlm.analyze(
        mlm.datasets.load("sleepstudy"), "Reaction", "Subject", time="Days"
    ),
}


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    """A document with every kind of block."""
    return write_document(sample_document(), tmp_path_factory.mktemp("report") / "report.html")


@pytest.fixture(scope="module", params=sorted(ANALYSES))
def report(request, tmp_path_factory) -> Path:
    """The report of a whole analysis."""
    return ANALYSES[request.param]().report(tmp_path_factory.mktemp("analysis") / "report.html")


@pytest.fixture(scope="module")
def browser():
    with chromium.Chromium() as running:
        yield running


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_opens_without_complaint_and_without_the_network(browser, page, width, dark):
    browser.open(page, width, dark=dark)
    assert browser.complaints() == []
    assert browser.requests() == [page.as_uri()]


@pytest.mark.parametrize("width", SIZES)
def test_every_figure_is_visible_and_the_page_does_not_scroll_sideways(browser, page, width):
    browser.open(page, width)
    assert browser.evaluate(OVERFLOW) == 0
    figures = browser.evaluate(FIGURES)
    assert len(figures) == 4
    for figure in figures:
        assert figure["left"] >= 0.0
        assert figure["right"] <= width
        assert figure["width"] > 0.75 * min(width, 400)
        assert figure["height"] > 100.0
        assert figure["width"] <= figure["right"] - figure["left"] or figure["scrolls"] == "auto"
        assert figure["smallest"] * 8 / 7 >= LEAST_LABEL  # remarks are of 7 points, ticks of 8


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_all_text_can_be_read(browser, page, dark):
    browser.open(page, 1280, dark=dark)
    contrasts = browser.evaluate(CONTRASTS)
    assert {"P.headline", "CAPTION.", "TD.n", "SPAN.number", "FIGCAPTION.", "text."} <= set(
        contrasts
    )
    assert {where: ratio for where, ratio in contrasts.items() if ratio < LEAST_CONTRAST} == {}


def test_the_button_changes_the_colours(browser, page):
    background = "getComputedStyle(document.body).backgroundColor"
    browser.open(page, 1280)
    light = browser.evaluate(background)
    assert browser.evaluate("document.getElementById('theme').textContent") == "Dark colours"
    browser.evaluate("document.getElementById('theme').click()")
    assert browser.evaluate(background) != light
    assert browser.evaluate("document.getElementById('theme').textContent") == "Light colours"
    assert min(browser.evaluate(CONTRASTS).values()) >= LEAST_CONTRAST
    browser.evaluate("document.getElementById('theme').click()")
    assert browser.evaluate(background) == light


def test_contents_are_open_on_a_desk_and_closed_on_a_phone(browser, page):
    is_open = "document.getElementById('contents').open"
    browser.open(page, 1280)
    assert browser.evaluate(is_open) is True
    browser.open(page, 390)
    assert browser.evaluate(is_open) is False


def test_what_assistive_technology_gets_is_in_order(browser, page):
    browser.open(page, 1280)
    nodes = browser.send("Accessibility.getFullAXTree")["nodes"]
    roles = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if "role" in n]
    pictures = [name for role, name in roles if role in ("image", "img", "graphics-document")]
    assert pictures == [
        "Rows per school. Histogram of rows per group: 160 schools, 14 to 67 rows.",
        "Slopes of cses against intercepts. Scatter of 160 schools: predicted slopes against "
        "predicted intercepts.",
        "Residuals against fitted values. Scatter of 7,185 residuals; their spread is the same "
        "everywhere.",
        "Assumptions at a glance. Panels of residuals, normality, random effects and predicted "
        "data.",
    ]
    headings = [name for role, name in roles if role == "heading"]
    assert headings[:4] == [
        "Multilevel analysis of math in schools",
        "Summary",
        "1 Structure of the data",
        "Sizes",
    ]
    tables = [name for role, name in roles if role == "table"]
    assert tables[0] == "Table 1. Rows per group"
    ids = browser.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_print_has_all_and_cuts_nothing(browser, page):
    browser.open(page, 1280)
    assert max(_right_edges_in_print(browser)) <= PAGE + 1.0
    for hidden in (".contents", "#theme"):
        assert (
            browser.evaluate(f"getComputedStyle(document.querySelector('{hidden}')).display")
            == "none"
        )
    raw = browser.pdf()
    assert raw.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", raw + _objects(raw))) <= 8
    assert browser.evaluate("document.querySelector('details.rules').open") is False


def test_reports_of_analyses_are_sound(browser, report):
    assert report.stat().st_size < LARGEST
    for width in SIZES:
        browser.open(report, width)
        assert browser.complaints() == []
        assert browser.requests() == [report.as_uri()]
        assert browser.evaluate(OVERFLOW) == 0
        figures = browser.evaluate(FIGURES)
        assert len(figures) >= 10
        for figure in figures:
            assert 0.0 <= figure["left"] < figure["right"] <= width
            assert min(figure["width"], figure["height"]) > 50.0
    for dark in (False, True):
        browser.open(report, 1280, dark=dark)
        contrasts = browser.evaluate(CONTRASTS)
        assert {at: ratio for at, ratio in contrasts.items() if ratio < LEAST_CONTRAST} == {}


def test_reports_of_analyses_are_in_order(browser, report):
    browser.open(report, 1280)
    headings = browser.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(h => h.tagName)")
    levels = [int(tag[1]) for tag in headings]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    titles = browser.evaluate("[...document.querySelectorAll('h2')].map(h => h.textContent)")
    assert [title.split()[0] for title in titles] == ["Summary", *"12345678", "References"]
    alts = browser.evaluate("[...document.querySelectorAll('svg > desc')].map(d => d.textContent)")
    assert all(len(alt) > 20 for alt in alts)
    assert len(alts) == browser.evaluate("document.querySelectorAll('svg.mlm-figure').length")
    ids = browser.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_reports_of_analyses_print(browser, report):
    browser.open(report, 1280)
    assert max(_right_edges_in_print(browser)) <= PAGE + 1.0
    assert browser.pdf().startswith(b"%PDF")


def _right_edges_in_print(browser) -> list[float]:
    """Right edges of what could be cut, on a page of A4 without its margins."""
    browser.send("Emulation.setEmulatedMedia", media="print")
    browser.send(
        "Emulation.setDeviceMetricsOverride",
        width=PAGE,
        height=900,
        deviceScaleFactor=1,
        mobile=False,
    )
    what = "main table, main svg, main pre, .equation"
    return browser.evaluate(
        f"[...document.querySelectorAll('{what}')].map(one => one.getBoundingClientRect().right)"
    )


def _objects(raw: bytes) -> bytes:
    """Compressed parts of a PDF file, those that can be unpacked."""
    parts = []
    for packed in re.findall(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
        try:
            parts.append(zlib.decompress(packed))
        except zlib.error:
            continue
    return b"\n".join(parts)
