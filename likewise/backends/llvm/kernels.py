"""The kernels, each a loop nest you could draw on a whiteboard, generated for a formula and a target.

Items lie in *panels*: W of them side by side, coordinate by coordinate, so that one vector load brings the same
coordinate of a register's worth of items. Queries lie in *tiles* of R, likewise, so that one broadcast brings a
coordinate of one query. The micro-kernel walks the coordinates once and keeps R x W results in registers:

    for t in range(d):
        items = panel[t]                 # W items, 2 registers
        for r in range(R):
            acc[r] += term(tile[t, r], items)

Each pair is accumulated in its own lane, coordinate after coordinate: a result does not depend on tile, thread or
machine. What follows (the epilogue) is the reduction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import (
    F32,
    F64,
    FLOATS,
    I8,
    I16,
    I32,
    I64,
    Function,
    Value,
    constant,
    integer_like,
    vector,
)
from likewise.backends.llvm.lower import extreme, lower
from likewise.backends.llvm.target import Target
from likewise.formula.expr import ACC, DIM, Expr, X, Y, stat

#: Keys per block of the blocked reductions, and lanes of their cross-lane sums: fixed, so that the order of summation
#: is the same on every target. 256 float32 scores of 12 queries take 12 KB of a 32 KB first-level cache.
BLOCK = 256
FOLD_LANES = 16
_INF = float("inf")


@dataclass(frozen=True)
class Formula:
    """What the kernels need of a metric: terms of packed X and Y, how they combine, and the last expression."""

    terms: tuple[Expr, ...]
    combine: str
    last: Expr  # key (search), value (pairwise): of accumulators and statistics


def stat_fields(expr: Expr | tuple[Expr, ...]) -> tuple[str, ...]:
    """Names of the statistics arrays an expression reads, in a fixed order."""
    exprs = expr if isinstance(expr, tuple) else (expr,)
    return tuple(sorted(set().union(*(e.stats() for e in exprs))))


# ------------------------------------------------------------------------------------------------ rows, any type


def load_row_element(f: Function, p: Value, i: Value, dtype: str) -> Value:
    """Element i of an array of ``dtype`` as float64, exactly."""
    b = f.b
    match dtype:
        case "float64":
            return f.load(p, i, F64)
        case "float32":
            return b.fpext(f.load(p, i, F32), F64)
        case "bfloat16":
            wide = b.shl(b.zext(f.load(p, i, I16), I32), I32(16))
            return b.fpext(b.bitcast(wide, F32), F64)
        case "float16":
            # exponent and mantissa moved into a float32's place, then the bias by one exact product: also subnormals
            raw = b.zext(f.load(p, i, I16), I32)
            size = b.shl(b.and_(raw, I32(0x7FFF)), I32(13))
            magnitude = b.fmul(b.bitcast(size, F32), ir.Constant(F32, 2.0**112))
            sign = b.shl(b.and_(raw, I32(0x8000)), I32(16))
            signed = b.or_(b.bitcast(magnitude, I32), sign)
            special = b.icmp_unsigned(">=", size, I32(0x7C00 << 13))  # infinities and NaN keep their pattern
            pattern = b.or_(b.or_(size, I32(0x7F800000)), sign)
            return b.fpext(b.bitcast(b.select(special, pattern, signed), F32), F64)
        case "int8":
            return b.sitofp(f.load(p, i, I8), F64)
        case "uint8":
            return b.uitofp(f.load(p, i, I8), F64)
        case "bool":
            return b.uitofp(b.zext(b.icmp_unsigned("!=", f.load(p, i, I8), I8(0)), I8), F64)
    raise ValueError(dtype)


def _lanes(f: Function, values: list[Value]) -> Value:
    """Scalars -> a vector."""
    made = ir.Constant(vector(values[0].type, len(values)), ir.Undefined)
    for i, value in enumerate(values):
        made = f.b.insert_element(made, value, I32(i))
    return made


#: What the pass over incoming rows measures, per row.
ROW_STATS = ("sum", "squares", "norm1", "nnz", "low", "high", "flags")
STATS_FIELDS = ("rows", "n", "d", *ROW_STATS)
NOT_FINITE, NOT_FLOAT32, NOT_WHOLE = 1, 2, 4


def stats_kernel(module: ir.Module, name: str, dtype: str) -> None:
    """One pass over rows: sums in coordinate order (the definition of a statistic), range, and what the data are.

    Eight rows go side by side in the lanes of a vector, so that the sums stay in order yet run at SIMD speed.
    """
    f = Function(module, name, STATS_FIELDS)
    b, lanes = f.b, 8
    typ = vector(F64, lanes)
    rows, d, n = f.pointer("rows"), f.field("d"), f.field("n")
    zero, one = constant(typ, 0.0), constant(typ, 1.0)
    with f.loop(0, n, lanes, "group") as first:
        index = [b.add(first, I64(lane)) for lane in range(lanes)]
        index = [b.select(b.icmp_signed("<", i, n), i, b.sub(n, I64(1))) for i in index]  # repeats write the same
        starts = [b.mul(i, d) for i in index]
        slots = {s: f.variable(zero) for s in ROW_STATS}
        f.put(constant(typ, _INF), slots["low"])
        f.put(constant(typ, -_INF), slots["high"])
        bad = f.variable(constant(vector(I64, lanes), 0))
        with f.loop(0, d, name="t") as t:
            x = _lanes(f, [load_row_element(f, rows, b.add(s, t), dtype) for s in starts])
            size = functions.unary(f, "fabs", x)
            for key, value in (("sum", x), ("squares", b.fmul(x, x)), ("norm1", size)):
                f.put(b.fadd(f.get(slots[key], typ), value), slots[key])
            f.put(b.fadd(f.get(slots["nnz"], typ), b.select(b.fcmp_unordered("!=", x, zero), one, zero)), slots["nnz"])
            for key, op in (("low", "min"), ("high", "max")):
                f.put(extreme(f, op, f.get(slots[key], typ), x, answer=False), slots[key])
            if dtype in ("float64", "float32", "float16", "bfloat16"):
                mask = vector(I64, lanes)
                flags = f.get(bad, mask)
                finite = b.fcmp_ordered("<", size, constant(typ, _INF))
                flags = b.or_(flags, b.select(finite, constant(mask, 0), constant(mask, NOT_FINITE)))
                if dtype == "float64":
                    back = b.fpext(b.fptrunc(x, vector(F32, lanes)), typ)
                    same = b.fcmp_ordered("==", back, x)
                    flags = b.or_(flags, b.select(same, constant(mask, 0), constant(mask, NOT_FLOAT32)))
                whole = b.fcmp_ordered("==", functions.unary(f, "floor", x), x)
                flags = b.or_(flags, b.select(whole, constant(mask, 0), constant(mask, NOT_WHOLE)))
                f.put(flags, bad)
        for lane in range(lanes):
            for key in ROW_STATS[:-1]:
                f.store(b.extract_element(f.get(slots[key], typ), I32(lane)), f.pointer(key), index[lane])
            flag = b.extract_element(f.get(bad, vector(I64, lanes)), I32(lane))
            f.store(flag, f.pointer("flags"), index[lane])
    f.ret()


DEV_FIELDS = ("rows", "n", "d", "mean", "dev")


def dev_kernel(module: ir.Module, name: str, dtype: str) -> None:
    """Sum of squares about the mean, per row."""
    f = Function(module, name, DEV_FIELDS)
    b, lanes = f.b, 8
    typ = vector(F64, lanes)
    d, n = f.field("d"), f.field("n")
    with f.loop(0, n, lanes, "group") as first:
        index = [b.add(first, I64(lane)) for lane in range(lanes)]
        index = [b.select(b.icmp_signed("<", i, n), i, b.sub(n, I64(1))) for i in index]
        mean = _lanes(f, [f.load(f.pointer("mean"), i, F64) for i in index])
        total = f.variable(constant(typ, 0.0))
        with f.loop(0, d, name="t") as t:
            x = _lanes(f, [load_row_element(f, f.pointer("rows"), b.add(b.mul(i, d), t), dtype) for i in index])
            away = b.fsub(x, mean)
            f.put(b.fadd(f.get(total, typ), b.fmul(away, away)), total)
        for lane in range(lanes):
            f.store(b.extract_element(f.get(total, typ), I32(lane)), f.pointer("dev"), index[lane])
    f.ret()


def pack_fields(u: Expr, scale: Expr | None) -> tuple[str, ...]:
    return ("rows", "n", "d", "lanes", "first", "last", "out", *stat_fields((u, *([scale] if scale else []))))


def pack_kernel(module: ir.Module, name: str, dtype: str, u: Expr, scale: Expr | None, compute: str) -> None:
    """Rows -> panels first..last of ``lanes`` rows: u of each coordinate, over ``scale``; rows past n are zeros."""
    f = Function(module, name, pack_fields(u, scale))
    b, out_type = f.b, FLOATS[compute]
    rows, d, n, lanes, out = f.pointer("rows"), f.field("d"), f.field("n"), f.field("lanes"), f.pointer("out")
    plain = u.op in ("x", "y") and scale is None
    with f.loop(f.field("first"), f.field("last"), name="panel") as panel:
        base = b.mul(b.mul(b.sub(panel, f.field("first")), d), lanes)
        with f.loop(0, lanes, name="lane") as lane:
            row = b.add(b.mul(panel, lanes), lane)
            start = b.mul(row, d)
            real = b.icmp_signed("<", row, n)
            with b.if_else(real) as (then, otherwise):
                with then:
                    env: dict[Expr, Value] = {
                        stat(s): f.load(f.pointer(s), row, F64) for s in stat_fields((u, *([scale] if scale else [])))
                    }
                    env[DIM] = b.sitofp(d, F64)
                    factor = None
                    if scale is not None:
                        divisor = lower(f, scale, env, F64)
                        is_zero = b.fcmp_ordered("==", divisor, constant(F64, 0.0))
                        factor = b.select(is_zero, constant(F64, 0.0), b.fdiv(constant(F64, 1.0), divisor))
                    with f.loop(0, d, name="t") as t:
                        if plain and dtype == "float32" and compute == "f32":
                            value = f.load(rows, b.add(start, t), F32)
                        else:
                            value = load_row_element(f, rows, b.add(start, t), dtype)
                            value = lower(f, u, {**env, X: value, Y: value}, F64)
                            if factor is not None:
                                value = b.fmul(value, factor)
                            if compute == "f32":
                                value = b.fptrunc(value, F32)
                        f.store(value, out, b.add(base, b.add(b.mul(t, lanes), lane)))
                with otherwise, f.loop(0, d, name="t") as t:
                    f.store(constant(out_type, 0.0), out, b.add(base, b.add(b.mul(t, lanes), lane)))
    f.ret()


# ------------------------------------------------------------------------------------------------ the micro-kernel


@dataclass(frozen=True)
class Tile:
    """The shape of a micro-kernel: R queries, V registers of L items, in one arithmetic."""

    rows: int
    vectors: int
    lanes: int
    compute: str
    target: Target

    @property
    def width(self) -> int:
        return self.vectors * self.lanes

    @property
    def elem(self) -> Any:
        return FLOATS[self.compute]

    @property
    def vec(self) -> Any:
        return vector(self.elem, self.lanes)


def tile_for(target: Target, compute: str, formula: Formula, queries: int | None = None) -> Tile:
    """The measured best shape: 12 x 2 registers of 32, 6 x 2 of 16; fewer rows for few queries or several sums.

    The range instruction's maximum wants 24 x 1, with one negated item register in place of two (121 against 110 G
    pair-dimensions per second on Zen 5).
    """
    lanes = target.lanes if compute == "f32" else max(target.lanes // 2, 1)
    rows, vectors = max(target.rows // len(formula.terms), 1), 2
    if _is_ranged(target, compute, formula):
        rows, vectors = 2 * target.rows, 1
    if any(e.op in functions.TABLE or e.op == "pow" for term in formula.terms for e in term.walk()):
        rows = 2  # a polynomial in the loop needs the registers, and each copy of it costs compile time
    elif queries is not None and queries <= 4:
        rows = min(rows, 4)
    return Tile(rows, vectors, lanes, compute, target)


def _is_ranged(target: Target, compute: str, formula: Formula) -> bool:
    """Whether AVX-512's range instruction serves: float32 maxima of absolute differences."""
    whole = target.range_instruction and compute == "f32" and target.lanes == 16
    return whole and formula.combine == "max" and _is_absolute_difference(formula)


