"""Ease: a linear model of each item by all others, in closed form.

H. Steck, Embarrassingly shallow autoencoders for sparse data, WWW 2019. With X of (users, items), the weights B that
minimise |X - X B|^2 + l2 |B|^2 with a diagonal of zeros are

    P = (X' X + l2 I)^-1          B[j, i] = -P[j, i] / P[i, i]          score(h) = h B

Where users are fewer than items, the same without a matrix of items x items: with M = (X X' + l2 I)^-1 of (users,
users) and the i-th column x_i of X,

    P = (I - X' M X) / l2         l2 P[i, i] = 1 - x_i' M x_i =: c_i
    q = h X' M X                  score(h)[i] = h_i - (h_i - q_i) / c_i

where X X' M = I - l2 M has the rows h X' M of all users that it was fitted to. The score is q_i / c_i for an item that
h does not have, and the model keeps min(users, items)^2 numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import pairwise
from likewise.compute.options import Options, physical_memory
from likewise.errors import InputError
from likewise.recommend.interactions import Histories, Interactions, check_fading, read_setting
from likewise.recommend.model import Recommender
from likewise.reductions import TopK

if TYPE_CHECKING:
    from scipy.sparse import csr_array

#: Columns of a matrix that is made dense some at a time.
_BLOCK = 512


class Ease(Recommender):
    """Each item by a weighted sum of all others that a user took (Steck 2019): no steps, no chance, one solution.

    Works on values (ratings, counts) where there are any, in units of their root mean square.

    Parameters
    ----------
    l2 : float
        How much weights are held small: about as many users as are needed to be believed. 100 to 300 for some hundred
        users, 500 and more for ten thousands.
    binary : bool
        Whether an interaction counts as 1 whatever its value.
    fading : float, optional
        What a user took longer ago counts less when something is recommended: half after so many later items
        (:meth:`Histories.fading`), as far as times are known. Of MovieLens' ratings, 5 finds half as many again of the
        next ones; there, though, people rate films in the order in which a page lists them.

    Notes
    -----
    It keeps min(users, items) squared float64 numbers: 3.2 GB for 20,000. Nothing larger than this machine's memory is
    begun. Fitting takes some n^3 operations of LAPACK's; so the last bits of a model may differ between machines.

    Examples
    --------
    >>> taken = (["ann", "ann", "bob", "bob", "cid"], ["Heat", "Ronin", "Heat", "Ronin", "Heat"])
    >>> model = Ease(l2=1.0).fit(taken)
    >>> model.recommend("cid", 1).items
    array(['Ronin'], dtype=object)
    >>> print(model.explain("cid", "Ronin"))
    Ronin: 0.4...
      +0.4...  Heat
    """

    def __init__(self, l2: float = 200.0, *, binary: bool = False, fading: float | None = None) -> None:
        self.l2, self.binary, self.fading = read_setting("l2", l2), bool(binary), check_fading(fading)

    def _fit(self, taken: Interactions, options: Options) -> None:
        n, m = len(self._users), len(self._items)
        size = min(n, m)
        if 2 * 8.0 * size**2 > physical_memory():
            raise InputError(
                f"Ease keeps {size:,} x {size:,} numbers for {n:,} users and {m:,} items, and needs as many again: "
                f"{16 * size**2 / 2**30:,.0f} GB, and this machine has {physical_memory() / 2**30:,.0f}; "
                "Neighbours and Factors do with less, or leave out items that few took"
            )
        self._dual = n < m
        x = self._scaled
        gram = _gram(x if self._dual else x.T.tocsr())
        gram[np.arange(size), np.arange(size)] += self.l2
        self._matrix = inverse = _inverse(gram)
        if self._dual:
            self._share = _shares(x, inverse)
        else:
            inverse /= -np.diagonal(inverse).copy()  # column i by -P[i, i]
            np.fill_diagonal(inverse, 0.0)

    @cached_property
    def _scaled(self) -> csr_array:
        """X, in units of the root mean square of what it has."""
        x = self._histories.matrix(len(self._items), binary=self.binary)
        x.data = x.data / self._size
        return x

    @cached_property
    def _size(self) -> float:
        return self._histories.unit(binary=self.binary)

    @cached_property
    def _scaled_columns(self) -> csr_array:
        return self._scaled.T.tocsr()

    def _remember(self, *parts: Any) -> None:
        super()._remember(*parts)
        for name in ("_scaled", "_scaled_columns", "_size"):
            self.__dict__.pop(name, None)

    def _scores(self, histories: Histories, options: Options) -> NDArray[np.float64]:
        h = histories.matrix(len(self._items), binary=self.binary)
        h.data = h.data * histories.fading(self.fading)
        if not self._dual:
            return np.asarray(h @ self._matrix)
        users = self._in_users(histories, h, options)
        scores: NDArray[np.float64] = np.ascontiguousarray((self._scaled_columns @ users.T).T)
        scores /= self._share
        row = np.repeat(np.arange(len(histories)), histories.counts)
        own = h.data * (1 - 1 / self._share[histories.items])
        scores[row, histories.items] += own
        return scores

    def _in_users(self, histories: Histories, h: csr_array, options: Options) -> NDArray[np.float64]:
        """(rows, users): h X' M, which for a user that the model was fitted to is a row of X X' M = I - l2 M."""
        known = histories.users
        if self.fading is None and (known >= 0).all():
            rows = -self.l2 * self._matrix[known]
            rows[np.arange(len(rows)), known] += 1
            return np.asarray(rows * self._size)
        rows = (h @ self._scaled_columns).toarray()  # the engine's sums are the same for any number of rows
        return np.asarray(pairwise(rows, self._matrix, metric="dot", n_jobs=options.threads))  # M is symmetric

    def _row_bytes(self) -> int:
        return super()._row_bytes() + 8 * (len(self._items) + 2 * len(self._users) * self._dual)

    def _weights(self, of: NDArray[np.int64], item: int) -> NDArray[np.float64]:
        """B[of, item]."""
        if not self._dual:
            return np.asarray(self._matrix[of, item])
        column = self._scaled_columns[[item]].toarray()[0]
        weights = self._scaled_columns[of] @ (self._matrix @ column) / self._share[item]
        return np.where(of == item, 0.0, weights)

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], NDArray[np.float64]]:
        values = np.ones(len(history.items)) if self.binary else history.values
        values = values * history.fading(self.fading)
        others = history.items != item
        of = history.items[others]
        return self._names_of(of), values[others] * self._weights(of, item)

    def _similar(self, items: NDArray[np.int64], k: int, options: Options) -> TopK:
        """What a history of that item alone is recommended: its row of B."""
        from likewise.recommend.serving import best_of_scores, in_pieces

        def some(first: int, stop: int) -> TopK:
            here = items[first:stop]
            one = Histories(np.arange(len(here) + 1), here, np.ones(len(here)), None, np.full(len(here), -1))
            return best_of_scores(self._scores(one, options), k, one, None)

        return in_pieces(len(items), k, self._row_bytes(), options, some)

    def _arrays(self) -> dict[str, Any]:
        return {"matrix": self._matrix} | ({"share": self._share} if self._dual else {})

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self._matrix, self._dual = arrays["matrix"], "share" in arrays
        if self._dual:
            self._share = arrays["share"]


def _gram(rows: csr_array) -> NDArray[np.float64]:
    """rows rows', dense."""
    n = rows.shape[0]
    out, columns = np.empty((n, n)), rows.T.tocsr()
    for first in range(0, n, _BLOCK):
        out[first : first + _BLOCK] = (rows[first : first + _BLOCK] @ columns).toarray()
    return out


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of a symmetric positive definite matrix, in its own memory, by Cholesky's decomposition."""
    from scipy.linalg.lapack import dpotrf, dpotri

    # its transpose is in Fortran's order, and the same matrix
    factor, fault = dpotrf(matrix.T, lower=1, overwrite_a=1, clean=0)
    if fault == 0:
        half, fault = dpotri(factor, lower=1, overwrite_c=1)
    if fault:
        raise InputError("the matrix of Ease cannot be inverted: l2 is too small for these values; try a larger one")
    out: NDArray[np.float64] = half.T  # its upper triangle is right
    for first in range(0, len(out), _BLOCK):
        stop = first + _BLOCK
        corner = np.triu(out[first:stop, first:stop])
        out[first:stop, first:stop] = corner + np.triu(corner, 1).T
        out[stop:, first:stop] = out[first:stop, stop:].T
    return out


def _shares(x: csr_array, inverse: NDArray[np.float64]) -> NDArray[np.float64]:
    """c_i = 1 - x_i' M x_i of each column."""
    columns = x.T.tocsr()
    out = np.empty(columns.shape[0])
    for first in range(0, len(out), _BLOCK):
        block = columns[first : first + _BLOCK]
        out[first : first + _BLOCK] = 1 - block.multiply(block @ inverse).sum(axis=1)
    return out
