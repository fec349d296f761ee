"""The covariance matrix of the fixed effects: an array that can be asked for its other forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from multilevel.fits.testing import FitTesting
    from multilevel.inference.degrees_of_freedom import DfMethod
    from multilevel.inference.robust import RobustKind
    from multilevel.typing import Float

__all__ = ["CovarianceMatrix"]


class CovarianceMatrix(np.ndarray[tuple[int, int], np.dtype[np.float64]]):
    """Model-based covariance matrix of the fixed effects, shape (p, p).

    As an array it is the matrix itself; called, it gives the matrix by another method. What is
    computed from it (slices, products) is a plain array in all but name.

    Examples
    --------
    >>> import multilevel as mlm
    >>> fit = mlm.lmer("Reaction ~ Days + (Days | Subject)", mlm.datasets.load("sleepstudy"))
    >>> fit.vcov.diagonal().round(2).tolist()
    [46.57, 2.39]
    >>> fit.vcov(robust="CR2").diagonal().round(2).tolist()
    [46.57, 2.39]
    """

    _fit: FitTesting | None

    @classmethod
    def of(cls, values: Float, fit: FitTesting) -> CovarianceMatrix:
        """The matrix of a fit, read-only."""
        matrix = values.copy().view(cls)
        matrix._fit = fit
        matrix.flags.writeable = False
        return matrix

    def __array_finalize__(self, source: Any) -> None:
        self._fit = None

    def __call__(
        self,
        *,
        df_method: DfMethod | None = None,
        robust: RobustKind | None = None,
        cluster: str | None = None,
        full: bool = False,
    ) -> Float:
        """Covariance matrix by another method, or of fixed and random effects together.

        Parameters
        ----------
        df_method : str, optional
            ``"kenward-roger"`` gives the adjusted matrix of Kenward & Roger (1997).
        robust : {"CR0", "CR1", "CR1S", "CR2", "CR3"}, optional
            Cluster-robust covariance matrix.
        cluster : str, optional
            A grouping factor, or a column of the data, that it is clustered by; the top-level
            grouping factor by default.
        full : bool
            Joint covariance of the errors of the fixed effects and of the conditional modes:
            kept coefficients first, then every term's effects, level by level.

        Returns
        -------
        ndarray, shape (p, p) or (p + q, p + q)
        """
        if self._fit is None:
            raise TypeError("Only fit.vcov itself can be called, not an array made from it.")
        return self._fit._covariance(df_method, robust, cluster, full)
