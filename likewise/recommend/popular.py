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
        """Of the most popular, the first k that a row has not seen: no more than k + its history are looked at.

        With s_0 < s_1 < ... the places that a row has seen, its j-th unseen one is j + #{i: s_i - i <= j}.
        """
        n, most = len(histories), int(histories.counts.max(initial=0)) if wanted.exclude_seen else 0
        best = best_of_scores(self._counts[None], wanted.k + most, None, wanted.admitted)
        first = best.indices[0][best.indices[0] >= 0]
        k, size = min(wanted.k, len(first)), len(first) + 1
        if not k:
            return TopK(np.full((n, 0), np.nan), np.empty((n, 0), np.int64))
        at = np.broadcast_to(np.arange(k), (n, k))
        if wanted.exclude_seen:
            place = np.full(len(self._items), -1)
            place[first] = np.arange(len(first))
            seen = place[histories.items]
            row = np.repeat(np.arange(n), histories.counts)[seen >= 0]
            places = np.sort(row * size + seen[seen >= 0])  # row by row, rising
            before = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.bincount(row, minlength=n))])
            skipped = places - (np.arange(len(places)) - before[row])
            wide = np.arange(n)[:, None] * size + at
            at = at + np.searchsorted(skipped, wide, side="right") - before[:-1, None]
        there = at < len(first)
        at = np.where(there, at, 0)
        return TopK(np.where(there, best.values[0][at], np.nan), np.where(there, first[at], -1))

    def _row_bytes(self) -> int:
        """Of a row's history; what the k items take comes on top."""
        return 64 * (len(self._histories.items) // max(len(self._users), 1) + 1) + 1024

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], NDArray[np.float64]]:
        return ["popularity"], self._counts[item : item + 1]

    def _arrays(self) -> dict[str, Any]:
        return {"counts": self._counts}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self._counts = arrays["counts"]
