"""Coordinates in few bits, as a vector database stores them, and what these bits say: the rows decoded again.

    1        x > mean of the column; searched as bits
    2, 4, 8  2^b levels, evenly spaced from lo to hi of each column: code = round((x - lo) / step), clipped,
             decoded lo + step code, step = (hi - lo) / (2^b - 1)
    16       IEEE half precision of the column matrix, times a power of two that brings the largest near 2^15
    32       IEEE single precision

lo and hi are, column by column, those of a few quantiles q and 1 - q whose squared error is least on drawn rows: with
four levels a Gaussian column is best coded from -1.5 to 1.5 standard deviations (Max 1960), a column of pixels from end
to end. Whole numbers that fit the levels are coded as they are. Ranges belong to the columns, not to the rows: a row
takes d b / 8 bytes and nothing else.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.bits import Bits

Single = NDArray[np.float32]

#: Bits of a coordinate that there are codes for.
BITS = (1, 2, 4, 8, 16, 32)
_TAILS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15)  # shares cut off at either end, besides none
_DRAWN = 2048  # rows that choose among them: the third digit of a quantile
_BLOCK = 1 << 20  # numbers coded together: 4 MB


class Quantiser:
    """Codes of some number of bits for the columns of rows (n, d) in float32.

    Parameters
    ----------
    rows : ndarray of shape (n, d), float32
        What it is fitted to.
    bits : int
        One of :data:`BITS`.
    """

    def __init__(self, rows: Single, bits: int) -> None:
        self.bits = bits
        self.threshold: Single | None = None
        self._scale = np.float32(1)
        if bits == 1:
            self.threshold = _means(rows)
        elif bits == 16:
            largest = max(float(rows.max(initial=0)), -float(rows.min(initial=0)))
            self._scale = np.float32(np.ldexp(1.0, 15 - int(np.frexp(largest)[1])) if largest > 0 else 1)
        elif bits < 16:
            self.low, self.step = _ranges(rows, 2**bits - 1)

    def decoded(self, rows: Single, threads: int = 1) -> Single:
        """What the codes of these rows say, in float32; the rows themselves for 32 bits."""
        if self.bits == 32:
            return rows
        from likewise.backends.llvm import pool

        out = np.empty(rows.shape, np.float32)
        code = self._in_half if self.bits == 16 else self._in_levels
        pool.run([partial(code, rows[part], out[part]) for part in _blocks(rows)], threads)
        return out

    def _in_half(self, rows: Single, out: Single) -> None:
        np.multiply(rows, self._scale, out=out)
        np.divide(out.astype(np.float16), self._scale, out=out)

    def _in_levels(self, rows: Single, out: Single) -> None:
        np.subtract(rows, self.low, out=out)
        out /= np.where(self.step > 0, self.step, np.float32(1))
        np.rint(out, out=out)
        np.clip(out, 0, np.float32(2**self.bits - 1), out=out)
        out *= self.step
        out += self.low

    def packed(self, rows: Single) -> Bits:
        """The rows as bits: whether each coordinate is above its column's mean."""
        assert self.threshold is not None  # of one bit
        packed = np.empty((len(rows), -(-rows.shape[1] // 8)), np.uint8)
        for part in _blocks(rows):
            packed[part] = np.packbits(rows[part] > self.threshold, axis=1)
        return Bits(packed, d=rows.shape[1])


def leading(bits: Bits, d: int) -> Bits:
    """The first d bits of rows of bits."""
    return Bits(np.ascontiguousarray(bits.array[:, : -(-d // 8)]), d=d)


def _blocks(rows: NDArray[Any]) -> list[slice]:
    step = max(1, _BLOCK // rows.shape[1])
    return [slice(first, first + step) for first in range(0, len(rows), step)]


def _means(rows: Single) -> Single:
    """Of columns, summed in float64."""
    total = np.zeros(rows.shape[1])
    for part in _blocks(rows):
        total += rows[part].sum(axis=0, dtype=np.float64)
    return np.asarray(total / max(len(rows), 1), np.float32)


def _ranges(rows: Single, levels: int) -> tuple[Single, Single]:
    """lo and step of each column: of the ranges tried, the one of least squared error."""
    least, largest = rows.min(axis=0), rows.max(axis=0)
    drawn = np.sort(rows[:: max(1, -(-len(rows) // _DRAWN))], axis=0)
    tried = [(least, largest - least)]
    # whole numbers from least to least + levels, one a level
    tried.append((least, np.where(largest - least <= levels, np.float32(levels), largest - least)))
    for tail in _TAILS:
        cut = int(tail * len(drawn))
        tried.append((drawn[cut], drawn[-1 - cut] - drawn[cut]))
    low, step = least, np.zeros_like(least)
    smallest = np.full(rows.shape[1], np.inf)
    for start, width in tried:
        each = width / np.float32(levels)
        codes = np.clip(np.rint((drawn - start) / np.where(each > 0, each, np.float32(1))), 0, np.float32(levels))
        error = np.square(codes * each + start - drawn).sum(axis=0, dtype=np.float64)
        better = error < smallest
        low, step = np.where(better, start, low), np.where(better, each, step)
        smallest = np.where(better, error, smallest)
    return low, step
