"""Headings of columns of results, by the names that they have everywhere in the package."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["heading_of", "span_of"]

_HEADINGS = {
    "aic": "AIC",
    "aicc": "AICc",
    "bic": "BIC",
    "conf_high": "high",
    "conf_low": "low",
    "corr": "Correlation",
    "deff": "Design effect",
    "df": "df",
    "df_residual": "Residual df",
    "estimate_ols": "Estimate, least squares",
    "icc": "ICC",
    "icc2": "Reliability of means",
    "loglik": "Log-likelihood",
    "max": "Maximum",
    "min": "Minimum",
    "n_effective": "Effective rows",
    "n_groups": "Groups",
    "n_missing": "Missing",
    "n_parameters": "Parameters",
    "n_rows": "Rows",
    "n_used": "Groups used",
    "nobs": "Rows",
    "p_value": "p",
    "pred_high": "high",
    "pred_low": "low",
    "q1": "1st quartile",
    "q3": "3rd quartile",
    "r2": "R²",
    "reml_criterion": "REML criterion",
    "sd": "SD",
    "se_ratio": "Ratio of SEs",
    "std_error": "Std. error",
    "std_error_ols": "Std. error, least squares",
    "std_error_robust": "Std. error, robust",
    "vif": "VIF",
    "vpc": "Share of variance",
}

# Words inside of names, as in icc_unadjusted.
_WORDS = {
    "aic": "AIC",
    "bic": "BIC",
    "icc": "ICC",
    "ols": "OLS",
    "r2": "R²",
    "sd": "SD",
    "se": "SE",
}

_SPANS = {
    ("conf_low", "conf_high"): "95% interval",
    ("pred_low", "pred_high"): "95% prediction interval",
}


def heading_of(name: str, own: Mapping[str, str]) -> str:
    """The heading of a column: that of its table, that of the package, or its name in words.

    >>> heading_of("std_error", {}), heading_of("mean_size", {})
    ('Std. error', 'Mean size')
    """
    if name in own:
        return own[name]
    if name in _HEADINGS:
        return _HEADINGS[name]
    if not name.islower() and name.partition("_")[0] not in _WORDS:  # M1, Catholic
        return name
    words = " ".join(_WORDS.get(word, word) for word in name.split("_") if word)
    return words[:1].upper() + words[1:]


def span_of(name: str, names: Sequence[str]) -> str:
    """The heading over a column and its neighbour: intervals have two columns."""
    for pair, text in _SPANS.items():
        places = [names.index(one) for one in pair if one in names]
        if name in pair and len(places) == 2 and places[1] == places[0] + 1:
            return text
    return ""
