"""Truncated singular value decomposition, rows ~ u diag(s) v', of dense and of sparse matrices.

In full by LAPACK where the matrix is small. Else by subspace iteration from a random start (Halko, Martinsson & Tropp
2011, algorithm 4.4): with A (n, d) and a few columns q more than are wanted,

    y = A q;      twice:  q = orth(A' orth(y)),  y = A q;      then  A ~ u diag(s) v'  of  b = orth(y),  A' b

Where there are n = 29,000 texts of d = 35,000 terms and 516 columns, the products with A take 0.6 s each and LAPACK's
QR of such tall matrices 7 s and 22 s. So bases come from a short matrix, summed in float64:

    y' y = l l'  (Cholesky)      =>      orth(y) = y inv(l)'

which halves the digits: enough to keep an iteration going, and done twice a basis to the last digit (CholeskyQR2,
Yamamoto et al. 2015). Two rounds leave the largest singular values to six digits and the 500th 4% too small; what is
made of them, translations found among a thousand captions, is the same after two, three and four.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
_MORE = 16  # columns beyond those that are wanted
_ROUNDS = 2
_SMALL = 1 << 25  # numbers in a matrix that LAPACK may have in full: 256 MB
_BLOCK = 8192  # rows of which inner products are taken at a time, in float64


class SVD(NamedTuple):
    """rows ~ u diag(s) v': ``u`` (n, r), ``s`` (r,) falling, ``v`` (d, r)."""

    u: Floats
    s: NDArray[np.float64]
    v: Floats


def truncated_svd(rows: Any, rank: int, seed: int = 0, *, dtype: type[np.floating[Any]] = np.float64) -> SVD:
    """The largest singular values of a matrix, and their vectors.

    Parameters
    ----------
    rows : ndarray or SciPy sparse matrix of shape (n, d)
    rank : int
        How many; fewer are given where the matrix has no more, those below rounding left out.
    seed : int
        Of the random start.
    dtype : float64 or float32
        Of the iteration over a large matrix: float32 takes half the time and memory, 4 (n + d) (rank + 16) bytes some
        three times, and gives five digits.

    Returns
    -------
    SVD
        Each axis turned so that the largest entry of ``v`` is positive: signs are arbitrary.

    Examples
    --------
    >>> u, s, v = truncated_svd(np.array([[3.0, 0.0], [0.0, 2.0], [0.0, 0.0]]), 1)
    >>> s, v.T
    (array([3.]), array([[1., 0.]]))
    """
    n, d = rows.shape
    rank = min(rank, n, d)
    if min(n, d) <= max(2 * rank, 512) and n * d <= _SMALL:
        u, s, vt = np.linalg.svd(
            (rows if isinstance(rows, np.ndarray) else rows.toarray()).astype(np.float64, copy=False),
            full_matrices=False,
        )
        return _cut(u, s, vt.T, rank)
    return _iterated(rows, rank, seed, dtype)


def _iterated(rows: Any, rank: int, seed: int, dtype: type[np.floating[Any]]) -> SVD:
    """By subspace iteration; singular values below some 1e-6 of the largest are left out."""
    n, d = rows.shape
    data = rows if isinstance(rows, np.ndarray) else rows.data
    # by a power of two first, so that no square overflows or vanishes
    exponent = int(np.frexp(max(data.max(initial=0.0), -data.min(initial=0.0)))[1])
    rows = (rows * np.ldexp(1.0, -exponent)).astype(dtype, copy=False)
    across = rows.T if isinstance(rows, np.ndarray) else rows.T.tocsr()
    y = rows @ np.random.default_rng(seed).standard_normal((d, min(rank + _MORE, n, d))).astype(dtype, copy=False)
    for _ in range(_ROUNDS):
        y = rows @ _basis(across @ _basis(y))
    left = _basis(_basis(y))
    right = across @ left  # rows ~ left right'
    values, turn = _axes(_squares(right), max(n, d))
    s, turn = np.sqrt(values), turn.astype(dtype)
    return _cut(left @ turn, s, (right @ turn) / s.astype(dtype), rank, exponent)


def _basis(y: Floats) -> Floats:
    """Orthonormal columns that span those of ``y``, but for directions that are lost in rounding."""
    squares = _squares(y)
    try:
        factor = np.linalg.cholesky(squares)
    except np.linalg.LinAlgError:  # dependent columns
        values, turn = _axes(squares, len(y))
        return y @ (turn / np.sqrt(values)).astype(y.dtype)
    return y @ np.linalg.inv(factor).T.astype(y.dtype)


def _squares(y: Floats) -> NDArray[np.float64]:
    """y' y in float64."""
    total = np.zeros((y.shape[1], y.shape[1]))
    for first in range(0, len(y), _BLOCK):
        block = y[first : first + _BLOCK].astype(np.float64, copy=False)
        total += block.T @ block
    return total


def _axes(squares: NDArray[np.float64], n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues of y' y, falling, with their vectors: squares of y's singular values; none that are but rounding."""
    values, turn = np.linalg.eigh(squares)
    keep = int((values > values[-1:] * n * np.finfo(np.float64).eps).sum())
    return values[::-1][:keep], turn[:, ::-1][:, :keep]


def _cut(u: Floats, s: NDArray[np.float64], v: Floats, rank: int, exponent: int = 0) -> SVD:
    """The first axes that are not zero, their signs settled."""
    keep = min(rank, int((s > s[:1] * max(len(u), len(v)) * np.finfo(np.float64).eps).sum()))
    u, s, v = u[:, :keep], np.ldexp(s[:keep], exponent), v[:, :keep]
    signs = np.sign(v[np.abs(v).argmax(axis=0), np.arange(keep)]) if len(v) else np.ones(0, v.dtype)
    return SVD(np.ascontiguousarray(u * signs), s, np.ascontiguousarray(v * signs))
