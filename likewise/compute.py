"""The verbs: check what came in, plan, run.

Every verb takes ``metric=`` (a name, a metric, or a Python function of two numbers), ``n_jobs=`` (threads; default
every core), ``memory_limit=`` (bytes or "500MB", for what is used beyond inputs and outputs), ``on_bad=`` ("raise" on
NaN and infinite rows, or "skip" them) and ``progress=`` (True, or a function of pairs done and pairs in all).
"""

from __future__ import annotations

import operator
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, broadcast_lead, give, parse_memory, read, same_dimension
from likewise.backends import reference
from likewise.errors import BadRowsError, InputError, ShapeError
from likewise.formula.expr import ACC, DIM, Expr, X, Y, stat
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric
from likewise.formula.screen import Core, Rows, Screen, choose, factor, scales_of, slack
from likewise.plan import DEFAULT_MEMORY, Plan, plan_search, statistics_wanted
from likewise.reductions import Best, TopK, Within

Progress = bool | Callable[[int, int], None] | None
_FLOAT32 = ("float32", "float16", "bfloat16")


# ------------------------------------------------------------------------------------------------ options


@dataclass(frozen=True)
class _Options:
    threads: int
    memory: int | None
    skip_bad: bool
    progress: Callable[[int, int], None] | None


def _options(n_jobs: Any, memory_limit: Any, on_bad: Any, progress: Progress) -> _Options:
    from likewise.backends.llvm.pool import resolve_jobs

    if on_bad not in ("raise", "skip"):
        raise InputError(f"on_bad={on_bad!r} is not known; it is 'raise' or 'skip'")
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise InputError("progress= takes True or a function of (done, total)")
    shown = _Bar() if progress is True else progress or None
    return _Options(resolve_jobs(n_jobs), parse_memory(memory_limit), on_bad == "skip", shown or None)


class _Bar:
    """A line on standard error, for work of over a second."""

    def __init__(self) -> None:
        self.start = self.last = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        finished = done >= total
        if now - self.start < 1 or (now - self.last < 0.1 and not finished):
            return
        self.last = now
        share = done / total if total else 1.0
        left = (now - self.start) * (1 - share) / share if share else 0.0
        sys.stderr.write(f"\r{share:6.1%}  {now - self.start:.0f} s, {left:.0f} s left " + ("\n" if finished else ""))
        sys.stderr.flush()


# ------------------------------------------------------------------------------------------------ sides


def _metric_for(metric: Any, d: int) -> Metric:
    if metric is None:
        raise InputError("metric= is missing: a name such as 'euclidean', a metric, or a function of two numbers")
    found = as_metric(metric)
    if found.matrix is not None and found.matrix.shape[0] != d:
        raise ShapeError(f"{found.name}'s matrix has shape {found.matrix.shape}, for vectors of {found.matrix.shape[0]} coordinates; these have {d}")
    return found


def _numbers(rows: NDArray[np.int64]) -> str:
    shown = ", ".join(map(str, rows[:10]))
    return f"row{'s' * (len(rows) > 1)} {shown}" + (f" and {len(rows) - 10:,} more" if len(rows) > 10 else "")


def _check_rows(side: Any, name: str, options: _Options) -> None:
    """Raise for rows with NaN or infinities, unless they are to be skipped."""
    if len(side.bad) and not options.skip_bad:
        raise BadRowsError(
            f"{name} has NaN or infinite values in {_numbers(side.bad)}; mend them, or pass on_bad='skip'",
            [int(i) for i in side.bad],
        )


def _measured(rows: NDArray[Any], dtype: str, name: str, wanted: frozenset[str], options: _Options) -> Any:
    from likewise.backends.llvm.rows import measure

    side = measure(rows, dtype, wanted, options.threads)
    _check_rows(side, name, options)
    return side


#: What a call may turn out to need of each row for its bound, before the data have been seen.
_ALWAYS = frozenset({"norm"})


def _wanted(metric: Metric) -> dict[str, frozenset[str]]:
    """Statistics to gather on the one pass over the data: the formula's own, and the norm of a possible bound."""
    core = factor(metric)
    names = {side: {s[:-2] for s in metric.stats if s.endswith(side)} for side in "xy"}
    if metric.matrix is not None or not core.identity:
        return {side: frozenset(found) for side, found in names.items()}
    possible = {"norm"} if core.terms[0].op == "mul" else {"norm1"} if metric.combine != "max" else {"linf"}
    return {side: frozenset(found | possible) for side, found in names.items()}


@dataclass(frozen=True)
class _Pair:
    """Both sides of a search, ready to screen and to settle, and how to screen them."""

    screen: Screen
    x: Any
    y: Any
    settle_x: Any
    settle_y: Any


def _transformed(side: Any, metric: Metric, wanted: frozenset[str], options: _Options) -> Any:
    """The side multiplied by the metric's matrix, measured."""
    from likewise.backends.llvm.dense import multiply
    from likewise.backends.llvm.rows import measure

    if metric.matrix is None:
        return side
    rows = multiply(side, metric.matrix, options.threads)
    return measure(rows, "float64", wanted | {"norm", "norm1", "linf"}, options.threads)


def _pair(metric: Metric, x: Any, y: Any, options: _Options) -> _Pair:
    """Choose the screen and prepare what it packs; x and y are already multiplied by the metric's matrix."""
    from likewise.backends.llvm.rows import mapped, measure

    screen = choose(metric, x.known, y.known, x.d)
    if screen.kind in ("dot", "difference") and screen.scale_x is None and not screen.core.identity:
        # what packing would compute is kept, since its norms are needed: float32 screens of sqrt(x), log(y)...
        norms = frozenset({"norm", "norm1", "linf"})
        ux = measure(mapped(x, screen.core.u, "x", options.threads), "float64", norms, options.threads)
        uy = measure(mapped(y, screen.core.v, "y", options.threads), "float64", norms, options.threads)
        plain = replace(metric, terms=screen.core.terms, matrix=None)
        again = choose(plain, ux.known, uy.known, x.d)
        if len(ux.bad) or len(uy.bad) or again.kind != screen.kind:
            again_direct = choose(metric, Rows(False, False, -np.inf, np.inf), Rows(False, False, -np.inf, np.inf), x.d)
            return _Pair(again_direct, x, y, x, y)
        core = Core(X, Y, screen.core.terms)
        return _Pair(replace(screen, core=core), ux, uy, x, y)
    return _Pair(screen, x, y, x, y)


