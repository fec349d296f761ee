"""Running replicates: one random stream each, in parallel, failures counted."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from multilevel.exceptions import ConvergenceError, ConvergenceWarning, MultilevelWarning, warn
from multilevel.solver.native import one_blas_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from multilevel.typing import Float

__all__ = ["ReplicateFailed", "Replicates", "Work", "check_n", "run_replicates", "runs_in_parallel"]

# Tasks that the replicates are cut into: enough for a progress bar, few enough to send to workers.
_TASKS = 32
_REASONS = 3  # shown in a message


class ReplicateFailed(Exception):  # noqa: N818
    """A replicate has no value; the message is the reason that is counted."""


class Work(Protocol):
    """What a replicate does."""

    def __call__(self, generator: np.random.Generator) -> Float:
        """Compute the values of one replicate, shape (s,), or raise `ReplicateFailed`."""
        ...


@dataclass(frozen=True, slots=True)
class Replicates:
    """Values of the replicates that did not fail, and the reasons of those that did.

    Attributes
    ----------
    values : ndarray, shape (n_ok, s)
        In the order of their random streams.
    failures : mapping of str to int
        Reason, and number of replicates that failed for it, the most frequent first.
    """

    values: Float
    failures: Mapping[str, int]


def check_n(n: object) -> None:
    """Raise ``ValueError`` unless a number of replicates is a whole number, 2 or more."""
    if not isinstance(n, int | np.integer) or n < 2:
        raise ValueError(f"n must be a whole number of replicates, 2 or more; got {n!r}.")


def runs_in_parallel(n_jobs: int | None) -> bool:
    """Whether replicates would run on several workers: as told, or as joblib is configured."""
    from joblib import effective_n_jobs

    if n_jobs is not None and (not isinstance(n_jobs, int | np.integer) or n_jobs == 0):
        raise ValueError(f"n_jobs must be a whole number other than 0, or None; got {n_jobs!r}.")
    return bool(effective_n_jobs(n_jobs) != 1)


def run_replicates(
    work: Work,
    n: int,
    *,
    rng: int | np.random.Generator | None,
    n_jobs: int | None,
    progress: bool,
) -> Replicates:
    """Run replicates, each on its own child of the seed sequence.

    The values therefore depend on ``rng`` alone, not on the number or the kind of workers.

    Parameters
    ----------
    work : callable
        Takes a generator, gives the values of one replicate. Sent to the workers by pickle.
    n : int
        Number of replicates.
    rng : int, numpy.random.Generator or None
        Seed or source of randomness.
    n_jobs : int or None
        Workers, as joblib counts them; None for 1, or what ``joblib.parallel_config`` says.
    progress : bool
        Show a progress bar.

    Raises
    ------
    ConvergenceError
        If fewer than two replicates succeed.

    Warns
    -----
    MultilevelWarning
        If a replicate failed.
    """
    from joblib import Parallel, delayed

    seeds = np.random.default_rng(rng).bit_generator.seed_seq.spawn(n)  # type: ignore[attr-defined]
    size = -(-n // _TASKS)
    tasks = [seeds[start : start + size] for start in range(0, n, size)]
    values: list[Float] = []
    failures: Counter[str] = Counter()
    # One context around all workers: contexts of single threads may end in any order.
    with one_blas_thread(True), _quiet(), _bar(n, progress) as bar:
        parallel = Parallel(n_jobs=n_jobs, prefer="threads", return_as="generator")
        for results in parallel(delayed(_run_task)(work, task) for task in tasks):
            failed = [result for result in results if isinstance(result, str)]
            failures.update(failed)
            values += [result for result in results if not isinstance(result, str)]
            bar.update(len(results))
    return _collect(values, failures, n)


def _run_task(work: Work, seeds: Sequence[np.random.SeedSequence]) -> list[Float | str]:
    """Values of some replicates, or the reasons why they failed."""
    results: list[Float | str] = []
    with _quiet():
        for seed in seeds:
            try:
                results.append(work(np.random.default_rng(seed)))
            except ReplicateFailed as failure:
                results.append(str(failure))
    return results


def _collect(values: list[Float], failures: Counter[str], n: int) -> Replicates:
    counted = dict(failures.most_common())
    if failures:
        reasons = "; ".join(f"{count} times: {reason}" for reason, count in _first(counted))
        text = f"{failures.total()} of {n} replicates failed and are left out ({reasons})."
        if len(values) < 2:
            raise ConvergenceError(text)
        warn(text, MultilevelWarning)
    return Replicates(np.array(values), counted)


def _first(counted: Mapping[str, int]) -> Iterator[tuple[str, int]]:
    yield from list(counted.items())[:_REASONS]
    if len(counted) > _REASONS:
        yield "other reasons", sum(list(counted.values())[_REASONS:])


def _quiet() -> warnings.catch_warnings[None]:
    """Replicates that do not converge are counted; they need no warning each."""
    return warnings.catch_warnings(action="ignore", category=ConvergenceWarning)


def _bar(n: int, progress: bool) -> Any:
    from contextlib import nullcontext
    from types import SimpleNamespace

    if not progress:
        return nullcontext(SimpleNamespace(update=lambda count: None))
    from tqdm.auto import tqdm

    return tqdm(total=n, desc="replicates", unit="fit")
