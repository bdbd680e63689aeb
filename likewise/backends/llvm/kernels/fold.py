"""Fold kernels: values times weights, summed over all items; and the softmax of attention."""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import (
    F64,
    I8,
    I32,
    I64,
    Function,
    Value,
    constant,
    vector,
)
from likewise.backends.llvm.kernels.tile import (
    INF,
    Formula,
    Tile,
    finished,
    micro_kernel,
    row_count,
    spill,
)

#: Keys per block of the blocked reductions, and lanes of their cross-lane sums: fixed, so that the order of summation
#: is the same on every target. 256 float32 scores of 12 queries take 12 KB of a 32 KB first-level cache.
BLOCK = 256
FOLD_LANES = 16


def fold_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "first", "last", "n", "items", "m", "d", "one"),
        *("weights", "columns", "out", "work", "scale", "mask", "mask_row", "causal"),
        *formula.stats,
    )


def work_bytes(tile: Tile, columns: int) -> int:
    """Scratch for one thread: the output tile and one row of running maxima and sums."""
    size = 4 if tile.compute == "f32" else 8
    return (tile.rows * columns + 4 * tile.rows) * size + 256


def _scores(
    f: Function,
    tile: Tile,
    formula: Formula,
    scores: Value,
    buffer: Value,
    first: Value,
    block: Value,
    rows: Value,
    after: Callable[[Value, Value, Value], Value],
) -> None:
    """One block of a tile's scores, [row][BLOCK], each register passed through ``after(value, row, item)``."""
    b, d, elem = f.b, f.field("d"), tile.elem
    queries = f.at(f.pointer("queries"), b.mul(first, d), elem)
    panels = BLOCK // tile.width
    with f.loop(0, I64(panels), name="panel") as p:
        item = b.add(block, b.mul(p, I64(tile.width)))
        with f.when(b.icmp_signed("<", item, f.field("m"))):
            panel = f.at(f.pointer("items"), b.mul(item, d), elem)
            fused = tile.compute == "f32"
            done = micro_kernel(f, tile, formula, queries, panel, first, item, d, fused=fused, answer=True)
            spill(f, tile, done, buffer)
        with f.loop(0, rows, name="row") as r:
            for v in range(tile.vectors):
                start = b.add(item, I64(v * tile.lanes))
                value = finished(f, tile, formula, buffer, r, v, b.add(first, r), item, answer=True)
                value = after(value, b.add(first, r), start)
                at = b.add(b.mul(r, I64(BLOCK)), b.sub(start, block))
                f.store(value, scores, at)


def _iota(f: Function, start: Value, lanes: int) -> Value:
    """start, start + 1, ... as integers."""
    steps = ir.Constant(vector(I64, lanes), list(range(lanes)))
    return f.b.add(f.splat(start, lanes), steps)


def _sum_lanes(f: Function, value: Value) -> Value:
    """The sum of a vector by halves: ((0+8)+(4+12))..., one order on every machine."""
    while isinstance(value.type, ir.VectorType) and value.type.count > 1:
        half = value.type.count // 2
        undefined = ir.Constant(value.type, ir.Undefined)
        low = f.b.shuffle_vector(value, undefined, ir.Constant(vector(I32, half), list(range(half))))
        high = f.b.shuffle_vector(value, undefined, ir.Constant(vector(I32, half), list(range(half, 2 * half))))
        value = f.b.fadd(low, high)
    return f.b.extract_element(value, I32(0))


def _max_lanes(f: Function, value: Value) -> Value:
    while value.type.count > 1:
        half = value.type.count // 2
        undefined = ir.Constant(value.type, ir.Undefined)
        low = f.b.shuffle_vector(value, undefined, ir.Constant(vector(I32, half), list(range(half))))
        high = f.b.shuffle_vector(value, undefined, ir.Constant(vector(I32, half), list(range(half, 2 * half))))
        value = f.b.select(f.b.fcmp_ordered(">", low, high), low, high)
    return f.b.extract_element(value, I32(0))


