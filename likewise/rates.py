"""What this machine can do: the rates that a formula's own instructions allow, and those of its memory, measured.

A rate of instructions is in pair-dimensions per second of one core: one coordinate of one pair, whatever the formula
spends on it. A rate of memory is in bytes per second.

Other work on the machine only ever makes a run slower. So every rate is the best of short runs: of 12 at least, for
20 ms at least, and on until three runs that had their cores to themselves are within 2% of each other. A run is a
fraction of the slice of time that the system hands out, so some pass undisturbed. A rate on which no three agree
within a second serves this process, and is not kept for the next.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import os
import platform
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from likewise.errors import InputError
from likewise.formula.bits import COUNTED, counts_of
from likewise.formula.expr import Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.screen import factor

Level = Literal["l1", "l2", "l3", "memory"]
Stream = Literal["read", "copy", "triad"]
#: True: measured anew, whatever is kept. "again": measured once more, and the better of the two is kept.
Refresh = bool | Literal["again"]
LEVELS: tuple[Level, ...] = ("l1", "l2", "l3", "memory")

_PRODUCT = Expr("mul", (X, Y))
_LEAST_RUNS, _LEAST_SECONDS, _MOST_SECONDS, _AGREE = 12, 0.02, 1.0, 0.02
#: A thread that had the processor for less than this share of a run was interrupted.
_ALONE = 0.97
#: Whether the clock of a thread's own time can tell that.
FINE_CLOCK = time.get_clock_info("thread_time").resolution <= 1e-5
#: Seconds of a run of one thread, beside which a call (3 microseconds) is nothing; of several, which start one by one.
_SPAN, _LONG_SPAN = 7e-4, 5e-3


# ------------------------------------------------------------------------------------------------ timing


@dataclass(frozen=True)
class _Loop:
    """Something to time: ``run(thread, count)`` does ``count`` times ``work`` of what the rate counts."""

    run: Callable[[int, int], object]
    work: float


def _seconds(loop: _Loop, threads: int, count: int) -> tuple[float, bool]:
    """From the first thread's start to the last one's end, and whether each had a core to itself all the while."""
    together = threading.Barrier(threads)
    spans = [(math.inf, -math.inf, True)] * threads
    errors: list[BaseException] = []

    def one(thread: int) -> None:
        try:
            together.wait()
            work, start = time.thread_time(), time.perf_counter()
            loop.run(thread, count)
            end = time.perf_counter()
            alone = not FINE_CLOCK or time.thread_time() - work >= _ALONE * (end - start)
            spans[thread] = start, end, alone
        except BaseException as error:
            errors.append(error)  # first, so that it is this one that is raised
            together.abort()

    workers = [threading.Thread(target=one, args=(thread,), daemon=True) for thread in range(1, threads)]
    for worker in workers:
        worker.start()
    one(0)
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    starts, ends, alone = zip(*spans, strict=True)
    span = max(ends) - min(starts)
    at_once = max(starts) - min(starts) <= (1 - _ALONE) * span  # not one after the other, on one core
    return span, at_once and all(alone)


def _fastest(loop: _Loop, threads: int = 1) -> tuple[float, bool]:
    """The best rate of some short runs, and whether three that nothing interrupted agree on it."""
    count, seconds = 1, 0.0
    while seconds < 1e-4:  # this also wakes wide registers, and brings the buffers near
        count *= 8
        seconds = min(_seconds(loop, 1, count)[0] for _ in range(2))
    count = max(1, round(count * (_SPAN if threads == 1 else _LONG_SPAN) / seconds))
    found: list[tuple[bool, float]] = []
    begun = time.perf_counter()
    while True:
        seconds, alone = _seconds(loop, threads, count)
        found.append((alone, threads * count * loop.work / max(seconds, 1e-9)))
        best, took = sorted(found, reverse=True)[:3], time.perf_counter() - begun
        agreed = len(best) == 3 and all(alone for alone, _ in best) and best[2][1] >= (1 - _AGREE) * best[0][1]
        if agreed and len(found) >= _LEAST_RUNS and took >= _LEAST_SECONDS:
            return best[0][1], True
        if took >= _MOST_SECONDS and len(found) >= 3:
            return max(rate for _, rate in found), agreed


_memory: dict[Path, float] = {}  # rates of this process, by where they are kept


def kept(name: str) -> Path:
    """Where a rate is kept: by machine, instruction set and the generator of the code that was timed."""
    from likewise.backends.llvm.jit import cache_folder, generator
    from likewise.backends.llvm.target import current

    text = f"{current()} {platform.node()} {generator()} {name}"
    return cache_folder() / "rates" / hashlib.sha256(text.encode()).hexdigest()[:24]


def _stored(name: str, measure: Callable[[], tuple[float, bool]], refresh: Refresh = False) -> float:
    """A rate measured once on this machine and kept beside the compiled kernels; measured again where it cannot be."""
    path = kept(name)
    if not refresh:
        if path in _memory:
            return _memory[path]
        with contextlib.suppress(OSError, ValueError):
            rate = float(path.read_text())
            if 1e6 < rate < 1e15:
                _memory[path] = rate
                return rate
    rate, agreed = measure()
    if refresh == "again" and _memory.get(path, 0.0) >= rate:
        return _memory[path]
    _memory[path] = rate
    if agreed:
        keep(path, repr(rate))
    return rate


def keep(path: Path, text: str) -> None:
    """Write a file whole or not at all; where it cannot be written, it is measured again by the next process."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)


