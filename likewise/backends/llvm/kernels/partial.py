"""The scan by partial sums: every pair over the first coordinates, the rest of a row only where that leaves a doubt.

    for a stretch of panels:
        for each tile:  sums over the first ``head`` coordinates; pairs at most the threshold are listed
        for each listed pair:  go on, some coordinates at a time, until the sum exceeds the threshold or the row ends

Coordinates come in an order that makes sums grow fast (:mod:`likewise.backends.llvm.partial`). The dense half is the
micro-kernel of any search, in its own arithmetic; the lists and what becomes of them are those of any search too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir

from likewise.backends.llvm.emit import BYTES, F32, F64, FLOATS, I16, I32, I64, Function, Value, constant, vector
from likewise.backends.llvm.kernels.rows import load_row_element
from likewise.backends.llvm.kernels.scan import LISTED, REFINE_TICKS, SCAN_TICKS, SCORED, count_up, prefetch, ticks
from likewise.backends.llvm.kernels.search import FILTER_FIELDS, admitted, each_bit, offer
from likewise.backends.llvm.kernels.select import LIST_FIELDS, Lists, tighten_function
from likewise.backends.llvm.kernels.tile import (
    INF,
    Accumulators,
    Formula,
    Tile,
    combine_step,
    micro_kernel,
    row_count,
    stat_fields,
)
from likewise.backends.llvm.lower import extreme, lower
from likewise.formula.expr import DIM, Expr, X, Y, stat

#: Registers of coordinates of a listed pair between two looks at its sum.
LOOK = 4

ARRANGE = ("rows", "n", "d", "order", "count", "size", "lanes", "first", "last", "out")


def arrange_fields(u: Expr) -> tuple[str, ...]:
    return (*ARRANGE, *stat_fields(u))


def arrange_kernel(module: ir.Module, name: str, dtype: str, u: Expr, compute: str, *, grouped: bool) -> None:
    """Rows -> panels first..last of ``lanes`` rows: u of the first ``count`` coordinates in ``order``; zeros past n.

    ``grouped``: the means of u over ``size`` coordinates each, a power of two, in place of single ones.
    """
    f = Function(module, name, arrange_fields(u))
    b, out_type = f.b, FLOATS[compute]
    lanes, count, order = f.field("lanes"), f.field("count"), f.pointer("order")
    plain = u.op in ("x", "y") and dtype == "float32" and compute == "f32" and not grouped
    with f.loop(f.field("first"), f.field("last"), name="panel") as panel:
        start = b.mul(b.mul(b.sub(panel, f.field("first")), count), lanes)
        with f.loop(0, lanes, name="lane") as lane:
            row = b.add(b.mul(panel, lanes), lane)
            real = b.icmp_signed("<", row, f.field("n"))
            row = b.select(real, row, I64(0))
            source = b.mul(row, f.field("d"))
            env: dict[Expr, Value] = {stat(s): f.load(f.pointer(s), row, F64) for s in stat_fields(u)}
            env[DIM] = b.sitofp(f.field("d"), F64)
            share = b.fdiv(constant(F64, 1.0), b.sitofp(f.field("size"), F64))

            def one(place: Value, source: Value = source, env: dict[Expr, Value] = env) -> Value:
                x = load_row_element(f, f.pointer("rows"), b.add(source, f.load(order, place, I64)), dtype)
                return lower(f, u, {**env, X: x, Y: x}, F64)

            with f.loop(0, count, name="t") as t:
                if plain:
                    value = f.load(f.pointer("rows"), b.add(source, f.load(order, t, I64)), F32)
                elif grouped:
                    total, members = f.variable(constant(F64, 0.0)), b.mul(t, f.field("size"))
                    with f.loop(0, f.field("size"), name="member") as j:
                        f.put(b.fadd(f.get(total, F64), one(b.add(members, j))), total)
                    value = b.fmul(f.get(total, F64), share)
                else:
                    value = one(t)
                if compute == "f32" and not plain:
                    value = b.fptrunc(value, F32)
                value = b.select(real, value, constant(out_type, 0.0))
                f.store(value, f.pointer("out"), b.add(start, b.add(b.mul(t, lanes), lane)))
    f.ret()


PARTIAL_FIELDS = (
    *("queries", "n", "items", "first", "last", "m", "base", "d", "head", "tail", "x_tail", "y_tail", "one"),
    *("above", "extra", "share"),
    *LIST_FIELDS,
    *("stride", "finish"),
    *FILTER_FIELDS,
    *("list_row", "list_item", "list_number", "room", "stretch", "tally"),
)


def scan_function(module: ir.Module, name: str, tile: Tile, exact: bool) -> tuple[Function, Lists]:
    """A kernel's function with its lists of candidates, which take single pairs."""
    single = _single(tile)
    tighten = tighten_function(module, f"{name}_tighten", single, exact=exact)
    f = Function(module, name, PARTIAL_FIELDS)
    return f, Lists(f, tighten, single)


