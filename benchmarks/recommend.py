"""Recommendations on MovieLens (ml-latest-small): how good the lists are, beside other libraries, on the same splits.

Every contestant is fitted to the same training interactions, as zeros and ones, and gives each tested user 10 unseen
items; likewise's own measures judge all of them. Settings are chosen by NDCG@10 on a validation split that is made of
the training interactions in the same way (the last item but one of each user; the time before the cut, cut again); each
contestant has a small grid that its documentation suggests. Then it is fitted again, and tested once.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from benchmarks.harness import Goal, NotOffered, Settings, Table, reason_of
from likewise.recommend import measures, splits
from likewise.recommend.interactions import Interactions

Array = Any
K = 10
SAMPLES = 1000


@dataclass(frozen=True)
class Contestant:
    """A model by name: ``fit(split, **settings)`` gives a function from users (numbers) to lists (users, K)."""

    name: str
    fit: Callable[..., Callable[[Array], Array]]
    grid: Sequence[dict[str, Any]] = field(default_factory=lambda: [{}])
    ours: bool = False
    asked: bool = True  # one that every other is compared with, else


def ones(split: splits.Split) -> Any:
    """The training interactions as a CSR matrix of ones, users x items."""
    matrix = sparse.csr_matrix(split.train.matrix)
    matrix.data[:] = 1.0
    return matrix


# ------------------------------------------------------------------------------------------------ peers


def implicit_als(split: splits.Split, factors: int, regularization: float, alpha: float) -> Callable[[Array], Array]:
    from implicit.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(
        factors=factors, regularization=regularization, alpha=alpha, random_state=0, num_threads=1
    )
    return by_implicit(model, split)


def implicit_neighbours(split: splits.Split, kind: str, neighbours: int, **settings: float) -> Callable[[Array], Array]:
    from implicit import nearest_neighbours

    return by_implicit(getattr(nearest_neighbours, kind)(K=neighbours, num_threads=1, **settings), split)


def by_implicit(model: Any, split: splits.Split) -> Callable[[Array], Array]:
    matrix = ones(split).astype(np.float32)
    model.fit(matrix, show_progress=False)

    def lists(users: Array) -> Array:
        found, _ = model.recommend(users, matrix[users], N=K, filter_already_liked_items=True)
        return seen_out(found, users, matrix)

    return lists


def seen_out(found: Array, users: Array, matrix: Any) -> Array:
    """Lists without what was seen: implicit fills its lists up with such items where it has no other."""
    out = np.full((len(users), K), -1, np.int64)
    for row, (user, items) in enumerate(zip(users, found, strict=True)):
        seen = set(matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]].tolist())
        kept = [item for item in items.tolist() if item >= 0 and item not in seen][:K]
        out[row, : len(kept)] = kept
    return out


def by_scores(scores: Callable[[Array], Array], split: splits.Split) -> Callable[[Array], Array]:
    """Lists from the scores of users x items; -inf and NaN are never recommended. Ties to the lowest number."""
    matrix = ones(split)

    def lists(users: Array) -> Array:
        table = np.array(scores(users), np.float64)
        rows, columns = matrix[users].nonzero()
        table[rows, columns] = -np.inf
        table[np.isnan(table)] = -np.inf
        best = np.argsort(-table, axis=1, kind="stable")[:, :K]
        return np.where(np.take_along_axis(table, best, 1) > -np.inf, best, -1)

    return lists


def lenskit_scorer(split: splits.Split, kind: str, module: str, **settings: Any) -> Callable[[Array], Array]:
    import importlib

    from lenskit.data import ItemList, RecQuery, from_interactions_df

    config = {name.removesuffix("_"): value for name, value in settings.items()}
    scorer = getattr(importlib.import_module(f"lenskit.{module}"), kind)(**config)
    data = from_interactions_df(frame(split.train), user_col="user_id", item_col="item_id")
    scorer.train(data)
    matrix, items = ones(split), ItemList(item_ids=np.arange(len(split.train.items)))

    def scores(users: Array) -> Array:
        rows = []
        for user in users.tolist():
            seen = matrix.indices[matrix.indptr[user] : matrix.indptr[user + 1]]
            history = ItemList(item_ids=seen)
            rows.append(scorer(RecQuery(user_id=user, user_items=history), items).scores())
        return np.array(rows)

    return by_scores(scores, split)


def frame(interactions: Interactions) -> Any:
    import pandas as pd

    return pd.DataFrame({"user_id": interactions.user_of, "item_id": interactions.item_of})


def rectools_model(split: splits.Split, kind: str, **settings: Any) -> Callable[[Array], Array]:
    from rectools import models
    from rectools.dataset import Dataset

    table = frame(split.train).drop_duplicates().assign(weight=1.0, datetime="2000-01-01")
    data = Dataset.construct(table)
    model = getattr(models, kind)(**settings)
    model.fit(data)

    def lists(users: Array) -> Array:
        found = model.recommend(users, data, k=K, filter_viewed=True)
        out = np.full((len(users), K), -1, np.int64)
        place = {user: row for row, user in enumerate(users.tolist())}
        rows = np.array([place[user] for user in found["user_id"]])
        out[rows, found["rank"].to_numpy() - 1] = found["item_id"]
        return out

    return lists


# ------------------------------------------------------------------------------------------------ likewise


def own(split: splits.Split, kind: str, **settings: Any) -> Callable[[Array], Array]:
    import likewise.recommend as recommend

    model = getattr(recommend, kind)(**settings).fit(split.train)
    return lambda users: model.recommend(split.train.users[users], K).indices


def grid(**values: Sequence[Any]) -> list[dict[str, Any]]:
    """Every combination of settings."""
    found: list[dict[str, Any]] = [{}]
    for name, options in values.items():
        found = [one | {name: option} for one in found for option in options]
    return found
