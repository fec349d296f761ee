"""The native core: loading, threads, LAPACK."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from multilevel._native import _core

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import Float

__all__ = ["make_core", "n_threads"]

# Sizes up to this are factorised without LAPACK (kSmallDense in _native/lapack.hpp).
_SMALL_DENSE = 48


def n_threads(requested: int | None) -> int:
    """Threads to use: the request, else ``OMP_NUM_THREADS``, else the cores of this process."""
    if requested is not None:
        return max(1, int(requested))
    words = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    if words.isdigit() and int(words) > 0:
        return int(words)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_core(
    factors: Sequence[tuple[Any, ...]], W: Float, weights: Float | None, T0: Float, threads: int
) -> _core.Core:
    """The core of one model: cross-products taken, elimination planned."""
    if sum(factor[3] * len(factor[2]) for factor in factors) > _SMALL_DENSE:
        _load_lapack()
    return _core.Core(factors, W, weights, T0, threads)


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
    )