def _apply_weights(f: Function, tile: Tile, scores: Value, block: Value, out: Value, alpha: Value | None) -> None:
    """out[row] = alpha[row] * out[row] + scores[row] . weights[block], R rows by 2 registers of columns at a time.

    Columns are padded to whole registers and weights to whole blocks, so there are no edges.
    """
    b, elem, typ = f.b, tile.elem, tile.vec
    columns = f.field("columns")
    left = b.sub(f.field("m"), block)
    keys = b.select(b.icmp_signed("<", left, I64(BLOCK)), left, I64(BLOCK))
    weights = f.at(f.pointer("weights"), b.mul(block, columns), elem)
    with f.loop(0, columns, tile.width, "column") as column:
        slots = []
        for r in range(tile.rows):
            line = []
            for v in range(tile.vectors):
                at = b.add(column, I64(v * tile.lanes))
                old = f.load(out, b.add(b.mul(I64(r), columns), at), typ)
                if alpha is not None:
                    old = b.fmul(old, f.splat(f.load(alpha, I64(r), elem), tile.lanes))
                line.append(f.variable(old))
            slots.append(line)
        with f.loop(0, keys, name="key") as key:
            at = b.add(b.mul(key, columns), column)
            w = [f.load(weights, b.add(at, I64(v * tile.lanes)), typ) for v in range(tile.vectors)]
            for r in range(tile.rows):
                s = f.splat(f.load(scores, b.add(key, I64(r * BLOCK)), elem), tile.lanes)
                for v in range(tile.vectors):
                    slot = slots[r][v]
                    acc = f.get(slot, typ)
                    done = f.fma(s, w[v], acc) if tile.compute == "f32" else b.fadd(acc, b.fmul(s, w[v]))
                    f.put(done, slot)
        for r in range(tile.rows):
            for v in range(tile.vectors):
                at = b.add(column, I64(v * tile.lanes))
                f.store(f.get(slots[r][v], typ), out, b.add(b.mul(I64(r), columns), at))


def weighted_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, narrow: bool) -> None:
    """out[row] = sum over items of value(row, item) * weights[item], in float64 across blocks of 256 items.

    ``narrow`` (few columns): weights lie column by column and the items run along the lanes; otherwise columns do.
    """
    f = Function(module, name, fold_fields(formula))
    b, elem = f.b, tile.elem
    scores = f.slot(vector(elem, BLOCK), tile.rows, align=64)
    buffer = f.slot(tile.vec, len(formula.terms) * tile.rows * tile.vectors, align=64)
    m = f.field("m")
    with f.loop(f.field("first"), f.field("last"), name="tile") as tile_index:
        first = b.mul(tile_index, I64(tile.rows))
        rows = row_count(f, tile, first)
        with f.loop(0, m, BLOCK, "block") as block:

            def real_items(value: Value, row: Value, start: Value) -> Value:
                inside = b.icmp_signed("<", _iota(f, start, tile.lanes), f.splat(m, tile.lanes))
                return b.select(inside, value, constant(value.type, 0.0))

            _scores(f, tile, formula, scores, buffer, first, block, rows, real_items)
            if narrow:
                _narrow_weights(f, tile, scores, block, first, rows)
            else:
                _wide_weights(f, tile, scores, block, first, rows)
    f.ret()


def _wide_weights(f: Function, tile: Tile, scores: Value, block: Value, first: Value, rows: Value) -> None:
    """The block's product in scratch, then added to the float64 total."""
    b, elem, columns, work = f.b, tile.elem, f.field("columns"), f.pointer("work")
    with f.loop(0, b.mul(columns, I64(tile.rows)), name="clear") as i:
        f.store(constant(elem, 0.0), work, i)
    _apply_weights(f, tile, scores, block, work, None)
    with f.loop(0, rows, name="row") as r, f.loop(0, columns, name="column") as c:
        at = b.add(b.mul(b.add(first, r), columns), c)
        old = f.load(f.pointer("out"), at, F64)
        new = f.load(work, b.add(b.mul(r, columns), c), elem)
        new = new if elem == F64 else b.fpext(new, F64)
        f.store(b.fadd(old, new), f.pointer("out"), at)


def _narrow_weights(f: Function, tile: Tile, scores: Value, block: Value, first: Value, rows: Value) -> None:
    """One column at a time: 16 partial sums over the block, added by halves, then to the float64 total."""
    b, elem = f.b, tile.elem
    typ = vector(elem, FOLD_LANES)
    stride = b.mul(b.sdiv(b.add(f.field("m"), I64(BLOCK - 1)), I64(BLOCK)), I64(BLOCK))
    with f.loop(0, f.field("columns"), name="column") as c:
        weights = f.at(f.pointer("weights"), b.add(b.mul(c, stride), block), elem)
        with f.loop(0, rows, name="row") as r:
            total = f.variable(constant(typ, 0.0))
            with f.loop(0, I64(BLOCK), FOLD_LANES, "key") as key:
                s = f.load(scores, b.add(b.mul(r, I64(BLOCK)), key), typ)
                w = f.load(weights, key, typ)
                f.put(b.fadd(f.get(total, typ), b.fmul(s, w)), total)
            new = _sum_lanes(f, f.get(total, typ))
            new = new if elem == F64 else b.fpext(new, F64)
            at = b.add(b.mul(b.add(first, r), f.field("columns")), c)
            f.store(b.fadd(f.load(f.pointer("out"), at, F64), new), f.pointer("out"), at)


