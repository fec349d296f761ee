"""Fit every model with this package: python ours.py <directory>.

The default fit, and a search for a better optimum: each model is fitted from random starts of all
sizes, and the lowest criterion is the best known.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
from models import Model, models

import multilevel as mlm
from multilevel.exceptions import MultilevelError

N_STARTS = 20


def random_start(model: mlm.MixedModel, rng: np.random.Generator) -> np.ndarray:
    """Theta of random size and direction, drawn where the columns of each term are orthonormal."""
    parts = []
    for term in model.matrices.terms:
        z = np.asarray(term.z)
        k = z.shape[1]
        sizes = 10.0 ** rng.uniform(-2, 1.5, k)
        if term.covariance == "independent":
            parts.append(sizes / np.sqrt(np.mean(z**2, axis=0)))
            continue
        basis = np.linalg.qr(z / np.sqrt(len(z)), mode="r")
        factor = np.linalg.solve(basis, np.tril(rng.normal(size=(k, k))) * sizes[:, None])
        lower = np.linalg.qr(factor.T, mode="r").T
        lower = lower * np.where(np.diag(lower) < 0, -1.0, 1.0)
        parts.append(np.concatenate([lower[j:, j] for j in range(k)]))
    return np.concatenate(parts)


def fit_default(model: Model) -> dict[str, object]:
    """Criterion of the default fit, or the error."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            fit = mlm.lmer(model.formula, model.data, reml=model.reml)
        except MultilevelError as error:
            return {"error": str(error)[:120]}
    evaluations = fit.optimizer.evaluations
    return {"criterion": -2 * fit.loglik, "evaluations": evaluations, "warned": bool(caught)}


def best_of_starts(model: Model, n_starts: int = N_STARTS) -> float:
    """Lowest criterion from random starts."""
    rng = np.random.default_rng(model.id)
    problem = mlm.MixedModel(model.formula, model.data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fits = [
            problem.fit(reml=model.reml, start=random_start(problem, rng)) for _ in range(n_starts)
        ]
    return min(-2 * fit.loglik for fit in fits)


def main() -> None:
    """Write ``multilevel.json`` and ``multistart.json`` into the directory."""
    directory = Path(sys.argv[1])
    stress = models()
    default = {model.id: fit_default(model) for model in stress}
    (directory / "multilevel.json").write_text(json.dumps(default))
    searched = {model.id: {"criterion": best_of_starts(model)} for model in stress}
    (directory / "multistart.json").write_text(json.dumps(searched))


if __name__ == "__main__":
    main()
