"""Attention over 8 heads of 2,048 tokens x 64, float32: the dot product as torch has it, then distances in its place.

torch has no attention by another comparison; what its users write is ``cdist``, softmax and a product, with the n x m
matrix in memory.
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
DOT = "likewise, dot"
#: Rows of each head that are checked against float64.
CHECKED = 64


def inputs(settings: Settings) -> tuple[Array, Array, Array]:
    heads, length = (2, 512) if settings.quick else (8, 2_048)
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((heads, length, 64), dtype=np.float32) for _ in range(3))
    return q, k, v


# ------------------------------------------------------------------------------------------------ contestants


def ours(rows: tuple[Array, ...], metric: str, causal: bool, threads: int) -> Entry:
    q, k, v = rows
    mask = "causal" if causal else None
    return Entry(lambda: lw.attend(q, k, v, metric=metric, mask=mask, n_jobs=threads))


def torch_attention(rows: tuple[Array, ...], causal: bool) -> Entry:
    import torch

    q, k, v = (torch.from_numpy(a)[None] for a in rows)
    attend = torch.nn.functional.scaled_dot_product_attention
    return Entry(lambda: attend(q, k, v, is_causal=causal), lambda found: found[0].numpy())


def torch_distances(rows: tuple[Array, ...], p: float, power: int) -> Entry:
    import torch

    q, k, v = (torch.from_numpy(a) for a in rows)

    def run() -> Any:
        return torch.softmax(-(torch.cdist(q, k, p=p) ** power), dim=-1) @ v

    return Entry(run, lambda found: found.numpy())


def against_float64(rows: tuple[Array, ...], metric: str, causal: bool) -> Callable[[Array], dict[str, float]]:
    """Largest error of the last rows of every head, which see the most keys."""
    scale = rows[0].shape[-1] ** -0.5 if metric == "dot" else 1.0
    seen = np.arange(rows[1].shape[1]) <= np.arange(rows[0].shape[1])[-CHECKED:, None]
    mask = np.where(seen, 0.0, -np.inf) if causal else None
    heads = [
        reference.attend(lw.metrics[metric], q[-CHECKED:], k, v, scale, mask) for q, k, v in zip(*rows, strict=True)
    ]
    exact = np.stack(heads)
    return lambda found: {"error": float(np.abs(found[:, -CHECKED:] - exact).max())}


def yardstick(rows: tuple[Array, ...], threads: int) -> Entry:
    entry = ours(rows, "dot", False, threads)
    entry.check = against_float64(rows, "dot", False)
    return entry


# ------------------------------------------------------------------------------------------------ races


def dot_race(rows: tuple[Array, ...], causal: bool, threads: int) -> Race:
    heads, n, d = rows[0].shape
    return Race(
        "attention-causal" if causal else "attention",
        "Attention, causal" if causal else "Attention",
        f"{heads} heads, {n:,} x {d}",
        "softmax(q k / sqrt(d)) v" + (", each query seeing the keys up to its own place." if causal else "."),
        [
            Contestant(DOT, partial(ours, rows, "dot", causal, threads), "likewise"),
            Contestant("torch scaled_dot_product_attention", partial(torch_attention, rows, causal)),
        ],
        against_float64(rows, "dot", causal),
        work=float(heads * n * n * 2 * d) * (0.5 if causal else 1.0),
        aims=[Aim(DOT, 1.0)],
        headline=True,
    )


def distance_race(rows: tuple[Array, ...], metric: str, p: float, power: int, threads: int) -> Race:
    heads, n, d = rows[0].shape
    mine = f"likewise, {metric}"
    return Race(
        f"attention-{metric}",
        f"Attention by {metric}",
        f"{heads} heads, {n:,} x {d}",
        f"softmax(-{metric}(q, k)) v; the yardstick is likewise's attention by dot product.",
        [
            Contestant(mine, partial(ours, rows, metric, False, threads), "likewise"),
            Contestant(DOT, partial(yardstick, rows, threads), "yardstick"),
            Contestant("torch cdist, softmax, matmul", partial(torch_distances, rows, p, power)),
        ],
        against_float64(rows, metric, False),
        work=float(heads * n * n * 2 * d),
        aims=[Aim(mine, 1 / 2.5, DOT)],
        headline=metric == "manhattan",
    )


def run(settings: Settings) -> list[dict[str, Any]]:
    rows, threads = inputs(settings), settings.threads
    races = [dot_race(rows, causal, threads) for causal in (False, True)]
    distances = (("manhattan", 1.0, 1), ("euclidean", 2.0, 1), ("sqeuclidean", 2.0, 2))
    races += [distance_race(rows, metric, p, power, threads) for metric, p, power in distances]
    return [race(task, settings) for task in races]
