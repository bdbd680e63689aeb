"""Batches of small matrices of pairs, and the sums of slopes that carry a gradient back: what training asks for.

Forward, ``out[i, j] = sum over t of term(x[i, t], y[j, t])``: items run along the lanes, as in every search.

Backward, ``out[i, t] = sum over j of weights[i, j] * slope(x[i, t], y[j, t])``: coordinates run along the lanes, so
that neither side is turned; a register's worth of x stays, one row of y after the other goes by.

A gradient is no answer of float64: products feed sums by fused multiply-add where the machine has it.
"""

from __future__ import annotations

from llvmlite import ir

from likewise.backends.llvm.emit import I64, Function, Value, constant
from likewise.backends.llvm.kernels.tile import Formula, Tile, combine_step, micro_kernel
from likewise.formula.expr import ACC, Expr, X, Y

PAIR_SUM_FIELDS = ("x", "items", "out", "first", "last", "tiles", "n", "m", "d", "one")
PULL_FIELDS = ("x", "y", "weights", "out", "first", "last", "tiles", "n", "m", "d")


def pair_sum_kernel(module: ir.Module, name: str, tile: Tile, term: Expr) -> None:
    """Tiles ``first`` to ``last`` of all batches: x packed in tiles, items in panels; out is (batches, n, m).

    ``m`` is padded to whole panels, ``n`` to whole tiles.
    """
    f = Function(module, name, PAIR_SUM_FIELDS)
    b, elem, d, m = f.b, tile.elem, f.field("d"), f.field("m")
    formula = Formula((term,), "sum", ACC)
    with f.loop(f.field("first"), f.field("last"), name="tile") as t:
        batch = b.sdiv(t, f.field("tiles"))
        rows = f.at(f.pointer("x"), b.mul(b.mul(t, I64(tile.rows)), d), elem)
        items = f.at(f.pointer("items"), b.mul(b.mul(batch, m), d), elem)
        out = f.at(f.pointer("out"), b.mul(b.mul(t, I64(tile.rows)), m), elem)
        with f.loop(0, m, tile.width, "panel") as item:
            panel = f.at(items, b.mul(item, d), elem)
            sums = micro_kernel(f, tile, formula, rows, panel, I64(0), item, d, fused=True, answer=True)
            for r, line in enumerate(sums[0]):
                for v, value in enumerate(line):
                    at = b.add(b.mul(I64(r), m), b.add(item, I64(v * tile.lanes)))
                    f.store(value, out, at)
    f.ret()


def pull_kernel(module: ir.Module, name: str, tile: Tile, slope: Expr) -> None:
    """Tiles ``first`` to ``last`` of all batches: rows of x and y padded to whole registers, ``d`` counting all."""
    f = Function(module, name, PULL_FIELDS)
    b, elem, typ, d, m, n = f.b, tile.elem, tile.vec, f.field("d"), f.field("m"), f.field("n")
    with f.loop(f.field("first"), f.field("last"), name="tile") as t:
        batch, first = b.sdiv(t, f.field("tiles")), b.mul(b.srem(t, f.field("tiles")), I64(tile.rows))
        numbers = [_at_most(f, b.add(first, I64(r)), b.sub(n, I64(1))) for r in range(tile.rows)]
        # the last tile of a batch may hold a row several times: it is written as often, with the same numbers
        row = [b.add(b.mul(batch, n), number) for number in numbers]
        x = [f.at(f.pointer("x"), b.mul(r, d), elem) for r in row]
        weights = [f.at(f.pointer("weights"), b.mul(r, m), elem) for r in row]
        items = f.at(f.pointer("y"), b.mul(b.mul(batch, m), d), elem)
        with f.loop(0, d, tile.width, "column") as column:
            at = [b.add(column, I64(v * tile.lanes)) for v in range(tile.vectors)]
            mine = [[f.load(x[r], at[v], typ) for v in range(tile.vectors)] for r in range(tile.rows)]
            slots = [[f.variable(constant(typ, 0.0)) for _ in range(tile.vectors)] for _ in range(tile.rows)]
            with f.loop(0, m, name="item") as j:
                other = f.at(items, b.mul(j, d), elem)
                theirs = [f.load(other, at[v], typ) for v in range(tile.vectors)]
                for r in range(tile.rows):
                    w = f.splat(f.load(weights[r], j, elem), tile.lanes)
                    for v in range(tile.vectors):
                        env = {X: mine[r][v], Y: theirs[v], ACC: w}
                        acc = f.get(slots[r][v], typ)
                        pulled = Expr("mul", (slope, ACC))
                        f.put(combine_step(f, "sum", acc, pulled, env, typ, True, True), slots[r][v])
            for r in range(tile.rows):
                for v in range(tile.vectors):
                    where = b.add(b.mul(row[r], d), at[v])
                    f.store(f.get(slots[r][v], typ), f.pointer("out"), where)
    f.ret()


def _at_most(f: Function, value: Value, limit: Value) -> Value:
    return f.b.select(f.b.icmp_signed("<", value, limit), value, limit)
