"""The page of applied examples in print, from ``tests/reference/textbooks.toml``."""

from __future__ import annotations

import html
from itertools import groupby
from typing import Any

from reference.textbooks import (
    EXAMPLES,
    EXCLUDED,
    Example,
    agrees,
    decimals,
    fit_example,
    quantity,
)

__all__ = ["published_results_page"]

INTRODUCTION = """\
<!-- Written by docs/validation/generate.py from tests/reference/textbooks.toml. -->

# Published results

What textbooks, manuals and annotated outputs of other programs print, beside ours. A number is
reproduced if ours rounds to the printed one; where it does not, the reason is given. Of the
{shown:,} printed numbers whose data come with the package or its tests, {same:,} are reproduced to
the last digit and {different:,} are explained: mostly a program that stopped a little before the
optimum. A further {elsewhere:,} numbers rest on data that may not be shipped; they are tested where
the data are at hand (`tests/reference/provenance.md` says where to find them), with {explained:,}
explained differences. Sources with a star are quoted at second hand: the book itself was not at
hand, so that a difference may be one of the quotation.

`variance`, `sd` and `covariance` are those of random effects and residuals, `se` is a standard
error, `deviance` is minus twice the log likelihood (restricted, if the method is REML). Derived
columns, such as centred ones, are made in `tests/reference/textbooks.py`. The examples with figures
and explanations: [High School & Beyond](../tutorials/high_school_and_beyond.md),
[change over time](../tutorials/growth.md),
[three levels and crossed groups](../tutorials/three_levels_and_crossed.md).

| row | example | source | numbers | reproduced | remarks |
|--:|---|---|--:|--:|---|"""
ELSEWHERE = "tested where the data are at hand"


def published_results_page() -> str:
    """The summary and, folded, every number.

    Raises
    ------
    RuntimeError
        If a number is not what ``textbooks.toml`` says.
    """
    shipped = [example for example in EXAMPLES if example.is_shipped]
    others = [example for example in EXAMPLES if not example.is_shipped]
    different = sum(len(example.differs) for example in shipped)
    shown = sum(len(example.printed) for example in shipped)
    introduction = INTRODUCTION.format(
        shown=shown,
        same=shown - different,
        different=different,
        elsewhere=sum(len(example.printed) for example in others),
        explained=sum(len(example.differs) for example in others),
    )
    lines = [introduction, *summary(), "", "## Every number", ""]
    for example in EXAMPLES:
        lines += fold(example)
    return "\n".join(lines)


def summary() -> list[str]:
    """A row for every book or set of data, those that cannot be fitted at the end."""
    lines = []
    for (row, source, seen), group in groupby(EXAMPLES, key=lambda e: (e.row, e.source, e.seen)):
        examples = list(group)
        numbers = sum(len(example.printed) for example in examples)
        same = numbers - sum(len(example.differs) for example in examples)
        remarks = sorted({example.why for example in examples} - {""})
        if not examples[0].is_shipped:
            remarks.insert(0, ELSEWHERE)
        titles = "; ".join(dict.fromkeys(example.title for example in examples))
        told = "; ".join(remarks)
        star = "" if seen else " \\*"
        lines.append(f"| {row} | {titles} | {source}{star} | {numbers} | {same} | {told} |")
    lines += [f"| {row.row} | {row.title} | | | | {row.why} |" for row in EXCLUDED]
    return lines


def fold(example: Example) -> list[str]:
    """One model's numbers, closed until clicked."""
    formula = html.escape(example.formula)
    if example.is_shipped:
        header = ["| | printed | ours |", "|---|---|---|"]
        fit = fit_example(example)
        body = [f"| `{n}` | {p} | {ours(example, fit, n)} |" for n, p in example.printed.items()]
    else:
        header = ["| | printed | by our test |", "|---|---|---|"]
        body = [
            f"| `{n}` | {p} | {example.differs.get(n, 'the same')} |"
            for n, p in example.printed.items()
        ]
    told = [example.why[0].upper() + example.why[1:] + "."] if example.differs else []
    if not example.is_shipped:
        told.insert(0, f"The data (`{example.data}`) are not shipped: {ELSEWHERE}.")
    return [
        "<details>",
        f"<summary>{example.row}. {html.escape(example.title)} ({example.method}): "
        f"<code>{formula}</code></summary>",
        "",
        f"{example.source}. {' '.join(told)}".rstrip(),
        "",
        *header,
        *body,
        "</details>",
        "",
    ]


def ours(example: Example, fit: Any, name: str) -> str:
    """Our value with as many digits as the printed one."""
    value = quantity(fit, name)
    expected = example.differs.get(name, example.printed[name])
    if not agrees(value, expected):
        raise RuntimeError(f"{example.title}: {name} is {value}, not {expected}.")
    if name in example.differs:
        return f"**{expected}**"
    text = f"{value:.{decimals(expected)}f}"
    # Tables of books leave out the zero before the point.
    return text.replace("0.", ".") if expected.lstrip("-").startswith(".") else text
