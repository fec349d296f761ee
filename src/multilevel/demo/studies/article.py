"""The example that introductions give: achievement, SES of pupils and resources of schools."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.datasets import simulate_multilevel
from multilevel.demo.sampling import generator_of
from multilevel.demo.study import Study, frame_of
from multilevel.fits.model import MixedModel
from multilevel.fits.ols import fit_without_groups
from multilevel.frames.emit import add_columns
from multilevel.frames.table import Table
from multilevel.inference.level_df import residual_df
from multilevel.inference.wald import wald_tests
from multilevel.plot.numbers import columns_of, stacked, take
from multilevel.plot.style import BLUE, GREY, VERMILION, dress, key, label_rows, new_panels
from multilevel.report.numbers import p_value
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from multilevel.fits.linear import LinearMixedModel

    Columns = dict[str, Any]

__all__ = ["Article", "article"]

Preset = Literal["textbook", "realistic"]

GROUP, SES, RESOURCES = "school_id", "student_ses", "school_resources"
MODELS = {
    "as coded": f"achievement_as_coded ~ {SES} + (1 | {GROUP})",
    "as described": f"achievement ~ {SES} + {RESOURCES} + (1 | {GROUP})",
}
# Effects of SES and of resources; deviations of schools and pupils; schools, and pupils in each.
_EFFECTS = (0.5, 0.3)
_PRESETS: dict[str, dict[str, Any]] = {
    "textbook": {"deviations": (0.5, 0.5), "n_groups": 100, "n_per_group": 5, "between": 0.0},
    "realistic": {
        "deviations": (0.4, 0.8),
        "n_groups": 100,
        "n_per_group": (20, 45),
        "between": 0.25,
    },
}


@dataclass(frozen=True, eq=False, repr=False)
class Article(Study):
    """The example, as coded and as described.

    Attributes
    ----------
    title, table, text
        As of :class:`Study`.
    data : data frame
        The data that were analysed.
    fits : mapping of str to LinearMixedModel
        The two models.
    equations : str
        The model as described, with its levels, indices and estimates.
    """

    data: Any = field(kw_only=True)
    fits: Mapping[str, LinearMixedModel] = field(kw_only=True)
    equations: str = field(kw_only=True)


def article(
    preset: Preset = "textbook",
    *,
    data: Any = None,
    rng: int | np.random.Generator | None = None,
) -> Article:
    """The classic example: achievement of pupils, their SES, and resources of their schools.

    500 pupils in 100 schools are simulated, with a status (SES) of their own and resources of the
    school. Introductions tend to simulate the resources and then to forget them: the outcome does
    not depend on them and the model does not have them (*as coded*). Here they have an effect and
    are in the model, too (*as described*). Both are shown beside least squares.

    Parameters
    ----------
    preset : {"textbook", "realistic"}
        ``"textbook"``: 5 pupils in each school and an ICC of .5, more than schools have, and SES
        alike in all schools. ``"realistic"``: 20 to 45 pupils, an ICC of .2, and a quarter of the
        variance of SES between schools.
    data : data frame, optional
        Data of your own in place of simulated ones, with the columns ``school_id``,
        ``student_ses``, ``school_resources``, ``achievement_as_coded`` and ``achievement``.
    rng : int or numpy.random.Generator, optional
        Seed or generator; the same seed gives the same data.

    Returns
    -------
    Article
        Its table has a row for each ``model`` and ``term``: ``estimate``, ``std_error``, ``df``
        (Satterthwaite) and ``p_value`` of the multilevel model; the standard error and p value of
        least squares; and the ``ratio`` of the standard errors, least squares to multilevel.

    Raises
    ------
    DataError
        If a column is missing, or ``rng`` is no seed.
    ValueError
        If there is no such preset.

    Examples
    --------
    >>> import multilevel as mlm
    >>> example = mlm.demo.article(rng=1)
    >>> example.fits["as described"].formula
    'achievement ~ student_ses + school_resources + (1 | school_id)'
    """
    check_option("preset", preset, Preset)
    frame = _simulated(preset, generator_of(rng)) if data is None else data
    fits = {name: MixedModel(formula, frame).fit() for name, formula in MODELS.items()}
    columns = stacked([_rows(name, fit) for name, fit in fits.items()])
    full = fits["as described"]
    return Article(
        f"Achievement of {full.nobs} pupils in {full.n_groups[GROUP]} schools, as coded and as "
        "described",
        frame_of(columns),
        "\n".join(_sentences(columns, fits)),
        _draw=partial(_draw, columns),
        data=frame,
        fits=fits,
        equations=_equations(full),
    )


def _simulated(preset: str, generator: np.random.Generator) -> Any:
    settings = _PRESETS[preset]
    school, pupil = settings["deviations"]
    ses, resources = _EFFECTS
    frame = simulate_multilevel(
        settings["n_groups"],
        settings["n_per_group"],
        fixed={"Intercept": 0.0, SES: ses},
        random={"Intercept": school},
        sigma=pupil,
        level1={SES: settings["between"]},
        level2=[RESOURCES],
        outcome="achievement_as_coded",
        group=GROUP,
        rng=generator,
    )
    columns = columns_of(frame)
    outcome = columns["achievement_as_coded"] + resources * columns[RESOURCES]
    return add_columns(Table.from_data(frame), {"achievement": outcome})


def _rows(name: str, fit: LinearMixedModel) -> Columns:
    """Fixed effects of a model, and what least squares says of them."""
    own = columns_of(fit.tidy(effects="fixed"))
    plain, ols = fit_without_groups(fit.model.matrices)
    tests = residual_df(plain, ols)
    errors = np.sqrt(tests.vcov.diagonal())
    naive = wald_tests(tests.beta, errors, tests.df(np.eye(len(errors))))
    return {
        "model": np.full(len(errors), name, dtype=object),
        **{column: own[column] for column in ("term", "estimate", "std_error", "df", "p_value")},
        "estimate_ols": naive.estimate,
        "std_error_ols": naive.std_error,
        "p_value_ols": naive.p_value,
        "ratio": naive.std_error / own["std_error"],
    }


def _sentences(columns: Columns, fits: Mapping[str, LinearMixedModel]) -> list[str]:
    sentences = [_model_sentence(name, columns, fit) for name, fit in fits.items()]
    sentences[0] += (
        " The resources of the schools were simulated, but neither this outcome nor this model "
        "has them: it says nothing about them."
    )
    rows = take(columns, columns["model"] == "as described")
    beside = [
        f"{term} {abs(100.0 * (ratio - 1.0)):.0f} % {'smaller' if ratio < 1.0 else 'larger'}"
        for term, ratio in zip(rows["term"], rows["ratio"], strict=True)
        if term in (SES, RESOURCES)
    ]
    return [
        *sentences,
        "Least squares that ignores the schools gives standard errors that differ from those of "
        f"the multilevel model: {', '.join(beside)}.",
        "The ICC is a share of variance. It does not say that schools cause it: pupils are not "
        "assigned to schools by chance.",
    ]


def _model_sentence(name: str, columns: Columns, fit: LinearMixedModel) -> str:
    rows = take(columns, columns["model"] == name)
    between, within = fit.state.terms[0].covariance[0, 0], fit.sigma**2
    tests = [
        f"{term} {_signed(estimate)} (standard error {error:.3f}, p {_equals(p)})"
        for term, estimate, error, p in zip(
            rows["term"], rows["estimate"], rows["std_error"], rows["p_value"], strict=True
        )
        if term in (SES, RESOURCES)
    ]
    return (
        f"{name}, {fit.formula}: the ICC of what the predictors leave is "
        f"{between / (between + within):.2f} (variance {between:.3f} between schools, {within:.3f} "
        f"within); {', '.join(tests)}."
    )


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")


def _equals(p: float) -> str:
    text = p_value(p)
    return text.replace("<", "< ") if text.startswith("<") else f"= {text}"


def _equations(fit: LinearMixedModel) -> str:
    intercept, ses, resources = (_signed(value) for value in fit.state.beta)
    between, within = fit.state.terms[0].covariance[0, 0], fit.sigma**2
    return f"""\
