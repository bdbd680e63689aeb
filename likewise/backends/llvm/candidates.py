"""What a search keeps of each query: a list of candidates, which is tightened, settled and sorted.

The search kernel appends keys and items under the query's threshold. A list that has grown gives its k-th smallest key,
that a lower threshold, and that fewer candidates; so once more at the end. What is left is settled, key and value in
float64, and sorted by key, then by index; the first k are the answer.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.dense import lists_values, pair_values
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.rows import Side, address
from likewise.formula.expr import Expr
from likewise.formula.metric import Metric

_TILE_ROWS = 32  # no tile has more rows
#: Room beyond the length at which a list is tightened: a panel's hits (32 at most), and a vector to fill up with NaN.
_SPARE = 64
#: Lists of so many candidates are settled row by row; the pairs of shorter ones are strung together, since a row's last
#: vector of eight is half empty.
_LONG = 48
_TASK_BYTES = 1 << 21  # keys and values of a task: they stay in the second-level cache until they are sorted


def candidates_per_query(k: int, m: int) -> int:
    """Room for candidates: k, what a screen leaves besides, and what comes on the way; never more than all items."""
    return min(2 * k + 2 * min(k, 1024) + 64, m + 1)


def state_bytes(k: int, m: int, itemsize: int) -> int:
    """Memory of one query's list, and its share of what is being settled."""
    return (candidates_per_query(k, m) + _SPARE) * (itemsize + 8) + 24 * k + 64


