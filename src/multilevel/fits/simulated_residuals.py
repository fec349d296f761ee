"""Simulated residuals of a fit, and the check of its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.diagnostics.predictive_check import compare_statistics, response_statistics
from multilevel.diagnostics.simulated_residuals import (
    SimulatedUnits,
    marginal_variances,
    residuals_of,
    scaled_residuals,
)
from multilevel.diagnostics.verdicts import LOOK_P
from multilevel.exceptions import DataError
from multilevel.prediction.cases import ROWS
from multilevel.prediction.simulate import simulate_responses
from multilevel.randomness import random_generator
from multilevel.solver.given_theta import solve_covariance
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from multilevel.diagnostics.predictive_check import PredictiveCheck
    from multilevel.diagnostics.simulated_residuals import SimulationTest
    from multilevel.fits.checks import FitChecks
    from multilevel.prediction.simulate import Draw
    from multilevel.report.tidy import Columns
    from multilevel.typing import Float

__all__ = ["Held", "SimulatedResiduals", "predictive_columns", "replicate", "simulate_residuals"]

Held = Literal["none", "all"]

# Numbers that are simulated at a time.
_BATCH = 2_000_000
_MESSAGES = {
    "uniformity": "the distribution of the {level} has not the shape that the model says",
    "dispersion": "the {level} vary {more} than the model says",
    "outliers": "{more} of the {level} lie outside all simulations than by chance",
    "spread": "the residual variances of the groups of {level} differ",
}


@dataclass(frozen=True)
class SimulatedResiduals:
    """Simulated residuals, as :meth:`LinearMixedModel.simulated_residuals` makes them.

    Attributes
    ----------
    residuals : ndarray, shape (m,)
        Share of simulated values below the observed one, for every row used or every group:
        uniform between 0 and 1 if the model is right.
    n : int
        Number of simulations.
    re_form : {"none", "all"}
        Random effects held at their predictions.
    by : str or None
        Groups by whose means rows were aggregated.
    """

    residuals: Float
    n: int
    re_form: Held
    by: str | None
    _fit: FitChecks
    _units: Columns
    _tests: tuple[SimulationTest, ...]

    def __repr__(self) -> str:
        what = ROWS if self.by is None else f"groups of {self.by}"
        return f"<SimulatedResiduals of {len(self.residuals)} {what}, {self.n} simulations>"

    def to_frame(self) -> Any:
        """Tabulate the residuals.

        Returns
        -------
        data frame
            ``row`` (position in the data, from 0) or ``group, level``; ``fitted`` (mean by the
            model), ``observed``, ``residual``.
        """
        return self._fit._emit({**self._units, "residual": self.residuals})

    def tests(self) -> Any:
        """Test the residuals.

        Every statistic is compared with those of the simulations, which have the same dependence
        between rows; p values are multiples of ``1 / (n + 1)``. The estimates were made from the
        same data, so that the tests reject less often than they say if the model is right.

        Returns
        -------
        data frame
            ``test, level, statistic, expected, p_value, verdict, message``, ``expected`` being the
            mean over simulations:

            - ``uniformity``: Kolmogorov's distance of the distribution of standardised values from
              a normal one of the same location and spread;
            - ``dispersion``: mean square of standardised values, two-sided;
            - ``outliers``: units below or above all simulations, two-sided;
            - ``spread``, for every grouping factor: mean square between groups of the distances of
              values from the mean of their group (as in Levene's test).
        """
        tests = self._tests
        verdicts = ["look" if test.p_value < LOOK_P else "ok" for test in tests]
        return self._fit._emit(
            {
                "test": [test.test for test in tests],
                "level": [test.level for test in tests],
                "statistic": [test.statistic for test in tests],
                "expected": [test.expected for test in tests],
                "p_value": [test.p_value for test in tests],
                "verdict": verdicts,
                "message": [
                    _message(test) if verdict == "look" else "as the model says"
                    for test, verdict in zip(tests, verdicts, strict=True)
                ],
            }
        )


def _message(test: SimulationTest) -> str:
    more = "more" if test.statistic > test.expected else "less"
    if test.test == "outliers" and more == "less":
        more = "fewer"
    return _MESSAGES[test.test].format(level=test.level, more=more)


def simulate_residuals(
    fit: FitChecks, n: int, re_form: Held, by: str | None, rng: int | np.random.Generator | None
) -> SimulatedResiduals:
    """Simulate responses from a fit and find the place of the observed among them."""
    check_option("re_form", re_form, Held)
    if n < 2:
        raise ValueError(f"n={n!r} is not a number of simulations; give 2 or more, such as 250.")
    generator = random_generator(rng)
    matrices = fit._matrices
    mean, draws, error = _model_of(fit, re_form)
    blocks = _simulations(fit, n, generator) if re_form == "none" else _held(fit, n, generator)
    if by is None:
        sd = np.sqrt(marginal_variances(draws, error, None, fit.nobs))
        groups = {factor.name: factor.codes for factor in matrices.factors}
        units = SimulatedUnits(mean, sd, groups)
        labels: Columns = {"row": fit._used_rows()}
        observed, level = matrices.y, ROWS
    else:
        codes, names = fit._codes_of(by)
        counts = np.bincount(codes)
        sd = np.sqrt(marginal_variances(draws, error, codes, len(counts)))
        units = SimulatedUnits(np.bincount(codes, mean) / counts, sd, {})
        labels = {"group": [by] * len(counts), "level": names}
        observed, level = np.bincount(codes, matrices.y) / counts, by
        blocks = (np.bincount(codes, y) / counts for y in blocks)
    found = scaled_residuals(observed, blocks, units, level, generator)
    labels = {**labels, "fitted": units.mean, "observed": observed}
    return SimulatedResiduals(found.residual, n, re_form, by, fit, labels, found.tests)


def _model_of(fit: FitChecks, re_form: Held) -> tuple[Float, list[Draw], Float]:
    """Mean of the responses, effects that are drawn, and residual variances of the rows.

    With all effects held the residuals have the variance of the fit's own, which is smaller than
    sigma squared by the leverage: the effects were predicted from the same responses.
    """
    weights = fit._matrices.weights
    error = fit.sigma**2 / (np.ones(fit.nobs) if weights is None else weights)
    if re_form == "all":
        return fit.fitted(), [], error * np.maximum(1.0 - fit._leverage, 0.0)
    return fit.fitted("none"), _draws(fit), error


def _draws(fit: FitChecks) -> list[Draw]:
    """All random effects, to be drawn anew."""
    return [
        fit.model.draw(t, fit.sigma * estimated.relative_factor)
        for t, estimated in enumerate(fit.state.terms)
    ]


def _simulations(fit: FitChecks, n: int, rng: np.random.Generator) -> Iterator[Float]:
    """Responses one by one, drawn some at a time."""
    mean, draws, weights = fit.fitted("none"), _draws(fit), fit._matrices.weights
    for size in _batches(fit, n):
        yield from simulate_responses(mean, draws, fit.sigma, weights, size, rng)


def _held(fit: FitChecks, n: int, rng: np.random.Generator) -> Iterator[Float]:
    """Fitted values with the residuals that simulated responses have when they are fitted."""
    matrices, fitted = fit._matrices, fit.fitted()
    zero, draws = np.zeros(fit.nobs), _draws(fit)  # the fixed part leaves no trace in residuals
    solved_X = solve_covariance(matrices, fit.state.theta, matrices.X)
    for size in _batches(fit, n):
        drawn = simulate_responses(zero, draws, fit.sigma, matrices.weights, size, rng)
        for residual in residuals_of(matrices, fit.state, drawn, solved_X):
            yield fitted + residual


def _batches(fit: FitChecks, n: int) -> list[int]:
    """Sizes of batches of n simulations."""
    step = max(1, _BATCH // fit.nobs)
    return [min(step, n - start) for start in range(0, n, step)]


def replicate(
    fit: FitChecks,
    statistic: Callable[[Float], Mapping[str, float]],
    n: int,
    level: float,
    rng: int | np.random.Generator | None,
) -> tuple[list[str], PredictiveCheck]:
    """Compare statistics of the response with those of simulated ones."""
    if n < 2:
        raise ValueError(f"n={n!r} is not a number of simulations; give 2 or more, such as 1000.")
    generator = random_generator(rng)
    observed = dict(statistic(fit._matrices.y.copy()))
    simulated = []
    for y in _simulations(fit, n, generator):
        found = dict(statistic(y))
        if list(found) != list(observed):
            raise ValueError(
                f"The statistic gives {list(found)} for a simulated response and {list(observed)} "
                "for the data; it must give the same names every time."
            )
        simulated.append(list(found.values()))
    table = np.array(simulated, dtype=np.float64)
    values = np.array(list(observed.values()), dtype=np.float64)
    if not (np.isfinite(values).all() and np.isfinite(table).all()):
        raise DataError("A statistic is not a finite number for the data or a simulated response.")
    return list(observed), compare_statistics(values, table, level)


def predictive_columns(
    fit: FitChecks,
    statistic: Callable[[Float], Any] | None,
    n: int,
    level: float,
    rng: int | np.random.Generator | None,
) -> Columns:
    """Table of observed and replicated statistics."""
    groups = {factor.name: factor.codes for factor in fit._matrices.factors}
    names, found = replicate(
        fit,
        (lambda y: response_statistics(y, groups)) if statistic is None else _named(statistic),
        n,
        level,
        rng,
    )
    return {
        "statistic": names,
        "observed": found.observed,
        "simulated": found.mean,
        "conf_low": found.low,
        "conf_high": found.high,
        "p_value": found.p_value,
    }


def _named(statistic: Callable[[Float], Any]) -> Callable[[Float], Mapping[str, float]]:
    """The user's statistic, a single number under its own name."""

    def named(y: Float) -> Mapping[str, float]:
        found = statistic(y)
        if isinstance(found, dict):
            return found
        return {getattr(statistic, "__name__", "statistic"): float(found)}

    return named
