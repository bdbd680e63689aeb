"""Screening codes: 8-bit rows, their comparison in integer registers, and what is done with those that pass.

Panels and tiles are those of the float kernels, with ``group`` bytes of a row at a time: one load brings ``group``
coordinates of a register's worth of items, one broadcast the same of a query.

    kind   group  one step                                   accumulator
    dot        4  acc += u8 item . s8 query    (vpdpbusd)    int32
    sum        8  acc += |u8 item - u8 query|  (vpsadbw)     int64
    max        1  acc = max(acc, |item - query|)             uint8

:func:`scan_kernel` walks the panels; pairs that may still win go to a list, which :func:`_refine` takes through finer
levels, each with more of the row and a tighter bound, to the float32 scores (or exact integers) that fill the heaps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import F32, F64, I8, I16, I32, I64, PTR, Function, Value, constant, vector
from likewise.backends.llvm.kernels.rows import load_row_element
from likewise.backends.llvm.kernels.search import FILTER_FIELDS, _admitted, _each_bit, _offer
from likewise.backends.llvm.kernels.select import LIST_FIELDS, Lists, tighten_function
from likewise.backends.llvm.kernels.tile import Formula, Tile, combine_step, stat_fields
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
        x = _load_elements(f, f.pointer("rows"), f.b.add(self.start, t), self.dtype, count)
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
            return _larger(f, old, new) if key == "max" else b.fadd(old, new)

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
            code = _larger(f, _smaller(f, code, self.wide(high, count)), self.wide(low, count))
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


def _larger(f: Function, a: Value, c: Value) -> Value:
    return f.b.select(f.b.fcmp_ordered(">", a, c), a, c)


def _smaller(f: Function, a: Value, c: Value) -> Value:
    return f.b.select(f.b.fcmp_ordered("<", a, c), a, c)


def _load_elements(f: Function, p: Value, i: Value, dtype: str, count: int) -> Value:
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


def _step(f: Function, tile: CodeTile, acc: Value, item: Value, query: Value) -> Value:
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
    return _dot_step(f, target, acc, item, x)


def _dot_step(f: Function, target: Target, acc: Value, item: Value, x: Value) -> Value:
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


def _integer_tile(f: Function, tile: CodeTile, queries: Value, panel: Value, init: Value) -> list[list[Value]]:
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
                    f.put(_step(f, tile, f.get(slots[r][v], typ), item, query), slots[r][v])
    return [[f.get(slot, typ) for slot in row] for row in slots]


# ------------------------------------------------------------------------------------------------- the scan


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
    rising: bool = False  # partial sums of the formula never fall: a score may be left off in the middle

    @property
    def text(self) -> str:
        t = self.tile
        return f"{t.kind} {t.rows}x{t.vectors} {self.scaled} {self.tailed} {self.levels} {self.mode} {self.rising}"


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


def _entry(
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
    f, lists = _entry(module, name, scan)
    b, tile = f.b, scan.tile
    n = f.field("n")
    at = f.variable(f.field("first"))
    if scan.mode == "seed":
        _limits(f, scan)
        with f.loop(f.field("first"), f.field("last"), name="panel") as p:
            _scan_panel(
                f, scan, p, lambda row, item, lane, key, acc: _seed(f, scan, lists, row, b.add(item, lane), key)
            )
        _tighten_all(f, lists)
        f.ret(f.field("last"))
        return
    most = b.mul(n, I64(tile.width))
    count_at = f.variable(I64(0))
    _limits(f, scan)

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

        started = _ticks(f, tile.target)
        with f.loop_while(room, "panel"):
            p = f.get(at, I64)
            _scan_panel(f, scan, p, append, count_at)
            f.put(b.add(p, I64(1)), at)
        scanned = _ticks(f, tile.target)
        _count(f, SCAN_TICKS, b.sub(scanned, started))
        total = f.get(count_at, I64)
        _refine(f, scan, lists, total)
        _limits(f, scan)
        _count(f, REFINE_TICKS, b.sub(_ticks(f, tile.target), scanned))
    f.ret(f.get(at, I64))


def refine_kernel(module: ir.Module, name: str, scan: Scan) -> None:
    """The refining half alone, over a list of ``hits`` entries that the caller made."""
    f, lists = _entry(module, name, scan)
    _refine(f, scan, lists, f.field("first"))
    _tighten_all(f, lists)
    f.ret()


def _tighten_all(f: Function, lists: Lists | None) -> None:
    """The lists of the first ``finish`` queries tightened, when all is in them."""
    assert lists is not None
    with f.loop(0, f.field("finish"), name="finish") as row:
        lists.tighten(row)


#: What ``tally`` counts: pairs listed, pairs scored, and the clock's ticks in the scan and in what follows it.
LISTED, SCORED, SCAN_TICKS, REFINE_TICKS = range(4)


def _count(f: Function, which: int, more: Value) -> None:
    """Add to one of the tally's counters."""
    tally = f.pointer("tally")
    f.store(f.b.add(f.load(tally, which, I64), more), tally, I64(which))


