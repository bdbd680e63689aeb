"""Taste: items like those that somebody liked, by what the items are.

A user is a point in the items' own space, and is compared with every item there:

    v_i    the vector of item i, less the mean of all items; of length 1 for cosine
    w_t    2 ** (-(age of interaction t) / half_life)
    u    = mean of v over the favourites, weighted by w  -  pull * (the same mean over what was disliked)
    score(u, i) = metric(u, v_i)

(Rocchio, Relevance feedback in information retrieval, 1971.) Only the user's own history enters, and only attributes of
items: so an item that nobody has taken yet is recommended like any other, and so is an item to a user who was not there
when the model was fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import Prepared, contributions, paired, pairwise, prepare, topk
from likewise.compute.options import Options
from likewise.errors import InputError
from likewise.formula.metric import Metric
from likewise.formula.metrics import as_metric
from likewise.recommend.attributes import Attributes
from likewise.recommend.ids import Ids
from likewise.recommend.interactions import Histories, Interactions
from likewise.recommend.model import Explanation, Recommender, Wanted
from likewise.recommend.serving import best_of_scores, best_of_vectors, put
from likewise.reductions import TopK

Vectors = NDArray[np.float32]
Floats = NDArray[np.float64]

_SLAB = 64  # coordinates of all items that are float64 at a time


class Taste(Recommender):
    """Content-based recommendation: an item's score is how alike it is to what the user liked.

    Parameters
    ----------
    metric : str
        By its name, as in :data:`likewise.metrics`. A score is its value; of a distance, less its value.
    half_life : float, optional
        After how long an interaction counts half, counted back from the user's last: in seconds where times were dates,
        else in the unit of the times. Default: all count alike.
    negative : "mean", float or None
        What pulls away: values below the user's own mean, or below this number. None: nothing does, and all that was
        taken is a favourite.
    pull : float
        How much what was disliked counts, beside the favourites' 1.
    recent : int, optional
        Only a user's last so many interactions count. Default: all.

    Notes
    -----
    Vectors are centred, since what all items share says nothing about anybody. An item without attributes has a zero
    vector, and cosine 0 with everything. A user without a history, or of whose items nothing is known, is told what is
    popular.

    Histories given as lists have no times: ``half_life`` does not touch them, and ``recent`` takes the last by id.

    Examples
    --------
    >>> films = {"id": [1, 2, 3, 4], "genres": ["crime|drama", "horror", "drama", "drama|crime"]}
    >>> model = Taste().fit((["ann", "bob", "bob"], [1, 2, 3]), items=Attributes.read(films))
    >>> model.recommend("ann", 2).items  # nobody took item 4 so far
    array([4, 3], dtype=object)
    >>> why = model.explain("ann", 4)
    >>> why.names[0], bool(abs(why.amounts.sum() - why.score) < 1e-5)
    ('genres=crime', True)
    """

    def __init__(
        self,
        metric: str = "cosine",
        half_life: float | None = None,
        negative: str | float | None = None,
        pull: float = 0.25,
        recent: int | None = None,
    ) -> None:
        if not isinstance(metric, str):
            raise InputError(f"metric={metric!r}: a metric's name is wanted, so that the model can be kept in a file")
        if half_life is not None and not half_life > 0:
            raise InputError(f"half_life={half_life!r}; a time above 0 is wanted, or None")
        if isinstance(negative, str) and negative != "mean":
            raise InputError(f"negative={negative!r}; it is 'mean', a number below which values are dislikes, or None")
        if not 0 <= pull < np.inf:
            raise InputError(f"pull={pull!r}; a number of at least 0 is wanted")
        if recent is not None and recent < 1:
            raise InputError(f"recent={recent!r}; at least 1 interaction has to count")
        self._metric: Metric = as_metric(metric)
        self.metric, self.half_life, self.negative, self.pull, self.recent = metric, half_life, negative, pull, recent

    # ---- fitting

    def _catalogue(self, taken: Interactions, items: Any) -> Ids:
        if items is None:
            raise InputError("Taste compares what items are: give their attributes, as in fit(interactions, items=...)")
        self._attributes = items if isinstance(items, Attributes) else Attributes.read(items)
        return super()._catalogue(taken, self._attributes.ids)

    def _fit(self, taken: Interactions, options: Options) -> None:
        if taken.times is None:
            for name in ("half_life", "recent"):
                if getattr(self, name) is not None:
                    raise InputError(f"{name}= needs times, and these interactions have none")
        known = self.__dict__.pop("_attributes")
        if not known.names:
            raise InputError(f"{known.source}: no column makes coordinates; say which with lists=, numbers= or text=")
        there = self._items.find(known.ids)  # all of them are in the catalogue
        vectors = np.zeros((len(self._items), known.vectors.shape[1]), np.float32)
        vectors[there] = known.vectors
        counted = np.zeros(len(known.names), bool)  # coordinates that an item has or has not
        for block in known.blocks:
            counted[block.start : block.stop] = block.kind != "numbers"
        self._place(*centred(vectors, there, unit=self._metric.name == "cosine"), list(known.names), counted)

    def _place(
        self, vectors: Vectors, mean: Floats, lengths: Floats, names: list[str], counted: NDArray[np.bool_]
    ) -> None:
        self._vectors, self._mean, self._lengths = vectors, mean, lengths
        self._coordinates, self._counted = names, counted
        self.__dict__.pop("_shelf", None)

    @cached_property
    def _shelf(self) -> Prepared:
        found = prepare(self._vectors, metric=self._metric)
        assert isinstance(found, Prepared)  # rows of numbers, not a sparse matrix
        return found

    # ---- users

    def _weights(self, histories: Histories) -> Floats:
        """What each interaction counts in its user's vector."""
        if not len(histories.items):
            return np.zeros(0)
        number, start = histories.counts, histories.offsets[:-1]
        user = np.repeat(np.arange(len(histories)), number)
        weight = np.ones(len(user))
        times = histories.times
        if times is not None and self.half_life is not None:
            latest = np.full(len(histories), -np.inf)
            np.maximum.at(latest, user, times)
            weight = np.exp2((times - latest[user]) / self.half_life)
        if self.recent is not None:
            order = np.lexsort((histories.items, np.zeros(len(user)) if times is None else times, user))
            place = np.empty(len(user), np.int64)
            place[order] = np.arange(len(user)) - start[user]
            weight[place < number[user] - self.recent] = 0
        liked = np.ones(len(user), bool)
        if self.negative is not None:
            total = np.bincount(user, histories.values, minlength=len(histories))
            limit = total / np.maximum(number, 1) if self.negative == "mean" else np.full(len(number), self.negative)
            liked = histories.values >= limit[user] - 1e-9 * np.abs(limit[user])  # a mean of equal values is rounded
        for of, amount in ((liked, 1.0), (~liked, -self.pull)):
            total = np.bincount(user[of], weight[of], minlength=len(histories))
            weight[of] *= amount / np.where(total > 0, total, 1)[user[of]]
        return weight

    def _points(self, histories: Histories) -> Vectors:
        """The users' vectors, (rows, d)."""
        weights = Histories(histories.offsets, histories.items, self._weights(histories), None, histories.users)
        matrix = weights.matrix(len(self._items))
        out = np.empty((len(histories), self._vectors.shape[1]), np.float32)
        for first in range(0, out.shape[1], _SLAB):  # each sum is a row's own, item after item
            out[:, first : first + _SLAB] = matrix @ self._vectors[:, first : first + _SLAB].astype(np.float64)
        return out

    # ---- what a recommender gives

    @property
    def _sign(self) -> float:
        return 1.0 if self._metric.closer == "larger" else -1.0

    def _scores(self, histories: Histories, options: Options) -> Floats:
        points = self._points(histories).astype(np.float64)  # so that values are, too
        scores = self._sign * pairwise(points, self._vectors, metric=self._metric, n_jobs=options.threads)
        scores[~points.any(axis=1)] = self._popularity
        return np.asarray(scores, np.float64)

    def _score(self, history: Histories, item: int, options: Options) -> float:
        point = self._points(history)[0].astype(np.float64)
        if not point.any():
            return float(self._popularity[item])
        return self._sign * float(paired(point, self._vectors[item].astype(np.float64), metric=self._metric))

    def _best(self, histories: Histories, wanted: Wanted) -> TopK:
        points = self._points(histories)
        found = best_of_vectors(points, self._shelf, self._vectors, self._metric, histories, wanted)
        values, indices = self._sign * found.values, found.indices
        lost = np.flatnonzero(~points.any(axis=1))
        if len(lost):
            seen = histories.take(lost) if wanted.exclude_seen else None
            popular = np.repeat(self._popularity[None], len(lost), axis=0)
            put(values, indices, lost, best_of_scores(popular, values.shape[1], seen, wanted.admitted))
        return TopK(values, indices)

    def _row_bytes(self) -> int:
        return 16 * int(self._vectors.shape[1]) + 1024

    def _similarity(self, items: NDArray[np.int64]) -> Floats:
        rows = self._vectors[items]
        return np.asarray(pairwise(rows, rows, metric="cosine"), np.float64)

    def _similar(self, items: NDArray[np.int64], k: int, options: Options) -> TopK:
        own = (np.arange(len(items) + 1), items)
        found = topk(
            self._vectors[items], self._shelf, k, where=own, n_jobs=options.threads, memory_limit=options.memory
        )
        return TopK(self._sign * found.values, found.indices)

    # ---- reasons

    def explain(self, user: Any, item: Any, *, by: str = "attributes") -> Explanation:
        """What a user's score of an item is made of.

        Parameters
        ----------
        user : id, or a history
            A sequence of item ids, or a mapping from item ids to values.
        item : id
        by : {"attributes", "items"}
            Named coordinates, or the items that the user took (of cosine and dot products). What an item has not, and
            the user's favourites have not, is a reason as well: ``"not genres=Horror"``.

        Returns
        -------
        Explanation
            Its amounts add up to the score.

        Raises
        ------
        InputError
            Where the metric's value is no sum of parts, as Euclid's is not.
        """
        if by == "attributes":
            return super().explain(user, item)
        if by != "items":
            raise InputError(f"by={by!r} is not known; it is 'attributes' or 'items'")
        whole = super().explain(user, item)
        history, _ = self._asked([user])
        point = self._points(history)[0].astype(np.float64)
        if not point.any():
            return whole
        if self._metric.name not in ("cosine", "dot"):
            raise InputError(f"{self.metric} is no sum over the items of a history; by='attributes' may be one")
        vector = self._vectors[int(self._items.numbers([item])[0])].astype(np.float64)
        amounts = self._weights(history) * (self._vectors[history.items].astype(np.float64) @ vector)
        if self._metric.name == "cosine":
            length = float(np.sqrt((point @ point) * (vector @ vector)))
            amounts = amounts / length if length > 0 else np.zeros(len(amounts))
        order = np.argsort(-amounts, kind="stable")
        names = self._names_of(history.items[order])
        return Explanation(whole.item, whole.score, names, amounts[order])

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], Floats]:
        point = self._points(history)
        if not point.any():
            return ["popularity"], self._popularity[item : item + 1]
        amounts = self._sign * contributions(point[0], self._vectors[item], metric=self._metric)
        score = self._score(history, item, options)
        if not np.isclose(amounts.sum(), score, rtol=1e-5, atol=1e-6):
            raise InputError(f"the value of {self.metric} is no sum over coordinates; cosine, dot and manhattan are")
        kept = np.flatnonzero(amounts)
        before = self._vectors[item] * self._lengths[item] + self._mean
        absent = self._counted & (np.abs(before) <= 1e-5 * np.abs(self._mean))
        names = [f"not {self._coordinates[at]}" if absent[at] else self._coordinates[at] for at in kept]
        return names, np.asarray(amounts[kept], np.float64)

    # ---- keeping

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_metric"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _metric=as_metric(state["metric"]))

    def _arrays(self) -> dict[str, Any]:
        return {
            "vectors": self._vectors,
            "mean": self._mean,
            "lengths": self._lengths,
            "coordinates": self._coordinates,
            "counted": self._counted,
        }

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        vectors, mean, lengths, counted = (arrays[name] for name in ("vectors", "mean", "lengths", "counted"))
        self._place(vectors, mean, lengths, list(arrays["coordinates"]), counted)


def centred(vectors: Vectors, there: NDArray[np.int64], *, unit: bool) -> tuple[Vectors, Floats, Floats]:
    """Vectors less their mean, of length 1 if ``unit``; only the rows ``there``, and zeros elsewhere.

    A row that the mean leaves next to nothing of (all items are alike, or there is one) is zero too: the rest of it is
    rounding. Also the mean, and the length that each row was divided by.
    """
    out, lengths = np.zeros_like(vectors), np.ones(len(vectors))
    if not len(there):
        return out, np.zeros(vectors.shape[1]), lengths
    mean = vectors[there].mean(axis=0, dtype=np.float64)
    for first in range(0, len(there), 4096):
        rows = there[first : first + 4096]
        before = vectors[rows].astype(np.float64)
        less = before - mean
        length, full = (np.sqrt((part * part).sum(axis=1)) for part in (less, before))
        less[length <= 1e-6 * full] = 0
        if unit:
            lengths[rows] = np.where(length > 0, length, 1)
            less /= lengths[rows, None]
        out[rows] = less
    return out, mean, lengths
