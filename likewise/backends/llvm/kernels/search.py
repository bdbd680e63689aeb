"""Search kernels: the k smallest keys of each query, and all keys below a threshold."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from likewise.backends.llvm.emit import (
    I8,
    I64,
    Function,
    Value,
    constant,
    vector,
)
from likewise.backends.llvm.kernels.bits import bit_rows_with_hits
from likewise.backends.llvm.kernels.select import LIST_FIELDS, Lists, tighten_function
from likewise.backends.llvm.kernels.tile import (
    Formula,
    Tile,
    finished,
    panel_tiles,
    row_count,
    spill,
)
from likewise.formula.expr import ACC, Expr

#: What kernels are told of a filter (:mod:`likewise.backends.llvm.filters`); zeros without one.
FILTER_FIELDS = (
    *("filtered", "number", "numbers", "own", "listed", "list_start", "list_stop"),
    *("where", "where_rows", "where_item", "where_side_by_side"),
)


def search_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "n", "items", "first", "last", "m", "base", "d", "one"),
        *LIST_FIELDS,
        *("stride", "finish"),
        *FILTER_FIELDS,
        *formula.stats,
    )


def search_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, exact: bool) -> None:
    """The k smallest keys of each query, in a list of candidates.

    A pair becomes a candidate when its key is at most the query's threshold:  slope * (k-th smallest key) + offset,
    or with ``exact`` keys just below the k-th smallest (scanned in index order, a later equal key loses). The vector
    compare is the common case; what follows it happens some k log(m / k) times a query. A list that has grown enough
    is tightened (:func:`tighten_function`): a lower threshold, and only what still qualifies. So are the lists of the
    first ``finish`` queries at the end, which is asked for when all items have been seen.
    """
    tighten = tighten_function(module, f"{name}_tighten", tile, exact=exact)
    f = Function(module, name, search_fields(formula))
    lists = Lists(f, tighten, tile)
    panels = f.loop(f.field("first"), f.field("last"), name="panel")
    with panels as p, _panel_hits(f, tile, formula, p, exact) as (row, item, hits, keys):
        offer(f, tile, keys, row, item, hits, lists)
    with f.loop(0, f.field("finish"), name="finish") as row:
        lists.tighten(row)
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
            hits = _masked(f, tile, row, item, hits)
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
        with each_bit(f, rows) as r:
            yield r


@contextmanager
def each_bit(f: Function, bits: Value) -> Iterator[Value]:
    """For each set bit, from the lowest: its number."""
    b = f.b
    left = f.variable(bits)
    with f.loop_while(lambda: b.icmp_unsigned("!=", f.get(left, I64), I64(0)), "bit"):
        now = f.get(left, I64)
        f.put(b.and_(now, b.sub(now, I64(1))), left)
        yield f.intrinsic("llvm.cttz.i64", I64, now, ir.IntType(1)(1))


def offer(f: Function, tile: Tile, keys: Value, row: Value, item: Value, hits: Value, lists: Lists) -> None:
    """Append a row's hits to its list of candidates; a list that has grown enough is tightened.

    Room for a panel's hits is left beyond the length at which that happens.
    """
    b, elem = f.b, tile.elem
    start = b.mul(row, f.field("stride"))
    candidate_keys = f.at(f.pointer("keys"), start, elem)
    candidates = f.at(f.pointer("found"), start, I64)
    real = b.sub(f.field("m"), item)  # items of this panel; the rest is padding
    real = b.select(b.icmp_signed("<", real, I64(tile.width)), real, I64(tile.width))
    hits = b.and_(hits, b.lshr(I64(-1), b.sub(I64(64), real)))
    with f.when(b.icmp_signed("==", f.load(f.pointer("overflow"), row, I64), I64(0))):
        count_at = f.at(f.pointer("count"), row, I64)
        size = f.variable(f.get(count_at, I64))
        first = b.add(item, f.field("base"))
        with each_bit(f, hits) as lane, f.when(admitted(f, row, b.add(item, lane))):
            count = f.get(size, I64)
            f.store(f.load(keys, lane, elem), candidate_keys, count)
            f.store(b.add(first, lane), candidates, count)
            f.put(b.add(count, I64(1)), size)
        count = f.get(size, I64)
        f.put(count, count_at)
        with f.when(b.icmp_signed(">=", count, f.load(f.pointer("trigger"), row, I64)), likely=False):
            lists.tighten(row)


def _masked(f: Function, tile: Tile, row: Value, item: Value, hits: Value) -> Value:
    """The hits that the mask admits, all lanes of a whole panel at once: most that are not admitted end here."""
    b, width = f.b, tile.width
    left = f.variable(hits)
    whole = b.icmp_signed("<=", b.add(item, I64(width)), f.field("m"))
    with f.when(b.and_(b.icmp_signed("!=", f.field("where_side_by_side"), I64(0)), whole)):
        start = b.add(f.load(f.pointer("where_rows"), row, I64), b.add(item, f.field("number")))
        admitted = f.load(f.pointer("where"), start, vector(I8, width))
        admitted = b.icmp_unsigned("!=", admitted, constant(admitted.type, 0))
        f.put(b.and_(hits, b.zext(f.any_lane(admitted), I64)), left)
    return f.get(left, I64)


def admitted(f: Function, row: Value, index: Value) -> Value:
    """Whether the filter admits a pair. ``index`` counts within the block; the filter has the caller's numbers."""
    b = f.b
    allowed = f.variable(ir.IntType(1)(1))
    with f.when(b.icmp_signed("!=", f.field("filtered"), I64(0)), likely=False):
        number = f.variable(b.add(index, f.field("number")))
        with f.when(_given(f, "numbers")):
            f.put(f.load(f.pointer("numbers"), index, I64), number)
        item = f.get(number, I64)
        with f.when(_given(f, "where")):
            at = b.add(f.load(f.pointer("where_rows"), row, I64), b.mul(item, f.field("where_item")))
            f.put(b.icmp_unsigned("!=", f.load(f.pointer("where"), at, I8), I8(0)), allowed)
        with f.when(_given(f, "own")):
            other = b.icmp_signed("!=", f.load(f.pointer("own"), row, I64), item)
            f.put(b.and_(f.get(allowed, ir.IntType(1)), other), allowed)
        with f.when(_given(f, "listed")):
            unlisted = b.not_(_listed(f, row, item))
            f.put(b.and_(f.get(allowed, ir.IntType(1)), unlisted), allowed)
    return f.get(allowed, ir.IntType(1))


