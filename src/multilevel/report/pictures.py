"""Figures as SVG: inside a page, where they follow its colours, or as files of their own."""

from __future__ import annotations

import re
from io import StringIO
from textwrap import wrap
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from multilevel.exceptions import MultilevelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

    from multilevel.report.document import Picture

__all__ = ["svg", "svg_file"]

_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")

# Colours of multilevel.plot as the page's own, each with what it is outside of a report. What is
# not here (the colours of a scale) stays as it was drawn.
_COLOURS = {
    "#000000": "currentColor",
    "#222222": "currentColor",
    "#777777": "var(--mlm-muted, #767676)",
    "#dddddd": "var(--mlm-grid, rgba(128, 128, 128, 0.3))",
    "#ffffff": "var(--mlm-paper, transparent)",
    "#e8f1f8": "rgba(0, 114, 178, 0.1)",
    "#0072b2": "var(--mlm-blue, #0072b2)",
    "#d55e00": "var(--mlm-vermilion, #d55e00)",
    "#009e73": "var(--mlm-green, #009e73)",
    "#e69f00": "var(--mlm-orange, #e69f00)",
    "#56b4e9": "var(--mlm-sky, #56b4e9)",
    "#cc79a7": "var(--mlm-purple, #cc79a7)",
}
_PAGE = ("#ffffff", "#dddddd")  # areas in these have the page's colours
_BLACK = "#000001"  # black that stays black
_COLOUR = re.compile("|".join(_COLOURS))
_FONT = re.compile(r"font: ((?:[\w.]+ )*[\d.]+px)[^;]*")

_NARROW = 4.8  # inches of a single panel: at the width of a phone its text can still be read
_PANEL = 3.2  # inches of one of two panels beside each other
_MOST_POINTS = 1500  # more marks than this become an image
_MOST_VERTICES = 6000  # of all lines in a panel
_DPI = 150


def svg(picture: Picture, prefix: str = "") -> str:
    """Draw a figure as SVG to stand inside of a page.

    Parameters
    ----------
    picture : Picture
        The figure.
    prefix : str
        Begins all identifiers, so that they are unique in the page; the figure's name by default.

    Returns
    -------
    str
        An ``svg`` element with a title and a description. Axes and text have the colour of the text
        around it; colours of data are CSS variables (``--mlm-blue``, ...) with a default.
    """
    prefix = prefix or f"figure-{picture.name}"
    figure = _prepared(picture)
    root = _drawn(figure, "none", prefix, transparent=True)
    _unique(root, prefix)
    _recolour(root)
    root.set("class", "mlm-figure mlm-scale" if _has_scale(figure) else "mlm-figure")
    return _labelled(root, picture, prefix)


def svg_file(picture: Picture) -> str:
    """Draw a figure as an SVG file: text as paths, on white, as it is in print."""
    root = _drawn(_prepared(picture), "path", picture.name, transparent=False)
    return ElementTree.tostring(root, encoding="unicode")


def _prepared(picture: Picture) -> Figure:
    try:
        figure = picture.draw()
    except MultilevelError as error:  # the report stands without it
        figure = _words(f"This figure could not be drawn. {error}")
    _resize(figure)
    _simplify(figure)
    _keep_ink(figure)
    return figure


def _words(text: str) -> Figure:
    """A figure that says why there is none."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_NARROW, 1.2))
    wrapped = "\n".join(wrap(text.replace("$", r"\$"), 80))
    figure.text(0.02, 0.5, wrapped, va="center", fontsize=8)
    return figure


def _drawn(figure: Figure, fonts: str, salt: str, *, transparent: bool) -> ElementTree.Element:
    import matplotlib

    text = StringIO()
    with matplotlib.rc_context({"svg.fonttype": fonts, "svg.hashsalt": salt}):
        _lay_out(figure)
        figure.savefig(
            text,
            format="svg",
            transparent=transparent,
            dpi=_DPI,
            metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
        )
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    root = ElementTree.fromstring(text.getvalue())
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    return root


def _lay_out(figure: Figure) -> None:
    """Find the places of the parts once, so that saving need not draw twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine("none")


