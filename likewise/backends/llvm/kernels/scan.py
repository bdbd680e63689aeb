"""The scan: every pair in integers, and what is done with those that pass.

:func:`scan_kernel` walks the panels; pairs that may still win go to a list, which :func:`refine_list` takes through
finer levels, each with more of the row and a tighter bound, to the float32 scores (or exact integers) that are offered
to the candidates.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import F32, F64, I8, I16, I32, I64, PTR, Function, Value, constant, vector
from likewise.backends.llvm.kernels.codes import CodeTile, dot_step, integer_tile, larger, smaller
from likewise.backends.llvm.kernels.search import FILTER_FIELDS, admitted, each_bit, offer
from likewise.backends.llvm.kernels.select import LIST_FIELDS, Lists, tighten_function
from likewise.backends.llvm.kernels.tile import Formula, Tile, combine_step
from likewise.backends.llvm.lower import lower
from likewise.backends.llvm.target import Target
from likewise.formula.expr import DIM, Expr, X, Y, stat


@dataclass(frozen=True)
class Level:
    """A finer look at listed pairs, by dot products of more bytes of both rows.

    ``carry``: its score adds to the one before. ``exact``: its integers are the answer, in float64, and no float32
    score is needed; ``at_once``: those of the scan itself are.
    """

    carry: bool = False
    exact: bool = False
    at_once: bool = False


@dataclass(frozen=True)
class Scan:
    """What determines a scan kernel: tile, which statistics enter the first bound, levels, and the float32 score.

    ``mode`` is "seed" (the best looking pairs, to be settled first), "topk" or "within".
    """

    tile: CodeTile
    scaled: bool
    tailed: bool
    levels: tuple[Level, ...]
    formula: Formula
    mode: str

    @property
    def text(self) -> str:
        t = self.tile
        return f"{t.kind} {t.rows}x{t.vectors} {self.scaled} {self.tailed} {self.levels} {self.mode}"


_DENSE = (
    *("queries", "n", "items", "first", "last", "m", "base", "steps", "blocks", "ends", "shifts", "init", "inits"),
    *("a_x", "t_x", "s_y", "t_y", "b_y", "limit", "constant", "gain", "margin"),
)
_LEVEL = ("x", "y", "stride", "init", "a_x", "t_x", "s_y", "t_y", "b_y", "constant", "gain")


def scan_fields(scan: Scan) -> tuple[str, ...]:
    levels = tuple(f"{name}_{i}" for i in range(len(scan.levels)) for name in _LEVEL)
    lists = ("list_row", "list_item", "list_number", "room", "stretch", "tally")
    floats = ("x_rows", "y_rows", "d", "one", "hits_row", "hits_item", "hits", "hits_room")
    return (*_DENSE, *LIST_FIELDS, "stride", "finish", *FILTER_FIELDS, *lists, *levels, *floats, *scan.formula.stats)


def _pair_tile(scan: Scan) -> Tile:
    """The tile of a single pair's float32 score, in registers as wide as there are."""
    return Tile(1, 1, scan.tile.target.lanes, "f32", scan.tile.target)


def scan_function(
    module: ir.Module, name: str, scan: Scan, fields: tuple[str, ...] | None = None
) -> tuple[Function, Lists | None]:
    """A kernel's function, with its lists of candidates if it keeps any."""
    fields = fields or scan_fields(scan)
    if scan.mode == "within":
        return Function(module, name, fields), None
    tile = _pair_tile(scan)
    tighten = tighten_function(module, f"{name}_tighten", tile, exact=scan.mode == "seed")
    f = Function(module, name, fields)
    return f, Lists(f, tighten, tile)


