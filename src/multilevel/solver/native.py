"""The native core: loading, threads, LAPACK."""

from __future__ import annotations

import os
from contextlib import contextmanager, nullcontext
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from multilevel._native import _core
from multilevel.exceptions import ConvergenceError, NotSupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from multilevel.typing import Float

__all__ = ["make_core", "n_threads", "one_blas_thread", "solving"]

# Sizes up to this are factorised without LAPACK (kSmallDense in _native/dense.hpp).
_SMALL_DENSE = 48
# Trunks of up to this many columns are dense; larger ones are looked at (_native/ordering.hpp).
_DENSE_LIMIT = 1000
# A dense trunk with more columns than this (8 n^2 bytes) is refused.
_DENSE_MAXIMUM = 30_000


def n_threads(requested: int | None, *, look_at_blas: bool = False) -> int:
    """Threads to use: the request, else ``OMP_NUM_THREADS``, else the cores of this process.

    With ``look_at_blas``, no more than BLAS is allowed at the moment (``threadpoolctl``).
    """
    if requested is not None:
        return max(1, int(requested))
    words = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if words.isdigit() and int(words) > 0:
        return int(words)
    cores = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    if look_at_blas:
        return min([cores, *(int(blas["num_threads"]) for blas in _blas_controller().info())])
    return cores


def make_core(
    factors: Sequence[tuple[Any, ...]],
    W: Float,
    weights: Float | None,
    T0: Float,
    threads: int,
    dense_limit: int = _DENSE_LIMIT,
) -> _core.Core:
    """Take the cross-products of one model and plan its elimination.

    Raises
    ------
    NotSupportedError
        If the factors are crossed so densely that the trunk would not fit in memory.
    """
    if len(factors) > 1 and sum(f[3] * len(f[2]) for f in factors) > _SMALL_DENSE:
        _load_lapack()
    core = _core.Core(factors, W, weights, T0, threads, dense_limit)
    columns = core.sizes()["dense_dim"]
    if columns > _DENSE_MAXIMUM:
        raise NotSupportedError(
            f"After elimination of the largest grouping factor {columns} densely linked random "
            f"effects remain; their Schur complement would take {8e-9 * columns**2:.0f} GB. Fit a "
            "sample of the rows, or leave out the crossed factor with the second-most levels."
        )
    return core


@lru_cache(maxsize=1)
def _blas_controller() -> Any:
    from threadpoolctl import ThreadpoolController

    _load_lapack()  # SciPy brings a BLAS of its own, which must be there to be found
    return ThreadpoolController().select(user_api="blas")


def one_blas_thread(wanted: bool) -> AbstractContextManager[Any]:
    """Context in which BLAS uses one thread, if wanted.

    The kernels bring their own threads; BLAS threads that wait actively for a busy core make a fit
    several times slower. (Entering the context is not free, so small problems do without.)
    """
    if not wanted:
        return nullcontext()
    limit: AbstractContextManager[Any] = _blas_controller().limit(limits=1)
    return limit


@contextmanager
def solving() -> Iterator[None]:
    """Say what it means if the core cannot solve the model's equations."""
    try:
        yield
    except RuntimeError as error:
        raise ConvergenceError(
            "The equations of the model cannot be solved at these variances: the random effects "
            "leave next to no residual variance. Look for a predictor that determines the response "
            "within groups, or use fewer random effects."
        ) from error


@lru_cache(maxsize=1)
def _load_lapack() -> None:
    """Hand the core SciPy's LAPACK by function pointer."""
    import ctypes

    from scipy.linalg import cython_blas, cython_lapack

    name = ctypes.pythonapi.PyCapsule_GetName
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]

    def address(module: Any, routine: str) -> int:
        capsule = module.__pyx_capi__[routine]
        return int(pointer(capsule, name(capsule)))

    _core.set_lapack(
        address(cython_lapack, "dpotrf"),
        address(cython_lapack, "dpotri"),
        address(cython_blas, "dtrsm"),
        address(cython_blas, "dgemm"),
    )
