"""Classifying by nearest neighbours, against scikit-learn: Fashion-MNIST by three metrics, one of them a formula.

Models are fitted beforehand, and what is timed is ``predict``; *fit and predict* starts from bare arrays. Slow peers
classify a part of the images; kd-trees, whose time varies from image to image, too.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race

K = 5
OURS, WHOLE = "likewise", "likewise, fit and predict"
BRUTE, TREE = "scikit-learn, brute force", "scikit-learn, kd-tree"
Array = Any


def formula(x: Any, y: Any) -> Any:
    """The square root of the difference's size: far coordinates count little more than near ones."""
    return abs(x - y) ** 0.5


def formula_of_rows(x: Array, y: Array) -> float:
    """The same of two rows, as scikit-learn takes it."""
    return float((np.abs(x - y) ** 0.5).sum())


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

    def ours(self, metric: Any, fit: bool) -> Entry:
        from likewise.estimators import KNeighborsClassifier

        def model() -> Any:
            made = KNeighborsClassifier(K, metric=metric, n_jobs=self.threads)
            return made.fit(self.items, self.item_labels)

        if fit:
            return Entry(lambda: model().predict(self.queries))
        fitted = model()
        return Entry(lambda: fitted.predict(self.queries))

    def theirs(self, metric: Any, algorithm: str, count: int) -> Entry:
        from sklearn.neighbors import KNeighborsClassifier

        model = KNeighborsClassifier(K, metric=metric, algorithm=algorithm, n_jobs=self.threads)
        model.fit(self.items, self.item_labels)
        count = min(count, len(self.queries))
        return Entry(lambda: model.predict(self.queries[:count]), share=count / len(self.queries))

    def check(self, expected: Array, found: Array) -> dict[str, float]:
        """The share of labels that are right, and of those that are likewise's (ties aside, all)."""
        n = len(found)
        return {
            "accuracy": float((found == self.query_labels[:n]).mean()),
            "same": float((found == expected[:n]).mean()),
        }


def classify(name: str, metric: Any, peers: dict[str, Callable[[], Entry]], task: Task, settings: Settings) -> Any:
    n, (m, d) = len(task.queries), task.items.shape
    expected = task.ours(metric, False).run()
    contestants = [
        Contestant(OURS, partial(task.ours, metric, False), "likewise"),
        Contestant(WHOLE, partial(task.ours, metric, True), "likewise"),
        *(Contestant(peer, make) for peer, make in peers.items()),
    ]
    made = Race(
        f"classify-{name.replace(' ', '-')}",
        f"Images by their {K} nearest, {name}",
        f"{n:,} images of {d} pixels by {m:,}",
        "Fashion-MNIST, float32: KNeighborsClassifier's predict. accuracy is the share of the labels that are right; "
        "same is the share of those that likewise gives too.",
        contestants,
        partial(task.check, expected),
        float(n) * m * d,
        [Aim(OURS, 1.0)],
        queries=n,
    )
    return race(made, settings)


def run(settings: Settings) -> list[dict[str, Any]]:
    small = settings.quick
    counts = {"euclidean": (2_000, 40), "manhattan": (100, 40)}

    def named(metric: str, settings: Settings) -> Any:
        task = Task(settings)
        brute, tree = counts[metric]
        peers = {
            BRUTE: partial(task.theirs, metric, "brute", brute),
            TREE: partial(task.theirs, metric, "kd_tree", tree),
        }
        return classify(metric, metric, peers, task, settings)

    def own(settings: Settings) -> Any:
        task = Task(settings)
        peers = {f"{BRUTE}, a Python call a pair": partial(task.theirs, formula_of_rows, "brute", 20 if small else 4)}
        return classify("a formula", formula, peers, task, settings)

    tasks: dict[str, Callable[[Settings], Any]] = {
        f"Images by {metric}": partial(named, metric) for metric in ("euclidean", "manhattan")
    }
    return data.each(settings, tasks | {"Images by a formula": own})
