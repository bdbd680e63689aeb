"""How near the compiled code comes to what its instructions allow: one core, float32, d = 128.

Three rates for each comparison, each as a share of the rate of the same instructions on registers alone
(:mod:`likewise.rates`), which is measured next to it in every round:

- the micro-kernel alone, over tiles and panels that stay in the caches;
- the search kernel over the same, when no item qualifies any more: what nearly all of a search is;
- ``lw.topk`` as called, prepared, on one thread: packing, candidates and settling included.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import likewise as lw
from benchmarks.harness import Goal, Settings, Table, quartiles, timed
from likewise import rates
from likewise.backends.llvm import kernels
from likewise.backends.llvm.emit import I64, Function
from likewise.backends.llvm.filters import FilterFields
from likewise.backends.llvm.jit import kernel
from likewise.backends.llvm.kernels import Formula, Tile, tile_for
from likewise.backends.llvm.rows import ONE, address, aligned, kernel_recipe
from likewise.backends.llvm.target import current
from likewise.formula.metric import Metric
from likewise.formula.screen import choose

#: What each metric's rate is a share of, and the share to reach: the multiply-add rate, or the formula's own peak.
AIMS = {"dot": ("fma", 0.90), "sqeuclidean": ("peak", 0.85), "manhattan": ("peak", 0.90), "chebyshev": ("peak", 0.90)}
D, K = 128, 10
QUERIES = 504  # whole tiles of 12 or 24: 258 KB, in the second-level cache, as in a search
ITEMS = 128  # whole panels of up to 32: 16 KB each, which stay in the first-level cache while all tiles pass
TRIES = 8  # as rates.peak takes the best of several short runs, so do we
FIELDS = ("queries", "tiles", "items", "panels", "d", "one", "out")


def inner_kernel(module: Any, name: str, tile: Tile, formula: Formula) -> None:
    """The micro-kernel over every panel and tile, its registers stored and forgotten."""
    f = Function(module, name, FIELDS)
    b, d = f.b, f.field("d")
    with f.loop(0, f.field("panels"), name="panel") as p:
        item = b.mul(p, I64(tile.width))
        panel = f.at(f.pointer("items"), b.mul(item, d), tile.elem)
        with f.loop(0, f.field("tiles"), name="tile") as t:
            first = b.mul(t, I64(tile.rows))
            queries = f.at(f.pointer("queries"), b.mul(first, d), tile.elem)
            done = kernels.micro_kernel(f, tile, formula, queries, panel, first, item, d, fused=True, answer=False)
            for i, register in enumerate(v for term in done for row in term for v in row):
                f.store(register, f.pointer("out"), I64(i * tile.lanes))
    f.ret()


class Cached:
    """The code of one metric, and rows that stay in the caches: random, since values do not matter to the rate."""

    work = float(QUERIES * ITEMS * D)

    def __init__(self, metric: Metric) -> None:
        self.metric, self.screen = metric, choose(metric)
        self.formula = Formula(self.screen.core.terms, metric.combine, self.screen.key)
        self.tile = tile_for(current(), "f32", self.formula)
        rng = np.random.default_rng(0)
        self.queries, self.items = (aligned(count * D, np.float32) for count in (QUERIES, ITEMS))
        for rows in (self.queries, self.items):
            rows[:] = rng.standard_normal(len(rows), dtype=np.float32)
        self.scratch = aligned(2 * self.tile.rows * self.tile.width + QUERIES * K * 8, np.float64)
        self.scratch[:] = 0.0
        self.never = np.full(QUERIES, -np.inf, np.float32)  # a threshold that no key is below
        self.rows = {"queries": address(self.queries), "items": address(self.items), "one": address(ONE["f32"]), "d": D}

    def micro(self) -> Callable[[], Any]:
        tile, formula = self.tile, self.formula
        own = hashlib.sha256(inspect.getsource(inner_kernel).encode()).hexdigest()  # a change there makes a new object
        run = kernel(
            "inner",
            kernel_recipe("inner", tile, formula, own),
            FIELDS,
            lambda module, name: inner_kernel(module, name, tile, formula),
        )
        cut = {"tiles": QUERIES // tile.rows, "panels": ITEMS // tile.width, "out": address(self.scratch)}
        return lambda: run(**self.rows, **cut)

    def search(self) -> Callable[[], Any]:
        tile, formula = self.tile, self.formula
        run = kernel(
            "search",
            kernel_recipe("search", tile, formula, False),
            kernels.search_fields(formula),
            lambda module, name: kernels.search_kernel(module, name, tile, formula, exact=False),
        )
        state = ("keys", "found", "count", "overflow", "offset")  # empty, and to stay so
        fields = dict.fromkeys(state, address(self.scratch)) | {"threshold": address(self.never), "slope": 1.0}
        lists = {
            "k": K,
            "cap": K,
            "crowd": K,
            "step": K,
            "spare": 0,
            "finish": 0,
            "stride": K,
            "trigger": address(self.scratch),
        }
        cut = {"n": QUERIES, "first": 0, "last": ITEMS // tile.width, "m": ITEMS, "base": 0}
        return lambda: run(**self.rows, **fields, **cut, **lists, **FilterFields(None).of(0, 0))


def whole_call(queries: Any, items: Any, metric: Metric) -> Callable[[], Any]:
    shelf = lw.prepare(items, metric=metric, n_jobs=1)
    return lambda: lw.topk(queries, shelf, K, n_jobs=1)


def rate_of(run: Callable[[], Any], work: float, tries: int, repeats: int) -> float:
    """Pair-dimensions a second: the best of some short runs, which is the least disturbed."""

    def several() -> None:
        for _ in range(repeats):
            run()

    return work * repeats / min(timed(several)[0] for _ in range(tries))


def peak_of(metric: Metric) -> float:
    rates._measured.cache_clear()  # measured anew: the clock of a shared machine is not what it was
    return rates.peak(metric)


def run(settings: Settings) -> list[dict[str, Any]]:
    print("\nKernels, one core")
    rng, repeats = np.random.default_rng(0), max(1, int(4e8 // Cached.work))  # some 10 milliseconds
    n, m = (504, 20_000) if settings.quick else (1_008, 100_000)
    queries, items = (rng.standard_normal((rows, D), dtype=np.float32) for rows in (n, m))
    product = lw.metrics["dot"]
    runs: dict[str, dict[str, Callable[[], float]]] = {}
    for name in AIMS:
        metric = lw.metrics[name]
        cached = Cached(metric)
        runs[name] = {
            "fma": partial(peak_of, product),
            "peak": partial(peak_of, metric),
            "micro": partial(rate_of, cached.micro(), Cached.work, TRIES, repeats),
            "search": partial(rate_of, cached.search(), Cached.work, TRIES, repeats),
            "whole": partial(rate_of, whole_call(queries, items, metric), float(n * m * D), 2, 1),
        }
    rates: dict[str, dict[str, list[float]]] = {name: {part: [] for part in parts} for name, parts in runs.items()}
    for turn in range(settings.rounds + 1):
        for name, parts in runs.items():
            found = {part: measure() for part, measure in parts.items()}
            if turn:  # the first warms up
                for part, rate in found.items():
                    rates[name][part].append(rate)
    return [_table(rates, n, m).as_dict()]


def _table(rates: dict[str, dict[str, list[float]]], n: int, m: int) -> Table:
    rows, goals = [], []
    for name, (of, least) in AIMS.items():
        found = rates[name]
        shares = {
            part: quartiles([a / b for a, b in zip(found[part], found[of], strict=True)])
            for part in ("micro", "search", "whole")
        }
        middle = {part: quartiles(values)[1] for part, values in found.items()}
        rows.append([name, middle["fma"], middle["peak"], middle["micro"], *(shares[p] for p in shares)])
        against = "multiply-add rate" if of == "fma" else "peak of its instructions"
        goals.append(
            Goal(f"{name}, micro-kernel, of the {against}", 100 * shares["micro"][1], "%", at_least=100 * least)
        )
        print(
            f"  {name:12}",
            *(f"{p} {s[1]:.1%}" for p, s in shares.items()),
            {p: f"{v / 1e9:.1f} G" for p, v in middle.items()},
        )
    columns = [
        ("metric", "text"),
        ("multiply-adds", "rate"),
        ("its instructions allow", "rate"),
        ("micro-kernel", "rate"),
        ("micro-kernel, share", "share"),
        ("search kernel, share", "share"),
        ("`lw.topk`, share", "share"),
    ]
    what = (
        "How much of the rate that a formula's own instructions allow (for dot: of the multiply-add rate) the compiled "
        f"code reaches, median and quartiles. One core, float32, d = {D}; the micro-kernel and the search kernel on "
        f"rows that stay in the caches, `lw.topk` as a whole call with {n:,} queries and {m:,} prepared items."
    )
    return Table("kernels", "Kernels against their instructions", what, columns, rows, goals)
