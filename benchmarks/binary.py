"""Rows of bits: Hamming distances of codes, Jaccard distances of molecules' fingerprints (1 - Tanimoto similarity).

A bit is a coordinate: a pass over 1,000,000 rows of 1,024 bits reads 128 MB, an eighth of what it would as bytes.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import likewise as lw
from benchmarks import data as rows
from benchmarks import search_peers as peers
from benchmarks import truth
from benchmarks.data import BitRows, unpacked
from benchmarks.exact import ONE_SHOT, PREPARED, SECONDS, checked
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race
from benchmarks.search_peers import Answer

Array = Any
#: Queries for those who are slow, the slower the fewer.
SOME, FEW, FEWEST = 200, 50, 4


# ------------------------------------------------------------------------------------------------ contestants


def bits(data: BitRows, metric: str, ready: bool) -> Entry:
    items: Any = lw.Bits(data.items, data.d)
    if ready:
        items = lw.prepare(items, metric=metric, n_jobs=data.threads)
    queries, how = lw.Bits(data.queries, data.d), {} if ready else {"metric": metric}
    return Entry(lambda: lw.topk(queries, items, data.k, n_jobs=data.threads, **how))


def ours(data: BitRows, metric: str, right: lw.TopK) -> list[Contestant]:
    if not hasattr(lw, "Bits"):
        print("likewise: this version reads no packed bits")
        return []
    same = truth.same(data, metric, right)
    return [
        Contestant(name, partial(checked, partial(bits, data, metric, ready), same), "likewise")
        for name, ready in ((PREPARED, True), (ONE_SHOT, False))
    ]


def faiss_binary(data: BitRows) -> Entry:
    import faiss

    index = faiss.IndexBinaryFlat(data.d)
    index.add(data.items)
    queries, share = data.first(SOME)
    return Entry(lambda: index.search(queries, data.k), lambda found: (found[0] / data.d, found[1]), share)


def numkong(data: BitRows, metric: str) -> Entry:
    """NumKong's packed kernels give counts (Hamming) or distances (Jaccard); the best of each row by argpartition."""
    import numkong as nk

    packed = nk.hammings_pack(data.items, dtype="uint1")
    kernel: Callable[..., Any] = nk.hammings_packed if metric == "hamming" else nk.jaccards_packed
    queries, share = data.first(SOME)
    entry = peers.by_matrix(data, queries, lambda part: np.asarray(kernel(part, packed)), False, share)
    if metric == "hamming":
        entry.answer = lambda found: (found[0] / data.d, found[1])
    return entry


def usearch_exact(data: BitRows, metric: str) -> Entry:
    from usearch.index import MetricKind, search

    kind = MetricKind.Hamming if metric == "hamming" else MetricKind.Tanimoto
    queries, share = data.first(FEW)

    def run() -> Any:
        return search(data.items, queries, data.k, kind, exact=True, threads=data.threads, dtype="b1")

    def answer(found: Any) -> Answer:
        values = np.asarray(found.distances, np.float64)
        return values / data.d if metric == "hamming" else values, np.asarray(found.keys, np.int64)

    return Entry(run, answer, share)


def rdkit_bulk(data: BitRows) -> Entry:
    """RDKit's similarities of one molecule with all, and the best of them by argpartition: one thread."""
    from rdkit import DataStructs

    def vectors(packed: Array) -> list[Any]:
        return [DataStructs.CreateFromBinaryText(row.tobytes()) for row in packed]

    items, (queries, share) = vectors(data.items), data.first(SOME)
    molecules = vectors(queries)

    def run() -> Answer:
        alike = [np.array(DataStructs.BulkTanimotoSimilarity(one, items)) for one in molecules]
        return peers.best_of_rows(np.stack(alike), data.k, True)

    return Entry(run, lambda found: (1 - found[0], found[1]), share)


def fpsim2(data: BitRows) -> Entry:
    """FPSim2 knows fingerprints by their counts of bits and skips those that cannot do; a thread a query."""
    from FPSim2 import FPSim2Engine
    from FPSim2.io import create_db_file
    from rdkit import DataStructs

    with tempfile.TemporaryDirectory() as folder:
        file = str(Path(folder) / "molecules.h5")
        numbered = [[text, i] for i, text in enumerate(data.smiles)]
        with contextlib.redirect_stderr(io.StringIO()):  # its progress
            create_db_file(numbered, file, "smiles", "Morgan", {"radius": rows.RADIUS, "fpSize": data.d})
        engine = FPSim2Engine(file)
    queries, share = data.first(SOME)
    molecules = [DataStructs.CreateFromBinaryText(row.tobytes()) for row in queries]
    pool = ThreadPoolExecutor(data.threads)

    def run() -> Any:
        return list(pool.map(lambda one: engine.top_k(one, data.k, 0.0), molecules))

    def answer(found: Any) -> Answer:
        alike = np.array([[tuple(hit) for hit in hits] for hits in found])
        return 1 - alike[..., 1], alike[..., 0].astype(np.int64)

    return Entry(run, answer, share)


def scikit_learn(data: BitRows, metric: str) -> Entry:
    """scikit-learn takes a byte a bit."""
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=data.k, algorithm="brute", metric=metric, n_jobs=data.threads)
    search.fit(unpacked(data.items).astype(bool))
    queries, share = data.first(FEWEST)
    wide = unpacked(queries).astype(bool)
    return Entry(lambda: search.kneighbors(wide), share=share)


# ------------------------------------------------------------------------------------------------ races


def bit_race(data: BitRows, metric: str, title: str, kind: str, what: str, theirs: Any, settings: Settings) -> Any:
    right = truth.exact(data, metric)
    n, m, d = len(data.queries), len(data.items), data.d
    task = Race(
        f"binary-{metric}",
        title,
        f"{n:,} queries in {m:,} {kind} of {d:,} bits, k = {data.k}",
        what,
        [*ours(data, metric, right), *(Contestant(name, make) for name, make in theirs.items())],
        truth.agreement(data, metric, right),
        float(n) * m * d,
        [Aim(PREPARED, 3.0)],
        headline=True,
        queries=n,
    )
    return race(task, settings)


def hamming(settings: Settings) -> dict[str, Any]:
    data = rows.random_bits(settings)
    theirs = {
        "FAISS IndexBinaryFlat": partial(faiss_binary, data),
        "NumKong packed, argpartition": partial(numkong, data, "hamming"),
        "usearch exact search": partial(usearch_exact, data, "hamming"),
    }
    what = "The ten nearest by the number of bits that differ."
    return bit_race(data, "hamming", "Bits, hamming", "random rows", what, theirs, settings)


def jaccard(settings: Settings) -> dict[str, Any]:
    data = rows.fingerprints(settings)
    theirs = {
        "NumKong packed, argpartition": partial(numkong, data, "jaccard"),
        "usearch exact search": partial(usearch_exact, data, "jaccard"),
        "FPSim2": partial(fpsim2, data),
        "RDKit BulkTanimotoSimilarity, argpartition": partial(rdkit_bulk, data),
        "scikit-learn NearestNeighbors, brute": partial(scikit_learn, data, "jaccard"),
    }
    what = "The ten most similar molecules by the Tanimoto similarity of their Morgan fingerprints (radius 2)."
    return bit_race(data, "jaccard", "Molecules, jaccard", "fingerprints", what, theirs, settings)


def run(settings: Settings) -> list[dict[str, Any]]:
    tasks = {"Bits, hamming": hamming, "Molecules, jaccard": jaccard}
    return rows.each(replace(settings, seconds=min(settings.seconds, SECONDS)), tasks)
