"""Kernel density by any metric.

::

    p(x) = sum_j w_j K(distance(x, x_j) / h) / (Z W),    W = sum_j w_j,    Z = the integral of K(distance(u, 0) / h)

The sum is one :func:`likewise.weighted_sum`, without the n x m matrix. Far out every K underflows: a Gaussian's at 39
bandwidths. There, and only there, the same is done in logarithms, with the smallest exponent m taken out,

    log sum_j w_j exp(-e_j)  =  -m + log sum_j w_j exp(m - e_j),

on a few rows of the matrix of exponents at a time.

For a distance that is a norm of the difference, of d features and with the unit ball B, the integral is one over the
radius:

    Z = h^d  d |B|  integral of r^(d - 1) K(r) dr
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from likewise.arrays import row_weights
from likewise.compute import pairwise, weighted_sum
from likewise.errors import InputError
from likewise.estimators.base import WORKING_BYTES, read_rows, threads
from likewise.estimators.metrics import resolve
from likewise.estimators.settings import whole
from likewise.formula import math as m
from likewise.formula.expr import Expr
from likewise.formula.metric import Metric
from likewise.formula.metrics import by_name, minkowski
from likewise.formula.simplify import simplify
from likewise.formula.trace import Traced

Floats = NDArray[np.float64]
#: Where sums are smaller than that, terms that underflowed may be missing from them: by type of the sum.
_UNSURE = {np.dtype(np.float32): 1e-30, np.dtype(np.float64): 1e-280}

#: Bandwidths from this to one over it have squares in float32, and in float64.
_NARROW, _TINY = 1e-15, 1e-150


@dataclass(frozen=True)
class _Kernel:
    """K(r), written as a formula of r and of its square: exp(-e) where ``exponential``, else K itself.

    ``radial``: the logarithm of the integral of r^(d - 1) K(r) over r, for d features.
    """

    exponential: bool
    formula: Callable[[Any, Any], Any]
    radial: Callable[[int], float]


def _cosine_radial(d: int) -> float:
    """Of cos(pi r / 2) up to 1, term by term of the cosine's series: it converges in 15 terms for any d."""
    a, term, total = math.pi / 2, 1.0, 0.0
    for i in range(40):
        total += term / (2 * i + d)
        term *= -a * a / ((2 * i + 1) * (2 * i + 2))
    return math.log(total)


_KERNELS = {
    "gaussian": _Kernel(True, lambda r, r2: 0.5 * r2, lambda d: (d / 2 - 1) * math.log(2) + math.lgamma(d / 2)),
    "exponential": _Kernel(True, lambda r, r2: r, math.lgamma),
    "tophat": _Kernel(False, lambda r, r2: m.where(r < 1, 1, 0), lambda d: -math.log(d)),
    "epanechnikov": _Kernel(False, lambda r, r2: m.where(r < 1, 1 - r2, 0), lambda d: math.log(2 / (d * (d + 2)))),
    "linear": _Kernel(False, lambda r, r2: m.where(r < 1, 1 - r, 0), lambda d: -math.log(d * (d + 1))),
    "cosine": _Kernel(False, lambda r, r2: m.where(r < 1, m.cos(math.pi / 2 * r), 0), _cosine_radial),
}


def _finished(metric: Metric, finish: Traced, name: str, closer: str) -> Metric:
    """The metric with another finish."""
    return replace(
        metric,
        name=name,
        finish=simplify(finish.expr),
        closer=closer,
        value_range=(-math.inf, math.inf),
        formula=None,
        finish_formula=None,
        parameters=(),
    )


def _of_distance(metric: Metric, kernel: str, h: float) -> tuple[Metric, Metric | None]:
    """K(distance / h), and its exponent e where it is exp(-e)."""
    value = Traced(metric.finish)
    rooted = metric.finish.op == "sqrt"
    square = Traced(metric.finish.args[0]) if rooted else value * value
    squared = h * h if _TINY < h < 1 / _TINY else None
    made = _KERNELS[kernel].formula(value / h, square / squared if squared else square / h / h)
    name = f"{kernel}({metric.name})"
    if not _KERNELS[kernel].exponential:
        return _finished(metric, made, name, "larger"), None
    return _finished(metric, m.exp(-made), name, "larger"), _finished(metric, made, f"-log {name}", "smaller")


def _of_similarity(metric: Metric) -> tuple[Metric, Metric | None]:
    """The similarity itself, and its exponent e where it is exp(-e)."""
    if metric.finish.op != "exp":
        return metric, None
    return metric, _finished(metric, -Traced(metric.finish.args[0]), f"-log {metric.name}", "smaller")


