"""Comparisons that know each row's neighbourhood, as dot products of rows with a coordinate or two more.

In many dimensions some items are near to everything, and stand in lists where they do not belong. Both corrections ask
how near a row's k nearest are, and count nearness from there:

    CSLS             2 c(x, y) - r(x) - r(y)      c the cosine, r its mean over the k nearest (Conneau et al. 2018)
                     = (2 u, 1, -r(x)) . (v, -r(y), 1)                     u, v the unit rows

    local scaling    -d(x, y)^2 / (s(x) s(y))     d Euclid's distance, s that to the k-th nearest (Zelnik-Manor &
                                                  Perona 2004) or its mean over the k nearest (Schnitzer et al. 2012)
                     = (2 x, -1, -|x|^2) / s(x) . (y, |y|^2, 1) / s(y)     x, y from the items' mean

so any search by dot product, exact and in any number, is a search by them. What concerns the query alone does not
change the order of its list, only the scores.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, give, read, same_dimension, to_floating
from likewise.compute import prepare, topk
from likewise.compute.options import Progress, read_options
from likewise.compute.prepared import Prepared
from likewise.compute.sides import refuse_bad
from likewise.errors import InputError, ShapeError
from likewise.transforms.base import Parameters
from likewise.vectors import normalize

Rows = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]
SCALES = ("kth", "mean")


class Rescaled(NamedTuple):
    """Rows whose dot products are the rescaled comparison: for ``lw.topk(*rescaled, k, metric="dot")``."""

    queries: Any
    items: Any


class _Rescaling(Parameters):
    """What both share: items learn of their neighbourhood once; queries come when they come."""

    def __init__(
        self,
        k: int = 10,
        *,
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
        progress: Progress = None,
    ) -> None:
        self.k, self.n_jobs, self.memory_limit, self.progress = k, n_jobs, memory_limit, progress

    @property
    def items(self) -> Any:
        """The items with what is known of them, (m, d + 2): to be searched by "dot"."""
        return give(self._rows, self._fitted())

    @property
    def index(self) -> Prepared:
        """The same prepared for searches, once: for ``lw.topk(self.transform(queries), self.index, k)``."""
        self._fitted()
        if self._prepared is None:
            made = prepare(self._rows, metric="dot", n_jobs=self.n_jobs)
            assert isinstance(made, Prepared)  # rows are dense here
            self._prepared = made
        return self._prepared

    def fit(self, items: Any, queries: Any = None) -> Any:
        """Learn how near each item's nearest are.

        Parameters
        ----------
        items : array_like of shape (m, d)
        queries : array_like of shape (n, d), optional
            Rows of the kind that will ask, among which an item's nearest are looked for: hubs are hubs for them. None:
            the other items.
        """
        self._check()
        batch, rows = _read(items, "items")
        if batch.vector:
            raise ShapeError(f"items has shape ({batch.d},); rows of shape (m, d) are wanted")
        others = None
        if queries is not None:
            other, others = _read(queries, "queries")
            same_dimension(other, batch, "queries", "items")
        self._batch, self._prepared = batch, None
        self._learn(rows, others)
        return self

    def transform(self, queries: Any, *, own: bool = True) -> Any:
        """Queries to compare with :attr:`items` by "dot".

        Parameters
        ----------
        queries : array_like of shape (n, d), or (d,) for one
        own : bool
            Whether scores know the query's own neighbourhood, which takes a search. Without, lists are the same, and
            scores differ by what is the same for all of a query's items.

        Returns
        -------
        ndarray of shape (n, d + 2), or (d + 2,)
        """
        fitted = self._fitted()
        batch, rows = _read(queries, "queries")
        same_dimension(batch, fitted, "queries", "items")
        found = self._with_own(rows, own)
        return give(found[0] if batch.vector else found, batch, fitted)

    def _fitted(self) -> Batch:
        if self._batch is None:
            raise InputError(f"this {type(self).__name__} has no items yet; call fit(items) first")
        return self._batch

    _batch: Batch | None = None
    _rows: Rows
    _prepared: Prepared | None = None

    def _check(self) -> None:
        """Raise where a parameter cannot be."""
        if isinstance(self.k, bool) or not hasattr(self.k, "__index__") or int(self.k) < 1:
            raise InputError(f"k={self.k!r}; a whole number of neighbours, 1 at least, is wanted")

    def _learn(self, rows: Rows, others: Rows | None) -> None:
        raise NotImplementedError

    def _with_own(self, rows: Rows, own: bool) -> Rows:
        raise NotImplementedError

    def _itself(self) -> Rows:
        """The items as queries of themselves: their neighbourhood without themselves, as was learnt."""
        raise NotImplementedError

    def _nearest(self, rows: Any, others: Any, metric: str) -> Floats:
        """Values of the k nearest others, best first, (n, k); as many as there are, if fewer."""
        there = len(rows) - 1 if others is None else others.shape[0]
        if there < 1 or not len(rows):
            return np.zeros((len(rows), 0))
        found = topk(
            rows,
            others,
            min(int(self.k), there),
            metric=metric,
            n_jobs=self.n_jobs,
            memory_limit=self.memory_limit,
            progress=self.progress,
        )
        return np.asarray(found.values, np.float64)


class CSLS(_Rescaling):
    """Cosine, less what is usual for either row: 2 cos - r(x) - r(y) (Conneau et al. 2018), for a set of items.

    Parameters
    ----------
    k : int
        Neighbours whose mean cosine is r; as many as there are, if fewer.
    n_jobs, memory_limit, progress
        As for :func:`likewise.topk`.

    Attributes
    ----------
    items : ndarray of shape (m, d + 2)
        float32 for float32 and narrower floating types (scores are then good to 1e-6), else float64.
    index : Prepared
        The same, prepared.

    Raises
    ------
    BadRowsError, DtypeError, InputError, ShapeError

    Examples
    --------
    A fixed shelf, rows of the queries' kind to know its hubs by, and a query that arrives:

    >>> import likewise as lw
    >>> items = [[1.0, 0.1, 0.1], [0.6, 0.5, 0.0], [0.6, 0.0, 0.5]]
    >>> shelf = lw.transforms.CSLS(k=2).fit(items, [[1.0, 0.3, 0.0], [1.0, 0.0, 0.3], [1.0, 0.0, 0.0]])
    >>> query = [0.9, 0.3, 0.1]
    >>> lw.topk(query, items, 2, metric="cosine").indices
    array([0, 1])
    >>> lw.topk(shelf.transform(query, own=False), shelf.index, 2).indices
    array([1, 0])
    """

    def _learn(self, rows: Rows, others: Rows | None) -> None:
        unit = normalize(rows)
        self._near = self._mean(self._nearest(unit, None if others is None else normalize(others), "dot"))
        self._rows = _beside(unit, -self._near, np.ones(len(unit)))

    def _with_own(self, rows: Rows, own: bool) -> Rows:
        unit = normalize(rows)
        if not own:
            return self._asking(unit, np.zeros(len(unit)))
        zeros = np.zeros(len(unit))  # so that products with the items' rows are cosines: one index serves both searches
        return self._asking(unit, self._mean(self._nearest(_beside(unit, zeros, zeros), self.index, "dot")))

    def _itself(self) -> Rows:
        return self._asking(self._rows[:, :-2], self._near)

    @staticmethod
    def _asking(unit: Rows, near: Floats) -> Rows:
        return _beside(2 * unit, np.ones(len(unit)), -near)

    @staticmethod
    def _mean(values: Floats) -> Floats:
        return np.asarray(values.mean(axis=1)) if values.shape[1] else np.zeros(len(values))


class LocalScaling(_Rescaling):
    """Squared Euclidean distance by the scale of both neighbourhoods, negated: -d^2 / (s(x) s(y)), for a set of items.

    Parameters
    ----------
    k : int
        The neighbour whose distance is s; the last, if there are fewer.
    scale : {"kth", "mean"}
        Its distance (Zelnik-Manor & Perona 2004: the score is the logarithm of their affinity), or the mean of those to
        the k nearest (NICDM, Schnitzer et al. 2012: the score is minus its square).
    n_jobs, memory_limit, progress
        As for :func:`likewise.topk`.

    Attributes
    ----------
    items : ndarray of shape (m, d + 2)
        float64, whatever came: a small distance is the difference of large products. Scores are good to some 1e-15
        (|x|^2 + |y|^2) / (s(x) s(y)), lengths being those from the items' mean.
    index : Prepared
        The same, prepared.

    Raises
    ------
    BadRowsError, DtypeError, InputError, ShapeError

    Examples
    --------
    Row 2 is as far from 1 as from 3, and by its own measure 3 is the nearer: there, distances are larger.

    >>> import likewise as lw
    >>> items = [[0.0], [1.0], [4.0], [7.0], [11.0]]
    >>> scaled = lw.transforms.LocalScaling(k=1).fit(items)
    >>> lw.topk(scaled.transform([4.0], own=False), scaled.index, 3).indices
    array([2, 3, 1])
    """

    def __init__(
        self,
        k: int = 10,
        *,
        scale: str = "kth",
        n_jobs: int | None = None,
        memory_limit: int | str | None = None,
        progress: Progress = None,
    ) -> None:
        super().__init__(k, n_jobs=n_jobs, memory_limit=memory_limit, progress=progress)
        self.scale = scale

    def _check(self) -> None:
        super()._check()
        if self.scale not in SCALES:
            raise InputError(f"scale={self.scale!r} is not known; it is one of {', '.join(SCALES)}")

    def _learn(self, rows: Rows, others: Rows | None) -> None:
        self._plain = rows
        self._centre = np.asarray(rows.mean(axis=0, dtype=np.float64)) if len(rows) else np.zeros(rows.shape[1])
        self._least = 0.0
        found = self._of(self._nearest(rows, others, "euclidean"))
        # k copies of a row: the least distance that is not 0
        self._least = float(found[found > 0].min()) if (found > 0).any() else 1.0
        self._scales = np.where(found > 0, found, self._least)
        centred = rows - self._centre
        self._rows = _beside(centred, np.square(centred).sum(axis=1), np.ones(len(rows))) / self._scales[:, None]

    def _with_own(self, rows: Rows, own: bool) -> Rows:
        if not own:
            return self._asking(rows, np.ones(len(rows)))
        found = self._of(self._nearest(rows, self._plain, "euclidean"))
        return self._asking(rows, np.where(found > 0, found, self._least))

    def _itself(self) -> Rows:
        return self._asking(self._plain, self._scales)

    def _asking(self, rows: Rows, scales: Floats) -> Rows:
        centred = rows - self._centre
        return _beside(2 * centred, -np.ones(len(rows)), -np.square(centred).sum(axis=1)) / scales[:, None]

    def _of(self, values: Floats) -> Floats:
        if not values.shape[1]:
            return np.zeros(len(values))
        return np.asarray(values[:, -1] if self.scale == "kth" else values.mean(axis=1))


def csls(
    queries: Any,
    items: Any = None,
    k: int = 10,
    *,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Rescaled:
    """Rows whose dot products are CSLS scores: cosine, corrected for hubs (Conneau et al. 2018).

    ``lw.topk(*lw.csls(x, y), 10, metric="dot").values`` are 2 cos(x, y) - r(x) - r(y), r(x) being the mean cosine of x
    with its k nearest items, r(y) that of y with its k nearest queries.

    Parameters
    ----------
    queries : array_like of shape (n, d)
        Several: they tell which items are hubs. For a fixed set of items and queries that arrive, see :class:`CSLS`.
    items : array_like of shape (m, d), optional
        None: the queries among themselves. No row then counts in its own r; to keep it out of its own list as well,
        ``where=(np.arange(n + 1), np.arange(n))``.
    k : int
        Neighbours in r; as many as there are, if fewer.
    n_jobs, memory_limit, progress
        As for :func:`likewise.topk`.

    Returns
    -------
    Rescaled
        ``queries`` (n, d + 2) and ``items`` (m, d + 2), torch tensors where one was given; float32 where the rows were
        float32 or narrower (scores are then good to 1e-6), else float64.

    Raises
    ------
    BadRowsError, DtypeError, InputError, ShapeError

    Examples
    --------
    Item 0 is nearest to all queries by cosine.

    >>> import likewise as lw
    >>> queries = [[1.0, 0.3, 0.0], [1.0, 0.0, 0.3], [1.0, 0.0, 0.0]]
    >>> items = [[1.0, 0.1, 0.1], [0.6, 0.5, 0.0], [0.6, 0.0, 0.5]]
    >>> lw.topk(*lw.csls(queries, items, 2), 1, metric="dot").indices.ravel()
    array([1, 2, 0])
    """
    return _pair(CSLS(k, n_jobs=n_jobs, memory_limit=memory_limit, progress=progress), queries, items)


def local_scaling(
    queries: Any,
    items: Any = None,
    k: int = 10,
    *,
    scale: str = "kth",
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> Rescaled:
    """Rows whose dot products are -d^2 / (s(x) s(y)): squared distance by the scale of both neighbourhoods.

    s(x) is the distance of x to its k-th nearest item, s(y) that of y to its k-th nearest query (or, by
    ``scale="mean"``, the mean of these k); see :class:`LocalScaling`.

    Parameters
    ----------
    queries : array_like of shape (n, d)
    items : array_like of shape (m, d), optional
        None: the queries among themselves; no row counts in its own s.
    k : int
    scale : {"kth", "mean"}
    n_jobs, memory_limit, progress
        As for :func:`likewise.topk`.

    Returns
    -------
    Rescaled
        ``queries`` (n, d + 2) and ``items`` (m, d + 2), float64.

    Examples
    --------
    >>> import likewise as lw
    >>> rows = np.array([[0.0], [1.0], [3.0], [7.0]])
    >>> scaled = lw.transforms.local_scaling(rows, k=1)
    >>> lw.pairwise(*scaled, metric="dot")[1].round(6)  # s is 1, 1, 2, 4
    array([-1., 0., -2., -9.])
    """
    how = LocalScaling(k, scale=scale, n_jobs=n_jobs, memory_limit=memory_limit, progress=progress)
    return _pair(how, queries, items)


def _pair(how: _Rescaling, queries: Any, items: Any) -> Rescaled:
    if items is None:
        batch = how.fit(queries)._fitted()
        return Rescaled(give(how._itself(), batch), how.items)
    how.fit(items, queries)
    asking = how.transform(queries)
    torch = [batch for batch in (read(queries, "queries"), how._fitted()) if batch.torch]
    return Rescaled(asking, give(how._rows, *torch))


def _read(value: Any, name: str) -> tuple[Batch, Rows]:
    """Rows (n, d) in a floating type, finite."""
    batch = read(value, name)
    if batch.lead:
        raise ShapeError(f"{name} has shape {batch.array.shape}; one set of rows, of shape (n, d), is wanted")
    rows = to_floating(batch)
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    refuse_bad(bad, name, read_options(None, None, "raise", None))
    return batch, np.asarray(rows, np.float32 if rows.dtype == np.float16 else rows.dtype)


def _beside(rows: Rows, *columns: Floats) -> Rows:
    """Rows with coordinates more, of their own type."""
    return np.concatenate([rows, *(column[:, None].astype(rows.dtype) for column in columns)], axis=1)
