"""Sparse rows on their way through a search: measured, transposed, shared out by the terms they have."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import pool
from likewise.backends.llvm.candidates import Candidates, order_lines
from likewise.backends.llvm.filters import Filter, FilterFields
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.kernels.sparse import ROW_SUM_FIELDS, row_sums_kernel, sparse_fields, sparse_kernel
from likewise.backends.llvm.kernels.tile import Tile, stat_fields
from likewise.backends.llvm.pool import Counter
from likewise.backends.llvm.rows import address, aligned
from likewise.backends.llvm.target import current
from likewise.formula.sparse import SparseForm

Floats = NDArray[np.float64]
BestState = tuple[Floats, Floats, NDArray[np.int64]]
_TASK_TERMS = 20_000_000  # terms of a task: some 20 ms, between which Ctrl-C and progress are seen
_TASK_ROWS = 512  # queries of a task, whose lists lie in the second-level cache
_PAD = 64  # sums and statistics of items reach past the last by a stretch of the kernel


@dataclass(frozen=True)
class SparseRows:
    """Rows by their stored coordinates: row i has ``columns[starts[i]:starts[i + 1]]``, rising, and those numbers."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    numbers: NDArray[Any]  # float32 or float64, none of them 0
    d: int
    ones: bool  # every number is 1
    stats: dict[str, Floats] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return len(self.starts) - 1

    def measured(self, wanted: frozenset[str]) -> SparseRows:
        """The same with the ``wanted`` statistics, as passes over dense rows give them: an absent 0 adds nothing."""
        sums = {name: np.empty(self.n) for name in ROW_SUM_FIELDS[3:]}
        counts = np.diff(self.starts).astype(np.float64)
        if self.ones:
            sums = dict.fromkeys(sums, counts)
        else:
            numbers = np.ascontiguousarray(self.numbers, np.float64)
            run = kernel("row_sums", "row sums", ROW_SUM_FIELDS, row_sums_kernel)
            outputs = {name: address(array) for name, array in sums.items()}
            run(n=self.n, starts=address(self.starts), numbers=address(numbers), **outputs)
        made = {"sum": sums["sum"], "norm1": sums["norm1"], "nnz": counts}
        made |= {"norm": np.sqrt(sums["squares"]), "mean": sums["sum"] / self.d}
        stats = {name: made[name] for name in wanted}
        return SparseRows(self.starts, self.columns, self.numbers, self.d, self.ones, stats)


@dataclass(frozen=True)
class Transposed:
    """For each coordinate, the rows that have it, rising, and their numbers."""

    starts: NDArray[np.int64]
    rows: NDArray[np.int32]
    numbers: NDArray[Any]


