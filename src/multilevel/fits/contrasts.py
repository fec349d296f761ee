"""Linear functions of the fixed effects that a user states, tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import DataError
from multilevel.inference.wald import wald_tests
from multilevel.report.tidy import interval_columns

if TYPE_CHECKING:
    from multilevel.inference.linear_functions import LinearFunctions
    from multilevel.report.tidy import Columns
    from multilevel.typing import Float

__all__ = ["check_estimable", "contrast_table", "joint_table", "read_contrasts", "read_null"]

# Rows whose combination is this small against their lengths depend on each other.
_REDUNDANT = 1e-9


def contrast_table(
    functions: LinearFunctions, labels: list[str], L: Float, null: Float, level: float
) -> Columns:
    """Estimates of ``L beta``, tests of ``L beta = null``, one row each, and intervals."""
    tests = functions.evaluate(L)
    against = wald_tests(tests.estimate - null, tests.std_error, tests.df)
    return {
        "contrast": labels,
        "estimate": tests.estimate,
        "std_error": tests.std_error,
        "df": tests.df,
        "statistic": against.statistic,
        "p_value": against.p_value,
        **interval_columns(tests.estimate, tests.std_error, level, tests.df),
    }


def joint_table(functions: LinearFunctions, L: Float, null: Float) -> Columns:
    """F test of ``L beta = null``, all rows together.

    Raises
    ------
    DataError
        If rows that are combinations of each other have values that contradict each other.
    """
    size = np.linalg.norm(L, axis=1)
    left, values, _ = np.linalg.svd(L / size[:, None])
    redundant = left[:, int((values > _REDUNDANT).sum()) :]
    scaled = null / size
    if (np.abs(redundant.T @ scaled) > _REDUNDANT * np.abs(scaled).max()).any():
        raise DataError(
            "The values of null contradict each other: rows of L are combinations of other rows, "
            "and their values are not the same combinations."
        )
    test = functions.joint(L, null)
    return {
        "statistic": np.array([test.statistic]),
        "df": np.array([test.df], dtype=np.int64),
        "df_residual": np.array([test.df_residual]),
        "p_value": np.array([test.p_value]),
    }


def read_contrasts(given: Any, names: tuple[str, ...]) -> tuple[list[str], Float]:
    """Labels and weights, shape (m, p_all), of contrasts as a user gives them.

    Raises
    ------
    DataError
        For another number of weights than coefficients, names of no coefficient, and weights
        that are not finite numbers.
    """
    if isinstance(given, Mapping):
        if not given:
            raise DataError("L is empty; give at least one contrast.")
        labels = [str(label) for label in given]
        rows = [_row(label, row, names) for label, row in given.items()]
        return labels, np.array(rows)
    numbers = _numbers(given)
    if numbers is None:
        raise DataError(
            "L must be numbers, one row of weights per contrast, or a dict such as "
            f"{{'label': {{{names[-1] if names else 'x'!r}: 1}}}}; got {given!r}."
        )
    L = np.atleast_2d(numbers)
    if L.ndim != 2 or not L.size:
        raise DataError(f"L must be one row of weights per contrast; its shape is {L.shape}.")
    for i, row in enumerate(L):
        _check_row(f"Row {i} of L", row, names)
    return [_text(row, names) for row in L], L


def read_null(null: Any, n: int) -> Float:
    """Values under the hypothesis, shape (n,): one for all or one each."""
    values = _numbers(null)
    if values is None or values.shape not in ((), (n,)) or not np.isfinite(values).all():
        raise DataError(f"null must be a number or one for each of {n} contrasts; got {null!r}.")
    return np.broadcast_to(values, n)


def check_estimable(
    functions: LinearFunctions, labels: list[str], L: Float, names: tuple[str, ...]
) -> None:
    """Refuse weights on dropped columns unless the data determine the contrast all the same.

    Weights on columns that are kept are a matter of the model as it is fitted.
    """
    gone = np.setdiff1d(np.arange(L.shape[1]), functions.kept)
    touched = np.flatnonzero((L[:, gone] != 0.0).any(axis=1))
    lost = touched[~functions.estimable(L[touched])]
    if len(lost):
        i = int(lost[0])
        weighted = ", ".join(repr(names[j]) for j in gone if L[i, j] != 0.0)
        raise DataError(
            f"Contrast {labels[i]!r} cannot be estimated: it has a weight on {weighted}, which "
            "was dropped from the fixed effects as a linear combination of others."
        )


def _row(label: object, given: Any, names: tuple[str, ...]) -> Float:
    """Weights of one contrast, from numbers or from names of coefficients."""
    what = f"Contrast {label!r}"
    weights = given
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in names]
        if unknown:
            raise DataError(
                f"{what} names {unknown[0]!r}, which is no coefficient. Coefficients: "
                f"{', '.join(names)}."
            )
        weights = [given.get(name, 0.0) for name in names]
    row = _numbers(weights)
    if row is None:
        raise DataError(f"{what} must be weights or a dict of them; got {given!r}.")
    return _check_row(what, row, names)


def _numbers(given: Any) -> Float | None:
    """An array of numbers, or None for what is none."""
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        return None


def _check_row(what: str, row: Float, names: tuple[str, ...]) -> Float:
    if row.shape != (len(names),):
        raise DataError(
            f"{what} must have one weight for each of {len(names)} coefficients "
            f"({', '.join(names)}); its shape is {row.shape}."
        )
    if not np.isfinite(row).all():
        raise DataError(f"{what} has weights that are missing or infinite.")
    if not row.any():
        raise DataError(f"{what} has no weight other than zero.")
    return row


def _text(row: Float, names: tuple[str, ...]) -> str:
    """A contrast as a sum: ``"x - 0.5 z"``."""
    text = ""
    for weight, name in zip(row.tolist(), names, strict=True):
        if weight:
            sign = "-" if weight < 0 else "+"
            factor = "" if abs(weight) == 1.0 else f"{abs(weight):.4g} "
            text += f" {sign} {factor}{name}" if text else f"{'-' * (weight < 0)}{factor}{name}"
    return text