def attend_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, sign: int, mask: str) -> None:
    """softmax(sign * scale * value + mask) weights, one pass over blocks of keys (Milakov & Gimelshein 2018).

    Per query the running maximum M, the running sum S of exp(score - M), and the output; a block with a larger
    maximum rescales both by exp(M_old - M_new). A query that may look at nothing gets zeros. ``mask`` is "none",
    "bool" (bytes, 0 = hidden) or "add" (added to the score). ``causal``: item j is seen by query i if j <= i.
    """
    f = Function(module, name, fold_fields(formula))
    b, elem = f.b, tile.elem
    scores = f.slot(vector(elem, BLOCK), tile.rows, align=64)
    buffer = f.slot(tile.vec, len(formula.terms) * tile.rows * tile.vectors, align=64)
    state = f.slot(elem, 3 * tile.rows, align=64)
    maxima, sums, alpha = (f.at(state, i * tile.rows, elem) for i in range(3))
    m, columns, work = f.field("m"), f.field("columns"), f.pointer("work")
    scale = f.number("scale", elem)
    causal = b.icmp_signed("!=", f.field("causal"), I64(0))
    wide = vector(elem, FOLD_LANES)
    with f.loop(f.field("first"), f.field("last"), name="tile") as tile_index:
        first = b.mul(tile_index, I64(tile.rows))
        rows = row_count(f, tile, first)
        with f.loop(0, I64(tile.rows), name="row") as r:
            f.store(constant(elem, -INF), maxima, r)
            f.store(constant(elem, 0.0), sums, r)
            f.store(constant(elem, 0.0), alpha, r)
        with f.loop(0, b.mul(columns, I64(tile.rows)), name="clear") as i:
            f.store(constant(elem, 0.0), work, i)
        past = b.add(first, rows)
        reach = b.select(b.and_(causal, b.icmp_signed("<", past, m)), past, m)
        with f.loop(0, reach, BLOCK, "block") as block:

            def masked(value: Value, row: Value, start: Value) -> Value:
                value = b.fmul(value, f.splat(scale, tile.lanes))
                value = value if sign > 0 else b.fneg(value)
                end = b.select(causal, b.add(row, I64(1)), m)
                end = b.select(b.icmp_signed("<", end, m), end, m)
                seen = b.icmp_signed("<", _iota(f, start, tile.lanes), f.splat(end, tile.lanes))
                if mask != "none":
                    at = b.add(b.mul(row, f.field("mask_row")), start)
                    # masks are padded to whole panels by the caller
                    if mask == "bool":
                        shown = f.load(f.pointer("mask"), at, vector(I8, tile.lanes), align=1)
                        seen = b.and_(seen, b.icmp_unsigned("!=", shown, constant(vector(I8, tile.lanes), 0)))
                    else:
                        value = b.fadd(value, f.load(f.pointer("mask"), at, tile.vec))
                return b.select(seen, value, constant(value.type, -INF))

            _scores(f, tile, formula, scores, buffer, first, block, rows, masked)
            with f.loop(0, rows, name="row") as r:
                line = f.at(scores, b.mul(r, I64(BLOCK)), elem)
                high = f.variable(constant(wide, -INF))
                with f.loop(0, I64(BLOCK), FOLD_LANES, "key") as key:
                    value, best = f.load(line, key, wide), f.get(high, wide)
                    f.put(b.select(b.fcmp_ordered(">", value, best), value, best), high)
                old = f.load(maxima, r, elem)
                block_max = _max_lanes(f, f.get(high, wide))
                new = b.select(b.fcmp_ordered(">", block_max, old), block_max, old)
                nothing = b.fcmp_ordered("==", new, constant(elem, -INF))
                base = b.select(nothing, constant(elem, 0.0), new)
                shift = f.splat(base, FOLD_LANES)
                total = f.variable(constant(wide, 0.0))
                with f.loop(0, I64(BLOCK), FOLD_LANES, "key") as key:
                    value = f.load(line, key, wide)
                    e = functions.exp(f, b.fsub(value, shift))
                    f.store(e, line, key)
                    f.put(b.fadd(f.get(total, wide), e), total)
                rescale = functions.exp(f, b.fsub(old, base))
                f.store(rescale, alpha, r)
                kept = b.fmul(f.load(sums, r, elem), rescale)
                f.store(b.fadd(kept, _sum_lanes(f, f.get(total, wide))), sums, r)
                f.store(new, maxima, r)
            _apply_weights(f, tile, scores, block, work, alpha)
        with f.loop(0, rows, name="row") as r:
            total_sum = f.load(sums, r, elem)
            empty = b.fcmp_ordered("==", total_sum, constant(elem, 0.0))
            inverse = b.select(empty, constant(elem, 0.0), b.fdiv(constant(elem, 1.0), total_sum))
            with f.loop(0, columns, name="column") as c:
                value = b.fmul(f.load(work, b.add(b.mul(r, columns), c), elem), inverse)
                f.store(value, f.pointer("out"), b.add(b.mul(b.add(first, r), columns), c))
    f.ret()
