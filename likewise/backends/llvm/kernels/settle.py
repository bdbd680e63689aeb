"""Settling: float64 key and value of listed pairs, from the rows as they came.

Eight pairs go side by side in the lanes; each sums its coordinates in order, never fused. Eight coordinates of eight
rows are loaded as they lie and turned over in registers, which takes 24 shuffles where gathering takes 64 loads.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import BYTES, F64, I8, I32, I64, Function, Value, constant, vector
from likewise.backends.llvm.kernels.rows import RAW, gather_lanes, widened
from likewise.backends.llvm.kernels.tile import INF, Formula, combine_step, stat_fields
from likewise.backends.llvm.lower import lower
from likewise.formula.expr import DIM, Expr, X, Y, stat

LANES = 8
_AHEAD = 32  # candidates whose rows are asked for before their turn: 49 -> 28 ns a pair where rows come from memory
_FORESEEN = 512  # bytes of a row that are asked for; what follows, the hardware foresees
_START = {"sum": 0.0, "mean": 0.0, "max": -INF, "min": INF}


def pairs_fields(formula: Formula, value: Expr) -> tuple[str, ...]:
    names = stat_fields((formula.last, value, *formula.terms))
    return ("x", "y", "x_rows", "y_rows", "count", "d", "keys", "values", *names)


def pairs_kernel(module: ir.Module, name: str, formula: Formula, value: Expr, x_type: str, y_type: str) -> None:
    """Key and value of the pairs (x_rows[i], y_rows[i]), for each i."""
    f = Function(module, name, pairs_fields(formula, value))
    b, count = f.b, f.field("count")
    with f.loop(0, count, LANES, "group") as first:
        at = _lanes_from(f, first, count)
        rows = [[f.load(f.pointer(name), i, I64) for i in at] for name in ("x_rows", "y_rows")]
        results = _compared(f, formula, value, (x_type, y_type), rows[0], rows[1])
        for lane in range(LANES):  # a repeated last pair is written again
            for field, result in zip(("keys", "values"), results, strict=True):
                f.store(b.extract_element(result, I32(lane)), f.pointer(field), at[lane])
    f.ret()


def lists_fields(formula: Formula, value: Expr) -> tuple[str, ...]:
    names = stat_fields((formula.last, value, *formula.terms))
    own = ("first", "last", "found", "stride", "count", "width", "done", "first_block", "last_block", "block")
    return ("x", "y", "d", "keys", "values", *own, *names)


def lists_kernel(module: ir.Module, name: str, formula: Formula, value: Expr, x_type: str, y_type: str) -> None:
    """Key and value of row r with each of its ``count[r]`` candidates ``found[r]``: lines of ``width``, ended by NaN.

        for a block of items:
            for a row:
                for eight of the row's candidates in the block

    Candidates rise along a list, and ``done`` (zeros at first) keeps how far each has come. A block stays in the
    second-level cache while the rows go by (28 -> 14 ns a pair). The width is a multiple of eight.
    """
    f = Function(module, name, lists_fields(formula, value))
    b, typ = f.b, vector(F64, LANES)
    nothing = constant(typ, float("nan"))
    numbers = ir.Constant(vector(I64, LANES), list(range(LANES)))
    rows = b.sub(f.field("last"), f.field("first"))
    blocks = f.loop(f.field("first_block"), f.field("last_block"), name="block")
    with blocks as block, f.loop(0, rows, name="row") as line:
        row = b.add(f.field("first"), line)
        limit = b.mul(b.add(block, I64(1)), f.field("block"))
        count = f.load(f.pointer("count"), row, I64)
        found = f.at(f.pointer("found"), b.mul(row, f.field("stride")), I64)
        start = b.mul(line, f.field("width"))
        at = f.variable(f.load(f.pointer("done"), line, I64))

        def here(at: Value = at, count: Value = count, found: Value = found) -> Value:
            i = f.get(at, I64)
            inside = b.icmp_signed("<", i, count)
            return b.and_(inside, b.icmp_signed("<", f.load(found, b.select(inside, i, I64(0)), I64), limit))

        with f.loop_while(here, "group"):
            first = f.get(at, I64)
            _prefetch(f, [f.load(found, i, I64) for i in _lanes_from(f, b.add(first, I64(_AHEAD)), count)], y_type)
            candidates = [f.load(found, i, I64) for i in _lanes_from(f, first, count)]
            results = _compared(f, formula, value, (x_type, y_type), row, candidates)
            real = b.icmp_signed("<", numbers, f.splat(b.sub(count, first), LANES))
            for field, result in zip(("keys", "values"), results, strict=True):
                f.store(b.select(real, result, nothing), f.pointer(field), b.add(start, first))
            f.put(b.add(first, I64(LANES)), at)
        f.store(f.get(at, I64), f.pointer("done"), line)
    with f.loop(0, rows, name="end") as line:
        start = b.mul(line, f.field("width"))
        with f.loop(f.load(f.pointer("done"), line, I64), f.field("width"), LANES, "rest") as first:
            for field in ("keys", "values"):
                f.store(nothing, f.pointer(field), b.add(start, first))
    f.ret()


def _prefetch(f: Function, rows: list[Value], dtype: str) -> None:
    """Ask for the first lines of rows of y: they lie anywhere, so that no hardware can foresee them."""
    b, d = f.b, f.field("d")
    size = BYTES[RAW[dtype]]
    length = b.mul(d, I64(size))
    length = b.select(b.icmp_signed("<", length, I64(_FORESEEN)), length, I64(_FORESEEN))
    starts = [b.mul(b.mul(row, d), I64(size)) for row in rows]
    with f.loop(0, length, 64, "prefetch") as line:
        for start in starts:
            at = f.at(f.pointer("y"), b.add(start, line), I8)
            f.intrinsic("llvm.prefetch.p0", ir.VoidType(), at, I32(0), I32(3), I32(1))


def _lanes_from(f: Function, first: Value, count: Value) -> list[Value]:
    """Eight numbers from ``first``; past the end, the last again."""
    b = f.b
    at = [b.add(first, I64(lane)) for lane in range(LANES)]
    return [b.select(b.icmp_signed("<", i, count), i, b.sub(count, I64(1))) for i in at]


def _compared(
    f: Function, formula: Formula, value: Expr, types: tuple[str, str], x_rows: Value | list[Value], y_rows: list[Value]
) -> tuple[Value, Value]:
    """(key, value) of eight pairs; ``x_rows`` is one row for all of them, or eight."""
    b, d, typ = f.b, f.field("d"), vector(F64, LANES)
    sides = (("x", X, x_rows, types[0]), ("y", Y, y_rows, types[1]))
    env: dict[Expr, Any] = {DIM: f.splat(b.sitofp(d, F64), LANES)}
    for s in stat_fields((formula.last, value, *formula.terms)):
        rows = x_rows if s.endswith("x") else y_rows
        load = [f.load(f.pointer(s), i, F64) for i in (rows if isinstance(rows, list) else [rows])]
        env[stat(s)] = gather_lanes(f, load) if isinstance(rows, list) else f.splat(load[0], LANES)
    slots = [f.variable(constant(typ, _START[formula.combine])) for _ in formula.terms]
    starts = {side: [b.mul(i, d) for i in (r if isinstance(r, list) else [r])] for side, _, r, _ in sides}

    def step(here: dict[Expr, Any]) -> None:
        for slot, term in zip(slots, formula.terms, strict=True):
            f.put(combine_step(f, formula.combine, f.get(slot, typ), term, env | here, typ, False, True), slot)

    whole: Value = I64(0)
    if not _is_long(formula):
        whole = b.and_(d, I64(-LANES))
        with f.loop(0, whole, LANES, "eight") as t:
            columns = {leaf: _eight_columns(f, side, starts[side], t, dtype) for side, leaf, _, dtype in sides}
            for c in range(LANES):
                step({leaf: column[c] for leaf, column in columns.items()})
    with f.loop(whole, d, name="t") as t:
        here = {}
        for side, leaf, rows, dtype in sides:
            raw = [f.load(f.pointer(side), b.add(s, t), RAW[dtype]) for s in starts[side]]
            here[leaf] = widened(f, gather_lanes(f, raw) if isinstance(rows, list) else f.splat(raw[0], LANES), dtype)
        step(here)
    for i, slot in enumerate(slots):
        env[Expr("acc", value=i)] = f.get(slot, typ)
    return lower(f, formula.last, env, typ), lower(f, value, env, typ)


def _is_long(formula: Formula) -> bool:
    """Whether a term is so much code that eight copies of it would take long to compile."""
    operations = [e.op for term in formula.terms for e in term.walk()]
    return any(op in functions.TABLE or op == "pow" for op in operations) or len(operations) > 24


def _eight_columns(f: Function, side: str, starts: list[Value], t: Value, dtype: str) -> list[Value]:
    """Coordinates t to t + 7: each of them of eight rows, or of one row for all lanes; in float64."""
    raw = vector(RAW[dtype], LANES)
    rows = [f.load(f.pointer(side), f.b.add(s, t), raw) for s in starts]
    if len(rows) == 1:
        wide = widened(f, rows[0], dtype)
        mask = [ir.Constant(vector(I32, LANES), [c] * LANES) for c in range(LANES)]
        return [f.b.shuffle_vector(wide, wide, m) for m in mask]
    return [widened(f, column, dtype) for column in _transposed(f, rows)]


def _transposed(f: Function, rows: list[Value]) -> list[Value]:
    """Eight rows of eight -> eight columns, in three steps: neighbours, pairs, halves."""

    def pick(low: Value, high: Value, *mask: int) -> Value:
        return f.b.shuffle_vector(low, high, ir.Constant(vector(I32, LANES), list(mask)))

    ones = [
        pick(rows[i], rows[i + 1], *mask)
        for i in range(0, 8, 2)
        for mask in ((0, 8, 1, 9, 4, 12, 5, 13), (2, 10, 3, 11, 6, 14, 7, 15))
    ]
    twos = [
        pick(ones[i], ones[i + 2], *mask)
        for i in (0, 1, 4, 5)
        for mask in ((0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15))
    ]
    return [
        pick(twos[i], twos[i + 4], *mask)
        for mask in ((0, 1, 2, 3, 8, 9, 10, 11), (4, 5, 6, 7, 12, 13, 14, 15))
        for i in range(4)
    ]
