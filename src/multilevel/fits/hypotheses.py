"""Tests of terms: analysis of variance, contrasts, random-effects terms."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from multilevel.fits.testing import FitTesting
from multilevel.typing import check_flag, check_option

if TYPE_CHECKING:
    import numpy as np

    from multilevel.fits.linear import LinearMixedModel
    from multilevel.fits.term_tests import DropTest
    from multilevel.fits.terms import AnovaType, FixedTerms
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.inference.robust import RobustKind

__all__ = ["FitHypotheses"]


class FitHypotheses(FitTesting):
    """Hypothesis tests of a fit."""

    def anova(
        self,
        *others: LinearMixedModel,
        type: AnovaType = 3,  # noqa: A002 - as everywhere in this field
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
        refit: bool = True,
    ) -> Any:
        """Test every term of the fixed part, or this fit against others.

        With other fits these are likelihood-ratio tests: see :func:`multilevel.anova`. Alone, F
        tests of the terms, in the types named by SAS (Goodnight 1978). The hypotheses do not
        depend on how factors are coded.

        Parameters
        ----------
        *others : LinearMixedModel
            Fits to the same rows, to compare with this one.
        type : {1, 2, 3}
            1: each term after those before it. 2: each term after all that do not contain it. 3:
            each term by the unweighted means of cells, other covariates at zero. A term is
            contained in another that has the same covariates and its factors and more.
        df_method, robust, cluster
            How the fixed effects are tested, as in :meth:`summary`.
        refit : bool
            As in :func:`multilevel.anova`.

        Returns
        -------
        data frame
            ``term, sum_sq, mean_sq, df, df_residual, statistic, p_value, hypothesis``. The last
            says what is tested. ``mean_sq`` is the F statistic times the residual variance.

        Raises
        ------
        ValueError
            For another type.
        NotSupportedError
            For contrasts that leave out differences between the levels of a factor.

        Notes
        -----
        Where cells are empty, what is estimable is tested, and ``hypothesis`` says so. Types 1
        and 2 weight rows equally: they depend on X alone, not on prior weights or random effects.

        References
        ----------
        Goodnight, J. H. (1978). Tests of hypotheses in fixed effects linear models. SAS Technical
        Report R-101.
        """
        from multilevel.fits.compare import anova

        this = cast("LinearMixedModel", self)
        return anova(
            this,
            *others,
            type=type,
            df_method=df_method,
            robust=robust,
            cluster=cluster,
            refit=refit,
        )

    def contrasts(
        self,
        L: Any,
        *,
        null: Any = 0.0,
        joint: bool = False,
        level: float = 0.95,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
    ) -> Any:
        """Test linear functions of the fixed effects.

        Parameters
        ----------
        L : array-like of shape (m, p) or (p,), or dict
            Weights of the coefficients, in the order of :attr:`coef_names`, one row per contrast;
            or a dict of labels to such rows or to dicts of names to weights:
            ``{"b - c": {"f[T.b]": 1, "f[T.c]": -1}}``.
        null : float or array-like, shape (m,)
            Values under the hypothesis.
        joint : bool
            Test all rows together.
        level : float
            Confidence level.
        df_method, robust, cluster
            How the fixed effects are tested, as in :meth:`summary`.

        Returns
        -------
        data frame
            ``contrast, estimate, std_error, df, statistic, p_value, conf_low, conf_high``; with
            ``joint`` one row ``statistic, df, df_residual, p_value``, the F test. Rows of L that
            are combinations of others count once.

        Raises
        ------
        DataError
            For a wrong number of weights, unknown coefficients, and contrasts that cannot be
            estimated, because a column was dropped.

        Examples
        --------
        >>> import multilevel as mlm
        >>> data = mlm.datasets.load("sleepstudy")
        >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", data)
        >>> table = fit.contrasts({"ten days": {"Days": 10}}, null=100)
        >>> table[["contrast", "estimate", "std_error", "df", "statistic"]].round(3).values.tolist()
        [['ten days', 104.673, 15.458, 17.0, 0.302]]
        """
        from multilevel.fits import contrasts as tables
        from multilevel.fits.reference_grid import ReferenceGrid
        from multilevel.inference.linear_functions import LinearFunctions
        from multilevel.inference.wald import check_level

        check_level(level)
        check_flag("joint", joint)
        labels, weights = tables.read_contrasts(L, self.coef_names)
        values = tables.read_null(null, len(labels))
        tests = self._fixed_tests(df_method, robust, cluster)
        aliasing = ReferenceGrid(self.model.design).aliasing(self.model.design)
        functions = LinearFunctions(tests, self._matrices.kept, aliasing)
        tables.check_estimable(functions, labels, weights, self.coef_names)
        if joint:
            return self._emit(tables.joint_table(functions, weights, values))
        return self._emit(tables.contrast_table(functions, labels, weights, values, level))

    def drop1(self, *, test: DropTest = "f", df_method: DfMethod | None = None) -> Any:
        """Test each term of the fixed part that could be dropped: it is not part of a larger one.

        Parameters
        ----------
        test : {"f", "lrt"}
            F tests, or likelihood-ratio tests against models without the term, all fitted by
            maximum likelihood to the rows of this fit.
        df_method : str, optional
            Degrees of freedom of F tests, as in :meth:`summary`.

        Returns
        -------
        data frame
            ``term, sum_sq, mean_sq, df, df_residual, statistic, p_value`` or ``term, n_parameters,
            loglik, aic, statistic, df, p_value`` (of the models without the term).

        Raises
        ------
        ValueError
            For another test, or ``df_method`` with likelihood-ratio tests.
        """
        from multilevel.fits.term_tests import DropTest, drop_by_f, drop_by_lrt

        check_option("test", test, DropTest)
        if test == "f":
            tests = self._fixed_tests(df_method)
            return self._emit(drop_by_f(self._fixed_terms, tests, self.sigma))
        if df_method is not None:
            raise ValueError("df_method is for F tests; leave it out with test='lrt'.")
        full = cast("LinearMixedModel", self)
        full = full.refit(reml=False) if self.reml else full
        return self._emit(drop_by_lrt(self._fixed_terms, self.model, full.state))

    def ranova(self) -> Any:
        """Test each random-effects term against a smaller one by the likelihood ratio.

        Of correlated effects each product that is not part of a larger one is removed in turn,
        with its covariances: ``(x | g)`` becomes ``(1 | g)``; ``(0 + f | g)`` with a factor
        becomes ``(1 | g)``. Of independent effects each variance is removed, and a term with one
        effect as a whole. All fits are by the criterion of this one, to its rows.

        Returns
        -------
        data frame
            ``term`` (what is removed), and of the model without it ``n_parameters, loglik, aic``;
            ``statistic, df, p_value``, by chi-squared, which is conservative; ``p_value_mixture,
            mixture``, where the distribution is known (see :func:`multilevel.anova`).

        Raises
        ------
        DataError
            For a model without random effects.
        """
        from multilevel.fits.random_terms import ranova_columns

        return self._emit(ranova_columns(self.model, self.state))

    def exact_rlrt(
        self,
        term: str | None = None,
        *,
        n: int = 10_000,
        rng: int | np.random.Generator | None = None,
    ) -> Any:
        """Test a single variance component against zero in samples of any size.

        The (restricted) likelihood ratio is compared with draws from its distribution, which for
        a model with one variance component depends on eigenvalues only (Crainiceanu & Ruppert
        2004). With further random effects it is taken from the model with the tested one alone,
        an approximation (Greven et al. 2008) that ``method`` names.

        Parameters
        ----------
        term : str, optional
            Which variance: ``"(1 | g)"``, ``"(0 + x | g)"``; needed if there are several.
        n : int
            Number of draws.
        rng : int, numpy.random.Generator or None
            Seed or source of randomness.

        Returns
        -------
        data frame
            ``term, method, statistic, p_value, n_draws``. The p value is ``(1 + k) / (1 + n)``
            with k the number of draws that reach the statistic.

        Raises
        ------
        NotSupportedError
            For correlated random effects and for thousands of groups.
        DataError
            For a term that the model does not have.

        References
        ----------
        Crainiceanu, C. M. & Ruppert, D. (2004). Likelihood ratio tests in linear mixed models with
        one variance component. J. R. Statist. Soc. B 66, 165-185.
        Greven, S., Crainiceanu, C. M., Kuechenhoff, H. & Peters, A. (2008). Restricted likelihood
        ratio testing for zero variance components in linear mixed models. J. Comput. Graph.
        Statist. 17, 870-891.
        """
        from multilevel.fits.random_terms import exact_columns

        return self._emit(exact_columns(self.model, self.state, term, n, rng))

    @cached_property
    def _fixed_terms(self) -> FixedTerms:
        from multilevel.fits.terms import FixedTerms

        return FixedTerms(self.model.design)
