"""Search kernels: the k smallest keys of each query, and all keys below a threshold."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from likewise.backends.llvm.emit import (
    I8,
    I64,
    Function,
    Value,
    constant,
    integer_like,
)
from likewise.backends.llvm.kernels.bits import bit_rows_with_hits
from likewise.backends.llvm.kernels.tile import (
    INF,
    Formula,
    Tile,
    finished,
    panel_tiles,
    row_count,
    spill,
)
from likewise.formula.expr import ACC, Expr


def search_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "n", "items", "first", "last", "m", "base", "d", "one"),
        *("k", "cap", "heap", "sizes", "keys", "found", "counts", "threshold", "slope", "offset", "overflow"),
        *("where", "where_row"),
        *formula.stats,
    )


def search_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, exact: bool) -> None:
    """The k smallest keys of each query, as a heap of keys and a list of candidates.

    A pair becomes a candidate when its key is at most the query's threshold:  slope * (k-th smallest key) + offset,
    or with ``exact`` keys just below the k-th smallest (scanned in index order, a later equal key loses). The vector
    compare is the common case; what follows it happens some k log(m / k) times a query. A list that fills up drops
    what no longer qualifies; if most still does, the query is marked as overflowing and left to the caller.
    """
    f = Function(module, name, search_fields(formula))
    panels = f.loop(f.field("first"), f.field("last"), name="panel")
    with panels as p, _panel_hits(f, tile, formula, p, exact) as (row, item, hits, keys):
        _offer(f, tile, keys, row, item, hits, exact)
    f.ret()


@contextmanager
def _panel_hits(
    f: Function, tile: Tile, formula: Formula, p: Value, exact: bool
) -> Iterator[tuple[Value, Value, Value, Value]]:
    """Panel ``p`` against all queries: (row, first item, hits, keys) for each row with keys under its threshold."""
    b = f.b
    buffer = f.slot(tile.vec, len(formula.terms) * tile.rows * tile.vectors, align=64)
    keys = f.slot(tile.vec, tile.vectors, align=64)
    rows = bit_rows_with_hits if tile.compute == "bits" else functools.partial(_tile_rows_with_hits, exact=exact)
    with rows(f, tile, formula, p, buffer) as (first, item, r):
        row = b.add(first, r)
        limit = f.load(f.pointer("threshold"), row, tile.elem)
        hits = _hits(f, tile, formula, buffer, keys, r, row, item, limit, exact)
        with f.when(b.icmp_unsigned("!=", hits, I64(0)), likely=False):
            yield row, item, hits, keys


@contextmanager
def _tile_rows_with_hits(
    f: Function, tile: Tile, formula: Formula, p: Value, buffer: Value, *, exact: bool
) -> Iterator[tuple[Value, Value, Value]]:
    """For each row of each tile that may have a hit: (first row, first item, row), with its sums in the buffer."""
    fused = tile.compute == "f32" and tile.target.fma
    with (
        panel_tiles(f, tile, formula, p, fused=fused, answer=exact) as (done, first, item),
        _rows_with_hits(f, tile, formula, done, buffer, first, exact) as r,
    ):
        yield first, item, r


def _hits(
    f: Function,
    tile: Tile,
    formula: Formula,
    buffer: Value,
    keys: Value,
    r: Value,
    row: Value,
    item: Value,
    limit: Value,
    exact: bool,
) -> Value:
    """A row's keys into ``keys``, and a bit for each that is at most ``limit``."""
    hits: Value = I64(0)
    for v in range(tile.vectors):
        key = finished(f, tile, formula, buffer, r, v, row, item, answer=exact)
        f.store(key, keys, I64(v * tile.lanes))
        compare = f.b.fcmp_ordered if exact else f.b.fcmp_unordered  # a NaN score proves nothing: keep
        bits = f.b.zext(f.any_lane(compare("<=", key, f.splat(limit, tile.lanes))), I64)
        hits = f.b.or_(hits, f.b.shl(bits, I64(v * tile.lanes)))
    return hits


