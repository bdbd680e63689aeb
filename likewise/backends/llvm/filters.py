"""Which pairs a search admits: a mask, lists of what each query leaves out, a row's own number.

Items and queries are numbered here as the caller numbers them. What a search packs may be fewer (bad rows left out,
only admitted rows gathered): then ``numbers`` says which item of the caller's each of them is. So nothing is cut out
of a mask or renumbered in a list, and no array of all pairs is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm.kernels import FILTER_FIELDS

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class Lists:
    """Items that queries leave out: those of query i are ``items[start[i]:stop[i]]``, rising, each once."""

    start: Integers
    stop: Integers
    items: Integers

    def take(self, rows: Integers | slice) -> Lists:
        """The lists of some of the queries."""
        return Lists(self.start[rows], self.stop[rows], self.items)


@dataclass(frozen=True)
class Filter:
    """What a search admits of the pairs of n queries and m items: what none of its parts leaves out."""

    n: int
    m: int  # as the caller counts items
    mask: Booleans | None = None  # (..., m), with any strides
    mask_rows: Integers | None = None  # which of its rows each query has; None: it is (m,), for all
    lists: Lists | None = None
    own: Integers | None = None  # the item that each query itself is
    numbers: Integers | None = None  # the caller's number of each item, where not simply counted
    first: int = 0  # the first item of the search, for one of a part of the items

    def take(self, rows: Integers) -> Filter:
        """The filter of some of the queries."""
        return replace(
            self,
            n=len(rows),
            mask_rows=None if self.mask_rows is None else self.mask_rows[rows],
            lists=None if self.lists is None else self.lists.take(rows),
            own=None if self.own is None else self.own[rows],
        )

    def of_items(self, positions: Integers) -> Filter:
        """The filter of some of the items, which keep their numbers."""
        return replace(self, numbers=positions if self.numbers is None else self.numbers[positions])

    @property
    def shared(self) -> bool:
        """Whether the mask is one for all queries."""
        return self.mask is not None and self.mask_rows is None

    def admitted_items(self) -> Integers:
        """Positions of the items that a shared mask admits, rising."""
        assert self.mask is not None
        return np.flatnonzero(self.mask if self.numbers is None else self.mask[self.numbers])

    def admitted_counts(self) -> Integers:
        """How many items each query is left with, bad rows included."""
        if self.mask is not None and self.mask_rows is not None:
            return _true_counts(self.mask)[self.mask_rows]
        left = np.full(self.n, self.m if self.mask is None else np.count_nonzero(self.mask), np.int64)
        return left if self.lists is None else left - (self.lists.stop - self.lists.start)

    def pairs(self, rows: Integers, last: int, cells: int) -> Iterator[tuple[slice, Integers, Integers]]:
        """What is admitted of those queries and of the items up to ``last``, some queries at a time.

        Yields (which of ``rows``, row numbers in these, items counted from ``first``), in order. At most ``cells``
        pairs are looked at at once, or one query's.
        """
        step = max(1, cells // max(self.m, 1))
        for a in range(0, len(rows), step):
            here = slice(a, min(a + step, len(rows)))
            table = self._table(rows[here])
            items = slice(self.first, last)
            table = table[:, items] if self.numbers is None else table[:, self.numbers[items]]
            row, item = np.divmod(np.flatnonzero(table), max(table.shape[1], 1))
            yield here, row, item

    def _table(self, rows: Integers) -> Booleans:
        """(rows, m): True for what is admitted."""
        if self.mask is None:
            table = np.ones((len(rows), self.m), np.bool_)
        elif self.mask_rows is None:
            table = np.repeat(self.mask[None], len(rows), axis=0)
        else:
            table = self.mask[np.unravel_index(self.mask_rows[rows], self.mask.shape[:-1])]
        line = np.arange(len(rows))
        if self.lists is not None:
            start, counts = self.lists.start[rows], (self.lists.stop - self.lists.start)[rows]
            at = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(start, counts)
            table[np.repeat(line, counts), self.lists.items[at]] = False
        if self.own is not None:
            table[line, self.own[rows]] = False
        return table

    def mask_bytes(self) -> Integers | None:
        """Where each query's row of the mask begins."""
        if self.mask is None:
            return None
        if self.mask_rows is None:
            return np.zeros(self.n, np.int64)
        at = np.unravel_index(self.mask_rows, self.mask.shape[:-1])
        starts = np.zeros(self.n, np.int64)
        for index, stride in zip(at, self.mask.strides[:-1], strict=True):
            starts += index * stride
        return starts


def _true_counts(mask: Booleans) -> Integers:
    """The true entries of each row of (..., m), as a flat array."""
    rows, m = mask.shape[:-1], mask.shape[-1]
    if m < 4096:
        return np.asarray(mask.sum(axis=-1, dtype=np.int64)).reshape(-1)
    # a long row at a time: 10 times faster than NumPy's sum
    return np.array([np.count_nonzero(mask[index]) for index in np.ndindex(*rows)], np.int64)


class FilterFields:
    """A filter as the kernels read it. It keeps alive the arrays whose addresses it hands out."""

    def __init__(self, filter: Filter | None) -> None:
        self.filter = filter
        if filter is None:
            return
        self.mask_bytes = filter.mask_bytes()
        self.own = None if filter.own is None else np.ascontiguousarray(filter.own)
        self.numbers = None if filter.numbers is None else np.ascontiguousarray(filter.numbers)
        self.lists = filter.lists
        if (lists := filter.lists) is not None:
            self.lists = Lists(*map(np.ascontiguousarray, (lists.start, lists.stop, lists.items)))

    def of(self, first_query: int, first_item: int) -> dict[str, int]:
        """Fields for a kernel whose queries and items begin there."""
        fields = dict.fromkeys(FILTER_FIELDS, 0)
        if self.filter is None:
            return fields
        fields["filtered"] = 1
        first = self.filter.first + first_item
        if self.numbers is None:
            fields["number"] = first
        else:
            fields["numbers"] = _at(self.numbers, first)
        if self.filter.mask is not None:
            assert self.mask_bytes is not None
            stride = self.filter.mask.strides[-1]
            fields["where"] = int(self.filter.mask.ctypes.data)
            fields["where_rows"] = _at(self.mask_bytes, first_query)
            fields["where_item"] = stride
            fields["where_side_by_side"] = int(stride == 1 and self.numbers is None)
        if self.own is not None:
            fields["own"] = _at(self.own, first_query)
        if self.lists is not None:
            fields["listed"] = _at(self.lists.items, 0)
            fields["list_start"] = _at(self.lists.start, first_query)
            fields["list_stop"] = _at(self.lists.stop, first_query)
        return fields


def _at(array: Integers, index: int) -> int:
    return int(array.ctypes.data) + 8 * index
