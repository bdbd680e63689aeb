"""Rows as this package compares them: float64, dense or sparse, and what is done to them before a search.

A similarity that takes each row's neighbourhood into account is still a comparison of two rows, if the rows carry what
is known of them: one coordinate more (:func:`with_column`), or their length (:func:`scaled`). So every search here is a
plain search, and none makes the n x m matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.arrays import is_sparse, parse_memory, read, to_floating
from likewise.compute.options import Progress, read_options
from likewise.errors import BadRowsError, InputError, ShapeError
from likewise.extras import need
from likewise.vectors import normalize_array

Floats = NDArray[np.float64]
#: (n, d): an ndarray of float64, or a scipy.sparse.csr_array of float64.
Rows = Any


@dataclass(frozen=True)
class Options:
    """What a call hands on to the searches that it makes."""

    n_jobs: int | None = None
    memory_limit: int | str | None = None
    progress: Progress = None

    def __post_init__(self) -> None:
        """True becomes a bar, one for all the searches of a call."""
        checked = read_options(self.n_jobs, self.memory_limit, "raise", self.progress)
        object.__setattr__(self, "progress", checked.progress)

    def report(self, done: int, total: int) -> None:
        """So much is done."""
        if callable(self.progress):
            self.progress(done, total)

    def keywords(self) -> dict[str, Any]:
        """As keyword arguments of a verb."""
        return {"n_jobs": self.n_jobs, "memory_limit": self.memory_limit, "progress": self.progress}

    @property
    def memory(self) -> int:
        """Bytes that a block of work may take."""
        return parse_memory(self.memory_limit) or 1 << 27

    def stages(self, *pairs: int) -> Iterator[Options]:
        """The options for one search after another, of so many pairs each, with one progress for them all."""
        total, before = sum(pairs), 0
        for here in pairs:
            yield self if not callable(self.progress) else replace(self, progress=_share(self.progress, before, total))
            before += here


def _share(progress: Callable[[int, int], None], before: int, total: int) -> Callable[[int, int], None]:
    return lambda done, _: progress(before + done, total)


def read_rows(value: Any, name: str) -> Rows:
    """Rows (n, d) in float64: dense, or CSR where they came sparse. NaN and infinities are an error."""
    if is_sparse(value):
        return _read_sparse(value, name)
    batch = read(value, name)
    if batch.lead or batch.vector:
        shape = batch.array.shape[1:] if batch.vector else batch.array.shape
        one = f": [{name}] for a single row" if batch.vector else ""
        raise ShapeError(f"{name} has shape {shape}; rows of shape (n, d) are wanted{one}")
    rows = np.ascontiguousarray(to_floating(batch), np.float64)
    _refuse(np.flatnonzero(~np.isfinite(rows).all(axis=1)), name)
    return rows


def _read_sparse(value: Any, name: str) -> Rows:
    sparse = need("scipy.sparse", f"a sparse {name}", extra="translate")
    if value.ndim != 2 or not value.shape[1]:
        raise ShapeError(f"{name} has shape {value.shape}; rows of shape (n, d) are wanted")
    rows = sparse.csr_array(value, dtype=np.float64, copy=False)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    bad = ~np.isfinite(rows.data)
    _refuse(np.unique(np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))[bad]) if bad.any() else [], name)
    return rows


def _refuse(bad: Any, name: str) -> None:
    if len(bad):
        numbers = [int(row) for row in bad]
        shown = ", ".join(map(str, numbers[:10])) + (f" and {len(numbers) - 10} more" if len(numbers) > 10 else "")
        raise BadRowsError(f"{name} has NaN or infinite values in row{'s' * (len(numbers) > 1)} {shown}", numbers)


def alike(*parts: Rows) -> tuple[Rows, ...]:
    """The same rows, all of them sparse where any are."""
    if not any(map(is_sparse, parts)):
        return parts
    sparse = need("scipy.sparse", "sparse rows", extra="translate")
    return tuple(rows if is_sparse(rows) else sparse.csr_array(rows) for rows in parts)


def same_space(x: Rows, y: Rows, x_name: str, y_name: str) -> None:
    """Raise, with both shapes, unless rows have as many coordinates."""
    if x.shape[1] != y.shape[1]:
        raise ShapeError(
            f"{x_name} has shape {x.shape} and {y_name} {y.shape}; both have to be in one space, with as many "
            "coordinates: an Alignment or a Lexicon takes them there"
        )


def same_number(x: Any, y: Any, x_name: str, y_name: str) -> None:
    """Raise, with both numbers, unless there are as many: row i belongs to row i."""
    n, m = (value.shape[0] if hasattr(value, "shape") else len(value) for value in (x, y))
    if n != m:
        raise ShapeError(f"{x_name} and {y_name} are to be pairs, one by one; there are {n:,} and {m:,} of them")


def dense_rows(value: Any, name: str) -> Floats:
    """Rows (n, d) in float64 as a plain array; sparse ones are an error that says what takes them."""
    if is_sparse(value):
        raise InputError(f"{name} is sparse ({value.shape[0]} x {value.shape[1]}); CCA takes sparse rows")
    return np.asarray(read_rows(value, name))


def scaled(rows: Rows, factors: Floats) -> Rows:
    """Each row times a number of its own."""
    if not is_sparse(rows):
        return rows * factors[:, None]
    found = rows.copy()
    found.data *= np.repeat(factors, np.diff(rows.indptr))
    return found


def unit(rows: Rows) -> Rows:
    """Each row over its length; zero rows stay zero."""
    if not is_sparse(rows):
        return normalize_array(rows)
    owner = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    largest = np.zeros(rows.shape[0])
    np.maximum.at(largest, owner, np.abs(rows.data))
    # first by a power of two, so that squares neither overflow nor vanish
    exact = np.where(largest > 0, np.ldexp(1.0, -np.frexp(np.where(largest > 0, largest, 1.0))[1]), 0.0)
    found = scaled(rows, exact)
    length = np.sqrt(np.bincount(owner, found.data * found.data, minlength=rows.shape[0]))
    return scaled(found, np.divide(1.0, length, out=np.zeros_like(length), where=length > 0))


def with_column(rows: Rows, column: Floats) -> Rows:
    """The rows with one coordinate more."""
    if not is_sparse(rows):
        return np.column_stack([rows, column])
    sparse = need("scipy.sparse", "sparse rows", extra="translate")
    return sparse.csr_array(sparse.hstack([rows, sparse.csr_array(column[:, None])], format="csr"))


def beside(*parts: Rows) -> Rows:
    """Spaces side by side: dot products add up."""
    parts = alike(*parts)
    if not is_sparse(parts[0]):
        return np.hstack(parts)
    sparse = need("scipy.sparse", "sparse rows", extra="translate")
    return sparse.csr_array(sparse.hstack(parts, format="csr"))
