"""Top-k and radius search: screen every pair, settle the few that may win.

    for a chunk of queries:
        for a block of items, packed:
            in parallel, for a group of queries and a range of panels:  the search kernel
        settle: the candidates under the final threshold, in float64, sorted

Results depend on none of these sizes.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends import reference
from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.bits import BitPacker, bit_pair_values
from likewise.backends.llvm.candidates import Candidates, joined, settle
from likewise.backends.llvm.codes import CodedItems
from likewise.backends.llvm.dense import pair_values
from likewise.backends.llvm.filters import Filter, FilterFields
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.kernels import Formula, Tile, tile_for
from likewise.backends.llvm.rows import NUMPY, ONE, Packer, Side, address, aligned, kernel_recipe, take
from likewise.backends.llvm.scan import ChunkScan, CodedQueries, Rows32, query_groups
from likewise.backends.llvm.target import current
from likewise.formula.bits import counts_of
from likewise.formula.expr import ACC, Expr, Y
from likewise.formula.metric import Metric
from likewise.formula.partial import partial_slack
from likewise.formula.rank import never_negative, rank_key, rank_of
from likewise.formula.screen import Screen, Slack, choose, direct_screen, offsets
from likewise.reductions import Counts

if TYPE_CHECKING:
    from likewise.backends.llvm.partial import PartialItems

Progress = Callable[[int, int], None] | None
_TILE_ROWS = 32  # no tile has more rows
Pairs = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]
BestState = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


@dataclass(frozen=True)
class Sizes:
    """How the loops are cut; answers do not depend on it."""

    threads: int
    chunk: int  # queries with live state
    group: int  # queries of one task: a group's tiles stay in the second-level cache
    block: int  # items packed at a time


@dataclass
class Packed:
    """Items packed for one screen: the whole set (prepared), or the block in hand."""

    data: NDArray[Any]
    first: int
    last: int
    width: int  # items of a panel
    stats: dict[str, Any]


@dataclass
class Search:
    """A search being carried out: one metric, one screen, both sides."""

    metric: Metric
    screen: Screen
    slack: Slack
    queries: Side
    items: Side
    settle_x: Side  # the rows that settle: those of the caller, or multiplied by the metric's matrix
    settle_y: Side
    sizes: Sizes
    where: Filter | None = None
    prepared: Packed | None = None
    keep: dict[Any, Any] | None = None  # packed queries of the searches before, of the same rows
    codes: CodedItems | None = None
    rows: NDArray[Any] | None = None  # of the items, as float32 scores of single pairs read them
    counts: Counts = field(default_factory=Counts)
    partial: PartialItems | None = None  # the items arranged for partial sums

    @functools.cached_property
    def formula(self) -> Formula:
        return search_formula(self.metric, self.screen)

    @functools.cached_property
    def tile(self) -> Tile:
        return tile_for(current(), self.screen.compute, self.formula, self.queries.n)

    @property
    def dtype(self) -> Any:
        return NUMPY[self.screen.compute]

    @property
    def depth(self) -> int:
        """Elements of a packed row: coordinates, or words of 64 bits."""
        d = self.items.d
        return kernels.words_of(d) if self.screen.compute == "bits" else d

    @functools.cached_property
    def query_packer(self) -> Packer:
        make = BitPacker if self.screen.compute == "bits" else Packer
        return make(self.queries, "x", self.screen.core.u, self.screen.scale_x, self.screen.compute, self.tile.rows)

    def packed_queries(self, first: int, last: int) -> NDArray[Any]:
        """Those queries in tiles; kept for the next search, if there is where to."""
        if self.keep is None:
            return self.query_packer.pack(first, last, self.sizes.threads)
        made = self.query_packer
        how = (first, last, made.u, made.scale, made.compute, made.lanes)
        if how not in self.keep:
            self.keep[how] = made.pack(first, last, self.sizes.threads)
        packed: NDArray[Any] = self.keep[how]
        return packed

    @functools.cached_property
    def item_packer(self) -> Packer:
        return item_packer(self.items, self.metric, self.screen)

    @functools.cached_property
    def stat_names(self) -> tuple[str, ...]:
        return self.formula.stats

    def blocks(self) -> list[tuple[int, int]]:
        """Ranges of items, each a whole number of panels but for the last."""
        m, width = self.items.n, self.tile.width
        if self.prepared is not None:
            return [(0, m)]
        step = max(width, self.sizes.block // width * width)
        return [(first, min(first + step, m)) for first in range(0, m, step)]

    def block(self, first: int, last: int, buffer: list[Any]) -> Packed:
        if self.prepared is not None:
            return self.prepared
        size = self.item_packer.panels(last - first) * self.tile.width * self.depth
        if not buffer or len(buffer[0]) < size:
            buffer[:] = [aligned(size, self.dtype)]
        data = self.item_packer.pack(first, last, self.sizes.threads, buffer[0])
        stats = self.item_packer.padded_stats(self.stat_names, first, last, self.tile.width)
        return Packed(data, first, last, self.tile.width, stats)

    def offset(self, first: int, last: int) -> NDArray[Any]:
        """The additive part of the threshold of those queries, rounded upward."""
        if self.slack.kind == "constant":
            made = np.full(last - first, self.slack.base)
        else:
            made = offsets(
                self.slack, screen_norms(self.screen, self.slack, self.queries)[first:last], self.largest_norm
            )
        with np.errstate(over="ignore"):
            rounded = made.astype(self.dtype)
        upward: NDArray[Any] = np.nextafter(rounded, np.array(np.inf, self.dtype))
        return upward

    @functools.cached_property
    def largest_norm(self) -> float:
        return float(screen_norms(self.screen, self.slack, self.items).max(initial=0.0))

    def query_groups(self, first: int, last: int) -> list[tuple[int, int]]:
        """Groups of queries, whole tiles each, about equal and no fewer than the threads if that can be."""
        tiles = -(-(last - first) // self.tile.rows)
        per = max(1, self.sizes.group // self.tile.rows)
        count = max(-(-tiles // per), min(self.sizes.threads, tiles))
        count = -(-count // self.sizes.threads) * self.sizes.threads if count > self.sizes.threads else count
        per = -(-tiles // count)
        step = per * self.tile.rows
        return [(a, min(a + step, last)) for a in range(first, last, step)]

    @functools.cached_property
    def _filter_fields(self) -> FilterFields:
        return FilterFields(self.where)

    def mask_fields(self, first_query: int, first_item: int) -> dict[str, int]:
        return self._filter_fields.of(first_query, first_item)

    @property
    def pairs(self) -> Any:
        """What settles (row, item) pairs by counts of bits; None: :func:`pair_values` does."""
        if self.screen.kind != "bits":
            return None
        plain = replace(self.metric, matrix=None)  # the rows that settle have been multiplied by it
        return functools.partial(_bit_pairs, plain, self.screen_rank_key, self.settle_x, self.settle_y)

    def settled(self, rows: NDArray[np.int64], found: NDArray[np.int64], threads: int) -> tuple[Any, Any]:
        """Float64 key and value of (row, item) pairs."""
        return settled_pairs(self.metric, self.settle_x, self.settle_y, rows, found, threads)

    @functools.cached_property
    def screen_rank_key(self) -> Expr:
        return rank_key(self.metric)


def settled_pairs(
    metric: Metric, x: Side, y: Side, rows: NDArray[np.int64], found: NDArray[np.int64], threads: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Float64 (key, value) of listed pairs: by counts of bits where both sides are zeros and ones."""
    key = rank_key(metric)
    if choose(metric, x.known, y.known, x.d).kind == "bits":
        return _bit_pairs(metric, key, x, y, rows, found, threads)
    return pair_values(metric, key, x, y, rows, found, threads)


