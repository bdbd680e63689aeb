"""One query at a time: coded, scanned and refined by two calls, for the least time to an answer.

:func:`query_kernel` does for one query what :mod:`likewise.backends.llvm.codes` does for many with several passes.
:func:`nearest_kernel` reads the codes of the items' first coordinates once, which is what its time goes into, and keeps
the sums; all that follows looks at those:

    for a panel:  sums, and the best score of each 16 items         (the seeds' limit is taken from these)
    list what reaches the seeds' limit;  refine;  tighten           (now the threshold is nearly final)
    list what reaches the threshold's limit;  refine;  tighten
"""

from __future__ import annotations

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import F32, F64, I8, I32, I64, Function, Value, constant, vector
from likewise.backends.llvm.kernels.codes import integer_tile, larger, load_elements, smaller
from likewise.backends.llvm.kernels.scan import (
    Scan,
    append_row,
    refine_list,
    scan_fields,
    scan_function,
    score_of,
    set_limits,
)
from likewise.backends.llvm.kernels.select import ordinal
from likewise.backends.llvm.kernels.tile import stat_fields
from likewise.backends.llvm.lower import lower
from likewise.formula.expr import DIM, Expr, X, Y, stat

LANES = 8
QUERY_IN = ("row", "d", "h", "mean", "basis", "shrink", "slip", "offset", "mean_squares")
QUERY_PARTS = ("parts", "cuts", "turned", "weight", "high", "top", "alpha", "blocks", "ends")
QUERY_OUT = ("z", "x32", "centred", "codes", "starts", "a", "t", "init", "inits", "constant")
QUERY_EXACT = ("exact_mean", "exact_low", "exact_high", "exact_squares", "exact_codes", "exact_constant", "exact_init")


def query_fields(u: Expr, scale: Expr | None) -> tuple[str, ...]:
    names = stat_fields((u, *([scale] if scale else [])))
    return (*QUERY_IN, *QUERY_PARTS, *QUERY_OUT, *QUERY_EXACT, *names)


def query_kernel(
    module: ir.Module, name: str, dtype: str, u: Expr, scale: Expr | None, rule: str, *, exact: bool
) -> None:
    """One query in all parts of a coding by energy: codes, scales, bounds T, and what the limit is made of.

    The result is 1, or 0 where ``exact`` codes leave something out, and the scan's exact level would not be.
    """
    f = Function(module, name, query_fields(u, scale))
    b, d, h = f.b, f.field("d"), f.field("h")
    stats: dict[Expr, Value] = {
        stat(s): f.load(f.pointer(s), 0, F64) for s in stat_fields((u, *([scale] if scale else [])))
    }
    stats[DIM] = b.sitofp(d, F64)
    factor = None if scale is None else b.fdiv(constant(F64, 1.0), lower(f, scale, stats, F64))
    whole, inner = f.variable(constant(F64, 0.0)), f.variable(constant(F64, 0.0))
    z = f.pointer("z")
    wide = vector(F64, LANES)
    with f.loop(0, h, LANES, "clear") as i:
        f.store(constant(wide, 0.0), z, i)
    with f.loop(0, d, name="t") as t:
        x = load_elements(f, f.pointer("row"), t, dtype, 1)
        x = lower(f, u, {**stats, X: x, Y: x}, F64)
        x = x if factor is None else b.fmul(x, factor)
        f.store(b.fptrunc(x, F32), f.pointer("x32"), t)
        mean = f.load(f.pointer("mean"), t, F64)
        x = b.fsub(x, mean)
        f.put(b.fadd(f.get(whole, F64), b.fmul(x, x)), whole)
        f.put(b.fadd(f.get(inner, F64), b.fmul(x, mean)), inner)
        f.store(x, f.pointer("centred"), t)
    _turn(f, d, h)
    squares, lost = f.variable(constant(F64, 0.0)), f.variable(constant(F64, 0.0))
    size = f.get(whole, F64)
    raw = b.fadd(functions.unary(f, "sqrt", size), b.fmul(constant(F64, 2.0), _root(f, f.number("mean_squares", F64))))
    slip = b.fmul(f.number("slip", F64), raw)
    with f.loop(0, f.field("parts"), name="part") as part:
        own, error = _code_part(f, part)
        f.put(b.fadd(f.get(squares, F64), own), squares)
        f.put(b.fadd(f.get(lost, F64), error), lost)
        bound = _uncertainty(f, part, size, f.get(squares, F64), f.get(lost, F64), slip)
        f.store(_upward(f, bound), f.pointer("t"), part)
    start = b.fmul(size, constant(F64, 0.5))
    if rule == "product":
        start = b.fneg(b.fadd(f.get(inner, F64), f.number("mean_squares", F64)))
        mean = _root(f, f.number("mean_squares", F64))
        rounding = b.fmul(mean, b.fadd(_root(f, size), mean))
        start = b.fsub(start, b.fmul(b.fmul(b.fadd(stats[DIM], constant(F64, 8.0)), constant(F64, 2.0**-52)), rounding))
    f.store(b.fptrunc(start, F32), f.pointer("constant"), I64(0))
    f.ret(_code_exact(f, dtype, rule) if exact else 1)


