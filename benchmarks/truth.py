"""The exact k best of every query, by NumPy in float64: what every answer of a benchmark is compared with.

For some queries at a time:

    low <= key <= high            for all items: a matrix product and a bound on its rounding, or coarse sums
    candidates: low <= the k-th smallest high
    the k best of the candidates  by the definition (likewise.backends.reference); ties to the lowest index

The first two lines use nothing of likewise; the last is what its answers are defined by, so that a comparison can ask
for the same bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

import likewise as lw
from benchmarks.data import BitRows, unpacked
from benchmarks.search_peers import Answer, Data
from likewise.backends import reference
from likewise.formula.metrics import as_metric

Array = Any
Pairs = tuple[Array, Array]  # rows of the queries, and of the items, one of each a pair
#: Bounds of the keys of some queries (c, d) and items (b, d), each (c, b); a key is smaller for the better.
Bounds = Callable[[Array, Array], tuple[Array, Array]]

QUERIES, ITEMS = 500, 4_096  # of a matrix of bounds: 16 MB of float64
TOGETHER = 32  # queries whose candidates the reference compares at a time
UNIT = 2.0**-53


# ------------------------------------------------------------------------------------------------ bounds by products


def dot_bounds(x: Array, y: Array) -> tuple[Array, Array]:
    """A sum of d products errs by at most some d u |x||y| in any order: the one here, and the answer's."""
    key = -(x @ y.T)
    error = 4 * (x.shape[1] + 8) * UNIT * np.outer(lengths(x), lengths(y))
    return key - error, key + error


def cosine_bounds(x: Array, y: Array) -> tuple[Array, Array]:
    key = -(x @ y.T)
    key /= np.outer(*(np.where(size == 0, 1.0, size) for size in (lengths(x), lengths(y))))
    error = 8 * (x.shape[1] + 8) * UNIT
    return key - error, key + error


def euclidean_bounds(x: Array, y: Array) -> tuple[Array, Array]:
    """|x|^2 + |y|^2 - 2 x.y, whose terms are what the rounding is relative to."""
    squares = np.add.outer(lengths(x) ** 2, lengths(y) ** 2)
    key = squares - 2 * (x @ y.T)
    error = 8 * (x.shape[1] + 8) * UNIT * squares
    return key - error, key + error


def hamming_bounds(x: Array, y: Array) -> tuple[Array, Array]:
    """Bits as 0 and 1 in float32, which counts exactly up to 2^24."""
    key = np.add.outer(x.sum(1), y.sum(1)) - 2 * (x @ y.T)
    return key, key


def jaccard_bounds(x: Array, y: Array) -> tuple[Array, Array]:
    both = (x @ y.T).astype(np.float64)
    either = np.add.outer(x.sum(1), y.sum(1)) - both
    key = 1 - both / np.where(either == 0, 1, either)
    key[either == 0] = 0
    return key - 4 * UNIT, key + 4 * UNIT


def lengths(rows: Array) -> Array:
    return np.sqrt(np.einsum("ij,ij->i", rows, rows))


def by_bounds(bounds: Bounds, read: Callable[[Array], Array], items: Array, k: int) -> Callable[[Array], Pairs]:
    """Candidates of some queries: block after block of items, then among what the blocks left."""

    def candidates(queries: Array) -> Pairs:
        x = read(queries)
        limit = np.full(len(x), np.inf)
        kept = []
        for start in range(0, len(items), ITEMS):
            low, high = bounds(x, read(items[start : start + ITEMS]))
            if high.shape[1] >= k:
                limit = np.minimum(limit, np.partition(high, k - 1, axis=1)[:, k - 1])
            rows, columns = np.nonzero(low <= limit[:, None])
            kept.append((rows, columns + start, low[rows, columns], high[rows, columns]))
        rows, columns, low, high = (np.concatenate(part) for part in zip(*kept, strict=True))
        order, counts = np.lexsort((high, rows)), np.bincount(rows)
        limit = high[order][np.cumsum(counts) - counts + k - 1]
        left = low <= limit[rows]
        return rows[left], columns[left]

    return candidates


# ------------------------------------------------------------------------------------------------ bounds of pixels
# Whole numbers from 0 to 255: sums of their differences are exact in float32 (784 * 255 < 2^24).


