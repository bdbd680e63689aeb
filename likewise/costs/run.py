"""Running a computation for its time: bounded, warm, the quickest of several runs."""

from __future__ import annotations

import contextlib
import functools
import gc
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import pool
from likewise.compute.options import physical_memory
from likewise.costs.result import Run
from likewise.costs.text import size_text, time_text
from likewise.errors import InputError

#: A run may take so much of this machine's memory at most.
MOST_MEMORY = 0.5
#: Runs go on until they took so long together, or were so many.
_ENOUGH_SECONDS, _ENOUGH_RUNS = 0.15, 50
#: Numbers that a thread takes at a time from what is computed number by number: they stay in the first cache.
_BLOCK = 4096


def times(run: Run, expected: float, title: str) -> dict[str, float]:
    """Seconds of each step: after one run to warm up, the quickest of several."""
    if run.refusal:
        raise InputError(run.refusal)
    if expected > run.longest:
        raise InputError(
            f"{title}: about {time_text(expected)} are expected, and at most {run.longest:.0f} s are measured; "
            "measure something smaller, or read the time expected"
        )
    most = MOST_MEMORY * physical_memory()
    if run.bytes > most:
        raise InputError(
            f"{title}: it takes {size_text(run.bytes)}, and at most {size_text(most)} are measured with; "
            "measure something smaller, or read the time expected"
        )
    steps = run.make()
    best: dict[str, float] = {}
    with _steady(), blas_threads(run.threads):
        begun = time.perf_counter()
        for _, step in steps:
            step()
        warm = time.perf_counter() - begun
        runs = 1 if warm > 2 else 3 if warm > 0.1 else _ENOUGH_RUNS
        begun = time.perf_counter()
        for _ in range(runs):
            for name, step in steps:
                start = time.perf_counter()
                step()
                taken = time.perf_counter() - start
                best[name] = min(best.get(name, taken), taken)
            if time.perf_counter() - begun > _ENOUGH_SECONDS:
                break
    return best


@contextlib.contextmanager
def _steady() -> Iterator[None]:
    """Without the garbage collector, which might fall into a run."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextlib.contextmanager
def blas_threads(threads: int | None) -> Iterator[None]:
    """NumPy's products on so many threads, where threadpoolctl is there to say so."""
    if threads is None:
        yield
        return
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        yield
        return
    with threadpool_limits(limits=threads, user_api="blas"):
        yield


def draw(*shape: int, dtype: str = "float32", seed: int = 0) -> NDArray[Any]:
    """Numbers of a standard normal distribution."""
    kind = np.float64 if dtype == "float64" else np.float32
    return np.random.default_rng(seed).standard_normal(shape, dtype=kind)


class Workers:
    """Threads for what NumPy computes number by number.

    It would take one thread, and one pass over memory for each operation. Blocks that stay in the cache, and threads,
    make that comparable with products.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def each(self, change: Callable[[NDArray[Any]], None], array: NDArray[Any], out: NDArray[Any]) -> None:
        """The rows of an array, changed in place once they are in ``out``, some at a time.

        The array stays as it is, or what is run again and again would end in zeros or infinities.
        """
        rows, made = array.reshape(-1, array.shape[-1]), out.reshape(-1, array.shape[-1])
        size = max(1, _BLOCK // max(1, rows.shape[1]))
        share = -(-len(rows) // self.threads) or 1

        def some(begin: int) -> None:
            stop = min(begin + share, len(rows))
            for start in range(begin, stop, size):
                block = made[start : min(start + size, stop)]
                np.copyto(block, rows[start : min(start + size, stop)])
                change(block)

        pool.run([functools.partial(some, begin) for begin in range(0, len(rows), share)], self.threads)
