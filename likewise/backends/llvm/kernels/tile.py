"""The micro-kernel: R queries by W items in registers, all coordinates, for any formula."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import (
    FLOATS,
    I16,
    I32,
    I64,
    Function,
    Value,
    constant,
    vector,
)
from likewise.backends.llvm.lower import extreme, lower
from likewise.backends.llvm.target import Target
from likewise.formula.expr import DIM, Expr, X, Y, stat

INF = float("inf")


#: Values [term][row][vector].
Accumulators = list[list[list[Value]]]


@dataclass(frozen=True)
class Formula:
    """What the kernels need of a metric: terms of packed X and Y, how they combine, and the last expression."""

    terms: tuple[Expr, ...]
    combine: str
    last: Expr  # key (search), value (pairwise): of accumulators and statistics

    @property
    def stats(self) -> tuple[str, ...]:
        """Names of the statistics arrays the kernels read."""
        return stat_fields((self.last, *self.terms))


@functools.lru_cache(maxsize=4096)
def stat_fields(expr: Expr | tuple[Expr, ...]) -> tuple[str, ...]:
    """Names of the statistics arrays an expression reads, in a fixed order."""
    exprs = expr if isinstance(expr, tuple) else (expr,)
    return tuple(sorted(set().union(*(e.stats() for e in exprs))))


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


@functools.lru_cache(maxsize=4096)
def tile_for(target: Target, compute: str, formula: Formula, queries: int | None = None) -> Tile:
    """The measured best shape: 12 x 2 registers of 32, 6 x 2 of 16; fewer rows for few queries or several sums.

    The range instruction's maximum wants 24 x 1, with one negated item register in place of two (121 against 110 G
    pair-dimensions per second on Zen 5).
    """
    lanes = target.lanes if compute == "f32" else max(target.lanes // 2, 1)
    rows, vectors = max(target.rows // len(formula.terms), 1), 2
    if is_ranged(target, compute, formula):
        rows, vectors = 2 * target.rows, 1
    if any(e.op in functions.TABLE or e.op == "pow" for term in formula.terms for e in term.walk()):
        rows = 2  # a polynomial in the loop needs the registers, and each copy of it costs compile time
    elif queries is not None and queries <= 4:
        rows = min(rows, 4)
    return Tile(rows, vectors, lanes, compute, target)


def is_ranged(target: Target, compute: str, formula: Formula) -> bool:
    """Whether AVX-512's range instruction serves: float32 maxima of absolute differences."""
    whole = target.range_instruction and compute == "f32" and target.lanes == 16
    return whole and formula.combine == "max" and is_absolute_difference(formula)


def is_absolute_difference(formula: Formula) -> bool:
    difference = Expr("sub", (X, Y))
    return formula.terms == (Expr("abs", (difference,)),) and formula.combine in ("sum", "mean", "max")


def micro_kernel(
    f: Function,
    tile: Tile,
    formula: Formula,
    queries: Value,
    panel: Value,
    first: Value,
    item: Value,
    stop: Value,
    *,
    fused: bool,
    answer: bool,
    begin: Value | None = None,
    carried: Value | None = None,
) -> Accumulators:
    """Accumulators [term][row][vector] after coordinates 0..stop, or begin..stop on top of the ``carried`` ones.

    ``first`` and ``item`` are the numbers of the first query and item, for terms that name statistics of the rows.
    ``fused``: products feed sums by fused multiply-add (float32). Float64 answers never fuse, so that they are the
    plain arithmetic of the definition. |x - y| subtracts by an exact fused multiply-add with 1 read from memory: it
    runs on the multiplier's ports and leaves the adder's to the sum (22% faster on Zen 5, equal elsewhere), and
    AVX-512's range instruction takes the maximum of absolute values in one step (twice as fast).
    """
    b, typ = f.b, tile.vec
    count = len(formula.terms)
    start = {"sum": 0.0, "mean": 0.0, "max": -INF, "min": INF}[formula.combine]
    absolute = fused and tile.target.fma and is_absolute_difference(formula)
    ranged = absolute and is_ranged(tile.target, tile.compute, formula)
    if ranged:
        start = 0.0
    slots = [
        [[f.variable(constant(typ, start)) for _ in range(tile.vectors)] for _ in range(tile.rows)]
        for _ in range(count)
    ]
    if begin is not None:
        with f.when(b.icmp_signed(">", begin, I64(0))):
            for at, slot in enumerate(slot for per_term in slots for row in per_term for slot in row):
                f.put(f.load(carried, I64(at * tile.lanes), typ), slot)
    one = f.splat(f.load(f.pointer("one"), 0, tile.elem), tile.lanes) if absolute else None
    dim = {DIM: f.splat(b.sitofp(f.field("d"), tile.elem), tile.lanes)}
    with f.loop(0 if begin is None else begin, stop, name="t") as t:
        at_items = b.mul(t, I64(tile.width))
        items = [f.load(panel, b.add(at_items, I64(v * tile.lanes)), typ) for v in range(tile.vectors)]
        negated = [b.fneg(y) for y in items] if absolute else []
        at_queries = b.mul(t, I64(tile.rows))
        for r in range(tile.rows):
            x = f.splat(f.load(queries, b.add(at_queries, I64(r)), tile.elem), tile.lanes)
            for v, y in enumerate(items):
                env: dict[Expr, Value] = {X: x, Y: y, **dim}
                env |= stat_env(f, formula.terms, "x", b.add(first, I64(r)), typ)
                env |= stat_env(f, formula.terms, "y", b.add(item, I64(v * tile.lanes)), typ)
                if one is not None:
                    env[Expr("sub", (X, Y))] = f.fma(x, one, negated[v])
                for term, expr in enumerate(formula.terms):
                    slot = slots[term][r][v]
                    acc = f.get(slot, typ)
                    f.put(combine_step(f, formula.combine, acc, expr, env, typ, fused, answer, ranged), slot)
    return [[[f.get(slot, typ) for slot in row] for row in per_term] for per_term in slots]


