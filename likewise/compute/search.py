"""The k most alike, and all within a radius."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, broadcast_lead, give, read, same_dimension
from likewise.compute.options import Options, Progress, caller_level, physical_memory, read_options
from likewise.compute.prepared import Prepared, resolve_items
from likewise.compute.sides import (
    as_rows,
    batches,
    counts_bits,
    good_rows,
    metric_for,
    screened,
    search_statistics,
    side_of,
    slabs,
    transformed,
)
from likewise.errors import InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.plan import plan_search
from likewise.reductions import Best, TopK, Within, all_within

if TYPE_CHECKING:
    from likewise.backends.llvm.rows import Side
    from likewise.backends.llvm.search import Search

Mask = NDArray[np.bool_] | None
Rows = NDArray[np.int64] | None


def read_count(k: Any) -> int:
    """``k=`` as a positive whole number."""
    try:
        number = operator.index(k)
    except TypeError:
        raise InputError(f"k={k!r} is not a whole number") from None
    if isinstance(k, (bool, np.bool_)) or number < 1:
        raise InputError(f"k={k!r}; at least 1 neighbour is to be found")
    return number


def _read_mask(where: Any, lead: tuple[int, ...], n: int, m: int) -> Mask:
    """``where=``: None, or a mask that ends in m and broadcasts to (*lead, n, m)."""
    if where is None:
        return None
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise InputError(
            f"where= is of type {mask.dtype}; it is a boolean mask of shape ({m},) or ({n}, {m}), True = admitted"
        )
    try:
        fits = np.broadcast_shapes(mask.shape, (*lead, n, m)) == (*lead, n, m) and mask.shape[-1:] == (m,)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"where= has shape {mask.shape}; a boolean mask of shape ({m},) or {(*lead, n, m)} is wanted")
    return mask


@dataclass
class _Call:
    """A search call, checked: its options, and one or more pairs of row sets to go through."""

    queries: Batch
    items: Batch
    prepared: Prepared | None
    metric: Metric
    mask: Mask
    options: Options
    lead: tuple[int, ...]

    def parts(self) -> Iterator[_Part]:
        """One part for shared items (all queries of all batches together), else one per batch."""
        n, m = self.queries.rows, self.items.rows
        mask = self.mask
        if not self.items.lead:
            if mask is not None and mask.ndim > 1:
                mask = np.broadcast_to(mask, (*self.lead, n, m)).reshape(len(self.queries.flat()), m)
            yield self._part(self.queries.flat(), self.items.array, mask, self.prepared)
            return
        whole = None if mask is None else np.broadcast_to(mask, (*self.lead, n, m))
        for index, x, y in batches(self.queries, self.items, ("queries", "items")):
            yield self._part(x, y, None if whole is None else whole[index], None)

    def _part(self, x: NDArray[Any], y: NDArray[Any], mask: Mask, prepared: Prepared | None) -> _Part:
        options, metric = self.options, self.metric
        wanted = search_statistics(metric, "x")
        queries = side_of(self.queries, x, "queries", wanted, options)
        queries, kept_queries = good_rows(queries, wanted, options)
        if prepared is None:
            wanted = search_statistics(metric, "y")
            items, kept_items = good_rows(side_of(self.items, y, "items", wanted, options), wanted, options)
        else:
            items, kept_items = prepared.side, prepared.kept
        if mask is not None:
            mask = mask[kept_queries] if kept_queries is not None and mask.ndim == 2 else mask
            mask = np.ascontiguousarray(mask if kept_items is None else mask[..., kept_items])
        wanted = search_statistics(metric, "x")
        if not counts_bits(metric, queries, items):
            queries = as_rows(queries, wanted, options)
        queries = transformed(queries, metric, wanted, options)
        return _Part(metric, queries, items, mask, prepared, options, len(x), kept_queries, kept_items)


@dataclass
class _Part:
    """One set of queries against one set of items, bad rows gone."""

    metric: Metric
    queries: Side
    items: Side
    mask: Mask
    prepared: Prepared | None
    options: Options
    rows: int  # queries as they came
    kept_queries: Rows
    kept_items: Rows

    def searches(self, verb: str, per_query: int) -> Iterator[tuple[int, Search]]:
        """(first item, search) for each slab of items."""
        from likewise.backends.llvm.search import Search, Sizes

        by_bits = counts_bits(self.metric, self.queries, self.items)
        ready = self.prepared is not None and (by_bits or not self.prepared.words_only)
        pieces = [(0, self.items)] if ready else slabs(self.items, self.metric, self.options, by_bits=by_bits)
        for first, slab in pieces:
            items = slab if ready else transformed(slab, self.metric, search_statistics(self.metric, "y"), self.options)
            pair = screened(self.metric, self.queries, items, self.options)
            packed = self.prepared.packed_for(pair.screen) if ready and self.prepared is not None else None
            plan = plan_search(
                verb,
                pair.metric,
                (pair.x.n, pair.y.n, pair.x.d),
                (pair.x.dtype, pair.y.dtype),
                (pair.x.known, pair.y.known),
                threads=self.options.threads,
                memory_limit=self.options.memory,
                per_query=per_query,
                prepared=packed is not None,
                screen=pair.screen,
            )
            mask = self.mask
            if mask is not None and slab is not self.items:
                mask = np.ascontiguousarray(mask[..., first : first + slab.n])
            yield (
                first,
                Search(
                    self.metric,
                    pair.screen,
                    plan.slack,
                    pair.x,
                    pair.y,
                    pair.settle_x,
                    pair.settle_y,
                    Sizes(plan.threads, plan.chunk, plan.group, plan.block),
                    mask,
                    packed,
                ),
            )

    def original(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Item numbers as the caller counts them; -1 stays."""
        if self.kept_items is None or not len(self.kept_items):
            return indices
        return np.where(indices < 0, -1, self.kept_items[indices])


