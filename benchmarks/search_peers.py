"""The libraries that search, each made to give (values, indices) in the metric's own units, the best first.

What a library can prepare (an index, packed or normalised items, a transposed copy) it prepares before the clock
starts, as its users do.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

import likewise as lw
from benchmarks.harness import Entry, NotOffered

Array = Any
Answer = tuple[Array, Array]

#: Queries for those who would take over a second with a thousand: a whole number of their chunks.
FEW = 100
#: Queries scored at a time where a library gives the matrix: 20 MB of float32 against 100,000 items.
CHUNK = 50


@dataclass(frozen=True, eq=False)
class Data:
    """What is searched, for how many neighbours, on how many threads."""

    queries: Array
    items: Array
    k: int
    threads: int

    def first(self, count: int | None) -> tuple[Array, float]:
        """The first ``count`` queries (None: all) and their share of all; times are divided by it."""
        count = len(self.queries) if count is None else min(count, len(self.queries))
        return self.queries[:count], count / len(self.queries)


def gaussian(items: int, queries: int, d: int, k: int, threads: int) -> Data:
    """Standard normal rows in float32: no structure for anybody to use."""
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((items, d), dtype=np.float32)
    return Data(rng.standard_normal((queries, d), dtype=np.float32), rows, k, threads)


def unit(rows: Array) -> Array:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _look_up(table: dict[str, Any], metric: str, library: str) -> Any:
    if metric not in table:
        raise NotOffered(f"{library} has no such comparison built in")
    return table[metric]


# ------------------------------------------------------------------------------------------------ likewise


def prepared(data: Data, metric: Any) -> Entry:
    items = lw.prepare(data.items, metric=metric, n_jobs=data.threads)
    return Entry(lambda: lw.topk(data.queries, items, data.k, n_jobs=data.threads))


def one_shot(data: Data, metric: Any) -> Entry:
    return Entry(lambda: lw.topk(data.queries, data.items, data.k, metric=metric, n_jobs=data.threads))


# ------------------------------------------------------------------------------------------------ search libraries


def faiss_flat(data: Data, metric: str) -> Entry:
    import faiss

    inner = faiss.METRIC_INNER_PRODUCT
    kinds = {"dot": inner, "cosine": inner, "euclidean": faiss.METRIC_L2, "manhattan": faiss.METRIC_L1}
    kind = _look_up(kinds | {"chebyshev": faiss.METRIC_Linf}, metric, "FAISS")
    index = faiss.IndexFlat(data.items.shape[1], kind)
    index.add(unit(data.items) if metric == "cosine" else data.items)
    queries, share = data.first(FEW if metric == "chebyshev" else None)

    def run() -> Answer:
        return index.search(unit(queries) if metric == "cosine" else queries, data.k)

    root = np.sqrt if metric == "euclidean" else np.asarray
    return Entry(run, lambda found: (root(found[0]), found[1]), share)


def faiss_whitened(data: Data, inverse: Array) -> Entry:
    """FAISS's Euclid on rows times L, where L L^T is the inverse covariance: items beforehand, queries in the run."""
    import faiss

    white = np.linalg.cholesky(inverse).astype(np.float32)
    index = faiss.IndexFlat(data.items.shape[1], faiss.METRIC_L2)
    index.add(data.items @ white)
    return Entry(lambda: index.search(data.queries @ white, data.k), lambda found: (np.sqrt(found[0]), found[1]))


def scann_brute(data: Data, metric: str, parallel: bool) -> Entry:
    """ScaNN without its approximations."""
    import scann

    measure = _look_up({"dot": "dot_product", "cosine": "dot_product", "euclidean": "squared_l2"}, metric, "ScaNN")
    items = unit(data.items) if metric == "cosine" else data.items
    searcher = scann.scann_ops_pybind.builder(items, data.k, measure).score_brute_force().build()
    searcher.set_num_threads(data.threads)
    search = searcher.search_batched_parallel if parallel else searcher.search_batched
    root = np.sqrt if metric == "euclidean" else np.asarray

    def run() -> Answer:
        indices, values = search(unit(data.queries) if metric == "cosine" else data.queries)
        return values, indices

    return Entry(run, lambda found: (root(found[0]), found[1].astype(np.int64)))


def usearch_exact(data: Data, metric: str) -> Entry:
    from usearch.index import MetricKind, search

    kinds = {"dot": MetricKind.IP, "cosine": MetricKind.Cos, "euclidean": MetricKind.L2sq}
    kind = _look_up(kinds, metric, "usearch")
    queries, share = data.first(FEW)
    units = {"dot": lambda v: 1 - v, "cosine": lambda v: 1 - v, "euclidean": np.sqrt}[metric]

    def answer(found: Any) -> Answer:
        return units(np.asarray(found.distances, np.float64)), np.asarray(found.keys, np.int64)

    return Entry(lambda: search(data.items, queries, data.k, kind, exact=True, threads=data.threads), answer, share)


def scikit_learn(data: Data, metric: str, **parameters: Any) -> Entry:
    from sklearn.neighbors import NearestNeighbors

    if metric == "dot":
        raise NotOffered("scikit-learn's NearestNeighbors has no dot product")
    few = {"euclidean": None, "cosine": FEW, "manhattan": FEW, "chebyshev": FEW, "mahalanobis": 4}[metric]
    queries, share = data.first(few)
    found = NearestNeighbors(n_neighbors=data.k, algorithm="brute", metric=metric, n_jobs=data.threads, **parameters)
    found.fit(data.items)
    units = (lambda v: 1 - v) if metric == "cosine" else np.asarray
    return Entry(lambda: found.kneighbors(queries), lambda pair: (units(pair[0]), pair[1]), share)


