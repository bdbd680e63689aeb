"""Exact search of real rows, every answer compared with float64 row by row: pixels, captions, and Gaussian rows beside.

Real rows have structure that an exact search can use: few coordinates hold most of the variance, and pixels are whole
numbers. So this is where exact search is compared with approximate search, which uses structure too.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import likewise as lw
from benchmarks import data as rows
from benchmarks import search_peers as peers
from benchmarks import truth
from benchmarks.harness import Aim, Contestant, Entry, NotOffered, Race, Settings, race
from benchmarks.search_peers import Answer, Data

PREPARED, ONE_SHOT = "likewise, prepared", "likewise, one call"
HNSW = "hnswlib, recall ≥ 0.99"
RECALL = 0.99
EFS = (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
#: Queries for those who take every pair, coordinate by coordinate; none of them gains by more.
SOME, FEW, FEWEST = 500, 200, 50
HEADLINES = {"fashion-euclidean", "fashion-manhattan", "fashion-chebyshev", "captions"}  # also in the README
SECONDS = 4.0  # for a contestant: there are many
#: The engine's switch for partial sums of formulas whose terms are never negative: (module, name).
PARTIAL_SUMS = ("likewise.formula.partial", "PARTIAL_SUMS")


# ------------------------------------------------------------------------------------------------ contestants


def checked(make: Callable[[], Entry], check: Callable[[Answer], dict[str, float]]) -> Entry:
    """An entry of ours, whose every row has to be the exact one."""
    entry = make()
    entry.check = check
    return entry


def ours(data: Data, metric: Any, right: lw.TopK, **tolerance: int) -> list[Contestant]:
    check = truth.same(data, metric, right, **tolerance)
    makes = {PREPARED: peers.prepared, ONE_SHOT: peers.one_shot}
    return [
        Contestant(name, partial(checked, partial(make, data, metric), check), "likewise")
        for name, make in makes.items()
    ]


def on_few(make: Callable[[Data], Entry], data: Data, count: int) -> Entry:
    """A slow contestant, on the first ``count`` queries."""
    few = rows.first(data, count)
    entry = make(few)
    entry.share *= len(few.queries) / len(data.queries)
    return entry


def by_blas(make: Callable[[], Entry]) -> Entry:
    """FAISS made to multiply matrices however small they are, where it has a loop of its own otherwise."""
    import faiss

    entry = make()
    plain = entry.run

    def run() -> Any:
        before = faiss.cvar.distance_compute_blas_threshold
        faiss.cvar.distance_compute_blas_threshold = 1
        try:
            return plain()
        finally:
            faiss.cvar.distance_compute_blas_threshold = before

    entry.run = run
    return entry


def least_ef(data: Data, check: Callable[[Answer], dict[str, float]]) -> int:
    """hnswlib's shortest list of candidates, of those tried, that finds 99% of the neighbours."""
    for ef in EFS:
        entry = peers.hnsw(data, ef)
        if check(entry.answer(entry.run()))["recall"] >= RECALL:
            return ef
    raise NotOffered(f"recall stays below {RECALL} up to ef = {EFS[-1]}")


def recalled(data: Data, check: Callable[[Answer], dict[str, float]]) -> Entry:
    ef = least_ef(data, check)
    entry = peers.hnsw(data, ef)
    entry.check = lambda found: check(found) | {"ef": float(ef)}
    return entry


def flat(data: Data, metric: str) -> list[Contestant]:
    """Those that compare every pair, by matrix products."""
    faiss = partial(peers.faiss_flat, metric=metric)
    scann = partial(peers.scann_brute, metric=metric, parallel=True)
    return [
        Contestant("FAISS IndexFlat", partial(on_few, faiss, data, SOME)),
        Contestant("FAISS IndexFlat, by BLAS", partial(by_blas, partial(on_few, faiss, data, SOME))),
        Contestant("ScaNN brute force", partial(on_few, scann, data, SOME)),
    ]


# ------------------------------------------------------------------------------------------------ races


