"""A search by codes.

A chunk of queries is taken through

    seed      the best looking pairs of a sample, scored: a threshold that is nearly final
    scan      every pair in integers; those that the bound cannot exclude are listed
    refine    the listed pairs by finer codes, then in float32 (or exactly, in integers)

to the same lists of candidates that a float32 search fills; what is left is settled as ever.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likewise.backends.llvm import kernels, pool
from likewise.backends.llvm.candidates import Candidates
from likewise.backends.llvm.codes import CodedItems, code_side, levels_of, panels_of
from likewise.backends.llvm.jit import Bound, Kernel, kernel
from likewise.backends.llvm.kernels import Formula
from likewise.backends.llvm.kernels.codes import code_tile
from likewise.backends.llvm.kernels.scan import LISTED, REFINE_TICKS, SCAN_TICKS, SCORED, Level, Scan
from likewise.backends.llvm.rows import Side, address, exact_text
from likewise.formula.codes import (
    Coding,
    Part,
    biases,
    constants,
    lengths,
    typical_alpha,
    uncertainty,
    upward,
)
from likewise.formula.expr import Expr
from likewise.reductions import Counts

Floats = NDArray[np.float64]
#: Of how many coordinates the seeds' sketch is made.
SKETCH = 64


def _scan_call(scan: Scan, entry: str) -> Kernel:
    make = {"scan": kernels.scan.scan_kernel, "refine": kernels.scan.refine_kernel}[entry]
    formula = scan.formula
    terms = "; ".join(exact_text(t) for t in formula.terms)
    return kernel(
        entry,
        f"{entry} {scan.text} {formula.combine}[{terms}] then {exact_text(formula.last)}",
        kernels.scan.scan_fields(scan),
        lambda module, name: make(module, name, scan),
    )


class CodedQueries:
    """A chunk of queries, coded for one scan of one set of coded items."""

    def __init__(
        self,
        queries: Side,
        u: Expr,
        scale: Expr | None,
        items: CodedItems,
        formula: Formula,
        threads: int,
        mode: str = "topk",
    ) -> None:
        self.mode = mode
        coding = items.coding
        self.items, self.coding, self.formula, self.n = items, coding, formula, queries.n
        self.tile = code_tile(items.tile.target, coding.kind, queries.n)
        side = code_side(queries, u, scale, coding, threads)
        self.side = side
        rows, n = self.tile.rows, queries.n
        padded = -(-n // rows) * rows
        part = coding.parts[0]
        self.tiles = panels_of(side.parts[0], part, rows, self.tile.group, 0, threads)
        self.levels = levels_of(side, coding)
        self.extra = items.tile.offset  # what unsigned items add to each coordinate
        self.zero = np.zeros(padded, np.float32)
        self.init = self._init(part.ends)
        self.ends = np.array([-(-end // self.tile.group) for end in part.ends], np.int64)
        self.shifts = np.array(part.shifts, np.int32)

        def floats(values: Any) -> NDArray[np.float32]:
            made = np.zeros(padded, np.float32)
            made[:n] = values
            return made

        if coding.kind == "dot":
            self.gain = 0.5 if coding.rule == "square" else 1.0
            start, _ = constants(coding, side.whole, side.inner, coding.mean_squares)
            self.constant = floats(start)
            self.a = [floats(r.scale / p.top) for r, p in zip(side.parts, coding.parts, strict=True)]
            self.t = [
                floats(upward(uncertainty(found, alpha, True, lossless)))
                for found, alpha, lossless in zip(self.levels, items.alphas, items.lossless, strict=True)
            ]
        else:
            unit = part.fixed
            error = side.parts[0].error * (1 + 2.0**-20)
            if coding.kind == "sum":
                self.gain, self.constant = 1.0, floats(-upward(error))
                self.a = [floats(np.full(n, -unit))]
            else:
                most = float(items.side.parts[0].error.max(initial=0.0)) * (1 + 2.0**-20)
                self.gain, self.constant = 1 / unit, floats(-upward((error + most) / unit))
                self.a = [floats(np.ones(n))]
            self.t = [floats(np.zeros(n))]
        self.sketch = self._sketch(part)
        # integers are the answer where neither side leaves anything out
        self.exact = side.exact is not None and not side.exact.error.any() and not items.side.exact_error
        self.scans()

    def _init(self, ends: Sequence[int]) -> NDArray[np.int32]:
        """What unsigned items add too much, taken away at the start of each block: (tiles, blocks, rows)."""
        blocks = len(ends) - 1
        init = np.zeros((len(self.zero), blocks), np.int32)
        if self.extra:
            for block, (a, b) in enumerate(itertools.pairwise(ends)):
                init[: self.n, block] = -self.extra * self.side.parts[0].codes[:, a:b].sum(axis=1, dtype=np.int32)
        return np.ascontiguousarray(init.reshape(-1, self.tile.rows, blocks).transpose(0, 2, 1))

    def _sketch(self, part: Part) -> dict[str, Any]:
        """Fields of a look at the first coordinates only, which finds the seeds: no bound, just an estimate."""
        most = SKETCH if self.coding.kind == "dot" else part.d
        if part.d <= most:
            return {}
        ends = [0, *(min(end, most) for a, end in itertools.pairwise(part.ends) if a < most)]
        blocks = len(ends) - 1
        self.sketch_ends = np.array([-(-end // self.tile.group) for end in ends], np.int64)
        self.sketch_init = self._init(ends)
        self.sketch_a = self.a[0] * np.float32((part.top / part.weight[ends[-1] - 1]) ** 2)
        return {"blocks": blocks, "inits": blocks, "ends": address(self.sketch_ends)}

    def sketch_fields(self, at: int) -> dict[str, Any]:
        """Those fields for queries from number ``at``."""
        if not self.sketch:
            return {}
        blocks = self.sketch["blocks"]
        return self.sketch | {
            "init": address(self.sketch_init) + at * blocks * 4,
            "a_x": address(self.sketch_a) + 4 * at,
            "t_x": address(self.zero),
        }

    def scans(self) -> None:
        """Which levels listed pairs go through."""
        coding, levels = self.coding, [Level(carry=True) for _ in self.coding.parts[1:]]
        if self.exact and coding.exact_at_once:
            levels.append(Level(exact=True, at_once=True))
        elif coding.exact is not None and not coding.exact_at_once:
            levels.append(Level(exact=self.exact))
        dot = coding.kind == "dot"
        scaled = dot and coding.parts[0].fixed == 0
        self.scan = Scan(self.tile, scaled, dot, tuple(levels), self.formula, self.mode)
        direct = tuple(level for level in levels if level.exact and not level.at_once)
        if self.exact and coding.exact_at_once and dot:
            direct = (Level(exact=True),)
        self.seeding = Scan(self.tile, scaled, dot, (), self.formula, "seed")
        self.settling = Scan(self.tile, scaled, dot, direct, self.formula, "topk")
        #: whether the seeds' own scores are the answer already
        self.seeds_exact = self.exact and not dot

    @property
    def needs_rows(self) -> bool:
        """Whether float32 scores are computed, from rows."""
        last = self.scan.levels[-1:]
        return not (last and last[0].exact)

    @functools.cached_property
    def exact_arrays(self) -> dict[str, Any]:
        """Statistics of the exact level (or of one as fine as that): float64 where exact, else float32."""
        coding, mine, theirs = self.coding, self.side.exact, self.items.side.exact
        if mine is None or theirs is None or coding.exact is None:
            return {}
        kind = np.float64 if self.exact else np.float32
        squared = float(coding.exact.mean @ coding.exact.mean)
        if coding.kind != "dot":
            # the key is the integer itself: (constant - sum) / gain
            return {"b_y": np.zeros(self.items.side.n), "constant": np.zeros(self.n), "gain": -1.0}
        part = Coding(coding.rule, None, (coding.exact,), coding.exact, coding.exact)
        start, gain = constants(part, mine.squares, mine.inner, squared, exact=self.exact)
        bias = -0.5 * theirs.squares if coding.rule == "square" else theirs.inner
        made: dict[str, Any] = {"gain": gain}
        if self.exact:
            made |= {"b_y": np.ascontiguousarray(bias), "constant": np.ascontiguousarray(start)}
        else:
            raw = np.sqrt(mine.squares) + 2 * np.sqrt(squared)
            x = lengths([mine.squares], [mine.error], mine.squares, raw, part)
            raw = np.sqrt(theirs.squares) + 2 * np.sqrt(squared)
            y = lengths([theirs.squares], [theirs.error], theirs.squares, raw, part)
            alpha = typical_alpha(y)
            none = not bool(theirs.error.any())
            made |= {
                "b_y": upward(biases(part, theirs.squares, theirs.inner)),
                "constant": start.astype(kind),
                "t_x": upward(uncertainty(x, alpha, True, none)),
                "t_y": upward(uncertainty(y, alpha, False, none)),
                "a_x": mine.scale.astype(np.float32),
                "s_y": theirs.scale.astype(np.float32),
            }
        made |= {"init": (-self.extra * mine.total).astype(np.int32)}
        return made

    def level_fields(self, scan: Scan, at: int) -> dict[str, Any]:
        """The levels' fields, for queries from number ``at``."""
        fields: dict[str, Any] = {}
        carried = 1
        for i, level in enumerate(scan.levels):
            made: dict[str, Any] = dict.fromkeys(("x", "y", "stride", "init", "a_x", "t_x", "s_y", "t_y", "b_y"), 0)
            if level.carry:
                pair = self.side.parts[carried], self.items.side.parts[carried]
                made |= {
                    "init": address(self.level_init[carried]) + 4 * at,
                    "a_x": address(self.a[carried]) + 4 * at,
                    "t_x": address(self.t[carried]) + 4 * at,
                    "s_y": address(self.items.scales[carried]),
                    "t_y": address(self.items.uncertain[carried]),
                    "b_y": address(self.items.bias),
                    "constant": address(self.constant) + 4 * at,
                    "gain": self.gain,
                }
                carried += 1
            else:
                arrays = self.exact_arrays
                assert self.side.exact is not None
                assert self.items.side.exact is not None
                pair = self.side.exact, self.items.side.exact
                size = 8 if level.exact else 4
                made |= {"gain": float(arrays["gain"]), "b_y": address(arrays["b_y"])}
                made["constant"] = address(arrays["constant"]) + size * at
                if "init" in arrays:
                    made["init"] = address(arrays["init"]) + 4 * at
                if not level.exact:
                    made |= {
                        "a_x": address(arrays["a_x"]) + 4 * at,
                        "t_x": address(arrays["t_x"]) + 4 * at,
                        "s_y": address(arrays["s_y"]),
                        "t_y": address(arrays["t_y"]),
                    }
            stride = pair[0].codes.shape[1]
            made |= {"x": address(pair[0].codes) + at * stride, "y": address(pair[1].codes), "stride": stride}
            fields |= {f"{name}_{i}": value for name, value in made.items()}
        return fields

    @functools.cached_property
    def level_init(self) -> list[NDArray[np.int32]]:
        return [(-self.extra * part.total).astype(np.int32) for part in self.side.parts]

    def scan_fields(self, at: int) -> dict[str, Any]:
        """The dense part's fields."""
        items = self.items
        steps = int(self.ends[-1])
        return {
            "queries": address(self.tiles) + at * steps * self.tile.group,
            "items": address(items.panels),
            "steps": steps,
            "blocks": len(self.shifts),
            "ends": address(self.ends),
            "shifts": address(self.shifts),
            "init": address(self.init) + at * len(self.shifts) * 4,
            "inits": len(self.shifts),
            "a_x": address(self.a[0]) + 4 * at,
            "t_x": address(self.t[0]) + 4 * at,
            "s_y": address(items.scales[0]),
            "t_y": address(items.uncertain[0]) if self.coding.kind == "dot" else 0,
            "b_y": address(items.bias),
            "constant": address(self.constant) + 4 * at,
            "gain": self.gain,
            "margin": -(2.0**-18),
        }