def _is_absolute_difference(formula: Formula) -> bool:
    difference = Expr("sub", (X, Y))
    return formula.terms == (Expr("abs", (difference,)),) and formula.combine in ("sum", "mean", "max")


def micro_kernel(
    f: Function, tile: Tile, formula: Formula, queries: Value, panel: Value, d: Value, *, fused: bool, answer: bool
) -> list[list[list[Value]]]:
    """Accumulators [term][row][vector] after all d coordinates.

    ``fused``: products feed sums by fused multiply-add (float32). Float64 answers never fuse, so that they are the
    plain arithmetic of the definition. |x - y| subtracts by an exact fused multiply-add with 1 read from memory: it
    runs on the multiplier's ports and leaves the adder's to the sum (22% faster on Zen 5, equal elsewhere), and
    AVX-512's range instruction takes the maximum of absolute values in one step (twice as fast).
    """
    b, typ = f.b, tile.vec
    count = len(formula.terms)
    start = {"sum": 0.0, "mean": 0.0, "max": -_INF, "min": _INF}[formula.combine]
    absolute = fused and tile.target.fma and _is_absolute_difference(formula)
    ranged = absolute and _is_ranged(tile.target, tile.compute, formula)
    if ranged:
        start = 0.0
    slots = [[[f.slot(typ) for _ in range(tile.vectors)] for _ in range(tile.rows)] for _ in range(count)]
    for per_term in slots:
        for row in per_term:
            for slot in row:
                f.put(constant(typ, start), slot)
    one = f.splat(f.load(f.pointer("one"), 0, tile.elem), tile.lanes) if absolute else None
    with f.loop(0, d, name="t") as t:
        at_items = b.mul(t, I64(tile.width))
        items = [f.load(panel, b.add(at_items, I64(v * tile.lanes)), typ) for v in range(tile.vectors)]
        negated = [b.fneg(y) for y in items] if absolute else []
        at_queries = b.mul(t, I64(tile.rows))
        for r in range(tile.rows):
            x = f.splat(f.load(queries, b.add(at_queries, I64(r)), tile.elem), tile.lanes)
            for v, y in enumerate(items):
                env: dict[Expr, Value] = {X: x, Y: y}
                if one is not None:
                    env[Expr("sub", (X, Y))] = f.fma(x, one, negated[v])
                for term, expr in enumerate(formula.terms):
                    slot = slots[term][r][v]
                    acc = f.get(slot, typ)
                    f.put(_step(f, formula.combine, acc, expr, env, typ, fused, answer, ranged), slot)
    return [[[f.get(slot, typ) for slot in row] for row in per_term] for per_term in slots]


