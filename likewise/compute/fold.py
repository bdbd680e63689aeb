"""Reductions over all items: weighted sums and attention."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import broadcast_lead, give, read, same_dimension, to_floating
from likewise.compute.options import Options, Progress, read_options
from likewise.compute.sides import dense_side, fold_compute, measured, metric_for, refuse_bad, result_dtype
from likewise.errors import InputError, ShapeError
from likewise.formula.metric import Metric
from likewise.formula.metrics import dot
from likewise.plan import DEFAULT_MEMORY


def weighted_sum(
    x: Any,
    y: Any,
    weights: Any,
    *,
    metric: Any,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Sum over j of metric(x_i, y_j) weights_j, without the n x m matrix: kernel regression, density, a matrix product.

    For floats of at most 32 bits values are float32, and sums run in float32 over blocks of 256 items and in float64
    across them; other inputs go in float64 throughout. The order of summation is fixed.

    Parameters
    ----------
    x : array_like of shape (..., n, d), or (d,)
    y : array_like of shape (..., m, d)
    weights : array_like of shape (m,) or (..., m, p)
    metric, n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped y counts nothing, a skipped x gives NaN.

    Returns
    -------
    ndarray of shape (..., n) or (..., n, p)
        float32 where all inputs are floats of at most 32 bits, else float64.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.weighted_sum([[1.0]], [[2.0], [3.0]], [10.0, 1.0], metric="dot")
    array([23.])
    """
    options = read_options(n_jobs, memory_limit, on_bad, progress)
    a, b, w = read(x, "x"), read(y, "y"), read(weights, "weights")
    same_dimension(a, b, "x", "y")
    found = metric_for(metric, a.d)
    given = w.array[0] if w.vector else w.array
    if given.shape[0 if w.vector else -2] != b.rows:
        raise ShapeError(f"weights has shape {given.shape}; one row per item is wanted, and y has {b.rows}")
    measured(w.flat(), w.dtype, "weights", frozenset(), replace(options, skip_bad=False))
    columns = to_floating(w)
    columns = columns.reshape(-1, 1) if w.vector else columns
    lead = _common_lead(broadcast_lead(a, b, "x", "y"), columns.shape[:-2], "weights", given.shape)
    out = np.zeros((*lead, a.rows, columns.shape[-1]), result_dtype(a.dtype, b.dtype, w.dtype))
    compute = fold_compute(a.dtype, b.dtype, w.dtype)

    def one(rows_x: NDArray[Any], rows_y: NDArray[Any], here: NDArray[Any], result: NDArray[Any]) -> None:
        if result.size:
            sides = ((rows_x, a.dtype, "x"), (rows_y, b.dtype, "y"))
            result[...] = _weighted(found, sides, here, compute, options)

    if not b.lead and columns.ndim == 2:
        one(a.flat(), b.array, columns, out.reshape(-1, columns.shape[-1]))
    else:
        xs, ys, ws = (np.broadcast_to(array, (*lead, *array.shape[-2:])) for array in (a.array, b.array, columns))
        for index in np.ndindex(*lead):
            one(np.ascontiguousarray(xs[index]), np.ascontiguousarray(ys[index]), ws[index], out[index])
    result = out[..., 0] if w.vector else out
    if a.vector:
        result = result[..., 0] if w.vector else result[..., 0, :]
    return give(np.asarray(result), a, b, w)


