"""How good lists of recommendations are: accuracy of each user's list, and what the lists are like together.

Of one user, let rel_i be 1 where the item at rank i is relevant and else 0, and R > 0 the number of relevant items.

    hit rate         1 if any rel_i is 1
    precision@k      (sum of rel_i) / k
    recall@k         (sum of rel_i) / R
    reciprocal rank  1 / (rank of the first relevant item), 0 if none is among the k
    average precision@k    (sum over i of rel_i precision@i) / R
    NDCG@k           (sum over i of rel_i / log2(i + 1)) / (sum over i <= min(R, k) of 1 / log2(i + 1))

These are trec_eval's definitions (Manning, Raghavan and Schuetze, Introduction to Information Retrieval, 2008, chapter
8; NDCG: Jarvelin and Kekalainen, ACM TOIS 20, 2002). Two conventions differ elsewhere: average precision is divided by
R, not by min(R, k), and precision by k even where a list is shorter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: The columns of :func:`accuracy`, in order.
ACCURACY = ("hr", "recall", "precision", "ndcg", "map", "mrr")

_SAMPLES = 1 << 22  # numbers of resampled users drawn at a time: 32 MB
_STORED = 1 << 21  # numbers in the vectors of lists that are looked at together: 50 MB


def hits_of(lists: Integers, relevant: Any) -> NDArray[np.bool_]:
    """Which recommendations are relevant.

    Parameters
    ----------
    lists : int array of shape (users, k)
        Row numbers of items, the best first; -1 is padding, and never a hit.
    relevant : (offsets, indices)
        The relevant items of user i are ``indices[offsets[i]:offsets[i + 1]]`` (CSR).

    Returns
    -------
    bool array of shape (users, k)

    Examples
    --------
    >>> hits_of(np.array([[7, 3, -1]]), (np.array([0, 2]), np.array([3, 5])))
    array([[False,  True, False]])
    """
    offsets, indices = (np.asarray(part, np.int64) for part in relevant)
    users = len(offsets) - 1
    if lists.shape[0] != users:
        raise InputError(f"there are {lists.shape[0]:,} lists and relevant items of {users:,} users")
    # a pair (user, item) as one number, to be looked up among the sorted relevant pairs
    most = int(max(lists.max(initial=-1), indices.max(initial=-1))) + 1
    owner = np.repeat(np.arange(users, dtype=np.int64), np.diff(offsets))
    pairs = np.sort(owner * most + indices)
    asked = np.arange(users, dtype=np.int64)[:, None] * most + lists
    if not len(pairs):
        return np.zeros(lists.shape, bool)
    at = np.minimum(np.searchsorted(pairs, asked), len(pairs) - 1)
    found: NDArray[np.bool_] = (pairs[at] == asked) & (lists >= 0)
    return found


def accuracy(hits: NDArray[np.bool_], relevant: Integers) -> dict[str, Floats]:
    """Each user's measures, as the head of this file defines them.

    Parameters
    ----------
    hits : bool array of shape (users, k)
        Whether the recommendation at each rank is relevant: see :func:`hits_of`.
    relevant : int array of shape (users,)
        How many items are relevant to each user, at least one.

    Returns
    -------
    dict
        ``hr``, ``recall``, ``precision``, ``ndcg``, ``map`` and ``mrr``: float64 arrays of shape (users,), in [0, 1].

    Examples
    --------
    >>> one = accuracy(np.array([[False, True, False]]), np.array([1]))
    >>> {name: round(float(values[0]), 3) for name, values in one.items()}
    {'hr': 1.0, 'recall': 1.0, 'precision': 0.333, 'ndcg': 0.631, 'map': 0.5, 'mrr': 0.5}
    """
    total = np.asarray(relevant, np.int64)
    users, k = hits.shape
    if total.shape != (users,) or (total < 1).any():
        raise InputError(
            "relevant= wants one number for each user, at least 1: a user without relevant items has no recall"
        )
    ranks = np.arange(1, k + 1)
    rel = hits.astype(np.float64)
    found = rel.sum(axis=1)
    discount = 1 / np.log2(ranks + 1)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(total, k)]
    precision_at = np.cumsum(rel, axis=1) / ranks
    first = np.where(hits.any(axis=1), hits.argmax(axis=1), k)
    return {
        "hr": (found > 0).astype(np.float64),
        "recall": found / total,
        "precision": found / k,
        "ndcg": (rel * discount).sum(axis=1) / ideal,
        "map": (rel * precision_at).sum(axis=1) / total,
        "mrr": np.where(first < k, 1 / (first + 1), 0.0),
    }


def coverage(lists: Integers, items: int) -> float:
    """The share of the catalogue that is recommended to anybody: distinct items of all lists / items.

    Examples
    --------
    >>> coverage(np.array([[0, 1], [1, -1]]), items=4)
    0.5
    """
    shown = np.unique(lists[lists >= 0])
    return len(shown) / items if items else 0.0


def novelty(lists: Integers, takers: Integers, users: int) -> Floats:
    """The mean self-information of each list, in bits: -log2 of the share of users who took the item.

    An item that nobody took counts as taken once. (Vargas and Castells, RecSys 2011.)

    Parameters
    ----------
    lists : int array of shape (n, k)
    takers : int array of shape (items,)
        How many users took each item, in the data that were trained on.
    users : int
        How many users there are in these.

    Returns
    -------
    float64 array of shape (n,)
        NaN for an empty list.

    Examples
    --------
    >>> novelty(np.array([[0, 1]]), takers=np.array([8, 2]), users=8)
    array([1.])
    """
    bits = np.log2(max(users, 1)) - np.log2(np.maximum(takers, 1))
    return _mean_of(np.append(bits, 0.0)[lists], lists >= 0)


def diversity(lists: Integers, vectors: Any) -> Floats:
    """How unlike each other the items of a list are: the mean of 1 - cosine over its pairs.

    (Intra-list similarity of Ziegler et al., WWW 2005, turned round.) A zero vector has cosine 0 with everything.

    Parameters
    ----------
    lists : int array of shape (n, k)
    vectors : array of shape (items, d), or a scipy sparse matrix
        What the items are compared by: attributes, or who took them.

    Returns
    -------
    float64 array of shape (n,)
        In [0, 2]; NaN for lists of fewer than two items.

    Examples
    --------
    >>> diversity(np.array([[0, 1], [0, 2]]), np.array([[1.0, 0], [0, 1], [2, 0]]))
    array([1., 0.])
    """
    from scipy.sparse import csr_array

    sparse = hasattr(vectors, "tocsr")
    vectors = csr_array(vectors) if sparse else np.asarray(vectors)
    stored = np.append(np.diff(vectors.indptr) if sparse else np.full(len(vectors), vectors.shape[1]), 0)
    before = np.concatenate([np.zeros(1, np.int64), np.cumsum(stored[lists].sum(axis=1))])
    out, first = np.full(len(lists), np.nan), 0
    while first < len(lists):
        stop = max(first + 1, int(np.searchsorted(before, before[first] + _STORED, side="right")) - 1)
        some = lists[first:stop]
        n = (some >= 0).sum(axis=1)
        ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(n)])
        rows = vectors[some[some >= 0]].astype(np.float64)
        length = np.sqrt(np.asarray((rows * rows).sum(axis=1)).ravel())
        inverse = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
        total = csr_array((inverse, np.arange(len(inverse)), ends), shape=(len(some), len(inverse))) @ rows
        units = np.bincount(np.repeat(np.arange(len(some)), n), length > 0, minlength=len(some))
        # the sum over pairs i < j of unit_i . unit_j is half of |sum of units|^2 less the squares
        pairs = (np.asarray((total * total).sum(axis=1)).ravel() - units) / 2
        out[first:stop] = np.where(n < 2, np.nan, np.clip(1 - pairs / np.maximum(n * (n - 1) / 2, 1), 0.0, 2.0))
        first = stop
    return out


def _mean_of(values: Floats, counted: NDArray[np.bool_]) -> Floats:
    number = counted.sum(axis=1)
    total = np.where(counted, values, 0.0).sum(axis=1)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def bootstrap_means(values: Any, *, samples: int = 1000, seed: int = 0) -> Floats:
    """Means over users drawn again with replacement: the same draws for every column, so that columns can be compared.

    Parameters
    ----------
    values : array of shape (users,) or (users, columns)
    samples : int
        How often the users are drawn.
    seed : int
        The same seed and number of users give the same draws.

    Returns
    -------
    float64 array of shape (samples,) or (samples, columns)
    """
    table = np.asarray(values, np.float64)
    n = len(table)
    if not n or samples < 1:
        raise InputError(f"a bootstrap wants at least one user and one sample; there are {n} and {samples}")
    rng = np.random.default_rng(seed)
    columns = np.ascontiguousarray(table.reshape(n, -1).T)
    out = np.empty((samples, len(columns)))
    step = max(1, _SAMPLES // n)
    for first in range(0, samples, step):
        drawn = rng.integers(n, size=(min(step, samples - first), n))
        for row, users in enumerate(drawn, first):
            # not by BLAS, whose order of summation depends on the number of columns
            out[row] = (np.bincount(users, minlength=n) * columns).sum(axis=1) / n
    return out.reshape(samples, *table.shape[1:])


def interval(means: Floats, level: float = 0.95) -> tuple[Floats, Floats]:
    """The percentile interval of bootstrapped means (Efron and Tibshirani, 1993, chapter 13): (low, high) a column.

    Examples
    --------
    >>> means = bootstrap_means(np.array([0.0, 1.0, 1.0, 1.0]), samples=500, seed=1)
    >>> low, high = interval(means)
    >>> bool(low < 0.75 < high)
    True
    """
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high
