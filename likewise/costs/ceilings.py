"""What limits a computation on this machine: arithmetic, or the way of its data from memory.

    seconds = max(FLOPs / peak, bytes / bandwidth) / threads + calls

Both rates are measured (:mod:`likewise.rates`), and both are of one core. Their quotient, FLOPs a byte, is the ridge of
the roofline: computations below it wait for memory, those above it for arithmetic (Williams, Waterman and Patterson,
"Roofline", CACM 2009).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from likewise import rates
from likewise.backends.llvm.pool import resolve_jobs
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
    """The rates of one core for numbers of one type, and how many cores there are to use.

    ``multiply_adds`` a second, fused: half the FLOP/s of the vendor's figure; ``bandwidth`` in bytes a second.
    """

    dtype: str
    threads: int
    multiply_adds: float
    bandwidth: float

    @property
    def size(self) -> int:
        """Bytes of a number."""
        return SIZES[self.dtype]

    @property
    def compute(self) -> str:
        """The arithmetic: 16-bit numbers are computed with in float32."""
        return "f64" if self.dtype == "float64" else "f32"

    @property
    def ridge(self) -> float:
        """FLOPs a byte from which on arithmetic is the limit, and no longer memory."""
        return 2 * self.multiply_adds / self.bandwidth

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
        slots = products / 2 + (flops - products)
        arithmetic = slots / self.multiply_adds
        if formula is not None and formula[0]:
            arithmetic = products / 2 / self.multiply_adds + formula[0] / rates.peak(formula[1], self.compute)
        moved = numbers * self.size
        return Operation(
            name, what, flops, products, moved,
            arithmetic_seconds=arithmetic / workers, memory_seconds=moved / self.bandwidth / workers,
            call_seconds=count * CALL_SECONDS, level=level, count=count, part=part, threads=workers,
        )  # fmt: skip


def ceilings(dtype: Any = "float32", n_jobs: int | None = None) -> Ceilings:
    """The ceilings of this machine: measured at the first call, then kept."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if name not in SIZES:
        raise DtypeError(f"dtype={name[:40]!r} is not known here; it is one of {', '.join(SIZES)}{nearest(name, SIZES)}")
    compute = "f64" if name == "float64" else "f32"
    return Ceilings(name, resolve_jobs(n_jobs), rates.fma_rate(compute), memory_bandwidth())


def memory_bandwidth() -> float:
    """Bytes a second that one core reads from memory."""
    return rates.bandwidth("memory")


def elementwise(term: Callable[[Any, Any], Any]) -> Metric:
    """A formula of one number, as a metric: its rate is that of evaluating and adding it up."""
    return metric(term)
