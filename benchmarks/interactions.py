"""Who took what, made up: as many interactions as one likes, skewed as real ones are, from a seed.

How much a user takes is log-normal, as in MovieLens (of its 20 million ratings: median 68, mean 144, at most 9,254 a
user). Items are drawn by a Zipf-Mandelbrot law, weight 1 / (rank + 30)^1.1, by which a quarter of the users took the
most popular one; and half of what a user takes is from one of 50 tastes, which put the items in another order each.
Users are made some thousand at a time, so that little more memory is taken than the result has.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.harness import Settings

Array = Any
USERS, ITEMS, EACH = 200_000, 50_000, 100
SMALL = 5_000, 3_000, 40
TASTES, OWN = 50, 0.5
CHUNK = 5_000


def skewed(users: int, items: int, each: float, seed: int = 0) -> Any:
    """A SciPy CSR matrix of (users, items), float32 ones: on average ``each`` different items a user."""
    import scipy.sparse as sp

    rng = np.random.default_rng(seed)
    weights = 1.0 / (np.arange(items) + 30.0) ** 1.1
    edges = np.cumsum(weights) / weights.sum()
    named = rng.permutation(items).astype(np.int32)  # popularity is not the order of the names
    orders = np.stack([rng.permutation(items) for _ in range(TASTES)]).astype(np.int32)
    lengths = np.exp(rng.normal(0.0, 1.0, users))
    lengths = np.clip(lengths * each / lengths.mean(), 2, items / 4).astype(np.int64)
    taste = rng.integers(0, TASTES, users)
    columns: list[Array] = []
    counts = np.empty(users, np.int64)
    for first in range(0, users, CHUNK):
        stop = min(first + CHUNK, users)
        cells = _chunk(rng, lengths[first:stop], taste[first:stop], edges, named, orders)
        counts[first:stop] = np.bincount(cells // items, minlength=stop - first)
        columns.append((cells % items).astype(np.int32))
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    indices = np.concatenate(columns)
    return sp.csr_matrix((np.ones(len(indices), np.float32), indices, offsets), shape=(users, items))


def _chunk(rng: Any, lengths: Array, taste: Array, edges: Array, named: Array, orders: Array) -> Array:
    """Different (user, item) cells of some users, rising."""
    items = len(edges)
    cells = np.empty(0, np.int64)
    for _ in range(6):  # what was drawn twice is drawn again
        missing = lengths - np.bincount(cells // items, minlength=len(lengths))
        row = np.repeat(np.arange(len(lengths)), np.maximum(missing, 0))
        rank = np.minimum(np.searchsorted(edges, rng.random(len(row))), items - 1)
        own = rng.random(len(row)) < OWN
        item = np.where(own, orders[taste[row], rank], named[rank])
        cells = np.unique(np.concatenate([cells, row * items + item]))
    return cells


@functools.cache
def twenty_million(quick: bool) -> Any:
    """200,000 users, 50,000 items, 20 million interactions; a thousandth of it for a quick look."""
    return skewed(*(SMALL if quick else (USERS, ITEMS, EACH)))


@functools.cache
def movielens() -> Any:
    """The ratings of ml-latest-small as a CSR matrix."""
    from scipy.sparse import csr_matrix

    from likewise.recommend import Interactions

    return csr_matrix(Interactions.read(data.need("ml-latest-small/ratings.csv")).matrix.astype(np.float32))


def sets(settings: Settings) -> dict[str, Any]:
    """The two sets, by what they are called."""
    made = twenty_million(settings.quick)
    found = {f"{made.nnz / 1e6:.3g} million interactions, made up": made}
    try:
        return {"ml-latest-small": movielens()} | found
    except data.NotOffered as why:
        print(f"\nml-latest-small: not measured: {why}")
        return found
