"""Batches of pairs for training: sums over coordinates, and the sums of slopes that carry a gradient back.

Not verbs: no checks, no exactness in float64, one dtype throughout. ``likewise.nn`` calls them between torch's own
operations, where a microsecond counts.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from likewise.formula.derive import derivative
from likewise.formula.expr import Expr, X, Y

_EXCHANGED = {X: Y, Y: X}


def pair_sums(term: Expr, x: NDArray[Any], y: NDArray[Any], threads: int) -> NDArray[Any]:
    """Sum over t of term(x[b, i, t], y[b, j, t]).

    Parameters
    ----------
    term : Expr
        Of X, Y and constants.
    x : ndarray of shape (B, n, d), float32 or float64
    y : ndarray of shape (B, m, d), of the same dtype
    threads : int

    Returns
    -------
    ndarray of shape (B, n, m), a view
    """
    from likewise.backends.llvm import slopes

    return slopes.pair_sums(term, x, y, threads)


def pair_slopes(
    term: Expr, weights: NDArray[Any], x: NDArray[Any], y: NDArray[Any], side: str, threads: int
) -> NDArray[Any]:
    """The gradient of sum over i, j of weights[b, i, j] pair_sums[b, i, j], by the rows of one ``side``.

    Returns
    -------
    ndarray of the shape of x or of y
    """
    from likewise.backends.llvm import slopes

    if side == "x":
        return slopes.pulls(derivative(term, X), weights, x, y, threads)
    return slopes.pulls(derivative(term, Y).replace(_EXCHANGED), weights.swapaxes(1, 2), y, x, threads)
