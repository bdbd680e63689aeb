"""The best of sparse rows, a chunk of queries at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.reductions import TopK

_CELLS = 8_000_000  # scores held at a time


def nearest_sparse(queries: Any, rows: Any, k: int, *, where: NDArray[np.bool_] | None = None, **options: Any) -> TopK:
    """The k rows of the largest dot product with each query; ties to the lowest index."""
    n, m = queries.shape[0], rows.shape[0]
    values, indices = np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
    turned = rows.T.tocsc() if False else rows.T
    step = max(1, _CELLS // max(m, 1))
    for first in range(0, n, step):
        scores = np.asarray((queries[first : first + step] @ turned).todense())
        if where is not None:
            scores = np.where(where, scores, -np.inf)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, order, 1)
        good = best > -np.inf
        values[first : first + step, : order.shape[1]] = np.where(good, best, np.nan)
        indices[first : first + step, : order.shape[1]] = np.where(good, order, -1)
    return TopK(values, indices)
