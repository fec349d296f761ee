"""Marginal means and trends, and contrasts of them: a table that can be contrasted further."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.reference_grid import as_names
from multilevel.frames.emit import to_frame
from multilevel.inference.linear_functions import combine
from multilevel.inference.mean_contrasts import mean_contrasts
from multilevel.inference.multiplicity import Adjustment, Family
from multilevel.report.numbers import fixed_point, p_value, significant
from multilevel.report.tree import Summary, Table
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from multilevel.frames.table import Table as Data
    from multilevel.inference.linear_functions import LinearFunctions
    from multilevel.inference.mean_contrasts import MeanContrasts
    from multilevel.inference.wald import WaldTests
    from multilevel.report.tidy import Columns
    from multilevel.typing import Float, IndexArray

__all__ = ["MarginalMeans", "as_text"]

Kind = Literal["means", "trends", "contrasts"]

_NUMBERS = ("estimate", "std_error", "df", "statistic", "p_value", "conf_low", "conf_high")
_METHODS = {
    "tukey": "Tukey's method",
    "sidak": "Sidak's method",
    "bonferroni": "Bonferroni's method",
    "holm": "Holm's method",
    "bh": "the method of Benjamini and Hochberg (false discovery rate)",
    "by": "the method of Benjamini and Yekutieli (false discovery rate)",
    "scheffe": "Scheffé's method",
    "mvt": "the method of the multivariate t distribution",
}


@dataclass(frozen=True, eq=False)
class MarginalMeans:
    """Estimated marginal means or trends, or contrasts of them.

    Made by :meth:`LinearMixedModel.emmeans`, :meth:`LinearMixedModel.emtrends` and
    :meth:`contrast`. Print it, show it in a notebook, or take the numbers with :meth:`to_frame`.

    Attributes
    ----------
    kind : {"means", "trends", "contrasts"}
        What the rows are.
    title : str
        What they are, in words.
    labels : mapping of str to list
        Columns that name the rows: first those of ``by``.
    by : tuple of str
        Columns whose combinations are looked at one by one: contrasts are made, and adjusted,
        within each.
    L : ndarray, shape (m, p_all)
        The rows as linear functions of all fixed effects.
    constant : ndarray, shape (m,)
        To be added to them: the mean offset.
    functions : LinearFunctions
        The method by which they are estimated.
    level : float
        Confidence level.
    data : Table
        The user's data, whose kind frames are given back in.
    notes : tuple of str
        What was averaged over or held fixed.
    adjustment : str
        How p values and intervals are adjusted for several tests.
    n_means : tuple of int
        For contrasts, the number of means that are compared, in every combination of ``by``.
    """

    kind: Kind
    title: str
    labels: Mapping[str, list[Any]]
    by: tuple[str, ...]
    L: Float
    constant: Float
    functions: LinearFunctions
    level: float
    data: Data
    notes: tuple[str, ...]
    adjustment: Adjustment = "none"
    n_means: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        taken = [name for name in self.labels if name in _NUMBERS]
        if taken:
            raise DataError(
                f"The predictor {taken[0]!r} has the name of a column of the result; rename it."
            )

    def contrast(
        self,
        method: str | Mapping[str, Sequence[float]] = "pairwise",
        *,
        by: str | Sequence[str] | None = None,
        adjust: Adjustment | None = None,
        ref: Any = None,
    ) -> MarginalMeans:
        """Compare the rows with each other.

        Contrasts of contrasts are interaction contrasts:
        ``means.contrast("poly", by="variety").contrast("pairwise", by="contrast")``.

        Parameters
        ----------
        method : str or mapping of str to sequence of float
            ``"pairwise"``: each minus every later one. ``"trt.vs.ctrl"``: each minus ``ref``.
            ``"consec"``: each minus the one before. ``"eff"``: each minus the average of all;
            ``"del.eff"``: of the others. ``"mean_chg"``: average of those after minus average of
            those up to here. ``"poly"``: orthogonal polynomials for equally spaced levels. Or
            contrasts of your own: ``{"A against the rest": [1, -0.5, -0.5]}``, a weight for each
            row in the order of the table (within ``by``, the first column that is not in ``by``
            varying fastest).
        by : str or sequence of str, optional
            Columns within whose combinations to compare; those of this table by default. ``by=()``
            compares all rows.
        adjust : str, optional
            Adjustment for several tests within a combination of ``by``: ``"tukey"`` (default of
            ``"pairwise"``), ``"mvt"`` (of ``"trt.vs.ctrl"``, ``"consec"``, ``"mean_chg"``),
            ``"bh"`` (of ``"eff"`` and ``"del.eff"``), ``"none"`` (of ``"poly"`` and your own),
            ``"sidak"``, ``"holm"``, ``"bonferroni"``, ``"scheffe"``, ``"by"``. Tukey's method is
            for all pairs only and becomes ``"sidak"`` elsewhere, which the notes then say.
            Intervals are adjusted alike; Holm's method and those for the false discovery rate have
            none, and get Bonferroni's. See
            :meth:`multilevel.inference.multiplicity.Family.p_values`.
        ref : label, optional
            The row that ``"trt.vs.ctrl"`` compares with, by its label (``"A"``, or ``"A:low"`` for
            several columns); the first by default.

        Raises
        ------
        ValueError
            For a word that is no method or adjustment.
        DataError
            For weights of the wrong length, unknown names, or a single row.
        """
        if adjust is not None:
            check_option("adjust", adjust, Adjustment)
        by = self.by if by is None else self._checked(as_names(by, "by"))
        groups = self._groups(by)
        names = [name for name in self.labels if name not in by]
        families = [mean_contrasts(method, self._row_labels(rows, names), ref) for rows in groups]
        pairs = list(zip(families, groups, strict=True))
        parts = [combine(family.weights, self.L[rows]) for family, rows in pairs]
        notes, adjustment = self.notes, adjust or families[0].adjustment
        if adjustment == "tukey" and not families[0].pairwise:
            adjustment = "sidak"
            notes += ("Tukey's method is for all pairs of means: Sidak's is used instead.",)
        return replace(
            self,
            kind="contrasts",
            title=self.title
            if self.kind == "contrasts"
            else f"Contrasts of {self.title[0].lower()}{self.title[1:]}",
            labels=self._contrast_labels(by, groups, families),
            by=by,
            L=np.vstack(parts),
            constant=np.concatenate([f.weights @ self.constant[rows] for f, rows in pairs]),
            notes=notes,
            adjustment=adjustment,
            n_means=tuple(
                int((f.weights[self.functions.estimable(L)] != 0.0).any(axis=0).sum())
                for f, L in zip(families, parts, strict=True)
            ),
        )

    def joint_test(self, null: float | Sequence[float] = 0.0) -> Any:
        """Test that all rows (within each combination of ``by``) equal given values together.

        Parameters
        ----------
        null : float or sequence of float
            One value, or one for each row of the table.

        Returns
        -------
        data frame
            The columns of ``by``, then ``statistic`` (F), ``df``, ``df_residual``, ``p_value``.
            Rows that are not estimable are left out of the test.
        """
        values = np.asarray(null, dtype=np.float64)
        if values.ndim and values.shape != (len(self.L),):
            raise DataError(f"null must be one number, or {len(self.L)}: one for each row.")
        target = np.broadcast_to(values, len(self.L)) - self.constant
        groups = self._groups(self.by)
        found = []
        for group in groups:
            rows = group[self._estimable[group]]
            found.append(self.functions.joint(self.L[rows], target[rows]))
        return to_frame(
            {
                **{name: [self.labels[name][rows[0]] for rows in groups] for name in self.by},
                "statistic": np.array([test.statistic for test in found]),
                "df": np.array([test.df for test in found]),
                "df_residual": np.array([test.df_residual for test in found]),
                "p_value": np.array([test.p_value for test in found]),
            },
            self.data,
        )

    def to_frame(self) -> Any:
        """Give the table as a data frame of the kind of the data of the fit.

        Returns
        -------
        data frame
            Columns that name the rows, then ``estimate``, ``std_error``, ``df``, for trends and
            contrasts ``statistic`` and ``p_value`` (of the test against 0), ``conf_low`` and
            ``conf_high``. NaN where it is not estimable.
        """
        return to_frame({**self.labels, **self._numbers}, self.data)

    def summary(self) -> Summary:
        """Give what is printed, to be rendered as text, HTML, LaTeX or Markdown."""
        return Summary(self.title, (), (self._table(),), tuple(self._remarks()))

    def __repr__(self) -> str:
        return str(self.summary())

    def _repr_html_(self) -> str:
        return self.summary()._repr_html_()

    # -- numbers ----------------------------------------------------------------------------------

    @cached_property
    def _tests(self) -> WaldTests:
        return self.functions.evaluate(self.L, self.constant)

    @cached_property
    def _estimable(self) -> Any:
        return self.functions.estimable(self.L)

    @cached_property
    def _numbers(self) -> Columns:
        tests = self._tests
        p_values = np.full(len(self.L), np.nan)
        critical = np.full(len(self.L), np.nan)
        for rows, family in self._families:
            p_values[rows] = family.p_values(self.adjustment)
            critical[rows] = family.critical_values(self.adjustment, self.level)
        half = critical * tests.std_error
        columns = {
            "estimate": tests.estimate,
            "std_error": tests.std_error,
            "df": tests.df,
            "statistic": tests.statistic,
            "p_value": p_values,
            "conf_low": tests.estimate - half,
            "conf_high": tests.estimate + half,
        }
        # A mean is seldom compared with zero.
        hidden = ("statistic", "p_value") if self.kind == "means" else ()
        return {name: values for name, values in columns.items() if name not in hidden}

    @cached_property
    def _families(self) -> list[tuple[IndexArray, Family]]:
        """Rows that are tested together, and their tests: within ``by``, the estimable ones."""
        found = []
        sizes = self.n_means or (0,) * len(self.L)
        for rows, n_means in zip(self._groups(self.by), sizes, strict=False):
            tested = rows[np.isfinite(self._tests.statistic[rows])]
            if len(tested):
                family = Family(
                    self._tests.statistic[tested],
                    self._tests.df[tested],
                    self.functions.root(self.L[tested]),
                    n_means,
                )
                found.append((tested, family))
        return found

    # -- labels -----------------------------------------------------------------------------------

    def _checked(self, by: tuple[str, ...]) -> tuple[str, ...]:
        for name in by:
            if name not in self.labels:
                raise DataError(
                    f"by names {name!r}, which is no column of the table; columns: "
                    f"{', '.join(self.labels)}."
                )
        return by

    def _groups(self, by: Sequence[str]) -> list[IndexArray]:
        """Rows of every combination of the columns ``by``, in order of appearance."""
        groups: dict[tuple[Any, ...], list[int]] = {}
        for row, key in enumerate(self._keys(by)):
            groups.setdefault(key, []).append(row)
        return [np.array(rows, dtype=np.intp) for rows in groups.values()]

    def _keys(self, names: Sequence[str]) -> list[tuple[Any, ...]]:
        return [tuple(self.labels[name][row] for name in names) for row in range(len(self.L))]

    def _row_labels(self, rows: IndexArray, names: Sequence[str]) -> list[str]:
        """Labels of rows, in brackets where a minus sign would be ambiguous."""
        keys = self._keys(names)
        labels = [":".join(map(as_text, keys[row])) or "all" for row in rows]
        return [f"({label})" if "-" in label else label for label in labels]

    def _contrast_labels(
        self, by: Sequence[str], groups: Sequence[IndexArray], families: Sequence[MeanContrasts]
    ) -> dict[str, list[Any]]:
        name, number = "contrast", 1
        while name in by:
            number += 1
            name = f"contrast{number}"
        labels: dict[str, list[Any]] = {
            column: [
                self.labels[column][rows[0]]
                for rows, family in zip(groups, families, strict=True)
                for _ in family.labels
            ]
            for column in by
        }
        return {**labels, name: [label for family in families for label in family.labels]}

    # -- appearance -------------------------------------------------------------------------------

    def _table(self) -> Table:
        numbers = self._numbers
        scale = numbers["std_error"]
        finite = bool(np.isfinite(numbers["df"]).any())
        cells: dict[str, list[str]] = {
            name: [as_text(label) for label in labels] for name, labels in self.labels.items()
        }
        for name, values in numbers.items():
            if name in ("estimate", "std_error", "conf_low", "conf_high"):
                cells[name] = significant(values, scale)
            elif name == "p_value":
                cells[name] = [p_value(value) for value in values]
            elif name == "statistic" or finite:
                cells[name] = [fixed_point(v, 1 if name == "df" else 3) for v in values]
        cells["estimate"] = [cell or "not estimable" for cell in cells["estimate"]]
        what = "intervals" if self.kind == "means" else "tests"
        caption = f"Estimates ({'t' if finite else 'z'} {what}: {self.functions.tests.label})"
        rows = tuple(zip(*cells.values(), strict=True))
        return Table(caption, tuple(cells), rows, labels=len(self.labels))

    def _remarks(self) -> list[str]:
        """What was done to arrive at the numbers, and what is wrong with them."""
        how = [*self.notes, f"Confidence level: {self.level:g}."]
        families = [family for _, family in self._families if len(family.statistic) > 1]
        if self.adjustment != "none" and families:
            sizes = sorted({_size(self.adjustment, family) for family in families})
            what = {"tukey": "means", "scheffe": "dimensions"}.get(self.adjustment, "tests")
            bonferroni = self.adjustment in ("holm", "bh", "by")
            how.append(
                f"p values are adjusted for {' or '.join(map(str, sizes))} {what} by "
                f"{_METHODS[self.adjustment]}, intervals by "
                f"{'that of Bonferroni' if bonferroni else 'the same'}."
            )
        remarks = [" ".join(how)]
        missing = int((~self._estimable).sum())
        if missing:
            remarks.append(
                f"{missing} of {len(self.L)} rows are not estimable: the data lack combinations of "
                "predictors that they need."
            )
        note = self.functions.tests.note
        return [*remarks, note] if note else remarks


def _size(adjustment: Adjustment, family: Family) -> int:
    sizes = {"tukey": family.n_means, "scheffe": family.rank}
    return sizes.get(adjustment, len(family.statistic))


def as_text(label: Any) -> str:
    """A label, a number with no more digits than are read."""
    return f"{label:.6g}" if isinstance(label, float) else str(label)