# ------------------------------------------------------------------------------------------------ instructions


def _formula_loop(terms: tuple[Expr, ...], combine: str, compute: str) -> _Loop:
    from likewise.backends.llvm import kernels
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import kernel_recipe
    from likewise.backends.llvm.target import current

    formula = kernels.Formula(terms, combine, Expr("acc", value=0))
    tile = kernels.tile_for(current(), compute, formula)
    run = kernel(
        "peak",
        kernel_recipe("peak", tile, formula),
        kernels.PEAK_FIELDS,
        lambda module, name: kernels.peak_kernel(module, name, tile, formula),
    )
    return _loop_of(run, tile, compute, 1)


def _bits_loop(op: str) -> _Loop:
    from likewise.backends.llvm import kernels
    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.rows import kernel_recipe
    from likewise.backends.llvm.target import current

    formula = kernels.Formula((COUNTED[op],), "sum", Expr("acc", value=0))
    tile = kernels.tile_for(current(), "bits", formula)
    run = kernel(
        "bit_peak",
        kernel_recipe("bit_peak", tile, formula),
        kernels.PEAK_FIELDS,
        lambda module, name: kernels.bit_peak_kernel(module, name, tile, op),
    )
    return _loop_of(run, tile, "f64", 64)


def _loop_of(run: Any, tile: Any, compute: str, each: int) -> _Loop:
    """``run`` on registers alone, ``each`` coordinates in a lane; a thread's registers are stored by it alone."""
    from likewise.backends.llvm.rows import ONE, address, aligned

    def once(thread: int, count: int) -> None:
        out = aligned(tile.target.registers * tile.width, ONE[compute].dtype)  # of every term
        run(count=count, one=address(ONE[compute]), out=address(out))

    return _Loop(once, float(each * tile.rows * tile.width))


def _integer_loop(kind: str) -> _Loop:
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

    def once(thread: int, count: int) -> None:
        out = aligned(tile.rows * 4096, np.uint8)
        run(count=count, seed=address(seed), out=address(out))

    return _Loop(once, float(tile.rows * tile.width * tile.group))


def _bf16_loop(instruction: str) -> _Loop:
    import numpy as np

    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.kernels import stream
    from likewise.backends.llvm.rows import address, aligned
    from likewise.backends.llvm.target import current

    lanes = current().lanes
    run = kernel(
        "bf16_peak",
        f"{instruction} {lanes}",
        stream.BF16_FIELDS,
        lambda module, name: stream.bf16_peak_kernel(module, name, instruction, lanes),
    )
    seed = aligned(4 * lanes, np.uint16)
    seed[:] = 0x3F80  # 1.0

    def once(thread: int, count: int) -> None:
        out = aligned(stream.BF16_SUMS * lanes, np.float32)
        run(count=count, seed=address(seed), out=address(out))

    return _Loop(once, float(stream.BF16_SUMS * lanes * 2))


