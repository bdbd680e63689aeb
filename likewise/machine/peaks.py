"""The machine: what it says of itself, and the rates that were measured on it."""

from __future__ import annotations

import functools
import platform
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from likewise import rates
from likewise.backends.llvm import processor
from likewise.backends.llvm.kernels.stream import bf16_instruction
from likewise.backends.llvm.pool import available_cores
from likewise.backends.llvm.target import current, host
from likewise.compute.options import Progress, physical_memory, read_options
from likewise.errors import InputError
from likewise.formula.metrics import by_name

STREAMS: tuple[rates.Stream, ...] = ("read", "copy", "triad")

#: What a rate of arithmetic counts, by its name.
UNITS = {
    "fma f32": "multiply-adds of float32 a second",
    "fma f64": "multiply-adds of float64 a second",
    "bf16 dot": "multiply-adds of bfloat16, added up in float32, a second",
    "int8 dot": "multiply-adds of bytes, added up in 32 bits, a second",
    "int8 difference": "absolute differences of bytes, added up, a second",
    "popcount": "pairs of bits compared and counted a second",
}


@dataclass(frozen=True)
class Rate:
    """A rate of one core, and of ``threads`` of them together; ``unit`` says of what."""

    one: float
    together: float
    threads: int
    unit: str

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {"one_core": self.one, "together": self.together, "threads": self.threads, "unit": self.unit}


@dataclass(frozen=True)
class Machine:
    """A processor and its rates.

    Attributes
    ----------
    cpu, architecture, instructions : str
        What the processor calls itself, what the compiler calls it, and the instruction set that kernels are made for.
    system : str
    lanes : int
        float32 numbers of a register.
    cores, threads : int
        Cores that this process may use, and how many threads "together" stands for. Two threads of one core share its
        arithmetic: more threads than cores make nothing of arithmetic faster.
    caches : dict of str to int
        Bytes of the data caches that a core reaches: "l1", "l2", "l3".
    memory : int or None
        Bytes.
    clock : float
        Cycles a second of a core at work, measured.
    stated_clock : float or None
        The clock that the system states: the base frequency, in a virtual machine that of the host's counter.
    rates : dict of str to Rate
        "fma f32", "fma f64", "bf16 dot" where the processor has it, "int8 dot", "int8 difference", "popcount"; and
        "read l1", "copy l1", "triad l1" and so on for "l2", "l3" and "memory", in bytes a second.
    """

    cpu: str
    architecture: str
    instructions: str
    system: str
    lanes: int
    cores: int
    threads: int
    caches: dict[str, int]
    memory: int | None
    clock: float
    stated_clock: float | None
    rates: dict[str, Rate]

    def fma(self, compute: str = "f32", together: bool = False) -> float:
        """Multiply-adds a second of one core, or of all threads."""
        rate = self._rate(f"fma {compute}")
        return rate.together if together else rate.one

    def flops(self, compute: str = "f32", together: bool = False) -> float:
        """Peak FLOP/s, as vendors count them: two a multiply-add. What shares of the machine's peak are shares of."""
        return 2 * self.fma(compute, together)

    def a_cycle(self, compute: str = "f32") -> int:
        """Multiply-adds a cycle of one core: a register's worth times how many registers the core takes at once."""
        lanes = self.lanes if compute == "f32" else max(self.lanes // 2, 1)
        return lanes * max(1, round(self.fma(compute) / (self.clock * lanes)))

    def nominal_flops(self, compute: str = "f32") -> float | None:
        """FLOP/s of one core at the stated clock; None where no clock is stated.

        What a data sheet multiplies out. Cores that clock higher than their base frequency exceed it.
        """
        return None if self.stated_clock is None else 2 * self.a_cycle(compute) * self.stated_clock

    def bandwidth(self, level: str = "memory", kind: str = "read", together: bool = False) -> float:
        """Bytes a second."""
        rate = self._rate(f"{kind} {level}")
        return rate.together if together else rate.one

    def _rate(self, name: str) -> Rate:
        """A rate by its name; InputError with all names where there is none."""
        if name not in self.rates:
            raise InputError(f"no rate is called {name!r}; there are {', '.join(self.rates)}")
        return self.rates[name]

    @property
    def levels(self) -> tuple[str, ...]:
        """Where data may lie: the caches, and memory."""
        return (*(level for level in rates.LEVELS if level in self.caches), "memory")

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "cpu": self.cpu,
            "architecture": self.architecture,
            "instructions": self.instructions,
            "system": self.system,
            "lanes": self.lanes,
            "cores": self.cores,
            "threads": self.threads,
            "caches": self.caches,
            "memory": self.memory,
            "clock": self.clock,
            "stated_clock": self.stated_clock,
            "flops": {kind: self.flops(kind) for kind in ("f32", "f64")},
            "flops_together": {kind: self.flops(kind, True) for kind in ("f32", "f64")},
            "nominal_flops": {kind: self.nominal_flops(kind) for kind in ("f32", "f64")},
            "rates": {name: rate.as_dict() for name, rate in self.rates.items()},
        }

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Machine:
        """What :meth:`as_dict` gave, as of another machine."""
        rates = {
            name: Rate(rate["one_core"], rate["together"], rate["threads"], rate["unit"])
            for name, rate in found["rates"].items()
        }
        names = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in found.items() if name in names} | {"rates": rates})

    def __str__(self) -> str:
        sizes = ", ".join(f"{level.upper()} {size >> 10:,} KB" for level, size in self.caches.items())
        memory = "" if self.memory is None else f"; {self.memory / 2**30:.0f} GB of memory"
        cores = "1 core" if self.cores == 1 else f"{self.cores} cores"
        clock = f"{self.clock / 1e9:.2f} GHz at work"
        if self.stated_clock is not None:
            clock += f" ({self.stated_clock / 1e9:.2f} stated)"
        lines = [
            f"{self.cpu} ({self.architecture}), {self.instructions} code; {cores}; {clock}",
            f"caches     {sizes}{memory}",
            f"peak       {self.flops() / 1e9:,.0f} GFLOP/s of float32 a core: {self.a_cycle()} multiply-adds a cycle; "
            f"{self.flops(together=True) / 1e9:,.0f} on {_threads(self.threads)}",
        ]
        lines += [
            f"{name:<16} {_giga(rate.one)} G/s a core, {_giga(rate.together)} on {_threads(rate.threads)}"
            for name, rate in self.rates.items()
            if name in UNITS
        ]
        for level in self.levels:
            one = ", ".join(f"{kind} {_giga(self.bandwidth(level, kind)).strip()}" for kind in STREAMS)
            both = self.bandwidth(level, together=True)
            lines.append(f"{level:<10} {one} GB/s a core; read {_giga(both).strip()} on {_threads(self.threads)}")
        return "\n".join(lines)


