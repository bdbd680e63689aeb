"""Dense kernels: whole matrices, and the bare micro-kernel for measuring."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from llvmlite import ir

from likewise.backends.llvm import functions
from likewise.backends.llvm.emit import (
    F32,
    I32,
    I64,
    Function,
    Value,
    constant,
    vector,
)
from likewise.backends.llvm.kernels.bits import bit_counts
from likewise.backends.llvm.kernels.tile import (
    Formula,
    Tile,
    combine_step,
    finished,
    is_absolute_difference,
    is_ranged,
    panel_tiles,
    row_count,
    spill,
)
from likewise.formula.expr import DIM, Expr, X, Y, stat


def matrix_fields(formula: Formula) -> tuple[str, ...]:
    return (
        *("queries", "n", "items", "first", "last", "m", "base", "d", "one", "out", "out_row"),
        *formula.stats,
    )


def matrix_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula, out: str) -> None:
    """Every value, row-major: out[row, base + item], rounded once to ``out`` ("f32" or "f64")."""
    f = Function(module, name, matrix_fields(formula))
    b = f.b
    buffer = f.slot(tile.vec, len(formula.terms) * tile.rows * tile.vectors, align=64)
    panels = f.loop(f.field("first"), f.field("last"), name="panel")
    tiles = bit_counts if tile.compute == "bits" else _sums
    with (
        panels as p,
        tiles(f, tile, formula, p, buffer) as (first, item),
        f.loop(0, row_count(f, tile, first), name="row") as r,
    ):
        row = b.add(first, r)
        line = b.mul(row, f.field("out_row"))
        for v in range(tile.vectors):
            value = finished(f, tile, formula, buffer, r, v, row, item, answer=True)
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
    f.ret()


@contextmanager
def _sums(f: Function, tile: Tile, formula: Formula, p: Value, buffer: Value) -> Iterator[tuple[Value, Value]]:
    """Every tile of panel ``p``: (first row, first item), with the sums in the buffer."""
    with panel_tiles(f, tile, formula, p, fused=False, answer=True) as (done, first, item):
        spill(f, tile, done, buffer)
        yield first, item


PEAK_FIELDS = ("count", "one", "out")


def peak_kernel(module: ir.Module, name: str, tile: Tile, formula: Formula) -> None:
    """The micro-kernel's own instructions on registers alone: the rate that they allow on this core.

    What does not change would leave the loop. So a lone difference is one from the accumulator; other formulas, whose
    accumulators may be too few to wait for, take a number from the nearest cache for each row, as the tile does.
    """
    f = Function(module, name, PEAK_FIELDS)
    b, typ = f.b, tile.vec
    one = f.splat(f.load(f.pointer("one"), 0, tile.elem), tile.lanes)
    two = b.fadd(one, one)
    items = [f.splat(f.load(f.pointer("one"), I64(1 + v), tile.elem), tile.lanes) for v in range(tile.vectors)]
    absolute = tile.target.fma and is_absolute_difference(formula)
    ranged = absolute and is_ranged(tile.target, tile.compute, formula)
    lone = len(formula.terms) == 1
    product = lone and formula.terms[0] == Expr("mul", (X, Y)) and tile.target.fma
    nodes = {e for term in formula.terms for e in term.walk()}
    called = any(e.op in functions.TABLE or e.op == "pow" for e in nodes)
    of_sum = lone and not called and Expr("sub", (X, Y)) in nodes
    slots = [[f.variable(constant(typ, 0.0)) for _ in range(tile.rows * tile.vectors)] for _ in formula.terms]
    with f.loop(0, f.field("count"), name="t") as t:
        turn = b.and_(t, I64(7))
        for i in range(tile.rows * tile.vectors):
            r, v = divmod(i, tile.vectors)
            y, acc = items[v], f.get(slots[0][i], typ)
            env: dict[Expr, Value] = {Y: y, DIM: two} | {stat(s): y for s in formula.stats}
            if absolute:
                env |= {X: two, Expr("sub", (X, Y)): f.fma(acc, one, y)}
            elif product or of_sum:
                env[X] = two if product else acc
            else:
                env[X] = f.splat(f.load(f.pointer("one"), b.add(turn, I64(8 + r)), tile.elem), tile.lanes)
            for term, expr in enumerate(formula.terms):
                acc = f.get(slots[term][i], typ)
                f.put(
                    combine_step(f, formula.combine, acc, expr, env, typ, tile.target.fma, False, ranged),
                    slots[term][i],
                )
    for i, slot in enumerate(slot for row in slots for slot in row):
        f.store(f.get(slot, typ), f.pointer("out"), I64(i * tile.lanes))
    f.ret()
