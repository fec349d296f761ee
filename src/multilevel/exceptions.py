"""Errors and warnings: what a user sees when something is not as it should be.

Every error is a :class:`MultilevelError` and also the built-in error one would expect, so both
``except MultilevelError`` and ``except ValueError`` work. Warnings are few; every fact that a
warning carries is also kept on the fit.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

__all__ = [
    "ConvergenceError",
    "ConvergenceWarning",
    "DataError",
    "FormulaError",
    "MissingValuesWarning",
    "MultilevelError",
    "MultilevelWarning",
    "NotSupportedError",
    "RankDeficientWarning",
    "warn",
]


class MultilevelError(Exception):
    """Base class of all errors raised by this package."""


class FormulaError(MultilevelError, ValueError):
    """The formula cannot be read; the message underlines the place."""


class DataError(MultilevelError, ValueError):
    """The data cannot be used for this model; the message names column and rows."""


class ConvergenceError(MultilevelError, RuntimeError):
    """No estimate could be found."""


class NotSupportedError(MultilevelError, NotImplementedError):
    """A valid request that this version cannot serve; the message says what to do."""


class MultilevelWarning(UserWarning):
    """Base class of all warnings issued by this package."""


class MissingValuesWarning(MultilevelWarning):
    """Rows were dropped because of missing values."""


class RankDeficientWarning(MultilevelWarning):
    """Columns of the fixed-effects matrix were dropped because they are linear combinations."""


class ConvergenceWarning(MultilevelWarning):
    """The optimiser stopped before its criterion was met."""


_PACKAGE = str(Path(__file__).parent)


def warn(message: str, category: type[MultilevelWarning]) -> None:
    """Issue a warning that points at the first line outside this package."""
    level = 1
    frame = sys._getframe(0)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level += 1
        frame = frame.f_back  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)
