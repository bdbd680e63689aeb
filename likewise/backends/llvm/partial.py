"""The search by partial sums: rows in a learned order of coordinates, scanned over the first of them.

:mod:`likewise.formula.partial` says when this is allowed and with which bound. Here the order is learned, rows are
arranged (panels of the first coordinates for the dense half, the rest row by row), and a chunk of queries is taken
through seed, scan and finish to the candidate lists of any search.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.candidates import Candidates
from likewise.backends.llvm.dense import matrix
from likewise.backends.llvm.jit import Kernel, kernel
from likewise.backends.llvm.kernels import Formula, Tile, calls_of, tile_for
from likewise.backends.llvm.kernels import partial as loops
from likewise.backends.llvm.kernels.scan import LISTED, SCORED
from likewise.backends.llvm.rows import (
    NUMPY,
    ONE,
    Packer,
    Side,
    address,
    aligned,
    exact_text,
    kernel_recipe,
    measure,
    take,
)
from likewise.backends.llvm.scan import query_groups, seed_panels
from likewise.backends.llvm.target import current
from likewise.backends.reference import evaluate
from likewise.formula.expr import ACC, DIM, Expr, X, Y
from likewise.formula.metric import Metric
from likewise.formula.partial import group_allowance
from likewise.formula.screen import Core, Screen, Slack

if TYPE_CHECKING:
    from likewise.backends.llvm.search import Search

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
#: Pairs of a list; the tails of a stretch's items, which stay in the second-level cache while its list is finished.
_ROOM, _STRETCH_BYTES = 1 << 15, 512 << 10
#: Items among which the first threshold is sought, as a share of all.
_SEED_SHARE = 1 / 24


@dataclass(frozen=True, eq=False)
class Heads:
    """What is compared of every pair, and the order of coordinates in which listed pairs go on.

    The means of ``head`` groups of ``size`` coordinates each, listed in ``first``, or single ones (size 1). Then the
    coordinates in ``rest``: those that were not compared, or after groups all of them.
    """

    first: Integers
    rest: Integers
    size: int = 1

    @property
    def head(self) -> int:
        return len(self.first) // self.size

    @property
    def tail(self) -> int:
        return len(self.rest)

    @classmethod
    def single(cls, order: Integers, head: int) -> Heads:
        return cls(np.ascontiguousarray(order[:head]), np.ascontiguousarray(order[head:]))


@dataclass
class PartialItems:
    """Items as the scan reads them: panels of their first coordinates, and the rest row by row."""

    heads: Heads
    core: Core
    combine: str
    tile: Tile
    panels: NDArray[Any]
    tails: NDArray[Any]
    m: int

    @property
    def nbytes(self) -> int:
        return int(self.panels.nbytes + self.tails.nbytes)

    def serves(self, metric: Metric, screen: Screen) -> bool:
        """Whether a search by this screen, on the current target, may go through them."""
        same = (self.core, self.combine) == (screen.core, metric.combine) and screen.key == ACC
        return same and self.tile == tile_for(current(), screen.compute, self.formula)

    @property
    def formula(self) -> Formula:
        return Formula(self.core.terms, self.combine, ACC)


def arrange(side: Side, u: Expr, compute: str, order: Integers, size: int, lanes: int, threads: int) -> NDArray[Any]:
    """Panels of ``lanes`` rows: u of the coordinates in ``order``, or its mean over ``size`` of them at a time."""
    columns = len(order) // size
    names = kernels.stat_fields(u)
    run = kernel(
        "arrange",
        f"arrange {side.dtype} {exact_text(u)} {compute} {size > 1}",
        loops.arrange_fields(u),
        lambda module, name: loops.arrange_kernel(module, name, side.dtype, u, compute, grouped=size > 1),
    )
    count = -(-side.n // lanes)
    out = aligned(max(count * lanes * columns, 1), NUMPY[compute])
    if not columns or not side.n:
        return out
    step = max(1, 1_000_000 // (lanes * columns))

    def one(first: int) -> None:
        run(
            rows=address(side.rows),
            n=side.n,
            d=side.d,
            order=address(order),
            count=columns,
            size=size,
            lanes=lanes,
            first=first,
            last=min(first + step, count),
            out=address(out) + first * lanes * columns * out.itemsize,
            **{name: address(side.stat(name[:-2])) for name in names},
        )

    pool.run([functools.partial(one, first) for first in range(0, count, step)], threads)
    return out


def arrange_items(items: Side, metric: Metric, screen: Screen, heads: Heads, threads: int) -> PartialItems:
    """Items in a learned order."""
    tile = tile_for(current(), screen.compute, Formula(screen.core.terms, metric.combine, ACC))
    made = functools.partial(arrange, items, screen.core.v, screen.compute)
    panels = made(heads.first, heads.size, tile.width, threads)
    tails = made(heads.rest, 1, 1, threads)
    return PartialItems(heads, screen.core, metric.combine, tile, panels, tails, items.n)


# -------------------------------------------------------------------------------------------------------- learning


def sample_rows(side: Side, u: Expr, which: str, wanted: int, threads: int) -> Floats | None:
    """u of evenly spread rows, in float64; None where it needs statistics that were not gathered."""
    if any(name[:-2] not in side.stats for name in u.stats()):
        return None
    rows = np.unique(np.linspace(0, max(side.n - 1, 0), min(side.n, wanted)).astype(np.int64))
    some = take(side, rows)
    return np.asarray(Packer(some, which, u, None, "f64", 1).pack(0, some.n, threads)).reshape(some.n, -1)


def coordinate_order(core: Core, x: Floats, y: Floats) -> Integers:
    """Coordinates by how much they add to a sum on average, over pairs (x[i], y[i]), the most first."""
    env: dict[Expr, Any] = {X: x, Y: y, DIM: np.float64(x.shape[1])}
    with np.errstate(all="ignore"):
        terms = np.broadcast_to(evaluate(core.terms[0], env), x.shape)
        means = np.nan_to_num(terms, nan=0.0, posinf=1e300).mean(axis=0)
    return np.argsort(-means, kind="stable").astype(np.int64)


def _products(x: Floats, y: Floats) -> Floats:
    from likewise.backends.llvm.learn import _products as products

    return products(x, y, 1)


def paired(x: Floats, y: Floats, groups: Integers) -> Integers:
    """Groups (count, size) joined two by two, those that differ alike: (count // 2, 2 size).

    ``x, y``: pairs of rows, the columns being the groups' means. From the group that varies most, each takes the one
    left whose differences between rows are nearest to its own.
    """
    away = x - y
    products = _products(np.ascontiguousarray(away.T), np.ascontiguousarray(away.T))
    size = np.diagonal(products).copy()
    distance = size[:, None] + size[None] - 2 * products
    np.fill_diagonal(distance, np.inf)
    free, made = np.ones(len(groups), bool), []
    for i in np.argsort(-size, kind="stable"):
        if not free[i]:
            continue
        free[i] = False
        if not free.any():
            break
        j = int(np.where(free, distance[i], np.inf).argmin())
        if not free[j]:
            break
        free[j] = False
        made.append(np.concatenate([groups[i], groups[j]]))
    return np.array(made, np.int64).reshape(len(made), -1)


def means(rows: Floats, groups: Integers) -> Floats:
    """Means over groups of columns (count, size)."""
    return np.asarray(rows[:, groups].mean(axis=2))


def partial_scores(metric: Metric, core: Core, x: Floats, y: Floats, edges: list[int], threads: int) -> list[Floats]:
    """Scores of all pairs over the first ``edge`` columns, for each edge; these rise."""
    plain = replace(metric, terms=core.terms, finish=ACC, matrix=None, closer="smaller")
    plain = replace(plain, combine="max" if metric.combine == "max" else "sum")
    join = np.maximum if metric.combine == "max" else np.add
    scores: list[Floats] = []
    for a, b in itertools.pairwise([0, *edges]):
        some, others = (measure(np.ascontiguousarray(r[:, a:b]), "float64", frozenset(), 1) for r in (x, y))
        part = np.empty((len(x), len(y)))
        matrix(plain, some, others, part, threads, 8192)
        scores.append(join(scores[-1], part) if scores else part)
    return scores


def thresholds(scores: Floats, own: Integers, k: int, m: int) -> Floats:
    """The k-th best of m, (n, 1), as far as a sample of them tells; row i does not find item ``own[i]``."""
    found = np.where(np.isnan(scores), np.inf, scores)
    found[np.arange(len(own)), own] = np.inf
    share = min(max(1, round(k * scores.shape[1] / m)), scores.shape[1]) - 1
    return np.asarray(np.partition(found, share, axis=1)[:, share, None])


# ---------------------------------------------------------------------------------------------------------- search


def _call(entry: str, tile: Tile, formula: Formula, exact: bool, grouped: bool) -> Kernel:
    make = {"partial": loops.partial_kernel, "finish_partial": loops.finish_kernel}[entry]
    return kernel(
        entry,
        kernel_recipe(entry, tile, formula, exact, grouped),
        loops.PARTIAL_FIELDS,
        lambda module, name: make(module, name, tile, formula, exact=exact, grouped=grouped),
    )


def _seed_call(tile: Tile, formula: Formula) -> Kernel:
    return kernel(
        "search",
        kernel_recipe("search", tile, formula, True),
        kernels.search_fields(formula),
        lambda module, name: kernels.search_kernel(module, name, tile, formula, exact=True),
    )


@dataclass
class ChunkScan:
    """A chunk of queries through seed, scan and finish, by groups on all threads."""

    search: Search
    items: PartialItems
    slack: Slack
    first: int  # query
    last: int
    k: int

    def __post_init__(self) -> None:
        search, items, heads = self.search, self.items, self.items.heads
        n, threads, compute = self.last - self.first, search.sizes.threads, items.tile.compute
        self.tile = tile_for(items.tile.target, compute, items.formula, n)
        whole = n == search.queries.n
        queries = search.queries if whole else take(search.queries, np.arange(self.first, self.last))
        made = functools.partial(arrange, queries, items.core.u, compute)
        self.tiles = made(heads.first, heads.size, self.tile.rows, threads)
        self.tails = made(heads.rest, 1, 1, threads)
        self.above, self.extra, self.share = 1 + (2.0**-22 if compute == "f32" else 2.0**-40), 0.0, 1.0
        if heads.size > 1:
            known = (search.queries.known, search.items.known)
            allowed = group_allowance(search.metric, search.screen, *known, search.items.d)
            assert allowed is not None
            self.above, self.extra = self.above * allowed[0], allowed[1]
            self.share = 1.0 if items.combine == "max" else 1.0 / heads.size
        self.dtype = NUMPY[compute]
        offset = replace(search, slack=self.slack).offset(self.first, self.last)
        self.offset = np.concatenate([offset, np.zeros(kernels.codes.ALIGN, self.dtype)])
        self.calls = {
            "seed": _seed_call(self.tile, items.formula),
            "scan": _call("partial", self.tile, items.formula, self.slack.exact, heads.size > 1),
            "finish": _call("finish_partial", self.tile, items.formula, self.slack.exact, heads.size > 1),
        }
        row = max(heads.tail, 1) * self.dtype.itemsize
        self.stretch = max(1, _STRETCH_BYTES // row // self.tile.width)

    @property
    def panels(self) -> int:
        return -(-self.items.m // self.tile.width)

    def _base(self, a: int, b: int) -> dict[str, Any]:
        """Fields of every call for queries a..b of the chunk."""
        heads, size = self.items.heads, self.dtype.itemsize
        return {
            "queries": address(self.tiles) + a * heads.head * size,
            "n": b - a,
            "items": address(self.items.panels),
            "m": self.items.m,
            "base": 0,
            "one": address(ONE[self.tile.compute]),
            **self.search.mask_fields(self.first + a, 0),
        }

    def _pairs(self, a: int, tally: NDArray[np.int64], columns: tuple[NDArray[Any], ...]) -> dict[str, Any]:
        """Fields of listed pairs."""
        heads, size = self.items.heads, self.dtype.itemsize
        names = ("list_row", "list_item", "list_number")
        return {
            "d": self.search.items.d,
            "above": float(self.above),
            "extra": float(self.extra),
            "share": float(self.share),
            "head": heads.head,
            "tail": heads.tail,
            "x_tail": address(self.tails) + a * heads.tail * size,
            "y_tail": address(self.items.tails),
            "tally": address(tally),
            "room": len(columns[0]) - 64,
            "stretch": self.stretch,
            **{name: address(column) for name, column in zip(names, columns, strict=True)},
        }

    def _columns(self, count: int) -> tuple[NDArray[Any], ...]:
        return np.empty(count + 64, np.int32), np.empty(count + 64, np.int32), np.empty(count + 64, self.dtype)

    def seed(self, state: Candidates, a: int, b: int) -> None:
        """Thresholds of queries a..b: the best looking of a sample, by their first coordinates, scored."""
        n, m, k, heads = b - a, self.items.m, self.k, self.items.heads
        seeds = 2 * k + 16
        own = Candidates.empty(n, seeds, m, self.dtype)
        fields = {**self._base(a, b), "d": heads.head, **own.fields(0, 1.0, self.offset)}
        ranges = seed_panels(self.panels, self.tile.width, max(int(m * _SEED_SHARE), 16 * seeds))
        for i, (first, last) in enumerate(ranges, 1):
            finish = {"finish": n, "spare": 0} if i == len(ranges) else {}
            self.calls["seed"](**{**fields, **finish, "first": first, "last": last})
        own.count[own.overflow != 0] = 0
        rows, places = np.nonzero(np.arange(own.keys.shape[1]) < own.count[:, None])
        columns = self._columns(len(rows))
        for column, values in zip(columns, (rows, own.found[rows, places], own.keys[rows, places]), strict=True):
            column[: len(rows)] = values
        mine = Candidates.empty(n, k, m, self.dtype)
        tally = np.zeros(4, np.int64)
        fields = {**self._base(a, b), **self._pairs(a, tally, columns)}
        fields |= {**mine.fields(0, self.slack.slope, self.offset[a:]), "finish": n, "spare": 0}
        self.calls["finish"](**{**fields, "first": len(rows), "last": 0})
        threshold = mine.threshold[:n]
        if self.slack.exact:  # just below the k-th best of the sample: up to it, as that is yet to come
            threshold = np.nextafter(threshold, np.array(np.inf, self.dtype))
        state.threshold[a:b] = np.where(mine.overflow != 0, np.inf, threshold)

    def scan(self, state: Candidates, a: int, b: int, first: int, last: int) -> None:
        """Panels first..last against queries a..b."""
        n, width = b - a, self.tile.width
        tally = np.zeros(4, np.int64)
        columns = self._columns(max(_ROOM, 2 * n * width))
        fields = {**self._base(a, b), **self._pairs(a, tally, columns)}
        fields |= state.fields(a, self.slack.slope, self.offset)
        step = max(1, int(1 / calls_of(n * self.search.items.d * width, self.tile, self.items.formula)))
        for p in range(first, last, step):
            if pool.stopped():
                return
            self.calls["scan"](**{**fields, "first": p, "last": min(p + step, last)})
        self.search.counts.add(listed=int(tally[LISTED]), scored=int(tally[SCORED]))


def scan_chunk(search: Search, items: PartialItems, slack: Slack, first: int, last: int, k: int, done: pool.Counter
               ) -> list[Candidates]:  # fmt: skip
    """The candidates of a chunk of queries, in lists for as many shares of the items as make work for all threads."""
    threads, n = search.sizes.threads, last - first
    scan = ChunkScan(search, items, slack, first, last, k)
    groups = query_groups(n, scan.tile.rows, threads)
    parts = 1 if len(groups) >= threads else -(-threads // len(groups))
    states = [Candidates.empty(n, k, items.m, scan.dtype) for _ in range(parts)]
    share = -(-scan.panels // parts)

    def one(group: tuple[int, int], part: int) -> None:
        if parts == 1:
            scan.seed(states[0], *group)
        scan.scan(states[part], *group, part * share, min((part + 1) * share, scan.panels))
        done.add((group[1] - group[0]) * items.m // parts)

    if parts > 1:
        pool.run([functools.partial(scan.seed, states[0], *group) for group in groups], threads)
        for state in states[1:]:
            state.threshold[:] = states[0].threshold
    tasks = [functools.partial(one, group, part) for group in groups for part in range(parts)]
    pool.run(tasks, threads, done.report)
    return states