def _single(tile: Tile) -> Tile:
    return Tile(1, 1, tile.lanes, tile.compute, tile.target)


def partial_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, exact: bool, grouped: bool) -> None:
    """Panels first..last against the queries: list what may win by its partial sum, finish the list, go on.

    ``exact``: sums are exact. A query's pairs come in the order of the items, so ties are settled by the lists.
    ``grouped``: the first coordinates are means of groups, and a listed pair starts from 0.
    """
    f, lists = scan_function(module, name, tile, exact)
    b = f.b
    at, count_at = f.variable(f.field("first")), f.variable(I64(0))
    most = b.mul(f.field("n"), I64(tile.width))
    with f.loop_while(lambda: b.icmp_signed("<", f.get(at, I64), f.field("last")), "stretch"):
        f.put(I64(0), count_at)
        end = b.add(f.get(at, I64), f.field("stretch"))
        end = b.select(b.icmp_signed("<", end, f.field("last")), end, f.field("last"))

        def room(end: Value = end) -> Value:
            fits = b.icmp_signed("<=", b.add(f.get(count_at, I64), most), f.field("room"))
            return b.and_(b.icmp_signed("<", f.get(at, I64), end), fits)

        started = ticks(f, tile.target)
        with f.loop_while(room, "panel"):
            _scan_panel(f, tile, formula, f.get(at, I64), count_at)
            f.put(b.add(f.get(at, I64), I64(1)), at)
        scanned = ticks(f, tile.target)
        count_up(f, SCAN_TICKS, b.sub(scanned, started))
        _finish_all(f, tile, formula, lists, f.get(count_at, I64), grouped)
        count_up(f, REFINE_TICKS, b.sub(ticks(f, tile.target), scanned))
    f.ret()


def finish_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, exact: bool, grouped: bool) -> None:
    """The second half alone, over a list of ``first`` pairs that the caller made; then all lists are tightened."""
    f, lists = scan_function(module, name, tile, exact)
    _finish_all(f, tile, formula, lists, f.field("first"), grouped)
    with f.loop(0, f.field("finish"), name="finish") as row:
        lists.tighten(row)
    f.ret()


# ------------------------------------------------------------------------------------------------ the dense half


def _scan_panel(f: Function, tile: Tile, formula: Formula, p: Value, count_at: Value) -> None:
    """Panel p against every tile of queries, over the first coordinates."""
    b, head = f.b, f.field("head")
    tiles = b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows))
    panel = f.at(f.pointer("items"), b.mul(b.mul(p, head), I64(tile.width)), tile.elem)
    item = b.mul(p, I64(tile.width))
    append = _compress if tile.target.name == "avx512" else _walk
    with f.loop(0, tiles, name="tile") as index:
        first = b.mul(index, I64(tile.rows))
        queries = f.at(f.pointer("queries"), b.mul(first, head), tile.elem)
        done = micro_kernel(
            f, tile, formula, queries, panel, first, item, head,
            fused=_fused(tile), answer=tile.compute == "f64",
        )  # fmt: skip
        masks, some = _masks(f, tile, done, first)
        with f.when(some, likely=False):
            append(f, tile, done, masks, first, item, count_at)


def _fused(tile: Tile) -> bool:
    return tile.compute == "f32" and tile.target.fma


def _masks(f: Function, tile: Tile, done: Accumulators, first: Value) -> tuple[list[list[Value]], Value]:
    """Which partial sums [row][vector] are at most (``above`` threshold + ``extra``) ``share``, and whether any is.

    Thresholds are padded to whole tiles. A float32 NaN proves nothing; a float64 one is the answer's own, never found.
    """
    b = f.b
    compare = b.fcmp_ordered if tile.compute == "f64" else b.fcmp_unordered
    above, extra, share = (f.number(name, tile.elem) for name in ("above", "extra", "share"))
    masks: list[list[Value]] = []
    some: Value = None
    for r, row in enumerate(done[0]):
        limit = f.load(f.pointer("threshold"), b.add(first, I64(r)), tile.elem)
        limit = f.splat(b.fmul(b.fadd(b.fmul(limit, above), extra), share), tile.lanes)
        masks.append([compare("<=", acc, limit) for acc in row])
        for mask in masks[-1]:
            some = mask if some is None else b.or_(some, mask)
    return masks, b.icmp_unsigned("!=", f.any_lane(some), ir.IntType(tile.lanes)(0))


