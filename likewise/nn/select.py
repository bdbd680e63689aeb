"""The k best scores of each row, and work on rows a block at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from likewise.compute import prepare, topk
from likewise.formula.metric import Metric
from likewise.reductions import TopK

#: Numbers that the scores of one block of rows may hold: 16 MB in float32.
BLOCK = 1 << 22


def best(scores: Tensor, k: int) -> Tensor:
    """Columns of the k largest scores of each row, (n, k) int64, the best first, ties to the lowest column.

    torch.topk leaves open which of equal scores it takes, so rows where that matters are sorted.
    """
    values, columns = torch.topk(scores, k, sorted=True)
    unclear = (scores >= values[:, -1:]).sum(-1) > k  # equal scores on both sides of the cut
    if k > 1:
        unclear |= (values[:, 1:] == values[:, :-1]).any(-1)
    if unclear.device.type != "meta" and unclear.any():
        rows = unclear.nonzero()[:, 0]
        columns[rows] = torch.sort(scores[rows], dim=-1, descending=True, stable=True).indices[:, :k]
    return columns


def split(rows: Tensor, step: int) -> list[Tensor]:
    """Rows, so many at a time; at least one part, which may be empty."""
    return [rows[i : i + step] for i in range(0, len(rows), max(step, 1)) or [0]]


def in_blocks(function: Callable[[Tensor], Tensor], rows: Tensor, numbers: int) -> Tensor:
    """function(rows), a block of rows at a time where a row takes so many ``numbers``.

    More than one block of what is recorded for gradients is computed again in the backward pass, so that memory does
    not grow with rows times ``numbers``.
    """
    step = max(1, BLOCK // max(numbers, 1))
    if len(rows) <= step:
        return function(rows)
    if not torch.is_grad_enabled():
        return torch.cat([function(part) for part in split(rows, step)])
    return torch.cat([checkpoint(function, part, use_reentrant=False) for part in split(rows, step)])


def array_of(tensor: Tensor) -> NDArray[Any]:
    """A tensor of the CPU as the engine reads it: 16-bit numbers as float32, which holds them."""
    tensor = tensor.detach()
    return (tensor if tensor.dtype in (torch.float32, torch.float64) else tensor.float()).contiguous().numpy()


class Finder:
    """Exact searches of rows that may change between calls.

    Rows are prepared at their second search, and again when they have changed: choosing how takes some tenths of a
    second, which one search may not be worth. The rows of each call are compared with a copy of those seen last, so
    that it does not matter who wrote them, or how: this reads them once, as a search by one query does.
    """

    def __init__(self) -> None:
        self._kept: tuple[Metric, NDArray[Any], Any] | None = None

    def find(self, queries: NDArray[Any], items: NDArray[Any], k: int, metric: Metric) -> TopK:
        """The k best items of each query, the best first; -1 and NaN where fewer have a value."""
        threads, kept = torch.get_num_threads(), self._kept
        if kept is None or kept[0] != metric or kept[1].dtype != items.dtype or not np.array_equal(kept[1], items):
            self._kept = (metric, items.copy(), None)
            return topk(queries, items, k, metric=metric, n_jobs=threads)
        rows, prepared = kept[1:]
        if prepared is None:
            prepared = prepare(rows, metric=metric, n_jobs=threads)
            self._kept = (metric, rows, prepared)
        return topk(queries, prepared, k, n_jobs=threads)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy prepares its own."""
        return (Finder, ())