def _root(f: Function, x: Value) -> Value:
    return functions.unary(f, "sqrt", x)


def _turn(f: Function, d: Value, h: Value) -> None:
    """z = shrink * basis^T centred, 64 coordinates of z in registers at a time; the basis is float32."""
    b, wide, block = f.b, vector(F64, LANES), 64
    with f.loop(0, h, block, "turn") as start:
        slots = [f.variable(constant(wide, 0.0)) for _ in range(block // LANES)]
        with f.loop(0, d, name="t") as t:
            x = f.splat(f.load(f.pointer("centred"), t, F64), LANES)
            line = b.add(b.mul(t, h), start)
            for i, slot in enumerate(slots):
                axis = b.fpext(f.load(f.pointer("basis"), b.add(line, I64(i * LANES)), vector(F32, LANES)), wide)
                f.put(b.fadd(f.get(slot, wide), b.fmul(axis, x)), slot)
        shrink = f.splat(f.number("shrink", F64), LANES)
        for i, slot in enumerate(slots):
            turned = b.fmul(f.get(slot, wide), shrink)
            f.store(turned, f.pointer("z"), b.add(start, I64(i * LANES)))


def _code_part(f: Function, part: Value) -> tuple[Value, Value]:
    """One part's codes, scale and init; the squares of what is coded, and of what the codes leave out."""
    b = f.b
    begin, end = f.load(f.pointer("cuts"), part, I64), f.load(f.pointer("cuts"), b.add(part, I64(1)), I64)
    largest, squares, lost = (f.variable(constant(F64, 0.0)) for _ in range(3))
    with f.loop(begin, end, name="t") as t:
        value = f.load(f.pointer("z"), t, F64)
        f.put(b.fadd(f.get(squares, F64), b.fmul(value, value)), squares)
        weighted = functions.unary(f, "fabs", b.fmul(value, f.load(f.pointer("weight"), t, F64)))
        f.put(larger(f, f.get(largest, F64), weighted), largest)
    high = f.number("high", F64)
    s = b.fdiv(f.get(largest, F64), high)
    s = b.select(b.fcmp_unordered("<", s, constant(F64, 2.0**-110)), constant(F64, 1.0), s)
    codes = f.at(f.pointer("codes"), f.load(f.pointer("starts"), part, I64), I8)
    with f.loop(begin, end, name="t") as t:
        value, weight = f.load(f.pointer("z"), t, F64), f.load(f.pointer("weight"), t, F64)
        code = functions.unary(f, "rint", b.fdiv(b.fmul(value, weight), s))
        code = larger(f, smaller(f, code, high), b.fneg(high))
        off = b.fsub(value, b.fdiv(b.fmul(code, s), weight))
        f.put(b.fadd(f.get(lost, F64), b.fmul(off, off)), lost)
        f.store(b.trunc(b.fptosi(code, I32), I8), codes, b.sub(t, begin))
    f.store(b.fptrunc(b.fdiv(s, f.load(f.pointer("top"), part, F64)), F32), f.pointer("a"), part)
    # what unsigned items add too much: block by block for the scan, in one number for the levels after it
    first = f.load(f.pointer("blocks"), part, I64)
    last = f.load(f.pointer("blocks"), b.add(part, I64(1)), I64)
    with f.loop(first, last, name="block") as block:
        total = f.variable(I32(0))
        start, stop = (f.load(f.pointer("ends"), b.add(b.add(block, part), I64(i)), I64) for i in range(2))
        with f.loop(start, stop, name="t") as t:
            f.put(b.add(f.get(total, I32), b.sext(f.load(codes, t, I8), I32)), total)
        f.store(b.mul(f.get(total, I32), b.trunc(b.neg(f.field("offset")), I32)), f.pointer("init"), block)
    return f.get(squares, F64), f.get(lost, F64)


def _uncertainty(f: Function, part: Value, whole: Value, squares: Value, lost: Value, slip: Value) -> Value:
    """T of the query after this part: see :mod:`likewise.formula.codes`."""
    b = f.b

    def square(x: Value) -> Value:
        return b.fmul(x, x)

    norm, error = _root(f, squares), b.fadd(_root(f, lost), slip)
    beyond = larger(f, b.fsub(whole, squares), constant(F64, 0.0))
    tail = b.fadd(beyond, b.fmul(slip, b.fadd(b.fmul(constant(F64, 4.0), _root(f, whole)), slip)))
    shown = b.fadd(b.fadd(norm, slip), error)
    alpha = f.load(f.pointer("alpha"), part, F64)
    total = b.fadd(square(b.fmul(alpha, error)), square(b.fdiv(shown, alpha)))
    total = b.fadd(b.fadd(total, tail), square(b.fmul(constant(F64, 2.0**-10), shown)))
    return b.fmul(_root(f, total), constant(F64, 1 + 2.0**-22))


def _upward(f: Function, x: Value) -> Value:
    """A positive float64 -> a float32 no smaller."""
    near = f.b.bitcast(f.b.fptrunc(x, F32), I32)
    return f.b.bitcast(f.b.add(near, I32(1)), F32)


def _code_exact(f: Function, dtype: str, rule: str) -> Value:
    """The query as whole numbers, and 1 if it is that."""
    b = f.b
    squares, inner, total = f.variable(constant(F64, 0.0)), f.variable(constant(F64, 0.0)), f.variable(I32(0))
    fits = f.variable(ir.IntType(1)(1))
    low, high = f.number("exact_low", F64), f.number("exact_high", F64)
    with f.loop(0, f.field("d"), name="t") as t:
        x = load_elements(f, f.pointer("row"), t, dtype, 1)
        mean = f.load(f.pointer("exact_mean"), t, F64)
        x = b.fsub(x, mean)
        code = larger(f, smaller(f, functions.unary(f, "rint", x), high), low)
        f.put(b.and_(f.get(fits, ir.IntType(1)), b.fcmp_ordered("==", code, x)), fits)
        f.put(b.fadd(f.get(squares, F64), b.fmul(x, x)), squares)
        f.put(b.fadd(f.get(inner, F64), b.fmul(x, mean)), inner)
        whole = b.fptosi(code, I32)
        f.put(b.add(f.get(total, I32), whole), total)
        f.store(b.trunc(whole, I8), f.pointer("exact_codes"), t)
    start = b.fmul(f.get(squares, F64), constant(F64, 0.5))
    if rule == "product":
        start = b.fneg(b.fadd(f.get(inner, F64), f.number("exact_squares", F64)))
    f.store(start, f.pointer("exact_constant"), I64(0))
    f.store(b.mul(f.get(total, I32), b.trunc(b.neg(f.field("offset")), I32)), f.pointer("exact_init"), I64(0))
    return b.zext(f.get(fits, ir.IntType(1)), I64)


# --------------------------------------------------------------------------------------------------- nearest

#: Panels whose items share a line of best scores: 8 panels of 2 registers, 16 items to a number.
_SHARED = 8


def nearest_fields(scan: Scan) -> tuple[str, ...]:
    return (*scan_fields(scan), "sums", "best", "seeds")


def nearest_kernel(module: ir.Module, name: str, scan: Scan) -> None:
    """The k nearest of panels first..last to one query, as candidates: all that a scan of many does, in one pass."""
    f, lists = scan_function(module, name, scan, nearest_fields(scan))
    assert lists is not None
    b, tile = f.b, scan.tile
    first, last, typ = f.field("first"), f.field("last"), vector(F32, tile.lanes)
    steps, groups = f.field("steps"), f.variable(I64(0))
    with f.loop(first, last, _SHARED, "share") as start:
        best = f.variable(constant(typ, -float("inf")))
        end = b.add(start, I64(_SHARED))
        end = b.select(b.icmp_signed("<", end, last), end, last)
        with f.loop(start, end, name="panel") as p:
            panel = f.at(f.pointer("items"), b.mul(b.mul(p, steps), I64(tile.width * tile.group)), I8)
            (row,) = integer_tile(f, tile, f.pointer("queries"), panel, f.pointer("init"))
            for v, acc in enumerate(row):
                item = b.add(b.mul(p, I64(tile.width)), I64(v * tile.lanes))
                f.store(acc, f.pointer("sums"), b.sub(item, b.mul(first, I64(tile.width))))
                score = score_of(f, scan, acc, I64(0), item)
                f.put(larger(f, f.get(best, typ), score), best)
        f.store(f.get(best, typ), f.pointer("best"), b.mul(f.get(groups, I64), I64(tile.lanes)))
        f.put(b.add(f.get(groups, I64), I64(1)), groups)
    count = b.mul(f.get(groups, I64), I64(tile.lanes))
    f.store(_largest(f, f.pointer("best"), count, f.field("seeds"), tile.lanes), f.pointer("limit"), I64(0))
    before = f.load(f.pointer("threshold"), 0, F32)
    for stage in range(2):
        listed = _list_sums(f, scan)
        if stage == 0:  # seeds are scored whatever finer codes say of them: k of them make a threshold
            f.store(constant(F32, -float("inf")), f.pointer("limit"), I64(0))
        refine_list(f, scan, lists, listed)
        lists.tighten(I64(0))
        if stage == 0:  # the seeds will be found again
            f.store(I64(0), f.pointer("count"), I64(0))
            f.store(f.field("step"), f.pointer("trigger"), I64(0))
            over = f.load(f.pointer("overflow"), 0, I64)
            with f.when(b.icmp_signed("!=", over, I64(0))):
                f.store(before, f.pointer("threshold"), I64(0))
                f.store(I64(0), f.pointer("overflow"), I64(0))
            set_limits(f, scan)
    f.ret()


def _largest(f: Function, values: Value, count: Value, rank: Value, lanes: int) -> Value:
    """A number that at least ``rank`` of the values reach, and hardly more, by bisection; -inf if there are fewer."""
    b, typ = f.b, vector(F32, lanes)
    low, high = (
        f.variable(ordinal(f, constant(F32, -float("inf")))),
        f.variable(ordinal(f, constant(F32, float("inf")))),
    )
    whole = vector(I32, lanes)
    with f.loop_while(lambda: b.icmp_signed("<", f.get(low, I64), f.get(high, I64)), "bisect"):
        a, z = f.get(low, I64), f.get(high, I64)
        middle = b.add(a, b.ashr(b.add(b.sub(z, a), I64(1)), I64(1)))
        limit = f.splat(_float_of(f, middle), lanes)
        counts = f.variable(constant(whole, 0))
        with f.loop(0, count, lanes, "count") as i:
            reach = b.fcmp_ordered(">=", f.load(values, i, typ), limit)
            f.put(b.add(f.get(counts, whole), b.zext(reach, whole)), counts)
        total = b.zext(f.intrinsic(f"llvm.vector.reduce.add.v{lanes}i32", I32, f.get(counts, whole)), I64)
        enough = b.icmp_signed(">=", total, rank)
        f.put(b.select(enough, middle, a), low)
        f.put(b.select(enough, z, b.sub(middle, I64(1))), high)
        close = b.and_(enough, b.icmp_signed("<=", total, b.add(rank, I64(4))))
        with f.when(close):
            f.put(middle, high)
    return _float_of(f, f.get(low, I64))


def _float_of(f: Function, i: Value) -> Value:
    raw = f.b.trunc(i, I32)
    signs = f.b.lshr(f.b.ashr(raw, I32(31)), I32(1))
    return f.b.bitcast(f.b.xor(raw, signs), F32)


def _list_sums(f: Function, scan: Scan) -> Value:
    """Items whose kept sums reach the limit, onto the list; how many."""
    b, tile = f.b, scan.tile
    first, count_at = f.field("first"), f.variable(I64(0))
    start = b.mul(first, I64(tile.width))
    with f.loop(first, f.field("last"), name="panel") as p:
        for v in range(tile.vectors):
            item = b.add(b.mul(p, I64(tile.width)), I64(v * tile.lanes))
            acc = f.load(f.pointer("sums"), b.sub(item, start), tile.vec)
            append_row(f, scan, acc, I64(0), item, count_at)
    return f.get(count_at, I64)