def by_coarse(
    coarse: Callable[[Array], Array], fine: Callable[[Array, Array], Array], k: int, slack: float = 0.0
) -> Callable[[Array], Pairs]:
    """Candidates where ``coarse(x)`` is at most the key of every item, and ``fine(x, some)`` is the key of some.

    The k-th smallest key of the items that look best is at least the k-th smallest of all. ``slack`` is the relative
    error of fine keys.
    """

    def of_one(x: Array) -> Array:
        low = coarse(x)
        best = np.argpartition(low, 4 * k)[: 4 * k]
        some = np.flatnonzero(low <= np.partition(fine(x, best), k - 1)[k - 1] * (1 + slack))
        keys = fine(x, some)
        return some[keys <= np.partition(keys, k - 1)[k - 1] * (1 + 2 * slack)]

    def candidates(queries: Array) -> Pairs:
        found = [of_one(x) for x in queries]
        return np.repeat(np.arange(len(found)), [len(some) for some in found]), np.concatenate(found)

    return candidates


def squares_of_pixels(rows: Array, side: int = 4) -> Array:
    """Sums of 4 x 4 pixels, (n, 49): |sum of differences| <= sum of |differences|."""
    count = 28 // side
    return rows.reshape(-1, count, side, count, side).sum((2, 4), dtype=np.float32).reshape(-1, count**2)


def pixel_sums(items: Array, k: int, power: float) -> Callable[[Array], Pairs]:
    """Sums of |x - y|^p, p = 1 or 1.5. By Jensen's inequality 16 terms are at least 16 (|their sum| / 16)^p."""
    blocks, ones = squares_of_pixels(items), np.ones(49, np.float32)
    scale = 16 ** (1 - power)

    def raised(differences: Array) -> Array:
        np.abs(differences, out=differences)
        return differences if power == 1 else differences * np.sqrt(differences)

    def coarse(x: Array) -> Array:
        mine = squares_of_pixels(x[None])[0]
        parts = (raised(blocks[at : at + ITEMS] - mine) @ ones for at in range(0, len(blocks), ITEMS))
        return np.concatenate(list(parts)) * scale * (1 if power == 1 else 1 - 1e-5)  # float32 where it is rounded

    def fine(x: Array, some: Array) -> Array:
        kind = np.float32 if power == 1 else np.float64
        return raised(items[some].astype(kind) - x.astype(kind)).sum(1)

    return by_coarse(coarse, fine, k, 0.0 if power == 1 else 1e-12)


def pixel_largest(items: Array, k: int) -> Callable[[Array], Pairs]:
    """The largest |x - y|, which is at least the largest of the 196 pixels that vary most."""
    items = items.astype(np.uint8)
    chosen = np.argsort(-items.var(0))[:196]
    pixels = np.ascontiguousarray(items[:, chosen].T)

    def differences(x: Array, y: Array) -> Array:
        return np.maximum(x, y) - np.minimum(x, y)

    def coarse(x: Array) -> Array:
        largest = np.zeros(len(items), np.uint8)
        for mine, theirs in zip(x.astype(np.uint8)[chosen], pixels, strict=True):
            whole = np.full_like(theirs, mine)  # with a scalar NumPy's maximum is ten times slower
            np.maximum(largest, differences(whole, theirs), out=largest)
        return largest

    def fine(x: Array, some: Array) -> Array:
        return differences(x.astype(np.uint8), items[some]).max(1)

    return by_coarse(coarse, fine, k)


# ------------------------------------------------------------------------------------------------ the exact answer

PRODUCTS: dict[str, Bounds] = {"dot": dot_bounds, "cosine": cosine_bounds, "euclidean": euclidean_bounds}
COUNTS: dict[str, Bounds] = {"hamming": hamming_bounds, "jaccard": jaccard_bounds}


def _screen(data: Data, how: str) -> Callable[[Array], Pairs]:
    if isinstance(data, BitRows):
        return by_bounds(COUNTS[how], lambda rows: unpacked(rows).astype(np.float32), data.items, data.k)
    if how in PRODUCTS:
        return by_bounds(PRODUCTS[how], lambda rows: rows.astype(np.float64), data.items, data.k)
    for rows in (data.queries, data.items):
        if not np.array_equal(rows, rows.astype(np.uint8)):
            raise ValueError(f"{how} is bounded for pixels only")
    if how == "chebyshev":
        return pixel_largest(data.items, data.k)
    return pixel_sums(data.items, data.k, {"manhattan": 1.0, "power 1.5": 1.5}[how])