def scan_kernel(module: ir.Module, name: str, scan: Scan) -> None:
    """Panels first..last against the queries: list what may win, refine the list, update the limits, go on.

    The result is the first panel not done ("within" stops where its hits might not fit).
    """
    f, lists = scan_function(module, name, scan)
    b, tile = f.b, scan.tile
    n = f.field("n")
    at = f.variable(f.field("first"))
    if scan.mode == "seed":
        set_limits(f, scan)
        with f.loop(f.field("first"), f.field("last"), name="panel") as p:
            _scan_panel(
                f, scan, p, lambda row, item, lane, key, acc: _seed(f, scan, lists, row, b.add(item, lane), key)
            )
        _tighten_all(f, lists)
        f.ret(f.field("last"))
        return
    most = b.mul(n, I64(tile.width))
    count_at = f.variable(I64(0))
    set_limits(f, scan)

    def more() -> Value:
        left = b.icmp_signed("<", f.get(at, I64), f.field("last"))
        if scan.mode != "within":
            return left
        fits = b.add(f.load(f.pointer("hits"), 0, I64), f.field("room"))
        return b.and_(left, b.icmp_signed("<=", fits, f.field("hits_room")))

    def append(row: Value, item: Value, lane: Value, key: Value, acc: Value) -> None:
        count = f.get(count_at, I64)
        index = b.add(item, lane)
        with f.when(b.icmp_signed("<", index, f.field("m"))):
            _write_entry(f, count, row, index, acc)
            f.put(b.add(count, I64(1)), count_at)

    with f.loop_while(more, "stretch"):
        f.put(I64(0), count_at)
        stretch_end = b.add(f.get(at, I64), f.field("stretch"))

        def room(stretch_end: Value = stretch_end) -> Value:
            p = f.get(at, I64)
            inside = b.and_(b.icmp_signed("<", p, f.field("last")), b.icmp_signed("<", p, stretch_end))
            return b.and_(inside, b.icmp_signed("<=", b.add(f.get(count_at, I64), most), f.field("room")))

        started = ticks(f, tile.target)
        with f.loop_while(room, "panel"):
            p = f.get(at, I64)
            _scan_panel(f, scan, p, append, count_at)
            f.put(b.add(p, I64(1)), at)
        scanned = ticks(f, tile.target)
        count_up(f, SCAN_TICKS, b.sub(scanned, started))
        total = f.get(count_at, I64)
        refine_list(f, scan, lists, total)
        set_limits(f, scan)
        count_up(f, REFINE_TICKS, b.sub(ticks(f, tile.target), scanned))
    f.ret(f.get(at, I64))


def refine_kernel(module: ir.Module, name: str, scan: Scan) -> None:
    """The refining half alone, over a list of ``hits`` entries that the caller made."""
    f, lists = scan_function(module, name, scan)
    refine_list(f, scan, lists, f.field("first"))
    _tighten_all(f, lists)
    f.ret()


def _tighten_all(f: Function, lists: Lists | None) -> None:
    """The lists of the first ``finish`` queries tightened, when all is in them."""
    assert lists is not None
    with f.loop(0, f.field("finish"), name="finish") as row:
        lists.tighten(row)


#: What ``tally`` counts: pairs listed, pairs scored, and the clock's ticks in the scan and in what follows it.
LISTED, SCORED, SCAN_TICKS, REFINE_TICKS = range(4)


def count_up(f: Function, which: int, more: Value) -> None:
    """Add to one of the tally's counters."""
    tally = f.pointer("tally")
    f.store(f.b.add(f.load(tally, which, I64), more), tally, I64(which))


def ticks(f: Function, target: Target) -> Value:
    """The processor's clock, in steps of its own."""
    name = "llvm.readsteadycounter" if target.triple.startswith(("aarch64", "arm64")) else "llvm.readcyclecounter"
    return f.intrinsic(name, I64)


def set_limits(f: Function, scan: Scan) -> None:
    """limit = constant - gain threshold, and ``margin`` of that for the rounding of all that is compared with it."""
    b = f.b
    gain, margin = f.number("gain", F32), f.number("margin", F32)
    with f.loop(0, f.field("n"), name="q") as r:
        threshold = f.load(f.pointer("threshold"), r, F32)
        start = f.load(f.pointer("constant"), r, F32)
        move = b.fmul(gain, threshold)
        size = b.fadd(functions.unary(f, "fabs", start), functions.unary(f, "fabs", move))
        limit = b.fadd(b.fsub(start, move), b.fmul(margin, size))
        # infinities: nothing known yet lets all through, an overflown query lets nothing
        finite = b.fcmp_ordered("<", functions.unary(f, "fabs", move), constant(F32, float("inf")))
        f.store(b.select(finite, limit, b.fneg(move)), f.pointer("limit"), r)