def _given(f: Function, name: str) -> Value:
    return f.b.icmp_signed("!=", f.field(name), I64(0))


def _listed(f: Function, row: Value, item: Value) -> Value:
    """Whether the row's list, which rises, has the item: the first entry that is not below it is the item."""
    b = f.b
    listed, stop = f.pointer("listed"), f.load(f.pointer("list_stop"), row, I64)
    low, high = f.variable(f.load(f.pointer("list_start"), row, I64)), f.variable(stop)
    with f.loop_while(lambda: b.icmp_signed("<", f.get(low, I64), f.get(high, I64)), "halve"):
        a, z = f.get(low, I64), f.get(high, I64)
        middle = b.ashr(b.add(a, z), I64(1))
        below = b.icmp_signed("<", f.load(listed, middle, I64), item)
        f.put(b.select(below, b.add(middle, I64(1)), a), low)
        f.put(b.select(below, z, middle), high)
    found = f.variable(ir.IntType(1)(0))
    with f.when(b.icmp_signed("<", f.get(low, I64), stop)):
        f.put(b.icmp_signed("==", f.load(listed, f.get(low, I64), I64), item), found)
    return f.get(found, ir.IntType(1))


def within_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "n", "items", "first", "last", "m", "base", "d", "one"),
        *("threshold", "cap", "rows_found", "found", "count"),
        *FILTER_FIELDS,
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
        with _panel_hits(f, tile, formula, p, exact) as (row, item, hits, _), each_bit(f, hits) as lane:
            index = b.add(item, lane)
            with f.when(b.icmp_signed("<", index, f.field("m"))), f.when(admitted(f, row, index)):
                count = f.load(count_at, 0, I64)
                f.store(row, f.pointer("rows_found"), count)
                f.store(b.add(index, f.field("base")), f.pointer("found"), count)
                f.store(b.add(count, I64(1)), count_at, I64(0))
        f.put(b.add(p, I64(1)), panel_at)
    f.ret(f.get(panel_at, I64))
