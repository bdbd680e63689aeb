"""Neighbours: what is like what was taken, or what those took who are like you.

By items: with S[i, j] the similarity of two items by who took them, and N(i) the k items most alike to i,

    score(h)[i] = sum over j in N(i) of S[i, j] h_j

(Sarwar et al., Item-based collaborative filtering, WWW 2001; Deshpande and Karypis 2004). By users, with N(u) the k
users most alike to u,

    score(u)[i] = sum over v in N(u) of S[u, v] x_vi

S is a similarity to a power, so that the nearest count more (case amplification: Breese, Heckerman and Kadie, Empirical
analysis of predictive algorithms for collaborative filtering, UAI 1998). Both sides stay sparse: similarities are
searches of sparse rows for their nearest, k numbers a row are kept, and scores are a search again, by the dot product.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute import prepare, topk
from likewise.compute.options import Options
from likewise.compute.search import read_count
from likewise.errors import InputError
from likewise.extras import need
from likewise.formula.metric import Metric, metric
from likewise.formula.metrics import as_metric
from likewise.recommend.interactions import Histories, Interactions, check_fading, read_setting
from likewise.recommend.model import Recommender, Wanted
from likewise.recommend.serving import best_of_sparse
from likewise.reductions import TopK

if TYPE_CHECKING:
    from scipy.sparse import csr_array

WEIGHTINGS = (None, "bm25", "tfidf")
_K1, _B = 1.2, 0.75  # of BM25, as Robertson and Zaragoza have them
#: The metrics that have a shrinkage, and how much if nothing is said: of MovieLens' ratings, 10 to 60 do about as well.
_SHRUNK = {"cosine": 20.0, "jaccard": 5.0}
_JACCARD = "jaccard similarity"


class Neighbours(Recommender):
    """Items by their similarity to what a user took, or by what similar users took.

    Parameters
    ----------
    by : {"items", "users"}
        By users, there is next to nothing to learn; each call searches for the users that are alike.
    k : int
        Neighbours of each item, or user. With amplification, 50 to 200 do about as well; without, 15 to 50.
    metric : str, Metric or callable
        What alike means: "cosine", "dot", "jaccard" (which looks at who took, and not at values), or any metric of
        likewise that sparse rows can be compared by. Distances d count as 1 - d where they end at 1, else as
        1 / (1 + d).
    weighting : {None, "tfidf", "bm25"}
        How values are weighed before they are compared: who takes little (of items; or what few take, of users) counts
        more, and with "bm25" more of a value counts less and less. "jaccard" does not look at values.
    shrinkage : float, optional
        How little is to be believed of few: x.y / (|x| |y| + shrinkage) for "cosine" (default: 20), common / (either +
        shrinkage) for "jaccard" (default: 5), as in Ferrari Dacrema, Cremonesi and Jannach, Are we really making much
        progress?, RecSys 2019. Values are in units of their root mean square. Other metrics have none.
    amplification : float
        The power of a similarity that scores are made with. Of MovieLens' ratings, 1.5 to 2 find more than 1.
    binary : bool
        Whether an interaction counts as 1 whatever its value.
    fading : float, optional
        What a user took longer ago counts less when something is recommended: half after so many later items
        (:meth:`Histories.fading`), as far as times are known. Of MovieLens' ratings, 5 finds half as many again of the
        next ones; there, though, people rate films in the order in which a page lists them.

    Examples
    --------
    >>> taken = (["ann", "ann", "bob", "bob", "cid"], ["Heat", "Ronin", "Heat", "Ronin", "Heat"])
    >>> model = Neighbours(shrinkage=0).fit(taken)
    >>> model.recommend("cid", 1).items, model.recommend("cid", 1).scores
    (array(['Ronin'], dtype=object), array([0.738]))
    >>> Neighbours(by="users", metric="jaccard", shrinkage=0).fit(taken).explain("cid", "Ronin").names
    ['ann', 'bob']
    """

    def __init__(
        self,
        by: str = "items",
        k: int = 100,
        *,
        metric: Any = "cosine",
        weighting: str | None = None,
        shrinkage: float | None = None,
        amplification: float = 1.5,
        binary: bool = False,
        fading: float | None = None,
    ) -> None:
        if by not in ("items", "users"):
            raise InputError(f"by={by!r} is not known; it is 'items' or 'users'")
        if weighting not in WEIGHTINGS:
            raise InputError(f"weighting={weighting!r} is not known; it is None, 'bm25' or 'tfidf'")
        if shrinkage is not None:
            shrinkage = read_setting("shrinkage", shrinkage, "a number of at least 0", zero=True)
        self.amplification = read_setting("amplification", amplification)
        self.by, self.k, self.metric, self.weighting = by, read_count(k), metric, weighting
        self.shrinkage, self.binary, self.fading = shrinkage, bool(binary), check_fading(fading)
        self._alike = _similarity_metric(metric, shrinkage)

    def _fit(self, taken: Interactions, options: Options) -> None:
        self._pruned = self._lists(self._rows, options) if self.by == "items" else None

    def _lists(self, rows: csr_array, options: Options) -> csr_array:
        """(n, n): each row's k nearest among the others, and how alike they are."""
        found = topk(
            rows, None, min(self.k, max(rows.shape[0], 1)), metric=self._alike, n_jobs=options.threads,
            progress=options.progress,
        )  # fmt: skip
        return self._kept(found, rows.shape[0])

    def _kept(self, found: TopK, columns: int) -> csr_array:
        """What was found as sparse rows, in rising order; similarities of 0 and below are no similarities."""
        values = _as_similarity(self._alike, found.values)
        good = (found.indices >= 0) & (values > 0)
        counts = np.count_nonzero(good, axis=1)
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
        kept = need("scipy.sparse", "recommendation", extra="recommend").csr_array(
            (values[good] ** self.amplification, found.indices[good], offsets), shape=(len(values), columns)
        )
        kept.sort_indices()
        return kept

    # ---- rows that are compared

    @cached_property
    def _values(self) -> csr_array:
        """(users, items): what counts of who took what, in units of the root mean square."""
        return _in_units(self._histories.matrix(len(self._items), binary=self._plain), self._unit)

    @cached_property
    def _unit(self) -> float:
        return self._histories.unit(binary=self._plain)

    @property
    def _plain(self) -> bool:
        return self.binary or self._of_sets

    @property
    def _of_sets(self) -> bool:
        return self._alike.name == _JACCARD

    @cached_property
    def _weights(self) -> _Weights:
        rows = self._values.T.tocsr() if self.by == "items" else self._values
        return _Weights.of(rows, None if self._of_sets else self.weighting)

    @cached_property
    def _rows(self) -> csr_array:
        """Items by their users, or users by their items: weighted, as they are compared."""
        return self._weights(self._values.T.tocsr() if self.by == "items" else self._values)

    def _remember(self, *parts: Any) -> None:
        super()._remember(*parts)
        for name in ("_values", "_unit", "_weights", "_rows", "_takers", "_ready", "_ready_rows"):
            self.__dict__.pop(name, None)

    # ---- serving

    def _of(self, histories: Histories, options: Options) -> csr_array:
        """What is multiplied with items: histories; or by users, the similarities of each one's neighbours."""
        values = _in_units(histories.matrix(len(self._items), binary=self._plain), self._unit)
        values.data = values.data * histories.fading(self.fading)
        if self.by == "items":
            return values
        known = histories.users >= 0  # nobody is a neighbour to themselves
        itself = np.concatenate([np.zeros(1, np.int64), np.cumsum(known)]), histories.users[known]
        rows, k = self._weights(values), min(self.k, len(self._users))
        found = topk(rows, self._ready_rows, k, where=itself, n_jobs=options.threads)
        return self._kept(found, len(self._users))

    @cached_property
    def _takers(self) -> csr_array:
        return self._values.T.tocsr()

    @property
    def _towards(self) -> csr_array:
        """Items as rows, whose products with the rows of :meth:`_of` are scores."""
        return self._pruned if self._pruned is not None else self._takers

    @cached_property
    def _ready(self) -> Any:
        return prepare(self._towards, metric="dot")

    @cached_property
    def _ready_rows(self) -> Any:
        return prepare(self._rows, metric=self._alike)

    def _best(self, histories: Histories, wanted: Wanted) -> TopK:
        return best_of_sparse(self._of(histories, wanted.options), self._ready, self._towards, histories, wanted)

    def _row_bytes(self) -> int:
        per_item = len(self._histories.items) / max(len(self._users), 1)
        return int(48 * (self.k + per_item)) + 1024

    def _scores(self, histories: Histories, options: Options) -> NDArray[np.float64]:
        return np.asarray((self._of(histories, options) @ self._towards.T.tocsr()).toarray(), np.float64)

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], NDArray[np.float64]]:
        parts = self._of(history, options)[[0]].multiply(self._towards[[item]]).tocoo()
        numbers = np.asarray(parts.coords[1])
        names = self._items.names if self.by == "items" else self._users.names
        return list(names[numbers]), np.asarray(parts.data, np.float64)

    def _similar(self, items: NDArray[np.int64], k: int, options: Options) -> TopK:
        if self.by == "users":
            return super()._similar(items, k, options)
        itself = np.arange(len(items) + 1), items
        found = topk(self._rows[items], self._ready_rows, k, where=itself, n_jobs=options.threads)
        return TopK(_as_similarity(self._alike, found.values), found.indices)

    # ---- keeping

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_alike"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _alike=_similarity_metric(state["metric"], state["shrinkage"]))

    def _arrays(self) -> dict[str, Any]:
        if not isinstance(self.metric, str):
            raise InputError(f"a metric of one's own ({self._alike.name}) cannot be saved; save one that has a name")
        if self._pruned is None:
            return {}
        lists = self._pruned
        return {"lists.data": lists.data, "lists.indices": lists.indices, "lists.indptr": lists.indptr}

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        self._pruned = None
        if self.by == "items":
            parts = tuple(arrays[f"lists.{name}"] for name in ("data", "indices", "indptr"))
            self._pruned = need("scipy.sparse", "recommendation", extra="recommend").csr_array(
                parts, shape=(len(self._items),) * 2
            )


