"""Sums over coordinates for batches of matrices of pairs, and sums of slopes: forward and backward of a comparison."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import functions, pool
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.kernels.slopes import PAIR_SUM_FIELDS, PULL_FIELDS, pair_sum_kernel, pull_kernel
from likewise.backends.llvm.kernels.tile import Formula, Tile, calls_of, tile_for
from likewise.backends.llvm.rows import address
from likewise.backends.llvm.target import Target, current
from likewise.formula.expr import ACC, Expr

#: Pair-dimensions below which one thread does it all: waking another takes some 20 microseconds.
_ALONE = 200_000
_COMPUTE = {"float32": "f32", "float64": "f64"}


def pair_sums(term: Expr, x: NDArray[Any], y: NDArray[Any], threads: int) -> NDArray[Any]:
    """(B, n, m): sum over t of term(x[b, i, t], y[b, j, t]), for x of (B, n, d) and y of (B, m, d), of one dtype.

    float32 or float64, summed in that type, coordinate after coordinate. The result is a view of a padded array.
    """
    (batches, n, d), m = x.shape, y.shape[1]
    if not batches * n * m * d:
        return np.zeros((batches, n, m), x.dtype)
    tile = tile_for(current(), _COMPUTE[str(x.dtype)], Formula((term,), "sum", ACC), n)
    run = kernel(
        "pair_sums",
        f"pair sums {tile} {term}",
        PAIR_SUM_FIELDS,
        lambda module, name: pair_sum_kernel(module, name, tile, term),
    )
    packed, panels = _packed(x, tile.rows), _packed(y, tile.width)
    tiles = packed.shape[1]
    out = np.empty((batches, tiles * tile.rows, panels.shape[1] * tile.width), x.dtype)
    one = np.ones(1, x.dtype)
    fields = {"x": address(packed), "items": address(panels), "out": address(out), "tiles": tiles, "n": n}
    fields |= {"m": out.shape[2], "d": d, "one": address(one)}
    _share(run, fields, batches * tiles, batches * n * m * d, tile, term, threads)
    return out[:, :n, :m]


def _packed(rows: NDArray[Any], width: int) -> NDArray[Any]:
    """(B, n, d) -> (B, groups, d, width): rows side by side, coordinate by coordinate; the last group padded by 0."""
    batches, n, d = rows.shape
    groups = -(-n // width)
    made = (
        np.zeros((batches, groups, d, width), rows.dtype)
        if n % width
        else np.empty((batches, groups, d, width), rows.dtype)
    )
    whole = n // width
    turned = rows[:, : whole * width].reshape(batches, whole, width, d)
    made[:, :whole] = turned.transpose(0, 1, 3, 2)
    if n % width:
        made[:, whole, :, : n % width] = rows[:, whole * width :].transpose(0, 2, 1)
    return made


def pulls(slope: Expr, weights: NDArray[Any], x: NDArray[Any], y: NDArray[Any], threads: int) -> NDArray[Any]:
    """(B, n, d): sum over j of weights[b, i, j] slope(x[b, i, t], y[b, j, t]); all of one dtype."""
    (batches, n, d), m = x.shape, y.shape[1]
    if not batches * n * m * d:
        return np.zeros((batches, n, d), x.dtype)
    tile = _pull_tile(current(), _COMPUTE[str(x.dtype)], slope, d)
    run = kernel(
        "pulls", f"pulls {tile} {slope}", PULL_FIELDS, lambda module, name: pull_kernel(module, name, tile, slope)
    )
    rows, items, weights = _whole(x, tile.width), _whole(y, tile.width), np.ascontiguousarray(weights)
    out = np.empty_like(rows)
    tiles = -(-n // tile.rows)
    fields = {"x": address(rows), "y": address(items), "weights": address(weights), "out": address(out)}
    fields |= {"tiles": tiles, "n": n, "m": m, "d": rows.shape[2]}
    _share(run, fields, batches * tiles, batches * n * m * rows.shape[2], tile, slope, threads)
    return out[:, :, :d]


def _pull_tile(target: Target, compute: str, slope: Expr, d: int) -> Tile:
    lanes = target.lanes if compute == "f32" else max(target.lanes // 2, 1)
    vectors = 2 if d > lanes else 1
    rows = target.registers // (4 * vectors)
    if any(e.op in functions.TABLE or e.op == "pow" for e in slope.walk()):
        rows = 1  # a polynomial in the loop needs the registers
    return Tile(rows, vectors, lanes, compute, target)


def _whole(rows: NDArray[Any], width: int) -> NDArray[Any]:
    """Rows padded to whole registers by zeros, contiguous."""
    if (short := -rows.shape[2] % width) == 0:
        return np.ascontiguousarray(rows)
    return np.pad(rows, ((0, 0), (0, 0), (0, short)))


def _share(
    run: Kernel, fields: dict[str, int], tiles: int, pair_dimensions: int, tile: Tile, term: Expr, threads: int
) -> None:
    """All tiles, in calls short enough for Ctrl-C, by as many threads as there is work for."""
    calls = int(calls_of(pair_dimensions, tile, Formula((term,), "sum", ACC))) + 1
    if pair_dimensions > _ALONE and threads > 1:
        calls = max(calls, 4 * threads)
    step = -(-tiles // min(calls, tiles))
    bounds = [(first, min(first + step, tiles)) for first in range(0, tiles, step)]

    def call(first: int, last: int) -> Callable[[], object]:
        return functools.partial(run, first=first, last=last, **fields)

    pool.run([call(first, last) for first, last in bounds], threads)