def _compress(
    f: Function, tile: Tile, done: Accumulators, masks: list[list[Value]], first: Value, item: Value, count_at: Value
) -> None:
    """The tile's pairs to the end of the list by AVX-512's compress: no branch, which would be guessed wrong."""
    b, lanes = f.b, tile.lanes
    whole = vector(I32, lanes)
    ends = f.splat(b.trunc(f.field("m"), I32), lanes)
    numbers = [
        b.add(
            ir.Constant(whole, list(range(v * lanes, (v + 1) * lanes))),
            f.splat(b.trunc(item, I32), lanes),
        )
        for v in range(tile.vectors)
    ]
    inside = [b.icmp_signed("<", index, ends) for index in numbers]
    kind = {F32: "f32", F64: "f64"}[tile.elem]
    for r, row in enumerate(done[0]):
        at = b.add(first, I64(r))
        real = f.splat(b.icmp_signed("<", at, f.field("n")), lanes)
        which = f.splat(b.trunc(at, I32), lanes)
        for v, acc in enumerate(row):
            mask = b.and_(b.and_(masks[r][v], inside[v]), real)
            count = f.get(count_at, I64)
            name = "llvm.x86.avx512.mask.compress"
            f.store(which, f.pointer("list_row"), count)
            index = f.intrinsic(f"{name}.v{lanes}i32", whole, numbers[v], constant(whole, 0), mask)
            f.store(index, f.pointer("list_item"), count)
            number = f.intrinsic(f"{name}.v{lanes}{kind}", tile.vec, acc, constant(tile.vec, 0.0), mask)
            f.store(number, f.pointer("list_number"), count)
            hits = f.intrinsic("llvm.ctpop.i16", I16, b.zext(f.any_lane(mask), I16) if lanes < 16 else f.any_lane(mask))
            f.put(b.add(count, b.zext(hits, I64)), count_at)


def _walk(
    f: Function, tile: Tile, done: Accumulators, masks: list[list[Value]], first: Value, item: Value, count_at: Value
) -> None:
    """The same one by one, on other machines."""
    b, width = f.b, tile.width
    sums = f.slot(tile.elem, tile.rows * width, align=64)
    marks = f.slot(I64, tile.rows)
    for r, row in enumerate(done[0]):
        bits: Value = I64(0)
        for v, acc in enumerate(row):
            f.store(acc, sums, I64(r * width + v * tile.lanes))
            bits = b.or_(bits, b.shl(b.zext(f.any_lane(masks[r][v]), I64), I64(v * tile.lanes)))
        f.store(bits, marks, I64(r))
    left = b.sub(f.field("m"), item)
    left = b.select(b.icmp_signed("<", left, I64(width)), left, I64(width))
    inside = b.lshr(I64(-1), b.sub(I64(64), left))
    with f.loop(0, row_count(f, tile, first), name="row") as r:
        row = b.trunc(b.add(first, r), I32)
        with each_bit(f, b.and_(f.load(marks, r, I64), inside)) as lane:
            count = f.get(count_at, I64)
            f.store(row, f.pointer("list_row"), count)
            f.store(b.trunc(b.add(item, lane), I32), f.pointer("list_item"), count)
            f.store(f.load(sums, b.add(b.mul(r, I64(width)), lane), tile.elem), f.pointer("list_number"), count)
            f.put(b.add(count, I64(1)), count_at)


# ----------------------------------------------------------------------------------------------- the listed pairs


