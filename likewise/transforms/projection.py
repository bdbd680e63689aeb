"""Fewer numbers by chance: distances survive a random projection (Johnson & Lindenstrauss 1984)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.transforms.base import Invertible, read_number, read_rank

_STREAM = 0x1984  # apart from default_rng(seed), which may have drawn the rows
_KINDS = ("gaussian", "sparse", "sign", "orthogonal")
Floats = NDArray[np.float64]


def johnson_lindenstrauss(n: int, error: float = 0.1) -> int:
    """Dimensions in which all squared distances of n rows can be kept within ``error`` of themselves.

    4 ln n / (error^2 / 2 - error^3 / 3), whatever d is (Dasgupta & Gupta 2003): a promise for the worst pair of the
    worst rows; neighbours are often found with a tenth.

    Parameters
    ----------
    n : int
        Rows, 2 at least.
    error : float
        Between 0 and 1: 0.1 keeps squared distances within 10%.

    Examples
    --------
    >>> johnson_lindenstrauss(1_000_000, 0.1)
    11842
    """
    share = read_number(error, "error")
    if not 0 < share < 1:
        raise InputError(f"error={error!r}; a share between 0 and 1 is wanted")
    if isinstance(n, bool) or not hasattr(n, "__index__") or n < 2:
        raise InputError(f"n={n!r}; two rows at least are wanted")
    return math.ceil(4 * math.log(n) / (share**2 / 2 - share**3 / 3))


class RandomProjection(Invertible):
    """Rows times a random matrix: lengths, distances and products are kept on average, and nothing is learnt.

    With E[R R'] = 1 the squared length of x R has the mean |x|^2 and, for "gaussian", the standard deviation
    |x|^2 sqrt(2 / rank). :func:`johnson_lindenstrauss` says how many dimensions hold all distances of n rows.

    Parameters
    ----------
    rank : int
        Dimensions to be had, d at most.
    kind : {"gaussian", "sparse", "sign", "orthogonal"}
        Entries normal; or 0 with probability 2/3, else one of two; or one of two (Achlioptas 2003). Or orthogonal axes,
        drawn evenly: with ``rank`` d a rotation, which loses nothing.
    seed : int

    Attributes
    ----------
    components_ : ndarray of shape (rank, d)
    n_features_in_ : int

    Examples
    --------
    >>> import likewise as lw
    >>> rows = np.random.default_rng(0).standard_normal((100, 1000))
    >>> near = lw.transforms.RandomProjection(300).fit_transform(rows)
    >>> ratio = lw.pairwise(near, metric="euclidean")[0, 1:] / lw.pairwise(rows, metric="euclidean")[0, 1:]
    >>> bool(0.8 < ratio.min() and ratio.max() < 1.2)
    True
    """

    def __init__(self, rank: int, *, kind: str = "gaussian", seed: int = 0) -> None:
        self.rank = rank
        self.kind = kind
        self.seed = seed

    def _fit(self, rows: NDArray[Any]) -> None:
        d = rows.shape[1]
        if self.rank is None:
            raise InputError("rank=None; how many dimensions are to be had is wanted")
        rank = read_rank(self.rank, d)
        if self.kind not in _KINDS:
            raise InputError(f"kind={self.kind!r} is not known; it is one of {', '.join(_KINDS)}")
        if isinstance(self.seed, bool) or not hasattr(self.seed, "__index__") or self.seed < 0:
            raise InputError(f"seed={self.seed!r}; a whole number, 0 at least, is wanted")
        rng = np.random.default_rng([self.seed, _STREAM])
        drawn: NDArray[Any]
        if self.kind == "gaussian":
            drawn = rng.standard_normal((rank, d))
        elif self.kind == "orthogonal":
            q, r = np.linalg.qr(rng.standard_normal((d, rank)))
            drawn = math.sqrt(d) * (q * np.sign(np.diag(r))).T  # evenly, by Haar's measure (Stewart 1980)
        elif self.kind == "sign":
            drawn = rng.integers(0, 2, (rank, d)) * 2.0 - 1
        else:
            drawn = (rng.integers(0, 6, (rank, d))[..., None] == [0, 5]) @ np.array([1.0, -1.0]) * math.sqrt(3)
        self.components_: Floats = np.asarray(drawn / math.sqrt(rank), np.float64)
        self._inverse: Floats | None = None

    def _map(self, block: Floats) -> Floats:
        return np.asarray(block @ self.components_.T)

    def _unmap(self, block: Floats) -> Floats:
        if self._inverse is None:
            self._inverse = np.asarray(np.linalg.pinv(self.components_), np.float64)
        inverse: Floats = self._inverse
        return np.asarray(block @ inverse.T)

    def _width(self) -> int:
        return len(self.components_)
