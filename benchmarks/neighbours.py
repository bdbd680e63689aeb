"""Item-item neighbours of interactions: the time to fit them, against implicit's all-pairs pass.

Everybody begins with the interactions in the form it takes, ids and duplicates settled, and ends with its pruned
similarities. implicit computes in the type it is given; its K counts the item itself.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np

from benchmarks import data, interactions
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race

K = 50
SAMPLE = 100  # items whose similarities are computed again in NumPy
OURS, WEIGHED = "likewise Neighbours, cosine", "likewise Neighbours, BM25, cosine, shrunk"
COSINE, BM25 = "implicit CosineRecommender", "implicit BM25Recommender"
Array = Any


def likewise_fit(matrix: Any, settings: Settings, **arguments: Any) -> Entry:
    from likewise.recommend import Interactions, Neighbours

    taken = Interactions.read(matrix)
    taken.histories()
    plain = {"k": K, "amplification": 1.0} | arguments  # similarities as they are, to be compared
    return Entry(lambda: Neighbours(**plain).fit(taken, n_jobs=settings.threads), lambda model: model._pruned)


def implicit_fit(matrix: Any, settings: Settings, name: str) -> Entry:
    import implicit.nearest_neighbours as peers

    counts = matrix.astype(np.float64)

    def run() -> Any:
        model = getattr(peers, name)(K=K + 1, num_threads=settings.threads)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the format of its own products
            model.fit(counts, show_progress=False)
        return model.similarity

    return Entry(run)


def cosines_of(matrix: Any, similarity: Any) -> dict[str, float]:
    """The largest error of the similarities of some items, the item itself aside."""
    columns = matrix.T.tocsr().astype(np.float64)
    norms = np.sqrt(np.asarray(columns.multiply(columns).sum(axis=1)).ravel())
    worst = 0.0
    for item in np.random.default_rng(0).integers(0, columns.shape[0], SAMPLE):
        true = np.asarray((columns @ columns[item].T.toarray()).ravel()) / np.maximum(norms * norms[item], 1e-300)
        row = similarity[[item]].toarray().ravel()
        true[item] = row[item] = 0.0
        found = np.sort(row)[::-1][:K]
        worst = max(worst, float(np.abs(found - np.sort(true)[::-1][:K]).max()))
    return {"error": worst}


def fit_race(name: str, matrix: Any, settings: Settings) -> dict[str, Any]:
    users, items = matrix.shape
    contestants = [
        Contestant(OURS, partial(likewise_fit, matrix, settings, shrinkage=0), "likewise"),
        Contestant(WEIGHED, partial(_unchecked, partial(likewise_fit, matrix, settings, weighting="bm25")), "likewise"),
        Contestant(COSINE, partial(implicit_fit, matrix, settings, "CosineRecommender")),
        Contestant(BM25, partial(_unchecked, partial(implicit_fit, matrix, settings, "BM25Recommender"))),
    ]
    task = Race(
        f"neighbours-{matrix.nnz}",
        f"Neighbours of {name}",
        f"{users:,} users, {items:,} items, {matrix.nnz:,} interactions, k = {K}",
        "Each item's nearest by who took it: the fit of an item-item recommender.",
        contestants,
        partial(cosines_of, matrix),
        aims=[Aim(OURS, 1.0, COSINE), Aim(WEIGHED, 1.0, BM25)],
    )
    return race(task, settings)


def _unchecked(make: Any) -> Entry:
    """Other weights, other similarities: nothing to compare with."""
    entry: Entry = make()
    entry.check = lambda _: {}
    return entry


def run(settings: Settings) -> list[dict[str, Any]]:
    tasks = {name: partial(fit_race, name, matrix) for name, matrix in interactions.sets(settings).items()}
    return data.each(settings, tasks)