def _read_call(
    queries: Any, items: Any, metric: Any, where: Any, n_jobs: Any, memory_limit: Any, on_bad: Any, progress: Progress
) -> _Call:
    options = read_options(n_jobs, memory_limit, on_bad, progress)
    q = read(queries, "queries", packed=True)
    batch, metric, prepared = resolve_items(items, metric)
    same_dimension(q, batch, "queries", "items")
    found = metric_for(metric, q.d)
    lead = broadcast_lead(q, batch, "queries", "items")
    return _Call(q, batch, prepared, found, _read_mask(where, lead, q.rows, batch.rows), options, lead)


def topk(
    queries: Any,
    items: Any,
    k: int,
    *,
    metric: Any = None,
    where: Any = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> TopK:
    """The k items most alike to each query: exactly those that float64 arithmetic gives, ties to the lowest index.

    Pairs are ordered by the combined value before a strictly monotone finish (the sum of squares for Euclid, the
    distance for a Gaussian kernel), so that values which round alike keep their true order. A pair whose value is NaN
    is never found.

    Parameters
    ----------
    queries : array_like of shape (..., n, d), or (d,) for one
    items : array_like of shape (..., m, d), or what :func:`prepare` returned
    k : int
        At least 1.
    metric : str, Metric or callable
        A name of ``lw.metrics``, a metric, or a Python function of two numbers. Prepared items bring their own.
    where : array_like of bool, of shape (m,) or (..., n, m), optional
        Which items are admitted, for all queries or for each.
    n_jobs, memory_limit, on_bad, progress
        See :mod:`likewise.compute`.

    Returns
    -------
    TopK
        ``values`` (..., n, k) float64 and ``indices`` (..., n, k) int64, the best first; NaN and -1 where fewer than
        k items are admitted.

    Raises
    ------
    ShapeError, BadRowsError, DtypeError, UnknownMetricError, InputError
        Each says what was found and what to try.

    Examples
    --------
    >>> import likewise as lw
    >>> found = lw.topk([[0.0, 0.0]], [[3.0, 4.0], [1.0, 1.0], [9.0, 9.0]], 2, metric="manhattan")
    >>> found.indices, found.values
    (array([[1, 0]]), array([[2., 7.]]))
    """
    call = _read_call(queries, items, metric, where, n_jobs, memory_limit, on_bad, progress)
    k = read_count(k)
    shape = (*call.lead, call.queries.rows, k)
    if np.prod(shape, dtype=float) * 16 > physical_memory():
        raise InputError(f"a result of {' x '.join(map(str, shape))} does not fit in memory; ask for a smaller k")
    parts = [_topk(part, k) for part in call.parts()]
    values = _joined([p.values for p in parts], np.float64).reshape(shape)
    indices = _joined([p.indices for p in parts], np.int64).reshape(shape)
    if call.queries.vector:
        values, indices = values[..., 0, :], indices[..., 0, :]
    return TopK(give(values, call.queries, call.items), give(indices, call.queries, call.items))


def _joined(arrays: list[NDArray[Any]], dtype: type) -> NDArray[Any]:
    """Arrays one after another; a single one is not copied."""
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)