@contextmanager
def _rows_with_hits(
    f: Function,
    tile: Tile,
    formula: Formula,
    accumulators: list[list[list[Value]]],
    buffer: Value,
    first: Value,
    exact: bool,
) -> Iterator[Value]:
    """For each row of the tile that may have a hit: its number, with the accumulators in the buffer.

    A key that is the accumulator itself is compared in registers, a bit per row, and most tiles end there. Thresholds
    are padded to whole tiles by the caller.
    """
    b = f.b
    plain = {ACC: 1, Expr("neg", (ACC,)): -1}.get(formula.last)
    if plain is None:
        spill(f, tile, accumulators, buffer)
        with f.loop(0, row_count(f, tile, first), name="row") as r:
            yield r
        return
    compare = b.fcmp_ordered if exact else b.fcmp_unordered
    rows: Value = I64(0)
    for r, row in enumerate(accumulators[0]):
        limit = f.load(f.pointer("threshold"), b.add(first, I64(r)), tile.elem)
        limit = f.splat(limit if plain > 0 else b.fneg(limit), tile.lanes)
        hits: Value = None
        for acc in row:
            mask = compare("<=" if plain > 0 else ">=", acc, limit)
            hits = mask if hits is None else b.or_(hits, mask)
        any_hit = b.icmp_unsigned("!=", f.any_lane(hits), ir.IntType(tile.lanes)(0))
        rows = b.or_(rows, b.shl(b.zext(any_hit, I64), I64(r)))
    real = b.sub(b.shl(I64(1), row_count(f, tile, first)), I64(1))
    rows = b.and_(rows, real)
    with f.when(b.icmp_unsigned("!=", rows, I64(0)), likely=False):
        spill(f, tile, accumulators, buffer)
        with _each_bit(f, rows) as r:
            yield r


@contextmanager
def _each_bit(f: Function, bits: Value) -> Iterator[Value]:
    """For each set bit, from the lowest: its number."""
    b = f.b
    left = f.variable(bits)
    with f.loop_while(lambda: b.icmp_unsigned("!=", f.get(left, I64), I64(0)), "bit"):
        now = f.get(left, I64)
        f.put(b.and_(now, b.sub(now, I64(1))), left)
        yield f.intrinsic("llvm.cttz.i64", I64, now, ir.IntType(1)(1))


def _offer(f: Function, tile: Tile, keys: Value, row: Value, item: Value, hits: Value, exact: bool) -> None:
    """Walk a row's hits and take in those that still qualify."""
    b, elem = f.b, tile.elem
    k, cap = f.field("k"), f.field("cap")
    heap = f.at(f.pointer("heap"), b.mul(row, k), elem)
    candidate_keys = f.at(f.pointer("keys"), b.mul(row, cap), elem)
    candidates = f.at(f.pointer("found"), b.mul(row, cap), I64)
    compare = b.fcmp_ordered if exact else b.fcmp_unordered
    with _each_bit(f, hits) as lane:
        key = f.load(keys, lane, elem)
        index = b.add(item, lane)
        limit = f.load(f.pointer("threshold"), row, elem)
        good = b.and_(compare("<=", key, limit), b.icmp_signed("<", index, f.field("m")))
        good = b.and_(good, b.icmp_signed("==", f.load(f.pointer("overflow"), row, I64), I64(0)))
        with f.when(good), f.when(_admitted(f, row, index)):
            _push(f, heap, f.at(f.pointer("sizes"), row, I64), k, key, elem)
            size = f.load(f.pointer("sizes"), row, I64)
            with f.when(b.icmp_signed("==", size, k)):
                worst = f.load(heap, 0, elem)
                if exact:
                    f.store(_below(f, worst), f.pointer("threshold"), row)
                else:
                    slope = f.number("slope", elem)
                    offset = f.load(f.pointer("offset"), row, elem)
                    f.store(b.fadd(b.fmul(worst, slope), offset), f.pointer("threshold"), row)
            count_at = f.at(f.pointer("counts"), row, I64)
            with f.when(b.icmp_signed("==", f.get(count_at, I64), cap)):
                worst_kept = f.load(heap, 0, elem) if exact else f.load(f.pointer("threshold"), row, elem)
                left = _compact(f, candidate_keys, candidates, cap, worst_kept, elem)
                f.put(left, count_at)
                crowded = b.icmp_signed(">", left, b.sub(cap, b.sdiv(cap, I64(4))))
                with f.when(crowded):
                    f.store(I64(1), f.pointer("overflow"), row)
                    f.store(constant(elem, -INF), f.pointer("threshold"), row)
            count = f.get(count_at, I64)
            with f.when(b.icmp_signed("<", count, cap)):
                f.store(key, candidate_keys, count)
                f.store(b.add(index, f.field("base")), candidates, count)
                f.put(b.add(count, I64(1)), count_at)


def _admitted(f: Function, row: Value, index: Value) -> Value:
    """where[row, index], or True without a filter. ``index`` counts within the block the mask was cut for."""
    b = f.b
    absent = b.icmp_signed("==", f.field("where"), I64(0))
    allowed = f.variable(absent)
    with f.when(b.not_(absent)):
        at = b.add(b.mul(row, f.field("where_row")), index)
        f.put(b.icmp_unsigned("!=", f.load(f.pointer("where"), at, I8), I8(0)), allowed)
    return f.get(allowed, ir.IntType(1))


