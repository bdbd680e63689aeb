"""A step of training through attention, forward and backward, beside what torch's users write; and its memory.

    python -m benchmarks attention_training

torch's fused attention compares by dot product. For other comparisons its users write ``cdist``, or a difference by
broadcasting, then softmax and a product.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.harness import Aim, Contestant, Entry, Goal, NotOffered, Race, Settings, Table, race
from benchmarks.memory import CLEAR, STATUS, memory_of
from benchmarks.startup import in_process

Tensor = Any
D = 64
#: (batch, heads, tokens): many short sequences, and one of some length.
SHAPES = ((16, 8, 64), (1, 8, 1_024))
METRICS = ("dot", "cosine", "sqeuclidean", "manhattan", "rbf")
#: What memory is measured for, and twice how many tokens of one head.
LONG, LENGTHS = ("dot", "sqeuclidean", "manhattan"), (8_192, 16_384)
#: The most that twice the length may take: linear, and some for what does not grow.
GROWTH = 2.2
#: Largest numbers of pairs x coordinates that a difference by broadcasting is tried with: 1 GB in float32.
BROADCAST = 1 << 28


def rows(shape: tuple[int, int, int], dtype: Any = None) -> list[Tensor]:
    import torch

    generator = torch.Generator().manual_seed(0)
    batch, heads, n = shape
    return [torch.randn(batch, heads, n, D, generator=generator).to(dtype or torch.float32) for _ in range(3)]


def scale_of(metric: str) -> float:
    from likewise.formula.metrics import as_metric
    from likewise.nn.spread import spread

    return 1 / float(spread(as_metric(metric), D)[1])


# ------------------------------------------------------------------------------------------------ what users write


def distances(metric: str, q: Tensor, k: Tensor) -> Tensor:
    """Scores before their scale, by torch.cdist."""
    import torch

    if metric == "manhattan":
        return -torch.cdist(q, k, p=1)
    squares = torch.cdist(q, k) ** 2
    return -squares if metric == "sqeuclidean" else torch.exp(-squares / D)


def differences(metric: str, q: Tensor, k: Tensor) -> Tensor:
    """Scores before their scale, by broadcasting."""
    import torch

    apart = q[..., :, None, :] - k[..., None, :, :]
    if metric == "manhattan":
        return -apart.abs().sum(-1)
    squares = apart.square().sum(-1)
    return -squares if metric == "sqeuclidean" else torch.exp(-squares / D)


def written(scores: Callable[..., Tensor], metric: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    import torch

    return torch.softmax(scores(metric, q, k) * scale_of(metric), -1) @ v


def products(metric: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """torch's fused attention, of normalised rows for cosine."""
    import torch.nn.functional as F

    if metric == "cosine":
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
    return F.scaled_dot_product_attention(q, k, v, scale=scale_of(metric))


