"""Screening codes: 8-bit rows, and their comparison in integer registers.

Panels and tiles are those of the float kernels, with ``group`` bytes of a row at a time: one load brings ``group``
coordinates of a register's worth of items, one broadcast the same of a query.

    kind   group  one step                                   accumulator
    dot        4  acc += u8 item . s8 query    (vpdpbusd)    int32
    sum        8  acc += |u8 item - u8 query|  (vpsadbw)     int64
    max        1  acc = max(acc, |item - query|)             uint8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import F32, F64, I8, I16, I32, I64, Function, Value, constant, vector
from likewise.backends.llvm.kernels.rows import load_row_element
from likewise.backends.llvm.kernels.tile import stat_fields
from likewise.backends.llvm.lower import lower
from likewise.backends.llvm.target import Target
from likewise.formula.expr import DIM, Expr, X, Y, stat

#: Bytes of a coded row are a multiple of this: whole cache lines, whole registers.
ALIGN = 64


@dataclass(frozen=True)
class CodeTile:
    """The shape of an integer micro-kernel: R queries by V registers of items."""

    kind: str  # "dot", "sum" or "max"
    rows: int
    vectors: int
    target: Target

    @property
    def group(self) -> int:
        """Bytes of a row that one step takes."""
        return {"dot": 4, "sum": 8, "max": 1}[self.kind]

    @property
    def lanes(self) -> int:
        """Items of a register."""
        return 4 * self.target.lanes // self.group

    @property
    def width(self) -> int:
        """Items of a panel."""
        return self.vectors * self.lanes

    @property
    def elem(self) -> Any:
        """The accumulator's integer."""
        return {"dot": I32, "sum": I64, "max": I8}[self.kind]

    @property
    def vec(self) -> Any:
        return vector(self.elem, self.lanes)

    @property
    def offset(self) -> int:
        """What is added to the items' codes, as vpdpbusd and vpmaddubsw want one unsigned side."""
        return {"vnni": 128, "maddubs": 64}.get(self.target.dot8, 0) if self.kind == "dot" else 0


def code_tile(target: Target, kind: str, queries: int | None = None) -> CodeTile:
    """The measured best shape: 12 x 2 registers (460 of 480 G pair-dimensions/s for dot, 387 for sum, on Zen 5)."""
    few = queries is not None and queries <= 4
    rows = {True: max(queries or 1, 1), False: target.rows}[few]
    return CodeTile(kind, rows, 1 if kind == "max" else 2, target)


def largest_code(target: Target, kind: str) -> int:
    """Codes of items lie in -c .. c: 7 bits where the instruction would saturate on 8."""
    return 63 if kind == "dot" and target.dot8 == "maddubs" else 127


# --------------------------------------------------------------------------------------------------- coding

ENCODE_OUT = ("scale", "squares", "inner", "total", "err2", "err1", "errinf")


def encode_fields(u: Expr, scale: Expr | None) -> tuple[str, ...]:
    names = stat_fields((u, *([scale] if scale else [])))
    return ("rows", "n", "d", "stride", "mean", "weight", "fixed", "low", "high", "codes", *ENCODE_OUT, *names)


def encode_kernel(module: ir.Module, name: str, dtype: str, u: Expr, scale: Expr | None, *, coded: bool) -> None:
    """Rows -> 8-bit codes and how far they are off, in float64.

    z = u(row) / scale - mean;  code = round(z weight / s), kept within low .. high;  s = max |z weight| / high, or
    ``fixed`` where that is not 0. Out come s, sum z^2, sum z mean, sum of the codes, and the 2-, 1- and max-norm of
    z - s code / weight. Sums run in any order: they only enter bounds, which allow for it. Without ``coded``, only
    sum z^2 and sum z mean.
    """
    f = Function(module, name, encode_fields(u, scale))
    with f.loop(0, f.field("n"), name="row") as row:
        coder = _RowCoder(f, row, dtype, u, scale)
        largest, squares, inner = coder.reduce(coder.measures, ("max", "squares", "inner"))
        f.store(squares, f.pointer("squares"), row)
        f.store(inner, f.pointer("inner"), row)
        if coded:
            coder.code(largest)
    f.ret()


