"""What this machine can do: the rates that a formula's own instructions allow, measured.

A rate is in pair-dimensions per second of one core: one coordinate of one pair, whatever the formula spends on it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import time
from collections.abc import Callable

from likewise.formula.bits import counts_of
from likewise.formula.expr import Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.screen import factor

_TERMS = {"fma": Expr("mul", (X, Y))}


def _stored(name: str, measure: Callable[[], float]) -> float:
    """A rate measured once on this machine and kept beside the compiled kernels; measured again where it cannot be."""
    from likewise.backends.llvm.jit import cache_folder
    from likewise.backends.llvm.target import current

    target = current()
    key = hashlib.sha256(f"{target} {platform.node()} {name}".encode()).hexdigest()[:24]
    path = cache_folder() / "rates" / key
    try:
        rate = float(path.read_text())
        if 1e6 < rate < 1e15:
            return rate
    except (OSError, ValueError):
        pass
    rate = measure()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(repr(rate))
        os.replace(temporary, path)
    return rate


def known_rate(metric: Metric, compute: str = "f32") -> float:
    """:func:`peak`, measured once on this machine."""
    core = factor(metric)
    return _stored(f"{core.terms} {metric.combine} {compute}", lambda: peak(metric, compute))


def integer_rate(kind: str) -> float:
    """Pair-dimensions per second and core that 8-bit codes allow: "dot", "sum" (of differences) or "max"."""
    return _stored(f"integer {kind}", lambda: integer_peak(kind))


@functools.cache
def integer_peak(kind: str) -> float:
    """That rate, measured now.

    >>> from likewise import rates
    >>> rates.integer_peak("dot") > 1e8
    True
    """
    import numpy as np

    from likewise.backends.llvm import kernels
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import address, aligned
    from likewise.backends.llvm.target import current

    tile = kernels.codes.code_tile(current(), kind)
    run = kernel(
        "integer_peak",
        f"{kind} {tile.rows}x{tile.vectors}",
        kernels.codes.INTEGER_PEAK_FIELDS,
        lambda module, name: kernels.codes.integer_peak_kernel(module, name, tile),
    )
    seed = aligned(4096, np.uint8)
    seed[:] = 1
    out = aligned(tile.rows * 4096, np.uint8)
    fields = {"seed": address(seed), "out": address(out)}
    run(count=1000, **fields)
    count, best = 20_000, 0.0
    for _ in range(12):
        start = time.perf_counter()
        run(count=count, **fields)
        best = max(best, count * tile.rows * tile.width * tile.group / (time.perf_counter() - start))
    return best


@functools.cache
def _measured(terms: tuple[Expr, ...], combine: str, compute: str) -> float:
    from likewise.backends.llvm import kernels
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import ONE, address, aligned, kernel_recipe
    from likewise.backends.llvm.target import current

    formula = kernels.Formula(terms[:1], combine, Expr("acc", value=0))
    tile = kernels.tile_for(current(), compute, formula)
    run = kernel(
        "peak",
        kernel_recipe("peak", tile, formula),
        kernels.PEAK_FIELDS,
        lambda module, name: kernels.peak_kernel(module, name, tile, formula),
    )
    out = aligned(tile.rows * tile.width, ONE[compute].dtype)
    fields = {"one": address(ONE[compute]), "out": address(out)}
    run(count=1000, **fields)
    count, best = 20_000, 0.0
    for _ in range(12):
        start = time.perf_counter()
        run(count=count, **fields)
        best = max(best, count * tile.rows * tile.width / (time.perf_counter() - start))
    return best


@functools.cache
def _counted(op: str) -> float:
    """Pairs of bits compared and counted, per second and core."""
    from likewise.backends.llvm import kernels
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import ONE, address, aligned, kernel_recipe
    from likewise.backends.llvm.target import current
    from likewise.formula.bits import COUNTED

    formula = kernels.Formula((COUNTED[op],), "sum", Expr("acc", value=0))
    tile = kernels.tile_for(current(), "bits", formula)
    run = kernel(
        "bit_peak",
        kernel_recipe("bit_peak", tile, formula),
        kernels.PEAK_FIELDS,
        lambda module, name: kernels.bit_peak_kernel(module, name, tile, op),
    )
    out = aligned(tile.rows * tile.width, ONE["f64"].dtype)
    fields = {"one": address(ONE["f64"]), "out": address(out)}
    run(count=1000, **fields)
    count, best = 20_000, 0.0
    for _ in range(12):
        start = time.perf_counter()
        run(count=count, **fields)
        best = max(best, 64 * count * tile.rows * tile.width / (time.perf_counter() - start))
    return best


def peak(metric: Metric, compute: str = "f32") -> float:
    """Pair-dimensions per second and core that the formula's instructions allow, on registers alone.

    >>> from likewise import metrics, rates
    >>> rates.peak(metrics["dot"]) > 1e8
    True
    """
    counts = counts_of(metric) if compute == "bits" else None
    if counts is not None:
        return _counted(counts.op)
    core = factor(metric)
    return _measured(core.terms, metric.combine, compute)


def fma_rate(compute: str = "f32") -> float:
    """Fused multiply-adds per second and core: half the vendor's peak FLOP/s."""
    return _measured((_TERMS["fma"],), "sum", compute)
