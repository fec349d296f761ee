"""Types of the native core (see module.cpp)."""

from collections.abc import Callable, Sequence
from typing import Any

from multilevel.typing import Float

def set_lapack(potrf: int, potri: int, trsm: int, gemm: int) -> None: ...
def orthonormal(X: Float, weights: Float | None) -> tuple[Float, Float]: ...
def invert_upper(R: Float) -> Float: ...
def lower_factor(M: Float) -> Float: ...

class Core:
    def __init__(
        self,
        factors: Sequence[tuple[Any, ...]],
        W: Float,
        weights: Float | None,
        T0: Float,
        threads: int,
        dense_limit: int,
    ) -> None: ...
    def evaluate(
        self,
        lambda_: Float,
        reml: bool,
        entries: Sequence[tuple[int, int, int]],
        derivatives: bool,
    ) -> tuple[float, float, Float, Float, Float, Float]: ...
    def expand(
        self,
        lambda_: Sequence[float],
        reml: bool,
        directions: Sequence[tuple[int, int, int, Sequence[float]]],
        curvature: bool,
    ) -> tuple[float, float, Float, Float, Float, Float, Float, Float, Float, Float]: ...
    def fit(
        self,
        lambda_: Sequence[float],
        terms: Sequence[tuple[int, int, int, bool]],
        reml: bool,
        tolerance: float,
        max_evaluations: int,
        observer: Callable[[float], None] | None,
    ) -> tuple[float, bool, float, Float, Float]: ...
    def conditional(
        self, lambda_: Float, reml: bool, inverse: bool
    ) -> tuple[float, Float, Float, tuple[Float, ...], tuple[Float, ...]]: ...
    def hat_values(
        self,
        factors: Sequence[tuple[Any, ...]],
        W: Float,
        weights: Float | None,
        lambda_: Float,
        reml: bool,
    ) -> Float: ...
    def with_response(
        self, factors: Sequence[tuple[Any, ...]], residual: Float, weights: Float | None, T0: Float
    ) -> Core: ...
    def sizes(self) -> dict[str, int]: ...
