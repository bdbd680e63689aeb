"""The searches of this package: the engine's own, under comparisons of three kinds.

The ordinary dot product or any other metric; the ratio margin of rows whose lengths say how similar their neighbours
are; and, summed over all others, the exponential.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from likewise.arrays import is_sparse
from likewise.compute import paired, topk, weighted_sum
from likewise.formula import math as m
from likewise.formula.metric import Metric, metric
from likewise.formula.metrics import dot
from likewise.reductions import TopK
from likewise.translate.rows import Floats, Options, Rows, with_column


def _ratio(s: Any, norm_x: Any, norm_y: Any) -> Any:
    return m.where(s == 0, 0, 2 * (s / norm_x / norm_y) / (m.log(norm_x) + m.log(norm_y)))


#: cos(x, y) over the mean of log |x| and log |y|: rows are scaled to the length exp(r), r being the mean similarity of
#: their nearest neighbours (any sign; a length of r itself would need r > 0). 0 at right angles, whatever the mean.
RATIO = metric(lambda x, y: x * y, closer="larger", finish=_ratio, name="ratio")

#: exp of the dot product: what a softmax sums.
EXPONENTIAL = metric(lambda x, y: x * y, closer="larger", finish=m.exp, name="exponential")

_EXP = metric(lambda x, y: m.exp(x + y), name="exp")
_LOG = metric(lambda x, y: m.log(x + y), name="log")


def exp(values: Floats) -> Floats:
    """The engine's exponential, whose bits are the same on every machine, as NumPy's are not."""
    return _each(values, _EXP)


def log(values: Floats) -> Floats:
    """The engine's logarithm."""
    return _each(values, _LOG)


def _each(values: Floats, how: Metric) -> Floats:
    if not values.size:
        return values
    column = np.ascontiguousarray(values).reshape(-1, 1)
    return np.asarray(paired(column, np.zeros((1, 1)), metric=how)).reshape(values.shape)


def nearest(queries: Rows, items: Rows, k: int, how: Any, options: Options) -> TopK:
    """The k best items of each query, exactly, ties to the lowest index; padded with -1 and NaN."""
    return topk(queries, items, k, metric=how, **options.keywords())


def neighbourhood(rows: Rows, others: Rows, neighbours: int, options: Options) -> Floats:
    """The mean cosine of each row with its nearest others (unit rows both), as many as there are, up to a number."""
    k = min(neighbours, others.shape[0])
    if not k:
        return np.zeros(rows.shape[0])
    return np.asarray(nearest(rows, others, k, dot, options).values.mean(axis=1))


def log_sum_exp(rows: Rows, others: Rows, options: Options) -> Floats:
    """Log of the sum over others of exp(row . other), for each row; no exponential overflows, nor do all vanish."""
    search, fold = options.stages(*[rows.shape[0] * others.shape[0]] * 2)
    largest = nearest(rows, others, 1, dot, search).values[:, 0]
    shifted, ones = with_column(rows, -largest), with_column(others, np.ones(others.shape[0]))
    if is_sparse(shifted):
        return largest + log(_sparse_sums(shifted, ones, options))
    sums = weighted_sum(shifted, ones, np.ones(others.shape[0]), metric=EXPONENTIAL, **fold.keywords())
    return np.asarray(largest + log(sums))


def _sparse_sums(rows: Rows, others: Rows, options: Options) -> Floats:
    """Sum over others of exp(row . other): a block of rows at a time, which takes a quarter of the memory at most."""
    step = max(1, options.memory // (32 * max(1, others.shape[0])))
    turned = others.T.tocsr()
    sums = np.empty(rows.shape[0])
    for first in range(0, len(sums), step):
        sums[first : first + step] = exp((rows[first : first + step] @ turned).toarray()).sum(axis=1)
    return sums
