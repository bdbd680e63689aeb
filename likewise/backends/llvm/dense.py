"""Everything that is not a search: matrices, listed pairs, weighted sums, attention."""

from __future__ import annotations

import functools
import itertools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.bits import BitPacker
from likewise.backends.llvm.jit import kernel
from likewise.backends.llvm.kernels import BLOCK, Formula, Tile, tile_for
from likewise.backends.llvm.rows import NUMPY, ONE, Packer, Side, address, aligned, exact_text, kernel_recipe, measure
from likewise.backends.llvm.target import current
from likewise.formula.bits import Counts
from likewise.formula.expr import Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.metrics import dot
from likewise.formula.screen import Core, factor

Progress = Callable[[int, int], None] | None
_PAIRS_PER_TASK = 4096
_BLOCK_BYTES = 1 << 18


def pair_values(
    metric: Metric, key: Expr, x: Side, y: Side, rows: NDArray[np.int64], found: NDArray[np.int64], threads: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Float64 (key, value) of the pairs (rows[i], found[i]): the arithmetic that every answer comes from."""
    formula = Formula(metric.terms, metric.combine, key)
    terms = "; ".join(exact_text(t) for t in metric.terms)
    run = kernel(
        "pairs",
        f"pairs {metric.combine}[{terms}] {exact_text(key)} {exact_text(metric.finish)} {x.dtype} {y.dtype}",
        kernels.pairs_fields(formula, metric.finish),
        lambda module, name: kernels.pairs_kernel(module, name, formula, metric.finish, x.dtype, y.dtype),
    )
    rows, found = np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(found, np.int64)
    count = len(rows)
    keys, values = np.empty(count), np.empty(count)
    stats = {
        name: address((x if name.endswith("x") else y).stat(name[:-2]))
        for name in kernels.stat_fields((key, metric.finish, *metric.terms))
    }

    def one(first: int) -> None:
        run(
            x=address(x.rows),
            y=address(y.rows),
            x_rows=address(rows) + 8 * first,
            y_rows=address(found) + 8 * first,
            count=min(_PAIRS_PER_TASK, count - first),
            d=x.d,
            keys=address(keys) + 8 * first,
            values=address(values) + 8 * first,
            **stats,
        )

    pool.run([functools.partial(one, first) for first in range(0, count, _PAIRS_PER_TASK)], threads)
    return keys, values


def lists_values(
    metric: Metric,
    key: Expr,
    x: Side,
    y: Side,
    first: int,
    found: NDArray[np.int64],
    count: NDArray[np.int64],
    a: int,
    b: int,
    width: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The same of rows first + a to first + b, each with its line of ``found``: lines of ``width``, ended by NaN."""
    formula = Formula(metric.terms, metric.combine, key)
    terms = "; ".join(exact_text(t) for t in metric.terms)
    run = kernel(
        "lists",
        f"lists {metric.combine}[{terms}] {exact_text(key)} {exact_text(metric.finish)} {x.dtype} {y.dtype}",
        kernels.lists_fields(formula, metric.finish),
        lambda module, name: kernels.lists_kernel(module, name, formula, metric.finish, x.dtype, y.dtype),
    )
    keys, values, done = np.empty((b - a, width)), np.empty((b - a, width)), np.zeros(b - a, np.int64)
    block = max(_BLOCK_BYTES // (y.d * y.rows.itemsize), 16 * y.n // width)  # no fewer than 16 of a list
    stats = {}
    for name in kernels.stat_fields((key, metric.finish, *metric.terms)):
        own = name.endswith("x")
        stats[name] = address((x if own else y).stat(name[:-2])) + (8 * first if own else 0)
    blocks = -(-y.n // block)
    calls = kernels.calls_of(int(count[a:b].sum()) * x.d, tile_for(current(), "f64", formula), formula)
    step = max(1, int(blocks / max(calls, 1)))
    for begin in range(0, blocks, step):
        if pool.stopped():
            break
        run(
            x=address(x.rows) + first * x.d * x.rows.itemsize,
            y=address(y.rows),
            first=a,
            last=b,
            found=address(found),
            stride=found.shape[1],
            count=address(count),
            width=width,
            done=address(done),
            first_block=begin,
            last_block=min(begin + step, blocks),
            block=block,
            d=x.d,
            keys=address(keys),
            values=address(values),
            **stats,
        )
    return keys, values


def _packers(x: Side, y: Side, core: Core, formula: Formula, tile: Tile) -> tuple[Packer, Packer, tuple[str, ...]]:
    queries = Packer(x, "x", core.u, None, tile.compute, tile.rows)
    items = Packer(y, "y", core.v, None, tile.compute, tile.width)
    return queries, items, formula.stats


def matrix(
    metric: Metric, x: Side, y: Side, out: NDArray[Any], threads: int, block: int, progress: Progress = None
) -> None:
    """out[i, j] = metric(x_i, y_j) in float64 arithmetic, rounded once to out's type (float64 or float32)."""
    core = factor(metric)
    formula = Formula(core.terms, metric.combine, metric.finish)
    _matrix(formula, "f64", (core.u, core.v), x, y, out, threads, block, progress)


def bit_matrix(
    counts: Counts,
    metric: Metric,
    x: Side,
    y: Side,
    out: NDArray[Any],
    threads: int,
    block: int,
    progress: Progress = None,
) -> None:
    """The same of rows of zeros and ones, by counting bits."""
    formula = Formula((counts.term,), "sum", counts.rewrite(metric.finish))
    _matrix(formula, "bits", (X, Y), x, y, out, threads, block, progress)


def _matrix(
    formula: Formula,
    compute: str,
    packed_as: tuple[Expr, Expr],
    x: Side,
    y: Side,
    out: NDArray[Any],
    threads: int,
    block: int,
    progress: Progress,
) -> None:
    tile = tile_for(current(), compute, formula, x.n)
    depth = kernels.words_of(x.d) if compute == "bits" else x.d
    make = BitPacker if compute == "bits" else Packer
    kind = "f32" if out.dtype == np.float32 else "f64"
    run = kernel(
        "matrix",
        kernel_recipe("matrix", tile, formula, kind),
        kernels.matrix_fields(formula),
        lambda module, name: kernels.matrix_kernel(module, name, tile, formula, kind),
    )
    queries = make(x, "x", packed_as[0], None, compute, tile.rows)
    items = make(y, "y", packed_as[1], None, compute, tile.width)
    names = formula.stats
    step = max(tile.width, block // tile.width * tile.width)
    chunk = max(tile.rows, block // tile.rows * tile.rows)
    done = pool.Counter(x.n * y.n, progress)
    for first in range(0, y.n, step):
        last = min(first + step, y.n)
        packed = items.pack(first, last, threads)
        y_stats = items.padded_stats(names, first, last, tile.width)
        for a in range(0, x.n, chunk):
            b = min(a + chunk, x.n)
            packed_queries = queries.pack(a, b, threads)
            x_stats = queries.padded_stats(names, a, b, tile.rows)

            def one(
                low: int,
                high: int,
                a: int = a,
                first: int = first,
                last: int = last,
                packed: Any = packed,
                packed_queries: Any = packed_queries,
                x_stats: Any = x_stats,
                y_stats: Any = y_stats,
            ) -> None:
                run(
                    queries=address(packed_queries) + (low - a) * depth * 8,
                    n=high - low,
                    items=address(packed),
                    first=0,
                    last=items.panels(last - first),
                    m=last - first,
                    base=first,
                    d=x.d,
                    one=address(ONE[compute]),
                    out=address(out) + low * out.shape[1] * out.itemsize,
                    out_row=out.shape[1],
                    **{s: address(v) + (low - a) * 8 for s, v in x_stats.items()},
                    **{s: address(v) for s, v in y_stats.items()},
                )
                done.add((high - low) * (last - first))

            short = int(1 / kernels.calls_of(tile.rows * depth * (last - first), tile, formula))
            group = max(1, min(short, -(-(b - a) // (tile.rows * threads))))
            group = min(group, max(1, 400_000 // (tile.rows * depth * 8))) * tile.rows
            pool.run([functools.partial(one, p, min(p + group, b)) for p in range(a, b, group)], threads, done.report)


def multiply(side: Side, weights: NDArray[np.float64], threads: int) -> NDArray[np.float64]:
    """Rows times a matrix in float64, every entry summed in order: the same bits everywhere, which BLAS is not."""
    columns = measure(np.ascontiguousarray(weights.T), "float64", frozenset(), 1)
    out = np.empty((side.n, weights.shape[1]))
    matrix(dot, side, columns, out, threads, 8192)
    return out


# ------------------------------------------------------------------------------------------------ weighted sums


def _fold_formula(metric: Metric) -> tuple[Core, Formula]:
    core = factor(metric)
    return core, Formula(core.terms, metric.combine, metric.finish)


#: Up to this many columns of weights, the items run along the lanes; beyond, the columns do. A register of columns
#: wastes 31 of 32 lanes for one column, and breaks even near 8.
NARROW = 8


def weighted_sum(
    metric: Metric,
    x: Side,
    y: Side,
    weights: NDArray[Any],
    compute: str,
    threads: int,
    block: int,
    progress: Progress = None,
) -> NDArray[np.float64]:
    """(n, p): sum over j of metric(x_i, y_j) weights[j], accumulated in float64 across blocks of items."""
    core, formula = _fold_formula(metric)
    tile = tile_for(current(), compute, formula, x.n)
    columns = weights.shape[1]
    narrow = columns <= NARROW
    run = kernel(
        "weighted",
        kernel_recipe("weighted", tile, formula, narrow),
        kernels.fold_fields(formula),
        lambda module, name: kernels.weighted_kernel(module, name, tile, formula, narrow=narrow),
    )
    queries, items, names = _packers(x, y, core, formula, tile)
    padded = columns if narrow else -(-columns // tile.width) * tile.width
    out = np.zeros((x.n, padded))
    packed_queries = queries.pack(0, x.n, threads)
    x_stats = queries.padded_stats(names, 0, x.n, tile.rows)
    tiles = -(-x.n // tile.rows)
    step = max(BLOCK, block // BLOCK * BLOCK)
    done = pool.Counter(x.n * y.n, progress)
    for first in range(0, y.n, step):
        last = min(first + step, y.n)
        packed = items.pack(first, last, threads)
        y_stats = items.padded_stats(names, first, last, BLOCK)
        rows = -(-(last - first) // BLOCK) * BLOCK
        w = np.zeros((columns, rows) if narrow else (rows, padded), NUMPY[compute])
        if narrow:
            w[:, : last - first] = weights[first:last].T
        else:
            w[: last - first, :columns] = weights[first:last]

        def one(
            a: int,
            b: int,
            first: int = first,
            last: int = last,
            packed: Any = packed,
            y_stats: Any = y_stats,
            w: Any = w,
        ) -> None:
            work = aligned(kernels.work_bytes(tile, padded), np.uint8)
            run(
                queries=address(packed_queries),
                first=a,
                last=b,
                n=x.n,
                items=address(packed),
                m=last - first,
                d=x.d,
                one=address(ONE[compute]),
                weights=address(w),
                columns=padded,
                out=address(out),
                work=address(work),
                scale=1.0,
                mask=0,
                mask_row=0,
                causal=0,
                **{s: address(v) for s, v in x_stats.items()},
                **{s: address(v) for s, v in y_stats.items()},
            )
            done.add((b - a) * tile.rows * (last - first))

        short = int(1 / kernels.calls_of(tile.rows * (x.d + 32) * (last - first), tile, formula))
        per = max(1, min(short, -(-tiles // (4 * threads))))
        pool.run([functools.partial(one, a, min(a + per, tiles)) for a in range(0, tiles, per)], threads, done.report)
    return out[:, :columns]


@dataclass
class Head:
    """One attention head: rows of q, k and v, what hides keys from queries, and where the result goes."""

    q: Side
    k: Side
    v: NDArray[Any]
    mask: NDArray[Any] | None  # (n, m) or (1, m), boolean or additive
    causal: bool
    out: NDArray[Any]

    @property
    def mask_kind(self) -> str:
        """As the kernel names it."""
        return "none" if self.mask is None else "bool" if self.mask.dtype == np.bool_ else "add"


def attend(
    metric: Metric,
    heads: Iterable[Head],
    scale: float,
    compute: str,
    threads: int,
    total: int,
    progress: Progress = None,
) -> None:
    """head.out = softmax(+-scale metric(q, k) + mask) v for every head, in the compute type."""
    done, coming = pool.Counter(total, progress), iter(heads)
    # in rounds, so that packed copies of only a few heads are alive at a time
    while batch := list(itertools.islice(coming, 2 * threads)):
        pool.run(
            [task for head in batch for task in _head_tasks(metric, head, scale, compute, done)], threads, done.report
        )


def _head_tasks(metric: Metric, head: Head, scale: float, compute: str, done: pool.Counter) -> list[Callable[[], None]]:
    """The tasks of one head, some tiles of queries each; the first to run packs for all."""
    core, formula = _fold_formula(metric)
    tile = tile_for(current(), compute, formula, head.q.n)
    sign, mask_kind = 1 if metric.closer == "larger" else -1, head.mask_kind
    run = kernel(
        "attend",
        kernel_recipe("attend", tile, formula, sign, mask_kind),
        kernels.fold_fields(formula),
        lambda module, name: kernels.attend_kernel(module, name, tile, formula, sign=sign, mask=mask_kind),
    )
    columns, dtype = head.v.shape[1], NUMPY[compute]
    padded = max(tile.width, -(-columns // tile.width) * tile.width)
    guard, ready = threading.Lock(), list[_PackedHead]()

    def one(a: int, b: int) -> None:
        with guard:
            if not ready:
                ready.append(_pack_head(head, core, formula, tile, padded))
        packed = ready[0]
        first_row, last_row = a * tile.rows, min(b * tile.rows, head.q.n)
        work = aligned(kernels.work_bytes(tile, padded), np.uint8)
        result = aligned((last_row - first_row) * padded, dtype).reshape(-1, padded)
        run(
            queries=address(packed.q),
            first=a,
            last=b,
            n=head.q.n,
            items=address(packed.k),
            m=head.k.n,
            d=head.q.d,
            one=address(ONE[compute]),
            weights=address(packed.v),
            columns=padded,
            out=address(result) - first_row * padded * result.itemsize,
            work=address(work),
            scale=float(scale),
            mask=0 if packed.mask is None else address(packed.mask),
            mask_row=packed.mask_row,
            causal=int(head.causal),
            **{name: address(array) for name, array in packed.stats.items()},
        )
        head.out[first_row:last_row] = result[:, :columns]
        done.add((last_row - first_row) * head.k.n)

    tiles = -(-head.q.n // tile.rows)
    pair_dimensions = tile.rows * (head.q.d + padded + 32) * max(head.k.n, 1)
    per = max(1, min(tiles, int(1 / kernels.calls_of(8 * pair_dimensions, tile, formula))))
    # the last queries of a causal head look at the most keys: they go first, so that threads end together
    return [functools.partial(one, a, min(a + per, tiles)) for a in reversed(range(0, tiles, per))]


@dataclass
class _PackedHead:
    q: NDArray[Any]
    k: NDArray[Any]
    v: NDArray[Any]
    mask: NDArray[Any] | None
    mask_row: int
    stats: dict[str, Any]


def _pack_head(head: Head, core: Core, formula: Formula, tile: Tile, padded: int) -> _PackedHead:
    """A head as the kernel reads it: keys in panels, values and mask padded to whole blocks and registers."""
    queries, items, names = _packers(head.q, head.k, core, formula, tile)
    m, columns = head.v.shape
    rows = -(-m // BLOCK) * BLOCK
    dtype = NUMPY[tile.compute]
    v = aligned(rows * padded, dtype).reshape(rows, padded)
    v[:m, :columns], v[:m, columns:], v[m:] = head.v, 0, 0
    mask, mask_row = None, 0
    if head.mask is not None:
        mask = np.zeros((len(head.mask), rows), np.uint8 if head.mask.dtype == np.bool_ else dtype)
        mask[:, :m] = head.mask
        mask_row = rows if len(head.mask) > 1 else 0
    stats = queries.padded_stats(names, 0, head.q.n, tile.rows) | items.padded_stats(names, 0, m, BLOCK)
    return _PackedHead(queries.pack(0, head.q.n, 1), items.pack(0, m, 1), v, mask, mask_row, stats)
