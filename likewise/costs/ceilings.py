"""What limits a computation on this machine: arithmetic, or the way of its data.

    seconds = max(FLOPs / peak, bytes / bandwidth) + calls

All rates are measured (:mod:`likewise.rates`), on as many threads as the computation has. The quotient of the first
two, FLOPs a byte, is the ridge of the roofline: computations below it wait for data, those above it for arithmetic
(Williams, Waterman and Patterson, "Roofline", CACM 2009). Data that a cache holds come from that cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from likewise import rates
from likewise.backends.llvm import processor
from likewise.backends.llvm.pool import available_cores, resolve_jobs
from likewise.costs.result import Operation
from likewise.costs.text import nearest
from likewise.errors import DtypeError
from likewise.formula.metric import Metric, metric

#: Bytes of a number, by its type.
SIZES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
#: What a call of NumPy costs, however small its arrays.
CALL_SECONDS = 1e-6


@dataclass(frozen=True)
class Ceilings:
    """The rates of this machine for numbers of one type, on so many threads."""

    dtype: str
    threads: int

    @property
    def size(self) -> int:
        """Bytes of a number."""
        return SIZES[self.dtype]

    @property
    def compute(self) -> str:
        """The arithmetic: 16-bit numbers are computed with in float32."""
        return "f64" if self.dtype == "float64" else "f32"

    def multiply_adds(self, threads: int | None = None) -> float:
        """A second, fused: half the FLOP/s of the vendor's figure."""
        return rates.fma_rate(self.compute, threads=threads or self.threads)

    def bandwidth(self, level: str = "memory", kind: str = "read", threads: int | None = None) -> float:
        """Bytes a second."""
        return rates.bandwidth(level, kind, threads=threads or self.threads)  # type: ignore[arg-type]

    @property
    def ridge(self) -> float:
        """FLOPs a byte from memory from which on arithmetic is the limit."""
        return 2 * self.multiply_adds() / self.bandwidth()

    def operation(
        self,
        name: str,
        what: str,
        *,
        flops: int = 0,
        products: int = 0,
        numbers: int = 0,
        level: int | None = None,
        formula: tuple[int, Metric] | None = None,
        threads: int | None = None,
        count: int = 1,
        part: str = "",
    ) -> Operation:
        """An operation of ``count`` equal calls that together read and write so many ``numbers``.

        Of its ``flops``, ``products`` are those of multiply-adds, two each. Any other takes as long as a multiply-add,
        except for a ``formula`` that is evaluated so many times, which has its own measured rate.
        """
        workers = self.threads if threads is None else threads
        rate = self.multiply_adds(workers)
        arithmetic = (flops - products / 2) / rate
        if formula is not None and formula[0]:
            each = rates.known_rate(formula[1], self.compute) * rate / self.multiply_adds(1)
            arithmetic = products / 2 / rate + formula[0] / each
        moved = numbers * self.size
        source = home(moved // count)
        waits = moved / self.bandwidth(source, "read" if products else "copy", workers)
        return Operation(
            name, what, flops, products, moved,
            arithmetic_seconds=arithmetic, memory_seconds=waits, call_seconds=count * CALL_SECONDS, source=source,
            level=level, count=count, part=part, threads=workers,
        )  # fmt: skip


def home(size: int) -> str:
    """Where so many bytes stay between two uses: the nearest cache that holds them, or memory."""
    return next((level for level, bytes_ in sorted(processor.caches().items()) if size <= bytes_), "memory")


def ceilings(dtype: Any = "float32", n_jobs: int | None = None) -> Ceilings:
    """The ceilings of this machine: measured at the first call, then kept."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if name not in SIZES:
        raise DtypeError(
            f"dtype={name[:40]!r} is not known here; it is one of {', '.join(SIZES)}{nearest(name, SIZES)}"
        )
    return Ceilings(name, min(resolve_jobs(n_jobs), available_cores()))


def elementwise(term: Callable[[Any, Any], Any]) -> Metric:
    """A formula of one number, as a metric: its rate is that of evaluating and adding it up."""
    return metric(term)
