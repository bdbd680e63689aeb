"""A support vector machine to the last digits, from one that is right to three.

With the coefficients a_i (of sign y_i) of a solution given, its rows are of three kinds: at a_i = 0 the margin y_i f_i
is at least 1, at a_i = C_i at most 1, between them 1. Once the kinds are known, those between and the bias solve

    K_FF c_F + b = y_F - K_FB c_B,    sum c = 0,    c = y a,

and the machine is exact. Rows that this contradicts change their kind, and it is solved again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

Vector = NDArray[np.float64]
_ROUNDS = 30
#: What a margin or a coefficient may be off by, of 1 or of C: far above rounding, far below what libsvm leaves.
_ROUNDING = 1e-9


def polish(K: Vector, y: Vector, cost: Vector, c: Vector, b: float) -> tuple[Vector, float]:
    """(c, b) as exactly as float64 has them; as given, where the kinds of the rows do not settle.

    Parameters
    ----------
    K : ndarray of shape (n, n)
    y : ndarray of shape (n,)
        1 and -1.
    cost : ndarray of shape (n,)
        C_i.
    c, b
        y_i a_i, and the bias.
    """
    a = y * c
    free, bound = (a > 0) & (a < cost * (1 - 1e-12)), a >= cost * (1 - 1e-12)
    for _ in range(_ROUNDS):
        if not free.any():
            break
        new = np.where(bound, y * cost, 0.0)
        solved = _between(K, y, free, new)
        new[free], bias = solved[:-1], float(solved[-1])
        a = y * new
        low, high = free & (a < -_ROUNDING * cost), free & (a > cost * (1 + _ROUNDING))
        if low.any() or high.any():
            free = free & ~low & ~high
            bound = bound | high
            continue
        used = new != 0
        margin = y * (K[:, used] @ new[used] + bias)
        short, long = ~free & ~bound & (margin < 1 - _ROUNDING), bound & (margin > 1 + _ROUNDING)
        if not (short.any() or long.any()):
            return np.clip(a, 0, cost) * y, bias
        free = free | short | long
        bound = bound & ~long
    return c, b


def _between(K: Vector, y: Vector, free: NDArray[np.bool_], fixed: Vector) -> Vector:
    """Coefficients of the rows between, and the bias; the shortest where rows repeat."""
    used = fixed != 0
    count = int(free.sum())
    matrix = np.ones((count + 1, count + 1))
    matrix[:-1, :-1] = K[np.ix_(free, free)]
    matrix[-1, -1] = 0
    right = np.append(y[free] - K[np.ix_(free, used)] @ fixed[used], -fixed.sum())
    return np.asarray(lstsq(matrix, right, lapack_driver="gelsy", cond=1e-13)[0])
