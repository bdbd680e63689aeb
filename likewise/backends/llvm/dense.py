"""Everything that is not a search: matrices, listed pairs, weighted sums, attention."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.kernels import BLOCK, Formula, Tile, tile_for
from likewise.backends.llvm.rows import NUMPY, ONE, Packer, Side, address, aligned, exact_text, kernel_recipe, measure
from likewise.backends.llvm.target import current
from likewise.formula.expr import ACC, Expr
from likewise.formula.metric import Metric
from likewise.formula.screen import Core, factor

Progress = Callable[[int, int], None] | None
_PAIRS_PER_TASK = 4096


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


def _tiled(
    x: Side, y: Side, core: Core, formula: Formula, tile: Tile, threads: int
) -> tuple[Packer, Packer, tuple[str, ...]]:
    queries = Packer(x, "x", core.u, None, tile.compute, tile.rows)
    items = Packer(y, "y", core.v, None, tile.compute, tile.width)
    return queries, items, kernels.stat_fields(formula.last)


def matrix(metric: Metric, x: Side, y: Side, out: NDArray[Any], threads: int, block: int, progress: Progress = None) -> None:
    """out[i, j] = metric(x_i, y_j) in float64 arithmetic, rounded once to out's type (float64 or float32)."""
    core = factor(metric)
    formula = Formula(core.terms, metric.combine, metric.finish)
    tile = tile_for(current(), "f64", formula, x.n)
    kind = "f32" if out.dtype == np.float32 else "f64"
    run = kernel(
        "matrix",
        kernel_recipe("matrix", tile, formula, kind),
        kernels.matrix_fields(formula),
        lambda module, name: kernels.matrix_kernel(module, name, tile, formula, kind),
    )
    queries, items, names = _tiled(x, y, core, formula, tile, threads)
    step = max(tile.width, block // tile.width * tile.width)
    chunk = max(tile.rows, block // tile.rows * tile.rows)
    total, done = x.n * y.n, [0]

    def report() -> None:
        if progress is not None:
            progress(min(done[0], total), total)

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
                    queries=address(packed_queries) + (low - a) * x.d * 8,
                    n=high - low,
                    items=address(packed),
                    first=0,
                    last=items.panels(last - first),
                    m=last - first,
                    base=first,
                    d=x.d,
                    one=address(ONE["f64"]),
                    out=address(out) + low * out.shape[1] * out.itemsize,
                    out_row=out.shape[1],
                    **{s: address(v) + (low - a) * 8 for s, v in x_stats.items()},
                    **{s: address(v) for s, v in y_stats.items()},
                )
                done[0] += (high - low) * (last - first)

            group = max(1, min(int(2e9 // (tile.rows * x.d * (last - first))), -(-(b - a) // (tile.rows * threads))))
            group = min(group, max(1, 400_000 // (tile.rows * x.d * 8))) * tile.rows
            pool.run([functools.partial(one, p, min(p + group, b)) for p in range(a, b, group)], threads, report)


def multiply(side: Side, weights: NDArray[np.float64], threads: int) -> NDArray[np.float64]:
    """Rows times a matrix in float64, every entry summed in order: the same bits everywhere, which BLAS is not."""
    from likewise.formula.metrics import dot

    columns = measure(np.ascontiguousarray(weights.T), "float64", frozenset(), 1)
    out = np.empty((side.n, weights.shape[1]))
    matrix(dot, side, columns, out, threads, 8192)
    return out


# ------------------------------------------------------------------------------------------------ weighted sums


@dataclass(frozen=True)
class _Fold:
    """The kernel of a weighted sum or of attention, and its tile."""

    run: Kernel
    tile: Tile
    core: Core
    formula: Formula


def _fold_formula(metric: Metric) -> tuple[Core, Formula]:
    core = factor(metric)
    return core, Formula(core.terms, metric.combine, metric.finish)


#: Up to this many columns of weights, the items run along the lanes; beyond, the columns do. A register of columns
#: wastes 31 of 32 lanes for one column, and breaks even near 8.
NARROW = 8


def weighted_sum(
    metric: Metric, x: Side, y: Side, weights: NDArray[Any], compute: str, threads: int, block: int, progress: Progress = None
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
    queries, items, names = _tiled(x, y, core, formula, tile, threads)
    padded = columns if narrow else -(-columns // tile.width) * tile.width
    out = np.zeros((x.n, padded))
    packed_queries = queries.pack(0, x.n, threads)
    x_stats = queries.padded_stats(names, 0, x.n, tile.rows)
    tiles = -(-x.n // tile.rows)
    size = NUMPY[compute].itemsize
    step = max(BLOCK, block // BLOCK * BLOCK)
    done, total = [0], x.n * y.n

    def report() -> None:
        if progress is not None:
            progress(min(done[0], total), total)

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

        def one(a: int, b: int, first: int = first, last: int = last, packed: Any = packed, y_stats: Any = y_stats, w: Any = w) -> None:
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
            done[0] += (b - a) * tile.rows * (last - first)

        per = max(1, min(int(1e9 // (tile.rows * (x.d + 32) * (last - first))), -(-tiles // (4 * threads))))
        pool.run([functools.partial(one, a, min(a + per, tiles)) for a in range(0, tiles, per)], threads, report)
    _ = size
    return out[:, :columns]


@dataclass
class Head:
    """One attention head: rows of q, k and v, and the mask that hides keys from queries."""

    q: Side
    k: Side
    v: NDArray[Any]
    mask: NDArray[Any] | None


def attend(metric: Metric, heads: list[Head], scale: float, causal: bool, compute: str, threads: int, out: NDArray[Any], progress: Progress = None) -> None:
    """out[h] = softmax(+-scale metric(q, k) + mask) v for every head, in the compute type."""
    core, formula = _fold_formula(metric)
    n = max((h.q.n for h in heads), default=0)
    tile = tile_for(current(), compute, formula, n)
    sign = 1 if metric.closer == "larger" else -1
    masks = {"none" if h.mask is None else "bool" if h.mask.dtype == np.bool_ else "add" for h in heads}
    mask_kind = masks.pop() if len(masks) == 1 else "none"
    run = kernel(
        "attend",
        kernel_recipe("attend", tile, formula, sign, mask_kind),
        kernels.fold_fields(formula),
        lambda module, name: kernels.attend_kernel(module, name, tile, formula, sign=sign, mask=mask_kind),
    )
    done, total = [0], sum(h.q.n * h.k.n for h in heads)

    def report() -> None:
        if progress is not None:
            progress(min(done[0], total), total)

    # heads go in rounds, so that packed copies of a few are alive at a time
    for start in range(0, len(heads), 2 * threads):
        tasks: list[Callable[[], None]] = []
        for h in range(start, min(start + 2 * threads, len(heads))):
            tasks += _head_tasks(run, tile, core, formula, heads[h], out[h], scale, causal, compute, done)
        pool.run(tasks, threads, report)


def _head_tasks(run: Kernel, tile: Tile, core: Core, formula: Formula, head: Head, out: NDArray[Any], scale: float, causal: bool, compute: str, done: list[int]) -> list[Callable[[], None]]:
    """The tasks of one head: some tiles of queries each. Packing happens in the first to arrive."""
    queries, items, names = _tiled(head.q, head.k, core, formula, tile, 1)
    columns = head.v.shape[1]
    padded = max(tile.width, -(-columns // tile.width) * tile.width)
    dtype = NUMPY[compute]

    @functools.lru_cache(maxsize=1)
    def packed() -> tuple[Any, ...]:
        m = head.k.n
        rows = -(-m // BLOCK) * BLOCK
        v = aligned(rows * padded, dtype).reshape(rows, padded)
        v[:m, :columns] = head.v
        v[:m, columns:] = 0
        v[m:] = 0
        mask, mask_row = None, 0
        if head.mask is not None:
            wide = 1 if head.mask.shape[0] == 1 and head.q.n != 1 else head.mask.shape[0]
            mask = np.zeros((wide, rows), np.uint8 if head.mask.dtype == np.bool_ else dtype)
            mask[:, :m] = head.mask[:wide]
            mask_row = 0 if wide == 1 else rows
        return (
            queries.pack(0, head.q.n, 1),
            items.pack(0, m, 1),
            v,
            mask,
            mask_row,
            queries.padded_stats(names, 0, head.q.n, tile.rows),
            items.padded_stats(names, 0, m, BLOCK),
        )

    import threading

    guard = threading.Lock()

    def one(a: int, b: int) -> None:
        with guard:
            q, k, v, mask, mask_row, x_stats, y_stats = packed()
        work = aligned(kernels.work_bytes(tile, padded), np.uint8)
        first_row, last_row = a * tile.rows, min(b * tile.rows, head.q.n)
        result = out if padded == columns else np.empty((head.q.n, padded), dtype)
        run(
            queries=address(q),
            first=a,
            last=b,
            n=head.q.n,
            items=address(k),
            m=head.k.n,
            d=head.q.d,
            one=address(ONE[compute]),
            weights=address(v),
            columns=padded,
            out=address(result),
            work=address(work),
            scale=float(scale),
            mask=0 if mask is None else address(mask),
            mask_row=mask_row,
            causal=int(causal),
            **{s: address(x) for s, x in x_stats.items()},
            **{s: address(y) for s, y in y_stats.items()},
        )
        if result is not out:
            out[first_row:last_row] = result[first_row:last_row, :columns]
        done[0] += (last_row - first_row) * head.k.n

    tiles = -(-head.q.n // tile.rows)
    per = max(1, min(tiles, int(5e8 // (tile.rows * (head.q.d + padded + 32) * max(head.k.n, 1)))))
    # the last tiles of a causal head look at the most keys: they go first, so that threads end together
    return [functools.partial(one, a, min(a + per, tiles)) for a in reversed(range(0, tiles, per))]


__all__ = ["ACC", "Head", "attend", "matrix", "multiply", "pair_values", "weighted_sum"]
