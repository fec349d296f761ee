"""Every reference number beside ours: ``python docs/validation/generate.py``.

Reads what the tests read (``tests/reference``), fits every model, and writes
``docs/reference/validation.md`` and ``docs/reference/published_results.md``.
"""

from __future__ import annotations

import html
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
sys.path.insert(0, str(REPOSITORY / "tests"))

from agreement import agreement_section  # noqa: E402
from textbooks import published_results_page  # noqa: E402

import multilevel as mlm  # noqa: E402
from reference import test_lme4_models as models  # noqa: E402
from reference import test_published as published  # noqa: E402
from reference.compare import canonical, term_sds  # noqa: E402
from reference.datasets import load  # noqa: E402
from reference.dialect import coefficient_names, python_formula  # noqa: E402

EXPECTED = REPOSITORY / "tests" / "reference" / "expected"
INTRODUCTION = """\
<!-- Written by docs/validation/generate.py from tests/reference. -->

# Validation

Every number of the reference models beside ours. The references were made by R and lme4 {version}
from the committed data, each model fitted by two optimisers at tight tolerances and again from
the better end; the tests hold ours to them: the criterion to 1e-6 above (1e-8 relative), fixed
effects to 1e-5 of a standard error, standard errors, variances, conditional modes and their
standard deviations to 1e-5 relative. Where a variance is zero, ours is exactly zero and lme4's
nearly. `tests/reference/provenance.md` names the sources.
"""


def fit_model(expected: dict[str, Any]) -> Any:
    """The fit of one reference model."""
    arguments = {
        "reml": expected["REML"],
        "weights": models.by_prefix(models.WEIGHTS, expected["id"]),
        "offset": models.by_prefix(models.OFFSETS, expected["id"]),
    }
    return mlm.lmer(python_formula(expected["formula"]), load(expected["dataset"]), **arguments)


def numbers(fit: Any, expected: dict[str, Any]) -> list[tuple[str, float, float]]:
    """Name, reference and our value of every number of a model but the modes."""
    rows = [("criterion", expected["objective"], -2 * fit.loglik)]
    names = coefficient_names(list(expected["beta"]), load(expected["dataset"]))
    position = {canonical(name): i for i, name in enumerate(fit.coef_names)}
    for r_name, name in names.items():
        i = position[canonical(name)]
        ours = fit.coef_names[i]
        shown = f"`{ours.replace('|', chr(92) + '|')}`"
        rows.append((shown, expected["beta"][r_name], fit.beta[i]))
        rows.append((f"standard error of {shown}", expected["se"][r_name], fit.std_errors[i]))
    rows.append(("sigma", expected["sigma"], fit.sigma))
    rows.append(("residual sum of squares", expected["resid_ss"], residual_squares(fit)))
    values = np.concatenate(term_sds(fit))
    reference = [
        np.sqrt(np.diag(np.array(entry["cov"], dtype=float)))
        for entry in expected["varcorr"].values()
    ]
    # lme4 sorts terms by number of levels; sorted values need no names.
    pairs = zip(np.sort(np.concatenate(reference)), np.sort(values), strict=True)
    rows += [("random-effect SD", float(theirs), float(ours)) for theirs, ours in pairs]
    return rows


def residual_squares(fit: Any) -> float:
    return float(np.sum(fit.residuals() ** 2))


def modes(fit: Any, expected: dict[str, Any]) -> tuple[int, float]:
    """Number of modes, and the relative difference of their sums of squares by factor."""
    table = fit.ranef()
    total = sum(entry["sum_sq"] for entry in expected["ranef"])
    ours = float((table["estimate"] ** 2).sum())
    return len(table), abs(ours - total) / max(total, 1e-12)


def digits(value: float) -> str:
    return f"{value:.8g}"


def distance(theirs: float, ours: float) -> str:
    return f"{ours - theirs:+.1e}"


