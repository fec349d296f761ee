"""The results as Markdown, written between the markers of the READMEs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cases import CASES

HERE = Path(__file__).parent
OURS = "multilevel"
SYSTEMS = (OURS, "lme4", "glmm", "glmm-no-df", "mixedlm", "mixedlm-rs", "lme-python", "statsmodels")
# A criterion this far above the lowest is not the optimum: relative to it, or absolute.
WORSE_RTOL, WORSE_ATOL = 1e-8, 1e-3


def results() -> list[tuple[str, dict[str, Any]]]:
    """Title and record of every case that has been run in full."""
    found = []
    for case in CASES:
        path = HERE / "results" / f"{case.name}.json"
        if path.exists():
            found.append((case.title, json.loads(path.read_text())))
    return found


def seconds(value: float) -> str:
    if value < 1.0:
        return f"{value * 1e3:.2g} ms" if value < 0.01 else f"{value * 1e3:.0f} ms"
    return f"{value:.1f} s" if value < 100.0 else f"{value:.0f} s"


def cell(systems: dict[str, Any], system: str) -> str:
    """Time, and how many times ours it is."""
    run = systems.get(system)
    if run is None:
        return "not run"
    if "error" in run:
        return "> " + run["error"].split("in ")[1] if "no result" in run["error"] else "–"
    text = seconds(run["median"])
    if system == OURS:
        return f"**{text}**"
    best = min(r["criterion"] for r in systems.values() if "criterion" in r)
    worse = run["criterion"] - best > max(WORSE_ATOL, WORSE_RTOL * abs(best))
    return f"{text} ({run['median'] / systems[OURS]['median']:.3g}x){' ‡' if worse else ''}"


def times(records: list[tuple[str, dict[str, Any]]], names: tuple[str, ...]) -> list[str]:
    lines = ["| model | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for title, record in records:
        cells = [cell(record["systems"], name) for name in names]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def details(records: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Criterion, evaluations, memory of every system."""
    lines = [
        "| case | system | median | fastest–slowest | fits | criterion | evaluations | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for _, record in records:
        for system in SYSTEMS:
            run = record["systems"].get(system)
            if run is None:
                continue
            if "error" in run:
                error = run["error"].replace("|", "\\|")
                lines.append(f"| {record['case']} | {system} | {error} | | | | | |")
                continue
            spread = f"{seconds(run['minimum'])}–{seconds(run['maximum'])}"
            peak = f"+{run['peak_mb']:.0f} MB"
            if record["input_mb"] > 10:
                peak += f" ({run['peak_mb'] / record['input_mb']:.1f}x input)"
            lines.append(
                f"| {record['case']} | {system} | {seconds(run['median'])} | {spread} "
                f"| {run['fits'] * run.get('processes', 1)} | {run['criterion']:.4f} "
                f"| {run.get('evaluations', '')} | {peak} |"
            )
    return lines


def stage_tables() -> list[str]:
    """Where the time of ours goes, from ``stages.py``."""
    path = HERE / "results" / "stages.json"
    if not path.exists():
        return ["Not measured yet: `python benchmarks/stages.py`."]
    record = json.loads(path.read_text())
    lines = [
        f"Floors for {record['copy_gb_s']:.1f} GB/s of copying and {record['gflops']:.0f} GFLOP/s "
        f"of matrix multiplication, as measured in the same run; {record['threads']} threads.",
        "",
        "| case | stage | time | share | moved | arithmetic | floor | time / floor |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case, stages in record["cases"].items():
        total = sum(stage["seconds"] for stage in stages)
        for stage in stages:
            floor = stage["floor"]
            ratio = f"{stage['seconds'] / floor:.1f}" if floor > 1e-6 else ""
            lines.append(
                f"| {case} | {stage['stage']} | {seconds(stage['seconds'])} "
                f"| {stage['seconds'] / total:.0%} | {stage['megabytes']:.3g} MB "
                f"| {stage['megaflops']:.3g} MFLOP | {seconds(floor) if floor else ''} | {ratio} |"
            )
    return lines


# Task of ours, task of R's, and how the table calls it.
INFERENCE = (
    ("sleepstudy_satterthwaite", "sleepstudy_satterthwaite", "Satterthwaite tests, sleepstudy"),
    ("insteval_satterthwaite", "insteval_satterthwaite", "Satterthwaite tests, InstEval"),
    ("sleepstudy_kenward_roger", "sleepstudy_kenward_roger", "Kenward-Roger tests, sleepstudy"),
    (
        "slopes_kenward_roger",
        "slopes_kenward_roger",
        "Kenward-Roger tests, 3,000 rows, `(x \\| g)`",
    ),
    ("large_kenward_roger", None, "Kenward-Roger tests, 100,000 rows, `(x \\| g)`"),
    ("sleepstudy_profile", "sleepstudy_profile", "profile and its intervals, sleepstudy"),
    ("sleepstudy_bootstrap_1", "sleepstudy_bootstrap", "1,000 bootstrap fits, sleepstudy"),
    ("sleepstudy_bootstrap_2", "sleepstudy_bootstrap", "the same, two threads of ours"),
)


def inference() -> list[str]:
    """Times of tests, profiles and the bootstrap beside R's."""
    path = HERE / "results" / "inference.json"
    if not path.exists():
        return ["Not measured yet: `python benchmarks/inference.py`."]
    record = json.loads(path.read_text())
    ours, theirs = record["medians"]["multilevel"], record["medians"]["R"]
    lines = ["| after the fit | multilevel | times its fit | R | ratio |", "|---|---|---|---|---|"]
    for task, other, title in INFERENCE:
        fit = ours.get(f"{task.split('_')[0]}_fit")
        share = f"{float(f'{ours[task] / fit:.2g}'):g}x" if fit else ""
        r, ratio = "not run", ""
        if other is not None:
            r, ratio = seconds(theirs[other]), f"{theirs[other] / ours[task]:.3g}x"
        lines.append(f"| {title} | **{seconds(ours[task])}** | {share} | {r} | {ratio} |")
    note = (
        f"Measured {record['date']}: {record['machine']}, Python {record['python']}. R: lmerTest "
        "(Satterthwaite), pbkrtest through it (Kenward-Roger), lme4 (`confint(profile(fit))`, "
        "`bootMer`: five times the time of 200 fits)."
    )
    return [*lines, "", note]


def power() -> list[str]:
    """Times of power by simulation beside R's."""
    path = HERE / "results" / "power.json"
    if not path.exists():
        return ["Not measured yet: `python benchmarks/power.py`."]
    record = json.loads(path.read_text())
    ours, theirs = record["systems"]["multilevel"], record["systems"]["R"]
    lines = [
        "| 1,000 data sets, groups x rows | multilevel | R | ratio | power | power, R |",
        "|---|---|---|---|---|---|",
    ]
    for design, found in ours.items():
        other = theirs[design.split(",")[0]]
        shares = []
        for one in (found, other):
            error = (one["power"] * (1.0 - one["power"]) / one["nsim"]) ** 0.5
            shares.append(f"{one['power']:.3f} ± {error:.3f}")
        ratio = f"{other['seconds'] / found['seconds']:.3g}x"
        lines.append(
            f"| {design} | **{seconds(found['seconds'])}** | {seconds(other['seconds'])} "
            f"| {ratio} | {shares[0]} | {shares[1]} |"
        )
    note = (
        f"Measured {record['date']}: {record['machine']}, Python {record['python']}. R: a loop of "
        "lme4 and lmerTest, timed with fewer data sets. ±: Monte Carlo standard error."
    )
    return [*lines, "", note]


def analysis() -> list[str]:
    """Times of the guided analysis with its report, by step, from ``analyze.py``."""
    path = HERE / "results" / "analyze.json"
    if not path.exists():
        return ["Not measured yet: `python benchmarks/analyze.py`."]
    record = json.loads(path.read_text())
    cases = record["cases"].values()
    lines = [
        "| data | analysis and report | of the processor | R, its part | models | figures "
        "| page | memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in cases:
        r = f"{seconds(one['r_wall'])}" if "r_wall" in one else "not run"
        memory = f"+{one['peak_mb']:,.0f} MB"
        if one["data_mb"] > 1.0:
            memory += f" (data {one['data_mb']:,.0f} MB)"
        lines.append(
            f"| {one['title']} | **{seconds(one['wall'])}** | {seconds(one['cpu'])} | {r} "
            f"| {one['n_models']:.0f} | {one['n_figures']:.0f} | {one['page_mb']:.1f} MB "
            f"| {memory} |"
        )
    steps = list(next(iter(cases))["steps"])
    lines += ["", "Seconds of the processor by step, by the name of the case:", ""]
    lines += ["| data | " + " | ".join(steps) + " |", "|---|" + "---|" * len(steps)]
    for name, one in record["cases"].items():
        cells = [f"{one['steps'][step]['cpu']:.2f}" for step in steps]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    note = (
        f"Measured {record['date']}: {record['machine']}, Python {record['python']}. Models are "
        "those that were tried, memory the rise of the largest resident set. R, its part: the "
        "models of the ladder and what R's packages compute of the report, by a script "
        "(`analyze.R`); no refits for envelopes, sentences, figures or page."
    )
    return [*lines, "", note]


def replace(path: Path, marker: str, lines: list[str]) -> None:
    """Put lines between ``<!-- marker -->`` and ``<!-- end marker -->``."""
    text = path.read_text()
    start, end = f"<!-- {marker} -->", f"<!-- end {marker} -->"
    if start not in text or end not in text:
        raise SystemExit(f"{path} has no place for a table: {start} and {end} are missing.")
    head, rest = text.split(start, 1)
    tail = rest.split(end, 1)[1]
    path.write_text(head + start + "\n\n" + "\n".join(lines) + "\n\n" + end + tail)


def provenance(records: list[tuple[str, dict[str, Any]]]) -> list[str]:
    if not records:
        return []
    record = records[-1][1]
    return [
        f"Measured {record['date']}: {record['machine']}, {record['threads']} threads, "
        f"Python {record['python']}."
    ]


def write() -> None:
    """Fill all tables."""
    records = results()
    note = [
        *provenance(records),
        "",
        "`glmm` computes Satterthwaite degrees of freedom by default, `glmm-no-df` does not. "
        "– cannot fit the model or fails; ‡ stopped above the optimum that another system found.",
    ]
    replace(HERE / "README.md", "times", [*times(records, SYSTEMS), "", *note])
    replace(HERE / "README.md", "details", details(records))
    replace(HERE / "README.md", "stages", stage_tables())
    replace(HERE / "README.md", "inference", inference())
    replace(HERE / "README.md", "power", power())
    replace(HERE / "README.md", "analyze", analysis())
    replace(HERE.parent / "README.md", "inference", inference())
    short = (OURS, "lme4", "glmm", "glmm-no-df", "mixedlm", "mixedlm-rs", "statsmodels")
    replace(HERE.parent / "README.md", "speed", [*times(records, short), "", *note])


if __name__ == "__main__":
    write()