class _RowCoder:
    """One row, eight coordinates at a time and the rest one by one."""

    LANES = 8

    def __init__(self, f: Function, row: Value, dtype: str, u: Expr, scale: Expr | None) -> None:
        self.f, self.row, self.dtype, self.u = f, row, dtype, u
        self.start = f.b.mul(row, f.field("d"))
        self.stats: dict[Expr, Value] = {
            stat(s): f.load(f.pointer(s), row, F64) for s in stat_fields((u, *([scale] if scale else [])))
        }
        self.stats[DIM] = f.b.sitofp(f.field("d"), F64)
        one = constant(F64, 1.0)
        self.factor = None if scale is None else f.b.fdiv(one, lower(f, scale, self.stats, F64))

    @staticmethod
    def type(count: int, elem: Any = F64) -> Any:
        """A register of ``count``, or a plain number."""
        return vector(elem, count) if count > 1 else elem

    def wide(self, v: Value, count: int) -> Value:
        """The same number ``count`` times."""
        return self.f.splat(v, count) if count > 1 else v

    def z(self, t: Value, count: int) -> Value:
        """Coordinates t .. t + count, scaled and centred."""
        f, typ = self.f, self.type(count)
        x = load_elements(f, f.pointer("rows"), f.b.add(self.start, t), self.dtype, count)
        env: dict[Expr, Value] = {key: self.wide(v, count) for key, v in self.stats.items()}
        z = lower(f, self.u, {**env, X: x, Y: x}, typ)
        if self.factor is not None:
            z = f.b.fmul(z, self.wide(self.factor, count))
        return f.b.fsub(z, f.load(f.pointer("mean"), t, typ))

    def reduce(self, step: Any, names: tuple[str, ...]) -> list[Value]:
        """``step`` of every coordinate -> a value a name: the largest for "max", else the sum. None is negative."""
        f, b, lanes = self.f, self.f.b, self.LANES
        d = f.field("d")
        whole = b.mul(b.sdiv(d, I64(lanes)), I64(lanes))
        wide = [f.variable(constant(self.type(lanes), 0.0)) for _ in names]
        thin = [f.variable(constant(F64, 0.0)) for _ in names]

        def join(key: str, old: Value, new: Value) -> Value:
            return larger(f, old, new) if key == "max" else b.fadd(old, new)

        for slots, count, begin, end in ((wide, lanes, I64(0), whole), (thin, 1, whole, d)):
            with f.loop(begin, end, count, "t") as t:
                for slot, made, key in zip(slots, step(t, count), names, strict=True):
                    f.put(join(key, f.get(slot, self.type(count)), made), slot)
        totals = []
        for w, s, key in zip(wide, thin, names, strict=True):
            total, register = f.get(s, F64), f.get(w, self.type(lanes))
            for lane in range(lanes):
                total = join(key, total, b.extract_element(register, I32(lane)))
            totals.append(total)
        return totals

    def measures(self, t: Value, count: int) -> list[Value]:
        """Sizes: |z weight|, z^2, z mean."""
        f, typ = self.f, self.type(count)
        z, weight = self.z(t, count), f.load(f.pointer("weight"), t, typ)
        mean = f.load(f.pointer("mean"), t, typ)
        return [functions.unary(f, "fabs", f.b.fmul(z, weight)), f.b.fmul(z, z), f.b.fmul(z, mean)]

    def code(self, largest: Value) -> None:
        """Scale, codes, and what they leave out."""
        f, b = self.f, self.f.b
        high, low, fixed = (f.number(name, F64) for name in ("high", "low", "fixed"))
        own = b.fdiv(largest, high)
        # float32 would hold a smaller scale to a few digits or none: all codes are 0, which leaves out the row
        tiny = b.fcmp_unordered("<", own, constant(F64, 2.0**-110))
        s = b.select(tiny, constant(F64, 1.0), own)
        s = b.select(b.fcmp_ordered("!=", fixed, constant(F64, 0.0)), fixed, s)
        inverse = b.fdiv(constant(F64, 1.0), s)
        out = f.at(f.pointer("codes"), b.mul(self.row, f.field("stride")), I8)

        def step(t: Value, count: int) -> list[Value]:
            typ = self.type(count)
            z, weight = self.z(t, count), f.load(f.pointer("weight"), t, typ)
            code = functions.unary(f, "rint", b.fmul(b.fmul(z, weight), self.wide(inverse, count)))
            code = larger(f, smaller(f, code, self.wide(high, count)), self.wide(low, count))
            f.store(b.trunc(b.fptosi(code, self.type(count, I32)), self.type(count, I8)), out, t)
            off = b.fsub(z, b.fdiv(b.fmul(code, self.wide(s, count)), weight))
            size = functions.unary(f, "fabs", off)
            return [code, b.fmul(off, off), size, size]

        results = self.reduce(step, ("total", "err2", "err1", "max"))
        with f.loop(f.field("d"), f.field("stride"), name="pad") as t:
            f.store(I8(0), out, t)
        f.store(s, f.pointer("scale"), self.row)
        for key, result in zip(("total", "err2", "err1", "errinf"), results, strict=True):
            f.store(result, f.pointer(key), self.row)


def larger(f: Function, a: Value, c: Value) -> Value:
    return f.b.select(f.b.fcmp_ordered(">", a, c), a, c)