def search_race(
    data: Data, name: str, title: str, kind: str, what: str, contestants: list[Contestant], check: Any, *aims: Aim
) -> Race:
    n, m, d = len(data.queries), len(data.items), data.items.shape[1]
    size = f"{n:,} queries in {m:,} x {d} {kind}, k = {data.k}"
    work, headline = float(n) * m * d, name in HEADLINES
    return Race(f"exact-{name}", title, size, what, contestants, check, work, aims, headline, queries=n)


PIXELS = "Fashion-MNIST pixels"
WHATS = {
    "euclidean": "The ten nearest images by Euclidean distance, as in ann-benchmarks' fashion-mnist-784-euclidean.",
    "cosine": "The ten images of most similar direction.",
    "dot": "The ten images with the largest dot product.",
}


def pixels_by_products(metric: str, settings: Settings) -> dict[str, Any]:
    data = rows.fashion(settings)
    right = truth.exact(data, metric)
    check = truth.agreement(data, metric, right)
    contestants, aims = [*ours(data, metric, right), *flat(data, metric)], []
    if metric == "euclidean":
        contestants.append(Contestant(HNSW, partial(recalled, data, check), "approximate"))
        aims = [Aim(PREPARED, 10.0), Aim(PREPARED, 1.0, HNSW)]
    title = f"Pixels, {metric}"
    task = search_race(data, f"fashion-{metric}", title, PIXELS, WHATS[metric], contestants, check, *aims)
    return race(task, settings)


def rows_manhattan(x: Any, y: Any) -> float:
    return float(np.abs(x - y).sum())


def absolute(x: Any, y: Any) -> Any:
    return abs(x - y)


def power(x: Any, y: Any) -> Any:
    return abs(x - y) ** 1.5


def rows_power(x: Any, y: Any) -> float:
    return float((np.abs(x - y) ** 1.5).sum())


def pixels_manhattan(settings: Settings) -> dict[str, Any]:
    data = rows.fashion(settings)
    right = truth.exact(data, "manhattan")
    same, check = truth.same(data, "manhattan", right), truth.agreement(data, "manhattan", right)
    formula = "likewise, abs(x - y), prepared"
    contestants = [
        *ours(data, "manhattan", right),
        Contestant(formula, partial(checked, partial(peers.prepared, data, absolute), same), "likewise"),
        Contestant("FAISS IndexFlat", partial(on_few, partial(peers.faiss_flat, metric="manhattan"), data, FEW)),
        Contestant(
            "scikit-learn NearestNeighbors, brute",
            partial(on_few, partial(peers.scikit_learn, metric="manhattan"), data, FEWEST),
        ),
    ]
    what = (
        "The ten nearest by the sum of absolute differences: the built-in metric, and the same written as a formula "
        "of one's own."
    )
    aims = [Aim(PREPARED, 25.0, "FAISS IndexFlat"), Aim(formula, 0.95, PREPARED)]
    task = search_race(data, "fashion-manhattan", "Pixels, manhattan", PIXELS, what, contestants, check, *aims)
    return race(task, settings)


def pixels_chebyshev(settings: Settings) -> dict[str, Any]:
    data = rows.fashion(settings)
    right = truth.exact(data, "chebyshev")
    check = truth.agreement(data, "chebyshev", right)
    contestants = [
        *ours(data, "chebyshev", right),
        Contestant("FAISS IndexFlat", partial(on_few, partial(peers.faiss_flat, metric="chebyshev"), data, FEWEST)),
        Contestant(
            "scikit-learn NearestNeighbors, brute",
            partial(on_few, partial(peers.scikit_learn, metric="chebyshev"), data, FEWEST),
        ),
    ]
    what = "The ten nearest by the largest absolute difference."
    aims = [Aim(PREPARED, 200.0, "FAISS IndexFlat")]
    task = search_race(data, "fashion-chebyshev", "Pixels, chebyshev", PIXELS, what, contestants, check, *aims)
    return race(task, settings)


