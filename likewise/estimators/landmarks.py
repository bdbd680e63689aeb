"""Kernels of many rows by a few of them: Nystroem's approximation (Williams and Seeger 2001).

With m of the rows as *landmarks* z, Z their Gram matrix and k(x) the vector of K(x, z_j),

    K(x, y)  ~  k(x)' Z^+ k(y)  =  f(x) . f(y),    f(x) = B' k(x),    B = U D^(-1/2)  for  Z = U D U',

which is the best that functions of the form sum_j b_j K(., z_j) can do, and exact for the landmarks. Directions of Z
with eigenvalues below a share of the largest are left out, negative ones too: for a metric that is no kernel, what is
left is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.estimators.gram import Matrix, dense_blocks, gram_matrix, kernel_sum, not_finite
from likewise.formula.metric import Metric

#: Features are made of so many numbers at a time.
_BLOCK_NUMBERS = 1 << 22


@dataclass(frozen=True)
class Landmarks:
    """Some rows, and how they make features.

    Attributes
    ----------
    rows : ndarray of shape (m, d)
    basis : ndarray of shape (m, r)
        B: features are ``K(x, rows) @ basis``.
    indices : ndarray of shape (m,)
        Which rows of X they were.
    """

    metric: Metric
    rows: NDArray[Any]
    basis: Matrix
    indices: NDArray[np.int64]
    n_jobs: int | None

    @property
    def rank(self) -> int:
        """r, the number of features."""
        return int(self.basis.shape[1])

    def blocks(self, X: Any, dtype: Any = np.float64) -> Iterator[tuple[slice, NDArray[Any]]]:
        """The features of rows, a block at a time: (which rows, (block, r))."""
        step = max(256, _BLOCK_NUMBERS // max(len(self.rows), X.shape[1]))
        basis = self.basis.astype(dtype)
        for first in range(0, X.shape[0], step):
            rows = slice(first, min(first + step, X.shape[0]))
            K = gram_matrix(self.metric, X[rows], self.rows, n_jobs=self.n_jobs)
            with np.errstate(over="ignore"):
                K = K.astype(dtype, copy=False)
            if not np.isfinite(K).all():
                raise not_finite(self.metric)
            yield rows, K @ basis

    def times(self, X: Any, coefficients: Matrix) -> Matrix:
        """F c, (n, p), for the features F of the rows: a sum over landmarks, in float64."""
        return kernel_sum(self.metric, X, self.rows, self.basis @ coefficients, n_jobs=self.n_jobs)

    def transposed_times(self, X: Any, columns: Matrix) -> Matrix:
        """F' v, (r, p)."""
        return self.basis.T @ kernel_sum(self.metric, self.rows, X, columns, n_jobs=self.n_jobs)


def choose_landmarks(
    metric: Metric, X: Any, count: int, random: np.random.RandomState, *, floor: float, n_jobs: int | None
) -> Landmarks:
    """So many rows of X, drawn by ``random``; eigenvalues below ``floor`` of the largest are left out."""
    indices = np.sort(random.choice(X.shape[0], min(count, X.shape[0]), replace=False))
    rows = np.concatenate([block for _, block in dense_blocks(X[indices])])
    Z = gram_matrix(metric, rows, n_jobs=n_jobs)
    if not np.isfinite(Z).all():
        raise not_finite(metric)
    if not Z.any():  # all rows at the origin of the space: their one feature is 0
        return Landmarks(metric, rows, np.zeros((len(rows), 1)), indices, n_jobs)
    values, vectors = np.linalg.eigh((Z + Z.T) / 2)
    kept = values > floor * float(np.abs(values).max())
    if not kept.any():
        raise InputError(
            f"{metric.name} is no kernel on these rows: the Gram matrix of {len(rows)} of them has no positive "
            "eigenvalue; see positive_semidefinite(metric, X)"
        )
    return Landmarks(metric, rows, vectors[:, kept] / np.sqrt(values[kept]), indices, n_jobs)
