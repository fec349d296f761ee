"""Profiles and confidence intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from multilevel.exceptions import DataError
from multilevel.fits.profile import name_of, profile_limits, run_profile
from multilevel.fits.resampling import FitResampling
from multilevel.fits.statistics import Parameters
from multilevel.inference.profile_parameters import Parameter, profile_parameters
from multilevel.inference.variance_intervals import variance_intervals
from multilevel.inference.wald import check_level, wald_interval
from multilevel.typing import check_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from multilevel.fits.profile import Profile
    from multilevel.inference.bootstrap_intervals import IntervalMethod
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.inference.robust import RobustKind
    from multilevel.inference.variance_intervals import VarianceIntervals
    from multilevel.typing import Float, IndexArray

__all__ = ["FitIntervals"]

Method = Literal["wald", "profile", "bootstrap"]


class FitIntervals(FitResampling):
    """Profiles and confidence intervals of a fit."""

    def profile(
        self,
        parameters: str | Sequence[str] | None = None,
        *,
        level: float = 0.99,
        n: int = 20,
    ) -> Profile:
        """Profile the criterion that the fit used over single parameters.

        The criterion is minimised over all other parameters at about `n` values of each, out to
        where its increase is that of a confidence interval at `level`. By REML the profile of a
        fixed effect is that of the REML criterion with the effect held (Cox & Reid 1987); the fit
        is not changed to maximum likelihood.

        Parameters
        ----------
        parameters : str or sequence of str, optional
            ``"fixed"``, ``"ran_pars"``, or names such as ``"Days"``, ``"sd__Days|Subject"``,
            ``"corr__Intercept.Days|Subject"``, ``"sd__residual"``; all by default.
        level : float
            How far the profiles reach.
        n : int
            Number of values per parameter.

        Raises
        ------
        DataError
            For an unknown parameter.
        """
        known = self._profiled
        places = _select(parameters, [name_of(p) for p in known], [p.kind for p in known])
        return run_profile(self, [known[i] for i in places], level, n)

    def confint(
        self,
        *,
        method: Method = "wald",
        level: float = 0.95,
        parameters: str | Sequence[str] | None = None,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
        interval: IntervalMethod | None = None,
        n: int | None = None,
        rng: int | np.random.Generator | None = None,
        n_jobs: int | None = None,
        progress: bool = False,
    ) -> Any:
        """Tabulate confidence intervals of all parameters.

        Parameters
        ----------
        method : {"wald", "profile", "bootstrap"}
            ``"wald"``: fixed effects by the t distribution; standard deviations and correlations
            by their standard errors on the logarithmic and the inverse hyperbolic tangent scale
            (NaN on the boundary, where these do not exist). ``"profile"``: where the criterion
            rises by the chi-squared quantile; one-sided where it never does. ``"bootstrap"``: by
            the parametric bootstrap; see :meth:`bootstrap` for other kinds.
        level : float
            Confidence level.
        parameters : str or sequence of str, optional
            ``"fixed"``, ``"ran_pars"``, or names as in :meth:`profile`; all by default.
        df_method, robust, cluster
            For ``"wald"``: how fixed effects are tested, as in :meth:`summary`.
        interval : {"percentile", "basic", "normal", "bca"}, optional
            For ``"bootstrap"``: the kind of interval, percentile by default.
        n, rng, n_jobs, progress
            For ``"bootstrap"``: replicates (1000), seed, workers, progress bar.

        Returns
        -------
        data frame
            ``effect, group, term, estimate, conf_low, conf_high``.

        Raises
        ------
        DataError
            For an unknown parameter.
        ValueError
            For an option that does not belong to the method.
        """
        check_option("method", method, Method)
        check_level(level)
        _refuse_options(
            method,
            wald={"df_method": df_method, "robust": robust, "cluster": cluster},
            bootstrap={"interval": interval, "n": n, "rng": rng, "n_jobs": n_jobs},
        )
        table = Parameters(self._matrices, self.state)
        chosen = _select(parameters, table.names, table.labels["effect"])
        if method == "wald":
            low, high = self._wald_bounds(level, df_method, robust, cluster)
        elif method == "profile":
            low, high = self._profile_bounds(level, chosen)
        else:
            replicates = self.bootstrap(n or 1000, rng=rng, n_jobs=n_jobs, progress=progress)
            low, high = replicates.bounds(level, interval or "percentile")
        columns = {**table.labels, "estimate": table.estimates, "conf_low": low, "conf_high": high}
        return self._emit({name: _take(values, chosen) for name, values in columns.items()})

    def _wald_bounds(
        self,
        level: float,
        df_method: DfMethod | None,
        robust: RobustKind | None,
        cluster: str | None,
    ) -> tuple[Float, Float]:
        tests, _ = self._wald_tests(df_method, robust, cluster)
        low, high = wald_interval(tests.estimate, tests.std_error, level, tests.df)
        random = self._variance_intervals(level)
        return np.concatenate([low, random.low]), np.concatenate([high, random.high])

    def _variance_intervals(self, level: float) -> VarianceIntervals:
        return variance_intervals(self._matrices, self.state, self._curvature, level)

    def _profile_bounds(self, level: float, chosen: Sequence[int]) -> tuple[Float, Float]:
        known = self._profiled
        p_all, kept = len(self.coef_names), self._matrices.kept.tolist()
        rows = [*kept, *range(p_all, p_all + len(known) - len(kept))]
        wanted = [i for i, row in enumerate(rows) if row in set(chosen)]
        low = np.full(p_all + len(known) - len(kept), np.nan)
        high = low.copy()
        limits = profile_limits(self, [known[i] for i in wanted], level)
        places = [rows[i] for i in wanted]
        low[places], high[places] = limits
        return low, high

    @property
    def _profiled(self) -> tuple[Parameter, ...]:
        return profile_parameters(self._matrices, self.state)


def _select(
    parameters: str | Sequence[str] | None, names: Sequence[str], effects: Sequence[str]
) -> list[int]:
    """Positions of the parameters asked for, in the order of the table."""
    if parameters is None:
        return list(range(len(names)))
    if parameters == "fixed":
        return [i for i, effect in enumerate(effects) if effect == "fixed"]
    if parameters == "ran_pars":
        return [i for i, effect in enumerate(effects) if effect != "fixed"]
    wanted = [parameters] if isinstance(parameters, str) else list(parameters)
    unknown = [name for name in wanted if name not in names]
    if unknown:
        raise DataError(
            f"There is no parameter {unknown[0]!r}. There are: {', '.join(names)}; or ask for "
            "'fixed' or 'ran_pars'."
        )
    return [i for i, name in enumerate(names) if name in wanted]


def _take(values: Any, places: Sequence[int]) -> Any:
    if isinstance(values, np.ndarray):
        index: IndexArray = np.array(places, dtype=np.intp)
        return values[index]
    return [values[i] for i in places]


def _refuse_options(method: Method, **options: dict[str, Any]) -> None:
    """Refuse an option that the method would ignore."""
    for owner, given in options.items():
        for name, value in given.items():
            if value is not None and method != owner:
                raise ValueError(f"{name}= belongs to method={owner!r}, not to {method!r}.")
