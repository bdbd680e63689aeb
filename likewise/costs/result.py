"""What ``explain`` gives: a computation's operations, what each costs, and how to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from likewise.costs.text import count_text, grid, ratio_text, shape_text, size_text, time_text
from likewise.errors import InputError, ShapeError

if TYPE_CHECKING:
    from likewise.costs.ceilings import Ceilings

SOURCES = {
    "memory": "memory",
    "l1": "the first-level cache",
    "l2": "the second-level cache",
    "l3": "the third-level cache",
}
LEVELS = {1: "vector with vector", 2: "matrix with vector", 3: "matrix with matrix"}
#: A step of a run: the operation it belongs to, and what to call.
Steps = list[tuple[str, Callable[[], Any]]]


@dataclass(frozen=True)
class Operation:
    """One part of a computation, such as the scores of an attention.

    Attributes
    ----------
    name, what : str
        What it is called, and its shapes in words.
    flops : int
        Additions, multiplications, comparisons, exponentials...: one each, so that a multiply-add is two.
    product_flops : int
        Those of matrix products and dot products alone: what torch's ``FlopCounterMode`` counts.
    bytes : int
        Operands read once and the result written once.
    arithmetic_seconds, memory_seconds, call_seconds : float
        What the arithmetic takes at this machine's rate, what the bytes take on their way, and calling it.
    source : str
        Where the bytes come from: "memory", or the cache that holds them, "l1", "l2" or "l3".
    level : int or None
        The BLAS level of a product: 1 vector with vector, 2 matrix with vector, 3 matrix with matrix.
    count : int
        Of equal calls; all figures are of all of them.
    part : str
        What of a larger whole it belongs to: "attention", "feed-forward"...
    threads : int
        On how many the times are.
    measured : float or None
        Seconds it took, where it was run.
    """

    name: str
    what: str
    flops: int
    product_flops: int
    bytes: int
    arithmetic_seconds: float
    memory_seconds: float
    call_seconds: float = 0.0
    source: str = "memory"
    level: int | None = None
    count: int = 1
    part: str = ""
    threads: int = 1
    measured: float | None = None

    @property
    def seconds(self) -> float:
        """The time to expect: of arithmetic or memory, whichever takes longer, and of the call."""
        return max(self.arithmetic_seconds, self.memory_seconds) + self.call_seconds

    @property
    def intensity(self) -> float:
        """FLOPs a byte."""
        return self.flops / self.bytes if self.bytes else 0.0

    @property
    def bound(self) -> str:
        """What takes longer: "compute" or "memory"."""
        return "memory" if self.memory_seconds > self.arithmetic_seconds else "compute"

    def times(self, count: int) -> Operation:
        """The same so many times."""
        return replace(
            self,
            flops=self.flops * count,
            product_flops=self.product_flops * count,
            bytes=self.bytes * count,
            arithmetic_seconds=self.arithmetic_seconds * count,
            memory_seconds=self.memory_seconds * count,
            call_seconds=self.call_seconds * count,
            count=self.count * count,
        )

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return {
            "name": self.name,
            "part": self.part,
            "what": self.what,
            "count": self.count,
            "flops": self.flops,
            "product_flops": self.product_flops,
            "bytes": self.bytes,
            "intensity": self.intensity,
            "blas_level": self.level,
            "bound": self.bound,
            "source": self.source,
            "predicted_seconds": self.seconds,
            "measured_seconds": self.measured,
        }


@dataclass(frozen=True)
class Run:
    """How a computation is run for its time: ``make`` draws its operands and gives the steps.

    Each step's time goes to the operation of its name, times that operation's ``count`` over ``calls``.
    ``bytes`` is the memory it takes; ``refusal`` says why it cannot be run, if so;
    ``threads`` are those of NumPy's products. It may be expected to take the ``longest`` in seconds, and no longer: a
    product of NumPy's cannot be interrupted.
    """

    make: Callable[[], Steps]
    bytes: int = 0
    calls: Mapping[str, int] = field(default_factory=dict)
    refusal: str = ""
    threads: int | None = None
    longest: float = 10.0


@dataclass(frozen=True)
class Explanation:
    """What a computation will do and cost; prints as text, ``as_dict()`` for programs.

    Attributes
    ----------
    kind, title : str
        "matmul", "attention", "topk"..., and the first line of what is printed.
    operations : tuple of Operation
        What it consists of.
    out_shape : tuple of int
        Of the result.
    drawing : str
        How the shapes align, axis under axis; empty where there is nothing to align.
    element : str
        What is computed for one number of the result.
    notes : tuple of str
        What follows from the figures, a sentence each.
    facts : dict
        Further figures, such as a transformer's ``parameters``.
    """

    kind: str
    title: str
    operations: tuple[Operation, ...]
    out_shape: tuple[int, ...]
    ceilings: Ceilings | None = field(default=None, repr=False)
    drawing: str = field(default="", repr=False)
    element: str = field(default="", repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)
    run: Run | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the shapes fit; see :class:`Clash`."""
        return True

    def check(self) -> Explanation:
        """The explanation itself; of shapes that clash, a :class:`~likewise.errors.ShapeError` with the drawing."""
        return self

    @property
    def flops(self) -> int:
        """Operations on numbers, a multiply-add counted as two."""
        return sum(one.flops for one in self.operations)

    @property
    def product_flops(self) -> int:
        """Those of matrix products and dot products alone."""
        return sum(one.product_flops for one in self.operations)

    @property
    def bytes(self) -> int:
        """Read and written: each operand of each operation once."""
        return sum(one.bytes for one in self.operations)

    @property
    def intensity(self) -> float:
        """FLOPs a byte."""
        return self.flops / self.bytes if self.bytes else 0.0

    @property
    def level(self) -> int | None:
        """The highest BLAS level among the operations."""
        return max((one.level for one in self.operations if one.level is not None), default=None)

    @property
    def seconds(self) -> float:
        """The time to expect."""
        return sum(one.seconds for one in self.operations)

    @property
    def measured(self) -> float | None:
        """Seconds it took, where it was run; see :meth:`measure`."""
        found = [one.measured for one in self.operations if one.measured is not None]
        return sum(found) if found else None

    @property
    def bound(self) -> str:
        """What takes most of the time: "compute" or "memory"."""
        waits = sum(one.seconds for one in self.operations if one.bound == "memory")
        return "memory" if waits > self.seconds / 2 else "compute"

    @property
    def share_of_peak(self) -> float | None:
        """Of the FLOP/s that fused multiply-adds reach on all its threads, by the time measured."""
        if not self.measured or self.ceilings is None or not self.operations:
            return None
        threads = max(one.threads for one in self.operations)
        return self.flops / self.measured / (2 * self.ceilings.multiply_adds(threads))

    def part(self, name: str) -> tuple[Operation, ...]:
        """The operations that belong to a part, such as "attention"."""
        return tuple(one for one in self.operations if one.part == name)

    def share(self, *parts: str) -> float:
        """Of all FLOPs, those of these parts."""
        return sum(one.flops for one in self.operations if one.part in parts) / self.flops if self.flops else 0.0

    def measure(self) -> Explanation:
        """The same with measured times: it is run, the quickest of several runs counts.

        Raises
        ------
        InputError
            Where it would take over ten seconds (a verb: a minute), or half of this machine's memory, or cannot be run.
        """
        from likewise.costs.run import times

        if self.run is None:
            raise InputError(f"{self.kind} cannot be run from here")
        taken = times(self.run, self.seconds, self.title)
        return replace(
            self,
            operations=tuple(
                replace(one, measured=taken[one.name] * one.count / self.run.calls.get(one.name, 1))
                if one.name in taken
                else one
                for one in self.operations
            ),
        )

    def as_dict(self) -> dict[str, Any]:
        """For programs: plain numbers, text, lists and dictionaries."""
        ridge = None if self.ceilings is None else self.ceilings.ridge
        return {
            "kind": self.kind,
            "title": self.title,
            "ok": self.ok,
            "out_shape": list(self.out_shape),
            "flops": self.flops,
            "product_flops": self.product_flops,
            "bytes": self.bytes,
            "intensity": self.intensity,
            "ridge": ridge,
            "blas_level": self.level,
            "bound": self.bound,
            "predicted_seconds": self.seconds,
            "measured_seconds": self.measured,
            "share_of_peak": self.share_of_peak,
            "operations": [one.as_dict() for one in self.operations],
            **self.facts,
        }

    # ---- as text

    def __str__(self) -> str:
        return "\n".join([self.title, *self._shown()])

    def _shown(self) -> list[str]:
        lines = ["", *self.drawing.splitlines(), ""] if self.drawing else []
        lines += labelled("element", *self.element.splitlines()) if self.element else []
        if len(self.operations) == 1:
            lines += labelled("result", shape_text(self.out_shape)) + self._one(self.operations[0])
        else:
            lines += ["", *self._table(), "", *labelled("result", shape_text(self.out_shape)), *self._all()]
        return lines + [line for note in self.notes for line in labelled("note", note)]

    def _one(self, one: Operation) -> list[str]:
        level = "" if one.level is None else f"; BLAS level {one.level} ({LEVELS[one.level]})"
        cost = f"{one.flops:,} FLOPs on {one.bytes:,} bytes: {ratio_text(one.intensity)} FLOPs a byte{level}"
        return labelled("cost", cost) + self._limit() + self._times()

    def _all(self) -> list[str]:
        cost = (
            f"{self.flops:,} FLOPs, {self.product_flops:,} of them products, on {self.bytes:,} bytes: "
            f"{ratio_text(self.intensity)} FLOPs a byte"
        )
        return labelled("cost", cost) + self._limit() + self._times()

    def _limit(self) -> list[str]:
        if self.ceilings is None:
            return []
        ridge = f"from memory, it takes {ratio_text(self.ceilings.ridge)} FLOPs a byte to keep its arithmetic busy"
        if len(self.operations) > 1:
            most = "data on their way" if self.bound == "memory" else "arithmetic"
            return labelled("limit", f"mostly {most}; {ridge}")
        (one,) = self.operations
        if one.call_seconds > one.seconds / 2:
            return labelled("limit", "the call itself: there is too little to do")
        if one.bound == "compute":
            return labelled("limit", f"arithmetic; {ridge}")
        return labelled("limit", f"{SOURCES[one.source]}: arithmetic waits for data; {ridge}")

    def _times(self) -> list[str]:
        threads = max((one.threads for one in self.operations), default=1)
        lines = labelled("time", f"about {time_text(self.seconds)} on {threads} thread{'s' * (threads > 1)}")
        if self.measured is not None:
            share = self.share_of_peak or 0.0
            lines += labelled("measured", f"{time_text(self.measured)}: {share:.2%} of the peak of multiply-adds")
        return lines

    def _table(self) -> list[str]:
        total, measured = self.seconds, self.measured
        heads = ["", "shapes", "FLOPs", "bytes", "FLOPs/byte", "limit", "time", "share"]
        heads += ["measured", "share"] if measured is not None else []
        rows = []
        for one in self.operations:
            times = f"{one.count:,} x " if one.count > 1 else ""
            row = [
                one.name, times + one.what, count_text(one.flops), size_text(one.bytes), ratio_text(one.intensity),
                one.source if one.bound == "memory" else "arithmetic", time_text(one.seconds),
                f"{one.seconds / total:.1%}" if total else "",
            ]  # fmt: skip
            if measured is not None:
                row += ["", ""] if one.measured is None else [time_text(one.measured), f"{one.measured / measured:.1%}"]
            rows.append(row)
        return grid(heads, rows, left=2)


class Clash(Explanation):
    """Shapes that do not fit: ``ok`` is False, it prints where, and it has no figures.

    Asking it for FLOPs, bytes or seconds raises the :class:`~likewise.errors.ShapeError` that :meth:`check` does.
    """

    @property
    def ok(self) -> bool:
        """False."""
        return False

    def check(self) -> Explanation:
        """Raise."""
        raise ShapeError("\n".join([self.title, *self.drawing.splitlines(), *self.notes]))

    def _none(self) -> Any:
        self.check()

    flops = product_flops = bytes = intensity = level = seconds = bound = property(_none)

    def measure(self) -> Explanation:
        """Raise."""
        return self.check()

    def as_dict(self) -> dict[str, Any]:
        """Without figures; ``why`` says what does not fit."""
        return {"kind": self.kind, "title": self.title, "ok": False, "why": self.notes[0], **self.facts}

    def __str__(self) -> str:
        return "\n".join([self.title, "", *self.drawing.splitlines(), *self.notes])


def labelled(label: str, *lines: str) -> list[str]:
    """Lines with a word before the first."""
    return [f"{label if i == 0 else '':10} {line}".rstrip() for i, line in enumerate(lines)]
