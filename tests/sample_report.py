"""A document with every kind of block, of real fits: what the tests of all renderings render."""

from functools import lru_cache

import multilevel as mlm
from multilevel import plot
from multilevel.report.document import (
    Bullets,
    Code,
    DataTable,
    Decision,
    Document,
    Equations,
    Note,
    Paragraph,
    Picture,
    Section,
)

FORMULA = "math ~ meanses + cses * sector + (cses | school)"


@lru_cache(maxsize=1)
def sample_document() -> Document:
    """High School & Beyond, a random slope and a cross-level interaction."""
    data = mlm.datasets.load("hsb", "pandas")
    fit = mlm.lmer(FORMULA, data)
    return Document(
        title="Multilevel analysis of `math` in schools",
        summary=(
            "7,185 rows in 160 schools (14–67 per school, mean 44.9).",
            "18.0% of the variance of `math` lies between schools: a < b & c > d.",
        ),
        facts=(("Outcome", "`math`"), ("Rows", "7,185"), ("Model", f"`{FORMULA}`")),
        sections=(_structure(data), _models(fit), _checks(fit)),
        references=(
            "Maas, C. J. M., & Hox, J. J. (2005). Sufficient sample sizes for multilevel modeling. "
            "Methodology, 1(3), 86–92. https://doi.org/10.1027/1614-2241.1.3.86",
            "Raudenbush, S. W., & Bryk, A. S. (2002). Hierarchical linear models (2nd ed.). Sage.",
        ),
    )


def _structure(data) -> Section:
    sizes = data.groupby("school").size()
    table = {
        "group": ["school"],
        "n_groups": [160],
        "smallest": [int(sizes.min())],
        "mean": [float(sizes.mean())],
        "largest": [int(sizes.max())],
        "icc": [0.18035],
        "balanced": [False],
    }
    sizes_picture = Picture(
        "sizes",
        "Rows per school",
        "Histogram of rows per group: 160 schools, 14 to 67 rows.",
        lambda: plot.group_sizes(data, "school"),
        lambda: plot.group_sizes_data(data, "school"),
    )
    return Section(
        number=1,
        name="structure",
        title="Structure of the data",
        headline="7,185 rows in 160 schools (14–67 per school, mean 44.9).",
        blocks=(
            Paragraph("The middle half of the schools have between 35 and 54 rows.", "Sizes"),
            DataTable("sizes", "Rows per group", table, 1, "All rows.", {"group": "Factor"}),
            sizes_picture,
            Bullets(("`ses` varies within groups.", "`sector` is a property of the school.")),
        ),
        decisions=(
            Decision(
                "STRUCT-FEWGROUPS",
                "Are 160 schools enough?",
                "160 groups",
                "at least 50",
                "enough for fixed effects and, roughly, for variances",
                "Maas & Hox (2005)",
            ),
        ),
        notes=(Note("STRUCT-COUNT", "`math` is no count: <b> is not markup.", "info"),),
    )


def _models(fit) -> Section:
    wide = fit.tidy(effects="fixed").assign(
        reason="the interval leaves out zero, and the sign is that of the raw differences"
    )
    lines = (
        "level 1: math_{ij} = β_{0j} + β_{1j} cses_{ij} + e_{ij}, e_{ij} ~ N(0, σ^{2})",
        "level 2: β_{0j} = γ_{00} + γ_{01} meanses_{j} + γ_{02} sector_{j} + u_{0j}",
        "level 2: β_{1j} = γ_{10} + γ_{11} sector_{j} + u_{1j}",
    )
    return Section(
        number=2,
        name="models",
        title="Models from simple to complex",
        headline="Schools differ in level and in slope; `sector` goes with both.",
        blocks=(
            Equations("The model", lines),
            DataTable("fixed", "Fixed effects", wide, 1, "Tests by Satterthwaite's method."),
            DataTable("variances", "Variances and correlations", fit.var_corr(), 3),
            Picture(
                "slopes",
                "Slopes of `cses` against intercepts",
                "Scatter of 160 schools: predicted slopes against predicted intercepts.",
                lambda: plot.random_scatter(fit),
                lambda: plot.random_scatter_data(fit),
            ),
            Code("The model again, as a script", 'import multilevel as mlm\n\nprint("<fit>")'),
        ),
        notes=(
            Note("BUILD-SLOPES", "The slopes of two schools are far from the others."),
            Note("FIT-FAILED", "One model of the ladder did not converge.", "problem"),
        ),
    )


def _checks(fit) -> Section:
    return Section(
        number=3,
        name="checks",
        title="Assumptions after modelling",
        headline="Residuals are near normal.",
        blocks=(
            Picture(
                "residuals",
                "Residuals against fitted values",
                "Scatter of 7,185 residuals; their spread is the same everywhere.",
                lambda: plot.residuals(fit),
                lambda: plot.residuals_data(fit),
            ),
            Picture(
                "check",
                "Assumptions at a glance",
                "Panels of residuals, normality, random effects and predicted data.",
                lambda: plot.check(fit),
                lambda: plot.check_data(fit),
            ),
        ),
    )
