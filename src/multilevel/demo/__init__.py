"""Learning by simulation: small studies that show what multilevel models are for.

Each draws data from a stated model many times, or once, analyses them in several ways, and says in
words what came out: the sentences, the table and the figure are made of the numbers of that run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilevel.demo.studies.article import Article, article
    from multilevel.demo.studies.few_groups import few_groups
    from multilevel.demo.studies.ignored_level import ignored_level
    from multilevel.demo.studies.ignored_slope import ignored_slope
    from multilevel.demo.studies.shrinkage import shrinkage
    from multilevel.demo.studies.standard_errors import standard_errors
    from multilevel.demo.studies.type_one_error import type_one_error
    from multilevel.demo.studies.within_between import within_between
    from multilevel.demo.study import Study

__all__ = [
    "Article",
    "Study",
    "article",
    "few_groups",
    "ignored_level",
    "ignored_slope",
    "shrinkage",
    "standard_errors",
    "type_one_error",
    "within_between",
]


def __getattr__(name: str) -> Any:
    """Import a study when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'multilevel.demo' has no attribute {name!r}")
    file = "study" if name == "Study" else f"studies.{name.lower()}"
    module = import_module(f"multilevel.demo.{file}")
    for public in module.__all__:
        globals()[public] = getattr(module, public)
    return globals()[name]


def __dir__() -> list[str]:
    return list(__all__)