def _step(
    f: Function,
    combine: str,
    acc: Value,
    expr: Expr,
    env: dict[Expr, Value],
    typ: Any,
    fused: bool,
    answer: bool,
    ranged: bool = False,
) -> Value:
    """One coordinate combined into the accumulator."""
    if combine in ("sum", "mean"):
        if fused and expr.op == "mul":
            shared = {arg: lower(f, arg, env, typ, answer=answer) for arg in set(expr.args)}
            return f.fma(shared[expr.args[0]], shared[expr.args[1]], acc)
        return f.b.fadd(acc, lower(f, expr, env, typ, answer=answer))
    if ranged:
        difference = env[Expr("sub", (X, Y))]
        absolute_maximum = I32(0b1011)
        every, current_rounding = I16(0xFFFF), I32(4)
        name = "llvm.x86.avx512.mask.range.ps.512"
        return f.intrinsic(name, typ, acc, difference, absolute_maximum, acc, every, current_rounding)
    return extreme(f, combine, acc, lower(f, expr, env, typ, answer=answer), answer=answer)


def _stat_env(f: Function, expr: Expr, side: str, at: Value, typ: Any) -> dict[Expr, Any]:
    """Leaves for one side's statistics: scalars broadcast for x, vectors for y; loaded where first used."""

    def loader(name: str) -> Callable[[], Value]:
        def load() -> Value:
            if side == "y":
                return f.load(f.pointer(name), at, typ)
            return f.splat(f.load(f.pointer(name), at, typ.element), typ.count)

        return load

    return {stat(s): loader(s) for s in stat_fields(expr) if s.endswith(side)}


