"""The k most alike, and all within a radius."""

from __future__ import annotations

import operator
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, broadcast_lead, give, read, same_dimension
from likewise.compute.coding import FEW_ITEMS, choose_coding, code, coded_bytes, may_code
from likewise.compute.filters import Where, read_where
from likewise.compute.options import Options, Progress, read_options
from likewise.compute.partial import choose_heads, codes_are_quick, may_hold
from likewise.compute.prepared import Prepared, resolve_items
from likewise.compute.sides import (
    Pair,
    as_rows,
    batches,
    counts_bits,
    good_rows,
    metric_for,
    refuse_too_large,
    screened,
    search_statistics,
    side_of,
    slab_rows,
    slabs,
    transformed,
    warn_of_nan,
)
from likewise.compute.sparse import takes_sparse, topk_sparse
from likewise.errors import DtypeError, InputError
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric
from likewise.formula.screen import choose
from likewise.plan import DEFAULT_MEMORY, plan_search
from likewise.reductions import Best, CountedTopK, Counts, TopK, Within, all_within, best_of_pairs

if TYPE_CHECKING:
    from likewise.backends.llvm.codes import CodedItems
    from likewise.backends.llvm.filters import Filter
    from likewise.backends.llvm.partial import PartialItems
    from likewise.backends.llvm.rows import Side
    from likewise.backends.llvm.search import Search

Rows = NDArray[np.int64] | None
BestState = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
_Pairs = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def read_count(k: Any) -> int:
    """``k=`` as a positive whole number."""
    try:
        number = operator.index(k)
    except TypeError:
        raise InputError(f"k={k!r} is not a whole number") from None
    if isinstance(k, (bool, np.bool_)) or number < 1:
        raise InputError(f"k={k!r}; at least 1 neighbour is to be found")
    return number


@dataclass
class _Call:
    """A search call, checked: its options, and one or more pairs of row sets to go through."""

    queries: Batch
    items: Batch
    prepared: Prepared | None
    metric: Metric
    where: Where
    options: Options
    lead: tuple[int, ...]

    def parts(self) -> Iterator[_Part]:
        """One part for shared items (all queries of all batches together), else one per batch."""
        if not self.items.lead:
            yield self._part(self.queries.flat(), self.items.array, None, self.prepared)
            return
        for index, x, y in batches(self.queries, self.items, ("queries", "items")):
            yield self._part(x, y, index, None)

    def _part(
        self, x: NDArray[Any], y: NDArray[Any], index: tuple[int, ...] | None, prepared: Prepared | None
    ) -> _Part:
        options, metric = self.options, self.metric
        wanted, others = search_statistics(metric, "x"), search_statistics(metric, "y")
        if self.where.own:
            wanted = wanted | others
        queries, kept_queries = self._queries(x, wanted, prepared)
        if prepared is not None:
            items, kept_items = prepared.side, prepared.kept
        elif self.where.own:
            items, kept_items = queries, kept_queries
        else:
            items, kept_items = good_rows(side_of(self.items, y, "items", others, options), others, options)
        where = self.where.filter(index, kept_queries, kept_items)
        if not counts_bits(metric, queries, items):
            queries = as_rows(queries, wanted, options)
        queries = transformed(queries, metric, search_statistics(metric, "x"), options)
        return _gathered(_Part(metric, queries, items, where, prepared, options, len(x), kept_queries, kept_items))

    def _queries(self, x: NDArray[Any], wanted: frozenset[str], prepared: Prepared | None) -> tuple[Side, Rows]:
        """The queries, measured, and the number each good one had before."""
        from likewise.backends.llvm.bits import BitSide, rows_of

        if self.where.own and prepared is not None and isinstance(prepared.side, BitSide):  # words are all it kept
            return rows_of(prepared.side, wanted, self.options.threads), prepared.kept
        return good_rows(side_of(self.queries, x, "queries", wanted, self.options), wanted, self.options)


