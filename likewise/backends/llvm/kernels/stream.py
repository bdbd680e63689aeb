"""Loops that only move memory, or only wait: how fast bytes come from each cache, and the core's clock.

    read    sum ^= a[i]                 8 sums side by side, so that no load waits for another
    copy    b[i] = a[i]
    triad   c[i] = a[i] + s b[i]        as in McCalpin's STREAM

Ordinary stores: a line that is written is first read from memory, which counts as no byte here, as in STREAM.
"""

from __future__ import annotations

from llvmlite import ir

from likewise.backends.llvm.emit import F32, I64, Function, Value, constant, vector
from likewise.backends.llvm.target import Target

STREAM_FIELDS = ("a", "b", "c", "out", "count", "passes")
#: Arrays that each kind reads or writes.
ARRAYS = {"read": 1, "copy": 2, "triad": 3}
#: Registers of one turn of the loop: buffers are whole multiples of so many.
TURN = 8


def stream_kernel(module: ir.Module, name: str, kind: str, target: Target) -> None:
    """``passes`` times over arrays of ``count`` registers each, a multiple of :data:`TURN`."""
    f = Function(module, name, STREAM_FIELDS)
    b, lanes = f.b, target.lanes
    whole, floats = vector(I64, max(lanes // 2, 1)), vector(F32, lanes)
    sums = [f.variable(constant(whole, 0)) for _ in range(TURN)]
    with (
        f.loop(0, f.field("passes"), name="pass"),
        f.loop(0, f.field("count"), TURN, "turn") as first,
    ):
        for i, slot in enumerate(sums):
            at = b.mul(b.add(first, I64(i)), I64(lanes))
            match kind:
                case "read":
                    loaded = b.bitcast(f.load(f.pointer("a"), at, floats), whole)
                    f.put(b.xor(f.get(slot, whole), loaded), slot)
                case "copy":
                    f.store(f.load(f.pointer("a"), at, floats), f.pointer("b"), at)
                case _:
                    x, y = (f.load(f.pointer(p), at, floats) for p in "ab")
                    three = constant(floats, 3.0)
                    made = f.fma(y, three, x) if target.fma else b.fadd(x, b.fmul(y, three))
                    f.store(made, f.pointer("c"), at)
    for i, slot in enumerate(sums):
        f.store(f.get(slot, whole), f.pointer("out"), I64(i * whole.count))
    f.ret()


CLOCK_FIELDS = ("count", "seed", "out")
#: Steps of a turn of the chain, each of one cycle.
CHAIN = 32


def clock_kernel(module: ir.Module, name: str) -> None:
    """A chain of additions and exclusive ors, each waiting for the one before: a cycle each on every processor."""
    f = Function(module, name, CLOCK_FIELDS)
    b = f.b
    x, y = (f.load(f.pointer("seed"), i, I64) for i in range(2))
    slot = f.variable(x)
    with f.loop(0, f.field("count"), name="t"):
        value: Value = f.get(slot, I64)
        for _ in range(CHAIN // 2):
            value = b.xor(b.add(value, x), y)
        f.put(value, slot)
    f.store(f.get(slot, I64), f.pointer("out"), 0)
    f.ret()


class _BFloat(ir.Type):  # type: ignore[misc]  # llvmlite names every float of LLVM's but this one
    def __str__(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _BFloat)

    def __hash__(self) -> int:
        return hash(_BFloat)


#: LLVM's names of instructions that add two products of bfloat16 to each 32-bit lane, by processor feature.
BF16 = {"+avx512bf16": "llvm.x86.avx512bf16.dpbf16ps.512", "+bf16": "llvm.aarch64.neon.bfdot.v4f32.v8bf16"}
BF16_FIELDS = ("count", "seed", "out")
#: Sums side by side: more than the instruction's latency times its rate.
BF16_SUMS = 20


def bf16_instruction(target: Target) -> str | None:
    """The one that the target has, if any."""
    features = target.features.split(",")
    wide = {"avx512": "+avx512bf16", "neon": "+bf16"}.get(target.name)
    return BF16[wide] if wide is not None and wide in features else None


def bf16_peak_kernel(module: ir.Module, name: str, instruction: str, lanes: int) -> None:
    """Dot products of bfloat16 on registers alone: 2 ``lanes`` multiply-adds an instruction."""
    f = Function(module, name, BF16_FIELDS)
    typ, pairs = vector(F32, lanes), vector(_BFloat(), 2 * lanes)
    x, y = (f.b.bitcast(f.load(f.pointer("seed"), I64(i * lanes), typ), pairs) for i in range(2))
    slots = [f.variable(constant(typ, float(i))) for i in range(BF16_SUMS)]
    with f.loop(0, f.field("count"), name="t"):
        for slot in slots:
            f.put(f.intrinsic(instruction, typ, f.get(slot, typ), x, y), slot)
    for i, slot in enumerate(slots):
        f.store(f.get(slot, typ), f.pointer("out"), I64(i * lanes))
    f.ret()
