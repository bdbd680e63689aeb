"""Sparse rows: one query's sums with all items at once, in an array that fits into the second-level cache.

    for t, x in query:                        # its coordinates, in order
        for j, y in items that have t:        # their transpose: a list for each coordinate
            sum[j] += term(x, y)
    for j in range(m):                        # in vectors
        key = last(sum[j], statistics)
        if key <= threshold: append (key, j)

The sum of each item grows in the order of the coordinates, in float64: the definition's own bits (For a
product of sparse matrices this is Gustavson's algorithm, 1978.)
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from likewise.backends.llvm.emit import F32, F64, I32, I64, Function, Value, constant
from likewise.backends.llvm.kernels.search import FILTER_FIELDS, admitted, each_bit
from likewise.backends.llvm.kernels.select import LIST_FIELDS, Lists, tighten_function
from likewise.backends.llvm.kernels.tile import Tile, stat_fields
from likewise.backends.llvm.lower import lower
from likewise.formula.expr import DIM, Expr, X, Y, stat
from likewise.formula.sparse import SparseForm

_UNROLLED = 4  # of the inner loop: 8 gain nothing
_VECTORS = 4  # of sums that are looked at together
_NUMBERS = {"float32": F32, "float64": F64}

ROW_SUM_FIELDS = ("n", "starts", "numbers", "sum", "squares", "norm1")


def row_sums_kernel(module: ir.Module, name: str) -> None:
    """Sum, sum of squares and sum of sizes of each row's stored float64 numbers, in order."""
    f = Function(module, name, ROW_SUM_FIELDS)
    b = f.b
    with f.loop(0, f.field("n"), name="row") as row:
        slots = {field: f.variable(constant(F64, 0.0)) for field in ROW_SUM_FIELDS[3:]}
        stop = f.load(f.pointer("starts"), b.add(row, I64(1)), I64)
        with f.loop(f.load(f.pointer("starts"), row, I64), stop, name="i") as i:
            x = f.load(f.pointer("numbers"), i, F64)
            size = f.intrinsic("llvm.fabs.f64", F64, x)
            for field, more in (("sum", x), ("squares", b.fmul(x, x)), ("norm1", size)):
                f.put(b.fadd(f.get(slots[field], F64), more), slots[field])
        for field, slot in slots.items():
            f.store(f.get(slot, F64), f.pointer(field), row)
    f.ret()


def sparse_fields(form: SparseForm) -> tuple[str, ...]:
    return (
        *("n", "m", "d", "x_start", "x_columns", "x_numbers", "y_start", "y_rows", "y_numbers", "sums", "room"),
        *LIST_FIELDS,
        *("stride", "finish", "values"),
        *FILTER_FIELDS,
        *stat_fields((form.key, form.value)),
    )


def sparse_kernel(
    module: ir.Module, name: str, tile: Tile, form: SparseForm, x_type: str, y_type: str, ones: bool
) -> None:
    """n queries against all m items: a list of candidates each, with keys and values.

    ``tile`` says how many float64 lanes there are. ``sums`` has ``room`` zeros for each term, m and a stretch past it,
    and zeros again at the end. ``ones``: what is stored is 1 throughout, and not read.
    """
    tighten = tighten_function(module, f"{name}_tighten", tile, exact=True)
    f = Function(module, name, sparse_fields(form))
    lists = Lists(f, tighten, tile)
    with f.loop(0, f.field("n"), name="row") as row:
        _add_up(f, form, row, x_type, y_type, ones)
        _offer_all(f, tile, form, row, lists)
        lists.tighten(row)
        _values(f, form, row)
        with f.loop(0, f.field("room"), tile.lanes * _VECTORS, name="clear") as j:
            for i in range(len(form.terms)):
                for v in range(_VECTORS):
                    f.store(constant(tile.vec, 0.0), _sums(f, i), f.b.add(j, I64(v * tile.lanes)))
    f.ret()


def _sums(f: Function, term: int) -> Value:
    return f.at(f.pointer("sums"), f.b.mul(f.field("room"), I64(term)), F64)


def _wide(f: Function, p: Value, i: Value, dtype: str) -> Value:
    value = f.load(p, i, _NUMBERS[dtype])
    return value if dtype == "float64" else f.b.fpext(value, F64)