#: Coordinates of a panel that are gone through for every tile before the next ones: 32 KB of float32 items, which
#: with a tile's 12 KB fit a first-level cache of 48 KB. 784 coordinates run 20% faster for it, 128 take one step.
SLICE = 256


@contextmanager
def panel_tiles(
    f: Function, tile: Tile, formula: Formula, p: Value, *, fused: bool, answer: bool
) -> Iterator[tuple[Accumulators, Value, Value]]:
    """Panel ``p`` against every tile: (accumulators, first row, first item), once per tile.

    Long vectors go slice by slice, with the accumulators of all tiles carried in the "scratch" field: the same sums in
    the same order.
    """
    b, d, elem = f.b, f.field("d"), tile.elem
    tiles = b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows))
    panel = f.at(f.pointer("items"), b.mul(b.mul(p, d), I64(tile.width)), elem)
    slices = b.sdiv(b.add(d, I64(SLICE - 1)), I64(SLICE))
    length = b.sdiv(b.add(d, b.sub(slices, I64(1))), slices)
    size = I64(len(formula.terms) * tile.rows * tile.width)
    with f.loop(0, slices, name="slice") as part:
        begin = b.mul(part, length)
        end = b.add(begin, length)
        is_last = b.icmp_signed(">=", end, d)
        stop = b.select(is_last, d, end)
        with f.loop(0, tiles, name="tile") as tile_index:
            first = b.mul(tile_index, I64(tile.rows))
            queries = f.at(f.pointer("queries"), b.mul(first, d), elem)
            carried = f.at(f.pointer("scratch"), b.mul(tile_index, size), elem)
            item = b.mul(p, I64(tile.width))
            more = {"fused": fused, "answer": answer, "begin": begin, "carried": carried}
            done = micro_kernel(f, tile, formula, queries, panel, first, item, stop, **more)
            with b.if_else(is_last) as (then, otherwise):
                with then:
                    yield done, first, item
                with otherwise:
                    spill(f, tile, done, carried)


def scratch_size(tile: Tile, formula: Formula, rows: int, d: int) -> int:
    """Elements that :func:`panel_tiles` carries for that many queries."""
    return 0 if d <= SLICE else -(-rows // tile.rows) * len(formula.terms) * tile.rows * tile.width


def combine_step(
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


def stat_env(f: Function, expr: Expr | tuple[Expr, ...], side: str, at: Value, typ: Any) -> dict[Expr, Any]:
    """Leaves for one side's statistics: scalars broadcast for x, vectors for y; loaded where first used."""

    def loader(name: str) -> Callable[[], Value]:
        def load() -> Value:
            if side == "y":
                return f.load(f.pointer(name), at, typ)
            return f.splat(f.load(f.pointer(name), at, typ.element), typ.count)

        return load

    return {stat(s): loader(s) for s in stat_fields(expr) if s.endswith(side)}


def spill(f: Function, tile: Tile, accumulators: list[list[list[Value]]], buffer: Value) -> None:
    """Registers -> a small buffer [term][row][W], so that the epilogue is a loop and not an unrolled wall of code."""
    for term, rows in enumerate(accumulators):
        for r, row in enumerate(rows):
            for v, value in enumerate(row):
                f.store(value, buffer, I64((term * tile.rows + r) * tile.width + v * tile.lanes))


def finished(
    f: Function, tile: Tile, formula: Formula, buffer: Value, r: Value, v: int, row: Value, item: Value, *, answer: bool
) -> Value:
    """The last expression for one row and one register of items."""
    env: dict[Expr, Any] = {}
    for term in range(len(formula.terms)):
        at = f.b.add(f.b.mul(f.b.add(r, I64(term * tile.rows)), I64(tile.width)), I64(v * tile.lanes))
        env[Expr("acc", value=term)] = f.load(buffer, at, tile.vec)
    env |= stat_env(f, formula.last, "x", row, tile.vec)
    env |= stat_env(f, formula.last, "y", f.b.add(item, I64(v * tile.lanes)), tile.vec)
    env[DIM] = f.splat(f.b.sitofp(f.field("d"), tile.elem), tile.lanes)
    return lower(f, formula.last, env, tile.vec, answer=answer)


def row_count(f: Function, tile: Tile, first: Value) -> Value:
    """Rows of a tile that are real queries."""
    left = f.b.sub(f.field("n"), first)
    return f.b.select(f.b.icmp_signed("<", left, I64(tile.rows)), left, I64(tile.rows))
