"""How large a metric's values are among rows of a kind: what a neuron or a head is scaled by before it has learned."""

from __future__ import annotations

import functools
import math

import torch

from likewise.formula.metric import Metric
from likewise.formula.metrics import dot
from likewise.nn.comparison import scores


@functools.lru_cache(maxsize=256)
def spread(metric: Metric, d: int) -> tuple[float, float]:
    """Mean of a metric's values, and how much they vary among the keys of one query, for standard normal rows.

    Of 64 x 256 rows, always the same; for "dot" known: 0 and sqrt(d). Where values do not vary or are not finite, the
    second is 1.

    >>> from likewise.formula.metrics import manhattan
    >>> [round(value / 64, 1) for value in spread(manhattan, 64)]  # 2 / sqrt(pi) a coordinate, and 0.8 sqrt(64) in all
    [1.1, 0.1]
    """
    if metric == dot:
        return 0.0, math.sqrt(d)
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.randn(n, d, generator=generator, dtype=torch.float64) for n in (64, 256))
    with torch.no_grad():
        values = scores(x, y, metric)
    mean, deviation = float(values.mean()), float(values.std(-1).mean())
    usual = math.isfinite(mean) and math.isfinite(deviation) and deviation > 1e-6
    return (mean, deviation) if usual else (0.0, 1.0)
