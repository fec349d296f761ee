"""Check of simulated responses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multilevel.fits.check_table import Check
from multilevel.fits.simulated_residuals import replicate
from multilevel.prediction.cases import ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np

    from multilevel.fits.checks import FitChecks
    from multilevel.typing import Float

__all__ = ["check_simulated"]

# So many that a value outside all simulations has a two-sided p value of .01.
_SIMULATIONS = 199
_LEVEL = 0.95
# Distance from the simulations, in residual standard deviations, that matters.
_FAR = 0.5
_WORDS = {"min": "smallest", "max": "largest"}


def check_simulated(fit: FitChecks, rng: int | np.random.Generator | None) -> Iterator[Check]:
    """The range of the response, to which the model was not fitted, among those of simulations."""
    names, found = replicate(fit, _range, _SIMULATIONS, _LEVEL, rng)
    for j, name in enumerate(names):
        observed = float(found.observed[j])
        far = max(found.low[j] - observed, observed - found.high[j]) > _FAR * fit.sigma
        outside = far and found.p_value[j] <= 2.0 / (_SIMULATIONS + 1)
        message = (
            f"95% of simulated {_WORDS[name]} values lie between {found.low[j]:.4g} and "
            f"{found.high[j]:.4g}"
        )
        if outside:
            message += "; look for a limit of the scale, or values of another kind"
        yield Check(
            "simulated responses",
            ROWS,
            "",
            name,
            observed,
            "look" if outside else "ok",
            message,
            p_value=float(found.p_value[j]),
        )


def _range(y: Float) -> Mapping[str, float]:
    return {"min": float(y.min()), "max": float(y.max())}
