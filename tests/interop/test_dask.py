"""The bootstrap on a Dask cluster."""

from __future__ import annotations

import logging

import joblib
import numpy as np
import pytest

import multilevel as mlm
from reference.datasets import load

distributed = pytest.importorskip("dask.distributed")


@pytest.fixture(scope="module", params=[False, True], ids=["threads", "process"])
def cluster(request):
    with (
        distributed.LocalCluster(
            n_workers=1,
            threads_per_worker=2,
            processes=request.param,
            dashboard_address=None,
            silence_logs=logging.ERROR,
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield cluster


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("method", ["parametric", "case"])
def test_replicates_are_those_of_this_process(method):
    fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", load("sleepstudy"))
    here = fit.bootstrap(20, method=method, rng=1)
    with joblib.parallel_config(backend="dask"):
        there = fit.bootstrap(20, method=method, rng=1)
        own = fit.bootstrap(20, method=method, rng=1, statistic=lambda f: f.sigma)
    np.testing.assert_array_equal(there.replicates, here.replicates)
    np.testing.assert_array_equal(own.replicates[:, 0], here.replicates[:, -1])
