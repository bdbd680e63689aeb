"""Gram matrices: a metric as the callable that scikit-learn's kernel machines take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import is_sparse
from likewise.backends import reference
from likewise.compute import pairwise, weighted_sum
from likewise.errors import InputError
from likewise.estimators.base import threads
from likewise.estimators.metrics import resolve
from likewise.formula.expr import ACC, DIM, Expr, accumulator, stat
from likewise.formula.metric import Metric

Matrix = NDArray[np.float64]
#: Rows that are sparse or float32 are made dense and float64 so many numbers at a time.
_DENSE_NUMBERS = 1 << 22
#: Matrices are checked so many numbers at a time.
_CHECKED_NUMBERS = 1 << 20


class Gram:
    """``K(X, Y)``, the matrix of a metric between rows: what :func:`gram` makes. It can be pickled and cloned."""

    def __init__(self, metric: Any, metric_params: Mapping[str, Any] | None = None, *, n_jobs: int | None = None):
        self.metric = metric
        self.metric_params = metric_params
        self.n_jobs = n_jobs
        self._metric = resolve(metric, metric_params, closer="larger", needed_by="gram")

    def __call__(self, X: Any, Y: Any = None) -> Matrix:
        """The (n, m) matrix in float64; Y is X by default.

        Parameters
        ----------
        X : array_like or sparse matrix of shape (n, d)
        Y : array_like or sparse matrix of shape (m, d), optional

        Returns
        -------
        ndarray of shape (n, m), float64
        """
        return gram_matrix(self._metric, X, Y, n_jobs=self.n_jobs)

    def __repr__(self) -> str:
        parameters = f", {dict(self.metric_params)!r}" if self.metric_params else ""
        name = self.metric if isinstance(self.metric, str) else self._metric.name
        return f"gram({name!r}{parameters})"


def gram(metric: Any = "rbf", metric_params: Mapping[str, Any] | None = None, *, n_jobs: int | None = None) -> Gram:
    """A metric as a kernel for scikit-learn: ``SVC(kernel=lw.gram("laplacian"))``.

    Parameters
    ----------
    metric : str, Metric or callable
        A similarity: a name of ``lw.metrics``, a metric, or a formula of two numbers (larger is closer).
    metric_params : mapping, optional
        Parameters of a named one, such as ``{"gamma": 0.5}``. The default of gamma is 1/d, as in scikit-learn's
        pairwise kernels; what ``SVC`` calls "scale" is ``1 / (d * X.var())``.
    n_jobs : int, optional
        Threads; default every core.

    Returns
    -------
    Gram
        A callable: ``K(X, Y)`` is the matrix (n, m) in float64.

    Raises
    ------
    InputError
        For a distance, with the kernel to take in its place.

    Examples
    --------
    >>> from likewise.estimators import gram
    >>> gram("polynomial", {"degree": 2, "gamma": 1.0})([[1.0, 2.0]], [[3.0, 4.0]])
    array([[144.]])
    """
    return Gram(metric, metric_params, n_jobs=n_jobs)


def gram_matrix(metric: Metric, X: Any, Y: Any = None, *, n_jobs: int | None = None) -> Matrix:
    """The matrix of a metric between the rows of X and Y (default: X) in float64, for dense and sparse rows."""
    x = X if is_sparse(X) else float_rows(X)
    y = x if Y is None else Y if is_sparse(Y) else float_rows(Y)
    jobs = threads(n_jobs)
    if not is_sparse(x) and not is_sparse(y):
        return np.asarray(pairwise(x, y, metric=metric, n_jobs=jobs))
    if x.shape[1] != y.shape[1]:
        raise InputError(f"X has {x.shape[1]} coordinates and Y has {y.shape[1]}")
    out = np.empty((x.shape[0], y.shape[0]))
    for rows, left in dense_blocks(x):
        for columns, right in dense_blocks(y):
            out[rows, columns] = pairwise(left, right, metric=metric, n_jobs=jobs)
    return out


def not_finite(metric: Metric) -> InputError:
    """The error for a metric of rows that float64 (or, of more than 5,000 rows, float32) does not hold."""
    return InputError(f"{metric.name} is NaN or infinite for some rows of X; scale the rows, or pass another metric")


def check_kernel_matrix(metric: Metric, K: Matrix) -> None:
    """InputError for a Gram matrix of rows with themselves that is not finite, or not symmetric.

    Solvers read one half of it, and give an answer for the other half as well. Where formulas that are symmetric round
    differently for (x, y) and (y, x), they do so by less than 2^-23 of the largest value.
    """
    step = max(1, _CHECKED_NUMBERS // max(1, len(K)))
    largest = 0.0
    for first in range(0, len(K), step):
        with np.errstate(invalid="ignore"):
            here = float(np.abs(K[first : first + step]).max())
        if not np.isfinite(here):
            raise not_finite(metric)
        largest = max(largest, here)
    for first in range(0, len(K), step):
        apart = np.abs(K[first : first + step, first:] - K[first:, first : first + step].T)
        i, j = (first + int(at) for at in np.unravel_index(int(np.argmax(apart)), apart.shape))
        if apart.max() > 2.0**-23 * largest:
            raise InputError(
                f"{metric.name} is not symmetric: {K[i, j]:.6g} for a pair of rows, and {K[j, i]:.6g} for the same two "
                "in the other order; a kernel is wanted"
            )


class GramFamily:
    """Gram matrices of the same rows by metrics that may differ in their finish alone, as ``rbf`` of two gammas does.

    Sums over coordinates are made once, and finished in NumPy: each gamma would else be a program to compile. Values
    agree with :func:`gram_matrix` within a few units in the last place.
    """

    def __init__(self, rows: NDArray[Any], n_jobs: int | None) -> None:
        self.rows, self.n_jobs = rows, n_jobs
        self._sums: dict[tuple[Any, ...], list[Matrix]] = {}
        self._statistics: dict[str, Matrix] = {}

    def __call__(self, metric: Metric) -> Matrix:
        """The (n, n) matrix of a metric, a new one."""
        if metric.matrix is not None:
            return gram_matrix(metric, self.rows, n_jobs=self.n_jobs)
        combine = "sum" if metric.combine == "mean" else metric.combine  # a mean is divided in the finish
        key = (metric.terms, combine)
        if key not in self._sums:
            bare = [replace(metric, terms=(term,), combine=combine, finish=ACC) for term in metric.terms]
            self._sums = {key: [gram_matrix(one, self.rows, n_jobs=self.n_jobs) for one in bare]}
        leaves: dict[Expr, Any] = {accumulator(i): sums for i, sums in enumerate(self._sums[key])}
        leaves[DIM] = np.float64(self.rows.shape[1])
        if names := metric.finish.stats():
            self._statistics = self._statistics or reference.statistics(self.rows.astype(np.float64))
            for name in names:
                values = self._statistics[name[:-2]]
                leaves[stat(name)] = values[:, None] if name.endswith("x") else values
        return np.array(np.broadcast_to(reference.evaluate(metric.finish, leaves), (len(self.rows),) * 2), np.float64)


def kernel_sum(metric: Metric, X: Any, Y: Any, weights: Matrix, *, n_jobs: int | None = None) -> Matrix:
    """Sum over j of metric(x_i, y_j) weights_j in float64, (n, p): never the (n, m) matrix, sparse rows or not."""
    out = np.zeros((X.shape[0], weights.shape[1]))
    jobs = threads(n_jobs)
    for rows, left in dense_blocks(X):
        for columns, right in dense_blocks(Y):
            out[rows] += weighted_sum(left, right, weights[columns], metric=metric, n_jobs=jobs)
    return out


def float_rows(X: Any) -> NDArray[Any]:
    """Rows of a type whose comparisons are float64: float32 would be rounded back to float32."""
    rows = np.asarray(X)
    return rows.astype(np.float64) if rows.dtype.kind == "f" and rows.dtype.itemsize < 8 else rows


def dense_blocks(X: Any) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Rows a block at a time, dense and of a type whose comparisons are float64: (which, rows)."""
    n, d = X.shape
    plain = not is_sparse(X) and X.dtype.kind == "f" and X.dtype.itemsize == 8
    step = max(1, n) if plain else max(1, _DENSE_NUMBERS // max(1, d))
    for first in range(0, n, step):
        piece = X[first : first + step]
        yield slice(first, min(n, first + step)), float_rows(piece.toarray() if is_sparse(X) else piece)
