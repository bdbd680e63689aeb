"""Mean and covariance of many rows, in float64 and a block at a time.

    c = mean of the first block,    s = sum (x - c),    S = sum (x - c)(x - c)'

    mean = c + s / n,    scatter = S - s s' / n

c is close enough to the mean that little is lost in the difference: a part of the scatter itself, not of the squares of
a mean far from zero. Rows are scaled by a power of two first, so that no square overflows or vanishes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
BLOCK = 1 << 21  # numbers turned into float64 at a time: 16 MB


class Moments(NamedTuple):
    """Of ``n`` rows over 2^``exponent``: ``mean`` (d,), and ``scatter`` (d, d), the sum of (x - mean)(x - mean)'."""

    n: int
    mean: Floats
    scatter: Floats
    exponent: int

    def covariance(self) -> Floats:
        """With n - 1 below, in the scaled units."""
        return self.scatter / max(self.n - 1, 1)

    def about_origin(self) -> Floats:
        """The mean of x x', in the scaled units."""
        return self.scatter / max(self.n, 1) + np.outer(self.mean, self.mean)


def blocks(rows: NDArray[Any], numbers: Numbers | None = None) -> Iterator[Floats]:
    """Rows in float64, some 16 MB at a time; only these, where numbers are given."""
    step = max(1, BLOCK // rows.shape[1])
    for first in range(0, len(rows) if numbers is None else len(numbers), step):
        part = rows[first : first + step] if numbers is None else rows[numbers[first : first + step]]
        yield part.astype(np.float64)


def exponent_of(rows: NDArray[Any], numbers: Numbers | None = None) -> int:
    """The power of two just above the largest number."""
    largest = 0.0
    for block in blocks(rows, numbers):
        largest = max(largest, float(block.max()), -float(block.min()))
    return int(np.frexp(largest)[1])


def moments(rows: NDArray[Any], numbers: Numbers | None = None, *, exponent: int | None = None) -> Moments:
    """Mean and scatter of rows (n, d), or of those with these numbers.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Finite numbers of any type.
    numbers : ndarray of int64, optional
    exponent : int, optional
        Of the scale; default: :func:`exponent_of` the rows.

    Examples
    --------
    >>> found = moments(np.array([[1.0, 2.0], [3.0, 2.0]]), exponent=0)
    >>> found.mean, found.scatter
    (array([2., 2.]), array([[2., 0.], [0., 0.]]))
    """
    exponent = exponent_of(rows, numbers) if exponent is None else exponent
    d = rows.shape[1]
    centre: Floats | None = None
    n, total, squares = 0, np.zeros(d), np.zeros((d, d))
    for block in blocks(rows, numbers):
        np.ldexp(block, -exponent, out=block)
        if centre is None:
            centre = block.mean(axis=0)
        block -= centre
        n += len(block)
        total += block.sum(axis=0)
        squares += block.T @ block
    if centre is None or not n:
        return Moments(0, np.zeros(d), squares, exponent)
    return Moments(n, centre + total / n, squares - np.outer(total, total / n), exponent)


def merged(parts: Sequence[Moments]) -> Moments:
    """Of the rows of several parts of one exponent together (Chan, Golub & LeVeque 1983)."""
    n = sum(part.n for part in parts)
    mean = sum((part.n * part.mean for part in parts), np.zeros_like(parts[0].mean)) / max(n, 1)
    scatter = np.zeros_like(parts[0].scatter)
    for part in parts:
        scatter += part.scatter
        scatter += part.n * np.outer(part.mean - mean, part.mean - mean)
    return Moments(n, mean, scatter, parts[0].exponent)


def axes(symmetric: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues, falling and not negative, and their vectors in columns, the largest entry of each positive."""
    values, vectors = np.linalg.eigh(symmetric)
    values, vectors = np.maximum(values[::-1], 0.0), vectors[:, ::-1]
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(values))])
    return values, np.ascontiguousarray(vectors * signs)