# ------------------------------------------------------------------------------------------------ epilogues


def _spill(f: Function, tile: Tile, accumulators: list[list[list[Value]]], buffer: Value) -> None:
    """Registers -> a small buffer [term][row][W], so that the epilogue is a loop and not an unrolled wall of code."""
    for term, rows in enumerate(accumulators):
        for r, row in enumerate(rows):
            for v, value in enumerate(row):
                f.store(value, buffer, I64((term * tile.rows + r) * tile.width + v * tile.lanes))


def _finished(
    f: Function, tile: Tile, formula: Formula, buffer: Value, r: Value, v: int, row: Value, item: Value, *, answer: bool
) -> Value:
    """The last expression for one row and one register of items."""
    env: dict[Expr, Any] = {}
    for term in range(len(formula.terms)):
        at = f.b.add(f.b.mul(f.b.add(r, I64(term * tile.rows)), I64(tile.width)), I64(v * tile.lanes))
        env[Expr("acc", value=term)] = f.load(buffer, at, tile.vec)
    env |= _stat_env(f, formula.last, "x", row, tile.vec)
    env |= _stat_env(f, formula.last, "y", f.b.add(item, I64(v * tile.lanes)), tile.vec)
    env[DIM] = f.splat(f.b.sitofp(f.field("d"), tile.elem), tile.lanes)
    return lower(f, formula.last, env, tile.vec, answer=answer)