def smaller(f: Function, a: Value, c: Value) -> Value:
    return f.b.select(f.b.fcmp_ordered("<", a, c), a, c)


def load_elements(f: Function, p: Value, i: Value, dtype: str, count: int) -> Value:
    """Elements i .. i + count of an array of ``dtype`` as float64."""
    b = f.b
    if count == 1:
        return load_row_element(f, p, i, dtype)
    wide = vector(F64, count)
    match dtype:
        case "float64":
            return f.load(p, i, wide)
        case "float32":
            return b.fpext(f.load(p, i, vector(F32, count)), wide)
        case "int8":
            return b.sitofp(f.load(p, i, vector(I8, count)), wide)
        case "uint8":
            return b.uitofp(f.load(p, i, vector(I8, count)), wide)
    values = [load_row_element(f, p, b.add(i, I64(lane)), dtype) for lane in range(count)]
    made = ir.Constant(wide, ir.Undefined)
    for lane, value in enumerate(values):
        made = b.insert_element(made, value, I32(lane))
    return made


PANEL_FIELDS = ("codes", "stride", "start", "stop", "rows", "n", "lanes", "first", "last", "out")


def panel_kernel(module: ir.Module, name: str, group: int, offset: int) -> None:
    """Coded rows -> panels first..last of ``lanes`` rows: bytes start..stop of each, ``offset`` added.

    ``rows`` lists which rows (0: all, in order); those past n are zeros. Only whole groups are read: a row's bytes go
    on to a multiple of 64 with zeros.
    """
    f = Function(module, name, PANEL_FIELDS)
    b = f.b
    word = ir.IntType(8 * group)
    lanes, start = f.field("lanes"), f.field("start")
    steps = b.sdiv(b.add(b.sub(f.field("stop"), start), I64(group - 1)), I64(group))
    # c + 128 turns the sign bit; c + 64 takes 64 from that, which no byte has to borrow for
    turn = constant(word, int.from_bytes(bytes([128 if offset else 0]) * group, "little"))
    less = constant(word, int.from_bytes(bytes([(128 - offset) if offset else 0]) * group, "little"))
    listed = b.icmp_signed("!=", f.field("rows"), I64(0))
    with f.loop(f.field("first"), f.field("last"), name="panel") as panel:
        to = f.at(f.pointer("out"), b.mul(b.mul(b.sub(panel, f.field("first")), steps), lanes), word)
        with f.loop(0, lanes, name="lane") as lane:
            at = b.add(b.mul(panel, lanes), lane)
            real = b.icmp_signed("<", at, f.field("n"))
            row = f.variable(b.select(real, at, I64(0)))
            with f.when(b.and_(real, listed)):
                f.put(f.load(f.pointer("rows"), at, I64), row)
            source = f.at(f.pointer("codes"), b.add(b.mul(f.get(row, I64), f.field("stride")), start), I8)
            with f.loop(0, steps, name="t") as t:
                value = b.sub(b.xor(f.load(source, t, word), turn), less)
                f.store(b.select(real, value, constant(word, 0)), to, b.add(b.mul(t, lanes), lane))
    f.ret()


# ------------------------------------------------------------------------------------------- the integer tile


def integer_step(f: Function, tile: CodeTile, acc: Value, item: Value, query: Value) -> Value:
    """One group of coordinates into an accumulator register; ``item`` raw, ``query`` one group, not yet broadcast."""
    b, target = f.b, tile.target
    octets = vector(I8, 4 * target.lanes)
    if tile.kind == "max":
        x = f.splat(query, tile.lanes)
        away = b.or_(
            f.intrinsic(f"llvm.usub.sat.v{tile.lanes}i8", octets, x, item),
            f.intrinsic(f"llvm.usub.sat.v{tile.lanes}i8", octets, item, x),
        )
        return f.intrinsic(f"llvm.umax.v{tile.lanes}i8", octets, acc, away)
    x = f.splat(query, tile.lanes)
    if tile.kind == "sum":
        name = {16: "llvm.x86.avx512.psad.bw.512", 8: "llvm.x86.avx2.psad.bw"}.get(target.lanes)
        if name and target.name in ("avx512", "avx2"):
            return b.add(acc, f.intrinsic(name, tile.vec, b.bitcast(item, octets), b.bitcast(x, octets)))
        for byte in range(8):
            shift = constant(tile.vec, 8 * byte)
            low = constant(tile.vec, 255)
            p, q = b.and_(b.lshr(item, shift), low), b.and_(b.lshr(x, shift), low)
            more = b.icmp_unsigned(">", p, q)
            acc = b.add(acc, b.select(more, b.sub(p, q), b.sub(q, p)))
        return acc
    return dot_step(f, target, acc, item, x)