def _search(metric: Metric, pair: _Pair, plan: Plan, where: Any, packed: Any = None) -> Any:
    from likewise.backends.llvm.search import Search, Sizes

    sizes = Sizes(plan.threads, plan.chunk, plan.group, plan.block)
    return Search(
        metric, pair.screen, plan.slack, pair.x, pair.y, pair.settle_x, pair.settle_y, sizes, where, packed
    )


def _plan_for(verb: str, metric: Metric, pair: _Pair, options: _Options, per_query: int, prepared: bool = False) -> Plan:
    x, y = pair.x, pair.y
    own = metric if pair.screen.core == factor(metric) else replace(metric, terms=pair.screen.core.terms, matrix=None)
    made = plan_search(
        verb,
        own,
        x.n,
        y.n,
        x.d,
        x.dtype,
        y.dtype,
        x.known,
        y.known,
        threads=options.threads,
        memory_limit=options.memory,
        per_query=per_query,
        prepared=prepared,
        screen=pair.screen,
    )
    return replace(made, metric=metric)


# ------------------------------------------------------------------------------------------------ prepare


class Prepared:
    """Items checked, measured and packed once for one metric; pass it wherever ``items`` is wanted.

    Made by :func:`prepare`. It keeps a reference to the rows themselves, which settle the answers.
    """

    def __init__(self, batch: Batch, metric: Metric, side: Any, original: NDArray[np.int64] | None, threads: int) -> None:
        from likewise.backends.llvm.search import Packed, item_packer

        self.batch = batch
        self.metric = metric
        self.side = side
        self.original = original  # index of each kept row, where bad ones were skipped
        ordinary = Rows(True, False, -1.0, 1.0)
        query_like = ordinary if side.known.exact else Rows(False, False, -1.0, 1.0)
        self.screen = choose(metric, query_like, side.known, side.d)
        self.pack: Any = None
        mapped_first = self.screen.scale_x is None and not self.screen.core.identity
        if not (self.screen.kind in ("dot", "difference") and mapped_first):
            packer = item_packer(side, metric, self.screen)
            from likewise.backends.llvm import kernels

            names = kernels.stat_fields(self.screen.key)
            data = packer.pack(0, side.n, threads)
            stats = packer.padded_stats(names, 0, side.n, packer.lanes)
            self.pack = Packed(data, 0, side.n, stats)

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, d) of the items given."""
        return (self.batch.rows, self.batch.d)

    @property
    def nbytes(self) -> int:
        """Memory held beyond the rows given."""
        own = 0 if self.pack is None else int(self.pack.data.nbytes)
        return own + sum(int(a.nbytes) for a in self.side.stats.values())

    def __len__(self) -> int:
        return self.batch.rows

    def __repr__(self) -> str:
        return f"<prepared: {self.batch.rows:,} x {self.batch.d} {self.batch.dtype} for {self.metric.name}>"


def prepare(items: Any, *, metric: Any, n_jobs: int | None = None, on_bad: str = "raise") -> Prepared:
    """Check and pack items once, for many searches by one metric.

    Parameters
    ----------
    items : array_like of shape (m, d)
    metric : str, Metric or callable
    n_jobs : int, optional
        Threads; default every core.
    on_bad : {"raise", "skip"}
        What to do about rows with NaN or infinite values; a skipped row is never found.

    Returns
    -------
    Prepared
        To be passed as ``items`` to :func:`topk` and :func:`within`, with the same metric or none.

    Examples
    --------
    >>> import likewise as lw
    >>> shelf = lw.prepare([[0.0, 0.0], [3.0, 4.0]], metric="euclidean")
    >>> lw.topk([[0.0, 1.0]], shelf, 1).indices
    array([[0]])
    """
    options = _options(n_jobs, None, on_bad, None)
    batch = read(items, "items")
    if batch.lead:
        raise ShapeError(f"prepare takes one set of items, of shape (m, d); found {batch.array.shape}")
    found = _metric_for(metric, batch.d)
    side = _measured(batch.array, batch.dtype, "items", _wanted(found)["y"], options)
    side, original = _without_bad(side, options, found, "y")
    side = _transformed(side, found, _wanted(found)["y"], options)
    return Prepared(batch, found, side, original, options.threads)


def _without_bad(side: Any, options: _Options, metric: Metric, which: str) -> tuple[Any, NDArray[np.int64] | None]:
    """The side without its bad rows, and the original index of each row left; None where all are."""
    from likewise.backends.llvm.rows import measure

    if not len(side.bad):
        return side, None
    good = np.setdiff1d(np.arange(side.n), side.bad)
    rows = np.ascontiguousarray(side.rows[good])
    return measure(rows, side.dtype, _wanted(metric)[which], options.threads), good


# ------------------------------------------------------------------------------------------------ topk, within


def _count(k: Any) -> int:
    try:
        count = operator.index(k)
    except TypeError:
        raise InputError(f"k={k!r} is not a whole number") from None
    if isinstance(k, bool) or count < 1:
        raise InputError(f"k={k!r}; at least 1 neighbour is to be found")
    return count


def _mask(where: Any, lead: tuple[int, ...], n: int, m: int) -> NDArray[np.bool_] | None:
    if where is None:
        return None
    mask = np.asarray(where)
    if mask.dtype != np.bool_:
        raise InputError(f"where= is of type {mask.dtype}; it is a boolean mask of shape ({m},) or ({n}, {m}), True = admitted")
    try:
        np.broadcast_shapes(mask.shape, (*lead, n, m))
    except ValueError:
        mask_fits = False
    else:
        mask_fits = mask.ndim <= len(lead) + 2 and mask.shape[-1:] == (m,)
    if not mask_fits:
        raise ShapeError(f"where= has shape {mask.shape}; a boolean mask of shape ({m},) or {(*lead, n, m)} is wanted")
    return mask


def _batches(x: Batch, y: Batch, names: tuple[str, str]) -> Iterator[tuple[tuple[int, ...], NDArray[Any], NDArray[Any]]]:
    """(index in the broadcast batch, rows of x, rows of y), one pair at a time."""
    lead = broadcast_lead(x, y, *names)
    xs = np.broadcast_to(x.array, (*lead, *x.array.shape[-2:]))
    ys = np.broadcast_to(y.array, (*lead, *y.array.shape[-2:]))
    for index in np.ndindex(*lead):
        yield index, np.ascontiguousarray(xs[index]), np.ascontiguousarray(ys[index])


def _resolve_items(items: Any, metric: Any) -> tuple[Batch, Any, Prepared | None]:
    if isinstance(items, Prepared):
        if metric is not None and as_metric(metric) != items.metric:
            raise InputError(
                f"these items were prepared for {items.metric.name}, not for {as_metric(metric).name}; prepare them again"
            )
        return items.batch, items.metric, items
    return read(items, "items"), metric, None


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
        A name of ``lw.metrics``, a metric, or a Python function of two numbers.
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
    options = _options(n_jobs, memory_limit, on_bad, progress)
    k = _count(k)
    q = read(queries, "queries")
    batch, metric, prepared = _resolve_items(items, metric)
    same_dimension(q, batch, "queries", "items")
    found = _metric_for(metric, q.d)
    lead = broadcast_lead(q, batch, "queries", "items")
    shape = (*lead, q.rows)
    mask = _mask(where, lead, q.rows, batch.rows)
    if not batch.lead:
        if mask is not None and mask.ndim > 1:
            mask = np.ascontiguousarray(np.broadcast_to(mask, (*shape, batch.rows))).reshape(-1, batch.rows)
        part = _topk_rows(q.flat(), q.dtype, batch.array, batch.dtype, prepared, k, found, mask, options)
        result = TopK(part.values.reshape(*shape, k), part.indices.reshape(*shape, k))
    else:
        result = TopK(np.empty((*shape, k)), np.empty((*shape, k), np.int64))
        whole = None if mask is None else np.broadcast_to(mask, (*shape, batch.rows))
        for index, x, y in _batches(q, batch, ("queries", "items")):
            here = None if whole is None else np.ascontiguousarray(whole[index])
            part = _topk_rows(x, q.dtype, y, batch.dtype, None, k, found, here, options)
            result.values[index], result.indices[index] = part
    if q.vector:
        result = TopK(result.values[..., 0, :], result.indices[..., 0, :])
    return TopK(give(result.values, q, batch), give(result.indices, q, batch))


def _topk_rows(
    x: NDArray[Any],
    x_dtype: str,
    y: NDArray[Any],
    y_dtype: str,
    prepared: Prepared | None,
    k: int,
    metric: Metric,
    mask: NDArray[np.bool_] | None,
    options: _Options,
) -> TopK:
    from likewise.backends.llvm import search as engine

    wanted = _wanted(metric)
    queries = _measured(x, x_dtype, "queries", wanted["x"], options)
    rows = None
    queries, kept = _without_bad(queries, options, metric, "x")
    if prepared is None:
        items = _measured(y, y_dtype, "items", wanted["y"], options)
        items, original = _without_bad(items, options, metric, "y")
    else:
        items, original = prepared.side, prepared.original
    if mask is not None:
        if kept is not None and mask.ndim == 2:
            mask = mask[kept]
        mask = np.ascontiguousarray(mask if original is None else mask[..., original])
    reduction = Best(k)
    state = reduction.init(queries.n)  # the first slab's result replaces it: merging with nothing changes nothing
    queries = _transformed(queries, metric, wanted["x"], options)
    for first, slab in _slabs(items, metric, prepared is not None, wanted["y"], options):
        pair = _pair(metric, queries, slab, options)
        packed = None
        if prepared is not None and prepared.pack is not None and _same_packing(pair.screen, prepared.screen):
            packed = prepared.pack
        size = 4 if pair.screen.compute == "f32" else 8
        plan = _plan_for("topk", metric, pair, options, engine.state_bytes(k, size), packed is not None)
        here = None if mask is None else np.ascontiguousarray(mask[..., first : first + slab.n])
        keys, values, indices = engine.topk(_search(metric, pair, plan, here, packed), k, options.progress)
        found = (keys, values, indices if first == 0 else np.where(indices < 0, -1, indices + first))
        state = found if first == 0 else reduction.merge(state, found)
    result = reduction.finish(state)
    if mask is None:
        _warn_of_nan(result, min(k, items.n), metric)
    values, indices = result
    if original is not None:
        indices = np.where(indices < 0, -1, original[indices])
    if kept is not None:
        rows = TopK(np.full((len(x), k), np.nan), np.full((len(x), k), -1, np.int64))
        rows.values[kept], rows.indices[kept] = values, indices
        return rows
    return TopK(values, indices)


def _same_packing(a: Screen, b: Screen) -> bool:
    return (a.compute, a.core, a.key, a.scale_y) == (b.compute, b.core, b.key, b.scale_y)


def _slabs(items: Any, metric: Metric, ready: bool, wanted: frozenset[str], options: _Options) -> Iterator[tuple[int, Any]]:
    """(first row, side): all items at once, or slabs of those that must be multiplied or mapped into new rows first."""
    core = factor(metric)
    makes_rows = metric.matrix is not None or (not core.identity and not core.u.stats())
    if ready or not makes_rows:
        yield 0, items
        return
    width = items.d if metric.matrix is None else max(items.d, metric.matrix.shape[1])
    step = max(1024, (options.memory or DEFAULT_MEMORY) // (4 * 8 * width))
    from likewise.backends.llvm.rows import Side

    for first in range(0, max(items.n, 1), step):
        last = min(first + step, items.n)
        stats = {name: array[first:last] for name, array in items.stats.items()}
        part = Side(items.rows[first:last], items.dtype, items.known, items.bad[:0], stats)
        yield first, _transformed(part, metric, wanted, options)


class NaNWarning(RuntimeWarning):
    """A formula gave NaN for so many pairs that rows could not be filled."""


def _warn_of_nan(result: TopK, expected: int, metric: Metric) -> None:
    short = int(np.count_nonzero((result.indices >= 0).sum(axis=1) < expected))
    if short:
        warnings.warn(
            f"{metric.name} gave NaN for so many items that {short:,} rows have fewer than {expected} neighbours; "
            "guard the formula (0 / 0, a logarithm or root of a negative number) with lw.math.where",
            NaNWarning,
            stacklevel=4,
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
    """Every item whose value is at least as close as ``radius``: at most it for a distance, at least it for a similarity.

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
    options = _options(n_jobs, memory_limit, on_bad, progress)
    try:
        limit = float(radius)
    except (TypeError, ValueError):
        raise InputError(f"radius={radius!r} is not a number") from None
    if np.isnan(limit):
        raise InputError("radius is NaN; a number in the metric's units is wanted")
    q = read(queries, "queries")
    batch, metric, prepared = _resolve_items(items, metric)
    same_dimension(q, batch, "queries", "items")
    found = _metric_for(metric, q.d)
    lead = broadcast_lead(q, batch, "queries", "items")
    mask = _mask(where, lead, q.rows, batch.rows)
    if not batch.lead:
        if mask is not None and mask.ndim > 1:
            mask = np.ascontiguousarray(np.broadcast_to(mask, (*lead, q.rows, batch.rows))).reshape(-1, batch.rows)
        parts = [_within_rows(q.flat(), q.dtype, batch.array, batch.dtype, prepared, limit, found, mask, options)]
    else:
        whole = None if mask is None else np.broadcast_to(mask, (*lead, q.rows, batch.rows))
        parts = [
            _within_rows(
                x, q.dtype, y, batch.dtype, None, limit, found, None if whole is None else np.ascontiguousarray(whole[i]), options
            )
            for i, x, y in _batches(q, batch, ("queries", "items"))
        ]
    counts = np.concatenate([np.diff(p.offsets) for p in parts]) if parts else np.empty(0, np.int64)
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    values = np.concatenate([p.values for p in parts]) if parts else np.empty(0)
    indices = np.concatenate([p.indices for p in parts]) if parts else np.empty(0, np.int64)
    return Within(*(give(a, q, batch) for a in (values, indices, offsets)))


