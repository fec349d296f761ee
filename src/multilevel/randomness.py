"""Random numbers of what is simulated from a fit."""

from __future__ import annotations

import numpy as np

__all__ = ["random_generator"]

# Data are often drawn from numpy.random.default_rng(0), and simulated responses by the seed 0, too.
# With the same stream their residuals would be a predictor that is in the data already.
_SALT = 0x6D6C6D


def random_generator(rng: int | np.random.Generator | None) -> np.random.Generator:
    """A generator from a seed, whose stream is not that of NumPy's for the same seed.

    Parameters
    ----------
    rng : int, numpy.random.Generator or None
        A seed; a generator, which is used as it is; None for fresh entropy.
    """
    if isinstance(rng, int | np.integer):
        return np.random.default_rng(np.random.SeedSequence(int(rng), spawn_key=(_SALT,)))
    return np.random.default_rng(rng)