def _log_ball(metric: Metric, d: int) -> float | None:
    """The logarithm of the volume of a metric's unit ball, of those known; None where it is not."""
    if metric == by_name("chebyshev"):
        return d * math.log(2)
    if metric.matrix is not None:
        if replace(metric, matrix=None) != by_name("euclidean"):
            return None
        diagonal = np.diag(metric.matrix)  # VI = L L^T: the ball is one of Euclid's over det L
        same = bool((diagonal > 0).all()) and len(diagonal) == d
        return _log_ball_of_power(2.0, d) - float(np.log(diagonal).sum()) if same else None
    p = _power_of(metric)
    return None if p is None else _log_ball_of_power(p, d)


def _power_of(metric: Metric) -> float | None:
    """p of a Minkowski distance."""
    if metric == by_name("euclidean"):
        return 2.0
    if metric == by_name("manhattan"):
        return 1.0
    finish: Expr = metric.finish
    if finish.op != "pow" or finish.args[1].op != "const":
        return None
    root = float(finish.args[1].value or 0.0)  # 1 / p, rounded: p is what gives the same metric
    candidates = (round(1 / root, 9), 1 / root) if 0 < root <= 1 else ()
    return next((p for p in candidates if metric == minkowski(p)), None)


def _log_ball_of_power(p: float, d: int) -> float:
    return float(d * (math.log(2) + math.lgamma(1 + 1 / p)) - math.lgamma(1 + d / p))