def _ticks(f: Function, target: Target) -> Value:
    """The processor's clock, in steps of its own."""
    name = "llvm.readsteadycounter" if target.triple.startswith(("aarch64", "arm64")) else "llvm.readcyclecounter"
    return f.intrinsic(name, I64)


def _limits(f: Function, scan: Scan) -> None:
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


def _score(f: Function, scan: Scan, acc: Value, row: Value, item: Value) -> Value:
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
    score = _fma(f, score, of_row("a_x"), bias)
    return _fma(f, f.load(f.pointer("t_y"), item, typ), of_row("t_x"), score) if scan.tailed else score


def _fma(f: Function, a: Value, c: Value, d: Value) -> Value:
    return f.fma(a, c, d)


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
        done = _integer_tile(f, tile, queries, panel, init)
        if scan.mode != "seed" and compresses(tile):
            _append_tile(f, scan, done, first, item, count_at)
        else:
            _walk_tile(f, scan, done, first, item, buffer, keys, take)


def compresses(tile: CodeTile) -> bool:
    """Whether hits go to the list by AVX-512's compress: 4 of 12 rows of a tile have one, which no branch predicts."""
    return tile.target.name == "avx512" and tile.lanes == 16


def _append_tile(f: Function, scan: Scan, done: list[list[Value]], first: Value, item: Value, count_at: Value) -> None:
    """The pairs of a tile that may win, to the end of the list: no branch but the one around it all."""
    b, tile = f.b, scan.tile
    typ = tile.vec
    masks: list[list[Value]] = []
    some: Value = None
    for r, row in enumerate(done):
        at = b.add(first, I64(r))
        limit = f.load(f.pointer("limit"), at, F32)
        masks.append([_passes(f, scan, acc, at, b.add(item, I64(v * tile.lanes)), limit) for v, acc in enumerate(row)])
        for mask in masks[-1]:
            some = mask if some is None else b.or_(some, mask)
    hit = b.icmp_unsigned("!=", f.any_lane(some), ir.IntType(tile.lanes)(0))
    with f.when(hit, likely=False):
        numbers = ir.Constant(typ, list(range(tile.lanes)))
        end = f.splat(b.trunc(f.field("m"), I32), tile.lanes)
        items = [
            b.add(numbers, f.splat(b.trunc(b.add(item, I64(v * tile.lanes)), I32), tile.lanes))
            for v in range(tile.vectors)
        ]
        inside = [b.icmp_signed("<", index, end) for index in items]
        for r, row in enumerate(done):
            at = b.add(first, I64(r))
            real = f.splat(b.icmp_signed("<", at, f.field("n")), tile.lanes)
            which = f.splat(b.trunc(at, I32), tile.lanes)
            for v, acc in enumerate(row):
                mask = b.and_(b.and_(masks[r][v], inside[v]), real)
                count = f.get(count_at, I64)
                name = f"llvm.x86.avx512.mask.compress.v{tile.lanes}i32"
                f.store(which, f.pointer("list_row"), count)
                f.store(f.intrinsic(name, typ, items[v], constant(typ, 0), mask), f.pointer("list_item"), count)
                f.store(f.intrinsic(name, typ, acc, constant(typ, 0), mask), f.pointer("list_number"), count)
                bits = f.intrinsic("llvm.ctpop.i16", I16, f.any_lane(mask))
                f.put(b.add(count, b.zext(bits, I64)), count_at)


