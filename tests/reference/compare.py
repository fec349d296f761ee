"""Every number of a fit against the JSON that ``r/models.R`` wrote."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reference.dialect import coefficient_names, group_key, level_label

# The criterion: this much above lme4's best of several runs, at most; below is welcome.
OBJECTIVE_ATOL = 1e-6
OBJECTIVE_RTOL = 1e-8
# Below lme4 by more than this it would not be the same criterion: lme4 is run to about 1e-9.
OBJECTIVE_BELOW = 1e-5
# In units of the standard error.
BETA_ATOL = 1e-5
# Standard errors, sigma; variances, modes and their SDs in units of the terms' own SDs. lme4's
# derivative-free optimisers find theta to about sqrt(rounding of the criterion), 1e-7 to 5e-6.
RTOL = 1e-5
# Effects with smaller SDs than this many sigmas are compared on this scale: lme4 stops within 1e-8
# sigmas of a zero variance, we at zero.
SMALL_SD = 1e-2


def term_sds(fit: Any) -> list[np.ndarray]:
    """Standard deviations of the random effects of every term, in formula order."""
    return [np.sqrt(np.diag(term.covariance)) for term in fit.state.terms]


def assert_matches(fit: Any, expected: dict[str, Any], data: pd.DataFrame) -> None:
    """Criterion, fixed effects, variances, conditional modes and fitted values agree."""
    assert fit.converged
    assert fit.nobs == expected["nobs"]
    assert fit.is_singular == expected["singular"]
    assert_objective(-2 * fit.loglik, expected["objective"])
    assert_fixed(fit, expected, data)
    np.testing.assert_allclose(fit.sigma, expected["sigma"], rtol=RTOL)
    assert_covariances(fit, expected, data)
    assert_modes(fit, expected, data)
    spread = np.std(fit.fitted())
    np.testing.assert_allclose(fit.fitted()[:6], expected["fitted_head"], atol=RTOL * spread)


def assert_objective(actual: float, expected: float, slack: float = 0.0) -> None:
    """Not above the reference, and not so far below that it is another criterion."""
    assert actual - expected <= min(OBJECTIVE_ATOL, OBJECTIVE_RTOL * abs(expected)) + slack
    assert expected - actual <= OBJECTIVE_BELOW + slack


def assert_fixed(fit: Any, expected: dict[str, Any], data: pd.DataFrame) -> None:
    """Fixed effects by name; a column that R dropped is NaN here."""
    names = coefficient_names(list(expected["beta"]), data)
    position = {canonical(name): i for i, name in enumerate(fit.coef_names)}
    rows = [position.pop(canonical(name)) for name in names.values()]
    assert np.all(np.isnan(fit.beta[list(position.values())]))
    beta, errors = (np.array([expected[key][name] for name in names]) for key in ("beta", "se"))
    np.testing.assert_allclose(fit.beta[rows] / errors, beta / errors, rtol=0, atol=BETA_ATOL)
    np.testing.assert_allclose(fit.std_errors[rows], errors, rtol=RTOL)
    scale = np.outer(errors, errors)
    vcov = np.array(expected["vcov"])
    np.testing.assert_allclose(
        fit.vcov[np.ix_(rows, rows)] / scale, vcov / scale, rtol=0, atol=2 * RTOL
    )


def assert_covariances(fit: Any, expected: dict[str, Any], data: pd.DataFrame) -> None:
    """Covariance matrices of the terms, each matched by grouping factor and effects."""
    terms = zip(fit.model.matrices.terms, fit.state.terms, strict=True)
    left = {
        (group_key(_group(fit, term)), frozenset(map(canonical, term.names))): (term.names, state)
        for term, state in terms
    }
    for group, reference in expected["varcorr"].items():
        names = [canonical(n) for n in _effects(reference["names"], data)]
        key = next(k for k in left if k[0] == group_key(group) and set(names) <= k[1])
        ours, state = left[key]
        order = [list(map(canonical, ours)).index(name) for name in names]
        actual = state.covariance[np.ix_(order, order)]
        desired = np.array(reference["cov"], dtype=float)
        sds = np.maximum(np.sqrt(np.diag(desired)), SMALL_SD * expected["sigma"])
        scale = np.outer(sds, sds)
        np.testing.assert_allclose(actual / scale, desired / scale, rtol=0, atol=2 * RTOL)
        left[key] = (ours, state)


def assert_modes(fit: Any, expected: dict[str, Any], data: pd.DataFrame) -> None:
    """Conditional modes and their standard deviations, some levels of every factor."""
    table = pd.DataFrame(fit.ranef())
    table["term"] = table["term"].map(canonical)
    for reference in expected["ranef"]:
        group = next(
            g for g in table["group"].unique() if group_key(g) == group_key(reference["group"])
        )
        part = table[table["group"] == group]
        part = part.assign(level=part["level"].astype(str)).set_index(["level", "term"])
        levels = [level_label(label, reference["group"], group) for label in reference["levels"]]
        for column, name in enumerate(map(canonical, _effects(reference["columns"], data))):
            rows = part.loc[[(level, name) for level in levels]]
            modes, errors = (np.array(reference[key])[:, column] for key in ("values", "cond_sd"))
            prior = np.sqrt(_prior_variance(expected, reference["group"], column))
            scale = max(prior, SMALL_SD * expected["sigma"])
            np.testing.assert_allclose(
                rows["estimate"] / scale, modes / scale, rtol=RTOL, atol=RTOL
            )
            np.testing.assert_allclose(
                rows["std_error"] / scale, errors / scale, rtol=RTOL, atol=RTOL
            )
        total = float((part["estimate"] ** 2).sum())
        np.testing.assert_allclose(
            total, reference["sum_sq"], rtol=10 * RTOL, atol=(1e-4 * expected["sigma"]) ** 2
        )


def canonical(name: str) -> str:
    """A column's name without the marks that depend on spacing, coding or order of factors."""
    parts = name.replace(" ", "").replace("[T.", "[").split(":")
    return ":".join(sorted(parts))


def _group(fit: Any, term: Any) -> str:
    return fit.model.matrices.factors[term.factor].name


def _effects(r_names: list[str], data: pd.DataFrame) -> list[str]:
    return list(coefficient_names(list(r_names), data).values())


def _prior_variance(expected: dict[str, Any], group: str, column: int) -> float:
    """Variance of an effect; lme4 lists several terms on one factor as ``g`` and ``g.1``."""
    terms = [v for g, v in expected["varcorr"].items() if group_key(g) == group_key(group)]
    return float(np.concatenate([np.diag(np.array(v["cov"], dtype=float)) for v in terms])[column])