class _Weights:
    """How the values of rows are weighed before they are compared, by what all rows have of each column.

    "tfidf": sqrt(x) log(1 + n / rows that have the column), of n rows. "bm25": x (k1 + 1) / (x + k1 length) times the
    same logarithm, with length = 1 - b + b (sum of the row / mean sum); k1 = 1.2, b = 0.75.
    """

    def __init__(self, kind: str | None, rarity: NDArray[np.float64], mean_sum: float) -> None:
        self.kind, self.rarity, self.mean_sum = kind, rarity, mean_sum

    @classmethod
    def of(cls, rows: csr_array, kind: str | None) -> _Weights:
        n, d = rows.shape
        rarity = np.log1p(n / np.maximum(np.bincount(rows.indices, minlength=d), 1))
        if kind is not None and (rows.data < 0).any():
            raise InputError(f"weighting={kind!r} goes with values of at least 0, and some are negative")
        return cls(kind, rarity, float(rows.sum()) / max(n, 1) or 1.0)

    def __call__(self, rows: csr_array) -> csr_array:
        if self.kind is None:
            return rows
        rows = rows.copy()
        if self.kind == "tfidf":
            rows.data = np.sqrt(rows.data) * self.rarity[rows.indices]
            return rows
        length = 1 - _B + _B * np.asarray(rows.sum(axis=1)).ravel() / self.mean_sum
        length = np.repeat(length, np.diff(rows.indptr))
        with np.errstate(invalid="ignore"):
            share = rows.data * (_K1 + 1) / (rows.data + _K1 * length)
        rows.data = np.where(rows.data > 0, share, 0.0) * self.rarity[rows.indices]
        return rows


