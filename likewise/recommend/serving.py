"""From scores to lists: what is left out, the best k, some users at a time. The same for every model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import topk
from likewise.compute.options import Options, physical_memory
from likewise.errors import InputError
from likewise.plan import DEFAULT_MEMORY
from likewise.recommend.interactions import Histories
from likewise.reductions import TopK

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from likewise.recommend.model import Recommender, Wanted


def serve(model: Recommender, asked: Histories, wanted: Wanted, diversify: float) -> TopK:
    """The lists of all who are asked for."""
    from likewise.recommend.diversity import diversified, pool_size

    quiet = replace(wanted.options, progress=None)
    pool = pool_size(wanted.k) if diversify else wanted.k
    pool = max(1, min(pool, len(model._items)))

    def some(first: int, stop: int) -> TopK:
        found = _best(model, asked.slice(first, stop), replace(wanted, k=pool, options=quiet))
        return diversified(model, found, wanted.k, diversify) if diversify else found

    per_row = model._row_bytes() + pool * 64
    return in_pieces(len(asked), wanted.k, per_row, wanted.options, some)


def in_pieces(n: int, k: int, row_bytes: int, options: Options, some: Callable[[int, int], TopK]) -> TopK:
    """The (n, k) results of ``some(first, stop)``, as many rows at a time as there is memory for; padded to k."""
    if float(n) * k * 24 > physical_memory() / 2:
        raise InputError(f"a result of {n:,} x {k:,} does not fit in memory; ask for fewer at a time, or a smaller k")
    step = max(1, (options.memory or DEFAULT_MEMORY) // max(row_bytes, 1))
    values, indices = np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
    for first in range(0, n, step):
        stop = min(first + step, n)
        found = some(first, stop)
        width = min(k, found.values.shape[1])
        values[first:stop, :width] = found.values[:, :width]
        indices[first:stop, :width] = found.indices[:, :width]
        if options.progress is not None:
            options.progress(stop, n)
    return TopK(values, indices)


def _best(model: Recommender, histories: Histories, wanted: Wanted) -> TopK:
    """A model's best, and for those without a history what is popular."""
    empty = np.flatnonzero(histories.counts == 0) if model._needs_history else np.empty(0, np.int64)
    if not len(empty):
        return model._best(histories, wanted)
    best = best_of_scores(model._popularity[None], wanted.k, None, wanted.admitted)
    n = len(histories)
    values, indices = np.repeat(best.values, n, axis=0), np.repeat(best.indices, n, axis=0)
    others = np.flatnonzero(histories.counts)
    if len(others):
        put(values, indices, others, model._best(histories.take(others), wanted))
    return TopK(values, indices)


def put(values: NDArray[np.float64], indices: NDArray[np.int64], rows: NDArray[np.int64], found: TopK) -> None:
    """The lists of some rows in the place of what is there; padded, where fewer were found than there is room for."""
    width = found.values.shape[1]
    values[rows, :width], indices[rows, :width] = found.values, found.indices
    values[rows, width:], indices[rows, width:] = np.nan, -1


def best_of_scores(
    scores: NDArray[np.float64], k: int, seen: Histories | None, admitted: NDArray[np.bool_] | None
) -> TopK:
    """The best k of each row of scores, ties to the lowest index; NaN and -1 where there are no more.

    Parameters
    ----------
    scores : ndarray of float64, shape (n, m)
        Larger is better; NaN is never found.
    k : int
    seen : Histories, optional
        What each row leaves out.
    admitted : ndarray of bool, shape (m,), optional
    """
    n, m = scores.shape
    keys = np.negative(scores)  # smaller is better; infinite: out
    keys[np.isnan(keys)] = np.inf
    if seen is not None:
        keys[np.repeat(np.arange(n), seen.counts), seen.items] = np.inf
    if admitted is not None:
        keys[:, ~admitted] = np.inf
    k = min(k, m)
    if k == 0 or n == 0:
        return TopK(np.full((n, k), np.nan), np.full((n, k), -1, np.int64))
    at = _smallest(keys, k)
    best = np.take_along_axis(keys, at, 1)
    order = np.argsort(best, axis=1, kind="stable")  # columns rise: equal keys stay in their order
    best, at = np.take_along_axis(best, order, 1), np.take_along_axis(at, order, 1)
    out = best == np.inf
    return TopK(np.where(out, np.nan, np.negative(best)), np.where(out, -1, at))


def _smallest(keys: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The columns of the k smallest of each row, in rising order; of equal ones the first."""
    n, m = keys.shape
    if k == m:
        return np.broadcast_to(np.arange(m), (n, m)).copy()
    limit = np.partition(keys, k - 1, axis=1)[:, k - 1 : k]
    chosen = keys <= limit
    extra = np.count_nonzero(chosen, axis=1) - k
    for row in np.flatnonzero(extra):  # too many are equal to the last: the first of them stay
        equal = np.flatnonzero(keys[row] == limit[row])
        chosen[row, equal[len(equal) - extra[row] :]] = False
    return np.nonzero(chosen)[1].reshape(n, k)


def best_of_vectors(
    vectors: NDArray[Any],
    items: Any,
    rows: NDArray[Any],
    metric: Any,
    histories: Histories,
    wanted: Wanted,
) -> TopK:
    """The best k where a score is a similarity of two vectors.

    Parameters
    ----------
    vectors : ndarray of shape (n, d)
        Of users.
    items : Prepared
        The items' vectors.
    rows : ndarray of shape (m, d)
        The same as they were.
    metric : str or Metric
        Larger has to be closer.
    histories : Histories
        What each user took, if ``wanted`` leaves it out.
    """
    k, options = min(wanted.k, len(rows)), wanted.options
    lists = (histories.offsets, histories.items) if wanted.exclude_seen else None
    search = partial(topk, vectors, n_jobs=options.threads, memory_limit=options.memory)
    if wanted.admitted is None:
        return search(items, k, where=lists)
    if lists is None:
        return search(items, k, where=wanted.admitted)
    numbers = np.flatnonzero(wanted.admitted)
    if not len(numbers):
        return TopK(np.full((len(vectors), k), np.nan), np.full((len(vectors), k), -1, np.int64))
    lists = among(histories, wanted.admitted)
    found = search(rows[numbers], min(k, len(numbers)), metric=metric, where=lists)
    return TopK(found.values, np.where(found.indices < 0, -1, numbers[found.indices]))


def best_of_sparse(rows: csr_array, ready: Any, items: csr_array, histories: Histories, wanted: Wanted) -> TopK:
    """The best k by the product of sparse rows: (n, d) of users with (m, d) of items, also as they are ``ready``."""
    numbers = None if wanted.admitted is None else np.flatnonzero(wanted.admitted)
    lists = (histories.offsets, histories.items) if wanted.exclude_seen else None
    if wanted.admitted is not None:
        items = items[numbers]
        lists = None if lists is None else among(histories, wanted.admitted)
    k = min(wanted.k, items.shape[0])
    if not k:
        return TopK(np.full((len(histories), 0), np.nan), np.empty((len(histories), 0), np.int64))
    found = topk(rows, ready if numbers is None else items, k, metric="dot", where=lists, n_jobs=wanted.options.threads)
    if numbers is None:
        return found
    return TopK(found.values, np.where(found.indices < 0, -1, numbers[found.indices]))


def among(histories: Histories, admitted: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Histories of the admitted items alone, by their numbers among these."""
    inside = admitted[histories.items]
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(inside)])
    return before[histories.offsets], (np.cumsum(admitted) - 1)[histories.items[inside]]