def _giga(rate: float) -> str:
    return f"{rate / 1e9:7,.{1 if rate < 1e11 else 0}f}"


def _threads(count: int) -> str:
    return f"{count} thread{'s' * (count > 1)}"


def _measurements() -> dict[str, tuple[Callable[..., float | None], str]]:
    """What is measured: name -> (rate of ``threads=`` cores, unit)."""
    bits = by_name("hamming")
    found: dict[str, tuple[Callable[..., float | None], str]] = {
        "fma f32": (functools.partial(rates.fma_rate, "f32"), UNITS["fma f32"]),
        "fma f64": (functools.partial(rates.fma_rate, "f64"), UNITS["fma f64"]),
    }
    if bf16_instruction(current()) is not None:
        found["bf16 dot"] = (rates.bf16_rate, UNITS["bf16 dot"])
    found["int8 dot"] = (functools.partial(rates.integer_rate, "dot"), UNITS["int8 dot"])
    found["int8 difference"] = (functools.partial(rates.integer_rate, "sum"), UNITS["int8 difference"])
    found["popcount"] = (functools.partial(rates.known_rate, bits, "bits"), UNITS["popcount"])
    for level in rates.LEVELS:
        if level in processor.caches() or level == "memory":
            for kind in STREAMS:
                unit = "bytes read a second" if kind == "read" else "bytes read and written a second"
                found[f"{kind} {level}"] = (functools.partial(rates.bandwidth, level, kind), unit)
    return found


def measure(refresh: rates.Refresh = False, *, n_jobs: int | None = None, progress: Progress = None) -> Machine:
    """The rates of this machine: arithmetic, caches, memory; of one core, and of ``n_jobs`` threads together.

    They are measured once, in some seconds, and kept beside the compiled kernels. Each is the best of short runs that
    had their cores to themselves; :mod:`likewise.rates` says how. ``refresh`` goes through all of them twice, and the
    better counts, so that a slow moment of the machine does not stay.

    Parameters
    ----------
    refresh : bool or "again"
        Measure anew. Worth it where the kept rates come from a busy hour. "again": once more, and keep the better.
    n_jobs : int, optional
        Threads. Default: one for every processor that this process may use, which is also the most.
    progress : bool or callable, optional
        True for a line on standard error, or a function of (done, total).

    Returns
    -------
    Machine
        Rates in operations or bytes a second. ``as_dict()`` for programs; prints as text.

    Raises
    ------
    InputError
        For options that are none.

    Examples
    --------
    >>> import likewise as lw
    >>> here = lw.machine.measure(n_jobs=1)
    >>> here.bandwidth("l1") > here.bandwidth("memory")
    True
    >>> here.flops("f32") == 2 * here.rates["fma f32"].one
    True
    """
    options = read_options(n_jobs, None, "raise", progress)
    threads, kept = min(options.threads, available_cores()), _measurements()
    if refresh not in (False, True, "again"):
        raise InputError(f"refresh={refresh!r} is not known; it is True, False or 'again'")
    turns: tuple[rates.Refresh, ...] = (True, "again") if refresh is True else (refresh,)
    done, total = 0, len(turns) * len(kept)
    found: dict[str, Rate] = {}
    clock = 0.0
    for turn in turns:
        clock = max(clock, rates.clock(refresh=turn))
        for name, (rate, unit) in kept.items():
            one = rate(threads=1, refresh=turn)
            together = one if threads == 1 else rate(threads=threads, refresh=turn)
            found[name] = Rate(one or 0.0, together or 0.0, threads, unit)
            done += 1
            if options.progress is not None:
                options.progress(done, total)
    memory = physical_memory()
    return Machine(
        cpu=processor.name(),
        architecture=host().cpu,
        instructions=current().name,
        system=f"{platform.system()} {platform.machine()}",
        lanes=current().lanes,
        cores=processor.cores(),
        threads=threads,
        caches=processor.caches(),
        memory=int(memory) if memory < float("inf") else None,
        clock=clock,
        stated_clock=processor.stated_clock(),
        rates=found,
    )
