"""The searches of this package: the engine's, for dense rows and sparse ones.

A *comparison* is an ordinary dot product, the cosine, or the ratio margin of rows whose lengths say how similar their
neighbours are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from likewise.compute import topk, weighted_sum
from likewise.errors import InputError
from likewise.formula import math as m
from likewise.formula.metric import Metric, metric
from likewise.formula.metrics import as_metric, cosine, dot
from likewise.reductions import TopK
from likewise.translate.rows import Floats, Options, Rows, is_sparse, unit


def _ratio(s: Any, norm_x: Any, norm_y: Any) -> Any:
    return m.where((norm_x == 0) | (norm_y == 0), 0, 2 * (s / norm_x / norm_y) / (m.log(norm_x) + m.log(norm_y)))


#: cos(x, y) over the mean of log |x| and log |y|: rows are scaled to the length exp(r), r being the mean similarity of
#: their nearest neighbours (any sign; a length of r itself would need r > 0).
RATIO = metric(lambda x, y: x * y, closer="larger", finish=_ratio, name="ratio")

#: exp of the dot product: what a softmax sums.
EXPONENTIAL = metric(lambda x, y: x * y, closer="larger", finish=m.exp, name="exponential")


def nearest(queries: Rows, items: Rows, k: int, how: Any, options: Options) -> TopK:
    """The k best items of each query, exactly, ties to the lowest index; sparse rows where either side is."""
    found = as_metric(how)
    if not is_sparse(queries) and not is_sparse(items):
        return topk(queries, items, k, metric=found, **options.keywords())
    return _nearest_sparse(queries, items, k, found, options)


def neighbourhood(rows: Rows, others: Rows, neighbours: int, options: Options) -> Floats:
    """The mean cosine of each row with its nearest others (unit rows both), as many as there are, up to a number."""
    k = min(neighbours, others.shape[0])
    if not k:
        return np.zeros(rows.shape[0])
    return np.asarray(nearest(rows, others, k, dot, options).values.mean(axis=1))


def log_sum_exp(rows: Rows, others: Rows, options: Options) -> Floats:
    """Log of the sum over others of exp(row . other), for each row; no exponential overflows, nor do all vanish."""
    from likewise.translate.rows import with_column

    search, fold = options.stages(*[rows.shape[0] * others.shape[0]] * 2)
    largest = nearest(rows, others, 1, dot, search).values[:, 0]
    shifted, ones = with_column(rows, -largest), with_column(others, np.ones(others.shape[0]))
    if is_sparse(shifted):
        sums = np.concatenate([np.exp(block).sum(axis=1) for _, block in _products(shifted, ones, fold)])
    else:
        sums = weighted_sum(shifted, ones, np.ones(others.shape[0]), metric=EXPONENTIAL, **fold.keywords())
    return np.asarray(largest + np.log(sums))


def _products(queries: Rows, items: Rows, options: Options) -> Iterator[tuple[int, Floats]]:
    """(first query, its and the next ones' dot products with all items), in blocks that fit in memory."""
    step = max(1, options.memory // (32 * max(1, items.shape[0])))
    turned = items.T.tocsr() if is_sparse(items) else items.T
    for first in range(0, queries.shape[0], step):
        block = queries[first : first + step] @ turned
        yield first, np.asarray(block.toarray() if is_sparse(block) else block)


def _nearest_sparse(queries: Rows, items: Rows, k: int, how: Metric, options: Options) -> TopK:
    if how not in (dot, cosine, RATIO):
        raise InputError(f"sparse rows are compared by dot or cosine; found {how.name}")
    n, k_found = queries.shape[0], min(k, items.shape[0])
    values, indices = np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
    if how != dot:
        lengths_x, lengths_y = _lengths(queries), _lengths(items)
        queries, items = unit(queries), unit(items)
    for first, block in _products(queries, items, options):
        if how == RATIO:
            with np.errstate(divide="ignore"):
                block = 2 * block / (np.log(lengths_x[first : first + len(block), None]) + np.log(lengths_y))
        order = np.argsort(-block, axis=1, kind="stable")[:, :k_found]
        here = slice(first, first + len(block))
        values[here, :k_found], indices[here, :k_found] = np.take_along_axis(block, order, 1), order
        if callable(options.progress):
            options.progress((first + len(block)) * items.shape[0], n * items.shape[0])
    return TopK(values, indices)


def _lengths(rows: Rows) -> Floats:
    return np.asarray(np.sqrt((rows * rows).sum(axis=1))).ravel()
