"""Rows of packed bits: fingerprints and binary codes, eight coordinates a byte."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likewise.errors import DtypeError, InputError, ShapeError


class Bits:
    """Rows of zeros and ones, eight coordinates a byte, to be passed wherever rows are wanted.

    Searches, ``pairwise`` and ``paired`` count bits, a word at a time, where that settles the metric: hamming, jaccard,
    dot, cosine, euclidean, or a formula of your own whose terms are whole numbers at 0 and 1. All else sees booleans,
    unpacked: ``weighted_sum``, ``attend``, ``contributions``, and searches by other metrics, a slab at a time.

    Parameters
    ----------
    array : array_like of uint8, of shape (..., n, ceil(d / 8)), or (ceil(d / 8),) for one row
        As ``np.packbits(rows, axis=-1)`` makes it. Bits past ``d`` are ignored, whatever they are.
    d : int, optional
        Coordinates of a row. Default: 8 for each byte.
    bitorder : {"big", "little"}
        Which end of a byte comes first, as in ``np.packbits``.

    Raises
    ------
    DtypeError, ShapeError, InputError
        For an element type other than uint8, a last axis that does not hold d bits, an unknown bit order.

    Examples
    --------
    >>> import numpy as np, likewise as lw
    >>> rows = np.array([[1, 0, 1, 0, 1, 0, 1, 0, 1, 1], [1, 1, 1, 0, 1, 0, 1, 0, 1, 1]], bool)
    >>> packed = lw.Bits(np.packbits(rows, axis=-1), d=10)
    >>> packed.shape
    (2, 10)
    >>> lw.topk(packed, packed, 2, metric="hamming").values
    array([[0. , 0.1],
           [0. , 0.1]])
    """

    def __init__(self, array: ArrayLike, d: int | None = None, *, bitorder: str = "big") -> None:
        bytes_: NDArray[Any] = np.asarray(array)
        if bytes_.dtype != np.uint8:
            raise DtypeError(
                f"Bits takes bytes (uint8), as np.packbits(rows, axis=-1) makes them; found {bytes_.dtype}. "
                "Booleans and numbers need no wrapper: pass them as they are"
            )
        if bytes_.ndim == 0:
            raise ShapeError("Bits takes an array of shape (n, ceil(d / 8)); found a single byte")
        if bitorder not in ("big", "little"):
            raise InputError(f"bitorder={bitorder!r} is not known; it is 'big' or 'little', as in np.packbits")
        held = 8 * bytes_.shape[-1]
        if d is None:
            d = held
        try:
            count = operator.index(d)
        except TypeError:
            raise InputError(f"d={d!r} is not a whole number; it is how many bits a row has") from None
        if isinstance(d, (bool, np.bool_)) or count < 1 or -(-count // 8) * 8 != held:
            least = max(held - 7, 1)
            hint = f"rows of {bytes_.shape[-1]} bytes hold d = {least} to {held} bits" if held else "rows have no bytes"
            raise ShapeError(f"d={d!r} does not fit an array of shape {bytes_.shape}: {hint}")
        self.array: NDArray[np.uint8] = bytes_
        self.d = count
        self.bitorder = bitorder

    @property
    def shape(self) -> tuple[int, ...]:
        """(..., n, d): that of the rows, unpacked."""
        return (*self.array.shape[:-1], self.d)

    def unpack(self) -> NDArray[np.bool_]:
        """The rows as booleans, (..., n, d)."""
        order: Any = self.bitorder
        return np.unpackbits(self.array, axis=-1, count=self.d, bitorder=order).view(np.bool_)

    def __len__(self) -> int:
        return int(self.array.shape[0])

    def __repr__(self) -> str:
        return f"<bits: {' x '.join(f'{s:,}' for s in self.shape)}>"
