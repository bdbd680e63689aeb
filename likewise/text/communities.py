"""Communities: groups of rows around a centre that are alike beyond a threshold.

Around each row are its neighbours: those whose cosine with it is at least the threshold, itself among them. Rows are
taken as centres, those with the most neighbours first; a row that belongs to a community already is no centre, and what
others have claimed is no member. What then has at least ``min_size`` members is a community. These are the communities
that sentence-transformers' ``community_detection`` finds, in the same order, with neighbours by exact cosines.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import prepare, within
from likewise.compute.options import Progress, read_options
from likewise.reductions import Within
from likewise.text.duplicates import as_vectors, read_threshold, read_whole, steps_through

_KEPT = 4_000_000  # neighbours kept from the first pass, some 100 MB; others are looked for again


def communities(
    texts: Any,
    threshold: float = 0.75,
    *,
    min_size: int = 10,
    model: Any = None,
    store: str | os.PathLike[str] | None = None,
    n_jobs: int | None = None,
    memory_limit: int | str | None = None,
    progress: Progress = None,
) -> list[NDArray[np.int64]]:
    """Groups of texts, or of vectors, that are alike.

    Parameters
    ----------
    texts : sequence of str, or array_like of shape (n, d)
    threshold : float, default 0.75
        The smallest cosine with the centre.
    min_size : int, default 10
        Members that make a community, its centre among them.
    model, store : optional
        The encoder of texts: as :func:`~likewise.text.embed`.
    n_jobs, memory_limit, progress
        As every verb takes them.

    Returns
    -------
    list of ndarray
        Row numbers of each community, the largest first: its centre, then the members as they are alike to it. No row
        is in two.

    Examples
    --------
    >>> communities([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0], [1.0, 0.2]], min_size=2)
    [array([0, 2, 4]), array([1, 3])]
    """
    vectors = as_vectors(texts, model, store, progress)
    threshold, least = read_threshold(threshold), read_whole(min_size, "min_size")
    tell = read_options(n_jobs, memory_limit, "raise", progress).progress
    if len(vectors) < least:
        return []
    near = _Neighbours(vectors, threshold, least, {"n_jobs": n_jobs, "memory_limit": memory_limit})
    for done in near.count():
        if tell is not None:
            tell(done, len(vectors))
    centres = np.flatnonzero(near.counts >= least)
    centres = centres[np.argsort(-near.counts[centres], kind="stable")]
    taken, found = np.zeros(len(vectors), bool), []
    for centre, members in near.of(centres, taken):
        free = members[~taken[members]]
        if len(free) >= least:
            free = np.concatenate([[centre], free[free != centre]])
            found.append(free)
            taken[free] = True
    return sorted(found, key=len, reverse=True)


class _Neighbours:
    """The neighbours of rows: of some kept, of others looked for when they are asked for."""

    def __init__(self, vectors: NDArray[Any], threshold: float, least: int, options: dict[str, Any]) -> None:
        self.vectors, self.threshold, self.least, self.options = vectors, threshold, least, options
        self.items: Any = prepare(vectors, metric="cosine")
        self.counts = np.zeros(len(vectors), np.int64)
        self.kept: dict[int, NDArray[np.int64]] = {}

    def count(self) -> Iterator[int]:
        """Count the neighbours of all rows, a chunk at a time: yields the rows done."""
        room = _KEPT
        for first, last, steps in steps_through(len(self.vectors)):
            rows = np.arange(first, last)
            found = self._search(rows)
            steps.found = len(found.values)
            self.counts[rows] = np.diff(found.offsets)
            for row in rows[self.counts[rows] >= self.least].tolist():
                if room < self.counts[row]:
                    break
                room -= int(self.counts[row])
                self.kept[row] = found.indices[found.offsets[row - first] : found.offsets[row - first + 1]].copy()
            yield last

    def of(self, centres: NDArray[np.int64], taken: NDArray[np.bool_]) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Each centre that is not ``taken`` when its turn comes, and its neighbours, the nearest first."""
        for first in range(0, len(centres), 64):
            some = centres[first : first + 64]
            absent = np.array([row for row in some.tolist() if row not in self.kept and not taken[row]], np.int64)
            again: dict[int, NDArray[np.int64]] = {}
            if len(absent):
                found = self._search(absent)
                again = dict(zip(absent.tolist(), np.split(found.indices, found.offsets[1:-1]), strict=True))
            for row in some.tolist():
                if not taken[row]:
                    yield row, self.kept[row] if row in self.kept else again[row]

    def _search(self, rows: NDArray[np.int64]) -> Within:
        return within(self.vectors[rows], self.items, self.threshold, **self.options)
