"""Names of columns in formulas."""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

__all__ = ["free_name", "quoted"]


def quoted(name: str) -> str:
    """A name as formulas take it: in backticks unless it is an identifier."""
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"`{name}`"


def free_name(name: str, taken: Container[str]) -> str:
    """The name itself, or with underscores behind it until no column has it."""
    while name in taken:
        name += "_"
    return name
