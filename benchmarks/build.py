"""What preparing costs, in time and memory, beside a graph's building; and whether one call on bare rows pays for more.

A search of few queries in bare rows must not prepare what it will not use: at every number of queries, one call has to
be as fast as preparing and calling.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import likewise as lw
from benchmarks import data as rows
from benchmarks import search_peers as peers
from benchmarks import truth
from benchmarks.environment import hold_threads
from benchmarks.exact import SECONDS
from benchmarks.harness import LEAST_ROUNDS, PAUSE, Goal, Settings, Table, quartiles, reason_of, timed
from benchmarks.search_peers import Data

METRICS = ("euclidean", "cosine", "dot", "manhattan", "chebyshev")
COUNTS = {"euclidean": (1, 10, 100, 1_000, 5_000), "manhattan": (1, 10, 100, 1_000)}
FEW = 500  # queries of a peer: it gains nothing by more
NOISE = 0.95  # a one-shot call and its parts may differ by as much by chance


def in_turn(runs: dict[str, Callable[[], Any]], settings: Settings) -> dict[str, float]:
    """Median seconds of each, all of them round after round; the first call of each is not timed."""
    first = {}
    for name, run in runs.items():
        run()
        first[name] = timed(run)[0]
    rounds = max(LEAST_ROUNDS, min(settings.rounds, int(settings.seconds / sum(first.values()))))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(PAUSE)
            times[name].append(timed(run)[0])
    return {name: quartiles(found)[1] for name, found in times.items()}


# ------------------------------------------------------------------------------------------------ preparing


def faiss_flat(data: Data) -> Any:
    import faiss

    index = faiss.IndexFlatL2(data.items.shape[1])
    index.add(data.items)
    return index


def scann_brute(data: Data) -> Any:
    import scann

    return scann.scann_ops_pybind.builder(data.items, data.k, "squared_l2").score_brute_force().build()


def preparing(settings: Settings) -> dict[str, Any]:
    data = rows.fashion(settings)
    own, (m, d) = data.items.nbytes, data.items.shape
    print(f"\nPreparing {m:,} x {d} float32 rows")
    runs: dict[str, Callable[[], Any]] = {
        f"likewise, {metric}": partial(lw.prepare, data.items, metric=metric, n_jobs=data.threads) for metric in METRICS
    }
    sizes: dict[str, int] = {name: run().nbytes for name, run in runs.items()}
    missing = []
    for name, make, size in (("FAISS IndexFlatL2", faiss_flat, own), ("ScaNN brute force", scann_brute, own)):
        try:
            make(data)
            hold_threads(settings.threads)
            runs[name], sizes[name] = partial(make, data), size
        except Exception as error:
            missing.append(f"{name}: {reason_of(error)}")
    seconds = in_turn(runs, settings)
    graph = "hnswlib (M = 16, 200 candidates)"
    try:
        index, seconds[graph] = peers.hnsw_index(data)
        sizes[graph] = int(index.index_file_size())
    except Exception as error:
        missing.append(f"{graph}: {reason_of(error)}")
    what = (
        f"From {m:,} x {d} float32 rows ({own / 1e6:,.0f} MB) to what searches them. Memory is what is held beyond the "
        "rows given, also as a multiple of theirs; an index of FAISS, ScaNN or hnswlib has its own copy of the rows, "
        "and likewise keeps a reference to yours. hnswlib is built once, the others' times are medians."
    )
    what = " ".join([what, *(f"Not in it: {line}." for line in missing)])
    columns = [("", "text"), ("time", "s"), ("memory", "MB"), ("of the rows'", "times")]
    ours = "likewise, euclidean"
    goals = []
    if graph in seconds:
        goals = [Goal("prepare for Euclid against hnswlib's build", seconds[graph] / seconds[ours], "times", 10.0)]
    table = Table(
        "prepare",
        "Time and memory to prepare",
        what,
        columns,
        [[name, seconds[name], sizes[name], sizes[name] / own] for name in seconds],
        goals,
    )
    for name, took, size, ratio in table.rows:
        print(f"  {name:45} {took:8.3f} s {size / 1e6:9,.0f} MB {ratio:6.2f}x")
    return table.as_dict()


# ------------------------------------------------------------------------------------------------ one call, or prepare


def ways(data: Data, metric: str, shelf: lw.Prepared) -> dict[str, Callable[[], Any]]:
    """One call on bare rows; preparing them and a call; a call on rows prepared before."""
    call = partial(lw.topk, data.queries, k=data.k, n_jobs=data.threads)
    prepare = partial(lw.prepare, data.items, metric=metric, n_jobs=data.threads)
    return {
        "one call": lambda: call(items=data.items, metric=metric),
        "prepare + call": lambda: call(items=prepare()),
        "prepared call": lambda: call(items=shelf),
    }


def faiss_knn(data: Data, metric: str) -> Callable[[], Any]:
    """FAISS on bare rows."""
    import faiss

    kind = {"euclidean": faiss.METRIC_L2, "manhattan": faiss.METRIC_L1}[metric]
    hold_threads(data.threads)
    return lambda: faiss.knn(data.queries, data.items, data.k, metric=kind)


def one_shot(metric: str, settings: Settings) -> dict[str, Any]:
    whole = rows.first(rows.fashion(settings), COUNTS[metric][-1])
    m, d = whole.items.shape
    print(f"\nOne call, or prepare and call: {metric}, {m:,} x {d}")
    right = truth.exact(whole, metric)
    shelf = lw.prepare(whole.items, metric=metric, n_jobs=whole.threads)
    lines, goals = [], []
    for n in (count for count in COUNTS[metric] if count <= len(whole.queries)):
        data = rows.first(whole, n)
        runs = ways(data, metric, shelf)
        for run in runs.values():
            truth.same(data, metric, right)(run())
        few = rows.first(data, FEW)
        with contextlib.suppress(ImportError):
            runs["FAISS knn"] = faiss_knn(few, metric)
        took = in_turn(runs, settings)
        if "FAISS knn" in took:
            took["FAISS knn"] *= n / len(few.queries)
        ratio = took["prepare + call"] / took["one call"]
        lines.append([n, *took.values(), ratio])
        goals.append(Goal(f"{metric}, {n:,} queries: one call against preparing", ratio, "times", at_least=NOISE))
        print(f"  {n:6,}", {name: f"{seconds * 1e3:,.1f} ms" for name, seconds in took.items()})
    what = (
        f"n Fashion-MNIST images in {m:,} others: one call on bare rows, preparing them and a call, and a call on rows "
        "prepared before. The last column is the second time over the first: below 1, the one call prepared too much "
        f"or too little. FAISS knn, on bare rows too, takes {FEW} queries at most, and its time is scaled."
    )
    columns = [("n", "count"), *((name, "ms") for name in took), ("ratio", "times")]
    return Table(f"one-shot-{metric}", f"One call on bare rows, {metric}", what, columns, lines, goals).as_dict()


def run(settings: Settings) -> list[dict[str, Any]]:
    tasks = {
        "Time and memory to prepare": preparing,
        "One call on bare rows, euclidean": partial(one_shot, "euclidean"),
        "One call on bare rows, manhattan": partial(one_shot, "manhattan"),
    }
    return rows.each(replace(settings, seconds=min(settings.seconds, SECONDS)), tasks)
