"""Matrices and listed pairs: pairwise, paired, contributions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import Batch, broadcast_lead, give, read, same_dimension, same_rows, to_floating
from likewise.backends import reference
from likewise.compute.options import Progress, read_options
from likewise.compute.sides import (
    as_rows,
    batches,
    counted_side,
    counts_bits,
    measured,
    metric_for,
    result_dtype,
)
from likewise.errors import InputError
from likewise.formula.bits import counts_of
from likewise.formula.expr import ACC, DIM, Expr, X, Y, stat
from likewise.formula.screen import scales_of
from likewise.plan import DEFAULT_MEMORY


def pairwise(
    x: Any,
    y: Any = None,
    *,
    metric: Any,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Every row of x with every row of y: the matrix product for ``dot``.

    Computed in float64, one coordinate after the other, and rounded once.

    Parameters
    ----------
    x : array_like of shape (..., n, d), or (d,)
    y : array_like of shape (..., m, d), or (d,), optional
        Default: x itself. Leading axes broadcast from the right, as in ``matmul``.
    metric, n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped row gives NaN.

    Returns
    -------
    ndarray of shape (..., n, m)
        float32 where both inputs are floats of at most 32 bits, else float64. A single vector gives up its axis.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.pairwise([[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]], metric="dot")
    array([[17.],
           [39.]])
    """
    from likewise.backends.llvm import dense

    options = read_options(n_jobs, memory_limit, on_bad, progress)
    a = read(x, "x", packed=True)
    b = a if y is None else read(y, "y", packed=True)
    same_dimension(a, b, "x", "y")
    found = metric_for(metric, a.d)
    lead = broadcast_lead(a, b, "x", "y")
    out = np.empty((*lead, a.rows, b.rows), result_dtype(a.dtype, b.dtype))
    block = max(64, min(1 << 24, (options.memory or DEFAULT_MEMORY) // 4) // (8 * a.d))

    def one(rows_x: NDArray[Any], rows_y: NDArray[Any], result: NDArray[Any]) -> None:
        sx, bad_x = counted_side(a, rows_x, "x", found, options)
        sy, bad_y = counted_side(b, rows_y, "y", found, options)
        if result.size == 0:
            return
        counts = counts_of(found) if not (len(bad_x) or len(bad_y)) and counts_bits(found, sx, sy) else None
        if counts is not None:
            dense.bit_matrix(counts, found, sx, sy, result, options.threads, block, options.progress)
            return
        sx, sy = (as_rows(side, frozenset(side.stats), options) for side in (sx, sy))
        dense.matrix(found, sx, sy, result, options.threads, block, options.progress)
        result[bad_x], result[:, bad_y] = np.nan, np.nan

    if not b.lead:
        one(a.flat(), b.array, out.reshape(len(a.flat()), b.rows))
    else:
        for index, rows_x, rows_y in batches(a, b, ("x", "y")):
            one(rows_x, rows_y, out[index])
    if b.vector:
        out = out[..., 0]
    if a.vector:
        out = out[..., 0] if b.vector else out[..., 0, :]
    return give(np.asarray(out), a, b)


def paired(
    x: Any,
    y: Any,
    *,
    metric: Any,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    on_bad: str = "raise",
    progress: Progress = None,
) -> Any:
    """Row i of x with row i of y.

    Parameters
    ----------
    x, y : array_like of shape (..., n, d), or (d,)
        All axes but the last broadcast, so that one vector goes with every row.
    metric, n_jobs, memory_limit, on_bad, progress
        As for :func:`topk`; a skipped row gives NaN.

    Returns
    -------
    ndarray of shape (..., n)
        float64.

    Examples
    --------
    >>> import likewise as lw
    >>> float(lw.paired([4, -3], [-4, 4], metric="dot"))
    -28.0
    """
    from likewise.backends.llvm.bits import BitSide, bit_pair_values
    from likewise.backends.llvm.dense import pair_values

    options = read_options(n_jobs, memory_limit, on_bad, progress)
    a, b = read(x, "x", packed=True), read(y, "y", packed=True)
    shape = same_rows(a, b)
    found = metric_for(metric, a.d)
    sx, bad_x = counted_side(a, a.flat(), "x", found, options)
    sy, bad_y = counted_side(b, b.flat(), "y", found, options)
    rows_x, rows_y = _numbers(a, shape), _numbers(b, shape)
    if isinstance(sx, BitSide) or isinstance(sy, BitSide):
        counts = counts_of(found) if counts_bits(found, sx, sy) else None
    else:
        counts = None
    if counts is not None:
        _, values = bit_pair_values(counts, ACC, found.finish, sx, sy, rows_x, rows_y, options.threads)
    else:
        sx, sy = (as_rows(side, frozenset(side.stats), options) for side in (sx, sy))
        _, values = pair_values(found, ACC, sx, sy, rows_x, rows_y, options.threads)
    values[np.isin(rows_x, bad_x) | np.isin(rows_y, bad_y)] = np.nan
    out = values.reshape(shape)
    return give(np.asarray(out[..., 0] if a.vector and b.vector else out), a, b)


def _numbers(batch: Batch, shape: tuple[int, ...]) -> NDArray[np.int64]:
    own = np.arange(int(np.prod(batch.array.shape[:-1], dtype=np.int64))).reshape(batch.array.shape[:-1])
    return np.ascontiguousarray(np.broadcast_to(own, shape)).ravel()


def contributions(x: Any, y: Any, *, metric: Any, on_bad: str = "raise") -> Any:
    """What each coordinate adds to the comparison of row i with row i: the Hadamard product for ``dot``.

    Where the metric's value is linear in its sum (dot, cosine, correlation, manhattan, hamming, means), contributions
    are scaled so that they add up to the value; else they are the terms before the finish (squares for Euclid).

    Parameters
    ----------
    x, y : array_like of shape (..., n, d), or (d,)
        All axes but the last broadcast.
    metric : str, Metric or callable
        With one term; not Jaccard or Bray-Curtis, which divide two sums.
    on_bad : {"raise", "skip"}
        A skipped row gives NaN.

    Returns
    -------
    ndarray of shape (..., n, d)
        float64.

    Examples
    --------
    >>> import likewise as lw
    >>> lw.contributions([4, -3], [-4, 4], metric="dot")
    array([-16., -12.])
    """
    options = read_options(None, None, on_bad, None)
    a, b = read(x, "x"), read(y, "y")
    shape = same_rows(a, b)
    found = metric_for(metric, a.d)
    if len(found.terms) != 1:
        raise InputError(
            f"{found.name} divides sums of {len(found.terms)} terms; a coordinate has no contribution of its own"
        )
    rows = []
    for batch, name in ((a, "x"), (b, "y")):
        side = measured(batch.flat(), batch.dtype, name, frozenset(), options)
        number = _numbers(batch, shape)
        values = reference.transform(found, to_floating(batch).reshape(-1, batch.d).astype(np.float64))
        values[side.bad] = np.nan
        rows.append(values[number])
    leaves: dict[Expr, Any] = {X: rows[0], Y: rows[1], DIM: np.float64(rows[0].shape[1])}
    finish_stats = found.finish.stats() if scales_of(found.finish) else frozenset()
    for which, values in zip("xy", rows, strict=True):
        if any(s.endswith(which) for s in found.terms[0].stats() | finish_stats):
            known = reference.statistics(values)
            leaves |= {stat(f"{name}_{which}"): value[:, None] for name, value in known.items()}
    term = reference.evaluate(found.terms[0], leaves)
    if scales_of(found.finish) or found.finish == Expr("div", (ACC, DIM)):
        term = reference.evaluate(found.finish, {**leaves, ACC: term})
    out = np.broadcast_to(term, rows[0].shape).reshape(*shape, rows[0].shape[1])
    return give(np.array(out[..., 0, :] if a.vector and b.vector else out), a, b)