# ------------------------------------------------------------------------------------------------- one chunk

#: Items whose finer codes stay in the second-level cache while a group's listed pairs are refined.
_STRETCH_BYTES = 768 << 10
#: Pairs of a list: 12 bytes each, in the second-level cache with them.
_ROOM = 1 << 15
#: Items among which the first threshold is sought, as a share of all, and how much of each is looked at.
SEED_SHARE = 0.125


@dataclass
class Rows32:
    """Float32 rows of both sides, row-major, and their statistics, for the scores of single pairs."""

    x: NDArray[np.float32] | None
    y: NDArray[np.float32] | None
    stats: dict[str, NDArray[np.float32]]
    x_stats: frozenset[str]

    def fields(self, d: int, at: int) -> dict[str, int]:
        """Addresses, for queries from number ``at``."""
        made = {
            "x_rows": 0 if self.x is None else address(self.x) + at * d * 4,
            "y_rows": 0 if self.y is None else address(self.y),
        }
        return made | {s: address(v) + (4 * at if s in self.x_stats else 0) for s, v in self.stats.items()}


def seed_panels(panels: int, width: int, wanted: int) -> list[tuple[int, int]]:
    """Four or fewer ranges of panels, evenly spread and apart, of some ``wanted`` items together.

    Apart: an item that came twice would count twice, and the threshold would be too good to be true.
    """
    count = min(panels, -(-wanted // width))
    pieces = min(4, count)
    size = -(-count // pieces)
    starts = [piece * panels // pieces for piece in range(pieces + 1)]
    return [(a, min(a + size, b)) for a, b in itertools.pairwise(starts)]


def query_groups(n: int, rows: int, threads: int) -> list[tuple[int, int]]:
    """Ranges of queries, whole tiles each, about equal, at most 504 of them, and as many for each thread."""
    tiles = -(-n // rows)
    count = min(max(-(-n // 504), threads), tiles)
    count = min(-(-count // threads) * threads, tiles)
    step = -(-tiles // max(count, 1)) * rows
    return [(a, min(a + step, n)) for a in range(0, n, step)]


def list_fields(entries: NDArray[np.int32] | None) -> dict[str, int]:
    """A list's three columns: rows, items, numbers."""
    names = ("list_row", "list_item", "list_number")
    if entries is None:
        return dict.fromkeys(names, 0)
    return {name: address(column) for name, column in zip(names, entries, strict=True)}


class ChunkScan:
    """A chunk of queries through seed, scan and refine, by groups on all threads."""

    def __init__(
        self, queries: CodedQueries, rows: Rows32, d: int, m: int, k: int, slope: float,
        offset: NDArray[np.float32], mask: Any, counts: Counts,
    ) -> None:  # fmt: skip
        self.queries, self.rows, self.d, self.m, self.k = queries, rows, d, m, k
        self.slope, self.offset, self.mask, self.counts = slope, offset, mask, counts
        self.zeros = np.zeros(len(queries.constant), np.float32)
        self.room = max(_ROOM, 2 * 504 * queries.tile.width)
        self.calls = {"scan": _scan_call(queries.scan, "scan")}
        if queries.scan.mode == "topk":
            self.calls["seed"] = _scan_call(queries.seeding, "scan")
            self.calls["settle"] = _scan_call(queries.settling, "refine")

    def base(self, at: int, count: int) -> tuple[dict[str, Any], tuple[NDArray[Any], ...]]:
        """A task's fields, and what they name of its own: tally and limits, which another part of the items has too."""
        tally, limit = np.zeros(4, np.int64), np.zeros(count + self.queries.tile.rows, np.float32)
        return {
            "n": count,
            "m": self.m,
            "base": 0,
            "d": self.d,
            "one": 0,
            "finish": 0,
            "limit": address(limit),
            "tally": address(tally),
            "hits_row": 0,
            "hits_item": 0,
            "hits": 0,
            "hits_room": 0,
            **list_fields(None),
            "room": self.room,
            "stretch": self.stretch,
            **self.queries.scan_fields(at),
            **self.rows.fields(self.d, at),
            **self.mask(at),
        }, (tally, limit)

    @functools.cached_property
    def stretch(self) -> int:
        """Panels between two refinements."""
        levels = self.queries.scan.levels
        row = 4 * self.d if not levels or levels[0].at_once else self.queries.items.side.parts[-1].codes.shape[1]
        return max(1, _STRETCH_BYTES // max(row, 64) // self.queries.tile.width)

    def seed(self, state: Candidates, a: int, b: int) -> None:
        """Thresholds of queries a..b from the best looking of a sample, scored."""
        queries, n = self.queries, b - a
        width = queries.tile.width
        panels = -(-self.m // width)
        seeds = self.k if queries.seeds_exact else self.k + self.k // 2 + 1
        own = Candidates.empty(n, seeds, self.m, np.dtype(np.float32))
        lists = own.fields(0, 1.0, self.zeros)
        base, _own = self.base(a, n)
        scan = {
            **base,
            **queries.sketch_fields(a),
            "constant": address(self.zeros),
            "gain": 1.0,
            "margin": 0.0,
            **lists,
        }
        ranges = seed_panels(panels, width, max(int(self.m * SEED_SHARE), 4 * seeds))
        call = Bound(self.calls["seed"], scan | {"first": 0, "last": 0})
        for first, last in ranges:
            call.put("first", first)
            call.put("last", last)
            if last == ranges[-1][1]:
                call.put("finish", n)
                call.put("spare", 0)
            call()
        if queries.seeds_exact:  # the k-th smallest integer: the list's threshold is just below, and so may its key be
            state.threshold[a:b] = np.rint(np.nextafter(own.threshold[:n], np.float32(np.inf)))
            return
        rows, columns = np.nonzero(np.arange(own.keys.shape[1]) < own.count[:, None])
        entries = np.zeros((3, len(rows) + 32), np.int32)
        entries[0, : len(rows)], entries[1, : len(rows)] = rows, own.found[rows, columns]
        mine = Candidates.empty(n, self.k, self.m, np.dtype(np.float32))
        lists = mine.fields(0, self.slope, self.offset[a:])
        fields = {**base, **lists, **queries.level_fields(queries.settling, a)}
        refine = {**fields, **list_fields(entries), "first": len(rows), "last": 0, "finish": n, "spare": 0}
        self.calls["settle"](**refine)
        state.threshold[a:b] = np.where(mine.overflow != 0, np.inf, mine.threshold[:n])

    def scan(self, state: Candidates, a: int, b: int, first: int, last: int) -> None:
        """Panels first..last against queries a..b."""
        queries, n = self.queries, b - a
        base, (tally, _limit) = self.base(a, n)
        entries = np.empty((3, self.room + 64), np.int32)
        fields = {**base, **state.fields(a, self.slope, self.offset), **queries.level_fields(queries.scan, a)}
        fields |= list_fields(entries)
        work = max(1, n) * queries.coding.parts[0].d * queries.tile.width
        step = max(1, int(8e9 / work))
        begun = time.thread_time()
        call = Bound(self.calls["scan"], fields | {"first": first, "last": first})
        for p in range(first, last, step):
            if pool.stopped():
                return
            call.put("first", p)
            call.put("last", min(p + step, last))
            call()
        self._counted(tally, n, first, last, time.thread_time() - begun)

    def within(self, threshold: NDArray[np.float32], a: int, b: int) -> Iterator[tuple[Any, Any]]:
        """(queries, items) of the pairs of queries a..b that reach their thresholds, some at a time."""
        queries, n = self.queries, b - a
        base, (tally, _limit) = self.base(a, n)
        entries = np.empty((3, self.room + 64), np.int32)
        room = 2 * self.room
        rows, items, hits = np.empty(room, np.int64), np.empty(room, np.int64), np.zeros(1, np.int64)
        fields = {
            **base,
            **dict.fromkeys((*kernels.LIST_FIELDS, "stride"), 0),
            **queries.level_fields(queries.scan, a),
            **list_fields(entries),
            "threshold": address(threshold) + 4 * a,
            "hits_row": address(rows),
            "hits_item": address(items),
            "hits": address(hits),
            "hits_room": room,
        }
        panels, begun = -(-self.m // queries.tile.width), time.thread_time()
        p, step = 0, max(1, int(8e9 / (max(1, n) * queries.coding.parts[0].d * queries.tile.width)))
        while p < panels and not pool.stopped():
            hits[0] = 0
            p = self.calls["scan"](**{**fields, "first": p, "last": min(p + step, panels)})
            if found := int(hits[0]):
                yield rows[:found] + a, items[:found].copy()
        self._counted(tally, n, 0, panels, time.thread_time() - begun)

    def _counted(self, tally: NDArray[np.int64], n: int, first: int, last: int, spent: float) -> None:
        """What a scan of n queries against panels first..last did."""
        queries = self.queries
        ticks = int(tally[SCAN_TICKS]), int(tally[REFINE_TICKS])
        pairs = n * max(min(last * queries.tile.width, self.m) - first * queries.tile.width, 0)
        self.counts.kind = queries.coding.kind
        self.counts.add(
            screened=pairs,
            coordinates=pairs * queries.coding.parts[0].d,
            listed=int(tally[LISTED]),
            scored=int(tally[SCORED]),
            scan_seconds=spent * ticks[0] / max(sum(ticks), 1),
        )
