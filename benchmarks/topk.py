"""Exact k nearest of Gaussian rows, under several comparisons: likewise against flat indexes, brute force and matrices.

likewise runs with its items prepared, as FAISS and ScaNN have theirs in an index, and from bare arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import likewise as lw
from benchmarks import search_peers as peers
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race
from benchmarks.search_peers import Answer, Data

PREPARED, ONE_SHOT = "likewise, prepared", "likewise, one call"
#: Queries whose exact answer is checked against plain float64 NumPy before anybody is timed.
WITNESSES = 3


def data_for(settings: Settings) -> Data:
    items, queries = (20_000, 200) if settings.quick else (100_000, 1_000)
    return peers.gaussian(items, queries, 128, 10, settings.threads)


# ------------------------------------------------------------------------------------------------ contestants


def ours(data: Data, metric: Any) -> list[Contestant]:
    return [
        Contestant(PREPARED, partial(peers.prepared, data, metric), "likewise"),
        Contestant(ONE_SHOT, partial(peers.one_shot, data, metric), "likewise"),
    ]


def theirs(data: Data, metric: str) -> list[Contestant]:
    """The peers that know a named comparison, and those that say they do not."""
    known: list[tuple[str, Callable[[], Entry]]] = [
        ("FAISS IndexFlat", partial(peers.faiss_flat, data, metric)),
        ("ScaNN brute force, search_batched", partial(peers.scann_brute, data, metric, False)),
        ("ScaNN brute force, search_batched_parallel", partial(peers.scann_brute, data, metric, True)),
        ("usearch exact search", partial(peers.usearch_exact, data, metric)),
        ("NumKong packed, argpartition", partial(peers.numkong, data, metric)),
        ("scikit-learn NearestNeighbors, brute", partial(peers.scikit_learn, data, metric)),
    ]
    if metric in ("dot", "cosine"):
        known.append(("torch matmul, topk", partial(peers.torch_matmul, data, metric)))
    else:
        known.append(("torch cdist, topk", partial(peers.torch_cdist, data, metric)))
        known.append(("SciPy cdist, argpartition", partial(peers.scipy_cdist, data, metric)))
    if metric == "manhattan":
        known.append(("KeOps Kmin_argKmin", partial(peers.keops, data, keops_manhattan)))
    return [Contestant(name, make) for name, make in known]


def other_metric(make: Callable[[Data, Any], Entry], data: Data, metric: Any) -> Entry:
    """A yardstick: another comparison than the race's, checked against its own exact answer."""
    entry = make(data, metric)
    entry.check = agreement(data, metric)
    return entry


def python_callable(data: Data) -> Entry:
    """10,000 pairs stand for all: at a Python call each, all would take most of an hour."""
    few = Data(data.queries[:2], data.items[:5000], data.k, data.threads)
    entry = peers.scikit_learn_callable(few, rows_manhattan)
    entry.share = len(few.queries) * len(few.items) / (len(data.queries) * len(data.items))
    entry.check = agreement(few, "manhattan")
    return entry


def keops_manhattan(x: Any, y: Any) -> Any:
    return (x - y).abs().sum(-1)


def rows_manhattan(x: Any, y: Any) -> float:
    return float(np.abs(x - y).sum())


# ------------------------------------------------------------------------------------------------ agreement


def exact_answer(data: Data, metric: Any) -> lw.TopK:
    """likewise's answer, some of it checked against the definition in NumPy."""
    from likewise.backends import reference
    from likewise.formula.metrics import as_metric

    exact = lw.topk(data.queries, data.items, data.k, metric=metric, n_jobs=data.threads)
    plain = reference.topk(as_metric(metric), data.queries[:WITNESSES], data.items, data.k)
    if not np.array_equal(exact.indices[:WITNESSES], plain.indices):
        raise AssertionError(f"likewise and the reference disagree on {metric}: nothing is worth timing")
    return exact


def agreement(data: Data, metric: Any) -> Callable[[Answer], dict[str, float]]:
    """recall@k, and the largest error of the values given for the pairs given."""
    exact = exact_answer(data, metric)

    def check(found: Answer) -> dict[str, float]:
        values, indices = (np.asarray(part) for part in found)
        n, k = indices.shape
        hits = sum(len(np.intersect1d(mine, right)) for mine, right in zip(indices, exact.indices, strict=False))
        true = lw.paired(np.repeat(data.queries[:n], k, axis=0), data.items[indices.ravel()], metric=metric)
        return {"recall": hits / (n * k), "error": float(np.abs(values.ravel() - true).max())}

    return check