def _within_rows(
    x: NDArray[Any],
    x_dtype: str,
    y: NDArray[Any],
    y_dtype: str,
    prepared: Prepared | None,
    radius: float,
    metric: Metric,
    mask: NDArray[np.bool_] | None,
    options: _Options,
) -> Within:
    from likewise.backends.llvm import search as engine
    from likewise.reductions import all_within

    wanted = _wanted(metric)
    queries = _measured(x, x_dtype, "queries", wanted["x"], options)
    queries, kept = _without_bad(queries, options, metric, "x")
    if prepared is None:
        items = _measured(y, y_dtype, "items", wanted["y"], options)
        items, original = _without_bad(items, options, metric, "y")
    else:
        items, original = prepared.side, prepared.original
    if mask is not None:
        if kept is not None and mask.ndim == 2:
            mask = mask[kept]
        mask = np.ascontiguousarray(mask if original is None else mask[..., original])
    queries = _transformed(queries, metric, wanted["x"], options)
    parts = []
    for first, slab in _slabs(items, metric, prepared is not None, wanted["y"], options):
        pair = _pair(metric, queries, slab, options)
        packed = None
        if prepared is not None and prepared.pack is not None and _same_packing(pair.screen, prepared.screen):
            packed = prepared.pack
        plan = _plan_for("within", metric, pair, options, 64, packed is not None)
        here = None if mask is None else np.ascontiguousarray(mask[..., first : first + slab.n])
        rows, keys, values, found = engine.within(_search(metric, pair, plan, here, packed), radius, options.progress)
        parts.append((rows, keys, values, found + first))
    rows, keys, values, indices = (np.concatenate([p[i] for p in parts]) for i in range(4))
    result = all_within(queries.n, rows, keys, values, indices)
    values, indices, offsets = result
    if original is not None:
        indices = original[indices]
    if kept is not None:
        counts = np.zeros(len(x), np.int64)
        counts[kept] = np.diff(offsets)
        offsets = np.concatenate([[0], np.cumsum(counts)])
    return Within(values, indices, offsets)


