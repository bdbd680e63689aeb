"""Ridge regression in the space of a kernel: exact for some thousand rows, by conjugate gradients for more."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from likewise.arrays import row_weights
from likewise.errors import InputError
from likewise.estimators.base import read_rows
from likewise.estimators.conjugate import System, digits_done, solve
from likewise.estimators.gram import Matrix, check_kernel_matrix, gram_matrix, kernel_sum
from likewise.estimators.landmarks import choose_landmarks
from likewise.estimators.metrics import resolve
from likewise.estimators.settings import choice, limit, number, reporter, room_for_gram, whole

#: Rows up to which "auto" solves exactly: 200 MB, and as fast as conjugate gradients.
EXACT_ROWS = 5_000
#: Landmarks by default: this times the root of the number of rows. On 100,000 x 20 rows twice as many save no time.
_LANDMARKS = 6
_MOST_LANDMARKS = 3_000
_FLOOR = 1e-12


class KernelRidge(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Kernel ridge regression: f(x) = sum_j a_j K(x, x_j) with least squares and a penalty alpha |f|^2.

    The coefficients solve (K + alpha W^-1) a = y, W the rows' weights. ``solver="exact"`` makes the Gram matrix and
    takes its Cholesky factor. ``solver="cg"`` never makes it: conjugate gradients with a Nystroem preconditioner
    (:mod:`likewise.estimators.conjugate`) until the residual is at most ``tol`` of y, in Euclidean norm. The
    predictions of the training rows are then as near to the exact ones: the error of the fit K a is K (K + alpha I)^-1
    of the residual, which is no longer than the residual. As in scikit-learn there is no intercept: centre y where it
    needs one.

    Parameters
    ----------
    alpha : float
        The penalty, above 0.
    metric : str, Metric or callable
        A kernel: a name of ``lw.metrics``, a metric, or a formula of two numbers (larger is closer).
    metric_params : mapping, optional
        Parameters of a named one; gamma is 1/d by default.
    solver : {"auto", "exact", "cg"}
        "auto": exact up to 5,000 rows.
    tol : float
        Of "cg": the residual |y - (K + alpha I) a| / |y|, of the worst target.
    max_iter : int
        Of "cg": products with K. Each compares all rows with all rows.
    n_components : int, optional
        Landmarks of the preconditioner; default 6 times the root of the number of rows, at most 3,000.
    memory_limit : int or str, optional
        What the exact solver's matrix may take; default 2 GiB.
    random_state : int, RandomState instance or None
        Draws the landmarks; they change the time, and the answer within ``tol``.
    progress : bool or callable, optional
        True for a line on standard error; or a function of done and total, in hundredths of the digits of ``tol``.
    n_jobs : int, optional
        Threads; default every core.

    Attributes
    ----------
    dual_coef_ : ndarray of shape (n,) or (n, targets)
    X_fit_ : ndarray or CSR matrix of shape (n, d)
    solver_ : str
    n_iter_ : int
        Products with K; 1 for the exact solver.
    residual_ : float
        |y - (K + alpha I) a| / |y| of the worst target; 0 for the exact solver.

    Examples
    --------
    >>> from likewise.estimators import KernelRidge
    >>> X, y = [[0.0], [1.0], [2.0]], [0.0, 1.0, 4.0]
    >>> KernelRidge(alpha=1e-3, metric="polynomial", metric_params={"degree": 2}).fit(X, y).predict([[3.0]]).round(1)
    array([9.])
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        metric: Any = "rbf",
        metric_params: Mapping[str, Any] | None = None,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 300,
        n_components: int | None = None,
        memory_limit: int | str | None = None,
        random_state: Any = None,
        progress: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.alpha = alpha
        self.metric = metric
        self.metric_params = metric_params
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.n_components = n_components
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.progress = progress
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> KernelRidge:
        """Solve for the coefficients.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)
        y : array_like of shape (n,) or (n, targets)
        sample_weight : array_like of shape (n,), or a number, optional
            None of them negative.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For a distance in the place of a kernel; where K is not finite or not symmetric, and where K + alpha I is
            not positive definite.
        """
        metric = resolve(self.metric, self.metric_params, closer="larger", needed_by="KernelRidge")
        alpha = number("alpha", self.alpha, above=0)
        solver = choice("solver", self.solver, ("auto", "exact", "cg"))
        rows, targets = read_rows(
            self, X, y, reset=True, accept_sparse=True, copy=True, multi_output=True, y_numeric=True
        )
        columns = np.asarray(targets, np.float64).reshape(len(targets), -1)
        root = np.ones(len(columns))
        if sample_weight is not None:
            root = np.sqrt(row_weights(sample_weight, len(columns), "sample_weight"))
        if solver == "auto":
            fits = 8 * len(columns) ** 2 <= limit(self.memory_limit)
            solver = "exact" if len(columns) <= EXACT_ROWS and fits else "cg"
        self._metric, self.X_fit_, self.solver_ = metric, rows, solver
        run = self._exact if solver == "exact" else self._gradients
        # (W K W + alpha I) c = W y for W = diag(root), and a = W c
        coefficients = root[:, None] * run(rows, root, root[:, None] * columns, alpha)
        self.dual_coef_ = coefficients[:, 0] if np.ndim(targets) == 1 else coefficients
        return self

    def _exact(self, rows: Any, root: NDArray[np.float64], b: Matrix, alpha: float) -> Matrix:
        room_for_gram(len(b), self.memory_limit, 1, "use solver='cg', which makes none, or give more")
        K = gram_matrix(self._metric, rows, n_jobs=self.n_jobs)
        check_kernel_matrix(self._metric, K)
        K *= root[:, None]
        K *= root
        K.flat[:: len(K) + 1] += alpha
        try:
            factor = cho_factor(K.T, overwrite_a=True)  # in Fortran's order, so that it is not copied
        except LinAlgError:
            raise InputError(
                f"K + alpha I is not positive definite on these rows: {self._metric.name} is no kernel, or "
                f"alpha={alpha:g} is too small; see positive_semidefinite(metric, X)"
            ) from None
        self.n_iter_, self.residual_ = 1, 0.0
        return np.asarray(cho_solve(factor, b))

    def _gradients(self, rows: Any, root: NDArray[np.float64], b: Matrix, alpha: float) -> Matrix:
        tol, most = number("tol", self.tol, above=0), whole("max_iter", self.max_iter, least=1)
        count = min(_MOST_LANDMARKS, int(_LANDMARKS * math.sqrt(len(b))))
        if self.n_components is not None:
            count = whole("n_components", self.n_components, least=1)
        report, random = reporter(self.progress), check_random_state(self.random_state)
        landmarks = choose_landmarks(self._metric, rows, count, random, floor=_FLOOR, n_jobs=self.n_jobs)
        system = System(self._metric, rows, root, alpha, landmarks, self.n_jobs)
        solved = solve(
            system, b, tol=tol, max_iter=most, report=lambda residual: report(digits_done(residual, tol), 100)
        )
        self.n_iter_, self.residual_ = solved.products, solved.residual
        if solved.residual > tol:
            warnings.warn(
                f"after {solved.products} products with K the residual is {solved.residual:.2g} of y, and tol={tol:g}; "
                f"raise {'max_iter, ' * (solved.products >= most)}n_components or alpha, or pass solver='exact'",
                ConvergenceWarning,
                stacklevel=3,
            )
        return solved.c

    def predict(self, X: Any) -> NDArray[np.float64]:
        """The regression at rows.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)

        Returns
        -------
        ndarray of shape (n,) or (n, targets)
        """
        check_is_fitted(self)
        rows = read_rows(self, X, reset=False, accept_sparse=True)
        weights = self.dual_coef_.reshape(self.X_fit_.shape[0], -1)
        found = kernel_sum(self._metric, rows, self.X_fit_, weights, n_jobs=self.n_jobs)
        return found[:, 0] if self.dual_coef_.ndim == 1 else found

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
