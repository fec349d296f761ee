"""Within-between and Mundlak models from an ordinary formula."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.design.build import build_design
from multilevel.design.terms import parse_terms
from multilevel.exceptions import DataError, MultilevelWarning, NotSupportedError
from multilevel.fits.centering import Grouping
from multilevel.fits.model import MixedModel
from multilevel.formula.parse import parse
from multilevel.frames.emit import add_columns
from multilevel.frames.table import Table
from multilevel.inference.degrees_of_freedom import variances
from multilevel.inference.wald import check_level, wald_interval, wald_tests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from multilevel.design.terms import Terms
    from multilevel.fits.linear import LinearMixedModel
    from multilevel.formula.terms import MixedFormula
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.inference.robust import RobustKind
    from multilevel.report.tree import Summary
    from multilevel.typing import Float

    Product = tuple[str, ...]
    Mask = npt.NDArray[np.bool_]
    Varies = Callable[[str], bool]

__all__ = ["WithinBetween", "within_between"]

_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
# Means of groups that differ by less than this part of the largest value are one.
_CONSTANT = 1e-10


def within_between(
    formula: str,
    data: Any,
    by: str | None = None,
    *,
    contextual: bool = False,
    reml: bool = True,
    **arguments: Any,
) -> WithinBetween:
    """Fit a model in which predictors have one effect within groups and another between them.

    Each numeric predictor that varies within groups is split into the mean of its group,
    ``x_between``, and the deviation from it, ``x_within`` (the within-between model of Bell & Jones
    2015); random slopes of it become slopes of ``x_within``. Factors stay as they are, and so do
    predictors that do not vary within groups or have the same mean in all groups.

    Parameters
    ----------
    formula : str
        An ordinary formula: ``"math ~ ses + sector + (1 | school)"``.
    data : data frame or dict of arrays
        One row per observation.
    by : str, optional
        Column of the groups; needed if the formula has several grouping factors. The means are
        those of the rows that the model uses.
    contextual : bool
        True for the Mundlak (1978) model, with ``x`` itself in the place of ``x_within``: then the
        coefficient of ``x_between`` is the contextual effect, the difference of the two. The fit is
        the same unless slopes of x are random.
    reml : bool
        As in :func:`multilevel.lmer`.
    **arguments
        ``weights``, ``offset``, ``contrasts``, ``na_action``, ``control`` of
        :func:`multilevel.lmer`.

    Returns
    -------
    WithinBetween
        With the fit, the table of within, between and contextual effects, and their joint test.

    Raises
    ------
    DataError
        If no numeric predictor varies both within and between the groups, and if it is not clear
        which groups are meant.
    NotSupportedError
        For such a predictor inside a function (``log(x)``, ``I(x**2)``) and for products of two.

    References
    ----------
    Bell, A. & Jones, K. (2015). Explaining fixed effects: random effects modeling of time-series
    cross-sectional and panel data. Political Science Research and Methods 3, 133-153.
    Mundlak, Y. (1978). On the pooling of time series and cross section data. Econometrica 46,
    69-85.

    Examples
    --------
    >>> import multilevel as mlm
    >>> data = mlm.datasets.load("hsb")
    >>> model = mlm.within_between("math ~ ses + (1 | school)", data)
    >>> model.fit.formula
    'math ~ 1 + ses_within + ses_between + (1 | school)'
    >>> model.contextual()[["effect", "estimate", "std_error"]].round(4)
           effect  estimate  std_error
    0      within    2.1912     0.1087
    1     between    5.8662     0.3617
    2  contextual    3.6750     0.3777
    """
    spec = parse(formula)
    table = Table.from_data(data)
    by = _groups(spec, by)
    grouping = Grouping(table, by)
    if len(grouping.names) > 1:
        raise ValueError(f"by={by!r} names several factors; name one: by={grouping.names[0]!r}.")
    fixed = parse_terms(spec.fixed)
    used = _rows_used(formula, data, table.n_rows, arguments)
    parts = _parts(fixed, table, grouping, used)
    _check(spec, fixed, parts, lambda name: _varies(table, name, grouping, used))
    if not parts:
        raise DataError(
            f"No numeric predictor of `{fixed.text}` varies both within and between the groups, so "
            "there is nothing to split. Categories can be split as columns of zeros and ones."
        )
    split = {name: (between, within) for name, (between, within) in parts.items()}
    new = {column: values for found in parts.values() for column, values in found.items()}
    taken = [column for column in new if table.has(column)]
    if taken:
        raise DataError(
            f"The data already have a column {taken[0]!r}, which would be added. Rename or drop it."
        )
    renamed = {name: name if contextual else within for name, (_, within) in split.items()}
    text = _rewritten(spec, fixed, split, renamed)
    fit = MixedModel(text, add_columns(table, new), **arguments).fit(reml=reml)
    _refuse_dropped(fit, split)
    return WithinBetween(fit, by, split, contextual)


@dataclass(frozen=True)
class WithinBetween:
    """A within-between model, as :func:`within_between` fits it.

    Attributes
    ----------
    fit : LinearMixedModel
        The fit, with all that a fit can do.
    by : str
        The groups.
    split : mapping of str to (str, str)
        Names of the between and of the within part of every predictor that was split.
    is_contextual : bool
        Whether the model has the predictor itself in the place of its within part.
    """

    fit: LinearMixedModel
    by: str
    split: Mapping[str, tuple[str, str]]
    is_contextual: bool

    def __repr__(self) -> str:
        kind = "Mundlak" if self.is_contextual else "within-between"
        return f"<WithinBetween, {kind} model `{self.fit.formula}` by {self.by}>"

    def summary(self) -> Summary:
        """Summary of the fit."""
        return self.fit.summary()

    def contextual(
        self,
        *,
        level: float = 0.95,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> Any:
        """Tabulate the effects within groups, between groups, and their difference.

        The contextual effect is the difference: what a unit more in the mean of the group means for
        two members who are alike themselves.

        Parameters
        ----------
        level : float
            Confidence level.
        df_method, robust, cluster
            How they are tested, as in :meth:`LinearMixedModel.summary`.

        Returns
        -------
        data frame
            ``term, effect, estimate, std_error, df, statistic, p_value, conf_low, conf_high``, with
            the effects ``within``, ``between`` and ``contextual`` of every predictor that was split
            (and of its products with others).
        """
        check_level(level)
        tests = self.fit._fixed_tests(df_method, robust, cluster)
        labels, rows = self._functions()
        errors = np.sqrt(variances(rows, tests.root))
        found = wald_tests(rows @ tests.beta, errors, tests.df(rows))
        low, high = wald_interval(found.estimate, errors, level, found.df)
        return self.fit._emit(
            {
                "term": [label for label in labels for _ in range(3)],
                "effect": ["within", "between", "contextual"] * len(labels),
                "estimate": found.estimate,
                "std_error": errors,
                "df": found.df,
                "statistic": found.statistic,
                "p_value": found.p_value,
                "conf_low": low,
                "conf_high": high,
            }
        )

    def test(
        self,
        *,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> Any:
        """Test that all effects within groups are as those between them.

        If they are, the model without the split is right; if not, its random effects go with the
        predictors, and its effects are mixtures. This is the regression form of Hausman's test
        (Mundlak 1978; Arellano 1993, J. Econometrics 59, 87-97), which ``robust=`` makes valid
        whatever the covariance within groups is.

        Parameters
        ----------
        df_method, robust, cluster
            As in :meth:`contextual`.

        Returns
        -------
        data frame
            ``statistic, df, df_residual, p_value``, the F test.
        """
        _, rows = self._functions()
        joint = self.fit._fixed_tests(df_method, robust, cluster).joint(rows[2::3])
        return self.fit._emit(
            {
                "statistic": [joint.statistic],
                "df": [joint.df],
                "df_residual": [joint.df_residual],
                "p_value": [joint.p_value],
            }
        )

    def _functions(self) -> tuple[list[str], Float]:
        """Names of the terms that were split; within, between, contextual as rows (3 m, p)."""
        matrices = self.fit.model.matrices
        names = [matrices.coef_names[j] for j in matrices.kept]
        whole = {between: name for name, (between, _) in self.split.items()}
        labels, rows = [], []
        for j, coefficient in enumerate(names):
            factors = coefficient.split(":")
            mean = next((factor for factor in factors if factor in whole), None)
            if mean is None:
                continue
            labels.append(_replaced(factors, mean, whole[mean]))
            own = whole[mean] if self.is_contextual else self.split[whole[mean]][1]
            first, second = np.eye(len(names))[[names.index(_replaced(factors, mean, own)), j]]
            if self.is_contextual:
                rows += [first, first + second, second]
            else:
                rows += [first, second, second - first]
        return labels, np.array(rows)


def _replaced(factors: Sequence[str], old: str, new: str) -> str:
    return ":".join(new if factor == old else factor for factor in factors)


def _groups(spec: MixedFormula, by: str | None) -> str:
    if by is not None:
        return by
    groups = list(dict.fromkeys(":".join(term.group) for term in spec.random))
    if len(groups) != 1:
        found = f"there are {', '.join(map(repr, groups))}" if groups else "there is none"
        raise DataError(f"Name the groups by by=: the formula must have one factor, {found}.")
    return groups[0]


def _rows_used(formula: str, data: Any, n_rows: int, arguments: Mapping[str, Any]) -> Mask:
    """Mask of the rows that the model uses."""
    given = {name: value for name, value in arguments.items() if name != "control"}
    with warnings.catch_warnings():  # the fit itself will say what is dropped
        warnings.simplefilter("ignore", MultilevelWarning)
        rows = build_design(formula, data, **given).rows
    used = np.ones(n_rows, dtype=bool)
    if rows is not None:
        used[:] = False
        used[rows] = True
    return used


def _varies(table: Table, name: str, grouping: Grouping, used: Mask) -> bool:
    """Whether a name is that of a numeric column that varies within groups."""
    if not table.has(name) or table.column(name).kind != "numeric":
        return False
    parts = grouping.parts(name, np.where(used, table.column(name).values, np.nan))
    return bool(np.nanmax(np.abs(parts[f"{name}_within"])) > 0.0)


def _parts(
    fixed: Terms, table: Table, grouping: Grouping, used: Mask
) -> dict[str, dict[str, Float]]:
    """Parts of every numeric predictor that varies within the groups and between them."""
    found = {}
    for name in fixed.columns:
        column = table.column(name)
        if column.kind != "numeric":
            continue
        parts = grouping.parts(name, np.where(used, column.values, np.nan))
        between, within = parts.values()
        size = np.nanmax(np.abs(column.values[used]))
        if np.nanmax(np.abs(within)) > 0.0 and np.ptp(between[used]) > _CONSTANT * size:
            found[name] = parts
    return found


def _check(spec: MixedFormula, fixed: Terms, split: Mapping[str, Any], varies: Varies) -> None:
    """Refuse products of two split predictors, and functions of predictors that vary in groups."""
    products = [*fixed.products, *(p for t in spec.random for p in parse_terms(t.effects).products)]
    for product in products:
        twice = [name for name in product if name in split]
        if len(twice) > 1:
            raise NotSupportedError(
                f"The product {':'.join(product)!r} is of several predictors that vary within "
                f"groups ({', '.join(twice)}); it can be split in several ways. Make a column of "
                "it and name that, or split the predictors with center() and write the formula."
            )
        for factor in product:
            if factor in fixed.columns or factor.startswith("C("):
                continue
            inside = [name for name in _NAME.findall(factor) if varies(name)]
            if inside:
                raise NotSupportedError(
                    f"{factor!r} is a function of {inside[0]!r}, which varies within groups. Make "
                    "a column of its values and name that, so that it can be split."
                )


def _refuse_dropped(fit: LinearMixedModel, split: Mapping[str, tuple[str, str]]) -> None:
    """Raise if a part of a predictor was dropped as a combination of other columns."""
    dropped = [name for name, b in zip(fit.coef_names, fit.beta, strict=True) if np.isnan(b)]
    parts = {part for found in split.values() for part in found} | set(split)
    lost = [name for name in dropped if parts.intersection(name.split(":"))]
    if lost:
        raise DataError(
            f"The effect of {lost[0]!r} cannot be told from those of other predictors in "
            f"`{fit.formula}`. Leave out what says the same, such as a column that has the means "
            "of the groups already."
        )


def _rewritten(
    spec: MixedFormula, fixed: Terms, split: Mapping[str, tuple[str, str]], own: Mapping[str, str]
) -> str:
    """The formula with predictors split, ``own`` standing for those of a single row."""
    terms = []
    for product in fixed.products:
        terms.append(_text(product, own))
        for name in product:
            if name in split:
                terms.append(_text(product, {name: split[name][0]}))
    if () not in fixed.products:
        terms.insert(0, "0")
    terms += [f"offset({offset})" for offset in spec.offsets]
    for term in spec.random:
        products = parse_terms(term.effects).products
        effects = [_text(product, own) for product in products]
        bar = "|" if term.covariance == "unstructured" else "||"
        start = [] if () in products else ["0"]
        group = ":".join(map(_quoted, term.group))
        terms.append(f"({' + '.join([*start, *effects])} {bar} {group})")
    return f"{spec.response} ~ {' + '.join(terms)}"


def _text(product: Product, names: Mapping[str, str]) -> str:
    return ":".join(_quoted(names.get(factor, factor)) for factor in product) or "1"


def _quoted(name: str) -> str:
    """A name as a formula takes it; expressions stay as they are."""
    return f"`{name}`" if not _NAME.fullmatch(name) and not name.endswith(")") else name
