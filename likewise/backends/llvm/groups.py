"""Rows in groups: the sum of each, and the values of a few rows with all others. For k-means."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.dense import lists_values
from likewise.backends.llvm.jit import kernel
from likewise.backends.llvm.rows import Side, address
from likewise.formula.expr import ACC
from likewise.formula.metric import Metric

_ROWS_PER_CALL = 4096
_ITEMS_PER_TASK = 2048


def members(labels: NDArray[np.int64], k: int) -> list[NDArray[np.int64]]:
    """The rows of each label, in order."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.cumsum(np.bincount(labels, minlength=k))[:-1])


def sums(
    side: Side, groups: list[NDArray[np.int64]], weights: NDArray[np.float64], threads: int
) -> NDArray[np.float64]:
    """(k, d): the weighted sum of each group's rows in float64, one after the other, so for any number of threads."""
    dtype, out = side.dtype, np.zeros((len(groups), side.d))
    run = kernel(
        "sums", f"sums {dtype}", kernels.SUM_FIELDS, lambda module, name: kernels.sum_kernel(module, name, dtype)
    )

    def one(group: int) -> None:
        listed = np.ascontiguousarray(groups[group])
        for first in range(0, len(listed), _ROWS_PER_CALL):
            if pool.stopped():
                return
            run(
                rows=address(side.rows),
                d=side.d,
                listed=address(listed) + 8 * first,
                weights=address(weights),
                count=min(_ROWS_PER_CALL, len(listed) - first),
                sums=address(out) + group * side.d * 8,
            )

    largest_first = sorted(range(len(groups)), key=lambda group: -len(groups[group]))
    pool.run([functools.partial(one, group) for group in largest_first], threads)
    return out


def values_with_all(metric: Metric, few: Side, side: Side, threads: int) -> NDArray[np.float64]:
    """(rows of ``few``, rows of ``side``): every value in float64."""
    out = np.empty((few.n, side.n))
    numbers = np.tile(np.arange(_ITEMS_PER_TASK), (few.n, 1))

    def one(first: int) -> None:
        count = min(_ITEMS_PER_TASK, side.n - first)
        width = -(-count // 8) * 8
        found, counts = numbers + first, np.full(few.n, count)
        _, values = lists_values(metric, ACC, few, side, 0, found, counts, 0, few.n, width)
        out[:, first : first + count] = values[:, :count]

    pool.run([functools.partial(one, first) for first in range(0, side.n, _ITEMS_PER_TASK)], threads)
    return out
