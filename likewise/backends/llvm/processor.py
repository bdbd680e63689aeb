"""What the operating system says of the processor: its name, caches, cores, clock and memory.

Linux says most of it in files; elsewhere, and in containers that hide them, sizes that are usual stand in.
"""

from __future__ import annotations

import functools
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

CPUS = Path("/sys/devices/system/cpu")
CPUINFO = Path("/proc/cpuinfo")

#: Bytes of the caches of one core where the system does not say: those of most processors since 2015, or less.
USUAL_CACHES = {"l1": 32 << 10, "l2": 512 << 10, "l3": 8 << 20}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _cpuinfo(name: str) -> str:
    lines = _read(CPUINFO).splitlines()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name) and ":" in line), "")


def name() -> str:
    """The processor as it calls itself."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _size(text: str) -> int:
    """``48K`` -> 49152; 0 where it is no size."""
    found = re.fullmatch(r"(\d+)([KMG]?)", text)
    return int(found[1]) << {"": 0, "K": 10, "M": 20, "G": 30}[found[2]] if found else 0


@functools.cache
def caches() -> dict[str, int]:
    """Bytes of the data caches that a core of this process reaches: "l1", "l2" and "l3".

    A level that the processor lacks is absent; where the system says nothing, all are :data:`USUAL_CACHES`.
    """
    found: dict[str, int] = {}
    for cache in sorted((CPUS / f"cpu{min(logical())}" / "cache").glob("index*")):
        level, kind, size = (_read(cache / part) for part in ("level", "type", "size"))
        if kind != "Instruction" and level in ("1", "2", "3") and _size(size):
            found[f"l{level}"] = _size(size)
    return found or dict(USUAL_CACHES)


def logical() -> set[int]:
    """Numbers of the logical processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0)) or {0}
    return set(range(os.cpu_count() or 1))


def _siblings() -> Iterator[str]:
    for cpu in logical():
        yield _read(CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list") or str(cpu)


def cores() -> int:
    """Cores that this process may use: two threads of one core share its arithmetic, and count once."""
    return len(set(_siblings()))


def stated_clock() -> float | None:
    """The clock in Hz that the system states, or None: the base frequency, or in a virtual machine the host's.

    What a core runs at is another matter: it is measured by :func:`likewise.rates.clock`.
    """
    base = _read(CPUS / f"cpu{min(logical())}" / "cpufreq" / "base_frequency")
    if base.isascii() and base.isdigit():
        return float(base) * 1e3
    if found := re.search(r"@ *([\d.]+) *GHz", name()):
        return float(found[1]) * 1e9
    try:
        return float(_cpuinfo("cpu MHz")) * 1e6
    except ValueError:
        return None