def _resize(figure: Figure) -> None:
    """Make a figure fit the column of a report: at most two panels beside each other."""
    width, height = figure.get_size_inches()
    panels = figure.axes
    grids = [spec.get_gridspec() for axes in panels if (spec := axes.get_subplotspec()) is not None]
    if len(grids) == len(panels) and len(set(map(id, grids))) == 1 and grids[0].ncols > 2:
        rows = -(-len(panels) // 2)
        two = figure.add_gridspec(rows, 2)
        for place, axes in enumerate(panels):
            axes.set_subplotspec(two[place // 2, place % 2])
        _label_outer(panels)
        figure.set_size_inches(2.0 * _PANEL, 0.95 * rows * height / grids[0].nrows)
        return
    most = _NARROW if len(grids) < 2 else 2.0 * _PANEL
    if width > most:
        figure.set_size_inches(most, height * (most / width) ** 0.5)


def _label_outer(panels: list[Any]) -> None:
    """Panels in two columns that share an axis have its numbers at the left, and at the bottom."""
    for place, axes in enumerate(panels):
        if axes.get_shared_y_axes().joined(panels[0], axes):
            axes.tick_params(labelleft=place % 2 == 0)
        if axes.get_shared_x_axes().joined(panels[0], axes):
            axes.tick_params(labelbottom=place + 2 >= len(panels))


def _simplify(figure: Figure) -> None:
    """Many marks become an image inside the figure: a page stays small.

    A line in the colour of the text stays as it is, because an image cannot follow that colour.
    """
    for artist in _crowds(figure):
        artist.set_rasterized(True)


def _crowds(figure: Figure) -> Iterator[Any]:
    """Artists that are too many, or have too many marks, to be drawn one by one."""
    from matplotlib.collections import Collection
    from matplotlib.colors import to_hex
    from matplotlib.lines import Line2D

    for axes in figure.axes:
        lines: list[Any] = [one for one in axes.get_children() if isinstance(one, Line2D)]
        lines = [one for one in lines if _COLOURS.get(to_hex(one.get_color())) != "currentColor"]
        many = sum(len(line.get_xdata()) for line in lines) > _MOST_VERTICES
        yield from (line for line in lines if many or _has_crowd(line))
        for one in axes.get_children():
            if isinstance(one, Collection) and _size(one) > _MOST_POINTS:
                yield one


def _has_crowd(line: Any) -> bool:
    points = len(line.get_xdata())
    return bool(points > _MOST_POINTS and line.get_marker() not in ("None", "", None))


def _size(collection: Any) -> int:
    """Marks or pieces of line of a collection; a band has few paths of many vertices."""
    from matplotlib.collections import LineCollection

    paths = collection.get_paths()
    if isinstance(collection, LineCollection):
        return sum(len(path.vertices) for path in paths)
    return max(len(collection.get_offsets()), len(paths))


def _keep_ink(figure: Figure) -> None:
    """Black text on a coloured area stays black when the page is dark."""
    from matplotlib.colors import to_hex

    for axes in figure.axes:
        coloured = [p for p in axes.patches if to_hex(p.get_facecolor()) not in _PAGE]
        for text in axes.texts:
            if to_hex(text.get_color()) != "#000000" or text.get_transform() != axes.transData:
                continue
            x, y = axes.transData.transform(text.get_position())
            if any(patch.contains_point((x, y)) for patch in coloured):
                text.set_color(_BLACK)


def _has_scale(figure: Figure) -> bool:
    """Whether colours stand for numbers, so that they may not be changed."""
    return any(
        getattr(one, "get_array", lambda: None)() is not None
        for axes in figure.axes
        for one in axes.get_children()
    )


def _unique(root: ElementTree.Element, prefix: str) -> None:
    """Keep the identifiers that are referred to, with a prefix; drop all others."""
    text = ElementTree.tostring(root, encoding="unicode")
    used = set(_REFERENCE.findall(text)) | set(re.findall(r'href="#([^"]+)"', text))
    for element in root.iter():
        own = element.attrib.pop("id", None)
        if own in used:
            element.set("id", f"{prefix}-{own}")
        for name, value in list(element.attrib.items()):
            if name.endswith("href") and value.startswith("#"):
                element.set(name, f"#{prefix}-{value[1:]}")
            elif "url(#" in value:
                element.set(name, _REFERENCE.sub(rf"url(#{prefix}-\1)", value))


def _recolour(root: ElementTree.Element) -> None:
    """Colours of axes, text and data become those of the page; its font is the text's."""
    for element in root.iter():
        for name in ("style", "fill", "stroke"):
            value = element.get(name)
            if value is not None:
                value = _COLOUR.sub(lambda found: _COLOURS[found.group()], value)
                element.set(name, _FONT.sub(r"font: \1 var(--mlm-figure-font, sans-serif)", value))
        if element.tag == f"{{{_SVG}}}text" and "fill" not in element.get("style", ""):
            element.set("style", f"{element.get('style', '')}; fill: currentColor")


def _labelled(root: ElementTree.Element, picture: Picture, prefix: str) -> str:
    """Name and describe the figure for those who cannot see it; let it take any width."""
    width, height = (float(root.attrib.pop(one).removesuffix("pt")) for one in ("width", "height"))
    root.attrib.pop("version", None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{prefix}-title {prefix}-desc")
    # the width in which text of 8 points is 8 pixels: less can hardly be read
    root.set("style", f"width: 100%; min-width: {width:.0f}px; max-width: {width * 1.6:.0f}px")
    root.set("viewBox", f"0 0 {width:g} {height:g}")
    title, alt = (text.replace("`", "") for text in (picture.title, picture.alt))
    title = title if title.endswith((".", "?", "!")) else f"{title}."
    for place, (name, text) in enumerate((("title", title), ("desc", alt))):
        element = ElementTree.Element(f"{{{_SVG}}}{name}", {"id": f"{prefix}-{name}"})
        element.text = text
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode")
