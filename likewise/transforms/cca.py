"""Directions that two sets of rows have in common: canonical correlations (Hotelling 1936) with a ridge (Vinod 1976).

Row i of X belongs with row i of Y. Both are cut to their largest directions, X ~ U_x diag(s_x) V_x' and Y alike, and

    maximise  corr(X a, Y b)      =>      D_x U_x' U_y D_y = P diag(c) Q'   (SVD),  D = s / sqrt(s^2 + ridge)

    x -> x V_x diag(D_x / s_x) P diag(c^power)          y -> y V_y diag(D_y / s_y) Q diag(c^power)

c are the canonical correlations. ``ridge`` keeps directions in which few rows vary from correlating by chance, and
``power`` > 0 makes directions count that both sides agree on, as in Artetxe et al. 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likewise.transforms.svd import SVD

Floats = NDArray[np.float64]


def canonical(x: SVD, y: SVD, ridges: tuple[float, float], power: float) -> tuple[Floats, Floats, Floats]:
    """Maps of two spaces into one, from the decompositions of rows that are pairs.

    Parameters
    ----------
    x, y : SVD
        Of matrices (n, d1) and (n, d2), of ranks r1 and r2.
    ridges : (float, float)
        What is added to the squares of either side's singular values.
    power : float
        Of its correlation by which an axis counts.

    Returns
    -------
    x_map : ndarray of shape (d1, r)
    y_map : ndarray of shape (d2, r)
        r is the smaller of r1 and r2.
    correlations : ndarray of shape (r,), falling

    Examples
    --------
    >>> from likewise.transforms import truncated_svd
    >>> x = np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    >>> x_map, y_map, c = canonical(truncated_svd(x, 2), truncated_svd(2 * x, 2), (0.0, 0.0), 1.0)
    >>> c.round(9), bool(np.allclose(x @ x_map, 2 * x @ y_map))
    (array([1., 1.]), True)
    """
    x_root, y_root = (np.sqrt(side.s**2 + ridge) for side, ridge in zip((x, y), ridges, strict=True))
    p, c, qt = np.linalg.svd((x.u * (x.s / x_root)).T @ (y.u * (y.s / y_root)), full_matrices=False)
    weight = c**power
    return np.asarray((x.v / x_root) @ (p * weight)), np.asarray((y.v / y_root) @ (qt.T * weight)), c