def score_of(f: Function, scan: Scan, acc: Value, row: Value, item: Value) -> Value:
    """An upper bound of how good: a (s acc) + t t' + b, of a register of items (or of one)."""
    b = f.b
    many = isinstance(acc.type, ir.VectorType)
    lanes = acc.type.count if many else 1
    typ = vector(F32, lanes) if many else F32

    def of_row(name: str) -> Value:
        value = f.load(f.pointer(name), row, F32)
        return f.splat(value, lanes) if many else value

    score = b.sitofp(acc, typ)
    if scan.tile.kind == "max":
        return b.fneg(b.uitofp(acc, typ))
    if scan.scaled:
        score = b.fmul(score, f.load(f.pointer("s_y"), item, typ))
    bias = f.load(f.pointer("b_y"), item, typ)
    score = f.fma(score, of_row("a_x"), bias)
    return f.fma(f.load(f.pointer("t_y"), item, typ), of_row("t_x"), score) if scan.tailed else score


def _scan_panel(f: Function, scan: Scan, p: Value, take: Any, count_at: Value = None) -> None:
    """Panel p against every tile of queries: what may win goes to ``take``, or onto the list."""
    b, tile = f.b, scan.tile
    steps = f.field("steps")
    tiles = b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows))
    buffer = f.slot(tile.vec, tile.rows * tile.vectors, align=64)
    keys = f.slot(F32, tile.width, align=64)
    panel = f.at(f.pointer("items"), b.mul(b.mul(p, steps), I64(tile.width * tile.group)), I8)
    item = b.mul(p, I64(tile.width))
    with f.loop(0, tiles, name="tile") as index:
        first = b.mul(index, I64(tile.rows))
        queries = f.at(f.pointer("queries"), b.mul(b.mul(first, steps), I64(tile.group)), I8)
        init = f.at(f.pointer("init"), b.mul(first, f.field("inits")), I32)
        done = integer_tile(f, tile, queries, panel, init)
        if scan.mode != "seed" and compresses(tile):
            _append_tile(f, scan, done, first, item, buffer, count_at)
        else:
            _walk_tile(f, scan, done, first, item, buffer, keys, take)


def compresses(tile: CodeTile) -> bool:
    """Whether a tile's hits are packed by AVX-512's compress: 4 of 12 rows have one, which no branch predicts."""
    target = tile.target
    return target.name == "avx512" and tile.width == 32 and "+avx512vbmi2" in target.features.split(",")


def _append_tile(
    f: Function, scan: Scan, done: list[list[Value]], first: Value, item: Value, buffer: Value, count_at: Value
) -> None:
    """The pairs of a tile that may win, to the end of the list.

    Row by row, the places of the hits (row * 32 + item, 16 bits) are compressed to the end of a short list, without a
    branch; then one loop writes entries. Compressing sums, items and rows themselves took longer: three stores of whole
    registers across cache lines, for a hit or none each (the pass over 64 coordinates: 186 -> 225 G/s).
    """
    b, tile = f.b, scan.tile
    masks: list[list[Value]] = []
    some: Value = None
    for r, row in enumerate(done):
        at = b.add(first, I64(r))
        limit = f.load(f.pointer("limit"), at, F32)
        masks.append([_passes(f, scan, acc, at, b.add(item, I64(v * tile.lanes)), limit) for v, acc in enumerate(row)])
        for mask in masks[-1]:
            some = mask if some is None else b.or_(some, mask)
    hit = b.icmp_unsigned("!=", f.any_lane(some), ir.IntType(tile.lanes)(0))
    places = f.slot(I16, tile.rows * 32 + 32, align=64)
    with f.when(hit):
        for r, row in enumerate(done):
            for v, acc in enumerate(row):
                f.store(acc, buffer, I64((r * tile.vectors + v) * tile.lanes))
        left = b.sub(f.field("m"), item)
        left = b.select(b.icmp_signed("<", left, I64(32)), left, I64(32))
        inside = b.trunc(b.lshr(I64((1 << 32) - 1), b.sub(I64(32), left)), I32)
        found = f.variable(I64(0))
        wide = vector(I16, 32)
        for r in range(tile.rows):
            low, high = (b.zext(f.any_lane(mask), I32) for mask in masks[r])
            bits = b.and_(b.or_(low, b.shl(high, I32(16))), inside)
            bits = b.select(b.icmp_signed("<", b.add(first, I64(r)), f.field("n")), bits, I32(0))
            numbers = ir.Constant(wide, [32 * r + lane for lane in range(32)])
            mask = b.bitcast(bits, vector(ir.IntType(1), 32))
            packed = f.intrinsic("llvm.x86.avx512.mask.compress.v32i16", wide, numbers, constant(wide, 0), mask)
            f.store(packed, places, f.get(found, I64))
            more = b.zext(f.intrinsic("llvm.ctpop.i32", I32, bits), I64)
            f.put(b.add(f.get(found, I64), more), found)
        start = f.get(count_at, I64)
        with f.loop(0, f.get(found, I64), name="hit") as i:
            place = b.zext(f.load(places, i, I16), I64)
            row, lane = b.lshr(place, I64(5)), b.and_(place, I64(31))
            _write_entry(f, b.add(start, i), b.add(first, row), b.add(item, lane), f.load(buffer, place, I32))
        f.put(b.add(start, f.get(found, I64)), count_at)


