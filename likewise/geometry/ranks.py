"""Ranks, and how far two orders agree (Spearman 1904)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.geometry.estimate import Floats


def ranks(values: NDArray[Any]) -> Floats:
    """Of each number among all, from 0; equal ones share the mean of theirs.

    Examples
    --------
    >>> ranks(np.array([3.0, 1.0, 3.0]))
    array([1.5, 0. , 1.5])
    """
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[inverse.reshape(-1)])


def spearman(x: NDArray[Any], y: NDArray[Any]) -> float:
    """The correlation of ranks, -1 to 1; 0 where either is the same throughout.

    Examples
    --------
    >>> spearman(np.array([1.0, 2.0, 30.0]), np.array([0.1, 5.0, 6.0]))
    1.0
    """
    a, b = (ranks(v) - (len(v) - 1) / 2 for v in (x, y))
    size = float(np.sqrt((a @ a) * (b @ b)))
    return float(np.clip(a @ b / size, -1, 1)) if size else 0.0
