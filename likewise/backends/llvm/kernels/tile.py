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


#: Operations that cost more than one: measured, in float64 on Zen 5, to the nearest power of two or so.
_COSTS = {"div": 8, "sqrt": 8, "pow": 128} | dict.fromkeys(functions.TABLE, 64)


def calls_of(pair_dimensions: float, tile: Tile, formula: Formula) -> float:
    """How many kernel calls of some tens of milliseconds the work makes: between them Ctrl-C and progress are seen."""
    nodes = {node for term in formula.terms for node in term.walk() if node.args}
    cost = sum(_COSTS.get(node.op, 1) for node in nodes) * (1 if tile.compute == "f32" else 2)
    return pair_dimensions * max(cost, 1) * 16 / tile.target.lanes / 4e9


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
    d: Value,
    *,
    fused: bool,
    answer: bool,
) -> Accumulators:
    """Accumulators [term][row][vector] after all d coordinates.

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
    one = f.splat(f.load(f.pointer("one"), 0, tile.elem), tile.lanes) if absolute else None
    dim = {DIM: f.splat(b.sitofp(f.field("d"), tile.elem), tile.lanes)}
    with f.loop(0, d, name="t") as t:
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


@contextmanager
def panel_tiles(
    f: Function, tile: Tile, formula: Formula, p: Value, *, fused: bool, answer: bool
) -> Iterator[tuple[Accumulators, Value, Value]]:
    """Panel ``p`` against every tile: (accumulators, first row, first item), once per tile.

    The panel stays in the nearest cache while the tiles go by. Cutting long vectors into slices that fit it did not
    pay: at 784 coordinates hardware prefetches keep up.
    """
    b, d, elem = f.b, f.field("d"), tile.elem
    tiles = b.sdiv(b.add(f.field("n"), I64(tile.rows - 1)), I64(tile.rows))
    panel = f.at(f.pointer("items"), b.mul(b.mul(p, d), I64(tile.width)), elem)
    with f.loop(0, tiles, name="tile") as tile_index:
        first = b.mul(tile_index, I64(tile.rows))
        queries = f.at(f.pointer("queries"), b.mul(first, d), elem)
        item = b.mul(p, I64(tile.width))
        done = micro_kernel(f, tile, formula, queries, panel, first, item, d, fused=fused, answer=answer)
        yield done, first, item


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