# ------------------------------------------------------------------------------------------------ dense verbs


def _result_dtype(*dtypes: str) -> Any:
    """float32 where every input is a float of at most 32 bits, else float64."""
    return np.float32 if all(t in _FLOAT32 for t in dtypes) else np.float64


def _dense_sides(x: NDArray[Any], x_dtype: str, y: NDArray[Any], y_dtype: str, metric: Metric, names: tuple[str, str], options: _Options) -> tuple[Any, Any]:
    wanted = {side: frozenset(s[:-2] for s in metric.stats if s.endswith(side)) for side in "xy"}
    sides = []
    for rows, dtype, which, name in ((x, x_dtype, "x", names[0]), (y, y_dtype, "y", names[1])):
        side = _measured(rows, dtype, name, wanted[which], options)
        bad = side.bad
        side = _transformed(side, metric, wanted[which], options)
        side.bad = bad
        sides.append(side)
    return sides[0], sides[1]


def pairwise(
    x: Any,
    y: Any = None,
    *,
    metric: Any,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Every row of x with every row of y: the matrix product for ``dot``.

    Computed in float64, one coordinate after the other, and rounded once.

    Parameters
    ----------
    x : array_like of shape (..., n, d), or (d,)
    y : array_like of shape (..., m, d), or (d,), optional
        Default: x itself. Leading axes broadcast from the right, as in ``matmul``.
    metric, n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped row gives NaN.

    Returns
    -------
    ndarray of shape (..., n, m)
        float32 where both inputs are floats of at most 32 bits, else float64. A single vector gives up its axis.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.pairwise([[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]], metric="dot")
    array([[17.],
           [39.]])
    """
    from likewise.backends.llvm import dense

    options = _options(n_jobs, memory_limit, on_bad, progress)
    a = read(x, "x")
    b = a if y is None else read(y, "y")
    same_dimension(a, b, "x", "y")
    found = _metric_for(metric, a.d)
    lead = broadcast_lead(a, b, "x", "y")
    out = np.empty((*lead, a.rows, b.rows), _result_dtype(a.dtype, b.dtype))
    block = max(64, min(1 << 24, (options.memory or DEFAULT_MEMORY) // 4) // (8 * a.d))

    def one(rows_x: NDArray[Any], rows_y: NDArray[Any], result: NDArray[Any]) -> None:
        if result.size == 0:
            return
        sx, sy = _dense_sides(rows_x, a.dtype, rows_y, b.dtype, found, ("x", "y"), options)
        dense.matrix(found, sx, sy, result, options.threads, block, options.progress)
        result[sx.bad], result[:, sy.bad] = np.nan, np.nan

    if not b.lead:
        one(a.flat(), b.array, out.reshape(-1, b.rows))
    else:
        for index, rows_x, rows_y in _batches(a, b, ("x", "y")):
            one(rows_x, rows_y, out[index])
    if b.vector:
        out = out[..., 0]
    if a.vector:
        out = out[..., 0] if b.vector else out[..., 0, :]
    return give(np.asarray(out), a, b)


def paired(
    x: Any,
    y: Any,
    *,
    metric: Any,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Row i of x with row i of y.

    Parameters
    ----------
    x, y : array_like of shape (..., n, d), or (d,)
        All axes but the last broadcast, so that one vector goes with every row.
    metric, n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped row gives NaN.

    Returns
    -------
    ndarray of shape (..., n)
        float64.

    Examples
    --------
    >>> import likewise as lw
    >>> float(lw.paired([4, -3], [-4, 4], metric="dot"))
    -28.0
    """
    from likewise.backends.llvm.dense import pair_values

    options = _options(n_jobs, memory_limit, on_bad, progress)
    a, b, shape = _row_by_row(x, y)
    found = _metric_for(metric, a.d)
    sx, sy = _dense_sides(a.flat(), a.dtype, b.flat(), b.dtype, found, ("x", "y"), options)
    rows_x, rows_y = _row_numbers(a, shape), _row_numbers(b, shape)
    _, values = pair_values(found, ACC, sx, sy, rows_x, rows_y, options.threads)
    values[np.isin(rows_x, sx.bad) | np.isin(rows_y, sy.bad)] = np.nan
    out = values.reshape(shape)
    return give(np.asarray(out[..., 0] if a.vector and b.vector else out), a, b)


def _row_by_row(x: Any, y: Any) -> tuple[Batch, Batch, tuple[int, ...]]:
    from likewise.vectors import broadcast_rows

    a, b = read(x, "x"), read(y, "y")
    same_dimension(a, b, "x", "y")
    broadcast_rows(a, b)
    return a, b, np.broadcast_shapes(a.array.shape[:-1], b.array.shape[:-1])


def _row_numbers(batch: Batch, shape: tuple[int, ...]) -> NDArray[np.int64]:
    own = np.arange(int(np.prod(batch.array.shape[:-1], dtype=np.int64))).reshape(batch.array.shape[:-1])
    return np.ascontiguousarray(np.broadcast_to(own, shape)).ravel()


def contributions(x: Any, y: Any, *, metric: Any, on_bad: str = "raise") -> Any:
    """What each coordinate adds to the comparison of row i with row i: the Hadamard product for ``dot``.

    Where the metric's value is linear in its sum (dot, cosine, correlation, manhattan, hamming, means), contributions
    are scaled so that they add up to the value; else they are the terms before the finish (squares for Euclid).

    Parameters
    ----------
    x, y : array_like of shape (..., n, d), or (d,)
        All axes but the last broadcast.
    metric : str, Metric or callable
        With one term; not Jaccard or Bray-Curtis, which divide two sums.
    on_bad : {"raise", "skip"}
        A skipped row gives NaN.

    Returns
    -------
    ndarray of shape (..., n, d)
        float64.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.contributions([4, -3], [-4, 4], metric="dot")
    array([-16., -12.])
    """
    options = _options(None, None, on_bad, None)
    a, b, shape = _row_by_row(x, y)
    found = _metric_for(metric, a.d)
    if len(found.terms) != 1:
        raise InputError(f"{found.name} divides sums of {len(found.terms)} terms; a coordinate has no contribution of its own")
    rows, bad = [], []
    for batch, name in ((a, "x"), (b, "y")):
        side = _measured(batch.flat(), batch.dtype, name, frozenset(), options)
        number = _row_numbers(batch, shape)
        values = reference.transform(found, _as_float64(batch))
        values[side.bad] = np.nan
        rows.append(values[number])
        bad.append(side.bad)
    leaves: dict[Expr, Any] = {X: rows[0], Y: rows[1], DIM: np.float64(rows[0].shape[1])}
    finish_stats = found.finish.stats() if scales_of(found.finish) else frozenset()
    for which, values in zip("xy", rows, strict=True):
        if any(s.endswith(which) for s in found.terms[0].stats() | finish_stats):
            known = reference.statistics(values)
            leaves |= {stat(f"{name}_{which}"): value[:, None] for name, value in known.items()}
    term = reference.evaluate(found.terms[0], leaves)
    if scales_of(found.finish) or found.finish == Expr("div", (ACC, DIM)):
        term = reference.evaluate(found.finish, {**leaves, ACC: term})
    out = np.broadcast_to(term, rows[0].shape).reshape(*shape, -1)
    return give(np.array(out[..., 0, :] if a.vector and b.vector else out), a, b)


def _as_float64(batch: Batch) -> NDArray[np.float64]:
    flat = batch.flat()
    if batch.dtype == "bfloat16":
        return (flat.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return flat.astype(np.float64)


# ------------------------------------------------------------------------------------------------ weighted sums


def _fold_compute(*dtypes: str) -> str:
    """Arithmetic of weighted sums and attention: float32 for floats of at most 32 bits, as torch has it."""
    return "f32" if all(t in _FLOAT32 for t in dtypes) else "f64"


def weighted_sum(
    x: Any,
    y: Any,
    weights: Any,
    *,
    metric: Any,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Sum over j of metric(x_i, y_j) weights_j, without the n x m matrix: kernel regression, density, a matrix product.

    In float32 inputs the values are float32 and sums run over blocks of 256 items in float32, across blocks in
    float64; other inputs go in float64 throughout. The order of summation is fixed.

    Parameters
    ----------
    x : array_like of shape (..., n, d), or (d,)
    y : array_like of shape (..., m, d)
    weights : array_like of shape (m,) or (..., m, p)
    metric, n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped y counts nothing, a skipped x gives NaN.

    Returns
    -------
    ndarray of shape (..., n) or (..., n, p)
        float32 where all inputs are floats of at most 32 bits, else float64.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.weighted_sum([[1.0]], [[2.0], [3.0]], [10.0, 1.0], metric="dot")
    array([23.])
    """
    from likewise.backends.llvm import dense

    options = _options(n_jobs, memory_limit, on_bad, progress)
    a, b, w = read(x, "x"), read(y, "y"), read(weights, "weights")
    same_dimension(a, b, "x", "y")
    found = _metric_for(metric, a.d)
    column = w.vector
    w_array = np.swapaxes(w.array, -1, -2) if column else w.array
    if w_array.shape[-2] != b.rows:
        raise ShapeError(f"weights has shape {w.array.shape[1:] if column else w.array.shape}; one row per item is wanted, and y has {b.rows}")
    w_side = _measured(w.flat(), w.dtype, "weights", frozenset(), replace(options, skip_bad=False))
    _ = w_side
    if w.dtype == "bfloat16":
        w_array = (w_array.astype(np.uint32) << 16).view(np.float32)
    compute = _fold_compute(a.dtype, b.dtype, w.dtype)
    p = w_array.shape[-1]
    lead = np.broadcast_shapes(broadcast_lead(a, b, "x", "y"), w_array.shape[:-2])
    out = np.zeros((*lead, a.rows, p), _result_dtype(a.dtype, b.dtype, w.dtype))
    size = 4 if compute == "f32" else 8
    block = max(256, min(1 << 24, (options.memory or DEFAULT_MEMORY) // 8) // (size * (a.d + p)))
    ws = np.broadcast_to(w_array, (*lead, *w_array.shape[-2:]))

    def one(rows_x: NDArray[Any], rows_y: NDArray[Any], w_here: NDArray[Any], result: NDArray[Any]) -> None:
        if rows_x.shape[0] == 0 or rows_y.shape[0] == 0:
            return
        sx, sy = _dense_sides(rows_x, a.dtype, rows_y, b.dtype, found, ("x", "y"), options)
        if len(sy.bad):
            good = np.setdiff1d(np.arange(sy.n), sy.bad)
            sy, w_here = _take(sy, good), w_here[good]
        result[...] = dense.weighted_sum(found, sx, sy, w_here, compute, options.threads, block, options.progress)
        result[sx.bad] = np.nan

    if not b.lead and w_array.ndim == 2:
        one(a.flat(), b.array, w_array, out.reshape(-1, p))
    else:
        xs = np.broadcast_to(a.array, (*lead, *a.array.shape[-2:]))
        ys = np.broadcast_to(b.array, (*lead, *b.array.shape[-2:]))
        for index in np.ndindex(*lead):
            one(np.ascontiguousarray(xs[index]), np.ascontiguousarray(ys[index]), ws[index], out[index])
    result = out[..., 0] if column else out
    if a.vector:
        result = result[..., 0] if column else result[..., 0, :]
    return give(np.asarray(result), a, b, w)


def _take(side: Any, rows: NDArray[np.int64]) -> Any:
    from likewise.backends.llvm.search import take

    return take(side, rows)


def attend(
    q: Any,
    k: Any,
    v: Any,
    *,
    metric: Any = "dot",
    scale: float | None = None,
    mask: Any = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Attention under any metric: softmax(scale * metric(q, k)) v, in memory linear in the lengths.

    Distances enter negated, so that near keys weigh most. In float32 for floats of at most 32 bits, else float64.

    Parameters
    ----------
    q : array_like of shape (..., n, d)
    k : array_like of shape (..., m, d)
    v : array_like of shape (..., m, e)
        Leading axes (batches, heads) broadcast.
    metric : str, Metric or callable
        Default "dot": what ``scaled_dot_product_attention`` computes.
    scale : float, optional
        Default 1 / sqrt(d) for "dot", else 1.
    mask : "causal", array_like of bool or of float, of shape (..., n, m), optional
        "causal": query i sees keys 0..i. Boolean: True where a query may look. Float: added to the scores.
        A query that may look at nothing gets zeros.
    n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped key or value is not seen, a skipped query gives NaN.

    Returns
    -------
    ndarray of shape (..., n, e)

    Examples
    --------
    >>> import likewise as lw
    >>> lw.attend([[0.0]], [[0.0], [9.0]], [[1.0], [2.0]], metric="sqeuclidean").round(6)
    array([[1.]])
    """
    from likewise.backends.llvm import dense
    from likewise.formula.metrics import dot

    options = _options(n_jobs, memory_limit, on_bad, progress)
    a, b, c = read(q, "q"), read(k, "k"), read(v, "v")
    same_dimension(a, b, "q", "k")
    if c.vector or c.rows != b.rows:
        raise ShapeError(f"v has shape {c.array.shape[1:] if c.vector else c.array.shape}; one row per key is wanted, and k has {b.rows}")
    found = _metric_for(metric, a.d)
    if scale is None:
        factor_ = 1 / np.sqrt(a.d) if found == dot else 1.0
    else:
        try:
            factor_ = float(scale)
        except (TypeError, ValueError):
            raise InputError(f"scale={scale!r} is not a number") from None
        if not np.isfinite(factor_):
            raise InputError(f"scale={scale!r} is not finite")
    lead = np.broadcast_shapes(broadcast_lead(a, b, "q", "k"), broadcast_lead(b, c, "k", "v"))
    causal, masks = _attention_mask(mask, lead, a.rows, b.rows)
    compute = _fold_compute(a.dtype, b.dtype, c.dtype)
    out = np.zeros((*lead, a.rows, c.d), np.float32 if compute == "f32" else np.float64)
    if out.size and b.rows:
        values = c.array if c.dtype != "bfloat16" else (c.array.astype(np.uint32) << 16).view(np.float32)
        hidden = ~np.isfinite(values).all(axis=-1) if values.dtype.kind == "f" else np.zeros(values.shape[:-1], bool)
        if hidden.any() and not options.skip_bad:
            rows = np.nonzero(hidden.reshape(-1))[0]
            raise BadRowsError(f"v has NaN or infinite values in {_numbers(rows)}; mend them, or pass on_bad='skip'", rows.tolist())
        heads, bad_queries = [], []
        whole = {"q": a.array, "k": b.array, "v": values, "hidden": hidden[..., None]}
        spread = {name: np.broadcast_to(array, (*lead, *array.shape[-2:])) for name, array in whole.items()}
        seen: dict[Any, Any] = {}
        for index in np.ndindex(*lead):
            rows_q, rows_k = (np.ascontiguousarray(spread[name][index]) for name in "qk")
            sq, sk = _dense_sides(rows_q, a.dtype, rows_k, b.dtype, found, ("q", "k"), options)
            head_mask = None if masks is None else masks[index]
            unseen = np.union1d(sk.bad, np.nonzero(spread["hidden"][index][:, 0])[0])
            v_rows = spread["v"][index]
            if len(unseen):
                good = np.setdiff1d(np.arange(sk.n), unseen)
                if causal:
                    head_mask = np.tril(np.ones((a.rows, b.rows), bool))
                sk, v_rows = _take(sk, good), v_rows[good]
                head_mask = None if head_mask is None else head_mask[..., good]
            heads.append(dense.Head(sq, sk, v_rows, head_mask))
            bad_queries.append((index, sq.bad))
        _ = seen
        flat = out.reshape(-1, a.rows, c.d)
        one_kind = {h.mask is None for h in heads} != {True, False}
        groups = [heads] if one_kind else [[h] for h in heads]
        done = 0
        for group in groups:
            group = [h for h in group]
            is_causal = causal and all(h.mask is None for h in group)
            dense.attend(found, group, float(factor_), is_causal, compute, options.threads, flat[done : done + len(group)], options.progress)
            done += len(group)
        for index, bad in bad_queries:
            out[index][bad] = np.nan
    result = out[..., 0, :] if a.vector else out
    return give(np.asarray(result), a, b, c)


def _attention_mask(mask: Any, lead: tuple[int, ...], n: int, m: int) -> tuple[bool, NDArray[Any] | None]:
    if mask is None:
        return False, None
    if isinstance(mask, str):
        if mask != "causal":
            raise InputError(f"mask={mask!r} is not known; it is 'causal', a boolean or an additive array")
        return True, None
    batch = np.asarray(mask)
    if batch.dtype != np.bool_ and batch.dtype.kind != "f":
        raise InputError(f"mask= is of type {batch.dtype}; boolean (True = may look) or floating (added) is wanted")
    if batch.dtype.kind == "f" and np.isnan(batch).any():
        raise InputError("mask= holds NaN")
    if batch.ndim == 1:
        batch = batch[None, :]
    try:
        shape = np.broadcast_shapes(batch.shape, (*lead, n, m))
    except ValueError:
        shape = ()
    if shape != (*lead, n, m):
        raise ShapeError(f"mask= has shape {np.shape(mask)}; it must broadcast to {(*lead, n, m)}")
    rows = batch.shape[-2] if batch.shape[-2] == 1 and batch.shape[-1] == m else n
    return False, np.broadcast_to(batch, (*lead, rows, m))


# ------------------------------------------------------------------------------------------------ explain


@dataclass(frozen=True)
class Explanation:
    """What a call will do and cost; prints as text, ``as_dict()`` for programs."""

    plan: Plan
    out_shape: tuple[int, ...]
    flops: int
    bytes: int
    peak: float
    rate: float
    seconds: float

    @property
    def intensity(self) -> float:
        """FLOPs per byte of input and output."""
        return self.flops / self.bytes if self.bytes else 0.0

    def as_dict(self) -> dict[str, Any]:
        return self.plan.as_dict() | {
            "out_shape": list(self.out_shape),
            "flops": self.flops,
            "bytes": self.bytes,
            "intensity": self.intensity,
            "peak_pair_dimensions_per_second_and_core": self.peak,
            "share_of_fma_peak": self.rate / self.peak if self.peak else 0.0,
            "predicted_seconds": self.seconds,
        }

    def __str__(self) -> str:
        share = self.rate / self.peak if self.peak else 0.0
        kind = {1: "vector with vector", 2: "matrix with vector", 3: "matrix with matrix"}[self.plan.blas_level]
        return "\n".join(
            [
                str(self.plan),
                f"result     {' x '.join(f'{s:,}' for s in self.out_shape)}",
                f"cost       {self.flops:,} FLOPs on {self.bytes:,} bytes: {self.intensity:.1f} FLOPs a byte; BLAS level {self.plan.blas_level} ({kind})",
                f"memory     {self.plan.memory / 1e6:,.1f} MB beyond input and result",
                f"speed      this formula's instructions allow {self.rate / 1e9:.1f} G pair-dimensions/s a core, {share:.0%} of a dot product's",
                f"time       about {self.seconds:.3g} s on {self.plan.threads} thread{'s' * (self.plan.threads > 1)}",
            ]
        )


def _flops_per_coordinate(metric: Metric) -> int:
    counted = {"add", "sub", "mul", "div", "min", "max", "sqrt", "exp", "log", "pow", "tanh", "sin", "cos", "arctan", "arccos"}
    core = factor(metric)
    nodes = {node for term in core.terms for node in term.walk()}
    return sum(node.op in counted for node in nodes) + len(core.terms)


def explain(
    queries: Any,
    items: Any = None,
    *,
    metric: Any,
    k: int | None = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
) -> Explanation:
    """What a search (with ``k``) or a ``pairwise`` (without) will do and cost, before it runs.

    Parameters
    ----------
    queries, items : array_like, or shapes such as (1000, 128)
        Shapes stand for float32 rows of ordinary size. Default items: the queries.
    metric, k, n_jobs, memory_limit
        As for :func:`topk`.

    Returns
    -------
    Explanation
        Prints the plan step by step, FLOPs, bytes, BLAS level, memory, the rate that the formula's own instructions
        allow on this machine, and the predicted time.

    Examples
    --------
    >>> import likewise as lw
    >>> print(str(lw.explain((1000, 128), (100_000, 128), k=10, metric="manhattan")).splitlines()[0])
    topk: 1,000 x 100,000 pairs of 128 float32 coordinates, by manhattan: sum(abs(x - y)); smaller is closer
    """
    from likewise import machine
    from likewise.backends.llvm.search import state_bytes

    options = _options(n_jobs, memory_limit, "raise", None)
    k = None if k is None else _count(k)
    shapes, sides = [], []
    for value, name in ((queries, "queries"), (queries if items is None else items, "items")):
        if isinstance(value, Prepared):
            shapes.append(value.shape)
            sides.append((value.batch.dtype, value.side.known))
        elif isinstance(value, tuple) and all(isinstance(s, int) for s in value) and len(value) >= 1:
            if any(s < 0 for s in value) or value[-1] == 0:
                raise ShapeError(f"{name} has shape {value}; (n, d) with d >= 1 is wanted")
            shapes.append(value if len(value) > 1 else (1, *value))
            sides.append(("float32", Rows(True, False, -10.0, 10.0)))
        else:
            batch = read(value, name)
            side = _measured(batch.flat(), batch.dtype, name, frozenset(), options)
            shapes.append(batch.array.shape)
            sides.append((batch.dtype, side.known))
    if shapes[0][-1] != shapes[1][-1]:
        raise ShapeError(f"queries have {shapes[0][-1]} coordinates and items {shapes[1][-1]}; the last axes must be equal")
    d = int(shapes[0][-1])
    found = _metric_for(metric, d)
    try:
        lead = np.broadcast_shapes(shapes[0][:-2], shapes[1][:-2])
    except ValueError:
        raise ShapeError(f"the leading axes of {shapes[0]} and {shapes[1]} do not broadcast") from None
    n, m = int(np.prod([*lead, shapes[0][-2]], dtype=np.int64)), int(shapes[1][-2])
    (x_dtype, x_known), (y_dtype, y_known) = sides
    if found.matrix is not None:
        x_known = y_known = Rows(False, False, x_known.low, x_known.high)
    verb = "pairwise" if k is None else "topk"
    plan = plan_search(
        verb, found, n, m, d, x_dtype, y_dtype, x_known, y_known,
        threads=options.threads, memory_limit=options.memory, per_query=state_bytes(k or 1, 4),
    )  # fmt: skip
    compute = plan.screen.compute
    if k is None:
        compute = "f64"
        first, *_ = plan.steps
        lines = (first, "pack       both into float64 panels", f"compare    {found.combine} over coordinates in float64, in order; finish; round once")
        plan = replace(plan, steps=lines)
    out = (*lead, int(shapes[0][-2]), m if k is None else k)
    itemsize = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
    moved = n * d * itemsize.get(x_dtype, 1) + m * d * itemsize.get(y_dtype, 1) + int(np.prod(out)) * (8 if k is None else 16)
    flops = n * m * d * _flops_per_coordinate(found)
    rate, top = machine.peak(found, compute), machine.fma_rate("f32")
    seconds = n * m * d / (0.85 * rate * options.threads) + moved / 5e9
    return Explanation(plan, out, flops, moved, top, rate, seconds)


__all__ = [
    "Explanation",
    "NaNWarning",
    "Prepared",
    "attend",
    "contributions",
    "explain",
    "paired",
    "pairwise",
    "prepare",
    "slack",
    "statistics_wanted",
    "topk",
    "weighted_sum",
    "within",
]
