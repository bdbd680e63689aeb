"""What most people took: the baseline that any other model has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute.options import Options
from likewise.errors import InputError
from likewise.recommend.interactions import Histories, Interactions
from likewise.recommend.model import Recommender, Wanted
from likewise.recommend.serving import best_of_scores
from likewise.reductions import TopK


class Popular(Recommender):
    """The same for everybody: items by how many users took them.

        score(i) = sum over interactions t with i of  2 ** (-(now - time(t)) / half_life)

    and without a half-life a plain count. ``now`` is the time of the last interaction.

    Parameters
    ----------
    half_life : float, optional
        After how long an interaction counts half: in seconds where times were dates, else in the unit of the times.

    Examples
    --------
    >>> taken = (["ann", "bob", "cid", "ann"], ["Heat", "Heat", "Heat", "Alien"], None, [0, 0, 0, 100])
    >>> Popular().fit(taken).recommend([[]], 2).items
    array([['Heat', 'Alien']], dtype=object)
    >>> Popular(half_life=10).fit(taken).recommend([[]], 2).items
    array([['Alien', 'Heat']], dtype=object)
    """

    _needs_history = False

    def __init__(self, half_life: float | None = None) -> None:
        if half_life is not None and not half_life > 0:
            raise InputError(f"half_life={half_life!r}; a time above 0 is wanted, or None")
        self.half_life = half_life

    def _fit(self, taken: Interactions, options: Options) -> None:
        kept, weights = taken.histories(), None
        if self.half_life is not None:
            if kept.times is None:
                raise InputError("half_life= needs times, and these interactions have none")
            age = kept.times.max() - kept.times
            weights = np.exp2(-age / self.half_life)
        self._counts = np.bincount(kept.items, weights, minlength=len(taken.items)).astype(np.float64)

    def _scores(self, histories: Histories, options: Options) -> NDArray[np.float64]:
        return np.broadcast_to(self._counts, (len(histories), len(self._counts))).copy()

    def _best(self, histories: Histories, wanted: Wanted) -> TopK:
        """Of the most popular, the first k that a row has not seen: no more than k + its history are looked at."""
        if not wanted.exclude_seen:
            best = best_of_scores(self._counts[None], wanted.k, None, wanted.admitted)
            n = len(histories)
            return TopK(np.repeat(best.values, n, axis=0), np.repeat(best.indices, n, axis=0))
        most = int(histories.counts.max(initial=0))
        best = best_of_scores(self._counts[None], wanted.k + most, None, wanted.admitted)
        first = best.indices[0][best.indices[0] >= 0]
        place = np.full(len(self._items), -1)
        place[first] = np.arange(len(first))
        scores = np.repeat(-np.arange(len(first), dtype=np.float64)[None], len(histories), axis=0)
        row, column = np.repeat(np.arange(len(histories)), histories.counts), place[histories.items]
        scores[row[column >= 0], column[column >= 0]] = np.nan
        found = best_of_scores(scores, wanted.k, None, None).indices
        if not len(first):
            return TopK(np.full((len(histories), 0), np.nan), np.empty((len(histories), 0), np.int64))
        return TopK(np.where(found < 0, np.nan, best.values[0][found]), np.where(found < 0, -1, first[found]))

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], NDArray[np.float64]]:
        return ["popularity"], self._counts[item : item + 1]

    def _arrays(self) -> dict[str, Any]:
        return {"counts": self._counts}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self._counts = arrays["counts"]
