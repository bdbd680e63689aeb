"""One query at a time, as a service gets them: half of the answers come within p50, and 99 of 100 within p99.

Everybody answers some queries in turn, so that a slow second of the machine falls on all, and a library's idle threads
have time to go to sleep.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import likewise as lw
from benchmarks import data as rows
from benchmarks import search_peers as peers
from benchmarks import truth
from benchmarks.environment import hold_threads
from benchmarks.exact import HNSW, PREPARED, least_ef
from benchmarks.harness import PAUSE, Goal, Settings, Table, reason_of
from benchmarks.search_peers import Answer, Data

Array = Any
QUERIES, AT_A_TIME, WARM = 240, 20, 5


@dataclass
class Single:
    """A contestant, ready: what answers one query, a row (1, d)."""

    ask: Callable[[Array], Answer]
    check: Callable[[Answer], dict[str, float]]


def likewise(data: Data, right: lw.TopK) -> Single:
    items = lw.prepare(data.items, metric="euclidean", n_jobs=data.threads)
    check = truth.same(data, "euclidean", right)
    return Single(lambda query: lw.topk(query, items, data.k, n_jobs=data.threads), check)


def faiss_flat(data: Data, right: lw.TopK, blas: bool) -> Single:
    import faiss

    index = faiss.IndexFlatL2(data.items.shape[1])
    index.add(data.items)
    before = faiss.cvar.distance_compute_blas_threshold

    def ask(query: Array) -> Answer:
        faiss.cvar.distance_compute_blas_threshold = 1 if blas else before
        values, indices = index.search(query, data.k)
        faiss.cvar.distance_compute_blas_threshold = before
        return np.sqrt(values), indices

    return Single(ask, truth.agreement(data, "euclidean", right))


def hnsw(data: Data, right: lw.TopK) -> Single:
    check = truth.agreement(data, "euclidean", right)
    index, _ = peers.hnsw_index(data)
    index.set_ef(least_ef(data, check))

    def ask(query: Array) -> Answer:
        indices, values = index.knn_query(query, data.k, num_threads=data.threads)
        return np.sqrt(values), indices.astype(np.int64)

    return Single(ask, check)


def in_turn(ready: dict[str, Single], queries: Array) -> dict[str, tuple[list[float], list[Answer]]]:
    """Seconds and answer of every query by everybody."""
    found: dict[str, tuple[list[float], list[Answer]]] = {name: ([], []) for name in ready}
    for start in range(0, len(queries), AT_A_TIME):
        for name, single in ready.items():
            time.sleep(PAUSE)
            single.ask(queries[:1])  # wakes its threads
            for i in range(start, min(start + AT_A_TIME, len(queries))):
                begun = time.perf_counter()
                answer = single.ask(queries[i : i + 1])
                found[name][0].append(time.perf_counter() - begun)
                found[name][1].append(answer)
    return found


def run(settings: Settings) -> list[dict[str, Any]]:
    return rows.each(settings, {"One image at a time": latencies})


def latencies(settings: Settings) -> dict[str, Any]:
    data = rows.first(rows.fashion(settings), 40 if settings.quick else QUERIES)
    right = truth.exact(data, "euclidean")
    n, (m, d) = len(data.queries), data.items.shape
    print(f"\nOne query at a time: {n} of them, Euclid, {m:,} x {d}")
    makes: dict[str, Callable[[], Single]] = {
        PREPARED: partial(likewise, data, right),
        "FAISS IndexFlatL2": partial(faiss_flat, data, right, False),
        "FAISS IndexFlatL2, by BLAS": partial(faiss_flat, data, right, True),
        HNSW: partial(hnsw, data, right),
    }
    ready, missing = {}, []
    for name, make in makes.items():
        try:
            ready[name] = make()
            hold_threads(settings.threads)
            for _ in range(WARM):
                ready[name].ask(data.queries[:1])
        except Exception as error:
            if name == PREPARED:
                raise
            missing.append(f"{name}: {reason_of(error)}")
    columns = [
        ("", "text"),
        ("p50", "ms"),
        ("p99", "ms"),
        ("queries a second", "per second"),
        ("recall", "recall"),
    ]
    what = (
        f"The ten nearest of {m:,} Fashion-MNIST images by Euclidean distance, {n} queries one by one, "
        f"{settings.threads} threads for whoever uses them for one query."
    )
    table = Table(
        "latency", "One image at a time", " ".join([what, *(f"Not in it: {line}." for line in missing)]), columns
    )
    for name, (seconds, answers) in in_turn(ready, data.queries).items():
        together = tuple(np.concatenate(part) for part in zip(*answers, strict=True))
        check = ready[name].check(together)
        p50, p99 = (float(np.percentile(seconds, p)) for p in (50, 99))
        table.rows.append([name, p50, p99, len(seconds) / sum(seconds), check["recall"]])
        print(f"  {name:45} p50 {p50 * 1e3:9,.2f} ms  p99 {p99 * 1e3:9,.2f} ms  {check}")
    middle = {row[0]: row[1] for row in table.rows}
    against = (("FAISS IndexFlatL2", 25.0), (HNSW, 1.0))
    table.goals = [
        Goal(f"{PREPARED} against {name}, p50", middle[name] / middle[PREPARED], "times", at_least)
        for name, at_least in against
        if name in middle
    ]
    return table.as_dict()
