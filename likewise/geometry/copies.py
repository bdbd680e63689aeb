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
    codes = _codes(rows)
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


def _codes(rows: NDArray[Any]) -> NDArray[np.uint64]:
    """The hash of each row, a block at a time."""
    odd = multipliers(-(-rows.shape[1] * rows.itemsize // 8))
    codes = np.empty(len(rows), np.uint64)
    step = max(1, _BLOCK // max(rows.shape[1] * rows.itemsize, 1))
    for first in range(0, len(rows), step):
        block = rows[first : first + step]
        if block.dtype.kind == "f":
            block = block + block.dtype.type(0)  # -0.0 becomes 0.0
        codes[first : first + step] = hashes(block, odd)
    return codes


def multipliers(words: int) -> NDArray[np.uint64]:
    """A random odd multiplier for each word of a row."""
    return np.random.default_rng(0x48A5).integers(0, 1 << 63, (2, words), np.uint64) * np.uint64(2) + np.uint64(1)


def hashes(block: NDArray[Any], odd: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits of each row's bytes.

    Each word is stirred with its place first: a plain sum of products would not see two signs flip, 2^63 (a + b) being
    0 modulo 2^64 for odd a and b.
    """
    raw = np.ascontiguousarray(block).view(np.uint8).reshape(len(block), block.shape[1] * block.itemsize)
    short = -raw.shape[1] % 8
    if short:
        raw = np.pad(raw, ((0, 0), (0, short)))
    words = raw.view(np.uint64) * odd[0]
    words ^= words >> np.uint64(32)
    words *= odd[1]
    total = words.sum(axis=1, dtype=np.uint64)
    return np.asarray(total ^ (total >> np.uint64(29)), np.uint64)
