"""What leaving out a level does to variances and standard errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.demo.rates import describe_ratio
from multilevel.demo.sampling import check_count, draw, generator_of, replicated
from multilevel.demo.study import Study
from multilevel.exceptions import DataError
from multilevel.fits.model import MixedModel
from multilevel.plot.numbers import take
from multilevel.plot.style import BLUE, GREEN, GREY, VERMILION, dress, key, label_rows, new_panels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.design.matrices import ModelMatrices
    from multilevel.typing import Float

    Columns = dict[str, Any]

__all__ = ["ignored_level"]

MODELS = {
    "all levels": "(1 | school) + (1 | class)",
    "without class": "(1 | school)",
    "without school": "(1 | class)",
}
VARIANCES = ("school", "class", "pupil")
TERMS = ("x_pupil", "x_class", "x_school")
_COLOURS = dict(zip(MODELS, (BLUE, VERMILION, GREEN), strict=True))


def ignored_level(
    n_schools: int = 30,
    n_classes: int = 4,
    n_per_class: int = 8,
    *,
    variances: Mapping[str, float] | None = None,
    nsim: int = 200,
    rng: int | np.random.Generator | None = None,
) -> Study:
    """Leave a level out of the model: pupils in classes in schools.

    The variance of a level that is left out goes to the levels next to it, and the standard errors
    of the predictors of that level are wrong.

    Parameters
    ----------
    n_schools, n_classes, n_per_class : int
        Schools (10 or more), classes in each, and pupils in each class (2 or more).
    variances : mapping of str to float, optional
        Variances of the levels; ``{"school": 0.15, "class": 0.25, "pupil": 0.6}`` by default.
    nsim : int
        Data sets; about 3 ms for each.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same result.

    Returns
    -------
    Study
        Its table has a row for each ``model`` and ``term``. Variances (``var_school``, ...): the
        ``mean`` of the estimates, its Monte Carlo ``std_error``, and what is ``expected``.
        Standard errors (``se_x_pupil``, ...; the predictors have no effect): the ``mean`` of the
        ratio of the stated to the true one, and 1 is ``expected`` of a sound model.

    Raises
    ------
    DataError
        For a number that is no number of groups or rows, or no variance.

    Notes
    -----
    Moerbeek (2004), Multivar. Behav. Res. 39, 129-149. With k classes of n pupils in each school, a
    model without classes puts ``(n - 1) / (n k - 1)`` of their variance down to the schools, the
    rest to the pupils. A model without schools puts all of theirs down to the classes.

    Examples
    --------
    >>> import multilevel as mlm
    >>> study = mlm.demo.ignored_level(nsim=10, rng=1)
    >>> sorted(set(study.table["model"]))
    ['all levels', 'without class', 'without school']
    """
    sizes = (
        check_count("n_schools", n_schools, 10),
        check_count("n_classes", n_classes, 2),
        check_count("n_per_class", n_per_class, 2),
    )
    true = _variances(variances or {"school": 0.15, "class": 0.25, "pupil": 0.6})
    nsim = check_count("nsim", nsim, 10)
    values = replicated(_School(sizes, true), nsim, generator_of(rng))
    columns = _rows(values, _expected(sizes, true))
    title = (
        f"A level left out: {nsim:,} data sets of {n_schools} schools, {n_classes} classes in each "
        f"and {n_per_class} pupils in each class"
    )
    return Study.of(title, columns, _sentences(columns), _draw)


def _variances(stated: Mapping[str, float]) -> tuple[float, float, float]:
    if not hasattr(stated, "keys") or set(stated) != set(VARIANCES):
        raise DataError(f"variances must be a dict with the keys {', '.join(VARIANCES)}.")
    school, class_, pupil = (stated[name] for name in VARIANCES)
    if not (school >= 0.0 and class_ >= 0.0 and pupil > 0.0 and np.isfinite(sum(stated.values()))):
        raise DataError(
            f"variances must be numbers from 0, that of pupils above 0; got {dict(stated)}."
        )
    return school, class_, pupil


@dataclass(frozen=True, slots=True)
class _School:
    """One data set: variances, estimates and standard errors by model, shape (3, 3, 3)."""

    sizes: tuple[int, int, int]
    variances: tuple[float, float, float]

    def __call__(self, generator: np.random.Generator) -> Float:
        school, class_, pupil = np.sqrt(self.variances)
        schools, classes, pupils = self.sizes
        data = draw(
            generator,
            (schools, classes),
            pupils,
            fixed={"Intercept": 0.0},
            random={"school": {"Intercept": school}, "class": {"Intercept": class_}},
            sigma=pupil,
            level1=["x_pupil"],
            level2=["x_class"],
            level3=["x_school"],
            group=("school", "class"),
        )
        return np.array([_fitted(random, data) for random in MODELS.values()])


def _fitted(random: str, data: Columns) -> Float:
    """Variances by level (NaN for one left out), estimates and their standard errors, (3, 3)."""
    model = MixedModel(f"y ~ {' + '.join(TERMS)} + {random}", data)
    state = model.problem.fit(reml=True)
    names = _factors_of_terms(model.matrices)
    found = {name: term.covariance[0, 0] for name, term in zip(names, state.terms, strict=True)}
    found["pupil"] = state.sigma**2
    variances = [found.get(name, np.nan) for name in VARIANCES]
    return np.array([variances, state.beta[1:], np.sqrt(state.vcov.diagonal())[1:]])


def _factors_of_terms(matrices: ModelMatrices) -> list[str]:
    return [matrices.factors[term.factor].name for term in matrices.terms]


def _expected(sizes: tuple[int, int, int], true: tuple[float, float, float]) -> Float:
    """Variances that the models estimate on average, shape (3 models, 3 levels)."""
    _, k, n = sizes
    school, class_, pupil = true
    kept = class_ * (n - 1) / (n * k - 1)  # of the classes' variance, by the schools
    return np.array(
        [
            [school, class_, pupil],
            [school + kept, np.nan, pupil + class_ - kept],
            [np.nan, school + class_, pupil],
        ]
    )


def _rows(values: Float, expected: Float) -> Columns:
    """Rows: models, and in each variances and standard errors; values (nsim, 3, 3, 3)."""
    nsim = len(values)
    variances, beta, errors = values.transpose(2, 0, 1, 3)
    stated, true = np.sqrt((errors**2).mean(axis=0)), beta.std(axis=0, ddof=1)
    ratio = stated / true
    spread = np.sqrt(1.0 / (2.0 * (nsim - 1)))
    mean = np.hstack([variances.mean(axis=0), ratio])
    error = np.hstack([variances.std(axis=0, ddof=1) / np.sqrt(nsim), ratio * spread])
    terms = [*(f"var_{name}" for name in VARIANCES), *(f"se_{name}" for name in TERMS)]
    columns = {
        "model": np.repeat(np.array(list(MODELS), dtype=object), len(terms)),
        "term": np.tile(np.array(terms, dtype=object), len(MODELS)),
        "mean": mean.ravel(),
        "std_error": error.ravel(),
        "expected": np.hstack([expected, np.ones_like(ratio)]).ravel(),
    }
    return take(columns, ~np.isnan(columns["mean"]))


def _sentences(columns: Columns) -> list[str]:
    """For each model, where variances go and which standard errors are wrong."""
    full = _of_model(columns, "all levels")
    sentences = []
    for model in MODELS:
        found, spread = _of_model(columns, model), _of_model(columns, model, "std_error")
        moved = ", ".join(
            f"{name} {found[f'var_{name}']:.3f}{_change(found, full, name)}"
            for name in VARIANCES
            if f"var_{name}" in found
        )
        errors = "; ".join(
            f"{name} {describe_ratio(found[f'se_{name}'], spread[f'se_{name}'])}" for name in TERMS
        )
        sentences.append(f"{model}: variances are {moved}; standard errors: {errors}.")
    return sentences


def _of_model(columns: Columns, model: str, what: str = "mean") -> dict[str, float]:
    rows = take(columns, columns["model"] == model)
    return dict(zip(rows["term"], rows[what], strict=True))


def _change(found: dict[str, float], full: dict[str, float], name: str) -> str:
    """How a variance differs from that of the whole model."""
    if found == full:
        return ""
    return f" ({found[f'var_{name}'] - full[f'var_{name}']:+.3f})".replace("-", "−")


def _draw(columns: Columns, ax: Any) -> Any:
    """Variances as stacked bars, and ratios of standard errors, by model."""
    left, right = new_panels(ax, 2, columns=2, size=(3.5, 2.7))
    at = np.arange(len(MODELS))
    base = np.zeros(len(MODELS))
    for name, shade in zip(VARIANCES, (BLUE, "#7fb8d9", "#d9d9d9"), strict=True):
        widths = [_of_model(columns, model).get(f"var_{name}", 0.0) for model in MODELS]
        left.barh(at, widths, left=base, height=0.6, color=shade, label=name)
        base += widths
    dress(left, "mean of the estimated variances", grid="x")
    label_rows(left, list(MODELS), "", first="top")
    key(left, place="above", columns=3)
    right.axvline(1.0, color=GREY, linewidth=1.0, linestyle="--")
    for k, (model, colour) in enumerate(_COLOURS.items()):
        rows = take(columns, columns["model"] == model)
        rows = take(rows, [str(term).startswith("se_") for term in rows["term"]])
        right.errorbar(
            rows["mean"],
            np.arange(len(TERMS)) + 0.18 * (k - 1),
            xerr=1.96 * rows["std_error"],
            fmt="o",
            markersize=4,
            color=colour,
            label=model,
        )
    dress(right, "standard error stated / true one", grid="x")
    label_rows(right, TERMS, "", first="top")
    key(right, place="above", columns=2)
    return np.array([left, right])
