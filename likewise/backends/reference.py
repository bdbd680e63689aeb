"""The definition: plain float64 NumPy, coordinate after coordinate. Every other backend answers to it.

``values`` is the whole library in one loop:

    for t in range(d):
        acc = combine(acc, term(x[:, t], y[:, t]))
    return finish(acc)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.formula.expr import DIM, Expr, X, Y, stat
from likewise.formula.metric import Metric
from likewise.formula.rank import rank_of
from likewise.reductions import Best, SoftmaxSum, TopK, Within, all_within

Floats = NDArray[np.float64]

_OPERATIONS: dict[str, Callable[..., Any]] = {
    "neg": np.negative,
    "abs": np.abs,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "min": np.minimum,
    "max": np.maximum,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "arctan": np.arctan,
    "arccos": lambda v: np.arccos(np.clip(v, -1.0, 1.0)),
    "pow": np.power,
    "lt": np.less,
    "le": np.less_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "where": np.where,
}


def evaluate(expr: Expr, leaves: dict[Expr, Any]) -> Any:
    """The value of an expression in float64, where ``leaves`` gives x, y, statistics and accumulators."""
    if expr in leaves:
        return leaves[expr]
    if expr.op == "const":
        return np.float64(expr.value or 0.0)
    with np.errstate(all="ignore"):
        return _OPERATIONS[expr.op](*(evaluate(a, leaves) for a in expr.args))


def statistics(rows: Floats) -> dict[str, Floats]:
    """The statistics of each row, summed in coordinate order."""
    n, d = rows.shape
    total, squares, norm1, nnz, away = (np.zeros(n) for _ in range(5))
    with np.errstate(all="ignore"):
        for t in range(d):
            x = rows[:, t]
            total, squares = total + x, squares + x * x
            norm1, nnz = norm1 + np.abs(x), nnz + (x != 0)
        mean = total / d
        for t in range(d):
            x = rows[:, t] - mean
            away = away + x * x
        return {
            "norm": np.sqrt(squares),
            "sum": total,
            "mean": mean,
            "dev": np.sqrt(away),
            "norm1": norm1,
            "nnz": nnz,
        }


def transform(metric: Metric, rows: Floats) -> Floats:
    """Rows times the metric's matrix, each entry summed in order."""
    if metric.matrix is None:
        return rows
    out = np.zeros((len(rows), metric.matrix.shape[1]))
    for t in range(rows.shape[1]):
        out = out + rows[:, t, None] * metric.matrix[t]
    return out


def _leaves(x: Floats, y: Floats) -> dict[Expr, Any]:
    leaves: dict[Expr, Any] = {DIM: np.float64(x.shape[1])}
    leaves |= {stat(f"{name}_x"): value[:, None] for name, value in statistics(x).items()}
    leaves |= {stat(f"{name}_y"): value[None, :] for name, value in statistics(y).items()}
    return leaves


def keys_and_values(metric: Metric, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """(n, m) keys, smaller being better, that order a search, and (n, m) values."""
    x, y = (transform(metric, np.asarray(rows, np.float64)) for rows in (x, y))
    leaves = _leaves(x, y)
    start = {"sum": 0.0, "mean": 0.0, "max": -np.inf, "min": np.inf}[metric.combine]
    join = {"sum": np.add, "mean": np.add, "max": np.maximum, "min": np.minimum}[metric.combine]
    acc = [np.full((len(x), len(y)), start) for _ in metric.terms]
    with np.errstate(all="ignore"):
        for t in range(x.shape[1]):
            here = leaves | {X: x[:, t, None], Y: y[None, :, t]}
            acc = [join(a, evaluate(term, here)) for a, term in zip(acc, metric.terms, strict=True)]
    leaves |= {Expr("acc", value=i): a for i, a in enumerate(acc)}
    rank = rank_of(metric)
    shape = (len(x), len(y))
    keys = np.broadcast_to(rank.sign * evaluate(rank.expr, leaves), shape)
    return keys, np.broadcast_to(evaluate(metric.finish, leaves), shape)


def pairwise(metric: Metric, x: Floats, y: Floats) -> Floats:
    """(n, m): every row with every row."""
    return keys_and_values(metric, x, y)[1].copy()


def topk(metric: Metric, x: Floats, y: Floats, k: int, where: NDArray[np.bool_] | None = None) -> TopK:
    """The k best of each row of x among the rows of y."""
    keys, values = keys_and_values(metric, x, y)
    indices = np.broadcast_to(np.arange(len(y)), keys.shape)
    if where is not None:
        indices = np.where(where, indices, -1)
    best = Best(k)
    return best.finish(best.step(best.init(len(x)), keys, values, indices))


def within(metric: Metric, x: Floats, y: Floats, radius: float, where: NDArray[np.bool_] | None = None) -> Within:
    """Every pair whose value is at least as close as ``radius``."""
    keys, values = keys_and_values(metric, x, y)
    inside = values <= radius if metric.closer == "smaller" else values >= radius
    if where is not None:
        inside = inside & where
    rows, indices = np.nonzero(inside)
    return all_within(len(x), rows, keys[rows, indices], values[rows, indices], indices)


def weighted_sum(metric: Metric, x: Floats, y: Floats, weights: Floats) -> Floats:
    """(n, p): pairwise values times weights (m, p)."""
    return pairwise(metric, x, y) @ np.asarray(weights, np.float64)


def attend(metric: Metric, q: Floats, k: Floats, v: Floats, scale: float, mask: Floats | None = None) -> Floats:
    """softmax(+-scale * metric(q, k) + mask) v; distances enter negated."""
    sign = 1.0 if metric.closer == "larger" else -1.0
    scores = sign * scale * pairwise(metric, q, k)
    softmax = SoftmaxSum()
    state = softmax.init(len(q), np.shape(v)[1])
    return softmax.finish(softmax.step(state, scores if mask is None else scores + mask, np.asarray(v, np.float64)))
