"""Likelihood-ratio test whose reference distribution is simulated from the smaller model."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.exceptions import MultilevelError
from multilevel.fits.compare import _check_same_data
from multilevel.fits.nesting import check_nested
from multilevel.fits.replicates import ReplicateFailed, check_n, run_replicates, runs_in_parallel
from multilevel.fits.statistics import refitted
from multilevel.frames.emit import to_frame
from multilevel.prediction.resample import parametric_scheme
from multilevel.solver.linear import LinearProblem

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.prediction.resample import ResponseScheme
    from multilevel.typing import Float

__all__ = ["bootstrap_lrt"]

# Criteria are minimised to about 1e-9: statistics that differ by less than this are equal. It
# matters where both fits set a variance to zero, which makes the statistic zero.
_TIE = 1e-6


def bootstrap_lrt(
    small: LinearMixedModel,
    big: LinearMixedModel,
    *,
    n: int = 1000,
    rng: int | np.random.Generator | None = None,
    n_jobs: int | None = None,
    progress: bool = False,
) -> Any:
    """Test a model against a larger one by the likelihood ratio, with a simulated reference.

    Responses are drawn from the smaller model and both models are fitted to them by maximum
    likelihood. The p value is ``(1 + k) / (1 + n)``, with k the number of statistics that reach the
    one of the data (Davison & Hinkley 1997, Eq. 4.11; Halekoh & Hojsgaard 2014, J. Stat. Softw.
    59(9), section 4). It needs neither many groups nor variances away from zero. REML fits are
    fitted again by maximum likelihood.

    Parameters
    ----------
    small, big : LinearMixedModel
        Fits to the same rows; the first is a special case of the second.
    n : int
        Number of replicates, 2 or more.
    rng, n_jobs, progress
        As in :meth:`multilevel.LinearMixedModel.bootstrap`.

    Returns
    -------
    data frame
        ``method, statistic, df, p_value, n_replicates, n_failed``: a row by the chi-squared
        distribution and a row by the simulated one, which has no degrees of freedom.

    Raises
    ------
    ValueError
        For ``n`` below 2, or if the second model has not more parameters than the first.
    DataError
        If the fits differ in rows, response or weights, or are not nested.
    ConvergenceError
        If fewer than two replicates succeed.

    Warns
    -----
    MultilevelWarning
        If replicates failed; they are left out.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = mlm.datasets.load("sleepstudy")
    >>> small = mlm.lmer("Reaction ~ 1 + (1 | Subject)", data)
    >>> big = mlm.lmer("Reaction ~ Days + (1 | Subject)", data)
    >>> [round(p, 3) for p in mlm.bootstrap_lrt(small, big, n=99, rng=1)["p_value"].tolist()]
    [0.0, 0.01]
    """
    from scipy.special import chdtrc

    check_n(n)
    _check_same_data(small, big, 2)
    df = big.state.n_parameters - small.state.n_parameters
    if df < 1:
        raise ValueError(
            f"The second model must have more parameters than the first; it has "
            f"{big.state.n_parameters} and the first {small.state.n_parameters}. Give the smaller "
            "model first."
        )
    check_nested(small, big)
    null, full = (fit.refit(reml=False) if fit.reml else fit for fit in (small, big))
    problems = tuple(_problem(fit, runs_in_parallel(n_jobs)) for fit in (null, full))
    scheme = parametric_scheme(null.model.matrices, null.state)
    work = LikelihoodRatio(problems[0], problems[1], scheme)
    done = run_replicates(work, n, rng=rng, n_jobs=n_jobs, progress=progress)
    statistic = max(null.deviance - full.deviance, 0.0)
    n_ok = len(done.values)
    reached = int(np.sum(done.values >= statistic - _TIE))
    columns: dict[str, Any] = {
        "method": ["chi-squared", "parametric bootstrap"],
        "statistic": np.full(2, statistic),
        "df": np.array([df, np.nan]),
        "p_value": np.array([chdtrc(df, statistic), (1 + reached) / (1 + n_ok)]),
        "n_replicates": np.array([0, n_ok]),
        "n_failed": np.array([0, sum(done.failures.values())]),
    }
    return to_frame(columns, small.model.design.table)


def _problem(fit: LinearMixedModel, alone: bool) -> LinearProblem:
    """The problem of a fit, for one thread if it is not alone."""
    if not alone:
        return fit.model.problem
    control = replace(fit.model._control, threads=1)
    return LinearProblem.from_matrices(fit.model.matrices, control)


@dataclass(frozen=True, slots=True)
class LikelihoodRatio:
    """Replicates of the likelihood-ratio statistic under the smaller model.

    Attributes
    ----------
    small, big : LinearProblem
        The two models.
    scheme : ResponseScheme
        Draws responses from the smaller one.
    """

    small: LinearProblem
    big: LinearProblem
    scheme: ResponseScheme

    def __call__(self, generator: np.random.Generator) -> Float:
        """Statistic of one replicate, shape (1,)."""
        y = self.scheme.draw(generator)
        try:
            problems = [problem.with_response(y) for problem in (self.small, self.big)]
        except MultilevelError as error:
            raise ReplicateFailed(str(error)) from error
        small, big = (refitted(problem, False).objective for problem in problems)
        return np.array([max(small - big, 0.0)])