def _push(f: Function, heap: Value, size_at: Value, k: Value, key: Value, elem: Any) -> None:
    """A key into a max-heap of at most k; it replaces the largest once the heap is full. NaN stays out."""
    b = f.b
    size = f.get(size_at, I64)
    number = b.fcmp_ordered("ord", key, key)
    grows = b.and_(number, b.icmp_signed("<", size, k))
    replaces = b.and_(b.and_(number, b.icmp_signed("==", size, k)), b.fcmp_ordered("<", key, f.load(heap, 0, elem)))
    with f.when(grows):
        i = f.variable(size)

        def rising() -> Value:
            at = f.get(i, I64)
            parent = b.sdiv(b.sub(at, I64(1)), I64(2))
            above = f.load(heap, b.select(b.icmp_signed(">", at, I64(0)), parent, I64(0)), elem)
            return b.and_(b.icmp_signed(">", at, I64(0)), b.fcmp_ordered("<", above, key))

        with f.loop_while(rising, "rise"):
            at = f.get(i, I64)
            parent = b.sdiv(b.sub(at, I64(1)), I64(2))
            f.store(f.load(heap, parent, elem), heap, at)
            f.put(parent, i)
        f.store(key, heap, f.get(i, I64))
        f.put(b.add(size, I64(1)), size_at)
    with f.when(replaces):
        i = f.variable(I64(0))
        child = f.variable(I64(0))

        def sinking() -> Value:
            left = b.add(b.mul(f.get(i, I64), I64(2)), I64(1))
            right = b.add(left, I64(1))
            inside = b.icmp_signed("<", left, k)
            left = b.select(inside, left, I64(0))
            has_right = b.icmp_signed("<", right, k)
            safe_right = b.select(has_right, right, left)
            bigger = b.fcmp_ordered(">", f.load(heap, safe_right, elem), f.load(heap, left, elem))
            pick = b.select(bigger, safe_right, left)
            f.put(pick, child)
            return b.and_(inside, b.fcmp_ordered(">", f.load(heap, pick, elem), key))

        with f.loop_while(sinking, "sink"):
            pick = f.get(child, I64)
            f.store(f.load(heap, pick, elem), heap, f.get(i, I64))
            f.put(pick, i)
        f.store(key, heap, f.get(i, I64))


def _compact(f: Function, keys: Value, found: Value, count: Value, limit: Value, elem: Any) -> Value:
    """Keep the candidates that still qualify, in order; their number."""
    b = f.b
    kept = f.variable(I64(0))
    with f.loop(0, count, name="c") as i:
        key = f.load(keys, i, elem)
        with f.when(b.fcmp_unordered("<=", key, limit)):
            to = f.get(kept, I64)
            f.store(key, keys, to)
            f.store(f.load(found, i, I64), found, to)
            f.put(b.add(to, I64(1)), kept)
    return f.get(kept, I64)


def _below(f: Function, x: Value) -> Value:
    """The next float below x: one step of its bits; NaN below -inf, under which nothing falls."""
    b, whole = f.b, integer_like(x.type)
    raw = b.bitcast(x, whole)
    zero = constant(x.type, 0.0)
    step = b.select(b.fcmp_ordered(">", x, zero), whole(-1), whole(1))
    sign_and_one = whole((1 << (whole.width - 1)) | 1)
    moved = b.select(b.fcmp_ordered("==", x, zero), sign_and_one, b.add(raw, step))
    return b.bitcast(moved, x.type)


def within_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "n", "items", "first", "last", "m", "base", "d", "one"),
        *("threshold", "cap", "rows_found", "found", "count", "where", "where_row"),
        *formula.stats,
    )


def within_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, exact: bool) -> None:
    """Every pair whose key is at most its query's threshold, as (row, item) pairs.

    Stops before a panel whose pairs might not fit; the result is the first panel not done.
    """
    f = Function(module, name, within_fields(formula))
    b = f.b
    most = b.mul(f.field("n"), I64(tile.width))
    panel_at = f.variable(f.field("first"))
    count_at = f.pointer("count")

    def room() -> Value:
        more = b.icmp_signed("<", f.get(panel_at, I64), f.field("last"))
        fits = b.icmp_signed("<=", b.add(f.load(count_at, 0, I64), most), f.field("cap"))
        return b.and_(more, fits)

    with f.loop_while(room, "panel"):
        p = f.get(panel_at, I64)
        with _panel_hits(f, tile, formula, p, exact) as (row, item, hits, _), _each_bit(f, hits) as lane:
            index = b.add(item, lane)
            with f.when(b.icmp_signed("<", index, f.field("m"))), f.when(_admitted(f, row, index)):
                count = f.load(count_at, 0, I64)
                f.store(row, f.pointer("rows_found"), count)
                f.store(b.add(index, f.field("base")), f.pointer("found"), count)
                f.store(b.add(count, I64(1)), count_at, I64(0))
        f.put(b.add(p, I64(1)), panel_at)
    f.ret(f.get(panel_at, I64))
