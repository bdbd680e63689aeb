"""A bit a number: which side of a threshold it is on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.bits import Bits
from likewise.errors import InputError
from likewise.transforms.base import Transform, read_number

_COLUMNS = 1 << 22  # numbers of columns whose medians are taken at a time: 32 MB


class Binarize(Transform):
    """Rows as bits, 1 where a number is above its column's threshold: a sixty-fourth of the memory of float64.

    Hamming distances of signs follow angles: two rows at angle a differ in a share a / pi of the bits if the directions
    are drawn evenly (Goemans & Williamson 1995; Charikar 2002). So rotate at random first where some columns matter
    more: ``RandomProjection``, then this.

    Parameters
    ----------
    threshold : {"zero", "median"} or float
        The same for all columns, or each column's median, so that half of its bits are 1.
    bits : bool
        True gives packed :class:`likewise.Bits`, which the verbs count; False an array of booleans.

    Attributes
    ----------
    thresholds_ : ndarray of shape (d,)
    n_features_in_ : int

    Examples
    --------
    >>> import likewise as lw
    >>> made = lw.transforms.Binarize("median").fit_transform([[1.0, 8.0], [2.0, 9.0], [3.0, 7.0]])
    >>> made, made.unpack().astype(int).tolist()
    (<bits: 3 x 2>, [[0, 0], [0, 1], [1, 0]])
    """

    def __init__(self, threshold: str | float = "zero", *, bits: bool = True) -> None:
        self.threshold = threshold
        self.bits = bits

    def _fit(self, rows: NDArray[Any]) -> None:
        d = rows.shape[1]
        if isinstance(self.threshold, str):
            if self.threshold not in ("zero", "median"):
                raise InputError(f"threshold={self.threshold!r} is not known; it is 'zero', 'median' or a number")
            self.thresholds_ = _medians(rows) if self.threshold == "median" else np.zeros(d)
        else:
            self.thresholds_ = np.full(d, read_number(self.threshold, "threshold"))

    def transform(self, X: Any) -> Any:
        """Rows (n, d) as bits: :class:`likewise.Bits`, or booleans (a torch tensor's as a torch tensor)."""
        batch = self._fitted(X, self._d(), "were fitted")
        if not self.bits:
            return self._given(self._mapped(batch, self._map, batch.d, np.bool_), batch)
        packed = self._mapped(batch, lambda block: np.packbits(self._map(block), axis=-1), -(-batch.d // 8), np.uint8)
        return Bits(packed[0] if batch.vector else packed, d=batch.d)

    def _map(self, block: NDArray[np.float64]) -> NDArray[Any]:
        return np.asarray(block > self.thresholds_)


def _medians(rows: NDArray[Any]) -> NDArray[np.float64]:
    """Of each column, some columns at a time."""
    step = max(1, _COLUMNS // len(rows))
    parts = [np.median(rows[:, i : i + step].astype(np.float64), axis=0) for i in range(0, rows.shape[1], step)]
    return np.concatenate(parts)
