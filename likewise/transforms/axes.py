"""Maps made of the principal axes of rows: whitened, turned, or without the largest.

With mean m and covariance V diag(l) V', l falling (a rotation about the origin takes the mean of x x' instead):

    Whiten      x -> diag(1 / sqrt(l)) V'(x - m)     Euclid of the results is Mahalanobis of the rows
    Rotate      x -> V' x                            all distances and products kept, most energy in the first numbers
    RemoveTop   x -> (1 - V V')(x - m)               without the mean and the largest directions

Sums are in float64, a block at a time; one d x d matrix is kept and decomposed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.transforms.base import Invertible, Transform, read_rank, read_share
from likewise.transforms.moments import axes, moments

Floats = NDArray[np.float64]


class Whiten(Invertible):
    """Axes of equal variance and no correlation: Euclid's distance afterwards is Mahalanobis's before (1936).

    Parameters
    ----------
    rank : int, optional
        How many axes are kept, the largest; default: all that have any variance. Directions without, such as a
        constant column's, are left out, as the pseudo-inverse of the covariance leaves them out.
    shrinkage : float from 0 to 1
        How far variances are drawn to their mean (Ledoit & Wolf 2004), so that small ones, which are mostly chance,
        are not blown up: (1 - s) l + s mean(l). 1 leaves only a rotation and a scale.

    Attributes
    ----------
    mean_ : ndarray of shape (d,)
    components_ : ndarray of shape (r, d)
        Principal axes, the largest first.
    variances_ : ndarray of shape (r,)
        Along these, shrunk.
    n_features_in_ : int

    Examples
    --------
    >>> import likewise as lw
    >>> rows = np.random.default_rng(0).standard_normal((500, 3)) * [1, 10, 100]
    >>> np.cov(lw.transforms.Whiten().fit_transform(rows).T).round(6) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """

    def __init__(self, rank: int | None = None, *, shrinkage: float = 0.0) -> None:
        self.rank = rank
        self.shrinkage = shrinkage

    def _fit(self, rows: NDArray[Any]) -> None:
        most = read_rank(self.rank, rows.shape[1])
        share = read_share(self.shrinkage, "shrinkage")
        found = moments(rows)
        values, vectors = axes(found.covariance())
        values = (1 - share) * values + share * values.mean()
        keep = min(most, _rank(values))
        if not keep:
            raise InputError("all rows of X are equal; there is no variance to whiten")
        if self.rank is not None and keep < most:
            raise InputError(f"rank={most}, and X varies in {keep} directions; take {keep} at most, or shrinkage=")
        if keep < most and _rank(_correlations(found.covariance())) > keep:
            raise InputError(
                "columns of X differ in scale so far that float64 does not hold the small ones' variances beside the "
                "large; divide each by its standard deviation first"
            )
        self.mean_ = np.ldexp(found.mean, found.exponent)
        self.components_ = np.ascontiguousarray(vectors[:, :keep].T)
        with np.errstate(over="ignore", under="ignore"):  # of rows near 1e200: infinite; what maps them is not
            self.variances_ = np.ldexp(values[:keep], 2 * found.exponent)
        self._exponent = found.exponent
        self._roots = np.sqrt(values[:keep])

    def _map(self, block: Floats) -> Floats:
        return np.asarray(np.ldexp(block - self.mean_, -self._exponent) @ self.components_.T / self._roots)

    def _unmap(self, block: Floats) -> Floats:
        return np.asarray(np.ldexp((block * self._roots) @ self.components_, self._exponent) + self.mean_)

    def _width(self) -> int:
        return len(self.components_)


def _rank(values: Floats) -> int:
    """How many eigenvalues are more than the rounding of the largest."""
    return int((values > values[0] * 10 * len(values) * np.finfo(np.float64).eps).sum())


def _correlations(covariance: Floats) -> Floats:
    """Eigenvalues of the correlation matrix, falling; columns of no variance are left out."""
    spread = np.sqrt(np.diag(covariance))
    vary = spread > 0
    kept = covariance[np.ix_(vary, vary)] / spread[vary] / spread[vary][:, None]
    return np.asarray(np.linalg.eigvalsh(kept)[::-1])


class Rotate(Invertible):
    """Principal axes for columns, the largest first: what the first numbers of a row leave out is as little as can be.

    All distances and inner products are kept, up to rounding, where all axes are; with ``rank`` the first are, which
    loses least of the energy (Pearson 1901). A mean is not taken away unless asked for: it would change products.

    Parameters
    ----------
    rank : int, optional
        How many axes; default: all d.
    center : bool
        Whether the mean is taken away: principal components as scikit-learn has them. Distances are kept, products are
        not.

    Attributes
    ----------
    components_ : ndarray of shape (r, d)
    energy_ : ndarray of shape (r,)
        The share of the rows' energy along each axis: of the mean of |x|^2, or of the variance with ``center``.
    mean_ : ndarray of shape (d,)
        Zeros without ``center``.
    n_features_in_ : int

    Examples
    --------
    >>> import likewise as lw
    >>> rows = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.1]])
    >>> turn = lw.transforms.Rotate().fit(rows)
    >>> np.allclose(lw.pairwise(rows, metric="dot"), lw.pairwise(turn.transform(rows), metric="dot"))
    True
    >>> turn.energy_.round(3)
    array([1., 0.])
    """

    def __init__(self, rank: int | None = None, *, center: bool = False) -> None:
        self.rank = rank
        self.center = center

    def _fit(self, rows: NDArray[Any]) -> None:
        keep = read_rank(self.rank, rows.shape[1])
        found = moments(rows)
        values, vectors = axes(found.covariance() if self.center else found.about_origin())
        self.mean_ = np.ldexp(found.mean, found.exponent) if self.center else np.zeros(rows.shape[1])
        self.components_ = np.ascontiguousarray(vectors[:, :keep].T)
        self.energy_ = values[:keep] / (values.sum() or 1.0)

    def _map(self, block: Floats) -> Floats:
        return np.asarray((block - self.mean_) @ self.components_.T)

    def _unmap(self, block: Floats) -> Floats:
        return np.asarray(block @ self.components_ + self.mean_)

    def _width(self) -> int:
        return len(self.components_)


class RemoveTop(Transform):
    """Without the mean and the largest directions: "all but the top" (Mu & Viswanath 2018).

    For rows that all point much the same way, so that every cosine is near 1. What is taken away is lost; whether that
    was noise, :func:`likewise.geometry.top_directions` helps to judge.

    Parameters
    ----------
    directions : int
        How many; 0 takes the mean alone. The paper takes d / 100.

    Attributes
    ----------
    mean_ : ndarray of shape (d,)
    components_ : ndarray of shape (directions, d)
        What is removed.
    n_features_in_ : int

    Examples
    --------
    >>> import likewise as lw
    >>> rows = np.random.default_rng(0).standard_normal((500, 8)) + 10
    >>> float(lw.pairwise(rows, metric="cosine").mean().round(2))
    0.99
    >>> abs(float(lw.pairwise(lw.transforms.RemoveTop().fit_transform(rows), metric="cosine").mean().round(2)))
    0.0
    """

    def __init__(self, directions: int = 1) -> None:
        self.directions = directions

    def _fit(self, rows: NDArray[Any]) -> None:
        d = rows.shape[1]
        count = read_rank(self.directions, d, "directions", 0)
        if count == d:
            raise InputError(f"directions={count}; rows have {d} dimensions, and nothing would be left: take {d - 1}")
        found = moments(rows)
        _, vectors = axes(found.covariance())
        self.mean_ = np.ldexp(found.mean, found.exponent)
        self.components_ = np.ascontiguousarray(vectors[:, :count].T)

    def _map(self, block: Floats) -> Floats:
        block = block - self.mean_
        return np.asarray(block - (block @ self.components_.T) @ self.components_)
