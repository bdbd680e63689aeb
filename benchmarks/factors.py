"""Serving factors: the best 100 unseen items of many users by alternating least squares, against implicit's own.

Both have the same vectors of users and items, learned by implicit from interactions that are made up, and leave out
what a user took. likewise prepares the items before the clock starts.
"""

from __future__ import annotations

import functools
from functools import partial
from typing import Any

import numpy as np

from benchmarks import data, interactions
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race

K = 100
DIMENSIONS = (64, 256)
TRAINED, ASKED, ITEMS, EACH = 20_000, 5_000, 50_000, 100
OURS, PEER = "likewise Factors", "implicit recommend(batch)"


@functools.cache
def learned(d: int, quick: bool, threads: int) -> tuple[Any, Any]:
    """(interactions as CSR, a fitted model)."""
    from likewise.recommend import Factors, Interactions

    matrix = interactions.skewed(*((1_000, 2_000, 30) if quick else (TRAINED, ITEMS, EACH)))
    return matrix, Factors(d, iterations=2).fit(Interactions.read(matrix), n_jobs=threads)


def likewise_serves(d: int, users: Any, settings: Settings) -> Entry:
    _, model = learned(d, settings.quick, settings.threads)
    model.recommend(users[:1], 1)  # prepares the items
    return Entry(lambda: model.recommend(users, K, n_jobs=settings.threads), lambda found: found.indices)


def implicit_serves(d: int, users: Any, settings: Settings) -> Entry:
    from implicit.cpu.als import AlternatingLeastSquares

    matrix, model = learned(d, settings.quick, settings.threads)
    peer = AlternatingLeastSquares(factors=d, num_threads=settings.threads)
    peer.user_factors, peer.item_factors = model._users_vectors, model._vectors
    seen = matrix[users]
    return Entry(lambda: peer.recommend(users, seen, N=K, filter_already_liked_items=True), lambda found: found[0])


def recall(d: int, users: Any, settings: Settings, found: Any) -> dict[str, float]:
    """Against float64 in NumPy, for some of the users."""
    matrix, model = learned(d, settings.quick, settings.threads)
    some = np.arange(0, len(users), max(len(users) // 100, 1))
    scores = model._users_vectors[users[some]].astype(np.float64) @ model._vectors.astype(np.float64).T
    scores[matrix[users[some]].nonzero()] = -np.inf
    right = np.argpartition(-scores, K - 1, axis=1)[:, :K]
    hits = [np.isin(found[row], best).sum() for row, best in zip(some, right, strict=True)]
    return {"recall": float(np.sum(hits)) / right.size}


def serving_race(d: int, settings: Settings) -> dict[str, Any]:
    matrix, _ = learned(d, settings.quick, settings.threads)
    users = np.arange(min(ASKED, matrix.shape[0]))
    task = Race(
        f"factors-{d}",
        f"Recommendations from {d} factors",
        f"{len(users):,} users, {matrix.shape[1]:,} items, {d} factors, k = {K}",
        "The best unseen items of every user by the dot product of factors, what each has taken left out.",
        [
            Contestant(OURS, partial(likewise_serves, d, users, settings), "likewise"),
            Contestant(PEER, partial(implicit_serves, d, users, settings)),
        ],
        partial(recall, d, users, settings),
        float(len(users)) * matrix.shape[1] * d,
        [Aim(OURS, 3.0, PEER)],
        queries=len(users),
    )
    return race(task, settings)


def run(settings: Settings) -> list[dict[str, Any]]:
    try:
        import implicit  # noqa: F401
    except ImportError:
        why = data.NotOffered("the package implicit is absent, which learns the factors")
        return [data.skipped("factors", "Recommendations from factors", why)]
    return data.each(settings, {f"Recommendations from {d} factors": partial(serving_race, d) for d in DIMENSIONS})
