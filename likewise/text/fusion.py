"""One ranking from several, of the same queries over the same items.

Reciprocal rank fusion (Cormack, Clarke & Büttcher 2009) looks at ranks r = 1, 2, ... alone; weighted fusion looks at
scores, brought to one scale a query:

    rrf       sum over rankings of  w / (constant + r)
    minmax    sum of  w (s - low) / (high - low)           low and high: of that query's list
    zscore    sum of  w (s - mean) / deviation             of that query's list

An item that a list does not hold adds nothing to rrf, and what the list's last one adds to the others. Where the list
is padded, and it is known what those score that it leaves out (no common word: 0), that score is the list's last.

The default was chosen on the training queries of SciFact (docs/search.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likewise.compute.search import read_count
from likewise.errors import InputError, ShapeError
from likewise.reductions import TopK

Fusion = Literal["rrf", "minmax", "zscore"]
Floats = NDArray[np.float64]


def fuse(
    rankings: Sequence[TopK],
    k: int,
    *,
    method: Fusion = "zscore",
    weights: Sequence[float] | None = None,
    floors: Sequence[float | None] | None = None,
    constant: float = 60.0,
) -> TopK:
    """Fuse rankings in which a larger value is better.

    Parameters
    ----------
    rankings : sequence of TopK, values and indices of shape (n, k_i)
        Padded with -1 where a list is shorter, as the verbs give them.
    k : int
        How many to keep.
    method : {"rrf", "minmax", "zscore"}
    weights : sequence of float, optional
        One a ranking. Default: all 1.
    floors : sequence of float or None, optional
        What an item scores that a padded list does not hold, one a ranking; None where that is not known.
    constant : float, default 60
        Of rrf.

    Returns
    -------
    TopK
        Ties go to the lowest index; rows of fewer than k items are padded with -1 and NaN.

    Examples
    --------
    >>> words = TopK(np.array([[7.0, 5.0]]), np.array([[3, 1]]))
    >>> meaning = TopK(np.array([[0.9, 0.8]]), np.array([[1, 2]]))
    >>> fuse([words, meaning], 3, method="rrf").indices.tolist()
    [[1, 3, 2]]
    """
    k = read_count(k)
    if method not in ("rrf", "minmax", "zscore"):
        raise InputError(f"fusion={method!r} is not known; it is 'rrf', 'minmax' or 'zscore'")
    if not rankings:
        raise InputError("there are no rankings to fuse")
    share = np.ones(len(rankings)) if weights is None else np.asarray(weights, np.float64)
    if share.shape != (len(rankings),) or not np.isfinite(share).all() or (share < 0).any() or not share.any():
        raise InputError(
            f"weights={weights!r}; {len(rankings)} numbers from 0 are wanted, one a ranking, and not all of them 0"
        )
    counts = {len(ranking.indices) for ranking in rankings}
    if len(counts) > 1:
        raise ShapeError(f"rankings of {' and '.join(map(str, sorted(counts)))} queries; of the same ones is wanted")
    known = [None] * len(rankings) if floors is None else list(floors)
    n = counts.pop()
    values, indices = np.full((n, k), np.nan), np.full((n, k), -1, np.int64)
    for query in range(n):
        lists = [(ranking.values[query], ranking.indices[query]) for ranking in rankings]
        items, scores = _fused(lists, share, method, known, constant)
        order = np.lexsort((items, -scores))[:k]
        values[query, : len(order)], indices[query, : len(order)] = scores[order], items[order]
    return TopK(values, indices)


def _fused(
    lists: list[tuple[Floats, NDArray[np.int64]]],
    weights: Floats,
    method: Fusion,
    floors: Sequence[float | None],
    constant: float,
) -> tuple[NDArray[np.int64], Floats]:
    """All items of one query's lists, by number, and what they score together."""
    items = np.unique(np.concatenate([found[found >= 0] for _, found in lists]))
    total = np.zeros(len(items))
    for weight, (scores, found), floor in zip(weights, lists, floors, strict=True):
        scores, places = scores[found >= 0], np.searchsorted(items, found[found >= 0])
        if not len(places):
            continue
        if method == "rrf":
            given = np.append(1 / (constant + np.arange(1, len(places) + 1)), 0.0)
        elif floor is not None and len(places) < len(found):
            given = _scaled(np.append(scores, floor), method)
        else:
            given = _scaled(scores, method)
            given = np.append(given, given.min())
        part = np.full(len(items), given[-1])  # of an item that the list does not hold
        part[places] = given[:-1]
        total += weight * part
    return items, total


def _scaled(scores: Floats, method: Fusion) -> Floats:
    """Scores of one list on a scale that other lists have too; where all are equal, 1 each (minmax) or 0."""
    if method == "minmax":
        low, high = scores.min(), scores.max()
        return (scores - low) / (high - low) if high > low else np.ones(len(scores))
    if scores.max() == scores.min():  # their mean may be another number, by rounding
        return np.zeros(len(scores))
    deviation = scores.std()
    return (scores - scores.mean()) / deviation if deviation > 0 else np.zeros(len(scores))