def _settle(metric: Any, data: Data, queries: Array, pairs: Pairs) -> Iterator[lw.TopK]:
    """The definition, on few queries and the candidates of any of them: the k best of more rows are the same."""
    read = unpacked if isinstance(data, BitRows) else np.asarray
    rows, columns = pairs
    for start in range(0, len(queries), TOGETHER):
        some = np.unique(columns[(rows >= start) & (rows < start + TOGETHER)])
        found = reference.topk(metric, read(queries[start : start + TOGETHER]), read(data.items[some]), data.k)
        yield lw.TopK(found.values, some[found.indices])


@functools.cache
def exact(data: Data, metric: Any, how: str = "") -> lw.TopK:
    """The k best of every query. ``how`` names the bounds: the metric's own name by default."""
    from threadpoolctl import threadpool_limits

    known = as_metric(metric)
    candidates = _screen(data, how or known.name)

    def some(start: int) -> list[lw.TopK]:
        queries = data.queries[start : start + size]
        return list(_settle(known, data, queries, candidates(queries)))

    size = min(QUERIES, -(-len(data.queries) // data.threads))
    with threadpool_limits(1), ThreadPoolExecutor(data.threads) as pool:  # a thread a chunk, each with its own BLAS
        parts = [part for parts in pool.map(some, range(0, len(data.queries), size)) for part in parts]
    return lw.TopK(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def exact_among(data: Data, metric: Any, mask: Array) -> lw.TopK:
    """The k best of the admitted items, as their own numbers."""
    admitted = np.flatnonzero(mask)
    found = exact(Data(data.queries, data.items[admitted], data.k, data.threads), metric)
    return lw.TopK(found.values, admitted[found.indices])


# ------------------------------------------------------------------------------------------------ comparisons


def pair_values(data: Data, metric: Any, n: int, indices: Array) -> Array:
    """(n, k) true values of the pairs of query i and its found items."""
    read = unpacked if isinstance(data, BitRows) else np.asarray
    k = indices.shape[1]
    x, y = read(np.repeat(data.queries[:n], k, axis=0)), read(data.items[indices.ravel()])
    return lw.paired(x, y, metric=metric, n_jobs=data.threads).reshape(n, k)


def same(data: Data, metric: Any, right: lw.TopK, ulps: int = 0) -> Callable[[Answer], dict[str, float]]:
    """A check that raises unless every row of an answer of ours is the exact one.

    With ``ulps``, for formulas of functions that NumPy rounds otherwise, values may be off by as many units in the last
    place, and items whose true values are as near each other may change places.
    """

    def check(found: Answer) -> dict[str, float]:
        values, indices = (np.asarray(part) for part in found)
        n = len(indices)
        expected, tolerance = right.values[:n], 2 * ulps * UNIT * np.abs(right.values[:n])
        wrong = ~(np.abs(values - expected) <= tolerance) | (np.diff(np.sort(indices), prepend=-1) <= 0)
        other = indices != right.indices[:n]
        if ulps and other.any() and not wrong.any():
            rows = np.flatnonzero(other.any(axis=1))
            true = [reference_values(data, metric, i, indices[i]) for i in rows]
            wrong[rows] |= np.abs(np.array(true) - expected[rows]) > tolerance[rows]
        else:
            wrong |= other
        if wrong.any():
            row = int(np.flatnonzero(wrong.any(axis=1))[0])
            raise AssertionError(
                f"likewise and float64 disagree on {as_metric(metric).name}, in {wrong.any(axis=1).sum():,} of {n:,} "
                f"rows; row {row}: {indices[row]} at {values[row]}, not {right.indices[row]} at {right.values[row]}"
            )
        return {"recall": 1.0, "error": float(np.abs(values - expected).max(initial=0.0))}

    return check


def reference_values(data: Data, metric: Any, row: int, indices: Array) -> Array:
    return reference.pairwise(as_metric(metric), data.queries[row : row + 1], data.items[indices])[0]


def agreement(data: Data, metric: Any, right: lw.TopK) -> Callable[[Answer], dict[str, float]]:
    """A peer's recall@k, and the largest error of its values.

    An item counts as found if no k others are nearer: where several tie for the last place, any of them will do.
    """
    sign = 1 if as_metric(metric).closer == "smaller" else -1

    def check(found: Answer) -> dict[str, float]:
        values, indices = (np.asarray(part) for part in found)
        n, k = indices.shape
        true = pair_values(data, metric, n, indices)
        good = np.count_nonzero(sign * true <= sign * right.values[:n, -1:])
        twice = np.count_nonzero(np.diff(np.sort(indices)) == 0)  # an item counts once
        return {"recall": float(good - twice) / (n * k), "error": float(np.abs(values - true).max(initial=0.0))}

    return check
