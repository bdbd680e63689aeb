"""Memory of a large search beyond its inputs and outputs: 100,000 queries in 1,000,000 x 64 float32 items.

A fresh process makes the data, does a small search of the same kind (so that compiler and kernel are loaded), notes its
resident memory, resets the kernel's record of the peak, and searches. Linux only: it is /proc that knows.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import Goal, Settings, Table
from benchmarks.startup import in_process

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
ITEMS, D, K = 1_000_000, 64, 10
#: Runs: metric, memory_limit.
RUNS = (("dot", None), ("dot", "64MB"))


def memory_of(field: str) -> int:
    """A field of this process's status, in bytes."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def child(queries: int, threads: int, metric: str, limit: str | None) -> dict[str, float]:
    import numpy as np

    import likewise as lw

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((queries, D), dtype=np.float32), rng.standard_normal((ITEMS, D), dtype=np.float32)
    before = memory_of("VmRSS")
    lw.topk(x[:64], y[:10_000], K, metric=metric, n_jobs=threads)
    base = memory_of("VmRSS")
    CLEAR.write_text("5")  # the peak starts again from here
    start = time.perf_counter()
    found = lw.topk(x, y, K, metric=metric, n_jobs=threads, memory_limit=limit)
    seconds = time.perf_counter() - start
    outputs = found.values.nbytes + found.indices.nbytes
    return {
        "engine": base - before,
        "beyond": memory_of("VmHWM") - base - outputs,
        "inputs": x.nbytes + y.nbytes,
        "outputs": outputs,
        "seconds": seconds,
    }


def run(settings: Settings) -> list[dict[str, Any]]:
    from likewise.arrays import parse_memory
    from likewise.plan import DEFAULT_MEMORY

    print("\nMemory")
    queries = 10_000 if settings.quick else 100_000
    what = (
        f"The most memory that a search of {queries:,} queries in {ITEMS:,} x {D} float32 items holds at a time beyond "
        f"inputs and outputs (the matrix of all pairs would be {4 * queries * ITEMS / 1e9:,.0f} GB); and what loading "
        "the compiler and the kernels took, once a process."
    )
    columns = [
        ("metric", "text"),
        ("memory_limit", "text"),
        ("beyond inputs and outputs", "MB"),
        ("compiler and kernels", "MB"),
        ("inputs", "MB"),
        ("outputs", "MB"),
        ("time", "s"),
    ]
    table = Table("memory", "Memory", what, columns)
    if not (STATUS.exists() and CLEAR.exists()):
        table.what += " Not measured: only Linux tells."
        return [table.as_dict()]
    goals = []
    for metric, limit in RUNS:
        given = [metric] if limit is None else [metric, limit]
        found = json.loads(in_process("-m", "benchmarks.memory", str(queries), str(settings.threads), *given))
        table.rows.append(
            [
                metric,
                limit or "default",
                *(found[part] for part in ("beyond", "engine", "inputs", "outputs", "seconds")),
            ]
        )
        most = DEFAULT_MEMORY if limit is None else parse_memory(limit)
        goals.append(
            Goal(f"{metric}, memory_limit {limit or 'default'}", found["beyond"] / 1e6, "MB", at_most=most / 1e6)
        )
        print(f"  {metric}, {limit or 'default'}: {found['beyond'] / 1e6:.0f} MB beyond, {found['seconds']:.1f} s")
    table.goals = goals
    return [table.as_dict()]


if __name__ == "__main__":
    print(
        json.dumps(child(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None))
    )
