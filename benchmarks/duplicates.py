"""Near duplicates and communities among captions, against sentence-transformers' utilities given the same vectors."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks import data as rows
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race
from likewise.text import communities, near_duplicates

Array = Any
OURS = "likewise"
MOST, EACH = 10_000, 100  # pairs wanted; neighbours that the peer looks at of each caption (its default)
THRESHOLD, LEAST = 0.75, 10  # of a community (the peer's defaults)


def captions(settings: Settings) -> Array:
    """29,000 captions embedded by MiniLM, float16 made float32."""
    return np.load(rows.need("multi30k/minilm-train-en.f16.npy"))[: 3_000 if settings.quick else None].astype("f4")


def our_pairs(vectors: Array, threads: int) -> Entry:
    def run() -> Any:
        return near_duplicates(vectors, -1.0, max_pairs=MOST, n_jobs=threads)

    return Entry(run, lambda found: set(zip(found.first.tolist(), found.second.tolist(), strict=True)))


def their_pairs(vectors: Array) -> Entry:
    import torch
    from sentence_transformers.util import paraphrase_mining_embeddings

    given = torch.from_numpy(vectors)
    return Entry(
        lambda: paraphrase_mining_embeddings(given, max_pairs=MOST, top_k=EACH),
        lambda found: {(first, second) for _, first, second in found},
    )


def our_groups(vectors: Array, threads: int) -> Entry:
    def run() -> Any:
        return communities(vectors, THRESHOLD, min_size=LEAST, n_jobs=threads)

    return Entry(run, lambda found: {frozenset(group.tolist()) for group in found})


def their_groups(vectors: Array) -> Entry:
    import torch
    from sentence_transformers.util import community_detection

    given = torch.from_numpy(vectors)
    return Entry(
        lambda: community_detection(given, THRESHOLD, LEAST),
        lambda found: {frozenset(map(int, group)) for group in found},
    )


def pairs_race(settings: Settings) -> dict[str, Any]:
    vectors = captions(settings)
    n, d = vectors.shape
    right = our_pairs(vectors, settings.threads)
    expected = right.answer(right.run())
    task = Race(
        "near-duplicates",
        "Near duplicates",
        f"the {MOST:,} most alike pairs of {n:,} captions, {d} coordinates",
        "The pairs of highest cosine among all pairs. recall is the share of likewise's exact pairs; the peer looks at "
        f"the {EACH} nearest of each caption.",
        [
            Contestant(OURS, partial(our_pairs, vectors, settings.threads), "likewise"),
            Contestant("sentence-transformers paraphrase_mining_embeddings", partial(their_pairs, vectors)),
        ],
        lambda found: {"recall": len(found & expected) / len(expected)},
        float(n) * (n - 1) / 2 * d,
        [Aim(OURS, 5.0)],
    )
    return race(task, settings)


def groups_race(settings: Settings) -> dict[str, Any]:
    vectors = captions(settings)
    n, d = vectors.shape
    right = our_groups(vectors, settings.threads)
    expected = right.answer(right.run())
    task = Race(
        "communities",
        "Communities",
        f"{n:,} captions, {d} coordinates, cosine at least {THRESHOLD}, {LEAST} members at least",
        "Groups of captions around a centre. recall is the share of the groups that both find, to the member.",
        [
            Contestant(OURS, partial(our_groups, vectors, settings.threads), "likewise"),
            Contestant("sentence-transformers community_detection", partial(their_groups, vectors)),
        ],
        lambda found: {"recall": len(found & expected) / max(len(expected), 1)},
        float(n) * n * d,
        [Aim(OURS, 1.0)],
    )
    return race(task, settings)


def run(settings: Settings) -> list[dict[str, Any]]:
    return rows.each(settings, {"Near duplicates": pairs_race, "Communities": groups_race})