def _in_units(matrix: csr_array, unit: float) -> csr_array:
    if unit != 1.0:
        matrix.data = matrix.data / unit
    return matrix


def _similarity_metric(given: Any, shrinkage: float | None) -> Metric:
    """The metric that rows are compared by; the one named, or shrunk."""
    found: Metric = as_metric(given)
    known = found.name if found.name in _SHRUNK else None
    if shrinkage is None:
        shrinkage = _SHRUNK[known] if known else 0.0
    if known == "jaccard":
        return metric(
            lambda x, y: ((x != 0) & (y != 0), (x != 0) | (y != 0)),
            closer="larger",
            finish=lambda common, either: common / (either + shrinkage) if shrinkage else _ratio(common, either),
            name=_JACCARD,
        )
    if not shrinkage:
        return found
    if known is None:
        raise InputError(f"shrinkage= goes with the metrics 'cosine' and 'jaccard', not with {found.name}")
    return metric(
        lambda x, y: x * y,
        closer="larger",
        finish=lambda product, norm_x, norm_y: product / (norm_x * norm_y + shrinkage),
        name="shrunk cosine",
    )


def _ratio(common: Any, either: Any) -> Any:
    from likewise.formula.math import where

    return where(either == 0, 0, common / either)


def _as_similarity(alike: Metric, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of a metric as similarities: larger is more alike."""
    if alike.closer == "larger":
        return values
    return 1 - values if alike.value_range == (0, 1) else 1 / (1 + values)
