"""How near the dense pass over 8-bit codes comes to what the processor's integer dot products allow.

Peak: an instruction that multiplies four pairs of bytes and adds them to a 32-bit lane, on registers alone. Pass: the
pair-dimensions that the engine's own counters say it took over codes, over the seconds it says they took, a core.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from llvmlite import ir

import likewise as lw
from benchmarks import data as rows
from benchmarks.harness import NotOffered, Settings, Table, quartiles
from likewise.backends.llvm.emit import I32, I64, Function, vector
from likewise.backends.llvm.jit import kernel
from likewise.backends.llvm.rows import address, aligned
from likewise.backends.llvm.target import current

FIELDS = ("count", "bytes", "out")
ACCUMULATORS = 12  # more than the instruction's latency times its rate, on every processor that has it
#: The instruction, by processor feature: (LLVM's name, 32-bit lanes); the widest first.
INSTRUCTIONS = {
    "+avx512vnni": ("llvm.x86.avx512.vpdpbusd.512", 16),
    "+avxvnni": ("llvm.x86.avx512.vpdpbusd.256", 8),
}


# ------------------------------------------------------------------------------------------------ the peak


def peak_kernel(module: Any, name: str, instruction: str, lanes: int) -> None:
    """``count`` times: every accumulator takes in its bytes."""
    f, typ = Function(module, name, FIELDS), vector(I32, lanes)
    multiply = ir.Function(module, ir.FunctionType(typ, [typ] * 3), instruction)
    x, y = (f.load(f.pointer("bytes"), I64(i * lanes), typ) for i in range(2))
    slots = [f.variable(ir.Constant(typ, [i] * lanes)) for i in range(ACCUMULATORS)]
    with f.loop(0, f.field("count"), name="t"):
        for slot in slots:
            f.put(f.b.call(multiply, [f.get(slot, typ), x, y]), slot)
    for i, slot in enumerate(slots):
        f.store(f.get(slot, typ), f.pointer("out"), I64(i * lanes))
    f.ret()


def instruction() -> tuple[str, int]:
    features = current().features.split(",")
    for feature, known in INSTRUCTIONS.items():
        if feature in features:
            return known
    raise NotOffered("this processor has no integer dot product that is known here")


def peak() -> float:
    """Multiply-adds of bytes, per second and core: the best of several short runs."""
    name, lanes = instruction()
    recipe = f"integer peak {name} {lanes} {ACCUMULATORS}"
    run = kernel("integers", recipe, FIELDS, lambda module, own: peak_kernel(module, own, name, lanes))
    given, out = aligned(2 * lanes, np.int32), aligned(ACCUMULATORS * lanes, np.int32)
    given[:] = 0x01010101
    fields, count = {"bytes": address(given), "out": address(out)}, 1_000_000
    run(count=1_000, **fields)
    if out[0] != 4_000:
        raise AssertionError(f"{name} gave {out[0]} for 1,000 times four products of 1 and 1")
    best = np.inf
    for _ in range(8):
        start = time.perf_counter()
        run(count=count, **fields)
        best = min(best, time.perf_counter() - start)
    return count * ACCUMULATORS * lanes * 4 / best


# ------------------------------------------------------------------------------------------------ the pass


@dataclass(frozen=True)
class Counts:
    """What the engine says of the last call's dense pass over codes."""

    pair_dimensions: float
    seconds: float  # of all threads together


def counted(call: Callable[..., Any]) -> Counts:
    """Make the call, and read the engine's counters."""
    stats = call(stats=True).stats
    if not stats.screened:
        raise NotOffered("this search did not go through codes")
    return Counts(stats.coordinates, stats.scan_seconds)


def run(settings: Settings) -> list[dict[str, Any]]:
    return rows.each(settings, {"The pass over integer codes": share})


def share(settings: Settings) -> dict[str, Any]:
    makes = {
        "Fashion-MNIST pixels": (rows.fashion, "euclidean"),
        "MiniLM embeddings": (rows.captions, "dot"),
        "Gaussian rows, d = 768": (lambda s: rows.gaussian(s, 50_000, 768), "dot"),
    }
    table = Table(
        "integer",
        "The pass over integer codes",
        "Pair-dimensions that the pass over 8-bit codes takes a second and core, and the share of what the processor's "
        "integer dot product allows on registers alone, median and quartiles.",
        [("", "text"), ("metric", "text"), ("peak", "rate"), ("pass", "rate"), ("share", "share")],
    )
    for name, (load, metric) in makes.items():
        data = load(settings)
        shelf = lw.prepare(data.items, metric=metric, n_jobs=data.threads)
        call = partial(lw.topk, data.queries, shelf, data.k, n_jobs=data.threads)
        call()
        peaks, rates = [], []
        for _ in range(settings.rounds):
            peaks.append(peak())
            counts = counted(call)
            rates.append(counts.pair_dimensions / counts.seconds)
        shares = quartiles([rate / best for rate, best in zip(rates, peaks, strict=True)])
        table.rows.append([name, metric, quartiles(peaks)[1], quartiles(rates)[1], shares])
    return table.as_dict()