def append_row(f: Function, scan: Scan, acc: Value, row: Value, item: Value, count_at: Value) -> None:
    """Of one register of sums, the items that may win, to the end of the list: one bit after another."""
    b, tile = f.b, scan.tile
    bits = f.any_lane(_passes(f, scan, acc, row, item, f.load(f.pointer("limit"), row, F32)))
    slot = f.slot(tile.vec, 1, align=64)
    some = b.icmp_unsigned("!=", bits, bits.type(0))
    with f.when(some, likely=False):
        f.store(acc, slot, I64(0))
        with each_bit(f, b.zext(bits, I64)) as lane:
            index = b.add(item, lane)
            with f.when(b.icmp_signed("<", index, f.field("m"))):
                count = f.get(count_at, I64)
                _write_entry(f, count, row, index, f.load(slot, lane, tile.elem))
                f.put(b.add(count, I64(1)), count_at)


def _walk_tile(
    f: Function, scan: Scan, done: list[list[Value]], first: Value, item: Value, buffer: Value, keys: Value, take: Any
) -> None:
    """The pairs of a tile that may win, one by one: ``take`` gets each."""
    b, tile = f.b, scan.tile
    rows: Value = I64(0)
    for r, row in enumerate(done):
        at = b.add(first, I64(r))
        limit = f.load(f.pointer("limit"), at, F32)
        hit: Value = None
        for v, acc in enumerate(row):
            mask = _passes(f, scan, acc, at, b.add(item, I64(v * tile.lanes)), limit)
            hit = mask if hit is None else b.or_(hit, mask)
        some = b.icmp_unsigned("!=", f.any_lane(hit), ir.IntType(tile.lanes)(0))
        rows = b.or_(rows, b.shl(b.zext(some, I64), I64(r)))
    real = b.sub(b.shl(I64(1), _row_count(f, tile, first)), I64(1))
    rows = b.and_(rows, real)
    with f.when(b.icmp_unsigned("!=", rows, I64(0)), likely=False):
        for r, row in enumerate(done):
            for v, acc in enumerate(row):
                f.store(acc, buffer, I64((r * tile.vectors + v) * tile.lanes))
        with each_bit(f, rows) as r:
            at = b.add(first, r)
            limit = f.load(f.pointer("limit"), at, F32)
            for v in range(tile.vectors):
                place = b.add(b.mul(r, I64(tile.width)), I64(v * tile.lanes))
                acc = f.load(buffer, place, tile.vec)
                start = b.add(item, I64(v * tile.lanes))
                bits = f.any_lane(_passes(f, scan, acc, at, start, limit))
                bits = bits if bits.type == I64 else b.zext(bits, I64)
                if scan.mode == "seed":
                    f.store(b.fneg(score_of(f, scan, acc, at, start)), keys, I64(0))
                with each_bit(f, bits) as lane:
                    key = f.load(keys, lane, F32) if scan.mode == "seed" else None
                    one = f.load(buffer, b.add(place, lane), tile.elem)
                    one = one if one.type == I32 else b.trunc(one, I32) if one.type == I64 else b.zext(one, I32)
                    take(at, start, lane, key, one)


def _passes(f: Function, scan: Scan, acc: Value, row: Value, item: Value, limit: Value) -> Value:
    """Lanes that may win. Bytes are compared as bytes, others by their float32 score; NaN proves nothing."""
    b, tile = f.b, scan.tile
    if tile.kind != "max":
        score = score_of(f, scan, acc, row, item)
        return b.fcmp_unordered(">=", score, f.splat(limit, tile.lanes))
    top = constant(F32, 255.0)
    some = b.fcmp_unordered("<=", limit, constant(F32, 0.0))  # limit is minus the largest difference that passes
    size = b.fneg(limit)
    size = b.select(b.fcmp_ordered("<", size, top), size, top)
    size = b.select(some, size, constant(F32, 0.0))
    whole = b.trunc(b.fptoui(size, I32), I8)
    mask = b.icmp_unsigned("<=", acc, f.splat(whole, tile.lanes))
    return b.and_(mask, f.splat(some, tile.lanes))


