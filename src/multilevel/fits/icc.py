"""The intraclass correlation of a variable in one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.exceptions import DataError
from multilevel.fits.model import MixedModel
from multilevel.fits.variance_tables import design_columns, icc_columns, icc_intervals
from multilevel.inference.wald import check_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.typing import NAAction

__all__ = ["icc"]


def icc(
    data: Any,
    outcome: str,
    groups: str | Sequence[str],
    *,
    level: float = 0.95,
    na_action: NAAction = "drop",
) -> Any:
    """Intraclass correlation of a variable, from the model without predictors.

    Parameters
    ----------
    data : data frame or dict of arrays
        One row per observation.
    outcome : str
        Column of numbers.
    groups : str or sequence of str
        Grouping factor; ``"school/class"`` for classes in schools; a list for several factors.
    level : float
        Level of the intervals (delta method on the logit scale, REML).
    na_action : {"drop", "raise"}
        What to do with rows that have missing values, as in :func:`multilevel.lmer`.

    Returns
    -------
    data frame
        One row per grouping factor: ``group, n_groups, mean_size, variance, icc, std_error,
        conf_low, conf_high, correlation, design_effect, n_effective``; see
        :meth:`LinearMixedModel.icc` and :meth:`LinearMixedModel.design_effect`.

    Raises
    ------
    DataError
        For columns that are missing or not fit for their part.

    Examples
    --------
    >>> import multilevel as mlm
    >>> table = mlm.icc(mlm.datasets.load("hsb"), "math", "school")
    >>> table[["icc", "conf_low", "conf_high"]].round(3).values.tolist()
    [[0.18, 0.147, 0.22]]
    """
    check_level(level)
    names = [groups] if isinstance(groups, str) else list(groups)
    if not names:
        raise DataError("groups is empty; name at least one grouping factor.")
    terms = " + ".join(f"(1 | {_nesting(name)})" for name in names)
    fit = MixedModel(f"{_quoted(outcome)} ~ 1 + {terms}", data, na_action=na_action).fit()
    found, design = icc_columns(fit, None), design_columns(fit)
    intervals = icc_intervals(fit, None, level, "delta", 0, None)
    return fit._emit(
        {
            **{name: design[name] for name in ("group", "n_groups", "mean_size")},
            **{name: found[name] for name in ("variance", "icc")},
            **intervals,
            "correlation": found["correlation"],
            **{name: design[name] for name in ("design_effect", "n_effective")},
        }
    )


def _nesting(name: str) -> str:
    return "/".join(_quoted(part.strip()) for part in name.split("/"))


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
