"""Power by simulation against the same studies in R (lme4, lmerTest): r/power.R."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from multilevel.planning.study import power

STUDIES = json.loads((Path(__file__).parent / "expected" / "power.json").read_text())["studies"]
MODEL = {
    "fixed": {"Intercept": 50, "ses": 2, "resources": 3},
    "level1": ["ses"],
    "level2": ["resources"],
    "random": {"Intercept": 4, "ses": 1, ("Intercept", "ses"): 0.3},
    "sigma": 6,
    "group": "g",
}
NSIM = 400
# Both are simulated: differences may be this many of their standard errors.
ERRORS = 3.0


@pytest.mark.parametrize("theirs", STUDIES, ids=lambda s: f"{s['groups']}x{s['size']}")
def test_same_study(theirs):
    found = power(
        MODEL,
        {"ses:resources": float(theirs["effect"])},
        n_groups=theirs["groups"],
        n_per_group=theirs["size"],
        formula=theirs["formula"],
        nsim=NSIM,
        rng=1,
    )
    row = found.table.iloc[0]
    n, share = theirs["nsim"], theirs["significant"] / theirs["nsim"]
    error = np.sqrt(share * (1.0 - share) * (1.0 / n + 1.0 / NSIM))
    assert abs(row["power"] - share) < ERRORS * error
    # relative error of a standard deviation of n draws: 1 / sqrt(2 n)
    relative = np.sqrt(0.5 / n + 0.5 / NSIM)
    assert abs(np.log(row["sd"] / theirs["sd"])) < ERRORS * relative
    # standard errors vary less than estimates do, the more so with many groups
    assert row["std_error"] == pytest.approx(theirs["mean_error"], rel=0.05)
