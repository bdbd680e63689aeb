"""Where a benchmark runs: processor, memory, versions; and every library held to one number of threads."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sys
from pathlib import Path
from typing import Any

PACKAGES = (
    *("numpy", "llvmlite", "faiss-cpu", "scann", "usearch", "numkong", "hnswlib"),
    *("scikit-learn", "scipy", "torch", "pykeops", "rdkit", "FPSim2", "sentence-transformers", "threadpoolctl"),
    *("implicit", "lenskit", "RecTools", "scikit-dimension"),
)
_CPUS = Path("/sys/devices/system/cpu")


def pin(threads: int) -> None:
    """Before any library is loaded: one logical processor on each of the first ``threads`` cores, where Linux lets us.

    So no contestant has more of the machine than another, whatever it makes of its settings, and none shares a core
    with its own second thread.
    """
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
        os.environ[name] = str(threads)
    if hasattr(os, "sched_setaffinity"):
        first_of_core: dict[str, int] = {}
        for cpu in sorted(os.sched_getaffinity(0)):
            siblings = _CPUS / f"cpu{cpu}" / "topology" / "thread_siblings_list"
            core = siblings.read_text().strip() if siblings.exists() else str(cpu)
            first_of_core.setdefault(core, cpu)
        chosen = list(first_of_core.values())[:threads]
        if len(chosen) == threads:
            os.sched_setaffinity(0, chosen)


def hold_threads(threads: int) -> None:
    """Give every library that is loaded so far ``threads`` threads."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)
    if faiss := sys.modules.get("faiss"):
        faiss.omp_set_num_threads(threads)
    try:
        import threadpoolctl
    except ImportError:
        return  # the environment variables of pin() hold them
    threadpoolctl.threadpool_limits(threads)


def _cpu_field(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), "")


def _memory_bytes() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def _caches() -> dict[str, str]:
    found = {}
    for cache in sorted((_CPUS / "cpu0" / "cache").glob("index*")):
        level, kind, size = ((cache / part).read_text().strip() for part in ("level", "type", "size"))
        if kind != "Instruction":
            found[f"L{level}"] = size
    return found


def machine() -> dict[str, Any]:
    """The processor as it names itself and as the compiler knows it, its cores, instruction set, caches and memory."""
    import llvmlite.binding as llvm

    from likewise import rates as measured
    from likewise.backends.llvm.pool import available_cores
    from likewise.backends.llvm.target import current

    wanted = (
        "avx2",
        "fma",
        "avx512f",
        "avx512dq",
        "avx512_bf16",
        "avx512bf16",
        "avx512vnni",
        "avx512_vnni",
        "neon",
        "sve",
    )
    features = {name for name, on in dict(llvm.get_host_cpu_features()).items() if on}
    return {
        "cpu": _cpu_field("model name") or platform.processor() or platform.machine(),
        "architecture": llvm.get_host_cpu_name(),
        "cores": os.cpu_count(),
        "cores_used": available_cores(),
        "features": sorted(features.intersection(wanted)),
        "target": current().name,
        "caches": _caches(),
        "memory_bytes": _memory_bytes(),
        "fma_per_second_and_core": measured.fma_rate(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def load() -> float:
    """Processes running or waiting, averaged over the last minute; ours among them."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else 0.0


def versions() -> dict[str, str]:
    """Python and every library here; the others say so."""
    from likewise import __version__

    found = {"python": platform.python_version(), "likewise": __version__}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