def _row_count(f: Function, tile: Tile, first: Value) -> Value:
    """Rows of a tile that are real queries."""
    left = f.b.sub(f.field("n"), first)
    return f.b.select(f.b.icmp_signed("<", left, I64(tile.rows)), left, I64(tile.rows))


def search_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "n", "items", "first", "last", "m", "base", "d", "one"),
        *("k", "cap", "heap", "sizes", "keys", "found", "counts", "threshold", "slope", "offset", "overflow"),
        *("where", "where_row"),
        *stat_fields(formula.last),
    )


def search_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, exact: bool) -> None:
    """The k smallest keys of each query, as a heap of keys and a list of candidates.

    A pair becomes a candidate when its key is at most the query's threshold:  slope * (k-th smallest key) + offset,
    or with ``exact`` keys just below the k-th smallest (scanned in index order, a later equal key loses). The vector
    compare is the common case; what follows it happens some k log(m / k) times a query. A list that fills up drops
    what no longer qualifies; if most still does, the query is marked as overflowing and left to the caller.
    """
    f = Function(module, name, search_fields(formula))
    b = f.b
    d, elem = f.field("d"), tile.elem
    buffer = f.slot(tile.vec, len(formula.terms) * tile.rows * tile.vectors, align=64)
    keys = f.slot(tile.vec, tile.vectors, align=64)
    tiles = b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows))
    with f.loop(f.field("first"), f.field("last"), name="panel") as p:
        panel = f.at(f.pointer("items"), b.mul(b.mul(p, d), I64(tile.width)), elem)
        item = b.mul(p, I64(tile.width))
        with f.loop(0, tiles, name="tile") as tile_index:
            first = b.mul(tile_index, I64(tile.rows))
            queries = f.at(f.pointer("queries"), b.mul(first, d), elem)
            done = micro_kernel(f, tile, formula, queries, panel, d, fused=tile.compute == "f32", answer=exact)
            with _rows_with_hits(f, tile, formula, done, buffer, first, exact) as r:
                row = b.add(first, r)
                limit = f.load(f.pointer("threshold"), row, elem)
                hits = _hits(f, tile, formula, buffer, keys, r, row, item, limit, exact)
                with f.when(b.icmp_unsigned("!=", hits, I64(0)), likely=False):
                    _offer(f, tile, keys, row, item, hits, exact)
    f.ret()


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
        key = _finished(f, tile, formula, buffer, r, v, row, item, answer=exact)
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
        _spill(f, tile, accumulators, buffer)
        with f.loop(0, _row_count(f, tile, first), name="row") as r:
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
    real = b.sub(b.shl(I64(1), _row_count(f, tile, first)), I64(1))
    rows = b.and_(rows, real)
    with f.when(b.icmp_unsigned("!=", rows, I64(0)), likely=False):
        _spill(f, tile, accumulators, buffer)
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
                    f.store(constant(elem, -_INF), f.pointer("threshold"), row)
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
        *stat_fields(formula.last),
    )