def dot_step(f: Function, target: Target, acc: Value, item: Value, x: Value) -> Value:
    """acc + the dot product of four bytes in each 32-bit lane."""
    b, lanes = f.b, acc.type.count
    octets = vector(I8, 4 * lanes)
    if target.dot8 == "vnni":
        name = f"llvm.x86.avx512.vpdpbusd.{32 * lanes}"
        return f.intrinsic(name, acc.type, acc, b.bitcast(item, octets), b.bitcast(x, octets))
    if target.dot8 == "maddubs":
        pairs = vector(I16, 2 * lanes)
        ones = constant(pairs, 1)
        first, second = ("avx512.pmaddubs.w.512", "avx512.pmaddw.d.512") if lanes == 16 else (
            "avx2.pmadd.ub.sw", "avx2.pmadd.wd")  # fmt: skip
        words = f.intrinsic(f"llvm.x86.{first}", pairs, b.bitcast(item, octets), b.bitcast(x, octets))
        return b.add(acc, f.intrinsic(f"llvm.x86.{second}", acc.type, words, ones))
    if target.dot8 == "sdot":
        name = f"llvm.aarch64.neon.sdot.v{lanes}i32.v{4 * lanes}i8"
        return f.intrinsic(name, acc.type, acc, b.bitcast(item, octets), b.bitcast(x, octets))
    for byte in range(4):
        up, down = constant(acc.type, 24 - 8 * byte), constant(acc.type, 24)
        p, q = b.ashr(b.shl(item, up), down), b.ashr(b.shl(x, up), down)
        acc = b.add(acc, b.mul(p, q))
    return acc


def integer_tile(f: Function, tile: CodeTile, queries: Value, panel: Value, init: Value) -> list[list[Value]]:
    """Accumulators [row][vector] of a panel against a tile.

    Coordinates come in ``blocks``: stretches with a power of two between their scales, the largest first (Horner's
    rule): the sums so far are shifted, ``init`` (what unsigned items add too much) comes in, and the sum goes on.
    """
    b, typ = f.b, tile.vec
    slots = [[f.variable(constant(typ, 0)) for _ in range(tile.vectors)] for _ in range(tile.rows)]
    word = ir.IntType(8 * tile.group)
    raw = typ if tile.kind != "max" else vector(I8, tile.lanes)
    with f.loop(0, f.field("blocks"), name="block") as block:
        begin = f.load(f.pointer("ends"), block, I64)
        end = f.load(f.pointer("ends"), b.add(block, I64(1)), I64)
        if tile.kind == "dot":
            shift = f.splat(f.load(f.pointer("shifts"), block, I32), tile.lanes)
            for r, row in enumerate(slots):
                at = b.add(b.mul(block, I64(tile.rows)), I64(r))
                add = f.splat(f.load(init, at, I32), tile.lanes)
                for slot in row:
                    f.put(b.add(b.shl(f.get(slot, typ), shift), add), slot)
        with f.loop(begin, end, name="t") as t:
            at = b.mul(t, I64(tile.width))
            items = [f.load(panel, b.add(at, I64(v * tile.lanes)), raw) for v in range(tile.vectors)]
            for r in range(tile.rows):
                query = f.load(queries, b.add(b.mul(t, I64(tile.rows)), I64(r)), word)
                for v, item in enumerate(items):
                    f.put(integer_step(f, tile, f.get(slots[r][v], typ), item, query), slots[r][v])
    return [[f.get(slot, typ) for slot in row] for row in slots]


INTEGER_PEAK_FIELDS = ("count", "seed", "out")


def integer_peak_kernel(module: ir.Module, name: str, tile: CodeTile) -> None:
    """The integer micro-kernel's own instructions on registers alone: the rate that they allow on this core."""
    f = Function(module, name, INTEGER_PEAK_FIELDS)
    word = ir.IntType(8 * tile.group)
    items = [f.load(f.pointer("seed"), I64(v * tile.lanes), tile.vec) for v in range(tile.vectors)]
    query = f.load(f.pointer("seed"), 0, word)
    slots = [f.variable(constant(tile.vec, r)) for r in range(tile.rows * tile.vectors)]
    with f.loop(0, f.field("count"), name="t") as t:
        turn = f.b.mul(f.b.and_(t, I64(7)), I64(tile.lanes))
        for i, slot in enumerate(slots):
            acc, item = f.get(slot, tile.vec), items[i % tile.vectors]
            if tile.kind != "dot":  # the differences must not leave the loop, nor one stand for all
                item = f.load(f.pointer("seed"), f.b.add(turn, I64(i * tile.lanes)), tile.vec)
            f.put(integer_step(f, tile, acc, item, query), slot)
    for i, slot in enumerate(slots):
        f.store(f.get(slot, tile.vec), f.pointer("out"), I64(i * tile.lanes))
    f.ret()