@functools.cache
def _measured(terms: tuple[Expr, ...], combine: str, compute: str, target: Any) -> float:
    return _fastest(_formula_loop(terms, combine, compute))[0]


@functools.cache
def _counted(op: str, target: Any) -> float:
    """Pairs of bits compared and counted, per second and core."""
    return _fastest(_bits_loop(op))[0]


@functools.cache
def _integers(kind: str, target: Any) -> float:
    return _fastest(_integer_loop(kind))[0]


def peak(metric: Metric, compute: str = "f32") -> float:
    """Pair-dimensions per second and core that the formula's instructions allow, on registers alone; measured now.

    >>> from likewise import metrics, rates
    >>> rates.peak(metrics["dot"]) > 1e8
    True
    """
    from likewise.backends.llvm.target import current

    counts = counts_of(metric) if compute == "bits" else None
    if counts is not None:
        return _counted(counts.op, current())
    core = factor(metric)
    return _measured(core.terms, metric.combine, compute, current())


def known_rate(metric: Metric, compute: str = "f32", *, threads: int = 1, refresh: Refresh = False) -> float:
    """:func:`peak`, measured once on this machine; of ``threads`` cores together."""
    counts = counts_of(metric) if compute == "bits" else None
    if counts is None:
        return _formula_rate(factor(metric).terms, metric.combine, compute, threads, refresh)
    op = counts.op
    return _stored(f"bits {op} x{threads}", lambda: _fastest(_bits_loop(op), threads), refresh)


def _formula_rate(terms: tuple[Expr, ...], combine: str, compute: str, threads: int, refresh: Refresh) -> float:
    name = f"{terms} {combine} {compute} x{threads}"
    return _stored(name, lambda: _fastest(_formula_loop(terms, combine, compute), threads), refresh)


def integer_rate(kind: str, *, threads: int = 1, refresh: Refresh = False) -> float:
    """Pair-dimensions per second that 8-bit codes allow: "dot", "sum" (of differences) or "max"."""
    return _stored(f"integer {kind} x{threads}", lambda: _fastest(_integer_loop(kind), threads), refresh)


def integer_peak(kind: str) -> float:
    """That rate of one core, measured now.

    >>> from likewise import rates
    >>> rates.integer_peak("dot") > 1e8
    True
    """
    from likewise.backends.llvm.target import current

    return _integers(kind, current())


def fma_rate(compute: str = "f32", *, threads: int = 1, refresh: Refresh = False) -> float:
    """Multiply-adds per second of ``threads`` cores, measured once on this machine: half the vendor's peak FLOP/s.

    Fused where the processor has that. ``compute`` is "f32" or "f64".

    >>> from likewise import rates
    >>> rates.fma_rate("f32") > 1e8
    True
    """
    if compute not in ("f32", "f64"):
        raise InputError(f"compute={compute!r} is not known; it is 'f32' or 'f64'")
    return _formula_rate((_PRODUCT,), "sum", compute, threads, refresh)


def bf16_rate(*, threads: int = 1, refresh: Refresh = False) -> float | None:
    """Multiply-adds of bfloat16 pairs into float32 per second; None where the processor has no such instruction."""
    from likewise.backends.llvm.kernels.stream import bf16_instruction
    from likewise.backends.llvm.target import current

    instruction = bf16_instruction(current())
    if instruction is None:
        return None
    return _stored(f"bf16 x{threads}", lambda: _fastest(_bf16_loop(instruction), threads), refresh)


def clock(*, refresh: Refresh = False) -> float:
    """Cycles per second of a core under work, measured: the rate of a chain of additions, each waiting for the last.

    >>> from likewise import rates
    >>> rates.clock() > 1e8
    True
    """
    import numpy as np

    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.kernels import stream
    from likewise.backends.llvm.rows import address, aligned

    def loop() -> _Loop:
        run = kernel("clock", "clock", stream.CLOCK_FIELDS, stream.clock_kernel)
        seed, out = aligned(8, np.uint64), aligned(8, np.uint64)
        seed[:] = 0x9E3779B97F4A7C15
        fields = {"seed": address(seed), "out": address(out)}
        return _Loop(lambda thread, count: (run(count=count, **fields), seed, out), float(stream.CHAIN))

    return _stored("clock", lambda: _fastest(loop()), refresh)