def pixels_power(settings: Settings) -> dict[str, Any]:
    """A formula that no library has: with the cut that its form allows, without it, and as a Python callable."""
    data = rows.first(rows.fashion(settings), 500)
    right = truth.exact(data, power, "power 1.5")
    check = truth.agreement(data, power, right)
    contestants = ours(data, power, right, ulps=8)
    if switch() is not None:
        whole = partial(checked, partial(to_the_end, data, power), truth.same(data, power, right, ulps=8))
        contestants.append(Contestant("likewise, prepared, without partial sums", whole, "yardstick"))
    contestants.append(Contestant("scikit-learn, Python callable", partial(python_callable, data)))
    what = (
        "The ten nearest by a formula of one's own, abs(x - y) ** 1.5, whose terms are never negative: a sum that "
        "exceeds the tenth best half-way has lost."
    )
    task = search_race(data, "fashion-power", "Pixels, abs(x - y) ** 1.5", PIXELS, what, contestants, check)
    return race(task, settings)


def python_callable(data: Data) -> Entry:
    """10,000 pairs stand for all, at a Python call each: all would take an hour."""
    few = Data(data.queries[:2], data.items[:5_000], data.k, data.threads)
    entry = peers.scikit_learn_callable(few, rows_power)
    entry.share = len(few.queries) * len(few.items) / (len(data.queries) * len(data.items))
    entry.check = truth.agreement(few, power, truth.exact(few, power, "power 1.5"))
    return entry


def switch() -> Any:
    """The module that can turn partial sums off, if the engine has them."""
    module = importlib.import_module(PARTIAL_SUMS[0])
    return module if hasattr(module, PARTIAL_SUMS[1]) else None


@contextlib.contextmanager
def without_partial_sums() -> Iterator[None]:
    module, name = switch(), PARTIAL_SUMS[1]
    before = getattr(module, name)
    setattr(module, name, False)
    try:
        yield
    finally:
        setattr(module, name, before)


def to_the_end(data: Data, metric: Any) -> Entry:
    with without_partial_sums():
        entry = peers.prepared(data, metric)
    cut = entry.run

    def run() -> Any:
        with without_partial_sums():
            return cut()

    entry.run = run
    return entry


def caption_race(settings: Settings) -> dict[str, Any]:
    data = rows.captions(settings)
    right = truth.exact(data, "dot")
    what = "The ten captions nearest in meaning, by the dot product of their unit-length embeddings."
    contestants, check = [*ours(data, "dot", right), *flat(data, "dot")], truth.agreement(data, "dot", right)
    aim = Aim(PREPARED, 6.0, "ScaNN brute force")
    return race(
        search_race(data, "captions", "Captions, dot", "MiniLM embeddings", what, contestants, check, aim), settings
    )


def gaussian_race(items: int, d: int, settings: Settings) -> dict[str, Any]:
    data = rows.gaussian(settings, items, d)
    right = truth.exact(data, "dot")
    what = "The ten largest dot products among rows without structure: what is left is the speed of the pass itself."
    contestants, check = [*ours(data, "dot", right), *flat(data, "dot")], truth.agreement(data, "dot", right)
    aim = Aim(PREPARED, 2.5, "ScaNN brute force")
    title = f"Gaussian rows, d = {d}, dot"
    task = search_race(data, f"gaussian-{d}", title, "Gaussian rows", what, contestants, check, aim)
    return race(task, settings)


TASKS: dict[str, Callable[[Settings], dict[str, Any]]] = {
    "Pixels, euclidean": partial(pixels_by_products, "euclidean"),
    "Pixels, cosine": partial(pixels_by_products, "cosine"),
    "Pixels, dot": partial(pixels_by_products, "dot"),
    "Pixels, manhattan": pixels_manhattan,
    "Pixels, chebyshev": pixels_chebyshev,
    "Pixels, abs(x - y) ** 1.5": pixels_power,
    "Captions, dot": caption_race,
    "Gaussian rows, d = 128, dot": partial(gaussian_race, 100_000, 128),
    "Gaussian rows, d = 768, dot": partial(gaussian_race, 50_000, 768),
}


def run(settings: Settings) -> list[dict[str, Any]]:
    return rows.each(replace(settings, seconds=min(settings.seconds, SECONDS)), TASKS)