def _append_row(f: Function, scan: Scan, acc: Value, row: Value, item: Value, count_at: Value) -> None:
    """Of one register of sums, the items that may win, to the end of the list: one bit after another."""
    b, tile = f.b, scan.tile
    bits = f.any_lane(_passes(f, scan, acc, row, item, f.load(f.pointer("limit"), row, F32)))
    slot = f.slot(tile.vec, 1, align=64)
    some = b.icmp_unsigned("!=", bits, bits.type(0))
    with f.when(some, likely=False):
        f.store(acc, slot, I64(0))
        with _each_bit(f, b.zext(bits, I64)) as lane:
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
        with _each_bit(f, rows) as r:
            at = b.add(first, r)
            limit = f.load(f.pointer("limit"), at, F32)
            for v in range(tile.vectors):
                place = b.add(b.mul(r, I64(tile.width)), I64(v * tile.lanes))
                acc = f.load(buffer, place, tile.vec)
                start = b.add(item, I64(v * tile.lanes))
                bits = f.any_lane(_passes(f, scan, acc, at, start, limit))
                bits = bits if bits.type == I64 else b.zext(bits, I64)
                if scan.mode == "seed":
                    f.store(b.fneg(_score(f, scan, acc, at, start)), keys, I64(0))
                with _each_bit(f, bits) as lane:
                    key = f.load(keys, lane, F32) if scan.mode == "seed" else None
                    one = f.load(buffer, b.add(place, lane), tile.elem)
                    one = one if one.type == I32 else b.trunc(one, I32) if one.type == I64 else b.zext(one, I32)
                    take(at, start, lane, key, one)


def _passes(f: Function, scan: Scan, acc: Value, row: Value, item: Value, limit: Value) -> Value:
    """Lanes that may win. Bytes are compared as bytes, others by their float32 score; NaN proves nothing."""
    b, tile = f.b, scan.tile
    if tile.kind != "max":
        score = _score(f, scan, acc, row, item)
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
        _offer(f, _pair_tile(scan), slot, row, index, I64(1), lists)
    # the limit follows the seeds' own threshold
    threshold = f.load(f.pointer("threshold"), row, F32)
    f.store(f.b.fneg(threshold), f.pointer("limit"), row)


# ----------------------------------------------------------------------------------------------- refinement


def _refine(f: Function, scan: Scan, lists: Lists | None, count: Value) -> None:
    """The listed pairs through one level after the other, what passes closing up; the last scores and offers them.

    Level by level rather than pair by pair, so that each loop can ask for the rows it needs some pairs ahead: they lie
    scattered, and waiting for them took half the time. An entry is (row, item, number): the scan's integer at first,
    the bits of the score's product afterwards.
    """
    b = f.b
    _count(f, LISTED, count)
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
            _prefetch(f, f.at(rows, b.mul(coming, size), I8), size, lines)
        yield row, item, number, i


@contextmanager
def _if_admitted(f: Function, row: Value, item: Value, known: bool) -> Iterator[None]:
    """Only pairs that the filter lets through; ``known``: an earlier level has seen to that."""
    if known:
        yield
        return
    with f.when(_admitted(f, row, item)):
        yield


def _prefetch(f: Function, line: Value, size: Value, lines: int) -> None:
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
    """As :func:`_step`, with a register of one row against a register of another."""
    b = f.b
    if target.dot8 == "vnni":
        y = b.xor(y, constant(y.type, 128))
    elif target.dot8 == "maddubs":
        y = b.add(y, constant(y.type, 64))
    return _dot_step(f, target, acc, b.bitcast(y, acc.type), b.bitcast(x, acc.type))


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
    return _larger(f, a, c) if combine == "max" else _smaller(f, a, c)


def _accept(f: Function, scan: Scan, lists: Lists | None, row: Value, item: Value, key: Value) -> None:
    """A score at most the threshold: into the heap, or onto the list of hits."""
    b = f.b
    _count(f, SCORED, I64(1))
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
            _offer(f, _pair_tile(scan), slot, row, item, I64(1), lists)


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
            f.put(_step(f, tile, acc, item, query), slot)
    for i, slot in enumerate(slots):
        f.store(f.get(slot, tile.vec), f.pointer("out"), I64(i * tile.lanes))
    f.ret()
