"""Rows on their way into the engine: measured once, packed block by block."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.emit import FLOATS
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.kernels import Formula, Tile
from likewise.formula.expr import Expr
from likewise.formula.screen import Rows

Floats = NDArray[np.float64]
_BLOCK = 16_384  # rows per task: some milliseconds each
NUMPY: dict[str, np.dtype[Any]] = {
    "f32": np.dtype(np.float32),
    "f64": np.dtype(np.float64),
    "bits": np.dtype(np.float64),
}


def aligned(count: int, dtype: Any) -> NDArray[Any]:
    """An uninitialised array on a 64-byte boundary: a cache line, and the widest register."""
    dtype = np.dtype(dtype)
    raw = np.empty(count * dtype.itemsize + 64, np.uint8)
    start = -raw.ctypes.data % 64
    return raw[start : start + count * dtype.itemsize].view(dtype)


def address(array: NDArray[Any]) -> int:
    return int(array.ctypes.data)


@dataclass
class Side:
    """One side's rows and what a pass over them found.

    ``stats`` holds per-row statistics under their bare names ("norm", "mean"...), as many as were asked for.
    """

    rows: NDArray[Any]
    dtype: str
    known: Rows
    bad: NDArray[np.int64]
    stats: dict[str, Floats] = field(default_factory=dict)

    @property
    def n(self) -> int:
        return int(self.rows.shape[0])

    @property
    def d(self) -> int:
        return int(self.rows.shape[1])

    def stat(self, name: str) -> Floats:
        return self.stats[name]


def _stats_kernel(dtype: str) -> Kernel:
    return kernel(
        "stats", f"stats {dtype}", kernels.STATS_FIELDS, lambda module, name: kernels.stats_kernel(module, name, dtype)
    )


def _dev_kernel(dtype: str) -> Kernel:
    return kernel(
        "dev", f"dev {dtype}", kernels.DEV_FIELDS, lambda module, name: kernels.dev_kernel(module, name, dtype)
    )


def take(side: Side, rows: NDArray[np.int64]) -> Side:
    """Some of the rows, with their statistics."""
    stats = {name: array[rows] for name, array in side.stats.items()}
    return Side(np.ascontiguousarray(side.rows[rows]), side.dtype, side.known, side.bad[:0], stats)


def measure(rows: NDArray[Any], dtype: str, wanted: frozenset[str], threads: int) -> Side:
    """One pass over the rows: range, exactness, bad rows, and the ``wanted`` statistics of each row."""
    n, d = rows.shape
    names = set(wanted)
    run = _stats_kernel(dtype)
    keep: dict[str, Floats] = {name: np.empty(n) for name in names}
    parts: list[tuple[float, float, int, NDArray[np.int64]]] = []
    start_at, row_bytes = address(rows), d * rows.itemsize

    def one(first: int) -> None:
        count = min(_BLOCK, n - first)
        out = {name: np.empty(count) for name in kernels.ROW_STATS[:-1]}
        flags = np.empty(count, np.int64)
        fields = {name: address(array) for name, array in out.items()} | {"flags": address(flags)}
        run(rows=start_at + first * row_bytes, n=count, d=d, **fields)
        here = slice(first, first + count)
        with np.errstate(all="ignore"):
            if "norm" in keep:
                np.sqrt(out["squares"], out=keep["norm"][here])
            if "mean" in keep:
                np.divide(out["sum"], d, out=keep["mean"][here])
            for name in ("sum", "norm1", "nnz"):
                if name in keep:
                    keep[name][here] = out[name]
            if "linf" in keep:
                np.maximum(np.abs(out["low"]), np.abs(out["high"]), out=keep["linf"][here])
            if "dev" in keep:
                mean = out["sum"] / d
                away = np.empty(count)
                _dev_kernel(dtype)(
                    rows=start_at + first * row_bytes, n=count, d=d, mean=address(mean), dev=address(away)
                )
                np.sqrt(away, out=keep["dev"][here])
        fine = (flags & kernels.NOT_FINITE) == 0
        low = float(out["low"][fine].min(initial=np.inf))
        high = float(out["high"][fine].max(initial=-np.inf))
        parts.append((low, high, int(np.bitwise_or.reduce(flags[fine], initial=0)), first + np.nonzero(~fine)[0]))

    pool.run([functools.partial(one, first) for first in range(0, n, _BLOCK)], threads)
    low, high = min((p[0] for p in parts), default=0.0), max((p[1] for p in parts), default=0.0)
    low, high = (low, high) if low <= high else (0.0, 0.0)
    flags = functools.reduce(int.__or__, (p[2] for p in parts), 0)
    bad = np.sort(np.concatenate([p[3] for p in parts])) if parts else np.empty(0, np.int64)
    known = Rows(not flags & kernels.NOT_FLOAT32, not flags & kernels.NOT_WHOLE, low, high)
    return Side(rows, dtype, known, bad, keep)


@dataclass
class Packer:
    """Rows -> panels for one side of a formula: ``u`` of each coordinate, over ``scale``."""

    side: Side
    which: str  # "x" or "y": the name its statistics have in the formula
    u: Expr
    scale: Expr | None
    compute: str
    lanes: int

    def _kernel(self) -> Kernel:
        u, scale, compute, dtype = self.u, self.scale, self.compute, self.side.dtype
        return kernel(
            "pack",
            f"pack {dtype} {exact_text(u)} / {exact_text(scale) if scale else None} {compute}",
            kernels.pack_fields(u, scale),
            lambda module, name: kernels.pack_kernel(module, name, dtype, u, scale, compute),
        )

    def panels(self, rows: int) -> int:
        return -(-rows // self.lanes)

    def pack(self, first_row: int, last_row: int, threads: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Panels of rows first_row..last_row (a multiple of ``lanes`` from the start, but for the last)."""
        run, d = self._kernel(), self.side.d
        count = self.panels(last_row - first_row)
        size = count * self.lanes * d
        made = out[:size] if out is not None else aligned(size, NUMPY[self.compute])
        names = kernels.stat_fields((self.u, *([self.scale] if self.scale else [])))
        fields = {name: address(self.side.stat(name[:-2])) + 8 * first_row for name in names}
        rows_at = address(self.side.rows) + first_row * d * self.side.rows.itemsize
        step = max(1, 2_000_000 // max(1, self.lanes * d))  # panels per task: about a millisecond
        panel_bytes = self.lanes * d * made.itemsize

        def one(first: int) -> None:
            run(
                rows=rows_at,
                n=last_row - first_row,
                d=d,
                lanes=self.lanes,
                first=first,
                last=min(first + step, count),
                out=address(made) + first * panel_bytes,
                **fields,
            )

        pool.run([functools.partial(one, first) for first in range(0, count, step)], threads)
        return made

    def padded_stats(self, names: tuple[str, ...], first_row: int, last_row: int, multiple: int) -> dict[str, Any]:
        """Statistics of those rows in the compute type, zeros up to a multiple of ``multiple`` rows."""
        count = last_row - first_row
        padded = -(-count // multiple) * multiple
        made = {}
        for name in names:
            if name.endswith(self.which):
                array = np.zeros(padded, NUMPY[self.compute])
                with np.errstate(over="ignore"):
                    array[:count] = self.side.stat(name[:-2])[first_row:last_row]
                made[name] = array
        return made


def mapped(side: Side, u: Expr, which: str, threads: int) -> NDArray[np.float64]:
    """u of every coordinate in float64, as rows: what packing would do, kept."""
    packer = Packer(side, which, u, None, "f64", 1)
    return packer.pack(0, side.n, threads).reshape(side.n, side.d)


def ones(compute: str) -> NDArray[Any]:
    """The 1 that kernels read from memory (:func:`kernels.micro_kernel` says why), and numbers for the peak's."""
    array = aligned(64, NUMPY[compute])
    array[:] = 1.0
    array[1:] = 1.0 + np.arange(63) * 2.0**-20
    return array


ONE = {compute: ones(compute) for compute in FLOATS}


@functools.lru_cache(maxsize=4096)
def kernel_recipe(kind: str, tile: Tile, formula: Formula, *more: object) -> str:
    """The text that determines a kernel, besides its target and the generator."""
    shape = f"{tile.rows}x{tile.vectors}x{tile.lanes} {tile.compute}"
    terms = "; ".join(exact_text(t) for t in formula.terms)
    return f"{kind} {shape} {formula.combine}[{terms}] then {exact_text(formula.last)} {more}"


@functools.lru_cache(maxsize=65536)
def exact_text(e: Expr) -> str:
    """An expression as text that tells apart what differs: constants by their bits."""
    if e.op == "const":
        return float(e.value or 0.0).hex()
    if not e.args:
        return f"{e.op}:{e.value}"
    return f"{e.op}({','.join(map(exact_text, e.args))})"
