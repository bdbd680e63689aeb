"""Search among the admitted items only: 1%, 10% and 50% of them, the same for all queries of a call.

Everybody has the selection ready as it likes it best (a mask, a bitmap, a set) before the clock starts, except the last
peer: it makes an index of the admitted rows in the run, which is what a user without a filter would do.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

import likewise as lw
from benchmarks import data as rows
from benchmarks import truth
from benchmarks.exact import ONE_SHOT, PREPARED, SECONDS, checked, on_few
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race
from benchmarks.search_peers import Answer, Data

Array = Any
SHARES = (0.01, 0.1, 0.5)
QUERIES, FEW = 1_000, 200
BITMAP = "FAISS IndexFlatL2, IDSelectorBitmap"


def prepared(data: Data, mask: Array) -> Entry:
    items = lw.prepare(data.items, metric="euclidean", n_jobs=data.threads)
    return Entry(lambda: lw.topk(data.queries, items, data.k, where=mask, n_jobs=data.threads))


def one_shot(data: Data, mask: Array) -> Entry:
    return Entry(lambda: lw.topk(data.queries, data.items, data.k, metric="euclidean", where=mask, n_jobs=data.threads))


def rooted(found: Answer) -> Answer:
    return np.sqrt(found[0]), found[1]


def faiss_selector(data: Data, mask: Array, kind: str) -> Entry:
    import faiss

    index = faiss.IndexFlatL2(data.items.shape[1])
    index.add(data.items)
    given = np.packbits(mask, bitorder="little") if kind == "IDSelectorBitmap" else np.flatnonzero(mask)
    selector = getattr(faiss, kind)(given)
    parameters = faiss.SearchParameters(sel=selector)
    parameters.kept = selector  # C++ holds a bare pointer to it
    return Entry(lambda: index.search(data.queries, data.k, params=parameters), rooted)


def faiss_subset(data: Data, mask: Array) -> Entry:
    import faiss

    def run() -> Answer:
        admitted = np.flatnonzero(mask)
        index = faiss.IndexFlatL2(data.items.shape[1])
        index.add(data.items[admitted])
        values, found = index.search(data.queries, data.k)
        return values, admitted[found]

    return Entry(run, rooted)


def filtered_race(share: float, settings: Settings) -> dict[str, Any]:
    whole = rows.fashion(settings)
    data = rows.first(whole, min(QUERIES, len(whole.queries)))
    n, (m, d) = len(data.queries), data.items.shape
    mask = np.zeros(m, bool)
    mask[np.random.default_rng(0).permutation(m)[: round(share * m)]] = True
    right = truth.exact_among(data, "euclidean", mask)
    same = truth.same(data, "euclidean", right)
    contestants = [
        Contestant(PREPARED, partial(checked, partial(prepared, data, mask), same), "likewise"),
        Contestant(ONE_SHOT, partial(checked, partial(one_shot, data, mask), same), "likewise"),
        Contestant(BITMAP, partial(on_few, partial(faiss_selector, mask=mask, kind="IDSelectorBitmap"), data, FEW)),
        Contestant(
            "FAISS IndexFlatL2, IDSelectorBatch",
            partial(on_few, partial(faiss_selector, mask=mask, kind="IDSelectorBatch"), data, FEW),
        ),
        Contestant("FAISS IndexFlatL2 of the admitted rows, made in the run", partial(faiss_subset, data, mask)),
    ]
    task = Race(
        f"filtered-{share:g}",
        f"Search among {share:.0%}",
        f"{n:,} queries, {np.count_nonzero(mask):,} admitted of {m:,} x {d} Fashion-MNIST pixels, k = {data.k}",
        "The ten nearest of the admitted items by Euclidean distance, one mask for all queries.",
        contestants,
        truth.agreement(data, "euclidean", right),
        float(n) * np.count_nonzero(mask) * d,
        [Aim(PREPARED, 10.0, BITMAP)],
        queries=n,
    )
    return race(task, settings)


def run(settings: Settings) -> list[dict[str, Any]]:
    tasks = {f"Search among {share:.0%}": partial(filtered_race, share) for share in SHARES}
    return rows.each(replace(settings, seconds=min(settings.seconds, SECONDS)), tasks)
