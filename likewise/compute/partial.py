"""Whether a search goes by partial sums first, and how many coordinates make them, from a sample."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.compute.coding import FEW_ITEMS, SMALL_WORK, may_code
from likewise.formula import partial
from likewise.formula.codes import kind_of
from likewise.formula.metric import Metric
from likewise.formula.screen import Core, Rows, Screen
from likewise.plan import DEFAULT_MEMORY, float_seconds

if TYPE_CHECKING:
    from likewise.backends.llvm.partial import Heads
    from likewise.backends.llvm.rows import Side

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Vectors of fewer coordinates gain little: what follows a pair's coordinates costs as much as they do.
FEW_COORDINATES = 32
#: Items that stand for all of them, those of them that stand for queries, and seconds of one core to spend on them.
_SAMPLE, _QUERIES, _SECONDS = 8192, 32, 0.15
#: Coordinates of a group, at most.
_LARGEST_GROUP = 32
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
#: And more beside 8-bit codes: predictions are further off there (Manhattan on pixels: 0.5 foreseen, 1.05 measured).
WORTH_BESIDE_CODES = 0.45


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
    from likewise import rates
    from likewise.backends.llvm import partial as engine

    m, d = items.n, items.d
    if not may_cut(metric, screen, queries, items.known, m, d, k) or (n is not None and n * m * d < SMALL_WORK):
        return None
    core, rate = screen.core, rates.known_rate(metric, screen.compute)
    whole = float_seconds(1, m, d, rate)
    budget = _SECONDS if n is None else min(_SECONDS, 0.05 * n * whole)
    wanted = int(budget * rates.known_rate(metric, "f64") / (_QUERIES * d))
    if wanted < 256:
        return None
    y = engine.sample_rows(items, core.v, "y", min(wanted, _SAMPLE), threads)
    x = engine.sample_rows(items, core.u, "x", min(wanted, _SAMPLE), threads)
    if x is None or y is None:
        return None
    step = max(1, len(y) // _QUERIES)
    own = np.arange(0, len(y), step)[:_QUERIES]
    ways = _Ways(metric, core, x, y, own, rate, threads)
    allowed = partial.group_allowance(metric, screen, queries, items.known, d)
    heads, seconds = ways.best(k, m, None if allowed is None else allowed[1])
    seconds *= m
    once = 0.0 if n is None else m * d / _ARRANGE_RATE / n
    if not math.isfinite(seconds) or seconds + once > _WORTH * whole:
        return None
    return heads, seconds


class _Ways:
    """What may come first, tried on a sample: single coordinates, or means of groups, and how many."""

    def __init__(
        self, metric: Metric, core: Core, x: Floats, y: Floats, own: Integers, rate: float, threads: int
    ) -> None:
        from likewise.backends.llvm import partial as engine

        self.engine, self.metric, self.core, self.rate, self.threads = engine, metric, core, rate, threads
        self.x, self.y, self.own = x, y, own
        count = min(len(y) // 2, _PAIRS)
        self.some = x[::2][:count], y[1::2][:count]
        self.order = engine.coordinate_order(core, *self.some)
        d = x.shape[1]
        self.edges = [*_candidates(d), d]
        ordered = x[own][:, self.order], y[:, self.order]
        self.scores = engine.partial_scores(metric, core, *ordered, self.edges, threads)

    def best(self, k: int, m: int, extra: float | None) -> tuple[Heads, float]:
        """The cheapest, and core-seconds a pair; ``extra`` None: no groups."""
        engine, order = self.engine, self.order
        limit = engine.thresholds(self.scores[-1], self.own, k, m)
        alive = [scores <= limit for scores in self.scores]
        found = []
        for i, head in enumerate(self.edges[:-1]):
            found.append((self._seconds(head, alive[i], self.edges[i:], alive[i:]), engine.Heads.single(order, head)))
        groups = order[:, None]
        while extra is not None and len(groups) >= 32 and groups.shape[1] < _LARGEST_GROUP:
            groups = engine.paired(*(engine.means(rows, groups) for rows in self.some), groups)
            found += self._of_groups(groups, alive, limit + extra)
        seconds, heads = min(found, key=lambda way: way[0])
        return heads, seconds

    def _of_groups(self, groups: Integers, alive: list[Any], limit: Any) -> list[tuple[float, Heads]]:
        """Means of such groups, all of them or those that add most."""
        engine, size = self.engine, groups.shape[1]
        x, y = (engine.means(rows, groups) for rows in self.some)
        groups = groups[engine.coordinate_order(self.core, x, y)]
        count = len(groups)
        edges = sorted({max(8, count // 4), max(8, count // 2), max(8, 3 * count // 4), count})
        rows = engine.means(self.x[self.own], groups), engine.means(self.y, groups)
        scores = engine.partial_scores(self.metric, self.core, *rows, edges, self.threads)
        weight = 1 if self.metric.combine == "max" else size
        found = []
        for edge, score in zip(edges, scores, strict=True):
            left = score * weight <= limit
            heads = engine.Heads(np.ascontiguousarray(groups[:edge].ravel()), self.order, size)
            found.append((self._seconds(edge, left, [0, *self.edges], [left, *alive]), heads))
        return found

    def _seconds(self, head: int, listed: Any, edges: list[int], alive: list[Any]) -> float:
        """Core-seconds of a pair: what is compared of all; then, if it is listed, more until it is out."""
        share = float(listed.mean())
        more = sum(
            float((listed & here).mean()) * (b - a)
            for here, (a, b) in zip(alive, itertools.pairwise(edges), strict=False)
        )
        dense = float_seconds(1, 1, head, self.rate) + _PAIR_SECONDS
        look = 32 * share  # on average half a look too many
        return dense + _EARLY * (share * _LISTED_SECONDS + (more + look) / (_SINGLE_SHARE * self.rate))


def may_hold(screen: Screen, m: int, d: int, memory: int | None) -> bool:
    """Whether arranged items, all in hand at once, and a sample to learn from fit; a limit that was set is strict."""
    size = (8 if screen.compute == "f64" else 4) * m * d
    return 1.25 * size <= DEFAULT_MEMORY if memory is None else 10 * size + (32 << 20) <= memory


def codes_are_quick(metric: Metric, screen: Screen, n: int, m: int, d: int, k: int) -> bool:
    """Whether 8-bit codes serve a call that comes once so well that nothing else is looked at."""
    from likewise import rates

    rule = may_code(metric, screen, m, d, k)
    if rule is None:
        return False
    return kind_of(rule) != "max" or float_seconds(n, m, d, rates.integer_rate("max")) < _QUICK


def _candidates(d: int) -> list[int]:
    """Numbers of coordinates to try: some 5% of all apart at first, then wider."""
    made, at = [], 8.0
    while at < 0.75 * d:
        made.append(int(at) // 8 * 8)
        at = max(at * 1.3, at + 8)
    return made
