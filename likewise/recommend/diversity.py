"""Lists whose items differ: maximal marginal relevance.

Of a pool of candidates, the one is chosen next that is most relevant and least like what has been chosen already
(Carbonell and Goldstein, The use of MMR, SIGIR 1998):

    (1 - diversify) relevance(i)  -  diversify  max over the chosen j of similarity(i, j)

The pool are a user's best max(100, 5 k) items; of more than 2,000, the best 2,000 or k. Relevance is the score, scaled
so that the pool's lowest is 0 and its highest 1: scores of different models have different units, and similarities lie
in [-1, 1]. At equal value the item that is higher by score comes first. Scores are returned as the model gave them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from likewise.errors import InputError
from likewise.reductions import TopK

if TYPE_CHECKING:
    from likewise.recommend.model import Recommender

#: Different items whose similarities are held at a time: 32 MB.
_MOST_ITEMS = 2_000
#: The longest list that is made: the similarities of its pool are 200 MB.
_LONGEST = 5_000
#: The worth of a candidate that is not there: below what any other can have.
_ABSENT = -1e9


def pool_size(k: int) -> int:
    """Of how many candidates k are chosen."""
    return max(100, min(5 * k, max(k, _MOST_ITEMS)))


def diversified(model: Recommender, pool: TopK, k: int, diversify: float) -> TopK:
    """The first k of each row's pool, by maximal marginal relevance."""
    n, p = pool.indices.shape
    if p > _LONGEST:
        raise InputError(f"diversify= compares all of {p:,} items with each other; ask for k <= {_LONGEST:,}")
    k = min(k, p)
    values, indices = np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
    for first, stop in _pieces(pool.indices):
        found = pool.indices[first:stop]
        items, place = np.unique(found, return_inverse=True)
        place = place.reshape(found.shape)
        alike = model._similarity(np.maximum(items, 0))
        order = chosen(pool.values[first:stop], place, alike, k, diversify)
        values[first:stop] = np.take_along_axis(pool.values[first:stop], order, 1)
        indices[first:stop] = np.take_along_axis(found, order, 1)
    return TopK(values, indices)


def _pieces(indices: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Rows some at a time, so that all items of a piece are few enough."""
    step = max(1, _MOST_ITEMS // max(indices.shape[1], 1))
    return [(first, min(first + step, len(indices))) for first in range(0, len(indices), step)]


def chosen(
    scores: NDArray[np.float64],
    place: NDArray[np.int64],
    alike: NDArray[np.float64],
    k: int,
    diversify: float,
) -> NDArray[np.int64]:
    """The columns of k candidates of each row, in the order chosen; those without a score (NaN) come last.

    Parameters
    ----------
    scores : ndarray of shape (n, p)
    place : ndarray of int64, shape (n, p)
        Each candidate's row in ``alike``.
    alike : ndarray of shape (items, items)
    """
    n, _ = scores.shape
    every = np.arange(n)
    worth = np.where(np.isnan(scores), _ABSENT, (1 - diversify) * _relevance(scores))
    nearest = np.full(scores.shape, -np.inf)
    order = np.empty((n, k), np.int64)
    for turn in range(k):
        value = worth if turn == 0 else worth - diversify * nearest
        order[:, turn] = at = np.argmax(value, axis=1)  # the first of equal ones
        np.maximum(nearest, alike[place[every, at][:, None], place], out=nearest)
        worth[every, at] = -np.inf
    return order


def _relevance(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scores as 0 to 1 within each row."""
    absent = np.isnan(scores)
    low = np.where(absent, np.inf, scores).min(axis=1, keepdims=True)
    high = np.where(absent, -np.inf, scores).max(axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1.0)
    return np.where(absent, 0.0, (np.where(absent, 0.0, scores) - np.where(np.isinf(low), 0.0, low)) / span)
