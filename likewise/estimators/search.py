"""Fitted rows that are found again by a metric: what the neighbours estimators share."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.base import BaseEstimator, MultiOutputMixin
from sklearn.utils.validation import check_is_fitted

from likewise.arrays import is_sparse
from likewise.compute import prepare, topk, within
from likewise.compute.sides import name_rows
from likewise.errors import InputError
from likewise.estimators.base import WORKING_BYTES, read_rows, threads
from likewise.estimators.metrics import resolve
from likewise.formula.metric import Metric
from likewise.formula.sparse import sparse_form
from likewise.reductions import Within

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: What a pair within the radius takes while it is found and sorted.
_HIT_BYTES = 100


class Shelf:
    """Fitted rows, to be searched.

    Preparing them takes as long as some thousand queries (0.2 to 0.4 s for 60,000 x 100), so it is done when they are
    searched a second time. Copies and pickles are of the rows alone.
    """

    def __init__(self, rows: Any, metric: Metric) -> None:
        self.rows, self.metric = rows, metric
        self._prepared: Any = None
        self._searched = False
        if is_sparse(rows):
            self._prepared = prepare(rows, metric=metric)  # says so at once where the metric takes none

    @property
    def n(self) -> int:
        """Rows."""
        return int(self.rows.shape[0])

    def items(self, n_jobs: int | None, *, often: bool = False) -> Any:
        """What a search takes as items; ``often``: it will come again."""
        if self._prepared is None and (self._searched or often):
            self._prepared = prepare(self.rows, metric=self.metric, n_jobs=n_jobs)
        self._searched = True
        return self.rows if self._prepared is None else self._prepared

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self.rows, "metric": self.metric, "_prepared": None, "_searched": False}


class Neighbours(MultiOutputMixin, BaseEstimator):
    """What these estimators share: rows are fitted, and found again by a metric."""

    metric: Any
    metric_params: Any
    n_jobs: int | None
    effective_metric_: Metric
    n_samples_fit_: int
    _shelf: Shelf

    def _metric(self) -> Metric:
        return resolve(self.metric, self.metric_params, needed_by=type(self).__name__)

    def _takes_sparse(self, metric: Metric) -> bool:
        """Whether sparse rows may be compared; some metrics take those of ones alone, which the engine looks after."""
        return any(sparse_form(metric, ones) is not None for ones in (False, True))

    def _fit_rows(self, X: Any, *targets: Any, **checks: Any) -> Any:
        """Keep a copy of the rows; gives the targets, checked."""
        metric = self._metric()
        found = read_rows(self, X, *targets, reset=True, accept_sparse=self._takes_sparse(metric), copy=True, **checks)
        rows = found[0] if targets else found
        self.effective_metric_ = metric
        self._shelf = Shelf(rows, metric)
        self.n_samples_fit_ = self._shelf.n
        return found[1] if targets else None

    def _read_queries(self, X: Any) -> Any:
        check_is_fitted(self, "_shelf")
        if X is None:
            return None
        return read_rows(self, X, reset=False, accept_sparse=self._takes_sparse(self.effective_metric_))

    def _count(self, queries: Any) -> int:
        return self.n_samples_fit_ if queries is None else int(queries.shape[0])

    def _nearest(self, queries: Any, k: int) -> tuple[Floats, Integers]:
        """(values, indices) of the k nearest of each query; of each fitted row among the others for None."""
        most = self.n_samples_fit_ - (queries is None)
        if k > most:
            raise InputError(
                f"Expected n_neighbors <= n_samples_fit{' - 1' * (queries is None)}, but n_neighbors = {k}, "
                f"n_samples_fit = {self.n_samples_fit_}, n_samples = {self._count(queries)}"
            )
        n_jobs = threads(self.n_jobs)
        items = self._shelf.items(n_jobs)
        x, y = (items, None) if queries is None else (queries, items)
        found = topk(x, y, k, metric=self.effective_metric_, n_jobs=n_jobs)
        if (found.indices < 0).any():
            raise InputError(
                f"{self.effective_metric_.name} is NaN for so many pairs that {k} neighbours are not to be had of "
                f"{name_rows(np.flatnonzero((found.indices < 0).any(axis=1)))} of X; "
                "guard the formula (0 / 0, a root of a negative number) with lw.math.where"
            )
        return found.values, found.indices

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        try:
            tags.input_tags.sparse = sparse_form(self._metric(), False) is not None
        except Exception:  # a formula may raise anything; fit shows it
            tags.input_tags.sparse = False
        return tags


def whole(value: Any, name: str) -> int:
    """A positive whole number."""
    try:
        number = operator.index(value)
    except TypeError:
        raise InputError(f"{name}={value!r} is not a whole number") from None
    if isinstance(value, (bool, np.bool_)) or number < 1:
        raise InputError(f"{name}={value!r}; Expected {name} > 0")
    return number


def csr_graph(values: Any, indices: Integers, offsets: Integers, shape: tuple[int, int]) -> Any:
    """CSR with the entries of each row in the order given; zeros stay stored."""
    return csr_matrix((values, indices, offsets), shape=shape)


class KNeighbours(Neighbours):
    """Estimators that look at the k nearest."""

    n_neighbors: int

    def kneighbors(self, X: Any = None, n_neighbors: int | None = None, return_distance: bool = True) -> Any:
        """The nearest fitted rows of each row, the best first.

        Parameters
        ----------
        X : array_like of shape (n_queries, n_features), optional
            Default: the fitted rows, none being a neighbour of itself.
        n_neighbors : int, optional
            Default: the estimator's.
        return_distance : bool
            Whether values are wanted too.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries, n_neighbors)
            float64, the metric's values; only with ``return_distance``.
        neigh_ind : ndarray of shape (n_queries, n_neighbors)
            int64, numbers of fitted rows.
        """
        queries = self._read_queries(X)
        k = whole(self.n_neighbors if n_neighbors is None else n_neighbors, "n_neighbors")
        values, indices = self._nearest(queries, k)
        return (values, indices) if return_distance else indices

    def kneighbors_graph(self, X: Any = None, n_neighbors: int | None = None, mode: str = "connectivity") -> Any:
        """The same as a sparse matrix, row by row the best first.

        Parameters
        ----------
        X, n_neighbors
            As for :meth:`kneighbors`.
        mode : {"connectivity", "distance"}
            Entries of 1, or the metric's values.

        Returns
        -------
        CSR matrix of shape (n_queries, n_samples_fit)
        """
        if mode not in ("connectivity", "distance"):
            raise InputError(f"mode={mode!r} is not known; it is 'connectivity' or 'distance'")
        values, indices = self.kneighbors(X, n_neighbors)
        n, k = indices.shape
        entries = values.ravel() if mode == "distance" else np.ones(n * k)
        return csr_graph(entries, indices.ravel(), np.arange(0, n * k + 1, k), (n, self.n_samples_fit_))


class RadiusNeighbours(Neighbours):
    """Estimators that look at all within a radius."""

    radius: float

    def _takes_sparse(self, metric: Metric) -> bool:
        return False  # as the engine has it for all within a radius

    def _radius(self, radius: Any) -> float:
        value = self.radius if radius is None else radius
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise InputError(f"radius={value!r} is not a number") from None
        if np.isnan(number):
            raise InputError("radius is NaN; a number in the metric's units is wanted")
        return number

    def _within(self, queries: Any, radius: float) -> Within:
        n_jobs = threads(self.n_jobs)
        items = self._shelf.items(n_jobs)
        x, y = (items, None) if queries is None else (queries, items)
        return within(x, y, radius, metric=self.effective_metric_, n_jobs=n_jobs)

    def _within_by_parts(self, queries: Any, radius: float, classes: int) -> Iterator[tuple[slice, Within]]:
        """All within the radius, so many queries at a time that hits and votes take little memory.

        How many hits come is not known before: the first part has room for as many as there are rows, a later one for
        twice what the fullest query had so far.
        """
        rows = self._shelf.rows if queries is None else queries
        n, first = len(rows), 0
        most = max(1, WORKING_BYTES // (8 * classes))
        step = min(most, max(1, WORKING_BYTES // (_HIT_BYTES * self.n_samples_fit_)))
        n_jobs = threads(self.n_jobs)
        items = self._shelf.items(n_jobs, often=step < n)
        while first < n:
            here = slice(first, min(first + step, n))
            own = (np.arange(here.stop - first + 1), np.arange(first, here.stop)) if queries is None else None
            found = within(rows[here], items, radius, metric=self.effective_metric_, where=own, n_jobs=n_jobs)
            yield here, found
            fullest = int(np.diff(found.offsets).max(initial=1))
            step = max(1, min(most, 4 * step, WORKING_BYTES // (2 * _HIT_BYTES * max(fullest, 1))))
            first = here.stop

    def radius_neighbors(
        self, X: Any = None, radius: float | None = None, return_distance: bool = True, sort_results: bool = True
    ) -> Any:
        """All fitted rows at most ``radius`` from each row (at least ``radius`` for a similarity), the best first.

        Parameters
        ----------
        X : array_like of shape (n_queries, n_features), optional
            Default: the fitted rows, none being a neighbour of itself.
        radius : float, optional
            In the metric's units; default: the estimator's. The boundary belongs to it.
        return_distance : bool
            Whether values are wanted too.
        sort_results : bool
            As scikit-learn has it; results are sorted anyhow.

        Returns
        -------
        neigh_dist : ndarray of shape (n_queries,) of arrays of float64
            Only with ``return_distance``.
        neigh_ind : ndarray of shape (n_queries,) of arrays of int64
        """
        found = self._within(self._read_queries(X), self._radius(radius))
        indices = _pieces(found.indices, found.offsets)
        return (_pieces(found.values, found.offsets), indices) if return_distance else indices

    def radius_neighbors_graph(
        self, X: Any = None, radius: float | None = None, mode: str = "connectivity", sort_results: bool = True
    ) -> Any:
        """The same as a sparse matrix: CSR of shape (n_queries, n_samples_fit), of ones or of the metric's values."""
        if mode not in ("connectivity", "distance"):
            raise InputError(f"mode={mode!r} is not known; it is 'connectivity' or 'distance'")
        found = self._within(self._read_queries(X), self._radius(radius))
        entries = found.values if mode == "distance" else np.ones(len(found.indices))
        shape = (len(found.offsets) - 1, self.n_samples_fit_)
        return csr_graph(entries, found.indices, found.offsets, shape)


def _pieces(flat: NDArray[Any], offsets: Integers) -> NDArray[Any]:
    """An object array of the pieces between offsets."""
    pieces = np.empty(len(offsets) - 1, object)
    for i, (first, last) in enumerate(itertools.pairwise(offsets)):
        pieces[i] = flat[first:last].copy()
    return pieces