def _bit_pairs(
    metric: Metric, key: Expr, x: Side, y: Side, rows: NDArray[np.int64], found: NDArray[np.int64], threads: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    counts = counts_of(metric)
    assert counts is not None
    return bit_pair_values(counts, key, metric.finish, x, y, rows, found, threads)


def search_formula(metric: Metric, screen: Screen) -> Formula:
    return Formula(screen.core.terms, metric.combine, screen.key)


def item_packer(items: Side, metric: Metric, screen: Screen) -> Packer:
    """How a screen packs items: panels as wide as its tile."""
    width = tile_for(current(), screen.compute, search_formula(metric, screen)).width
    make = BitPacker if screen.compute == "bits" else Packer
    return make(items, "y", screen.core.v, screen.scale_y, screen.compute, width)


def screen_norms(screen: Screen, slack: Slack, side: Side) -> NDArray[np.float64]:
    """Upper bounds of the packed rows' norms, in the norm the slack is written in."""
    if screen.scale_x is not None:
        return np.ones(side.n) * (1 + 2.0**-20)  # scaled to unit length, or zero
    name = {"dot": "norm", "l2": "norm", "l1": "norm1", "linf": "linf"}[slack.kind]
    return side.stat(name) * (1 + 2.0**-20)


def _search_kernel(tile: Tile, formula: Formula, exact: bool) -> Kernel:
    return kernel(
        "search",
        kernel_recipe("search", tile, formula, exact),
        kernels.search_fields(formula),
        lambda module, name: kernels.search_kernel(module, name, tile, formula, exact=exact),
    )


def topk(search: Search, k: int, progress: Progress = None) -> BestState:
    """The k best items of every query: keys, values, indices, each (n, k)."""
    n = search.queries.n
    out = np.full((n, k), np.nan), np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
    if n == 0 or search.items.n == 0:
        return out
    done = pool.Counter(n * search.items.n, progress)
    if search.codes is None:
        search.counts.add(coordinates=n * search.items.n * search.items.d)
    overflowed: list[NDArray[np.int64]] = []
    for first in range(0, n, search.sizes.chunk):
        last = min(first + search.sizes.chunk, n)
        part = out[0][first:last], out[1][first:last], out[2][first:last]
        chunk = _topk_chunk if search.codes is None else _coded_chunk
        if search.partial is not None:
            chunk = _partial_chunk
        overflowed.append(chunk(search, first, last, k, part, done))
    again = np.concatenate(overflowed)
    if len(again):
        for whole, piece in zip(out, topk(directly(search, again), k), strict=True):
            whole[again] = piece
    return out


def directly(search: Search, rows: NDArray[np.int64]) -> Search:
    """The same search of some of its queries, in float64 throughout: for those whose screen cannot tell pairs apart."""
    queries = take(search.queries, rows)
    settle_x = queries if search.settle_x is search.queries else take(search.settle_x, rows)
    where = None if search.where is None else search.where.take(rows)
    screen = direct_screen(search.metric)
    sizes = replace(search.sizes, block=max(1, search.sizes.block // 2))
    queries_u, items_u = settle_x, search.settle_y  # direct terms start from the rows as they came
    return Search(search.metric, screen, Slack(exact=True), queries_u, items_u, settle_x, search.settle_y, sizes, where)


def _topk_chunk(search: Search, first: int, last: int, k: int, out: BestState, done: pool.Counter) -> NDArray[np.int64]:
    tile, d, depth = search.tile, search.items.d, search.depth
    run = _search_kernel(tile, search.formula, search.slack.exact)
    packed_queries = search.packed_queries(first, last)
    query_stats = search.query_packer.padded_stats(search.stat_names, first, last, tile.rows)
    offset = search.offset(first, last)
    groups = search.query_groups(first, last)
    # few queries: the items are shared out as well, each part with a state of its own
    parts = 1 if len(groups) >= search.sizes.threads else -(-search.sizes.threads // len(groups))
    states = [Candidates.empty(last - first, k, search.items.n, search.dtype) for _ in range(parts)]
    buffer: list[Any] = []
    for block_first, block_last in search.blocks():
        block = search.block(block_first, block_last, buffer)
        panels = search.item_packer.panels(block_last - block_first)
        share = -(-panels // parts)

        def one(
            group: tuple[int, int], part: int, block: Packed = block, panels: int = panels, share: int = share
        ) -> None:
            state, (a, b) = states[part], group
            at = a - first
            size = search.dtype.itemsize
            base = {
                "queries": address(packed_queries) + at * depth * size,
                "n": b - a,
                "items": address(block.data),
                "m": block.last - block.first,
                "base": block.first,
                "d": d,
                "one": address(ONE[search.screen.compute]),
                **state.fields(at, search.slack.slope, offset),
                **search.mask_fields(a, block.first),
                **{s: address(v) + at * size for s, v in query_stats.items()},
                **{s: address(v) for s, v in block.stats.items()},
            }
            stop = min((part + 1) * share, panels)
            step = max(1, int(1 / kernels.calls_of((b - a) * depth * tile.width, tile, search.formula)))
            for p in range(part * share, stop, step):
                if pool.stopped():
                    return
                run(first=p, last=min(p + step, stop), **base)
            seen = min(stop * tile.width, block.last - block.first) - part * share * tile.width
            done.add((b - a) * max(seen, 0))

        tasks = [functools.partial(one, group, part) for group in groups for part in range(parts)]
        pool.run(tasks, search.sizes.threads, done.report)
    return _settle_chunk(search, states, first, out)


def _coded_chunk(
    search: Search, first: int, last: int, k: int, out: BestState, done: pool.Counter
) -> NDArray[np.int64]:
    """As :func:`_topk_chunk`, by codes first."""
    threads, n = search.sizes.threads, last - first
    queries, scan = _coded(search, first, last, k, "topk")
    groups = query_groups(n, queries.tile.rows, threads)
    panels = -(-search.items.n // queries.tile.width)
    parts = 1 if len(groups) >= threads else -(-threads // len(groups))
    states = [Candidates.empty(n, k, search.items.n, np.dtype(np.float32)) for _ in range(parts)]
    share = -(-panels // parts)

    def one(group: tuple[int, int], part: int) -> None:
        if parts == 1:
            scan.seed(states[0], *group)
        scan.scan(states[part], *group, part * share, min((part + 1) * share, panels))
        done.add(-(-(group[1] - group[0]) * search.items.n // parts))

    if parts > 1:
        pool.run([functools.partial(scan.seed, states[0], *group) for group in groups], threads)
        for state in states[1:]:
            state.threshold[:] = states[0].threshold
    tasks = [functools.partial(one, group, part) for group in groups for part in range(parts)]
    pool.run(tasks, threads, done.report)
    return _settle_chunk(search, states, first, out)


def _coded(search: Search, first: int, last: int, k: int, mode: str) -> tuple[CodedQueries, ChunkScan]:
    """Those queries coded, and what takes them through the items' codes."""
    items, core, screen = search.codes, search.screen.core, search.screen
    assert items is not None
    some = search.queries if last - first == search.queries.n else take(search.queries, np.arange(first, last))
    queries = CodedQueries(some, core.u, screen.scale_x, items, search.formula, search.sizes.threads, mode)
    rows = _rows32(search, some, queries.needs_rows)
    offset = np.concatenate([search.offset(first, last), np.zeros(_TILE_ROWS, np.float32)])
    return queries, ChunkScan(
        queries, rows, search.items.d, search.items.n, k, search.slack.slope, offset,
        lambda at: search.mask_fields(first + at, 0), search.counts,
    )  # fmt: skip


def _partial_chunk(
    search: Search, first: int, last: int, k: int, out: BestState, done: pool.Counter
) -> NDArray[np.int64]:
    """As :func:`_topk_chunk`, by partial sums first."""
    from likewise.backends.llvm.partial import scan_chunk

    x, y = search.queries.known, search.items.known
    slack = partial_slack(search.metric, search.screen, x, y, search.items.d)
    assert search.partial is not None
    assert slack is not None
    states = scan_chunk(search, search.partial, slack, first, last, k, done)
    return _settle_chunk(replace(search, slack=slack), states, first, out)


def _rows32(search: Search, queries: Side, needed: bool) -> Rows32:
    """The rows and statistics that float32 scores read."""
    core, screen, threads = search.screen.core, search.screen, search.sizes.threads
    if not needed:
        return Rows32(None, None, {}, frozenset())
    x = Packer(queries, "x", core.u, screen.scale_x, "f32", 1)
    y = item_rows(search) if search.rows is None else search.rows
    stats = x.padded_stats(search.stat_names, 0, queries.n, 1)
    mine = frozenset(stats)
    stats |= search.item_packer.padded_stats(search.stat_names, 0, search.items.n, 1)
    return Rows32(x.pack(0, queries.n, threads), y, stats, mine)


def item_rows(search: Search) -> NDArray[Any]:
    """Items as float32 rows: their own where those will do."""
    return rows32(search.items, search.screen, search.sizes.threads)


def rows32(items: Side, screen: Screen, threads: int) -> NDArray[Any]:
    """Rows in float32 as a screen packs them, row-major."""
    if items.dtype == "float32" and screen.core.v == Y and screen.scale_y is None:
        return items.rows
    return Packer(items, "y", screen.core.v, screen.scale_y, "f32", 1).pack(0, items.n, threads)


def _settle_chunk(search: Search, parts: list[Candidates], first: int, out: BestState) -> NDArray[np.int64]:
    """Candidates of all parts, settled and sorted into ``out``; the queries that overflowed."""
    slack, threads = search.slack, search.sizes.threads
    lists = joined(parts)
    run = _search_kernel(search.tile, search.formula, slack.exact)
    lists.tighten(run, slack.slope, search.offset(first, first + len(lists.count)), threads)
    key, x, y = search.screen_rank_key, search.settle_x, search.settle_y
    search.counts.add(settled=int(lists.count.sum()))
    settle(lists, search.metric, key, x, y, first, out, threads, search.pairs)
    return np.nonzero(lists.overflow)[0] + first


# ------------------------------------------------------------------------------------------------ within


def _within_kernel(tile: Tile, formula: Formula, exact: bool) -> Kernel:
    return kernel(
        "within",
        kernel_recipe("within", tile, formula, exact),
        kernels.within_fields(formula),
        lambda module, name: kernels.within_kernel(module, name, tile, formula, exact=exact),
    )


def key_limit(metric: Metric, screen_key: Expr, rank_expr: Expr, sign: int, radius: float, d: int) -> float:
    """The largest key whose value may still be within ``radius``.

    Between the ordering value and the metric's value lie strictly monotone steps; found by bisection over float64,
    with a margin of 2^-40 relative, far above the error of those few steps.
    """
    outer = metric.finish.replace({rank_expr: ACC})
    if outer == ACC:
        return sign * radius
    constants = sum(abs(float(e.value or 0.0)) for e in outer.walk() if e.op == "const")
    leaves: dict[Expr, Any] = {Expr("dim"): np.float64(d)}

    def outside(key: float) -> bool:
        value = float(reference.evaluate(outer, {**leaves, ACC: np.float64(sign * key)}))
        if math.isinf(value) or math.isinf(radius):
            return value > radius if metric.closer == "smaller" else value < radius
        margin = 2.0**-40 * (abs(value) + abs(radius) + constants)
        return value > radius + margin if metric.closer == "smaller" else value < radius - margin

    low, high = -math.inf, math.inf  # keys at or below low may be within; those at or above high are not
    a, b = _ordinal(-1.8e308), _ordinal(1.7976931348623157e308)
    if never_negative(rank_expr, metric):  # on the other side of 0 a finish such as 1 / (1 + s) turns round
        a, b = (0, b) if sign > 0 else (a, 0)
    if not outside(_from_ordinal(b)):
        return high
    if outside(_from_ordinal(a)):
        return low
    while b - a > 1:
        middle = (a + b) // 2
        a, b = (a, middle) if outside(_from_ordinal(middle)) else (middle, b)
    return _from_ordinal(b)


def _ordinal(x: float) -> int:
    """Float64 numbers counted in order."""
    x = max(-1.7976931348623157e308, min(x, 1.7976931348623157e308))
    bits = int(np.float64(abs(x)).view(np.int64))
    return -bits if x < 0 else bits


def _from_ordinal(i: int) -> float:
    value = float(np.int64(abs(i)).view(np.float64))
    return -value if i < 0 else value


def within(search: Search, radius: float, progress: Progress = None) -> Pairs:
    """Every pair whose value is at least as close as ``radius``: rows, keys, values, items, in no order."""
    n, m = search.queries.n, search.items.n
    none = np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0, np.int64)
    if n == 0 or m == 0:
        return none
    rank = rank_of(search.metric)
    limit = key_limit(search.metric, search.screen.key, rank.expr, rank.sign, radius, search.items.d)
    with np.errstate(over="ignore", invalid="ignore"):
        threshold = np.full(n + _TILE_ROWS, limit * (search.slack.slope if math.isfinite(limit) else 1.0))
        if not search.slack.exact:
            threshold[:n] += search.offset(0, n)
        threshold = threshold.astype(search.dtype)
        if not search.slack.exact or search.dtype == np.float32:
            threshold = np.nextafter(threshold, np.array(np.inf, search.dtype))
    done = pool.Counter(n * m, progress)
    results = [none]
    for first in range(0, n, search.sizes.chunk):
        last = min(first + search.sizes.chunk, n)
        chunk = _within_chunk if search.codes is None else _coded_within
        results += chunk(search, first, last, threshold, radius, done)
    rows, keys, values, found = (np.concatenate([r[i] for r in results]) for i in range(4))
    return rows, keys, values, found


def _within_chunk(
    search: Search, first: int, last: int, threshold: NDArray[Any], radius: float, done: pool.Counter
) -> list[Pairs]:
    tile, d, size = search.tile, search.items.d, search.dtype.itemsize
    depth = search.depth
    run = _within_kernel(tile, search.formula, search.slack.exact)
    packed_queries = search.query_packer.pack(first, last, search.sizes.threads)
    query_stats = search.query_packer.padded_stats(search.stat_names, first, last, tile.rows)
    results: list[Pairs] = []
    buffer: list[Any] = []
    for block_first, block_last in search.blocks():
        block = search.block(block_first, block_last, buffer)
        panels = search.item_packer.panels(block_last - block_first)

        def one(group: tuple[int, int], start: int, end: int, block: Packed = block) -> None:
            a, b = group
            at = a - first
            cap = max(1 << 18, 2 * (b - a) * tile.width)
            rows, found, count = np.empty(cap, np.int64), np.empty(cap, np.int64), np.zeros(1, np.int64)
            p = start
            while p < end:
                count[0] = 0
                p = run(
                    queries=address(packed_queries) + at * depth * size,
                    n=b - a,
                    items=address(block.data),
                    first=p,
                    last=end,
                    m=block.last - block.first,
                    base=block.first,
                    d=d,
                    one=address(ONE[search.screen.compute]),
                    threshold=address(threshold) + a * size,
                    cap=cap,
                    rows_found=address(rows),
                    found=address(found),
                    count=address(count),
                    **search.mask_fields(a, block.first),
                    **{s: address(v) + at * size for s, v in query_stats.items()},
                    **{s: address(v) for s, v in block.stats.items()},
                )
                if hits := int(count[0]):
                    results.append(_settle_pairs(search, rows[:hits] + a, found[:hits].copy(), radius))
            done.add((b - a) * (end - start) * tile.width)

        tasks = []
        for group in search.query_groups(first, last):
            step = max(1, int(1 / kernels.calls_of((group[1] - group[0]) * depth * tile.width, tile, search.formula)))
            tasks += [functools.partial(one, group, p, min(p + step, panels)) for p in range(0, panels, step)]
        pool.run(tasks, search.sizes.threads, done.report)
    return results


def _coded_within(
    search: Search, first: int, last: int, threshold: NDArray[Any], radius: float, done: pool.Counter
) -> list[Pairs]:
    """As :func:`_within_chunk`, by codes first."""
    queries, scan = _coded(search, first, last, 1, "within")
    results: list[Pairs] = []

    def one(group: tuple[int, int]) -> None:
        for rows, found in scan.within(threshold[first:], *group):
            results.append(_settle_pairs(search, rows + first, found, radius))
        done.add((group[1] - group[0]) * search.items.n)

    groups = query_groups(last - first, queries.tile.rows, search.sizes.threads)
    pool.run([functools.partial(one, group) for group in groups], search.sizes.threads, done.report)
    return results


def _settle_pairs(search: Search, rows: Any, found: Any, radius: float) -> Pairs:
    keys, values = search.settled(rows, found, 1)
    inside = values <= radius if search.metric.closer == "smaller" else values >= radius
    return rows[inside], keys[inside], values[inside], found[inside]