class KernelDensity(BaseEstimator):
    """Density of rows: a kernel about each, by any metric.

    Parameters
    ----------
    bandwidth : float, "scott" or "silverman"
        h, in the metric's units; or a rule of the numbers n of rows and d of features, for features of variance 1:
        n^(-1 / (d + 4)), and (n (d + 2) / 4)^(-1 / (d + 4)).
    kernel : {"gaussian", "exponential", "tophat", "epanechnikov", "linear", "cosine"}
        K of r = distance / h: exp(-r^2 / 2), exp(-r); and up to r = 1 only, 1, 1 - r^2, 1 - r, cos(pi r / 2).
    metric : str, Metric or callable
        A distance. Or a similarity that is not negative, such as "rbf": it stands for K then, and kernel and bandwidth
        play no part.
    metric_params : dict, optional
        Parameters of a named metric.
    n_jobs : int, optional
        Threads; default every core, but one within a worker of joblib.

    Attributes
    ----------
    bandwidth_ : float
    normalized_ : bool
        Whether the density's integral is 1: Z is known for Euclidean, Manhattan, Chebyshev, Minkowski and Mahalanobis
        distance. By any other metric, a formula among them, densities lack that constant factor: they can be compared
        with each other under one metric and bandwidth, and with nothing else.
    effective_metric_ : Metric
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Where the rows came with names.

    Examples
    --------
    >>> from likewise.estimators import KernelDensity
    >>> model = KernelDensity(bandwidth=1.0).fit([[0.0], [2.0]])
    >>> model.score_samples([[1.0], [40.0]]).round(3)
    array([  -1.419, -723.612])
    """

    def __init__(
        self,
        *,
        bandwidth: Any = 1.0,
        kernel: Any = "gaussian",
        metric: Any = "euclidean",
        metric_params: dict[str, Any] | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.bandwidth = bandwidth
        self.kernel = kernel
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> KernelDensity:
        """Keep a copy of the rows (n_samples, n_features), and their weights (n_samples,), which are not negative.

        A row of weight 0 is left out.
        """
        if not isinstance(self.kernel, str) or self.kernel not in _KERNELS:
            raise InputError(f"kernel={self.kernel!r} is not known; it is one of {', '.join(map(repr, _KERNELS))}")
        metric = resolve(self.metric, self.metric_params, needed_by="KernelDensity")
        rows = read_rows(self, X, reset=True, dtypes=("float64", "float32"), copy=True)
        n, d = rows.shape
        self.bandwidth_ = _bandwidth(self.bandwidth, n, d)
        if not _NARROW < self.bandwidth_ < 1 / _NARROW:
            rows = rows.astype(np.float64, copy=False)
        weights = np.ones(n) if sample_weight is None else row_weights(sample_weight, n, "sample_weight")
        counts = weights > 0
        self._rows: NDArray[Any] = rows if counts.all() else rows[counts]
        self._weights: Floats = weights[counts]
        self.effective_metric_ = metric
        log_z = 0.0
        ball = _log_ball(metric, d) if metric.closer == "smaller" else None
        self.normalized_ = ball is not None
        if ball is not None:
            log_z = d * math.log(self.bandwidth_) + math.log(d) + ball + _KERNELS[self.kernel].radial(d)
        self._log_scale = -log_z - math.log(float(np.sum(self._weights / self._weights.max())))
        return self

    def score_samples(self, X: Any) -> Floats:
        """The logarithm of the density at each row: (n_samples,) float64; -infinity outside a kernel that ends."""
        check_is_fitted(self, "_rows")
        rows = read_rows(self, X, reset=False, dtypes=("float64", "float32"))
        metric = self.effective_metric_
        if metric.closer == "smaller":
            values, exponents = _of_distance(metric, self.kernel, self.bandwidth_)
        else:
            values, exponents = _of_similarity(metric)
        weights = (self._weights / self._weights.max()).astype(self._rows.dtype)
        sums = weighted_sum(rows, self._rows, weights, metric=values, n_jobs=threads(self.n_jobs))
        if (sums < 0).any() or np.isnan(sums).any():
            raise InputError(
                f"{values.name} gives a density that is negative or NaN for some rows (down to "
                f"{np.fmin.reduce(sums):g}); a kernel that is not negative is wanted"
            )
        with np.errstate(divide="ignore"):
            made = np.log(sums.astype(np.float64))
        if exponents is not None:
            far = np.flatnonzero(sums < _UNSURE[sums.dtype])
            made[far] = self._log_sums(rows[far], exponents)
        return np.asarray(made + self._log_scale)

    def _log_sums(self, rows: NDArray[Any], exponents: Metric) -> Floats:
        """log sum_j w_j exp(-e_j) of each row, by its smallest exponent, some rows at a time."""
        made = np.empty(len(rows))
        weights = self._weights / self._weights.max()
        step = max(1, WORKING_BYTES // (32 * len(weights)))
        for first in range(0, len(rows), step):
            some = rows[first : first + step].astype(np.float64)
            e = pairwise(some, self._rows, metric=exponents, n_jobs=threads(self.n_jobs))
            least = e.min(axis=1)
            known = np.isfinite(least)
            terms = np.exp(np.where(known, least, 0.0)[:, None] - e) @ weights
            with np.errstate(divide="ignore"):
                made[first : first + step] = np.where(known, np.log(terms) - least, -np.inf)
        return made

    def score(self, X: Any, y: Any = None) -> float:
        """The log-likelihood of the rows together: the sum of :meth:`score_samples`."""
        return float(self.score_samples(X).sum())

    def sample(self, n_samples: int = 1, random_state: Any = None) -> Floats:
        """Rows drawn from the density: (n_samples, n_features) float64; of Gaussian and tophat kernels by Euclid."""
        check_is_fitted(self, "_rows")
        if self.kernel not in ("gaussian", "tophat") or self.effective_metric_ != by_name("euclidean"):
            raise InputError(
                f"rows are drawn from kernel='gaussian' and 'tophat' by metric='euclidean', not from {self.kernel!r} "
                f"by {self.effective_metric_.name}"
            )
        n_samples, random = whole("n_samples", n_samples, least=0), check_random_state(random_state)
        rising = np.cumsum(self._weights)
        chosen = np.searchsorted(rising, random.uniform(0, 1, n_samples) * rising[-1], side="right")
        centres = self._rows[np.minimum(chosen, len(rising) - 1)].astype(np.float64)
        steps = random.normal(size=centres.shape)
        if self.kernel == "tophat":  # |steps|^2 is chi-squared: its distribution function is uniform, like r^d
            squares = np.square(steps).sum(axis=1)
            d = centres.shape[1]
            steps *= (gammainc(d / 2, squares / 2) ** (1 / d) / np.sqrt(squares))[:, None]
        return np.asarray(centres + self.bandwidth_ * steps)


def _bandwidth(given: Any, n: int, d: int) -> float:
    if isinstance(given, str):
        if given == "scott":
            return float(n ** (-1 / (d + 4)))
        if given == "silverman":
            return float((n * (d + 2) / 4) ** (-1 / (d + 4)))
        raise InputError(f"bandwidth={given!r} is not known; it is a positive number, 'scott' or 'silverman'")
    try:
        number = float(given)
    except (TypeError, ValueError):
        raise InputError(f"bandwidth={given!r} is not a number; it is a positive one, 'scott' or 'silverman'") from None
    if not 0 < number < math.inf:
        raise InputError(f"bandwidth={given!r}; a positive number is wanted, 'scott' or 'silverman'")
    return number
