"""``where=`` at the door: which items a query may find. A mask, or lists of what each query leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError, ShapeError

if TYPE_CHECKING:
    from likewise.backends.llvm.filters import Filter, Lists

Integers = NDArray[np.int64]
_PAIR = "where=(offsets, indices)"


@dataclass(frozen=True)
class Where:
    """``where=``, checked, and whether rows are kept from finding themselves."""

    lead: tuple[int, ...]
    n: int
    m: int
    own: bool
    mask: NDArray[np.bool_] | None = None  # as given: it broadcasts to (*lead, n, m), and its last axis is m
    lists: Lists | None = None  # of all queries of all batches

    def filter(
        self, index: tuple[int, ...] | None, kept_queries: Integers | None, kept_items: Integers | None
    ) -> Filter | None:
        """What one batch admits, or all queries together (no ``index``), without the bad rows."""
        from likewise.backends.llvm.filters import Filter

        if self.mask is None and self.lists is None and not self.own:
            return None
        queries = np.arange(int(np.prod(self.lead, dtype=np.int64)) * self.n).reshape(*self.lead, self.n)
        queries = queries.reshape(-1) if index is None else queries[index]
        own = np.arange(self.n) if self.own else None
        mask, rows = self._mask_rows(queries)
        made = Filter(
            n=len(queries),
            m=self.m,
            mask=mask,
            mask_rows=rows,
            lists=None if self.lists is None else self.lists.take(queries),
            own=own,
            numbers=kept_items,
        )
        return made if kept_queries is None else made.take(kept_queries)

    def _mask_rows(self, queries: Integers) -> tuple[NDArray[np.bool_] | None, Integers | None]:
        """The mask and the number of each query's row in it; one row for all is (m,), without numbers."""
        if self.mask is None:
            return None, None
        shape = self.mask.shape[:-1]
        numbers = np.arange(int(np.prod(shape, dtype=np.int64))).reshape(shape)
        rows = np.broadcast_to(numbers, (*self.lead, self.n)).reshape(-1)[queries]
        if len(rows) and bool((rows == rows[0]).all()):
            return self.mask[np.unravel_index(rows[0], shape)] if shape else self.mask, None
        return self.mask, rows


def read_where(where: Any, lead: tuple[int, ...], n: int, m: int, *, own: bool) -> Where:
    """Check ``where=``: None, a boolean mask that broadcasts to (*lead, n, m), or (offsets, indices)."""
    if where is None:
        return Where(lead, n, m, own)
    if _is_pair(where):
        queries = int(np.prod(lead, dtype=np.int64)) * n
        return Where(lead, n, m, own, lists=_read_lists(where[0], where[1], queries, m))
    return Where(lead, n, m, own, mask=_read_mask(where, lead, n, m))


def _read_mask(where: Any, lead: tuple[int, ...], n: int, m: int) -> NDArray[np.bool_]:
    """A mask that ends in m and broadcasts to (*lead, n, m)."""
    mask = _array(where, "where=")
    shape = (*lead, n, m)
    if mask.dtype != np.bool_:
        raise InputError(
            f"where= is of type {mask.dtype}; a boolean mask of shape ({m},) or {shape} is wanted, True = admitted, "
            "or a tuple (offsets, indices) of what each query leaves out"
        )
    try:
        fits = np.broadcast_shapes(mask.shape, shape) == shape and mask.shape[-1:] == (m,)
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"where= has shape {mask.shape}; a boolean mask of shape ({m},) or {shape} is wanted")
    return mask


def _is_pair(where: Any) -> bool:
    """Whether it is a tuple of two, and not the two rows, or two entries, of a mask."""
    if not isinstance(where, tuple) or len(where) != 2:
        return False
    return any(_array(part, f"{_PAIR}: {name}").dtype != np.bool_ for name, part in zip(_NAMES, where, strict=True))


_NAMES = ("offsets", "indices")


def _array(value: Any, name: str) -> NDArray[Any]:
    try:
        return np.asarray(value)
    except (ValueError, TypeError, OverflowError, RuntimeError) as error:
        raise ShapeError(f"{name} is not a regular array: {error}") from None


def _read_lists(offsets: Any, indices: Any, n: int, m: int) -> Lists:
    """What each of n queries leaves out of m items, as rising lists."""
    offsets, indices = (
        _integers(part, f"{_PAIR}: {name}") for name, part in zip(_NAMES, (offsets, indices), strict=True)
    )
    if len(offsets) != n + 1:
        raise ShapeError(f"{_PAIR}: {len(offsets):,} offsets for {n:,} queries; {n + 1:,} are wanted")
    if offsets[0] != 0 or offsets[-1] != len(indices):
        raise InputError(
            f"{_PAIR}: offsets run from {offsets[0]} to {offsets[-1]}; "
            f"from 0 to {len(indices)} is wanted, the number of indices"
        )
    if (falls := np.flatnonzero(offsets[1:] < offsets[:-1])).size:
        at = int(falls[0])
        raise InputError(
            f"{_PAIR}: offsets fall from {offsets[at]} to {offsets[at + 1]} at query {at}; they may only rise"
        )
    if (outside := np.flatnonzero((indices < 0) | (indices >= m))).size:
        at = int(outside[0])
        there = f"they are 0 to {m - 1}" if m else "there are none"
        raise InputError(f"{_PAIR}: index {indices[at]} at position {at} is not among the {m:,} items; {there}")
    return rising_lists(offsets.astype(np.int64), indices.astype(np.int64, copy=False), m)


def _integers(value: Any, name: str) -> NDArray[Any]:
    array = _array(value, name)
    if array.ndim != 1:
        raise ShapeError(f"{name} have shape {array.shape}; a single axis is wanted")
    if not array.size:
        return array.astype(np.int64)
    if array.dtype.kind not in "iu":
        raise InputError(f"{name} are of type {array.dtype}; whole numbers are wanted")
    return array


def rising_lists(offsets: Integers, indices: Integers, m: int) -> Lists:
    """The lists sorted, each index once."""
    from likewise.backends.llvm.filters import Lists

    rises = indices[1:] > indices[:-1]
    edges = offsets[1:-1]
    rises[edges[(edges > 0) & (edges < len(indices))] - 1] = True
    if rises.all():
        return Lists(offsets[:-1], offsets[1:], np.ascontiguousarray(indices))
    row = np.repeat(np.arange(len(offsets) - 1) * m, np.diff(offsets))
    keys = row + indices  # (row, index) as one number, so that one plain sort does
    keys.sort()
    indices = keys - row
    fresh = np.ones(len(keys), np.bool_)
    fresh[1:] = keys[1:] != keys[:-1]
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(fresh)])[offsets]
    return Lists(before[:-1], before[1:], indices[fresh])