def _row_count(f: Function, tile: CodeTile, first: Value) -> Value:
    left = f.b.sub(f.field("n"), first)
    return f.b.select(f.b.icmp_signed("<", left, I64(tile.rows)), left, I64(tile.rows))


def _seed(f: Function, scan: Scan, lists: Lists | None, row: Value, index: Value, key: Value) -> None:
    """A pair that looks good: onto the list of those to be settled first."""
    assert lists is not None
    slot = f.slot(F32, 16, align=64)
    f.store(key, slot, I64(0))
    with f.when(f.b.icmp_signed("<", index, f.field("m"))):  # the last panel goes on past the items
        offer(f, _pair_tile(scan), slot, row, index, I64(1), lists)
    # the limit follows the seeds' own threshold
    threshold = f.load(f.pointer("threshold"), row, F32)
    f.store(f.b.fneg(threshold), f.pointer("limit"), row)


# ----------------------------------------------------------------------------------------------- refinement


def refine_list(f: Function, scan: Scan, lists: Lists | None, count: Value) -> None:
    """The listed pairs through one level after the other, what passes closing up; the last scores and offers them.

    Level by level rather than pair by pair, so that each loop can ask for the rows it needs some pairs ahead: they lie
    scattered, and waiting for them took half the time. An entry is (row, item, number): the scan's integer at first,
    the bits of the score's product afterwards.
    """
    b = f.b
    count_up(f, LISTED, count)
    started = False
    for i, level in enumerate(scan.levels):
        if level.exact:
            with (
                _listed(f, count, None if level.at_once else i, 16) as (row, item, acc, _),
                _if_admitted(f, row, item, started),
            ):
                total = acc if level.at_once else _level_sum(f, scan, i, row, item)
                # constant - gain key = sum + b, in integers that float64 holds
                score = b.fadd(b.sitofp(total, F64), f.load(f.pointer(f"b_y_{i}"), item, F64))
                key = b.fdiv(b.fsub(f.load(f.pointer(f"constant_{i}"), row, F64), score), f.number(f"gain_{i}", F64))
                _accept(f, scan, lists, row, item, b.fptrunc(key, F32))
            return
        kept = f.variable(I64(0))
        with _listed(f, count, i, 4) as (row, item, number, _), _if_admitted(f, row, item, started):
            product, good = _level(f, scan, i, row, item, number)
            # written in any case and kept if good: a branch here is guessed wrong for one pair in four
            _write_entry(f, f.get(kept, I64), row, item, b.bitcast(product, I32))
            f.put(b.add(f.get(kept, I64), b.zext(good, I64)), kept)
        count, started = f.get(kept, I64), True
    with _listed(f, count, "rows", 24) as (row, item, _, _), _if_admitted(f, row, item, started):
        _finish(f, scan, lists, row, item)


def _write_entry(f: Function, at: Value, row: Value, item: Value, number: Value) -> None:
    f.store(f.b.trunc(row, I32), f.pointer("list_row"), at)
    f.store(f.b.trunc(item, I32), f.pointer("list_item"), at)
    f.store(number, f.pointer("list_number"), at)


@contextmanager
def _listed(f: Function, count: Value, ahead_of: Any, lines: int) -> Iterator[tuple[Value, Value, Value, Value]]:
    """Each entry of the list: (row, item, number, its place); the item's bytes some entries on are asked for."""
    b, ahead = f.b, 8
    with f.loop(0, count, name="pair") as i:
        row = b.zext(f.load(f.pointer("list_row"), i, I32), I64)
        item = b.zext(f.load(f.pointer("list_item"), i, I32), I64)
        number = f.load(f.pointer("list_number"), i, I32)
        if ahead_of is not None:
            coming = b.zext(
                f.load(f.pointer("list_item"), b.add(i, I64(ahead)), I32), I64
            )  # there is room past the end
            coming = b.select(b.icmp_signed("<", b.add(i, I64(ahead)), count), coming, item)
            size = b.mul(f.field("d"), I64(4)) if ahead_of == "rows" else f.field(f"stride_{ahead_of}")
            rows = f.pointer("y_rows" if ahead_of == "rows" else f"y_{ahead_of}")
            prefetch(f, f.at(rows, b.mul(coming, size), I8), size, lines)
        yield row, item, number, i