def scikit_learn_callable(data: Data, formula: Callable[[Array, Array], float]) -> Entry:
    """A Python function of two rows: a call for every pair."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=data.k, algorithm="brute", metric=formula, n_jobs=data.threads)
    search.fit(data.items)
    return Entry(lambda: search.kneighbors(data.queries))


def hnsw_index(data: Data) -> tuple[Any, float]:
    """hnswlib's graph (M = 16, 200 candidates while building), and the seconds that building it took."""
    return _hnsw_index(Rows(data.items), data.threads)


@dataclass(frozen=True, eq=False)
class Rows:
    """An array that is itself whatever it holds, so that what is made from it can be kept."""

    array: Array

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and other.array is self.array

    def __hash__(self) -> int:
        return id(self.array)


@functools.cache
def _hnsw_index(rows: Rows, threads: int) -> tuple[Any, float]:
    import hnswlib

    items = rows.array
    start = time.perf_counter()
    index = hnswlib.Index("l2", items.shape[1])
    index.init_index(len(items), M=16, ef_construction=200, random_seed=0)
    index.set_num_threads(threads)
    index.add_items(items)
    return index, time.perf_counter() - start


def hnsw(data: Data, ef: int) -> Entry:
    """hnswlib's graph: approximate, for orientation."""
    index, _ = hnsw_index(data)

    def run() -> Answer:
        index.set_ef(ef)
        indices, values = index.knn_query(data.queries, data.k, num_threads=data.threads)
        return values, indices

    return Entry(run, lambda found: (np.sqrt(found[0]), found[1].astype(np.int64)))


# ------------------------------------------------------------------------------------------------ pairwise libraries


def best_of_rows(scores: Array, k: int, larger: bool) -> Answer:
    """The k best of each row of a matrix, by argpartition."""
    at = np.argpartition(-scores if larger else scores, k - 1, axis=1)[:, :k]
    values = np.take_along_axis(scores, at, axis=1)
    order = np.argsort(-values if larger else values, axis=1)
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(at, order, axis=1)


def by_matrix(data: Data, queries: Array, compare: Callable[[Array], Array], larger: bool, share: float) -> Entry:
    """Chunks of queries scored against all items, one a thread, and the best of each row: what a user would write."""
    pool = ThreadPoolExecutor(data.threads)

    def one(first: int) -> Answer:
        return best_of_rows(compare(queries[first : first + CHUNK]), data.k, larger)

    def run() -> Answer:
        values, indices = zip(*pool.map(one, range(0, len(queries), CHUNK)), strict=True)
        return np.concatenate(values), np.concatenate(indices)

    return Entry(run, share=share)


def numkong(data: Data, metric: str) -> Entry:
    """NumKong's packed kernels; float64 sums."""
    import numkong as nk

    kernels = {"dot": nk.dots_packed, "cosine": nk.angulars_packed, "euclidean": nk.euclideans_packed}
    kernel = _look_up(kernels, metric, "NumKong")
    packed = nk.dots_pack(data.items)
    queries, share = data.first(FEW)
    entry = by_matrix(data, queries, lambda rows: np.asarray(kernel(rows, packed)), metric == "dot", share)
    if metric == "cosine":
        entry.answer = lambda found: (1 - found[0], found[1])
    return entry


def scipy_cdist(data: Data, metric: str, **parameters: Any) -> Entry:
    """SciPy's cdist, which computes in float64."""
    from scipy.spatial.distance import cdist

    names = {"manhattan": "cityblock", "cosine": "cosine"}
    queries, share = data.first(4 if metric == "mahalanobis" else FEW)
    name = names.get(metric, metric)
    entry = by_matrix(data, queries, lambda rows: cdist(rows, data.items, name, **parameters), False, share)
    if metric == "cosine":
        entry.answer = lambda found: (1 - found[0], found[1])
    return entry


def torch_matmul(data: Data, metric: str) -> Entry:
    import torch

    items = torch.from_numpy(unit(data.items) if metric == "cosine" else data.items)
    queries = torch.from_numpy(data.queries)

    def run() -> Any:
        rows = torch.nn.functional.normalize(queries) if metric == "cosine" else queries
        return (rows @ items.T).topk(data.k)

    return Entry(run, lambda found: (found.values.numpy(), found.indices.numpy()))


def torch_cdist(data: Data, metric: str) -> Entry:
    import torch

    p = {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": float("inf")}[metric]
    rows, share = data.first(FEW)
    queries, items = torch.from_numpy(rows), torch.from_numpy(data.items)

    def run() -> Any:
        return torch.cdist(queries, items, p=p).topk(data.k, largest=False)

    return Entry(run, lambda found: (found.values.numpy(), found.indices.numpy()), share)


def keops(data: Data, formula: Callable[[Any, Any], Any]) -> Entry:
    """KeOps compiles the formula too: C++ on this machine, here at its first call."""
    from pykeops import set_verbose
    from pykeops.numpy import LazyTensor

    set_verbose(False)
    rows, share = data.first(FEW)
    x, y = LazyTensor(rows[:, None, :]), LazyTensor(data.items[None, :, :])

    def run() -> Answer:
        return formula(x, y).Kmin_argKmin(data.k, dim=1)

    return Entry(run, lambda found: (found[0], found[1].astype(np.int64)), share)