def _topk(part: _Part, k: int) -> TopK:
    from likewise.backends.llvm import search as engine

    reduction = Best(k)
    state = reduction.init(part.queries.n)
    at_most = max(1, min(k, part.items.n))
    for first, search in part.searches("topk", engine.state_bytes(at_most, 8)):
        keys, values, indices = engine.topk(search, at_most, part.options.progress)
        if first:
            found = (keys, values, np.where(indices < 0, -1, indices + first))
            state = reduction.merge(state, found)
        else:
            state = (keys, values, indices)  # merging with nothing changes nothing
    values, indices = reduction.finish(state)
    if part.mask is None:
        _warn_of_nan(indices, min(k, part.items.n), part.metric)
    indices = part.original(indices)
    if part.kept_queries is None:
        return TopK(values, indices)
    whole = TopK(np.full((part.rows, k), np.nan), np.full((part.rows, k), -1, np.int64))
    whole.values[part.kept_queries], whole.indices[part.kept_queries] = values, indices
    return whole


class NaNWarning(RuntimeWarning):
    """A formula gave NaN for so many pairs that rows could not be filled."""


def _warn_of_nan(indices: NDArray[np.int64], expected: int, metric: Metric) -> None:
    short = int(np.count_nonzero((indices >= 0).sum(axis=1) < expected))
    if short:
        warnings.warn(
            f"{metric.name} gave NaN for so many items that {short:,} rows have fewer than {expected} neighbours; "
            "guard the formula (0 / 0, a logarithm or root of a negative number) with lw.math.where",
            NaNWarning,
            stacklevel=caller_level(),
        )


def within(
    queries: Any,
    items: Any,
    radius: float,
    *,
    metric: Any = None,
    where: Any = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Within:
    """Every item at least as close as ``radius``: a value of at most it for a distance, at least it for a similarity.

    Parameters
    ----------
    queries : array_like of shape (..., n, d), or (d,) for one
    items : array_like of shape (..., m, d), or what :func:`prepare` returned
    radius : float
        In the metric's own units; the boundary belongs to it.
    metric, where, n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`.

    Returns
    -------
    Within
        ``values`` (hits,) float64, ``indices`` (hits,) int64, and ``offsets`` (n + 1,): query i (of all batches, in
        order) has hits ``offsets[i]:offsets[i + 1]``, the best first.

    Examples
    --------
    >>> import likewise as lw
    >>> found = lw.within([[0.0, 0.0]], [[3.0, 4.0], [1.0, 1.0], [9.0, 9.0]], 5.0, metric="euclidean")
    >>> found.indices, found.offsets
    (array([1, 0]), array([0, 2]))
    """
    call = _read_call(queries, items, metric, where, n_jobs, memory_limit, on_bad, progress)
    try:
        limit = float(radius)
    except (TypeError, ValueError):
        raise InputError(f"radius={radius!r} is not a number") from None
    if np.isnan(limit):
        raise InputError("radius is NaN; a number in the metric's units is wanted")
    parts = [_within(part, limit) for part in call.parts()]
    counts = np.concatenate([np.empty(0, np.int64), *(np.diff(p.offsets) for p in parts)])
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    values, indices = _joined([p.values for p in parts], np.float64), _joined([p.indices for p in parts], np.int64)
    return Within(*(give(array, call.queries, call.items) for array in (values, indices, offsets)))


def _within(part: _Part, radius: float) -> Within:
    from likewise.backends.llvm import search as engine

    parts = []
    for first, search in part.searches("within", 64):
        rows, keys, values, found = engine.within(search, radius, part.options.progress)
        parts.append((rows, keys, values, found + first))
    rows, keys, values, indices = (np.concatenate([p[i] for p in parts]) for i in range(4))
    values, indices, offsets = all_within(part.queries.n, rows, keys, values, indices)
    if part.kept_queries is not None:
        counts = np.zeros(part.rows, np.int64)
        counts[part.kept_queries] = np.diff(offsets)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return Within(values, part.original(indices), offsets)
