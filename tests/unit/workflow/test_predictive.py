"""Whether the model would produce such data."""

import numpy as np

import multilevel as mlm


def data(transform=lambda y: y):
    drawn = mlm.simulate_multilevel(
        40, 20, fixed={"Intercept": 0.0}, random={"Intercept": 1.0}, rng=5
    )
    return drawn.assign(y=transform(drawn["y"]))


def text(frame):
    step = mlm.Analysis(frame, "y", "group").comparison
    return next(
        block.text for block in step.blocks if "simulated from" in getattr(block, "text", "")
    )


def test_data_of_the_model_are_like_it():
    assert text(data()) == (
        "200 sets of `y` were simulated from the model. The observed one is like them: all 7 "
        "statistics lie where 95% of the simulated ones do."
    )


def test_statistics_are_called_by_words():
    table = mlm.Analysis(data(), "y", "group").comparison.tables["predictive_check"]
    assert table["statistic"].tolist() == [
        "mean",
        "standard deviation",
        "smallest value",
        "largest value",
        "skewness",
        "standard deviation of means of groups",
        "standard deviation within groups",
    ]


def test_a_floor_and_a_ceiling_are_seen():
    below = text(data(lambda y: np.maximum(y, -0.5)))
    assert "the smallest value (−0.500; simulated −" in below
    assert "Simulated values go below the observed ones" in below
    above = text(data(lambda y: np.minimum(y, 0.5)))
    assert "Simulated values go above the observed ones" in above
    assert "below and above" in text(data(lambda y: np.clip(y, -0.5, 0.5)))