def _add_up(f: Function, form: SparseForm, row: Value, x_type: str, y_type: str, ones: bool) -> None:
    """Every coordinate of a query into the sums of the items that have it."""
    b = f.b
    sums = [_sums(f, i) for i in range(len(form.terms))]
    stop = f.load(f.pointer("x_start"), b.add(row, I64(1)), I64)
    with f.loop(f.load(f.pointer("x_start"), row, I64), stop, name="t") as p:
        column = b.zext(f.load(f.pointer("x_columns"), p, I32), I64)
        x = None if ones else _wide(f, f.pointer("x_numbers"), p, x_type)
        first = f.load(f.pointer("y_start"), column, I64)
        last = f.load(f.pointer("y_start"), b.add(column, I64(1)), I64)

        def one(q: Value, x: Any = x) -> None:
            item = b.zext(f.load(f.pointer("y_rows"), q, I32), I64)
            env: dict[Expr, Any] = {} if ones else {X: x, Y: _wide(f, f.pointer("y_numbers"), q, y_type)}
            for at, term in zip(sums, form.terms, strict=True):
                more = lower(f, term, env, F64)
                f.store(b.fadd(f.load(at, item, F64), more), at, item)

        whole = b.sub(last, b.srem(b.sub(last, first), I64(_UNROLLED)))
        with f.loop(first, whole, _UNROLLED, name="items") as q:
            for step in range(_UNROLLED):
                one(b.add(q, I64(step)))
        with f.loop(whole, last, name="rest") as q:
            one(q)


def _offer_all(f: Function, tile: Tile, form: SparseForm, row: Value, lists: Lists) -> None:
    """Every admitted item whose key is at most the query's threshold, into its list, in the order of the items."""
    b, lanes = f.b, tile.lanes
    width = lanes * _VECTORS
    start = b.mul(row, f.field("stride"))
    listed_keys, listed = f.at(f.pointer("keys"), start, F64), f.at(f.pointer("found"), start, I64)
    buffer = f.slot(tile.vec, _VECTORS, align=64)
    of_query = {stat(s): f.splat(f.load(f.pointer(s), row, F64), lanes) for s in form.key.stats() if s.endswith("x")}
    of_query[DIM] = f.splat(b.sitofp(f.field("d"), F64), lanes)
    with f.loop(0, f.field("m"), width, name="j") as j:
        limit = f.splat(f.load(f.pointer("threshold"), row, F64), lanes)
        hits: Value = I64(0)
        for v in range(_VECTORS):
            at = b.add(j, I64(v * lanes))
            env: dict[Expr, Any] = dict(of_query)
            for i in range(len(form.terms)):
                env[Expr("acc", value=i)] = f.load(_sums(f, i), at, tile.vec)
            for s in form.key.stats():
                if s.endswith("y"):
                    env[stat(s)] = f.load(f.pointer(s), at, tile.vec)
            key = lower(f, form.key, env, tile.vec)
            f.store(key, buffer, I64(v * lanes))
            bits = b.zext(f.any_lane(b.fcmp_ordered("<=", key, limit)), I64)
            hits = b.or_(hits, b.shl(bits, I64(v * lanes)))
        with f.when(b.icmp_unsigned("!=", hits, I64(0)), likely=False):
            real = b.sub(f.field("m"), j)
            real = b.select(b.icmp_signed("<", real, I64(width)), real, I64(width))
            hits = b.and_(hits, b.lshr(I64(-1), b.sub(I64(64), real)))
            count_at = f.at(f.pointer("count"), row, I64)
            with each_bit(f, hits) as lane, f.when(admitted(f, row, b.add(j, lane))):
                count = f.load(count_at, 0, I64)
                f.store(f.load(buffer, lane, F64), listed_keys, count)
                f.store(b.add(j, lane), listed, count)
                f.store(b.add(count, I64(1)), count_at, I64(0))
            with f.when(
                b.icmp_signed(">=", f.load(count_at, 0, I64), f.load(f.pointer("trigger"), row, I64)), likely=False
            ):
                lists.tighten(row)


def _values(f: Function, form: SparseForm, row: Value) -> None:
    """The value of each item in the query's list."""
    b = f.b
    start = b.mul(row, f.field("stride"))
    listed, values = f.at(f.pointer("found"), start, I64), f.at(f.pointer("values"), start, F64)
    env: dict[Expr, Any] = {stat(s): f.load(f.pointer(s), row, F64) for s in form.value.stats() if s.endswith("x")}
    env[DIM] = b.sitofp(f.field("d"), F64)
    with f.loop(0, f.load(f.pointer("count"), row, I64), name="value") as i:
        item = f.load(listed, i, I64)
        of_item = [s for s in form.value.stats() if s.endswith("y")]
        here: dict[Expr, Any] = {stat(s): f.load(f.pointer(s), item, F64) for s in of_item}
        for term in range(len(form.terms)):
            here[Expr("acc", value=term)] = f.load(_sums(f, term), item, F64)
        f.store(lower(f, form.value, env | here, F64), values, i)
