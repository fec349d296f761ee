"""The README's code runs, and prints what the README says it prints."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

import multilevel as mlm

README = Path(__file__).parent.parent / "README.md"
BLOCK = re.compile(r"```python\n(?P<code>.*?)```\n\n```text\n(?P<output>.*?)```", re.DOTALL)


def run(code: str, names: dict[str, object]) -> str:
    """What the code prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return "\n".join(line.rstrip() for line in printed.getvalue().splitlines()) + "\n"


def test_every_example_prints_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the report is written here
    names: dict[str, object] = {}
    examples = list(BLOCK.finditer(README.read_text(encoding="utf-8")))
    assert len(examples) == 6
    for example in examples:
        assert run(example["code"], names) == example["output"]


def test_no_code_without_output():
    text = README.read_text(encoding="utf-8")
    assert text.count("```python") == len(BLOCK.findall(text))


@pytest.mark.parametrize(
    "command", ["pip install . && multilevel demo", 'pip install ".[test]" && pytest']
)
def test_commands_are_there(command):
    assert command in README.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "docs/how_to/coming_from_lme4.md"])
def test_names_of_the_lme4_tables_exist(page):
    text = (README.parent / page).read_text(encoding="utf-8")
    for prefix, name in set(re.findall(r"\b(mlm|m|fit)\.([a-z_]\w*)", text, re.IGNORECASE)):
        owner = mlm if prefix == "mlm" else mlm.LinearMixedModel
        assert hasattr(owner, name), f"{prefix}.{name}"