def within_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, *, exact: bool) -> None:
    """Every pair whose key is at most its query's threshold, as (row, item) pairs.

    Stops before a panel whose pairs might not fit; the result is the first panel not done.
    """
    f = Function(module, name, within_fields(formula))
    b = f.b
    d, elem = f.field("d"), tile.elem
    buffer = f.slot(tile.vec, len(formula.terms) * tile.rows * tile.vectors, align=64)
    keys = f.slot(tile.vec, tile.vectors, align=64)
    tiles = b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows))
    most = b.mul(f.field("n"), I64(tile.width))
    panel_at = f.variable(f.field("first"))
    count_at = f.pointer("count")

    def room() -> Value:
        more = b.icmp_signed("<", f.get(panel_at, I64), f.field("last"))
        fits = b.icmp_signed("<=", b.add(f.load(count_at, 0, I64), most), f.field("cap"))
        return b.and_(more, fits)

    with f.loop_while(room, "panel"):
        p = f.get(panel_at, I64)
        panel = f.at(f.pointer("items"), b.mul(b.mul(p, d), I64(tile.width)), elem)
        item = b.mul(p, I64(tile.width))
        with f.loop(0, tiles, name="tile") as tile_index:
            first = b.mul(tile_index, I64(tile.rows))
            queries = f.at(f.pointer("queries"), b.mul(first, d), elem)
            done = micro_kernel(f, tile, formula, queries, panel, d, fused=tile.compute == "f32", answer=exact)
            with _rows_with_hits(f, tile, formula, done, buffer, first, exact) as r:
                row = b.add(first, r)
                limit = f.load(f.pointer("threshold"), row, elem)
                hits = _hits(f, tile, formula, buffer, keys, r, row, item, limit, exact)
                with _each_bit(f, hits) as lane:
                    index = b.add(item, lane)
                    with f.when(b.icmp_signed("<", index, f.field("m"))), f.when(_admitted(f, row, index)):
                        count = f.load(count_at, 0, I64)
                        f.store(row, f.pointer("rows_found"), count)
                        f.store(b.add(index, f.field("base")), f.pointer("found"), count)
                        f.store(b.add(count, I64(1)), count_at, I64(0))
        f.put(b.add(p, I64(1)), panel_at)
    f.ret(f.get(panel_at, I64))


def matrix_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "n", "items", "first", "last", "m", "base", "d", "one", "out", "out_row"),
        *stat_fields(formula.last),
    )


