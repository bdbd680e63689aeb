"""Rows that repeat earlier ones: found by a hash of each, and then compared."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 1 << 23  # bytes hashed at a time


def first_equals(rows: NDArray[Any]) -> NDArray[np.int64]:
    """For each row the number of the first that equals it in every number; its own, if none before does.

    Parameters
    ----------
    rows : ndarray of shape (n, d)
        Of any type; -0.0 equals 0.0, and rows with NaN equal none.

    Returns
    -------
    ndarray of int64, of shape (n,)

    Examples
    --------
    >>> first_equals(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, -0.0]]))
    array([0, 1, 0])
    """
    codes = _hashes(rows)
    order = np.argsort(codes, kind="stable")
    ranked = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    first = order[np.repeat(starts, np.diff([*starts, len(order)]))]
    found = np.empty(len(rows), np.int64)
    found[order] = first
    doubtful = np.flatnonzero(found != np.arange(len(rows)))
    step = max(1, _BLOCK // max(rows.shape[1] * rows.itemsize, 1))
    unequal = [
        part[(rows[part] != rows[found[part]]).any(axis=1)]
        for part in (doubtful[i : i + step] for i in range(0, len(doubtful), step))
    ]
    for number in np.concatenate([np.empty(0, np.int64), *unequal]):  # NaN, or one chance in 2^64 a pair
        mates = np.flatnonzero(codes[:number] == codes[number])
        same = mates[(rows[mates] == rows[number]).all(axis=1)]
        found[number] = same[0] if len(same) else number
    return found


def _hashes(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """64 bits a row: words stirred (the steps of Steele et al.'s SplitMix64), weighed by place, and summed mod 2^64."""
    n, d = rows.shape
    wide = -(-d * rows.itemsize // 8)
    weights = np.random.default_rng(0).integers(0, 1 << 64, wide, dtype=np.uint64) | np.uint64(1)
    codes = np.empty(n, np.uint64)
    step = max(1, _BLOCK // (8 * wide))
    for first in range(0, n, step):
        block = rows[first : first + step]
        if block.dtype.kind == "f":
            block = block + block.dtype.type(0)  # -0.0 becomes 0.0
        padded = np.zeros((len(block), 8 * wide), np.uint8)
        padded[:, : d * rows.itemsize] = np.ascontiguousarray(block).view(np.uint8).reshape(len(block), -1)
        words = padded.view(np.uint64)
        words ^= words >> np.uint64(30)
        words *= np.uint64(0xBF58476D1CE4E5B9)
        words ^= words >> np.uint64(27)
        words *= weights
        words ^= words >> np.uint64(31)
        codes[first : first + step] = words.sum(axis=1, dtype=np.uint64)
    return codes