# ------------------------------------------------------------------------------------------------ races

TITLES = {
    "dot": ("largest dot products", "The ten items with the largest dot product: retrieval by inner product."),
    "cosine": ("cosine", "The ten items of most similar direction; whoever can normalises its items beforehand."),
    "euclidean": ("Euclid", "The ten nearest by Euclidean distance."),
    "manhattan": ("Manhattan", "The ten nearest by the sum of absolute differences."),
    "chebyshev": ("Chebyshev", "The ten nearest by the largest absolute difference."),
}


def search_race(
    data: Data, name: str, title: str, what: str, metric: Any, contestants: list[Contestant], *aims: Aim
) -> Race:
    n, m, d = len(data.queries), len(data.items), data.items.shape[1]
    return Race(
        f"topk-{name}",
        f"Exact search, {title}",
        f"{n:,} queries in {m:,} x {d} Gaussian items, k = {data.k}",
        what,
        contestants,
        agreement(data, metric),
        work=float(n) * m * d,
        aims=aims,
        headline=name != "cosine",
    )


def named_race(data: Data, metric: str) -> Race:
    title, what = TITLES[metric]
    contestants = [*ours(data, metric), *theirs(data, metric)]
    if metric == "euclidean":
        contestants += [
            Contestant(f"hnswlib, ef = {ef}", partial(peers.hnsw, data, ef), "approximate") for ef in (100, 1000)
        ]
    aims = [Aim(PREPARED, 1.0)] if metric in ("dot", "euclidean") else []
    return search_race(data, metric, title, what, metric, contestants, *aims)


def mahalanobis_race(data: Data) -> Race:
    spread = np.random.default_rng(1).standard_normal((128, 512))
    inverse = np.linalg.inv(spread @ spread.T / 512)
    metric = lw.mahalanobis(inverse)
    contestants = [
        *ours(data, metric),
        Contestant(
            "likewise's Euclid, prepared", partial(other_metric, peers.prepared, data, "euclidean"), "yardstick"
        ),
        Contestant(
            "likewise's Euclid, one call", partial(other_metric, peers.one_shot, data, "euclidean"), "yardstick"
        ),
        Contestant("FAISS IndexFlat, rows whitened", partial(peers.faiss_whitened, data, inverse)),
        Contestant(
            "scikit-learn NearestNeighbors, brute",
            partial(peers.scikit_learn, data, "mahalanobis", metric_params={"VI": inverse}),
        ),
        Contestant("SciPy cdist, argpartition", partial(peers.scipy_cdist, data, "mahalanobis", VI=inverse)),
    ]
    what = "The ten nearest where coordinates are correlated: Euclid after a multiplication of every row by a matrix."
    return search_race(data, "mahalanobis", "Mahalanobis", what, metric, contestants)


def formula_race(data: Data) -> Race:
    """A user's formula: one that likewise recognises, and one that computes the same but reads otherwise."""
    recognised, other = "likewise, abs(x - y)", "likewise, maximum(x - y, y - x)"
    contestants = [
        Contestant(recognised, partial(peers.prepared, data, lambda x, y: abs(x - y)), "likewise"),
        Contestant(other, partial(peers.prepared, data, lambda x, y: lw.math.maximum(x - y, y - x)), "likewise"),
        Contestant("likewise, built in", partial(peers.prepared, data, "manhattan"), "yardstick"),
        Contestant("KeOps Kmin_argKmin", partial(peers.keops, data, keops_manhattan)),
        Contestant("scikit-learn, Python callable", partial(python_callable, data)),
    ]
    what = (
        "The ten nearest by a formula written in Python, here one that equals Manhattan's, so that it can be compared."
    )
    aims = [Aim(name, 0.95, "likewise, built in") for name in (recognised, other)]
    return search_race(data, "formula", "a formula of one's own", what, "manhattan", contestants, *aims)


def run(settings: Settings) -> list[dict[str, Any]]:
    data = data_for(settings)
    races = [named_race(data, metric) for metric in TITLES]
    return [race(task, settings) for task in [*races, mahalanobis_race(data), formula_race(data)]]