def matrix_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, out: str) -> None:
    """Every value, row-major: out[row, base + item], rounded once to ``out`` ("f32" or "f64")."""
    f = Function(module, name, matrix_fields(formula))
    b = f.b
    d, elem = f.field("d"), tile.elem
    out_elem = FLOATS[out]
    buffer = f.slot(tile.vec, len(formula.terms) * tile.rows * tile.vectors, align=64)
    tiles = b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows))
    with f.loop(f.field("first"), f.field("last"), name="panel") as p:
        panel = f.at(f.pointer("items"), b.mul(b.mul(p, d), I64(tile.width)), elem)
        item = b.mul(p, I64(tile.width))
        with f.loop(0, tiles, name="tile") as tile_index:
            first = b.mul(tile_index, I64(tile.rows))
            queries = f.at(f.pointer("queries"), b.mul(first, d), elem)
            done = micro_kernel(f, tile, formula, queries, panel, d, fused=False, answer=True)
            _spill(f, tile, done, buffer)
            with f.loop(0, _row_count(f, tile, first), name="row") as r:
                row = b.add(first, r)
                line = b.mul(row, f.field("out_row"))
                for v in range(tile.vectors):
                    value = _finished(f, tile, formula, buffer, r, v, row, item, answer=True)
                    if out == "f32":
                        value = b.fptrunc(value, vector(F32, tile.lanes))
                    start = b.add(item, I64(v * tile.lanes))
                    full = b.icmp_signed("<=", b.add(start, I64(tile.lanes)), f.field("m"))
                    with b.if_else(full) as (then, otherwise):
                        with then:
                            f.store(value, f.pointer("out"), b.add(line, b.add(start, f.field("base"))))
                        with otherwise:
                            for lane in range(tile.lanes):
                                at = b.add(start, I64(lane))
                                with f.when(b.icmp_signed("<", at, f.field("m"))):
                                    one = b.extract_element(value, I32(lane))
                                    f.store(one, f.pointer("out"), b.add(line, b.add(at, f.field("base"))))
    _ = out_elem
    f.ret()


def pairs_fields(formula: Formula, value: Expr) -> tuple[str, ...]:
    names = stat_fields((formula.last, value, *formula.terms))
    return ("x", "y", "x_rows", "y_rows", "count", "d", "keys", "values", *names)


def pairs_kernel(module: ir.Module, name: str, formula: Formula, value: Expr, x_type: str, y_type: str) -> None:
    """Key and value of listed pairs, in float64 from the rows as they came: the arithmetic that settles a search.

    Eight pairs go side by side in the lanes; each sums its coordinates in order, never fused.
    """
    f = Function(module, name, pairs_fields(formula, value))
    b, lanes = f.b, 8
    typ = vector(F64, lanes)
    d, count = f.field("d"), f.field("count")
    start = {"sum": 0.0, "mean": 0.0, "max": -_INF, "min": _INF}[formula.combine]
    with f.loop(0, count, lanes, "group") as first:
        at = [b.add(first, I64(lane)) for lane in range(lanes)]
        at = [b.select(b.icmp_signed("<", i, count), i, b.sub(count, I64(1))) for i in at]
        row = {"x": [f.load(f.pointer("x_rows"), i, I64) for i in at]}
        row["y"] = [f.load(f.pointer("y_rows"), i, I64) for i in at]
        starts = {side: [b.mul(i, d) for i in rows] for side, rows in row.items()}
        env: dict[Expr, Any] = {DIM: f.splat(b.sitofp(d, F64), lanes)}
        for s in stat_fields((formula.last, value, *formula.terms)):
            env[stat(s)] = _lanes(f, [f.load(f.pointer(s), i, F64) for i in row[s[-1]]])
        slots = [f.variable(constant(typ, start)) for _ in formula.terms]
        with f.loop(0, d, name="t") as t:
            here = dict(env)
            for side, leaf, dtype in (("x", X, x_type), ("y", Y, y_type)):
                elements = [load_row_element(f, f.pointer(side), b.add(s, t), dtype) for s in starts[side]]
                here[leaf] = _lanes(f, elements)
            for slot, term in zip(slots, formula.terms, strict=True):
                f.put(_step(f, formula.combine, f.get(slot, typ), term, here, typ, False, True), slot)
        for i, slot in enumerate(slots):
            env[Expr("acc", value=i)] = f.get(slot, typ)
        results = {"keys": lower(f, formula.last, env, typ), "values": lower(f, value, env, typ)}
        for lane in range(lanes):
            for field, result in results.items():
                f.store(b.extract_element(result, I32(lane)), f.pointer(field), at[lane])
    f.ret()


