"""What the processor has, as far as the code generator cares."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """An instruction set: register width and count decide the tile, features the tricks.

    ``lanes`` is float32 per register. A tile holds ``rows`` queries by ``2 * lanes`` items in ``2 * rows`` registers,
    which leaves room for two item vectors, one broadcast and a constant.
    """

    name: str
    triple: str
    cpu: str
    features: str
    lanes: int
    registers: int
    fma: bool
    range_instruction: bool = False  # AVX-512DQ vrangeps: max of absolute values in one instruction
    dot8: str = ""  # sums of byte products: "vnni" (vpdpbusd), "maddubs" (vpmaddubsw), "sdot"; "": shifts and products

    @property
    def rows(self) -> int:
        return 12 if self.registers >= 32 else 6

    def width(self, compute: str) -> int:
        """Items in a panel."""
        return 2 * self.lanes if compute == "f32" else self.lanes


def _flags(features: dict[str, bool]) -> str:
    return ",".join(("+" if on else "-") + name for name, on in sorted(features.items()))


@functools.cache
def host() -> Target:
    """The machine it runs on."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    triple, cpu = llvm.get_process_triple(), llvm.get_host_cpu_name()
    try:
        features = dict(llvm.get_host_cpu_features())
    except RuntimeError:  # not every platform can tell
        features = {}
    flags = _flags(features)
    if features.get("avx512f") and features.get("avx512dq") and features.get("avx512bw") and features.get("avx512vl"):
        dot8 = "vnni" if features.get("avx512vnni") else "maddubs"
        return Target("avx512", triple, cpu, flags + ",-prefer-256-bit", 16, 32, True, True, dot8)
    if features.get("avx2") and features.get("fma"):
        return Target("avx2", triple, cpu, flags, 8, 16, True, dot8="vnni" if features.get("avxvnni") else "maddubs")
    if triple.startswith(("aarch64", "arm64")):
        return Target("neon", triple, cpu, flags, 4, 32, True, dot8="sdot" if features.get("dotprod") else "")
    return Target("portable", triple, cpu, flags, 4, 16, False)


def named(name: str) -> Target:
    """A target by name: "avx512", "avx2", "portable" (of this machine's architecture) or "neon" (to compile for)."""
    here = host()
    if name == here.name:
        return here
    if name == "neon":
        return Target("neon", "aarch64-unknown-linux-gnu", "generic", "+neon,+dotprod", 4, 32, True, dot8="sdot")
    if name == "avx2":
        return Target("avx2", here.triple, "haswell", "", 8, 16, True, dot8="maddubs")
    if name == "portable":
        return Target(
            "portable", here.triple, "x86-64" if here.triple.startswith("x86_64") else "generic", "", 4, 16, False
        )
    raise ValueError(f"no target is called {name!r}")


_forced: list[Target] = []


def current() -> Target:
    """The target kernels are made for: this machine, unless :func:`using` says otherwise."""
    return _forced[-1] if _forced else host()


@contextmanager
def using(name: str) -> Iterator[Target]:
    """Make kernels for another instruction set that this machine can run too; for tests and comparisons."""
    _forced.append(named(name))
    try:
        yield _forced[-1]
    finally:
        _forced.pop()
