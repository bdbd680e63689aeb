"""What a process pays before the first answer: the import, a kernel that is new, a kernel from the cache.

Each measurement is a fresh process. ``python -m benchmarks.startup METRIC`` is what it runs: one small search, with a
clock around every kernel.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.harness import Goal, Settings, Table, quartiles

ROOT = Path(__file__).parents[1]
IMPORT = """
import time, numpy
start = time.perf_counter()
import likewise
print(time.perf_counter() - start)
"""
NUMPY = """
import time
start = time.perf_counter()
import numpy
print(time.perf_counter() - start)
"""
#: Modules are compiled to bytecode once, as installing does.
BYTECODE = {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "likewise-bytecode")}
METRICS = ("dot", "euclidean", "manhattan", "chebyshev", "cosine", "canberra", "jaccard", "rbf")
A_KERNEL = 100.0  # milliseconds: what compiling one may take


def child(metric: str) -> dict[str, Any]:
    """One small search in this process, and what each part of its start took, in seconds."""
    import numpy as np

    import likewise as lw

    rows = np.random.default_rng(0).standard_normal((64, 32), dtype=np.float32)
    start = time.perf_counter()
    from likewise.backends.llvm import jit

    jit.current(), jit.generator()
    ready = time.perf_counter() - start
    kernels: list[tuple[str, float]] = []
    load = jit._load

    def clocked(recipe: str, name: str, *rest: Any) -> Any:
        before, begun = load.cache_info().misses, time.perf_counter()
        made = load(recipe, name, *rest)
        if load.cache_info().misses > before:
            kernels.append((name, time.perf_counter() - begun))
        return made

    jit._load = clocked  # type: ignore[assignment]
    calls = []
    for _ in range(2):
        begun = time.perf_counter()
        lw.topk(rows, rows, 3, metric=metric, n_jobs=1)
        calls.append(time.perf_counter() - begun)
    return {"compiler": ready, "kernels": kernels, "first": ready + calls[0], "second": calls[1]}


def in_process(*arguments: str, cache: str | None = None) -> str:
    environment = os.environ | BYTECODE | ({} if cache is None else {"LIKEWISE_CACHE": cache})
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"python {' '.join(arguments)[:80]}: {done.stderr[-500:]}")
    return done.stdout


def imports(settings: Settings) -> Table:
    count = 5 if settings.quick else 15
    times: dict[str, list[float]] = {"numpy": [], "likewise, after numpy": []}
    for turn in range(count + 1):
        for name, code in zip(times, (NUMPY, IMPORT), strict=True):
            seconds = float(in_process("-c", code))
            if turn:  # the first fills the disk's cache
                times[name].append(seconds)
    rows = []
    for name, found in times.items():
        low, middle, high = quartiles(found)
        rows.append(
            [f"`import {name.split(',')[0]}`" + (", NumPy being there" if "," in name else ""), middle, low, high]
        )
        print(f"  {name}: {middle * 1e3:.1f} ms")
    what = f"Time of an import, median of {count} fresh processes."
    columns = [("import", "text"), ("median", "ms"), ("lower quartile", "ms"), ("upper quartile", "ms")]
    return Table("startup-import", "Import", what, columns, rows)


def kernels(settings: Settings) -> Table:
    rows, slowest = [], 0.0
    for metric in METRICS[:3] if settings.quick else METRICS:
        new: list[dict[str, Any]] = []
        kept: list[dict[str, Any]] = []
        for _ in range(1 if settings.quick else 3):
            with tempfile.TemporaryDirectory() as cache:  # empty, then not
                for found in (new, kept):
                    found.append(json.loads(in_process("-m", "benchmarks.startup", metric, cache=cache)))
        best_new, best_kept = ([quartiles(v)[1] for v in _columns(found)] for found in (new, kept))
        rows.append(
            [metric, len(new[0]["kernels"]), *best_new[:3], best_kept[1], best_new[3], best_kept[3], best_kept[4]]
        )
        slowest = max(slowest, best_new[2])
        print(f"  {metric:12} " + "  ".join(f"{v * 1e3:.1f}" for v in rows[-1][2:]) + " ms")
    columns = [
        ("metric", "text"),
        ("kernels", "count"),
        ("load the compiler", "ms"),
        ("make all", "ms"),
        ("slowest", "ms"),
        ("load all from the cache", "ms"),
        ("first call, empty cache", "ms"),
        ("first call, cached", "ms"),
        ("second call", "ms"),
    ]
    what = (
        "A search of 64 x 64 rows in a fresh process, its kernels compiled and then, in another process, read from the "
        "cache on disk. First calls include loading the compiler."
    )
    goal = Goal("slowest kernel to compile", slowest * 1e3, "ms", at_most=A_KERNEL)
    return Table("startup-kernels", "First call", what, columns, rows, [goal])


def _columns(runs: list[dict[str, Any]]) -> list[list[float]]:
    """compiler, all kernels, slowest kernel, first call, second call: a list over the runs each."""
    parts = []
    for run in runs:
        seconds = [s for _, s in run["kernels"]]
        parts.append([run["compiler"], sum(seconds), max(seconds), run["first"], run["second"]])
    return [list(column) for column in zip(*parts, strict=True)]


def run(settings: Settings) -> list[dict[str, Any]]:
    print("\nStart")
    return [imports(settings).as_dict(), kernels(settings).as_dict()]


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1])))
