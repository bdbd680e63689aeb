"""Row kernels: measuring rows on their way in, and packing them into panels and tiles."""

from __future__ import annotations

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
    vector,
)
from likewise.backends.llvm.kernels.tile import INF, stat_fields
from likewise.backends.llvm.lower import extreme, lower
from likewise.formula.expr import DIM, Expr, X, Y, stat

#: How the elements of rows lie in memory.
RAW = {"float64": F64, "float32": F32, "bfloat16": I16, "float16": I16, "int8": I8, "uint8": I8, "bool": I8}


def load_row_element(f: Function, p: Value, i: Value, dtype: str) -> Value:
    """Element i of an array of ``dtype`` as float64, exactly."""
    return widened(f, f.load(p, i, RAW[dtype]), dtype)


def widened(f: Function, raw: Value, dtype: str) -> Value:
    """An element of ``dtype``, or a vector of them, as float64, exactly."""
    b = f.b

    def like(elem: Any) -> Any:
        return vector(elem, raw.type.count) if isinstance(raw.type, ir.VectorType) else elem

    f64, f32, i32 = like(F64), like(F32), like(I32)
    match dtype:
        case "float64":
            return raw
        case "float32":
            return b.fpext(raw, f64)
        case "bfloat16":
            wide = b.shl(b.zext(raw, i32), constant(i32, 16))
            return b.fpext(b.bitcast(wide, f32), f64)
        case "float16":
            # exponent and mantissa moved into a float32's place, then the bias by one exact product: also subnormals
            bits = b.zext(raw, i32)
            size = b.shl(b.and_(bits, constant(i32, 0x7FFF)), constant(i32, 13))
            magnitude = b.fmul(b.bitcast(size, f32), constant(f32, 2.0**112))
            sign = b.shl(b.and_(bits, constant(i32, 0x8000)), constant(i32, 16))
            signed = b.or_(b.bitcast(magnitude, i32), sign)
            special = b.icmp_unsigned(">=", size, constant(i32, 0x7C00 << 13))  # infinities and NaN keep their pattern
            pattern = b.or_(b.or_(size, constant(i32, 0x7F800000)), sign)
            return b.fpext(b.bitcast(b.select(special, pattern, signed), f32), f64)
        case "int8":
            return b.sitofp(raw, f64)
        case "uint8":
            return b.uitofp(raw, f64)
        case "bool":
            set_bytes = b.icmp_unsigned("!=", raw, constant(raw.type, 0))
            return b.uitofp(b.zext(set_bytes, raw.type), f64)
    raise ValueError(dtype)


def gather_lanes(f: Function, values: list[Value]) -> Value:
    """Scalars -> a vector."""
    made = ir.Constant(vector(values[0].type, len(values)), ir.Undefined)
    for i, value in enumerate(values):
        made = f.b.insert_element(made, value, I32(i))
    return made


SUM_FIELDS = ("rows", "d", "listed", "weights", "count", "sums")


def sum_kernel(module: ir.Module, name: str, dtype: str) -> None:
    """sums[t] += weights[i] * rows[i, t] for each listed row i, one after the other: the order is that of the list."""
    f = Function(module, name, SUM_FIELDS)
    b, lanes, d = f.b, 8, f.field("d")
    wide = vector(F64, lanes)
    whole = b.and_(d, I64(-lanes))
    with f.loop(0, f.field("count"), name="row") as i:
        row = f.load(f.pointer("listed"), i, I64)
        weight = f.load(f.pointer("weights"), row, F64)
        start = b.mul(row, d)
        for first, last, step in ((I64(0), whole, lanes), (whole, d, 1)):
            raw, typ = (vector(RAW[dtype], lanes), wide) if step > 1 else (RAW[dtype], F64)
            factor = f.splat(weight, lanes) if step > 1 else weight
            with f.loop(first, last, step, "t") as t:
                x = widened(f, f.load(f.pointer("rows"), b.add(start, t), raw), dtype)
                f.store(b.fadd(f.load(f.pointer("sums"), t, typ), b.fmul(x, factor)), f.pointer("sums"), t)
    f.ret()


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
        f.put(constant(typ, INF), slots["low"])
        f.put(constant(typ, -INF), slots["high"])
        bad = f.variable(constant(vector(I64, lanes), 0))
        with f.loop(0, d, name="t") as t:
            x = gather_lanes(f, [load_row_element(f, rows, b.add(s, t), dtype) for s in starts])
            size = functions.unary(f, "fabs", x)
            for key, value in (("sum", x), ("squares", b.fmul(x, x)), ("norm1", size)):
                f.put(b.fadd(f.get(slots[key], typ), value), slots[key])
            f.put(b.fadd(f.get(slots["nnz"], typ), b.select(b.fcmp_unordered("!=", x, zero), one, zero)), slots["nnz"])
            for key, op in (("low", "min"), ("high", "max")):
                f.put(extreme(f, op, f.get(slots[key], typ), x, answer=False), slots[key])
            if dtype in ("float64", "float32", "float16", "bfloat16"):
                mask = vector(I64, lanes)
                flags = f.get(bad, mask)
                finite = b.fcmp_ordered("<", size, constant(typ, INF))
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
        mean = gather_lanes(f, [f.load(f.pointer("mean"), i, F64) for i in index])
        total = f.variable(constant(typ, 0.0))
        with f.loop(0, d, name="t") as t:
            x = gather_lanes(f, [load_row_element(f, f.pointer("rows"), b.add(b.mul(i, d), t), dtype) for i in index])
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
                        factor = b.fdiv(constant(F64, 1.0), lower(f, scale, env, F64))
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