# ------------------------------------------------------------------------------------------------ weighted sums


def fold_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "first", "last", "n", "items", "m", "d", "one"),
        *("weights", "columns", "out", "work", "scale", "mask", "mask_row", "causal"),
        *stat_fields(formula.last),
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
            done = micro_kernel(f, tile, formula, queries, panel, d, fused=fused, answer=True)
            _spill(f, tile, done, buffer)
        with f.loop(0, rows, name="row") as r:
            for v in range(tile.vectors):
                start = b.add(item, I64(v * tile.lanes))
                value = _finished(f, tile, formula, buffer, r, v, b.add(first, r), item, answer=True)
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
        rows = _row_count(f, tile, first)
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
        rows = _row_count(f, tile, first)
        with f.loop(0, I64(tile.rows), name="row") as r:
            f.store(constant(elem, -_INF), maxima, r)
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
                return b.select(seen, value, constant(value.type, -_INF))

            _scores(f, tile, formula, scores, buffer, first, block, rows, masked)
            with f.loop(0, rows, name="row") as r:
                line = f.at(scores, b.mul(r, I64(BLOCK)), elem)
                high = f.variable(constant(wide, -_INF))
                with f.loop(0, I64(BLOCK), FOLD_LANES, "key") as key:
                    value, best = f.load(line, key, wide), f.get(high, wide)
                    f.put(b.select(b.fcmp_ordered(">", value, best), value, best), high)
                old = f.load(maxima, r, elem)
                block_max = _max_lanes(f, f.get(high, wide))
                new = b.select(b.fcmp_ordered(">", block_max, old), block_max, old)
                nothing = b.fcmp_ordered("==", new, constant(elem, -_INF))
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


# ------------------------------------------------------------------------------------------------ measuring

PEAK_FIELDS = ("count", "one", "out")


def peak_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula) -> None:
    """The micro-kernel's own instructions on registers alone: the rate that they allow on this core."""
    f = Function(module, name, PEAK_FIELDS)
    b, typ = f.b, tile.vec
    one = f.splat(f.load(f.pointer("one"), 0, tile.elem), tile.lanes)
    x = b.fadd(one, one)
    items = [f.splat(f.load(f.pointer("one"), I64(1 + v), tile.elem), tile.lanes) for v in range(tile.vectors)]
    absolute = tile.target.fma and _is_absolute_difference(formula)
    ranged = absolute and _is_ranged(tile.target, tile.compute, formula)
    slots = [f.variable(constant(typ, 0.0)) for _ in range(tile.rows * tile.vectors)]
    with f.loop(0, f.field("count"), name="t"):
        for i, slot in enumerate(slots):
            y = items[i % tile.vectors]
            acc = f.get(slot, typ)
            env: dict[Expr, Value] = {X: acc if formula.combine == "peak" else x, Y: y}
            if absolute:
                # the difference must not leave the loop: it depends on the accumulator
                env[Expr("sub", (X, Y))] = f.fma(acc, one, y)
            elif len(formula.terms) == 1 and any(e == Expr("sub", (X, Y)) for e in formula.terms[0].walk()):
                env[X] = acc
            f.put(_step(f, formula.combine, acc, formula.terms[0], env, typ, True, False, ranged), slot)
    for i, slot in enumerate(slots):
        f.store(f.get(slot, typ), f.pointer("out"), I64(i * tile.lanes))
    f.ret()


__all__ = [name for name in globals() if name.endswith(("_kernel", "_fields")) or name in ("PTR", "Tile", "Formula")]