def topk(
    form: SparseForm,
    queries: SparseRows,
    items: SparseRows,
    turned: Transposed,
    k: int,
    where: Filter | None,
    threads: int,
    progress: Any = None,
) -> BestState:
    """The k best items of every query: keys, values, indices, each (n, k); both sides measured."""
    n, m = queries.n, items.n
    out = np.full((n, k), np.nan), np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
    if n == 0 or m == 0:
        return out
    target = current()
    tile = Tile(1, 1, max(target.lanes // 2, 1), "f64", target)
    run = _kernel(tile, form, queries, items)
    filter_fields = FilterFields(where)
    stats = {
        name: queries.stats[name[:-2]] if name.endswith("x") else _padded(items.stats[name[:-2]])
        for name in stat_fields((form.key, form.value))
    }
    room = -(-m // _PAD) * _PAD
    most = min(k, m)
    done = Counter(n * m, progress)

    def one(first: int, last: int) -> None:
        count = last - first
        lists = Candidates.empty(count, most, m, np.float64)
        values = np.empty_like(lists.keys)
        sums = aligned(room * len(form.terms), np.float64)
        sums[:] = 0.0
        base = {
            "m": m,
            "d": queries.d,
            "x_columns": address(queries.columns),
            "x_numbers": address(queries.numbers),
            "y_start": address(turned.starts),
            "y_rows": address(turned.rows),
            "y_numbers": address(turned.numbers),
            "sums": address(sums),
            "room": room,
        }
        for a, b in _stretches(costs, first, last):
            if pool.stopped():
                return
            at = a - first
            run(
                n=b - a,
                x_start=address(queries.starts) + 8 * a,
                values=address(values) + at * values.strides[0],
                **base,
                **lists.fields(at, 1.0, lists.threshold),
                **filter_fields.of(a, 0),
                **{name: address(v) + (8 * a if name.endswith("x") else 0) for name, v in stats.items()},
            )
        width = max(int(lists.count.max()), 1)
        keys = np.ascontiguousarray(lists.keys[:, :width])
        keys[np.arange(width) >= lists.count[:, None]] = np.nan
        lines = [np.full((count, most), blank) for blank in (np.nan, np.nan)], np.full((count, most), -1, np.int64)
        found = [*lines[0], lines[1]]
        order_lines(most, keys, np.ascontiguousarray(values[:, :width]), lists.found[:, :width], found)
        for whole, part in zip(out, found, strict=True):
            whole[first:last, :most] = part
        done.add(count * m)

    costs = _costs(queries, turned, m)
    pool.run([functools.partial(one, a, b) for a, b in _shares(costs, threads)], threads, done.report)
    return out


def _kernel(tile: Tile, form: SparseForm, queries: SparseRows, items: SparseRows) -> Kernel:
    ones = queries.ones and items.ones
    types = str(queries.numbers.dtype), str(items.numbers.dtype)
    recipe = f"sparse {tile} {form} {types} {ones}"
    return kernel(
        "sparse",
        recipe,
        sparse_fields(form),
        lambda module, name: sparse_kernel(module, name, tile, form, *types, ones),
    )


def _padded(stat: Floats) -> Floats:
    made = np.zeros(len(stat) + _PAD)
    made[: len(stat)] = stat
    return made


def _costs(queries: SparseRows, turned: Transposed, m: int) -> NDArray[np.int64]:
    """Terms of all queries before each one; looking at all sums counts as m / 4."""
    lengths = np.diff(turned.starts)
    before = np.zeros(len(queries.columns) + 1, np.int64)
    np.cumsum(lengths[queries.columns], out=before[1:])
    return before[queries.starts] + np.arange(queries.n + 1) * (m // 4 + 16)


def _shares(costs: NDArray[np.int64], threads: int) -> list[tuple[int, int]]:
    """Ranges of queries of about equal cost, for the threads to take in turn."""
    n, total = len(costs) - 1, int(costs[-1] - costs[0])
    each = max(1, min(_TASK_TERMS * 8, total // (4 * threads)))
    cuts, at = [0], 0
    while at < n:
        stop = int(np.searchsorted(costs, costs[at] + each, side="left"))
        at = min(max(stop, at + 1), at + _TASK_ROWS, n)
        cuts.append(at)
    return list(itertools.pairwise(cuts))


def _stretches(costs: NDArray[np.int64], first: int, last: int) -> list[tuple[int, int]]:
    """The queries of one task in calls of the kernel."""
    made, at = [], first
    while at < last:
        stop = min(max(int(np.searchsorted(costs, costs[at] + _TASK_TERMS, side="left")), at + 1), last)
        made.append((at, stop))
        at = stop
    return made


def turn(rows: SparseRows) -> Transposed:
    """The rows' transpose."""
    import scipy.sparse as sp

    # scipy wants one type of index, and keeps int32 where that will do
    starts = rows.starts.astype(np.int32) if rows.starts[-1] < 2**31 else rows.starts
    columns = rows.columns if starts.dtype == np.int32 else rows.columns.astype(np.int64)
    turned = sp.csr_array((rows.numbers, columns, starts), shape=(rows.n, rows.d)).tocsc()
    return Transposed(turned.indptr.astype(np.int64), turned.indices.astype(np.int32, copy=False), turned.data)