Level 1, pupil i of school j:
  achievement_ij = β_0j + β_1j {SES}_ij + e_ij
  e_ij ~ N(0, σ²)
Level 2, school j:
  β_0j = γ_00 + γ_01 {RESOURCES}_j + u_0j
  β_1j = γ_10
  u_0j ~ N(0, τ_00)
Combined:
  achievement_ij = γ_00 + γ_10 {SES}_ij + γ_01 {RESOURCES}_j
                   + u_0j + e_ij
Estimates:
  γ_00 = {intercept}, γ_10 = {ses}, γ_01 = {resources}, τ_00 = {between:.3f}, σ² = {within:.3f}"""


def _draw(columns: Columns, ax: Any) -> Any:
    """Estimates with 95 % intervals, multilevel and least squares, a panel for each model."""
    panels = new_panels(ax, len(MODELS), columns=2, size=(3.4, 2.4), share_x=True)
    for panel, name in zip(panels, MODELS, strict=True):
        rows = take(columns, (columns["model"] == name) & (columns["term"] != "Intercept"))
        at = np.arange(len(rows["term"]))
        panel.axvline(0.0, color=GREY, linewidth=0.8, linestyle="--")
        for shift, label, suffix, colour in (
            (-0.12, "multilevel", "", BLUE),
            (0.12, "least squares", "_ols", VERMILION),
        ):
            panel.errorbar(
                rows[f"estimate{suffix}"],
                at + shift,
                xerr=1.96 * rows[f"std_error{suffix}"],
                fmt="o",
                markersize=4,
                color=colour,
                label=label,
            )
        dress(panel, "estimate and 95 % interval", grid="x", heading=name)
        label_rows(panel, rows["term"], "", first="top")
    key(panels[0], place="best")
    return panels
