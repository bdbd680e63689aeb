"""The reductions: what is done with all the comparisons of a query. Each is init, step, merge, finish.

``step`` takes one block of values, ``merge`` joins two states of the same queries over different items, ``finish``
gives the result. The same four serve a block of the reference, the part of a thread, or a machine of a cluster:
merging is associative, so any split gives the same answer.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class TopK(NamedTuple):
    """The k best of each query: ``values`` (..., n, k) float64, ``indices`` (..., n, k) int64; the best first.

    Where fewer than k items qualify, rows end in index -1 and value NaN.
    """

    values: Floats
    indices: Integers


class CountedTopK(TopK):
    """A :class:`TopK` with ``stats``, the :class:`Counts` of the search."""

    stats: Counts


class Within(NamedTuple):
    """All items within a radius, row after row: row i is ``offsets[i]:offsets[i + 1]``; the best first.

    ``values`` (hits,) float64, ``indices`` (hits,) int64, ``offsets`` (n + 1,) int64: the CSR layout.
    """

    values: Floats
    indices: Integers
    offsets: Integers


class KMeans(NamedTuple):
    """Clusters: ``centroids`` (k, d), ``labels`` (n,) int64, ``inertia`` float, ``iterations`` int.

    ``labels[i]`` is the centroid nearest to row i (the lowest number of several), -1 for a row that was skipped.
    """

    centroids: NDArray[Any]
    labels: Integers
    inertia: float
    iterations: int


@dataclass
class Counts:
    """What a search did, to see why it was fast or not; made with ``stats=True``.

    Of all ``pairs``, ``screened`` were compared in 8-bit integers; ``listed`` could not be excluded so, ``scored`` went
    on to a full score, and ``settled`` to float64. ``coordinates`` is what the pass over all pairs compared, and
    ``peak`` what its instructions allow, per second and core. The call took ``seconds`` on ``threads``; the pass in
    integers, of ``kind`` "dot", "sum" or "max", took ``scan_seconds``, added up over the threads.
    """

    pairs: int = 0
    screened: int = 0
    coordinates: int = 0
    listed: int = 0
    scored: int = 0
    settled: int = 0
    seconds: float = 0.0
    scan_seconds: float = 0.0
    threads: int = 1
    peak: float = 0.0
    kind: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def add(self, **more: float) -> None:
        """Count some more, from any thread."""
        with self._lock:
            for name, value in more.items():
                setattr(self, name, getattr(self, name) + value)

    @property
    def share_of_peak(self) -> float:
        """Of what the processor allows for the widest pass, how much the whole call reached."""
        most = self.seconds * self.threads * self.peak
        return self.coordinates / most if most else 0.0

    def __str__(self) -> str:
        by_codes = f"{self.screened:,} in 8-bit integers, " if self.screened else ""
        left = f"{self.listed:,} listed, {self.scored:,} scored, " if self.screened else ""
        return (
            f"{self.pairs:,} pairs: {by_codes}{left}{self.settled:,} settled in float64; "
            f"{self.seconds * 1e3:,.1f} ms on {self.threads} thread{'s' * (self.threads > 1)}, "
            f"{self.share_of_peak:.0%} of the peak of its instructions"
        )


@dataclass(frozen=True)
class Best:
    """The k pairs of smallest key per query; ties to the lowest index; NaN is never among them."""

    k: int

    def init(self, n: int) -> tuple[Floats, Floats, Integers]:
        """(keys, values, indices), each (n, 0)."""
        return np.empty((n, 0)), np.empty((n, 0)), np.empty((n, 0), np.int64)

    def step(
        self, state: tuple[Floats, Floats, Integers], keys: Floats, values: Floats, indices: Integers
    ) -> tuple[Floats, Floats, Integers]:
        """Take in a block: keys and values (n, b), indices (b,) or (n, b)."""
        return self.merge(state, (keys, values, np.broadcast_to(indices, keys.shape)))

    def merge(
        self, a: tuple[Floats, Floats, Integers], b: tuple[Floats, Floats, Integers]
    ) -> tuple[Floats, Floats, Integers]:
        """The best of both: sorted by (key, index), padding (-1) and NaN last."""
        keys, values, indices = (np.concatenate(pair, axis=1) for pair in zip(a, b, strict=True))
        absent = np.isnan(keys) | (indices < 0)
        order = np.lexsort((indices, np.where(absent, np.inf, keys), absent), axis=1)[:, : self.k]
        keys, values, indices, absent = (np.take_along_axis(v, order, 1) for v in (keys, values, indices, absent))
        return np.where(absent, np.nan, keys), np.where(absent, np.nan, values), np.where(absent, -1, indices)

    def finish(self, state: tuple[Floats, Floats, Integers]) -> TopK:
        """Padded to k with NaN and -1."""
        _, values, indices = state
        missing = self.k - values.shape[1]
        pad = ((0, 0), (0, max(missing, 0)))
        return TopK(np.pad(values, pad, constant_values=np.nan), np.pad(indices, pad, constant_values=-1))


def best_of_pairs(
    k: int, n: int, rows: Integers, keys: Floats, values: Floats, indices: Integers
) -> tuple[Floats, Floats, Integers]:
    """The state of :class:`Best` from pairs in any order: row, key, value and index of each; padded to k."""
    known = ~np.isnan(keys)
    if not known.all():
        rows, keys, values, indices = rows[known], keys[known], values[known], indices[known]
    # one short line per row, sorted by itself: 4 times faster than sorting all pairs at once
    counts = np.bincount(rows, minlength=n)
    width = max(int(counts.max(initial=0)), k)
    if len(rows) and not _grouped(rows, indices):
        order = np.lexsort((indices, rows))
        rows, keys, values, indices = rows[order], keys[order], values[order], indices[order]
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    lines = np.full((n, width), np.nan), np.full((n, width), np.nan), np.full((n, width), -1, np.int64)
    for line, part in zip(lines, (keys, values, indices), strict=True):
        line[rows, place] = part
    # indices rise along a line and the sort is stable, so ties stay with the lowest; NaN sorts last
    order = np.argsort(lines[0], axis=1, kind="stable")[:, :k]
    sorted_keys, sorted_values, sorted_indices = (np.take_along_axis(line, order, 1) for line in lines)
    return sorted_keys, sorted_values, sorted_indices


def _grouped(rows: Integers, indices: Integers) -> bool:
    """Whether pairs come row after row, with rising indices in each."""
    step = np.diff(rows)
    return bool(np.all((step > 0) | ((step == 0) & (np.diff(indices) > 0))))


def all_within(n: int, rows: Integers, keys: Floats, values: Floats, indices: Integers) -> Within:
    """Pairs in any order -> rows in order, each sorted by (key, index)."""
    order = np.lexsort((indices, keys, rows))
    offsets = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=n), out=offsets[1:])
    return Within(values[order], indices[order], offsets)


@dataclass(frozen=True)
class SoftmaxSum:
    """Sum of values weighted by exp(score), over the sum of the weights, in one pass.

    State: running maximum (n,), sum of exp(score - maximum) (n,), weighted sum (n, p).
    """

    def init(self, n: int, p: int) -> tuple[Floats, Floats, Floats]:
        """Nothing seen yet."""
        return np.full(n, -np.inf), np.zeros(n), np.zeros((n, p))

    def step(
        self, state: tuple[Floats, Floats, Floats], scores: Floats, values: Floats
    ) -> tuple[Floats, Floats, Floats]:
        """Take in a block: scores (n, b), values (b, p)."""
        high = scores.max(axis=1, initial=-np.inf)
        weights = np.exp(scores - np.where(np.isinf(high), 0.0, high)[:, None])
        return self.merge(state, (high, weights.sum(axis=1), weights @ values))

    def merge(
        self, a: tuple[Floats, Floats, Floats], b: tuple[Floats, Floats, Floats]
    ) -> tuple[Floats, Floats, Floats]:
        """Both at the larger of the two maxima."""
        high = np.maximum(a[0], b[0])
        base = np.where(np.isinf(high), 0.0, high)
        fa, fb = np.exp(a[0] - base), np.exp(b[0] - base)
        return high, a[1] * fa + b[1] * fb, a[2] * fa[:, None] + b[2] * fb[:, None]

    def finish(self, state: tuple[Floats, Floats, Floats]) -> Floats:
        """(n, p); zeros where nothing had any weight."""
        _, total, weighted = state
        return np.where(total[:, None] > 0, weighted / np.where(total > 0, total, 1.0)[:, None], 0.0)
