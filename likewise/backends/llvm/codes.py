"""Rows as 8-bit screening codes: made, cut into panels, measured for the bounds of :mod:`likewise.formula.codes`."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.candidates import state_bytes
from likewise.backends.llvm.dense import multiply
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.kernels.codes import ALIGN, CodeTile, code_tile
from likewise.backends.llvm.rows import Side, address, aligned, exact_text, mapped
from likewise.backends.llvm.target import current
from likewise.formula.codes import (
    Coding,
    Lengths,
    Part,
    biases,
    lengths,
    typical_alpha,
    uncertainty,
    upward,
)
from likewise.formula.expr import Expr, X

Floats = NDArray[np.float64]
_BLOCK = 4096  # rows coded at a time


@dataclass
class CodedRows:
    """One side's rows in one part's codes: row-major bytes, and what bounds need of each row."""

    codes: NDArray[np.int8]  # (n, stride)
    scale: Floats
    squares: Floats  # of what is coded
    inner: Floats  # with the mean
    total: Floats  # sum of the codes
    error: Floats  # norm of what the codes leave out: 2-norm for dot, 1- and max-norm for sum and max

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        return (self.codes, self.scale, self.squares, self.inner, self.total, self.error)


def _encode_kernel(dtype: str, u: Expr, scale: Expr | None, coded: bool) -> Kernel:
    return kernel(
        "encode",
        f"encode {dtype} {exact_text(u)} / {exact_text(scale) if scale else None} {coded}",
        kernels.codes.encode_fields(u, scale),
        lambda module, name: kernels.codes.encode_kernel(module, name, dtype, u, scale, coded=coded),
    )


def encode(side: Side, u: Expr, scale: Expr | None, part: Part, threads: int, *, coded: bool = True) -> CodedRows:
    """Rows in the part's own coordinates -> codes; without ``coded``, only the squares and inner products."""
    n, d = side.n, side.d
    stride = -(-d // ALIGN) * ALIGN if coded else 0
    codes = aligned(n * stride, np.int8).reshape(n, stride)
    out = {name: np.empty(n if coded or name in ("squares", "inner") else 0) for name in kernels.codes.ENCODE_OUT}
    run = _encode_kernel(side.dtype, u, scale, coded)
    names = kernels.stat_fields((u, *([scale] if scale else [])))
    mean, weight = np.ascontiguousarray(part.mean), np.ascontiguousarray(part.weight)
    step = max(1, min(_BLOCK, 2_000_000 // d))

    def one(first: int) -> None:
        run(
            rows=address(side.rows) + first * d * side.rows.itemsize,
            n=min(step, n - first),
            d=d,
            stride=stride,
            mean=address(mean),
            weight=address(weight),
            fixed=float(part.fixed),
            low=float(part.low),
            high=float(part.high),
            codes=address(codes) + first * stride,
            **{name: address(array) + 8 * first for name, array in out.items()},
            **{name: address(side.stat(name[:-2])) + 8 * first for name in names},
        )

    pool.run([functools.partial(one, first) for first in range(0, n, step)], threads)
    error = {"dot": "err2", "sum": "err1", "max": "errinf"}[part.kind]
    left = np.sqrt(out[error]) if part.kind == "dot" else out[error]
    return CodedRows(codes, out["scale"], out["squares"], out["inner"], out["total"], left)


@dataclass
class CodedSide:
    """One side in all of a coding's parts."""

    parts: list[CodedRows]
    exact: CodedRows | None
    whole: Floats  # |row - mean|^2
    inner: Floats  # (row - mean) . mean

    @property
    def n(self) -> int:
        return len(self.parts[0].codes)

    @property
    def exact_error(self) -> bool:
        """Whether the exact part left anything out after all."""
        return self.exact is None or bool(self.exact.error.any())


def _joined(pieces: list[CodedRows]) -> CodedRows:
    if len(pieces) == 1:
        return pieces[0]
    return CodedRows(*(np.concatenate(arrays) for arrays in zip(*(p.arrays for p in pieces), strict=True)))


def code_side(side: Side, u: Expr, scale: Expr | None, coding: Coding, threads: int) -> CodedSide:
    """All rows of a side in all parts of a coding, some thousand rows at a time."""
    leaf = u.op in ("x", "y")
    exact = None
    if coding.exact is not None:
        exact = encode(side, u, scale, coding.exact, threads)
    if coding.exact_at_once and exact is not None:
        return CodedSide([exact], exact, exact.squares, exact.inner)
    if coding.basis is None:
        rows = encode(side, u, scale, coding.parts[0], threads)
        return CodedSide([rows], exact, rows.squares, rows.inner)
    pieces: list[list[CodedRows]] = [[] for _ in coding.parts]
    sizes = encode(side, u, scale, coding.space, threads, coded=False)
    cuts = [0, *itertools.accumulate(part.d for part in coding.parts)]
    step = max(256, 8_000_000 // side.d)
    for first in range(0, side.n, step):
        stats = {name: array[first : first + step] for name, array in side.stats.items()}
        some = Side(side.rows[first : first + step], side.dtype, side.known, side.bad[:0], stats)
        if not leaf:
            some = Side(
                mapped(some, u, "x" if u.side() == "x" else "y", threads), "float64", side.known, side.bad[:0], stats
            )
        z = multiply(some, coding.basis, threads)
        z *= coding.shrink
        for part, found, a, b in zip(coding.parts, pieces, cuts, cuts[1:], strict=False):
            slab = Side(np.ascontiguousarray(z[:, a:b]), "float64", side.known, side.bad[:0], stats)
            found.append(encode(slab, X, scale, part, threads))
    return CodedSide([_joined(found) for found in pieces], exact, sizes.squares, sizes.inner)


def panels_of(rows: CodedRows, part: Part, lanes: int, group: int, offset: int, threads: int,
              listed: NDArray[np.int64] | None = None) -> NDArray[np.uint8]:  # fmt: skip
    """Panels of ``lanes`` rows: all, or those ``listed``."""
    n = len(rows.codes) if listed is None else len(listed)
    steps, count = -(-part.d // group), -(-n // lanes)
    out = aligned(count * steps * group * lanes, np.uint8)
    run = kernel(
        "panel",
        f"panel {group} {offset}",
        kernels.codes.PANEL_FIELDS,
        lambda module, name: kernels.codes.panel_kernel(module, name, group, offset),
    )
    step = max(1, 1_000_000 // (steps * group * lanes))

    def one(first: int) -> None:
        run(
            codes=address(rows.codes),
            stride=rows.codes.shape[1],
            start=0,
            stop=part.d,
            rows=0 if listed is None else address(listed),
            n=n,
            lanes=lanes,
            first=first,
            last=min(first + step, count),
            out=address(out) + first * steps * group * lanes,
        )

    pool.run([functools.partial(one, first) for first in range(0, count, step)], threads)
    return out


@dataclass
class CodedItems:
    """Items as a scan reads them: panels of the first part, rows of the others, and a few numbers each."""

    coding: Coding
    side: CodedSide
    tile: CodeTile
    panels: NDArray[np.uint8]
    alphas: list[float]
    lossless: list[bool]
    uncertain: list[NDArray[np.float32]]  # T_y of every item, after each part

    @functools.cached_property
    def bias(self) -> NDArray[np.float32]:
        """b_y of every item, as float32 numbers no smaller; past the end, whole panels of it."""
        c = self.coding
        error = self.side.parts[0].error * (1 + 2.0**-20)
        values = error if c.kind == "sum" else biases(c, self.side.whole, self.side.inner)
        return padded(upward(values), self.tile.width, -np.inf)  # past the end is no item

    @functools.cached_property
    def scales(self) -> list[NDArray[np.float32]]:
        pairs = zip(self.coding.parts, self.side.parts, strict=True)
        return [padded(rows.scale / part.top, self.tile.width) for part, rows in pairs]

    def take(self, numbers: NDArray[np.int64], threads: int) -> CodedItems | None:
        """Some of the items, in the codes that are exact; None where there are none such."""
        part, rows = self.coding.exact, self.side.exact
        if part is None or rows is None or rows.error.any():
            return None
        coding = Coding(self.coding.rule, None, (part,), part, part)
        panels = panels_of(rows, part, self.tile.width, self.tile.group, self.tile.offset, threads, numbers)
        some = CodedRows(*(array[numbers] for array in rows.arrays))
        return _coded_items(coding, CodedSide([some], some, some.squares, some.inner), self.tile, panels)

    @property
    def nbytes(self) -> int:
        held: list[NDArray[Any]] = [self.panels, self.bias, *self.scales, *self.uncertain]
        held += [self.side.whole, self.side.inner]
        held += [a for rows in self.side.parts for a in rows.arrays]
        if self.side.exact is not None and self.side.exact is not self.side.parts[0]:
            held += [*self.side.exact.arrays]
        return sum(int(a.nbytes) for a in held)

    def query_bytes(self, k: int, m: int) -> int:
        """Memory of a query's codes, with what is known of it, and of the first pairs it is compared with."""
        widths = [part.d for part in self.coding.parts] + [self.coding.space.d]
        return sum(-(-width // ALIGN) * ALIGN + 200 for width in widths) + widths[0] + state_bytes(2 * k + 16, m, 4)


def levels_of(side: CodedSide, coding: Coding) -> list[Lengths]:
    """What is known after each part."""
    mean = float(np.sqrt(coding.mean_squares))
    raw = np.sqrt(side.whole) + 2 * mean
    made = []
    for i in range(1, len(side.parts) + 1):
        squares, errors = [p.squares for p in side.parts[:i]], [p.error for p in side.parts[:i]]
        made.append(lengths(squares, errors, side.whole, raw, coding))
    return made


def code_items(side: Side, v: Expr, scale: Expr | None, coding: Coding, threads: int) -> CodedItems:
    """Items in all parts of a coding, with the panels of the first."""
    coded = code_side(side, v, scale, coding, threads)
    tile = code_tile(current(), coding.kind)
    panels = panels_of(coded.parts[0], coding.parts[0], tile.width, tile.group, tile.offset, threads)
    return _coded_items(coding, coded, tile, panels)


def _coded_items(coding: Coding, coded: CodedSide, tile: CodeTile, panels: NDArray[np.uint8]) -> CodedItems:
    """Coded items with what bounds need of each."""
    found = levels_of(coded, coding)
    alphas = [typical_alpha(level) for level in found]
    # through a basis, float64's own rounding is left out in any case
    lossless = [coding.basis is None and not bool(level_error(coded, i).any()) for i in range(len(found))]
    uncertain = [
        padded(upward(uncertainty(level, alpha, False, none)), tile.width)
        for level, alpha, none in zip(found, alphas, lossless, strict=True)
    ]
    return CodedItems(coding, coded, tile, panels, alphas, lossless, uncertain)


def padded(values: Any, width: int, beyond: float = 0.0) -> NDArray[np.float32]:
    """Numbers of items as float32, to a whole number of panels."""
    n = len(values)
    made = np.full(-(-n // width) * width, beyond, np.float32)
    made[:n] = values
    return made


def level_error(side: CodedSide, i: int) -> Floats:
    """What the codes of parts 0..i leave out, without the rounding of float64."""
    return np.asarray(sum(part.error for part in side.parts[: i + 1]))
