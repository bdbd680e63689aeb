"""Classifying by nearest neighbours, against scikit-learn: Fashion-MNIST by three metrics, one of them a formula.

Models are fitted beforehand, and what is timed is ``predict``; *fit and predict* starts from bare arrays. Slow peers
classify a part of the images; kd-trees, whose time varies from image to image, too.
"""

from __future__ import annotations

import gzip
from functools import partial
from typing import Any

import numpy as np

import likewise as lw
from benchmarks import data
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race

K = 5
OURS, WHOLE = "likewise", "likewise, fit and predict"
BRUTE, TREE = "scikit-learn, brute force", "scikit-learn, kd-tree"
Array = Any


def formula(x: Any, y: Any) -> Any:
    """Manhattan distance in which no pixel counts more than 64: a stroke elsewhere is no worse for being bold."""
    return lw.math.minimum(abs(x - y), 64)


def formula_of_rows(x: Array, y: Array) -> float:
    """The same of two rows, as scikit-learn takes it."""
    return float(np.minimum(np.abs(x - y), 64).sum())


def labels(part: str) -> Array:
    with gzip.open(data.need(f"fashion-mnist/{part}-labels-idx1-ubyte.gz")) as file:
        return np.frombuffer(file.read(), np.uint8, offset=8)


class Task:
    """10,000 images to be classified by 60,000."""

    def __init__(self, settings: Settings) -> None:
        items, queries = (3_000, 300) if settings.quick else (60_000, 10_000)
        self.threads = settings.threads
        self.items, self.queries = (
            data.images(part)[:count].astype(np.float32) for part, count in (("train", items), ("t10k", queries))
        )
        self.item_labels, self.query_labels = labels("train")[:items], labels("t10k")[:queries]

    def ours(self, metric: Any, count: int, *, fit: bool = False) -> Entry:
        from likewise.estimators import KNeighborsClassifier

        def model() -> Any:
            made = KNeighborsClassifier(K, metric=metric, n_jobs=self.threads)
            return made.fit(self.items, self.item_labels)

        count = min(count, len(self.queries))
        rows, share = self.queries[:count], count / len(self.queries)
        if fit:
            return Entry(lambda: model().predict(rows), share=share)
        fitted = model()
        return Entry(lambda: fitted.predict(rows), share=share)

    def theirs(self, metric: Any, algorithm: str, count: int) -> Entry:
        from sklearn.neighbors import KNeighborsClassifier

        model = KNeighborsClassifier(K, metric=metric, algorithm=algorithm, n_jobs=self.threads)
        model.fit(self.items, self.item_labels)
        count = min(count, len(self.queries))
        return Entry(lambda: model.predict(self.queries[:count]), share=count / len(self.queries))

    def check(self, expected: Array, found: Array) -> dict[str, float]:
        """The share of labels that likewise gives too (ties aside, all); of all images, the share that is right."""
        n = min(len(found), len(expected))
        made = {"same": float((found[:n] == expected[:n]).mean())}
        whole = len(found) == len(self.query_labels)
        return made | ({"accuracy": float((found == self.query_labels).mean())} if whole else {})


def classify(metric: Any, ours: int, peers: dict[str, tuple[Any, str, int]], settings: Settings) -> dict[str, Any]:
    """``ours`` and the last of a peer's: how many images it classifies."""
    task = Task(settings)
    n, (m, d) = len(task.queries), task.items.shape
    name = metric if isinstance(metric, str) else "a formula"
    expected = task.ours(metric, ours).run()
    whole = [Contestant(WHOLE, partial(task.ours, metric, ours, fit=True), "likewise")] if ours >= n else []
    made = Race(
        f"classify-{name.replace(' ', '-')}",
        f"Images by their {K} nearest, {name}",
        f"{n:,} images of {d} pixels by {m:,}",
        "Fashion-MNIST, float32: KNeighborsClassifier's predict. same is the share of the labels that likewise gives "
        "too, accuracy the share that is right, where all images are classified.",
        [
            Contestant(OURS, partial(task.ours, metric, ours), "likewise"),
            *whole,
            *(Contestant(peer, partial(task.theirs, *how)) for peer, how in peers.items()),
        ],
        partial(task.check, expected),
        float(n) * m * d,
        [Aim(OURS, 1.0)],
        queries=n,
    )
    return race(made, settings)


def run(settings: Settings) -> list[dict[str, Any]]:
    pairs = f"{BRUTE}, a Python call a pair"
    given: list[tuple[str, Any, int, dict[str, tuple[Any, str, int]]]] = [
        (
            "euclidean",
            "euclidean",
            10_000,
            {BRUTE: ("euclidean", "brute", 2_000), TREE: ("euclidean", "kd_tree", 20)},
        ),
        (
            "manhattan",
            "manhattan",
            10_000,
            {BRUTE: ("manhattan", "brute", 100), TREE: ("manhattan", "kd_tree", 20)},
        ),
        ("a formula", formula, 500, {pairs: (formula_of_rows, "brute", 4)}),
    ]
    return data.each(settings, {f"Images by {name}": partial(classify, *how) for name, *how in given})
