"""The tables of the simulation study: ``python docs/simulation/generate.py``.

Reads ``benchmarks/simulation/results`` and writes ``docs/reference/simulation.md`` and the short
tables that other pages include, ``docs/simulation/*.md``.
"""

from __future__ import annotations

import sys
from math import sqrt
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "benchmarks" / "simulation")]

from advice import advice_table, intervals, lessons, omitted  # noqa: E402
from cells import CELLS, GROUPS, VARIANCE_CELLS, Cell  # noqa: E402
from records import EFFECTS, Rate, missed, percent, record, singular_share, type_one  # noqa: E402

METHODS = {
    "least squares": "least squares",
    "asymptotic": "Wald z",
    "LRT": "LRT (ML)",
    "residual": "residual t",
    "between-within": "between-within",
    "m-l-1": "m\u00a0−\u00a0l\u00a0−\u00a01",
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "CR2": "CR2",
}
INTERVALS = {
    "satterthwaite": "Satterthwaite",
    "kenward-roger": "Kenward-Roger",
    "profile": "profile (REML)",
    "bootstrap": "bootstrap",
}
PARAMETERS = {
    "sd__Intercept": "SD of intercepts",
    "sd__x": "SD of slopes",
    "corr__Intercept.x": "correlation",
    "sd__residual": "residual SD",
}
STRUCTURES = {
    "intercept": "Random intercepts",
    "slope": "Random intercepts and slopes",
    "omitted": "Random slopes that the model leaves out",
}
INTRODUCTION = """\
<!-- Written by docs/simulation/generate.py from benchmarks/simulation/results. -->

# Simulation study

How often does each method find an effect that is not there, and how often does its interval hold
the true value? [Which test should I use?](../explanation/which_test.md) draws the conclusions;
here are all numbers.

**Data.** {groups} groups. Balanced: ten rows in each group, half of the groups treated.
Unbalanced: about 2 to 40 rows (quantiles of a log-normal distribution, mean 10), a third of the
groups treated. `x` varies between rows and has mean zero in every group, `w` is the treatment of
the group, `x:w` their interaction. All three effects are zero. The intercepts of groups have
standard deviation 0.5, their slopes 0.3 (correlation 0.3), the residuals 1: an intraclass
correlation of 0.2.

**Models.** `y ~ x + w + x:w + (1 | g)` and `y ~ x + w + x:w + (x | g)`, by REML, likelihood-ratio
tests by ML; least squares is `y ~ x + w + x:w`.

**Reading.** {tests} replicates for tests, {profile} for profiles, {bootstrap} for the bootstrap
({draws} draws each). A rate of 5 % has a Monte Carlo standard error of {error:.1f},
{error_profile:.1f} and {error_bootstrap:.1f} percentage points. **Bold**: too often wrong, by
more than chance would explain (binomial, p < 0.005); *italic*: too seldom, which costs power. For
methods with a standard error, coverage of the 95 % interval is 100 minus the type-I error.
"Failed" counts replicates without an answer, which the rates leave out: where a variance is
estimated as zero it has no Wald interval, and a correlation with it is not defined. To run
it again: `python benchmarks/simulation/study.py`.
"""


def text(rate: Rate, *, complement: bool = False) -> str:
    """A rate in percent, marked if it is not the nominal one."""
    if not rate.trials:
        return "–"
    shown = percent(rate, complement=complement)
    if rate.too_often:
        shown = f"**{shown}**"
    elif rate.too_seldom:
        shown = f"*{shown}*"
    return f"{shown} ({rate.failed} failed)" if rate.failed else shown


def design(cell: Cell) -> str:
    return f"| {cell.groups},\u00a0{'balanced' if cell.balanced else 'unbalanced'}"


def head(names: list[str]) -> list[str]:
    columns = ["---" if name == "parameter" else "--:" for name in names]
    # A soft hyphen lets the longest name break in narrow tables.
    shown = " | ".join(names).replace("Satterthwaite", "Satter\u00adthwaite")
    return [f"| groups | {shown} |", f"|---|{'|'.join(columns)}|"]


