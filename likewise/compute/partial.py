"""Whether a search goes by partial sums first, and how many coordinates make them: what each way costs, from a sample."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from likewise.compute.coding import FEW_ITEMS, SMALL_WORK, may_code
from likewise.formula import partial
from likewise.formula.codes import kind_of
from likewise.formula.metric import Metric
from likewise.formula.screen import Rows, Screen
from likewise.plan import float_seconds

if TYPE_CHECKING:
    from likewise.backends.llvm.partial import Heads
    from likewise.backends.llvm.rows import Side

#: Vectors of fewer coordinates gain little: what follows a pair's coordinates costs as much as they do.
FEW_COORDINATES = 32
#: Items that stand for all of them, those of them that stand for queries, and seconds of one core to spend on them.
_SAMPLE, _QUERIES, _SECONDS = 8192, 32, 0.15
#: Pairs of them that tell how much each coordinate adds.
_PAIRS = 1024
#: Seconds of one core, measured on Zen 5: what a pair costs beyond its coordinates, what listing one costs.
_PAIR_SECONDS, _LISTED_SECONDS = 1e-10, 1.5e-8
#: Listed pairs go one by one, at this share of the rate of tiles.
_SINGLE_SHARE = 0.4
#: Thresholds fall while a scan goes on: pairs listed, over those that the final threshold leaves.
_EARLY = 1.3
#: Rows are arranged at this many coordinates per second and core.
_ARRANGE_RATE = 3e8
#: Codes that take no longer than this are not worth a sample.
_QUICK = 1.0
#: Cutting has to save this much to be worth the memory.
_WORTH = 0.75


def may_cut(metric: Metric, screen: Screen, x: Rows, y: Rows, m: int, d: int, k: int) -> bool:
    """Whether partial sums screen this search, and it is of a size to gain by it."""
    if not partial.PARTIAL_SUMS or m < max(FEW_ITEMS, 32 * k) or d < FEW_COORDINATES:
        return False
    return partial.partial_slack(metric, screen, x, y, d) is not None


def choose_heads(
    metric: Metric, screen: Screen, queries: Rows, items: Side, k: int, n: int | None, threads: int
) -> tuple[Heads, float] | None:
    """The order of coordinates and how many come first, with core-seconds a query; None where whole rows are faster.

    ``n`` queries will come; None: as many as there may be, and what arranging rows costs does not count.
    """
    from likewise import machine
    from likewise.backends.llvm import partial as engine

    m, d = items.n, items.d
    if not may_cut(metric, screen, queries, items.known, m, d, k) or (n is not None and n * m * d < SMALL_WORK):
        return None
    core, rate = screen.core, machine.known_rate(metric, screen.compute)
    whole = float_seconds(1, m, d, rate)
    budget = _SECONDS if n is None else min(_SECONDS, 0.05 * n * whole)
    wanted = int(budget * machine.known_rate(metric, "f64") / (_QUERIES * d))
    if wanted < 256:
        return None
    y = engine.sample_rows(items, core.v, "y", min(wanted, _SAMPLE), threads)
    x = engine.sample_rows(items, core.u, "x", min(wanted, _SAMPLE), threads)
    if x is None or y is None:
        return None
    count = min(len(y) // 2, _PAIRS)
    order = engine.coordinate_order(core, x[::2][:count], y[1::2][:count])
    edges = sorted({*_candidates(d), d})
    step = max(1, len(y) // _QUERIES)
    shares = engine.survival(metric, core, x[::step][:_QUERIES], y, order, edges, k, m, threads)
    costs = {head: _pair_seconds(head, edges, shares, rate) for head in edges[:-1]}
    head = min(costs, key=lambda h: costs[h])
    seconds = m * costs[head]
    once = 0.0 if n is None else m * d / _ARRANGE_RATE / n
    if not math.isfinite(seconds) or seconds + once > _WORTH * whole:
        return None
    return engine.Heads(order, head), seconds


def codes_are_quick(metric: Metric, screen: Screen, n: int, m: int, d: int, k: int) -> bool:
    """Whether 8-bit codes serve a call that comes once so well that nothing else is looked at."""
    from likewise import machine

    rule = may_code(metric, screen, m, d, k)
    if rule is None:
        return False
    return kind_of(rule) != "max" or float_seconds(n, m, d, machine.integer_rate("max")) < _QUICK


def _candidates(d: int) -> list[int]:
    """Numbers of coordinates to try: some 5% of all apart at first, then wider."""
    made, at = [], 8.0
    while at < 0.75 * d:
        made.append(int(at) // 8 * 8)
        at = max(at * 1.3, at + 8)
    return made


def _pair_seconds(head: int, edges: list[int], shares: list[float], rate: float) -> float:
    """Core-seconds of a pair: its first coordinates among many; then, if it is listed, more until it is out."""
    at = edges.index(head)
    more = sum(share * (b - a) for share, (a, b) in zip(shares[at:], itertools.pairwise(edges[at:]), strict=False))
    single = _SINGLE_SHARE * rate
    look = 32 * shares[at]  # on average half a look too many
    return float_seconds(1, 1, head, rate) + _PAIR_SECONDS + _EARLY * (shares[at] * _LISTED_SECONDS + (more + look) / single)
