"""Rows of zeros and ones on their way through a search: counted, packed into words, settled by popcount."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.jit import kernel
from likewise.backends.llvm.rows import Packer, Side, address, aligned, exact_text
from likewise.formula.bits import Counts
from likewise.formula.expr import Expr
from likewise.formula.screen import Rows

Floats = NDArray[np.float64]
_BLOCK = 65_536  # rows per task
_PAIRS_PER_TASK = 16_384
#: Statistics that follow from the number of ones; ``dev`` is a sum in order, and does not.
COUNTED = frozenset({"nnz", "sum", "norm1", "norm", "mean", "linf"})


@dataclass
class BitSide(Side):
    """Rows of bits: ``source`` says how they lie (see ``load_word``), ``count`` and ``coordinates`` how many."""

    count: int = 0
    coordinates: int = 0
    source: str = "bits big"

    @property
    def n(self) -> int:
        return self.count

    @property
    def d(self) -> int:
        return self.coordinates


def source_of(side: Side) -> str:
    """How kernels read the side's rows."""
    return side.source if isinstance(side, BitSide) else side.dtype


def _ones(rows: NDArray[Any], source: str, n: int, d: int, threads: int) -> Floats:
    """Coordinates other than 0 of each row."""
    run = kernel(
        "count_bits",
        f"count bits {source}",
        kernels.COUNT_BITS_FIELDS,
        lambda module, name: kernels.count_bits_kernel(module, name, source),
    )
    nnz = np.empty(n)

    def one(first: int) -> None:
        run(rows=address(rows), first=first, last=min(first + _BLOCK, n), d=d, nnz=address(nnz))

    pool.run([functools.partial(one, first) for first in range(0, n, _BLOCK)], threads)
    return nnz


def _statistics(nnz: Floats, d: int, wanted: frozenset[str]) -> dict[str, Floats]:
    """The ``wanted`` statistics of rows of zeros and ones: the same bits as their sums in order give."""
    made = {"nnz": nnz, "sum": nnz, "norm1": nnz}
    if "norm" in wanted:
        made["norm"] = np.sqrt(nnz)
    if "mean" in wanted:
        made["mean"] = nnz / d
    if "linf" in wanted:
        made["linf"] = (nnz > 0).astype(np.float64)
    return {name: made[name] for name in wanted}


def bit_side(rows: NDArray[Any], d: int, bitorder: str, wanted: frozenset[str], threads: int) -> BitSide:
    """A side of packed bits, (n, ceil(d / 8)) bytes, with the ``wanted`` statistics."""
    n, source = len(rows), f"bits {bitorder}"
    wanted = wanted & COUNTED
    stats = _statistics(_ones(rows, source, n, d, threads), d, wanted) if wanted else {}
    return BitSide(rows, "bits", Rows(True, True, 0.0, 1.0), np.empty(0, np.int64), stats, n, d, source)


def measure_bool(rows: NDArray[Any], wanted: frozenset[str], threads: int) -> Side:
    """``measure`` of booleans, which needs no look at their range: 64 at a time."""
    n, d = rows.shape
    stats = _statistics(_ones(rows, "bool", n, d, threads), d, wanted) if wanted else {}
    return Side(rows, "bool", Rows(True, True, 0.0, 1.0), np.empty(0, np.int64), stats)


def unpacked(side: BitSide, first: int, last: int, threads: int) -> NDArray[np.bool_]:
    """Rows first..last as booleans."""
    source = side.source
    run = kernel(
        "unpack_bits",
        f"unpack bits {source}",
        kernels.COUNT_BITS_FIELDS,
        lambda module, name: kernels.unpack_bits_kernel(module, name, source),
    )
    out = np.empty((last - first, side.d), np.bool_)
    step = max(1, 4_000_000 // side.d)

    def one(at: int) -> None:
        start = address(out) + (at - first) * side.d
        run(rows=address(side.rows), first=at, last=min(at + step, last), d=side.d, nnz=start)

    pool.run([functools.partial(one, at) for at in range(first, last, step)], threads)
    return out


def rows_of(side: BitSide, wanted: frozenset[str], threads: int) -> BitSide:
    """The same rows as packed bits, row after row, with the ``wanted`` statistics: panels made rows again."""
    packed = np.empty((side.n, -(-side.d // 8)), np.uint8)
    step = max(1, 16_000_000 // side.d)
    for first in range(0, side.n, step):
        last = min(first + step, side.n)
        packed[first:last] = np.packbits(unpacked(side, first, last, threads), axis=-1)
    return bit_side(packed, side.d, "big", wanted, threads)


@dataclass
class BitPacker(Packer):
    """Rows -> panels of words, for one side of a count. The words lie in the float64 buffers of other panels."""

    def pack(self, first_row: int, last_row: int, threads: int, out: NDArray[Any] | None = None) -> NDArray[Any]:
        side, source = self.side, source_of(self.side)
        run = kernel(
            "pack_bits",
            f"pack bits {source}",
            kernels.PACK_BITS_FIELDS,
            lambda module, name: kernels.pack_bits_kernel(module, name, source),
        )
        words = kernels.words_of(side.d)
        count = self.panels(last_row - first_row)
        size = count * self.lanes * words
        made = out[:size] if out is not None else aligned(size, np.float64)
        step = max(1, 100_000 // max(1, self.lanes * words))

        def one(first: int) -> None:
            run(
                rows=address(side.rows),
                start=first_row,
                n=last_row - first_row,
                d=side.d,
                lanes=self.lanes,
                first=first,
                last=min(first + step, count),
                out=address(made) + first * self.lanes * words * 8,
            )

        pool.run([functools.partial(one, first) for first in range(0, count, step)], threads)
        return made


def panel_side(side: Side, panels: NDArray[Any], width: int, stats: dict[str, Floats]) -> BitSide:
    """A side whose rows are panels of words, as :class:`BitPacker` made them."""
    return BitSide(panels, "bits", side.known, side.bad[:0], stats, side.n, side.d, f"words {width}")


def bit_pair_values(
    counts: Counts,
    key: Expr,
    value: Expr,
    x: Side,
    y: Side,
    rows: NDArray[np.int64],
    found: NDArray[np.int64],
    threads: int,
) -> tuple[Floats, Floats]:
    """Float64 (key, value) of the pairs (rows[i], found[i]), from the counts of their bits."""
    key, value = counts.rewrite(key), counts.rewrite(value)
    x_source, y_source = source_of(x), source_of(y)
    run = kernel(
        "bit_pairs",
        f"bit pairs {counts.op} {exact_text(key)} {exact_text(value)} {x_source} {y_source}",
        kernels.bit_pairs_fields(key, value),
        lambda module, name: kernels.bit_pairs_kernel(module, name, counts.op, key, value, x_source, y_source),
    )
    rows, found = np.ascontiguousarray(rows, np.int64), np.ascontiguousarray(found, np.int64)
    count = len(rows)
    keys, values = np.empty(count), np.empty(count)
    stats = {
        name: address((x if name.endswith("x") else y).stat(name[:-2])) for name in kernels.stat_fields((key, value))
    }

    def one(first: int) -> None:
        run(
            x=address(x.rows),
            y=address(y.rows),
            x_rows=address(rows) + 8 * first,
            y_rows=address(found) + 8 * first,
            count=min(_PAIRS_PER_TASK, count - first),
            d=x.d,
            keys=address(keys) + 8 * first,
            values=address(values) + 8 * first,
            **stats,
        )

    pool.run([functools.partial(one, first) for first in range(0, count, _PAIRS_PER_TASK)], threads)
    return keys, values
