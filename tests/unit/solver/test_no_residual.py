"""Variances at which the random effects leave no residual variance."""

from dataclasses import replace

import numpy as np
import pytest

import multilevel as mlm
from multilevel.exceptions import ConvergenceError


def test_equations_that_cannot_be_solved_are_told():
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    extreme = replace(fit.state, theta=np.array([np.nan, 0.0, 1.0]))
    problem = fit.model.problem
    for compute in (problem.hat_values, problem.conditional_covariances):
        with pytest.raises(ConvergenceError, match="leave next to no residual variance"):
            compute(extreme)
