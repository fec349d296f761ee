"""Contrasts of factors: words, matrices and formulaic's objects (imported only when needed)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from formulaic.transforms.contrasts import Contrasts, ContrastsRegistry

from multilevel.exceptions import DataError
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from multilevel.design.frame import Variable
    from multilevel.typing import Float

__all__ = ["as_contrasts", "contrast"]

WORDS = {
    "treatment": ContrastsRegistry.treatment,
    "sas": ContrastsRegistry.SAS,
    "sum": ContrastsRegistry.sum,
    "helmert": ContrastsRegistry.helmert,
    "poly": ContrastsRegistry.poly,
    "diff": ContrastsRegistry.diff,
}


class MatrixContrasts(Contrasts):  # type: ignore[misc]
    """Contrasts given as a matrix, one row per level, one column per coefficient.

    Unlike formulaic's, a factor that stands where it is coded in full has all its levels.
    """

    def __init__(self, matrix: Float, names: Sequence[Hashable]) -> None:
        self.matrix = matrix
        self.names = list(names)

    @Contrasts.override  # type: ignore[untyped-decorator]
    def _get_coding_matrix(
        self,
        levels: Sequence[Hashable],
        reduced_rank: bool = True,
        sparse: bool = False,
    ) -> Float:
        if len(self.matrix) != len(levels):
            raise DataError(
                f"The contrast matrix has {len(self.matrix)} rows, but the factor has "
                f"{len(levels)} levels: {', '.join(map(str, levels))}."
            )
        return self.matrix if reduced_rank else np.eye(len(levels))

    @Contrasts.override  # type: ignore[untyped-decorator]
    def get_coding_column_names(
        self, levels: Sequence[Hashable], reduced_rank: bool = True
    ) -> Sequence[Hashable]:
        return self.names if reduced_rank else levels

    @Contrasts.override  # type: ignore[untyped-decorator]
    def get_coefficient_row_names(
        self, levels: Sequence[Hashable], reduced_rank: bool = True
    ) -> Sequence[Hashable]:
        return ["avg", *self.names] if reduced_rank else levels


def as_contrasts(given: Any) -> Any:
    """Turn a matrix, or a dict of columns, into contrasts; formulaic's objects pass."""
    if given is None or isinstance(given, Contrasts):
        return given
    if inspect.isclass(given) and issubclass(given, Contrasts):
        return given()
    if isinstance(given, Mapping):
        return MatrixContrasts(np.array([*given.values()], dtype=np.float64).T, list(given))
    matrix = np.asarray(given, dtype=np.float64)
    if matrix.ndim != 2:
        raise DataError(f"Contrasts must be a matrix (levels x coefficients), not {given!r}.")
    return MatrixContrasts(matrix, range(1, matrix.shape[1] + 1))


def contrast(given: Any, variable: Variable) -> Any:
    """Contrasts of one column, from what the user gave for it.

    Raises
    ------
    ValueError
        For a word that is not one of "treatment", "sas", "sum", "helmert", "poly", "diff".
    DataError
        For a numeric column, or a matrix that does not have a row per level.
    """
    name = variable.name
    if variable.kind == "numeric":
        raise DataError(
            f"Column {name!r} is numeric and has no contrasts; write C({name}, contr.sum) in the "
            "formula to use it as a factor."
        )
    if isinstance(given, str):
        check_option(f"contrasts[{name!r}]", given, tuple(WORDS))
        return WORDS[given]()
    contrasts = as_contrasts(given)
    if isinstance(contrasts, MatrixContrasts) and len(contrasts.matrix) != len(variable.levels):
        raise DataError(
            f"The contrasts of {name!r} have {len(contrasts.matrix)} rows, but there are "
            f"{len(variable.levels)} levels: {', '.join(map(str, variable.levels))}."
        )
    return contrasts
