"""The fixed part of a fit as the package ``marginaleffects`` wants its models."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from multilevel.design.frame import ModelFrame, Variable, recode
from multilevel.design.meaning import meaning_of
from multilevel.exceptions import DataError, NotSupportedError
from multilevel.formula.parse import parse
from multilevel.inference.degrees_of_freedom import TabledDf

if TYPE_CHECKING:
    from collections.abc import Collection

    from multilevel.design.build import Design
    from multilevel.inference.degrees_of_freedom import FixedTests
    from multilevel.typing import Float

__all__ = ["marginaleffects_model"]


def marginaleffects_model(design: Design, tests: FixedTests, factors: Collection[str]) -> Any:
    """Wrap a fit for ``marginaleffects``; see :meth:`LinearMixedModel.to_marginaleffects`.

    Parameters
    ----------
    design : Design
        The design of the fit.
    tests : FixedTests
        Fixed effects and their covariance matrix. Degrees of freedom are passed on if they are the
        same for every function of the fixed effects; otherwise tests there are z tests.
    factors : collection of str
        The predictors that are factors, numbers inside ``C(...)`` among them.

    Returns
    -------
    marginaleffects.classes.model.ModelAbstract
    """
    try:
        from marginaleffects.classes.model import ModelVault
    except ImportError:
        raise ImportError(
            "to_marginaleffects() needs another package: pip install marginaleffects"
        ) from None
    _refuse_lost_offset(design)
    spec, kept = design.spec, design.matrices.kept
    response = meaning_of(parse(spec.formula)).formula.response
    predictors = spec.encoders.fixed.columns
    names = [design.matrices.coef_names[j] for j in kept]
    beta, vcov = tests.beta, tests.vcov
    if design.matrices.offset is not None:  # one more parameter, which is known to be 1
        names, beta, vcov = [*names, "offset"], np.append(beta, 1.0), np.pad(vcov, (0, 1))
    vault = ModelVault(
        coef=beta,
        coefnames=np.array(names),
        vcov=vcov,
        formula=f"{response} ~ {' + '.join(f'`{name}`' for name in predictors) or '1'}",
        modeldata=_model_data(design, factors),
        variable_names=[response.strip("`"), *predictors],
        package="multilevel",
    )
    return _fixed_part(design)(SimpleNamespace(**_degrees_of_freedom(tests)), vault)


def _fixed_part(design: Design) -> Any:
    """Class of the model; it is made when asked for, since its base is another package's."""
    import polars as pl
    from marginaleffects.classes.model import ModelAbstract

    class FixedPart(ModelAbstract):  # type: ignore[misc]
        """Predictions with the random effects at their mean of zero."""

        def get_vcov(self, vcov: Any = True) -> Float | None:
            if isinstance(vcov, str):
                raise NotSupportedError(
                    f"vcov={vcov!r} is not an option here: choose the covariance matrix with "
                    "to_marginaleffects(df_method=..., robust=..., cluster=...)."
                )
            return self.vault.vcov if vcov else None

        def get_exog(self, newdata: Any) -> Float:
            return _columns(design, newdata)

        def get_predict(self, params: Float, newdata: Any) -> Any:
            """Predictions for rows as from ``get_exog``."""
            index = np.arange(len(newdata), dtype=np.int32)
            return pl.DataFrame({"rowid": index, "estimate": newdata @ np.asarray(params)})

        def get_autodiff_args(self) -> dict[str, Any]:
            """Say that predictions are linear in the parameters: derivatives are exact then."""
            return {"model_type": "linear", "family": None, "link": None}

    return FixedPart


def _columns(design: Design, newdata: Any) -> Float:
    """Columns of X that are kept, and the offset where there is one."""
    spec = design.spec
    variables = {name: _read(newdata[name], spec.variables[name]) for name in _used(design)}
    frame = ModelFrame(len(newdata), variables)
    X = spec.encoders.fixed.encode(frame)[:, design.matrices.kept]
    parts = [encoder.encode(frame)[:, 0] for encoder in spec.encoders.offsets]
    if spec.offset_column is not None:
        parts.append(newdata[spec.offset_column].to_numpy())
    return np.column_stack([X, np.sum(parts, axis=0)]) if parts else X


def _refuse_lost_offset(design: Design) -> None:
    if design.spec.offset_array:
        raise DataError(
            "The model was fitted with an array as offset, which new data do not have. Fit it with "
            "offset='column', or with offset(column) in the formula."
        )


def _used(design: Design) -> dict[str, None]:
    """Columns of the fixed part and of the offsets in the formula."""
    encoders = (design.spec.encoders.fixed, *design.spec.encoders.offsets)
    return dict.fromkeys(name for encoder in encoders for name in encoder.columns)


def _degrees_of_freedom(tests: FixedTests) -> dict[str, float]:
    """``df_resid``, where there is one for all."""
    found = set(tests.coefficient_df.tolist()) if isinstance(tests, TabledDf) else set()
    return {"df_resid": found.pop()} if len(found) == 1 else {}


def _read(series: Any, trained: Variable) -> Variable:
    """A column of new data, of the type that :func:`_model_data` gives it, as the formula sees it.

    Factors are Enums of text there, whatever their levels are here.
    """
    name, levels = trained.name, trained.levels
    if trained.kind == "numeric":
        values = [float(value) for value in series.to_list()]
        return Variable(name, "numeric", np.array(values, dtype=np.float64))
    position = {str(level): code for code, level in enumerate(levels)}
    texts = [str(value) for value in series.to_list()]
    unseen = [text for text in texts if text not in position]
    if unseen:
        raise DataError(
            f"Column {name!r} has a level that the fit has not seen: {unseen[0]!r}. Levels of the "
            f"fit: {', '.join(position)}."
        )
    codes = np.array([position[text] for text in texts], dtype=np.int32)
    truth = np.array(levels, dtype=np.float64)[codes] if trained.kind == "boolean" else None
    return Variable(name, trained.kind, truth, codes, levels)


def _model_data(design: Design, factors: Collection[str]) -> Any:
    """What the model uses of the data, in the rows used: a polars frame without nulls."""
    import polars as pl

    spec, table = design.spec, design.table
    columns = {}
    for name, trained in spec.variables.items():
        variable = recode(table.column(name), trained, design.rows)
        if variable.kind == "boolean":
            columns[name] = pl.Series(variable.values).cast(pl.Boolean)
        elif name not in factors and variable.kind == "numeric":
            columns[name] = pl.Series(variable.values)
        else:
            columns[name] = _enum(*_labels(variable))
    rows = slice(None) if design.rows is None else design.rows
    for name in dict.fromkeys(name for group in spec.groups for name in group.columns):
        column = table.column(name)
        if name not in columns:
            columns[name] = _enum(column.codes[rows], column.levels.tolist())
    if spec.offset_column is not None:
        columns[spec.offset_column] = pl.Series(table.column(spec.offset_column).values[rows])
    return pl.DataFrame(columns)


def _labels(variable: Variable) -> tuple[Any, Any]:
    """Codes and levels, of a number inside ``C(...)`` too."""
    if variable.codes is not None:
        return variable.codes, variable.levels
    assert variable.values is not None
    values, codes = np.unique(variable.values, return_inverse=True)
    return codes, [int(v) if v == int(v) else v for v in values.tolist()]


def _enum(codes: Any, levels: Any) -> Any:
    import polars as pl

    texts = [str(level) for level in levels]
    return pl.Series([texts[code] for code in codes], dtype=pl.Enum(list(dict.fromkeys(texts))))