def ours(metric: str, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    from likewise.nn import attend

    return attend(q, k, v, metric=metric, scale=scale_of(metric))


# ------------------------------------------------------------------------------------------------ races


def step(attention: Callable[..., Tensor], shape: tuple[int, int, int], metric: str) -> Entry:
    """Forward and backward; the answer is the gradient of the queries."""
    q, k, v = (t.requires_grad_() for t in rows(shape))
    (weights,) = rows(shape)[:1]

    def run() -> Tensor:
        q.grad = k.grad = v.grad = None
        attention(metric, q, k, v).backward(weights)
        return q.grad

    return Entry(run)


def broadcast(shape: tuple[int, int, int], metric: str) -> Entry:
    batch, heads, n = shape
    if batch * heads * n * n * D > BROADCAST:
        raise NotOffered("the differences of all pairs take more than 1 GB")
    return step(partial(written, differences), shape, metric)


def against_float64(shape: tuple[int, int, int], metric: str) -> Callable[[Tensor], dict[str, float]]:
    """Largest error of the gradient, over the first head."""
    import torch

    q, k, v = (t[:1, :1].requires_grad_() for t in rows(shape, torch.float64))
    weights = rows(shape, torch.float64)[0][:1, :1]
    attention = products if metric in ("dot", "cosine") else partial(written, differences)
    attention(metric, q, k, v).backward(weights)
    return lambda found: {"error": float((found[:1, :1] - q.grad).abs().max())}


def contest(shape: tuple[int, int, int], metric: str) -> Race:
    batch, heads, n = shape
    mine = f"likewise, {metric}"
    if metric in ("dot", "cosine"):
        before = "normalize, " if metric == "cosine" else ""
        fused = f"torch {before}scaled_dot_product_attention"
        peers = [Contestant(fused, partial(step, products, shape, metric))]
    else:
        peers = [
            Contestant("torch cdist, softmax, matmul", partial(step, partial(written, distances), shape, metric)),
            Contestant("torch differences, softmax, matmul", partial(broadcast, shape, metric)),
        ]
    return Race(
        f"attention-training-{metric}-{n}",
        f"A step of training, {metric}",
        f"{batch} x {heads} heads, {n:,} x {D}",
        "Forward and backward through softmax(scale * score(q, k)) v.",
        [Contestant(mine, partial(step, ours, shape, metric), "likewise"), *peers],
        against_float64(shape, metric),
        work=float(batch * heads * n * n * 2 * D) * 3.0,
        aims=[Aim(mine, 0.9 if metric in ("dot", "cosine") else 1.0)],
    )


# ------------------------------------------------------------------------------------------------ memory


def child(metric: str, n: int, threads: int) -> dict[str, float]:
    """Of a process of its own: the most that a step holds beyond torch, kernels and its rows."""
    import torch

    torch.set_num_threads(threads)
    step(ours, (1, 1, 64), metric).run()
    entry = step(ours, (1, 1, n), metric)
    base = memory_of("VmRSS")
    CLEAR.write_text("5")  # the peak starts again from here
    start = time.perf_counter()
    entry.run()
    return {"beyond": memory_of("VmHWM") - base, "seconds": time.perf_counter() - start}


def memory(settings: Settings) -> dict[str, Any]:
    lengths = tuple(n // 8 for n in LENGTHS) if settings.quick else LENGTHS
    print("\nMemory of a step of training")
    what = (
        f"The most that forward and backward hold at a time beyond one head of {D} coordinates, torch and the kernels. "
        f"One matrix of all pairs would be {4 * lengths[-1] ** 2 / 1e6:,.0f} MB at {lengths[-1]:,} tokens."
    )
    columns = [("metric", "text"), *((f"{n:,} tokens", "MB") for n in lengths), ("growth", "times"), ("time", "s")]
    table = Table("attention-training-memory", "Memory of a step of training", what, columns)
    if not (STATUS.exists() and CLEAR.exists()):
        table.what += " Not measured: only Linux tells."
        return table.as_dict()
    goals = []
    for metric in LONG:
        found = [
            json.loads(in_process("-m", "benchmarks.attention_training", metric, str(n), str(settings.threads)))
            for n in lengths
        ]
        taken = [one["beyond"] for one in found]
        growth = taken[1] / taken[0]
        table.rows.append([metric, *taken, growth, found[1]["seconds"]])
        goals.append(Goal(f"{metric}, twice the length", growth, "times", at_most=GROWTH))
        print(f"  {metric}: {taken[0] / 1e6:.0f} MB, {taken[1] / 1e6:.0f} MB: {growth:.2f} times")
    table.goals = goals
    return table.as_dict()


def run(settings: Settings) -> list[dict[str, Any]]:
    shapes = ((2, 2, 64), (1, 2, 256)) if settings.quick else SHAPES
    races = [race(contest(shape, metric), settings) for shape in shapes for metric in METRICS]
    return [*races, memory(settings)]


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