@contextmanager
def _if_admitted(f: Function, row: Value, item: Value, known: bool) -> Iterator[None]:
    """Only pairs that the filter lets through; ``known``: an earlier level has seen to that."""
    if known:
        yield
        return
    with f.when(admitted(f, row, item)):
        yield


def prefetch(f: Function, line: Value, size: Value, lines: int) -> None:
    """Ask for the cache lines of what comes next, ``lines`` of them at most."""
    name, b = "llvm.prefetch.p0", f.b
    known = f.module.globals.get(name)
    if known is None:
        known = ir.Function(f.module, ir.FunctionType(ir.VoidType(), [PTR, I32, I32, I32]), name)
    most = I64(64 * lines)
    end = b.select(b.icmp_signed("<", size, most), size, most)
    with f.loop(0, end, 64, name="line") as at:
        b.call(known, [f.at(line, at, I8), I32(0), I32(3), I32(1)])


def _level(f: Function, scan: Scan, i: int, row: Value, item: Value, number: Value) -> tuple[Value, Value]:
    """Level i of a pair: the product part of its score, and whether it may still win."""
    b, level = f.b, scan.levels[i]
    product = b.fmul(b.sitofp(_level_sum(f, scan, i, row, item), F32), f.load(f.pointer(f"s_y_{i}"), item, F32))
    product = b.fmul(product, f.load(f.pointer(f"a_x_{i}"), row, F32))
    if level.carry:
        if i:
            before = b.bitcast(number, F32)
        else:
            before = b.fmul(b.sitofp(number, F32), f.load(f.pointer("s_y"), item, F32))
            before = b.fmul(before, f.load(f.pointer("a_x"), row, F32))
        product = b.fadd(product, before)
    score = b.fadd(product, f.load(f.pointer(f"b_y_{i}"), item, F32))
    score = f.fma(f.load(f.pointer(f"t_x_{i}"), row, F32), f.load(f.pointer(f"t_y_{i}"), item, F32), score)
    if level.carry:
        limit = f.load(f.pointer("limit"), row, F32)  # that of the scan, a little behind the threshold
    else:
        start = f.load(f.pointer(f"constant_{i}"), row, F32)
        move = b.fmul(f.number(f"gain_{i}", F32), f.load(f.pointer("threshold"), row, F32))
        size = b.fadd(functions.unary(f, "fabs", start), functions.unary(f, "fabs", move))
        limit = b.fsub(b.fsub(start, move), b.fmul(constant(F32, 2.0**-18), size))
    return product, b.fcmp_unordered(">=", score, limit)  # an infinite threshold makes NaN: keep


def _level_sum(f: Function, scan: Scan, i: int, row: Value, item: Value) -> Value:
    """The integers of a pair over the level's bytes."""
    b, target = f.b, scan.tile.target
    octets = 4 * target.lanes
    x = f.at(f.pointer(f"x_{i}"), b.mul(row, f.field(f"stride_{i}")), I8)
    y = f.at(f.pointer(f"y_{i}"), b.mul(item, f.field(f"stride_{i}")), I8)
    lane, bytes_ = vector(I32, target.lanes), vector(I8, octets)
    two = [f.variable(constant(lane, 0)) for _ in range(2)]
    end = f.field(f"stride_{i}")
    with f.loop(0, end, 2 * octets, "t") as t:
        for half, slot in enumerate(two):
            at = b.add(t, I64(half * octets))
            with f.when(b.icmp_signed("<", at, end)) if half else nullcontext():
                f.put(_row_step(f, target, f.get(slot, lane), f.load(y, at, bytes_), f.load(x, at, bytes_)), slot)
    first, second = (f.get(slot, lane) for slot in two)
    total = f.intrinsic(f"llvm.vector.reduce.add.v{target.lanes}i32", I32, b.add(first, second))
    return b.add(total, f.load(f.pointer(f"init_{i}"), row, I32))


