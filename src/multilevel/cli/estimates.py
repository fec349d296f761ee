"""A fit as plain values for other programs."""

from __future__ import annotations

import math
import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multilevel.fits.linear import LinearMixedModel

__all__ = ["estimates"]


def estimates(fit: LinearMixedModel) -> dict[str, Any]:
    """Return estimates, criteria and verdicts of a fit of pandas data.

    Parameters
    ----------
    fit : LinearMixedModel
        The fit.

    Returns
    -------
    dict
        Text, numbers, booleans, lists and dicts only; None where an estimate does not exist.
    """
    objective = "reml_criterion" if fit.reml else "deviance"
    return {
        "formula": fit.formula,
        "method": "REML" if fit.reml else "ML",
        "n_rows": fit.nobs,
        "n_groups": fit.n_groups,
        "fixed": _records(fit.tidy(conf_int=True).drop(columns="effect")),
        "random": _records(fit.var_corr()),
        "criteria": {
            objective: getattr(fit, objective),
            "loglik": fit.loglik,
            "aic": fit.aic,
            "bic": fit.bic,
        },
        "converged": fit.converged,
        "singular": fit.is_singular,
        "notes": list(fit.summary().notes),
        "versions": _versions(),
    }


def _records(table: Any) -> list[dict[str, Any]]:
    rows = table.to_dict("records")
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """Return None for NaN, and for the infinite degrees of freedom of a normal test."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _versions() -> dict[str, str]:
    import multilevel

    libraries = {name: version(name) for name in ("numpy", "scipy", "formulaic", "pandas")}
    python = platform.python_version()
    return {"multilevel": multilevel.__version__, "python": python, **libraries}
