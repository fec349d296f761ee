"""Type aliases shared by all rooms, and the one validator of option words."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

__all__ = ["CovarianceKind", "Float", "IndexArray", "Int", "NAAction", "check_flag", "check_option"]

Float = npt.NDArray[np.float64]
Int = npt.NDArray[np.int32]
IndexArray = npt.NDArray[np.intp]

CovarianceKind = Literal["unstructured", "independent"]
NAAction = Literal["drop", "raise"]


def check_option(name: str, value: object, allowed: Any) -> None:
    """Raise ``ValueError`` when an option word is not one of a ``Literal``'s values."""
    words = get_args(allowed) or tuple(allowed)
    if value not in words:
        listed = ", ".join(repr(word) for word in words)
        raise ValueError(f"{name}={value!r} is not an option; choose one of {listed}.")


def check_flag(name: str, value: object, advice: str = "") -> bool:
    """Give a truth value as bool; raise ``ValueError`` for anything else, words and numbers too."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{name} must be True or False; got {value!r}.{advice}")
    return bool(value)
