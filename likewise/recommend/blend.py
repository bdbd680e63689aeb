"""Blend: several models as one, by a weighted sum of what each makes of an item.

Scores of different models have different units, so that each user's are brought to one first. With s the scores of a
model for a user, over all items it knows (whether they may be recommended or not),

    "scores"    z(i) = (s(i) - mean s) / deviation of s               0 where all are equal
    "ranks"     z(i) = 1 / (60 + rank of i)                           rank 1 is the best; equal scores share the mean

and score(i) is the sum over the models of weight z(i). The ranks are those of Cormack, Clarke and Buettcher, Reciprocal
rank fusion outperforms Condorcet and individual rank learning methods, SIGIR 2009. An item that a model does not know
counts as its average one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute.options import Options
from likewise.errors import InputError
from likewise.recommend.ids import Ids
from likewise.recommend.interactions import Histories, Interactions
from likewise.recommend.model import Recommender

_RANK_OFFSET = 60  # as Cormack and others have it


class Blend(Recommender):
    """Several models as one.

    Parameters
    ----------
    models : sequence of (Recommender, weight)
        They are fitted together, by :meth:`fit`. Weights are numbers, not all 0.
    by : {"scores", "ranks"}
        How a model's scores are brought to one unit: by each user's mean and deviation, or by reciprocal ranks.

    Examples
    --------
    >>> from likewise.recommend import Ease, Popular
    >>> taken = (["ann", "ann", "bob", "bob", "cid"], ["Heat", "Ronin", "Heat", "Ronin", "Fargo"])
    >>> model = Blend([(Ease(), 1.0), (Popular(), 0.1)]).fit(taken)
    >>> model.recommend([["Heat"]], 1).items
    array([['Ronin']], dtype=object)
    >>> model.explain(["Heat"], "Ronin").names
    ['Ease()', 'Popular()']
    """

    _needs_history = False  # each model knows for itself

    def __init__(self, models: Sequence[tuple[Recommender, float]], *, by: str = "scores") -> None:
        given: list[Any] = [] if isinstance(models, Recommender) else list(models)
        if not given or not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in given):
            raise InputError("Blend takes a list of (model, weight)")
        if wrong := [model for model, _ in given if not isinstance(model, Recommender)]:
            raise InputError(f"Blend takes a list of (model, weight); {wrong[0]!r} is no model")
        weights = np.array([weight for _, weight in given], np.float64)
        if not np.isfinite(weights).all() or not weights.any():
            raise InputError("the weights of a Blend are numbers, not all of them 0")
        if by not in ("scores", "ranks"):
            raise InputError(f"by={by!r} is not known; it is 'scores' or 'ranks'")
        self.models: list[tuple[Recommender, float]] = [(model, float(weight)) for model, weight in given]
        self.by = by

    def _catalogue(self, taken: Interactions, items: Any) -> Ids:
        known = super()._catalogue(taken, items)
        for model, _ in self.models:
            more = model._catalogue(taken, items)
            if len(more) != len(known) or more is not known:
                known = Ids(np.concatenate([known.values, more.values]), "item")
        return known

    def _fit(self, taken: Interactions, options: Options) -> None:
        for model, _ in self.models:
            model._learn(taken, options)

    def _scores(self, histories: Histories, options: Options) -> NDArray[np.float64]:
        out = np.zeros((len(histories), len(self._items)))
        for (_, weight), part in zip(self.models, self._parts(histories, options), strict=True):
            out += weight * part
        return out

    def _parts(self, histories: Histories, options: Options) -> list[NDArray[np.float64]]:
        """What each model makes of every item, in one unit."""
        made = _in_deviations if self.by == "scores" else _in_ranks
        return [made(_all_scores(model, histories, options)) for model, _ in self.models]

    def _row_bytes(self) -> int:
        return super()._row_bytes() * 2 + sum(model._row_bytes() + 40 * len(self._items) for model, _ in self.models)

    def _reasons(self, history: Histories, item: int, options: Options) -> tuple[list[Any], NDArray[np.float64]]:
        parts = self._parts(history, options)
        amounts = [weight * part[0, item] for (_, weight), part in zip(self.models, parts, strict=True)]
        return [repr(model) for model, _ in self.models], np.array(amounts)

    def _settings(self) -> dict[str, Any]:
        return {"models": self.models, "by": self.by}

    def __repr__(self) -> str:
        return f"Blend({self.models!r}{'' if self.by == 'scores' else ', by=' + repr(self.by)})"

    def _packed(self) -> tuple[dict[str, Any], dict[str, Any]]:
        header: dict[str, Any] = {"by": self.by, "models": []}
        arrays = self._packed_histories()
        for number, (model, weight) in enumerate(self.models):
            settings, learned = model._settings(), model._arrays()
            header["models"].append({"kind": type(model).__name__, "weight": weight, "settings": settings})
            arrays |= {f"{number}.{name}": value for name, value in learned.items()}
        return header, arrays

    @classmethod
    def _from_settings(cls, header: Mapping[str, Any]) -> Blend:
        from likewise.recommend.model import model_named

        made = [(model_named(part["kind"])._from_settings(part), part["weight"]) for part in header["models"]]
        return cls(made, by=header["by"])

    def _restore(self, arrays: Mapping[str, Any]) -> None:
        for number, (model, _) in enumerate(self.models):
            model._remember(self._users, self._items, self._histories)
            start = f"{number}."
            model._restore({name[len(start) :]: value for name, value in arrays.items() if name.startswith(start)})


def _all_scores(model: Recommender, histories: Histories, options: Options) -> NDArray[np.float64]:
    """A model's scores, and for those without a history its prior."""
    if not model._needs_history or histories.counts.all():
        return model._scores(histories, options)
    out = np.repeat(model._popularity[None], len(histories), axis=0)
    others = np.flatnonzero(histories.counts)
    if len(others):
        out[others] = model._scores(histories.take(others), options)
    return out


def _in_deviations(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    known = ~np.isnan(scores)
    count = np.maximum(known.sum(axis=1, keepdims=True), 1)
    scores = np.where(known, scores, 0.0)
    centred = np.where(known, scores - scores.sum(axis=1, keepdims=True) / count, 0.0)
    deviation = np.sqrt((centred**2).sum(axis=1, keepdims=True) / count)
    # equal scores may differ from their mean by a rounding
    level = deviation <= 1e-12 * np.abs(scores).max(axis=1, keepdims=True, initial=0.0)
    return np.where(level, 0.0, centred / np.where(level, 1.0, deviation))


def _in_ranks(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    known = ~np.isnan(scores)
    ranks = rankdata(np.where(known, -scores, np.inf), axis=1)
    made = 1 / (_RANK_OFFSET + ranks)
    mean = np.where(known, made, 0.0).sum(axis=1, keepdims=True) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return np.asarray(np.where(known, made, mean))
