"""Gaussian process regression under any kernel: a mean and how sure it is, for some thousand rows."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.optimize import minimize
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from likewise.compute import paired
from likewise.errors import InputError
from likewise.estimators.base import read_rows, threads
from likewise.estimators.gram import GramFamily, Matrix, check_kernel_matrix, float_rows, gram_matrix, kernel_sum
from likewise.estimators.metrics import resolve
from likewise.estimators.settings import choice, number, room_for_gram, whole
from likewise.formula.metric import Metric

#: Beside metric_params, what the optimiser may choose. A parameter of the metric that has such a name comes first.
_OWN = ("variance", "noise")


class GaussianProcessRegressor(MultiOutputMixin, RegressorMixin, BaseEstimator):
    """Gaussian process regression (Rasmussen and Williams 2006, algorithm 2.1), by a Cholesky factor.

    The values at rows X are Gaussian, with covariance variance * K(X, X), and seen with noise of variance alpha.

    Parameters
    ----------
    metric : str, Metric or callable
        A kernel: a name of ``lw.metrics``, a metric, or a formula of two numbers (larger is closer).
    metric_params : mapping, optional
        Parameters of a named one; gamma is 1/d by default.
    variance : float
        A factor of the kernel, above 0.
    alpha : float
        Added to the diagonal: the variance of the noise, at least 0.
    optimizer : {"fmin_l_bfgs_b"}, optional
        Choose parameters by the largest marginal likelihood; they begin where they are given. Default: keep them.
    optimized : tuple of str, optional
        Which: names in ``metric_params``, "variance", and "noise" for alpha. Default: the numbers of ``metric_params``,
        and "variance".
    bounds : tuple of two floats, or mapping of such by name
        Least and largest value, above 0.
    n_restarts_optimizer : int
        Further beginnings, drawn between the bounds.
    normalize_y : bool
        Whether targets are centred and scaled to unit variance first.
    memory_limit : int or str, optional
        What the matrices may take; default 2 GiB.
    random_state : int, RandomState instance or None
    n_jobs : int, optional
        Threads; default every core.

    Attributes
    ----------
    metric_params_, variance_, alpha_
        What was used: as given, or as chosen.
    log_marginal_likelihood_value_ : float
        Summed over targets.
    X_train_ : ndarray of shape (n, d)
    alpha_vector_ : ndarray of shape (n, targets)
        (variance K + alpha I)^-1 y.

    Examples
    --------
    >>> from likewise.estimators import GaussianProcessRegressor
    >>> model = GaussianProcessRegressor(metric_params={"gamma": 0.5}).fit([[0.0], [1.0]], [0.0, 1.0])
    >>> mean, std = model.predict([[1.0], [9.0]], return_std=True)
    >>> mean.round(3), std.round(3)
    (array([1., 0.]), array([0., 1.]))
    """

    def __init__(
        self,
        metric: Any = "rbf",
        *,
        metric_params: Mapping[str, Any] | None = None,
        variance: float = 1.0,
        alpha: float = 1e-10,
        optimizer: str | None = None,
        optimized: tuple[str, ...] | None = None,
        bounds: Any = (1e-5, 1e5),
        n_restarts_optimizer: int = 0,
        normalize_y: bool = False,
        memory_limit: int | str | None = None,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.metric = metric
        self.metric_params = metric_params
        self.variance = variance
        self.alpha = alpha
        self.optimizer = optimizer
        self.optimized = optimized
        self.bounds = bounds
        self.n_restarts_optimizer = n_restarts_optimizer
        self.normalize_y = normalize_y
        self.memory_limit = memory_limit
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any) -> GaussianProcessRegressor:
        """Choose the parameters, if an optimiser is given, and factor the covariance.

        Parameters
        ----------
        X : array_like of shape (n, d)
        y : array_like of shape (n,) or (n, targets)

        Returns
        -------
        self

        Raises
        ------
        InputError
            For a distance in the place of a kernel; where the covariance is not positive definite; where the matrices
            are more than ``memory_limit``.
        """
        self._given_metric = self.metric
        self._settings(self.metric_params or {})
        rows, targets = read_rows(self, X, y, reset=True, copy=True, multi_output=True, y_numeric=True)
        room_for_gram(
            len(rows), self.memory_limit, 2, "use KernelRidge(solver='cg'), which gives the mean, or give more"
        )
        columns = np.asarray(targets, np.float64).reshape(len(targets), -1)
        self._flat = np.ndim(targets) == 1
        self._mean, self._scale = np.zeros(columns.shape[1]), np.ones(columns.shape[1])
        if self.normalize_y:
            self._mean, spread = columns.mean(axis=0), columns.std(axis=0)
            self._scale = np.where(spread > 0, spread, 1.0)
        self.X_train_, self._y = float_rows(rows), (columns - self._mean) / self._scale
        self.metric_params_ = None if self.metric_params is None else dict(self.metric_params)
        self.variance_, self.alpha_ = float(self.variance), float(self.alpha)
        self._family: GramFamily | None = None  # while parameters are searched for
        if self.optimizer is not None:
            choice("optimizer", self.optimizer, ("fmin_l_bfgs_b",))
            self._family = GramFamily(self.X_train_, self.n_jobs)
            self.metric_params_, self.variance_, self.alpha_ = self._with(self._optimise())
            self._family = None
        self._metric = self._settings(self.metric_params_ or {})
        factor = self._factor(self._metric, self.variance_, self.alpha_)
        if factor is None:
            raise InputError(
                f"the covariance is not positive definite: {self._metric.name} is no kernel, rows repeat, or "
                f"alpha={self.alpha_:g} is too small; raise alpha, or see positive_semidefinite(metric, X)"
            )
        self.L_ = factor
        self.alpha_vector_ = _solved(factor, self._y)
        self.log_marginal_likelihood_value_ = self._likelihood(factor, self.alpha_vector_)
        return self

    def _settings(self, parameters: Mapping[str, Any]) -> Metric:
        """The metric; and the other settings are checked."""
        number("variance", self.variance, above=0)
        number("alpha", self.alpha, least=0)
        return resolve(self._given_metric, parameters or None, closer="larger", needed_by="GaussianProcessRegressor")

    def _factor(self, metric: Metric, variance: float, alpha: float) -> Matrix | None:
        """The lower Cholesky factor of variance K + alpha I, or None."""
        if self._family:
            K = self._family(metric)
        else:
            K = gram_matrix(metric, self.X_train_, n_jobs=self.n_jobs)
            check_kernel_matrix(metric, K)
        K *= variance
        K.flat[:: len(K) + 1] += alpha
        try:
            return np.asarray(cholesky(K, lower=True, overwrite_a=True))
        except (LinAlgError, ValueError):  # ValueError: values that are not finite
            return None

    def _likelihood(self, factor: Matrix, solved: Matrix) -> float:
        n, p = int(self._y.shape[0]), int(self._y.shape[1])
        fit = float(np.sum(self._y * solved)) / 2
        constant = n / 2 * math.log(2 * math.pi)
        return -fit - p * (float(np.log(np.diag(factor)).sum()) + constant)

    # ------------------------------------------------------------------------------------------------ parameters

    def _given(self) -> dict[str, Any]:
        """Every parameter by its name."""
        return {"variance": self.variance_, "noise": self.alpha_} | (self.metric_params_ or {})

    def _with(self, values: Mapping[str, float]) -> tuple[dict[str, Any] | None, float, float]:
        """(metric_params, variance, alpha), some of them changed."""
        own = self.metric_params_ or {}
        if unknown := sorted(set(values) - set(own) - set(_OWN)):
            raise InputError(f"there is no parameter {unknown[0]!r}; there are {', '.join(map(repr, self._given()))}")
        changed = own | {name: value for name, value in values.items() if name in own}
        rest = {name: value for name, value in values.items() if name not in own}
        return changed or None, rest.get("variance", self.variance_), rest.get("noise", self.alpha_)

    def _loss(self, values: Mapping[str, float]) -> float:
        """The negative log marginal likelihood with some parameters changed."""
        parameters, variance, alpha = self._with(values)
        factor = self._factor(self._settings(parameters or {}), variance, alpha)
        return math.inf if factor is None else -self._likelihood(factor, _solved(factor, self._y))

    def _optimise(self) -> dict[str, float]:
        """The parameters of the largest marginal likelihood, searched for by their logarithms."""
        given = self._given()
        names = self._names(given)
        bounds = np.log([self._bounds(name) for name in names])
        random = check_random_state(self.random_state)

        def loss(logs: NDArray[np.float64]) -> float:
            return min(self._loss(dict(zip(names, np.exp(logs).tolist(), strict=True))), 1e25)

        starts = [np.clip(np.log([float(given[name]) for name in names]), *bounds.T)]
        restarts = whole("n_restarts_optimizer", self.n_restarts_optimizer, least=0)
        starts += [random.uniform(*bounds.T) for _ in range(restarts)]
        found = [minimize(loss, start, method="L-BFGS-B", bounds=bounds) for start in starts]
        best = min(found, key=lambda one: float(one.fun))
        if not best.success and best.status == 1:
            warnings.warn(f"the optimiser stopped early: {best.message}", ConvergenceWarning, stacklevel=3)
        return dict(zip(names, np.exp(best.x).tolist(), strict=True))

    def _names(self, given: Mapping[str, Any]) -> list[str]:
        numbers = [name for name, value in given.items() if isinstance(value, (int, float)) and value > 0]
        own = self.metric_params_ or {}
        if self.optimized is None:
            return [name for name in numbers if name in own or name == "variance"]
        wanted: Any = self.optimized
        if not isinstance(wanted, (tuple, list)) or not wanted:
            raise InputError(
                f"optimized={self.optimized!r}: a tuple of names is wanted; there are {', '.join(map(repr, numbers))}"
            )
        if unknown := sorted(set(self.optimized) - set(numbers)):
            raise InputError(
                f"optimized names {', '.join(map(repr, unknown))}; there are {', '.join(map(repr, numbers))}, each a "
                "number above 0 to begin with; metric_params= adds others"
            )
        return list(self.optimized)

    def _bounds(self, name: str) -> tuple[float, float]:
        pair = self.bounds.get(name, (1e-5, 1e5)) if isinstance(self.bounds, Mapping) else self.bounds
        try:
            low, high = (number(f"bounds of {name}", value, above=0) for value in pair)
        except (TypeError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"bounds={self.bounds!r}: a least and a largest value are wanted") from None
        if low > high:
            raise InputError(f"bounds of {name} are {low:g} and {high:g}: the least comes first")
        return low, high

    def log_marginal_likelihood(self, **parameters: float) -> float:
        """The log marginal likelihood of the (normalised) targets, summed over them.

        Parameters
        ----------
        **parameters : float
            Other values than those of the fit: of ``metric_params``, ``variance``, and ``noise`` for alpha.

        Returns
        -------
        float
            -inf where the covariance is not positive definite.
        """
        check_is_fitted(self)
        for name, value in parameters.items():
            if name in _OWN:
                number(name, value, least=0)
        return -self._loss(parameters) if parameters else self.log_marginal_likelihood_value_

    # ------------------------------------------------------------------------------------------------ predictions

    def predict(self, X: Any, return_std: bool = False, return_cov: bool = False) -> Any:
        """The mean of the process at rows, and how sure it is.

        Parameters
        ----------
        X : array_like of shape (m, d)
        return_std : bool
            Also standard deviations, of the shape of the mean.
        return_cov : bool
            Also covariances, (m, m) or (m, m, targets).

        Returns
        -------
        ndarray of shape (m,) or (m, targets), or a pair with what was asked for
        """
        if return_std and return_cov:
            raise InputError("return_std and return_cov are both asked for; choose one")
        check_is_fitted(self)
        rows = float_rows(read_rows(self, X, reset=False))
        mean = self.variance_ * kernel_sum(self._metric, rows, self.X_train_, self.alpha_vector_, n_jobs=self.n_jobs)
        mean = mean * self._scale + self._mean
        mean = mean[:, 0] if self._flat else mean
        if return_cov:
            half = self._half(rows)
            K = gram_matrix(self._metric, rows, n_jobs=self.n_jobs)
            return mean, self._of_targets(self.variance_ * K - half.T @ half, 2)
        if return_std:
            own = np.asarray(paired(rows, rows, metric=self._metric, n_jobs=threads(self.n_jobs)))
            variance = np.empty(len(rows))
            step = max(1, (8 << 20) // len(self.X_train_))
            for first in range(0, len(rows), step):
                half = self._half(rows[first : first + step])
                seen = np.einsum("ij,ij->j", half, half)
                variance[first : first + step] = self.variance_ * own[first : first + step] - seen
            return mean, self._of_targets(np.maximum(variance, 0), 1)
        return mean

    def _half(self, rows: NDArray[Any]) -> Matrix:
        """L^-1 K(X_train, rows)."""
        K = self.variance_ * gram_matrix(self._metric, self.X_train_, rows, n_jobs=self.n_jobs)
        return np.asarray(solve_triangular(self.L_, K, lower=True, overwrite_b=True))

    def _of_targets(self, variance: NDArray[np.float64], axes: int) -> NDArray[np.float64]:
        """Variances in the units of the targets: roots of them for deviations (one axis)."""
        found = variance[..., None] * self._scale**2
        found = np.sqrt(found) if axes == 1 else found
        return found[..., 0] if self._flat else found


def _solved(factor: Matrix, y: Matrix) -> Matrix:
    """(L L')^-1 y."""
    half = solve_triangular(factor, y, lower=True)
    return np.asarray(solve_triangular(factor.T, half, lower=False))
