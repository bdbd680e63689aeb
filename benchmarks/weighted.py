"""A Gaussian kernel's weighted sum over 50,000 x 50,000 pairs: kernel regression and density, one column of weights.

The matrix would take 10 GB, so the others go through it in chunks. Those who would take over ten seconds do a part of
the rows, and their time is scaled.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import likewise as lw
from benchmarks.harness import Aim, Contestant, Entry, Race, Settings, race
from likewise.backends import reference

Array = Any
OURS = "likewise"
#: Rows of a chunk: 200 MB of float32 against 50,000.
CHUNK = 1_000
#: Rows that are checked against float64.
CHECKED = 50


def chunks(x: Array, product: Callable[[Array], Array], part: int) -> Entry:
    """``product`` of the first ``part`` rows, chunk by chunk."""
    from sklearn.utils import gen_batches

    rows = x[:part]

    def run() -> Array:
        return np.concatenate([product(rows[piece]) for piece in gen_batches(len(rows), CHUNK)])

    return Entry(run, share=len(rows) / len(x))


def ours(x: Array, weights: Array, gamma: float, threads: int) -> Entry:
    metric = lw.rbf(gamma=gamma)
    return Entry(lambda: lw.weighted_sum(x, x, weights, metric=metric, n_jobs=threads))


def scikit_learn(x: Array, weights: Array, gamma: float, part: int) -> Entry:
    from sklearn.metrics.pairwise import rbf_kernel

    return chunks(x, lambda rows: rbf_kernel(rows, x, gamma=gamma) @ weights, part)


def scikit_learn_threads(x: Array, weights: Array, gamma: float, part: int, threads: int) -> Entry:
    """The same through ``pairwise_kernels``, which has threads for the exponentials too."""
    from sklearn.metrics.pairwise import pairwise_kernels

    return chunks(x, lambda rows: pairwise_kernels(rows, x, metric="rbf", gamma=gamma, n_jobs=threads) @ weights, part)


def torch_chunks(x: Array, weights: Array, gamma: float, part: int) -> Entry:
    import torch

    items, column = torch.from_numpy(x), torch.from_numpy(weights)

    def product(rows: Array) -> Array:
        return ((torch.cdist(torch.from_numpy(rows), items) ** 2).mul_(-gamma).exp_() @ column).numpy()

    return chunks(x, product, part)


def keops(x: Array, weights: Array, gamma: float, part: int) -> Entry:
    from pykeops import set_verbose
    from pykeops.numpy import LazyTensor

    set_verbose(False)
    rows, column = x[:part], weights[:, None]
    left, right = LazyTensor(rows[:, None, :]), LazyTensor(x[None, :, :])

    def run() -> Array:
        return (-gamma * ((left - right) ** 2).sum(-1)).exp() @ column

    return Entry(run, lambda found: found[:, 0], len(rows) / len(x))


def weighted_race(d: int, settings: Settings) -> Race:
    n = 5_000 if settings.quick else 50_000
    part = n // 10
    rng = np.random.default_rng(0)
    x, weights = rng.standard_normal((n, d), dtype=np.float32), rng.standard_normal(n, dtype=np.float32)
    gamma, threads = 1 / d, settings.threads
    exact = reference.weighted_sum(lw.rbf(gamma=gamma), x[:CHECKED], x, weights)
    return Race(
        f"weighted-{d}",
        f"Weighted sum by a Gaussian kernel, d = {d}",
        f"{n:,} x {n:,} pairs",
        "For every row, the sum over all rows of exp(-|x - y|^2 / d) times a weight.",
        [
            Contestant(OURS, partial(ours, x, weights, gamma, threads), "likewise"),
            Contestant("scikit-learn rbf_kernel, in chunks", partial(scikit_learn, x, weights, gamma, part)),
            Contestant(
                "scikit-learn pairwise_kernels, in chunks",
                partial(scikit_learn_threads, x, weights, gamma, part, threads),
            ),
            Contestant("torch cdist and exp, in chunks", partial(torch_chunks, x, weights, gamma, part)),
            Contestant("KeOps", partial(keops, x, weights, gamma, part)),
        ],
        lambda found: {"error": float(np.abs(found[:CHECKED] - exact).max())},
        work=float(n) * n * d,
        aims=[Aim(OURS, 3.0, "scikit-learn rbf_kernel, in chunks"), Aim(OURS, 3.0)],
        headline=d == 16,
    )


def run(settings: Settings) -> list[dict[str, Any]]:
    return [race(weighted_race(d, settings), settings) for d in (16, 64)]
