"""Kernels of zeros and ones, 64 coordinates a word: counts of equal or common bits by popcount.

The tile is that of :mod:`.tile`, with words for coordinates. Items lie in panels, word by word:

    for w in range(words):
        items = panel[w]                             # a word of as many items as two registers hold
        for r in range(R):
            sum[r] += popcount(tile[w, r] ^ items)   # or &

Three instructions for 512 pairs of bits: 2.5 Tbit/s of a core on Zen 5, for every shape of tile from 4 x 3 to 24 x 1.
A carry-save adder before the popcount takes as many instructions, and twice the registers: 1.8 Tbit/s at best.

Sums do not start at 0 but at the query's limit, so that the sign of a sum says whether the pair may be among the best:
a tile's sums are or-ed together, and one branch passes by them all. See ``Limits`` in :mod:`likewise.formula.bits`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from likewise.backends.llvm.emit import F32, F64, I8, I16, I64, Function, Value, constant, vector
from likewise.backends.llvm.kernels.rows import gather_lanes
from likewise.backends.llvm.kernels.tile import Formula, Tile, row_count, stat_fields
from likewise.backends.llvm.lower import lower
from likewise.formula.bits import NNZ_X, NNZ_Y, Affine, Limits, limits_of
from likewise.formula.expr import ACC, DIM, Expr, stat

WORD = 64
_MAGIC = 1.5 * 2.0**52  # adding it leaves a number's nearest integer in the low bits
_SLACK = 2.0**-20  # above every rounding error of a limit up to 2^24 coordinates


def words_of(d: int) -> int:
    """64-bit words of a row."""
    return -(-d // WORD)


def counted(formula: Formula) -> str:
    """What the formula counts: bits that differ ("xor") or are both set ("and")."""
    return "xor" if formula.terms[0].op == "ne" else "and"


def _words(f: Function, d: Value) -> Value:
    return f.b.lshr(f.b.add(d, I64(WORD - 1)), I64(6))


def _combined(f: Function, op: str, x: Value, y: Value) -> Value:
    return f.b.xor(x, y) if op == "xor" else f.b.and_(x, y)


def _popcount(f: Function, x: Value) -> Value:
    lanes = f"v{x.type.count}" if isinstance(x.type, ir.VectorType) else ""
    return f.intrinsic(f"llvm.ctpop.{lanes}i64", x.type, x)


# ------------------------------------------------------------------------------------------------ reading rows


def _set_bits(f: Function, p: Value, at: Value, dtype: str, count: int) -> Value:
    """Whether each of ``count`` elements from ``at`` on is other than 0, a bit each."""
    b, elem = f.b, {"float64": F64, "float32": F32, "float16": I16, "bfloat16": I16}.get(dtype, I8)
    values = f.load(p, at, vector(elem, count))
    if elem in (F64, F32):
        set_ = b.fcmp_unordered("!=", values, constant(values.type, 0.0))
    else:
        if elem == I16:  # a negative zero is zero
            values = b.and_(values, constant(values.type, 0x7FFF))
        set_ = b.icmp_unsigned("!=", values, constant(values.type, 0))
    return b.bitcast(set_, ir.IntType(count)) if count > 1 else b.extract_element(set_, ir.IntType(32)(0))


def load_word(f: Function, p: Value, row: Value, w: Value, d: Value, source: str) -> Value:
    """Word ``w`` of a row, bit t % 64 for coordinate t, zeros past d.

    ``source``: an element type; "bits big" or "bits little", bytes as ``np.packbits`` makes them; or "words N", panels
    of N rows.
    """
    b = f.b
    kind, _, more = source.partition(" ")
    if kind == "words":
        width = I64(int(more))
        panel, lane = b.sdiv(row, width), b.srem(row, width)
        line = b.add(b.mul(panel, _words(f, d)), w)
        return f.load(p, b.add(b.mul(line, width), lane), I64)
    packed = kind == "bits"
    length = b.lshr(b.add(d, I64(7)), I64(3)) if packed else d
    per = 8 if packed else WORD  # elements of a word
    start, first = b.mul(row, length), b.mul(w, I64(per))
    made = f.variable(I64(0))
    with b.if_else(b.icmp_signed("<=", b.add(first, I64(per)), length)) as (whole, rest):
        with whole:
            at = b.add(start, first)
            f.put(_whole(f, p, at, source, packed), made)
        with rest, f.loop(0, b.sub(length, first), name="rest") as i:
            at = b.add(start, b.add(first, i))
            if packed:
                value, place = b.zext(f.load(p, at, I8), I64), b.shl(i, I64(3))
            else:
                value, place = b.zext(_set_bits(f, p, at, source, 1), I64), i
            f.put(b.or_(f.get(made, I64), b.shl(value, place)), made)
    word = f.get(made, I64)
    if not packed:
        return word
    if more == "big":  # the first coordinate is a byte's highest bit
        word = f.intrinsic("llvm.bswap.i64", I64, f.intrinsic("llvm.bitreverse.i64", I64, word))
    left = b.sub(d, b.mul(w, I64(WORD)))
    mask = b.lshr(I64(-1), b.sub(I64(WORD), left))
    return b.select(b.icmp_signed("<", left, I64(WORD)), b.and_(word, mask), word)


def _whole(f: Function, p: Value, at: Value, source: str, packed: bool) -> Value:
    if not packed:
        return _set_bits(f, p, at, source, WORD)
    value = f.b.load(f.at(p, at, I8), typ=I64)
    value.align = 1
    return value


PACK_BITS_FIELDS = ("rows", "start", "n", "d", "lanes", "first", "last", "out")


def pack_bits_kernel(module: ir.Module, name: str, source: str) -> None:
    """n rows from ``start`` on -> panels first..last of ``lanes`` rows, word by word; rows past them are zeros."""
    f = Function(module, name, PACK_BITS_FIELDS)
    b, d, lanes = f.b, f.field("d"), f.field("lanes")
    words = _words(f, d)
    with f.loop(f.field("first"), f.field("last"), name="panel") as panel:
        base = b.mul(b.mul(b.sub(panel, f.field("first")), words), lanes)
        with f.loop(0, lanes, name="lane") as lane:
            row = b.add(b.mul(panel, lanes), lane)
            real = b.icmp_signed("<", row, f.field("n"))
            with f.loop(0, words, name="w") as w:
                word = f.variable(I64(0))
                with f.when(real):
                    from_row = b.add(row, f.field("start"))
                    f.put(load_word(f, f.pointer("rows"), from_row, w, d, source), word)
                f.store(f.get(word, I64), f.pointer("out"), b.add(base, b.add(b.mul(w, lanes), lane)))
    f.ret()


COUNT_BITS_FIELDS = ("rows", "first", "last", "d", "nnz")


def count_bits_kernel(module: ir.Module, name: str, source: str) -> None:
    """nnz[row] = ones of each row first..last, as float64."""
    f = Function(module, name, COUNT_BITS_FIELDS)
    b, d = f.b, f.field("d")
    words = _words(f, d)
    with f.loop(f.field("first"), f.field("last"), name="row") as row:
        total = f.variable(I64(0))
        with f.loop(0, words, name="w") as w:
            word = load_word(f, f.pointer("rows"), row, w, d, source)
            f.put(b.add(f.get(total, I64), _popcount(f, word)), total)
        f.store(b.sitofp(f.get(total, I64), F64), f.pointer("nnz"), row)
    f.ret()


def unpack_bits_kernel(module: ir.Module, name: str, source: str) -> None:
    """Rows first..last as bytes 0 and 1, from the start of ``nnz``."""
    f = Function(module, name, COUNT_BITS_FIELDS)
    b, d = f.b, f.field("d")
    with f.loop(f.field("first"), f.field("last"), name="row") as row:
        base = b.mul(b.sub(row, f.field("first")), d)
        with f.loop(0, _words(f, d), name="w") as w:
            word = load_word(f, f.pointer("rows"), row, w, d, source)
            start = b.mul(w, I64(WORD))
            left = b.sub(d, start)
            count = b.select(b.icmp_signed("<", left, I64(WORD)), left, I64(WORD))
            with f.loop(0, count, name="bit") as i:
                bit = b.trunc(b.and_(b.lshr(word, i), I64(1)), I8)
                f.store(bit, f.pointer("nnz"), b.add(base, b.add(start, i)))
    f.ret()


def bit_pairs_fields(key: Expr, value: Expr) -> tuple[str, ...]:
    return ("x", "y", "x_rows", "y_rows", "count", "d", "keys", "values", *stat_fields((key, value)))


def bit_pairs_kernel(
    module: ir.Module, name: str, op: str, key: Expr, value: Expr, x_source: str, y_source: str
) -> None:
    """Key and value of listed pairs, in float64, from the count of their bits; eight side by side, as others settle."""
    f = Function(module, name, bit_pairs_fields(key, value))
    b, lanes = f.b, 8
    typ = vector(F64, lanes)
    d, count = f.field("d"), f.field("count")
    words = _words(f, d)
    totals = f.slot(I64, lanes)
    with f.loop(0, count, lanes, "group") as first:
        at = [b.add(first, I64(lane)) for lane in range(lanes)]
        at = [b.select(b.icmp_signed("<", i, count), i, b.sub(count, I64(1))) for i in at]
        with f.loop(0, lanes, name="lane") as lane:
            i = b.add(first, lane)
            i = b.select(b.icmp_signed("<", i, count), i, b.sub(count, I64(1)))
            x_row, y_row = f.load(f.pointer("x_rows"), i, I64), f.load(f.pointer("y_rows"), i, I64)
            total = f.variable(I64(0))
            with f.loop(0, words, name="w") as w:
                x = load_word(f, f.pointer("x"), x_row, w, d, x_source)
                y = load_word(f, f.pointer("y"), y_row, w, d, y_source)
                f.put(b.add(f.get(total, I64), _popcount(f, _combined(f, op, x, y))), total)
            f.store(f.get(total, I64), totals, lane)
        env: dict[Expr, Value] = {DIM: f.splat(b.sitofp(d, F64), lanes)}
        env[ACC] = b.sitofp(f.load(totals, I64(0), vector(I64, lanes)), typ)
        rows = {side: [f.load(f.pointer(f"{side}_rows"), i, I64) for i in at] for side in "xy"}
        for s in stat_fields((key, value)):
            env[stat(s)] = gather_lanes(f, [f.load(f.pointer(s), i, F64) for i in rows[s[-1]]])
        results = {"keys": lower(f, key, env, typ), "values": lower(f, value, env, typ)}
        for lane_number in range(lanes):
            for field, result in results.items():
                one = b.extract_element(result, ir.IntType(32)(lane_number))
                f.store(one, f.pointer(field), at[lane_number])
    f.ret()


# ------------------------------------------------------------------------------------------------ the tile


def bit_kernel(
    f: Function, tile: Tile, op: str, queries: Value, panel: Value, start: list[list[Value]], rising: bool
) -> list[list[Value]]:
    """start[row][register] plus (``rising``) or minus the counts of all words."""
    b, typ = f.b, vector(I64, tile.lanes)
    slots = [[f.variable(value) for value in row] for row in start]
    with f.loop(0, _words(f, f.field("d")), name="w") as w:
        at_items, at_queries = b.mul(w, I64(tile.width)), b.mul(w, I64(tile.rows))
        items = [f.load(panel, b.add(at_items, I64(v * tile.lanes)), typ) for v in range(tile.vectors)]
        for r, row in enumerate(slots):
            x = f.splat(f.load(queries, b.add(at_queries, I64(r)), I64), tile.lanes)
            for slot, y in zip(row, items, strict=True):
                ones = _popcount(f, _combined(f, op, x, y))
                f.put((b.add if rising else b.sub)(f.get(slot, typ), ones), slot)
    return [[f.get(slot, typ) for slot in row] for row in slots]


@contextmanager
def bit_tiles(f: Function, tile: Tile, p: Value) -> Iterator[tuple[Value, Value, Value, Value]]:
    """Panel ``p`` against every tile: (first row, first item, the tile's words, the panel's words)."""
    b = f.b
    words = _words(f, f.field("d"))
    panel = f.at(f.pointer("items"), b.mul(b.mul(p, words), I64(tile.width)), I64)
    with f.loop(0, b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows)), name="tile") as index:
        first = b.mul(index, I64(tile.rows))
        queries = f.at(f.pointer("queries"), b.mul(first, words), I64)
        yield first, b.mul(p, I64(tile.width)), queries, panel


@contextmanager
def bit_counts(f: Function, tile: Tile, formula: Formula, p: Value, buffer: Value) -> Iterator[tuple[Value, Value]]:
    """Every tile of panel ``p``: (first row, first item), with the counts in the buffer as float64."""
    zero = constant(vector(I64, tile.lanes), 0)
    start = [[zero] * tile.vectors for _ in range(tile.rows)]
    with bit_tiles(f, tile, p) as (first, item, queries, panel):
        for r, row in enumerate(bit_kernel(f, tile, counted(formula), queries, panel, start, True)):
            for v, value in enumerate(row):
                f.store(f.b.sitofp(value, tile.vec), buffer, I64(r * tile.width + v * tile.lanes))
        yield first, item


@contextmanager
def bit_rows_with_hits(
    f: Function, tile: Tile, formula: Formula, p: Value, buffer: Value
) -> Iterator[tuple[Value, Value, Value]]:
    """For each row of each tile that may have a hit: (first row, first item, row), with its counts in the buffer."""
    b, op = f.b, counted(formula)
    limits = limits_of(formula.last, op)
    if limits is None:
        tiles = bit_counts(f, tile, formula, p, buffer)
        with tiles as (first, item), f.loop(0, row_count(f, tile, first), name="row") as r:
            yield first, item, r
        return
    rising = limits.direction < 0
    typ = vector(I64, tile.lanes)
    limit = _Limit(f, tile, limits)
    with bit_tiles(f, tile, p) as (first, item, queries, panel):
        limit.prepare(first)
        items = limit.items(item)
        start = [[limit.start(I64(r), y) for y in items] for r in range(tile.rows)]
        sums = bit_kernel(f, tile, op, queries, panel, start, rising)
        together: Value = None
        for row in sums:
            for value in row:
                together = value if together is None else b.or_(together, value)
        with f.when(_any_negative(f, together), likely=False):
            for r, row in enumerate(sums):
                for v, value in enumerate(row):
                    f.store(value, buffer, I64(r * tile.width + v * tile.lanes))
            with f.loop(0, row_count(f, tile, first), name="row") as r:
                places = [b.add(b.mul(r, I64(tile.width)), I64(v * tile.lanes)) for v in range(tile.vectors)]
                row = [f.load(buffer, place, typ) for place in places]
                together = row[0]
                for value in row[1:]:
                    together = b.or_(together, value)
                with f.when(_any_negative(f, together)):
                    for place, value, y in zip(places, row, limit.items(item), strict=True):
                        begun = limit.start(r, y)
                        count = b.sub(value, begun) if rising else b.sub(begun, value)
                        f.store(b.sitofp(count, tile.vec), buffer, place)
                    yield first, item, r


def _any_negative(f: Function, value: Value) -> Value:
    negative = f.any_lane(f.b.icmp_signed("<", value, constant(value.type, 0)))
    return f.b.icmp_unsigned("!=", negative, negative.type(0))


class _Limit:
    """Where the sums of a tile start, so that they end below 0 where the count reaches its limit.

    With L the limit of ``direction * count`` and s the slack, round(L - 1/2 - s) is ceil(L) - 1, or less by 1 where L
    is within s of the whole number below: a few pairs more are looked at, none fewer.
    """

    def __init__(self, f: Function, tile: Tile, limits: Limits) -> None:
        self.f, self.tile, self.limits = f, tile, limits
        self.rows = vector(F64, tile.rows)
        self.fixed = f.slot(self.rows, 1, align=64)
        self.of_item = f.slot(self.rows, 1, align=64) if limits.of_items else None

    def prepare(self, first: Value) -> None:
        """The part of the limit that a tile's rows set, all of them at once; rows past n get none within reach."""
        f, b, limits, rows = self.f, self.f.b, self.limits, self.rows
        size = rows.count
        t = f.load(f.pointer("threshold"), first, rows)
        low, high = constant(rows, limits.low), constant(rows, limits.high)
        t = b.select(b.fcmp_ordered(">", t, low), t, low)  # a NaN, under which nothing falls, becomes the lowest too
        t = b.select(b.fcmp_ordered("<", t, high), t, high)
        lane = ir.Constant(vector(I64, size), list(range(size)))
        real = b.icmp_signed("<", b.add(f.splat(first, size), lane), f.splat(f.field("n"), size))
        t = b.select(real, t, low)
        if limits.b == Affine(one=1.0):
            t = f.intrinsic(f"llvm.floor.v{size}f64", rows, t)  # keys are whole: all of this is exact

        def minus(name: str) -> Value:
            a, c = getattr(limits.a, name), getattr(limits.b, name)
            return b.fsub(constant(rows, a), b.fmul(t, constant(rows, c))) if c else constant(rows, a)

        d = f.splat(b.sitofp(f.field("d"), F64), size)
        total = b.fadd(b.fmul(minus("dim"), d), minus("one"))
        if limits.a.x or limits.b.x:
            total = b.fadd(total, b.fmul(minus("x"), f.load(f.pointer(str(NNZ_X)), first, rows)))
        slope = minus("c") if limits.direction < 0 else b.fneg(minus("c"))
        offset = 0.5 + _SLACK
        limit = b.fsub(b.fdiv(total, slope), constant(rows, offset))
        if self.of_item is None:
            f.store(self._rounded(limit), self.fixed, I64(0))
        else:
            f.store(limit, self.fixed, I64(0))
            f.store(b.fdiv(minus("y"), slope), self.of_item, I64(0))

    def _rounded(self, limit: Value) -> Value:
        """The nearest whole number, as an integer."""
        b, whole = self.f.b, vector(I64, limit.type.count)
        magic = constant(limit.type, _MAGIC)
        return b.sub(b.bitcast(b.fadd(limit, magic), whole), b.bitcast(magic, whole))

    def items(self, item: Value) -> list[Value]:
        """The ones of a panel's items, a register each; nothing where the limit does not depend on them."""
        f, tile = self.f, self.tile
        if self.of_item is None:
            return [None] * tile.vectors
        places = [f.b.add(item, I64(v * tile.lanes)) for v in range(tile.vectors)]
        return [f.load(f.pointer(str(NNZ_Y)), place, tile.vec) for place in places]

    def start(self, r: Value, ones: Value) -> Value:
        """Where the sums of row ``r`` and a register of items start."""
        f, tile = self.f, self.tile
        if self.of_item is None:
            return f.splat(f.load(self.fixed, r, I64), tile.lanes)
        limit = f.splat(f.load(self.fixed, r, F64), tile.lanes)
        times = f.splat(f.load(self.of_item, r, F64), tile.lanes)
        if tile.target.fma:
            return self._rounded(f.fma(times, ones, limit))
        return self._rounded(f.b.fadd(f.b.fmul(times, ones), limit))


def bit_peak_kernel(module: ir.Module, name: str, tile: Tile, op: str) -> None:
    """The micro-kernel's instructions on registers alone: the rate that they allow on this core."""
    f = Function(module, name, ("count", "one", "out"))
    b, typ = f.b, vector(I64, tile.lanes)
    items = [f.splat(f.load(f.pointer("one"), I64(v), I64), tile.lanes) for v in range(tile.vectors)]
    slots = [f.variable(items[0]) for _ in range(tile.rows * tile.vectors)]  # 0 & items would be folded away
    with f.loop(0, f.field("count"), name="t"):
        for i, slot in enumerate(slots):
            # of the sum itself, which must not leave the loop
            ones = _popcount(f, _combined(f, op, f.get(slot, typ), items[i % tile.vectors]))
            f.put(b.add(f.get(slot, typ), ones), slot)
    for i, slot in enumerate(slots):
        f.store(f.get(slot, typ), f.pointer("out"), I64(i * tile.lanes))
    f.ret()
