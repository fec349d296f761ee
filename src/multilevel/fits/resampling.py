"""The bootstrap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from multilevel.fits.testing import FitTesting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from multilevel.fits.bootstrap import Bootstrap, BootstrapMethod

__all__ = ["FitResampling"]


class FitResampling(FitTesting):
    """The bootstrap of a fit."""

    def bootstrap(
        self,
        n: int = 1000,
        *,
        method: BootstrapMethod = "parametric",
        statistic: Callable[[Any], Any] | None = None,
        resample: str | Sequence[str] | None = None,
        rng: int | np.random.Generator | None = None,
        n_jobs: int | None = None,
        progress: bool = False,
    ) -> Bootstrap:
        """Draw data anew, fit again, and keep what the fits say.

        Parameters
        ----------
        n : int
            Number of replicates, 2 or more.
        method : {"parametric", "residual", "case", "wild"}
            ``"parametric"``: responses simulated from the fit. ``"residual"``: conditional modes
            and residuals resampled, after their covariances were made those of the fit
            (Carpenter, Goldstein & Rasbash 2003); does not need normal distributions. ``"case"``:
            groups resampled with all their rows (van der Leeden, Meijer & Busing 2008); does not
            need the model for the variances either. ``"wild"``: residuals from the fixed effects,
            adjusted for leverage, multiplied by one random number per top-level group (Modugno &
            Giannerini 2015); for fixed effects under heteroscedasticity, with many groups.
        statistic : callable, optional
            Function of a fit that gives a number, an array or a dict of numbers. By default the
            fixed effects, the standard deviations and correlations of the random effects, and the
            residual standard deviation.
        resample : str or sequence of str, optional
            For ``"case"``: the levels at which units are drawn with replacement, each within the
            unit above: names of grouping factors, and ``"rows"``. Levels that are not named are
            kept whole. By default the groups of the top level. With crossed factors name one:
            the groups of the others are then kept as they are.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness. Every replicate has its own stream, so that the result
            depends neither on `n_jobs` nor on the kind of workers.
        n_jobs : int, optional
            Number of workers, -1 for all cores; threads, unless ``joblib.parallel_config`` says
            otherwise (processes, a Dask cluster). By default 1, or what it says. More than one
            pay where a fit takes a millisecond or more.
        progress : bool
            Show a progress bar.

        Returns
        -------
        Bootstrap
            Estimates and replicates, with ``tidy()`` for bias and standard errors and
            ``confint()`` for intervals.

        Raises
        ------
        ValueError
            For ``n`` below 2, an unknown method, or a statistic of varying length.
        DataError
            If `resample` names no level of the model.
        NotSupportedError
            For crossed factors where groups of a top level are needed.
        ConvergenceError
            If fewer than two replicates succeed.

        Warns
        -----
        MultilevelWarning
            If replicates failed: the fit or the statistic had an error, or the fit did not
            converge. They are left out; ``failures`` counts them by reason.

        Examples
        --------
        >>> import multilevel as mlm
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
        >>> boot = fit.bootstrap(200, rng=1)
        >>> boot.replicates.shape
        (200, 6)
        >>> boot.names[-2:]
        ('corr__Intercept.Days|Subject', 'sd__residual')
        """
        from multilevel.fits.bootstrap import run_bootstrap

        levels = [resample] if isinstance(resample, str) else resample
        return run_bootstrap(
            self, n, method, statistic, levels, rng=rng, n_jobs=n_jobs, progress=progress
        )