def _weighted(
    metric: Metric,
    sides: tuple[tuple[NDArray[Any], str, str], ...],
    weights: NDArray[Any],
    compute: str,
    options: Options,
) -> NDArray[Any]:
    from likewise.backends.llvm import dense
    from likewise.backends.llvm.rows import take

    (sx, bad_x), (sy, bad_y) = (dense_side(*rows, rows[2], metric, options) for rows in sides)  # named "x" and "y"
    if len(bad_y):
        good = np.setdiff1d(np.arange(sy.n), bad_y)
        sy, weights = take(sy, good), weights[good]
    size = 4 if compute == "f32" else 8
    block = min(1 << 24, (options.memory or DEFAULT_MEMORY) // 8) // (size * (sx.d + weights.shape[1]))
    result = dense.weighted_sum(metric, sx, sy, weights, compute, options.threads, block, options.progress)
    result[bad_x] = np.nan
    return result


def _common_lead(lead: tuple[int, ...], other: tuple[int, ...], name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(lead, other)
    except ValueError:
        raise ShapeError(f"{name} has shape {shape}; its leading axes do not broadcast with {lead}") from None


def attend(
    q: Any,
    k: Any,
    v: Any,
    *,
    metric: Any = "dot",
    scale: float | None = None,
    mask: Any = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Attention under any metric: softmax(scale * metric(q, k)) v, in memory linear in the lengths.

    Distances enter negated, so that near keys weigh most. In float32 for floats of at most 32 bits, else float64.

    Parameters
    ----------
    q : array_like of shape (..., n, d)
    k : array_like of shape (..., m, d)
    v : array_like of shape (..., m, e)
        Leading axes (batches, heads) broadcast.
    metric : str, Metric or callable
        Default "dot": what ``scaled_dot_product_attention`` computes.
    scale : float, optional
        Default 1 / sqrt(d) for "dot", else 1.
    mask : "causal", array_like of bool or of float, of shape (..., n, m), optional
        "causal": query i sees keys 0..i. Boolean: True where a query may look. Float: added to the scores.
        A query that may look at nothing gets zeros.
    n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped key or value is not seen, a skipped query gives NaN.

    Returns
    -------
    ndarray of shape (..., n, e)

    Examples
    --------
    >>> import likewise as lw
    >>> lw.attend([[0.0]], [[0.0], [9.0]], [[1.0], [2.0]], metric="sqeuclidean").round(6)
    array([[1.]])
    """
    options = read_options(n_jobs, memory_limit, on_bad, progress)
    a, b, c = read(q, "q"), read(k, "k"), read(v, "v")
    same_dimension(a, b, "q", "k")
    if c.vector or c.rows != b.rows:
        shape = c.array.shape[1:] if c.vector else c.array.shape
        raise ShapeError(f"v has shape {shape}; one row per key is wanted, and k has {b.rows}")
    found = metric_for(metric, a.d)
    factor = _read_scale(scale, found, a.d)
    lead = _common_lead(broadcast_lead(a, b, "q", "k"), c.lead, "v", c.array.shape)
    causal, masks = _read_mask(mask, lead, a.rows, b.rows)
    out = np.zeros((*lead, a.rows, c.d), result_dtype(a.dtype, b.dtype, c.dtype))
    if out.size:
        from likewise.backends.llvm import dense

        values = to_floating(c)
        hidden = ~np.isfinite(values).all(axis=-1, keepdims=True)
        refuse_bad(np.nonzero(hidden.ravel())[0], "v", options)
        spread = [np.broadcast_to(array, (*lead, *array.shape[-2:])) for array in (a.array, b.array, values, hidden)]
        bad_queries = {}

        def heads() -> Iterator[dense.Head]:
            for index in np.ndindex(*lead):
                rows_q, rows_k, rows_v, unseen = (array[index] for array in spread)
                sides = ((rows_q, a.dtype, "q"), (rows_k, b.dtype, "k"))
                here = None if masks is None else masks[index]
                head, bad = _head(found, sides, rows_v, unseen[:, 0], here, causal, out[index], options)
                bad_queries[index] = bad
                yield head

        compute = fold_compute(a.dtype, b.dtype, c.dtype)
        total = int(np.prod(lead)) * a.rows * b.rows
        dense.attend(found, heads(), factor, compute, options.threads, total, options.progress)
        for index, bad in bad_queries.items():
            out[index][bad] = np.nan
    return give(np.asarray(out[..., 0, :] if a.vector else out), a, b, c)


def _read_scale(scale: Any, metric: Metric, d: int) -> float:
    if scale is None:
        return float(1 / np.sqrt(d)) if metric == dot else 1.0
    try:
        value = float(scale)
    except (TypeError, ValueError):
        raise InputError(f"scale={scale!r} is not a number") from None
    if not np.isfinite(value):
        raise InputError(f"scale={scale!r} is not finite")
    return value


def _read_mask(mask: Any, lead: tuple[int, ...], n: int, m: int) -> tuple[bool, NDArray[Any] | None]:
    """Whether ``mask=`` is "causal", and else the array of shape (*lead, n or 1, m)."""
    if mask is None:
        return False, None
    if isinstance(mask, str):
        if mask != "causal":
            raise InputError(f"mask={mask!r} is not known; it is 'causal', a boolean or an additive array")
        return True, None
    array = np.asarray(mask)
    if array.dtype != np.bool_ and array.dtype.kind != "f":
        raise InputError(f"mask= is of type {array.dtype}; boolean (True = may look) or floating (added) is wanted")
    if array.dtype.kind == "f" and (np.isnan(array).any() or np.isposinf(array).any()):
        raise InputError("mask= holds NaN or +infinity; -infinity hides a key")
    try:
        fits = np.broadcast_shapes(array.shape, (*lead, n, m)) == (*lead, n, m)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"mask= has shape {array.shape}; it must broadcast to {(*lead, n, m)}")
    array = array.reshape((1,) * (2 - array.ndim) + array.shape)
    rows = n if array.shape[-2] != 1 else 1
    return False, np.broadcast_to(array, (*lead, rows, m))


def _head(
    metric: Metric,
    sides: tuple[tuple[NDArray[Any], str, str], ...],
    values: NDArray[Any],
    unseen: NDArray[np.bool_],
    mask: NDArray[Any] | None,
    causal: bool,
    out: NDArray[Any],
    options: Options,
) -> tuple[Any, NDArray[np.int64]]:
    """One head ready for the engine, and its bad queries. Keys and values that are skipped leave its mask too."""
    from likewise.backends.llvm.dense import Head
    from likewise.backends.llvm.rows import take

    (sq, bad_q), (sk, bad_k) = (
        dense_side(np.ascontiguousarray(rows), dtype, which, name, metric, options)
        for (rows, dtype, name), which in zip(sides, "xy", strict=True)
    )
    hidden = np.union1d(bad_k, np.nonzero(unseen)[0])
    if len(hidden):
        good = np.setdiff1d(np.arange(sk.n), hidden)
        if causal:
            causal, mask = False, np.tril(np.ones((sq.n, sk.n), np.bool_))
        sk, values = take(sk, good), values[good]
        mask = None if mask is None else mask[:, good]
    return Head(sq, sk, values, mask, causal, out), bad_q