def tests_table(structure: str, effect: str) -> list[str]:
    """Type-I errors, a row for every design."""
    lines = head(list(METHODS.values()))
    for cell in (c for c in CELLS if c.structure == structure):
        rates = [text(type_one(cell, effect, method)) for method in METHODS]
        lines.append(" | ".join([design(cell), *rates]) + " |")
    return lines


def coverage_table(structure: str, names: dict[str, str], methods: dict[str, str]) -> list[str]:
    """Coverage of intervals, a row for every design and parameter."""
    lines = head(["parameter", *methods.values()])
    for cell in (c for c in CELLS if c.structure == structure):
        for parameter, name in names.items():
            rates = [text(missed(cell, parameter, m), complement=True) for m in methods]
            if any(rate != "–" for rate in rates):
                lines.append(" | ".join([design(cell), name, *rates]) + " |")
    return lines


def singular_table() -> list[str]:
    lines = head(list(STRUCTURES.values()))
    for balanced in (True, False):
        for groups in GROUPS:
            cells = [c for c in CELLS if (c.groups, c.balanced) == (groups, balanced)]
            shares = [str(singular_share(cell)) for cell in cells]
            lines.append(" | ".join([design(cells[0]), *shares]) + " |")
    return lines


def variance_table() -> list[str]:
    methods = {"chi-squared": "χ² (naive)", "mixture": "χ² mixture", "exact": "exact (simulated)"}
    lines = head(list(methods.values()))
    for cell in VARIANCE_CELLS:
        rates = [text(type_one(cell, "variance", method)) for method in methods]
        lines.append(" | ".join([f"| {cell.groups}", *rates]) + " |")
    return lines


def full_page() -> str:
    stages = record(next(c for c in CELLS if c.structure == "slope"))["replicates"]
    errors = {name: 100.0 * sqrt(0.05 * 0.95 / n) for name, n in stages.items()}
    text = INTRODUCTION.format(
        groups=", ".join(map(str, GROUPS[:-1])) + f" or {GROUPS[-1]}",
        tests=f"{stages['tests']:,}",
        profile=f"{stages['profile']:,}",
        bootstrap=stages["bootstrap"],
        draws=199,
        error=errors["tests"],
        error_profile=errors["profile"],
        error_bootstrap=errors["bootstrap"],
    )
    lines = [text, "## Type-I errors at 5 %, in percent", ""]
    for structure, title in STRUCTURES.items():
        for effect, name in EFFECTS.items():
            plain = name.replace("`", "")
            lines += [f"### {title}: {plain}", "", *tests_table(structure, effect), ""]
    lines += ["## Coverage of 95 % intervals, in percent", ""]
    for structure in ("intercept", "slope"):
        lines += [f"### {STRUCTURES[structure]}: fixed effects", ""]
        lines += [*coverage_table(structure, EFFECTS, INTERVALS), ""]
        lines += [f"### {STRUCTURES[structure]}: variance parameters", ""]
        methods = {"Wald": "Wald", "profile": "profile (REML)", "bootstrap": "bootstrap"}
        lines += [*coverage_table(structure, PARAMETERS, methods), ""]
    lines += ["## Tests of a variance that is zero, type-I errors in percent", ""]
    lines += [
        "The data of balanced designs have no differences between groups; is `(1 | g)` needed?",
        "",
    ]
    lines += [*variance_table(), "", "## Singular fits, in percent", "", *singular_table(), ""]
    return "\n".join(lines)


def pages() -> dict[Path, str]:
    """Every file that is made from the records, and its text."""
    tables = {
        f"tests_{structure}_{effect}.md": tests_table(structure, effect)
        for structure in STRUCTURES
        for effect in EFFECTS
    }
    tables |= {"advice.md": advice_table(), "variance.md": variance_table()}
    short = {name: "\n".join(lines) + "\n" for name, lines in tables.items()}
    short |= {"lessons.md": lessons(), "omitted.md": omitted(), "intervals.md": intervals()}
    full = {HERE.parent / "reference" / "simulation.md": full_page()}
    return full | {HERE / name: content for name, content in short.items()}


def main() -> None:
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