def lme4_section() -> tuple[list[str], list[str]]:
    """Summary table and, folded, every number."""
    lines = [
        "## Models fitted by lme4",
        "",
        "| model | rows | | lme4's criterion | ours minus it | evaluations | numbers | largest "
        "relative difference |",
        "|---|--:|---|--:|--:|--:|--:|--:|",
    ]
    folded = []
    for name, expected in models.EXPECTED.items():
        fit = fit_model(expected)
        rows = numbers(fit, expected)
        theirs, ours = rows[0][1:]
        sigma = expected["sigma"]
        scale = [abs(a) if abs(a) > 1e-6 * sigma else sigma for _, a, _ in rows]
        worst = max(abs(b - a) / s for (_, a, b), s in zip(rows, scale, strict=True))
        formula = expected["formula"].replace("|", "\\|")
        method = "REML" if expected["REML"] else "ML"
        lines.append(
            f"| {expected['dataset']}: `{formula}` | {fit.nobs} | {method} | {theirs:.6f} "
            f"| {distance(theirs, ours)} | {fit.optimizer.evaluations} | {len(rows)} "
            f"| {worst:.0e} |"
        )
        folded += fold(name, expected, rows, modes(fit, expected))
    return lines, ["## Every number of the models fitted by lme4", "", *folded]


def fold(
    name: str,
    expected: dict[str, Any],
    rows: list[tuple[str, float, float]],
    ranef: tuple[int, float],
) -> list[str]:
    """One model's numbers, closed until clicked."""
    body = [f"| {n} | {digits(a)} | {digits(b)} | {distance(a, b)} |" for n, a, b in rows]
    count, difference = ranef
    return [
        "<details>",
        f"<summary>{name}: <code>{html.escape(expected['formula'])}</code></summary>",
        "",
        "| | lme4 | ours | difference |",
        "|---|---|---|---|",
        *body,
        "",
        f"{count} conditional modes: sums of squares differ by {difference:.0e} relative.",
        "</details>",
        "",
    ]


def published_section() -> list[str]:
    lines = [
        "## Printed numbers",
        "",
        "Numbers in the tests and manuals of lme4, nlme, lmerTest and MixedModels.jl and in "
        "textbooks, as printed. The optimisers behind them stop a little early.",
        "",
        "| model | | quantity | printed | ours |",
        "|---|---|---|---|---|",
    ]
    for row in published.ROWS:
        fit = published.fit_row(row)
        formula = row.formula.replace("|", "\\|")
        method = "REML" if row.reml else "ML"
        for name, printed in row.printed.items():
            values = np.atleast_1d(published.VALUES[name](fit))
            texts = [printed] if isinstance(printed, str) else printed
            ours = ", ".join(rounded(v, t) for v, t in zip(values, texts, strict=True))
            lines.append(
                f"| {row.dataset}: `{formula}` | {method} | {name} | {', '.join(texts)} | {ours} |"
            )
    return lines


def rounded(value: float, printed: str) -> str:
    """Our value with as many decimals as the printed one."""
    decimals = len(printed.split(".")[1]) if "." in printed and "e" not in printed else 0
    return f"{value:.{decimals}f}" if "e" not in printed else f"{value:.6g}"


def formula_section() -> list[str]:
    data = load("synthetic")
    lines = [
        "## Formulas",
        "",
        "One data set of 600 rows, every kind of formula, maximum likelihood. The formula is as "
        "one writes it here; the reference is the same model in R.",
        "",
        "| formula | lme4's criterion | ours | difference |",
        "|---|---|---|---|",
    ]
    for expected in json.loads((EXPECTED / "formulas.json").read_text()):
        formula = python_formula(expected["formula"])
        fit = mlm.lmer(formula, data, reml=False)
        ticks = "``" if "`" in formula else "`"
        text = formula.replace("|", "\\|")
        lines.append(
            f"| {ticks}{text}{ticks} | {expected['objective']:.6f} | {fit.deviance:.6f} "
            f"| {distance(expected['objective'], fit.deviance)} |"
        )
    return lines


def main() -> None:
    warnings.simplefilter("ignore", mlm.exceptions.MultilevelWarning)
    version = next(iter(models.EXPECTED.values()))["source"].removeprefix("lme4 ")
    summary, details = lme4_section()
    parts = [INTRODUCTION.format(version=version), *summary, "", *agreement_section(), ""]
    parts += [*published_section(), "", *formula_section(), "", *details]
    pages = {"validation": "\n".join(parts), "published_results": published_results_page()}
    for name, text in pages.items():
        (HERE.parent / "reference" / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
