"""One query at a time against prepared items: all that does not depend on the query is made ready before.

A search of many queries spends a millisecond or two on checks, plans and records before its first pair. Here the
records of four kernels are filled once, and a query costs four calls: measure, code, go through the items, settle.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.candidates import Candidates
from likewise.backends.llvm.codes import CodedItems
from likewise.backends.llvm.filters import FilterFields
from likewise.backends.llvm.jit import Bound, kernel
from likewise.backends.llvm.kernels import Formula
from likewise.backends.llvm.kernels.codes import CodeTile
from likewise.backends.llvm.kernels.scan import Level, Scan
from likewise.backends.llvm.rows import Side, address, aligned, exact_text
from likewise.backends.llvm.scan import list_fields
from likewise.backends.llvm.target import Target, current
from likewise.formula.codes import Coding
from likewise.formula.metric import Metric
from likewise.formula.screen import Screen, Slack

#: A thread takes 50 to 100 microseconds to wake: it is given codes that take several times as long to read.
_PART_BYTES = 12 << 20
Answer = tuple[NDArray[np.float64], NDArray[np.int64]]


def serves(coding: Coding, metric: Metric, screen: Screen, formula: Formula) -> bool:
    """Whether one query at a time can go this way: principal coordinates of rows as they come, or over their norm."""
    plain = screen.core.u.op == "x" and screen.core.v.op == "y" and metric.matrix is None
    stats = {name for name in metric.stats if name.endswith("x")}
    return coding.basis is not None and plain and not formula.stats and stats <= {"norm_x"}


class Single:
    """What it takes to answer one float32 query after another, for one k; one for each thread that asks."""

    def __init__(
        self, items: CodedItems, side: Side, rows: NDArray[Any], metric: Metric, screen: Screen, formula: Formula,
        key: Any, slack: Slack, largest_norm: float, magnitude: float, k: int, threads: int,
    ) -> None:  # fmt: skip
        self.coding, self.k, self.d, self.slack, self.threads = items.coding, k, side.d, slack, threads
        self.largest_norm, self.magnitude, self.scaled = largest_norm, magnitude, screen.scale_x is not None
        self.keep: list[Any] = [items, side, rows]
        self.floats = {name: np.zeros(1) for name in (*kernels.ROW_STATS[:-1], "norm")}
        self.flags = np.zeros(1, np.int64)
        self.row = np.zeros(side.d, np.float32)
        self.offset = np.zeros(1, np.float32)
        self.low, self.high = self.floats["low"], self.floats["high"]
        self._measure()
        self._code(items, screen)
        panels = -(-side.n // items.tile.width)
        count = max(1, min(threads, items.panels.nbytes // _PART_BYTES))
        cuts = [part * panels // count for part in range(count + 1)]
        self.lists = [Candidates.empty(1, k, side.n, np.dtype(np.float32)) for _ in range(count)]
        made = zip(cuts, cuts[1:], self.lists, strict=False)
        self.searches = [self._search(items, side, rows, formula, first, last, lists) for first, last, lists in made]
        self.others = [_Other(search) for search in self.searches[1:]]
        self.found = np.zeros(sum(lists.keys.shape[1] for lists in self.lists), np.int64)
        self._settle(metric, key, side)

    def array(self, count: int, dtype: Any) -> NDArray[Any]:
        """Memory that a record names."""
        made = aligned(count, dtype)
        made[:] = 0
        self.keep.append(made)
        return made

    def given(self, values: Any, dtype: Any) -> int:
        """The address of numbers that a record names."""
        made = np.ascontiguousarray(values, dtype)
        self.keep.append(made)
        return address(made)

    def _measure(self) -> None:
        run = kernel(
            "stats", "stats float32", kernels.STATS_FIELDS,
            lambda module, name: kernels.stats_kernel(module, name, "float32"),
        )  # fmt: skip
        out = {name: address(self.floats[name]) for name in kernels.ROW_STATS[:-1]} | {"flags": address(self.flags)}
        self.measure = Bound(run, {"rows": address(self.row), "n": 1, "d": self.d, **out})

    def _code(self, items: CodedItems, screen: Screen) -> None:
        coding, u, scale = self.coding, screen.core.u, screen.scale_x
        exact, d = coding.exact, self.d
        assert coding.basis is not None
        run = kernel(
            "query",
            f"query {exact_text(u)} / {exact_text(scale) if scale else None} {coding.rule} {exact is not None}",
            kernels.single.query_fields(u, scale),
            lambda module, name: kernels.single.query_kernel(
                module, name, "float32", u, scale, coding.rule, exact=exact is not None
            ),
        )
        parts, wide = coding.parts, coding.basis.shape[1]
        h = -(-wide // 64) * 64
        basis = np.zeros((d, h), np.float32)
        basis[:, :wide] = coding.basis
        cuts = np.concatenate([[0], np.cumsum([part.d for part in parts])])
        blocks = np.concatenate([[0], np.cumsum([len(part.ends) - 1 for part in parts])])
        strides = [rows.codes.shape[1] for rows in items.side.parts]
        starts = np.concatenate([[0], np.cumsum(strides)])
        self.codes, self.starts = self.array(int(starts[-1]), np.int8), starts
        self.a, self.t, self.constant = (self.array(16, np.float32) for _ in range(3))
        self.init, self.blocks = self.array(int(blocks[-1]), np.int32), blocks
        self.exact_codes, self.exact_constant = self.array(-(-d // 64) * 64, np.int8), self.array(1, np.float64)
        self.exact_init, self.x32 = self.array(1, np.int32), self.array(d, np.float32)
        turned = np.zeros(h)
        fields = {
            "row": address(self.row),
            "d": d,
            "h": h,
            "mean": self.given(coding.space.mean, np.float64),
            "basis": self.given(basis, np.float32),
            "shrink": float(coding.shrink),
            "slip": (d + 8) * math.sqrt(wide) * 2.0**-52,
            "offset": items.tile.offset,
            "mean_squares": float(coding.mean_squares),
            "parts": len(parts),
            "cuts": self.given(cuts, np.int64),
            "turned": address(turned),
            "weight": self.given(np.concatenate([part.weight for part in parts]), np.float64),
            "high": float(parts[0].high),
            "top": self.given([part.top for part in parts], np.float64),
            "alpha": self.given(items.alphas, np.float64),
            "blocks": self.given(blocks, np.int64),
            "ends": self.given(np.concatenate([part.ends for part in parts]), np.int64),
            "z": address(self.array(h, np.float64)),
            "x32": address(self.x32),
            "centred": address(self.array(d, np.float64)),
            "codes": address(self.codes),
            "starts": self.given(starts, np.int64),
            "a": address(self.a),
            "t": address(self.t),
            "init": address(self.init),
            "inits": 0,
            "constant": address(self.constant),
            "exact_mean": 0 if exact is None else self.given(exact.mean, np.float64),
            "exact_low": 0.0 if exact is None else float(exact.low),
            "exact_high": 0.0 if exact is None else float(exact.high),
            "exact_squares": 0.0 if exact is None else float(exact.mean @ exact.mean),
            "exact_codes": address(self.exact_codes),
            "exact_constant": address(self.exact_constant),
            "exact_init": address(self.exact_init),
        }
        names = kernels.stat_fields((u, *([scale] if scale else [])))
        self.code = Bound(run, fields | {name: address(self.floats[name[:-2]]) for name in names})

    def _search(
        self, items: CodedItems, side: Side, rows: NDArray[Any], formula: Formula, first: int, last: int,
        lists: Candidates,
    ) -> Bound:  # fmt: skip
        coding, tile = self.coding, CodeTile("dot", 1, items.tile.vectors, items.tile.target)
        exact = coding.exact is not None
        levels = tuple(Level(carry=True) for _ in coding.parts[1:]) + ((Level(exact=True),) if exact else ())
        scan = Scan(tile, True, True, levels, formula, "topk")
        terms = "; ".join(exact_text(t) for t in formula.terms)
        run = kernel(
            "nearest",
            f"nearest {scan.text} {formula.combine}[{terms}] then {exact_text(formula.last)}",
            kernels.single.nearest_fields(scan),
            lambda module, name: kernels.single.nearest_kernel(module, name, scan),
        )
        part, gain = coding.parts[0], 0.5 if coding.rule == "square" else 1.0
        room = (last - first) * tile.width + 64
        dense = {
            "queries": address(self.codes),
            "items": address(items.panels),
            "steps": -(-part.d // tile.group),
            "blocks": len(part.ends) - 1,
            "inits": len(part.ends) - 1,
            "ends": self.given([-(-end // tile.group) for end in part.ends], np.int64),
            "shifts": self.given(part.shifts, np.int32),
            "init": address(self.init),
            "a_x": address(self.a),
            "t_x": address(self.t),
            "s_y": address(items.scales[0]),
            "t_y": address(items.uncertain[0]),
            "b_y": address(items.bias),
            "limit": address(self.array(1, np.float32)),
            "constant": address(self.constant),
            "gain": gain,
            "margin": -(2.0**-18),
        }
        entries = self.array(3 * room, np.int32).reshape(3, room)
        fields: dict[str, Any] = {
            **dict.fromkeys(run.fields, 0),
            **dense,
            **lists.fields(0, self.slack.slope, self.offset),
            **FilterFields(None).of(0, 0),
            **list_fields(entries),
            **self._levels(items, gain),
            "n": 1,
            "m": side.n,
            "first": first,
            "last": last,
            "d": self.d,
            "tally": address(self.array(4, np.int64)),
            "x_rows": address(self.x32),
            "y_rows": address(rows),
            "sums": address(self.array(room, np.int32)),
            "best": address(self.array(room // 8 + 64, np.float32)),
            "seeds": 2 * self.k + 16,
        }
        return Bound(run, fields)

    def _levels(self, items: CodedItems, gain: float) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        coding, count = self.coding, len(self.coding.parts) - 1
        for i in range(count):
            theirs = items.side.parts[i + 1]
            made = {
                "x": address(self.codes) + int(self.starts[i + 1]),
                "y": address(theirs.codes),
                "stride": theirs.codes.shape[1],
                "init": address(self.init) + 4 * int(self.blocks[i + 1]),
                "a_x": address(self.a) + 4 * (i + 1),
                "t_x": address(self.t) + 4 * (i + 1),
                "s_y": address(items.scales[i + 1]),
                "t_y": address(items.uncertain[i + 1]),
                "b_y": address(items.bias),
                "constant": address(self.constant),
                "gain": gain,
            }
            fields |= {f"{name}_{i}": value for name, value in made.items()}
        exact = items.side.exact
        if exact is not None:
            bias = -0.5 * exact.squares if coding.rule == "square" else exact.inner
            made = {
                "x": address(self.exact_codes),
                "y": address(exact.codes),
                "stride": exact.codes.shape[1],
                "init": address(self.exact_init),
                "b_y": self.given(bias, np.float64),
                "constant": address(self.exact_constant),
                "gain": gain,
            }
            fields |= {f"{name}_{count}": value for name, value in made.items()}
        return fields

    def _settle(self, metric: Metric, key: Any, side: Side) -> None:
        formula = Formula(metric.terms, metric.combine, key)
        terms = "; ".join(exact_text(t) for t in metric.terms)
        run = kernel(
            "pairs",
            f"pairs {metric.combine}[{terms}] {exact_text(key)} {exact_text(metric.finish)} float32 {side.dtype}",
            kernels.pairs_fields(formula, metric.finish),
            lambda module, name: kernels.pairs_kernel(module, name, formula, metric.finish, "float32", side.dtype),
        )
        room = len(self.found)
        self.keys, self.values = self.array(room, np.float64), self.array(room, np.float64)
        stats = {
            name: address(self.floats[name[:-2]] if name.endswith("x") else side.stat(name[:-2]))
            for name in kernels.stat_fields((key, metric.finish, *metric.terms))
        }
        fields = {
            "x": address(self.row),
            "y": address(side.rows),
            "x_rows": address(self.array(room, np.int64)),
            "y_rows": address(self.found),
            "count": 0,
            "d": self.d,
            "keys": address(self.keys),
            "values": address(self.values),
            **stats,
        }
        self.settle = Bound(run, fields)
        self.count_at = self.settle.at["count"]

    def topk(self, row: NDArray[np.float32]) -> Answer | None:
        """(values, indices) of the k nearest, or None where a search of many has to see to this query."""
        self.row[:] = row
        self.measure()
        if int(self.flags[0]) & kernels.NOT_FINITE or not self._in_range():
            return None
        self.floats["norm"][0] = norm = math.sqrt(self.floats["squares"][0])
        if not self.code():
            return None
        self.offset[0] = self._offset_of(norm)
        for lists in self.lists:
            lists.count[0] = lists.overflow[0] = 0
            lists.trigger[0], lists.threshold[0] = self.k, np.inf
        self._run()
        count = 0
        for lists in self.lists:  # parts in the order of the items, so that ties stay in it
            more = int(lists.count[0])
            self.found[count : count + more] = lists.found[0, :more]
            count += more
            if lists.overflow[0]:
                return None
        if count < self.k:
            return None
        self.settle.record[self.count_at] = count
        self.settle()
        order = self.keys[:count].argsort(kind="stable")[: self.k]
        if self.keys[order[-1]] != self.keys[order[-1]]:  # NaN
            return None
        return self.values[order], self.found[order]

    def _run(self) -> None:
        """All parts of the items, each on a thread of its own."""
        for other in self.others:
            other.begin()
        try:
            self.searches[0]()
        finally:
            for other in self.others:
                other.wait()

    def _in_range(self) -> bool:
        return bool(-self.magnitude <= self.low[0] and self.high[0] <= self.magnitude)

    def _offset_of(self, norm: float) -> np.float32:
        found = self.slack
        size = 1 + 2.0**-20 if self.scaled else norm * (1 + 2.0**-20)
        made = found.base
        if found.kind == "dot":
            made = found.relative * size * self.largest_norm + found.base * (1 + size + self.largest_norm)
        return np.float32(np.nextafter(np.float32(made), np.float32(np.inf)))


class _Other:
    """A thread that makes one call again and again."""

    def __init__(self, call: Bound) -> None:
        self.go, self.done, self.stop = threading.Lock(), threading.Lock(), [False]
        self.go.acquire()
        self.done.acquire()
        arguments = (call, self.go, self.done, self.stop)  # not itself: it ends when nobody needs it
        threading.Thread(target=_again, args=arguments, name="likewise-other", daemon=True).start()

    def begin(self) -> None:
        self.go.release()

    def wait(self) -> None:
        self.done.acquire()

    def __del__(self) -> None:
        self.stop[0] = True
        if self.go.locked():
            self.go.release()


def _again(call: Bound, go: threading.Lock, done: threading.Lock, stop: list[bool]) -> None:
    while True:
        go.acquire()
        if stop[0]:
            return
        call()
        done.release()


class Singles:
    """:class:`Single` of one prepared set, for each thread that asks."""

    def __init__(self, make: Callable[[int, int], Single], target: Target) -> None:
        self.make, self.target, self.local = make, target, threading.local()

    def get(self, k: int, n_jobs: int | None) -> Single | None:
        """The calling thread's own for that k; None on another target than the codes are for."""
        if current() is not self.target:
            return None
        known = getattr(self.local, "known", None)
        if known != (k, n_jobs, os.getpid()):  # after a fork, other threads are gone
            self.local.single = self.make(k, pool.resolve_jobs(n_jobs))
            self.local.known = (k, n_jobs, os.getpid())
        single: Single = self.local.single
        return single
