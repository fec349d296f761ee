"""Wald standard errors and intervals of standard deviations and correlations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import multilevel as mlm

Z = stats.norm.ppf(0.975)
# theta is at the optimum to about the root of the Newton decrement.
OPTIMUM = 1e-5


def by_hessian(fit):
    """Standard errors of sds and correlation of one 2 x 2 term by the dense route."""
    covariance = 2 * np.linalg.inv(fit.varcomp_hessian())
    v1, c, v2, s2 = [*fit.state.terms[0].covariance[np.tril_indices(2)], fit.sigma**2]
    sd, rho = np.sqrt([v1, v2, s2]), c / np.sqrt(v1 * v2)
    slopes = np.array([
        [1 / (2 * sd[0]), 0, 0, 0], [0, 0, 1 / (2 * sd[1]), 0],
        [-rho / (2 * v1), rho / c, -rho / (2 * v2), 0], [0, 0, 0, 1 / (2 * sd[2])],
    ])  # fmt: skip
    return np.sqrt(np.einsum("ia,ab,ib->i", slopes, covariance, slopes))


@pytest.mark.parametrize("reml", [True, False])
def test_standard_errors_are_those_of_the_delta_method(reml):
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"), reml=reml)
    table = fit.tidy("ran_pars", conf_int=True)
    np.testing.assert_allclose(table["std_error"], by_hessian(fit), rtol=OPTIMUM)
    estimate, error = table["estimate"].to_numpy(), table["std_error"].to_numpy()
    is_sd = np.array([True, True, False, True])
    np.testing.assert_allclose(
        table["conf_high"][is_sd], (estimate * np.exp(Z * error / estimate))[is_sd], rtol=1e-9
    )
    shift = Z * error[2] / (1 - estimate[2] ** 2)
    assert table["conf_low"][2] == pytest.approx(np.tanh(np.arctanh(estimate[2]) - shift))


def test_balanced_one_way_closed_form():
    """Mean squares are independent chi-squared multiples: Searle, Casella & McCulloch 1992, 3.5."""
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff"))
    within = fit.sigma**2
    between = within + 5 * fit.state.terms[0].covariance[0, 0]
    variance = 2 * between**2 / 5 / 25 + 2 * within**2 / 24 / 25
    sd = np.sqrt(fit.state.terms[0].covariance[0, 0])
    expected = [np.sqrt(variance) / (2 * sd), fit.sigma / np.sqrt(2 * 24)]
    np.testing.assert_allclose(fit.tidy("ran_pars")["std_error"], expected, rtol=OPTIMUM)


def test_on_the_boundary_there_is_no_wald_interval():
    fit = mlm.lmer("Yield ~ 1 + (1 | Batch)", mlm.datasets.load("dyestuff2"))
    table = fit.tidy("ran_pars", conf_int=True)
    assert np.isnan(table.loc[0, ["std_error", "conf_low", "conf_high"]].astype(float)).all()
    assert table["std_error"][1] == pytest.approx(fit.sigma / np.sqrt(2 * 29), rel=OPTIMUM)


def test_terms_keep_their_own_rows():
    data = mlm.datasets.load("pastes")
    table = mlm.lmer("strength ~ 1 + (1 | batch/cask)", data).tidy("ran_pars", conf_int=True)
    swapped = mlm.lmer("strength ~ 1 + (1 | batch:cask) + (1 | batch)", data).tidy("ran_pars")
    columns = ["group", "estimate", "std_error"]
    a = table[columns].set_index("group").sort_index()
    b = swapped[columns].set_index("group").sort_index()
    np.testing.assert_allclose(a.to_numpy(), b.to_numpy(), rtol=OPTIMUM)