@dataclass
class Candidates:
    """The lists of some queries over some of the items."""

    k: int
    m: int
    keys: NDArray[Any]  # (n, room)
    found: NDArray[np.int64]  # (n, room)
    count: NDArray[np.int64]
    trigger: NDArray[np.int64]  # lengths at which lists are tightened
    threshold: NDArray[Any]
    overflow: NDArray[np.int64]

    @classmethod
    def empty(cls, n: int, k: int, m: int, dtype: Any) -> Candidates:
        """Lists of n queries; thresholds reach past the end by a tile, which kernels may read."""
        cap = candidates_per_query(k, m)
        return cls(
            k,
            m,
            np.empty((n, cap + _SPARE), dtype),
            np.empty((n, cap + _SPARE), np.int64),
            np.zeros(n, np.int64),
            np.full(n, min(cap, k + _step(k)), np.int64),
            np.full(n + _TILE_ROWS, np.inf, dtype),
            np.zeros(n, np.int64),
        )

    def fields(self, at: int, slope: float, offset: NDArray[Any]) -> dict[str, Any]:
        """As kernels take them, from query ``at``."""
        size, stride = self.keys.itemsize, self.keys.shape[1]
        cap = candidates_per_query(self.k, self.m)
        return {
            "keys": address(self.keys) + at * stride * size,
            "found": address(self.found) + at * stride * 8,
            "count": address(self.count) + at * 8,
            "trigger": address(self.trigger) + at * 8,
            "threshold": address(self.threshold) + at * size,
            "offset": address(offset) + at * size,
            "overflow": address(self.overflow) + at * 8,
            "stride": stride,
            "k": self.k,
            "cap": cap,
            "crowd": cap - cap // 4 if cap <= self.m else cap,  # a list that holds all items cannot overflow
            "step": _step(self.k),
            "spare": self.k // 16,
            "finish": 0,
            "slope": slope,
        }

    def tighten(self, search_kernel: Kernel, slope: float, offset: NDArray[Any], threads: int) -> None:
        """Every list down to what its own k-th smallest key allows; empty where it overflowed."""
        self.count[self.overflow != 0] = 0
        n, room = self.keys.shape
        nothing: dict[str, Any] = dict.fromkeys(search_kernel.fields, 0)  # no panels to go through
        step = max(1, 200_000 // room)

        def one(a: int, b: int) -> None:
            search_kernel(**nothing | self.fields(a, slope, offset) | {"spare": 0, "crowd": room, "finish": b - a})

        pool.run([functools.partial(one, a, min(a + step, n)) for a in range(0, n, step)], threads)


def _step(k: int) -> int:
    """Hits between two tightenings: with k / 2, some 1.2 k log(m / k) hits in all, and two keys looked at for each."""
    return max(1, k // 2)


def joined(parts: list[Candidates]) -> Candidates:
    """One list a query from those of several shares of the items, in the order of the items."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    n = len(first.keys)
    counts = np.stack([p.count for p in parts])
    width = int(counts.sum(axis=0).max(initial=0))
    made = Candidates(
        first.k,
        first.m,
        np.full((n, width + _SPARE), np.nan, first.keys.dtype),
        np.zeros((n, width + _SPARE), np.int64),
        counts.sum(axis=0),
        first.trigger,
        np.minimum.reduce([p.threshold for p in parts]),
        np.bitwise_or.reduce([p.overflow for p in parts]),
    )
    for i in range(n):
        found = np.concatenate([p.found[i, : p.count[i]] for p in parts])
        order = np.argsort(found, kind="stable")
        made.found[i, : len(found)] = found[order]
        made.keys[i, : len(found)] = np.concatenate([p.keys[i, : p.count[i]] for p in parts])[order]
    return made


Lines = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]


def settle(
    lists: Candidates,
    metric: Metric,
    key: Expr,
    x: Side,
    y: Side,
    first: int,
    out: Lines,
    threads: int,
    pairs: Any = None,
) -> None:
    """The k best of each list into ``out`` (keys, values, indices: NaN and -1); ``first``: the first query's row.

    ``pairs(rows, found, threads)`` gives keys and values in place of :func:`pair_values`.
    """
    n, k = len(lists.count), lists.k
    compare = pairs or functools.partial(pair_values, metric, key, x, y)
    widest = max(int(lists.count.max(initial=0)), 8)
    step = max(1, min(_TASK_BYTES // (16 * widest), -(-n // (4 * threads))))

    def one(a: int, b: int) -> None:
        width = -(-max(int(lists.count[a:b].max()), 1) // 8) * 8
        found = lists.found[a:b, :width]
        if pairs is None and lists.count[a:b].mean() >= _LONG:
            keys, values = lists_values(metric, key, x, y, first, lists.found, lists.count, a, b, width)
            order_lines(k, keys, values, found, [whole[a:b] for whole in out])
            return
        listed = np.arange(width) < lists.count[a:b, None]
        rows, _ = np.nonzero(listed)
        keys, values = np.full(listed.shape, np.nan), np.full(listed.shape, np.nan)
        keys[listed], values[listed] = compare(rows + (first + a), found[listed], 1)
        for whole, part in zip(out, sorted_lines(k, keys, values, found), strict=True):
            whole[a:b, : part.shape[1]] = part

    pool.run([functools.partial(one, a, min(a + step, n)) for a in range(0, n, step)], threads)


def order_lines(
    k: int, keys: NDArray[np.float64], values: NDArray[np.float64], found: NDArray[np.int64], out: list[NDArray[Any]]
) -> None:
    """The k best of each line into lines of ``out``, which hold NaN and -1 so far."""
    rows, width = keys.shape
    work = np.empty(4 * width, np.int64)
    run = kernel("order", "order", kernels.ORDER_FIELDS, kernels.order_kernel)
    run(
        rows=rows,
        keys=address(keys),
        values=address(values),
        width=width,
        found=address(found),
        stride=found.strides[0] // 8,
        k=k,
        out_keys=address(out[0]),
        out_values=address(out[1]),
        out_indices=address(out[2]),
        work=address(work),
    )


def sorted_lines(k: int, keys: NDArray[np.float64], values: NDArray[np.float64], indices: NDArray[np.int64]) -> Lines:
    """Each line by key, cut at k. Ties stay in the order they come in, that of the items; NaN is no answer."""
    if k == 1:
        order = (keys == np.fmin.reduce(keys, axis=1)[:, None]).argmax(axis=1)[:, None]
        ordered = np.take_along_axis(keys, order, 1)
    else:
        # NumPy's quickest sort leaves ties in any order: lines that have some are sorted again, stably
        order = np.argsort(keys, axis=1)
        ordered = np.take_along_axis(keys, order, 1)
        tied = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
        if tied.any():
            order[tied] = np.argsort(keys[tied], axis=1, kind="stable")
            ordered[tied] = np.take_along_axis(keys[tied], order[tied], 1)
        order, ordered = order[:, :k], ordered[:, :k]
    values, indices = np.take_along_axis(values, order, 1), np.take_along_axis(indices, order, 1)
    absent = np.isnan(ordered)
    if absent.any():
        values[absent], indices[absent] = np.nan, -1
    return ordered, values, indices
