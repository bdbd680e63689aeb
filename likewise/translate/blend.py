"""Several spaces as one: each pair of rows is as alike as it is in all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from likewise.errors import InputError
from likewise.translate.rows import Rows, beside, read_rows, same_number, scaled, unit


def blend(*spaces: Any, weights: Sequence[float] | None = None) -> Rows:
    """The same rows in several spaces, side by side, so that their cosine is a weighted mean of the cosines in each.

    Row i is (sqrt(w_1) u_i, sqrt(w_2) v_i, ...), u and v being of unit length and the weights of sum 1, so that
    dot products are w_1 cos(u_i, u_j) + w_2 cos(v_i, v_j) + ... . It stays one vector space, for every search there is.

    Parameters
    ----------
    *spaces : array_like or SciPy sparse, of shape (n, d1), (n, d2), ...
        Sparse, all together, where any is.
    weights : sequence of float, optional
        One a space, not negative; only their ratios count. Default: all the same.

    Returns
    -------
    ndarray or csr_array of shape (n, d1 + d2 + ...)
        Rows of unit length; shorter where a row is zero in some space, which then says nothing of it.

    Examples
    --------
    >>> blend([[3.0, 0.0]], [[0.0, 5.0]], weights=[9, 16])
    array([[0.6, 0. , 0. , 0.8]])
    """
    if not spaces:
        raise InputError("there is no space to blend; give rows of at least one")
    parts = [read_rows(rows, f"space {number}") for number, rows in enumerate(spaces, 1)]
    for number, rows in enumerate(parts[1:], 2):
        same_number(parts[0], rows, "space 1", f"space {number}")
    shares = np.ones(len(parts)) if weights is None else np.asarray(weights, np.float64)
    if shares.shape != (len(parts),) or not (np.isfinite(shares).all() and (shares >= 0).all() and shares.sum() > 0):
        raise InputError(f"weights={weights!r}; {len(parts)} numbers of at least 0 are wanted, one for each space")
    roots = np.sqrt(shares / shares.sum())
    return beside(*(scaled(unit(rows), np.full(rows.shape[0], root)) for rows, root in zip(parts, roots, strict=True)))