@dataclass
class _Part:
    """One set of queries against one set of items, bad rows gone."""

    metric: Metric
    queries: Side
    items: Side
    where: Filter | None
    prepared: Prepared | None
    options: Options
    rows: int  # queries as they came
    kept_queries: Rows
    kept_items: Rows  # the caller's number of each item that is searched, where not simply counted
    admitted: Rows = None  # the items that are gathered to be searched; None: all of them
    keep: dict[Any, Any] | None = None  # packed queries, for a search of the same ones
    counts: Counts = field(default_factory=Counts)

    @property
    def by_bits(self) -> bool:
        """Whether its pairs are compared by counting bits."""
        return counts_bits(self.metric, self.queries, self.items)

    @property
    def ready(self) -> bool:
        """Whether the items are prepared, and in a way that serves these queries."""
        return self.prepared is not None and (self.by_bits or not self.prepared.words_only)

    @property
    def count(self) -> int:
        """Items that are searched."""
        return self.items.n if self.admitted is None else len(self.admitted)

    def of(self, queries: NDArray[np.int64]) -> _Part:
        """The part of some of the queries."""
        from likewise.backends.llvm.rows import take

        where = None if self.where is None else self.where.take(queries)
        return replace(self, queries=take(self.queries, queries), where=where)

    def slabs(self) -> Iterator[tuple[int, Side]]:
        """(first item, its rows as they settle) of one slab of the items after another."""
        from likewise.backends.llvm.rows import take

        wanted = search_statistics(self.metric, "y")
        ready = self.ready  # multiplied by the metric's matrix already
        if self.admitted is not None:
            step = slab_rows(self.items, self.metric, self.options, copied=True)
            for first in range(0, len(self.admitted), step):
                slab = take(self.items, self.admitted[first : first + step])
                yield first, slab if ready else transformed(slab, self.metric, wanted, self.options)
        elif ready:
            yield 0, self.items
        else:
            for first, slab in slabs(self.items, self.metric, self.options, by_bits=self.by_bits):
                yield first, transformed(slab, self.metric, wanted, self.options)

    def _codes(self, pair: Pair, k: int) -> tuple[CodedItems | None, NDArray[Any] | None]:
        """The items of a search in 8-bit codes, and as float32 rows, where that is quicker and there is room."""
        threads, prepared = self.options.threads, self.prepared
        if prepared is not None and self.admitted is None:
            codes = prepared.codes_for(pair.screen, pair.metric, k)
            return codes, None if codes is None else prepared.rows_for(pair.screen, threads)
        if prepared is not None and self.admitted is not None and FEW_ITEMS <= pair.y.n == len(self.admitted):
            ready = prepared.codes_for(pair.screen, pair.metric, k, pair.y.n)
            some = None if ready is None else ready.take(self.admitted, threads)
            if some is not None:
                return some, None
        most = (self.options.memory or DEFAULT_MEMORY) * 3 // 4  # the rest is for queries
        x, y = pair.x.known, pair.y.known
        if y.whole and not (x.whole and y.low <= x.low and x.high <= y.low + 255):
            most -= 4 * pair.y.n * pair.y.d  # not in integers to the end: scored from float32 rows
        found = choose_coding(pair.metric, pair.screen, pair.y, k, pair.x.n, threads, most)
        return (None, None) if found is None else (code(pair.screen, pair.y, found[0], threads), None)

    def _partial(self, pair: Pair, k: int) -> PartialItems | None:
        """The items of a search by partial sums, where that is the quicker way."""
        from likewise.backends.llvm.partial import arrange_items

        prepared, x, y = self.prepared, pair.x, pair.y
        if prepared is not None and self.admitted is None:
            return prepared.partial_for(pair.screen, pair.metric, x.known, k)
        if not may_hold(pair.screen, y.n, y.d, self.options.memory):
            return None
        if codes_are_quick(pair.metric, pair.screen, x.n, y.n, y.d, k):
            return None
        found = choose_heads(pair.metric, pair.screen, x.known, y, k, x.n, self.options.threads)
        return found and arrange_items(y, pair.metric, pair.screen, found[0], self.options.threads)

    def searches(self, verb: str, per_query: int, k: int = 0) -> Iterator[tuple[int, Search]]:
        """(first item, search) for each slab of items."""
        from likewise.backends.llvm.search import Search, Sizes

        for first, items in self.slabs():
            pair = screened(self.metric, self.queries, items, self.options)
            whole = self.ready and self.admitted is None
            packed = self.prepared.packed_for(pair.screen) if whole and self.prepared is not None else None
            partial = self._partial(pair, k) if verb == "topk" else None
            codes, rows = self._codes(pair, k) if partial is None else (None, None)
            memory, state = self.options.memory, per_query
            if codes is not None:
                state += codes.query_bytes(k, pair.y.n)
                if not whole:
                    memory = max((memory or DEFAULT_MEMORY) - coded_bytes(codes.coding, pair.y, pair.screen), 1)
            plan = plan_search(
                verb,
                pair.metric,
                (pair.x.n, pair.y.n, pair.x.d),
                (pair.x.dtype, pair.y.dtype),
                (pair.x.known, pair.y.known),
                threads=self.options.threads,
                memory_limit=memory,
                per_query=state,
                prepared=packed is not None,
                screen=pair.screen,
            )
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
                    None if self.where is None else replace(self.where, first=first),
                    packed,
                    self.keep,
                    codes,
                    rows,
                    self.counts,
                    partial,
                ),
            )

    def few(self) -> NDArray[np.int64]:
        """Queries that may find so few items that these are compared pair by pair."""
        if self.where is None or (self.where.mask is None and self.where.lists is None) or not self.queries.n:
            return np.empty(0, np.int64)
        share = min(_MOST_LISTED, _search_cost(self, 0.01) / (self.queries.n * _PAIRS))
        return np.flatnonzero(self.where.admitted_counts() <= share * self.where.m)

    def listed(self, rows: NDArray[np.int64]) -> Iterator[tuple[int, slice, _Pairs]]:
        """All that those queries may find, some queries at a time: (first item, which of ``rows``, pairs).

        Pairs are (row, keys, values, items): rows count within the slice, items from the first.
        """
        from likewise.backends.llvm.pool import Counter
        from likewise.backends.llvm.search import settled_pairs

        assert self.where is not None
        done = Counter(len(rows) * self.count, self.options.progress)
        cells = max(1 << 16, (self.options.memory or DEFAULT_MEMORY) // 64)
        for first, items in self.slabs():
            where = replace(self.where, first=first)
            for here, row, item in where.pairs(rows, first + items.n, cells):
                some = rows[here]
                keys, values = settled_pairs(self.metric, self.queries, items, some[row], item, self.options.threads)
                yield first, here, (row, keys, values, item)
                done.add(len(some) * items.n)
                done.report()

    def original(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Item numbers as the caller counts them; -1 stays."""
        if self.kept_items is None or not len(self.kept_items):
            return indices
        return np.where(indices < 0, -1, self.kept_items[indices])


#: What things cost, in the time that a query of many takes to be compared with all items; measured with 16 to 784
#: coordinates by several metrics. All pairs of a query one by one, where they are listed: 30 to 150.
_PAIRS = 80
#: To pack all items; to bring prepared ones from memory; to copy all.
_PACK, _READ, _COPY = 150, 25, 160
#: Listed pairs take memory: at most this share of all.
_MOST_LISTED = 0.1


#: The same by 8-bit codes, as a share: of prepared items by their principal coordinates, and by all of them. With few
#: admitted the threshold is looser, and more pairs are listed: by the root of 1 / share.
_CODED, _CODED_FLAT = 0.12, 0.4


def _search_cost(part: _Part, share: float = 1.0) -> float:
    """Of comparing all queries with all items, a ``share`` of them admitted."""
    n, prepared = part.queries.n, part.prepared
    if prepared is not None and prepared.codes is not None:
        coded = _CODED if prepared.codes.coding.basis is not None else _CODED_FLAT
        return float(n * coded / np.sqrt(max(share, 1e-6)) + _READ)
    return n + (_PACK if prepared is None else _READ)


def _in_whole_numbers(part: _Part) -> bool:
    """Whether the items are coded without loss, so that some of them can be searched by their codes alone."""
    codes = None if part.prepared is None else part.prepared.codes
    return codes is not None and codes.coding.exact is not None


def _gathered(part: _Part) -> _Part:
    """The part with the items that a mask for all queries admits gathered, if that is worth its while."""
    from likewise.backends.llvm.bits import BitSide

    where, n = part.where, part.queries.n
    if where is None or not where.shared or not n or isinstance(part.items, BitSide):
        return part  # words of bits are quicker compared than gathered
    admitted = where.admitted_items()
    share = len(admitted) / max(part.items.n, 1)
    coded = _in_whole_numbers(part) or may_code(part.metric, choose(part.metric), len(admitted), part.items.d, 1)
    alone = _CODED_FLAT if coded and len(admitted) >= FEW_ITEMS else 1.0
    dense, gathered = _search_cost(part, share), share * (n * alone + _PACK + _COPY)
    listed = share * n * _PAIRS
    if gathered > dense or (gathered > listed and share < _MOST_LISTED):
        return part
    numbers = admitted if part.kept_items is None else part.kept_items[admitted]
    left = None if where.lists is None and where.own is None else replace(where, mask=None, numbers=numbers)
    return replace(part, where=left, kept_items=numbers, admitted=admitted)


def _read_call(
    queries: Any, items: Any, metric: Any, where: Any, n_jobs: Any, memory_limit: Any, on_bad: Any, progress: Progress
) -> _Call:
    options = read_options(n_jobs, memory_limit, on_bad, progress)
    own = items is None
    if own and isinstance(queries, Prepared):
        batch, metric, prepared = resolve_items(queries, metric)
        q = batch
    else:
        q = read(queries, "queries", packed=True)
        batch, metric, prepared = (q, metric, None) if own else resolve_items(items, metric)
    same_dimension(q, batch, "queries", "items")
    found = metric_for(metric, q.d)
    lead = broadcast_lead(q, batch, "queries", "items")
    return _Call(q, batch, prepared, found, read_where(where, lead, q.rows, batch.rows, own=own), options, lead)


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
    stats: bool = False,
) -> TopK:
    """The k items most alike to each query: exactly those that float64 arithmetic gives, ties to the lowest index.

    Pairs are ordered by the combined value before a strictly monotone finish (the sum of squares for Euclid, the
    distance for a Gaussian kernel), so that values which round alike keep their true order. A pair whose value is NaN
    is never found.

    Parameters
    ----------
    queries : array_like of shape (..., n, d), or (d,) for one
    items : array_like of shape (..., m, d), or what :func:`prepare` returned
        Prepared items save the time that checking and packing or coding take, and are coded where that pays over many
        searches; the answer is the same. None compares the queries with each other (they may be prepared), each batch
        by itself: no row is in its own list, though rows equal to it may be. Queries, items or both may be SciPy's
        sparse matrices, for a sum of terms that are 0 where x or y is (dot, cosine, angular; where all numbers are 1,
        also jaccard and others).
    k : int
        At least 1.
    metric : str, Metric or callable
        A name of ``lw.metrics``, a metric, or a Python function of two numbers. Prepared items bring their own.
    where : array_like of bool, of shape (m,) or (..., n, m), or a tuple (offsets, indices), optional
        Which items are admitted, for all queries or for each. Or which are not: query i (of all batches, in order)
        leaves out items ``indices[offsets[i]:offsets[i + 1]]``, in any order, as what a user has seen already.
    n_jobs, memory_limit, on_bad, progress
        See :mod:`likewise.compute`.
    stats : bool
        Whether the result is to have an attribute ``stats``: what the search did, to see why it was fast or not.
        It prints as a line, and has ``pairs``, ``screened`` (of these, compared in 8-bit integers), ``listed`` (not
        excluded so), ``scored`` (in float32 or in full integers), ``settled`` (in float64), ``seconds`` and others:
        :class:`likewise.reductions.Counts`.

    Returns
    -------
    TopK
        ``values`` (..., n, k) float64 and ``indices`` (..., n, k) int64, the best first; NaN and -1 where fewer than
        k items are admitted. With ``stats``, the same with that attribute.

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

    Each row's nearest among the others; then the same but for what each has seen: row 0 has seen 1.

    >>> rows = [[0.0, 0.0], [1.0, 1.0], [3.0, 4.0]]
    >>> lw.topk(rows, None, 1, metric="manhattan").indices.ravel()
    array([1, 0, 1])
    >>> lw.topk(rows, None, 1, metric="manhattan", where=([0, 1, 1, 1], [1])).indices.ravel()
    array([2, 0, 1])
    """
    plain = where is None and memory_limit is None and progress is None and not stats
    if plain and type(items) is Prepared and type(queries) is np.ndarray:
        answer = _one(queries, items, k, metric, n_jobs, on_bad)
        if answer is not None:
            return answer
    if takes_sparse(queries) or takes_sparse(items):
        k = read_count(k)
        return topk_sparse(queries, items, k, metric, where, n_jobs, memory_limit, on_bad, progress, stats)
    call = _read_call(queries, items, metric, where, n_jobs, memory_limit, on_bad, progress)
    k = read_count(k)
    shape = (*call.lead, call.queries.rows, k)
    refuse_too_large(shape)
    counts, begun = Counts(), time.perf_counter()
    parts = [_topk(replace(part, counts=counts), k) for part in call.parts()]
    values = _joined([p.values for p in parts], np.float64).reshape(shape)
    indices = _joined([p.indices for p in parts], np.int64).reshape(shape)
    if call.queries.vector:
        values, indices = values[..., 0, :], indices[..., 0, :]
    found = give(values, call.queries, call.items), give(indices, call.queries, call.items)
    return _counted(found, counts, call, time.perf_counter() - begun) if stats else TopK(*found)


def _one(query: NDArray[Any], items: Prepared, k: Any, metric: Any, n_jobs: Any, on_bad: Any) -> TopK | None:
    """The answer to one float32 query of prepared items by the shortest way; None where there is more to it."""
    usual = query.dtype == np.float32 and query.size == items.batch.d and query.ndim <= 2 and type(k) is int and k >= 1
    usual = usual and (n_jobs is None or (type(n_jobs) is int and n_jobs != 0))
    if not usual or on_bad not in ("raise", "skip") or (metric is not None and as_metric(metric) != items.metric):
        return None
    single = items.single(k, n_jobs)
    found = None if single is None else single.topk(query.reshape(-1))
    if found is None:
        return None
    values, indices = found
    return TopK(values, indices) if query.ndim == 1 else TopK(values[None], indices[None])


def _counted(found: tuple[Any, Any], counts: Counts, call: _Call, seconds: float) -> CountedTopK:
    """The result with what the search did."""
    from likewise import rates

    queries, items, metric = call.queries, call.items, call.metric
    counts.pairs = int(np.prod(call.lead, dtype=np.int64)) * queries.rows * items.rows
    counts.seconds, counts.threads = seconds, call.options.threads
    if counts.screened:
        counts.peak = rates.integer_rate(counts.kind)
    else:
        screen = choose(metric)
        counts.peak = rates.known_rate(metric, "f64" if screen.compute == "f64" else "f32")
    made = CountedTopK(*found)
    made.stats = counts
    return made


def _joined(arrays: list[NDArray[Any]], dtype: type) -> NDArray[Any]:
    """Arrays one after another; a single one is not copied."""
    if len(arrays) == 1:
        return arrays[0]
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)


def _topk(part: _Part, k: int) -> TopK:
    reduction = Best(k)
    few = part.few()
    if len(few) == part.queries.n and len(few):
        state = _best_listed(part, few, reduction)
    elif len(few):
        state = _nothing(part.queries.n, k)
        rest = np.setdiff1d(np.arange(part.queries.n), few)
        found = _best_listed(part, few, reduction), _best_searched(part.of(rest), reduction)
        for rows, pieces in zip((few, rest), found, strict=True):
            for array, piece in zip(state, pieces, strict=True):
                array[rows, : piece.shape[1]] = piece
    else:
        state = _best_searched(part, reduction)
    values, indices = reduction.finish(state)
    where = part.where
    if part.admitted is None and (where is None or (where.mask is None and where.lists is None)):
        warn_of_nan(indices, min(k, part.items.n - (where is not None)), part.metric)
    indices = part.original(indices)
    if part.kept_queries is None:
        return TopK(values, indices)
    whole = TopK(np.full((part.rows, k), np.nan), np.full((part.rows, k), -1, np.int64))
    whole.values[part.kept_queries], whole.indices[part.kept_queries] = values, indices
    return whole


def _best_searched(part: _Part, reduction: Best) -> BestState:
    """The best of each query by a search of all pairs."""
    from likewise.backends.llvm import search as engine
    from likewise.backends.llvm.candidates import state_bytes

    state = reduction.init(part.queries.n)
    at_most = max(1, min(reduction.k, part.count))
    for first, search in part.searches("topk", state_bytes(at_most, part.count, 8), at_most):
        keys, values, indices = engine.topk(search, at_most, part.options.progress)
        if first:
            found = (keys, values, np.where(indices < 0, -1, indices + first))
            state = reduction.merge(state, found)
        else:
            state = (keys, values, indices)  # merging with nothing changes nothing
    return state


def _nothing(n: int, k: int) -> BestState:
    return np.full((n, k), np.nan), np.full((n, k), np.nan), np.full((n, k), -1, np.int64)


def _best_listed(part: _Part, rows: NDArray[np.int64], reduction: Best) -> BestState:
    """The best of those queries by comparing only the pairs that are admitted."""
    k = reduction.k
    state = _nothing(len(rows), k)
    for first, here, (row, keys, values, items) in part.listed(rows):
        found = best_of_pairs(k, here.stop - here.start, row, keys, values, items + first)
        if first:
            found = reduction.merge((state[0][here], state[1][here], state[2][here]), found)
        for array, piece in zip(state, found, strict=True):
            array[here] = piece
    return state


def nearest(
    queries: Side, items: Side, metric: Metric, options: Options, keep: dict[Any, Any] | None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """(value, index) of the item nearest to each query: (n,) each, of sides that are measured and have no bad rows.

    ``keep`` holds packed queries from one call to the next; it belongs to one set of them.
    """
    found = _topk(_Part(metric, queries, items, None, None, options, queries.n, None, None, keep=keep), 1)
    return found.values[:, 0], found.indices[:, 0]


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
        None compares the queries with each other, as for :func:`topk`: each row leaves itself out.
    radius : float
        In the metric's own units; the boundary belongs to it.
    where : array_like of bool, of shape (m,) or (..., n, m), or a tuple (offsets, indices), optional
        As for :func:`topk`: which items are admitted, or lists of those that each query leaves out.
    metric, n_jobs, memory_limit, on_bad, progress
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
    if takes_sparse(queries) or takes_sparse(items):
        raise DtypeError("within compares dense rows, and these are sparse: use .toarray(), or topk")
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
    few = part.few()
    none = np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.int64)
    parts: list[_Pairs] = [none]
    if len(few):
        parts += _within_listed(part, few, radius)
    if len(few) < part.queries.n or not len(few):
        rest = None if not len(few) else np.setdiff1d(np.arange(part.queries.n), few)
        parts += _within_searched(part, rest, radius)
    rows, keys, values, indices = (np.concatenate([p[i] for p in parts]) for i in range(4))
    values, indices, offsets = all_within(part.queries.n, rows, keys, values, indices)
    if part.kept_queries is not None:
        counts = np.zeros(part.rows, np.int64)
        counts[part.kept_queries] = np.diff(offsets)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return Within(values, part.original(indices), offsets)


def _within_searched(part: _Part, rest: Rows, radius: float) -> Iterator[_Pairs]:
    """Pairs within the radius of the queries ``rest``, or of all."""
    from likewise.backends.llvm import search as engine

    for first, search in (part if rest is None else part.of(rest)).searches("within", 64):
        rows, keys, values, found = engine.within(search, radius, part.options.progress)
        yield rows if rest is None else rest[rows], keys, values, found + first


def _within_listed(part: _Part, few: NDArray[np.int64], radius: float) -> Iterator[_Pairs]:
    """The same of queries that may find only few items, pair by pair."""
    for first, here, (row, keys, values, items) in part.listed(few):
        inside = values <= radius if part.metric.closer == "smaller" else values >= radius
        yield few[here][row[inside]], keys[inside], values[inside], items[inside] + first