def _finish_all(f: Function, tile: Tile, formula: Formula, lists: Lists, count: Value, grouped: bool) -> None:
    """Every listed pair to the end of its rows, or until its sum exceeds the threshold; what is left is a candidate."""
    b, elem = f.b, tile.elem
    count_up(f, LISTED, count)
    key_at = f.slot(elem, 16, align=64)
    with _listed(f, count, elem) as (row, item, number), f.when(admitted(f, row, item)):
        threshold = f.load(f.pointer("threshold"), row, elem)
        start = constant(elem, 0.0) if grouped else number
        total = _grown(f, tile, formula, row, item, start, threshold)
        compare = b.fcmp_ordered if tile.compute == "f64" else b.fcmp_unordered
        with f.when(compare("<=", total, threshold)):
            count_up(f, SCORED, I64(1))
            f.store(total, key_at, I64(0))
            offer(f, _single(tile), key_at, row, item, I64(1), lists)


@contextmanager
def _listed(f: Function, count: Value, elem: Any) -> Iterator[tuple[Value, Value, Value]]:
    """(row, item, partial sum) of each entry; the item's next coordinates are asked for some entries ahead."""
    b, ahead = f.b, I64(6)
    size = b.mul(f.field("tail"), I64(BYTES[elem]))
    with f.loop(0, count, name="pair") as i:
        coming = b.select(b.icmp_signed("<", b.add(i, ahead), count), b.add(i, ahead), i)
        later = b.zext(f.load(f.pointer("list_item"), coming, I32), I64)
        prefetch(f, f.at(f.pointer("y_tail"), b.mul(later, f.field("tail")), elem), size, 6)
        row = b.zext(f.load(f.pointer("list_row"), i, I32), I64)
        item = b.zext(f.load(f.pointer("list_item"), i, I32), I64)
        yield row, item, f.load(f.pointer("list_number"), i, elem)


def _grown(f: Function, tile: Tile, formula: Formula, row: Value, item: Value, start: Value, threshold: Value) -> Value:
    """The pair's sum over all coordinates, or over so many that it exceeds the threshold."""
    b, elem, lanes, typ = f.b, tile.elem, tile.lanes, tile.vec
    tail = f.field("tail")
    x = f.at(f.pointer("x_tail"), b.mul(row, tail), elem)
    y = f.at(f.pointer("y_tail"), b.mul(item, tail), elem)
    whole = b.mul(b.sdiv(tail, I64(lanes)), I64(lanes))
    total, at = f.variable(start), f.variable(I64(0))
    dim = b.sitofp(f.field("d"), elem)

    def step(acc: Value, t: Value, typ: Any) -> Value:
        env: dict[Expr, Any] = {X: f.load(x, t, typ), Y: f.load(y, t, typ)}
        env[DIM] = f.splat(dim, lanes) if typ == tile.vec else dim
        answer = tile.compute == "f64"
        return combine_step(f, formula.combine, acc, formula.terms[0], env, typ, _fused(tile), answer)

    def going(end: Value) -> Value:
        below = b.fcmp_unordered("<=", f.get(total, elem), threshold)
        return b.and_(b.icmp_signed("<", f.get(at, I64), end), below)

    empty = constant(typ, -INF if formula.combine == "max" else 0.0)
    with f.loop_while(lambda: going(whole), "look"):
        begin = f.get(at, I64)
        end = b.add(begin, I64(LOOK * lanes))
        end = b.select(b.icmp_signed("<", end, whole), end, whole)
        wide = f.variable(empty)
        with f.loop(begin, end, lanes, "t") as t:
            f.put(step(f.get(wide, typ), t, typ), wide)
        f.put(_merged(f, tile, formula.combine, f.get(total, elem), _across(f, tile, formula, f.get(wide, typ))), total)
        f.put(end, at)
    with f.loop_while(lambda: going(tail), "rest"):
        f.put(step(f.get(total, elem), f.get(at, I64), elem), total)
        f.put(b.add(f.get(at, I64), I64(1)), at)
    return f.get(total, elem)


def _across(f: Function, tile: Tile, formula: Formula, wide: Value) -> Value:
    """A register's lanes combined, by halves."""
    b, width = f.b, tile.lanes
    while width > 1:
        width //= 2
        undefined = ir.Constant(wide.type, ir.Undefined)
        low = b.shuffle_vector(wide, undefined, ir.Constant(vector(I32, width), list(range(width))))
        high = b.shuffle_vector(wide, undefined, ir.Constant(vector(I32, width), list(range(width, 2 * width))))
        wide = _merged(f, tile, formula.combine, low, high)
    return b.extract_element(wide, I32(0))


def _merged(f: Function, tile: Tile, combine: str, a: Value, c: Value) -> Value:
    if combine == "max":
        return extreme(f, "max", a, c, answer=tile.compute == "f64")
    return f.b.fadd(a, c)
