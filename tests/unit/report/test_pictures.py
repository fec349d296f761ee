"""Figures in reports."""

import multilevel as mlm
from multilevel.report.document import Picture
from multilevel.report.pictures import svg


def test_a_figure_that_cannot_be_drawn_says_why():
    def refuse():
        raise mlm.exceptions.DataError("no $x$ in `a` & <b>")

    text = svg(Picture("lost", "A figure", "What it would show", refuse, refuse))
    assert "This figure could not be drawn. no $x$ in `a` &amp; &lt;b&gt;" in text