def _row_step(f: Function, target: Target, acc: Value, y: Value, x: Value) -> Value:
    """As :func:`integer_step`, with a register of one row against a register of another."""
    b = f.b
    if target.dot8 == "vnni":
        y = b.xor(y, constant(y.type, 128))
    elif target.dot8 == "maddubs":
        y = b.add(y, constant(y.type, 64))
    return dot_step(f, target, acc, b.bitcast(y, acc.type), b.bitcast(x, acc.type))


def _finish(f: Function, scan: Scan, lists: Lists | None, row: Value, item: Value) -> None:
    """The float32 score of a pair from whole rows, and its acceptance."""
    b, target, formula = f.b, scan.tile.target, scan.formula
    lanes = target.lanes
    typ = vector(F32, lanes)
    d = f.field("d")
    x = f.at(f.pointer("x_rows"), b.mul(row, d), F32)
    y = f.at(f.pointer("y_rows"), b.mul(item, d), F32)
    start = {"sum": 0.0, "mean": 0.0, "max": -float("inf"), "min": float("inf")}[formula.combine]
    fused = target.fma
    count = len(formula.terms)
    wide = [[f.variable(constant(typ, start)) for _ in range(2)] for _ in range(count)]
    thin = [f.variable(constant(F32, start)) for _ in range(count)]
    whole = b.mul(b.sdiv(d, I64(2 * lanes)), I64(2 * lanes))
    dim = b.sitofp(d, F32)
    fixed = {DIM: dim} | {stat(s): f.load(f.pointer(s), row if s.endswith("x") else item, F32) for s in formula.stats}
    with f.loop(0, whole, 2 * lanes, "t") as t:
        for half in range(2):
            at = b.add(t, I64(half * lanes))
            env: dict[Expr, Any] = {key: f.splat(v, lanes) for key, v in fixed.items()}
            env |= {X: f.load(x, at, typ), Y: f.load(y, at, typ)}
            for term, expr in enumerate(formula.terms):
                slot = wide[term][half]
                f.put(combine_step(f, formula.combine, f.get(slot, typ), expr, env, typ, fused, False), slot)
    with f.loop(whole, d, name="t") as t:
        env = {**fixed, X: f.load(x, t, F32), Y: f.load(y, t, F32)}
        for term, expr in enumerate(formula.terms):
            old = f.get(thin[term], F32)
            f.put(combine_step(f, formula.combine, old, expr, env, F32, fused, False), thin[term])
    last: dict[Expr, Value] = dict(fixed)
    for term in range(count):
        total = f.get(thin[term], F32)
        both = _merge(f, formula.combine, f.get(wide[term][0], typ), f.get(wide[term][1], typ))
        width = lanes
        while width > 1:
            width //= 2
            undefined = ir.Constant(both.type, ir.Undefined)
            low = b.shuffle_vector(both, undefined, ir.Constant(vector(I32, width), list(range(width))))
            high = b.shuffle_vector(both, undefined, ir.Constant(vector(I32, width), list(range(width, 2 * width))))
            both = _merge(f, formula.combine, low, high)
        total = _merge(f, formula.combine, total, b.extract_element(both, I32(0)))
        last[Expr("acc", value=term)] = total
    _accept(f, scan, lists, row, item, lower(f, formula.last, last, F32, answer=False))


def _merge(f: Function, combine: str, a: Value, c: Value) -> Value:
    if combine in ("sum", "mean"):
        return f.b.fadd(a, c)
    return larger(f, a, c) if combine == "max" else smaller(f, a, c)


def _accept(f: Function, scan: Scan, lists: Lists | None, row: Value, item: Value, key: Value) -> None:
    """A score at most the threshold: into the heap, or onto the list of hits."""
    b = f.b
    count_up(f, SCORED, I64(1))
    threshold = f.load(f.pointer("threshold"), row, F32)
    with f.when(b.fcmp_unordered("<=", key, threshold)):
        if scan.mode == "within":
            at = f.load(f.pointer("hits"), 0, I64)
            f.store(row, f.pointer("hits_row"), at)
            f.store(b.add(item, f.field("base")), f.pointer("hits_item"), at)
            f.store(b.add(at, I64(1)), f.pointer("hits"), I64(0))
        else:
            assert lists is not None
            slot = f.slot(F32, 16, align=64)
            f.store(key, slot, I64(0))
            offer(f, _pair_tile(scan), slot, row, item, I64(1), lists)