# ------------------------------------------------------------------------------------------------ memory

_MOST_MEMORY = 512 << 20  # of the buffers that stand for memory


def working_set(level: Level) -> int:
    """Bytes that :func:`bandwidth` goes through: half of a cache, four times the largest for memory.

    The third-level cache is shared: a quarter of it, and at least twice the second.

    >>> from likewise import rates
    >>> rates.working_set("l1") < rates.working_set("l2") < rates.working_set("memory")
    True
    """
    from likewise.backends.llvm import processor

    if level not in LEVELS:
        raise InputError(f"level={level!r} is not known; it is 'l1', 'l2', 'l3' or 'memory'")
    sizes = processor.caches()
    if level == "memory":
        return min(max(4 * max(sizes.values()), 64 << 20), _MOST_MEMORY)
    if level not in sizes:
        raise InputError(f"this processor has no {level.upper()} cache; it has {', '.join(sizes).upper()} and memory")
    if level == "l3":
        return min(max(sizes["l3"] // 4, 2 * sizes.get("l2", 0)), sizes["l3"])
    return sizes[level] // 2


def _stream_loop(level: Level, kind: Stream, threads: int) -> _Loop:
    import numpy as np

    from likewise.backends.llvm.jit import kernel
    from likewise.backends.llvm.kernels import stream
    from likewise.backends.llvm.rows import address, aligned
    from likewise.backends.llvm.target import current

    target, arrays = current(), stream.ARRAYS[kind]
    # first- and second-level caches are a core's own; what is shared is shared out
    own = working_set(level) // (threads if level in ("l3", "memory") else 1)
    count = max(own // (arrays * 4 * target.lanes * stream.TURN), 1) * stream.TURN  # registers of an array
    run = kernel(
        "stream",
        f"stream {kind} {target.lanes}",
        stream.STREAM_FIELDS,
        lambda module, name: stream.stream_kernel(module, name, kind, target),
    )
    buffers = [[aligned(count * target.lanes, np.float32) for _ in "abc"[:arrays]] for _ in range(threads)]
    for buffer in buffers:
        for array in buffer:
            array[:] = 1.0  # untouched pages are all one page of zeros

    def once(thread: int, passes: int) -> None:
        out = aligned(stream.TURN * target.lanes, np.float32)
        own = buffers[thread]
        a, b, c = (address(own[min(i, len(own) - 1)]) for i in range(3))
        run(a=a, b=b, c=c, out=address(out), count=count, passes=passes)

    moved = count * target.lanes * 4 * arrays
    return _Loop(once, float(moved))


def bandwidth(level: Level = "memory", kind: Stream = "read", *, threads: int = 1, refresh: Refresh = False) -> float:
    """Bytes per second of one core, from a cache or from memory; measured once on this machine.

    Parameters
    ----------
    level : {"l1", "l2", "l3", "memory"}
        Where the bytes lie: buffers of :func:`working_set` bytes, gone through again and again.
    kind : {"read", "copy", "triad"}
        What is done with them: loaded into registers, copied, or ``c = a + 3 b``. Bytes read and bytes written count
        once each, as in STREAM (McCalpin 1995).
    threads : int
        Of so many cores together, each with caches of its own.
    refresh : bool or "again"
        Measure now, whatever is kept; "again": and keep the better.

    Raises
    ------
    InputError
        For a level or kind that is none, or a cache that this processor lacks.

    Examples
    --------
    >>> from likewise import rates
    >>> rates.bandwidth("l1") > rates.bandwidth("memory") > 1e8
    True
    """
    if kind not in ("read", "copy", "triad"):
        raise InputError(f"kind={kind!r} is not known; it is 'read', 'copy' or 'triad'")
    name = f"bandwidth {working_set(level)} {level} {kind} x{threads}"
    return _stored(name, lambda: _fastest(_stream_loop(level, kind, threads), threads), refresh)
